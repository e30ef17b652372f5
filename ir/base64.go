package ir

// ExpandBase64Offset replaces Base64Offset by the group of its three texts.
// ExpandWindash has run.
func ExpandBase64Offset(r *Rule) *Rule {
	return r.Rewrite(func(e Expr) (Expr, bool) {
		switch testOf(e).(type) {
		case Base64Offset, Encode:
			tests, err := expandBase64(testOf(e))
			if err != nil {
				panic("ir: the parser let pass: " + err.Error())
			}
			return anyOf(e, tests), true
		}
		return e, false
	})
}

func expandBase64(t Test) ([]Test, error) {
	switch t := t.(type) {
	case Base64Offset:
		inner, err := expandBase64(t.X)
		if err != nil {
			return nil, err
		}
		var out []Test
		for _, x := range inner {
			ps, err := x.(Pattern).Offsets()
			if err != nil {
				return nil, err
			}
			for _, p := range ps {
				out = append(out, p)
			}
		}
		return out, nil
	case Encode:
		inner, err := expandBase64(t.X)
		if err != nil {
			return nil, err
		}
		for i, x := range inner {
			if inner[i], err = x.(Pattern).Encode(t.As); err != nil {
				return nil, err
			}
		}
		return inner, nil
	}
	return []Test{t}, nil
}

// CheckSugar says what is wrong with a test of Windash, Base64Offset and
// Encode: too many variants, or one that is no text or looks for nothing.
func CheckSugar(t Test) error {
	tests, err := expandWindash(t)
	if err != nil {
		return err
	}
	for _, x := range tests {
		all, err := expandBase64(x)
		if err != nil {
			return err
		}
		for _, y := range all {
			if p, ok := y.(Pattern); ok && !validText(p) {
				return errNoText
			}
		}
	}
	return nil
}
