package eval

import (
	"hash/maphash"
	"slices"
	"strings"
)

// A memo keeps what is known of values, for values come again from event to event: programs,
// users, hosts. A value is kept when it comes for the second time, in the place of another one.
type memo struct {
	seed maphash.Seed
	kept []*remembered // by hash
	used int           // how many of these are not nil
	once []uint64      // hashes of values that came and are not kept
	came int           // how many of these have been written since there is room for as many
}

// A remembered is a value of a slot and what is known of it.
type remembered struct {
	hash  uint64
	slot  int32
	kind  valueKind
	text  string
	finds []find // what the Index finds in it
	tried []outcome
}

// An outcome says whether a leaf that was tried on a value is true of it.
type outcome struct {
	leaf int32
	is   bool
}

// A memo keeps at most maxMemo values, each of at most maxRemembered bytes and with maxTried leaves.
const (
	minMemo       = 1 << 6
	maxMemo       = 1 << 14
	maxRemembered = 1 << 9
	maxTried      = 1 << 5
)

// find is what is remembered of a value, or nil. The hash is for add.
func (m *memo) find(slot int32, x *value) (r *remembered, hash uint64) {
	if m.kept == nil {
		m.seed, m.once = maphash.MakeSeed(), make([]uint64, minMemo)
		m.grow(minMemo)
	}
	hash = maphash.String(m.seed, x.text) + uint64(slot)
	r = *at(m.kept, hash)
	if r == nil || r.hash != hash || r.slot != slot || r.kind != x.kind || r.text != x.text {
		return nil, hash
	}
	return r, hash
}

// at is the place of a hash.
func at[T any](places []T, hash uint64) *T { return &places[hash%uint64(len(places))] }

// add takes what was found in a value that is not remembered.
func (m *memo) add(slot int32, x *value, hash uint64, finds []find) {
	once := at(m.once, hash)
	if *once != hash {
		*once = hash
		if m.came++; m.came > len(m.once) && len(m.once) < maxMemo {
			m.once, m.came = make([]uint64, 2*len(m.once)), 0
		}
		return
	}
	*once = 0
	r := at(m.kept, hash)
	if *r == nil {
		m.used++
	}
	*r = &remembered{hash: hash, slot: slot, kind: x.kind, text: strings.Clone(x.text), finds: slices.Clone(finds)}
	if 8*m.used > len(m.kept) && len(m.kept) < maxMemo {
		m.grow(2 * len(m.kept))
	}
}

// grow makes room for n values.
func (m *memo) grow(n int) {
	was := m.kept
	m.kept, m.used = make([]*remembered, n), 0
	for _, r := range was {
		if r != nil {
			*at(m.kept, r.hash) = r
			m.used++
		}
	}
}

// passes says whether a leaf is true of the value, which ask finds out if it is not remembered.
func (r *remembered) passes(leaf int, ask func() bool) bool {
	for _, t := range r.tried {
		if t.leaf == int32(leaf) {
			return t.is
		}
	}
	is := ask()
	if len(r.tried) < maxTried {
		r.tried = append(r.tried, outcome{int32(leaf), is})
	}
	return is
}
