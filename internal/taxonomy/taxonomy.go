// Package taxonomy knows the fields that events have by log source.
package taxonomy

import (
	"slices"
	"strings"
	"sync"

	"sigmac/ir"
)

// fields are those that events of a log source have, by product and category
// (Sysmon's manifest, schema 4.91, with the names of hashes that the taxonomy
// has; PowerShell's and the W3C's formats). Every Windows event has those of the
// record's header too.
var fields = map[string]string{
	"windows process_creation":          "UtcTime ProcessGuid ProcessId Image FileVersion Description Product Company OriginalFileName CommandLine CurrentDirectory User LogonGuid LogonId TerminalSessionId IntegrityLevel Hashes imphash md5 sha1 sha256 Imphash ParentProcessGuid ParentProcessId ParentImage ParentCommandLine ParentUser GrandParentImage Provider_Name SubjectUserSid SubjectUserName SubjectDomainName SubjectLogonId NewProcessId NewProcessName TokenElevationType TargetUserSid TargetUserName TargetDomainName TargetLogonId ParentProcessName MandatoryLabel",
	"windows file_change":               "UtcTime ProcessGuid ProcessId Image TargetFilename CreationUtcTime PreviousCreationUtcTime User",
	"windows network_connection":        "UtcTime ProcessGuid ProcessId Image User Protocol Initiated SourceIsIpv6 SourceIp SourceHostname SourcePort SourcePortName DestinationIsIpv6 DestinationIp DestinationHostname DestinationPort DestinationPortName",
	"windows process_termination":       "UtcTime ProcessGuid ProcessId Image User",
	"windows driver_load":               "UtcTime ImageLoaded Hashes imphash md5 sha1 sha256 Imphash Signed Signature SignatureStatus",
	"windows image_load":                "UtcTime ProcessGuid ProcessId Image ImageLoaded FileVersion Description Product Company OriginalFileName Hashes imphash md5 sha1 sha256 Imphash Signed Signature SignatureStatus User",
	"windows create_remote_thread":      "UtcTime SourceProcessGuid SourceProcessId SourceImage TargetProcessGuid TargetProcessId TargetImage NewThreadId StartAddress StartModule StartFunction SourceUser TargetUser",
	"windows raw_access_thread":         "UtcTime ProcessGuid ProcessId Image Device User",
	"windows process_access":            "UtcTime SourceProcessGUID SourceProcessId SourceThreadId SourceImage TargetProcessGUID TargetProcessId TargetImage GrantedAccess CallTrace SourceUser TargetUser",
	"windows file_event":                "UtcTime ProcessGuid ProcessId Image TargetFilename CreationUtcTime User",
	"windows registry_add":              "EventType UtcTime ProcessGuid ProcessId Image TargetObject User",
	"windows registry_delete":           "EventType UtcTime ProcessGuid ProcessId Image TargetObject User",
	"windows registry_set":              "EventType UtcTime ProcessGuid ProcessId Image TargetObject Details User",
	"windows registry_rename":           "EventType UtcTime ProcessGuid ProcessId Image TargetObject NewName User",
	"windows registry_event":            "EventType UtcTime ProcessGuid ProcessId Image TargetObject Details NewName User",
	"windows create_stream_hash":        "UtcTime ProcessGuid ProcessId Image TargetFilename CreationUtcTime Hash Contents User imphash md5 sha1 sha256 Imphash",
	"windows pipe_created":              "EventType UtcTime ProcessGuid ProcessId PipeName Image User",
	"windows wmi_event":                 "EventType UtcTime Operation User EventNamespace Name Query Type Destination Consumer Filter",
	"windows dns_query":                 "UtcTime ProcessGuid ProcessId QueryName QueryStatus QueryResults Image User",
	"windows file_delete":               "UtcTime ProcessGuid ProcessId User Image TargetFilename Hashes imphash md5 sha1 sha256 Imphash IsExecutable Archived",
	"windows clipboard_capture":         "UtcTime ProcessGuid ProcessId Image Session ClientInfo Hashes Archived User",
	"windows process_tampering":         "UtcTime ProcessGuid ProcessId Image Type User",
	"windows file_delete_detected":      "UtcTime ProcessGuid ProcessId User Image TargetFilename Hashes imphash md5 sha1 sha256 Imphash IsExecutable",
	"windows file_block_executable":     "UtcTime ProcessGuid ProcessId User Image TargetFilename Hashes imphash md5 sha1 sha256 Imphash",
	"windows file_block_shredding":      "UtcTime ProcessGuid ProcessId User Image TargetFilename Hashes imphash md5 sha1 sha256 Imphash IsExecutable",
	"windows file_executable_detected":  "UtcTime ProcessGuid ProcessId User Image TargetFilename Hashes imphash md5 sha1 sha256 Imphash",
	"windows sysmon_status":             "UtcTime State Version SchemaVersion Configuration ConfigurationFileHash",
	"windows sysmon_error":              "UtcTime ID Description",
	"windows ps_script":                 "MessageNumber MessageTotal ScriptBlockText ScriptBlockId Path",
	"windows ps_module":                 "ContextInfo UserData Payload",
	"windows ps_classic_start":          "Data",
	"windows ps_classic_provider_start": "Data",
	"windows ps_classic_script":         "Data",
	"linux process_creation":            "UtcTime ProcessGuid ProcessId Image FileVersion Description Product Company OriginalFileName CommandLine CurrentDirectory User LogonGuid LogonId TerminalSessionId IntegrityLevel Hashes imphash md5 sha1 sha256 ParentProcessGuid ParentProcessId ParentImage ParentCommandLine ParentUser",
	"linux network_connection":          "UtcTime ProcessGuid ProcessId Image User Protocol Initiated SourceIsIpv6 SourceIp SourceHostname SourcePort SourcePortName DestinationIsIpv6 DestinationIp DestinationHostname DestinationPort DestinationPortName",
	"linux file_event":                  "UtcTime ProcessGuid ProcessId Image TargetFilename CreationUtcTime User",
	" proxy":                            "c-uri c-uri-extension c-uri-query c-uri-stem c-useragent cs-bytes cs-cookie cs-host cs-method r-dns cs-referrer cs-version sc-bytes sc-status src_ip dst_ip c-ip cs-uri cs-username cs-uri-query cs-uri-stem cs-user-agent cs-referer",
	" webserver":                        "date time c-ip cs-username s-sitename s-computername s-ip s-port cs-method cs-uri-stem cs-uri-query sc-status c-win32-status sc-bytes cs-bytes time-taken cs-version cs-host cs-user-agent cs-cookie cs-referer",
}

