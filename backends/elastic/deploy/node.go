package deploy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/BurntSushi/toml"

	"sigmac/ir"
)

const (
	// maxDepth bounds how deep the values of a rule are nested; those of Kibana are by eight.
	maxDepth = 100
	// maxValues bounds the values of one rule. The largest of Elastic's own has a thousand.
	maxValues = 200_000
	// maxTOML bounds a file in TOML, which is one rule.
	maxTOML = 16 << 20
)

// A node is a value of a file with its place.
type node struct {
	at    ir.Pos
	value any // nil, bool, string, json.Number; of a list and an object nil
	kind  shape
	list  []*node
	keys  []string // in the order of the file, each once
	field map[string]*node
}

// A shape is what a value is.
type shape uint8

const (
	null shape = iota
	text
	boolean
	integer // a number without a fraction, of 32 bits
	number
	texts   // a list of texts
	objects // a list of objects
	list
	object
)

func (s shape) String() string {
	return [...]string{"null", "a text", "true or false", "a whole number", "a number", "a list of texts", "a list of objects", "a list", "an object"}[s]
}

// is says whether n can stand where s is asked for; an empty list can for each list.
func (n *node) is(s shape) bool {
	each := func(of shape) bool {
		return n.kind == list && !slices.ContainsFunc(n.list, func(x *node) bool { return !x.is(of) })
	}
	switch s {
	case texts:
		return each(text)
	case objects:
		return each(object)
	case number:
		return n.kind == number || n.kind == integer
	}
	return n.kind == s
}

// get is the value of a key, or an empty one: null and what is not there are alike to Kibana.
func (n *node) get(key string) *node {
	if n != nil && n.field[key] != nil {
		return n.field[key]
	}
	return &node{}
}

// has says whether an object has the key, with another value than null.
func (n *node) has(key string) bool { return n.get(key).kind != null }

func (n *node) text() string {
	s, _ := n.value.(string)
	return s
}

func (n *node) texts() (out []string) {
	for _, x := range n.list {
		if x.kind == text {
			out = append(out, x.text())
		}
	}
	return out
}

func (n *node) int() (i int, ok bool) {
	d, _ := n.value.(json.Number)
	i, err := strconv.Atoi(string(d))
	return i, err == nil && n.kind == integer
}

// plain is the value as encoding/json knows it, without null in objects.
func (n *node) plain() any {
	switch n.kind {
	case list:
		out := make([]any, len(n.list))
		for i, x := range n.list {
			out[i] = x.plain()
		}
		return out
	case object:
		out := map[string]any{}
		for _, k := range n.keys {
			if x := n.field[k]; x.kind != null {
				out[k] = x.plain()
			}
		}
		return out
	}
	return n.value
}

// canonical is JSON of the value, the same whatever the order of keys.
func (n *node) canonical() string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(n.plain()); err != nil {
		panic(err) // of JSON it was made
	}
	return strings.TrimSpace(b.String())
}

// set gives an object a key.
func (n *node) set(key string, x *node) {
	if n.field == nil {
		n.field = map[string]*node{}
	}
	if n.field[key] == nil {
		n.keys = append(n.keys, key)
	}
	n.field[key] = x
}

// numeric is a number of JSON. To Kibana 73.0 is a whole number too.
func numeric(d json.Number) *node {
	if f, err := d.Float64(); err == nil && f == math.Trunc(f) && math.Abs(f) < 1<<31 {
		return &node{kind: integer, value: json.Number(strconv.Itoa(int(f)))}
	}
	return &node{kind: number, value: d}
}

// A cursor counts lines and columns of offsets that only grow.
type cursor struct {
	src  []byte
	off  int
	line int
	col  int
}

func (c *cursor) at(off int) ir.Pos {
	for off = min(off, len(c.src)); c.off < off; {
		r, size := utf8.DecodeRune(c.src[c.off:])
		if c.off += size; r == '\n' {
			c.line, c.col = c.line+1, 0
		} else {
			c.col++
		}
	}
	return ir.Pos{Line: c.line + 1, Column: c.col + 1}
}

// A jsonReader reads values of JSON with their places.
type jsonReader struct {
	path   string
	src    []byte
	d      *json.Decoder
	start  int // of what d reads, in src
	places *cursor
	values int // that may come still in this rule
}

func newJSON(path string, src []byte, start, end int, places *cursor) *jsonReader {
	d := json.NewDecoder(bytes.NewReader(src[start:end]))
	d.UseNumber()
	return &jsonReader{path: path, src: src[:end], d: d, start: start, places: places}
}

// next is where the next token begins.
func (r *jsonReader) next() int {
	i := r.start + int(r.d.InputOffset())
	for i < len(r.src) && strings.IndexByte(" \t\r\n,:", r.src[i]) >= 0 {
		i++
	}
	return i
}

