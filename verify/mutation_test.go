package verify

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"sigmac/backends"
	"sigmac/internal/corpus"
	"sigmac/internal/irtest"
	"sigmac/ir"
	"sigmac/parser"
	"sigmac/targets"
)

// TestMutation corrupts what is emitted for real rules, and holds the verdicts
// against the evaluator: no event tells the sides of a proof apart, and every
// counterexample does. SIGMAC_MUTATION=all takes every rule of the corpus, which
// lasts some ten minutes, and SIGMAC_MUTATION=3/20 the third of twenty parts of them.
func TestMutation(t *testing.T) {
	part, of, events := 1, 40, 300
	switch wanted := os.Getenv("SIGMAC_MUTATION"); wanted {
	case "":
	case "all":
		of, events = 1, 2000
	default:
		if _, err := fmt.Sscanf(wanted, "%d/%d", &part, &of); err != nil || part < 1 || part > of {
			t.Fatal("SIGMAC_MUTATION is all, or a part of it like 3/20, not ", wanted)
		}
		events = 2000
	}
	kinds := mutations()
	jobs := mutationJobs(t, part, of)
	results := make([][]outcome, len(jobs))
	next := make(chan int)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for i := range next {
				results[i] = jobs[i].mutate(kinds, events)
				for _, o := range results[i] {
					if o.fault != "" { // told now, for a full run takes long
						t.Errorf("%s: %s: %s\nquery:  %s\nmutant: %s\nwant:   %s\n%s", jobs[i].name, jobs[i].b.Name, o.kind.name,
							jobs[i].query, o.mutant, jobs[i].want.Conditions[jobs[i].i].Expr, o.fault)
					}
				}
			}
		})
	}
	for i := range jobs {
		next <- i
	}
	close(next)
	workers.Wait()

	type key struct{ target, kind string }
	counts := map[key]*[len(columns)]int{}
	var total [len(columns)]int
	for i, outcomes := range results {
		for _, o := range outcomes {
			k := key{jobs[i].b.Name, o.kind.name}
			if counts[k] == nil {
				counts[k] = &[len(columns)]int{}
			}
			counts[k][o.column]++
			if o.kind.name != unchanged {
				total[o.column]++
			}
		}
	}
	var table strings.Builder
	fmt.Fprintf(&table, "%-8s %-34s", "target", "kind")
	for _, c := range columns {
		fmt.Fprintf(&table, " %9s", c)
	}
	for _, target := range targets.All() {
		for _, kind := range kinds {
			n := counts[key{target.Name, kind.name}]
			if n == nil {
				if kind.target == target.Name || kind.target == "" && !slices.ContainsFunc(targets.All(), func(t *backends.Target) bool {
					return counts[key{t.Name, kind.name}] != nil
				}) {
					t.Errorf("%s: nothing to %s", target.Name, kind.name)
				}
				continue
			}
			fmt.Fprintf(&table, "\n%-8s %-34s", target.Name, kind.name)
			for _, k := range n {
				fmt.Fprintf(&table, " %9d", k)
			}
		}
	}
	sum := 0
	fmt.Fprintf(&table, "\n%-8s %-34s", "all", "")
	for _, k := range total {
		sum += k
		fmt.Fprintf(&table, " %9d", k)
	}
	t.Logf("%d queries, %d mutants\n%s", len(jobs), sum, table.String())
	if total[rejected]*5 > sum {
		t.Errorf("%d of %d mutants are not read", total[rejected], sum)
	}
}

// unchanged is the kind that changes nothing.
const unchanged = "nothing"

// An outcome is what became of one mutant.
type outcome struct {
	kind   mutation
	mutant string
	column int
	fault  string // what is wrong with the verdict
}

// The columns of the table: the verdicts on a query of a rule, and what has none; the last holds
// those agreed mutants that an event tells apart.
var columns = [...]string{"proved", "partial", "agreed", "refuted", "rejected", "missed"}

const (
	rejected = 4
	missed   = 5
)

// A mutationJob is one query that means the i-th condition of want.
type mutationJob struct {
	name  string
	b     *backends.Target
	want  *ir.Rule
	i     int
	query string
}

