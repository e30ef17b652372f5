package deploy

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"sigmac/internal/catalog"
	"sigmac/internal/deploy"
	"sigmac/internal/suggest"
)

// defenderFormats are the custom detections of Microsoft Defender XDR, as Microsoft Graph has them.
func defenderFormats() []deploy.Format {
	return []deploy.Format{{
		Name:        "defender",
		Description: "custom detections of Microsoft Defender XDR: JSON for Microsoft Graph",
		Pipelines:   []string{"microsoft_xdr", "defender_m365"},
		Options: []deploy.Option{
			{Name: "nrt", Help: "run continuously (NRT) what Defender can run so", Values: []string{"true", "false"}, Default: "false"},
		},
		Extension: ".json",
		Own:       ownSettings,
		Attack:    "18",
		Checks:    defenderChecks,
		Write:     writeDefender,
		Read:      readDefender,
		Audit:     auditDefender,
	}}
}

// What says so. The page of Microsoft Learn is read as of 2026; what Microsoft does not write down, and
// the service answers, is as others have seen it.
const (
	defenderPage  = "Microsoft Learn: Create custom detection rules in Microsoft Defender XDR"
	graphCreate   = "Microsoft Graph: Create detectionRule"
	graphTemplate = "Microsoft Graph: alertTemplate resource type"
	graphSchedule = "Microsoft Graph: ruleSchedule resource type"
	serviceSays   = "answers of the service, 2026 (libre-devops/terraform-msgraph-xdr-custom-detection-rules)"
	kqlList       = "Microsoft Learn: Supported KQL features in Azure Monitor transformations"
	ourChoice     = "docs/deploy/defender.md"
)

var (
	checkID          = deploy.Check{ID: "defender/id", Severity: "error", What: "a rule has an id of letters, digits, - and _, a letter first, 100 characters at most", Source: graphCreate}
	checkName        = deploy.Check{ID: "defender/name", Severity: "error", What: "a rule has a name and a title of its alerts", Source: graphCreate}
	checkUnique      = deploy.Check{ID: "defender/unique", Severity: "error", What: "no two rules have one id, one name or one title of their alerts", Source: defenderPage}
	checkQuery       = deploy.Check{ID: "defender/query", Severity: "error", What: "a rule has a query", Source: graphCreate}
	checkStatus      = deploy.Check{ID: "defender/status", Severity: "error", What: "a rule is enabled or disabled, and not switched off by Defender", Source: graphCreate}
	checkSeverity    = deploy.Check{ID: "defender/severity", Severity: "error", What: "the severity is informational, low, medium or high", Source: graphTemplate}
	checkFrequency   = deploy.Check{ID: "defender/frequency", Severity: "error", What: "a rule runs every 1, 3, 12 or 24 hours or continuously; over data of Sentinel alone every 5 minutes to 14 days", Source: defenderPage}
	checkLookback    = deploy.Check{ID: "defender/lookback", Severity: "error", What: "what a rule looks for happens within the look-back of its frequency", Source: defenderPage}
	checkColumns     = deploy.Check{ID: "defender/columns", Severity: "error", What: "the results have the time of the event, and the columns that identify it", Source: defenderPage}
	checkTime        = deploy.Check{ID: "defender/time", Severity: "error", What: "the time of the event is returned as it is in the table", Source: defenderPage}
	checkEntities    = deploy.Check{ID: "defender/entities", Severity: "error", What: "the alert is about a host, an account, a mailbox or an address", Source: serviceSays}
	checkEntity      = deploy.Check{ID: "defender/entity", Severity: "error", What: "an entity has columns that identify one of its kind", Source: serviceSays}
	checkEntityField = deploy.Check{ID: "defender/entity-column", Severity: "error", What: "the columns of entities, custom details and texts are columns of the results", Source: serviceSays}
	checkTactics     = deploy.Check{ID: "defender/tactics", Severity: "error", What: "an alert has one tactic", Source: serviceSays}
	checkTactic      = deploy.Check{ID: "defender/tactic", Severity: "error", What: "the tactic and the techniques are some of ATT&CK", Source: graphTemplate}
	checkForeign     = deploy.Check{ID: "defender/technique", Severity: "warning", What: "the techniques belong to the tactic", Source: serviceSays}
	checkNRT         = deploy.Check{ID: "defender/nrt", Severity: "error", What: "a query that runs continuously has one table, which can, no let, no comment, and operators on one row", Source: defenderPage}
	checkNRTList     = deploy.Check{ID: "defender/nrt-list", Severity: "warning", What: "a query that runs continuously uses what is on the list of supported KQL", Source: kqlList}
	checkDetails     = deploy.Check{ID: "defender/details", Severity: "error", What: "there are at most 20 custom details", Source: defenderPage}
	checkDynamic     = deploy.Check{ID: "defender/dynamic", Severity: "error", What: "the title and the description of alerts name at most three columns between {{ and }}", Source: defenderPage}
	checkTimeFilter  = deploy.Check{ID: "defender/time-filter", Severity: "warning", What: "the query does not filter by the time of the event, which Defender does by ingestion", Source: defenderPage}
	checkDeprecated  = deploy.Check{ID: "defender/deprecated", Severity: "warning", What: "no member is one that Graph took away on 2026-10-01", Source: graphTemplate}
	checkWatchlist   = deploy.Check{ID: "defender/watchlist", Severity: "warning", What: "the query asks no watchlist, which Defender has only where a workspace of Sentinel is connected", Source: ourChoice}
	checkSetting     = deploy.Check{ID: "defender/setting", Severity: "error", What: "a setting of a rule is one that Defender has", Source: graphCreate}

	// What is lost on the way.
	noteFrequency = deploy.Check{ID: "defender/runs", Severity: "note", What: "a rule runs as often as it asks for", Source: defenderPage}
	noteLookback  = deploy.Check{ID: "defender/looks-back", Severity: "warning", What: "a rule looks back as far as it asks for", Source: defenderPage}
	noteLevel     = deploy.Check{ID: "defender/level", Severity: "note", What: "a level has a severity of its own", Source: graphTemplate}
	noteTactics   = deploy.Check{ID: "defender/left-out", Severity: "note", What: "all tactics of a rule are told", Source: serviceSays}
	noteSuppress  = deploy.Check{ID: "defender/suppression", Severity: "warning", What: "what a rule suppresses is suppressed", Source: defenderPage}
	noteOther     = deploy.Check{ID: "defender/no-such", Severity: "note", What: "what else a rule plans has a place", Source: graphCreate}
	noteNRT       = deploy.Check{ID: "defender/not-nrt", Severity: "note", What: "a rule that shall run continuously can", Source: defenderPage}
	noteAttack    = deploy.Check{ID: "attack/version", Severity: "note", What: "tactics and techniques are told as the rule has them", Source: ourChoice}
)

