// Package coverage counts what rules cover: techniques of ATT&CK, log sources and fields.
package coverage

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"sigmac"
	"sigmac/internal/catalog"
	"sigmac/ir"
	"sigmac/parser"
)

// The words of Sigma, from the least on.
var (
	Levels   = []string{"informational", "low", "medium", "high", "critical"}
	Statuses = []string{"unsupported", "deprecated", "experimental", "test", "stable"}
)

// A Score says what the rules of a technique are worth together; a rule without a level counts as one
// of level 0 or 1.
type Score struct {
	Name, Description string
	of                func(levels []string) int
}

// Scores are the ways to score a technique.
var Scores = []Score{
	{"count", "the number of rules", func(levels []string) int { return len(levels) }},
	{"max", "the highest level, from 1 for informational to 5 for critical", func(levels []string) (most int) {
		for _, l := range levels {
			most = max(most, slices.Index(Levels, l)+1)
		}
		return most
	}},
	{"level", "the levels together: 1, 2, 4, 8 and 12 from informational to critical", func(levels []string) (sum int) {
		for _, l := range levels {
			sum += []int{1, 1, 2, 4, 8, 12}[slices.Index(Levels, l)+1]
		}
		return sum
	}},
}

// LayerOptions say what a layer shows.
type LayerOptions struct {
	Score               Score
	MinLevel, MinStatus string // one of Levels and of Statuses; what a rule does not say is no reason to leave it out
	NoSubtechniques     bool   // a sub-technique counts for its technique
	MinColor, MaxColor  string
	Min                 int
	Max                 int // 0: the highest score
}

// A Layer is one of MITRE's ATT&CK Navigator, in version 4.5 of its format.
type Layer struct {
	Name        string      `json:"name"`
	Versions    versions    `json:"versions"`
	Domain      string      `json:"domain"`
	Description string      `json:"description"`
	Gradient    gradient    `json:"gradient"`
	Techniques  []technique `json:"techniques"`
}

type versions struct {
	Attack    string `json:"attack"`
	Navigator string `json:"navigator"`
	Layer     string `json:"layer"`
}

type gradient struct {
	Colors   []string `json:"colors"`
	MinValue int      `json:"minValue"`
	MaxValue int      `json:"maxValue"`
}

type technique struct {
	ID      string `json:"techniqueID"`
	Tactic  string `json:"tactic"`
	Score   int    `json:"score"`
	Color   string `json:"color"`
	Comment string `json:"comment"`
	Enabled bool   `json:"enabled"`
	Shown   bool   `json:"showSubtechniques"`
}

// NewLayer scores the techniques that the tags of rules and correlations name, in each tactic that a
// technique has. Strange are the techniques that the matrix does not have, as they are tagged.
func NewLayer(docs []*parser.Document, o LayerOptions) (l *Layer, strange []string) {
	levels := map[string][]string{} // of the rules, by technique
	for _, d := range docs {
		m := metaOf(d)
		if m == nil || below(m.Level, o.MinLevel, Levels) || below(m.Status, o.MinStatus, Statuses) {
			continue
		}
		var own []string
		for _, t := range catalog.Techniques(m.Tags) {
			id := t.ID
			if o.NoSubtechniques && t.Parent != "" {
				id = t.Parent
			}
			if !slices.Contains(own, id) {
				own = append(own, id)
				levels[id] = append(levels[id], m.Level)
			}
		}
	}
	version, _, _ := strings.Cut(catalog.AttackVersion(), ".")
	l = &Layer{Name: "Sigma rules", Versions: versions{version, "5.2.0", "4.5"}, Domain: "enterprise-attack",
		Description: fmt.Sprintf("What Sigma rules cover: %s, by sigmac", o.Score.Description),
		Gradient:    gradient{Colors: []string{o.MinColor, o.MaxColor}, MinValue: o.Min, MaxValue: o.Max}, Techniques: []technique{}}
	known := map[string]bool{}
	for _, column := range catalog.Matrix() {
		for _, t := range column.Techniques {
			known[t.ID] = true
			if levels[t.ID] == nil {
				continue
			}
			score := o.Score.of(levels[t.ID])
			l.Techniques = append(l.Techniques, technique{ID: t.ID, Tactic: column.Tactic.Short, Score: score, Enabled: true})
			if o.Max == 0 {
				l.Gradient.MaxValue = max(l.Gradient.MaxValue, score)
			}
		}
	}
	l.Gradient.MaxValue = max(l.Gradient.MaxValue, o.Min+1) // the format wants it above the least
	for _, id := range slices.Sorted(maps.Keys(levels)) {
		if !known[id] {
			strange = append(strange, id)
		}
	}
	return l, strange
}

