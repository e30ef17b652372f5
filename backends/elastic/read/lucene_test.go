package read

import (
	_ "embed"
	"strconv"
	"strings"
	"testing"

	"sigmac/backends"
	"sigmac/ir"
)

//go:embed testdata/lucene.txt
var luceneAnswers string

// What some version of Lucene refuses is refused, and little else is.
func TestLuceneRefuses(t *testing.T) {
	refused, more := 0, 0
	for line := range strings.Lines(luceneAnswers) {
		if line[0] == '#' {
			continue
		}
		quoted, versions, _ := strings.Cut(strings.TrimSpace(line), "\t")
		src, err := strconv.Unquote(quoted)
		if err != nil {
			t.Fatal(err)
		}
		work := backends.LuceneWork
		why := backends.LuceneRefuses(luceneTree(src, false, ir.Pos{}), &work)
		switch {
		case versions != "" && why == "":
			t.Errorf("%s is not refused, but by Lucene %s", quoted, versions)
		case versions != "":
			refused++
		case why != "":
			more++
		}
	}
	const mostMore = 20 // states and parts of expressions are counted as more than they are
	if refused < 100 || more > mostMore {
		t.Errorf("%d are refused rightly, %d beyond Lucene", refused, more)
	}
}

// The largest expressions of a form that Lucene 9.12 takes, found there.
func TestLuceneLargest(t *testing.T) {
	wild := func(s string) string {
		var parts []ir.Part
		for _, c := range s {
			switch c {
			case '*':
				parts = append(parts, ir.Part{Kind: ir.AnyRun})
			case '?':
				parts = append(parts, ir.Part{Kind: ir.AnyOne})
			default:
				parts = append(parts, ir.Part{Kind: ir.Literal, Text: string(c)})
			}
		}
		return backends.LuceneRefusesPattern(ir.NewPattern(true, parts...))
	}
	regex := func(s string) string {
		work := backends.LuceneWork
		return backends.LuceneRefuses(luceneTree(s, false, ir.Pos{}), &work)
	}
	for _, c := range []struct {
		form  func(n int) string
		ask   func(string) string
		most  int // that Lucene takes
		exact bool
	}{
		{func(n int) string { return ".{" + strconv.Itoa(n) + "}" }, regex, 1000, true},
		{func(n int) string { return "[^\n]{" + strconv.Itoa(n) + "}" }, regex, 1000, true},
		{func(n int) string { return ".*a{" + strconv.Itoa(n) + "}.*" }, regex, 314, true},
		{func(n int) string { return "*" + strings.Repeat("a", n) + "*" }, wild, 314, true},
		{func(n int) string { return "*" + strings.Repeat("?", n) + "*" }, wild, 444, true},
		{func(n int) string { return "a" + strings.Repeat("?", n) }, wild, 999, true},
		{func(n int) string { return "*a" + strings.Repeat("?", n) }, wild, 12, true},
		{func(n int) string { return "*a" + strings.Repeat("?", n) + "b*" }, wild, 11, false}, // 8.9 counts states
	} {
		n := 1
		for ; c.ask(c.form(n)) == ""; n++ {
		}
		if n--; n > c.most || c.exact && n < c.most {
			t.Errorf("%.20s is taken up to %d, by Lucene up to %d", c.form(1), n, c.most)
		}
	}
}

// What a hostile expression costs is bounded.
func TestLuceneWork(t *testing.T) {
	nested := func(open, inner, shut string) string {
		return strings.Repeat(open, 150) + inner + strings.Repeat(shut, 150)
	}
	for _, src := range []string{nested("(", ".*a[^\n]{0,11}b", ")?"), nested("(x|", "(a|b){0,900}", ")"), nested("(", "a?", "){0,2}"), nested("(a?", "b", "){3}"),
		strings.Repeat("(a?b?c?){0,30}", 40), strings.Repeat(".*[a-f0-9x-z!-+]{0,9}", 60), strings.Repeat("(a|b|c|d)?", 900), "((a{0,30}){0,30}){0,30}", nested("(", strings.Repeat("[a-cg-ik-m]?", 300), ")*")} {
		re := (&luceneParser{src: src}).union()
		work := backends.LuceneWork
		why := backends.LuceneRefuses(re, &work)
		const most = 1 << 17 // beyond the limit, in one step
		if work < -most {
			t.Errorf("%.40s took %d steps too many", src, -work)
		}
		if work < 0 && why == "" {
			t.Errorf("%.40s is taken without being looked at", src)
		}
	}
}
