package pipeline

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"gopkg.in/yaml.v3"

	"sigmac/ir"
	"sigmac/parser"
	"sigmac/regex"
)

var placeholderKinds = map[string]kind{
	"wildcard_placeholders": {eachItem, func(p *params) transformation {
		x := p.placeholders(func(*run, ir.Pos, string) []string { return nil })
		x.wildcard = true
		return x
	}},
	"value_placeholders": {eachItem, func(p *params) transformation {
		return p.placeholders(func(r *run, pos ir.Pos, name string) []string {
			values, ok := r.pipeline.variable(name)
			if !ok {
				r.fail(pos, "no variable is named %q, and the value %%%s%% needs it", name, name)
			}
			return values
		})
	}},
	"query_expression_placeholders": {eachItem, func(p *params) transformation {
		x := queryExpression{placeholders: p.placeholders(nil), ids: p.table("mapping", false, false)}
		x.format = p.format("expression", p.textOr("expression", ""), func(path []string) string {
			if len(path) == 1 && (path[0] == "field" || path[0] == "id") {
				return ""
			}
			return "the expression knows {field} and {id}"
		})
		return x
	}},
	"file_placeholders": {eachItem, func(p *params) transformation {
		s := &source{name: p.filled("path")}
		if s.name != "" && !fs.ValidPath(s.name) {
			p.Fail(p.take("path"), "%q must be a path below the pipeline's folder, without . and ..", s.name)
		}
		s.get = func(r *run) ([]byte, error) { return r.read(r.item.path, s.name) }
		return p.external(s)
	}},
	"http_placeholders": {eachItem, func(p *params) transformation {
		q := request{url: p.filled("url"), method: p.textOr("method", http.MethodGet), timeout: p.positive("timeout", 10),
			headers: p.table("headers", false, false), params: p.table("params", false, false), most: p.positive("max_body_size", maxSource)}
		if n := p.take("form_data"); n != nil {
			q.form = p.table("form_data", false, true)
		}
		if n := p.take("json_body"); n != nil {
			b, err := json.Marshal(plain(p.value(n)))
			if err != nil {
				p.Fail(n, "%s", err)
			}
			if q.json = b; q.form != nil {
				p.Fail(n, "a request has form_data or json_body, not both")
			}
		}
		return p.external(&source{name: q.url, outside: true, get: q.get})
	}},
	"command_placeholders": {eachItem, func(p *params) transformation {
		c := command{timeout: p.positive("timeout", 30), most: p.positive("max_stdout", maxSource)}
		c.argv = p.textOrTexts("cmd")
		if n := p.take("cmd"); n != nil && n.Kind == yaml.ScalarNode && n.Value != "" {
			c.argv = []string{"sh", "-c", n.Value}
		} else if n != nil && (len(c.argv) == 0 || c.argv[0] == "") {
			p.Fail(n, "%q is empty", "cmd")
		}
		return p.external(&source{name: strings.Join(c.argv, " "), outside: true, get: c.get})
	}},
}

// placeholders replaces placeholders by values; of none, by a wildcard.
type placeholders struct {
	include, exclude []string
	wildcard         bool
	of               func(r *run, pos ir.Pos, name string) []string
}

func (p *params) placeholders(of func(*run, ir.Pos, string) []string) placeholders {
	x := placeholders{include: p.texts("include", false), exclude: p.texts("exclude", false), of: of}
	if x.include != nil && x.exclude != nil {
		p.Fail(p.take("exclude"), "an item has include or exclude, not both")
	}
	return x
}

func (x placeholders) handles(name string) bool {
	if x.include != nil {
		return slices.Contains(x.include, name)
	}
	return !slices.Contains(x.exclude, name)
}

// maxVariants bounds what one value with several placeholders stands for.
const maxVariants = 10_000

