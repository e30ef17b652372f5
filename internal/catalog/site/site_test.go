package site

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"sigmac/internal/catalog"
	"sigmac/internal/catalog/index"
	"sigmac/internal/corpus"
	"sigmac/parser"
	"sigmac/verify"
)

const hostileQuery = "</code></pre><script>document.documentElement.dataset.hacked='query'</script>"

// content is what is in a folder for each catalog.
func content(t testing.TB, root string) *index.Content {
	o := index.Options{
		Settings: "test",
		Convert: func(d *parser.Document) []index.Query {
			return []index.Query{
				{Target: "splunk", Condition: 1, Query: "Image=\"*\\\\whoami.exe\"", Verdict: "proved", Losses: []string{"x: </ul>"}, Assumptions: []string{"splunk/unicode"}},
				{Target: "kusto", Condition: 1, Verdict: "unsupported", Reason: hostileQuery},
				{Target: "elastic", Condition: 1, Query: hostileQuery, Verdict: "agreed", Reason: "<b>"},
				{Target: "elastic", Condition: 2, Query: "process where true", Verdict: "proved"},
			}
		},
		Budget: verify.DefaultBudget,
	}
	for _, name := range catalog.Catalogs {
		o.Sources = append(o.Sources, index.Source{Catalog: name, FS: os.DirFS(filepath.Join(root, name))})
	}
	c, err := index.Build(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// written is the files of a site, by their paths.
func written(t testing.TB, c *index.Content) map[string][]byte {
	dir := t.TempDir()
	if err := Write(dir, c, Options{Title: "Our <rules>"}); err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(p)
		rel, _ := filepath.Rel(dir, p)
		files[filepath.ToSlash(rel)] = data
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

var (
	tags       = regexp.MustCompile(`<([a-zA-Z/!][^\s>]*)((?:[^>"]|"[^"]*")*)>`)
	attributes = regexp.MustCompile(`([a-z-]+)(?:="([^"]*)")?`)
	anchors    = regexp.MustCompile(` id="([^"]*)"`)
)

// known are the elements and attributes that pages are made of: anything else
// came out of a rule.
var known = map[string]string{
	"a": "href rel title class", "body": "data-root", "button": "id type hidden class aria-label aria-pressed", "code": "data-exact", "dd": "", "details": "", "div": "class role aria-label tabindex",
	"dl": "class", "dt": "", "footer": "", "form": "role action id", "h1": "", "h2": "class id", "h3": "", "h4": "", "head": "", "header": "class", "html": "lang",
	"input": "id name type autocomplete spellcheck placeholder aria-keyshortcuts", "label": "class for", "li": "class", "link": "rel href", "main": "id tabindex",
	"meta": "charset name content http-equiv", "nav": "aria-label class", "noscript": "", "ol": "id class", "option": "value", "p": "class id role", "pre": "",
	"script": "src defer", "section": "id class hidden aria-labelledby data-tab data-verdict", "select": "id", "small": "class", "span": "class title", "summary": "", "table": "class",
	"tbody": "", "td": "class", "th": "scope", "thead": "", "title": "", "tr": "", "ul": "class",
}

// TestPages holds what is true of every page: nothing of a rule is markup, no
// other host is asked, every link leads somewhere, and no section is empty.
func TestPages(t *testing.T) {
	files := written(t, content(t, "testdata"))
	if len(files) < 40 {
		t.Errorf("%d files only", len(files))
	}
	first := len(files["index.html"]) + len(files["assets/site.css"]) + len(files["assets/site.js"])
	if first > 300_000 {
		t.Errorf("the first page weighs %d bytes", first)
	}
	for name, data := range files {
		if path.Ext(name) != ".html" {
			continue
		}
		checkPage(t, files, name, string(data))
	}
}

func checkPage(t *testing.T, files map[string][]byte, name, text string) {
	for _, tag := range tags.FindAllStringSubmatch(text, -1) {
		element := strings.TrimPrefix(tag[1], "/")
		allowed, ok := known[element]
		if !ok && element != "!DOCTYPE" {
			t.Errorf("%s: the element %s", name, tag[0])
			continue
		}
		for _, a := range attributes.FindAllStringSubmatch(tag[2], -1) {
			if element != "!DOCTYPE" && !slices.Contains(strings.Fields(allowed), a[1]) {
				t.Errorf("%s: the attribute %s in %s", name, a[1], tag[0])
			}
			switch {
			case a[1] != "href" && a[1] != "src" && a[1] != "action":
			case element == "a" && (strings.HasPrefix(a[2], "https://") || strings.HasPrefix(a[2], "http://")):
				if !strings.Contains(tag[2], "noopener noreferrer") {
					t.Errorf("%s: a link out without rel: %s", name, tag[0])
				}
			default:
				target, anchor, _ := strings.Cut(a[2], "#")
				if target = path.Join(path.Dir(name), target); strings.HasPrefix(a[2], "#") {
					target = name
				}
				if files[target] == nil {
					t.Errorf("%s: %s leads nowhere", name, tag[0])
				} else if anchor != "" && !bytes.Contains(files[target], []byte(` id="`+anchor+`"`)) {
					t.Errorf("%s: no %s in %s", name, anchor, target)
				}
			}
		}
	}
	seen := map[string]bool{}
	for _, id := range anchors.FindAllStringSubmatch(text, -1) {
		if seen[id[1]] {
			t.Errorf("%s: the id %s stands twice", name, id[1])
		}
		seen[id[1]] = true
	}
	for _, bad := range []string{"<tbody>\n</tbody>", "<ul></ul>", "<ul class=\"rules\">\n</ul>", "<dd></dd>", "<h2></h2>", "\u202e", "\u200b", "ZgotmplZ", "<no value>"} {
		if strings.Contains(text, bad) {
			t.Errorf("%s has %q", name, bad)
		}
	}
}

// TestRulePage holds that the page of a rule has all that is known of it.
func TestRulePage(t *testing.T) {
	files := written(t, content(t, "testdata"))
	has := func(name string, parts ...string) {
		t.Helper()
		text := string(files[name])
		at := 0
		for _, p := range parts {
			i := strings.Index(text[at:], p)
			if i < 0 {
				t.Errorf("%s: no %q behind %q", name, p, text[max(0, at-60):at])
				continue
			}
			at += i
		}
	}
	has("rules/sigma/whoami.html", "<h1>Who Am I</h1>", "test", "level-high", "product windows, category process_creation", "sigmac", "2026-01-01, modified 2026-02-01",
		"Somebody asks", `href="https://example.org/whoami"`, "<li>not a link</li>", "Administrators", "MITRE ATT&amp;CK coverage", "attack/t1033.html", "System Owner/User Discovery", "Discovery",
		"Event coverage", "Sysmon", "Event ID 1", "Process creation", "Findings", "wide", "filter_dead", "(line 24)", "excludes nothing", "Rule body", `<span class="n">title</span>: Who Am I`, "Converted queries", "Splunk SPL", "proved", "Kusto KQL", "unsupported",
		"Elastic EQL", "Condition 2", "Stage 0: condition", `<span class="k">all of</span> sel_* <span class="k">and not</span>`, "Stage 1: sel_img", "Stage 3: not filter_*", "Exclusions", "ParentImage", "User eq admin",
		"Indicators", "CommandLine", ` -all</a></code> <small>transforms: windash</small> <small class="corpus">corpus 4 (sigma 1, splunk 1, elastic 1, kusto 1)</small>`, "Image", "whoami.exe")
	has("rules/splunk/a.html", "Whoami of Splunk", "level-high", "Somebody", "2026-01-02", "https://example.org/splunk", "Administrators who ask", "Rule body", "SPL",
		`| <span class="f">`, "Stage 0: tstats", "Stage 1", "Indicators", "corpus 4", "filename(Image)", "Processes.process_name", "WHOAMI.exe</a></code> <small class=\"corpus\">corpus 4 (sigma 1, splunk 1, elastic 1, kusto 1)")
	has("rules/elastic/b.html", "deprecated", "medium", "Somebody", "2026-01-02", "https://example.org/elastic", "Installers.", "process.name")
	has("rules/elastic/c.html", "Not read", "a machine learning job")
	has("rules/kusto/whoami.html", "1 condition of its query", "T1033")
	has("rules/sigma/wrong.html", "Wrong &lt;b&gt;rule", "This rule is wrong", "5:14")
	has("rules/sigma/never.html", "No event matches this rule", "<code>a</code>, <code>b</code>")
	has("findings.html", "Never match", "Never", "Duplicates", "Dead exclusions", "filter_dead", "Implied by another rule")
	joined := ""
	for name, data := range files {
		if strings.HasPrefix(name, "indicators/") && bytes.Contains(data, []byte("<h1>filename(Image) eq whoami.exe</h1>")) {
			joined = name
		}
	}
	has(joined, "How rules write it", "FileName eq whoami.exe", "1 (kusto 1)", `Image ends_with \whoami.exe`, "1 (sigma 1)", "process.name eq whoami.exe", "Processes.process_name eq WHOAMI.exe",
		"Sigma", "Who Am I", "Splunk", "Elastic", "Whoami of Elastic", "deprecated", "Kusto")
	has("fields/filename-image.html", "What rules call it", "Processes.process_name", "Values of several rules", "eq whoami.exe")
	has("fields/image.html", "ends_with", "filename(Image) eq whoami.exe")
	has("attack/t1059.html", "T1059 Command and Scripting Interpreter", "Anything of whoami")
	has("attack.html", "Discovery", "System Owner/User Discovery", `title="4 (sigma 1, splunk 1, elastic 1, kusto 1)">4`)
	has("catalogs/elastic.html", "What was not read", "a machine learning job", "Whoami of Elastic")
	has("index.html", "13 rules of 4 catalogs", "high 1", "What most rules look for", "CommandLine match  -all")
	if files["rules/sigma/two.html"] != nil {
		t.Error("two documents of a file have one page")
	}
}

// TestExact: what is copied is the text itself, also where more is shown.
func TestExact(t *testing.T) {
	for _, text := range []string{"plain\n\ttext", "a\r\nb", "a\u00a0b\u200bc", "\U000e0041 tag", "\ufeffT | where x == '\u202e'", "a\rb\x00\x07</script>\"'&"} {
		c, err := newCode("it", "sigma", text)
		if err != nil {
			t.Fatal(err)
		}
		copied := c.Shown
		if c.Exact != "" {
			if err := json.Unmarshal([]byte(c.Exact), &copied); err != nil {
				t.Fatal(err)
			}
		}
		if strings.ReplaceAll(copied, "\r\n", "\n") != strings.ReplaceAll(text, "\r\n", "\n") {
			t.Errorf("%q is copied as %q", text, copied)
		}
		if strings.ContainsFunc(c.Shown, func(r rune) bool { return hidden(r) && r != '\n' && r != '\t' }) {
			t.Errorf("%q shows something that cannot be seen", c.Shown)
		}
	}
}

// TestDeterministic: equal rules give equal bytes.
func TestDeterministic(t *testing.T) {
	one, two := written(t, content(t, "testdata")), written(t, content(t, "testdata"))
	for name, data := range one {
		if !bytes.Equal(data, two[name]) {
			t.Errorf("%s differs", name)
		}
	}
	if len(one) != len(two) {
		t.Error("another number of files")
	}
}

// TestSlugs: every name has a file of its own, in any file system, whatever it
// is.
func TestSlugs(t *testing.T) {
	names := []string{"a", "A", "a ", "ä", "", ".", "..", "../../etc/passwd", "con", "CON.yml", "lpt1", strings.Repeat("x", 300), strings.Repeat("x", 301), "a/b", `a\b`, "a\x00b", "-", "normal_name.x"}
	checkSlugs(t, names)
	if got := slugs("d", []string{"Proc_Creation.v2"}, func(s string) string { return s })["Proc_Creation.v2"]; got != "d/proc_creation.v2.html" {
		t.Error(got)
	}
}

func checkSlugs(t *testing.T, names []string) {
	safe := regexp.MustCompile(`^d/[a-z0-9_][a-z0-9_.-]{0,120}\.html$`)
	seen := map[string]string{}
	for name, url := range slugs("d", names, func(s string) string { return s }) {
		if !safe.MatchString(url) || reserved(strings.TrimSuffix(path.Base(url), ".html")) {
			t.Errorf("%q: %s", name, url)
		}
		if other, ok := seen[url]; ok {
			t.Errorf("%q and %q are both %s", name, other, url)
		}
		seen[url] = name
	}
}

func FuzzSlugs(f *testing.F) {
	f.Add("a", "A", "../x")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		names := []string{a, b, c}
		slices.Sort(names)
		checkSlugs(t, slices.Compact(names))
	})
}

// TestCorpus: every public rule has its page, and none is too large to open.
func TestCorpus(t *testing.T) {
	root := corpus.Dir()
	if root == "" {
		t.Skip("no corpus of public rules: set SIGMAC_CORPUS")
	}
	o := index.Options{}
	for _, name := range catalog.Catalogs {
		o.Sources = append(o.Sources, index.Source{Catalog: name, FS: os.DirFS(filepath.Join(root, name))})
	}
	c, err := index.Build(o)
	if err != nil {
		t.Fatal(err)
	}
	files := written(t, c)
	pages := 0
	for name, data := range files {
		if strings.HasPrefix(name, "rules/") {
			pages++
		}
		if path.Ext(name) == ".html" && len(data) > 3<<20 {
			t.Errorf("%s weighs %d bytes", name, len(data))
		}
	}
	if pages != len(c.Rules) || pages < 5000 {
		t.Errorf("%d pages of %d rules", pages, len(c.Rules))
	}
	s := newSite(c, Options{})
	for n := range c.Rules {
		text, r := string(files[s.urls[n]]), c.Whole(n)
		for section, filled := range map[string]bool{"attack": len(r.Attack) > 0, "events": len(r.Events) > 0, "body": strings.TrimSpace(r.Body) != "", "stages": len(r.Stages) > 0,
			"exclusions": len(r.Exclusions) > 0, "indicators": len(r.Indicators) > 0} {
			if strings.Contains(text, fmt.Sprintf(`<section id="%s">`, section)) != filled {
				t.Errorf("%s: the section %s", s.urls[n], section)
			}
		}
		checkPage(t, files, s.urls[n], text)
	}
}

// BenchmarkWrite compares writing the site of the public rules with decoding
// the YAML of the Sigma rules among them.
func BenchmarkWrite(b *testing.B) {
	root := corpus.Dir()
	if root == "" {
		b.Skip("no corpus of public rules: set SIGMAC_CORPUS")
	}
	c := content(b, root)
	var decoding, writing time.Duration
	for b.Loop() {
		start := time.Now()
		for _, f := range corpus.Files(b, ".yml", "sigma") {
			src, err := os.ReadFile(f)
			if err != nil {
				b.Fatal(err)
			}
			var n yaml.Node
			_ = yaml.Unmarshal(src, &n)
		}
		decoding += time.Since(start)
		start = time.Now()
		if err := Write(b.TempDir(), c, Options{}); err != nil {
			b.Fatal(err)
		}
		writing += time.Since(start)
	}
	b.ReportMetric(writing.Seconds()/decoding.Seconds(), "x-yaml")
}
