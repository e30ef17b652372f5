package outdir

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxName bounds a part of a path, in bytes, so that something may follow it.
const maxName = 180

// Clean is a path, slash-separated, that every file system takes and that leads
// nowhere else: what a name may not hold is `_`, and a part that is no name gets
// one in front.
func Clean(p string) string {
	var out []string
	for part := range strings.SplitSeq(p, "/") {
		part = strings.Map(func(r rune) rune {
			if strings.ContainsRune(`<>:"|?*\`, r) || !unicode.IsPrint(r) || r == utf8.RuneError {
				return '_'
			}
			return r
		}, strings.ToValidUTF8(part, "_"))
		for len(part) > maxName {
			_, n := utf8.DecodeLastRuneInString(part)
			part = part[:len(part)-n]
		}
		if t := strings.TrimRight(part, ". "); t != part {
			part = t + strings.Repeat("_", len(part)-len(t))
		}
		base, _, _ := strings.Cut(strings.ToLower(part), ".")
		if part == "" || strings.HasPrefix(part, tempPrefix) || slices.Contains(devices, strings.TrimRight(base, " ")) {
			part = "_" + part
		}
		out = append(out, part)
	}
	return strings.Join(out, "/")
}

// devices are names that Windows keeps for itself.
var devices = strings.Fields("con prn aux nul com1 com2 com3 com4 com5 com6 com7 com8 com9 lpt1 lpt2 lpt3 lpt4 lpt5 lpt6 lpt7 lpt8 lpt9")
