package backendtest

import (
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

// Literals holds that no value and no name of a field leaves its literal: a query
// has the stages and fields of one for a plain value, no part that cannot be read, and
// is proved; or it is refused.
func Literals(t *testing.T, target *backends.Target) {
	queries := 0
	for _, text := range leaving {
		for _, key := range []string{"f", "f|contains", "f|startswith", "f|endswith", "f|cased", "f|contains|cased", "f|fieldref"} {
			queries += HoldsLiteral(t, target, key, text)
		}
		if text != "" && !strings.ContainsAny(text, "|\n\r\x00\x1b\u2028") {
			queries += HoldsLiteral(t, target, text, "plain")
		}
	}
	if queries < 150 {
		t.Errorf("only %d queries", queries)
	}
}

// HoldsLiteral is Literals for one value of a field with modifiers; it says how many
// queries there were.
func HoldsLiteral(t *testing.T, target *backends.Target, key, value string) (queries int) {
	t.Helper()
	src := fmt.Sprintf("title: T\nlogsource: {category: test}\ndetection:\n  s:\n    %s: %s\n  n:\n    other: x\n  condition: s and not n\n",
		yamlText(key), yamlText(value))
	for _, d := range parser.Parse("r.yml", []byte(src)).Documents {
		for _, res := range sigmac.CompileDocument(d, sigmac.Unmapped(target)) {
			if len(res.Errors) > 0 {
				holdsRefusal(t, res)
				continue
			}
			queries++
			fault := func(format string, args ...any) {
				t.Errorf("%q: %q: %s\n%s", key, value, res.Queries[0], fmt.Sprintf(format, args...))
			}
			v, err := verify.Query(target, res.Want, 0, res.Queries[0], verify.DefaultBudget)
			if err != nil || v.Verdict > verify.Agreed || v.Verdict == verify.Partial {
				fault("%v %v %s %v", err, v.Verdict, v.Reason, v.Counterexample)
				continue
			}
			read, err := target.Read(res.Queries[0], ir.Types(res.Types))
			if err != nil {
				fault("%v", err)
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
					fault("has %s", e)
				}
			})
			for name := range fields {
				if _, tested := res.Types[name]; !tested {
					fault("tests %q", name)
				}
			}
			if most := 2; len(read.Stages) > most || len(read.Unjudged()) > 0 {
				fault("has the stages %v", read.Stages)
			}
		}
	}
	return queries
}

// holdsRefusal holds that a result has no query for a reason that is told.
func holdsRefusal(t *testing.T, res sigmac.Result) {
	t.Helper()
	if e := res.Errors[0]; e.Feature == "" && len(res.Document.Errors) == 0 {
		t.Errorf("%v", e)
	}
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
