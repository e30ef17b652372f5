package elastic

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"sigmac/backends"
	"sigmac/regex"
)

// Lucene's expressions match the whole value and have no assertions (SEMANTICS
// D.7). So `.*` goes around the expression, and what stands beside an anchor or
// a word boundary is narrowed until the assertion holds by itself: `\bfoo`
// becomes `(.*[^0-9A-Z_a-z])?foo.*`. An expression with assertions is first
// spread out into branches, sequences in which the assertions stand free.

const (
	maxBranches = 64      // of an expression with assertions, in the end
	maxSpread   = 1024    // branches on the way there
	maxCopies   = 16      // of a repeated part with assertions
	maxWork     = 1 << 18 // nodes looked at
)

// lacks names the feature of re that Lucene cannot say, or is "".
func lacks(re *regex.Re) string {
	_, lack := lucene(re)
	return lack
}

// lucene is the expressions over a whole value of which one matches where re
// matches somewhere, or names what Lucene lacks. They are several where one would
// be too long or too complex for a server's default settings.
//
// Of an expression it is asked when its rule is made legal, when it is written, and when that is
// measured. So the last answers are kept.
func lucene(re *regex.Re) (whole []*regex.Re, lack string) {
	if known, ok := said.find(re); ok {
		return known.whole, known.lack
	}
	whole, lack = overWhole(re)
	said.keep(answer{re, whole, lack})
	return whole, lack
}

// said are the last answers of lucene.
var said answers

type answers struct {
	sync.Mutex
	last [64]answer
	next int
}

// An answer is that of lucene for an expression, which is not changed.
type answer struct {
	re    *regex.Re
	whole []*regex.Re
	lack  string
}

func (a *answers) find(re *regex.Re) (answer, bool) {
	a.Lock()
	defer a.Unlock()
	i := slices.IndexFunc(a.last[:], func(x answer) bool { return x.re == re })
	if i < 0 || re == nil {
		return answer{}, false
	}
	return a.last[i], true
}

func (a *answers) keep(x answer) {
	a.Lock()
	defer a.Unlock()
	a.last[a.next%len(a.last)] = x
	a.next++
}

func overWhole(re *regex.Re) (whole []*regex.Re, lack string) {
	if f := re.Extended(); f != "" {
		if strings.IndexByte("aeiou", f[0]) >= 0 {
			return nil, "an " + f
		}
		return nil, "a " + f
	}
	r := &resolver{}
	bs := r.resolve(re)
	if r.over {
		if size(re) > maxRegex {
			return nil, "a regular expression of that size"
		}
		return nil, cmp.Or(assertion(re), "a regular expression of that size")
	}
	work := backends.LuceneWork
	queue := [][]branch{bs}
	for tries := 0; len(queue) > 0; tries++ {
		bs := queue[0]
		re := factored(bs)
		why := refuses(re, &work)
		if why == "" {
			whole, queue = append(whole, re), queue[1:]
			continue
		}
		parts := halves(bs)
		if parts == nil || tries == maxTries {
			return nil, "a regular expression that Elasticsearch refuses by default: " + why
		}
		queue = append(parts, queue[1:]...)
	}
	return whole, ""
}

// maxTries bounds the forms of one expression that are tried.
const maxTries = 40

// refuses says why a server with default settings does not run re, or is "".
func refuses(re *regex.Re, work *int) string {
	if n := luceneLength(re); n > maxRegex {
		return fmt.Sprintf("it has %d characters, and index.max_regex_length is %d", n, maxRegex)
	}
	return backends.LuceneRefuses(re, work)
}

// luceneLength counts characters as Java does.
func luceneLength(re *regex.Re) int { return len(utf16.Encode([]rune(luceneText(re)))) }

func luceneText(re *regex.Re) string {
	p := &printer{}
	p.print(re, false, false)
	return p.String()
}

