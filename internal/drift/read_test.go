package drift

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"sigmac/internal/deploy"
	"sigmac/ir"
	"sigmac/targets"
)

// form is a form whose files begin with a word, and which has a detection a line.
func form(name, extension, begin string) Form {
	return Form{targets.Must("splunk"), deploy.Format{Name: name, Extension: extension, Read: func(f deploy.File) (out []*deploy.Detection, err error) {
		rest, ok := strings.CutPrefix(string(f.Data), begin)
		if !ok {
			return nil, &ir.Diagnostic{Path: f.Path, Pos: ir.Pos{Line: 1, Column: 1}, Msg: "it does not begin as it should"}
		}
		for i, l := range strings.Fields(rest) {
			if l == "!" {
				return nil, &ir.Diagnostic{Path: f.Path, Pos: ir.Pos{Line: i + 1, Column: 1}, Msg: "it is cut off"}
			}
			out = append(out, &deploy.Detection{ID: l, Title: name})
		}
		return out, nil
	}}}
}

func TestRead(t *testing.T) {
	a, b, y := form("a", ".conf", "["), form("b", ".json", "{"), form("y", ".yml", "{")
	all := []Form{a, b, y}
	other := form("c", ".toml", "[")
	other.Target = targets.Must("kusto")
	for _, c := range []struct {
		data  string
		forms []Form
		want  string // the form and the ids, or the error
	}{
		{"[ x y", all, "a [x y]"},
		{"{ x", all, "b [x]"},
		{"{ x", []Form{b, y}, "b [x]"},
		{"{ x", []Form{y}, "y [x]"},
		{"[ x", []Form{a, form("a2", ".conf", "[")}, "a [x]"},
		{"[ x", []Form{a, other}, "e: it can be read as a and as c: name its form with --format"},
		{"[", []Form{a, other}, "e: it holds no detection, in whichever form it is; name that with --format, of a, c"},
		{"[", all, "a []"},
		{"", all, "e: it is none of the forms that sigmac reads (a, b, y); name the one that is meant with --format\nas a: e:1:1: it does not begin as it should"},
		{"[ x !", all, "e: it is none of the forms that sigmac reads (a, b, y); name the one that is meant with --format\nas a: e:2:1: it is cut off"},
		{"[ x !", []Form{a}, "e:2:1: it is cut off"},
	} {
		f, ds, err := Read(deploy.File{Path: "e", Data: []byte(c.data)}, c.forms)
		ids := []string{}
		for _, d := range ds {
			ids = append(ids, d.ID)
		}
		got := fmt.Sprintf("%s %v", f.Name, ids)
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%q as %s: %q, want %q", c.data, names(c.forms), got, c.want)
		}
	}
	e := (*ir.Diagnostic)(nil)
	if _, _, err := Read(deploy.File{Path: "e", Data: []byte("[ !")}, []Form{a}); !errors.As(err, &e) {
		t.Errorf("the error of the only form is %v", err)
	}
}

func TestIsJSON(t *testing.T) {
	for data, want := range map[string]bool{"{": true, " \n{": true, "[{": true, "[ \n {": true, "[]": true, "\ufeff{": true, "": false, "[a]": false, "[[a]]": false, "a: {": false} {
		if got := isJSON([]byte(data)); got != want {
			t.Errorf("%q: %t", data, got)
		}
	}
}

// TestForms holds that those of the targets are there under names that no two share.
func TestForms(t *testing.T) {
	var seen []string
	for _, f := range Forms(targets.All()) {
		if slices.Contains(seen, f.Name) {
			t.Errorf("two forms are called %s", f.Name)
		}
		seen = append(seen, f.Name)
	}
}