// header are the fields of the records of logs of Windows, and of Sysmon for Linux.
const header = "EventID Channel Provider_Name Provider_Guid Computer RuleName Level Task Opcode Keywords EventRecordID TimeCreated Version"

// sysmon is the log that has what any event of Sysmon has.
const sysmon = "windows sysmon"

var known sync.Map // of []string, by product and category

// of is what events of a product and a category have; nil where that is not known.
func of(key string) (names []string) {
	if names, ok := known.Load(key); ok {
		return names.([]string)
	}
	product, category, _ := strings.Cut(key, " ")
	switch {
	case key == sysmon:
		for source := range fields {
			if product, category, _ := strings.Cut(source, " "); product == "windows" && !strings.HasPrefix(category, "ps_") {
				names = append(names, of(source)...)
			}
		}
		slices.Sort(names)
		names = slices.Compact(names)
	case product == "macos": // the taxonomy knows no difference
		names = strings.Fields(fields["linux "+category])
	default:
		if names = strings.Fields(fields[key]); len(names) > 0 && product != "" {
			names = append(names, strings.Fields(header)...)
		}
	}
	if len(names) == 0 {
		return nil
	}
	known.Store(key, names)
	return names
}

// Fields are those that events of a log source have under the names of a taxonomy, which
// is Sigma's where it has no name; none where they are not known.
func Fields(taxonomy string, source ir.LogSource) []string {
	if taxonomy != "" && taxonomy != "sigma" {
		return nil
	}
	key := source.Product + " " + source.Category
	if key == "windows " && source.Service == "sysmon" {
		return of(sysmon)
	}
	if source.Service == "" {
		if names := of(key); names != nil {
			return names
		}
	}
	return of(" " + source.Category)
}
