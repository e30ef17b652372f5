package pipeline

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"gopkg.in/yaml.v3"

	"sigmac/backends"
	"sigmac/ir"
	"sigmac/parser"
)

// Options say how a pipeline is applied.
type Options struct {
	// Target is what the pipeline leads to; nil: a language that says nothing of
	// where it looks, and is known to every pipeline.
	Target *backends.Target
	// AllowExternal lets items run commands and open network connections.
	AllowExternal bool
	// Files gives the folder that the items of a pipeline file may read; nil:
	// none.
	Files func(path string) fs.FS
	// Opaque says that the caller takes an ir.Opaque in a rule, which
	// query_expression_placeholders makes.
	Opaque bool
	// Foreign are states that other targets write, and this one does not: a pipeline that sets
	// one refuses the rule. They are given where a pipeline may be for another target.
	Foreign []string
	// Steps asks for the rule before and after each item.
	Steps bool
}

// A Trace tells what a pipeline did to a rule.
type Trace struct {
	Steps   []Step // if asked for
	State   map[string]any
	Renamed []Renaming // in the order of their first renaming
	Losses  []Loss

	applied map[string]bool
	renamed map[string]map[string]bool
}

// A Step is an item that changed the rule or the state.
type Step struct {
	ID, Type      string
	Place         string // pipeline.yml:12:5
	Before, After *ir.Rule
}

// A Renaming is what a rule's field is called at the end.
type Renaming struct {
	From string
	To   []string
}

// A Loss is what an item takes from the meaning of a rule, or gives it.
type Loss struct {
	ID        string // pipeline/drop, pipeline/hash, pipeline/wildcard, what the pipeline declares, or Untested
	Direction string // the rule gets wider, narrower or both; may be empty where it is declared
	Pos       ir.Pos // in the rule
	Item      string // the item's place, pipeline.yml:12:5; empty where no item is at fault
	Msg       string
	Declared  bool // of the mapping as a whole, whatever the rule
}

// An item is one entry of transformations.
type item struct {
	id, kind string
	path     string
	pos      ir.Pos
	rule     conditions[nothing]
	items    conditions[ir.Item]
	fields   conditions[string]
	do       transformation
	only     map[string]bool // the fields that it can change, keywords by no name; nil: any
}

// narrowed is the fields that an item can change. Most items of a large
// pipeline are about fields that a rule has not.
func (it *item) narrowed() map[string]bool {
	var only map[string]bool
	switch x := it.do.(type) {
	case rename:
		only = x.fields
	case hashes:
		only = x.only()
	}
	if only != nil {
		return only
	}
	if c := it.fields; c.plain != nil && !c.not {
		return c.plain
	}
	return nil
}

// concerns says whether the rule has a field that the item can change.
func (it *item) concerns(r *run) bool {
	if it.only == nil {
		return true
	}
	for name := range r.names() {
		if it.only[name] {
			return true
		}
	}
	return false
}

func (it *item) place() string { return fmt.Sprintf("%s:%d:%d", it.path, it.pos.Line, it.pos.Column) }

// A transformation changes the rule or the state of a run; apply says whether
// it did.
type transformation interface{ apply(r *run) bool }

// A kind of transformation reads its parameters. looksAt says which conditions
// beside those of the rule it heeds.
type kind struct {
	looksAt scope
	read    func(p *params) transformation
}

type scope uint8

const (
	wholeRule scope = iota
	eachItem
)

var kinds map[string]kind

func init() {
	kinds = map[string]kind{
		"nest": {wholeRule, func(p *params) transformation { return nest{p.items(p.need("items"), p.depth+1)} }},
	}
	for _, family := range []map[string]kind{fieldKinds, valueKinds, ruleKinds, placeholderKinds} {
		maps.Copy(kinds, family)
	}
}

