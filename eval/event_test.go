package eval

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"sigmac/ir"
)

func event(t *testing.T, text string) Event {
	t.Helper()
	ev, err := ParseEvent([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return ev
}

func TestParseEvent(t *testing.T) {
	for _, bad := range []string{
		``, ` `, `null`, `[]`, `"a"`, `1`, `{`, `{"a":1} {"a":2}`, `{"a":1},`, `{"a":1e999}`, `{"a":[{"b":1e999}]}`,
		`{'a':1}`, `{"a":01}`, strings.Repeat(`{"a":`, 20000),
	} {
		if ev, err := ParseEvent([]byte(bad)); err == nil {
			t.Errorf("%.40q gives %v", bad, ev)
		}
	}
	for _, tt := range []struct{ in, raw string }{
		{`{}`, `{}`},
		{` {"a": 1.50} `, ` {"a": 1.50} `},
		{`{"a":1,"_raw":"x y"}`, `x y`},
		{`{"_raw":""}`, ``},
		{`{"_raw":1}`, `{"_raw":1}`},
	} {
		if got := event(t, tt.in).Raw(); got != tt.raw {
			t.Errorf("the text of %s is %q", tt.in, got)
		}
	}
}

func TestNewEvent(t *testing.T) {
	ev, err := NewEvent(map[string]any{
		"a": "x<y", "b": 5, "c": ir.Number("12345678901234567890"), "d": []string{"p", "q"}, "e": nil, "f": true, "g": 1.5,
		"h": map[string]any{"i": []any{json.Number("1.0")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"a":"x<y","b":5,"c":12345678901234567890,"d":["p","q"],"e":null,"f":true,"g":1.5,"h":{"i":[1]}}`
	if ev.Raw() != want {
		t.Errorf("the text is %s", ev.Raw())
	}
	if back := event(t, want); !reflect.DeepEqual(ev, back) {
		t.Errorf("read back it is %v, not %v", back, ev)
	}
	if _, err := NewEvent(map[string]any{"a": struct{}{}}); err == nil {
		t.Error("a struct is taken for a value")
	}
	if ev, err := NewEvent(map[string]any{"_raw": "line"}); err != nil || ev.Raw() != "line" {
		t.Errorf("_raw is %q, %v", ev.Raw(), err)
	}
}

func TestField(t *testing.T) {
	const text = `{
		"a": "top", "a.b": "dotted", "n": 1.50, "big": 12345678901234567890, "t": true, "nil": null, "none": [], "empty": "",
		"list": ["x", ["y", null], 2], "obj": {"p": {"q": "deep"}, "p.q": "exact", "r.s": {"t": "mixed"}},
		"objs": [{"k": "1"}, {"k": ["2", "3"]}, {"other": 0}, "scalar", [{"k": "4"}]],
		"x.y": {"z": "one"}, "x": {"y.z": "two", "y": {"z": null}}, "nils": [null]
	}`
	n := func(s string) json.Number { return json.Number(s) }
	for _, tt := range []struct {
		name    string
		present bool
		want    []any
	}{
		{"a", true, []any{"top"}},
		{"a.b", true, []any{"dotted"}},
		{"A", false, nil},
		{"a.c", false, nil},
		{"a.b.c", false, nil},
		{"n", true, []any{n("1.5")}},
		{"big", true, []any{n("12345678901234567890")}},
		{"t", true, []any{true}},
		{"nil", true, nil},
		{"nil.x", false, nil},
		{"nils", true, nil},
		{"none", true, nil},
		{"empty", true, []any{""}},
		{"list", true, []any{"x", "y", n("2")}},
		{"list.0", false, nil},
		{"obj.p.q", true, []any{"exact"}},
		{"obj.r.s.t", true, []any{"mixed"}},
		{"obj.r", false, nil},
		{"objs.k", true, []any{"1", "2", "3", "4"}},
		{"objs.other", true, []any{n("0")}},
		{"x.y.z", true, []any{"two", "one"}},
		{"", false, nil},
		{".", false, nil},
		{"obj.", false, nil},
		{".p", false, nil},
	} {
		got, present := event(t, text).Field(tt.name)
		if present != tt.present || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: %v, %v; want %v, %v", tt.name, got, present, tt.want, tt.present)
		}
	}
	if vs, present := event(t, text).Field("obj.p"); !present || len(vs) != 1 {
		t.Errorf("an object is %v, %v", vs, present)
	}
}

func TestFlatten(t *testing.T) {
	system := `"System":{
		"Provider":{"#attributes":{"Name":"My-Provider","Guid":"G"}},
		"EventID":{"#text":4688,"#attributes":{"Qualifiers":7}},
		"TimeCreated":{"@SystemTime":"2024-05-06T07:08:09.1Z"},
		"Execution":{"#attributes":{"ProcessID":4,"ThreadID":8}},
		"Security":{"#attributes":{"UserID":"S-1-5-18"}},
		"Correlation":null,"EventRecordID":99,"Channel":"Security","Computer":"host","Level":4}`
	for _, tt := range []struct{ name, event, fields string }{
		{"System", `{"Event":{"#attributes":{"xmlns":"u"},` + system + `}}`,
			`{"Provider_Name":"My-Provider","Provider_Guid":"G","Provider":"absent","EventID":4688,"EventID_Qualifiers":7,
			"TimeCreated_SystemTime":"2024-05-06T07:08:09.1Z","Execution_ProcessID":4,"Execution_ThreadID":8,
			"Security_UserID":"S-1-5-18","Correlation":null,"EventRecordID":99,"Channel":"Security","Computer":"host","Level":4,
			"#attributes":"absent","Event.System.Channel":"Security"}`},
		{"without the root", `{` + system + `,"EventData":{"Image":"a.exe"},"host":"h"}`,
			`{"Provider_Name":"My-Provider","EventID":4688,"Image":"a.exe","host":"h"}`},
		{"a plain EventID", `{"Event":{"System":{"EventID":1,"Provider":{"Name":"P"},"Keywords":"0x80"}}}`,
			`{"EventID":1,"Provider_Name":"P","Keywords":"0x80"}`},
		{"EventData's members", `{"Event":{"System":{"EventID":1},"EventData":{"#attributes":{"Name":"N"},
			"Image":"a.exe","Pid":3,"Nil":null,"T":{"#text":"text","#attributes":{"x":1}},"B":{"#text":"bare"}}}}`,
			`{"Image":"a.exe","Pid":3,"Nil":null,"T":"text","B":"bare","Name":"absent"}`},
		{"EventData over System", `{"Event":{"System":{"Level":4,"Execution":{"#attributes":{"ProcessID":4}}},
			"EventData":{"Level":"high","Execution_ProcessID":"0x8"}}}`, `{"Level":"high","Execution_ProcessID":"0x8"}`},
		{"System over EventData", `{"Event":{"System":{"Channel":"System","EventID":7,"Computer":"c","Provider":{"#attributes":{"Name":"P"}}},
			"EventData":{"Channel":"Application","EventID":8,"Provider_Name":"Q","Data":[{"@Name":"Computer","#text":"d"}]}}}`,
			`{"Channel":"System","EventID":7,"Computer":"c","Provider_Name":"P"}`},
		{"EventData alone", `{"Event":{"System":{"EventID":7},"EventData":{"Channel":"Application","Computer":"d"}}}`,
			`{"Channel":"Application","Computer":"d","EventID":7}`},
		{"named data", `{"Event":{"System":{},"EventData":{"Data":[{"@Name":"Image","#text":"a.exe"},{"@Name":"Nil"},
			{"@Name":"Twice","#text":1},{"@Name":"Twice","#text":2},{"Name":"Plain","Text":"p"},
			{"#attributes":{"Name":"Attr"},"#text":"q"}]}}}`,
			`{"Image":"a.exe","Nil":null,"Twice":[1,2],"Plain":"p","Attr":"q","Data":"absent"}`},
		{"one named datum", `{"Event":{"System":{},"EventData":{"Data":{"@Name":"Image","#text":"a.exe"}}}}`,
			`{"Image":"a.exe","Data":"absent"}`},
		{"data without names", `{"Event":{"System":{},"EventData":{"Data":["x",{"#text":"y"},null],"Binary":"00"}}}`,
			`{"Data":["x","y"],"Binary":"00"}`},
		{"a list as text", `{"Event":{"System":{},"EventData":{"Data":{"#text":["x","y"]}}}}`, `{"Data":["x","y"]}`},
		{"no data", `{"Event":{"System":{"EventID":1},"EventData":null,"UserData":null}}`, `{"EventID":1,"Data":"absent"}`},
		{"UserData", `{"Event":{"System":{"Channel":"System"},"UserData":{"LogFileCleared":{"#attributes":{"xmlns":"u"},
			"Channel":"Security","SubjectUserName":"me","Data":[{"@Name":"N","#text":"v"}]},"Flat":1}}}`,
			`{"Channel":"System","SubjectUserName":"me","N":"v","Flat":1,"xmlns":"absent"}`},
		{"not from Windows", `{"Event":{"EventData":{"a":1}},"b":2}`, `{"a":"absent","b":2,"Event.EventData.a":1}`},
		{"Event is a text", `{"Event":"x","System":"y"}`, `{"Event":"x","System":"y"}`},
	} {
		ev := event(t, tt.event)
		before := event(t, tt.event)
		flat := Flatten(ev)
		for name, want := range event(t, tt.fields).fields {
			got, present := flat.Field(name)
			if want == "absent" {
				if present {
					t.Errorf("%s: %s is %v", tt.name, name, got)
				}
			} else if !present || !reflect.DeepEqual(got, elements(want)) {
				t.Errorf("%s: %s is %v, %v; want %v", tt.name, name, got, present, want)
			}
		}
		if flat.Raw() != tt.event || !reflect.DeepEqual(ev, before) {
			t.Errorf("%s: the text or the event itself has changed", tt.name)
		}
	}
}
