package tail

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"sigmac/ir"
)

// letters are events at the times of their places, of which a test of a letter takes those
// that have it: "a ab - c" are four, of which one passes both tests and one none. An event
// with a key has it behind a colon, and a time of its own behind an @.
func letters(text string) *Env {
	env := &Env{Steps: 1 << 16}
	var has []string
	for i, word := range strings.Fields(text) {
		word, at, timed := strings.Cut(word, "@")
		word, key, _ := strings.Cut(word, ":")
		row := Row{"time": float64(i), "k": nil}
		if timed {
			var t float64
			fmt.Sscan(at, &t)
			row["time"] = t
		}
		if several := strings.Split(key, "+"); len(several) > 1 {
			list := []Value{}
			for _, k := range several {
				list = append(list, k)
			}
			row["k"] = list
		} else if key != "" {
			row["k"] = key
		}
		env.Events = append(env.Events, row)
		has = append(has, word)
	}
	env.Holds = func(e ir.Expr, i int) bool { return strings.Contains(has[i], string(e.(ir.Ref).Name)) }
	return env
}

func step(letter string, keys ...string) Step {
	letter, missing := strings.CutPrefix(letter, "!")
	s := Step{Test: Test{ir.Ref{Name: letter}}}
	s.Missing = missing
	for _, k := range keys {
		k, null := strings.CutPrefix(k, "?")
		s.By, s.Null = append(s.By, Named{k, Column{k}}), append(s.Null, null)
	}
	return s
}

func steps(text string, keys ...string) (out []Step) {
	for _, letter := range strings.Fields(text) {
		out = append(out, step(letter, keys...))
	}
	return out
}

// TestSequence holds the chains of sequences. The cases without keys of the first block are
// those of Elastic's page on EQL, its example of a machine, and what follows from it.
func TestSequence(t *testing.T) {
	until := func(letter string, keys ...string) *Step { s := step(letter, keys...); return &s }
	for _, c := range []struct {
		name   string
		op     Sequence
		events string
		want   string // the places of each chain, with its key where it has one
	}{
		{"the page's example", Sequence{Steps: steps("a b c", "k")},
			"- a:r a:r b:e b:r b:r a:e a:r b:e c:r c:e c:r", "r 2 4 9, e 6 8 10"},
		{"an older chain gives way", Sequence{Steps: steps("a b")}, "a a b b", "1 2"},
		{"a newer one does not take the place further on", Sequence{Steps: steps("a b c")}, "a b a c b c", "0 1 3, 2 4 5"},
		{"chains of equal events overlap", Sequence{Steps: steps("a a a")}, "a a a a a", "0 1 2, 1 2 3, 2 3 4"},
		{"an event is one step of a chain", Sequence{Steps: steps("a b")}, "ab ab", "0 1"},
		{"one instant, as they arrive", Sequence{Steps: steps("a b")}, "b@5 a@5 b@5", "1 2"},
		{"out of order", Sequence{Steps: steps("a b")}, "b@5 a@4", "1 0"},
		{"no key", Sequence{Steps: steps("a b", "k")}, "a b a:x b b:x", "x 2 4"},
		{"null is a key", Sequence{Steps: steps("a b", "?k")}, "a a:x b", "<nil> 0 2"},
		{"each value is a key", Sequence{Steps: steps("a b", "k")}, "a:x+y+x b:y a:x+y b:x+y+x", "y 0 1, x 2 3, y 2 3"},
		{"the span has both ends", Sequence{Steps: steps("a b"), Span: 2}, "a - b", "0 2"},
		{"a chain that is too old is gone", Sequence{Steps: steps("a b"), Span: 2}, "a - - b b", ""},
		{"the span is that of the whole", Sequence{Steps: steps("a b c"), Span: 3}, "a - b - c", ""},
		{"until ends what has begun", Sequence{Steps: steps("a b"), Until: until("u")}, "a u b a b u", "3 4"},
		{"until of another key", Sequence{Steps: steps("a b", "k"), Until: until("u", "k")}, "a:x a:y u:y b:x b:y", "x 0 3"},
		{"until at the first event ends it", Sequence{Steps: steps("a b"), Until: until("u")}, "au b", ""},
		{"until at the last event is too late", Sequence{Steps: steps("a b"), Until: until("u")}, "a bu", "0 1"},
		{"missing between", Sequence{Steps: steps("a !x b"), Span: 9}, "a x b a b x", "3 4"},
		{"missing between, of another key", Sequence{Steps: steps("a !x b", "k"), Span: 9}, "a:p x:q b:p", "p 0 2"},
		{"missing between, at the same instant", Sequence{Steps: steps("a !x b"), Span: 9}, "a@1 x@1 b@2", "0 2"},
		{"missing before", Sequence{Steps: steps("!x a b"), Span: 3}, "x a b - a b", "4 5"},
		{"missing behind", Sequence{Steps: steps("a !x"), Span: 2}, "a - - x a x a", "0, 6"},
		{"missing at both ends", Sequence{Steps: steps("!x a !x"), Span: 2}, "x a x@2 a@8 x@10 x@20 a@21", "3, 6"},
	} {
		c.op.Time = "time"
		var got []string
		env := letters(c.events)
		for _, row := range (&Query{Ops: []Op{Source{}, c.op}}).Run(env) {
			var at []string
			if len(c.op.Steps[0].By) > 0 {
				at = append(at, fmt.Sprint(row["k"]))
			}
			events := row[Events].([]Value)
			for _, e := range events {
				at = append(at, fmt.Sprint(e))
			}
			first, last := env.Events[int(events[0].(float64))], env.Events[int(events[len(events)-1].(float64))]
			if row[Began] != first["time"] || row[Ended] != last["time"] {
				t.Errorf("%s: from %v to %v", c.name, row[Began], row[Ended])
			}
			got = append(got, strings.Join(at, " "))
		}
		if got := strings.Join(got, ", "); got != c.want {
			t.Errorf("%s: %s over %q\nis   %s\nwant %s", c.name, c.op, c.events, got, c.want)
		}
	}
}

