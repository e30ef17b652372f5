// Package schema knows the tables and columns of targets, and asks of each
// column only what its type can answer.
//
// A schema file is JSON or YAML: a mapping of tables to columns to types, where
// the types are those of Kusto (bool int long real decimal string datetime
// timespan guid dynamic) or of Elasticsearch (keyword wildcard ip long …), and
// json for a text column that holds JSON. In a table named * stand fields of
// every table; a column `winlog.event_data.*` is every field below that name.
//
// A schema decides types before the pass Type does. It makes of a test one that the
// column takes and that means the same of all its values (fit.go), which a test holds
// against the evaluator. This comes before what the proof is about, for only there the
// warning "never" has a place in the rule. Kusto's tables are files of a table a line,
// and a table is read when a rule asks for it: the largest has 698.
package schema

import (
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"gopkg.in/yaml.v3"

	"sigmac/internal/suggest"
	"sigmac/ir"
	"sigmac/parser"
)

// A Schema is a set of tables.
type Schema struct {
	Name string
	text string // of a built-in one, a table a line; empty: it is read
	mu   sync.Mutex
	read map[string]*table // nil: there is no such table
}

// A table says of which type its columns are, by the names of the target.
type table struct {
	name    string
	lines   string      // of a built-in one that has a column a line, sorted: they are not read
	columns []namedType // the others, sorted
	whole   bool        // the columns of every table are among them

	once  sync.Once
	known []namedType // what all gives
}

// all are the columns.
func (t *table) all() []namedType {
	t.once.Do(func() { t.known = append(columns(t.lines), t.columns...) })
	return t.known
}

type namedType struct{ name, typ string }

// typ is the type of a column, or empty.
func (t *table) typ(column string) string {
	for text := t.lines; text != ""; {
		start := strings.LastIndexByte(text[:len(text)/2], '\n') + 1
		line, behind, _ := strings.Cut(text[start:], "\n")
		name, typ, _ := strings.Cut(strings.TrimLeft(line, ` "`), `"`)
		switch {
		case name == column:
			return strings.Trim(typ, `:", `)
		case name < column:
			text = behind
		default:
			text = text[:start]
		}
	}
	i, found := slices.BinarySearchFunc(t.columns, column, func(c namedType, name string) int { return strings.Compare(c.name, name) })
	if !found {
		return ""
	}
	return t.columns[i].typ
}

func sorted(columns []namedType) []namedType {
	slices.SortFunc(columns, func(a, b namedType) int { return strings.Compare(a.name, b.name) })
	return columns
}

// everywhere is the table whose columns every table has.
const everywhere = "*"

// Files that are embedded as texts are not copied when they are read.
var (
	//go:embed azure_monitor.json
	azureMonitor string
	//go:embed ecs.json
	ecs string
	//go:embed ecs_integrations.json
	ecsIntegrations string
	//go:embed microsoft_xdr.json
	microsoftXDR string
	//go:embed sentinel_asim.json
	sentinelASIM string
	//go:embed sentinel_connectors.json
	sentinelConnectors string
	//go:embed splunk_cim.json
	splunkCIM string
)

// builtinNames has the name of each of builtins on a line, sorted.
//
//go:embed builtin.txt
var builtinNames string

var builtins = func() (all []*Schema) {
	texts := []string{azureMonitor, ecs, ecsIntegrations, microsoftXDR, sentinelASIM, sentinelConnectors, splunkCIM}
	for i, name := range strings.Fields(builtinNames) {
		all = append(all, &Schema{Name: name, text: texts[i]})
	}
	return all
}()

// Builtins are the names of the schemas that sigmac brings along, sorted.
func Builtins() (names []string) {
	for _, s := range builtins {
		names = append(names, s.Name)
	}
	return names
}

// Builtin is a schema that sigmac brings along.
func Builtin(name string) (*Schema, bool) {
	for _, s := range builtins {
		if s.Name == name {
			return s, true
		}
	}
	return nil, false
}

// table is a table with the columns that every table has, or nil. It is read when it is
// first asked for: a rule needs one of hundreds.
func (s *Schema) table(name string) *table {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.lines(name)
	if t == nil || t.whole || name == everywhere {
		return t
	}
	whole := &table{name: t.name, lines: t.lines, columns: slices.Clone(t.columns), whole: true}
	if common := s.lines(everywhere); common != nil {
		for _, c := range common.all() {
			if t.typ(c.name) == "" {
				whole.columns = append(whole.columns, c)
			}
		}
		sorted(whole.columns)
	}
	s.read[name] = whole
	return whole
}

// lines are what the schema says of a table by its name.
func (s *Schema) lines(name string) *table {
	if t, ok := s.read[name]; ok || s.text == "" {
		return t
	}
	var out *table
	key := strconv.Quote(name)
	if i := strings.Index(s.text, "\n"+key+":"); i >= 0 {
		_, body, _ := strings.Cut(s.text[i+len(key)+2:], "{")
		body, _, _ = strings.Cut(body, "}")
		if out = (&table{name: name}); strings.Contains(body, "\n") {
			out.lines = strings.TrimSpace(body)
		} else {
			out.columns = columns(body)
		}
	}
	if s.read == nil {
		s.read = map[string]*table{}
	}
	s.read[name] = out
	return out
}

