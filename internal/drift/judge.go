package drift

import (
	"cmp"
	"slices"
	"strings"

	"sigmac"
	"sigmac/backends"
	"sigmac/internal/deploy"
	"sigmac/internal/diff"
	"sigmac/internal/report"
	"sigmac/ir"
	"sigmac/verify"
)

// sameText says whether two queries are the same but for the ends of lines and of the text.
func sameText(a, b string) bool { return a == b || plainText(a) == plainText(b) }

func plainText(q string) string {
	lines := strings.Split(strings.TrimSpace(q), "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " \t\r")
	}
	return strings.Join(lines, "\n")
}

// judge says how the query of a detection differs from what the rule means.
func (r *Rule) judge(d *deploy.Detection, o Options) []Difference {
	want := r.Detection
	if want.Language == d.Language && sameText(want.Query, d.Query) {
		return nil
	}
	unjudged := func(reason string) []Difference { return []Difference{{Kind: Unjudged, Reason: reason}} }
	switch {
	case strings.TrimSpace(d.Query) == "":
		return unjudged("what is deployed has no query")
	case want.Language != d.Language && d.Language == "":
		return unjudged("what is deployed does not say in which language its query is")
	}
	t, ok := r.reader(d.Language)
	if !ok {
		return unjudged("sigmac does not read the language " + d.Language)
	}
	p, judged := r.proof(t, d.Query, o.Budget)
	if !judged {
		return r.compared(d, p, "one of several queries of a correlation is not judged", o)
	}
	if d.Language == want.Language && r.Result.Correlation == nil {
		own, _ := r.proof(t, want.Query, o.Budget)
		if at := own.Evidence.Scope.Relation; at != "" && at != "equal" { // the package says where, and not the rule
			return r.compared(d, p, report.Weakness(*p), o)
		}
	}
	v := p.Evidence
	switch {
	case p.Err != nil:
		return unjudged("the query cannot be read: " + p.Err.Error())
	case v.Scope.Relation == "unknown", p.Verdict == verify.Partial.String(), p.Verdict == verify.Bounded.String(), p.Verdict == verify.Agreed.String():
		return r.compared(d, p, report.Weakness(*p), o)
	case p.Verdict == verify.Proved.String(): // a time is all that can differ
		out := []Difference{{Kind: Rewritten, Proof: p}}
		if q, err := t.Read(d.Query, r.schema()); err == nil && len(q.Times) > 0 {
			out = append(out, Difference{Kind: Bounds, Name: "time", Got: times(q)})
		}
		return out
	}
	if v.Scope.Relation == "" || v.Scope.Relation == "equal" || v.Detection == nil {
		return []Difference{r.refuted(v, d, p, o)}
	}
	switch beside := v.InScope(); {
	case beside.Verdict == verify.Proved, beside.Verdict == verify.Partial && r.alike(d):
		return append([]Difference{{Kind: Rewritten, Proof: p}}, r.looks(t, d, p, o)...)
	case beside.Verdict == verify.Refuted:
		return append([]Difference{r.refuted(beside, d, p, o)}, r.looks(t, d, p, o)...)
	}
	return append(unjudged("beside where it looks, "+report.Weakness(p.InScope())), r.looks(t, d, p, o)...)
}

// alike says whether the queries do the same behind their filters, in the same words.
func (r *Rule) alike(d *deploy.Detection) bool {
	if d.Language != r.Detection.Language {
		return false
	}
	read, err := verify.ReadPair(r.Result.Target, r.schema(), r.Detection.Query, d.Query)
	return err == nil && diff.Alike(read[0].Old.Stages, read[0].New.Stages)
}

// looks is the difference of where a query looks, if there is one.
func (r *Rule) looks(t *backends.Target, d *deploy.Detection, p *sigmac.Proof, o Options) []Difference {
	at := p.Evidence.Scope
	out := Difference{Kind: Scope, Name: "scope", Want: at.Rule, Got: at.Query, Direction: at.Relation, Proof: p}
	switch at.Relation {
	case "", "equal":
		return nil
	case "narrower":
		if r.bounded(t, d.Query, o) {
			out.Kind = Bounds
		}
	}
	return []Difference{out}
}

