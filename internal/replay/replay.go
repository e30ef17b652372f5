// Package replay makes kits: events, queries and what these should find, to be run on the engine of
// a target. It judges what comes back, and says which assumptions that confirms and which it
// refutes.
package replay

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"sigmac"
	"sigmac/backends"
	"sigmac/eval"
	"sigmac/internal/outdir"
	"sigmac/internal/samples"
	"sigmac/ir"
	"sigmac/parser"
	"sigmac/pipeline"
	"sigmac/verify"
)

// KitFile is the file of a kit that says what is expected.
const KitFile = "expected.json"

// A Kit says what the queries of a kit should find.
type Kit struct {
	Target   string            `json:"target"`
	Queries  []Query           `json:"queries"`
	Events   map[string]string `json:"events"`   // by id, as JSON
	Unprobed map[string]string `json:"unprobed"` // assumptions, with the reason
}

// A Query is one with the events that it should find.
type Query struct {
	Name  string   `json:"name"`
	Rule  string   `json:"rule,omitempty"` // by its title
	Of    string   `json:"of,omitempty"`   // the assumption that it probes
	Says  string   `json:"says,omitempty"` // what it probes
	Text  string   `json:"text"`
	Finds []string `json:"finds"`        // ids of events
	On    []string `json:"on,omitempty"` // those that sit on what it probes
	// Accepted: the assumption says that the engine takes the query.
	Accepted bool     `json:"accepted,omitempty"`
	Open     []string `json:"open,omitempty"` // those of which it is not known
}

// A Builder makes a kit.
type Builder struct {
	target  *backends.Target
	at      time.Time
	kit     Kit
	load    backends.ReplayKit
	queries []query
}

// A query is one of the kit as it is read back.
type query struct {
	where ir.Expr
	table int
}

// New is a builder for a target, whose events have that time.
func New(t *backends.Target, at time.Time) *Builder {
	b := &Builder{target: t, at: at, kit: Kit{Target: t.Name, Events: map[string]string{}, Unprobed: t.Replay().Unprobed()}}
	maps.Copy(b.kit.Unprobed, uncommon)
	return b
}

// table is the number of a table in what is loaded.
func (b *Builder) table(t backends.SampleTable) int {
	i := slices.IndexFunc(b.load.Tables, func(x backends.ReplayTable) bool { return x.Name == t.Name })
	if i < 0 {
		i = len(b.load.Tables)
		b.load.Tables = append(b.load.Tables, backends.ReplayTable{SampleTable: backends.SampleTable{Name: t.Name, Types: map[string]ir.Type{}, Columns: map[string]string{}}})
	}
	maps.Copy(b.load.Tables[i].Types, t.Types)
	maps.Copy(b.load.Tables[i].Columns, t.Columns)
	return i
}

// event adds the n-th event of a query to a table, and gives its id.
func (b *Builder) event(of string, n, table int, fields map[string]any) (id string, err error) {
	id = of + "." + strconv.Itoa(n)
	text, err := json.Marshal(fields)
	if err != nil {
		return "", err
	}
	fields = maps.Clone(fields)
	fields[backends.EventID] = id
	b.kit.Events[id] = string(text)
	t := &b.load.Tables[table]
	t.Events = append(t.Events, fields)
	return id, nil
}

// free is a name that no query has so far.
func (b *Builder) free(name string) string {
	out := name
	for n := 2; slices.ContainsFunc(b.kit.Queries, func(q Query) bool { return q.Name == out }); n++ {
		out = fmt.Sprintf("%s-%d", name, n)
	}
	return out
}

// ask adds a query with what it means.
func (b *Builder) ask(q Query, table int, where ir.Expr) {
	q.Finds = []string{}
	b.queries = append(b.queries, query{where, table})
	b.kit.Queries = append(b.kit.Queries, q)
	b.load.Queries = append(b.load.Queries, backends.ReplayQuery{Name: q.Name, Text: q.Text})
}

// Rule adds up to n events that the queries of a result select, with near misses, and the
// queries.
func (b *Builder) Rule(res sigmac.Result, n int) error {
	if len(res.Lookups) > 0 {
		return errors.New("its lists stand in lookups, which a kit has not: take lists_as: inline")
	}
	made, err := samples.Make(res, n, verify.DefaultBudget, b.at)
	if err != nil {
		return err
	}
	table := b.table(made.Table)
	name := "rule-" + slug(cmp.Or(res.Document.ID, res.Document.Title))
	first := b.free(name)
	for i, e := range made.Events {
		if _, err := b.event(first, i+1, table, e.Fields); err != nil {
			return err
		}
	}
	for i, where := range made.Queries {
		b.ask(Query{Name: b.free(name), Rule: res.Document.Title, Text: res.Queries[i]}, table, where)
	}
	return nil
}

// slug is a name of a file for a text.
func slug(text string) string {
	out := strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
			return r
		case 'A' <= r && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, text)
	return out[:min(len(out), 60)]
}

// Probes adds those of all assumptions.
func (b *Builder) Probes() error {
	for _, p := range append(common(!b.target.Columns.Texts), b.target.Replay().Probes()...) {
		if err := b.probe(p); err != nil {
			return fmt.Errorf("the probe %s: %w", p.Name, err)
		}
	}
	return nil
}

// errUnsaid is of a probe that the target has no query for, or no such events.
var errUnsaid = errors.New("the target has no such query or event")

