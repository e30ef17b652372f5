package read

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"sigmac/ir"
)

// A column is what a name stands for behind some stages: where it is own, the
// field name as it was before them.
type column struct {
	origin origin
	name   string
}

type origin uint8

const (
	own      origin = iota // a field of the event
	gone                   // dropped, so missing
	made                   // computed of the event, in a way that is not represented
	filled                 // so, and never missing
	gathered               // of several events, or not of the event
)

// A layer is what one stage does to the columns.
type layer func(name string) column

const (
	maxLayers  = 200     // stages that change columns, before what follows is not judged
	maxColumns = 4 << 20 // names compared while columns are followed, over the whole query
)

// pipeline is what is known of the columns behind the stages that are read.
type pipeline struct {
	*reading
	layers  []layer
	texts   []string // of the stages that compute columns
	rows    bool     // a row may be of several events, or not of the event alone
	grouped bool     // a row is of the events with equal keys
	where   []ir.Expr
	times   []ir.Bound
	steps   int
}

// column follows a name to the event.
func (p *pipeline) column(name string) column {
	c := column{own, name}
	for i := len(p.layers) - 1; i >= 0 && c.origin == own; i-- {
		if p.steps--; p.steps < 0 {
			p.fail(0, "the query stands for too much")
		}
		c = p.layers[i](c.name)
	}
	return c
}

// over is a filter behind the stages so far as one of the event. It is false
// where that is not known: then the filter removes rows.
func (p *pipeline) over(e ir.Expr) (ir.Expr, bool) {
	if len(p.layers) == 0 && !p.rows {
		return e, true
	}
	known := true
	out, _ := ir.Map(e, func(leaf ir.Expr) (ir.Expr, bool) {
		switch m := leaf.(type) {
		case ir.Opaque:
			known = known && !p.rows
			return p.behind(m), true
		case ir.Keyword:
			c := p.column("_raw")
			known = known && c.origin != gathered && !p.rows
			if c != (column{own, "_raw"}) {
				return p.behind(ir.Opaque{Lang: readName, Text: m.String(), Pos: m.Pos}), true
			}
		case ir.Match:
			return p.match(m, &known)
		}
		return leaf, false
	})
	return out, known
}

func (p *pipeline) match(m ir.Match, known *bool) (ir.Expr, bool) {
	c := p.column(m.Field.Name)
	other := column{own, ""}
	ref, isRef := m.Test.(ir.FieldRef)
	if isRef {
		other = p.column(ref.Other.Name)
	}
	if p.grouped {
		p.assume(singleValue) // a row is of one value of its keys
	}
	_, null := m.Test.(ir.Null)
	_, exists := m.Test.(ir.Exists)
	switch {
	case c.origin == filled && null:
		return ir.False, true
	case c.origin == filled && exists:
		return ir.True, true
	case c.origin == gathered || other.origin == gathered:
		*known = false
		return m, false
	case c.origin == made || c.origin == filled || other.origin == made || other.origin == filled:
		return p.behind(ir.Opaque{Lang: readName, Text: m.String(), Pos: m.Pos}), true
	case c.origin == gone && null:
		return ir.True, true
	case c.origin == gone || other.origin == gone:
		return ir.False, true
	}
	same := c.name == m.Field.Name
	m.Field = p.field(c.name)
	if isRef {
		same = same && other.name == ref.Other.Name
		ref.Other = p.field(other.name)
		m.Test = ref
	}
	return m, !same
}

// behind is an opaque filter with the stages that compute what it may read.
func (p *pipeline) behind(o ir.Opaque) ir.Opaque {
	o.Text, o.Of = strings.Join(append(slices.Clone(p.texts), o.Text), "; "), nil
	if p.steps -= len(o.Text); p.steps < 0 {
		p.fail(0, "the query stands for too much")
	}
	return o
}

// filter takes a filter of a stage, and says whether it is known what it does
// to the events.
func (p *pipeline) filter(st stage, e ir.Expr) bool {
	e, known := p.over(e)
	if !known {
		return false
	}
	if b, ok := p.bound(e, st.name != "where"); ok {
		p.times = append(p.times, b)
	} else {
		p.where = append(p.where, e)
	}
	return true
}

// timeFields hold when an event happened, and when it was indexed.
var timeFields = []string{"_time", "_indextime"}

