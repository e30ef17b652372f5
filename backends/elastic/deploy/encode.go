package deploy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A table is an object with its keys in order. A value is a string, a bool, an int, a
// []string, a table, a []table, or what JSON or YAML decodes to.
type table []entry

type entry struct {
	key   string
	value any
}

// put gives the table a value, in the place that the key has in fields.
func (t table) put(key string, value any) table {
	e := entry{key, value}
	for i, x := range t {
		if x.key == key {
			t[i] = e
			return t
		}
		if order()[x.key] > order()[key] {
			return slices.Insert(t, i, e)
		}
	}
	return append(t, e)
}

// MarshalJSON writes the keys in their order.
func (t table) MarshalJSON() ([]byte, error) {
	out := []byte{'{'}
	for i, e := range t {
		if i > 0 {
			out = append(out, ',')
		}
		key, err := compact(e.key)
		if err != nil {
			return nil, err
		}
		value, err := compact(e.value)
		if err != nil {
			return nil, err
		}
		out = append(append(append(out, key...), ':'), value...)
	}
	return append(out, '}'), nil
}

// compact is JSON in one line. Texts that are no UTF-8 have U+FFFD in the place of what is not.
func compact(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimRight(b.Bytes(), "\n"), err
}

// writeTOML writes a table under a path: what is no table first, as TOML wants it.
func writeTOML(b *strings.Builder, path []string, t table) {
	for _, e := range t {
		if !isTable(e.value) {
			fmt.Fprintf(b, "%s = ", tomlKey(e.key))
			writeValue(b, e.value)
			b.WriteByte('\n')
		}
	}
	for _, e := range t {
		if !isTable(e.value) {
			continue
		}
		at := append(slices.Clone(path), tomlKey(e.key))
		switch v := e.value.(type) {
		case table:
			fmt.Fprintf(b, "\n[%s]\n", strings.Join(at, "."))
			writeTOML(b, at, v)
		case []table:
			for _, x := range v {
				fmt.Fprintf(b, "\n[[%s]]\n", strings.Join(at, "."))
				writeTOML(b, at, x)
			}
		}
	}
}

func isTable(v any) bool {
	switch v := v.(type) {
	case table:
		return true
	case []table:
		return len(v) > 0
	}
	return false
}

func writeValue(b *strings.Builder, v any) {
	switch v := v.(type) {
	case string:
		b.WriteString(tomlText(v))
	case bool, int:
		fmt.Fprint(b, v)
	case []string:
		b.WriteByte('[')
		for i, s := range v {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(tomlText(s))
		}
		b.WriteByte(']')
	case []table:
		b.WriteString("[]")
	default:
		panic(fmt.Sprintf("no value of TOML: %T", v))
	}
}

// tomlText quotes a text: as it stands, where that is plainer and a literal can hold it.
func tomlText(s string) string {
	s = valid(s)
	odd := func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' || r == 0x7f }
	switch {
	case !strings.ContainsAny(s, "\n\"\\") || strings.ContainsFunc(s, odd):
	case !strings.ContainsAny(s, "\n'"):
		return "'" + s + "'"
	case !strings.Contains(s, "''") && !strings.HasSuffix(s, "'"):
		return "'''\n" + s + "'''"
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// valid is s with U+FFFD for each byte that is no UTF-8, as in JSON.
func valid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return string([]rune(s))
}

// tomlKey is a key as it stands where it can, or quoted.
func tomlKey(s string) string {
	bare := func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-')
	}
	if s != "" && !strings.ContainsFunc(s, bare) {
		return s
	}
	return strconv.QuoteToASCII(valid(s))
}
