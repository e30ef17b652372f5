package native

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"sigmac/internal/catalog"
	"sigmac/ir"
)

// The tables below lead from a target's fields to Sigma's, where a field is the
// same text: the facts are those of the built-in pipelines, read backwards. A
// field that holds the file name in a path of Sigma's is catalog.FileName of it. One
// that they compute from several columns, or that Sigma has not, keeps its own name.

// image and the others are fields with the file name in a path.
var (
	image          = catalog.FileName("Image")
	parentImage    = catalog.FileName("ParentImage")
	targetFilename = catalog.FileName("TargetFilename")
	imageLoaded    = catalog.FileName("ImageLoaded")
)

// dataModels are the fields of Splunk's data models, by dataset
// (splunk_cim.yml). A field of a dataset that is not named loses its prefix.
var dataModels = sync.OnceValue(func() map[string]map[string]string {
	return map[string]map[string]string{
		"Processes": {
			"process":                   "CommandLine",
			"process_path":              "Image",
			"process_name":              image,
			"original_file_name":        "OriginalFileName",
			"process_current_directory": "CurrentDirectory",
			"process_integrity_level":   "IntegrityLevel",
			"process_hash":              "Hashes",
			"process_id":                "ProcessId",
			"process_guid":              "ProcessGuid",
			"parent_process":            "ParentCommandLine",
			"parent_process_path":       "ParentImage",
			"parent_process_name":       parentImage,
			"parent_process_id":         "ParentProcessId",
			"parent_process_guid":       "ParentProcessGuid",
			"dest":                      "Computer",
		},
		"Registry": {
			"registry_path":       "TargetObject",
			"registry_value_data": "Details",
			"action":              "EventType",
			"process_path":        "Image",
			"process_name":        image,
			"process_id":          "ProcessId",
			"process_guid":        "ProcessGuid",
			"dest":                "Computer",
		},
		"Filesystem": {
			"file_path":    "TargetFilename",
			"file_name":    targetFilename,
			"process_path": "Image",
			"process_name": image,
			"process_id":   "ProcessId",
			"process_guid": "ProcessGuid",
			"dest":         "Computer",
		},
		"DNS": {
			"query":         "QueryName",
			"reply_code_id": "QueryStatus",
		},
		"All_Traffic": {
			"dest_ip":      "DestinationIp",
			"dest_port":    "DestinationPort",
			"src_ip":       "SourceIp",
			"src_port":     "SourcePort",
			"transport":    "Protocol",
			"direction":    "Initiated",
			"process_id":   "ProcessId",
			"process_guid": "ProcessGuid",
			"app":          "Image",
		},
		"Web": {
			"url":             "c-uri",
			"uri_path":        "c-uri-stem",
			"uri_query":       "c-uri-query",
			"http_user_agent": "c-useragent",
			"http_referrer":   "cs-referer",
			"http_method":     "cs-method",
			"cookie":          "cs-cookie",
			"status":          "sc-status",
			"src_ip":          "c-ip",
			"dest_ip":         "dst_ip",
			"url_domain":      "cs-host",
		},
	}
})

// splunkField is the name of a field in a search. The add-ons give events the names
// of the Common Information Model too.
func splunkField(name string) string {
	switch name {
	case "EventCode":
		return "EventID"
	case "process_name":
		return image
	case "parent_process_name":
		return parentImage
	}
	dataset, field, dotted := strings.Cut(name, ".")
	fields, ok := dataModels()[dataset]
	if !dotted || !ok {
		return name
	}
	if to := fields[field]; to != "" {
		return to
	}
	return field
}

// ecs are the fields of the Elastic Common Schema (ecs_windows.yml).
var ecs = sync.OnceValue(func() map[string]string {
	return map[string]string{
		"process.executable":            "Image",
		"process.name":                  image,
		"process.name.caseless":         image,
		"process.command_line":          "CommandLine",
		"process.working_directory":     "CurrentDirectory",
		"process.entity_id":             "ProcessGuid",
		"process.pid":                   "ProcessId",
		"process.pe.original_file_name": "OriginalFileName",
		"process.pe.company":            "Company",
		"process.pe.description":        "Description",
		"process.pe.file_version":       "FileVersion",
		"process.pe.product":            "Product",
		"process.parent.executable":     "ParentImage",
		"process.parent.name":           parentImage,
		"process.parent.command_line":   "ParentCommandLine",
		"process.parent.entity_id":      "ParentProcessGuid",
		"process.parent.pid":            "ParentProcessId",
		"file.path":                     "TargetFilename",
		"file.name":                     targetFilename,
		"registry.path":                 "TargetObject",
		"registry.data.strings":         "Details",
		"dns.question.name":             "QueryName",
		"source.ip":                     "SourceIp",
		"source.domain":                 "SourceHostname",
		"source.port":                   "SourcePort",
		"destination.ip":                "DestinationIp",
		"destination.domain":            "DestinationHostname",
		"destination.port":              "DestinationPort",
		"network.transport":             "Protocol",
		"network.direction":             "Initiated",
		"event.code":                    "EventID",
		"winlog.channel":                "Channel",
		"winlog.provider_name":          "Provider_Name",
		"winlog.computer_name":          "Computer",
		"winlog.record_id":              "EventRecordID",
		"dll.path":                      "ImageLoaded",
		"dll.name":                      imageLoaded,
		"dll.pe.original_file_name":     "OriginalFileName",
	}
})

