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
		fmt.Fprint(x.out, "1 ")
		x.entry(roots[0], "transformations", p.items, nil)
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

// An indexer writes what the index has of a pipeline.
type indexer struct {
	*parser.File
	out *strings.Builder
}

// entry writes a node with the entries of one of its lists, of which items are what they are read
// as, and fields those that it can change.
func (x indexer) entry(n *yaml.Node, list string, items []entry, fields []string) {
	node := yaml.Node{Kind: yaml.MappingNode, Line: n.Line, Column: n.Column}
	inner := indexer{x.File, &strings.Builder{}}
	for _, e := range x.Entries(n) {
		switch {
		case e.Name == list:
			fmt.Fprintf(inner.out, "%d ", len(items))
			for i, n := range e.Value.Content {
				inner.item(parser.Deref(n), items[i].whole())
			}
			node.Content = append(node.Content, e.Key, &yaml.Node{Kind: yaml.SequenceNode})
		case !strings.HasPrefix(e.Name, "rule_cond"):
			node.Content = append(node.Content, e.Key, e.Value)
		}
	}
	text, when := indexer{x.File, &strings.Builder{}}, indexer{x.File, &strings.Builder{}}
	text.node(&node)
	sources := when.conditions(n)
	column := func(words []string) string { return cmp.Or(strings.Join(words, ","), "-") }
	fmt.Fprintln(x.out, text.out.Len(), when.out.Len(), inner.out.Len(), column(sources)+" "+column(fields))
	x.out.WriteString(text.out.String() + when.out.String() + inner.out.String())
}

func (x indexer) item(n *yaml.Node, it *item) {
	fields := keys(it.only)
	if it.id != "" || slices.ContainsFunc(fields, func(name string) bool { return name == "" || strings.ContainsAny(name, " ,") }) {
		fields = nil // an id is noted where the rule has none of them too
	}
	var items []entry
	if inner, ok := it.do.(nest); ok {
		items = inner.items
	}
	x.entry(n, "items", items, fields)
}

// conditions writes those of an item, if they say more than the log sources of which one must be the
// rule's.
func (x indexer) conditions(item *yaml.Node) (sources []string) {
	not, link := "", "and"
	var names []string
	var each []*yaml.Node
	for _, e := range x.Entries(item) {
		switch {
		case e.Name == "rule_cond_not":
			if resolve(e.Value) == true {
				not = "!"
			}
		case e.Name == "rule_cond_op" || e.Name == "rule_cond_expr":
			link = e.Value.Value
		case e.Name == "rule_conditions" && e.Value.Kind == yaml.SequenceNode:
			each, names = e.Value.Content, make([]string, len(e.Value.Content))
		case e.Name == "rule_conditions":
			for _, c := range x.Entries(e.Value) {
				each, names = append(each, c.Value), append(names, c.Name)
			}
		}
	}
	if len(each) == 0 {
		return nil
	}
	plain := indexer{x.File, &strings.Builder{}}
	plain.scalar(link)
	fmt.Fprintf(plain.out, "%d ", len(each))
	only := false
	for i, n := range each {
		plain.scalar(names[i])
		of := map[string]any{}
		for _, e := range x.Entries(parser.Deref(n)) {
			of[e.Name] = e.Value.Value
			if e.Name == "only" || e.Name == "val" {
				of[e.Name] = resolve(e.Value)
			}
		}
		part := func(name string) string { return cmp.Or(of[name], any("")).(string) }
		source := part("product") + "/" + part("category") + "/" + part("service")
		is, just := of["type"] == "logsource", of["only"] == true
		val, text := of["val"].(string)
		switch {
		case is && !just:
			plain.out.WriteString("/")
			plain.scalar(source)
		case of["type"] == "processing_state" && of["op"] == nil && text:
			plain.out.WriteString("=")
			plain.scalar(of["key"].(string))
			plain.scalar(val)
		default:
			plain.out.WriteString("{")
			plain.node(n)
		}
		if is {
			sources = append(sources, source)
		}
		only = only || just
	}
	switch {
	case not != "" || link != "and" && link != "or" || link == "or" && len(sources) < len(each):
		sources = nil
	case link == "and" && len(sources) > 1:
		sources = sources[:1]
	}
	if only || sources == nil || link == "and" && len(each) > 1 {
		x.out.WriteString(not + plain.out.String())
	}
	return sources
}

func resolve(n *yaml.Node) any {
	v, why := parser.Resolve(n)
	if why != "" {
		panic(why)
	}
	return v
}

func (x indexer) scalar(s string) { fmt.Fprint(x.out, len(s), " ", s+" ") }

// node writes a node behind the number of those in it.
func (x indexer) node(n *yaml.Node) {
	in := indexer{x.File, &strings.Builder{}}
	fmt.Fprint(x.out, in.nodes(n)-1, " ", in.out.String())
}

// nodes writes a node and counts it and those in it.
func (x indexer) nodes(n *yaml.Node) (count int) {
	n = parser.Deref(n)
	switch n.Kind {
	case yaml.MappingNode:
		entries := x.Entries(n)
		fmt.Fprintf(x.out, "{%d %d %d ", n.Line, n.Column, 2*len(entries))
		for _, e := range entries {
			count += x.nodes(e.Key) + x.nodes(e.Value)
		}
	case yaml.SequenceNode:
		fmt.Fprintf(x.out, "[%d ", len(n.Content))
		for _, c := range n.Content {
			count += x.nodes(c)
		}
	default:
		kind := "="
		if _, text := resolve(n).(string); text {
			kind = `"`
		}
		x.out.WriteString(kind)
		x.scalar(n.Value)
	}
	return count + 1
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
