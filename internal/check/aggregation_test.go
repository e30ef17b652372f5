package check

import (
	"slices"
	"strings"
	"testing"

	"sigmac/internal/link"
	"sigmac/parser"
)

const counting = `title: 'Many: failed "logons"'
logsource: {product: windows, service: security}
detection:
    selection:
        EventID: 4625
    timeframe: 5m
    condition: selection | count() by Computer > 10
level: high
`

// TestAggregations turns aggregations into correlations: the file then has no error, its
// correlation says the same and names its rule.
func TestAggregations(t *testing.T) {
	with := func(old, new string) string {
		out := strings.Replace(counting, old, new, 1)
		if out == counting {
			t.Fatalf("%q is not in the rule", old)
		}
		return out
	}
	second := strings.Replace(counting, "Many", "Other", 1)
	for _, c := range []struct {
		name, src string
		mended    int
	}{
		{"as it stands", counting, 1},
		{"with an id", with("logsource", "id: 11111111-0000-4000-8000-000000000001\nlogsource"), 1},
		{"with a name", with("logsource", "name: many\nlogsource"), 1},
		{"in quotes", with("selection | count() by Computer > 10", `"selection | count() by Computer > 10" # ten`), 1},
		{"in a block", with("selection | count() by Computer > 10", "|\n        selection |\n        count() by Computer > 10"), 1},
		{"distinct values", with("count() by Computer > 10", "count(User) by Computer, Domain >= 3"), 1},
		{"a sum", with("count() by Computer > 10", "sum(Bytes) < 1.5"), 1},
		{"behind the condition", with("    timeframe: 5m\n", "") + "", 0},
		{"lines of Windows", strings.ReplaceAll(counting, "\n", "\r\n"), 1},
		{"no end of line", strings.TrimSuffix(counting, "\n"), 1},
		{"two", counting + "---\n" + second, 2},
		{"a rule behind it", counting + "---\n" + strings.Replace(second, " | count() by Computer > 10", "", 1), 1},
		{"the least", with("count() by Computer > 10", "min(Bytes) > 10"), 0},
		{"near", with("count() by Computer > 10", "near other"), 0},
		{"more behind it", with("> 10", "> 10 | count() > 5"), 0},
		{"no number", with("> 10", "> many"), 0},
		{"two conditions", with("selection | count() by Computer > 10", "[selection, selection | count() > 10]"), 0},
		{"another error", with("EventID", "EventID|nope"), 0},
		{"an unfit timespan", with("5m", "5x"), 0},
		{"in a line", "title: t\nlogsource: {product: p}\ndetection: {s: {f: x}, timeframe: 5m, condition: s | count() > 1}\n", 0},
	} {
		src, mended := []byte(c.src), 0
		for range 3 {
			var fixes []*Fix
			for _, f := range Run([]File{{soundName, soundName, src}}, options()) {
				if f.Fix != nil && f.Code == "syntax" {
					fixes = append(fixes, f.Fix)
				}
			}
			out, n, _ := Apply(src, fixes)
			src, mended = out, mended+n
		}
		if mended != c.mended {
			t.Errorf("%s: mended %d times, want %d\n%s", c.name, mended, c.mended, src)
		}
		if c.mended == 0 {
			continue
		}
		linker := &link.Linker{}
		docs := parser.Parse("r.yml", src).Documents
		for _, d := range docs {
			if len(d.Errors) > 0 {
				t.Errorf("%s: %v\n%s", c.name, d.Errors, src)
			}
			linker.Add(d)
		}
		linker.Know(nil, true)
		if found := linker.Findings(); len(found) > 0 {
			t.Errorf("%s: %v\n%s", c.name, found[0], src)
		}
		n := len(slices.DeleteFunc(docs, func(d *parser.Document) bool { return d.Correlation == nil }))
		if n != c.mended {
			t.Errorf("%s: %d correlations\n%s", c.name, n, src)
		}
	}
}
