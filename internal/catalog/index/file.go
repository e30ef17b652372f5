package index

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/flate"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"hash/fnv"
	"io"
	"iter"
	"maps"
	"slices"
	"sync"

	"sigmac/internal/catalog"
	"sigmac/internal/catalog/findings"
	"sigmac/internal/ordered"
)

const (
	format    = 2   // of the file
	shards    = 256 // of the indicators, and of the names
	chunk     = 64  // rules a member
	maxMember = 1 << 30
)

// A head is the member index.json.
type head struct {
	Format     int         `json:"format"`
	Catalogs   []headCount `json:"catalogs"`
	Shards     int         `json:"shards"`
	FindingsOf string      `json:"findings_of"`
}

type headCount struct {
	Name  string `json:"name"`
	Rules int    `json:"rules"`
}

// A posting is a line of an indicator's member.
type posting struct {
	Field string       `json:"field"`
	Kind  catalog.Kind `json:"kind"`
	Value string       `json:"value"`
	Rules []int        `json:"rules"`
}

// A namePosting is a line of a name's member.
type namePosting struct {
	Name  string `json:"name"`
	Rules []int  `json:"rules"`
}

func shard(parts ...string) int {
	h := fnv.New32a()
	for _, p := range parts {
		io.WriteString(h, p+"\x00")
	}
	return int(h.Sum32() % shards)
}

func keyShard(k catalog.Key) int { return shard(k.Field, k.Kind.String(), k.Value) }

// A member is a file in the index, made when it is written.
type member struct {
	name string
	make func() packed
}

// WriteTo writes the index. Equal contents are equal bytes.
func (c *Content) WriteTo(w io.Writer) (int64, error) {
	count := &counter{w: w}
	z := zip.NewWriter(count)
	members := c.members()
	for i, p := range ordered.Map(members, func(m member) packed { return m.make() }) {
		f, err := z.CreateRaw(&zip.FileHeader{Name: members[i].name, Method: zip.Deflate, CRC32: p.sum,
			UncompressedSize64: uint64(p.size), CompressedSize64: uint64(len(p.data))})
		if err == nil {
			_, err = f.Write(p.data)
		}
		if err != nil {
			return count.n, err
		}
	}
	return count.n, z.Close()
}

// A packed is a text that is compressed.
type packed struct {
	data []byte
	size int
	sum  uint32 // CRC-32 of the text
}

func pack(text []byte) packed {
	var b bytes.Buffer
	f := writers.Get().(*flate.Writer)
	defer writers.Put(f)
	f.Reset(&b)
	_, err := f.Write(text)
	if err = errors.Join(err, f.Close()); err != nil {
		panic("index: " + err.Error()) // a buffer takes all
	}
	return packed{bytes.Clone(b.Bytes()), len(text), crc32.ChecksumIEEE(text)}
}

func (p packed) unpack() []byte {
	text := make([]byte, p.size)
	if _, err := io.ReadFull(flate.NewReader(bytes.NewReader(p.data)), text); err != nil {
		panic("index: " + err.Error())
	}
	return text
}

// chunked puts the lines of rules together, as many as a member has.
func chunked(lines iter.Seq[[]byte]) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		var text []byte
		n := 0
		for line := range lines {
			text = append(text, line...)
			if n++; n%chunk > 0 {
				continue
			}
			if !yield(text) {
				return
			}
			text = nil
		}
		if len(text) > 0 {
			yield(text)
		}
	}
}

// writers are kept, for making one costs more than a small member.
var writers = sync.Pool{New: func() any {
	w, err := flate.NewWriter(nil, flate.DefaultCompression)
	if err != nil {
		panic("index: " + err.Error())
	}
	return w
}}

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

