package catalog

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"sigmac/ir"
	"sigmac/parser"
)

// rule parses a rule of a log source, `product/category/service`, and the body
// of its detection.
func rule(t *testing.T, source, detection string) *ir.Rule {
	t.Helper()
	src := "title: x\nlogsource:\n"
	for i, value := range strings.Split(source, "/") {
		if value != "" {
			src += "    " + []string{"product", "category", "service"}[i] + ": " + value + "\n"
		}
	}
	src += "detection:\n" + detection
	doc := parser.Parse("x.yml", []byte(src)).Documents[0]
	if len(doc.Errors) > 0 {
		t.Fatalf("%v\n%s", doc.Errors, src)
	}
	return doc.Rule
}

// item is a rule's detection with one selection.
func item(lines ...string) string {
	return "    sel:\n        " + strings.Join(lines, "\n        ") + "\n    condition: sel\n"
}

func TestEvents(t *testing.T) {
	const any = "Image: x"
	for _, c := range []struct {
		name, source, detection string
		want                    []string
	}{
		{"category", "windows/process_creation/", item(any), []string{"Sysmon 1 Process creation"}},
		{"several ids", "windows/registry_event/", item(any),
			[]string{"Sysmon 12 Registry key or value creation or deletion", "Sysmon 13 Registry value set", "Sysmon 14 Registry key or value rename"}},
		{"narrowed", "windows/registry_event/", item(any, "EventID: 13"), []string{"Sysmon 13 Registry value set"}},
		{"narrowed by one way to match only", "windows/pipe_created/",
			"    a:\n        EventID: 17\n    b:\n        Image: x\n    condition: a or b\n",
			[]string{"Sysmon 17 Named pipe creation", "Sysmon 18 Named pipe connection"}},
		{"narrowed by both ways to match", "windows/registry_event/",
			"    a:\n        EventID: 12\n    b:\n        EventID: 14\n        Image: x\n    condition: 1 of them\n",
			[]string{"Sysmon 12 Registry key or value creation or deletion", "Sysmon 14 Registry key or value rename"}},
		{"not narrowed by a not", "windows/pipe_created/",
			"    a:\n        Image: x\n    f:\n        EventID: 17\n    condition: a and not f\n",
			[]string{"Sysmon 17 Named pipe creation", "Sysmon 18 Named pipe connection"}},
		{"contradiction", "windows/process_creation/", item("EventID: 4688"), []string{" 4688 "}},
		{"contradiction in one way to match", "windows/process_creation/",
			"    a:\n        EventID: 4688\n    b:\n        Image: x\n    condition: a or b\n", []string{"Sysmon 1 Process creation"}},
		{"PowerShell", "windows/ps_script/", item(any), []string{"PowerShell 4104 Script block logging"}},
		{"Linux", "linux/process_creation/", item(any), []string{"Sysmon for Linux 1 Process creation"}},

		{"service", "windows//security", item("EventID: 4624"), []string{"Windows Security 4624 Successful logon"}},
		{"text", "windows//security", item("EventID: '4624'"), []string{"Windows Security 4624 Successful logon"}},
		{"list, sorted, each once", "windows//security", item("EventID: [4625, '4624', 4625]"),
			[]string{"Windows Security 4624 Successful logon", "Windows Security 4625 Failed logon"}},
		{"no id", "windows//security", item(any), nil},
		{"not under a not", "windows//security",
			"    a:\n        EventID: 4624\n    f:\n        EventID: 4625\n    condition: a and not f\n",
			[]string{"Windows Security 4624 Successful logon"}},
		{"under two", "windows//security", "    a:\n        EventID: 4624\n    condition: not (not a)\n",
			[]string{"Windows Security 4624 Successful logon"}},
		{"a way to match without id", "windows//security",
			"    a:\n        EventID: 4624\n    b:\n        Image: x\n    condition: a or b\n",
			[]string{"Windows Security 4624 Successful logon"}},
		{"a detection that is not used", "windows//security",
			"    a:\n        EventID: 4624\n    b:\n        EventID: 4625\n    condition: a\n",
			[]string{"Windows Security 4624 Successful logon"}},
		{"two conditions", "windows//security",
			"    a:\n        EventID: 4624\n    b:\n        EventID: 4625\n    condition: [a, b]\n",
			[]string{"Windows Security 4624 Successful logon", "Windows Security 4625 Failed logon"}},
		{"list of maps", "windows//security",
			"    a:\n        - EventID: 4624\n        - EventID: 4625\n    condition: a\n",
			[]string{"Windows Security 4624 Successful logon", "Windows Security 4625 Failed logon"}},
		{"other tests of the field", "windows//security",
			item("EventID|gt: 4624", "EventID|contains: '462'", "EventID|re: '4624'", "EventID: ['46*', '', -1, 4.5, 1e99, null, 'x']"), nil},
		{"unknown id", "windows//security", item("EventID: 9999"), []string{"Windows Security 9999 "}},
		{"service sysmon", "windows//sysmon", item("EventID: 16"), []string{"Sysmon 16 Sysmon configuration change"}},
		{"service without a category's ids", "windows//powershell-classic", item("EventID: 400"), []string{"PowerShell 400 Engine start"}},

		{"provider of the rule", "windows//system", item("Provider_Name: Service Control Manager", "EventID: 7045"),
			[]string{"Service Control Manager 7045 Service installation"}},
		{"provider in any case", "windows//system", item("Provider_Name: NetLogon", "EventID: 5829"),
			[]string{"Netlogon 5829 Vulnerable secure channel allowed"}},
		{"the only provider", "windows//system", item("EventID: 7045"), []string{"Service Control Manager 7045 Service installation"}},
		{"several providers have it", "windows//system", item("EventID: 16"), []string{"System 16 "}},
		{"one of several", "windows//system", item("Provider_Name: Microsoft-Windows-Kernel-General", "EventID: 16"),
			[]string{"Kernel General 16 Access history of a registry hive cleared"}},
		{"names of one provider", "windows//system",
			item("Provider_Name: [Kerberos-Key-Distribution-Center, Microsoft-Windows-Kerberos-Key-Distribution-Center]", "EventID: [16, 27]"),
			[]string{"Kerberos KDC 16 No suitable key for a service ticket", "Kerberos KDC 27 Unsupported encryption type in a service ticket request"}},
		{"two providers, each has one", "windows//application", item("Provider_Name: [MsiInstaller, ESENT]", "EventID: [1033, 325]"),
			[]string{"ESENT 325 Database creation", "Windows Installer 1033 Product installation"}},
		{"provider in another selection", "windows//system",
			"    a:\n        Provider_Name: Ntfs\n    b:\n        EventID: 55\n    condition: all of them\n",
			[]string{"NTFS 55 File system corruption"}},
		{"provider of one way to match", "windows//system",
			"    a:\n        Provider_Name: Ntfs\n        EventID: 16\n    b:\n        Provider_Name: TermDD\n        EventID: 56\n    condition: a or b\n",
			[]string{"NTFS 16 ", "TermDD 56 Security layer error of a Remote Desktop session"}},
		{"part of a provider's name", "windows//application", item("Provider_Name|contains: MSSQL", "EventID: 18456"),
			[]string{"SQL Server 18456 Failed login"}},
		{"unknown provider", "windows//application", item("Provider_Name: [Microsoft-Windows-Some, Other]", "EventID: 1000"),
			[]string{"Other 1000 ", "Some 1000 "}},
		{"provider with the log's events", "windows//security", item("Provider_Name: Microsoft-Windows-Eventlog", "EventID: 1102"),
			[]string{"Windows Security 1102 Security log cleared"}},
		{"provider not under a not", "windows//system",
			"    a:\n        EventID: 16\n    f:\n        Provider_Name: Ntfs\n    condition: a and not f\n", []string{"System 16 "}},

		{"no log source", "windows//", item("EventID: 1"), []string{" 1 "}},
		{"no log source, but a provider", "windows//", item("EventID: 1", "Provider_Name: Microsoft-Windows-Sysmon"),
			[]string{"Sysmon 1 Process creation"}},
		{"unknown service", "windows//mine", item("EventID: 1"), []string{" 1 "}},
		{"category without ids", "windows/file_access/", item(any), nil},
		{"no product", "/process_creation/", item(any), nil},
		{"other product", "macos/process_creation/", item(any), nil},
		{"AWS", "aws//cloudtrail", item("eventName: x"), nil},
		{"RPC Firewall", "rpc_firewall/application/", item("EventLog: RPCFW", "EventID: 3"), []string{"RPC Firewall 3 RPC call"}},
	} {
		r := rule(t, c.source, c.detection)
		var got []string
		for _, e := range Events(r) {
			got = append(got, fmt.Sprintf("%s %d %s", e.Provider, e.ID, e.Title))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s:\n got %q\nwant %q", c.name, got, c.want)
		}
		if a, b := Events(r), Events(r); !reflect.DeepEqual(a, b) {
			t.Errorf("%s: two calls differ", c.name)
		}
	}
}

