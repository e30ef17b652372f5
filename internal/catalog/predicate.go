package catalog

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"sigmac/ir"
	"sigmac/regex"
)

// A Kind says how a predicate compares a field with its value.
type Kind uint8

// The kinds, in the order in which a page shows them.
const (
	Eq Kind = iota
	Match
	StartsWith
	EndsWith
	Regex
	CIDR
	Wildcard
	IsNull
	Exists
	Gt
	Gte
	Lt
	Lte
	Minute
	Hour
	Day
	Week
	Month
	Year
	FieldRef
	Term // of native rules: a word, as `has` of KQL finds it
	Keyword
)

var kindNames = [...]string{"eq", "match", "starts_with", "ends_with", "regex", "cidr", "wildcard", "is_null", "exists",
	"gt", "gte", "lt", "lte", "minute", "hour", "day", "week", "month", "year", "fieldref", "term", "keyword"}

func (k Kind) String() string { return kindNames[k] }

// MarshalText is the name of k.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText takes a name of a kind.
func (k *Kind) UnmarshalText(name []byte) error {
	i := slices.Index(kindNames[:], string(name))
	if i < 0 {
		return fmt.Errorf("no kind of predicate is named %q", name)
	}
	*k = Kind(i)
	return nil
}

// A Predicate is one comparison of a field with one value. A keyword has no
// Field.
type Predicate struct {
	Field      string       `json:"field"`
	Kind       Kind         `json:"kind"`
	Value      string       `json:"value"`
	Transforms List[string] `json:"transforms"` // modifiers that make other values of Value, or that regard its case
}

// String is p in words: `Image ends_with \cmd.exe`.
func (p Predicate) String() string {
	return strings.Join(slices.DeleteFunc([]string{p.Field, p.Kind.String(), p.Value}, func(s string) bool { return s == "" }), " ")
}

// A Key is what two rules share that look for the same: field, kind and value of
// the normal form, whatever the case of a text and the transforms. A dash under
// windash is `-`.
type Key struct {
	Field string
	Kind  Kind
	Value string
}

// Compare sorts keys by field, kind and value.
func (k Key) Compare(other Key) int {
	return cmp.Or(cmp.Compare(k.Field, other.Field), cmp.Compare(k.Kind, other.Kind), cmp.Compare(k.Value, other.Value))
}

// paths are the fields that hold the path of a file, and of which other catalogs have
// a field with its file name.
var paths = []string{"Image", "ParentImage", "TargetFilename", "ImageLoaded"}

// FileName is the name of a field that holds the file name in the path of another, as
// `process_name` of Splunk does in that of Image.
func FileName(path string) string { return "filename(" + path + ")" }

// Normal is p as all rules say it that mean the same: a path that ends with a
// separator and a name has that file name.
func (p Predicate) Normal() Predicate {
	if p.Kind != EndsWith || !slices.Contains(paths, p.Field) || p.Value == "" || !strings.ContainsRune(`\/`, rune(p.Value[0])) {
		return p
	}
	if name := p.Value[1:]; name != "" && !strings.ContainsAny(name, `\/`) {
		p.Field, p.Kind, p.Value = FileName(p.Field), Eq, name
	}
	return p
}

// Key is that of p.
func (p Predicate) Key() Key {
	p = p.Normal()
	v := p.Value
	if slices.Contains(p.Transforms, "windash") {
		v = strings.Map(func(r rune) rune {
			if strings.ContainsRune("/–—―", r) {
				return '-'
			}
			return r
		}, v)
	}
	if p.Kind != Regex {
		v = regex.Fold(v)
	}
	return Key{p.Field, p.Kind, v}
}

// kindModifiers are the modifiers that a Kind says, or that are about all
// values of an item; the others are transforms.
var kindModifiers = strings.Fields("contains startswith endswith re cidr all neq exists fieldref gt gte lt lte " +
	"minute hour day week month year")

// encodings are the transforms that make a text unreadable: the value as it is
// written is shown.
var encodings = strings.Fields("base64 base64offset wide utf16 utf16le utf16be")

func isExists(it ir.Item) bool {
	return slices.ContainsFunc(it.Mods, func(m ir.Modifier) bool { return m.Name == "exists" })
}

