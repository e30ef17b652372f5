package eval

import (
	"strings"
	"testing"

	"sigmac/ir"
)

func TestSource(t *testing.T) {
	const (
		created   = `{"Event":{"System":{"Provider":{"#attributes":{"Name":"Microsoft-Windows-Sysmon"}},"EventID":1,"Channel":"Microsoft-Windows-Sysmon/Operational"}}}`
		provider  = `{"Provider_Name":"Microsoft-Windows-Sysmon","EventID":"1"}`
		forwarded = `{"Channel":"ForwardedEvents","Provider_Name":"Microsoft-Windows-Security-Auditing","EventID":4688}`
		logon     = `{"Channel":"security","EventID":4624}`
		service   = `{"Channel":"System","Provider_Name":"Service Control Manager","EventID":7045}`
		script    = `{"Channel":"PowerShellCore/Operational","EventID":4104}`
		alone     = `{"Provider_Name":"Service Control Manager","EventID":7045}`
		linux     = `{"Channel":"Linux-Sysmon/Operational","Provider_Name":"Linux-Sysmon","EventID":1}`
		rpc       = `{"Channel":"RPCFW","EventID":3}`
		defender  = `{"Channel":"Microsoft-Windows-Windows Defender/Operational","EventID":1119}`
		silent    = `{"EventID":1,"CommandLine":"x"}`
		own       = `{"Channel":"Our-Collector","Provider_Name":"Microsoft-Windows-Sysmon","EventID":1}`
		other     = `{"Channel":"general","text":"x"}`
	)
	for _, tt := range []struct{ source, yes, no string }{
		{"windows", created + provider + forwarded + logon + service + script + alone + rpc + defender + silent + other, linux},
		{"windows process_creation", created + own + provider + forwarded + silent + other, logon + service + script + alone + linux + rpc},
		{"- process_creation", created + linux, logon},
		{"linux process_creation", linux + silent + other, created + provider + logon},
		{"linux - auditd", silent, linux + created},
		{"linux file_event", silent, linux},
		{"linux - sysmon", linux, created},
		{"windows - security", logon + forwarded + silent, created + provider + service + script + alone},
		{"windows - system", service + alone, created + own + logon},
		{"WINDOWS - Sysmon", created + provider, logon + service},
		{"windows process_creation sysmon", created, forwarded},
		{"windows ps_script", script, created},
		{"windows ps_module", "", script},
		{"windows - powershell", script, created},
		{"windows - of-our-own", created + logon, linux},
		{"windows of_our_own", created + logon, linux},
		{"- webserver", silent + other, created + logon},
		{"- - nginx", silent + other, created + logon},
		{"- antivirus", defender + silent, created},
		{"- of_our_own", created + linux, ""},
		{"rpc_firewall application", rpc + silent, created},
		{"aws - cloudtrail", silent + other, created + linux},
		{"", created + linux + silent, ""},
	} {
		parts := append(strings.Fields(tt.source), "", "", "")
		for i, p := range parts {
			if p == "-" {
				parts[i] = ""
			}
		}
		ls := ir.LogSource{Product: parts[0], Category: parts[1], Service: parts[2]}
		for want, events := range map[bool]string{true: tt.yes, false: tt.no} {
			for r := NewReader(strings.NewReader(events), DefaultMaxEvent); ; {
				rec, err := r.Next()
				if err != nil {
					break
				}
				if got := SourceOf(Flatten(event(t, string(rec.Text)))).Fits(ls); got != want {
					t.Errorf("%q and %s: %v", tt.source, rec.Text, got)
				}
			}
		}
	}
}
