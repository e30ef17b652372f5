package catalog

import (
	"cmp"
	_ "embed"
	"encoding/json"
	"slices"
	"strings"
	"sync"
)

// attack.json is of MITRE ATT&CK®, © The MITRE Corporation, reproduced and
// distributed with its permission. docs/attack.md has the licence, and the
// command that makes the file anew.
//
//go:embed attack.json
var attackJSON []byte

// A Technique is a technique or sub-technique of ATT&CK for enterprises.
type Technique struct {
	ID      string
	Name    string   // "" if the data does not know the id
	Tactics []string // names, in the order of the matrix; of a revoked technique those of its successor
	Parent  string   // of a sub-technique: T1218 of T1218.007

	Successor  string // the id that replaces a revoked one; itself never revoked
	Deprecated bool   // withdrawn from the matrix, and nothing replaces it
}

// FullName is the name with that of the parent before it, as ATT&CK writes it:
// "System Binary Proxy Execution: Msiexec".
func (t Technique) FullName() string {
	if parent := attack().techniques[t.Parent].Name; parent != "" && t.Name != "" {
		return parent + ": " + t.Name
	}
	return t.Name
}

// A Tactic is what an adversary is after: a column of the matrix.
type Tactic struct {
	ID    string // "" if the data does not know the tactic
	Short string // as in tags: initial-access
	Name  string // Initial Access
}

// A Column is a tactic with techniques of it, sorted by ID.
type Column struct {
	Tactic     Tactic
	Techniques []Technique
}

// defenseEvasion is a tactic that older rules have. Version 19 of ATT&CK split
// it in two; Stealth has taken over its id.
var (
	defenseEvasion = Tactic{"TA0005", "defense-evasion", "Defense Evasion"}
	evasionHeirs   = []string{"Stealth", "Defense Impairment"}
)

// attackData is attack.json, indexed.
type attackData struct {
	version    string
	tactics    []Tactic // in the order of the matrix, and Defense Evasion before Stealth
	techniques map[string]Technique
}

var attack = sync.OnceValue(func() *attackData {
	var file struct {
		Version    string
		Tactics    []Tactic
		Techniques []Technique // Tactics are short names
	}
	if err := json.Unmarshal(attackJSON, &file); err != nil {
		panic(err)
	}
	d := &attackData{version: file.Version, techniques: map[string]Technique{}}
	names := map[string]string{defenseEvasion.Short: defenseEvasion.Name}
	for _, t := range file.Tactics {
		if t.Name == evasionHeirs[0] {
			d.tactics = append(d.tactics, defenseEvasion)
		}
		d.tactics = append(d.tactics, t)
		names[t.Short] = t.Name
	}
	for _, t := range file.Techniques {
		for i, short := range t.Tactics {
			t.Tactics[i] = names[short]
		}
		t.Parent = parent(t.ID)
		d.techniques[t.ID] = t
	}
	for id, t := range d.techniques {
		if t.Successor != "" {
			t.Tactics = d.techniques[t.Successor].Tactics
			d.techniques[id] = t
		}
	}
	return d
})

func parent(id string) string {
	if before, _, sub := strings.Cut(id, "."); sub {
		return before
	}
	return ""
}

func (d *attackData) technique(id string) Technique {
	t, ok := d.techniques[id]
	if !ok {
		return Technique{ID: id, Parent: parent(id)}
	}
	t.Tactics = slices.Clone(t.Tactics)
	return t
}

// tactic finds a tactic by its short name or its id, in lower case. It looks
// from behind, since the id of Defense Evasion is that of Stealth now.
func (d *attackData) tactic(text string) (Tactic, bool) {
	for _, t := range slices.Backward(d.tactics) {
		if text == t.Short || text == strings.ToLower(t.ID) {
			return t, true
		}
	}
	return Tactic{}, false
}

// AttackVersion is the version of ATT&CK that the data is of: "19.2".
func AttackVersion() string { return attack().version }

// Matrix is ATT&CK for enterprises: its tactics in their order, each with its
// techniques, sub-techniques behind theirs. What is revoked or deprecated is
// not in it.
func Matrix() (out []Column) {
	d := attack()
	for _, tactic := range d.tactics {
		if tactic == defenseEvasion {
			continue
		}
		c := Column{Tactic: tactic}
		for id, t := range d.techniques {
			if t.Successor == "" && !t.Deprecated && slices.Contains(t.Tactics, tactic.Name) {
				c.Techniques = append(c.Techniques, d.technique(id))
			}
		}
		slices.SortFunc(c.Techniques, byID)
		out = append(out, c)
	}
	return out
}

func byID(a, b Technique) int { return cmp.Compare(a.ID, b.ID) }

