package rules

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigmac"
	"sigmac/internal/corpus"
	"sigmac/internal/link"
	"sigmac/ir"
	"sigmac/parser"
	"sigmac/verify"
)

// TestRandomCorrelations holds that random correlations over public rules, mapped by their log
// sources, are written and proved, or refused, or not judged, each with its reason, and counts
// these. A few are tried, or all where SIGMAC_CORRELATIONS asks for that.
func TestRandomCorrelations(t *testing.T) {
	rules := corpus.Parse(t, "sigma/rules*").Documents
	rules = slices.DeleteFunc(rules, func(d *parser.Document) bool { return d.Rule == nil || len(d.Errors) > 0 || d.ID == "" })
	bySource := map[string][]*parser.Document{}
	var sources []string
	for _, d := range rules {
		s := d.Rule.Source.String()
		if bySource[s] == nil {
			sources = append(sources, s)
		}
		bySource[s] = append(bySource[s], d)
	}
	n := 20
	if os.Getenv("SIGMAC_CORRELATIONS") == "all" {
		n = 400
	}
	quoted := regexp.MustCompile(`"[^"]*"|\d+ streams|[\w./-]+\.yml:\d+:\d+`)
	got := map[string]int{}
	for i := range n {
		rng := rand.New(rand.NewPCG(17, uint64(i)))
		text, named := randomCorrelation(rng, rules, bySource, sources)
		d := parser.Parse("random.yml", []byte(text)).Documents[0]
		if len(d.Errors) > 0 {
			t.Fatalf("%s\n%s", d.Errors[0], text)
		}
		cs := link.NewCorrelations(append([]*parser.Document{d}, named...), nil)
		for _, target := range sigmac.Targets() {
			o := sigmac.Options{Mappings: []sigmac.Mapping{sigmac.DefaultMapping(target)}, Correlations: cs}
			res := sigmac.CompileDocument(d, o)[0]
			p := sigmac.Verify(res, verify.DefaultBudget)[0]
			what := p.Verdict
			if p.Err != nil {
				what += ": " + quoted.ReplaceAllString(p.Err.Msg, "…")
			}
			if p.Verdict != "proved" && p.Verdict != sigmac.VerdictUnsupported {
				t.Errorf("%d: %s: %s %v %v\n%s\n%s", i, target.Name, p.Verdict, p.Err, p.Evidence.Stream, text, strings.Join(res.Queries, "\n"))
			}
			if p.Verdict == sigmac.VerdictUnsupported && (p.Err == nil || p.Err.Msg == "") {
				t.Errorf("%d: %s: no reason is told\n%s", i, target.Name, text)
			}
			got[target.Name+": "+what]++
		}
	}
	for _, k := range slices.Sorted(maps.Keys(got)) {
		t.Log(got[k], k)
	}
}

// randomCorrelation is the text of one, and the rules that it names.
func randomCorrelation(rng *rand.Rand, rules []*parser.Document, bySource map[string][]*parser.Document, sources []string) (string, []*parser.Document) {
	pick := func(words ...string) string { return words[rng.IntN(len(words))] }
	from := rules
	if rng.IntN(2) == 0 { // of one log source
		from = bySource[rules[rng.IntN(len(rules))].Rule.Source.String()]
	}
	var named []*parser.Document
	fields := []string{"User", "Image", "Computer", "SourceIp", "TargetUserName", "src_ip", "AccountName", "ProcessId", "EventID"}
	for range 1 + rng.IntN(3) {
		d := from[rng.IntN(len(from))]
		if rng.IntN(2) == 0 && len(named) == 0 {
			s := bySource[sources[rng.IntN(len(sources))]]
			d = s[rng.IntN(len(s))]
		}
		if slices.Contains(named, d) {
			continue
		}
		named = append(named, d)
		d.Rule.Walk(func(e ir.Expr) {
			if m, ok := e.(ir.Match); ok && !strings.ContainsAny(m.Field.Name, " :") {
				fields = append(fields, m.Field.Name)
			}
		})
	}
	kind := pick("event_count", "event_count", "value_count", "temporal", "temporal_ordered", "temporal", "temporal_ordered", "value_sum", "value_avg", "value_percentile", "value_median")
	if len(named) < 2 {
		kind = pick("event_count", "value_count", "value_sum", "value_avg", "value_percentile", "value_median")
	}
	var b strings.Builder
	fmt.Fprintf(&b, "title: Random\nstatus: test\ncorrelation:\n  type: %s\n  rules:\n", kind)
	for _, d := range named {
		fmt.Fprintf(&b, "    - %s\n", d.ID)
	}
	if k := rng.IntN(3); k > 0 {
		b.WriteString("  group-by:\n")
		seen := map[string]bool{}
		for range k {
			if f := pick(fields...); !seen[f] {
				seen[f] = true
				fmt.Fprintf(&b, "    - %s\n", f)
			}
		}
	}
	fmt.Fprintf(&b, "  timespan: %s\n", pick("30s", "5m", "1h", "36h", "2d"))
	op := pick("gte", "gte", "gt", "lt", "lte", "eq", "neq")
	switch {
	case strings.HasPrefix(kind, "temporal"):
		if kind == "temporal" && rng.IntN(4) == 0 {
			fmt.Fprintf(&b, "  condition: {gte: %d}\n", 1+rng.IntN(len(named)))
		}
	case kind == "event_count":
		fmt.Fprintf(&b, "  condition: {%s: %d}\n", op, 1+rng.IntN(20))
	case kind == "value_percentile":
		fmt.Fprintf(&b, "  condition: {field: %s, percentile: %d, %s: %d}\n", pick(fields...), 1+rng.IntN(99), op, 1+rng.IntN(1000))
	default:
		fmt.Fprintf(&b, "  condition: {field: %s, %s: %d}\n", pick(fields...), op, 1+rng.IntN(10))
	}
	return b.String(), named
}
