package splunk

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	"sigmac/backends"
	"sigmac/backends/splunk/read"
	"sigmac/eval"
	"sigmac/internal/irgen"
	"sigmac/internal/irtest"
	"sigmac/ir"
)

const (
	modelHead = `| tstats summariesonly=false allow_old_summaries=false fillnull_value="null" count min(_time) as firstTime max(_time) as lastTime from datamodel=D.D `
	modelTail = ` by _time span=1s`
)

var emitModel = irtest.Emit(EmitDataModel)

func modelRule(es ...ir.Expr) *ir.Rule {
	r := irtest.Rule(es...)
	r.Scope.DataModel, r.Source.Pos = "D.D", ir.Pos{Line: 2, Column: 1}
	return r
}

func TestDataModelEmit(t *testing.T) {
	yes := match("D.f", ir.Bool{Value: true})
	for _, c := range []struct {
		e    ir.Expr
		want string
	}{
		{is("D.f", `a "b" C:\\d\\ |x [y] (z), 'é' $a$ = 1 %`), `where D.f="a \"b\" C:\\d\\ |x [y] (z), 'é' $a$ = 1 %"`},
		{is("D.f", `\\\\*\\x.exe*`), `where D.f="\\\\*\\x.exe*"`}, // an inner wildcard
		{cased("D.f", "1-2"), `where D.f="1-2"`},
		{is("nodename", "D.E"), `where nodename="D.E"`},
		{is("D.a b", "x"), `where "D.a b"="x"`},
		{num("D.f", ir.Eq, "5"), `where D.f=5`},
		{num("D.f", ir.Gte, "-1.5"), `where D.f>=-1.5`},
		{ir.Or{num("D.f", ir.Gt, "5"), num("D.f", ir.Eq, "3"), num("D.f", ir.Eq, "4")}, `where (D.f>5 OR D.f IN (3, 4))`},
		{yes, `where D.f="true"`},
		{not(yes), `where NOT D.f="true"`},
		{ir.True, ``},

		{ir.And{is("D.f", "a"), is("D.g", "b")}, `where (D.f="a" AND D.g="b")`},
		{ir.Or{is("D.f", "a"), is("D.g", "b")}, `where (D.f="a" OR D.g="b")`},
		{ir.Or{is("D.f", "a"), is("D.f", "*b*")}, `where D.f IN ("a", "*b*")`},
		{ir.And{is("D.f", "a"), ir.And{is("D.g", "b"), is("D.f", "a")}}, `where (D.f="a" AND D.g="b" AND D.f="a")`},
		{ir.And{is("D.f", "a"), ir.Or{is("D.g", "b"), ir.And{is("D.h", "c"), is("D.i", "d")}}}, `where (D.f="a" AND (D.g="b" OR (D.h="c" AND D.i="d")))`},
		{not(ir.Or{is("D.f", "a"), is("D.g", "b")}), `where NOT (D.f="a" OR D.g="b")`},
		{ir.And{is("D.f", "x"), not(ir.And{is("D.f", "a"), not(is("D.g", "b*"))})}, `where (D.f="x" AND NOT (D.f="a" AND NOT D.g="b*"))`},
		{not(ir.Or{is("D.f", "a"), is("D.f", "b")}), `where NOT D.f IN ("a", "b")`},
	} {
		r := modelRule(c.e, c.e)
		want := modelHead + c.want + modelTail
		if c.want == "" {
			want = strings.TrimSuffix(modelHead, " ") + modelTail
		}
		got, err := emitModel.Flat(r)
		if err != nil || len(got) != 2 || got[0] != want || got[1] != want {
			t.Errorf("%s: %v\n got %q\nwant %q", c.e, err, got, want)
			continue
		}
		if pretty, err := emitModel.Pretty(r); err != nil || strings.Join(strings.Fields(pretty[0]), "") != strings.Join(strings.Fields(got[0]), "") {
			t.Errorf("%s: pretty: %s", c.e, pretty[0])
		}
	}
}