// ecsLoaded are the fields of an event about an image that is loaded.
var ecsLoaded = map[string]string{
	"file.path":                        "ImageLoaded",
	"file.name":                        imageLoaded,
	"file.pe.original_file_name":       "OriginalFileName",
	"file.pe.company":                  "Company",
	"file.pe.description":              "Description",
	"file.pe.file_version":             "FileVersion",
	"file.pe.product":                  "Product",
	"file.code_signature.subject_name": "Signature",
	"file.code_signature.status":       "SignatureStatus",
}

// ecsField is the name of a field in an event of a category, which may be empty.
func ecsField(category, name string) string {
	if to := ecsLoaded[name]; to != "" && (category == "library" || category == "driver") {
		return to
	}
	if to := ecs()[name]; to != "" {
		return to
	}
	if data, ok := strings.CutPrefix(name, "winlog.event_data."); ok && !strings.Contains(data, ".") {
		return data
	}
	return name
}

// Fields of Microsoft Defender (microsoft_xdr.yml) that are of the process that
// acts, in tables about what it does.
var acting = map[string]string{
	"InitiatingProcessFolderPath":     "Image",
	"InitiatingProcessFileName":       image,
	"InitiatingProcessCommandLine":    "CommandLine",
	"InitiatingProcessId":             "ProcessId",
	"InitiatingProcessIntegrityLevel": "IntegrityLevel",
	"InitiatingProcessParentId":       "ParentProcessId",
	"DeviceName":                      "Computer",
	"MD5":                             "md5",
	"SHA1":                            "sha1",
	"SHA256":                          "sha256",
}

