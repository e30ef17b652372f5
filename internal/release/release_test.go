package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"

	"sigmac/internal/about"
)

var at = time.Date(2026, 1, 2, 3, 4, 6, 0, time.UTC)

// TestRelease writes a release for this platform twice, in other circumstances, and tries what is in it: equal
// bytes, checksums, the SBOM, and the command alone in an empty root.
func TestRelease(t *testing.T) {
	host := platform{runtime.GOOS, runtime.GOARCH}
	r := release{version: "1.2.3-test", time: at, platforms: []platform{host}}
	first, second := filepath.Join(t.TempDir(), "one"), filepath.Join(t.TempDir(), "two")
	if err := r.write(first); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TZ", "Asia/Tokyo")
	t.Setenv("GOFLAGS", "-ldflags=-X=main.version=other")
	t.Setenv("TMPDIR", t.TempDir())
	if err := r.write(second); err != nil {
		t.Fatal(err)
	}
	files := read(t, first)
	for name, data := range read(t, second) {
		if !bytes.Equal(files[name], data) {
			t.Errorf("%s is not the same twice", name)
		}
	}
	if len(files) != 5 {
		t.Errorf("%d files", len(files))
	}
	sums := string(files["checksums.txt"])
	for name, data := range files {
		if line := fmt.Sprintf("%x  %s\n", sha256.Sum256(data), name); name != "checksums.txt" && !strings.Contains(sums, line) {
			t.Errorf("the checksums lack %s", line)
		}
	}
	holdsSBOM(t, files["sigmac_1.2.3-test.cdx.json"])
	root := t.TempDir()
	unpack(t, r.archive(host), files[r.archive(host)], root)
	worksAlone(t, root, "sigmac/"+host.binary())
}

func read(t *testing.T, dir string) map[string][]byte {
	out := map[string][]byte{}
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if err == nil {
			out[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name()))
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// worksAlone runs the command that was unpacked in root, where nothing else is: no variable, no command, no Go.
func worksAlone(t *testing.T, root, binary string) {
	write := func(name, text string) {
		name = filepath.Join(root, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o777), os.WriteFile(name, []byte(text), 0o666)); err != nil {
			t.Fatal(err)
		}
	}
	const rule = "title: One\nid: 6a1f3c1e-0000-4000-8000-000000000001\nlogsource:\n  product: windows\n  category: process_creation\ndetection:\n  sel:\n    Image|endswith: '\\one.exe'\n  condition: sel\n"
	write("rules/one.yml", rule)
	write("rules/two.yml", strings.ReplaceAll(strings.ReplaceAll(rule, "one.exe", "two.exe"), "000001", "000002"))
	attr := chroot(root)
	sigmac := func(args ...string) (string, error) {
		cmd := exec.Command(filepath.Join(root, filepath.FromSlash(binary)), args...)
		if attr != nil {
			cmd = exec.Command("/"+binary, args...)
		}
		cmd.Env, cmd.SysProcAttr, cmd.Dir = []string{}, attr, root
		if attr != nil {
			cmd.Dir = "/"
		}
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if _, err := sigmac("version"); attr != nil && err != nil {
		t.Log("no chroot here: ", err)
		attr = nil
	}
	t.Logf("in a root of its own: %t; without it, with no variables", attr != nil)
	for _, c := range []struct{ args, want string }{
		{"version", "sigmac 1.2.3-test\n"},
		{"convert -t splunk -t kusto -t elastic rules/one.yml", `Image="*\\one.exe"`},
		{"convert --verify -t splunk -f savedsearches rules", "[One ("},
		{"check rules/one.yml", "1 file"},
		{"diff rules/one.yml rules/two.yml", `no longer matched: {"Image":`},
		{"catalog build --sigma rules -o site", ""},
	} {
		out, err := sigmac(strings.Fields(c.args)...)
		if err != nil || !strings.Contains(out, c.want) {
			t.Errorf("sigmac %s: %v\n%s", c.args, err, out)
		}
	}
	if _, err := os.Stat(filepath.Join(root, "site", "index.html")); err != nil {
		t.Error(err)
	}
	for name, args := range map[string]string{"completion/sigmac.bash": "completion bash", "completion/sigmac.zsh": "completion zsh", "completion/sigmac.fish": "completion fish", "man/sigmac.1": "man"} {
		text, err := os.ReadFile(filepath.Join(root, "sigmac", name))
		says, fails := sigmac(strings.Fields(args)...)
		if err != nil || fails != nil || len(text) == 0 || string(text) != says {
			t.Errorf("%s is not what sigmac %s prints: %v, %v", name, args, err, fails)
		}
	}
	if page, err := os.ReadFile(filepath.Join(root, "sigmac/man/sigmac.1")); err != nil || !strings.Contains(string(page), `sigmac 1.2.3\-test`) {
		t.Error("the manual page has another version", err)
	}
	if text, err := os.ReadFile(filepath.Join(root, "sigmac/LICENSES.txt")); err != nil || !strings.Contains(string(text), "gopkg.in/yaml.v3 v") || !strings.Contains(string(text), "std 1.") {
		t.Errorf("the licenses of what is linked are not there: %v", err)
	}
	for name, want := range map[string]string{"LICENSE": "Apache License", "LICENSES.txt": "The MITRE Corporation", "README.md": "# sigmac"} {
		if text, err := os.ReadFile(filepath.Join(root, "sigmac", name)); err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s lacks %q: %v", name, want, err)
		}
	}
}

