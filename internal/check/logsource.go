package check

import (
	_ "embed"
	"slices"
	"strings"
	"sync"

	"gopkg.in/yaml.v3"

	"sigmac/ir"
)

// logsources.txt are the log sources of the taxonomy (specification 2.1.0) and of
// the public rule set: product, category and service, `-` where there is none.
//
//go:embed logsources.txt
var logsourcesText string

var logsources = sync.OnceValue(func() map[[3]string]bool {
	out := map[[3]string]bool{}
	for line := range strings.Lines(logsourcesText) {
		var key [3]string
		for i, w := range strings.Split(strings.TrimRight(line, "\n"), "\t") {
			if w != "-" {
				key[i] = w
			}
		}
		out[key] = true
	}
	return out
})

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

// fields are those that events of a log source have, by product and category
// (Sysmon's manifest, schema 4.91, with the names of hashes that the taxonomy
// has; PowerShell's and the W3C's formats). Every Windows event has those of the
// record's header too.
var fields = map[string]string{
	"windows process_creation":         "UtcTime ProcessGuid ProcessId Image FileVersion Description Product Company OriginalFileName CommandLine CurrentDirectory User LogonGuid LogonId TerminalSessionId IntegrityLevel Hashes imphash md5 sha1 sha256 Imphash ParentProcessGuid ParentProcessId ParentImage ParentCommandLine ParentUser GrandParentImage Provider_Name SubjectUserSid SubjectUserName SubjectDomainName SubjectLogonId NewProcessId NewProcessName TokenElevationType TargetUserSid TargetUserName TargetDomainName TargetLogonId ParentProcessName MandatoryLabel",
	"windows file_change":              "UtcTime ProcessGuid ProcessId Image TargetFilename CreationUtcTime PreviousCreationUtcTime User",
	"windows network_connection":       "UtcTime ProcessGuid ProcessId Image User Protocol Initiated SourceIsIpv6 SourceIp SourceHostname SourcePort SourcePortName DestinationIsIpv6 DestinationIp DestinationHostname DestinationPort DestinationPortName",
	"windows process_termination":      "UtcTime ProcessGuid ProcessId Image User",
	"windows driver_load":              "UtcTime ImageLoaded Hashes imphash md5 sha1 sha256 Imphash Signed Signature SignatureStatus",
	"windows image_load":               "UtcTime ProcessGuid ProcessId Image ImageLoaded FileVersion Description Product Company OriginalFileName Hashes imphash md5 sha1 sha256 Imphash Signed Signature SignatureStatus User",
	"windows create_remote_thread":     "UtcTime SourceProcessGuid SourceProcessId SourceImage TargetProcessGuid TargetProcessId TargetImage NewThreadId StartAddress StartModule StartFunction SourceUser TargetUser",
	"windows raw_access_thread":        "UtcTime ProcessGuid ProcessId Image Device User",
	"windows process_access":           "UtcTime SourceProcessGUID SourceProcessId SourceThreadId SourceImage TargetProcessGUID TargetProcessId TargetImage GrantedAccess CallTrace SourceUser TargetUser",
	"windows file_event":               "UtcTime ProcessGuid ProcessId Image TargetFilename CreationUtcTime User",
	"windows registry_add":             "EventType UtcTime ProcessGuid ProcessId Image TargetObject User",
	"windows registry_delete":          "EventType UtcTime ProcessGuid ProcessId Image TargetObject User",
	"windows registry_set":             "EventType UtcTime ProcessGuid ProcessId Image TargetObject Details User",
	"windows registry_rename":          "EventType UtcTime ProcessGuid ProcessId Image TargetObject NewName User",
	"windows registry_event":           "EventType UtcTime ProcessGuid ProcessId Image TargetObject Details NewName User",
	"windows create_stream_hash":       "UtcTime ProcessGuid ProcessId Image TargetFilename CreationUtcTime Hash Contents User imphash md5 sha1 sha256 Imphash",
	"windows pipe_created":             "EventType UtcTime ProcessGuid ProcessId PipeName Image User",
	"windows wmi_event":                "EventType UtcTime Operation User EventNamespace Name Query Type Destination Consumer Filter",
	"windows dns_query":                "UtcTime ProcessGuid ProcessId QueryName QueryStatus QueryResults Image User",
	"windows file_delete":              "UtcTime ProcessGuid ProcessId User Image TargetFilename Hashes imphash md5 sha1 sha256 Imphash IsExecutable Archived",
	"windows clipboard_capture":        "UtcTime ProcessGuid ProcessId Image Session ClientInfo Hashes Archived User",
	"windows process_tampering":        "UtcTime ProcessGuid ProcessId Image Type User",
	"windows file_delete_detected":     "UtcTime ProcessGuid ProcessId User Image TargetFilename Hashes imphash md5 sha1 sha256 Imphash IsExecutable",
	"windows file_block_executable":    "UtcTime ProcessGuid ProcessId User Image TargetFilename Hashes imphash md5 sha1 sha256 Imphash",
	"windows file_block_shredding":     "UtcTime ProcessGuid ProcessId User Image TargetFilename Hashes imphash md5 sha1 sha256 Imphash IsExecutable",
	"windows file_executable_detected": "UtcTime ProcessGuid ProcessId User Image TargetFilename Hashes imphash md5 sha1 sha256 Imphash",
	"windows sysmon_status":            "UtcTime State Version SchemaVersion Configuration ConfigurationFileHash",
	"windows sysmon_error":             "UtcTime ID Description",
	"windows ps_script":                "MessageNumber MessageTotal ScriptBlockText ScriptBlockId Path",
	"windows ps_module":                "ContextInfo UserData Payload",
	"windows ps_classic_start":         "Data",
	"linux process_creation":           "UtcTime ProcessGuid ProcessId Image FileVersion Description Product Company OriginalFileName CommandLine CurrentDirectory User LogonGuid LogonId TerminalSessionId IntegrityLevel Hashes imphash md5 sha1 sha256 ParentProcessGuid ParentProcessId ParentImage ParentCommandLine ParentUser",
	"linux network_connection":         "UtcTime ProcessGuid ProcessId Image User Protocol Initiated SourceIsIpv6 SourceIp SourceHostname SourcePort SourcePortName DestinationIsIpv6 DestinationIp DestinationHostname DestinationPort DestinationPortName",
	"linux file_event":                 "UtcTime ProcessGuid ProcessId Image TargetFilename CreationUtcTime User",
	" proxy":                           "c-uri c-uri-extension c-uri-query c-uri-stem c-useragent cs-bytes cs-cookie cs-host cs-method r-dns cs-referrer cs-version sc-bytes sc-status src_ip dst_ip c-ip cs-uri cs-username cs-uri-query cs-uri-stem cs-user-agent cs-referer",
	" webserver":                       "date time c-ip cs-username s-sitename s-computername s-ip s-port cs-method cs-uri-stem cs-uri-query sc-status c-win32-status sc-bytes cs-bytes time-taken cs-version cs-host cs-user-agent cs-cookie cs-referer",
}

