// Package targets has the query languages that sigmac knows. A registration joins a
// language's emitter and its reader, which do not know each other. What else sigmac
// knows of a language is asked of its backends.Target.
package targets

import (
	"fmt"
	"slices"
	"strings"

	"sigmac/backends"
	"sigmac/backends/elastic"
	elasticdeploy "sigmac/backends/elastic/deploy"
	elasticread "sigmac/backends/elastic/read"
	"sigmac/backends/kusto"
	kustodeploy "sigmac/backends/kusto/deploy"
	kustoread "sigmac/backends/kusto/read"
	"sigmac/backends/splunk"
	splunkdeploy "sigmac/backends/splunk/deploy"
	splunkread "sigmac/backends/splunk/read"
	"sigmac/internal/suggest"
	"sigmac/ir"
)

// defender are the pipelines to the tables of Defender XDR.
var defender = []string{"microsoft_xdr", "defender_m365"}

var all = []*backends.Target{
	{
		Name: "splunk", Aliases: []string{"spl"}, Title: "Splunk SPL", Description: "Splunk SPL", Extension: ".spl",
		Formats: []backends.Format{
			{Name: "default", Description: "one query a line", Caps: splunk.Caps(), Emit: splunk.Emit, Correlate: splunk.Correlate, Methods: []backends.Method{backends.SlidingWindows(), backends.TumblingWindows("stats")}, Costs: splunk.Costs(), Lookups: splunk.Lookups()},
			{Name: "data_model", Description: "a tstats search of a data model of the CIM", Caps: splunk.DataModelCaps(), Emit: splunk.EmitDataModel, Costs: splunk.DataModelCosts(),
				Lookups: backends.Lookups{Lacks: "a search of a data model is written without subsearches; take the format default"}},
		},
		Packages: splunkdeploy.Formats(),
		Samples:  []backends.SampleForm{{Name: "makeresults", Description: "an SPL search that makes the events", Write: splunk.Samples}},
		Replay:   splunk.Replay,
		Scope: []backends.ScopeKey{
			{Key: "index", Part: func(s *ir.Scope) *string { return &s.Index }},
			{Key: "data_model_set", Part: func(s *ir.Scope) *string { return &s.DataModel }, Tells: true},
		},
		Places:   []backends.Place{{Word: "index", Key: "index"}, {Word: "sourcetype", Field: "sourcetype"}, {Word: "source", Field: "source"}, {Word: "host", Field: "host"}},
		Home:     `'sourcetype="%s"'`,
		Columns:  backends.Columns{Schemas: []string{"splunk_cim"}, Times: []string{"_time"}, Epoch: true, Table: func(s ir.Scope) string { return s.DataModel }, Texts: true},
		World:    splunkread.World,
		Read:     splunkread.Read,
		ReadTail: splunkread.ReadTail,
	},
	{
		Name: "kusto", Aliases: []string{"kql"}, Title: "Kusto KQL", Description: "Microsoft Kusto KQL: Sentinel, Defender, Data Explorer", Extension: ".kql",
		// A workspace has Defender's tables by the connector of Defender XDR, behind its own.
		Sites: []backends.Site{
			{Name: "sentinel", Pipelines: append([]string{"azure_monitor", "sentinel_asim", "sentinel_okta", "sentinel_saas", "sentinel_zeek", "sentinel_zeek_v3", "sentinel_network"}, defender...)},
			{Name: "defender", Pipelines: defender},
			{Name: "xdr", Pipelines: defender},
		},
		Formats: []backends.Format{
			{Name: "default", Description: "one query a line", Caps: kusto.Caps(), Emit: kusto.Emit, Correlate: kusto.Correlate, Methods: []backends.Method{backends.SlidingWindows(), backends.TumblingWindows("stats")}, Costs: kusto.Costs(), Lookups: kusto.Lookups()},
		},
		Packages: kustodeploy.Formats(),
		Samples:  []backends.SampleForm{{Name: "datatable", Description: "a KQL table of the events", Write: kusto.Samples}},
		Replay:   kusto.Replay,
		Scope:    []backends.ScopeKey{{Key: "query_table", Part: func(s *ir.Scope) *string { return &s.Table }, Tells: true, Needed: true}},
		Limits: []backends.Limit{
			{Of: "an analytics rule of Microsoft Sentinel", Max: 10_000, Unit: "characters", Count: backends.Characters, Source: "Microsoft Learn: Scheduled analytics rules in Microsoft Sentinel"},
			{Of: "a log search alert rule of Azure Monitor", Max: 65_536, Unit: "bytes", Count: backends.Bytes, Source: "Microsoft Learn: Azure Monitor service limits"},
			{Of: "the operator in", Max: 1_000_000, Unit: "values in one list", Count: backends.LongestList, Source: "Microsoft Learn, Kusto: in operator"},
		},
		Places:   []backends.Place{{Word: "table", Key: "query_table"}},
		Home:     `{table: %s_CL}`,
		Columns:  backends.Columns{Schemas: []string{"microsoft_xdr", "sentinel_asim", "azure_monitor", "sentinel_connectors"}, Times: []string{"Timestamp", "TimeGenerated"}, Table: func(s ir.Scope) string { return s.Table }},
		World:    kustoread.World,
		Read:     kustoread.Read,
		ReadTail: kustoread.ReadTail,
		Term:     kustoread.Term,
	},
	{
		Name: "elastic", Aliases: []string{"eql", "es", "elasticsearch"}, Title: "Elastic EQL", Description: "Elastic EQL", Extension: ".eql",
		Formats: []backends.Format{
			{Name: "default", Description: "one query a line", Caps: elastic.Caps(), Emit: elastic.Emit, Correlate: elastic.Correlate, Methods: []backends.Method{backends.SlidingWindows("sequence")}, Costs: elastic.Costs(),
				Lookups: backends.Lookups{Lacks: "a query in EQL cannot name a value list, which Kibana has for exceptions and for indicator match rules; leave the lists in the query, or split the rule"}},
		},
		Packages: elasticdeploy.Formats(),
		Samples:  []backends.SampleForm{{Name: "bulk", Description: "lines for the bulk API of Elasticsearch", Write: elastic.Samples}},
		Replay:   elastic.Replay,
		Scope: []backends.ScopeKey{
			{Key: "event_category", Part: func(s *ir.Scope) *string { return &s.Category }},
			{Key: "index", Lost: "a query in EQL does not name its index; ask %s in the request"},
		},
		Limits: []backends.Limit{
			{Of: "the smallest node of Elasticsearch", Max: 1024, Unit: "clauses", Bytes: 4, Count: elastic.Clauses, Source: "Elastic Docs: Search settings, indices.query.bool.max_clause_count"},
			{Of: "an index as it is set up", Max: 65_536, Unit: "values in one list", Count: elastic.LongestTerms, Source: "Elastic Docs: Index modules, index.max_terms_count"},
			{Of: "Kibana as it is set up", Max: 1_048_576, Unit: "bytes", Count: backends.Bytes, Source: "Elastic Docs: Kibana general settings, server.maxPayload"},
			{Of: "Elasticsearch as it is set up", Max: 104_857_600, Unit: "bytes", Count: backends.Bytes, Source: "Elastic Docs: Networking settings, http.max_content_length"},
		},
		Places:       []backends.Place{{Word: "index", Key: "index"}, {Word: "dataset", Field: "event.dataset"}, {Word: "category", Key: "event_category"}},
		Home:         `{index: 'logs-%[1]s-*', dataset: %[1]s}`,
		Columns:      backends.Columns{Schemas: []string{"ecs", "ecs_integrations"}, Times: []string{"@timestamp"}, Open: true},
		World:        elasticread.World,
		Read:         elasticread.Read,
		ReadOptional: elasticread.ReadOptional,
		ReadTail:     elasticread.ReadTail,
		Others:       map[string]func(string, ir.Schema) (*ir.Query, error){"kuery": elasticread.ReadKuery},
	},
}

