package drift

import (
	"strings"
	"testing"

	"sigmac"
	"sigmac/internal/deploy"
	"sigmac/internal/link"
	"sigmac/parser"
	"sigmac/targets"
)

func correlated(t *testing.T, target, text string) *Rule {
	t.Helper()
	c := parser.Parse("c.yml", []byte(text))
	cs := link.NewCorrelations(c.Documents, nil)
	for res := range sigmac.Compile(c, sigmac.Options{Mappings: []sigmac.Mapping{sigmac.DefaultMapping(targets.Must(target))}, Correlations: cs, Own: true}) {
		if res.Document.Correlation == nil {
			continue
		}
		if len(res.Errors) > 0 {
			t.Fatal(res.Errors[0])
		}
		d := res.Document
		return &Rule{Meta: d.Correlation.Meta, Path: d.Path, ID: d.ID, Title: d.Title, Result: res, Detection: &deploy.Detection{ID: d.ID, Rule: d.ID, Title: d.Title, Query: res.Queries[0], Language: language[target], Enabled: true}}
	}
	return nil
}

const logons = `title: Logon
name: logon
logsource: {category: process_creation, product: windows}
detection:
  sel:
    Image|endswith: '\whoami.exe'
    CommandLine|contains: '/all'
  condition: sel
---
title: Other
name: other
logsource: {category: process_creation, product: windows}
detection:
  sel:
    Image|endswith: '\x.exe'
  condition: sel
---
title: Many
id: 8b5f0c1e-0c0a-4a53-9a9b-2f6f0f0b0011
`

const counted = `correlation:
  type: event_count
  rules: [logon]
  group-by: [Computer]
  timespan: 5m
  condition: {gte: 2}
`

const series = `correlation:
  type: temporal_ordered
  rules: [logon, other]
  group-by: [Computer]
  timespan: 5m
`

// TestCorrelations holds what is said of edits of the queries of correlations.
func TestCorrelations(t *testing.T) {
	for _, c := range []struct{ target, text, old, new, want string }{
		{"splunk", counted, `Image="*\\whoami.exe" CommandLine="*/all*"`, `CommandLine="*/all*" Image="*\\whoami.exe"`, "rewritten"},
		{"splunk", counted, "count>=2", "count>=3", "query narrower"},
		{"splunk", counted, "stats count", "foo count", "unjudged"},
		{"kusto", counted, `FolderPath endswith @"\whoami.exe" and ProcessCommandLine contains "/all"`, `ProcessCommandLine contains "/all" and FolderPath endswith @"\whoami.exe"`, "rewritten"},
		{"kusto", counted, "<= 5m", "<= 1h", "query wider"},
		{"elastic", series, `?event.code : "1" and ?process.executable : """*\whoami.exe"""`, `?process.executable : """*\WHOAMI.exe""" and ?event.code : "1"`, "rewritten"},
		{"elastic", series, "maxspan=5m", "maxspan=300s", "rewritten"},
		{"elastic", series, "maxspan=5m", "maxspan=10m", "query wider"},
		{"elastic", series, "?process.command_line", "process.command_line", "unjudged"},
	} {
		r := correlated(t, c.target, logons+c.text)
		d := *r.Detection
		if d.Query = strings.ReplaceAll(d.Query, c.old, c.new); d.Query == r.Detection.Query {
			t.Errorf("no %s in %s", c.old, d.Query)
			continue
		}
		e := Compare([]*Rule{r}, []*deploy.Detection{&d}, options)[0]
		if got := text(e); got != c.want {
			t.Errorf("%s, %s -> %s: %q, want %q: %+v", c.target, c.old, c.new, got, c.want, e.Differences)
		}
		for _, x := range e.Differences {
			if x.Kind == Query && !strings.Contains(x.Reason, "in the events") {
				t.Errorf("%s: no stream of events: %+v", c.new, x)
			}
		}
	}
}