// Types are the types of items and conditions that a pipeline file may have,
// sorted within each family.
func Types() []string {
	return slices.Concat(keys(kinds), keys(ruleConditions), keys(itemConditions), keys(fieldConditions), keys(posts), keys(finalizers))
}

func (f *file) items(n *yaml.Node, depth int) (out []entry) {
	f.entriesOf(n, "a transformation", depth, func(p *params, name string) {
		p.depth = depth
		k, ok := kinds[name]
		if !ok {
			p.unknown(name, keys(kinds))
			return
		}
		it := &item{kind: name, path: f.path, pos: posOf(p.body), id: p.textOr("id", "")}
		it.rule = conditionsOf(p, "rule", ruleConditions)
		it.items = conditionsOf(p, "detection_item", itemConditions)
		it.fields = conditionsOf(p, "field_name", fieldConditions)
		if k.looksAt == wholeRule && (it.items.given() || it.fields.given()) {
			p.Fail(p.body, "%s looks at rule conditions only", name)
		}
		p.what = "the transformation " + name
		it.do = k.read(p)
		if k.looksAt == eachItem {
			it.only = it.narrowed()
		}
		p.done()
		out = append(out, it)
	})
	return out
}

// A nest is a list of items that run as one.
type nest struct{ items []entry }

func (n nest) apply(r *run) bool {
	outer := r.item
	changed := false
	for _, e := range n.items {
		changed = r.do(e) || changed
	}
	r.item = outer
	return changed
}

// tests are those of an item, one for each of its values.
func tests(it ir.Item) (out []ir.Test) {
	ir.Walk(it.X, func(e ir.Expr) {
		switch e := e.(type) {
		case ir.Match:
			out = append(out, e.Test)
		case ir.Keyword:
			out = append(out, e.Test)
		}
	})
	return out
}

// A run is one application of a pipeline to a rule.
type run struct {
	Options
	pipeline *Pipeline
	item     *item
	rule     ir.Rule
	state    map[string]any
	applied  map[string]bool
	renamed  map[string]map[string]bool // field name to the items that renamed to it
	handled  map[string]bool            // field names that a mapping knew
	mappings []func() (rename, bool)    // of the items so far that rename, or that were passed over
	fields   []Renaming
	err      *ir.Diagnostic
	steps    []Step
	losses   []Loss
	present  map[string]bool // the names of the rule's fields; nil: not looked up
	leaves   int             // that the item has made

	// Whether the log source is tested: about says that a condition of the item, or
	// of one around it, has found the rule's log source; told are the states and
	// the items, `state KEY` and `item ID`, that items did of which this is so.
	about, tested bool
	told          map[string]bool
	tried         tried // of regular expressions
	grown         int   // bytes that replacements added
}

// maxLeaves bounds the values that an item makes of a rule's: mappings to lists
// multiply.
const maxLeaves = 100_000

// fail says that an item cannot be applied to a place of the rule: that of the log source
// where nothing narrower is at fault.
func (r *run) fail(pos ir.Pos, format string, args ...any) {
	if r.err == nil {
		r.err = &ir.Diagnostic{Pos: pos, Msg: fmt.Sprintf(format, args...), Source: "pipeline"}
		if r.item != nil {
			r.err.Item = r.item.place()
		}
	}
}

// refuse is fail where the pipeline means that the target cannot hold the rule.
func (r *run) refuse(pos ir.Pos, format string, args ...any) {
	before := r.err
	if r.fail(pos, format, args...); before == nil {
		r.err.Feature, r.err.Code = "what the pipeline refuses", ir.RefusedBy
	}
}

