package ruletest

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"slices"

	"sigmac"
	"sigmac/backends"
	"sigmac/eval"
	"sigmac/internal/link"
	"sigmac/internal/ordered"
	"sigmac/ir"
	"sigmac/parser"
)

// Options say how tests are run.
type Options struct {
	Targets   []*backends.Target
	AnySource bool // do not look at log sources
	MaxEvent  int  // bytes
	// Correlations are those among the documents of the suites, with what they name.
	Correlations *link.Correlations
}

// A Status is what has come of a Case.
type Status uint8

// The statuses.
const (
	Passed Status = iota
	Failed
	Skipped // Reason says why
)

func (s Status) String() string { return [...]string{"passed", "failed", "skipped"}[s] }

// A Case is a test run on a rule, which has to answer what the test wants, or on
// its queries for a target, which have to answer what the rule does.
type Case struct {
	Test
	Target   string // or empty: the rule itself
	Status   Status
	Reason   string
	Events   int
	Matches  int
	Failures []*ir.Diagnostic // the first ones
	More     int              // failures beyond these
}

// maxFailures is how many failures of a case are kept.
const maxFailures = 20

func (c *Case) fail(f *ir.Diagnostic) {
	c.Status, f.Code = Failed, cmp.Or(f.Code, ir.TestFailed)
	if len(c.Failures) == maxFailures {
		c.More++
		return
	}
	c.Failures = append(c.Failures, f)
}

// Run yields the cases of each suite, in their order: of each test first that of
// the rule, then those of the targets. A rule that is wrong gives one case that
// says so, and a suite without tests none. It works on all cores and keeps one
// event of a file at a time.
func Run(suites []Suite, o Options) iter.Seq2[int, []Case] {
	// Rules without tests need no queries.
	tested := &parser.Collection{}
	first := make([]int, len(suites))
	for i, s := range suites {
		first[i] = len(tested.Documents) * len(o.Targets)
		if s.runnable() {
			tested.Documents = append(tested.Documents, s.Document)
		}
	}
	results := slices.Collect(sigmac.Compile(tested, sigmac.Unmapped(o.Targets...)))
	indexes := make([]int, len(suites))
	for i := range indexes {
		indexes[i] = i
	}
	return ordered.Map(indexes, func(i int) []Case {
		s := suites[i]
		switch {
		case s.Correlation != nil && len(s.Tests) > 0:
			return s.correlate(o)
		case !s.runnable():
			return s.unrunnable()
		}
		return s.run(results[first[i]:first[i]+len(o.Targets)], o)
	})
}

func (s Suite) runnable() bool {
	if len(s.Tests) == 0 || len(s.Errors) > 0 || s.Rule == nil {
		return false
	}
	_, what := eval.UnevaluableRule(s.Rule)
	return what == ""
}

// unrunnable says what is wrong with a rule, or with its having tests.
func (s Suite) unrunnable() []Case {
	c := Case{Test: Test{Path: s.Path}}
	for _, err := range s.Errors {
		c.fail(err)
	}
	switch {
	case len(s.Errors) > 0:
	case len(s.Tests) == 0:
		return nil
	case s.Tests[0].Fault != nil:
		c.fail(s.Tests[0].Fault)
	case s.Rule == nil:
		c.fail(s.Place(&ir.Diagnostic{Pos: s.Pos, Msg: "it has tests, but the " + s.Kind.String() + " is no rule of single events"}))
	default:
		pos, what := eval.UnevaluableRule(s.Rule)
		c.fail(s.Place(&ir.Diagnostic{Pos: pos, Msg: "it has tests, but cannot be evaluated: " + what}))
	}
	return []Case{c}
}

// A subject is a rule, or its queries for a target, as events are tried on it.
type subject struct {
	target string
	*eval.Prepared
	skip  string
	fault string
}

func (s Suite) run(results []sigmac.Result, o Options) (out []Case) {
	set := eval.NewSet()
	rule := set.Prepare(s.Rule)
	var queries []subject
	for i, res := range results {
		q := subject{target: res.Target.Name}
		if len(res.Errors) > 0 {
			q.skip = res.Errors[0].Msg
		} else if meaning, err := readBack(o.Targets[i], res); err != nil {
			q.fault = "the query cannot be read back: " + err.Error()
		} else {
			q.Prepared = set.Prepare(meaning)
		}
		queries = append(queries, q)
	}
	view := set.View(eval.Event{})
	for _, t := range s.Tests {
		cases := []Case{{Test: t}}
		for _, q := range queries {
			c := Case{Test: t, Target: q.target}
			if q.skip != "" {
				c.Status, c.Reason = Skipped, q.skip
			} else if q.fault != "" {
				c.fail(s.Place(&ir.Diagnostic{Pos: s.Pos, Msg: q.fault}))
			}
			cases = append(cases, c)
		}
		switch {
		case t.Fault != nil:
			cases = cases[:1]
			cases[0].fail(t.Fault)
		case t.Skip != "":
			cases = cases[:1]
			cases[0].Status, cases[0].Reason = Skipped, t.Skip
		default:
			s.try(t, o, view, rule, queries, cases)
		}
		out = append(out, cases...)
	}
	return out
}

// try tries the events of a test; cases are the rule's and the queries'.
func (s Suite) try(t Test, o Options, view *eval.View, rule *eval.Prepared, queries []subject, cases []Case) {
	own := &cases[0]
	f, err := t.open()
	if err != nil {
		own.fail(&ir.Diagnostic{Path: t.Path, Msg: cause(err)})
	} else {
		s.tryEvents(f, t, o, view, rule, queries, cases)
		f.Close()
	}
	for i := range cases[1:] {
		if c := &cases[i+1]; c.Status == Passed && c.Events == 0 {
			c.Status, c.Reason = Skipped, "no event was tried"
		}
	}
}

