package clones

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"sigmac"
	"sigmac/internal/check"
	"sigmac/parser"
)

// TestKinds holds that the clones of every kind are sound and that some target has a query of each.
func TestKinds(t *testing.T) {
	r := Repository{Rules: 14 * len(kinds())}
	var files []check.File
	converted := map[string]bool{}
	for i := range r.Rules {
		path, src := r.File(i)
		files = append(files, check.File{Path: path, Data: src})
		c := parser.Parse(path, src)
		var o sigmac.Options
		for _, target := range sigmac.Targets() {
			o.Mappings = append(o.Mappings, sigmac.DefaultMapping(target))
		}
		for res := range sigmac.Compile(c, o) {
			converted[path] = converted[path] || len(res.Queries) > 0
		}
		if d := c.Documents[0]; len(c.Documents) != 1 || d.Rule != nil && !converted[path] {
			t.Errorf("%s: %d documents, and no query of a rule", path, len(c.Documents))
		}
	}
	for _, f := range check.Run(files, check.Options{Profile: "default", Prover: true, Budget: 100_000}) {
		t.Error(f)
	}
}

// TestWrite holds that equal repositories are equal bytes, that all ids differ, and in how many clones a change shows.
func TestWrite(t *testing.T) {
	const n = 4000
	dir := t.TempDir()
	if err := (Repository{Rules: 100}).Write(dir); err != nil {
		t.Fatal(err)
	}
	ids, changed := map[string]bool{}, 0
	for i := range n {
		path, src := Repository{Rules: n}.File(i)
		d := parser.Parse(path, src).Documents[0]
		if ids[d.ID] {
			t.Errorf("%s: the id %s is that of another", path, d.ID)
		}
		ids[d.ID] = true
		if _, other := (Repository{Rules: n, Changed: true}).File(i); !bytes.Equal(src, other) {
			changed++
		}
		if bytes.ContainsAny(src, "<>") {
			t.Errorf("%s: a value is missing", path)
		}
		if written, err := os.ReadFile(filepath.Join(dir, path)); i < 100 && (err != nil || !bytes.Equal(written, src)) {
			t.Error(path, err)
		}
	}
	if changed < n/120 || changed > n/80 {
		t.Errorf("%d of %d are changed", changed, n)
	}
}
