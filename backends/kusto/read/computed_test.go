package read_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"sigmac"
	"sigmac/backends"
	"sigmac/backends/kusto"
	"sigmac/backends/kusto/read"
	"sigmac/computed"
	"sigmac/eval"
	"sigmac/ir"
	"sigmac/parser"
	"sigmac/targets"
)

// pieces are what rows and tests are made of.
var pieces = struct {
	texts []string
	cells map[string][]string // by column; texts elsewhere
}{
	texts: []string{"", "a", "A", "b.exe", `\b.exe`, "/b.exe", `C:\a\b.exe`, `C:\a`, "Tcp", "TcpV6", "udp", "tcp", "-", "?x=1", `\Device\NamedPipe\a`, `\a`,
		"10.0.0.1", "::ffff:10.0.0.1", "fe80::1", "user", "DOMAIN"},
	cells: map[string][]string{
		"ActionType": {"RegistryKeyCreated", "RegistryKeyDeleted", "RegistryKeyRenamed", "RegistryValueSet", "registryvalueset", "RegistryValueDeleted",
			"ConnectionSuccess", "ConnectionRequest", "InboundConnectionAccepted", "inboundconnectionaccepted", "x"},
		"RegistryKey": {"", `HKEY_LOCAL_MACHINE\SYSTEM\ControlSet001\Services\a`, `HKEY_LOCAL_MACHINE\System\ControlSet002`, `HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services`,
			`HKEY_LOCAL_MACHINE\Software\a\b`, `HKEY_USERS\S-1-5\Software\a`, `HKEY_CURRENT_USER\Software\a\b`, `hkey_local_machine\software\A`, `HKEY_CLASSES_ROOT\a`},
		"RegistryValueName": {"", "(Default)", "a", "b", "1", "ab"},
		"RegistryValueType": {"", "Dword", "Qword", "Binary", "String", "dword"},
		"RegistryValueData": {"", "0", "1", "255", "4294967295", "a", "b.exe", "-1", `C:\a\b.exe`},
		"LocalPort":         {"", "22", "80"}, "RemotePort": {"", "22", "443"},
	},
}

func (p *rows) cell(column string, typ ir.Type) any {
	from, ok := pieces.cells[strings.TrimPrefix(column, "Previous")]
	if !ok {
		from = pieces.texts
	}
	text := from[p.IntN(len(from))]
	switch {
	case text == "":
		return nil
	case typ == ir.Numeric:
		return ir.Number(text)
	}
	return text
}

type rows struct{ *rand.Rand }

