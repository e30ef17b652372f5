package parser

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"sigmac/internal/suggest"
	"sigmac/ir"
	"sigmac/regex"
)

// A family of modifiers treats the same kind of value.
type family uint8

const (
	listFamily     family = iota // how values join
	textFamily                   // text to text
	regexpFamily                 // re
	flagFamily                   // of re
	networkFamily                // cidr
	orderFamily                  // numbers
	timeFamily                   // parts of a date
	presenceFamily               // exists
	fieldFamily                  // fieldref
)

// A ModifierInfo is a modifier of the specification and what it does.
type ModifierInfo struct{ Name, Meaning string }

type modifier struct {
	ModifierInfo
	canonical string
	family    family
}

// modifiers are those of specification 2.1.0, appendix modifiers; the long
// names of re's flags are pySigma's.
var modifiers = []modifier{
	{ModifierInfo{"all", "every value of the list must match, not one of them"}, "all", listFamily},
	{ModifierInfo{"neq", "the item must not match"}, "neq", listFamily},
	{ModifierInfo{"contains", "the value stands anywhere in the field"}, "contains", textFamily},
	{ModifierInfo{"startswith", "the field starts with the value"}, "startswith", textFamily},
	{ModifierInfo{"endswith", "the field ends with the value"}, "endswith", textFamily},
	{ModifierInfo{"cased", "upper and lower case differ"}, "cased", textFamily},
	{ModifierInfo{"windash", "each dash that starts a word may be one of - / – — ―"}, "windash", textFamily},
	{ModifierInfo{"base64", "the value in Base64"}, "base64", textFamily},
	{ModifierInfo{"base64offset", "the value within a longer text in Base64, at each of three offsets"}, "base64offset", textFamily},
	{ModifierInfo{"utf16le", "the value in UTF-16, little endian"}, "utf16le", textFamily},
	{ModifierInfo{"wide", "the same as utf16le"}, "utf16le", textFamily},
	{ModifierInfo{"utf16be", "the value in UTF-16, big endian"}, "utf16be", textFamily},
	{ModifierInfo{"utf16", "the value in UTF-16 with a byte order mark, little endian"}, "utf16", textFamily},
	{ModifierInfo{"expand", "%name% in the value is a placeholder that a pipeline fills"}, "expand", textFamily},
	{ModifierInfo{"re", "the value is a regular expression that matches anywhere in the field"}, "re", regexpFamily},
	{ModifierInfo{"i", "re ignores case"}, "i", flagFamily},
	{ModifierInfo{"ignorecase", "the same as i"}, "i", flagFamily},
	{ModifierInfo{"m", "in re, ^ and $ match at every line"}, "m", flagFamily},
	{ModifierInfo{"multiline", "the same as m"}, "m", flagFamily},
	{ModifierInfo{"s", "in re, the dot matches a newline too"}, "s", flagFamily},
	{ModifierInfo{"dotall", "the same as s"}, "s", flagFamily},
	{ModifierInfo{"cidr", "the field is an address inside the network"}, "cidr", networkFamily},
	{ModifierInfo{"lt", "the field is a number less than the value"}, "lt", orderFamily},
	{ModifierInfo{"lte", "the field is a number less than or equal to the value"}, "lte", orderFamily},
	{ModifierInfo{"gt", "the field is a number greater than the value"}, "gt", orderFamily},
	{ModifierInfo{"gte", "the field is a number greater than or equal to the value"}, "gte", orderFamily},
	{ModifierInfo{"minute", "the minute of a date"}, "minute", timeFamily},
	{ModifierInfo{"hour", "the hour of a date"}, "hour", timeFamily},
	{ModifierInfo{"day", "the day of the month of a date"}, "day", timeFamily},
	{ModifierInfo{"week", "the week of the year of a date"}, "week", timeFamily},
	{ModifierInfo{"month", "the month of a date"}, "month", timeFamily},
	{ModifierInfo{"year", "the year of a date"}, "year", timeFamily},
	{ModifierInfo{"exists", "true: the field is present; false: it is not"}, "exists", presenceFamily},
	{ModifierInfo{"fieldref", "the value is the name of a field to compare with"}, "fieldref", fieldFamily},
}

