// Package sigmac compiles Sigma detection rules into queries, and proves these. The
// command is in cmd/sigmac.
//
// Files are read, compiled and proved on all cores, and results come in the order of
// the files. A file is compiled when it is read and no rule is kept, so memory does
// not grow with the number of rules.
package sigmac

import (
	"cmp"
	"fmt"
	"iter"
	"slices"

	"sigmac/backends"
	"sigmac/internal/link"
	"sigmac/internal/ordered"
	"sigmac/ir"
	"sigmac/parser"
	"sigmac/pipeline"
	"sigmac/schema"
	"sigmac/targets"
)

// A Mapping leads from Sigma's log sources and fields to those of a target. With
// nothing but a Target it leaves them as they are.
type Mapping struct {
	Target   *backends.Target
	Pipeline *pipeline.Pipeline
	Table    *pipeline.Table  // chooses the pipeline by a rule's log source; nil: Pipeline is for all
	Allow    Allowance        // how a query may differ from its rule; nil: not at all
	First    bool             // take the first that the table has for a log source, even where it refuses a rule
	Lists    int              // from so many values on, a list goes into a table beside the query; 0: none does
	Lookups  []ir.Lookup      // tables that are known, for given queries
	Options  pipeline.Options // without its Target, and Opaque
	Schemas  *schema.Catalog
}

// options are those of the pipeline, for the target.
func (m Mapping) options() pipeline.Options {
	o := m.Options
	o.Target, o.Opaque = m.Target, true
	return o
}

// Mapped is what a Mapping did to a rule.
type Mapped struct {
	Rule     *ir.Rule        // after the pipeline
	Trace    *pipeline.Trace // nil without a pipeline
	Warnings []*ir.Diagnostic
}

// Passes are ir.Passes with the pipeline and the schemas of m among them. They note
// in did what these did.
func (m Mapping) Passes(did *Mapped) []ir.Pass {
	var own []ir.Pass
	if m.Pipeline != nil {
		own = append(own, ir.Pass{Name: "Pipeline", Stage: ir.NoBase64, Run: func(r *ir.Rule) (out *ir.Rule, err error) {
			out, did.Trace, err = m.Pipeline.Apply(r, m.options())
			did.Rule = out
			return out, err
		}})
	}
	if m.Schemas != nil {
		own = append(own, ir.Pass{Name: "Schema", Stage: ir.NoBase64, Run: func(r *ir.Rule) (out *ir.Rule, err error) {
			first := ""
			if did.Trace != nil {
				first, _ = did.Trace.State["schema"].(string)
			}
			out, did.Warnings, err = m.Schemas.Apply(r, first)
			return out, err
		}})
	}
	return ir.Passes(own...)
}

// Targets lists the query languages that sigmac writes and reads.
func Targets() []*backends.Target { return targets.All() }

// Options say what Compile makes.
type Options struct {
	Mappings []Mapping          // a Result each
	Filters  []*parser.Document // that are joined to the rules that they are meant for, beside those among the rules
	Pretty   bool               // lay long queries out over several lines
	// Correlations are those that are among the documents, and what they name; Method is that of
	// their windows, backends.Sliding where it is empty. With Own, what is there for correlations
	// alone has no Result.
	Correlations *link.Correlations
	Method       string
	Own          bool
	// NoIndexHelp leaves out what is implied by the rest of a query, and there for an
	// index to be asked.
	NoIndexHelp bool
	Costs       bool // say what the conditions of each query cost
}

// Unmapped are Options for targets without pipelines and schemas.
func Unmapped(ts ...*backends.Target) (o Options) {
	for _, t := range ts {
		o.Mappings = append(o.Mappings, Mapping{Target: t})
	}
	return o
}

// A Result is what one document became in the language of a mapping's Target, by the
// pipeline that was chosen for it: queries, one a condition, or errors.
type Result struct {
	Mapping
	Choice   Choice
	Document *parser.Document
	Queries  []string               // as they are written
	Plain    []string               // the queries before postprocessing
	Costs    [][]backends.Condition // of each query in Plain, where Options ask for them
	Types    map[string]ir.Type     // of the fields that the queries test
	Want     *ir.Rule               // what the queries are to mean: the rule, mapped, typed and inlined
	Lookups  []ir.Lookup            // tables that the queries name, which are deployed with them
	Mapped   Mapped
	Errors   []*ir.Diagnostic
	// Where the mapping allows it: the parts of the rule that the queries do without, in
	// the order in which they were found, and how they differ from it. Want is the rest.
	LeftOut []LeftOut
	Allowed Difference
	// Of a correlation: it and its rules as they are mapped, what each of these became by its own
	// pipeline, what the queries are called where they are several, and how they differ from it.
	// Want is nil.
	Correlation *backends.Correlation
	Members     []Result
	Names       []string
	TailLosses  []backends.TailLoss
	OneValue    bool // they rest on the assumption that no field has several values
}

