package parser

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"sigmac/internal/suggest"
	"sigmac/internal/taxonomy"
	"sigmac/ir"
	"sigmac/regex"
)

// A file is one file while it is read.
type file struct {
	source       string // of diagnostics
	path         string
	src          []byte
	text         []byte          // src without its byte order mark
	lines        []int           // where the lines of text start; on demand
	long         map[int][]int32 // where the characters of a long line start; on demand
	errs         []*ir.Diagnostic
	warns        []*ir.Diagnostic
	broken       []*Document // documents with an action that cannot be
	aggregations []*Aggregation

	indexing sync.Mutex
	asked    int               // how often an end was asked for
	ends     map[ir.Pos]ir.Pos // of what begins at a place; on demand
}

// actions follows the attribute action of the documents of a file: `global`
// gives its attributes to all that follow until `reset`, `repeat` starts from
// the rule before it.
func (f *file) actions(roots []*yaml.Node) []*yaml.Node {
	var out []*yaml.Node
	var global, last *yaml.Node
	total := 0
	broken := func(root, at *yaml.Node, why string) {
		f.broken = append(f.broken, &Document{Path: f.path, Pos: posOf(root), Errors: []*ir.Diagnostic{f.about(at, "%s", why)}})
	}
	add := func(root *yaml.Node) bool {
		s := sizer{}
		if total += s.size(root, 0); s.at != nil || total > maxFileNodes {
			broken(root, root, "the file is too large once its actions and aliases are followed")
			return false
		}
		last = root
		out = append(out, root)
		return true
	}
	for _, root := range roots {
		action, rest := takeAction(root)
		switch {
		case action == nil:
		case action.Value == "global":
			if global != nil {
				rest = overlay(global, rest)
			}
			global = rest
			continue
		case action.Value == "reset":
			global, last = nil, nil
			if len(rest.Content) == 0 {
				continue
			}
		case action.Value == "repeat" && last != nil:
			if !add(overlay(last, rest)) {
				return out
			}
			continue
		default:
			why := fmt.Sprintf("the action %q is none of global, repeat and reset", action.Value)
			if action.Value == "repeat" {
				why = "no rule stands before this one that it could repeat"
			}
			broken(root, action, why)
			continue
		}
		if global != nil {
			rest = overlay(global, rest)
		}
		if !add(rest) {
			return out
		}
	}
	return out
}

// takeAction splits the attribute action from a document.
func takeAction(root *yaml.Node) (action, rest *yaml.Node) {
	n := deref(root)
	if n.Kind != yaml.MappingNode {
		return nil, root
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == "action" {
			without := *n
			without.Content = slices.Delete(slices.Clone(n.Content), i, i+2)
			return deref(n.Content[i+1]), &without
		}
	}
	return nil, root
}

// document reads one document.
func (f *file) document(root *yaml.Node) *Document {
	f.errs, f.warns, f.aggregations = nil, nil, nil
	d := &Document{Path: f.path, Pos: posOf(root), file: f}
	root = deref(root)
	if root.Kind != yaml.MappingNode {
		d.Foreign = true
		f.failAs(ir.NotSigma, root, "not a Sigma document: a mapping with title, logsource and detection is expected")
	} else {
		f.mapping(d, root)
	}
	if d.Errors, d.Warnings = finish(f.errs), finish(f.warns); len(d.Errors) > 0 {
		d.Broken = &Body{d.Rule, d.Correlation, d.Filter}
		d.Rule, d.Correlation, d.Filter = nil, nil, nil
	}
	if len(d.Errors) == 1 && len(f.aggregations) == 1 {
		d.Aggregation = f.aggregations[0]
	}
	return d
}

