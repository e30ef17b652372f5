package check

import (
	"slices"
	"strings"
	"sync"

	"gopkg.in/yaml.v3"

	"sigmac/internal/suggest"
	"sigmac/internal/taxonomy"
	"sigmac/ir"
)

// categories are those of Sysmon's events, by the id (taxonomy appendix).
var categories = map[string]string{
	"1": "process_creation", "2": "file_change", "3": "network_connection", "4": "sysmon_status", "5": "process_termination",
	"6": "driver_load", "7": "image_load", "8": "create_remote_thread", "9": "raw_access_thread", "10": "process_access",
	"11": "file_event", "12": "registry_add, registry_delete or registry_event", "13": "registry_set or registry_event",
	"14": "registry_rename or registry_event", "15": "create_stream_hash", "16": "sysmon_status", "17": "pipe_created", "18": "pipe_created",
	"19": "wmi_event", "20": "wmi_event", "21": "wmi_event", "22": "dns_query", "23": "file_delete", "24": "clipboard_capture",
	"25": "process_tampering", "26": "file_delete_detected", "27": "file_block_executable", "28": "file_block_shredding",
	"29": "file_executable_detected", "255": "sysmon_error",
}

// impliedID are the categories of Windows that hold events of one id only, or of
// ids that the category tells apart.
var impliedID = sync.OnceValue(func() map[string]bool {
	out := map[string]bool{"ps_classic_start": true, "ps_classic_provider_start": true, "ps_classic_script": true, "ps_module": true, "ps_script": true}
	for _, c := range categories {
		if !strings.Contains(c, " ") && c != "sysmon_status" && c != "pipe_created" && c != "wmi_event" {
			out[c] = true
		}
	}
	for _, c := range []string{"registry_add", "registry_delete", "registry_set", "registry_rename"} {
		out[c] = true
	}
	return out
})

// logsource looks at where a rule looks.
func (s *subject) logsource(r *ir.Rule) {
	_, m := s.attribute("logsource")
	if m == nil || m.Kind != yaml.MappingNode {
		return
	}
	keys := []string{"category", "product", "service", "definition"}
	for i := 0; i+1 < len(m.Content); i += 2 {
		if k := m.Content[i]; !slices.Contains(keys, k.Value) && k.Tag != "!!merge" {
			s.find("fieldname_logsource", place(k), "a log source has no %q%s", clip(k.Value), meaning(nearest(k.Value, keys)))
		}
	}
	src := r.Source
	if !taxonomy.KnownSource(src) {
		s.unknown(src, m)
	}
	sysmon := src.Product == "windows" && src.Category == "" && src.Service == "sysmon"
	asked := false
	s.items(r, func(it ir.Item) {
		if it.Field.Name != "EventID" {
			return
		}
		asked = true
		for _, v := range it.Raw {
			switch {
			case sysmon && categories[v.Text] != "":
				s.find("specific_instead_of_generic_logsource", v.Pos, "Sysmon's event %s is the category %s", v.Text, categories[v.Text])
			case src.Product == "windows" && src.Service == "security" && v.Text == "4688":
				s.find("specific_instead_of_generic_logsource", v.Pos, "the event 4688 is the category process_creation")
			}
		}
		if src.Product == "windows" && impliedID()[src.Category] {
			s.find("category_event_id", it.Span.Start, "the category %s says which EventID it is", src.Category)
			s.find("redundant_field", it.Span.Start, "the log source says what %s is", it.Field.Name)
		}
	})
	if sysmon && !asked {
		s.find("sysmon_missing_eventid", src.Pos, "a rule for Sysmon's whole log asks for an EventID")
	}
	names := taxonomy.Fields(r.Meta.Taxonomy, src)
	s.items(r, func(it ir.Item) {
		s.field(r, it, names)
		ir.Walk(it.X, func(e ir.Expr) {
			if m, ok := e.(ir.Match); ok {
				if ref, ok := m.Test.(ir.FieldRef); ok {
					s.named(ref.Other.Name, m.Pos, names)
				}
			}
		})
	})
}

// unknown tells what of a log source that is not known is wrong: values that none has, or
// that these do not stand together.
func (s *subject) unknown(src ir.LogSource, m *yaml.Node) {
	if src.String() == "" {
		s.find("logsource_unknown", src.Pos, "the log source has no product, category or service")
		return
	}
	words := taxonomy.UnknownWords(src)
	for _, w := range words {
		_, v := attribute(m, w.Part)
		s.find("logsource_unknown", place(v), "%s %q is of no known log source%s", w.Part, clip(w.Value), meaning(w.Meant))
	}
	if len(words) > 0 {
		return
	}
	hint := ""
	if products := taxonomy.ProductsOf(src); len(products) > 0 && len(products) < 4 {
		hint = "; others of these have product " + strings.Join(products, ", ")
	}
	s.find("logsource_unknown", src.Pos, "no known log source is %s together%s", clip(src.String()), hint)
}

// field looks at a field's name; names are those that the log source has, or none where
// that is not known.
func (s *subject) field(r *ir.Rule, it ir.Item, names []string) {
	name, at := it.Field.Name, it.Span.Start
	if name == "" {
		return
	}
	if strings.Contains(name, " ") {
		s.find("space_field_name", at, "the field %q has a blank in its name", clip(name))
	}
	if name == "Provider_Name" && r.Source.Product == "windows" && impliedID()[r.Source.Category] {
		for _, v := range it.Raw {
			if v.Text == "Microsoft-Windows-Sysmon" || v.Text == "Microsoft-Windows-Security-Auditing" {
				s.find("category_windows_provider_name", v.Pos, "the category %s says who writes its events", r.Source.Category)
			}
		}
	}
	s.named(name, at, names)
}

