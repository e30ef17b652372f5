package main

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigmac/internal/evtxtest"
)

const evalTestRule = `title: Even
logsource: {category: test}
detection:
  even: {n|endswith: ['0', '2', '4', '6', '8']}
  condition: even
`

// evalRun runs the command with a rule and events, in a folder of their own.
func evalRun(t *testing.T, events []byte, args ...string) (status int, out, errs string) {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	for name, text := range map[string][]byte{"rule.yml": []byte(evalTestRule), "events": events} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	var stdout, stderr bytes.Buffer
	status = run(append([]string{"sigmac", "eval", "rule.yml", "--events", "events"}, args...), strings.NewReader(""), &stdout, &stderr)
	return status, stdout.String(), stderr.String()
}

func compress(text []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(text)
	_ = w.Close()
	return b.Bytes()
}

// TestEvalOrder holds that many events on several cores give matches and
// errors in order, and equal bytes.
func TestEvalOrder(t *testing.T) {
	var in, want, wantErrs bytes.Buffer
	for i := range 5000 {
		switch {
		case i%100 == 50:
			fmt.Fprintf(&in, "{\"n\": x%d}\n", i)
			fmt.Fprintf(&wantErrs, "events:%d:7: invalid character 'x' looking for beginning of value\n", i+1)
		default:
			fmt.Fprintf(&in, "{\"n\": %d, \"pad\": %q}\n", i, strings.Repeat("x", i%3000))
			if i%2 == 0 {
				fmt.Fprintf(&want, "events:%d: Even (rule.yml)\n", i+1)
			}
		}
	}
	for range 3 {
		for _, events := range [][]byte{in.Bytes(), compress(in.Bytes())} {
			status, out, errs := evalRun(t, events)
			if status != exitRules || out != want.String() || errs != wantErrs.String() {
				t.Fatalf("status %d\n%s\n%s", status, out, errs)
			}
		}
	}
}

func TestEvalLargeEvent(t *testing.T) {
	large := `{"n":2}` + "\n" + `{"n":2,"x":"` + strings.Repeat("x", 1<<20) + `"}` + "\n" + `{"n":2}`
	status, out, errs := evalRun(t, []byte(large), "--max-event", "1")
	if status != exitRules || out != "events:1: Even (rule.yml)\nevents:3: Even (rule.yml)\n" ||
		errs != "events:2:1: the event is larger than 1048576 bytes\n" {
		t.Errorf("status %d\n%s\n%s", status, out, errs)
	}
	if status, out, errs := evalRun(t, []byte(large)); status != exitOK || strings.Count(out, "\n") != 3 || errs != "" {
		t.Errorf("status %d\n%s\n%s", status, out, errs)
	}
}

func TestEvalCutStream(t *testing.T) {
	events := compress([]byte(strings.Repeat(`{"n":2}`+"\n", 100)))
	status, out, errs := evalRun(t, events[:len(events)-4])
	if status != exitUsage || strings.Count(out, "\n") != 100 || errs != "sigmac: events: the gzip stream is cut off\n" {
		t.Errorf("status %d\n%s\n%s", status, out, errs)
	}
}

// TestEvalEVTX holds that an event log gives what its events as JSON give, where the numbers of
// its records are those of lines, and that the rest of one with a broken chunk is read.
func TestEvalEVTX(t *testing.T) {
	var events []string
	for i := range 2000 {
		events = append(events, fmt.Sprintf(`{"Event":{"System":{"EventID":%d},"EventData":{"n":%d,"Pad":%q}}}`, i%3, i%10, strings.Repeat("x", i)))
	}
	log := evtxtest.FromJSON(events...)
	for _, args := range [][]string{nil, {"--json"}, {"--explain"}} {
		_, want, _ := evalRun(t, []byte(strings.Join(events, "\n")), args...)
		for _, file := range [][]byte{log, compress(log)} {
			if status, out, errs := evalRun(t, file, args...); status != exitOK || out != want || errs != "" || strings.Count(out, "\n") < 1000 {
				t.Errorf("%v: status %d\n%.1000s\n%s\nwant\n%.1000s", args, status, out, errs, want)
			}
		}
	}
	_, whole, _ := evalRun(t, log)
	log[4096+65536+700] ^= 1
	status, out, errs := evalRun(t, log)
	lost, first := 0, ""
	for line := range strings.Lines(whole) {
		if !strings.Contains(out, line) {
			lost, first = lost+1, cmp.Or(first, line)
		}
	}
	if status != exitRules || errs != "events: chunk 2: the checksum of its records is wrong\n" || lost == 0 || lost > 100 || strings.HasPrefix(first, "events:1:") {
		t.Errorf("with a broken chunk: status %d, %d matches fewer from %q on\n%s", status, lost, first, errs)
	}
}
