package read

import (
	"slices"
	"strings"
)

// A formula is a node of an expression of eval.
//
// op is "num", "str", "field", "call" (text is the function's name), "open" (a
// macro, a subsearch, or a text of which it is open what it stands for), an
// operator, or "neg" for the sign.
type formula struct {
	op, text string
	args     []*formula
	lo, hi   int
	re       string   // "str": the same as a regular expression
	other    *formula // "str": what else it may stand for, or nil
}

// An evalToken is a number, a string, a field in quotes, a word, a mark or, foreign,
// a macro or a subsearch.
type evalToken struct {
	kind   tokenKind
	text   string
	lo, hi int
}

type tokenKind uint8

const (
	tokenEnd tokenKind = iota
	tokenNumber
	tokenString
	tokenField
	tokenWord
	tokenMark
	tokenForeign
)

// An evaluator reads an expression of eval, from its tokens.
type evaluator struct {
	*source
	tokens []evalToken // of which the first n are read
	n      int
	depth  int
}

func (s *source) formula(lo, hi int) *formula {
	p := &evaluator{source: s}
	p.lex(lo, hi)
	n := p.binary(0)
	if t := p.next(); t.kind != tokenEnd {
		p.fail(t.lo, "%q where an operator should stand", t.text)
	}
	return n
}

func (p *evaluator) next() evalToken { return p.tokens[p.n] }

// behind is the end of what is read.
func (p *evaluator) behind() int { return p.tokens[p.n-1].hi }

func (p *evaluator) lex(lo, hi int) {
	add := func(kind tokenKind, text string, lo, hi int) {
		p.tokens = append(p.tokens, evalToken{kind, text, lo, hi})
	}
	for i := lo; i < hi; {
		c := p.text[i]
		j := i + 1
		span := func(in func(byte) bool) {
			for j < hi && in(p.text[j]) {
				j++
			}
		}
		digit := func(c byte) bool { return '0' <= c && c <= '9' }
		switch {
		case isSpace(c):
		case c == '"':
			j = p.past(i, hi)
			add(tokenString, p.text[i+1:j-1], i, j)
		case c == '\'':
			n := strings.IndexByte(p.text[j:hi], '\'')
			if n < 0 {
				p.fail(i, "a field in quotes without its end")
			}
			j += n + 1
			add(tokenField, p.text[i+1:j-1], i, j)
		case c == '`':
			j = p.past(i, hi)
			add(tokenForeign, p.text[i:j], i, j)
		case c == '[':
			j = p.bracket(i, hi)
			add(tokenForeign, p.text[i:j], i, j)
		case digit(c) || c == '.' && j < hi && digit(p.text[j]):
			span(digit)
			if c != '.' && j+1 < hi && p.text[j] == '.' && digit(p.text[j+1]) {
				j++
				span(digit)
			}
			add(tokenNumber, p.text[i:j], i, j)
		case isWord(c):
			span(func(c byte) bool { return isWord(c) || c == '{' || c == '}' })
			add(tokenWord, p.text[i:j], i, j)
		default:
			if j < hi && slices.Contains([]string{"==", "!=", "<=", ">="}, p.text[i:j+1]) {
				j++
			}
			if strings.IndexByte("=!<>()+-*/%.,", c) < 0 || p.text[i:j] == "!" {
				p.fail(i, "%q where an expression of eval should stand", c)
			}
			add(tokenMark, p.text[i:j], i, j)
		}
		i = j
	}
	add(tokenEnd, "the end", hi, hi)
}

// levels are the binary operators from the loosest to the tightest; NOT stands
// between AND and the comparisons (Search Manual: Boolean expressions with
// logical operators).
var levels = [][]string{
	{"xor"}, {"or"}, {"and"}, {"not"},
	{"=", "==", "!=", "<", "<=", ">", ">=", "like", "in"},
	{"+", "-", "."}, {"*", "/", "%"},
}

const notLevel, compareLevel = 3, 4

// take takes one of ops, written in any case, and returns it.
func (p *evaluator) take(ops ...string) string {
	t := p.next()
	if t.kind == tokenWord || t.kind == tokenMark {
		if s := strings.ToLower(t.text); slices.Contains(ops, s) {
			p.n++
			return s
		}
	}
	return ""
}

func (p *evaluator) enter(at int) {
	if p.depth++; p.depth > readDepth {
		p.fail(at, "nested too deep")
	}
}

