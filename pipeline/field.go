package pipeline

import (
	"maps"
	"slices"
	"strings"

	"sigmac/ir"
	"sigmac/regex"
)

var fieldKinds = map[string]kind{
	"field_name_mapping": {eachItem, func(p *params) transformation {
		m := p.names(false)
		byName := make(map[string][]string, len(m))
		for _, row := range m {
			name := ""
			if row.key != nil {
				name = *row.key
			}
			byName[name] = row.values
		}
		return rename{to: func(name string) ([]string, bool) {
			to, ok := byName[name]
			return to, ok
		}, fields: keySet(byName)}
	}},
	"field_name_prefix_mapping": {eachItem, func(p *params) transformation {
		m := p.names(true)
		return rename{to: func(name string) ([]string, bool) {
			if name == "" {
				return m.null()
			}
			for _, row := range m {
				if row.key == nil || !strings.HasPrefix(name, *row.key) || name == *row.key && slices.Contains(row.values, "") {
					continue // the last leaves no name
				}
				var out []string
				for _, prefix := range row.values {
					out = append(out, prefix+name[len(*row.key):])
				}
				return out, true
			}
			return nil, false
		}}
	}},
	"field_name_transform": {eachItem, func(p *params) transformation {
		p.Fail(p.typed, "field_name_transform needs a Python function, which a file cannot hold; use field_name_mapping, field_name_prefix_mapping, field_name_prefix or field_name_suffix")
		p.names(false)
		p.raw("transform_func")
		p.flag("apply_keyword", false)
		return rename{}
	}},
	"field_name_suffix": {eachItem, func(p *params) transformation {
		suffix := p.text("suffix")
		return rename{to: func(name string) ([]string, bool) { return []string{name + suffix}, name != "" }}
	}},
	"field_name_prefix": {eachItem, func(p *params) transformation {
		prefix := p.text("prefix")
		return rename{to: func(name string) ([]string, bool) { return []string{prefix + name}, name != "" }}
	}},
	"drop_detection_item": {eachItem, func(*params) transformation { return drop{} }},
	"hashes_fields": {eachItem, func(p *params) transformation {
		h := hashes{algorithms: p.texts("valid_hash_algos", true), prefix: p.textOr("field_prefix", ""),
			drop: p.flag("drop_algo_prefix", false), from: p.texts("field_to_parse", false)}
		if h.from == nil {
			h.from = []string{"Hashes", "Hash"}
		}
		if h.drop && h.prefix == "" {
			p.Fail(p.body, "drop_algo_prefix without field_prefix leaves no field name")
		}
		return h
	}},
	"extract_fields": {eachItem, func(p *params) transformation {
		x := extract{re: p.regexp("regex"), prefix: p.textOr("field_prefix", ""), keep: p.flag("preserve_unmatched", false)}
		if x.re != nil && len(x.re.Named()) == 0 {
			p.Fail(p.take("regex"), "the pattern has no named group, (?P<name>…)")
		}
		return x
	}},
}

// names is the parameter mapping of field names, or of what they begin with, which
// may become nothing.
func (p *params) names(prefixes bool) mapping {
	m := p.table("mapping", true, true)
	for _, row := range m {
		if (!prefixes || row.key == nil) && slices.Contains(row.values, "") {
			p.Fail(p.take("mapping"), "the mapping gives a field without a name")
			break
		}
	}
	return m
}

// A rename gives fields other names; to says which, if it knows the field.
// Keywords have no name.
type rename struct {
	to     func(name string) ([]string, bool)
	fields map[string]bool // that it knows; nil: any
}

func keySet[V any](m map[string]V) map[string]bool {
	out := make(map[string]bool, len(m))
	for k := range m {
		out[k] = true
	}
	return out
}

func (x rename) apply(r *run) bool {
	to := func(name string) ([]string, bool) {
		if !r.item.fields.holds(r, name) {
			return nil, false
		}
		return x.to(name)
	}
	names := map[string][]string{} // what the item renames, tracked once it is through
	var order []string
	note := func(from string, to []string) {
		if _, ok := names[from]; !ok && from != "" {
			names[from] = to
			order = append(order, from)
		}
	}
	changed := r.each(func(t ir.Item) (ir.Expr, bool) {
		x, refs := ir.Rewrite(t.X, func(e ir.Expr) (ir.Expr, bool) {
			m, ok := e.(ir.Match)
			ref, is := m.Test.(ir.FieldRef)
			if !ok || !is {
				return e, false
			}
			others, ok := to(ref.Other.Name)
			if !ok {
				return e, false
			}
			note(ref.Other.Name, others)
			if !r.room(len(others)) {
				return e, false
			}
			return anyOf(len(others), func(i int) ir.Expr {
				ref.Other = ir.Field{Name: others[i]}
				return ir.Match{Field: m.Field, Test: ref, Pos: m.Pos}
			}), true
		})
		if x == nil {
			return nil, true
		}
		t.X = x
		fields, ok := to(t.Field.Name)
		if !ok {
			return t, refs
		}
		note(t.Field.Name, fields)
		if len(fields) == 1 {
			return on(t, fields[0]), true
		}
		if !r.room(len(fields) * len(tests(t))) {
			return t, false
		}
		inner, nots := negation(t.X)
		return negate(over(t, fields, inner), nots), true
	})
	var listed []string
	for _, name := range r.rule.Meta.Fields {
		fields, ok := to(name)
		if !ok {
			listed = append(listed, name)
			continue
		}
		note(name, fields)
		listed = append(listed, fields...)
	}
	if !slices.Equal(listed, r.rule.Meta.Fields) {
		r.rule.Meta.Fields, changed = listed, true
	}
	for _, from := range order {
		r.track(from, names[from])
	}
	return changed
}