// halves is forms of branches that together mean the same: half of the choices
// each or, where there is no choice, one that knows how far it is.
func halves(bs []branch) [][]branch {
	if n := len(bs); n > 1 {
		return [][]branch{bs[:n/2], bs[n/2:]}
	}
	b := bs[0]
	for i, s := range b {
		for s.Op == regex.OpGroup {
			s = s.Subs[0]
		}
		if s.Op == regex.OpAlternate {
			n := len(s.Subs)
			half := func(subs []*regex.Re) []branch {
				return []branch{slices.Concat(b[:i], branch{either(subs...)}, b[i+1:])}
			}
			return [][]branch{half(s.Subs[:n/2]), half(s.Subs[n/2:])}
		}
		if s.Op == regex.OpConcat {
			return [][]branch{{slices.Concat(b[:i], branch(s.Subs), b[i+1:])}}
		}
	}
	if counted := countedRun(b); counted != nil {
		return [][]branch{{counted}}
	}
	return nil
}

// countedRun is `.*c{n}.*` as `(c{0,n-1}d)*c{n}.*`, where d is every other
// character: the first has as many ways to go on as it has read characters.
func countedRun(b branch) branch {
	if len(b) != 3 || !isRun(b[0]) || !isRun(b[2]) || b[1].Op != regex.OpRepeat || len(b[1].Subs[0].Subs) > 0 {
		return nil
	}
	n, c := b[1].Min, b[1].Subs[0]
	if rest := regex.Negate(ranges(c)); len(rest) > 0 && n > 0 {
		short := &regex.Re{Op: regex.OpRepeat, Max: n - 1, Subs: []*regex.Re{c}}
		return branch{{Op: regex.OpRepeat, Max: -1, Subs: []*regex.Re{concat(short, &regex.Re{Op: regex.OpClass, Ranges: rest})}}, b[1], b[2]}
	}
	return b[1:]
}

// assertion names the first assertion in re, or is "".
func assertion(re *regex.Re) string {
	switch re.Op {
	case regex.OpBeginText, regex.OpEndText, regex.OpEnd:
		return "an anchor inside a regular expression"
	case regex.OpBeginLine, regex.OpBehindLine, regex.OpEndLine:
		return "a line anchor in a regular expression"
	case regex.OpWordBoundary, regex.OpNoWordBoundary:
		return "a word boundary inside a regular expression"
	}
	for _, s := range re.Subs {
		if a := assertion(s); a != "" {
			return a
		}
	}
	return ""
}

// size counts the characters that re tests: its text has no fewer.
func size(re *regex.Re) (n int) {
	if re.Op != regex.OpEmpty && len(re.Subs) == 0 && plain(re) {
		n++
	}
	for _, s := range re.Subs {
		n += size(s)
	}
	return n
}

func plain(re *regex.Re) bool { return assertion(re) == "" }

func zeroWidth(re *regex.Re) bool { return len(re.Subs) == 0 && !plain(re) }

var (
	reEmpty = &regex.Re{Op: regex.OpEmpty}
	reRun   = &regex.Re{Op: regex.OpRepeat, Max: -1, Subs: []*regex.Re{{Op: regex.OpAny}}} // .*

	reWord    = []regex.Range{{Lo: '0', Hi: '9'}, {Lo: 'A', Hi: 'Z'}, {Lo: '_', Hi: '_'}, {Lo: 'a', Hi: 'z'}}
	reNotWord = regex.Negate(reWord)
	reAny     = []regex.Range{{Lo: 0, Hi: unicode.MaxRune}}
	reNewline = []regex.Range{{Lo: '\n', Hi: '\n'}}
)

// A branch is a sequence: assertions, and parts without any.
type branch []*regex.Re

func concat(subs ...*regex.Re) *regex.Re {
	subs = slices.DeleteFunc(slices.Clone(subs), func(s *regex.Re) bool { return s.Op == regex.OpEmpty })
	switch len(subs) {
	case 0:
		return reEmpty
	case 1:
		return subs[0]
	}
	return &regex.Re{Op: regex.OpConcat, Subs: subs}
}

