// Package verify says whether a query means what its rule means. A proof is about
// every event of the target's world: Query compares a condition of a rule, typed and
// inlined, with what the target's reader says of the query, by a solver for the
// boolean skeleton and a decision procedure for the tests of a field.
//
// # What is covered
//
// A proof covers Simplify, Legalize, the emitter and the quoting. The parser and the
// passes before are held by the evaluator, in golden cases and fuzz tests. What a
// built-in pipeline makes of log sources and fields is held by cases, by recorded
// events, and for Kusto by Microsoft's own binder.
//
// A World says what events there are: whether the empty text and missing are one
// state, whether a field may have several values, whether a field of numbers may hold
// texts. Both sides are asked about the same events of that world.
//
// A verdict says what it covers. A difference between the filters of a query and its
// rule refutes only where no later stage can undo it, and a proof of the filters is
// Partial where stages were not judged. What says where a query looks (table, index,
// conditions that a pipeline put into the rule, a time range) is compared apart from
// what it looks for (scope.go), since a detection that was deployed elsewhere is still
// the same detection.
//
// A computed column is followed. Where a query tests the column under the pipeline's own
// definition, it is a column like others. Else both sides are taken to the columns that
// it is computed of (package computed), and what the pipeline supposes of these is a
// premise, named among the assumptions. A definition that is not understood stays a
// column.
//
// A piece of query language is proved around. An ir.Opaque stands in a rule only
// through query_expression_placeholders. For the proof each becomes a test of a field
// of its own, the query is written with these and proved, and the given query must be
// that one with the pieces put back (opaque.go).
//
// A loss is computed. World.In says what becomes of each state that a source can
// write: missing, null, an empty list, the empty text, a value, several, one of
// another type. The evaluator is asked about each test of a rule in each state
// (losses.go); where states that become one have two answers, the claim is asked for
// the answer there, and each state with the other answer is a loss. So no kind of test
// can be forgotten. A Doubt of a World is asked in the same way: the assumption is
// named for the tests whose answer would be another.
//
// # How it is proved
//
// A claim is over letters: each distinct test of a field is one (letter.go), in a
// canonical form. Patterns are folded unless their case matters, an expression that is
// a pattern becomes it, its outermost alternatives an Or of letters, presence the
// negation of null. If both sides are then the same up to order and repetition, that
// is the proof.
//
// Else a solver looks for a difference, once for events that the query has and the
// rule has not, once the other way. It is given the boolean skeleton (sat.go). For an
// assignment that it finds, an event is sought with just these letters true
// (theory.go): numbers and addresses from the few values at and between the borders
// that the tests name, texts from automata. If there is none, the letters that
// contradict each other become a clause, and the solver goes on. A conflict is grown
// lazily: a test is added only when the value found breaks it, so clauses stay short.
// When the solver has nothing left, the claim is proved.
//
// The solver is ours, the textbook's search by learned clauses, for three things that
// no library in Go has together: it counts its work, so a rule of pigeons and holes is
// given up at the same step on any machine; a clause of the theory is added to it as
// it stands; and proofs run on all cores.
//
// Automata are Go's own programs. A test of texts becomes an expression of Go,
// regexp/syntax compiles it, and strings.go runs the program as a lazily built
// deterministic automaton, over classes of characters that no test of the field tells
// apart. The product of the automata is walked breadth first, so a text is among the
// shortest. What is found is tried again, with package regexp and with the evaluator,
// and verify panics where these disagree.
//
// Only what matters is asked of the theory. An assignment decides every letter, but a
// few of them make the claim true: of an Or one part, of an And all. Values are sought
// for these alone, so a rule of thousands of tests costs what the few that decide
// cost.
//
// A budget counts steps, not time, so a verdict is the same on any machine. A step is
// so much work: characters that tests look at, instructions of automata, literals of
// clauses. When it runs out, or where a letter cannot be decided (a look-around, a
// reference between fields, an Opaque), the verdict is not Proved but Agreed: events
// that reach every test both ways were tried, and the reason says why there is no
// more. A proof must hold whatever an Opaque is, and so must a counterexample,
// whatever each of several is.
//
// A counterexample is made smaller: a field is left out as long as the two sides
// surely still differ. Then its texts become such as could be seen (apart.go): package
// realistic proposes some, and one is taken if the sides surely differ with it too. The construct that is named is a test that stands in the rule
// and not in the query, or else one with a value in the event.
//
// Samples uses the same search: an event that satisfies the rule, and for each letter
// one in which this letter alone is the other way and the rule is false. All letters
// are given then, so the solver is not asked.
//
// # Correlations
//
// Tail compares queries with a correlation. What they ask of single events is taken to the
// rules by the prover (predicates.go): it finds the kinds of events that there are, by the rules that select
// them and the tests of the queries that they pass, with an event of each. From these, values for the columns of
// the group and of the condition (columns.go), and times at the borders of windows, streams are made (spaces.go), and both
// sides are run on them (streams.go). A verdict is of a bound, save for queries of a form for which there is an argument (forms.go).
//
// A difference is looked for in short streams first, whole spaces before samples, and
// the stream that is found is made shorter. Its events have concrete fields, which the prover has checked
// again, so a stream that refutes can happen.
//
// # How it is tested
//
// The prover is tested by what it must not prove: TestMutation corrupts queries of
// real rules and holds each verdict against the evaluator over events, FuzzEqual does
// so with random rules.
package verify

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"unicode"

	"sigmac/backends"
	"sigmac/computed"
	"sigmac/eval"
	"sigmac/ir"
	"sigmac/regex"
)

