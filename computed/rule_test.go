package computed

import (
	"testing"

	"sigmac/ir"
	"sigmac/regex"
)

func column(name string) Column { return Column{ir.Field{Name: name, Type: ir.Text}} }

func is(name, text string) ir.Expr {
	return ir.Match{Field: ir.Field{Name: name, Type: ir.Text}, Test: ir.Lit(text)}
}

func like(name string, parts ...any) ir.Expr {
	var ps []ir.Part
	for _, p := range parts {
		if text, ok := p.(string); ok {
			ps = append(ps, ir.Part{Text: text})
		} else {
			ps = append(ps, ir.Part{Kind: p.(ir.PartKind)})
		}
	}
	return ir.Match{Field: ir.Field{Name: name, Type: ir.Text}, Test: ir.NewPattern(false, ps...)}
}

func null(name string) ir.Expr {
	return ir.Match{Field: ir.Field{Name: name, Type: ir.Text}, Test: ir.Null{}}
}

const star = ir.AnyRun

// defined are columns of all kinds of terms over a table of keys with values.
func defined() Definitions {
	begin := regex.Concat(&regex.Re{Op: regex.OpBeginText}, regex.Literal('H', true), regex.Literal('K', true))
	renamed, _ := Rename(column("Key"), begin, nil, "root")
	return Definitions{
		Terms: map[string]Term{
			"Path": Choice{is("Act", "set"), Join{column("Key"), Text(`\`), First{Of: []Column{column("Name")}, Else: "(Default)"}}, column("Key")},
			"Old":  First{Of: []Column{column("Before"), column("Key")}, Call: "coalesce(Before, Key)"},
			"Root": renamed,
			"File": Name{column("Key")},
			"Data": Choice{is("Type", "number"), Join{Text("0x"), Hex{column("Value"), 8, false, "digits"}},
				Choice{is("Type", "long"), Join{Text("0x"), Hex{column("Value"), 8, true, "digits"}}, column("Value")}},
			"User": Choice{ir.Or{null("Dom"), is("Dom", "-")}, column("Key"), Join{column("Dom"), Text(`\`), column("Key")}},
			"Any":  Opaque{},
			"Port": Choice{is("Act", "in"), Column{ir.Field{Name: "Here", Type: ir.Numeric}}, Column{ir.Field{Name: "There", Type: ir.Numeric}}},
		},
		Assumed: []Assumption{{"names", ir.Not{X: like("Name", star, `\`, star)}}},
	}
}

// TestPlain has tests of computed columns as tests of others, and the reasons for which
// they stay.
func TestPlain(t *testing.T) {
	set := is("Act", "set")
	port := ir.Match{Field: ir.Field{Name: "Port", Type: ir.Numeric}, Test: ir.Compare{Op: ir.Eq, Number: "22"}}
	for _, c := range []struct {
		e, want ir.Expr
		why     Reason
	}{
		// what the rule requires decides a choice
		{ir.And{set, like("Path", star, `\a\b`)}, ir.And{set, like("Key", star, `\a`), is("Name", "b")}, ""},
		{ir.And{ir.Not{X: set}, like("Path", star, `\a\b`)}, ir.And{ir.Not{X: set}, like("Key", star, `\a\b`)}, ""},
		{ir.And{ir.Or{is("Act", "x"), is("Act", "y")}, is("Path", "a")}, ir.And{ir.Or{is("Act", "x"), is("Act", "y")}, is("Key", "a")}, ""},
		{like("Path", star, `\a\b`), ir.Or{ir.And{set, like("Key", star, `\a`), is("Name", "b")}, ir.And{ir.Not{X: set}, like("Key", star, `\a\b`)}}, ""},
		// a wildcard may end in either part
		{ir.And{set, like("Path", star, `\a\b`, star)},
			ir.And{set, ir.Or{ir.And{like("Key", star, `\a`), like("Name", "b", star)}, like("Key", star, `\a\b`, star)}}, ""},
		{ir.And{set, like("Path", star, `\a\`, star)}, ir.And{set, ir.Or{like("Key", star, `\a`), like("Key", star, `\a\`, star)}}, ""},
		{ir.And{set, is("Path", `a\(Default)`)}, ir.And{set, is("Key", "a"), ir.Or{null("Name"), is("Name", "(Default)")}}, ""},
		{ir.And{set, like("Path", `k\c:\a`)}, ir.And{set, ir.Or{ir.And{is("Key", "k"), is("Name", `c:\a`)}, ir.And{is("Key", `k\c:`), is("Name", "a")}}}, ""},
		// arms of one choice stand together
		{ir.Or{is("Path", `a\b`), is("Path", `a\c`)},
			ir.Or{ir.And{set, ir.Or{ir.And{is("Key", "a"), is("Name", "b")}, ir.And{is("Key", "a"), is("Name", "c")}}},
				ir.And{ir.Not{X: set}, ir.Or{is("Key", `a\b`), is("Key", `a\c`)}}}, ""},
		// what one arm asks is what the other asks there
		{ir.Not{X: like("User", star, "a", star)}, ir.Not{X: ir.Or{like("Key", star, "a", star), like("Dom", star, "a", star)}}, ""},
		{ir.Or{ir.And{like("User", star, "a", star), like("User", star, "b", star)}, set},
			ir.Or{ir.And{ir.Or{like("Key", star, "a", star), like("Dom", star, "a", star)}, ir.Or{like("Key", star, "b", star), like("Dom", star, "b", star)}}, set}, ""},
		{is("Old", "a"), is("coalesce(Before, Key)", "a"), ""},
		{like("Root", "root", `\a`, star), ir.Or{like("Key", "root", `\a`, star), like("Key", "HK", `\a`, star)}, ""},
		{like("Root", star, `\a`), like("Key", star, `\a`), ""},
		{like("Root", "hk", star), ir.And{ir.Not{X: like("Key", "HK", star)}, like("Key", "hk", star)}, ""},
		{is("File", "a.exe"), ir.Or{is("Key", "a.exe"), like("Key", star, `\a.exe`), like("Key", star, "/a.exe")}, ""},
		{like("File", "a", star), nil, NoPreimage},
		{is("Data", "0x000000ff"), ir.Or{ir.And{is("Type", "number"), is("Value", "255")}, ir.And{ir.Not{X: is("Type", "number")}, is("Data", "0x000000ff")}}, NoPreimage},
		{is("Data", "0xg"), ir.And{ir.Not{X: ir.Or{is("Type", "number"), is("Type", "long")}}, is("Value", "0xg")}, ""},
		{like("Data", "0x", star), ir.Or{is("Type", "number"), is("Type", "long"), like("Value", "0x", star)}, ""},
		{is("Any", "a"), nil, NotUnderstood},
		{port, ir.Or{ir.And{is("Act", "in"), ir.Match{Field: ir.Field{Name: "Here", Type: ir.Numeric}, Test: ir.Compare{Op: ir.Eq, Number: "22"}}},
			ir.And{ir.Not{X: is("Act", "in")}, ir.Match{Field: ir.Field{Name: "There", Type: ir.Numeric}, Test: ir.Compare{Op: ir.Eq, Number: "22"}}}}, ""},
		{ir.Match{Field: ir.Field{Name: "Root", Type: ir.Text}, Test: ir.FieldRef{Other: ir.Field{Name: "Key"}}}, nil, OtherTest},
	} {
		rule := &ir.Rule{Computed: []ir.Computed{{Name: "Path"}, {Name: "Any"}}, Conditions: []ir.Condition{{Expr: c.e}}}
		got, left := defined().Plain(rule)
		var why Reason
		for _, w := range left {
			why = w
		}
		if why != c.why || why == "" && got.Conditions[0].Expr.String() != ir.Simplify(&ir.Rule{Conditions: []ir.Condition{{Expr: c.want}}}).Conditions[0].Expr.String() {
			t.Errorf("%s: got %s (%s), want %s (%s)", c.e, got.Conditions[0].Expr, why, c.want, c.why)
		}
		if why != "" && !ir.Equal(got.Conditions[0].Expr, c.e) {
			t.Errorf("%s: a column that is left makes it %s", c.e, got.Conditions[0].Expr)
		}
	}
}

// TestPlainColumns: a rule keeps the computed columns that it tests still, and gets those
// that stand where they are tested.
func TestPlainColumns(t *testing.T) {
	rule := &ir.Rule{Computed: []ir.Computed{{Name: "Any", Text: "x"}, {Name: "Old", Text: "y"}, {Name: "Root", Text: "z"}},
		Conditions: []ir.Condition{{Expr: ir.And{is("Any", "a"), is("Old", "b"), is("Root", "c")}}}}
	got, _ := defined().Plain(rule)
	if len(got.Computed) != 2 || got.Computed[0] != (ir.Computed{Name: "coalesce(Before, Key)", Text: "coalesce(Before, Key)", Type: "string"}) || got.Computed[1].Name != "Any" {
		t.Error(got.Computed)
	}
}

// TestExpand: nothing is supposed, no choice is left, and what is not understood stays.
func TestExpand(t *testing.T) {
	d := defined()
	got, uses, left := d.Expand(ir.And{is("Old", "a"), is("Any", "b")})
	if want := (ir.And{ir.Or{is("Before", "a"), ir.And{null("Before"), is("Key", "a")}}, is("Any", "b")}); !ir.Equal(got, want) || uses != nil || left != nil {
		t.Errorf("got %s, %v, %v", got, uses, left)
	}
	if _, uses, _ := d.Expand(is("Data", "0x00000001")); len(uses) != 1 || uses[0] != "digits" {
		t.Errorf("it rests on %v", uses)
	}
	if _, _, left := d.Expand(like("File", "a", star)); len(left) != 1 || left[0] != "File" {
		t.Errorf("%v are left", left)
	}
	if all, ids := d.Supposed(is("Key", "a")); all != nil || ids != nil {
		t.Errorf("of Key %v is supposed", ids)
	}
	if all, ids := d.Supposed(is("Name", "a")); len(all) != 1 || len(ids) != 1 {
		t.Errorf("of Name %v is supposed: %s", ids, all)
	}
}
