package ruletest

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"sigmac"
	"sigmac/backends"
	"sigmac/eval"
	"sigmac/internal/corpus"
	"sigmac/internal/evtxtest"
	"sigmac/internal/junit"
	"sigmac/ir"
	"sigmac/parser"
)

const adminRule = `title: Admin
logsource: {category: test}
detection:
  sel:
    User: admin
  condition: sel
`

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

// test runs the tests of the rules in files.
func test(t testing.TB, bs []*backends.Target, files ...string) (suites []Suite, out [][]Case) {
	t.Helper()
	c, errs := sigmac.ParseFiles(files, func(i int) ([]byte, error) { return os.ReadFile(files[i]) })
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	suites = Find(c.Documents)
	for _, cases := range Run(suites, Options{Targets: bs, MaxEvent: eval.DefaultMaxEvent}) {
		out = append(out, cases)
	}
	return suites, out
}

// negated is a target whose queries mean the opposite.
func negated(t *backends.Target) *backends.Target {
	out := *t
	out.Read = func(query string, s ir.Schema) (*ir.Query, error) {
		q, err := t.Read(query, s)
		if err == nil {
			q.Where = ir.Not{X: q.Where}
		}
		return q, err
	}
	return &out
}

// TestWrongQuery: a query that says something else than its rule is told, also of
// an event of which the rule says what it should.
func TestWrongQuery(t *testing.T) {
	dir := t.TempDir()
	rule := filepath.Join(dir, "a.yml")
	write(t, rule, adminRule)
	write(t, filepath.Join(dir, "a.match.json"), `{"User": "admin"}`)
	write(t, filepath.Join(dir, "a.nomatch.json"), `{"User": "x"}`)
	for _, b := range sigmac.Targets() {
		_, out := test(t, []*backends.Target{negated(b)}, rule)
		var got []string
		for _, c := range out[0] {
			got = append(got, c.Want.String()+" "+c.Target+" "+c.Status.String())
			for _, f := range c.Failures {
				got = append(got, f.Msg)
			}
		}
		want := []string{"match  passed", "match " + b.Name + " failed", "the query does not match, and the rule matches",
			"nomatch  passed", "nomatch " + b.Name + " failed", "the query matches, and the rule does not match"}
		if !slices.Equal(got, want) {
			t.Errorf("%q", got)
		}
	}
}

// TestWorld: a query is asked about the event as its target has it. Where that
// cannot tell what the rule can, the difference is told.
func TestWorld(t *testing.T) {
	for _, c := range []struct{ test, event, failing string }{
		{"User: ''", `{"User": ""}`, ""},
		{"User: ''", `{"Other": 1}`, "kusto"},
		{"User: null", `{"User": ""}`, "kusto"},
		{"User: null", `{"User": null}`, ""},
		{"User|exists: true", `{"User": "x"}`, ""},
		{"User|exists: true", `{"User": ""}`, "kusto"},
		{"User|exists: true", `{"User": null}`, "splunk kusto elastic"},
		{"User|exists: true", `{"User": []}`, "splunk kusto elastic"},
		{"User|exists: false", `{"User": "x"}`, ""},
		{"User|contains: ''", `{"User": "x"}`, ""},
	} {
		dir := t.TempDir()
		rule := filepath.Join(dir, "a.yml")
		write(t, rule, strings.Replace(adminRule, "User: admin", c.test, 1))
		write(t, filepath.Join(dir, "a.nomatch.json"), c.event)
		_, out := test(t, sigmac.Targets(), rule)
		var failing []string
		for _, x := range out[0][1:] {
			if x.Status == Failed {
				failing = append(failing, x.Target)
			}
		}
		if got := strings.Join(failing, " "); got != c.failing {
			t.Errorf("%s on %s: queries for %q differ, want %q", c.test, c.event, got, c.failing)
		}
	}
}

