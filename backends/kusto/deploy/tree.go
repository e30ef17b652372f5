package deploy

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"sigmac/internal/lazy"
	"sigmac/ir"
)

// A tree is a value of JSON or YAML, with its place in the file.
type tree struct {
	kind  treeKind
	text  string // of a scalar
	keys  []string
	items []tree // of a list, or in the order of the keys
	pos   ir.Pos
}

type treeKind uint8

const (
	treeNone treeKind = iota // there is none, or null
	treeText
	treeNumber
	treeBool
	treeList
	treeObject
	treeExpression // of a template, which is not evaluated
)

func text(s string) tree { return tree{kind: treeText, text: s} }
func number(n int) tree  { return tree{kind: treeNumber, text: strconv.Itoa(n)} }
func truth(b bool) tree  { return tree{kind: treeBool, text: strconv.FormatBool(b)} }

func texts(list []string) tree {
	t := tree{kind: treeList}
	for _, s := range list {
		t.items = append(t.items, text(s))
	}
	return t
}

// object is one of keys and values by turns.
func object(fields ...any) tree {
	t := tree{kind: treeObject}
	for i := 0; i < len(fields); i += 2 {
		t.put(fields[i].(string), fields[i+1].(tree))
	}
	return t
}

// get is what stands at a key, or nothing.
func (t tree) get(key string) tree {
	if i := slices.Index(t.keys, key); i >= 0 {
		return t.items[i]
	}
	return tree{pos: t.pos}
}

// put sets what stands at a key.
func (t *tree) put(key string, v tree) {
	if i := slices.Index(t.keys, key); i >= 0 {
		t.items[i] = v
		return
	}
	t.kind, t.keys, t.items = treeObject, append(t.keys, key), append(t.items, v)
}

// putAt sets what stands at a path of keys.
func (t *tree) putAt(path []string, v tree) {
	if len(path) == 1 {
		t.put(path[0], v)
		return
	}
	inner := t.get(path[0])
	if inner.kind != treeObject {
		inner = tree{kind: treeObject}
	}
	inner.keys, inner.items = slices.Clone(inner.keys), slices.Clone(inner.items)
	inner.putAt(path[1:], v)
	t.put(path[0], inner)
}

// scalars are the texts of a list, or of a scalar in its place.
func (t tree) scalars() (out []string) {
	switch t.kind {
	case treeList:
		for _, i := range t.items {
			if i.kind == treeText || i.kind == treeNumber || i.kind == treeBool {
				out = append(out, i.text)
			}
		}
	case treeText, treeNumber, treeBool:
		out = []string{t.text}
	}
	return out
}

// mapped is t with other texts, those of keys as they are.
func (t tree) mapped(f func(string) string) tree {
	if t.kind == treeText {
		t.text = f(t.text)
	}
	items := t.items
	t.items = nil
	for _, i := range items {
		t.items = append(t.items, i.mapped(f))
	}
	return t
}

// maxTreeDepth bounds how deep values stand in others.
const maxTreeDepth = 1000

func wrong(pos ir.Pos, msg string) *ir.Diagnostic { return &ir.Diagnostic{Pos: pos, Msg: msg} }

const isCutOff = "the file ends in the middle: it is cut off"

// readJSON reads a file of one value. The error is an *ir.Diagnostic without a path.
func readJSON(data []byte) (t tree, err error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	r := &jsonReader{data: data, pos: ir.Pos{Line: 1, Column: 1}}
	if !json.Valid(data) {
		var e *json.SyntaxError
		if errors.As(json.Unmarshal(data, new(json.RawMessage)), &e) {
			at := min(max(int(e.Offset)-1, 0), len(data))
			if strings.HasPrefix(e.Error(), "unexpected end") {
				return t, wrong(r.at(len(data)), isCutOff)
			}
			return t, wrong(r.at(at), "this is no JSON: "+e.Error())
		}
		return t, wrong(r.pos, "this is no JSON")
	}
	defer func() {
		if e, ok := recover().(*ir.Diagnostic); ok {
			err = e
		}
	}()
	return r.value(0), nil
}