// bounded says whether where a query looks is where the rule does but for times, and an index
// where the rule has none.
func (r *Rule) bounded(t *backends.Target, query string, o Options) bool {
	if r.Result.Want == nil {
		return false
	}
	q, err := t.Read(query, r.schema())
	if err != nil {
		return false
	}
	rule, got := r.Result.Want.Joined().Compared(0, q)
	index := func(e ir.Expr) bool {
		m, ok := e.(ir.Match)
		return ok && m.Field.Name == "index"
	}
	if !slices.ContainsFunc(rule.Place, index) {
		got.Place = slices.DeleteFunc(slices.Clone(got.Place), index)
	}
	same := func(a, b ir.Expr) bool {
		return never(t, ir.And{a, ir.Not{X: b}}, nil, o.Budget) && never(t, ir.And{b, ir.Not{X: a}}, nil, o.Budget)
	}
	// What the rule asks of the columns of its place may stand in the place of the query.
	return rule.Scope == got.Scope && (same(ir.Conjunction(rule.Place...), ir.Conjunction(got.Place...)) || same(rule.Whole(), got.Whole()))
}

// refuted is the difference that a proof found.
func (r *Rule) refuted(v verify.Result, d *deploy.Detection, p *sigmac.Proof, o Options) Difference {
	out := Difference{Kind: Query, Direction: v.Direction, Proof: p}
	if v.Construct != nil {
		out.Part = v.Construct.Name
	}
	switch {
	case v.Stream != nil:
		out.Reason = strings.TrimPrefix(report.Refutation(v), "refuted: ")
	case v.Counterexample != nil && v.RuleMatches:
		out.Missed = []map[string]any{v.Counterexample}
	case v.Counterexample != nil:
		out.Gained = []map[string]any{v.Counterexample}
	}
	if len(v.Unmapped) > 0 {
		out.Reason = "where no index maps " + strings.Join(v.Unmapped, ", ")
	}
	if v.Direction == "both" && v.Stream == nil && d.Language == r.Detection.Language { // an event for each direction, where these are found
		if ch, err := r.queries(d, o); err == nil && ch.Kind == diff.Both {
			out.Missed, out.Gained = ch.NoLongerMatched, ch.NewlyMatched
		}
	}
	return out
}

// reader is the target, reading a language.
func (r *Rule) reader(language string) (t *backends.Target, ok bool) {
	t = r.Result.Target
	if language == r.Detection.Language {
		return t, true
	}
	other := *t
	other.Read, other.ReadOptional, other.ReadTail = t.Others[language], nil, nil
	return &other, other.Read != nil
}

// proof compares a query with what the rule means. Judged is false where the query of the
// detection is one of several that mean it together.
func (r *Rule) proof(t *backends.Target, query string, budget int) (p *sigmac.Proof, judged bool) {
	res := r.Result
	res.Target = t
	if res.Correlation != nil && len(res.Queries) > 1 {
		return nil, false
	}
	if res.Want != nil && len(res.Want.Conditions) > 1 {
		one := *res.Want
		one.Conditions = one.Conditions[r.Query : r.Query+1]
		res.Want = &one
	}
	out := sigmac.VerifyQuery(res, query, budget)
	return &out, true
}

// queries compares the query of the package with that which is deployed.
func (r *Rule) queries(d *deploy.Detection, o Options) (diff.Change, error) {
	return diff.Queries(r.Result.Target, r.schema(), r.Detection.Query, d.Query, diff.Options{Budget: o.Budget, Examples: 1, Beside: true})
}

func (r *Rule) schema() ir.Schema {
	if r.Result.Schemas != nil {
		return r.Result.Schemas
	}
	return ir.Types(r.Result.Types)
}