// Techniques is the techniques that a rule's tags name, sorted by ID, each once.
// One that the data does not know has no name and no tactics.
func Techniques(tags []string) (out []Technique) {
	for _, tag := range attackTags(tags) {
		if tag.kind == techniqueTag {
			out = append(out, attack().technique(strings.ToUpper(tag.text)))
		}
	}
	slices.SortFunc(out, byID)
	return slices.CompactFunc(out, func(a, b Technique) bool { return a.ID == b.ID })
}

// Tactics is the tactics that a rule's tags name, in the order of the matrix,
// each once. What the data does not know comes last, with its Short alone.
func Tactics(tags []string) (out []Tactic) {
	d := attack()
	var unknown []Tactic
	tagged := map[Tactic]bool{}
	for _, tag := range attackTags(tags) {
		if tag.kind != tacticTag {
			continue
		}
		if t, ok := d.tactic(tag.text); ok {
			tagged[t] = true
		} else {
			unknown = append(unknown, Tactic{Short: tag.text})
		}
	}
	for _, t := range d.tactics {
		if tagged[t] {
			out = append(out, t)
		}
	}
	slices.SortFunc(unknown, func(a, b Tactic) int { return cmp.Compare(a.Short, b.Short) })
	return append(out, slices.Compact(unknown)...)
}

// Columns relates a rule's tactics and techniques: it is the part of the
// matrix that the rule covers. Every tactic tagged has a column, with the
// techniques tagged that belong to it. A technique with several tactics
// stands in those that are tagged, for which of them is meant is what the rule
// says; if none is tagged, in all of them. A technique whose tactics are not
// known stands in a last column without a tactic.
func Columns(tags []string) (out []Column) {
	tagged := Tactics(tags)
	techniques := map[Tactic][]Technique{}
	for _, t := range Techniques(tags) {
		within := t.within(tagged, evasionHeirs)
		if len(within) == 0 {
			within = t.within(attack().tactics, nil)
		}
		if len(within) == 0 {
			within = []Tactic{{}}
		}
		for _, tactic := range within {
			techniques[tactic] = append(techniques[tactic], t)
		}
	}
	unknown := slices.DeleteFunc(slices.Clone(tagged), func(tactic Tactic) bool { return tactic.ID != "" })
	for _, tactic := range slices.Concat(attack().tactics, unknown, []Tactic{{}}) {
		if ts := techniques[tactic]; len(ts) > 0 || slices.Contains(tagged, tactic) {
			out = append(out, Column{tactic, ts})
		}
	}
	return out
}

// within is those of tactics that t belongs to. What belongs to one of heirs
// belongs to Defense Evasion too.
func (t Technique) within(tactics []Tactic, heirs []string) (out []Tactic) {
	for _, tactic := range tactics {
		heir := tactic == defenseEvasion && slices.ContainsFunc(heirs, func(name string) bool { return slices.Contains(t.Tactics, name) })
		if heir || slices.Contains(t.Tactics, tactic.Name) {
			out = append(out, tactic)
		}
	}
	return out
}

// Objects is the ids of other things of ATT&CK that a rule's tags name, sorted,
// each once: groups (G0007), software (S0002), campaigns (C0001), mitigations
// (M1013), data sources (DS0005) and data components (DC0001). The data does
// not know their names: they say where a technique was seen, not what the rule
// looks for, and few rules have any.
func Objects(tags []string) (out []string) {
	for _, tag := range attackTags(tags) {
		if tag.kind == objectTag {
			out = append(out, strings.ToUpper(tag.text))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

type tagKind uint8

const (
	techniqueTag tagKind = iota
	tacticTag
	objectTag
)

// An attackTag is what follows `attack.` in a tag, in lower case.
type attackTag struct {
	kind tagKind
	text string
}

// attackTags reads the tags of the namespace attack, which Sigma's
// specification describes in its appendix on tags. Older rules have an
// underscore in the names of tactics.
func attackTags(tags []string) (out []attackTag) {
	for _, tag := range tags {
		text, ok := strings.CutPrefix(strings.ToLower(tag), "attack.")
		if !ok || text == "" {
			continue
		}
		switch letters := strings.TrimRight(text, ".0123456789"); {
		case letters == text:
			out = append(out, attackTag{tacticTag, strings.ReplaceAll(text, "_", "-")})
		case letters == "t":
			out = append(out, attackTag{techniqueTag, text})
		case slices.Contains([]string{"g", "s", "c", "m", "ds", "dc"}, letters):
			out = append(out, attackTag{objectTag, text})
		default:
			out = append(out, attackTag{tacticTag, text})
		}
	}
	return out
}
