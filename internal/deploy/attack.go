package deploy

import (
	"fmt"
	"slices"
	"strings"

	"sigmac/internal/catalog"
)

// AttackVersions are those in which ATT&CK can be told to a SIEM. Version 19 split Defense
// Evasion (TA0005) into Stealth, which kept the id, and Defense Impairment (TA0112).
var AttackVersions = []string{"18", "19"}

// A was is a technique of version 19 as version 18 has it.
type was struct {
	id, name string
	// Others of version 18 became it too: which of them a rule means nobody knows.
	others string
}

// was18 are the techniques that version 19 numbered anew or named anew, by their new ids
// (elastic/detection-rules, attack_v18_to_v19, and the names that its rules, which are of version
// 18, have for 427 techniques; and those of MITRE's own data). What several became
// goes back to the parent of these, which takes them all in.
var was18 = map[string]was{
	"T1211":     {id: "T1211", name: "Exploitation for Defense Evasion"},
	"T1222.001": {id: "T1222.001", name: "Windows File and Directory Permissions Modification"},
	"T1222.002": {id: "T1222.002", name: "Linux and Mac File and Directory Permissions Modification"},
	"T1557.001": {id: "T1557.001", name: "LLMNR/NBT-NS Poisoning and SMB Relay"},
	"T1647":     {id: "T1647", name: "Plist File Modification"},
	"T1684.001": {id: "T1656", name: "Impersonation"},
	"T1685":     {id: "T1562", name: "Impair Defenses", others: "T1562.001 and T1562.006"},
	"T1685.001": {id: "T1562.002", name: "Disable Windows Event Logging"},
	"T1685.002": {id: "T1562.008", name: "Disable or Modify Cloud Logs"},
	"T1685.005": {id: "T1070.001", name: "Clear Windows Event Logs"},
	"T1685.006": {id: "T1070.002", name: "Clear Linux or Mac System Logs"},
	"T1686":     {id: "T1562.004", name: "Disable or Modify System Firewall"},
	"T1686.001": {id: "T1562.007", name: "Disable or Modify Cloud Firewall"},
	"T1689":     {id: "T1562.010", name: "Downgrade Attack"},
}

// only19 are the other techniques of version 19 that version 18 does not have.
var only19 = []string{"T1684", "T1684.002", "T1685.003", "T1685.004", "T1686.002", "T1686.003", "T1687", "T1688", "T1690"}

// evasion are the names of the two tactics of version 19 that version 18 has as one.
var evasion = []string{"stealth", "defense-impairment"}

// defenseEvasion is that one.
var defenseEvasion = catalog.Tactic{ID: "TA0005", Short: "defense-evasion", Name: "Defense Evasion"}

// Matrix relates the tactics and the techniques that tags name, as a version of ATT&CK has
// them: every tactic with those of its techniques that are tagged, and techniques without a
// tagged tactic in the tactics that the data has for them. Notes tell what was changed or left
// out for the version.
func Matrix(tags []string, version string) (out []catalog.Column, notes []string) {
	note := func(format string, args ...any) {
		if n := fmt.Sprintf(format, args...); !slices.Contains(notes, n) {
			notes = append(notes, n)
		}
	}
	add := func(tactic catalog.Tactic, techniques []catalog.Technique) {
		i := slices.IndexFunc(out, func(c catalog.Column) bool { return c.Tactic == tactic })
		if i < 0 {
			i, out = len(out), append(out, catalog.Column{Tactic: tactic})
		}
		for _, t := range techniques {
			if !slices.ContainsFunc(out[i].Techniques, func(x catalog.Technique) bool { return x.ID == t.ID }) {
				out[i].Techniques = append(out[i].Techniques, t)
			}
		}
	}
	for _, c := range catalog.Columns(tags) {
		var known []catalog.Technique
		for _, t := range c.Techniques {
			if t, ok := inVersion(t, version, note); ok {
				known = append(known, t)
			}
		}
		switch tactic := c.Tactic; {
		case tactic.ID == "" && tactic.Short != "":
			note("ATT&CK knows no tactic %q: it is left out", tactic.Short)
		case tactic.ID == "":
			for _, t := range known {
				note("ATT&CK knows no tactic of %s: it is left out", t.ID)
			}
		case version == "18" && slices.Contains(evasion, tactic.Short):
			note("the tactic %s is told as Defense Evasion, which it was before version 19 of ATT&CK", tactic.Name)
			add(defenseEvasion, known)
		case version != "18" && tactic.Short == defenseEvasion.Short:
			heirs(known, add, note)
		default:
			add(tactic, known)
		}
	}
	return out, notes
}

