package kusto

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"sigmac/backends"
	"sigmac/ir"
)

// Replay runs events and queries on a cluster, and reads what its REST API and its web page
// export.
func Replay() *backends.Replay {
	return &backends.Replay{Files: replayFiles, Answer: replayAnswer, Probes: probes, Unprobed: unprobed}
}

// replayFiles are a script of commands and queries, and each as the body of a request.
func replayFiles(k backends.ReplayKit) (map[string]string, error) {
	out := map[string]string{"README.md": replayReadme, "run.sh": replayScript}
	body := func(text string) string {
		s, _ := jsonText(struct {
			DB  string `json:"db"`
			CSL string `json:"csl"`
		}{"NetDefaultDB", text})
		return s + "\n"
	}
	var script strings.Builder
	for i, t := range k.Tables {
		name := t.Name
		if name == "" {
			name = backends.ProbeTable
		}
		lit, ok := entity(name)
		if !ok {
			return nil, backends.Unsupported("kusto", ir.Pos{}, fmt.Sprintf("the table name %q", name), "")
		}
		t.Name = ""
		text, err := Samples(t.Events, t.SampleTable)
		if err != nil {
			return nil, err
		}
		command := ".set-or-replace " + lit + " <|\n" + text
		script.WriteString(command + "\n")
		out[fmt.Sprintf("load/%03d.json", i+1)] = body(command)
	}
	out["load.kql"] = script.String()
	for _, q := range k.Queries {
		text := q.Text + "\n| project " + backends.EventID + "\n"
		out["queries/"+q.Name+".kql"] = text
		out["queries/"+q.Name+".json"] = body(text)
	}
	return out, nil
}

const replayScript = `#!/bin/sh
# Loads the tables and asks the queries. CLUSTER is the address, TOKEN a token where it wants one.
cd "$(dirname "$0")" || exit 2
CLUSTER=${CLUSTER:-http://localhost:8080}
send() {
	if [ -n "$TOKEN" ]; then
		curl -sS -H 'Content-Type: application/json' -H "Authorization: Bearer $TOKEN" --data-binary "@$2" "$CLUSTER/$1"
	else
		curl -sS -H 'Content-Type: application/json' --data-binary "@$2" "$CLUSTER/$1"
	fi
}
for f in load/*.json; do send v1/rest/mgmt "$f" >/dev/null || exit 1; done
mkdir -p results
for f in queries/*.json; do send v1/rest/query "$f" >"results/$(basename "$f")" || exit 1; done
`

const replayReadme = `# Replay on a Kusto cluster

In the emulator, which is free and needs Docker (Microsoft Learn: Install the Azure Data Explorer Kusto emulator):

    docker run -e ACCEPT_EULA=Y -m 4G -d -p 8080:8080 -t mcr.microsoft.com/azuredataexplorer/kustainer-linux:latest
    sh run.sh
    sigmac sample --judge results .

In a free cluster (dataexplorer.azure.com/freecluster), or one of yours: run each command of load.kql in a database made
for it, since a table of the same name is replaced (Microsoft Learn: .set-or-replace), then each query of queries/*.kql. Export
each answer as CSV, or its JSON from the REST API (v1 or v2: Microsoft Learn: Query V2 HTTP response), into results/ under the
name of the query: results/NAME.csv or results/NAME.json. With a token, run.sh does all of it:

    CLUSTER=https://NAME.REGION.kusto.windows.net TOKEN=$(az account get-access-token --resource "$CLUSTER" --query accessToken -o tsv) sh run.sh

where the database is called otherwise than NetDefaultDB, change the name in load/*.json and queries/*.json.
`

// replayAnswer reads an answer of v1/rest/query or v2/rest/query, or a table in CSV with a head.
func replayAnswer(name string, text []byte) ([]string, error) {
	if path.Ext(name) == ".csv" {
		return csvIDs(text)
	}
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("[")) {
		var frames []replayFrame
		if err := backends.DecodeAnswer(text, &frames); err != nil {
			return nil, err
		}
		for _, f := range frames {
			if err := f.fault(); err != nil {
				return nil, err
			}
			if f.FrameType == "DataTable" && f.TableKind == "PrimaryResult" {
				return f.ids()
			}
		}
		return nil, errors.New("there is no frame of the kind PrimaryResult")
	}
	var answer struct {
		Tables []replayFrame   `json:"Tables"`
		Error  json.RawMessage `json:"error"`
	}
	if err := backends.DecodeAnswer(text, &answer); err != nil {
		return nil, err
	}
	switch {
	case answer.Error != nil:
		return nil, &backends.Refused{Says: message(answer.Error)}
	case len(answer.Tables) == 0:
		return nil, errors.New("there is no table")
	}
	return answer.Tables[0].ids()
}

// A replayFrame is a table of an answer.
type replayFrame struct {
	FrameType, TableKind string
	Columns              []struct{ ColumnName string }
	Rows                 []json.RawMessage // lists of cells, or errors
	HasErrors            bool
	OneAPIErrors         []json.RawMessage `json:"OneApiErrors"`
}

func (f replayFrame) fault() error {
	if f.HasErrors && len(f.OneAPIErrors) > 0 {
		return &backends.Refused{Says: message(f.OneAPIErrors[0])}
	}
	return nil
}

