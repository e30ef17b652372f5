package verify

import (
	"cmp"
	"encoding/binary"
	"iter"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"sigmac/eval"
	"sigmac/ir"
	"sigmac/regex"
)

// A matcher says which texts pass a test: a regular language. A pattern is asked of
// the evaluator, whose work is linear in the text, all else of Go's own regular
// expressions. Its parts are made when they are asked for.
type matcher struct {
	passes func(*eval.Value) bool
	weight int // the work that 16 bytes of a text may cost
	dfa    *automaton
}

// textPasses says whether a text passes a letter's test, and counts the work.
func (c *claim) textPasses(l *letter, v *eval.Value) bool {
	if m := &l.match; m.passes == nil {
		if p, ok := l.test.(ir.Pattern); ok {
			m.passes, m.weight = eval.Ready(p), 1
			if p.Has(ir.AnyOne) {
				m.weight += 16 * len(p.Literals())
			}
		} else {
			source := goSource(l.test)
			re := regexp.MustCompile(source)
			m.passes, m.weight = func(v *eval.Value) bool { return re.MatchString(v.Text()) }, 16*len(source)
		}
		c.work += size(l.test) + m.weight
	}
	c.work += 8 + len(v.Text())*l.match.weight/16
	return l.match.passes(v)
}

// pay takes from a budget the steps of the work that was counted since.
func (c *claim) pay(budget *int) {
	*budget -= c.work / workOfStep
	c.work %= workOfStep
}

// workOfStep is the work that counts as a step: characters that were looked at by
// an instruction of an expression each, or sixteen times as many by a search.
const workOfStep = 256

// automaton is the same, to be walked.
func (l *letter) automaton() *automaton {
	if l.match.dfa != nil {
		return l.match.dfa
	}
	parsed, err := syntax.Parse(goSource(l.test), syntax.Perl)
	if err != nil {
		panic("verify: " + err.Error())
	}
	prog, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		panic("verify: " + err.Error())
	}
	l.match.dfa = newAutomaton(prog)
	return l.match.dfa
}

// goSource is a test of texts as a regular expression of Go.
func goSource(t ir.Test) string {
	var re *regex.Re
	switch t := t.(type) {
	case ir.Pattern:
		re = ir.PatternRe(t)
	case ir.Regexp:
		re = t.Re
	case ir.CIDR:
		re, _ = ir.CIDRRe(t.Net)
	default:
		panic("verify: not a test of texts: " + t.String())
	}
	source, err := re.Go()
	if err != nil {
		panic("verify: " + err.Error())
	}
	return source
}

// An automaton runs a program over classes of characters, and remembers what it
// has seen. A state is what may come next, and what came before as far as a
// border of words or lines asks.
type automaton struct {
	prog     *syntax.Prog
	anchored bool
	work     int // instructions that were looked at, since they were paid for
	states   []state
	ids      map[string]int
	next     [][]int // by state and cell; -1: not known yet
}

type state struct {
	pcs     []uint32
	before  rune // -1 at the start, else a character of the kind that came before
	matched bool
}

func newAutomaton(p *syntax.Prog) *automaton {
	a := &automaton{prog: p, anchored: p.StartCond()&syntax.EmptyBeginText != 0, ids: map[string]int{}}
	a.id(state{pcs: []uint32{uint32(p.Start)}, before: -1})
	return a
}

func (a *automaton) id(s state) int {
	if s.matched {
		s.pcs, s.before = nil, 0
	}
	key := make([]byte, 0, 4*len(s.pcs)+5)
	key = binary.AppendVarint(key, int64(s.before))
	if s.matched {
		key = append(key, 'm')
	}
	for _, pc := range s.pcs {
		key = binary.AppendUvarint(key, uint64(pc))
	}
	id, ok := a.ids[string(key)]
	if !ok {
		id = len(a.states)
		a.ids[string(key)] = id
		a.states = append(a.states, s)
		a.next = append(a.next, nil)
	}
	return id
}