// Apply is r as the target has it. r comes from the pass ExpandBase64Offset
// and is not changed. The error is an *ir.Diagnostic.
func (p *Pipeline) Apply(rule *ir.Rule, o Options) (*ir.Rule, *Trace, error) {
	for _, part := range p.Parts() {
		if !part.Allows(o.Target) {
			return nil, nil, &ir.Diagnostic{Pos: rule.Source.Pos, Item: part.Path, Source: "pipeline",
				Msg: fmt.Sprintf("the pipeline is for %s, not for %s", join(part.AllowedBackends), o.Target.Name)}
		}
	}
	r := p.run(rule, o)
	if r.err != nil {
		return nil, nil, r.err
	}
	return r.result(), &Trace{Steps: r.steps, State: r.state, Renamed: r.fields, Losses: r.losses, applied: r.applied, renamed: r.renamed}, nil
}

// run applies the items; all of them, or those that are about the fields of the rule.
func (p *Pipeline) run(rule *ir.Rule, o Options) *run {
	r := &run{Options: o, pipeline: p, rule: *rule, state: map[string]any{}, applied: map[string]bool{},
		renamed: map[string]map[string]bool{}, handled: map[string]bool{}, told: map[string]bool{}}
	r.rule.Detections = slices.Clone(rule.Detections)
	for _, part := range p.Parts() {
		for _, e := range part.items {
			r.do(e)
		}
	}
	r.item = nil
	r.scope()
	r.declared()
	r.untested(rule.Source)
	return r
}

// Allows says whether the pipeline is for a target, by the name that sigmac or
// other tools have for it.
func (p *Pipeline) Allows(t *backends.Target) bool {
	return len(p.AllowedBackends) == 0 || t == nil || slices.ContainsFunc(p.AllowedBackends, func(name string) bool {
		return name == t.Name || slices.Contains(t.Aliases, name)
	})
}

// ForAll are ps as pipelines that say nothing of the targets that they are for.
func ForAll(ps []*Pipeline) (out []*Pipeline) {
	for _, p := range ps {
		all := *p
		all.AllowedBackends = nil
		out = append(out, &all)
	}
	return out
}

// result is the rule as it is now.
func (r *run) result() *ir.Rule {
	out := r.rule
	out.Detections = slices.Clone(out.Detections)
	return &out
}

// do applies an item if its rule conditions hold, and says whether that
// changed anything.
func (r *run) do(e entry) bool {
	if r.err != nil {
		return false
	}
	defer func(outer bool) { r.about = outer }(r.about)
	if !e.holds(r) {
		return false
	}
	it := e.whole()
	r.item, r.leaves = it, 0
	if x, ok := it.do.(rename); ok && x.fields != nil {
		r.mappings = append(r.mappings, func() (rename, bool) { return x, true })
	}
	_, nested := it.do.(nest)
	steps := r.Steps && !nested
	var before *ir.Rule
	if steps {
		before = r.result()
	}
	changed := it.concerns(r) && it.do.apply(r)
	if changed {
		r.present = nil
	}
	if changed && r.err == nil {
		r.empty()
	}
	if r.err != nil {
		return false
	}
	if it.id != "" {
		r.applied[it.id] = true
		r.told["item "+it.id] = r.about
	}
	if changed && steps {
		r.steps = append(r.steps, Step{it.id, it.kind, it.place(), before, r.result()})
	}
	return changed
}

// names are the names of the fields of the rule's items, of those that their
// values refer to, and of its list of fields; keywords have no name.
func (r *run) names() map[string]bool {
	if r.present != nil {
		return r.present
	}
	r.present = map[string]bool{}
	r.some(func(it ir.Item) bool {
		r.present[it.Field.Name] = true
		for _, x := range tests(it) {
			if ref, ok := x.(ir.FieldRef); ok {
				r.present[ref.Other.Name] = true
			}
		}
		return false
	})
	for _, name := range r.rule.Meta.Fields {
		r.present[name] = true
	}
	return r.present
}