func (f *file) mapping(d *Document, root *yaml.Node) {
	meta := ir.Meta{}
	entries := f.entries(root)
	for _, e := range entries {
		f.attribute(&meta, e)
	}
	d.Title, d.ID, d.Name = meta.Title, meta.ID, meta.Name
	find := func(name string) (entry, bool) {
		for _, e := range entries {
			if e.name == name {
				return e, true
			}
		}
		return entry{}, false
	}
	need := func(name string) (entry, bool) {
		e, ok := find(name)
		if ok {
			return e, true
		}
		for _, slip := range entries {
			if suggest.Misspelt(slip.name, []string{name}) != "" {
				f.failAs(ir.MissingKey, slip.key, "unknown attribute %q; did you mean %q, which is missing?", slip.name, name)
				return e, false
			}
		}
		f.failAs(ir.MissingKey, root, "the attribute %q is missing", name)
		return e, false
	}
	var kinds []string
	for _, e := range entries {
		if e.name == "detection" || e.name == "correlation" || e.name == "filter" {
			if kinds = append(kinds, e.name); len(kinds) == 2 {
				f.fail(e.key, "a document with %q has no %q", kinds[0], kinds[1])
			}
		}
	}
	if e, ok := find("correlation"); ok {
		d.Kind = CorrelationRule
		need("title")
		generate, _ := find("generate") // beside it, as some write it
		d.Correlation = f.correlation(meta, e, generate.value)
		return
	}
	_, rule := find("detection")
	if e, ok := find("filter"); ok && !rule {
		d.Kind = FilterRule
		need("title")
		source, _ := need("logsource")
		d.Filter = f.filter(meta, f.logSource(source), e)
		return
	}
	if _, ok := find("logsource"); !ok && !rule {
		d.Foreign = true
		f.failAs(ir.NotSigma, root, "not a Sigma document: it has neither detection, correlation nor filter")
		return
	}
	d.Kind = Rule
	need("title")
	r := &ir.Rule{Meta: meta}
	if e, ok := need("logsource"); ok {
		r.Source = f.logSource(e)
	}
	if e, ok := need("detection"); ok {
		outside, _ := find("condition")
		r.Detections, r.Conditions = f.detection(e, outside.key)
	}
	f.misspelt(r)
	d.Rule = r
}

// misspelt warns of fields that events of the rule's log source do not have, and that are
// near one that they have; each once.
func (f *file) misspelt(r *ir.Rule) {
	known := taxonomy.Fields(r.Meta.Taxonomy, r.Source)
	if known == nil {
		return
	}
	said := map[string]bool{}
	look := func(name string, at ir.Pos) {
		if name == "" || said[name] || slices.Contains(known, name) {
			return
		}
		said[name] = true
		if meant := suggest.Misspelt(name, known); meant != "" {
			w := f.diagnostic(ir.Span{Start: at, End: f.end(at)}, "events of this log source have no field %q; did you mean %q?", name, meant)
			w.Code = "invalid_fieldname"
			f.warns = append(f.warns, w)
		}
	}
	for _, d := range r.Detections {
		ir.Visit(d.Expr, func(e ir.Expr, _ bool) bool {
			switch e := e.(type) {
			case ir.Item:
				look(e.Field.Name, e.Span.Start)
			case ir.Match:
				if ref, ok := e.Test.(ir.FieldRef); ok {
					look(ref.Other.Name, e.Pos)
				}
			}
			return true
		})
	}
}

// attribute reads what a rule says about itself (specification, "Rule
// Attributes").
func (f *file) attribute(m *ir.Meta, e entry) {
	text := func() string {
		if e.value.Kind != yaml.ScalarNode {
			f.fail(e.value, "the attribute %q must be a text", e.name)
			return "?"
		}
		if e.value.Tag == "!!null" {
			return ""
		}
		return e.value.Value
	}
	texts := func() (out []string) {
		switch {
		case e.value.Kind == yaml.ScalarNode && e.value.Tag == "!!null":
		case e.value.Kind == yaml.ScalarNode:
			out = []string{e.value.Value}
		case e.value.Kind == yaml.SequenceNode:
			out = make([]string, 0, len(e.value.Content))
			for _, n := range e.value.Content {
				if n = deref(n); n.Kind != yaml.ScalarNode {
					f.fail(n, "the attribute %q must be a list of texts", e.name)
					continue
				}
				out = append(out, n.Value)
			}
		default:
			f.fail(e.value, "the attribute %q must be a list of texts", e.name)
		}
		return out
	}
	switch e.name {
	case "title":
		if m.Title = text(); m.Title == "" {
			f.fail(e.value, "the attribute \"title\" is empty")
		}
	case "id":
		m.ID = text()
	case "name":
		m.Name = text()
	case "taxonomy":
		m.Taxonomy = text()
	case "status":
		m.Status = text()
	case "description":
		m.Description = text()
	case "license":
		m.License = text()
	case "author":
		m.Author = text()
	case "references":
		m.References = texts()
	case "date":
		m.Date = text()
	case "modified":
		m.Modified = text()
	case "tags":
		m.Tags = texts()
	case "falsepositives":
		m.FalsePositives = texts()
	case "fields":
		m.Fields = texts()
	case "level":
		m.Level = text()
	case "scope":
		m.Scope = texts()
	case "related":
		m.Related = f.related(e)
	case "logsource", "detection", "correlation", "filter":
	case "action": // takeAction has taken the first
		f.failAs(ir.DuplicateKey, e.key, "the key \"action\" stands twice")
	default:
		m.Custom = append(m.Custom, f.custom(e))
	}
}

