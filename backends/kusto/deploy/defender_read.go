package deploy

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"sigmac/internal/deploy"
	"sigmac/internal/lazy"
	"sigmac/ir"
)

// A customDetection is what the Audit is told of a detection: the rule as it was read.
type customDetection struct{ *graphRule }

// readDefender reads objects of rules, lists of them, and the pages of a list as Graph gives them, one
// behind the other too. What is no rule is skipped.
func readDefender(f deploy.File) ([]*deploy.Detection, error) {
	data := utf8Text(f.Data)
	skipped := len(data) - len(bytes.TrimPrefix(data, []byte("\ufeff")))
	r := &defenderReader{path: f.Path, data: data, place: place{off: skipped, line: 1, column: 1}}
	for at := skipped; r.fault == nil; {
		if at = r.blank(at); at == len(data) {
			break
		}
		at = r.value(at)
	}
	return r.out, errors.Join(r.errs...)
}

// utf8Text is a text in UTF-8, also where Windows PowerShell has redirected it into a file, which it
// does in UTF-16.
func utf8Text(data []byte) []byte {
	if !bytes.HasPrefix(data, []byte{0xff, 0xfe}) {
		return data
	}
	units := make([]uint16, len(data)/2-1)
	for i := range units {
		units[i] = binary.LittleEndian.Uint16(data[2*i+2:])
	}
	return []byte(string(utf16.Decode(units)))
}

// A defenderReader goes once over the text, and over each rule some times.
type defenderReader struct {
	path  string
	data  []byte
	place place
	out   []*deploy.Detection
	errs  []error
	fault error // nothing behind it can be read
}

// A place is an offset and its line and column.
type place struct{ off, line, column int }

// to is the place of a later offset.
func (p place) to(data []byte, off int) place {
	off = min(off, len(data))
	passed := data[p.off:off]
	if n := bytes.Count(passed, []byte("\n")); n > 0 {
		p.line, p.column = p.line+n, 1
		passed = passed[bytes.LastIndexByte(passed, '\n')+1:]
	}
	p.off, p.column = off, p.column+utf8.RuneCount(passed)
	return p
}

func (r *defenderReader) pos(off int) ir.Pos {
	if off < r.place.off {
		off = r.place.off
	}
	p := r.place.to(r.data, off)
	return ir.Pos{Line: p.line, Column: p.column}
}

func (r *defenderReader) complain(off int, msg string) {
	r.errs = append(r.errs, &ir.Diagnostic{Path: r.path, Pos: r.pos(off), Msg: msg})
}

// blank is where the next value may begin, and where the text ends at the latest.
func (r *defenderReader) blank(at int) int {
	for at < len(r.data) && strings.IndexByte(" \t\r\n", r.data[at]) >= 0 {
		at++
	}
	return at
}

// value reads one value of the file, and gives where it ends.
func (r *defenderReader) value(at int) int {
	d := json.NewDecoder(bytes.NewReader(r.data[at:]))
	listed, err := r.rules(at, d)
	if err != nil {
		r.broken(at, d, err)
		return len(r.data)
	}
	end := at + int(d.InputOffset())
	if !listed {
		r.rule(at, r.data[at:end])
	}
	return end
}

// rules reads a value up to its end, with the rules that it lists: a list does, and a page of Graph.
func (r *defenderReader) rules(at int, d *json.Decoder) (listed bool, err error) {
	switch first, err := d.Token(); {
	case err != nil:
		return false, err
	case first == json.Delim('['):
		return true, r.list(at, d)
	case first != json.Delim('{'):
		return false, nil
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return false, err
		}
		if next := r.valueStart(at + int(d.InputOffset())); key == "value" && next < len(r.data) && r.data[next] == '[' {
			listed = true
			if _, err = d.Token(); err == nil {
				err = r.list(at, d)
			}
		} else {
			err = d.Decode(&json.RawMessage{})
		}
		if err != nil {
			return false, err
		}
	}
	_, err = d.Token()
	return listed, err
}

// valueStart is where the value of a member begins, behind its name.
func (r *defenderReader) valueStart(at int) int {
	for at < len(r.data) && strings.IndexByte(" \t\r\n:", r.data[at]) >= 0 {
		at++
	}
	return at
}

// list reads what stands in a list, and its end.
func (r *defenderReader) list(at int, d *json.Decoder) error {
	for d.More() {
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return err
		}
		r.rule(at+int(d.InputOffset())-len(raw), raw)
	}
	_, err := d.Token()
	return err
}

// broken says that the text is no JSON, or that its end is missing.
func (r *defenderReader) broken(at int, d *json.Decoder, err error) {
	r.fault = err
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		r.complain(len(r.data), "the file is cut off: its JSON has no end")
		return
	}
	off := at + int(d.InputOffset())
	for off < len(r.data) && strings.IndexByte(" \t\r\n,:", r.data[off]) >= 0 {
		off++
	}
	var syntax *json.SyntaxError // within the value; the decoder counts no marks
	if errors.As(json.Unmarshal(r.data[off:], &json.RawMessage{}), &syntax) {
		off += int(syntax.Offset) - 1
	}
	r.complain(off, "this is no JSON")
}

