// Package splunk writes SPL, the search language of Splunk.
//
// SPL is said to have every pattern: the emitter splits a condition into `search` and
// `where`, which it first puts into a form in which as much as can be stands in `search`
// (tidy.go). What is left for `where` stands there exactly, and `search` has what that
// implies.
package splunk

import (
	"net/netip"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"sigmac/backends"
	"sigmac/internal/lazy"
	"sigmac/ir"
	"sigmac/regex"
)

const name = "splunk"

// keywordField holds the text of the whole event.
const keywordField = "_raw"

// Caps has every Pattern: what `search` cannot say, the emitter writes as a
// regular expression in `where`, after the search that it implies.
func Caps() backends.Caps {
	parts := map[string]bool{}
	for part := range timeFormats {
		parts[part] = true
	}
	return backends.Caps{
		Backend:      name,
		Pattern:      func(p ir.Pattern) bool { return !p.Has(ir.Placeholder) },
		Regexp:       regex.PCRE.Lacks,
		KeywordField: keywordField,
		FieldRef:     true,
		OrderText:    true,
		CIDRText:     true,
		TimePart:     parts,
		Moments:      func(name string) bool { return name == "_time" || name == "_indextime" },
	}
}

// timeFormats are the conversions of strftime, which takes a number of seconds since
// 1970. Of the fields that every event has these are so (Search Reference: strftime;
// Knowledge Manager Manual: use default fields); others hold texts in any form.
var timeFormats = map[string]string{"minute": "%M", "hour": "%H", "day": "%d", "month": "%m", "year": "%Y"}

// searchable says whether the command `search` can say e exactly. What a pipeline wrote
// in its language it can.
func searchable(e ir.Expr) bool {
	switch e := e.(type) {
	case ir.Match:
		return lack(e) == ""
	case ir.Not:
		return searchable(e.X)
	}
	return !slices.ContainsFunc(ir.Parts(e), func(x ir.Expr) bool { return !searchable(x) })
}

// said says whether the function searchmatch can say e exactly, and best: what `search`
// can say, and more, since it compares with the fields of an event and not with
// the index. Whether a field is there, `where` can say itself.
func said(e ir.Expr) bool {
	switch e := e.(type) {
	case ir.Opaque:
		return false
	case ir.Match:
		l := lack(e)
		return (l == "" || l == innerWildcard) && e.Test != (ir.Null{}) && e.Test != (ir.Exists{})
	case ir.Not:
		return said(e.X)
	}
	return !slices.ContainsFunc(ir.Parts(e), func(x ir.Expr) bool { return !said(x) })
}

// What `search` lacks, beside what else patternLack names. This and that are all the
// reasons for which a query has a `where`.
const (
	innerWildcard = "a wildcard within a text"
	regularExpr   = "a regular expression"
	order         = "an order of numbers"
	otherField    = "a reference to another field"
	datePart      = "a part of a date"
	optionName    = "a field with the name of an option"
	networkText   = "a text that looks like a network"
)

// lack names what `search` lacks to say m exactly, or is "". A wildcard within a text
// may miss events, since the index holds the words of a text (Search Manual:
// Wildcards).
func lack(m ir.Match) string {
	if isOption(m.Field.Name) {
		return optionName
	}
	switch t := m.Test.(type) {
	case ir.Pattern:
		l := patternLack(t)
		if shape, _ := t.Shape(); l == "" && shape == ir.Glob {
			return innerWildcard
		}
		return l
	case ir.Regexp:
		return regularExpr
	case ir.Compare:
		if t.Op != ir.Eq {
			return order
		}
	case ir.FieldRef:
		return otherField
	case ir.TimePart:
		return datePart
	}
	return ""
}

// modifiers are the names that `search` takes for its own options.
var modifiers = map[string]bool{
	"earliest": true, "latest": true, "_index_earliest": true, "_index_latest": true,
	"starttime": true, "endtime": true, "starttimeu": true, "endtimeu": true, "timeformat": true,
	"startdaysago": true, "starthoursago": true, "startminutesago": true, "startmonthsago": true,
	"enddaysago": true, "endhoursago": true, "endminutesago": true, "endmonthsago": true,
	"daysago": true, "hoursago": true, "minutesago": true, "monthsago": true,
	"searchtimespandays": true, "searchtimespanhours": true, "searchtimespanminutes": true, "searchtimespanmonths": true,
	"eventtypetag": true, "hosttag": true, "savedsearch": true, "savedsplunk": true,
}

