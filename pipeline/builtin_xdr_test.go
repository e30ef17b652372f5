package pipeline

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"sigmac/ir"
	"sigmac/parser"
)

// xdrColumns are the columns of each table of Defender XDR, with their types.
func xdrColumns(t *testing.T) map[string]map[string]string {
	b, err := os.ReadFile("../schema/microsoft_xdr.json")
	if err != nil {
		t.Fatal(err)
	}
	var tables map[string]map[string]string
	if err := json.Unmarshal(b, &tables); err != nil {
		t.Fatal(err)
	}
	return tables
}

// fieldsOf are the fields that a rule tests, sorted.
func fieldsOf(r *ir.Rule) []string {
	set := map[string]bool{}
	for _, d := range r.Detections {
		ir.Walk(d.Expr, func(e ir.Expr) {
			if m, ok := e.(ir.Match); ok {
				set[m.Field.Name] = true
				if ref, ok := m.Test.(ir.FieldRef); ok {
					set[ref.Other.Name] = true
				}
			}
		})
	}
	return slices.Sorted(maps.Keys(set))
}

// lacking is the first field of r that is neither a column of its table nor
// computed.
func lacking(r *ir.Rule, columns map[string]map[string]string) string {
	table, ok := columns[r.Scope.Table]
	if !ok {
		return "table " + r.Scope.Table
	}
	for _, f := range fieldsOf(r) {
		name, _, place := strings.Cut(f, ".")
		typ := table[name]
		switch {
		case slices.ContainsFunc(r.Computed, func(c ir.Computed) bool { return c.Name == f }):
		case typ == "" || place && typ != "json" && typ != "dynamic":
			return f
		}
	}
	return ""
}

func xdr(t *testing.T) *Pipeline {
	p, ok := Builtin("microsoft_xdr")
	if !ok {
		t.Fatal("no pipeline microsoft_xdr")
	}
	return p
}