// Compile yields a Result for each document and target, in their order; none for a
// filter. Filters are joined to the rules. It works on all cores.
func Compile(c *parser.Collection, o Options) iter.Seq[Result] {
	return func(yield func(Result) bool) {
		link.Join(c.Documents, o.Filters)
		compile := func(d *parser.Document) []Result {
			if !o.wants(d) {
				return nil
			}
			return CompileDocument(d, o)
		}
		for _, rs := range ordered.Map(c.Documents, compile) {
			for _, r := range rs {
				if !yield(r) {
					return
				}
			}
		}
	}
}

// wants says whether a document has a Result.
func (o Options) wants(d *parser.Document) bool {
	return d.Filter == nil && !(o.Own && o.Correlations.Silent(d))
}

// A FileResult is what the documents of one file became, or why it cannot be read.
type FileResult struct {
	Documents []*parser.Document
	Results   []Result
	Err       error
}

// CompileFiles is Compile of files, one after the other, so that what is kept at
// a time does not grow with their number; read gives the bytes of the i-th. Filters are
// those of o alone, for the rules before a filter are compiled when it is read.
func CompileFiles(paths []string, read func(i int) ([]byte, error), o Options) iter.Seq2[int, FileResult] {
	indexes := make([]int, len(paths))
	for i := range indexes {
		indexes[i] = i
	}
	filters := link.NewFilters(o.Filters)
	return ordered.Map(indexes, func(i int) (out FileResult) {
		src, err := read(i)
		if err != nil {
			return FileResult{Err: err}
		}
		out.Documents = parser.Parse(paths[i], src).Documents
		for _, d := range out.Documents {
			if filters.Join(d); o.wants(d) {
				out.Results = append(out.Results, CompileDocument(d, o)...)
			}
		}
		return out
	})
}

// ParseFiles reads files on all cores; read gives the bytes of the i-th.
func ParseFiles(paths []string, read func(i int) ([]byte, error)) (*parser.Collection, []error) {
	type file struct {
		c   *parser.Collection
		err error
	}
	indexes := make([]int, len(paths))
	for i := range indexes {
		indexes[i] = i
	}
	c := &parser.Collection{}
	var errs []error
	for _, f := range ordered.Map(indexes, func(i int) file {
		src, err := read(i)
		if err != nil {
			return file{nil, err}
		}
		return file{parser.Parse(paths[i], src), nil}
	}) {
		if f.err != nil {
			errs = append(errs, f.err)
			continue
		}
		c.Add(f.c)
	}
	return c, errs
}

// CompileDocument is what Compile makes of one document, as it is: no filter is joined, and
// one is an error.
func CompileDocument(d *parser.Document, o Options) []Result {
	out := make([]Result, len(o.Mappings))
	var unmapped *compilation // shared by the targets without a pipeline and schemas
	for i, m := range o.Mappings {
		switch {
		case len(d.Errors) > 0:
			out[i] = Result{Mapping: m, Document: d, Errors: d.Errors}
		case d.Correlation != nil:
			out[i] = m.correlated(d, o)
		case d.Rule == nil:
			out[i] = Result{Mapping: m, Document: d, Errors: []*ir.Diagnostic{
				d.Place(backends.Unsupported(m.Target.Name, d.Pos, "the "+d.Kind.String()+" "+cmp.Or(d.Name, d.Title), "a filter is part of its rules"))}}
		case m.Table != nil:
			out[i] = m.chosen(d, o)
		case m.Pipeline == nil && m.Schemas == nil:
			if unmapped == nil {
				unmapped = newCompilation(d, m)
				unmapped.decided.Mixed = o.mixed()
			}
			out[i] = m.permitted(d, unmapped.result(d, m, o), o)
		default:
			out[i] = m.permitted(d, newCompilation(d, m).result(d, m, o), o)
		}
	}
	return out
}

// mixed says whether fields have several values in the languages of some mappings and not of others.
func (o Options) mixed() bool {
	single := func(m Mapping) bool { return m.Target.Format.Caps.Single }
	return slices.ContainsFunc(o.Mappings, single) && slices.ContainsFunc(o.Mappings, func(m Mapping) bool { return !single(m) })
}

// A compilation is a rule after the passes.
type compilation struct {
	did        Mapped
	want, rule *ir.Rule
	types      map[string]ir.Type
	carried    map[string][]ir.Field // that stand for fields of a correlation
	untyped    *ir.Rule              // before fields that no schema knows have types
	decided    backends.Decided      // of rule
	errs       []*ir.Diagnostic
}

