package eval

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"sigmac/ir"
)

// readNames are fields that rules may name, those that Flatten makes among them.
var readNames = []string{"a", "b", "a.b", "a.b.c", "b.c", "EventID", "Channel", "Provider_Name", "Provider_Guid", "Provider", "Computer", "Image", "Data",
	"Event", "Event.System", "Event.System.EventID", "System.EventID", "System", "_raw", "x", "x_y", "#attributes", "@a", "Text", "#text", "é", "", "EventData.Image",
	"Channel.a", "Image.Text", "Image.a", "Data.Name", "Data.a", "UserData.x.a"}

// sameReading holds View.Read against ParseEvent and Flatten: that it takes what these take,
// and what the fields are, the source, and what keywords look at.
func sameReading(t *testing.T, v *View, text string) (fast bool) {
	t.Helper()
	ev, err := ParseEvent([]byte(text))
	if got := v.Read([]byte(text)); got != (err == nil) {
		t.Fatalf("read %v, %v: %s", got, err, text)
	}
	if err != nil {
		return false
	}
	ev = Flatten(ev)
	show := func(values []value) (out []string) {
		for _, x := range values {
			if !x.scalar() {
				x.text, x.valid = "", false
			}
			out = append(out, fmt.Sprint(x.kind, x.valid, x.text))
		}
		slices.Sort(out)
		return out
	}
	same := func(what string, got, want []value) {
		t.Helper()
		if g, w := show(got), show(want); !slices.Equal(g, w) {
			t.Fatalf("%s is %q, not %q: %s", what, g, w, text)
		}
	}
	for slot, name := range v.set.names {
		values, present := ev.Field(name)
		var want []value
		for _, x := range values {
			want = append(want, newValue(x))
		}
		f := v.field(slot)
		if same(fmt.Sprintf("%q", name), f.values, want); f.present != present {
			t.Fatalf("%q is present: %v, not %v: %s", name, f.present, present, text)
		}
	}
	if got, want := v.Source(), SourceOf(ev); got != want {
		t.Fatalf("the source is %v, not %v: %s", got, want, text)
	}
	w := v.set.View(ev)
	if got, want := slices.Compact(show(v.keywords())), slices.Compact(show(w.keywords())); !slices.Equal(got, want) {
		t.Fatalf("keywords look at %q, not at %q: %s", got, want, text)
	}
	if v.read != nil {
		raw := ""
		for i, x := range v.read.keywords(nil, false) {
			if i == 0 {
				raw = x.text
			}
		}
		for _, x := range w.keywords() {
			if raw != "" && !strings.Contains(raw, x.text) && !slices.ContainsFunc(v.read.keywords(nil, false), func(y value) bool { return y.text == x.text }) {
				t.Fatalf("%q is not among what differs from the text: %s", x.text, text)
			}
		}
	}
	return v.read != nil
}

// readView is a View of rules that name all of readNames.
func readView() *View {
	s := NewSet()
	for _, name := range readNames {
		s.Prepare(&ir.Rule{Conditions: []ir.Condition{{Expr: ir.Match{Field: ir.Field{Name: name}, Test: ir.Exists{}}}}})
	}
	return s.View(Event{})
}

