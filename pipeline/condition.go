package pipeline

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"gopkg.in/yaml.v3"

	"sigmac/internal/suggest"
	"sigmac/ir"
	"sigmac/parser"
	"sigmac/regex"
)

// A condition looks at a T: the rule (nothing), a detection item or the name
// of a field.
type condition[T any] func(r *run, x T) bool

// A nothing is what a condition of the rule looks at beside the run.
type nothing struct{}

// conditions are the conditions of one kind of an item, and how they link.
type conditions[T any] struct {
	each []condition[T]
	or   bool
	not  bool
	expr expression // over each, or nil
	// plain is the names of which the only condition asks for one; nil: the
	// conditions say something else.
	plain map[string]bool
}

// holds links the conditions: an empty list under and is true, under or it is
// false, and the negation acts on it too.
func (c conditions[T]) holds(r *run, x T) bool {
	if c.expr != nil {
		return c.linked(r, x) != c.not
	}
	for _, f := range c.each {
		if f(r, x) == c.or {
			return c.or != c.not
		}
	}
	return c.or == c.not
}

// linked is what the expression says.
func (c conditions[T]) linked(r *run, x T) bool {
	return c.expr(func(i int) bool { return c.each[i](r, x) })
}

// given says whether the item has conditions of this kind.
func (c conditions[T]) given() bool { return len(c.each) > 0 || c.not || c.or }

// conditionsOf reads the keys kind_conditions, kind_cond_op, kind_cond_not and
// kind_cond_expr.
func conditionsOf[T any](p *params, kind string, table map[string]func(*params) condition[T]) (c conditions[T]) {
	var names []string
	c.not = p.flag(kind+"_cond_not", false)
	op := p.take(kind + "_cond_op")
	if op != nil {
		c.or = p.oneOf(kind+"_cond_op", "", "and", "or") == "or"
	}
	expr := p.take(kind + "_cond_expr")
	if expr != nil && expr.Kind != yaml.ScalarNode {
		p.Fail(expr, "%q must be a text", kind+"_cond_expr")
		expr = nil
	}
	if op != nil && expr != nil {
		p.Fail(op, "%q and %q say different things", kind+"_cond_op", kind+"_cond_expr")
	}
	list := p.take(kind + "_conditions")
	switch {
	case list == nil:
		if expr != nil {
			p.Fail(expr, "%q needs %q", kind+"_cond_expr", kind+"_conditions")
		}
	case list.Kind == yaml.MappingNode && expr == nil:
		p.Fail(list, "named conditions need %q, which links them", kind+"_cond_expr")
	case list.Kind == yaml.MappingNode:
		for _, e := range p.Entries(list) {
			names = append(names, e.Name)
			c.each = append(c.each, conditionOf(p, kind, e.Value, table))
		}
		c.expr = p.expression(expr, names)
	case list.Kind == yaml.SequenceNode && expr != nil:
		p.Fail(list, "with %q the conditions are a mapping of names to conditions", kind+"_cond_expr")
	case list.Kind == yaml.SequenceNode:
		for _, n := range list.Content {
			c.each = append(c.each, conditionOf(p, kind, n, table))
		}
		if kind == "field_name" && len(list.Content) == 1 {
			c.plain = p.plainFields(list.Content[0])
		}
	default:
		p.Fail(list, "%q must be a list of conditions", kind+"_conditions")
	}
	return c
}

// plainFields are the names that an include_fields lists as they are, or nil.
func (p *params) plainFields(n *yaml.Node) map[string]bool {
	out := map[string]bool{}
	for _, e := range p.Entries(parser.Deref(n)) {
		switch {
		case e.Name == "type" && e.Value.Value != "include_fields", e.Name == "mode" && e.Value.Value != "plain":
			return nil
		case e.Name == "fields":
			for _, c := range e.Value.Content {
				out[parser.Deref(c).Value] = true
			}
		}
	}
	return out
}

func conditionOf[T any](p *params, kind string, n *yaml.Node, table map[string]func(*params) condition[T]) condition[T] {
	never := func(*run, T) bool { return false }
	q, ok := p.params("a "+strings.ReplaceAll(kind, "_", " ")+" condition", n)
	if !ok {
		return never
	}
	t := q.need("type")
	if t == nil || t.Kind != yaml.ScalarNode {
		return never
	}
	q.typed = t
	make, ok := table[t.Value]
	if !ok {
		q.unknown(t.Value, keys(table))
		return never
	}
	c := make(q)
	q.done()
	return c
}

