package splunk

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sigmac/backends"
	"sigmac/internal/lazy"
	"sigmac/ir"
	"sigmac/regex"
)

// DataModelCaps are what the clause WHERE of `tstats` can say: the language of the
// command `search`, and no `where` after it, since that would see the rows of
// the result only.
func DataModelCaps() backends.Caps {
	return backends.Caps{
		Backend:  name,
		Pattern:  func(p ir.Pattern) bool { return !p.Has(ir.Placeholder) },
		Regexp:   func(*regex.Re) string { return "a regular expression in a search of a data model" },
		Moments:  func(string) bool { return false },
		CIDRText: true, // refused by modelLack, not rewritten
		Refuses:  modelLack,
	}
}

// modelLack names what the clause WHERE lacks of m (SEMANTICS B.6).
func modelLack(m ir.Match, negated bool) (feature, reason string) {
	const in = " in a search of a data model"
	switch t := m.Test.(type) {
	case ir.Pattern:
		shape, s := t.Shape()
		switch lack := patternLack(t); {
		case shape == ir.Any:
			return "a test whether a field is there" + in, ""
		case shape == ir.Exact && s == "":
			return "an empty text" + in, ""
		case lack != "":
			return lack + in, ""
		case negated && shape == ir.Exact && numeric(s):
			return "the negation of a number" + in, "it drops the events without " + m.Field.Name + " too"
		}
	case ir.Compare:
		if negated {
			return "the negation of a number" + in, "it drops the events without " + m.Field.Name + " too"
		}
	case ir.CIDR:
		return "a network" + in, "tstats compares texts, so it may take other values for addresses"
	case ir.Null, ir.Exists:
		return "a test whether a field is there" + in, "the model may fill what is missing, and whether f=* takes an empty text is open"
	}
	if isOption(m.Field.Name) {
		return "a field with the name of the option " + m.Field.Name, ""
	}
	return "", ""
}

// numeric says whether s may be read as a number somewhere: which texts tstats
// takes for numbers is not written down.
func numeric(s string) bool {
	s = strings.ToLower(strings.TrimSpace(s))
	if _, err := strconv.ParseFloat(s, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		return true
	}
	_, err := strconv.ParseInt(s, 0, 64)
	return err == nil || errors.Is(err, strconv.ErrRange)
}

var (
	modelName = lazy.Regexp(`^[A-Za-z0-9_]+\.[A-Za-z0-9_]+$`)
	// defaultFields are those that every dataset has under their plain names.
	defaultFields = []string{"_time", "host", "index", "nodename", "source", "sourcetype", "splunk_server"}
)

// EmitDataModel writes searches of data models, `tstats … from datamodel=`, one a
// condition. A rule needs a pipeline that says which dataset holds its events and
// under which names. Each query counts the events of the dataset that
// meet it by the fields that the rule lists, or else by the second, so that
// nothing comes out where no event does.
func EmitDataModel(r *ir.Rule) ([]backends.Doc, error) {
	refuse := func(at ir.Pos, feature, reason string) ([]backends.Doc, error) {
		return nil, backends.Unsupported(name, at, feature, reason)
	}
	model, at := r.Scope.DataModel, r.Source.Pos
	switch {
	case model == "":
		return refuse(at, "a search without a data model", "a pipeline must set data_model_set")
	case !modelName().MatchString(model):
		return refuse(at, fmt.Sprintf("the data model %q", model), "a model and its root dataset are expected, as in Endpoint.Processes")
	}
	index, rest := r.Scope.Index, r.Scope
	rest.Index, rest.DataModel = "", ""
	if err := backends.Foreign(name, rest, at); err != nil {
		return nil, err
	}
	if index != "" {
		lit, ok := indexName(index)
		if !ok {
			return refuse(at, fmt.Sprintf("the index name %q", index), "")
		}
		index = lit
	}
	var columns []string
	for _, f := range r.Meta.Fields {
		lit, lack := searchField(f)
		if lack != "" {
			return refuse(at, lack, "")
		}
		if !slices.Contains(columns, lit) {
			columns = append(columns, lit)
		}
	}
	if columns == nil {
		columns = []string{"_time"}
	}
	if slices.Contains(columns, "_time") {
		columns = append(columns, "span=1s")
	}
	var out []backends.Doc
	for _, c := range r.Conditions {
		if or, ok := c.Expr.(ir.Or); ok && len(or) == 0 {
			return refuse(c.Pos, "a condition that no event meets", "")
		}
		w := &writer{and: "AND"}
		d := w.tstats(model, index, c.Expr, columns)
		if w.err != nil {
			return nil, w.err
		}
		out = append(out, d)
	}
	return out, nil
}

// tstats writes a count of the events of e. Its options are those that lose no
// event, whatever limits.conf has for defaults: events that no summary holds
// count, summaries from before a change of the model do not, and a row without
// one of the columns stays.
func (w *writer) tstats(model, index string, e ir.Expr, columns []string) backends.Doc {
	ir.Walk(e, func(e ir.Expr) {
		m, ok := e.(ir.Match)
		if ok && !strings.Contains(m.Field.Name, ".") && !slices.Contains(defaultFields, m.Field.Name) {
			w.fail(m.Pos, "the field "+strconv.Quote(m.Field.Name)+" in a search of a data model, whose fields carry the name of their dataset")
		}
	})
	var terms []backends.Doc
	if index != "" {
		terms = append(terms, text("index="+index))
	}
	terms = append(terms, each(ir.Conjuncts(e), w.search)...)
	for i := range terms {
		terms[i].Cost = &modelRows[0]
	}
	parts := []backends.Doc{
		text(`| tstats summariesonly=false allow_old_summaries=false fillnull_value="null" count min(_time) as firstTime max(_time) as lastTime`),
		text("from datamodel=" + model),
	}
	if len(terms) > 0 {
		where := joined(w.and, terms)
		if compound(&where) {
			where.Open = "("
		}
		where.Text = "where " + where.Text
		parts = append(parts, where)
	}
	return backends.Doc{Parts: append(parts, backends.Doc{Text: "by ", Items: columns, Fill: true, Inset: 1})}
}
