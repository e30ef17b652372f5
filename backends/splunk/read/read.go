// Package read reads queries in SPL back into ir. It does so by what Splunk's
// documents say, and says which states a field can be in there. It knows nothing of
// the emitter that it checks; package backends says why.
package read

import (
	"maps"
	"slices"
	"strings"

	"sigmac/ir"
)

// The reader shares no code and no table with the emitter: a proof is worth
// something only if the two can disagree. Nothing that a file read*.go declares
// is used outside of these, and they use nothing from outside but the method's
// receiver.

// A Macro is a search macro: its Definition, with `$a$` for the argument a.
type Macro struct {
	Args       []string
	Definition string
}

// A Reader reads searches that others wrote. A macro that it does not know is
// Opaque.
type Reader struct {
	Macros map[string]Macro
}

// Read says what a search of sigmac's own means.
func Read(query string, s ir.Schema) (*ir.Query, error) { return Reader{}.Read(query, s) }

// Read says what query does. The error is an *ir.Diagnostic.
func (r Reader) Read(query string, s ir.Schema) (q *ir.Query, err error) {
	defer ir.Caught(&err)
	rd := &reading{source: expand(query, r.Macros), schema: s, assumed: map[string]bool{}}
	return rd.query(), nil
}

// Stages are the commands of a search as it is written, without comments and
// with its macros unexpanded. The error is an *ir.Diagnostic.
func Stages(search string) (stages []ir.Command, err error) {
	defer ir.Caught(&err)
	r := &reading{source: expand(search, nil)}
	for _, st := range r.split() {
		stages = append(stages, ir.Command{Name: st.name, Text: trim(r.text[st.lo:st.hi]), Pos: r.pos(st.lo)})
	}
	return stages, nil
}

// A reading is one query being read. The functions below it leave by a panic
// of an *ir.Diagnostic, which Read turns into its error.
type reading struct {
	source
	schema  ir.Schema
	scope   ir.Scope
	assumed map[string]bool
	event   bool // what is read is the text of searchmatch
}

const (
	readName  = "splunk"
	readDepth = 200 // parentheses, NOT and function calls in one another
)

// The facts that a reading rests on.
const (
	indexedValue   = "splunk/indexed-value"
	numberEquality = "splunk/number-equality"
	numberOrder    = "splunk/number-order"  // what is compared by `<` with a number is a number
	anyValue       = "splunk/any-value"     // `f=*` takes the empty text too
	eventValue     = "splunk/searchmatch"   // searchmatch compares the fields of an event, not the words of the index
	mvfindAny      = "splunk/mvfind"        // mvfind sees one value as a list of one
	singleValue    = "splunk/single-value"  // eval and `regex` see one value
	evalText       = "splunk/fieldref-text" // eval compares texts as texts
	timeZone       = "splunk/time-zone"
	foldUnicode    = "splunk/unicode"
	foldLetters    = "fold" // lower and upper make two letters meet that no case joins
	pcreLimits     = "splunk/pcre-limits"
	wholeValue     = "splunk/tstats-value"      // tstats compares with the whole value of a field
	allSummaries   = "splunk/tstats-summaries"  // every event is summarized, as the model is now
	termOrder      = "splunk/tstats-precedence" // OR binds tighter than AND in tstats too
	sortLimit      = "splunk/sort-limit"        // sort gets no more events than it gives
	lookupFile     = "splunk/lookup"            // a subsearch makes of a lookup file what is written in it
)

func (r *reading) assume(ids ...string) {
	for _, id := range ids {
		r.assumed[id] = true
	}
}

// assumeSingle supposes that a field has one value: _raw, the text of the event, is one.
func (r *reading) assumeSingle(field string) {
	if field != "_raw" {
		r.assume(singleValue)
	}
}

func (r *reading) field(name string) ir.Field {
	t, _ := r.schema.Type("", name)
	return ir.Field{Name: name, Type: t}
}

func (r *reading) opaque(lo, hi int) ir.Opaque {
	return ir.Opaque{Lang: readName, Text: trim(r.text[lo:hi]), Pos: r.pos(lo)}
}

