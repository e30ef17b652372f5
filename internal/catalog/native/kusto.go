package native

import (
	"cmp"
	"path"
	"slices"
	"strings"

	kusto "sigmac/backends/kusto/read"
	"sigmac/internal/catalog"
	"sigmac/internal/lazy"
	"sigmac/ir"
)

// Kusto reads an analytics rule of Microsoft Sentinel in YAML, or a file .kql
// of one query or several. Such a file is titled by its name; the comment at
// its head describes it, techniques in comments are its tags, and addresses its
// references.
func Kusto(file string, src []byte) *Rule {
	r := &Rule{Catalog: "kusto", Path: file, Language: "kql"}
	if path.Ext(file) == ".kql" {
		r.Title = strings.TrimSuffix(path.Base(file), ".kql")
		r.Query = string(src)
		r.comments()
	} else {
		var d struct {
			ID, Name, Description, Severity, Status, Query string
			RelevantTechniques                             []string `yaml:"relevantTechniques"`
			Metadata                                       struct{ Author struct{ Name texts } }
			Author, References                             texts
			FalsePositives                                 texts `yaml:"falsePositives"`
		}
		if err := decodeYAML(src, &d); err != nil {
			return r.malformed("not a rule in YAML", err.Pos, err.Msg)
		}
		r.Title, r.ID, r.Description, r.Level, r.Status, r.Query = d.Name, d.ID, d.Description, strings.ToLower(d.Severity), d.Status, d.Query
		r.Author = cmp.Or(d.Metadata.Author.Name.line(), d.Author.line())
		r.References, r.FalsePositives = catalog.List[string](d.References), catalog.List[string](d.FalsePositives)
		r.Tags = techniques(d.RelevantTechniques...)
	}
	if strings.TrimSpace(r.Query) == "" {
		return r.because("no query", "")
	}
	is, err := r.layOut(func(query string) (reading, error) {
		qs, err := kusto.ReadBatch(query, nil)
		if err != nil {
			return reading{}, err
		}
		stages, err := kusto.Stages(query)
		return reading{stages, qs}, err
	})
	if err != nil {
		return r.refused(err)
	}
	var parts []part
	for _, q := range is.queries {
		parts = append(parts, part{r.inTables(q.Whole(), []string{q.Scope.Table}), q.Unjudged()})
	}
	return r.read(is.stages, false, parts...)
}

// What is found in a comment.
var (
	mentioned = lazy.Regexp(`\bT\d{4}(?:\.\d{3})?\b`)
	authored  = lazy.Regexp(`(?i)^\s*author\s*:\s*(.*\S)`)
	linked    = lazy.Regexp(`https?://[^\s<>"')\]]*[^\s<>"')\].,;:]`)
)

func (r *Rule) comments() {
	var head, ids []string
	code := false
	for line := range strings.Lines(strings.TrimPrefix(r.Query, "\ufeff")) {
		text, comment := strings.CutPrefix(strings.TrimSpace(line), "//")
		code = code || !comment
		if comment && !code {
			head = append(head, strings.TrimSpace(strings.TrimLeft(text, "/")))
		}
		if !comment {
			continue
		}
		ids = append(ids, mentioned().FindAllString(text, -1)...)
		for _, address := range linked().FindAllString(text, -1) {
			if !slices.Contains(r.References, address) {
				r.References = append(r.References, address)
			}
		}
		if m := authored().FindStringSubmatch(strings.TrimLeft(text, "/")); m != nil && r.Author == "" {
			r.Author = m[1]
		}
	}
	r.Description = strings.TrimSpace(strings.Join(head, "\n"))
	r.Tags = techniques(ids...)
}

// inTables is a filter with Sigma's names for the columns of these tables, and
// without the tests of the table in it: they decide the names of what stands
// beside them. Where the tables name a column differently, it is each of these.
func (r *Rule) inTables(e ir.Expr, tables []string) ir.Expr {
	switch e := e.(type) {
	case ir.And:
		var own []string
		for _, x := range e {
			own = append(own, tablesOf(x)...)
		}
		if own != nil {
			tables = alike(own)
		}
		out := ir.And{}
		for _, x := range e {
			if !ofTables(x) {
				out = append(out, r.inTables(x, tables))
			}
		}
		return out
	case ir.Or:
		out := ir.Or{}
		for _, x := range e {
			if ofTables(x) {
				x = ir.True
			}
			out = append(out, r.inTables(x, tables))
		}
		return out
	case ir.Not:
		return ir.Not{X: r.inTables(e.X, tables)}
	case ir.Match:
		if ofTables(e) {
			return ir.True
		}
		out := ir.Or{}
		var seen []string
		for _, table := range tables {
			x := r.renamed(e, func(field string) string { return kustoField(table, field) })
			if s := x.String(); !slices.Contains(seen, s) {
				out, seen = append(out, x), append(seen, s)
			}
		}
		if len(out) == 1 {
			return out[0]
		}
		return out
	}
	return e
}

// alike leaves one of the tables that name their columns as Sigma does.
func alike(all []string) (out []string) {
	for _, table := range all {
		if _, known := tables()[unified(table)]; !known {
			table = ""
		}
		out = append(out, table)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// tablesOf are the tables that the events of a source come from.
func tablesOf(e ir.Expr) (tables []string) {
	ir.Visit(e, func(e ir.Expr, _ bool) bool {
		m, _ := e.(ir.Match)
		if p, ok := m.Test.(ir.Pattern); ok && m.Field.Name == ir.TableField {
			tables = append(tables, p.Literals())
		}
		_, not := e.(ir.Not)
		return !not
	})
	slices.Sort(tables)
	return slices.Compact(tables)
}

// ofTables says whether a filter is about nothing but the table.
func ofTables(e ir.Expr) bool {
	only, some := true, false
	ir.Walk(e, func(e ir.Expr) {
		m, ok := e.(ir.Match)
		table := ok && m.Field.Name == ir.TableField
		only, some = only && table, some || table
	})
	return only && some
}
