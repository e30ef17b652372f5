package native

import (
	"cmp"
	"errors"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"

	elastic "sigmac/backends/elastic/read"
	"sigmac/internal/catalog"
	"sigmac/internal/lazy"
	"sigmac/ir"
)

// tomlPlace is how the decoder says where a value is of another type.
var tomlPlace = lazy.Regexp(`(?s)^toml: line (\d+) \(last key "(.*?)"\): (.*)$`)

// maxBrackets bounds the nesting of a TOML file, whose parser calls itself for
// each. Brackets in texts count too, where they are not balanced.
const maxBrackets = 10_000

// Elastic reads a detection rule in the form of Elastic's repository: EQL and
// the query language of Kibana, whatever the type of the rule.
func Elastic(path string, src []byte) *Rule {
	r := &Rule{Catalog: "elastic", Path: path}
	var f struct {
		Metadata struct {
			Maturity string
			Created  texts `toml:"creation_date"`
			Updated  texts `toml:"updated_date"`
		}
		Rule struct {
			Name, Description, Severity, Type, Language, Query string
			ID                                                 string `toml:"rule_id"`
			Author, References, License                        texts
			FalsePositives                                     texts `toml:"false_positives"`
			Threat                                             []struct {
				Technique []struct {
					ID           string
					Subtechnique []struct{ ID string }
				}
			}
		}
	}
	if brackets(src) > maxBrackets {
		return r.because("not a rule in TOML", "nested too deeply")
	}
	if err := toml.Unmarshal(src, &f); err != nil {
		at, msg := ir.Pos{Line: 1, Column: 1}, err.Error()
		if e := (toml.ParseError{}); errors.As(err, &e) {
			at, msg = ir.Pos{Line: e.Position.Line, Column: max(1, e.Position.Col)}, "not TOML: "+e.Message
		} else if m := tomlPlace().FindStringSubmatch(msg); m != nil {
			at.Line, _ = strconv.Atoi(m[1])
			msg = m[2] + ": " + m[3]
		}
		return r.malformed("not a rule in TOML", at, msg)
	}
	d := f.Rule
	r.Title, r.ID, r.Description, r.Level, r.Status, r.Query = d.Name, d.ID, d.Description, d.Severity, f.Metadata.Maturity, d.Query
	day := func(t texts) string { return strings.ReplaceAll(t.line(), "/", "-") }
	r.Author, r.License, r.Date, r.Modified = d.Author.line(), d.License.line(), day(f.Metadata.Created), day(f.Metadata.Updated)
	r.References, r.FalsePositives = catalog.List[string](d.References), catalog.List[string](d.FalsePositives)
	r.Language = cmp.Or(d.Language, d.Type)
	var ids []string
	for _, threat := range d.Threat {
		for _, t := range threat.Technique {
			ids = append(ids, t.ID)
			for _, s := range t.Subtechnique {
				ids = append(ids, s.ID)
			}
		}
	}
	r.Tags = techniques(ids...)
	switch {
	case d.Type == "machine_learning":
		return r.because("a machine learning job, without a query", "")
	case strings.TrimSpace(d.Query) == "":
		return r.because("no query", "")
	case r.Language == "eql":
		return r.eql()
	case r.Language == "kuery":
		is, err := r.layOut(func(query string) (reading, error) {
			q, err := elastic.ReadKuery(query, nil)
			return reading{[]ir.Command{{Name: "query", Text: query, Pos: ir.Pos{Line: 1, Column: 1}}}, []*ir.Query{q}}, err
		})
		if err != nil {
			return r.refused(err)
		}
		name := func(field string) string { return ecsField("", field) }
		return r.read(is.stages, false, part{filter: r.renamed(is.queries[0].Where, name)})
	}
	return r.because("the language "+generic(r.Language), "")
}

func (r *Rule) eql() *Rule {
	is, err := r.layOut(func(query string) (reading, error) {
		p, err := elastic.Parse(query)
		if err != nil {
			return reading{}, err
		}
		q, err := p.Query(ir.Types{})
		return reading{p.Events(), []*ir.Query{q}}, err
	})
	if err != nil {
		return r.refused(err)
	}
	q := is.queries[0]
	if q.Where != nil {
		name := func(field string) string { return ecsField(q.Scope.Category, field) }
		return r.read(is.stages, false, part{r.renamed(q.Whole(), name), q.Unjudged()})
	}
	var parts []part
	for _, e := range q.Steps {
		category := ""
		if and, ok := e.(ir.And); ok && len(and) > 0 {
			if m, ok := and[0].(ir.Match); ok && m.Field.Name == "event.category" {
				category = m.Test.(ir.Pattern).Literals()
				e = and[1:] // the step's own words say it
			}
		}
		parts = append(parts, part{filter: r.renamed(e, func(field string) string { return ecsField(category, field) })})
	}
	return r.read(is.stages, true, parts...)
}

// brackets is how deep the brackets of a file may be nested.
func brackets(src []byte) (deepest int) {
	depth := 0
	for _, c := range src {
		switch c {
		case '[', '{':
			depth++
			deepest = max(deepest, depth)
		case ']', '}':
			depth--
		}
	}
	return deepest
}
