package ir

import "strconv"

// TypeFields is the pass Type: it gives every field that has none the type that all its tests in the rule
// agree on: only numbers, Numeric; only booleans, Boolean; only networks,
// Address; only parts of dates, Date; anything else, Text. Null and Exists say nothing. A number or a
// boolean tested on a text is its decimal text or its name.
func TypeFields(r *Rule) *Rule {
	types := map[string]Type{}
	var last struct {
		field Field
		vote  Type
	}
	vote := func(f Field, t Type) {
		if last.field == f && last.vote == t && f.Name != "" {
			return // the same again changes nothing
		}
		last.field, last.vote = f, t
		switch old, ok := types[f.Name]; {
		case f.Type != Unknown:
			types[f.Name] = f.Type
		case !ok || old == Unknown:
			types[f.Name] = t
		case t != Unknown && t != old:
			types[f.Name] = Text
		}
	}
	r.Walk(func(e Expr) {
		m, ok := e.(Match)
		if !ok {
			return
		}
		vote(m.Field, typeOf(m.Test))
		if ref, ok := m.Test.(FieldRef); ok {
			vote(ref.Other, Text)
		}
	})
	var done Field // that was typed last
	typed := func(f Field) Field {
		if f.Type == Unknown {
			if f.Name == done.Name && f.Name != "" {
				return done
			}
			if f.Type = types[f.Name]; f.Type == Unknown {
				f.Type = Text
			}
			done = f
		}
		return f
	}
	return r.Rewrite(func(e Expr) (Expr, bool) {
		m, ok := e.(Match)
		if !ok {
			return e, false
		}
		out := m
		out.Field = typed(m.Field)
		changed := out.Field != m.Field
		if ref, ok := m.Test.(FieldRef); ok {
			old := ref.Other
			ref.Other = typed(old)
			out.Test, changed = ref, changed || ref.Other != old
		}
		if out.Field.Type == Text {
			switch t := m.Test.(type) {
			case Compare:
				if t.Op == Eq {
					out.Test, changed = Lit(string(t.Number)), true
				}
			case Bool:
				out.Test, changed = Lit(strconv.FormatBool(t.Value)), true
			}
		}
		if !changed {
			return e, false
		}
		return out, true
	})
}

func typeOf(t Test) Type {
	switch t.(type) {
	case Null, Exists:
		return Unknown
	case Compare:
		return Numeric
	case Bool:
		return Boolean
	case CIDR:
		return Address
	case TimePart:
		return Date
	}
	return Text
}

// Types lists the fields of r with their types.
func (r *Rule) Types() map[string]Type {
	out := map[string]Type{}
	var last Field
	r.Walk(func(e Expr) {
		if m, ok := e.(Match); ok {
			if m.Field != last {
				out[m.Field.Name], last = m.Field.Type, m.Field
			}
			if ref, ok := m.Test.(FieldRef); ok {
				out[ref.Other.Name] = ref.Other.Type
			}
		}
	})
	return out
}
