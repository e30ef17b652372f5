package rules

import (
	"maps"
	"slices"
	"testing"

	"sigmac"
	"sigmac/backends"
	"sigmac/internal/corpus"
	"sigmac/ir"
)

// TestPlain holds, by table, why queries for the public rules still compute columns, and
// why they have a regular expression that their rule has not.
func TestPlain(t *testing.T) {
	c := corpus.Parse(t, "sigma/rules*")
	got := map[string]int{}
	for _, target := range sigmac.Targets() {
		if target.Term == nil {
			continue
		}
		for res := range sigmac.Compile(c, sigmac.Options{Mappings: []sigmac.Mapping{sigmac.DefaultMapping(target)}}) {
			if len(res.Errors) > 0 {
				continue
			}
			name := target.Name + ": "
			defined, err := target.Define(res.Want)
			if err != nil {
				t.Fatalf("%s: %v", res.Document.Path, err)
			}
			r, left := defined.Plain(ir.Simplify(res.Want))
			stages := slices.ContainsFunc(r.Computed, func(c ir.Computed) bool { return c.Name != c.Text })
			if stages {
				got[name+"queries that compute columns"]++
				got[name+"queries over "+r.Scope.Table+" that compute columns"]++
			}
			if stages != (len(left) > 0) {
				t.Errorf("%s: columns %v are computed for %v", res.Document.Path, r.Computed, left)
			}
			for _, column := range slices.Sorted(maps.Keys(left)) {
				got[name+"column "+column+" of "+r.Scope.Table+": "+string(left[column])]++
			}
			for _, reason := range slices.Sorted(maps.Keys(expressions(r, target.Format.Caps))) {
				got[name+"regular expression: "+reason]++
			}
		}
	}
	corpus.Hold(t, "testdata/plain.json", got, *update)
}

// expressions are the reasons for the regular expressions of a query, but for those that
// the rule has.
func expressions(r *ir.Rule, caps backends.Caps) map[string]bool {
	out := map[string]bool{}
	own := false
	r.Walk(func(e ir.Expr) {
		var test ir.Test
		switch e := e.(type) {
		case ir.Match:
			test = e.Test
		case ir.Keyword:
			test = e.Test
		}
		switch t := test.(type) {
		case ir.Regexp:
			if t.Source != "" {
				own = true
				return
			}
			out["a number in a name that is renamed"] = true
		case ir.Pattern:
			legal, refused := backends.Legalize(&ir.Rule{Conditions: []ir.Condition{{Expr: e}}}, caps)
			if len(refused) > 0 {
				return
			}
			expression := false
			legal.Walk(func(e ir.Expr) {
				m, ok := e.(ir.Match)
				if k, keyword := e.(ir.Keyword); keyword {
					m.Test, ok = k.Test, true
				}
				_, re := m.Test.(ir.Regexp)
				expression = expression || ok && re
			})
			switch n := len(t.Parts); {
			case !expression:
			case t.Has(ir.AnyOne):
				out["a single-character wildcard"] = true
			case n > 2 && slices.ContainsFunc(t.Parts[1:n-1], func(p ir.Part) bool { return p.Kind == ir.AnyRun }):
				out["texts in their order"] = true
			default:
				out["a letter that lower case does not decide"] = true
			}
		}
	})
	if own {
		return nil
	}
	return out
}
