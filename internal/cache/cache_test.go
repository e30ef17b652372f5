package cache

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	"sigmac/ir"
)

// A thing is what the tests keep.
type thing struct {
	Text string
	Of   map[string]any
	List []int
}

var some = thing{"<x> \u2028", map[string]any{"n": json.Number("1.00"), "s": "é", "l": []any{true, nil}}, []int{}}

func open(t testing.TB, dir string) *Cache {
	c, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// get asks for some of inputs, and says whether it was computed.
func get(t testing.TB, c *Cache, inputs ...any) (computed bool) {
	t.Helper()
	got := Get(c, func(x thing) bool { return x.Text != "" }, func() (thing, bool) { computed = true; return some, true }, inputs...)
	if !reflect.DeepEqual(got, some) {
		t.Fatalf("%+v", got)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	return computed
}

func entries(t testing.TB, dir string) (out []string) {
	all, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestGet(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	c := open(t, dir)
	if !get(t, c, "x", 1) || get(t, c, "x", 1) || get(t, open(t, dir), "x", 1) || !get(t, c, "x", 2) {
		t.Error("the same inputs are computed once")
	}
	if h, m, b := c.Hits.Load(), c.Misses.Load(), c.Broken.Load(); h != 1 || m != 2 || b != 0 {
		t.Error(h, m, b)
	}
	if all := entries(t, dir); len(all) != 2 {
		t.Error(all)
	}
	other := open(t, dir)
	other.build[0]++
	if !get(t, other, "x", 1) {
		t.Error("another build computes by itself")
	}
	for range 2 {
		if !get(t, nil, "x", 1) {
			t.Error("no cache keeps nothing")
		}
	}
}

// TestBroken holds that an entry which is not as it was written is computed and written anew,
// whatever was done to it.
func TestBroken(t *testing.T) {
	dir := t.TempDir()
	get(t, open(t, dir), "x")
	path := entries(t, dir)[0]
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	c := open(t, dir)
	try := func(name string, text []byte) {
		t.Helper()
		if err := os.WriteFile(path, text, 0o666); err != nil {
			t.Fatal(err)
		}
		broken := c.Broken.Load()
		if !get(t, c, "x") || c.Broken.Load() != broken+1 {
			t.Errorf("%s: not noticed", name)
		}
		if again, err := os.ReadFile(path); err != nil || !bytes.Equal(again, whole) {
			t.Errorf("%s: not written anew", name)
		}
	}
	for i := range whole {
		for _, bit := range []byte{1, 0x80} {
			text := bytes.Clone(whole)
			text[i] ^= bit
			try("a bit", text)
		}
		try("torn", whole[:i])
	}
	try("longer", append(bytes.Clone(whole), '\n'))
	get(t, c, "y")
	for _, other := range entries(t, dir) {
		if text, err := os.ReadFile(other); err == nil && other != path {
			try("another's", text)
		}
	}
	k, _ := c.key(reflect.TypeFor[thing](), []any{"x"})
	for _, text := range []string{`{}`, `null`, `[]`, `{"Text":"a"} {}`, `{"Text":"a","More":1}`, ``, strings.Repeat("[", 1<<20)} {
		sum := checksum(k, []byte(text))
		try(text[:min(len(text), 20)], bytes.Join([][]byte{[]byte(head), k[:], sum[:], []byte(text)}, nil))
	}
	if err := os.Truncate(path, maxEntry*2); err != nil {
		t.Fatal(err)
	}
	if !get(t, c, "x") {
		t.Error("a huge entry is not noticed")
	}
}

// TestKeys holds that inputs which are not the same have other keys.
func TestKeys(t *testing.T) {
	one, two := 1, 2
	type pair struct{ A, B string }
	type couple struct{ A, B string }
	type hidden struct{ p *int }
	c := &Cache{}
	seen := map[key]int{}
	for i, inputs := range [][]any{
		{}, {nil}, {nil, nil}, {""}, {"a"}, {"b"}, {"a", "b"}, {"ab"}, {"ab", ""}, {[]string{"a", "b"}}, {[]string{"ab"}}, {[]string{}}, {[]string(nil)},
		{1}, {int64(1)}, {uint8(1)}, {true}, {false}, {-1}, {"1"},
		{pair{"a", "bc"}}, {pair{"ab", "c"}}, {couple{"a", "bc"}}, {&pair{"a", "bc"}}, {(*pair)(nil)},
		{hidden{&one}}, {hidden{&two}}, {hidden{}},
		{map[string]int{"a": 1, "b": 2}}, {map[string]int{"a": 2, "b": 1}}, {map[string]int{}}, {map[string]int(nil)},
		{[2]int{1, 2}}, {[]int{1, 2}}, {[][]int{{1}, {2}}}, {[][]int{{1, 2}, {}}},
		{ir.And{}}, {ir.Or{}}, {ir.Not{X: ir.And{}}}, {ir.Expr(nil)}, {ir.Match{Test: ir.Null{}}}, {ir.Match{Test: ir.Exists{}}}, {ir.Match{Test: ir.Null{}, Pos: ir.Pos{Line: 1}}},
	} {
		k, ok := c.key(reflect.TypeFor[int](), inputs)
		if last, twice := seen[k]; twice && !(i == 39 && last == 1) || !ok {
			t.Errorf("%d %v: the key of %d", i, inputs, last)
		}
		seen[k] = i
		again, _ := c.key(reflect.TypeFor[int](), inputs)
		if other, _ := c.key(reflect.TypeFor[string](), inputs); again != k || other == k {
			t.Errorf("%v: %v", inputs, k)
		}
	}
	type loop struct{ Next *loop }
	round := &loop{}
	round.Next = round
	for _, v := range []any{func() {}, make(chan int), 1.5, round} {
		if _, ok := c.key(reflect.TypeFor[int](), []any{v}); ok {
			t.Errorf("%T has a key", v)
		}
		if dir := t.TempDir(); !get(t, open(t, dir), v) || len(entries(t, dir)) > 0 {
			t.Errorf("%T is kept", v)
		}
	}
}

// TestNotKept holds that nothing is kept which would not be read back as it was.
func TestNotKept(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir)
	for name, x := range map[string]thing{
		"no UTF-8":         {Text: "a\xff"},
		"another type":     {Text: "a", Of: map[string]any{"n": 1}},
		"not to be kept":   {Text: "not"},
		"larger than that": {Text: strings.Repeat("x", maxEntry)},
	} {
		for range 2 {
			computed := false
			if got := Get(c, func(thing) bool { return true }, func() (thing, bool) { computed = true; return x, x.Text != "not" }, name); !reflect.DeepEqual(got, x) || !computed {
				t.Errorf("%s: kept", name)
			}
		}
	}
	if all := entries(t, dir); len(all) > 0 {
		t.Error(all)
	}
}

// TestUnwritable holds that a directory which cannot be written is an error.
func TestUnwritable(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(file); err == nil {
		t.Error("a file is taken for a directory")
	}
	c := open(t, dir)
	k, _ := c.key(reflect.TypeFor[thing](), []any{"x"})
	if err := os.WriteFile(filepath.Join(dir, hexByte(k[0])), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if got := Get(c, func(thing) bool { return true }, func() (thing, bool) { return some, true }, "x"); !reflect.DeepEqual(got, some) || c.Close() == nil {
		t.Error("what cannot be written is not told")
	}
}

func hexByte(b byte) string {
	const digits = "0123456789abcdef"
	return string([]byte{digits[b>>4], digits[b&15]})
}

// TestTogether holds that several may read and write the same at the same time.
func TestTogether(t *testing.T) {
	dir := t.TempDir()
	var all sync.WaitGroup
	for range 4 {
		c := open(t, dir)
		all.Go(func() {
			for i := range 200 {
				if got := Get(c, func(thing) bool { return true }, func() (thing, bool) { return some, true }, i%50); !reflect.DeepEqual(got, some) {
					t.Errorf("%+v", got)
				}
			}
			if err := c.Close(); err != nil || c.Broken.Load() > 0 {
				t.Error(err, c.Broken.Load())
			}
		})
	}
	all.Wait()
	if n := len(entries(t, dir)); n != 50 {
		t.Errorf("%d entries", n)
	}
}
