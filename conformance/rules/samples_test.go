package rules

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"sigmac"
	"sigmac/eval"
	"sigmac/internal/corpus"
	"sigmac/internal/samples"
	"sigmac/ir"
	"sigmac/parser"
	"sigmac/verify"
)

// TestSamples holds that of events made for public rules, as they are read from what is written in
// the form of a target, the queries select those that match and no near miss, and counts the rules
// without an event that matches. It takes a tenth of the rules and one of each log source, or all
// where SIGMAC_SAMPLES asks for that.
func TestSamples(t *testing.T) {
	c := corpus.Parse(t, "sigma/rules*")
	tenth, sources := []*parser.Document{}, map[string]bool{}
	for i, d := range c.Documents { // and one of each log source
		if d.Rule == nil {
			continue
		}
		if source := d.Rule.Source.String(); i%10 == 0 || !sources[source] || os.Getenv("SIGMAC_SAMPLES") == "all" {
			sources[source] = true
			tenth = append(tenth, d)
		}
	}
	c.Documents = tenth
	read := map[string]func(*testing.T, string) []map[string]any{"bulk": readBulk, "datatable": readTable, "makeresults": readSearch}
	got := map[string]int{}
	for _, target := range sigmac.Targets() {
		m := sigmac.DefaultMapping(target)
		for res := range sigmac.Compile(c, sigmac.Options{Mappings: []sigmac.Mapping{m}}) {
			if len(res.Errors) > 0 {
				continue
			}
			got[target.Name+": rules"]++
			made, err := samples.Make(res, 5, verify.DefaultBudget, time.Unix(1735732800, 0).UTC())
			if err != nil {
				got[target.Name+": no event: "+err.Error()]++
				continue
			}
			for reason, n := range made.Dropped {
				got[target.Name+": not written: "+reason] += n
			}
			for _, form := range target.Samples {
				var events []map[string]any
				for _, e := range made.Events {
					events = append(events, e.Fields)
				}
				text, err := form.Write(events, made.Table)
				if err != nil {
					t.Fatalf("%s: %v", res.Document.Path, err)
				}
				written := read[form.Name](t, text)
				if len(written) != len(made.Events) {
					t.Fatalf("%s: %d of %d events in\n%s", res.Document.Path, len(written), len(made.Events), text)
				}
				for i, fields := range written {
					for name, v := range fields { // a text column that holds JSON
						if _, typ := m.Schemas.Column(res.Want.Scope, firstSchema(res), name); typ == "json" {
							var in map[string]any
							if json.Unmarshal([]byte(fmt.Sprint(v)), &in) == nil {
								fields[name] = in
							}
						}
					}
					is, want := selects(t, res, fields), made.Events[i].Matches
					if is != want {
						t.Errorf("%s: %s: event %d is selected: %t, want %t (%s)\n%v\n%s", res.Document.Path, form.Name, i+1, is, want, made.Events[i].Test, fields, strings.Join(res.Queries, "\n"))
					}
					got[fmt.Sprintf("%s: %s: selected %t", target.Name, form.Name, is)]++
				}
			}
		}
	}
	if os.Getenv("SIGMAC_SAMPLES") == "all" {
		t.Log(got)
		return
	}
	corpus.Hold(t, "testdata/samples.json", got, *update)
}

func firstSchema(res sigmac.Result) string {
	name, _ := res.Mapped.Trace.State["schema"].(string)
	return name
}

// selects says whether a query of a result selects an event, by the schemas of its target.
func selects(t *testing.T, res sigmac.Result, fields map[string]any) bool {
	ev, err := eval.NewEvent(fields)
	if err != nil {
		t.Fatal(err)
	}
	for _, query := range res.Queries {
		q, err := res.Target.Read(query, res.Schemas)
		if err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		where, scope := ir.Expr(ir.And{q.Whole()}), q.Scope
		for field, value := range map[string]string{"event.category": scope.Category, "index": scope.Index} {
			if value != "" && !fits(value, fmt.Sprint(fields[field])) {
				where = ir.False
			}
		}
		is, known := eval.Settled(where, ev)
		if !known {
			t.Errorf("%s: whether %s selects %v is not known", res.Document.Path, query, fields)
		}
		if is {
			return true
		}
	}
	return false
}

// fits says whether a text is that of a scope, which may have wildcards.
func fits(scope, text string) bool {
	before, behind, wild := strings.Cut(scope, "*")
	if !wild {
		return strings.EqualFold(scope, text)
	}
	return strings.HasPrefix(text, before) && strings.HasSuffix(text, behind)
}

