package evtx

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// A value is one of a template as it stands in its chunk, a text, or what else content holds.
// The zero value is null.
type value struct {
	kind uint16 // a type, of one byte, or elementKind or charKind
	at   int    // in the chunk
	size int    // in bytes
}

// The types of values.
const (
	nullType       = 0x00
	stringType     = 0x01
	ansiType       = 0x02
	int8Type       = 0x03
	uint8Type      = 0x04
	int16Type      = 0x05
	uint16Type     = 0x06
	int32Type      = 0x07
	uint32Type     = 0x08
	int64Type      = 0x09
	uint64Type     = 0x0a
	real32Type     = 0x0b
	real64Type     = 0x0c
	boolType       = 0x0d
	binaryType     = 0x0e
	guidType       = 0x0f
	sizeType       = 0x10
	fileTimeType   = 0x11
	systemTimeType = 0x12
	sidType        = 0x13
	hex32Type      = 0x14
	hex64Type      = 0x15
	xmlType        = 0x21

	arrayType = 0x80 // with the type of its items

	elementKind = 0x100 // an element: at is its index
	charKind    = 0x101 // a character: at is its number
)

// sizes are the bytes of values of a type that has a size.
var sizes = [256]int{int8Type: 1, uint8Type: 1, int16Type: 2, uint16Type: 2, int32Type: 4, uint32Type: 4, int64Type: 8, uint64Type: 8,
	real32Type: 4, real64Type: 8, boolType: 4, guidType: 16, fileTimeType: 8, systemTimeType: 16, hex32Type: 4, hex64Type: 8}

// items are those of an array.
func (c *chunk) items(array value) (out []value) {
	c.spend(array.size)
	kind := array.kind &^ arrayType
	if kind == stringType && array.size%2 != 0 {
		fail("an array of texts has half a character")
	}
	for at, end := array.at, array.at+array.size; at < end; {
		rest := c.data[at:end]
		size, skip := sizes[kind], 0
		switch {
		case size > 0:
		case kind == stringType:
			for size+1 < len(rest) && rest[size]|rest[size+1] != 0 {
				size += 2
			}
			skip = 2
		case kind == ansiType:
			if size = bytes.IndexByte(rest, 0); size < 0 {
				size = len(rest)
			}
			skip = 1
		case kind == sidType && len(rest) > 1:
			size = 8 + 4*int(rest[1])
		default:
			fail("arrays of the type %#x are unknown", kind)
		}
		if size > len(rest) {
			fail("an array of the type %#x has %d bytes", kind, array.size)
		}
		c.spend(tokenWork)
		out = append(out, value{kind, at, size})
		at += size + skip
	}
	return out
}

// isEmpty says whether v is no text.
func (c *chunk) isEmpty(v value) bool {
	switch v.kind {
	case elementKind, charKind:
		return false
	case stringType:
		return v.size < 2 || c.data[v.at]|c.data[v.at+1] == 0
	case ansiType:
		return v.size == 0 || c.data[v.at] == 0
	}
	return v.kind == nullType || v.size == 0
}

// isBare says whether v is a number or a bool of JSON.
func isBare(v value) bool { return int8Type <= v.kind && v.kind <= uint64Type || v.kind == boolType }

// appendText appends v to what is inside of a text of JSON, as Windows writes it.
func (c *chunk) appendText(out []byte, v value) []byte {
	if v.kind == charKind {
		return appendRune(out, rune(v.at))
	}
	if size := sizes[v.kind]; size > 0 && v.size != size {
		fail("a value of the type %#x has %d bytes", v.kind, v.size)
	}
	b := c.data[v.at : v.at+v.size]
	le := binary.LittleEndian
	switch v.kind {
	case nullType:
		return out
	case stringType:
		if v.size%2 != 0 {
			fail("a text has half a character")
		}
		return appendUTF16(out, b)
	case ansiType: // of a code page that the log does not name
		b, _, _ = bytes.Cut(b, []byte{0})
		for _, x := range b {
			out = appendRune(out, charmap.Windows1252.DecodeByte(x))
		}
		return out
	case int8Type:
		return strconv.AppendInt(out, int64(int8(b[0])), 10)
	case uint8Type:
		return strconv.AppendUint(out, uint64(b[0]), 10)
	case int16Type:
		return strconv.AppendInt(out, int64(int16(le.Uint16(b))), 10)
	case uint16Type:
		return strconv.AppendUint(out, uint64(le.Uint16(b)), 10)
	case int32Type:
		return strconv.AppendInt(out, int64(int32(le.Uint32(b))), 10)
	case uint32Type:
		return strconv.AppendUint(out, uint64(le.Uint32(b)), 10)
	case int64Type:
		return strconv.AppendInt(out, int64(le.Uint64(b)), 10)
	case uint64Type:
		return strconv.AppendUint(out, le.Uint64(b), 10)
	case real32Type:
		return appendReal(out, float64(math.Float32frombits(le.Uint32(b))), 32)
	case real64Type:
		return appendReal(out, math.Float64frombits(le.Uint64(b)), 64)
	case boolType:
		if n := int32(le.Uint32(b)); n != 0 && n != 1 { // Windows keeps sets of flags under this type
			return strconv.AppendInt(out, int64(n), 10)
		}
		return strconv.AppendBool(out, b[0] == 1)
	case binaryType:
		const digits = "0123456789ABCDEF"
		for _, x := range b {
			out = append(out, digits[x>>4], digits[x&15])
		}
		return out
	case guidType:
		return appendGUID(out, b)
	case hex32Type:
		return appendHex(out, uint64(le.Uint32(b)))
	case hex64Type:
		return appendHex(out, le.Uint64(b))
	case sizeType:
		switch v.size {
		case 4:
			return appendHex(out, uint64(le.Uint32(b)))
		case 8:
			return appendHex(out, le.Uint64(b))
		}
	case fileTimeType:
		return appendFileTime(out, le.Uint64(b))
	case systemTimeType:
		return appendSystemTime(out, b)
	case sidType:
		return appendSID(out, b)
	}
	fail("a value of %d bytes of the type %#x is unknown", v.size, v.kind)
	return nil
}