// heirs puts what a rule has under Defense Evasion where version 19 has it.
func heirs(techniques []catalog.Technique, add func(catalog.Tactic, []catalog.Technique), note func(string, ...any)) {
	found := false
	for _, short := range evasion {
		tactic := catalog.Tactics([]string{"attack." + short})[0]
		for _, t := range techniques {
			if slices.Contains(t.Tactics, tactic.Name) {
				add(tactic, []catalog.Technique{t})
				found = true
			}
		}
	}
	if found {
		note("the tactic Defense Evasion is told as what version 19 of ATT&CK has for the techniques of the rule")
		return
	}
	stealth := catalog.Tactics([]string{"attack." + evasion[0]})[0]
	note("the tactic Defense Evasion is told as Stealth, which has its id since version 19 of ATT&CK")
	add(stealth, nil)
}

// inVersion is a technique as a version of ATT&CK has it.
func inVersion(t catalog.Technique, version string, note func(string, ...any)) (catalog.Technique, bool) {
	if t.Name == "" || t.Deprecated {
		note("ATT&CK does not know %s, or no longer: it is left out", t.ID)
		return t, false
	}
	if t.Successor != "" {
		old := t.ID
		if w, ok := was18[t.Successor]; version == "18" && ok && (w.id == old || strings.Contains(w.others, old)) {
			return t, true // it is of that version
		}
		t = catalog.Techniques([]string{"attack." + strings.ToLower(t.Successor)})[0]
		note("%s is told as %s, which replaced it", old, t.ID)
	}
	if version != "18" {
		return t, true
	}
	if slices.Contains(only19, t.ID) {
		note("%s (%s) is new in version 19 of ATT&CK: it is left out", t.ID, t.Name)
		return t, false
	}
	w, ok := was18[t.ID]
	if !ok {
		return t, true
	}
	if w.id == t.ID {
		t.Name = w.name
		return t, true
	}
	if w.others != "" {
		note("%s is told as %s, which takes in %s, since version 18 of ATT&CK has no one technique for it", t.ID, w.id, w.others)
	} else {
		note("%s is told as %s, which it was before version 19 of ATT&CK", t.ID, w.id)
	}
	parent, _, sub := strings.Cut(w.id, ".")
	if !sub {
		parent = ""
	}
	return catalog.Technique{ID: w.id, Name: w.name, Tactics: t.Tactics, Parent: parent}, true
}

// parents18 are names of techniques of version 18 that version 19 revoked and that have
// sub-techniques.
var parents18 = map[string]string{"T1562": "Impair Defenses"}

// ParentName is the name of the technique of which t is a sub-technique.
func ParentName(t catalog.Technique) string {
	if name := parents18[t.Parent]; name != "" {
		return name
	}
	return catalog.Techniques([]string{"attack." + strings.ToLower(t.Parent)})[0].Name
}

// TacticURL is where ATT&CK describes a tactic.
func TacticURL(t catalog.Tactic) string { return "https://attack.mitre.org/tactics/" + t.ID + "/" }

// TechniqueURL is where ATT&CK describes a technique or sub-technique.
func TechniqueURL(id string) string {
	return "https://attack.mitre.org/techniques/" + strings.ReplaceAll(id, ".", "/") + "/"
}