// TestMicrosoftXDR holds what the pipeline makes of each log source: table,
// condition and computed columns, or the reason of a refusal.
func TestMicrosoftXDR(t *testing.T) {
	p, columns := xdr(t), xdrColumns(t)
	paths, err := filepath.Glob("testdata/builtin-xdr/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatal(err, "no cases")
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
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
					r, _, err := p.Apply(ir.ExpandBase64Offset(ir.ExpandWindash(d.Rule)), Options{Backend: "kusto"})
					if err != nil {
						fmt.Fprintf(&b, "error %d:%d %s\n", err.(*Error).Pos.Line, err.(*Error).Pos.Column, err.(*Error).Msg)
						continue
					}
					if err := ir.Check(r, ir.NoBase64); err != nil {
						t.Error(err)
					}
					fmt.Fprintf(&b, "%stable %s\n", r, r.Scope.Table)
					for _, c := range r.Computed {
						if slices.Contains(fieldsOf(r), c.Name) {
							fmt.Fprintf(&b, "computed %s = %s\n", c.Name, c.Text)
						}
					}
					if f := lacking(r, columns); f != "" {
						fmt.Fprintf(&b, "no column %s\n", f)
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

// TestMicrosoftXDRComputed holds that a computed column hides none of its table
// and looks only at columns that the table has.
func TestMicrosoftXDRComputed(t *testing.T) {
	columns := xdrColumns(t)
	functions := []string{"and", "binary_and", "binary_shift_right", "case", "coalesce", "endswith", "extract", "iff", "in", "isempty",
		"matches", "or", "parse_json", "regex", "replace_regex", "startswith", "strcat", "tohex", "tolong", "tostring"}
	literal := regexp.MustCompile(`@?"[^"]*"`)
	word := regexp.MustCompile(`\.?[A-Za-z_]\w*`)
	seen := 0
	var walk func(items []*item, table string)
	walk = func(items []*item, table string) {
		for _, it := range items {
			switch x := it.do.(type) {
			case nest:
				walk(x.items, table)
			case setState:
				if x.key == "query_table" {
					table = x.value.(string)
				}
				if x.key != "extend" {
					continue
				}
				for name, v := range x.value.(map[string]any) {
					text, ok := v.(string)
					if typed, is := v.(map[string]any); is {
						text, ok = typed["is"].(string)
					}
					if seen++; !ok {
						t.Errorf("%s: %s has no expression", table, name)
					}
					if columns[table][name] != "" {
						t.Errorf("%s: %s is a column already", table, name)
					}
					for _, w := range word.FindAllString(literal.ReplaceAllString(text, `""`), -1) {
						if !strings.HasPrefix(w, ".") && columns[table][w] == "" && !slices.Contains(functions, w) {
							t.Errorf("%s: %s uses %s, which is no column", table, name, w)
						}
					}
				}
			}
		}
	}
	walk(xdr(t).items, "")
	if seen < 20 {
		t.Error("only", seen)
	}
}

// TestMicrosoftXDRCorpus holds how many public rules have a query at Defender,
// and why the others have none.
func TestMicrosoftXDRCorpus(t *testing.T) {
	root := os.Getenv("SIGMAC_CORPUS")
	if root == "" {
		root = filepath.Join("..", "..", "shared", "corpus")
	}
	folders, err := filepath.Glob(filepath.Join(root, "sigma", "rules*"))
	if err != nil || len(folders) == 0 {
		t.Skip("no corpus of rules: set SIGMAC_CORPUS to its folder")
	}
	want := map[string]int{
		`Defender does not record the command line of the parent of the acting process`:                        1,
		`Defender does not record the current directory of a process`:                                          13,
		`Defender does not record the name of the host that makes a connection`:                                1,
		`Defender does not record where a remote thread starts`:                                                5,
		`Defender keeps the signature of an image in another table than the loads of images`:                   15,
		`Defender records the file of a service, and not the command that starts it`:                           49,
		`Defender records the product version of a process, and not the file version`:                          3,
		`Defender records the version information of the process, and not that of the image that it loads`:     4,
		`DeviceEvents has no column ClientProcessId`:                                                           1,
		`DeviceEvents has no column SubjectUserName`:                                                           1,
		`DeviceFileEvents has no column CreationUtcTime`:                                                       1,
		`DeviceLogonEvents has no column AuthenticationPackageName`:                                            2,
		`DeviceLogonEvents has no column LogonProcessName`:                                                     1,
		`DeviceLogonEvents has no column ProcessName`:                                                          2,
		`DeviceLogonEvents has no column WorkstationName`:                                                      1,
		`DeviceProcessEvents has no column Provider_Name`:                                                      1,
		`LogonId is a number in Defender; of the hexadecimal texts only 0x3e7, 0x3e5 and 0x3e4 are known here`: 1,
		`ProcessId of the log is the process that wrote the event, and in Defender another one`:                1,
		`it is not documented in which form Defender has what a task does`:                                     3,
		`no value is a hash by MD5, SHA1 and SHA256`:                                                           26,
		`of the parent of the acting process only the file name is known, so ParentImage can be tested for a whole file name at its end, as in endswith \name.exe, and for nothing else`: 4,
		`of the types of logons only 2, 3, 4, 5 and 10 are known at Defender`: 4,
		`the event id is none that the table of this log source has rows for`: 6,
		`the pipeline microsoft_xdr has no table for this log source`:         1060,
	}
	p, columns := xdr(t), xdrColumns(t)
	rules, passed := 0, map[string]int{}
	refused := map[string]map[string]int{}
	for _, folder := range folders {
		err := filepath.WalkDir(folder, func(path string, d os.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".yml") {
				return err
			}
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for _, d := range parser.Parse(path, b).Documents {
				if d.Rule == nil || len(d.Errors) > 0 {
					continue
				}
				rules++
				s := d.Rule.Source
				source := strings.Trim(s.Product+"/"+s.Category+"/"+s.Service, "/")
				r, _, err := p.Apply(ir.ExpandBase64Offset(ir.ExpandWindash(d.Rule)), Options{Backend: "kusto"})
				why := ""
				if err != nil {
					why = err.(*Error).Msg
				} else if f := lacking(r, columns); f != "" {
					why = r.Scope.Table + " has no column " + f
				}
				if why == "" {
					passed[source]++
					continue
				}
				if refused[why] == nil {
					refused[why] = map[string]int{}
				}
				refused[why][source]++
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	total := 0
	for _, s := range slices.Sorted(maps.Keys(passed)) {
		t.Logf("%5d %s", passed[s], s)
		total += passed[s]
	}
	if rules != 3222 || total != 2016 {
		t.Errorf("%d of %d rules have a query", total, rules)
	}
	for _, why := range slices.Sorted(maps.Keys(refused)) {
		n := 0
		for _, c := range refused[why] {
			n += c
		}
		if n != want[why] {
			t.Errorf("%d refused, not %d: %s %v", n, want[why], why, refused[why])
		}
		delete(want, why)
	}
	for why := range want {
		t.Errorf("none refused: %s", why)
	}
}