// mutationJobs are the queries of the golden rules and of one part of the rules of
// the corpus.
func mutationJobs(t *testing.T, part, of int) (jobs []mutationJob) {
	c := &parser.Collection{}
	goldens, err := filepath.Glob("../golden/*.txtar")
	if err != nil || len(goldens) == 0 {
		t.Fatal("no golden rules", err)
	}
	for _, path := range goldens {
		a, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		c.Add(parser.Parse(path, a.Files[0].Data))
	}
	var files []string
	if corpus.Dir() == "" {
		t.Log("no corpus of rules, the golden ones only: set SIGMAC_CORPUS")
	} else {
		files = corpus.Files(t, ".yml", "sigma/rules*")
	}
	for i := part - 1; i < len(files); i += of {
		src, err := os.ReadFile(files[i])
		if err != nil {
			t.Fatal(err)
		}
		c.Add(parser.Parse(files[i], src))
	}
	for _, d := range c.Documents {
		if d.Rule == nil || len(d.Errors) > 0 {
			continue
		}
		want, err := ir.Want(d.Rule)
		if err != nil {
			continue // too large
		}
		for _, target := range targets.All() {
			legal, refused := backends.Legalize(ir.Simplify(want), target.Format.Caps)
			if len(refused) > 0 {
				continue
			}
			queries, err := irtest.Emit(target.Format.Emit).Flat(legal)
			if err != nil {
				continue // a value that no literal can hold
			}
			for i, q := range queries {
				jobs = append(jobs, mutationJob{d.Path, target, want, i, q})
			}
		}
	}
	return jobs
}

func hash(texts ...string) uint64 {
	h := fnv.New64a()
	for _, s := range texts {
		fmt.Fprintf(h, "%s\x00", s)
	}
	return h.Sum64()
}

// mutate judges one mutant of each kind.
func (j mutationJob) mutate(kinds []mutation, events int) (out []outcome) {
	m := newModel(j.b.World, rand.New(rand.NewPCG(hash(j.b.Name, j.query), 3)))
	var fresh []*modelLeaf
	want := m.tree(j.want.Conditions[j.i].Expr, &fresh)
	m.grow(events, want)
	for _, kind := range kinds {
		if kind.target != "" && kind.target != j.b.Name {
			continue
		}
		variants := kind.variants(j.query)
		if kind.name != unchanged {
			variants = slices.DeleteFunc(variants, func(q string) bool { return q == j.query })
		}
		if len(variants) > 0 {
			q := variants[hash(kind.name, j.query)%uint64(len(variants))]
			out = append(out, j.judge(m, want, kind, q))
			m.events = m.events[:events]
		}
	}
	return out
}

// judge holds the verdict on a mutant against the evaluator.
func (j mutationJob) judge(m *model, want tree, kind mutation, mutant string) (o outcome) {
	o = outcome{kind: kind, mutant: mutant}
	defer func() {
		if p := recover(); p != nil {
			o.fault = fmt.Sprint("panic: ", p)
		}
	}()
	read, err := readAll(readings(j.b, mutant, typingOf(j.want), nil))
	if err != nil {
		o.column = rejected
		if kind.name == unchanged {
			o.fault = err.Error()
		}
		return o
	}
	for i, r := range read {
		q := *r.query
		if q.Where, q.Times = q.Whole(), nil; j.want.Scope.Index == "" {
			p := (&ir.Query{Scope: q.Scope, Where: q.Where}).Predicate()
			q.Where, q.Scope = p.Whole(), p.Scope
		}
		read[i].query = &q
	}
	res, err := Query(j.b, j.want, j.i, mutant, DefaultBudget)
	if err != nil {
		o.fault = err.Error()
		return o
	}
	o.column = slices.Index(columns[:], res.Verdict.String())
	if as, proved := Proves(j.b, j.want, j.i, mutant, DefaultBudget); proved != (res.Verdict == Proved) || proved && !slices.Equal(as, res.Assumptions) {
		o.fault = fmt.Sprintf("%s, but Proves says %v on %q", res.Verdict, proved, as)
		return o
	}
	if res.Verdict == Refuted {
		if kind.name == unchanged {
			o.fault = "refuted: "
		}
		o.fault += j.counterexample(res, read)
		return o
	}
	// A proof must hold whatever an opaque part is, a refutation too.
	if ev, r := j.difference(m, want, read, res.Verdict > Partial); ev != nil {
		if res.Verdict <= Partial {
			o.fault = fmt.Sprintf("proved, but %q tells them apart, unmapped: %v\nread as %s", ev, r.unmapped, r.query.Where)
		} else {
			o.column = missed
		}
	}
	return o
}

