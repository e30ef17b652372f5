package verify

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"sigmac/backends"
	"sigmac/eval"
	"sigmac/ir"
	"sigmac/regex"
)

// A letter is one distinct test of one field; the boolean skeleton of a claim
// is over letters. Two tests that mean the same should be one letter, but need
// not be: the theory finds out.
type letter struct {
	field *field
	test  ir.Test
	as    ir.Test     // the test as it is written, of texts; nil of others
	null  bool        // the field is missing or null; test is nil
	free  string      // why the theory does not know the test; "" if it does
	of    *ir.Formula // of a part that cannot be represented, how it is computed, or nil
	pos   ir.Pos
	match matcher
}

// A field is one field of a claim with its letters.
type field struct {
	name    string
	column  string // the name, but for those of a claim's mixed columns
	typ     ir.Type
	world   backends.World
	keyword bool // the text of the whole event
	null    int  // the letter for null, or 0
	letters []int
	cells   []rune // one character of every kind that the letters tell apart
}

// A node is an expression over letters, counted from 1; negative ones are
// negated.
type node struct {
	op    byte // '&', '|', '!' or 'l'
	subs  []node
	index int
}

func constant(v bool) node {
	if v {
		return node{op: '&'}
	}
	return node{op: '|'}
}

// A claim is two expressions over the same letters.
type claim struct {
	world    func(ir.Type) backends.World
	fields   []*field
	byName   map[string]*field
	mixed    map[string]bool // columns that are a field for each type
	letters  []*letter       // from 1
	byKey    map[string]int
	rawField string       // the field that holds the text of the whole event, if the target has one
	opaque   []int        // the letters that cannot be represented
	unsure   map[int]bool // those of them that may be true or false of the event that was assigned last
	counted  int          // how often such a part was computed
	spent    bool         // too often: none is computed any more
	work     int          // that no budget has paid for yet
	asked    any          // the value that a letter was asked about last
	forms    *eval.Value  // the same
	alone    *eval.Event  // the event that has it alone, as the field f; made on demand
	shown    bool         // an event that refutes is shown to somebody
}

func newClaim(world func(ir.Type) backends.World, rawField string) *claim {
	return &claim{world: world, rawField: rawField, byName: map[string]*field{}, letters: []*letter{nil}, byKey: map[string]int{}}
}

func (c *claim) field(f ir.Field, keyword bool) *field {
	name, column := f.Name, f.Name
	if c.mixed[name] {
		f.Name += "\x00" + f.Type.String()
		name = f.Name
	}
	if keyword {
		name = "\x00keyword"
	}
	out := c.byName[name]
	if out == nil {
		w := c.world(f.Type)
		if keyword {
			w = backends.World{}
		}
		out = &field{name: f.Name, column: column, typ: f.Type, world: w, keyword: keyword}
		c.fields = append(c.fields, out)
		c.byName[name] = out
	}
	return out
}

// node is e over the letters of the claim. A field for which missing is true
// counts as missing.
func (c *claim) node(e ir.Expr, missing func(name string) bool) node {
	all := func(op byte, es []ir.Expr) node {
		n := node{op: op}
		for _, x := range es {
			n.subs = append(n.subs, c.node(x, missing))
		}
		return simple(n)
	}
	switch e := e.(type) {
	case ir.And:
		return all('&', e)
	case ir.Or:
		return all('|', e)
	case ir.Not:
		return negate(c.node(e.X, missing))
	case ir.Match:
		if missing != nil && missing(e.Field.Name) {
			_, null := e.Test.(ir.Null)
			return constant(null)
		}
		return c.test(c.field(e.Field, c.rawField != "" && e.Field.Name == c.rawField), e.Test, e.Pos)
	case ir.Keyword:
		return c.test(c.field(ir.Field{Type: ir.Text}, true), e.Test, e.Pos)
	case ir.Opaque:
		if e.Of != nil {
			for _, f := range e.Of.Fields {
				c.field(f, false) // for a counterexample to have it
			}
		}
		f := c.field(ir.Field{Name: "\x00opaque"}, false)
		return c.letter(f, "opaque "+e.Text, &letter{free: cmp.Or(e.Lack, "a part of the query that sigmac cannot represent"), of: e.Of, pos: e.Pos})
	}
	panic("verify: an expression before Inline: " + e.String())
}

