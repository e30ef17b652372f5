package golden

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"sigmac"
	"sigmac/eval"
	"sigmac/ir"
	"sigmac/parser"
	"sigmac/pipeline"
)

// TestEvents holds that a query which rules become through built-in pipelines
// selects, as it is read back, those events of a vendor that the rules match. Each
// case has events twice, line by line: sigma.json under the names that rules use,
// target.json as the target holds them. The first lines name where the events are
// from. Each rule matches one of them and misses one. The section queries is the
// test's. Where a pipeline is known to be wrong, or refuses, the section differs says
// so, a line for each event with the reason, or for each rule:
//
//	TITLE: NUMBER: REASON
//	TITLE: refused
//
// The section traps names those of the list below that the case is about.
func TestEvents(t *testing.T) {
	eachCase(t, "events/*.txtar", func(t *testing.T, file string, a *txtar.Archive, sections map[string]string) {
		text := selected(t, sections)
		if *update {
			out := &txtar.Archive{Comment: a.Comment}
			for _, f := range a.Files {
				if f.Name != "queries" {
					out.Files = append(out.Files, f)
				}
			}
			out.Files = append(out.Files, txtar.File{Name: "queries", Data: []byte(text)})
			if err := os.WriteFile(file, txtar.Format(out), 0o644); err != nil {
				t.Fatal(err)
			}
		} else if text != sections["queries"] {
			t.Errorf("queries:\n%s\nwant:\n%s", text, sections["queries"])
		}
	})
}

// selected is the queries of a case with the numbers of the events that each
// selects, from 1.
func selected(t *testing.T, sections map[string]string) string {
	// The section mapping is the target, its format and the pipelines.
	to := strings.Fields(sections["mapping"])
	if len(to) < 3 {
		t.Fatal("the section mapping is a target, a format and pipelines")
	}
	w := way{name: "events", target: to[0], format: to[1], pipelines: to[2:]}
	under, there := events(t, sections, "sigma.json"), events(t, sections, "target.json")
	if len(under) != len(there) || len(under) < 3 {
		t.Fatalf("%d events under the names of rules, %d at the target; three or more are wanted", len(under), len(there))
	}
	m := w.mapping(t)
	differs := map[string]bool{} // lines without the reason
	for line := range strings.Lines(sections["differs"]) {
		title, what, _ := strings.Cut(strings.TrimSpace(line), ": ")
		what, reason, _ := strings.Cut(what, ": ")
		if (reason == "") != (what == "refused") {
			t.Errorf("differs: %swants TITLE: NUMBER: REASON or TITLE: refused", line)
		}
		differs[title+": "+what] = true
	}
	differ := func(title, what string) bool { // a line says so, which is done with
		line := title + ": " + what
		defer delete(differs, line)
		return differs[line]
	}
	var out strings.Builder
	for res := range sigmac.Compile(parser.Parse(ruleSection, []byte(sections[ruleSection])), sigmac.Options{Mappings: []sigmac.Mapping{m}}) {
		title := res.Document.Title
		fmt.Fprintf(&out, "# %s\n", title)
		if len(res.Errors) > 0 {
			fmt.Fprintf(&out, "refused: %s\n", res.Errors[0].Msg)
			if !differ(title, "refused") {
				t.Errorf("%s: %v", title, res.Errors)
			}
			continue
		}
		var queries []ir.Expr
		for i, query := range res.Queries {
			fmt.Fprintln(&out, query)
			out.WriteString(proof(t, res.Target, res.Want, i, query))
			q, err := res.Target.Read(query, m.Schemas)
			if err != nil {
				t.Fatalf("%s: %s\n%v", title, query, err)
			}
			where := q.Whole()
			if c := q.Scope.Category; c != "" { // the head of EQL is a test of this field
				where = ir.And{ir.Match{Field: ir.Field{Name: ir.CategoryField, Type: ir.Text}, Test: ir.Lit(c)}, where}
			}
			queries = append(queries, where)
		}
		numbers, right := []string{}, 0
		for i := range under {
			got := false
			for _, q := range queries {
				is, known := eval.Settled(q, there[i])
				got = got || is
				if !known {
					t.Errorf("%s: event %d is open", title, i+1)
				}
			}
			want := eval.Rule(res.Document.Rule, under[i])
			if want {
				right++
			}
			if (got != want) != differ(title, fmt.Sprint(i+1)) {
				t.Errorf("%s: event %d: the rule says %t, the query %t, and the section differs otherwise: %s", title, i+1, want, got, strings.Join(res.Queries, "\n"))
			}
			if got {
				numbers = append(numbers, fmt.Sprint(i+1))
			}
		}
		if right == 0 || right == len(under) {
			t.Errorf("%s: the rule matches %d of %d events", title, right, len(under))
		}
		fmt.Fprintf(&out, "selects %s\n", cmp.Or(strings.Join(numbers, " "), "none"))
	}
	for _, line := range slices.Sorted(maps.Keys(differs)) {
		t.Errorf("nothing differs so: %s", line)
	}
	return out.String()
}