// bound is a filter that only chooses when events happened.
func (p *pipeline) bound(e ir.Expr, search bool) (b ir.Bound, ok bool) {
	ok = true
	ir.Walk(e, func(e ir.Expr) {
		switch e := e.(type) {
		case ir.Match:
			order, is := e.Test.(ir.Compare) // an hour of every day is no bound
			ok = ok && slices.Contains(timeFields, e.Field.Name) && is && order.Op != ir.Eq
			b.Field, b.Pos, b.Text = e.Field.Name, e.Pos, e.String()
		case ir.Opaque:
			b.Pos, b.Text = e.Pos, e.Text
			if search {
				name := e.Text[:strings.IndexFunc(e.Text+" ", func(c rune) bool { return !isWord(byte(c)) })]
				ok = ok && timeModifiers[name] && !strings.Contains(e.Text, "|")
				return
			}
			for _, name := range fieldsOf(e.Text) {
				ok = ok && slices.Contains(timeFields, name)
				b.Field = name
			}
			ok = ok && b.Field != "" && !strings.Contains(e.Text, "strftime")
		case ir.Keyword:
			ok = false
		}
	})
	b.Expr = e
	return b, ok && b.Text != ""
}

// fieldsOf are the fields that an expression of eval names.
func fieldsOf(s string) (out []string) {
	for i := 0; i < len(s); {
		j := min(skip(s, i), len(s))
		switch c := s[i]; {
		case c == '\'':
			if n := strings.IndexByte(s[j:], '\''); n >= 0 {
				out = append(out, s[j:j+n])
				j += n + 1
			}
		case '0' <= c && c <= '9':
			for j < len(s) && (isWord(s[j]) || s[j] == '.') {
				j++
			}
		case isWord(c):
			for j < len(s) && (isWord(s[j]) || s[j] == '.' || s[j] == '{' || s[j] == '}') {
				j++
			}
			word := s[i:j]
			if !strings.HasPrefix(strings.TrimLeft(s[j:], " \t\r\n"), "(") && !operators[strings.ToUpper(word)] {
				out = append(out, word)
			}
		}
		i = j
	}
	return out
}

// operators are the words of eval that name no field.
var operators = map[string]bool{"AND": true, "OR": true, "NOT": true, "XOR": true, "IN": true, "LIKE": true,
	"TRUE": true, "FALSE": true, "NULL": true}

// commands say what a stage does that is no filter (Search Reference, the page
// of each). One that is not here may do anything.
var commands = map[string]func(p *pipeline, st stage) (ir.Effect, layer){}