func (p *evaluator) binary(level int) *formula {
	if level == len(levels) {
		return p.unary()
	}
	lo := p.next().lo
	if level == notLevel {
		if p.take("not") == "" {
			return p.binary(level + 1)
		}
		p.enter(lo)
		x := p.binary(level)
		p.depth--
		return &formula{op: "not", args: []*formula{x}, lo: lo, hi: x.hi}
	}
	x := p.binary(level + 1)
	for {
		op := p.take(levels[level]...)
		if op == "" {
			return x
		}
		if op == "==" {
			op = "="
		}
		if op == "in" {
			open := p.next().lo
			if p.take("(") == "" {
				p.fail(open, "`(` is missing behind IN")
			}
			return &formula{op: "in", args: append([]*formula{x}, p.list(open)...), lo: lo, hi: p.behind()}
		}
		y := p.binary(level + 1)
		if x.op == op && level < notLevel {
			x.args, x.hi = append(x.args, y), y.hi
		} else {
			x = &formula{op: op, args: []*formula{x, y}, lo: lo, hi: y.hi}
		}
		if level == compareLevel {
			return x
		}
	}
}

func (p *evaluator) unary() *formula {
	lo := p.next().lo
	if sign := p.take("-", "+"); sign != "" {
		p.enter(lo)
		x := p.unary()
		p.depth--
		if sign == "+" {
			return x
		}
		return &formula{op: "neg", args: []*formula{x}, lo: lo, hi: x.hi}
	}
	t := p.next()
	p.n++
	word := strings.ToLower(t.text)
	operator := word == "and" || word == "or" || word == "xor" || word == "not"
	switch {
	case t.kind == tokenNumber:
		return &formula{op: "num", text: t.text, lo: lo, hi: t.hi}
	case t.kind == tokenString:
		return constant(t.text, lo, t.hi)
	case t.kind == tokenField && t.text != "":
		return &formula{op: "field", text: t.text, lo: lo, hi: t.hi}
	case t.kind == tokenForeign:
		return &formula{op: "open", lo: lo, hi: t.hi}
	case t.kind == tokenMark && t.text == "(":
		p.enter(lo)
		x := p.binary(0)
		p.depth--
		if p.take(")") == "" {
			p.fail(lo, "`(` without `)`")
		}
		x.lo, x.hi = lo, p.behind()
		return x
	case t.kind == tokenWord && !operator && p.next().kind == tokenMark && p.next().text == "(":
		open := p.next().lo
		p.n++
		return &formula{op: "call", text: word, args: p.list(open), lo: lo, hi: p.behind()}
	case t.kind == tokenWord && !operator:
		return &formula{op: "field", text: t.text, lo: lo, hi: t.hi}
	case t.kind == tokenEnd:
		p.fail(lo, "an expression of eval is missing")
	}
	p.fail(lo, "%q where an expression of eval should stand", t.text)
	return nil
}

// list reads arguments up to the `)` that belongs to open.
func (p *evaluator) list(open int) (args []*formula) {
	p.enter(open)
	for p.take(")") == "" {
		if len(args) > 0 && p.take(",") == "" {
			p.fail(open, "`(` without `)`")
		}
		args = append(args, p.binary(0))
	}
	p.depth--
	return args
}

// constant is a string of eval, s between its quotes. A backslash undoes a quote
// and itself, and `\t` is a tab; most others keep theirs, as `\d` does on its way
// to a regular expression (Search Manual: Types of expressions; SPL and regular
// expressions). Of the other letters that stand for a character elsewhere it is
// not written down, so those have two readings; a regular expression means the
// same by both, save that `\b` is its word boundary.
func constant(s string, lo, hi int) *formula {
	re, open := unescape(s)
	if open {
		return &formula{op: "open", lo: lo, hi: hi}
	}
	n := &formula{op: "str", lo: lo, hi: hi, re: re}
	kept, undone := unescapeText(s)
	if n.text = kept; undone != kept {
		n.other = &formula{op: "str", text: undone, lo: lo, hi: hi}
	}
	return n
}

// unescapeText undoes the escapes of a text in eval: those that are written down,
// and these and the others.
func unescapeText(s string) (kept, undone string) {
	const letters, meant = "abfnrv0", "\a\b\f\n\r\v\x00"
	var k, u strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '\\' && i+1 < len(s) {
			next := s[i+1]
			switch at := strings.IndexByte(letters, next); {
			case next == '"' || next == '\\':
				i, c = i+1, next
			case next == 't':
				i, c = i+1, '\t'
			case at >= 0:
				i++
				k.WriteString(s[i-1 : i+1])
				u.WriteByte(meant[at])
				continue
			}
		}
		k.WriteByte(c)
		u.WriteByte(c)
	}
	return k.String(), u.String()
}
