package sigmac_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigmac/backends"
	"sigmac/backends/splunk"
	"sigmac/eval"
	"sigmac/internal/ordered"
	"sigmac/ir"
	"sigmac/parser"
	"sigmac/pipeline"
	"sigmac/verify"
)

// A modelQuery is what became of a rule on a data model: queries with their
// verdicts, or an error.
type modelQuery struct {
	rule     *ir.Rule
	queries  []string
	verdicts []verify.Result
	err      error
}

// toModel takes a rule through the pipeline splunk_cim, to queries that are read
// back.
func toModel(r *ir.Rule) (out modelQuery) {
	p, ok := pipeline.Builtin("splunk_cim")
	if !ok {
		panic("no pipeline splunk_cim")
	}
	k := splunk.NewDataModel(false)
	r, _, out.err = p.Apply(ir.ExpandBase64Offset(ir.ExpandWindash(r)), pipeline.Options{Backend: k.Name()})
	if out.err != nil {
		return out
	}
	want, err := ir.Inline(ir.TypeFields(r))
	if err != nil {
		out.err = err
		return out
	}
	legal, refused := backends.Legalize(ir.Simplify(want), k.Caps())
	if len(refused) > 0 {
		out.err = refused[0]
		return out
	}
	out.rule = want
	if out.queries, out.err = k.Emit(legal); out.err != nil {
		return out
	}
	for i, q := range out.queries {
		v, err := verify.Query(k, want, i, q, verify.DefaultBudget)
		if err != nil {
			out.err = fmt.Errorf("%s\n%w", q, err)
		}
		out.verdicts = append(out.verdicts, v)
	}
	return out
}

