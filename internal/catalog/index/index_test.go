package index

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"sigmac/internal/catalog"
	"sigmac/internal/catalog/findings"
	"sigmac/internal/corpus"
	"sigmac/parser"
	"sigmac/verify"
)

const whoami = `title: Who Am I
id: 11111111-0000-4000-8000-000000000001
logsource: {category: process_creation, product: windows}
detection:
  sel:
    Image|endswith: '\whoami.exe'
    CommandLine|contains|windash: ' /All'
  condition: sel
`

// sources are a few rules of each catalog that look for the same.
func sources() map[string]fstest.MapFS {
	return map[string]fstest.MapFS{
		"sigma": {
			"win/whoami.yml": {Data: []byte(whoami)},
			"win/two.yml": {Data: []byte("# both\n---\ntitle: One\nlogsource: {product: x}\ndetection:\n  s: {CommandLine|contains: ' -all'}\n  condition: s\n" +
				"---\n\ntitle: Two\nlogsource: {product: windows}\ndetection:\n  s: {Image|endswith: '\\WHOAMI.exe'}\n  condition: s\n...\n")},
			"bad.yml":         {Data: []byte("title: Bad\nlogsource: {product: x}\ndetection:\n  s: {a: b}\n  condition: t\n")},
			"correlation.yml": {Data: []byte("title: Many\ncorrelation:\n  type: event_count\n  rules: [one]\n  group-by: [a]\n  timespan: 1m\n  condition: {gte: 3}\n")},
			".hidden/a.yml":   {Data: []byte(whoami)},
			"README.md":       {Data: []byte("no rule")},
		},
		"splunk": {
			"detections/a.yml": {Data: []byte("name: A\nid: a\nsearch: '`m` Processes.process=\"* -all*\"'\ntags: {mitre_attack_id: [T1033]}\n")},
			"macros/m.yml":     {Data: []byte("name: m\ndefinition: 'Processes.process_path=\"*\\\\whoami.exe\"'\n")},
		},
		"elastic": {
			"b.toml": {Data: []byte("[rule]\nname = \"B\"\ntype = \"eql\"\nlanguage = \"eql\"\nquery = 'process where process.command_line : \"* -all*\"'\n")},
			"c.toml": {Data: []byte("[rule]\nname = \"C\"\ntype = \"machine_learning\"\n")},
		},
		"kusto": {"d.kql": {Data: []byte("DeviceProcessEvents\n| where ProcessCommandLine contains ' -all' // caf\xe9\n")}},
	}
}

func options(from map[string]fstest.MapFS) Options {
	var o Options
	for _, name := range slices.Sorted(maps.Keys(from)) {
		o.Sources = append(o.Sources, Source{Catalog: name, FS: from[name]})
	}
	o.Settings = "test"
	o.Convert = func(d *parser.Document) []Query {
		return []Query{{Target: "splunk", Condition: 1, Query: d.Title, Verdict: "proved"}}
	}
	o.Budget = verify.DefaultBudget
	return o
}