func TestDataModelColumns(t *testing.T) {
	r := modelRule(is("D.f", "a"))
	r.Scope.Index = "win*"
	for _, c := range []struct {
		fields []string
		want   string
	}{
		{nil, `by _time span=1s`},
		{[]string{"D.f", "D.g", "D.f"}, `by D.f D.g`},
		{[]string{"_time", "D.f"}, `by _time D.f span=1s`},
		{[]string{"D.a b", "by", "D.é"}, `by "D.a b" "by" "D.é"`},
	} {
		r.Meta.Fields = c.fields
		want := modelHead + `where (index=win* AND D.f="a") ` + c.want
		if got, err := emitModel.Flat(r); err != nil || got[0] != want {
			t.Errorf("%v\n got %q\nwant %q", err, got, want)
		}
	}

	long := strings.Repeat("x", 60)
	r = modelRule(ir.And{is("D.f", long), not(ir.Or{is("D.g", long), is("D.h", long)})})
	for i := range 9 {
		r.Meta.Fields = append(r.Meta.Fields, fmt.Sprintf("D.column_number_%d", i))
	}
	want := `| tstats summariesonly=false allow_old_summaries=false fillnull_value="null" count min(_time) as firstTime max(_time) as lastTime
from datamodel=D.D
where (
  D.f="` + long + `"
  AND NOT (
    D.g="` + long + `"
    OR D.h="` + long + `"
  )
)
by D.column_number_0 D.column_number_1 D.column_number_2 D.column_number_3 D.column_number_4
  D.column_number_5 D.column_number_6 D.column_number_7 D.column_number_8`
	if got, err := emitModel.Pretty(r); err != nil || got[0] != want {
		t.Errorf("%v\n got %s\nwant %s", err, got, want)
	}
}

// TestDataModelEmitRefuses holds what only Emit sees, with its place.
func TestDataModelEmitRefuses(t *testing.T) {
	at, source := ir.Pos{Line: 7, Column: 5}, ir.Pos{Line: 2, Column: 1}
	place := func(m ir.Match) ir.Match { m.Pos = at; return m }
	for _, c := range []struct {
		change func(r *ir.Rule)
		pos    ir.Pos
		want   string
	}{
		{func(r *ir.Rule) { r.Scope.DataModel = "" }, source, "a search without a data model"},
		{func(r *ir.Rule) { r.Scope.DataModel = "D" }, source, `the data model "D"`},
		{func(r *ir.Rule) { r.Scope.DataModel = "D.D where x" }, source, `the data model "D.D where x"`},
		{func(r *ir.Rule) { r.Scope.DataModel = "D.D.E" }, source, `the data model "D.D.E"`},
		{func(r *ir.Rule) { r.Scope.Index = "a\nb" }, source, `the index name "a\nb"`},
		{func(r *ir.Rule) { r.Meta.Fields = []string{"D.f", "D.*"} }, source, "a field name with *"},
		{func(r *ir.Rule) { r.Meta.Fields = []string{"D.f\" x"} }, source, `a field name with "`},
		{func(r *ir.Rule) { r.Conditions[0] = ir.Condition{Expr: ir.False, Pos: at} }, at, "a condition that no event meets"},
		{func(r *ir.Rule) { r.Conditions[0].Expr = not(ir.Or{is("D.f", "a"), place(is("CommandLine", "b"))}) }, at,
			`the field "CommandLine" in a search of a data model, whose fields carry the name of their dataset`},
		{func(r *ir.Rule) { r.Conditions[0].Expr = place(is("D.f`", "b")) }, at, "a field name with `"},
		{func(r *ir.Rule) { r.Conditions[0].Expr = place(num("D.f", ir.Gt, "1234567890123456")) }, at,
			"a comparison with a number of more than 15 digits"},
	} {
		r := modelRule(is("D.f", "a"))
		c.change(r)
		got, err := emitModel.Flat(r)
		var u *ir.Diagnostic
		if !errors.As(err, &u) || got != nil || u.Source != "splunk" || u.Feature != c.want || u.Pos != c.pos {
			t.Errorf("want %s at %v\n got %v %+v", c.want, c.pos, err, u)
		}
	}
}

