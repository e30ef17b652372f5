package eval

import (
	"regexp"
	"slices"
	"strconv"
	"sync"

	"sigmac/regex"
)

// search says whether re matches somewhere in s.
func search(re *regex.Re, s string) bool {
	if g := compiled(re); g != nil {
		return g.MatchString(s)
	}
	return backtrack(re, []rune(s))
}

var cache struct {
	sync.Mutex
	m    map[string]*regexp.Regexp
	byRe map[*regex.Re]*regexp.Regexp // a tree does not change
}

const maxCache = 1000 // a fuzzer makes expressions without end

// compiled is re for package regexp, nil where that cannot have it.
func compiled(re *regex.Re) *regexp.Regexp {
	cache.Lock()
	g, ok := cache.byRe[re]
	cache.Unlock()
	if ok {
		return g
	}
	source, err := re.Go()
	cache.Lock()
	defer cache.Unlock()
	if len(cache.byRe) >= maxCache || cache.byRe == nil {
		cache.byRe = map[*regex.Re]*regexp.Regexp{}
	}
	if err != nil {
		cache.byRe[re] = nil
		return nil
	}
	if g, ok = cache.m[source]; !ok {
		if len(cache.m) >= maxCache || cache.m == nil {
			cache.m = map[string]*regexp.Regexp{}
		}
		g, _ = regexp.Compile(source) // nil where it is too large
		cache.m[source] = g
	}
	cache.byRe[re] = g
	return g
}

// unknownFeature names a construct that backtrack does not know, or is "".
func unknownFeature(re *regex.Re) string {
	if re.Op == regex.OpExtended {
		switch re.Feature {
		case "look-ahead", "look-behind", "back-reference", "atomic group", "possessive quantifier":
		default:
			return re.Feature
		}
	}
	for _, s := range re.Subs {
		if f := unknownFeature(s); f != "" {
			return f
		}
	}
	return ""
}

// A matcher matches as PCRE does, by trying: every function says whether re
// and, after it, then match from the i-th character on.
type matcher struct {
	text   []rune
	groups map[*regex.Re]int // by their opening parenthesis, from 1
	caught [][2]int          // by group: from, to; -1 where it did not take part
	steps  int
	depth  int
}

// Like PCRE's match limit, these end in no match. The depth keeps the stack in
// bounds, which overflows beyond recovery.
const (
	maxSteps = 10_000_000
	maxDepth = 500_000
)

type tooMuch struct{}

func backtrack(re *regex.Re, text []rune) (found bool) {
	m := &matcher{text: text, groups: map[*regex.Re]int{}}
	m.number(re)
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(tooMuch); !ok {
				panic(r)
			}
			found = false
		}
	}()
	for i := range len(text) + 1 {
		m.caught = slices.Repeat([][2]int{{-1, -1}}, len(m.groups)+1)
		if m.match(re, i, accept) {
			return true
		}
	}
	return false
}

func accept(int) bool { return true }

func (m *matcher) number(re *regex.Re) {
	if re.Op == regex.OpGroup {
		m.groups[re] = len(m.groups) + 1
	}
	for _, s := range re.Subs {
		m.number(s)
	}
}

func (m *matcher) match(re *regex.Re, i int, then func(int) bool) bool {
	m.steps++
	m.depth++
	if m.steps > maxSteps || m.depth > maxDepth {
		panic(tooMuch{})
	}
	found := m.node(re, i, then)
	m.depth--
	return found
}

func (m *matcher) node(re *regex.Re, i int, then func(int) bool) bool {
	switch re.Op {
	case regex.OpConcat:
		return m.sequence(re.Subs, i, then)
	case regex.OpAlternate:
		for _, s := range re.Subs {
			if m.match(s, i, then) {
				return true
			}
		}
		return false
	case regex.OpRepeat:
		return m.repeat(re, 0, i, then)
	case regex.OpGroup:
		n := m.groups[re]
		return m.match(re.Subs[0], i, func(j int) bool {
			was := m.caught[n]
			m.caught[n] = [2]int{i, j}
			if then(j) {
				return true
			}
			m.caught[n] = was
			return false
		})
	case regex.OpExtended:
		return m.extended(re, i, then)
	case regex.OpLiteral, regex.OpClass, regex.OpAny, regex.OpAnyNotNewline:
		return i < len(m.text) && takes(re, m.text[i]) && then(i+1)
	}
	return m.holds(re.Op, i) && then(i)
}

func (m *matcher) sequence(subs []*regex.Re, i int, then func(int) bool) bool {
	if len(subs) == 0 {
		return then(i)
	}
	return m.match(subs[0], i, func(j int) bool { return m.sequence(subs[1:], j, then) })
}

