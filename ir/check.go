package ir

import "fmt"

// A Stage is how far the passes have come; Check knows what holds there.
type Stage uint8

// The stages of a rule: each follows the pass of its name.
const (
	Parsed Stage = iota
	NoWindash
	NoBase64
	Typed
	Inlined
	Simple
)

// Check names an invariant of stage that r breaks, or returns nil.
func Check(r *Rule, stage Stage) error {
	names := map[string]bool{}
	for _, d := range r.Detections {
		if names[d.Name] {
			return fmt.Errorf("two detections are named %s", d.Name)
		}
		names[d.Name] = true
		if err := checkExpr(d.Expr, stage, nil); err != nil {
			return fmt.Errorf("detection %s: %w", d.Name, err)
		}
	}
	if stage >= Inlined && len(names) > 0 {
		return fmt.Errorf("detections after Inline")
	}
	if len(r.Conditions) == 0 {
		return fmt.Errorf("no condition")
	}
	for _, c := range r.Conditions {
		if err := checkExpr(c.Expr, stage, names); err != nil {
			return fmt.Errorf("condition %q: %w", c.Text, err)
		}
	}
	return nil
}

// checkExpr checks a condition, which may name detections, or with nil names
// the body of one.
func checkExpr(e Expr, stage Stage, names map[string]bool) error {
	parts := func(es []Expr, same func(Expr) bool) error {
		if stage >= Simple && len(es) == 1 {
			return fmt.Errorf("a group of one: %s", e)
		}
		for _, x := range es {
			if stage >= Simple && same(x) {
				return fmt.Errorf("a group within its like: %s", e)
			}
			if err := checkExpr(x, stage, names); err != nil {
				return err
			}
		}
		return nil
	}
	switch e := e.(type) {
	case And:
		return parts(e, func(x Expr) bool { _, ok := x.(And); return ok })
	case Or:
		return parts(e, func(x Expr) bool { _, ok := x.(Or); return ok })
	case Not:
		if _, ok := e.X.(Not); ok && stage >= Simple {
			return fmt.Errorf("a double negation: %s", e)
		}
		return checkExpr(e.X, stage, names)
	case Item:
		if stage >= Inlined || names != nil {
			return fmt.Errorf("an item outside the detections: %s", e)
		}
		return checkExpr(e.X, stage, names)
	case Ref:
		if stage >= Inlined || !names[e.Name] {
			return fmt.Errorf("a reference to nothing: %s", e)
		}
	case Of:
		if stage >= Inlined || len(e.Names) == 0 {
			return fmt.Errorf("a reference to nothing: %s", e)
		}
		for _, n := range e.Names {
			if !names[n] {
				return fmt.Errorf("a reference to nothing: %s", e)
			}
		}
	case Match:
		if stage >= Typed && e.Field.Type == Unknown {
			return fmt.Errorf("a field without a type: %s", e)
		}
		if e.Field.Name == "" {
			return fmt.Errorf("a field without a name: %s", e)
		}
		return checkTest(e.Test, stage)
	case Keyword:
		return checkTest(e.Test, stage)
	default:
		return fmt.Errorf("not an expression: %T", e)
	}
	return nil
}

func checkTest(t Test, stage Stage) error {
	switch t := t.(type) {
	case Windash:
		if stage >= NoWindash {
			return fmt.Errorf("windash after its pass: %s", t)
		}
		return checkTest(t.X, stage)
	case Base64Offset:
		if stage >= NoBase64 {
			return fmt.Errorf("base64offset after its pass: %s", t)
		}
		return checkTest(t.X, stage)
	case Encode:
		if _, plain := t.X.(Pattern); plain || stage >= NoBase64 {
			return fmt.Errorf("an encoding of a plain pattern: %s", t)
		}
		return checkTest(t.X, stage)
	case Pattern:
		if fmt.Sprint(NewPattern(t.Cased, t.Parts...)) != fmt.Sprint(t) {
			return fmt.Errorf("a pattern with parts to join: %s", t)
		}
	case Regexp:
		if (t.Re == nil) != (len(t.Placeholders) > 0) {
			return fmt.Errorf("a regular expression without its meaning: %s", t)
		}
	case nil:
		return fmt.Errorf("no test")
	}
	return nil
}
