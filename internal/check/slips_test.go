package check

import (
	"slices"
	"strings"
	"testing"
)

// slips are changes of the sound rule, with the whole of what is said of them.
var slips = []struct{ old, new, want string }{
	{"category: process_creation", "category: proces_creation", `15:15: warning: category "proces_creation" is of no known log source; did you mean "process_creation"? [logsource_unknown]`},
	{"product: windows", "product: windos", `16:14: warning: product "windos" is of no known log source; did you mean "windows"? [logsource_unknown]`},
	{"product: windows", "product: Windows", `16:14: warning: product "Windows" is of no known log source; did you mean "windows"? [logsource_unknown]`},
	{"product: windows", "product: acme", `16:14: warning: product "acme" is of no known log source [logsource_unknown]`},
	{"product: windows", "service: securty", `16:14: warning: service "securty" is of no known log source; did you mean "security"? [logsource_unknown]`},
	{"product: windows", "product: linux\n    service: auditd", `14:1: warning: no known log source is product linux, category process_creation, service auditd together [logsource_unknown]`},
	{"category: process_creation\n    product: windows", "category: registry_set\n    product: linux", `14:1: warning: no known log source is product linux, category registry_set together; others of these have product windows [logsource_unknown]`},
	{"category: process_creation\n    product: windows", "definition: some", `14:1: warning: the log source has no product, category or service [logsource_unknown]`},
	{"category: process_creation", "catgory: process_creation", `15:5: warning: a log source has no "catgory"; did you mean "category"? [fieldname_logsource]`},
	{"status: experimental", "status: experimentl", `3:9: error: status: must be one of stable, test, experimental, deprecated, unsupported, not "experimentl"; did you mean "experimental"? [schema]`},
	{"level: high", "level: hihg", `28:8: error: level: must be one of informational, low, medium, high, critical, not "hihg"; did you mean "high"? [schema]`},
	{"attack.t1059", "attack.t1059.01", `12:7: warning: "attack.t1059.01" is not a tactic, technique, group or software of ATT&CK; did you mean "attack.t1059.001"? [attacktag]`},
	{"attack.t1059", "attack.t1059.999", `12:7: warning: "attack.t1059.999" is not a tactic, technique, group or software of ATT&CK; did you mean "attack.t1059"? [attacktag]`},
	{"attack.t1059", "attack.t9999", `12:7: warning: "attack.t9999" is not a tactic, technique, group or software of ATT&CK [attacktag]`},
	{"attack.t1059", "attack.T1059", `12:7: warning: "attack.T1059" is no tag: small letters, digits, - and _ behind a namespace and a dot; did you mean "attack.t1059"? [tag_format]`},
	{"attack.t1059", "attack.exection", `12:7: warning: "attack.exection" is not a tactic, technique, group or software of ATT&CK; did you mean "attack.execution"? [attacktag]`},
	{"attack.t1059", "atack.t1059", `12:7: warning: no namespace of tags is named "atack"; did you mean "attack"? [namespace_tag]`},
	{"attack.t1059", "cve-2021-44228", `12:7: warning: "cve-2021-44228" is no tag: small letters, digits, - and _ behind a namespace and a dot; did you mean "cve.2021-44228"? [tag_format]`},
	{"references:", "referencs:", `5:1: warning: the attribute "referencs" is not one of Sigma; did you mean "references"? [custom_attributes]`},
	{"logsource:", "logsorce:", `14:1: error: unknown attribute "logsorce"; did you mean "logsource", which is missing? [syntax]`},
	{"condition:", "conditon:", `25:5: error: unknown attribute "conditon"; did you mean "condition", which is missing? [syntax]`},
	{"Image|endswith", "Imgae|endswith", `19:9: error: events of this log source have no field "Imgae"; did you mean "Image"? [invalid_fieldname]`},
	{"Image|endswith", "image|endswith", `19:9: error: the field is "Image", and not "image" [fieldname_cast]`},
	{"Image|endswith", "Image|endwith", `19:15: error: unknown modifier "endwith"; did you mean "endswith"? [syntax]`},
	{"condition: selection", "condition: selecton", `25:16: error: no detection is named "selecton"; did you mean "selection"? [dangling_condition]`},
}

func TestSlips(t *testing.T) {
	for _, c := range slips {
		rule := strings.Replace(sound, c.old, c.new, 1)
		o := options()
		o.Profile, o.Prover = "default", false
		var got []string
		for _, f := range Run([]File{{soundName, soundName, []byte(rule)}}, o) {
			got = append(got, strings.TrimPrefix(f.String(), soundName+":"))
		}
		if rule == sound || !slices.Contains(got, c.want) {
			t.Errorf("%s\n got %s\nwant %s", c.new, strings.Join(got, "\n     "), c.want)
		}
		if i := slices.IndexFunc(got, func(s string) bool { return strings.Contains(s, "lacks") }); i >= 0 {
			t.Errorf("%s is told twice: %s", c.new, got[i])
		}
	}
}