// A keySet is of the keys of an object: a list of few, a map of many.
type keySet struct {
	few  []string
	many map[string]bool
}

// add says whether a key was there before.
func (s *keySet) add(key string) bool {
	switch {
	case s.many[key] || s.many == nil && slices.Contains(s.few, key):
		return true
	case s.many == nil && len(s.few) < 32:
		s.few = append(s.few, key)
		return false
	case s.many == nil:
		s.many = map[string]bool{}
		for _, k := range s.few {
			s.many[k] = true
		}
	}
	s.many[key] = true
	return false
}

// A jsonReader reads JSON that is known to be whole.
type jsonReader struct {
	data    []byte
	next    int
	counted int // up to where pos has come
	pos     ir.Pos
}

// at is the place of a byte, which comes after those asked for before.
func (r *jsonReader) at(offset int) ir.Pos {
	for r.counted < offset {
		c, n := utf8.DecodeRune(r.data[r.counted:])
		if r.counted += n; c == '\n' {
			r.pos = ir.Pos{Line: r.pos.Line + 1, Column: 1}
		} else {
			r.pos.Column++
		}
	}
	return r.pos
}

func (r *jsonReader) peek() byte {
	for strings.IndexByte(" \t\r\n", r.data[r.next]) >= 0 {
		r.next++
	}
	return r.data[r.next]
}

func (r *jsonReader) value(depth int) tree {
	c := r.peek()
	t := tree{pos: r.at(r.next)}
	if depth > maxTreeDepth {
		panic(wrong(t.pos, "values stand too deep in others"))
	}
	switch c {
	case '{', '[':
		var seen keySet
		t.kind = treeObject
		if c == '[' {
			t.kind = treeList
		}
		for r.next++; r.peek() != c+2; { // the bracket that closes is two further in ASCII
			if r.data[r.next] == ',' {
				r.next++
				continue
			}
			if c == '{' {
				key := r.text()
				r.peek() // the colon
				r.next++
				v := r.value(depth + 1)
				if seen.add(key) {
					panic(wrong(v.pos, "a second value of one name"))
				}
				t.keys, t.items = append(t.keys, key), append(t.items, v)
				continue
			}
			t.items = append(t.items, r.value(depth+1))
		}
		r.next++
	case '"':
		t.kind, t.text = treeText, r.text()
	default:
		from := r.next
		for r.next < len(r.data) && strings.IndexByte(",]} \t\r\n", r.data[r.next]) < 0 {
			r.next++
		}
		switch t.text = string(r.data[from:r.next]); t.text {
		case "null":
			t.text = ""
		case "true", "false":
			t.kind = treeBool
		default:
			t.kind = treeNumber
		}
	}
	return t
}

func (r *jsonReader) text() (s string) {
	r.peek()
	from, plain := r.next, true
	for r.next++; r.data[r.next] != '"'; r.next++ {
		if r.data[r.next] == '\\' {
			r.next++
			plain = false
		}
	}
	r.next++
	if inner := r.data[from+1 : r.next-1]; plain && utf8.Valid(inner) {
		return string(inner)
	}
	if json.Unmarshal(r.data[from:r.next], &s) != nil {
		panic("text of JSON that is valid")
	}
	return s
}

// writeJSON writes a value, indented.
func writeJSON(b *strings.Builder, t tree, indent string) {
	list := func(open, end string, each func(i int)) {
		if len(t.items) == 0 {
			b.WriteString(open + end)
			return
		}
		b.WriteString(open)
		for i := range t.items {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString("\n" + indent + "  ")
			each(i)
		}
		b.WriteString("\n" + indent + end)
	}
	switch t.kind {
	case treeNone:
		b.WriteString("null")
	case treeText:
		b.WriteString(jsonText(t.text))
	case treeNumber, treeBool:
		b.WriteString(t.text)
	case treeList:
		list("[", "]", func(i int) { writeJSON(b, t.items[i], indent+"  ") })
	case treeObject:
		list("{", "}", func(i int) {
			b.WriteString(jsonText(t.keys[i]) + ": ")
			writeJSON(b, t.items[i], indent+"  ")
		})
	}
}

