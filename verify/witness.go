package verify

// maxWitnesses bounds the events that are tried in place of a proof.
const maxWitnesses = 200

// witnesses are events that reach every test of n both ways: for each letter,
// one event with it and one without, each with n true and n false where there
// is such an event.
func (c *claim) witnesses(n node, budget *int) []map[*field][]any {
	var out []map[*field][]any
	add := func(goal node) {
		if len(out) >= maxWitnesses {
			return
		}
		steps := min(*budget, 20_000)
		if a := c.satisfy(goal, &steps); a.values != nil {
			out = append(out, a.values)
		}
	}
	add(n)
	add(negate(n))
	for i := 1; i < len(c.letters); i++ {
		l := node{op: 'l', index: i}
		for _, side := range []node{n, negate(n)} {
			add(node{op: '&', subs: []node{side, l}})
			add(node{op: '&', subs: []node{side, negate(l)}})
		}
	}
	return out
}
