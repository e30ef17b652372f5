package pipeline_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigmac"
	"sigmac/ir"
	"sigmac/parser"
	"sigmac/pipeline"
	"sigmac/schema"
	"sigmac/targets"
)

// TestPipelineDocs holds the pages docs/pipelines/NAME.md, which tell what each
// built-in pipeline makes of log sources and fields. They are found by asking
// the pipeline, so they cannot say what it does not do; -update writes them.
func TestPipelineDocs(t *testing.T) {
	for _, name := range pipeline.Builtins() {
		path := filepath.Join("..", "docs", "pipelines", name+".md")
		page := pipelinePage(t, name)
		if *pipeline.Update {
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(page), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if text, err := os.ReadFile(path); err != nil || string(text) != page {
			t.Errorf("%s is not what the pipeline does; run go test ./pipeline -run TestPipelineDocs -update", path)
		}
	}
}

// probes are log sources that rules name, and fields that Sigma's taxonomy has
// there. A field with a sign of equality has a value that it takes.
var probes = []struct{ source, fields string }{
	{"process_creation windows -", "Image CommandLine CurrentDirectory User IntegrityLevel=High LogonId=0x3e7 Hashes=MD5=00112233445566778899aabbccddeeff md5=00112233445566778899aabbccddeeff " +
		"OriginalFileName Description Product Company FileVersion ProcessId=4 ProcessGuid ParentImage ParentCommandLine ParentUser ParentProcessId=4 Computer"},
	{"process_creation linux -", "Image CommandLine CurrentDirectory User LogonId ParentImage ParentCommandLine"},
	{"process_creation macos -", "Image CommandLine User ParentImage ParentCommandLine"},
	{"process_creation macos endpointsecurity", "Image ProcessName CommandLine User UserId ParentImage SigningID TeamID Signed=true"},
	{"file_delete macos endpointsecurity", "TargetFilename FileName FileDirectory Image"},
	{"process_termination windows -", "Image ProcessId=4"},
	{"file_event windows -", "TargetFilename Image CommandLine User CreationUtcTime"},
	{"file_event linux -", "TargetFilename Image User"},
	{"file_event macos -", "TargetFilename Image User"},
	{"file_delete windows -", "TargetFilename Image User"},
	{"file_rename windows -", "TargetFilename SourceFilename Image"},
	{"file_access windows -", "FileName Image"},
	{"file_change windows -", "TargetFilename Image CreationUtcTime PreviousCreationUtcTime"},
	{"create_stream_hash windows -", "TargetFilename Image Contents Hash=00112233445566778899aabbccddeeff"},
	{"registry_event windows -", "TargetObject Details Image EventType=SetValue NewName User"},
	{"registry_set windows -", "TargetObject Details Image User"},
	{"registry_add windows -", "TargetObject Image"},
	{"registry_delete windows -", "TargetObject Image EventType=DeleteValue"},
	{"network_connection windows -", "Image User Initiated=true Protocol=tcp SourceIp=10.0.0.1 SourcePort=80 SourceHostname DestinationIp=10.0.0.1 DestinationPort=80 DestinationHostname"},
	{"network_connection linux -", "Image User Initiated=true DestinationIp=10.0.0.1 DestinationPort=80 DestinationHostname"},
	{"dns_query windows -", "QueryName QueryResults QueryStatus Image"},
	{"image_load windows -", "ImageLoaded Image Hashes=MD5=00112233445566778899aabbccddeeff Signed=true Signature SignatureStatus OriginalFileName Description Product Company"},
	{"driver_load windows -", "ImageLoaded Hashes=MD5=00112233445566778899aabbccddeeff Signed=true Signature"},
	{"pipe_created windows -", "PipeName Image"},
	{"create_remote_thread windows -", "SourceImage TargetImage StartModule StartFunction StartAddress"},
	{"process_access windows -", "SourceImage TargetImage GrantedAccess=0x1000 CallTrace"},
	{"process_tampering windows -", "Image Type"},
	{"raw_access_thread windows -", "Image Device"},
	{"wmi_event windows -", "Destination EventType"},
	{"ps_module windows -", "Payload ContextInfo"},
	{"ps_script windows -", "ScriptBlockText Path"},
	{"ps_classic_start windows -", "Data HostApplication"},
	{"ps_classic_provider_start windows -", "Data"},
	{"ps_classic_script windows -", "Data"},
	{"sysmon_status windows -", "State"},
	{"sysmon_error windows -", "Description"},
	{"- windows security", "EventID=4624 SubjectUserName TargetUserName LogonType=3 IpAddress=10.0.0.1 WorkstationName ObjectName ServiceFileName"},
	{"- windows system", "EventID=7045 Provider_Name ServiceName ImagePath"},
	{"- windows application", "EventID=1000 Provider_Name Data"},
	{"- windows powershell", "EventID=4104 ScriptBlockText"},
	{"- windows powershell-classic", "EventID=400 Data"},
	{"- windows sysmon", "EventID=1 Image"},
	{"- windows windefend", "EventID=1116 Path ThreatName"},
	{"- windows taskscheduler", "EventID=129 TaskName Path"},
	{"- windows dns-client", "EventID=3008 QueryName"},
	{"- windows applocker", "EventID=8004 FilePath"},
	{"- windows codeintegrity-operational", "EventID=3033 FileNameBuffer"},
	{"- windows firewall-as", "EventID=2004 ModifyingApplication"},
	{"- windows bits-client", "EventID=16403 RemoteName"},
	{"- windows msexchange-management", "EventID=1"},
	{"- windows -", "EventID=1"},
	{"antivirus - -", "Signature Filename"},
	{"proxy - -", "c-uri c-uri-query c-uri-query=/a c-uri-stem c-uri-extension=exe c-useragent cs-method cs-host cs-referer sc-status=200 cs-cookie src_ip=10.0.0.1 dst_ip=10.0.0.1"},
	{"webserver - -", "cs-uri-query cs-uri-query=/a cs-uri-stem cs-method cs-user-agent cs-referer cs-username cs-host cs-content-type sc-status=200"},
	{"- - apache", ""},
	{"- - nginx", ""},
	{"dns - -", "query answer record_type"},
	{"firewall - -", "src_ip=10.0.0.1 dst_ip=10.0.0.1 dst_port=80 action=accept blocked=false"},
	{"- - netflow", "destination.port=80"},
	{"- linux -", ""},
	{"- linux syslog", ""},
	{"- linux auth", ""},
	{"- linux sshd", ""},
	{"file_delete linux -", "TargetFilename Image"},
	{"- kubernetes audit", "verb objectRef.resource objectRef.namespace responseStatus.code=403 requestURI userAgent"},
	{"- linux sudo", "USER COMMAND"},
	{"- linux cron", ""},
	{"- linux vsftpd", ""},
	{"- linux clamav", ""},
	{"- linux guacamole", ""},
	{"- linux auditd", "type a0 exe name key SYSCALL euid unit a1 comm"},
	{"- aws cloudtrail", "eventName eventSource eventType userIdentity.type userIdentity.arn errorCode errorMessage userAgent sourceIPAddress status requestParameters requestParameters.attribute requestParameters.layers responseElements.ConsoleLogin additionalEventData.MFAUsed src_country"},
	{"- azure signinlogs", "ResultType ResultDescription UserAgent AppDisplayName AuthenticationRequirement Status=Success properties.message=ROPC location ClientApp DeviceDetail.isCompliant=false properties.deviceDetail.deviceId NetworkLocationDetails='[]'"},
	{"- azure auditlogs", "OperationName Category properties.message Status=success LoggedByService ActivityDisplayName TargetResources TargetResources.ModifiedProperties.NewValue ConsentContext.IsAdminConsent=false targetResources.type InitiatedBy"},
	{"- azure activitylogs", "operationName OperationNameValue CategoryValue ResourceId ResourceProviderValue=Microsoft.Compute properties.message"},
	{"- azure riskdetection", "riskEventType"},
	{"- azure pim", "riskEventType"},
	{"- gcp gcp.audit", "gcp.audit.method_name data.protoPayload.serviceName data.protoPayload.authorizationInfo.permission data.protoPayload.resource.type data.protoPayload.logName"},
	{"- gcp google_workspace.admin", "eventService=admin.googleapis.com eventName setting_name new_value"},
	{"- gcp google_workspace.login", "protoPayload.serviceName=login.googleapis.com protoPayload.metadata.event.eventName"},
	{"application kubernetes audit", "verb objectRef.resource apiGroup resource subresource namespace username privileged=true hostPath capabilities requestURI responseStatus.code=403"},
	{"- m365 audit", "Operation Parameters ObjectId ResultStatus Workload OperationProperties"},
	{"- m365 exchange", "eventSource eventName status=success"},
	{"- m365 threat_management", "eventSource eventName status=success Payload status"},
	{"- okta okta", "eventType displayMessage outcome.result target.displayName debugContext.debugData.behaviors securityContext.isProxy=true actor.alternateId debugContext.debugData.requestUri debugContext.debugData.logOnlySecurityData legacyEventType"},
	{"- onelogin onelogin.events", "event_type_id=3"},
	{"- cisco duo", "action reason event_type"},
	{"- github audit", "action actor"},
	{"- bitbucket audit", "auditType.action auditType.category"},
	{"application opencanary -", "logtype=2000"},
	{"- zeek dns", "query answers qtype_name Z rejected=false id.resp_p=53"},
	{"- zeek http", "uri host method user_agent status_code resp_mime_types client_header_names c-uri id.resp_h=10.0.0.1"},
	{"- zeek smb_files", "path name"},
	{"- zeek dce_rpc", "operation endpoint"},
	{"- zeek kerberos", "request_type cipher service"},
	{"- zeek rdp", "id.orig_h=10.0.0.1"},
	{"- zeek x509", "certificate.serial"},
	{"- fortigate event", "action cfgpath"},
	{"- cisco aaa", ""},
	{"- cisco bgp", ""},
	{"- juniper bgp", ""},
	{"- huawei bgp", ""},
}

func pipelinePage(t *testing.T, name string) string {
	p, ok := pipeline.Builtin(name)
	if !ok {
		t.Fatal(name)
	}
	target := targets.Must("splunk")
	if len(p.AllowedBackends) > 0 {
		for _, x := range sigmac.Targets() {
			if p.Allows(x) {
				target = x
			}
		}
	}
	m := sigmac.Mapping{Target: target, Pipeline: pipeline.Join(p), Schemas: schema.For(target)}
	var out strings.Builder
	fmt.Fprintf(&out, "# %s\n\n%s. Priority %d", name, strings.TrimSuffix(p.Name, "."), p.Priority)
	if len(p.AllowedBackends) > 0 {
		fmt.Fprintf(&out, ", for %s", strings.Join(p.AllowedBackends, ", "))
	}
	fmt.Fprintf(&out, ".\n\n`sigmac pipeline show %s` prints its YAML. This page is made by asking the pipeline, one log source and one field\n"+
		"at a time. What was not asked is not known to be right or wrong.\n", name)
	if head := head(name); head != "" {
		fmt.Fprintf(&out, "\nIt begins with this:\n\n```text\n%s```\n", head)
	}
	var sources, order []string            // log sources that are not refused, and fields
	var rows, losses, refused, rest []said // of log sources; rest is what becomes of a field that nobody knows
	fields := map[string][]said{}          // what becomes of a field, of log sources
	for _, probe := range probes {
		parts, asked := strings.Fields(probe.source), strings.Fields(probe.fields)
		title := strings.TrimSpace(strings.ReplaceAll(parts[1]+" "+parts[0]+" "+parts[2], "- ", ""))
		title = strings.TrimSpace(strings.TrimSuffix(title, "-"))
		where, why := askFor(t, m, parts, asked)
		if why != "" {
			refused = say(refused, why, title)
			continue
		}
		context := "" // the event of a log with several
		if len(asked) > 1 && strings.HasPrefix(asked[0], "EventID=") {
			context = asked[0]
			title += " with " + context
		}
		sources = append(sources, title)
		rows = say(rows, where, title)
		always := alwaysLost(t, m, parts, asked)
		for _, l := range always {
			losses = say(losses, l, title)
		}
		becomes := func(f, beside string) string {
			there, lost := askField(t, m, parts, f, beside)
			for _, l := range lost {
				if !slices.Contains(always, l) {
					id, _, _ := strings.Cut(l, " ")
					there += "; loses " + id
					losses = say(losses, l, "")
				}
			}
			return there
		}
		rest = say(rest, becomes(unknown, context), title)
		for i, f := range asked {
			field, _, _ := strings.Cut(f, "=")
			beside := context
			if f == context {
				beside = ""
			}
			there := becomes(f, beside)
			if slices.ContainsFunc(asked[:i], func(f string) bool { return strings.HasPrefix(f+"=", field+"=") }) {
				field = f // with another value
			}
			if fields[field] == nil {
				order = append(order, field)
			}
			fields[field] = say(fields[field], there, title)
		}
	}

	// Those of which the same is said as of a log source that nobody knows are the others.
	where, why := askFor(t, m, []string{unknown, unknown, "-"}, nil)
	others := func(all []said, like string) []said {
		rest := slices.DeleteFunc(all, func(x said) bool { return x.what == like })
		if like != "" {
			rest = say(rest, like, "others")
		}
		return rest
	}
	out.WriteString("\n## Log sources\n\n| Log source | Rows |\n|---|---|\n")
	for _, r := range others(rows, where) {
		fmt.Fprintf(&out, "| %s | %s |\n", strings.Join(r.of, ", "), cell(r.what))
	}

	table, other := fieldTable(order, fields, rest), "Any other field"
	if table == "" {
		other = "Any field"
	}
	out.WriteString("\n## Fields\n" + table + "\n")
	for _, x := range rest {
		fmt.Fprintf(&out, "- %s%s: %s.\n", other, in(x.of, sources), strings.TrimSuffix(x.what, "."))
	}
	if len(losses) > 0 {
		out.WriteString("\n## What is lost\n\n")
		for _, l := range losses {
			fmt.Fprintf(&out, "- %s%s.\n", l.what, in(l.of, sources))
		}
	}
	if len(refused) > 0 {
		out.WriteString("\n## Refused log sources\n\n")
		for _, r := range others(refused, why) {
			fmt.Fprintf(&out, "- %s: %s.\n", r.what, strings.Join(r.of, ", "))
		}
	}
	return out.String()
}

// fieldTable tells what becomes of fields: where, unless that is what becomes of
// the field most often, and nothing of those of which the rest is said.
func fieldTable(order []string, fields map[string][]said, rest []said) string {
	var table []said
	named := false
	for _, f := range order {
		asRest := func(x said) bool {
			i := slices.IndexFunc(rest, func(r said) bool { return r.what == x.what })
			return i >= 0 && !slices.ContainsFunc(x.of, func(s string) bool { return !slices.Contains(rest[i].of, s) })
		}
		most := slices.MaxFunc(fields[f], func(a, b said) int {
			if n := len(a.of) - len(b.of); n != 0 || !asRest(a) {
				return n
			}
			return 1
		})
		for _, x := range fields[f] {
			switch {
			case x.what != most.what:
				named = true
				table = say(table, cell(x.what)+" | "+strings.Join(x.of, ", "), "`"+f+"`")
			case !asRest(x):
				table = say(table, cell(x.what)+" | ", "`"+f+"`")
			}
		}
	}
	if table == nil {
		return ""
	}
	head, none := "\n| Field | There |\n|---|---|\n", " | "
	if named {
		head = "\nA row without log sources holds for all that have the field and that no other row of it names.\n" +
			"\n| Field | There | Log sources |\n|---|---|---|\n"
		none = ""
	}
	for _, x := range table {
		head += "| " + strings.Join(x.of, ", ") + " | " + strings.TrimSuffix(x.what, none) + " |\n"
	}
	return head
}

// A said is a sentence and what it is true of.
type said struct {
	what string
	of   []string
}

func say(all []said, what, of string) []said {
	i := slices.IndexFunc(all, func(x said) bool { return x.what == what })
	if i < 0 {
		i, all = len(all), append(all, said{what: what})
	}
	if !slices.Contains(all[i].of, of) {
		all[i].of = append(all[i].of, of)
	}
	return all
}

// in names some of the log sources.
func in(some, sources []string) string {
	but := slices.DeleteFunc(slices.Clone(sources), func(s string) bool { return slices.Contains(some, s) })
	switch {
	case len(but) == 0 || slices.Contains(some, ""):
		return ""
	case len(but) < len(some):
		return " (not " + strings.Join(but, ", ") + ")"
	}
	return " (" + strings.Join(some, ", ") + ")"
}

// same is what becomes of a field that keeps its name, and unknown a name that no
// pipeline has.
const same, unknown = "the same name", "probe_unknown"

func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

// askField says what becomes of a field, and what is lost by that.
func askField(t *testing.T, m sigmac.Mapping, source []string, f, beside string) (there string, losses []string) {
	field, _, _ := strings.Cut(f, "=")
	r, did, err := askOne(t, m, source, f, beside)
	if err != nil {
		return "refused: " + strings.ReplaceAll(reason(err), fmt.Sprintf(" %q", field), ""), nil
	}
	there = conditions(r, "sel", true)
	if before, ok := strings.CutSuffix(there, field+"`"); ok && before == "`" {
		there = same
	} else if ok && strings.HasSuffix(before, ".") {
		there = before + "` before the name"
	}
	for _, c := range r.Computed {
		if slices.Contains(strings.Fields(fieldsOf(r)), c.Name) {
			there += ", computed"
		}
	}
	return there, lost(did)
}

// head is the comment at the beginning of a pipeline, which says where its facts are
// from and what it decides.
func head(name string) string {
	src, _ := pipeline.BuiltinSource(name)
	var out strings.Builder
	for line := range strings.Lines(string(src)) {
		rest, comment := strings.CutPrefix(line, "#")
		if !comment {
			break
		}
		out.WriteString(strings.TrimPrefix(rest, " "))
	}
	return out.String()
}

// lost is what a mapping declares that it loses of a rule.
func lost(did *sigmac.Mapped) (out []string) {
	for _, l := range did.Trace.Losses {
		if l.Declared {
			out = append(out, strings.TrimSpace("`"+l.ID+"` "+l.Direction)+": "+l.Msg)
		}
	}
	return out
}

// alwaysLost is what the mapping loses of each rule of a log source.
func alwaysLost(t *testing.T, m sigmac.Mapping, source, fields []string) (always []string) {
	first := true
	for _, f := range append([]string{""}, fields...) {
		_, did, err := askOne(t, m, source, f, "")
		if err != nil {
			continue
		}
		losses := lost(did)
		if first {
			always, first = losses, false
		}
		always = slices.DeleteFunc(always, func(l string) bool { return !slices.Contains(losses, l) })
	}
	return always
}

// askFor says which rows a log source means there, or why it is refused: with
// none of its fields, nor with a keyword.
func askFor(t *testing.T, m sigmac.Mapping, source, fields []string) (rows, refused string) {
	for _, f := range append(append([]string{}, fields...), "", "EventID=1") {
		r, _, err := askOne(t, m, source, f, "")
		if err != nil {
			if refused == "" {
				refused = reason(err)
			}
			continue
		}
		var where []string
		for _, s := range []struct{ name, value string }{{"table", r.Scope.Table}, {"data model", r.Scope.DataModel}, {"event category", r.Scope.Category}} {
			if s.value != "" {
				where = append(where, s.name+" `"+s.value+"`")
			}
		}
		for _, d := range r.Detections {
			if d.Name != "sel" && d.Name != "selection_beside" {
				where = append(where, conditions(r, d.Name, false))
			}
		}
		if where == nil {
			return "no condition", ""
		}
		return strings.Join(where, " and "), ""
	}
	return "", refused
}

// askOne is a rule with one field, or with a keyword, beside another or none,
// after the pipeline and the schema.
func askOne(t *testing.T, m sigmac.Mapping, source []string, field, beside string) (*ir.Rule, *sigmac.Mapped, error) {
	var src strings.Builder
	src.WriteString("title: probe\nlogsource:\n")
	for i, key := range []string{"category", "product", "service"} {
		if source[i] != "-" {
			fmt.Fprintf(&src, "  %s: %s\n", key, source[i])
		}
	}
	name, value, ok := strings.Cut(field, "=")
	switch {
	case field == "":
		src.WriteString("detection:\n  sel: [probe]\n")
	case ok:
		fmt.Fprintf(&src, "detection:\n  sel:\n    %s: %s\n", name, value)
	default:
		fmt.Fprintf(&src, "detection:\n  sel:\n    %s|contains: probe\n", name)
	}
	if name, value, ok := strings.Cut(beside, "="); ok {
		fmt.Fprintf(&src, "  selection_beside:\n    %s: %s\n  condition: sel and selection_beside\n", name, value)
	} else {
		src.WriteString("  condition: sel\n")
	}
	d := parser.Parse("probe.yml", []byte(src.String())).Documents[0]
	if len(d.Errors) > 0 {
		t.Fatal(src.String(), d.Errors)
	}
	did := &sigmac.Mapped{}
	r := d.Rule
	var err error
	for _, p := range m.Passes(did) {
		if r, err = p.Run(r); err != nil || p.Name == "Schema" {
			break
		}
	}
	return r, did, err
}

func reason(err error) string {
	if e := (*ir.Diagnostic)(nil); errors.As(err, &e) {
		s, _, _ := strings.Cut(e.Msg, "; the nearest")
		return s
	}
	if rs := (schema.Refusals)(nil); errors.As(err, &rs) {
		_, reason, _ := strings.Cut(rs[0].Msg, rs[0].Feature+": ")
		reason, _, _ = strings.Cut(reason, "; the nearest")
		return reason
	}
	return err.Error()
}

// conditions writes a detection; of one with a single field in it, names alone.
func conditions(r *ir.Rule, name string, fieldOnly bool) string {
	if fieldOnly {
		if fields := strings.Fields(fieldsOf(r)); len(fields) == 1 {
			return "`" + fields[0] + "`"
		}
	}
	for _, d := range r.Detections {
		if d.Name != name {
			continue
		}
		negated := ""
		for _, c := range r.Conditions {
			if strings.HasPrefix(c.Text, "not "+name+" ") || strings.Contains(c.Text, "(not "+name+" ") {
				negated = "not "
			}
		}
		return negated + "`" + show(d.Expr, false) + "`"
	}
	return ""
}

func fieldsOf(r *ir.Rule) string {
	var names []string
	for _, d := range r.Detections {
		if d.Name == "sel" {
			ir.Walk(d.Expr, func(e ir.Expr) {
				if m, ok := e.(ir.Match); ok && !slices.Contains(names, m.Field.Name) {
					names = append(names, m.Field.Name)
				}
			})
		}
	}
	return strings.Join(names, " ")
}

func show(e ir.Expr, inside bool) string {
	group := func(es []ir.Expr, op string) string {
		var parts []string
		for _, x := range es {
			parts = append(parts, show(x, true))
		}
		s := strings.Join(parts, " "+op+" ")
		if inside && len(parts) > 1 {
			s = "(" + s + ")"
		}
		return s
	}
	switch e := e.(type) {
	case ir.And:
		return group(e, "and")
	case ir.Or:
		return group(e, "or")
	case ir.Not:
		return "not " + show(e.X, true)
	case ir.Item:
		return show(e.X, inside)
	case ir.Match:
		if p, ok := e.Test.(ir.Pattern); ok {
			text := ""
			for _, q := range p.Parts {
				switch q.Kind {
				case ir.AnyRun:
					text += "*"
				case ir.AnyOne:
					text += "?"
				default:
					text += q.Text
				}
			}
			return e.Field.Name + "=" + text
		}
		return e.Field.Name + strings.NewReplacer("(", " ", ")", "").Replace(e.Test.String())
	case ir.Keyword:
		return "any text"
	}
	return e.String()
}

// TestDocumentedPipelines holds that the pipelines in docs/pipelines.md and in
// examples are some, and that what the page says of the example is true.
func TestDocumentedPipelines(t *testing.T) {
	text, err := os.ReadFile("../docs/pipelines.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(text), "```yaml\n")[1:]
	if len(blocks) < 3 {
		t.Fatalf("%d pipelines", len(blocks))
	}
	for i, b := range blocks {
		src, _, _ := strings.Cut(b, "```")
		if _, errs := pipeline.Parse(fmt.Sprintf("block %d", i), []byte(src)); len(errs) > 0 {
			t.Error(errs)
		}
	}
	for _, name := range pipeline.Builtins() {
		if !strings.Contains(string(text), "(pipelines/"+name+".md)") {
			t.Errorf("%s has no row", name)
		}
	}
	for _, kind := range pipeline.Types() {
		if !strings.Contains(string(text), "`"+kind+"`") {
			t.Errorf("the type %s is not told of", kind)
		}
	}
}
