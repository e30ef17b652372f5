package verify

import (
	"regexp"
	"slices"
	"strings"
)

// A mutation corrupts a query of a target, each time in one place.
type mutation struct {
	target   string // empty for all
	name     string
	variants func(query string) []string
}

// swap replaces one match of a regular expression at a time.
func swap(source, with string) func(string) []string {
	re := regexp.MustCompile(source)
	return func(q string) (out []string) {
		for _, m := range re.FindAllStringSubmatchIndex(q, -1) {
			out = append(out, q[:m[0]]+string(re.ExpandString(nil, with, q, m))+q[m[1]:])
		}
		return out
	}
}

// change replaces one match of a regular expression at a time by what f makes
// of it.
func change(source string, f func(string) string) func(string) []string {
	re := regexp.MustCompile(source)
	return func(q string) (out []string) {
		for _, m := range re.FindAllStringIndex(q, -1) {
			out = append(out, q[:m[0]]+f(q[m[0]:m[1]])+q[m[1]:])
		}
		return out
	}
}

// nextSign is the next digit or letter, so that 9 becomes 0 and z becomes a.
func nextSign(s string) string {
	b := []byte(s)
	i := len(b) - 1
	switch c := b[i]; c {
	case '9':
		b[i] = '0'
	case 'z', 'Z':
		b[i] = c - 25
	default:
		b[i] = c + 1
	}
	return string(b)
}

// otherCase is s with its last letter in the other case.
func otherCase(s string) string {
	b := []byte(s)
	b[len(b)-1] ^= 0x20
	return string(b)
}

// literals finds the texts of a query: raw ones first.
var literals = regexp.MustCompile(`"""(?s:.*?)"""|@"(?:[^"]|"")*"|"(?:[^"\\]|\\.)*"|'[^']*'` + "|`[^`]*`")

// blanked is q with its literals made of `_`, so that what is found outside of
// them stands at the same place.
func blanked(q string) string {
	return literals.ReplaceAllStringFunc(q, func(s string) string { return strings.Repeat("_", len(s)) })
}

// outside is swap where source sees blanked literals.
func outside(source, with string) func(string) []string {
	re := regexp.MustCompile(source)
	return func(q string) (out []string) {
		for _, m := range re.FindAllStringSubmatchIndex(blanked(q), -1) {
			out = append(out, q[:m[0]]+string(re.ExpandString(nil, with, q, m))+q[m[1]:])
		}
		return out
	}
}

// moveParen moves an opening parenthesis behind the first operand after it, or
// a closing one before the last.
func moveParen(q string) (out []string) {
	flat := blanked(q)
	for _, m := range regexp.MustCompile(`(?i)\(([^()]* (?:and|or) )`).FindAllStringSubmatchIndex(flat, -1) {
		out = append(out, q[:m[0]]+q[m[2]:m[3]]+"("+q[m[3]:])
	}
	for _, m := range regexp.MustCompile(`(?i)( (?:and|or) [^()]*)\)`).FindAllStringSubmatchIndex(flat, -1) {
		out = append(out, q[:m[2]]+")"+q[m[2]:m[3]]+q[m[1]:])
	}
	return out
}

// dropParens takes away one pair of parentheses around operators.
func dropParens(q string) (out []string) {
	flat := blanked(q)
	var open []int
	for i, c := range flat {
		switch c {
		case '(':
			open = append(open, i)
		case ')':
			if len(open) == 0 {
				return out
			}
			lo := open[len(open)-1]
			open = open[:len(open)-1]
			if lo == 0 || flat[lo-1] == ' ' || flat[lo-1] == '(' || strings.HasSuffix(flat[:lo], "not") {
				sep := ""
				if strings.HasSuffix(flat[:lo], "not") {
					sep = " "
				}
				out = append(out, q[:lo]+sep+q[lo+1:i]+q[i+1:])
			}
		}
	}
	return out
}

