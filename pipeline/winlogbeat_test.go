package pipeline_test

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// index is what Winlogbeat with its ingest pipelines makes of an event of the
// Windows event log, given and returned by the names of fields. It is written
// from elastic/beats (x-pack/winlogbeat/module, winlogbeat/sys/winevent) and not
// from the pipeline that it tests. An event that its log cannot have is not ok.
func index(ev map[string]any, userData bool) (doc map[string]any, ok bool) {
	w := &winlogbeat{doc: map[string]any{}, data: map[string]string{}, ok: true}
	for name, v := range ev {
		header, is := map[string]string{"EventID": "event.code", "Channel": "winlog.channel", "Provider_Name": "winlog.provider_name",
			"Computer": "winlog.computer_name", "ComputerName": "winlog.computer_name", "EventRecordID": "winlog.record_id",
			"Message": "message"}[name]
		switch {
		case is:
			w.doc[header] = fmt.Sprint(v)
		case slices.Contains([]string{"Level", "Keywords", "Task", "Opcode", "Data", "EventData"}, name):
			return nil, false
		case v != nil && fmt.Sprint(v) != "":
			w.data[name] = strings.ReplaceAll(fmt.Sprint(v), "\r\n", "\n")
		}
	}
	w.code, _ = w.doc["event.code"].(string)
	channel, _ := w.doc["winlog.channel"].(string)
	prefix := "winlog.event_data."
	switch strings.ToLower(channel) {
	case "microsoft-windows-sysmon/operational":
		w.sysmon()
	case "security":
		w.security()
	case "microsoft-windows-powershell/operational":
		w.powershell()
	case "windows powershell":
		w.classic()
	case "microsoft-windows-windows defender/operational":
		for _, name := range []string{"Process Name", "Source Name", "Threat Name", "New Value", "Old Value"} {
			if v, ok := w.take(strings.ReplaceAll(name, " ", "")); ok {
				w.data[name] = v
			}
		}
		if v, ok := w.take("Feature_Name"); ok {
			w.data["Feature Name"] = v
		}
	default:
		if userData {
			prefix = "winlog.user_data."
		}
	}
	for name, v := range w.data {
		w.doc[prefix+name] = v
	}
	return w.doc, w.ok
}

type winlogbeat struct {
	doc  map[string]any
	data map[string]string
	code string
	ok   bool
}

// take removes a field of the event.
func (w *winlogbeat) take(name string) (string, bool) {
	v, ok := w.data[name]
	delete(w.data, name)
	return v, ok
}

// move renames a field; a target that is there already stays.
func (w *winlogbeat) move(pairs ...string) {
	for i := 0; i < len(pairs); i += 2 {
		if v, ok := w.take(pairs[i]); ok {
			if _, taken := w.doc[pairs[i+1]]; !taken {
				w.doc[pairs[i+1]] = v
			}
		}
	}
}

func (w *winlogbeat) copy(pairs ...string) {
	for i := 0; i < len(pairs); i += 2 {
		if v, ok := w.data[pairs[i]]; ok {
			w.doc[pairs[i+1]] = v
		}
	}
}

// numbers moves fields that are numbers in the index.
func (w *winlogbeat) numbers(pairs ...string) {
	for i := 0; i < len(pairs); i += 2 {
		if v, ok := w.take(pairs[i]); ok {
			n, err := strconv.ParseInt(v, 0, 64)
			if w.ok = w.ok && err == nil; err == nil {
				w.doc[pairs[i+1]] = int(n)
			}
		}
	}
}

func (w *winlogbeat) addresses(pairs ...string) {
	for i := 0; i < len(pairs); i += 2 {
		if v, ok := w.take(pairs[i]); ok {
			_, err := netip.ParseAddr(v)
			w.ok = w.ok && err == nil
			w.doc[pairs[i+1]] = v
		}
	}
}

var (
	hashList = regexp.MustCompile(`^(?:(?:MD5|IMPHASH)=[0-9A-Fa-f]{32}|SHA1=[0-9A-Fa-f]{40}|SHA256=[0-9A-Fa-f]{64})$`)
	dword    = regexp.MustCompile(`^(?i)DWORD \(0x([0-9A-F]{8})\)$`)
	zeros    = regexp.MustCompile(`^0*$`)
)

