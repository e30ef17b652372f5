package pipeline

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"
)

const jqDocument = `{"users": [{"name": "a", "on": true, "n": 3, "tags": ["x", "y"]}, {"name": "b", "on": false, "n": 1, "tags": []}]}`

func jqValues(source string) ([]string, error) {
	q, err := readJQ(source)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(strings.NewReader(jqDocument))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	return q.values(v)
}

// TestJQ holds what expressions pick.
func TestJQ(t *testing.T) {
	for source, want := range map[string]string{
		".users[].name":                                                               "a b",
		".users[] | select(.on) | .name":                                              "a",
		".users | map(.name) | .[]":                                                   "a b",
		".users | map(.name) | join(\",\")":                                           "a,b",
		".users[] | .name + \"@\" + (.n | tostring)":                                  "a@3 b@1",
		".users[] as $u | $u.tags[] | \"\\($u.name)-\\(.)\"":                          "a-x a-y",
		".users | sort_by(.n) | .[0].name":                                            "b",
		".users[0].tags | .[1:] | .[]":                                                "y",
		"[.. | strings] | unique | .[]":                                               "a b x y",
		".users[0] | to_entries[] | select(.key == \"name\") | .value | ascii_upcase": "A",
		".users[] | if .on then .name else empty end":                                 "a",
		".users[].missing // \"none\"":                                                "none",
		".users[] | try (.name | tonumber) catch \"no\"":                              "no no",
		".users[] | select(.name | test(\"^[b]$\")) | .n":                             "1",
		"{k: .users[].name} | .k":                                                     "a b",
		"first(.users[].n), -1":                                                       "3 -1",
	} {
		if got, err := jqValues(source); err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s: got %q %v, want %s", source, got, err, want)
		}
	}
}

// TestJQBounded holds that an expression that is made to take all memory or time
// ends with an error, having allocated little.
func TestJQBounded(t *testing.T) {
	defer func(n int) { maxJQ = n }(maxJQ)
	maxJQ = 4 << 20
	const flows = "more than 4 MiB flow through"
	for _, tt := range []struct{ source, want string }{
		{"def f: f; f", "a definition is not supported"},
		{"[range(1000000000)]", "the function range of 1 arguments is not supported"},
		{"repeat(1)", "the function repeat of 1 arguments"},
		{"recurse(.)", "the function recurse of 1 arguments"},
		{"reduce .users[] as $x (0; . + 1)", "a loop is not supported"},
		{"foreach .users[] as $x (0; 1)", "a loop is not supported"},
		{"label $f | 1", "a loop is not supported"},
		{"\"a\" * 1000000000", "the operator * is not supported"},
		{".users |= 1", "the operator |= is not supported"},
		{"env", "the function env of 0 arguments"},
		{"$ENV.PATH", "the function $ENV of 0 arguments"},
		{"input", "the function input of 0 arguments"},
		{"now", "the function now of 0 arguments"},
		{".users | map(.name) | join(.[0])", "join with another text than a short one in quotes"},
		{". as {a: $x} | 1", "a pattern of an object"},
		{"import \"a\" as a; 1", "a module"},
		{"tostring" + strings.Repeat(" | . + .", 60), flows},
		{"." + strings.Repeat(" | [., .]", 60) + " | length", flows},
		{"." + strings.Repeat(" | {a: ., b: .}", 60) + " | length", flows},
		{"tostring" + strings.Repeat(" | tojson", 60), flows},
		{"tostring" + strings.Repeat(" | \"\\(.)\\(.)\"", 60), flows},
		{".users[].name | gsub(\"a\"; \"b\")", "the function gsub of 2 arguments"},
		{strings.Repeat(".users[] as $x | ", 40) + "empty", flows},
		{"[" + strings.Repeat(".users[] as $x | ", 40) + "1] | length", flows},
		{strings.Repeat("[.users[]?, .users[]?] as $x | ", 1) + strings.Repeat("(.,.) | ", 40) + "empty", flows},
		{"(" + strings.Repeat("(.,.) | ", 40) + "empty)?", flows},
		{"[limit(1000000000; " + strings.Repeat("(.,.) | ", 40) + "1)] | length", flows},
		{"any(" + strings.Repeat("(.,.) | ", 40) + "false)", flows},
		{strings.Repeat("(", maxJQSource+1), "longer than 10000 bytes"},
	} {
		if tt.source == "any("+strings.Repeat("(.,.) | ", 40)+"false)" {
			tt.source = "[.users] | " + tt.source
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		out, err := jqValues(tt.source)
		runtime.ReadMemStats(&after)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%.80s: got %.40s and %v, want %s", tt.source, fmt.Sprint(out), err, tt.want)
		}
		if made := after.TotalAlloc - before.TotalAlloc; made > 1<<30 {
			t.Errorf("%.80s: %d MiB were allocated", tt.source, made>>20)
		}
	}
}
