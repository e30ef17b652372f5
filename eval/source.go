package eval

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"sync"

	"sigmac/ir"
	"sigmac/regex"
)

// A Source is what a flattened event of Windows says of its origin. The zero
// Source says nothing.
type Source struct {
	Channel, Provider string // folded; "" where the event does not say
	EventID           int    // 0 where it does not
}

// SourceOf reads an event's source. An event without an EventID and one of
// Channel and Provider_Name does not tell its source.
func SourceOf(ev Event) Source {
	id := ""
	switch v := ev.fields["EventID"].(type) {
	case json.Number:
		id = string(v)
	case string:
		id = v
	}
	return newSource(ev.fold("Channel"), ev.fold("Provider_Name"), id)
}

func newSource(channel, provider, id string) (s Source) {
	if channel == "FORWARDEDEVENTS" { // where a collector keeps what others wrote
		channel = ""
	}
	if n, _ := strconv.Atoi(id); n > 0 && channel+provider != "" {
		s = Source{channel, provider, n}
	}
	return s
}

func (ev Event) fold(name string) string {
	s, _ := ev.fields[name].(string)
	return regex.Fold(s)
}

// Fits says whether a rule with this log source may be about the event. It
// says no only where the event tells that it comes from elsewhere; what the
// tables below do not know is never elsewhere.
func (s Source) Fits(ls ir.LogSource) bool {
	if s == (Source{}) {
		return true
	}
	product, service, category := strings.ToLower(ls.Product), strings.ToLower(ls.Service), strings.ToLower(ls.Category)
	if channels, ok := productChannels[product]; ok {
		return s.in(channels)
	}
	linux := strings.HasPrefix(s.Channel+s.Provider, "LINUX-SYSMON")
	if product != "" && product != "windows" && !(linux && product == "linux") || product == "windows" && linux {
		return false
	}
	if linux && service != "" && service != "sysmon" {
		return false
	}
	if channels, ok := serviceChannels()[service]; ok && !linux && !s.in(channels) {
		return false
	}
	if product == "" && slices.Contains(elsewhere, cmp.Or(category, service)) {
		return false
	}
	origins, ok := categoryOrigins()[category]
	return !ok || slices.ContainsFunc(origins, func(o origin) bool {
		if linux {
			return slices.Equal(o.channels, sysmon) && slices.Contains(o.ids, s.EventID)
		}
		return s.in(o.channels) && (o.ids == nil || slices.Contains(o.ids, s.EventID))
	})
}

// in says whether the event may be of one of these channels. Where it names no
// channel, or one that no table has (a collector's own), its provider says so:
// by the channel's name up to the slash, or by the table. Without a channel,
// what the table does not know may be.
func (s Source) in(channels []string) bool {
	if slices.ContainsFunc(channels, func(c string) bool { return regex.Fold(c) == s.Channel }) {
		return true
	}
	if knownChannels()[s.Channel] {
		return false
	}
	known := false
	for _, c := range channels {
		provider, ok := providers[c]
		if !ok {
			provider, _, ok = strings.Cut(c, "/")
		}
		if ok && regex.Fold(provider) == s.Provider {
			return true
		}
		known = known || ok
	}
	return !known && s.Channel == ""
}

var knownChannels = sync.OnceValue(func() map[string]bool {
	out := map[string]bool{}
	for _, channels := range serviceChannels() {
		for _, c := range channels {
			out[regex.Fold(c)] = true
		}
	}
	return out
})

// providers are those of channels that are not named after them.
var providers = map[string]string{
	"Security":           "Microsoft-Windows-Security-Auditing",
	"Windows PowerShell": "PowerShell",
	"Microsoft-Windows-DNS Client Events/Operational":                    "Microsoft-Windows-DNS-Client",
	"Microsoft-Windows-LSA/Operational":                                  "LsaSrv",
	"DNS Server":                                                         "Microsoft-Windows-DNS-Server-Service",
	"OpenSSH/Operational":                                                "OpenSSH",
	"Microsoft-Windows-DNS-Server/Audit":                                 "Microsoft-Windows-DNSServer",
	"Microsoft-Windows-DNS-Server/Analytical":                            "Microsoft-Windows-DNSServer",
	"Microsoft-Windows-SmbClient/Security":                               "Microsoft-Windows-SMBClient",
	"Microsoft-Windows-Windows Firewall With Advanced Security/Firewall": "Microsoft-Windows-Windows Firewall With Advanced Security",
}

