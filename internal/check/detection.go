package check

import (
	"slices"
	"strconv"
	"strings"

	"sigmac/internal/lazy"
	"sigmac/ir"
	"sigmac/regex"
)

// conditions looks at the conditions of a rule, and at detections that none uses.
func (s *subject) conditions(r *ir.Rule) {
	used := map[string]bool{}
	for _, c := range r.Conditions {
		ir.Walk(c.Expr, func(e ir.Expr) {
			switch e := e.(type) {
			case ir.Ref:
				used[e.Name] = true
			case ir.Of:
				for _, name := range e.Names {
					used[name] = true
				}
				if e.Pattern == "them" && e.All {
					s.findIn("all_of_them_condition", e.Span, "`all of them` takes in filters and what is added later; name what is meant")
				}
				if e.Pattern == "them" && len(r.Detections) == 1 {
					s.findIn("them_condition_with_single_detection", e.Span, "`them` is one detection only: %s", r.Detections[0].Name)
					s.findIn("ofthem_condition", e.Span, "`of them` with one detection; name it")
				}
				if len(e.Names) == 1 && strings.HasSuffix(e.Pattern, "*") && !strings.HasPrefix(e.Pattern, "filter_") && !strings.HasPrefix(e.Pattern, "selection_") {
					s.findIn("ofselection_condition", e.Span, "%s is one detection only: %s", e.Pattern, e.Names[0])
				}
				if e.Pattern != "them" && !strings.ContainsAny(e.Pattern, "*?") {
					s.findIn("missing_asterisk_condition", e.Span, "`of %s` without an asterisk is %s alone", e.Pattern, e.Pattern)
				}
			}
		})
	}
	for _, d := range r.Detections {
		if !used[d.Name] {
			s.find("dangling_detection", d.Pos, "no condition uses the detection %s", d.Name)
		}
	}
}

var (
	lookAround = lazy.Regexp(`\(\?(?:[=!>]|<[=!])`)
	hashDigits = map[string]int{"MD5": 32, "SHA1": 40, "SHA256": 64, "IMPHASH": 32}
	hexDigits  = lazy.Regexp(`^[0-9a-fA-F]+$`)
)

// detections looks at the lines of a rule's detections.
func (s *subject) detections(r *ir.Rule) {
	s.items(r, func(it ir.Item) {
		has := func(names ...string) bool {
			return slices.ContainsFunc(it.Mods, func(m ir.Modifier) bool { return slices.Contains(names, m.Name) })
		}
		s.modifiers(it, has)
		text := !has("re", "cidr", "fieldref", "exists", "lt", "lte", "gt", "gte")
		for _, v := range it.Raw {
			if v.Kind != ir.ScalarString {
				continue
			}
			if has("re") && lookAround().MatchString(v.Text) {
				s.find("unsupported_regex_group_construct", v.Pos, "look-around and atomic groups are not in every engine of regular expressions")
			}
			if text {
				s.textValue(it, v, has)
			}
		}
		if text {
			s.wildcards(it, has)
		}
		s.twice(it, has)
		s.hashes(it)
		if strings.Contains(strings.ToLower(it.Field.Name), "user") && len(it.Raw) == 1 && (strings.Contains(it.Raw[0].Text, "AUTORI") || strings.Contains(it.Raw[0].Text, "AUTHORI")) {
			s.find("field_user", it.Raw[0].Pos, "the name of the account depends on the language of the system; use AUTHORI and AUTORI both")
		}
	})
}

// modifiers looks at what is valid but seldom meant.
func (s *subject) modifiers(it ir.Item, has func(...string) bool) {
	at := it.Span.Start
	for _, m := range it.Mods {
		if m.Name == "all" {
			at = m.Pos
		}
	}
	switch {
	case has("all") && len(it.Raw) < 2:
		s.weigh(s.find("invalid_modifier_combinations", at, "`all` says nothing of one value"), Warning)
		s.find("invalid_all_modifier", at, "`all` says nothing of one value")
	case has("all") && it.Field.Name != "" && !has("contains", "startswith", "endswith", "re", "cidr", "lt", "lte", "gt", "gte", "neq", "fieldref", "base64offset") &&
		!slices.ContainsFunc(it.Raw, func(v ir.Scalar) bool { return strings.ContainsAny(v.Text, "*?") }):
		s.find("invalid_modifier_combinations", at, "a field that has one value cannot equal all of these")
	case has("all") && has("windash"):
		s.weigh(s.find("invalid_modifier_combinations", at, "other converters ask for all forms of a dash at once"), Note)
	}
	if has("base64offset") && !has("contains") {
		s.weigh(s.find("invalid_modifier_combinations", it.Span.Start, "`base64offset` without `contains` is true only where nothing stands around the value"), Warning)
	}
}

