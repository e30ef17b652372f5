package tail

import (
	"reflect"

	"sigmac/ir"
)

// Rewrite is q with what f makes of its parts, a whole before what is in it: of each Op and
// Expr, of a Named, Agg or SortKey, and of each ir.Expr that is asked of an event. What f
// gives is of the type that it was given, or in the place of an Op, an Expr or an ir.Expr
// another of these. It reaches what stands in exported fields of the types of this
// package, so a language that adds an Op need say nothing.
func (q *Query) Rewrite(f func(part any) any) *Query {
	out := rewrite(reflect.ValueOf(*q), f).Interface().(Query)
	return &out
}

var (
	opType    = reflect.TypeFor[Op]()
	exprType  = reflect.TypeFor[Expr]()
	eventType = reflect.TypeFor[ir.Expr]()
)

func rewrite(v reflect.Value, f func(any) any) reflect.Value {
	out := reflect.New(v.Type()).Elem()
	out.Set(v)
	switch v.Kind() {
	case reflect.Interface:
		switch {
		case v.IsNil():
		case v.Type() == eventType:
			out.Set(reflect.ValueOf(f(v.Interface())))
		case v.Type() == opType || v.Type() == exprType:
			out.Set(rewrite(v.Elem(), f))
		}
	case reflect.Struct:
		if v.Type().PkgPath() != opType.PkgPath() {
			return v
		}
		v = reflect.ValueOf(f(v.Interface()))
		if v.Kind() != reflect.Struct {
			return v
		}
		out = reflect.New(v.Type()).Elem()
		out.Set(v)
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				out.Field(i).Set(rewrite(v.Field(i), f))
			}
		}
	case reflect.Pointer:
		if !v.IsNil() && v.Type().Elem().PkgPath() == opType.PkgPath() {
			out.Set(reflect.New(v.Type().Elem()))
			out.Elem().Set(rewrite(v.Elem(), f))
		}
	case reflect.Slice:
		if !v.IsNil() {
			out.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
			for i := range v.Len() {
				out.Index(i).Set(rewrite(v.Index(i), f))
			}
		}
	case reflect.Array:
		for i := range v.Len() {
			out.Index(i).Set(rewrite(v.Index(i), f))
		}
	}
	return out
}