// Modifiers lists the modifiers that a rule may use.
func Modifiers() []ModifierInfo {
	out := make([]ModifierInfo, len(modifiers))
	for i, m := range modifiers {
		out[i] = m.ModifierInfo
	}
	return out
}

var modifierByName = func() map[string]modifier {
	out := map[string]modifier{}
	for _, m := range modifiers {
		out[m.Name] = m
	}
	return out
}()

// maxModifiers bounds the modifiers of an item: each base64 makes its value
// longer by a third.
const maxModifiers = 10

// A mods is the modifiers of one item.
type mods struct {
	all      []ir.Modifier // in order
	families uint          // a bit for each family that they are of
}

func (ms *mods) add(m ir.Modifier) {
	ms.all = append(ms.all, m)
	ms.families |= 1 << modifierByName[m.Name].family
}

func (ms mods) has(name string) bool {
	return slices.ContainsFunc(ms.all, func(m ir.Modifier) bool { return m.Name == name })
}

func (ms mods) hasFamily(f family) bool { return ms.families&(1<<f) != 0 }

// of is the first modifier of a family.
func (ms mods) of(f family) ir.Modifier {
	return ms.all[slices.IndexFunc(ms.all, func(m ir.Modifier) bool { return modifierByName[m.Name].family == f })]
}

// only says whether all modifiers are of these families.
func (ms mods) only(fs ...family) bool {
	rest := ms.families
	for _, f := range fs {
		rest &^= 1 << f
	}
	return rest == 0
}

// modifiersOf reads the modifiers of a key, whose names stand in it from a byte on, and
// reports those that are unknown or make no sense together, or of keywords.
func (f *file) modifiersOf(key *yaml.Node, from int, names []string) (ms mods, ok bool) {
	ok = true
	keywords := from == len("|")
	places := make([]ir.Span, len(names))
	for i, name := range names {
		places[i] = f.part(key, from, from+len(name))
		from += len(name) + len("|")
	}
	fail := func(i int, code, format string, args ...any) {
		ok = false
		d := f.diagnostic(places[i], format, args...)
		d.Code = code
		f.errs = append(f.errs, d)
	}
	const clashes = "invalid_modifier_combinations"
	for i, name := range names {
		m, known := modifierByName[name]
		if !known {
			var all []string
			for _, m := range modifiers {
				all = append(all, m.Name)
			}
			fail(i, ir.UnknownMod, "unknown modifier %q%s", name, suggest.For(name, all))
			continue
		}
		if ms.has(m.canonical) && m.canonical != "base64" {
			fail(i, clashes, "the modifier %q stands twice", name)
			continue
		}
		for _, before := range ms.all {
			if why := clash(before.Name, m.canonical); why != "" {
				fail(i, clashes, "%s", why)
				break
			}
		}
		ms.add(ir.Modifier{Name: m.canonical, Pos: places[i].Start})
	}
	if ok && ms.hasFamily(flagFamily) && !ms.has("re") {
		fail(0, clashes, "the modifiers i, m and s belong to `re`")
	}
	for i := 0; ok && keywords && i < len(ms.all); i++ {
		if m := ms.all[i]; looksAtField(m) {
			fail(i, "", "`%s` needs a field; a keyword is looked for in the whole event", m.Name)
		}
	}
	return ms, ok
}

// looksAtField says whether a modifier asks for more than that a text stands somewhere.
func looksAtField(m ir.Modifier) bool {
	switch modifierByName[m.Name].family {
	case listFamily, regexpFamily, flagFamily:
		return false
	case textFamily:
		return m.Name == "startswith" || m.Name == "endswith"
	}
	return true
}