// TestDataModelRules takes rules of each log source through the pipeline: what is
// asked of the model, or what is refused and where.
func TestDataModelRules(t *testing.T) {
	const (
		processes = "process_creation, product: windows"
		registry  = "registry_event, product: windows"
		set       = "registry_set, product: windows"
		files     = "file_event, product: linux"
		traffic   = "network_connection, product: windows"
	)
	var schema map[string]map[string]string
	if text, err := os.ReadFile("schema/splunk_cim.json"); err != nil || json.Unmarshal(text, &schema) != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ source, detection, want string }{
		{processes, `{Image|endswith: '\x.exe', CommandLine|contains|all: [a b, '"c"'], ParentImage: 'C:\y.exe'}`,
			`Endpoint.Processes (Processes.process_path="*\\x.exe" AND Processes.process="*a b*" AND Processes.process="*\"c\"*" AND Processes.parent_process_path="C:\\y.exe")`},
		{"process_creation, product: macos", `{Hashes|contains: 'MD5=0A', ProcessId: 4, IntegrityLevel: [High, S-1-16-12288]}`,
			`Endpoint.Processes (Processes.process_hash="*MD5=0A*" AND Processes.process_id=4 AND Processes.process_integrity_level IN ("High", "S-1-16-12288"))`},
		{processes, `{CommandLine: null, ParentCommandLine: '', OriginalFileName|neq: null}`,
			`Endpoint.Processes (Processes.process="unknown" AND Processes.parent_process="unknown" AND NOT Processes.original_file_name="unknown")`},
		{processes, `{CommandLine|contains: known}`, `5:7: Endpoint.Processes writes "unknown" where this field is missing, and that would match`},
		{processes, `{CommandLine: 'u*N'}`, `5:7: Endpoint.Processes writes "unknown" where this field is missing, and that would match`},
		{processes, `{CommandLine|contains: 'unknown host', Image|contains: known}`,
			`Endpoint.Processes (Processes.process="*unknown host*" AND Processes.process_path="*known*")`},
		{processes, `{User|contains: SYSTEM}`, `5:7: Endpoint.Processes has the user without its domain`},
		{processes, `{Image: a, Company: b}`, `5:17: no item of the pipeline maps the field "Company"`},
		{processes, `{Image|neq: null}`, `5:18: a test whether a field is there in a search of a data model`},
		{processes, `{ProcessId|neq: 4}`, `5:22: the negation of a number in a search of a data model`},

		{set, `{TargetObject|contains: '\Run\', Details: 'DWORD (0x00000001)'}`,
			`Endpoint.Registry (Registry.action="modified" AND Registry.registry_path="*\\Run\\*" AND Registry.registry_value_type="REG_DWORD" AND Registry.registry_value_data="0x00000001")`},
		{set, `{Details|neq: ['QWORD (0x0-0x1)', '(Empty)']}`,
			`Endpoint.Registry (Registry.action="modified" AND NOT ((Registry.registry_value_type="REG_QWORD" AND Registry.registry_value_data="0x0-0x1") OR Registry.registry_value_data="(Empty)"))`},
		{set, `{Details|contains: 'DWORD (0x00000001)'}`, `5:7: Endpoint.Registry splits numbers like DWORD (0x00000001), so only the whole text can be tested, without contains and its like`},
		{set, `{Details|contains: ' '}`, `5:7: Endpoint.Registry splits numbers like DWORD (0x00000001), so only the whole text can be tested, without contains and its like`},
		{set, `{Details|contains: 'd (0'}`, `5:7: Endpoint.Registry splits numbers like DWORD (0x00000001), so only the whole text can be tested, without contains and its like`},
		{set, `{Details|contains: '('}`, `5:7: Endpoint.Registry splits numbers like DWORD (0x00000001), so only the whole text can be tested, without contains and its like`},
		{set, `{Details|contains: 'WORD '}`, `5:7: Endpoint.Registry splits numbers like DWORD (0x00000001), so only the whole text can be tested, without contains and its like`},
		{set, `{Details|startswith: '0'}`, `5:7: Endpoint.Registry splits numbers like DWORD (0x00000001), so only the whole text can be tested, without contains and its like`},
		{set, `{Details|startswith: dw}`, `5:7: Endpoint.Registry splits numbers like DWORD (0x00000001), so only the whole text can be tested, without contains and its like`},
		{set, `{Details|endswith: '1)'}`, `5:7: Endpoint.Registry splits numbers like DWORD (0x00000001), so only the whole text can be tested, without contains and its like`},
		{set, `{Details|endswith: '1'}`, `5:7: Endpoint.Registry splits numbers like DWORD (0x00000001), so only the whole text can be tested, without contains and its like`},
		{set, `{Details: '0x00000001'}`, `5:7: Endpoint.Registry splits numbers like DWORD (0x00000001), so only the whole text can be tested, without contains and its like`},
		{set, `{Details|contains: ['1', '.exe', '(x86) y'], EventType: SetValue}`,
			`Endpoint.Registry (Registry.action="modified" AND Registry.registry_value_data IN ("*1*", "*.exe*", "*(x86) y*"))`},
		{set, `{Details: [word, 'a b', '(Empty)', '4*', '* -e *', '*\\d', '$(*', '*vbs(*', 'password*']}`,
			`Endpoint.Registry (Registry.action="modified" AND Registry.registry_value_data IN ("word", "a b", "(Empty)", "4*", "* -e *", "*\\d", "$(*", "*vbs(*", "password*"))`},
		{registry, `{EventType: [CreateKey, DeleteKey], Details: null}`,
			`Endpoint.Registry (Registry.action IN ("created", "deleted", "modified") AND Registry.action IN ("created", "deleted") AND Registry.registry_value_data="unknown")`},
		{registry, `{EventType: RenameKey}`, `5:7: Endpoint.Registry does not tell a renamed key or value from one that was set`},
		{registry, `{EventType|contains: Key}`, `5:7: Endpoint.Registry does not tell a renamed key or value from one that was set`},
		{"registry_add, product: windows", `{TargetObject: a}`, `Endpoint.Registry (Registry.action="created" AND Registry.registry_path="a")`},
		{"registry_delete, product: windows", `{TargetObject: a}`, `Endpoint.Registry (Registry.action="deleted" AND Registry.registry_path="a")`},

		{files, `{TargetFilename|startswith: /etc/}`, `Endpoint.Filesystem (Filesystem.action IN ("created", "modified") AND Filesystem.file_path="/etc/*")`},
		{"file_delete, product: windows", `{TargetFilename: a, Image: b}`,
			`Endpoint.Filesystem (Filesystem.action="deleted" AND Filesystem.file_path="a" AND Filesystem.process_path="b")`},
		{"file_event, product: paloalto", `{TargetFilename: a}`, `2:1: no dataset of the Common Information Model holds the events of this log source as they are`},

		{"dns", `{query|endswith: .example, record_type: TXT, answer: ''}`,
			`Network_Resolution.DNS (DNS.query="*.example" AND DNS.record_type="TXT" AND DNS.answer="unknown")`},
		{"dns_query, product: windows", `{QueryName: a.example}`, `Network_Resolution.DNS DNS.query="a.example"`},
		{"dns_query, product: windows", `{QueryName: a.example, Image: b}`, `5:29: no item of the pipeline maps the field "Image"`},

		{traffic, `{Image|endswith: '\x.exe', Initiated: true, DestinationPort: [80, 443], Protocol: TCP, DestinationIsIpv6: 'False'}`,
			`Network_Traffic.All_Traffic (All_Traffic.app="*\\x.exe" AND All_Traffic.direction="outbound" AND All_Traffic.dest_port IN (80, 443) AND All_Traffic.transport="TCP" AND All_Traffic.protocol_version="ipv4")`},
		{traffic, `{Initiated|contains: r}`, `5:7: Network_Traffic has words for this flag, so only true and false can be tested`},
		{traffic, `{SourcePort: [0, 1]}`, `5:7: Network_Traffic writes 0 where this field is missing, and that would match`},
		{traffic, `{SourcePort|gt: 1024}`, `Network_Traffic.All_Traffic All_Traffic.src_port>1024`},
		{traffic, `{DestinationIp|cidr: 10.0.0.0/8}`, `5:27: a network in a search of a data model`},
		{"network_connection, product: linux", `{Image: a}`, `5:7: no item of the pipeline maps the field "Image"`},
		{"firewall", `{dst_ip: 203.0.113.1}`, `Network_Traffic.All_Traffic All_Traffic.dest_ip="203.0.113.1"`},

		{"proxy", `{c-uri|contains: /x, cs-referer: '-', cs-host|endswith: .example}`,
			`Web.Web (nodename="Web.Proxy" AND Web.url="*/x*" AND Web.http_referrer="unknown" AND Web.url_domain="*.example")`},
		{"webserver", `{cs-uri-stem: /x, cs-uri-query|contains: a=b, sc-status: 200, c-useragent: '*'}`,
			`5:68: Web writes "unknown" where this field is missing, and that would match`},
		{"webserver", `{cs-uri-stem: /x, cs-uri-query|contains: a=b, sc-status: 200}`,
			`Web.Web (Web.uri_path="/x" AND Web.uri_query="*a=b*" AND Web.status=200)`},
		{"webserver", `{cs-host: a}`, `5:7: no item of the pipeline maps the field "cs-host"`},
		{"image_load, product: windows", `{Image: a}`, `2:1: no dataset of the Common Information Model holds the events of this log source as they are`},
	} {
		src := fmt.Sprintf("title: t\nlogsource:\n  {category: %s}\ndetection:\n  s: %s\n  condition: s\n", c.source, strings.ReplaceAll(c.detection, `\\`, `\`))
		docs := parser.Parse("rule.yml", []byte(src)).Documents
		if len(docs) != 1 || docs[0].Rule == nil {
			t.Fatalf("%s\n%v", src, docs)
		}
		got := ""
		switch q := toModel(docs[0].Rule); {
		case q.err != nil:
			pos := ir.Pos{}
			var refused *backends.Unsupported
			var failed *pipeline.Error
			switch {
			case errors.As(q.err, &refused):
				pos, got = refused.Pos, refused.Feature
			case errors.As(q.err, &failed):
				pos, got = failed.Pos, failed.Msg
			}
			got = fmt.Sprintf("%d:%d: %s", pos.Line, pos.Column, got)
		default:
			_, got, _ = strings.Cut(q.queries[0], " from datamodel=")
			got, columns, _ := strings.Cut(got, " by ")
			got = strings.Replace(got, " where", "", 1)
			model, _, _ := strings.Cut(got, " ")
			for _, f := range append(strings.Fields(columns), slices.Collect(maps.Keys(q.rule.Types()))...) {
				if schema[model][f] == "" {
					t.Errorf("%s: %s has no column %s", c.detection, model, f)
				}
			}
			if len(q.verdicts) != 1 || q.verdicts[0].Verdict != verify.Proved {
				t.Errorf("%s: %v", q.queries[0], q.verdicts)
			}
			if got != c.want {
				t.Errorf("%s\n got %s\nwant %s", c.detection, got, c.want)
			}
			continue
		}
		if got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.detection, got, c.want)
		}
	}
}

// TestDataModelVerdicts holds that what changes a query is seen.
func TestDataModelVerdicts(t *testing.T) {
	src := "title: t\nlogsource: {product: windows, category: process_creation}\ndetection:\n" +
		"  s: {Image|endswith: '\\x.exe', ProcessId: 4}\n  f: {CommandLine|contains: [a, b]}\n  condition: s and not f\n"
	q := toModel(parser.Parse("rule.yml", []byte(src)).Documents[0].Rule)
	if q.err != nil {
		t.Fatal(q.err)
	}
	for _, c := range []struct{ from, to, want string }{
		{"", "", "proved"},
		{"summariesonly=false", "summariesonly=true", "proved"}, // under an assumption
		{"Endpoint.Processes", "Endpoint.Services", "refuted both table"},
		{`fillnull_value="null" `, "", "refuted narrower endswith"},
		{` fillnull_value="null"`, " `own_macro`", "agreed"},
		{" by Processes.dest", " by host | where count>5", "agreed"},
		{"process_path=", "process_path!=", "refuted both endswith"},
		{"process_id=4", "process_id=5", "refuted both number"},
		{"process_id=4", "process_id>3", "refuted wider number"},
		{"Processes.process_id=4", "NOT Processes.process_id=5", "refuted both number"},
		{"NOT ", "", "refuted both endswith"},
		{`, "*b*"`, "", "refuted wider contains"},
	} {
		query := q.queries[0]
		if c.from != "" {
			if query = strings.Replace(query, c.from, c.to, 1); query == q.queries[0] {
				t.Fatalf("%s is not in %s", c.from, query)
			}
		}
		v, err := verify.Query(splunk.NewDataModel(false), q.rule, 0, query, verify.DefaultBudget)
		if err != nil {
			t.Errorf("%s: %v", query, err)
			continue
		}
		got := v.Verdict.String()
		if v.Verdict == verify.Refuted {
			got += " " + v.Direction + " "
			if v.Construct != nil {
				got += v.Construct.Name
			}
		}
		if got != c.want {
			t.Errorf("%s: %s %s, want %s\n%v", query, got, v.Reason, c.want, v.Counterexample)
		}
	}
}

var typedDetails = regexp.MustCompile(`^(\w+) \((.+)\)$`)

// TestDataModelRows holds that a rule that is not refused answers of an event
// what its conditions on the model answer of the row that the add-on and the
// model make of the event.
func TestDataModelRows(t *testing.T) {
	row := func(ev map[string]any) map[string]any {
		out := map[string]any{"Registry.action": "modified", "Registry.registry_value_type": "unknown"}
		for from, to := range map[string]string{"Details": "Registry.registry_value_data", "TargetObject": "Registry.registry_path"} {
			if out[to] = "unknown"; ev[from] != nil {
				out[to] = ev[from]
			}
		}
		if m := typedDetails.FindStringSubmatch(fmt.Sprint(ev["Details"])); m != nil {
			out["Registry.registry_value_type"], out["Registry.registry_value_data"] = "REG_"+m[1], m[2]
		}
		return out
	}
	var events []map[string]any
	for _, d := range []any{nil, "DWORD (0x00000001)", "QWORD (0x00000000-0x00000001)", "0x00000001", "(Empty)", "Binary Data", "1", "word", "DWORD", "x)"} {
		events = append(events, map[string]any{"Details": d, "TargetObject": "HKLM\\x"})
		if d == nil {
			delete(events[0], "Details")
		}
	}
	events = append(events, map[string]any{"Details": "known"})

	var values []string
	add := func(s string) {
		for i := range len(s) + 1 {
			for j := i; j <= len(s); j++ {
				values = append(values, s[i:j])
			}
		}
	}
	add("DWORD (0x00000001)")
	add("-0x1)")
	add("unknown")
	values = append(values, "Binary Data", "(Empty)", "x1", "REG_DWORD", "own word", "DWORD (*)", "D*1)", "0x*1", "*1*2*", " -e ", "4", "  ", "d ", "D (0", "exec(", "u*n", "w?rd")
	converted, refused := 0, 0
	for _, field := range []string{"Details", "TargetObject"} {
		for _, modifier := range []string{"", "|contains", "|startswith", "|endswith", "|neq", "|contains|neq"} {
			for _, v := range values {
				src := fmt.Sprintf("title: t\nlogsource: {product: windows, category: registry_set}\ndetection:\n  s:\n    %s%s: '%s'\n  condition: s\n", field, modifier, v)
				r := parser.Parse("rule.yml", []byte(src)).Documents[0].Rule
				if r == nil {
					continue
				}
				q := toModel(r)
				if q.err != nil {
					refused++
					continue
				}
				converted++
				for _, ev := range events {
					if v == "" && (modifier == "" || modifier == "|neq") && ev[field] == nil {
						continue // the model does not tell the empty text from none
					}
					was, err := eval.NewEvent(ev)
					if err != nil {
						t.Fatal(err)
					}
					is, err := eval.NewEvent(row(ev))
					if err != nil {
						t.Fatal(err)
					}
					if want, got := eval.Rule(r, was), eval.Rule(q.rule, is); want != got {
						t.Errorf("%s%s: %q: %v of %v, but %v of %v", field, modifier, v, want, ev, got, row(ev))
					}
				}
			}
		}
	}
	if converted < 500 || refused < 200 {
		t.Errorf("%d converted, %d refused", converted, refused)
	}
}

// TestCorpusDataModel holds how many public rules can be asked of data models,
// why the others cannot, and that each query is proved.
func TestCorpusDataModel(t *testing.T) {
	var rules []*parser.Document
	for _, d := range parseCorpus(t, "rules*").Documents {
		if d.Rule != nil {
			rules = append(rules, d)
		}
	}
	got := map[string]int{}
	i := 0
	for _, q := range ordered.Map(rules, func(d *parser.Document) modelQuery { return toModel(d.Rule) }) {
		d := rules[i]
		i++
		var refused *backends.Unsupported
		var failed *pipeline.Error
		switch {
		case errors.As(q.err, &refused):
			if (refused.Pos == ir.Pos{}) {
				t.Errorf("%s: an error without a place: %v", d.Path, q.err)
			}
			feature, _, placeholder := strings.Cut(refused.Feature, "placeholder")
			if placeholder {
				feature += "placeholder"
			}
			got["refused: "+feature]++
		case errors.As(q.err, &failed):
			if (failed.Pos == ir.Pos{}) {
				t.Errorf("%s: an error without a place: %v", d.Path, q.err)
			}
			got["not in the model: "+failed.Msg]++
		case q.err != nil:
			t.Errorf("%s: %v", d.Path, q.err)
		default:
			got["converted"]++
			got["converted to "+q.rule.Scope.DataModel]++
		}
		for j, v := range q.verdicts {
			got[v.Verdict.String()]++
			if v.Verdict != verify.Proved {
				t.Errorf("%s: %v %s\n%s", filepath.Base(d.Path), v.Verdict, v.Reason, q.queries[j])
			}
			for _, a := range v.Assumptions {
				got["assumes "+a]++
			}
		}
	}
	holdCounts(t, "cim.json", got)
}
