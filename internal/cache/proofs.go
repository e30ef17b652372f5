package cache

import (
	"slices"
	"strings"

	"sigmac"
	"sigmac/ir"
	"sigmac/verify"
)

// A proved is what is kept of a sigmac.Proof: what follows from its Result is not.
type proved struct {
	Condition int
	Evidence  verify.Result
	Added     sigmac.Addition
}

// Verify is sigmac.Verify.
func (c *Cache) Verify(res sigmac.Result, budget int) []sigmac.Proof {
	if c == nil || len(res.Errors) > 0 {
		return sigmac.Verify(res, budget)
	}
	var made []sigmac.Proof
	compute := func() (out []proved, ok bool) {
		made = sigmac.Verify(res, budget)
		for _, p := range made {
			if p.Err != nil {
				return nil, false
			}
			out = append(out, proved{p.Condition, p.Evidence, p.Added})
		}
		return out, true
	}
	inputs := []any{"verify", budget, res.Target.Name, res.Target.Format.Name, res.OneValue, res.Want, res.Plain, res.Queries, res.Pipeline.Rewrites()}
	if res.Correlation != nil {
		correlation := *res.Correlation
		correlation.Disjoint = nil // which follows from the rules
		inputs = append(inputs, correlation, res.TailLosses)
		for _, m := range res.Members {
			inputs = append(inputs, m.Want)
		}
	}
	valid := func(all []proved) bool { _, ok := proofs(res, all); return ok }
	kept := Get(c, valid, compute, inputs...)
	if made == nil {
		made, _ = proofs(res, kept)
	}
	return made
}

// proofs are those of a result of which so much is kept; ok is false where they cannot be.
func proofs(res sigmac.Result, kept []proved) (out []sigmac.Proof, ok bool) {
	queries := res.Queries
	if res.Correlation != nil {
		queries = []string{strings.Join(res.Queries, "\n")}
	}
	if len(kept) != len(queries) {
		return nil, false
	}
	for i, p := range kept {
		if p.Condition != i+1 || !sound(&p.Evidence) || !stages(p.Added.Stages) {
			return nil, false
		}
		out = append(out, sigmac.Proof{Result: res, Condition: p.Condition, Query: queries[i],
			Verdict: p.Evidence.Verdict.String(), Evidence: p.Evidence, Added: p.Added})
	}
	return out, true
}

// sound says whether a result is one that there can be.
func sound(r *verify.Result) bool {
	return r == nil || r.Verdict <= verify.Refuted && stages(r.Stages) && (r.Detection == nil || r.Detection.Detection == nil) && sound(r.Detection)
}

func stages(all []ir.Command) bool {
	return !slices.ContainsFunc(all, func(s ir.Command) bool { return s.Effect > ir.AnyEffect })
}
