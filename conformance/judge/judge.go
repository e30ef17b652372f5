package main

import (
	"regexp"
	"slices"
	"unicode/utf8"

	"sigmac"
	"sigmac/backends"
	"sigmac/ir"
	"sigmac/verify"
)

// A step is one part of a query that was proved needless.
type step struct {
	Class      string
	Characters int    // by which the query is shorter
	Query      string // without the part
}

// A judgement is what was found of one query.
type judgement struct {
	Query string // as it was
	Re    bool   // its rule has a regular expression
	Left  string // why there is nothing to hold a shorter one against, or empty
	Steps []step
	Cut   bool // not everything was tried
}

// The reasons why a query is not judged.
const (
	unproved = "not proved"
	nothing  = "matches no event"
)

// maxTried bounds the characters of the queries that are tried for one, and budget the
// steps of each proof: what is not proved in these is taken for needed.
const (
	maxTried = 300_000
	budget   = verify.DefaultBudget / 10
)

// A judge tries shorter queries for one condition of a rule.
type judge struct {
	sigmac.Result
	condition   int
	assumptions []string // of the query as it was
	tried       int      // in characters
	judgement
}

// judged looks for needless parts of the i-th query of a result.
func judged(res sigmac.Result, i int, query string) judgement {
	j := &judge{Result: res, condition: i, judgement: judgement{Query: query}}
	for _, d := range res.Document.Rule.Detections {
		ir.Walk(d.Expr, func(e ir.Expr) {
			m, ok := e.(ir.Match)
			_, re := m.Test.(ir.Regexp)
			j.Re = j.Re || ok && re
		})
	}
	e := ir.Simplify(j.Want).Conditions[i].Expr
	var ok bool
	if j.assumptions, ok = j.proved(query); !ok {
		j.Left = unproved
		return j.judgement
	}
	if never, ok := j.written(ir.False); ok {
		if _, ok := j.proved(never); ok {
			j.Left = nothing
			return j.judgement
		}
	}
	for better := true; better; {
		e, better = j.again(e)
	}
	for better := true; better; {
		better = j.shorten(func(class string) bool { return class != inList })
		better = j.shorten(func(class string) bool { return class == inList }) || better
	}
	return j.judgement
}

// query is the shortest that was proved.
func (j *judge) query() string {
	if n := len(j.Steps); n > 0 {
		return j.Steps[n-1].Query
	}
	return j.Query
}

// try takes a query if it is shorter than the one before, and proved with no more
// assumptions than the first.
func (j *judge) try(class, query string) bool {
	saved := utf8.RuneCountInString(j.query()) - utf8.RuneCountInString(query)
	if saved <= 0 {
		return false
	}
	if j.tried += len(query); j.tried > maxTried {
		j.Cut = true
		return false
	}
	as, ok := j.proved(query)
	if !ok || slices.ContainsFunc(as, func(a string) bool { return !slices.Contains(j.assumptions, a) }) {
		return false
	}
	j.Steps = append(j.Steps, step{class, saved, query})
	return true
}

// proved says whether a query is proved, and what this rests on.
func (j *judge) proved(query string) (assumptions []string, ok bool) {
	return verify.Proves(j.Target, j.Want, j.condition, query, budget)
}

// again writes the condition e in other ways, and gives the one that was taken.
func (j *judge) again(e ir.Expr) (ir.Expr, bool) {
	for _, v := range variants(e) {
		query, ok := j.written(v.e)
		if class := v.class; ok {
			if calls(query) < calls(j.query()) {
				class += ", and calls of functions"
			}
			if j.try(class, query) {
				return v.e, true
			}
		}
	}
	return e, false
}

// calls counts the calls of functions in a query, as far as they look like such.
func calls(query string) int { return len(call.FindAllString(query, -1)) }

var call = regexp.MustCompile(`\w\(`)

// written is the query for a condition in place of the rule's own, with preimages in the
// place of computed columns as in a compiled query: else one that computes a column anew
// for each row would pass for a plainer way to say a condition.
func (j *judge) written(e ir.Expr) (string, bool) {
	r := *j.Want
	r.Conditions = slices.Clone(r.Conditions)
	r.Conditions[j.condition].Expr = e
	plain := ir.Simplify(&r)
	if d, err := j.Target.Define(plain); err == nil && d.Terms != nil {
		plain, _ = d.Plain(plain)
	}
	legal, refused := backends.Legalize(plain, j.Target.Format.Caps)
	if len(refused) > 0 {
		return "", false
	}
	docs, err := j.Target.Format.Emit(legal)
	if err != nil {
		return "", false
	}
	return docs[j.condition].WithoutHelp().Flat(), true
}

// shorten tries each edit of some classes once, from the end of the query on, and says
// whether one was taken.
func (j *judge) shorten(of func(class string) bool) (better bool) {
	for limit := len(j.query()); ; {
		query, taken := j.query(), false
		for _, e := range edits(query) {
			if e.to <= limit && of(e.class) && j.try(e.class, e.apply(query)) {
				limit, better, taken = e.from+len(e.with), true, true
				break
			}
		}
		if !taken {
			return better
		}
	}
}
