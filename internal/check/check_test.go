package check

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"sigmac/eval"
	"sigmac/internal/config"
	"sigmac/internal/corpus"
	"sigmac/internal/irtest"
	"sigmac/internal/link"
	"sigmac/ir"
	"sigmac/parser"
	"sigmac/verify"
)

var update = flag.Bool("update", false, "write the expected files")

// sound is a rule in which nothing is found, under the profile of the public rule
// set.
const sound = `title: Suspicious Tool Run With A Switch
id: 0a4ba5e8-6d1c-4f7e-9f9d-5b1f7c1f7e10
status: experimental
description: Detects a tool that is run with a switch
references:
    - https://example.org/report
author: sigmac
date: 2026-01-02
modified: 2026-02-03
tags:
    - attack.execution
    - attack.t1059
    - tlp.clear
logsource:
    category: process_creation
    product: windows
detection:
    selection:
        Image|endswith: '\tool.exe'
        CommandLine|contains:
            - ' --one'
            - ' --two'
    filter_main_own:
        ParentImage|endswith: '\own.exe'
    condition: selection and not 1 of filter_main_*
falsepositives:
    - Unknown
level: high
`

const soundName = "proc_creation_win_tool_switch.yml"

// An example is a change of the sound rule that a check finds, at a line, and
// what --fix makes of that; empty: nothing.
type example struct {
	old, new string
	line     int
	name     string // of the file, or empty
	fixed    string
}