// either is one of subs; those that are nil match nothing.
func either(subs ...*regex.Re) *regex.Re {
	subs = slices.DeleteFunc(slices.Clone(subs), func(s *regex.Re) bool { return s == nil })
	switch len(subs) {
	case 0:
		return nil
	case 1:
		return subs[0]
	}
	return &regex.Re{Op: regex.OpAlternate, Subs: subs}
}

type resolver struct {
	work int
	over bool // a limit is reached
}

func (r *resolver) count() bool {
	r.work++
	r.over = r.over || r.work > maxWork
	return !r.over
}

// resolve is re as branches without assertions over the whole value.
func (r *resolver) resolve(re *regex.Re) []branch {
	queue := r.spread(re)
	for i, b := range queue {
		queue[i] = slices.Concat(branch{reRun}, b, branch{reRun})
	}
	var out []branch
	seen := map[string]bool{}
	for n := 0; len(queue) > 0 && !r.over; n++ {
		b := queue[0]
		i := slices.IndexFunc(b, zeroWidth)
		if i >= 0 {
			queue = append(r.step(b[:i], b[i].Op, b[i+1:]), queue[1:]...)
			r.over = r.over || n > maxSpread || len(queue) > maxSpread
			continue
		}
		queue = queue[1:]
		b = tidy(b)
		if key := luceneText(concat(b...)); !seen[key] {
			seen[key] = true
			out = append(out, b)
		}
		r.over = r.over || len(out) > maxBranches
	}
	return out
}

// spread brings the assertions of re to the top of branches.
func (r *resolver) spread(re *regex.Re) []branch {
	if !r.count() {
		return nil
	}
	switch {
	case re.Op == regex.OpGroup:
		return r.spread(re.Subs[0])
	case re.Op == regex.OpConcat && plain(re):
		return []branch{re.Subs}
	case re.Op == regex.OpConcat:
		out := []branch{nil}
		var run branch // not yet in out
		for _, s := range re.Subs {
			bs := r.spread(s)
			if len(bs) == 1 {
				run = append(run, bs[0]...)
				continue
			}
			out = r.product(r.product(out, []branch{run}), bs)
			run = nil
		}
		return r.product(out, []branch{run})
	case plain(re) || zeroWidth(re):
		return []branch{{re}}
	case re.Op == regex.OpAlternate:
		var out []branch
		var free []*regex.Re
		at := -1
		for _, s := range re.Subs {
			if !plain(s) {
				out = append(out, r.spread(s)...)
				continue
			}
			if at < 0 {
				at = len(out)
				out = append(out, nil)
			}
			free = append(free, s)
		}
		if at >= 0 {
			out[at] = branch{either(free...)}
			if f := out[at][0]; f.Op == regex.OpConcat {
				out[at] = branch(f.Subs)
			}
		}
		return out
	case re.Op == regex.OpRepeat:
		if re.Max < 0 || re.Max > maxCopies {
			r.over = true
			return nil
		}
		one := r.spread(re.Subs[0])
		var out []branch
		times := []branch{nil}
		for n := 0; n <= re.Max && !r.over; n++ {
			if n > 0 {
				times = r.product(times, one)
			}
			if n >= re.Min {
				out = append(out, times...)
			}
		}
		r.over = r.over || len(out) > maxSpread
		return out
	}
	panic(fmt.Sprintf("elastic: regular expression node %d", re.Op))
}

func (r *resolver) product(as, bs []branch) []branch {
	if len(as)*len(bs) > maxSpread {
		r.over = true
		return nil
	}
	var out []branch
	for _, a := range as {
		for _, b := range bs {
			if r.work += len(a) + len(b); !r.count() {
				return nil
			}
			out = append(out, slices.Concat(a, b))
		}
	}
	return out
}

