package native

import (
	"bytes"
	"io"

	"gopkg.in/yaml.v3"

	splunk "sigmac/backends/splunk/read"
	"sigmac/internal/lazy"
	"sigmac/ir"
)

// decodeYAML reads the first document of src.
func decodeYAML(src []byte, into any) error {
	err := yaml.NewDecoder(bytes.NewReader(src)).Decode(into)
	if err == io.EOF {
		return nil
	}
	return err
}

// Splunk reads a detection in the form of Splunk's security content. Macros
// that are not given stay as they are, and what they stand for is not read.
func Splunk(path string, src []byte, macros map[string]splunk.Macro) *Rule {
	r := &Rule{Catalog: "splunk", Path: path, Language: "spl"}
	var d struct {
		Name, ID, Status, Description, Search string
		MitreAttackID                         []string `yaml:"mitre_attack_id"`
		Tags                                  struct {
			MitreAttackID []string `yaml:"mitre_attack_id"`
		}
	}
	if err := decodeYAML(src, &d); err != nil {
		return r.because("not a detection in YAML", err.Error())
	}
	r.Title, r.ID, r.Status, r.Description, r.Query = d.Name, d.ID, d.Status, d.Description, d.Search
	r.Tags = techniques(append(d.Tags.MitreAttackID, d.MitreAttackID...)...)
	if d.Search == "" {
		return r.because("no search", "")
	}
	q, err := splunk.Reader{Macros: macros}.Read(d.Search, ir.Types{})
	if err != nil {
		return r.refused(err)
	}
	stages, err := splunk.Stages(d.Search)
	if err != nil {
		return r.refused(err)
	}
	filter := withoutPresence(wanted(q.Whole(), stages))
	return r.read(stages, false, part{renamed(filter, splunkField), q.Unjudged()})
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
