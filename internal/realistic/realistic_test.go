package realistic

import (
	"slices"
	"strings"
	"testing"

	"sigmac/eval"
	"sigmac/internal/corpus"
	"sigmac/internal/irtest"
	"sigmac/ir"
)

// rule gives tests of a rule, by field.
func rule(tests ...ir.Match) func(func(string, ir.Test) bool) {
	return func(yield func(string, ir.Test) bool) {
		for _, m := range tests {
			if !yield(m.Field.Name, m.Test) {
				return
			}
		}
	}
}

func TestTexts(t *testing.T) {
	for _, c := range []struct {
		field, tests string // patterns apart by " | "
		texts        map[string]string
		want         string
	}{
		// Paths of programs and files.
		{"Image", `*\rar.exe`, nil, `C:\Program Files\WinRAR\rar.exe`},
		{"Image", `*\rarr.exe`, nil, `C:\Tools\rarr.exe`},
		{"ParentImage", `*\WINWORD.EXE`, nil, `C:\Program Files\Microsoft Office\root\Office16\WINWORD.EXE`},
		{"Image", `*\AppData\*`, nil, `C:\Users\alice\AppData\Local\Temp\setup.exe`},
		{"Image", `*:\Perflogs\*`, nil, `C:\Perflogs\setup.exe`},
		{"Image", `*mimi*`, nil, `C:\Tools\mimi.exe`},
		{"Image", `C:\Users\*\Downloads\* | *\a.exe`, nil, `C:\Users\alice\Downloads\a.exe`},
		{"Image", `?:\Windows\x.exe`, nil, `C:\Windows\x.exe`},
		{"Image", `*/bash`, nil, `/usr/bin/bash`},
		{"process.executable", `*\certutil.exe`, nil, `C:\Windows\System32\certutil.exe`},
		{"FileName", `certutil.exe`, nil, `certutil.exe`},
		{"process.name", `*.ps1`, nil, `setup.ps1`},
		{"ImageLoaded", `*\dbghelp.dll`, nil, `C:\Tools\dbghelp.dll`},
		{"TargetFilename", `*\Microsoft\Windows\Recent\* | *.iso.lnk`, nil, `C:\Users\alice\AppData\Roaming\Microsoft\Windows\Recent\report.iso.lnk`},
		{"TargetFilename", `/etc/cron.d/*`, nil, `/etc/cron.d/report.dat`},
		// Command lines.
		{"CommandLine", `* -p*`, map[string]string{"Image": `C:\Program Files\WinRAR\rar.exe`}, `"C:\Program Files\WinRAR\rar.exe" -p`},
		{"CommandLine", `* -j* | *-q*`, map[string]string{"Image": `C:\Windows\System32\msiexec.exe`}, `msiexec.exe -j -q`},
		{"CommandLine", `* -p*`, map[string]string{"ParentImage": `C:\Windows\explorer.exe`}, `tool.exe -p`},
		{"ParentCommandLine", `*SysAid*`, map[string]string{"ParentImage": `C:\Tools\java.exe`, "Image": `C:\Tools\a.exe`}, `C:\Tools\java.exe SysAid`},
		{"CommandLine", `*vssadmin* | *delete shadows*`, map[string]string{"OriginalFileName": "VSSADMIN.EXE"}, `vssadmin delete shadows`},
		{"CommandLine", `*Invoke-RestMethod* | *http* | *.dll*`, nil, `powershell.exe -Command Invoke-RestMethod http file.dll`},
		{"CommandLine", `* /i *`, map[string]string{"Image": `C:\Windows\regedit.exe`}, `regedit.exe /i file.txt`},
		{"CommandLine", `*://10.* | *http*`, map[string]string{"Image": `C:\Windows\System32\curl.exe`}, `curl.exe http://10.`},
		{"CommandLine", `*chmod +s*`, map[string]string{"Image": `/usr/bin/chmod`}, `chmod +s`},
		{"CommandLine", `*\Temp\* | *.js`, map[string]string{"Image": `C:\Windows\System32\wscript.exe`}, `wscript.exe C:\Windows\Temp\ file.js`},
		{"CommandLine", `*/computer:* | */period:*`, map[string]string{"Image": `C:\Windows\System32\w32tm.exe`}, `w32tm.exe /computer:1 /period:`},
		{"CommandLine", `net user*`, nil, `net user`},
		// The registry.
		{"TargetObject", `*\CurrentVersion\Run\*`, nil, `HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Run\(Default)`},
		{"TargetObject", `*\Services\x\Start`, nil, `HKLM\System\CurrentControlSet\Services\x\Start`},
		{"TargetObject", `HKCU\Environment\*`, nil, `HKCU\Environment\(Default)`},
		// Names and addresses.
		{"QueryName", `*.example.net`, nil, `www.example.net`},
		{"DestinationHostname", `*ngrok*`, nil, `ngrok.example.com`},
		{"c-uri", `*/login.php`, nil, `https://www.example.com/login.php`},
		{"cs-user-agent", `*curl*`, nil, `curl`},
		{"SourceIp", `192.168.*`, nil, `192.168.3.15`},
		{"User", `EXAMPLE\svc-*`, nil, `EXAMPLE\svc-backup`},
		{"User", `*AUTHORI*`, nil, `NT AUTHORITY\SYSTEM`},
		{"PipeName", `*lsadump*`, nil, `\lsadump`},
		// Anything else.
		{"Details", `*powershell* | *-command*`, nil, `powershell -command`},
		{"Data", `*:\Windows\Temp\*`, nil, `C:\Windows\Temp\report.dat`},
		{"Details", ``, nil, `other`},
	} {
		var tests []ir.Test
		for _, p := range strings.Split(c.tests, " | ") {
			if p != "" {
				tests = append(tests, irtest.Pattern(strings.ReplaceAll(p, `\`, `\\`), false))
			}
		}
		got := Texts(c.field, tests, Known{Texts: c.texts, Tests: rule()})
		if len(got) == 0 || got[0] != c.want {
			t.Errorf("%s of %s: %q, want %q first", c.tests, c.field, got, c.want)
		}
	}
}

// A program that only the rule names begins a command line too.
func TestProgramOfTheRule(t *testing.T) {
	known := Known{Tests: rule(irtest.Is("ParentImage", `*\cmd.exe`), irtest.Is("Image", `*\7z.exe`))}
	got := Texts("CommandLine", []ir.Test{irtest.Pattern("* -p*", false)}, known)
	if len(got) == 0 || got[0] != `"C:\Program Files\7-Zip\7z.exe" -p` {
		t.Errorf("%q", got)
	}
}

func TestRegexps(t *testing.T) {
	for _, c := range []struct{ field, re, want string }{
		{"QueryName", `^[0-9a-f]{8}\.(?:top|xyz)$`, "3d9fa27b.top"},
		{"CommandLine", `https?://[0-9]{1,3}\.[0-9]`, "cmd.exe /c http://3.9"},
		{"Image", `(?i)\\x[0-9]\.exe$`, `C:\Tools\x3.exe`},
	} {
		got := Texts(c.field, []ir.Test{irtest.Regexp(t, c.re)}, Known{Tests: rule()})
		if len(got) == 0 || got[0] != c.want {
			t.Errorf("%s of %s: %q, want %q first", c.re, c.field, got, c.want)
		}
	}
}

func TestNetworks(t *testing.T) {
	for net, want := range map[string][]string{"10.20.0.0/16": {"10.20.0.15", "10.20.10.15", "10.20.20.15"}, "192.0.2.4/32": {"192.0.2.4"}, "192.0.2.8/29": {"192.0.2.15"}, "fd00::/8": {"fd00::f", "fd00::a0f", "fd00::140f"}} {
		if got := Texts("SourceIp", []ir.Test{irtest.Net("SourceIp", net).Test}, Known{Tests: rule()}); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", net, got, want)
		}
	}
}

// TestCorpus holds for every test of public rules that texts are few, none of them empty, and
// the same each time, and that nearly always one passes the test.
func TestCorpus(t *testing.T) {
	asked, passed := 0, 0
	for _, d := range corpus.Rules(t) {
		inlined, err := ir.Inline(ir.ExpandWindash(d.Rule))
		if err != nil {
			t.Fatal(err)
		}
		ir.Walk(inlined.Conditions[0].Expr, func(e ir.Expr) {
			m, ok := e.(ir.Match)
			if !ok {
				return
			}
			switch x := m.Test.(type) {
			case ir.Pattern:
				if len(x.Parts) == 0 {
					return
				}
			case ir.Regexp:
				if _, lack := x.Re.Regular(); lack != "" {
					return
				}
			default:
				return
			}
			known := Known{Tests: rule(m)}
			got := Texts(m.Field.Name, []ir.Test{m.Test}, known)
			if len(got) > maxTexts || slices.Contains(got, "") || !slices.Equal(got, Texts(m.Field.Name, []ir.Test{m.Test}, known)) {
				t.Errorf("%s: %s: %q", d.Path, m, got)
			}
			asked++
			if slices.ContainsFunc(got, func(s string) bool {
				ev, err := eval.NewEvent(map[string]any{m.Field.Name: s})
				return err == nil && eval.Expr(nil, m, ev)
			}) {
				passed++
			}
		})
	}
	if t.Logf("%d of %d tests", passed, asked); asked == 0 || passed*100 < asked*97 {
		t.Errorf("a text passes %d of %d tests only", passed, asked)
	}
}

// TestTables holds that no name stands in a table twice, and that names are as they are looked up.
func TestTables(t *testing.T) {
	all := ""
	for _, p := range programs {
		all += " " + p.names
	}
	if n := len(strings.Fields(all)); n != len(folderByName()) || all != strings.ToLower(all) {
		t.Errorf("%d programs, and %d of them differ", n, len(folderByName()))
	}
	all = ""
	for _, f := range fields {
		all += " " + f.ends
	}
	if n := len(strings.Fields(all)); n != len(kinds()) || all != strings.ToLower(all) {
		t.Errorf("%d fields, and %d of them differ", n, len(kinds()))
	}
}
