// Package backendtest holds what every language must pass, and has a small one to try
// sigmac with. It asks a language by its backends.Target only.
package backendtest

import (
	"errors"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigmac"
	"sigmac/backends"
	"sigmac/eval"
	"sigmac/internal/irgen"
	"sigmac/ir"
	"sigmac/parser"
	"sigmac/targets"
	"sigmac/verify"
)

// Conform holds that a target is registered whole, and that each of its formats that
// needs no pipeline keeps what a rule says: random rules, and values that try to leave
// their literals.
func Conform(t *testing.T, target *backends.Target) {
	t.Run("registration", func(t *testing.T) { registration(t, target) })
	t.Run("world", func(t *testing.T) { world(t, target) })
	t.Run("literals", func(t *testing.T) { Literals(t, target) })
	t.Run("round trips", func(t *testing.T) {
		queries := 0
		for seed := range uint64(400) {
			queries += RoundTrip(t, target, seed)
		}
		if queries < 100 {
			t.Errorf("only %d queries", queries)
		}
	})
	t.Run("lists", func(t *testing.T) {
		tables := 0
		for seed := range uint64(300) {
			tables += Lists(t, target, seed)
		}
		if has := target.Format.Lookups.In != nil; has && tables < 40 || !has && tables > 0 {
			t.Errorf("%d tables", tables)
		}
	})
	t.Run("samples", func(t *testing.T) { samples(t, target) })
}

var plainName = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

func registration(t *testing.T, target *backends.Target) {
	if !plainName.MatchString(target.Name) || target.Title == "" || target.Description == "" {
		t.Errorf("the name %q, the title %q", target.Name, target.Title)
	}
	if !strings.HasPrefix(target.Extension, ".") || !plainName.MatchString(target.Extension[1:]) {
		t.Errorf("the extension %q", target.Extension)
	}
	for _, other := range targets.All() {
		if other.Name != target.Name && slices.ContainsFunc(other.Names(), func(a string) bool { return slices.Contains(target.Names(), a) }) {
			t.Errorf("a name of %s is one of %s too", target.Name, other.Name)
		}
		if other.Name != target.Name && other.Extension == target.Extension {
			t.Errorf("%s has files %s too", other.Name, target.Extension)
		}
	}
	seen := map[string]bool{}
	for _, f := range target.Formats {
		if !plainName.MatchString(f.Name) || seen[f.Name] || f.Description == "" || f.Caps.Backend != target.Name || f.Emit == nil || f.Caps.Pattern == nil || f.Caps.Regexp == nil {
			t.Errorf("the format %q is not whole", f.Name)
		}
		seen[f.Name] = true
	}
	if len(target.Formats) == 0 || target.Formats[0].Name != "default" {
		t.Error("no first format called default")
	}
	for _, s := range target.Samples {
		if !plainName.MatchString(s.Name) || s.Description == "" || s.Write == nil {
			t.Errorf("the form %q of test data is not whole", s.Name)
		}
	}
	for _, k := range target.Scope {
		if (k.Part == nil) != (strings.Count(k.Lost, "%s") == 1) || k.Part == nil && (k.Tells || k.Needed) {
			t.Errorf("the key %s: a part of the scope, or what is told in its place", k.Key)
		}
	}
}

// world holds that what a target holds of an event can be held again, as it is.
func world(t *testing.T, target *backends.Target) {
	for _, typ := range []ir.Type{ir.Unknown, ir.Text, ir.Numeric, ir.Boolean, ir.Address, ir.Dynamic, ir.JSON, ir.Date, ir.Other} {
		w := target.World(typ)
		for _, f := range target.Formats {
			if f.Caps.Single && w.Several {
				t.Errorf("the format %s says that a field has one value, one of type %s may have several there", f.Name, typ)
			}
		}
		for s := range backends.States {
			in, occurs := w.In(s)
			if !occurs {
				continue
			}
			if again, still := w.In(in); again != in || !still {
				t.Errorf("%s of type %s is %s there, and that is %s", s, typ, in, again)
			}
		}
		for _, d := range w.Doubts {
			if !strings.HasPrefix(d.ID, target.Name+"/") {
				t.Errorf("the assumption %s", d.ID)
			}
		}
	}
}