// appendUTF16 appends text up to a zero. Half a surrogate becomes U+FFFD, as in JSON.
func appendUTF16(out, b []byte) []byte {
	for ; len(b) > 1 && b[0]|b[1] != 0; b = b[2:] {
		r := rune(binary.LittleEndian.Uint16(b))
		if utf16.IsSurrogate(r) {
			next := rune(0)
			if len(b) > 3 {
				next = rune(binary.LittleEndian.Uint16(b[2:]))
			}
			if r = utf16.DecodeRune(r, next); r != utf8.RuneError {
				b = b[2:]
			}
		}
		out = appendRune(out, r)
	}
	return out
}

// appendRune appends a character to a text of JSON.
func appendRune(out []byte, r rune) []byte {
	switch {
	case r == '"' || r == '\\':
		return append(out, '\\', byte(r))
	case r >= utf8.RuneSelf:
		return utf8.AppendRune(out, r)
	case r >= ' ':
		return append(out, byte(r))
	case r == '\n':
		return append(out, `\n`...)
	case r == '\r':
		return append(out, `\r`...)
	case r == '\t':
		return append(out, `\t`...)
	}
	return hex.AppendEncode(append(out, `\u00`...), []byte{byte(r)})
}

// appendReal appends a number with a decimal point, as short as tells it from all others.
func appendReal(out []byte, f float64, bits int) []byte {
	text := strconv.FormatFloat(f, 'f', -1, bits)
	if out = append(out, text...); !strings.ContainsAny(text, ".NI") {
		out = append(out, ".0"...)
	}
	return out
}

func appendHex(out []byte, n uint64) []byte {
	return strconv.AppendUint(append(out, "0x"...), n, 16)
}

func appendGUID(out, b []byte) []byte {
	big := []byte{b[3], b[2], b[1], b[0], b[5], b[4], b[7], b[6]}
	out = append(out, '{')
	for _, part := range [][]byte{big[:4], big[4:6], big[6:], b[8:10]} {
		out = append(hex.AppendEncode(out, part), '-')
	}
	return append(hex.AppendEncode(out, b[10:]), '}')
}

func appendSID(out, b []byte) []byte {
	if len(b) < 8 || len(b) != 8+4*int(b[1]) {
		fail("a SID has %d bytes", len(b))
	}
	out = strconv.AppendUint(append(out, "S-"...), uint64(b[0]), 10)
	if authority := b[2:8]; authority[0]|authority[1] != 0 {
		out = hex.AppendEncode(append(out, "-0x"...), authority)
	} else {
		out = strconv.AppendUint(append(out, '-'), uint64(binary.BigEndian.Uint32(authority[2:])), 10)
	}
	for part := b[8:]; len(part) > 0; part = part[4:] {
		out = strconv.AppendUint(append(out, '-'), uint64(binary.LittleEndian.Uint32(part)), 10)
	}
	return out
}

// appendFileTime appends the instant of as many times 100 ns since 1601. Of a year above 9999,
// which stands for `never`, Windows writes the last four digits.
func appendFileTime(out []byte, n uint64) []byte {
	if n > math.MaxInt64 {
		return append(out, "0000-00-00T00:00:00.0000000Z"...)
	}
	const second, to1970 = 10_000_000, 11_644_473_600
	return appendStamp(out, time.Unix(int64(n/second)-to1970, int64(n%second)*100).UTC())
}

// appendSystemTime appends that of year, month, day of the week, day, hour, minute, second and
// millisecond. What is no time is the beginning of 1601, as Windows writes it.
func appendSystemTime(out, b []byte) []byte {
	part := func(i int) int { return int(binary.LittleEndian.Uint16(b[2*i:])) }
	t := time.Date(part(0), time.Month(part(1)), part(3), part(4), part(5), part(6), part(7)*1e6, time.UTC)
	year, month, day := t.Date()
	if year < 1601 || year > 30827 || year != part(0) || int(month) != part(1) || day != part(3) || part(4) > 23 || part(5) > 59 || part(6) > 59 || part(7) > 999 {
		t = time.Date(1601, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return appendStamp(out, t)
}

func appendStamp(out []byte, t time.Time) []byte {
	year := t.Year() % 10_000
	out = append(out, '0'+byte(year/1000), '0'+byte(year/100%10), '0'+byte(year/10%10), '0'+byte(year%10))
	return t.AppendFormat(out, "-01-02T15:04:05.0000000Z")
}
