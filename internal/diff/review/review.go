// Package review writes what a change of rules does, as text, as Markdown and as JSON.
// The most dangerous changes come first.
package review

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"

	textdiff "github.com/rogpeppe/go-internal/diff"

	"sigmac/internal/diff"
)

// A Change is what became of a rule, with what the targets make of it.
type Change struct {
	diff.Change
	Path    string    // of what is no rule
	ByFiles bool      // two files by themselves: their names say nothing
	Target  string    // of a comparison of pipelines or queries
	Queries []Queries // those that differ
	as      string    // the target of which the events are the same
}

// Queries are what a target gets of each version, or the error in their place.
type Queries struct {
	Target             string
	Old, New           []string
	OldError, NewError string
	OldBy, NewBy       string // pipelines that were chosen by log source, `a + b`, or empty
}

// Differ says whether the versions have other queries, or other errors.
func (q Queries) Differ() bool {
	return !slices.Equal(q.Old, q.New) || q.OldError != q.NewError || q.moved()
}

// moved says whether the versions got to the target by other pipelines.
func (q Queries) moved() bool { return q.OldBy != "" && q.NewBy != "" && q.OldBy != q.NewBy }

// title names the target, and the pipelines where these are others.
func (q Queries) title() string {
	if q.moved() {
		return q.Target + ", by the pipelines " + q.NewBy + " instead of " + q.OldBy
	}
	return q.Target
}

// Sort puts the most dangerous changes first, and of a kind those of the highest
// level.
func Sort(changes []Change) {
	slices.SortStableFunc(changes, func(a, b Change) int {
		return cmp.Or(cmp.Compare(a.danger(), b.danger()), cmp.Compare(a.rank(), b.rank()))
	})
}

// Failures are the words that say what is a failure.
var Failures = []string{"wider", "narrower", "changed", "none"}

// Fails says whether a change is a failure where on, a word of Failures, says what
// is one. A new version that cannot be read always is.
func (ch Change) Fails(on string) bool {
	switch {
	case ch.Kind == diff.Broken:
		return true
	case on == "wider":
		return ch.Kind.Gains() || ch.deployed()
	case on == "narrower":
		return ch.Kind.Loses() || len(ch.undeployed()) > 0
	case on == "changed":
		return ch.Kind != diff.Equal || len(ch.Metadata) > 0 || len(ch.undeployed()) > 0 || ch.deployed()
	}
	return false
}

// levels are those of rules, the worst first.
var levels = []string{"critical", "high", "medium", "low", "informational"}

// rank orders changes of a kind: the higher the level, the earlier.
func (ch Change) rank() int {
	if d := ch.Doc(); d != nil {
		if i := slices.Index(levels, diff.Level(d)); i >= 0 {
			return i
		}
	}
	return len(levels)
}

// danger orders kinds; a rule that has lost its query at a target finds nothing
// there, whatever it means.
func (ch Change) danger() int {
	i := slices.Index(diff.Kinds, ch.Kind)
	if len(ch.undeployed()) > 0 {
		i = min(i, slices.Index(diff.Kinds, diff.Narrower))
	}
	return i
}

// undeployed are the targets for which the old version has a query, and the new
// one none.
func (ch Change) undeployed() (targets []string) {
	for _, q := range ch.Queries {
		if q.OldError == "" && q.NewError != "" && ch.Old != nil {
			targets = append(targets, q.Target)
		}
	}
	return targets
}

// deployed says whether there are some for which it is the other way round.
func (ch Change) deployed() bool {
	return slices.ContainsFunc(ch.Queries, func(q Queries) bool { return q.OldError != "" && q.NewError == "" && ch.New != nil })
}

// said is a kind in words.
func said(k diff.Kind) string {
	if k == diff.Both {
		return "wider and narrower"
	}
	return string(k)
}

// kind is what became of a rule, in words.
func (ch Change) kind() string {
	if targets := ch.undeployed(); len(targets) > 0 && ch.Kind != diff.Removed {
		return said(ch.Kind) + ", no query for " + strings.Join(targets, ", ")
	}
	return said(ch.Kind)
}

// once leaves out the events of a change that are those of the one before it, of the same rule
// at another target; as names that target.
func once(changes []Change) []Change {
	out := slices.Clone(changes)
	for i := range out {
		if i == 0 || changes[i].Doc() == nil || changes[i].Doc() != changes[i-1].Doc() || changes[i].Target == changes[i-1].Target {
			continue
		}
		ch, last := changes[i], changes[i-1]
		if len(ch.NewlyMatched)+len(ch.NoLongerMatched) > 0 && reflect.DeepEqual(ch.NewlyMatched, last.NewlyMatched) && reflect.DeepEqual(ch.NoLongerMatched, last.NoLongerMatched) {
			out[i].NewlyMatched, out[i].NoLongerMatched, out[i].MoreNew, out[i].MoreLost = nil, nil, 0, 0
			out[i].as = cmp.Or(out[i-1].as, last.Target)
		}
	}
	return out
}

// more says that there are events with other values too, or is empty.
func more(values int) string {
	switch values {
	case 0:
		return ""
	case 1:
		return "and events of one more value"
	}
	return fmt.Sprintf("and events of %d more values", values)
}

// where is the path of a change.
func (ch Change) where() string {
	if d := ch.Doc(); d != nil {
		return d.Path
	}
	return ch.Path
}

// movedFrom is the old path of a rule that has another now.
func (ch Change) movedFrom() string {
	if ch.Old != nil && ch.New != nil && ch.Old.Path != ch.New.Path && !ch.ByFiles {
		return ch.Old.Path
	}
	return ""
}

// name is the title of a rule with its level, and nothing of what is no rule.
func (ch Change) name() string {
	d := ch.Doc()
	if d == nil {
		return ""
	}
	if l := diff.Level(d); l != "" {
		return d.Title + " (" + l + ")"
	}
	return d.Title
}

// quiet says whether a change is of no concern to a reviewer: the words differ,
// and nothing else.
func (ch Change) quiet() bool {
	return ch.Kind == diff.Equal && len(ch.Metadata) == 0 && len(ch.Queries) == 0 && ch.movedFrom() == ""
}

// summary counts the changes by kind.
func summary(changes []Change) string {
	counts := map[diff.Kind]int{}
	for _, ch := range changes {
		counts[ch.Kind]++
	}
	var parts []string
	for _, k := range diff.Kinds {
		if counts[k] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", counts[k], said(k)))
		}
	}
	if len(parts) == 0 {
		return "no rule differs"
	}
	return strings.Join(parts, ", ")
}

// lines is the difference of the queries, a line each.
func (q Queries) lines() []string {
	text := func(queries []string, err string) []byte {
		if err != "" {
			return []byte("no query: " + err + "\n")
		}
		if len(queries) == 0 {
			return nil
		}
		return []byte(strings.Join(queries, "\n") + "\n")
	}
	return Lines(text(q.Old, q.OldError), text(q.New, q.NewError))
}

// Lines is the difference of two texts, a line each.
func Lines(old, new []byte) []string {
	d := textdiff.Diff("old", old, "new", new)
	out := strings.Split(strings.TrimSuffix(string(d), "\n"), "\n")
	for len(out) > 0 && !strings.HasPrefix(out[0], "@@") {
		out = out[1:]
	}
	return slices.DeleteFunc(out, func(l string) bool { return strings.HasPrefix(l, "@@") })
}

// orNone is the value of an attribute.
func orNone(s string) string { return cmp.Or(s, "none") }
