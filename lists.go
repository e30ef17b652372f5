package sigmac

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sigmac/backends"
	"sigmac/ir"
	"sigmac/parser"
)

// know makes tables known to who reads the queries.
func (res *Result) know(tables []ir.Lookup) {
	if res.Want == nil || len(tables) == 0 {
		return
	}
	want := *res.Want // others share it
	want.Lookups = append(slices.Clip(want.Lookups), tables...)
	res.Want = &want
}

// emit writes a legal rule, with its long lists in tables where the mapping asks for
// that. It gives the rule that was written.
func (res *Result) emit(legal *ir.Rule) ([]backends.Doc, *ir.Rule, error) {
	if res.Lists == 0 || res.Target.Format.Lookups.In == nil {
		docs, err := res.Target.Format.Emit(legal)
		return docs, legal, err
	}
	l := lister{form: res.Target.Format.Lookups, least: res.Lists, document: res.Document, target: res.Target.Name, numbers: map[string]int{}}
	listed := *legal
	listed.Conditions = slices.Clone(legal.Conditions)
	for i, c := range listed.Conditions {
		es := slices.Clone([]ir.Expr(ir.Conjuncts(c.Expr)))
		for k, x := range es {
			l.here = l.form.Here == nil || l.form.Here(x)
			es[k], _ = ir.Rewrite(x, l.rewrite)
		}
		listed.Conditions[i].Expr = ir.Conjunction(es...)
	}
	docs, err := res.Target.Format.Emit(&listed)
	if err == nil {
		res.Lookups = l.tables
		res.know(l.tables)
		res.Mapped.Warnings = append(slices.Clip(res.Mapped.Warnings), l.stays...)
	}
	return docs, &listed, err
}

// A lister puts the long lists of a rule into tables.
type lister struct {
	form     backends.Lookups
	least    int
	document *parser.Document
	target   string
	tables   []ir.Lookup
	lists    []*list        // of the tables
	numbers  map[string]int // of the tables of a field
	stays    []*ir.Diagnostic
	here     bool // a table can be named in the conjunct that is rewritten
}

// stay tells once that a list stays in the query.
func (l *lister) stay(at ir.Pos, format string, args ...any) {
	e := l.document.Place(&ir.Diagnostic{Pos: at, Source: l.target, Code: ir.ListStays, Msg: fmt.Sprintf(format, args...)})
	if !slices.ContainsFunc(l.stays, func(x *ir.Diagnostic) bool { return x.Error() == e.Error() }) {
		l.stays = append(l.stays, e)
	}
}

// A list are tests of one field in one disjunction.
type list struct {
	field ir.Field
	kind  string
	at    ir.Pos
	cells []string // each once, in the order of the rule
	tests []int    // of the disjunction
}

// rewrite is a disjunction with a test of a table in the place of each long list.
func (l *lister) rewrite(e ir.Expr) (ir.Expr, bool) {
	or, ok := e.(ir.Or)
	if !ok {
		return e, false
	}
	es := ir.Disjuncts(or)
	held := gather(es, func(m ir.Match) (cell, kind string, ok bool) {
		cell, kind, ok = l.form.Cell(m)
		return cell, kind, ok && plainCell(cell)
	})
	out := slices.Clone([]ir.Expr(es))
	moved := false
	for _, x := range held {
		if len(x.cells) < l.least || len(x.cells) > l.form.Max || !l.here {
			continue
		}
		moved = true
		table := l.table(x)
		for _, i := range x.tests {
			out[i] = nil
		}
		out[x.tests[0]] = ir.Opaque{Lang: l.target, Text: l.form.In(x.field, x.kind, table), Pos: x.at, Of: &ir.Formula{Fields: []ir.Field{x.field}}}
	}
	out = slices.DeleteFunc(out, func(e ir.Expr) bool { return e == nil })
	for _, x := range gather(out, func(m ir.Match) (string, string, bool) { _, ok := m.Test.(ir.Pattern); return m.Test.String(), "", ok }) {
		if len(x.cells) < l.least {
			continue
		}
		why := "what stands in one choice with it leaves no place for a table"
		if l.here {
			why = fmt.Sprintf("a table holds %s, %d at most, and nothing that a spreadsheet takes for a formula", l.form.Holds, l.form.Max)
		}
		l.stay(x.at, "a list of %d values of %s stays in the query: %s", len(x.cells), x.field.Name, why)
	}
	if !moved {
		return e, false
	}
	for i, x := range out {
		out[i], _ = ir.Rewrite(x, l.rewrite)
	}
	return ir.Disjunction(out...), true
}