// regexp is a match of an expression somewhere in a field, or nil where the
// expression is beyond the representation.
func (r *reading) regexp(field, source string, at int) ir.Expr {
	re, err := readPCRE(source)
	switch {
	case err != nil && err.beyond:
		return nil
	case err != nil:
		r.fail(at, "regular expression at byte %d: %s", err.at, err.msg)
	}
	r.assume(pcreLimits)
	if beyondASCII(re) {
		r.assume(foldUnicode)
	}
	return ir.Match{Field: r.field(field), Test: ir.Regexp{Source: source, Re: re}, Pos: r.pos(at)}
}

func (r *reading) assumeUnicode(s string) {
	if strings.IndexFunc(s, func(c rune) bool { return c >= 0x80 }) >= 0 {
		r.assume(foldUnicode)
	}
}

// query reads the stages in order. A filter behind others is one of the events
// as far as the columns that it tests can be followed.
func (r *reading) query() *ir.Query {
	p := &pipeline{reading: r, steps: maxColumns}
	q := &ir.Query{}
	for i, st := range r.split() {
		effect := ir.Filters
		var more []ir.Expr
		var counted layer
		switch {
		case st.name == "search":
			more = r.search(st.body, st.hi, false)
		case st.name == "where":
			more = ir.Conjuncts(r.where(st.body, st.hi))
		case st.name == "regex":
			more = []ir.Expr{r.regex(st)}
		case i == 0 && st.name == "tstats":
			ts := r.tstats(st)
			more = append(r.search(ts.lo, ts.hi, true), ts.shown...)
			if !ts.grouped {
				effect = ir.Remakes
			}
			counted = p.counted(ts)
		case i == 0 && (st.name == "datamodel" || st.name == "from" && r.fromDataModel(st)):
			r.scope.DataModel = r.dataset(st)
		default:
			effect = p.command(st, i == 0)
		}
		if i == 0 {
			more = r.scoped(more)
		}
		for _, e := range more {
			if !p.filter(st, e) {
				effect = ir.Removes
			}
		}
		if counted != nil {
			p.layers, p.rows, p.grouped = []layer{counted}, true, true
		}
		q.Stages = append(q.Stages, ir.Command{Name: st.name, Text: trim(r.text[st.lo:st.hi]), Pos: r.pos(st.lo), Effect: effect})
	}
	q.Where, q.Times, q.Scope = ir.Conjunction(p.where...), p.times, r.scope
	q.Assumptions = slices.Sorted(maps.Keys(r.assumed))
	return q
}

// scoped takes the first `index=x` out of es.
func (r *reading) scoped(es []ir.Expr) []ir.Expr {
	for i, e := range es {
		if m, ok := e.(ir.Match); ok && m.Field.Name == "index" {
			if p, ok := m.Test.(ir.Pattern); ok && !p.Cased {
				for _, part := range p.Parts {
					if part.Kind == ir.AnyRun {
						part.Text = "*"
					}
					r.scope.Index += part.Text
				}
				return slices.Delete(slices.Clone(es), i, i+1)
			}
		}
	}
	return es
}

// regex reads `regex f="re"`, `regex f!="re"` and `regex "re"`, which looks at
// _raw; with `!=` an event without f passes (Search Reference: regex).
func (r *reading) regex(st stage) ir.Expr {
	p := &searcher{reading: r, i: st.body, end: st.hi}
	w := p.word(false)
	field, op := "_raw", "="
	if o := p.operator(); o != "" {
		field, op, w = p.name(w), o, p.word(true)
	}
	if p.space(); p.i < p.end || op != "=" && op != "!=" {
		p.fail(p.i, "not a use of `regex` that is known")
	}
	source, open := unescape(r.text[w.lo:w.hi])
	if open {
		return r.opaque(st.lo, st.hi)
	}
	e := r.regexp(field, source, w.lo)
	if e == nil {
		return r.opaque(st.lo, st.hi)
	}
	r.assumeSingle(field)
	if op == "!=" {
		return ir.Not{X: e}
	}
	return e
}