func build(t testing.TB, o Options) *Content {
	c, err := Build(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func written(t testing.TB, c *Content) []byte {
	var b bytes.Buffer
	n, err := c.WriteTo(&b)
	if err != nil || n != int64(b.Len()) {
		t.Fatal(n, err)
	}
	return b.Bytes()
}

func opened(t testing.TB, data []byte) (*File, error) {
	path := filepath.Join(t.TempDir(), "catalog.zip")
	if err := os.WriteFile(path, data, 0o666); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path)
	if f != nil {
		t.Cleanup(func() { f.Close() })
	}
	return f, err
}

func TestBuild(t *testing.T) {
	c := build(t, options(sources()))
	count(c)
	var got []string
	for _, r := range c.Rules {
		got = append(got, fmt.Sprintf("%s %s %q %s", r.Catalog, r.Path, r.Rule.Title, r.Reason))
	}
	want := []string{
		`sigma bad.yml "Bad" a rule with an error`,
		`sigma correlation.yml "Many" `,
		`sigma win/two.yml "One" `,
		`sigma win/two.yml "Two" `,
		`sigma win/whoami.yml "Who Am I" `,
		`splunk detections/a.yml "A" `,
		`elastic b.toml "B" `,
		`elastic c.toml "C" a machine learning job, without a query`,
		`kusto d.kql "d" `,
	}
	if !slices.Equal(got, want) {
		t.Errorf("rules\n%s", strings.Join(got, "\n"))
	}
	if e := c.Rules[0].Errors; len(e) != 1 || !strings.HasPrefix(e[0], "5:14: ") {
		t.Errorf("errors %q", e)
	}
	one, two := c.Whole(2).Body, c.Whole(3).Body
	if !strings.HasPrefix(one, "# both\n") && !strings.HasPrefix(one, "title: One") || strings.Contains(one, "Two") || !strings.HasSuffix(one, "condition: s\n") {
		t.Errorf("the first document is %q", one)
	}
	if !strings.HasPrefix(two, "title: Two") || !strings.HasSuffix(two, "condition: s\n") {
		t.Errorf("the second document is %q", two)
	}
	counts := map[string]string{}
	for _, in := range c.Rules[4].Indicators {
		for _, v := range in.Values {
			counts[v.Value] = v.Corpus.String()
		}
	}
	// A dash under windash is `-`, case does not count, and each rule counts once.
	if want := map[string]string{`\whoami.exe`: "3 (sigma 2, splunk 1)", " /All": "5 (sigma 2, splunk 1, elastic 1, kusto 1)"}; !maps.Equal(counts, want) {
		t.Errorf("%v", counts)
	}
	if len(c.Findings) != 1 || c.Findings[0].Kind != findings.Implied || c.Findings[0].Rule.Title != "Who Am I" || c.Findings[0].Other.Title != "Two" {
		t.Errorf("%v", c.Findings)
	}
}

// TestFile: what is written is what is read, and each count is the same from the
// file.
func TestFile(t *testing.T) {
	c := build(t, options(sources()))
	data := written(t, c)
	if !bytes.Equal(data, written(t, build(t, options(sources())))) {
		t.Error("two builds give different bytes")
	}
	c.Findings[0].Witness["number"] = json.Number("1.0")
	data = written(t, c)
	f, err := opened(t, data)
	if err != nil {
		t.Fatal(err)
	}
	again, err := f.Content()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(data, written(t, again)) {
		t.Error("what was read is written differently")
	}
	if found, err := f.Findings(); err != nil || len(found) != len(c.Findings) {
		t.Error(found, err)
	}
	sameCounts(t, c, f)

	// A rule that the index does not have is counted in, and nothing else is.
	d := parser.Parse("new.yml", []byte(strings.Replace(whoami, "11111111", "22222222", 1))).Documents[0]
	e := catalog.NewEntry(d.Path, d.Rule, nil)
	if err := f.Count(e); err != nil {
		t.Fatal(err)
	}
	for _, in := range e.Indicators {
		if got, want := in.Values[0].Corpus.String(), map[string]string{"Image": "4 (sigma 3, splunk 1)", "CommandLine": "6 (sigma 3, splunk 1, elastic 1, kusto 1)"}[in.Field]; got != want {
			t.Errorf("%s: %s, want %s", in.Field, got, want)
		}
	}
}

// count fills the counts of the corpus of every indicator.
func count(c *Content) {
	for _, r := range c.Rules {
		for _, in := range r.Indicators {
			for i, v := range in.Values {
				in.Values[i].Corpus = &catalog.Corpus{}
				for _, n := range c.LookingFor(in.Predicate(v).Key()) {
					in.Values[i].Corpus.Add(c.Rules[n].Catalog)
				}
			}
		}
	}
}

// sameCounts holds the counts of every Sigma rule from the file against those of
// the content.
func sameCounts(t *testing.T, c *Content, f *File) {
	count(c)
	for _, r := range c.Rules {
		if r.Catalog != "sigma" {
			continue
		}
		e := catalog.Entry{Rule: r.Rule}
		for _, in := range r.Indicators {
			in.Values = slices.Clone(in.Values)
			e.Indicators = append(e.Indicators, in)
		}
		if err := f.Count(&e); err != nil {
			t.Fatal(err)
		}
		for i, in := range e.Indicators {
			for j, v := range in.Values {
				if want := r.Indicators[i].Values[j].Corpus; *v.Corpus != *want {
					t.Errorf("%s: %s %s %q: %s from the file, want %s", r.Path, in.Field, in.Kind, v.Value, v.Corpus, want)
				}
			}
		}
	}
}

// TestIncremental: taking what has not changed from an earlier index gives what
// a build from scratch gives, and converts nothing twice.
func TestIncremental(t *testing.T) {
	before := sources()
	f, err := opened(t, written(t, build(t, options(before))))
	if err != nil {
		t.Fatal(err)
	}
	changes := map[string]func(map[string]fstest.MapFS){
		"nothing": func(map[string]fstest.MapFS) {},
		"a rule": func(s map[string]fstest.MapFS) {
			s["sigma"]["win/whoami.yml"] = &fstest.MapFile{Data: []byte(whoami + "level: high\n")}
		},
		"a rule more": func(s map[string]fstest.MapFS) {
			s["kusto"]["a.kql"] = &fstest.MapFile{Data: []byte("T | where a == 1")}
		},
		"a rule less":    func(s map[string]fstest.MapFS) { delete(s["sigma"], "win/two.yml") },
		"a catalog less": func(s map[string]fstest.MapFS) { delete(s, "splunk") },
		"a macro": func(s map[string]fstest.MapFS) {
			s["splunk"]["macros/m.yml"] = &fstest.MapFile{Data: []byte("name: m\ndefinition: 'Processes.user=x'\n")}
		},
	}
	converts := map[string]int64{"a rule": 1}
	for name, change := range changes {
		after := sources()
		change(after)
		previous, err := f.Content()
		if err != nil {
			t.Fatal(err)
		}
		var converted atomic.Int64
		o := options(after)
		o.Previous = previous
		convert := o.Convert
		o.Convert = func(d *parser.Document) []Query { converted.Add(1); return convert(d) }
		if !bytes.Equal(written(t, build(t, o)), written(t, build(t, options(after)))) {
			t.Errorf("%s changed: another index than from scratch", name)
		}
		if converted.Load() != converts[name] {
			t.Errorf("%s changed: %d rules were converted", name, converted.Load())
		}
	}
	o := options(before)
	if o.Previous, err = f.Content(); err != nil {
		t.Fatal(err)
	}
	o.Settings = "others"
	converted := 0
	o.Budget, o.Convert = 0, func(*parser.Document) []Query { converted++; return nil }
	o.Sources = []Source{{Catalog: "sigma", FS: fstest.MapFS{"a.yml": before["sigma"]["win/whoami.yml"]}}}
	if build(t, o); converted != 1 {
		t.Error("other settings, and the old queries")
	}
}

// TestChunks: rules are the same whole wherever they stand in a chunk, and so are those that are taken over.
func TestChunks(t *testing.T) {
	files := fstest.MapFS{}
	for i := range 3*chunk + 1 {
		text := strings.Replace(strings.ReplaceAll(whoami, "Who Am I", fmt.Sprint("Rule ", i)), "000000000001", fmt.Sprintf("%012d", i), 1)
		if i%5 == 0 {
			text += "---\n" + strings.ReplaceAll(text, "title: ", "title: Second ")
		}
		files[fmt.Sprintf("%03d.yml", i)] = &fstest.MapFile{Data: []byte(text)}
	}
	o := options(map[string]fstest.MapFS{"sigma": files})
	o.Budget = 0
	for range 3 {
		c := build(t, o)
		for n, r := range c.Rules {
			whole := c.Whole(n)
			if whole.Rule.Title != r.Rule.Title || !strings.Contains(whole.Body, "title: "+r.Rule.Title+"\n") || whole.Queries[0].Query != r.Rule.Title {
				t.Errorf("%d: %s is %s with %q", n, r.Rule.Title, whole.Rule.Title, whole.Body)
			}
		}
		scratch := o
		scratch.Previous = nil
		data := written(t, c)
		if !bytes.Equal(data, written(t, build(t, scratch))) {
			t.Error("what is taken over is not what is built")
		}
		f, err := opened(t, data)
		if err != nil {
			t.Fatal(err)
		}
		if o.Previous, err = f.Content(); err != nil {
			t.Fatal(err)
		}
		delete(files, "010.yml") // all behind it move
		files["000.yml"].Data = append(files["000.yml"].Data, "# changed\n"...)
	}
}

// TestBroken: no file that is not an index is taken for one, and a damaged one
// is an error.
func TestBroken(t *testing.T) {
	data := written(t, build(t, options(sources())))
	if _, err := Open(filepath.Join(t.TempDir(), "none.zip")); err == nil {
		t.Error("a missing file is opened")
	}
	for _, bad := range [][]byte{nil, []byte("no zip"), data[:len(data)/2]} {
		if _, err := opened(t, bad); err == nil || !strings.HasSuffix(err.Error(), "no index of sigmac") {
			t.Error(err)
		}
	}
	step := max(1, len(data)/300)
	for at := 0; at < len(data); at += step {
		bad := bytes.Clone(data)
		bad[at] ^= 0x55
		if f, err := opened(t, bad); err == nil {
			e := catalog.Entry{}
			e.Indicators = catalog.List[catalog.Indicator]{{Field: "CommandLine", Kind: catalog.Match, Values: []catalog.Value{{Value: " -all"}}}}
			_ = f.Count(&e)
			if c, err := f.Content(); err == nil {
				_, _ = c.WriteTo(&bytes.Buffer{})
			}
		}
	}
	for name, edit := range map[string]func(member string, data string) string{
		"a catalog": func(member, data string) string {
			return strings.ReplaceAll(data, `"catalog":"sigma"`, `"catalog":"other"`)
		},
		"a count": func(member, data string) string { return strings.Replace(data, `"rules":1}`, `"rules":-1}`, 1) },
		"a place": func(member, data string) string { return strings.ReplaceAll(data, `"rules":[`, `"rules":[-1,99999,`) },
		"a kind":  func(member, data string) string { return strings.ReplaceAll(data, `"kind":"match"`, `"kind":"x"`) },
	} {
		f, err := opened(t, altered(t, data, edit))
		if err != nil {
			continue
		}
		d := parser.Parse("whoami.yml", []byte(whoami)).Documents[0]
		e := catalog.NewEntry(d.Path, d.Rule, nil)
		counted := f.Count(e)
		c, read := f.Content()
		if counted == nil && read == nil {
			t.Errorf("with another %s the index is read", name)
		}
		if read == nil {
			o := options(sources())
			o.Previous = c
			build(t, o)
		}
	}
	unreadable := options(map[string]fstest.MapFS{"splunk": {"macros/m.yml": {Data: []byte(": [")}}})
	if _, err := Build(unreadable); err == nil || !strings.Contains(err.Error(), "macros/m.yml") {
		t.Error(err)
	}
}

// altered is an index, valid as a ZIP, whose members were edited.
func altered(t *testing.T, data []byte, edit func(member, data string) string) []byte {
	from, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	to := zip.NewWriter(&b)
	for _, m := range from.File {
		r, err := m.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		w, err := to.Create(m.Name)
		if err == nil {
			_, err = io.WriteString(w, edit(m.Name, string(text)))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestCorpus builds the index of the public rules: every file has its rule, and
// the counts of every one are the same from the file.
func TestCorpus(t *testing.T) {
	root := corpus.Dir()
	if root == "" {
		t.Skip("no corpus of public rules: set SIGMAC_CORPUS")
	}
	o := Options{}
	for _, name := range catalog.Catalogs {
		o.Sources = append(o.Sources, Source{Catalog: name, FS: os.DirFS(filepath.Join(root, name))})
	}
	c := build(t, o)
	f, err := opened(t, written(t, c))
	if err != nil {
		t.Fatal(err)
	}
	sameCounts(t, c, f)
	for n := range c.Rules {
		r := c.Whole(n)
		if r.Rule.Title == "" || r.Reason == "" && len(r.Stages) == 0 && r.Correlation == nil || strings.TrimSpace(r.Body) == "" && r.Reason == "" {
			t.Errorf("%s %s: title %q, %d stages, reason %q", r.Catalog, r.Path, r.Rule.Title, len(r.Stages), r.Reason)
		}
	}
	if len(c.Rules) < 5000 {
		t.Errorf("%d rules only", len(c.Rules))
	}
}