func init() {
	all := func(o origin) layer { return func(string) column { return column{origin: o} } }
	set := func(names string, do func(p *pipeline, st stage) (ir.Effect, layer)) {
		for _, name := range strings.Fields(names) {
			commands[name] = do
		}
	}
	is := func(e ir.Effect, l layer) func(*pipeline, stage) (ir.Effect, layer) {
		return func(*pipeline, stage) (ir.Effect, layer) { return e, l }
	}
	computes := func(names func(args []string) []string) func(*pipeline, stage) (ir.Effect, layer) {
		return func(p *pipeline, st stage) (ir.Effect, layer) {
			return ir.Computes, p.some(made, names(arguments(p.text[st.body:st.hi])))
		}
	}
	// An option may stand before a field, or behind it.
	plain := func(args []string) []string {
		return slices.DeleteFunc(args, func(a string) bool { return strings.Contains(a, "=") })
	}
	last := func(args []string) []string {
		args = plain(args)
		return args[max(len(args)-1, 0):]
	}

	set("reverse collect outputlookup outputcsv sendemail sendalert highlight fieldformat noop", is(ir.Keeps, nil))
	set("head tail dedup uniq sample", is(ir.Removes, nil))
	set("spath", computes(func(args []string) []string {
		for _, a := range args {
			if name, ok := strings.CutPrefix(a, "output="); ok {
				return []string{name}
			}
		}
		return nil // every field that is found
	}))
	set("extract kv xmlkv xmlunescape xpath addtotals tags typer scrub foreach erex", is(ir.Computes, all(made)))
	set("filldown accum delta autoregress predict trendline appendcols", is(ir.Computes, all(gathered)))
	set("eventstats streamstats", func(p *pipeline, st stage) (ir.Effect, layer) {
		args, _ := clauses(arguments(p.text[st.body:st.hi]))
		return ir.Computes, p.some(gathered, renamedTo(args))
	})
	set("chart timechart top rare transaction mvcombine xyseries untable transpose contingency associate cluster kmeans "+
		"fieldsummary multikv localize sitimechart sichart sitop sirare makecontinuous selfjoin tstats mstats", is(ir.Remakes, all(gathered)))
	set("append appendpipe union multisearch", is(ir.Adds, nil))
	set("stats sistats", (*pipeline).stats)
	set("sort", (*pipeline).sort)
	set("fields table", (*pipeline).project)
	set("rename", (*pipeline).rename)
	set("eval", (*pipeline).eval)
	set("join", (*pipeline).join)
	set("mvexpand", func(p *pipeline, st stage) (ir.Effect, layer) {
		args := plain(arguments(p.text[st.body:st.hi]))
		return ir.Remakes, p.some(gathered, args[:min(len(args), 1)])
	})
	set("rex", func(p *pipeline, st stage) (ir.Effect, layer) {
		var names []string
		body := p.text[st.body:st.hi]
		for _, g := range group.FindAllStringSubmatch(body, -1) {
			names = append(names, g[1])
		}
		// mode=sed, groups that are named otherwise, a place in a column of its own
		if len(names) == 0 || strings.Contains(body, "(?'") || strings.Contains(body, "offset_field") {
			return ir.Computes, all(made)
		}
		return ir.Computes, p.some(made, names)
	})
	set("fillnull", func(p *pipeline, st stage) (ir.Effect, layer) {
		names, _ := clauses(arguments(p.text[st.body:st.hi]))
		if len(names) == 0 { // those that some event has
			return ir.Computes, all(made)
		}
		return ir.Computes, p.some(filled, names)
	})
	set("makemv nomv strcat bin bucket", computes(last))
	set("iplocation", func(p *pipeline, st stage) (ir.Effect, layer) {
		prefix := ""
		for _, a := range arguments(p.text[st.body:st.hi]) {
			if s, ok := strings.CutPrefix(a, "prefix="); ok {
				prefix = s
			}
		}
		var names []string
		for _, n := range strings.Fields("City Continent Country MetroCode Region Timezone lat lon") {
			names = append(names, prefix+n)
		}
		return ir.Computes, p.some(made, names)
	})
	set("convert", computes(func(args []string) []string {
		args = slices.DeleteFunc(args, func(a string) bool { return strings.Contains(a, "=") && !strings.Contains(a, "(") })
		names := renamedTo(args)
		for i, n := range names {
			if _, inside, ok := strings.Cut(n, "("); ok {
				names[i] = strings.TrimSuffix(inside, ")")
			}
		}
		return names
	}))
	set("addinfo", computes(func([]string) []string {
		return []string{"info_min_time", "info_max_time", "info_sid", "info_search_time"}
	}))
	set("lookup", computes(func(args []string) []string {
		for i, a := range args {
			if strings.EqualFold(a, "OUTPUT") || strings.EqualFold(a, "OUTPUTNEW") {
				return renamedTo(args[i+1:])
			}
		}
		return nil // every field of the table
	}))
	set("rangemap replace reltime setfields", is(ir.Computes, all(made)))
}

var group = regexp.MustCompile(`\(\?P?<([A-Za-z]\w*)>`)

// some is the layer that makes these columns something else, or every column
// where none is named.
func (p *pipeline) some(o origin, names []string) layer {
	set := map[string]bool{}
	wild := len(names) == 0
	for _, n := range names {
		set[n], wild = true, wild || strings.Contains(n, "*")
	}
	return func(name string) column {
		if wild || set[name] {
			return column{origin: o}
		}
		return column{own, name}
	}
}

// command reads a stage that is no filter.
func (p *pipeline) command(st stage, first bool) ir.Effect {
	do, known := commands[st.name]
	if !known || first || len(p.layers) == maxLayers {
		p.rows = true
		p.layers = []layer{func(string) column { return column{origin: gathered} }}
		return ir.AnyEffect
	}
	effect, l := do(p, st)
	if l != nil && p.rows { // what is computed of a row may be of several events
		computed := l
		l = func(name string) column {
			c := computed(name)
			if c.origin == made || c.origin == filled {
				c.origin = gathered
			}
			return c
		}
	}
	if l != nil {
		p.layers = append(p.layers, l)
		p.texts = append(p.texts, trim(p.text[st.lo:st.hi]))
	}
	p.rows = p.rows || effect == ir.Remakes || l != nil && l("").origin == gathered
	return effect
}