// readBulk reads lines of the bulk API.
func readBulk(t *testing.T, text string) (out []map[string]any) {
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		var ev map[string]any
		if err := json.Unmarshal([]byte(line), &ev); err != nil {
			t.Fatal(err)
		}
		if i%2 == 1 {
			out = append(out, ev)
		}
	}
	return out
}

// A literals reads literals of a language, one after the other.
type literals struct {
	t    *testing.T
	rest string
}

func (l *literals) skip(texts ...string) bool {
	for _, text := range texts {
		if rest, ok := strings.CutPrefix(l.rest, text); ok {
			l.rest = rest
			return true
		}
	}
	return false
}

func (l *literals) until(end string) string {
	before, rest, ok := strings.Cut(l.rest, end)
	if !ok {
		l.t.Fatalf("no %s in %s", end, l.rest)
	}
	l.rest = rest
	return before
}

// quoted is what stands before the next quote that is not escaped.
func (l *literals) quoted() string {
	for i := 0; i < len(l.rest); i++ {
		switch l.rest[i] {
		case '\\':
			i++
		case '"':
			text, err := strconv.Unquote(`"` + l.rest[:i] + `"`)
			if err != nil {
				l.t.Fatalf("%v: %s", err, l.rest[:i])
			}
			l.rest = l.rest[i+1:]
			return text
		}
	}
	l.t.Fatalf("no end of %s", l.rest)
	return ""
}

// verbatim is what stands before the next single quote sign.
func (l *literals) verbatim() string {
	text := l.until(`"`)
	for l.skip(`"`) {
		text += `"` + l.until(`"`)
	}
	return text
}

// readTable reads a table in KQL. What is blank or null is no value.
func readTable(t *testing.T, text string) (out []map[string]any) {
	l := &literals{t, text}
	l.until("datatable(")
	var names []string
	for _, column := range strings.Split(l.until(")[\n"), ", ") {
		name, _, _ := strings.Cut(column, ":")
		names = append(names, strings.Trim(name, `[]'"`))
	}
	for !l.skip("\n]", "]") {
		ev := map[string]any{}
		l.skip(",\n")
		l.skip("  ")
		for i, name := range names {
			if i > 0 && !l.skip(", ") {
				t.Fatalf("no comma before %s", l.rest)
			}
			switch {
			case l.skip(`@"`):
				ev[name] = l.verbatim()
			case l.skip(`"`):
				ev[name] = l.quoted()
			case l.skip("dynamic("):
				d := json.NewDecoder(strings.NewReader(l.rest))
				var v any
				if strings.HasPrefix(l.rest, "null)") {
					l.skip("null)")
					break
				}
				if err := d.Decode(&v); err != nil {
					t.Fatal(err)
				}
				l.rest = strings.TrimPrefix(l.rest[d.InputOffset():], ")")
				ev[name] = v
			case l.skip("datetime(", "real(", "int(", "long(", "bool(", "guid(", "decimal("):
				if v := l.until(")"); v != "null" {
					ev[name] = v
				}
			case l.skip("true"):
				ev[name] = true
			case l.skip("false"):
				ev[name] = false
			default:
				end := strings.IndexAny(l.rest, ",\n")
				ev[name], l.rest = json.Number(l.rest[:end]), l.rest[end:]
			}
			if ev[name] == "" || ev[name] == nil {
				delete(ev, name)
			}
		}
		out = append(out, ev)
	}
	return out
}

// readSearch reads a search that makes events.
func readSearch(t *testing.T, text string) (out []map[string]any) {
	l := &literals{t, text}
	value := func() string {
		switch {
		case l.skip(`urldecode("`):
			v, err := url.QueryUnescape(l.until(`")`))
			if err != nil {
				t.Fatal(err)
			}
			return v
		case l.skip(`"`):
			return l.until(`"`)
		}
		t.Fatalf("no value in %s", l.rest)
		return ""
	}
	for l.skip("| makeresults\n", "| append [| makeresults\n") {
		ev := map[string]any{}
		l.until("| eval ")
		for l.skip("'", ", '") {
			name := l.until("'=")
			if !l.skip("mvappend(") {
				ev[name] = value()
				continue
			}
			vs := []any{value()}
			for l.skip(", ") {
				vs = append(vs, value())
			}
			if !l.skip(")") {
				t.Fatalf("no end of a list: %s", l.rest)
			}
			ev[name] = vs
		}
		l.skip("]")
		l.skip("\n")
		out = append(out, ev)
	}
	if l.rest != "" {
		t.Fatalf("left: %s", l.rest)
	}
	return out
}
