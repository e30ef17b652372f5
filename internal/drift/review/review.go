// Package review writes drift and plans as text, as Markdown and as JSON. Of actions it
// says that they differ and never how: they may hold secrets.
package review

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"sigmac/internal/deploy"
	"sigmac/internal/drift"
	"sigmac/internal/plain"
)

// maxValue is how much of a setting is shown.
const maxValue = 160

// where is the path of a rule, or of the file that has the detection.
func where(e drift.Entry) string {
	if e.Rule != nil {
		return e.Rule.Path
	}
	return e.Deployed.Path
}

// name is the title with the level of a rule, or the id of what has none.
func name(e drift.Entry) string {
	title := e.Title()
	switch {
	case e.Rule != nil && e.Rule.Meta.Level != "":
		return title + " (" + e.Rule.Meta.Level + ")"
	case e.Rule == nil && e.Deployed.ID != "" && e.Deployed.ID != title:
		return title + " (" + e.Deployed.ID + ")"
	}
	return title
}

// state is what is the matter, in few words: `disabled, query narrower, schedule`.
func state(e drift.Entry) string {
	var words []string
	add := func(w string) {
		if !slices.Contains(words, w) {
			words = append(words, w)
		}
	}
	for _, d := range e.Differences {
		switch d.Kind {
		case drift.Missing:
			add("missing")
		case drift.Extra:
			add("no rule")
		case drift.Unmanaged:
			add("unmanaged")
		case drift.Unjudged:
			add("not judged")
		case drift.Enabled:
			add(d.Got)
		case drift.Query, drift.Scope:
			if word := strings.TrimSuffix(string(d.Kind)+" "+direction(d.Direction), " "); !slices.ContainsFunc(words, func(w string) bool { return strings.HasPrefix(w, word) }) {
				add(word)
			}
		case drift.Bounds, drift.Rewritten:
			if e.Equal() {
				add("equal")
			}
		default:
			add(string(d.Kind))
		}
	}
	if len(words) == 0 {
		return "equal"
	}
	return strings.Join(words, ", ")
}

// direction is one in words that fit behind `query` and `scope`.
func direction(d string) string {
	return map[string]string{"wider": "wider", "narrower": "narrower", "both": "another"}[d]
}

// A line is one of what is told of a difference.
type line struct{ label, text string }

// lines tell a difference; of a plan, as what it does.
func lines(d drift.Difference, plan bool) (out []line) {
	add := func(label, text string) { out = append(out, line{label, text}) }
	because := func(text string) string {
		if d.Reason == "" {
			return text
		}
		return text + ": " + d.Reason
	}
	change := func(got, want string) string {
		got, want = cmp.Or(plain.Clip(got, maxValue), "none"), cmp.Or(plain.Clip(want, maxValue), "none")
		if plan {
			return got + " -> " + want
		}
		return got + " instead of " + want
	}
	switch d.Kind {
	case drift.Missing:
	case drift.Extra, drift.Unmanaged:
		if d.Reason != "" {
			add("because", d.Reason)
		}
	case drift.Unjudged:
		add("query", because("not judged"))
	case drift.Rewritten:
		add("query", "means the same by another text")
	case drift.Query:
		text := cmp.Or(direction(d.Direction), d.Direction)
		missed, gained := "missed", "found too"
		if plan {
			text, missed, gained = "becomes "+cmp.Or(direction(d.Becomes()), d.Becomes()), "newly matched", "no longer matched"
		}
		if d.Part != "" {
			text += " (" + d.Part + ")"
		}
		add("query", because(text))
		for _, ev := range d.Missed {
			add(missed, plain.Event(ev))
		}
		for _, ev := range d.Gained {
			add(gained, plain.Event(ev))
		}
	case deploy.Actions:
		add(string(d.Kind), d.Name+" differs")
	case drift.Enabled:
		add("state", change(d.Got, d.Want))
	default:
		if d.Kind == drift.Bounds || d.Kind == drift.Scope && d.Name == "scope" { // where the query looks
			got, want := apart(d.Got, d.Want)
			switch {
			case got+want == "":
				add("looks", map[string]string{"narrower": "in fewer places", "wider": "in more places"}[d.Direction])
			case want == "" && d.Direction != "wider":
				add("looks", map[bool]string{false: "only where ", true: "no longer only where "}[plan]+plain.Clip(got, maxValue))
			case got == "" && d.Direction != "narrower":
				add("looks", map[bool]string{false: "not only where ", true: "only where "}[plan]+plain.Clip(want, maxValue))
			default:
				add("looks", change(got, want))
			}
			break
		}
		text := change(d.Got, d.Want)
		if d.Name != string(d.Kind) {
			text = d.Name + " " + text
		}
		add(string(d.Kind), text)
	}
	return out
}

