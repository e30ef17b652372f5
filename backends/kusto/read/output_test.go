package read

import (
	"testing"

	"sigmac/ir"
)

// twoTables has the columns a, b and c of T, and b and d of U; it knows nothing of others.
type twoTables struct{}

func (twoTables) Type(table, field string) (ir.Type, bool) {
	of := map[string]string{"T": "a b c a_1", "U": "b d"}[table]
	if of == "" {
		return ir.Unknown, true
	}
	for _, name := range []string{"a", "b", "c", "d"} {
		if name == field && (table == "T") == (name != "d") || name == field && table == "U" && name == "b" {
			return ir.Text, true
		}
	}
	return ir.Unknown, false
}

func TestReadOutput(t *testing.T) {
	for _, c := range []struct{ query, has, lacks, open string }{
		{"T | where a == 1 | sort by b | take 3", "abc", "dx", ""},
		{"V | where a == 1", "", "", "abcdx"},
		{"T | extend x = 1", "abcx", "d", ""},
		{"T | extend strcat(a, 'x')", "abc", "dx", ""},
		{"T | project a, x = b", "ax", "bcd", ""},
		{"V | project a, x = b", "ax", "bcd", ""},
		{"T | project-away a, b", "c", "abdx", ""},
		{"T | project-away ['a'], b*", "c", "abdx", ""},
		{"V | project-away a", "", "a", "bcdx"},
		{"T | project-keep a, c*", "ac", "bdx", ""},
		{"V | project-keep a", "", "bcdx", "a"},
		{"T | project-rename x = a", "bcx", "ad", ""},
		{"T | project-reorder c, a", "abc", "dx", ""},
		{"T | distinct a, b", "ab", "cdx", ""},
		{"T | distinct *", "abc", "dx", ""},
		{"T | count", "", "abcdx", ""},
		{"T | summarize count() by a", "a", "bcdx", ""},
		{"T | summarize x = count() by a, d = bin(b, 1)", "adx", "bc", ""},
		{"T | summarize take_any(b) by a", "a", "cdx", "b"},
		{"T | summarize make_set(b) by bin(c, 1h)", "", "adx", "bc"},
		{"T | summarize arg_max(a, *) by b", "abc", "dx", ""},
		{"T | summarize (a, x) = arg_max(a, c) by b", "abx", "cd", ""},
		{"T | summarize x = arg_max(a, d) by b", "bx", "c", "ad"},
		{"T | summarize by a", "a", "bcdx", ""},
		{"T | summarize hint.strategy=shuffle count() by a", "a", "bcdx", ""},
		{"T | parse a with 'x' d", "abc", "x", "d"},
		{"T | mv-expand a", "", "", "abcdx"},
		{"T | join kind=inner (U) on b", "abc", "", "dx"},
		{"T | join kind=leftanti (U) on b", "abc", "dx", ""},
		{"T | join kind=rightanti (U) on b", "", "", "abcdx"},
		{"T | lookup (U) on b", "abc", "", "dx"},
		{"union T, U", "abcd", "x", ""},
		{"union kind=inner T, U", "", "x", "abcd"},
		{"union withsource=x T, (U | project b)", "abcx", "d", ""},
		{"union T, V", "abc", "", "dx"},
		{"union T*", "", "", "abcdx"},
		{"T | project a | union (U | project d)", "ad", "bcx", ""},
		{"let v = T | project a; v | extend x = 2", "ax", "bcd", ""},
		{"let f = () { T | project a }; f()", "", "", "abcdx"},
		{"materialize(T | project a)", "a", "bcdx", ""},
		{"table('T') | project a", "a", "bcdx", ""},
		{"T | evaluate bag_unpack(a)", "", "", "abcdx"},
		{"search 'x'", "", "", "abcdx"},
		{"print x = 1", "", "", "abcdx"},
		{"datatable(x: string)['y']", "", "", "abcdx"},
	} {
		o, err := ReadOutput(c.query, twoTables{})
		if err != nil {
			t.Errorf("%s: %v", c.query, err)
			continue
		}
		for _, name := range "abcdx" {
			l, known := o.Column(string(name))
			want := map[bool]string{true: c.has, false: c.lacks}[l == nil]
			if !known {
				want = c.open
			}
			found := false
			for _, w := range want {
				found = found || w == name
			}
			if !found {
				t.Errorf("%s: column %c: lacks %v, known %v", c.query, name, l, known)
			}
		}
	}
}

func TestReadOutputSays(t *testing.T) {
	for query, want := range map[string]Lacks{
		"T | summarize count() by a | extend d = 1": {By: "summarize"},
		"T | project-away x":                        {By: "project-away"},
		"T | where a == 1":                          {Table: "T"},
	} {
		o, err := ReadOutput(query, twoTables{})
		if err != nil {
			t.Fatal(err)
		}
		name := "x"
		if l, _ := o.Column(name); l == nil || (*l != want && query != "T | project-away x") {
			t.Errorf("%s: %v, want %v", query, l, want)
		}
	}
	if _, err := ReadOutput("T | where (", nil); err == nil {
		t.Error("half a query is read")
	}
}

// openTable knows when events of T happened, and its column a; it leaves open what it does not
// know.
type openTable struct{}

func (openTable) Type(table, field string) (ir.Type, bool) {
	if table == "T" && (field == "a" || field == "Timestamp") {
		return ir.Text, true
	}
	return ir.Unknown, true
}

func TestReadOutputOpen(t *testing.T) {
	for query, want := range map[string]string{"T": "has", "T | project-away a": "lacks", "U": "open"} {
		o, err := ReadOutput(query, openTable{})
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"a", "TimeGenerated", "b"} {
			l, known := o.Column(name)
			got := map[bool]string{true: "has", false: "lacks"}[l == nil]
			if !known {
				got = "open"
			}
			if w := map[string]string{"a": want, "TimeGenerated": "open", "b": map[bool]string{true: "open", false: "lacks"}[query == "U"]}[name]; got != w {
				t.Errorf("%s of %s: %s, want %s", name, query, got, w)
			}
		}
	}
}

// TestReadOutputEnds holds that sources which stand for others again and again do not take long.
func TestReadOutputEnds(t *testing.T) {
	query := "let v0 = T;"
	for _, n := range "123456789" {
		query += "let v" + string(n) + " = union v" + string(n-1) + ", v" + string(n-1) + ";"
	}
	o, err := ReadOutput(query+"v9", twoTables{})
	if err != nil {
		return // it stands for too much
	}
	o.Column("x")
}