var defenderChecks = []deploy.Check{
	checkID, checkName, checkUnique, checkQuery, checkStatus, checkSeverity, checkFrequency, checkLookback, checkColumns, checkTime,
	checkEntities, checkEntity, checkEntityField, checkTactics, checkTactic, checkForeign, checkNRT, checkNRTList, checkDetails,
	checkDynamic, checkTimeFilter, checkDeprecated, checkWatchlist, checkSetting,
	noteFrequency, noteLookback, noteLevel, noteTactics, noteSuppress, noteOther, noteNRT, noteAttack,
}

// A graphRule is a detectionRule of Microsoft Graph. What the older shape of the beta has in other
// members is at the end of each type, and only read.
type graphRule struct {
	Type            string          `json:"@odata.type,omitempty"`
	ID              string          `json:"id,omitempty"`
	DisplayName     string          `json:"displayName"`
	Description     string          `json:"description,omitempty"`
	Status          string          `json:"status,omitempty"`
	QueryCondition  *queryCondition `json:"queryCondition,omitempty"`
	Schedule        ruleSchedule    `json:"schedule"`
	DetectionAction detectionAction `json:"detectionAction"`

	IsEnabled *bool `json:"isEnabled,omitempty"`
}

type queryCondition struct {
	QueryText string `json:"queryText"`
}

type ruleSchedule struct {
	Frequency string `json:"frequency,omitempty"`
	Lookback  string `json:"lookback,omitempty"`

	Period string `json:"period,omitempty"`
}

type detectionAction struct {
	AlertTemplate alertTemplate `json:"alertTemplate"`

	// Of what follows nothing is kept but which there are.
	AutomatedActions    json.RawMessage `json:"automatedActions,omitempty"`
	OrganizationalScope json.RawMessage `json:"organizationalScope,omitempty"`
	ResponseActions     json.RawMessage `json:"responseActions,omitempty"`
}