func jsonText(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(s) != nil {
		panic("a text that is no JSON")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// documentMark is a line between the documents of a file, which nothing else can be.
var documentMark = lazy.Regexp(`(?m)^(?:---|\.\.\.)(?:[ \t].*)?\r?$`)

// readYAML reads the documents of a file. The errors are *ir.Diagnostic without a path, one of
// a document at most.
func readYAML(data []byte) (docs []tree, errs []error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	from, line := 0, 0
	for _, m := range append(documentMark().FindAllIndex(data, -1), []int{len(data), len(data)}) {
		if part := data[from:m[0]]; len(bytes.TrimSpace(part)) > 0 {
			var n yaml.Node
			if err := yaml.Unmarshal(part, &n); err != nil {
				fault := yamlFault(err, line)
				if m[0] == len(data) && !bytes.HasSuffix(data, []byte("\n")) {
					fault.Msg = isCutOff
				}
				errs = append(errs, fault)
			} else if t, err := yamlTree(&n, line, 0); err != nil {
				errs = append(errs, err)
			} else if t.kind != treeNone {
				docs = append(docs, t)
			}
		}
		line += bytes.Count(data[from:m[1]], []byte("\n"))
		from = m[1]
	}
	return docs, errs
}

// atLine finds the line in what yaml says of a fault.
var atLine = lazy.Regexp(`^yaml: (?:line (\d+): )?`)

func yamlFault(err error, line int) *ir.Diagnostic {
	m := atLine().FindStringSubmatch(err.Error())
	msg := err.Error()
	if m != nil {
		msg = msg[len(m[0]):]
		if n, err := strconv.Atoi(m[1]); err == nil {
			line += n - 1
		}
	}
	// yaml names characters and kinds of tokens, never what stands in the file.
	return wrong(ir.Pos{Line: line + 1, Column: 1}, "this is no YAML: "+msg)
}

func yamlTree(n *yaml.Node, line, depth int) (t tree, err error) {
	t.pos = ir.Pos{Line: line + n.Line, Column: n.Column}
	if depth > maxTreeDepth {
		return t, wrong(t.pos, "values stand too deep in others")
	}
	switch n.Kind {
	case yaml.DocumentNode:
		if len(n.Content) == 0 {
			return t, nil
		}
		return yamlTree(n.Content[0], line, depth)
	case yaml.AliasNode:
		return t, wrong(t.pos, "an alias is not read: write what it stands for")
	case yaml.SequenceNode:
		t.kind = treeList
		for _, c := range n.Content {
			i, err := yamlTree(c, line, depth+1)
			if err != nil {
				return t, err
			}
			t.items = append(t.items, i)
		}
	case yaml.MappingNode:
		var seen keySet
		t.kind = treeObject
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i]
			v, err := yamlTree(n.Content[i+1], line, depth+1)
			if err != nil {
				return t, err
			}
			if seen.add(key.Value) {
				return t, wrong(ir.Pos{Line: line + key.Line, Column: key.Column}, "a second value of one name")
			}
			t.keys, t.items = append(t.keys, key.Value), append(t.items, v)
		}
	case yaml.ScalarNode:
		t.kind, t.text = treeText, n.Value
		switch n.ShortTag() {
		case "!!null":
			t.kind, t.text = treeNone, ""
		case "!!bool":
			t.kind, t.text = treeBool, strings.ToLower(n.Value)
		case "!!int", "!!float":
			t.kind = treeNumber
		}
	}
	return t, nil
}

// writeYAML writes the fields of an object, or the items of a list, each on lines of its own.
func writeYAML(b *strings.Builder, t tree, indent string) {
	for i, v := range t.items {
		b.WriteString(indent)
		if t.kind == treeObject {
			b.WriteString(yamlText(t.keys[i]) + ":")
			writeYAMLBelow(b, v, indent)
			continue
		}
		b.WriteString("-")
		if v.kind == treeObject && len(v.items) > 0 { // the first field stands behind the dash
			var inner strings.Builder
			writeYAML(&inner, v, indent+"  ")
			b.WriteString(" " + inner.String()[len(indent)+2:])
			continue
		}
		writeYAMLBelow(b, v, indent)
	}
}

