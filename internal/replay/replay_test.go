package replay

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sigmac"
	"sigmac/backends"
	"sigmac/internal/outdir"
	"sigmac/ir"
	"sigmac/parser"
	"sigmac/targets"
	"sigmac/verify"
)

var at = time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)

// kitOf is the kit of a target for a rule, with its files.
func kitOf(t *testing.T, target *backends.Target) (*Kit, []outdir.File) {
	t.Helper()
	b := New(target, at)
	if err := b.Probes(); err != nil {
		t.Fatal(err)
	}
	rule := "title: Name\nlogsource: {product: windows, category: dns_query}\ndetection:\n  a: {QueryName: a.example}\n  b: {QueryName|endswith: .test}\n  condition: a or b\n"
	for res := range sigmac.Compile(parser.Parse("rule.yml", []byte(rule)), sigmac.Options{Mappings: []sigmac.Mapping{sigmac.DefaultMapping(target)}}) {
		if err := b.Rule(res, 2); err != nil {
			t.Fatal(err)
		}
	}
	files, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return &b.kit, files
}

// expected are answers that say what the kit does.
func (k *Kit) expected() map[string]Answer {
	out := map[string]Answer{}
	for _, q := range k.Queries {
		out[q.Name] = Answer{Events: slices.Clone(q.Finds)}
	}
	return out
}

// TestKit holds that of each kit every event is known in each query, that the events of a rule are
// found by its query, and that equal input gives equal bytes.
func TestKit(t *testing.T) {
	for _, target := range targets.All() {
		k, files := kitOf(t, target)
		again, files2 := kitOf(t, target)
		if !slices.EqualFunc(files, files2, func(a, b outdir.File) bool { return a.Path == b.Path && bytes.Equal(a.Data, b.Data) }) {
			t.Errorf("%s: two kits differ", target.Name)
		}
		names := map[string]bool{}
		for i, q := range k.Queries {
			if names[q.Name] || regexp.MustCompile(`-\d+$`).MatchString(q.Name) {
				t.Errorf("%s: two queries are called %s", target.Name, q.Name)
			}
			names[q.Name] = true
			if len(q.Open) > 0 {
				t.Errorf("%s: %s: it is not known whether it finds %v", target.Name, q.Name, q.Open)
			}
			if q.Rule != "" && (len(q.Finds) != 2 || !slices.Contains(q.Finds, q.Name+".1")) {
				t.Errorf("%s: %s finds %v", target.Name, q.Name, q.Finds)
			}
			if q.Of != "" && len(q.On) == 0 {
				t.Errorf("%s: no event of %s sits on %s", target.Name, q.Name, q.Of)
			}
			if !slices.Equal(q.Finds, again.Queries[i].Finds) {
				t.Errorf("%s: %s finds other events the second time", target.Name, q.Name)
			}
		}
		if len(k.Queries) < 30 {
			t.Errorf("%s: only %d queries", target.Name, len(k.Queries))
		}
	}
}

