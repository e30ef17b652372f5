package deploy

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sigmac/internal/catalog"
)

func TestUUID(t *testing.T) {
	// RFC 9562, A.4: version 5 of www.example.com in the namespace of DNS.
	dns := [16]byte{0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8}
	u := newUUID(dns, "www.example.com")
	if got := hex.EncodeToString(u[:]); got != "2ed6657de927568b95e12665a8aea6a2" {
		t.Error(got)
	}
	if a, b := UUID("a", "bc"), UUID("ab", "c"); a == b || !IsUUID(a) || UUID("a", "bc") != a {
		t.Error(a, b)
	}
	for _, s := range []string{"", "2ed6657de927568b95e12665a8aea6a2", "2ed6657d-e927-568b-95e1-2665a8aea6ag", strings.Repeat("-", 36)} {
		if IsUUID(s) {
			t.Error(s)
		}
	}
}

func TestDurations(t *testing.T) {
	for text, iso := range map[string]string{"90m": "PT1H30M", "1d": "P1D", "36h": "P1DT12H", "5m": "PT5M", "30s": "PT30S", "1h": "PT1H"} {
		d, ok := ParseDuration(text)
		if got := ISO(d); !ok || got != iso {
			t.Errorf("%s is %s, want %s", text, got, iso)
		}
		back, ok := ParseISO(iso)
		again, _ := ParseDuration(Duration(back))
		if !ok || back != d || again != d {
			t.Errorf("%s reads back as %s", iso, back)
		}
	}
	for _, text := range []string{"", "m", "0m", "-5m", "1.5h", "1w", "5", "5 m", "99999999999d", "4000000000d"} {
		if d, ok := ParseDuration(text); ok {
			t.Errorf("%q is %s", text, d)
		}
	}
	for _, text := range []string{"", "P", "PT", "P1", "P1M", "P1Y", "PT1D", "1H", "P1DT", "PT99999999999S", "PT1H30", "P-1D"} {
		if d, ok := ParseISO(text); ok {
			t.Errorf("%q is %s", text, d)
		}
	}
	if d, ok := ParseISO("PT60M"); !ok || d != time.Hour {
		t.Error(d)
	}
	if got := ISO(0); got != "PT0S" {
		t.Error(got)
	}
}

func FuzzParseISO(f *testing.F) {
	f.Add("P1DT2H3M4S")
	f.Fuzz(func(t *testing.T, text string) {
		d, ok := ParseISO(text)
		if again, same := ParseISO(ISO(d)); ok && (!same || again != d || d < 0) {
			t.Errorf("%q is %s, and %s is %s", text, d, ISO(d), again)
		}
	})
}

func TestPlan(t *testing.T) {
	off, on, risk := false, true, 5
	for _, c := range []struct {
		s      Settings
		level  string
		window time.Duration
		want   string
	}{
		{Settings{}, "high", 0, "true high 15m 10m 25m"},
		{Settings{}, "", 0, "true medium 1h 10m 70m"},
		{Settings{}, "strange", 0, `true strange 1h 10m 70m; the level "strange" is none of informational, low, medium, high, critical`},
		{Settings{}, "low", 2 * time.Hour, "true low 1h 10m 190m"},
		{Settings{Every: 5 * time.Minute, Late: time.Minute, Enabled: &off}, "low", 0, "false low 5m 1m 6m"},
		{Settings{Level: "critical", Lookback: 24 * time.Hour}, "low", 0, "true critical 15m 10m 1d"},
		{Settings{Lookback: time.Minute}, "low", 0, "true low 1h 10m 1m; it looks back 1m, and events of 1h come between two runs: some are never looked at"},
		{Settings{SuppressFor: time.Hour}, "low", 0, "true low 1h 10m 70m; what is suppressed needs the columns by which alerts are alike"},
	} {
		p, faults := MakePlan(c.s, c.level, c.window)
		got := strings.Join(append([]string{fmt.Sprint(p.Enabled, " ", p.Level, " ", Duration(p.Every), " ", Duration(p.Late), " ", Duration(p.Lookback))}, faults...), "; ")
		if got != c.want {
			t.Errorf("%+v: %s, want %s", c.s, got, c.want)
		}
	}
	near := Settings{Enabled: &off, Every: time.Hour, Own: []Own{{"a", "1"}}}
	far := Settings{Enabled: &on, Risk: &risk, Every: time.Minute, Cron: "c", SuppressFor: 1, SuppressBy: []string{"x"}, Entities: []Entity{{Type: "host"}}, Own: []Own{{"a", "2"}, {"b", "3"}}}
	s := near.Over(far)
	if *s.Enabled || *s.Risk != 5 || s.Every != time.Hour || s.Cron != "c" || s.SuppressBy[0] != "x" || len(s.Entities) != 1 || fmt.Sprint(s.Own) != "[{a 1} {b 3}]" || len(near.Own) != 1 {
		t.Errorf("%+v", s)
	}
}

