package site

import (
	"html"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/chroma/v2"
)

// TestHighlighted holds what of each language has which class. In the cases a token
// stands in brackets behind its class.
func TestHighlighted(t *testing.T) {
	spans := regexp.MustCompile(`<span class="(.)">(.*?)</span>`)
	for _, c := range []struct{ language, want string }{
		{"sigma", `n[title]: Who's c[# there]`},
		{"sigma", "n[title]: a title c[# and a remark]"},
		{"sigma", "n[description]: |\n    a: b\n\n    c # d\nn[level]: high"},
		{"sigma", "n[logsource]: {n[category]: process_creation, n[product]: windows}"},
		{"sigma", `n[detection]:` + "\n    n[sel]:\n        - n[Image]k[|endswith]: s['\\it''s.exe']\n          n[a b]k[|contains|all]: [s[\"x\\\"y\"], m[4688]]\n    n[condition]: sel k[and not] m[1] k[of] filter_*"},
		{"condition", "k[all of] sel_* k[or] (k[not] filter)"},
		{"spl", `n[index]=a n[x] k[IN] (s["a | b"], b) k[NOT] n[y]!=m[5] | k[stats] f[count](z) k[as] n k[by] u | f[` + "`m(1)`" + `]`},
		{"kql", `T` + "\n| k[where] n[a] == s[@\"\\\"] k[and] n[b] k[has_any] (f[dynamic]([s['x'], m[1]])) c[// why]\n| k[project-away] c"},
		{"eql", `k[sequence by] host.id [k[process where] n[process.name] : s["a*"] k[and] ?n[b] k[in~] (m[1], m[2]) k[and] f[length](c) > m[8]]`},
		{"kuery", `n[process.name]:(a k[or] s["b c"]) k[and not] n[x.y] >= m[5]`},
		{"kql", "k[where] n[a] == s['x']"},
		{"spl", "k[tstats] count k[where] n[a.b]=c"},
		{"another", `"text" and 1`},
	} {
		text := regexp.MustCompile(`(?s)\b([nksfmc])\[((?:[^\[\]]|'[^']*')*)\]`).ReplaceAllString(c.want, "$2")
		got := string(highlighted(c.language, text))
		shown := html.UnescapeString(spans.ReplaceAllString(got, "$1[$2]"))
		if shown != c.want {
			t.Errorf("%s: %s\nis\n%s\nwant\n%s", c.language, text, shown, c.want)
		}
	}
	// What is not closed is read once, and not once for each place where it could begin.
	for _, part := range []string{"/*", "```", `"""`, `\"`} {
		for _, language := range []string{"sigma", "spl", "kql", "eql"} {
			start := time.Now()
			highlighted(language, strings.Repeat(part, 1<<15/len(part)))
			if took := time.Since(start); took > 10*time.Second {
				t.Errorf("%s: many %q take %s", language, part, took)
			}
		}
	}
	large := strings.Repeat("a: b\n", maxHighlighted)
	if got := highlighted("sigma", large); string(got) != large {
		t.Error("a large text is something else")
	}
}

// limits notes the limits of time that the patterns of a lexer have.
type limits struct{ seen map[time.Duration]bool }

func (*limits) Mutate(*chroma.LexerState) error { return nil }

func (l *limits) MutateLexer(rules chroma.CompiledRules, state string, rule int) error {
	rules[state][rule].Mutator = nil
	for _, of := range rules {
		for _, r := range of {
			l.seen[r.Regexp.MatchTimeout] = true
		}
	}
	return nil
}

// TestPatient: how long a match takes says nothing of what a page looks like.
func TestPatient(t *testing.T) {
	probe := &limits{map[time.Duration]bool{}}
	lexer, err := patient(chroma.MustNewLexer(nil, func() chroma.Rules {
		return chroma.Rules{"root": {{Pattern: "a", Type: chroma.Text}, {Pattern: "b", Type: chroma.Text, Mutator: probe}}, "other": {{Pattern: "c", Type: chroma.Text}}}
	}))
	if err != nil {
		t.Fatal(err)
	}
	clear(probe.seen)
	if _, err := lexer.Tokenise(nil, "a"); err != nil {
		t.Fatal(err)
	}
	if len(probe.seen) != 1 || !probe.seen[math.MaxInt64] {
		t.Errorf("the limits are %v", probe.seen)
	}
}

// FuzzHighlighted: whatever a text is, the page shows it, and no markup of it.
func FuzzHighlighted(f *testing.F) {
	for _, text := range []string{"title: <b>", "a: |\n b: 'c\n", "| x `y", "\"\"\"", "/* <script>", "@\"", "not ?", "é\xff\x00"} {
		f.Add(text)
	}
	tags := regexp.MustCompile(`<span class="[a-z]">|</span>`)
	f.Fuzz(func(t *testing.T, text string) {
		text = visibleLines(text)
		for language := range lexers() {
			got := tags.ReplaceAllString(string(highlighted(language, text)), "")
			if strings.ContainsAny(got, "<>") || html.UnescapeString(got) != text {
				t.Errorf("%s: %q is %q", language, text, got)
			}
		}
	})
}
