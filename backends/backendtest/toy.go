package backendtest

import (
	"encoding/json"
	"net/netip"
	"strconv"
	"strings"
	"text/scanner"

	"sigmac/backends"
	"sigmac/ir"
	"sigmac/regex"
)

// Toy is a language that no SIEM has: a tree in parentheses, behind the name of a
// table. It says what a language needs beside its registration, which is nothing.
//
//	from "T" (and (is "f" "a" * "b") (not (num "n" < 5)))
func Toy() *backends.Target {
	return &backends.Target{
		Name: "toy", Aliases: []string{"lisp"}, Title: "Toy language", Description: "a language of tests", Extension: ".toy",
		Formats: []backends.Format{
			{Name: "default", Description: "one query a line", Emit: emitToy, Caps: backends.Caps{
				Backend:  "toy",
				Pattern:  func(p ir.Pattern) bool { return !p.Has(ir.Placeholder) },
				Regexp:   func(*regex.Re) string { return "a regular expression" },
				CIDRText: true,
			}},
		},
		Samples: []backends.SampleForm{{Name: "toys", Description: "a JSON array", Write: func(events []map[string]any, _ backends.SampleTable) (string, error) {
			text, err := json.Marshal(events)
			return string(text) + "\n", err
		}}},
		Scope:   []backends.ScopeKey{{Key: "query_table", Part: func(s *ir.Scope) *string { return &s.Table }, Tells: true}},
		Columns: backends.Columns{Table: func(s ir.Scope) string { return s.Table }},
		World:   func(ir.Type) backends.World { return backends.World{Several: true} },
		Read:    readToy,
	}
}

func emitToy(r *ir.Rule) (out []backends.Doc, err error) {
	rest := r.Scope
	rest.Table = ""
	if err := backends.Foreign("toy", rest, r.Source.Pos); err != nil {
		return nil, err
	}
	head := ""
	if r.Scope.Table != "" {
		head = "from " + strconv.Quote(r.Scope.Table) + " "
	}
	for _, c := range r.Conditions {
		d := toyDoc(c.Expr)
		d.Head = head
		out = append(out, d)
	}
	return out, nil
}

func toyDoc(e ir.Expr) backends.Doc {
	group := func(op string, es []ir.Expr) backends.Doc {
		d := backends.Doc{Open: "(" + op + " "}
		for _, x := range es {
			d.Parts = append(d.Parts, toyDoc(x))
		}
		return d
	}
	switch e := e.(type) {
	case ir.And:
		return group("and", e)
	case ir.Or:
		return group("or", e)
	case ir.Not:
		return group("not", []ir.Expr{e.X})
	case ir.Match:
		words := toyTest(e.Test)
		return backends.Doc{Text: "(" + words[0] + " " + strings.Join(append([]string{strconv.Quote(e.Field.Name)}, words[1:]...), " ") + ")"}
	}
	panic("toy: not legal")
}

func toyTest(t ir.Test) []string {
	switch t := t.(type) {
	case ir.Pattern:
		words := []string{"is"}
		if t.Cased {
			words[0] = "cased"
		}
		for _, p := range t.Parts {
			switch p.Kind {
			case ir.AnyRun:
				words = append(words, "*")
			case ir.AnyOne:
				words = append(words, "?")
			default:
				words = append(words, strconv.Quote(p.Text))
			}
		}
		return words
	case ir.Compare:
		return []string{"num", t.Op.String(), strconv.Quote(string(t.Number))}
	case ir.Bool:
		return []string{"bool", strconv.FormatBool(t.Value)}
	case ir.CIDR:
		return []string{"net", strconv.Quote(t.Net.String())}
	case ir.Null:
		return []string{"null"}
	case ir.Exists:
		return []string{"exists"}
	}
	panic("toy: not legal")
}

// readToy reads by recursive descent.
func readToy(query string, s ir.Schema) (q *ir.Query, err error) {
	r := &toyReader{schema: s}
	r.Init(strings.NewReader(query))
	r.Mode = scanner.ScanIdents | scanner.ScanStrings
	r.Error = func(_ *scanner.Scanner, msg string) { r.fail(msg) }
	defer func() {
		if e, ok := recover().(*ir.Diagnostic); ok {
			q, err = nil, e
		}
	}()
	q = &ir.Query{}
	r.next()
	if r.word == "from" {
		r.next()
		q.Scope.Table = r.text()
	}
	r.table = q.Scope.Table
	q.Where = r.expr(0)
	if r.token != scanner.EOF {
		r.fail("expected the end")
	}
	return q, nil
}

type toyReader struct {
	scanner.Scanner
	schema ir.Schema
	table  string
	token  rune
	word   string
}

func (r *toyReader) fail(msg string) {
	at := r.Position
	if !at.IsValid() {
		at = r.Pos()
	}
	panic(&ir.Diagnostic{Pos: ir.Pos{Line: at.Line, Column: at.Column}, Msg: msg})
}

func (r *toyReader) next() {
	r.token = r.Scan()
	r.word = r.TokenText()
}

func (r *toyReader) take(word string) {
	if r.word != word {
		r.fail("expected " + word)
	}
	r.next()
}

func (r *toyReader) text() string {
	s, err := strconv.Unquote(r.word)
	if err != nil {
		r.fail("expected a text")
	}
	r.next()
	return s
}

func (r *toyReader) expr(depth int) (e ir.Expr) {
	if depth > 1000 {
		r.fail("too deep")
	}
	r.take("(")
	op := r.word
	r.next()
	switch op {
	case "and", "or", "not":
		var es []ir.Expr
		for r.word == "(" {
			es = append(es, r.expr(depth+1))
		}
		switch {
		case op == "and":
			e = ir.And(es)
		case op == "or":
			e = ir.Or(es)
		case len(es) != 1:
			r.fail("not takes one")
		default:
			e = ir.Not{X: es[0]}
		}
	default:
		name := r.text()
		typ, _ := r.schema.Type(r.table, name)
		e = ir.Match{Field: ir.Field{Name: name, Type: typ}, Test: r.test(op)}
	}
	r.take(")")
	return e
}

func (r *toyReader) test(op string) ir.Test {
	switch op {
	case "is", "cased":
		var parts []ir.Part
		for r.word != ")" {
			switch r.word {
			case "*":
				parts = append(parts, ir.Part{Kind: ir.AnyRun})
				r.next()
			case "?":
				parts = append(parts, ir.Part{Kind: ir.AnyOne})
				r.next()
			default:
				parts = append(parts, ir.Part{Text: r.text()})
			}
		}
		return ir.NewPattern(op == "cased", parts...)
	case "num":
		ops := map[string]ir.Op{"=": ir.Eq, "<": ir.Lt, "<=": ir.Lte, ">": ir.Gt, ">=": ir.Gte}
		sign := r.word
		for r.next(); r.word == "="; r.next() {
			sign += "="
		}
		o, ok := ops[sign]
		if !ok {
			r.fail("no relation is written " + sign)
		}
		return ir.Compare{Op: o, Number: ir.Number(r.text())}
	case "bool":
		is := r.word == "true"
		r.next()
		return ir.Bool{Value: is}
	case "net":
		p, err := netip.ParsePrefix(r.text())
		if err != nil {
			r.fail("no network")
		}
		return ir.CIDR{Net: p}
	case "null":
		return ir.Null{}
	case "exists":
		return ir.Exists{}
	}
	r.fail("no test is named " + op)
	return nil
}