// close follows the empty steps from s when after comes next, -1 for the end.
// It gives the instructions that take a character, and whether one matches.
func (a *automaton) close(s state, after rune) (out []uint32, matched bool) {
	flags := syntax.EmptyOpContext(s.before, after)
	seen := make(map[uint32]bool, 2*len(s.pcs))
	var follow func(pc uint32)
	follow = func(pc uint32) {
		if seen[pc] || matched {
			return
		}
		seen[pc] = true
		switch in := &a.prog.Inst[pc]; in.Op {
		case syntax.InstAlt, syntax.InstAltMatch:
			follow(in.Out)
			follow(in.Arg)
		case syntax.InstCapture, syntax.InstNop:
			follow(in.Out)
		case syntax.InstEmptyWidth:
			if syntax.EmptyOp(in.Arg)&^flags == 0 {
				follow(in.Out)
			}
		case syntax.InstMatch:
			matched = true
		case syntax.InstFail:
		default:
			out = append(out, pc)
		}
	}
	for _, pc := range s.pcs {
		follow(pc)
	}
	a.work += len(seen)
	return out, matched
}

// kind is a character that stands for all that a border cannot tell from r.
func kind(r rune) rune {
	switch {
	case r == '\n':
		return '\n'
	case syntax.IsWordChar(r):
		return 'a'
	}
	return ' '
}

// step is the state after the cell's character.
func (a *automaton) step(id, cell int, cells []rune) int {
	if a.next[id] == nil {
		a.next[id] = slices.Repeat([]int{-1}, len(cells))
	}
	if to := a.next[id][cell]; to >= 0 {
		return to
	}
	r := cells[cell]
	s := a.states[id]
	next := state{before: kind(r), matched: s.matched}
	if !s.matched {
		pcs, matched := a.close(s, r)
		next.matched = matched
		for _, pc := range pcs {
			if in := &a.prog.Inst[pc]; in.MatchRune(r) {
				next.pcs = append(next.pcs, in.Out)
			}
		}
		if !a.anchored {
			next.pcs = append(next.pcs, uint32(a.prog.Start))
		}
		slices.Sort(next.pcs)
		next.pcs = slices.Compact(next.pcs)
		if len(next.pcs) == 0 {
			next.before = 0
		}
	}
	to := a.id(next)
	a.next[id][cell] = to
	return to
}

// accepts says whether the text that led to a state matches.
func (a *automaton) accepts(id int) bool {
	s := a.states[id]
	if s.matched {
		return true
	}
	_, matched := a.close(s, -1)
	return matched
}

// dead says whether nothing that follows matches.
func (a *automaton) dead(id int) bool { return !a.states[id].matched && len(a.states[id].pcs) == 0 }

// prepare gives a field one character for each kind that its letters tell
// apart, readable ones first.
func (c *claim) prepare(f *field) {
	if f.cells != nil {
		return
	}
	seen := map[rune]bool{}
	borders := []rune{0, '\n', '\n' + 1, '0', '9' + 1, 'A', 'Z' + 1, '_', '_' + 1, 'a', 'z' + 1, utf8.MaxRune + 1, 0xD800, 0xE000}
	for _, i := range f.letters {
		l := c.letters[i]
		if l.free != "" {
			continue
		}
		for _, in := range l.automaton().prog.Inst {
			c.work += len(in.Rune)
			switch in.Op {
			case syntax.InstRune, syntax.InstRune1:
				if len(in.Rune) == 1 {
					if seen[in.Rune[0]] {
						continue
					}
					seen[in.Rune[0]] = true
					// A single letter may stand for its other case too.
					for r, first := in.Rune[0], true; first || r != in.Rune[0]; r, first = unicode.SimpleFold(r), false {
						borders = append(borders, r, r+1)
					}
				}
				for j := 0; j+1 < len(in.Rune); j += 2 {
					borders = append(borders, in.Rune[j], in.Rune[j+1]+1)
				}
			}
		}
	}
	slices.Sort(borders)
	borders = slices.Compact(borders)
	for i := 0; i+1 < len(borders); i++ {
		if lo, hi := borders[i], borders[i+1]; lo < 0xD800 || lo >= 0xE000 {
			f.cells = append(f.cells, readable(lo, hi-1))
		}
	}
	slices.SortStableFunc(f.cells, func(a, b rune) int { return cmp.Compare(rank(a), rank(b)) })
}

