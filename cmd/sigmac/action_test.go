package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"sigmac/internal/about"
)

// An action is what action.yml has.
type action struct {
	Inputs map[string]struct {
		Description string
		Default     *string
	}
	Outputs map[string]struct{ Value string }
	Runs    struct {
		Using string
		Steps []actionStep
	}
}

type actionStep struct {
	ID, If, Run, Shell, Uses string
	Env, With                map[string]string
}

func readAction(t *testing.T) (a action, src []byte) {
	src, err := os.ReadFile(filepath.Join(repositoryRoot, "action.yml"))
	if err == nil {
		err = yaml.Unmarshal(src, &a)
	}
	if err != nil {
		t.Fatal(err)
	}
	return a, src
}

// A job runs the steps of the action as GitHub does, in a repository of rules.
type job struct {
	t       *testing.T
	dir     string            // the repository
	temp    string            // RUNNER_TEMP, anew in each run
	cache   string            // what actions/cache keeps, by key
	bin     string            // of the stand-ins
	context map[string]string // github.… and runner.…, without inputs and steps

	log   string   // of the last run
	used  []string // actions and builds of the last run
	calls string   // of gh
}

// expression is the value of an expression of GitHub's: names of the context, texts in quotes, always(),
// ==, !=, && and ||, which is what action.yml uses.
func (j *job) expression(s string) string {
	for _, op := range []string{" || ", " && ", " == ", " != "} {
		a, b, ok := strings.Cut(s, op)
		if !ok {
			continue
		}
		l, r := j.expression(a), j.expression(b)
		falsy := l == "" || l == "false"
		switch {
		case op == " || " && falsy, op == " && " && !falsy:
			return r
		case op == " || ", op == " && ":
			return l
		}
		return fmt.Sprint((l == r) == (op == " == "))
	}
	s = strings.TrimSpace(s)
	switch {
	case s == "always()":
		return "true"
	case strings.HasPrefix(s, "'"):
		return strings.Trim(s, "'")
	}
	if v, ok := j.context[s]; ok {
		return v
	}
	if !strings.HasPrefix(s, "steps.") && !strings.HasPrefix(s, "github.event.") {
		j.t.Fatalf("the stand-ins know no %s", s)
	}
	return ""
}

var inExpression = regexp.MustCompile(`\$\{\{(.*?)\}\}`)

func (j *job) text(s string) string {
	return inExpression.ReplaceAllStringFunc(s, func(e string) string { return j.expression(inExpression.FindStringSubmatch(e)[1]) })
}

