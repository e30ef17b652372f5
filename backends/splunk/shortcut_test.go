package splunk

import (
	"math/rand/v2"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"sigmac/backends"
	"sigmac/ir"
	"sigmac/regex"
)

// namesAndTexts are random texts of what names and values have, and of what they are told apart by.
func namesAndTexts(r *rand.Rand) string {
	pieces := []string{"a", "Z", "_", "0", ".", "{}", "{", "}", " ", "-", "é", "\u212a", "\u017f", "\u200b", "\xff", "\x00", "*", "?", "`", `"`, `\`, "/", ":", "1.2.3.4/", "10.0.0.0/8", "::1/64",
		"AND", "or", "Search", "search", "source", "earliest", "HoursAgo", "SearchTimeSpanMinutes", "savedsplunk"}
	var b strings.Builder
	for range r.IntN(4) {
		b.WriteString(pieces[r.IntN(len(pieces))])
	}
	return b.String()
}

// TestShortcuts holds that what is said in one look of most names and patterns is what their definitions say.
func TestShortcuts(t *testing.T) {
	bare := regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.]*(\{\}[A-Za-z0-9_.]*)*$`)
	network := func(s string) bool {
		host, _, slash := strings.Cut(s, "/")
		_, err := netip.ParseAddr(host)
		return slash && err == nil || subnet().MatchString(s)
	}
	lacks := func(p ir.Pattern) string {
		text := p.Literals()
		shape, s := p.Shape()
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
		case shape == ir.Exact && network(s):
			return networkText
		}
		return ""
	}
	for name := range modifiers {
		if !isOption(name) || !isOption(strings.ToUpper(name)) {
			t.Errorf("%s is an option", name)
		}
	}
	for word := range keywords {
		if bareField(word) || bareField(strings.ToLower(word)) {
			t.Errorf("%s is a keyword", word)
		}
	}
	r := rand.New(rand.NewPCG(1, 3))
	said := map[string]int{}
	for range 100_000 {
		s := namesAndTexts(r)
		if got, want := isOption(s), modifiers[strings.ToLower(s)]; got != want {
			t.Fatalf("%q is an option: %v, not %v", s, got, want)
		}
		if got, want := bareField(s), bare.MatchString(s) && !keywords[strings.ToUpper(s)]; got != want {
			t.Fatalf("%q may stand bare: %v, not %v", s, got, want)
		}
		parts := []ir.Part{{Kind: ir.AnyRun}, {Text: s}, {Kind: ir.AnyOne}, {Text: namesAndTexts(r)}}
		p := ir.NewPattern(r.IntN(4) == 0, slices.DeleteFunc(parts, func(ir.Part) bool { return r.IntN(2) == 0 })...)
		got := patternLack(p)
		if want := lacks(p); got != want {
			t.Fatalf("%s lacks %q, not %q", p, got, want)
		}
		said[got]++
	}
	if t.Log(said); len(said) < 9 {
		t.Errorf("only %d answers: %v", len(said), said)
	}
}
