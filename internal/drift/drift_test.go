package drift

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"sigmac"
	"sigmac/internal/deploy"
	"sigmac/parser"
	"sigmac/targets"
	"sigmac/verify"
)

const rulesText = `title: Whoami
id: 8b5f0c1e-0c0a-4a53-9a9b-2f6f0f0b0001
level: high
logsource: {category: process_creation, product: windows}
detection:
  sel:
    Image|endswith: '\whoami.exe'
    CommandLine|contains: ['/all', '/priv']
  condition: sel
---
title: Certutil Download
id: 8b5f0c1e-0c0a-4a53-9a9b-2f6f0f0b0002
level: medium
logsource: {category: process_creation, product: windows}
detection:
  sel:
    Image|endswith: '\certutil.exe'
    CommandLine|contains|all: ['urlcache', 'http']
  known:
    ParentImage|endswith: '\ccmexec.exe'
  condition: sel and not known
---
title: Mimikatz
id: 8b5f0c1e-0c0a-4a53-9a9b-2f6f0f0b0003
level: critical
logsource: {category: process_creation, product: windows}
detection:
  sel:
    CommandLine|contains: 'sekurlsa::'
  condition: sel
`

// language is that of the queries of a target.
var language = map[string]string{"splunk": "splunk", "kusto": "kusto", "elastic": "eql"}

// rulesOf are rules with the detections that they become for a target.
func rulesOf(t *testing.T, target, text string) (out []*Rule) {
	t.Helper()
	tg := targets.Must(target)
	o := sigmac.Options{Mappings: []sigmac.Mapping{sigmac.DefaultMapping(tg)}}
	for res := range sigmac.Compile(parser.Parse("rules.yml", []byte(text)), o) {
		if len(res.Errors) > 0 {
			t.Fatal(res.Errors[0])
		}
		d := res.Document
		for i, q := range res.Queries {
			out = append(out, &Rule{Meta: d.Rule.Meta, Path: d.Path, Pos: d.Pos, ID: d.ID, Title: d.Title, Result: res, Query: i,
				Detection: &deploy.Detection{ID: deploy.UUID(target, d.ID), Rule: d.ID, Title: d.Title, Query: q, Language: language[target], Enabled: true,
					Settings: []deploy.Setting{{Kind: deploy.Schedule, Name: "every", Value: "PT1H"}, {Kind: deploy.Severity, Name: "severity", Value: d.Rule.Meta.Level},
						{Kind: deploy.Actions, Name: "webhook", Value: ""}, {Kind: deploy.Text, Name: "title", Value: d.Title}}}})
		}
	}
	return out
}

// deployedOf are copies of the detections of rules.
func deployedOf(rules []*Rule) (out []*deploy.Detection) {
	for _, r := range rules {
		d := *r.Detection
		d.Settings = slices.Clone(d.Settings)
		out = append(out, &d)
	}
	return out
}

