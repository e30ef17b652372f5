package samples

import (
	"encoding/json"
	"regexp/syntax"
	"strings"
	"testing"
	"time"

	"sigmac"
	"sigmac/parser"
	"sigmac/targets"
	"sigmac/verify"
)

var at = time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)

// made are the events of a rule at a target by its own pipelines, as JSON, or the error.
func made(t *testing.T, target, source, detection string) string {
	t.Helper()
	rule := "title: T\nlogsource: " + source + "\ndetection:\n  s: " + detection + "\n  condition: s\n"
	var out strings.Builder
	for res := range sigmac.Compile(parser.Parse("rule.yml", []byte(rule)), sigmac.Options{Mappings: []sigmac.Mapping{sigmac.DefaultMapping(targets.Must(target))}}) {
		m, err := Make(res, 1, verify.DefaultBudget, at)
		if err != nil {
			return err.Error()
		}
		for _, e := range m.Events {
			text, err := json.Marshal(e.Fields)
			if err != nil {
				t.Fatal(err)
			}
			if out.WriteString("no "); e.Matches {
				out.Reset()
			}
			out.Write(text)
			out.WriteString("\n")
			if e.Matches {
				break // the first is enough
			}
		}
	}
	return out.String()
}

func TestMake(t *testing.T) {
	for _, c := range []struct{ target, source, detection, want string }{
		// What says which log source an event is of, and the time.
		{"splunk", "{product: windows, category: dns_query}", "{QueryName: A.example}",
			`{"EventCode":22,"QueryName":"A.example","_time":1770091506,"source":"WinEventLog:Microsoft-Windows-Sysmon/Operational"}`},
		{"elastic", "{product: windows, category: dns_query}", "{QueryName: A.example}",
			`{"@timestamp":"2026-02-03T04:05:06Z","dns.question.name":"A.example","event.category":"network","event.code":"22","winlog.channel":"Microsoft-Windows-Sysmon/Operational"}`},
		// A place in a column of JSON.
		{"kusto", "{product: windows, category: dns_query}", "{QueryName: A.example}",
			`{"ActionType":"DnsQueryResponse","AdditionalFields":{"DnsQueryString":"A.example"},"Timestamp":"2026-02-03T04:05:06Z"}`},
		// A column that the query computes of another by an expression.
		{"kusto", "{category: proxy}", "{c-uri-extension: exe}",
			`{"EventType":"HTTPsession","TimeGenerated":"2026-02-03T04:05:06Z","Url":"/.exe#"}`},
		// One value of a field, where one passes all tests.
		{"splunk", "{product: windows, category: dns_query}", "{QueryName|contains|all: [ab, cd]}",
			`{"EventCode":22,"QueryName":"abcd","_time":1770091506,"source":"WinEventLog:Microsoft-Windows-Sysmon/Operational"}`},
		// Two fields that are the same.
		{"splunk", "{product: windows, category: process_creation}", "{Image|endswith: '\\x.exe', Image|fieldref: ParentImage}",
			`{"EventCode":1,"Image":"\\x.exe","ParentImage":"\\x.exe","_time":1770091506,"source":"WinEventLog:Microsoft-Windows-Sysmon/Operational"}`},
		// A test that the type of a column never passes.
		{"kusto", "{product: windows, category: network_connection}", "{DestinationPort: many}", "no event matches the rule"},
	} {
		if got := strings.TrimSpace(made(t, c.target, c.source, c.detection)); got != c.want {
			t.Errorf("%s: %s: %s\nwant %s", c.target, c.detection, got, c.want)
		}
	}
}

// TestFilled holds that a text is made of which an expression takes out what is wanted.
func TestFilled(t *testing.T) {
	for _, c := range []struct{ re, v, want string }{
		{`"name":"((?:[^"\\]|\\.)*)"`, "v", `"name":"v"`},
		{`(?:^|;)key=([^;]*)`, "v", "key=v"},
		{`^(?:[a-z]+://)?([^/]*)(/|$)`, "v", "v/"},
		{`"a":(\{[^}]*\})`, "", `"a":{}`},
		{`a{2}b+(c)(d)`, "v", "aabvd"},
	} {
		re, err := syntax.Parse(c.re, syntax.Perl)
		if err != nil {
			t.Fatal(err)
		}
		if got := filled(re, c.v); got != c.want {
			t.Errorf("%s: %s, want %s", c.re, got, c.want)
		}
	}
	if got := quotedTexts(`extract(@'"a":"(b)"', 1, "c`); len(got) != 1 || got[0] != `"a":"(b)"` {
		t.Errorf("%q", got)
	}
}