// pattern is a test of a text, of pieces that it may have.
func (p *rows) pattern() ir.Pattern {
	words := []string{`\`, "a", "A", "b", "ab", "b.exe", `HKLM`, `HKLM\System`, `CurrentControlSet`, `ControlSet`, "001", `\Services`, "HKU", `HKU\S-1-5`, `Software`, `\Software\a`,
		"HKEY", "KEY_", "(Default)", "(Empty)", "Binary Data", "DWORD (0x", "DWORD (0x00000001)", "DWORD (0x000000ff)", "QWORD (0x00000000", "0", ")", "ff", "C:", "exe",
		"tcp", "udp", "?x=1", "user", `DOMAIN\user`, "10.0.0.1", "-"}
	var parts []ir.Part
	for range 1 + p.IntN(4) {
		switch p.IntN(5) {
		case 0:
			parts = append(parts, ir.Part{Kind: ir.AnyRun})
		case 1:
			if p.IntN(4) == 0 {
				parts = append(parts, ir.Part{Kind: ir.AnyOne})
			}
		default:
			parts = append(parts, ir.Part{Text: words[p.IntN(len(words))]})
		}
	}
	if p.IntN(2) == 0 {
		parts = append([]ir.Part{{Kind: ir.AnyRun}}, parts...)
	}
	if p.IntN(2) == 0 {
		parts = append(parts, ir.Part{Kind: ir.AnyRun})
	}
	return ir.NewPattern(p.IntN(8) == 0, parts...)
}

// TestPreimages holds what a test of a computed column asks of the columns that it is
// computed of against what the column's expression is evaluated to, for the columns of
// the built-in pipelines and random rows: alone, and in a query that is written from it.
func TestPreimages(t *testing.T) {
	target := targets.Must("kusto")
	type count struct{ asked, passed, written int }
	counts := map[string]*count{}
	for _, source := range []string{"category: registry_event", "category: network_connection", "category: process_creation", "category: pipe_created",
		"category: driver_load", "category: file_rename"} {
		rule := "title: t\nlogsource: {product: windows, " + source + "}\ndetection: {s: {Image: x}, condition: s}\n"
		res := sigmac.CompileDocument(parser.Parse("rule.yml", []byte(rule)).Documents[0], sigmac.Options{Mappings: []sigmac.Mapping{sigmac.DefaultMapping(target)}})[0]
		if len(res.Errors) > 0 {
			t.Fatal(source, res.Errors[0])
		}
		var tests ir.And
		for _, c := range res.Want.Computed {
			tests = append(tests, ir.Match{Field: ir.Field{Name: c.Name, Type: ir.Text}, Test: ir.Exists{}})
		}
		res.Want.Conditions = []ir.Condition{{Expr: tests}}
		defined, err := target.Define(res.Want)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range res.Want.Computed {
			if counts[c.Name] == nil {
				counts[c.Name] = &count{}
			}
			n := counts[c.Name]
			p := &rows{rand.New(rand.NewPCG(1, uint64(len(c.Text))))}
			for range 60 {
				m := ir.Match{Field: ir.Field{Name: c.Name, Type: ir.Text}, Test: p.pattern()}
				if c.Type == "int" {
					m = ir.Match{Field: ir.Field{Name: c.Name, Type: ir.Numeric}, Test: ir.Compare{Op: ir.Gt, Number: ir.Number([]string{"22", "79"}[p.IntN(2)])}}
				} else if p.IntN(12) == 0 {
					m.Test = ir.Null{}
				}
				var e ir.Expr = m
				if other := m; p.IntN(3) == 0 { // of two tests one passes, or none
					if c.Type != "int" {
						other.Test = p.pattern()
					}
					if e = (ir.Or{m, other}); p.IntN(2) == 0 {
						e = ir.Not{X: e}
					}
				}
				given := &ir.Rule{Scope: ir.Scope{Table: "T"}, Computed: []ir.Computed{c}, Conditions: []ir.Condition{{Expr: e}}}
				texts := written(t, given)
				original := where(t, texts)
				expanded, _, left := defined.Expand(e)
				if len(left) > 0 || defined.Tested(expanded) {
					continue // not followed
				}
				var plain ir.Expr
				if r, why := defined.Plain(given); len(why) == 0 {
					plain = where(t, written(t, r))
				}
				for range 20 {
					ev, ok := p.row(t, original, expanded, defined)
					if !ok {
						continue
					}
					want, known := eval.Settled(original, ev)
					if !known {
						continue
					}
					if n.asked++; want {
						n.passed++
					}
					if got := eval.Expr(nil, expanded, ev); got != want {
						t.Fatalf("%s: %s of %v is %t, its preimage %s is %t", texts, e, ev, want, expanded, got)
					}
					if plain != nil {
						n.written++
						if got, known := eval.Settled(plain, ev); !known || got != want {
							t.Fatalf("%s: %s of %v is %t, the plain query %s is %t", texts, e, ev, want, plain, got)
						}
					}
				}
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		t.Log(name, *counts[name])
	}
	for _, name := range []string{"TargetObject", "NewName", "Details", "User", "DestinationPort", "TransportProtocol", "ParentName", "PipeName"} {
		if n := counts[name]; n == nil || n.passed < 40 || n.asked-n.passed < 40 || n.written < 40 {
			t.Errorf("%s: too few answers: %+v", name, n)
		}
	}
}

// row is a random row of the columns that some expressions test, if what is supposed of
// the table, and of numbers in texts, holds of it.
func (p *rows) row(t *testing.T, original, expanded ir.Expr, d computed.Definitions) (ev eval.Event, ok bool) {
	fields := map[string]ir.Type{"ActionType": ir.Text}
	note := func(e ir.Expr) {
		switch e := e.(type) {
		case ir.Match:
			fields[e.Field.Name] = e.Field.Type
		case ir.Opaque:
			if e.Of != nil {
				for _, f := range e.Of.Fields {
					fields[f.Name] = f.Type
				}
			}
		}
	}
	ir.Walk(original, note)
	ir.Walk(expanded, note)
	values := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if v := p.cell(name, fields[name]); v != nil {
			values[name] = v
		}
	}
	if pipe, ok := values["AdditionalFields.PipeName"]; ok {
		inside, _ := json.Marshal(map[string]any{"PipeName": pipe})
		values["AdditionalFields"] = string(inside)
	} else {
		delete(values, "AdditionalFields")
	}
	if typ := strings.ToLower(fmt.Sprint(values["RegistryValueType"])); typ == "dword" || typ == "qword" {
		values["RegistryValueData"] = []string{"0", "1", "255", "4294967295"}[p.IntN(4)]
	}
	ev, err := eval.NewEvent(values)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range d.Assumed {
		if !eval.Expr(nil, a.Expr, ev) {
			return ev, false
		}
	}
	return ev, true
}

func written(t *testing.T, r *ir.Rule) string {
	legal, refused := backends.Legalize(r, kusto.Caps())
	if len(refused) > 0 {
		t.Fatal(refused[0])
	}
	docs, err := kusto.Emit(legal)
	if err != nil {
		t.Fatal(err)
	}
	return docs[0].Flat()
}

func where(t *testing.T, query string) ir.Expr {
	q, err := read.Read(query, nil)
	if err != nil {
		t.Fatal(query, err)
	}
	return q.Where
}
