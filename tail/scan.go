package tail

import (
	"fmt"
	"strings"
)

// Cumulate adds a column with what is summed up over the rows so far: Do of what it was at
// the row before, null at the first one, and of Of. Where Restart is true it begins anew.
type Cumulate struct {
	As, Name string
	Of       Expr
	Restart  Expr // nil: nowhere
	Do       func(so, value Value) Value
}

// Scan goes over the rows and takes each to the steps, from the last to the first. A step
// has a state, which is what the rows were that have come to it in one sequence. A row
// comes to a step where the step before has a state, which goes along, or where the step
// has one itself; to the first step it always does.
type Scan struct {
	Declared []Named // columns, and what they are where no step sets them
	Steps    []ScanStep
}

// A ScanStep is one of a Scan. What it knows of another row is Known by the name of the step,
// a point, and the name of the column.
type ScanStep struct {
	Name   string
	When   Expr
	Set    []Named
	Silent bool // its rows do not come out
}

// Apply adds the column.
func (o Cumulate) Apply(env *Env, rows []Row) []Row {
	out := make([]Row, len(rows))
	var so Value
	for i, r := range rows {
		f := &Frame{Env: env, Rows: rows, At: i}
		if o.Restart != nil && o.Restart.Eval(f) == true {
			so = nil
		}
		so = o.Do(so, o.Of.Eval(f))
		out[i] = with(r, map[string]Value{o.As: so})
	}
	return out
}

// Apply scans.
func (o Scan) Apply(env *Env, rows []Row) (out []Row) {
	states := make([][]Row, len(o.Steps)) // of each step, the rows of it and of those before
	for _, r := range rows {
		for k := len(o.Steps) - 1; k >= 0; k-- {
			if env.Steps--; env.Steps < 0 {
				return nil
			}
			if k > 0 && states[k-1] != nil {
				if made, ok := o.match(env, k, states[k-1], r); ok {
					states[k], states[k-1] = append(states[k-1][:k:k], made), nil
					out = o.give(out, k, made)
					continue
				}
			}
			if k > 0 && states[k] == nil {
				continue
			}
			if made, ok := o.match(env, k, states[k], r); ok {
				states[k] = append(states[k][:min(k, len(states[k])):min(k, len(states[k]))], made)
				out = o.give(out, k, made)
			}
		}
	}
	return out
}

func (o Scan) give(out []Row, step int, r Row) []Row {
	if o.Steps[step].Silent {
		return out
	}
	return append(out, r)
}

// match gives a row as a step makes it, if it comes to it from a state.
func (o Scan) match(env *Env, step int, state []Row, r Row) (Row, bool) {
	f := &Frame{Env: env, Rows: []Row{r}, State: map[string]Value{}}
	fresh := values(f, o.Declared)
	for i, s := range o.Steps {
		for name, v := range fresh {
			f.State[s.Name+"."+name] = v
		}
		if i < len(state) {
			for name, v := range state[i] {
				f.State[s.Name+"."+name] = v
			}
		}
	}
	f.Rows = []Row{with(r, fresh)}
	s := o.Steps[step]
	if s.When.Eval(f) != true {
		return nil, false
	}
	return with(f.Rows[0], values(f, s.Set)), true
}

func (o Cumulate) String() string {
	s := fmt.Sprintf("running %s=%s(%s)", o.As, o.Name, o.Of)
	if o.Restart != nil {
		s += " restart " + o.Restart.String()
	}
	return s
}

func (o Scan) String() string {
	steps := make([]string, len(o.Steps))
	for i, s := range o.Steps {
		steps[i] = s.String()
	}
	return "scan " + list(o.Declared) + " (" + strings.Join(steps, "; ") + ")"
}

func (s ScanStep) String() string {
	out := s.Name + ": " + s.When.String()
	if s.Silent {
		out += " silent"
	}
	if len(s.Set) > 0 {
		out += " set " + list(s.Set)
	}
	return out
}

// Filled gives each row these columns, null where it has none.
type Filled struct{ Names []string }

// Apply adds the columns.
func (o Filled) Apply(_ *Env, rows []Row) []Row {
	out := make([]Row, len(rows))
	for i, r := range rows {
		full := make(Row, len(r)+len(o.Names))
		for _, name := range o.Names {
			full[name] = nil
		}
		out[i] = with(full, r)
	}
	return out
}

func (o Filled) String() string { return "fill " + strings.Join(o.Names, ", ") }
