package read

import (
	"encoding/json"
	"errors"
	"flag"
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
	"sigmac/internal/corpus"
	"sigmac/ir"
)

var update = flag.Bool("update", false, "rewrite testdata/read.json")

// tomlText finds the headings of a TOML file and its texts of several lines.
var tomlText = regexp.MustCompile(`(?ms)^(\[.*?\])$|^(\w+) = (?:'''\n?(.*?)'''|"""\n?(.*?[^\\])""")`)

// tomlEscape is an escape of a basic string; one of a line's end swallows the
// blanks after it.
var tomlEscape = regexp.MustCompile(`\\(?:[btnfr"\\]|u[0-9A-Fa-f]{4}|[ \t]*\n\s*)`)

// tomlQuery is the query of a rule.
func tomlQuery(rule string) (query string, ok bool) {
	heading := ""
	for _, m := range tomlText.FindAllStringSubmatch(rule, -1) {
		if m[1] != "" {
			heading = m[1]
		}
		if heading != "[rule]" || m[2] != "query" {
			continue
		}
		return m[3] + tomlEscape.ReplaceAllStringFunc(m[4], func(esc string) string {
			if strings.Contains(esc, "\n") {
				return ""
			}
			s, err := strconv.Unquote(`"` + esc + `"`)
			if err != nil {
				panic(err)
			}
			return s
		}), true
	}
	return "", false
}

// conjuncts splits the conditions that an event must meet.
func conjuncts(e ir.Expr) []ir.Expr {
	and, ok := e.(ir.And)
	if !ok {
		return []ir.Expr{e}
	}
	var out []ir.Expr
	for _, x := range and {
		out = append(out, conjuncts(x)...)
	}
	return out
}

// A summary counts what the reader makes of the rules in the corpus.
type summary struct {
	Rules, Read, Steps int
	Unread             map[string]int // errors by their text without names
	Opaque             map[string]int // opaque predicates by what they are made of
}

var quoted = regexp.MustCompile("\"[^\"]*\"|`[^`]*`|[a-z_]+(\\.[a-z_]+)+")

// call finds what makes a predicate opaque: the outermost function or operator.
var outermost = regexp.MustCompile(`^[A-Za-z]+~? ?\(|(?:regex~?|<=?|>=?|[-+*/%])`)

func TestReadCorpus(t *testing.T) {
	got := summary{Unread: map[string]int{}, Opaque: map[string]int{}}
	for _, path := range corpus.Files(t, ".toml", "elastic/rules") {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(b), "\nlanguage = \"eql\"\n") {
			continue
		}
		query, ok := tomlQuery(string(b))
		if !ok {
			t.Errorf("%s: no query", path)
			continue
		}
		got.Rules++
		q, err := Read(query, ir.Types{})
		if err != nil {
			var e *ir.Diagnostic
			if !errors.As(err, &e) {
				t.Errorf("%s: %v", path, err)
				continue
			}
			t.Logf("%s: %v", path, err)
			got.Unread[quoted.ReplaceAllString(e.Msg, "…")]++
			continue
		}
		events := q.Steps
		if q.Where != nil {
			events = []ir.Expr{q.Where}
		}
		clear := true
		for _, e := range events {
			got.Steps++
			known := false
			for _, c := range conjuncts(e) {
				_, opaque := c.(ir.Opaque)
				known = known || !opaque
			}
			clear = clear && known
			ir.Walk(e, func(x ir.Expr) {
				if o, ok := x.(ir.Opaque); ok {
					t.Logf("%s: opaque: %s", path, o.Text)
					got.Opaque[strings.ToLower(outermost.FindString(o.Text))]++
				}
			})
		}
		if clear {
			got.Read++
		}
	}
	if 100*got.Read < 97*got.Rules {
		t.Errorf("%d of %d rules read", got.Read, got.Rules)
	}
	corpus.Hold(t, "testdata/read.json", got, *update)
}

// typed finds the fields of a golden's representation and their types.
var typed = regexp.MustCompile(`\(match (\S+):(text|number|boolean|address) `)

// A goldenSchema has those types, and fields that no index maps.
type goldenSchema struct {
	types    map[string]ir.Type
	unmapped map[string]bool
}

func (s goldenSchema) Type(_, field string) (ir.Type, bool) {
	return s.types[field], !s.unmapped[field]
}

// TestReadOwn reads what sigmac itself writes, and asks it about the golden's
// events: under every set of unmapped fields that the event lacks.
func TestReadOwn(t *testing.T) {
	files, err := filepath.Glob("../../../golden/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no goldens", err)
	}
	for _, path := range files {
		a, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		section := map[string]string{}
		for _, f := range a.Files {
			section[f.Name] = strings.TrimSpace(string(f.Data))
		}
		if section["elastic"] == "" {
			continue
		}
		types := map[string]ir.Type{}
		for _, m := range typed.FindAllStringSubmatch(section["ir"], -1) {
			types[m[1]] = map[string]ir.Type{"text": ir.Text, "number": ir.Numeric, "boolean": ir.Boolean, "address": ir.Address}[m[2]]
		}
		var parsed []*Parsed
		for _, query := range strings.Split(section["elastic"], "\n") {
			p, err := Parse(query)
			if err != nil {
				t.Errorf("%s: %v\n%s", path, err, query)
				continue
			}
			q, err := p.Query(goldenSchema{types: types})
			if err != nil {
				t.Errorf("%s: %v\n%s", path, err, query)
			} else if strings.Contains(q.Where.String(), "(opaque ") {
				t.Errorf("%s: %s\n%s", path, q.Where, query)
			}
			parsed = append(parsed, p)
		}
		for _, name := range []string{"match.json", "nomatch.json"} {
			for _, line := range strings.Split(section[name], "\n") {
				if line == "" {
					continue
				}
				askAll(t, path, parsed, types, stored(t, line), name == "match.json")
			}
		}
	}
}

// stored is an event as Elasticsearch has it: null is missing.
func stored(t *testing.T, line string) eval.Event {
	t.Helper()
	var fields map[string]json.RawMessage
	if err := json.Unmarshal([]byte(line), &fields); err != nil {
		t.Fatal(err)
	}
	maps.DeleteFunc(fields, func(_ string, v json.RawMessage) bool { return string(v) == "null" })
	b, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	ev, err := eval.ParseEvent(b)
	if err != nil {
		t.Fatal(err)
	}
	return ev
}

func askAll(t *testing.T, path string, parsed []*Parsed, types map[string]ir.Type, ev eval.Event, want bool) {
	t.Helper()
	var absent []string
	for _, p := range parsed {
		for _, f := range p.Optional() {
			if _, present := ev.Field(f); !present && !slices.Contains(absent, f) && len(absent) < 10 {
				absent = append(absent, f)
			}
		}
	}
	for set := range 1 << len(absent) {
		unmapped := map[string]bool{}
		for i, f := range absent {
			unmapped[f] = set>>i&1 == 1
		}
		got := false
		for _, p := range parsed {
			q, err := p.Query(goldenSchema{types, unmapped})
			if err != nil {
				t.Fatal(path, err)
			}
			got = got || eval.Expr(nil, q.Where, ev)
		}
		if got != want {
			t.Errorf("%s: %s: %v, without %v", path, ev.Raw(), got, unmapped)
		}
	}
}