// step is the branches in which the assertion op holds between left, which has
// no assertions, and right.
func (r *resolver) step(left branch, op regex.Op, right branch) []branch {
	var out []branch
	add := func(l *regex.Re, rs []branch) {
		if l == nil {
			return
		}
		head := branch{l}
		if l.Op == regex.OpConcat {
			head = l.Subs
		}
		for _, b := range rs {
			out = append(out, slices.Concat(head, b))
		}
	}
	whole := concat(left...)
	var blank *regex.Re // left as the empty text
	if r.nullable(whole) {
		blank = reEmpty
	}
	switch op {
	case regex.OpBeginText:
		add(blank, []branch{right})
	case regex.OpEndText:
		add(whole, r.blankRight(right))
	case regex.OpEnd:
		add(whole, append(r.blankRight(right), r.lineRight(right)...))
	case regex.OpBeginLine:
		add(blank, []branch{right})
		add(r.ends(whole, reNewline), r.starting(right, reAny, false))
	case regex.OpBehindLine:
		add(either(blank, r.ends(whole, reNewline)), []branch{right})
	case regex.OpEndLine:
		add(whole, r.starting(right, reNewline, true))
	case regex.OpWordBoundary:
		add(either(blank, r.ends(whole, reNotWord)), r.starting(right, reWord, false))
		add(r.ends(whole, reWord), r.starting(right, reNotWord, true))
	case regex.OpNoWordBoundary:
		add(either(blank, r.ends(whole, reNotWord)), r.starting(right, reNotWord, true))
		add(r.ends(whole, reWord), r.starting(right, reWord, false))
	}
	return out
}

// blankRight is b as the empty text: at most one branch, of assertions.
func (r *resolver) blankRight(b branch) []branch {
	var out branch
	for _, s := range b {
		switch {
		case zeroWidth(s):
			out = append(out, s)
		case !r.nullable(s):
			return nil
		}
	}
	return []branch{out}
}

// lineRight is b where its text is one line break.
func (r *resolver) lineRight(b branch) (out []branch) {
	for i, s := range b {
		before, after := r.blankRight(b[:i]), r.blankRight(b[i+1:])
		if !zeroWidth(s) && len(before) > 0 && len(after) > 0 && r.line(s) {
			out = append(out, slices.Concat(before[0], branch{{Op: regex.OpLiteral, Rune: '\n'}}, after[0]))
		}
	}
	return out
}

// line says whether re, without assertions, matches a line break.
func (r *resolver) line(re *regex.Re) bool {
	if !r.count() {
		return false
	}
	switch re.Op {
	case regex.OpEmpty:
		return false
	case regex.OpConcat:
		for i, s := range re.Subs {
			rest := slices.Concat(re.Subs[:i], re.Subs[i+1:])
			if r.line(s) && !slices.ContainsFunc(rest, func(s *regex.Re) bool { return !r.nullable(s) }) {
				return true
			}
		}
		return false
	case regex.OpAlternate:
		return slices.ContainsFunc(re.Subs, r.line)
	case regex.OpRepeat:
		return re.Max != 0 && (re.Min <= 1 || r.nullable(re.Subs[0])) && r.line(re.Subs[0])
	case regex.OpGroup:
		return r.line(re.Subs[0])
	}
	return len(common(ranges(re), reNewline)) > 0
}

// starting is b where its text starts with a character of set or, with blank,
// is empty.
func (r *resolver) starting(b branch, set []regex.Range, blank bool) []branch {
	if !slices.ContainsFunc(b, zeroWidth) {
		whole := concat(b...)
		s := r.starts(whole, set)
		if blank && r.nullable(whole) {
			s = either(reEmpty, s)
		}
		switch {
		case s == nil:
			return nil
		case s.Op == regex.OpConcat:
			return []branch{s.Subs}
		}
		return []branch{{s}}
	}
	var out []branch
	var before branch // assertions
	for i, s := range b {
		if zeroWidth(s) {
			before = append(before, s)
			continue
		}
		if t := r.starts(s, set); t != nil {
			out = append(out, slices.Concat(before, branch{t}, b[i+1:]))
		}
		if !r.nullable(s) {
			return out
		}
	}
	if blank {
		out = append(out, before)
	}
	return out
}

