package pipeline

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"sigmac/internal/lazy"
	"sigmac/internal/suggest"
	"sigmac/ir"
	"sigmac/regex"
)

var valueKinds = map[string]kind{
	"replace_string": {eachItem, func(p *params) transformation {
		x := replaceString{re: p.regexp("regex"), skip: p.flag("skip_special", false), interpret: p.flag("interpret_special", false)}
		x.with = p.replacement("replacement", x.re)
		if x.interpret && !x.skip {
			p.Fail(p.body, "interpret_special belongs to skip_special; without that, wildcards are read anyway")
		}
		return x
	}},
	"map_string": {eachItem, func(p *params) transformation {
		return mapString{p.table("mapping", true, true)}
	}},
	"regex": {eachItem, func(p *params) transformation {
		return toRegexp{p.oneOf("method", "ignore_case_brackets", "plain", "ignore_case_flag", "ignore_case_brackets")}
	}},
	"set_value": {eachItem, func(p *params) transformation {
		v := p.literal("value")
		switch force := p.take("force_type"); {
		case force == nil:
		case p.oneOf("force_type", "", "str", "num") == "str":
			v = p.forced(v, func(s string) any { return s })
		default:
			v = p.forced(v, func(s string) any {
				n, ok := ir.ParseNumber(s)
				if !ok {
					p.Fail(p.take("value"), "%q is no number", s)
				}
				return n
			})
		}
		return setValue{v}
	}},
	"convert_type": {eachItem, func(p *params) transformation {
		return convert{p.oneOf("target_type", "", "str", "num") == "num"}
	}},
	"case": {eachItem, func(p *params) transformation {
		return changeCase{map[string]func(string) string{"lower": strings.ToLower, "upper": strings.ToUpper,
			"snake_case": snakeCase}[p.oneOf("method", "lower", "lower", "upper", "snake_case")]}
	}},
}

// forced is a value by its text.
func (p *params) forced(v any, to func(string) any) any {
	switch v := v.(type) {
	case string:
		return to(v)
	case ir.Number:
		return to(string(v))
	case bool:
		return to(strconv.FormatBool(v))
	}
	p.Fail(p.body, "force_type needs a value")
	return v
}

