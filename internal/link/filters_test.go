package link

import (
	"os"
	"testing"

	"sigmac/internal/corpus"
	"sigmac/parser"
)

// TestMayFilter holds that no file with a filter is passed over, and that most files of
// rules are.
func TestMayFilter(t *testing.T) {
	for _, src := range []string{
		"title: f\nfilter: {}\nlogsource: {}\n", "---\n  title: f\n  filter:\n    rules: any\n", "{title: f, logsource: {}, filter: {rules: any}}\n",
		"title: f\n'filter' : {}\nlogsource: {}\n", "title: f\n? filter\n: {}\nlogsource: {}\n", "title: f\n\"fil\\x74er\": {}\nlogsource: {}\n",
		"--- {title: f, logsource: {}, filter: {}}\n", "a: &x {filter: {}}\n---\ntitle: f\n<<: {filter: {}}\nlogsource: {}\n", "title: f\n!!str filter: {}\nlogsource: {}\n",
		"\ufefffilter: {}\r\ntitle: f\r\nlogsource: {}\r\n", "&k title: f\nlogsource: {}\n&f filter: {}\n",
	} {
		filters := 0
		for _, d := range parser.Parse("f.yml", []byte(src)).Documents {
			if d.Kind == parser.FilterRule {
				filters++
			}
		}
		if filters > 0 && !mayHave([]byte(src), "filter") {
			t.Errorf("passed over: %q", src)
		}
		if filters == 0 {
			t.Errorf("no filter: %q", src)
		}
	}
	said, files := 0, 0
	for _, path := range append(corpus.Files(t, ".yml", "sigma/rules*"), corpus.Files(t, ".yml", "correlations")...) {
		src, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files++
		if mayHave(src, "filter") {
			said++
			continue
		}
		for _, d := range parser.Parse(path, src).Documents {
			if d.Kind == parser.FilterRule {
				t.Errorf("passed over: %s", path)
			}
		}
	}
	if said > files/5 {
		t.Errorf("%d of %d files are read for filters", said, files)
	}
}
