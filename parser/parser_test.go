package parser

import (
	"fmt"
	"strings"
	"testing"

	"sigmac/ir"
)

// FuzzParse holds that any file is read or refused at a place, and that what
// is read keeps the invariants of a parsed rule.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		oneField("f", "a"), oneField("f|re|i", "'a(b|c)*'"), oneField("f|windash|contains|all", "[-a, /b]"), oneField("'|all'", "[a, b]"),
		oneField("f|wide|base64offset|contains", "foo"), oneField("f|expand", "'%a%'"), oneField("f|exists", "no"), oneField("f|cidr", "10.0.0.0/8"),
		oneField("f|fieldref|endswith", "g"), oneField("f|hour|gte", "18"), oneField("f|gt", "1_000.5"), oneField("f", "[]"), oneField("f|neq", "~"),
		withCondition("1 of sel* and not (a or b)"), withCondition("a | count() by f > 5"), withCondition(`"a and \x20 nope"`), withCondition("&x !!str |\n    a and nope"),
		correlationText, filterText, actionsText, mergeText, "a: &a [*a]", "<<: *x", "\xEF\xBB\xBFtitle: t\r\n", "? [a]\n: b", "- a", "---\n...\n", "a: {b: 1, b: 2}",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		c := Parse("r.yml", src)
		for _, d := range c.Documents {
			for _, e := range append(d.Errors, d.Warnings...) {
				if e.Pos.Line < 1 || e.Pos.Column < 1 || e.Msg == "" {
					t.Errorf("%q: an error without a place: %v", src, e)
				}
			}
			switch {
			case len(d.Errors) > 0:
				if d.Rule != nil || d.Correlation != nil || d.Filter != nil {
					t.Errorf("%q: faulty and read", src)
				}
			case d.Rule != nil:
				if err := ir.Check(d.Rule, ir.Parsed); err != nil {
					t.Errorf("%q: %v", src, err)
				}
			case d.Correlation == nil && d.Filter == nil:
				t.Errorf("%q: neither read nor faulty", src)
			}
		}
	})
}

// TestDiagnostics holds where a fault begins and ends, and who says it.
func TestDiagnostics(t *testing.T) {
	for _, c := range []struct{ src, want string }{
		{"title: T\nlogsource: {category: c}\ndetection:\n  a: {f|nonsense: x}\n  condition: a\n", "4:9-4:17 sigma"},
		{"title: T\nlogsource: {category: c}\ndetection:\n  a: {f: x}\n  condition: a and sele\n", "5:20-5:24 sigma dangling_condition"},
		{"title: T\nlogsource: {category: c}\ndetection:\n  a: {'é|nonsense': x}\n  condition: a\n", "4:10-4:18 sigma"},
		{"\ufefftitle: T\nlogsource: {categry}: c\ndetection:\n  a: {f: x}\n  condition: b\n", ""},
		{"title", "1:1-1:6 sigma"},
		{"a: b: c", ""},
	} {
		var got []string
		for _, d := range Parse("r.yml", []byte(c.src)).Documents {
			for _, e := range d.Errors {
				if e.Path != "r.yml" || e.End.Line < e.Pos.Line || e.End.Line == e.Pos.Line && e.End.Column <= e.Pos.Column && e.End != (ir.Pos{}) {
					t.Errorf("%q: %+v", c.src, e)
				}
				got = append(got, strings.TrimSpace(fmt.Sprintf("%d:%d-%d:%d %s %s", e.Pos.Line, e.Pos.Column, e.End.Line, e.End.Column, e.Source, e.Code)))
			}
		}
		if len(got) == 0 || c.want != "" && got[0] != c.want {
			t.Errorf("%q: %v, want %s", c.src, got, c.want)
		}
	}
}