func (f *file) related(e entry) (out []ir.Related) {
	if e.value.Tag == "!!null" {
		return nil
	}
	if e.value.Kind != yaml.SequenceNode {
		f.fail(e.value, "the attribute \"related\" must be a list of id and type")
		return nil
	}
	for _, n := range e.value.Content {
		if n = deref(n); n.Kind != yaml.MappingNode {
			f.fail(n, "an entry of \"related\" must have id and type")
			continue
		}
		r := ir.Related{}
		for _, x := range f.entries(n) {
			switch x.name {
			case "id":
				r.ID = x.value.Value
			case "type":
				r.Type = x.value.Value
			}
		}
		out = append(out, r)
	}
	return out
}

// custom keeps an attribute that the specification does not name.
func (f *file) custom(e entry) ir.Attribute {
	text := e.value.Value
	if e.value.Kind != yaml.ScalarNode {
		b, err := yaml.Marshal(f.resolved(e.value))
		if err != nil {
			f.fail(e.value, "%s", err)
		}
		text = strings.TrimSuffix(string(b), "\n")
	}
	return ir.Attribute{Name: e.name, Value: text, Pos: posOf(e.key)}
}

// resolved is n without aliases, anchors and comments.
func (f *file) resolved(n *yaml.Node) *yaml.Node {
	n = deref(n)
	out := &yaml.Node{Kind: n.Kind, Style: n.Style, Tag: n.Tag, Value: n.Value}
	switch n.Kind {
	case yaml.MappingNode:
		for _, e := range f.entries(n) {
			out.Content = append(out.Content, f.resolved(e.key), f.resolved(e.value))
		}
	case yaml.SequenceNode:
		for _, c := range n.Content {
			out.Content = append(out.Content, f.resolved(c))
		}
	}
	return out
}

func (f *file) logSource(e entry) (s ir.LogSource) {
	if e.value == nil {
		return s
	}
	s.Pos = posOf(e.key)
	if e.value.Kind != yaml.MappingNode {
		f.fail(e.value, "logsource must be a mapping with category, product or service")
		return s
	}
	for _, x := range f.entries(e.value) {
		if x.value.Kind != yaml.ScalarNode {
			s.Custom = append(s.Custom, f.custom(x))
			continue
		}
		v := x.value.Value
		if x.value.Tag == "!!null" {
			v = ""
		}
		switch x.name {
		case "category":
			s.Category = v
		case "product":
			s.Product = v
		case "service":
			s.Service = v
		case "definition":
			s.Definition = v
		default:
			s.Custom = append(s.Custom, f.custom(x))
			if meant := suggest.Misspelt(x.name, []string{"category", "product", "service", "definition"}); meant != "" {
				f.warnAs("fieldname_logsource", x.key, "a log source has no %q; did you mean %q?", x.name, meant)
			}
		}
	}
	for _, w := range taxonomy.UnknownWords(s) {
		for _, x := range f.entries(e.value) {
			if x.name == w.Part && w.Meant != "" {
				f.warnAs("logsource_unknown", x.value, "%s %q is of no known log source; did you mean %q?", w.Part, w.Value, w.Meant)
			}
		}
	}
	return s
}

// The limits of a rule: a pattern of a condition looks at every name. The
// largest public rule has 35 detections and one condition.
const (
	maxDetections = 1000
	maxName       = 256
	maxConditions = 100
)