// isOption says whether `search` takes a name for one of the modifiers, in any case.
func isOption(name string) bool {
	var lower [len("searchtimespanminutes")]byte // the longest
	for i := range len(name) {
		c := name[i]
		switch {
		case c >= utf8.RuneSelf:
			return modifiers[strings.ToLower(name)]
		case i == len(lower):
			return false
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		}
		lower[i] = c
	}
	return modifiers[string(lower[:len(name)])]
}

var subnet = lazy.Regexp(`^([0-9]+(\.[0-9]+){3}|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)/[0-9]+$`)

// likeSubnet says whether `search` might take s for a network and not for a
// text: what stands behind an address and a slash may be anything.
func likeSubnet(s string) bool {
	host, _, slash := strings.Cut(s, "/")
	if !slash {
		return false
	}
	_, err := netip.ParseAddr(host)
	return err == nil || subnet().MatchString(s)
}

// lacks are all that `search` lacks to say es, sorted.
func lacks(es []ir.Expr) (out []string) {
	ir.Walk(ir.And(es), func(e ir.Expr) {
		if m, ok := e.(ir.Match); ok && lack(m) != "" {
			out = append(out, lack(m))
		}
	})
	slices.Sort(out)
	return slices.Compact(out)
}

// patternLack names what no string of `search` says of p.
func patternLack(p ir.Pattern) string {
	shape, s := p.Shape()
	if !slices.ContainsFunc(p.Parts, func(q ir.Part) bool { return q.Kind == ir.AnyOne || !ordinary(q.Text) }) && !p.Cased {
		if shape == ir.Exact && likeSubnet(s) {
			return networkText
		}
		return ""
	}
	text := p.Literals()
	switch {
	case p.Has(ir.AnyOne):
		return "the wildcard ?"
	case !utf8.ValidString(text):
		return "a value that is not UTF-8 text"
	case strings.Contains(text, "*"):
		return "a literal *"
	case strings.Contains(text, "`"):
		return "a backtick"
	case backends.HasHidden(text):
		return "a character that cannot be seen"
	case p.Cased && strings.ContainsFunc(text, regex.HasCases):
		return "a comparison with regard to case"
	case !regex.LowerFolds(text):
		return "a letter whose lower case does not decide equality"
	case shape == ir.Exact && likeSubnet(s):
		return networkText
	}
	return ""
}

func wordRune(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

// implied is a search that every event of e passes, of tests that the index
// helps; True where there is none.
func implied(e ir.Expr) ir.Expr {
	var out []ir.Expr
	switch e := e.(type) {
	case ir.And:
		for _, x := range e {
			out = append(out, implied(x))
		}
	case ir.Or:
		for _, x := range e {
			out = append(out, implied(x))
		}
		return ir.Disjunction(out...)
	case ir.Opaque:
		return e
	case ir.Match:
		p, ok := e.Test.(ir.Pattern)
		switch {
		case e.Test == ir.Test(ir.Null{}) || e.Test == ir.Test(ir.Exists{}):
		case searchable(e):
			return e
		case ok && !isOption(e.Field.Name):
			for _, q := range pieces(p) {
				out = append(out, ir.Match{Field: e.Field, Test: q, Pos: e.Pos})
			}
		}
	}
	return ir.Conjunction(out...)
}

// pieces are patterns that `search` has and that p implies.
func pieces(p ir.Pattern) []ir.Pattern {
	star := ir.Part{Kind: ir.AnyRun}
	_, exact := p.Shape()
	var parts []ir.Part
	for _, q := range p.Parts {
		if q.Kind != ir.Literal {
			parts = append(parts, star)
			continue
		}
		if ordinary(q.Text) && !(strings.Contains(q.Text, "/") && likeSubnet(exact)) {
			parts = append(parts, q)
			continue
		}
		for _, r := range q.Text {
			if unsayable(r) || !regex.LowerFolds(string(r)) || r == '/' && likeSubnet(exact) {
				parts = append(parts, star)
			} else {
				parts = append(parts, ir.Part{Text: string(r)})
			}
		}
	}
	whole := ir.NewPattern(false, parts...)
	switch shape, _ := whole.Shape(); {
	case shape == ir.Any:
		return nil
	case lack(ir.Match{Test: whole}) == "":
		return []ir.Pattern{whole}
	}
	var out []ir.Pattern
	for i, q := range whole.Parts {
		if q.Kind != ir.Literal || !strings.ContainsFunc(q.Text, wordRune) {
			continue // punctuation alone narrows little
		}
		var piece []ir.Part
		if i > 0 {
			piece = append(piece, star)
		}
		piece = append(piece, q)
		if i < len(whole.Parts)-1 {
			piece = append(piece, star)
		}
		out = append(out, ir.NewPattern(false, piece...))
	}
	return out
}
