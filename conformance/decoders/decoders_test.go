// Package decoders compares JSON decoders on events as eval reads them. It is a module of its own, so that sigmac
// does not need all of them.
package decoders

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/buger/jsonparser"
	"github.com/bytedance/sonic"
	"github.com/go-json-experiment/json/jsontext"
	gojson "github.com/goccy/go-json"
	"github.com/minio/simdjson-go"
	"github.com/valyala/fastjson"
)

// event is of the form in which converters write those of Sysmon.
var event = []byte(`{"Event":{"#attributes":{"xmlns":"http://schemas.microsoft.com/win/2004/08/events/event"},"System":{"Provider":{"#attributes":` +
	`{"Name":"Microsoft-Windows-Sysmon","Guid":"{5770385f-c22a-43e0-bf4c-06f5698ffbd9}"}},"EventID":1,"Version":5,"Level":4,"Task":1,"Opcode":0,` +
	`"Keywords":"0x8000000000000000","TimeCreated":{"#attributes":{"SystemTime":"2026-01-02T03:04:05.678901Z"}},"EventRecordID":4711,"Correlation":null,` +
	`"Execution":{"#attributes":{"ProcessID":3308,"ThreadID":4008}},"Channel":"Microsoft-Windows-Sysmon/Operational","Computer":"host.example",` +
	`"Security":{"#attributes":{"UserID":"S-1-5-18"}}},"EventData":{"RuleName":"-","UtcTime":"2026-01-02 03:04:05.678","ProcessId":5112,` +
	`"Image":"C:\\Windows\\System32\\certutil.exe","FileVersion":"10.0.20348.1 (WinBuild.160101.0800)","Description":"CertUtil.exe",` +
	`"Product":"Microsoft\u00ae Windows\u00ae Operating System","Company":"Microsoft Corporation","OriginalFileName":"CertUtil.exe",` +
	`"CommandLine":"certutil  -decode C:\\Users\\user\\AppData\\Local\\Temp\\a.txt C:\\Users\\user\\AppData\\Local\\Temp\\a.exe",` +
	`"CurrentDirectory":"C:\\Users\\user\\","User":"HOST\\user","LogonId":"0x3e7","IntegrityLevel":"High",` +
	`"Hashes":"MD5=` + strings.Repeat("0F", 16) + `,SHA256=` + strings.Repeat("A1", 32) + `","ParentProcessId":4321,` +
	`"ParentImage":"C:\\Windows\\System32\\cmd.exe","ParentCommandLine":"\"C:\\Windows\\System32\\cmd.exe\" /c run.cmd","ParentUser":"HOST\\user"}}}`)

func each(b *testing.B, f func() error) {
	b.SetBytes(int64(len(event)))
	b.ReportAllocs()
	for b.Loop() {
		if err := f(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDecoders decodes an event, all texts unescaped: into tokens where the decoder has some,
// else into its own tree, else into a map.
func BenchmarkDecoders(b *testing.B) {
	b.Run("encoding/json", func(b *testing.B) {
		each(b, func() error {
			var m map[string]any
			d := json.NewDecoder(bytes.NewReader(event))
			d.UseNumber()
			return d.Decode(&m)
		})
	})
	b.Run("jsontext", func(b *testing.B) {
		d, buf, text := jsontext.NewDecoder(new(bytes.Buffer)), bytes.Buffer{}, []byte(nil)
		each(b, func() error {
			buf = *bytes.NewBuffer(event)
			d.Reset(&buf)
			for {
				kind := d.PeekKind()
				if kind != '"' && kind != '0' {
					if _, err := d.ReadToken(); err == io.EOF {
						return nil
					} else if err != nil {
						return err
					}
					continue
				}
				v, err := d.ReadValue()
				if err == nil && kind == '"' {
					text, err = jsontext.AppendUnquote(text[:0], v)
				}
				if err != nil {
					return err
				}
			}
		})
	})
	b.Run("fastjson", func(b *testing.B) { // takes what is no JSON
		var p fastjson.Parser
		var visit func(v *fastjson.Value)
		visit = func(v *fastjson.Value) {
			switch v.Type() {
			case fastjson.TypeObject:
				v.GetObject().Visit(func(_ []byte, v *fastjson.Value) { visit(v) })
			case fastjson.TypeString:
				v.GetStringBytes()
			}
		}
		each(b, func() error {
			v, err := p.ParseBytes(event)
			if err == nil {
				visit(v)
			}
			return err
		})
	})
	b.Run("fastjson, valid", func(b *testing.B) { each(b, func() error { return fastjson.ValidateBytes(event) }) })
	b.Run("jsonparser", func(b *testing.B) { // takes what is no JSON
		buf := make([]byte, 4096)
		var member func(_, v []byte, t jsonparser.ValueType, _ int) error
		member = func(_, v []byte, t jsonparser.ValueType, _ int) (err error) {
			switch t {
			case jsonparser.Object:
				err = jsonparser.ObjectEach(v, member)
			case jsonparser.String:
				_, err = jsonparser.Unescape(v, buf)
			}
			return err
		}
		each(b, func() error { return jsonparser.ObjectEach(event, member) })
	})
	b.Run("simdjson", func(b *testing.B) { // of AVX2 alone
		if !simdjson.SupportedCPU() {
			b.Skip("the processor has no AVX2 and CLMUL")
		}
		var parsed *simdjson.ParsedJson
		each(b, func() (err error) {
			parsed, err = simdjson.Parse(event, parsed)
			return err
		})
	})
	b.Run("sonic", func(b *testing.B) { // of amd64 and arm64 alone; elsewhere it is encoding/json
		api := sonic.Config{UseNumber: true}.Froze()
		each(b, func() error {
			var m map[string]any
			return api.Unmarshal(event, &m)
		})
	})
	b.Run("goccy", func(b *testing.B) {
		each(b, func() error {
			var m map[string]any
			return gojson.Unmarshal(event, &m)
		})
	})
}
