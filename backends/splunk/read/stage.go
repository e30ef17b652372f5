package read

import (
	"slices"
	"strconv"
	"strings"
	"sync"

	"sigmac/internal/lazy"
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
func (p *pipeline) column(name string) column { return p.follow(p.layers, name) }

func (p *pipeline) follow(layers []layer, name string) column {
	c := column{own, name}
	for i := len(layers) - 1; i >= 0 && c.origin == own; i-- {
		if p.steps--; p.steps < 0 {
			p.fail(0, "the query stands for too much")
		}
		c = layers[i](c.name)
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
	out, _ := ir.Rewrite(e, func(leaf ir.Expr) (ir.Expr, bool) {
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
	varies := false // so that it is not the same predicate in another place
	ir.Walk(e, func(e ir.Expr) {
		o, ok := e.(ir.Opaque)
		varies = varies || ok && variable().MatchString(o.Text)
	})
	e, known := p.over(e)
	if !known {
		return false
	}
	switch b, ok := p.bound(e, st.name != "where"); {
	case ok:
		p.times = append(p.times, b)
	case varies:
		return false
	default:
		p.where = append(p.where, e)
	}
	return true
}

// variable are the functions of eval that give something else each time.
var variable = lazy.Regexp(`(?i)\b(random|time)\s*\(`)

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
var commands func() map[string]func(p *pipeline, st stage) (ir.Effect, layer)

func init() { commands = sync.OnceValue(allCommands) }

func allCommands() map[string]func(p *pipeline, st stage) (ir.Effect, layer) {
	out := map[string]func(p *pipeline, st stage) (ir.Effect, layer){}
	all := func(o origin) layer { return func(string) column { return column{origin: o} } }
	set := func(names string, do func(p *pipeline, st stage) (ir.Effect, layer)) {
		for _, name := range strings.Fields(names) {
			out[name] = do
		}
	}
	is := func(e ir.Effect, l layer) func(*pipeline, stage) (ir.Effect, layer) {
		return func(*pipeline, stage) (ir.Effect, layer) { return e, l }
	}
	computes := func(names func(w words) []string) func(*pipeline, stage) (ir.Effect, layer) {
		return func(p *pipeline, st stage) (ir.Effect, layer) { return ir.Computes, p.some(made, names(p.words(st))) }
	}
	last := func(w words) []string { return w.plain[max(len(w.plain)-1, 0):] }

	set("reverse outputlookup sendemail sendalert highlight fieldformat noop", is(ir.Keeps, nil))
	set("collect stash summaryindex sumindex", func(p *pipeline, st stage) (ir.Effect, layer) {
		if p.words(st).is("testmode") { // shows the events as the index would have them
			return ir.Computes, all(gathered)
		}
		return ir.Keeps, nil
	})
	set("outputcsv", func(p *pipeline, st stage) (ir.Effect, layer) {
		if len(p.words(st).plain) == 0 { // no file: the row is put into a field
			return ir.Computes, all(made)
		}
		return ir.Keeps, nil
	})
	set("head tail uniq", is(ir.Removes, nil))
	set("sample", is(ir.Removes, all(gathered))) // or it numbers the events
	set("dedup", (*pipeline).dedup)
	set("spath", computes(func(w words) []string {
		if name := w.options["output"]; name != "" && (w.options["path"] != "" || len(w.plain) > 0) {
			return []string{name}
		}
		return nil // every field that is found
	}))
	set("extract kv xmlkv xmlunescape xpath tags typer scrub erex", is(ir.Computes, all(made)))
	set("foreach", func(p *pipeline, st stage) (ir.Effect, layer) {
		if _, body, _ := strings.Cut(p.text[st.body:st.hi], "["); evalAlone().MatchString(body) {
			return ir.Computes, all(made)
		}
		return ir.AnyEffect, all(gathered)
	})
	set("addtotals", func(p *pipeline, st stage) (ir.Effect, layer) {
		w := p.words(st)
		name := w.options["fieldname"]
		if name == "" {
			name = "Total"
		}
		if w.is("col") { // a row of sums, which the rows behind it do not tell from events
			return ir.Adds, p.some(gathered, []string{name})
		}
		return ir.Computes, p.some(made, []string{name})
	})
	set("filldown accum delta autoregress trendline", is(ir.Computes, all(gathered)))
	set("eventstats streamstats", func(p *pipeline, st stage) (ir.Effect, layer) {
		before, _ := p.words(st).clauses()
		return ir.Computes, p.some(gathered, computedNames(before))
	})
	set("chart timechart top rare transaction mvcombine xyseries untable transpose contingency associate cluster kmeans "+
		"fieldsummary multikv localize sitimechart sichart sitop sirare makecontinuous selfjoin", is(ir.Remakes, all(gathered)))
	set("append appendpipe union multisearch addcoltotals", is(ir.Adds, nil))
	set("appendcols predict", is(ir.Adds, all(gathered)))
	set("stats sistats", (*pipeline).stats)
	set("sort", (*pipeline).sort)
	set("fields table", (*pipeline).project)
	set("rename", (*pipeline).rename)
	set("eval", (*pipeline).eval)
	set("join", (*pipeline).join)
	set("mvexpand", func(p *pipeline, st stage) (ir.Effect, layer) {
		names := p.words(st).plain
		return ir.Remakes, p.some(gathered, names[:min(len(names), 1)])
	})
	set("rex", func(p *pipeline, st stage) (ir.Effect, layer) {
		var names []string
		body := p.text[st.body:st.hi]
		for _, g := range group().FindAllStringSubmatch(body, -1) {
			names = append(names, g[1])
		}
		_, sed := p.words(st).options["mode"]
		// groups that are named otherwise, a place in a column of its own
		if len(names) == 0 || sed || strings.Contains(body, "(?'") || strings.Contains(strings.ToLower(body), "offset_field") {
			return ir.Computes, all(made)
		}
		return ir.Computes, p.some(made, names)
	})
	set("fillnull", func(p *pipeline, st stage) (ir.Effect, layer) {
		names := p.words(st).plain
		// Without names those that some event has.
		if len(names) == 0 || slices.ContainsFunc(names, func(n string) bool { return strings.Contains(n, "*") }) {
			return ir.Computes, all(made)
		}
		return ir.Computes, p.some(filled, names)
	})
	set("makemv nomv strcat", computes(last))
	set("bin bucket discretize", func(p *pipeline, st stage) (ir.Effect, layer) {
		w := p.words(st)
		effect := ir.Computes
		if w.options["start"] != "" || w.options["end"] != "" { // what is outside is discarded
			effect = ir.Removes
		}
		return effect, p.some(made, last(w))
	})
	set("iplocation", computes(func(w words) (names []string) {
		for _, n := range strings.Fields("City Continent Country MetroCode Region Timezone lat lon") {
			names = append(names, w.options["prefix"]+n)
		}
		return names
	}))
	set("convert", computes(func(w words) (names []string) {
		for i := 0; i < len(w.plain); i++ {
			_, inside, _ := strings.Cut(strings.TrimSuffix(w.plain[i], ")"), "(")
			if i+2 < len(w.plain) && strings.EqualFold(w.plain[i+1], "AS") {
				i += 2
				inside = w.plain[i]
			}
			if inside == "" { // `auto` by itself takes every field
				return nil
			}
			names = append(names, inside)
		}
		return names
	}))
	set("addinfo", computes(func(words) []string {
		return []string{"info_min_time", "info_max_time", "info_sid", "info_search_id", "info_search_time"}
	}))
	set("lookup", computes(func(w words) []string {
		for i, a := range w.plain {
			if strings.EqualFold(a, "OUTPUT") || strings.EqualFold(a, "OUTPUTNEW") {
				return renamedTo(w.plain[i+1:])
			}
		}
		return nil // every field of the table
	}))
	set("rangemap replace reltime setfields", is(ir.Computes, all(made)))
	return out
}

var (
	group     = lazy.Regexp(`\(\?P?<([A-Za-z_]\w*)>`)
	evalAlone = lazy.Regexp(`^\s*(?i:eval)\s[^|]*$`)
)

// some is the layer that makes these columns something else, or every column
// where none is named.
func (p *pipeline) some(o origin, names []string) layer {
	is := p.patterns(names)
	return func(name string) column {
		if _, named := is(name); named || len(names) == 0 {
			return column{origin: o}
		}
		return column{own, name}
	}
}

// command reads a stage that is no filter.
func (p *pipeline) command(st stage, first bool) ir.Effect {
	do, known := commands()[st.name]
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

// words are the arguments of a stage. Options are `name=value`, wherever they
// stand; their names have no case (searchbnf.conf: all literals).
type words struct {
	options map[string]string
	plain   []string
}

var optionName = lazy.Regexp(`^[A-Za-z_]\w*$`)

// is says whether an option is given that switches something on.
func (w words) is(option string) bool {
	value, given := w.options[option]
	return given && !slices.Contains([]string{"f", "false", "0", "no"}, strings.ToLower(value))
}

// words are the arguments of a stage, without commas and quotes. What stands in
// parentheses or brackets is part of its word.
func (p *pipeline) words(st stage) words {
	s := p.text[st.body:st.hi]
	w := words{options: map[string]string{}}
	var b strings.Builder
	depth, quoted, some := 0, false, false
	option, open := "", false // whose value is being read, and whether it has not begun
	flush := func() {
		switch {
		case option != "":
			w.options[option] = b.String()
		case some:
			w.plain = append(w.plain, b.String())
		}
		b.Reset()
		option, some = "", false
	}
	for i := 0; i < len(s); {
		j := min(skip(s, i), len(s))
		c := s[i]
		blank := depth == 0 && !quoted && (c == ',' || isSpace(c))
		switch {
		case blank:
			if next := strings.TrimLeft(s[i:], " \t\r\n"); !open && !strings.HasPrefix(next, "=") {
				flush()
			}
		case c == '"' && j-i > 1:
			b.WriteString(s[i+1 : j-1])
			some = true
		case c == '\'':
			quoted = !quoted
		case c == '=' && depth == 0 && !quoted && option == "" && optionName().MatchString(b.String()):
			option = strings.ToLower(b.String())
			b.Reset()
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
		if !blank {
			open = c == '=' && option != "" && b.Len() == 0
		}
		i = j
	}
	flush()
	return w
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
	w := p.words(st)
	count := w.options["limit"]
	if count == "" && len(w.plain) > 0 {
		count = w.plain[0]
	}
	if n, err := strconv.Atoi(count); err == nil {
		if n == 0 {
			return ir.Keeps, nil
		}
		return ir.Removes, nil
	}
	p.assume(sortLimit)
	return ir.Keeps, nil
}

// dedup removes the events beyond the first of a value or, with keepevents,
// these fields of them (Search Reference: dedup).
func (p *pipeline) dedup(st stage) (ir.Effect, layer) {
	w := p.words(st)
	names := w.plain
	if at := slices.IndexFunc(names, func(a string) bool { return strings.EqualFold(a, "sortby") }); at >= 0 {
		names = names[:at]
	}
	if w.is("keepevents") {
		return ir.Removes, p.some(gathered, names) // an event without one of them may go
	}
	return ir.Removes, nil
}

// project reads `fields` and `table`: what is not named is dropped or, with a
// minus, what is. `fields` without it keeps _raw and _time (Search Reference:
// fields).
func (p *pipeline) project(st stage) (ir.Effect, layer) {
	names := p.words(st).plain
	minus := false
	if body := trim(p.text[st.body:st.hi]); len(names) > 0 && strings.IndexAny(body, "+-") == 0 {
		if st.name == "table" { // which has no signs
			return ir.Computes, p.some(made, nil)
		}
		minus = body[0] == '-'
		if names[0] = names[0][1:]; names[0] == "" {
			names = names[1:]
		}
	}
	is := p.patterns(names)
	internal := st.name == "fields" && !minus
	return ir.Computes, func(name string) column {
		if _, named := is(name); named != minus || internal && strings.HasPrefix(name, "_") {
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
	args := p.words(st).plain
	var olds, news []string
	for i := 0; i < len(args); i += 3 {
		if i+2 >= len(args) || !strings.EqualFold(args[i+1], "AS") || strings.Count(args[i], "*") != strings.Count(args[i+2], "*") {
			return ir.Computes, p.some(made, nil)
		}
		olds, news = append(olds, args[i]), append(news, args[i+2])
	}
	isOld, isNew := p.patterns(olds), p.patterns(news)
	for i, name := range news {
		_, moved := isOld(name)
		// In which order they are renamed is not written down.
		if w, _ := isNew(name); w.number != i || moved && !strings.Contains(name, "*") {
			return ir.Computes, p.some(made, nil)
		}
	}
	before, grouped := slices.Clip(p.layers), p.grouped
	return ir.Computes, func(name string) column {
		w, renamed := isNew(name)
		_, taken := isOld(name)
		switch {
		case renamed && strings.Contains(olds[w.number], "*"):
			// Where no event has the old name, the new one may stay what it was.
			if !taken && !grouped && p.follow(before, name).origin != gone {
				return column{origin: made}
			}
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
		if copies[name] = ""; plainName().MatchString(expr) && !evalConstants[strings.ToLower(expr)] {
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
	plainName     = lazy.Regexp(`^([A-Za-z_]\w*|'[^']+')$`)
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

// clauses are the arguments of an aggregation before and behind BY.
func (w words) clauses() (before, by []string) {
	if at := slices.IndexFunc(w.plain, func(a string) bool { return strings.EqualFold(a, "BY") }); at >= 0 {
		return w.plain[:at], w.plain[at+1:]
	}
	return w.plain, nil
}

// computedNames are the columns of an aggregation. One that has no name is called
// as it is written, or as the function is called in full.
func computedNames(args []string) []string {
	names := renamedTo(args)
	for _, n := range names {
		if strings.EqualFold(n, "c") {
			names = append(names, "count")
		} else if strings.Contains(n, "(") {
			names = append(names, "*(*)")
		}
	}
	return names
}

// stats makes a row of the events with equal values of the fields behind BY; an
// event without one of them is in no row (Search Reference: stats).
func (p *pipeline) stats(st stage) (ir.Effect, layer) {
	w := p.words(st)
	before, by := w.clauses()
	computed := map[string]bool{}
	for _, n := range computedNames(before) {
		computed[n] = true
	}
	keys := map[string]bool{}
	for _, k := range by {
		keys[k] = !computed[k]
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
	if kind := strings.ToLower(p.words(st).options["type"]); kind == "left" || kind == "outer" {
		effect = ir.Computes
	}
	return effect, func(string) column { return column{origin: gathered} }
}
