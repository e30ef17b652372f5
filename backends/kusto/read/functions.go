package read

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"sigmac/internal/lazy"
	"sigmac/ir"
	"sigmac/regex"
)

// A function computes a scalar function of KQL as its page says; unknown is for
// what no page says.
type function struct {
	least, most int // arguments; most is -1 where there is no bound
	do          func(a []any) any
	lazy        bool // an unknown argument need not make the result unknown
	typed       bool // whole numbers in the result are of the types int and long
	price       int
}

// takes is a function of least to most arguments.
func takes(least, most int, do func(a []any) any) function {
	return function{least: least, most: most, do: do}
}

func (f function) lazily() function          { f.lazy = true; return f }
func (f function) whole() function           { f.typed = true; return f }
func (f function) priced(price int) function { f.price = price; return f }

// functions are those that a query may compute a column or a test with.
var functions func() map[string]function

func init() { functions = sync.OnceValue(allFunctions) }

func allFunctions() map[string]function {
	all := map[string]function{
		"not":     takes(1, 1, func(a []any) any { return truthOr(opposite(plain(a[0]))) }).lazily(),
		"iff":     takes(3, 3, chosen).lazily(),
		"iif":     takes(3, 3, chosen).lazily(),
		"case":    takes(3, -1, cases).lazily(),
		"isempty": takes(1, 1, func(a []any) any { return plain(a[0]) == nil || plain(a[0]) == "" }),
		"isnull":  takes(1, 1, func(a []any) any { return plain(a[0]) == nil }),

		"coalesce": takes(2, -1, coalesced).lazily(),
		"tostring": takes(1, 1, texts(1, func(s []string) any { return s[0] })),
		"tolower":  takes(1, 1, recased(unicode.ToLower)),
		"toupper":  takes(1, 1, recased(unicode.ToUpper)),
		"tolong":   takes(1, 1, toLong).whole(),
		"toint":    takes(1, 1, toInt).whole(),
		"todouble": takes(1, 1, toDouble).whole(),
		"toreal":   takes(1, 1, toDouble).whole(),
		"tobool":   takes(1, 1, toBool),
		"toguid":   takes(1, 1, toGuid),

		"todecimal":  takes(1, 1, toDecimal).whole(),
		"todatetime": takes(1, 1, toMoment),
		"totimespan": takes(1, 1, toSpan),

		"strcat":       takes(1, -1, texts(-1, func(s []string) any { return strings.Join(s, "") })),
		"strcat_delim": takes(2, -1, texts(-1, func(s []string) any { return strings.Join(s[1:], s[0]) })),
		"strcat_array": takes(2, 2, joinArray),
		"strlen":       takes(1, 1, length).whole(),
		"string_size":  takes(1, 1, texts(1, func(s []string) any { return int64(len(s[0])) })).whole(),
		"substring":    takes(2, 3, substring),
		"indexof":      takes(2, 5, indexOf).whole(),
		"countof":      takes(2, 3, countOf).whole().priced(regexpPrice),
		"split":        takes(2, 3, split),
		"reverse":      takes(1, 1, texts(1, func(s []string) any { r := []rune(s[0]); slices.Reverse(r); return string(r) })),
		"strrep":       takes(2, 3, repeat),
		"strcmp":       takes(2, 2, texts(2, func(s []string) any { return int64(strings.Compare(s[0], s[1])) })).whole(),
		"tohex":        takes(1, 2, toHex),
		"translate":    takes(3, 3, texts(3, translate)),

		"indexof_regex":  takes(2, 5, indexOfRegexp).whole().priced(regexpPrice),
		"extract":        takes(3, 4, extract).priced(regexpPrice),
		"extract_all":    takes(2, 2, extractAll).priced(regexpPrice),
		"replace_regex":  takes(3, 3, func(a []any) any { return replaceRegexp(a[0], a[1], a[2]) }).priced(regexpPrice),
		"replace":        takes(3, 3, func(a []any) any { return replaceRegexp(a[2], a[0], a[1]) }).priced(regexpPrice),
		"replace_string": takes(3, 3, replaceString),
		"trim":           takes(2, 2, func(a []any) any { return trimmed(a, true, true) }).priced(regexpPrice),
		"trim_start":     takes(2, 2, func(a []any) any { return trimmed(a, true, false) }).priced(regexpPrice),
		"trim_end":       takes(2, 2, func(a []any) any { return trimmed(a, false, true) }).priced(regexpPrice),
		"regex_quote":    takes(1, 1, texts(1, quoteRegexp)),

		"base64_encode_tostring": takes(1, 1, texts(1, func(s []string) any { return base64.StdEncoding.EncodeToString([]byte(s[0])) })),
		"base64_decode_tostring": takes(1, 1, texts(1, decodeText)),
		"base64_decode_toarray":  takes(1, 1, texts(1, decodeBytes)),

		"base64_encode_fromarray": takes(1, 1, encodeBytes),
		"url_encode":              takes(1, 1, texts(1, func(s []string) any { return encodeURL(s[0], "+") })),
		"url_encode_component":    takes(1, 1, texts(1, func(s []string) any { return encodeURL(s[0], "%20") })),
		"hash_md5":                takes(1, 1, hashed(func(b []byte) []byte { h := md5.Sum(b); return h[:] })),
		"hash_sha1":               takes(1, 1, hashed(func(b []byte) []byte { h := sha1.Sum(b); return h[:] })),
		"hash_sha256":             takes(1, 1, hashed(func(b []byte) []byte { h := sha256.Sum256(b); return h[:] })),
		"has_any_index":           takes(2, 2, hasAnyIndex).whole().priced(8 * termPrice),
		"parse_version":           takes(1, 1, texts(1, parseVersion)),
		"format_bytes":            takes(1, 3, formatBytes),

		"parse_json":      takes(1, 1, parseJSON),
		"todynamic":       takes(1, 1, parseJSON),
		"extract_json":    takes(2, 3, extractJSON),
		"extractjson":     takes(2, 3, extractJSON),
		"array_length":    takes(1, 1, arrayLength).whole(),
		"array_index_of":  takes(2, 5, arrayIndexOf).whole(),
		"array_concat":    takes(1, -1, concatArrays),
		"array_slice":     takes(3, 3, sliceArray),
		"array_reverse":   takes(1, 1, reverseArray),
		"pack_array":      takes(1, -1, packArray),
		"bag_pack":        takes(2, -1, packBag),
		"pack":            takes(2, -1, packBag),
		"bag_has_key":     takes(2, 2, hasKey),
		"set_has_element": takes(2, 2, hasElement),
		"range":           takes(2, 3, rangeOf).whole(),

		"abs":      takes(1, 1, absolute),
		"sign":     takes(1, 1, func(a []any) any { return rounded(a[0], func(x *big.Rat) int64 { return int64(x.Sign()) }) }).whole(),
		"ceiling":  takes(1, 1, func(a []any) any { return rounded(a[0], func(x *big.Rat) int64 { return -floor(new(big.Rat).Neg(x)) }) }).whole(),
		"bin":      takes(2, 2, func(a []any) any { return binned(a[0], a[1], nil) }),
		"floor":    takes(2, 2, func(a []any) any { return binned(a[0], a[1], nil) }),
		"bin_at":   takes(3, 3, func(a []any) any { return binned(a[0], a[1], a[2]) }),
		"min_of":   takes(1, -1, func(a []any) any { return extreme(a, -1) }),
		"max_of":   takes(1, -1, func(a []any) any { return extreme(a, 1) }),
		"isnan":    takes(1, 1, finite(false)),
		"isinf":    takes(1, 1, finite(false)),
		"isfinite": takes(1, 1, finite(true)),

		"binary_and": takes(2, 2, bits(func(a, b int64) int64 { return a & b })).whole(),
		"binary_or":  takes(2, 2, bits(func(a, b int64) int64 { return a | b })).whole(),
		"binary_xor": takes(2, 2, bits(func(a, b int64) int64 { return a ^ b })).whole(),

		"binary_shift_right": takes(2, 2, shiftRight).whole(),
	}
	for alias, name := range map[string]string{"isnotempty": "isempty", "notempty": "isempty", "isnotnull": "isnull", "notnull": "isnull"} {
		is := all[name].do
		all[alias] = takes(1, 1, func(a []any) any { return opposite(is(a)) })
	}
	timeFunctions(all)
	addressFunctions(all)
	return all
}