// RoundTrip writes a random rule in both layouts and reads it back: each query is
// proved, or agreed for a reason; it answers for plain values what the rule does; and
// both layouts mean the same. It says how many queries there were.
func RoundTrip(t *testing.T, target *backends.Target, seed uint64) (queries int) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 5))
	rule := irgen.Rule(r, irgen.Config{Sugar: true, Keywords: true, FieldRefs: true})
	o := sigmac.Unmapped(target)
	d := &parser.Document{Rule: rule}
	flat := sigmac.CompileDocument(d, o)[0]
	o.Pretty = true
	pretty := sigmac.CompileDocument(d, o)[0]
	if len(flat.Errors) > 0 {
		holdsRefusal(t, flat)
		return 0
	}
	for i, query := range flat.Queries {
		queries++
		v, err := verify.Query(target, flat.Want, i, query, verify.DefaultBudget)
		if err != nil || v.Verdict == verify.Refuted || v.Verdict == verify.Partial || v.Verdict == verify.Agreed && v.Reason == "" {
			t.Errorf("seed %d: %s\n%v %v %s %v", seed, query, err, v.Verdict, v.Reason, v.Counterexample)
			continue
		}
		read, err := target.Read(query, ir.Types(flat.Types))
		if err != nil {
			t.Errorf("seed %d: %s\n%v", seed, query, err)
			continue
		}
		laid, err := target.Read(pretty.Queries[i], ir.Types(flat.Types))
		if err != nil || laid.Where.String() != read.Where.String() {
			t.Errorf("seed %d: %s\nlaid out as\n%s\n%v", seed, query, pretty.Queries[i], err)
		}
		if whole := target.KeywordField(); whole != "" && tests(read.Where, whole) {
			continue // the text of an event is another there
		}
		for range 10 {
			ev, ok := plainEvent(r, rule, flat.Types)
			if !ok {
				continue
			}
			want := eval.Expr(nil, flat.Want.Conditions[i].Expr, ev)
			if is, known := eval.Settled(read.Where, ev); known && is != want {
				t.Errorf("seed %d: %s\nanswers %v of %s", seed, query, is, ev.Raw())
			}
		}
	}
	return queries
}

func tests(e ir.Expr, field string) (found bool) {
	ir.Walk(e, func(e ir.Expr) {
		m, ok := e.(ir.Match)
		found = found || ok && m.Field.Name == field
	})
	return found
}

// plainEvent is one whose fields have one value each, of their types, so that every
// language holds it as it is; all of the rule's fields are there.
func plainEvent(r *rand.Rand, rule *ir.Rule, types map[string]ir.Type) (eval.Event, bool) {
	fields := irgen.Fields(r, rule)
	for name, typ := range types {
		v := fields[name]
		if list, ok := v.([]any); ok {
			v = list[0]
		}
		_, text := v.(string)
		if typ != ir.Text || !text || v == "" {
			return eval.Event{}, false
		}
		fields[name] = v
	}
	for name := range fields {
		if _, typed := types[name]; !typed {
			delete(fields, name)
		}
	}
	ev, err := eval.NewEvent(fields)
	return ev, err == nil
}

// samples holds that test data are written, equal bytes for equal events, or refused.
func samples(t *testing.T, target *backends.Target) {
	for _, form := range target.Samples {
		for seed := range uint64(60) {
			r := rand.New(rand.NewPCG(seed, 6))
			rule := irgen.Rule(r, irgen.Config{})
			table := backends.SampleTable{Types: ir.TypeFields(rule).Types()}
			events := []map[string]any{irgen.Fields(r, rule), irgen.Fields(r, rule), {}, {leaving[seed%uint64(len(leaving))]: leaving[(seed+7)%uint64(len(leaving))]}}
			text, err := form.Write(events, table)
			again, _ := form.Write(events, table)
			var refused *ir.Diagnostic
			if text != again || err != nil && (!errors.As(err, &refused) || text != "") || err == nil && text == "" {
				t.Errorf("%s: %v: %q, then %q", form.Name, err, text, again)
			}
		}
	}
}