func (x placeholders) apply(r *run) bool {
	return r.eachValue(func(item ir.Item, pos ir.Pos, t ir.Test) (out []ir.Test, changed bool) {
		switch t := t.(type) {
		case ir.Pattern:
			if changed = slices.ContainsFunc(placeholdersOf(t), x.handles); changed {
				out = x.pattern(r, pos, t)
			}
		case ir.Regexp:
			if changed = slices.ContainsFunc(t.Placeholders, x.handles); changed {
				out = x.regexp(r, pos, t)
			}
		}
		if changed && x.wildcard {
			r.lose("wildcard", pos, r.direction(item, "wider"), "a placeholder stands for any text")
		}
		return out, changed
	})
}

// grown is each of all with each of the values behind it.
func grown[T any](r *run, pos ir.Pos, all []T, values []T, join func(a, b T) T) []T {
	if len(all)*len(values) > maxVariants {
		r.fail(pos, "the placeholders of this value stand for more than %d values", maxVariants)
		return all
	}
	out := make([]T, 0, len(all)*len(values))
	for _, a := range all {
		for _, v := range values {
			out = append(out, join(a, v))
		}
	}
	return out
}

func (x placeholders) pattern(r *run, pos ir.Pos, p ir.Pattern) []ir.Test {
	all := [][]ir.Part{nil}
	for _, q := range p.Parts {
		values := [][]ir.Part{{q}}
		if q.Kind == ir.Placeholder && x.handles(q.Text) {
			values = [][]ir.Part{{{Kind: ir.AnyRun}}}
			if texts := x.of(r, pos, q.Text); texts != nil {
				values = nil
				for _, s := range texts {
					values = append(values, text(s).Parts)
				}
			}
		}
		all = grown(r, pos, all, values, func(a, b []ir.Part) []ir.Part { return slices.Concat(a, b) })
	}
	out := make([]ir.Test, len(all))
	for i, parts := range all {
		out[i] = ir.NewPattern(p.Cased, parts...)
	}
	return out
}

// regexp puts values into a regular expression as they are: they may be parts
// of one. A wildcard is `.*`.
func (x placeholders) regexp(r *run, pos ir.Pos, t ir.Regexp) []ir.Test {
	all := []string{""}
	rest := []string{}
	add := func(values ...string) {
		all = grown(r, pos, all, values, func(a, b string) string { return a + b })
	}
	from := 0
	for i := 0; i < len(t.Source); i++ {
		if t.Source[i] == '\\' {
			i++
			continue
		}
		name, ok := placeholderAt(t.Source[i:], t.Placeholders)
		if !ok {
			continue
		}
		if !x.handles(name) {
			rest = append(rest, name)
			i += len(name) + 1
			continue
		}
		add(t.Source[from:i])
		if texts := x.of(r, pos, name); texts != nil {
			add(texts...)
		} else {
			add(".*")
		}
		i += len(name) + 1
		from = i + 1
	}
	add(t.Source[from:])
	out := []ir.Test{}
	for _, s := range all {
		if len(rest) > 0 {
			out = append(out, ir.Regexp{Source: s, Flags: t.Flags, Placeholders: rest})
			continue
		}
		re, err := ir.ParseRegexp(strings.ReplaceAll(s, `\%`, `%`), t.Flags)
		if err != nil {
			r.fail(pos, "with its placeholders filled: %s", err)
			return nil
		}
		out = append(out, re)
	}
	return out
}

// queryExpression replaces values by pieces of the target's language.
type queryExpression struct {
	placeholders
	format format
	ids    mapping
}