// difference looks for an event of the world that the rule or the query
// matches, but not both.
func (j mutationJob) difference(m *model, want tree, read []reading, surely bool) (map[string]any, reading) {
	base := len(m.leaves)
	for _, f := range m.fields {
		f.free = max(f.free, len(f.states)+maxStates/4) // the mutant's own tests get values
	}
	trees := make([]tree, len(read))
	var fresh []*modelLeaf
	for i, r := range read {
		if r.query.Where == nil {
			return nil, r
		}
		trees[i] = m.tree(r.query.Where, &fresh)
	}
	expr := j.want.Conditions[j.i].Expr
	for round, tried := 0, 0; round < 2; round++ {
		for i, r := range read {
			undo := undoing(r.query.Unjudged())
			step := 1
			if i > 0 { // many choices of unmapped fields share the events
				step += len(read) / 8
			}
			for at := tried + i%step; at < len(m.events); at += step {
				differs := func(opaque bool) bool {
					w, q := m.true(want, m.events[at], r.unmapped, opaque), m.true(trees[i], m.events[at], r.unmapped, opaque)
					return w != q && !(surely && (q && undo.wider || w && undo.narrower)) // what a later stage may undo tells nothing apart
				}
				for _, opaque := range []bool{false, true} {
					if !differs(opaque) || surely && !differs(!opaque) {
						continue
					}
					fields := m.fieldsOf(m.events[at], r.unmapped)
					ev := newEvent(fields)
					if holds(m.world, expr, ev, opaque) == holds(m.world, r.query.Where, ev, opaque) {
						panic("the model and the evaluator disagree on " + ev.Raw())
					}
					return fields, r
				}
			}
		}
		if tried = len(m.events); round > 0 || len(m.leaves) == base {
			break
		}
		m.grow(len(m.events)/4, trees[0], want)
		if f := fresh[0].field; !slices.ContainsFunc(fresh, func(l *modelLeaf) bool { return l.field != f }) {
			m.enumerate(f, fresh, trees[0], want)
		}
	}
	return nil, reading{}
}

// counterexample says what is wrong with the one of res.
func (j mutationJob) counterexample(res Result, read []reading) string {
	expr := j.want.Conditions[j.i].Expr
	i := slices.IndexFunc(read, func(r reading) bool { return slices.Equal(r.unmapped, res.Unmapped) })
	if i < 0 {
		return fmt.Sprint("no reading with these unmapped: ", res.Unmapped)
	}
	if read[i].query.Scope != j.want.Scope {
		return ""
	}
	types := ir.Types(j.want.Types())
	fields := map[string]any{}
	for name, v := range res.Counterexample {
		typ, _ := types.Type("", name)
		vs, several := v.([]any)
		if !several {
			vs = []any{v}
		}
		w := j.b.World(typ)
		if name == rawText {
			w = backends.World{}
		}
		for _, v := range vs {
			if _, ok := admit(w, typ, fmt.Sprint(v)); !ok && typ != ir.Address || several && !w.Several || slices.Contains(res.Unmapped, name) {
				return fmt.Sprintf("the counterexample %q is not of the world: %s", res.Counterexample, name)
			}
		}
		fields[name] = v
	}
	ev := newEvent(fields)
	for _, opaque := range []bool{false, true} {
		w, q := holds(j.b.World, expr, ev, opaque), holds(j.b.World, read[i].query.Where, ev, opaque)
		if w == q || w != res.RuleMatches || q != res.QueryMatches || w && res.Direction == "wider" || q && res.Direction == "narrower" {
			return fmt.Sprintf("refuted (%s) by %q, of which the rule says %v and the query %v, unmapped: %v\nread as %s",
				res.Direction, res.Counterexample, w, q, res.Unmapped, read[i].query.Where)
		}
	}
	return ""
}