var examples = map[string]example{
	"syntax": {old: "filter_main_*", new: "filter_main_* | count() by Computer > 3\n    timeframe: 5m", line: 25, fixed: sound + `---
title: Suspicious Tool Run With A Switch, event count in 5m
id: 1ef13a7c-0c87-56cb-b09f-cd2ef9e3219f
status: experimental
tags:
    - attack.execution
    - attack.t1059
    - tlp.clear
correlation:
    type: event_count
    rules:
        - 0a4ba5e8-6d1c-4f7e-9f9d-5b1f7c1f7e10
    group-by:
        - Computer
    timespan: 5m
    condition:
        gt: 3
falsepositives:
    - Unknown
level: high
`},
	"schema":                                {old: "date: 2026-01-02", new: "date: 2026/01/02", line: 8, fixed: sound},
	"dangling_condition":                    {old: "condition: selection and", new: "condition: selction and", line: 25},
	"dangling_detection":                    {old: " and not 1 of filter_main_*", new: "", line: 23},
	"invalid_modifier_combinations":         {old: "Image|endswith:", new: "Image|re|cased:", line: 19},
	"all_of_them_condition":                 {old: "selection and not 1 of filter_main_*", new: "all of them", line: 25},
	"them_condition_with_single_detection":  {old: "    filter_main_own:\n        ParentImage|endswith: '\\own.exe'\n    condition: selection and not 1 of filter_main_*", new: "    condition: 1 of them", line: 23},
	"fieldname_logsource":                   {old: "    product: windows", new: "    product: windows\n    servce: x", line: 17},
	"specific_instead_of_generic_logsource": {old: "    category: process_creation\n    product: windows\ndetection:\n    selection:\n", new: "    service: sysmon\n    product: windows\ndetection:\n    selection:\n        EventID: 1\n", line: 19},
	"custom_attributes":                     {old: "falsepositives:", new: "falsepositive:", line: 26},
	"custom_settings":                       {old: "level: high", new: "level: high\ncustom:\n    sigmac:\n        evry: 5m", line: 31},
	"duplicate_references":                  {old: "author:", new: "    - https://example.org/report\nauthor:", line: 7, fixed: sound},
	"filename_length":                       {name: "a_b.yml", line: 1},
	"identifier_existence":                  {old: "id: 0a4ba5e8-6d1c-4f7e-9f9d-5b1f7c1f7e10\n", new: "", line: 1},
	"attacktag":                             {old: "attack.execution", new: "attack.privilege_escalation", line: 11, fixed: strings.Replace(sound, "attack.execution", "attack.privilege-escalation", 1)},
	"cartag":                                {old: "tlp.clear", new: "car.2016", line: 13},
	"cvetag":                                {old: "tlp.clear", new: "cve.44228", line: 13},
	"d3_fendtag":                            {old: "tlp.clear", new: "d3fend.modl", line: 13},
	"detection_tag":                         {old: "tlp.clear", new: "detection.hunting", line: 13},
	"stptag":                                {old: "tlp.clear", new: "stp.6", line: 13},
	"tlptag":                                {old: "tlp.clear", new: "tlp.blue", line: 13},
	"tlpv1_tag":                             {line: 13},
	"tlpv2_tag":                             {old: "tlp.clear", new: "tlp.white", line: 13},
	"duplicate_tag":                         {old: "logsource:", new: "    - attack.t1059\nlogsource:", line: 14, fixed: sound},
	"namespace_tag":                         {old: "tlp.clear", new: "tpl.clear", line: 13},
	"tag_format":                            {old: "attack.t1059", new: "attack.T1059", line: 12},
	"control_character":                     {old: `'\tool.exe'`, new: `"\tool.exe"`, line: 19},
	"double_wildcard":                       {old: "' --one'", new: "' --o**ne'", line: 21, fixed: strings.Replace(sound, "' --one'", "' --o*ne'", 1)},
	"escaped_wildcard":                      {old: "' --one'", new: `' --one\*'`, line: 21},
	"number_as_string":                      {old: `ParentImage|endswith: '\own.exe'`, new: "ParentProcessId: '12'", line: 24},
	"wildcards_instead_of_modifiers":        {old: `Image|endswith: '\tool.exe'`, new: `Image: '*\tool.exe'`, line: 19, fixed: sound},
	"invalid_fieldname":                     {old: "Image|endswith: '\\tool", new: "Imgae|endswith: '\\tool", line: 19},
	"fieldname_cast":                        {old: "Image|endswith: '\\tool", new: "image|endswith: '\\tool", line: 19},
	"field_duplicate_value":                 {old: "            - ' --two'\n", new: "            - ' --two'\n            - ' --two'\n", line: 23, fixed: sound},
	"case_variant":                          {old: "            - ' --two'\n", new: "            - ' --two'\n            - ' --TWO' # loud\n", line: 23, fixed: sound},
	"suppression":                           {old: "level: high", new: "level: high # sigmac:ignore title_case", line: 28},
	"unused_suppression":                    {old: "level: high", new: "level: high # sigmac:ignore title_case: no reason", line: 28},
	"never_matches":                         {old: "        CommandLine|contains:\n            - ' --one'\n            - ' --two'\n", new: "        Image|startswith: '*/'\n        Image: 'C:'\n", line: 24},
	"excludes_everything":                   {old: `ParentImage|endswith: '\own.exe'`, new: `Image|endswith: '.exe'`, line: 25},
	"matches_everything":                    {old: "selection and not 1 of filter_main_*", new: "not selection or selection or filter_main_own", line: 25},
	"dead_exclusion":                        {old: `ParentImage|endswith: '\own.exe'`, new: `Image|endswith: '\own.exe'`, line: 23},
	"implied_value":                         {old: "            - ' --two'\n", new: "            - ' --two'\n            - ' --two-more'\n", line: 23, fixed: sound},
	"plain_regex":                           {old: `Image|endswith: '\tool.exe'`, new: `Image|re: '(?i)\\tool\.exe\z'`, line: 19, fixed: sound},

	"author_existence":                  {old: "author: sigmac\n", new: "", line: 1},
	"ofthem_condition":                  {old: "    filter_main_own:\n        ParentImage|endswith: '\\own.exe'\n    condition: selection and not 1 of filter_main_*", new: "    condition: 1 of them", line: 23},
	"ofselection_condition":             {old: "selection and not 1 of filter_main_*", new: "1 of sel* and not 1 of filter_main_*", line: 25},
	"missing_asterisk_condition":        {old: "1 of filter_main_*", new: "1 of filter_main_own", line: 25},
	"date_existence":                    {old: "date: 2026-01-02\nmodified: 2026-02-03\n", new: "", line: 1},
	"modified_date_order":               {old: "modified: 2026", new: "modified: 2025", line: 9},
	"modified_without_date":             {old: "date: 2026-01-02\n", new: "", line: 8},
	"redundant_modified":                {old: "modified: 2026-02-03", new: "modified: 2026-01-02", line: 9},
	"description_existence":             {old: "description: Detects a tool that is run with a switch\n", new: "", line: 1},
	"description_length":                {old: "Detects a tool that is run with a switch", new: "Detects a tool", line: 4},
	"link_in_description":               {old: "Detects a tool that is run with a switch\nreferences:\n    - https://example.org/report", new: "See https://example.org/report for that", line: 4},
	"category_event_id":                 {old: "    selection:\n", new: "    selection:\n        EventID: 1\n", line: 19},
	"category_windows_provider_name":    {old: "    selection:\n", new: "    selection:\n        Provider_Name: Microsoft-Windows-Sysmon\n", line: 19},
	"unsupported_regex_group_construct": {old: `Image|endswith: '\tool.exe'`, new: `Image|re: '(?<=x)tool\.exe$'`, line: 19},
	"falsepositives_capital":            {old: "- Unknown", new: "- unknown", line: 27},
	"falsepositives_banned_word":        {old: "- Unknown", new: "- Pentest", line: 27},
	"falsepositives_typo_word":          {old: "- Unknown", new: "- Ligitimate tools", line: 27},
	"space_field_name":                  {old: "Image|endswith: '\\tool", new: "Parent Image|endswith: '\\tool", line: 19},
	"invalid_all_modifier":              {old: "Image|endswith:", new: "Image|endswith|all:", line: 19},
	"field_user":                        {old: `ParentImage|endswith: '\own.exe'`, new: `User: 'NT AUTHORITY\SYSTEM'`, line: 24},
	"invalid_hash_kv":                   {old: `ParentImage|endswith: '\own.exe'`, new: `Hashes|contains: 'MD5=12'`, line: 24},
	"redundant_field":                   {old: "    selection:\n", new: "    selection:\n        EventID: 1\n", line: 19},
	"fields_existence":                  {old: "level: high", new: "level: high\nfields: [Image]", line: 29},
	"unknown_field":                     {old: "level: high", new: "level: high\nwhatever: 1", line: 29},
	"filename_convention":               {name: "Proc_Creation.yml", line: 1},
	"filename_prefix":                   {name: "net_connection_win_x.yml", line: 1},
	"level_existence":                   {old: "level: high\n", new: "", line: 1},
	"logsource_unknown":                 {old: "    category: process_creation", new: "    category: proces_creation", line: 15},
	"sysmon_missing_eventid":            {old: "    category: process_creation", new: "    service: sysmon", line: 14},
	"github_link":                       {old: "https://example.org/report", new: "https://github.com/a/b/blob/main/README.md", line: 6},
	"mitre_link":                        {old: "https://example.org/report", new: "https://attack.mitre.org/techniques/T1059/", line: 6},
	"status_existence":                  {old: "status: experimental\n", new: "", line: 1},
	"status":                            {old: "status: experimental", new: "status: deprecated", line: 3},
	"status_to_high":                    {old: "status: experimental", new: "status: stable", line: 3},
	"tags_unique_detection":             {old: "    - tlp.clear", new: "    - detection.dfir\n    - detection.threat-hunting", line: 14},
	"tags_detection":                    {name: "rules-dfir/" + soundName, line: 1},
	"tags_unique_tlp":                   {old: "    - tlp.clear", new: "    - tlp.clear\n    - tlp.red", line: 14},
	"tags_tlp":                          {old: "tlp.clear", new: "tlp.red", line: 13},
	"tags_techniques_without_tactics":   {old: "    - attack.execution\n", new: "", line: 1},
	"title_length":                      {old: "With A Switch", new: "With A Switch" + strings.Repeat(" And More", 12), line: 1},
	"title_start":                       {old: "title: Suspicious", new: "title: Detects", line: 1},
	"title_end":                         {old: "A Switch\n", new: "A Switch.\n", line: 1},
	"title_case":                        {old: "Tool Run", new: "tool Run", line: 1},
}