// gather are the lists of a disjunction, in its order.
func gather(es []ir.Expr, cell func(ir.Match) (cell, kind string, ok bool)) (out []*list) {
	type key struct{ field, kind string }
	lists := map[key]*list{}
	type value struct {
		key
		cell string
	}
	seen := map[value]bool{}
	for i, e := range es {
		m, ok := e.(ir.Match)
		if !ok {
			continue
		}
		c, kind, ok := cell(m)
		if !ok {
			continue
		}
		k := key{m.Field.Name, kind}
		x := lists[k]
		if x == nil {
			x = &list{field: m.Field, kind: kind, at: m.Pos}
			lists[k], out = x, append(out, x)
		}
		if x.tests = append(x.tests, i); !seen[value{k, c}] {
			seen[value{k, c}] = true
			x.cells = append(x.cells, c)
		}
	}
	return out
}

// plainCell says whether any reader of tables, also a spreadsheet in which somebody looks
// at one, takes a cell for the text that it is.
func plainCell(s string) bool {
	return s != "" && s == strings.TrimSpace(s) && !strings.ContainsAny(s[:1], "=+-@") && !backends.HasHidden(s)
}

// ruleColumn names the rule in each row. A lookup file of one column alone is not allowed
// everywhere.
const ruleColumn = "sigma_rule"

// table is the name of the table with the values of a list, which is made where there is
// none yet.
func (l *lister) table(x *list) string {
	for i, y := range l.lists {
		if x.field == y.field && x.kind == y.kind && slices.Equal(x.cells, y.cells) {
			return l.tables[i].Name
		}
	}
	rule := cmp.Or(l.document.ID, l.document.Title)
	if !plainCell(rule) {
		rule = ""
	}
	l.numbers[x.field.Name]++
	t := ir.Lookup{Name: l.name(x.field.Name, l.numbers[x.field.Name]), Columns: []string{l.form.Column(x.field), ruleColumn}}
	for _, cell := range x.cells {
		t.Rows = append(t.Rows, []string{cell, rule})
	}
	l.tables, l.lists = append(l.tables, t), append(l.lists, x)
	return t.Name
}

// maxFieldName is how much of a field's name stands in that of a table: a watchlist's has
// 64 characters at most.
const maxFieldName = 40

// name is that of the n-th table of a field, the same as long as the rule has its id, or
// without one its title.
func (l *lister) name(field string, n int) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{cmp.Or(l.document.ID, l.document.Title), l.target, field, strconv.Itoa(n)}, "\x00")))
	word := strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' {
			return r
		}
		return '_'
	}, field)
	return "sigma_" + word[:min(len(word), maxFieldName)] + "_" + hex.EncodeToString(sum[:6])
}

// ParseCSV is the table of that name in a file, whose first line heads the columns.
func ParseCSV(name string, src []byte) (ir.Lookup, error) {
	rows, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(src, []byte("\ufeff")))).ReadAll()
	switch {
	case err != nil:
		return ir.Lookup{}, err
	case len(rows) == 0:
		return ir.Lookup{}, errors.New("there is no line with the names of the columns")
	}
	return ir.Lookup{Name: name, Columns: rows[0], Rows: rows[1:]}, nil
}
