package catalog

import (
	"cmp"
	_ "embed"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"

	"sigmac/ir"
)

//go:embed events.json
var eventsJSON []byte

// An Event is a kind of event that a rule looks at.
type Event struct {
	Provider string `json:"provider"` // who writes it, as people say it: Sysmon, Windows Security; "" if the rule does not say
	ID       int    `json:"event"`
	Title    string `json:"title"` // what happened, in few words; "" if we do not know
}

// eventData is events.json. Names of providers are ours: those that people
// use, in words, without the Microsoft-Windows- of most. Titles are ours too.
type eventData struct {
	Sources   []eventSource
	Providers []eventProvider
	Events    []Event

	titles map[eventKey]string
}

// An eventSource is a log source, and whose events it has. For a category IDs
// are which; what a service has is what its rules ask for.
type eventSource struct {
	Product, Category, Service string
	Provider                   string
	IDs                        []int
}

// An eventProvider is a name of ours, and its values of Provider_Name. Log is
// the service whose log it shares with others.
type eventProvider struct {
	Name string
	Log  string
	As   []string
}

type eventKey struct {
	provider string
	id       int
}

var events = sync.OnceValue(func() *eventData {
	d := &eventData{titles: map[eventKey]string{}}
	if err := json.Unmarshal(eventsJSON, d); err != nil {
		panic(err)
	}
	for _, e := range d.Events {
		d.titles[eventKey{e.Provider, e.ID}] = e.Title
	}
	return d
})

// Events is the kinds of events that a rule looks at, sorted by provider and
// id.
//
// The category of a log source says which those are (process_creation is
// Sysmon's 1), and the rule's tests of EventID may narrow it. For a service they
// are the ids that the rule tests, not under a `not`, by number or by text. The
// provider is that of the service; in the logs System and Application, which
// many write to, that of the rule's test of Provider_Name, or the only one
// that has the id, or the log itself.
//
// A log source without ids, of Windows or of anything else, has no events: a
// rule for AWS gives none.
func Events(r *ir.Rule) (out []Event) {
	d := events()
	source := d.source(r.Source)
	tests, free := eventTests(r)
	if source.IDs != nil {
		return d.of(source, tests, free)
	}
	for _, t := range tests {
		for _, provider := range d.provider(source, t) {
			out = append(out, d.event(provider, t.id))
		}
	}
	return sorted(out)
}

// source is what the data has of a log source; of others it has no provider.
func (d *eventData) source(s ir.LogSource) eventSource {
	for _, x := range d.Sources {
		if x.Product == s.Product && (x.Category != "" && x.Category == s.Category || x.Service != "" && x.Service == s.Service) {
			return x
		}
	}
	return eventSource{Service: s.Service}
}

// of is the events of a category: all, if free says that the rule may match
// without a test of the id, or else those that it tests. A rule whose tests
// are for other ids contradicts its log source; whose these are, nobody says.
func (d *eventData) of(source eventSource, tests []eventTest, free bool) (out []Event) {
	tested := func(id int) bool {
		return slices.ContainsFunc(tests, func(t eventTest) bool { return t.id == id })
	}
	for _, id := range source.IDs {
		if free || tested(id) {
			out = append(out, d.event(source.Provider, id))
		}
	}
	if len(out) == 0 {
		for _, t := range tests {
			out = append(out, Event{ID: t.id})
		}
	}
	return sorted(out)
}

func (d *eventData) event(provider string, id int) Event {
	return Event{provider, id, d.titles[eventKey{provider, id}]}
}

func (d *eventData) has(provider string, id int) bool {
	_, ok := d.titles[eventKey{provider, id}]
	return ok
}

// provider is whose event a test asks for; several if the rule names several
// and the data does not know which of them has the id.
func (d *eventData) provider(source eventSource, t eventTest) []string {
	without := func(id string) bool { return !d.has(id, t.id) }
	var named []string
	for _, name := range t.providers {
		named = append(named, d.short(name))
	}
	if known := slices.DeleteFunc(slices.Clone(named), without); len(known) > 0 {
		return known
	}
	if d.has(source.Provider, t.id) {
		return []string{source.Provider}
	}
	if len(named) > 0 {
		return named
	}
	var sharing []string
	for _, p := range d.Providers {
		if p.Log != "" && p.Log == source.Service {
			sharing = append(sharing, p.Name)
		}
	}
	if known := slices.DeleteFunc(sharing, without); len(known) == 1 {
		return known
	}
	return []string{source.Provider}
}

// short is our name for a value of Provider_Name.
func (d *eventData) short(name string) string {
	for _, p := range d.Providers {
		if slices.ContainsFunc(p.As, func(as string) bool { return strings.EqualFold(as, name) }) {
			return p.Name
		}
	}
	return strings.TrimPrefix(name, "Microsoft-Windows-")
}

func sorted(events []Event) []Event {
	slices.SortFunc(events, func(a, b Event) int {
		return cmp.Or(cmp.Compare(a.Provider, b.Provider), cmp.Compare(a.ID, b.ID))
	})
	return slices.Compact(events)
}

// An eventTest is a test of EventID for one id, and what stands beside it of
// Provider_Name, as the rule writes it.
type eventTest struct {
	id        int
	providers []string
}

// eventTests is the tests of EventID in r that are not under a `not`. free says
// that r has a way to match without one.
func eventTests(r *ir.Rule) (tests []eventTest, free bool) {
	r, err := ir.Inline(r)
	if err != nil {
		return nil, true // the rule is too large for any target
	}
	for _, c := range ir.Simplify(r).Conditions {
		ts, f := idTests(c.Expr, nil)
		tests, free = append(tests, ts...), free || f
	}
	return tests, free
}

func idTests(e ir.Expr, providers []string) (tests []eventTest, free bool) {
	switch e := e.(type) {
	case ir.And:
		for _, x := range e {
			providers = append(providers[:len(providers):len(providers)], providerTests(x)...)
		}
		free = true
		for _, x := range e {
			ts, f := idTests(x, providers)
			tests, free = append(tests, ts...), free && f
		}
		return tests, free
	case ir.Or:
		for _, x := range e {
			ts, f := idTests(x, providers)
			tests, free = append(tests, ts...), free || f
		}
		return tests, free
	case ir.Match:
		if id, ok := eventID(e); ok {
			return []eventTest{{id, providers}}, false
		}
	}
	return nil, true
}

// eventID is the id that m asks for.
func eventID(m ir.Match) (int, bool) {
	if m.Field.Name != "EventID" {
		return 0, false
	}
	var text string
	switch t := m.Test.(type) {
	case ir.Compare:
		if t.Op == ir.Eq {
			text = string(t.Number)
		}
	case ir.Pattern:
		if shape, literal := t.Shape(); shape == ir.Exact {
			text = literal
		}
	}
	id, err := strconv.Atoi(text)
	return id, err == nil && id >= 0 && id <= math.MaxInt32
}

// providerTests is the texts that e, one test of Provider_Name or several of
// which one must hold, has for it.
func providerTests(e ir.Expr) (out []string) {
	switch e := e.(type) {
	case ir.Match:
		if p, ok := e.Test.(ir.Pattern); ok && e.Field.Name == "Provider_Name" {
			return []string{p.Literals()}
		}
	case ir.Or:
		for _, x := range e {
			texts := providerTests(x)
			if texts == nil {
				return nil
			}
			out = append(out, texts...)
		}
	}
	return out
}
