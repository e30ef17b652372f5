package evtx_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"sigmac/internal/corpus"
	"sigmac/internal/evtx"
	"sigmac/internal/evtxtest"
)

const largest = 16 << 20

// read lists what a file holds: `NUMBER TEXT` of an event, `! MESSAGE` of a fault, and
// `!! MESSAGE` of what ends it early.
func read(src io.Reader, whole *io.SectionReader) (out []string) {
	for r := evtx.NewReader(src, whole, largest); ; {
		rec, err := r.Next()
		switch fault := (*evtx.Fault)(nil); {
		case err == io.EOF:
			return out
		case errors.As(err, &fault):
			out = append(out, "! "+fault.Error())
		case err != nil:
			return append(out, "!! "+err.Error())
		default:
			out = append(out, fmt.Sprintf("%d %s", rec.Number, rec.Text))
		}
	}
}

// one reads a file of one event.
func one(t *testing.T, event any) string {
	t.Helper()
	var l evtxtest.Log
	l.Add(event)
	got := read(bytes.NewReader(l.Bytes(0)), nil)
	if len(got) != 1 {
		t.Fatalf("%d events: %s", len(got), got)
	}
	return strings.TrimPrefix(got[0], "1 ")
}

// element is one with content.
func element(name string, content ...any) *evtxtest.Element {
	return &evtxtest.Element{Name: name, Content: append([]any{}, content...)}
}

// data is an element Data with a name.
func data(name string, content ...any) *evtxtest.Element {
	e := element("Data", content...)
	e.Attributes = []evtxtest.Attribute{{Name: "Name", Content: []any{name}}}
	return e
}

