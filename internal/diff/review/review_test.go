package review

import (
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sigmac/internal/diff"
	"sigmac/internal/style"
	"sigmac/ir"
	"sigmac/parser"
)

// rule is a version of a rule.
func rule(path, title, level string) *parser.Document {
	return &parser.Document{Path: path, Title: title, Pos: ir.Pos{Line: 1, Column: 1}, Rule: &ir.Rule{Meta: ir.Meta{Level: level}}}
}

// changed is a rule of which both versions are there.
func changed(kind diff.Kind, title, level string) Change {
	return Change{Change: diff.Change{Kind: kind, Old: rule("r.yml", title, level), New: rule("r.yml", title, level)}}
}

func TestSort(t *testing.T) {
	lost := changed(diff.Equal, "lost", "low")
	lost.Queries = []Queries{{Target: "splunk", Old: []string{"a"}, NewError: "no"}}
	changes := []Change{changed(diff.Equal, "equal", "critical"), changed(diff.Wider, "wider", ""), lost, changed(diff.Wider, "wide", "low"),
		changed(diff.Wider, "widest", "critical"), changed(diff.Broken, "broken", "low"), changed(diff.Narrower, "narrower", "high")}
	Sort(changes)
	var got []string
	for _, ch := range changes {
		got = append(got, ch.New.Title)
	}
	if want := []string{"broken", "narrower", "lost", "widest", "wide", "wider", "equal"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestFails(t *testing.T) {
	attribute, lost, found := changed(diff.Equal, "T", ""), changed(diff.Equal, "T", ""), changed(diff.Equal, "T", "")
	attribute.Metadata = []diff.Attribute{{Name: "level", Old: "low", New: "high"}}
	lost.Queries = []Queries{{Target: "splunk", Old: []string{"a"}, NewError: "no"}}
	found.Queries = []Queries{{Target: "splunk", OldError: "no", New: []string{"a"}}}
	for _, c := range []struct {
		change Change
		on     string
	}{
		{changed(diff.Equal, "T", ""), ""},
		{changed(diff.Wider, "T", ""), "wider changed"},
		{changed(diff.Narrower, "T", ""), "narrower changed"},
		{changed(diff.Both, "T", ""), "wider narrower changed"},
		{changed(diff.Unknown, "T", ""), "wider narrower changed"},
		{changed(diff.Broken, "T", ""), "wider narrower changed none"},
		{attribute, "changed"},
		{lost, "narrower changed"},
		{found, "wider changed"},
	} {
		for _, on := range Failures {
			if got := c.change.Fails(on); got != slices.Contains(strings.Fields(c.on), on) {
				t.Errorf("%s %v fails on %s: %t", c.change.Kind, c.change.Queries, on, got)
			}
		}
	}
}

// example is a change with everything that can be said of one, in texts that a
// terminal or a browser would obey.
func example() Change {
	ch := changed(diff.Both, "T\x1b[31m <b>", "high")
	ch.Old.Path = "old\n::error ::.yml"
	ch.Reason = "it looks at <other> events"
	ch.NewlyMatched = []map[string]any{{"a": "\u202e<"}}
	ch.NoLongerMatched = []map[string]any{{"b": "c"}}
	ch.MoreNew = 4
	ch.Metadata = []diff.Attribute{{Name: "status", New: "test"}}
	ch.Queries = []Queries{{Target: "splunk", Old: []string{"a=1", "b=\x1b"}, New: []string{"a=1", "b=2"}}, {Target: "kusto", Old: []string{"x"}, NewError: "not there"}}
	return ch
}

func TestText(t *testing.T) {
	var b strings.Builder
	if err := Text(&b, style.Style{}, []Change{example(), changed(diff.Equal, "quiet", "")}); err != nil {
		t.Fatal(err)
	}
	want := `wider and narrower, no query for kusto  r.yml  T\u{1b}[31m <b> (high)
  because: it looks at <other> events
  moved from: old ::error ::.yml
  no longer matched: {"b":"c"}
  newly matched: {"a":"\u{202e}<"}
  newly matched: and events of 4 more values
  status: none -> test
  splunk:
     a=1
    -b=\u{1b}
    +b=2
  kusto:
    -x
    +no query: not there

1 wider and narrower, 1 equal
`
	if b.String() != want {
		t.Errorf("got\n%s", b.String())
	}
	b.Reset()
	if err := Text(&b, style.Style{Colour: true}, []Change{example()}); err != nil || !strings.HasPrefix(b.String(), "\x1b[31mwider and narrower, no query for kusto\x1b[0m  \x1b[1mr.yml\x1b[0m  ") || !strings.Contains(b.String(), "    \x1b[32m+b=2\x1b[0m\n") {
		t.Errorf("%q %v", b.String(), err)
	}
}

// Events that are those of the rule at the target before stand once.
func TestOnce(t *testing.T) {
	a, other := changed(diff.Both, "A", ""), changed(diff.Both, "B", "")
	a.NewlyMatched, a.MoreNew, other.NewlyMatched = []map[string]any{{"a": "b"}}, 2, []map[string]any{{"a": "b"}}
	at := func(target string, ch Change) Change { ch.Target = target; return ch }
	narrower := at("elastic", a)
	narrower.NoLongerMatched = []map[string]any{{"c": "d"}}
	changes := []Change{at("splunk", a), at("kusto", a), at("elastic", a), narrower, at("splunk", other)}
	var b strings.Builder
	if err := Text(&b, style.Style{}, changes); err != nil {
		t.Fatal(err)
	}
	const once = "  newly matched: {\"a\":\"b\"}\n"
	if strings.Count(b.String(), once) != 3 || strings.Count(b.String(), "  events: as for splunk\n") != 2 || strings.Count(b.String(), "of 2 more values\n") != 2 {
		t.Errorf("%s", b.String())
	}
	if changes[1].NewlyMatched == nil {
		t.Error("what is shown changes what is known")
	}
}

// TestLong holds that a long output begins with its count, and a short one does not.
func TestLong(t *testing.T) {
	for n, want := range map[int]int{long: 1, long + 1: 2} {
		var b strings.Builder
		if err := Text(&b, style.Style{}, slices.Repeat([]Change{changed(diff.Wider, "T", "")}, n)); err != nil {
			t.Fatal(err)
		}
		count := strconv.Itoa(n) + " wider\n"
		if strings.Count(b.String(), count) != want || strings.HasPrefix(b.String(), count) != (want == 2) {
			t.Errorf("%d:\n%s", n, b.String())
		}
	}
}

func TestMarkdown(t *testing.T) {
	var b strings.Builder
	if err := Markdown(&b, []Change{example(), changed(diff.Equal, "quiet", "")}); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"### Rules: 1 wider and narrower, 1 equal\n", "| wider and narrower, no query for kusto | T\\\\u{1b}\\[31m &lt;b\\> | high | `r.yml` |\n\n<details><summary>", "\n- status: none → test\n",
		"\nkusto:\n\n```diff\n-x\n+no query: not there\n```\n"} {
		if !strings.Contains(b.String(), part) {
			t.Errorf("no %q in\n%s", part, b.String())
		}
	}
	if strings.ContainsAny(b.String(), "\x1b\u202e") || strings.Contains(b.String(), "<b>") {
		t.Error(b.String())
	}
}

// TestRoom: a comment has at most as many characters as GitHub takes.
func TestRoom(t *testing.T) {
	var changes []Change
	for range 400 {
		ch := example()
		ch.NewlyMatched = []map[string]any{{"a": strings.Repeat("x", 1500)}}
		changes = append(changes, ch)
	}
	var b strings.Builder
	if err := Markdown(&b, changes); err != nil || b.Len() > 65_000 || !strings.Contains(b.String(), "\nand 350 more\n") || !strings.Contains(b.String(), " more did not fit here.\n") {
		t.Errorf("%d bytes %v:\n%s", b.Len(), err, b.String()[:5000])
	}
}

// The events of a difference stand in Markdown as JSON, or as text where they are cut.
func TestEventsInMarkdown(t *testing.T) {
	event := map[string]any{"a\u202e": "\x1b```\n##[x]", "b": "\U000e0001"}
	shown := Change{Change: diff.Change{NewlyMatched: []map[string]any{event}}}.details()
	_, block, _ := strings.Cut(shown, "````json\n")
	line, _, ok := strings.Cut(block, "\n````")
	var back map[string]any
	if err := json.Unmarshal([]byte(line), &back); !ok || err != nil || !reflect.DeepEqual(back, event) {
		t.Errorf("%s\n%v %q", shown, err, back)
	}
	event["b"] = strings.Repeat("x", 3000)
	if shown := (Change{Change: diff.Change{NewlyMatched: []map[string]any{event}}}).details(); strings.Contains(shown, "json") {
		t.Error(shown)
	}
}

func TestJSON(t *testing.T) {
	var b strings.Builder
	if err := JSON(&b, []Change{example(), {Change: diff.Change{Kind: diff.Equal}, Path: "b.spl", Target: "splunk"}}); err != nil {
		t.Fatal(err)
	}
	first, second, _ := strings.Cut(b.String(), "\n")
	var back struct {
		Path    string
		OldPath string `json:"old_path"`
		Change  string
		Queries map[string]struct{ Old, New []string }
	}
	if err := json.Unmarshal([]byte(first), &back); err != nil || back.Path != "r.yml" || back.OldPath != "old\n::error ::.yml" || back.Change != "both" || len(back.Queries) != 2 || back.Queries["kusto"].New == nil {
		t.Errorf("%s %v", first, err)
	}
	want := `{"rule":"","path":"b.spl","target":"splunk","change":"equal","newly_matched":[],"no_longer_matched":[],"metadata":{},"queries":{}}` + "\n"
	if second != want {
		t.Errorf("got\n%s", second)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space") }

func TestFull(t *testing.T) {
	text := func(w io.Writer, changes []Change) error { return Text(w, style.Style{}, changes) }
	for i, write := range []func(io.Writer, []Change) error{text, Markdown, JSON} {
		if err := write(full{}, []Change{example()}); err == nil {
			t.Errorf("%d: no error", i)
		}
	}
}
