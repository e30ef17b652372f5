package main

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// An edit is a query with a part left out, or said more plainly.
type edit struct {
	class    string // of the part
	from, to int    // where it stood, in bytes
	with     string // what stands there now
}

func (e edit) apply(query string) string { return query[:e.from] + e.with + query[e.to:] }

// A token is a bracket, a comma, a bar, a text in quotes, or other characters up to
// white space or one of these.
type token struct {
	from, to int
	kind     byte // its first character, '"' of every text in quotes, 'a' of other characters
	pair     int  // of a bracket: the index of the other
	gap      bool // white space stands before it
}

// An editor finds the parts of a query. It knows what the languages have in common, and
// no more: what it takes for a part and is none gives a query that cannot be read, or is
// another.
type editor struct {
	query string
	ts    []token
	out   []edit
}

// edits are those of a query, from its end on, a part before its own parts.
func edits(query string) []edit {
	e := &editor{query: query}
	if !e.lex() {
		return nil
	}
	begin := 0
	for i := range e.ts {
		if e.ts[i].kind == '|' && !e.inside(i) {
			e.stage(begin, i)
			begin = i + 1
		}
	}
	e.stage(begin, len(e.ts))
	slices.SortStableFunc(e.out, func(a, b edit) int { return cmp.Or(b.to-a.to, a.from-b.from, len(a.with)-len(b.with)) })
	return e.out
}

// inside says whether brackets stand around the i-th token.
func (e *editor) inside(i int) bool {
	for j := 0; j < i; j++ {
		if e.ts[j].kind == '(' {
			if e.ts[j].pair > i {
				return true
			}
			j = e.ts[j].pair
		}
	}
	return false
}

// quotes are the ways to begin a text, with what ends it; with a backslash, the next
// character is of the text.
var quotes = []struct {
	open, end string
	escapes   bool
}{{`"""`, `"""`, false}, {`@"`, `"`, false}, {`@'`, `'`, false}, {`"`, `"`, true}, {`'`, `'`, true}, {"`", "`", false}}

// quoted is the length of the text in quotes that s begins with, or 0.
func quoted(s string) int {
	for _, q := range quotes {
		if !strings.HasPrefix(s, q.open) {
			continue
		}
		for i := len(q.open); i < len(s); i++ {
			switch {
			case q.escapes && s[i] == '\\':
				i++
			case strings.HasPrefix(s[i:], q.end):
				return i + len(q.end)
			}
		}
		return len(s)
	}
	return 0
}

// lex makes the tokens; false where brackets do not fit.
func (e *editor) lex() bool {
	var open []int
	gap := false
	for i := 0; i < len(e.query); {
		c := e.query[i]
		if c == ' ' || c == '\n' || c == '\t' || c == '\r' {
			gap = true
			i++
			continue
		}
		t := token{from: i, to: i + 1, kind: c, gap: gap}
		gap = false
		switch n := quoted(e.query[i:]); {
		case n > 0:
			t.kind, t.to = '"', i+n
		case c == '(':
			open = append(open, len(e.ts))
		case c == ')':
			if len(open) == 0 {
				return false
			}
			t.pair = open[len(open)-1]
			e.ts[t.pair].pair = len(e.ts)
			open = open[:len(open)-1]
		case c == ',' || c == '|':
		default:
			t.kind = 'a'
			for t.to < len(e.query) && !strings.ContainsRune(" \n\t\r(),|\"'`", rune(e.query[t.to])) {
				t.to++
			}
		}
		e.ts = append(e.ts, t)
		i = t.to
	}
	return len(open) == 0
}

func (e *editor) text(i int) string { return e.query[e.ts[i].from:e.ts[i].to] }

// word is the i-th token in lower case, or empty where it is no word.
func (e *editor) word(i int) string {
	if i < 0 || e.ts[i].kind != 'a' {
		return ""
	}
	return strings.ToLower(e.text(i))
}

// span is the text of the tokens from i up to, but without, j.
func (e *editor) span(i, j int) string { return e.query[e.ts[i].from:e.ts[j-1].to] }

func (e *editor) put(class string, from, to int, with string) {
	if len(with) < to-from {
		e.out = append(e.out, edit{class, from, to, with})
	}
}

// behind is where the token before the i-th ends.
func (e *editor) behind(i int) int {
	if i == 0 {
		return 0
	}
	return e.ts[i-1].to
}

