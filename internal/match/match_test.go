package match

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"sigmac/eval"
	"sigmac/parser"
)

const text = `title: Even
logsource: {product: windows, service: sysmon}
detection:
  even: {n|endswith: ['0', '2', '4', '6', '8']}
  condition: even
---
title: Any
logsource: {product: linux}
detection:
  any: {n|exists: true}
  condition: any
---
title: Placeholder
logsource: {product: linux}
detection:
  sel: {n|expand: '%admins%'}
  condition: sel
---
title: Wrong
logsource: {product: linux}
detection: 7
---
title: Many
correlation:
  type: event_count
  rules: [x]
  group-by: [n]
  timespan: 1h
  condition: {gte: 7}
`

// rules are those above, and what is said of the others.
func rules(o Options) (*Rules, []string) {
	rs := New(o)
	var said []string
	for _, d := range parser.Parse("r.yml", []byte(text)).Documents {
		for _, err := range rs.Add(d) {
			said = append(said, err.Error())
		}
	}
	return rs, said
}

// run is all that comes of a stream, a line each.
func run(rs *Rules, src io.Reader) (out []string, events int, err error) {
	for f, e := range rs.Stream(src) {
		for _, fault := range f.Faults {
			out = append(out, fmt.Sprintf("%d:%d %s", fault.Pos.Line, fault.Pos.Column, fault.Msg))
		}
		for _, m := range f.Matches {
			out = append(out, fmt.Sprintf("%d #%d %s", m.Line, m.Index, m.Doc.Title))
		}
		events += f.Events
		err = e
	}
	return out, events, err
}

func TestAdd(t *testing.T) {
	rs, said := rules(Options{})
	if rs.Len() != 2 || len(said) != 2 ||
		said[0] != "r.yml:16:19: cannot be evaluated: the placeholder %admins%" ||
		!strings.HasPrefix(said[1], "r.yml:21:12: ") {
		t.Errorf("%d rules; %q", rs.Len(), said)
	}
}

func TestStream(t *testing.T) {
	const events = `{"n": 1}
{"n": x}
{"n": 2} 7
{"n": 4, "EventID": 1, "Channel": "Microsoft-Windows-Sysmon/Operational"}
`
	for any, want := range map[bool]string{
		false: "[2:7 invalid character 'x' looking for beginning of value 3:10 not an event: a number 1 #1 Any 3 #3 Even 3 #3 Any 4 #4 Even]",
		true:  "[2:7 invalid character 'x' looking for beginning of value 3:10 not an event: a number 1 #1 Any 3 #3 Even 3 #3 Any 4 #4 Even 4 #4 Any]",
	} {
		rs, _ := rules(Options{AnySource: any, MaxEvent: eval.DefaultMaxEvent})
		for range 2 { // one stream after the other
			got, n, err := run(rs, strings.NewReader(events))
			if fmt.Sprint(got) != want || n != 3 || err != nil {
				t.Errorf("any source %v: %d events, %v\n%v\nwant\n%v", any, n, err, got, want)
			}
		}
	}
}

// Many events, tried on all cores, give what they give one by one.
func TestOrder(t *testing.T) {
	var in strings.Builder
	var want []string
	for i := range 5000 {
		fmt.Fprintf(&in, "{\"n\": %d, \"pad\": %q}\n", i, strings.Repeat("x", i%2000))
		if i%2 == 0 {
			want = append(want, fmt.Sprintf("%d #%d Even", i+1, i+1))
		}
		want = append(want, fmt.Sprintf("%d #%d Any", i+1, i+1))
	}
	rs, _ := rules(Options{MaxEvent: eval.DefaultMaxEvent})
	got, n, err := run(rs, strings.NewReader(in.String()))
	if fmt.Sprint(got) != fmt.Sprint(want) || n != 5000 || err != nil {
		t.Errorf("%d events, %d matches of %d, %v", n, len(got), len(want), err)
	}
}

// What was read of a stream that breaks is tried, and the error comes last.
func TestBroken(t *testing.T) {
	failed := errors.New("failed")
	rs, _ := rules(Options{MaxEvent: eval.DefaultMaxEvent})
	got, n, err := run(rs, io.MultiReader(strings.NewReader("{\"n\": 1}\n"), iotest.ErrReader(failed)))
	if fmt.Sprint(got) != "[1 #1 Any]" || n != 1 || err != failed {
		t.Error(got, n, err)
	}
	for range rs.Stream(strings.NewReader(strings.Repeat("{\"n\": 1}\n", 5000))) {
		break // a loop may end early
	}
}

func TestExplain(t *testing.T) {
	for _, explain := range []bool{false, true} {
		rs, _ := rules(Options{Explain: explain, MaxEvent: eval.DefaultMaxEvent})
		for f := range rs.Stream(strings.NewReader(`{"n": 1}`)) {
			if len(f.Matches) != 1 || (f.Matches[0].Why != nil) != explain {
				t.Errorf("%+v", f.Matches)
			}
		}
	}
}
