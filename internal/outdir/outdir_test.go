package outdir

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// tree is the files below a directory, but the manifest.
func tree(t *testing.T, dir string) map[string]string {
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(p)
		rel, _ := filepath.Rel(dir, p)
		if rel != ManifestName {
			out[filepath.ToSlash(rel)] = string(data)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func files(pairs ...string) (out []File) {
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, File{pairs[i], []byte(pairs[i+1]), Rule{Path: pairs[i] + ".yml", Target: "splunk"}})
	}
	return out
}

func put(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

// TestWrite follows a directory through its life: each step says what is wanted,
// what is told, and what is there then.
func TestWrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "out")
	step := func(name string, want []File, force bool, told, there string) {
		t.Helper()
		before, err := Compare(dir, want)
		if err != nil {
			t.Fatal(name, err)
		}
		changes, err := Write(dir, want, force)
		var conflict *ConflictError
		if errors.As(err, &conflict) {
			changes = append(conflict.Changes, Change{"nothing", "written"})
		} else if err != nil {
			t.Fatal(name, err)
		} else if !slices.Equal(before, changes) {
			t.Errorf("%s: Compare says %v, Write did %v", name, before, changes)
		}
		if got := fmt.Sprint(changes); got != told {
			t.Errorf("%s: told %s, want %s", name, got, told)
		}
		if got := fmt.Sprint(tree(t, dir)); got != there {
			t.Errorf("%s: there is %s, want %s", name, got, there)
		}
		if conflict == nil {
			if again, err := Write(dir, want, false); err != nil || len(again) > 0 {
				t.Errorf("%s: once more: %v %v", name, again, err)
			}
		}
	}
	step("first", files("b/x.spl", "1", "a.spl", "2"), false, "[a.spl: missing b/x.spl: missing]", "map[a.spl:2 b/x.spl:1]")
	put(t, dir, "mine.txt", "mine")
	put(t, dir, "b/mine.txt", "mine")
	info, _ := os.Stat(filepath.Join(dir, "a.spl"))
	time.Sleep(5 * time.Millisecond)
	if err := os.Remove(filepath.Join(dir, ManifestName)); err != nil {
		t.Fatal(err)
	}
	step("no manifest", files("a.spl", "2", "b/x.spl", "1"), false, "[sigmac.json: missing]", "map[a.spl:2 b/mine.txt:mine b/x.spl:1 mine.txt:mine]")
	moved := files("a.spl", "2", "b/x.spl", "1")
	moved[0].Rule.ID = "another"
	step("an old manifest", moved, false, "[sigmac.json: differs]", "map[a.spl:2 b/mine.txt:mine b/x.spl:1 mine.txt:mine]")
	step("a change", files("a.spl", "2", "b/x.spl", "3"), false, "[b/x.spl: differs]", "map[a.spl:2 b/mine.txt:mine b/x.spl:3 mine.txt:mine]")
	if after, _ := os.Stat(filepath.Join(dir, "a.spl")); !after.ModTime().Equal(info.ModTime()) {
		t.Error("a file that is as it should be was touched")
	}
	step("a file is gone", files("a.spl", "2"), false, "[b/x.spl: left over]", "map[a.spl:2 b/mine.txt:mine mine.txt:mine]")
	put(t, dir, "a.spl", "edited")
	step("edited", files("a.spl", "4", "c/d/e.spl", "5"), false, "[a.spl: edited by hand nothing: written]", "map[a.spl:edited b/mine.txt:mine mine.txt:mine]")
	step("edited and gone", files("c/d/e.spl", "5"), false, "[a.spl: edited by hand nothing: written]", "map[a.spl:edited b/mine.txt:mine mine.txt:mine]")
	step("forced", files("a.spl", "4", "c/d/e.spl", "5"), true, "[a.spl: edited by hand c/d/e.spl: missing]", "map[a.spl:4 b/mine.txt:mine c/d/e.spl:5 mine.txt:mine]")
	step("in the way", files("a.spl", "4", "mine.txt", "5", "c/d/e.spl", "5"), false, "[mine.txt: not from sigmac nothing: written]", "map[a.spl:4 b/mine.txt:mine c/d/e.spl:5 mine.txt:mine]")
	step("the same is taken over", files("a.spl", "4", "mine.txt", "mine"), false, "[c/d/e.spl: left over]", "map[a.spl:4 b/mine.txt:mine mine.txt:mine]")
	if _, err := os.Stat(filepath.Join(dir, "c")); err == nil {
		t.Error("a folder without files stays")
	}
	if err := os.Remove(filepath.Join(dir, "a.spl")); err != nil {
		t.Fatal(err)
	}
	step("removed by hand", files("a.spl", "4", "mine.txt", "mine"), false, "[a.spl: missing]", "map[a.spl:4 b/mine.txt:mine mine.txt:mine]")
	step("nothing is left", nil, false, "[a.spl: left over mine.txt: left over]", "map[b/mine.txt:mine]")
}

