package delivery

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"sigmac"
	"sigmac/internal/config"
	"sigmac/internal/deploy"
	"sigmac/parser"
	"sigmac/schema"
)

// hostile are texts that are something else in one form or another.
var hostile = []string{
	`plain`, `"`, `'`, `''' """`, `\`, `ends in \`, `ends in \ `, "two\nlines", "line\\\n[stanza]\nsearch = x", "\r\n[x]\r\nenableSched = 1", `[`, `]`, `[x] y`,
	`[concat('a', parameters('b'))]`, `{{Column}}`, `$result.field$`, `%field%`, "\t", " lead and trail ", "---", "--- # x", "# comment", "key: value", "- item", "| delete", "<b>&amp;</b>",
	"\u202eright to left", "İ ı ſ", "\u2028", "\U0001F600", strings.Repeat("long ", 60), strings.Repeat("x", 300), `"}],"enabled":true,"x":[{"`, `'''` + "\nseverity = 'low'", "%00", `\u0022`, "!!binary x", "*alias", "&anchor", "${env}", "[[x]]",
}

// TestForms holds for every form of detections that no text of a rule becomes anything but a
// text: one rule is one detection, its query is what it was, and the other settings do not
// depend on the text. Or the rule is refused.
func TestForms(t *testing.T) {
	for _, target := range sigmac.Targets() {
		for _, f := range target.Packages {
			t.Run(f.Name, func(t *testing.T) {
				want := ""
				for i, text := range hostile {
					for _, where := range []string{"title", "description", "author", "falsepositives", "references", "value"} {
						got, ok := form(t, target.Name, f, where, text)
						if i == 0 && where == "title" {
							want = got
						}
						if ok && got != want {
							t.Errorf("with %q as %s: %s, want %s", text, where, got, want)
						}
					}
				}
			})
		}
	}
}

// form packs a rule with a text in an attribute, and tells the settings that are no texts; false:
// it is refused.
func form(t *testing.T, target string, f deploy.Format, where, text string) (told string, ok bool) {
	t.Helper()
	rule := map[string]any{"title": "A rule", "id": "6a1f3c1e-0000-4000-8000-000000000001", "status": "test", "level": "high", "description": "It finds something.", "author": "somebody",
		"falsepositives": []string{"none"}, "references": []string{"https://example.org"}, "tags": []string{"attack.execution", "attack.t1059"},
		"logsource": map[string]string{"category": "process_creation", "product": "windows"}, "detection": map[string]any{"sel": map[string]any{"Image|endswith": `\a.exe`}, "condition": "sel"}}
	switch where {
	case "falsepositives", "references":
		rule[where] = []string{text}
	case "value":
		rule["detection"] = map[string]any{"sel": map[string]any{"CommandLine|contains": text}, "condition": "sel"}
	default:
		rule[where] = text
	}
	src, err := yaml.Marshal(rule)
	if err != nil {
		t.Fatal(err)
	}
	p, err := NewPacker(f, config.Package{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	i := 0
	for ; sigmac.Targets()[i].Name != target; i++ {
	}
	m := sigmac.DefaultMapping(sigmac.Targets()[i])
	if f.Pipelines != nil {
		m.Table = m.Table.Only(f.Pipelines...)
	}
	p.Schema, p.Below = schema.For(m.Target), func(path string) string { return path }
	for res := range sigmac.Compile(parser.Parse("r.yml", src), sigmac.Options{Mappings: []sigmac.Mapping{m}}) {
		if len(res.Errors) > 0 {
			return "", false // the text cannot be a value
		}
		_, _, faults := p.Add(res)
		if len(faults) > 0 {
			if faults[0].Feature == "" {
				t.Errorf("with %q as %s: %s", text, where, faults[0])
			}
			return "", false
		}
		one, _, err := p.Package()
		if err != nil {
			t.Errorf("with %q as %s: %s", text, where, err)
			return "", false
		}
		again, _, _ := p.Package()
		var all []*deploy.Detection
		for i, file := range one {
			if !bytes.Equal(file.Data, again[i].Data) {
				t.Errorf("with %q as %s: two packages of one rule differ", text, where)
			}
			ds, err := f.Read(file)
			if err != nil {
				t.Errorf("with %q as %s: %s", text, where, err)
			}
			all = append(all, ds...)
		}
		if len(all) != 1 || all[0].Query != res.Queries[0] {
			t.Errorf("with %q as %s: %d detections with the query %q, want %q", text, where, len(all), all[0].Query, res.Queries[0])
			return "", false
		}
		d := all[0]
		told = fmt.Sprint(d.Rule, " ", d.Enabled, " ", d.Version)
		for _, s := range d.Settings {
			if s.Kind != deploy.Text && s.Kind != deploy.Entities {
				told += fmt.Sprintf(" %s=%s", s.Name, s.Value)
			}
		}
	}
	return told, true
}
