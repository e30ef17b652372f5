// Package clones writes repositories of many rules, for tests of how work grows with their number.
//
// They are of some 30 kinds that are like rules of practice, each for many customers, as a generator
// of rules leaves them: a clone has its own id and title, and names, paths, networks and numbers of
// its customer, and shares the other values with all clones of its kind.
package clones

import (
	_ "embed"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/txtar"
)

// Kinds has a document a kind. In it stand, of each clone: <a> to <e>, words of the customer; <who>,
// the customer; <n>, its number; <id>, a UUID; <net>, three bytes of an address; <port>.
//
//go:embed kinds.txtar
var text []byte

var kinds = sync.OnceValue(func() []txtar.File { return txtar.Parse(text).Files })

// A Repository is some clones. Equal ones are equal bytes.
type Repository struct {
	Rules   int  // or other documents, each in a file of its own
	Changed bool // in one of a hundred, a value is another than without Changed
}

// Write writes the files into a directory, in a folder for each customer.
func (r Repository) Write(dir string) error {
	for i := range r.Rules {
		path, src := r.File(i)
		path = filepath.Join(dir, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(path, src, 0o666); err != nil {
			return err
		}
	}
	return nil
}

// File is the i-th file, by its slash-separated path.
func (r Repository) File(i int) (path string, src []byte) {
	of := kinds()[:len(kinds())-1]
	kind, customer := i%len(of), i/len(of)
	k := of[kind]
	if kind == len(of)-1 && customer%25 == 12 { // correlations are rare
		k = kinds()[kind+1]
	}
	own := draw(customer, kind)
	values := own
	// In a hundred clones, one says what that of the customer before says, and one something narrower where
	// a text that is looked for got longer.
	lot := (7*customer + kind) % 100
	switch {
	case customer == 0:
	case lot == 0:
		values.words = draw(customer-1, kind).words
	case lot == 50:
		values.words = draw(customer-1, kind).words
		for i := range values.words {
			values.words[i] += "mo"
		}
	}
	if r.Changed && lot == 25 {
		values.words[0] = "new" + values.words[0]
	}
	pairs := []string{"<id>", own.id, "<who>", own.who, "<n>", fmt.Sprint(customer), "<net>", values.net, "<port>", fmt.Sprint(values.port)}
	for i, w := range values.words {
		pairs = append(pairs, fmt.Sprintf("<%c>", 'a'+i), w)
	}
	return fmt.Sprintf("customer_%05d/%s_%05d.yml", customer, k.Name, customer), []byte(strings.NewReplacer(pairs...).Replace(string(k.Data)))
}

// values are those of a clone.
type values struct {
	id, who, net string
	port         int
	words        [5]string
}

func draw(customer, kind int) (v values) {
	r := rand.New(rand.NewPCG(uint64(customer), uint64(kind)))
	v.id = fmt.Sprintf("%08x-%04x-4%03x-a%03x-%012x", r.Uint32(), r.IntN(1<<16), r.IntN(1<<12), r.IntN(1<<12), r.Int64N(1<<48))
	who := word(rand.New(rand.NewPCG(uint64(customer), 1<<32)))
	v.who = fmt.Sprintf("%s%s %d", strings.ToUpper(who[:1]), who[1:], customer)
	v.net = fmt.Sprintf("10.%d.%d", r.IntN(256), r.IntN(256))
	v.port = 1024 + r.IntN(64_000)
	for i := range v.words {
		v.words[i] = word(r)
	}
	return v
}

// word is a name of three to five syllables, some with a number behind it.
func word(r *rand.Rand) string {
	const consonants, vowels = "bcdfghjklmnprstvwz", "aeiou"
	var b strings.Builder
	for range 3 + r.IntN(3) {
		b.WriteByte(consonants[r.IntN(len(consonants))])
		b.WriteByte(vowels[r.IntN(len(vowels))])
	}
	if r.IntN(3) == 0 {
		fmt.Fprintf(&b, "%02d", r.IntN(100))
	}
	return b.String()
}
