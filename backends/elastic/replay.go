package elastic

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

// Replay runs events and queries on an Elasticsearch, and reads what its EQL search answers.
func Replay() *backends.Replay {
	return &backends.Replay{Files: replayFiles, Answer: replayAnswer, Probes: probes, Unprobed: unprobed}
}

// replayIndex is the index of all events of a kit.
const replayIndex = "sigmac-replay"

// replayFiles are a template with the mapping of all fields, the events for the bulk API, and
// the queries, each as the body of a request too.
func replayFiles(k backends.ReplayKit) (map[string]string, error) {
	out := map[string]string{"README.md": replayReadme, "run.sh": replayScript}
	types := map[string]string{backends.EventID: "keyword", "@timestamp": "date", ir.CategoryField: "keyword"}
	var data strings.Builder
	for _, t := range k.Tables {
		for name, typ := range t.Types {
			types[name] = map[ir.Type]string{ir.Numeric: "double", ir.Boolean: "boolean", ir.Address: "ip", ir.Date: "date"}[typ]
			if types[name] == "" {
				types[name] = "keyword"
			}
		}
		text, err := Samples(t.Events, t.SampleTable)
		if err != nil {
			return nil, err
		}
		data.WriteString(text)
	}
	for _, t := range k.Tables {
		maps.Copy(types, t.Columns)
	}
	out["data.ndjson"] = data.String()
	properties := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(types)) {
		if err := property(properties, strings.Split(name, "."), types[name]); err != nil {
			return nil, err
		}
	}
	body := func(v any) string {
		text, _ := json.MarshalIndent(v, "", "  ") // of texts and maps
		return string(text) + "\n"
	}
	word := map[string]any{"type": "keyword", "ignore_above": 1024}
	out["template.json"] = body(map[string]any{"index_patterns": []string{replayIndex}, "template": map[string]any{"mappings": map[string]any{
		"dynamic_templates": []any{map[string]any{"texts": map[string]any{"match_mapping_type": "string", "mapping": word}}},
		"properties":        properties}}})
	for _, q := range k.Queries {
		out["queries/"+q.Name+".eql"] = q.Text + "\n"
		out["queries/"+q.Name+".json"] = body(map[string]any{"query": q.Text, "size": 10_000, "fetch_size": 1000})
	}
	return out, nil
}

// unmapped is a field of a probe that no index maps.
const unmapped = "sigmac_unmapped"

// property puts a field into a mapping.
func property(in map[string]any, name []string, typ string) error {
	if name[0] == unmapped {
		return nil
	}
	if len(name) > 1 {
		inner, ok := in[name[0]].(map[string]any)
		if !ok {
			inner = map[string]any{"properties": map[string]any{}}
			in[name[0]] = inner
		}
		below, ok := inner["properties"].(map[string]any)
		if !ok {
			return backends.Unsupported("elastic", ir.Pos{}, "the field "+strings.Join(name, ".")+" beside the field that it stands in", "")
		}
		return property(below, name[1:], typ)
	}
	field := map[string]any{"type": typ}
	switch typ {
	case "keyword", "wildcard":
		field["ignore_above"] = 1024
	case "object", "unindexed":
		field = map[string]any{"type": "object"}
	}
	in[name[0]] = field
	return nil
}

const replayScript = `#!/bin/sh
# Makes the index anew, loads the events and asks the queries. AUTH is user:password where the server wants one.
cd "$(dirname "$0")" || exit 2
SERVER=${SERVER:-http://localhost:9200}
send() {
	curl -sSk ${AUTH:+-u "$AUTH"} -X "$1" "$SERVER/$2" -H "Content-Type: $3" --data-binary "@$4"
}
curl -sSk ${AUTH:+-u "$AUTH"} -X DELETE "$SERVER/sigmac-replay?ignore_unavailable=true" >/dev/null
send PUT _index_template/sigmac-replay application/json template.json || exit 1
send POST 'sigmac-replay/_bulk?refresh=true&filter_path=errors,items.*.error' application/x-ndjson data.ndjson || exit 1
echo
mkdir -p results
for f in queries/*.json; do
	send POST sigmac-replay/_eql/search application/json "$f" >"results/$(basename "$f")" || exit 1
done
`

const replayReadme = `# Replay on Elasticsearch

With Docker (Elastic Docs: Install Elasticsearch with Docker):

    docker run -d -p 9200:9200 -e discovery.type=single-node -e xpack.security.enabled=false docker.elastic.co/elasticsearch/elasticsearch:9.1.0
    sh run.sh
    sigmac sample --judge results .

run.sh makes an index sigmac-replay by template.json, loads data.ndjson with the bulk API, and asks each query of queries/ with the
EQL search API (Elastic Docs: Create or update an index template; Bulk index or delete documents; Get EQL search results). With
a server that has users:

    SERVER=https://localhost:9200 AUTH=elastic:PASSWORD sh run.sh

It must say "errors":false. Answers had in another way, such as by the console of Kibana, go into results/ under the name of
their query: results/NAME.json, with hits.events.
`

// replayAnswer reads an answer of the EQL search API.
func replayAnswer(name string, text []byte) ([]string, error) {
	if path.Ext(name) == ".csv" {
		return nil, errors.New("results are read as JSON")
	}
	type event struct {
		ID     string         `json:"_id"`
		Source map[string]any `json:"_source"`
	}
	var answer struct {
		Error json.RawMessage `json:"error"`
		Hits  *struct {
			Events    []event                    `json:"events"`
			Sequences []struct{ Events []event } `json:"sequences"`
		} `json:"hits"`
	}
	if err := backends.DecodeAnswer(text, &answer); err != nil {
		return nil, err
	}
	switch {
	case len(answer.Error) > 0:
		return nil, &backends.Refused{Says: reason(answer.Error)}
	case answer.Hits == nil:
		return nil, errors.New("there are no hits")
	}
	events := answer.Hits.Events
	for _, s := range answer.Hits.Sequences {
		events = append(events, s.Events...)
	}
	out := []string{}
	for _, e := range events {
		id, ok := e.Source[backends.EventID]
		if !ok {
			return nil, fmt.Errorf("the event %s has no %s in its _source", e.ID, backends.EventID)
		}
		out = append(out, fmt.Sprint(id))
	}
	return out, nil
}