// holdsSBOM holds that an SBOM is valid, complete, and that the schema finds a fault.
func holdsSBOM(t *testing.T, text []byte) {
	schemas := jsonschema.NewCompiler()
	for _, name := range []string{"bom-1.6", "jsf-0.82", "spdx"} {
		src, err := os.ReadFile(filepath.Join("testdata", name+".schema.json"))
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(src))
		if err == nil {
			err = schemas.AddResource("http://cyclonedx.org/schema/"+name+".schema.json", doc)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	schema, err := schemas.Compile("http://cyclonedx.org/schema/bom-1.6.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	validate := func(text []byte) error {
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		return schema.Validate(doc)
	}
	if err := validate(text); err != nil {
		t.Error(err)
	}
	for _, change := range [][2]string{{`"Apache-2.0"`, `"Apache-2"`}, {`"purl"`, `"pearl"`}, {`"SHA-256"`, `"SHA-25"`}} {
		if faulty := bytes.Replace(text, []byte(change[0]), []byte(change[1]), 1); bytes.Equal(faulty, text) || validate(faulty) == nil {
			t.Errorf("the schema takes %s in the place of %s", change[1], change[0])
		}
	}
	for _, want := range []string{"pkg:golang/" + string(about.Module) + "@1.2.3-test", "pkg:golang/gopkg.in/yaml.v3@v3.", "pkg:golang/std@" + strings.TrimPrefix(runtime.Version(), "go"), "2026-01-02T03:04:06Z"} {
		if !bytes.Contains(text, []byte(want)) {
			t.Errorf("the SBOM lacks %s", want)
		}
	}
}

// unpack writes the files of an archive below root, and holds that each is of the commit's time and nobody's.
func unpack(t *testing.T, name string, data []byte, root string) (names []string) {
	write := func(name string, mode fs.FileMode, time time.Time, r io.Reader) {
		names = append(names, name)
		want := fs.FileMode(0o644)
		if strings.HasPrefix(filepath.Base(name), "sigmac") && filepath.Dir(name) == "sigmac" {
			want = 0o755
		}
		if !time.Equal(at) || mode != want {
			t.Errorf("%s: %v %v", name, mode, time)
		}
		text, err := io.ReadAll(r)
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := errors.Join(err, os.MkdirAll(filepath.Dir(path), 0o777), os.WriteFile(path, text, mode)); err != nil {
			t.Fatal(err)
		}
	}
	if strings.HasSuffix(name, ".zip") {
		z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range z.File {
			r, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			write(f.Name, f.Mode(), f.Modified, r)
		}
	} else {
		z, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		r := tar.NewReader(z)
		for h, err := r.Next(); err != io.EOF; h, err = r.Next() {
			if err != nil {
				t.Fatal(err)
			}
			if h.Uid != 0 || h.Gid != 0 || h.Uname != "" || h.Gname != "" {
				t.Errorf("%s has an owner", h.Name)
			}
			write(h.Name, fs.FileMode(h.Mode), h.ModTime, r)
		}
	}
	if !slices.IsSorted(names) {
		t.Errorf("%s: %q", name, names)
	}
	return names
}

func TestPack(t *testing.T) {
	files := []file{{"sigmac/sigmac", []byte("x"), 0o755}, {"sigmac/man/sigmac.1", []byte("page"), 0o644}}
	for _, name := range []string{"a.zip", "a.tar.gz"} {
		root := t.TempDir()
		data, err := pack(name, files, at)
		if err != nil {
			t.Fatal(err)
		}
		if got := unpack(t, name, data, root); !slices.Equal(got, []string{"sigmac/man/sigmac.1", "sigmac/sigmac"}) {
			t.Error(name, got)
		}
		if text, err := os.ReadFile(filepath.Join(root, "sigmac/man/sigmac.1")); err != nil || string(text) != "page" {
			t.Error(name, string(text), err)
		}
	}
}

// TestInstallers holds that the formula and the manifest name each archive of their systems with its hash, and say
// where the addresses lead nowhere.
func TestInstallers(t *testing.T) {
	for _, url := range []string{"", "https://files.example.org/sigmac/"} {
		r := release{version: "1.2.3", platforms: platforms, url: url}
		archives := map[string][]byte{}
		for _, p := range platforms {
			archives[r.archive(p)] = []byte(p.system + p.arch)
		}
		formula := string(r.formula(archives))
		text, err := r.manifest(archives)
		if err != nil {
			t.Fatal(err)
		}
		var manifest struct {
			Note         string `json:"##"`
			Version      string
			Architecture map[string]struct{ URL, Hash string }
		}
		if err := json.Unmarshal(text, &manifest); err != nil {
			t.Fatal(err)
		}
		base := strings.TrimSuffix(url, "/")
		if url == "" {
			base = about.Module.URL() + "/releases/download/v1.2.3"
		}
		for _, p := range platforms {
			at, hash := base+"/"+r.archive(p), fmt.Sprintf("%x", sha256.Sum256(archives[r.archive(p)]))
			if p.system == "windows" {
				a := manifest.Architecture[map[string]string{"amd64": "64bit", "arm64": "arm64"}[p.arch]]
				if a.URL != at || a.Hash != hash {
					t.Errorf("%s in the manifest: %+v", at, a)
				}
			} else if !strings.Contains(formula, fmt.Sprintf("url %q\n      sha256 %q\n", at, hash)) {
				t.Errorf("the formula lacks %s with %s:\n%s", at, hash, formula)
			}
		}
		nowhere := url == "" && !about.Module.Public()
		if manifest.Version != "1.2.3" || strings.Contains(formula, "no public address") != nowhere || (manifest.Note != "") != nowhere {
			t.Errorf("%s\n%s", formula, text)
		}
	}
}

// TestCommit holds the versions of commits: without a tag, with one, after one, changed.
func TestCommit(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("needs the command git")
	}
	dir := t.TempDir()
	git := func(args ...string) string {
		out, err := command([]string{"GIT_CONFIG_GLOBAL=/dev/null", "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.org", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.org", "GIT_COMMITTER_DATE=2026-01-02T03:04:06Z"},
			"git", append([]string{"-C", dir}, args...)...)
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(out))
	}
	is := func(want string) {
		t.Helper()
		if version, time, err := commit(dir); err != nil || version != want || !time.Equal(at) {
			t.Error(version, time, err)
		}
	}
	git("init")
	if _, _, err := commit(dir); err == nil {
		t.Error("a repository without a commit has a version")
	}
	write := func(text string) {
		if err := os.WriteFile(filepath.Join(dir, "f"), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	write("a")
	git("add", "f")
	git("commit", "-m", "one")
	is(about.Version + "-dev.g" + git("rev-parse", "HEAD")[:12])
	write("b")
	is(about.Version + "-dev.g" + git("rev-parse", "HEAD")[:12] + "-dirty")
	git("checkout", "f")
	git("tag", "other")
	git("tag", "v1.2.3")
	is("1.2.3")
	write("c")
	git("commit", "-am", "two")
	is("1.2.3-1-g" + git("rev-parse", "HEAD")[:12])
}

// TestWorkflow holds that the workflow of a release runs actions of one commit each, has few rights, and calls what
// there is.
func TestWorkflow(t *testing.T) {
	text, err := os.ReadFile("../../.github/workflows/release.yml")
	if err != nil {
		t.Fatal(err)
	}
	var w struct {
		Permissions map[string]string
		Jobs        map[string]struct {
			Permissions map[string]string
			Steps       []struct{ Uses, Run string }
		}
	}
	if err := yaml.Unmarshal(text, &w); err != nil {
		t.Fatal(err)
	}
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	var runs []string
	for _, s := range w.Jobs["release"].Steps {
		if s.Uses != "" && !regexp.MustCompile(`(?m)uses: `+regexp.QuoteMeta(s.Uses)+` # v\d+\.\d+\.\d+$`).Match(text) || s.Uses != "" && !regexp.MustCompile(`@[0-9a-f]{40}$`).MatchString(s.Uses) {
			t.Errorf("%s is no commit with its version", s.Uses)
		}
		if strings.Contains(s.Run, "${{") {
			t.Errorf("an expression stands in a script: %s", s.Run)
		}
		if target, ok := strings.CutPrefix(s.Run, "make "); ok && !bytes.Contains(makefile, []byte("\n"+target+": ")) {
			t.Errorf("there is no target %s", target)
		}
		runs = append(runs, s.Run)
	}
	if len(w.Permissions) != 0 || len(w.Jobs["release"].Permissions) != 3 || !slices.Contains(runs, "make check") || !slices.Contains(runs, "make release") {
		t.Errorf("%+v", w)
	}
}

// TestForeignDirectory holds that no files but those of a release are removed.
func TestForeignDirectory(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "mine"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := (release{}).write(dir); err == nil || !strings.Contains(err.Error(), "other files") {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "mine")); err != nil {
		t.Error(err)
	}
	var out, errs strings.Builder
	if status := run([]string{"-nothing"}, &out, &errs); status != 2 || !strings.Contains(errs.String(), "-platform") {
		t.Error(status, errs.String())
	}
}
