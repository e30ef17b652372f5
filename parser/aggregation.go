package parser

import (
	"slices"
	"strings"

	"github.com/alecthomas/participle/v2/lexer"
	"gopkg.in/yaml.v3"

	"sigmac/internal/lazy"
	"sigmac/ir"
)

// An Aggregation is what stood behind the pipe of a condition up to version 1 of the
// specification, `| count() by f > 5`, with its timeframe.
type Aggregation struct {
	// Correlation says the same of the rule that the aggregation stands in: its Type,
	// GroupBy, Timespan, Condition and Fields. Rules is empty.
	Correlation ir.Correlation
	Before      string  // the condition before the pipe
	Pipe        ir.Span // from the pipe to the end of the condition
	Timeframe   ir.Span // key and value
}

var (
	aggregationWord = lazy.Regexp(`[<>=!]+|[()|]|[^<>=!()|,\s]+`)
	comparisons     = map[string]string{">=": "gte", "<=": "lte", "==": "eq", "!=": "neq", ">": "gt", "<": "lt", "=": "eq"}

	// aggregations are the types of the correlations that have taken their place.
	aggregations = map[string]string{"count": "event_count", "sum": "value_sum", "avg": "value_avg", "near": "temporal",
		"min": "value_percentile", "max": "value_percentile"}
)

// refuseAggregation refuses `| count() by x > 5` and names the correlation that has
// taken its place, which the document keeps where all of it is said.
func (f *file) refuseAggregation(n *yaml.Node, tokens []lexer.Token, timeframe entry) {
	at := f.part(n, tokens[0].Pos.Offset, tokenEnd(tokens[len(tokens)-2]))
	refuse := func(format string, args ...any) {
		d := f.diagnostic(at, format, args...)
		d.Feature = "a pipe aggregation"
		f.errs = append(f.errs, d)
	}
	rest := n.Value[tokens[0].Pos.Offset+1:]
	text := strings.ToValidUTF8(strings.Join(strings.Fields(rest[:min(len(rest), 500)]), " "), "")
	words := aggregationWord().FindAllString(text, -1)
	word := func(i int) string {
		if i < len(words) {
			return words[i]
		}
		return ""
	}
	kind := aggregations[word(0)]
	if kind == "" {
		refuse("a condition with a pipe is no longer part of Sigma, and %q is no aggregation that it had", text)
		return
	}
	field, op, number := "", "", ""
	var by []string
	for i := 1; i < len(words); i++ {
		switch v := word(i); {
		case v == "(" && word(i+1) != ")":
			field = word(i + 1)
		case v == "by":
			for ; i+1 < len(words) && comparisons[word(i+1)] == ""; i++ {
				by = append(by, word(i+1))
			}
		case comparisons[v] != "":
			op, number = comparisons[v], word(i+1)
		}
	}
	if word(0) == "count" && field != "" {
		kind = "value_count"
	}
	parts := []string{"type: " + kind}
	if len(by) > 0 {
		parts = append(parts, "group-by: ["+strings.Join(by, ", ")+"]")
	}
	if timeframe.value != nil && timeframe.value.Kind == yaml.ScalarNode {
		parts = append(parts, "timespan: "+timeframe.value.Value)
	} else {
		parts = append(parts, "a timespan")
	}
	if op != "" {
		condition := op + ": " + number
		if field != "" {
			condition += ", field: " + field
		}
		parts = append(parts, "condition: {"+condition+"}")
	}
	refuse("`| %s` is no longer part of Sigma; write a correlation over this rule with %s", text, strings.Join(parts, ", "))

	if !slices.Contains([]string{"count", "sum", "avg"}, word(0)) || timeframe.value == nil || timeframe.value.Kind != yaml.ScalarNode || len(rest) > 500 {
		return // near names other rules; the least and the greatest value have no type
	}
	limit, ok := ir.ParseNumber(number)
	written := strings.Join(words, "")
	said := word(0) + "(" + field + ")"
	if len(by) > 0 {
		said += "by" + strings.Join(by, "")
	}
	for sign, name := range comparisons {
		if name == op && written == said+sign+number && ok {
			a := &Aggregation{Before: strings.TrimSpace(n.Value[:tokens[0].Pos.Offset]), Pipe: at, Timeframe: ir.Span{Start: posOf(timeframe.key), End: f.behind(timeframe.value, true)}}
			c := &a.Correlation
			c.Type.Text, c.Timespan = kind, ir.Timespan{Name: ir.Name{Text: timeframe.value.Value}}
			c.Condition = []ir.Limit{{Op: op, Number: limit}}
			for _, name := range by {
				c.GroupBy = append(c.GroupBy, ir.Name{Text: name})
			}
			if field != "" {
				c.Fields = []ir.Name{{Text: field}}
			}
			f.aggregations = append(f.aggregations, a)
			return
		}
	}
}
