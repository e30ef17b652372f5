package pipeline_test

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"sigmac"
	"sigmac/internal/corpus"
	"sigmac/pipeline"
)

// BenchmarkPipeline compares converting all rules for a target through a
// pipeline of 700 items with converting them without one, from the bytes on.
func BenchmarkPipeline(b *testing.B) {
	files := corpus.Files(b, ".yml", "sigma/rules*")
	sources := make([][]byte, len(files))
	for i, f := range files {
		src, err := os.ReadFile(f)
		if err != nil {
			b.Fatal(err)
		}
		sources[i] = src
	}
	p, faults := pipeline.Parse("large.yml", []byte(largePipeline()))
	if len(faults) > 0 {
		b.Fatal(faults)
	}
	target := sigmac.Targets()[0]
	mapped := sigmac.Options{Mappings: []sigmac.Mapping{{Target: target, Pipeline: pipeline.Join(p)}}}
	defer debug.SetGCPercent(debug.SetGCPercent(300)) // as the command does
	run := func(o sigmac.Options) time.Duration {
		runtime.GC()
		start := time.Now()
		c, errs := sigmac.ParseFiles(files, func(i int) ([]byte, error) { return sources[i], nil })
		if len(errs) > 0 {
			b.Fatal(errs)
		}
		for range sigmac.Compile(c, o) {
		}
		return time.Since(start)
	}
	var without, with time.Duration
	for b.Loop() {
		without += run(sigmac.Unmapped(target))
		with += run(mapped)
	}
	b.ReportMetric(with.Seconds()/without.Seconds(), "x-without")
}

// largePipeline is a pipeline of 700 items of the kinds that large ones have:
// conditions and field names by log source, checks by table, values by field.
func largePipeline() string {
	var b strings.Builder
	b.WriteString("transformations:\n")
	item := func(format string, args ...any) { fmt.Fprintf(&b, "  - "+format+"\n", args...) }
	for i := range 100 {
		item("{id: source_%[1]d, type: add_condition, conditions: {source: 's%[1]d'}, rule_conditions: [{type: logsource, product: windows, service: 'service%[1]d'}]}", i)
		item("{id: names_%[1]d, type: field_name_mapping, mapping: {Image: process%[1]d, CommandLine: line%[1]d}, rule_conditions: [{type: logsource, category: 'category%[1]d'}]}", i)
		item("{id: check_%[1]d, type: rule_failure, message: no, rule_conditions: [{type: processing_state, key: query_table, val: 'T%[1]d'}]}", i)
		item("{id: fields_%[1]d, type: detection_item_failure, message: no, rule_conditions: [{type: processing_item_applied, processing_item_id: source_%[1]d}], field_name_conditions: [{type: exclude_fields, fields: [a, b]}]}", i)
		item("{id: state_%[1]d, type: set_state, key: key%[1]d, val: x, rule_conditions: [{type: contains_field, field: 'Field%[1]d'}]}", i)
	}
	for i := range 100 {
		item("{id: value_%[1]d, type: replace_string, regex: '^x%[1]d$', replacement: y, field_name_conditions: [{type: include_fields, fields: ['Name%[1]d']}]}", i)
		item("{id: rename_%[1]d, type: field_name_mapping, mapping: {'Old%[1]d': 'New%[1]d'}}", i)
	}
	return b.String()
}