// texts is a function of n texts, or any number. Scalars of other types are given as
// tostring does.
func texts(n int, do func(s []string) any) func([]any) any {
	return func(a []any) any {
		s := make([]string, len(a))
		size := 0
		for i, v := range a {
			var ok bool
			if s[i], ok = textOf(v); !ok || n > 0 && i >= n {
				return unknown{}
			}
			size += len(s[i])
		}
		if size > 1<<16 {
			return unknown{}
		}
		return do(s)
	}
}

// truthOr is a truth or null; anything else is unknown.
func truthOr(v any) any {
	if _, ok := v.(bool); ok || v == nil {
		return v
	}
	return unknown{}
}

func chosen(a []any) any {
	switch is := plain(a[0]).(type) {
	case bool:
		if is {
			return a[1]
		}
		return a[2]
	case nil: // page "Logical operators": null is not true
		return a[2]
	}
	return unknown{}
}

func cases(a []any) any {
	for len(a) >= 3 {
		switch is := plain(a[0]).(type) {
		case bool:
			if is {
				return a[1]
			}
		case nil:
		default:
			return unknown{}
		}
		a = a[2:]
	}
	if len(a) != 1 {
		return unknown{}
	}
	return a[0]
}

// coalesced is the first that is not null, or of texts not empty.
func coalesced(a []any) any {
	for i, v := range a {
		if p := plain(v); p == nil || p == "" {
			if i < len(a)-1 {
				continue
			}
		}
		return v
	}
	return nil
}

