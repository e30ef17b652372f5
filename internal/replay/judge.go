package replay

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sigmac/backends"
	"sigmac/internal/plain"
	"sigmac/ir"
)

// maxResults bounds a file of results in bytes.
const maxResults = 64 << 20

// Load reads what a kit expects. The error has the place in the file.
func Load(dir string) (*Kit, error) {
	path := filepath.Join(dir, KitFile)
	text, err := readFile(path)
	if err != nil {
		return nil, err
	}
	k := &Kit{}
	if err := backends.DecodeAnswer(text, k); err != nil {
		return nil, inFile(path, err)
	}
	names := map[string]bool{}
	for _, q := range k.Queries {
		if q.Name == "" || names[q.Name] {
			return nil, &ir.Diagnostic{Path: path, Msg: fmt.Sprintf("the name %q of a query is empty or stands twice", q.Name)}
		}
		names[q.Name] = true
		for _, id := range slices.Concat(q.Finds, q.On, q.Open) {
			if _, ok := k.Events[id]; !ok {
				return nil, &ir.Diagnostic{Path: path, Msg: fmt.Sprintf("the query %s names the event %q, which there is not", q.Name, id)}
			}
		}
	}
	return k, nil
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxResults+1))
	if err == nil && len(text) > maxResults {
		err = &ir.Diagnostic{Path: path, Msg: fmt.Sprintf("it has more than %d bytes", maxResults)}
	}
	return text, err
}

// inFile is an error with the file that it is about.
func inFile(path string, err error) error {
	if e := (*ir.Diagnostic)(nil); errors.As(err, &e) {
		e.Path = path
		return e
	}
	return &ir.Diagnostic{Path: path, Msg: err.Error()}
}

// An Answer is what came back of a query.
type Answer struct {
	Events  []string
	Refused string // what the engine said in their place
}

// Answers reads results: a file of lines {"query": …, "events": […]} or {"query": …, "error": …},
// or a directory with a file for each query, as the engine exports it. Each error has its place.
func (k *Kit) Answers(t *backends.Target, path string) (map[string]Answer, []error) {
	out := map[string]Answer{}
	info, err := os.Stat(path)
	if err != nil {
		return nil, []error{err}
	}
	if !info.IsDir() {
		return out, k.lines(path, out)
	}
	files, err := os.ReadDir(path)
	if err != nil {
		return nil, []error{err}
	}
	var errs []error
	for _, f := range files {
		file := filepath.Join(path, f.Name())
		name := strings.TrimSuffix(f.Name(), filepath.Ext(f.Name()))
		if f.IsDir() || strings.HasPrefix(f.Name(), ".") {
			continue
		}
		text, err := readFile(file)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if len(text) == 0 {
			errs = append(errs, &ir.Diagnostic{Path: file, Msg: "the file is empty: no engine answers so"})
			continue
		}
		ids, err := t.Replay().Answer(f.Name(), text)
		if refused := (*backends.Refused)(nil); errors.As(err, &refused) {
			err = k.add(out, name, Answer{Refused: refused.Says})
		} else if err == nil {
			err = k.add(out, name, Answer{Events: ids})
		}
		if err != nil {
			errs = append(errs, inFile(file, err))
		}
	}
	return out, errs
}

// lines reads a file of one JSON object a line.
func (k *Kit) lines(path string, out map[string]Answer) (errs []error) {
	text, err := readFile(path)
	if err != nil {
		return []error{err}
	}
	n := 0
	for line := range bytes.Lines(text) {
		if n++; len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		var one struct {
			Query  string    `json:"query"`
			Events *[]string `json:"events"`
			Error  string    `json:"error"`
		}
		err := backends.DecodeAnswer(line, &one)
		switch {
		case err != nil:
		case (one.Events == nil) == (one.Error == ""):
			err = errors.New("a result has either events or an error")
		case one.Events == nil:
			err = k.add(out, one.Query, Answer{Refused: one.Error})
		default:
			err = k.add(out, one.Query, Answer{Events: *one.Events})
		}
		if err == nil {
			continue
		}
		if e := (*ir.Diagnostic)(nil); errors.As(err, &e) && e.Pos.Line > 0 {
			e.Pos.Line = n
		} else {
			err = &ir.Diagnostic{Pos: ir.Pos{Line: n, Column: 1}, Msg: err.Error()}
		}
		errs = append(errs, inFile(path, err))
	}
	return errs
}

// add notes an answer.
func (k *Kit) add(out map[string]Answer, name string, a Answer) error {
	if !slices.ContainsFunc(k.Queries, func(q Query) bool { return q.Name == name }) {
		return fmt.Errorf("the kit has no query %q", name)
	}
	if _, twice := out[name]; twice {
		return fmt.Errorf("there are two results of the query %q", name)
	}
	for _, id := range a.Events {
		if _, ok := k.Events[id]; !ok {
			return fmt.Errorf("the kit has no event %q", id)
		}
	}
	out[name] = a
	return nil
}

// What became of a query, and of an assumption.
const (
	AsExpected = "as expected"
	Differs    = "differs"
	Refused    = "refused" // by the engine
	NotRun     = "not run"

	Confirmed = "confirmed" // all of its probes found what it says
	Refuted   = "refuted"   // by an event that sits on it, or a refusal where it is about that
	Unclear   = "unclear"   // events beside it are answered otherwise too, or the engine refuses the query
	Untouched = "untouched"
)