// nullable says whether re, without assertions, matches the empty text.
func (r *resolver) nullable(re *regex.Re) bool {
	if !r.count() {
		return false
	}
	switch re.Op {
	case regex.OpEmpty:
		return true
	case regex.OpConcat:
		return !slices.ContainsFunc(re.Subs, func(s *regex.Re) bool { return !r.nullable(s) })
	case regex.OpAlternate:
		return slices.ContainsFunc(re.Subs, r.nullable)
	case regex.OpRepeat:
		return re.Min == 0 || r.nullable(re.Subs[0])
	case regex.OpGroup:
		return r.nullable(re.Subs[0])
	}
	return false
}

// starts is re where its text starts with a character of set; nil if none does.
func (r *resolver) starts(re *regex.Re, set []regex.Range) *regex.Re { return r.edge(re, set, false) }

// ends is re where its text ends with a character of set; nil if none does.
func (r *resolver) ends(re *regex.Re, set []regex.Range) *regex.Re { return r.edge(re, set, true) }

func (r *resolver) edge(re *regex.Re, set []regex.Range, last bool) *regex.Re {
	if !r.count() {
		return nil
	}
	switch re.Op {
	case regex.OpEmpty:
		return nil
	case regex.OpGroup:
		return r.edge(re.Subs[0], set, last)
	case regex.OpConcat:
		var alts []*regex.Re
		for i := range re.Subs {
			at, rest := i, re.Subs[i+1:]
			if last {
				at = len(re.Subs) - 1 - i
				rest = re.Subs[:at]
			}
			s := re.Subs[at]
			if t := r.edge(s, set, last); t != nil {
				switch {
				case t == s && i == 0:
					alts = append(alts, re)
				case last:
					alts = append(alts, concat(append(slices.Clone(rest), t)...))
				default:
					alts = append(alts, concat(append([]*regex.Re{t}, rest...)...))
				}
			}
			if !r.nullable(s) {
				break
			}
		}
		return either(alts...)
	case regex.OpAlternate:
		var alts []*regex.Re
		for _, s := range re.Subs {
			alts = append(alts, r.edge(s, set, last))
		}
		if slices.Equal(alts, re.Subs) {
			return re
		}
		return either(alts...)
	case regex.OpRepeat:
		s := re.Subs[0]
		t := r.edge(s, set, last)
		if t == nil || re.Max == 0 {
			return nil
		}
		if t == s && re.Min > 0 && !r.nullable(s) {
			return re
		}
		rest := &regex.Re{Op: regex.OpRepeat, Min: max(re.Min-1, 0), Max: max(re.Max-1, -1), Subs: re.Subs}
		if rest.Max == 0 {
			return t
		}
		if last {
			return concat(rest, t)
		}
		return concat(t, rest)
	}
	in := ranges(re)
	switch out := common(in, set); {
	case len(out) == 0:
		return nil
	case slices.Equal(in, out):
		return re
	default:
		return &regex.Re{Op: regex.OpClass, Ranges: out}
	}
}

// ranges is the characters of a node that is one character.
func ranges(re *regex.Re) []regex.Range {
	switch re.Op {
	case regex.OpLiteral:
		if !re.Fold {
			return []regex.Range{{Lo: re.Rune, Hi: re.Rune}}
		}
		var out []regex.Range
		for _, c := range regex.Cases(re.Rune) {
			out = append(out, regex.Range{Lo: c, Hi: c})
		}
		return out
	case regex.OpClass:
		if re.Fold {
			return regex.FoldRanges(re.Ranges)
		}
		return re.Ranges
	case regex.OpAny:
		return []regex.Range{{Lo: 0, Hi: unicode.MaxRune}}
	case regex.OpAnyNotNewline:
		return regex.Negate(reNewline)
	}
	panic(fmt.Sprintf("elastic: regular expression node %d", re.Op))
}