// TestDataModelRefuses holds what WHERE cannot say, with its place, and that the
// same is taken where it can.
func TestDataModelRefuses(t *testing.T) {
	at := ir.Pos{Line: 4, Column: 9}
	const in = " in a search of a data model"
	for _, c := range []struct {
		test               ir.Test
		positive, negative string // what is refused, or ""
	}{
		{pattern("a*b", false), "", ""},
		{pattern(`C:\\*\\x y.exe`, false), "", ""},
		{pattern("a", false), "", ""},
		{pattern("1-2", true), "", ""},
		{pattern("a", true), "a comparison with regard to case" + in, "a comparison with regard to case" + in},
		{pattern("a?", false), "the wildcard ?" + in, "the wildcard ?" + in},
		{pattern(`a\?`, false), "", ""},
		{pattern(`a\*`, false), "a literal *" + in, "a literal *" + in},
		{pattern("a`", false), "a backtick" + in, "a backtick" + in},
		{pattern("a\tb", false), "a character that cannot be seen" + in, "a character that cannot be seen" + in},
		{ir.Lit("\xff"), "a value that is not UTF-8 text" + in, "a value that is not UTF-8 text" + in},
		{pattern("Σ", false), "a letter whose lower case does not decide equality" + in, "a letter whose lower case does not decide equality" + in},
		{pattern("10.0.0.0/8", false), "a text that looks like a network" + in, "a text that looks like a network" + in},
		{pattern("::1/x", false), "a text that looks like a network" + in, "a text that looks like a network" + in},
		{pattern("10.0.0.0/8*", false), "", ""},
		{pattern("", false), "an empty text" + in, "an empty text" + in},
		{pattern("*", false), "a test whether a field is there" + in, "a test whether a field is there" + in},
		{ir.Null{}, "a test whether a field is there" + in, "a test whether a field is there" + in},
		{ir.Exists{}, "a test whether a field is there" + in, "a test whether a field is there" + in},
		{ir.Bool{Value: true}, "", ""},
		{ir.Compare{Op: ir.Eq, Number: "5"}, "", "the negation of a number" + in},
		{ir.Compare{Op: ir.Lt, Number: "5"}, "", "the negation of a number" + in},
		{pattern("5", false), "", "the negation of a number" + in},
		{pattern("-1.50", false), "", "the negation of a number" + in},
		{pattern("0x0000001F", false), "", "the negation of a number" + in},
		{pattern(" 1e3 ", false), "", "the negation of a number" + in},
		{pattern("1e9999", false), "", "the negation of a number" + in},
		{pattern("inf", false), "", "the negation of a number" + in},
		{pattern("5*", false), "", ""},
		{pattern("5.5.5.5", false), "", ""},
		{pattern("0x", false), "", ""},
		{re(t, "f", "a").Test, "a regular expression" + in, "a regular expression" + in},
		{net("f", "10.0.0.0/8").Test, "a network" + in, "a network" + in},
		{ir.FieldRef{Other: ir.Field{Name: "D.g"}}, "a field reference", "a field reference"},
		{ir.TimePart{Part: "hour", Op: ir.Eq, Number: "5"}, "the time modifier hour", "the time modifier hour"},
		{ir.NewPattern(true, ir.Part{Kind: ir.Placeholder, Text: "x"}), "the unresolved placeholder %x%", "the unresolved placeholder %x%"},
	} {
		m := match("D.f", c.test)
		m.Pos = at
		for _, place := range []struct {
			e    ir.Expr
			want string
		}{
			{m, c.positive},
			{ir.And{is("D.g", "a"), ir.Or{m, not(is("D.g", "b"))}}, c.positive},
			{not(m), c.negative},
			{not(not(m)), c.negative},
			{ir.And{is("D.g", "a"), not(ir.And{is("D.g", "b"), ir.Or{is("D.g", "c"), m}})}, c.negative},
		} {
			legal, refused := backends.Legalize(modelRule(place.e), DataModelCaps())
			switch {
			case place.want == "":
				if len(refused) > 0 {
					t.Errorf("%s: %v", place.e, refused[0])
				} else if _, err := emitModel.Flat(legal); err != nil {
					t.Errorf("%s: %v", place.e, err)
				}
			case len(refused) != 1 || refused[0].Feature != place.want || refused[0].Pos != at || refused[0].Source != "splunk":
				t.Errorf("%s: want %s\n got %v", place.e, place.want, refused)
			}
		}
	}
	text := match("D.f", ir.Compare{Op: ir.Gt, Number: "5"})
	text.Field.Type = ir.Text
	for _, c := range []struct {
		e    ir.Expr
		want string
	}{
		{ir.Keyword{Test: pattern("*a*", false)}, "a keyword search"},
		{text, "an ordering on a text field"},
		{is("earliest", "a"), "a field with the name of the option earliest"},
	} {
		if _, refused := backends.Legalize(modelRule(c.e), DataModelCaps()); len(refused) != 1 || refused[0].Feature != c.want {
			t.Errorf("%s: %v", c.e, refused)
		}
	}
}

// TestDataModelRefusesOnce holds that what was made of one value is refused
// once, and different values each.
func TestDataModelRefusesOnce(t *testing.T) {
	a, b := is("D.f", "-a?"), is("D.f", "/a?")
	c := is("D.f", "b?")
	c.Pos.Line = 3
	if _, refused := backends.Legalize(modelRule(ir.Or{a, b, c}), DataModelCaps()); len(refused) != 2 {
		t.Error(refused)
	}
}

