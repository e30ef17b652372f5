package sigmac_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"sigmac"
	"sigmac/ir"
	"sigmac/parser"
	"sigmac/targets"
)

// lists compiles a rule of one detection whose lists from two values on go into tables.
func lists(t *testing.T, target, detection string) sigmac.Result {
	t.Helper()
	src := "title: Lists\nid: i\nlogsource: {category: test}\ndetection:\n  s: " + detection + "\n  condition: s\n"
	o := sigmac.Unmapped(targets.Must(target))
	o.Mappings[0].Lists = 2
	for res := range sigmac.Compile(parser.Parse("r.yml", []byte(src)), o) {
		if len(res.Errors) > 0 {
			t.Fatal(src, res.Errors)
		}
		return res
	}
	panic("no result")
}

// TestListCells holds which values go into a table and which stay in the query, where a
// reader of tables or a spreadsheet may take them for something else.
func TestListCells(t *testing.T) {
	for _, c := range []struct{ target, values, cells, query string }{
		{"splunk", `'a,b', '=1+1', '+1', '-1', '@x', ' lead', 'trail ', 'say "x"', plain, 'z*', 'é', 'x\y'`, `"a,b" plain z* é x\y`,
			`([| inputlookup sigma_f_bc66978f79b9.csv | fields f]) OR f IN ("=1+1", "+1", "-1", "@x", " lead", "trail ", "say \"x\"")`},
		{"kusto", `'a,b', '=1+1', ' lead', "a\nb", 'say "x"', plain, 'p?q', 'a\*b', '', 'É', 'x\y'`, `"a,b" "say ""x""" plain a*b x\y`,
			`(f in~ ((_GetWatchlist("sigma_f_103a0b1447c0") | project SearchKey))) or f in~ ("=1+1", " lead", "a\nb") or f matches regex @"(?is)\Ap.q\z" or isempty(f) or tolower(f) == "é"`},
	} {
		res := lists(t, c.target, "{f: ["+c.values+"]}")
		var cells []string
		for line := range strings.SplitSeq(string(res.Lookups[0].CSV()), "\r\n") {
			if cell, ok := strings.CutSuffix(line, ",i"); ok {
				cells = append(cells, cell)
			}
		}
		if got := strings.Join(cells, " "); got != c.cells || res.Queries[0] != c.query {
			t.Errorf("%s: %s\n%s", c.target, got, res.Queries[0])
		}
	}
}

// TestListNames holds that a list keeps its name when its values change, that a list that
// stands twice has one table, and that others have names of their own.
func TestListNames(t *testing.T) {
	names := func(target, detection string) (out []string) {
		for _, l := range lists(t, target, detection).Lookups {
			out = append(out, l.Name)
		}
		return out
	}
	first := names("kusto", "[{f: [a, b], g: [a, b]}, {f|cased: [c, d]}]")
	if len(first) != 3 || first[0] == first[1] || first[0] == first[2] {
		t.Error(first)
	}
	if other := names("kusto", "{f: [a, c, d]}"); !slices.Equal(other, first[:1]) {
		t.Error(other, first)
	}
	if twice := names("kusto", "[{f: [a, b], h: 1}, {f: [a, b], h: 2}]"); !slices.Equal(twice, first[:1]) {
		t.Error(twice)
	}
	if other := names("splunk", "{f: [a, b]}"); slices.Equal(other, first[:1]) {
		t.Error("two targets share", other)
	}
	long := names("kusto", "{"+strings.Repeat("é f.", 20)+": [a, b]}")
	if len(long) != 1 || len(long[0]) > 64 || strings.Trim(long[0], "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != "" {
		t.Error(long)
	}
}

// TestListsStay holds that a list that stays in the query is told with the reason.
func TestListsStay(t *testing.T) {
	for detection, want := range map[string]string{
		`{f|endswith: [a, b]}`:    "",
		`{f|cased: [aB, bC, cD]}`: "stays in the query: what stands in one choice with it leaves no place for a table",
		`{f: ['"a', '"b']}`:       "a list of 2 values of f stays in the query: a table holds texts with wildcards",
		`{f: [a]}`:                "",
		`{f: [1, 2]}`:             "",
	} {
		if got := fmt.Sprint(lists(t, "splunk", detection).Mapped.Warnings); !strings.Contains(got, want) || want == "" && got != "[]" {
			t.Errorf("%s: %s", detection, got)
		}
	}
	if got := fmt.Sprint(lists(t, "kusto", "{f|endswith: [a, b]}").Mapped.Warnings); !strings.Contains(got, "a table holds whole values") {
		t.Error(got)
	}
}

// TestCSV holds that a table is read as it was written, and what is no table is an error.
func TestCSV(t *testing.T) {
	l := ir.Lookup{Name: "n", Columns: []string{"a", "b c"}, Rows: [][]string{{`x"y`, "1,2"}, {"line\nbreak", ""}, {`\`, "é"}}}
	const want = "a,b c\r\n\"x\"\"y\",\"1,2\"\r\n\"line\r\nbreak\",\r\n\\,é\r\n"
	if got := string(l.CSV()); got != want {
		t.Errorf("%q", got)
	}
	back, err := sigmac.ParseCSV("n", []byte("\ufeff"+want))
	if err != nil || fmt.Sprint(back) != fmt.Sprint(l) {
		t.Errorf("%v %q", err, back)
	}
	for _, src := range []string{"", "a,b\nc\n", "a\n\"b\n"} {
		if l, err := sigmac.ParseCSV("n", []byte(src)); err == nil {
			t.Errorf("%q is read as %v", src, l)
		}
	}
}