func simple(n node) node {
	var out []node
	for _, s := range n.subs {
		switch {
		case s.op == n.op:
			out = append(out, s.subs...)
		case (s.op == '&' || s.op == '|') && len(s.subs) == 0:
			return s // the other constant decides
		default:
			out = append(out, s)
		}
	}
	if len(out) == 1 {
		return out[0]
	}
	n.subs = out
	return n
}

func negate(n node) node {
	switch {
	case n.op == '!':
		return n.subs[0]
	case n.op == '&' && len(n.subs) == 0:
		return constant(false)
	case n.op == '|' && len(n.subs) == 0:
		return constant(true)
	}
	return node{op: '!', subs: []node{n}}
}

func (c *claim) letter(f *field, key string, l *letter) node {
	key = f.name + "\x00" + key
	if f.keyword {
		key = "\x00" + key
	}
	c.work += len(key)
	i, ok := c.byKey[key]
	if !ok {
		i = len(c.letters)
		l.field = f
		c.letters = append(c.letters, l)
		c.byKey[key] = i
		if l.null {
			f.null = i
		} else {
			f.letters, f.cells = append(f.letters, i), nil
		}
		if l.test == nil && !l.null {
			c.opaque = append(c.opaque, i)
		}
	}
	return node{op: 'l', index: i}
}

// test is one test of a field over letters: presence is the absence of null,
// and a regular expression of alternatives is their disjunction.
func (c *claim) test(f *field, t ir.Test, pos ir.Pos) node {
	null := func() node {
		if f.keyword {
			return constant(false) // every event has a text
		}
		return c.letter(f, "null", &letter{null: true, pos: pos})
	}
	value := func(t ir.Test, free string) node {
		return c.letter(f, t.String(), &letter{test: t, free: free, pos: pos})
	}
	free := func(t ir.Test, why string) node {
		return c.letter(f, t.String(), &letter{free: why, pos: pos})
	}
	text := f.typ.IsText()
	const alien = "a test of texts on a field of another type"
	switch t := t.(type) {
	case ir.Null:
		if f.keyword {
			return constant(false) // every event has a text
		}
		return null()
	case ir.Exists:
		if f.keyword {
			return constant(true)
		}
		return negate(null())
	case ir.Pattern:
		shape, s := t.Shape()
		switch {
		case shape == ir.Any && f.keyword:
			return constant(true)
		case shape == ir.Any:
			return negate(null())
		case shape == ir.Exact && s == "" && f.world.Blank:
			return null()
		case t.Has(ir.Placeholder):
			return value(t, "an unresolved placeholder")
		case !text:
			if same, ok := typed(f.typ, t); ok {
				return value(same, "")
			}
			if t = canonPattern(t); shape != ir.Exact || t.Cased {
				return value(t, alien)
			}
		}
		written := t
		t = canonPattern(t)
		return c.letter(f, t.String(), &letter{test: t, as: written, pos: pos})
	case ir.Regexp:
		if t.Re == nil {
			return value(t, "an unresolved placeholder")
		}
		regular, lack := t.Re.Regular()
		if lack != "" {
			// Its tree says what it means: one source means another thing under other flags.
			return c.letter(f, "re "+shapeOf(t.Re), &letter{test: t, free: "a regular expression with " + lack, pos: pos})
		}
		n := node{op: '|'}
		for _, re := range alternatives(regular) {
			if p, ok := asPattern(re); ok {
				if len(p.Parts) == 0 && f.world.Blank {
					continue // blank counts as missing for an expression, and nothing else is empty
				}
				n.subs = append(n.subs, c.test(f, p, pos))
				continue
			}
			written := ir.Regexp{Re: re}
			if re = plain(re); !text {
				return value(t, alien)
			}
			source, err := re.Go()
			if err != nil {
				panic("verify: " + err.Error())
			}
			n.subs = append(n.subs, c.letter(f, "re "+source, &letter{test: ir.Regexp{Re: re}, as: written, pos: pos}))
		}
		return simple(n)
	case ir.Compare:
		if !text {
			return value(t, "")
		}
		if t.Op == ir.Eq {
			return c.test(f, ir.Lit(string(t.Number)), pos)
		}
		return value(t, "a number compared in a text field")
	case ir.Bool:
		if text {
			return c.test(f, ir.Lit(t.String()), pos)
		}
		return value(t, "")
	case ir.CIDR:
		if text && !t.Net.Addr().Is4() {
			return value(t, "an IPv6 network on a text field")
		}
		return value(t, "")
	case ir.Term:
		if !text {
			return free(t, alien)
		}
		return c.term(f, t, pos)
	case ir.FieldRef:
		return value(t, "a field reference")
	case ir.TimePart:
		if !text || f.world.AnyType || t.Part == "week" {
			return value(t, "a part of a date")
		}
		if re := t.Re(); re != nil {
			return c.test(f, ir.Regexp{Re: re}, pos)
		}
		return constant(false)
	}
	panic("verify: a test before its pass: " + t.String())
}

