package regex

import (
	"unicode"
	"unicode/utf8"
)

// Fold maps letters that differ only in case to one of them, one to one
// (simple case folding: `ß` stays, `Σ` and `ς` meet). Two texts are equal
// without regard to case when their folds are equal.
func Fold(s string) string {
	for i := range len(s) {
		if c := s[i]; 'a' <= c && c <= 'z' || c >= utf8.RuneSelf {
			return string(AppendFold(make([]byte, 0, len(s)), s))
		}
	}
	return s
}

// AppendFold appends Fold of s.
func AppendFold(b []byte, s string) []byte {
	n := len(b)
	b = append(b, s...)
	for i, c := range b[n:] {
		if c >= utf8.RuneSelf {
			b = b[:n+i]
			for _, r := range s[i:] {
				b = utf8.AppendRune(b, FoldRune(r))
			}
			return b
		}
		if 'a' <= c && c <= 'z' {
			b[n+i] = c - ('a' - 'A')
		}
	}
	return b
}

// FoldRune is Fold of one character: the least of its case variants.
func FoldRune(r rune) rune {
	if r < utf8.RuneSelf {
		if 'a' <= r && r <= 'z' {
			r -= 'a' - 'A'
		}
		return r
	}
	least := r
	for q := unicode.SimpleFold(r); q != r; q = unicode.SimpleFold(q) {
		least = min(least, q)
	}
	return least
}

// Cases lists r and its case variants, rising. The two letters that fold
// across the ASCII border (U+212A and U+017F) are outside the world and left
// out (assumption `fold`).
func Cases(r rune) []rune {
	if r < utf8.RuneSelf {
		switch {
		case 'a' <= r && r <= 'z':
			return []rune{r - 32, r}
		case 'A' <= r && r <= 'Z':
			return []rune{r, r + 32}
		}
		return []rune{r}
	}
	var out []rune
	for q := unicode.SimpleFold(r); ; q = unicode.SimpleFold(q) {
		if q >= utf8.RuneSelf || r == q {
			out = append(out, q)
		}
		if q == r {
			break
		}
	}
	sortRunes(out)
	return out
}

// HasCases says whether r has a case variant.
func HasCases(r rune) bool {
	if r < utf8.RuneSelf {
		return 'a' <= r|0x20 && r|0x20 <= 'z'
	}
	for q := unicode.SimpleFold(r); q != r; q = unicode.SimpleFold(q) {
		if q >= utf8.RuneSelf {
			return true
		}
	}
	return false
}

// ASCIIFolds says whether folding ASCII letters alone decides s: none of its
// other characters has a case variant.
func ASCIIFolds(s string) bool {
	for _, r := range beyondASCII(s) {
		if r >= utf8.RuneSelf && HasCases(r) {
			return false
		}
	}
	return true
}

// beyondASCII is s from its first character on that is not of ASCII.
func beyondASCII(s string) string {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return s[i:]
		}
	}
	return ""
}

// LowerFolds says whether lower-casing decides s: each character has at most
// one case variant, and lower-casing makes the two meet, and no other letter
// (as `İ`, which has none, meets `i`).
func LowerFolds(s string) bool {
	for _, r := range beyondASCII(s) {
		if r < utf8.RuneSelf {
			continue
		}
		cs := Cases(r)
		if len(cs) > 2 || len(cs) == 2 && unicode.ToLower(cs[0]) != unicode.ToLower(cs[1]) || len(cs) == 1 && unicode.ToLower(r) != r {
			return false
		}
	}
	return true
}

func sortRunes(rs []rune) {
	for i := range rs {
		for j := i; j > 0 && rs[j] < rs[j-1]; j-- {
			rs[j], rs[j-1] = rs[j-1], rs[j]
		}
	}
}
