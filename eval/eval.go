// Package eval says what a rule means: whether an event matches it. It is the
// reference that everything else is held against, so it is written to be seen right,
// not to be fast, and it uses none of the passes. Prepared is the fast way to the same
// answers and is held against it.
//
// Package regexp runs the expressions that it can; a small backtracking matcher runs
// the rest of PCRE.
package eval

import (
	"encoding/json"
	"fmt"
	"math/big"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"sigmac/internal/lazy"
	"sigmac/ir"
	"sigmac/regex"
)

// Rule says whether the event matches one of the rule's conditions. The log
// source is not looked at.
func Rule(r *ir.Rule, ev Event) bool {
	for i := range r.Conditions {
		if Condition(r, i, ev) {
			return true
		}
	}
	return false
}

// Condition says whether the event matches the rule's i-th condition, from 0.
func Condition(r *ir.Rule, i int, ev Event) bool {
	return Expr(r, r.Conditions[i].Expr, ev)
}

// Expr says whether e is true of the event. The detections that e refers to
// are those of r, which may be nil where there are none. Expr panics on what
// Unevaluable names, save placeholders, which match nothing.
func Expr(r *ir.Rule, e ir.Expr, ev Event) bool {
	switch e := e.(type) {
	case ir.And:
		for _, x := range e {
			if !Expr(r, x, ev) {
				return false
			}
		}
		return true
	case ir.Or:
		for _, x := range e {
			if Expr(r, x, ev) {
				return true
			}
		}
		return false
	case ir.Not:
		return !Expr(r, e.X, ev)
	case ir.Item:
		return Expr(r, e.X, ev)
	case ir.Ref:
		return Expr(r, detection(r, e.Name), ev)
	case ir.Of:
		for _, name := range e.Names {
			if Expr(r, detection(r, name), ev) != e.All {
				return !e.All
			}
		}
		return e.All
	case ir.Match:
		values, present := ev.Field(e.Field.Name)
		switch e.Test.(type) {
		case ir.Null:
			return len(values) == 0
		case ir.Exists:
			return present
		}
		return slices.ContainsFunc(values, func(v any) bool { return passes(e.Test, v, ev) })
	case ir.Keyword:
		// Without the source's own text, the JSON stands in; what it escapes is
		// looked for in the values.
		yes := func(v any) bool { return passes(e.Test, v, ev) }
		if _, given := ev.fields[rawField].(string); given {
			return yes(ev.raw)
		}
		return yes(ev.raw) || anyText(ev.fields, yes)
	}
	panic(fmt.Sprintf("eval: an expression of type %T", e))
}

func detection(r *ir.Rule, name string) ir.Expr {
	if r != nil {
		for _, d := range r.Detections {
			if d.Name == name {
				return d.Expr
			}
		}
	}
	panic("eval: no detection is named " + name)
}

// passes says whether a value, which is not null, passes the test.
func passes(t ir.Test, v any, ev Event) bool {
	s, scalar := text(v)
	if !scalar {
		return false
	}
	switch t := t.(type) {
	case ir.Pattern:
		return glob(t, false, s)
	case ir.Windash:
		if p, ok := t.X.(ir.Pattern); ok {
			return glob(p, true, s)
		}
		return someVariant(t, s)
	case ir.Base64Offset, ir.Encode:
		return someVariant(t, s)
	case ir.Regexp:
		return t.Re != nil && search(t.Re, s)
	case ir.CIDR:
		a, err := netip.ParseAddr(s)
		return err == nil && t.Net.Contains(a)
	case ir.Compare:
		return compare(t, v)
	case ir.Bool:
		_, number := v.(json.Number)
		return !number && regex.Fold(s) == regex.Fold(strconv.FormatBool(t.Value))
	case ir.FieldRef:
		return refers(t, s, ev)
	case ir.TimePart:
		d, ok := dateOf(v)
		if !ok {
			return false
		}
		part, ok := timePart(t.Part, d)
		if !ok {
			panic("eval: a date has no part " + t.Part)
		}
		return t.Op.Holds(part, t.Number)
	case ir.Null:
		return false
	case ir.Exists:
		return true
	}
	panic(fmt.Sprintf("eval: a test of type %T", t))
}

// text is a scalar as text.
func text(v any) (s string, scalar bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return string(v), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}

func compare(t ir.Compare, v any) bool {
	switch v := v.(type) {
	case json.Number:
		return t.Op.Holds(ir.Number(v), t.Number)
	case string:
		if t.Op == ir.Eq {
			return v == string(t.Number)
		}
		n, ok := ir.ParseNumber(v)
		return ok && t.Op.Holds(n, t.Number)
	}
	return false
}

func refers(t ir.FieldRef, s string, ev Event) bool {
	relates, fold := relation(t.Shape), regex.Fold
	if t.Cased {
		fold = func(s string) string { return s }
	}
	others, _ := ev.Field(t.Other.Name)
	return slices.ContainsFunc(others, func(v any) bool {
		other, scalar := text(v)
		return scalar && relates(fold(s), fold(other))
	})
}

