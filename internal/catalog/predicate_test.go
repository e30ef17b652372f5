package catalog

import "testing"

// TestNormal: a predicate is said in another way only where that means the same.
func TestNormal(t *testing.T) {
	p := func(field string, kind Kind, value string) Predicate {
		return Predicate{Field: field, Kind: kind, Value: value}
	}
	for _, c := range []struct{ from, want Predicate }{
		{p("Image", EndsWith, `\tool.exe`), p("filename(Image)", Eq, "tool.exe")},
		{p("ParentImage", EndsWith, "/tool"), p("filename(ParentImage)", Eq, "tool")},
		{p("TargetFilename", EndsWith, `\a b.txt`), p("filename(TargetFilename)", Eq, "a b.txt")},
		{p("ImageLoaded", EndsWith, `\x.dll`), p("filename(ImageLoaded)", Eq, "x.dll")},
		{p("Image", EndsWith, "tool.exe"), p("Image", EndsWith, "tool.exe")}, // mytool.exe too
		{p("Image", EndsWith, `\`), p("Image", EndsWith, `\`)},               // no name
		{p("Image", EndsWith, ""), p("Image", EndsWith, "")},
		{p("Image", EndsWith, `\System32\tool.exe`), p("Image", EndsWith, `\System32\tool.exe`)}, // a folder too
		{p("Image", EndsWith, `/a\b`), p("Image", EndsWith, `/a\b`)},
		{p("Image", Match, `\tool.exe`), p("Image", Match, `\tool.exe`)},
		{p("Image", Eq, `\tool.exe`), p("Image", Eq, `\tool.exe`)},
		{p("CommandLine", EndsWith, `\tool.exe`), p("CommandLine", EndsWith, `\tool.exe`)}, // no path
		{p("", EndsWith, `\tool.exe`), p("", EndsWith, `\tool.exe`)},
		{p("filename(Image)", Eq, "tool.exe"), p("filename(Image)", Eq, "tool.exe")},
	} {
		if got := c.from.Normal(); got.String() != c.want.String() {
			t.Errorf("%s is %s, want %s", c.from, got, c.want)
		}
	}
	one, other := p("Image", EndsWith, `\Tool.exe`).Key(), p(FileName("Image"), Eq, "tool.EXE").Key()
	if one != other {
		t.Errorf("%v and %v are the same", one, other)
	}
}