// staged finds chains as the server does (SequenceMatcher.java, OrdinalGroup.java): one step
// after the other over all events. Lists hold the chains that wait, and a chain is taken
// with all that are older.
func (o Sequence) staged(env *Env) (out []string) {
	rows := Source{}.Apply(env, nil)
	hits := func(s *Step, do func(i int, key string)) {
		for i := range rows {
			for _, k := range s.passes(&Frame{Env: env, Rows: rows, At: i}) {
				do(i, Key(k...))
			}
		}
	}
	until := map[string][]int{}
	if o.Until != nil {
		hits(o.Until, func(i int, key string) { until[key] = append(until[key], i) })
	}
	waiting := map[string][][]int{}
	hits(&o.Steps[0], func(i int, key string) { waiting[key] = append(waiting[key], []int{i}) })
	for n := range o.Steps[1:] {
		next := map[string][][]int{}
		hits(&o.Steps[n+1], func(i int, key string) {
			var c []int
			for len(waiting[key]) > 0 {
				first := waiting[key][0]
				if first[len(first)-1] >= i {
					break
				}
				c, waiting[key] = first, waiting[key][1:]
			}
			ended := slices.ContainsFunc(until[key], func(u int) bool { return len(c) > 0 && c[len(c)-1] <= u && u < i })
			if c != nil && !ended && rows[i]["time"].(float64)-rows[c[0]]["time"].(float64) <= o.Span {
				next[key] = append(next[key], append(slices.Clip(c), i))
			}
		})
		waiting = next
	}
	for key, chains := range waiting {
		for _, c := range chains {
			out = append(out, key+fmt.Sprint(c))
		}
	}
	slices.Sort(out)
	return out
}