// over is x, the expression of t, for several fields, of which any may have the
// value. There is no value where none has one: a null is one of all.
func over(t ir.Item, fields []string, x ir.Expr) ir.Expr {
	at := func(x ir.Expr, i int) ir.Expr {
		copied := t
		copied.X = x
		return on(copied, fields[i])
	}
	null := func(x ir.Expr) bool {
		m, ok := x.(ir.Match)
		return ok && m.Test == ir.Null{}
	}
	or, ok := x.(ir.Or)
	if !ok {
		or = ir.Or{x}
	}
	var out ir.Or
	for _, y := range or {
		if null(y) && len(fields) > 0 {
			var all ir.And
			for i := range fields {
				all = append(all, at(y, i))
			}
			out = append(out, all)
		}
	}
	if len(out) == 0 {
		return anyOf(len(fields), func(i int) ir.Expr { return at(x, i) })
	}
	if rest := slices.DeleteFunc(slices.Clone(or), null); len(rest) > 0 {
		for i := range fields {
			out = append(out, at(group(len(rest), func() ir.Expr { return rest[0] }, rest), i))
		}
	}
	return group(len(out), func() ir.Expr { return out[0] }, out)
}

// on is t for another field.
func on(t ir.Item, field string) ir.Item {
	t.Field = ir.Field{Name: field}
	t.X, _ = ir.Rewrite(t.X, func(e ir.Expr) (ir.Expr, bool) {
		switch e := e.(type) {
		case ir.Match:
			return ir.Match{Field: t.Field, Test: e.Test, Pos: e.Pos}, true
		case ir.Keyword:
			return ir.Match{Field: t.Field, Test: e.Test, Pos: e.Pos}, true
		}
		return e, false
	})
	return t
}

// track records that a field is called to from here on.
func (r *run) track(from string, to []string) {
	r.handled[from] = true
	for _, name := range to {
		r.handled[name] = true
	}
	if slices.Equal(to, []string{from}) {
		return
	}
	by := maps.Clone(r.renamed[from])
	if by == nil {
		by = map[string]bool{}
	}
	if r.item.id != "" {
		by[r.item.id] = true
	}
	r.renamed[from] = by
	for _, name := range to {
		r.renamed[name] = by
	}
	found := false
	for i, f := range r.fields {
		if j := slices.Index(f.To, from); j >= 0 {
			r.fields[i].To = slices.Replace(slices.Clone(f.To), j, j+1, to...)
			found = true
		}
	}
	if !found {
		r.fields = append(r.fields, Renaming{from, to})
	}
}

// drop removes items.
type drop struct{}

func (drop) apply(r *run) bool {
	before := slices.Clone(r.rule.Detections)
	dropped := map[ir.Pos]bool{}
	changed := r.each(func(t ir.Item) (ir.Expr, bool) {
		dropped[t.Span.Start] = true
		return nil, true
	})
	if changed {
		for _, d := range before {
			r.loseItems(d, dropped)
		}
	}
	return changed
}

// split makes an item of each value of t: what of returns stands in the place
// of the value, nil drops it. Neighbours in an Or that are of one field become
// one item.
func split(t ir.Item, of func(m ir.Match, or bool) ir.Expr) ir.Expr {
	var walk func(e ir.Expr, or bool) ir.Expr
	walk = func(e ir.Expr, or bool) ir.Expr {
		switch e := e.(type) {
		case ir.And:
			var out ir.And
			for _, x := range e {
				if y := walk(x, false); y != nil {
					out = append(out, y)
				}
			}
			return group(len(out), func() ir.Expr { return out[0] }, out)
		case ir.Or:
			var out ir.Or
			for _, x := range e {
				out = addItem(out, walk(x, true))
			}
			return group(len(out), func() ir.Expr { return out[0] }, out)
		case ir.Not:
			return negate(walk(e.X, or), 1)
		case ir.Match:
			return of(e, or)
		}
		return nil
	}
	return walk(t.X, true)
}

func group(n int, first func() ir.Expr, all ir.Expr) ir.Expr {
	switch n {
	case 0:
		return nil
	case 1:
		return first()
	}
	return all
}

