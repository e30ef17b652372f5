package cache

import (
	"crypto/sha256"
	"encoding/binary"
	"reflect"
	"slices"
)

// A key is the hash of inputs.
type key [sha256.Size]byte

// maxKey bounds the bytes of inputs, and maxDepth how deep they are, also of those that hold
// themselves.
const maxKey, maxDepth = 64 << 20, 10_000

// key is that of what is computed of inputs, by this program; false where they cannot be told from others.
func (c *Cache) key(result reflect.Type, inputs []any) (k key, ok bool) {
	e := encoder{buf: append([]byte(head), c.build[:]...)}
	e.text(nameOf(result))
	e.value(reflect.ValueOf(inputs))
	return sha256.Sum256(e.buf), !e.failed
}

// An encoder writes values, each such that no other is written so.
type encoder struct {
	buf    []byte
	depth  int
	failed bool
}

func (e *encoder) number(n uint64) { e.buf = binary.AppendUvarint(e.buf, n) }

func (e *encoder) text(s string) {
	e.number(uint64(len(s)))
	e.buf = append(e.buf, s...)
}

// nameOf tells a type from others.
func nameOf(t reflect.Type) string {
	if t.Name() != "" {
		return t.PkgPath() + "." + t.Name()
	}
	return t.String()
}

// value writes a value of a type that the reader would know.
func (e *encoder) value(v reflect.Value) {
	if e.failed = e.failed || len(e.buf) > maxKey || e.depth > maxDepth; e.failed {
		return
	}
	e.depth++
	defer func() { e.depth-- }()
	switch v.Kind() {
	case reflect.Bool:
		n := uint64(0)
		if v.Bool() {
			n = 1
		}
		e.number(n)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		e.buf = binary.AppendVarint(e.buf, v.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		e.number(v.Uint())
	case reflect.String:
		e.text(v.String())
	case reflect.Slice, reflect.Array:
		if v.Kind() == reflect.Slice && v.IsNil() {
			e.number(0)
			return
		}
		e.number(uint64(v.Len()) + 1)
		for i := range v.Len() {
			e.value(v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			e.value(v.Field(i))
		}
	case reflect.Map:
		e.pairs(v)
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			e.number(0)
			return
		}
		e.number(1)
		if v.Kind() == reflect.Interface {
			e.text(nameOf(v.Elem().Type()))
		}
		e.value(v.Elem())
	default: // a function, say: nothing tells what it does
		e.failed = !v.IsZero()
	}
}

// pairs writes a map in the order of its keys as they are written.
func (e *encoder) pairs(v reflect.Value) {
	if v.IsNil() {
		e.number(0)
		return
	}
	var pairs []string
	for it := v.MapRange(); it.Next(); {
		pair := encoder{depth: e.depth}
		pair.value(it.Key())
		pair.value(it.Value())
		e.failed = e.failed || pair.failed
		pairs = append(pairs, string(pair.buf))
	}
	slices.Sort(pairs)
	e.number(uint64(len(pairs)) + 1)
	for _, p := range pairs {
		e.text(p)
	}
}
