// Command release writes the files of a release: archives, checksums, an SBOM, a formula of Homebrew and a manifest of Scoop.
//
//	go run ./internal/release [-o dist] [-url URL] [-platform GOOS/GOARCH]
//
// The same commit, address and Go give the same bytes on any machine: times are those of the commit, and
// binaries hold no path. Archives hold one folder, sigmac, with the command, its completion and manual page,
// and the licenses of all that is linked into it.
package main

import (
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"sigmac/internal/about"
	"sigmac/internal/atomic"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("release", flag.ContinueOnError)
	flags.SetOutput(stderr)
	dir := flags.String("o", "dist", "the directory of the files, which is written anew")
	url := flags.String("url", "", "where the files will lie (default: the release of the version at sigmac's address)")
	only := flags.String("platform", "", "GOOS/GOARCH, this one alone (default: all)")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	r := release{platforms: platforms, url: *url}
	if *only != "" {
		system, arch, _ := strings.Cut(*only, "/")
		r.platforms = []platform{{system, arch}}
	}
	var err error
	if r.version, r.time, err = commit("."); err == nil {
		err = r.write(*dir)
	}
	if err != nil {
		fmt.Fprintln(stderr, "release:", err)
		return 1
	}
	if r.url == "" && !about.Module.Public() {
		fmt.Fprintf(stderr, "release: sigmac has no public address yet: sigmac.rb and sigmac.json lead to %s; -url says where the files will lie, make module gives the address\n", r.base())
	}
	fmt.Fprintln(stdout, *dir+": sigmac "+r.version)
	return 0
}

// A platform is that of a binary.
type platform struct{ system, arch string }

// platforms are those of a release, in the order of their names.
var platforms = []platform{
	{"darwin", "amd64"}, {"darwin", "arm64"},
	{"linux", "amd64"}, {"linux", "arm64"},
	{"windows", "amd64"}, {"windows", "arm64"},
}

// binary is the name of the command on a platform.
func (p platform) binary() string {
	if p.system == "windows" {
		return "sigmac.exe"
	}
	return "sigmac"
}

// A release is what its files are made of.
type release struct {
	version   string
	time      time.Time // of the commit
	platforms []platform
	url       string // where the files will lie, "" for the release at the address
}

// base is the URL of the files.
func (r release) base() string {
	if r.url != "" {
		return strings.TrimSuffix(r.url, "/")
	}
	return about.Module.Release(r.version)
}

// archive is the name of the archive for a platform.
func (r release) archive(p platform) string {
	form := ".tar.gz"
	if p.system == "windows" {
		form = ".zip"
	}
	return "sigmac_" + r.version + "_" + p.system + "_" + p.arch + form
}

// write writes all files of the release in the place of dir, which holds no others.
func (r release) write(dir string) error {
	if there, _ := filepath.Glob(filepath.Join(dir, "*")); len(there) > 0 && !slices.Contains(there, filepath.Join(dir, "checksums.txt")) {
		return errors.New(dir + " holds other files than those of a release")
	}
	files, err := r.files()
	if err != nil {
		return err
	}
	return atomic.ReplaceDir(dir, func(dir string) error {
		for name, data := range files {
			if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
				return err
			}
		}
		return nil
	})
}

// files are the files of the release by their names.
func (r release) files() (map[string][]byte, error) {
	bin, err := os.MkdirTemp("", "sigmac-release")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(bin)
	host := platform{runtime.GOOS, runtime.GOARCH}
	binaries := map[platform][]byte{}
	modules := map[string]module{}
	for _, p := range slices.Concat(r.platforms, []platform{host}) {
		path := filepath.Join(bin, p.system, p.arch, p.binary())
		if binaries[p] != nil {
			continue
		}
		if err := r.build(p, path); err != nil {
			return nil, err
		}
		if binaries[p], err = os.ReadFile(path); err != nil {
			return nil, err
		}
		if !slices.Contains(r.platforms, p) {
			continue
		}
		info, err := buildinfo.ReadFile(path)
		if err != nil {
			return nil, err
		}
		modules["std"] = module{"std", strings.TrimPrefix(info.GoVersion, "go"), ""}
		for _, d := range info.Deps {
			modules[d.Path] = module{d.Path, d.Version, d.Sum}
		}
	}
	linked := slices.SortedFunc(maps.Values(modules), func(a, b module) int { return strings.Compare(a.path, b.path) })
	common, err := extras(filepath.Join(bin, host.system, host.arch, host.binary()), linked)
	if err != nil {
		return nil, err
	}
	out := map[string][]byte{}
	for _, p := range r.platforms {
		packed := append(slices.Clone(common), file{"sigmac/" + p.binary(), binaries[p], 0o755})
		if out[r.archive(p)], err = pack(r.archive(p), packed, r.time); err != nil {
			return nil, err
		}
	}
	if out["sigmac_"+r.version+".cdx.json"], err = r.sbom(linked, binaries); err != nil {
		return nil, err
	}
	out["sigmac.rb"] = r.formula(out)
	if out["sigmac.json"], err = r.manifest(out); err != nil {
		return nil, err
	}
	out["checksums.txt"] = checksums(out)
	return out, nil
}