// rule reads an object, if it is one of a rule. Nothing else of it is said to anybody.
func (r *defenderReader) rule(at int, raw []byte) {
	r.place = r.place.to(r.data, at)
	var is struct {
		QueryCondition, DetectionAction json.RawMessage
	}
	if raw[0] != '{' || json.Unmarshal(raw, &is) != nil || is.QueryCondition == nil && is.DetectionAction == nil {
		return
	}
	g := &graphRule{}
	if err := json.Unmarshal(raw, g); err != nil {
		off, msg := at, err.Error()
		var typed *json.UnmarshalTypeError
		if errors.As(err, &typed) {
			off, msg = at+int(typed.Offset)-1, typed.Field+" is of another type than Graph has it"
		}
		r.complain(off, msg)
		return
	}
	r.out = append(r.out, g.detection(r.path, r.pos(at), r.pos(at+offsetOf(raw, "queryCondition", "queryText"))))
}

// offsetOf is where a value stands in an object, or its beginning.
func offsetOf(raw []byte, names ...string) int {
	d := json.NewDecoder(bytes.NewReader(raw))
	if first, err := d.Token(); err != nil || first != json.Delim('{') {
		return 0
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return 0
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return 0
		}
		if name, ok := key.(string); ok && strings.EqualFold(name, names[0]) {
			start := int(d.InputOffset()) - len(value)
			if len(names) == 1 {
				return start
			}
			return start + offsetOf(value, names[1:]...)
		}
	}
	return 0
}

var ownID = lazy.Regexp(`(?m)^` + ownLine + `([0-9a-fA-F-]{36})(?:, version ([0-9]{1,9}))?[ \t\r]*$`)

// origin is the id of the rule of which a detection says it is made, and its version.
func (g *graphRule) origin() (id string, version int) {
	if text, ok := strings.CutPrefix(g.ID, ownPrefix); ok && deploy.IsUUID(text) {
		id = text
	}
	for _, text := range []string{g.Description, g.DetectionAction.AlertTemplate.Description} {
		if all := ownID().FindAllStringSubmatch(text, -1); all != nil && deploy.IsUUID(all[len(all)-1][1]) {
			m := all[len(all)-1]
			version, _ = strconv.Atoi(m[2])
			return cmp.Or(id, m[1]), version
		}
	}
	return id, 0
}

// detection is the rule as others see it.
func (g *graphRule) detection(path string, pos, queryAt ir.Pos) *deploy.Detection {
	id, version := g.origin()
	d := &deploy.Detection{Path: path, Pos: pos, ID: g.ID, Rule: id, Version: version, Title: g.DisplayName, QueryAt: queryAt, Language: "kusto", Enabled: g.enabled(), Own: customDetection{g}}
	if g.QueryCondition != nil {
		d.Query = g.QueryCondition.QueryText
	}
	if d.Query == "" {
		d.Language = ""
	}
	set := func(kind, name, value string) {
		if value != "" {
			d.Settings = append(d.Settings, deploy.Setting{Kind: kind, Name: name, Value: value})
		}
	}
	t := g.DetectionAction.AlertTemplate
	set(deploy.Schedule, "frequency", g.frequency())
	set(deploy.Schedule, "lookback", g.lookback())
	set(deploy.Severity, "severity", strings.ToLower(t.Severity))
	set(deploy.Suppression, "eventGroupingKind", t.EventGroupingKind)
	entities := g.entities()
	for _, kind := range slices.Sorted(maps.Keys(entities)) {
		var of []string
		for _, columns := range entities[kind] {
			of = append(of, columns.String())
		}
		slices.Sort(of)
		set(deploy.Entities, kind, strings.Join(slices.Compact(of), "; "))
	}
	set(deploy.Entities, "customDetails", t.CustomDetails.String())
	set(deploy.Actions, "automatedActions", strings.Join(g.actions(), " "))
	set(deploy.Actions, "organizationalScope", strings.Join(scopeNames(g.DetectionAction.OrganizationalScope), ", "))
	for _, tactic := range g.tactics() {
		set(deploy.Attack, tactic.Tactic, strings.Join(leaves(tactic.Techniques), " "))
		if len(tactic.Techniques) == 0 {
			set(deploy.Attack, tactic.Tactic, "no technique")
		}
	}
	set(deploy.Text, "title", t.Title)
	set(deploy.Text, "description", plainText(t.Description))
	set(deploy.Text, "rule description", plainText(g.Description))
	set(deploy.Text, "recommendedActions", plainText(t.RecommendedActions))
	return d
}