// text are the differences of an entry: `query narrower, schedule`.
func text(e Entry) string {
	var parts []string
	for _, d := range e.Differences {
		s := string(d.Kind)
		if d.Direction != "" && d.Kind != Bounds {
			s += " " + d.Direction
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, ", ")
}

var options = Options{Budget: verify.DefaultBudget}

// TestEdits holds what is said of known edits of one deployed detection, and that each event
// shown tells the rule from what is deployed.
func TestEdits(t *testing.T) {
	replace := func(old, new string) func(*deploy.Detection) {
		return func(d *deploy.Detection) {
			if !strings.Contains(d.Query, old) {
				panic("no " + old + " in " + d.Query)
			}
			d.Query = strings.ReplaceAll(d.Query, old, new)
		}
	}
	query := func(q string) func(*deploy.Detection) { return func(d *deploy.Detection) { d.Query = q } }
	set := func(i int, value string) func(*deploy.Detection) {
		return func(d *deploy.Detection) { d.Settings[i].Value = value }
	}
	for _, c := range []struct {
		name, target string
		edit         func(*deploy.Detection)
		want         string
	}{
		{"nothing", "splunk", func(*deploy.Detection) {}, ""},
		{"layout", "kusto", replace(" and ", "\n    and "), "rewritten"},
		{"ends of lines", "kusto", func(d *deploy.Detection) { d.Query += "  \r\n" }, ""},
		{"disabled", "splunk", func(d *deploy.Detection) { d.Enabled = false }, "enabled"},
		{"an index", "splunk", func(d *deploy.Detection) { d.Query = "index=main " + d.Query }, "bounds, rewritten"},
		{"a time bound", "splunk", func(d *deploy.Detection) { d.Query = "earliest=-1h " + d.Query }, "bounds, rewritten"},
		{"a time bound", "kusto", func(d *deploy.Detection) { d.Query += "\n| where Timestamp > ago(1h)" }, "bounds, rewritten"},
		{"a time bound and another stage", "kusto", func(d *deploy.Detection) { d.Query += "\n| where Timestamp > ago(1h)\n| take 10" }, "unjudged, bounds"},
		{"narrower", "kusto", replace(`"/priv"`, `"/privileges"`), "query narrower"},
		{"wider", "kusto", replace(`"/priv"`, `"/p"`), "query wider"},
		{"another", "kusto", replace(`"/priv"`, `"/groups"`), "query both"},
		{"narrower by a condition", "splunk", func(d *deploy.Detection) { d.Query += ` User="bob"` }, "query narrower"},
		{"narrower by a condition", "elastic", func(d *deploy.Detection) { d.Query += ` and user.name == "bob"` }, "query narrower"},
		{"fewer sources", "splunk", replace(`source IN ("WinEventLog:Microsoft-Windows-Sysmon/Operational", "XmlWinEventLog:Microsoft-Windows-Sysmon/Operational")`, `source="WinEventLog:Microsoft-Windows-Sysmon/Operational"`), "scope narrower, rewritten"},
		{"more sources", "splunk", replace(`source IN ("WinEventLog:Microsoft-Windows-Sysmon/Operational", "XmlWinEventLog:Microsoft-Windows-Sysmon/Operational") `, ""), "scope wider, rewritten"},
		{"a table", "kusto", replace("DeviceProcessEvents", "DeviceEvents"), "scope both, rewritten"},
		{"unread", "kusto", query("DeviceProcessEvents | where"), "unjudged"},
		{"a stage", "kusto", func(d *deploy.Detection) { d.Query += "\n| take 10" }, "unjudged"},
		{"no query", "kusto", query(" "), "unjudged"},
		{"another language, which minds case", "elastic", func(d *deploy.Detection) {
			d.Language, d.Query = "kuery", `winlog.channel : "Microsoft-Windows-Sysmon/Operational" and event.code : 1 and process.executable : *\\whoami.exe and process.command_line : (*/all* or */priv*)`
		}, "query narrower, scope both"},
		{"a language", "elastic", func(d *deploy.Detection) { d.Language = "esql" }, "unjudged"},
		{"the schedule", "splunk", set(0, "P1D"), "schedule"},
		{"the severity", "splunk", set(1, "low"), "severity"},
		{"an action", "splunk", set(2, "https://token@example.org"), "actions"},
		{"an added setting", "splunk", func(d *deploy.Detection) {
			d.Settings = append(d.Settings, deploy.Setting{Kind: deploy.Suppression, Name: "for", Value: "PT1H"})
		}, "suppression"},
		{"the title", "splunk", func(d *deploy.Detection) { d.Title, d.Settings[3].Value = "Another", "Another" }, "text"},
		{"several", "splunk", func(d *deploy.Detection) {
			d.Enabled, d.Settings[0].Value, d.Query = false, "P1D", strings.ReplaceAll(d.Query, "whoami", "who")
		}, "enabled, query both, schedule"},
		{"changed ids", "splunk", func(d *deploy.Detection) { d.ID, d.Rule = "x", "" }, ""},
		{"changed ids and title", "kusto", func(d *deploy.Detection) {
			d.ID, d.Rule, d.Title, d.Settings[3].Value = "x", "", "Y", "Y"
			d.Query = strings.ReplaceAll(d.Query, " and ", "\nand ")
		}, "text, rewritten"},
	} {
		t.Run(c.target+" "+c.name, func(t *testing.T) {
			rules := rulesOf(t, c.target, rulesText)
			deployed := deployedOf(rules)
			c.edit(deployed[0])
			entries := Compare(rules, deployed, options)
			if got := text(entries[0]); got != c.want || len(entries) != len(rules) || text(entries[1])+text(entries[2]) != "" {
				t.Errorf("%q (%q, %q of %d), want %q\n%s\n%+v", got, text(entries[1]), text(entries[2]), len(entries), c.want, deployed[0].Query, entries[0].Differences)
			}
			for _, d := range entries[0].Differences {
				if d.Kind == Query && len(d.Missed)+len(d.Gained) == 0 {
					t.Errorf("no event: %+v", d)
				}
				if d.Kind == Query && d.Direction == "both" && (len(d.Missed) == 0 || len(d.Gained) == 0) {
					t.Errorf("no event of one direction: %+v", d)
				}
			}
		})
	}
}

// TestMatch holds which detection belongs to which rule.
func TestMatch(t *testing.T) {
	rules := rulesOf(t, "splunk", rulesText)
	for _, c := range []struct {
		name string
		edit func(ds []*deploy.Detection) []*deploy.Detection
		want string
	}{
		{"by id", func(ds []*deploy.Detection) []*deploy.Detection { ds[0].Title = ds[1].Title; return ds }, "id:0 id:1 id:2"},
		{"another order", func(ds []*deploy.Detection) []*deploy.Detection { slices.Reverse(ds); return ds }, "id:2 id:1 id:0"},
		{"by the id of the rule", func(ds []*deploy.Detection) []*deploy.Detection {
			ds[0].ID, ds[0].Rule = "x", strings.ToUpper(ds[0].Rule)
			return ds
		}, "id:0 id:1 id:2"},
		{"by title", func(ds []*deploy.Detection) []*deploy.Detection {
			ds[0].ID, ds[0].Rule, ds[0].Title = "x", "", " WHOAMI "
			return ds
		}, "title:0 id:1 id:2"},
		{"two of a title", func(ds []*deploy.Detection) []*deploy.Detection {
			ds[0].ID, ds[0].Rule, ds[0].Query = "x", "", "index=a"
			return append(ds, &deploy.Detection{ID: "y", Title: "Whoami", Query: "index=b", Language: "splunk"})
		}, "-:- id:1 id:2 x y"},
		{"by meaning", func(ds []*deploy.Detection) []*deploy.Detection {
			ds[0].ID, ds[0].Rule, ds[0].Title = "x", "", "X"
			ds[1].ID, ds[1].Rule, ds[1].Title, ds[1].Query = "y", "", "Y", strings.ReplaceAll(ds[1].Query, "http", "ftp")
			return ds
		}, "meaning:0 -:- id:2 y"},
		{"twice", func(ds []*deploy.Detection) []*deploy.Detection {
			again := *ds[0]
			again.ID = "x"
			return append([]*deploy.Detection{&again}, ds...)
		}, "id:1 id:2 id:3 x"},
		{"twice under other ids and titles", func(ds []*deploy.Detection) []*deploy.Detection {
			again := *ds[0]
			ds[0].ID, ds[0].Title, again.ID, again.Title = "x", "X", "y", "Y"
			return append(ds, &again)
		}, "id:0 id:1 id:2 y"},
		{"missing", func(ds []*deploy.Detection) []*deploy.Detection { return ds[1:] }, "-:- id:0 id:1"},
	} {
		deployed := c.edit(deployedOf(rules))
		var got []string
		for _, e := range Compare(rules, deployed, options) {
			switch {
			case e.Rule == nil:
				got = append(got, e.Deployed.ID)
			case e.Deployed == nil:
				got = append(got, "-:-")
			default:
				got = append(got, fmt.Sprintf("%s:%d", e.By, slices.Index(deployed, e.Deployed)))
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// TestWithout holds what is said where a rule or a detection stands alone.
func TestWithout(t *testing.T) {
	rules := rulesOf(t, "splunk", rulesText)
	deployed := deployedOf(rules)
	rules[0].Left, rules[0].Detection, rules[0].Reason = true, nil, "its status is deprecated"
	rules[1].Detection, rules[1].Reason = nil, "it has no query"
	again := *deployed[2]
	again.ID = "again"
	deployed = append(deployed, &again, &deploy.Detection{ID: "a", Title: "A", Rule: "8b5f0c1e-0c0a-4a53-9a9b-2f6f0f0b0009"}, &deploy.Detection{ID: "b", Title: "B"})
	var got []string
	for _, e := range Compare(rules, deployed, options) {
		got = append(got, text(e)+":"+string(e.Action()))
	}
	if want := "extra:delete unjudged:blocked :none unmanaged:left extra:delete unmanaged:left"; strings.Join(got, " ") != want {
		t.Errorf("%q, want %q", got, want)
	}
	got = nil
	for _, e := range Compare(rules, nil, options) {
		got = append(got, text(e)+":"+string(e.Action()))
	}
	if want := "missing:create"; strings.Join(got, " ") != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestPlan holds what applying does to what is deployed under other ids, and the order.
func TestPlan(t *testing.T) {
	rules := rulesOf(t, "kusto", rulesText)
	deployed := deployedOf(rules)
	deployed[0].Query = strings.ReplaceAll(deployed[0].Query, `"/priv"`, `"/p"`) // applying makes it narrower
	deployed[1].Query = strings.ReplaceAll(deployed[1].Query, `"urlcache"`, `"urlcaches"`)
	deployed[2].ID = "moved"
	deployed = append(deployed, &deploy.Detection{ID: "gone", Rule: "8b5f0c1e-0c0a-4a53-9a9b-2f6f0f0b0009"})
	entries := Compare(rules, deployed, options)
	order := func() string {
		var got []string
		for _, e := range entries {
			becomes := ""
			if len(e.Differences) > 0 {
				becomes = e.Differences[0].Becomes()
			}
			got = append(got, string(e.Action())+":"+becomes)
		}
		return strings.Join(got, " ")
	}
	SortPlan(entries)
	if want := "delete: replace: change:narrower change:wider"; order() != want {
		t.Errorf("%q, want %q", order(), want)
	}
	Sort(entries)
	if want := "change:wider change:narrower delete: replace:"; order() != want {
		t.Errorf("%q, want %q", order(), want)
	}
	if create, change, remove := Counts(entries); create != 1 || change != 2 || remove != 2 {
		t.Errorf("%d to create, %d to change, %d to delete", create, change, remove)
	}
	deployed[2].Rule = ""
	if got := Compare(rules, deployed, options)[2]; got.Action() != Create || got.By != ByTitle {
		t.Errorf("%s %s", got.Action(), got.By)
	}
}

// TestFails holds which words of --fail-on take which differences.
func TestFails(t *testing.T) {
	for _, c := range []struct {
		d    Difference
		want string
	}{
		{Difference{Kind: Query, Direction: "wider"}, "any wider query"},
		{Difference{Kind: Query, Direction: "both"}, "any narrower wider query"},
		{Difference{Kind: Missing}, "any missing"},
		{Difference{Kind: Unmanaged}, "unmanaged"},
		{Difference{Kind: Bounds, Direction: "narrower"}, "bounds"},
		{Difference{Kind: Rewritten}, "rewritten"},
		{Difference{Kind: deploy.Severity}, "any severity"},
	} {
		var got []string
		for _, w := range Failures() {
			if (Entry{Differences: []Difference{c.d}}).Fails([]string{w}) {
				got = append(got, w)
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%+v fails on %q, want %q", c.d, got, c.want)
		}
	}
}

// TestStages holds what is said where a package adds stages to the query of a rule, which no
// proof of the rule is about.
func TestStages(t *testing.T) {
	for _, c := range []struct{ name, was, is, want string }{
		{"the same", "", " | head 5", "rewritten"},
		{"a time bound", "earliest=-1d ", " | head 5", "bounds, rewritten"},
		{"another stage", "", " | head 6", "unjudged"},
		{"an index", "index=main ", " | head 5", "bounds, rewritten"},
		{"an index and another stage", "index=main ", " | head 6", "bounds, unjudged"},
	} {
		rules := rulesOf(t, "splunk", rulesText)
		query := rules[0].Detection.Query
		rules[0].Detection.Query += " | head 5"
		deployed := deployedOf(rules)
		moved := strings.Replace(query, "EventCode=1 ", "", 1) + " EventCode=1"
		if moved == query+" EventCode=1" {
			t.Fatal(query)
		}
		deployed[0].Query = c.was + moved + c.is
		entry := Compare(rules, deployed, options)[0]
		slices.SortFunc(entry.Differences, func(a, b Difference) int { return strings.Compare(string(a.Kind), string(b.Kind)) })
		if got := text(entry); got != c.want {
			t.Errorf("%s: %q, want %q: %+v", c.name, got, c.want, entry.Differences)
		}
	}
}

// TestOwnScope holds what is said where the package of a rule looks in an index that the rule does
// not name, as the postprocessing of a pipeline can say.
func TestOwnScope(t *testing.T) {
	for _, c := range []struct{ index, want string }{
		{"index=main ", "rewritten"}, {"", "rewritten, scope unknown"}, {"index=other ", "rewritten, scope unknown"}, {"index=main latest=now ", "bounds, rewritten"},
	} {
		rules := rulesOf(t, "splunk", rulesText)
		query := rules[0].Detection.Query
		rules[0].Detection.Query = "index=main " + query
		deployed := deployedOf(rules)
		deployed[0].Query = c.index + strings.Replace(query, "EventCode=1 ", "", 1) + " EventCode=1"
		entry := Compare(rules, deployed, options)[0]
		slices.SortFunc(entry.Differences, func(a, b Difference) int { return strings.Compare(string(a.Kind), string(b.Kind)) })
		if got := text(entry); got != c.want {
			t.Errorf("%q: %q, want %q: %+v", c.index, got, c.want, entry.Differences)
		}
		deployed[0].Query = strings.Replace(deployed[0].Query, "whoami", "who", 1)
		if got := text(Compare(rules, deployed, options)[0]); !strings.Contains(got, "query both") {
			t.Errorf("%q, another: %q", c.index, got)
		}
	}
}

// TestKeyword holds that a time bound is none of the conditions of a rule that asks for words of
// the whole event.
func TestKeyword(t *testing.T) {
	rules := rulesOf(t, "splunk", `title: Words
id: 8b5f0c1e-0c0a-4a53-9a9b-2f6f0f0b0021
logsource: {product: linux}
detection:
  words: ['Trojan*FOUND']
  condition: words
`)
	deployed := deployedOf(rules)
	deployed[0].Query = "earliest=-1d " + deployed[0].Query
	if got := text(Compare(rules, deployed, options)[0]); got != "bounds, rewritten" {
		t.Errorf("%q", got)
	}
}
