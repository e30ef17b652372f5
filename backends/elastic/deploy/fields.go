package deploy

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"sigmac/internal/deploy"
)

// A field is a key of a rule of Kibana.
type field struct {
	name  string
	shape shape
	// Types are the types of rules that have it; empty: all.
	types string
	// Kind is that of its setting; empty: it decides nothing, or Kibana writes it itself.
	kind string
	// Default is the setting of a rule that does not have it.
	def string
	// Values are those that it takes; nil: any of the shape.
	values []string
	least  int // of a whole number
	most   int // 0: none
}

const (
	// queried are the types with a query of their own.
	queried = "query saved_query eql esql threshold threat_match new_terms"
	// indexed are those that say in which indices they look.
	indexed = "query saved_query eql threshold threat_match new_terms"
)

// ruleTypes are the types of rules.
var ruleTypes = []string{"eql", "esql", "machine_learning", "new_terms", "query", "saved_query", "threat_match", "threshold"}

// defaultLanguage is the language of a rule that names none.
var defaultLanguage = map[string]string{"query": "kuery", "saved_query": "kuery", "threshold": "kuery", "threat_match": "kuery", "new_terms": "kuery"}

// fields are those of rules, in the order in which they are written (elastic/kibana,
// common/api/detection_engine/model/rule_schema: common_attributes.schema.yaml,
// rule_schemas.schema.yaml and specific_attributes).
var fields = []field{
	{name: "rule_id", shape: text},
	{name: "version", shape: integer, least: 1},
	{name: "name", shape: text, kind: deploy.Text},
	{name: "description", shape: text, kind: deploy.Text},
	{name: "enabled", shape: boolean},
	{name: "type", shape: text, kind: deploy.Scope, values: ruleTypes},
	{name: "language", shape: text, types: queried, kind: deploy.Scope, values: []string{"eql", "esql", "kuery", "lucene"}},
	{name: "query", shape: text, types: queried},
	{name: "index", shape: texts, types: indexed, kind: deploy.Scope},
	{name: "data_view_id", shape: text, types: indexed, kind: deploy.Scope},
	{name: "filters", shape: list, types: indexed, kind: deploy.Scope},
	{name: "saved_id", shape: text, types: "query saved_query threshold threat_match", kind: deploy.Scope},
	{name: "event_category_override", shape: text, types: "eql", kind: deploy.Scope},
	{name: "timestamp_field", shape: text, types: "eql", kind: deploy.Scope},
	{name: "tiebreaker_field", shape: text, types: "eql", kind: deploy.Scope},
	{name: "threshold", shape: object, types: "threshold", kind: deploy.Scope},
	{name: "new_terms_fields", shape: texts, types: "new_terms", kind: deploy.Scope},
	{name: "history_window_start", shape: text, types: "new_terms", kind: deploy.Scope},
	{name: "threat_index", shape: texts, types: "threat_match", kind: deploy.Scope},
	{name: "threat_query", shape: text, types: "threat_match", kind: deploy.Scope},
	{name: "threat_language", shape: text, types: "threat_match", kind: deploy.Scope, values: []string{"kuery", "lucene"}},
	{name: "threat_mapping", shape: objects, types: "threat_match", kind: deploy.Scope},
	{name: "threat_filters", shape: list, types: "threat_match", kind: deploy.Scope},
	{name: "threat_indicator_path", shape: text, types: "threat_match", kind: deploy.Scope},
	{name: "concurrent_searches", shape: integer, types: "threat_match", least: 1},
	{name: "items_per_search", shape: integer, types: "threat_match", least: 1},
	{name: "machine_learning_job_id", types: "machine_learning", kind: deploy.Scope}, // a text or several
	{name: "anomaly_threshold", shape: integer, types: "machine_learning", kind: deploy.Scope},
	{name: "exceptions_list", shape: objects, kind: deploy.Scope},
	{name: "timestamp_override", shape: text, kind: deploy.Schedule},
	{name: "timestamp_override_fallback_disabled", shape: boolean, kind: deploy.Schedule, def: "false"},
	{name: "interval", shape: text, kind: deploy.Schedule, def: "PT5M"},
	{name: "from", shape: text, kind: deploy.Schedule, def: "now-PT6M"},
	{name: "to", shape: text, kind: deploy.Schedule, def: "now"},
	{name: "severity", shape: text, kind: deploy.Severity, values: []string{"low", "medium", "high", "critical"}},
	{name: "severity_mapping", shape: objects, kind: deploy.Severity},
	{name: "risk_score", shape: integer, kind: deploy.Severity, most: 100},
	{name: "risk_score_mapping", shape: objects, kind: deploy.Severity},
	{name: "building_block_type", shape: text, kind: deploy.Severity, values: []string{"default"}},
	{name: "max_signals", shape: integer, kind: deploy.Suppression, def: "100", least: 1},
	{name: "alert_suppression", shape: object, kind: deploy.Suppression},
	{name: "investigation_fields", shape: object, kind: deploy.Entities},
	{name: "actions", shape: objects, kind: deploy.Actions},
	{name: "response_actions", shape: objects, kind: deploy.Actions},
	{name: "throttle", kind: deploy.Actions}, // of rules before 8.8; a text or null
	{name: "threat", shape: objects, kind: deploy.Attack},
	{name: "author", shape: texts, kind: deploy.Text},
	{name: "license", shape: text, kind: deploy.Text},
	{name: "tags", shape: texts, kind: deploy.Text},
	{name: "references", shape: texts, kind: deploy.Text},
	{name: "false_positives", shape: texts, kind: deploy.Text},
	{name: "note", shape: text, kind: deploy.Text},
	{name: "setup", shape: text, kind: deploy.Text},
	{name: "rule_name_override", shape: text, kind: deploy.Text},
	{name: "timeline_id", shape: text, kind: deploy.Text},
	{name: "timeline_title", shape: text, kind: deploy.Text},
	{name: "required_fields", shape: objects, kind: deploy.Text},
	{name: "related_integrations", shape: objects, kind: deploy.Text},
	{name: "meta"}, {name: "output_index"}, {name: "namespace"},
}