// A Verdict is what is known of a claim.
type Verdict uint8

// The verdicts, from the best on.
const (
	Proved  Verdict = iota // for every event of the world
	Partial                // so, of the filters; what other stages do to the events was not judged
	Bounded                // of a correlation: on all streams of events up to Limits
	Agreed                 // on events that were tried; Reason says why not more
	Refuted                // by a counterexample
)

func (v Verdict) String() string {
	return [...]string{"proved", "partial", "bounded", "agreed", "refuted"}[v]
}

// A Construct is the part of a rule that a difference is about.
type Construct struct {
	Name string
	Pos  ir.Pos
}

// A Result is a verdict with its evidence.
type Result struct {
	Verdict        Verdict
	Reason         string // of Partial, Bounded and Agreed
	Direction      string // of Refuted: the query is wider, narrower or both
	Construct      *Construct
	Stages         []ir.Command // of the query
	Scope          Scope        // of a query that was compared
	Detection      *Result      // what the verdict would be in the same scope
	Losses         []Loss
	Assumptions    []string
	Unmapped       []string       // of Refuted: the fields that no index maps
	Events         int            // tried, of Agreed; of a correlation streams
	Counterexample map[string]any // of Refuted: the fields of an event
	QueryMatches   bool
	RuleMatches    bool
	Limits         []string // of Bounded: which streams of events were tried, and what was not compared
	Stream         *Stream  // of Refuted, of a correlation
}

// DefaultBudget bounds the steps of one claim.
const DefaultBudget = 2_000_000

// maxOptional bounds the fields whose mappings are all tried where they are not proved in one claim: 4096
// readings of a query, which take about a tenth of a second. Mapped public rules need as many.
const maxOptional = 12

// Query says whether a query means the i-th condition of want, a rule that is
// typed and inlined. The error is an *ir.Diagnostic.
func Query(b *backends.Target, want *ir.Rule, i int, query string, budget int) (Result, error) {
	rule := want.Conditions[i].Expr
	if hasOpaque(rule) {
		return placeholders(b, want, i, query, budget)
	}
	d, undefined := b.Define(want)
	j := judge{b, budget, d, map[string]bool{}}
	read, err := readAll(j.readings(want, i, query))
	if err = cmp.Or(err, undefined); err != nil {
		return Result{}, err
	}
	var res, detection Result
	scope := Scope{Relation: "equal"}
	for _, r := range read {
		if r.proved {
			continue
		}
		whole, apart, where := j.reading(want, i, r)
		if whole.Verdict > res.Verdict {
			res = whole
			res.Unmapped = r.unmapped
		}
		if apart.Verdict > detection.Verdict {
			detection = apart
			detection.Unmapped = r.unmapped
		}
		if where.Relation != "equal" {
			scope = where
		}
		if res.Verdict >= Agreed && detection.Verdict >= Agreed || res.Verdict >= Agreed && scope.Relation == "equal" {
			break
		}
	}
	res.Scope, res.Detection, res.Stages = scope, &detection, read[0].query.Stages
	res.Losses = losses(b, rule)
	res.Assumptions = assumptions(b, rule, read, slices.Collect(maps.Keys(j.supposes)))
	return res, nil
}

// Proves says whether the verdict of Query would be Proved, and what it would rest on. It
// is for who tries many queries: it stops where that is another verdict.
func Proves(b *backends.Target, want *ir.Rule, i int, query string, budget int) (assumed []string, proved bool) {
	rule := want.Conditions[i].Expr
	if hasOpaque(rule) {
		res, err := placeholders(b, want, i, query, budget)
		return res.Assumptions, err == nil && res.Verdict == Proved
	}
	d, err := b.Define(want)
	if err != nil {
		return nil, false
	}
	j := judge{b, budget, d, map[string]bool{}}
	var read []reading
	for r, err := range j.readings(want, i, query) {
		if r.proved && err == nil {
			read = append(read, r)
			continue
		}
		if err != nil || r.partial || r.query.Where == nil || len(r.query.Unjudged()) > 0 {
			return nil, false
		}
		rule, query := want.Compared(i, r.query)
		if places(rule.Scope, query.Scope) != "equal" || len(query.Bounds) > 0 || !j.alike(rule.Whole(), query.Whole(), r) {
			return nil, false
		}
		read = append(read, r)
	}
	return assumptions(b, rule, read, slices.Collect(maps.Keys(j.supposes))), true
}