// TestManifest: one that is not sigmac's, or was made to lead elsewhere, is an
// error, and nothing is touched.
// Files whose names some file system takes for one are not both written.
func TestOneName(t *testing.T) {
	for _, names := range [][2]string{{"a", "A"}, {"\u00e9", "e\u0301"}, {"E\u0301/x", "\u00e9/x"}, {"stra\u00dfe", "STRASSE"}, {"\u03c3", "\u03c2"}, {"\u1e9b\u0323", "\u017f\u0323\u0307"}, {"\u212b", "\u00e5"}} {
		a, b := names[0], names[1]
		_, err := Compare(t.TempDir(), files(a, "1", b, "2"))
		if err == nil || !strings.Contains(err.Error(), "both written") {
			t.Errorf("%q and %q: %v", a, b, err)
		}
	}
	if _, err := Compare(t.TempDir(), files("\u00e9", "1", "e", "2", "\u00df", "3", "s", "4")); err != nil {
		t.Error(err)
	}
	if _, err := Compare(t.TempDir(), files("\u00e9", "1", "e\u0301/x", "2")); err == nil {
		t.Error("a file is a folder too")
	}
}

func TestManifest(t *testing.T) {
	for text, want := range map[string]string{
		"no JSON":       "no manifest of sigmac",
		`{"format": 2}`: "a manifest of format 2, and not 1",
		`{"files": []}`: "a manifest of format 0",
		`{"format": 1, "files": [{"path": "../x", "sha256": ""}]}`:                           `"../x" is no file below the directory`,
		`{"format": 1, "files": [{"path": "/etc/passwd", "sha256": ""}]}`:                    `"/etc/passwd" is no file below the directory`,
		`{"format": 1, "files": [{"path": "sigmac.json", "sha256": ""}]}`:                    `"sigmac.json" is no file`,
		`{"format": 1, "files": [{"path": "b", "sha256": ""}, {"path": "a", "sha256": ""}]}`: `"a" is out of order`,
		`{"format": 1, "filez": []}`:                                                         "no manifest of sigmac",
	} {
		dir := t.TempDir()
		put(t, dir, ManifestName, text)
		put(t, filepath.Dir(dir), "x", "outside")
		if _, err := Write(dir, files("a.spl", "1"), true); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
		if got := tree(t, dir); len(got) > 0 {
			t.Errorf("%s: %v was written", text, got)
		}
	}
	// A link leads no further than the directory.
	dir, outside := t.TempDir(), t.TempDir()
	put(t, outside, "a.spl", "outside")
	if err := os.Symlink(outside, filepath.Join(dir, "b")); err != nil {
		t.Skip("needs a file system with symbolic links: ", err)
	}
	if _, err := Write(dir, files("b/a.spl", "1"), true); err == nil {
		t.Error("a link is followed out of the directory")
	}
	if got := tree(t, outside)["a.spl"]; got != "outside" {
		t.Errorf("outside is %q", got)
	}
}