// empty removes detections that lost their items.
func (r *run) empty() {
	for i := 0; i < len(r.rule.Detections); i++ {
		d := r.rule.Detections[i]
		if d.Expr != nil {
			continue
		}
		for _, c := range r.rule.Conditions {
			ir.Walk(c.Expr, func(e ir.Expr) {
				switch e := e.(type) {
				case ir.Ref:
					if e.Name == d.Name {
						r.fail(d.Pos, "the detection %q has no item left, and the condition needs it", d.Name)
					}
				case ir.Of:
					if slices.Contains(e.Names, d.Name) {
						r.fail(d.Pos, "the detection %q has no item left, and the condition needs it", d.Name)
					}
				}
			})
		}
		r.rule.Detections = slices.Delete(r.rule.Detections, i, i+1)
		i--
	}
}

// scope takes the rule's Scope and its computed columns from the state. A pipeline
// for several targets may set keys that this one's queries do not say.
func (r *run) scope() {
	var says []backends.ScopeKey
	if r.Target != nil {
		says = r.Target.Scope
	}
	for _, key := range r.Foreign {
		if r.state[key] != nil {
			r.refuse(r.rule.Source.Pos, "a pipeline for another target sets %s, which this one does not write: %s", key, show(r.state[key]))
			return
		}
	}
	for _, k := range says {
		text, one := "", true
		switch v := r.state[k.Key].(type) {
		case string:
			text = v
		case []any:
			text, one = show(v), len(v) == 1
		}
		switch {
		case text == "":
		case k.Part == nil:
			r.losses = append(r.losses, Loss{ID: "pipeline/" + k.Key, Direction: "wider", Pos: r.rule.Source.Pos, Declared: true,
				Msg: fmt.Sprintf(k.Lost, text)})
		case !one:
			r.fail(r.rule.Source.Pos, "the state %s is one text for this target, and not several: %s", k.Key, text)
		default:
			*k.Part(&r.rule.Scope) = text
			r.tested = r.tested || k.Tells || r.told["state "+k.Key]
		}
	}
	if slices.ContainsFunc(says, func(k backends.ScopeKey) bool { return k.Needed && *k.Part(&r.rule.Scope) == "" }) {
		r.tested = false
	}
	columns, _ := r.state["extend"].(map[string]any)
	for _, name := range keys(columns) {
		c := ir.Computed{Name: name, Type: "string"}
		switch v := columns[name].(type) {
		case string:
			c.Text = v
		case map[string]any:
			c.Type, c.Text = show(v["type"]), show(v["is"])
		}
		if c.Text == "" || c.Type == "" {
			r.fail(r.rule.Source.Pos, "the column %s of the state extend is neither an expression nor a mapping with type and is", name)
			return
		}
		r.rule.Computed = append(r.rule.Computed, c)
	}
	r.rule.Single = r.state["single_value"] == true
	supposed, _ := r.state["suppose"].(map[string]any)
	for _, id := range keys(supposed) {
		text, ok := supposed[id].(string)
		if !ok {
			r.fail(r.rule.Source.Pos, "%s of the state suppose is no predicate", id)
			return
		}
		r.rule.Supposed = append(r.rule.Supposed, ir.Supposed{ID: id, Text: text})
	}
}

// some says whether an item of the rule is as asked.
func (r *run) some(is func(ir.Item) bool) (found bool) {
	for _, d := range r.rule.Detections {
		ir.Visit(d.Expr, func(e ir.Expr, _ bool) bool {
			it, ok := e.(ir.Item)
			found = found || ok && is(it)
			return !ok && !found
		})
	}
	return found
}

// each replaces the items that meet the conditions; change says whether it
// did, and nil drops one.
func (r *run) each(change func(ir.Item) (ir.Expr, bool)) bool {
	all := false
	for i, d := range r.rule.Detections {
		x, changed := ir.Rewrite(d.Expr, func(e ir.Expr) (ir.Expr, bool) {
			t, ok := e.(ir.Item)
			if !ok || r.err != nil || !r.item.items.holds(r, t) || !r.itemFields(t) {
				return e, false
			}
			y, changed := change(t)
			if !changed || y == nil {
				return y, changed
			}
			y, _ = ir.Rewrite(y, func(e ir.Expr) (ir.Expr, bool) {
				t, ok := e.(ir.Item)
				if ok && r.item.id != "" {
					t.By = &ir.Change{ID: r.item.id, Before: t.By}
				}
				if ok {
					return t, true
				}
				return e, false
			})
			return y, true
		})
		if changed {
			r.rule.Detections[i].Expr, all = x, true
		}
	}
	return all
}