// plainText is a text with the line breaks that a browser's form may have changed, and without the
// version that it says.
func plainText(text string) string {
	return ownID().ReplaceAllString(strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n")), ownLine+"$1")
}

func (g *graphRule) enabled() bool {
	if g.Status == "" {
		return g.IsEnabled == nil || *g.IsEnabled
	}
	return strings.EqualFold(g.Status, "enabled")
}

// every is the frequency, where it is one.
func (g *graphRule) every() (time.Duration, bool) { return deploy.ParseISO(g.frequency()) }

// frequency is that of the rule as Graph writes it, or what stands there.
func (g *graphRule) frequency() string {
	text := g.Schedule.Frequency
	if text == "" {
		text = periodISO(g.Schedule.Period)
	}
	if d, ok := deploy.ParseISO(text); ok {
		return deploy.ISO(d)
	}
	return text
}

// periodISO is what the older shape says of the frequency: 0, 1H, 3H, 12H, 24H.
func periodISO(period string) string {
	switch period {
	case "":
		return ""
	case "0":
		return deploy.ISO(continuous)
	}
	d, ok := deploy.ParseISO("PT" + period)
	if !ok {
		return period
	}
	return deploy.ISO(d)
}

// lookback is what the rule says of it, or what goes with its frequency.
func (g *graphRule) lookback() string {
	if text := g.Schedule.Lookback; text != "" {
		if d, ok := deploy.ParseISO(text); ok {
			return deploy.ISO(d)
		}
		return text
	}
	if every, ok := g.every(); ok {
		if back, ok := lookback(every); ok {
			return deploy.ISO(back)
		}
	}
	return ""
}

// String are the columns in the order of what they are for.
func (c columnsByName) String() string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(c)) {
		out = append(out, name+"="+c[name])
	}
	return strings.Join(out, ", ")
}

// oldAssets are the kinds and the members of the impacted assets of the older shape; the column of one
// is its identifier with a capital.
var oldAssets = map[string]string{
	"impactedDeviceAsset": "hosts", "impactedUserAsset": "accounts", "impactedMailboxAsset": "mailboxes",
}

// entities are those of the rule, in either shape.
func (g *graphRule) entities() entityMappings {
	t := g.DetectionAction.AlertTemplate
	if len(t.EntityMappings) > 0 {
		return t.EntityMappings
	}
	out := entityMappings{}
	for _, a := range t.ImpactedAssets {
		kind := oldAssets[a.Type[strings.LastIndexByte(a.Type, '.')+1:]]
		if kind == "" || a.Identifier == "" {
			continue
		}
		column := strings.ToUpper(a.Identifier[:1]) + a.Identifier[1:]
		out[kind] = append(out[kind], columnsByName{oldMember(kind, column): column})
	}
	return out
}

// oldMember is what a column of an impacted asset is for.
func oldMember(kind, column string) string {
	ends := func(s string) bool { return strings.HasSuffix(column, s) }
	switch {
	case kind == "mailboxes":
		return "primaryAddressColumn"
	case kind == "hosts" && ends("Id"):
		return "deviceIdColumn"
	case kind == "hosts":
		return "nameColumn"
	case ends("Sid"):
		return "sidColumn"
	case ends("Upn"):
		return "upnColumn"
	case ends("Domain"):
		return "ntDomainColumn"
	case ends("Name"):
		return "nameColumn"
	}
	return "aadUserIdColumn"
}

// tactics are those of the rule, in either shape, in the order of their names.
func (g *graphRule) tactics() []mitreTactic {
	t := g.DetectionAction.AlertTemplate
	out := slices.Clone(t.Tactics)
	if len(out) == 0 && (t.Category != "" || len(t.MitreTechniques) > 0) {
		out = []mitreTactic{{Tactic: t.Category}}
		for _, id := range t.MitreTechniques {
			out[0].Techniques = append(out[0].Techniques, mitreTechnique{Technique: id})
		}
	}
	slices.SortFunc(out, func(a, b mitreTactic) int { return strings.Compare(a.Tactic, b.Tactic) })
	return out
}

// leaves are the techniques, without those of which a sub-technique is there: Graph stores a
// sub-technique with its technique.
func leaves(techniques []mitreTechnique) []string {
	var all []string
	for _, t := range techniques {
		all = append(append(all, t.Technique), t.SubTechniques...)
	}
	slices.Sort(all)
	all = slices.Compact(all)
	return slices.DeleteFunc(all, func(id string) bool {
		return slices.ContainsFunc(all, func(x string) bool { return strings.HasPrefix(x, id+".") })
	})
}

// actions are the kinds of what the rule does to assets: what it does it with is nobody's concern here.
func (g *graphRule) actions() (out []string) {
	var sets map[string]json.RawMessage
	if json.Unmarshal(g.DetectionAction.AutomatedActions, &sets) == nil {
		for name, raw := range sets {
			if text := strings.TrimSpace(string(raw)); !strings.Contains(name, "@") && text != "null" && text != "[]" {
				out = append(out, lowerFirst(name))
			}
		}
	}
	var list []struct {
		Type string `json:"@odata.type"`
	}
	if json.Unmarshal(g.DetectionAction.ResponseActions, &list) == nil {
		for _, a := range list {
			out = append(out, strings.TrimSuffix(a.Type[strings.LastIndexByte(a.Type, '.')+1:], "ResponseAction"))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// scopeNames are the groups of devices of a rule.
func scopeNames(raw json.RawMessage) []string {
	var scope struct {
		ScopeNames []string `json:"scopeNames"`
	}
	if json.Unmarshal(raw, &scope) != nil {
		return nil
	}
	slices.Sort(scope.ScopeNames)
	return scope.ScopeNames
}