// itemPredicates are the predicates of one line of a detection, a value each.
func itemPredicates(it ir.Item) []Predicate {
	if isExists(it) && len(it.Raw) == 1 {
		return []Predicate{{Field: it.Field.Name, Kind: Exists, Value: it.Raw[0].Text}}
	}
	var transforms []string
	encoded := false
	for _, m := range it.Mods {
		if !slices.Contains(kindModifiers, m.Name) {
			transforms = append(transforms, m.Name)
		}
		encoded = encoded || slices.Contains(encodings, m.Name)
	}
	var out []Predicate
	ir.Walk(it.X, func(e ir.Expr) {
		p := leafPredicate(e)
		p.Transforms = transforms
		out = append(out, p)
	})
	if encoded && len(out) == len(it.Raw) {
		for i := range out {
			out[i].Value = strings.Trim(it.Raw[i].Text, "*")
		}
	}
	return out
}

// leafPredicate is one test of a field.
func leafPredicate(e ir.Expr) Predicate {
	switch e := e.(type) {
	case ir.Match:
		p := testPredicate(e.Test)
		p.Field = e.Field.Name
		return p
	case ir.Keyword:
		p := testPredicate(e.Test)
		if p.Kind == Match || p.Kind == Eq {
			p.Kind = Keyword
		}
		return p
	}
	panic(fmt.Sprintf("catalog: %T is no test", e))
}

func testPredicate(t ir.Test) Predicate {
	switch t := t.(type) {
	case ir.Windash:
		return testPredicate(t.X)
	case ir.Base64Offset:
		return testPredicate(t.X)
	case ir.Encode:
		return testPredicate(t.X)
	case ir.Pattern:
		shape, text := t.Shape()
		p := Predicate{Kind: [...]Kind{Eq, Match, StartsWith, EndsWith, Wildcard, Wildcard}[shapeIndex(shape)], Value: text}
		if p.Kind == Wildcard {
			p.Value = t.Written()
		}
		if t.Cased {
			p.Transforms = []string{"cased"}
		}
		return p
	case ir.Regexp:
		return Predicate{Kind: Regex, Value: t.Source}
	case ir.CIDR:
		return Predicate{Kind: CIDR, Value: t.Net.String()}
	case ir.Compare:
		return Predicate{Kind: [...]Kind{Eq, Lt, Lte, Gt, Gte}[t.Op], Value: string(t.Number)}
	case ir.Bool:
		return Predicate{Kind: Eq, Value: fmt.Sprint(t.Value)}
	case ir.Null:
		return Predicate{Kind: IsNull}
	case ir.Exists:
		return Predicate{Kind: Exists, Value: "true"}
	case ir.FieldRef:
		return Predicate{Kind: FieldRef, Value: t.Other.Name}
	case ir.TimePart:
		k := map[string]Kind{"minute": Minute, "hour": Hour, "day": Day, "week": Week, "month": Month, "year": Year}[t.Part]
		op := ""
		if t.Op != ir.Eq {
			op = t.Op.String() + " "
		}
		return Predicate{Kind: k, Value: op + string(t.Number)}
	case ir.Term:
		p := Predicate{Kind: Term, Value: t.Text}
		if t.Cased {
			p.Transforms = []string{"cased"}
		}
		return p
	}
	panic("catalog: a test without a kind: " + t.String())
}

// shapeIndex is a shape's place in the order exact, contains, prefix, suffix,
// any, glob.
func shapeIndex(s ir.Shape) int {
	return map[ir.Shape]int{ir.Exact: 0, ir.Contains: 1, ir.Prefix: 2, ir.Suffix: 3, ir.Any: 4, ir.Glob: 5}[s]
}

// describe is an expression in words, for the note of an exclusion.
func describe(e ir.Expr) string {
	group := func(es []ir.Expr, op string) string {
		var parts []string
		for _, x := range es {
			s := describe(x)
			if op == " and " && strings.Contains(s, " or ") {
				s = "(" + s + ")"
			}
			parts = append(parts, s)
		}
		return strings.Join(parts, op)
	}
	switch e := e.(type) {
	case ir.And:
		return group(e, " and ")
	case ir.Or:
		return group(e, " or ")
	case ir.Not:
		return "not (" + describe(e.X) + ")"
	case ir.Item:
		ps := itemPredicates(e)
		if negated, ok := e.X.(ir.Not); ok && !isExists(e) {
			e.X = negated.X
			return "not (" + describe(e) + ")"
		}
		op := " or "
		if slices.ContainsFunc(e.Mods, func(m ir.Modifier) bool { return m.Name == "all" }) {
			op = " and "
		}
		text := ""
		for i, p := range ps {
			switch {
			case i == 0:
				text = p.String()
			case p.Kind == ps[0].Kind:
				text += op + p.Value
			default:
				text += op + p.String()
			}
		}
		return text
	case ir.Match, ir.Keyword:
		return leafPredicate(e).String()
	case ir.Opaque:
		return e.Text
	}
	return e.String()
}
