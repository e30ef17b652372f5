package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"sigmac/eval"
	"sigmac/internal/corpus"
	"sigmac/internal/diff"
	"sigmac/ir"
	"sigmac/parser"
)

// An edit changes the text of a rule, or says that it cannot; what that does to
// the rule is known from the text alone.
type edit func(src string) (string, bool)

func replaced(pattern, with string) edit {
	re := regexp.MustCompile("(?m)" + pattern)
	return func(src string) (string, bool) {
		at := re.FindStringSubmatchIndex(src)
		if at == nil {
			return "", false
		}
		return src[:at[0]] + string(re.ExpandString(nil, with, src, at)) + src[at[1]:], true
	}
}

// only is an edit of rules that a pattern matches.
func only(pattern string, e edit) edit {
	re := regexp.MustCompile("(?m)" + pattern)
	return func(src string) (string, bool) {
		if !re.MatchString(src) {
			return "", false
		}
		return e(src)
	}
}

var edits = map[string]edit{
	"comment":          replaced(`\Atitle:`, "# Reviewed.\ntitle:"),
	"trailing-comment": replaced(`^(    condition: .*)$`, "$1 # as before"),
	"crlf": func(src string) (string, bool) {
		return strings.ReplaceAll(src, "\n", "\r\n"), !strings.Contains(src, "\r") && !strings.Contains(src, "|\n")
	},
	"reorder-values":         replaced(`^(            - '[^']*'\n)(            - '[^']*'\n)`, "$2$1"),
	"reorder-fields":         simple(replaced(`^    selection:\n(        \w[^\n]*: [^\n]*\n)(        \w[^\n]*: [^\n]*\n)`, "    selection:\n$2$1")),
	"rename-detection":       simple(chain(replaced(`^    selection:$`, "    selection_new:"), replaced(`^    condition: selection$`, "    condition: selection_new"))),
	"double-quotes":          replaced(`^(            - )'([^'"\\]*)'$`, `$1"$2"`),
	"double-negation":        replaced(`^    condition: (selection)$`, "    condition: not (not $1)"),
	"value-again":            simple(replaced(`^(            - '[^']*'\n)`, "$1$1")),
	"description":            replaced(`^description: .*$`, "description: Reworded."),
	"level":                  replaced(`^level: (?:medium|high)$`, "level: low"),
	"status":                 replaced(`^status: test$`, "status: stable"),
	"title":                  replaced(`^title: .*$`, "title: Another Title"),
	"tag":                    replaced(`^tags:\n`, "tags:\n    - attack.t1059\n"),
	"value-typo":             simple(replaced(`^(        \w+\|(?:contains|endswith): '[^'*?]+)'$`, "${1}zq'")),
	"field-typo":             simple(replaced(`^        (\w+)\|(contains|endswith):`, "        ${1}zq|$2:")),
	"move-and-typo":          simple(replaced(`^(        \w+\|(?:contains|endswith): '[^'*?]+)'$`, "${1}zq'")),
	"value-added":            simple(replaced(`^(        [A-Z]\w+\|(?:contains|endswith|startswith):\n)`, "$1            - 'zq-added'\n")),
	"and-to-or":              differentFields(replaced(`^(    condition: \w+) and (\w+)$`, "$1 or $2")),
	"contains-added":         simple(replaced(`^        ([A-Z]\w+): ('?[A-Za-z][\w.]+'?)$`, "        $1|contains: $2")),
	"endswith-to-contains":   simple(replaced(`^        (\w+)\|endswith:`, "        $1|contains:")),
	"filter-removed":         only(`^    condition: selection\w* and not 1 of filter_main_\*$`, replaced(` and not 1 of filter_main_\*$`, "")),
	"source-widened":         only(`^    product: `, replaced(`^    category: .*\n`, "")),
	"value-removed":          simple(valueRemoved),
	"or-to-and":              differentFields(replaced(`^(    condition: \w+) or (\w+)$`, "$1 and $2")),
	"all-added":              simple(replaced(`^(        \w+\|contains):(\n            - '[^'*?]+'\n            - '[^'*?]+'\n)`, "$1|all:$2")),
	"contains-to-startswith": simple(replaced(`^        (\w+)\|contains:`, "        $1|startswith:")),
	"filter-added":           simple(replaced(`^    condition: selection$`, "    filter:\n        SigmacAdded: 'x'\n    condition: selection and not filter")),
	"filter-widened":         only(`^    condition: selection and not (?:1 of filter_\*|filter)$`, replaced(`^(    filter\w*:\n        \w+(?:\|\w+)?:\n)`, "$1            - 'zq-added'\n")),
	"cased-added":            simple(replaced(`^        (\w+)\|(contains|endswith): '(.*[A-Za-z].*)'$`, "        $1|$2|cased: '$3'")),
	"one-of-to-all-of":       differentFields(replaced(`^    condition: 1 of (selection\w*\*)$`, "    condition: all of $1")),
}