// fault is an *ir.Diagnostic. Nothing of the file is in it but one character: an export may
// hold secrets.
func (r *jsonReader) fault(at ir.Pos, err error) error {
	msg := "not JSON"
	if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) {
		msg += ": " + syntax.Error()
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		msg = "the file ends within a value: it is cut off"
	}
	return &ir.Diagnostic{Path: r.path, Pos: at, Msg: msg}
}

// value reads one value.
func (r *jsonReader) value(depth int) (*node, error) {
	at := r.places.at(r.next())
	tok, err := r.token(at)
	if err != nil {
		return nil, err
	}
	if r.values--; r.values < 0 || depth > maxDepth {
		return nil, &ir.Diagnostic{Path: r.path, Pos: at, Msg: fmt.Sprintf("a rule of more than %d values, or nested more than %d times, is not read", maxValues, maxDepth)}
	}
	n := &node{kind: text, value: tok}
	switch tok := tok.(type) {
	case nil:
		n.kind = null
	case bool:
		n.kind = boolean
	case json.Number:
		n = numeric(tok)
	case json.Delim:
		n = &node{kind: list}
		if tok == '{' {
			n.kind = object
		}
		err = r.inside(n, func(key string) error {
			x, err := r.value(depth + 1)
			if err != nil {
				return err
			}
			if n.kind == object {
				n.set(key, x)
			} else {
				n.list = append(n.list, x)
			}
			return nil
		})
	}
	n.at = at
	return n, err
}

// token is the next token, which stands there.
func (r *jsonReader) token(at ir.Pos) (json.Token, error) {
	tok, err := r.d.Token()
	if err != nil {
		return nil, r.fault(at, err)
	}
	return tok, nil
}

// inside reads what is in a list or an object that has begun, and its end. Each value is read
// by each, which is given its key in an object.
func (r *jsonReader) inside(n *node, each func(key string) error) error {
	for r.d.More() {
		key := ""
		if n.kind == object {
			tok, err := r.token(r.places.at(r.next()))
			if err != nil {
				return err
			}
			key, _ = tok.(string)
		}
		if err := each(key); err != nil {
			return err
		}
	}
	_, err := r.token(r.places.at(r.next()))
	return err
}

// each reads all values: the objects, those in a list of the file, and those in a list that
// an answer of Kibana's API has under a key of these.
func (r *jsonReader) each(within []string, take func(*node)) error {
	element := func(string) error {
		r.values = maxValues
		n, err := r.value(0)
		if err == nil {
			take(n)
		}
		return err
	}
	for {
		i := r.next()
		at := r.places.at(i)
		if i == len(r.src) {
			return nil
		}
		if r.src[i] != '{' && r.src[i] != '[' {
			if err := element(""); err != nil {
				return err
			}
			continue
		}
		if _, err := r.token(at); err != nil {
			return err
		}
		if r.src[i] == '[' {
			if err := r.inside(&node{kind: list}, element); err != nil {
				return err
			}
			continue
		}
		n := &node{kind: object, at: at}
		r.values = maxValues
		err := r.inside(n, func(key string) error {
			if i := r.next(); i < len(r.src) && r.src[i] == '[' && slices.Contains(within, key) {
				if _, err := r.token(r.places.at(i)); err != nil {
					return err
				}
				return r.inside(&node{kind: list}, element)
			}
			x, err := r.value(1)
			if err == nil {
				n.set(key, x)
			}
			return err
		})
		if err != nil {
			return err
		}
		take(n)
	}
}

// readTOML reads a file in TOML.
func readTOML(path string, src []byte) (*node, error) {
	fault := func(line int, msg string) error {
		return &ir.Diagnostic{Path: path, Pos: ir.Pos{Line: line, Column: 1}, Msg: msg}
	}
	if len(src) > maxTOML {
		return nil, fault(1, "a file in TOML is one rule, and larger than 16 MB none is")
	}
	depth := 0
	for i, c := range src { // the parser calls itself for each
		switch c {
		case '[', '{':
			depth++
		case ']', '}':
			depth = max(0, depth-1)
		}
		if depth > 10*maxDepth {
			return nil, fault(bytes.Count(src[:i], []byte("\n"))+1, "nested too deeply")
		}
	}
	var file map[string]any
	if err := toml.Unmarshal(src, &file); err != nil {
		e := toml.ParseError{}
		if !errors.As(err, &e) {
			return nil, fault(1, "not TOML")
		}
		if strings.Contains(e.Message, "EOF") {
			return nil, fault(e.Position.Line, "the file ends within a value: it is cut off")
		}
		// What is quoted is of the file.
		msg := "not TOML"
		if !strings.HasSuffix(strings.ToLower(path), ".toml") {
			msg = "neither JSON nor TOML"
		}
		// What was found is of the file, as is what other messages quote.
		want, _, _ := strings.Cut(e.Message, " but ")
		if grammar := strings.HasPrefix(want, "expected ") || strings.HasPrefix(want, "unexpected "); grammar || !strings.ContainsAny(want, `"'`) {
			msg += ": " + strings.TrimSuffix(want, ",")
		}
		return nil, fault(max(1, e.Position.Line), msg)
	}
	values := maxValues
	places := tomlPlaces(src)
	n := ofTOML(file, "", places, &values)
	if values < 0 {
		return nil, fault(1, fmt.Sprintf("a rule of more than %d values is not read", maxValues))
	}
	return n, nil
}