// Faults are the diagnostics of which an error of a pass or an emitter consists, with their
// places in the document.
func Faults(d *parser.Document, err error) (out []*ir.Diagnostic) {
	switch e := err.(type) {
	case schema.Refusals:
		out = e
	case *ir.Diagnostic:
		out = []*ir.Diagnostic{e}
	default:
		out = []*ir.Diagnostic{{Msg: err.Error()}}
	}
	for _, e := range out {
		if e.Pos == (ir.Pos{}) {
			e.Pos = d.Pos
		}
		d.Place(e)
	}
	return out
}

// newCompilation takes a rule through the passes. Tests beside it count where its own say of
// which types fields are.
func newCompilation(d *parser.Document, m Mapping, beside ...ir.Expr) *compilation {
	c := &compilation{rule: d.Rule}
	for _, p := range m.Passes(&c.did) {
		if p.Stage == ir.Typed {
			if c.untyped = c.rule; len(beside) > 0 {
				with := *c.rule
				with.Detections = append(slices.Clip(with.Detections), ir.Detection{Expr: ir.And(beside)})
				c.rule = &with
			}
		}
		next, err := p.Run(c.rule)
		if err != nil {
			c.errs = Faults(d, err)
			return c
		}
		switch c.rule = next; p.Stage {
		case ir.Typed:
			c.carry()
		case ir.Inlined:
			c.want = next
		}
	}
	for _, w := range c.did.Warnings {
		d.Place(w)
	}
	c.types, c.decided.Rule = c.rule.Types(), c.rule
	return c
}

// result writes the queries of a target.
func (c *compilation) result(d *parser.Document, m Mapping, o Options) (res Result) {
	res = Result{Mapping: m, Document: d, Want: c.want, Mapped: c.did, Errors: c.errs}
	res.know(m.Lookups)
	if len(res.Errors) > 0 {
		return res
	}
	legal, faults := c.legal(d, res.Target)
	if len(faults) > 0 {
		res.Errors = faults
		return res
	}
	docs, legal, err := res.emit(legal)
	if err != nil {
		res.Errors = Faults(res.Document, err)
		return res
	}
	queries, costs := o.print(docs)
	res.Queries, res.Plain, res.Costs, res.Types = queries, queries, costs, c.types
	if res.Pipeline != nil {
		if res.Queries, err = res.Pipeline.Finish(c.did.Rule, queries, c.did.Trace, res.options()); err != nil {
			res.Queries, res.Plain, res.Costs, res.Errors = nil, nil, nil, Faults(res.Document, err)
		}
	}
	res.tooLarge(func(i int) (ir.Pos, ir.Expr) { return d.Rule.Conditions[i].Pos, legal.Conditions[i].Expr })
	return res
}

// legal is the rule in tests that a target has, or why there are none.
func (c *compilation) legal(d *parser.Document, t *backends.Target) (legal *ir.Rule, faults []*ir.Diagnostic) {
	defined, err := t.Define(c.rule)
	if err != nil {
		return nil, Faults(d, &ir.Diagnostic{Pos: c.rule.Source.Pos, Msg: "what the pipeline supposes: " + err.Error(), Source: "pipeline"})
	}
	decided := &c.decided
	if defined.Terms != nil && !c.carriesComputed() {
		rule, _ := defined.Plain(c.rule)
		decided = &backends.Decided{Rule: rule}
	}
	legal, refused := decided.Legalize(t.Format.Caps)
	for _, u := range refused {
		faults = append(faults, d.Place(u))
	}
	return legal, faults
}

// print lays queries out, with the costs of their conditions where these are asked for.
func (o Options) print(docs []backends.Doc) (queries []string, costs [][]backends.Condition) {
	queries = make([]string, len(docs))
	for i, d := range docs {
		if o.NoIndexHelp {
			d = d.WithoutHelp()
		}
		if queries[i] = d.Flat(); o.Pretty {
			queries[i] = d.Pretty()
		}
		if o.Costs {
			costs = append(costs, d.Conditions())
		}
	}
	return queries, costs
}

// tooLarge warns of queries that are larger than a place takes where they are deployed. Of
// is the place in the document and the legal condition that the i-th is of.
func (res *Result) tooLarge(of func(i int) (ir.Pos, ir.Expr)) {
	for i, q := range res.Queries {
		for _, l := range res.Target.Limits {
			if len(q) <= l.Max*max(l.Bytes, 1) {
				continue
			}
			at, e := of(i)
			if n := l.Count(q, e); n > l.Max {
				res.Mapped.Warnings = append(slices.Clip(res.Mapped.Warnings), res.Document.Place(&ir.Diagnostic{Pos: at, Source: res.Target.Name, Code: ir.QueryTooLarge,
					Msg: fmt.Sprintf("the query has %d %s, and %s takes %d (%s)", n, l.Unit, l.Of, l.Max, l.Source)}))
			}
		}
	}
}
