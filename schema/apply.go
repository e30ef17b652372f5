package schema

import (
	"fmt"
	"slices"
	"strings"

	"sigmac/backends"
	"sigmac/ir"
)

// A Catalog is the schemas of a target, in the order in which they are asked.
type Catalog struct {
	Target  *backends.Target
	Schemas []*Schema
}

// For is the catalog of a target: given schemas before those that sigmac brings
// along.
func For(t *backends.Target, given ...*Schema) *Catalog {
	c := &Catalog{Target: t, Schemas: given}
	for _, name := range t.Columns.Schemas {
		if s, ok := Builtin(name); ok {
			c.Schemas = append(c.Schemas, s)
		}
	}
	return c
}

// Type is the type of a column of a table, or Unknown where no schema has it:
// what a reader of queries asks.
func (c *Catalog) Type(tableName, name string) (ir.Type, bool) {
	open := c.Target.Columns.Open
	if open {
		tableName = everywhere
	}
	for _, s := range c.Schemas {
		t := s.table(tableName)
		if t == nil {
			continue
		}
		switch _, k := t.column(name); {
		case k == kindNothing && open:
			return ir.Other, true
		case k != 0:
			return (&application{}).typeOf(&column{kind: k}), true
		}
	}
	return ir.Unknown, true
}

// Column is the column of a scope's table in which a field stands, with its type by the name of the
// target; both are empty where no schema has it. first is the schema that is asked before others.
func (c *Catalog) Column(s ir.Scope, first, field string) (column, typ string) {
	found, _ := c.tables(s, first)
	for _, t := range found {
		for i := len(field); i > 0; i-- {
			if i < len(field) && field[i] != '.' && field[i] != '[' {
				continue
			}
			if typ := t.typ(field[:i]); typ != "" {
				return field[:i], typ
			}
		}
	}
	return "", ""
}

// Texts are the columns of a scope's table that hold texts, sorted. first is the schema that is
// asked before others.
func (c *Catalog) Texts(s ir.Scope, first string) (names []string) {
	found, _ := c.tables(s, first)
	for _, t := range found {
		for _, column := range t.all() {
			if k := kinds[column.typ]; (k == kindText || k == kindKeyword) && !strings.Contains(column.name, "*") {
				names = append(names, column.name)
			}
		}
	}
	return names
}

// Refusals are the tests that a table cannot answer, in the order of the file.
type Refusals []*ir.Diagnostic

func (rs Refusals) Error() string { return rs[0].Error() }

// tables are where the columns of a rule are looked up, each before the next;
// the schema called first is asked first. asked is the name of the table, empty
// where a rule names none.
func (c *Catalog) tables(s ir.Scope, first string) (found []*table, asked string) {
	if asked = everywhere; c.Target.Columns.Table != nil {
		asked = c.Target.Columns.Table(s)
	}
	if asked == "" || len(c.Schemas) == 0 {
		return nil, ""
	}
	for _, preferred := range []bool{true, false} {
		for _, sch := range c.Schemas {
			if (sch.Name == first) != preferred {
				continue
			}
			// One table is enough, for two schemas may mean different ones by a name.
			if len(found) > 0 && asked != everywhere {
				return found, asked
			}
			if t := sch.table(asked); t != nil {
				found = append(found, t)
			}
		}
	}
	return found, asked
}

// Apply gives the fields of r, which a pipeline has renamed, the types of their
// columns, and makes of a test that a column's type cannot be asked one that
// means the same of all its values: a number of a text that is a number, false
// of a value that the column never holds. The error is a Refusals. first is the
// schema that is asked before others, or empty.
func (c *Catalog) Apply(r *ir.Rule, first string) (*ir.Rule, []*ir.Diagnostic, error) {
	found, asked := c.tables(r.Scope, first)
	if asked == "" {
		return r, nil, nil
	}
	a := &application{catalog: c, rule: r, tables: found, asked: asked, columns: map[string]*column{}}
	if len(found) == 0 {
		a.warn(r.Source.Pos, ir.UnknownTable, "no schema has the table %s: its columns get the types that the rule's tests suggest", asked)
		return r, a.warnings, nil
	}
	r.Walk(a.meet)
	if len(a.refused) > 0 {
		slices.SortStableFunc(a.refused, func(x, y *ir.Diagnostic) int { return x.Pos.Compare(y.Pos) })
		return nil, a.warnings, a.refused
	}
	out := r.Rewrite(a.leaf)
	if len(a.refused) > 0 {
		return nil, a.warnings, a.refused
	}
	return out, a.warnings, nil
}

// A column is what a rule's field is at the target.
type column struct {
	name, typ string
	kind      kind
	networks  bool // some test is of a network
	texts     bool // some test is of another kind of text
}

type application struct {
	catalog  *Catalog
	rule     *ir.Rule
	tables   []*table
	asked    string
	columns  map[string]*column // nil: an open schema does not know the field
	warnings []*ir.Diagnostic
	refused  Refusals
}

func (a *application) warn(at ir.Pos, code, format string, args ...any) {
	w := ir.Diagnostic{Pos: at, Msg: fmt.Sprintf(format, args...), Source: a.catalog.Target.Name, Code: code}
	if !slices.ContainsFunc(a.warnings, func(said *ir.Diagnostic) bool { return *said == w }) {
		a.warnings = append(a.warnings, &w)
	}
}

