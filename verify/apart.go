package verify

import (
	"maps"
	"net/netip"
	"slices"
	"strings"

	"sigmac/backends"
	"sigmac/internal/realistic"
	"sigmac/ir"
	"sigmac/regex"
)

// Examples are events that tell two predicates apart.
type Examples struct {
	Events []map[string]any
	More   int    // values that changed for which there is an event too
	Reason string // without events: why it is not known whether there are any, or empty
}

// Apart looks for up to n events that a matches and b does not, both of rules that are typed
// and inlined, such as could be seen, with no more fields than it takes. Where values changed,
// each event is of another one. Else each fails a test that one before it passes. The budget is for each.
func Apart(a, b ir.Expr, n, budget int) Examples {
	return newClaim(sigmaWorld, "").apart(a, b, nil, n, &budget)
}

// ApartAt is Apart in the world of a target, where no event has the fields unmapped.
func ApartAt(t *backends.Target, a, b ir.Expr, unmapped []string, n, budget int) Examples {
	missing := func(name string) bool { return slices.Contains(unmapped, name) }
	return newClaim(t.World, t.KeywordField()).apart(a, b, missing, n, &budget)
}

// match looks for an event.
func (c *claim) match(e ir.Expr, budget *int) (event map[string]any, reason string) {
	goal := c.node(e, nil)
	if reason := c.tooLarge(); reason != "" {
		return nil, reason
	}
	c.pay(budget)
	found, reason := c.least(goal, budget)
	if c.pay(budget); found == nil {
		return nil, reason
	}
	return c.fieldsOf(found.values), ""
}

// tooLarge says why the claim is too large for a search, or is empty.
func (c *claim) tooLarge() string {
	if len(c.letters) > maxLetters {
		return "there are too many different tests"
	}
	c.work += len(c.letters) * workOfStep
	return ""
}

// least is an event that goal matches, without the fields that it does not need.
func (c *claim) least(goal node, budget *int) (t *fitting, reason string) {
	found := c.satisfy(goal, budget)
	if found.values == nil {
		return nil, found.reason
	}
	// Without a text of its own, an event would be searched as JSON.
	for _, f := range c.fields {
		if f.keyword && len(found.values[f]) == 0 {
			found.values[f] = []any{""}
		}
	}
	t = c.fit(found.values, func(a assignment) bool { return c.surelyUnder(goal, a) })
	t.shrink()
	return t, ""
}

// apart looks for up to n events, each in budget steps; what the last one took is taken from
// the budget.
func (c *claim) apart(a, b ir.Expr, missing func(string) bool, n int, budget *int) (out Examples) {
	is := c.node(a, missing)
	shared := len(c.letters)
	other := c.node(b, missing)
	root := simple(beside(is, other))
	if reason := c.tooLarge(); reason != "" {
		return Examples{Reason: reason}
	}
	each := *budget
	c.pay(budget)
	found, reason := c.least(root, budget)
	if c.pay(budget); found == nil {
		return Examples{Reason: reason}
	}
	v := c.variety(is, other, root, shared)
	v.found = found
	goal := root
	for {
		t := v.next(goal)
		switch {
		case t != nil:
		case len(out.Events) == 0:
			t = found.like(found.good)
		default:
			*budget = each
			t, _ = c.least(goal, budget)
			if c.pay(budget); t == nil {
				return out
			}
		}
		within := goal
		t.good = func(a assignment) bool { return c.surelyUnder(within, a) }
		t.dress()
		out.Events = append(out.Events, c.fieldsOf(t.values))
		passed := v.passed(t.a)
		if len(out.Events) == n {
			break
		}
		goal = simple(node{op: '&', subs: []node{goal, negate(passed)}})
	}
	out.More = v.more()
	return out
}

// maxMore bounds the values of which it is asked whether there is an event too.
const maxMore = 200

// A variety is the values by which events may differ, and which of these there is an event of.
type variety struct {
	*claim
	root    node
	found   *fitting
	units   [][]int      // of a value, all letters that it became: dashes, offsets in Base64
	changed []int        // the units of values that one of two rules has, of fields that both test
	done    map[int]bool // those of which there is an event, or none at hand
	work    int
}