// added are the keys that Kibana gives a rule, and does not take.
var added = []string{"id", "immutable", "rule_source", "created_at", "created_by", "updated_at", "updated_by", "revision",
	"execution_summary", "outcome", "alias_target_id", "alias_purpose", "status", "status_date", "last_failure_at", "last_failure_message", "last_success_at", "last_success_message", "lists", "saved_object_id"}

// order is the place of each field, by name.
var order = sync.OnceValue(func() map[string]int {
	out := map[string]int{}
	for i, f := range fields {
		out[f.name] = i
	}
	return out
})

func fieldOf(name string) (field, bool) {
	i, ok := order()[name]
	if !ok {
		return field{}, false
	}
	return fields[i], true
}

// of says whether rules of a type have the field.
func (f field) of(typ string) bool {
	return f.types == "" || slices.Contains(strings.Fields(f.types), typ)
}

// A rule is a detection as it stands in a file.
type rule struct {
	*node
	toml     bool
	metadata *node // of a file in TOML
	size     int   // of its text, in bytes
}

// settings are what the rule decides beside its query, in the order of fields.
func (r *rule) settings() (out []deploy.Setting) {
	for _, f := range fields {
		if f.kind == "" || !f.of(r.get("type").text()) {
			continue
		}
		add := func(name, value string) {
			if value != "" {
				out = append(out, deploy.Setting{Kind: f.kind, Name: name, Value: value})
			}
		}
		switch n := r.get(f.name); f.name {
		case "language":
			add(f.name, cmp.Or(n.text(), defaultLanguage[r.get("type").text()]))
		case "interval":
			value := n.text()
			if d, ok := span(value); ok {
				value = deploy.ISO(d)
			}
			add(f.name, cmp.Or(value, f.def))
		case "from", "to", "history_window_start":
			value := n.text()
			if d, ok := back(value); ok {
				value = "now"
				if d > 0 {
					value = "now-" + deploy.ISO(d)
				}
			}
			add(f.name, cmp.Or(value, f.def))
		case "alert_suppression":
			add(f.name+".group_by", set(n.get("group_by").texts()))
			if d := n.get("duration"); d.kind == object {
				add(f.name+".duration", duration(d))
			}
			if n.kind == object && r.get("type").text() != "threshold" {
				add(f.name+".missing_fields_strategy", cmp.Or(n.get("missing_fields_strategy").text(), "suppress"))
			}
		case "threshold":
			by := n.get("field")
			add(f.name+".field", set(append(by.texts(), by.text())))
			add(f.name+".value", n.get("value").setting())
			add(f.name+".cardinality", n.get("cardinality").setting())
		case "threat":
			add(f.name, threats(n))
		case "actions", "response_actions":
			// Who is told, and with which words, may be a secret: that somebody is, is not.
			var types []string
			for _, a := range n.list {
				types = append(types, a.get("action_type_id").text())
			}
			slices.Sort(types)
			add(f.name, strings.Join(types, ", "))
		case "throttle":
			if n.text() != "no_actions" {
				add(f.name, n.text())
			}
		case "exceptions_list":
			var lists []string
			for _, x := range n.list {
				lists = append(lists, x.get("list_id").text())
			}
			add(f.name, set(lists))
		case "investigation_fields":
			add(f.name, set(n.get("field_names").texts()))
		case "required_fields":
			var all []string
			for _, x := range n.list {
				all = append(all, x.get("name").text()+" "+x.get("type").text())
			}
			add(f.name, set(all))
		default:
			add(f.name, cmp.Or(n.setting(), f.def))
		}
	}
	return out
}

