package check

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"

	"sigmac/internal/lazy"
	"sigmac/internal/suggest"
	"sigmac/ir"
)

// marker starts a comment that silences findings:
//
//	# sigmac:ignore ID[,ID...]: reason
//
// Behind something it is about its line; on a line by itself about the next one
// that is no comment, and before the first line of a file about the whole file.
const marker = "sigmac:ignore"

var comment = lazy.Regexp(`(?:^|\s)#\s*sigmac:ignore\b(.*)$`)

// A suppression is one such comment.
type suppression struct {
	at     ir.Span // the comment
	ids    []string
	line   int // the line that it is about; 0: all
	served []bool
}

// suppress leaves out what comments silence. A comment that is wrong, or silences
// nothing, is a finding.
func (l *linter) suppress(r *fileReport) []Finding {
	var all []*suppression
	lines := bytes.Split(r.Data, []byte("\n"))
	begun := false
	for i, line := range lines {
		trimmed := bytes.TrimSpace(line)
		m := comment().FindSubmatchIndex(line)
		alone := len(trimmed) > 0 && trimmed[0] == '#'
		if m == nil {
			begun = begun || len(trimmed) > 0 && !alone && !bytes.HasPrefix(trimmed, []byte("---"))
			continue
		}
		text := strings.TrimSpace(string(line[m[2]:m[3]]))
		column := func(n int) ir.Pos { return ir.Pos{Line: i + 1, Column: utf8.RuneCount(line[:n]) + 1} }
		s := &suppression{at: ir.Span{Start: column(bytes.IndexByte(line[m[0]:], '#') + m[0]), End: column(len(bytes.TrimRight(line, " \t\r")))}, line: i + 1}
		switch {
		case alone && !begun:
			s.line = 0
		case alone:
			for s.line = i + 2; s.line <= len(lines); s.line++ {
				if next := bytes.TrimSpace(lines[s.line-1]); len(next) > 0 && next[0] != '#' {
					break
				}
			}
		default:
			begun = true
		}
		ids, reason, ok := strings.Cut(text, ":")
		if !ok || strings.TrimSpace(reason) == "" {
			r.add(l, nil, "suppression", s.at, "a comment that silences findings is `# sigmac:ignore ID: reason`")
			continue
		}
		for _, id := range strings.FieldsFunc(ids, func(c rune) bool { return c == ',' || c == ' ' }) {
			if _, known := l.severities[id]; !known {
				r.add(l, nil, "suppression", s.at, "no check is named %q%s", id, suggest.For(id, IDs()))
				continue
			}
			s.ids, s.served = append(s.ids, id), append(s.served, false)
		}
		all = append(all, s)
	}
	var out []Finding
	for _, f := range r.findings {
		silent := false
		for _, s := range all {
			if i := slices.Index(s.ids, f.Code); i >= 0 && (s.line == 0 || s.line == f.Pos.Line) {
				s.served[i], silent = true, true
			}
		}
		if !silent {
			out = append(out, f)
		}
	}
	r.findings = out
	for _, s := range all {
		for i, id := range s.ids {
			if c, _ := Lookup(id); !s.served[i] && l.on(id) && (l.Prover || !c.Prover) {
				r.add(l, nil, "unused_suppression", s.at, "there is no finding of %s to silence", id)
			}
		}
	}
	return r.findings
}