// named looks at whether events have a field of a name.
func (s *subject) named(name string, at ir.Pos, names []string) {
	if len(names) == 0 || slices.Contains(names, name) {
		return
	}
	meant := suggest.Misspelt(name, names)
	if strings.EqualFold(meant, name) {
		s.find("fieldname_cast", at, "the field is %q, and not %q", meant, clip(name))
		return
	}
	f := s.find("invalid_fieldname", at, "events of this log source have no field %q%s", clip(name), meaning(meant))
	if meant != "" {
		s.weigh(f, Error)
	}
}

// items visits the lines of all detections.
func (s *subject) items(r *ir.Rule, visit func(ir.Item)) {
	for _, d := range r.Detections {
		eachItem(d.Expr, visit)
	}
}

func eachItem(e ir.Expr, visit func(ir.Item)) {
	ir.Visit(e, func(e ir.Expr, _ bool) bool {
		it, ok := e.(ir.Item)
		if ok {
			visit(it)
		}
		return !ok
	})
}

// prefixes are how the files of rules of a log source are named (file name
// convention of the public rule set): by product, category and service.
var prefixes = map[[3]string]string{
	{"windows", "create_remote_thread", ""}: "create_remote_thread_win_", {"windows", "create_stream_hash", ""}: "create_stream_hash_",
	{"windows", "dns_query", ""}: "dns_query_win_", {"windows", "driver_load", ""}: "driver_load_win_", {"windows", "file_access", ""}: "file_access_win_",
	{"windows", "file_change", ""}: "file_change_win_", {"windows", "file_delete", ""}: "file_delete_win_", {"windows", "file_event", ""}: "file_event_win_",
	{"linux", "file_event", ""}: "file_event_lnx_", {"macos", "file_event", ""}: "file_event_macos_", {"windows", "file_rename", ""}: "file_rename_win_",
	{"windows", "file_executable_detected", ""}: "file_executable_detected_win_", {"windows", "image_load", ""}: "image_load_",
	{"windows", "network_connection", ""}: "net_connection_win_", {"linux", "network_connection", ""}: "net_connection_lnx_",
	{"macos", "network_connection", ""}: "net_connection_macos_", {"windows", "pipe_created", ""}: "pipe_created_",
	{"windows", "ps_classic_start", ""}: "posh_pc_", {"windows", "ps_classic_provider_start", ""}: "posh_pc_", {"windows", "ps_module", ""}: "posh_pm_",
	{"windows", "ps_script", ""}: "posh_ps_", {"windows", "process_access", ""}: "proc_access_win_", {"windows", "process_creation", ""}: "proc_creation_win_",
	{"linux", "process_creation", ""}: "proc_creation_lnx_", {"macos", "process_creation", ""}: "proc_creation_macos_",
	{"windows", "process_tampering", ""}: "proc_tampering_", {"windows", "raw_access_thread", ""}: "raw_access_thread_",
	{"windows", "registry_add", ""}: "registry_add_", {"windows", "registry_delete", ""}: "registry_delete_", {"windows", "registry_event", ""}: "registry_event_",
	{"windows", "registry_rename", ""}: "registry_rename_", {"windows", "registry_set", ""}: "registry_set_", {"windows", "", "sysmon"}: "sysmon_",
	{"windows", "sysmon_error", ""}: "sysmon_", {"windows", "sysmon_status", ""}: "sysmon_", {"windows", "wmi_event", ""}: "sysmon_wmi_",
	{"", "firewall", ""}: "net_firewall_", {"", "webserver", ""}: "web_", {"", "dns", ""}: "net_dns_", {"", "proxy", ""}: "proxy_",
	{"linux", "", "auditd"}: "lnx_auditd_", {"linux", "", "modsecurity"}: "modsec_", {"windows", "", "security"}: "win_security_",
	{"windows", "", "system"}: "win_system_", {"windows", "", "applocker"}: "win_applocker_", {"windows", "", "bits-client"}: "win_bits_client_",
	{"windows", "", "codeintegrity-operational"}: "win_codeintegrity_", {"windows", "", "windefend"}: "win_defender_",
	{"windows", "", "firewall-as"}: "win_firewall_as_", {"windows", "", "msexchange-management"}: "win_exchange_",
	{"windows", "", "taskscheduler"}: "win_taskscheduler_", {"windows", "", "terminalservices-localsessionmanager"}: "win_terminalservices_",
	{"windows", "", "wmi"}: "win_wmi_", {"windows", "", "powershell-classic"}: "posh_pc_",
}

// products are the prefixes of all files of a product.
var products = map[string]string{"aws": "aws_", "azure": "azure_", "gcp": "gcp_", "m365": "microsoft365_", "okta": "okta_", "onelogin": "onelogin_", "linux": "lnx_", "windows": "win_", "macos": "macos_"}

// prefixOf is how the name of a file of a log source starts, or empty where there
// is no convention.
func prefixOf(s ir.LogSource) string {
	if p := prefixes[[3]string{s.Product, s.Category, s.Service}]; p != "" {
		return p
	}
	if s.Category == "" {
		return products[s.Product]
	}
	return ""
}