func (f replayFrame) ids() (out []string, err error) {
	at := slices.IndexFunc(f.Columns, func(c struct{ ColumnName string }) bool { return c.ColumnName == backends.EventID })
	if at < 0 {
		return nil, errors.New("there is no column " + backends.EventID)
	}
	out = []string{}
	for _, row := range f.Rows {
		var cells []any
		if err := json.Unmarshal(row, &cells); err != nil {
			return nil, &backends.Refused{Says: message(row)}
		}
		if at >= len(cells) {
			return nil, errors.New("a row has fewer cells than columns")
		}
		out = append(out, fmt.Sprint(cells[at]))
	}
	return out, nil
}

// message is what an error says.
func message(text json.RawMessage) string {
	var e struct {
		Error struct {
			Message string `json:"message"`
			At      string `json:"@message"`
		} `json:"error"`
		Message string `json:"message"`
		At      string `json:"@message"`
	}
	_ = json.Unmarshal(text, &e) // else the text is shown
	for _, m := range []string{e.Error.At, e.At, e.Error.Message, e.Message} {
		if m != "" {
			return m
		}
	}
	return string(text)
}

func csvIDs(text []byte) (out []string, err error) {
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte("\ufeff"))))
	at, out := -1, []string{}
	for {
		row, err := r.Read()
		if err == io.EOF {
			if at < 0 {
				return nil, errors.New("the file is empty")
			}
			return out, nil
		}
		if e := (*csv.ParseError)(nil); errors.As(err, &e) {
			return nil, &ir.Diagnostic{Pos: ir.Pos{Line: e.Line, Column: e.Column}, Msg: e.Err.Error()}
		}
		if err != nil {
			return nil, err
		}
		if at < 0 {
			if at = slices.Index(row, backends.EventID); at < 0 {
				return nil, errors.New("there is no column " + backends.EventID)
			}
			continue
		}
		out = append(out, row[at])
	}
}

// probes are those of Kusto's assumptions.
func probes() []backends.Probe {
	of := backends.ProbesOf
	return []backends.Probe{
		{Name: "ip-text", Of: "ip-text", Says: "addresses that are written otherwise", Detection: "{f|cidr: 10.0.0.0/8}",
			On: of("f", "010.0.0.1", "10.0.0.0/8", "10.1"), Beside: of("f", "10.1.2.3", "11.0.0.1")},
		{Name: "ip-zone", Of: "ip-text", Says: "an IPv6 address with a zone", Detection: "{f|cidr: 'fe80::/10'}",
			On: of("f", "fe80::1%eth0"), Beside: of("f", "fe80::1", "fd00::1")},
		{Name: "whole-numbers", Of: "kusto/whole-numbers", Says: "a fraction under toint", Query: backends.ProbeTable + ` | where sigmac_probe == "whole-numbers" and toint(n) == 2`,
			Types: map[string]ir.Type{"n": ir.Numeric}, Columns: map[string]string{"n": "real"}, On: of("n", json.Number("2.5")), Beside: of("n", json.Number("2"), json.Number("3"))},
		{Name: "number-as-text", Accepted: true, Of: "kusto/number-as-text", Says: "a column of texts compared with a number", Query: backends.ProbeTable + ` | where sigmac_probe == "number-as-text" and f == 5`,
			Types: map[string]ir.Type{"f": ir.Text}, On: of("f", "5", "05", "5.0"), Beside: of("f", "6")},
		{Name: "text-as-number", Accepted: true, Of: "kusto/text-as-number", Says: "a column of numbers compared with a text", Query: backends.ProbeTable + ` | where sigmac_probe == "text-as-number" and n == "5"`,
			Types: map[string]ir.Type{"n": ir.Numeric}, Columns: map[string]string{"n": "real"}, On: of("n", json.Number("5")), Beside: of("n", json.Number("6"))},
		{Name: "fieldref-fold", Of: "kusto/fieldref-fold", Says: "columns that differ in the case of a letter outside ASCII", Query: backends.ProbeTable + ` | where sigmac_probe == "fieldref-fold" and f =~ g`,
			Types: map[string]ir.Type{"f": ir.Text, "g": ir.Text}, On: []map[string]any{{"f": "É", "g": "é"}}, Beside: []map[string]any{{"f": "A", "g": "a"}, {"f": "a", "g": "b"}}},
		{Name: "list", Of: "kusto/single-value", Says: "a column of the type dynamic that holds a list", Detection: "{d: a}", Columns: map[string]string{"d": "dynamic"},
			On: of("d", []any{"a", "b"}), Beside: of("d", "b")},
		{Name: "lower", Of: "kusto/lower", Says: "letters outside ASCII in another case", Detection: "{f: 'ÉĀΔЖ'}",
			On: of("f", "éāδж", "ÉĀΔж"), Beside: of("f", "ÉĀΔЖ", "eadz")},
		{Name: "lower-sigma", Of: "kusto/lower", Says: "the two small letters of Σ", Detection: "{f: 'aΣ'}",
			On: of("f", "aσ", "aς"), Beside: of("f", "aΣ", "as")},
	}
}

// unprobed are the assumptions that no event of a kit shows.
func unprobed() map[string]string {
	return map[string]string{
		"kusto/watchlist":      "it is about a watchlist of Sentinel, which a cluster has not",
		"kusto/doubles":        "it is about the sums of correlations",
		"kusto/dcount":         "it is about the counts of correlations",
		"kusto/join-null":      "it is about the joins of correlations",
		"kusto/decimal":        "it is about what Defender records",
		"kusto/registry-hives": "it is about what Defender records",
		"kusto/registry-names": "it is about what Defender records",
		"kusto/registry-data":  "it is about what Defender records",
		"kusto/todouble":       "it is about the values of correlations",
	}
}
