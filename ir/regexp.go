package ir

import (
	"net/netip"
	"unicode/utf8"

	"sigmac/regex"
)

// A Regexp is true of a value in which the regular expression matches
// somewhere, with regard to case unless the expression says `(?i)` or the flag
// i stands beside it.
//
// Source is the expression as the rule has it (Sigma's flavour is PCRE), or the query
// that it was read from; it is empty where a pass made the expression. Re is its
// meaning; Re is nil exactly when Source holds unresolved Placeholders.
type Regexp struct {
	Source       string
	Flags        regex.Flags
	Placeholders []string
	Re           *regex.Re
}

// ParseRegexp reads the regular expression of a rule. The error is a *regex.Error.
func ParseRegexp(source string, flags regex.Flags) (Regexp, error) {
	re, err := regex.Parse(source, flags)
	return Regexp{Source: source, Flags: flags, Re: re}, err
}

var textBegin, textEnd = [...]*regex.Re{{Op: regex.OpBeginText}}, [...]*regex.Re{{Op: regex.OpEndText}}

// PatternRe is p as a regular expression, without what a wildcard at an end
// would say. A Placeholder in p is a bug and panics.
func PatternRe(p Pattern) *regex.Re {
	parts := p.Parts
	begin, end := textBegin[:], textEnd[:]
	if len(parts) > 0 && parts[0].Kind == AnyRun {
		parts, begin = parts[1:], nil
	}
	if n := len(parts); n > 0 && parts[n-1].Kind == AnyRun {
		parts, end = parts[:n-1], nil
	} else if n == 0 && begin == nil {
		end = nil
	}
	size := len(begin) + len(end)
	for _, q := range parts {
		size += max(1, utf8.RuneCountInString(q.Text))
	}
	subs := append(make([]*regex.Re, 0, size), begin...)
	for _, q := range parts {
		switch q.Kind {
		case Literal:
			for _, r := range q.Text {
				subs = append(subs, regex.Literal(r, !p.Cased))
			}
		case AnyRun:
			subs = append(subs, &regex.Re{Op: regex.OpRepeat, Max: -1, Subs: []*regex.Re{{Op: regex.OpAny}}})
		case AnyOne:
			subs = append(subs, &regex.Re{Op: regex.OpAny})
		default:
			panic("ir: a placeholder in a regular expression")
		}
	}
	return regex.Concat(append(subs, end...)...)
}

// Wide is a pattern that all texts pass which pass t, and whether no others do: what t says
// of a character that is not given becomes a `?`, and all else a `*`.
func (t Regexp) Wide() (p Pattern, same bool) {
	subs := []*regex.Re{t.Re}
	if t.Re.Op == regex.OpConcat {
		subs = t.Re.Subs
	}
	var parts []Part
	folded, cased, same := false, false, true
	for i, g := range subs {
		begins, ends := i == 0 && g.Op == regex.OpBeginText, i == len(subs)-1 && g.Op == regex.OpEndText
		if i == 0 && !begins {
			parts = append(parts, Part{Kind: AnyRun})
		}
		switch {
		case begins, ends:
		case g.Op == regex.OpLiteral:
			parts = append(parts, Part{Text: string(g.Rune)})
			folded, cased = folded || g.Fold && regex.HasCases(g.Rune), cased || !g.Fold && regex.HasCases(g.Rune)
		case g.Op == regex.OpClass, g.Op == regex.OpAny, g.Op == regex.OpAnyNotNewline:
			parts, same = append(parts, Part{Kind: AnyOne}), false
		default:
			parts, same = append(parts, Part{Kind: AnyRun}), false
		}
		if i == len(subs)-1 && !ends {
			parts = append(parts, Part{Kind: AnyRun})
		}
	}
	p = NewPattern(cased && !folded, parts...)
	return p, same && !(cased && folded)
}

// CIDRRe is a regular expression over the whole value for the addresses of an
// IPv4 network, in dotted text without leading zeros. It is false of IPv6.
func CIDRRe(net netip.Prefix) (*regex.Re, bool) {
	if !net.IsValid() || !net.Addr().Is4() {
		return nil, false
	}
	subs := []*regex.Re{{Op: regex.OpBeginText}}
	octets := net.Masked().Addr().As4()
	for i, o := range octets {
		free := min(max(8*(i+1)-net.Bits(), 0), 8)
		octet := decimals(int(o), int(o)+1<<free-1)
		if i == 0 {
			subs = append(subs, octet)
			continue
		}
		dotted := regex.Concat(regex.Literal('.', false), octet)
		if rest := 4 - i; free == 8 && rest > 1 {
			subs = append(subs, &regex.Re{Op: regex.OpRepeat, Min: rest, Max: rest, Subs: []*regex.Re{dotted}})
			break
		}
		subs = append(subs, dotted)
	}
	return regex.Concat(append(subs, &regex.Re{Op: regex.OpEndText})...), true
}

// decimals is the numbers from lo to hi, in decimal.
func decimals(lo, hi int) *regex.Re {
	digits := func(lo, hi int) *regex.Re {
		return regex.Class([]regex.Range{{Lo: '0' + rune(lo), Hi: '0' + rune(hi)}}, false)
	}
	if lo == 0 && hi >= 99 {
		tens := &regex.Re{Op: regex.OpRepeat, Max: 1, Subs: []*regex.Re{digits(1, 9)}}
		first := regex.Concat(tens, digits(0, 9))
		if hi == 99 {
			return first
		}
		return regex.Alternate(first, decimals(100, hi))
	}
	var alts []*regex.Re
	if lo <= 9 {
		alts = append(alts, digits(lo, min(hi, 9)))
		lo = 10
	}
	for lo <= hi {
		ten := lo / 10
		if end := ten*10 + 9; lo%10 != 0 || hi < end {
			end = min(hi, end)
			alts = append(alts, regex.Concat(decimals(ten, ten), digits(lo%10, end%10)))
			lo = end + 1
			continue
		}
		last := (hi+1)/10 - 1
		tens := []*regex.Re{decimals(ten, last)}
		if tens[0].Op == regex.OpAlternate {
			tens = tens[0].Subs
		}
		for _, t := range tens {
			alts = append(alts, regex.Concat(t, digits(0, 9)))
		}
		lo = (last + 1) * 10
	}
	return regex.Alternate(alts...)
}
