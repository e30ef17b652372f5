// Package splunk writes SPL, the search language of Splunk.
//
// SPL is said to have every pattern: the emitter splits a condition into `search` and
// `where`. That is layout over two languages and no rewriting of the rule, for `where`
// has the exact condition, and `search` before it one that it implies.
package splunk

import (
	"net/netip"
	"slices"
	"strings"
	"unicode"

	"sigmac/backends"
	"sigmac/internal/lazy"
	"sigmac/ir"
	"sigmac/regex"
)

const name = "splunk"

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
		KeywordField: "_raw",
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

// searchable says whether the command `search` can say e exactly.
func searchable(e ir.Expr) bool {
	switch e := e.(type) {
	case ir.And, ir.Or, ir.Not:
		return !slices.ContainsFunc(ir.Parts(e), func(x ir.Expr) bool { return !searchable(x) })
	case ir.Opaque:
		return true // pipelines write it for the command search
	case ir.Match:
		if modifiers[strings.ToLower(e.Field.Name)] {
			return false
		}
		switch t := e.Test.(type) {
		case ir.Pattern:
			return hasPattern(t)
		case ir.Compare:
			return t.Op == ir.Eq
		case ir.Bool, ir.CIDR:
			return true
		}
	}
	return false
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

var subnet = lazy.Regexp(`^([0-9]+(\.[0-9]+){3}|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)/[0-9]+$`)

// likeSubnet says whether `search` might take s for a network and not for a
// text: what stands behind an address and a slash may be anything.
func likeSubnet(s string) bool {
	host, _, slash := strings.Cut(s, "/")
	_, err := netip.ParseAddr(host)
	return slash && err == nil || subnet().MatchString(s)
}

// hasPattern says whether `search` has p. Whether `f="*"` takes the empty text
// is open, and a wildcard inside a text with punctuation may miss events
// (SEMANTICS B.1).
func hasPattern(p ir.Pattern) bool {
	shape, s := p.Shape()
	text := p.Literals()
	if !quotable(p) || !regex.LowerFolds(text) || p.Cased && strings.ContainsFunc(text, regex.HasCases) {
		return false
	}
	switch shape {
	case ir.Any:
		return false
	case ir.Exact:
		return !likeSubnet(s)
	case ir.Glob:
		return !strings.ContainsFunc(text, func(r rune) bool { return !wordRune(r) })
	}
	return true
}

func wordRune(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

// implied is the narrowest search that every event of e passes; True where
// there is none.
func implied(e ir.Expr) ir.Expr {
	switch e := e.(type) {
	case ir.And:
		var out []ir.Expr
		for _, x := range e {
			out = append(out, implied(x))
		}
		return ir.Conjunction(out...)
	case ir.Or:
		var out []ir.Expr
		for _, x := range e {
			out = append(out, implied(x))
		}
		return ir.Disjunction(out...)
	case ir.Opaque:
		return e
	case ir.Match:
		p, ok := e.Test.(ir.Pattern)
		switch {
		case searchable(e):
			return e
		case ok && !modifiers[strings.ToLower(e.Field.Name)]:
			var out []ir.Expr
			for _, q := range pieces(p) {
				out = append(out, ir.Match{Field: e.Field, Test: q, Pos: e.Pos})
			}
			return ir.Conjunction(out...)
		}
	}
	return ir.True
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
		for _, r := range q.Text {
			if unsayable(r) || !regex.LowerFolds(string(r)) || r == '/' && likeSubnet(exact) {
				parts = append(parts, star)
			} else {
				parts = append(parts, ir.Part{Text: string(r)})
			}
		}
	}
	whole := ir.NewPattern(false, parts...)
	if hasPattern(whole) {
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
