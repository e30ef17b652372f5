package verify

import (
	"slices"
	"strings"
	"testing"

	"sigmac/backends"
	"sigmac/internal/irtest"
	"sigmac/ir"
	"sigmac/targets"
)

// TestMapped: what a pipeline adds is part of the claim: the table, the columns
// that the query computes, and pieces of query language.
func TestMapped(t *testing.T) {
	text := func(f string, typ ir.Type) ir.Match {
		return ir.Match{Field: ir.Field{Name: f, Type: typ}, Test: ir.Lit("x")}
	}
	self := []ir.Computed{{Name: "A", Text: `strcat("x", A)`, Type: "string"}}
	like := func(f, pattern string) ir.Match {
		var parts []ir.Part
		for i, text := range strings.Split(pattern, "*") {
			if i > 0 {
				parts = append(parts, ir.Part{Kind: ir.AnyRun})
			}
			parts = append(parts, ir.Part{Text: text})
		}
		return ir.Match{Field: ir.Field{Name: f, Type: ir.Text}, Test: ir.NewPattern(false, parts...)}
	}
	path := []ir.Computed{{Name: "Path", Text: `strcat(A, @"\", B)`, Type: "string"}}
	piece := ir.Opaque{Lang: "splunk", Text: "[| inputlookup admins]"}
	for _, c := range []struct {
		b       *backends.Target
		scope   ir.Scope
		columns []ir.Computed
		expr    ir.Expr
		query   string
		want    string
	}{
		{targets.Must("kusto"), ir.Scope{Table: "T"}, nil, text("F", ir.Text), `T | where F =~ "x"`, "proved"},
		{targets.Must("kusto"), ir.Scope{Table: "T"}, nil, text("F", ir.Text), `U | where F =~ "x"`, "refuted"},
		{targets.Must("kusto"), ir.Scope{Table: "T"}, nil, text("F", ir.Text), `F =~ "x"`, "refuted"},
		{targets.Must("kusto"), ir.Scope{Table: "T"}, path, text("Path", ir.Text), `T | extend Path = strcat(A, @"\", B) | where Path =~ "x"`, "proved"},
		{targets.Must("kusto"), ir.Scope{Table: "T"}, path, text("Path", ir.Text), `T | extend Path=strcat(A,@"\",B) | where Path =~ "x"`, "proved"},
		{targets.Must("kusto"), ir.Scope{Table: "T"}, path, text("Path", ir.Text), `T | extend Path = strcat(B, @"\", A) | where Path =~ "x"`, "agreed"},
		{targets.Must("kusto"), ir.Scope{Table: "T"}, path, like("Path", `*\a\b`), `T | where A endswith @"\a" and B =~ "b"`, "proved"},
		{targets.Must("kusto"), ir.Scope{Table: "T"}, path, like("Path", `*\a\b`), `T | where A endswith @"\c" and B =~ "b"`, "refuted"},
		{targets.Must("kusto"), ir.Scope{Table: "T"}, path, like("Path", `*\a\b`), `T | where B =~ "b"`, "refuted"},
		{targets.Must("kusto"), ir.Scope{Table: "T"}, path, like("Path", `*\a*`), `T | where A contains @"\a" or B startswith "a"`, "proved"},
		{targets.Must("kusto"), ir.Scope{Table: "T"}, path, like("Path", `*\a*`), `T | where A contains @"\a"`, "refuted"},
		{targets.Must("kusto"), ir.Scope{Table: "T"}, self, text("A", ir.Text), `T | extend A = strcat("x", A) | where A =~ "x"`, "proved"},
		{targets.Must("kusto"), ir.Scope{Table: "T"}, self, text("A", ir.Text), `T | where isempty(A)`, "error"},
		{targets.Must("kusto"), ir.Scope{Table: "T"}, path, text("Path", ir.Text), `T | where Path =~ "x"`, "error"},
		{targets.Must("kusto"), ir.Scope{Table: "T"}, nil, text("D.f", ir.Dynamic), `T | where tostring(D.f) =~ "x"`, "proved"},
		{targets.Must("kusto"), ir.Scope{Table: "T"}, nil, text("D.f", ir.Dynamic), `T | where tostring(D.f) == "x"`, "refuted"},
		{targets.Must("kusto"), ir.Scope{Table: "T"}, nil, text("D.f", ir.Dynamic), `T | where tostring(D.g) =~ "x"`, "refuted"},
		{targets.Must("kusto"), ir.Scope{Table: "T"}, nil, text("D.f", ir.JSON), `T | where tostring(parse_json(D).f) =~ "x"`, "proved"},
		{targets.Must("elastic"), ir.Scope{Category: "process"}, nil, text("f", ir.Text), `process where ?f : "x"`, "proved"},
		{targets.Must("elastic"), ir.Scope{Category: "process"}, nil, text("f", ir.Text), `any where ?f : "x"`, "refuted"},
		{targets.Must("splunk"), ir.Scope{}, nil, ir.And{text("f", ir.Text), piece}, `f="x" ([| inputlookup admins])`, "agreed"},
		{targets.Must("splunk"), ir.Scope{}, nil, ir.And{text("f", ir.Text), ir.Not{X: piece}}, `f="x" NOT ([| inputlookup admins])`, "agreed"},
		{targets.Must("splunk"), ir.Scope{}, nil, ir.And{text("f", ir.Text), piece}, `f="x" OR ([| inputlookup admins])`, "agreed"},
	} {
		r := &ir.Rule{Scope: c.scope, Computed: c.columns, Conditions: []ir.Condition{{Expr: c.expr}}}
		if c.columns != nil {
			r.Supposed = []ir.Supposed{{ID: "kusto/test", Text: `B !contains @"\"`}}
		}
		res, err := Query(c.b, r, 0, c.query, DefaultBudget)
		got := res.Verdict.String()
		if err != nil {
			got = "error"
		}
		if got != c.want {
			t.Errorf("%s: %s (%s, %v), want %s", c.query, got, res.Reason, err, c.want)
		}
		if supposes := slices.Contains(res.Assumptions, "kusto/test"); supposes != (c.columns != nil && err == nil && strings.Contains(c.query, "T | where A") || strings.Contains(c.query, "where B")) {
			t.Errorf("%s: rests on %v", c.query, res.Assumptions)
		}
	}
}

