package ir

import (
	"encoding/base64"
	"errors"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// An Encoding is a modifier that replaces a text by another, byte for byte.
type Encoding uint8

// The encodings of specification 2.1; `wide` is UTF16LE.
const (
	Base64 Encoding = iota
	UTF16LE
	UTF16BE
	UTF16 // with a byte order mark, little endian
)

func (e Encoding) String() string {
	return [...]string{"base64", "utf16le", "utf16be", "utf16"}[e]
}

// Bytes is the encoding of s. Its result for the UTF-16 encodings need not be
// UTF-8 text. s must be UTF-8 for these.
func (e Encoding) Bytes(s string) string {
	if e == Base64 {
		return base64.StdEncoding.EncodeToString([]byte(s))
	}
	var out []byte
	if e == UTF16 {
		out = append(out, 0xFF, 0xFE)
	}
	for _, u := range utf16.Encode([]rune(s)) {
		if e == UTF16BE {
			out = append(out, byte(u>>8), byte(u))
		} else {
			out = append(out, byte(u), byte(u>>8))
		}
	}
	return string(out)
}

// Base64Offsets is the part of s's Base64 text that stands whatever is before
// and after s, for 0, 1 and 2 bytes before it. An empty text says that nothing
// of s is left at that offset.
func Base64Offsets(s string) [3]string {
	var out [3]string
	for i := range out {
		t := base64.StdEncoding.EncodeToString(append(make([]byte, i), s...))
		start := [3]int{0, 2, 3}[i]
		end := len(t) - [3]int{0, 3, 2}[(len(s)+i)%3]
		if start < end {
			out[i] = t[start:end]
		}
	}
	return out
}

// body splits p into its wildcards at the ends and the one text between them.
func (p Pattern) body() (before []Part, text string, after []Part, err error) {
	ps := p.Parts
	for len(ps) > 0 && ps[0].Kind == AnyRun {
		before, ps = ps[:1], ps[1:]
	}
	for len(ps) > 0 && ps[len(ps)-1].Kind == AnyRun {
		after, ps = ps[len(ps)-1:], ps[:len(ps)-1]
	}
	switch {
	case len(ps) == 0:
		return before, "", after, nil
	case len(ps) == 1 && ps[0].Kind == Literal:
		return before, ps[0].Text, after, nil
	}
	return nil, "", nil, fmt.Errorf("a value with wildcards or placeholders cannot be encoded")
}

// Encode is p with its text encoded, and the wildcards at its ends kept.
func (p Pattern) Encode(as Encoding) (Pattern, error) {
	before, text, after, err := p.body()
	if err != nil {
		return Pattern{}, err
	}
	if as != Base64 && !utf8.ValidString(text) {
		return Pattern{}, fmt.Errorf("%s needs text, and the value is already encoded to bytes", as)
	}
	return p.around(before, as.Bytes(text), after), nil
}

func (p Pattern) around(before []Part, text string, after []Part) Pattern {
	parts := append(append([]Part{}, before...), Part{Literal, text})
	return NewPattern(p.Cased, append(parts, after...)...)
}

// Offsets is p with its text in Base64 at each of the three offsets, and the
// wildcards at its ends kept. It fails where an offset leaves nothing: such a
// variant would match everything.
func (p Pattern) Offsets() ([]Pattern, error) {
	before, text, after, err := p.body()
	if err != nil {
		return nil, err
	}
	var out []Pattern
	for i, t := range Base64Offsets(text) {
		if t == "" {
			return nil, fmt.Errorf("base64offset of %d byte(s) leaves nothing to look for at offset %d; the value must have at least two bytes", len(text), i)
		}
		out = append(out, p.around(before, t, after))
	}
	return out, nil
}

var errNoText = errors.New("the encoding gives bytes that are no text; follow it with base64 or base64offset")

func validText(p Pattern) bool {
	for _, q := range p.Parts {
		if !utf8.ValidString(q.Text) {
			return false
		}
	}
	return true
}
