package deploy

import (
	"slices"
	"strings"
	"sync"

	"sigmac/internal/deploy"
	"sigmac/internal/suggest"
)

// A riskObject is a user or a system whose risk a search raises.
type riskObject struct {
	RiskObjectField string `json:"risk_object_field"`
	RiskObjectType  string `json:"risk_object_type"` // one of riskTypes
	RiskScore       int    `json:"risk_score"`       // 1 to 100
}

// A threatObject is by what the risk came.
type threatObject struct {
	ThreatObjectField string `json:"threat_object_field"`
	ThreatObjectType  string `json:"threat_object_type"` // one of threatTypes
}

// What contentctl takes (objects/rba.py).
var (
	riskTypes   = []string{"system", "user", "other"}
	threatTypes = []string{"certificate_common_name", "certificate_organization", "certificate_serial", "certificate_unit", "command", "domain", "email_address",
		"email_subject", "file_hash", "file_name", "file_path", "http_user_agent", "ip_address", "process", "process_name", "parent_process",
		"parent_process_name", "process_hash", "registry_path", "registry_value_name", "registry_value_text", "service", "signature", "system", "tls_hash", "url"}
)

// objectColumns are the columns by what they are: user and system are objects of risk, address is
// one where there is nothing else, and all others are threat objects. They are the fields of the
// Common Information Model (its Add-on Manual), and of the add-ons for Windows, Sysmon and the
// clouds, as docs/pipelines has them.
var objectColumns = sync.OnceValue(func() map[string]string {
	out := map[string]string{}
	for kind, columns := range map[string]string{
		"user": `user src_user dest_user user_name User ParentUser SourceUser TargetUser TargetUserName SubjectUserName AccountName
			SamAccountName UserName UserId userIdentity.arn userIdentity.userName actor.alternateId initiatedBy.user.userPrincipalName
			properties.userPrincipalName userPrincipalName protoPayload.authenticationInfo.principalEmail suser duser cs_username`,
		"system": `dest dest_host dest_name dest_nt_host dvc dvc_host src_host src_name Computer ComputerName HostName Hostname DestinationHostname
			SourceHostname Workstation WorkstationName host`,
		"address": `src src_ip dest_ip SourceIp DestinationIp IpAddress c_ip s_ip clientip ClientIP ClientAddress sourceIPAddress callerIpAddress
			ipAddress client.ipAddress id.orig_h id.resp_h protoPayload.requestMetadata.callerIp`,
		"process":             "process CommandLine ProcessCommandLine process_exec",
		"process_name":        "process_name process_path Image NewProcessName ProcessName SourceImage TargetImage exe",
		"parent_process":      "parent_process ParentCommandLine",
		"parent_process_name": "parent_process_name parent_process_path ParentImage ParentProcessName",
		"file_name":           "file_name OriginalFileName original_file_name",
		"file_path":           "file_path TargetFilename ImageLoaded",
		"file_hash":           "file_hash md5 sha1 sha256 MD5 SHA1 SHA256",
		"process_hash":        "process_hash Hashes",
		"registry_path":       "registry_path registry_key_name TargetObject",
		"registry_value_text": "registry_value_data Details",
		"service":             "service service_name ServiceName",
		"signature":           "signature Signature",
		"url":                 "url uri uri_path http_referrer cs_uri cs_uri_stem cs_uri_query c_uri",
		"domain":              "query QueryName url_domain cs_host r_dns dest_domain",
		"http_user_agent":     "http_user_agent cs_user_agent c_useragent userAgent",
		"email_address":       "src_user_email recipient",
	} {
		for _, c := range strings.Fields(columns) {
			out[c] = kind
		}
	}
	return out
})

// objectKinds are what the entities of sigmac are here. Of a file, a process or a hash an
// identifier may be a type of threat object by its own name.
var objectKinds = map[string]string{"account": "user", "host": "system", "ip": "address", "file": "file_name", "process": "process", "url": "url", "hash": "file_hash"}

// always are columns that all events have that a search with some text asks for: Sysmon's (its
// schema has User in every event of processes, files, the network and the registry), those of
// CloudTrail and of the Office 365 Management Activity API; and the host of any event.
var always = []struct{ where, column, kind string }{
	{"Sysmon/Operational", "User", "user"},
	{"aws:cloudtrail", "userIdentity.arn", "user"},
	{"o365:management:activity", "UserId", "user"},
	{"", "host", "system"},
}

func has(objects []riskObject, kind string) bool {
	return slices.ContainsFunc(objects, func(o riskObject) bool { return o.RiskObjectType == kind })
}

// objects are the risk objects and the threat objects of a search: the columns of a correlation's
// group, then those that the rule asks for in its order, then those that its events always have
// for what it does not ask.
func (w *writer) objects() (risk []riskObject, threats []threatObject) {
	score := levels[w.Plan.Level].risk
	if w.Plan.Risk != nil {
		score = *w.Plan.Risk
	}
	var addresses []string
	seen := map[string]bool{}
	add := func(column, kind string) {
		switch {
		case kind == "" || seen[column] || !w.shows(column):
			return
		case kind == "address":
			addresses = append(addresses, column)
		case slices.Contains(riskTypes, kind):
			risk = append(risk, riskObject{column, kind, score})
		default:
			threats = append(threats, threatObject{column, kind})
		}
		seen[column] = true
	}
	if w.Plan.Entities != nil {
		for _, e := range w.Plan.Entities {
			kind := objectKinds[e.Type]
			if kind == "" {
				w.note("splunk/unknown-entity", "Enterprise Security has no risk or threat object for the entity %q%s", e.Type, suggest.For(e.Type, deploy.EntityTypes))
			}
			for _, f := range e.Fields {
				if !w.shows(f.Column) {
					w.note("splunk/entity-column", "the results have no column %q, which an entity names", f.Column)
				}
				if slices.Contains(threatTypes, f.Identifier) && kind != "user" && kind != "system" {
					add(f.Column, f.Identifier)
				} else {
					add(f.Column, kind)
				}
			}
		}
	} else {
		columns := objectColumns()
		for _, c := range slices.Concat(w.Group, w.Tested) {
			kind, ok := columns[c]
			if !ok && w.Scope.DataModel != "" {
				kind = columns[c[strings.LastIndexByte(c, '.')+1:]]
			}
			add(c, kind)
		}
		if w.Columns == nil && w.Scope.DataModel == "" {
			for _, of := range always {
				if strings.Contains(w.Query, of.where) && !has(risk, of.kind) {
					add(of.column, of.kind)
				}
			}
		}
	}
	for _, c := range addresses {
		if len(risk) == 0 || slices.ContainsFunc(risk, func(o riskObject) bool { return slices.Contains(addresses, o.RiskObjectField) }) {
			risk = append(risk, riskObject{c, "system", score})
		} else {
			threats = append(threats, threatObject{c, "ip_address"})
		}
	}
	return risk, threats
}

// shows says whether the results of the search have a column.
func (w *writer) shows(column string) bool {
	if column == "" || plainText(column) != column || strings.ContainsAny(column, "$,\"") || !w.Result(column) {
		return false
	}
	if !w.asked {
		w.shown, w.known = results(w.Query, anyColumn{})
		w.asked = true
	}
	return !w.known || slices.Contains(w.shown, column)
}
