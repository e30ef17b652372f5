package read

import (
	"net/netip"
	"slices"
	"strings"

	"sigmac/ir"
)

// A truth is a predicate: where it is true and where it is false. It is null
// elsewhere. A nil no is where yes is not: there is no null.
type truth struct{ yes, no ir.Expr }

var (
	always = truth{yes: ir.True}
	never  = truth{yes: ir.False}
	null   = truth{ir.False, ir.False}
)

func (t truth) isFalse() ir.Expr {
	if t.no == nil {
		return ir.Negation(t.yes)
	}
	return t.no
}

// constant says whether t is always true or always false.
func (t truth) constant() (is, ok bool) {
	is = ir.IsTrue(t.yes)
	return is, t.no == nil && (is || ir.IsFalse(t.yes))
}

func (t truth) not() truth {
	if t.no == nil {
		return truth{yes: ir.Negation(t.yes)}
	}
	return truth{t.no, t.yes}
}

func (r *reader) both(ts ...truth) truth { return r.join(ts, ir.Conjunction, ir.Disjunction) }
func (r *reader) some(ts ...truth) truth { return r.join(ts, ir.Disjunction, ir.Conjunction) }

func (r *reader) join(ts []truth, yes, no func(...ir.Expr) ir.Expr) truth {
	var ys, ns []ir.Expr
	twoValued := true
	for _, t := range ts {
		ys, ns = append(ys, t.yes), append(ns, t.isFalse())
		twoValued = twoValued && t.no == nil
	}
	if twoValued {
		return truth{yes: yes(ys...)}
	}
	return truth{yes(ys...), no(ns...)}
}

// choose is a where c is true, else b.
func (r *reader) choose(c, a, b truth) truth {
	not := ir.Negation(c.yes)
	pick := func(a, b ir.Expr) ir.Expr {
		return ir.Disjunction(ir.Conjunction(c.yes, a), ir.Conjunction(not, b))
	}
	if a.no == nil && b.no == nil {
		return truth{yes: pick(a.yes, b.yes)}
	}
	return truth{pick(a.yes, b.yes), pick(a.isFalse(), b.isFalse())}
}

// opaque is n as one predicate.
func (r *reader) opaque(n *node, s scope) truth {
	yes := r.opaqueTokens(n.from, n.to, s)
	yes.Lack, r.lack = r.lack, ""
	no := yes
	text := r.source(n.from, n.to)
	no.Text = strings.TrimSuffix(yes.Text, text) + "not(" + text + ")"
	return truth{r.compute(n, s, yes, true), r.compute(n, s, no, false)}
}

// truth reads a predicate.
func (r *reader) truth(n *node, s scope) truth {
	r.spend(n)
	if r.depth++; r.depth > 4*maxNesting {
		refuse(r.pos(n), "the query is nested too deeply")
	}
	defer func() { r.depth-- }()
	if t, ok := r.known(n, s); ok {
		return t
	}
	return r.opaque(n, s)
}

func (r *reader) truths(ns []*node, s scope) []truth {
	out := make([]truth, len(ns))
	for i, n := range ns {
		out[i] = r.truth(n, s)
	}
	return out
}

// known reads a predicate that the IR can hold.
func (r *reader) known(n *node, s scope) (truth, bool) {
	switch n.kind {
	case nodeAnd:
		return r.both(r.truths(n.args, s)...), true
	case nodeOr:
		return r.some(r.truths(n.args, s)...), true
	case nodeBool:
		return truth{yes: constant(n.text == "true")}, true
	case nodeNull:
		return null, true
	case nodeBinary:
		return r.binary(n, s)
	case nodeCall:
		if t, ok := r.call(n, s); ok {
			return t, true
		}
	case nodeName, nodeMember:
		v := r.value(n, s)
		return r.asTruth(v)
	}
	return truth{}, false
}

func constant(b bool) ir.Expr {
	if b {
		return ir.True
	}
	return ir.False
}

// asTruth is a value as a predicate: a boolean column alone.
func (r *reader) asTruth(v value) (truth, bool) {
	switch v.kind {
	case valueTruth:
		return v.is, true
	case valueField:
		if v.via == "" && (v.field.Type == ir.Boolean || v.field.Type == ir.Unknown) {
			f := v.as(ir.Boolean)
			return truth{v.match(f, ir.Bool{Value: true}), v.match(f, ir.Bool{Value: false})}, true
		}
	case valueNull:
		return null, true
	case valueChoice:
		a, ok := r.asTruth(*v.a)
		b, ok2 := r.asTruth(*v.b)
		return r.choose(v.is, a, b), ok && ok2
	}
	return truth{}, false
}