func readable(lo, hi rune) rune {
	for _, r := range "aexiotnsr0123456789-. _/" {
		if lo <= r && r <= hi {
			return r
		}
	}
	if r := max(lo, ' '); r <= min(hi, '~') {
		return r
	}
	return lo
}

func rank(r rune) int {
	switch {
	case 'a' <= r && r <= 'z':
		return 0
	case '0' <= r && r <= '9':
		return 1
	case 'A' <= r && r <= 'Z':
		return 2
	case ' ' <= r && r <= '~':
		return 3
	}
	return 4
}

// find is a text that passes all of yes and none of no, and is not empty where
// the field cannot hold that: by guess, else exactly. spent says that the
// budget ended the search.
func (c *claim) find(f *field, yes, no []int, budget *int) (text string, found, spent bool) {
	if s, ok := c.guess(f, yes, no, budget); ok {
		return s, true, false
	}
	for _, i := range f.letters {
		if c.letters[i].free == "" && size(c.letters[i].test) > maxProgram {
			return "", false, true
		}
	}
	if *budget < 0 {
		return "", false, true
	}
	c.prepare(f)
	return c.search(f, yes, no, budget)
}

// maxProgram bounds the characters of a pattern that becomes an automaton, as the
// parser of regular expressions bounds those.
const maxProgram = 100_000

func size(t ir.Test) int {
	if p, ok := t.(ir.Pattern); ok {
		return len(p.Literals()) + len(p.Parts)
	}
	return 0
}

// guess is find by the guesses alone.
func (c *claim) guess(f *field, yes, no []int, budget *int) (text string, found bool) {
	for s := range c.guesses(yes) {
		*budget -= price(len(yes) + len(no))
		v := eval.NewValue(s)
		passes := func(i int) bool { return c.textPasses(c.letters[i], v) }
		good := !(s == "" && f.world.Blank) && !slices.ContainsFunc(no, passes) &&
			!slices.ContainsFunc(yes, func(i int) bool { return !passes(i) })
		if c.pay(budget); good {
			return s, true
		}
	}
	return "", false
}

// price is the steps that asking so many tests about one text or letter costs.
func price(tests int) int { return 1 + tests/8 }

// many is so many tests that a guess for all of them comes first, and guesses for
// each of them no more.
const many = 32

// guesses are texts that likely pass the patterns of yes: all that they ask for
// together, what begins a text first and what ends it last, and what each asks for.
func (c *claim) guesses(yes []int) iter.Seq[string] {
	return func(yield func(string) bool) {
		if len(yes) > 1 {
			var begin, end string
			var middle strings.Builder
			for _, i := range yes {
				s := fill(c.letters[i].test, "", "x")
				p, ok := c.letters[i].test.(ir.Pattern)
				if !ok || len(p.Parts) == 0 {
					middle.WriteString(s)
					continue
				}
				switch open, shut := p.Parts[0].Kind == ir.AnyRun, p.Parts[len(p.Parts)-1].Kind == ir.AnyRun; {
				case !open && len(s) > len(begin):
					begin = s
				case open && shut:
					middle.WriteString(s)
				case open && len(s) > len(end):
					end = s
				}
			}
			if !yield(begin+end) || !yield(begin+middle.String()+end) || !yield(begin+"~"+middle.String()+"~"+end) {
				return
			}
		}
		if len(yes) <= many {
			for _, i := range slices.Backward(yes) {
				t := c.letters[i].test
				s := fill(t, "", "x")
				if !yield(strings.ToLower(s)) || !yield(fill(t, "a", "a")) || !yield(fill(t, "~", "~")) || !yield(s) {
					return
				}
			}
		}
		for _, s := range []string{"~", "", "0", "x"} {
			if !yield(s) {
				return
			}
		}
	}
}

