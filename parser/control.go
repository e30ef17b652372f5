package parser

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// controls are the letters behind a backslash in double quotes that make a control character,
// a line break or a blank that is none of the keyboard.
var controls = map[byte]rune{'0': 0, 'a': '\a', 'b': '\b', 't': '\t', '\t': '\t', 'n': '\n', 'v': '\v', 'f': '\f', 'r': '\r', 'e': 0x1b,
	'N': 0x85, '_': 0xa0, 'L': 0x2028, 'P': 0x2029}

// maxShown bounds a value that a message shows.
const maxShown = 80

// control warns of a control character in a text: mostly of a backslash in double quotes that
// is not doubled. What \u or \U writes is meant, and so are \r\n and a \n that ends a line.
func (f *file) control(n *yaml.Node) {
	visible := 0
	for visible < len(n.Value) && n.Value[visible] >= ' ' && n.Value[visible] < 0x7F {
		visible++
	}
	if strings.IndexFunc(n.Value[visible:], func(r rune) bool { return unicode.IsControl(r) || strings.ContainsRune("\u00a0\u2028\u2029", r) }) < 0 {
		return
	}
	if n.Style&yaml.DoubleQuotedStyle == 0 {
		if i := strings.IndexFunc(n.Value, func(r rune) bool { return r < ' ' || r == 0x7f }); i >= 0 && n.Value[i] != '\n' {
			f.warnAs("control_character", n, "the character U+%04X stands in the value", n.Value[i])
		}
		return
	}
	c := f.cursorAt(n)
	text, single, slip := c.src, "", ""
	same, words := true, false // same: single is the text but for its controls
	for len(c.src) > 0 && c.src[0] != '"' {
		if same = same && len(single) <= maxShown; !same {
			if single = ""; slip != "" {
				break
			}
		}
		at := len(text) - len(c.src)
		size, _ := c.escape()
		for range max(size, 1) {
			c.skip()
		}
		behind := len(text) - len(c.src)
		written := string(text[at:behind])
		words = words || written == " "
		if size == 0 {
			if r := rune(written[0]); r < ' ' && r != '\n' && r != '\r' && slip == "" && strings.ContainsRune(n.Value, r) {
				slip, same = fmt.Sprintf("the character U+%04X stands in the value", r), false
			}
			single += strings.ReplaceAll(written, "'", "''")
			same = same && written != "\n" && written != "\r"
			continue
		}
		r, control := controls[written[1]]
		switch written[1] {
		case 'u', 'U':
			same = false
		case 'x':
			code, _ := strconv.ParseUint(written[2:], 16, 8)
			r, control = rune(code), code < ' ' || code >= 0x7f && code <= 0xa0
			same = same && control
		default:
			if !control {
				written = written[1:]
				same = same && written != "\n" && written != "\r"
			}
		}
		single += written
		meant := written == `\r` && bytes.HasPrefix(text[behind:], []byte(`\n`)) ||
			written == `\n` && (bytes.HasSuffix(text[:at], []byte(`\r`)) || lineEnds(text[:at], text[behind:], words))
		if control && !meant && slip == "" {
			slip = fmt.Sprintf("%s in double quotes is the character U+%04X; use single quotes", written, r)
		}
	}
	switch {
	case slip == "":
	case same:
		f.warnAs("control_character", n, "%s: '%s'", slip, single)
	default:
		f.warnAs("control_character", n, "%s", slip)
	}
}

// lineEnds says whether a line break between two parts of a text is meant as one: no letter
// or digit follows, or it ends a line of several words.
func lineEnds(before, behind []byte, words bool) bool {
	word := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
	next, _ := utf8.DecodeRune(behind)
	last, _ := utf8.DecodeLastRune(before)
	return !word(next) || words && (word(last) || strings.ContainsRune(".,;!?)", last))
}
