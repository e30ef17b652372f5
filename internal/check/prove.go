package check

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"sigmac/eval"
	"sigmac/internal/catalog/findings"
	"sigmac/internal/question"
	"sigmac/ir"
	"sigmac/parser"
	"sigmac/regex"
	"sigmac/verify"
)

// maxValues bounds the values of a list that are compared with each other, and
// maxCompared the bytes that this looks at.
const (
	maxValues   = 1000
	maxCompared = 100 << 20
)

// purse is for so many questions.
func (s *subject) purse(questions int) *verify.Purse {
	return &verify.Purse{Each: s.Budget, Left: questions * s.Budget}
}

// prove asks what only the prover can say of a rule.
func (s *subject) prove() {
	if s.on("never_matches", "excludes_everything", "dead_exclusion") {
		s.contradictions()
	}
	if s.on("matches_everything") {
		s.everything()
	}
	if s.on("implied_value") {
		s.items(s.doc.Rule, s.implied)
	}
	if s.on("plain_regex") {
		s.items(s.doc.Rule, s.plainRegexp)
	}
}

func (s *subject) contradictions() {
	known := len(s.report.findings)
	defer func() {
		// A part of a rule that matches nothing is told only if the rule can match.
		if !slices.ContainsFunc(s.report.findings[known:], func(f Finding) bool { return f.Code == "never_matches" || f.Code == "excludes_everything" }) {
			s.impossibleParts()
		}
	}()
	for _, f := range findings.Find([]*parser.Document{s.doc}, s.Budget) {
		because := strings.Join(f.Because, " and ")
		switch f.Kind {
		case findings.Never:
			at := s.doc.Rule.Conditions[0].Pos
			if i := slices.IndexFunc(f.Because, func(b string) bool { return strings.HasPrefix(b, "not ") }); i >= 0 {
				s.find("excludes_everything", at, "no event matches: what is left by the rest is excluded (%s)", because)
			} else {
				s.find("never_matches", at, "no event matches: %s cannot hold together", cmp.Or(because, "the parts"))
			}
		case findings.DeadExclusion:
			why := "no event passes it"
			if because != "" {
				why = "what it matches is out already by " + because
			}
			s.find("dead_exclusion", ir.Pos{Line: f.Line, Column: f.Column}, "%s excludes nothing: %s", f.Part, why)
		}
	}
}

// impossibleParts tells of conditions and detections that no event matches, in a
// rule that others of them let match.
func (s *subject) impossibleParts() {
	r := s.doc.Rule
	asked := *r
	asked.Conditions = nil
	var at []ir.Pos
	var names []string
	if len(r.Conditions) > 1 {
		for i, c := range r.Conditions {
			asked.Conditions, at, names = append(asked.Conditions, c), append(at, c.Pos), append(names, fmt.Sprintf("condition %d", i+1))
		}
	}
	if len(r.Detections) > 1 {
		for _, d := range r.Detections {
			asked.Conditions = append(asked.Conditions, ir.Condition{Expr: ir.Ref{Name: d.Name}})
			at, names = append(at, d.Pos), append(names, "detection "+d.Name)
		}
	}
	want, err := ir.Want(&asked)
	if err != nil {
		return
	}
	for i, c := range want.Conditions {
		if question.Impossible(c.Expr, s.purse(1)) {
			s.weigh(s.find("never_matches", at[i], "no event matches the %s", names[i]), Warning)
		}
	}
}

func (s *subject) everything() {
	none, err := eval.NewEvent(map[string]any{})
	if err != nil || !eval.Rule(s.doc.Rule, none) {
		return
	}
	want, err := ir.Want(s.doc.Rule)
	if err != nil {
		return
	}
	if question.Always(want.Joined().Conditions[0].Expr, s.purse(1)) {
		s.find("matches_everything", s.doc.Rule.Conditions[0].Pos, "every event matches")
	}
}