// elsewhere are categories and services without a product whose logs are not
// Windows events.
var elsewhere = []string{"apache", "connection", "database", "dns", "firewall", "netflow", "network", "nginx", "proxy", "webserver"}

// productChannels are the channels of products that write Windows events.
var productChannels = map[string][]string{"rpc_firewall": {"RPCFW", "Application"}}

// An origin is where events of a category come from.
type origin struct {
	channels []string
	ids      []int // nil: any
}

var (
	sysmon     = []string{"Microsoft-Windows-Sysmon/Operational"}
	security   = []string{"Security"}
	powershell = []string{"Microsoft-Windows-PowerShell/Operational", "PowerShellCore/Operational"}
	classic    = []string{"Windows PowerShell"}
	kernelFile = []string{"Microsoft-Windows-Kernel-File/Analytic"}
)

// categoryOrigins has the categories of Windows: Sysmon's events, and those of
// the security audit that say the same.
var categoryOrigins = sync.OnceValue(func() map[string][]origin {
	return map[string][]origin{
		"antivirus": {{[]string{"Application", "System", "Microsoft-Windows-Windows Defender/Operational"}, nil}},

		"process_creation":    {{sysmon, []int{1}}, {security, []int{4688}}},
		"process_termination": {{sysmon, []int{5}}, {security, []int{4689}}},
		"network_connection":  {{sysmon, []int{3}}, {security, []int{5156}}},
		"registry_add":        {{sysmon, []int{12}}, {security, []int{4657}}},
		"registry_delete":     {{sysmon, []int{12}}, {security, []int{4657}}},
		"registry_set":        {{sysmon, []int{13}}, {security, []int{4657}}},
		"registry_event":      {{sysmon, []int{12, 13, 14}}, {security, []int{4657}}},

		"clipboard_capture":        {{sysmon, []int{24}}},
		"create_remote_thread":     {{sysmon, []int{8}}},
		"create_stream_hash":       {{sysmon, []int{15}}},
		"dns_query":                {{sysmon, []int{22}}},
		"driver_load":              {{sysmon, []int{6}}},
		"file_block_executable":    {{sysmon, []int{27}}},
		"file_block_shredding":     {{sysmon, []int{28}}},
		"file_change":              {{sysmon, []int{2}}},
		"file_delete":              {{sysmon, []int{23, 26}}},
		"file_delete_detected":     {{sysmon, []int{26}}},
		"file_event":               {{sysmon, []int{11}}},
		"file_executable_detected": {{sysmon, []int{29}}},
		"image_load":               {{sysmon, []int{7}}},
		"pipe_created":             {{sysmon, []int{17, 18}}},
		"process_access":           {{sysmon, []int{10}}},
		"process_tampering":        {{sysmon, []int{25}}},
		"raw_access_thread":        {{sysmon, []int{9}}},
		"registry_rename":          {{sysmon, []int{14}}},
		"sysmon_error":             {{sysmon, []int{255}}},
		"sysmon_status":            {{sysmon, []int{4, 16}}},
		"wmi_event":                {{sysmon, []int{19, 20, 21}}},

		"file_access": {{kernelFile, nil}},
		"file_rename": {{kernelFile, nil}},

		"ps_module":                 {{powershell, []int{4103}}},
		"ps_script":                 {{powershell, []int{4104}}},
		"ps_classic_start":          {{classic, []int{400}}},
		"ps_classic_provider_start": {{classic, []int{600}}},
		"ps_classic_script":         {{classic, []int{800}}},
	}
})