// TestPlaceholders: what stands around a piece of query language is proved.
func TestPlaceholders(t *testing.T) {
	piece := ir.Opaque{Lang: "x", Text: "piece"}
	for _, b := range targets.All() {
		r := &ir.Rule{Conditions: []ir.Condition{{Expr: ir.And{
			ir.Match{Field: ir.Field{Name: "f", Type: ir.Text}, Test: ir.Lit("x")}, ir.Not{X: piece}}}}}
		legal, refused := backends.Legalize(r, b.Format.Caps)
		if len(refused) > 0 {
			t.Fatal(refused)
		}
		queries, err := irtest.Emit(b.Format.Emit).Flat(legal)
		if err != nil {
			t.Fatal(err)
		}
		const known = "a placeholder is a piece of query language, which sigmac does not read"
		if res, err := Query(b, r, 0, queries[0], DefaultBudget); err != nil || res.Verdict != Agreed || res.Reason != known {
			t.Errorf("%s: %s: %s %v", b.Name, queries[0], res.Reason, err)
		}
		if res, err := Query(b, r, 0, queries[0]+" ", DefaultBudget); err != nil || res.Reason != known {
			t.Errorf("%s: white space matters: %s %v", b.Name, res.Reason, err)
		}
		if res, err := Query(b, r, 0, "another", DefaultBudget); err != nil || res.Verdict != Agreed || res.Reason == known {
			t.Errorf("%s: another query: %s %v", b.Name, res.Reason, err)
		}
	}
}

// TestScope: whatever a pipeline says of the place where a query looks, a target
// writes it so that its reader finds it, or refuses it.
func TestScope(t *testing.T) {
	written := 0
	models, _ := targets.Must("splunk").In("data_model")
	for _, b := range append(targets.All(), models) {
		for _, scope := range []ir.Scope{{Table: "T"}, {Table: "a b"}, {Table: "T'x"}, {Index: "main"}, {Index: "logs-*"}, {Index: "a,b"}, {Index: `a" OR "b`},
			{Category: "process"}, {Category: "my-cat"}, {Category: "or"}, {Category: `a" where true or "b`}, {DataModel: "Web.Web"}, {DataModel: "Web.Web where true"},
			{Index: "main", DataModel: "Web.Web"}, {Table: "T", Index: "main"}, {Table: "T", Category: "process"}} {
			r := &ir.Rule{Scope: scope, Conditions: []ir.Condition{{Expr: ir.Match{Field: ir.Field{Name: "f", Type: ir.Text}, Test: ir.Lit("x")}}}}
			queries, err := irtest.Emit(b.Format.Emit).Flat(r)
			if err != nil {
				continue
			}
			written++
			if res, err := Query(b, r, 0, queries[0], DefaultBudget); err != nil || res.Verdict != Proved {
				t.Errorf("%s: %+v: %s: %s %v", b.Name, scope, queries[0], res.Verdict, err)
			}
		}
	}
	if written < 10 {
		t.Error("only", written)
	}
}
