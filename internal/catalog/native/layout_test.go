package native

import (
	"strings"
	"testing"
)

// TestLayOut: a query gets a line for each command and no line that is long, and one
// that would read differently stays as it is.
func TestLayOut(t *testing.T) {
	long := func(op, pattern string) string {
		var parts []string
		for _, letter := range "abcdefghijkl" {
			parts = append(parts, strings.ReplaceAll(pattern, "?", string(letter)))
		}
		return strings.Join(parts, op)
	}
	splunk := func(query string) *Rule { return Splunk("a.yml", []byte("search: |-\n  "+query), nil) }
	elastic := func(language string) func(query string) *Rule {
		return func(query string) *Rule {
			return Elastic("a.toml", []byte("[rule]\nlanguage = '"+language+"'\nquery = \"\"\"\n"+query+"\"\"\""))
		}
	}
	kusto := func(query string) *Rule { return Kusto("a.kql", []byte(query)) }
	for _, c := range []struct {
		read        func(string) *Rule
		query, want string
	}{
		{splunk, `index=a x="a | b" | stats count by y | where count > 3`, "index=a x=\"a | b\"\n| stats count by y\n| where count > 3"},
		{splunk, "| tstats count from datamodel=D where D.x=a by D.y | `m`", "| tstats count from datamodel=D where D.x=a by D.y\n| `m`"},
		{splunk, `x=a | eval y="` + long(" and ", "word ?") + `"`, "x=a\n| eval y=\"" + long(" and ", "word ?") + `"`},
		{splunk, long(" OR ", "field_?=value"), long("\n  OR ", "field_?=value")},
		{kusto, "T | where a == 'ä|' | project b // c | d", "T\n| where a == 'ä|'\n| project b // c | d"},
		{kusto, "let t = 1; T | where a == t;\nU | where b == 'x'", "let t = 1; T\n| where a == t;\nU\n| where b == 'x'"},
		{kusto, "T | where " + long(" and ", "(field_? == 1 or b == 2)"), "T\n| where " + long("\n  and ", "(field_? == 1 or b == 2)")},
		{kusto, "T | where a == 'x' // " + long(" and ", "remark ?"), "T\n| where a == 'x' // " + long(" and ", "remark ?")},
		{elastic("eql"), "sequence by u with maxspan=1m [file where a == 1] ![any where b == 2] [process where c == 3]",
			"sequence by u with maxspan=1m\n  [file where a == 1]\n  ![any where b == 2]\n  [process where c == 3]"},
		{elastic("eql"), "process where a == 1 and not (" + long(" or ", "field_? == 1") + ")", "process where a == 1\n  and not (" + long("\n    or ", "field_? == 1") + ")"},
		{elastic("kuery"), "a:1 and b:(" + long(" or ", "word_?_word") + ") and c:2", "a:1\n  and b:(" + long("\n    or ", "word_?_word") + ")\n  and c:2"},
		{elastic("kuery"), long(" and ", "a_?:word") + " and (\n  b:1 or\n  b:2\n)", long(" and ", "a_?:word") + " and (\n  b:1 or\n  b:2\n)"},
		{elastic("kuery"), long(" and ", "a_?:long_word") + " and\nb:1", long(" and ", "a_?:long_word") + " and\nb:1"},
		{elastic("esql"), "from a | where b", "from a | where b"},
	} {
		r := c.read(c.query)
		if r.Query != c.want {
			t.Errorf("%s\nis laid out as\n%s\nwant\n%s", c.query, r.Query, c.want)
		}
		if again := c.read(strings.ReplaceAll(r.Query, "\n", "\n  ")); again.Reason != r.Reason {
			t.Errorf("%s\nis not read again: %s", r.Query, again.Reason)
		}
	}
}

// TestSeverity holds the limits of risk scores.
func TestSeverity(t *testing.T) {
	for scores, want := range map[string]string{"": "", "x": "", "0": "informational", "20": "informational", "21": "low", "40": "low", "40.5": "medium", "60": "medium",
		"80": "high", "81": "critical", "100": "critical", "101": "", "9 64": "high"} {
		if got := severity(strings.Fields(scores)); got != want {
			t.Errorf("%s: %q, want %q", scores, got, want)
		}
	}
}
