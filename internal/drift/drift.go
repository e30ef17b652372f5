// Package drift says how the detections that a SIEM runs differ from those that rules
// become, and what it would do to bring them there. Both are read by the same readers
// (deploy.Format), so what is compared is what the SIEM would compare.
//
// A query is compared by what it means. What a rule means is known, so a text that
// somebody laid out anew is proved to mean the same, and an edit is wider or narrower, with an event.
// Where a query looks is told apart from what it looks for: a time bound or an index that was
// added does not change what a detection is about. What nobody can judge is not
// judged, and never equal.
//
// A detection belongs to a rule by its id, or that of the rule which it carries; else by its
// title; else by its meaning, which is asked of the few whose words are most alike.
package drift

import (
	"cmp"
	"slices"
	"strings"

	"sigmac"
	"sigmac/internal/deploy"
	"sigmac/internal/ordered"
	"sigmac/ir"
)

// A Kind is what a Difference is about. Those of settings are the kinds of package deploy.
type Kind string

// The kinds that are none of settings.
const (
	Enabled   Kind = "enabled"   // it runs, or does not, other than it should
	Query     Kind = "query"     // it finds other events
	Missing   Kind = "missing"   // it is not deployed
	Unjudged  Kind = "unjudged"  // its query has another text, of which nobody knows what it means
	Scope     Kind = "scope"     // it looks elsewhere, or in more places or fewer
	Extra     Kind = "extra"     // it is deployed, of a Sigma rule that is not among the rules
	Unmanaged Kind = "unmanaged" // it is deployed, of no Sigma rule
	Bounds    Kind = "bounds"    // it has a time bound, or an index where the rule has none
	Rewritten Kind = "rewritten" // it means the same by another text
)

// Kinds are all of them, in the order in which they are documented.
var Kinds = []Kind{Enabled, Query, Missing, Unjudged, Scope, deploy.Schedule, deploy.Severity, deploy.Suppression, deploy.Entities, deploy.Actions,
	deploy.Attack, deploy.Text, Extra, Unmanaged, Bounds, Rewritten}

// Quiet says whether differences of a kind are told and are no drift by themselves.
func (k Kind) Quiet() bool { return k == Unmanaged || k == Bounds || k == Rewritten }

// A Rule is one that is to be deployed.
type Rule struct {
	Meta ir.Meta
	Path string
	Pos  ir.Pos
	ID   string // of the document
	// Detection is what its package has, read back; nil where it has none: Reason says why.
	// Left says that it is not meant to be deployed.
	Detection *deploy.Detection
	Title     string
	Reason    string
	Left      bool
	// Result is what its query is to mean, and Query which of its queries the detection has.
	Result sigmac.Result
	Query  int
}

// A Difference is one between a rule and what is deployed of it. Of a setting, Name is that of the
// SIEM.
type Difference struct {
	Kind      Kind
	Name      string
	Want, Got string // values of the rule and of the SIEM; empty: there is none
	// Direction, of Query and Scope, is how what is deployed is to the rule: wider, narrower,
	// both, or unknown.
	Direction string
	Part      string           // of the rule, that a Query is about
	Missed    []map[string]any // events that the rule matches, and what is deployed does not
	Gained    []map[string]any // those with which it is the other way round
	Reason    string           // more of it in words
	Proof     *sigmac.Proof    // where there is one
}

// How a rule and a detection were found to belong together.
const (
	ByID      = "id"
	ByTitle   = "title"
	ByMeaning = "meaning"
)

// An Entry is a rule, a detection, or both.
type Entry struct {
	Rule        *Rule             // nil: there is none
	Deployed    *deploy.Detection // nil: there is none
	By          string
	Differences []Difference // the most dangerous first
}

// Options bound the work.
type Options struct {
	Budget int // solver steps of one question
}

// meaningBudget is the part of a budget that one question by meaning may take.
const meaningBudget = 10

// Compare says what becomes of rules and of what is deployed: an entry for each rule, in
// order, save those that have no detection and are not deployed; then for the detections that
// belong to none.
func Compare(rules []*Rule, deployed []*deploy.Detection, o Options) []Entry {
	m := &matcher{rules: rules, deployed: deployed, partner: make([]int, len(rules)), by: make([]string, len(rules)), taken: make([]bool, len(deployed))}
	second := m.match(o)
	entries := make([]Entry, len(rules), len(rules)+len(deployed))
	for i, r := range rules {
		entries[i] = Entry{Rule: r, By: m.by[i]}
		if n := m.partner[i]; n >= 0 {
			entries[i].Deployed = deployed[n]
		}
	}
	for i, d := range deployed {
		if !m.taken[i] {
			entries = append(entries, Entry{Deployed: d, Rule: second[i]})
		}
	}
	for i, ds := range ordered.Map(entries, func(e Entry) []Difference { return e.compare(o) }) {
		slices.SortStableFunc(ds, func(a, b Difference) int { return cmp.Compare(a.danger(), b.danger()) })
		entries[i].Differences = ds
	}
	for i := len(rules); i < len(entries); i++ {
		entries[i].Rule = nil
	}
	return slices.DeleteFunc(entries, func(e Entry) bool { return e.Rule != nil && e.Rule.Detection == nil && e.Deployed == nil })
}

