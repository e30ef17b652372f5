package eval

import (
	"cmp"
	"math/bits"
	"slices"
	"strings"
	"unicode/utf8"
)

// Words finds which of many texts stand in a value, in one way over it whatever
// their number. Each text is looked for by a piece of it, the one that fewest of the texts
// have.
//
// That takes the place of an Aho-Corasick automaton: it has some bytes a text and
// not a state a character of it, is made in a fraction of the time, and its bitmap, which
// answers for most places of a value, stays in the fastest cache.
type words struct {
	long  bool // values are long: the pieces at several places in a row are known where texts are long too, so that only some places need a look
	folds bool // some have letters that are not ASCII
	four  grams
	two   grams            // of texts of two or three bytes
	pairs *[1 << 10]uint64 // a bitmap of the pieces of two bytes
	bytes []word           // of one byte
}

// A stride is 1, or maxStride in long values.
const maxStride = 4

// grams are the texts that are looked for by pieces of one length.
type grams struct {
	stride int      // from one place that is looked at to the next
	seen   []uint64 // a bitmap of hashes
	shift  uint8
	table  []bucket // open addressing by hash
	words  []word   // those with one piece stand together
}

type bucket struct {
	gram     uint32
	from, to int32 // in words; none: the bucket is empty
}

// A word is a clue by its piece.
type word struct {
	text   string
	behind int32 // of the piece, bytes before it in text
	place  place
	find   find
}

// A find is a leaf whose clue was seen.
type find struct {
	leaf int32
	sure bool
}

func (w *words) add(c clue, f find) {
	w.folds = w.folds || strings.IndexFunc(c.text, func(r rune) bool { return r >= utf8.RuneSelf }) >= 0
	if len(c.text) == 1 {
		w.bytes = append(w.bytes, word{c.text, 0, c.place, f})
		return
	}
	g := &w.four
	if len(c.text) < 4 {
		g = &w.two
	}
	g.words = append(g.words, word{c.text, 0, c.place, f})
}

// piece is that of n bytes of a text at i, without regard to the case of ASCII letters.
func piece(s string, i, n int) (g uint32) {
	for j := range n {
		g |= uint32(s[i+j]&caseless) << (8 * j)
	}
	return g
}

// caseless are the bits of a byte that both cases of a letter have.
const caseless = 0xdf

// build is called once, after all was added. The counts are of these texts or of more.
func (w *words) build(c *counts) {
	w.four.build(4, w.long, c.four, c.shift)
	w.two.build(2, false, c.two, c.shift)
	if short := w.two; len(short.words) > 0 {
		w.pairs = new([1 << 10]uint64)
		for _, b := range short.table {
			if b.to > 0 {
				w.pairs[b.gram/64] |= 1 << (b.gram % 64)
			}
		}
	}
}

// Counts say how often texts have each piece of four bytes and of two, by a part of its hash. What
// is rare in texts that rules look for is rare in what they are looked for in, too.
type counts struct {
	four, two []uint32
	shift     uint8
}

// newCounts is for texts of so many bytes together.
func newCounts(size int) *counts {
	const least, most = 6, 18 // of bits of a hash
	width := min(max(bits.Len(uint(size)), least), most)
	return &counts{make([]uint32, 1<<width), make([]uint32, 1<<width), uint8(32 - width)}
}

func (c *counts) add(text string) {
	for i := 0; i+4 <= min(len(text), maxPieces); i++ {
		c.four[hash(piece(text, i, 4))>>c.shift]++
	}
	for i := 0; i+2 <= min(len(text), maxPieces); i++ {
		c.two[hash(piece(text, i, 2))>>c.shift]++
	}
}

// build takes of each word a piece of n bytes that is rare by the counts, whose hashes are shifted.
func (g *grams) build(n int, long bool, counts []uint32, shift uint8) {
	if len(g.words) == 0 {
		return
	}
	shortest := len(g.words[0].text)
	for _, w := range g.words {
		shortest = min(shortest, len(w.text))
	}
	if g.stride = 1; long && shortest >= n+maxStride-1 {
		g.stride = maxStride
	}
	type keyed struct {
		gram uint32
		word
	}
	var all []keyed
	for _, w := range g.words {
		best, least := 0, uint32(0)
		for i := 0; i+g.stride-1+n <= min(len(w.text), maxPieces); i++ {
			sum := uint32(0)
			for j := range g.stride {
				sum += counts[hash(piece(w.text, i+j, n))>>shift]
			}
			if i == 0 || sum < least {
				best, least = i, sum
			}
		}
		for j := range g.stride {
			w.behind = int32(best + j)
			all = append(all, keyed{piece(w.text, best+j, n), w})
		}
	}
	slices.SortStableFunc(all, func(a, b keyed) int { return cmp.Compare(a.gram, b.gram) })
	size := 1
	g.words = g.words[:0]
	for i, k := range all {
		g.words = append(g.words, k.word)
		if i > 0 && k.gram != all[i-1].gram {
			size++
		}
	}
	g.table = make([]bucket, 1<<bits.Len(uint(2*size)))
	const least, most = 13, 18 // of bits of the bitmap
	width := min(max(bits.Len(uint(256*size)), least), most)
	g.shift = uint8(32 - width)
	g.seen = make([]uint64, 1<<(width-6))
	for from := 0; from < len(all); {
		gram, to := all[from].gram, from+1
		for to < len(all) && all[to].gram == gram {
			to++
		}
		h := hash(gram)
		g.seen[h>>g.shift/64] |= 1 << (h >> g.shift % 64)
		at := g.home(h)
		for g.table[at].to != 0 {
			at = (at + 1) % uint32(len(g.table))
		}
		g.table[at] = bucket{gram, int32(from), int32(to)}
		from = to
	}
}

