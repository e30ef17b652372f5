package read

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	"sigmac/internal/lazy"
)

// The scalars of KQL are nil for null, bool, int32, int64, float64, decimal,
// string, moment, span, guid and dynamic. The page "Scalar data types" names them.
type (
	// moment is a datetime, in ticks of 100 ns since the year 1.
	moment int64
	// span is a timespan in ticks.
	span int64
	// guid is its text in lower case.
	guid string
	// decimal is exact; a server has 34 digits.
	decimal struct{ *big.Rat }
	// dynamic holds nil, bool, int64, float64, string, []any or map[string]any.
	dynamic struct{ v any }
	// unknown is what the documents leave open, or what is not done here.
	unknown struct{}
)

const (
	second = span(10_000_000)
	day    = 24 * 60 * 60 * second
)

// plain is what a dynamic value holds, if it is no list and no bag.
func plain(v any) any {
	d, ok := v.(dynamic)
	if !ok {
		return v
	}
	switch d.v.(type) {
	case []any, map[string]any:
		return d
	}
	return d.v
}

func parseDecimal(s string) (decimal, bool) {
	digits := strings.Trim(s, "-0123456789.")
	x, ok := new(big.Rat).SetString(s)
	return decimal{x}, ok && digits == "" && len(s) <= 34
}

// number is a number as a fraction. A float that is too large to have every whole
// number beside it is none.
func number(v any) (*big.Rat, bool) {
	switch v := v.(type) {
	case int32:
		return new(big.Rat).SetInt64(int64(v)), true
	case int64:
		return new(big.Rat).SetInt64(v), true
	case float64:
		if math.IsNaN(v) || math.Abs(v) > 1<<53 {
			return nil, false
		}
		return new(big.Rat).SetFloat64(v), true
	case decimal:
		return v.Rat, true
	}
	return nil, false
}

// integer is a whole number of the types int and long.
func integer(v any) (int64, bool) {
	switch v := plain(v).(type) {
	case int32:
		return int64(v), true
	case int64:
		return v, true
	}
	return 0, false
}

func zeroOf(v any) any {
	switch plain(v).(type) {
	case span:
		return span(0)
	case float64:
		return 0.0
	}
	return int64(0)
}

// opposite is the negation of a truth or null.
func opposite(v any) any {
	if b, ok := v.(bool); ok {
		return !b
	}
	return v
}

// connect joins truths: or, where true decides, else and (page "Logical
// operators"). Null stands beside what does not decide.
func connect(vs []any, decides bool) any {
	var out any = !decides
	for _, v := range vs {
		switch v := plain(v).(type) {
		case bool:
			if v == decides {
				return v
			}
		case nil:
			if _, open := out.(unknown); !open {
				out = nil
			}
		default:
			out = unknown{}
		}
	}
	return out
}

// compare is `a op b`: true, false, null or unknown. Of null the page "Null values"
// says that it is equal to nothing, and the orderings of it are null.
func compare(op string, a, b any) any {
	a, b = plain(a), plain(b)
	for _, v := range []any{a, b} {
		if _, open := v.(unknown); open {
			return v
		}
	}
	if o, ok := textOperators[op]; ok && op != "==" {
		s, isText := a.(string)
		t, areTexts := b.(string)
		if !isText || !areTexts {
			return unknown{}
		}
		return relateValues(o, s, t)
	}
	if op == "matches regex" {
		s, isText := a.(string)
		re := compileFor(s, b)
		if !isText || re == nil {
			return unknown{}
		}
		return re.MatchString(s)
	}
	if a == nil || b == nil {
		if op == "==" && (a != nil || b != nil) {
			return false
		}
		return nil
	}
	order, ok := ordering(a, b)
	if !ok {
		return unknown{}
	}
	_, isText := a.(string)
	_, isTruth := a.(bool)
	_, isGuid := a.(guid)
	switch {
	case op == "==":
		return order == 0
	case isText || isTruth || isGuid:
	case op == "<":
		return order < 0
	case op == "<=":
		return order <= 0
	case op == ">":
		return order > 0
	case op == ">=":
		return order >= 0
	}
	return unknown{}
}

// ordering compares two scalars of one kind. Of a bool the page "The bool data
// type" says that true is 1.
func ordering(a, b any) (int, bool) {
	if x, ok := a.(bool); ok {
		if y, ok := b.(bool); ok {
			return boolNumber(x) - boolNumber(y), true
		}
		a = int64(boolNumber(x))
	} else if y, ok := b.(bool); ok {
		b = int64(boolNumber(y))
	}
	switch x := a.(type) {
	case string:
		if y, ok := b.(string); ok {
			return strings.Compare(x, y), true
		}
		if y, ok := b.(guid); ok {
			return ordering(y, x)
		}
		return 0, false
	case guid:
		switch y := b.(type) {
		case guid:
			return strings.Compare(string(x), string(y)), true
		case string:
			return strings.Compare(string(x), y), string(x) == y
		}
		return 0, false
	case moment:
		y, ok := b.(moment)
		return compareInts(int64(x), int64(y)), ok
	case span:
		y, ok := b.(span)
		return compareInts(int64(x), int64(y)), ok
	}
	x, ok := number(a)
	y, ok2 := number(b)
	if !ok || !ok2 {
		return 0, false
	}
	_, exact := a.(decimal)
	_, exact2 := b.(decimal)
	_, float := a.(float64)
	_, float2 := b.(float64)
	if exact && float2 || exact2 && float {
		return 0, false
	}
	return x.Cmp(y), true
}

