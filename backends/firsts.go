package backends

// Firsts knows where the first of each kind stands in a list that is gone through in order. Mostly
// there is one kind, or the next is of the kind of the last, and then there is no map.
type Firsts[K comparable] struct {
	kind  K // that was set last
	at    int
	known bool
	more  map[K]int
}

// At is where the first of a kind stands.
func (f *Firsts[K]) At(kind K) (at int, ok bool) {
	if f.known && kind == f.kind {
		return f.at, true
	}
	at, ok = f.more[kind]
	return at, ok
}

// Set says where the first of a kind stands.
func (f *Firsts[K]) Set(kind K, at int) {
	if f.known && kind != f.kind {
		if f.more == nil {
			f.more = map[K]int{}
		}
		f.more[f.kind] = f.at
	}
	f.kind, f.at, f.known = kind, at, true
}