// compared compares two queries where the rule itself did not decide: weak says why. What both
// do in the same words behind their filters is the same.
func (r *Rule) compared(d *deploy.Detection, p *sigmac.Proof, weak string, o Options) []Difference {
	out := Difference{Kind: Unjudged, Reason: weak, Proof: p}
	if d.Language != r.Detection.Language {
		return []Difference{out} // no reader has both
	}
	ch, err := r.queries(d, o)
	switch {
	case (err != nil || ch.Kind == diff.Unknown) && sameTail(r.Result.Target, r.schema(), r.Detection.Query, d.Query, o.Budget), err == nil && ch.Kind == diff.Equal:
		out.Kind, out.Reason = Rewritten, ""
	case err != nil:
	case ch.Kind == diff.Unknown:
		out.Reason = cmp.Or(ch.Reason, weak)
	default:
		out.Kind, out.Direction, out.Reason = Query, string(ch.Kind), ch.Reason
		out.Missed, out.Gained = ch.NoLongerMatched, ch.NewlyMatched
	}
	return append([]Difference{out}, apart(r.Result.Target, r.schema(), r.Detection.Query, d.Query)...)
}

// apart are the differences of where and when two queries look.
func apart(t *backends.Target, s ir.Schema, want, got string) (out []Difference) {
	read, err := verify.ReadPair(t, s, want, got)
	if err != nil {
		return nil
	}
	was, is := read[0].Old, read[0].New
	words := func(q *ir.Query) string {
		var out []string
		for _, p := range []string{q.Scope.Table, q.Scope.Index, q.Scope.Category, q.Scope.DataModel} {
			if p != "" {
				out = append(out, p)
			}
		}
		return strings.Join(out, ", ")
	}
	if was.Scope != is.Scope {
		x := Difference{Kind: Scope, Name: "scope", Want: words(was), Got: words(is), Direction: "unknown"}
		if with := was.Scope; with.Index == "" {
			if with.Index = is.Scope.Index; with == is.Scope {
				x.Kind = Bounds
			}
		}
		out = append(out, x)
	}
	if was, is := times(was), times(is); was != is {
		out = append(out, Difference{Kind: Bounds, Name: "time", Want: was, Got: is, Direction: "unknown"})
	}
	return out
}

// times are the conditions of a query on when events happened, in words.
func times(q *ir.Query) string {
	var out []string
	for _, b := range q.Times {
		out = append(out, b.Text)
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// maxOptional bounds the fields whose mappings are all tried: 256 readings of two queries.
const maxOptional = 8

// sameTail says whether two queries are proved to do the same with several events at a time:
// in the same stages, with tests of events that mean the same, whatever is mapped.
func sameTail(t *backends.Target, s ir.Schema, a, b string, budget int) bool {
	if t.ReadTail == nil {
		return false
	}
	var optional []string
	for _, q := range []string{a, b} {
		if t.ReadOptional == nil {
			break
		}
		read, err := t.ReadOptional(q)
		if err != nil {
			return false
		}
		optional = append(optional, read.Names...)
	}
	slices.Sort(optional)
	optional = slices.Compact(optional)
	if len(optional) > maxOptional {
		return false
	}
	for bits := range 1 << len(optional) {
		var unmapped []string
		for i, name := range optional {
			if bits>>i&1 == 1 {
				unmapped = append(unmapped, name)
			}
		}
		was, err := t.ReadTail(a, without{s, unmapped})
		if err != nil {
			return false
		}
		is, err := t.ReadTail(b, without{s, unmapped})
		if err != nil {
			return false
		}
		var known []ir.Expr
		named := func(part any) any {
			e, ok := part.(ir.Expr)
			if !ok {
				return part
			}
			for _, k := range known {
				if ir.Equal(k, e) || never(t, ir.And{k, ir.Not{X: e}}, unmapped, budget) && never(t, ir.And{e, ir.Not{X: k}}, unmapped, budget) {
					return k
				}
			}
			known = append(known, e)
			return e
		}
		if was.Rewrite(named).String() != is.Rewrite(named).String() {
			return false
		}
	}
	return true
}

// never says whether it is proved that no event passes e.
func never(t *backends.Target, e ir.Expr, unmapped []string, budget int) bool {
	typed := ir.TypeFields(&ir.Rule{Conditions: []ir.Condition{{Expr: e}}})
	found := verify.ApartAt(t, typed.Conditions[0].Expr, ir.False, unmapped, 1, budget)
	return len(found.Events) == 0 && found.Reason == ""
}

// without is a schema without some fields.
type without struct {
	ir.Schema
	unmapped []string
}

func (s without) Type(table, name string) (ir.Type, bool) {
	t, ok := s.Schema.Type(table, name)
	return t, ok && !slices.Contains(s.unmapped, name)
}
