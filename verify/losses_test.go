package verify

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"sigmac/backends"
	"sigmac/eval"
	"sigmac/internal/irgen"
	"sigmac/internal/irtest"
	"sigmac/ir"
	"sigmac/targets"
)

// TestLosses: which tests a target answers otherwise, and in which direction; of
// plain values none.
func TestLosses(t *testing.T) {
	ref := func(shape ir.Shape, f, g string) ir.Expr {
		return text(f, ir.FieldRef{Other: ir.Field{Name: g, Type: ir.Text}, Shape: shape})
	}
	null := func(typ ir.Type) ir.Expr { return ir.Match{Field: ir.Field{Name: "f", Type: typ}, Test: ir.Null{}} }
	exists := func(typ ir.Type) ir.Expr { return ir.Match{Field: ir.Field{Name: "f", Type: typ}, Test: ir.Exists{}} }
	for _, c := range []struct {
		name string
		e    ir.Expr
		want string // of Splunk, Kusto and Elastic
	}{
		{"a text", is("f", "foo"), ""},
		{"a text elsewhere", not(is("f", "*", "foo")), ""},
		{"any character", is("f", "?"), ""},
		{"an expression", re("f", "x+"), ""},
		{"a number", num("f", ir.Gt, "4"), ""},
		{"a network", not(in("f", "10.0.0.0/8")), ""},
		{"any text", is("f", "*"), "kusto/empty narrower"},
		{"not any text", not(is("f", "*")), "kusto/empty wider"},
		{"an expression of the empty text", re("f", "x*"), "kusto/empty narrower"},
		{"the empty expression", re("f", "^$"), "kusto/empty narrower"},
		{"the empty text", is("f"), "kusto/empty wider"},
		{"not the empty text", not(is("f")), "kusto/empty narrower"},
		{"two fields", ref(ir.Exact, "f", "g"), "kusto/empty narrower"},
		{"a field with itself", ref(ir.Exact, "f", "f"), "kusto/empty narrower"},
		{"a field in another", not(ref(ir.Prefix, "f", "g")), "kusto/empty wider"},
		{"null", null(ir.Text), "kusto/null wider"},
		{"null of a number", null(ir.Numeric), ""},
		{"not null", not(null(ir.Text)), "kusto/null narrower"},
		{"exists", exists(ir.Text), "splunk/exists narrower, kusto/exists narrower, elastic/exists narrower"},
		{"exists not", not(exists(ir.Numeric)), "splunk/exists wider, kusto/exists wider, elastic/exists wider"},
		{"the text of the event", not(text("_raw", ir.Exists{})), "kusto/exists wider, elastic/exists wider"},
		{"in both directions", ir.Or{ir.And{is("f", "*"), is("g", "a")}, not(is("f", "*"))}, "kusto/empty both"},
	} {
		var got []string
		for _, b := range targets.All() {
			for _, l := range losses(b, c.e) {
				got = append(got, l.ID+" "+l.Direction)
			}
		}
		if got := strings.Join(got, ", "); got != c.want {
			t.Errorf("%s: %q, not %q", c.name, got, c.want)
		}
	}
}

// TestDoubted: an assumption about a state is named where an answer rests on it.
func TestDoubted(t *testing.T) {
	splunk := targets.Must("splunk")
	for _, c := range []struct {
		name string
		e    ir.Expr
		want string
	}{
		{"a text", is("f", "foo"), ""},
		{"not a text", not(is("f", "foo")), "splunk/extraction-limits"},
		{"the text null", is("f", "null"), "splunk/json-null"},
		{"a text in null", not(is("f", "*", "ul", "*")), "splunk/extraction-limits splunk/json-null"},
		{"any text", is("f", "*"), "splunk/json-null"},
		{"an expression", re("f", "^n"), "splunk/json-null"},
		{"null", text("f", ir.Null{}), "splunk/extraction-limits splunk/json-null"},
		{"not null", not(text("f", ir.Null{})), "splunk/json-null"},
		{"exists", text("f", ir.Exists{}), "splunk/json-null"},
		{"two fields", text("f", ir.FieldRef{Other: ir.Field{Name: "g", Type: ir.Text}}), "splunk/json-null"},
		{"a number", num("f", ir.Gt, "4"), ""},
		{"not a number", not(num("f", ir.Gt, "4")), "splunk/extraction-limits"},
		{"not in the text of the event", not(is("_raw", "*", "foo", "*")), ""},
		{"not not", not(not(is("f", "foo"))), ""},
	} {
		got := doubted(splunk, c.e)
		slices.Sort(got)
		if got := strings.Join(got, " "); got != c.want {
			t.Errorf("%s: %q, not %q", c.name, got, c.want)
		}
	}
}

// TestLossesLinear: what losses and doubts cost grows with the tests.
func TestLossesLinear(t *testing.T) {
	cost := func(n int) float64 {
		var e ir.Or
		for i := range n {
			m := is("f", "*").(ir.Match)
			m.Pos = ir.Pos{Line: i + 1, Column: 1}
			e = append(e, ir.Not{X: m})
		}
		return testing.AllocsPerRun(1, func() {
			for _, b := range targets.All() {
				losses(b, e)
				doubted(b, e)
			}
		})
	}
	if one, ten := cost(500), cost(5000); ten > 11*one {
		t.Errorf("%.0f allocations for 500 tests, %.0f for 5000", one, ten)
	}
}

