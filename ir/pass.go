package ir

import "slices"

// A Pass rewrites a rule into one that means the same.
type Pass struct {
	Name  string
	Stage Stage // what holds after it
	Run   func(*Rule) (*Rule, error)
}

func always(pass func(*Rule) *Rule) func(*Rule) (*Rule, error) {
	return func(r *Rule) (*Rule, error) { return pass(r), nil }
}

// Passes lists the passes from a parsed rule to one that backends.Legalize takes, with
// those of a mapping where they belong. The order is the design.
func Passes(mapping ...Pass) []Pass {
	return slices.Concat([]Pass{
		{"ExpandWindash", NoWindash, always(ExpandWindash)},          // what base64 encodes is the variant
		{"ExpandBase64Offset", NoBase64, always(ExpandBase64Offset)}, // pipelines see values after modifiers
	}, mapping, []Pass{
		{"Type", Typed, always(TypeFields)}, // from here on every field has a type
		{"Inline", Inlined, Inline},         // conditions stand alone
		{"Simplify", Simple, always(Simplify)},
	})
}

// Want is what queries for r are to mean: r typed and inlined. It fails where a
// condition gets too large.
func Want(r *Rule) (*Rule, error) {
	for _, p := range Passes() {
		next, err := p.Run(r)
		if err != nil {
			return nil, err
		}
		if r = next; p.Stage == Inlined {
			break
		}
	}
	return r, nil
}

// WantTogether is Want for several rules whose fields are of one type, as those of
// two versions of a rule are: a condition for each, the Or of its own.
func WantTogether(rs ...*Rule) (*Rule, error) {
	out := &Rule{}
	for _, r := range rs {
		r, err := Inline(ExpandBase64Offset(ExpandWindash(r)))
		if err != nil {
			return nil, err
		}
		out.Conditions = append(out.Conditions, r.Joined().Conditions[0])
	}
	return TypeFields(out), nil
}