// tables are the columns of Kusto's tables (microsoft_xdr.yml,
// azure_monitor.yml, sentinel_asim.yml). What is not named has Sigma's name, or
// none there.
var tables = sync.OnceValue(func() map[string]map[string]string {
	return map[string]map[string]string{
		"DeviceProcessEvents": {
			"FolderPath":                         "Image",
			"FileName":                           image,
			"ProcessCommandLine":                 "CommandLine",
			"ProcessIntegrityLevel":              "IntegrityLevel",
			"ProcessVersionInfoOriginalFileName": "OriginalFileName",
			"ProcessVersionInfoFileDescription":  "Description",
			"ProcessVersionInfoProductName":      "Product",
			"ProcessVersionInfoCompanyName":      "Company",
			"InitiatingProcessFolderPath":        "ParentImage",
			"InitiatingProcessFileName":          parentImage,
			"InitiatingProcessCommandLine":       "ParentCommandLine",
			"InitiatingProcessId":                "ParentProcessId",
			"DeviceName":                         "Computer",
			"MD5":                                "md5",
			"SHA1":                               "sha1",
			"SHA256":                             "sha256",
		},
		"DeviceImageLoadEvents": with(acting, "FolderPath", "ImageLoaded", "FileName", imageLoaded),
		"DeviceFileEvents":      with(acting, "FolderPath", "TargetFilename", "FileName", targetFilename),
		"DeviceRegistryEvents":  acting,
		"DeviceNetworkEvents":   acting,
		"DeviceEvents":          with(acting, "AdditionalFields.DnsQueryString", "QueryName"),
		"DeviceLogonEvents": {
			"AccountName":   "TargetUserName",
			"AccountDomain": "TargetDomainName",
			"AccountSid":    "TargetUserSid",
			"DeviceName":    "Computer",
		},
		"SecurityEvent": {
			"NewProcessName":    "Image",
			"ParentProcessName": "ParentImage",
			"MandatoryLabel":    "IntegrityLevel",
			"EventSourceName":   "Provider_Name",
		},
		"WindowsEvent": {
			"Provider":      "Provider_Name",
			"EventLevel":    "Level",
			"EventRecordId": "EventRecordID",
		},
		"imProcessCreate": {
			"TargetProcessName":            "Image",
			"TargetProcessCommandLine":     "CommandLine",
			"TargetProcessFileCompany":     "Company",
			"TargetProcessFileDescription": "Description",
			"TargetProcessFileProduct":     "Product",
			"TargetProcessIntegrityLevel":  "IntegrityLevel",
			"TargetProcessGuid":            "ProcessGuid",
			"TargetProcessId":              "ProcessId",
			"TargetProcessIMPHASH":         "imphash",
			"TargetProcessMD5":             "md5",
			"TargetProcessSHA1":            "sha1",
			"TargetProcessSHA256":          "sha256",
			"TargetUsername":               "User",
			"ActingProcessName":            "ParentImage",
			"ActingProcessCommandLine":     "ParentCommandLine",
			"ActingProcessGuid":            "ParentProcessGuid",
			"ActingProcessId":              "ParentProcessId",
			"ActingProcessIntegrityLevel":  "ParentIntegrityLevel",
			"ActorUsername":                "ParentUser",
			"ParentProcessName":            "GrandParentImage",
		},
		"imFileEvent": {
			"TargetFilePath":           "TargetFilename",
			"TargetFileName":           targetFilename,
			"SrcFilePath":              "SourceFilename",
			"ActingProcessName":        "Image",
			"ActingProcessCommandLine": "CommandLine",
			"ActingProcessGuid":        "ProcessGuid",
			"ActingProcessId":          "ProcessId",
			"ActorUsername":            "User",
		},
		"imRegistry": {
			"ActingProcessName": "Image",
			"ActingProcessGuid": "ProcessGuid",
			"ActingProcessId":   "ProcessId",
			"ParentProcessName": "ParentImage",
			"ActorUsername":     "User",
		},
		"imNetworkSession": {
			"DstIpAddr":       "DestinationIp",
			"DstPortNumber":   "DestinationPort",
			"SrcIpAddr":       "SourceIp",
			"SrcPortNumber":   "SourcePort",
			"NetworkProtocol": "Protocol",
		},
		"imDns": {
			"DnsQuery":        "QueryName",
			"DnsResponseName": "QueryResults",
			"SrcProcessName":  "Image",
			"SrcProcessGuid":  "ProcessGuid",
			"SrcProcessId":    "ProcessId",
			"SrcUsername":     "User",
		},
		"imWebSession": {
			"Url":                "c-uri",
			"HttpUserAgent":      "c-useragent",
			"HttpRequestMethod":  "cs-method",
			"HttpReferrer":       "cs-referer",
			"EventResultDetails": "sc-status",
			"SrcUsername":        "cs-username",
			"SrcIpAddr":          "c-ip",
			"DstIpAddr":          "dst_ip",
		},
	}
})

// with is m with more fields, each before its name in Sigma.
func with(m map[string]string, pairs ...string) map[string]string {
	m = maps.Clone(m)
	for pair := range slices.Chunk(pairs, 2) {
		m[pair[0]] = pair[1]
	}
	return m
}

// kustoField is the name of a column of a table, which may be empty.
func kustoField(table, name string) string {
	if to := tables()[unified(table)][name]; to != "" {
		return to
	}
	if data, ok := strings.CutPrefix(name, "EventData."); ok && table == "WindowsEvent" {
		return data
	}
	return name
}

// unified is the name of a parser of ASIM without how it is deployed:
// `_Im_ProcessCreate` is `imProcessCreate`.
func unified(table string) string {
	if name, ok := strings.CutPrefix(table, "_Im_"); ok {
		table = "im" + name
	}
	switch table {
	case "imProcess", "imProcessEvent":
		return "imProcessCreate"
	case "imRegistryEvent":
		return "imRegistry"
	}
	return table
}

// renamed is an expression with other names for its fields, and r knows what they were.
func (r *Rule) renamed(e ir.Expr, name func(string) string) ir.Expr {
	e, _ = ir.Rewrite(e, func(e ir.Expr) (ir.Expr, bool) {
		m, ok := e.(ir.Match)
		if !ok {
			return e, false
		}
		out := m
		out.Field.Name = name(m.Field.Name)
		r.spell(out.Field.Name, m.Field.Name)
		if ref, ok := m.Test.(ir.FieldRef); ok {
			ref.Other.Name = name(ref.Other.Name)
			out.Test = ref
		}
		return out, true
	})
	return e
}

// spell notes how r names a field.
func (r *Rule) spell(field, own string) {
	if field == own || slices.Contains(r.spelled[field], own) {
		return
	}
	if r.spelled == nil {
		r.spelled = map[string][]string{}
	}
	r.spelled[field] = append(r.spelled[field], own)
}