func (w *winlogbeat) sysmon() {
	for name, v := range w.data {
		if v == "-" {
			delete(w.data, name)
		}
	}
	w.move("RuleName", "rule.name")
	if w.code == "255" {
		w.move("ID", "error.code")
	}
	if w.code == "25" {
		w.move("Type", "message")
	}
	for _, name := range []string{"Hash", "Hashes"} {
		v, ok := w.take(name)
		if !ok {
			continue
		}
		seen := map[string]bool{}
		for part := range strings.SplitSeq(v, ",") {
			algorithm, hash, _ := strings.Cut(part, "=")
			w.ok = w.ok && hashList.MatchString(part) && !seen[algorithm]
			seen[algorithm] = true
			under := ""
			switch w.code {
			case "1", "23", "24", "25", "26":
				under = "process."
			case "6", "7", "15", "29":
				under = "file."
			}
			if zeros.MatchString(hash) || under == "" {
				continue
			}
			if algorithm == "IMPHASH" {
				w.doc[under+"pe.imphash"] = strings.ToLower(hash)
			} else {
				w.doc[under+"hash."+strings.ToLower(algorithm)] = strings.ToLower(hash)
			}
		}
	}
	w.move("ProcessGuid", "process.entity_id", "Image", "process.executable", "SourceProcessGuid", "process.entity_id",
		"SourceProcessGUID", "process.entity_id", "SourceImage", "process.executable", "Destination", "process.executable",
		"CommandLine", "process.command_line", "CurrentDirectory", "process.working_directory",
		"ParentProcessGuid", "process.parent.entity_id", "ParentImage", "process.parent.executable",
		"ParentCommandLine", "process.parent.command_line")
	w.numbers("ProcessId", "process.pid", "SourceProcessId", "process.pid", "SourceThreadId", "process.thread.id",
		"ParentProcessId", "process.parent.pid", "SourcePort", "source.port", "DestinationPort", "destination.port")
	under := "process.pe."
	if w.code == "7" {
		under = "file.pe."
	}
	w.move("OriginalFileName", under+"original_file_name")
	w.copy("Company", under+"company", "Description", under+"description", "FileVersion", under+"file_version", "Product", under+"product",
		"Signature", "file.code_signature.subject_name", "SignatureStatus", "file.code_signature.status")
	w.move("TargetFilename", "file.path", "Device", "file.path", "ImageLoaded", "file.path", "PipeName", "file.name",
		"Protocol", "network.transport", "SourceHostname", "source.domain", "DestinationHostname", "destination.domain",
		"QueryName", "dns.question.name")
	w.addresses("SourceIp", "source.ip", "DestinationIp", "destination.ip")
	if v, ok := w.take("Initiated"); ok {
		w.doc["network.direction"], w.ok = map[string]string{"true": "egress", "false": "ingress"}[v], w.ok && (v == "true" || v == "false")
	}
	family, has := w.data["SourceIsIpv6"]
	if other, ok := w.data["DestinationIsIpv6"]; ok {
		w.ok = w.ok && (!has || family == other)
		family, has = other, true
	}
	if has {
		w.doc["network.type"], w.ok = map[string]string{"true": "ipv6", "false": "ipv4"}[family], w.ok && (family == "true" || family == "false")
	}
	if v, ok := w.take("User"); ok {
		domain, name, _ := strings.Cut(v, `\`)
		w.ok = w.ok && domain != "" && name != "" && !strings.Contains(name, `\`)
		w.doc["user.domain"], w.doc["user.name"] = domain, name
	}
	if v, ok := w.take("QueryStatus"); ok {
		w.doc["sysmon.dns.status"] = v
		if name := map[string]string{"0": "SUCCESS", "9003": "DNS_ERROR_RCODE_NAME_ERROR"}[v]; name != "" {
			w.doc["sysmon.dns.status"] = name
		}
	}
	w.move("Archived", "sysmon.file.archived", "IsExecutable", "sysmon.file.is_executable", "TargetObject", "registry.path",
		"TargetProcessGuid", "winlog.event_data.TargetProcessGUID")
	if v, ok := w.take("Details"); ok {
		w.doc["registry.data.strings"], w.doc["registry.data.type"] = v, "REG_SZ"
		if m := dword.FindStringSubmatch(v); m != nil {
			n, _ := strconv.ParseUint(m[1], 16, 64)
			w.doc["registry.data.strings"], w.doc["registry.data.type"] = strconv.FormatUint(n, 10), "SZ_DWORD"
		}
		w.ok = w.ok && !strings.HasPrefix(strings.ToUpper(v), "QWORD (")
	}
	for _, name := range []string{"SourcePortName", "DestinationPortName", "SourceIsIpv6", "DestinationIsIpv6", "QueryResults", "UtcTime"} {
		delete(w.data, name)
	}
}

func (w *winlogbeat) security() {
	is := func(codes ...string) bool { return slices.Contains(codes, w.code) }
	if v, ok := w.take("AccessList"); ok {
		w.doc["winlog.event_data.AccessList"] = list(strings.Fields(strings.ReplaceAll(v, "%%", "")))
		// A list of names and codes, apart by white space.
		w.ok = w.ok && strings.TrimSpace(v) == v
	}
	if v, ok := w.data["PrivilegeList"]; ok && is("4672", "4673", "4674", "4741", "4742", "4743") {
		delete(w.data, "PrivilegeList")
		w.doc["winlog.event_data.PrivilegeList"] = list(strings.Fields(v))
	}
	if is("4624", "4648", "4625", "4670", "4673", "4674", "4689", "4697", "4768", "4769", "4770", "4771", "4904", "4905", "4907", "5140", "5145") {
		w.numbers("ProcessId", "process.pid")
		w.move("ProcessName", "process.executable", "WorkstationName", "source.domain")
		if w.data["IpAddress"] != "-" {
			w.addresses("IpAddress", "source.ip")
		}
		if w.data["IpPort"] != "-" {
			w.numbers("IpPort", "source.port")
		}
	}
	if is("4688") {
		w.ok = w.ok && w.data["ProcessName"] == ""
		w.numbers("NewProcessId", "process.pid")
		w.move("NewProcessName", "process.executable", "ParentProcessName", "process.parent.executable")
		w.copy("CommandLine", "process.command_line")
	} else {
		w.ok = w.ok && w.data["NewProcessName"] == "" && w.data["ParentProcessName"] == "" && w.data["CommandLine"] == ""
	}
}

func list(s []string) (out []any) {
	for _, v := range s {
		out = append(out, v)
	}
	return out
}

func (w *winlogbeat) powershell() {
	w.numbers("MessageNumber", "powershell.sequence", "MessageTotal", "powershell.total")
	w.move("ScriptBlockText", "powershell.file.script_block_text", "ScriptBlockId", "powershell.file.script_block_id", "Path", "file.path")
	for _, name := range []string{"Payload", "ContextInfo", "User", "ConnectedUser"} {
		delete(w.data, name)
	}
}

func (w *winlogbeat) classic() {
	w.move("HostApplication", "process.command_line", "HostName", "process.title", "HostId", "process.entity_id",
		"EngineVersion", "powershell.engine.version", "HostVersion", "powershell.process.executable_version", "ScriptName", "file.path")
}