func (x queryExpression) apply(r *run) bool {
	return r.each(func(t ir.Item) (ir.Expr, bool) {
		y, changed := ir.Rewrite(t.X, func(e ir.Expr) (ir.Expr, bool) {
			var test ir.Test
			var pos ir.Pos
			switch e := e.(type) {
			case ir.Match:
				test, pos = e.Test, e.Pos
			case ir.Keyword:
				test, pos = e.Test, e.Pos
			}
			p, ok := test.(ir.Pattern)
			if !ok || !slices.ContainsFunc(placeholdersOf(p), x.handles) {
				return e, false
			}
			name := p.Parts[0].Text
			switch {
			case len(p.Parts) > 1 || t.Field.Name == "":
				r.fail(pos, "a piece of query language stands for a whole value of a field, and this is only a part of one")
			case !r.Opaque:
				r.fail(pos, "the placeholder %%%s%% becomes a piece of query language, which cannot be checked", name)
			}
			id := name
			if v, ok := x.ids.get(name); ok {
				id = v[0]
			}
			lang := ""
			if r.Target != nil {
				lang = r.Target.Name
			}
			return ir.Opaque{Lang: lang, Pos: pos, Text: x.format.fill(func(path []string) string {
				return map[string]string{"field": t.Field.Name, "id": id}[path[0]]
			})}, true
		})
		t.X = y
		return t, changed
	})
}

// maxSource bounds what is read from outside by default.
const maxSource = 10 << 20

// A source gives values from a file, a command or an address. It is read
// once.
type source struct {
	name    string
	outside bool // it runs a command or opens a connection
	get     func(r *run) ([]byte, error)

	format    string
	filter    *regex.Python
	column    any // a string, an ir.Number or nil
	header    bool
	jq        *jqQuery
	mu        sync.Mutex
	have      bool
	values    []string
	valuesErr error
}

// external reads the keys that all sources have.
func (p *params) external(s *source) placeholders {
	x := p.placeholders(func(r *run, pos ir.Pos, _ string) []string {
		if s.outside && !r.AllowExternal {
			r.fail(pos, "%s reaches outside, which must be allowed first", r.item.kind)
			return []string{}
		}
		values, err := s.read(r)
		if err != nil {
			r.fail(pos, "%s: %s", s.name, err)
		}
		return append([]string{}, values...)
	})
	s.format = p.oneOf("format", "plaintext", "plaintext", "csv", "json", "yaml")
	s.header = p.flag("csv_has_header", true)
	p.granted("allow_external_sources")
	if n := p.take("filter"); n != nil {
		s.filter = p.compile(n)
	}
	column := p.take("csv_column")
	if column != nil {
		s.column = p.literal("csv_column")
		i, isNumber := s.column.(ir.Number)
		if _, err := strconv.ParseUint(string(i), 10, 16); isNumber && err != nil {
			p.Fail(column, "a column is a name or a number from 0 on")
		}
		if !isNumber && !s.header {
			p.Fail(column, "without a header, a column is a number from 0 on")
		}
	} else if s.format == "csv" {
		p.Fail(p.body, "csv needs csv_column")
	}
	jq := p.take("jq_expression")
	switch structured := s.format == "json" || s.format == "yaml"; {
	case jq == nil && structured:
		p.Fail(p.body, "%s needs jq_expression", s.format)
	case jq != nil:
		var err error
		if s.jq, err = readJQ(p.textOf("jq_expression", jq)); err != nil {
			p.Fail(jq, "not a jq expression: %s", err)
		}
	}
	return x
}

func (s *source) read(r *run) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.have {
		s.have = true
		var b []byte
		if b, s.valuesErr = s.get(r); s.valuesErr == nil {
			s.values, s.valuesErr = s.parse(b)
		}
		if s.valuesErr == nil && s.filter != nil {
			var t tried // of no rule: the values are those of all
			s.valuesErr = t.run(func(steps *int) {
				s.values = slices.DeleteFunc(s.values, func(v string) bool {
					for _, m := range s.filter.All(v, steps) {
						return m == nil
					}
					return true
				})
			})
		}
		if s.valuesErr == nil && len(s.values) == 0 {
			s.valuesErr = fmt.Errorf("no value is left")
		}
	}
	return s.values, s.valuesErr
}

