package catalog

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"sigmac/internal/corpus"
	"sigmac/ir"
)

func TestTechniques(t *testing.T) {
	for _, c := range []struct{ tags, want string }{
		{"", ""},
		{"attack.t1218.007 attack.stealth",
			"T1218.007 System Binary Proxy Execution: Msiexec [Stealth] of T1218"},
		{"attack.t1059.001 attack.t1059",
			"T1059 Command and Scripting Interpreter [Execution]; T1059.001 Command and Scripting Interpreter: PowerShell [Execution] of T1059"},
		{"attack.T1003 attack.t1003", "T1003 OS Credential Dumping [Credential Access]"},
		{"attack.t1078", "T1078 Valid Accounts [Initial Access, Persistence, Privilege Escalation, Stealth]"},
		// Revoked: the tactics are those of the successor.
		{"attack.t1562.001", "T1562.001 Impair Defenses: Disable or Modify Tools [Defense Impairment] of T1562, now T1685"},
		// Revoked by what is revoked itself: T1562.001.
		{"attack.t1089", "T1089 Disabling Security Tools [Defense Impairment], now T1685"},
		{"attack.t1043", "T1043 Commonly Used Port [Command and Control], deprecated"},
		{"attack.t1064", "T1064 Scripting [Execution, Defense Evasion], deprecated"},
		// Not known, and not even well formed.
		{"attack.t9999.001 attack.t9998", "T9998  []; T9999.001  [] of T9999"},
		{"attack.t1059.999", "T1059.999  [] of T1059"},
		{"attack.t1 attack.t", "T1  []"},
		// Other things.
		{"car.2016-04-005 cve.2021-44228 attack.g0007 attack.s0002 attack.execution tlp.red t1059 attack", ""},
	} {
		var got []string
		for _, x := range Techniques(strings.Fields(c.tags)) {
			s := fmt.Sprintf("%s %s [%s]", x.ID, x.FullName(), strings.Join(x.Tactics, ", "))
			if x.Parent != "" {
				s += " of " + x.Parent
			}
			if x.Successor != "" {
				s += ", now " + x.Successor
			}
			if x.Deprecated {
				s += ", deprecated"
			}
			got = append(got, s)
		}
		if got := strings.Join(got, "; "); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.tags, got, c.want)
		}
	}
}

func TestTactics(t *testing.T) {
	for _, c := range []struct{ tags, want string }{
		{"attack.t1059", ""},
		{"attack.impact attack.initial-access attack.impact", "TA0001 initial-access Initial Access; TA0040 impact Impact"},
		{"attack.initial_access attack.command_and_control",
			"TA0001 initial-access Initial Access; TA0011 command-and-control Command and Control"},
		{"attack.defense-impairment attack.stealth attack.defense_evasion",
			"TA0005 defense-evasion Defense Evasion; TA0005 stealth Stealth; TA0112 defense-impairment Defense Impairment"},
		{"attack.ta0005 attack.ta0043", "TA0043 reconnaissance Reconnaissance; TA0005 stealth Stealth"},
		{"attack.ta9999 attack.Nonsense attack.execution attack.nonsense", "TA0002 execution Execution;  nonsense ;  ta9999 "},
		{"attack. attack execution", ""},
	} {
		var got []string
		for _, x := range Tactics(strings.Fields(c.tags)) {
			got = append(got, x.ID+" "+x.Short+" "+x.Name)
		}
		if got := strings.Join(got, "; "); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.tags, got, c.want)
		}
	}
}

func TestColumns(t *testing.T) {
	for _, c := range []struct{ tags, want string }{
		{"", ""},
		{"attack.t1218.007 attack.stealth", "Stealth: T1218.007"},
		// Of several tactics those that are tagged.
		{"attack.persistence attack.t1543.003 attack.privilege-escalation", "Persistence: T1543.003; Privilege Escalation: T1543.003"},
		{"attack.persistence attack.t1543.003", "Persistence: T1543.003"},
		// None is tagged.
		{"attack.t1543.003", "Persistence: T1543.003; Privilege Escalation: T1543.003"},
		{"attack.execution attack.t1543.003 attack.t1059", "Execution: T1059; Persistence: T1543.003; Privilege Escalation: T1543.003"},
		// A tactic without a technique.
		{"attack.impact attack.t1003", "Credential Access: T1003; Impact:"},
		// The tactic that was split.
		{"attack.defense-evasion attack.t1562.001 attack.t1218.007 attack.t1003", "Defense Evasion: T1218.007 T1562.001; Credential Access: T1003"},
		{"attack.defense-evasion attack.stealth attack.t1218.007", "Defense Evasion: T1218.007; Stealth: T1218.007"},
		{"attack.t1562.001 attack.defense-impairment", "Defense Impairment: T1562.001"},
		{"attack.t1149", "Defense Evasion: T1149"},
		// Not known.
		{"attack.nonsense attack.t9999 attack.execution", "Execution:; nonsense:; : T9999"},
	} {
		var got []string
		for _, col := range Columns(strings.Fields(c.tags)) {
			s := cmp.Or(col.Tactic.Name, col.Tactic.Short) + ":"
			for _, x := range col.Techniques {
				s += " " + x.ID
			}
			got = append(got, s)
		}
		if got := strings.Join(got, "; "); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.tags, got, c.want)
		}
	}
}