// columns reads the inside of an object of plain texts, "name": "type". The files have
// no others, and the largest table has two thousand columns, which a decoder that
// looks for everything that JSON has takes longer for than to convert a rule.
func columns(body string) []namedType {
	out := make([]namedType, 0, strings.Count(body, `":`))
	for {
		_, rest, found := strings.Cut(body, `"`)
		if !found {
			return sorted(out)
		}
		name, rest, _ := strings.Cut(rest, `"`)
		_, rest, _ = strings.Cut(rest, `"`)
		typ, rest, _ := strings.Cut(rest, `"`)
		out, body = append(out, namedType{name, typ}), rest
	}
}

// Tables are the names of the tables, in the order of the file.
func (s *Schema) Tables() (names []string) {
	if s.text == "" {
		for name := range s.read {
			names = append(names, name)
		}
		slices.Sort(names)
		return names
	}
	for line := range strings.Lines(s.text) {
		if name, _, ok := strings.Cut(strings.TrimPrefix(line, `"`), `":`); ok && strings.HasPrefix(line, `"`) {
			names = append(names, name)
		}
	}
	return names
}

// Parse reads a schema file. With errors there is no Schema.
func Parse(path string, src []byte) (*Schema, []*ir.Diagnostic) {
	f, roots := parser.Open("schema", path, src)
	s := &Schema{Name: path, read: map[string]*table{}}
	switch {
	case len(f.Errors()) > 0:
	case len(roots) != 1 || parser.Deref(roots[0]).Kind != yaml.MappingNode:
		f.Fail(nil, "a schema file is one mapping of tables to columns to types")
	default:
		for _, e := range f.Entries(parser.Deref(roots[0])) {
			if e.Value.Kind != yaml.MappingNode {
				f.Fail(e.Value, "the table %s must be a mapping of columns to types", e.Name)
				continue
			}
			t := &table{name: e.Name}
			for _, c := range f.Entries(e.Value) {
				if c.Value.Kind != yaml.ScalarNode || kinds[c.Value.Value] == 0 {
					f.Fail(c.Value, "%q is no type of a column%s", c.Value.Value, suggest.For(c.Value.Value, kindNames()))
					continue
				}
				t.columns = append(t.columns, namedType{c.Name, c.Value.Value})
			}
			sorted(t.columns)
			s.read[e.Name] = t
		}
	}
	if errs := f.Errors(); len(errs) > 0 {
		return nil, errs
	}
	return s, nil
}

// A kind is what can be asked of a column.
type kind uint8

const (
	kindText    kind = iota + 1 // a text; one that holds networks only is an address
	kindKeyword                 // a text
	kindJSON                    // a text that holds JSON
	kindDynamic
	kindNumber
	kindBool
	kindAddress
	kindDate
	kindAnalyzed // a text that is found by its words only
	kindNothing  // no test
)

var kinds = func() map[string]kind {
	out := map[string]kind{}
	for k, names := range map[kind]string{
		kindText:     "string",
		kindKeyword:  "keyword constant_keyword wildcard version",
		kindJSON:     "json",
		kindDynamic:  "dynamic guid",
		kindNumber:   "int long real double float decimal half_float scaled_float short byte integer unsigned_long",
		kindBool:     "bool boolean",
		kindAddress:  "ip",
		kindDate:     "datetime date date_nanos",
		kindAnalyzed: "text match_only_text annotated_text",
		kindNothing:  "timespan unindexed object nested flattened geo_point geo_shape shape point binary histogram dense_vector",
	} {
		for _, name := range strings.Fields(names) {
			out[name] = k
		}
	}
	return out
}()

func kindNames() (names []string) {
	for name := range kinds {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// column is the type of a column by its name at the target, and its kind; 0 if
// the table has none.
func (t *table) column(name string) (string, kind) {
	for i := range name {
		// EQL has no query for what is in a document of its own (EQL syntax:
		// limitations).
		if name[i] == '.' && t.typ(name[:i]) == "nested" {
			return "nested", kindNothing
		}
	}
	if typ := t.typ(name); typ != "" {
		return typ, kindOf(t, name, typ)
	}
	// A place inside a column, or a field below a name.
	for i := len(name) - 1; i > 0; i-- {
		if name[i] != '.' && name[i] != '[' {
			continue
		}
		base := name[:i]
		if typ := t.typ(base + ".*"); typ != "" {
			return typ, kindOf(t, name, typ)
		}
		switch typ := t.typ(base); typ {
		case "dynamic":
			return typ, kindDynamic
		case "json":
			return typ, kindJSON
		case "flattened":
			return typ, kindNothing
		}
	}
	return "", 0
}

func kindOf(t *table, name, typ string) kind {
	k := kinds[typ]
	if k == 0 {
		panic(fmt.Sprintf("schema: the column %s.%s is of the unknown type %s", t.name, name, typ))
	}
	if k == kindJSON {
		return kindText // the column itself
	}
	return k
}

// nearest are the columns whose names are most like name.
func (t *table) nearest(name string) []string {
	var names []string
	for _, c := range t.all() {
		names = append(names, c.name)
	}
	return suggest.Nearest(name, names, 3)
}