func boolNumber(b bool) int {
	if b {
		return 1
	}
	return 0
}

func compareInts(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// relateValues is a test of two texts.
func relateValues(o textOperator, s, t string) any {
	if o.term {
		if t == "" {
			return unknown{}
		}
		return hasTerm(s, termTest(t, o, ""))
	}
	if !o.cased {
		s, t = strings.Map(lowerASCII, s), strings.Map(lowerASCII, t)
	}
	return relations[o.shape](s, t)
}

// arithmetic is a sum, a difference, a product, a quotient or a remainder (pages
// "Numerical operators", "Datetime / timespan arithmetic"). whole says that whole
// numbers are of the types int and long, so that a quotient is too.
func arithmetic(op byte, a, b any, whole bool) any {
	a, b = plain(a), plain(b)
	if a == nil || b == nil {
		return nil
	}
	switch x := a.(type) {
	case moment:
		switch y := b.(type) {
		case moment:
			if op == '-' {
				return span(x - y)
			}
		case span:
			return shifted(x, y, op)
		}
		return unknown{}
	case span:
		switch y := b.(type) {
		case moment:
			if op == '+' {
				return shifted(y, x, op)
			}
		case span:
			switch {
			case op == '+' || op == '-':
				return ticks(arithmetic(op, int64(x), int64(y), true))
			case op == '/' && y != 0:
				return float64(x) / float64(y)
			}
		default:
			if op == '*' || op == '/' {
				return ticks(arithmetic(op, float64(x), y, whole))
			}
		}
		return unknown{}
	}
	if y, ok := b.(span); ok {
		if op == '*' {
			return ticks(arithmetic(op, a, float64(y), whole))
		}
		return unknown{}
	}
	x, ok := integer(a)
	y, ok2 := integer(b)
	if !ok || !ok2 {
		return floats(op, a, b)
	}
	var out *big.Int
	p, q := big.NewInt(x), big.NewInt(y)
	switch op {
	case '+':
		out = p.Add(p, q)
	case '-':
		out = p.Sub(p, q)
	case '*':
		out = p.Mul(p, q)
	case '%':
		if y == 0 || !whole {
			return unknown{}
		}
		out = p.Mod(p, q.Abs(q)) // "-14 % 12" is 10
	case '/':
		if y == 0 || x%y != 0 && (!whole || x < 0 || y < 0) {
			return unknown{}
		}
		out = p.Quo(p, q)
	}
	if out == nil || !out.IsInt64() {
		return unknown{}
	}
	return out.Int64()
}

func floats(op byte, a, b any) any {
	var xs [2]float64
	for i, v := range []any{a, b} {
		switch v := v.(type) {
		case float64:
			xs[i] = v
		default:
			n, ok := integer(v)
			if !ok {
				return unknown{}
			}
			xs[i] = float64(n)
		}
	}
	out := math.NaN()
	switch op {
	case '+':
		out = xs[0] + xs[1]
	case '-':
		out = xs[0] - xs[1]
	case '*':
		out = xs[0] * xs[1]
	case '/':
		out = xs[0] / xs[1]
	}
	if math.IsNaN(out) || math.IsInf(out, 0) {
		return unknown{}
	}
	return out
}

// ticks is a number of ticks as a timespan, if it is whole.
func ticks(v any) any {
	switch v := v.(type) {
	case int64:
		return span(v)
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return span(v)
		}
	case nil:
		return nil
	}
	return unknown{}
}

// lastMoment is the end of the year 9999.
const lastMoment = moment(3_155_378_975_999_999_999)

func shifted(at moment, d span, op byte) any {
	switch op {
	case '-':
		d = -d
	case '+':
	default:
		return unknown{}
	}
	if out := at + moment(d); out >= 0 && out <= lastMoment {
		return out
	}
	return unknown{}
}

// yearOne is where moments begin.
var yearOne = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)

func (m moment) time() time.Time {
	seconds := int64(m) / int64(second)
	return time.Unix(yearOne.Unix()+seconds, int64(m)%int64(second)*100).UTC()
}

func momentOf(t time.Time) moment {
	return moment((t.Unix()-yearOne.Unix())*int64(second) + int64(t.Nanosecond()/100))
}

var momentText = lazy.Regexp(`^(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,7}))?)?)?(Z| ?UTC)?$`)

