package backendtest

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"sigmac/backends"
	"sigmac/ir"
	"sigmac/targets"
)

func every() []*backends.Target {
	toy := Toy()
	toy.Format = toy.Formats[0]
	return append(targets.All(), toy)
}

func TestConform(t *testing.T) {
	for _, target := range every() {
		t.Run(target.Name, func(t *testing.T) { Conform(t, target) })
	}
}

// FuzzLeavingLiterals is Literals for any value and name.
func FuzzLeavingLiterals(f *testing.F) {
	for _, text := range leaving {
		f.Add("f", text)
		f.Add(text, "x")
	}
	f.Fuzz(func(t *testing.T, name, text string) {
		if name == "" || strings.ContainsAny(name, "|\n\r") {
			return
		}
		for _, target := range every() {
			HoldsLiteral(t, target, name, text)
			HoldsLiteral(t, target, name+"|contains", text)
		}
	})
}

// FuzzRoundTrip is RoundTrip for any seed.
func FuzzRoundTrip(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		for _, target := range every() {
			RoundTrip(t, target, seed)
		}
	})
}

// moreStages are stages with their options, which golden cases have few of.
var moreStages = map[string][]string{
	"kusto": {
		"union withsource=s isfuzzy=true T, (U | where a == 1), V*", "T | union kind=outer hint.concurrency=2 U", "find withsource=s in (T, U) where a has 'x' project a, b",
		"search kind=case_sensitive in (T, U) a:'x' or 'y'", "T | join kind=leftanti hint.strategy=broadcast (U | take 1) on $left.a == $right.b, c",
		"T | lookup kind=leftouter (U) on a", "T | mv-expand kind=array with_itemindex=i a = b.c to typeof(string) limit 5", "T | parse kind=regex flags=i a with 'x' b: long 'y' *",
		"T | parse-kv a as (x: string, y: long) with (pair_delimiter=' ')", "T | top 5 by a desc nulls last, b", "T | sample-distinct 3 of a", "T | partition hint.strategy=native by a (top 1 by b)",
		"T | make-series c=count() default=0 on t from ago(1d) to now() step 1h by a", "T | summarize hint.shufflekey=a c=count(), dcount(b) by a, bin(t, 1h)",
		"T | evaluate bag_unpack(a, 'p_') : (x: string)", "T | as hint.materialized=true X", "T | scan declare (n: long = 0) with (step s1: a == 1 => n = s1.n + 1;)",
		"let f = (x: string = 'a', y: (b: long)) { T | where c == x }; f('z') | render timechart with (title='t')", "datatable(a: string, b: long) ['x', 1, 'y', 2]",
		"externaldata(a: string) ['https://x'] with (format='csv')", "range i from 1 to 5 step 1", "print a = 1, b = 'x'",
	},
	"splunk": {
		"index=a | join type=left a [search index=b | fields a, c]", "x | lookup t a AS b OUTPUTNEW c AS d, e", "x | rex field=a max_match=0 mode=sed \"s/b/c/g\"",
		"x | stats count(eval(a=\"b\")) AS n values(c) BY d, e", "x | eval a=if(b=1, \"c\", null()), d=mvindex(split(e, \",\"), 0)", "x | dedup 2 a, b keepempty=t sortby -c",
		"x | sort 0 -num(a), +str(b)", "x | transaction a startswith=\"b\" endswith=eval(c=1) maxspan=5m", "x | head 5 (a>1) null=t keeplast=f", "x | append maxtime=5 [| inputlookup t.csv where a=b]",
		"x | streamstats window=5 current=f global=f count BY a reset_on_change=t", "x | bin span=5m _time AS t", "x | makemv delim=\",\" allowempty=t a | mvexpand a limit=5", "x | fillnull value=0 a b",
	},
	"elastic": {
		"sequence by a, b with maxspan=5m [process where c == 1] with runs=3 ![file where e] [any where d] until [any where true]", "sample by a [process where b] [file where c]",
		"join by a [process where b] [file where c]", "process where a like~ (\"*b\", \"c?\") and length(c) > 3 | head 5 | tail 3", "any where stringContains~(a, b) == null or c in~ (\"d\", \"e\")",
	},
}

// TestCutQueries holds that no query that ends too early, or lacks a word, makes a
// reader panic: what is wrong with it is an error with its place.
func TestCutQueries(t *testing.T) {
	var files []string
	for _, folder := range []string{"", "queries", "mapped"} {
		found, err := filepath.Glob(filepath.Join("..", "..", "golden", folder, "*.txtar"))
		if err != nil || len(found) == 0 {
			t.Fatal("no golden cases", err)
		}
		files = append(files, found...)
	}
	read := 0
	cut := func(target *backends.Target, query string) {
		query = strings.TrimSpace(query[:min(len(query), 400)])
		try := func(text string) {
			read++
			_, err := target.Read(text, ir.Types{})
			var wrong *ir.Diagnostic
			if err != nil && (!errors.As(err, &wrong) || wrong.Pos.Line < 1 || wrong.Pos.Column < 1) {
				t.Errorf("%s: %q: %v", target.Name, text, err)
			}
		}
		for i := range query {
			try(query[:i])
			try(query[:i] + "=")
		}
		words := strings.SplitAfter(query, " ")
		for i := range words {
			try(strings.Join(slices.Delete(slices.Clone(words), i, i+1), ""))
		}
	}
	for name, queries := range moreStages {
		for _, query := range queries {
			if _, err := targets.Must(name).Read(query, ir.Types{}); err != nil {
				t.Errorf("%s: %s: %v", name, query, err)
			}
			cut(targets.Must(name), query)
		}
	}
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, section := range a.Files {
			target, ok := targets.Named(section.Name)
			if !ok {
				continue
			}
			for query := range strings.SplitSeq(string(section.Data), "\n\n") {
				cut(target, query)
			}
		}
	}
	if read < 30_000 {
		t.Errorf("only %d queries", read)
	}
}

// TestDocumented holds that the documents have a row for each language: what it means,
// what it is called, its formats and forms of test data.
func TestDocumented(t *testing.T) {
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join("..", "..", name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	readme, convert, hunt, semantics := read("README.md"), read("docs/convert.md"), read("docs/hunt.md"), read("docs/semantics.md")
	for _, target := range targets.All() {
		heading := "\n## " + strings.ToUpper(target.Name[:1]) + target.Name[1:] + "\n"
		if !strings.Contains(semantics, heading) {
			t.Errorf("docs/semantics.md has no part for %s", target.Name)
		}
		if !strings.Contains(readme, "-t "+target.Name) {
			t.Errorf("README.md does not show -t %s", target.Name)
		}
		for _, f := range target.Formats {
			if !strings.Contains(convert, "`"+f.Name+"`") {
				t.Errorf("docs/convert.md does not name the format %s", f.Name)
			}
		}
		for _, s := range target.Samples {
			if !strings.Contains(hunt, "| `"+s.Name+"` |") {
				t.Errorf("docs/hunt.md has no row for the test data %s", s.Name)
			}
		}
		for _, typ := range []ir.Type{ir.Text, ir.Numeric} {
			for _, d := range target.World(typ).Doubts {
				if !strings.Contains(semantics, "| `"+d.ID+"` |") {
					t.Errorf("docs/semantics.md has no row for %s", d.ID)
				}
			}
		}
	}
}