// dropConjunct drops an operand of the operators ops that stand in no
// parentheses, after head.
func dropConjunct(head, ops *regexp.Regexp) func(string) []string {
	return func(q string) (out []string) {
		start := len(head.FindString(q))
		flat := blanked(q)
		from, depth := start, 0
		var parts [][2]int
		for i := start; i <= len(flat); i++ {
			n := 0
			switch {
			case i == len(flat):
				n = 1
			case flat[i] == '(':
				depth++
			case flat[i] == ')':
				depth--
			case depth == 0:
				n = len(ops.FindString(flat[i:]))
			}
			if n > 0 {
				parts = append(parts, [2]int{from, i})
				from = i + n
				i += n - 1
			}
		}
		for k := range parts {
			if len(parts) == 1 {
				break
			}
			if k+1 < len(parts) {
				out = append(out, q[:parts[k][0]]+q[parts[k+1][0]:])
			} else {
				out = append(out, q[:parts[k-1][1]])
			}
		}
		return out
	}
}

// all are the variants of several functions.
func all(fs ...func(string) []string) func(string) []string {
	return func(q string) (out []string) {
		for _, f := range fs {
			out = append(out, f(q)...)
		}
		return out
	}
}

const (
	aText = `"(?:[^"\\]|\\.)*"`
	aName = `[A-Za-z_][A-Za-z_.0-9]*`
)

