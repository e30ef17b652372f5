package native

import (
	"flag"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"

	splunk "sigmac/backends/splunk/read"
	"sigmac/internal/catalog"
	"sigmac/internal/corpus"
)

var update = flag.Bool("update", false, "rewrite the pages of the cases, and testdata/native.json")

// TestPages holds what is made of the files in testdata: a case is a folder of a
// catalog, and what all of its rules say.
func TestPages(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txtar")
		t.Run(name, func(t *testing.T) {
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if len(strings.TrimSpace(string(a.Comment))) == 0 {
				t.Error("no line says why the case exists")
			}
			fsys := fstest.MapFS{}
			kept := a.Files[:0]
			want := ""
			for _, f := range a.Files {
				if f.Name == "pages" {
					want = string(f.Data)
					continue
				}
				kept = append(kept, f)
				fsys[f.Name] = &fstest.MapFile{Data: f.Data}
			}
			name, _, _ := strings.Cut(name, "_")
			var got strings.Builder
			for r := range rules(t, fsys, name) {
				got.WriteString(show(r))
			}
			if *update {
				a.Files = append(kept, txtar.File{Name: "pages", Data: []byte(got.String())})
				if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got.String() != want {
				t.Errorf("got\n%s", got.String())
			}
		})
	}
}

// rules are those of a catalog.
func rules(t *testing.T, fsys fs.FS, name string) iter.Seq[*Rule] {
	reader, err := NewReader(fsys, name)
	if err != nil {
		t.Fatal(err)
	}
	return func(yield func(*Rule) bool) {
		err := fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !reader.Takes(p) {
				return err
			}
			src, err := readFile(fsys, p)
			if err == nil && !yield(reader.Read(p, src)) {
				err = fs.SkipAll
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func show(r *Rule) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %q %s, %s, %s; %s; %s\n", r.Path, r.Title, r.ID, r.Status, r.Level, strings.Join(r.Tags, " "), r.Language)
	if r.Description != "" {
		fmt.Fprintf(&b, "  about: %q\n", r.Description)
	}
	for _, f := range [][2]string{{"author", r.Author}, {"date", r.Date}, {"modified", r.Modified}, {"license", r.License},
		{"references", strings.Join(r.References, " ")}, {"false positives", strings.Join(r.FalsePositives, "; ")}} {
		if f[1] != "" {
			fmt.Fprintf(&b, "  %s: %q\n", f[0], f[1])
		}
	}
	if r.Reason != "" {
		fmt.Fprintf(&b, "  not read: %s (%s)\n", r.Reason, r.Detail)
	}
	if r.Partial > 0 {
		fmt.Fprintf(&b, "  %d left out\n", r.Partial)
	}
	predicate := func(p catalog.Predicate) string {
		s := fmt.Sprintf("%s %s %q", p.Field, p.Kind, p.Value)
		if len(p.Transforms) > 0 {
			s += " transforms " + strings.Join(p.Transforms, ", ")
		}
		return s + "\n"
	}
	for i, s := range r.Page.Stages {
		fmt.Fprintf(&b, "  stage %d: %s\n", i, s.Label)
		for line := range strings.SplitSeq(s.Body, "\n") {
			b.WriteString("    | " + line + "\n")
		}
		for _, p := range s.Predicates {
			b.WriteString("    " + predicate(p))
		}
	}
	for _, e := range r.Page.Exclusions {
		b.WriteString("  excludes " + predicate(e.Predicate))
		if len(e.With) > 0 {
			b.WriteString("    with " + strings.Join(e.With, "; ") + "\n")
		}
	}
	for _, in := range r.Page.Indicators {
		for _, v := range in.Values {
			b.WriteString("  indicates " + predicate(in.Predicate(v)))
			if len(in.Spelled) > 0 {
				b.WriteString("    as " + strings.Join(in.Spelled, ", ") + "\n")
			}
		}
	}
	return b.String()
}

// TestCorpus counts what is read of the rules that others wrote, and why the
// rest is not. The least that must be read is in percent.
func TestCorpus(t *testing.T) {
	root := corpus.Dir()
	if root == "" {
		t.Skip("no corpus of public rules: set SIGMAC_CORPUS")
	}
	got := map[string]*Count{}
	for _, name := range []string{"elastic", "kusto", "splunk"} {
		last := ""
		for r := range rules(t, os.DirFS(filepath.Join(root, name)), name) {
			key := name + " " + r.Language
			if got[key] == nil {
				got[key] = &Count{}
			}
			got[key].Add(r)
			if r.Reason != "" {
				t.Logf("%s: %s: %s (%s)", key, r.Path, r.Reason, r.Detail)
			}
			if r.Page == nil || (r.Reason == "") != (len(r.Page.Indicators)+len(r.Page.Exclusions) > 0) {
				t.Errorf("%s: reason %q and %d indicators", r.Path, r.Reason, len(r.Page.Indicators))
			}
			if r.Path <= last && name != "elastic" && filepath.Dir(r.Path) == filepath.Dir(last) {
				t.Errorf("%s comes after %s", r.Path, last)
			}
			last = r.Path
		}
	}
	for key, least := range map[string]int{"splunk spl": 92, "elastic eql": 97, "elastic kuery": 97, "kusto kql": 80} {
		if c := got[key]; c == nil || 100*c.Read < least*c.Rules {
			t.Errorf("%s: %+v", key, c)
		}
	}
	corpus.Hold(t, filepath.Join("testdata", "native.json"), got, *update)
}

// FuzzFiles: no file makes a reader panic, and what is read has something to
// show.
func FuzzFiles(f *testing.F) {
	for _, s := range []string{
		"search: '| tstats count where `m(a)` Processes.process=x by _time'\ntags: {mitre_attack_id: [T1]}",
		"[rule]\ntype = \"eql\"\nlanguage = \"eql\"\nquery = 'sequence [file where a == 1] [any where b : \"x*\"]'",
		"[rule]\nlanguage = \"kuery\"\nquery = 'a:(b or not c*)'",
		"let x = 'a';\nunion T, (U | where f == x)\n\nsearch 'b'",
		"query: 'T | where a has \"b\"'\nrelevantTechniques: [T1110]",
	} {
		f.Add([]byte(s))
	}
	macros := map[string]splunk.Macro{"m": {Args: []string{"x"}, Definition: "Processes.user=$x$ x=`m($x$)`"}}
	f.Fuzz(func(t *testing.T, src []byte) {
		for _, r := range []*Rule{Splunk("a.yml", src, macros), Elastic("a.toml", src), Kusto("a.kql", src), Kusto("a.yaml", src)} {
			if r.Page == nil || (r.Reason == "") != (len(r.Page.Indicators)+len(r.Page.Exclusions) > 0) {
				t.Errorf("%s: %q and %+v", r.Catalog, r.Reason, r.Page)
			}
		}
	})
}

// TestBounded holds that nested files take neither long nor the stack.
func TestBounded(t *testing.T) {
	deep := func(open, shut string) []byte {
		return []byte("a = " + strings.Repeat(open, 1<<20) + strings.Repeat(shut, 1<<20))
	}
	tables := "union T" + strings.Repeat(", DeviceFileEvents, DeviceProcessEvents", 5000) + "| where FolderPath in (" + strings.Repeat("'x',", 20000) + "'y')"
	for _, r := range []*Rule{Elastic("a.toml", deep("[", "]")), Elastic("a.toml", deep("{a=", "}")), Splunk("a.yml", deep("[", "]"), nil),
		Kusto("a.kql", deep("(", ")")), Kusto("a.yml", []byte("query: &a [*a, *a]"))} {
		if r.Reason == "" {
			t.Errorf("%s is read", r.Catalog)
		}
	}
	if r := Kusto("a.kql", []byte(tables)); r.Reason != "" {
		t.Error(r.Reason, r.Detail)
	}
}

// TestReader: a catalog has a name, and a file may be too large.
func TestReader(t *testing.T) {
	if _, err := NewReader(fstest.MapFS{}, "sentinel"); err == nil {
		t.Error("no error")
	}
	r, err := NewReader(fstest.MapFS{}, "kusto")
	if err != nil {
		t.Fatal(err)
	}
	if reason := r.Read("a.kql", make([]byte, MaxFile+1)).Reason; reason != "a file larger than 4 MB" {
		t.Error(reason)
	}
	broken := fstest.MapFS{"macros/m.yml": {Data: []byte(": [")}, "macros/n.yml": {Data: make([]byte, MaxFile+1)}}
	r, err = NewReader(broken, "splunk")
	if err == nil || !strings.HasPrefix(err.Error(), "macros/m.yml:1:1: not YAML: ") || !strings.Contains(err.Error(), "macros/n.yml: larger than 4 MB") {
		t.Error(err)
	}
	if r.Takes("macros/m.yml") || !r.Takes("a/b.yaml") || r.Takes("a.kql") {
		t.Error("which files have rules")
	}
}