// build makes the command for a platform. Nothing of this machine gets into it, and no setting of
// the caller's.
func (r release) build(p platform, path string) error {
	_, err := command([]string{"CGO_ENABLED=0", "GOOS=" + p.system, "GOARCH=" + p.arch, "GOFLAGS=", "GOEXPERIMENT=", "GOAMD64=v1", "GOARM64=v8.0", "GOFIPS140=off", "GOWORK=off"},
		"go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -X main.version="+r.version, "-o", path, string(about.Module)+"/cmd/sigmac")
	return err
}

// extras are the files that the archives of all platforms have: what the command prints of itself, what to
// read, and the licenses of the modules that are linked.
func extras(sigmac string, linked []module) (out []file, err error) {
	for name, args := range map[string][]string{"completion/sigmac.bash": {"completion", "bash"}, "completion/sigmac.zsh": {"completion", "zsh"}, "completion/sigmac.fish": {"completion", "fish"}, "man/sigmac.1": {"man"}} {
		text, err := command(nil, sigmac, args...)
		if err != nil {
			return nil, err
		}
		out = append(out, file{"sigmac/" + name, text, 0o644})
	}
	root, err := command(nil, "go", "list", "-m", "-f", "{{.Dir}}")
	if err != nil {
		return nil, err
	}
	own := map[string][]byte{"LICENSE": nil, "README.md": nil, "docs/attack.md": nil}
	for name := range own {
		if own[name], err = os.ReadFile(filepath.Join(strings.TrimSpace(string(root)), name)); err != nil {
			return nil, err
		}
	}
	_, attack, ok := bytes.Cut(own["docs/attack.md"], []byte("\n## Licence of ATT&CK\n"))
	if !ok {
		return nil, errors.New("docs/attack.md has no license of ATT&CK")
	}
	licenses, err := licenses(linked)
	if err != nil {
		return nil, err
	}
	licenses = fmt.Appendf(licenses, "ATT&CK\n\n%s\n", bytes.TrimSpace(attack))
	return append(out, file{"sigmac/LICENSE", own["LICENSE"], 0o644}, file{"sigmac/README.md", own["README.md"], 0o644}, file{"sigmac/LICENSES.txt", licenses, 0o644}), nil
}

// licenses are the texts under which others gave what is linked.
func licenses(linked []module) ([]byte, error) {
	var out bytes.Buffer
	for _, m := range linked {
		where := []string{"list", "-m", "-f", "{{.Dir}}", m.path}
		if m.path == "std" {
			where = []string{"env", "GOROOT"}
		}
		dir, err := command(nil, "go", where...)
		if err != nil {
			return nil, err
		}
		root := os.DirFS(strings.TrimSpace(string(dir)))
		names, err := fs.Glob(root, "[LCN][IO][CPT][EYI]*") // LICENSE, LICENCE, COPYING, NOTICE
		if err != nil || len(names) == 0 {
			return nil, fmt.Errorf("%s %s has no license in %s", m.path, m.version, dir)
		}
		for _, name := range names {
			text, err := fs.ReadFile(root, name)
			if err != nil {
				return nil, err
			}
			fmt.Fprintf(&out, "%s %s, %s\n\n%s\n\n", m.path, m.version, name, bytes.TrimSpace(text))
		}
	}
	return out.Bytes(), nil
}

// checksums are the SHA-256 of files in the form of sha256sum.
func checksums(files map[string][]byte) []byte {
	var out bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(&out, "%x  %s\n", sha256.Sum256(files[name]), name)
	}
	return out.Bytes()
}

// commit is the version of what is checked out in dir, and the time of its commit. The version is that of the
// nearest tag vVERSION, as git describes it, or about.Version with the commit where there is none.
func commit(dir string) (version string, at time.Time, err error) {
	git := func(args ...string) (string, error) {
		out, err := command(nil, "git", slices.Concat([]string{"-C", dir}, args)...)
		return strings.TrimSpace(string(out)), err
	}
	seconds, err := git("log", "-1", "--format=%ct")
	if err != nil {
		return "", at, err
	}
	n, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return "", at, err
	}
	described, err := git("describe", "--tags", "--always", "--dirty", "--abbrev=12", "--match", "v[0-9]*")
	if err != nil {
		return "", at, err
	}
	version, tagged := strings.CutPrefix(described, "v")
	if !tagged {
		version = about.Version + "-dev.g" + described
	}
	return version, time.Unix(n, 0).UTC(), nil
}

// command runs a command with these variables beside those that there are, and gives what it prints.
func command(env []string, name string, args ...string) ([]byte, error) {
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.Output()
	if e := (*exec.ExitError)(nil); errors.As(err, &e) {
		return nil, fmt.Errorf("%s: %s", cmd, bytes.TrimSpace(e.Stderr))
	}
	return out, err
}