func (c *Content) members() (out []member) {
	h := head{Format: format, Shards: shards, FindingsOf: c.findingsOf}
	for _, name := range catalog.Catalogs {
		n := 0
		for _, r := range c.Rules {
			if r.Catalog == name {
				n++
			}
		}
		h.Catalogs = append(h.Catalogs, headCount{name, n})
	}
	add := func(name string, make func() packed) { out = append(out, member{name, make}) }
	add("index.json", func() packed { return encoded([]head{h}) })
	add("files.ndjson", func() packed { return encoded(c.files) })
	add("findings.ndjson", func() packed { return encoded(c.Findings) })
	for n, p := range c.chunks {
		add(chunkName(n), func() packed { return p })
	}
	indicators := make([][]catalog.Key, shards)
	for _, k := range c.Keys() {
		indicators[keyShard(k)] = append(indicators[keyShard(k)], k)
	}
	named, names := map[string][]int{}, make([][]string, shards)
	for n, r := range c.Rules {
		named[name(r.Rule)] = append(named[name(r.Rule)], n)
	}
	for _, known := range slices.Sorted(maps.Keys(named)) {
		names[shard(known)] = append(names[shard(known)], known)
	}
	for s := range shards {
		add(fmt.Sprintf("indicators/%02x.ndjson", s), func() packed {
			var lines []posting
			for _, k := range indicators[s] {
				lines = append(lines, posting{k.Field, k.Kind, k.Value, c.looking[k]})
			}
			return encoded(lines)
		})
		add(fmt.Sprintf("names/%02x.ndjson", s), func() packed {
			var lines []namePosting
			for _, known := range names[s] {
				lines = append(lines, namePosting{known, named[known]})
			}
			return encoded(lines)
		})
	}
	return out
}

func chunkName(n int) string { return fmt.Sprintf("rules/%04d.ndjson", n) }

// encoded is JSON, a line each.
func encoded[T any](lines []T) packed {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	for _, l := range lines {
		if err := enc.Encode(l); err != nil {
			panic("index: " + err.Error()) // they are all of texts and numbers
		}
	}
	return pack(b.Bytes())
}

// A File is an index on disk, of which only what is asked for is read.
type File struct {
	head    head
	members map[string]*zip.File
	closer  io.Closer
	looking map[int][]posting // by shard
}

// Open opens the index in a file.
func Open(path string) (*File, error) {
	z, err := zip.OpenReader(path)
	if errors.Is(err, zip.ErrFormat) {
		return nil, fmt.Errorf("%s: no index of sigmac", path)
	}
	if err != nil {
		return nil, err
	}
	f := &File{members: map[string]*zip.File{}, closer: z, looking: map[int][]posting{}}
	for _, m := range z.File {
		f.members[m.Name] = m
	}
	heads, err := decode[head](f, "index.json")
	switch {
	case err != nil || len(heads) != 1 || heads[0].Format == 0:
		err = fmt.Errorf("%s: no index of sigmac", path)
	case heads[0].Format != format || heads[0].Shards != shards:
		err = fmt.Errorf("%s: an index of format %d, and not %d: build it anew", path, heads[0].Format, format)
	}
	if err != nil {
		z.Close()
		return nil, err
	}
	f.head = heads[0]
	return f, nil
}

// Close closes the file.
func (f *File) Close() error { return f.closer.Close() }

// decode is the lines of a member.
func decode[T any](f *File, name string) (out []T, err error) {
	err = f.lines(name, func(line []byte) error {
		var v T
		d := json.NewDecoder(bytes.NewReader(line))
		d.UseNumber() // a number of an event stays as it is written
		if err := d.Decode(&v); err != nil {
			return fmt.Errorf("the index is damaged: %s: %w", name, err)
		}
		out = append(out, v)
		return nil
	})
	return out, err
}

func (f *File) lines(name string, each func([]byte) error) error {
	m := f.members[name]
	if m == nil {
		return fmt.Errorf("the index is damaged: it has no %s", name)
	}
	r, err := m.Open()
	if err != nil {
		return fmt.Errorf("the index is damaged: %s: %w", name, err)
	}
	defer r.Close()
	b := bufio.NewReader(io.LimitReader(r, maxMember))
	for {
		line, err := b.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			if err := each(line); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("the index is damaged: %s: %w", name, err)
		}
	}
}

// catalogOf is the catalog of the n-th rule.
func (f *File) catalogOf(n int) (string, bool) {
	for _, c := range f.head.Catalogs {
		if 0 <= n && n < c.Rules {
			return c.Name, slices.Contains(catalog.Catalogs, c.Name)
		}
		n -= c.Rules
	}
	return "", false
}