// below says whether a word stands before another among words.
func below(word, least string, words []string) bool {
	i := slices.Index(words, word)
	return i >= 0 && i < slices.Index(words, least)
}

// metaOf is what a rule or a correlation says of itself, or nil.
func metaOf(d *parser.Document) *ir.Meta {
	switch {
	case d.Rule != nil:
		return &d.Rule.Meta
	case d.Correlation != nil:
		return &d.Correlation.Meta
	}
	return nil
}

// Columns are those of LogSources behind the name.
var Columns = []string{"Overall", "Critical", "High", "Medium", "Low", "Informational", "None"}

// A LogSource is a category with how many rules it has, as Columns say.
type LogSource struct {
	Category string `json:"category"` // "" where rules have none
	Rules    []int  `json:"rules"`
}

// LogSources counts rules by the category of their log source and by their level, sorted by one of
// Columns, the most first.
func LogSources(docs []*parser.Document, by string) (out []LogSource) {
	for _, d := range docs {
		if d.Rule == nil {
			continue
		}
		i := slices.IndexFunc(out, func(s LogSource) bool { return s.Category == d.Rule.Source.Category })
		if i < 0 {
			i, out = len(out), append(out, LogSource{d.Rule.Source.Category, make([]int, len(Columns))})
		}
		column := len(Columns) - 1
		if at := slices.Index(Levels, d.Rule.Meta.Level); at >= 0 {
			column -= at + 1
		}
		out[i].Rules[0]++
		out[i].Rules[column]++
	}
	column := slices.Index(Columns, by)
	slices.SortFunc(out, func(a, b LogSource) int {
		return cmp.Or(cmp.Compare(b.Rules[column], a.Rules[column]), cmp.Compare(a.Category, b.Category))
	})
	return out
}

// WriteLogSources writes them as a table for people.
func WriteLogSources(w io.Writer, sources []LogSource) error {
	rows := [][]string{append([]string{"Logsource"}, Columns...)}
	for _, s := range sources {
		row := []string{cmp.Or(s.Category, "None")}
		for _, n := range s.Rules {
			row = append(row, fmt.Sprint(n))
		}
		rows = append(rows, row)
	}
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], len(cell))
		}
	}
	var line []string
	for _, n := range widths {
		line = append(line, strings.Repeat("-", n))
	}
	rule := strings.Join(line, "-+-") + "\n"
	var b strings.Builder
	for i, row := range rows {
		if i == 0 {
			b.WriteString(rule)
		}
		for j := range row {
			row[j] += strings.Repeat(" ", widths[j]-len(row[j]))
		}
		b.WriteString(strings.TrimRight(strings.Join(row, " | "), " ") + "\n")
		if i == 0 {
			b.WriteString(rule)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Fields are the names of the fields that a result's rule or correlation has at its target, sorted; of
// a correlation those of its group and its condition. ok is false where the mapping refuses it.
func Fields(res sigmac.Result) (names []string, ok bool) {
	found := map[string]bool{}
	switch d := res.Document; {
	case res.Correlation != nil:
		for _, r := range res.Correlation.Rules {
			for _, f := range slices.Concat(slices.Concat(r.Group...), slices.Concat(r.Fields...)) {
				found[f.Name] = true
			}
		}
	case d.Rule == nil:
		return nil, false
	case res.Mapped.Rule == nil && (res.Pipeline != nil || res.Table != nil):
		return nil, false
	default:
		for name := range cmp.Or(res.Mapped.Rule, d.Rule).Types() {
			found[name] = true
		}
	}
	delete(found, "") // of keywords
	return slices.Sorted(maps.Keys(found)), true
}

// SourceName is a log source as one word: category|product|service.
func SourceName(s ir.LogSource) string {
	return s.Category + "|" + s.Product + "|" + s.Service
}
