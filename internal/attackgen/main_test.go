package main

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// TestBundle holds what is made of a small bundle, written by hand in the form
// of MITRE's.
func TestBundle(t *testing.T) {
	var out, errs bytes.Buffer
	if code := run([]string{"testdata/bundle.json"}, &out, &errs); code != 0 || errs.Len() > 0 {
		t.Fatalf("%d: %s", code, &errs)
	}
	want, err := os.ReadFile("testdata/want.json")
	if err != nil {
		t.Fatal(err)
	}
	if out.String() != string(want) {
		t.Errorf("got\n%s", &out)
	}
}

// TestRevoked holds that a technique is deprecated where the bundle does not
// say what replaces it.
func TestRevoked(t *testing.T) {
	src, err := os.ReadFile("testdata/bundle.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, with := range []string{"attack-pattern--none", "attack-pattern--t1562.001", "attack-pattern--t1089"} {
		m, err := read([]byte(strings.Replace(string(src), `"target_ref": "attack-pattern--t1685"`, `"target_ref": "`+with+`"`, 1)))
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range m.Techniques {
			gone := x.ID == "T1562.001" || x.ID == "T1089" || x.ID == "T1064"
			if x.Successor != "" || x.Deprecated != gone {
				t.Errorf("revoked by %s: %+v", with, x)
			}
		}
	}
}

// TestErrors holds what is said of a bundle from which a part is taken.
func TestErrors(t *testing.T) {
	src, err := os.ReadFile("testdata/bundle.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, with, want string }{
		{`"bundle"`, `"report"`, "this is no STIX bundle"},
		{`"type": "x-mitre-collection"`, `"type": "x"`, "the bundle has no x-mitre-collection, which names the version of ATT&CK"},
		{`"type": "x-mitre-matrix"`, `"type": "x"`, "the bundle has no x-mitre-matrix enterprise-attack, which orders the tactics"},
		{`"x-mitre-tactic--execution", "x-mitre-tactic--stealth"`, `"x-mitre-tactic--none"`, "the matrix has a tactic x-mitre-tactic--none that the bundle has not"},
		{`"phase_name": "stealth"}]`, `"phase_name": "hiding"}]`, "T1218.007 has a tactic hiding that the matrix has not"},
	} {
		if n := strings.Count(string(src), c.old); n != 1 {
			t.Errorf("%s stands %d times in the bundle", c.old, n)
		}
		if _, err := read([]byte(strings.Replace(string(src), c.old, c.with, 1))); err == nil || err.Error() != c.want {
			t.Errorf("%s: %v\nwant %s", c.with, err, c.want)
		}
	}
	if _, err := read([]byte("{")); err == nil {
		t.Error("half of a file is read")
	}
	for _, args := range [][]string{nil, {"a", "b"}, {"testdata/none.json"}} {
		var out, errs bytes.Buffer
		if code := run(args, &out, &errs); code == 0 || out.Len() > 0 || errs.Len() == 0 {
			t.Errorf("%q: %d, %q", args, code, &errs)
		}
	}
}

// TestCommitted holds that the file in the repository is in the form that this
// command writes.
func TestCommitted(t *testing.T) {
	src, err := os.ReadFile("../catalog/attack.json")
	if err != nil {
		t.Fatal(err)
	}
	var m matrix
	d := json.NewDecoder(bytes.NewReader(src))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(m.encode(), src) {
		t.Error("internal/catalog/attack.json was not written by attackgen")
	}
}