// detection reads the attribute detection: the named parts and the conditions
// over them. Outside is a key `condition` of the rule itself, or nil.
func (f *file) detection(e entry, outside *yaml.Node) (ds []ir.Detection, cs []ir.Condition) {
	if e.value.Kind != yaml.MappingNode {
		f.fail(e.value, "detection must be a mapping with named parts and a condition")
		return nil, nil
	}
	var conditions *yaml.Node
	var timeframe entry
	entries := f.entries(e.value)
	ds = make([]ir.Detection, 0, min(len(entries), maxDetections))
	for _, x := range entries {
		switch x.name {
		case "condition":
			conditions = x.value
		case "timeframe":
			timeframe = x
		default:
			if len(x.name) > maxName || len(ds) == maxDetections {
				f.failAs(ir.OverLimit, x.key, "a rule has at most %d detections, with names of at most %d bytes", maxDetections, maxName)
				return ds, nil
			}
			ds = append(ds, ir.Detection{Name: x.name, Pos: posOf(x.key), Span: f.span(x.value), Expr: f.body(x)})
		}
	}
	if len(ds) == 0 {
		f.fail(e.key, "detection has no part that a condition could name")
	}
	if conditions == nil {
		for _, x := range entries {
			if suggest.Misspelt(x.name, []string{"condition"}) != "" {
				f.failAs(ir.MissingKey, x.key, "unknown attribute %q; did you mean \"condition\", which is missing?", x.name)
				return ds, nil
			}
		}
		if outside != nil {
			f.failAs(ir.MissingKey, outside, "the condition stands outside of detection, which has none: indent it like the parts of detection")
			return ds, nil
		}
		f.failAs(ir.MissingKey, e.key, "detection has no condition")
		return ds, nil
	}
	nodes := []*yaml.Node{conditions}
	if conditions.Kind == yaml.SequenceNode {
		if nodes = conditions.Content; len(nodes) == 0 {
			f.fail(conditions, "the list of conditions is empty")
		}
		if len(nodes) > maxConditions {
			f.failAs(ir.OverLimit, nodes[maxConditions], "more than %d conditions", maxConditions)
			return ds, nil
		}
	}
	used := map[string]bool{}
	broken := len(f.errs)
	for _, n := range nodes {
		if n = deref(n); n.Kind != yaml.ScalarNode {
			f.fail(n, "a condition must be a text")
			continue
		}
		if c, ok := f.condition(n, ds, timeframe); ok {
			cs = append(cs, c)
			for _, name := range ir.Named(c.Expr) {
				used[name] = true
			}
		}
	}
	for _, x := range entries {
		if x.name != "condition" && x.name != "timeframe" && !used[x.name] && len(f.errs) == broken {
			f.warnAs("dangling_detection", x.key, "no condition uses the detection %q", x.name)
		}
	}
	return ds, cs
}

// body reads the value of a detection.
func (f *file) body(x entry) ir.Expr {
	n := x.value
	switch n.Kind {
	case yaml.MappingNode:
		return f.items(n)
	case yaml.SequenceNode:
		if len(n.Content) == 0 {
			break
		}
		scalars := !slices.ContainsFunc(n.Content, func(c *yaml.Node) bool { return deref(c).Kind != yaml.ScalarNode })
		if scalars {
			return f.item("", nil, n)
		}
		var out ir.Or
		for _, c := range n.Content {
			switch c = deref(c); c.Kind {
			case yaml.MappingNode:
				out = append(out, f.items(c))
			case yaml.ScalarNode:
				out = append(out, f.item("", nil, c))
			default:
				f.fail(c, "a list within the list of a detection")
			}
		}
		if len(out) == 1 {
			return out[0]
		}
		return out
	case yaml.ScalarNode:
		if n.Tag == "!!null" || n.Value == "" {
			break
		}
		return f.item("", nil, n)
	}
	f.fail(x.key, "the detection %q is empty", x.name)
	return ir.And{}
}

func (f *file) items(n *yaml.Node) ir.Expr {
	entries := f.entries(n)
	if len(n.Content) == 0 {
		f.fail(n, "an empty mapping matches every event")
		return ir.And{}
	}
	out := make(ir.And, 0, len(entries))
	for _, e := range entries {
		out = append(out, f.item(e.name, e.key, e.value))
	}
	if len(out) == 1 {
		return out[0]
	}
	return out
}