// reason is what an error says.
func reason(text json.RawMessage) string {
	var e struct {
		Reason string `json:"reason"`
		Root   []struct {
			Reason string `json:"reason"`
		} `json:"root_cause"`
	}
	_ = json.Unmarshal(text, &e) // else the text is shown
	switch {
	case len(e.Root) > 0 && e.Root[0].Reason != "":
		return e.Root[0].Reason
	case e.Reason != "":
		return e.Reason
	}
	return string(bytes.TrimSpace(text))
}

// probes are those of Elasticsearch's assumptions.
func probes() []backends.Probe {
	of := backends.ProbesOf
	query := func(name, rest string) string { return `any where sigmac_probe == "` + name + `" and ` + rest }
	long := strings.Repeat("x", 1100)
	return []backends.Probe{
		{Name: "version", Of: "elastic/version", Says: "a missing field under the not of a function and of a pattern", Detection: "{f|contains: oo, ip|cidr: 10.0.0.0/8}", Condition: "not s",
			Columns: map[string]string{"ip": "ip"}, On: []map[string]any{{"h": "x"}, {"f": "foo"}}, Beside: []map[string]any{{"f": "foo", "ip": "10.1.2.3"}, {"f": "bar", "ip": "11.0.0.1"}}},
		{Name: "version-cidr", Of: "elastic/version", Says: "a missing field under the not of cidrMatch", Detection: "{ip|cidr: 10.0.0.0/8}", Condition: "not s",
			Columns: map[string]string{"ip": "ip"}, On: []map[string]any{{"h": "x"}}, Beside: of("ip", "10.1.2.3", "11.0.0.1")},
		{Name: "mapped", Accepted: true, Of: "elastic/mapped", Says: "a field without ?", Query: query("mapped", `f : "foo"`), Types: map[string]ir.Type{"f": ir.Text},
			On: of("f", "foo"), Beside: of("f", "bar")},
		{Name: "unmapped", Of: "elastic/unmapped", Says: "tests of a field that no index maps", Detection: "{" + unmapped + ": foo}", Condition: "not s",
			On: []map[string]any{{"f": "x"}}},
		{Name: "unmapped-or", Of: "elastic/unmapped", Says: "a field that no index maps beside another", Detection: "[{" + unmapped + "|contains: foo}, {f: x}]",
			On: []map[string]any{{"f": "x"}}, Beside: of("f", "y")},
		{Name: "unmapped-null", Of: "elastic/unmapped", Says: "a field that no index maps as no value", Detection: "{" + unmapped + ": null}",
			On: []map[string]any{{"f": "x"}}},
		{Name: "text-field", Of: "elastic/keyword-field", Says: "a field of the type text", Detection: "{words: 'one two'}", Columns: map[string]string{"words": "text"},
			On: of("words", "one two", "One Two three"), Beside: of("words", "three")},
		{Name: "ignore-above", Of: "elastic/ignore-above", Says: "a value that is longer than the mapping indexes", Detection: "{f|endswith: end}",
			On: of("f", long+"end"), Beside: of("f", "the end", "the ending")},
		{Name: "ignore-above-not", Of: "elastic/ignore-above", Says: "such a value under a not", Detection: "{f|endswith: end}", Condition: "not s",
			On: of("f", long+"end"), Beside: of("f", "the end", "the ending")},
		{Name: "null-value", Of: "elastic/null-value", Says: "an explicit null as no value", Detection: "{f: null}",
			On: of("f", nil), Beside: []map[string]any{{"f": "x"}, {"g": "x"}}},
		{Name: "whole-numbers", Of: "elastic/whole-numbers", Says: "a number of the type double under string", Query: query("whole-numbers", `string(n) == "5"`),
			Types: map[string]ir.Type{"n": ir.Numeric}, Columns: map[string]string{"n": "double"}, On: of("n", json.Number("5")), Beside: of("n", json.Number("6"))},
		{Name: "utf16", Of: "elastic/utf16", Says: "a character beyond U+FFFF under length", Query: query("utf16", `length(f) == 1`),
			Types: map[string]ir.Type{"f": ir.Text}, On: of("f", "𝄞"), Beside: of("f", "x", "xx")},
		{Name: "regex-length", Accepted: true, Of: "elastic/regex-length", Says: "an expression of more than a thousand characters", Query: query("regex-length", `f regex ("`+strings.Join(slices.Repeat([]string{long[:100]}, 12), `", "`)+`")`),
			Types: map[string]ir.Type{"f": ir.Text}, On: of("f", long[:100]), Beside: of("f", "x")},
		{Name: "fieldref-fold", Of: "elastic/fieldref-fold", Says: "values that differ in the case of a letter outside ASCII", Query: query("fieldref-fold", `startsWith~(f, g)`),
			Types: map[string]ir.Type{"f": ir.Text, "g": ir.Text}, On: []map[string]any{{"f": "Éa", "g": "é"}}, Beside: []map[string]any{{"f": "Ab", "g": "a"}, {"f": "a", "g": "b"}}},
	}
}

// unprobed are the assumptions that no event of a kit shows.
func unprobed() map[string]string {
	return map[string]string{
		"ip-text":            "a field of the type ip takes no other texts",
		"elastic/single-key": "it is about the keys of sequences",
	}
}