// arguments are the words of a stage, without commas and quotes. What stands in
// parentheses or brackets is part of its word, and so is what stands around `=`.
func arguments(s string) (out []string) {
	var b strings.Builder
	depth, quoted, some := 0, false, false
	flush := func() {
		if some {
			out = append(out, b.String())
		}
		b.Reset()
		some = false
	}
	for i := 0; i < len(s); {
		j := min(skip(s, i), len(s))
		c := s[i]
		switch {
		case c == '"' && j-i > 1:
			b.WriteString(s[i+1 : j-1])
			some = true
		case c == '\'':
			quoted = !quoted
		case depth == 0 && !quoted && (c == ',' || isSpace(c)):
			rest := strings.TrimLeft(s[i:], " \t\r\n")
			if !strings.HasPrefix(rest, "=") && !strings.HasSuffix(b.String(), "=") {
				flush()
			}
		default:
			switch c {
			case '(', '[':
				depth++
			case ')', ']':
				depth--
			}
			b.WriteString(s[i:j])
			some = true
		}
		i = j
	}
	flush()
	return out
}

// renamedTo are the names of a list `a AS b, c`.
func renamedTo(args []string) (out []string) {
	for i := 0; i < len(args); i++ {
		if strings.EqualFold(args[i], "AS") && i+1 < len(args) && len(out) > 0 {
			i++
			out[len(out)-1] = args[i]
			continue
		}
		out = append(out, args[i])
	}
	return out
}

// sort without a number gives 10,000 events, with 0 all (Search Reference: sort).
func (p *pipeline) sort(st stage) (ir.Effect, layer) {
	args := arguments(p.text[st.body:st.hi])
	if len(args) > 0 {
		count, _ := strings.CutPrefix(args[0], "limit=")
		if n, err := strconv.Atoi(count); err == nil {
			if n == 0 {
				return ir.Keeps, nil
			}
			return ir.Removes, nil
		}
	}
	p.assume(sortLimit)
	return ir.Keeps, nil
}

// project reads `fields` and `table`: what is not named is dropped or, with a
// minus, what is. `fields` without it keeps _raw and _time (Search Reference:
// fields).
func (p *pipeline) project(st stage) (ir.Effect, layer) {
	body := trim(p.text[st.body:st.hi])
	rest, minus := strings.CutPrefix(body, "-")
	if !minus {
		rest = strings.TrimPrefix(body, "+")
	}
	names := p.patterns(arguments(rest))
	internal := st.name == "fields" && !minus
	return ir.Computes, func(name string) column {
		if _, named := names(name); named != minus || internal && strings.HasPrefix(name, "_") {
			return column{own, name}
		}
		return column{origin: gone}
	}
}

// patterns says which of some names with wildcards a name is, by its number,
// and what the wildcards stand for.
func (p *pipeline) patterns(names []string) func(name string) (found wildcards, ok bool) {
	exact := map[string]int{}
	var wild []int
	for i, n := range names {
		if strings.Contains(n, "*") {
			wild = append(wild, i)
		} else {
			exact[n] = i
		}
	}
	return func(name string) (wildcards, bool) {
		if i, ok := exact[name]; ok {
			return wildcards{number: i}, true
		}
		for _, i := range wild {
			if p.steps -= len(name); p.steps < 0 {
				p.fail(0, "the query stands for too much")
			}
			if texts, ok := glob(names[i], name); ok {
				return wildcards{i, texts}, true
			}
		}
		return wildcards{}, false
	}
}

type wildcards struct {
	number int
	texts  []string
}

// glob matches a whole name, each wildcard as short as it can be.
func glob(pattern, name string) (texts []string, ok bool) {
	parts := strings.Split(pattern, "*")
	rest, ok := strings.CutPrefix(name, parts[0])
	if !ok {
		return nil, false
	}
	for i, part := range parts[1:] {
		at := strings.Index(rest, part)
		if i == len(parts)-2 {
			if at = len(rest) - len(part); at < 0 || !strings.HasSuffix(rest, part) {
				return nil, false
			}
		}
		if at < 0 {
			return nil, false
		}
		texts, rest = append(texts, rest[:at]), rest[at+len(part):]
	}
	return texts, rest == ""
}