// term is a term of a text: surely there, or perhaps and then as it is taken to be.
func (c *claim) term(f *field, t ir.Term, pos ir.Pos) node {
	sure, may := t.Tests()
	key := "term"
	perhaps := node{op: '&'}
	for _, m := range may {
		key += " " + m.String()
		perhaps.subs = append(perhaps.subs, c.test(f, m, pos))
	}
	out := node{op: '|'}
	for _, s := range sure {
		key += " " + s.String()
		out.subs = append(out.subs, c.test(f, s, pos))
	}
	if sure == nil {
		key += " " + t.String()
	}
	perhaps.subs = append(perhaps.subs, c.letter(f, key, &letter{free: "how such a term is found is not documented in full", pos: pos}))
	out.subs = append(out.subs, simple(perhaps))
	return simple(out)
}

// typed is p as a test of numbers or booleans that means the same.
func typed(typ ir.Type, p ir.Pattern) (ir.Test, bool) {
	shape, s := p.Shape()
	if shape != ir.Exact {
		return nil, false
	}
	if n, ok := ir.ParseNumber(s); ok && typ == ir.Numeric && string(n) == s {
		return ir.Compare{Op: ir.Eq, Number: n}, true
	}
	if fold := regex.Fold(s); typ == ir.Boolean && !p.Cased && (fold == "true" || fold == "false") {
		return ir.Bool{Value: fold == "true"}, true
	}
	return nil, false
}

// canonPattern is p in the one form of all patterns that mean the same by case.
func canonPattern(p ir.Pattern) ir.Pattern {
	cased := p.Cased && strings.ContainsFunc(p.Literals(), regex.HasCases)
	parts := slices.Clone(p.Parts)
	if !cased {
		for i, q := range parts {
			if q.Kind == ir.Literal {
				parts[i].Text = regex.Fold(q.Text)
			}
		}
	}
	return ir.Pattern{Parts: parts, Cased: cased}
}

// maxAlternatives bounds how many letters one regular expression becomes.
const maxAlternatives = 200

// alternatives splits a regular expression at its outermost `|`, anchors
// around it kept, without what a run of anything at an end would say.
func alternatives(re *regex.Re) []*regex.Re {
	subs := trim(flattenRe(nil, re))
	if out := split(subs); len(out) <= maxAlternatives {
		return out
	}
	return []*regex.Re{{Op: regex.OpConcat, Subs: subs}}
}