// TestNames: no two rules share a file, in any file system.
func TestNames(t *testing.T) {
	for _, fs := range [][]File{files("a.spl", "1", "A.spl", "2"), files("../a", "1"), files("/a", "1"), files("", "1"), files(ManifestName, "1"), files("a/../b", "1"), files("A.spl", "1", "a.spl/b.spl", "2")} {
		if _, err := Write(t.TempDir(), fs, true); err == nil {
			t.Errorf("%q is written", fs[0].Path)
		}
	}
	_, err := Compare(t.TempDir(), files("a.spl", "1", "A.spl", "2"))
	if err == nil || err.Error() != "A.spl.yml and a.spl.yml are both written to a.spl" {
		t.Error(err)
	}
}

func FuzzClean(f *testing.F) {
	for _, s := range []string{"a/b.yml", "../x", "con", "a:b", "x.", ".", "/", `\\host\x`, "a\x00b\u202e", strings.Repeat("é", 200), "aux.txt", tempPrefix + "1"} {
		f.Add(s)
	}
	safe := regexp.MustCompile(`^[^<>:"|?*\\\x00-\x1f]+$`)
	f.Fuzz(func(t *testing.T, s string) {
		got := Clean(s) + ".spl"
		if !fs.ValidPath(got) || !safe.MatchString(got) || Clean(Clean(s)) != Clean(s) {
			t.Errorf("%q: %q", s, got)
		}
		if err := clashes([]File{{Path: got}}); err != nil && got != ManifestName {
			t.Errorf("%q: %v", s, err)
		}
	})
}

// TestKilled kills a run at many points: each file is then the old or the new
// one, and the next run ends as if nothing had happened.
func TestKilled(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("needs SIGKILL, which Windows does not have")
	}
	dir := t.TempDir()
	state := func(n int) []File {
		var pairs []string
		for i := range 60 {
			if (i+n)%5 > 0 { // some are gone each time
				pairs = append(pairs, fmt.Sprintf("d%d/f%d.spl", i%7, i), strings.Repeat(fmt.Sprint(n*1000+i, " "), 200))
			}
		}
		return files(pairs...)
	}
	content := func(n int) map[string]string {
		out := map[string]string{}
		for _, f := range state(n) {
			out[f.Path] = string(f.Data)
		}
		return out
	}
	if os.Getenv("OUTDIR_STATE") != "" {
		var n int
		fmt.Sscan(os.Getenv("OUTDIR_STATE"), &n)
		fmt.Println("ready")
		_, err := Write(os.Getenv("OUTDIR_DIR"), state(n), false)
		fmt.Println(err)
		os.Exit(0)
	}
	r := rand.New(rand.NewPCG(1, 7))
	if _, err := Write(dir, state(0), false); err != nil {
		t.Fatal(err)
	}
	possible := []map[string]string{content(0)}
	killed := 0
	for n := 1; n <= 40; n++ {
		cmd := exec.Command(os.Args[0], "-test.run", "^TestKilled$")
		cmd.Env = append(os.Environ(), fmt.Sprint("OUTDIR_STATE=", n), "OUTDIR_DIR="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		out.Read(make([]byte, 6))
		time.Sleep(time.Duration(r.IntN(6000)) * time.Microsecond)
		_ = cmd.Process.Kill()
		if cmd.Wait() != nil {
			killed++
		}
		possible = append(possible, content(n))
		for name, data := range tree(t, dir) {
			if strings.Contains(name, tempPrefix) {
				continue
			}
			if !slices.ContainsFunc(possible, func(p map[string]string) bool { return p[name] == data }) {
				t.Fatalf("after %d kills %s is neither old nor new", killed, name)
			}
		}
		if n%3 == 0 { // now and then one ends; else the next kill comes on top
			if _, err := Write(dir, state(n), false); err != nil {
				t.Fatal(err)
			}
			if got := tree(t, dir); fmt.Sprint(got) != fmt.Sprint(content(n)) {
				t.Fatalf("after %d kills the directory is not as it should be: %d files, want %d", killed, len(got), len(content(n)))
			}
			possible = []map[string]string{content(n)}
		}
	}
	if killed < 10 {
		t.Errorf("only %d runs were killed in time", killed)
	}
}
