package splunk

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"sigmac/backends"
	"sigmac/ir"
)

// Replay runs events and queries on a Splunk, and reads what its REST API exports.
func Replay() *backends.Replay {
	return &backends.Replay{Files: replayFiles, Answer: replayAnswer, Probes: probes, Unprobed: unprobed}
}

// replayHost is the host of all events of a kit.
const replayHost = "sigmac-replay"

// replayFiles are events for the HTTP Event Collector, settings, and queries.
func replayFiles(k backends.ReplayKit) (map[string]string, error) {
	out := map[string]string{"README.md": replayReadme, "run.sh": replayScript}
	var data bytes.Buffer
	enc := json.NewEncoder(&data)
	enc.SetEscapeHTML(false)
	lists := map[string]bool{} // fields that have several values in some event
	for _, t := range k.Tables {
		for _, fields := range t.Events {
			event := map[string]any{"host": replayHost, "sourcetype": "sigmac_replay"}
			in := map[string]any{}
			for name, v := range fields {
				switch name {
				case "_time":
					event["time"] = v
				case "host", "source", "sourcetype", "index":
					event[name] = v
				case "_raw": // what is searched stands in the text all the same
					in["text"] = v
				default:
					in[name] = v
				}
				if _, several := v.([]any); several {
					lists[name] = true
				}
			}
			event["event"] = in
			if err := enc.Encode(event); err != nil {
				return nil, err
			}
		}
	}
	out["data.ndjson"] = data.String()
	props := "# Events of the kit are JSON in one line.\n[host::" + replayHost + "]\nKV_MODE = json\nTRUNCATE = 0\n"
	for i, name := range slices.Sorted(maps.Keys(lists)) { // JSON's lists get other names
		props += fmt.Sprintf("FIELDALIAS-sigmac%d = \"%s{}\" ASNEW \"%s\"\n", i+1, name, name)
	}
	out["props.conf"] = props
	for _, q := range k.Queries {
		text := q.Text
		if !strings.HasPrefix(strings.TrimSpace(text), "|") {
			text = "search " + text
		}
		out["queries/"+q.Name+".spl"] = text + "\n| table " + backends.EventID + "\n"
	}
	return out, nil
}

const replayScript = `#!/bin/sh
# Sends the events and asks the queries. TOKEN is one of the HTTP Event Collector, LOGIN a user with a password.
cd "$(dirname "$0")" || exit 2
HEC=${HEC:-https://localhost:8088} API=${API:-https://localhost:8089} LOGIN=${LOGIN:-admin:changeme}
if [ "$1" != queries ]; then
	curl -sSk "$HEC/services/collector/event" -H "Authorization: Splunk $TOKEN" --data-binary @data.ndjson || exit 1
	echo
	sleep 30 # until they are indexed
fi
mkdir -p results
for f in queries/*.spl; do
	curl -sSk -u "$LOGIN" "$API/services/search/jobs/export" --data-urlencode "search@$f" -d output_mode=json -d earliest_time=0 -d latest_time=now \
		>"results/$(basename "$f" .spl).json" || exit 1
done
`

const replayReadme = `# Replay on Splunk

In a Splunk Enterprise of your own (its trial and its free license do) in which the kit is alone:

1. Put what props.conf says into $SPLUNK_HOME/etc/apps/search/local/props.conf, and restart Splunk (Admin Manual: props.conf).
2. Make a token of the HTTP Event Collector, and the indexes that data.ndjson names beside main
   (Getting Data In: Set up and use HTTP Event Collector in Splunk Web).
3. Send data.ndjson and ask the queries, through the collector on port 8088 and the REST API on port 8089
   (Search endpoint descriptions: search/jobs/export):

       TOKEN=… LOGIN=admin:PASSWORD sh run.sh

   "sh run.sh queries" asks the queries alone. The free license has no users: the API is then asked from the same machine.
4. sigmac sample --judge results .

Answers exported in another way go into results/ under the name of their query: results/NAME.json, a line for each
result ({"result":{"sigmac_id":"fold.1"}}), or {"results":[{"sigmac_id":"fold.1"}]}.
`