// writeYAMLBelow writes a value behind what it belongs to, which is indented.
func writeYAMLBelow(b *strings.Builder, v tree, indent string) {
	switch {
	case v.kind == treeList && len(v.items) == 0:
		b.WriteString(" []\n")
	case v.kind == treeObject && len(v.items) == 0:
		b.WriteString(" {}\n")
	case v.kind == treeList || v.kind == treeObject:
		b.WriteByte('\n')
		writeYAML(b, v, indent+"  ")
	case v.kind == treeNone:
		b.WriteString(" null\n")
	case v.kind == treeText && isBlock(v.text):
		body, chomp := strings.CutSuffix(v.text, "\n")
		b.WriteString(" |")
		if !chomp {
			b.WriteByte('-')
		}
		b.WriteByte('\n')
		for _, line := range strings.Split(body, "\n") {
			if line != "" {
				b.WriteString(indent + "  " + line)
			}
			b.WriteByte('\n')
		}
	case v.kind == treeText:
		b.WriteString(" " + yamlText(v.text) + "\n")
	default:
		b.WriteString(" " + v.text + "\n")
	}
}

// longText is from where on a line is long.
const longText = 60

// isBlock says whether a text stands below its key as it is, and can (YAML 1.2, 8.1.2: the first
// line says the indentation, and the end how lines end): one of several lines, or a long one
// that would be full of escapes.
func isBlock(s string) bool {
	if !strings.Contains(s, "\n") && (len(s) < longText || !strings.ContainsAny(s, `"\`)) || strings.HasPrefix(s, " ") || strings.HasPrefix(s, "\t") || strings.HasPrefix(s, "\n") || strings.HasSuffix(s, "\n\n") {
		return false
	}
	for _, line := range strings.Split(s, "\n") {
		if line != "" && strings.Trim(line, " \t") == "" {
			return false
		}
	}
	return !strings.ContainsFunc(s, func(r rune) bool { return r != '\n' && !isPlainRune(r) })
}

// isPlainRune says whether a character may stand in YAML as it is, and in a line.
func isPlainRune(r rune) bool {
	switch {
	case r == '\t':
		return true
	case r < ' ', r >= 0x7f && r < 0xa0, r == 0x2028, r == 0x2029, r == 0xfeff, r == utf8.RuneError, r >= 0xfffe && r <= 0xffff:
		return false
	}
	return true
}

// plainYAML are words that mean themselves wherever they stand.
var plainYAML = lazy.Regexp(`^[A-Za-z_][A-Za-z0-9_]*(?:[ /.()+-]+[A-Za-z0-9_]+)*$|^[A-Fa-f0-9]{8}-[A-Fa-f0-9-]{27}$|^[0-9]+[mhd]$|^[0-9]+\.[0-9]+\.[0-9]+$`)

// reservedYAML are words that YAML 1.1 or 1.2 reads as something else.
var reservedYAML = []string{"null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan", "inf"}

// yamlText is a text in one line.
func yamlText(s string) string {
	if len(s) <= 200 && plainYAML().MatchString(s) && !slices.Contains(reservedYAML, strings.ToLower(s)) && !isNumber(s) {
		return s
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteString(`\` + string(r))
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == utf8.RuneError:
			b.WriteString(`\uFFFD`)
		case isPlainRune(r):
			b.WriteRune(r)
		case r < 0x100:
			b.WriteString(`\x` + hexDigits(r, 2))
		default:
			b.WriteString(`\u` + hexDigits(r, 4))
		}
	}
	return b.String() + `"`
}

func hexDigits(r rune, n int) string {
	s := strings.ToUpper(strconv.FormatInt(int64(r), 16))
	return strings.Repeat("0", max(0, n-len(s))) + s
}

// isNumber says whether YAML may read s as a number: the id 12345678-… is none, 1e10 is.
func isNumber(s string) bool {
	if _, err := strconv.ParseFloat(s, 64); err == nil {
		return true
	}
	_, err := strconv.ParseInt(strings.ReplaceAll(s, "_", ""), 0, 64)
	return err == nil
}