// valueRemoved takes away the first value of a list, one that no other of them
// stands in.
func valueRemoved(src string) (string, bool) {
	at := regexp.MustCompile(`(?m)^        \w+\|contains:\n((?:            - '[^'*?]+'\n){2,})`).FindStringSubmatchIndex(src)
	if at == nil {
		return "", false
	}
	values := strings.SplitAfter(src[at[2]:at[3]], "\n")
	text := func(line string) string { return strings.ToLower(strings.Trim(line, " -'\n")) }
	for _, v := range values[1 : len(values)-1] {
		if strings.Contains(text(values[0]), text(v)) {
			return "", false
		}
	}
	return src[:at[2]] + src[at[2]+len(values[0]):], true
}

// simple is an edit of rules that are one mapping of different fields, each with
// texts: every field has its say by itself.
func simple(e edit) edit {
	return func(src string) (string, bool) {
		docs := parser.Parse("", []byte(src)).Documents
		if len(docs) != 1 || docs[0].Rule == nil || len(docs[0].Rule.Detections) != 1 || docs[0].Rule.Conditions[0].Text != "selection" {
			return "", false
		}
		items, ok := docs[0].Rule.Detections[0].Expr.(ir.And)
		if !ok {
			items = ir.And{docs[0].Rule.Detections[0].Expr}
		}
		seen := map[string]bool{}
		for _, x := range items {
			it, ok := x.(ir.Item)
			if !ok || it.Field.Name == "" || seen[it.Field.Name] {
				return "", false
			}
			seen[it.Field.Name] = true
		}
		return e(src)
	}
}

func chain(es ...edit) edit {
	return func(src string) (string, bool) {
		for _, e := range es {
			var ok bool
			if src, ok = e(src); !ok {
				return "", false
			}
		}
		return src, true
	}
}

// differentFields is an edit of rules no two of whose detections test the same
// field: there is an event for each choice of them.
func differentFields(e edit) edit {
	return func(src string) (string, bool) {
		docs := parser.Parse("", []byte(src)).Documents
		if len(docs) != 1 || docs[0].Rule == nil || len(docs[0].Rule.Detections) < 2 {
			return "", false
		}
		seen := map[string]bool{}
		for _, d := range docs[0].Rule.Detections {
			own := map[string]bool{}
			ir.Walk(d.Expr, func(e ir.Expr) {
				switch e := e.(type) {
				case ir.Match:
					own[e.Field.Name] = true
				case ir.Keyword:
					own[""] = true
				}
			})
			for f := range own {
				if f == "" || seen[f] {
					return "", false
				}
				seen[f] = true
			}
		}
		return e(src)
	}
}

// An edited rule is one of the repository and what became of it.
type edited struct {
	kind, change, path string
	old, new           string
}

