package check

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"sigmac/internal/diff"
	"sigmac/ir"
	"sigmac/parser"
)

// A Fix is changes of a file that mend a finding and keep the meaning of every
// rule in it. That is proved before a Fix is offered.
type Fix struct {
	Edits []Edit // in the order of the file, apart from each other
	words bool   // it changes what a rule says of itself, and needs no prover
}

// An Edit puts Text in the place of the bytes from Start up to End.
type Edit struct {
	Start, End int
	Text       string
}

// mark says of a fix that it changes a list of words.
func (f *Fix) mark() {
	if f != nil {
		f.words = true
	}
}

// allOf is all of several fixes, or nil where one is missing.
func allOf(fixes []*Fix) *Fix {
	all := &Fix{}
	for _, f := range fixes {
		if f == nil {
			return nil
		}
		all.Edits = append(all.Edits, f.Edits...)
	}
	slices.SortFunc(all.Edits, func(a, b Edit) int { return cmp.Compare(a.Start, b.Start) })
	return all
}

// Apply makes those of the edits that touch none before them. rest says whether
// some were left out.
func Apply(src []byte, fixes []*Fix) (out []byte, made int, rest bool) {
	var edits []Edit
	// The bytes that an edit has already; one that only inserts has the byte behind it.
	taken := make([]bool, len(src)+1)
	touches := func(e Edit) bool { return slices.Contains(taken[e.Start:max(e.End, e.Start+1)], true) }
	for _, f := range fixes {
		if slices.ContainsFunc(f.Edits, touches) {
			rest = true
			continue
		}
		for _, e := range f.Edits {
			for i := e.Start; i < max(e.End, e.Start+1); i++ {
				taken[i] = true
			}
		}
		edits = append(edits, f.Edits...)
		made++
	}
	slices.SortFunc(edits, func(a, b Edit) int { return cmp.Compare(a.Start, b.Start) })
	at := 0
	for _, e := range edits {
		out = append(out, src[at:e.Start]...)
		out = append(out, e.Text...)
		at = e.End
	}
	return append(out, src[at:]...), made, rest
}

// offset is the byte of a place, or -1. Lines end with \n or \r\n here; where
// others shift the places, the text there is not the one that is looked for.
func (r *fileReport) offset(at ir.Pos) int {
	src := r.Data
	if r.lines == nil {
		r.lines = []int{0}
		for i, c := range src {
			if c == '\n' {
				r.lines = append(r.lines, i+1)
			}
		}
	}
	if at.Line < 1 || at.Line > len(r.lines) {
		return -1
	}
	start := r.lines[at.Line-1]
	for range at.Column - 1 {
		_, size := utf8.DecodeRune(src[start:])
		if size == 0 || src[start] == '\n' {
			return -1
		}
		start += size
	}
	return start
}

// token is the scalar in one line that starts at a place, and its text must be
// that; nil otherwise.
func (r *fileReport) token(at ir.Pos, text string) (start, end int, quote byte) {
	start = r.offset(at)
	if start < 0 || start >= len(r.Data) {
		return -1, -1, 0
	}
	switch quote = r.Data[start]; quote {
	case '\'':
		written := "'" + strings.ReplaceAll(text, "'", "''") + "'"
		if !bytes.HasPrefix(r.Data[start:], []byte(written)) {
			return -1, -1, 0
		}
		return start, start + len(written), quote
	case '"':
		end = start + 1
		for ; end < len(r.Data) && r.Data[end] != '"'; end++ {
			if r.Data[end] == '\n' || r.Data[end] == '\\' {
				return -1, -1, 0
			}
		}
		if string(r.Data[start+1:min(end, len(r.Data))]) != text {
			return -1, -1, 0
		}
		return start, end + 1, quote
	}
	if text == "" || !bytes.HasPrefix(r.Data[start:], []byte(text)) {
		return -1, -1, 0
	}
	rest := r.Data[start+len(text):]
	if line, _, _ := bytes.Cut(rest, []byte("\n")); len(bytes.TrimSpace(line)) > 0 && !bytes.HasPrefix(bytes.TrimLeft(line, " "), []byte("#")) {
		return -1, -1, 0
	}
	return start, start + len(text), 0
}

// replaceValue is the fix that writes another text for a value, or nil where it
// does not stand in one line.
func (r *fileReport) replaceValue(v ir.Scalar, text string) *Fix {
	start, end, _ := r.token(v.Pos, v.Text)
	if start < 0 || strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c == 0x7f }) {
		return nil
	}
	return &Fix{Edits: []Edit{{start, end, "'" + strings.ReplaceAll(text, "'", "''") + "'"}}}
}

