package deploy

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"sigmac/backends/kusto/read"
	"sigmac/internal/catalog"
	"sigmac/internal/deploy"
	"sigmac/internal/lazy"
	"sigmac/internal/suggest"
	"sigmac/ir"
)

// A defenderAudit says what is wrong with one rule.
type defenderAudit struct {
	*graphRule
	d        *deploy.Detection
	context  deploy.Context
	findings []deploy.Finding
	table    string       // that the query asks, or empty
	bounds   []ir.Bound   // of time
	output   *read.Output // nil: the query is not understood
}

func auditDefender(ds []*deploy.Detection, c deploy.Context) (out []deploy.Finding) {
	seen := map[[2]string]bool{}
	for _, d := range ds {
		own, ok := d.Own.(customDetection)
		if !ok {
			continue
		}
		a := &defenderAudit{graphRule: own.graphRule, d: d, context: c}
		if q, err := read.Read(d.Query, c.Schema); err == nil {
			a.table, a.bounds = q.Scope.Table, q.Times
		}
		if output, err := read.ReadOutput(d.Query, c.Schema); err == nil && d.Query != "" {
			a.output = output
		}
		for _, u := range [][2]string{{"id", d.ID}, {"name", d.Title}, {"title", a.DetectionAction.AlertTemplate.Title}} {
			if u[1] != "" && seen[u] {
				a.find(checkUnique, "another rule has the same %s", u[0])
			}
			seen[u] = true
		}
		a.rule()
		a.schedule()
		a.query()
		a.entitiesOf()
		a.attack()
		a.texts()
		out = append(out, a.findings...)
	}
	return out
}

func (a *defenderAudit) find(c deploy.Check, format string, args ...any) {
	a.findAt(a.d.Pos, c, format, args...)
}

func (a *defenderAudit) findAt(pos ir.Pos, c deploy.Check, format string, args ...any) {
	a.findings = append(a.findings, deploy.Finding{Check: c, Msg: fmt.Sprintf(format, args...), Path: a.d.Path, Pos: pos, Detection: cmp.Or(a.d.ID, a.d.Title)})
}

// xdr says whether the query asks a table of Defender, whose time is the Timestamp.
func (a *defenderAudit) xdr() bool {
	if a.context.Schema == nil || a.table == "" {
		return false
	}
	t, ok := a.context.Schema.Type(a.table, times[0])
	return ok && t != ir.Unknown
}

// has says whether the rows of the query may have a column.
func (a *defenderAudit) has(column string) bool {
	if a.output == nil {
		return true
	}
	lacks, _ := a.output.Column(column)
	return lacks == nil
}

var (
	validID     = lazy.Regexp(`^[A-Za-z][A-Za-z0-9_-]{0,99}$`)
	givenID     = lazy.Regexp(`^[0-9]+$`) // by Defender
	techniqueID = lazy.Regexp(`^T[0-9]{4}$`)
	subID       = lazy.Regexp(`^(T[0-9]{4})\.[0-9]{3}$`)
	watchlist   = lazy.Regexp(`\b_GetWatchlist\s*\(`)
	placeholder = lazy.Regexp(`\{\{(.*?)\}\}`)
)

// rule checks what a rule must have.
func (a *defenderAudit) rule() {
	t := a.DetectionAction.AlertTemplate
	if !validID().MatchString(a.ID) && !givenID().MatchString(a.ID) {
		a.find(checkID, "%q is no id that Defender takes", a.ID)
	}
	if strings.TrimSpace(a.DisplayName) == "" || strings.TrimSpace(t.Title) == "" {
		a.find(checkName, "the rule has no name or its alerts have no title")
	}
	if strings.TrimSpace(a.d.Query) == "" {
		a.find(checkQuery, "the rule has no query")
	}
	switch status := strings.ToLower(a.Status); {
	case status == "autodisabled":
		a.find(checkStatus, "Defender has switched the rule off, since its runs failed")
	case status == "" && a.IsEnabled == nil, status != "" && status != "enabled" && status != "disabled":
		a.find(checkStatus, "%q is no status; it is enabled or disabled", a.Status)
	}
	if s := strings.ToLower(t.Severity); severities[s] != s || s == "" {
		a.find(checkSeverity, "%q is no severity of Defender%s", t.Severity, suggest.For(s, []string{"informational", "low", "medium", "high"}))
	}
	if n := len(t.CustomDetails); n > 20 {
		a.find(checkDetails, "the rule has %d custom details", n)
	}
	if !slices.Contains([]string{"", "alertPerEvent", "singleAlert"}, t.EventGroupingKind) {
		a.find(checkSetting, "%q is no eventGroupingKind; it is alertPerEvent or singleAlert", t.EventGroupingKind)
	}
	var old []string
	for name, there := range map[string]bool{"isEnabled": a.IsEnabled != nil && a.Status == "", "schedule.period": a.Schedule.Period != "" && a.Schedule.Frequency == "",
		"category": t.Category != "" && len(t.Tactics) == 0, "mitreTechniques": len(t.MitreTechniques) > 0 && len(t.Tactics) == 0,
		"impactedAssets": len(t.ImpactedAssets) > 0 && len(t.EntityMappings) == 0} {
		if there {
			old = append(old, name)
		}
	}
	if slices.Sort(old); len(old) > 0 {
		a.find(checkDeprecated, "the rule has members of the older shape: %s", strings.Join(old, ", "))
	}
}