// textValue looks at one text of an item.
func (s *subject) textValue(it ir.Item, v ir.Scalar, has func(...string) bool) {
	if escaped, ok := doubled(v.Text); ok {
		if f := s.find("double_wildcard", v.Pos, "`**` says no more than `*`"); f != nil {
			f.Fix = s.report.replaceValue(v, escaped)
		}
	}
	if i := escapedWildcard(v.Text); i >= 0 && !has("expand") {
		s.find("escaped_wildcard", v.Pos, "`%s` is the character %s, and no wildcard", v.Text[i:i+2], v.Text[i+1:i+2])
	}
	if len(it.Mods) == 0 && it.Field.Name != "" {
		if _, err := strconv.ParseInt(v.Text, 10, 64); err == nil {
			s.find("number_as_string", v.Pos, "the number %s is written as a text", v.Text)
		}
	}
}

// escapedWildcard is where an escaped wildcard stands in a text, or -1.
func escapedWildcard(text string) int {
	for i := 0; i+1 < len(text); i++ {
		if text[i] != '\\' {
			continue
		}
		switch text[i+1] {
		case '*', '?':
			return i
		case '\\':
			i++
		}
	}
	return -1
}

// doubled is a text with one `*` in the place of several; ok says whether it had
// any.
func doubled(text string) (out string, ok bool) {
	var b strings.Builder
	star := false
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c == '*' && star {
			ok = true
			continue
		}
		star = c == '*'
		b.WriteByte(c)
		if c == '\\' && i+1 < len(text) && strings.IndexByte(`\*?`, text[i+1]) >= 0 {
			i++
			b.WriteByte(text[i])
		}
	}
	return b.String(), ok
}

// wildcards looks for values whose wildcards a modifier says better.
func (s *subject) wildcards(it ir.Item, has func(...string) bool) {
	if it.Field.Name == "" || len(it.Raw) == 0 || has("contains", "startswith", "endswith", "base64", "base64offset", "utf16", "utf16le", "utf16be", "expand") ||
		slices.ContainsFunc(it.Raw, func(v ir.Scalar) bool { return v.Kind != ir.ScalarString }) {
		return
	}
	var shape ir.Shape
	mixed := false
	var texts []string
	i := 0
	ir.Walk(it.X, func(e ir.Expr) {
		m, ok := e.(ir.Match)
		if !ok {
			return
		}
		t := m.Test
		if w, ok := t.(ir.Windash); ok {
			t = w.X
		}
		p, ok := t.(ir.Pattern)
		if !ok {
			mixed = true
			return
		}
		is, text := p.Shape()
		mixed = mixed || i > 0 && is != shape || text == ""
		shape = is
		texts = append(texts, ir.Lit(text).Written())
		i++
	})
	name := map[ir.Shape]string{ir.Prefix: "startswith", ir.Suffix: "endswith", ir.Contains: "contains"}[shape]
	if mixed || name == "" || i != len(it.Raw) {
		return
	}
	f := s.find("wildcards_instead_of_modifiers", it.Raw[0].Pos, "the wildcards of this say what `%s` says", name)
	if f == nil {
		return
	}
	fixes := []*Fix{s.report.insertModifier(it, name)}
	for j, v := range it.Raw {
		fixes = append(fixes, s.report.replaceValue(v, texts[j]))
	}
	f.Fix = allOf(fixes)
}

// twice looks for values of a list that are the same but for their case.
func (s *subject) twice(it ir.Item, has func(...string) bool) {
	cased := has("re", "cased", "base64", "base64offset", "utf16", "utf16le", "utf16be", "fieldref")
	exact, folded := map[string]bool{}, map[string]bool{}
	for _, v := range it.Raw {
		key := v.Text
		fold := regex.Fold(key)
		var f *Finding
		switch {
		case exact[key]:
			f = s.find("field_duplicate_value", v.Pos, "the value %q stands here twice", clip(v.Text))
		case folded[fold] && !cased:
			f = s.find("case_variant", v.Pos, "%q differs from another value in its case only, which does not count", clip(v.Text))
		}
		if f != nil && len(it.Raw) > 1 {
			f.Fix = s.report.withoutLine(v.Pos, v.Text)
		}
		exact[key], folded[fold] = true, true
	}
}

func clip(s string) string {
	if r := []rune(s); len(r) > 80 {
		return string(r[:79]) + "…"
	}
	return s
}

// hashes looks at Sysmon's lists of hashes.
func (s *subject) hashes(it ir.Item) {
	if it.Field.Name != "Hashes" && it.Field.Name != "Hash" || slices.ContainsFunc(it.Mods, func(m ir.Modifier) bool { return m.Name == "re" }) {
		return
	}
	for _, v := range it.Raw {
		for _, part := range strings.FieldsFunc(v.Text, func(c rune) bool { return c == '*' || c == '?' || c == ',' }) {
			name, hash, ok := strings.Cut(part, "=")
			if !ok || len(hash) != hashDigits[strings.ToUpper(name)] || !hexDigits().MatchString(hash) {
				s.find("invalid_hash_kv", v.Pos, "%q is no hash as Sysmon writes it, as MD5=… with 32 digits", clip(part))
			}
		}
	}
}
