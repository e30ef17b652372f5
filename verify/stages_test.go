package verify

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"sigmac/eval"
	"sigmac/ir"
	"sigmac/targets"
)

// A row is an event, or what stages have made of some: its columns, and the
// numbers of the events that it is of.
type row struct {
	columns map[string]string
	of      []int
}

// A stageKind is a stage as each language writes it, and what it does to rows.
type stageKind struct {
	spl, kql func(a, b, v string) string
	run      func(rows []row, a, b, v string) []row
}

func each(rows []row, change func(map[string]string)) []row {
	out := make([]row, len(rows))
	for i, r := range rows {
		columns := map[string]string{}
		for k, v := range r.columns {
			columns[k] = v
		}
		change(columns)
		out[i] = row{columns, r.of}
	}
	return out
}

func keep(rows []row, is func(map[string]string) bool) []row {
	return slices.DeleteFunc(slices.Clone(rows), func(r row) bool { return !is(r.columns) })
}

// move gives a column another name, and drops what had that name.
func move(c map[string]string, from, to string) {
	v, ok := c[from]
	delete(c, from)
	delete(c, to)
	if ok {
		c[to] = v
	}
}

func grouped(rows []row, key string, null bool) (out []row) {
	at := map[string]int{}
	for _, r := range rows {
		v, ok := r.columns[key]
		if !ok && !null {
			continue
		}
		i, seen := at[v]
		if !seen {
			i = len(out)
			at[v] = i
			out = append(out, row{columns: map[string]string{}})
			if ok {
				out[i].columns[key] = v
			}
		}
		out[i].of = append(out[i].of, r.of...)
		out[i].columns["n"] = fmt.Sprint(len(out[i].of))
	}
	return out
}

// stageKinds have a column, another column and a value. KQL has no field that is
// missing, so its rows hold every column; a stage that names a dropped one is
// left out there.
var stageKinds = []stageKind{
	{func(a, _, v string) string { return "search " + a + "=" + v }, func(a, _, v string) string { return "where " + a + " =~ '" + v + "'" },
		func(rows []row, a, _, v string) []row {
			return keep(rows, func(c map[string]string) bool { return c[a] == v })
		}},
	{func(a, _, v string) string { return "search NOT " + a + "=" + v }, func(a, _, v string) string { return "where not(" + a + " =~ '" + v + "')" },
		func(rows []row, a, _, v string) []row {
			return keep(rows, func(c map[string]string) bool { return c[a] != v })
		}},
	{func(a, b, _ string) string { return "rename " + a + " AS " + b }, func(a, b, _ string) string { return "project-rename " + b + "2 = " + a },
		nil},
	{func(a, b, _ string) string { return "eval " + a + "=" + b }, func(a, b, _ string) string { return "extend " + a + " = " + b },
		func(rows []row, a, b, _ string) []row {
			return each(rows, func(c map[string]string) {
				if v, ok := c[b]; ok {
					c[a] = v
				} else {
					delete(c, a)
				}
			})
		}},
	{func(a, b, _ string) string { return "eval " + a + "=lower(" + b + ")" }, func(a, b, _ string) string { return "extend " + a + " = strcat(" + b + ", '')" },
		func(rows []row, a, b, _ string) []row {
			return each(rows, func(c map[string]string) {
				if v, ok := c[b]; ok {
					c[a] = v
				} else {
					delete(c, a)
				}
			})
		}},
	{func(a, b, _ string) string { return "table " + a + " " + b }, func(a, b, _ string) string { return "project " + a + ", " + b },
		func(rows []row, a, b, _ string) []row {
			return each(rows, func(c map[string]string) {
				for k := range c {
					if k != a && k != b {
						delete(c, k)
					}
				}
			})
		}},
	{func(a, _, _ string) string { return "fields - " + a }, func(a, _, _ string) string { return "project-away " + a },
		func(rows []row, a, _, _ string) []row {
			return each(rows, func(c map[string]string) { delete(c, a) })
		}},
	{func(_, _, _ string) string { return "head 2" }, func(_, _, _ string) string { return "take 2" },
		func(rows []row, _, _, _ string) []row { return rows[:min(2, len(rows))] }},
	{func(a, _, _ string) string { return "stats count AS n BY " + a }, func(a, _, _ string) string { return "summarize n = count() by " + a }, nil},
	{func(_, _, _ string) string { return "search n=2" }, func(_, _, _ string) string { return "where n == 2" },
		func(rows []row, _, _, _ string) []row {
			return keep(rows, func(c map[string]string) bool { return c["n"] == "2" })
		}},
	{func(_, _, _ string) string { return "sort 0 a" }, func(_, _, _ string) string { return "sort by a" },
		func(rows []row, _, _, _ string) []row { return rows }},
}

