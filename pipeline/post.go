package pipeline

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"sigmac/internal/jinja"
	"sigmac/internal/suggest"
	"sigmac/ir"
	"sigmac/regex"
)

// A postItem is one entry of postprocessing.
type postItem struct {
	item
	do post
}

// A post changes a query.
type post interface {
	change(r *run, query string) (string, error)
}

var posts map[string]func(*params) post

func init() {
	posts = map[string]func(*params) post{
		"embed": func(p *params) post { return embed{p.textOr("prefix", ""), p.textOr("suffix", "")} },
		"simple_template": func(p *params) post {
			return simple{p.format("template", p.text("template"), pathFault)}
		},
		"template": func(p *params) post { return p.jinja() },
		"json":     func(p *params) post { return p.packJSON() },
		"replace": func(p *params) post {
			re := p.regexp("pattern")
			return replacePost{re, p.replacement("replacement", re)}
		},
		"nest": func(p *params) post { return nestPost(p.postItems(p.need("items"), p.depth+1)) },
	}
}

func (f *file) postItems(n *yaml.Node, depth int) (out []*postItem) {
	f.entriesOf(n, "a postprocessing item", depth, func(p *params, name string) {
		p.depth = depth
		read, ok := posts[name]
		if !ok {
			p.unknown(name, keys(posts))
			return
		}
		it := &postItem{item: item{kind: name, path: f.path, pos: posOf(p.body), id: p.textOr("id", "")}}
		it.rule = conditionsOf(p, "rule", ruleConditions)
		p.what = "the postprocessing item " + name
		it.do = read(p)
		p.done()
		out = append(out, it)
	})
	return out
}

// Rewrites says whether postprocessing may change what a query means: all but
// json puts something else in its place.
func (p *Pipeline) Rewrites() bool {
	return slices.ContainsFunc(p.Parts(), func(p *Pipeline) bool { return rewrites(p.post) })
}

func rewrites(items []*postItem) bool {
	return slices.ContainsFunc(items, func(it *postItem) bool {
		switch x := it.do.(type) {
		case packJSON:
			return false
		case embed:
			return x != embed{}
		case nestPost:
			return rewrites(x)
		}
		return true
	})
}

// Finish is the queries of a rule after postprocessing. r is what Apply gave,
// with its trace. The error is an *ir.Diagnostic.
func (p *Pipeline) Finish(rule *ir.Rule, queries []string, trace *Trace, o Options) ([]string, error) {
	if !slices.ContainsFunc(p.Parts(), func(p *Pipeline) bool { return len(p.post) > 0 }) {
		return queries, nil
	}
	r := &run{Options: o, pipeline: p, rule: *rule, state: map[string]any{}, applied: map[string]bool{}}
	if trace != nil {
		r.state, r.renamed = trace.State, trace.renamed
		for id := range trace.applied {
			r.applied[id] = true
		}
	}
	out := slices.Clone(queries)
	for _, part := range p.Parts() {
		r.post(part.post, out)
	}
	if r.err != nil {
		return nil, r.err
	}
	return out, nil
}

func (r *run) post(items []*postItem, queries []string) {
	for _, it := range items {
		if !it.item.holds(r) {
			continue
		}
		for i, q := range queries {
			if r.err != nil {
				return
			}
			out, err := it.do.change(r, q)
			if err != nil {
				r.fail(r.rule.Source.Pos, "%s", err)
			}
			queries[i] = out
		}
		if it.id != "" {
			r.applied[it.id] = true
		}
	}
}

type embed struct{ prefix, suffix string }

func (x embed) change(_ *run, q string) (string, error) { return x.prefix + q + x.suffix, nil }

type nestPost []*postItem

func (x nestPost) change(r *run, q string) (string, error) {
	queries := []string{q}
	outer := r.item
	r.post(x, queries)
	r.item = outer
	return queries[0], nil
}

type replacePost struct {
	re   *regex.Python
	with template
}

func (x replacePost) change(r *run, q string) (string, error) { return r.replaced(x.re, x.with, q) }

// A simple is a format string.
type simple struct{ format }

func (x simple) change(r *run, q string) (out string, err error) {
	data, size := r.data(q), 0
	out = x.fill(func(path []string) string {
		v, ok := lookup(data, path)
		if !ok && err == nil {
			err = fmt.Errorf("{%s} has no value for this rule", strings.Join(path, "."))
		}
		text := show(v)
		if size += len(text); size > jinja.MaxOutput {
			err, text = fmt.Errorf("the template makes more than %d MiB", jinja.MaxOutput>>20), ""
		}
		return text
	})
	return out, err
}

