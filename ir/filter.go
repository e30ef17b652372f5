package ir

import (
	"fmt"
	"reflect"
	"slices"
)

// Apply joins filters to a rule: each of its conditions and all of theirs, as written. It
// does not look whether they are meant for the rule. The detections of a filter come
// behind those of the rule, and are named after the filter.
func Apply(r *Rule, filters []*Filter) *Rule {
	if len(filters) == 0 {
		return r
	}
	out := *r
	out.Filters = append(slices.Clip(r.Filters), filters...)
	out.Detections, out.Conditions = slices.Clone(r.Detections), slices.Clone(r.Conditions)
	taken := map[string]bool{}
	for _, d := range r.Detections {
		taken[d.Name] = true
	}
	for _, f := range filters {
		names := map[string]string{}
		for _, d := range f.Detections {
			name := f.Called() + ": " + d.Name
			for i := 2; taken[name]; i++ {
				name = fmt.Sprintf("%s %d: %s", f.Called(), i, d.Name)
			}
			taken[name], names[d.Name] = true, name
			d.Name, d.Filter = name, f
			out.Detections = append(out.Detections, d)
		}
		for _, c := range f.Conditions {
			renamed, _ := Rewrite(c.Expr, func(e Expr) (Expr, bool) {
				switch e := e.(type) {
				case Ref:
					e.Name = names[e.Name]
					return e, true
				case Of:
					e.Names = slices.Clone(e.Names)
					for i, n := range e.Names {
						e.Names[i] = names[n]
					}
					return e, true
				}
				return e, false
			})
			for i := range out.Conditions {
				out.Conditions[i].Expr = And{out.Conditions[i].Expr, renamed}
			}
		}
	}
	return &out
}

// Parts are what a condition says by itself, and what each filter of r joins to it, before
// any pass.
func (r *Rule) Parts(c Condition) (own Expr, filters []Expr) {
	own = c.Expr
	for range r.Filters {
		joined := own.(And)
		own, filters = joined[0], append(filters, joined[1])
	}
	slices.Reverse(filters)
	return own, filters
}

// Called is the name of a filter, or else its title.
func (f *Filter) Called() string {
	if f.Meta.Name != "" {
		return f.Meta.Name
	}
	return f.Meta.Title
}

// In is a filter whose places are those of the file of a number, from 1 on.
func (f *Filter) In(file int) *Filter {
	out := stamped(reflect.ValueOf(*f), file).Interface().(Filter)
	return &out
}

// stamped is a copy of a value in which each Pos is of a file. What a pointer leads to has
// no places, and is shared.
func stamped(v reflect.Value, file int) reflect.Value {
	switch v.Kind() {
	case reflect.Interface:
		if !v.IsNil() {
			out := reflect.New(v.Type()).Elem()
			out.Set(stamped(v.Elem(), file))
			return out
		}
	case reflect.Slice:
		if !v.IsNil() && v.Type().Elem().Kind() != reflect.Uint8 {
			out := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
			for i := range v.Len() {
				out.Index(i).Set(stamped(v.Index(i), file))
			}
			return out
		}
	case reflect.Struct:
		out := reflect.New(v.Type()).Elem()
		out.Set(v)
		if p, ok := v.Interface().(Pos); ok {
			if p != (Pos{}) {
				out.Field(2).SetInt(int64(file))
			}
			return out
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				out.Field(i).Set(stamped(v.Field(i), file))
			}
		}
		return out
	}
	return v
}