// clash says why b may not stand behind a, or is "".
func clash(a, b string) string {
	fa, fb := modifierByName[a].family, modifierByName[b].family
	either := func(x, y family) bool { return fa == x && fb == y || fa == y && fb == x }
	name := a
	if fb != textFamily {
		name = b
	}
	switch {
	case fa == listFamily && fb == listFamily:
		return ""
	case either(listFamily, presenceFamily) && (a == "all" || b == "all"):
		return "`exists` has one value, so `all` makes no sense"
	case fa == listFamily || fb == listFamily:
		return ""
	case fa == textFamily && fb == textFamily:
		encodes := func(s string) bool { return strings.HasPrefix(s, "base64") || strings.HasPrefix(s, "utf16") }
		switch {
		case b == "windash" && encodes(a):
			return fmt.Sprintf("`windash` must stand before `%s`: it writes the dashes that are encoded", a)
		case strings.HasPrefix(b, "base64") && (a == "contains" || a == "startswith" || a == "endswith"):
			return fmt.Sprintf("`%s` must stand behind `%s`: a wildcard cannot be encoded", a, b)
		}
		return ""
	case (fa == flagFamily || a == "contains") && b == "re":
		return fmt.Sprintf("`%s` must stand behind `re`", a)
	case either(regexpFamily, flagFamily), fa == flagFamily && fb == flagFamily:
		return ""
	case either(regexpFamily, textFamily), either(flagFamily, textFamily):
		if a == "contains" || b == "contains" || a == "expand" || b == "expand" {
			return ""
		}
		if a == "cased" || b == "cased" {
			return "`re` regards case already, so `cased` makes no sense"
		}
	case either(orderFamily, timeFamily):
		return ""
	case either(fieldFamily, textFamily):
		name := a
		if fa == fieldFamily {
			name = b
		}
		if slices.Contains([]string{"contains", "startswith", "endswith", "cased"}, name) {
			return ""
		}
	}
	if fa == fb {
		return fmt.Sprintf("`%s` and `%s` say different things of the same value", a, b)
	}
	return fmt.Sprintf("`%s` does not combine with `%s`", name, map[bool]string{true: b, false: a}[name == a])
}

var (
	orders    = map[string]ir.Op{"lt": ir.Lt, "lte": ir.Lte, "gt": ir.Gt, "gte": ir.Gte}
	encodings = map[string]ir.Encoding{"base64": ir.Base64, "utf16le": ir.UTF16LE, "utf16be": ir.UTF16BE, "utf16": ir.UTF16}
	timeParts = map[string][2]int{"minute": {0, 59}, "hour": {0, 23}, "day": {1, 31}, "week": {1, 53}, "month": {1, 12}}
)

var errText = errors.New("needs a text, not a number, a boolean or null; quote the value")

// test is the meaning of one value under modifiers that do not clash.
func (ms mods) test(s scalar) (ir.Test, error) {
	if ms.only(listFamily, textFamily) {
		return ms.pattern(s)
	}
	number := func(of string) (ir.Number, error) {
		if s.Kind != ir.ScalarNumber {
			return "", fmt.Errorf("`%s` needs a number, and this is %s", of, describe(s))
		}
		return s.number, nil
	}
	op := ir.Eq
	for _, m := range ms.all {
		if o, ok := orders[m.Name]; ok {
			op = o
		}
	}
	for _, m := range ms.all {
		if modifierByName[m.Name].family == timeFamily {
			n, err := number(m.Name)
			if err != nil {
				return nil, err
			}
			limits, bounded := timeParts[m.Name]
			if v := string(n); strings.Contains(v, ".") || bounded && op == ir.Eq &&
				(n.Cmp(ir.Number(fmt.Sprint(limits[0]))) < 0 || n.Cmp(ir.Number(fmt.Sprint(limits[1]))) > 0) {
				return nil, fmt.Errorf("no %s is %s", m.Name, v)
			}
			return ir.TimePart{Part: m.Name, Op: op, Number: n}, nil
		}
	}
	switch {
	case ms.hasFamily(orderFamily):
		n, err := number(ms.of(orderFamily).Name)
		return ir.Compare{Op: op, Number: n}, err
	case ms.has("re"):
		return ms.regexp(s)
	case ms.has("cidr"):
		return network(s)
	case ms.has("exists"):
		return ir.Exists{}, nil
	case ms.has("fieldref"):
		return ms.fieldref(s)
	}
	return ms.pattern(s)
}

