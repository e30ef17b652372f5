package check

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"gopkg.in/yaml.v3"

	"sigmac/ir"
	"sigmac/parser"
)

// The JSON schemas of the Sigma specification 2.1.0.
//
//go:embed sigma-*.json
var schemaFiles embed.FS

var schemas = sync.OnceValue(func() map[parser.Kind]*jsonschema.Schema {
	out := map[parser.Kind]*jsonschema.Schema{}
	for k, name := range map[parser.Kind]string{parser.Rule: "detection-rule", parser.CorrelationRule: "correlation-rules", parser.FilterRule: "filters"} {
		src, err := schemaFiles.ReadFile("sigma-" + name + "-schema.json")
		if err != nil {
			panic("check: " + err.Error())
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(src))
		if err != nil {
			panic("check: " + err.Error())
		}
		c := jsonschema.NewCompiler()
		c.AssertFormat()
		url := "sigma:" + name
		if err := c.AddResource(url, doc); err != nil {
			panic("check: " + err.Error())
		}
		out[k] = c.MustCompile(url)
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
	schema := schemas()[s.doc.Kind]
	if schema == nil {
		return
	}
	var fault *jsonschema.ValidationError
	if !errors.As(schema.Validate(plain(s.root)), &fault) {
		return
	}
	for _, e := range leaves(fault) {
		at := s.doc.Pos
		n := s.root
		for _, step := range e.InstanceLocation {
			if n = below(n, step); n == nil {
				break
			}
			at = place(n)
		}
		if len(s.doc.Errors) > 0 && slices.ContainsFunc(s.doc.Errors, func(p *ir.Diagnostic) bool { return p.Pos.Line == at.Line }) {
			continue // told with better words
		}
		name := clip(strings.Join(e.InstanceLocation, "."))
		if len(e.InstanceLocation) > 0 && better[e.InstanceLocation[0]] != "" {
			switch e.ErrorKind.(type) {
			case *kind.UniqueItems, *kind.Pattern:
				continue
			}
		}
		if name == "date" || name == "modified" {
			s.day(name, n, e)
			continue
		}
		if msg := schemaMessage(e, n); name == "" {
			s.find("schema", at, "%s", msg)
		} else {
			s.find("schema", at, "%s: %s", name, msg)
		}
	}
}

var oldDate = regexp.MustCompile(`^\d{4}/\d{2}/\d{2}$`)

// day tells of a date that is none, and writes one as it was written before
// version 2 anew.
func (s *subject) day(name string, n *yaml.Node, e *jsonschema.ValidationError) {
	if _, ok := e.ErrorKind.(*kind.Pattern); !ok {
		s.find("schema", place(n), "%s: %s", name, schemaMessage(e, n))
		return
	}
	f := s.find("schema", place(n), "%s: %q is no day, as 2026-01-31", name, clip(n.Value))
	if f != nil && oldDate.MatchString(n.Value) {
		f.Fix = s.report.replaceWord(n, strings.ReplaceAll(n.Value, "/", "-"))
		f.Fix.mark()
	}
}

// leaves are the faults that stand for no others.
func leaves(e *jsonschema.ValidationError) (out []*jsonschema.ValidationError) {
	switch e.ErrorKind.(type) {
	case *kind.OneOf, *kind.AnyOf:
		return []*jsonschema.ValidationError{e}
	}
	if len(e.Causes) == 0 {
		return []*jsonschema.ValidationError{e}
	}
	for _, c := range e.Causes {
		out = append(out, leaves(c)...)
	}
	return out
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

// schemaMessage says in our words what is wrong with n.
func schemaMessage(e *jsonschema.ValidationError, n *yaml.Node) string {
	shown := ""
	if n != nil && n.Kind == yaml.ScalarNode {
		shown = strconv.Quote(clip(n.Value))
	}
	switch k := e.ErrorKind.(type) {
	case *kind.Type:
		return fmt.Sprintf("must be %s, not %s", article(strings.Join(k.Want, " or ")), article(k.Got))
	case *kind.OneOf:
		var words []string
		for _, c := range e.Causes {
			if want, ok := c.ErrorKind.(*kind.Const); ok {
				words = append(words, fmt.Sprint(want.Want))
			}
		}
		if n == nil {
			return "must be one of " + strings.Join(words, ", ")
		}
		return fmt.Sprintf("must be one of %s, not %s%s", strings.Join(words, ", "), shown, hint(n.Value, words))
	case *kind.AnyOf:
		return "has none of the forms that the specification has"
	case *kind.Pattern:
		return fmt.Sprintf("%s does not match %s", shown, k.Want)
	case *kind.MaxLength:
		return fmt.Sprintf("is longer than %d characters", k.Want)
	case *kind.MinLength:
		return fmt.Sprintf("%s is shorter than %d characters", shown, k.Want)
	case *kind.Required:
		return "lacks " + strings.Join(k.Missing, ", ")
	case *kind.UniqueItems:
		return fmt.Sprintf("the entries %d and %d are the same", k.Duplicates[0]+1, k.Duplicates[1]+1)
	case *kind.Format:
		return fmt.Sprintf("%s is no %s", shown, k.Want)
	case *kind.MinItems:
		return fmt.Sprintf("has fewer than %d entries", k.Want)
	}
	return e.Error()
}

var articles = strings.NewReplacer("string", "a text", "object", "a mapping", "array", "a list", "integer", "an integer", "number", "a number", "boolean", "a boolean")

func article(types string) string { return articles.Replace(types) }
