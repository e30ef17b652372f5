package backendtest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"sigmac"
	"sigmac/backends"
	"sigmac/eval"
	"sigmac/ir"
	"sigmac/parser"
	"sigmac/verify"
)

// words are texts that values of lists are made of, beside those of leaving.
var words = []string{"a", "b", "Ab", `\`, "-", "=", ",", " ", "*", "?", ".", "/", "É", "1", `"`, "@", "x y", "k"}

// Lists writes a rule with random lists of values, hostile ones among them, as tables
// beside its query. The query is proved with what the files hold, answers for random
// events what the rule does, and with a cell that is another it is refuted wherever an
// event tells. It says how many tables there were.
func Lists(t *testing.T, target *backends.Target, seed uint64) int {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 7))
	value := func() string {
		if v := leaving[r.IntN(len(leaving))]; v != "" && r.IntN(3) == 0 {
			return v // the empty text is a missing one in some languages
		}
		var b strings.Builder
		for range 1 + r.IntN(4) {
			b.WriteString(words[r.IntN(len(words))])
		}
		return b.String()
	}
	var values []string
	list := func() string {
		var texts []string
		for range 1 + r.IntN(12) {
			v := value()
			values = append(values, v)
			texts = append(texts, yamlText(v))
		}
		return "[" + strings.Join(texts, ", ") + "]"
	}
	keys := []string{"f", "f", "f|contains", "f|endswith", "f|startswith", "f|cased", "g", "g|contains"}
	key := func() string { return keys[r.IntN(len(keys))] }
	conditions := []string{"s or n", "s and not n", "not (s and n)", "not s or n"}
	src := fmt.Sprintf("title: Lists\nid: i\nlogsource: {category: test}\ndetection:\n  s:\n    %s: %s\n  n:\n    - %s: %s\n    - other: x\n  condition: %s\n",
		key(), list(), key(), list(), conditions[r.IntN(len(conditions))])
	d := parser.Parse("r.yml", []byte(src)).Documents[0]
	o := sigmac.Unmapped(target)
	o.Mappings[0].Lists = 2
	res := sigmac.CompileDocument(d, o)[0]
	if len(res.Errors) > 0 {
		holdsRefusal(t, res)
		return 0
	}
	query := res.Queries[0]
	fault := func(format string, args ...any) {
		t.Errorf("seed %d: %s\n%s\n%v\n%s", seed, src, query, res.Lookups, fmt.Sprintf(format, args...))
	}
	want := *res.Want
	want.Lookups = nil
	for _, l := range res.Lookups {
		file := l.CSV()
		back, err := sigmac.ParseCSV(l.Name, file)
		if err != nil || !bytes.Equal(file, back.CSV()) || !strings.Contains(query, l.Name) {
			fault("%v: %q is read as %q", err, file, back)
		}
		want.Lookups = append(want.Lookups, back)
	}
	proved := func(want *ir.Rule) verify.Verdict {
		v, err := verify.Query(target, want, 0, query, verify.DefaultBudget)
		if err != nil {
			fault("%v", err)
		}
		return v.Verdict
	}
	if v := proved(&want); v != verify.Proved {
		fault("%s", v)
	}
	read := func(want ir.Rule) ir.Expr {
		q, err := target.Read(query, ir.Context{Types: res.Types, Lookups: want.Lookups})
		if err != nil {
			fault("%v", err)
			return ir.False
		}
		return q.Where
	}
	var events []eval.Event
	for range 30 {
		fields := map[string]any{}
		for name := range res.Types {
			v := strings.Trim(values[r.IntN(len(values))], "*")
			switch r.IntN(4) {
			case 0:
				v = strings.ToUpper(v)
			case 1:
				v = value() + v
			}
			if v != "" && strings.ToValidUTF8(v, "") == v {
				fields[name] = v
			}
		}
		ev, err := eval.NewEvent(fields)
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, ev)
	}
	has := read(want)
	for _, ev := range events {
		if is, known := eval.Settled(has, ev); !known || is != eval.Expr(nil, want.Conditions[0].Expr, ev) {
			fault("answers %v of %s", is, ev.Raw())
		}
	}
	for i := range want.Lookups {
		changed := want
		changed.Lookups = append([]ir.Lookup(nil), want.Lookups...)
		l := changed.Lookups[i]
		l.Rows = append([][]string(nil), l.Rows...)
		n := r.IntN(len(l.Rows))
		l.Rows[n] = append([]string{l.Rows[n][0] + "z"}, l.Rows[n][1:]...)
		changed.Lookups[i] = l
		verdict, other := proved(&changed), read(changed)
		for _, ev := range events {
			now, known := eval.Settled(other, ev)
			before, _ := eval.Settled(has, ev)
			if (!known || now != before) && verdict != verify.Refuted {
				fault("with %q in the place of %q: %s, and other of %s", l.Rows[n][0], want.Lookups[i].Rows[n][0], verdict, ev.Raw())
			}
		}
	}
	return len(res.Lookups)
}