// FuzzLosses holds that where a query answers otherwise than its rule, because
// the target takes states of a field for the same, a loss of the rule says so,
// and in this direction; and where it does for an assumption about a state that is
// false, that this is named.
func FuzzLosses(f *testing.F) {
	for seed := range uint64(300) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) { differences(t, seed) })
}

// TestLossesAreSeen holds that the events of FuzzLosses reach every loss in both
// directions.
func TestLossesAreSeen(t *testing.T) {
	seen := map[string]bool{}
	for seed := range uint64(200) {
		for _, d := range differences(t, seed) {
			seen[d] = true
		}
	}
	for _, id := range []string{"splunk/exists", "kusto/exists", "kusto/null", "kusto/empty", "elastic/exists"} {
		for _, direction := range []string{"wider", "narrower"} {
			if !seen[id+" "+direction] {
				t.Errorf("no event shows that a query is %s for %s", direction, id)
			}
		}
	}
}

// differences are the losses, with their directions, that events of a random rule
// show by themselves.
func differences(t *testing.T, seed uint64) (shown []string) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 5))
	rule := irgen.Rule(r, irgen.Config{FieldRefs: true})
	var want *ir.Rule
	for _, p := range ir.Passes() {
		next, err := p.Run(rule)
		if err != nil {
			return nil // too large
		}
		if rule = next; p.Stage == ir.Inlined {
			want = rule
		}
	}
	types, texts := want.Types(), map[string][]string{}
	want.Walk(func(e ir.Expr) {
		if m, ok := e.(ir.Match); ok {
			texts[m.Field.Name] = append(texts[m.Field.Name], near(r, m.Test)...)
		}
	})
	for name := range types {
		texts[name] = append(texts[name], "x", "1", "true", "192.0.2.7")
	}
	for _, b := range targets.All() {
		legal, refused := backends.Legalize(rule, b.Format.Caps)
		if len(refused) > 0 {
			continue
		}
		queries, err := irtest.Emit(b.Format.Emit).Flat(legal)
		if err != nil {
			continue // a value that no literal can hold
		}
		for i, query := range queries {
			e := want.Conditions[i].Expr
			read, err := readAll(readings(b, query, typingOf(want), nil))
			if err != nil {
				t.Fatal(err)
			}
			ls := losses(b, e)
			named := doubted(b, e)
			doubts := append([]backends.Doubt{{}}, b.World(ir.Text).Doubts...)
			for n := range 60 * len(doubts) {
				doubt := doubts[n%len(doubts)]
				source, held, ok := bothEvents(r, b.World, doubt, types, texts)
				if !ok {
					continue
				}
				is, got := eval.Expr(nil, e, source), holds(b.World, read[0].query.Where, held, false)
				if is == got {
					continue
				}
				direction := "wider"
				if is {
					direction = "narrower"
				}
				var said []string
				for _, l := range ls {
					if l.Direction == direction || l.Direction == "both" {
						said = append(said, l.ID+" "+direction)
					}
				}
				switch {
				case doubt.ID != "" && (slices.Contains(named, doubt.ID) || doubt.Wider && direction == "narrower"):
				case len(said) == 0:
					t.Errorf("%s: %s\nwant: %s\nis %s on %s, at the target %s, and the losses are %v", b.Name, query, e, direction, source.Raw(), held.Raw(), ls)
				case len(said) == 1 && doubt.ID == "":
					shown = append(shown, said[0])
				}
			}
		}
	}
	return shown
}

// bothEvents are a random event as its source has it and as the target holds it, an
// assumption being false, with values of texts; ok is false where the target holds
// no such event.
func bothEvents(r *rand.Rand, world worlds, doubt backends.Doubt, types map[string]ir.Type, texts map[string][]string) (source, held eval.Event, ok bool) {
	from, to := map[string]any{}, map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(types)) {
		w := world(types[name])
		value := func() any {
			s := texts[name]
			for range 20 {
				if v, ok := admit(w, types[name], s[r.IntN(len(s))]); ok && v != "" {
					return v
				}
			}
			return nil
		}
		state := backends.State(r.IntN(int(backends.Alien))) // admit has what is of another type
		in, occurs := w.In(state)
		if _, fits := admit(w, types[name], ""); !occurs || in == backends.Empty && !fits {
			return source, held, false
		}
		switch state {
		case backends.Null:
			from[name] = nil
		case backends.NoValues:
			from[name] = []any{}
		case backends.Empty:
			from[name] = ""
		case backends.Value, backends.Several:
			v := value()
			if v == nil {
				return source, held, false
			}
			if from[name] = v; state == backends.Several {
				from[name] = []any{v, value()}
			}
		}
		switch {
		case doubt.ID != "" && state == doubt.State:
			if doubt.As != nil {
				to[name] = doubt.As
			}
		case in != backends.Missing:
			to[name] = from[name]
		}
	}
	return newEvent(from), newEvent(to), true
}
