package pipeline

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"sigmac/eval"
	"sigmac/ir"
	"sigmac/parser"
)

// azure is the pipeline azure_monitor.
func azure(t testing.TB) *Pipeline {
	t.Helper()
	p, ok := Builtin("azure_monitor")
	if !ok {
		t.Fatal("no such pipeline")
	}
	return p
}

// applyAzure is a rule as the pipeline leaves it.
func applyAzure(t testing.TB, r *ir.Rule) (*ir.Rule, *Trace, error) {
	t.Helper()
	out, trace, err := azure(t).Apply(ir.ExpandBase64Offset(ir.ExpandWindash(r)), Options{Backend: "kusto"})
	if e := (*Error)(nil); err != nil && !errors.As(err, &e) {
		t.Errorf("an error without its type: %v", err)
	}
	return out, trace, err
}

// azureSchema is the type of each column, by table.
func azureSchema(t testing.TB) map[string]map[string]string {
	t.Helper()
	src, err := os.ReadFile("../schema/azure_monitor.json")
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]map[string]string
	if err := json.Unmarshal(src, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// missing are the fields of a rule that its table does not have.
func missing(schema map[string]map[string]string, r *ir.Rule) (out []string) {
	columns := schema[r.Scope.Table]
	fields := map[string]bool{}
	r.Walk(func(e ir.Expr) {
		m, ok := e.(ir.Match)
		if !ok {
			return
		}
		fields[m.Field.Name] = true
		if ref, ok := m.Test.(ir.FieldRef); ok {
			fields[ref.Other.Name] = true
		}
	})
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		root, _, inside := strings.Cut(name, ".")
		switch kind, ok := columns[root]; {
		case inside && ok && (kind == "dynamic" || kind == "json"):
		case !inside && ok:
		case slices.ContainsFunc(r.Computed, func(c ir.Computed) bool { return c.Name == name }):
		default:
			out = append(out, name)
		}
	}
	return out
}

// TestAzureSchema holds the form of the schema: a table a line, all sorted, and
// the types that there are.
func TestAzureSchema(t *testing.T) {
	src, err := os.ReadFile("../schema/azure_monitor.json")
	if err != nil {
		t.Fatal(err)
	}
	schema := azureSchema(t)
	if len(schema) < 600 {
		t.Errorf("%d tables", len(schema))
	}
	types := []string{"bool", "datetime", "dynamic", "guid", "int", "json", "long", "real", "string"}
	var b bytes.Buffer
	b.WriteString("{\n")
	names := slices.Sorted(maps.Keys(schema))
	for i, table := range names {
		fmt.Fprintf(&b, "%q: {", table)
		for j, column := range slices.Sorted(maps.Keys(schema[table])) {
			if !slices.Contains(types, schema[table][column]) {
				t.Errorf("%s.%s is of type %q", table, column, schema[table][column])
			}
			if j > 0 {
				b.WriteString(", ")
			}
			fmt.Fprintf(&b, "%q: %q", column, schema[table][column])
		}
		b.WriteString("}")
		if i+1 < len(names) {
			b.WriteString(",")
		}
		b.WriteString("\n")
	}
	b.WriteString("}\n")
	if !bytes.Equal(b.Bytes(), src) {
		t.Error("the schema is not in its form: sorted, a table a line")
	}
}

// TestAzureCases holds what the pipeline makes of rules for each log source:
// the detections with the conditions, the table and the computed columns, or
// why the rule is refused.
func TestAzureCases(t *testing.T) {
	paths, err := filepath.Glob("testdata/builtin-azure/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatal(err, len(paths))
	}
	schema := azureSchema(t)
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if len(bytes.TrimSpace(a.Comment)) == 0 {
				t.Error("no line says why the case exists")
			}
			var got strings.Builder
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
					fmt.Fprintf(&got, "# %s\n", d.Title)
					out, trace, err := applyAzure(t, d.Rule)
					if err != nil {
						e := (*Error)(nil)
						errors.As(err, &e)
						fmt.Fprintf(&got, "refused at %d:%d: %s\n", e.Pos.Line, e.Pos.Column, e.Msg)
						continue
					}
					if err := ir.Check(out, ir.NoBase64); err != nil {
						t.Error(err)
					}
					fmt.Fprintf(&got, "table %s\n%s", out.Scope.Table, out)
					if m := missing(schema, out); len(m) > 0 {
						fmt.Fprintf(&got, "not in the schema: %s\n", strings.Join(m, ", "))
					}
					for _, f := range trace.Renamed {
						if len(f.To) != 1 || f.To[0] != f.From {
							fmt.Fprintf(&got, "renamed %s %q\n", f.From, f.To)
						}
					}
				}
			}
			if *update {
				if at < 0 {
					at, a.Files = len(a.Files), append(a.Files, txtar.File{Name: "want"})
				}
				a.Files[at].Data = []byte(got.String())
				write(t, path, txtar.Format(a))
				return
			}
			if at < 0 {
				t.Fatal("no section want")
			}
			if want := string(a.Files[at].Data); got.String() != want {
				t.Errorf("got\n%s\nwant\n%s", got.String(), want)
			}
		})
	}
}