// relation is what a FieldRef of a shape asks of a text and that of the other field.
func relation(shape ir.Shape) func(s, other string) bool {
	switch shape {
	case ir.Exact:
		return func(s, other string) bool { return s == other }
	case ir.Prefix:
		return strings.HasPrefix
	case ir.Suffix:
		return strings.HasSuffix
	case ir.Contains:
		return strings.Contains
	}
	panic(fmt.Sprintf("eval: fieldref of shape %d", shape))
}

var dateText = lazy.Regexp(`^(\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])` +
	`(?:[T ]([01]\d|2[0-3]):([0-5]\d)(?::[0-5]\d(?:[.,]\d+)?)?(?: ?(?:Z|[+-](?:[01]\d|2[0-3]):?[0-5]\d))?)?$`)

// A date is its year, month, day, hour and minute.
type date [5]int

// dateOf reads a date as it is written, with no regard to its time zone or to how
// many days its month has (specification 2.1: no conversion), or a number of
// seconds since 1970 in UTC.
func dateOf(v any) (d date, ok bool) {
	switch v := v.(type) {
	case string:
		m := dateText().FindStringSubmatch(v)
		if m == nil {
			return d, false
		}
		for i, part := range m[1:] {
			d[i], _ = strconv.Atoi(part) // nothing is midnight
		}
		return d, true
	case json.Number:
		r, ok := new(big.Rat).SetString(string(v))
		if !ok {
			return d, false
		}
		seconds := new(big.Int).Div(r.Num(), r.Denom()) // rounds down
		if seconds.BitLen() > 40 {                      // milliseconds, say
			return d, false
		}
		at := time.Unix(seconds.Int64(), 0).UTC()
		return date{at.Year(), int(at.Month()), at.Day(), at.Hour(), at.Minute()}, true
	}
	return d, false
}

func timePart(part string, d date) (ir.Number, bool) {
	i := slices.Index([]string{"year", "month", "day", "hour", "minute"}, part)
	switch {
	case part == "week":
		_, week := time.Date(d[0], time.Month(d[1]), d[2], 0, 0, 0, 0, time.UTC).ISOWeek()
		return ir.ParseNumber(strconv.Itoa(week))
	case i < 0:
		return "", false
	}
	return ir.ParseNumber(strconv.Itoa(d[i]))
}

// UnevaluableRule names the first thing in r that cannot be evaluated, and where
// it stands, or is "" as Unevaluable is. Detections that no condition refers to
// do not count.
func UnevaluableRule(r *ir.Rule) (pos ir.Pos, what string) {
	used := map[string]bool{}
	look := func(e ir.Expr) {
		switch e := e.(type) {
		case ir.Ref:
			used[e.Name] = true
		case ir.Of:
			for _, name := range e.Names {
				used[name] = true
			}
		default:
			if s := Unevaluable(e); s != "" && what == "" {
				what = s
				switch e := e.(type) {
				case ir.Match:
					pos = e.Pos
				case ir.Keyword:
					pos = e.Pos
				}
			}
		}
	}
	for _, c := range r.Conditions {
		ir.Walk(c.Expr, look)
	}
	for _, det := range r.Detections {
		if used[det.Name] {
			ir.Walk(det.Expr, look)
		}
	}
	return pos, what
}

// Unevaluable names the first thing in e that cannot be evaluated: an
// unresolved placeholder, a construct beyond the evaluator. It is "" where
// there is none; what Ref and Of refer to is not looked at.
func Unevaluable(e ir.Expr) string {
	switch e := e.(type) {
	case ir.And, ir.Or, ir.Not, ir.Item:
		for _, x := range ir.Parts(e) {
			if s := Unevaluable(x); s != "" {
				return s
			}
		}
		return ""
	case ir.Ref, ir.Of:
		return ""
	case ir.Match:
		return unevaluable(e.Test)
	case ir.Keyword:
		return unevaluable(e.Test)
	}
	return fmt.Sprintf("an expression of type %T", e)
}

func unevaluable(t ir.Test) string {
	switch t := t.(type) {
	case ir.Pattern:
		for _, p := range t.Parts {
			if p.Kind == ir.Placeholder {
				return "the placeholder %" + p.Text + "%"
			}
		}
		return ""
	case ir.Windash:
		if p, ok := t.X.(ir.Pattern); ok {
			return unevaluable(p)
		}
		return unevaluableSugar(t, t.X)
	case ir.Base64Offset:
		return unevaluableSugar(t, t.X)
	case ir.Encode:
		return unevaluableSugar(t, t.X)
	case ir.Regexp:
		if t.Re == nil {
			return "the placeholder %" + strings.Join(t.Placeholders, "%, %") + "%"
		}
		return t.Re.NotIn()
	case ir.TimePart:
		if _, ok := timePart(t.Part, date{}); !ok {
			return "the part " + t.Part + " of a date"
		}
		return ""
	case ir.CIDR, ir.Compare, ir.Bool, ir.Null, ir.Exists, ir.FieldRef:
		return ""
	}
	return fmt.Sprintf("a test of type %T", t)
}

func unevaluableSugar(t, x ir.Test) string {
	if s := unevaluable(x); s != "" {
		return s
	}
	if _, err := variants(t); err != nil {
		return err.Error()
	}
	return ""
}
