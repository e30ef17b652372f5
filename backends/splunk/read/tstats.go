package read

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"sigmac/ir"
)

// A tstatsStage is the command `tstats`: `| tstats … from … where … by …`.
type tstatsStage struct {
	lo, hi  int       // of what stands behind WHERE
	grouped bool      // a row comes out only where an event meets it
	shown   []ir.Expr // what the columns ask of an event
	keys    []string  // the columns behind BY that are an event's own
}

// counted is what the columns of the rows are.
func (p *pipeline) counted(ts tstatsStage) layer {
	return func(name string) column {
		if slices.Contains(ts.keys, name) {
			return column{own, name}
		}
		return column{origin: gathered}
	}
}

// alwaysThere are the fields that every event has.
var alwaysThere = []string{"_time", "host", "index", "source", "sourcetype", "splunk_server"}

// tstats reads the clauses of st. Without BY the command gives one row, also
// where no event meets it.
func (r *reading) tstats(st stage) tstatsStage {
	out := tstatsStage{lo: st.hi, hi: st.hi}
	p := &searcher{reading: r, i: st.body, end: st.hi}
	var columns []clausePart
	var last, macro clausePart
	clause, fills := "", false
	for p.space(); p.i < p.end; p.space() {
		t := p.clausePart()
		text := p.text[t.lo:t.hi]
		word := ""
		if t.kind == plainToken && last.kind != equalsToken {
			word = strings.ToLower(text)
		}
		switch {
		case clause != "by" && (word == "by" || word == "groupby"):
			if clause != "where" {
				out.lo = t.lo
			}
			clause, out.hi, out.grouped = "by", t.lo, true
		case clause == "where": // read as a search, later
		case clause == "" && word == "where":
			clause, out.lo = word, t.hi
		case t.kind == equalsToken:
			if n := len(columns); n > 0 && columns[n-1] == last {
				columns = columns[:n-1] // an option, as in `by _time span=1h`
			}
			t.name = strings.ToLower(p.text[last.lo:last.hi])
		case last.kind == equalsToken:
			fills = p.option(last.name, text) || fills
		case clause == "by" && t.kind != commaToken:
			columns = append(columns, t)
		case t.kind == foreignToken:
			macro = t
		}
		last = t
	}
	if fills {
		return out
	}
	for _, t := range columns {
		// A row with a null among its columns is left out (Search Reference: tstats,
		// fillnull_value).
		name, _ := unescape(p.text[t.lo:t.hi])
		switch {
		case slices.Contains(alwaysThere, name):
			if name != "_time" { // it may be cut to a span
				out.keys = append(out.keys, name)
			}
		case macro.kind != 0: // it may fill them
			out.shown = []ir.Expr{r.opaque(macro.lo, macro.hi)}
			return out
		case t.kind == foreignToken || strings.ContainsAny(name, "*("):
			out.shown = append(out.shown, r.opaque(t.lo, t.hi))
		default:
			out.keys = append(out.keys, name)
			out.shown = append(out.shown, ir.Match{Field: r.field(name), Test: ir.Exists{}, Pos: r.pos(t.lo)})
		}
	}
	return out
}

// option heeds an option of `tstats` and says whether it fills nulls.
func (p *searcher) option(name, value string) (fills bool) {
	switch name {
	case "datamodel":
		p.scope.DataModel = value
	case "summariesonly", "allow_old_summaries":
		if off := strings.ToLower(value); off != "false" && off != "f" && off != "0" {
			p.assume(allSummaries)
		}
	}
	return name == "fillnull_value"
}

// A clausePart is a word of `tstats`; lo and hi leave out its quotes.
type clausePart struct {
	lo, hi int
	kind   clauseKind
	name   string // before `=`
}

type clauseKind uint8

const (
	plainToken clauseKind = iota + 1
	quotedToken
	equalsToken
	commaToken
	foreignToken // a subsearch or a macro
)

func (p *searcher) clausePart() clausePart {
	lo := p.i
	switch p.text[lo] {
	case '"':
		p.i = p.past(p.i, p.end)
		return clausePart{lo: lo + 1, hi: p.i - 1, kind: quotedToken}
	case '[', '`':
		p.foreign()
		return clausePart{lo: lo, hi: p.i, kind: foreignToken}
	case '=':
		p.i++
		return clausePart{lo: lo, hi: p.i, kind: equalsToken}
	case ',':
		p.i++
		return clausePart{lo: lo, hi: p.i, kind: commaToken}
	}
	for depth := 0; p.i < p.end; {
		c := p.text[p.i]
		if depth <= 0 && (isSpace(c) || strings.IndexByte("=,[`\"", c) >= 0) {
			break
		}
		switch c {
		case '(':
			depth++
		case ')':
			depth--
		}
		p.i = p.past(p.i, p.end)
	}
	return clausePart{lo: lo, hi: p.i, kind: plainToken}
}

// dataset is the name that `datamodel M D …` or `from datamodel:M.D` gives.
func (r *reading) dataset(st stage) string {
	words := strings.FieldsFunc(r.text[st.body:st.hi], func(c rune) bool {
		return c < 0x80 && isSpace(byte(c)) || strings.ContainsRune(`:="`, c)
	})
	if st.name == "from" {
		words = words[min(1, len(words)):] // behind `datamodel`
		words = words[:min(1, len(words))]
	} else {
		words = words[:min(2, len(words))]
	}
	return strings.Join(words, ".")
}

// fromDataModel says whether st is `from datamodel:X`.
func (r *reading) fromDataModel(st stage) bool {
	return strings.HasPrefix(strings.ToLower(trim(r.text[st.body:st.hi])), "datamodel")
}

// withoutNumbers is what NOT leaves of tests of one field for numbers: it drops
// the events without the field too (Search Reference: tstats). It is nil for
// anything else.
func withoutNumbers(e ir.Expr) ir.Expr {
	either, ok := e.(ir.Or)
	if !ok {
		either = ir.Or{e}
	}
	var field ir.Match
	for i, x := range either {
		m, ok := x.(ir.Match)
		if !ok || i > 0 && m.Field != field.Field {
			return nil
		}
		switch t := m.Test.(type) {
		case ir.Compare:
			ok = t.Op == ir.Eq
		case ir.Pattern:
			shape, text := t.Shape()
			n, number := ir.ParseNumber(text)
			ok = shape == ir.Exact && number && string(n) == text
		default:
			ok = false
		}
		if !ok {
			return nil
		}
		if i == 0 {
			field = m
		}
	}
	field.Test = ir.Exists{}
	return ir.And{field, ir.Not{X: e}}
}

// numberLike says whether somebody may read s as a number: which texts tstats
// takes for one is not written down.
func numberLike(s string) bool {
	s = strings.ToLower(trim(s))
	_, err := strconv.ParseFloat(s, 64)
	_, whole := strconv.ParseInt(s, 0, 64)
	return !errors.Is(err, strconv.ErrSyntax) || !errors.Is(whole, strconv.ErrSyntax)
}