// rename reads `a AS b, c.* AS *`. A new name stands for the field that had the
// old one, also where that is missing (Search Reference: rename).
func (p *pipeline) rename(st stage) (ir.Effect, layer) {
	args := arguments(p.text[st.body:st.hi])
	var olds, news []string
	for i := 0; i < len(args); i += 3 {
		if i+2 >= len(args) || !strings.EqualFold(args[i+1], "AS") || strings.Count(args[i], "*") != strings.Count(args[i+2], "*") {
			return ir.Computes, p.some(made, nil)
		}
		olds, news = append(olds, args[i]), append(news, args[i+2])
	}
	isOld, isNew := p.patterns(olds), p.patterns(news)
	return ir.Computes, func(name string) column {
		w, renamed := isNew(name)
		_, taken := isOld(name)
		switch {
		case renamed && strings.Contains(olds[w.number], "*"):
			old := olds[w.number]
			for _, text := range w.texts {
				old = strings.Replace(old, "*", text, 1)
			}
			return column{own, old}
		case renamed:
			return column{own, olds[w.number]}
		case taken:
			return column{origin: gone}
		}
		return column{own, name}
	}
}

// eval makes columns; one that is a copy of another is followed.
func (p *pipeline) eval(st stage) (ir.Effect, layer) {
	copies := map[string]string{} // empty: an expression
	for _, one := range assignments(p.text[st.body:st.hi]) {
		name, expr, ok := strings.Cut(one, "=")
		name, expr = strings.Trim(trim(name), `"'`), trim(expr)
		if !ok || name == "" || len(copies) > 0 { // one may read what stands before it
			expr = ""
		}
		if !ok || strings.Contains(strings.ReplaceAll(name, "{}", ""), "{") { // `{f}=` makes the column that f names
			return ir.Computes, p.some(made, nil)
		}
		if copies[name] = ""; plainName.MatchString(expr) && !evalConstants[strings.ToLower(expr)] {
			copies[name] = strings.Trim(expr, "'")
		}
	}
	return ir.Computes, func(name string) column {
		switch from, ok := copies[name]; {
		case !ok:
			return column{own, name}
		case from == "":
			return column{origin: made}
		default:
			return column{own, from}
		}
	}
}

var (
	plainName     = regexp.MustCompile(`^([A-Za-z_]\w*|'[^']+')$`)
	evalConstants = map[string]bool{"true": true, "false": true, "null": true}
)

// assignments are the parts of an eval between its commas.
func assignments(s string) (out []string) {
	depth, lo := 0, 0
	for i := 0; i < len(s); {
		j := min(skip(s, i), len(s))
		switch s[i] {
		case '(', '[':
			depth++
		case ')', ']':
			depth--
		case '\'':
			if n := strings.IndexByte(s[j:], '\''); n >= 0 {
				j += n + 1
			}
		case ',':
			if depth == 0 {
				out = append(out, s[lo:i])
				lo = j
			}
		}
		i = j
	}
	return append(out, s[lo:])
}

// clauses are the arguments of an aggregation before and behind BY, without
// options.
func clauses(args []string) (before, by []string) {
	args = slices.DeleteFunc(args, func(a string) bool { return strings.Contains(a, "=") && !strings.Contains(a, "(") })
	if at := slices.IndexFunc(args, func(a string) bool { return strings.EqualFold(a, "BY") }); at >= 0 {
		return args[:at], args[at+1:]
	}
	return args, nil
}

// stats makes a row of the events with equal values of the fields behind BY; an
// event without one of them is in no row (Search Reference: stats).
func (p *pipeline) stats(st stage) (ir.Effect, layer) {
	_, by := clauses(arguments(p.text[st.body:st.hi]))
	keys := map[string]bool{}
	for _, k := range by {
		keys[k] = true
	}
	p.grouped = true
	return ir.Remakes, func(name string) column {
		if keys[name] {
			return column{own, name}
		}
		return column{origin: gathered}
	}
}

// join takes columns of a subsearch over; the inner one drops what has no
// partner there, and is what it does by itself (Search Reference: join).
func (p *pipeline) join(st stage) (ir.Effect, layer) {
	effect := ir.Remakes
	for _, a := range arguments(p.text[st.body:st.hi]) {
		if kind, ok := strings.CutPrefix(strings.ToLower(a), "type="); ok && (kind == "left" || kind == "outer") {
			effect = ir.Computes
		}
	}
	return effect, func(string) column { return column{origin: gathered} }
}