// binary reads a test with an operator; `!op` is its negation.
func (r *reader) binary(n *node, s scope) (truth, bool) {
	op, negated := strings.CutPrefix(n.text, "!")
	switch n.text {
	case "!=", "<>":
		op, negated = "==", true
	case "!~":
		op = "=~"
	}
	var t truth
	var ok bool
	switch {
	case n.args[0].kind == nodeStar:
		t, ok = r.anyColumn(op, r.value(n.args[1], s))
		ok = ok && !negated
	case op == "in" || op == "in~":
		t, ok = r.in(map[string]string{"in": "==", "in~": "=~"}[op], n, s, r.some)
	case op == "has_any":
		t, ok = r.in("has", n, s, r.some)
	case op == "has_all":
		t, ok = r.in("has", n, s, r.both)
	case op == "between":
		v := r.value(n.args[0], s)
		low, ok1 := r.relate(">=", v, r.value(n.args[1], s))
		high, ok2 := r.relate("<=", v, r.value(n.args[2], s))
		t, ok = r.both(low, high), ok1 && ok2
	default:
		t, ok = r.relate(op, r.value(n.args[0], s), r.value(n.args[1], s))
	}
	if negated {
		t = t.not()
	}
	return t, ok
}

// in reads a test with a list as one of its elements.
func (r *reader) in(op string, n *node, s scope, join func(...truth) truth) (truth, bool) {
	left := r.value(n.args[0], s)
	right := []*node{n.args[1]}
	if n.args[1].kind == nodeList {
		right = n.args[1].args
	}
	var ts []truth
	var add func(v value) bool
	add = func(v value) bool {
		r.spend(n)
		if v.kind == valueList {
			return !slices.ContainsFunc(v.list, func(v value) bool { return !add(v) })
		}
		t, ok := r.relate(op, left, v)
		ts = append(ts, t)
		return ok
	}
	known := false
	for _, a := range right {
		v := r.value(a, s)
		known = known || a.kind == nodeTable && v.kind == valueList // which may be empty
		if v.kind == valueField && (len(right) == 1 || v.field.Type == ir.Unknown && v.via == "" && left.kind == valueField) {
			return truth{}, false // perhaps a column of lists
		}
		if !add(v) {
			return truth{}, false
		}
	}
	return join(ts...), known || len(ts) > 0
}

// anyColumn reads `* op v`.
func (r *reader) anyColumn(op string, v value) (truth, bool) {
	if v.kind != valueText || v.text == "" {
		return truth{}, false
	}
	var t ir.Test
	switch op {
	case "contains", "contains_cs":
		t, _ = textTest(v.text, ir.Contains, op == "contains_cs", "")
	case "has", "has_cs", "hasprefix", "hasprefix_cs", "hassuffix", "hassuffix_cs":
		t = termTest(v.text, textOperators[op], "")
	case "matches regex":
		if re, ok := r.regexp(v); ok {
			t = re
		}
	}
	if t == nil {
		return truth{}, false
	}
	return truth{yes: ir.Keyword{Test: t, Pos: v.pos}}, true
}

// call reads a function that makes a predicate.
func (r *reader) call(n *node, s scope) (truth, bool) {
	arg := func(i int) value { return r.value(n.args[i], s) }
	switch {
	case len(n.args) > maxNesting: // the IR of a case nests
	case n.text == "not" && len(n.args) == 1:
		return r.truth(n.args[0], s).not(), true
	case (n.text == "isempty" || n.text == "isnull") && len(n.args) == 1:
		return r.missing(arg(0), n.text == "isempty")
	case (n.text == "isnotempty" || n.text == "notempty" || n.text == "isnotnull" || n.text == "notnull") && len(n.args) == 1:
		t, ok := r.missing(arg(0), strings.HasSuffix(n.text, "empty"))
		return t.not(), ok
	case (n.text == "iff" || n.text == "iif") && len(n.args) == 3, n.text == "case" && len(n.args)%2 == 1:
		out := r.truth(n.args[len(n.args)-1], s)
		for i := len(n.args) - 3; i >= 0; i -= 2 {
			out = r.choose(r.truth(n.args[i], s), r.truth(n.args[i+1], s), out)
		}
		return out, true
	case n.text == "coalesce" && len(n.args) > 1:
		return r.coalesce(n, s), true
	case n.text == "tobool" && len(n.args) == 1:
		if v := arg(0); v.kind == valueTruth || v.kind == valueField && v.field.Type == ir.Boolean {
			return r.asTruth(v)
		}
	case strings.HasPrefix(n.text, "ipv") && len(n.args) > 0:
		var nets []value
		for i := range n.args[1:] {
			nets = append(nets, arg(i+1))
		}
		return r.address(n.text, arg(0), nets)
	}
	return truth{}, false
}