// replaceWord is the fix that writes another word for a text, in the quotes that
// it has, or nil. The word needs no quotes.
func (r *fileReport) replaceWord(n *yaml.Node, word string) *Fix {
	start, end, quote := r.token(place(n), n.Value)
	if start < 0 {
		return nil
	}
	if quote != 0 {
		word = string(quote) + word + string(quote)
	}
	return &Fix{Edits: []Edit{{start, end, word}}}
}

// insertModifier is the fix that gives an item one more modifier, before the
// others, or nil.
func (r *fileReport) insertModifier(it ir.Item, name string) *Fix {
	start := r.offset(it.Span.Start)
	if start < 0 || !bytes.HasPrefix(r.Data[start:], []byte(it.Field.Name)) {
		return nil
	}
	at := start + len(it.Field.Name)
	if at >= len(r.Data) || r.Data[at] != ':' && r.Data[at] != '|' {
		return nil
	}
	return &Fix{Edits: []Edit{{at, at, "|" + name}}}
}

// replaceModifiers is the fix that writes other modifiers for an item, or nil.
func (r *fileReport) replaceModifiers(it ir.Item, mods string) *Fix {
	start := r.offset(it.Span.Start)
	if start < 0 || !bytes.HasPrefix(r.Data[start:], []byte(it.Field.Name)) {
		return nil
	}
	at := start + len(it.Field.Name)
	end := bytes.IndexByte(r.Data[at:], ':')
	if end < 0 || bytes.ContainsAny(r.Data[at:at+end], " \n'\"") {
		return nil
	}
	return &Fix{Edits: []Edit{{at, at + end, mods}}}
}

// withoutLine is the fix that takes away the line of a block list on which a
// value stands alone, or nil.
func (r *fileReport) withoutLine(at ir.Pos, text string) *Fix {
	start, behind, _ := r.token(at, text)
	if start < 0 {
		return nil
	}
	begin := bytes.LastIndexByte(r.Data[:start], '\n') + 1
	end := bytes.IndexByte(r.Data[behind:], '\n')
	if end < 0 || string(bytes.TrimSpace(r.Data[begin:start])) != "-" {
		return nil
	}
	if rest := bytes.TrimSpace(r.Data[behind : behind+end]); len(rest) > 0 && rest[0] != '#' {
		return nil
	}
	return &Fix{Edits: []Edit{{begin, behind + end + 1, ""}}}
}

// maxFixes bounds the fixes of a file, and maxApart those that are proved one by
// one, each by a whole comparison.
const (
	maxFixes = 1000
	maxApart = 20
)

// proveFixes leaves only those fixes with which the file still says the same: of
// its rules for every event, of the rest but for the list that is mended. All
// together are proved first, for that is mostly enough.
func (l *linter) proveFixes(r *fileReport, before *parser.Collection) {
	var fixes []*Fix
	words := false
	for i := range r.findings {
		f := &r.findings[i]
		if f.Fix == nil {
			continue
		}
		if len(fixes) == maxFixes {
			f.Fix = nil
			continue
		}
		fixes = append(fixes, f.Fix)
		words = words || f.Fix.words
	}
	if len(fixes) == 0 {
		return
	}
	if after, _, rest := Apply(r.Data, fixes); !rest && l.Same(before, parser.Parse(r.Path, after), words) {
		return
	}
	// One by one, each with those that were found good: two that are good alone may
	// not be so together.
	var good []*Fix
	for i := range r.findings {
		f := &r.findings[i]
		if f.Fix == nil {
			continue
		}
		with := append(slices.Clone(good), f.Fix)
		if len(fixes) <= maxApart {
			if after, made, _ := Apply(r.Data, with); made == len(with) && l.Same(before, parser.Parse(r.Path, after), words) {
				good = with
				continue
			}
		}
		f.Fix = nil
	}
}

// Same says whether two versions of a file mean the same. words says that their
// lists of tags and references may differ. An aggregation may have become the
// correlation behind the other documents.
func (o Options) Same(old, new *parser.Collection, words bool) bool {
	n := min(len(old.Documents), len(new.Documents))
	added := new.Documents[n:]
	same := slices.EqualFunc(old.Documents, new.Documents[:n], func(a, b *parser.Document) bool {
		switch {
		case a.Aggregation != nil && b.Aggregation != nil:
			return a.Errors[0].Msg == b.Errors[0].Msg && a.Aggregation.Before == b.Aggregation.Before
		case a.Aggregation != nil && len(added) > 0:
			c := added[0]
			added = added[1:]
			return correlates(a, b, c)
		}
		if len(b.Errors) > 0 || len(a.Errors) > 0 || a.Kind != b.Kind {
			return false
		}
		c := diff.Compare(a, b, diff.Options{Budget: max(o.Budget, 1), Examples: 1})
		if c.Kind == diff.Equal {
			return len(c.Metadata) == 0 || words && len(c.Metadata) == 1 && c.Metadata[0].Name == "tags"
		}
		return false
	})
	return same && len(added) == 0
}