// TestValues holds how each type of value is written.
func TestValues(t *testing.T) {
	le := func(v any) []byte {
		var b bytes.Buffer
		if err := binary.Write(&b, binary.LittleEndian, v); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	guid := []byte("\x49\x56\x84\x54\x78\x54\x94\x49\xa5\xba\x3e\x3b\x03\x28\xc3\x0d")
	sid := []byte("\x01\x02\x00\x00\x00\x00\x00\x05\x20\x00\x00\x00\x20\x02\x00\x00")
	for _, tt := range []struct {
		kind  byte
		bytes []byte
		want  string
	}{
		{0x00, nil, `null`},
		{0x00, []byte{1, 2, 3}, `null`},
		{0x01, nil, `null`},
		{0x01, le([]uint16{'a', '"', '\\', 7, '\n', 0xe9, 0xd83d, 0xde00}), `"a\"\\\u0007\né😀"`},
		{0x01, le([]uint16{'a', 0, 'b'}), `"a"`},
		{0x01, le([]uint16{0xd83d, 'x'}), "\"\ufffdx\""},
		{0x01, []byte("abc"), `a text has half a character`},
		{0x02, []byte("text\x00"), `"text"`},
		{0x02, []byte("\xe9\x80"), `"é€"`},
		{0x03, []byte{0xff}, `-1`},
		{0x04, []byte{0xff}, `255`},
		{0x04, nil, `null`},
		{0x04, []byte{1, 2}, `a value of the type 0x4 has 2 bytes`},
		{0x05, le(int16(-2)), `-2`},
		{0x06, le(uint16(65535)), `65535`},
		{0x07, le(int32(-3)), `-3`},
		{0x08, le(uint32(4294967295)), `4294967295`},
		{0x09, le(int64(math.MinInt64)), `-9223372036854775808`},
		{0x0a, le(uint64(math.MaxUint64)), `18446744073709551615`},
		{0x0b, le(float32(0.1)), `"0.1"`},
		{0x0c, le(float64(-2)), `"-2.0"`},
		{0x0c, le(math.NaN()), `"NaN"`},
		{0x0d, le(int32(0)), `false`},
		{0x0d, le(int32(1)), `true`},
		{0x0d, le(int32(-1)), `-1`},
		{0x0d, []byte{1}, `a value of the type 0xd has 1 bytes`},
		{0x0e, []byte{0, 0xab, 0xff}, `"00ABFF"`},
		{0x0f, guid, `"{54845649-5478-4994-a5ba-3e3b0328c30d}"`},
		{0x0f, guid[1:], `a value of the type 0xf has 15 bytes`},
		{0x10, le(uint32(18)), `"0x12"`},
		{0x10, le(uint64(18)), `"0x12"`},
		{0x10, []byte{1}, `a value of 1 bytes of the type 0x10 is unknown`},
		{0x11, evtxtest.Time(time.Date(2024, 2, 29, 1, 2, 3, 456789100, time.UTC)).Bytes, `"2024-02-29T01:02:03.4567891Z"`},
		{0x11, le(uint64(0)), `"1601-01-01T00:00:00.0000000Z"`},
		{0x11, le(uint64(math.MaxInt64)), `"0828-09-14T02:48:05.4775807Z"`},
		{0x11, le(uint64(math.MaxUint64)), `"0000-00-00T00:00:00.0000000Z"`},
		{0x12, le([]uint16{2024, 2, 4, 29, 23, 59, 58, 7}), `"2024-02-29T23:59:58.0070000Z"`},
		{0x12, le([]uint16{2023, 2, 4, 29, 23, 59, 58, 7}), `"1601-01-01T00:00:00.0000000Z"`},
		{0x13, sid, `"S-1-5-32-544"`},
		{0x13, []byte("\x01\x00\x01\x00\x00\x00\x00\x05"), `"S-1-0x010000000005"`},
		{0x13, sid[:12], `a SID has 12 bytes`},
		{0x14, le(uint32(0)), `"0x0"`},
		{0x14, le(uint32(0xdeadbeef)), `"0xdeadbeef"`},
		{0x15, le(uint64(0x8020000000000000)), `"0x8020000000000000"`},
		{0x21, nil, `null`},
		{0x22, []byte{1}, `a value of 1 bytes of the type 0x22 is unknown`},
		{0x23, []byte{1, 0}, `a value of 2 bytes of the type 0x23 is unknown`},
		{0x7f, nil, `null`},
		{0xfe, []byte{1}, `arrays of the type 0x7e are unknown`},
		{0xff, []byte{1}, `arrays of the type 0x7f are unknown`},
	} {
		got := one(t, &evtxtest.Instance{Template: element("E", evtxtest.Sub(0)), Values: []evtxtest.Value{{Type: tt.kind, Bytes: tt.bytes}}})
		if want := `{"E":` + tt.want + `}`; got != want && got != "! record 1: the event is broken: "+tt.want {
			t.Errorf("type %#x of %x: %s, want %s", tt.kind, tt.bytes, got, want)
		}
	}
}

// TestForms holds what becomes of elements, attributes and templates.
func TestForms(t *testing.T) {
	type (
		E = evtxtest.Element
		S = evtxtest.Sub
	)
	in := func(template *E, values ...evtxtest.Value) *evtxtest.Instance {
		return &evtxtest.Instance{Template: template, Values: values}
	}
	null := evtxtest.Value{}
	words := evtxtest.Value{Type: 0x81, Bytes: evtxtest.String("one\x00\x00two").Bytes}
	attribute := func(name string, content ...any) []evtxtest.Attribute {
		return []evtxtest.Attribute{{Name: name, Content: content}}
	}
	inner := in(&E{Name: "Inner", Content: []any{S(0)}}, evtxtest.Uint(7, 16))
	self := element("A")
	self.Content = []any{in(self)}
	deep := element("A", "x")
	for range 300 {
		deep = element("A", deep)
	}
	for _, tt := range []struct {
		name  string
		event any
		want  string
	}{
		{"without a template", element("Event", element("A", "x"), element("B")), `{"Event":{"A":"x","B":null}}`},
		{"closed at once", &E{Name: "Event"}, `{"Event":null}`},
		{"attributes", in(&E{Name: "E", Attributes: append(attribute("a", S(0)), attribute("b", S(1), "-", S(0))...), Content: []any{S(1)}},
			evtxtest.Uint(1, 8), evtxtest.String("x")), `{"E":{"#attributes":{"a":1,"b":"x-1"},"#text":"x"}}`},
		{"attributes without a value", in(&E{Name: "E", Attributes: append(attribute("a", evtxtest.Optional(0)), attribute("b", S(1))...)},
			null, evtxtest.String("")), `{"E":null}`},
		{"mixed content", in(element("E", "a", element("B"), evtxtest.Entity("amp"), evtxtest.Char(65), evtxtest.CDATA("<c>"), S(0)), evtxtest.Uint(1, 8)),
			`{"E":{"#text":"a&A<c>1","B":null}}`},
		{"an entity that is unknown", element("E", evtxtest.Entity("nbsp")), `! record 1: the event is broken: the entity "nbsp" is unknown`},
		{"elements that depend on values", in(element("E", &E{Name: "A", Depends: 1, Content: []any{S(0)}}, &E{Name: "B", Depends: 2, Content: []any{S(1)}},
			&E{Name: "C", Depends: 9, Content: []any{S(8)}}), null, evtxtest.Uint(1, 8)), `{"E":{"B":1,"C":null}}`},
		{"elements of one name", element("E", element("A", "1"), element("A_1", "2"), element("A", "3"), element("A")), `{"E":{"A":"1","A_1":"2","A_2":"3","A_3":null}}`},
		{"an element like an attribute", &E{Name: "E", Attributes: attribute("a", "1"), Content: []any{element("#attributes", "x"), "t", element("#text")}},
			`{"E":{"#attributes":{"a":"1"},"#text":"t","#attributes_1":"x","#text_1":null}}`},
		{"data with names", element("E", element("EventData", data("A", "1"), data("B"), element("Other", "2"), data("A", "3"))),
			`{"E":{"EventData":{"A":"1","B":"","Other":"2","A_1":"3"}}}`},
		{"data of one name in a row", element("E", element("EventData", data("A", "1"), data("A"), data("A", element("X", "3")))),
			`{"E":{"EventData":{"A":["1","",{"X":"3"}]}}}`},
		{"data without names", element("E", element("EventData", element("Data", "1"), element("Binary", "00"), element("Data", "2"))),
			`{"E":{"EventData":{"Data":{"#text":["1","2"]},"Binary":"00"}}}`},
		{"one without a name", element("E", element("EventData", element("Data", "1"))), `{"E":{"EventData":{"Data":{"#text":"1"}}}}`},
		{"data with names and without", element("E", element("UserData", data("A", "1"), element("Data", "2"))), `{"E":{"UserData":{"A":"1","Data":{"#text":"2"}}}}`},
		{"data in no EventData", element("E", data("A", "1")), `{"E":{"Data":{"#attributes":{"Name":"A"},"#text":"1"}}}`},
		{"data further inside", element("E", element("UserData", element("X", data("A", "1")))), `{"E":{"UserData":{"X":{"Data":{"#attributes":{"Name":"A"},"#text":"1"}}}}}`},
		{"an array", in(element("E", &E{Name: "A", Attributes: attribute("n", "x"), Content: []any{S(0)}}, element("B")), words),
			`{"E":{"A":{"#attributes":{"n":"x"},"#text":"one"},"A_1":{"#attributes":{"n":"x"}},"A_2":{"#attributes":{"n":"x"},"#text":"two"},"B":null}}`},
		{"an array in an attribute", in(element("E", &E{Name: "A", Attributes: attribute("n", S(0))}), evtxtest.Value{Type: 0x84, Bytes: []byte{1, 2}}),
			`{"E":{"A":{"#attributes":{"n":1}},"A_1":{"#attributes":{"n":2}}}}`},
		{"an array as data", in(element("E", element("EventData", data("A", S(0)))), words), `{"E":{"EventData":{"A":["one","","two"]}}}`},
		{"an array of nothing", in(element("E", element("A", S(0))), evtxtest.Value{Type: 0x81}), `{"E":{"A":null}}`},
		{"an array of SIDs", in(element("E", element("EventData", element("Data", S(0)))),
			evtxtest.Value{Type: 0x93, Bytes: []byte("\x01\x01\x00\x00\x00\x00\x00\x05\x12\x00\x00\x00\x01\x01\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00")}),
			`{"E":{"EventData":{"Data":{"#text":["S-1-5-18","S-1-1-0"]}}}}`},
		{"half an item", in(element("E", element("A", S(0))), evtxtest.Value{Type: 0x86, Bytes: []byte{1, 2, 3}}),
			`! record 1: the event is broken: an array of the type 0x6 has 3 bytes`},
		{"an array of binary data", in(element("E", element("A", S(0))), evtxtest.Value{Type: 0x8e, Bytes: []byte{1}}),
			`! record 1: the event is broken: arrays of the type 0xe are unknown`},
		{"two arrays", in(element("E", element("A", S(0), S(0))), words), `! record 1: the event is broken: the element A holds two arrays`},
		{"a template in a value", in(element("E", S(0), element("UserData", S(0))), evtxtest.XML(inner)), `{"E":{"Inner":7,"UserData":{"Inner":7}}}`},
		{"an element in a value", in(element("E", S(0)), evtxtest.XML(element("X", "y"))), `{"E":{"X":"y"}}`},
		{"a value in an attribute", in(&E{Name: "E", Attributes: attribute("a", S(0))}, evtxtest.XML(element("X"))),
			`! record 1: the event is broken: an attribute holds an element`},
		{"a template in a template", in(element("E", inner)), `{"E":{"Inner":7}}`},
		{"a value of no template", element("E", S(0)), `! record 1: the event is broken: a value is asked for outside of a template`},
		{"a template in itself", in(self), `! record 1: the event is broken: it is nested too deep`},
		{"deep", deep, `! record 1: the event is broken: it is nested too deep`},
	} {
		if got := one(t, tt.event); got != tt.want {
			t.Errorf("%s:\n%s\nwant\n%s", tt.name, got, tt.want)
		}
	}
}

// file is a log of n events of about so many bytes each.
func file(n, size int) (out evtxtest.Log) {
	for i := range n {
		out.Add(evtxtest.Event(fmt.Sprintf(`{"Event":{"System":{"EventRecordID":%d},"EventData":{"A":%q}}}`, i+1, strings.Repeat("x", size/2))))
	}
	return out
}

// TestFaults holds that what is broken is told, and that the rest is read.
func TestFaults(t *testing.T) {
	log := file(5, 20_000) // 3 and 2
	whole := log.Bytes(1)
	records := log.Records()
	const second = 4096 + 65536
	put := func(at int, b ...byte) func([]byte) []byte {
		return func(file []byte) []byte { copy(file[at:], b); return file }
	}
	sealed := func(at int, b ...byte) func([]byte) []byte {
		return func(file []byte) []byte {
			copy(file[at:], b)
			evtxtest.Seal(file[:second+65536])
			return file
		}
	}
	for _, tt := range []struct {
		name   string
		change func([]byte) []byte
		want   string // numbers of events, and faults
	}{
		{"nothing", func(b []byte) []byte { return b }, "1 2 3 4 5"},
		{"its end", func(b []byte) []byte { return b[:second+65536] }, "1 2 3 4 5"},
		{"cut off", func(b []byte) []byte { return b[:second+65536+100] }, "1 2 3 4 5"},
		{"cut off in a chunk", func(b []byte) []byte { return b[:second+30_000] }, "1 2 3 ! chunk 2: it is cut off after 30000 bytes"},
		{"cut off in its header", func(b []byte) []byte { return b[:100] }, "!! the EVTX file is cut off after 100 bytes, within its header"},
		{"another file", put(0, 'x'), "!! is no EVTX file"},
		{"the checksum of the header", put(16, 9), "! the checksum of the file's header is wrong 1 2 3 4 5"},
		{"no checksum of the header", func(b []byte) []byte { b[16], b[120] = 9, 4; return b }, "1 2 3 4 5"},
		{"another version", sealed(38, 4), "!! is EVTX of version 4.1; 3.0 to 3.2 are read"},
		{"another size of the header", sealed(40, 1), "!! is EVTX with a header of another size than 4096 bytes"},
		{"no chunk", put(4096, 'x'), "! chunk 1: it does not begin like a chunk 4 5"},
		{"a chunk's header", put(4096+130, 1), "! chunk 1: the checksum of its header is wrong 4 5"},
		{"no checksums of a chunk", func(b []byte) []byte { b[4096+130], b[4096+120], b[4096+53] = 1, 4, 0; return b }, "1 2 3 4 5"},
		{"a chunk's records", put(second+40_000, 0xff), "1 2 3 ! chunk 2: the checksum of its records is wrong"},
		{"the end of the records", sealed(4096+48, 1, 0), "! chunk 1: its header says that its records end at byte 1 4 5"},
		{"the end of the records behind the chunk", sealed(4096+48, 1, 0, 1), "! chunk 1: its header says that its records end at byte 65537 4 5"},
		{"the end of the records in a record", sealed(4096+48, 0, 0x5f), "1 ! chunk 1: no record is where one should be, at byte 20834 4 5"},
		{"a record's beginning", sealed(records[1], 'x'), "1 ! chunk 1: no record is where one should be, at byte 20834 4 5"},
		{"a record's size", sealed(records[1]+4, 0), "1 ! chunk 1: no record is where one should be, at byte 20834 4 5"},
		{"a record's event", sealed(records[1]+28, 0x77), "1 ! record 2: the event is broken: the token 0x77 is unknown 3 4 5"},
		{"an event without an element", sealed(records[1]+24, 0), "1 ! record 2: the event is broken: it is empty 3 4 5"},
	} {
		changed := tt.change(bytes.Clone(whole))
		for name, src := range map[string]io.Reader{"": bytes.NewReader(changed), ", a byte at a time": iotest.OneByteReader(bytes.NewReader(changed))} {
			var got []string
			for _, line := range read(src, nil) {
				if number, _, ok := strings.Cut(line, " "); ok && number[0] != '!' {
					line = number
				}
				got = append(got, line)
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("%s%s:\n%s\nwant\n%s", tt.name, name, strings.Join(got, " "), tt.want)
			}
		}
	}
	broken := errors.New("the disk is gone")
	if got := read(io.MultiReader(bytes.NewReader(whole[:second]), iotest.ErrReader(broken)), nil); !slices.Contains(got, "!! "+broken.Error()) {
		t.Errorf("an error of the stream: %s", got)
	}
}

// TestOrder holds that a log that goes on at its beginning is read in the order of its events,
// where it is a file.
func TestOrder(t *testing.T) {
	log := file(11, 20_000)
	straight := log.Bytes(0)
	const start, size = 4096, 65536
	turned := slices.Concat(straight[:start], straight[start+2*size:], straight[start:start+2*size])
	torn := bytes.Clone(turned)
	torn[start+2*size+48] ^= 1 // the oldest
	numbers := func(lines []string) (out string) {
		for _, line := range lines {
			number, _, _ := strings.Cut(line, " ")
			if number == "!" {
				number = line
			}
			out += number + " "
		}
		return strings.TrimSpace(out)
	}
	for _, tt := range []struct {
		name  string
		file  []byte
		pipe  bool
		extra int
		want  string
	}{
		{"straight", straight, false, 0, "1 2 3 4 5 6 7 8 9 10 11"},
		{"turned", turned, false, 0, "1 2 3 4 5 6 7 8 9 10 11"},
		{"turned, in a pipe", turned, true, 0, "7 8 9 10 11 1 2 3 4 5 6"},
		{"turned and cut off", append(bytes.Clone(turned), 1, 2), false, 0, "1 2 3 4 5 6 7 8 9 10 11 ! chunk 5: it is cut off after 2 bytes"},
		{"turned, with a broken chunk", torn, false, 0, "! chunk 3: the checksum of its header is wrong 4 5 6 7 8 9 10 11"},
		{"behind something else", append([]byte("before"), turned...), false, 6, "1 2 3 4 5 6 7 8 9 10 11"},
	} {
		path := filepath.Join(t.TempDir(), "x.evtx")
		if err := os.WriteFile(path, tt.file, 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.Seek(int64(tt.extra), io.SeekStart); err != nil {
			t.Fatal(err)
		}
		src := io.Reader(f)
		if tt.pipe {
			src = iotest.DataErrReader(f)
		}
		whole := evtx.Whole(src)
		if got := numbers(read(bufio.NewReader(src), whole)); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

// TestLimits holds that a small file cannot ask for much.
func TestLimits(t *testing.T) {
	type I = evtxtest.Instance
	long := strings.Repeat("n", 20_000)
	many := element("E")
	for range 2000 {
		many.Content = append(many.Content, element(long))
	}
	fan := evtxtest.XML(element("A", "x"))
	double := element("E", evtxtest.Sub(0), evtxtest.Sub(0))
	for range 60 {
		fan = evtxtest.XML(&I{Template: double, Values: []evtxtest.Value{fan}})
	}
	items := evtxtest.Value{Type: 0x84, Bytes: bytes.Repeat([]byte{1}, 10_000)}
	product := element("A", evtxtest.Sub(0))
	for range 5 {
		product = &evtxtest.Element{Name: "B", Attributes: []evtxtest.Attribute{{Name: "n", Content: []any{evtxtest.Sub(0)}}}, Content: []any{product}}
	}
	var entities evtxtest.Element
	entities.Name = "E"
	for range 8000 {
		entities.Content = append(entities.Content, evtxtest.Sub(0))
	}
	empty := []any{evtxtest.Sub(0)}
	for range 7000 {
		empty = append(empty, "")
	}
	attribute := &evtxtest.Element{Name: "A", Attributes: []evtxtest.Attribute{{Name: "Name", Content: empty}}}
	list := element("E")
	for range 3000 {
		list.Content = append(list.Content, element("A", evtxtest.Sub(0)))
	}
	for name, event := range map[string]any{
		"a long attribute, by an array": &I{Template: element("E", attribute), Values: []evtxtest.Value{{Type: 0x84, Bytes: bytes.Repeat([]byte{1}, 20_000)}}},
		"a long array many times":       &I{Template: list, Values: []evtxtest.Value{{Type: 0x82, Bytes: append([]byte{0}, bytes.Repeat([]byte{1}, 10_000)...)}}},
		"a long name":                   many,
		"a template in its values":      &I{Template: double, Values: []evtxtest.Value{fan}},
		"arrays in arrays":              &I{Template: product, Values: []evtxtest.Value{items}},
		"a long text":                   &I{Template: &entities, Values: []evtxtest.Value{evtxtest.String(long[:10_000])}},
	} {
		var l evtxtest.Log
		l.Add(event)
		file := l.Bytes(0)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		got := read(bytes.NewReader(file), nil)
		runtime.ReadMemStats(&after)
		if len(got) != 1 || got[0] != "! record 1: the event is broken: the events of its chunk hold more than is read" {
			t.Errorf("%s: %.200s", name, got)
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > 200<<20 {
			t.Errorf("%s: %d bytes", name, n)
		}
	}
	r := evtx.NewReader(bytes.NewReader(evtxtest.FromJSON(`{"Event":{"A":"0123456789"}}`)), nil, 10)
	if _, err := r.Next(); fmt.Sprint(err) != "record 1: the event is broken: it is larger than 10 bytes" {
		t.Errorf("an event that is too large: %v", err)
	}
}

// TestChanged holds that logs with changed bytes and right checksums are read: what comes out
// is JSON, or a fault.
func TestChanged(t *testing.T) {
	var l evtxtest.Log
	for i := range 40 {
		l.Add(evtxtest.Event(fmt.Sprintf(`{"Event":{"#attributes":{"xmlns":"x"},"System":{"Provider":{"#attributes":{"Name":"P"}},"EventID":%d,"Level":null},
			"EventData":{"A":"b","C":["d","e"],"Flag":true,"Name%d":"x"}}}`, i, i)))
		l.Add(&evtxtest.Instance{Template: element("E", element("A", evtxtest.Sub(0)), evtxtest.Sub(1)),
			Values: []evtxtest.Value{{Type: 0x81, Bytes: evtxtest.String("a\x00b").Bytes}, evtxtest.XML(element("X", evtxtest.Entity("lt"), evtxtest.Char(9), evtxtest.CDATA("y")))}})
	}
	file := l.Bytes(0)
	const records = 4096 + 512
	used := int(binary.LittleEndian.Uint32(file[4096+48:])) - 512
	random := rand.New(rand.NewPCG(1, 2))
	events, faults := 0, 0
	for range 400 {
		changed := bytes.Clone(file)
		for range 1 + random.IntN(6) {
			at := records + random.IntN(used)
			switch random.IntN(3) {
			case 0:
				changed[at] = byte(random.IntN(256))
			case 1:
				changed[at] ^= 1 << random.IntN(8)
			default:
				copy(changed[at:at+1+random.IntN(20)], changed[records+random.IntN(used):])
			}
		}
		evtxtest.Seal(changed)
		for _, line := range read(bytes.NewReader(changed), nil) {
			_, text, _ := strings.Cut(line, " ")
			if line[0] == '!' {
				faults++
			} else if events++; !json.Valid([]byte(text)) {
				t.Fatal(line)
			}
		}
	}
	if events < 4000 || faults < 400 {
		t.Errorf("%d events and %d faults", events, faults)
	}
}

// TestCorpus holds that recorded events come back as they were.
func TestCorpus(t *testing.T) {
	for _, recording := range corpus.Recordings(t) {
		var l evtxtest.Log
		for _, event := range recording.Events {
			l.Add(evtxtest.Event(string(event)))
		}
		got := read(bytes.NewReader(l.Bytes(1)), nil)
		if len(got) != len(recording.Events) {
			t.Fatalf("%s: %d of %d events", recording.Name, len(got), len(recording.Events))
		}
		for i, line := range got {
			_, line, _ = strings.Cut(line, " ")
			if !reflect.DeepEqual(decoded(t, line), decoded(t, string(recording.Events[i]))) {
				t.Errorf("%s: event %d became\n%s", recording.Name, i+1, line)
			}
		}
	}
}

func decoded(t *testing.T, text string) (out any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&out); err != nil {
		t.Fatalf("%s: %s", err, text)
	}
	return out
}

// TestSamples compares logs of Windows with what evtx_dump writes of them.
func TestSamples(t *testing.T) {
	dir := os.Getenv("SIGMAC_EVTX")
	if dir == "" {
		t.Skip("SIGMAC_EVTX names no folder of files NAME.evtx with NAME.evtx.jsonl, which evtx_dump 0.15 writes with -t 1 -o jsonl")
	}
	paths, _ := filepath.Glob(filepath.Join(dir, "*.evtx"))
	if len(paths) == 0 {
		t.Fatalf("%s has no file *.evtx", dir)
	}
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		dump, err := os.ReadFile(path + ".jsonl")
		if err != nil {
			t.Fatal(err)
		}
		want := strings.Split(strings.TrimSuffix(string(dump), "\n"), "\n")
		events, faults, at := 0, 0, 0
		for _, line := range read(bufio.NewReader(f), evtx.Whole(f)) {
			if line[0] == '!' {
				faults++
				t.Logf("%s: %s", path, line)
				continue
			}
			events++
			_, line, _ = strings.Cut(line, " ")
			got := decoded(t, line)
			for from := at; ; at++ {
				if at == len(want) {
					t.Fatalf("%s: evtx_dump does not write, from its event %d on:\n%s\n%s", path, from+1, line, want[min(from, len(want)-1)])
				}
				if reflect.DeepEqual(got, decoded(t, want[at])) {
					break
				}
				if faults == 0 {
					t.Fatalf("%s: event %d:\n%s\nwant\n%s", path, at+1, line, want[at])
				}
			}
			at++
		}
		if f.Close(); faults == 0 && events != len(want) {
			t.Errorf("%s: %d of %d events", path, events, len(want))
		}
		t.Logf("%s: %d events, %d faults", path, events, faults)
	}
}

// FuzzReader holds that any bytes in a chunk are read: what comes out is JSON within its
// limit, or a fault.
func FuzzReader(f *testing.F) {
	const chunk = 4096
	var seeds evtxtest.Log
	seeds.Add(evtxtest.Event(`{"Event":{"#attributes":{"xmlns":"x"},"System":{"EventID":1,"Level":null},"EventData":{"A":"b","C":["d","e"],"Flag":true}}}`))
	seeds.Add(&evtxtest.Instance{Template: element("E", element("A", evtxtest.Sub(0)), evtxtest.Sub(1)),
		Values: []evtxtest.Value{{Type: 0x81, Bytes: evtxtest.String("a\x00b").Bytes}, evtxtest.XML(element("X", evtxtest.Entity("lt"), evtxtest.Char(9), evtxtest.CDATA("y")))}})
	log := seeds.Bytes(0)
	end := binary.LittleEndian.Uint32(log[chunk+48:])
	f.Add(log[chunk+512 : chunk+end])
	for kind := range byte(0x80) {
		var l evtxtest.Log
		l.Add(&evtxtest.Instance{Template: element("E", evtxtest.Sub(0), evtxtest.Sub(1)), Values: []evtxtest.Value{{Type: kind, Bytes: make([]byte, 16)}, {Type: kind | 0x80, Bytes: make([]byte, 32)}}})
		log := l.Bytes(0)
		f.Add(log[chunk+512 : chunk+binary.LittleEndian.Uint32(log[chunk+48:])])
	}
	f.Fuzz(func(t *testing.T, records []byte) {
		file := file(0, 0)
		file.Chunk()
		log := file.Bytes(0)
		n := copy(log[chunk+512:], records)
		binary.LittleEndian.PutUint32(log[chunk+48:], uint32(512+n))
		evtxtest.Seal(log)
		for r := evtx.NewReader(bytes.NewReader(log), nil, 1<<20); ; {
			rec, err := r.Next()
			fault := (*evtx.Fault)(nil)
			if err == io.EOF {
				break
			}
			if err != nil && !errors.As(err, &fault) {
				t.Fatal(err)
			}
			if err == nil && (len(rec.Text) > 1<<20 || !json.Valid(rec.Text)) {
				t.Fatalf("%d bytes: %.1000s", len(rec.Text), rec.Text)
			}
		}
	})
}