// alike says whether compare proves a query.
func (j judge) alike(rule, query ir.Expr, r reading) bool {
	ask := func(rule, query ir.Expr) bool {
		c, left := newClaim(j.World, j.KeywordField()), j.budget
		return c.alike(rule, query, r.missing(), &left)
	}
	query = j.needed(query, r)
	if j.defined.Tested(query) && ask(rule, query) {
		return true
	}
	rule, query, _ = j.based(rule, query)
	return ask(rule, query)
}

// InScope is what is known of a query beside where it looks.
func (r Result) InScope() Result {
	if r.Detection == nil {
		return r
	}
	out := *r.Detection
	out.Stages, out.Scope, out.Losses, out.Assumptions = r.Stages, r.Scope, r.Losses, r.Assumptions
	return out
}

// A judge compares expressions in the world of a target.
type judge struct {
	*backends.Target
	budget   int
	defined  computed.Definitions
	supposes map[string]bool // the assumptions of the definitions that were needed
}

// undo says which differences of its filters other stages of a query may undo.
type undo struct{ wider, narrower bool }

// undoing is what these stages may undo.
func undoing(stages []ir.Command) (o undo) {
	for _, st := range stages {
		o.wider, o.narrower = o.wider || st.Effect.MayRemove(), o.narrower || st.Effect.MayAdd()
	}
	return o
}

// reading compares a rule with one reading of a query: as a whole, beside where
// they look, and where they look.
func (j judge) reading(want *ir.Rule, i int, r reading) (whole, detection Result, scope Scope) {
	if r.query.Where == nil {
		res := Result{Verdict: Agreed, Reason: "the query is no filter of single events"}
		return res, res, Scope{Relation: "unknown"}
	}
	unjudged := r.query.Unjudged()
	o := undoing(unjudged)
	rule, query := want.Compared(i, r.query)
	whole = told(j.compare(rule.Whole(), query.Whole(), r, o), unjudged)
	looks := places(rule.Scope, query.Scope)
	if looks == "equal" && len(query.Bounds) == 0 && whole.Verdict == Proved {
		return whole, whole, Scope{Relation: "equal"}
	}
	scope = Scope{j.relation(rule, query, r), place(rule), place(query)}
	detection = whole
	if scope.Relation != "equal" {
		detection = told(j.detection(rule, query, r, o), unjudged)
	}
	if looks != "equal" {
		direction := looks
		if whole.Verdict == Refuted {
			direction = both(looks, whole.Direction)
		}
		if o.wider && direction == "wider" || o.narrower && direction == "narrower" {
			whole = Result{Verdict: Agreed, Reason: "the query looks elsewhere, and what is done by " + named(unjudged) + " was not judged"}
		} else {
			whole = Result{Verdict: Refuted, Direction: direction, Construct: &Construct{Name: "table", Pos: want.Source.Pos}}
		}
	}
	return whole, detection, scope
}

// told is a result on the filters of a query that has these stages too.
func told(res Result, unjudged []ir.Command) Result {
	switch {
	case len(unjudged) == 0:
	case res.Verdict == Proved:
		res.Verdict, res.Reason = Partial, "its filters are proved; what is done by "+named(unjudged)+" was not judged"
	case res.Verdict == Agreed:
		res.Reason += "; what is done by " + named(unjudged) + " was not judged"
	}
	return res
}

// named is the first of some stages with its place, and that there are more.
func named(stages []ir.Command) string {
	s := fmt.Sprintf("%s (%d:%d)", stages[0].Name, stages[0].Pos.Line, stages[0].Pos.Column)
	if len(stages) > 1 {
		s += " and later stages"
	}
	return s
}

// A reading is a query under one choice of unmapped fields.
type reading struct {
	query    *ir.Query
	unmapped []string
	partial  bool // not every choice was read
	proved   bool // to be the rule
}

// missing says of a field whether no index maps it; nil where all are mapped.
func (r reading) missing() func(name string) bool {
	if len(r.unmapped) == 0 {
		return nil
	}
	return func(name string) bool { return slices.Contains(r.unmapped, name) }
}