func (s *source) parse(b []byte) (out []string, err error) {
	switch s.format {
	case "plaintext":
		for _, line := range strings.Split(string(b), "\n") {
			if line = strings.TrimSpace(line); line != "" {
				out = append(out, line)
			}
		}
		return out, nil
	case "csv":
		return s.parseCSV(b)
	case "json":
		d := json.NewDecoder(bytes.NewReader(b))
		d.UseNumber()
		var v any
		if err := d.Decode(&v); err != nil {
			return nil, err
		}
		return s.jq.values(v)
	}
	f, roots := parser.Open("pipeline", s.name, b)
	if len(roots) != 1 && len(f.Errors()) == 0 {
		return nil, fmt.Errorf("not one YAML document")
	}
	var v any
	if len(roots) == 1 {
		v = plain((&file{File: f}).value(roots[0]))
	}
	if errs := f.Errors(); len(errs) > 0 {
		return nil, errs[0]
	}
	return s.jq.values(v)
}

func (s *source) parseCSV(b []byte) (out []string, err error) {
	d := csv.NewReader(bytes.NewReader(b))
	d.FieldsPerRecord = -1
	rows, err := d.ReadAll()
	if err != nil {
		return nil, err
	}
	i := 0
	if s.header {
		if len(rows) == 0 {
			return nil, fmt.Errorf("no header")
		}
		if name, ok := s.column.(string); ok {
			if i = slices.Index(rows[0], name); i < 0 {
				return nil, fmt.Errorf("no column is named %q", name)
			}
		}
		rows = rows[1:]
	}
	if n, ok := s.column.(ir.Number); ok {
		i, _ = strconv.Atoi(string(n))
	}
	for _, row := range rows {
		if i < len(row) && row[i] != "" {
			out = append(out, row[i])
		}
	}
	return out, nil
}

// plain is a value as JSON has it.
func plain(v any) any {
	switch v := v.(type) {
	case ir.Number:
		return json.Number(v)
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = plain(x)
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for k, x := range v {
			out[k] = plain(x)
		}
		return out
	}
	return v
}

// read reads a file of a bounded size for an item of the pipeline file at path.
func (o Options) read(path, name string) ([]byte, error) {
	if o.Files == nil {
		return nil, fmt.Errorf("no folder is given from which a pipeline may read")
	}
	f, err := o.Files(path).Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return bounded(f, maxSource)
}

func bounded(r io.Reader, most int) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, int64(most)+1))
	if err == nil && len(b) > most {
		err = fmt.Errorf("more than %d bytes", most)
	}
	return b, err
}

// A request is what http_placeholders asks.
type request struct {
	url, method           string
	timeout, most         int
	headers, params, form mapping
	json                  []byte
}

func (q request) get(*run) ([]byte, error) {
	u, err := url.Parse(q.url)
	if err != nil {
		return nil, err
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("not an address of http or https")
	}
	set := func(m mapping, add func(k, v string)) {
		for _, row := range m {
			for _, v := range row.values {
				if row.key != nil {
					add(*row.key, v)
				}
			}
		}
	}
	query := u.Query()
	set(q.params, query.Add)
	u.RawQuery = query.Encode()
	var body io.Reader
	kind := ""
	switch {
	case q.form != nil:
		form := url.Values{}
		set(q.form, form.Add)
		body, kind = strings.NewReader(form.Encode()), "application/x-www-form-urlencoded"
	case q.json != nil:
		body, kind = bytes.NewReader(q.json), "application/json"
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(q.timeout)*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, q.method, u.String(), body)
	if err != nil {
		return nil, err
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	set(q.headers, req.Header.Set)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return nil, fmt.Errorf("the answer is %s", resp.Status)
	}
	return bounded(resp.Body, q.most)
}

// A command is what command_placeholders runs.
type command struct {
	argv          []string
	timeout, most int
}

func (c command) get(*run) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(c.timeout)*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.argv[0], c.argv[1:]...)
	cmd.WaitDelay = time.Second
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	b, err := bounded(out, c.most)
	if err != nil {
		cancel()
	}
	if e := cmd.Wait(); err == nil {
		err = e
	}
	return b, err
}