func recased(f func(rune) rune) func([]any) any {
	return texts(1, func(s []string) any { return strings.Map(f, s[0]) })
}

// notNumber says that a text has nothing of a number in it.
func notNumber(s string) bool {
	word := strings.ToLower(strings.Trim(s, " +-"))
	return word != "nan" && word != "inf" && word != "infinity" && !strings.ContainsAny(s, "0123456789∞")
}

func toLong(a []any) any {
	switch v := plain(a[0]).(type) {
	case nil:
		return nil
	case int32:
		return int64(v)
	case int64:
		return v
	case bool:
		return int64(boolNumber(v))
	case float64:
		if math.Abs(v) < 1<<53 {
			return int64(v)
		}
	case string:
		if n, err := strconv.ParseInt(v, 10, 64); err == nil && v[0] != '+' {
			return n
		}
		if h, ok := strings.CutPrefix(v, "0x"); ok {
			if n, err := strconv.ParseInt(h, 16, 64); err == nil {
				return n
			}
		}
		if notNumber(v) {
			return nil
		}
	}
	return unknown{}
}

func toInt(a []any) any {
	if n, ok := toLong(a).(int64); ok {
		if n == int64(int32(n)) {
			return int32(n)
		}
		return unknown{}
	}
	return toLong(a)
}

func toDouble(a []any) any {
	switch v := plain(a[0]).(type) {
	case nil:
		return nil
	case float64:
		return v
	case string:
		if n, ok := ir.ParseNumber(v); ok && string(n) == v {
			x, err := strconv.ParseFloat(v, 64)
			if err == nil {
				return x
			}
		}
		if notNumber(v) {
			return nil
		}
		return unknown{}
	}
	if n, ok := toLong(a).(int64); ok && n == int64(float64(n)) {
		return float64(n)
	}
	return unknown{}
}

func toDecimal(a []any) any {
	switch v := plain(a[0]).(type) {
	case nil:
		return nil
	case decimal:
		return v
	case string:
		if d, ok := parseDecimal(v); ok {
			return d
		}
		return unknown{}
	}
	if n, ok := integer(a[0]); ok {
		return decimal{new(big.Rat).SetInt64(n)}
	}
	return unknown{}
}

func toBool(a []any) any {
	switch v := plain(a[0]).(type) {
	case nil, bool:
		return v
	case string:
		switch strings.ToLower(v) {
		case "true":
			return true
		case "false":
			return false
		}
		return unknown{}
	}
	if n, ok := integer(a[0]); ok {
		return n != 0
	}
	return unknown{}
}