// typing is the schema that rules were typed with, without some fields.
type typing struct {
	ir.Context
	tables   map[inTable]tableColumn // that are not the same in all tables
	mixed    map[string]bool         // those of them that have several types
	computed []ir.Computed
	unmapped []string
}

func typingOf(r *ir.Rule) typing {
	return typing{Context: ir.Context{Types: r.Types(), Lookups: r.Lookups}, computed: r.Computed}
}

func (s typing) Type(table, name string) (ir.Type, bool) {
	t, _ := s.Types.Type(table, name)
	if own, ok := s.tables[inTable{table, name}]; ok {
		t = own.typ
	}
	return t, !slices.Contains(s.unmapped, name)
}

// Computed is how a column is computed in queries of a table, or empty.
func (s typing) Computed(table, name string) string {
	if own, ok := s.tables[inTable{table, name}]; ok {
		return own.text
	}
	for _, c := range s.computed {
		if c.Name == name {
			return c.Text
		}
	}
	return ""
}

// readAll are readings, if there is no error among them.
func readAll(readings iter.Seq2[reading, error]) (out []reading, err error) {
	for r, err := range readings {
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

// readings reads a query under every choice of unmapped optional fields, none first. Where the
// function proves, if it is given, says so of all of them together, they are one.
func readings(b *backends.Target, query string, schema typing, proves func(*backends.Optional) bool) iter.Seq2[reading, error] {
	return func(yield func(reading, error) bool) {
		if b.ReadOptional == nil {
			q, err := b.Read(query, schema)
			yield(reading{query: q}, err)
			return
		}
		o, err := b.ReadOptional(query)
		if err != nil {
			yield(reading{}, err)
			return
		}
		partial := len(o.Names) > maxOptional
		if proves != nil && len(o.Names) > 0 && !partial && proves(o) {
			q, err := o.Under(schema)
			yield(reading{query: q, proved: true}, err)
			return
		}
		for _, unmapped := range subsets(o.Names, partial) {
			schema.unmapped = unmapped
			q, err := o.Under(schema)
			if !yield(reading{query: q, unmapped: unmapped, partial: partial}, err) || err != nil {
				return
			}
		}
	}
}

// readings are those of a query that is compared with the i-th condition of a rule.
func (j judge) readings(want *ir.Rule, i int, query string) iter.Seq2[reading, error] {
	return readings(j.Target, query, typingOf(want), func(o *backends.Optional) bool { return j.proves(want, i, o) })
}

// proves says whether a query is proved to be the i-th condition of a rule, whichever of its
// optional fields indexes map, in one claim: whether one is mapped is a test of a field like
// others there, which stands before each test of the field.
func (j judge) proves(want *ir.Rule, i int, o *backends.Optional) bool {
	mapped := func(name string) ir.Expr {
		return ir.Match{Field: ir.Field{Name: "\x00mapped " + name, Type: ir.Boolean}, Test: ir.Bool{Value: true}}
	}
	if j.defined.Terms != nil {
		return false
	}
	q, ok, err := o.Any(typingOf(want), mapped)
	if err != nil || !ok {
		return false
	}
	rule, query := want.Compared(i, q)
	if places(rule.Scope, query.Scope) != "equal" {
		return false
	}
	where := given(rule.Whole(), o.Names, mapped)
	steps := j.budget
	return newClaim(j.World, j.KeywordField()).alike(where, query.Whole(), nil, &steps)
}

// given is e where each of some fields is missing unless mapped says otherwise. The tests of one field
// in a disjunction have one condition, as they do in a list of a query.
func given(e ir.Expr, names []string, mapped func(name string) ir.Expr) ir.Expr {
	field := func(e ir.Expr) string { // of a test that no missing field passes
		m, _ := e.(ir.Match)
		if _, null := m.Test.(ir.Null); null || !slices.Contains(names, m.Field.Name) {
			return ""
		}
		return m.Field.Name
	}
	out, _ := ir.Rewrite(e, func(e ir.Expr) (ir.Expr, bool) {
		if name := field(e); name != "" {
			return ir.And{mapped(name), e}, true
		}
		switch e := e.(type) {
		case ir.Match:
			if slices.Contains(names, e.Field.Name) {
				return ir.Or{ir.Negation(mapped(e.Field.Name)), e}, true
			}
		case ir.Or:
			var out ir.Or
			at := map[string]int{}
			for _, x := range e {
				name := field(x)
				i, seen := at[name]
				switch {
				case name == "":
					out = append(out, given(x, names, mapped))
				case seen:
					group := out[i].(ir.And)
					group[1] = append(group[1].(ir.Or), x)
				default:
					at[name] = len(out)
					out = append(out, ir.And{mapped(name), ir.Or{x}})
				}
			}
			return out, true
		}
		return e, false
	})
	return out
}

// subsets are all of names' subsets, or with few only those of none, one and
// all.
func subsets(names []string, few bool) (out [][]string) {
	if few {
		out = append(out, nil)
		for _, n := range names {
			out = append(out, []string{n})
		}
		return append(out, names)
	}
	for bits := range 1 << len(names) {
		var set []string
		for i, n := range names {
			if bits>>i&1 == 1 {
				set = append(set, n)
			}
		}
		out = append(out, set)
	}
	return out
}

// Equal says whether two expressions mean the same in a world.
func Equal(world func(ir.Type) backends.World, want, got ir.Expr, budget int) Result {
	return equal(newClaim(world, ""), want, got, nil, undo{}, budget)
}

// compare compares a rule with a query under one reading: by the columns that are
// computed, if the query tests these too, else by those that they are computed of.
func (j judge) compare(rule, query ir.Expr, r reading, o undo) Result {
	compare := func(rule, query ir.Expr) Result {
		c := newClaim(j.World, j.KeywordField())
		c.shown = true
		return equal(c, rule, query, r.missing(), o, j.budget)
	}
	query = j.needed(query, r)
	if j.defined.Tested(query) {
		if res := compare(rule, query); res.Verdict == Proved && !r.partial {
			return res
		}
	}
	rule, query, left := j.based(rule, query)
	res := compare(rule, query)
	if len(left) > 0 && res.Verdict == Refuted {
		res = Result{Verdict: Agreed, Reason: "a test of " + left[0] + " could not be followed to the columns that it is computed of"}
	}
	if r.partial && res.Verdict == Proved {
		res.Verdict = Agreed
		res.Reason = fmt.Sprintf("more than %d optional fields: not every choice of unmapped ones was tried", maxOptional)
	}
	return res
}

// needed is a query without terms that it asks for beside a test that implies them: they are
// there for an index, and the solver would meet them beside all the rest.
func (j judge) needed(query ir.Expr, r reading) ir.Expr {
	es := ir.Conjuncts(query)
	var out ir.And
	for _, e := range es {
		f, surely := surelyTerms(e)
		if surely == nil || !slices.ContainsFunc(es, func(other ir.Expr) bool {
			if _, terms := surelyTerms(other); terms != nil || !tests(other, f) {
				return false
			}
			steps := j.budget / 10
			return newClaim(j.World, j.KeywordField()).alike(other, ir.And{other, surely}, r.missing(), &steps)
		}) {
			out = append(out, e)
		}
	}
	if len(out) == len(es) {
		return query
	}
	return out
}

// surelyTerms is a test that implies e, if e asks for one of some terms of one field, which is f, and
// for nothing else: that one stands between characters of ASCII. Those of Unicode, of which
// there are many ranges, are what the solver would spend its steps on.
func surelyTerms(e ir.Expr) (f string, surely ir.Expr) {
	var out []ir.Expr
	for i, x := range ir.Disjuncts(e) {
		name, test := "", func(t ir.Test) ir.Expr { return ir.Keyword{Test: t} }
		var t ir.Test
		switch x := x.(type) {
		case ir.Match:
			name, t = x.Field.Name, x.Test
			test = func(t ir.Test) ir.Expr { return ir.Match{Field: x.Field, Test: t, Pos: x.Pos} }
		case ir.Keyword:
			t = x.Test
		}
		term, ok := t.(ir.Term)
		if !ok || term.Sure == nil || i > 0 && name != f {
			return "", nil
		}
		f = name
		out = append(out, test(ir.Regexp{Re: ascii(term.Sure)}))
	}
	return f, ir.Disjunction(out...)
}

// ascii is re with classes of ASCII only.
func ascii(re *regex.Re) *regex.Re {
	out := *re
	out.Subs, out.Ranges = nil, nil
	for _, s := range re.Subs {
		out.Subs = append(out.Subs, ascii(s))
	}
	for _, g := range re.Ranges {
		if g.Lo <= unicode.MaxASCII {
			out.Ranges = append(out.Ranges, regex.Range{Lo: g.Lo, Hi: min(g.Hi, unicode.MaxASCII)})
		}
	}
	return &out
}

// tests says whether a part of e tests the field f, or where that is empty, keywords.
func tests(e ir.Expr, f string) (found bool) {
	ir.Walk(e, func(e ir.Expr) {
		m, ok := e.(ir.Match)
		_, word := e.(ir.Keyword)
		found = found || ok && m.Field.Name == f || word && f == ""
	})
	return found
}

// based are a rule and a query over the columns that computed ones are computed of, within
// what is supposed of these; left are the columns of which a test could not be followed.
func (j judge) based(rule, query ir.Expr) (r, q ir.Expr, left []string) {
	rule, needs, left := j.defined.Expand(rule)
	query, more, also := j.defined.Expand(query)
	supposed, ids := j.defined.Supposed(rule, query)
	for _, id := range slices.Concat(needs, more, ids) {
		j.supposes[id] = true
	}
	within := func(e ir.Expr) ir.Expr { return append(slices.Clone(supposed), j.possible(supposed, e)) }
	return within(rule), within(query), append(left, also...)
}

// possible is e without the tests that no row passes by what is supposed of their column
// alone: they are many, and the solver would meet them together.
func (j judge) possible(supposed ir.And, e ir.Expr) ir.Expr {
	about := map[string]ir.And{}
	for _, s := range supposed {
		fields := map[string]bool{}
		ir.Walk(s, func(e ir.Expr) {
			if m, ok := e.(ir.Match); ok {
				fields[m.Field.Name] = true
			}
		})
		if len(fields) == 1 {
			for name := range fields {
				about[name] = append(about[name], s)
			}
		}
	}
	asked := map[string]bool{} // and whether a row may pass
	out, _ := ir.Rewrite(e, func(e ir.Expr) (ir.Expr, bool) {
		m, ok := e.(ir.Match)
		if !ok || about[m.Field.Name] == nil {
			return e, false
		}
		key := m.String()
		may, known := asked[key]
		if !known {
			alone := append(slices.Clone(about[m.Field.Name]), m)
			may = Equal(j.World, alone, ir.False, stepsAlone).Verdict != Proved
			asked[key] = may
		}
		return ir.False, !may
	})
	return out
}

// stepsAlone bound the proof that no row passes one test.
const stepsAlone = 10_000

// equal compares two expressions. A difference that other stages may undo refutes nothing.
func equal(c *claim, want, got ir.Expr, missing func(string) bool, o undo, budget int) Result {
	w := c.node(want, missing)
	shared := len(c.letters)
	g := c.node(got, missing)
	if w.canon() == g.canon() {
		return Result{Verdict: Proved}
	}
	if len(c.letters) > maxLetters {
		return c.agree(w, g, o, fmt.Sprintf("the claim has more than %d different tests", maxLetters), &budget)
	}
	wider := c.differ(beside(g, w), &budget)
	narrower := c.differ(beside(w, g), &budget)
	isWider, isNarrower := wider.values != nil && !o.wider, narrower.values != nil && !o.narrower
	switch {
	case isWider && isNarrower:
		return c.refute(w, g, shared, wider.values, "both")
	case isWider:
		return c.refute(w, g, shared, wider.values, "wider")
	case isNarrower:
		return c.refute(w, g, shared, narrower.values, "narrower")
	case wider.values != nil:
		return Result{Verdict: Agreed, Reason: "its filters are wider than the rule"}
	case narrower.values != nil:
		return Result{Verdict: Agreed, Reason: "its filters are narrower than the rule"}
	case wider.reason != "":
		return c.agree(w, g, o, wider.reason, &budget)
	case narrower.reason != "":
		return c.agree(w, g, o, narrower.reason, &budget)
	}
	return Result{Verdict: Proved}
}

// beside is true where a is and b is not.
func beside(a, b node) node { return node{op: '&', subs: []node{a, negate(b)}} }

// alike says whether equal would prove it.
func (c *claim) alike(want, got ir.Expr, missing func(string) bool, budget *int) bool {
	w, g := c.node(want, missing), c.node(got, missing)
	none := func(n node) bool {
		found := c.satisfy(n, budget)
		return found.values == nil && found.reason == ""
	}
	return w.canon() == g.canon() || len(c.letters) <= maxLetters && none(beside(g, w)) && none(beside(w, g))
}

// differ looks for an event that n matches. Where something cannot be represented,
// one that n matches whatever that is comes first.
func (c *claim) differ(n node, budget *int) answer {
	if sure := c.certain(n, true); sure.canon() != n.canon() {
		steps := *budget / 2
		*budget -= steps
		found := c.satisfy(sure, &steps)
		if *budget += max(steps, 0); found.values != nil {
			return found
		}
	}
	return c.satisfy(n, budget)
}

// certain is n where every letter of which nothing is known is as n, or with want
// false its negation, would not have it: what it matches n matches in any case.
func (c *claim) certain(n node, want bool) node {
	switch n.op {
	case 'l':
		if c.letters[n.index].test == nil && !c.letters[n.index].null {
			return constant(!want)
		}
		return n
	case '!':
		return negate(c.certain(n.subs[0], !want))
	}
	out := node{op: n.op}
	for _, s := range n.subs {
		out.subs = append(out.subs, c.certain(s, want))
	}
	return simple(out)
}

// maxLetters bounds the tests that the solver is given.
const maxLetters = 20_000

// agree tries events that reach every test, both ways.
func (c *claim) agree(w, g node, o undo, reason string, budget *int) Result {
	events := c.witnesses(w, budget)
	events = append(events, c.variants(events)...)
	for _, ev := range events {
		if c.surely(node{op: '!', subs: []node{same(w, g)}}, ev) {
			direction := "wider"
			if c.truth(w, ev) {
				direction = "narrower"
			}
			if o.wider && direction == "wider" || o.narrower && direction == "narrower" {
				continue
			}
			return c.refute(w, g, len(c.letters), ev, direction)
		}
	}
	return Result{Verdict: Agreed, Reason: reason, Events: len(events)}
}

// variants are events with other texts in the fields that parts of the query compute
// something of: longer, of several words, and as good as none.
func (c *claim) variants(events []map[*field][]any) (out []map[*field][]any) {
	fields := map[*field]bool{}
	for _, l := range c.letters[1:] {
		if l.of != nil {
			for _, f := range l.of.Fields {
				fields[c.byName[f.Name]] = c.byName[f.Name] != nil
			}
		}
	}
	for _, ev := range events {
		for _, f := range c.fields {
			if s, ok := only(ev[f]).(string); ok && fields[f] {
				for _, t := range []string{"x" + s, s + "x", "x " + s, s + " x", "x x" + s + "x x", "x"} {
					if len(out) == maxWitnesses {
						return out
					}
					other := maps.Clone(ev)
					other[f] = []any{t}
					out = append(out, other)
				}
			}
		}
	}
	return out
}

// only is the one value of several, if there is one.
func only(vs []any) any {
	if len(vs) != 1 {
		return nil
	}
	return vs[0]
}

// refute makes a counterexample small and names what it is about.
func (c *claim) refute(w, g node, shared int, values map[*field][]any, direction string) Result {
	matches, differs := c.truth(w, values), negate(same(w, g))
	t := c.fit(values, func(a assignment) bool { return w.under(a) == matches && c.surelyUnder(differs, a) })
	if t.shrink(); c.shown {
		t.dress()
	}
	res := Result{Verdict: Refuted, Direction: direction,
		QueryMatches: c.truth(g, values), RuleMatches: c.truth(w, values)}
	res.Counterexample = c.fieldsOf(values)
	used := map[int]bool{}
	g.each(func(i int) { used[i] = true })
	blame := 0
	w.each(func(i int) {
		if blame == 0 && !used[i] {
			blame = i
		}
	})
	for i := 1; blame == 0 && i < min(shared, len(c.letters)); i++ {
		if vs := values[c.letters[i].field]; len(vs) > 0 || c.letters[i].null {
			blame = i
		}
	}
	if blame > 0 {
		l := c.letters[blame]
		res.Construct = &Construct{Name: constructName(l), Pos: l.pos}
	}
	return res
}

func (n node) each(visit func(int)) {
	if n.op == 'l' {
		visit(n.index)
	}
	for _, s := range n.subs {
		s.each(visit)
	}
}

func constructName(l *letter) string {
	if l.null {
		return "null"
	}
	switch t := l.test.(type) {
	case ir.Pattern:
		shape, _ := t.Shape()
		name := [...]string{"equals", "startswith", "endswith", "contains", "exists", "wildcard"}[shape]
		if t.Cased {
			name += " cased"
		}
		return name
	case ir.Regexp:
		return "re"
	case ir.CIDR:
		return "cidr"
	case ir.Compare:
		return [...]string{"number", "lt", "lte", "gt", "gte"}[t.Op]
	case ir.Bool:
		return "boolean"
	case ir.FieldRef:
		return "fieldref"
	case ir.TimePart:
		return t.Part
	case ir.Term:
		return "term"
	}
	return "query"
}

// same is true where a and b are both true or both false.
func same(a, b node) node {
	return node{op: '|', subs: []node{{op: '&', subs: []node{a, b}}, {op: '&', subs: []node{negate(a), negate(b)}}}}
}

// maxFree bounds the parts that are taken for true and for false, each by itself.
const maxFree = 6

// surely says whether n is true whatever the parts are that sigmac cannot
// represent, each by itself.
func (c *claim) surely(n node, values map[*field][]any) bool {
	return c.surelyUnder(n, c.assign(values))
}

// surelyUnder is surely of the event that was assigned last, whose letters are as
// in a.
func (c *claim) surelyUnder(n node, a assignment) bool {
	yes, no := c.possible(n, a)
	if !yes || !no {
		return yes
	}
	var free []int
	n.each(func(i int) {
		if c.unsure[i] && !slices.Contains(free, i) && len(free) <= maxFree {
			free = append(free, i)
		}
	})
	if len(free) > maxFree {
		return false
	}
	all := true
	for bits := 0; bits < 1<<len(free) && all; bits++ {
		for k, i := range free {
			a[i] = bits>>k&1 == 1
		}
		all = n.under(a)
	}
	for _, i := range free {
		a[i] = false
	}
	return all
}

// possible says whether n may be true, and may be false, with nothing said of
// the parts of which it is not known.
func (c *claim) possible(n node, a assignment) (yes, no bool) {
	switch n.op {
	case 'l':
		return a[n.index] || c.unsure[n.index], !a[n.index] || c.unsure[n.index]
	case '!':
		yes, no = c.possible(n.subs[0], a)
		return no, yes
	}
	yes, no = n.op == '&', n.op == '|'
	for _, s := range n.subs {
		y, f := c.possible(s, a)
		if n.op == '&' {
			yes, no = yes && y, no || f
		} else {
			yes, no = yes || y, no && f
		}
		if n.op == '&' && !yes || n.op == '|' && !no {
			break // decided
		}
	}
	return yes, no
}

// truth asks the evaluator about an event; what sigmac cannot represent is false.
func (c *claim) truth(n node, values map[*field][]any) bool { return n.under(c.assign(values)) }

// assign asks the evaluator about each letter.
func (c *claim) assign(values map[*field][]any) assignment {
	c.spent = c.counted > maxComputed // for all of them at once
	a := make(assignment, len(c.letters))
	for i := 1; i < len(c.letters); i++ {
		a[i] = c.letterTruth(i, values)
	}
	return a
}

func (c *claim) letterTruth(i int, values map[*field][]any) bool {
	l := c.letters[i]
	vs := values[l.field]
	if l.null {
		return len(vs) == 0
	}
	if l.test == nil {
		is, known := c.computed(l, values)
		if c.unsure == nil {
			c.unsure = map[int]bool{}
		}
		c.unsure[i] = !known
		return is && known
	}
	if ref, ok := l.test.(ir.FieldRef); ok {
		m := map[string]any{"f": vs}
		for f, other := range values {
			if f.name == ref.Other.Name && !f.keyword {
				m["g"] = other
			}
		}
		if ref.Other.Name == l.field.name {
			m["g"] = vs
		}
		ev, err := eval.NewEvent(m)
		if err != nil {
			panic("verify: " + err.Error())
		}
		ref.Other.Name = "g"
		return eval.Expr(nil, ir.Match{Field: ir.Field{Name: "f"}, Test: ref}, ev)
	}
	return slices.ContainsFunc(vs, func(v any) bool { return c.passes(i, v) })
}

// maxComputed bounds how often parts of a query are computed for a claim.
const maxComputed = 20_000

// computed is what a part that cannot be represented says of an event, where it
// is known how that is computed.
func (c *claim) computed(l *letter, values map[*field][]any) (is, known bool) {
	if l.of == nil || c.spent {
		return false, false
	}
	c.counted++
	return l.of.Holds(func(name string) (any, bool) { return c.held(values, name) })
}

// held is what an event has under a name. It is not known where the event has
// something inside of that, or around it.
func (c *claim) held(values map[*field][]any, name string) (v any, known bool) {
	for f, vs := range values {
		if len(vs) > 0 && f.name != name && (inside(name, f.name) || inside(f.name, name)) {
			return nil, false
		}
	}
	switch vs := values[c.byName[name]]; len(vs) {
	case 0:
		return nil, true
	case 1:
		return vs[0], true
	default:
		return vs, true
	}
}

// inside says whether a name is a place in what the other names.
func inside(name, whole string) bool {
	rest, ok := strings.CutPrefix(name, whole)
	return ok && (strings.HasPrefix(rest, ".") || strings.HasPrefix(rest, "["))
}

// assumptions are the facts that a verdict rests on: those of the reading, and
// those of the rule's own tests.
func assumptions(b *backends.Target, rule ir.Expr, read []reading, more []string) []string {
	out := append(doubted(b, rule), more...)
	for _, r := range read {
		out = append(out, r.query.Assumptions...)
	}
	ir.Walk(rule, func(e ir.Expr) {
		m, ok := e.(ir.Match)
		if !ok {
			return
		}
		switch t := m.Test.(type) {
		case ir.Pattern:
			if !t.Cased && strings.ContainsAny(t.Literals(), "kKsSiI\u212a\u017f\u0130\u0131") {
				out = append(out, "fold")
			}
		case ir.FieldRef:
			if !t.Cased {
				out = append(out, "fold")
			}
		case ir.CIDR:
			out = append(out, "ip-text")
		}
	})
	slices.Sort(out)
	return slices.Compact(out)
}
