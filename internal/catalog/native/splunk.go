package native

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	splunk "sigmac/backends/splunk/read"
	"sigmac/internal/catalog"
	"sigmac/internal/lazy"
	"sigmac/ir"
	"sigmac/parser"
)

// decodeYAML reads the first document of src. The error says where it is wrong.
func decodeYAML(src []byte, into any) *ir.Diagnostic {
	err := yaml.NewDecoder(bytes.NewReader(src)).Decode(into)
	if err == nil || err == io.EOF {
		return nil
	}
	if f, _ := parser.Open("", "", src); len(f.Errors()) > 0 {
		return f.Errors()[0]
	}
	at := ir.Pos{Line: 1, Column: 1}
	msg := err.Error()
	if typed := (*yaml.TypeError)(nil); errors.As(err, &typed) {
		msg = typed.Errors[0]
	}
	if m := yamlLine().FindStringSubmatch(msg); m != nil {
		at.Line, _ = strconv.Atoi(m[1])
		msg = msg[len(m[0]):]
	}
	return &ir.Diagnostic{Pos: at, Msg: msg}
}

var yamlLine = lazy.Regexp(`^(?:yaml: )?line (\d+): `)

// texts is a text or several: a rule may give either.
type texts []string

// line is t in a line.
func (t texts) line() string { return strings.Join(t, ", ") }

// UnmarshalYAML takes what n has of texts, and nothing else.
func (t *texts) UnmarshalYAML(n *yaml.Node) error {
	list := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		list = n.Content
	}
	for _, n := range list {
		if n.Kind == yaml.ScalarNode {
			t.add(n.Value)
		}
	}
	return nil
}

// UnmarshalTOML does the same of a value of TOML.
func (t *texts) UnmarshalTOML(v any) error {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	for _, v := range list {
		if s, ok := v.(string); ok {
			t.add(s)
		}
	}
	return nil
}

func (t *texts) add(s string) {
	if s = strings.TrimSpace(s); s != "" {
		*t = append(*t, s)
	}
}

// severity is the highest one of risk scores, as the tool that builds Splunk's
// security content has it (contentctl, detection_tags.py).
func severity(scores []string) string {
	highest := -1.0
	for _, s := range scores {
		if n, err := strconv.ParseFloat(s, 64); err == nil {
			highest = max(highest, n)
		}
	}
	switch {
	case highest < 0 || highest > 100:
		return ""
	case highest > 80:
		return "critical"
	case highest > 60:
		return "high"
	case highest > 40:
		return "medium"
	case highest > 20:
		return "low"
	}
	return "informational"
}

// Splunk reads a detection in the form of Splunk's security content. Macros
// that are not given stay as they are, and what they stand for is not read.
func Splunk(path string, src []byte, macros map[string]splunk.Macro) *Rule {
	r := &Rule{Catalog: "splunk", Path: path, Language: "spl"}
	var d struct {
		Name, ID, Status, Description, Search string
		Author, Date, References              texts
		FalsePositives                        texts    `yaml:"known_false_positives"`
		MitreAttackID                         []string `yaml:"mitre_attack_id"`
		Tags                                  struct {
			MitreAttackID []string `yaml:"mitre_attack_id"`
			RiskScore     texts    `yaml:"risk_score"`
		}
		RBA struct {
			RiskObjects []struct{ Score texts } `yaml:"risk_objects"`
		}
	}
	if err := decodeYAML(src, &d); err != nil {
		return r.malformed("not a detection in YAML", err.Pos, err.Msg)
	}
	r.Title, r.ID, r.Status, r.Description, r.Query = d.Name, d.ID, d.Status, d.Description, d.Search
	r.Author, r.Date = d.Author.line(), d.Date.line()
	r.References, r.FalsePositives = catalog.List[string](d.References), catalog.List[string](d.FalsePositives)
	scores := d.Tags.RiskScore
	for _, o := range d.RBA.RiskObjects {
		scores = append(scores, o.Score...)
	}
	r.Level = severity(scores)
	r.Tags = techniques(append(d.Tags.MitreAttackID, d.MitreAttackID...)...)
	if d.Search == "" {
		return r.because("no search", "")
	}
	is, err := r.layOut(func(query string) (reading, error) {
		q, err := splunk.Reader{Macros: macros}.Read(query, ir.Types{})
		if err != nil {
			return reading{}, err
		}
		stages, err := splunk.Stages(query)
		return reading{stages, []*ir.Query{q}}, err
	})
	if err != nil {
		return r.refused(err)
	}
	q := is.queries[0]
	filter := withoutPresence(wanted(q.Whole(), is.stages))
	return r.read(is.stages, false, part{r.renamed(filter, splunkField), q.Unjudged()})
}

// withoutPresence is a filter in which `f!=x` is what it says, and not also
// that f is there.
func withoutPresence(e ir.Expr) ir.Expr {
	out, _ := ir.Rewrite(e, func(e ir.Expr) (ir.Expr, bool) {
		and, ok := e.(ir.And)
		if !ok {
			return e, false
		}
		out := ir.And{}
		for i, x := range and {
			if m, ok := x.(ir.Match); ok && i+1 < len(and) && m.Test == (ir.Exists{}) {
				not, _ := and[i+1].(ir.Not)
				if n, ok := not.X.(ir.Match); ok && n.Field == m.Field && n.Pos == m.Pos {
					continue
				}
			}
			out = append(out, withoutPresence(x))
		}
		return out, true
	})
	return out
}

// grouping finds the clause BY of `tstats`.
var grouping = lazy.Regexp(`(?i)\s(?:group)?by\s`)

// wanted is a filter without what is in it for the columns by which `tstats`
// groups: that they are there is true of the rows, but not what a rule is about.
func wanted(e ir.Expr, stages []ir.Command) ir.Expr {
	and, ok := e.(ir.And)
	if !ok {
		and = ir.And{e}
	}
	if len(stages) == 0 || stages[0].Name != "tstats" {
		return e
	}
	at := grouping().FindAllStringIndex(stages[0].Text, -1)
	if at == nil {
		return e
	}
	by := advance(stages[0].Pos, stages[0].Text[:at[len(at)-1][1]])
	var out ir.And
	for _, x := range and {
		switch x := x.(type) {
		case ir.Match:
			if _, exists := x.Test.(ir.Exists); exists && x.Pos.Compare(by) >= 0 {
				continue
			}
		case ir.Opaque:
			if x.Pos.Compare(by) >= 0 {
				continue
			}
		}
		out = append(out, x)
	}
	return out
}

// advance is the place behind a text that starts at pos.
func advance(pos ir.Pos, text string) ir.Pos {
	for _, c := range text {
		if pos.Column++; c == '\n' {
			pos = ir.Pos{Line: pos.Line + 1, Column: 1}
		}
	}
	return pos
}
