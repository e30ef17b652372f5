package sigmac_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"sigmac"
	"sigmac/backends"
	"sigmac/ir"
	"sigmac/parser"
	"sigmac/verify"
)

// leaving are texts that would end a literal, a name or a stage of some query
// language, or begin a comment, a macro or a subsearch there.
var leaving = []string{
	`"`, `'`, `\`, `\\`, `\"`, `""`, `a" OR b="c`, `a' or b == 'c`, `a") or (1==1`, `" | delete`, `' | take 1 //`,
	"a`macro`", "```", "```comment```", `[search index=*]`, `| stats count`, `a | b`, `$token$`, `$$`, `{0}`, "a\nb", "a\r\n| head 1", "a\tb", "\x00", "\x1b[31m", "\u2028",
	"\u202e", `*/ x /*`, `// x`, `--`, `a;b`, `'; let x = 1; T`, `@"x"`, `h"x"`, `~~~x~~~`, `"""x"""`, `\u0022`, `\x22`, `\Q"\E`, `%2522`, `a=b`, `TERM(x)`, `CASE(x)`, `NOT`, `OR`,
	`and`, `null`, `true`, `?f`, "`f`", `*`, `?`, `a*"*b`, `10.0.0.0/8`, `1e3`, `0x1F`, `é"`, `K"`, `日本" or "`, "\U0001F600\"", ``,
}

// TestLeavingLiterals holds for every target that no value and no name of a field
// leaves its literal: a query has the stages and fields of one for a plain value, no
// part that cannot be read, and is proved; or it is refused.
func TestLeavingLiterals(t *testing.T) {
	values := 0
	for _, text := range leaving {
		for _, key := range []string{"f", "f|contains", "f|startswith", "f|endswith", "f|cased", "f|contains|cased", "f|fieldref"} {
			values += holdsLiterals(t, key, text)
		}
		if text != "" && !strings.ContainsAny(text, "|\n\r\x00\x1b\u2028") {
			values += holdsLiterals(t, text, "plain")
		}
	}
	if values < 500 {
		t.Errorf("only %d queries", values)
	}
}

// FuzzLeavingLiterals is TestLeavingLiterals for any value and name.
func FuzzLeavingLiterals(f *testing.F) {
	for _, text := range leaving {
		f.Add("f", text)
		f.Add(text, "x")
	}
	f.Fuzz(func(t *testing.T, name, text string) {
		if name != "" && !strings.ContainsAny(name, "|\n\r") {
			holdsLiterals(t, name, text)
			holdsLiterals(t, name+"|contains", text)
		}
	})
}

func holdsLiterals(t *testing.T, key, value string) (queries int) {
	t.Helper()
	source := func(key, value string) string {
		return fmt.Sprintf("title: T\nlogsource: {category: test}\ndetection:\n  s:\n    %s: %s\n  n:\n    other: x\n  condition: s and not n\n", yamlText(key), yamlText(value))
	}
	plain := strings.Split(key, "|")
	plain[0] = "plain"
	for _, target := range sigmac.Targets() {
		compile := func(src string) sigmac.Result {
			for res := range sigmac.Compile(parser.Parse("r.yml", []byte(src)), sigmac.Unmapped(target)) {
				return res
			}
			t.Fatalf("no rule in %q", src)
			return sigmac.Result{}
		}
		res := compile(source(key, value))
		var refused *backends.Unsupported
		var wrong *parser.Error
		if len(res.Errors) > 0 {
			if !errors.As(res.Errors[0], &refused) && !errors.As(res.Errors[0], &wrong) {
				t.Errorf("%s: %q: %q: %v", target.Name, key, value, res.Errors[0])
			}
			continue
		}
		queries++
		v, err := verify.Query(target, res.Want, 0, res.Queries[0], verify.DefaultBudget)
		if err != nil || v.Verdict > verify.Agreed || v.Verdict == verify.Partial {
			t.Errorf("%s: %q: %q: %s\n%v %v %s %v", target.Name, key, value, res.Queries[0], err, v.Verdict, v.Reason, v.Counterexample)
			continue
		}
		read, err := target.Read(res.Queries[0], ir.Types(res.Types))
		if err != nil {
			t.Errorf("%s: %q: %q: %s\n%v", target.Name, key, value, res.Queries[0], err)
			continue
		}
		fields := map[string]bool{}
		ir.Walk(read.Whole(), func(e ir.Expr) {
			switch e := e.(type) {
			case ir.Match:
				fields[e.Field.Name] = true
				if ref, ok := e.Test.(ir.FieldRef); ok {
					fields[ref.Other.Name] = true
				}
			default:
				t.Errorf("%s: %q: %q: %s\nhas %s", target.Name, key, value, res.Queries[0], e)
			}
		})
		for name := range fields {
			if _, tested := res.Types[name]; !tested {
				t.Errorf("%s: %q: %q: %s\ntests %q", target.Name, key, value, res.Queries[0], name)
			}
		}
		if most := 2; len(read.Stages) > most || len(read.Unjudged()) > 0 {
			t.Errorf("%s: %q: %q: %s\nhas the stages %v", target.Name, key, value, res.Queries[0], read.Stages)
		}
	}
	return queries
}

// yamlText is a scalar in double quotes, as YAML has them.
func yamlText(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteString(`\` + string(r))
		case r < ' ' || r == 0x7f || r == '\u2028' || r == '\u202e' || r > 0x7e && r < 0xa0:
			fmt.Fprintf(&b, `\x%02x`, min(r, 0xff))
			if r > 0xff {
				s := b.String()
				b.Reset()
				b.WriteString(s[:len(s)-4] + fmt.Sprintf(`\u%04x`, r))
			}
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
