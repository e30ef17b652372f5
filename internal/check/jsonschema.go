package check

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"sigmac/internal/lazy"
	"sigmac/ir"
)

// A schema is a JSON schema of the keywords that those of the specification have, in
// the order in which they are asked. A test holds it against a library that knows all
// keywords; what that library makes when a process starts takes longer than to convert
// a rule.
type schema struct {
	Type                 string
	Const                *string
	Format               string
	Properties           map[string]*schema
	AdditionalProperties *schema
	Required             []string
	Items                *schema
	MinItems             int
	UniqueItems          bool
	MinLength            int
	MaxLength            int // 0: any
	Pattern              pattern
	AllOf, AnyOf, OneOf  []*schema
	If, Then             *schema
}

// A violation is that a value does not fit a keyword of its schema.
type violation struct {
	path    []string // of the value
	keyword string
	schema  *schema
	value   any
	missing []string // required
	same    [2]int   // uniqueItems
}

// A pattern is the regular expression that a text must match somewhere.
type pattern struct{ *regexp.Regexp }

// UnmarshalJSON reads the text of a pattern.
func (p *pattern) UnmarshalJSON(text []byte) (err error) {
	var source string
	if err = json.Unmarshal(text, &source); err == nil {
		p.Regexp, err = regexp.Compile(source)
	}
	return err
}

// violations are those of a value as JSON has it; those of a value's parts stand for
// its own.
func (s *schema) violations(value any, path []string) (out []violation) {
	add := func(keyword string) *violation {
		out = append(out, violation{path: slices.Clone(path), keyword: keyword, schema: s, value: value})
		return &out[len(out)-1]
	}
	text, isText := value.(string)
	switch {
	case s.Type != "" && s.Type != typeOf(value) && !(s.Type == "integer" && isInteger(value)):
		add("type")
		return out
	case s.Const != nil && !(isText && text == *s.Const):
		add("const")
		return out
	case s.Format == "uuid" && isText && !uuid().MatchString(text):
		add("format")
		return out
	}
	switch value := value.(type) {
	case map[string]any:
		var missing []string
		for _, name := range s.Required {
			if _, ok := value[name]; !ok {
				missing = append(missing, name)
			}
		}
		if len(missing) > 0 {
			add("required").missing = missing
		}
		for _, name := range slices.Sorted(maps.Keys(value)) {
			of, ok := s.Properties[name]
			if !ok {
				of = s.AdditionalProperties
			}
			if of != nil {
				out = append(out, of.violations(value[name], append(path, name))...)
			}
		}
	case []any:
		if len(value) < s.MinItems {
			add("minItems")
		}
		if i, j, ok := twice(value); ok && s.UniqueItems {
			add("uniqueItems").same = [2]int{i, j}
		}
		for i, item := range value {
			if s.Items != nil {
				out = append(out, s.Items.violations(item, append(path, strconv.Itoa(i)))...)
			}
		}
	case string:
		n := utf8.RuneCountInString(value)
		if n < s.MinLength {
			add("minLength")
		}
		if s.MaxLength > 0 && n > s.MaxLength {
			add("maxLength")
		}
		if s.Pattern.Regexp != nil && !s.Pattern.MatchString(value) {
			add("pattern")
		}
	}
	fits := func(s *schema) bool { return len(s.violations(value, path)) == 0 }
	for _, each := range s.AllOf {
		out = append(out, each.violations(value, path)...)
	}
	if s.AnyOf != nil && !slices.ContainsFunc(s.AnyOf, fits) {
		add("anyOf")
	}
	if s.OneOf != nil && len(slices.DeleteFunc(slices.Clone(s.OneOf), func(s *schema) bool { return !fits(s) })) != 1 {
		add("oneOf")
	}
	if s.If != nil && s.Then != nil && fits(s.If) {
		out = append(out, s.Then.violations(value, path)...)
	}
	return out
}

var uuid = lazy.Regexp(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// typeOf is the type of a value of plain, in JSON schema's words.
func typeOf(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case []any:
		return "array"
	case json.Number:
		return "number"
	}
	return "object"
}

func isInteger(value any) bool {
	n, ok := value.(json.Number)
	return ok && !strings.ContainsAny(identity(n), ".eE")
}

// twice are the first two places with the same value.
func twice(values []any) (first, second int, ok bool) {
	seen := make(map[string]int, len(values))
	for i, v := range values {
		key := identity(v)
		if j, ok := seen[key]; ok {
			return j, i, true
		}
		seen[key] = i
	}
	return 0, 0, false
}

// identity is a text that two values have in common if and only if they are the same.
func identity(value any) string {
	switch value := value.(type) {
	case string:
		return strconv.Quote(value)
	case json.Number:
		if n, ok := ir.ParseNumber(value.String()); ok {
			return string(n)
		}
		return value.String()
	case []any:
		parts := make([]string, len(value))
		for i, v := range value {
			parts[i] = identity(v)
		}
		return "[" + strings.Join(parts, ",") + "]"
	case map[string]any:
		var b strings.Builder
		for _, name := range slices.Sorted(maps.Keys(value)) {
			b.WriteString(strconv.Quote(name) + ":" + identity(value[name]) + ",")
		}
		return "{" + b.String() + "}"
	}
	return fmt.Sprint(value)
}