type alertTemplate struct {
	Title              string         `json:"title"`
	Description        string         `json:"description,omitempty"`
	Severity           string         `json:"severity"`
	RecommendedActions string         `json:"recommendedActions,omitempty"`
	Tactics            []mitreTactic  `json:"tactics,omitempty"`
	EntityMappings     entityMappings `json:"entityMappings,omitempty"`
	CustomDetails      columnsByName  `json:"customDetails,omitempty"`
	EventGroupingKind  string         `json:"eventGroupingKind,omitempty"`

	Category        string          `json:"category,omitempty"`
	MitreTechniques []string        `json:"mitreTechniques,omitempty"`
	ImpactedAssets  []impactedAsset `json:"impactedAssets,omitempty"`
}

type mitreTactic struct {
	Tactic     string           `json:"tactic"`
	Techniques []mitreTechnique `json:"techniques"`
}

type mitreTechnique struct {
	Technique     string   `json:"technique"`
	SubTechniques []string `json:"subTechniques,omitempty"`
}

type impactedAsset struct {
	Type       string `json:"@odata.type"`
	Identifier string `json:"identifier"`
}

// ownPrefix begins the id of a rule that sigmac makes: an id of Defender begins with a letter, and a
// UUID need not. Clients give the id, and it is the key of the rule from then on.
const ownPrefix = "sigma-"

// ownLine begins the last line of the description, which says the id again, and the version: a rule
// that was made in the portal, or by the older form of the interface, has an id that Defender gave.
const ownLine = "Sigma rule: "

// continuous is the frequency of a rule that runs continuously (PT0S).
const continuous = time.Duration(0)

// frequencies are those of rules over data of Defender, with the fixed look-back of each, from the
// rarest on.
var frequencies = []struct{ every, back time.Duration }{
	{24 * time.Hour, 30 * 24 * time.Hour},
	{12 * time.Hour, 48 * time.Hour},
	{3 * time.Hour, 12 * time.Hour},
	{time.Hour, 4 * time.Hour},
}

// lookback is the fixed look-back of a frequency.
func lookback(every time.Duration) (time.Duration, bool) {
	for _, f := range frequencies {
		if f.every == every {
			return f.back, true
		}
	}
	return 0, false
}

// severities are those of alerts, by level.
var severities = map[string]string{"informational": "informational", "low": "low", "medium": "medium", "high": "high", "critical": "high"}

// A defenderWriter makes one rule.
type defenderWriter struct {
	*deploy.Rule
	options  deploy.Options
	findings []deploy.Finding
}

func (w *defenderWriter) find(c deploy.Check, format string, args ...any) {
	w.findings = append(w.findings, deploy.Finding{Check: c, Msg: fmt.Sprintf(format, args...), Detection: ownPrefix + w.ID})
}

