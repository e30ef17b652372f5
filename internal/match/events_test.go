package match

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"sigmac/internal/corpus"
)

// BenchmarkEvents tries all public rules on events, and compares that with decoding the JSON
// alone, by the same decoder and on as many cores: the recorded events of Windows, shuffled and repeated; these as
// events of a log source that no rule is about; the recorded ones with another text in each, for what comes again is
// remembered; lines of 2.4 kB of a text log.
func BenchmarkEvents(b *testing.B) {
	const n = 100_000
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // as the command does
	rs := New(Options{MaxEvent: 1 << 24})
	for _, d := range corpus.Rules(b) {
		rs.Add(d)
	}
	rs.index()
	recorded := recordedEvents(b)
	for _, bb := range []struct {
		name string
		src  []byte
	}{
		{"recorded", shuffled(recorded, n)},
		{"elsewhere", shuffled(elsewhere(recorded), n)},
		{"new", renewed(shuffled(numbered(recorded), n))},
		{"raw", shuffled(rawEvents(), n)},
	} {
		b.Run(bb.name, func(b *testing.B) {
			src := bb.src
			var decoding, trying time.Duration
			matches := 0
			for b.Loop() {
				runtime.GC()
				start := time.Now()
				decodeLines(b, src)
				decoding += time.Since(start)
				runtime.GC()
				start = time.Now()
				matches = 0
				for f, err := range rs.Stream(bytes.NewReader(src)) {
					if err != nil || len(f.Faults) > 0 {
						b.Fatal(err, f.Faults)
					}
					matches += len(f.Matches)
				}
				trying += time.Since(start)
			}
			b.SetBytes(int64(len(src)))
			b.ReportMetric(trying.Seconds()/decoding.Seconds(), "x-json")
			b.ReportMetric(n*float64(b.N)/trying.Seconds(), "events/s")
			b.ReportMetric(float64(matches), "matches")
		})
	}
}

// recordedEvents are those of the corpus, a line each.
func recordedEvents(b *testing.B) (out []string) {
	for _, rec := range corpus.Recordings(b) {
		for _, raw := range rec.Events {
			var line bytes.Buffer
			if err := json.Compact(&line, raw); err != nil {
				b.Fatal(err)
			}
			out = append(out, line.String())
		}
	}
	return out
}

// elsewhere are events whose channel and provider are another product's.
func elsewhere(events []string) []string {
	return changed(events, func(root map[string]any) {
		if system, ok := root["System"].(map[string]any); ok {
			system["Channel"], system["Provider"] = "Vendor/Own", map[string]any{"#attributes": map[string]any{"Name": "Vendor"}}
		}
	})
}

// aNumber stands in events for a number that no other event has.
const aNumber = "~~~~~~~"

// numbered are events with a number before each text of their data.
func numbered(events []string) []string {
	return changed(events, func(root map[string]any) {
		data, _ := root["EventData"].(map[string]any)
		for name, v := range data {
			if s, ok := v.(string); ok {
				data[name] = aNumber + s
			}
		}
	})
}

// changed are events of which the member Event is changed.
func changed(events []string, change func(root map[string]any)) (out []string) {
	for _, ev := range events {
		var m map[string]any
		if json.Unmarshal([]byte(ev), &m) != nil {
			continue
		}
		root, _ := m["Event"].(map[string]any)
		change(root)
		text, _ := json.Marshal(m)
		out = append(out, string(text))
	}
	return out
}

// renewed are lines with their numbers.
func renewed(src []byte) []byte {
	var b bytes.Buffer
	i := 0
	for line := range bytes.Lines(src) {
		b.Write(bytes.ReplaceAll(line, []byte(aNumber), fmt.Appendf(nil, "%07d", i)))
		i++
	}
	return b.Bytes()
}

// rawEvents are lines of a text log.
func rawEvents() (out []string) {
	r := rand.New(rand.NewPCG(1, 1))
	words := strings.Fields("session opened for user root by sshd from port accepted publickey run-parts /etc/cron.hourly kernel audit type=1400 apparmor=ALLOWED operation=open profile=/usr/bin/man")
	for i := range 1000 {
		var b strings.Builder
		for b.Len() < 2400 {
			fmt.Fprintf(&b, "%s[%d] ", words[r.IntN(len(words))], r.IntN(10_000))
		}
		text, _ := json.Marshal(map[string]any{"_time": 1_700_000_000 + i, "host": fmt.Sprint("host", i%50), "_raw": b.String()[:2400]})
		out = append(out, string(text))
	}
	return out
}

// shuffled is n events, each as often as the others.
func shuffled(events []string, n int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	var b bytes.Buffer
	for i := range n {
		if i%len(events) == 0 {
			r.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
		}
		b.WriteString(events[i%len(events)])
		b.WriteByte('\n')
	}
	return b.Bytes()
}

// decodeLines decodes every token of every line, texts unescaped, on all cores.
func decodeLines(b *testing.B, src []byte) {
	const block = 1 << 18
	var next atomic.Int64
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			decoder := jsontext.NewDecoder(new(bytes.Buffer))
			var buf bytes.Buffer
			var text []byte
			for {
				from := int(next.Add(block)) - block
				if from >= len(src) {
					return
				}
				part := src[from:]
				if from > 0 && src[from-1] != '\n' {
					part = part[bytes.IndexByte(part, '\n')+1:]
				}
				end := min(from+block, len(src)) - (len(src) - len(part))
				for at := 0; at < end; {
					line := part[at : at+bytes.IndexByte(part[at:], '\n')]
					at += len(line) + 1
					buf = *bytes.NewBuffer(line)
					decoder.Reset(&buf)
					for {
						kind := decoder.PeekKind()
						if kind != '"' && kind != '0' {
							if _, err := decoder.ReadToken(); err == io.EOF {
								break
							} else if err != nil {
								b.Error(err)
								return
							}
							continue
						}
						v, err := decoder.ReadValue()
						if err == nil && kind == '"' {
							text, err = jsontext.AppendUnquote(text[:0], v)
						}
						if err != nil {
							b.Error(err)
							return
						}
					}
				}
			}
		})
	}
	workers.Wait()
}
