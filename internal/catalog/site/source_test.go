package site

import (
	"strings"
	"testing"

	"sigmac/internal/catalog"
	"sigmac/internal/catalog/index"
)

// TestSourceURL: an address leads where the template says, whatever the file is called.
func TestSourceURL(t *testing.T) {
	const github = "https://example.org/o/r/blob/{revision}/{path}#L{line}"
	name, u, err := ParseSourceURL("sigma=" + github)
	if err != nil || name != "sigma" || u != github || !u.Revision() {
		t.Fatal(name, u, err)
	}
	for file, want := range map[string]string{
		"a/b c.yml":             "https://example.org/o/r/blob/0a1b/a/b%20c.yml#L7",
		"a#b?c=d&e.yml":         "https://example.org/o/r/blob/0a1b/a%23b%3Fc=d&e.yml#L7",
		"{line}/\"<x>'\n.yml":   "https://example.org/o/r/blob/0a1b/%7Bline%7D/%22%3Cx%3E%27%0A.yml#L7",
		"100%/ä.yml":            "https://example.org/o/r/blob/0a1b/100%25/%C3%A4.yml#L7",
		"javascript:alert(1)/x": "https://example.org/o/r/blob/0a1b/javascript:alert%281%29/x#L7",
	} {
		if got := u.at("0a1b", file, 7); got != want {
			t.Errorf("%q: %s, want %s", file, got, want)
		}
	}
	for _, text := range []string{"https://example.org/{path}", "http://localhost:8080/x?file={path}&line={line}", "https://example.org/a=b/{path}"} {
		if name, u, err := ParseSourceURL(text); err != nil || name != "" || string(u) != text {
			t.Errorf("%s: %q, %s, %v", text, name, u, err)
		}
	}
	for text, fault := range map[string]string{
		"":                                    "no address",
		"javascript:alert(1)//{path}":         "no address",
		"file:///{path}":                      "no address",
		"{path}":                              "no address",
		"//example.org/{path}":                "no address",
		"https:///{path}":                     "no address",
		"https://{path}/x":                    "no address",
		"https://example.org{path}":           "in its host",
		"https://{revision}.example.org/":     "in its host",
		"https://example.org/x":               "no {path}",
		"https://example.org/{path}/{commit}": "{commit}",
		"https://example.org/{path}/{":        "no address",
		"elastics=https://example.org/{path}": "no address",
	} {
		if _, _, err := ParseSourceURL(text); err == nil || !strings.Contains(err.Error(), fault) {
			t.Errorf("%s: %v, want %s", text, err, fault)
		}
	}
}

// TestSourcePlaces: a rule has the address of its own catalog and directory.
func TestSourcePlaces(t *testing.T) {
	s := &site{places: []Place{
		{Catalog: "sigma", Prefix: "own", URL: "https://a.example/{revision}/{path}", Revision: "1", Below: "rules/own"},
		{Catalog: "sigma", Prefix: "others", URL: "https://a.example/{revision}/{path}", Revision: "2"},
		{Catalog: "kusto", URL: "https://b.example/{path}#{line}"},
	}}
	for _, c := range []struct{ name, path, want string }{
		{"sigma", "own/a.yml", "https://a.example/1/rules/own/a.yml"},
		{"sigma", "others/a.yml", "https://a.example/2/a.yml"},
		{"kusto", "own/a.kql", "https://b.example/own/a.kql#1"},
		{"elastic", "a.toml", ""},
	} {
		if got := s.source(&index.Rule{Catalog: c.name, Entry: catalog.Entry{Path: c.path}}, 0); got != c.want {
			t.Errorf("%s %s: %s, want %s", c.name, c.path, got, c.want)
		}
	}
}