// parts are the meanings of the values of an item, jointly typed, or nil where
// they are not a list.
func parts(it ir.Item) (out []ir.Expr, all bool) {
	x := it.X
	if not, ok := x.(ir.Not); ok {
		x = not.X
	}
	switch x := x.(type) {
	case ir.Or:
		out = x
	case ir.And:
		out, all = x, true
	}
	size := 0
	for _, v := range it.Raw {
		size += len(v.Text)
	}
	if len(out) < 2 || len(out) != len(it.Raw) || len(out) > maxValues || size*len(out) > maxCompared {
		return nil, false
	}
	rules := make([]*ir.Rule, len(out))
	for i, e := range out {
		rules[i] = &ir.Rule{Conditions: []ir.Condition{{Expr: e}}}
	}
	want, err := ir.WantTogether(rules...)
	if err != nil {
		return nil, false
	}
	out = make([]ir.Expr, len(out))
	for i, c := range want.Conditions {
		out[i] = c.Expr
	}
	return out, all
}

// implied tells of values of a list that another one makes superfluous.
func (s *subject) implied(it ir.Item) {
	values, all := parts(it)
	if values == nil {
		return
	}
	purse := s.purse(4)
	panel := question.NewPanel(values)
	for i, e := range values {
		if m, ok := e.(ir.Match); ok && foldedLiterals(e) == nil {
			if v, ok := verify.Likely(m.Test, m.Field.Type); ok {
				panel.See(i, map[string]any{m.Field.Name: v})
			}
		}
	}
	literals := make([][]string, len(values))
	for i, e := range values {
		literals[i] = foldedLiterals(e)
	}
	implies := func(i, j int) bool {
		if literals[i] != nil && literals[j] != nil && !within(literals[j], literals[i]) {
			return false
		}
		return panel.Implies(i, j, purse)
	}
	gone := make([]bool, len(values))
	exact, folded := map[string]bool{}, make([]string, len(values))
	for i := range values { // those that stand twice are told of as such
		text := it.Raw[i].Text
		gone[i], exact[text], folded[i] = exact[text], true, regex.Fold(text)
	}
	same := func(i, j int) bool { return folded[i] == folded[j] }
	for i := range values {
		if gone[i] {
			continue
		}
		for j := range values {
			// In a list of which one must match, the narrower value is superfluous; in one
			// of which all must, the wider one.
			narrow, wide := i, j
			if all {
				narrow, wide = j, i
			}
			if i == j || same(i, j) || gone[j] || !implies(narrow, wide) {
				continue
			}
			text := "%q is superfluous: all that it finds, %q finds too"
			if all {
				text = "%q is superfluous: all that has to be there for %[2]q has it"
			}
			if f := s.find("implied_value", it.Raw[i].Pos, text, clip(it.Raw[i].Text), clip(it.Raw[j].Text)); f != nil {
				f.Fix = s.report.withoutLine(it.Raw[i].Pos, it.Raw[i].Text)
			}
			gone[i] = true
			break
		}
	}
}

// foldedLiterals are the literals of a pattern without regard to case; nil of
// another test.
func foldedLiterals(e ir.Expr) []string {
	var t ir.Test
	switch e := e.(type) {
	case ir.Match:
		t = e.Test
	case ir.Keyword:
		t = e.Test
	}
	p, ok := t.(ir.Pattern)
	if !ok {
		return nil
	}
	out := []string{}
	for _, part := range p.Parts {
		if part.Kind == ir.Placeholder {
			return nil
		}
		if part.Kind == ir.Literal {
			out = append(out, regex.Fold(part.Text))
		}
	}
	return out
}

// within says whether each of some literals stands in one of others. Otherwise a
// text with rare characters for its wildcards passes the others' pattern alone.
func within(literals, others []string) bool {
	for _, l := range literals {
		if !slices.ContainsFunc(others, func(o string) bool { return strings.Contains(o, l) }) {
			return false
		}
	}
	return true
}