// run runs the action with inputs, and says whether the job passes.
func (j *job) run(inputs map[string]string) (passed bool) {
	a, _ := readAction(j.t)
	j.temp, j.log, j.used = j.t.TempDir(), "", nil
	j.context["runner.temp"] = j.temp
	j.context["github.action_path"] = filepath.Join(j.t.TempDir(), "_actions", "example", "sigmac", "v1.2.3")
	if err := os.MkdirAll(filepath.Dir(j.context["github.action_path"]), 0o777); err != nil {
		j.t.Fatal(err)
	}
	if err := os.Symlink(mustAbs(j.t, repositoryRoot), j.context["github.action_path"]); err != nil {
		j.t.Fatal(err)
	}
	maps.DeleteFunc(j.context, func(name, _ string) bool { return strings.HasPrefix(name, "steps.") })
	for name, in := range a.Inputs {
		j.context["inputs."+name] = j.text(*in.Default)
	}
	for name, v := range inputs {
		j.context["inputs."+name] = v
	}
	path, passed := j.bin+":"+os.Getenv("PATH"), true
	for i, s := range a.Runs.Steps {
		if !passed && !strings.Contains(s.If, "always()") || s.If != "" && j.expression(s.If) != "true" {
			continue
		}
		outputs, paths := filepath.Join(j.temp, "output"), filepath.Join(j.temp, "path")
		os.Remove(outputs)
		switch name, _, _ := strings.Cut(s.Uses, "@"); name {
		case "":
			cmd := exec.Command("bash", "-e", "-o", "pipefail", "-c", s.Run) // as `shell: bash` is
			cmd.Dir = j.dir
			cmd.Env = append(os.Environ(), "PATH="+path, "RUNNER_TEMP="+j.temp, "RUNNER_OS="+j.context["runner.os"], "RUNNER_ARCH="+j.context["runner.arch"],
				"GITHUB_OUTPUT="+outputs, "GITHUB_PATH="+paths, "GITHUB_STEP_SUMMARY="+filepath.Join(j.temp, "summary"), "GITHUB_REPOSITORY=example/rules")
			for k, v := range s.Env {
				cmd.Env = append(cmd.Env, k+"="+j.text(v))
			}
			out, err := cmd.CombinedOutput()
			j.log += string(out)
			passed = passed && err == nil
			if strings.HasPrefix(s.Run, "go build") {
				j.used = append(j.used, "build")
			}
		case "actions/cache":
			kept := filepath.Join(j.cache, j.text(s.With["key"]))
			if _, err := os.Stat(kept); err == nil {
				if err := os.CopyFS(j.text(s.With["path"]), os.DirFS(kept)); err != nil {
					j.t.Fatal(err)
				}
				j.context["steps."+s.ID+".outputs.cache-hit"] = "true"
			} else {
				defer func() { // at the end of the job
					if err := os.CopyFS(kept, os.DirFS(j.text(s.With["path"]))); err != nil {
						j.t.Fatal(err)
					}
				}()
			}
			j.used = append(j.used, name)
		case "github/codeql-action/upload-sarif":
			if _, err := os.Stat(j.text(s.With["sarif_file"])); err != nil {
				j.t.Error(err)
			}
			j.used = append(j.used, "upload")
		case "actions/setup-go":
			j.used = append(j.used, name)
		default:
			j.t.Fatalf("step %d: the stand-ins know no %s", i, s.Uses)
		}
		text, _ := os.ReadFile(outputs)
		for line := range strings.Lines(string(text)) {
			k, v, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
			j.context["steps."+s.ID+".outputs."+k] = v
		}
		if text, err := os.ReadFile(paths); err == nil {
			path = strings.TrimSpace(string(text)) + ":" + path
			os.Remove(paths)
		}
	}
	calls, _ := os.ReadFile(filepath.Join(j.temp, "calls"))
	j.calls = string(calls)
	return passed
}

func mustAbs(t *testing.T, path string) string {
	abs, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return abs
}

