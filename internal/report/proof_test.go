package report

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"sigmac"
	"sigmac/parser"
	"sigmac/verify"
)

// TestStream holds the words and the JSON of what is known of a correlation's queries.
func TestStream(t *testing.T) {
	at := func(seconds int) time.Time { return time.Unix(1_704_067_200+int64(seconds), 0).UTC() }
	event := func(seconds int) verify.StreamEvent {
		return verify.StreamEvent{Time: at(seconds), Fields: map[string]any{"User": "a", "x": "<"}, Rules: []string{"logon"}}
	}
	stream := &verify.Stream{
		Events: []verify.StreamEvent{event(60), event(60), event(0), event(361)},
		Rule:   []verify.StreamHit{{Group: map[string]any{"User": "a"}, Time: at(60)}},
		Query:  []verify.StreamHit{{Group: map[string]any{"User": "a"}}, {}},
	}
	proof := func(v verify.Result) sigmac.Proof {
		p := sigmac.Proof{Evidence: v, Verdict: v.Verdict.String(), Query: "q", Condition: 1}
		p.Target, p.Document = sigmac.Targets()[0], &parser.Document{Path: "c.yml"}
		return p
	}
	for _, c := range []struct {
		v    verify.Result
		want string
	}{
		{verify.Result{Verdict: verify.Bounded, Reason: "no difference in 9 streams of events", Limits: []string{"one group: all of up to 3", "some of 4"}},
			"bounded: no difference in 9 streams of events; one group: all of up to 3; some of 4"},
		{verify.Result{Verdict: verify.Refuted, Direction: "both", Stream: stream, Construct: &verify.Construct{Name: "event_count"}},
			`refuted: the query is another than the rule (event_count); in the events 2 times {"User":"a","x":"\u003c"} at 60s, {"User":"a","x":"\u003c"} at 0s, ` +
				`{"User":"a","x":"\u003c"} at 361s, the correlation hits for {"User":"a"} at 60s and the query hits for {"User":"a"}, somewhere in them`},
		{verify.Result{Verdict: verify.Refuted, Direction: "narrower", Stream: &verify.Stream{Events: []verify.StreamEvent{event(1)}, Rule: []verify.StreamHit{{Time: at(1)}}}},
			`refuted: the query is narrower than the rule; in the events {"User":"a","x":"\u003c"} at 0s, the correlation hits at 0s and the query does not hit`},
	} {
		if got := Weakness(proof(c.v)); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
	text, err := json.Marshal(Proof(proof(verify.Result{Verdict: verify.Refuted, Stream: stream, Limits: []string{"l"}}), nil))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"limits":["l"]`,
		`{"time":"2024-01-01T00:06:01Z","fields":{"User":"a","x":"\u003c"},"rules":["logon"]}`,
		`"rule":[{"group":{"User":"a"},"time":"2024-01-01T00:01:00Z"}],"query":[{"group":{"User":"a"}},{}]`,
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%s has no %s", text, want)
		}
	}
	if strings.Contains(string(text), "query_matches") {
		t.Errorf("%s speaks of one event", text)
	}
}