// windowsEvent is a random event in the forms that Flatten knows, most of them strange.
func windowsEvent(r *rand.Rand) string {
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	name := func() string {
		if r.IntN(3) == 0 {
			return pick(readNames...)
		}
		return pick("a", "b", "c", "x", "x_y", "EventID", "Channel", "Image", "Data", "Text", "#text", "#attributes", "@Name", "Name", "y", "Provider", "EventData", "System", "UserData")
	}
	var value func(depth int) string
	var object func(depth int, names func() string) string
	value = func(depth int) string {
		if depth > 0 {
			switch r.IntN(8) {
			case 0, 1:
				return object(depth-1, name)
			case 2:
				var parts []string
				for range r.IntN(4) {
					parts = append(parts, value(depth-1))
				}
				return "[" + strings.Join(parts, ",") + "]"
			case 3:
				return fmt.Sprintf(`{"#attributes":{"Name":%s},%s:%s}`, value(0), pick(`"#text"`, `"Text"`, `"@Name"`), value(0))
			}
		}
		return pick(`"a"`, `"Security"`, `"Microsoft-Windows-Sysmon/Operational"`, `"4688"`, `1`, `1.50`, `-0`, `1e2`, `true`, `null`, `""`, `"\u00e9\n"`, `"C:\\Windows"`, `"é"`, `"\ud800"`,
			"\"\xff\"", `12345678901234567890123`, `"x"`, ` "y" `, `[]`, `{}`)
	}
	object = func(depth int, names func() string) string {
		var parts []string
		for range r.IntN(5) {
			n, _ := json.Marshal(names())
			parts = append(parts, string(n)+pick(":", " : ")+value(depth))
		}
		return "{" + strings.Join(parts, ",") + "}"
	}
	if r.IntN(3) == 0 {
		return object(3, name)
	}
	data := func() string {
		if r.IntN(2) == 0 {
			return object(2, func() string {
				return pick("Image", "a", "b", "Data", "x", "EventID", "Channel", "_raw", "#attributes")
			})
		}
		var parts []string
		for range r.IntN(4) {
			parts = append(parts, pick(
				fmt.Sprintf(`{"#attributes":{"Name":"%s"},"#text":%s}`, pick("Image", "a", "b", "EventID"), value(1)),
				fmt.Sprintf(`{"@Name":"%s","#text":%s}`, pick("Image", "a", "b"), value(0)),
				fmt.Sprintf(`{"Name":"%s","Text":%s}`, pick("Image", "a", "b"), value(0)), value(1)))
		}
		return `{"Data":[` + strings.Join(parts, ",") + `],"x":` + value(1) + `}`
	}
	system := fmt.Sprintf(`{"Provider":{"#attributes":{"Name":%s,"Guid":"g"}},"EventID":%s,"Channel":%s,"x":%s,"Computer":%s}`, value(0),
		pick("1", `"4688"`, `{"#text":1,"#attributes":{"Qualifiers":"0"}}`, value(2)), pick(`"Security"`, value(1)), value(2), value(1))
	inner := fmt.Sprintf(`"System":%s,"EventData":%s`, pick(system, system, value(1)), data())
	if r.IntN(3) == 0 {
		inner += `,"UserData":` + pick(`{"x":`+data()+`}`, object(2, name))
	}
	if r.IntN(4) == 0 {
		inner += fmt.Sprintf(`,"%s":%s`, pick("a", "EventID", "_raw", "Image", "x"), value(1))
	}
	if r.IntN(2) == 0 {
		return "{" + inner + "}"
	}
	return `{"Event":{` + inner + `}` + pick("", `,"a":`+value(1), `,"_raw":"r"`) + `}`
}

func TestReading(t *testing.T) {
	v := readView()
	fast, n := 0, 20_000
	for seed := range uint64(n) {
		if sameReading(t, v, windowsEvent(rand.New(rand.NewPCG(seed, 7)))) {
			fast++
		}
	}
	if t.Log(fast); fast < n/4 {
		t.Errorf("%d of %d are read", fast, n)
	}
}

// TestLargeReading holds that an event whose numbers grow beyond all bounds is left to ParseEvent, that a large one is read
// all the same, and that neither leaves much behind.
func TestLargeReading(t *testing.T) {
	v := readView()
	list := func(n int, x string) string { return `{"a":[` + strings.Repeat(x+",", n) + `"end"],"b":"z"}` }
	for _, tc := range []struct {
		text string
		fast bool
	}{
		{list(maxReading/400+1000, "1e399"), false},
		{list(300_000, `"\\"`), true},
		{manyNames(maxNames + 100), true},
		{`{"a":1}`, true},
	} {
		if !v.Read([]byte(tc.text)) || (v.read != nil) != tc.fast {
			t.Errorf("%.30s is read: %v", tc.text, v.read != nil)
		}
		a := v.field(v.set.slots["a"]).values
		if last := a[len(a)-1].text; last != "end" && last != "1" {
			t.Errorf("%.30s ends with %q", tc.text, last)
		}
	}
	for name, n := range map[string]int{"bytes": cap(v.reader.arena), "nodes": cap(v.reader.nodes), "names": cap(v.reader.names.all), "values": cap(v.field(v.set.slots["a"]).values)} {
		if n > maxKept {
			t.Errorf("%d %s are kept of a large event", n, name)
		}
	}
}

// manyNames is an object with as many names, and within it another one with the same.
func manyNames(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"x%d":%d,`, i, i)
	}
	return `{` + b.String() + `"b":{` + b.String() + `"a":1},"a":1}`
}

func FuzzReading(f *testing.F) {
	for seed := range uint64(50) {
		f.Add(windowsEvent(rand.New(rand.NewPCG(seed, 7))))
	}
	v := readView()
	f.Fuzz(func(t *testing.T, text string) { sameReading(t, v, text) })
}
