package charset

import (
	"strings"
	"testing"
)

func TestWriter(t *testing.T) {
	for _, c := range []struct{ name, text, want, err string }{
		{"utf-8", "é", "é", ""}, {"UTF_8", "é", "é", ""}, {"utf-8-sig", "é", "\ufeffé", ""},
		{"utf-16", "a€", "\xff\xfea\x00\xac\x20", ""}, {"utf-16-le", "a", "a\x00", ""}, {"utf-16-be", "😀", "\xd8\x3d\xde\x00", ""},
		{"latin-1", "é", "\xe9", ""}, {"ISO-8859-1", "€", "", "latin-1: encoding: rune not supported"}, {"cp1252", "€", "\x80", ""},
		{"utf-61", "", "", `unknown encoding "utf-61"; did you mean`},
		{"ebcdic", "", "", `unknown encoding "ebcdic"; encodings are utf-8, utf-8-sig,`},
	} {
		var b strings.Builder
		w, err := Writer(&b, c.name)
		if err == nil {
			for i := range len(c.text) { // a character may come in pieces
				if _, e := w.Write([]byte(c.text[i : i+1])); err == nil {
					err = e
				}
			}
			if e := w.Close(); err == nil {
				err = e
			}
		}
		switch {
		case err != nil && (c.err == "" || !strings.HasPrefix(err.Error(), c.err)), err == nil && c.err != "":
			t.Errorf("%s: %v, want %q", c.name, err, c.err)
		case err == nil && b.String() != c.want:
			t.Errorf("%s: %q, want %q", c.name, b.String(), c.want)
		}
	}
}
