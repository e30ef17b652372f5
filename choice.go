package sigmac

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"sigmac/backends"
	"sigmac/ir"
	"sigmac/parser"
	"sigmac/pipeline"
	"sigmac/schema"
	"sigmac/verify"
)

// A Choice is how a rule got its pipeline from a table.
type Choice struct {
	Pipelines string    // by their names, `a + b`; empty where the table has none for the log source
	Refused   []Refusal // by the ways before it in the table; by all of them where the rule has no query
}

// A Refusal is a way that a rule could not go.
type Refusal struct {
	Pipelines string
	Reason    *ir.Diagnostic
}

// ways are what a rule's log source leaves to choose from, by their names, each as a
// mapping of its own. Its pipelines are read when it is asked for.
func (m Mapping) ways(source ir.LogSource) iter.Seq2[string, Mapping] {
	return func(yield func(string, Mapping) bool) {
		for _, w := range m.Table.Ways(source) {
			way := m
			way.Table, way.Pipeline = nil, m.Table.Pipeline(w)
			if !yield(w.Name, way) || m.First {
				return
			}
		}
	}
}

// chosen is the result of a rule on the first way that does not refuse it. Where all do,
// it has the reasons of the first that knows its log source.
func (m Mapping) chosen(d *parser.Document, o Options) (out Result) {
	var refused []Refusal
	var all []Result
	for name, way := range m.ways(d.Rule.Source) {
		res := newCompilation(d, way).result(d, way, o)
		res.Choice = Choice{name, refused}
		if len(res.Errors) == 0 || res.Errors[0].Feature == "" {
			return res
		}
		all, refused = append(all, res), append(refused, Refusal{name, res.Errors[0]})
	}
	if len(all) == 0 {
		return Result{Mapping: m, Document: d, Errors: []*ir.Diagnostic{d.Place(m.noPlace(d.Rule.Source))}}
	}
	for _, res := range all {
		if rest := m.permitted(d, res, o); len(rest.Errors) == 0 {
			return rest
		}
	}
	// A way that only does not know the log source says less than one that knows it.
	knows := func(res Result) bool { return res.Errors[0].Pos != d.Rule.Source.Pos }
	out = all[max(slices.IndexFunc(all, knows), 0)]
	out.Choice.Refused = refused
	return out
}

// Of is m with the pipeline that a document gets by its table; without one where the
// table has none.
func (m Mapping) Of(d *parser.Document) Mapping {
	if m.Table == nil || d.Rule == nil {
		return m
	}
	return m.chosen(d, Options{}).Mapping
}

// noPlace is said of a rule whose log source no row of the table knows.
func (m Mapping) noPlace(source ir.LogSource) *ir.Diagnostic {
	what := source.String()
	if what == "" {
		what = "no log source"
	}
	reason := "no built-in pipeline knows it"
	if left := m.Table.Left(); left != nil {
		reason = "none of the pipelines that are asked for knows it (" + strings.Join(left, ", ") + ")"
	}
	if home := placeLine(m.Target, source); home != "" {
		reason += "; sigmac.yaml can say it: " + home
	}
	e := backends.Unsupported(m.Target.Name, source.Pos, "where the events of "+what+" are", reason)
	e.Source, e.Code = "pipeline", ir.UnknownSource
	return e
}

// placeLine is how sigmac.yaml says where the events of a log source are, to be filled in.
func placeLine(t *backends.Target, s ir.LogSource) string {
	var parts []string
	name := ""
	for _, p := range [][2]string{{"product", s.Product}, {"category", s.Category}, {"service", s.Service}} {
		if p[1] != "" {
			parts = append(parts, p[0]+": "+strconv.Quote(p[1]))
			name = cmp.Or(name, p[1])
		}
	}
	if t.Home == "" || name == "" || len(s.Custom) > 0 { // the rest of what a rule says may be a slip
		return ""
	}
	word := strings.Map(func(r rune) rune {
		if r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
			return r
		}
		return '_'
	}, name)
	return "sources: [{logsource: {" + strings.Join(parts, ", ") + "}, " + t.Name + ": " + fmt.Sprintf(t.Home, word) + "}]"
}

// VerifyGiven compares a given query with all conditions of a rule, as it is on the way
// that looks where the query looks: of those that the mapping's table has for the rule's
// log source, the first whose scope is the query's, or at least has events in common.
// Of a correlation, o says what it names and how its windows are.
func VerifyGiven(d *parser.Document, m Mapping, query string, o Options, budget int) Proof {
	if m.Table == nil || d.Rule == nil || len(d.Errors) > 0 {
		o.Mappings = []Mapping{m}
		return VerifyQuery(CompileDocument(d, o)[0], query, budget)
	}
	var best Proof
	nearest := -1
	for name, way := range m.ways(d.Rule.Source) {
		res := newCompilation(d, way).result(d, way, Options{})
		res.Choice = Choice{Pipelines: name}
		p := VerifyQuery(res, query, budget)
		if near := nearness(p); near > nearest {
			best, nearest = p, near
		}
	}
	if nearest < 0 {
		return failed(m.chosen(d, Options{}))
	}
	return best
}

// nearness says how much the places where a rule and a query look have in common, and
// of the same places whether the query is proved there.
func nearness(p Proof) int {
	switch relation := p.Evidence.Scope.Relation; {
	case p.Want == nil:
		return 0 // this way refuses the rule
	case p.Err != nil:
		return 1
	case p.Evidence.Verdict == verify.Proved:
		return 4
	case relation == "" || relation == "equal":
		return 3
	case relation == "wider" || relation == "narrower":
		return 2
	}
	return 1
}

// DefaultMapping is the way to a target that the command takes where none is asked
// for: a pipeline by the rule's log source, and the schemas of the target.
func DefaultMapping(t *backends.Target) Mapping {
	m := Mapping{Target: t, Table: pipeline.DefaultTable(t)}
	if m.Table != nil {
		m.Schemas = schema.For(t)
	}
	return m
}