func init() {
	for _, t := range all {
		t.Format = t.Formats[0]
	}
}

// All lists the targets, in the order in which they were registered.
func All() []*backends.Target { return slices.Clone(all) }

// Named is the target of a name.
func Named(name string) (t *backends.Target, ok bool) {
	i := slices.IndexFunc(all, func(t *backends.Target) bool { return t.Name == name })
	if i < 0 {
		return nil, false
	}
	return all[i], true
}

// others are languages of other converters that sigmac does not write: their names are no slips
// of those that it has.
var others = strings.Fields("esql lucene elastalert opensearch opensearch_lucene opensearch_ppl splunk_spl2")

// Find is the target that a name on the command line means, with the place where it runs if that
// is what is named. The error
// says what was meant, or all that there are.
func Find(name string) (*backends.Target, *backends.Site, error) {
	var names, known []string
	for _, t := range all {
		for i := range t.Sites {
			if t.Sites[i].Name == name {
				return t, &t.Sites[i], nil
			}
		}
		if slices.Contains(t.Names(), name) {
			return t, nil, nil
		}
		own := t.Names()
		names = append(names, own...)
		if known = append(known, t.Name); len(own) > 1 {
			known[len(known)-1] += " (also " + strings.Join(own[1:], ", ") + ")"
		}
	}
	hint := suggest.For(name, names)
	if hint == "" || slices.Contains(others, name) {
		hint = "; targets are " + strings.Join(known, ", ")
	}
	return nil, nil, fmt.Errorf("unknown target %q%s", name, hint)
}

// Register adds a language, writing the first of its formats. It is called before
// anything else of sigmac, and panics on a name that is taken.
func Register(t *backends.Target) {
	for _, name := range t.Names() {
		if _, _, err := Find(name); err == nil {
			panic("the target " + name + " is registered already")
		}
	}
	t.Format = t.Formats[0]
	all = append(all, t)
}

// Must is Named for a name that is known.
func Must(name string) *backends.Target {
	t, ok := Named(name)
	if !ok {
		panic("no target is named " + name)
	}
	return t
}
