package eval

import (
	"slices"

	"sigmac/ir"
	"sigmac/regex"
)

// An Index finds those rules of a Set that an event may match without asking
// each of them.
type Index struct {
	slots  []slotIndex // by slot; the last one is of keywords
	rules  [][]int     // by leaf: the rules that match no event without one of these leaves
	always []int       // the rules of which nothing of the kind is known
}

// A slotIndex has the leaves about one field.
type slotIndex struct {
	exact map[string][]int  // by the only text, folded, that passes
	grams map[[3]byte][]int // by a piece, folded, of all texts that pass
	rest  []int
	all   []int
}

// Index is of rules that were prepared in s, all of them or not. A rule is called
// by its place in rules.
func (s *Set) Index(rules []*Prepared) *Index {
	x := &Index{slots: make([]slotIndex, len(s.names)+1), rules: make([][]int, len(s.leaves))}
	popular := make([]int, len(s.leaves))
	var count func(n *node)
	count = func(n *node) {
		if n.op == opLeaf {
			popular[n.leaf]++
		}
		for _, sub := range n.subs {
			count(sub)
		}
	}
	for _, p := range rules {
		count(p.root)
	}
	for i, p := range rules {
		leaves, _, ok := s.need(p.root, popular)
		if !ok {
			x.always = append(x.always, i)
		}
		for _, l := range leaves {
			if had := x.rules[l]; len(had) == 0 || had[len(had)-1] != i {
				x.rules[l] = append(had, i)
			}
		}
	}
	shared := make([]map[[3]byte]int, len(x.slots)) // how many leaves have a piece
	each := func(visit func(i, slot int, literal string, exact bool)) {
		for i := range s.leaves {
			if len(x.rules[i]) == 0 {
				continue
			}
			slot := s.leaves[i].slot
			if slot < 0 {
				slot = len(s.names)
			}
			literal, exact := s.leaves[i].literal()
			visit(i, slot, literal, exact)
		}
	}
	each(func(_, slot int, literal string, exact bool) {
		if shared[slot] == nil {
			shared[slot] = map[[3]byte]int{}
		}
		for g := range pieces(literal) {
			if !exact {
				shared[slot][g]++
			}
		}
	})
	each(func(i, slot int, literal string, exact bool) {
		at := &x.slots[slot]
		at.all = append(at.all, i)
		var rarest [3]byte
		least := 0
		for g := range pieces(literal) {
			if n := shared[slot][g]; least == 0 || n < least {
				rarest, least = g, n
			}
		}
		switch {
		case exact:
			if at.exact == nil {
				at.exact = map[string][]int{}
			}
			at.exact[literal] = append(at.exact[literal], i)
		case least > 0:
			if at.grams == nil {
				at.grams = map[[3]byte][]int{}
			}
			at.grams[rarest] = append(at.grams[rarest], i)
		default:
			at.rest = append(at.rest, i)
		}
	})
	return x
}

// need are leaves one of which is true of each event of which n is, best few that
// few rules have; ok says whether there are such.
func (s *Set) need(n *node, popular []int) (leaves []int, cost int, ok bool) {
	switch n.op {
	case opLeaf:
		kind := s.leaves[n.leaf].kind
		return []int{n.leaf}, popular[n.leaf], kind != leafNull && kind != leafExists
	case opAnd:
		for _, sub := range n.subs {
			if l, c, good := s.need(sub, popular); good && (!ok || c < cost) {
				leaves, cost, ok = l, c, true
			}
		}
		return leaves, cost, ok
	case opOr:
		for _, sub := range n.subs {
			l, c, good := s.need(sub, popular)
			if !good {
				return nil, 0, false
			}
			leaves, cost = append(leaves, l...), cost+c
		}
		return leaves, cost, true
	}
	return nil, 0, false
}

// literal is a text, folded, that is part of all texts that pass, or empty; exact
// says that no other one passes.
func (l *leaf) literal() (text string, exact bool) {
	if l.fast == nil {
		return "", false
	}
	switch t := l.test.(type) {
	case ir.Pattern:
		for _, p := range t.Parts {
			if p.Kind == ir.Literal && len(p.Text) > len(text) {
				text = p.Text
			}
		}
		shape, _ := t.Shape()
		return regex.Fold(text), shape == ir.Exact
	case ir.Regexp:
		if t.Re != nil {
			return string(required(t.Re)), false
		}
	case ir.Compare:
		return regex.Fold(string(t.Number)), true
	case ir.Bool:
		return regex.Fold(t.String()), true
	}
	return "", false
}

// pieces are the pieces of three bytes of a text, some of a long one.
func pieces(text string) func(yield func([3]byte) bool) {
	const most = 64
	return func(yield func([3]byte) bool) {
		for i := 0; i+3 <= len(text) && i < most; i++ {
			if !yield([3]byte{text[i], text[i+1], text[i+2]}) {
				return
			}
		}
	}
}

// Candidates are the rules that may match the event of v, in their order.
func (x *Index) Candidates(v *View) []int {
	rules := slices.Clone(x.always)
	ask := func(leaves []int) {
		for _, i := range leaves {
			if v.leaf(i) {
				rules = append(rules, x.rules[i]...)
			}
		}
	}
	for slot := range x.slots {
		at := &x.slots[slot]
		if len(at.all) == 0 {
			continue
		}
		var values []value
		if slot == len(v.fields) {
			values = v.keywords()
		} else {
			values = v.field(slot).values
		}
		if len(values) == 0 {
			continue
		}
		if slices.ContainsFunc(values, func(x value) bool { return x.scalar && !x.valid }) {
			ask(at.all)
			continue
		}
		ask(at.rest)
		for i := range values {
			text := values[i].folds()
			ask(at.exact[text])
			if len(at.grams) > 0 {
				seen := map[[3]byte]bool{}
				for j := 0; j+3 <= len(text); j++ {
					g := [3]byte{text[j], text[j+1], text[j+2]}
					if leaves := at.grams[g]; len(leaves) > 0 && !seen[g] {
						seen[g] = true
						ask(leaves)
					}
				}
			}
		}
	}
	slices.Sort(rules)
	return slices.Compact(rules)
}