// TestEventData holds the form of the data: sorted, nothing twice, titles that
// are short and in one style, and providers that have events.
func TestEventData(t *testing.T) {
	d := events()
	if !slices.IsSortedFunc(d.Events, func(a, b Event) int {
		if x := sorted([]Event{a, b}); len(x) == 2 && x[0] == a {
			return -1
		}
		return 1
	}) {
		t.Error("events are not sorted, or one stands twice")
	}
	for _, e := range d.Events {
		first := e.Title[:min(1, len(e.Title))]
		if first == "" || first != strings.ToUpper(first) || len(e.Title) > 64 || strings.TrimRight(e.Title, " .") != e.Title {
			t.Errorf("%+v", e)
		}
	}
	has := func(provider string) bool {
		return slices.ContainsFunc(d.Events, func(e Event) bool { return e.Provider == provider })
	}
	names := map[string]bool{}
	for _, p := range d.Providers {
		if !has(p.Name) || len(p.As) == 0 {
			t.Errorf("%s has no events or no name of Provider_Name", p.Name)
		}
		for _, as := range p.As {
			if names[strings.ToLower(as)] {
				t.Errorf("%s stands twice", as)
			}
			names[strings.ToLower(as)] = true
		}
	}
	seen := map[string]bool{}
	for _, s := range d.Sources {
		key := s.Product + "/" + s.Category + "/" + s.Service
		if seen[key] || s.Provider == "" || (s.Category == "") == (s.Service == "") || s.Category == "" && s.IDs != nil {
			t.Errorf("%+v", s)
		}
		seen[key] = true
		for _, id := range s.IDs {
			if !d.has(s.Provider, id) {
				t.Errorf("%s has no event %d", s.Provider, id)
			}
		}
	}
}

// TestEventCorpus holds which events of public rules have no title, and of
// which log sources there are none.
func TestEventCorpus(t *testing.T) {
	known, unknown, providers, without := map[string]int{}, map[string]int{}, map[string]int{}, map[string]int{}
	rules := corpusRules(t)
	for _, r := range rules {
		es := Events(r)
		for _, e := range es {
			providers[e.Provider]++
			if key := fmt.Sprintf("%s %d", e.Provider, e.ID); e.Title != "" {
				known[key]++
			} else {
				unknown[key+" of "+sourceName(r.Source)]++
			}
		}
		if len(es) == 0 && r.Source.Product == "windows" {
			without[sourceName(r.Source)]++
		}
	}
	total := 0
	for _, n := range known {
		total += n
	}
	lines := []string{fmt.Sprintf("rules: %d", len(rules)), fmt.Sprintf("events with a title: %d, %d times", len(known), total)}
	lines = append(lines, counts("events without a title", unknown)...)
	lines = append(lines, counts("rules for Windows without events", without)...)
	lines = append(lines, counts("providers", providers)...)
	golden(t, "testdata/events-corpus.txt", lines)
}

func sourceName(s ir.LogSource) string {
	return strings.Join([]string{s.Product, s.Category, s.Service}, "/")
}