// data is what templates see.
func (r *run) data(query string) map[string]any {
	s := r.rule.Source
	rule := map[string]any{
		"logsource": map[string]any{"category": s.Category, "product": s.Product, "service": s.Service, "definition": s.Definition},
	}
	for _, name := range textAttributes {
		v, _ := attribute(&r.rule, name)
		rule[name] = v
	}
	for _, name := range listAttributes {
		v, _ := attribute(&r.rule, name)
		rule[name] = v
	}
	customs := map[string]any{}
	for _, a := range r.rule.Meta.Custom {
		customs[a.Name] = native(custom(a.Value))
	}
	rule["custom_attributes"] = customs
	return map[string]any{"query": query, "rule": rule, "pipeline": native(r.pipeline.data(r.state))}
}

// native is a value with Go's numbers.
func native(v any) any {
	switch v := v.(type) {
	case ir.Number:
		var i int
		if _, err := fmt.Sscanf(string(v), "%d", &i); err == nil && fmt.Sprint(i) == string(v) {
			return i
		}
		return string(v)
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = native(x)
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for k, x := range v {
			out[k] = native(x)
		}
		return out
	}
	return v
}

func lookup(v any, path []string) (any, bool) {
	for _, name := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil, false
		}
		if v, ok = m[name]; !ok {
			return nil, false
		}
	}
	return v, true
}

// show is a value in a text: a list with commas, a mapping as JSON.
func show(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case []any:
		var parts []string
		for _, x := range v {
			parts = append(parts, show(x))
		}
		return strings.Join(parts, ", ")
	case map[string]any:
		b, _ := json.Marshal(plain(v))
		return string(b)
	}
	return fmt.Sprint(v)
}

// pathFault says what is wrong with a name in a simple_template.
func pathFault(path []string) string {
	roots := []string{"query", "rule", "pipeline"}
	if !slices.Contains(roots, path[0]) {
		return fmt.Sprintf("%q is none of %s%s", path[0], join(roots), suggest.For(path[0], roots))
	}
	known := map[string][]string{
		"rule":     slices.Concat(textAttributes, listAttributes, []string{"logsource", "custom_attributes"}),
		"pipeline": {"name", "priority", "vars", "state"},
	}[path[0]]
	if len(path) > 1 && !slices.Contains(known, path[1]) {
		return fmt.Sprintf("%s has no %q%s", path[0], path[1], suggest.For(path[1], known))
	}
	return ""
}

// A format is a format string of Python without conversions: texts, and paths
// in braces like {rule.title} or {pipeline.state[index]}.
type format []struct {
	text string
	path []string
}

// format reads a format string; fault says what is wrong with a path.
func (p *params) format(name, s string, fault func(path []string) string) (out format) {
	n := p.take(name)
	fail := func(at, size int, format string, args ...any) { p.FailIn(n, at, at+size, format, args...) }
	add := func(text string, path []string) {
		out = append(out, struct {
			text string
			path []string
		}{text, path})
	}
	for i := 0; i < len(s); {
		end := strings.IndexAny(s[i:], "{}")
		if end < 0 {
			add(s[i:], nil)
			break
		}
		add(s[i:i+end], nil)
		i += end
		if i+1 < len(s) && s[i+1] == s[i] {
			add(s[i:i+1], nil)
			i += 2
			continue
		}
		inner, _, ok := strings.Cut(s[i+1:], "}")
		if s[i] == '}' || !ok {
			fail(i, 1, "a single brace; a literal one is written twice")
			return out
		}
		path := strings.FieldsFunc(inner, func(r rune) bool { return r == '.' || r == '[' || r == ']' })
		if strings.ContainsAny(inner, "!:{") || len(path) == 0 {
			fail(i, len(inner)+2, "{%s} is no name; conversions and formats are not supported", inner)
		} else if why := fault(path); why != "" {
			fail(i, len(inner)+2, "%s", why)
		}
		add("", path)
		i += len(inner) + 2
	}
	return out
}

func (f format) fill(of func(path []string) string) string {
	var b strings.Builder
	for _, part := range f {
		if part.path != nil {
			b.WriteString(of(part.path))
		} else {
			b.WriteString(part.text)
		}
	}
	return b.String()
}

// A packJSON is a JSON text in which a string stands for the query.
type packJSON struct{ text string }

func (p *params) packJSON() packJSON {
	x := packJSON{p.text("json_template")}
	if n := p.take("json_template"); n != nil {
		if !json.Valid([]byte(x.text)) {
			p.Fail(n, "json_template is not JSON")
		}
	}
	return x
}

func (x packJSON) change(_ *run, q string) (string, error) {
	if strings.Count(x.text, "%QUERY%")*len(q) > jinja.MaxOutput {
		return q, fmt.Errorf("the template makes more than %d MiB", jinja.MaxOutput>>20)
	}
	d := json.NewDecoder(strings.NewReader(x.text))
	d.UseNumber()
	var b strings.Builder
	err := packValue(&b, d, q)
	return b.String(), err
}