func show(columns []catalog.Column) string {
	var parts []string
	for _, c := range columns {
		part := c.Tactic.Name
		for _, t := range c.Techniques {
			part += " " + t.ID
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, "; ")
}

func TestMatrix(t *testing.T) {
	for _, c := range []struct{ version, tags, want, notes string }{
		{"19", "attack.execution attack.t1059.001", "Execution T1059.001", ""},
		{"18", "attack.stealth attack.t1027 attack.execution attack.t1059", "Execution T1059; Defense Evasion T1027", "the tactic Stealth is told as Defense Evasion, which it was before version 19 of ATT&CK"},
		{"18", "attack.stealth attack.defense-impairment attack.t1685.001 attack.t1027", "Defense Evasion T1027 T1562.002",
			"the tactic Stealth is told as Defense Evasion, which it was before version 19 of ATT&CK|T1685.001 is told as T1562.002, which it was before version 19 of ATT&CK|the tactic Defense Impairment is told as Defense Evasion, which it was before version 19 of ATT&CK"},
		{"18", "attack.defense-impairment attack.t1685", "Defense Evasion T1562",
			"T1685 is told as T1562, which takes in T1562.001 and T1562.006, since version 18 of ATT&CK has no one technique for it|the tactic Defense Impairment is told as Defense Evasion, which it was before version 19 of ATT&CK"},
		{"18", "attack.defense-impairment attack.t1690", "Defense Evasion", "T1690 (%s) is new in version 19 of ATT&CK: it is left out|the tactic Defense Impairment is told as Defense Evasion, which it was before version 19 of ATT&CK"},
		{"18", "attack.defense-evasion attack.t1562.001", "Defense Evasion T1562.001", ""},
		{"19", "attack.defense-evasion attack.t1562.001 attack.t1027", "Stealth T1027; Defense Impairment T1685",
			"T1562.001 is told as T1685, which replaced it|the tactic Defense Evasion is told as what version 19 of ATT&CK has for the techniques of the rule"},
		{"19", "attack.defense-evasion", "Stealth", "the tactic Defense Evasion is told as Stealth, which has its id since version 19 of ATT&CK"},
		{"18", "attack.t1059", "Execution T1059", ""},
		{"18", "attack.nonsense attack.t9999", "", `ATT&CK does not know T9999, or no longer: it is left out|ATT&CK knows no tactic "nonsense": it is left out`},
		{"18", "attack.collection attack.t1002", "Collection T1560", "T1002 is told as T1560, which replaced it"},
		{"18", "cve.2024-1 detection.threat-hunting", "", ""},
	} {
		columns, notes := Matrix(strings.Fields(c.tags), c.version)
		slices.Sort(notes)
		got := strings.Join(notes, "|")
		sorted := strings.Split(c.notes, "|")
		slices.Sort(sorted)
		want := strings.Join(sorted, "|")
		if strings.Contains(want, "%s") {
			want = fmt.Sprintf(want, catalog.Techniques([]string{"attack.t1690"})[0].Name)
		}
		if show(columns) != c.want || got != want {
			t.Errorf("%s in %s: %s (%s), want %s (%s)", c.tags, c.version, show(columns), got, c.want, want)
		}
	}
}

// TestVersions holds that what one version lacks never stands in what is told of it, for each
// technique and tactic of ATT&CK.
func TestVersions(t *testing.T) {
	for _, column := range catalog.Matrix() {
		for _, x := range column.Techniques {
			tags := []string{"attack." + column.Tactic.Short, "attack." + strings.ToLower(x.ID)}
			old, notes := Matrix(tags, "18")
			for _, c := range old {
				if slices.Contains(evasion, c.Tactic.Short) {
					t.Errorf("%v in 18 has %s", tags, c.Tactic.Name)
				}
				for _, y := range c.Techniques {
					_, new := was18[y.ID]
					if slices.Contains(only19, y.ID) || new && was18[y.ID].id != y.ID || y.Name == "" || y.Parent != "" && ParentName(y) == "" {
						t.Errorf("%v in 18 has %+v", tags, y)
					}
				}
			}
			if told := len(old) == 1 && len(old[0].Techniques) == 1 && old[0].Techniques[0].ID == x.ID && old[0].Tactic == column.Tactic; told != (len(notes) == 0) {
				t.Errorf("%v in 18 is %s, with the notes %v", tags, show(old), notes)
			}
			if now, notes := Matrix(tags, "19"); len(notes) > 0 || len(now) != 1 || len(now[0].Techniques) != 1 || now[0].Techniques[0].ID != x.ID {
				t.Errorf("%v in 19 is %s, with the notes %v", tags, show(now), notes)
			}
		}
	}
}

func TestTakes(t *testing.T) {
	f := Format{Own: []string{"cron", "alert.*"}}
	for name, want := range map[string]bool{"cron": true, "crons": false, "alert.": true, "alert.severity": true, "alerts": false} {
		if f.Takes(name) != want {
			t.Error(name)
		}
	}
}

// TestRenamed holds that a technique has the name of the version.
func TestRenamed(t *testing.T) {
	for version, want := range map[string]string{"18": "Exploitation for Defense Evasion", "19": "Exploitation for Stealth"} {
		columns, notes := Matrix([]string{"attack.t1211"}, version)
		if len(columns) == 0 || columns[0].Techniques[0].Name != want || len(notes) > 0 && version == "19" {
			t.Errorf("version %s: %v %v, want %s", version, columns, notes, want)
		}
	}
}
