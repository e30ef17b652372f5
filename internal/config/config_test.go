package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigmac/internal/irtest"
	"sigmac/ir"
)

const whole = `rules: [rules, more/x.yml]
targets:
  - splunk
  - name: kusto
    pipelines: [microsoft_xdr, own.yml]
    schemas: tables.json
  - {name: elastic, pipelines: []}
  - name: other
    prefer: [a, b]
    lists_as: lookup
    list_min: 20
    logsources:
      - {logsource: {product: p, service: s}, pipelines: [c + own.yml, d]}
check:
  profile: sigmahq
  ignore:
    - {id: duplicate_title, reason: two catalogs, paths: ["rules/old", "*/x*.yml"]}
  severity: {title_length: off}
sources:
  - {logsource: {product: p}, kusto: {table: T}, splunk: 'sourcetype=x'}
leave_out: {rule: r, allow: narrower, targets: kusto, reason: c}
`

func TestParse(t *testing.T) {
	c, errs := Parse(Name, []byte(whole))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	got := fmt.Sprintf("%v %v", c.Rules, c.Targets)
	if want := "[rules more/x.yml] [{splunk  [] false [] [] []  0 {3 5 0}} {kusto  [microsoft_xdr own.yml] false [tables.json] [] []  0 {4 5 0}} {elastic  [] true [] [] []  0 {7 5 0}} {other  [] false [] [a b] [{product p, service s [[c own.yml] [d]] {13 9 0}}] lookup 20 {8 5 0}}]"; got != want {
		t.Error(got)
	}
	got = fmt.Sprint(c.Sources, c.Leave)
	if want := "[{product p [{kusto  [[table T]] {20 31 0}} {splunk sourcetype=x [] {20 50 0}}] {20 5 0}}] [{r narrower c [kusto] {21 12 0}}]"; got != want {
		t.Error(got)
	}
	got = fmt.Sprint(c.Check)
	if want := "{sigmahq [{duplicate_title two catalogs [rules/old */x*.yml] {17 7 0}}] [{title_length off {18 14 0}}]}"; got != want {
		t.Error(got)
	}
	for file, want := range map[string]bool{"rules/old/a/b.yml": true, "rules/x1.yml": true, "rules/a.yml": false, "old/a.yml": false} {
		if c.Check.Ignore[0].Covers(file) != want {
			t.Error(file)
		}
	}
	if c, errs := Parse(Name, []byte("# nothing\n")); len(errs) > 0 || c.Check.Profile != "default" {
		t.Error(c, errs)
	}
}

func TestErrors(t *testing.T) {
	for src, want := range map[string]string{
		"rulez: x":                         `1:1: unknown key "rulez"; did you mean "rules"?`,
		"rules: ../x":                      "1:8: the path ../x leads out of the folder of this file",
		"rules: {a: b}":                    "1:8: here belongs a text",
		"- a":                              "1:1: here belongs a mapping",
		"check: {profile: sigma}":          `1:18: unknown profile "sigma"; did you mean "sigmahq"?`,
		"check: {severity: {a: warnings}}": `1:23: unknown severity "warnings"; did you mean "warning"?`,
		"check: {severity: []}":            "1:19: here belongs a mapping of checks to [error warning note off]",
		"check: {ignore: [{id: a}]}":       "1:18: what is ignored has an id and a reason",
		"check: {ignore: [{reason: a}]}":   "1:18: what is ignored has an id and a reason",
		"check: {ignore: {id: a, reason: b, paths: '['}}": `1:43: "[" is no pattern of paths`,
		"targets: {name: a, pipelines: ../x}":             "1:31: the path ../x leads out of the folder of this file",
		"verify: {require: agred}":                        `1:19: unknown verdict "agred"; did you mean "agreed"?`,
		"verify: {allow: [{rule: a, verdict: agreed}]}":   "1:18: what is allowed has a rule, a verdict and a reason",
		"verify: {allow: [{rule: a, verdict: refuted}]}":  `1:37: unknown verdict "refuted"`,
		"leave_out: {rule: a, allow: wide, reason: b}":    `1:29: unknown direction "wide"; did you mean "wider"?`,
		"leave_out: {rule: a, allow: wider}":              "1:12: what may be left out has a rule, allow and a reason",
		"sources: {logsource: {product: a}}":              "1:10: a source has a logsource with a product, a category or a service, and a place for a target",
		"targets: {name: a, logsources: {pipelines: b}}":  "1:32: a log source has a logsource with a product, a category or a service, and pipelines",
		"targets: [{format: x}]":                          "1:11: a target has a name",
		"targets: [a, a]":                                 "1:14: the target a stands twice",
		"rules: a\nrules: b":                              `2:1: the key "rules" stands twice`,
		"a: b\n---\nc: d":                                 "a configuration is one document",
		": [":                                             "1:1: not YAML: ",
		"rules: &a [*a]":                                  "",
		strings.Repeat("#", maxSize+1):                    "1:1: the file is larger than 1 MiB",
	} {
		_, errs := Parse("c", []byte(src))
		all := fmt.Sprint(errs)
		if len(errs) == 0 || !strings.Contains(all, want) {
			t.Errorf("%.60q: %s", src, all)
		}
	}
}

// TestSpans breaks a configuration word by word, and holds that each diagnostic has the
// place of what it is about.
func TestSpans(t *testing.T) {
	said := 0
	for src := range irtest.Broken(whole + "verify: {require: agreed, allow: [{rule: a, verdict: agreed, reason: b, targets: [kusto]}]}\n") {
		_, errs := Parse("c", []byte(src))
		for _, err := range errs {
			e := (*ir.Diagnostic)(nil)
			if said++; !errors.As(err, &e) || irtest.Spanned(src, e) != "" {
				t.Errorf("%s: %s\n%s", err, irtest.Spanned(src, e), src)
			}
		}
	}
	if said < 100 {
		t.Errorf("only %d diagnostics", said)
	}
}

func TestFind(t *testing.T) {
	top := t.TempDir()
	deep := filepath.Join(top, "repo", "rules", "win")
	for _, dir := range []string{deep, filepath.Join(top, "repo", ".git")} {
		if err := os.MkdirAll(dir, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	write := func(path string) {
		if err := os.WriteFile(path, nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(top, Name)) // above the repository
	if got, err := Find(deep); got != "" || err != nil {
		t.Error(got, err)
	}
	want := filepath.Join(top, "repo", Name)
	write(want)
	if got, err := Find(deep); got != want || err != nil {
		t.Error(got, err)
	}
	if _, errs := Load(want); len(errs) > 0 {
		t.Error(errs)
	}
	if _, errs := Load(deep); len(errs) == 0 {
		t.Error("a directory is read")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("rules: a\ntargets: [splunk, {name: x}]\ncheck: {ignore: [{id: a, reason: b}]}"))
	f.Fuzz(func(t *testing.T, src []byte) {
		if c, errs := Parse("c", src); c == nil && len(errs) == 0 {
			t.Error("neither a configuration nor an error")
		}
	})
}