// TestActionSteps runs the steps of the action, with stand-ins for what GitHub has: for its own actions,
// its command gh, and a release.
func TestActionSteps(t *testing.T) {
	needs(t, "bash", "git", "tar")
	j := &job{t: t, dir: t.TempDir(), cache: t.TempDir(), bin: t.TempDir(), context: map[string]string{
		"github.action_repository": "example/sigmac", "github.action_ref": "v1.2.3", "github.token": "token", "github.base_ref": "main",
		"github.event.repository.visibility": "public", "github.event.pull_request.number": "7",
		"runner.os": map[string]string{"linux": "Linux", "darwin": "macOS", "windows": "Windows"}[runtime.GOOS], "runner.arch": map[string]string{"amd64": "X64", "arm64": "ARM64"}[runtime.GOARCH],
	}}
	release := filepath.Join(j.bin, "release")
	archive := fmt.Sprintf("sigmac_1.2.3_%s_%s.tar.gz", runtime.GOOS, runtime.GOARCH)
	writeRelease(t, filepath.Join(release, "v1.2.3"), archive, build(t))
	standIn(t, j.bin)
	git := func(args ...string) {
		t.Helper()
		cmd := exec.Command("git", args...)
		cmd.Dir = j.dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %s: %s", args, out)
		}
	}
	change := func(file, old, new string) {
		t.Helper()
		path := filepath.Join(j.dir, filepath.FromSlash(file))
		src, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(src, []byte(old)) {
			t.Fatal(file, old, err)
		}
		if err := os.WriteFile(path, bytes.Replace(src, []byte(old), []byte(new), 1), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	holds := func(what, text string, wants ...string) {
		t.Helper()
		for _, want := range wants {
			if !strings.Contains(text, want) {
				t.Errorf("%s has no %q:\n%s", what, want, text)
			}
		}
	}
	lacks := func(what, text, unwanted string) {
		t.Helper()
		if strings.Contains(text, unwanted) {
			t.Errorf("%s has %q:\n%s", what, unwanted, text)
		}
	}
	uses := func(want ...string) {
		t.Helper()
		if !slices.Equal(j.used, want) {
			t.Errorf("the job used %q, and not %q", j.used, want)
		}
	}

	if err := os.CopyFS(j.dir, os.DirFS(filepath.Join(repositoryRoot, "examples", "repo"))); err != nil {
		t.Fatal(err)
	}
	const rule, other = "rules/windows/shadow_copies_deleted.yml", "rules/windows/web_server_starts_shell.yml"
	change(other, "Image", "Imag") // an old sin of the base
	git("init", "-q", "-b", "main", ".")
	git("config", "user.email", "a@example.org")
	git("config", "user.name", "a")
	git("add", "-A")
	git("commit", "-qm", "one")
	git("checkout", "-qb", "work")

	// A pull request without a fault: what the base has fails nothing. The release is used, and findings are uploaded.
	change(rule, "level: high", "level: critical")
	git("commit", "-qam", "two")
	if !j.run(map[string]string{"test": "false"}) {
		t.Errorf("the job fails:\n%s", j.log)
	}
	uses("upload")
	holds("the log", j.log, "sigmac of the release v1.2.3")
	lacks("the log", j.log, "::error")
	holds("gh", j.calls, "release download v1.2.3 --repo example/sigmac", "--method POST repos/example/rules/issues/7/comments")
	sarif, _ := os.ReadFile(filepath.Join(j.temp, "sigmac.sarif"))
	holds("the findings", string(sarif), `"baselineState": "unchanged"`)

	// All findings, as outside of a pull request.
	if j.run(map[string]string{"test": "false", "new-findings-only": "false"}) {
		t.Error("an old finding fails nothing")
	}
	holds("the log", j.log, "::error file="+other, "did you mean \"ParentImage\"?", "::error::sigmac check failed")
	uses("upload")

	// A misspelt field is a new fault. A private repository has no code scanning, unless it is asked for.
	change(rule, "CommandLine", "ComandLine")
	git("commit", "-qam", "three")
	j.context["github.event.repository.visibility"] = "private"
	if j.run(map[string]string{"test": "false"}) {
		t.Error("a misspelt field fails nothing")
	}
	holds("the log", j.log, "::error file="+rule, "did you mean \"CommandLine\"?")
	lacks("the log", j.log, "::error file="+other)
	uses()
	j.run(map[string]string{"test": "false", "upload-sarif": "true"})
	uses("upload")
	j.context["github.event.repository.visibility"] = "" // as in an event that does not say it
	j.run(map[string]string{"test": "false"})
	holds("gh", j.calls, "api repos/example/rules --jq .visibility")
	uses()
	if j.run(map[string]string{"upload-sarif": "yes"}) {
		t.Error("upload-sarif takes yes")
	}
	holds("the log", j.log, "upload-sarif is true, false or auto, and not yes")

	// Inputs of several lines are read whole.
	j.run(map[string]string{"test": "false", "new-findings-only": "false", "rules": rule + "\n" + other + "\n", "targets": "splunk\nelastic\n"})
	holds("the log", j.log, "::error file="+rule, "::error file="+other, "\nsplunk:\n", "\nelastic:\n")

	// A commit is the release that it has a tag of; another has none.
	j.context["github.action_ref"] = strings.Repeat("ab", 20)
	j.run(map[string]string{"test": "false"})
	holds("gh", j.calls, "release download v1.2.3")
	uses()

	// Where GitHub does not say which action it is, its folder does.
	j.context["github.action_repository"], j.context["github.action_ref"] = "", ""
	j.run(map[string]string{"test": "false"})
	holds("gh", j.calls, "release download v1.2.3 --repo example/sigmac")
	j.context["github.action_repository"] = "example/sigmac"

	// An archive that is another than the release says is not run.
	writeRelease(t, filepath.Join(release, "v6.6.6"), archive, build(t))
	if err := os.WriteFile(filepath.Join(release, "v6.6.6", archive), []byte("other"), 0o666); err != nil {
		t.Fatal(err)
	}
	if j.run(map[string]string{"version": "v6.6.6"}) {
		t.Error("an archive with another checksum is run")
	}
	holds("the log", j.log, "is not what checksums.txt of its release says")
	lacks("the log", j.log, "sigmac check")
	if j.run(map[string]string{"version": "v9"}) {
		t.Error("a release that there is not is used")
	}
	holds("the log", j.log, "there is no release v9 of sigmac")

	// Without a release it is built, once.
	j.context["github.action_ref"] = "main"
	j.run(map[string]string{"test": "false"})
	uses("actions/cache", "actions/setup-go", "build")
	holds("the log", j.log, "did you mean \"CommandLine\"?")
	j.run(map[string]string{"test": "false"})
	uses("actions/cache")
	holds("the log", j.log, "did you mean \"CommandLine\"?")
}

// writeRelease writes an archive with a binary, and its checksum.
func writeRelease(t *testing.T, dir, archive, bin string) {
	src, err := os.ReadFile(bin)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	z, _ := gzip.NewWriterLevel(&out, gzip.BestSpeed)
	w := tar.NewWriter(z)
	if err := w.WriteHeader(&tar.Header{Name: strings.TrimSuffix(archive, ".tar.gz") + "/sigmac", Mode: 0o755, Size: int64(len(src))}); err != nil {
		t.Fatal(err)
	}
	w.Write(src)
	w.Close()
	z.Close()
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	sums := fmt.Sprintf("%x  %s\n", sha256.Sum256(out.Bytes()), archive)
	for name, data := range map[string][]byte{archive: out.Bytes(), "checksums.txt": []byte(sums)} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// standIn writes a command gh that notes its calls and knows the releases beside it.
func standIn(t *testing.T, dir string) {
	script := `#!/bin/sh
echo "$*" >>"$RUNNER_TEMP/calls"
case $* in
"release download "*)
	[ -d "` + dir + `/release/$3" ] || { echo "release not found" >&2; exit 1; }
	cp "` + dir + `/release/$3"/* "$7" ;;
*/tags*abab*) echo v1.2.3 ;;
*visibility) echo internal ;;
esac
`
	if err := os.WriteFile(filepath.Join(dir, "gh"), []byte(script), 0o777); err != nil {
		t.Fatal(err)
	}
}

// TestPinned holds that what is used of others in workflows, here and in what is shown, is named by its
// commit, with the version behind it.
func TestPinned(t *testing.T) {
	uses := regexp.MustCompile(`(?m)^[ -]*uses: *(\S+)(.*)$`)
	pinned := regexp.MustCompile(`^[\w.-]+/[\w./-]+@[0-9a-f]{40}$`)
	n := 0
	err := filepath.WalkDir(repositoryRoot, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains([]string{".git", "node_modules", "dist"}, d.Name()):
			return fs.SkipDir
		case d.IsDir() || !slices.Contains([]string{".yml", ".yaml", ".md", ".go"}, filepath.Ext(name)):
			return nil
		}
		src, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		for _, m := range uses.FindAllStringSubmatch(string(src), -1) {
			if strings.HasPrefix(m[1], "./") || strings.HasPrefix(m[1], about.Module.Repository()+"@") {
				continue
			}
			n++
			if !pinned.MatchString(m[1]) || !strings.HasPrefix(m[2], " # v") {
				t.Errorf("%s: %s is not named by its commit and version", name, m[0])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n < 5 {
		t.Errorf("%d uses", n)
	}
}