func common(a, b []regex.Range) []regex.Range {
	var out []regex.Range
	for len(a) > 0 && len(b) > 0 {
		if lo, hi := max(a[0].Lo, b[0].Lo), min(a[0].Hi, b[0].Hi); lo <= hi {
			out = append(out, regex.Range{Lo: lo, Hi: hi})
		}
		if a[0].Hi < b[0].Hi {
			a = a[1:]
		} else {
			b = b[1:]
		}
	}
	return out
}

func isRun(re *regex.Re) bool {
	return re.Op == regex.OpRepeat && re.Min == 0 && re.Max < 0 && re.Subs[0].Op == regex.OpAny
}

// tidy drops what a `.*` beside it already says.
func tidy(b branch) branch {
	var out branch
	for _, s := range b {
		out = append(out, s)
		out = absorb(out)
	}
	slices.Reverse(out)
	var back branch
	for _, s := range out {
		back = append(back, s)
		back = absorb(back)
	}
	slices.Reverse(back)
	return back
}

// absorb looks at the last of b, which may stand beside a `.*`.
func absorb(b branch) branch {
	n := len(b)
	switch {
	case b[n-1].Op == regex.OpEmpty, b[n-1].Op == regex.OpRepeat && b[n-1].Max == 0:
		return b[:n-1]
	case n < 2 || !isRun(b[n-2]):
		return b
	case b[n-1].MatchesEmpty():
		return b[:n-1]
	}
	if s := b[n-1]; s.Op == regex.OpRepeat && s.Min != s.Max {
		b[n-1] = &regex.Re{Op: regex.OpRepeat, Min: s.Min, Max: s.Min, Subs: s.Subs}
	}
	return b
}

// A printer writes an expression without assertions.
type printer struct{ strings.Builder }

// factored is one of branches, with what all start or end with only once.
func factored(bs []branch) *regex.Re {
	switch len(bs) {
	case 0:
		return &regex.Re{Op: regex.OpClass} // matches nothing
	case 1:
		return concat(bs[0]...)
	}
	keys := make([][]string, len(bs))
	shortest := len(bs[0])
	for i, b := range bs {
		for _, s := range b {
			keys[i] = append(keys[i], luceneText(s))
		}
		shortest = min(shortest, len(b))
	}
	same := func(at func(k []string) string) bool {
		return !slices.ContainsFunc(keys, func(k []string) bool { return at(k) != at(keys[0]) })
	}
	pre, post := 0, 0
	for pre < shortest && same(func(k []string) string { return k[pre] }) {
		pre++
	}
	for post < shortest-pre && same(func(k []string) string { return k[len(k)-1-post] }) {
		post++
	}
	var alts []*regex.Re
	for _, b := range bs {
		alts = append(alts, concat(b[pre:len(b)-post]...))
	}
	return concat(slices.Concat(bs[0][:pre], branch{either(alts...)}, bs[0][len(bs[0])-post:])...)
}