// TestEVTX reads event logs beside rules, and those that the layout of the public rules names.
func TestEVTX(t *testing.T) {
	event := func(user string) string {
		return fmt.Sprintf(`{"Event":{"System":{"EventID":1},"EventData":{"User":%q}}}`, user)
	}
	dir := t.TempDir()
	rule := filepath.Join(dir, "rules", "a.yml")
	write(t, rule, adminRule+"regression_tests_path: regression_data/info.yml\n")
	write(t, filepath.Join(dir, "rules", "a.match.evtx"), string(evtxtest.FromJSON(event("admin"), event("other"))))
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write(evtxtest.FromJSON(event("other"))[:4096+70_000/2])
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "rules", "a.nomatch.evtx.gz"), packed.String())
	write(t, filepath.Join(dir, "regression_data", "info.yml"), "regression_tests_info: [{type: evtx, match_count: 2, path: regression_data/x.evtx}]")
	write(t, filepath.Join(dir, "regression_data", "x.json"), event("other"))
	write(t, filepath.Join(dir, "regression_data", "x.evtx"), string(evtxtest.FromJSON(event("admin"), event("other"), event("admin"))))
	_, out := test(t, nil, rule)
	want := []string{
		"a.match.evtx failed, 1 of 2 [a.match.evtx:2:1: the rule does not match]",
		"a.nomatch.evtx.gz failed, 0 of 0 [a.nomatch.evtx.gz: chunk 1: it is cut off after 35000 bytes]",
		"x.evtx passed, 2 of 3 []",
	}
	var got []string
	for _, c := range slices.Concat(out...) {
		for _, f := range c.Failures {
			f.Path = filepath.Base(f.Path)
		}
		if c.Target == "" {
			got = append(got, fmt.Sprintf("%s %s, %d of %d %v", filepath.Base(c.Path), c.Status, c.Matches, c.Events, c.Failures))
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestStream reads a large file, compressed, in little memory, and keeps few of
// many failures.
func TestStream(t *testing.T) {
	const n = 200_000
	dir := t.TempDir()
	rule := filepath.Join(dir, "a.yml")
	write(t, rule, adminRule)
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	for i := range n {
		fmt.Fprintf(z, "{\"User\": \"user%d\", \"Filler\": %q}\n", i, strings.Repeat("x", 200))
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "a.nomatch.ndjson.gz"), packed.String())
	write(t, filepath.Join(dir, "a.match.json.gz"), packed.String()[:packed.Len()/2])
	packed = bytes.Buffer{}
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, out := test(t, sigmac.Targets(), rule)
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 8<<20 {
		t.Errorf("%d bytes are kept", grown)
	}
	if len(out[0]) != 8 {
		t.Fatal(len(out[0]))
	}
	for _, c := range out[0] {
		switch {
		case c.Want == NoMatch && (c.Status != Passed || c.Events != n):
			t.Error(c.Target, c.Status, c.Events, c.Failures)
		case c.Want == Match && c.Target == "" && (len(c.Failures) != maxFailures || c.More != c.Events-maxFailures+1):
			// the last failure is that the compressed file has no end
			t.Error(c.Events, len(c.Failures), c.More)
		}
	}
}

// TestOutside: a rule does not make sigmac read outside of the folder of tests,
// not by a link either.
func TestOutside(t *testing.T) {
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret.json")
	write(t, secret, `{"User": "admin"}`)
	for i, path := range []string{secret, "../secret.json", "regression_data/../secret.json", "regression_data/link/secret.json"} {
		repo := filepath.Join(dir, fmt.Sprint("repo", i))
		write(t, filepath.Join(repo, "regression_data", "info.yml"), fmt.Sprintf("regression_tests_info: [{type: json, path: %q}]", path))
		if err := os.Symlink(dir, filepath.Join(repo, "regression_data", "link")); err != nil {
			t.Skip("needs a file system with symbolic links: ", err)
		}
		rule := filepath.Join(repo, "rules", "a.yml")
		write(t, rule, adminRule+"regression_tests_path: regression_data/info.yml\n")
		if _, out := test(t, nil, rule); len(out[0]) != 1 || out[0][0].Status != Failed || out[0][0].Events > 0 {
			t.Errorf("%s: %v", path, out)
		}
		write(t, filepath.Join(repo, "regression_data", "info.yml"), "")
		write(t, rule, adminRule+"regression_tests_path: regression_data/link/secret.json\n")
		if _, out := test(t, nil, rule); len(out[0]) != 1 || !strings.Contains(out[0][0].Failures[0].Msg, "no folder above") {
			t.Errorf("%v", out)
		}
	}
}

// TestNames: a rule is found from a file that is named in any way.
func TestNames(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "regression_data", "x", "info.yml"), "regression_tests_info: [{type: json, path: regression_data/x/e.json}]")
	write(t, filepath.Join(dir, "regression_data", "x", "e.json"), `{"User": "admin"}`)
	write(t, filepath.Join(dir, "rules", "w", "a.yaml"), adminRule+"regression_tests_path: ../../regression_data/x/info.yml\n")
	write(t, filepath.Join(dir, "rules", "w", "a.match.jsonl"), `{"User": "admin"}`)
	for _, at := range []struct{ cwd, rule, events string }{
		{"rules/w", "a.yaml", "../../regression_data/x/e.json"},
		{"rules", "w/a.yaml", "../regression_data/x/e.json"},
		{".", "rules/w/a.yaml", "regression_data/x/e.json"},
		{"regression_data", "../rules/w/a.yaml", "../regression_data/x/e.json"},
		{".", filepath.Join(dir, "rules/w/a.yaml"), filepath.Join(dir, "regression_data/x/e.json")},
	} {
		t.Chdir(filepath.Join(dir, filepath.FromSlash(at.cwd)))
		_, out := test(t, nil, filepath.FromSlash(at.rule))
		if len(out[0]) != 2 || out[0][0].Status != Passed || out[0][1].Status != Passed || out[0][1].Path != filepath.FromSlash(at.events) {
			t.Errorf("%s: %+v", at.rule, out[0])
		}
	}
}