// repeat has matched n times. A round that takes nothing is the last.
func (m *matcher) repeat(re *regex.Re, n, i int, then func(int) bool) bool {
	enough := n >= re.Min
	if re.Lazy && enough && then(i) {
		return true
	}
	if re.Max < 0 || n < re.Max {
		again := func(j int) bool {
			if enough && j == i {
				return then(j)
			}
			return m.repeat(re, n+1, j, then)
		}
		if m.match(re.Subs[0], i, again) {
			return true
		}
	}
	return !re.Lazy && enough && then(i)
}

func (m *matcher) extended(re *regex.Re, i int, then func(int) bool) bool {
	if re.Feature == "back-reference" {
		return m.again(re, i, then)
	}
	was := slices.Clone(m.caught)
	end, ok := i, false
	first := func(j int) bool { end = j; return true }
	switch re.Feature {
	case "look-ahead":
		ok = m.match(re.Subs[0], i, accept)
	case "look-behind":
		ok = m.behind(re.Subs[0], i)
	case "atomic group", "possessive quantifier":
		ok = m.match(re.Subs[0], i, first)
	default:
		panic("eval: a regular expression with " + re.Feature)
	}
	if re.Text == "(?!" || re.Text == "(?<!" {
		m.caught, ok = slices.Clone(was), !ok
	}
	if ok && then(end) {
		return true
	}
	m.caught = was
	return false
}

// behind tries the alternatives in their order; each has one length.
func (m *matcher) behind(re *regex.Re, end int) bool {
	alternatives := []*regex.Re{re}
	if re.Op == regex.OpAlternate {
		alternatives = re.Subs
	}
	return slices.ContainsFunc(alternatives, func(a *regex.Re) bool {
		start := end - width(a)
		return start >= 0 && m.match(a, start, func(j int) bool { return j == end })
	})
}

// width is how many characters re takes, which is of one length.
func width(re *regex.Re) int {
	switch re.Op {
	case regex.OpLiteral, regex.OpClass, regex.OpAny, regex.OpAnyNotNewline:
		return 1
	case regex.OpConcat:
		sum := 0
		for _, s := range re.Subs {
			sum += width(s)
		}
		return sum
	case regex.OpRepeat:
		return re.Min * width(re.Subs[0])
	case regex.OpAlternate, regex.OpGroup:
		return width(re.Subs[0])
	case regex.OpExtended:
		if re.Feature == "atomic group" || re.Feature == "possessive quantifier" {
			return width(re.Subs[0])
		}
	}
	return 0
}

func (m *matcher) again(re *regex.Re, i int, then func(int) bool) bool {
	n, err := strconv.Atoi(re.Text[1:])
	if err != nil || n >= len(m.caught) {
		panic("eval: a regular expression with the reference " + re.Text)
	}
	from, to := m.caught[n][0], m.caught[n][1]
	if from < 0 || i+to-from > len(m.text) {
		return false
	}
	for k, r := range m.text[from:to] {
		if c := m.text[i+k]; c != r && !(re.Fold && regex.FoldRune(c) == regex.FoldRune(r)) {
			return false
		}
	}
	return then(i + to - from)
}

// takes says whether re, which is of one character, is of this one.
func takes(re *regex.Re, c rune) bool {
	switch re.Op {
	case regex.OpLiteral:
		return c == re.Rune || re.Fold && slices.Contains(regex.Cases(re.Rune), c)
	case regex.OpClass:
		in := func(c rune) bool {
			return slices.ContainsFunc(re.Ranges, func(r regex.Range) bool { return r.Lo <= c && c <= r.Hi })
		}
		return in(c) || re.Fold && slices.ContainsFunc(regex.Cases(c), in)
	case regex.OpAnyNotNewline:
		return c != '\n'
	}
	return true
}

// holds says whether an assertion is true before the i-th character.
func (m *matcher) holds(op regex.Op, i int) bool {
	word := func(i int) bool {
		if i < 0 || i >= len(m.text) {
			return false
		}
		c := m.text[i]
		return c == '_' || '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
	}
	switch op {
	case regex.OpEmpty:
		return true
	case regex.OpBeginText:
		return i == 0
	case regex.OpEndText:
		return i == len(m.text)
	case regex.OpEnd:
		return i == len(m.text) || i+1 == len(m.text) && m.text[i] == '\n'
	case regex.OpBeginLine:
		return i == 0 || i < len(m.text) && m.text[i-1] == '\n'
	case regex.OpBehindLine:
		return i == 0 || m.text[i-1] == '\n'
	case regex.OpEndLine:
		return i == len(m.text) || m.text[i] == '\n'
	case regex.OpWordBoundary:
		return word(i-1) != word(i)
	}
	return word(i-1) == word(i)
}
