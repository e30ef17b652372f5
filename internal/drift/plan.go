package drift

import (
	"cmp"
	"slices"
	"strings"

	"sigmac/internal/deploy"
)

// An Action is what applying a plan does to a detection.
type Action string

// The actions.
const (
	Delete  Action = "delete"  // it is of a Sigma rule that is not to be deployed
	Replace Action = "replace" // it is deleted, and created under the id of its package
	Change  Action = "change"
	Create  Action = "create"
	None    Action = "none"    // it is as it is to be
	Blocked Action = "blocked" // its rule has no package, so it stays as it is
	Left    Action = "left"    // it is of no Sigma rule, and not managed
)

// Action is what applying would do.
func (e Entry) Action() Action {
	switch {
	case e.Rule == nil && len(e.Differences) > 0 && e.Differences[0].Kind == Extra:
		return Delete
	case e.Rule == nil:
		return Left
	case e.Rule.Left:
		return Delete
	case e.Rule.Detection == nil:
		return Blocked
	case e.Deployed == nil:
		return Create
	case e.moved() && e.Deployed.Rule == "":
		return Create // beside one that is not managed
	case e.moved():
		return Replace
	case len(e.Differences) > 0:
		return Change
	}
	return None
}

// moved says whether the SIEM knows what is deployed by another id than that of the package,
// so that applying does not reach it.
func (e Entry) moved() bool {
	was, is := e.Deployed.ID, e.Rule.Detection.ID
	return was != "" && is != "" && !strings.EqualFold(was, is)
}

// becomes is a direction of what is deployed, as what applying does.
var becomes = map[string]string{"wider": "narrower", "narrower": "wider", "both": "both", "unknown": "unknown"}

// Becomes says of a query whether it becomes wider or narrower, or both.
func (d Difference) Becomes() string { return becomes[d.Direction] }

// loss orders the differences of a plan: what is found no longer first.
func (d Difference) loss() int {
	switch {
	case d.Kind == Enabled && d.Want == "disabled":
		return 0
	case d.Kind == Query && d.Direction != "narrower":
		return 1
	case d.Kind == Query:
		return slices.Index(Kinds, Kind(deploy.Suppression))
	case d.Kind == Enabled:
		return slices.Index(Kinds, Kind(deploy.Attack))
	}
	return slices.Index(Kinds, d.Kind)
}

// SortPlan puts what loses most first: deletions, then changes by what they lose, then what
// is created.
func SortPlan(entries []Entry) {
	for i := range entries {
		slices.SortStableFunc(entries[i].Differences, func(a, b Difference) int { return cmp.Compare(a.loss(), b.loss()) })
	}
	rank := func(e Entry) int {
		switch e.Action() {
		case Delete:
			return 0
		case Replace:
			return 1
		case Change:
			return 2 + e.Differences[0].loss()
		case Blocked:
			return 2 + len(Kinds)
		case Create:
			return 3 + len(Kinds)
		}
		return 4 + len(Kinds)
	}
	slices.SortStableFunc(entries, func(a, b Entry) int { return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.rank(), b.rank())) })
}

// Counts are how many detections applying creates, changes and deletes; what is replaced is
// created and deleted.
func Counts(entries []Entry) (create, change, remove int) {
	for _, e := range entries {
		switch e.Action() {
		case Create:
			create++
		case Change:
			change++
		case Delete:
			remove++
		case Replace:
			create++
			remove++
		}
	}
	return create, change, remove
}