// parseMoment reads the form of ISO 8601 (page "The datetime data type"); a server
// reads more.
func parseMoment(s string) (moment, bool) {
	m := momentText().FindStringSubmatch(strings.TrimSpace(s))
	if m == nil {
		return 0, false
	}
	var n [7]int
	for i := range n {
		if n[i], _ = strconv.Atoi(m[i+1]); i == 6 {
			n[i], _ = strconv.Atoi((m[7] + "0000000")[:7])
		}
	}
	t := time.Date(n[0], time.Month(n[1]), n[2], n[3], n[4], n[5], n[6]*100, time.UTC)
	if t.Day() != n[2] || t.Hour() != n[3] || t.Minute() != n[4] || n[5] > 59 || n[0] == 0 {
		return 0, false
	}
	return momentOf(t), true
}

var (
	spanText = lazy.Regexp(`^(-)?(?:(\d{1,7})\.)?(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,7}))?)?$`)
	unitText = lazy.Regexp(`^(-?)(\d{1,9}(?:\.\d{1,7})?) *([a-z]+)$`)
)

// spanUnits are the lengths of the units of the page "The timespan data type", by
// how their names begin.
var spanUnits = map[string]span{"d": day, "h": 3600 * second, "m": 60 * second, "s": second, "ms": second / 1000,
	"microsecond": second / 1_000_000, "tick": 1}

// parseSpan reads `1.5h` and `2.03:04:05.6`.
func parseSpan(s string) (span, bool) {
	s = strings.TrimSpace(s)
	sign := span(1)
	if m := unitText().FindStringSubmatch(s); m != nil {
		unit, ok := spanUnits[m[3]]
		for _, name := range []string{"d day days", "h hr hrs hour hours", "m min mins minute minutes", "s sec secs second seconds",
			"ms milli millis millisecond milliseconds", "microsecond micro micros microseconds", "tick ticks"} {
			for _, n := range strings.Fields(name) {
				if n == m[3] {
					unit, ok = spanUnits[strings.Fields(name)[0]], true
				}
			}
		}
		x, _ := new(big.Rat).SetString(m[1] + m[2])
		x.Mul(x, new(big.Rat).SetInt64(int64(unit)))
		if !ok || !x.IsInt() || !x.Num().IsInt64() {
			return 0, false
		}
		return span(x.Num().Int64()), true
	}
	m := spanText().FindStringSubmatch(s)
	if m == nil {
		return 0, false
	}
	if m[1] != "" {
		sign = -1
	}
	var n [5]span
	for i := range n {
		x, _ := strconv.Atoi(m[i+2])
		if n[i] = span(x); i == 4 {
			x, _ = strconv.Atoi((m[6] + "0000000")[:7])
			n[i] = span(x)
		}
	}
	if n[1] > 23 || n[2] > 59 || n[3] > 59 {
		return 0, false
	}
	return sign * (n[0]*day + n[1]*3600*second + n[2]*60*second + n[3]*second + n[4]), true
}

func (d span) String() string {
	sign := ""
	if d < 0 {
		sign, d = "-", -d
	}
	days, rest := d/day, d%day
	out := sign
	if days > 0 {
		out += strconv.FormatInt(int64(days), 10) + "."
	}
	out += two(int64(rest/(3600*second))) + ":" + two(int64(rest/(60*second)%60)) + ":" + two(int64(rest/second%60))
	if f := rest % second; f > 0 {
		out += "." + pad(int64(f), 7)
	}
	return out
}

func two(n int64) string { return pad(n, 2) }

func pad(n int64, width int) string {
	s := strconv.FormatInt(n, 10)
	return strings.Repeat("0", max(0, width-len(s))) + s
}

// textOf is a scalar as tostring gives it, where that is told.
func textOf(v any) (string, bool) {
	switch v := plain(v).(type) {
	case nil:
		return "", true
	case string:
		return v, true
	case int32:
		return strconv.FormatInt(int64(v), 10), true
	case int64:
		return strconv.FormatInt(v, 10), true
	case float64:
		if a := math.Abs(v); v != math.Trunc(v) && a < 1e9 && a > 1e-4 {
			s := strconv.FormatFloat(v, 'f', -1, 64)
			return s, len(s) <= 15
		}
	case span:
		return v.String(), true
	case moment:
		t := v.time()
		return t.Format("2006-01-02T15:04:05.") + pad(int64(t.Nanosecond()/100), 7) + "Z", true
	case guid:
		return string(v), true
	case dynamic:
		return listText(v)
	}
	return "", false
}

// listText is the JSON of a list of texts in which nothing is escaped.
func listText(d dynamic) (string, bool) {
	list, ok := d.v.([]any)
	if !ok {
		return "", false
	}
	out, size := make([]string, len(list)), 0
	for i, v := range list {
		s, ok := plain(v).(string)
		if size += len(s); !ok || size > 1<<16 || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' }) {
			return "", false
		}
		out[i] = `"` + s + `"`
	}
	return "[" + strings.Join(out, ",") + "]", true
}