// TestSequenceStaged holds that the machine finds the chains that the server's way of doing
// it finds, in random streams.
func TestSequenceStaged(t *testing.T) {
	r := rand.New(rand.NewPCG(17, 0))
	some := func(words ...string) string { return words[r.IntN(len(words))] }
	found := 0
	for range 20_000 {
		var text []string
		at := 0
		for range r.IntN(14) {
			at += r.IntN(2)
			text = append(text, some("a", "b", "c", "ab", "bc", "ac", "abc", "u", "au", "-")+some("", ":x", ":x", ":y", ":x+y")+fmt.Sprint("@", at))
		}
		var names []string
		for range 2 + r.IntN(3) {
			names = append(names, some("a", "b", "c"))
		}
		by := some("k", "?k")
		op := Sequence{Time: "time", Steps: steps(strings.Join(names, " "), by), Span: float64(1 + r.IntN(6))}
		if r.IntN(2) == 0 {
			until := step("u", by)
			op.Until = &until
		}
		var got []string
		for _, row := range (&Query{Ops: []Op{Source{}, op}}).Run(letters(strings.Join(text, " "))) {
			got = append(got, Key(row["k"])+fmt.Sprint(row[Events]))
		}
		slices.Sort(got)
		want := op.staged(letters(strings.Join(text, " ")))
		if found += len(want); !slices.Equal(got, want) {
			t.Fatalf("%s\nover %s\ngot  %v\nwant %v", op, text, got, want)
		}
	}
	if found < 10_000 {
		t.Errorf("only %d chains", found)
	}
}

// TestSample holds which keys have different events for all steps.
func TestSample(t *testing.T) {
	for _, c := range []struct{ steps, key, events, want string }{
		{"a b", "k", "b:x a:y - a:x", "x"},
		{"a b", "k", "ab:x ab:y a:y", "y"},
		{"a b c", "k", "a:x abc:x bc:x abc:y abc:y ac:y", "x y"},
		{"a b c", "k", "abc:x a:x a:x", ""},
		{"a b", "k", "a b a:x+y b:y", "y"},
		{"a b", "?k", "a b a:x", "<nil>"},
	} {
		var got []string
		for _, row := range (&Query{Ops: []Op{Source{}, Sample{steps(c.steps, c.key)}}}).Run(letters(c.events)) {
			got = append(got, fmt.Sprint(row["k"]))
		}
		if got := strings.Join(got, " "); got != c.want {
			t.Errorf("%s by %s over %q: %s, want %s", c.steps, c.key, c.events, got, c.want)
		}
	}
}

// TestSequenceSteps holds that there is no answer once the steps are used up: by the events,
// or by looking for those that must be missing.
func TestSequenceSteps(t *testing.T) {
	for enough, op := range map[int]Sequence{18: {Steps: steps("a b")}, 30: {Steps: steps("a !x b"), Span: 9}} {
		op.Time = "time"
		for n := range enough + 1 {
			env := letters("a b a b")
			env.Steps = n
			rows := (&Query{Ops: []Op{Source{}, op}}).Run(env)
			if done := n == enough; done != (env.Steps >= 0) || done != (len(rows) == 2) {
				t.Errorf("%s: %d rows of %d steps, %d left", op, len(rows), n, env.Steps)
			}
		}
	}
}

// TestSequenceText holds the canonical text of what EQL has.
func TestSequenceText(t *testing.T) {
	until := step("u", "k")
	q := Query{Ops: []Op{Sequence{Time: "time", Steps: append(steps("a !x", "k", "?l"), step("b", "m", "l")), Until: &until, Span: 90}, Last{2}}}
	const want = `sequence by time time within 90 ({(ref a)} by k=k, l=l or null, missing {(ref x)} by k=k, l=l or null, {(ref b)} by m=m, l=l) until {(ref u)} by k=k | last 2`
	if got := q.String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
