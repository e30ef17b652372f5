package eval

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/zstd"

	"sigmac/internal/evtxtest"
	"sigmac/ir"
)

// read lists what a stream holds: `LINE:COLUMN TEXT` of an event, `LINE:COLUMN! MESSAGE` of
// what is none, `! MESSAGE` of what ends the stream early.
func read(src io.Reader, max int) (out []string) {
	for r := NewReader(src, max); ; {
		rec, err := r.Next()
		if err == nil {
			_, err = rec.Parse()
		}
		e := (*ir.Diagnostic)(nil)
		switch {
		case err == io.EOF:
			return out
		case errors.As(err, &e):
			out = append(out, fmt.Sprintf("%d:%d! %s", e.Pos.Line, e.Pos.Column, e.Msg))
		case err != nil:
			return append(out, "! "+err.Error())
		default:
			out = append(out, fmt.Sprintf("%d:%d %s", rec.Pos.Line, rec.Pos.Column, rec.Text))
		}
	}
}

func gzipped(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(s))
	_ = w.Close()
	return b.String()
}

func zstandard(s string) string {
	w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		panic(err)
	}
	return string(w.EncodeAll([]byte(s), nil))
}

const lineEnd = "the string goes over the end of a line, or holds a control character"

func TestReader(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		want     []string
	}{
		{"nothing", "", nil},
		{"blanks", " \r\n\t", nil},
		{"lines", "{\"a\":1}\n{\"b\":[{}]}\r\n\n{\"c\":\"}\"}", []string{`1:1 {"a":1}`, `2:1 {"b":[{}]}`, `4:1 {"c":"}"}`}},
		{"a byte order mark", "\xef\xbb\xbf{}", []string{"1:1 {}"}},
		{"UTF-16", "\xff\xfe{\x00}\x00", []string{"! is UTF-16 text; events are read as UTF-8"}},
		{"concatenated", `{"a":1}{"b":2} {"c":{"d":"\"{"}}`, []string{`1:1 {"a":1}`, `1:8 {"b":2}`, `1:16 {"c":{"d":"\"{"}}`}},
		{"over lines", "{\n \"a\": [1,\n  2]\n}\n{}", []string{"1:1 {\n \"a\": [1,\n  2]\n}", "5:1 {}"}},
		{"an array", "[\n {\"a\":1},\n {\"b\":2}\n]\n", []string{`2:2 {"a":1}`, `3:2 {"b":2}`}},
		{"arrays", `[{},{}][]{}[{}]`, []string{"1:2 {}", "1:5 {}", "1:10 {}", "1:13 {}"}},
		{"characters", `{"é":"–"}{}`, []string{`1:1 {"é":"–"}`, "1:10 {}"}},
		{"gzip", gzipped("{}\n{\"a\":1}"), []string{"1:1 {}", `2:1 {"a":1}`}},
		{"gzip twice", gzipped("{}\n") + gzipped("{}"), []string{"1:1 {}", "2:1 {}"}},
		{"gzip cut off", gzipped("{}\n")[:20], []string{"1:1 {}", "! the gzip stream is cut off"}},
		{"gzip and nothing", "\x1f\x8b", []string{"! the gzip stream is cut off"}},
		{"gzip, the second cut off", gzipped("{}\n") + gzipped("{}")[:12], []string{"1:1 {}", "! the gzip stream is cut off"}},
		{"gzip and something else", gzipped("{}\n") + "{}", []string{"1:1 {}", "! the gzip stream is cut off"}},
		{"gzip and something longer", gzipped("{}\n") + `{"a": "text"}`, []string{"1:1 {}", "! the gzip stream is broken: gzip: invalid header"}},
		{"gzip that is changed", strings.Replace(gzipped("{}\n"), "\x1f\x8b\x08", "\x1f\x8b\x09", 1), []string{"! the gzip stream is broken: gzip: invalid header"}},
		{"zstd", zstandard("{}\n{\"a\":1}"), []string{"1:1 {}", `2:1 {"a":1}`}},
		{"zstd twice", zstandard("{}\n") + zstandard("{}"), []string{"1:1 {}", "2:1 {}"}},
		{"zstd of nothing", zstandard(""), nil},
		{"zstd cut off", zstandard("{}\n{}")[:12], []string{"! the zstd stream is cut off"}},
		{"zstd and nothing", "\x28\xb5\x2f\xfd", []string{"! the zstd stream is cut off"}},
		{"zstd, the second cut off", zstandard("{}\n") + zstandard("{}")[:9], []string{"1:1 {}", "! the zstd stream is cut off"}},
		{"zstd and something else", zstandard("{}\n") + "{}{}{}", []string{"1:1 {}", "! the zstd stream is broken: invalid input: magic number mismatch"}},
		{"zstd with a window of 1 GiB", "\x28\xb5\x2f\xfd\x00\xa0\x00", []string{"! the zstd stream asks to look back for more than 128 MiB"}},
		{"compressed twice", zstandard(gzipped("{}")), []string{"1:1! a value was expected"}},

		{"a cut line", "{}\n{\"a\":1\n{\"b\":2}\n{}", []string{"1:1 {}", "3:1! , or the end was expected", `3:1 {"b":2}`, "4:1 {}"}},
		{"a cut string", "{\"a\":\"x\n{}", []string{"1:8! " + lineEnd, "2:1 {}"}},
		{"a cut name", "{\"a\n{}", []string{"1:4! " + lineEnd, "2:1 {}"}},
		{"a cut escape", "{\"a\":\"\\\n{}", []string{"1:8! " + lineEnd, "2:1 {}"}},
		{"the last line is cut", "{}\n{\"a\":", []string{"1:1 {}", "2:6! the event has no end"}},
		{"the last string is cut", "{}\n{\"a\":\"", []string{"1:1 {}", "2:7! the string has no end"}},
		{"a text line", "{}\nnot json at all\n{}", []string{"1:1 {}", "2:1! not an event: a word", "3:1 {}"}},
		{"words", "{}\nnull\n1\n\"a\"\n*\n{}", []string{"1:1 {}", "2:1! not an event: a word", "3:1! not an event: a number",
			"4:1! not an event: a string", "5:1! a value was expected", "6:1 {}"}},
		{"a wrong word", "{}\n {\"é\": nul}\n{}", []string{"1:1 {}", "2:11! invalid character '}' in literal null (expecting 'l')", "3:1 {}"}},
		{"a wrong number", "{\n\"a\":\n01}\n{}", []string{"3:2! invalid character '1' after object key:value pair", "4:1 {}"}},
		{"a large number", "{\"a\":1e999}", []string{"1:1! the number 1e999 is out of range"}},
		{"a wrong escape", "{\"a\":\"\\x\"}\n{}", []string{"1:8! invalid character 'x' in string escape code", "2:1 {}"}},
		{"no name", "{1:2}\n{}", []string{"1:2! a name or } was expected", "2:1 {}"}},
		{"a trailing comma", "{\"a\":1,}\n{\"a\":[1,]}", []string{"1:8! a name was expected", "2:9! a value was expected"}},
		{"a wrong bracket", "{\"a\":[1}}\n{}", []string{"1:8! , or the end was expected", "2:1 {}"}},
		{"a bracket too many", "{}}\n{}", []string{"1:1 {}", "1:3! a value was expected", "2:1 {}"}},
		{"commas between lines", "{},\n{}", []string{"1:1 {}", "1:3! a value was expected", "2:1 {}"}},
		{"broken over lines", "{\n  \"a\": {\n  },\n  \"b\" 1,\n  \"c\": {\n  }\n}\n{}", []string{"4:7! : was expected", "8:1 {}"}},
		{"broken in an array", "[\n  {\"a\" 1},\n  {\n    \"b\": {},\n    \"c\": {\n  },\n  {}\n]\n{}",
			[]string{"2:8! : was expected", "7:3! a name was expected", "7:3 {}", "9:1 {}"}},
		{"a broken last element", "[\n{},\n{\"a\"}\n]\n{}", []string{"2:1 {}", "3:5! : was expected", "5:1 {}"}},
		{"no comma in an array", "[{} {}\n{}]{}", []string{"1:2 {}", "1:5! a comma is missing before this", "1:5 {}",
			"2:1! a comma is missing before this", "2:1 {}", "2:4 {}"}},
		{"no events in an array", "[1, [{}, 2], {}, null]\n{}", []string{"1:2! not an event: a number", "1:14 {}", "2:1 {}"}},
		{"an array without end", "[{},{}\n", []string{"1:2 {}", "1:5 {}", "2:1! the array has no end"}},
		{"too large", `{"a":"` + strings.Repeat("x", 100) + `"}{}[{"b":[` + strings.Repeat("1,", 50) + `1]},{}]`,
			[]string{"1:1! the event is larger than 64 bytes", "1:109 {}", "1:112! the event is larger than 64 bytes", "1:222 {}"}},
		{"just large enough", `{"a":"` + strings.Repeat("x", 56) + `"}`, []string{`1:1 {"a":"` + strings.Repeat("x", 56) + `"}`}},
		{"too deep", `{"a":` + strings.Repeat("[", 20000) + "\n{}", []string{"1:10005! the event is nested too deep", "2:1 {}"}},
	} {
		max := 64
		if tt.name == "too deep" || strings.Contains(tt.name, "over lines") || strings.Contains(tt.name, "broken in") {
			max = 1 << 20
		}
		for name, src := range map[string]io.Reader{"": strings.NewReader(tt.in), ", a byte at a time": iotest.OneByteReader(strings.NewReader(tt.in))} {
			if got := read(src, max); strings.Join(got, "\n") != strings.Join(tt.want, "\n") {
				t.Errorf("%s%s:\n%s\nwant\n%s", tt.name, name, strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		}
	}
}

// TestNotJSON holds that events in another form are told of by their form.
func TestNotJSON(t *testing.T) {
	for in, want := range map[string]string{
		"<Event/>\n":                    "is XML; events are read as JSON objects or EVTX",
		"\xef\xbb\xbf\n <Events>\n":     "is XML; events are read as JSON objects or EVTX",
		"ElfFile\x00\x00\x00":           "the EVTX file is cut off after 10 bytes, within its header",
		"ElfFile":                       "1:1: not an event: 'E'",
		"Image,User\na,b\n":             "is likely CSV; events are read as JSON objects or EVTX",
		"\"Image\"\t\"User\"\r\na\tb\n": "is likely CSV; events are read as JSON objects or EVTX",
		"{\"a\": 1,\n\"b\": 2}":         "",
		"[\n{}, {}]":                    "",
		"a, {}\n{}":                     "1:1: not an event: a word",
		"text\n{}":                      "1:1: not an event: a word",
	} {
		_, err := NewReader(strings.NewReader(in), 1<<20).Next()
		if got := fmt.Sprint(err); got != want && (err != nil || want != "") {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
	// Of a stream that goes on, no more is waited for than is there.
	if _, err := NewReader(io.MultiReader(strings.NewReader("{}\n"), waiting{t}), 1<<20).Next(); err != nil {
		t.Error(err)
	}
}

// TestEVTX holds that events of an event log are those of their JSON, in every form of a file.
func TestEVTX(t *testing.T) {
	events := []string{
		`{"Event":{"System":{"Provider":{"#attributes":{"Name":"Sysmon"}},"EventID":1,"Channel":"C","Correlation":null},"EventData":{"Image":"C:\\a.exe","ProcessId":4,"Signed":true,"Empty":""}}}`,
		`{"Event":{"System":{"EventID":{"#attributes":{"Qualifiers":16384},"#text":7}},"EventData":{"Data":{"#text":["a","b"]}}}}`,
		`{"Event":{"System":{"EventID":1102},"UserData":{"LogFileCleared":{"#attributes":{"xmlns":"x"},"SubjectUserName":"a"}}}}`,
	}
	log := string(evtxtest.FromJSON(events...))
	torn := strings.Replace(log, "ElfChnk", "ElfChnx", 1)
	for name, file := range map[string]string{"": log, "gzip: ": gzipped(log), "zstd: ": zstandard(log)} {
		r := NewReader(strings.NewReader(file), 1<<20)
		for i, text := range events {
			rec, err := r.Next()
			if err != nil {
				t.Fatalf("%sevent %d: %s", name, i+1, err)
			}
			got, err := rec.Parse()
			if err != nil {
				t.Fatal(err)
			}
			want, err := ParseEvent([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			if got, want := Flatten(got), Flatten(want); !reflect.DeepEqual(got.fields, want.fields) || rec.Pos != (ir.Pos{Line: i + 1, Column: 1}) {
				t.Errorf("%sevent %d at %v: %v\nwant %v", name, i+1, rec.Pos, got.fields, want.fields)
			}
		}
		if _, err := r.Next(); err != io.EOF {
			t.Errorf("%sthe end: %v", name, err)
		}
	}
	for _, tt := range []struct{ name, in, want string }{
		{"a broken chunk", torn, "0:0! chunk 1: it does not begin like a chunk"},
		{"cut off in gzip", gzipped(log)[:200], "! the gzip stream is cut off"},
		{"larger than is allowed", log, "1:1! the event is broken: it is larger than 10 bytes\n2:1! the event is broken: it is larger than 10 bytes\n3:1! the event is broken: it is larger than 10 bytes"},
	} {
		for name, src := range map[string]io.Reader{"": strings.NewReader(tt.in), ", a byte at a time": iotest.OneByteReader(strings.NewReader(tt.in))} {
			if got := strings.Join(read(src, 10), "\n"); got != tt.want {
				t.Errorf("%s%s:\n%s\nwant\n%s", tt.name, name, got, tt.want)
			}
		}
	}
}

// A waiting stream has nothing yet.
type waiting struct{ t *testing.T }

func (w waiting) Read([]byte) (int, error) {
	w.t.Error("more is read than is needed")
	return 0, io.EOF
}

// A repeated is a text n times.
type repeated struct {
	text string
	n    int
	rest string
}

func (r *repeated) Read(b []byte) (int, error) {
	if r.rest == "" {
		if r.n == 0 {
			return 0, io.EOF
		}
		r.n--
		r.rest = r.text
	}
	n := copy(b, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// TestFlatMemory reads large streams, good and hostile, in little memory.
func TestFlatMemory(t *testing.T) {
	const limit = 1 << 20
	log := string(evtxtest.FromJSON(`{"Event":{"EventData":{"a":"` + strings.Repeat("x", 20_000) + `"}}}`))
	for _, tt := range []struct {
		name, text string
		n          int
		events     int
	}{
		{"events", `{"a":"` + strings.Repeat("x", 1000) + `","b":[1,2,{"c":null}]}` + "\n", 50_000, 50_000},
		{"one line", `{"a":"` + strings.Repeat("x", 1000) + `"}`, 50_000, 50_000},
		{"open objects", "{\"a\":[\n", 2_000_000, 0},
		{"open objects on a line", `{"a":[`, 2_000_000, 0},
		{"an endless string", `{"a":"x` + strings.Repeat("x", 4000), 10_000, 0},
		{"an endless word", `{"a":` + strings.Repeat("1", 1<<25), 1, 0},
		{"no JSON", "xx *\n", 2_000_000, 0},
		{"chunks of an event log", log[4096:], 1000, 1000},
	} {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		src := io.Reader(&repeated{text: tt.text, n: tt.n})
		if strings.HasPrefix(tt.text, "ElfChnk") {
			src = io.MultiReader(strings.NewReader(log[:4096]), src)
		}
		r, n, peak := NewReader(src, limit), 0, uint64(0)
		for i := 0; ; i++ {
			_, err := r.Next()
			if err == nil {
				n++
			} else if _, ok := err.(*ir.Diagnostic); !ok {
				break
			}
			if i%10_000 == 0 {
				runtime.ReadMemStats(&after)
				peak = max(peak, after.HeapInuse)
			}
		}
		if n != tt.events {
			t.Errorf("%s: %d events", tt.name, n)
		}
		if cap(r.buf) > 8*limit || peak > before.HeapInuse+64<<20 {
			t.Errorf("%s: a buffer of %d bytes, a heap of %d", tt.name, cap(r.buf), peak)
		}
	}
}

func FuzzReader(f *testing.F) {
	for _, s := range []string{`{"a":1}`, "[{},{}]", "{\"a\":\n{}", "[{\"a\" 1}\n{}]", gzipped("{}"), zstandard("{}"), "ElfFile\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := read(strings.NewReader(s), 100)
		// What is no JSON is named by its first line only where that came at once.
		named := len(got) > 0 && strings.HasPrefix(got[0], "! is ")
		if again := read(iotest.OneByteReader(strings.NewReader(s)), 100); !named && strings.Join(again, "\n") != strings.Join(got, "\n") {
			t.Fatalf("a byte at a time:\n%s\nat once:\n%s", strings.Join(again, "\n"), strings.Join(got, "\n"))
		}
		if _, err := ParseEvent([]byte(s)); err == nil && len(strings.TrimSpace(s)) <= 100 && len(got) != 1 {
			t.Fatalf("one event is read as %q", got)
		}
	})
}

func BenchmarkReader(b *testing.B) {
	text := `{"Event":{"System":{"EventID":1,"Channel":"Security"},"EventData":{"Image":"C:\\Windows\\System32\\cmd.exe","CommandLine":"` +
		strings.Repeat("word ", 200) + `"}}}` + "\n"
	n := b.N
	b.SetBytes(int64(len(text)))
	for r := NewReader(&repeated{text: text, n: n}, DefaultMaxEvent); ; {
		if _, err := r.Next(); err != nil {
			break
		}
	}
}
