package sigmac

import (
	"errors"
	"slices"
	"strings"

	"sigmac/backends"
	"sigmac/ir"
	"sigmac/verify"
)

// A Proof is what one query of a result came to.
type Proof struct {
	Result
	Condition int // that the query is of, from 1
	Query     string
	Verdict   string // that of Evidence, or unsupported, or error
	Evidence  verify.Result
	Added     Addition       // by postprocessing; not part of the verdict
	Err       *ir.Diagnostic // of the rule, or, where there is a Query, a place in that
}

// The verdicts where there is nothing to prove.
const (
	VerdictUnsupported = "unsupported" // the target, or the pipeline that leads there, cannot hold the rule
	VerdictError       = "error"       // the rule is wrong, or the query cannot be read
)

// At is the place of what the query is of: a condition of the rule, or the document.
func (p Proof) At() ir.Pos {
	if p.Want == nil {
		return p.Document.Pos
	}
	return p.Want.Conditions[min(p.Condition, len(p.Want.Conditions))-1].Pos
}

// An Addition is what the postprocessing of a team's pipelines adds to a query
// that is judged without it.
type Addition struct {
	Stages []ir.Command
	Scope  verify.Scope
}

// Verify reads the queries of a result back and compares them with its rule, each in
// budget steps of the solver. A result without queries has one Proof, with its first
// error.
func Verify(res Result, budget int) []Proof {
	switch {
	case len(res.Errors) > 0:
		return []Proof{failed(res)}
	case res.Correlation != nil:
		return []Proof{correlated(res, res.Plain, res.Queries, true, budget)}
	}
	return verified(res, res.Want, res.Plain, res.Queries, budget)
}

// VerifyQuery compares a given query with all conditions of the rule of a result,
// which need not have queries of its own.
func VerifyQuery(res Result, query string, budget int) Proof {
	switch {
	case res.Correlation != nil:
		return correlated(res, []string{query}, []string{query}, len(res.Plain) == 1 && res.Plain[0] == query, budget)
	case res.Want == nil:
		return failed(res)
	}
	return verified(res, res.Want.Joined(), []string{query}, []string{query}, budget)[0]
}

// singleValue is the assumption that no field has several values.
const singleValue = "single-value"

// correlated compares queries with a correlation, together; own says that they are those that
// sigmac writes for it. What postprocessing makes of them is compared in their place where it
// changes what they say.
func correlated(res Result, plain, queries []string, own bool, budget int) Proof {
	p := Proof{Result: res, Condition: 1, Query: strings.Join(queries, "\n")}
	c := *res.Correlation
	c.Rules = slices.Clone(c.Rules)
	for i, x := range res.Members {
		c.Rules[i].Rule = x.Want
	}
	o := verify.TailOptions{Budget: budget, Argued: own}
	if slices.ContainsFunc(res.TailLosses, func(l backends.TailLoss) bool { return l.First }) {
		o.Sense = verify.AnyHit
	}
	target := res.Target
	if res.OneValue {
		target = target.OneValued()
	}
	compare := func(queries []string) (verify.Result, error) { return verify.Tails(target, &c, queries, o) }
	var err error
	p.Evidence, err = compare(plain)
	if err == nil && !slices.Equal(plain, queries) && res.Pipeline.Rewrites() {
		o.Argued = false
		if after, fault := compare(queries); fault == nil {
			p.Evidence = after
		} else {
			p.Evidence.Verdict = max(p.Evidence.Verdict, verify.Agreed)
			p.Evidence.Reason = "what postprocessing makes of the query is not judged: " + fault.Error()
		}
	}
	if e := (*ir.Diagnostic)(nil); errors.As(err, &e) && e.Source == "verify" {
		res.Document.Place(e) // the queries were read
	}
	if a := &p.Evidence.Assumptions; err == nil && res.OneValue && !slices.Contains(*a, singleValue) {
		*a = append(slices.Clip(*a), singleValue)
		slices.Sort(*a)
	}
	p.Verdict = p.Evidence.Verdict.String()
	if err != nil {
		if !errors.As(err, &p.Err) {
			p.Err = &ir.Diagnostic{Msg: err.Error()}
		}
		if p.Verdict = VerdictError; p.Err.Feature != "" {
			p.Verdict = VerdictUnsupported
		}
	}
	return p
}

func failed(res Result) Proof {
	p := Proof{Result: res, Condition: 1, Verdict: VerdictError, Err: res.Errors[0]}
	if res.Errors[0].Feature != "" {
		p.Verdict = VerdictUnsupported
	}
	return p
}

func verified(res Result, want *ir.Rule, plain, queries []string, budget int) (out []Proof) {
	for i, q := range plain {
		p := Proof{Result: res, Condition: i + 1, Query: queries[i]}
		var err error
		if p.Evidence, err = verify.Query(res.Target, want, i, q, budget); err != nil && !errors.As(err, &p.Err) {
			p.Err = &ir.Diagnostic{Msg: err.Error()}
		}
		if q != queries[i] && res.Pipeline.Rewrites() && p.Err == nil && p.Evidence.Verdict != verify.Refuted {
			p.Evidence, p.Added = postprocessed(res.Target, want, i, p.Evidence, queries[i], budget)
		}
		if p.Verdict = p.Evidence.Verdict.String(); p.Err != nil {
			p.Verdict = VerdictError
		}
		out = append(out, p)
	}
	return out
}

// postprocessed is what is known of a query after a pipeline has changed its
// text. Stages that it adds behind the query, and a scope that it adds, are
// those of the team and judged apart.
func postprocessed(t *backends.Target, want *ir.Rule, i int, before verify.Result, query string, budget int) (verify.Result, Addition) {
	after, err := verify.Query(t, want, i, query, budget)
	switch n := len(before.Stages); {
	case err != nil:
		before.Verdict = max(before.Verdict, verify.Agreed)
		before.Reason = "what postprocessing makes of the query cannot be read: " + err.Error()
	case after.Verdict <= before.Verdict:
		return after, Addition{}
	case len(after.Stages) > n && slices.EqualFunc(before.Stages, after.Stages[:n], func(x, y ir.Command) bool { return x.Text == y.Text }):
		return before, Addition{Stages: after.Stages[n:]}
	case after.Verdict == verify.Refuted && after.Detection != nil && after.Detection.Verdict <= before.Verdict:
		return before, Addition{Scope: after.Scope}
	default:
		return after, Addition{}
	}
	return before, Addition{}
}

// InScope is p with the verdict on what the query means beside its scope.
func (p Proof) InScope() Proof {
	if p.Err == nil && p.Evidence.Detection != nil {
		p.Evidence = p.Evidence.InScope()
		p.Verdict = p.Evidence.Verdict.String()
	}
	return p
}
