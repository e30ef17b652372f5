// Package charset writes text in other encodings than UTF-8.
package charset

import (
	"fmt"
	"io"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"sigmac/internal/suggest"
)

// names are the encodings, as Python calls them.
var names = []string{"utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1", "cp1252"}

// others are other names of theirs.
var others = map[string]string{"utf8": "utf-8", "utf16": "utf-16", "utf-16le": "utf-16-le", "utf-16be": "utf-16-be",
	"latin1": "latin-1", "iso-8859-1": "latin-1", "windows-1252": "cp1252"}

// Writer is w for text in UTF-8, which it writes in the encoding of that name; what the encoding
// cannot hold is an error of Write or Close. Nothing is closed but the encoder. An unknown name is
// an error that has all names.
func Writer(w io.Writer, name string) (io.WriteCloser, error) {
	norm := strings.ReplaceAll(strings.ToLower(name), "_", "-")
	if other, ok := others[norm]; ok {
		norm = other
	}
	var e encoding.Encoding
	switch norm {
	case "utf-8":
		return plain{w}, nil
	case "utf-8-sig":
		e = unicode.UTF8BOM
	case "utf-16": // as Python on the machines that there are
		e = unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
	case "utf-16-le":
		e = unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)
	case "utf-16-be":
		e = unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)
	case "latin-1":
		e = charmap.ISO8859_1
	case "cp1252":
		e = charmap.Windows1252
	default:
		hint := suggest.For(norm, names)
		if hint == "" {
			hint = "; encodings are " + strings.Join(names, ", ")
		}
		return nil, fmt.Errorf("unknown encoding %q%s", name, hint)
	}
	return &encoded{e.NewEncoder().Writer(w), norm}, nil
}

// plain is a writer of UTF-8.
type plain struct{ io.Writer }

func (plain) Close() error { return nil }

// encoded says which encoding an error is of.
type encoded struct {
	io.Writer
	name string
}

func (e *encoded) Write(p []byte) (int, error) {
	n, err := e.Writer.Write(p)
	return n, e.named(err)
}

func (e *encoded) Close() error {
	c, ok := e.Writer.(io.Closer)
	if !ok {
		return nil
	}
	return e.named(c.Close())
}

func (e *encoded) named(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", e.name, err)
}