// apart are the parts of two places, in words, that the other has not.
func apart(got, want string) (gotOnly, wantOnly string) {
	const sep = ", "
	a, b := strings.Split(got, sep), strings.Split(want, sep)
	without := func(a, b []string) string {
		return strings.Join(slices.DeleteFunc(slices.Clone(a), func(s string) bool { return s == "everywhere" || slices.Contains(b, s) }), sep)
	}
	return without(a, b), without(b, a)
}

// matched says how a rule and a detection were found to belong together, where it is not by an
// id.
func matched(e drift.Entry) string {
	switch {
	case e.By == drift.ByTitle:
		return "the id is another; it has the title of the rule"
	case e.By == drift.ByMeaning:
		return fmt.Sprintf("the id and the title are others (%s, %s); its query is proved to mean the same", e.Deployed.ID, e.Deployed.Title)
	}
	return ""
}

// Summary counts entries: `12 equal, 1 missing, 2 differ; 3 deployed of no rule here`.
func Summary(entries []drift.Entry) string {
	counts := map[string]int{}
	for _, e := range entries {
		kind := drift.Rewritten
		if len(e.Differences) > 0 {
			kind = e.Differences[0].Kind
		}
		switch {
		case e.Rule != nil && e.Rule.Detection == nil && !e.Rule.Left:
			counts["without a package"]++
		case kind == drift.Missing, kind == drift.Extra, kind == drift.Unmanaged:
			counts[string(kind)]++
		case e.Equal():
			counts["equal"]++
		case !slices.ContainsFunc(e.Differences, func(d drift.Difference) bool { return !d.Kind.Quiet() && d.Kind != drift.Unjudged }):
			counts["not judged"]++
		default:
			counts["different"]++
		}
	}
	var parts []string
	for _, w := range []struct{ key, words string }{{"different", "different"}, {string(drift.Missing), "missing"}, {"not judged", "not judged"}, {"equal", "equal"},
		{"without a package", "without a package"}, {string(drift.Extra), "deployed of a rule that is not here"}, {string(drift.Unmanaged), "deployed of no Sigma rule"}} {
		if counts[w.key] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", counts[w.key], w.words))
		}
	}
	if parts == nil {
		return "no rule and no detection"
	}
	return strings.Join(parts, ", ")
}

// quiet says whether an entry is of no concern: what is deployed is what is meant, where it
// is meant.
func quiet(e drift.Entry) bool {
	return !slices.ContainsFunc(e.Differences, func(d drift.Difference) bool { return d.Kind != drift.Rewritten }) && e.By != drift.ByMeaning && e.By != drift.ByTitle
}

// marks are how a plan marks what it does.
var marks = map[drift.Action]string{drift.Create: "+", drift.Change: "~", drift.Delete: "-", drift.Replace: "-/+", drift.Blocked: "!"}

// PlanSummary is the last line of a plan.
func PlanSummary(entries []drift.Entry) string {
	create, change, remove := drift.Counts(entries)
	if create+change+remove == 0 {
		return "Plan: nothing to do."
	}
	return fmt.Sprintf("Plan: %d to create, %d to change, %d to delete.", create, change, remove)
}

// rest counts what a plan leaves as it is.
func rest(entries []drift.Entry) string {
	counts := map[drift.Action]int{}
	for _, e := range entries {
		counts[e.Action()]++
	}
	var parts []string
	for _, w := range []struct {
		of    drift.Action
		words string
	}{{drift.None, "as it is to be"}, {drift.Left, "not managed"}, {drift.Blocked, "without a package"}} {
		if n := counts[w.of]; n > 0 {
			words := w.words
			if n > 1 && w.of == drift.None {
				words = "as they are to be"
			}
			parts = append(parts, fmt.Sprintf("%d %s", n, words))
		}
	}
	return strings.Join(parts, ", ")
}

// told are the lines of an entry.
func told(e drift.Entry, plan bool) (out []line) {
	switch {
	case plan && e.Action() == drift.Create && e.Deployed != nil:
		out = append(out, line{"beside", fmt.Sprintf("%s (%s), which has its %s and is not managed: both would run", e.Deployed.Title, e.Deployed.ID, e.By)})
		return out
	case plan && e.Action() == drift.Replace:
		out = append(out, line{"id", e.Deployed.ID + " -> " + e.Rule.Detection.ID})
	case !plan && matched(e) != "":
		out = append(out, line{"matched", matched(e)})
	}
	for _, d := range e.Differences {
		out = append(out, lines(d, plan)...)
	}
	return out
}