// packValue writes the next value of d as Python does, keys in their order.
func packValue(b *strings.Builder, d *json.Decoder, query string) error {
	t, err := d.Token()
	if err != nil {
		return err
	}
	switch t := t.(type) {
	case json.Delim:
		b.WriteString(t.String())
		for first := true; d.More(); first = false {
			if !first {
				b.WriteString(", ")
			}
			if t == '{' {
				key, err := d.Token()
				if err != nil {
					return err
				}
				b.WriteString(quoteJSON(key) + ": ")
			}
			if err := packValue(b, d, query); err != nil {
				return err
			}
		}
		end, err := d.Token()
		if err != nil {
			return err
		}
		fmt.Fprint(b, end)
		return nil
	case string:
		if t == "%QUERY%" {
			t = query
		}
		b.WriteString(quoteJSON(t))
	default:
		b.WriteString(quoteJSON(t))
	}
	return nil
}

func quoteJSON(v any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic("pipeline: a JSON token that cannot be written: " + err.Error())
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// A finalItem is one entry of finalizers.
type finalItem struct {
	path string
	pos  ir.Pos
	do   finalizer
}

// A finalizer makes one text of all queries.
type finalizer interface {
	finalize(r *run, all []string) (string, error)
}

var finalizers map[string]func(*params) finalizer

func init() {
	finalizers = map[string]func(*params) finalizer{
		"concat": func(p *params) finalizer {
			return concat{p.textOr("separator", "\n"), p.textOr("prefix", ""), p.textOr("suffix", "")}
		},
		"json":     func(p *params) finalizer { return listJSON{p.indent(0)} },
		"yaml":     func(p *params) finalizer { return listYAML{p.indent(2)} },
		"template": func(p *params) finalizer { return p.jinja() },
		"nested":   func(p *params) finalizer { return nested(p.finalItems(p.need("finalizers"), p.depth+1)) },
	}
}

func (p *params) indent(otherwise int) int {
	const most = 9
	i := p.whole("indent", otherwise)
	if i < 0 || i > most {
		p.Fail(p.take("indent"), "indent is a whole number up to %d", most)
	}
	return i
}

func (f *file) finalItems(n *yaml.Node, depth int) (out []*finalItem) {
	f.entriesOf(n, "a finalizer", depth, func(p *params, name string) {
		p.depth = depth
		read, ok := finalizers[name]
		if !ok {
			p.unknown(name, keys(finalizers))
			return
		}
		p.what = "the finalizer " + name
		out = append(out, &finalItem{f.path, posOf(p.body), read(p)})
		p.done()
	})
	return out
}

// Finalizes says whether the pipeline makes one text of all queries.
func (p *Pipeline) Finalizes() bool {
	return slices.ContainsFunc(p.Parts(), func(p *Pipeline) bool { return len(p.final) > 0 })
}

// Finalize is what the finalizers make of all queries; without any, the
// queries a line each. The error is an *ir.Diagnostic.
func (p *Pipeline) Finalize(all []string, o Options) (string, error) {
	r := &run{Options: o, pipeline: p, state: map[string]any{}}
	var items nested
	for _, part := range p.Parts() {
		items = append(items, part.final...)
	}
	if len(items) == 0 {
		return concat{separator: "\n"}.finalize(r, all)
	}
	return items.finalize(r, all)
}

// nested is finalizers one after the other: from the second on, each gets the
// one text that the one before made.
type nested []*finalItem

func (x nested) finalize(r *run, all []string) (string, error) {
	for _, it := range x {
		out, err := it.do.finalize(r, all)
		if err != nil {
			if e, ok := err.(*ir.Diagnostic); ok {
				return "", e
			}
			return "", &ir.Diagnostic{Path: it.path, Pos: it.pos, Msg: err.Error(), Source: "pipeline"}
		}
		all = []string{out}
	}
	return strings.Join(all, "\n"), nil
}

type concat struct{ separator, prefix, suffix string }

// maxConcat bounds what separators add to all queries.
const maxConcat = 256 << 20

func (x concat) finalize(_ *run, all []string) (string, error) {
	if size := len(all) * len(x.separator); size > maxConcat {
		return "", fmt.Errorf("the separators make more than %d MiB", maxConcat>>20)
	}
	return x.prefix + strings.Join(all, x.separator) + x.suffix, nil
}

type listJSON struct{ indent int }

func (x listJSON) finalize(_ *run, all []string) (string, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", strings.Repeat(" ", x.indent))
	err := e.Encode(append([]string{}, all...))
	return strings.TrimSuffix(b.String(), "\n"), err
}

type listYAML struct{ indent int }

func (x listYAML) finalize(_ *run, all []string) (string, error) {
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(max(x.indent, 2))
	err := e.Encode(append([]string{}, all...))
	return b.String(), err
}