// A Verdict is what the results say of a kit.
type Verdict struct {
	Target      string              `json:"target"`
	Queries     []QueryVerdict      `json:"queries"`
	Assumptions []AssumptionVerdict `json:"assumptions"`
}

// A QueryVerdict compares what a query found with what it should.
type QueryVerdict struct {
	Name    string   `json:"query"`
	Status  string   `json:"status"`
	Says    string   `json:"says,omitempty"` // of the probe, or the rule
	Reason  string   `json:"reason,omitempty"`
	Missing []string `json:"missing,omitempty"` // ids of events
	Extra   []string `json:"extra,omitempty"`
}

// An AssumptionVerdict says what became of an assumption.
type AssumptionVerdict struct {
	ID     string   `json:"id"`
	Status string   `json:"status"`
	By     []string `json:"by,omitempty"` // the queries that say so
	Reason string   `json:"reason,omitempty"`
}

// Differs says whether anything is other than expected.
func (v Verdict) Differs() bool {
	return slices.ContainsFunc(v.Queries, func(q QueryVerdict) bool { return q.Status == Differs || q.Status == Refused })
}

// Judge compares answers with what a kit expects.
func (k *Kit) Judge(answers map[string]Answer) Verdict {
	out := Verdict{Target: k.Target}
	by := map[string]map[string][]string{} // assumption and status: queries
	for _, q := range k.Queries {
		a, run := answers[q.Name]
		v, status := q.judge(a, run)
		out.Queries = append(out.Queries, v)
		if q.Of != "" {
			if by[q.Of] == nil {
				by[q.Of] = map[string][]string{}
			}
			by[q.Of][status] = append(by[q.Of][status], q.Name)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(by)) {
		for _, status := range []string{Refuted, Unclear, Confirmed, Untouched} {
			if names := by[id][status]; len(names) > 0 {
				out.Assumptions = append(out.Assumptions, AssumptionVerdict{ID: id, Status: status, By: names})
				break
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(k.Unprobed)) {
		if by[id] == nil {
			out.Assumptions = append(out.Assumptions, AssumptionVerdict{ID: id, Status: Untouched, Reason: k.Unprobed[id]})
		}
	}
	return out
}

// judge is a query's own verdict, and what it says of the assumption that it probes.
func (q Query) judge(a Answer, run bool) (v QueryVerdict, assumption string) {
	v = QueryVerdict{Name: q.Name, Status: AsExpected, Says: q.Says}
	if q.Rule != "" {
		v.Says = q.Rule
	}
	switch {
	case !run:
		v.Status = NotRun
		return v, Untouched
	case a.Refused != "":
		v.Status, v.Reason = Refused, a.Refused
		if q.Accepted {
			return v, Refuted
		}
		return v, Unclear
	}
	for _, id := range q.Finds {
		if !slices.Contains(a.Events, id) {
			v.Missing = append(v.Missing, id)
		}
	}
	for _, id := range a.Events {
		if !slices.Contains(q.Finds, id) && !slices.Contains(q.Open, id) && !slices.Contains(v.Extra, id) {
			v.Extra = append(v.Extra, id)
		}
	}
	wrong := append(slices.Clone(v.Missing), v.Extra...)
	switch {
	case len(wrong) == 0:
		return v, Confirmed
	case slices.ContainsFunc(wrong, func(id string) bool { return !slices.Contains(q.On, id) }):
		v.Status = Differs
		return v, Unclear
	}
	v.Status = Differs
	return v, Refuted
}

// Text lays a verdict out for people, with the events by which queries differ.
func (k *Kit) Text(v Verdict) string {
	var b strings.Builder
	line := func(format string, args ...any) { _ = plain.Line(&b, format, args...) } // a Builder takes all
	counts := map[string]int{}
	for _, q := range v.Queries {
		counts[q.Status]++
		if q.Status == AsExpected || q.Status == NotRun {
			continue
		}
		line("%s: %s: %s", q.Name, q.Status, q.Says)
		if q.Reason != "" {
			line("  the engine says: %s", q.Reason)
		}
		for _, id := range q.Missing {
			line("  missing %s %s", id, short(k.Events[id]))
		}
		for _, id := range q.Extra {
			line("  too many %s %s", id, short(k.Events[id]))
		}
	}
	for _, a := range v.Assumptions {
		counts[a.Status]++
		why := a.Reason
		if len(a.By) > 0 {
			why = strings.Join(a.By, ", ")
		}
		line("%-9s  %s (%s)", a.Status, a.ID, why)
	}
	line("%d queries as expected, %d differ, %d refused, %d not run; of the assumptions %d confirmed, %d refuted, %d unclear, %d untouched",
		counts[AsExpected], counts[Differs], counts[Refused], counts[NotRun], counts[Confirmed], counts[Refuted], counts[Unclear], counts[Untouched])
	return b.String()
}

// short is the beginning of an event.
func short(event string) string {
	const most = 300
	if r := []rune(event); len(r) > most {
		return string(r[:most]) + "…"
	}
	return event
}

// JSON is a verdict in one line.
func (v Verdict) JSON() (string, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return b.String(), err
}