// probe adds one; one that the target cannot say is left out.
func (b *Builder) probe(p backends.Probe) error {
	world := b.target.World(ir.Text)
	on := slices.DeleteFunc(slices.Clone(p.On), func(ev map[string]any) bool {
		for name, v := range ev {
			if _, several := v.([]any); several && !world.Several && p.Columns[name] == "" {
				return true
			}
		}
		return false
	})
	if len(on) == 0 && len(p.On) > 0 {
		return nil
	}
	text, types, err := b.probeQuery(p)
	if err == errUnsaid {
		return nil
	}
	if err != nil {
		return err
	}
	q, err := b.target.Read(text, types)
	if err != nil {
		return err
	}
	if q.Where == nil || len(q.Unjudged()) > 0 {
		return errors.New("the query does more than filter events")
	}
	name := ""
	if q.Scope.Table != "" {
		name = backends.ProbeTable
	}
	times := b.target.Columns.Times
	time := times[len(times)-1]
	all := maps.Clone(map[string]ir.Type(types))
	all[time], all[backends.ProbeField], all[backends.EventID] = ir.Date, ir.Text, ir.Text
	table := b.table(backends.SampleTable{Name: name, Types: all, Columns: p.Columns})
	out := Query{Name: p.Name, Of: p.Of, Says: p.Says, Text: text, Accepted: p.Accepted}
	for i, fields := range append(on, p.Beside...) {
		fields = maps.Clone(fields)
		fields[backends.ProbeField] = p.Name
		fields[time] = b.target.Columns.Time(b.at)
		id, err := b.event(p.Name, i+1, table, fields)
		if err != nil {
			return err
		}
		if i < len(on) {
			out.On = append(out.On, id)
		}
	}
	b.ask(out, table, samples.Whole(q))
	return nil
}

// probeQuery is the query of a probe, with the types of its fields.
func (b *Builder) probeQuery(p backends.Probe) (text string, types ir.Types, err error) {
	if p.Query != "" {
		return p.Query, ir.Types(p.Types), nil
	}
	rule := "title: Probe\nlogsource: {category: probe}\ndetection:\n  probe: {" + backends.ProbeField + ": '" + p.Name + "'}\n  s: " + p.Detection +
		"\n  condition: probe and (" + cmp.Or(p.Condition, "s") + ")\n"
	place, errs := pipeline.Parse("probes", []byte("name: probes\npriority: 1\ntransformations:\n  - {type: set_state, key: query_table, val: "+backends.ProbeTable+"}\n"))
	if len(errs) > 0 {
		return "", nil, errs[0]
	}
	for res := range sigmac.Compile(parser.Parse("probe", []byte(rule)), sigmac.Options{Mappings: []sigmac.Mapping{{Target: b.target, Pipeline: place}}}) {
		switch {
		case len(res.Errors) > 0 && res.Errors[0].Feature != "":
			return "", nil, errUnsaid
		case len(res.Errors) > 0:
			return "", nil, res.Errors[0]
		}
		return res.Queries[0], res.Types, nil
	}
	return "", nil, errors.New("no rule")
}

// held is an event as the target holds it: null is no value, and the empty text neither where the
// target does not tell it from that.
func (b *Builder) held(fields map[string]any, types map[string]ir.Type) (eval.Event, error) {
	out := map[string]any{}
	for name, v := range fields {
		if v == nil || v == "" && b.target.World(types[name]).Blank {
			continue
		}
		out[name] = v
	}
	return eval.NewEvent(out)
}

// Finish says of each query which of the events of its table it should find, and gives the files
// of the kit.
func (b *Builder) Finish() ([]outdir.File, error) {
	for i, t := range b.load.Tables {
		if err := b.find(i, t); err != nil {
			return nil, err
		}
	}
	files, err := b.target.Replay().Files(b.load)
	if err != nil {
		return nil, err
	}
	expected, err := json.MarshalIndent(b.kit, "", "  ")
	if err != nil {
		return nil, err
	}
	files[KitFile] = string(expected) + "\n"
	var out []outdir.File
	for _, path := range slices.Sorted(maps.Keys(files)) {
		out = append(out, outdir.File{Path: path, Data: []byte(files[path]), Rule: outdir.Rule{Target: b.target.Name}})
	}
	return out, nil
}

// find notes which events of a table its queries should find. What all of them ask of an event is
// asked once; what a query computes of it, by itself.
func (b *Builder) find(number int, t backends.ReplayTable) error {
	set := eval.NewSet()
	ready := map[int]*eval.Prepared{} // by query
	for i, q := range b.queries {
		if q.table == number && eval.Unevaluable(q.where) == "" {
			ready[i] = set.Prepare(&ir.Rule{Conditions: []ir.Condition{{Expr: q.where}}})
		}
	}
	view := set.View(eval.Event{})
	for _, fields := range t.Events {
		ev, err := b.held(fields, t.Types)
		if err != nil {
			return err
		}
		view.Show(ev)
		id := fields[backends.EventID].(string)
		for i, q := range b.queries {
			if q.table != number {
				continue
			}
			is, known := false, true
			if p := ready[i]; p != nil {
				is = p.MatchView(view)
			} else {
				is, known = eval.Settled(q.where, ev)
			}
			switch out := &b.kit.Queries[i]; {
			case !known:
				out.Open = append(out.Open, id)
			case is:
				out.Finds = append(out.Finds, id)
			}
		}
	}
	return nil
}
