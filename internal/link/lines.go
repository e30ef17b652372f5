package link

import (
	"bytes"
	"iter"
	"strings"
)

// A line is one that begins with a key as most write it, at any depth. It is odd where something else begins it
// that can stand for a key: a brace, an anchor, a tag, an alias, a merge, an escape.
type line struct {
	key, value []byte // before and behind the colon
	odd        bool
}

// linesOf are those lines of a file.
func linesOf(src []byte) iter.Seq[line] {
	return func(yield func(line) bool) {
		for text := range bytes.Lines(src) {
			text = bytes.TrimPrefix(bytes.TrimPrefix(text, []byte("\uFEFF")), []byte("---"))
			text = bytes.TrimLeft(text, " \t")
			if len(text) == 0 {
				continue
			}
			quoted, _, _ := bytes.Cut(text[1:], []byte{'"'})
			odd := bytes.IndexByte([]byte(`{?&!*\`), text[0]) >= 0 || text[0] == '"' && bytes.IndexByte(quoted, '\\') >= 0
			key, value, found := bytes.Cut(text, []byte{':'})
			key = bytes.Trim(bytes.TrimRight(key, " \t"), `"'`)
			odd = odd || found && string(key) == "<<"
			if (odd || found) && !yield(line{key, value, odd}) {
				return
			}
		}
	}
}

// mayHave says whether a file may have a key.
func mayHave(src []byte, name string) bool {
	for l := range linesOf(src) {
		if l.odd || string(l.key) == name {
			return true
		}
	}
	return false
}

// mayCall says whether a document of a file may be called by one of the names.
func mayCall(src []byte, names map[string]bool) bool {
	for l := range linesOf(src) {
		if l.odd {
			return true
		}
		if key := string(l.key); key != "id" && key != "name" {
			continue
		}
		text, _, _ := strings.Cut(string(l.value), " #")
		text = strings.Trim(strings.TrimSpace(text), `"'`)
		if names[text] || names[strings.ToLower(text)] || strings.ContainsAny(text, `|>\&!*`) {
			return true
		}
	}
	return false
}