// item reads one line of a detection: a field with its modifiers and values;
// without a name it holds keywords.
func (f *file) item(key string, keyNode, value *yaml.Node) ir.Expr {
	first := value
	if keyNode != nil {
		first = keyNode
	}
	name, rest, modified := strings.Cut(key, "|")
	it := ir.Item{Field: ir.Field{Name: name}, Span: ir.Span{Start: posOf(first), End: f.span(value).End}, X: ir.False}
	var ms mods
	if modified {
		names := strings.SplitN(rest, "|", maxModifiers+1)
		if len(names) > maxModifiers {
			f.failAs(ir.OverLimit, first, "more than %d modifiers", maxModifiers)
			return it
		}
		var ok bool
		if ms, ok = f.modifiersOf(deref(keyNode), len(name)+1, names); !ok {
			return it
		}
	}
	if !utf8.ValidString(name) {
		f.fail(first, "the field's name is not text")
	}
	it.Mods = ms.all
	values := []*yaml.Node{value}
	if value.Kind == yaml.SequenceNode {
		values = value.Content
	}
	if len(values) == 0 {
		if name == "" || !ms.only(listFamily) {
			f.fail(value, "the list of values is empty")
			return it
		}
		it.X = negated(ms, ir.Match{Field: it.Field, Test: ir.Null{}, Pos: posOf(value)})
		return it
	}
	if ms.has("exists") && len(values) > 1 {
		f.failAs(ir.InvalidValue, value, "`exists` needs one boolean, true or false")
		return it
	}
	out := make([]ir.Expr, 0, len(values))
	it.Raw = make([]ir.Scalar, 0, len(values))
	for _, n := range values {
		if n = deref(n); n.Kind != yaml.ScalarNode {
			f.failAs(ir.InvalidValue, n, "the values of a field are texts, numbers, booleans or null")
			continue
		}
		s, why := scalarOf(n)
		if why != "" {
			f.failAs(ir.InvalidValue, s.node, "%s", why)
			continue
		}
		f.slip(n, keyNode == nil && len(values) == 1)
		f.control(n)
		it.Raw = append(it.Raw, s.Scalar)
		if e := f.value(it.Field, ms, s); e != nil {
			out = append(out, e)
		}
	}
	switch {
	case len(out) == 0:
	case len(out) == 1:
		it.X = negated(ms, out[0])
	case ms.has("all"):
		it.X = negated(ms, ir.And(out))
	default:
		it.X = negated(ms, ir.Or(out))
	}
	return it
}

// slip warns of a text without quotes that YAML reads as another thing than it looks like.
// Alone says that it is the only keyword of a detection.
func (f *file) slip(n *yaml.Node, alone bool) {
	if n.Style&^yaml.TaggedStyle != 0 {
		return
	}
	first, _ := utf8.DecodeRuneInString(n.Value)
	if strings.ContainsRune("“”„‘’‚«»", first) {
		f.warnAs(ir.LikelySlip, n, "the quote %c is part of the text; those of YAML are ' and \"", first)
	}
	if alone && gluedKey().MatchString(n.Value) {
		f.warnAs(ir.LikelySlip, n, "%q is a keyword; behind the colon of a key stands a blank", n.Value)
	}
	if !strings.Contains(n.Value, " - ") {
		return
	}
	for line, last := n.Line+1, f.behind(n, false).Line; line <= last; line++ {
		text := string(f.at(ir.Pos{Line: line, Column: 1}))
		if indent := blanks(text, " "); begins(text[indent:min(len(text), indent+2)], "-") {
			at := ir.Pos{Line: line, Column: indent + 1}
			w := f.diagnostic(ir.Span{Start: at, End: right(at, 1)}, "the text of line %d goes on here, for this line is further to the right; align the dash with that of an entry", n.Line)
			w.Code = ir.LikelySlip
			f.warns = append(f.warns, w)
		}
	}
}

func negated(ms mods, e ir.Expr) ir.Expr {
	if ms.has("neq") {
		return ir.Not{X: e}
	}
	return e
}

// value is the meaning of one value of an item.
func (f *file) value(field ir.Field, ms mods, s scalar) ir.Expr {
	if ms.has("exists") && s.Kind != ir.ScalarBool {
		f.failAs(ir.InvalidValue, s.node, "`exists` needs one boolean, true or false")
		return nil
	}
	test := ms.test
	if field.Name == "" {
		test = ms.keyword
	}
	t, err := test(s)
	if err != nil {
		if e := (*regex.Error)(nil); errors.As(err, &e) {
			f.failIn(s.node, e.Offset, e.End, ir.InvalidRegexp, "not a regular expression: %s", e.Msg)
		} else {
			f.failAs(ir.InvalidValue, s.node, "%s", err)
		}
		return nil
	}
	var e ir.Expr
	if field.Name == "" {
		e = ir.Keyword{Test: t, Pos: s.Pos}
	} else {
		e = ir.Match{Field: field, Test: t, Pos: s.Pos}
	}
	if ms.has("exists") && !s.truth {
		e = ir.Not{X: e}
	}
	return e
}
