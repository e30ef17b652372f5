package check

import (
	"bytes"
	"cmp"
	"crypto/sha1"
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"sigmac/ir"
	"sigmac/parser"
)

// A correlated is the document of a correlation that takes the place of an aggregation.
type correlated struct {
	Title          string      `yaml:"title"`
	ID             string      `yaml:"id"`
	Status         string      `yaml:"status,omitempty"`
	Tags           []string    `yaml:"tags,omitempty"`
	Correlation    correlation `yaml:"correlation"`
	FalsePositives []string    `yaml:"falsepositives,omitempty"`
	Level          string      `yaml:"level,omitempty"`
}

type correlation struct {
	Type      string         `yaml:"type"`
	Rules     []string       `yaml:"rules"`
	GroupBy   []string       `yaml:"group-by,omitempty"`
	Timespan  string         `yaml:"timespan"`
	Condition map[string]any `yaml:"condition"`
}

// correlate is the fix that turns the aggregation of a rule into a correlation over it,
// or nil: what stood behind the pipe and the line of the timeframe go, the rule gets a
// name unless it has an id, and the correlation stands behind the last document.
func (r *fileReport) correlate(d *parser.Document) *Fix {
	if d.Aggregation == nil || d.Broken.Rule == nil {
		return nil
	}
	a, rule := d.Aggregation, d.Broken.Rule
	from, to := r.offset(a.Pipe.Start), r.offset(a.Pipe.End)
	key, end := r.offset(a.Timeframe.Start), r.offset(a.Timeframe.End)
	if min(from, to, key, end) < 0 {
		return nil
	}
	line := bytes.LastIndexByte(r.Data[:key], '\n') + 1
	after := bytes.IndexByte(r.Data[end:], '\n')
	if after < 0 || len(bytes.TrimSpace(r.Data[line:key])) > 0 {
		return nil
	}
	if rest := bytes.TrimSpace(r.Data[end : end+after]); len(rest) > 0 && rest[0] != '#' {
		return nil
	}
	for from > 0 && bytes.IndexByte([]byte(" \r\n"), r.Data[from-1]) >= 0 {
		from--
	}
	edits := []Edit{{line, end + after + 1, ""}, {from, to, ""}}
	called := cmp.Or(rule.Meta.ID, rule.Meta.Name)
	if called == "" {
		called = slug(rule.Meta.Title)
		at := r.offset(d.Pos)
		if called == "" || at < 0 || at > 0 && r.Data[at-1] != '\n' {
			return nil
		}
		edits = append(edits, Edit{at, at, "name: " + called + "\n"})
	}
	text, err := yaml.Marshal(correlationOf(rule.Meta, called, a.Correlation))
	if err != nil {
		return nil
	}
	start := "---\n"
	if r.Data[len(r.Data)-1] != '\n' {
		start = "\n---\n"
	}
	edits = append(edits, Edit{len(r.Data), len(r.Data), start + string(text)})
	return allOf([]*Fix{{Edits: edits}})
}

func correlationOf(m ir.Meta, called string, c ir.Correlation) correlated {
	var by []string
	for _, n := range c.GroupBy {
		by = append(by, n.Text)
	}
	condition := map[string]any{}
	for _, l := range c.Condition {
		condition[l.Op] = &yaml.Node{Kind: yaml.ScalarNode, Value: string(l.Number)}
	}
	for _, n := range c.Fields {
		condition["field"] = n.Text
	}
	return correlated{
		Title: m.Title + ", " + strings.ReplaceAll(c.Type.Text, "_", " ") + " in " + c.Timespan.Text,
		ID:    uuidOf(called + "\n" + c.Type.Text), Status: m.Status, Tags: m.Tags,
		Correlation:    correlation{c.Type.Text, []string{called}, by, c.Timespan.Text, condition},
		FalsePositives: m.FalsePositives, Level: m.Level,
	}
}

// slug is a name made of a title: small letters, digits and underscores.
func slug(title string) string {
	words := strings.FieldsFunc(strings.ToLower(title), func(c rune) bool { return (c < 'a' || c > 'z') && (c < '0' || c > '9') })
	return strings.Join(words, "_")
}

// uuidOf is a UUID of version 5 (RFC 9562, section 5.5) of a name.
func uuidOf(name string) string {
	space := []byte("\x6b\xa7\xb8\x12\x9d\xad\x11\xd1\x80\xb4\x00\xc0\x4f\xd4\x30\xc8") // that of OIDs
	h := sha1.Sum(append(space, name...))
	h[6], h[8] = h[6]&0x0f|0x50, h[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", h[:4], h[4:6], h[6:8], h[8:10], h[10:16])
}

// correlates says whether a rule and the correlation behind it say what an old document
// says with its aggregation.
func correlates(old, rule, added *parser.Document) bool {
	if rule.Rule == nil || added.Correlation == nil || len(rule.Rule.Conditions) != 1 || len(added.Correlation.Rules) != 1 {
		return false
	}
	was, is := old.Broken.Rule, rule.Rule
	want, got := &old.Aggregation.Correlation, added.Correlation
	same := func(a, b ir.Name) bool { return a.Text == b.Text }
	return slices.EqualFunc(was.Detections, is.Detections, func(a, b ir.Detection) bool { return a.Name == b.Name && ir.Equal(a.Expr, b.Expr) }) &&
		is.Conditions[0].Text == old.Aggregation.Before && was.Source.Covers(is.Source) && is.Source.Covers(was.Source) &&
		slices.Contains([]string{rule.ID, rule.Name}, got.Rules[0].Text) &&
		same(got.Type, want.Type) && same(got.Timespan.Name, want.Timespan.Name) &&
		slices.EqualFunc(got.GroupBy, want.GroupBy, same) && slices.EqualFunc(got.Fields, want.Fields, same) &&
		slices.EqualFunc(got.Condition, want.Condition, func(a, b ir.Limit) bool { return a.Op == b.Op && a.Number == b.Number })
}