// TestAssumptions holds that each assumption of docs/semantics.md has a probe, or a reason why it has
// none, and that the query of a probe rests on the assumption.
func TestAssumptions(t *testing.T) {
	page, err := os.ReadFile("../../docs/semantics.md")
	if err != nil {
		t.Fatal(err)
	}
	section, _, _ := strings.Cut(string(page), "A loss is declared")
	known := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z0-9/-]+)` \\| ").FindAllStringSubmatch(section, -1) {
		known[m[1]] = true
	}
	// Those that verify supposes of every query, and names with none.
	supposed := []string{"field-types", "kusto/single-value", "kusto/lower"}
	for _, target := range targets.All() {
		k, _ := kitOf(t, target)
		said := map[string]bool{}
		for _, p := range append(common(!target.Columns.Texts), target.Replay().Probes()...) {
			if p.Of == "" {
				continue
			}
			said[p.Of] = true
			if !known[p.Of] {
				t.Errorf("%s: docs/semantics.md has no assumption %s", target.Name, p.Of)
			}
			if slices.Contains(supposed, p.Of) || p.Query == "" && !strings.HasPrefix(p.Of, target.Name) {
				continue
			}
			var named []string
			if text, types, err := New(target, at).probeQuery(p); err != nil {
				t.Errorf("%s: %s: %v", target.Name, p.Name, err)
			} else if p.Query != "" {
				q, err := target.Read(text, types)
				if err != nil {
					t.Errorf("%s: %s: %v", target.Name, p.Name, err)
					continue
				}
				named = q.Assumptions
			} else {
				named = assumed(t, target, p)
			}
			if !slices.Contains(named, p.Of) {
				t.Errorf("%s: the query of %s rests on %v, and not on %s", target.Name, p.Name, named, p.Of)
			}
		}
		for id := range k.Unprobed {
			if said[id] || !known[id] {
				t.Errorf("%s: %s has a probe, or there is none such", target.Name, id)
			}
			said[id] = true
		}
		for id := range known {
			if of, _, own := strings.Cut(id, "/"); (!own || of == target.Name) && !said[id] && !(id == "field-types" && target.Columns.Texts) {
				t.Errorf("%s: %s has neither a probe nor a reason why it has none", target.Name, id)
			}
		}
	}
}

// assumed are the assumptions that verify names with the query of a probe.
func assumed(t *testing.T, target *backends.Target, p backends.Probe) []string {
	condition := p.Condition
	if condition == "" {
		condition = "s"
	}
	rule := "title: Probe\nlogsource: {category: probe}\ndetection:\n  probe: {h: x}\n  s: " + p.Detection + "\n  condition: probe and (" + condition + ")\n"
	for res := range sigmac.Compile(parser.Parse("probe", []byte(rule)), sigmac.Unmapped(target)) {
		return sigmac.Verify(res, verify.DefaultBudget)[0].Evidence.Assumptions
	}
	t.Fatal("no rule")
	return nil
}

// TestJudge holds what answers say of assumptions.
func TestJudge(t *testing.T) {
	for _, target := range targets.All() {
		k, _ := kitOf(t, target)
		status := func(v Verdict, id string) string {
			for _, a := range v.Assumptions {
				if a.ID == id {
					return a.Status
				}
			}
			return ""
		}
		v := k.Judge(k.expected())
		if v.Differs() || status(v, "fold") != Confirmed || status(v, "tail-form") != Untouched {
			t.Errorf("%s: what is expected differs: %s", target.Name, k.Text(v))
		}
		if v = k.Judge(nil); v.Differs() || status(v, "fold") != Untouched {
			t.Errorf("%s: nothing was run, and differs: %s", target.Name, k.Text(v))
		}
		answer := func(a Answer) Verdict {
			as := k.expected()
			as["fold"] = a
			return k.Judge(as)
		}
		for _, c := range []struct {
			answer Answer
			want   string
		}{
			{Answer{Events: []string{"fold.3"}}, Refuted},           // without those that sit on it
			{Answer{Events: []string{"fold.1", "fold.2"}}, Unclear}, // without one beside it
			{Answer{Refused: "no"}, Unclear},                        // by the engine
			{Answer{Events: []string{"fold.1", "fold.3"}}, Refuted}, // one of two
			{Answer{Events: append(k.expected()["fold"].Events, "fold.4")}, Unclear},
		} {
			if v := answer(c.answer); !v.Differs() || status(v, "fold") != c.want {
				t.Errorf("%s: %v: %s, want %s", target.Name, c.answer, status(v, "fold"), c.want)
			}
		}
	}
}

// TestAccepted holds that a refusal refutes what says that the engine takes the query.
func TestAccepted(t *testing.T) {
	k := &Kit{Queries: []Query{{Name: "a", Of: "x", Accepted: true}, {Name: "b", Of: "y"}}}
	v := k.Judge(map[string]Answer{"a": {Refused: "no"}, "b": {Refused: "no"}})
	if v.Assumptions[0].Status != Refuted || v.Assumptions[1].Status != Unclear {
		t.Errorf("%v", v.Assumptions)
	}
}

// TestHostile holds that what an engine or a kit says cannot rule a terminal or the log of a build server.
func TestHostile(t *testing.T) {
	k := &Kit{Queries: []Query{{Name: "::error ::a", Says: "\x1b[31m"}}, Events: map[string]string{"x\x1b": "\u202e"}}
	for _, a := range []Answer{{Refused: "\n::error ::b\x1b[2J"}, {Events: []string{"x\x1b"}}} {
		for line := range strings.Lines(k.Text(k.Judge(map[string]Answer{"::error ::a": a}))) {
			if strings.HasPrefix(strings.TrimSpace(line), "::") || strings.ContainsAny(line, "\x1b\u202e") {
				t.Errorf("%q", line)
			}
		}
	}
}

// TestLoad holds that a kit that is written is read again.
func TestLoad(t *testing.T) {
	dir := t.TempDir()
	k, files := kitOf(t, targets.All()[0])
	if _, err := outdir.Write(dir, files, false); err != nil {
		t.Fatal(err)
	}
	got, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	a, _ := json.Marshal(k)
	if b, _ := json.Marshal(got); !bytes.Equal(a, b) {
		t.Errorf("read %s\nwant %s", b, a)
	}
	for _, broken := range []string{`{"queries": [{"name": ""}]}`, `{"queries": [{"name": "a"}, {"name": "a"}]}`, `{"queries": [{"name": "a", "finds": ["x"]}]}`, `[`, ``} {
		if err := os.WriteFile(filepath.Join(dir, KitFile), []byte(broken), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(dir); !errors.As(err, new(*ir.Diagnostic)) {
			t.Errorf("%s: %v", broken, err)
		}
	}
}

// TestLines holds that each line that is wrong is told with its place.
func TestLines(t *testing.T) {
	target := targets.All()[0]
	k, _ := kitOf(t, target)
	path := filepath.Join(t.TempDir(), "results.ndjson")
	text := `{"query": "fold", "events": ["fold.1"]}

{"query": "fold", "events": []}
{"query": "none", "events": []}
{"query": "blank", "events": ["nobody.1"]}
{"query": "blank"}
{"query": "blank", "events": [}
{"query": "blank", "events": 5}
{"query": "blank", "error": "too many cooks"}
`
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	answers, errs := k.Answers(target, path)
	var got []string
	for _, err := range errs {
		got = append(got, strings.TrimPrefix(err.Error(), path))
	}
	want := []string{`:3:1: there are two results of the query "fold"`, `:4:1: the kit has no query "none"`, `:5:1: the kit has no event "nobody.1"`,
		`:6:1: a result has either events or an error`, `:7:31: invalid character '}' looking for beginning of value`, `:8:30: a JSON number where there is none`}
	if !slices.Equal(got, want) {
		t.Errorf("%s\nwant %s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if answers["blank"].Refused != "too many cooks" || len(answers) != 2 {
		t.Errorf("%v", answers)
	}
}

// FuzzAnswer holds that no answer makes a reader panic, and that an error is no answer.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{`{"result":{"sigmac_id":"a.1"}}`, `{"Tables":[{"Columns":[{"ColumnName":"sigmac_id"}],"Rows":[["a.1"]]}]}`,
		`[{"FrameType":"DataTable","TableKind":"PrimaryResult","Columns":[{"ColumnName":"sigmac_id"}],"Rows":[["a.1"],{"OneApiErrors":[]}]}]`,
		`{"hits":{"events":[{"_source":{"sigmac_id":"a.1"}}],"sequences":[{"events":[]}]}}`, "sigmac_id\na.1\n", `{"error":{"reason":"x"}}`, "\"\n", "[[]]"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, target := range targets.All() {
			for _, name := range []string{"a.json", "a.csv"} {
				if ids, err := target.Replay().Answer(name, []byte(text)); err != nil && ids != nil || err == nil && ids == nil {
					t.Errorf("%s: %v, %v", target.Name, ids, err)
				}
			}
		}
	})
}