// plain is re without what does not change the texts that match, and with one
// form for characters: a literal, a class, or any.
func plain(re *regex.Re) *regex.Re {
	out := *re
	out.Lazy, out.Fold = false, false
	switch re.Op {
	case regex.OpGroup:
		return plain(re.Subs[0])
	case regex.OpLiteral:
		if !re.Fold || !regex.HasCases(re.Rune) {
			return &out
		}
		out.Op = regex.OpClass
		for _, r := range regex.Cases(re.Rune) {
			out.Ranges = append(out.Ranges, regex.Range{Lo: r, Hi: r})
		}
		return &out
	case regex.OpAnyNotNewline:
		out.Op, out.Ranges = regex.OpClass, regex.Negate([]regex.Range{{Lo: '\n', Hi: '\n'}})
		return &out
	case regex.OpClass:
		if re.Fold {
			out.Ranges = regex.FoldRanges(re.Ranges)
		}
		switch rs := out.Ranges; {
		case len(rs) == 1 && rs[0].Lo == rs[0].Hi:
			return &regex.Re{Op: regex.OpLiteral, Rune: rs[0].Lo}
		case len(regex.Negate(rs)) == 0:
			return &regex.Re{Op: regex.OpAny}
		}
		return &out
	}
	out.Subs = nil
	for _, s := range re.Subs {
		s = plain(s)
		if s.Op == re.Op && (s.Op == regex.OpConcat || s.Op == regex.OpAlternate) {
			out.Subs = append(out.Subs, s.Subs...)
		} else {
			out.Subs = append(out.Subs, s)
		}
	}
	return &out
}

// shapeOf is the same for two expressions that differ in how their characters are
// written only.
func shapeOf(re *regex.Re) string {
	chars := func(rs []regex.Range) string { return fmt.Sprint("[", rs, "]") }
	switch re.Op {
	case regex.OpLiteral:
		rs := []regex.Range{{Lo: re.Rune, Hi: re.Rune}}
		if re.Fold {
			rs = regex.FoldRanges(rs)
		}
		return chars(rs)
	case regex.OpClass:
		if re.Fold {
			return chars(regex.FoldRanges(re.Ranges))
		}
		return chars(re.Ranges)
	case regex.OpAny:
		return chars(regex.Negate(nil))
	case regex.OpAnyNotNewline:
		return chars(regex.Negate([]regex.Range{{Lo: '\n', Hi: '\n'}}))
	case regex.OpRepeat:
		if re.Min == 1 && re.Max == 1 {
			return shapeOf(re.Subs[0])
		}
	}
	parts := make([]string, len(re.Subs))
	for i, s := range re.Subs {
		parts[i] = shapeOf(s)
	}
	return fmt.Sprintf("(%d %q %t %t %d,%d %s)", re.Op, re.Text, re.Fold, re.Lazy && re.Min != re.Max, re.Min, re.Max, strings.Join(parts, " "))
}

func split(subs []*regex.Re) []*regex.Re {
	i := slices.IndexFunc(subs, func(s *regex.Re) bool { return s.Op != regex.OpBeginText })
	j := len(subs) - 1
	for j >= 0 && subs[j].Op == regex.OpEndText {
		j--
	}
	if i < 0 || i != j || subs[i].Op != regex.OpAlternate {
		return []*regex.Re{{Op: regex.OpConcat, Subs: subs}}
	}
	var out []*regex.Re
	for _, a := range subs[i].Subs {
		whole := slices.Concat(subs[:i], flattenRe(nil, a), subs[i+1:])
		out = append(out, split(trim(whole))...)
	}
	return out
}

func flattenRe(out []*regex.Re, re *regex.Re) []*regex.Re {
	switch re.Op {
	case regex.OpConcat, regex.OpGroup:
		for _, s := range re.Subs {
			out = flattenRe(out, s)
		}
		return out
	case regex.OpEmpty:
		return out
	case regex.OpRepeat:
		if re.Min == 1 && re.Max == 1 {
			return flattenRe(out, re.Subs[0])
		}
		if re.Min == re.Max && re.Max > 0 && re.Max <= 64 && simpleChar(re.Subs[0]) {
			for range re.Max {
				out = append(out, re.Subs[0])
			}
			return out
		}
	}
	return append(out, re)
}