// print writes re; tight says that it stands in a sequence, operand that a
// quantifier follows.
func (p *printer) print(re *regex.Re, tight, operand bool) {
	if p.Len() > 1<<24 {
		return
	}
	group := func(need bool, write func()) {
		if need {
			p.WriteByte('(')
		}
		write()
		if need {
			p.WriteByte(')')
		}
	}
	switch re.Op {
	case regex.OpEmpty:
		p.WriteString("()")
	case regex.OpGroup:
		p.print(re.Subs[0], tight, operand)
	case regex.OpConcat:
		group(operand, func() {
			for _, s := range re.Subs {
				p.print(s, true, false)
			}
		})
	case regex.OpAlternate:
		var alts []*regex.Re
		blank, null := false, false
		for _, s := range re.Subs {
			if blank = blank || s.Op == regex.OpEmpty; s.Op != regex.OpEmpty {
				alts = append(alts, s)
				null = null || s.MatchesEmpty()
			}
		}
		if len(alts) == 0 {
			p.print(reEmpty, tight, operand)
			return
		}
		option := blank && !null
		if len(alts) == 1 && !option {
			p.print(alts[0], tight, operand)
			return
		}
		group(operand && option, func() {
			if len(alts) == 1 {
				p.print(alts[0], true, true)
			} else {
				group(tight || operand || option, func() {
					for i, s := range alts {
						if i > 0 {
							p.WriteByte('|')
						}
						p.print(s, false, false)
					}
				})
			}
			if option {
				p.WriteByte('?')
			}
		})
	case regex.OpRepeat:
		lo, hi := re.Min, re.Max
		switch {
		case hi == 0:
			p.print(reEmpty, tight, operand)
			return
		case lo == 1 && hi == 1:
			p.print(re.Subs[0], tight, operand)
			return
		}
		group(operand, func() {
			p.print(re.Subs[0], true, true)
			switch {
			case lo == 0 && hi < 0:
				p.WriteByte('*')
			case lo == 1 && hi < 0:
				p.WriteByte('+')
			case lo == 0 && hi == 1:
				p.WriteByte('?')
			case hi < 0:
				fmt.Fprintf(p, "{%d,}", lo)
			case lo == hi:
				fmt.Fprintf(p, "{%d}", lo)
			default:
				fmt.Fprintf(p, "{%d,%d}", lo, hi)
			}
		})
	case regex.OpAny:
		p.WriteByte('.')
	default:
		p.class(ranges(re))
	}
}

// class writes one character of rs.
func (p *printer) class(rs []regex.Range) {
	switch {
	case len(rs) == 0:
		p.WriteByte('#')
		return
	case len(rs) == 1 && rs[0].Lo == rs[0].Hi:
		p.WriteString(escape(rs[0].Lo, `.?+*|{}[]()"\#@&<>~`))
		return
	}
	in := members(rs)
	if n := utf8.RuneCountInString(in); n > 2 { // all but two is not said shorter
		out := regex.Negate(rs)
		if len(out) == 0 {
			p.WriteByte('.')
			return
		}
		if not := members(out); utf8.RuneCountInString(not)+1 < n {
			p.WriteString("[^" + not + "]")
			return
		}
	}
	p.WriteString("[" + in + "]")
}

func members(rs []regex.Range) string {
	var b strings.Builder
	for _, r := range rs {
		// Not `/-9`, but `/0-9`.
		blocks := slices.DeleteFunc([]regex.Range{{Lo: '0', Hi: '9'}, {Lo: 'A', Hi: 'Z'}, {Lo: 'a', Hi: 'z'}},
			func(k regex.Range) bool { return k.Lo < r.Lo || k.Hi > r.Hi })
		if len(blocks) == 1 && r != blocks[0] {
			member(&b, r.Lo, blocks[0].Lo-1)
			member(&b, blocks[0].Lo, blocks[0].Hi)
			r.Lo = blocks[0].Hi + 1
		}
		member(&b, r.Lo, r.Hi)
	}
	return b.String()
}

func member(b *strings.Builder, lo, hi rune) {
	const special = `\[]^-"`
	// Few signs are clearer one by one.
	for lo < hi && hi-lo < 4 && (unicode.IsPunct(lo) || unicode.IsSymbol(lo)) {
		b.WriteString(escape(lo, special))
		lo++
	}
	if lo > hi {
		return
	}
	b.WriteString(escape(lo, special))
	if hi > lo+1 {
		b.WriteByte('-')
	}
	if hi > lo {
		b.WriteString(escape(hi, special))
	}
}

func escape(r rune, special string) string {
	if strings.ContainsRune(special, r) {
		return `\` + string(r)
	}
	return string(r)
}