// The bounds of a rule over data of Sentinel alone.
const (
	customLeast = 5 * time.Minute
	customMost  = 14 * 24 * time.Hour
	mostBack    = 30 * 24 * time.Hour
)

// schedule checks when a rule runs and how far it looks back.
func (a *defenderAudit) schedule() {
	every, ok := a.every()
	if !ok {
		a.find(checkFrequency, "%q is no frequency: PT1H, PT3H, PT12H, P1D, or PT0S for continuously", cmp.Or(a.Schedule.Frequency, a.Schedule.Period))
		return
	}
	fixed, usual := lookback(every)
	switch {
	case every == continuous || usual:
	case a.xdr():
		a.find(checkFrequency, "a rule over %s cannot run every %s, but every hour, 3, 12 or 24 hours, or continuously", a.table, deploy.Duration(every))
	case every < customLeast || every > customMost:
		a.find(checkFrequency, "a rule cannot run every %s: 5 minutes are the least and 14 days the most", deploy.Duration(every))
	}
	if text := a.Schedule.Lookback; text != "" {
		back, ok := deploy.ParseISO(text)
		switch {
		case !ok:
			a.find(checkLookback, "%q is no length of time", text)
		case every == continuous:
			a.find(checkLookback, "a rule that runs continuously looks at events as they come, and has no look-back")
		case back < every || back > mostBack:
			a.find(checkLookback, "a rule that runs every %s looks back as far at least, and 30 days at most: not %s", deploy.Duration(every), deploy.Duration(back))
		case a.xdr() && usual && back != fixed:
			a.find(checkLookback, "over data of Defender, a rule that runs every %s looks back %s: not %s", deploy.Duration(every), deploy.Duration(fixed), deploy.Duration(back))
		}
	}
	if every == continuous {
		for _, fault := range nrtFaults(a.d.Query) {
			a.findAt(a.d.QueryAt, checkNRT, "the query cannot run continuously: %s", fault)
		}
		if words := nrtUnlisted(a.d.Query); len(words) > 0 {
			a.findAt(a.d.QueryAt, checkNRTList, "on the list of what can run continuously is no %s", strings.Join(words, ", "))
		}
	}
}

// query checks what a query returns.
func (a *defenderAudit) query() {
	if a.d.Query == "" {
		return
	}
	var missing []string
	need := func(names ...string) {
		for _, n := range names {
			if !a.has(n) {
				missing = append(missing, n)
			}
		}
	}
	switch {
	case !a.xdr():
		if !a.has(times[0]) && !a.has(times[1]) {
			missing = append(missing, times[0]+" or "+times[1])
		}
	case strings.HasPrefix(a.table, "Device"):
		need(times[0], "DeviceId", "ReportId")
	case strings.HasPrefix(a.table, "Alert"):
		need(times[0])
	case strings.HasPrefix(a.table, "Observation"):
		need(times[0], "ObservationId")
	default:
		need(times[0], "ReportId")
	}
	if len(missing) > 0 {
		a.findAt(a.d.QueryAt, checkColumns, "the query does not return %s, and an alert needs what identifies its event: let the query keep it, of a group that of the last event (arg_max(Timestamp, *))", strings.Join(missing, ", "))
	}
	for _, name := range remade(a.d.Query) {
		if a.has(name) {
			a.findAt(a.d.QueryAt, checkTime, "the query makes %s anew: it must be the column of the table", name)
		}
	}
	if i := slices.IndexFunc(a.bounds, func(b ir.Bound) bool { return slices.Contains(times, b.Field) }); i >= 0 {
		a.findAt(a.d.QueryAt, checkTimeFilter, "the query filters by %s: what is ingested late is missed", a.bounds[i].Field)
	}
	if code, _ := masked(a.d.Query); watchlist().MatchString(code) {
		a.findAt(a.d.QueryAt, checkWatchlist, "the query asks a watchlist of Sentinel")
	}
}