// diffCommands are the commands of the script that edits public rules.
func diffCommands(t *testing.T) map[string]func(*testscript.TestScript, bool, []string) {
	var done []edited
	return map[string]func(*testscript.TestScript, bool, []string){
		// takerules N DIR copies public rules, evenly spread.
		"takerules": func(ts *testscript.TestScript, _ bool, args []string) {
			var n int
			_, err := fmt.Sscan(args[0], &n)
			ts.Check(err)
			files := corpus.Files(t, ".yml", "sigma/rules")
			dir := ts.MkAbs(args[1])
			ts.Check(os.MkdirAll(dir, 0o777))
			names := map[string]bool{}
			for i := 0; len(names) < n; i++ {
				file := files[(i*37)%len(files)]
				if names[filepath.Base(file)] {
					ts.Fatalf("the corpus is too small")
				}
				src, err := os.ReadFile(file)
				ts.Check(err)
				names[filepath.Base(file)] = true
				ts.Check(os.WriteFile(filepath.Join(dir, filepath.Base(file)), src, 0o666))
			}
		},
		// edit KIND CHANGE edits the first rule that allows it and has not been edited.
		"edit": func(ts *testscript.TestScript, _ bool, args []string) {
			kind := args[0]
			if kind == "added" {
				src := []byte("title: Own\nlogsource:\n    product: windows\ndetection:\n    sel:\n        a: b\n    condition: sel\n")
				ts.Check(os.WriteFile(ts.MkAbs("rules/own.yml"), src, 0o666))
				done = append(done, edited{kind, args[1], "rules/own.yml", "", string(src)})
				return
			}
			files, err := filepath.Glob(ts.MkAbs("rules/*.yml"))
			ts.Check(err)
			for _, file := range files {
				name := "rules/" + filepath.Base(file)
				src, err := os.ReadFile(file)
				ts.Check(err)
				if slices.ContainsFunc(done, func(d edited) bool { return d.path == name }) {
					continue
				}
				old, new, ok := string(src), string(src), true
				if e := edits[kind]; e != nil {
					new, ok = e(old)
				} else if kind != "move" && kind != "removed" {
					ts.Fatalf("no edit %s", kind)
				}
				if !ok {
					continue
				}
				if strings.HasPrefix(kind, "move") || kind == "removed" {
					ts.Check(os.Remove(file))
				}
				if strings.HasPrefix(kind, "move") {
					name = path.Join("rules", "moved", kind+".yml")
					file = ts.MkAbs(name)
					ts.Check(os.MkdirAll(filepath.Dir(file), 0o777))
				}
				if kind != "removed" {
					ts.Check(os.WriteFile(file, []byte(new), 0o666))
				}
				done = append(done, edited{kind, args[1], name, old, new})
				return
			}
			ts.Fatalf("no rule allows the edit %s", kind)
		},
		// checkchanges N holds the standard output of sigmac diff --json against the N
		// edits.
		"checkchanges": func(ts *testscript.TestScript, _ bool, args []string) {
			if fmt.Sprint(len(done)) != args[0] {
				ts.Fatalf("%d edits were made", len(done))
			}
			type object struct {
				Path, Change    string
				NewlyMatched    []map[string]any `json:"newly_matched"`
				NoLongerMatched []map[string]any `json:"no_longer_matched"`
				Metadata        map[string]any
			}
			found := map[string]object{}
			d := json.NewDecoder(strings.NewReader(ts.ReadFile("stdout")))
			d.UseNumber()
			for d.More() {
				var o object
				ts.Check(d.Decode(&o))
				found[o.Path] = o
			}
			if len(found) != len(done) {
				ts.Fatalf("%d changes for %d edits", len(found), len(done))
			}
			for _, e := range done {
				o := found[e.path]
				if o.Change != e.change {
					ts.Fatalf("%s of %s is %q, not %s:\n%s", e.kind, e.path, o.Change, e.change, e.new)
				}
				if (len(o.NewlyMatched) > 0) != (e.change == "wider" || e.change == "both") || (len(o.NoLongerMatched) > 0) != (e.change == "narrower" || e.change == "both") {
					ts.Fatalf("%s of %s: wrong events %v", e.kind, e.path, o)
				}
				if told := len(o.Metadata) > 0; told != slices.Contains([]string{"level", "status", "title", "tag", "source-widened"}, e.kind) {
					ts.Fatalf("%s of %s: metadata %v", e.kind, e.path, o.Metadata)
				}
				for _, ev := range o.NewlyMatched {
					if !matches(ts, e.new, ev) || matches(ts, e.old, ev) && e.kind != "source-widened" {
						ts.Fatalf("%s of %s: %v is not newly matched", e.kind, e.path, ev)
					}
				}
				for _, ev := range o.NoLongerMatched {
					if matches(ts, e.new, ev) || !matches(ts, e.old, ev) {
						ts.Fatalf("%s of %s: %v is no longer matched only in words", e.kind, e.path, ev)
					}
				}
			}
		},
	}
}

// matches asks the evaluator about a rule as it was parsed, without any pass.
func matches(ts *testscript.TestScript, src string, event map[string]any) bool {
	docs := parser.Parse("", []byte(src)).Documents
	if len(docs) != 1 || docs[0].Rule == nil {
		ts.Fatalf("no rule in %s", src)
	}
	text, err := json.Marshal(event)
	ts.Check(err)
	fields := map[string]any{}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	ts.Check(d.Decode(&fields))
	ev, err := eval.NewEvent(fields)
	ts.Check(err)
	return eval.Rule(docs[0].Rule, ev)
}