// TestReport parses a report with hostile names back.
func TestReport(t *testing.T) {
	hostile := "a<b>&\"'\x00\x1b\uFFFE]]>\n</testsuite>\xff"
	d := &parser.Document{Path: "r" + hostile + ".yml", Title: hostile}
	var r Report
	r.Add(Suite{Document: d}, nil)
	failed := Case{Test: Test{Path: hostile}, Target: "splunk"}
	for range maxFailures + 2 {
		failed.fail(&ir.Diagnostic{Path: hostile, Pos: ir.Pos{Line: 1, Column: 2}, Msg: hostile})
	}
	r.Add(Suite{Document: d}, []Case{{Test: Test{Path: "x"}}, failed})
	r.Add(Suite{Document: d}, []Case{{Test: Test{Path: "x"}, Status: Skipped, Reason: hostile}})
	var b bytes.Buffer
	if err := r.Write(&b); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Skipped  int `xml:"skipped,attr"`
		Suites   []struct {
			Name  string `xml:"name,attr"`
			Cases []struct {
				Class   string         `xml:"classname,attr"`
				Failure *junit.Failure `xml:"failure"`
				Skipped *junit.Skipped `xml:"skipped"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	dec := xml.NewDecoder(&b)
	if err := dec.Decode(&got); err != nil {
		t.Fatal(err)
	}
	clean := "a<b>&\"'\uFFFD\x1b"
	clean = strings.ReplaceAll(clean, "\x1b", "\uFFFD") + "\uFFFD]]>\n</testsuite>\uFFFD"
	if got.Tests != 3 || got.Failures != 1 || got.Skipped != 1 || len(got.Suites) != 1 || len(got.Suites[0].Cases) != 3 {
		t.Fatalf("%+v", got)
	}
	s := got.Suites[0]
	f := s.Cases[1].Failure
	if s.Name != "r"+clean+".yml" || s.Cases[1].Class != clean || s.Cases[2].Skipped.Message != clean ||
		f.Message != clean+":1:2: "+clean || strings.Count(f.Text, ":1:2: ") != maxFailures || !strings.HasSuffix(f.Text, "\n2 more") {
		t.Errorf("%+v %+v", s, f)
	}
}

// TestCorpus runs the public rules on the events that were recorded for them, in
// the layout of their repository.
func TestCorpus(t *testing.T) {
	recorded := map[string][]json.RawMessage{}
	for _, r := range corpus.Recordings(t) {
		for _, rule := range r.Rules {
			recorded[rule.Meta.ID] = append(recorded[rule.Meta.ID], r.Events...)
		}
	}
	dir := t.TempDir()
	var files []string
	for _, d := range corpus.Rules(t) {
		events := recorded[d.ID]
		i := slices.IndexFunc(d.Rule.Meta.Custom, func(a ir.Attribute) bool { return a.Name == regressionAttribute })
		if events == nil || i < 0 {
			continue
		}
		below, ok := belowRegression(strings.TrimSpace(d.Rule.Meta.Custom[i].Value))
		if !ok {
			t.Fatal(d.Path)
		}
		src, err := os.ReadFile(d.Path)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, "rules", filepath.Base(d.Path))
		write(t, file, string(src))
		files = append(files, file)
		folder := filepath.Dir(filepath.FromSlash(below))
		write(t, filepath.Join(dir, regressionFolder, below), fmt.Sprintf(
			"rule_metadata: [{id: %s}]\nregression_tests_info: [{type: evtx, match_count: 1, path: '%s/%s/x.evtx'}]", d.ID, regressionFolder, filepath.ToSlash(folder)))
		all, err := json.Marshal(events)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, regressionFolder, folder, "x.json"), string(all))
	}
	suites, out := test(t, sigmac.Targets(), files...)
	counts := map[string]int{}
	for i, cases := range out {
		for _, c := range cases {
			target := c.Target
			if target == "" {
				target = "rule"
			}
			counts[target+" "+c.Status.String()]++
			// Its events write the rule's field names with blanks.
			if c.Status == Failed && suites[i].ID != "a7c3e5f2-8b1d-4e9a-b6c2-3d7f5e8a9b4c" {
				t.Error(suites[i].Path, c.Target, c.Failures)
			}
		}
	}
	t.Log(len(suites), "rules:", counts)
	if len(suites) < 100 {
		t.Errorf("%d rules only", len(suites))
	}
}
