package pipeline

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"gopkg.in/yaml.v3"

	"sigmac/parser"
	"sigmac/targets"
)

// TestMain writes the index first, for the other tests read by it.
func TestMain(m *testing.M) {
	flag.Parse()
	if *Update {
		builtinIndex = index()
		if err := os.WriteFile("builtin.index", []byte(builtinIndex), 0o666); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// TestIndex holds that the index of the built-in pipelines is that of their texts.
func TestIndex(t *testing.T) {
	if builtinIndex != index() {
		t.Error("builtin.index is not that of the pipelines: go test ./pipeline -update")
	}
}

func index() string {
	var b strings.Builder
	for _, name := range Builtins() {
		src, _ := BuiltinSource(name)
		p, errs := Parse(name+".yml", src)
		if len(errs) > 0 {
			panic(errs[0])
		}
		_, roots := parser.Open("pipeline", name, src)
		x := indexer{src: src, starts: []int{0}}
		for i, c := range src {
			if c == '\n' {
				x.starts = append(x.starts, i+1)
			}
		}
		x.list(child(roots[0], "transformations").Content, p.items, len(src), 0)
		fmt.Fprintf(&b, "\n%s\n%s", name, &x.out)
	}
	return b.String()
}

func child(n *yaml.Node, key string) *yaml.Node {
	i := slices.IndexFunc(n.Content, func(n *yaml.Node) bool { return n.Value == key })
	return n.Content[i+1]
}

// An indexer writes the lines of a pipeline.
type indexer struct {
	src    []byte
	starts []int // of the lines of src
	out    strings.Builder
}

// list writes the lines of a list of items that ends before the byte to.
func (x *indexer) list(nodes []*yaml.Node, items []entry, to, depth int) {
	part := func(i int) string {
		until := to
		if i+1 < len(nodes) {
			until = x.starts[nodes[i+1].Line-1]
		}
		return fmt.Sprint(x.starts[nodes[i].Line-1], " ", until, " ", nodes[i].Line)
	}
	var above func(i int) map[int]bool // those that i has aliases for
	above = func(i int) map[int]bool {
		out := map[int]bool{}
		for _, line := range anchors(nodes[i]) {
			at := slices.IndexFunc(nodes, func(n *yaml.Node) bool { return n.Line > line }) - 1
			if at >= 0 && at < i && !out[at] {
				out[at] = true
				maps.Copy(out, above(at))
			}
		}
		return out
	}
	for i, n := range nodes {
		var rest []string
		for _, at := range slices.Sorted(maps.Keys(above(i))) {
			rest = append(rest, part(at))
		}
		var from, until, line int
		fmt.Sscan(part(i), &from, &until, &line)
		x.item(n, items[i].whole(), from, until, depth, strings.Join(rest, " "))
	}
}

func (x *indexer) item(n *yaml.Node, it *item, from, to, depth int, above string) {
	var sources []string
	for _, s := range it.rule.sources {
		sources = append(sources, s.Product+"/"+s.Category+"/"+s.Service)
	}
	fields := keys(it.only)
	if it.id != "" || slices.ContainsFunc(fields, func(name string) bool { return name == "" || strings.ContainsAny(name, " ,") }) {
		fields = nil // an id is noted where the rule has none of them too
	}
	column := func(words []string) string { return cmp.Or(strings.Join(words, ","), "-") }
	inner, nested := it.do.(nest)
	text := to
	var list *yaml.Node
	if nested {
		list = child(n, "items")
		nested = list.Style&yaml.FlowStyle == 0
		for _, line := range anchors(list) {
			nested = nested && line >= list.Content[0].Line // else its items need what stands above them
		}
	}
	if nested {
		text = from + bytes.LastIndex(x.src[from:x.starts[list.Content[0].Line-1]], []byte("items:")) + len("items:")
	}
	fmt.Fprintln(&x.out, strings.TrimSpace(fmt.Sprint(depth, " ", from, " ", text, " ", n.Line, " ", column(sources), " ", column(fields), " ", above)))
	if nested {
		x.list(list.Content, inner.items, to, depth+1)
	}
}

// anchors are the lines of what a node has aliases for.
func anchors(n *yaml.Node) (lines []int) {
	if n.Kind == yaml.AliasNode {
		return []int{n.Alias.Line}
	}
	for _, c := range n.Content {
		lines = append(lines, anchors(c)...)
	}
	return lines
}

// TestUnread holds that a built-in pipeline makes the same of a rule where it is read
// item by item as where it is read at once.
func TestUnread(t *testing.T) {
	rules := map[string][]*parser.Document{} // by the pipeline that they are about
	var all []*parser.Document
	paths, err := filepath.Glob("testdata/builtin/*/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatal("no cases", err)
	}
	for _, path := range paths {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range archive.Files {
			if strings.HasSuffix(f.Name, "rule.yml") {
				ds := parser.Parse(f.Name, f.Data).Documents
				rules[filepath.Base(filepath.Dir(path))] = append(rules[filepath.Base(filepath.Dir(path))], ds...)
				all = append(all, ds...)
			}
		}
	}
	passed, items := 0, 0
	for i, name := range Builtins() {
		src, _ := BuiltinSource(name)
		whole, errs := Parse(name+".yml", src)
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		whole.ID = name
		if got, want := indexed(name, src), whole; got.Name != want.Name || got.Priority != want.Priority || !reflect.DeepEqual(got.AllowedBackends, want.AllowedBackends) {
			t.Errorf("%s: %v, and read at once %v", name, got, want)
		}
		some := rules[name] // and some that are about others
		for j := i % 40; j < len(all); j += 40 {
			some = append(some, all[j])
		}
		for _, d := range some {
			if d.Rule == nil {
				continue
			}
			// Of each rule a pipeline nothing of which is read.
			p := indexed(name, src)
			for _, target := range targets.All() {
				o := Options{Target: target, Steps: true, Opaque: true}
				if !p.Allows(target) {
					continue
				}
				got, gotTrace, gotErr := p.Apply(d.Rule, o)
				want, wantTrace, wantErr := whole.Apply(d.Rule, o)
				if !reflect.DeepEqual(gotErr, wantErr) || !reflect.DeepEqual(got, want) || !reflect.DeepEqual(gotTrace, wantTrace) {
					t.Fatalf("%s: %s: read item by item %v %v, at once %v %v", name, d.Title, got, gotErr, want, wantErr)
				}
			}
			for _, e := range p.items {
				if items++; e.(*unread).read == nil {
					passed++
				}
			}
		}
	}
	if 2*passed < items {
		t.Errorf("of %d items only %d are not read", items, passed)
	}
}