// TestStageProperty holds what readers say of a query's stages against rows that
// go through them: no event is selected beyond Where unless a stage may add some,
// and none is lost of it unless one may remove some.
func TestStageProperty(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 11))
	names, values := []string{"a", "b", "c"}, []string{"x", "y"}
	judged, partly := 0, 0
	for range 20_000 {
		for _, target := range []string{"splunk", "kusto"} {
			var rows []row
			var events []eval.Event
			for i := range 5 {
				columns := map[string]string{}
				m := map[string]any{}
				for _, n := range append(names, "n") {
					if target == "kusto" && n != "n" || n != "n" && rnd.IntN(4) > 0 {
						columns[n] = values[rnd.IntN(2)]
						m[n] = columns[n]
					}
				}
				ev, err := eval.NewEvent(m)
				if err != nil {
					t.Fatal(err)
				}
				rows, events = append(rows, row{columns, []int{i}}), append(events, ev)
			}
			stages := []string{map[string]string{"splunk": "*", "kusto": "T"}[target]}
			for range 1 + rnd.IntN(5) {
				k := stageKinds[rnd.IntN(len(stageKinds))]
				a, b, v := names[rnd.IntN(3)], names[rnd.IntN(3)], values[rnd.IntN(2)]
				if a == b {
					continue
				}
				text, run := k.spl(a, b, v), k.run
				if target == "kusto" {
					text = k.kql(a, b, v)
				}
				switch {
				case strings.HasPrefix(text, "rename"):
					run = func(rows []row, a, b, _ string) []row {
						return each(rows, func(c map[string]string) { move(c, a, b) })
					}
				case strings.HasPrefix(text, "project-rename"):
					run = func(rows []row, a, b, _ string) []row {
						return each(rows, func(c map[string]string) { move(c, a, b+"2") })
					}
				case strings.HasPrefix(text, "stats"):
					run = func(rows []row, a, _, _ string) []row { return grouped(rows, a, false) }
				case strings.HasPrefix(text, "summarize"):
					run = func(rows []row, a, _, _ string) []row { return grouped(rows, a, true) }
				}
				stages, rows = append(stages, text), run(rows, a, b, v)
			}
			query := strings.Join(stages, " | ")
			q, err := targets.Must(target).Read(query, ir.Types{"a": ir.Text, "b": ir.Text, "c": ir.Text})
			if err != nil {
				if target == "kusto" && strings.Contains(err.Error(), "there is no column") {
					continue // a column that a stage before has dropped
				}
				t.Fatalf("%s: %v", query, err)
			}
			selected := map[int]bool{}
			for _, r := range rows {
				for _, i := range r.of {
					selected[i] = true
				}
			}
			opaque := hasOpaque(q.Where)
			removes := slices.ContainsFunc(q.Unjudged(), func(c ir.Command) bool { return c.Effect.MayRemove() })
			adds := slices.ContainsFunc(q.Unjudged(), func(c ir.Command) bool { return c.Effect.MayAdd() })
			if len(q.Unjudged()) == 0 {
				judged++
			} else {
				partly++
			}
			for i, ev := range events {
				if opaque {
					continue
				}
				in := eval.Expr(nil, q.Where, ev)
				if selected[i] && !in && !adds || in && !selected[i] && !removes {
					t.Fatalf("%s\nevent %d of %s: selected %v, read %v\nWhere %s, not judged %v", query, i, ev.Raw(), selected[i], in, q.Where, q.Unjudged())
				}
			}
		}
	}
	if judged < 2_000 || partly < 2_000 {
		t.Errorf("%d queries judged, %d partly: too few to say anything", judged, partly)
	}
}