func describe(s scalar) string {
	switch s.Kind {
	case ir.ScalarNumber:
		return "a number"
	case ir.ScalarBool:
		return "a boolean"
	case ir.ScalarNull:
		return "null"
	}
	return "a text"
}

func (ms mods) regexp(s scalar) (ir.Test, error) {
	flags := regex.Flags{IgnoreCase: ms.has("i"), Multiline: ms.has("m"), DotAll: ms.has("s")}
	source := s.Text
	if s.Kind == ir.ScalarNull || s.Kind == ir.ScalarBool {
		return nil, fmt.Errorf("`re` %w", errText)
	}
	if ms.has("expand") {
		if names := placeholders(source); len(names) > 0 {
			return ir.Regexp{Source: source, Flags: flags, Placeholders: names}, nil
		}
		source = strings.ReplaceAll(source, `\%`, `%`)
	}
	return ir.ParseRegexp(source, flags)
}

func placeholders(source string) (names []string) {
	for _, p := range pattern(source, true).Parts {
		if p.Kind == ir.Placeholder {
			names = append(names, p.Text)
		}
	}
	return names
}

func network(s scalar) (ir.Test, error) {
	if s.Kind != ir.ScalarString {
		return nil, fmt.Errorf("`cidr` %w", errText)
	}
	text := s.Text
	if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
		text = netip.PrefixFrom(a, a.BitLen()).String()
	}
	net, err := netip.ParsePrefix(text)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%q is not a network like 10.0.0.0/8 or fe80::/10", s.Text)
	case net.Masked() != net:
		return nil, fmt.Errorf("the network %s has host bits; the network is %s", s.Text, net.Masked())
	case net.Addr().Is4In6():
		return nil, fmt.Errorf("the network %s is one of IPv4 written as IPv6; write it as IPv4", s.Text)
	}
	return ir.CIDR{Net: net}, nil
}

func (ms mods) fieldref(s scalar) (ir.Test, error) {
	if s.Kind != ir.ScalarString || s.Text == "" {
		return nil, errors.New("`fieldref` needs the name of a field")
	}
	t := ir.FieldRef{Other: ir.Field{Name: s.Text}, Cased: ms.has("cased")}
	start, end := ms.has("startswith"), ms.has("endswith")
	switch {
	case ms.has("contains"), start && end:
		t.Shape = ir.Contains
	case start:
		t.Shape = ir.Prefix
	case end:
		t.Shape = ir.Suffix
	}
	return t, nil
}

