// Package corpus finds the public rules, events and queries that tests read. They
// are no part of the project: without them, those tests are skipped.
package corpus

import (
	"bytes"
	"cmp"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigmac/eval"
	"sigmac/internal/ordered"
	"sigmac/ir"
	"sigmac/parser"
)

// Dir is the folder $SIGMAC_CORPUS, or ../shared/corpus, seen from the root of the
// repository. Without that folder, or where the variable is none, it is empty.
func Dir() string { return folder("SIGMAC_CORPUS", "../shared/corpus") }

// Answers are the queries of a language (kql) with what the vendor's engine or
// documents answer, a JSON object each, and the folder that holds them:
// $SIGMAC_ANSWERS, or ../shared/answers. The test is skipped where there are none, or
// where the variable is none.
func Answers(t testing.TB, language string) (dir string, objects []json.RawMessage) {
	t.Helper()
	if dir = folder("SIGMAC_ANSWERS", "../shared/answers"); dir == "" {
		t.Skip("no recorded answers: set SIGMAC_ANSWERS")
	}
	text, err := os.ReadFile(filepath.Join(dir, language+".open.jsonl"))
	if err != nil {
		t.Skip("no recorded answers of ", language, ": ", err)
	}
	for line := range bytes.Lines(text) {
		objects = append(objects, line)
	}
	return dir, objects
}

// folder is the one that a variable names, else the other, seen from the root of
// the repository, or empty where there is none.
func folder(variable, other string) string {
	if os.Getenv(variable) == "none" {
		return ""
	}
	dir := filepath.FromSlash(cmp.Or(os.Getenv(variable), other))
	if !filepath.IsAbs(dir) {
		root := "."
		for range 8 { // a test runs in the folder of its package
			if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
				break
			}
			root = filepath.Join(root, "..")
		}
		dir = filepath.Join(root, dir)
	}
	if _, err := os.Stat(dir); err != nil {
		return ""
	}
	return dir
}

// Files are the files of a kind (.yml) below the folders that match patterns.
func Files(t testing.TB, kind string, folders ...string) (files []string) {
	t.Helper()
	dir := Dir()
	if dir == "" {
		t.Skip("no corpus of public rules: set SIGMAC_CORPUS")
	}
	for _, pattern := range folders {
		roots, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, root := range roots {
			if err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
				if err == nil && filepath.Ext(path) == kind {
					files = append(files, path)
				}
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(files) == 0 {
		t.Skip("the corpus has no files ", kind, " in ", folders)
	}
	return files
}

// Parse reads the rules of the folders that match patterns.
func Parse(t testing.TB, folders ...string) *parser.Collection {
	t.Helper()
	c := &parser.Collection{}
	for _, x := range ordered.Map(Files(t, ".yml", folders...), func(path string) *parser.Collection {
		src, err := os.ReadFile(path)
		if err != nil {
			t.Error(err)
		}
		return parser.Parse(path, src)
	}) {
		c.Add(x)
	}
	return c
}

// Rules are the active rules, without those that cannot be read.
func Rules(t testing.TB) (rules []*parser.Document) {
	t.Helper()
	return slices.DeleteFunc(Parse(t, "sigma/rules*").Documents, func(d *parser.Document) bool {
		return d.Rule == nil || len(d.Errors) > 0
	})
}

// A Recording is events that were recorded for rules.
type Recording struct {
	Name   string // of the file
	Rules  []*ir.Rule
	Absent int // rules that the corpus has not
	Events []json.RawMessage
}

// Recordings are the recorded events of Windows.
func Recordings(t testing.TB) (out []Recording) {
	t.Helper()
	rules := map[string]*ir.Rule{}
	for _, d := range Rules(t) {
		rules[d.ID] = d.Rule
	}
	for _, path := range Files(t, ".json", "events") {
		src, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var f struct {
			Rules  []string
			Events []json.RawMessage
		}
		if err := json.Unmarshal(src, &f); err != nil {
			t.Fatal(path, err)
		}
		r := Recording{Name: filepath.Base(path), Events: f.Events}
		for _, id := range f.Rules {
			if rules[id] == nil {
				r.Absent++
			} else {
				r.Rules = append(r.Rules, rules[id])
			}
		}
		out = append(out, r)
	}
	return out
}

// Unmatched are the rules that match none of their recorded events, and why.
var Unmatched = map[string]string{
	"a7c3e5f2-8b1d-4e9a-b6c2-3d7f5e8a9b4c": "the events write the rule's field names with blanks",
}

// Event is a recorded event as rules see it.
func Event(t testing.TB, text []byte) eval.Event {
	t.Helper()
	ev, err := eval.ParseEvent(text)
	if err != nil {
		t.Fatal(err)
	}
	return eval.Flatten(ev)
}

// Hold compares counts with those that a JSON file holds, or writes them there.
func Hold(t testing.TB, file string, counts any, update bool) {
	t.Helper()
	got, err := json.MarshalIndent(counts, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if got = append(got, '\n'); update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := func(text []byte) []string { return strings.Split(strings.ReplaceAll(string(text), ",\n", "\n"), "\n") }
	for _, line := range lines(want) {
		if !slices.Contains(lines(got), line) {
			t.Errorf("%s: want %s", file, line)
		}
	}
	for _, line := range lines(got) {
		if !slices.Contains(lines(want), line) {
			t.Errorf("%s:  got %s", file, line)
		}
	}
}