func options() Options {
	return Options{Profile: "sigmahq", Prover: true, Budget: verify.DefaultBudget, AsOf: "2026-02-20", Severity: map[string]string{}}
}

func ids(findings []Finding) (out []string) {
	for _, f := range findings {
		out = append(out, fmt.Sprintf("%s:%d", f.Code, f.Pos.Line))
	}
	return out
}

func TestSound(t *testing.T) {
	if got := Run([]File{{soundName, soundName, []byte(sound)}}, options()); len(got) > 0 {
		t.Error(got)
	}
}

// TestChecks holds that each check finds its example where it is, and nothing in
// the sound rule.
func TestChecks(t *testing.T) {
	across := []string{"duplicate_filename", "duplicate_title", "identifier_uniqueness", "correlation_rules_minimum", "correlation_group_by_existence", "correlation_filename_prefix",
		"unknown_reference", "ambiguous_reference", "unfit_reference", "cyclic_reference", "filter_logsource", "correlation_group_by_field", "correlation_alias_rule"}
	for _, c := range Checks {
		ex, ok := examples[c.ID]
		if slices.Contains(across, c.ID) {
			continue // below
		}
		if !ok {
			t.Errorf("no example of %s", c.ID)
			continue
		}
		src := strings.Replace(sound, ex.old, ex.new, 1)
		name := soundName
		if ex.name != "" {
			name = ex.name
		} else if src == sound && c.ID != "tlpv1_tag" {
			t.Errorf("%s: the example is no change", c.ID)
		}
		o := options()
		if c.Severity == Off {
			o.Severity[c.ID] = Warning
		}
		got := Run([]File{{name, name, []byte(src)}}, o)
		i := slices.IndexFunc(got, func(f Finding) bool { return f.Code == c.ID })
		if i < 0 || got[i].Pos.Line != ex.line || got[i].Pos.Column < 1 || got[i].Msg == "" {
			t.Errorf("%s: %v, want line %d", c.ID, got, ex.line)
			continue
		}
		for _, f := range got {
			if wrong := irtest.Spanned(src, &f.Diagnostic); wrong != "" && !strings.HasPrefix(f.Code, "filename_") {
				t.Errorf("%s: %s: %s", c.ID, f, wrong)
			}
		}
		if (got[i].Fix != nil) != (ex.fixed != "") {
			t.Errorf("%s: fix %v", c.ID, got[i].Fix)
		}
		if got[i].Fix != nil {
			if !c.Fixes {
				t.Errorf("%s does not say that it fixes", c.ID)
			}
			if fixed, _, _ := Apply([]byte(src), []*Fix{got[i].Fix}); string(fixed) != ex.fixed {
				t.Errorf("%s: the fix makes\n%s", c.ID, fixed)
			}
		} else if c.Fixes {
			t.Errorf("%s: no fix", c.ID)
		}
		if c.Prover {
			o.Prover = false
			if got := Run([]File{{name, name, []byte(src)}}, o); slices.ContainsFunc(got, func(f Finding) bool { return f.Code == c.ID }) {
				t.Errorf("%s: found without the prover", c.ID)
			}
		}
		o = options()
		o.Severity[c.ID] = Off
		if got := Run([]File{{name, name, []byte(src)}}, o); slices.ContainsFunc(got, func(f Finding) bool { return f.Code == c.ID }) {
			t.Errorf("%s: found although it is off", c.ID)
		}
		if c.Profile != "" {
			o = options()
			o.Profile = "default"
			if got := Run([]File{{name, name, []byte(src)}}, o); slices.ContainsFunc(got, func(f Finding) bool { return f.Code == c.ID }) {
				t.Errorf("%s: found outside of its profile", c.ID)
			}
		}
	}
}

func TestAcross(t *testing.T) {
	got := ids(Run([]File{{"a/" + soundName, "", []byte(sound)}, {"b/" + soundName, "", []byte(sound)}}, options()))
	if want := []string{"duplicate_filename:1", "duplicate_title:1", "identifier_uniqueness:2"}; !slices.Equal(got, want) {
		t.Error(got)
	}
	const correlation = "title: Many Things At Once\nid: 0a4ba5e8-6d1c-4f7e-9f9d-5b1f7c1f7e11\nstatus: experimental\ndescription: Detects many things at once\n" +
		"author: a\ndate: 2026-01-02\nlevel: high\ncorrelation:\n    type: temporal\n    rules: [one]\n    timespan: 1h\n"
	got = ids(Run([]File{{soundName, "", []byte(correlation)}}, options()))
	for _, want := range []string{"correlation_rules_minimum:9", "correlation_group_by_existence:9", "correlation_filename_prefix:1"} {
		if !slices.Contains(got, want) {
			t.Errorf("%v lacks %s", got, want)
		}
	}
}