// entitiesOf checks what an alert is about.
func (a *defenderAudit) entitiesOf() {
	entities := a.entities()
	if !slices.ContainsFunc(assets, func(kind string) bool { return len(entities[kind]) > 0 }) {
		a.find(checkEntities, "no entity of the rule is a host, an account, a mailbox or an address")
	}
	old := len(a.DetectionAction.AlertTemplate.EntityMappings) == 0
	for _, kind := range slices.Sorted(maps.Keys(entities)) {
		known, ok := entityKinds()[kind]
		if !ok {
			a.find(checkEntity, "Defender has no entities %q%s", kind, suggest.For(kind, slices.Sorted(maps.Keys(entityKinds()))))
			continue
		}
		for _, columns := range entities[kind] {
			for _, member := range slices.Sorted(maps.Keys(columns)) {
				if !slices.Contains(known.members, member) {
					a.find(checkEntity, "%s have no %q%s", kind, member, suggest.For(member, known.members))
				}
				a.returned(columns[member], kind+" name it")
			}
			if !old && !sufficient(kind, columns) {
				sets := make([]string, len(known.needs))
				for i, set := range known.needs {
					sets[i] = strings.Join(set, " and ")
				}
				a.find(checkEntity, "%s are identified by %s", kind, strings.Join(sets, ", or by "))
			}
		}
	}
	details := a.DetectionAction.AlertTemplate.CustomDetails
	for _, name := range slices.Sorted(maps.Keys(details)) {
		a.returned(details[name], "custom details name it")
	}
}

// returned says where the query does not return a column.
func (a *defenderAudit) returned(column, who string) {
	if !a.has(column) {
		a.find(checkEntityField, "the query does not return the column %q; %s", column, who)
	}
}

// attack checks the tactic and its techniques.
func (a *defenderAudit) attack() {
	t := a.DetectionAction.AlertTemplate
	if len(t.Tactics) > 1 {
		a.find(checkTactics, "the alert has %d tactics", len(t.Tactics))
	}
	for _, tactic := range t.Tactics {
		c, ok := tacticNamed(tactic.Tactic, cmp.Or(a.context.Attack, "18"))
		if !ok {
			a.find(checkTactic, "%q is no tactic of ATT&CK as Defender writes them: CredentialAccess", tactic.Tactic)
		}
		for _, technique := range tactic.Techniques {
			lone := subID().FindStringSubmatch(technique.Technique)
			if lone == nil && !techniqueID().MatchString(technique.Technique) {
				a.find(checkTactic, "%q is no technique: T1059", technique.Technique)
				continue
			}
			for _, sub := range technique.SubTechniques {
				if m := subID().FindStringSubmatch(sub); m == nil || m[1] != technique.Technique {
					a.find(checkTactic, "%q is no sub-technique of %s", sub, technique.Technique)
				}
			}
			if ok && foreign(technique.Technique, c) {
				a.find(checkForeign, "%s does not belong to %s: Defender may drop it", technique.Technique, tactic.Tactic)
			}
		}
	}
}

// tacticsByName are the tactics of ATT&CK by their names in Graph.
var tacticsByName = sync.OnceValue(func() map[string]catalog.Tactic {
	out := map[string]catalog.Tactic{}
	for _, c := range catalog.Matrix() {
		out[tacticName(c.Tactic)] = c.Tactic
	}
	return out
})

// tacticNamed is the tactic of a name in Graph, in a version of ATT&CK; version 18 has Defense Evasion in
// the place of two.
func tacticNamed(name, version string) (catalog.Tactic, bool) {
	if name == "DefenseEvasion" {
		return catalog.Tactic{Short: "defense-evasion", Name: "Defense Evasion"}, true
	}
	t, ok := tacticsByName()[name]
	return t, ok && (version != "18" || !slices.Contains(evasionHeirs, t.Short))
}

// foreign says whether a technique is known to belong to other tactics only. What version 19 of ATT&CK
// made of Defense Evasion is not told apart.
func foreign(id string, tactic catalog.Tactic) bool {
	t := catalog.Techniques([]string{"attack." + strings.ToLower(id)})
	return len(t) == 1 && len(t[0].Tactics) > 0 && t[0].Successor == "" && !slices.Contains(t[0].Tactics, tactic.Name) &&
		tactic.Short != "defense-evasion" && !slices.Contains(evasionHeirs, tactic.Short)
}

// evasionHeirs are the tactics that version 19 of ATT&CK made of Defense Evasion.
var evasionHeirs = []string{"stealth", "defense-impairment"}

// texts checks the columns that the title and the description name.
func (a *defenderAudit) texts() {
	t := a.DetectionAction.AlertTemplate
	var names []string
	for _, m := range placeholder().FindAllStringSubmatch(t.Title+"\n"+t.Description, -1) {
		if !slices.Contains(names, m[1]) {
			names = append(names, m[1])
			a.returned(strings.TrimSpace(m[1]), "the title or the description of the alert names it between {{ and }}")
		}
	}
	if len(names) > 3 {
		a.find(checkDynamic, "the title and the description of the alert name %d columns", len(names))
	}
}