// keys are the keys of a table, sorted.
func keys[V any](m map[string]V) []string {
	out := []string{}
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// An expression links conditions, which it asks for by their number.
type expression func(holds func(int) bool) bool

// expression reads `not a and (b or c)`.
func (p *params) expression(n *yaml.Node, names []string) expression {
	const maxLength, maxNesting = 10_000, 100
	x := &expressionReader{params: p, node: n, names: names, used: make([]bool, len(names))}
	if len(n.Value) > maxLength {
		p.Fail(n, "longer than %d bytes", maxLength)
		return nil
	}
	for i := 0; i < len(n.Value); {
		r := rune(n.Value[i])
		end := i + 1
		switch {
		case unicode.IsSpace(r):
			i++
			continue
		case r != '(' && r != ')':
			for end < len(n.Value) && !strings.ContainsRune(" \t\n()", rune(n.Value[end])) {
				end++
			}
		}
		x.words = append(x.words, n.Value[i:end])
		x.offsets = append(x.offsets, i)
		i = end
	}
	depth, most := 0, 0
	for _, w := range x.words {
		switch w {
		case "(", "not":
			depth++
		case ")":
			depth--
		}
		most = max(most, depth)
	}
	if most > maxNesting {
		p.Fail(n, "nested more than %d deep", maxNesting)
		return nil
	}
	e := x.or()
	if !x.failed && x.at < len(x.words) {
		x.fail("unexpected %q: `and` or `or` is expected here", x.word())
	}
	for i, name := range names {
		if !x.used[i] && !x.failed {
			p.Fail(n, "the expression does not use the condition %q", name)
		}
	}
	return e
}

type expressionReader struct {
	*params
	node    *yaml.Node
	names   []string
	used    []bool
	words   []string
	offsets []int
	at      int
	failed  bool
}

func (x *expressionReader) word() string {
	if x.at < len(x.words) {
		return x.words[x.at]
	}
	return ""
}

func (x *expressionReader) take(word string) bool {
	if x.word() != word {
		return false
	}
	x.at++
	return true
}

// fail reports the first error only.
func (x *expressionReader) fail(format string, args ...any) expression {
	if !x.failed {
		from := len(x.node.Value)
		if x.at < len(x.offsets) {
			from = x.offsets[x.at]
		}
		x.FailIn(x.node, from, from+len(x.word()), format, args...)
	}
	x.failed = true
	return func(func(int) bool) bool { return false }
}

func (x *expressionReader) or() expression {
	e := x.and()
	for !x.failed && x.take("or") {
		a, b := e, x.and()
		e = func(h func(int) bool) bool { return a(h) || b(h) }
	}
	return e
}

func (x *expressionReader) and() expression {
	e := x.not()
	for !x.failed && x.take("and") {
		a, b := e, x.not()
		e = func(h func(int) bool) bool { return a(h) && b(h) }
	}
	return e
}

func (x *expressionReader) not() expression {
	switch w := x.word(); {
	case x.take("not"):
		e := x.not()
		return func(h func(int) bool) bool { return !e(h) }
	case x.take("("):
		e := x.or()
		if !x.failed && !x.take(")") {
			return x.fail("a parenthesis is not closed")
		}
		return e
	case w == "":
		return x.fail("the expression ends where a condition is expected")
	case w == "and", w == "or", w == ")":
		return x.fail("unexpected %q: a condition is expected here", w)
	default:
		i := slices.Index(x.names, w)
		if i < 0 {
			return x.fail("no condition is named %q%s", w, suggest.For(w, x.names))
		}
		x.used[i] = true
		x.at++
		return func(h func(int) bool) bool { return h(i) }
	}
}

var ruleConditions = map[string]func(*params) condition[nothing]{
	"logsource": func(p *params) condition[nothing] {
		want := ir.LogSource{Category: p.textOr("category", ""), Product: p.textOr("product", ""), Service: p.textOr("service", "")}
		if want.Category == "" && want.Product == "" && want.Service == "" {
			p.Fail(p.body, "a log source needs category, product or service")
		}
		return ofSource(want, p.flag("only", false))
	},
	"contains_detection_item": func(p *params) condition[nothing] {
		field, value := p.field(), p.literal("value")
		return func(r *run, _ nothing) bool {
			return r.names()[field] && r.some(func(it ir.Item) bool {
				return it.Field.Name == field && slices.ContainsFunc(tests(it), func(t ir.Test) bool { return equals(t, value) })
			})
		}
	},
	"contains_field": func(p *params) condition[nothing] {
		if p.oneOf("mode", "plain", "plain", "re") == "re" {
			re := p.regexp("field")
			return func(r *run, _ nothing) bool {
				return r.some(func(it ir.Item) bool { return it.Field.Name != "" && r.matches(re, it.Field.Name) })
			}
		}
		field := p.field()
		return func(r *run, _ nothing) bool {
			return r.names()[field] && r.some(func(it ir.Item) bool { return it.Field.Name == field })
		}
	},
	"processing_item_applied": func(p *params) condition[nothing] {
		id := p.text("processing_item_id")
		return func(r *run, _ nothing) bool {
			r.about = r.about || r.applied[id] && r.told["item "+id]
			return r.applied[id]
		}
	},
	"processing_state":          stateCondition[nothing],
	"is_sigma_rule":             func(*params) condition[nothing] { return func(*run, nothing) bool { return true } },
	"is_sigma_correlation_rule": func(*params) condition[nothing] { return func(*run, nothing) bool { return false } },
	"rule_attribute":            attributeCondition,
	"tag": func(p *params) condition[nothing] {
		tag := p.text("tag")
		return func(r *run, _ nothing) bool { return slices.Contains(r.rule.Meta.Tags, tag) }
	},
}

// ofSource asks for a log source. With only, the parts that it does not name are absent.
func ofSource(want ir.LogSource, only bool) condition[nothing] {
	return func(r *run, _ nothing) bool {
		is := isOf(r.rule.Source, want) && (!only || isOf(want, r.rule.Source))
		r.about = r.about || is
		return is
	}
}

// isOf says whether a log source has the parts that another names.
func isOf(s, want ir.LogSource) bool {
	return (want.Category == "" || want.Category == s.Category) && (want.Product == "" || want.Product == s.Product) &&
		(want.Service == "" || want.Service == s.Service)
}

// field is the parameter field: the name of a field, or null for keywords.
func (p *params) field() string {
	n := p.raw("field")
	if n == nil {
		p.Fail(p.body, "the key %q is missing", "field")
		return ""
	}
	if n.Kind == yaml.ScalarNode && p.scalar(n) == nil {
		return ""
	}
	return p.textOf("field", n)
}

var itemConditions = map[string]func(*params) condition[ir.Item]{
	"match_string": func(p *params) condition[ir.Item] {
		re, negate := p.regexp("pattern"), p.flag("negate", false)
		return values(p, func(r *run, t ir.Test) bool {
			q, ok := t.(ir.Pattern)
			return (ok && r.matches(re, written(q))) != negate
		})
	},
	"match_regex": func(p *params) condition[ir.Item] {
		re, negate := p.regexp("pattern"), p.flag("negate", false)
		return values(p, func(r *run, t ir.Test) bool {
			q, ok := t.(ir.Regexp)
			return (ok && r.matches(re, q.Source)) != negate
		})
	},
	"match_value": func(p *params) condition[ir.Item] {
		want := p.literal("value")
		return values(p, func(_ *run, t ir.Test) bool { return equals(t, want) })
	},
	"contains_wildcard": func(p *params) condition[ir.Item] {
		return values(p, func(_ *run, t ir.Test) bool {
			q, ok := t.(ir.Pattern)
			return ok && (q.Has(ir.AnyRun) || q.Has(ir.AnyOne))
		})
	},
	"is_null": func(p *params) condition[ir.Item] {
		return values(p, func(_ *run, t ir.Test) bool { return t == ir.Null{} })
	},
	"processing_item_applied": func(p *params) condition[ir.Item] {
		id := p.text("processing_item_id")
		return func(_ *run, it ir.Item) bool { return it.By.By(id) }
	},
	"processing_state": stateCondition[ir.Item],
}

// values asks for any or all values of an item.
func values(p *params, one func(*run, ir.Test) bool) condition[ir.Item] {
	all := p.oneOf("cond", "", "any", "all") == "all"
	return func(r *run, it ir.Item) bool {
		if all {
			return !slices.ContainsFunc(tests(it), func(t ir.Test) bool { return !one(r, t) })
		}
		return slices.ContainsFunc(tests(it), func(t ir.Test) bool { return one(r, t) })
	}
}

var fieldConditions = map[string]func(*params) condition[string]{
	"include_fields": func(p *params) condition[string] { return fieldList(p, true) },
	"exclude_fields": func(p *params) condition[string] { return fieldList(p, false) },
	"processing_item_applied": func(p *params) condition[string] {
		id := p.text("processing_item_id")
		return func(r *run, name string) bool { return r.renamed[name][id] }
	},
	"processing_state": stateCondition[string],
}

// fieldList looks for a field in a list. Keywords, of no name, are never in
// it.
func fieldList(p *params, in bool) condition[string] {
	n := p.need("fields")
	if p.oneOf("mode", "plain", "plain", "re") == "plain" {
		set := map[string]bool{}
		for _, name := range p.texts("fields", false) {
			set[name] = true
		}
		return func(_ *run, name string) bool { return (name != "" && set[name]) == in }
	}
	var res []*regex.Python
	if n != nil && n.Kind == yaml.SequenceNode {
		for _, c := range n.Content {
			res = append(res, p.compile(parser.Deref(c)))
		}
	} else {
		p.texts("fields", false)
	}
	return func(r *run, name string) bool {
		found := name != "" && slices.ContainsFunc(res, func(re *regex.Python) bool { return r.matches(re, name) })
		return found == in
	}
}

// equals says whether a test is equality with a value.
func equals(t ir.Test, value any) bool {
	switch t := t.(type) {
	case ir.Pattern:
		s, ok := value.(string)
		return ok && slices.Equal(t.Parts, parser.Text(s).Parts)
	case ir.Compare:
		n, ok := value.(ir.Number)
		return ok && t.Op == ir.Eq && t.Number == n
	case ir.Bool:
		return value == t.Value
	case ir.Null:
		return value == nil
	}
	return false
}

// stateCondition compares a value of the state; an absent one never matches.
func stateCondition[T any](p *params) condition[T] {
	return ofState[T](p.text("key"), p.literal("val"), p.oneOf("op", "eq", "eq", "ne", "gte", "gt", "lte", "lt"))
}

func ofState[T any](key string, want any, op string) condition[T] {
	return func(r *run, _ T) bool {
		is, ok := r.state[key]
		if !ok || !r.compare("the state "+key, is, want, op) {
			return false
		}
		r.about = r.about || r.told["state "+key]
		return true
	}
}

// compare compares two values of the same type; others are not equal, and have
// no order.
func (r *run) compare(what string, is, want any, op string) bool {
	order, comparable := 0, true
	switch is := is.(type) {
	case ir.Number:
		n, ok := want.(ir.Number)
		if comparable = ok; ok {
			order = is.Cmp(n)
		}
	case string:
		s, ok := want.(string)
		order, comparable = strings.Compare(is, s), ok
	default:
		comparable = false
	}
	same := comparable && order == 0
	if !comparable {
		switch is.(type) {
		case nil, bool:
			same = is == want
		}
	}
	switch op {
	case "eq":
		return same
	case "ne":
		return !same
	}
	if !comparable {
		r.fail(r.rule.Source.Pos, "%s has no order against %v", what, want)
		return false
	}
	return map[string]bool{"gt": order > 0, "gte": order >= 0, "lt": order < 0, "lte": order <= 0}[op]
}

// The values of level and status, rising.
var (
	levels   = []string{"informational", "low", "medium", "high", "critical"}
	statuses = []string{"unsupported", "deprecated", "experimental", "test", "stable"}
)

// attributeCondition compares an attribute of the rule; an absent one never
// matches.
func attributeCondition(p *params) condition[nothing] {
	name, want := p.text("attribute"), p.literal("value")
	op := p.oneOf("op", "eq", "eq", "ne", "gte", "gt", "lte", "lt", "in", "not_in")
	at := p.body
	if n := p.take("value"); n != nil {
		at = n
	}
	rank := func(words []string) any {
		i := slices.Index(words, fmt.Sprint(want))
		if i < 0 {
			p.Fail(at, "%q is none of %s%s", fmt.Sprint(want), join(words), suggest.For(fmt.Sprint(want), words))
		}
		return ir.Number(fmt.Sprint(i))
	}
	var ranks []string
	switch name {
	case "level":
		ranks = levels
	case "status":
		ranks = statuses
	}
	ranked := want
	if ranks != nil {
		ranked = rank(ranks)
	} else if s, ok := want.(string); ok && (name == "date" || name == "modified") && dateOf(s) == "" {
		p.Fail(at, "%q is no date like 2026-01-31", s)
	}
	isList, isText := slices.Contains(listAttributes, name), slices.Contains(textAttributes, name)
	if member := op == "in" || op == "not_in"; isList != member && (isList || isText) {
		p.Fail(at, "%q does not fit the attribute %q", op, name)
	}
	if ordered := strings.HasPrefix(op, "g") || strings.HasPrefix(op, "l"); ordered && isText &&
		ranks == nil && name != "date" && name != "modified" {
		p.Fail(at, "the attribute %q has no order", name)
	}
	return func(r *run, _ nothing) bool {
		is, ok := attribute(&r.rule, name)
		if !ok {
			return false
		}
		what := "the attribute " + name
		switch v := is.(type) {
		case []any:
			if op != "in" && op != "not_in" {
				r.fail(r.rule.Source.Pos, "%q does not fit %s, which is a list", op, what)
				return false
			}
			return slices.Contains(v, want) == (op == "in")
		case string:
			if ranks != nil {
				i := slices.Index(ranks, v)
				return i >= 0 && r.compare(what, ir.Number(fmt.Sprint(i)), ranked, op)
			}
			if name == "date" || name == "modified" {
				return dateOf(v) != "" && r.compare(what, dateOf(v), dateOf(fmt.Sprint(want)), op)
			}
		}
		if op == "in" || op == "not_in" {
			r.fail(r.rule.Source.Pos, "%q does not fit %s, which is no list", op, what)
			return false
		}
		return r.compare(what, is, want, op)
	}
}

// dateOf is a date in ISO form, which may be written with slashes, or "".
func dateOf(s string) string {
	s = strings.ReplaceAll(s, "/", "-")
	if len(s) != len("2026-01-31") || s[4] != '-' || s[7] != '-' || strings.Trim(s, "0123456789-") != "" {
		return ""
	}
	return s
}

var (
	textAttributes = []string{"title", "id", "name", "taxonomy", "status", "description", "license", "author", "date", "modified", "level"}
	listAttributes = []string{"references", "tags", "fields", "falsepositives", "scope"}
)

// attribute is an attribute of a rule by its name, if the rule has it.
func attribute(r *ir.Rule, name string) (any, bool) {
	m := r.Meta
	text := func(s string) (any, bool) { return s, s != "" }
	texts := func(s []string) (any, bool) { return list(s), len(s) > 0 }
	switch name {
	case "title":
		return text(m.Title)
	case "id":
		return text(m.ID)
	case "name":
		return text(m.Name)
	case "taxonomy":
		return text(m.Taxonomy)
	case "status":
		return text(m.Status)
	case "description":
		return text(m.Description)
	case "license":
		return text(m.License)
	case "author":
		return text(m.Author)
	case "date":
		return text(m.Date)
	case "modified":
		return text(m.Modified)
	case "level":
		return text(m.Level)
	case "references":
		return texts(m.References)
	case "tags":
		return texts(m.Tags)
	case "fields":
		return texts(m.Fields)
	case "falsepositives":
		return texts(m.FalsePositives)
	case "scope":
		return texts(m.Scope)
	}
	for _, a := range m.Custom {
		if a.Name == name {
			return custom(a.Value), true
		}
	}
	return nil, false
}

// custom is the value of a custom attribute, which is kept as YAML.
func custom(text string) any {
	f, roots := parser.Open("pipeline", "", []byte(text))
	if len(roots) != 1 || len(f.Errors()) > 0 {
		return text
	}
	v := (&file{File: f}).value(roots[0])
	if len(f.Errors()) > 0 {
		return text
	}
	return v
}

func list(s []string) []any {
	out := make([]any, len(s))
	for i, v := range s {
		out[i] = v
	}
	return out
}
