package pipeline

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
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

// index is that of the texts.
func index() string {
	var names, all strings.Builder
	add := func(name, text string) {
		fmt.Fprintln(&names, name, all.Len(), all.Len()+len(text))
		all.WriteString(text)
	}
	for _, name := range Builtins() {
		src, _ := BuiltinSource(name)
		p, errs := Parse(name+".yml", src)
		if len(errs) > 0 {
			panic(errs[0])
		}
		var b strings.Builder
		y, roots := parser.Open("pipeline", name, src)
		x := indexer{File: y, out: &b}
		list := child(roots[0], "transformations")
		x.entry(0, roots[0], list, "- -")
		x.items(0, list, p.items)
		add(name, b.String())
	}
	tables, err := filepath.Glob("logsources/*.yml")
	if err != nil {
		panic(err)
	}
	for _, path := range tables {
		add(strings.TrimSuffix(path, ".yml"), rows(path))
	}
	return "\n" + names.String() + "\n" + all.String()
}

// rows are those of a default table, a line each.
func rows(path string) string {
	src, err := os.ReadFile(path)
	if err != nil {
		panic(err)
	}
	var table []struct {
		LogSource struct{ Product, Category, Service string }
		Pipelines []string
	}
	d := yaml.NewDecoder(bytes.NewReader(src))
	d.KnownFields(true)
	if err := d.Decode(&table); err != nil {
		panic(path + ": " + err.Error())
	}
	var b strings.Builder
	for _, row := range table {
		s := row.LogSource
		fmt.Fprintf(&b, "%s/%s/%s %s\n", s.Product, s.Category, s.Service, strings.Join(row.Pipelines, ", "))
	}
	return b.String()
}

func child(n *yaml.Node, key string) *yaml.Node {
	i := slices.IndexFunc(n.Content, func(n *yaml.Node) bool { return n.Value == key })
	return parser.Deref(n.Content[i+1])
}

// An indexer writes what the index has of a pipeline.
type indexer struct {
	*parser.File
	out *strings.Builder
}

func (x indexer) items(depth int, list *yaml.Node, items []entry) {
	for i, n := range list.Content {
		n, it := parser.Deref(n), items[i].whole()
		var sources []string
		for _, s := range it.rule.sources {
			sources = append(sources, s.Product+"/"+s.Category+"/"+s.Service)
		}
		fields := keys(it.only)
		if it.id != "" || slices.ContainsFunc(fields, func(name string) bool { return name == "" || strings.ContainsAny(name, " ,") }) {
			fields = nil // an id is noted where the rule has none of them too
		}
		column := func(words []string) string { return cmp.Or(strings.Join(words, ","), "-") }
		line := column(sources) + " " + column(fields)
		if inner, ok := it.do.(nest); ok {
			list := child(n, "items")
			x.entry(depth, n, list, line)
			x.items(depth+1, list, inner.items)
		} else {
			x.entry(depth, n, nil, line)
		}
	}
}

// entry writes the node of an item, or of a pipeline, with nothing in one of its lists.
func (x indexer) entry(depth int, n, empty *yaml.Node, line string) {
	var b strings.Builder
	nodes := x.node(&b, n, empty)
	fmt.Fprintln(x.out, depth, b.Len()+1, nodes, line)
	fmt.Fprintln(x.out, &b)
}

// node writes a node and counts those in it.
func (x indexer) node(b *strings.Builder, n, empty *yaml.Node) (nodes int) {
	n = parser.Deref(n)
	switch {
	case n == empty:
		b.WriteString("[0 ")
	case n.Kind == yaml.MappingNode:
		entries := x.Entries(n)
		fmt.Fprintf(b, "{%d %d %d ", n.Line, n.Column, 2*len(entries))
		for _, e := range entries {
			nodes += x.node(b, e.Key, empty) + x.node(b, e.Value, empty)
		}
	case n.Kind == yaml.SequenceNode:
		fmt.Fprintf(b, "[%d ", len(n.Content))
		for _, c := range n.Content {
			nodes += x.node(b, c, empty)
		}
	default:
		v, why := parser.Resolve(n)
		if why != "" {
			panic(why)
		}
		kind := "="
		if _, is := v.(string); is {
			kind = `"`
		}
		fmt.Fprintf(b, "%s%d %s ", kind, len(n.Value), n.Value)
	}
	return nodes + 1
}

// fresh is a built-in pipeline nothing of which is read.
func fresh(name string) *Pipeline {
	text, _ := indexOf(name)
	return indexed(name, text)
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
		if got, want := fresh(name), whole; got.Name != want.Name || got.Priority != want.Priority || !reflect.DeepEqual(got.AllowedBackends, want.AllowedBackends) {
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
			p := fresh(name)
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
