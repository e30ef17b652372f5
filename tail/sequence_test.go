package tail

import (
	"fmt"
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