// pattern applies the modifiers of texts, left to right.
func (ms mods) pattern(s scalar) (ir.Test, error) {
	if !ms.hasFamily(textFamily) {
		switch s.Kind {
		case ir.ScalarNumber:
			return ir.Compare{Op: ir.Eq, Number: s.number}, nil
		case ir.ScalarBool:
			return ir.Bool{Value: s.truth}, nil
		case ir.ScalarNull:
			return ir.Null{}, nil
		}
	}
	if s.Kind != ir.ScalarString {
		return nil, fmt.Errorf("`%s` %w", ms.of(textFamily).Name, errText)
	}
	p := pattern(s.Text, ms.has("expand"))
	rest := ms.all
	for plain := true; plain && len(rest) > 0; {
		if p, plain = plainly(p, rest[0].Name); plain {
			rest = rest[1:]
		}
	}
	var t ir.Test = p
	sugar := false
	for _, m := range rest {
		switch m.Name {
		case "contains", "startswith", "endswith", "cased":
			t = onPattern(t, func(p ir.Pattern) ir.Pattern {
				p, _ = plainly(p, m.Name)
				return p
			})
		case "windash":
			t, sugar = ir.Windash{X: t}, true
		case "base64offset":
			if err := encodable(t, m.Name); err != nil {
				return nil, err
			}
			t, sugar = ir.Base64Offset{X: t}, true
		case "base64", "utf16le", "utf16be", "utf16":
			as := encodings[m.Name]
			p, plain := t.(ir.Pattern)
			if as == ir.Base64 {
				if err := encodable(t, m.Name); err != nil {
					return nil, err
				}
			}
			if !plain {
				t = ir.Encode{As: as, X: t}
				continue
			}
			q, err := p.Encode(as)
			if err != nil {
				return nil, fmt.Errorf("`%s`: %w", m.Name, err)
			}
			t = q
		}
	}
	if sugar || ms.has("utf16") || ms.has("utf16le") || ms.has("utf16be") {
		if err := ir.CheckSugar(t); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// plainly is p under a modifier that makes one text of one, and knows of no encoding; ok is false for
// others.
func plainly(p ir.Pattern, modifier string) (out ir.Pattern, ok bool) {
	switch modifier {
	case "contains":
		return open(p, true, true), true
	case "startswith":
		return open(p, false, true), true
	case "endswith":
		return open(p, true, false), true
	case "cased":
		return ir.Pattern{Parts: p.Parts, Cased: true}, true
	}
	return p, false
}

// encodable refuses wildcards, which stand for no bytes.
func encodable(t ir.Test, name string) error {
	if p := patternIn(t); p.Has(ir.AnyRun) || p.Has(ir.AnyOne) {
		return fmt.Errorf("`%s` cannot encode a wildcard; write a literal one as \\* or \\?", name)
	} else if p.Has(ir.Placeholder) {
		return fmt.Errorf("`%s` cannot encode a placeholder", name)
	}
	return nil
}

// patternIn is the Pattern below sugar.
func patternIn(t ir.Test) (p ir.Pattern) {
	onPattern(t, func(q ir.Pattern) ir.Pattern { p = q; return q })
	return p
}

// onPattern changes the Pattern below sugar.
func onPattern(t ir.Test, change func(ir.Pattern) ir.Pattern) ir.Test {
	switch t := t.(type) {
	case ir.Pattern:
		return change(t)
	case ir.Windash:
		return ir.Windash{X: onPattern(t.X, change)}
	case ir.Base64Offset:
		return ir.Base64Offset{X: onPattern(t.X, change)}
	case ir.Encode:
		return ir.Encode{As: t.As, X: onPattern(t.X, change)}
	}
	return t
}

// open puts a wildcard at the ends of p.
func open(p ir.Pattern, before, after bool) ir.Pattern {
	parts := make([]ir.Part, 0, len(p.Parts)+2)
	if before && (len(p.Parts) == 0 || p.Parts[0].Kind != ir.AnyRun) {
		parts = append(parts, ir.Part{Kind: ir.AnyRun})
	}
	parts = append(parts, p.Parts...)
	if n := len(parts); after && (n == 0 || parts[n-1].Kind != ir.AnyRun) {
		parts = append(parts, ir.Part{Kind: ir.AnyRun})
	}
	return ir.Pattern{Parts: parts, Cased: p.Cased}
}

// keyword is the meaning of one keyword: it is found anywhere in the event.
func (ms mods) keyword(s scalar) (ir.Test, error) {
	if s.Kind == ir.ScalarNull {
		return nil, errors.New("a keyword must be a text")
	}
	if s.Kind == ir.ScalarNumber {
		s.Text = string(s.number)
	}
	s.Kind = ir.ScalarString
	t, err := ms.test(s)
	if err != nil {
		return nil, err
	}
	if _, ok := t.(ir.Regexp); ok {
		return t, nil
	}
	t = onPattern(t, func(p ir.Pattern) ir.Pattern { return open(p, true, true) })
	if shape, _ := patternIn(t).Shape(); shape == ir.Any {
		return nil, errors.New("the keyword matches every event")
	}
	if !utf8.ValidString(patternIn(t).Literals()) {
		return nil, errors.New("the keyword is not text")
	}
	return t, nil
}