func ofTOML(v any, path string, places map[string]ir.Pos, values *int) *node {
	n := &node{kind: text}
	if *values--; *values < 0 {
		return n
	}
	switch v := v.(type) {
	case string:
		n.value = v
	case bool:
		n.kind, n.value = boolean, v
	case int64:
		n = numeric(json.Number(strconv.FormatInt(v, 10)))
	case float64:
		n = numeric(json.Number(strconv.FormatFloat(v, 'g', -1, 64)))
		if _, err := json.Marshal(v); err != nil { // infinite, or none
			n = &node{kind: text, value: fmt.Sprint(v)}
		}
	case []any:
		n.kind = list
		for _, x := range v {
			n.list = append(n.list, ofTOML(x, path, places, values))
		}
	case []map[string]any:
		n.kind = list
		for _, x := range v {
			n.list = append(n.list, ofTOML(x, path, places, values))
		}
	case map[string]any:
		n.kind = object
		for _, k := range slices.Sorted(maps.Keys(v)) {
			n.set(k, ofTOML(v[k], strings.TrimPrefix(path+"."+k, "."), places, values))
		}
	default: // a date
		n.value = fmt.Sprint(v)
	}
	n.at = places[path]
	return n
}

// tomlPlaces says where the values of keys stand in a file that is TOML, by the path of the
// key, and where tables begin. Of several places of a path it is the first.
func tomlPlaces(src []byte) map[string]ir.Pos {
	out := map[string]ir.Pos{}
	places := &cursor{src: src}
	see := func(path string, off int) {
		if _, ok := out[path]; !ok {
			out[path] = places.at(off)
		}
	}
	name := func(s []byte) string {
		parts := strings.Split(string(s), ".")
		for i, p := range parts {
			parts[i] = strings.Trim(p, " \t\"'")
		}
		return strings.Join(parts, ".")
	}
	table := ""
	for i := 0; i < len(src); {
		line := src[i:]
		if end := bytes.IndexByte(line, '\n'); end >= 0 {
			line = line[:end]
		}
		trimmed := bytes.TrimLeft(line, " \t")
		start := i + len(line) - len(trimmed)
		eq := bytes.IndexByte(trimmed, '=')
		switch {
		case len(trimmed) == 0 || trimmed[0] == '#' || trimmed[0] == '\r':
			i += len(line) + 1
		case trimmed[0] == '[':
			head, _, _ := bytes.Cut(bytes.TrimLeft(trimmed, "["), []byte("]"))
			table = name(head) + "."
			see(strings.TrimSuffix(table, "."), start)
			i += len(line) + 1
		case eq < 0: // a key with an equals sign of its own over several lines there is not
			i += len(line) + 1
		default:
			at := start + eq + 1
			for at < len(src) && (src[at] == ' ' || src[at] == '\t') {
				at++
			}
			see(table+name(trimmed[:eq]), at)
			i = tomlEnd(src, at)
		}
	}
	return out
}

// tomlEnd is behind the line in which the value at i ends.
func tomlEnd(src []byte, i int) int {
	depth := 0
	for i < len(src) {
		switch c := src[i]; c {
		case '"', '\'':
			i = tomlString(src, i)
			continue
		case '#':
			for i < len(src) && src[i] != '\n' {
				i++
			}
			continue
		case '[', '{':
			depth++
		case ']', '}':
			depth--
		case '\n':
			if depth <= 0 {
				return i + 1
			}
		}
		i++
	}
	return i
}

// tomlString is behind the string that begins at i.
func tomlString(src []byte, i int) int {
	q := src[i]
	quote := []byte{q}
	if triple := []byte{q, q, q}; bytes.HasPrefix(src[i:], triple) {
		quote = triple
	}
	for i += len(quote); i < len(src); i++ {
		switch {
		case src[i] == '\\' && q == '"':
			i++
		case bytes.HasPrefix(src[i:], quote):
			i += len(quote)
			for len(quote) == 3 && i < len(src) && src[i] == q { // quotes before those that end it
				i++
			}
			return i
		}
	}
	return i
}