const header = "EventID Channel Provider_Name Provider_Guid Computer RuleName Level Task Opcode Keywords EventRecordID TimeCreated Version"

var fieldsOf = sync.OnceValue(func() map[string][]string {
	out := map[string][]string{}
	for source, names := range fields {
		if out[source] = strings.Fields(names); strings.HasPrefix(source, "windows ") || strings.HasPrefix(source, "linux ") {
			out[source] = append(out[source], strings.Fields(header)...)
		}
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
			hint := ""
			if meant := nearest(k.Value, keys); meant != "" {
				hint = "; did you mean " + meant + "?"
			}
			s.find("fieldname_logsource", place(k), "a log source has no %q%s", clip(k.Value), hint)
		}
	}
	src := r.Source
	if !logsources()[[3]string{src.Product, src.Category, src.Service}] {
		s.find("logsource_unknown", src.Pos, "no known log source is %s%s", clip(src.String()), meantSource(src))
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
	names := fieldsOf()[src.Product+" "+src.Category]
	if src.Product == "" || src.Service != "" || names == nil {
		names = fieldsOf()[" "+src.Category]
	}
	s.items(r, func(it ir.Item) { s.field(r, it, names) })
}

// meantSource is `; did you mean product windows?` where each part of a log source
// that none has is near one that some have, and together they are one.
func meantSource(src ir.LogSource) string {
	parts := [3]string{src.Product, src.Category, src.Service}
	for i, part := range parts {
		var words []string
		for known := range logsources() {
			words = append(words, known[i])
		}
		if slices.Sort(words); !slices.Contains(words, part) {
			parts[i] = nearest(part, slices.Compact(words))
		}
	}
	if !logsources()[parts] {
		return ""
	}
	return "; did you mean " + ir.LogSource{Product: parts[0], Category: parts[1], Service: parts[2]}.String() + "?"
}

// field looks at a field's name; names are those that the log source has, or
// none where that is not known.
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
	if len(names) == 0 || slices.Contains(names, name) {
		return
	}
	if i := slices.IndexFunc(names, func(n string) bool { return strings.EqualFold(n, name) }); i >= 0 {
		s.find("fieldname_cast", at, "the field is %s, and not %s", names[i], clip(name))
		return
	}
	hint := ""
	if meant := nearest(name, lowered(names)); meant != "" {
		hint = "; did you mean " + names[slices.Index(lowered(names), meant)] + "?"
	}
	s.find("invalid_fieldname", at, "events of this log source have no field %s%s", clip(name), hint)
}

func lowered(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = strings.ToLower(n)
	}
	return out
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