// replayAnswer reads lines of search/jobs/export, or an object with all results.
func replayAnswer(name string, text []byte) ([]string, error) {
	if path.Ext(name) == ".csv" {
		return nil, errors.New("results are read as JSON")
	}
	type row map[string]any
	out := []string{}
	add := func(r row) error {
		id, ok := r[backends.EventID]
		if !ok {
			return errors.New("a result without " + backends.EventID)
		}
		out = append(out, fmt.Sprint(id))
		return nil
	}
	at := int64(0)
	for line := range bytes.Lines(text) {
		start := at
		at += int64(len(line))
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		var one struct {
			Preview  bool                          `json:"preview"`
			Result   row                           `json:"result"`
			Results  []row                         `json:"results"`
			Messages []struct{ Type, Text string } `json:"messages"`
		}
		if err := backends.DecodeAnswer(line, &one); err != nil {
			if e := (*ir.Diagnostic)(nil); errors.As(err, &e) {
				e.Pos.Line += backends.PlaceIn(text, start).Line - 1
			}
			return nil, err
		}
		for _, m := range one.Messages {
			if m.Type == "ERROR" || m.Type == "FATAL" {
				return nil, &backends.Refused{Says: m.Text}
			}
		}
		if one.Preview {
			continue
		}
		if one.Result != nil {
			one.Results = append(one.Results, one.Result)
		}
		for _, r := range one.Results {
			if err := add(r); err != nil {
				return nil, &ir.Diagnostic{Pos: backends.PlaceIn(text, start), Msg: err.Error()}
			}
		}
	}
	return out, nil
}

