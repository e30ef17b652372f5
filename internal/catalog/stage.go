package catalog

import (
	"slices"
	"strings"

	"sigmac/ir"
)

// bodies finds the parts of a rule in its file.
type bodies struct {
	rule *ir.Rule
	src  []byte
}

// stages are the condition as it is written, and then a stage for each conjunct
// of it, in its order: one for each detection of `all of`, `not P` for `not 1 of
// P`, and everything else under its own text; then one for each filter that is joined to
// the rule.
func (b *bodies) stages() []Stage {
	var texts []string
	for _, c := range b.rule.Conditions {
		texts = append(texts, c.Text)
	}
	out := []Stage{{Label: "condition", Body: strings.Join(texts, "\n")}}
	for _, c := range b.rule.Conditions {
		own, _ := b.rule.Parts(c)
		for _, part := range Conjuncts(own) {
			if slices.ContainsFunc(out[1:], func(s Stage) bool { return s.Label == part.Label }) {
				continue // of another condition
			}
			s := Stage{Label: part.Label, Predicates: Predicates(inlined(b.rule, part.Expr))}
			var bodies []string
			for _, name := range part.Names {
				bodies = append(bodies, b.body(name))
			}
			s.Body = strings.Join(bodies, "\n")
			out = append(out, s)
		}
	}
	if len(b.rule.Conditions) == 0 {
		return out
	}
	_, joined := b.rule.Parts(b.rule.Conditions[0])
	for i, f := range b.rule.Filters {
		of := FilterOf(f)
		s := Stage{Label: "filter " + f.Called(), Filter: &of, Predicates: Predicates(inlined(b.rule, joined[i]))}
		var texts []string
		for _, d := range b.rule.Detections {
			if d.Filter == f {
				texts = append(texts, b.body(d.Name))
			}
		}
		s.Body = strings.Join(append(texts, "condition: "+f.Conditions[0].Text), "\n")
		out = append(out, s)
	}
	return out
}

// A Conjunct is a part of a condition that every event must pass.
type Conjunct struct {
	Label string
	Names []string // of its detections
	Expr  ir.Expr
}

// Conjuncts are those of a condition, in its order: one for each detection of
// `all of`, `not P` for `not 1 of P`, and everything else under its own text.
func Conjuncts(e ir.Expr) (out []Conjunct) {
	switch x := e.(type) {
	case ir.And:
		for _, y := range x {
			out = append(out, Conjuncts(y)...)
		}
		return out
	case ir.Of:
		if x.All {
			for _, name := range x.Names {
				out = append(out, Conjunct{name, []string{name}, ir.Ref{Name: name}})
			}
			return out
		}
	case ir.Not:
		if of, ok := x.X.(ir.Of); ok && !of.All {
			return []Conjunct{{"not " + of.Pattern, of.Names, e}}
		}
	}
	return []Conjunct{{conditionText(e, false), ir.Named(e), e}}
}

// Predicates are those of an expression, in its order, each once.
func Predicates(e ir.Expr) (out []Predicate) {
	add := func(ps ...Predicate) {
		for _, p := range ps {
			if !slices.ContainsFunc(out, func(q Predicate) bool { return comparePredicates(p, q) == 0 }) {
				out = append(out, p)
			}
		}
	}
	ir.Visit(e, func(e ir.Expr, _ bool) bool {
		switch e := e.(type) {
		case ir.Item:
			add(itemPredicates(e)...)
			return false
		case ir.Match, ir.Keyword:
			add(leafPredicate(e))
		}
		return true
	})
	return out
}

// conditionText writes a condition; inside says whether another operator stands
// around it.
func conditionText(e ir.Expr, inside bool) string {
	group := func(es []ir.Expr, op string) string {
		var parts []string
		for _, x := range es {
			parts = append(parts, conditionText(x, true))
		}
		s := strings.Join(parts, op)
		if inside && len(es) > 1 {
			return "(" + s + ")"
		}
		return s
	}
	switch e := e.(type) {
	case ir.And:
		return group(e, " and ")
	case ir.Or:
		return group(e, " or ")
	case ir.Not:
		return "not " + conditionText(e.X, true)
	case ir.Ref:
		return e.Name
	case ir.Of:
		if e.All {
			return "all of " + e.Pattern
		}
		return "1 of " + e.Pattern
	}
	return e.String()
}

// body is a detection as it stands in the file, without comments and without
// what it is indented by.
func (b *bodies) body(name string) string {
	i := slices.IndexFunc(b.rule.Detections, func(d ir.Detection) bool { return d.Name == name })
	if i < 0 {
		return ""
	}
	src := b.src
	if f := b.rule.Detections[i].Filter; f != nil {
		src = f.Text
	}
	if src == nil {
		return ""
	}
	lines := strings.Split(string(src), "\n")
	first := b.rule.Detections[i].Pos.Line - 1
	if first < 0 || first >= len(lines) {
		return ""
	}
	indent := indentOf(lines[first])
	end := first + 1
	for ; end < len(lines); end++ {
		l := strings.TrimRight(lines[end], " \t\r")
		if n := indentOf(l); l != "" && (l == "---" || l == "..." || n < indent || n == indent && !strings.HasPrefix(l[n:], "-") && !strings.HasPrefix(l[n:], "#")) {
			break
		}
	}
	out := withoutComments(lines[first:end])
	for len(out) > 0 && out[len(out)-1] == "" {
		out = out[:len(out)-1]
	}
	for i, l := range out {
		out[i] = l[min(indent, indentOf(l)):]
	}
	return strings.Join(out, "\n")
}

func indentOf(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }

// withoutComments is lines of YAML without their comments. A `#` in quotes or in
// a block text is none.
func withoutComments(lines []string) (out []string) {
	quote := byte(0) // that is open at the end of the line before
	block := -1      // the indentation of what a block text belongs to
	for _, l := range lines {
		l = strings.TrimRight(l, " \t\r")
		if block >= 0 {
			if l == "" || indentOf(l) > block {
				out = append(out, l)
				continue
			}
			block = -1
		}
		cut := len(l)
		for i := 0; i < len(l) && cut == len(l); i++ {
			c := l[i]
			switch {
			case quote == '"' && c == '\\':
				i++
			case quote != 0:
				if c == quote {
					quote = 0
				}
			case (c == '"' || c == '\'') && startsScalar(l[:i]):
				quote = c
			case c == '#' && (i == 0 || l[i-1] == ' ' || l[i-1] == '\t'):
				cut = i
			}
		}
		kept := strings.TrimRight(l[:cut], " \t")
		if kept == "" && cut < len(l) {
			continue
		}
		if quote == 0 && opensBlock(kept) {
			block = indentOf(kept)
		}
		out = append(out, kept)
	}
	return out
}

// startsScalar says whether a quote after this text opens one: elsewhere it is a
// character of a plain text.
func startsScalar(before string) bool {
	before = strings.TrimRight(before, " \t")
	return before == "" || strings.HasSuffix(before, ":") || strings.HasSuffix(before, "-") || strings.HasSuffix(before, ",") ||
		strings.HasSuffix(before, "[") || strings.HasSuffix(before, "{")
}

// opensBlock says whether a line ends with the head of a block text, `|` or `>`.
func opensBlock(line string) bool {
	words := strings.Fields(line)
	if len(words) < 2 {
		return false
	}
	head := words[len(words)-1]
	before := words[len(words)-2]
	return (head[0] == '|' || head[0] == '>') && strings.Trim(head[1:], "+-0123456789") == "" &&
		(strings.HasSuffix(before, ":") || before == "-")
}
