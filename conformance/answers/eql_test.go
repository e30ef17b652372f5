package answers

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sigmac/eval"
	"sigmac/ir"
	"sigmac/targets"
)

// eqlData is a set of events that several queries ask.
type eqlData struct {
	Category, Key string // fields: of a query's category, of the ids that answers name
	Schema        mappedTypes
	Events        []map[string]any
}

// mappedTypes are the types of the fields that an index maps.
type mappedTypes map[string]string

func (s mappedTypes) Type(_, field string) (ir.Type, bool) {
	types := map[string]ir.Type{"text": ir.Text, "number": ir.Numeric, "boolean": ir.Boolean, "address": ir.Address, "date": ir.Date}
	typ, ok := s[field]
	return types[typ], ok
}

// explainedEQL are answers that sigmac does not give, and why.
var explainedEQL = map[string]string{
	"es/VerifierTests/18": "the verifier lets a text be compared with a number; the query of a long field then fails",
	"es/VerifierTests/33": "the verifier lets a number be compared with an address; the query of an ip field then fails",
	"es/test_extra/optionalDefaultNullValueFieldEqualDefaultValue": "the mapping has a null_value: elastic/null-value",
}

// TestAnswersEQL holds that no filter of EQL selects other events than
// Elasticsearch's own tests say, and that what its verifier refuses is refused.
func TestAnswersEQL(t *testing.T) {
	dir, all := answers(t, "eql")
	text, err := os.ReadFile(filepath.Join(dir, "eql-data.json"))
	if err != nil {
		t.Fatal(err)
	}
	data := map[string]eqlData{}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&data); err != nil {
		t.Fatal(err)
	}
	got := newAnswered()
	explained := map[string]bool{}
	for _, a := range all {
		// python-eql's `==` folds case and takes wildcards, and it has other pipes.
		if strings.HasPrefix(a.ID, "endgame/") {
			got.Other["python-eql"]++
			continue
		}
		set := data[a.Data]
		q, err := targets.Must("elastic").Read(a.Query, set.Schema)
		wrong := ""
		switch {
		case a.Kind == "sequence" && err == nil:
			got.Other[set.steps(t, a, q)]++
		case a.Kind == "refuse" && err != nil, a.Kind == "accept" && err == nil:
			got.Agreed++
		case a.Kind == "refuse":
			wrong = fmt.Sprintf("it is read: %v", q.Whole())
		case err != nil && a.Kind == "accept":
			wrong = err.Error()
		case err != nil:
			got.refuse(t, a, err)
		default:
			ids, known := set.selected(q)
			switch want := set.expected(a); {
			case !known:
				t.Logf("%s: not decided: %s: %s", a.ID, a.Query, q.Whole())
				got.Opaque[opaqueOf(q.Whole())]++
			case !slices.Equal(piped(ids, a.Pipes), want):
				wrong = fmt.Sprintf("%v, the vendor %v\n%s", ids, want, q.Whole())
			default:
				got.Agreed++
			}
		}
		if wrong != "" {
			if explained[a.ID] = true; explainedEQL[a.ID] == "" {
				t.Errorf("%s: %s\nis %s", a.ID, a.Query, wrong)
			}
			got.Other["explained"]++
		}
	}
	for id := range explainedEQL {
		if !explained[id] {
			t.Errorf("%s is explained and does not disagree", id)
		}
	}
	got.hold(t, "eql")
}

// selected are the ids of the events that a query selects, if that is known.
func (d eqlData) selected(q *ir.Query) (ids []string, known bool) {
	for _, fields := range d.Events {
		if q.Scope.Category != "" && fields[d.Category] != q.Scope.Category {
			continue
		}
		holds, known := eval.Settled(q.Whole(), event(fields))
		if !known {
			return nil, false
		}
		if holds {
			ids = append(ids, fmt.Sprint(fields[d.Key]))
		}
	}
	return ids, true
}

// steps holds that each event of a sequence that the vendor's engine gives passes
// the filter of its step.
func (d eqlData) steps(t *testing.T, a answer, q *ir.Query) string {
	t.Helper()
	ids := d.expected(a)
	if slices.ContainsFunc(q.Unjudged(), func(l ir.Command) bool { return strings.Contains(l.Text, "runs") || l.Name == "missing" }) || len(ids)%len(q.Steps) != 0 {
		return "sequence with events that have no step"
	}
	for i, id := range ids {
		step := q.Steps[i%len(q.Steps)]
		for _, fields := range d.Events {
			if fmt.Sprint(fields[d.Key]) != id {
				continue
			}
			fields = maps.Clone(fields)
			fields["event.category"] = fields[d.Category]
			if holds, known := eval.Settled(step, event(fields)); !holds || !known {
				t.Errorf("%s: %s\nthe event %s is not one of step %d, %s", a.ID, a.Query, id, i%len(q.Steps)+1, step)
			}
		}
	}
	return "sequence of events that pass their steps"
}

// expected are the ids that the vendor's engine gives.
func (d eqlData) expected(a answer) (ids []string) {
	for _, id := range a.Expect.IDs {
		ids = append(ids, fmt.Sprint(id))
	}
	if a.Expect.All {
		for _, fields := range d.Events {
			ids = append(ids, fmt.Sprint(fields[d.Key]))
		}
	}
	return ids
}

// piped is what the pipes head and tail leave.
func piped(ids, pipes []string) []string {
	for _, p := range pipes {
		name, count, _ := strings.Cut(p, " ")
		n, err := strconv.Atoi(count)
		if err != nil {
			panic(err)
		}
		if n = min(n, len(ids)); name == "head" {
			ids = ids[:n]
		} else {
			ids = ids[len(ids)-n:]
		}
	}
	return ids
}