var guidText = lazy.Regexp(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

func toGuid(a []any) any {
	switch v := plain(a[0]).(type) {
	case nil, guid:
		return v
	case string:
		if s := strings.ToLower(v); guidText().MatchString(s) {
			return guid(s)
		}
	}
	return unknown{}
}

// length of a text is in characters; of those beyond the first plane it is open
// whether one counts once.
func length(a []any) any {
	return texts(1, func(s []string) any {
		if strings.ContainsFunc(s[0], func(r rune) bool { return r > 0xFFFF }) {
			return unknown{}
		}
		return int64(utf8.RuneCountInString(s[0]))
	})(a)
}

// window is the part of n elements that a start and a length choose: a negative
// start counts from the end, a length of -1 is all that follows.
func window(n int, a []any) (from, to int, ok bool) {
	start, size := int64(0), int64(-1)
	if len(a) > 0 {
		if start, ok = integer(a[0]); !ok {
			return 0, 0, false
		}
	}
	if len(a) > 1 {
		if size, ok = integer(a[1]); !ok || size < -1 {
			return 0, 0, false
		}
	}
	if start < 0 {
		start += int64(n)
	}
	if start < 0 || start > int64(n) {
		return 0, 0, false
	}
	if size < 0 || size > int64(n)-start {
		size = int64(n) - start
	}
	return int(start), int(start + size), true
}

// onlyBasic is a text as characters, if each surely counts once.
func onlyBasic(v any) ([]rune, bool) {
	s, ok := textOf(v)
	return []rune(s), ok && len(s) <= 1<<16 && !strings.ContainsFunc(s, func(r rune) bool { return r > 0xFFFF })
}

func substring(a []any) any {
	s, ok := onlyBasic(a[0])
	if !ok {
		return unknown{}
	}
	if start, ok := integer(a[1]); ok && start >= int64(len(s)) {
		return ""
	}
	from, to, ok := window(len(s), a[1:])
	if !ok {
		return unknown{}
	}
	return string(s[from:to])
}

func occurrence(a []any, at int) (int, bool) {
	if len(a) <= at {
		return 1, true
	}
	n, ok := integer(a[at])
	return int(n), ok && n > 0 && n < 1<<20
}

func indexOf(a []any) any {
	s, ok := onlyBasic(a[0])
	t, ok2 := onlyBasic(a[1])
	from, to, ok3 := window(len(s), a[2:min(len(a), 4)])
	nth, ok4 := occurrence(a, 4)
	if !ok || !ok2 || !ok3 || !ok4 || len(t) == 0 {
		return unknown{}
	}
	for i := from; i+len(t) <= to; i++ {
		if slices.Equal(s[i:i+len(t)], t) {
			if nth--; nth == 0 {
				return int64(i)
			}
		}
	}
	if len(a) > 4 && to < len(s) { // the page's last example finds one that ends behind the length
		return unknown{}
	}
	return int64(-1)
}

func indexOfRegexp(a []any) any {
	s, ok := plain(a[0]).(string)
	re := compileFor(s, a[1])
	from, to, ok2 := window(len(s), a[2:min(len(a), 4)])
	nth, ok3 := occurrence(a, 4)
	if !ok || re == nil || !ok2 || !ok3 {
		return unknown{}
	}
	if from > 0 || to < len(s) {
		if p, _ := plain(a[1]).(string); strings.ContainsAny(p, `^$\`) {
			return unknown{} // whether the borders of the part are seen is open
		}
	}
	for _, m := range re.FindAllStringIndex(s[from:to], -1) {
		if nth--; nth == 0 {
			return int64(from + m[0])
		}
	}
	if len(a) > 4 && to < len(s) {
		return unknown{}
	}
	return int64(-1)
}

// countOf counts texts with those that overlap, or matches without (page "countof").
func countOf(a []any) any {
	s, ok := plain(a[0]).(string)
	t, ok2 := plain(a[1]).(string)
	if !ok || !ok2 || t == "" || len(s) > 1<<16 {
		return unknown{}
	}
	if len(a) > 2 && plain(a[2]) == "regex" {
		re := compileFor(s, a[1])
		if re == nil || re.MatchString("") {
			return unknown{}
		}
		return int64(len(re.FindAllStringIndex(s, -1)))
	}
	if len(a) > 2 && plain(a[2]) != "normal" {
		return unknown{}
	}
	n := int64(0)
	for i := 0; i+len(t) <= len(s); i++ {
		if s[i:i+len(t)] == t {
			n++
		}
	}
	return n
}

func split(a []any) any {
	s, ok := plain(a[0]).(string)
	sep, ok2 := plain(a[1]).(string)
	if !ok || !ok2 || sep == "" || strings.Count(s, sep) > maxFormula {
		return unknown{}
	}
	var out []any
	for _, part := range strings.Split(s, sep) {
		out = append(out, part)
	}
	if len(a) < 3 {
		return dynamic{out}
	}
	i, ok := integer(a[2])
	if !ok || i < 0 || i >= int64(len(out)) {
		return unknown{}
	}
	return dynamic{out[i : i+1]}
}

func repeat(a []any) any {
	s, ok := textOf(a[0])
	n, ok2 := integer(a[1])
	sep := ""
	if len(a) > 2 {
		var ok bool
		if sep, ok = textOf(a[2]); !ok {
			return unknown{}
		}
	}
	if !ok || !ok2 || n < 1 || n > 1024 || int(n)*(len(s)+len(sep)) > 1<<16 {
		return unknown{}
	}
	return strings.Repeat(s+sep, int(n)-1) + s
}

func toHex(a []any) any {
	var s string
	switch v := plain(a[0]).(type) {
	case int32:
		s = strconv.FormatUint(uint64(uint32(v)), 16)
	case int64:
		s = strconv.FormatUint(uint64(v), 16)
	default:
		return unknown{}
	}
	if len(a) > 1 {
		n, ok := integer(a[1])
		if !ok || n > 64 {
			return unknown{}
		}
		s = strings.Repeat("0", max(0, int(n)-len(s))) + s
	}
	return s
}

// translate replaces each character of the first text in the third.
func translate(s []string) any {
	from, to := []rune(s[0]), []rune(s[1])
	if len(from) != len(to) {
		return unknown{}
	}
	return strings.Map(func(r rune) rune {
		if i := slices.Index(from, r); i >= 0 {
			return to[i]
		}
		return r
	}, s[2])
}

// compileFor is an expression that Go's package and the server read alike, for such
// a text: of ASCII, where classes of Unicode and of ASCII are one. It is nil where
// the syntaxes part.
func compileFor(s string, pattern any) *regexp.Regexp {
	p, ok := plain(pattern).(string)
	if !ok || len(p) > 1000 || strings.ContainsAny(s, "\v") || strings.ContainsFunc(s+p, func(r rune) bool { return r >= utf8.RuneSelf }) {
		return nil
	}
	for _, differs := range []string{"&&", "--", "~~", "{,", `\Q`, `\C`, `\p{`, `\P{`} {
		if strings.Contains(p, differs) {
			return nil
		}
	}
	if i := strings.IndexByte(p, '['); i >= 0 && strings.Contains(strings.ReplaceAll(p[i+1:], "[:", ""), "[") && nestedClass(p) {
		return nil
	}
	rust := &rustParser{src: p}
	if _, err := rust.parse(); err != nil || len(s)*rust.size > 1<<18 {
		return nil
	}
	re, err := regexp.Compile(p)
	if err != nil {
		return nil
	}
	return re
}

// nestedClass says whether a class may stand in a class.
func nestedClass(p string) bool {
	inside := false
	for i := 0; i < len(p); i++ {
		switch {
		case p[i] == '\\':
			i++
		case p[i] == '[' && inside && !strings.HasPrefix(p[i:], "[:"):
			return true
		case p[i] == '[':
			inside = true
		case p[i] == ']':
			inside = false
		}
	}
	return false
}

// extract is a group of the first match, or the empty text.
func extract(a []any) any {
	s, ok := plain(a[2]).(string)
	re := compileFor(s, a[0])
	group, ok2 := integer(a[1])
	if !ok || re == nil || !ok2 || group < 0 || int(group) > re.NumSubexp() {
		return unknown{}
	}
	m := re.FindStringSubmatch(s)
	if m == nil {
		return ""
	}
	return m[group]
}

// extractAll has one group: of several, the page gives a list of lists.
func extractAll(a []any) any {
	s, ok := plain(a[1]).(string)
	re := compileFor(s, a[0])
	if !ok || re == nil || re.NumSubexp() != 1 {
		return unknown{}
	}
	var out []any
	for _, m := range re.FindAllStringSubmatch(s, maxFormula) {
		out = append(out, m[1])
	}
	if out == nil {
		return nil
	}
	return dynamic{out}
}

func replaceString(a []any) any {
	s, ok := plain(a[0]).(string)
	from, ok2 := plain(a[1]).(string)
	to, ok3 := plain(a[2]).(string)
	if !ok || !ok2 || !ok3 || from == "" || len(s)+strings.Count(s, from)*len(to) > 1<<16 {
		return unknown{}
	}
	return strings.ReplaceAll(s, from, to)
}

var group = lazy.Regexp(`\\([0-9])`)

func replaceRegexp(text, pattern, rewrite any) any {
	s, ok := plain(text).(string)
	to, ok2 := plain(rewrite).(string)
	re := compileFor(s, pattern)
	if !ok || !ok2 || re == nil || re.MatchString("") || strings.Contains(group().ReplaceAllString(to, ""), `\`) {
		return unknown{}
	}
	if (len(s)+1)*(len(to)+len(s)*strings.Count(to, `\`)+1) > 1<<22 {
		return unknown{}
	}
	return re.ReplaceAllString(s, group().ReplaceAllString(strings.ReplaceAll(to, "$", "$$"), "$${$1}"))
}

// trimmed takes one match off the ends. Whether a second one goes too is open.
func trimmed(a []any, start, end bool) any {
	s, ok := plain(a[1]).(string)
	p, ok2 := plain(a[0]).(string)
	if !ok || !ok2 || compileFor(s, p) == nil || strings.ContainsAny(p, "^$") {
		return unknown{}
	}
	for _, side := range []struct {
		on      bool
		pattern string
	}{{start, `\A(?:` + p + `)`}, {end, `(?:` + p + `)\z`}} {
		if !side.on {
			continue
		}
		re, err := regexp.Compile(side.pattern)
		if err != nil {
			return unknown{}
		}
		m := re.FindStringIndex(s)
		if m == nil {
			continue
		}
		s = s[:m[0]] + s[m[1]:]
		if again := re.FindStringIndex(s); again != nil && again[0] < again[1] {
			return unknown{}
		}
	}
	return s
}

// quoteRegexp escapes what both flavours escape.
func quoteRegexp(s []string) any {
	if strings.ContainsAny(s[0], "#&-~ \t\r\n") {
		return unknown{}
	}
	return regexp.QuoteMeta(s[0])
}

func decodeText(s []string) any {
	b, err := base64.StdEncoding.Strict().DecodeString(s[0])
	if err != nil || !utf8.Valid(b) || strings.ContainsAny(s[0], "\r\n") {
		return unknown{}
	}
	return string(b)
}

func decodeBytes(s []string) any {
	b, err := base64.StdEncoding.Strict().DecodeString(s[0])
	if err != nil {
		return unknown{}
	}
	var out []any
	for _, c := range b {
		out = append(out, int64(c))
	}
	return dynamic{out}
}

func encodeBytes(a []any) any {
	list, ok := listOf(a[0])
	var b []byte
	for _, v := range list {
		n, whole := v.(int64)
		if ok = ok && whole && n >= 0 && n < 256; ok {
			b = append(b, byte(n))
		}
	}
	if !ok {
		return unknown{}
	}
	return base64.StdEncoding.EncodeToString(b)
}

// encodeURL writes `%3a` for what is no letter, digit, `-`, `_` or `.`. What becomes
// of some others is open.
func encodeURL(s, space string) any {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == ' ':
			b.WriteString(space)
		case strings.IndexByte("!*'()~", c) >= 0:
			return unknown{}
		case c == '-' || c == '_' || c == '.' || c < 0x80 && (unicode.IsLetter(rune(c)) || unicode.IsDigit(rune(c))):
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02x", c)
		}
	}
	return b.String()
}

func hashed(sum func([]byte) []byte) func([]any) any {
	return func(a []any) any {
		s, ok := plain(a[0]).(string)
		if !ok {
			return unknown{}
		}
		return hex.EncodeToString(sum([]byte(s)))
	}
}

// hasTerm says whether a text has a term, where that is told.
func hasTerm(s string, t ir.Test) any {
	term, ok := t.(ir.Term)
	if !ok {
		return false
	}
	finds := func(re *regex.Re) bool {
		source, err := re.Go()
		if err != nil {
			return false
		}
		return regexp.MustCompile(source).MatchString(s)
	}
	if term.Sure != nil && finds(term.Sure) {
		return true
	}
	for _, re := range term.May {
		if !finds(re) {
			return false
		}
	}
	return unknown{}
}

// hasAnyIndex is the place in a list of the text that is found first. Where several
// are found it is open which comes first, unless the first of the list does.
func hasAnyIndex(a []any) any {
	s, ok := plain(a[0]).(string)
	list, ok2 := listOf(a[1])
	if !ok || !ok2 || len(list) > 8 {
		return unknown{}
	}
	found, first := -1, len(s)
	for i, v := range list {
		t, ok := textOf(v)
		if !ok || t == "" {
			return unknown{}
		}
		is, known := compare("has", s, t).(bool)
		at := strings.Index(strings.ToLower(s), strings.ToLower(t))
		switch {
		case !known:
			return unknown{}
		case is && found < 0:
			found, first = i, at
		case is && at < first:
			return unknown{}
		}
	}
	return int64(found)
}

// parseVersion is a version of up to four parts as a number of eight digits a part.
func parseVersion(s []string) any {
	parts := strings.Split(s[0], ".")
	if len(parts) > 4 {
		return unknown{}
	}
	digits := ""
	for i := range 4 {
		part := "0"
		if i < len(parts) {
			part = parts[i]
		}
		if n, err := strconv.ParseUint(part, 10, 32); err != nil || n > 99_999_999 {
			return unknown{}
		}
		digits += strings.Repeat("0", 8-min(8, len(part))) + part
	}
	x, ok := new(big.Rat).SetString(digits)
	if !ok || len(digits) != 32 {
		return unknown{}
	}
	return decimal{x}
}

// formatBytes writes a size with a unit of 1024.
func formatBytes(a []any) any {
	n, ok := integer(a[0])
	precision, ok2 := int64(0), true
	if len(a) > 1 {
		precision, ok2 = integer(a[1])
	}
	units := []string{"Bytes", "KB", "MB", "GB", "TB", "PB"}
	unit := 0
	for x := n; x >= 1024 && unit < len(units)-1; x /= 1024 {
		unit++
	}
	if len(a) > 2 {
		name, _ := plain(a[2]).(string)
		unit = slices.Index(units, name)
	}
	if !ok || !ok2 || n < 0 || unit < 0 || precision < 0 || precision > 6 {
		return unknown{}
	}
	text := strconv.FormatFloat(float64(n)/math.Pow(1024, float64(unit)), 'f', int(precision), 64)
	if strings.Contains(text, ".") && strings.HasSuffix(text, "0") {
		return unknown{} // zeros at the end
	}
	return text + " " + units[unit]
}

// listOf is the elements of a dynamic list.
func listOf(v any) ([]any, bool) {
	d, ok := v.(dynamic)
	if !ok {
		return nil, false
	}
	list, ok := d.v.([]any)
	return list, ok
}

// place is a member of a bag or an element of a list, `[0]`; null where there is
// none.
func memberAt(v any, key string) any {
	d, ok := v.(dynamic)
	if !ok {
		return unknown{}
	}
	switch x := d.v.(type) {
	case nil:
		return dynamic{nil}
	case map[string]any:
		return dynamic{x[key]}
	case []any:
		inside, ok := strings.CutPrefix(key, "[")
		i, err := strconv.Atoi(strings.TrimSuffix(inside, "]"))
		switch {
		case !ok || err != nil:
			return unknown{}
		case i < 0:
			i += len(x)
		}
		if i < 0 || i >= len(x) {
			return dynamic{nil}
		}
		return dynamic{x[i]}
	}
	return dynamic{nil}
}

func parseJSON(a []any) any {
	s, ok := a[0].(string)
	if !ok {
		if d, ok := a[0].(dynamic); ok {
			if s, ok = d.v.(string); !ok {
				return d
			}
		} else if a[0] == nil {
			return dynamic{nil}
		} else {
			return unknown{}
		}
	}
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil || d.More() {
		if strings.ContainsAny(s, `{}[]"`) || s == "" || strings.Trim(s, "0123456789-.eE") == "" {
			return unknown{}
		}
		return dynamic{s} // a text that is no JSON stays what it is
	}
	return dynamicOf(v)
}

var jsonPath = lazy.Regexp(`^\$(?:\.[A-Za-z_][A-Za-z_0-9]*|\[[0-9]+\]|\['[^'\]]+'\])+$`)
var jsonStep = lazy.Regexp(`\.([A-Za-z_][A-Za-z_0-9]*)|(\[[0-9]+\])|\['([^'\]]+)'\]`)

func atPath(v any, path string) (any, bool) {
	if !jsonPath().MatchString(path) {
		return nil, false
	}
	for _, m := range jsonStep().FindAllStringSubmatch(path, -1) {
		v = memberAt(v, m[1]+m[2]+m[3])
	}
	_, open := v.(unknown)
	return v, !open
}

func extractJSON(a []any) any {
	path, ok := plain(a[0]).(string)
	v := parseJSON(a[1:2])
	out, ok2 := atPath(v, path)
	if !ok || !ok2 {
		return unknown{}
	}
	return out
}

func joinArray(a []any) any {
	list, ok := listOf(a[0])
	sep, ok2 := plain(a[1]).(string)
	out := make([]string, len(list))
	for i, v := range list {
		var is bool
		out[i], is = textOf(dynamic{v})
		ok = ok && is && v != nil
	}
	if !ok || !ok2 || len(list)*len(sep) > 1<<16 {
		return unknown{}
	}
	return strings.Join(out, sep)
}

func arrayLength(a []any) any {
	if list, ok := listOf(a[0]); ok {
		return int64(len(list))
	}
	if _, ok := a[0].(dynamic); ok || a[0] == nil {
		return nil
	}
	return unknown{}
}

func arrayIndexOf(a []any) any {
	list, ok := listOf(a[0])
	from, to, ok2 := window(len(list), a[2:min(len(a), 4)])
	nth, ok3 := occurrence(a, 4)
	if !ok || !ok2 || !ok3 {
		return unknown{}
	}
	for i := from; i < to; i++ {
		is, known := compare("==", dynamic{list[i]}, a[1]).(bool)
		if !known {
			return unknown{}
		}
		if is {
			if nth--; nth == 0 {
				return int64(i)
			}
		}
	}
	return int64(-1)
}

func concatArrays(a []any) any {
	out := []any{}
	for _, v := range a {
		list, ok := listOf(v)
		if out = append(out, list...); !ok || len(out) > maxFormula {
			return unknown{}
		}
	}
	return dynamic{out}
}

// sliceArray takes elements from one place to another, both included.
func sliceArray(a []any) any {
	list, ok := listOf(a[0])
	from, ok2 := integer(a[1])
	to, ok3 := integer(a[2])
	n := int64(len(list))
	if from < 0 {
		from += n
	}
	if to < 0 {
		to += n
	}
	if !ok || !ok2 || !ok3 || from < 0 || to < from || to >= n {
		return unknown{}
	}
	return dynamic{list[from : to+1]}
}

func reverseArray(a []any) any {
	list, ok := listOf(a[0])
	if !ok {
		return unknown{}
	}
	list = slices.Clone(list)
	slices.Reverse(list)
	return dynamic{list}
}

func jsonOf(v any) (any, bool) {
	switch v := v.(type) {
	case dynamic:
		return v.v, true
	case nil, bool, int64, float64, string:
		return v, true
	case int32:
		return int64(v), true
	}
	return nil, false
}

func packArray(a []any) any {
	out := make([]any, len(a))
	for i, v := range a {
		var ok bool
		if out[i], ok = jsonOf(v); !ok {
			return unknown{}
		}
	}
	return dynamic{out}
}

func packBag(a []any) any {
	out := map[string]any{}
	for i := 0; i+1 < len(a); i += 2 {
		key, ok := plain(a[i]).(string)
		v, ok2 := jsonOf(a[i+1])
		if _, twice := out[key]; !ok || !ok2 || twice {
			return unknown{}
		}
		out[key] = v
	}
	if len(a)%2 == 1 {
		return unknown{}
	}
	return dynamic{out}
}

func hasKey(a []any) any {
	key, ok := plain(a[1]).(string)
	d, ok2 := a[0].(dynamic)
	bag, ok3 := d.v.(map[string]any)
	if !ok || !ok2 || !ok3 {
		return unknown{}
	}
	if parent, last, deep := cutLast(key); deep {
		v, ok := any(d), true
		if parent != "$" {
			v, ok = atPath(d, parent)
		}
		if !ok || strings.ContainsAny(last, "[]'") {
			return unknown{}
		}
		bag, _ = v.(dynamic).v.(map[string]any)
		key = last
	}
	_, has := bag[key]
	return has
}

// cutLast cuts a path of JSON before its last step.
func cutLast(path string) (parent, last string, ok bool) {
	i := strings.LastIndexByte(path, '.')
	if !strings.HasPrefix(path, "$") || i < 0 {
		return "", path, false
	}
	return path[:i], path[i+1:], true
}

func hasElement(a []any) any {
	list, ok := listOf(a[0])
	if !ok {
		return unknown{}
	}
	var is []any
	for _, v := range list {
		is = append(is, compare("==", dynamic{v}, a[1]))
	}
	return connect(is, true)
}

// rangeOf is a list of numbers, or of times an hour apart unless a step says otherwise.
func rangeOf(a []any) any {
	make, most := func(x int64) any { return x }, int64(1)<<40
	step := any(int64(1))
	switch plain(a[0]).(type) {
	case moment:
		make, most, step = func(x int64) any { return moment(x) }, int64(lastMoment), 3600*second
	case span:
		make, most, step = func(x int64) any { return span(x) }, int64(lastMoment), 3600*second
	}
	if len(a) > 2 {
		step = plain(a[2])
	}
	from, ok := ticksOf(plain(a[0]), make)
	to, ok2 := ticksOf(plain(a[1]), make)
	by, isSpan := step.(span)
	if _, numbers := make(0).(int64); numbers {
		x, whole := integer(step)
		by, isSpan = span(x), whole
	}
	if !ok || !ok2 || !isSpan || by <= 0 || int64(by) > most || from < -most || to > most || to < from || (to-from)/int64(by) > 1000 {
		return unknown{}
	}
	var out []any
	for x := from; x <= to; x += int64(by) {
		out = append(out, make(x))
	}
	return dynamic{out}
}

// ticksOf is the number in a scalar that is of the type of what make makes.
func ticksOf(v any, make func(int64) any) (x int64, ok bool) {
	switch v := v.(type) {
	case moment:
		x = int64(v)
	case span:
		x = int64(v)
	default:
		x, ok = integer(v)
		_, want := make(0).(int64)
		return x, ok && want
	}
	return x, make(x) == v
}

func absolute(a []any) any {
	switch v := plain(a[0]).(type) {
	case nil:
		return nil
	case float64:
		return math.Abs(v)
	case int32, int64:
		if n, _ := integer(v); n != math.MinInt64 {
			return max(n, -n)
		}
	case span:
		return max(v, -v)
	}
	return unknown{}
}

func floor(x *big.Rat) int64 {
	return new(big.Int).Div(x.Num(), x.Denom()).Int64()
}

func rounded(v any, f func(*big.Rat) int64) any {
	x, ok := number(plain(v))
	switch {
	case plain(v) == nil:
		return nil
	case !ok:
		return unknown{}
	}
	return f(x)
}

// binned rounds down to a multiple of a size, counted from a fixed point. That of
// days and their parts is the same for every point that begins a day.
func binned(v, size, from any) any {
	v, size, from = plain(v), plain(size), plain(from)
	if d, ok := size.(span); ok {
		fixed, base := int64(0), false
		switch at := from.(type) {
		case moment:
			fixed = int64(at)
		case span:
			fixed = int64(at)
		case nil:
			base = true
		default:
			return unknown{}
		}
		down := func(x int64) int64 {
			x -= fixed
			return x - ((x%int64(d))+int64(d))%int64(d) + fixed
		}
		if d <= 0 {
			return unknown{}
		}
		switch x := v.(type) {
		case moment:
			if base && day%d != 0 {
				return unknown{}
			}
			return moment(down(int64(x)))
		case span:
			return span(down(int64(x)))
		}
		return unknown{}
	}
	x, ok := number(v)
	s, ok2 := number(size)
	f := new(big.Rat)
	if from != nil {
		var ok bool
		if f, ok = number(from); !ok {
			return unknown{}
		}
	}
	if !ok || !ok2 || s.Sign() <= 0 {
		return unknown{}
	}
	n := new(big.Rat).Sub(x, f)
	n = new(big.Rat).SetInt64(floor(n.Quo(n, s)))
	n.Add(n.Mul(n, s), f)
	if n.IsInt() && n.Num().IsInt64() {
		return n.Num().Int64()
	}
	out, exact := n.Float64()
	if !exact {
		return unknown{}
	}
	return out
}

// extreme is the least or the greatest. What null does there is open.
func extreme(a []any, sign int) any {
	out := plain(a[0])
	for _, v := range a {
		v = plain(v)
		if _, isText := v.(string); isText || v == nil {
			return unknown{}
		}
		order, ok := ordering(v, out)
		if !ok {
			return unknown{}
		}
		if order*sign > 0 {
			out = v
		}
	}
	return out
}

// finite is the answer of a test for an ordinary number.
func finite(is bool) func([]any) any {
	return func(a []any) any {
		if _, ok := number(plain(a[0])); ok {
			return is
		}
		return unknown{}
	}
}

func bits(f func(a, b int64) int64) func([]any) any {
	return func(a []any) any {
		x, ok := integer(a[0])
		y, ok2 := integer(a[1])
		if !ok || !ok2 {
			return unknown{}
		}
		return f(x, y)
	}
}

// shiftRight is null for one of two negative numbers, of which the page does not say
// which.
func shiftRight(a []any) any {
	x, ok := integer(a[0])
	y, ok2 := integer(a[1])
	if !ok || !ok2 || x < 0 || y < 0 {
		return unknown{}
	}
	return x >> (y % 64)
}
