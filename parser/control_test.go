package parser

import "testing"

// TestControl holds what a control character in a value is told of, and where one is meant.
func TestControl(t *testing.T) {
	const in = " in double quotes is the character "
	for value, want := range map[string]string{
		`"\nc.exe"`:                      `\n` + in + `U+000A; use single quotes: '\nc.exe'`,
		`"C:\\Windows\notepad.exe"`:      `\n` + in + `U+000A; use single quotes: 'C:\Windows\notepad.exe'`,
		`"cmd /c \net user"`:             `\n` + in + `U+000A; use single quotes: 'cmd /c \net user'`,
		`"\N"`:                           `\N` + in + `U+0085; use single quotes: '\N'`,
		`"\Logs"`:                        `\L` + in + `U+2028; use single quotes: '\Logs'`,
		`"\Program"`:                     `\P` + in + `U+2029; use single quotes: '\Program'`,
		`"\_a"`:                          `\_` + in + `U+00A0; use single quotes: '\_a'`,
		`"\tool's \"x\""`:                `\t` + in + `U+0009; use single quotes: '\tool''s "x"'`,
		`"\0\b"`:                         `\0` + in + `U+0000; use single quotes: '\0\b'`,
		`"\x86\x41"`:                     `\x86` + in + `U+0086; use single quotes`,
		`"\tool\u00e9"`:                  `\t` + in + `U+0009; use single quotes`,
		"'a\tb'":                         "the character U+0009 stands in the value",
		"\"a\tb\"":                       "the character U+0009 stands in the value",
		"\"a\t\n      b\"":               "",
		`"GET / HTTP/1.1\r\nHost: a"`:    "",
		`"a line\nanother one"`:          "",
		`"a line.\nanother one\n"`:       "",
		`"\n"`:                           "",
		`"a\u0009b\U000000a0"`:           "",
		`'\net'`:                         "",
		`"\\net"`:                        "",
		`"caf\xe9"`:                      "",
		"\"a\n      b\"":                 "",
		"|\n      a\n      b":            "",
		`"[\"a\",\n \"b\"]"`:             "",
		`"C:\\Windows\\System32\\a.exe"`: "",
	} {
		ds := Parse("r.yml", []byte("title: t\nlogsource: {}\ndetection:\n  condition: s\n  s:\n    f: "+value)).Documents
		if len(ds) != 1 || len(ds[0].Errors) > 0 {
			t.Fatalf("%s: %v", value, ds[0].Errors)
		}
		got := ""
		for _, w := range ds[0].Warnings {
			if got += w.Msg; w.Code != "control_character" {
				t.Errorf("%s: the code %s", value, w.Code)
			}
		}
		if got != want {
			t.Errorf("%s\n got %s\nwant %s", value, got, want)
		}
	}
}