// coalesce of predicates is the first that is not null.
func (r *reader) coalesce(n *node, s scope) truth {
	out := r.truth(n.args[len(n.args)-1], s)
	for i := len(n.args) - 2; i >= 0; i-- {
		t := r.truth(n.args[i], s)
		last, constant := out.constant()
		switch {
		case t.no == nil:
			out = t
		case constant && !last:
			out = truth{yes: t.yes}
		case constant:
			out = truth{yes: ir.Negation(t.no)}
		default:
			known := truth{yes: ir.Disjunction(t.yes, t.no)}
			out = r.choose(known, t, out)
		}
	}
	return out
}

// missing reads isempty or, without empty, isnull. A text is never null.
func (r *reader) missing(v value, empty bool) (truth, bool) {
	switch v.kind {
	case valueText:
		return truth{yes: constant(empty && v.text == "")}, true
	case valueNumber, valueList:
		return never, true
	case valueNull:
		return always, true
	case valueTruth:
		return truth{yes: ir.Conjunction(ir.Negation(v.is.yes), ir.Negation(v.is.isFalse()))}, true
	case valueChoice:
		a, ok := r.missing(*v.a, empty)
		b, ok2 := r.missing(*v.b, empty)
		return r.choose(v.is, a, b), ok && ok2
	case valueField:
		switch v.via {
		case "", "string", "lower", "upper":
			texts := v.isText() && v.field.Type != ir.Unknown && !v.member || v.via != ""
			if texts && !empty {
				return never, true
			}
			f := v.field
			if empty {
				f = v.as(ir.Text)
			}
			return truth{yes: v.match(f, ir.Null{})}, true
		case "number":
			if v.isText() {
				number := ir.Disjunction(v.match(v.as(ir.Text), ir.Compare{Op: ir.Gte, Number: "0"}),
					v.match(v.as(ir.Text), ir.Compare{Op: ir.Lt, Number: "0"}))
				return truth{yes: ir.Negation(number)}, true
			}
			return truth{yes: v.match(v.as(ir.Numeric), ir.Null{})}, true
		}
	}
	return truth{}, false
}

var privateNets = []value{{kind: valueText, text: "10.0.0.0/8"}, {kind: valueText, text: "172.16.0.0/12"}, {kind: valueText, text: "192.168.0.0/16"}}

var (
	allV4    = netip.MustParsePrefix("0.0.0.0/0")
	allV6    = netip.MustParsePrefix("::/0")
	mappedV4 = netip.MustParsePrefix("::ffff:0:0/96")
)

// address reads the functions on addresses: null where the text is no address.
func (r *reader) address(name string, v value, args []value) (truth, bool) {
	if name == "ipv4_is_private" && len(args) == 0 {
		args = privateNets
	} else if name != "ipv4_is_in_range" && name != "ipv6_is_in_range" && name != "ipv4_is_in_any_range" && name != "ipv6_is_in_any_range" {
		return truth{}, false
	}
	if v.kind != valueField || v.via != "string" && (v.via != "" || !v.isText()) || len(args) == 0 {
		return truth{}, false
	}
	six := strings.HasPrefix(name, "ipv6")
	match := func(p netip.Prefix) ir.Expr { return v.match(v.as(ir.Text), ir.CIDR{Net: p}) }
	var in []ir.Expr
	var add func(a value) bool
	add = func(a value) bool {
		if a.kind == valueList {
			return !slices.ContainsFunc(a.list, func(a value) bool { return !add(a) })
		}
		p, err := netip.ParsePrefix(a.text)
		if err != nil {
			var one netip.Addr
			if one, err = netip.ParseAddr(a.text); err == nil {
				p = netip.PrefixFrom(one, one.BitLen())
			}
		}
		if a.kind != valueText || err != nil || !six && !p.Addr().Is4() {
			return false
		}
		p = p.Masked()
		in = append(in, match(p))
		if six { // an IPv4 text is ::ffff:a.b.c.d
			switch {
			case p.Addr().Is4():
				bits := p.Bits() + 96
				p = netip.PrefixFrom(netip.AddrFrom16(p.Addr().As16()), bits)
				in = append(in, match(p))
			case p.Bits() >= 96 && mappedV4.Contains(p.Addr()):
				in = append(in, match(netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)))
			case p.Bits() < 96 && p.Contains(mappedV4.Addr()):
				in = append(in, match(allV4))
			}
		}
		return true
	}
	for _, a := range args {
		if !add(a) {
			return truth{}, false
		}
	}
	yes := ir.Disjunction(in...)
	valid := match(allV4)
	if six {
		valid = ir.Disjunction(match(allV6), match(allV4))
	}
	return truth{yes, ir.Conjunction(valid, ir.Negation(yes))}, true
}