func fill(t ir.Test, run, one string) string {
	if re, ok := t.(ir.Regexp); ok && re.Re != nil {
		var b strings.Builder
		simplest(re.Re, &b)
		return b.String()
	}
	p, ok := t.(ir.Pattern)
	if !ok {
		return ""
	}
	var b strings.Builder
	for _, q := range p.Parts {
		switch q.Kind {
		case ir.AnyRun:
			b.WriteString(run)
		case ir.AnyOne:
			b.WriteString(one)
		default:
			b.WriteString(q.Text)
		}
	}
	return b.String()
}

// maxGuess bounds a guess, in bytes.
const maxGuess = 1 << 16

// simplest writes a text that likely matches re: of alternatives the first, of
// repetitions the fewest.
func simplest(re *regex.Re, b *strings.Builder) {
	switch re.Op {
	case regex.OpLiteral:
		b.WriteRune(re.Rune)
	case regex.OpClass:
		best := rune(-1)
		for _, in := range re.Ranges {
			if r := readable(in.Lo, in.Hi); best < 0 || rank(r) < rank(best) {
				best = r
			}
		}
		if best >= 0 {
			b.WriteRune(best)
		}
	case regex.OpAny, regex.OpAnyNotNewline:
		b.WriteByte('x')
	case regex.OpAlternate:
		simplest(re.Subs[0], b)
	case regex.OpRepeat:
		for i, had := 0, -1; i < re.Min && b.Len() < maxGuess && b.Len() > had; i++ {
			had = b.Len()
			simplest(re.Subs[0], b)
		}
	case regex.OpConcat, regex.OpGroup:
		for _, s := range re.Subs {
			simplest(s, b)
		}
	}
}

// search walks the texts breadth first, so that what it finds is shortest.
func (c *claim) search(f *field, yes, no []int, budget *int) (text string, found, spent bool) {
	dfas := make([]*automaton, 0, len(yes)+len(no))
	for _, i := range slices.Concat(yes, no) {
		dfas = append(dfas, c.letters[i].automaton())
	}
	type place struct {
		from, cell int
		ids        []int
	}
	queue := []place{{from: -1, ids: make([]int, len(dfas))}}
	seen := map[string]bool{}
	key := make([]byte, 0, 3*len(dfas))
	for at := 0; at < len(queue); at++ {
		p := queue[at]
		accepted := p.from >= 0 || !f.world.Blank
		for i := 0; i < len(dfas) && accepted; i++ {
			accepted = dfas[i].accepts(p.ids[i]) == (i < len(yes))
		}
		if accepted {
			var rs []rune
			for q := p; q.from >= 0; q = queue[q.from] {
				rs = append(rs, f.cells[q.cell])
			}
			slices.Reverse(rs)
			return string(rs), true, false
		}
	cells:
		for cell := range f.cells {
			*budget -= price(len(dfas))
			if c.pay(budget); *budget < 0 {
				return "", false, true
			}
			ids := make([]int, len(dfas))
			key = key[:0]
			for i, a := range dfas {
				ids[i] = a.step(p.ids[i], cell, f.cells)
				c.work, a.work = c.work+a.work, 0
				if i < len(yes) && a.dead(ids[i]) || i >= len(yes) && a.states[ids[i]].matched {
					continue cells
				}
				key = binary.AppendUvarint(key, uint64(ids[i]))
			}
			if seen[string(key)] {
				continue
			}
			seen[string(key)] = true
			queue = append(queue, place{at, cell, ids})
		}
	}
	return "", false, false
}
