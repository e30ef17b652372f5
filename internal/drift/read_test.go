package drift

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

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
		{"[ x", []Form{a, other}, "e: it can be read as a and as c: say which by -f"},
		{"[", []Form{a, other}, "e: it holds no detection, in whichever form it is: say which by -f, of a, c"},
		{"[", all, "a []"},
		{"", all, "e: it is none of the forms that sigmac reads (a, b, y)\nas a: e:1:1: it does not begin as it should"},
		{"[ x !", all, "e: it is none of the forms that sigmac reads (a, b, y)\nas a: e:2:1: it is cut off"},
		{"[ x !", []Form{a}, "e:2:1: it is cut off"},
	} {
		f, ds, err := Read(deploy.File{Path: "e", Data: []byte(c.data)}, c.forms, "-f")
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
	if _, _, err := Read(deploy.File{Path: "e", Data: []byte("[ !")}, []Form{a}, "-f"); !errors.As(err, &e) {
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

// TestLinear holds that four times as many detections are read with about four times the memory,
// in every form: an export may have 100 MB.
func TestLinear(t *testing.T) {
	for _, form := range Forms(targets.All()) {
		rules := rulesOf(t, form.Target.Name, rulesText)
		read := func(n int) float64 {
			var all []*deploy.Rule
			for i := range n {
				title := fmt.Sprintf("Rule %d", i)
				all = append(all, &deploy.Rule{Path: "r.yml", ID: deploy.UUID(title), Title: title, Meta: rules[0].Meta, Query: rules[0].Detection.Query,
					Scope: rules[0].Result.Want.Scope, Plan: deploy.Plan{Enabled: true, Level: "high", Every: time.Hour, Lookback: 70 * time.Minute},
					Has: func(string) (ir.Type, bool) { return ir.Text, true }})
			}
			values := map[string]string{}
			for _, o := range form.Options {
				values[o.Name] = o.Default
			}
			files, _ := form.Write(all, deploy.Options{Values: values, Version: func(string) int { return 1 }, Attack: form.Attack})
			return testing.AllocsPerRun(1, func() {
				got := 0
				for _, f := range files {
					ds, err := form.Read(f)
					if err != nil {
						t.Fatal(err)
					}
					got += len(ds)
				}
				if got != n {
					t.Errorf("%s: %d of %d detections are read", form.Name, got, n)
				}
			})
		}
		if few, many := read(100), read(400); many > 5*few {
			t.Errorf("%s: %.0f allocations for 100 detections, %.0f for 400", form.Name, few, many)
		}
	}
}
