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
	asks     syntax.EmptyOp // by all its borders
	sets     []*syntax.Inst // one for each set of characters that an instruction takes
	setOf    []int          // by instruction
	work     int            // instructions that were looked at, since they were paid for
	states   []state
	ids      map[string]int
	seen     []int // by instruction, in which search of empty steps it was seen last
	searches int

	cells []rune   // for which the rest is
	class []int    // of each cell: one for those that the program does not tell apart
	reps  []rune   // of each class, one of its characters
	takes [][]bool // by set and class
	next  [][]int  // by state and class; -1: not known yet
}

type state struct {
	pcs     []uint32
	before  rune // -1 at the start, else a character of the kind that came before
	matched bool
	closed  []closure
}

// A closure is what the empty steps from a state lead to, at borders of some kind.
type closure struct {
	borders syntax.EmptyOp
	pcs     []uint32 // that take a character
	matched bool
}

func newAutomaton(p *syntax.Prog) *automaton {
	a := &automaton{prog: p, anchored: p.StartCond()&syntax.EmptyBeginText != 0, ids: map[string]int{},
		seen: make([]int, len(p.Inst)), setOf: make([]int, len(p.Inst))}
	known := map[string]int{}
	var key []byte
	for i := range p.Inst {
		switch in := &p.Inst[i]; in.Op {
		case syntax.InstEmptyWidth:
			a.asks |= syntax.EmptyOp(in.Arg)
		case syntax.InstRune, syntax.InstRune1, syntax.InstRuneAny, syntax.InstRuneAnyNotNL:
			key = append(key[:0], byte(in.Op), byte(in.Arg)) // of one character, Arg says whether case counts
			for _, r := range in.Rune {
				key = binary.AppendVarint(key, int64(r))
			}
			set, ok := known[string(key)]
			if !ok {
				set = len(a.sets)
				known[string(key)] = set
				a.sets = append(a.sets, in)
			}
			a.setOf[i] = set
		}
	}
	a.id(state{pcs: []uint32{uint32(p.Start)}, before: -1})
	return a
}