// writeDefender makes a list of rules; a file of one rule is an object, which can be posted.
func writeDefender(rules []*deploy.Rule, o deploy.Options) ([]deploy.File, []deploy.Finding) {
	var findings []deploy.Finding
	made := make([]*graphRule, len(rules))
	for i, r := range rules {
		w := &defenderWriter{Rule: r, options: o}
		made[i] = w.rule()
		findings = append(findings, w.findings...)
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	var whole any = made
	if o.Single && len(made) == 1 {
		whole = made[0]
	}
	if err := e.Encode(whole); err != nil {
		panic(err) // texts and lists of them
	}
	return []deploy.File{{Path: "detections.json", Data: out.Bytes()}}, findings
}

func (w *defenderWriter) rule() *graphRule {
	text := w.description()
	g := &graphRule{
		Type: "#microsoft.graph.security.detectionRule", ID: ownPrefix + w.ID, DisplayName: w.Title, Description: text, Status: "disabled",
		QueryCondition: &queryCondition{QueryText: w.Query},
	}
	if w.Plan.Enabled {
		g.Status = "enabled"
	}
	t := &g.DetectionAction.AlertTemplate
	t.Title, t.Description, t.Severity = w.literal("title", w.Title), w.literal("description", text), severities[w.Plan.Level]
	if w.Plan.Level == "critical" {
		w.find(noteLevel, "the level critical is told as high, the highest severity that Defender has")
	}
	if len(w.Meta.FalsePositives) > 0 {
		t.RecommendedActions = "Known false positives:\n" + bulleted(w.Meta.FalsePositives)
	}
	t.Tactics = w.tactics()
	t.EntityMappings = w.entities()
	w.settings(g)
	w.schedule(&g.Schedule)
	if w.Plan.SuppressFor > 0 {
		w.find(noteSuppress, "nothing is suppressed for %s: Defender has no such setting, and puts alike alerts together by itself", deploy.Duration(w.Plan.SuppressFor))
	}
	if w.Plan.Cron != "" {
		w.find(noteOther, "the schedule of cron is left out, which Defender does not have")
	}
	if w.Plan.Risk != nil {
		w.find(noteOther, "the risk score is left out, which Defender does not have")
	}
	return g
}

// literal is a text of an alert in which Defender finds no column. It looks for {{Column}}, and has
// no escape.
func (w *defenderWriter) literal(what, text string) string {
	if !strings.Contains(text, "{{") {
		return text
	}
	w.find(noteOther, "{{ in the %s of the alert is told as { {, since Defender puts columns there", what)
	return strings.ReplaceAll(strings.ReplaceAll(text, "{{", "{ {"), "{{", "{ {") // of {{{ the first leaves one
}

// description is what the rule says of itself.
func (w *defenderWriter) description() string {
	var parts []string
	add := func(text string) {
		if text = strings.TrimSpace(text); text != "" {
			parts = append(parts, text)
		}
	}
	add(w.Meta.Description)
	if len(w.Meta.References) > 0 {
		add("References:\n" + bulleted(w.Meta.References))
	}
	var about []string
	for _, line := range [][2]string{{"Author: ", w.Meta.Author}, {"Date: ", w.Meta.Date}, {"Modified: ", w.Meta.Modified}, {ownLine, w.ID + w.version()}} {
		if value := strings.Join(strings.Fields(line[1]), " "); value != "" {
			about = append(about, line[0]+value)
		}
	}
	add(strings.Join(about, "\n"))
	return strings.Join(parts, "\n\n")
}

// version is that of the rule, which Graph has no member for.
func (w *defenderWriter) version() string {
	if w.options.Version == nil {
		return ""
	}
	return fmt.Sprintf(", version %d", w.options.Version(w.ID))
}

func bulleted(items []string) string {
	lines := make([]string, len(items))
	for i, item := range items {
		lines[i] = "- " + strings.TrimSpace(item)
	}
	return strings.Join(lines, "\n")
}

// tactics are those of the tags. Graph has a list, and the service refuses more than one.
func (w *defenderWriter) tactics() []mitreTactic {
	columns, notes := deploy.Matrix(w.Meta.Tags, cmp.Or(w.options.Attack, "18"))
	for _, n := range notes {
		w.find(noteAttack, "%s", n)
	}
	if len(columns) == 0 {
		return nil
	}
	best := 0
	for i, c := range columns {
		if len(c.Techniques) > len(columns[best].Techniques) {
			best = i
		}
	}
	for i, c := range columns {
		if i != best {
			left := c.Tactic.Name
			for _, t := range c.Techniques {
				if !slices.ContainsFunc(columns[best].Techniques, func(x catalog.Technique) bool { return x.ID == t.ID }) {
					left += " " + t.ID
				}
			}
			w.find(noteTactics, "%s is left out, since Defender takes one tactic; %s is told", left, columns[best].Tactic.Name)
		}
	}
	return []mitreTactic{{Tactic: tacticName(columns[best].Tactic), Techniques: grouped(columns[best].Techniques)}}
}

// tacticName is the name of a tactic in Graph: CommandAndControl.
func tacticName(t catalog.Tactic) string {
	words := strings.FieldsFunc(t.Short, func(r rune) bool { return r == '-' })
	for i, w := range words {
		words[i] = strings.ToUpper(w[:1]) + w[1:]
	}
	return strings.Join(words, "")
}

// grouped puts sub-techniques with their techniques, as Graph stores them.
func grouped(techniques []catalog.Technique) []mitreTechnique {
	out := []mitreTechnique{}
	for _, t := range techniques {
		parent, sub, isSub := t.ID, "", false
		if t.Parent != "" {
			parent, sub, isSub = t.Parent, t.ID, true
		}
		i := slices.IndexFunc(out, func(m mitreTechnique) bool { return m.Technique == parent })
		if i < 0 {
			i, out = len(out), append(out, mitreTechnique{Technique: parent})
		}
		if isSub {
			out[i].SubTechniques = append(out[i].SubTechniques, sub)
		}
	}
	return out
}

// schedule decides when the rule runs, where it does not say that itself.
func (w *defenderWriter) schedule(s *ruleSchedule) {
	if s.Frequency == "" {
		s.Frequency = deploy.ISO(w.frequency())
	}
	if every, ok := deploy.ParseISO(s.Frequency); ok && s.Lookback == "" {
		if back, ok := lookback(every); ok {
			w.fits(every, back)
		}
	}
}

// frequency is the rarest that Defender has and that is no rarer than the plan asks for, or the
// most frequent.
func (w *defenderWriter) frequency() time.Duration {
	if w.options.Values["nrt"] == "true" {
		faults := w.notContinuous()
		if len(faults) == 0 {
			return continuous
		}
		w.find(noteNRT, "it cannot run continuously: %s", strings.Join(faults, "; "))
	}
	chosen := frequencies[len(frequencies)-1].every
	for _, f := range frequencies {
		if f.every <= w.Plan.Every {
			chosen = f.every
			break
		}
	}
	if chosen != w.Plan.Every {
		w.find(noteFrequency, "it runs every %s and not every %s, which Defender does not have", deploy.Duration(chosen), deploy.Duration(w.Plan.Every))
	}
	return chosen
}

// fits says where the fixed look-back is not what the plan asks for.
func (w *defenderWriter) fits(every, back time.Duration) {
	need := every + w.Window
	switch {
	case w.Window > 0 && back < need:
		more := "no frequency looks back so far"
		for _, f := range slices.Backward(frequencies) {
			if f.back >= f.every+w.Window {
				more = fmt.Sprintf("every %s, it looks back %s", deploy.Duration(f.every), deploy.Duration(f.back))
				break
			}
		}
		w.find(checkLookback, "a rule that runs every %s looks back %s, and the time frame of %s needs %s; %s",
			deploy.Duration(every), deploy.Duration(back), deploy.Duration(w.Window), deploy.Duration(need), more)
	case w.Plan.Lookback > back:
		w.find(noteLookback, "it looks back %s and not %s: Defender has a fixed look-back for every %s", deploy.Duration(back), deploy.Duration(w.Plan.Lookback), deploy.Duration(every))
	}
}

// notContinuous says why a rule cannot run continuously.
func (w *defenderWriter) notContinuous() (faults []string) {
	if w.Window > 0 {
		faults = append(faults, "it looks at several events at a time")
	}
	faults = append(faults, nrtFaults(w.Query)...)
	if words := nrtUnlisted(w.Query); len(words) > 0 {
		faults = append(faults, "what can run so has no "+strings.Join(words, ", "))
	}
	return faults
}

// ownSettings are those that a rule may set by the names of Graph; impactedAssets is droid's.
var ownSettings = []string{"frequency", "lookback", "title", "recommendedActions", "eventGroupingKind", "customDetails.*", "impactedAssets"}

// settings are those that the rule sets by the names of Graph.
func (w *defenderWriter) settings(g *graphRule) {
	t := &g.DetectionAction.AlertTemplate
	for _, own := range w.Plan.Own {
		switch own.Name {
		case "frequency":
			g.Schedule.Frequency = own.Value
		case "lookback":
			g.Schedule.Lookback = own.Value
		case "title":
			t.Title = own.Value
		case "recommendedActions":
			t.RecommendedActions = own.Value
		case "eventGroupingKind":
			t.EventGroupingKind = own.Value
		case "impactedAssets":
			w.impacted(t, own.Value)
		default:
			detail, ok := strings.CutPrefix(own.Name, "customDetails.")
			if !ok || detail == "" {
				w.find(checkSetting, "Defender takes no setting %q of a rule%s", own.Name, suggest.For(own.Name, ownSettings))
				continue
			}
			if t.CustomDetails == nil {
				t.CustomDetails = columnsByName{}
			}
			t.CustomDetails[detail] = own.Value
		}
	}
}

// impacted are the assets as droid has them: a list of types (Device, User, Mailbox) and identifiers.
func (w *defenderWriter) impacted(t *alertTemplate, text string) {
	var list []struct{ ImpactedAssetType, Identifier string }
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		w.find(checkSetting, "impactedAssets is a list of impactedAssetType and identifier")
		return
	}
	old := graphRule{}
	for _, a := range list {
		old.DetectionAction.AlertTemplate.ImpactedAssets = append(old.DetectionAction.AlertTemplate.ImpactedAssets, impactedAsset{"impacted" + a.ImpactedAssetType + "Asset", a.Identifier})
	}
	t.EntityMappings = old.entities()
}
