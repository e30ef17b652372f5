package diff

import (
	"fmt"

	"sigmac/parser"
)

// A Pair is the old and the new version of a document; one of them may be nil.
type Pair struct{ Old, New *parser.Document }

// PairUp finds for each document its other version: by its id, wherever it has
// gone; otherwise by its file, and its number there, if no id says that it is
// another, or the title says that it is the same. An id that two documents of a
// side share is followed by no one, and a warning tells of it. With byNumber both
// sides are one file each, and the number of a document there is enough. The
// pairs are in the order of the new documents, the removed ones last.
func PairUp(olds, news []*parser.Document, byNumber bool) (pairs []Pair, warnings []string) {
	old, before := byID(olds)
	for _, w := range before {
		warnings = append(warnings, "in the old version: "+w)
	}
	new, now := byID(news)
	warnings = append(warnings, now...)
	taken := map[*parser.Document]bool{}
	partner := map[*parser.Document]*parser.Document{}
	for id, n := range new {
		if o := old[id]; o != nil && n != nil {
			partner[n], taken[o] = o, true
		}
	}
	type place struct {
		path   string
		number int
	}
	at := map[place]*parser.Document{}
	count := map[string]int{}
	file := func(d *parser.Document) string {
		if byNumber {
			return ""
		}
		return d.Path
	}
	for _, o := range olds {
		at[place{file(o), count[file(o)]}] = o
		count[file(o)]++
	}
	clear(count)
	for _, n := range news {
		o := at[place{file(n), count[file(n)]}]
		count[file(n)]++
		if partner[n] == nil && o != nil && !taken[o] && (byNumber || o.ID == n.ID || o.ID == "" || n.ID == "" || o.Title == n.Title) {
			partner[n], taken[o] = o, true
		}
	}
	for _, n := range news {
		pairs = append(pairs, Pair{partner[n], n})
	}
	for _, o := range olds {
		if !taken[o] {
			pairs = append(pairs, Pair{Old: o})
		}
	}
	return pairs, warnings
}

// byID finds documents by their ids; one that two have is nil.
func byID(docs []*parser.Document) (out map[string]*parser.Document, warnings []string) {
	out = map[string]*parser.Document{}
	first := map[string]*parser.Document{}
	for _, d := range docs {
		switch had := first[d.ID]; {
		case d.ID == "":
		case had == nil:
			first[d.ID], out[d.ID] = d, d
		default:
			out[d.ID] = nil
			warnings = append(warnings, fmt.Sprintf("%s:%d:%d: the id %s is also that of %s:%d:%d", d.Path, d.Pos.Line, d.Pos.Column, d.ID, had.Path, had.Pos.Line, had.Pos.Column))
		}
	}
	return out, warnings
}