// probes are those of Splunk's assumptions.
func probes() []backends.Probe {
	of := backends.ProbesOf
	query := func(name, rest string) string { return "sigmac_probe=" + name + " " + rest }
	many := map[string]any{"f": "foo"}
	for i := range 120 {
		many[fmt.Sprintf("a%03d", i)] = "x"
	}
	return []backends.Probe{
		{Name: "ip-text", Of: "ip-text", Says: "addresses that are written otherwise", Detection: "{f|cidr: 10.0.0.0/8}",
			On: of("f", "010.0.0.1", "10.0.0.0/8", "10.1"), Beside: of("f", "10.1.2.3", "11.0.0.1")},
		{Name: "ip-zone", Of: "ip-text", Says: "an IPv6 address with a zone", Detection: "{f|cidr: 'fe80::/10'}",
			On: of("f", "fe80::1%eth0"), Beside: of("f", "fe80::1", "fd00::1")},
		{Name: "number-equality", Of: "splunk/number-equality", Says: "a number that is written otherwise", Detection: "{n: 5}",
			On: of("n", json.Number("5.0"), json.Number("5e0"), "05", "+5", "0x5"), Beside: of("n", json.Number("5"), "6")},
		{Name: "order-texts", Of: "splunk/number-order", Says: "what is no number beside a number", Query: query("order-texts", "n>5"),
			Types: map[string]ir.Type{"n": ir.Numeric}, On: of("n", "10", "x", ""), Beside: of("n", "6", "4")},
		{Name: "any-value", Of: "splunk/any-value", Says: "the empty text under f=*", Query: query("any-value", "f=*"),
			Types: map[string]ir.Type{"f": ir.Text}, On: of("f", ""), Beside: []map[string]any{{"f": "x"}, {"g": "x"}}},
		{Name: "searchmatch", Of: "splunk/searchmatch", Says: "a wildcard beside punctuation", Detection: "{f: 'ab*-c.d*e'}",
			On: of("f", "abx-c.dxe", "ab-y-c.d\te", "AB-c.de"), Beside: of("f", "ab-c.d")},
		{Name: "mvfind", Of: "splunk/mvfind", Says: "one value, several and none under mvfind", Detection: "{f|cased: Foo}",
			On: []map[string]any{{"f": "Foo"}, {"g": "x"}, {"f": []any{"x", "Foo"}}}, Beside: of("f", "foo")},
		{Name: "mvfind-not", Of: "splunk/mvfind", Says: "one value, several and none under a not", Detection: "{f|cased: Foo}", Condition: "not s",
			On: []map[string]any{{"f": "Foo"}, {"g": "x"}, {"f": []any{"x", "Foo"}}}, Beside: of("f", "foo")},
		{Name: "several-order", Of: "splunk/single-value", Says: "several values in an ordering", Detection: "{n|gt: 5}",
			On: of("n", []any{"4", "6"}), Beside: of("n", "6", "4")},
		{Name: "fieldref-text", Of: "splunk/fieldref-text", Says: "two numbers that are written differently", Detection: "{f|fieldref: g}",
			On: []map[string]any{{"f": "5", "g": "05"}, {"f": "5", "g": "5.0"}}, Beside: []map[string]any{{"f": "5", "g": "5"}, {"f": "a", "g": "b"}}},
		{Name: "unicode", Of: "splunk/unicode", Says: "letters outside ASCII in another case", Detection: "{f: 'ÉÄΔЖ'}",
			On: of("f", "éäδж"), Beside: of("f", "ÉÄΔЖ", "eadz")},
		{Name: "unicode-re", Of: "splunk/unicode", Says: "a character of several bytes in an expression", Detection: "{f|re: '^ö.b$'}",
			On: of("f", "öéb", "ö𝄞b", "öb", "öxb"), Beside: of("f", "axxb")},
		{Name: "pcre-limits", Of: "splunk/pcre-limits", Says: "an expression that tries much", Detection: "{f|re: '^(a+)+b?$'}",
			On: of("f", strings.Repeat("a", 28)), Beside: of("f", "aab", "ba")},
		{Name: "many-fields", Of: "splunk/extraction-limits", Says: "a field behind a hundred others", Detection: "{f: foo}", Condition: "not s",
			On: []map[string]any{many}, Beside: of("f", "foo", "bar")},
		{Name: "long-event", Of: "splunk/extraction-limits", Says: "a field behind ten thousand characters", Detection: "{f: foo}", Condition: "not s",
			On: []map[string]any{{"a": strings.Repeat("x", 12_000), "f": "foo"}}, Beside: of("f", "foo", "bar")},
		{Name: "json-null", Of: "splunk/json-null", Says: "a null of JSON under a pattern that the text null matches", Detection: "{f: 'n*'}",
			On: of("f", nil), Beside: of("f", "null", "x")},
		{Name: "json-null-null", Of: "splunk/json-null", Says: "a null of JSON as no value", Detection: "{f: null}",
			On: of("f", nil), Beside: []map[string]any{{"f": "x"}, {"g": "x"}}},
	}
}

// unprobed are the assumptions that no event of a kit shows.
func unprobed() map[string]string {
	correlation, model := "it is about the queries of correlations", "it is about searches of data models"
	return map[string]string{
		"splunk/indexed-value":     "it is about what fields.conf and calculated fields say of a field",
		"splunk/time-zone":         "it is about the user who searches",
		"splunk/lookup":            "it is about files of lookups",
		"splunk/memory":            "it is about the limits of memory of a server",
		"splunk/sort-limit":        correlation,
		"splunk/stream-window":     correlation,
		"splunk/stream-null":       correlation,
		"splunk/time-window":       correlation,
		"splunk/tie-order":         correlation,
		"splunk/chart-range":       correlation,
		"splunk/empty-group":       correlation,
		"splunk/double-sums":       correlation,
		"splunk/tstats-value":      model,
		"splunk/tstats-summaries":  model,
		"splunk/tstats-precedence": model,
	}
}
