package ir

import (
	"fmt"
	"strconv"
	"strings"

	"sigmac/regex"
)

// The String methods print S-expressions: debugging and goldens show them, and
// two expressions are the same when they print the same.

// String lists the detections of r and its conditions, one a line.
func (r *Rule) String() string {
	var b strings.Builder
	for _, d := range r.Detections {
		fmt.Fprintf(&b, "detection %s %s\n", symbol(d.Name), d.Expr)
	}
	for _, c := range r.Conditions {
		fmt.Fprintf(&b, "condition %s\n", c.Expr)
	}
	return b.String()
}

func list(head string, n int, at func(int) string) string {
	var b strings.Builder
	b.WriteString("(" + head)
	for i := range n {
		b.WriteString(" " + at(i))
	}
	b.WriteString(")")
	return b.String()
}

func (e And) String() string { return list("and", len(e), func(i int) string { return e[i].String() }) }
func (e Or) String() string  { return list("or", len(e), func(i int) string { return e[i].String() }) }
func (e Not) String() string { return "(not " + e.X.String() + ")" }

func (e Match) String() string   { return "(match " + e.Field.String() + " " + e.Test.String() + ")" }
func (e Keyword) String() string { return "(keyword " + e.Test.String() + ")" }
func (e Ref) String() string     { return "(ref " + symbol(e.Name) + ")" }

func (e Of) String() string {
	head := "1-of "
	if e.All {
		head = "all-of "
	}
	return list(head+symbol(e.Pattern), len(e.Names), func(i int) string { return symbol(e.Names[i]) })
}

func (e Item) String() string {
	name := symbol(e.Field.Name)
	for _, m := range e.Mods {
		name += "|" + m.Name
	}
	return "(item " + name + " " + e.X.String() + ")"
}

func (f Field) String() string {
	if f.Type == Unknown {
		return symbol(f.Name)
	}
	return symbol(f.Name) + ":" + f.Type.String()
}

func symbol(s string) string {
	if s != "" && strings.IndexFunc(s, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune("()\":|", r)
	}) < 0 {
		return s
	}
	return strconv.Quote(s)
}

func (p Pattern) String() string {
	var b strings.Builder
	b.WriteString("(pattern")
	if p.Cased {
		b.WriteString(" cased")
	}
	if len(p.Parts) == 0 {
		b.WriteString(` ""`)
	}
	for _, q := range p.Parts {
		switch q.Kind {
		case AnyRun:
			b.WriteString(" *")
		case AnyOne:
			b.WriteString(" ?")
		case Placeholder:
			b.WriteString(" %" + q.Text + "%")
		default:
			b.WriteString(" " + strconv.Quote(q.Text))
		}
	}
	b.WriteString(")")
	return b.String()
}

func (t Regexp) String() string {
	if t.Source == "" && t.Re != nil {
		return "(re " + strconv.Quote(regex.Print(t.Re, regex.PCRE)) + ")"
	}
	flags := ""
	if t.Flags.IgnoreCase {
		flags += "i"
	}
	if t.Flags.Multiline {
		flags += "m"
	}
	if t.Flags.DotAll {
		flags += "s"
	}
	if flags != "" {
		flags = " " + flags
	}
	return "(re" + flags + " " + strconv.Quote(t.Source) + ")"
}

func (t CIDR) String() string    { return "(cidr " + t.Net.String() + ")" }
func (t Compare) String() string { return fmt.Sprintf("(%s %s)", t.Op, t.Number) }
func (t Bool) String() string    { return strconv.FormatBool(t.Value) }
func (Null) String() string      { return "null" }
func (Exists) String() string    { return "exists" }

func (t FieldRef) String() string {
	head := "(fieldref "
	if t.Cased {
		head += "cased "
	}
	return head + [...]string{"", "startswith ", "endswith ", "contains "}[t.Shape] + t.Other.String() + ")"
}

func (t TimePart) String() string { return fmt.Sprintf("(%s %s %s)", t.Part, t.Op, t.Number) }

func (t Windash) String() string      { return "(windash " + t.X.String() + ")" }
func (t Base64Offset) String() string { return "(base64offset " + t.X.String() + ")" }
func (t Encode) String() string       { return "(" + t.As.String() + " " + t.X.String() + ")" }