// over makes the automaton ready for texts of these characters.
func (a *automaton) over(cells []rune) {
	if a.next != nil && len(a.cells) == len(cells) && &a.cells[0] == &cells[0] {
		return
	}
	a.cells, a.class, a.reps = cells, make([]int, len(cells)), nil
	a.takes, a.next = make([][]bool, len(a.sets)), make([][]int, len(a.states))
	known := map[string]int{}
	key := make([]byte, 1+len(a.sets))
	for i, r := range cells {
		key[0] = byte(a.kind(r))
		for j, in := range a.sets {
			if key[j+1] = 0; in.MatchRune(r) {
				key[j+1] = 1
			}
		}
		class, ok := known[string(key)]
		if !ok {
			class = len(a.reps)
			known[string(key)] = class
			a.reps = append(a.reps, r)
			for j := range a.sets {
				a.takes[j] = append(a.takes[j], key[j+1] == 1)
			}
		}
		a.class[i] = class
	}
	a.work += len(cells) * len(key)
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

// close follows the empty steps from a state when after comes next, -1 for the end.
func (a *automaton) close(id int, after rune) closure {
	s := &a.states[id]
	borders := syntax.EmptyOpContext(s.before, after) & a.asks
	for _, c := range s.closed {
		if c.borders == borders {
			return c
		}
	}
	out := closure{borders: borders}
	a.searches++
	var follow func(pc uint32)
	follow = func(pc uint32) {
		if a.seen[pc] == a.searches || out.matched {
			return
		}
		a.seen[pc] = a.searches
		a.work++
		switch in := &a.prog.Inst[pc]; in.Op {
		case syntax.InstAlt, syntax.InstAltMatch:
			follow(in.Out)
			follow(in.Arg)
		case syntax.InstCapture, syntax.InstNop:
			follow(in.Out)
		case syntax.InstEmptyWidth:
			if syntax.EmptyOp(in.Arg)&^borders == 0 {
				follow(in.Out)
			}
		case syntax.InstMatch:
			out.matched = true
		case syntax.InstFail:
		default:
			out.pcs = append(out.pcs, pc)
		}
	}
	for _, pc := range s.pcs {
		follow(pc)
	}
	s.closed = append(s.closed, out)
	return out
}

// kind is a character that stands for all that the borders cannot tell from r.
func (a *automaton) kind(r rune) rune {
	switch {
	case r == '\n' && a.asks&(syntax.EmptyBeginLine|syntax.EmptyEndLine) != 0:
		return '\n'
	case a.asks&(syntax.EmptyWordBoundary|syntax.EmptyNoWordBoundary) != 0 && syntax.IsWordChar(r):
		return 'a'
	}
	return ' '
}

// step is the state after a character of a class.
func (a *automaton) step(id, class int) int {
	if a.next[id] == nil {
		a.next[id] = slices.Repeat([]int{-1}, len(a.reps))
	}
	if to := a.next[id][class]; to >= 0 {
		return to
	}
	r := a.reps[class]
	next := state{before: a.kind(r), matched: a.states[id].matched}
	if !next.matched {
		c := a.close(id, r)
		a.work += len(c.pcs)
		next.matched = c.matched
		for _, pc := range c.pcs {
			if a.takes[a.setOf[pc]][class] {
				next.pcs = append(next.pcs, a.prog.Inst[pc].Out)
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
	a.next[id][class] = to
	return to
}

// accepts says whether the text that led to a state matches.
func (a *automaton) accepts(id int) bool { return a.states[id].matched || a.close(id, -1).matched }

// dead says whether nothing that follows matches.
func (a *automaton) dead(id int) bool { return !a.states[id].matched && len(a.states[id].pcs) == 0 }

// prepare gives a field one character for each kind that its letters tell
// apart, readable ones first.
func (c *claim) prepare(f *field) {
	if f.cells != nil {
		return
	}
	seen, folded := map[rune]bool{}, map[rune]bool{}
	borders := []rune{0, '\n', '\n' + 1, '0', '9' + 1, 'A', 'Z' + 1, '_', '_' + 1, 'a', 'z' + 1, utf8.MaxRune + 1, 0xD800, 0xE000}
	alone := func(r rune) { // a single letter may stand for its other case too
		if !seen[r] {
			seen[r] = true
			borders = append(borders, r, r+1)
			for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
				borders = append(borders, other, other+1)
			}
		}
	}
	for _, i := range f.letters {
		l := c.letters[i]
		if l.free != "" {
			continue
		}
		if p, ok := l.test.(ir.Pattern); ok { // what its program would have
			for _, part := range p.Parts {
				c.work += len(part.Text)
				for _, r := range part.Text {
					if p.Cased || !regex.HasCases(r) {
						alone(r)
					} else if !folded[r] {
						folded[r] = true
						for _, g := range regex.FoldRanges([]regex.Range{{Lo: r, Hi: r}}) {
							borders = append(borders, g.Lo, g.Hi+1)
						}
					}
				}
			}
			continue
		}
		for _, in := range l.automaton().prog.Inst {
			c.work += len(in.Rune)
			switch in.Op {
			case syntax.InstRune, syntax.InstRune1:
				if len(in.Rune) == 1 {
					alone(in.Rune[0])
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
		a := c.letters[i].automaton()
		a.over(f.cells)
		dfas = append(dfas, a)
	}
	type place struct{ from, cell int }
	queue, ids := []place{{from: -1}}, make([]int, len(dfas)) // and the states at each place
	cells := distinct(f.cells, dfas)
	c.work += len(f.cells) * len(dfas)
	seen := map[string]bool{}
	to, key := make([]int, len(dfas)), make([]byte, 0, 3*len(dfas))
	for at := 0; at < len(queue); at++ {
		from := ids[at*len(dfas):][:len(dfas):len(dfas)]
		accepted := queue[at].from >= 0 || !f.world.Blank
		for i := 0; i < len(dfas) && accepted; i++ {
			accepted = dfas[i].accepts(from[i]) == (i < len(yes))
		}
		if accepted {
			var rs []rune
			for p := queue[at]; p.from >= 0; p = queue[p.from] {
				rs = append(rs, f.cells[p.cell])
			}
			slices.Reverse(rs)
			return string(rs), true, false
		}
	cells:
		for _, cell := range cells {
			*budget -= price(len(dfas))
			if c.pay(budget); *budget < 0 {
				return "", false, true
			}
			key = key[:0]
			for i, a := range dfas {
				to[i] = a.step(from[i], a.class[cell])
				c.work, a.work = c.work+a.work, 0
				if i < len(yes) && a.dead(to[i]) || i >= len(yes) && a.states[to[i]].matched {
					continue cells
				}
				key = binary.AppendUvarint(key, uint64(to[i]))
			}
			if seen[string(key)] {
				continue
			}
			seen[string(key)] = true
			queue, ids = append(queue, place{at, cell}), append(ids, to...)
		}
	}
	return "", false, false
}

// distinct are the numbers of the cells that some automata tell apart, of others the first.
func distinct(cells []rune, dfas []*automaton) (out []int) {
	seen := map[string]bool{}
	var key []byte
	for i := range cells {
		key = key[:0]
		for _, a := range dfas {
			key = binary.AppendUvarint(key, uint64(a.class[i]))
		}
		if !seen[string(key)] {
			seen[string(key)] = true
			out = append(out, i)
		}
	}
	return out
}