// variety is that of root, which is a without b; from shared on, letters are those of b.
func (c *claim) variety(a, b, root node, shared int) *variety {
	v := &variety{claim: c, root: root, done: map[int]bool{}}
	in := func(n node) (letters []bool, fields map[*field]bool) {
		letters, fields = make([]bool, len(c.letters)), map[*field]bool{}
		n.each(func(i int) { letters[i], fields[c.letters[i].field] = true, true })
		return letters, fields
	}
	inA, ofA := in(a)
	inB, ofB := in(b)
	used := make([]bool, len(c.letters))
	root.each(func(i int) { used[i] = true })
	last := 0
	for i, l := range c.letters {
		if !used[i] || l.null {
			continue
		}
		if o := c.letters[last]; last == 0 || l.field != o.field || l.pos != o.pos || l.pos.Line == 0 || (i < shared) != (last < shared) {
			if ofA[l.field] && ofB[l.field] && inA[i] != inB[i] {
				v.changed = append(v.changed, len(v.units))
			}
			v.units = append(v.units, nil)
		}
		u := len(v.units) - 1
		v.units[u] = append(v.units[u], i)
		last = i
	}
	v.changed = v.changed[:min(len(v.changed), maxMore)]
	return v
}

// decides says whether an event with the letters a would not be one of root without a unit.
func (v *variety) decides(u int, a assignment) bool {
	a = slices.Clone(a)
	for _, i := range v.units[u] {
		a[i] = false
	}
	return !v.root.under(a)
}

// passed says that an event passes the values that one with these letters does: those that
// changed, if one of these decides. These are done.
func (v *variety) passed(a assignment) node {
	all, changed := node{op: '&'}, node{op: '&'}
	for u, letters := range v.units {
		if !slices.ContainsFunc(letters, func(i int) bool { return a[i] }) {
			continue
		}
		one := node{op: '|'}
		for _, i := range letters {
			one.subs = append(one.subs, node{op: 'l', index: i})
		}
		all.subs = append(all.subs, simple(one))
		if slices.Contains(v.changed, u) && v.decides(u, a) {
			v.done[u] = true
			changed.subs = append(changed.subs, simple(one))
		}
	}
	if len(changed.subs) > 0 {
		all = changed
	}
	return simple(all)
}

// next is an event that goal matches, for the first value that changed and is not done, or nil
// if none is at hand.
func (v *variety) next(goal node) *fitting {
	for _, u := range v.changed {
		if !v.done[u] {
			if t := v.with(goal, u); t != nil {
				return t
			}
			v.done[u] = true // later goals are narrower
		}
	}
	return nil
}

// more counts the values that are not done and of which there is an event.
func (v *variety) more() (n int) {
	for _, u := range v.changed {
		if !v.done[u] && v.with(v.root, u) != nil {
			n++
		}
	}
	return n
}

// with is an event like the one that was found, for which the first letter of a unit decides,
// and that goal matches, or nil if none is at hand.
func (v *variety) with(goal node, u int) *fitting {
	i := v.units[u][0]
	l := v.letters[i]
	f := l.field
	if l.as == nil || !f.typ.IsText() || v.work > maxVariety {
		return nil
	}
	t := v.found.like(func(a assignment) bool { return a[i] && v.surelyUnder(goal, a) && v.decides(u, a) })
	known := realistic.Known{Tests: v.written}
	few := func(texts []string) []string { return texts[:min(len(texts), fewTries)] }
	fits := t.try(f, few(t.texts(f, []ir.Test{l.as}, known))) || t.try(f, few(t.texts(f, append(t.passed(f), l.as), known)))
	if fits {
		t.shrink()
	}
	if v.work += t.work; !fits {
		return nil
	}
	return t
}

// written are tests of texts of the claim, by field, as they are written: the first of them.
func (c *claim) written(yield func(string, ir.Test) bool) {
	for _, l := range c.letters[1:min(len(c.letters), maxWritten)] {
		if l.as != nil && !yield(l.field.column, l.as) {
			return
		}
	}
}

// maxWritten bounds the letters among which a text looks for others of the rule.
const maxWritten = 1000

// A fitting changes the values of an event as long as the event stays good.
type fitting struct {
	c      *claim
	values map[*field][]any
	good   func(assignment) bool
	a      assignment // the letters of the event
	refs   []int      // those that look at several fields
	work   int        // letters that were asked
}

// fit begins a fitting. good is asked about the letters of an event.
func (c *claim) fit(values map[*field][]any, good func(assignment) bool) *fitting {
	t := &fitting{c: c, values: values, good: good, a: c.assign(values)}
	for i, l := range c.letters {
		if l == nil {
			continue
		}
		if _, ok := l.test.(ir.FieldRef); ok || l.of != nil {
			t.refs = append(t.refs, i)
		}
	}
	return t
}

