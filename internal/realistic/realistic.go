// Package realistic writes texts that could stand in a field of an event: what tests ask of
// it, in their casing, as a path, a command line or a name that a reader knows from logs. A
// text is a proposal, by the name of the field and by what often stands there: whoever asks
// for one tries it.
package realistic

import (
	"iter"
	"slices"
	"strings"
	"unicode"

	"sigmac/ir"
	"sigmac/regex"
)

// Known is what is known of an event beside the field that a text is for.
type Known struct {
	Texts map[string]string          // of fields that have theirs
	Tests iter.Seq2[string, ir.Test] // of the rule, by field, in its order
}

// maxTexts bounds the proposals for a field, maxTests the tests for which there are any.
const maxTexts, maxTests = 9, 50

// ways are the alternatives of an expression, and the places in a network, that are tried.
const ways = 3

// Texts are texts for a field that likely pass all of tests, as a rule writes these; the
// likeliest first, and no more than a few. None is empty.
func Texts(field string, tests []ir.Test, k Known) (out []string) {
	if len(tests) > maxTests {
		return nil
	}
	kind := kindOf(field)
	for way := range ways {
		most := maxTexts
		if slices.ContainsFunc(tests, func(t ir.Test) bool { _, pattern := t.(ir.Pattern); return !pattern }) {
			most = maxTexts * (way + 1) / ways
		} else if way > 0 {
			break // a pattern is filled in one way
		}
		p := partsOf(tests, kind.glue(), way)
		texts := kind.texts(p, surroundings{k, field})
		if p.whole {
			texts = func(yield func(string) bool) { yield(p.begin) }
		}
		for s := range texts {
			if len(out) >= most {
				break
			}
			if s != "" && !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
	}
	return out
}

// Later says whether the text of a field is made of those of others, which come first.
func Later(field string) bool { return kindOf(field) == command }

// parts are what tests ask of a text together.
type parts struct {
	begin  string // what it starts with, or empty
	middle []string
	end    string
	whole  bool // begin is the text
}

// partsOf are the parts of tests, those of expressions in one of several ways. Runs between two
// literals become glue where nothing else parts them.
func partsOf(tests []ir.Test, glue string, way int) (p parts) {
	for _, t := range tests {
		text, open, shut := "", true, true // whether anything may stand before it, and behind it
		switch t := t.(type) {
		case ir.Pattern:
			if len(t.Parts) == 0 {
				continue
			}
			open, shut = t.Parts[0].Kind == ir.AnyRun, t.Parts[len(t.Parts)-1].Kind == ir.AnyRun
			text = filled(t.Parts, glue)
		case ir.Regexp:
			if t.Re == nil {
				continue
			}
			open, shut = !begins(t.Re), !ends(t.Re)
			w := writer{way: way}
			w.write(t.Re)
			text = w.String()
		case ir.CIDR:
			text, open, shut = hostIn(t.Net, way), false, false
		}
		switch {
		case !open && !shut:
			return parts{begin: text, whole: true}
		case !open:
			p.begin = longer(p.begin, text)
		case !shut:
			p.end = longer(p.end, text)
		default:
			p.middle = append(p.middle, text)
		}
	}
	p.middle = slices.DeleteFunc(slices.Clone(p.middle), func(s string) bool {
		return within(s, p.begin) || within(s, p.end) || slices.ContainsFunc(p.middle, func(o string) bool { return len(o) > len(s) && within(s, o) })
	})
	for i, s := range p.middle { // what goes on with a sign stands behind what does not
		if i+1 < len(p.middle) && p.begin == "" && i == 0 && strings.HasPrefix(s, ":") {
			p.middle[0], p.middle[1] = p.middle[1], s
		}
	}
	return p
}

func longer(a, b string) string {
	if len(b) > len(a) {
		return b
	}
	return a
}

// within says whether s stands in text, whatever the casing.
func within(s, text string) bool { return strings.Contains(strings.ToLower(text), strings.ToLower(s)) }

// hasPrefix is strings.HasPrefix, whatever the casing of s; prefix is in lower case.
func hasPrefix(s, prefix string) bool { return strings.HasPrefix(strings.ToLower(s), prefix) }

// filled is a pattern with texts in the place of its wildcards.
func filled(ps []ir.Part, glue string) string {
	var b strings.Builder
	for i, q := range ps {
		next := ""
		if i+1 < len(ps) {
			next = ps[i+1].Text
		}
		had := b.String()
		switch {
		case q.Kind == ir.Literal:
			b.WriteString(q.Text)
		case q.Kind == ir.AnyOne && strings.HasPrefix(next, `:\`):
			b.WriteByte('C')
		case q.Kind == ir.AnyOne:
			b.WriteByte('1')
		case i == 0 || i+1 == len(ps):
		case strings.HasSuffix(had, `\`) && strings.HasPrefix(next, `\`), strings.HasSuffix(had, `/`) && strings.HasPrefix(next, `/`):
			b.WriteString(folderBelow(had))
		case glue == " " && !strings.ContainsAny(had[max(0, len(had)-1):]+next[:min(1, len(next))], ` \/`):
			b.WriteString(glue)
		}
	}
	return b.String()
}

// joined are texts one behind the other. Where both bring what parts them, it stands once.
func joined(glue string, texts ...string) (out string) {
	for _, s := range texts {
		if s == "" {
			continue
		}
		last, first := out[max(0, len(out)-1):], s[:1]
		switch {
		case out == "":
			out = s
		case glue == `\` && first == "." && strings.Contains(`\/`, last):
			out += "report" + s
		case last == first && strings.Contains(` \/`, first):
			out += s[1:]
		case glue == " " && strings.HasPrefix(s, `\`) && !strings.HasPrefix(s, `\\`) && strings.Contains(` "'=`, last):
			out += folderFor(s, true)[0] + s
		case glue == " " && strings.HasPrefix(s, `\`) && !strings.HasPrefix(s, `\\`):
			out += " " + folderFor(s, true)[0] + s
		case glue == " " && strings.HasPrefix(s, `:\`):
			out = strings.TrimSuffix(out, " ") + " C" + s
		case glue == " " && strings.HasPrefix(s, ".") && strings.Contains(` ="'`, last):
			out += "file" + s
		case glue == " " && strings.HasPrefix(s, ".") && len(s) <= 5:
			out += " file" + s
		case glue == " " && strings.Contains("=:", last) && strings.Contains("-/", first) && !strings.HasPrefix(s, "//"):
			out += "1 " + s
		case strings.Contains(` \/=:;([{`, last), strings.Contains(`"'`, last) && strings.Count(out, last)%2 == 1,
			strings.Contains(` ,:;.)]}`, first), glue != " " && strings.Contains(`\/`, first):
			out += s
		default:
			out += glue + s
		}
	}
	return out
}

// body is all parts as one text, with glue between those that say nothing of what parts them.
func (p parts) body(glue string) string {
	return joined(glue, slices.Concat([]string{p.begin}, p.middle, []string{p.end})...)
}

// begins says whether what re matches begins a text, ends whether it ends one.
func begins(re *regex.Re) bool {
	return re.Op == regex.OpBeginText || (re.Op == regex.OpConcat || re.Op == regex.OpGroup) && len(re.Subs) > 0 && begins(re.Subs[0])
}

func ends(re *regex.Re) bool {
	return re.Op == regex.OpEndText || re.Op == regex.OpEnd || (re.Op == regex.OpConcat || re.Op == regex.OpGroup) && len(re.Subs) > 0 && ends(re.Subs[len(re.Subs)-1])
}

// A writer writes a text that an expression likely matches: of alternatives the one of its way, of
// repetitions the fewest, and of classes one character after the other, so that no name is a
// row of the same letter.
type writer struct {
	strings.Builder
	way   int
	taken int
}

// variety are the characters of classes, in the order in which they are taken.
const variety = "k3d9fa27be4hc81m60pgx5t-wn_ rsvuqjyozil.KDFABEHCMPGXTWNRSVUQJYOZIL/\\"

// maxWritten bounds what is written, in bytes.
const maxWritten = 1 << 12

func (w *writer) write(re *regex.Re) {
	switch re.Op {
	case regex.OpLiteral:
		w.WriteRune(re.Rune)
	case regex.OpClass:
		if r, ok := oneLetter(re.Ranges); ok {
			w.WriteRune(r)
			return
		}
		in := func(r rune) bool {
			return slices.ContainsFunc(re.Ranges, func(g regex.Range) bool { return g.Lo <= r && r <= g.Hi })
		}
		for i := range len(variety) {
			if at := (w.taken + i) % len(variety); in(rune(variety[at])) {
				w.taken = at + 1
				w.WriteByte(variety[at])
				return
			}
		}
		if len(re.Ranges) > 0 {
			w.WriteRune(re.Ranges[0].Lo)
		}
	case regex.OpAny, regex.OpAnyNotNewline:
		w.WriteByte('x')
	case regex.OpAlternate:
		w.write(re.Subs[min(w.way, len(re.Subs)-1)])
	case regex.OpRepeat:
		for i, had := 0, -1; i < re.Min && w.Len() < maxWritten && w.Len() > had; i++ {
			had = w.Len()
			w.write(re.Subs[0])
		}
	case regex.OpConcat, regex.OpGroup:
		for _, s := range re.Subs {
			w.write(s)
		}
	}
}

// oneLetter is the letter in lower case of which a class has the cases.
func oneLetter(class []regex.Range) (letter rune, ok bool) {
	if len(class) == 0 || len(class) > 4 {
		return 0, false
	}
	letter = unicode.ToLower(class[0].Lo)
	return letter, !slices.ContainsFunc(class, func(g regex.Range) bool {
		return g.Lo != g.Hi || regex.Fold(string(g.Lo)) != regex.Fold(string(letter))
	})
}
