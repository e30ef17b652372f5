// Package sigmac compiles Sigma detection rules into queries. The command is
// in cmd/sigmac.
package sigmac

import (
	"errors"
	"iter"

	"sigmac/backends"
	"sigmac/backends/elastic"
	"sigmac/backends/kusto"
	"sigmac/backends/splunk"
	"sigmac/internal/ordered"
	"sigmac/ir"
	"sigmac/parser"
)

// A Pass rewrites a rule into one that means the same.
type Pass struct {
	Name  string
	Stage ir.Stage // what holds after it
	Run   func(*ir.Rule) (*ir.Rule, error)
}

func always(pass func(*ir.Rule) *ir.Rule) func(*ir.Rule) (*ir.Rule, error) {
	return func(r *ir.Rule) (*ir.Rule, error) { return pass(r), nil }
}

// Passes lists the passes from a parsed rule to one that backends.Legalize
// takes. The order is the design.
func Passes() []Pass {
	return []Pass{
		{"ExpandWindash", ir.NoWindash, always(ir.ExpandWindash)},          // what base64 encodes is the variant
		{"ExpandBase64Offset", ir.NoBase64, always(ir.ExpandBase64Offset)}, // pipelines see values after modifiers
		{"Type", ir.Typed, always(ir.TypeFields)},                          // from here on every field has a type
		{"Inline", ir.Inlined, ir.Inline},                                  // conditions stand alone
		{"Simplify", ir.Simple, always(ir.Simplify)},
	}
}

var passes = Passes()

// A Target is a query language that sigmac writes.
type Target struct {
	Name        string
	Description string
	New         func(pretty bool) backends.Backend
}

// Targets lists the targets.
func Targets() []Target {
	return []Target{
		{"splunk", "Splunk SPL", splunk.New},
		{"kusto", "Microsoft Kusto KQL: Sentinel, Defender, Data Explorer", kusto.New},
		{"elastic", "Elastic EQL", elastic.New},
	}
}

// Options say what Compile makes.
type Options struct {
	Targets []backends.Backend
}

// A Result is what one document became in the language of Target: queries, one
// a condition, or errors, which are *parser.Error or *backends.Unsupported.
type Result struct {
	Document *parser.Document
	Target   string
	Queries  []string
	Types    map[string]ir.Type // of the fields that the queries test
	Want     *ir.Rule           // what the queries are to mean: the rule, typed and inlined
	Errors   []error
}

// Compile yields a Result for each document and target, in their order. It
// works on all cores.
func Compile(c *parser.Collection, o Options) iter.Seq[Result] {
	return func(yield func(Result) bool) {
		caps := make([]backends.Caps, len(o.Targets))
		for i, b := range o.Targets {
			caps[i] = b.Caps()
		}
		for _, rs := range ordered.Map(c.Documents, func(d *parser.Document) []Result { return compile(d, o, caps) }) {
			for _, r := range rs {
				if !yield(r) {
					return
				}
			}
		}
	}
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

// Want is what queries for r are to mean: r typed and inlined. It fails where a
// condition gets too large.
func Want(r *ir.Rule) (*ir.Rule, error) {
	for _, p := range passes {
		next, err := p.Run(r)
		if err != nil {
			return nil, err
		}
		if r = next; p.Stage == ir.Inlined {
			break
		}
	}
	return r, nil
}

func compile(d *parser.Document, o Options, caps []backends.Caps) []Result {
	out := make([]Result, len(o.Targets))
	for i, b := range o.Targets {
		out[i] = Result{Document: d, Target: b.Name()}
	}
	fail := func(err error) []Result {
		for i := range out {
			out[i].Errors = append(out[i].Errors, err)
		}
		return out
	}
	switch {
	case len(d.Errors) > 0:
		for _, err := range d.Errors {
			fail(err)
		}
		return out
	case d.Rule == nil:
		for i, b := range o.Targets {
			name := d.Title
			if d.Name != "" {
				name = d.Name
			}
			out[i].Errors = []error{&backends.Unsupported{Pos: d.Pos, Backend: b.Name(),
				Feature: "the " + d.Kind.String() + " " + name, Reason: "only rules are converted so far"}}
		}
		return out
	}
	r := d.Rule
	var want *ir.Rule
	for _, p := range passes {
		next, err := p.Run(r)
		if err != nil {
			if size := (*ir.SizeError)(nil); errors.As(err, &size) {
				return fail(&parser.Error{Path: d.Path, Pos: size.Pos, Msg: size.Error(), Feature: "a condition of that size"})
			}
		}
		r = next
		if p.Stage == ir.Inlined {
			want = r
		}
	}
	types := r.Types()
	for i, b := range o.Targets {
		res := &out[i]
		res.Want = want
		legal, refused := backends.Legalize(r, caps[i])
		for _, u := range refused {
			res.Errors = append(res.Errors, u)
		}
		if len(refused) > 0 {
			continue
		}
		queries, err := b.Emit(legal)
		if err != nil {
			res.Errors = []error{err}
			continue
		}
		res.Queries, res.Types = queries, types
	}
	return out
}