// written is a pattern as the regular expressions of a pipeline see it: a
// backslash stands for itself, but before a wildcard character each is doubled,
// and one more takes the meaning from that character. So `C:\Users\*` is read
// as it looks, and unwritten gets the same pattern back.
func written(p ir.Pattern) string {
	var b strings.Builder
	for i, q := range p.Parts {
		switch q.Kind {
		case ir.AnyRun:
			b.WriteByte('*')
		case ir.AnyOne:
			b.WriteByte('?')
		case ir.Placeholder:
			b.WriteString("%" + q.Text + "%")
		default:
			slashes := 0
			for _, r := range q.Text {
				if r == '*' || r == '?' {
					b.WriteString(strings.Repeat(`\`, slashes+1))
					slashes = 0
				}
				if b.WriteRune(r); r == '\\' {
					slashes++
				} else {
					slashes = 0
				}
			}
			if i+1 < len(p.Parts) && (p.Parts[i+1].Kind == ir.AnyRun || p.Parts[i+1].Kind == ir.AnyOne) {
				b.WriteString(strings.Repeat(`\`, slashes))
			}
		}
	}
	return b.String()
}

// unwritten reads what written writes, with these placeholders.
func unwritten(s string, placeholders []string) ir.Pattern {
	var parts []ir.Part
	var run strings.Builder // of literal text
	lit := func(s string) { run.WriteString(s) }
	add := func(p ir.Part) {
		parts = append(parts, ir.Part{Text: run.String()}, p)
		run.Reset()
	}
	for i := 0; i < len(s); {
		n := 0
		for i+n < len(s) && s[i+n] == '\\' {
			n++
		}
		if i+n == len(s) || s[i+n] != '*' && s[i+n] != '?' {
			lit(s[i : i+n])
			if i += n; i == len(s) {
				break
			}
			if name, ok := placeholderAt(s[i:], placeholders); ok {
				add(ir.Part{Kind: ir.Placeholder, Text: name})
				i += len(name) + 2
				continue
			}
			_, size := utf8.DecodeRuneInString(s[i:])
			lit(s[i : i+size])
			i += size
			continue
		}
		lit(strings.Repeat(`\`, n/2))
		i += n
		switch {
		case n%2 == 1:
			lit(s[i : i+1])
		case s[i] == '*':
			add(ir.Part{Kind: ir.AnyRun})
		default:
			add(ir.Part{Kind: ir.AnyOne})
		}
		i++
	}
	return ir.NewPattern(false, append(parts, ir.Part{Text: run.String()})...)
}

func placeholderAt(s string, names []string) (string, bool) {
	if s[0] != '%' {
		return "", false
	}
	name, _, ok := strings.Cut(s[1:], "%")
	return name, ok && slices.Contains(names, name)
}

func placeholdersOf(p ir.Pattern) (names []string) {
	for _, q := range p.Parts {
		if q.Kind == ir.Placeholder {
			names = append(names, q.Text)
		}
	}
	return names
}

// replaceString replaces what a pattern finds in texts.
type replaceString struct {
	re              *regex.Python
	with            template
	skip, interpret bool
}

func (x replaceString) apply(r *run) bool {
	return r.eachValue(func(_ ir.Item, pos ir.Pos, t ir.Test) ([]ir.Test, bool) {
		p, ok := t.(ir.Pattern)
		if c, is := t.(ir.Compare); is && c.Op == ir.Eq {
			p, ok = ir.Lit(string(c.Number)), true
		}
		if !ok {
			return nil, false
		}
		var out ir.Pattern
		if x.skip {
			parts := make([]ir.Part, 0, len(p.Parts))
			for _, q := range p.Parts {
				switch {
				case q.Kind != ir.Literal:
					parts = append(parts, q)
				case x.interpret:
					parts = append(parts, unwritten(r.replace(pos, x.re, x.with, written(ir.Lit(q.Text))), nil).Parts...)
				default:
					parts = append(parts, ir.Part{Text: r.replace(pos, x.re, x.with, q.Text)})
				}
			}
			out = ir.NewPattern(p.Cased, parts...)
		} else {
			out = unwritten(r.replace(pos, x.re, x.with, written(p)), placeholdersOf(p))
			out.Cased = p.Cased
		}
		if was, ok := t.(ir.Pattern); ok && slices.Equal(out.Parts, was.Parts) {
			return nil, false
		}
		return []ir.Test{out}, true
	})
}

// mapString replaces texts by a table.
type mapString struct{ table mapping }

func (x mapString) apply(r *run) bool {
	return r.eachValue(func(t ir.Item, _ ir.Pos, test ir.Test) (out []ir.Test, ok bool) {
		p, ok := test.(ir.Pattern)
		if !ok {
			return nil, false
		}
		values, ok := x.table.get(written(p))
		if !ok && t.Field.Name == "" {
			// The wildcards around a keyword are not the rule's.
			if shape, text := p.Shape(); shape == ir.Contains {
				values, ok = x.table.get(written(ir.Lit(text)))
			}
		}
		for _, v := range values {
			q := text(v)
			q.Cased = p.Cased
			out = append(out, q)
		}
		return out, ok
	})
}

// toRegexp makes regular expressions of texts.
type toRegexp struct{ method string }

func (x toRegexp) apply(r *run) bool {
	return r.eachValue(func(t ir.Item, pos ir.Pos, test ir.Test) ([]ir.Test, bool) {
		p, ok := test.(ir.Pattern)
		if !ok || len(p.Parts) == 0 {
			return nil, false
		}
		method := x.method
		if p.Cased {
			method = "plain"
		}
		parts := p.Parts
		before, after := "^", "$"
		if parts[0].Kind == ir.AnyRun {
			before, parts = "", parts[1:]
		}
		if n := len(parts); n == 0 {
			after = ""
		} else if parts[n-1].Kind == ir.AnyRun {
			after, parts = "", parts[:n-1]
		}
		var b strings.Builder
		for _, q := range parts {
			switch q.Kind {
			case ir.AnyRun:
				b.WriteString(".*")
			case ir.AnyOne:
				b.WriteString(".")
			case ir.Placeholder:
				r.fail(pos, "the placeholder %%%s%% has no value yet, and a regular expression of it would have no meaning", q.Text)
			default:
				for _, c := range q.Text {
					switch cases := regex.Cases(c); {
					case method == "ignore_case_brackets" && len(cases) > 1:
						slices.Reverse(cases) // [aA]
						b.WriteString("[" + string(cases) + "]")
					case c < utf8.RuneSelf && !unicode.IsLetter(c) && !unicode.IsDigit(c) && c > ' ' && c != '_':
						b.WriteString(`\` + string(c))
					default:
						b.WriteRune(c)
					}
				}
			}
		}
		source := before + b.String() + after
		if r.err != nil {
			return nil, false
		}
		if source == "" {
			source = ".*"
		}
		re, err := ir.ParseRegexp(source, regex.Flags{IgnoreCase: method == "ignore_case_flag", DotAll: true})
		if err != nil {
			r.fail(pos, "%s", err)
			return nil, false
		}
		return []ir.Test{re}, true
	})
}

// setValue replaces every value.
type setValue struct{ value any }

func (x setValue) apply(r *run) bool {
	test := testOf(x.value)
	return r.each(func(t ir.Item) (ir.Expr, bool) {
		// `exists` is a value with its negation.
		if len(tests(t)) > 0 && tests(t)[0] == (ir.Exists{}) {
			var pos ir.Pos
			ir.Walk(t.X, func(e ir.Expr) { pos = e.(ir.Match).Pos })
			_, nots := negation(t.X)
			neq := slices.ContainsFunc(t.Mods, func(m ir.Modifier) bool { return m.Name == "neq" })
			t.X = ir.Match{Field: t.Field, Test: test, Pos: pos}
			if neq && nots > 0 {
				t.X = ir.Not{X: t.X}
			}
			return t, true
		}
		t.X, _ = ir.Rewrite(t.X, func(e ir.Expr) (ir.Expr, bool) {
			switch e := e.(type) {
			case ir.Match:
				return ir.Match{Field: e.Field, Test: test, Pos: e.Pos}, true
			case ir.Keyword:
				return ir.Keyword{Test: r.keyword(e.Pos, test), Pos: e.Pos}, true
			}
			return e, false
		})
		return t, true
	})
}

// testOf is equality with a value.
func testOf(v any) ir.Test {
	switch v := v.(type) {
	case string:
		return text(v)
	case ir.Number:
		return ir.Compare{Op: ir.Eq, Number: v}
	case bool:
		return ir.Bool{Value: v}
	}
	return ir.Null{}
}

// convert makes texts of numbers or numbers of texts.
type convert struct{ number bool }

func (x convert) apply(r *run) bool {
	return r.eachValue(func(t ir.Item, pos ir.Pos, test ir.Test) ([]ir.Test, bool) {
		switch v := test.(type) {
		case ir.Compare:
			if !x.number && v.Op == ir.Eq {
				return []ir.Test{ir.Lit(string(v.Number))}, true
			}
		case ir.Bool:
			if !x.number {
				return []ir.Test{ir.Lit(strconv.FormatBool(v.Value))}, true
			}
		case ir.Pattern:
			if !x.number {
				return nil, false
			}
			shape, text := v.Shape()
			n, ok := ir.ParseNumber(text)
			if shape != ir.Exact || !ok {
				r.fail(pos, "%q is no number", written(v))
				return nil, false
			}
			return []ir.Test{ir.Compare{Op: ir.Eq, Number: n}}, true
		}
		return nil, false
	})
}

// changeCase changes the case of texts.
type changeCase struct{ change func(string) string }

func (x changeCase) apply(r *run) bool {
	return r.eachValue(func(_ ir.Item, _ ir.Pos, t ir.Test) ([]ir.Test, bool) {
		p, ok := t.(ir.Pattern)
		if !ok {
			return nil, false
		}
		parts := slices.Clone(p.Parts)
		for i, q := range parts {
			if q.Kind == ir.Literal {
				parts[i].Text = x.change(q.Text)
			}
		}
		return []ir.Test{ir.NewPattern(p.Cased, parts...)}, !slices.Equal(parts, p.Parts)
	})
}

// snakeCase is camel_case of camelCase, http_server of HTTPServer.
func snakeCase(s string) string {
	rs := []rune(s)
	var b strings.Builder
	for i, r := range rs {
		lower := func(j int) bool { return j < len(rs) && (unicode.IsLower(rs[j]) || unicode.IsDigit(rs[j])) }
		if i > 0 && unicode.IsUpper(r) && (lower(i-1) || unicode.IsUpper(rs[i-1]) && i+1 < len(rs) && unicode.IsLower(rs[i+1])) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// maxPattern bounds the bytes of a regular expression.
const maxPattern = 10_000

// regexp is a parameter that is a regular expression.
func (p *params) regexp(name string) *regex.Python {
	n := p.need(name)
	if n == nil || n.Kind != yaml.ScalarNode {
		if n != nil {
			p.textOf(name, n)
		}
		return nil
	}
	return p.compile(n)
}

// compile reads the regular expression of a scalar, as Python has it.
func (p *params) compile(n *yaml.Node) *regex.Python {
	if n.Kind != yaml.ScalarNode {
		p.Fail(n, "a regular expression must be a text")
		return nil
	}
	if len(n.Value) > maxPattern {
		p.Fail(n, "not a regular expression: longer than %d bytes", maxPattern)
		return nil
	}
	re, err := regex.ParsePython(n.Value)
	if e := (*regex.Error)(nil); errors.As(err, &e) {
		p.FailIn(n, e.Offset, e.End, "not a regular expression: %s", e.Msg)
		return nil
	}
	return re
}

// maxMatchSteps bounds the steps of all regular expressions of pipelines on a
// rule's values and queries. Tests change it.
var maxMatchSteps = 20_000_000

// A tried counts the steps of regular expressions.
type tried int

// run runs one with the steps that are left.
func (t *tried) run(match func(steps *int)) error {
	left := maxMatchSteps - int(*t)
	if left >= 0 {
		match(&left)
	}
	if *t = tried(maxMatchSteps - left); left < 0 {
		return errors.New("the regular expressions of the pipeline take too many steps")
	}
	return nil
}

// starts is the match of a regular expression at the start of s.
func (r *run) starts(re *regex.Python, s string) (m regex.Match, ok bool) {
	if err := r.tried.run(func(steps *int) { m, ok = re.Start(s, steps) }); err != nil {
		r.fail(r.rule.Source.Pos, "%s", err)
		return m, false
	}
	return m, ok
}

// matches says whether there is one.
func (r *run) matches(re *regex.Python, s string) bool {
	_, ok := r.starts(re, s)
	return ok
}

// replace replaces all matches in s.
func (r *run) replace(pos ir.Pos, re *regex.Python, with template, s string) string {
	out, err := r.replaced(re, with, s)
	if err != nil {
		r.fail(pos, "%s", err)
	}
	if r.grown += max(0, len(out)-len(s)); r.grown > maxReplaced {
		r.fail(pos, "the replacements of the pipeline add more than %d bytes to this rule's values", maxReplaced)
	}
	return out
}

// maxReplaced bounds what a replacement makes of a text, and what all add to those
// of a rule.
const maxReplaced = 1 << 20

// replaced is s with its matches replaced, or s.
func (r *run) replaced(re *regex.Python, with template, s string) (string, error) {
	var b strings.Builder
	made := 0
	err := r.tried.run(func(steps *int) {
		for before, m := range re.All(s, steps) {
			b.WriteString(before)
			if m == nil {
				return
			}
			n := b.Len()
			for _, part := range with {
				text := part.text
				if part.group >= 0 {
					text, _ = m.Group(part.group)
				}
				b.WriteString(text)
			}
			if made += b.Len() - n; made > maxReplaced {
				return
			}
		}
	})
	if made > maxReplaced {
		err = fmt.Errorf("a replacement makes more than %d bytes", maxReplaced)
	}
	if err != nil {
		return s, err
	}
	return b.String(), nil
}

// A template is a replacement: texts and references to groups.
type template []struct {
	text  string
	group int // -1: text
}

// reference is an escape in a replacement: a group by its name, a character in
// octal, a group by its number, another character, or none.
var reference = lazy.Regexp(`(?s)\\(?:g<([^>]*)>|(0[0-7]{0,2}|[0-7]{3})|([1-9][0-9]?)|(.)|)`)

// escapes are the letters behind a backslash that Python knows.
var escapes = map[string]string{"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", `\`: `\`}

// replacement reads a replacement as Python's re.sub has it.
func (p *params) replacement(name string, re *regex.Python) (out template) {
	n := p.need(name)
	if n == nil || re == nil {
		return nil
	}
	s := p.textOf(name, n)
	add := func(text string, group int) {
		out = append(out, struct {
			text  string
			group int
		}{text, group})
	}
	last := 0
	for _, m := range reference().FindAllStringSubmatchIndex(s, -1) {
		add(s[last:m[0]], -1)
		last = m[1]
		part := func(i int) string { return s[max(m[2*i], 0):max(m[2*i+1], 0)] }
		fail := func(format string, args ...any) { p.FailIn(n, m[0], m[1], format, args...) }
		octal, char := part(2), part(4)
		switch {
		case octal != "":
			c, _ := strconv.ParseUint(octal, 8, 32)
			if c > 0o377 {
				fail(`\%s is no character`, octal)
			}
			add(string(rune(c)), -1)
		case escapes[char] != "":
			add(escapes[char], -1)
		case char == "g":
			fail(`a reference is written \g<name>`)
		case char != "" && char[0] < utf8.RuneSelf && unicode.IsLetter(rune(char[0])):
			fail(`\%s has no meaning in a replacement; a backslash is \\`, char)
		case char != "":
			add(`\`+char, -1)
		case m[1] == m[0]+1:
			fail(`a backslash at the end is \\`)
		default:
			ref := part(1) + part(3)
			g, err := strconv.Atoi(ref)
			if err != nil {
				g = slices.Index(re.Names, ref)
			}
			if g < 0 || g >= len(re.Names) || ref == "" {
				fail("the pattern has no group %q%s", ref, suggest.For(ref, re.Named()))
			}
			add("", g)
		}
	}
	add(s[last:], -1)
	return out
}