// mutations lists the kinds by target. Some do not change what a query means:
// these hold that the proof goes through.
func mutations() []mutation {
	return slices.Concat([]mutation{
		{"", unchanged, func(q string) []string { return []string{q} }},
		{"", "move a parenthesis", moveParen},
		{"", "drop parentheses", dropParens},
		{"", "change a letter", change(`"[^" ]*[A-Za-z]`, nextSign)},
		{"", "change a letter's case", change(`"[^" ]*[A-Za-z]`, otherCase)},
		{"", "change a digit", change(`(?:[=>( ]|== )-?\d+`, nextSign)},
		{"", "change a prefix length", change(`/\d`, nextSign)},
		{"", "change a field's case", change(`(?:^|[( ?'])[A-Za-z_]+(?:' ?,|=| =| :| IN| in| contains| startswith| endswith)`, func(s string) string {
			i := strings.IndexFunc(s, func(r rune) bool { return r|0x20 >= 'a' && r|0x20 <= 'z' })
			return s[:i] + otherCase(s[i:i+1]) + s[i+1:]
		})},
		{"", "drop a list element", swap(`, (?:`+aText+`|-?\d+)`, "")},
		{"", "add a list element", swap(`\(("(?:[^"\\]|\\.)*", )`, `("zz", $1`)},
		{"", "turn a number into a text", outside(`(= ?|IN \(|in \()(-?\d+)`, `$1"$2"`)},
		{"", "> to >=", outside(`>( ?-?\d)`, `>=$1`)},
		{"", ">= to >", outside(`>=`, `>`)},
		{"", "< to <=", outside(`<( ?-?\d)`, `<=$1`)},
		{"", "drop a flag", all(swap(`\(\?[is]\)`, ""), swap(`\(\?is\)`, "(?i)"), swap(`\(\?is\)`, "(?s)"))},
		{"", "add a flag", swap(`(regex @?"|mvfind\('[^']*',")`, `$1(?i)`)},
		{"", ".* to .", swap(`\.\*`, `.`)},
		{"", "add an anchor", swap(`(regex @?"(?:\(\?[is]+\))?|mvfind\('[^']*',"(?:\(\?[is]+\))?)`, `$1^`)},
		{"", "drop a starting anchor", swap(`\\A`, ``)},
		{"", "drop an ending anchor", all(swap(`\\z`, ``), swap(`\$"`, `"`))},
		{"", "another end", all(swap(`\$"`, `\z"`), swap(`\\z"`, `$$"`), swap(`\\x\{0A\}\?\\z`, `\z`), swap(`\\n\?"`, `"`))},
		{"", "change a quantifier", all(swap(`([]a-zA-Z)])\+`, `$1*`), swap(`([]a-zA-Z)])\*`, `$1+`), change(`\{\d`, nextSign))},
		{"", "change a class", all(change(`\[[^]"]*[a-z0-9]`, nextSign), swap(`\[(\w)`, `[^$1`), swap(`\[\^`, `[`))},
		{"", "drop an escape", all(swap(`\\\\`, `\`), swap(`@"([^"]*\\)`, `"$1`), swap(`"""([^"]*\\[^"]*)"""`, `"$1"`), swap(`\\\.`, `.`))},
	}, []mutation{
		{"splunk", "drop a not", outside(`NOT `, ``)},
		{"splunk", "double a not", outside(`NOT `, `NOT NOT `)},
		{"splunk", "or to and", outside(` OR `, ` AND `)},
		{"splunk", "and to or", all(outside(` AND `, ` OR `), outside(`([_)]) ([A-Z(])`, `$1 OR $2`))},
		{"splunk", "NOT f=x to f!=x", outside(`NOT (`+aName+`)=`, `$1!=`)},
		{"splunk", "= to !=", outside(`\b(`+aName+`)=`, `$1!=`)},
		{"splunk", "= to ==", outside(`\b(`+aName+`)=`, `$1==`)},
		{"splunk", "drop a leading wildcard", swap(`([=(] ?)"\*`, `$1"`)},
		{"splunk", "drop a trailing wildcard", swap(`\*"`, `"`)},
		{"splunk", "drop an inner wildcard", swap(`(\w)\*(\w)`, `$1$2`)},
		{"splunk", "add a wildcard", all(swap(`(=)"([^"*]+)"`, `$1"$2*"`), swap(`(=\d+)`, `$1*`))},
		{"splunk", "drop a conjunct", dropConjunct(regexp.MustCompile(`^`), regexp.MustCompile(`^ (?:AND )?`))},
		{"splunk", "drop the search", swap(`^.* \| where`, `* | where`)},
		{"splunk", "drop the where", swap(` \| where .*`, ``)},
		{"splunk", "a field that is there to an empty one", swap(`=\* OR \S+=""`, `=""`)},
		{"splunk", "isnotnull to isnull", outside(`isnotnull`, `isnull`)},
		{"splunk", "isnull to isnotnull", outside(`isnull`, `isnotnull`)},
		{"splunk", "mvfind to match", swap(`isnotnull\(mvfind\(('[^']*'),(`+aText+`)\)\)`, `match($1,$2)`)},
		{"splunk", "unwrap if", swap(`if\((.*?),1,0\)=1`, `$1`)},
		{"splunk", "a field to a text", swap(`'([^']*)'`, `"$1"`)},
		{"splunk", "search to where", swap(`(`+aName+`)=("[^"*\\]*")`, `$1=lower($2)`)},
		{"splunk", "alternatives to a concatenation", swap(`(\w)\|(\w)`, `$1$2`)},
		{"splunk", "two searches", swap(`" ([A-Z]\w*=)`, `" | search $1`)},
	}, []mutation{
		{"kusto", "drop a not", outside(`not\(`, `(`)},
		{"kusto", "double a not", outside(`not\(([^()]*)\)`, `not(not(not($1)))`)},
		{"kusto", "or to and", outside(` or `, ` and `)},
		{"kusto", "and to or", outside(` and `, ` or `)},
		{"kusto", "=~ to ==", outside(`=~`, `==`)},
		{"kusto", "== to =~", outside(`== (_)`, `=~ $1`)},
		{"kusto", "=~ to !~", outside(`=~`, `!~`)},
		{"kusto", "== to !=", outside(`==`, `!=`)},
		{"kusto", "contains to has", outside(` contains `, ` has `)},
		{"kusto", "contains to startswith", outside(` contains `, ` startswith `)},
		{"kusto", "startswith to contains", outside(` startswith `, ` contains `)},
		{"kusto", "startswith to hasprefix", outside(` startswith `, ` hasprefix `)},
		{"kusto", "endswith to contains", outside(` endswith `, ` contains `)},
		{"kusto", "endswith to =~", outside(` endswith `, ` =~ `)},
		{"kusto", "contains to !contains", outside(` contains `, ` !contains `)},
		{"kusto", "drop _cs", outside(`_cs `, ` `)},
		{"kusto", "add _cs", outside(` (contains|startswith|endswith) `, ` ${1}_cs `)},
		{"kusto", "in~ to in", outside(` in~ `, ` in `)},
		{"kusto", "in~ to has_any", outside(` in~ `, ` has_any `)},
		{"kusto", "isempty to isnull", outside(`is(not)?empty`, `is${1}null`)},
		{"kusto", "isempty to isnotempty", outside(`isempty`, `isnotempty`)},
		{"kusto", "drop a guard", outside(`isnotempty\([^)]*\) and `, ``)},
		{"kusto", "unwrap coalesce", swap(`coalesce\((.*?), false\)`, `$1`)},
		{"kusto", "coalesce to true", swap(`, false\)`, `, true)`)},
		{"kusto", "drop a conjunct", dropConjunct(regexp.MustCompile(`^`), regexp.MustCompile(`^ and `))},
		{"kusto", "drop a disjunct", dropConjunct(regexp.MustCompile(`^\(*`), regexp.MustCompile(`^ or `))},
		{"kusto", "drop a network's condition", swap(`ipv[46]_is_in_(?:any_)?range\((\w+), ("[^"]*")[^)]*\)`, `$1 == $2`)},
		{"kusto", "an IPv6 network as an IPv4 one", swap(`ipv6_is_in_range`, `ipv4_is_in_range`)},
		{"kusto", "keyword to column", outside(`\* contains`, `A contains`)},
		{"kusto", "a prefix in the literal", swap(`contains "([^"]+)"`, `contains " $1"`)},
	}, []mutation{
		{"elastic", "drop a not", outside(`not \(`, `(`)},
		{"elastic", "double a not", outside(`not \(`, `not not (`)},
		{"elastic", "or to and", outside(` or `, ` and `)},
		{"elastic", "and to or", outside(` and `, ` or `)},
		{"elastic", ": to ==", outside(` : (_)`, ` == $1`)},
		{"elastic", ": to in", outside(` : \(`, ` in (`)},
		{"elastic", ": to in~", outside(` : \(`, ` in~ (`)},
		{"elastic", ": to like", outside(` : `, ` like `)},
		{"elastic", ": to like~", outside(` : `, ` like~ `)},
		{"elastic", ": to regex~", outside(` : `, ` regex~ `)},
		{"elastic", "like to :", outside(` like `, ` : `)},
		{"elastic", "in~ to in", outside(` in~ `, ` in `)},
		{"elastic", "in~ to :", outside(` in~ `, ` : `)},
		{"elastic", "== to :", outside(` == (_)`, ` : $1`)},
		{"elastic", "== to !=", outside(` == `, ` != `)},
		{"elastic", "!= to ==", outside(` != `, ` == `)},
		{"elastic", "drop a guard", outside(`\?\S+ != null and `, ``)},
		{"elastic", "add a guard", outside(`(\?[\w.@]+)( : )`, `$1 != null and $1$2`)},
		{"elastic", "drop a question mark", outside(`\?([A-Za-z])`, `$1`)},
		{"elastic", "== null to \"\"", outside(`== null`, `== ""`)},
		{"elastic", "drop a leading wildcard", swap(`("|""")\*`, `$1`)},
		{"elastic", "drop a trailing wildcard", swap(`\*("|""")`, `$1`)},
		{"elastic", "add a wildcard", swap(`([^"*])("[,) ]|"""[,) ]|"$)`, `$1*$2`)},
		{"elastic", "? to *", swap(`(like|:)( \(?"[^"]*)\?`, `$1$2*`)},
		{"elastic", "regex to regex~", outside(` regex `, ` regex~ `)},
		{"elastic", "drop a regex's start", swap(`(regex \(?"+)\.\*`, `$1`)},
		{"elastic", "drop a regex's end", swap(`(regex \(?"[^"]*)\.\*"`, `$1"`)},
		{"elastic", "drop a conjunct", dropConjunct(regexp.MustCompile(`^any where `), regexp.MustCompile(`^ and `))},
		{"elastic", "drop a disjunct", dropConjunct(regexp.MustCompile(`^any where \(*`), regexp.MustCompile(`^ or `))},
		{"elastic", "another category", swap(`^any`, `process`)},
		{"elastic", "a later pipe", swap(`$`, ` | head 5`)},
	})
}