func TestObjects(t *testing.T) {
	got := Objects([]string{"attack.s0002", "attack.g0007", "attack.execution", "attack.t1059", "attack.S0002", "attack.ds0005", "attack.c0001"})
	if want := []string{"C0001", "DS0005", "G0007", "S0002"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestMatrix(t *testing.T) {
	var names []string
	parents, subs := map[string]bool{}, map[string]bool{}
	for _, c := range Matrix() {
		names = append(names, c.Tactic.Name)
		if len(c.Techniques) == 0 || !slices.IsSortedFunc(c.Techniques, byID) {
			t.Errorf("%s: %d techniques", c.Tactic.Name, len(c.Techniques))
		}
		for _, x := range c.Techniques {
			if !slices.Contains(x.Tactics, c.Tactic.Name) || x.Name == "" || x.Successor != "" || x.Deprecated {
				t.Errorf("%s has %+v", c.Tactic.Name, x)
			}
			if x.Parent == "" {
				parents[x.ID] = true
			} else {
				subs[x.ID] = true
			}
		}
	}
	if want := "Reconnaissance, Resource Development, Initial Access, Execution, Persistence, Privilege Escalation, Stealth, " +
		"Defense Impairment, Credential Access, Discovery, Lateral Movement, Collection, Command and Control, Exfiltration, " +
		"Impact"; strings.Join(names, ", ") != want {
		t.Error(names)
	}
	// As MITRE counts them for this version.
	if AttackVersion() != "19.2" || len(parents) != 222 || len(subs) != 475 {
		t.Errorf("version %s: %d techniques, %d sub-techniques", AttackVersion(), len(parents), len(subs))
	}
	for id := range subs {
		if !parents[parent(id)] {
			t.Errorf("%s stands without its technique", id)
		}
	}
	a, b := Matrix(), Matrix()
	if !reflect.DeepEqual(a, b) {
		t.Error("two calls differ")
	}
	// What a caller does with the answer is its own business.
	a[0].Techniques[0].Tactics[0] = "x"
	if Matrix()[0].Techniques[0].Tactics[0] == "x" {
		t.Error("the data is shared with callers")
	}
}

// TestAttackData holds that what the data says of itself fits.
func TestAttackData(t *testing.T) {
	d := attack()
	for id, x := range d.techniques {
		next, ok := d.techniques[x.Successor]
		switch {
		case x.Successor != "" && (!ok || next.Successor != "" || next.Deprecated):
			t.Errorf("%s: its successor %s is not in the matrix", id, x.Successor)
		case len(x.Tactics) == 0 || slices.Contains(x.Tactics, ""):
			t.Errorf("%s: tactics %q", id, x.Tactics)
		case x.Name == "" || x.Successor == "" && !x.Deprecated && x.Parent != "" && d.techniques[x.Parent].Name == "":
			t.Errorf("%+v", x)
		}
	}
}

// corpusRules is the rules of the corpus, in the order of their files.
func corpusRules(t *testing.T) (out []*ir.Rule) {
	for _, doc := range corpus.Parse(t, "sigma").Documents {
		if doc.Rule != nil {
			out = append(out, doc.Rule)
		}
	}
	return out
}

// golden compares lines with a file, or writes it.
func golden(t *testing.T, path string, lines []string) {
	got := strings.Join(lines, "\n") + "\n"
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		t.Errorf("%s is not what -update writes:\n%s", path, got)
	}
}

// counts lists what was counted, the most frequent first.
func counts(title string, n map[string]int) (lines []string) {
	total := 0
	for _, c := range n {
		total += c
	}
	lines = append(lines, fmt.Sprintf("%s: %d, %d times", title, len(n), total))
	for _, k := range slices.SortedFunc(maps.Keys(n), func(a, b string) int { return cmp.Or(cmp.Compare(n[b], n[a]), cmp.Compare(a, b)) }) {
		lines = append(lines, fmt.Sprintf("  %d %s", n[k], k))
	}
	return lines
}

// TestAttackCorpus holds which tags of public rules the data does not know, and
// that a rule's tactics are those of its techniques.
func TestAttackCorpus(t *testing.T) {
	rules := corpusRules(t)
	known, revoked, deprecated, unknown := map[string]int{}, map[string]int{}, map[string]int{}, map[string]int{}
	tactics, noTactic, apart := map[string]int{}, map[string]int{}, map[string]int{}
	for _, r := range rules {
		for _, x := range Techniques(r.Meta.Tags) {
			switch {
			case x.Name == "":
				unknown[x.ID]++
			case x.Deprecated:
				deprecated[x.ID]++
			case x.Successor != "":
				revoked[x.ID]++
			default:
				known[x.ID]++
			}
		}
		tagged := Tactics(r.Meta.Tags)
		for _, x := range tagged {
			if tactics[x.Short]++; x.Name == "" {
				noTactic[x.Short]++
			}
		}
		for _, c := range Columns(r.Meta.Tags) {
			for _, x := range c.Techniques {
				if len(tagged) > 0 && !slices.Contains(tagged, c.Tactic) {
					apart[c.Tactic.Name+" of "+x.ID]++
				}
			}
		}
	}
	sum := func(n map[string]int) (total int) {
		for _, c := range n {
			total += c
		}
		return total
	}
	lines := []string{
		fmt.Sprintf("rules: %d", len(rules)),
		fmt.Sprintf("techniques of the matrix: %d, %d times", len(known), sum(known)),
		fmt.Sprintf("tactics: %d, %d times", len(tactics), sum(tactics)),
	}
	lines = append(lines, counts("techniques revoked", revoked)...)
	lines = append(lines, counts("techniques deprecated", deprecated)...)
	lines = append(lines, counts("techniques unknown", unknown)...)
	lines = append(lines, counts("tactics unknown", noTactic)...)
	lines = append(lines, counts("tactics of a technique where the rule tags others", apart)...)
	golden(t, "testdata/attack-corpus.txt", lines)
}
