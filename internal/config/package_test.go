package config

import (
	"fmt"
	"strings"
	"testing"

	"sigmac/internal/deploy"
	"sigmac/parser"
)

const packed = `package:
  attack_version: 19
  experimental: enabled
  every: 1h
  late: 5m
  own: {alert.track: 1, list: [a, 2]}
  levels:
    high: {every: 5m, risk_score: 80}
  folders:
    - {path: rules, enabled: false, every: 12h}
    - path: rules/windows/
      enabled: true
      level: critical
      suppress: {for: 1h, by: [host, user]}
      entities: [{type: host, fields: {HostName: Computer}}]
      targets: {splunk: {cron: '0 * * * *', lookback: 2h}}
  options:
    splunk_app: {app: x}
`

func showSettings(s deploy.Settings) string {
	out := fmt.Sprint(s.Level, " ", deploy.Duration(s.Every), " ", deploy.Duration(s.Lookback), " ", deploy.Duration(s.Late), " ", s.Cron, " ", deploy.Duration(s.SuppressFor), s.SuppressBy, s.Entities, s.Own)
	if s.Enabled != nil {
		out += fmt.Sprint(" enabled ", *s.Enabled)
	}
	if s.Leave != nil {
		out += fmt.Sprint(" leave ", *s.Leave)
	}
	if s.Risk != nil {
		out += fmt.Sprint(" risk ", *s.Risk)
	}
	return out
}

func TestPackage(t *testing.T) {
	c, errs := Parse(Name, []byte(packed))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	p := c.Package
	if p.Attack != "19" || p.Experimental != "enabled" || fmt.Sprint(p.Options) != "map[splunk_app:[{app x {18 18 0}}]]" {
		t.Errorf("%+v", p)
	}
	const own = ` [{alert.track 1} {list ["a",2]}]`
	for _, x := range []struct{ path, level, target, want string }{
		{"other/a.yml", "low", "splunk", " 1h 0s 5m  0s[] []" + own},
		{"other/a.yml", "high", "splunk", " 5m 0s 5m  0s[] []" + own + " risk 80"},
		{"rules/a.yml", "high", "splunk", " 12h 0s 5m  0s[] []" + own + " enabled false risk 80"},
		{"rules/windowsx/a.yml", "low", "splunk", " 12h 0s 5m  0s[] []" + own + " enabled false"},
		{"rules/windows/a.yml", "low", "splunk", "critical 12h 2h 5m 0 * * * * 1h[host user] [{host [{HostName Computer}]}]" + own + " enabled true"},
		{"rules/windows/x/a.yml", "low", "kusto", "critical 12h 0s 5m  1h[host user] [{host [{HostName Computer}]}]" + own + " enabled true"},
	} {
		got := showSettings(p.Of(x.path, x.level, x.target))
		if strings.Join(strings.Fields(got), " ") != strings.Join(strings.Fields(x.want), " ") {
			t.Errorf("%s %s %s: %s, want %s", x.path, x.level, x.target, got, x.want)
		}
	}
}

func TestPackageFaults(t *testing.T) {
	for text, want := range map[string]string{
		"package: 5":                       "1:10: here belongs a mapping",
		"package: {evry: 5m}":              `1:11: unknown key "evry"; did you mean "every"?`,
		"package: {every: soon}":           "1:18: here belongs a length of time such as 90m, 12h or 7d",
		"package: {attack_version: 17}":    `1:27: unknown version of ATT&CK "17"`,
		"package: {experimental: on}":      `1:25: unknown way for experimental rules "on"`,
		"package: {levels: {hihg: {}}}":    `1:20: unknown level "hihg"; did you mean "high"?`,
		"package: {levels: x}":             "1:19: here belongs a mapping of levels to settings",
		"package: {folders: {every: 5m}}":  "1:20: a folder has a path",
		"package: {folders: {path: ../x}}": "1:27: the path ../x leads out of the folder of this file",
		"package: {risk_score: 101}":       "1:23: here belongs a number from 0 to 100",
		"package: {enabled: maybe}":        "1:20: here belongs true or false",
		"package: {suppress: {for: 1h}}":   "1:21: what is suppressed has a length of time (for) and columns by which alerts are alike (by)",
		"package: {entities: [{type: x}]}": "1:22: an entity has a type and fields",
		"package: {targets: x}":            "1:20: here belongs a mapping of targets to settings",
		"package: {own: x}":                "1:16: here belongs a mapping of the settings of a SIEM to values",
		"package: {options: {a: b}}":       "1:24: here belongs a mapping of options to values",
	} {
		_, errs := Parse(Name, []byte(text+"\n"))
		if len(errs) == 0 || !strings.HasPrefix(errs[0].Error(), Name+":"+want) {
			t.Errorf("%s: %v, want %s", text, errs, want)
		}
	}
}

func TestOfRule(t *testing.T) {
	const rule = "title: T\nlogsource: {category: c}\ndetection: {sel: {f: a}, condition: sel}\n"
	for _, c := range []struct{ text, want, loose string }{
		{"", " 0s 0s 0s  0s[] [] []", "[]"},
		{"custom: {sigmac: {every: 5m, targets: {kusto: {every: 1h}}}}", " 1h 0s 0s  0s[] [] []", "[]"},
		{"custom: {sigmac: {enabled: true}, disabled: true}", " 0s 0s 0s  0s[] [] [] enabled true", "[]"},
		{"custom: {disabled: true, removed: true, cron_schedule: '1 * * * *', earliest_time: -1h, alert.suppress: '1', other: {a: 1}}",
			" 0s 0s 0s 1 * * * * 0s[] [] [] enabled false leave true", `[{dispatch.earliest_time -1h} {alert.suppress 1} {other {"a":1}}]`},
		{"custom: {query_frequency: 1, query_period: 24, entity_mappings: [{entity_type: Host, field_mappings: [{identifier: HostName, column_name: Computer}]}]}",
			" 1h 1d 0s  0s[] [{Host [{HostName Computer}]}] []", "[]"},
		{"custom: {query_period: 12H}", " 12h 0s 0s  0s[] [] []", "[]"},
		{"custom: text", " 0s 0s 0s  0s[] [] []", "[]"},
	} {
		s, loose, errs := OfRule(parser.Parse("r.yml", []byte(rule+c.text+"\n")).Documents[0])
		got := showSettings(s.For("kusto"))
		if len(errs) > 0 || strings.Join(strings.Fields(got), " ") != strings.Join(strings.Fields(c.want), " ") || fmt.Sprint(loose) != c.loose {
			t.Errorf("%s: %s, %s %v, want %s, %s", c.text, got, loose, errs, c.want, c.loose)
		}
	}
	_, _, errs := OfRule(parser.Parse("r.yml", []byte(rule+"custom: {sigmac: {evry: 5m, every: x}, disabled: perhaps}\n")).Documents[0])
	var lines []string
	for _, e := range errs {
		lines = append(lines, e.Error())
	}
	got := strings.Join(lines, "\n")
	if want := "r.yml:4:19: unknown key \"evry\"; did you mean \"every\"?\nr.yml:4:36: here belongs a length of time such as 90m, 12h or 7d\nr.yml:4:50: here belongs true or false"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