// Count fills the counts of the corpus of e, a Sigma rule. A rule that the index
// does not have, or not with the same indicators, is counted in.
func (f *File) Count(e *catalog.Entry) error {
	same, err := f.named(name(e.Rule))
	if err != nil {
		return err
	}
	for _, in := range e.Indicators {
		for i, v := range in.Values {
			rules, err := f.lookingFor(in.Predicate(v).Key())
			if err != nil {
				return err
			}
			c := &catalog.Corpus{}
			for _, n := range rules {
				name, ok := f.catalogOf(n)
				if !ok {
					return fmt.Errorf("the index is damaged: it has no rule %d", n)
				}
				c.Add(name)
			}
			if !slices.ContainsFunc(rules, func(n int) bool { return slices.Contains(same, n) }) {
				c.Add("sigma")
			}
			in.Values[i].Corpus = c
		}
	}
	return nil
}

// named are the rules of a name.
func (f *File) named(name string) ([]int, error) {
	lines, err := decode[namePosting](f, fmt.Sprintf("names/%02x.ndjson", shard(name)))
	if i := slices.IndexFunc(lines, func(p namePosting) bool { return p.Name == name }); i >= 0 {
		return lines[i].Rules, err
	}
	return nil, err
}

func (f *File) lookingFor(k catalog.Key) ([]int, error) {
	s := keyShard(k)
	lines, ok := f.looking[s]
	if !ok {
		var err error
		if lines, err = decode[posting](f, fmt.Sprintf("indicators/%02x.ndjson", s)); err != nil {
			return nil, err
		}
		f.looking[s] = lines
	}
	i, found := slices.BinarySearchFunc(lines, k, func(p posting, k catalog.Key) int {
		return catalog.Key{Field: p.Field, Kind: p.Kind, Value: p.Value}.Compare(k)
	})
	if !found {
		return nil, nil
	}
	return lines[i].Rules, nil
}

// Findings are those of the rules in the index.
func (f *File) Findings() ([]findings.Finding, error) {
	return decode[findings.Finding](f, "findings.ndjson")
}

// Content reads the whole index.
func (f *File) Content() (*Content, error) {
	c := &Content{findingsOf: f.head.FindingsOf}
	var err error
	if c.files, err = decode[file](f, "files.ndjson"); err != nil {
		return nil, err
	}
	if c.Findings, err = f.Findings(); err != nil {
		return nil, err
	}
	var chunks []int
	for n := 0; f.members[chunkName(n)] != nil; n++ {
		chunks = append(chunks, n)
	}
	type part struct {
		rules []*Rule
		packed
		err error
	}
	for _, p := range ordered.Map(chunks, func(n int) (p part) {
		var text []byte
		name := chunkName(n)
		p.err = f.lines(name, func(line []byte) error {
			r := &Rule{}
			text = append(append(text, bytes.TrimSuffix(line, []byte("\n"))...), '\n')
			if err := json.Unmarshal(line, r); err != nil {
				return fmt.Errorf("the index is damaged: %s: %w", name, err)
			}
			if !slices.Contains(catalog.Catalogs, r.Catalog) {
				return fmt.Errorf("the index is damaged: %s: no catalog %q", name, r.Catalog)
			}
			p.rules = append(p.rules, r.brief())
			return nil
		})
		if last := n == len(chunks)-1; p.err == nil && (len(p.rules) > chunk || !last && len(p.rules) < chunk) {
			p.err = fmt.Errorf("the index is damaged: %s has %d rules", name, len(p.rules))
		}
		p.packed = pack(text)
		return p
	}) {
		if p.err != nil {
			return nil, p.err
		}
		c.Rules, c.chunks = append(c.Rules, p.rules...), append(c.chunks, p.packed)
	}
	want := 0
	for _, file := range c.files {
		if file.Rules < 0 {
			return nil, fmt.Errorf("the index is damaged: %s has %d rules", file.Path, file.Rules)
		}
		want += file.Rules
	}
	if want != len(c.Rules) {
		return nil, fmt.Errorf("the index is damaged: it has %d rules, and not %d", len(c.Rules), want)
	}
	return c.finish(), nil
}