// like begins a fitting of an event that is the same.
func (t *fitting) like(good func(assignment) bool) *fitting {
	return &fitting{c: t.c, values: maps.Clone(t.values), good: good, a: slices.Clone(t.a), refs: t.refs}
}

// set gives a field other values, or none, if the event is good with these.
func (t *fitting) set(f *field, vs []any) bool {
	had, was := t.values[f]
	if t.values[f] = vs; len(vs) == 0 {
		delete(t.values, f)
	}
	touched := slices.Concat(f.letters, t.refs)
	if f.null > 0 {
		touched = append(touched, f.null)
	}
	t.work += len(touched) + 1
	before, unsure := make([]bool, len(touched)), maps.Clone(t.c.unsure)
	for j, i := range touched {
		before[j], t.a[i] = t.a[i], t.c.letterTruth(i, t.values)
	}
	if t.good(t.a) {
		return true
	}
	if t.values[f] = had; !was {
		delete(t.values, f)
	}
	t.c.unsure = unsure
	for j, i := range touched {
		t.a[i] = before[j]
	}
	return false
}

// shrink leaves out the fields without which an event is still good. Its text stays.
func (t *fitting) shrink() {
	for _, f := range t.c.fields {
		if _, ok := t.values[f]; ok && !f.keyword {
			t.set(f, nil)
		}
	}
}

// maxDress and maxVariety bound the letters that are asked to make an event realistic, and to
// make others like it.
const maxDress, maxVariety = 20_000, 100_000

// dress makes an event such as could be seen.
func (t *fitting) dress() {
	known := realistic.Known{Texts: map[string]string{}, Tests: t.c.written}
	var later []*field
	for _, f := range t.c.fields {
		switch {
		case len(t.values[f]) == 0:
		case realistic.Later(f.column):
			later = append(later, f)
		default:
			t.realistic(f, known)
		}
	}
	for _, f := range later {
		t.realistic(f, known)
	}
}

// realistic gives a field of texts one that could be seen, and makes it known.
func (t *fitting) realistic(f *field, known realistic.Known) {
	had, ok := "", f.typ.IsText() || f.typ == ir.Address
	for _, v := range t.values[f] {
		s, text := v.(string)
		had, ok = s, ok && text && s != ""
	}
	if !ok {
		return
	}
	tests := t.passed(f)
	// What was found is a part of a text, where there is no better one.
	if t.try(f, t.texts(f, tests, known)) || t.try(f, t.texts(f, []ir.Test{part(inCasing(had, tests))}, known)) {
		known.Texts[f.column], _ = t.values[f][0].(string)
	}
}

// inCasing is s with what tests ask for in their casing.
func inCasing(s string, tests []ir.Test) string {
	for _, t := range tests {
		if p, ok := t.(ir.Pattern); ok {
			for _, q := range p.Parts {
				// Folded texts are as long, but for few characters.
				if at := strings.Index(regex.Fold(s), regex.Fold(q.Text)); at >= 0 && at+len(q.Text) <= len(s) && strings.EqualFold(s[at:at+len(q.Text)], q.Text) {
					s = s[:at] + q.Text + s[at+len(q.Text):]
				}
			}
		}
	}
	return s
}

// part is a test of texts that have s in them.
func part(s string) ir.Test {
	return ir.NewPattern(true, ir.Part{Kind: ir.AnyRun}, ir.Part{Text: s}, ir.Part{Kind: ir.AnyRun})
}

// texts are realistic texts for a field that likely pass tests.
func (t *fitting) texts(f *field, tests []ir.Test, known realistic.Known) []string {
	out := realistic.Texts(f.column, tests, known)
	if f.typ == ir.Address {
		out = slices.DeleteFunc(out, func(s string) bool { _, err := netip.ParseAddr(s); return err != nil })
	}
	return out
}

// fewTries bounds the texts that are tried for one of many values.
const fewTries = 3

// try gives a field the first of some texts with which the event is good.
func (t *fitting) try(f *field, texts []string) bool {
	for _, s := range texts {
		if t.work > maxDress {
			return false
		}
		if t.set(f, []any{s}) {
			return true
		}
	}
	return false
}

// passed are the tests that the text of a field passes, as they are written: of those of one
// value the first.
func (t *fitting) passed(f *field) (out []ir.Test) {
	var had ir.Pos
	for _, i := range f.letters {
		if l := t.c.letters[i]; t.a[i] && l.as != nil && (l.pos.Line == 0 || l.pos != had) {
			had = l.pos
			out = append(out, l.as)
		} else if cidr, ok := l.test.(ir.CIDR); ok && t.a[i] {
			out = append(out, cidr)
		}
	}
	return out
}
