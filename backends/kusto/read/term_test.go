package read

import (
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"sigmac/ir"
	"sigmac/regex"
)

// TestTermReadings holds a term's tests against the readings of the documents,
// each written down as it is said: what is surely a term is one in all of them, and
// what is one in any may be.
func TestTermReadings(t *testing.T) {
	ascii := func(r rune) bool { return r < 0x80 && (unicode.IsLetter(r) || unicode.IsDigit(r)) }
	unicodes := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }
	ops := []string{"has", "hasprefix", "hassuffix", "has_cs", "hasprefix_cs", "hassuffix_cs"}
	rng := rand.New(rand.NewPCG(1, 2))
	random := func(least int) string {
		var b strings.Builder
		for range least + rng.IntN(6) {
			b.WriteRune([]rune(`aAbx1-\ _é²`)[rng.IntN(11)])
		}
		return b.String()
	}
	decided := 0
	for range 3_000 {
		text, value, op := random(1), random(0), ops[rng.IntN(len(ops))]
		o := textOperators[op]
		term := termTest(text, o, "").(ir.Term)
		sure, may := finds(t, term.Sure, value), true
		for _, re := range term.May {
			may = may && finds(t, re, value)
		}
		var readings []bool
		for _, inside := range []func(rune) bool{ascii, unicodes} {
			if !strings.ContainsFunc(text, inside) {
				readings = append(readings, true, false) // nothing is said
				continue
			}
			readings = append(readings, stands(text, value, o, inside, false), stands(text, value, o, inside, true), termByTerm(text, value, o, inside))
		}
		all, any := !slices.Contains(readings, false), slices.Contains(readings, true)
		if sure && !all || any && !may {
			t.Fatalf("%q %s %q: surely %v, maybe %v, read as %v", value, op, text, sure, may, readings)
		}
		if sure || !may {
			decided++
		}
	}
	if decided < 1_500 {
		t.Error("only decided: ", decided)
	}
}

func finds(t *testing.T, re *regex.Re, s string) bool {
	t.Helper()
	if re == nil {
		return false
	}
	source, err := re.Go()
	if err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile(source).MatchString(s)
}

func foldASCII(s string, o textOperator) []rune {
	if !o.cased {
		s = strings.Map(lowerASCII, s)
	}
	return []rune(s)
}

// stands says whether a text is in a value as it stands, with no term going on
// beside it; strictly, there is no letter either beside a sign at its ends.
func stands(text, value string, o textOperator, inside func(rune) bool, strictly bool) bool {
	x, v := foldASCII(text, o), foldASCII(value, o)
	for i := 0; i+len(x) <= len(v); i++ {
		if !slices.Equal(v[i:i+len(x)], x) {
			continue
		}
		before := i > 0 && inside(v[i-1]) && (strictly || inside(x[0]))
		after := i+len(x) < len(v) && inside(v[i+len(x)]) && (strictly || inside(x[len(x)-1]))
		if (o.suffix || !before) && (o.prefix || !after) {
			return true
		}
	}
	return false
}

// termByTerm says whether each term of a text is one of a value.
func termByTerm(text, value string, o textOperator, inside func(rune) bool) bool {
	terms := func(s string) [][]rune {
		var out [][]rune
		for _, f := range strings.FieldsFunc(s, func(r rune) bool { return !inside(r) }) {
			out = append(out, foldASCII(f, o))
		}
		return out
	}
	want := terms(text)
	for i, w := range want {
		if !slices.ContainsFunc(terms(value), func(v []rune) bool {
			switch {
			case o.prefix && i == len(want)-1:
				return len(v) >= len(w) && slices.Equal(v[:len(w)], w)
			case o.suffix && i == 0:
				return len(v) >= len(w) && slices.Equal(v[len(v)-len(w):], w)
			}
			return slices.Equal(v, w)
		}) {
			return false
		}
	}
	return true
}
