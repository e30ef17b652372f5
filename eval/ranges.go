package eval

import (
	"math/big"
	"net/netip"
	"slices"
	"sort"

	"sigmac/ir"
)

// Ranges finds which of many comparisons with one operator hold of a number, by a search
// in their order.
type ranges struct {
	tests []ranged
}

type ranged struct {
	op     ir.Op
	border *big.Rat
	leaf   int32
}

func (r *ranges) add(t ir.Compare, leaf int32) {
	border, _ := new(big.Rat).SetString(string(t.Number))
	r.tests = append(r.tests, ranged{t.Op, border, leaf})
}

// build is called once, after all was added. What holds of a number stands first.
func (r *ranges) build() {
	slices.SortStableFunc(r.tests, func(a, b ranged) int {
		if c := a.border.Cmp(b.border); a.op == ir.Gt || a.op == ir.Gte {
			return c
		} else {
			return -c
		}
	})
}

func (r *ranges) find(x *value, out []find) []find {
	if len(r.tests) == 0 || x.kind == kindBool {
		return out
	}
	n, ok := ir.ParseNumber(x.text)
	if !ok {
		return out
	}
	number, _ := new(big.Rat).SetString(string(n))
	holds := sort.Search(len(r.tests), func(i int) bool { return !r.tests[i].op.Fits(number.Cmp(r.tests[i].border)) })
	for _, t := range r.tests[:holds] {
		out = append(out, find{t.leaf, true})
	}
	return out
}

// Networks finds in which of many networks an address is: for each length that their
// prefixes have, it looks its own up.
type networks struct {
	lengths []int
	leaves  map[netip.Prefix][]int32
}

func (n *networks) add(p netip.Prefix, leaf int32) {
	if n.leaves == nil {
		n.leaves = map[netip.Prefix][]int32{}
	}
	if p = p.Masked(); !slices.Contains(n.lengths, p.Bits()) {
		n.lengths = append(n.lengths, p.Bits())
	}
	n.leaves[p] = append(n.leaves[p], leaf)
}

func (n *networks) find(text string, out []find) []find {
	if len(n.leaves) == 0 {
		return out
	}
	a, err := netip.ParseAddr(text)
	if err != nil || a.Zone() != "" {
		return out // no network has an address with a zone
	}
	for _, bits := range n.lengths {
		if p, err := a.Prefix(bits); err == nil {
			for _, leaf := range n.leaves[p] {
				out = append(out, find{leaf, true})
			}
		}
	}
	return out
}
