package pipeline

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"sigmac/ir"
	"sigmac/parser"
)

const (
	asim      = "sentinel_asim"
	asimCases = "testdata/builtin-asim"
)

// asimSchema is the type of each column of each table.
func asimSchema(t *testing.T) map[string]map[string]string {
	src, err := os.ReadFile("../schema/sentinel_asim.json")
	if err != nil {
		t.Fatal(err)
	}
	tables := map[string]map[string]string{}
	if err := json.Unmarshal(src, &tables); err != nil {
		t.Fatal(err)
	}
	return tables
}

// TestASIMSchema holds that every table has what all of ASIM has.
func TestASIMSchema(t *testing.T) {
	tables := asimSchema(t)
	if len(tables) != 8 {
		t.Errorf("%d tables", len(tables))
	}
	for table, columns := range tables {
		for name, typ := range map[string]string{"TimeGenerated": "datetime", "EventCount": "int", "EventType": "string",
			"EventOriginalType": "string", "EventResult": "string", "DvcHostname": "string", "DvcOs": "string", "AdditionalFields": "dynamic"} {
			if columns[name] != typ {
				t.Errorf("%s.%s is %q", table, name, columns[name])
			}
		}
		for name, typ := range columns {
			if !slices.Contains([]string{"string", "int", "long", "real", "bool", "datetime", "dynamic"}, typ) {
				t.Errorf("%s.%s is %q", table, name, typ)
			}
		}
	}
}

// applyASIM is r on its table, the columns that are computed for it, and the
// fields that its table has not.
func applyASIM(t *testing.T, tables map[string]map[string]string, r *ir.Rule) (out *ir.Rule, computed, lacking []string, err error) {
	p, ok := Builtin(asim)
	if !ok {
		t.Fatal("no pipeline", asim)
	}
	out, _, err = p.Apply(ir.ExpandBase64Offset(ir.ExpandWindash(r)), Options{Backend: "kusto"})
	if err != nil {
		return nil, nil, nil, err
	}
	columns := tables[out.Scope.Table]
	if columns == nil {
		t.Errorf("no table %q", out.Scope.Table)
	}
	texts := map[string]string{}
	for _, c := range out.Computed {
		texts[c.Name] = c.Text
		if columns[c.Name] != "" {
			t.Errorf("%s has a column %s, which is computed", out.Scope.Table, c.Name)
		}
	}
	seen := map[string]bool{}
	see := func(name string) {
		place, _, inside := strings.Cut(name, ".")
		switch {
		case seen[name]:
		case texts[name] != "":
			computed = append(computed, name)
		case columns[name] != "", inside && columns[place] == "dynamic":
		default:
			lacking = append(lacking, name)
		}
		seen[name] = true
	}
	for _, d := range out.Detections {
		ir.Walk(d.Expr, func(e ir.Expr) {
			switch e := e.(type) {
			case ir.Match:
				see(e.Field.Name)
				if ref, ok := e.Test.(ir.FieldRef); ok {
					see(ref.Other.Name)
				}
			case ir.Keyword:
				see("")
			}
		})
	}
	slices.Sort(computed)
	slices.Sort(lacking)
	return out, computed, lacking, nil
}

// TestASIM holds what becomes of rules of each log source, in the section want
// of each case.
func TestASIM(t *testing.T) {
	tables := asimSchema(t)
	paths, err := filepath.Glob(asimCases + "/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatal(err, len(paths))
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if len(bytes.TrimSpace(a.Comment)) == 0 {
				t.Error("no line says why the case exists")
			}
			var b strings.Builder
			at := -1
			for i, f := range a.Files {
				if f.Name == "want" {
					at = i
					continue
				}
				for _, d := range parser.Parse(f.Name, f.Data).Documents {
					if len(d.Errors) > 0 {
						t.Fatal(d.Errors)
					}
					fmt.Fprintf(&b, "# %s\n", d.Title)
					out, computed, lacking, err := applyASIM(t, tables, d.Rule)
					if err != nil {
						// Without the place in the pipeline, which moves.
						e := (*Error)(nil)
						if !errors.As(err, &e) {
							t.Fatal(err)
						}
						fmt.Fprintf(&b, "error %d:%d %s\n", e.Pos.Line, e.Pos.Column, e.Msg)
						continue
					}
					if err := ir.Check(out, ir.NoBase64); err != nil {
						t.Error(err)
					}
					fmt.Fprintf(&b, "table %s\n%s", out.Scope.Table, out)
					for _, name := range computed {
						fmt.Fprintf(&b, "computed %s\n", name)
					}
					for _, name := range lacking {
						fmt.Fprintf(&b, "no column %s\n", name)
					}
				}
			}
			if *update {
				if at < 0 {
					at, a.Files = len(a.Files), append(a.Files, txtar.File{Name: "want"})
				}
				a.Files[at].Data = []byte(b.String())
				write(t, path, txtar.Format(a))
				return
			}
			if at < 0 {
				t.Fatal("no section want")
			}
			if want := string(a.Files[at].Data); b.String() != want {
				t.Errorf("got\n%s\nwant\n%s", b.String(), want)
			}
		})
	}
}

// TestASIMCorpus counts what becomes of public rules: by log source those that
// pass, and by reason those that do not.
func TestASIMCorpus(t *testing.T) {
	dir := cmp.Or(os.Getenv("SIGMAC_CORPUS"), "../../shared/corpus")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("no corpus of rules: set SIGMAC_CORPUS")
	}
	type counts struct {
		Passed  int
		Of      int
		Sources map[string]int // that pass
		Refused map[string]int // by reason
		Columns map[string]int // that their table has not
	}
	got := counts{Sources: map[string]int{}, Refused: map[string]int{}, Columns: map[string]int{}}
	tables := asimSchema(t)
	folders, err := filepath.Glob(dir + "/sigma/rules*")
	if err != nil || len(folders) == 0 {
		t.Fatal(err, len(folders))
	}
	for _, folder := range folders {
		err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".yml") {
				return err
			}
			src, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for _, d := range parser.Parse(path, src).Documents {
				if d.Rule == nil || len(d.Errors) > 0 {
					continue
				}
				got.Of++
				s := d.Rule.Source
				_, _, lacking, err := applyASIM(t, tables, d.Rule)
				switch e := (*Error)(nil); {
				case errors.As(err, &e):
					got.Refused[e.Msg]++
				case len(lacking) > 0:
					got.Refused["a field without a column"]++
					for _, name := range lacking {
						got.Columns[s.Category+" "+name]++
					}
				default:
					got.Passed++
					got.Sources[strings.Join(strings.Fields(s.Product+" "+s.Category+" "+s.Service), " ")]++
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	sum := got.Passed
	for n := range maps.Values(got.Refused) {
		sum += n
	}
	if sum != got.Of {
		t.Errorf("%d of %d rules are counted", sum, got.Of)
	}
	b, err := json.MarshalIndent(got, "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	b = append(b, '\n')
	path := asimCases + "/corpus.json"
	if *update {
		write(t, path, b)
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b, want) {
		t.Errorf("got\n%s\nwant\n%s", b, want)
	}
}
