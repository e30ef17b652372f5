package eval

import (
	"testing"
	"time"
)

func TestTimeOf(t *testing.T) {
	want := time.Date(2025, 3, 4, 5, 6, 7, 890_000_000, time.UTC)
	for _, text := range []string{
		`{"@timestamp": "2025-03-04T05:06:07.89Z"}`,
		`{"@timestamp": "2025-03-04T06:06:07.890+01:00", "Timestamp": "x"}`,
		`{"Timestamp": "2025-03-04T05:06:07.8900000Z"}`,
		`{"TimeGenerated": "2025-03-04 05:06:07.89"}`,
		`{"TimeGenerated": "2025-03-04 05:06:07.89 UTC"}`,
		`{"_time": "2025-03-04T06:06:07.890+0100"}`,
		`{"_time": "2025-03-04 04:06:07.890 -0100"}`,
		`{"_time": "1741064767.89"}`,
		`{"_time": 1741064767.89}`,
		`{"@timestamp": 1741064767890}`,
		`{"@timestamp": 1741064767890000}`,
		`{"@timestamp": 1741064767890000000}`,
		`{"Event": {"System": {"TimeCreated": {"#attributes": {"SystemTime": "2025-03-04T05:06:07.890000Z"}}}}}`,
		`{"Event": {"System": {"TimeCreated": {"@SystemTime": "2025-03-04 05:06:07.890"}}}}`,
	} {
		ev, err := ParseEvent([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		ns, ok := TimeOf(Flatten(ev), TimeFields)
		if got := time.Unix(0, ns).UTC(); !ok || !got.Equal(want) {
			t.Errorf("%s: %v %s", text, ok, got)
		}
	}
	for _, text := range []string{`{}`, `{"@timestamp": "noon"}`, `{"@timestamp": null}`, `{"@timestamp": ["2025-03-04T05:06:07Z", "2025-03-04T05:06:08Z"]}`,
		`{"@timestamp": "9999-01-01T00:00:00Z"}`, `{"@timestamp": 1e300}`, `{"@timestamp": "2025-03-04 05:06:07 EST"}`, `{"@timestamp": {"a": 1}}`} {
		ev, err := ParseEvent([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if ns, ok := TimeOf(ev, TimeFields); ok {
			t.Errorf("%s: %s", text, time.Unix(0, ns).UTC())
		}
	}
}
