// Package cache keeps what is proved of rules in a directory, so that the same need not be
// proved again. An entry is found by a hash of all that its content is computed from, of
// the program that computes it too: so none is ever out of date, and a directory may be shared by any
// rules, versions and processes. Who can write into it can change verdicts.
//
// The hash is not of files but of what the prover is given: a rule typed and inlined, with what
// filters and mappings made of it, places included, and the query. So nothing that counts can be forgotten,
// and what does not count, such as another pipeline that makes the same of a rule, is no miss.
// It takes every field of these values by reflection; of a value with a function in it, nothing is kept.
//
// An entry has a checksum over itself and its key. One that is torn, or does not belong there, is
// computed and written anew, and one that would not be read back as it was is not written.
package cache

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"sync/atomic"
	"time"
)

// head begins each entry. Behind it stand the key, the checksum and the content as JSON.
const head = "sigmac cache 1\n"

// maxEntry bounds an entry, in bytes; what is larger is not kept.
const maxEntry = 16 << 20

// renewed is how old an entry may be before a hit makes it new: so that those which are no longer
// of use can be found by their age.
const renewed = 24 * time.Hour

// A Cache is a directory of entries. That of nil keeps nothing.
type Cache struct {
	dir   string
	build key // of the program

	Hits, Misses, Broken atomic.Int64 // entries that were found, were not there, or were of no use

	mu    sync.Mutex
	fault error // the first of writing
}

// Open is the cache in a directory, which is made if it is not there. The error says that it
// cannot be written.
func Open(dir string) (*Cache, error) {
	build, err := program()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(dir, "try-*")
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	return &Cache{dir: dir, build: build}, os.Remove(f.Name())
}

// program is the hash of the running program: another build may prove otherwise.
var program = sync.OnceValues(func() (k key, err error) {
	name, err := os.Executable()
	if err != nil {
		return k, err
	}
	f, err := os.Open(name)
	if err != nil {
		return k, err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return k, fmt.Errorf("%s: %w", name, err)
	}
	return key(h.Sum(nil)), nil
})

// Close says whether all that was to be kept could be written: the first fault.
func (c *Cache) Close() error {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.fault
}

// Get is what is kept of the inputs, if valid says that it can be, or else what compute gives. That
// is kept if ok says so. The inputs are all that compute depends on, and say what it computes.
func Get[T any](c *Cache, valid func(T) bool, compute func() (value T, ok bool), inputs ...any) T {
	if c == nil {
		v, _ := compute()
		return v
	}
	k, ok := c.key(reflect.TypeFor[T](), inputs)
	if !ok {
		v, _ := compute()
		return v
	}
	path := filepath.Join(c.dir, hex.EncodeToString(k[:1]), hex.EncodeToString(k[1:]))
	if text, found := c.read(path, k); found {
		if v, err := decode[T](text); err == nil && valid(v) {
			c.Hits.Add(1)
			return v
		}
		c.Broken.Add(1)
	}
	v, ok := compute()
	if !ok {
		return v
	}
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil || text.Len() > maxEntry {
		return v
	}
	if again, err := decode[T](text.Bytes()); err != nil || !reflect.DeepEqual(v, again) {
		return v
	}
	if err := write(path, k, text.Bytes()); err != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.fault == nil {
			c.fault = err
		}
	}
	return v
}

// decode reads a value from JSON, without a loss of digits, and nothing behind it.
func decode[T any](text []byte) (v T, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		return v, err
	}
	if _, err := d.Token(); err != io.EOF {
		return v, fmt.Errorf("more than one value")
	}
	return v, nil
}

// read is the content of an entry; found is false where there is none that is whole.
func (c *Cache) read(path string, k key) (text []byte, found bool) {
	info, err := os.Lstat(path)
	switch {
	case err != nil:
		c.Misses.Add(1)
		return nil, false
	case !info.Mode().IsRegular() || info.Size() > maxEntry+int64(len(head))+2*sha256.Size:
		c.Broken.Add(1)
		return nil, false
	}
	whole, err := os.ReadFile(path)
	rest, headed := bytes.CutPrefix(whole, []byte(head))
	if err != nil || !headed || len(rest) < 2*sha256.Size {
		c.Broken.Add(1)
		return nil, false
	}
	sum, text := rest[sha256.Size:2*sha256.Size], rest[2*sha256.Size:]
	if !bytes.Equal(rest[:sha256.Size], k[:]) || key(sum) != checksum(k, text) {
		c.Broken.Add(1)
		return nil, false
	}
	if now := time.Now(); now.Sub(info.ModTime()) > renewed {
		_ = os.Chtimes(path, now, now) // it is of use all the same
	}
	return text, true
}

func checksum(k key, text []byte) key {
	return sha256.Sum256(bytes.Join([][]byte{[]byte(head), k[:], text}, nil))
}

// write puts an entry into its place, whole: another process may read or write the same.
func write(path string, k key, text []byte) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, "new-*")
	if err != nil {
		return err
	}
	sum := checksum(k, text)
	_, err = f.Write(bytes.Join([][]byte{[]byte(head), k[:], sum[:], text}, nil))
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}
