package deploy

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"sigmac/internal/lazy"
	"sigmac/ir"
)

// A stanza is one saved search, by the names that savedsearches.conf has for its settings,
// whatever it was read from.
type stanza struct {
	name string
	at   ir.Pos
	keys map[string]setting

	app      string   // of the export of a server, or empty
	exported bool     // it is of such an export, which names every default
	twice    []string // keys that it has more than once, of which the last holds
	defaults bool     // its file has settings for all stanzas
}

type setting struct {
	value string
	at    ir.Pos
}

func (s *stanza) get(key string) string { return s.keys[key].value }

// or is the value of a key, or else its default.
func (s *stanza) or(key, otherwise string) string {
	if v := s.get(key); v != "" {
		return v
	}
	return otherwise
}

// place is where the value of a key stands, or else the stanza.
func (s *stanza) place(key string) ir.Pos {
	if v, ok := s.keys[key]; ok {
		return v.at
	}
	return s.at
}

func (s *stanza) set(key, value string) { s.keys[key] = setting{value: value} }

// confSpace is what is cut around names and values.
const confSpace = " \t\r\n\v\f"

// write writes a stanza with its keys in order.
func (s *stanza) write(b *strings.Builder) {
	b.WriteString("[" + s.name + "]\n")
	names := make([]string, 0, len(s.keys))
	for name := range s.keys {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		b.WriteString(strings.TrimRight(name+" = "+confValue(s.keys[name].value), " ") + "\n")
	}
}

// confValue writes a value so that nothing of it leaves its place. A line that ends in a
// backslash goes on in the next one. A value that itself ends in one is followed by an empty
// line: whoever takes two backslashes for one that is quoted reads that line as nothing, and
// whoever does not takes it for the end of the value.
func confValue(v string) string {
	v = strings.Trim(confLines(v), confSpace)
	if strings.HasSuffix(v, `\`) {
		v += "\n"
	}
	return strings.ReplaceAll(v, "\n", "\\\n")
}

// confLines is v with line feeds alone between lines.
func confLines(v string) string { return strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(v) }

// maxFaults is how many faults of one file are told.
const maxFaults = 100

// btoolPrefix stands before each line of `btool --debug`: the file that the line is of.
var btoolPrefix = lazy.Regexp(`^[^\s=\[#][^=\[]*?[/\\][A-Za-z0-9_.-]+\.conf[ \t]+`)

// A confReader reads a file of stanzas.
type confReader struct {
	path   string
	debug  bool // the file is what `btool --debug` prints
	out    []*stanza
	byName map[string]*stanza
	faults []error

	now   *stanza
	key   string
	value strings.Builder
	at    ir.Pos
	open  bool // the value goes on in the next line
	line  int

	length int // of the line, in characters
}

// readConf reads the stanzas of a .conf file, of which those with one name are one; what
// stands before the first, and in [default], holds in all.
func readConf(path string, data []byte) ([]*stanza, error) {
	r := &confReader{path: path, byName: map[string]*stanza{}}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if bytes.HasPrefix(data, []byte{0xff, 0xfe}) || bytes.HasPrefix(data, []byte{0xfe, 0xff}) {
		return nil, &ir.Diagnostic{Path: path, Pos: ir.Pos{Line: 1, Column: 1}, Msg: "the file is in UTF-16; UTF-8 is expected", Source: "splunk"}
	}
	for len(data) > 0 && len(r.faults) < maxFaults {
		line, rest, ended := bytes.Cut(data, []byte("\n"))
		data = rest
		r.line++
		r.read(string(bytes.TrimSuffix(line, []byte("\r"))), ended)
	}
	if r.open {
		r.fault(r.length+1, "the file ends within a value: it is cut off")
	}
	r.end()
	if len(r.faults) > 0 {
		return nil, errors.Join(r.faults...)
	}
	return r.inherited(), nil
}

func (r *confReader) fault(column int, format string, args ...any) {
	r.faults = append(r.faults, &ir.Diagnostic{Path: r.path, Pos: ir.Pos{Line: r.line, Column: max(1, column)}, Msg: fmt.Sprintf(format, args...), Source: "splunk"})
}

func (r *confReader) read(line string, ended bool) {
	r.length = utf8.RuneCountInString(line)
	if r.line == 1 {
		r.debug = btoolPrefix().MatchString(line)
	}
	cut := 0
	if r.debug {
		cut = len(btoolPrefix().FindString(line))
	}
	text := line[cut:]
	if r.open {
		r.more(text)
		return
	}
	if r.debug && cut == 0 && r.key != "" {
		// btool prints the lines of a value as they are.
		r.value.WriteByte('\n')
		r.more(line)
		return
	}
	trimmed := strings.Trim(text, confSpace)
	column := r.length - utf8.RuneCountInString(strings.TrimLeft(text, confSpace)) + 1
	switch {
	case trimmed == "" && r.key != "" && r.debug:
	case trimmed == "" || trimmed[0] == '#' || trimmed[0] == ';':
	case trimmed[0] == '[':
		r.end()
		last := strings.LastIndexByte(trimmed, ']')
		switch {
		case last < 0 && !ended:
			r.fault(column, "the file ends within the name of a stanza: it is cut off")
		case last < 0:
			r.fault(column, "the name of a stanza ends in ]")
		default:
			r.begin(trimmed[1:last], column)
		}
	default:
		r.end()
		name, value, ok := strings.Cut(text, "=")
		if name = strings.Trim(name, confSpace); !ok || name == "" {
			if !ended {
				r.fault(column, "the file ends within a setting: it is cut off")
			} else {
				r.fault(column, "a setting is NAME = VALUE")
			}
			return
		}
		if r.now == nil {
			r.begin("default", 1)
		}
		r.key = name
		r.at = ir.Pos{Line: r.line, Column: r.length - utf8.RuneCountInString(strings.TrimLeft(value, confSpace)) + 1}
		r.more(value)
	}
}

func (r *confReader) more(text string) {
	text, r.open = strings.CutSuffix(text, `\`)
	r.value.WriteString(text)
	if r.open {
		r.value.WriteByte('\n')
	}
}

func (r *confReader) begin(name string, column int) {
	if r.now = r.byName[name]; r.now == nil {
		r.now = &stanza{name: name, at: ir.Pos{Line: r.line, Column: column}, keys: map[string]setting{}}
		r.byName[name] = r.now
		r.out = append(r.out, r.now)
	} else if name != "default" {
		r.now.twice = append(r.now.twice, "")
	}
}

// end puts the value that was read where it belongs.
func (r *confReader) end() {
	if r.key == "" {
		return
	}
	if _, has := r.now.keys[r.key]; has {
		r.now.twice = append(r.now.twice, r.key)
	}
	r.now.keys[r.key] = setting{strings.Trim(r.value.String(), confSpace), r.at}
	r.key = ""
	r.value.Reset()
}

// inherited are the stanzas with what holds for all of them.
func (r *confReader) inherited() (out []*stanza) {
	all := r.byName["default"]
	for _, s := range r.out {
		if s == all {
			continue
		}
		if s.exported = r.debug; all != nil && len(all.keys) > 0 && !r.debug {
			s.defaults = true
		}
		if all != nil {
			for key, v := range all.keys {
				if _, has := s.keys[key]; !has {
					s.keys[key] = v
				}
			}
		}
		out = append(out, s)
	}
	return out
}