func simpleChar(re *regex.Re) bool {
	return re.Op == regex.OpLiteral || re.Op == regex.OpAny || re.Op == regex.OpClass || re.Op == regex.OpAnyNotNewline
}

func anyRun(re *regex.Re) bool {
	return re.Op == regex.OpRepeat && re.Min == 0 && re.Max < 0 && re.Subs[0].Op == regex.OpAny
}

// trim drops `\A.*` in front and `.*\z` behind, and at an open end what need not
// be there.
func trim(subs []*regex.Re) []*regex.Re {
	for len(subs) > 0 {
		if rest, ok := fewest(subs[0]); ok {
			subs = slices.Concat(rest, subs[1:])
		} else if len(subs) > 1 && subs[0].Op == regex.OpBeginText && (anyRun(subs[1]) || subs[1].Op == regex.OpBeginText) {
			subs = subs[1:]
		} else {
			break
		}
	}
	for n := len(subs); n > 0; n = len(subs) {
		if rest, ok := fewest(subs[n-1]); ok {
			subs = slices.Concat(subs[:n-1], rest)
		} else if n > 1 && subs[n-1].Op == regex.OpEndText && (anyRun(subs[n-2]) || subs[n-2].Op == regex.OpEndText) {
			subs = subs[:n-1]
		} else {
			break
		}
	}
	return subs
}

// fewest is a repetition with no more than it needs.
func fewest(re *regex.Re) ([]*regex.Re, bool) {
	if re.Op != regex.OpRepeat || re.Min == re.Max {
		return nil, false
	}
	if re.Min == 0 {
		return nil, true
	}
	least := *re
	least.Max = re.Min
	return flattenRe(nil, &least), true
}

// asPattern is re as a Pattern, if it is one.
func asPattern(re *regex.Re) (ir.Pattern, bool) {
	subs := re.Subs
	var parts []ir.Part
	folds, cased := false, false
	begin, end := false, false
	for i, s := range subs {
		switch {
		case s.Op == regex.OpBeginText && i == 0:
			begin = true
		case s.Op == regex.OpEndText && i == len(subs)-1:
			end = true
		case s.Op == regex.OpAny:
			parts = append(parts, ir.Part{Kind: ir.AnyOne})
		case anyRun(s):
			parts = append(parts, ir.Part{Kind: ir.AnyRun})
		case s.Op == regex.OpLiteral:
			if regex.HasCases(s.Rune) {
				folds, cased = folds || s.Fold, cased || !s.Fold
			}
			parts = append(parts, ir.Part{Text: string(s.Rune)})
		case s.Op == regex.OpClass:
			r, fold, ok := oneLetter(s)
			if !ok {
				return ir.Pattern{}, false
			}
			folds, cased = folds || fold, cased || !fold && regex.HasCases(r)
			parts = append(parts, ir.Part{Text: string(r)})
		default:
			return ir.Pattern{}, false
		}
	}
	if folds && cased {
		return ir.Pattern{}, false
	}
	star := ir.Part{Kind: ir.AnyRun}
	if !begin {
		parts = append([]ir.Part{star}, parts...)
	}
	if !end {
		parts = append(parts, star)
	}
	return ir.NewPattern(cased, parts...), true
}

// oneLetter is the letter that a class holds: alone, or in all its cases.
func oneLetter(re *regex.Re) (r rune, fold, ok bool) {
	var rs []rune
	for _, g := range re.Ranges {
		for c := g.Lo; c <= g.Hi; c++ {
			if rs = append(rs, c); len(rs) > 4 {
				return 0, false, false
			}
		}
	}
	if len(rs) == 0 {
		return 0, false, false
	}
	cases := regex.Cases(rs[0])
	switch {
	case slices.Equal(rs, cases):
		return rs[0], len(cases) > 1, true
	case len(rs) == 1:
		return rs[0], re.Fold, true
	}
	return 0, false, false
}