// plainRegexp tells of regular expressions that other modifiers say as well.
func (s *subject) plainRegexp(it ir.Item) {
	if !slices.ContainsFunc(it.Mods, func(m ir.Modifier) bool { return m.Name == "re" }) || it.Field.Name == "" {
		return
	}
	var plain []ir.Pattern
	var matches []ir.Match
	whole := true
	ir.Walk(it.X, func(e ir.Expr) {
		m, ok := e.(ir.Match)
		if !ok {
			return
		}
		re, ok := m.Test.(ir.Regexp)
		if ok && re.Re != nil {
			var p ir.Pattern
			if p, ok = literal(re.Re); ok && s.equal(m, p) {
				plain, matches = append(plain, p), append(matches, m)
				return
			}
		}
		whole = false
	})
	if len(plain) == 0 {
		return
	}
	first, mods := len(s.report.findings), modifiersOf(plain[0])
	for i, p := range plain {
		_, text := p.Shape()
		said := "the text"
		if own := modifiersOf(p); own != "" {
			said = "`" + strings.TrimPrefix(own, "|") + "`"
			if !lettered(plain[0]) && lettered(p) {
				mods = own // case counts for neither
			}
		}
		s.find("plain_regex", matches[i].Pos, "the regular expression says what %s says of %q", said, clip(ir.Lit(text).Written()))
	}
	whole = whole && len(plain) == len(it.Raw) && !slices.ContainsFunc(plain, func(p ir.Pattern) bool {
		return modifiersOf(p) != mods && (lettered(p) || modifiersOf(p)+"|cased" != mods)
	})
	if !whole || first == len(s.report.findings) {
		return
	}
	for _, keep := range []string{"all", "neq"} {
		if slices.ContainsFunc(it.Mods, func(m ir.Modifier) bool { return m.Name == keep }) {
			mods += "|" + keep
		}
	}
	fixes := []*Fix{s.report.replaceModifiers(it, mods)}
	for i, p := range plain {
		_, text := p.Shape()
		fixes = append(fixes, s.report.replaceValue(it.Raw[i], ir.Lit(text).Written()))
	}
	s.report.findings[first].Fix = allOf(fixes)
}

// modifiersOf are those that say a pattern of a simple shape.
func modifiersOf(p ir.Pattern) string {
	shape, _ := p.Shape()
	mods := map[ir.Shape]string{ir.Exact: "", ir.Prefix: "|startswith", ir.Suffix: "|endswith", ir.Contains: "|contains"}[shape]
	if p.Cased {
		mods += "|cased"
	}
	return mods
}

// lettered says whether case can count for a pattern.
func lettered(p ir.Pattern) bool {
	text := p.Literals()
	return regex.Fold(text) != text || strings.ToUpper(text) != text
}

// equal says whether a match means the same with another test.
func (s *subject) equal(m ir.Match, p ir.Pattern) bool {
	m.Field.Type = ir.Text
	other := m
	other.Test = p
	return question.Same(m, other, s.purse(2))
}

// literal is the text that a regular expression looks for, with what may stand
// around it, or not ok.
func literal(re *regex.Re) (p ir.Pattern, ok bool) {
	subs := []*regex.Re{re}
	if re.Op == regex.OpConcat {
		subs = re.Subs
	}
	before, after := true, true
	any := func(r *regex.Re) bool {
		return r.Op == regex.OpRepeat && r.Min == 0 && r.Max < 0 && (r.Subs[0].Op == regex.OpAny || r.Subs[0].Op == regex.OpAnyNotNewline)
	}
	if len(subs) > 0 && subs[0].Op == regex.OpBeginText {
		before, subs = false, subs[1:]
	}
	if n := len(subs); n > 0 && subs[n-1].Op == regex.OpEndText {
		after, subs = false, subs[:n-1]
	}
	if len(subs) > 0 && any(subs[0]) {
		before, subs = true, subs[1:]
	}
	if n := len(subs); n > 0 && any(subs[n-1]) {
		after, subs = true, subs[:n-1]
	}
	var text strings.Builder
	folds, letters := 0, 0
	for _, r := range subs {
		if r.Op != regex.OpLiteral {
			return p, false
		}
		text.WriteRune(r.Rune)
		if regex.Fold(string(r.Rune)) != string(r.Rune) || strings.ToUpper(string(r.Rune)) != string(r.Rune) {
			letters++
			if r.Fold {
				folds++
			}
		}
	}
	if text.Len() == 0 || folds != 0 && folds != letters {
		return p, false
	}
	var out []ir.Part
	if before {
		out = append(out, ir.Part{Kind: ir.AnyRun})
	}
	out = append(out, ir.Part{Text: text.String()})
	if after {
		out = append(out, ir.Part{Kind: ir.AnyRun})
	}
	return ir.NewPattern(letters > 0 && folds == 0, out...), true
}