// room says whether an item may make n values more.
func (r *run) room(n int) bool {
	if r.leaves += n; r.leaves > maxLeaves {
		r.fail(r.rule.Source.Pos, "the item makes more than %d values of this rule's", maxLeaves)
	}
	return r.err == nil
}

// itemFields says whether the field name conditions hold for the item's field
// or for one that its values name.
func (r *run) itemFields(t ir.Item) bool {
	if r.item.fields.holds(r, t.Field.Name) {
		return true
	}
	return slices.ContainsFunc(tests(t), func(x ir.Test) bool {
		ref, ok := x.(ir.FieldRef)
		return ok && r.item.fields.holds(r, ref.Other.Name)
	})
}

// eachValue replaces the values of the items that meet the conditions: the
// tests that change returns stand as an Or in the place of the old one; none
// drops it.
func (r *run) eachValue(change func(t ir.Item, pos ir.Pos, x ir.Test) ([]ir.Test, bool)) bool {
	return r.each(func(t ir.Item) (ir.Expr, bool) {
		x, changed := ir.Rewrite(t.X, func(e ir.Expr) (ir.Expr, bool) {
			if r.err != nil {
				return e, false
			}
			switch e := e.(type) {
			case ir.Match:
				tests, changed := change(t, e.Pos, e.Test)
				if !r.room(len(tests)) {
					return e, false
				}
				return anyOf(len(tests), func(i int) ir.Expr { return ir.Match{Field: e.Field, Test: tests[i], Pos: e.Pos} }), changed
			case ir.Keyword:
				tests, changed := change(t, e.Pos, e.Test)
				if !r.room(len(tests)) {
					return e, false
				}
				return anyOf(len(tests), func(i int) ir.Expr { return ir.Keyword{Test: r.keyword(e.Pos, tests[i]), Pos: e.Pos} }), changed
			}
			return e, false
		})
		if !changed {
			return t, false
		}
		if x == nil {
			return nil, true
		}
		t.X = x
		return t, true
	})
}

// anyOf is one expression or the Or of several; of none it is nil.
func anyOf(n int, at func(int) ir.Expr) ir.Expr {
	if n == 0 {
		return nil
	}
	if n == 1 {
		return at(0)
	}
	out := make(ir.Or, n)
	for i := range out {
		out[i] = at(i)
	}
	return out
}

// keyword is a test that looks anywhere in the event.
func (r *run) keyword(pos ir.Pos, t ir.Test) ir.Test {
	any := ir.Part{Kind: ir.AnyRun}
	switch t := t.(type) {
	case ir.Pattern:
		return ir.NewPattern(t.Cased, append(append([]ir.Part{any}, t.Parts...), any)...)
	case ir.Regexp:
		return t
	}
	r.fail(pos, "a keyword is a text, and %s makes something else of it", r.item.kind)
	return t
}

// negation splits what stands below the outer negations of x from their
// number.
func negation(x ir.Expr) (inner ir.Expr, nots int) {
	for {
		n, ok := x.(ir.Not)
		if !ok {
			return x, nots
		}
		x, nots = n.X, nots+1
	}
}

func negate(x ir.Expr, nots int) ir.Expr {
	for range nots {
		if x == nil {
			return nil
		}
		x = ir.Not{X: x}
	}
	return x
}

// text reads a text as a value.
func text(s string) ir.Pattern { return parser.Text(s) }