// setting is a value in its one spelling; empty for what says nothing.
func (n *node) setting() string {
	switch n.kind {
	case text:
		return strings.TrimSpace(strings.ReplaceAll(n.text(), "\r\n", "\n"))
	case boolean:
		return strconv.FormatBool(n.value.(bool))
	case integer, number:
		return string(n.value.(json.Number))
	case list:
		if n.is(texts) {
			return set(n.texts())
		}
		var all []string
		for _, x := range n.list {
			all = append(all, x.canonical())
		}
		return set(all)
	case object:
		if len(n.keys) > 0 {
			return n.canonical()
		}
	}
	return ""
}

// set is a list whose order says nothing.
func set(all []string) string {
	all = slices.DeleteFunc(slices.Clone(all), func(s string) bool { return s == "" })
	slices.Sort(all)
	return strings.Join(slices.Compact(all), ", ")
}

// threats are the tactics of threat blocks, each with its techniques, by their ids: names and
// references follow from these.
func threats(n *node) string {
	var out []string
	for _, t := range n.list {
		ids := []string{}
		for _, technique := range t.get("technique").list {
			ids = append(ids, technique.get("id").text())
			for _, sub := range technique.get("subtechnique").list {
				ids = append(ids, sub.get("id").text())
			}
		}
		slices.Sort(ids)
		out = append(out, strings.Join(append([]string{t.get("tactic").get("id").text()}, slices.Compact(ids)...), " "))
	}
	return set(out)
}

// duration is `{value: 60, unit: m}`.
func duration(n *node) string {
	if d, ok := span(n.get("value").setting() + n.get("unit").text()); ok {
		return deploy.ISO(d)
	}
	return n.canonical()
}

// units are those of date math in Elasticsearch that have a length.
var units = map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'H': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour}

// maxSpan bounds lengths of time, so that sums of them have a number: a hundred years.
const maxSpan = 36500 * 24 * time.Hour

// span is a length of time: `90m`.
func span(s string) (time.Duration, bool) {
	if len(s) < 2 || units[s[len(s)-1]] == 0 {
		return 0, false
	}
	n, err := strconv.ParseUint(s[:len(s)-1], 10, 32)
	unit := units[s[len(s)-1]]
	if err != nil || n == 0 || time.Duration(n) > maxSpan/unit {
		return 0, false
	}
	return time.Duration(n) * unit, true
}

// back is how long before now date math means: `now-1h-30m`. It is false for what rounds, has
// months, or is no date math.
func back(s string) (d time.Duration, ok bool) {
	s, ok = strings.CutPrefix(s, "now")
	for ok && s != "" && (d <= maxSpan && d >= -maxSpan) {
		sign := s[0]
		end := 1
		for end < len(s) && s[end] >= '0' && s[end] <= '9' {
			end++
		}
		if end == len(s) || sign != '-' && sign != '+' {
			return 0, false
		}
		length, is := span(s[1 : end+1])
		if !is {
			return 0, false
		}
		if s = s[end+1:]; sign == '-' {
			d += length
		} else {
			d -= length
		}
	}
	return d, ok && s == ""
}

// short writes a length of time with the largest of the units that the pages of Kibana know.
func short(d time.Duration) string {
	for _, u := range []string{"h", "m"} {
		if unit := units[u[0]]; d >= unit && d%unit == 0 {
			return strconv.FormatInt(int64(d/unit), 10) + u
		}
	}
	return strconv.FormatInt(int64((d+time.Second-1)/time.Second), 10) + "s"
}
