package pipeline_test

import (
	"slices"
	"strings"
	"testing"

	"sigmac/ir"
	"sigmac/pipeline"
	"sigmac/targets"
)

// TestDefaultTables holds that each way is one of pipelines for the target, and that
// no row or way stands behind one that is taken instead.
func TestDefaultTables(t *testing.T) {
	tables := 0
	for _, target := range targets.All() {
		for _, f := range target.Formats {
			in, _ := target.In(f.Name)
			table := pipeline.DefaultTable(in)
			if table == nil {
				t.Errorf("%s -f %s has no table", target.Name, f.Name)
				continue
			}
			tables++
			for i, row := range table.Rows() {
				for _, before := range table.Rows()[:i] {
					if before.Source.Covers(row.Source) {
						t.Errorf("%s: the row of %s stands behind that of %q", target.Name, row.Source, before.Source)
					}
				}
				for j, way := range row.Ways {
					if slices.ContainsFunc(row.Ways[:j], func(w pipeline.Way) bool { return w.Name == way.Name }) {
						t.Errorf("%s: %s: %s stands twice", target.Name, row.Source, way.Name)
					}
					for _, p := range table.Pipeline(way).Parts() {
						if !p.Allows(in) {
							t.Errorf("%s: %s: %s is not for it", target.Name, row.Source, p.ID)
						}
					}
				}
			}
		}
	}
	if tables < 3 {
		t.Errorf("only %d tables", tables)
	}
}

func TestTable(t *testing.T) {
	kusto, _ := targets.Named("kusto")
	own, errs := pipeline.Parse("own.yml", []byte("name: own\npriority: 1\ntransformations: []\n"))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	names := func(ways []pipeline.Way) string {
		var out []string
		for _, w := range ways {
			out = append(out, w.Name)
		}
		return strings.Join(out, ", ")
	}
	table := pipeline.DefaultTable(kusto)
	windows, linux := ir.LogSource{Product: "windows", Category: "process_creation"}, ir.LogSource{Product: "linux", Category: "process_creation"}
	if ways := table.Ways(windows); len(ways) < 2 || ways[0].Name != "microsoft_xdr" {
		t.Errorf("%v", names(ways))
	}
	if ways := table.Preferring("azure_monitor", "microsoft_xdr").Ways(windows); !strings.HasPrefix(names(ways), "azure_monitor, microsoft_xdr") {
		t.Errorf("%v", names(ways))
	}
	mine := table.Before(pipeline.Row{Source: ir.LogSource{Product: "linux"}, Ways: []pipeline.Way{pipeline.WayOf(own)}})
	if got := names(mine.Ways(linux)); got != "own.yml" {
		t.Errorf("%s", got)
	}
	if got, want := names(mine.Ways(windows)), names(table.Ways(windows)); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	with := mine.With(own)
	var parts []string
	for _, p := range with.Pipeline(with.Ways(windows)[0]).Parts() {
		parts = append(parts, p.ID)
	}
	if !slices.Equal(parts, []string{"own.yml", "microsoft_xdr"}) { // by priority
		t.Errorf("%v", parts)
	}
}