// maxPieces bounds the bytes of a text of which a piece is taken.
const maxPieces = 64

func hash(gram uint32) uint32 { return gram * 2654435769 }

func (g *grams) home(h uint32) uint32 { return h >> 7 & uint32(len(g.table)-1) }

// fit says whether find may be asked of s as it is: its letters of ASCII are those
// of its folded form.
func (w *words) fit(s string) bool {
	const kelvin, longS = 0xe2, 0xc5 // the first bytes of what is folded to k and s
	for i := 0; i < len(s); i++ {
		const ascii = 0x8080808080808080
		for i+8 <= len(s) && eight(s[i:])&ascii == 0 {
			i += 8
		}
		if i == len(s) {
			break
		}
		if c := s[i]; c >= utf8.RuneSelf && (w.folds || c == kelvin || c == longS) {
			return false
		}
	}
	return true
}

// eight are the bytes that s begins with.
func eight(s string) uint64 {
	_ = s[7] // one check of the length, and one load
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 | uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// find adds what each text that stands in s leads to, for some of them several times. It
// fits s, or that is folded.
func (w *words) find(s string, out []find) []find {
	out = w.four.find4(s, out)
	if w.pairs != nil {
		g := &w.two
		for i := 0; i <= len(s)-2; i++ {
			gram := (uint16(s[i]) | uint16(s[i+1])<<8) & (caseless<<8 | caseless)
			if w.pairs[gram/64]>>(gram%64)&1 != 0 {
				out = g.at(s, i, uint32(gram), out)
			}
		}
	}
	for i := range w.bytes { // of which there are few different ones
		if word := &w.bytes[i]; word.inByte(s) {
			out = append(out, word.find)
		}
	}
	return out
}

// find4 is for pieces of four bytes.
func (g *grams) find4(s string, out []find) []find {
	if len(g.words) == 0 {
		return out
	}
	if g.stride == 1 {
		for i := 0; i <= len(s)-4; i++ {
			if gram := four(s, i); g.has(gram) {
				out = g.at(s, i, gram, out)
			}
		}
		return out
	}
	for i := 0; i <= len(s)-4; i += maxStride {
		if gram := four(s, i); g.has(gram) {
			out = g.at(s, i, gram, out)
		}
	}
	return out
}

// four is the piece at i. Where i is counted by a constant, no index is checked, which would take as long again.
func four(s string, i int) uint32 {
	const all = caseless<<24 | caseless<<16 | caseless<<8 | caseless
	return (uint32(s[i]) | uint32(s[i+1])<<8 | uint32(s[i+2])<<16 | uint32(s[i+3])<<24) & all
}

// has says whether the bitmap has a piece.
func (g *grams) has(gram uint32) bool {
	h := hash(gram) >> (g.shift & 31)
	return g.seen[h/64]>>(h%64)&1 != 0
}

// at tries the texts with a piece that stands at i.
func (g *grams) at(s string, i int, gram uint32, out []find) []find {
	at := g.home(hash(gram))
	for ; g.table[at].gram != gram || g.table[at].to == 0; at = (at + 1) % uint32(len(g.table)) {
		if g.table[at].to == 0 {
			return out
		}
	}
	for j := g.table[at].from; j < g.table[at].to; j++ {
		w := &g.words[j]
		from := i - int(w.behind)
		to := from + len(w.text)
		if from < 0 || to > len(s) || from > 0 && w.place.isStart() || to < len(s) && w.place.isEnd() {
			continue
		}
		if folds(s[from:to], w.text) {
			out = append(out, w.find)
		}
	}
	return out
}

// inByte says whether s has the word, which is one byte.
func (w *word) inByte(s string) bool {
	switch n := len(s); {
	case n == 0 || w.place == whole && n > 1:
		return false
	case w.place == atEnd:
		return folds(s[n-1:], w.text)
	case w.place != anywhere:
		return folds(s[:1], w.text)
	}
	c := w.text[0]
	return strings.IndexByte(s, c) >= 0 || 'A' <= c && c <= 'Z' && strings.IndexByte(s, c+('a'-'A')) >= 0
}

// folds says whether a text of the same length is another one, which is folded, but for the case
// of ASCII letters.
func folds(s, folded string) bool {
	for i := range len(s) {
		c := s[i]
		if c != folded[i] && (c < 'a' || 'z' < c || c-('a'-'A') != folded[i]) {
			return false
		}
	}
	return true
}