// azureCorpus are the public rules that lie beside the repository.
func azureCorpus(t *testing.T) (dir string, rules map[string]*ir.Rule) {
	t.Helper()
	dir = os.Getenv("SIGMAC_CORPUS")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared", "corpus")
	}
	folders, _ := filepath.Glob(filepath.Join(dir, "sigma", "rules*"))
	if len(folders) == 0 {
		t.Skip("no corpus of rules: set SIGMAC_CORPUS")
	}
	rules = map[string]*ir.Rule{}
	for _, folder := range folders {
		err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".yml") {
				return err
			}
			src, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for i, doc := range parser.Parse(path, src).Documents {
				if doc.Rule != nil && len(doc.Errors) == 0 {
					rules[fmt.Sprintf("%s#%d", path, i)] = doc.Rule
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir, rules
}

// TestAzureCorpus holds how many public rules go to each table, and how many are
// refused for which reason, by the pipeline or by the schema of the table.
func TestAzureCorpus(t *testing.T) {
	_, rules := azureCorpus(t)
	schema := azureSchema(t)
	got := map[string]int{}
	bySource := map[string]map[string]int{}
	for _, path := range slices.Sorted(maps.Keys(rules)) {
		r := rules[path]
		s := r.Source
		source := strings.Join([]string{s.Product, s.Category, s.Service}, "/")
		if bySource[source] == nil {
			bySource[source] = map[string]int{}
		}
		count := func(what string) { got[what]++; bySource[source][what]++ }
		out, _, err := applyAzure(t, r)
		if err != nil {
			e := (*Error)(nil)
			errors.As(err, &e)
			if e.Pos.Line == 0 {
				t.Errorf("%s: an error without a place: %s", path, e)
			}
			count("refused: " + e.Msg)
			continue
		}
		if schema[out.Scope.Table] == nil {
			t.Errorf("%s: no table %q", path, out.Scope.Table)
		}
		if out.Scope.Table == "SecurityEvent" && s.Service == "security" {
			alone, err := ir.Inline(ir.TypeFields(out))
			if err != nil {
				t.Fatal(path, err)
			}
			for _, c := range alone.Conditions {
				if withoutID(c.Expr, true) {
					t.Errorf("%s: the rule takes events of any id, and SecurityEvent fills its columns for some", path)
				}
			}
		}
		if m := missing(schema, out); len(m) > 0 {
			count("no column in " + out.Scope.Table)
			t.Logf("%s: %s has no %s", path, out.Scope.Table, strings.Join(m, ", "))
			continue
		}
		count("applied: " + out.Scope.Table)
	}
	for _, source := range slices.Sorted(maps.Keys(bySource)) {
		for _, what := range slices.Sorted(maps.Keys(bySource[source])) {
			t.Logf("%4d %s %s", bySource[source][what], source, what)
		}
	}
	path := "testdata/builtin-azure/corpus.json"
	if *update {
		b, err := json.MarshalIndent(got, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		write(t, path, append(b, '\n'))
		return
	}
	src, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int{}
	if err := json.Unmarshal(src, &want); err != nil {
		t.Fatal(err)
	}
	keys := slices.Sorted(maps.Keys(got))
	keys = append(keys, slices.Sorted(maps.Keys(want))...)
	slices.Sort(keys)
	for _, k := range slices.Compact(keys) {
		if got[k] != want[k] {
			t.Errorf("%s: %d, want %d", k, got[k], want[k])
		}
	}
}

// withoutID says whether an event for which no test of EventID holds may be as
// asked, if each other test may be either.
func withoutID(e ir.Expr, asked bool) bool {
	switch e := e.(type) {
	case ir.And:
		if asked {
			return !slices.ContainsFunc(e, func(x ir.Expr) bool { return !withoutID(x, true) })
		}
		return slices.ContainsFunc(e, func(x ir.Expr) bool { return withoutID(x, false) })
	case ir.Or:
		if asked {
			return slices.ContainsFunc(e, func(x ir.Expr) bool { return withoutID(x, true) })
		}
		return !slices.ContainsFunc(e, func(x ir.Expr) bool { return !withoutID(x, false) })
	case ir.Not:
		return withoutID(e.X, !asked)
	case ir.Match:
		return e.Field.Name != "EventID" || !asked
	}
	return true
}

// A recorded event, as converters from EVTX write it.
type recorded struct {
	Event struct {
		System struct {
			Provider struct {
				Attributes struct{ Name string } `json:"#attributes"`
			}
			EventID, Level, EventRecordID json.Number
			Channel, Computer             string
		}
		EventData map[string]any
	}
}

// windowsEvent is the event as a row of WindowsEvent.
func (e *recorded) windowsEvent() map[string]any {
	s := e.Event.System
	return map[string]any{"Channel": s.Channel, "EventID": s.EventID, "Provider": s.Provider.Attributes.Name,
		"Computer": s.Computer, "EventLevel": s.Level, "EventRecordId": string(s.EventRecordID), "EventData": e.data()}
}

func (e *recorded) data() map[string]any {
	data := map[string]any{}
	for name, v := range e.Event.EventData {
		if name != "#attributes" && v != nil {
			data[name] = fmt.Sprint(v)
		}
	}
	return data
}

// securityEvent is the event as a row of SecurityEvent: one of the Security log
// with the fields that are columns, and what 4688 says of a process that Sysmon
// saw.
func (e *recorded) securityEvent(columns map[string]string) map[string]any {
	s, data := e.Event.System, e.data()
	row := map[string]any{"Channel": s.Channel, "EventID": s.EventID, "EventSourceName": s.Provider.Attributes.Name,
		"Computer": s.Computer}
	if s.Channel == "Microsoft-Windows-Sysmon/Operational" && s.EventID == "1" {
		row["Channel"], row["EventID"], row["EventSourceName"] = "Security", 4688, "Microsoft-Windows-Security-Auditing"
		labels := map[any]any{"Low": "S-1-16-4096", "Medium": "S-1-16-8192", "High": "S-1-16-12288", "System": "S-1-16-16384"}
		data = map[string]any{"NewProcessName": data["Image"], "CommandLine": data["CommandLine"],
			"ParentProcessName": data["ParentImage"], "MandatoryLabel": labels[data["IntegrityLevel"]]}
	}
	for name, v := range data {
		switch kind := columns[name]; {
		case v == nil || kind == "":
		case kind == "int":
			row[name] = json.Number(fmt.Sprint(v))
		default:
			row[name] = v
		}
	}
	return row
}

// property is a computed column that reads a property of EventData.
var property = regexp.MustCompile(`^tostring\(EventData\[("[^"]*")\]\)$`)

// TestAzureEvents holds that the pipeline loses no recorded event: an event that
// a rule matches is matched by the rule that the pipeline makes of it, where it
// lies in the rule's table; and no other is.
func TestAzureEvents(t *testing.T) {
	dir, byPath := azureCorpus(t)
	schema := azureSchema(t)
	rules := map[string]*ir.Rule{}
	for _, r := range byPath {
		rules[r.Meta.ID] = r
	}
	files, err := filepath.Glob(filepath.Join(dir, "events", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatal("no events", err)
	}
	tables := map[string]int{}
	for _, file := range files {
		name := filepath.Base(file)
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var f struct {
			Rules  []string
			Events []json.RawMessage
		}
		if err := json.Unmarshal(src, &f); err != nil {
			t.Fatal(name, err)
		}
		for _, id := range f.Rules {
			r := rules[id]
			if r == nil {
				continue // the corpus is a sample
			}
			out, _, err := applyAzure(t, r)
			if err != nil {
				tables["refused: "+err.(*Error).Msg]++
				continue
			}
			matched := 0
			for _, raw := range f.Events {
				d := json.NewDecoder(bytes.NewReader(raw))
				d.UseNumber()
				var e recorded
				if err := d.Decode(&e); err != nil {
					t.Fatal(name, err)
				}
				row := e.windowsEvent()
				if out.Scope.Table == "SecurityEvent" {
					row = e.securityEvent(schema["SecurityEvent"])
				}
				for _, c := range out.Computed {
					m := property.FindStringSubmatch(c.Text)
					if m == nil {
						t.Fatalf("%s: the test cannot compute %s", name, c.Text)
					}
					key, _ := strconv.Unquote(m[1])
					row[c.Name] = row["EventData"].(map[string]any)[key]
				}
				asRow, err := eval.NewEvent(row)
				if err != nil {
					t.Fatal(name, err)
				}
				ev, err := eval.ParseEvent(raw)
				if err != nil {
					t.Fatal(name, err)
				}
				want, got := eval.Rule(r, eval.Flatten(ev)), eval.Rule(out, asRow)
				if got {
					matched++
				}
				// The rule does not write the names of Defender's fields with
				// their blanks; the pipeline does.
				if got != want && !(got && len(out.Computed) > 0) {
					t.Errorf("%s: the rule %s answers %v on the event and %v on its row in %s", name, id, want, got, out.Scope.Table)
				}
			}
			if matched == 0 {
				t.Errorf("%s: the rule %s matches none of its events in %s", name, id, out.Scope.Table)
			}
			tables[out.Scope.Table]++
		}
	}
	for _, table := range slices.Sorted(maps.Keys(tables)) {
		t.Logf("%4d %s", tables[table], table)
	}
	if tables["WindowsEvent"] < 50 || tables["SecurityEvent"] < 10 {
		t.Errorf("too few rules with events: %v", tables)
	}
}
