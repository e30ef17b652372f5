package read

import (
	"strings"
	"sync"

	"sigmac/computed"
	"sigmac/ir"
	"sigmac/regex"
)

// termOf are the terms of expressions that were read before: those of pipelines, which
// are few.
var termOf sync.Map

// Term is an expression of KQL as far as it is understood, of the type that KQL calls
// typ. A text that holds no expression is not understood.
func Term(text, typ string) computed.Term {
	key := [2]string{text, typ}
	t, ok := termOf.Load(key)
	if !ok {
		t, _ = termOf.LoadOrStore(key, readTerm(text, typ))
	}
	return t.(computed.Term)
}

func readTerm(text, typ string) (t computed.Term) {
	defer func() {
		if e := recover(); e != nil {
			if _, ok := e.(*ir.Diagnostic); !ok {
				panic(e)
			}
			t = computed.Opaque{}
		}
	}()
	r := &reader{src: text, tokens: lex(text), steps: maxReadSteps, bytes: maxReadBytes, work: maxWork}
	r.forget()
	r.columns, r.assumed = map[string][]binding{}, map[string]bool{}
	n := r.expr()
	if r.peek().kind != tokenEnd {
		return computed.Opaque{}
	}
	if t = r.term(n, columnTypes[typ]); len(r.assumed) > 0 {
		return computed.Opaque{} // it rests on more than the expression
	}
	return t
}

// decides says whether a predicate is one by which a choice can be followed: it is
// understood, and about neither a number in a text nor two columns.
func decides(e ir.Expr) bool {
	plain := true
	ir.Walk(e, func(e ir.Expr) {
		m, ok := e.(ir.Match)
		_, number := m.Test.(ir.Compare)
		_, two := m.Test.(ir.FieldRef)
		plain = plain && ok && !two && !(number && m.Field.Type.IsText())
	})
	return plain
}

// columnTypes are the types of columns that a term may have.
var columnTypes = map[string]ir.Type{"int": ir.Numeric, "long": ir.Numeric, "real": ir.Numeric, "string": ir.Text}

// term is n, an expression of a type.
func (r *reader) term(n *node, typ ir.Type) computed.Term {
	switch {
	case typ == ir.Unknown:
	case n.kind == nodeName:
		return computed.Column{Field: ir.Field{Name: n.text, Type: typ}}
	case typ != ir.Text && n.kind != nodeCall:
	case n.kind == nodeString:
		return computed.Text(n.text)
	case n.kind == nodeCall:
		if t := r.applies(n, typ); t != nil {
			return t
		}
	}
	return computed.Opaque{}
}

// applies is a call, nil where it is not understood.
func (r *reader) applies(n *node, typ ir.Type) computed.Term {
	args := n.args
	switch n.text {
	case "iff", "iif", "case":
		if len(args)%2 == 0 || n.text != "case" && len(args) != 3 {
			return nil
		}
		out := r.term(args[len(args)-1], typ)
		for i := len(args) - 3; i >= 0; i -= 2 {
			is := r.truth(args[i], r.scope()).yes
			if !decides(is) {
				return nil
			}
			out = computed.Choice{If: is, Then: r.term(args[i+1], typ), Other: out}
		}
		return out
	}
	if typ != ir.Text {
		return nil
	}
	switch {
	case n.text == "strcat":
		var out computed.Join
		for _, a := range args {
			out = append(out, r.term(a, typ))
		}
		return out
	case n.text == "coalesce":
		return r.first(args)
	case n.text == "replace_regex" && len(args) == 3 && args[1].kind == nodeString && args[2].kind == nodeString:
		if t, ok := r.begins(r.term(args[0], typ), args[1].text, args[2].text); ok {
			return t
		}
	case n.text == "extract" && len(args) == 3 && args[0].text == `[^\\/]*$` && args[1].text == "0":
		return computed.Name{Of: r.term(args[2], typ)}
	case n.text == "tohex":
		return r.hex(args)
	case n.text == "tostring" && len(args) == 1:
		return r.place(args[0])
	}
	return nil
}

// begins is of with another beginning: a text, or what the first group has, which
// stands in front, and a text.
func (r *reader) begins(of computed.Term, from, to string) (computed.Term, bool) {
	re, ok := r.regexp(value{kind: valueText, text: from})
	var kept *regex.Re
	if rest, group := strings.CutPrefix(to, `\1`); group {
		inside, begins := strings.CutPrefix(from, "(?i)^(")
		inside, _, closed := strings.Cut(inside, ")")
		t, fine := r.regexp(value{kind: valueText, text: "(?i)" + inside})
		if !begins || !closed || !fine {
			return nil, false
		}
		kept, to = t.Re, rest
	}
	if !ok || strings.ContainsAny(to, `\$`) {
		return nil, false
	}
	return computed.Rename(of, re.Re, kept, to)
}

// first is coalesce, of columns and at the end perhaps of a text.
func (r *reader) first(args []*node) computed.Term {
	var out computed.First
	var names []string
	for i, a := range args {
		switch t := r.term(a, ir.Text).(type) {
		case computed.Column:
			out.Of, names = append(out.Of, t), append(names, t.Field.Name)
		case computed.Text:
			if i < len(args)-1 || i == 0 {
				return nil
			}
			out.Else = t
		default:
			return nil
		}
	}
	out.Call = "coalesce(" + strings.Join(names, ", ") + ")"
	return out
}

// hex is tohex of a number in a text, or of 32 bits of it.
func (r *reader) hex(args []*node) computed.Term {
	call := func(n *node, name string, args int) bool {
		return n.kind == nodeCall && n.text == name && len(n.args) == args
	}
	if len(args) != 2 || args[1].text != "8" {
		return nil
	}
	number, part := args[0], false
	if call(number, "binary_and", 2) && number.args[1].text == "4294967295" {
		number, part = number.args[0], true
		if call(number, "binary_shift_right", 2) && number.args[1].text == "32" {
			number = number.args[0]
		}
	}
	if !call(number, "tolong", 1) {
		return nil
	}
	if c, ok := r.term(number.args[0], ir.Text).(computed.Column); ok {
		return computed.Hex{Of: c, Digits: 8, Part: part, Assumption: "kusto/decimal"}
	}
	return nil
}

// place is a text inside a column of JSON.
func (r *reader) place(n *node) computed.Term {
	typ := ir.Dynamic
	base := n
	for base.kind == nodeMember {
		base = base.args[0]
	}
	if base.kind == nodeCall && base.text == "parse_json" {
		typ = ir.JSON
	}
	if v := r.value(n, r.scope()); n.kind == nodeMember && v.kind == valueField && v.via == "" && v.member {
		return computed.Column{Field: ir.Field{Name: v.field.Name, Type: typ}}
	}
	return nil
}
