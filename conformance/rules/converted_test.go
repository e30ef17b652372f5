package rules

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"sigmac"
	"sigmac/backends"
	"sigmac/internal/corpus"
	"sigmac/internal/link"
	"sigmac/ir"
	"sigmac/parser"
	"sigmac/pipeline"
	"sigmac/verify"
)

// TestCorrelationsConverted holds what becomes of correlations that people wrote, by target,
// method and type. A rule that nobody has is stood in for, and a table is supposed where a
// target needs one. Of the sliding queries an eighth is proved, or all where SIGMAC_CORRELATIONS
// asks for that; those with fixed borders say their loss.
func TestCorrelationsConverted(t *testing.T) {
	docs := corpus.Parse(t, "correlations").Documents
	files := map[string][]*parser.Document{}
	var paths []string
	for _, d := range docs {
		if files[d.Path] == nil {
			paths = append(paths, d.Path)
		}
		files[d.Path] = append(files[d.Path], d)
	}
	table := pipeline.Join(parsed(t, "name: table\npriority: 1\ntransformations:\n  - {type: set_state, key: query_table, val: Events_CL}\n"))
	quoted, matchesBoth := regexp.MustCompile(`"[^"]*"`), regexp.MustCompile(`both \S+ and [^;]*`)
	all, verdicts := os.Getenv("SIGMAC_CORRELATIONS") == "all", map[string]int{}
	got := map[string]int{}
	for number, path := range paths {
		var in []*parser.Document
		there := map[string]bool{}
		for _, d := range files[path] {
			if len(d.Errors) == 0 {
				in = append(in, d)
				there[d.Name], there[strings.ToLower(d.ID)], there[d.ID] = true, true, true
			}
		}
		for _, d := range in {
			if d.Correlation == nil {
				continue
			}
			for _, n := range d.Correlation.Rules {
				if !there[n.Text] && !there[strings.ToLower(n.Text)] {
					there[n.Text] = true
					in = append(in, standIn(t, n.Text))
				}
			}
		}
		cs := link.NewCorrelations(in, nil)
		for _, d := range cs.All() {
			if d.Path != path {
				continue
			}
			for _, target := range sigmac.Targets() {
				m := sigmac.Mapping{Target: target}
				if needsTable(target) {
					m.Pipeline = table
				}
				for _, method := range []string{backends.Sliding, backends.Tumbling} {
					res := sigmac.CompileDocument(d, sigmac.Options{Mappings: []sigmac.Mapping{m}, Correlations: cs, Method: method})[0]
					what := "written"
					switch {
					case len(res.Errors) > 0:
						if res.Errors[0].Feature == "" {
							t.Errorf("%s: %s: %s", path, target.Name, res.Errors[0])
						}
						what = "refused: " + matchesBoth.ReplaceAllString(quoted.ReplaceAllString(res.Errors[0].Msg, `"…"`), "both …")
						if i := strings.Index(what, path); i >= 0 {
							what = what[:i] + "…"
						}
					case method == backends.Sliding:
						for _, l := range res.TailLosses {
							what += ", " + l.ID
						}
						if number%8 > 0 && !all {
							break
						}
						p := sigmac.Verify(res, verify.DefaultBudget)[0]
						if p.Verdict != "proved" && p.Verdict != sigmac.VerdictUnsupported {
							t.Errorf("%s: %s: %s %v %v\n%s", path, target.Name, p.Verdict, p.Err, p.Evidence.Stream, strings.Join(res.Queries, "\n"))
						}
						if verdicts[p.Verdict]++; p.Err != nil {
							t.Logf("%s: %s: %s", path, target.Name, p.Err.Msg)
						}
					case len(res.TailLosses) == 0:
						t.Errorf("%s: %s: fixed borders without a loss", path, target.Name)
					}
					got[strings.Join([]string{target.Name, method, d.Correlation.Type.Text, what}, ": ")]++
				}
			}
		}
	}
	t.Log(verdicts)
	corpus.Hold(t, "testdata/converted.json", got, *update)
}

// standIn is a rule of that name.
func standIn(t *testing.T, name string) *parser.Document {
	t.Helper()
	r := &ir.Rule{Meta: ir.Meta{Name: name, Title: name}, Conditions: []ir.Condition{{Expr: ir.Ref{Name: "s"}}}, Detections: []ir.Detection{
		{Name: "s", Expr: ir.Match{Field: ir.Field{Name: "rule"}, Test: ir.Lit(name)}}}}
	return &parser.Document{Path: "stand-in " + name, Name: name, Title: name, Kind: parser.Rule, Rule: r}
}

func needsTable(t *backends.Target) bool {
	for _, k := range t.Scope {
		if k.Needed {
			return true
		}
	}
	return false
}

func parsed(t *testing.T, src string) *pipeline.Pipeline {
	t.Helper()
	p, errs := pipeline.Parse("table.yml", []byte(src))
	if len(errs) > 0 {
		t.Fatal(errs[0])
	}
	return p
}