// TestGroups holds what is told of fields and aliases of correlations.
func TestGroups(t *testing.T) {
	rule := func(name, source, more string) string {
		return "---\ntitle: " + name + "\nname: " + name + "\n" + more + "logsource: {" + source + "}\ndetection: {s: {a: b}, condition: s}\n"
	}
	src := `title: c
correlation:
    type: temporal
    rules: [start, web, own, other]
    timespan: 1h
    group-by:
        - User
        - Usr
        - host
    aliases:
        host: {start: Compter, web: cs-host, start2: Computer}
` + rule("start", "product: windows, category: process_creation", "") + rule("web", "category: proxy", "") +
		rule("own", "product: windows, category: process_creation", "taxonomy: ours\n") + rule("other", "product: windows, service: security", "")
	var got []string
	for _, f := range Run([]File{{"c.yml", "", []byte(src)}}, options()) {
		if strings.HasPrefix(f.Code, "correlation_group_by_f") || f.Code == "correlation_alias_rule" {
			got = append(got, fmt.Sprintf("%d:%d: %s", f.Pos.Line, f.Pos.Column, f.Msg))
		}
	}
	want := []string{
		"7:11: events of the rule web have no field \"User\"",
		"8:11: events of the rule start have no field \"Usr\"; did you mean \"User\"?",
		"8:11: events of the rule web have no field \"Usr\"",
		"11:23: events of the rule start have no field \"Compter\"; did you mean \"Computer\"?",
		"11:46: the correlation is not about a rule \"start2\", so its alias is never used",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestReferences holds what is told of the names of rules.
func TestReferences(t *testing.T) {
	correlation := func(name, rules string) File {
		return File{name + ".yml", "", []byte("title: c\nname: " + name + "\ncorrelation:\n    type: temporal\n    group-by: [a]\n    rules: [" + rules + "]\n    timespan: 1h\n")}
	}
	filter := File{"f.yml", "", []byte("title: f\nname: f\nlogsource: {category: test}\nfilter:\n    rules: [f]\n    s: {a: b}\n    condition: not s\n")}
	named := func(name string) File {
		return File{name + ".2.yml", "", []byte("title: r\nname: " + name + "\nlogsource: {category: test}\ndetection: {s: {a: b}, condition: s}\n")}
	}
	apart := File{"g.yml", "", []byte("title: g\nlogsource: {category: other}\nfilter:\n    rules: [two]\n    s: {a: b}\n    condition: not s\n")}
	files := []File{correlation("c", "c, one, two, tow"), filter, named("one"), named("one"), named("two"), apart}
	files[3].Path = "other.yml"
	for _, c := range []struct {
		context func() ([]*parser.Document, bool)
		want    []string
	}{
		{nil, []string{"cyclic_reference:6 error", "ambiguous_reference:6 error", "unknown_reference:6 note", "unfit_reference:5 error", "filter_logsource:4 warning"}},
		{func() ([]*parser.Document, bool) { return nil, true }, []string{"cyclic_reference:6 error", "ambiguous_reference:6 error", "unknown_reference:6 error", "unfit_reference:5 error", "filter_logsource:4 warning"}},
		{func() ([]*parser.Document, bool) { return parser.Parse("more.yml", named("tow").Data).Documents, false }, []string{"cyclic_reference:6 error", "ambiguous_reference:6 error", "unfit_reference:5 error", "filter_logsource:4 warning"}},
	} {
		o := options()
		o.Context = c.context
		var got []string
		for _, f := range Run(files, o) {
			if strings.HasSuffix(f.Code, "_reference") || f.Code == link.Apart {
				got = append(got, fmt.Sprintf("%s:%d %s", f.Code, f.Pos.Line, f.Severity))
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("got %v, want %v", got, c.want)
		}
	}
}

// TestParts holds what is told of parts that match nothing.
func TestParts(t *testing.T) {
	for _, c := range []struct{ name, old, new, want string }{
		{"an alternative", "    filter_main_own:\n        ParentImage|endswith: '\\own.exe'\n    condition: selection and not 1 of filter_main_*", "    selection_b:\n        Image|endswith: 'a'\n        Image: 'b'\n    condition: 1 of selection*", "never_matches:23"},
		{"an alternative of two fields", "    filter_main_own:\n        ParentImage|endswith: '\\own.exe'\n    condition: selection and not 1 of filter_main_*", "    selection_b:\n        Image|endswith: 'a'\n        Image|startswith: 'b'\n        Image|re: '^c.*d'\n    condition: 1 of selection*", "never_matches:23"},
		{"a condition", "    condition: selection and not 1 of filter_main_*", "    condition:\n        - selection and not 1 of filter_main_*\n        - filter_main_own and not filter_main_own", "never_matches:27"},
		{"keywords", "    filter_main_own:\n        ParentImage|endswith: '\\own.exe'\n    condition: selection and not 1 of filter_main_*", "    words:\n        '|all':\n            - one\n            - two\n    condition: selection or words", ""},
	} {
		src := strings.Replace(sound, c.old, c.new, 1)
		o := options()
		o.Severity["ofselection_condition"], o.Severity["schema"] = Off, Off
		got := ids(Run([]File{{soundName, soundName, []byte(src)}}, o))
		if src == sound || strings.Join(got, " ") != c.want {
			t.Errorf("%s: %v, want %s", c.name, got, c.want)
		}
	}
}

// TestHostile holds that files with very many of one thing come to an end.
func TestHostile(t *testing.T) {
	for _, src := range []string{
		strings.Replace(sound, "    - https://example.org/report\n", strings.Repeat("    - https://example.org/report\n", 50_000), 1),
		strings.Replace(sound, "            - ' --one'\n", strings.Repeat("            - '"+strings.Repeat("ab", 500)+"'\n", 3000), 1),
		strings.Replace(sound, "level: high", "level: "+strings.Repeat("h", 2_000_000), 1),
		sound + strings.Repeat("x", 2_000_000) + ": 1\n",
	} {
		for _, f := range Run([]File{{soundName, soundName, []byte(src)}}, options()) {
			if len(f.Msg) > 2000 {
				t.Fatalf("a message of %d bytes", len(f.Msg))
			}
		}
	}
}

func TestSuppress(t *testing.T) {
	two := strings.Replace(sound, "level: high", "level: hihg", 1)
	for _, c := range []struct{ name, src, want string }{
		{"behind", strings.Replace(two, "hihg", "hihg # sigmac:ignore schema: ours", 1), ""},
		{"above", strings.Replace(two, "level:", "# sigmac:ignore schema: ours\n# and more\n\nlevel:", 1), ""},
		{"elsewhere", strings.Replace(two, "status:", "# sigmac:ignore schema: ours\nstatus:", 1), "unused_suppression:3 schema:29"},
		{"the file", "# sigmac:ignore schema, title_case: ours\n" + two, "unused_suppression:1"},
		{"no reason", strings.Replace(two, "hihg", "hihg # sigmac:ignore schema:", 1), "schema:28 suppression:28"},
		{"unknown", strings.Replace(two, "hihg", "hihg # sigmac:ignore shcema: ours", 1), "schema:28 suppression:28"},
		{"in a value", strings.Replace(two, "' --one'", "' --one sigmac:ignore'", 1), "schema:28"},
	} {
		if got := strings.Join(ids(Run([]File{{soundName, soundName, []byte(c.src)}}, options())), " "); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	o := options()
	o.Ignore = []config.Ignore{{ID: "schema", Reason: "ours", Paths: []string{"rules/*"}}}
	if got := Run([]File{{"x", "rules/" + soundName, []byte(two)}}, o); slices.ContainsFunc(got, func(f Finding) bool { return f.Code == "schema" }) {
		t.Error(got)
	}
	if got := Run([]File{{"x", "other/" + soundName, []byte(two)}}, o); !slices.ContainsFunc(got, func(f Finding) bool { return f.Code == "schema" }) {
		t.Error(got)
	}
}

// TestFixes holds what fixes leave alone.
func TestFixes(t *testing.T) {
	for _, c := range []struct{ name, old, new, id string }{
		{"a list in a line", "\n            - ' --one'\n            - ' --two'\n", " [' --one', ' --one']\n", "field_duplicate_value"},
		{"an anchor that is used", "            - ' --one'\n            - ' --two'\n", "            - ' --two'\n            - &a ' --two'\n            - *a\n", "field_duplicate_value"},
		{"one of two expressions", "Image|endswith: '\\tool.exe'", "Image|re:\n            - 'tool'\n            - 'to+l'", "plain_regex"},
		{"a value over two lines", "' --one'", "' --o**ne\n              x'", "double_wildcard"},
	} {
		src := strings.Replace(sound, c.old, c.new, 1)
		got := Run([]File{{soundName, soundName, []byte(src)}}, options())
		i := slices.IndexFunc(got, func(f Finding) bool { return f.Code == c.id })
		if src == sound || i < 0 || got[i].Fix != nil {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	// Two expressions at once, kept with all.
	src := strings.Replace(sound, "CommandLine|contains:\n            - ' --one'\n            - ' --two'", "CommandLine|re|all:\n            - ' --one'\n            - ' --t.wo' # a\n            - '\\?'", 1)
	src = strings.Replace(src, " --t.wo", " --t\\.wo", 1)
	got := Run([]File{{soundName, soundName, []byte(src)}}, options())
	var fixes []*Fix
	for _, f := range got {
		if f.Fix != nil {
			fixes = append(fixes, f.Fix)
		}
	}
	fixed, _, _ := Apply([]byte(src), fixes)
	if !strings.Contains(string(fixed), "CommandLine|contains|cased|all:\n            - ' --one'\n            - ' --t.wo' # a\n            - '\\?'") {
		t.Errorf("%v\n%s", got, fixed)
	}
}

// TestSchema holds the check against the JSON schema itself: a document is valid
// if and only if nothing is found that the schema says.
func TestSchema(t *testing.T) {
	ours := []string{"schema", "duplicate_tag", "tag_format", "duplicate_references", "syntax"}
	values := []string{"", "null", "1", "1.5", "true", "''", "x", "[]", "[x]", "[x, x]", "[x, 1]", "[[x]]", "{}", "{a: b}", "2026-01-01", "'2026-13-01'", strings.Repeat("x", 300), "[1]", "[{a: b}, c]", "[null]"}
	valid := compiled(t, "detection-rule")
	n, invalid := 0, 0
	for _, attr := range append(known[parser.Rule], "detection.selection", "logsource.product", "related.0") {
		for _, v := range values {
			src := ""
			switch attr {
			case "detection.selection":
				src = strings.Replace(sound, "    filter_main_own:\n        ParentImage|endswith: '\\own.exe'", "    filter_main_own: "+v, 1)
			case "logsource.product":
				src = strings.Replace(sound, "    product: windows", "    product: "+v, 1)
			case "related.0":
				src = sound + "related:\n    - id: " + v + "\n      type: derived\n"
			case "logsource", "detection":
				continue // the parser's
			default:
				at := strings.Index("\n"+sound, "\n"+attr+":")
				if at < 0 {
					src = sound + attr + ": " + v + "\n"
					break
				}
				end := at + strings.Index(sound[at:], "\n") + 1
				for end < len(sound) && sound[end] == ' ' {
					end += strings.Index(sound[end:], "\n") + 1
				}
				src = sound[:at] + attr + ": " + v + "\n" + sound[end:]
			}
			_, roots := parser.Open("sigma", "x", []byte(src))
			want := valid.Validate(plain(roots[0])) == nil
			found := slices.ContainsFunc(Run([]File{{soundName, soundName, []byte(src)}}, options()), func(f Finding) bool { return slices.Contains(ours, f.Code) })
			if n++; !want {
				invalid++
			}
			if want == found && !(want && parserRefuses(src)) {
				t.Errorf("%s: %s: valid %v, found %v: %v", attr, v, want, found, valid.Validate(plain(roots[0])))
			}
		}
	}
	if invalid < 100 || n-invalid < 50 {
		t.Errorf("%d of %d are invalid", invalid, n)
	}
}

// compiled is a schema of the specification as a library reads it.
func compiled(t *testing.T, name string) *jsonschema.Schema {
	src, err := schemaFiles.ReadFile("sigma-" + name + "-schema.json")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(src))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("sigma:"+name, doc); err != nil {
		t.Fatal(err)
	}
	return c.MustCompile("sigma:" + name)
}

// TestViolations holds the keywords of the schemas against a library that knows all:
// of every value in every place of a document it must say the same.
func TestViolations(t *testing.T) {
	documents := map[parser.Kind]string{
		parser.Rule: sound + "related:\n  - {id: 929a690e-bef0-4204-a928-ef5e620d6fcc, type: similar}\nfields: [a, b]\nscope: [server]\nname: x\nlicense: MIT\ntaxonomy: sigma\n",
		parser.CorrelationRule: `{title: A, id: 929a690e-bef0-4204-a928-ef5e620d6fcc, status: test, date: 2024-01-02, level: high, falsepositives: [none known], generate: true,
  references: [a], taxonomy: sigma, correlation: {type: value_count, rules: [one, two], aliases: {a: {b: c}}, group-by: [User], timespan: 5m, condition: {gte: 3, field: Name}}}`,
		parser.FilterRule: "{title: A, id: 929a690e-bef0-4204-a928-ef5e620d6fcc, logsource: {product: windows}, filter: {rules: [one, two], selection: [{a: b}, 1, c], condition: selection}}",
	}
	var values []any
	for _, src := range []string{"", "null", "1", "1.0", "1.5", "1e3", "1e-3", "true", "false", "''", "x", "té", "[]", "[x]", "[xx, xx]", "[1, 1.0]", "[1, 1.5, '1']", "[[xx], [xx]]", "[{a: [1, b]}, {a: [1.0, b]}]",
		"[null, null]", "[true, 'true']", "{}", "{a: b}", "{a: 1}", "{gte: x}", "{field: 1}", "{field: [1]}", "2026-01-01", "'2026-13-01'", "929a690e-bef0-4204-a928-ef5e620d6fcc", "929A690E-bef0-4204-a928-ef5e620d6fcg",
		"temporal", "event_count", "similar", "[high]", strings.Repeat("x", 16), strings.Repeat("é", 256), strings.Repeat("é", 257), "[" + strings.Repeat("ab, ", 30) + "c]", "tlp.red", "[tlp.red, TLP]"} {
		_, roots := parser.Open("sigma", "x", []byte("v: "+src))
		values = append(values, plain(roots[0]).(map[string]any)["v"])
	}
	names := map[parser.Kind]string{parser.Rule: "detection-rule", parser.CorrelationRule: "correlation-rules", parser.FilterRule: "filters"}
	met := map[string]int{}
	for k, src := range documents {
		valid := compiled(t, names[k])
		same := func(doc any) {
			var want, got []string
			var fault *jsonschema.ValidationError
			if errors.As(valid.Validate(doc), &fault) {
				for _, leaf := range leaves(fault) {
					path := leaf.ErrorKind.KeywordPath()
					want = append(want, fmt.Sprint(leaf.InstanceLocation, path[len(path)-1]))
				}
			}
			for _, v := range schemas()[k].violations(doc, nil) {
				met[v.keyword]++
				got = append(got, fmt.Sprint(v.path, v.keyword))
				v.message(nil)
			}
			slices.Sort(want)
			slices.Sort(got)
			if !slices.Equal(want, got) {
				text, _ := json.Marshal(doc)
				t.Errorf("%s: %v, and the library says %v", text, got, want)
			}
		}
		_, roots := parser.Open("sigma", "x", []byte(src))
		doc := plain(roots[0])
		if same(doc); len(schemas()[k].violations(doc, nil)) > 0 {
			t.Errorf("%s is not valid: %v", src, schemas()[k].violations(doc, nil))
		}
		var walk func(at any, put func(any))
		walk = func(at any, put func(any)) {
			for _, v := range values {
				put(v)
				same(doc)
			}
			put(at)
			switch at := at.(type) {
			case map[string]any:
				for name, v := range at {
					delete(at, name)
					same(doc)
					walk(v, func(v any) { at[name] = v })
				}
			case []any:
				for i, v := range at {
					walk(v, func(v any) { at[i] = v })
				}
			}
		}
		walk(doc, func(v any) { doc = v })
	}
	for _, keyword := range strings.Fields("type format required minItems uniqueItems minLength maxLength pattern anyOf oneOf") {
		if met[keyword] == 0 {
			t.Errorf("no document violates %s", keyword)
		}
	}
}

// leaves are the faults that stand for no others.
func leaves(e *jsonschema.ValidationError) (out []*jsonschema.ValidationError) {
	switch e.ErrorKind.(type) {
	case *kind.OneOf, *kind.AnyOf:
		return []*jsonschema.ValidationError{e}
	}
	if len(e.Causes) == 0 {
		return []*jsonschema.ValidationError{e}
	}
	for _, c := range e.Causes {
		out = append(out, leaves(c)...)
	}
	return out
}

func parserRefuses(src string) bool {
	return slices.ContainsFunc(parser.Parse("x", []byte(src)).Documents, func(d *parser.Document) bool { return len(d.Errors) > 0 })
}

func TestSARIF(t *testing.T) {
	schema, err := os.ReadFile("testdata/sarif-2.1.0.json")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("sarif", doc); err != nil {
		t.Fatal(err)
	}
	valid := c.MustCompile("sarif")
	var files []File
	for _, id := range IDs() {
		ex := examples[id]
		files = append(files, File{"rules/a b#%\"é\x01" + id + ".yml", "", []byte(strings.Replace(sound, ex.old, ex.new, 1))})
	}
	for _, fs := range [][]File{nil, files, {{"/abs/" + soundName, "", []byte("title: [")}, {"-", "", nil}}} {
		var out bytes.Buffer
		if err := WriteSARIF(&out, Checks, Run(fs, options()), false, "1.2.3"); err != nil {
			t.Fatal(err)
		}
		got, err := jsonschema.UnmarshalJSON(&out)
		if err != nil {
			t.Fatal(err)
		}
		if err := valid.Validate(got); err != nil {
			t.Error(err)
		}
	}
	if broken, _ := jsonschema.UnmarshalJSON(strings.NewReader(`{"version": "2.1.0", "runs": [{}]}`)); valid.Validate(broken) == nil {
		t.Error("the schema takes anything")
	}
}

// TestSpans breaks a rule word by word, and holds that each finding has the place of what
// it is about.
func TestSpans(t *testing.T) {
	o := options()
	o.Prover = false
	for _, id := range IDs() {
		o.Severity[id] = Warning
	}
	said := map[string]bool{}
	for src := range irtest.Broken(sound) {
		for _, f := range Run([]File{{soundName, soundName, []byte(src)}}, o) {
			said[f.Code] = true
			if wrong := irtest.Spanned(src, &f.Diagnostic); wrong != "" {
				t.Errorf("%s: %s\n%s", f, wrong, src)
			}
		}
	}
	if len(said) < 20 {
		t.Errorf("findings of %d checks only", len(said))
	}
}

// TestRegions holds that columns count characters, as columnKind says, where one of them is
// two units of UTF-16.
func TestRegions(t *testing.T) {
	src := strings.Replace(sound, "            - ' --one'\n            - ' --two'\n", "            ['𝄞 --one', '𝄞 --𝄞', '𝄞 --𝄞']\n", 1)
	var out bytes.Buffer
	if err := WriteSARIF(&out, Checks, Run([]File{{soundName, soundName, []byte(src)}}, options()), false, "1.2.3"); err != nil {
		t.Fatal(err)
	}
	var log struct {
		Runs []struct {
			ColumnKind string
			Results    []struct {
				RuleID    string
				Locations []struct{ PhysicalLocation struct{ Region sarifRegion } }
			}
		}
	}
	if err := json.Unmarshal(out.Bytes(), &log); err != nil {
		t.Fatal(err)
	}
	run := log.Runs[0]
	if run.ColumnKind != "unicodeCodePoints" || len(run.Results) != 1 || run.Results[0].RuleID != "field_duplicate_value" {
		t.Fatalf("%+v", run)
	}
	at := run.Results[0].Locations[0].PhysicalLocation.Region
	line := []rune(strings.Split(src, "\n")[at.StartLine-1])
	if at.EndLine != at.StartLine || string(line[:at.StartColumn-1]) != "            ['𝄞 --one', '𝄞 --𝄞', " || string(line[at.StartColumn-1:at.EndColumn-1]) != "'𝄞 --𝄞'" {
		t.Errorf("%+v", at)
	}
}

func TestJUnit(t *testing.T) {
	files := []File{{soundName, "", []byte(sound)}, {"a<b>\x01&.yml", "", []byte("title: \"]]>\\x01\"\n")}}
	var out bytes.Buffer
	if err := WriteJUnit(&out, "check", []string{files[0].Path, files[1].Path}, Run(files, options())); err != nil {
		t.Fatal(err)
	}
	var suite struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Cases    []struct {
			Name     string `xml:"name,attr"`
			Failures []struct {
				Text string `xml:",chardata"`
			} `xml:"failure"`
		} `xml:"testsuite>testcase"`
	}
	if err := xml.Unmarshal(out.Bytes(), &suite); err != nil {
		t.Fatal(err)
	}
	if suite.Tests != 2 || suite.Failures != 1 || len(suite.Cases) != 2 || len(suite.Cases[0].Failures) != 0 || !strings.Contains(suite.Cases[1].Failures[0].Text, "[syntax]") {
		t.Error(suite)
	}
}

func TestGitHub(t *testing.T) {
	var out bytes.Buffer
	if err := WriteGitHub(&out, []Finding{{Severity: Note, Diagnostic: ir.Diagnostic{Code: "schema", Path: "a,b:c%\n.yml", Msg: "x\n::error::y%"}}}); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); got != "::notice file=a%2Cb%3Ac%25%0A.yml,line=0,col=0,title=schema::x%0A::error::y%25\n" {
		t.Error(got)
	}
	for end, want := range map[ir.Pos]string{{}: "line=2,col=3", {Line: 2, Column: 5}: "line=2,col=3,endLine=2,endColumn=5", {Line: 4, Column: 1}: "line=2,endLine=4"} {
		out.Reset()
		if err := WriteGitHub(&out, []Finding{{Severity: Error, Diagnostic: ir.Diagnostic{Path: "a", Pos: ir.Pos{Line: 2, Column: 3}, End: end}}}); err != nil {
			t.Fatal(err)
		}
		if got := out.String(); got != "::error file=a,"+want+",title=::\n" {
			t.Error(got)
		}
	}
}

// TestPage holds that docs/checks.md is made of the checks.
func TestPage(t *testing.T) {
	const file = "../../docs/checks.md"
	want := Page()
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil || string(got) != want {
		t.Errorf("%s is not of these checks: go test ./check -run TestPage -update; %v", file, err)
	}
	for _, c := range Checks {
		if c.Why == "" && c.Profile == "" {
			t.Errorf("%s does not say why", c.ID)
		}
	}
}

// TestCorpus holds that fixes of public rules keep their meaning when all are
// made, and that the checks tell nothing that must not be.
func TestCorpus(t *testing.T) {
	var files []File
	for _, f := range corpus.Files(t, ".yml", "sigma/rules*") {
		src, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, File{f, f, src})
	}
	o := options()
	counts := map[string]int{}
	fixes := map[string][]*Fix{}
	for _, f := range Run(files, o) {
		counts[f.Code]++
		if f.Fix != nil {
			fixes[f.Path] = append(fixes[f.Path], f.Fix)
		}
	}
	tried := 0
	text, _ := json.Marshal(counts)
	t.Logf("%s", text)
	for i, f := range files {
		if len(fixes[f.Path]) == 0 || i%4 > 0 { // each was proved already
			continue
		}
		after, made, _ := Apply(f.Data, fixes[f.Path])
		old, new := parser.Parse(f.Path, f.Data), parser.Parse(f.Path, after)
		if made == 0 || !o.Same(old, new, true) {
			t.Errorf("%s: %d fixes change the meaning", f.Path, made)
			continue
		}
		// The evaluator, which knows no prover, is asked too.
		for n, d := range old.Documents {
			want, err := ir.Want(d.Rule)
			if err != nil {
				t.Fatal(err)
			}
			e := want.Joined().Conditions[0].Expr
			matching := verify.Apart(e, ir.False, 5, o.Budget).Events
			others := verify.Apart(ir.True, e, 5, o.Budget).Events
			for _, fields := range append(matching, others...) {
				ev, err := eval.NewEvent(fields)
				if err != nil {
					t.Fatal(err)
				}
				tried++
				if eval.Rule(d.Rule, ev) != eval.Rule(new.Documents[n].Rule, ev) {
					t.Errorf("%s: the fixes change what is said of %v", f.Path, fields)
				}
			}
		}
	}
	if tried == 0 {
		t.Error("no event was tried")
	}
}

// TestRandom makes the fixes of random lists, and asks the evaluator about random
// texts with and without them.
func TestRandom(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	pick := func(xs ...string) string { return xs[r.IntN(len(xs))] }
	text := func(pieces ...string) string {
		s := ""
		for range 1 + r.IntN(4) {
			s += pick(pieces...)
		}
		return s
	}
	made := map[string]int{}
	for range 2000 {
		mods := pick("", "", "|contains", "|startswith", "|endswith", "|contains|all", "|cased", "|re", "|re|i", "|re|all", "|windash|contains", "|neq", "|endswith|cased")
		pieces := []string{"a", "A", "b", "*", "**", "?", `\`, " -", "."}
		if strings.Contains(mods, "re") {
			pieces = []string{"a", "A", "b", ".*", "^", "$", `\.`, " -", "(?i)"}
		}
		before, behind := "", ""
		if mods == "" && r.IntN(2) == 0 {
			pieces, before, behind = []string{"a", "A", "b", `\`, ".", " "}, pick("", "*"), pick("", "*")
		}
		var list strings.Builder
		for range 2 + r.IntN(4) {
			list.WriteString("\n            - '" + before + text(pieces...) + behind + "'")
		}
		src := strings.Replace(sound, "CommandLine|contains:\n            - ' --one'\n            - ' --two'", "CommandLine"+mods+":"+list.String(), 1)
		var fixes []*Fix
		for _, f := range Run([]File{{soundName, soundName, []byte(src)}}, options()) {
			if f.Fix != nil {
				fixes = append(fixes, f.Fix)
				made[f.Code]++
			}
		}
		if len(fixes) == 0 {
			continue
		}
		after, _, _ := Apply([]byte(src), fixes)
		old, new := parser.Parse("", []byte(src)).Documents[0], parser.Parse("", after).Documents[0]
		if len(new.Errors) > 0 {
			t.Fatalf("%v\n%s", new.Errors, after)
		}
		for range 100 {
			ev, err := eval.NewEvent(map[string]any{"Image": `\tool.exe`, "CommandLine": text("a", "A", "b", "*", "?", `\`, " -", ".", " /", "c")})
			if err != nil {
				t.Fatal(err)
			}
			if was, is := eval.Rule(old.Rule, ev), eval.Rule(new.Rule, ev); was != is {
				t.Fatalf("%v: it was %v and is %v\n%s\n%s", ev, was, is, src, after)
			}
		}
	}
	t.Log(made)
	for _, id := range []string{"implied_value", "case_variant", "field_duplicate_value", "double_wildcard", "wildcards_instead_of_modifiers", "plain_regex"} {
		if made[id] < 5 {
			t.Errorf("%s: %d fixes", id, made[id])
		}
	}
}

// FuzzCheck holds that no file makes a check panic, and that fixes stay within
// it.
func FuzzCheck(f *testing.F) {
	f.Add(sound)
	for _, ex := range examples {
		f.Add(strings.Replace(sound, ex.old, ex.new, 1))
	}
	for _, re := range []string{`(a)\1`, `(?>a+)b`, `a++b`, `(?=a)b`, `(?<!a)b`, `(?<n>a)\k<n>`, `\p{L}`, `(a|aa)+$`, `x{1000}`} {
		f.Add(strings.Replace(sound, `Image|endswith: '\tool.exe'`, "Image|re: '"+re+"'", 1))
	}
	f.Fuzz(func(t *testing.T, src string) {
		o := options()
		o.Budget = 2000
		for _, x := range Run([]File{{"a.yml", "a.yml", []byte(src)}}, o) {
			if x.Fix != nil {
				Apply([]byte(src), []*Fix{x.Fix})
			}
		}
	})
}