func FuzzDataModelQuote(f *testing.F) {
	for _, s := range []string{"", `"`, `\`, `\"`, `\|`, "*", "?", "a\nb", `" by x`, `C:\x\`, "\xff", "é", "`", "5", "0x5", " where ", "10.0.0.0/8", "K"} {
		f.Add(s, false, false, true)
		f.Add(s, true, true, false)
	}
	f.Fuzz(func(t *testing.T, s string, before, after, negated bool) {
		parts := []ir.Part{{Text: s}}
		if before {
			parts = append([]ir.Part{{Kind: ir.AnyRun}}, parts...)
		}
		if after {
			parts = append(parts, ir.Part{Kind: ir.AnyRun})
		}
		p := ir.NewPattern(false, parts...)
		var e ir.Expr = match("D.f", p)
		front := modelHead + "where D.f="
		if negated {
			e, front = not(e), modelHead+"where NOT D.f="
		}
		legal, refused := backends.Legalize(modelRule(e), DataModelCaps())
		if len(refused) > 0 {
			return
		}
		queries, err := emitModel.Flat(legal)
		if err != nil {
			t.Fatal(err)
		}
		lit, ok := strings.CutPrefix(queries[0], front)
		lit, ok2 := strings.CutSuffix(lit, modelTail)
		if !ok || !ok2 {
			t.Fatal(queries[0])
		}
		want := s
		if before {
			want = "*" + want
		}
		if after {
			want += "*"
		}
		if back, err := unquote(lit); err != nil || back != want {
			t.Fatalf("%q: %s: %q, %v", s, lit, back, err)
		}
		q, err := read.Read(queries[0], ir.Types{"D.f": ir.Text})
		if err != nil || q.Where.String() != e.String() || q.Scope.DataModel != "D.D" || len(q.Unjudged()) > 0 {
			t.Fatalf("%s\nread as %v %v", queries[0], q, err)
		}
	})
}

// FuzzDataModelRead reads back what is emitted for a random rule: it selects the
// rows that the rule selects.
func FuzzDataModelRead(f *testing.F) {
	for seed := range uint64(1500) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 3))
		parsed := irgen.Rule(r, irgen.Config{})
		inDataset := parsed.Rewrite(func(e ir.Expr) (ir.Expr, bool) {
			m, ok := e.(ir.Match)
			m.Field.Name = "D." + m.Field.Name
			_, text := m.Test.(ir.Pattern)
			lack, _ := modelLack(m, true)
			// Else hardly a rule would be left.
			if _, flag := m.Test.(ir.Bool); lack != "" && r.IntN(8) > 0 || !text && !flag {
				m.Test = pattern([]string{"a", "b*", "*B*", "*-x", `a*\\*b`}[r.IntN(5)], false)
			}
			return m, ok
		})
		typed := ir.TypeFields(inDataset)
		rule, err := ir.Inline(typed)
		if err != nil {
			t.Fatal(err)
		}
		rule, refused := backends.Legalize(ir.Simplify(rule), DataModelCaps())
		if len(refused) > 0 {
			return
		}
		rule.Scope.DataModel = "D.D"
		queries, err := emitModel.Flat(rule)
		if err != nil {
			return // a condition that no event meets
		}
		var back ir.Or
		for _, q := range queries {
			got, err := read.Read(q, ir.Types(typed.Types()))
			if err != nil {
				t.Fatalf("%s\n%v", q, err)
			}
			ir.Walk(got.Where, func(e ir.Expr) {
				if o, ok := e.(ir.Opaque); ok {
					t.Errorf("%s\nopaque: %s", q, o.Text)
				}
			})
			if got.Scope != rule.Scope || len(got.Unjudged()) > 0 {
				t.Errorf("%s\nread with %v and %v", q, got.Scope, got.Unjudged())
			}
			for _, a := range got.Assumptions {
				if a == "splunk/tstats-precedence" {
					t.Errorf("%s\nwithout full parentheses", q)
				}
			}
			back = append(back, got.Where)
		}
		if t.Failed() {
			return
		}
		for range 12 {
			fields := map[string]any{}
			for name, v := range irgen.Fields(r, parsed) {
				fields["D."+name] = v
			}
			maps.DeleteFunc(fields, func(_ string, v any) bool { return v == nil }) // null is missing
			ev, err := eval.NewEvent(fields)
			if err != nil {
				t.Fatal(err)
			}
			if want := eval.Rule(inDataset, ev); eval.Expr(nil, back, ev) != want {
				t.Fatalf("want %v of %s\nqueries %q\nread as %s\nrule:\n%s", want, ev.Raw(), queries, back, inDataset)
			}
		}
	})
}
