package regex

import (
	"slices"
	"strconv"
)

// NotIn names a construct that In does not know, or is "".
func (re *Re) NotIn() string {
	if re.Op == OpExtended {
		switch re.Feature {
		case "look-ahead", "look-behind", "back-reference", "atomic group", "possessive quantifier":
		default:
			return re.Feature
		}
	}
	for _, s := range re.Subs {
		if f := s.NotIn(); f != "" {
			return f
		}
	}
	return ""
}

// A matcher matches as PCRE does, by trying: every function says whether re
// and, after it, then match from the i-th character on.
type matcher struct {
	text   []rune
	groups map[*Re]int // by their opening parenthesis, from 1
	caught [][2]int    // by group: from, to; -1 where it did not take part
	steps  int         // that are left
	depth  int
	fold   func(rune) rune // what a reference without regard to case compares
}

// Like PCRE's match limit, these end in no match. The depth keeps the stack in
// bounds, which overflows beyond recovery.
const (
	maxSteps = 10_000_000
	maxStack = 500_000
)

type tooMuch struct{}

// In says whether re matches somewhere in text. One that takes too many steps
// does not.
func (re *Re) In(text []rune) bool {
	m := newMatcher(re, text, maxSteps)
	return m.find(re, 0, true, false) != nil
}

func newMatcher(re *Re, text []rune, steps int) *matcher {
	m := &matcher{text: text, steps: steps, fold: FoldRune}
	m.number(re)
	return m
}

// find is where the groups of the first match are that begins at the character
// from, or with ahead behind that; the first is the match itself. With more, it is
// not the empty text at from. It is nil where there is none, and where the steps
// are at an end.
func (m *matcher) find(re *Re, from int, ahead, more bool) (groups [][2]int) {
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(tooMuch); !ok {
				panic(r)
			}
			m.steps, groups = -1, nil // also where the depth was too much
		}
	}()
	m.caught = slices.Repeat([][2]int{{-1, -1}}, len(m.groups)+1)
	last := from
	if ahead {
		last = len(m.text)
	}
	for i := from; i <= last; i++ {
		found := m.match(re, i, func(j int) bool {
			m.caught[0] = [2]int{i, j}
			return !more || i != from || j != i
		})
		if found {
			return m.caught
		}
	}
	return nil
}

func accept(int) bool { return true }

func (m *matcher) number(re *Re) {
	if re.Op == OpGroup {
		if m.groups == nil {
			m.groups = map[*Re]int{}
		}
		m.groups[re] = len(m.groups) + 1
	}
	for _, s := range re.Subs {
		m.number(s)
	}
}

func (m *matcher) match(re *Re, i int, then func(int) bool) bool {
	m.step()
	if m.depth++; m.depth > maxStack {
		panic(tooMuch{})
	}
	found := m.node(re, i, then)
	m.depth--
	return found
}

func (m *matcher) step() {
	if m.steps--; m.steps < 0 {
		panic(tooMuch{})
	}
}

func (m *matcher) node(re *Re, i int, then func(int) bool) bool {
	switch re.Op {
	case OpConcat:
		return m.sequence(re.Subs, i, then)
	case OpAlternate:
		for _, s := range re.Subs {
			if m.match(s, i, then) {
				return true
			}
		}
		return false
	case OpRepeat:
		if re.Subs[0].one() {
			return m.ones(re, i, then)
		}
		return m.repeat(re, 0, i, then)
	case OpGroup:
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
	case OpExtended:
		return m.extended(re, i, then)
	}
	if re.one() {
		return i < len(m.text) && takes(re, m.text[i]) && then(i+1)
	}
	return m.holds(re.Op, i) && then(i)
}

func (m *matcher) sequence(subs []*Re, i int, then func(int) bool) bool {
	if len(subs) == 0 {
		return then(i)
	}
	return m.match(subs[0], i, func(j int) bool { return m.sequence(subs[1:], j, then) })
}

// repeat has matched n times. A round that takes nothing is the last.
func (m *matcher) repeat(re *Re, n, i int, then func(int) bool) bool {
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

// one says whether re takes one character, whatever it is.
func (re *Re) one() bool {
	return re.Op == OpLiteral || re.Op == OpClass || re.Op == OpAny || re.Op == OpAnyNotNewline
}

// ones is repeat of one character, which needs no depth for each.
func (m *matcher) ones(re *Re, i int, then func(int) bool) bool {
	n := 0
	more := func() bool {
		m.step()
		if n == re.Max || i+n == len(m.text) || !takes(re.Subs[0], m.text[i+n]) {
			return false
		}
		n++
		return true
	}
	for n < re.Min {
		if !more() {
			return false
		}
	}
	if re.Lazy {
		for !then(i + n) {
			if !more() {
				return false
			}
		}
		return true
	}
	for more() {
	}
	for ; n >= re.Min; n-- {
		m.step()
		if then(i + n) {
			return true
		}
	}
	return false
}

func (m *matcher) extended(re *Re, i int, then func(int) bool) bool {
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
		panic("regex: a regular expression with " + re.Feature)
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
func (m *matcher) behind(re *Re, end int) bool {
	alternatives := []*Re{re}
	if re.Op == OpAlternate {
		alternatives = re.Subs
	}
	return slices.ContainsFunc(alternatives, func(a *Re) bool {
		n, _ := fixed(a)
		start := end - n
		return start >= 0 && m.match(a, start, func(j int) bool { return j == end })
	})
}

func (m *matcher) again(re *Re, i int, then func(int) bool) bool {
	n, err := strconv.Atoi(re.Text[1:])
	if err != nil || n >= len(m.caught) {
		panic("regex: a regular expression with the reference " + re.Text)
	}
	from, to := m.caught[n][0], m.caught[n][1]
	if from < 0 || i+to-from > len(m.text) {
		return false
	}
	for k, r := range m.text[from:to] {
		if c := m.text[i+k]; c != r && !(re.Fold && m.fold(c) == m.fold(r)) {
			return false
		}
	}
	return then(i + to - from)
}

// takes says whether re, which is of one character, is of this one.
func takes(re *Re, c rune) bool {
	switch re.Op {
	case OpLiteral:
		return c == re.Rune || re.Fold && slices.Contains(Cases(re.Rune), c)
	case OpClass:
		in := func(c rune) bool {
			_, found := slices.BinarySearchFunc(re.Ranges, c, func(r Range, c rune) int { return int(max(r.Lo-c, 0) - max(c-r.Hi, 0)) })
			return found
		}
		return in(c) || re.Fold && slices.ContainsFunc(Cases(c), in)
	case OpAnyNotNewline:
		return c != '\n'
	}
	return true
}

// holds says whether an assertion is true before the i-th character.
func (m *matcher) holds(op Op, i int) bool {
	word := func(i int) bool {
		if i < 0 || i >= len(m.text) {
			return false
		}
		c := m.text[i]
		return c == '_' || '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
	}
	switch op {
	case OpEmpty:
		return true
	case OpBeginText:
		return i == 0
	case OpEndText:
		return i == len(m.text)
	case OpEnd:
		return i == len(m.text) || i+1 == len(m.text) && m.text[i] == '\n'
	case OpBeginLine:
		return i == 0 || i < len(m.text) && m.text[i-1] == '\n'
	case OpBehindLine:
		return i == 0 || m.text[i-1] == '\n'
	case OpEndLine:
		return i == len(m.text) || m.text[i] == '\n'
	case OpWordBoundary:
		return word(i-1) != word(i)
	}
	return word(i-1) == word(i)
}