// serviceChannels has the channels of the services of Windows.
var serviceChannels = sync.OnceValue(func() map[string][]string {
	return map[string][]string{
		"application":            {"Application"},
		"application-experience": {"Microsoft-Windows-Application-Experience/Program-Compatibility-Assistant", "Microsoft-Windows-Application-Experience/Program-Telemetry"},
		"applocker":              {"Microsoft-Windows-AppLocker/EXE and DLL", "Microsoft-Windows-AppLocker/MSI and Script", "Microsoft-Windows-AppLocker/Packaged app-Deployment", "Microsoft-Windows-AppLocker/Packaged app-Execution"},
		"appmodel-runtime":       {"Microsoft-Windows-AppModel-Runtime/Admin"},
		"appxdeployment-server":  {"Microsoft-Windows-AppXDeploymentServer/Operational"},
		"appxpackaging-om":       {"Microsoft-Windows-AppxPackaging/Operational"},
		"bitlocker":              {"Microsoft-Windows-BitLocker/BitLocker Management"},
		"bits-client":            {"Microsoft-Windows-Bits-Client/Operational"},
		"capi2":                  {"Microsoft-Windows-CAPI2/Operational"},
		"certificateservicesclient-lifecycle-system": {"Microsoft-Windows-CertificateServicesClient-Lifecycle-System/Operational"},
		"codeintegrity-operational":                  {"Microsoft-Windows-CodeIntegrity/Operational"},
		"dhcp":                                       {"Microsoft-Windows-DHCP-Server/Operational"},
		"diagnosis-scripted":                         {"Microsoft-Windows-Diagnosis-Scripted/Operational"},
		"dns-client":                                 {"Microsoft-Windows-DNS Client Events/Operational"},
		"dns-server":                                 {"DNS Server"},
		"dns-server-analytic":                        {"Microsoft-Windows-DNS-Server/Analytical"},
		"dns-server-audit":                           {"Microsoft-Windows-DNS-Server/Audit"},
		"driver-framework":                           {"Microsoft-Windows-DriverFrameworks-UserMode/Operational"},
		"firewall-as":                                {"Microsoft-Windows-Windows Firewall With Advanced Security/Firewall"},
		"hyper-v-worker":                             {"Microsoft-Windows-Hyper-V-Worker"},
		"iis-configuration":                          {"Microsoft-IIS-Configuration/Operational"},
		"kernel-event-tracing":                       {"Microsoft-Windows-Kernel-EventTracing"},
		"kernel-shimengine":                          {"Microsoft-Windows-Kernel-ShimEngine/Diagnostic", "Microsoft-Windows-Kernel-ShimEngine/Operational"},
		"ldap":                                       {"Microsoft-Windows-LDAP-Client/Debug"},
		"ldap_debug":                                 {"Microsoft-Windows-LDAP-Client/Debug"},
		"lsa-server":                                 {"Microsoft-Windows-LSA/Operational"},
		"microsoft-servicebus-client":                {"Microsoft-ServiceBus-Client"},
		"msexchange-management":                      {"MSExchange Management"},
		"ntfs":                                       {"Microsoft-Windows-Ntfs/Operational"},
		"ntlm":                                       {"Microsoft-Windows-NTLM/Operational"},
		"openssh":                                    {"OpenSSH/Operational"},
		"powershell":                                 {"Microsoft-Windows-PowerShell/Operational", "PowerShellCore/Operational"},
		"powershell-classic":                         {"Windows PowerShell"},
		"printservice-admin":                         {"Microsoft-Windows-PrintService/Admin"},
		"printservice-operational":                   {"Microsoft-Windows-PrintService/Operational"},
		"security":                                   {"Security"},
		"security-mitigations":                       {"Microsoft-Windows-Security-Mitigations/Kernel Mode", "Microsoft-Windows-Security-Mitigations/User Mode"},
		"sense":                                      {"Microsoft-Windows-SENSE/Operational"},
		"servicebus-client":                          {"Microsoft-ServiceBus-Client/Admin", "Microsoft-ServiceBus-Client/Operational"},
		"shell-core":                                 {"Microsoft-Windows-Shell-Core/Operational"},
		"smbclient-connectivity":                     {"Microsoft-Windows-SmbClient/Connectivity"},
		"smbclient-security":                         {"Microsoft-Windows-SmbClient/Security"},
		"smbserver-connectivity":                     {"Microsoft-Windows-SMBServer/Connectivity"},
		"sysmon":                                     {"Microsoft-Windows-Sysmon/Operational"},
		"system":                                     {"System"},
		"taskscheduler":                              {"Microsoft-Windows-TaskScheduler/Operational"},
		"terminalservices-localsessionmanager":       {"Microsoft-Windows-TerminalServices-LocalSessionManager/Operational"},
		"vhdmp":                                      {"Microsoft-Windows-VHDMP/Operational"},
		"windefend":                                  {"Microsoft-Windows-Windows Defender/Operational"},
		"wmi":                                        {"Microsoft-Windows-WMI-Activity/Operational"},
	}
})
