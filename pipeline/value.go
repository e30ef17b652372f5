package pipeline

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/dlclark/regexp2"
	"gopkg.in/yaml.v3"

	"sigmac/internal/suggest"
	"sigmac/ir"
	"sigmac/regex"
)

var valueKinds = map[string]kind{
	"replace_string": {eachItem, func(p *params) transformation {
		x := replaceString{re: p.regexp("regex"), skip: p.flag("skip_special", false), interpret: p.flag("interpret_special", false)}
		x.with = p.replacement("replacement", x.re)
		if x.interpret && !x.skip {
			p.Fail(p.pos, "interpret_special belongs to skip_special; without that, wildcards are read anyway")
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
					p.Fail(posOf(p.take("value")), "%q is no number", s)
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
	p.Fail(p.pos, "force_type needs a value")
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
	re              *pattern
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

// A pattern is a regular expression as Python has it. Groups are numbered by
// their parentheses, named ones too.
type pattern struct {
	re     *regexp2.Regexp // matches anywhere
	start  *regexp2.Regexp // matches at the start
	groups int
	names  []string       // in order
	number map[string]int // of the names
}

// The limits of a pattern. One that backtracks without end is stopped.
const (
	maxPattern     = 10_000
	maxPatternDeep = 250
	patternTimeout = time.Second
)

// regexp is a parameter that is a regular expression.
func (p *params) regexp(name string) *pattern {
	n := p.need(name)
	if n == nil || n.Kind != yaml.ScalarNode {
		if n != nil {
			p.textOf(name, n)
		}
		return nil
	}
	return p.compile(n)
}

// compile reads the regular expression of a scalar.
func (p *params) compile(n *yaml.Node) *pattern {
	if n.Kind != yaml.ScalarNode {
		p.Fail(posOf(n), "a regular expression must be a text")
		return nil
	}
	re, offset, err := compile(n.Value)
	if err != nil {
		p.Fail(p.Locate(n, offset), "not a regular expression: %s", err)
		return nil
	}
	return re
}

// compile translates Python's named groups, for which the library has other
// numbers; offset says where an error is.
func compile(source string) (p *pattern, offset int, err error) {
	p = &pattern{number: map[string]int{}}
	if len(source) > maxPattern {
		return nil, 0, fmt.Errorf("longer than %d bytes", maxPattern)
	}
	var b strings.Builder
	depth, class := 0, false
	for i := 0; i < len(source); i++ {
		c, rest := source[i], source[i:]
		switch {
		case c == '\\' && len(rest) > 1:
			if i++; rest[1] == 'Z' {
				b.WriteString(`\z`)
			} else {
				b.WriteString(rest[:2])
			}
			continue
		case class:
			class = c != ']'
		case c == '[':
			class = true
			for _, first := range []string{"[^]", "[]", "[^"} {
				if strings.HasPrefix(rest, first) {
					b.WriteString(strings.ReplaceAll(first, "]", `\]`))
					i += len(first) - 1
					c = 0
					break
				}
			}
			if c == 0 {
				continue
			}
		case strings.HasPrefix(rest, "(?P<"):
			name, _, ok := strings.Cut(rest[4:], ">")
			if !ok || !isName(name) || p.number[name] > 0 {
				return nil, i, fmt.Errorf("a group with a bad name")
			}
			p.groups++
			p.names, p.number[name] = append(p.names, name), p.groups
			b.WriteByte('(')
			i += len("(?P<>") + len(name) - 1
			depth++
			continue
		case strings.HasPrefix(rest, "(?P="):
			name, _, ok := strings.Cut(rest[4:], ")")
			if !ok || p.number[name] == 0 {
				return nil, i, fmt.Errorf("a reference to a group that there is not")
			}
			fmt.Fprintf(&b, `(?:\%d)`, p.number[name])
			i += len("(?P=)") + len(name) - 1
			continue
		case strings.HasPrefix(rest, "(?<") && !strings.HasPrefix(rest, "(?<=") && !strings.HasPrefix(rest, "(?<!"), strings.HasPrefix(rest, "(?'"):
			return nil, i, fmt.Errorf("a named group is written (?P<name>…)")
		case c == '(':
			if depth++; !strings.HasPrefix(rest, "(?") {
				p.groups++
			}
		case c == ')':
			depth--
		}
		if depth > maxPatternDeep {
			return nil, i, fmt.Errorf("nested more than %d deep", maxPatternDeep)
		}
		b.WriteByte(c)
	}
	if p.re, err = regexp2.Compile(b.String(), regexp2.None); err != nil {
		return nil, 0, err
	}
	if p.start, err = regexp2.Compile(`\G(?:`+b.String()+")", regexp2.None); err != nil {
		return nil, 0, err
	}
	p.re.MatchTimeout, p.start.MatchTimeout = patternTimeout, patternTimeout
	return p, 0, nil
}

func isName(s string) bool {
	for i, r := range s {
		if r != '_' && !unicode.IsLetter(r) && (i == 0 || !unicode.IsDigit(r)) {
			return false
		}
	}
	return s != ""
}

// timed tries a match again that was stopped. The library counts by the clock: it
// may take a deadline that is long past, where two matches are the first after a
// pause, and a machine that is busy or suspended uses up a match's time. Only one
// that had all its time twice is given up.
func timed[T any](match func() (T, error)) (out T, err error) {
	long := 0
	for range 5 {
		start := time.Now()
		if out, err = match(); err == nil {
			break
		}
		if time.Since(start) >= patternTimeout {
			long++
		}
		if long == 2 {
			break
		}
	}
	return out, err
}

// maxRead bounds the bytes of a rule's values, all together, that the regular
// expressions of pipelines look at. Tests change it.
var maxRead = 64 << 20

// reads counts what a regular expression is about to look at.
func (r *run) reads(pos ir.Pos, s string) bool {
	if r.looked += len(s); r.looked > maxRead {
		r.fail(pos, "the regular expressions of the pipeline look at more than %d MiB of this rule's values", maxRead>>20)
	}
	return r.err == nil
}

// starts says whether s matches at its start.
func (r *run) starts(p *pattern, s string) bool {
	if !r.reads(r.rule.Source.Pos, s) {
		return false
	}
	ok, err := timed(func() (bool, error) { return p.start.MatchString(s) })
	if err != nil {
		r.fail(r.rule.Source.Pos, "a regular expression of the pipeline takes too long on %q", s)
	}
	return ok
}

// groups are the named groups of a match at the start of s; nil for one that
// took no part.
func (r *run) groups(p *pattern, s string) ([]*string, bool) {
	if !r.reads(r.rule.Source.Pos, s) {
		return nil, false
	}
	m, err := timed(func() (*regexp2.Match, error) { return p.start.FindStringMatch(s) })
	if err != nil {
		r.fail(r.rule.Source.Pos, "a regular expression of the pipeline takes too long on %q", s)
	}
	if m == nil {
		return nil, false
	}
	out := make([]*string, len(p.names))
	for i, name := range p.names {
		if g := m.GroupByNumber(p.number[name]); g != nil && len(g.Captures) > 0 {
			text := g.String()
			out[i] = &text
		}
	}
	return out, true
}

// replace replaces all matches in s.
func (r *run) replace(pos ir.Pos, p *pattern, with template, s string) string {
	if !r.reads(pos, s) {
		return s
	}
	out, err := p.replace(with, s)
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

func (p *pattern) replace(with template, s string) (string, error) {
	total := 0
	out, err := timed(func() (string, error) {
		total = 0
		return p.re.ReplaceFunc(s, func(m regexp2.Match) string {
			var b strings.Builder
			for _, part := range with {
				if part.group < 0 {
					b.WriteString(part.text)
				} else if g := m.GroupByNumber(part.group); g != nil {
					b.WriteString(g.String())
				}
			}
			if total += b.Len(); total > maxReplaced {
				return ""
			}
			return b.String()
		}, -1, -1)
	})
	switch {
	case err != nil:
		return s, fmt.Errorf("a regular expression of the pipeline takes too long on a text of %d bytes", len(s))
	case total > maxReplaced:
		return s, fmt.Errorf("a replacement makes more than %d bytes", maxReplaced)
	}
	return out, nil
}

// A template is a replacement: texts and references to groups.
type template []struct {
	text  string
	group int // -1: text
}

// replacement reads a replacement as Python's re.sub has it.
func (p *params) replacement(name string, re *pattern) (out template) {
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
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			add(s[i:i+1], -1)
			continue
		}
		at := i
		i++
		ref := ""
		switch c := s[i]; {
		case c == '\\':
			add(`\`, -1)
			continue
		case c >= '1' && c <= '9':
			ref = s[i : i+1]
			if i+1 < len(s) && s[i+1] >= '0' && s[i+1] <= '9' {
				i++
				ref += s[i : i+1]
			}
		case c == 'g':
			var ok bool
			if !strings.HasPrefix(s[i+1:], "<") {
				p.Fail(p.Locate(n, at), `a reference is written \g<name>`)
				return out
			}
			if ref, _, ok = strings.Cut(s[i+2:], ">"); !ok {
				p.Fail(p.Locate(n, at), `a reference is written \g<name>`)
				return out
			}
			i += len(ref) + 2
		case strings.IndexByte("abfnrtv0", c) >= 0:
			add(map[byte]string{'a': "\a", 'b': "\b", 'f': "\f", 'n': "\n", 'r': "\r", 't': "\t", 'v': "\v", '0': "\x00"}[c], -1)
			continue
		case c < utf8.RuneSelf && unicode.IsLetter(rune(c)):
			p.Fail(p.Locate(n, at), `\%c has no meaning in a replacement; a backslash is \\`, c)
			continue
		default:
			add(s[at:i+1], -1)
			continue
		}
		g, err := strconv.Atoi(ref)
		if err != nil {
			g = re.number[ref]
		}
		if g < 0 || g > re.groups || g == 0 && ref != "0" {
			p.Fail(p.Locate(n, at), "the pattern has no group %q%s", ref, suggest.For(ref, re.names))
			continue
		}
		add("", g)
	}
	return out
}