// traps are names of fields, or values, that look right for a rule and are not. A case
// with events that show it names one in its section traps.
var traps = map[string]string{
	"activity-category": "Elastic's activity log has a category where the record has none",
	"auditd-arguments":  "Elastic has the arguments of EXECVE as a list, a0 also as the program",
	"aws-error-code":    "Splunk's add-on for AWS fills errorCode with success",
	"cloudtrail-text":   "Elastic has CloudTrail's objects as texts without quotes, and leaves out what is empty",
	"entra-category":    "category is AuditLogs in every audit record of Entra; the rules' is among its properties",
	"exchange-status":   "records of Exchange's cmdlets have True and False for what rules call a status",
	"flattened":         "EQL cannot ask a field of the type flattened",
	"github-action":     "Splunk's add-on for GitHub has what rules call action in vendor_action",
	"iis-original":      "Elastic's url.original of IIS has no query",
	"m365-operations":   "Elastic renames some operations of Microsoft 365",
	"m365-outcome":      "Elastic writes the outcome success where a record of Microsoft 365 has no result",
	"macos-files":       "Elastic Defend has no event for a new file on macOS",
	"okta-behaviors":    "Elastic takes Okta's behaviors apart and keeps those that are POSITIVE",
	"okta-legacy":       "Elastic drops Okta's legacyEventType",
	"squid-status":      "Elastic has the status of Squid in squid.status_code",
	"sysmon-linux-user": "Elastic leaves the user of Sysmon for Linux in winlog.event_data",
	"uri-query":         "rules put a path into cs-uri-query",
	"url-decoded":       "Elastic decodes url.path and url.query",
	"url-dropped":       "Elastic has no url at all where a target has letters that attacks have",
	"workspace-names":   "Sentinel's parser of Workspace has SETTING_NAME as ProcessName and NEW_VALUE as NeqValue",
	"zeek-z":            "Elastic drops the field Z of Zeek's dns.log",
}

// TestEventsOfAll holds that each built-in pipeline has three events of its target, and
// each trap a case.
func TestEventsOfAll(t *testing.T) {
	counts, shown := map[string]int{}, map[string]bool{}
	files, err := filepath.Glob("events/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		sections := sectionsOf(a)
		for _, name := range strings.Fields(sections["mapping"])[2:] {
			counts[name] += strings.Count(sections["target.json"], "\n")
		}
		for _, name := range strings.Fields(sections["traps"]) {
			if traps[name] == "" {
				t.Errorf("%s: no trap is named %s", file, name)
			}
			shown[name] = true
		}
	}
	for _, name := range pipeline.Builtins() {
		if counts[name] < 3 {
			t.Errorf("%s has %d events; three or more are wanted", name, counts[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(traps)) {
		if !shown[name] {
			t.Errorf("no case is about the trap %s: %s", name, traps[name])
		}
	}
}

func events(t *testing.T, sections map[string]string, name string) (out []eval.Event) {
	for line := range strings.Lines(sections[name]) {
		ev, err := eval.ParseEvent([]byte(line))
		if err != nil {
			t.Fatalf("%s: %s: %v", name, line, err)
		}
		out = append(out, ev)
	}
	return out
}
