package link

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"sigmac/internal/corpus"
)

// The same as mayCall, said by regular expressions.
var (
	odd      = regexp.MustCompile(`(?m)^\x{feff}?(?:---)?[ \t]*(?:[{?&!*\\]|["']?<<["']?[ \t]*:|"[^"\n]*\\)`)
	identity = regexp.MustCompile(`(?m)^\x{feff}?(?:---)?[ \t]*["']?(?:id|name)["']?[ \t]*:[ \t]*(.*)$`)
)

func mayCallSlowly(src []byte, names map[string]bool) bool {
	found := odd.Match(src)
	for _, m := range identity.FindAllSubmatch(src, -1) {
		text, _, _ := strings.Cut(string(m[1]), " #")
		text = strings.Trim(strings.TrimSpace(text), `"'`)
		found = found || names[text] || names[strings.ToLower(text)] || strings.ContainsAny(text, `|>\&!*`)
	}
	return found
}

var someNames = map[string]bool{"one": true, "a name": true, "5f1abf38-291e-4a4c-b3ae-1d7f0d2d2f3d": true}

// FuzzMayCall holds that no file is passed over in which a document may be called by a name.
func FuzzMayCall(f *testing.F) {
	for _, src := range []string{
		"title: a\nid: one\n", "title: a\nname : 'a name' # said so\n", "---\n\"id\": ONE\n", "--- {name: one}\n", "\ufeffid: one\r\n", "a: b\n\tid:one",
		"name: |\n  one\n", "'<<': *a\n", "\"i\\x64\": one\n", "- id: one\n", "id : two\nname: o\n", "idx: one\n", "\"a\" \\: b\n", "''id'': one\n",
	} {
		f.Add([]byte(src))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		if mayCallSlowly(src, someNames) && !mayCall(src, someNames) {
			t.Errorf("passed over: %q", src)
		}
	})
}

// TestMayCall holds that of public rules as few files are read for a name as have it.
func TestMayCall(t *testing.T) {
	for _, path := range append(corpus.Files(t, ".yml", "sigma/rules*"), corpus.Files(t, ".yml", "correlations")...) {
		src, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if mayCall(src, someNames) != mayCallSlowly(src, someNames) {
			t.Errorf("%s: read %v", path, mayCall(src, someNames))
		}
	}
}
