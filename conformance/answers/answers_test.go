package answers

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigmac/eval"
	"sigmac/internal/corpus"
	"sigmac/ir"
)

// An answer is a query and what the vendor's engine, or its documents, answer.
type answer struct {
	ID, Kind, Query string
	Schema          map[string]string // column to type
	Events          []map[string]any
	Data            string // instead of Events: a name in the language's data file
	Pipes           []string
	Expect          struct {
		Matched []int    // indices into Events
		IDs     []any    // instead of Matched: in the engine's order
		Keys    []string `json:"join_keys"` // of the sequences, one behind the other
		All     bool     // every event
		Error   any      // the server refuses the query
	}
}

// answers are those of a language. The test is skipped where there are none.
func answers(t *testing.T, language string) (dir string, out []answer) {
	t.Helper()
	dir, objects := corpus.Answers(t, language)
	for _, o := range objects {
		var a answer
		d := json.NewDecoder(bytes.NewReader(o))
		d.UseNumber()
		if err := d.Decode(&a); err != nil {
			t.Fatalf("%s: %v", o, err)
		}
		out = append(out, a)
	}
	return dir, out
}

// An answered counts the answers of a language by what sigmac makes of them. None
// disagrees, so what is neither agreed nor not asked is what is left to do.
type answered struct {
	Agreed  int
	Opaque  map[string]int // by what the reader cannot represent
	Refused map[string]int // by the reader's message
	Other   map[string]int // about more than a filter of single events, by kind
}

func newAnswered() *answered {
	return &answered{Opaque: map[string]int{}, Refused: map[string]int{}, Other: map[string]int{}}
}

// hold compares the counts with those that are committed. Fewer that are agreed
// than before are a fault, also under -update.
func (a *answered) hold(t *testing.T, language string) {
	t.Helper()
	file := "testdata/" + language + ".json"
	var before answered
	if text, err := os.ReadFile(file); err == nil {
		if err := json.Unmarshal(text, &before); err != nil {
			t.Fatal(err)
		}
	}
	if a.Agreed < before.Agreed {
		t.Errorf("%s: %d answers were agreed, now %d are", file, before.Agreed, a.Agreed)
	}
	corpus.Hold(t, file, a, *update)
}

func (a *answered) refuse(t *testing.T, c answer, err error) {
	t.Helper()
	t.Logf("%s: refused: %s: %v", c.ID, c.Query, err)
	var e *ir.Diagnostic
	if !errors.As(err, &e) {
		t.Fatal(c.ID, err)
	}
	a.Refused[e.Msg]++
}

// judge counts an answer of events by what the reader makes of its query; row is an
// event as the target has it, or nil where an assumption leaves it out. What is
// decided must be as the vendor says.
func (a *answered) judge(t *testing.T, c answer, q *ir.Query, row func(map[string]any) map[string]any) {
	t.Helper()
	if q.Where == nil || len(q.Unjudged()) > 0 {
		a.Other["no filter of single events"]++
		return
	}
	decided := true
	for i, fields := range c.Events {
		in := row(fields)
		if in == nil {
			continue
		}
		is, known := eval.Settled(q.Whole(), event(in))
		if decided = decided && known; known && is != (c.Expect.All || slices.Contains(c.Expect.Matched, i)) {
			t.Errorf("%s: %s\nof %v the filter is %v: %s", c.ID, c.Query, fields, is, q.Whole())
		}
	}
	if decided {
		a.Agreed++
		return
	}
	t.Logf("%s: not decided: %s: %s", c.ID, c.Query, q.Whole())
	a.Opaque[opaqueOf(q.Whole())]++
}

// opaqueOf is what stands first in e that the representation cannot hold: a
// function, or the kind of what is none.
func opaqueOf(e ir.Expr) (what string) {
	ir.Walk(e, func(e ir.Expr) {
		switch e := e.(type) {
		case ir.Opaque:
			if what == "" {
				what = "another expression"
				if f := call.FindStringSubmatch(e.Text[strings.LastIndex(e.Text, "; ")+1:]); f != nil {
					what = f[1]
				}
			}
		case ir.Match, ir.Keyword:
			if what == "" {
				what = strings.TrimPrefix(eval.Unevaluable(e), "a test of type ")
			}
		}
	})
	return what
}

var call = regexp.MustCompile(`([a-z_0-9]+)\(`)

func event(fields map[string]any) eval.Event {
	ev, err := eval.NewEvent(fields)
	if err != nil {
		panic(err)
	}
	return ev
}

var update = flag.Bool("update", false, "rewrite the counts in testdata")
