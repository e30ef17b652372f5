package check

import (
	"embed"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"gopkg.in/yaml.v3"

	"sigmac/internal/lazy"
	"sigmac/ir"
	"sigmac/parser"
)

// The JSON schemas of the Sigma specification 2.1.0.
//
//go:embed sigma-*.json
var schemaFiles embed.FS

var schemas = sync.OnceValue(func() map[parser.Kind]*schema {
	out := map[parser.Kind]*schema{}
	for k, name := range map[parser.Kind]string{parser.Rule: "detection-rule", parser.CorrelationRule: "correlation-rules", parser.FilterRule: "filters"} {
		src, err := schemaFiles.ReadFile("sigma-" + name + "-schema.json")
		s := &schema{}
		if err == nil {
			err = json.Unmarshal(src, s)
		}
		if err != nil {
			panic("check: " + err.Error())
		}
		out[k] = s
	}
	return out
})

// plain is a node as JSON has it. A date is a text, as the schema means it.
func plain(n *yaml.Node) any {
	switch n = parser.Deref(n); n.Kind {
	case yaml.MappingNode:
		out := make(map[string]any, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			out[n.Content[i].Value] = plain(n.Content[i+1])
		}
		return out
	case yaml.SequenceNode:
		out := make([]any, len(n.Content))
		for i, x := range n.Content {
			out[i] = plain(x)
		}
		return out
	}
	switch n.Tag {
	case "!!null":
		return nil
	case "!!bool":
		return strings.EqualFold(n.Value, "true")
	case "!!int", "!!float":
		if json.Valid([]byte(n.Value)) {
			return json.Number(n.Value)
		}
		if i, err := strconv.ParseInt(n.Value, 0, 64); err == nil {
			return json.Number(strconv.FormatInt(i, 10))
		}
		return json.Number("0.5") // .inf, 1_000.5: some number that is no integer
	}
	return n.Value
}

// better are the checks that tell of a fault of the schema under their own
// names.
var better = map[string]string{"tags": "duplicate_tag tag_format", "references": "duplicate_references"}

// schema holds the document against the JSON schema of its kind.
func (s *subject) schema() {
	if !s.on("schema", "duplicate_tag", "duplicate_references") {
		return
	}
	form := schemas()[s.doc.Kind]
	if form == nil {
		return
	}
	for _, v := range form.violations(plain(s.root), nil) {
		at := s.doc.Pos
		n := s.root
		for _, step := range v.path {
			if n = below(n, step); n == nil {
				break
			}
			at = place(n)
		}
		if len(s.doc.Errors) > 0 && slices.ContainsFunc(s.doc.Errors, func(p *ir.Diagnostic) bool { return p.Pos.Line == at.Line }) {
			continue // told with better words
		}
		if v.keyword == "required" && slices.ContainsFunc(s.doc.Errors, func(p *ir.Diagnostic) bool { return p.Code == ir.MissingKey }) {
			continue
		}
		if len(v.path) > 0 && better[v.path[0]] != "" && (v.keyword == "uniqueItems" || v.keyword == "pattern") {
			continue
		}
		name := clip(strings.Join(v.path, "."))
		if name == "date" || name == "modified" {
			s.day(name, n, v)
			continue
		}
		msg := v.message(n)
		if name != "" {
			msg = name + ": " + msg
		}
		f := s.find("schema", at, "%s", msg)
		if s.doc.Kind != parser.Rule && len(s.doc.Errors) == 0 {
			s.weigh(f, Warning) // practice is ahead: formulas over rules, rules: any, value_median
		}
	}
}

var oldDate = lazy.Regexp(`^\d{4}/\d{2}/\d{2}$`)

// day tells of a date that is none, and writes one as it was written before
// version 2 anew.
func (s *subject) day(name string, n *yaml.Node, v violation) {
	if v.keyword != "pattern" {
		s.find("schema", place(n), "%s: %s", name, v.message(n))
		return
	}
	f := s.find("schema", place(n), "%s: %q is no day, as 2026-01-31", name, clip(n.Value))
	if f != nil && oldDate().MatchString(n.Value) {
		f.Fix = s.report.replaceWord(n, strings.ReplaceAll(n.Value, "/", "-"))
		f.Fix.mark()
	}
}

// below is the value at a step of a path.
func below(n *yaml.Node, step string) *yaml.Node {
	switch n = parser.Deref(n); n.Kind {
	case yaml.MappingNode:
		_, v := attribute(n, step)
		return v
	case yaml.SequenceNode:
		if i, err := strconv.Atoi(step); err == nil && i >= 0 && i < len(n.Content) {
			return parser.Deref(n.Content[i])
		}
	}
	return nil
}

// message says in our words what is wrong with n.
func (v violation) message(n *yaml.Node) string {
	shown := ""
	if n != nil && n.Kind == yaml.ScalarNode {
		shown = strconv.Quote(clip(n.Value))
	}
	switch v.keyword {
	case "type":
		return fmt.Sprintf("must be %s, not %s", article(v.schema.Type), article(typeOf(v.value)))
	case "oneOf":
		var words []string
		for _, one := range v.schema.OneOf {
			words = append(words, *one.Const)
		}
		if n == nil {
			return "must be one of " + strings.Join(words, ", ")
		}
		return fmt.Sprintf("must be one of %s, not %s%s", strings.Join(words, ", "), shown, hint(n.Value, words))
	case "anyOf":
		return "has none of the forms that the specification has"
	case "pattern":
		return fmt.Sprintf("%s does not match %s", shown, v.schema.Pattern)
	case "maxLength":
		return fmt.Sprintf("is longer than %d characters", v.schema.MaxLength)
	case "minLength":
		return fmt.Sprintf("%s is shorter than %d characters", shown, v.schema.MinLength)
	case "required":
		return "lacks " + strings.Join(v.missing, ", ")
	case "uniqueItems":
		return fmt.Sprintf("the entries %d and %d are the same", v.same[0]+1, v.same[1]+1)
	case "format":
		return fmt.Sprintf("%s is no %s", shown, v.schema.Format)
	case "minItems":
		return fmt.Sprintf("has fewer than %d entries", v.schema.MinItems)
	}
	panic("check: no words for the keyword " + v.keyword)
}

var articles = strings.NewReplacer("string", "a text", "object", "a mapping", "array", "a list", "integer", "an integer", "number", "a number", "boolean", "a boolean")

func article(types string) string { return articles.Replace(types) }
