package sigmac_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"sigmac"
)

// TestIDs holds that every assumption and loss that a verdict may name has its
// row in docs/semantics.md, and the loss of a pipeline its row in docs/pipelines.md.
func TestIDs(t *testing.T) {
	ids := map[string]string{} // where each was seen
	see := func(id, where string) {
		if ids[id] == "" {
			ids[id] = where
		}
	}
	verdictIDs(t, see)
	goldenIDs(t, see)
	literalIDs(t, see)
	if len(ids) < 20 {
		t.Fatalf("found %d ids only: %v", len(ids), ids)
	}
	pages := map[bool]string{false: "docs/semantics.md", true: "docs/pipelines.md"}
	for id, where := range ids {
		page := pages[strings.HasPrefix(id, "pipeline/") || strings.HasPrefix(id, "logsource/")]
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), "\n| `"+id+"` |") {
			t.Errorf("%s of %s has no row in %s", id, where, page)
		}
	}
}

// verdictIDs are those of the counts over the corpus, without pipelines and with
// each.
func verdictIDs(t *testing.T, see func(id, where string)) {
	read := func(file string, into any) string {
		text, err := os.ReadFile(file)
		if err == nil {
			err = json.Unmarshal(text, into)
		}
		if err != nil {
			t.Fatal(err)
		}
		return file
	}
	names := func(counts map[string]int, file string) {
		for name := range counts {
			if _, id, ok := strings.Cut(name, "assumes "); ok {
				see(id, file)
			}
			if id, ok := strings.CutPrefix(name, "loses "); ok {
				see(id, file)
			}
		}
	}
	var counts map[string]int
	file := read("conformance/rules/testdata/verdicts.json", &counts)
	names(counts, file)
	var mapped map[string]map[string]int
	file = read("golden/testdata/mapped.json", &mapped)
	for _, counts := range mapped {
		names(counts, file)
	}
}

// goldenIDs are those of the sections `verify`.
func goldenIDs(t *testing.T, see func(id, where string)) {
	files, err := filepath.Glob("golden/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no golden cases", err)
	}
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range a.Files {
			if f.Name != "verify" {
				continue
			}
			for line := range strings.Lines(string(f.Data)) {
				for part := range strings.SplitSeq(strings.TrimSpace(line), "; ") {
					if list, ok := strings.CutPrefix(part, "assumes "); ok {
						for id := range strings.SplitSeq(list, ", ") {
							see(id, file)
						}
					}
					if loss, ok := strings.CutPrefix(part, "loses "); ok {
						id, _, _ := strings.Cut(loss, " at ")
						see(id, file)
					}
				}
			}
		}
	}
}

var idLiteral = regexp.MustCompile(`^(?:splunk|kusto|elastic)/[a-z-]+$`)

// packages are the folders of the forms of detections, whose ids are those of checks.
var packages = regexp.MustCompile(`^backends/[a-z]+/deploy$`)

// TestPackageChecks holds that the pages of docs/deploy have the checks of the forms of
// detections; -update writes them. A check is on the page that its id begins with, and one of
// ATT&CK on those of all forms that have it.
func TestPackageChecks(t *testing.T) {
	const begin, end = "<!-- checks: go test . -run TestPackageChecks -update -->\n", "<!-- end -->\n"
	tables := map[string]string{}
	for _, target := range sigmac.Targets() {
		for _, f := range target.Packages {
			page, rows := "", "\n| Check | Severity | What holds | Source |\n|---|---|---|---|\n"
			for _, c := range f.Checks {
				if name, _, _ := strings.Cut(c.ID, "/"); name != "attack" {
					page = "docs/deploy/" + name + ".md"
				}
				cell := strings.NewReplacer("|", `\|`).Replace
				rows += "| `" + c.ID + "` | " + c.Severity + " | " + cell(c.What) + " | " + cell(c.Source) + " |\n"
			}
			tables[page] = rows + "\n"
		}
	}
	for page, table := range tables {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		before, rest, found := strings.Cut(string(text), begin)
		_, after, closed := strings.Cut(rest, end)
		if !found || !closed {
			t.Fatalf("%s has no place for the checks", page)
		}
		want := before + begin + table + end + after
		if *update {
			if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		} else if want != string(text) {
			t.Errorf("%s has other checks than sigmac; run go test . -run TestPackageChecks -update", page)
		}
	}
}

// literalIDs are those that stand in the program.
func literalIDs(t *testing.T, see func(id, where string)) {
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || packages.MatchString(filepath.ToSlash(path)) || path != "." && strings.HasPrefix(d.Name(), ".")):
			return fs.SkipDir
		case d.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if s, err := strconv.Unquote(lit.Value); err == nil && idLiteral.MatchString(s) {
					see(s, path)
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

var (
	docLink    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	docHeading = regexp.MustCompile(`(?m)^#+ +(.*)$`)
	docFence   = regexp.MustCompile("(?ms)^ *```.*?^ *```$")
	notAnchor  = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
)

// docAnchors are those that GitHub gives the headings of a page.
func docAnchors(text string) map[string]bool {
	out := map[string]bool{}
	for _, m := range docHeading.FindAllStringSubmatch(docFence.ReplaceAllString(text, ""), -1) {
		out[strings.ReplaceAll(notAnchor.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-")] = true
	}
	return out
}

// TestDocLinks holds that each link from a page to another file here leads to one that there is, and to a
// heading of it.
func TestDocLinks(t *testing.T) {
	read := func(name string) string {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	var pages []string
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/*/*.md", "examples/*/*.md", "conformance/*.md", "conformance/*/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, found...)
	}
	n := 0
	for _, page := range pages {
		text := docFence.ReplaceAllString(read(page), "")
		for _, m := range docLink.FindAllStringSubmatch(text, -1) {
			path, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(path, ":") {
				continue // of the web
			}
			n++
			to := page
			if path != "" {
				to = filepath.Join(filepath.Dir(page), filepath.FromSlash(path))
			}
			if _, err := os.Stat(to); err != nil {
				t.Errorf("%s: %s: there is no such file", page, m[1])
			} else if anchor != "" && !docAnchors(read(to))[anchor] {
				t.Errorf("%s: %s: no heading there has this name", page, m[1])
			}
		}
	}
	if n < 100 {
		t.Errorf("the pages have %d links", n)
	}
}