// compare are the differences of an entry. Without By, a detection says that it is of a rule and
// is not the one of it.
func (e Entry) compare(o Options) (out []Difference) {
	r, d := e.Rule, e.Deployed
	switch {
	case r != nil && d != nil && e.By == "":
		return []Difference{{Kind: Unmanaged, Reason: "one more detection of the rule " + cmp.Or(r.ID, r.Title)}}
	case r == nil && d.Rule != "":
		return []Difference{{Kind: Extra, Reason: "no rule here has the id " + d.Rule}}
	case r == nil:
		return []Difference{{Kind: Unmanaged}}
	case r.Left && d != nil:
		return []Difference{{Kind: Extra, Reason: r.Reason}}
	case r.Left:
		return nil
	case r.Detection == nil:
		return []Difference{{Kind: Unjudged, Reason: r.Reason}}
	case d == nil:
		return []Difference{{Kind: Missing}}
	}
	want := r.Detection
	if want.Enabled != d.Enabled {
		words := map[bool]string{true: "enabled", false: "disabled"}
		out = append(out, Difference{Kind: Enabled, Name: "enabled", Want: words[want.Enabled], Got: words[d.Enabled]})
	}
	out = append(out, r.judge(d, o)...)
	return append(out, settings(want, d)...)
}

// settings are the differences of what else was decided.
func settings(want, got *deploy.Detection) (out []Difference) {
	type key struct{ kind, name string }
	values := func(d *deploy.Detection) (keys []key, of map[key]string) {
		of = map[key]string{}
		for _, s := range append([]deploy.Setting{{Kind: deploy.Text, Name: "title", Value: d.Title}}, d.Settings...) {
			k := key{s.Kind, s.Name}
			if s.Kind == deploy.Text && s.Value == d.Title {
				k.name = "title" // by whatever name the SIEM has for it
			}
			had, several := of[k]
			switch {
			case !several:
				keys, of[k] = append(keys, k), s.Value
			case k.name != "title":
				of[k] = had + ", " + s.Value
			}
		}
		return keys, of
	}
	keys, wanted := values(want)
	more, is := values(got)
	for _, k := range more {
		if _, ok := wanted[k]; !ok {
			keys = append(keys, k)
		}
	}
	for _, k := range keys {
		if wanted[k] != is[k] {
			out = append(out, Difference{Kind: Kind(k.kind), Name: k.name, Want: wanted[k], Got: is[k]})
		}
	}
	return out
}

// danger orders differences: what finds least first. Of a plan, it is what applying it loses.
func (d Difference) danger() int {
	switch {
	case d.Kind == Enabled && d.Want == "enabled":
		return 0
	case d.Kind == Query && d.Direction != "wider":
		return 1
	case d.Kind == Missing:
		return 2
	case d.Kind == Query:
		return slices.Index(Kinds, Kind(deploy.Suppression))*2 + 1
	case d.Kind == Enabled:
		return slices.Index(Kinds, Kind(deploy.Attack))*2 + 1
	}
	return slices.Index(Kinds, d.Kind) * 2
}

// Danger is that of the worst difference: the lower, the worse.
func (e Entry) Danger() int {
	if len(e.Differences) == 0 {
		return 2 * len(Kinds)
	}
	return e.Differences[0].danger()
}

// levels are those of rules, the worst first.
var levels = []string{"critical", "high", "medium", "low", "informational"}

// rank orders entries of one danger: the higher the level, the earlier.
func (e Entry) rank() int {
	if e.Rule != nil {
		if i := slices.Index(levels, e.Rule.Meta.Level); i >= 0 {
			return i
		}
	}
	return len(levels)
}

// Sort puts the most dangerous entries first, and of one danger those of the highest level.
func Sort(entries []Entry) {
	slices.SortStableFunc(entries, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(a.Danger(), b.Danger()), cmp.Compare(a.rank(), b.rank()))
	})
}

// Failures are the words that say what is a failure: `any` difference that is drift, `none`,
// a direction of queries, or a kind.
func Failures() []string {
	out := []string{"any", "none", "narrower", "wider"}
	for _, k := range Kinds {
		out = append(out, string(k))
	}
	return out
}

// Fails says whether an entry is a failure where on, words of Failures, say what is one.
func (e Entry) Fails(on []string) bool {
	return slices.ContainsFunc(e.Differences, func(d Difference) bool {
		return slices.ContainsFunc(on, func(word string) bool {
			switch word {
			case "any":
				return !d.Kind.Quiet()
			case "narrower", "wider":
				return d.Kind == Query && (d.Direction == word || d.Direction == "both")
			}
			return string(d.Kind) == word
		})
	})
}

// Equal says whether what is deployed is what the rule says: in meaning and settings.
func (e Entry) Equal() bool {
	return e.Rule != nil && e.Deployed != nil && !slices.ContainsFunc(e.Differences, func(d Difference) bool { return !d.Kind.Quiet() })
}

// Title is that of the rule, or of the detection where there is no rule.
func (e Entry) Title() string {
	switch {
	case e.Rule == nil:
		return e.Deployed.Title
	case e.Rule.Title != "":
		return e.Rule.Title
	}
	return strings.TrimSpace(e.Rule.ID)
}
