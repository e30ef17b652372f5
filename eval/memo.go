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
	used int           // how many places have been taken since there are as many
}

// A remembered is a value of a slot and what is known of it, or only the hash of one that came once.
type remembered struct {
	hash  uint64
	slot  int32 // none: there is no more than the hash
	kind  valueKind
	text  string
	finds []find // what the Index finds in it
	tried []find // leaves that were tried on it: a sure one is true of it
}

// A memo has room for maxMemo values, each of at most maxRemembered bytes and with maxTried leaves.
const (
	minMemo       = 1 << 6
	maxMemo       = 1 << 13
	maxRemembered = 1 << 9
	maxTried      = 1 << 5
)

// find is what is remembered of a value, or nil.
func (m *memo) find(slot int32, x *value) *remembered {
	if m.kept == nil {
		return nil
	}
	if at, hash := m.at(slot, x); *at != nil {
		if r := *at; r.hash == hash && r.slot == slot && r.kind == x.kind && r.text == x.text {
			return r
		}
	}
	return nil
}

func (m *memo) at(slot int32, x *value) (at **remembered, hash uint64) {
	hash = maphash.String(m.seed, x.text) + uint64(slot)
	return &m.kept[hash%uint64(len(m.kept))], hash
}

// add takes what was found in a value that is not remembered.
func (m *memo) add(slot int32, x *value, finds []find) {
	if m.kept == nil {
		m.seed, m.kept = maphash.MakeSeed(), make([]*remembered, minMemo)
	}
	at, hash := m.at(slot, x)
	if *at == nil || (*at).hash != hash {
		*at = &remembered{hash: hash, slot: none}
		if m.used++; m.used > len(m.kept) && len(m.kept) < maxMemo {
			m.grow()
		}
		return
	}
	*at = &remembered{hash: hash, slot: slot, kind: x.kind, text: strings.Clone(x.text), finds: slices.Clone(finds)}
}

// grow makes room for twice as many.
func (m *memo) grow() {
	was := m.kept
	m.kept, m.used = make([]*remembered, 2*len(was)), 0
	for _, r := range was {
		if r != nil {
			m.kept[r.hash%uint64(len(m.kept))] = r
			m.used++
		}
	}
}

// passes says whether a leaf is true of the value, which ask finds out if it is not remembered.
func (r *remembered) passes(leaf int, ask func() bool) bool {
	for _, t := range r.tried {
		if t.leaf == int32(leaf) {
			return t.sure
		}
	}
	is := ask()
	if len(r.tried) < maxTried {
		r.tried = append(r.tried, find{int32(leaf), is})
	}
	return is
}