// stage finds the parts of the stage that the tokens from i up to j are.
func (e *editor) stage(i, j int) {
	if i >= j {
		return
	}
	begin := i
	for ; begin < j && e.word(begin) != "where"; begin++ {
		if e.ts[begin].kind == '(' {
			begin = e.ts[begin].pair
		}
	}
	if i > 0 {
		e.put("stage "+e.word(i), e.behind(i-1), e.ts[j-1].to, "")
	}
	switch {
	case begin < j:
		e.expr(begin+1, j, false)
	case e.word(i) == "extend":
		items := e.split(i+1, j, func(k int) bool { return e.ts[k].kind == ',' })
		e.leave(items, "computed column")
		for n, p := range items {
			from, to := e.behind(i-1), e.ts[j-1].to
			if len(items) > 1 {
				from, to = e.cut(items, n)
			}
			e.base(p, from, to)
			e.atom(p[0], p[1])
		}
	case i == 0:
		e.expr(i, j, true)
	}
}

// base has each of the columns that another is computed of in its place, without the
// definition, which stands between two bytes.
func (e *editor) base(definition part, from, to int) {
	name := e.text(definition[0])
	seen := map[string]bool{name: true}
	for k := definition[0] + 1; k < definition[1]; k++ {
		column := e.text(k)
		called := k+1 < len(e.ts) && e.ts[k+1].kind == '(' && !e.ts[k+1].gap
		if e.ts[k].kind != 'a' || called || seen[column] || !unicode.IsLetter(rune(column[0])) {
			continue
		}
		seen[column] = true
		var b strings.Builder
		at := to
		for _, t := range e.ts {
			if t.from >= to && e.query[t.from:t.to] == name {
				b.WriteString(e.query[at:t.from] + column)
				at = t.to
			}
		}
		if at > to {
			e.put("base column", from, len(e.query), b.String()+e.query[at:])
		}
	}
}

// A part is a range of tokens.
type part [2]int

// split are the parts of a range between the tokens that separate them, outside brackets.
func (e *editor) split(i, j int, separates func(k int) bool) (out []part) {
	begin := i
	for k := i; k < j; k++ {
		switch {
		case e.ts[k].kind == '(':
			k = e.ts[k].pair
		case separates(k):
			out = append(out, part{begin, k})
			begin = k + 1
		}
	}
	out = append(out, part{begin, j})
	return slices.DeleteFunc(out, func(p part) bool { return p[0] >= p[1] })
}

// cut is where the n-th of several parts stands, with what separates it from the others.
func (e *editor) cut(parts []part, n int) (from, to int) {
	if n == 0 {
		return e.ts[parts[0][0]].from, e.ts[parts[1][0]].from
	}
	return e.behind(parts[n-1][1]), e.behind(parts[n][1])
}

// leave leaves out each of several parts. Of the classes, the last is that of all further
// parts too; one without a name stays.
func (e *editor) leave(parts []part, classes ...string) {
	for n := range parts {
		if class := classes[min(n, len(classes)-1)]; len(parts) > 1 && class != "" {
			from, to := e.cut(parts, n)
			e.put(class, from, to, "")
		}
	}
}

// expr finds the parts of a condition; of a search, in which terms stand beside each
// other.
func (e *editor) expr(i, j int, search bool) {
	operators := []string{"or", "and"} // the one that binds least first
	if search {
		operators = []string{"", "and", "or"}
	}
	for _, op := range operators {
		class := "conjunct"
		if op == "or" {
			class = "disjunct"
		}
		parts := e.split(i, j, func(k int) bool { return e.word(k) == op })
		if op == "" {
			parts = e.terms(i, j)
		}
		if len(parts) < 2 {
			continue
		}
		classes := make([]string, len(parts))
		for n, p := range parts {
			if classes[n] = class; presence.MatchString(e.span(p[0], p[1])) {
				classes[n] = "test of presence as a " + class
			}
			e.expr(p[0], p[1], search)
		}
		e.leave(parts, classes...)
		return
	}
	switch {
	case i >= j:
	case e.word(i) == "not":
		e.expr(i+1, j, search)
	case e.ts[i].kind == '(' && e.ts[i].pair == j-1 && j-i > 2:
		if !e.joins(i+1, j-1, search) {
			inner := e.span(i+1, j-1)
			if i > 0 && !e.ts[i].gap && e.ts[i-1].kind == 'a' {
				inner = " " + inner
			}
			e.put("parentheses", e.ts[i].from, e.ts[j-1].to, inner)
		}
		e.expr(i+1, j-1, search)
	default:
		e.atom(i, j)
	}
}

// inList is the class of a value of a list. These are many, and tried last.
const inList = "value of a list"