// addItem adds e to the parts of an Or, an item to one of the same field.
func addItem(out ir.Or, e ir.Expr) ir.Or {
	if e == nil {
		return out
	}
	if t, ok := e.(ir.Item); ok {
		for i, x := range out {
			if u, ok := x.(ir.Item); ok && u.Field == t.Field {
				or, ok := u.X.(ir.Or)
				if !ok {
					or = ir.Or{u.X}
				}
				u.X = append(slices.Clone(or), t.X)
				out[i] = u
				return out
			}
		}
	}
	return append(out, e)
}

// hashes splits a field of several hashes.
type hashes struct {
	algorithms []string
	prefix     string
	drop       bool
	from       []string
}

// hashLengths says what a hash without the name of its algorithm is.
var hashLengths = map[int]string{32: "MD5", 40: "SHA1", 64: "SHA256", 128: "SHA512"}

func (h hashes) only() map[string]bool {
	out := map[string]bool{}
	for _, name := range h.from {
		out[name] = true
	}
	return out
}

func (h hashes) apply(r *run) bool {
	return r.each(func(t ir.Item) (ir.Expr, bool) {
		if !slices.Contains(h.from, t.Field.Name) || slices.ContainsFunc(tests(t), func(x ir.Test) bool {
			_, text := x.(ir.Pattern)
			return !text
		}) {
			return t, false
		}
		var pos ir.Pos
		var lost []ir.Pos
		x := split(t, func(m ir.Match, or bool) ir.Expr {
			pos = m.Pos
			p := m.Test.(ir.Pattern)
			algorithm, hash := hashOf(p)
			if !slices.Contains(h.algorithms, algorithm) {
				if !or {
					r.refuse(m.Pos, "the value is no hash by %s, and without it the item would match more", join(h.algorithms))
				}
				lost = append(lost, m.Pos)
				return nil
			}
			field := ir.Field{Name: h.prefix + algorithm}
			if h.drop {
				field.Name = h.prefix
			}
			r.handled[field.Name] = true
			out := t
			out.Field, out.X = field, ir.Match{Field: field, Test: hash, Pos: m.Pos}
			return out
		})
		if x == nil {
			r.refuse(pos, "no value is a hash by %s", join(h.algorithms))
			return t, false
		}
		for _, at := range lost {
			r.lose("hash", at, r.direction(t, "narrower"), "a hash that is none of "+join(h.algorithms)+" is not looked for")
		}
		r.handled[t.Field.Name] = true
		return x, true
	})
}

// hashOf splits `MD5=…` or `MD5|…`, or tells a bare hash by its length. The
// wildcards around go where the hash is whole: the field that it gets holds
// nothing else.
func hashOf(p ir.Pattern) (algorithm string, hash ir.Pattern) {
	parts := slices.Clone(p.Parts)
	if len(parts) > 0 && parts[0].Kind == ir.AnyRun {
		parts = parts[1:]
	}
	if len(parts) == 0 || parts[0].Kind != ir.Literal {
		return "", p
	}
	sign := "="
	if strings.Contains(parts[0].Text, "|") {
		sign = "|"
	}
	name, rest, named := strings.Cut(parts[0].Text, sign)
	if named {
		parts[0].Text = rest
	}
	hash = ir.NewPattern(p.Cased, parts...)
	byLength := hashLengths[len(hash.Literals())]
	if n := len(parts); byLength != "" && parts[n-1].Kind == ir.AnyRun {
		hash = ir.NewPattern(p.Cased, parts[:n-1]...)
	}
	if named {
		return strings.ToUpper(name), hash
	}
	return byLength, hash
}

// extract splits values by the named groups of a pattern.
type extract struct {
	re     *regex.Python
	prefix string
	keep   bool
}

func (x extract) apply(r *run) bool {
	return r.each(func(t ir.Item) (ir.Expr, bool) {
		if t.Field.Name == "" {
			return t, false
		}
		did := false
		out := split(t, func(m ir.Match, _ bool) ir.Expr {
			one := t
			one.X = m
			p, ok := m.Test.(ir.Pattern)
			if !ok {
				return one
			}
			found, ok := r.starts(x.re, written(p))
			switch {
			case !ok && x.keep:
				return one
			case !ok:
				did = true
				return nil
			}
			did = true
			var all ir.And
			for i, name := range x.re.Names {
				if name == "" {
					continue
				}
				field := ir.Field{Name: name}
				if x.prefix != "" {
					field.Name = x.prefix + "." + name
				}
				r.handled[field.Name] = true
				part := t
				part.Field, part.X = field, ir.Match{Field: field, Test: captured(found, i, p.Cased), Pos: m.Pos}
				all = append(all, part)
			}
			return group(len(all), func() ir.Expr { return all[0] }, all)
		})
		if did {
			r.handled[t.Field.Name] = true
		}
		return out, did
	})
}

// captured is the test of the text of a group: null, a number or a text. A number
// with leading zeros stays a text.
func captured(m regex.Match, group int, cased bool) ir.Test {
	s, _ := m.Group(group)
	if s == "" || strings.EqualFold(s, "null") {
		return ir.Null{}
	}
	if n, ok := ir.ParseNumber(s); ok && string(n) == s {
		return ir.Compare{Op: ir.Eq, Number: n}
	}
	p := unwritten(s, nil)
	p.Cased = cased
	return p
}