// TestEventsOfEdits holds for one in four public rules, each edited in every way that it allows, that each
// event of the comparison separates the versions by the evaluator, that no two are the same, and
// that a second comparison has them too.
func TestEventsOfEdits(t *testing.T) {
	every := 4
	if testing.Short() {
		every = 40
	}
	kinds, events := slices.Sorted(maps.Keys(edits)), 0
	for i, file := range corpus.Files(t, ".yml", "sigma/rules") {
		if i%every != 0 {
			continue
		}
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, kind := range kinds {
			text, ok := edits[kind](string(src))
			if !ok || kind == "source-widened" { // where the events are is no test of events
				continue
			}
			was, is := parser.Parse("", src).Documents, parser.Parse("", []byte(text)).Documents
			if len(was) != 1 || len(is) != 1 || was[0].Rule == nil || is[0].Rule == nil {
				continue
			}
			compare := func() diff.Change {
				return diff.Compare(was[0], is[0], diff.Options{Budget: 100_000, Examples: 3})
			}
			ch, seen := compare(), map[string]bool{}
			hold := func(fields map[string]any, has, not *ir.Rule) {
				events++
				ev, err := eval.NewEvent(fields)
				if err != nil || !eval.Rule(has, ev) || eval.Rule(not, ev) || seen[fmt.Sprint(fields)] {
					t.Errorf("%s of %s: %v %v", kind, file, fields, err)
				}
				seen[fmt.Sprint(fields)] = true
			}
			for _, e := range ch.NewlyMatched {
				hold(e, is[0].Rule, was[0].Rule)
			}
			for _, e := range ch.NoLongerMatched {
				hold(e, was[0].Rule, is[0].Rule)
			}
			if again := compare(); !reflect.DeepEqual(ch.NewlyMatched, again.NewlyMatched) || !reflect.DeepEqual(ch.NoLongerMatched, again.NoLongerMatched) || ch.MoreNew != again.MoreNew || ch.MoreLost != again.MoreLost {
				t.Errorf("%s of %s: %v and then %v", kind, file, ch, again)
			}
		}
	}
	if t.Logf("%d events", events); events == 0 {
		t.Error("no event was held")
	}
}

// BenchmarkDiff compares two revisions that differ in ten rules of four thousand,
// as a ratio to two that hold nothing but these ten.
func BenchmarkDiff(b *testing.B) {
	if _, err := exec.LookPath("git"); err != nil {
		b.Skip("revisions need the command git")
	}
	many, few := revisions(b, 4000), revisions(b, 10)
	var took [2]time.Duration
	for b.Loop() {
		for i, dir := range []string{many, few} {
			b.Chdir(dir)
			start := time.Now()
			var out, errs bytes.Buffer
			if status := run([]string{"sigmac", "diff", "HEAD~1..HEAD"}, strings.NewReader(""), &out, &errs); status != exitOK || !strings.HasSuffix(out.String(), "\n10 wider\n") {
				b.Fatal(status, errs.String(), out.String())
			}
			took[i] += time.Since(start)
		}
	}
	b.ReportMetric(float64(took[0])/float64(took[1]), "x-ten-alone")
}

// revisions is a repository of n rules whose last commit changed ten.
func revisions(b *testing.B, n int) string {
	dir := b.TempDir()
	git := func(args ...string) {
		cmd := exec.Command("git", append([]string{"-c", "user.name=a", "-c", "user.email=a@example.org"}, args...)...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("git %s: %s", args, out)
		}
	}
	write := func(i int, values string) {
		src := fmt.Sprintf("title: Rule %d\nid: 00000000-0000-4000-8000-%012d\nlogsource:\n    product: windows\ndetection:\n    sel:\n        CommandLine|contains: [%s]\n    condition: sel\n", i, i, values)
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("r%d.yml", i)), []byte(src), 0o666); err != nil {
			b.Fatal(err)
		}
	}
	git("init", "-q")
	for i := range n {
		write(i, fmt.Sprintf("a%d", i))
	}
	git("add", "-A")
	git("commit", "-qm", "one")
	for i := range 10 {
		write(i*n/10, fmt.Sprintf("a%d, b", i*n/10))
	}
	git("commit", "-qam", "two")
	return dir
}