func (s Suite) tryEvents(src io.Reader, t Test, o Options, view *eval.View, rule *eval.Prepared, queries []subject, cases []Case) {
	own := &cases[0]
	defer view.Show(eval.Event{}) // lets the last event go
	r := eval.NewReader(src, o.MaxEvent)
	for {
		rec, err := r.Next()
		var ev eval.Event
		if err == nil {
			ev, err = rec.Parse()
		}
		if broken := (*ir.Diagnostic)(nil); errors.As(err, &broken) {
			broken.Path = t.Path
			own.fail(broken)
			continue
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			own.fail(&ir.Diagnostic{Path: t.Path, Msg: cause(err)})
			break
		}
		ev = eval.Flatten(ev)
		view.Show(ev)
		holds := rule.MatchView(view)
		elsewhere := !o.AnySource && !eval.SourceOf(ev).Fits(s.Rule.Source)
		own.Events++
		if holds && !elsewhere {
			own.Matches++
		}
		switch {
		case t.Want == Match && elsewhere:
			own.fail(&ir.Diagnostic{Path: t.Path, Pos: rec.Pos, Msg: "the event comes from another log source than the rule's"})
		case t.Want == Match && !holds:
			own.fail(&ir.Diagnostic{Path: t.Path, Pos: rec.Pos, Msg: "the rule does not match"})
		case t.Want == NoMatch && holds && !elsewhere:
			own.fail(&ir.Diagnostic{Path: t.Path, Pos: rec.Pos, Msg: "the rule matches"})
		}
		for i, q := range queries {
			if q.Prepared == nil {
				continue
			}
			c := &cases[i+1]
			c.Events++
			selected := q.MatchView(view)
			if selected {
				c.Matches++
			}
			if selected != holds {
				does := map[bool]string{true: "matches", false: "does not match"}
				c.fail(&ir.Diagnostic{Path: t.Path, Pos: rec.Pos, Msg: fmt.Sprintf("the query %s, and the rule %s", does[selected], does[holds])})
			}
		}
	}
	switch {
	case own.Events == 0 && own.Status == Passed:
		own.fail(&ir.Diagnostic{Path: t.Path, Msg: "no event in this file"})
	case t.Want == AtLeast && own.Matches < t.Least:
		own.fail(&ir.Diagnostic{Path: t.Path, Msg: fmt.Sprintf("the rule matches %d of %d events, and at least %d are wanted", own.Matches, own.Events, t.Least)})
	}
}

// cause is an error without the path, which stands before it.
func cause(err error) string {
	if e := (*fs.PathError)(nil); errors.As(err, &e) {
		err = e.Err
	}
	return "cannot be read: " + err.Error()
}

// readBack is what the queries of a result mean, as a rule over events.
func readBack(b *backends.Target, res sigmac.Result) (*ir.Rule, error) {
	out := &ir.Rule{}
	for i, query := range res.Queries {
		q, err := b.Read(query, ir.Context{Types: res.Types, Lookups: res.Want.Lookups})
		switch {
		case err != nil:
			return nil, err
		case q.Where == nil:
			return nil, errors.New("it is no filter of single events")
		}
		if rest := q.Unjudged(); len(rest) > 0 {
			return nil, fmt.Errorf("what is done by %s was not judged", rest[0].Name)
		}
		out.Conditions = append(out.Conditions, ir.Condition{Pos: res.Want.Conditions[i].Pos, Expr: inWorld(b, withTerms(q.Predicate().Whole()))})
	}
	if _, what := eval.UnevaluableRule(out); what != "" {
		return nil, errors.New(what)
	}
	return out, nil
}

// withTerms is e with terms as they surely are. A query that sigmac writes asks for one beside a
// test that implies it in this way.
func withTerms(e ir.Expr) ir.Expr {
	out, _ := ir.Rewrite(e, func(leaf ir.Expr) (ir.Expr, bool) {
		switch e := leaf.(type) {
		case ir.Match:
			if t, ok := e.Test.(ir.Term); ok && t.Sure != nil {
				e.Test = ir.Regexp{Re: t.Sure}
				return e, true
			}
		case ir.Keyword:
			if t, ok := e.Test.(ir.Term); ok && t.Sure != nil {
				e.Test = ir.Regexp{Re: t.Sure}
				return e, true
			}
		}
		return leaf, false
	})
	return out
}

// inWorld is e as it is true of an event that the target has taken in: the text
// of the whole event may be a field, null is missing, and where the target has no
// empty text, an empty one is missing too.
func inWorld(b *backends.Target, e ir.Expr) ir.Expr {
	whole := b.KeywordField()
	out, _ := ir.Rewrite(e, func(leaf ir.Expr) (ir.Expr, bool) {
		m, ok := leaf.(ir.Match)
		switch {
		case ok && whole != "" && m.Field.Name == whole:
			return ir.Keyword{Test: m.Test, Pos: m.Pos}, true
		case ok && m.Test == ir.Test(ir.Exists{}):
			return ir.Not{X: inWorld(b, ir.Match{Field: m.Field, Test: ir.Null{}, Pos: m.Pos})}, true
		case !ok || !b.World(m.Field.Type).Blank:
			return leaf, false
		}
		empty := ir.Match{Field: m.Field, Test: ir.NewPattern(false), Pos: m.Pos}
		if _, null := m.Test.(ir.Null); null {
			return ir.Or{m, empty}, true
		}
		return ir.And{m, ir.Not{X: empty}}, true
	})
	return out
}