// joins says whether a condition has operators outside brackets. Around a mixture of
// these, parentheses are for people.
func (e *editor) joins(i, j int, search bool) bool {
	return search && len(e.terms(i, j)) > 1 ||
		len(e.split(i, j, func(k int) bool { return e.word(k) == "and" || e.word(k) == "or" })) > 1
}

// presence is a test that a field has a value.
var presence = regexp.MustCompile(`^(\S+ != null|isnotempty\([^()]*\)|isnotnull\([^()]*\)|\S+=\*)$`)

// joining are words between parts of one term of a search.
var joining = map[string]bool{"in": true, "and": true, "or": true}

// terms are what stands beside each other in a search.
func (e *editor) terms(i, j int) (out []part) {
	begin := i
	for k := i; k < j; k++ {
		before, here := e.word(k-1), e.word(k)
		if k > begin && e.ts[k].gap && before != "not" && !joining[before] && !joining[here] {
			out = append(out, part{begin, k})
			begin = k
		}
		if e.ts[k].kind == '(' {
			k = e.ts[k].pair
		}
	}
	return append(out, part{begin, j})
}

// atom finds the parts of a test: values of lists, calls of functions, and what
// regular expressions say of themselves.
func (e *editor) atom(i, j int) {
	for k := i; k < j; k++ {
		switch e.ts[k].kind {
		case '"':
			e.regexp(k)
		case '(':
			args := e.split(k+1, e.ts[k].pair, func(k int) bool { return e.ts[k].kind == ',' })
			if name := e.function(i, k); name != "" {
				e.call(name, k, args)
			} else {
				e.leave(args, inList)
			}
			for _, a := range args {
				e.expr(a[0], a[1], false)
			}
			k = e.ts[k].pair
		}
	}
}

// function is the name before the bracket k, if it is one of a function.
func (e *editor) function(i, k int) string {
	if k == i || e.ts[k].gap {
		return ""
	}
	word := e.word(k - 1)
	name := word[strings.LastIndexFunc(word, func(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) })+1:]
	if name == "in" || name == "not" {
		return ""
	}
	return name
}

// casts are functions that are kept, and why: the readers say more of what comes without
// them than the engines do.
var casts = map[string]string{
	"tostring":   "which operators cast a dynamic value by themselves, and how one that is no text compares, no page says for each",
	"parse_json": "a place inside a text column is an error of the engine without it",
}

// call has an argument in place of a call.
func (e *editor) call(name string, k int, args []part) {
	from, to := e.ts[k-1].to-len(name), e.ts[e.ts[k].pair].to
	if rest, ok := strings.CutPrefix(e.query[to:], "=1"); name == "if" && ok && len(args) == 3 && (rest == "" || strings.Contains(" )", rest[:1])) {
		e.put("if(…,1,0)=1", from, to+len("=1"), e.span(args[0][0], args[0][1]))
		return
	}
	for n, a := range args {
		constant := a[1]-a[0] == 1 && (e.ts[a[0]].kind == '"' || !unicode.IsLetter(rune(e.text(a[0])[0])))
		if casts[name] != "" || n > 0 && constant {
			continue
		}
		e.put("call of "+name, from, to, e.span(a[0], a[1]))
	}
	if len(args) > 2 {
		e.leave(args, "", "argument of "+name)
	}
}

var (
	flags   = regexp.MustCompile("^(?:@?[\"']|\"\"\")(\\(\\?([imsx]+)\\))")
	anchors = regexp.MustCompile("^(?:@?[\"']|\"\"\")(?:\\(\\?[imsx]+\\))?(\\^|\\\\{1,2}A|\\.\\*)")
	ends    = regexp.MustCompile("[^\\\\](\\$|\\\\{1,2}z|\\.\\*)[\"']+$")
)

// regexp has a regular expression without a flag or an anchor.
func (e *editor) regexp(k int) {
	s, at := e.text(k), e.ts[k].from
	if m := flags.FindStringSubmatchIndex(s); m != nil {
		group, set := s[m[2]:m[3]], s[m[4]:m[5]]
		e.put("flags "+group, at+m[2], at+m[3], "")
		if len(set) > 1 {
			for i := range set {
				e.put("flag (?"+set[i:i+1]+")", at+m[4]+i, at+m[4]+i+1, "")
			}
		}
	}
	for _, re := range []*regexp.Regexp{anchors, ends} {
		if m := re.FindStringSubmatchIndex(s); m != nil {
			e.put("anchor "+s[m[2]:m[3]], at+m[2], at+m[3], "")
		}
	}
}