func (a *application) refuse(at ir.Pos, feature, format string, args ...any) {
	a.refused = append(a.refused, backends.Unsupported(a.catalog.Target.Name, at, feature, fmt.Sprintf(format, args...)))
}

// meet looks up the fields of a test, and notes what they are tested with.
func (a *application) meet(e ir.Expr) {
	m, ok := e.(ir.Match)
	if !ok {
		return
	}
	c := a.column(m.Field.Name, m.Pos)
	ref, isRef := m.Test.(ir.FieldRef)
	if isRef {
		if other := a.column(ref.Other.Name, m.Pos); other != nil {
			other.texts = true
		}
	}
	if c == nil {
		return
	}
	switch m.Test.(type) {
	case ir.Null, ir.Exists:
	case ir.CIDR:
		c.networks = true
	default:
		c.texts = true
	}
}

func (a *application) column(name string, at ir.Pos) *column {
	if c, ok := a.columns[name]; ok {
		return c
	}
	a.columns[name] = nil
	c := &column{name: name}
	for _, x := range a.rule.Computed {
		if x.Name == name {
			if c.typ, c.kind = x.Type, kinds[x.Type]; c.kind == 0 {
				a.refuse(at, "the field "+name, "the pipeline computes it as a %q, which is no type", x.Type)
			}
		}
	}
	for i := 0; c.typ == "" && i < len(a.tables); i++ {
		c.typ, c.kind = a.tables[i].column(name)
	}
	switch {
	case c.typ != "" && c.kind == 0: // refused
		return nil
	case c.kind != 0:
		a.columns[name] = c
		return c
	case a.catalog.Target.Columns.Open:
		a.warn(at, ir.UnknownColumn, "no schema has the field %s: it gets the type that the rule's tests suggest", name)
	default:
		a.refuse(at, "the field "+name, "%s has no such column; the nearest are %s", a.asked, strings.Join(a.tables[0].nearest(name), ", "))
	}
	return nil
}

// leaf is a test as its column takes it.
func (a *application) leaf(e ir.Expr) (ir.Expr, bool) {
	m, ok := e.(ir.Match)
	if !ok || a.catalog.Target.Columns.Texts {
		return e, false
	}
	c := a.columns[m.Field.Name]
	if ref, ok := m.Test.(ir.FieldRef); ok {
		if other := a.columns[ref.Other.Name]; other != nil {
			if ref.Other.Type = a.typeOf(other); other.kind == kindAnalyzed || other.kind == kindNothing {
				a.unfit(m.Pos, other)
			}
			m.Test = ref
		}
	}
	if c == nil {
		return m, true
	}
	m.Field.Type = a.typeOf(c)
	if c.kind == kindAnalyzed || c.kind == kindNothing {
		a.unfit(m.Pos, c)
		return m, true
	}
	fitting, verdict := fit(m.Field.Type, m.Test)
	switch verdict {
	case never:
		a.warn(m.Pos, ir.NeverHeld, "the column %s of type %s never holds %s", c.name, c.typ, describe(m.Test))
		return ir.False, true
	case unfit:
		a.refuse(m.Pos, describe(m.Test)+" on the column "+c.name, "it is of type %s", c.typ)
	}
	if fitting != nil {
		m.Test = fitting
	}
	return m, true
}

// unfit refuses a test of a column that has no values to compare.
func (a *application) unfit(at ir.Pos, c *column) {
	feature := "the field " + c.name
	if c.kind == kindNothing {
		a.refuse(at, feature, "its type %s has no values that a query compares", c.typ)
		return
	}
	var keywords []string
	for _, t := range a.tables {
		for _, x := range t.all() {
			base, _, _ := strings.Cut(c.name, ".text")
			if (strings.HasPrefix(x.name, c.name+".") || x.name == base) && (kinds[x.typ] == kindKeyword || kinds[x.typ] == kindText) {
				keywords = append(keywords, x.name)
			}
		}
	}
	slices.Sort(keywords)
	hint := "and has no keyword beside it"
	if len(keywords) > 0 {
		hint = "use " + keywords[0]
	}
	a.refuse(at, feature, "its type %s is found by its words only; %s", c.typ, hint)
}

// typeOf is the type of a column's field. A text of Kusto that the rule
// compares with networks only is an address.
func (a *application) typeOf(c *column) ir.Type {
	switch c.kind {
	case kindText:
		if c.networks && !c.texts {
			return ir.Address
		}
		return ir.Text
	case kindKeyword:
		return ir.Text
	case kindJSON:
		return ir.JSON
	case kindDynamic:
		return ir.Dynamic
	case kindNumber:
		return ir.Numeric
	case kindBool:
		return ir.Boolean
	case kindAddress:
		return ir.Address
	case kindDate:
		return ir.Date
	}
	return ir.Unknown
}

// describe names a test in a message.
func describe(t ir.Test) string {
	switch t := t.(type) {
	case ir.Pattern:
		if shape, s := t.Shape(); shape == ir.Exact {
			return fmt.Sprintf("the text %q", s)
		}
		return "a text with wildcards"
	case ir.Regexp:
		return "a regular expression"
	case ir.CIDR:
		return "a network"
	case ir.Compare:
		return "the number " + string(t.Number)
	case ir.Bool:
		return "the boolean " + t.String()
	case ir.FieldRef:
		return "a field reference"
	case ir.TimePart:
		return "the time modifier " + t.Part
	}
	return "the test " + t.String()
}
