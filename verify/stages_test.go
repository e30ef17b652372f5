package verify

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"sigmac/eval"
	"sigmac/ir"
	"sigmac/targets"
)

// A row is an event, or what stages have made of some: its columns, and the
// numbers of the events that it is of.
type row struct {
	columns map[string]string
	of      []int
}

// A stage is the text of one, and what it does to rows. Where the documents leave
// open what it makes of a column, or it depends on values that rows do not have,
// it does anything to that column.
type stage struct {
	text string
	run  func(rows []row) []row
}

// stageMaker writes random stages: options in every place that the documents give them,
// and names in every way to write them.
type stageMaker struct {
	*rand.Rand
	kusto bool
}

var (
	stageNames  = []string{"a", "b", "c"}
	stageValues = []string{"x", "y"}
)

// oneOf is one of some texts.
func (g *stageMaker) oneOf(s ...string) string { return s[g.IntN(len(s))] }

// name writes the name of a column.
func (g *stageMaker) name(n string) string {
	if g.IntN(4) > 0 {
		return n
	}
	if g.kusto {
		return g.oneOf("['"+n+"']", `["`+n+`"]`)
	}
	return `"` + n + `"`
}

// names are one or two columns, as they are and as they are written.
func (g *stageMaker) names() (plain []string, text string) {
	plain = slices.Clone(stageNames)
	g.Shuffle(len(plain), func(i, j int) { plain[i], plain[j] = plain[j], plain[i] })
	plain = plain[:1+g.IntN(2)]
	return plain, g.list(plain)
}

func (g *stageMaker) list(names []string) string {
	var written []string
	for _, n := range names {
		written = append(written, g.name(n))
	}
	if g.kusto {
		return strings.Join(written, ", ")
	}
	return strings.Join(written, g.oneOf(" ", ", ", ","))
}

// some are some of the options, in any order.
func (g *stageMaker) some(options ...string) (out []string) {
	for _, o := range options {
		if g.IntN(3) > 0 {
			continue
		}
		out = append(out, g.option(o))
	}
	g.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// option writes an option of SPL in one of the ways that it may be written.
func (g *stageMaker) option(o string) string {
	name, value, ok := strings.Cut(o, "=")
	if !ok || g.kusto {
		return o
	}
	if g.IntN(8) == 0 {
		name = strings.ToUpper(name)
	}
	return name + g.oneOf("=", "=", "=", " = ", "= ", " =") + value
}

// around puts some of the options before and behind words.
func (g *stageMaker) around(words string, options ...string) string {
	out := g.some(options...)
	return strings.Join(slices.Insert(out, g.IntN(len(out)+1), words), " ")
}

// before puts some of the options before words.
func (g *stageMaker) before(words string, options ...string) string {
	return strings.Join(append(g.some(options...), words), " ")
}

// anything gives these columns other values, or none.
func (g *stageMaker) anything(rows []row, names ...string) []row {
	return each(rows, func(c map[string]string) {
		for _, n := range names {
			switch delete(c, n); g.IntN(3) {
			case 0:
				c[n] = g.oneOf(stageValues...)
			case 1:
				if g.kusto {
					c[n] = "z"
				}
			}
			if g.kusto && c[n] == "" {
				c[n] = "z"
			}
		}
	})
}

// lose leaves out some rows.
func (g *stageMaker) lose(rows []row) []row {
	return slices.DeleteFunc(slices.Clone(rows), func(row) bool { return g.IntN(3) == 0 })
}

// changes is a stage that does anything to these columns.
func (g *stageMaker) changes(text string, names ...string) stage {
	return stage{text, func(rows []row) []row { return g.anything(rows, names...) }}
}

// keeps is a stage that does nothing to the events.
func keeps(text string) stage { return stage{text, func(rows []row) []row { return rows }} }

// removes is a stage that may leave out any event.
func (g *stageMaker) removes(text string) stage { return stage{text, g.lose} }

func each(rows []row, change func(map[string]string)) []row {
	out := make([]row, len(rows))
	for i, r := range rows {
		columns := maps.Clone(r.columns)
		change(columns)
		out[i] = row{columns, r.of}
	}
	return out
}

func keep(rows []row, is func(map[string]string) bool) []row {
	return slices.DeleteFunc(slices.Clone(rows), func(r row) bool { return !is(r.columns) })
}

// move gives a column another name, and drops what had that name.
func move(c map[string]string, from, to string) {
	v, ok := c[from]
	delete(c, from)
	delete(c, to)
	if ok {
		c[to] = v
	}
}

func leave(names []string) func(c map[string]string) {
	return func(c map[string]string) {
		maps.DeleteFunc(c, func(k, _ string) bool { return !slices.Contains(names, k) })
	}
}

// grouped makes a row of the rows with equal keys. SPL drops one without a key.
func grouped(rows []row, keys []string, null bool) (out []row) {
	at := map[string]int{}
	for _, r := range rows {
		columns, id := map[string]string{}, ""
		for _, k := range keys {
			if v, ok := r.columns[k]; ok {
				columns[k] = v
			}
			id += columns[k] + " "
		}
		if len(columns) < len(keys) && !null {
			continue
		}
		i, seen := at[id]
		if !seen {
			i = len(out)
			at[id] = i
			out = append(out, row{columns: columns})
		}
		out[i].of = append(out[i].of, r.of...)
		out[i].columns["n"] = fmt.Sprint(len(out[i].of))
	}
	return out
}

// test is a filter that both languages have.
func (g *stageMaker) test(a, b, v string) stage {
	is := func(c map[string]string) bool { return c[a] == v }
	not := func(c map[string]string) bool { return c[a] != v }
	filter := func(text string, is func(map[string]string) bool) stage {
		return stage{text, func(rows []row) []row { return keep(rows, is) }}
	}
	if g.kusto {
		name := g.name(a)
		switch g.IntN(5) {
		case 0:
			return filter(g.oneOf("search '"+v+"'", "where * has '"+v+"'", "search kind=case_insensitive '"+v+"'"), func(c map[string]string) bool {
				return slices.Contains(slices.Collect(maps.Values(c)), v)
			})
		case 1:
			return filter("where "+name+" =~ '"+v+"'", is)
		case 2:
			return filter("filter not("+name+" =~ '"+v+"')", not)
		case 3:
			return filter("where n == 2", func(c map[string]string) bool { return c["n"] == "2" })
		}
		return filter("where "+name+" in~ ('"+v+"', 'w')", is)
	}
	switch g.IntN(5) {
	case 0:
		return filter("search "+g.name(a)+"="+v, is)
	case 1:
		return filter("search NOT "+g.name(a)+"="+v, not)
	case 2:
		return filter("where "+g.oneOf(a, "'"+a+"'")+g.oneOf("=", "==")+`"`+v+`"`, is)
	case 3:
		return filter("search n=2", func(c map[string]string) bool { return c["n"] == "2" })
	}
	return filter("regex "+g.name(a)+g.oneOf("=", " = ")+`"^`+v+`$"`, is)
}

// spl is a random stage of a search.
func (g *stageMaker) spl(a, b, v string) stage {
	names, list := g.names()
	as, by := g.oneOf(" AS ", " as "), g.oneOf("BY ", "by ")
	switch g.IntN(42) {
	case 0:
		return stage{"rename " + g.name(a) + as + g.name(b), func(rows []row) []row {
			return each(rows, func(c map[string]string) { move(c, a, b) })
		}}
	case 1:
		return stage{"eval " + g.name(a) + g.oneOf("=", " = ") + b, func(rows []row) []row {
			return each(rows, func(c map[string]string) {
				delete(c, a)
				if v, ok := c[b]; ok {
					c[a] = v
				}
			})
		}}
	case 2:
		return g.changes("eval d=1, "+a+"=lower("+b+")", a)
	case 3:
		return stage{g.oneOf("table ", "fields ", "fields + ") + list, func(rows []row) []row { return each(rows, leave(names)) }}
	case 4:
		return stage{"fields " + g.oneOf("- ", "-") + list, func(rows []row) []row {
			return each(rows, func(c map[string]string) {
				for _, n := range names {
					delete(c, n)
				}
			})
		}}
	case 5:
		return g.removes(g.oneOf("head 2", "head limit=2", "head limit = 2", `head (a="x") keeplast=true null=false`,
			`head a="x" limit=2`, "head", "tail 2", "tail"))
	case 6:
		return g.removes(g.around("dedup "+g.oneOf("", "2 ")+list, "keepempty=true", "consecutive=true"))
	case 7: // keeps the events, without these columns from the second of a value on
		text := "dedup " + g.oneOf("", "2 ") + list + " " + g.mix("keepevents="+g.oneOf("true", "t", "1", "T"), "keepempty=true", "consecutive=true")
		return stage{text + g.oneOf("", " sortby -"+a), func(rows []row) []row {
			return each(rows, func(c map[string]string) {
				if g.IntN(2) == 0 {
					for _, n := range names {
						delete(c, n)
					}
				}
			})
		}}
	case 8, 9:
		return stage{"stats " + g.before("count"+as+"n "+by+list+strings.Join(append([]string{""}, g.some("dedup_splitvals=true")...), " "), "allnum=true", "partitions=2", `delim=","`),
			func(rows []row) []row { return grouped(rows, names, false) }}
	case 10:
		return g.changes("eventstats "+g.before("max("+g.name(b)+")"+as+g.name(a)+g.oneOf("", " "+by+g.name(b)), "allnum=t"), a)
	case 11:
		return g.changes("streamstats "+g.before("last("+b+")"+as+g.name(a)+g.oneOf("", " "+by+b), "current=f", "window=2", "global=f",
			"reset_on_change=true", `reset_before="(a==1)"`, "reset_after=(count>2)", "time_window=5m", "allnum=f"), a)
	case 12:
		return keeps("sort " + g.oneOf("0 ", "limit=0 ", "limit = 0 ") + g.oneOf("", "-", "- ", "+") + list + g.oneOf("", " d", " desc"))
	case 13:
		return g.removes("sort " + g.oneOf("2 ", "limit=2 ", "limit = 2 ") + g.oneOf("", "-") + g.oneOf(a, "num("+a+")"))
	case 14:
		return g.changes("makemv "+g.around(g.name(a), `delim=","`, `tokenizer="([^,]+),?"`, "allowempty=t", "setsv=t"), a)
	case 15:
		return stage{"mvexpand " + g.around(g.name(a), "limit="+g.oneOf("0", "2")), func(rows []row) []row {
			return g.lose(g.anything(rows, a))
		}}
	case 16:
		return stage{"fillnull " + g.before(list, "value="+v), func(rows []row) []row {
			return each(rows, func(c map[string]string) {
				for _, n := range names {
					if _, ok := c[n]; !ok {
						c[n] = "z"
					}
				}
			})
		}}
	case 17:
		return g.changes("fillnull"+g.oneOf("", " value=x", " value=x *"), stageNames...)
	case 18:
		return g.changes("rex "+g.around(`"`+g.oneOf("", "^")+"(?"+g.oneOf("", "P")+"<"+a+`>\w+)"`, "field="+g.name(b), "max_match="+g.oneOf("0", "2")), a)
	case 19:
		return g.changes("rex "+g.mix("mode=sed", "max_match=2")+" field="+g.name(a)+` "s/`+g.oneOf("x", "(?<"+b+">x)")+`/y/g"`, a)
	case 20:
		return g.changes("rex "+g.around(`"(?<`+b+`>x)"`, "field=c")+" offset_field="+a, a, b)
	case 21:
		return g.changes("bin "+g.around(g.name(b)+as+g.name(a), "span=5m", "bins=3", "minspan=2", "aligntime=earliest"), a)
	case 22:
		st := g.changes("bucket "+g.around(g.name(a), "span="+g.oneOf("2", "1log2", "5m"), "bins=3")+g.oneOf("", " start=1", " end=9"), a)
		if strings.Contains(st.text, "start") || strings.Contains(st.text, "end") {
			change := st.run
			st.run = func(rows []row) []row { return g.lose(change(rows)) }
		}
		return st
	case 23:
		return g.changes("lookup "+g.before("t "+g.name(b)+g.oneOf("", as+"c")+" "+g.oneOf("OUTPUT", "OUTPUTNEW", "output")+" "+g.name(a), "local=t", "update=t"), a)
	case 24:
		return g.changes("lookup "+g.before("t k"+as+g.name(b)+" OUTPUT x"+as+g.name(a)+g.oneOf(" ", ", ")+"y"+as+b, "local=t"), a, b)
	case 25:
		return g.changes("lookup "+g.before("t "+g.name(a), "local=t"), stageNames...)
	case 26:
		return g.changes("strcat "+g.before(b+` "/" `+g.name(a), "allrequired=t"), a)
	case 27:
		return g.changes("spath "+g.around("path=k", "input="+b)+" output="+g.name(a), a)
	case 28:
		return g.changes("spath "+g.around(g.oneOf("", "input="+b)), stageNames...)
	case 29:
		return g.changes("convert "+g.before(g.oneOf("ctime", "num", "auto")+"("+b+")"+as+g.name(a), `timeformat="%H (%M)"`), a)
	case 30:
		return g.changes("convert "+g.before(g.oneOf("ctime", "num", "auto")+"("+a+")", `timeformat="%H=%M"`), a)
	case 31:
		return g.changes(g.oneOf("extract "+g.some1(`pairdelim="|;"`, `kvdelim="=:"`, "limit=5", "auto=f"), "kv", "xmlkv", "tags", "tags outputfield="+a, "typer", "scrub",
			"filldown "+list, "filldown", "accum "+b+as+a, "accum "+a, "delta "+b+as+a+" p=2",
			"autoregress "+b+as+a+" p=1", "autoregress "+a, "appendcols override=t [search index=i]", "rangemap field=a low=1-2 default=x",
			"replace x WITH y IN "+list, "replace x WITH y", "reltime", "xpath outfield="+a+" field=b \"//k\"", `foreach * [eval <<FIELD>>="x"]`), stageNames...)
	case 32:
		return stage{g.oneOf("transaction "+g.around(list, "maxspan=5m", "maxpause=1m", "keepevicted=t", "mvlist=t", `startswith="x"`), "mvcombine delim=\",\" "+a,
			"top "+g.around(list, "limit=5", "showperc=f"), "rare "+list, "chart count BY "+a, "timechart span=1h count", "xyseries a b c", "untable a b c",
			"transpose 5", "multikv", "fieldsummary", "selfjoin a", "cluster t=0.9 showcount=t", "makecontinuous span=2 "+a), func(rows []row) []row {
			return g.lose(g.anything(rows, stageNames...))
		}}
	case 33:
		return g.adds(g.oneOf("append "+g.around("[search index=i]", "maxtime=5", "extendtimerange=t"), "appendpipe "+g.before("[stats count]", "run_in_preview=f"),
			"inputlookup append=t t", "inputlookup t append=t", "inputcsv append=t t", "union maxout=5 [search index=i]", "tstats append=t count where index=i by a",
			"union [search index=i]", "addtotals col=t", "addtotals row=f col=t labelfield="+a, "addcoltotals", "appendcols [search index=i]",
			"foreach * [append [search index=i]]"))
	case 34:
		return stage{"join " + g.around(list, "max=0", "overwrite=t", "usetime=t") + " " + g.option("type="+g.oneOf("left", "outer")) + " [search index=i type=inner]", func(rows []row) []row {
			return g.anything(rows, stageNames...)
		}}
	case 35:
		return stage{"join " + g.around(list, "type=inner", "max=0") + ` [search index=i | eval s="type=left"]`, func(rows []row) []row {
			return g.lose(g.anything(rows, stageNames...))
		}}
	case 36:
		return keeps(g.oneOf("reverse", "outputlookup append=t t", "outputlookup t", "outputcsv t", "collect index=i", "sendemail to=\"x@y.z\"", "highlight x",
			`fieldformat a="y"`, "addinfo", "eval d=1", "iplocation allfields=t b", "iplocation b lang=de", "noop"))
	case 37:
		return g.removes(g.oneOf("uniq", "where random()%2=0", `where mvcount(split(a,","))>1 AND random()>5`, "sample 2"))
	case 38:
		return stage{g.oneOf("nomv ", "makemv ", "accum ", "iplocation b | nomv ", "addtotals row=t fieldname=", "addtotals a b c fieldname=") + g.name(a), func(rows []row) []row { return g.anything(rows, a) }}
	case 39:
		return stage{"rename *" + as + "x_*", func(rows []row) []row { return each(rows, leave(nil)) }}
	}
	return g.test(a, b, v)
}

// some1 is some in one text.
func (g *stageMaker) some1(options ...string) string { return strings.Join(g.some(options...), " ") }

// adds is a stage behind which there may be any event, with any columns.
func (g *stageMaker) adds(text string) stage {
	return stage{text, func(rows []row) []row {
		out := slices.Clone(rows)
		for i := range 5 {
			if g.IntN(2) == 0 {
				out = append(out, g.anything([]row{{map[string]string{}, []int{i}}}, stageNames...)...)
			}
		}
		return out
	}}
}

// kql is a random operator.
func (g *stageMaker) kql(a, b, v string) stage {
	names, list := g.names()
	groups := func(text string) stage {
		return stage{text, func(rows []row) []row { return grouped(rows, names, true) }}
	}
	hint := func(options ...string) string {
		return strings.Join(append(g.some(append(options, "hint.strategy=shuffle", "hint.remote=auto", "hint.num_partitions=2")...), ""), " ")
	}
	switch g.IntN(30) {
	case 0:
		return stage{"project-rename " + g.name(b+"2") + " = " + g.name(a), func(rows []row) []row {
			return each(rows, func(c map[string]string) { move(c, a, b+"2") })
		}}
	case 1:
		return stage{"extend " + g.name(a) + " = " + g.name(b), func(rows []row) []row {
			return each(rows, func(c map[string]string) { c[a] = c[b] })
		}}
	case 2:
		return stage{"extend d = 1, " + g.name(a) + " = strcat(" + b + ", '')", func(rows []row) []row {
			return each(rows, func(c map[string]string) { c[a] = c[b] })
		}}
	case 3:
		return stage{"project " + list, func(rows []row) []row { return each(rows, leave(names)) }}
	case 4:
		return stage{"project-keep " + list, func(rows []row) []row { return each(rows, leave(names)) }}
	case 5:
		return stage{"project-away " + list, func(rows []row) []row {
			return each(rows, func(c map[string]string) {
				for _, n := range names {
					delete(c, n)
				}
			})
		}}
	case 6:
		return g.removes(g.oneOf("take 2", "limit 2", "sample 2", "top 2 by "+g.name(a), "top 2 by a desc nulls first", "top 2 by a asc nulls last, b", "where rand() < 0.5", "where row_number() < 3"))
	case 7, 8:
		return groups("summarize " + hint("hint.shufflekey="+b) + "n = count() by " + list)
	case 9:
		return groups("distinct " + hint() + list)
	case 10:
		return keeps(g.oneOf("sort by a", "order by a desc nulls last, b asc", "serialize", "serialize rn = row_number()", "as R", "as hint.materialized=true R", "render table",
			"render timechart with (title = 'a')", "project-reorder "+list, "project-reorder *, a", "project-reorder a asc, * desc", "extend d = 1", "sort by a asc, b"))
	case 11:
		return g.changes("serialize "+g.name(a)+" = row_number()", a)
	case 12:
		return g.changes("extend "+g.name(a)+" = "+g.oneOf("tostring(rand())", "strcat(prev("+b+"), 'x')"), a)
	case 13:
		return g.changes("parse "+g.before(g.name(b)+" with * 'x' "+g.name(a)+g.oneOf("", ":string")+" 'y' *", "kind="+g.oneOf("simple", "relaxed", "regex")), a)
	case 14:
		return stage{"parse-where " + g.before(g.name(b)+" with * 'x' "+g.name(a)+" 'y' *", "kind="+g.oneOf("simple", "regex")), func(rows []row) []row {
			return g.lose(g.anything(rows, a))
		}}
	case 15:
		return g.changes("parse-kv "+g.name(b)+" as ("+g.name(a)+": string, k: long)"+g.oneOf("", " with (pair_delimiter=',', kv_delimiter='=')", " with (regex='(.)=(.)')"), a)
	case 16:
		return stage{g.oneOf("mv-expand ", "mvexpand ") + g.before(g.oneOf("", g.name(a)+" = ")+g.name(a)+g.oneOf("", " to typeof(string)", " limit 5"), "kind="+g.oneOf("bag", "array"), "bagexpansion=bag", "with_itemindex=i"), func(rows []row) []row {
			return g.lose(g.anything(rows, a))
		}}
	case 17:
		return stage{"mv-expand " + g.before(g.name(a)+" = split("+g.name(b)+", ',')", "kind=array"), func(rows []row) []row {
			return g.lose(g.anything(rows, a))
		}}
	case 18:
		return stage{"mv-expand with_itemindex=" + a + " " + g.name(b), func(rows []row) []row {
			return g.lose(g.anything(rows, a, b))
		}}
	case 19:
		return stage{g.oneOf("mv-apply a = b on (where a == 'x')", "mv-apply with_itemindex=i a on (top 1 by a)", "make-series count() on TimeGenerated step 1h by a",
			"top-nested 2 of a by count()", "top-hitters 2 of a", "sample-distinct 2 of a", "reduce by a", "count", "getschema",
			"scan declare (x: string) with (step s1: a == 'x';)", "facet by a", "fork (where a == 'x') (take 2)"), func(rows []row) []row {
			return g.lose(g.anything(rows, stageNames...))
		}}
	case 20:
		text := g.oneOf("evaluate bag_unpack(a)", "evaluate "+hint()+"pivot(a)", "invoke f()", "consume", "partition by a (union T)", "partition hint.strategy=native by a (union T)",
			"join kind=rightouter U on a", "join "+hint()+"kind=fullouter U on a", "join kind=rightsemi U on a")
		return g.adds(text)
	case 21:
		return g.removes("join " + g.mix("kind="+g.oneOf("leftsemi", "leftanti", "anti", "leftantisemi"), "hint.strategy=broadcast", "hint.remote=left") + " (U | where a == 'x') on " + g.name(a))
	case 22:
		return stage{"join " + g.before(g.oneOf("U", "(U | project a, q)")+" on "+g.oneOf(g.name(a), "$left.a == $right.q"), "kind="+g.oneOf("inner", "innerunique"), "hint.strategy=shuffle"), g.lose}
	case 23:
		return keeps("join " + g.mix("kind=leftouter", "hint.remote=left") + " U on " + g.name(a))
	case 24:
		return keeps("lookup " + g.before("U on "+g.name(a), "kind=leftouter", "hint.remote=left"))
	case 25:
		return g.removes("lookup " + g.mix("kind=inner", "hint.remote=left") + " U on " + g.name(a))
	case 26:
		return stage{"extend strcat(a, 'x')", func(rows []row) []row { return rows }}
	}
	return g.test(a, b, v)
}

// mix has one option and some others, in any order.
func (g *stageMaker) mix(option string, others ...string) string {
	out := g.some(others...)
	return strings.Join(slices.Insert(out, g.IntN(len(out)+1), g.option(option)), " ")
}

// TestStageProperty holds what readers say of a query's stages against rows that
// go through them: no event is selected beyond Where unless a stage may add some,
// and none is lost of it unless one may remove some.
func TestStageProperty(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 11))
	judged, partly, settled := 0, 0, 0
	for range 20_000 {
		for _, target := range []string{"splunk", "kusto"} {
			g := &stageMaker{rnd, target == "kusto"}
			var rows []row
			var events []eval.Event
			for i := range 5 {
				columns := map[string]string{}
				m := map[string]any{}
				for _, n := range stageNames {
					if g.kusto || rnd.IntN(4) > 0 {
						columns[n] = g.oneOf(stageValues...)
						m[n] = columns[n]
					}
				}
				ev, err := eval.NewEvent(m)
				if err != nil {
					t.Fatal(err)
				}
				rows, events = append(rows, row{columns, []int{i}}), append(events, ev)
			}
			stages := []string{map[string]string{"splunk": "*", "kusto": "T"}[target]}
			for range 1 + rnd.IntN(5) {
				names := slices.Clone(stageNames)
				rnd.Shuffle(3, func(i, j int) { names[i], names[j] = names[j], names[i] })
				make := g.spl
				switch {
				case rnd.IntN(3) == 0:
					make = g.test
				case g.kusto:
					make = g.kql
				}
				st := make(names[0], names[1], g.oneOf(stageValues...))
				stages, rows = append(stages, st.text), st.run(rows)
			}
			query := strings.Join(stages, " | ")
			q, err := targets.Must(target).Read(query, ir.Types{"a": ir.Text, "b": ir.Text, "c": ir.Text})
			if err != nil {
				if g.kusto && strings.Contains(err.Error(), "there is no column") {
					continue // a column that a stage before has dropped
				}
				t.Fatalf("%s: %v", query, err)
			}
			selected := map[int]bool{}
			for _, r := range rows {
				for _, i := range r.of {
					selected[i] = true
				}
			}
			removes := slices.ContainsFunc(q.Unjudged(), func(c ir.Command) bool { return c.Effect.MayRemove() })
			adds := slices.ContainsFunc(q.Unjudged(), func(c ir.Command) bool { return c.Effect.MayAdd() })
			if len(q.Unjudged()) == 0 {
				judged++
			} else {
				partly++
			}
			for i, ev := range events {
				is, known := eval.Settled(q.Where, ev)
				if known {
					settled++
				}
				if known && (selected[i] && !is && !adds || is && !selected[i] && !removes) {
					t.Fatalf("%s\nevent %d of %s: selected %v, read %v\nWhere %s, not judged %v", query, i, ev.Raw(), selected[i], is, q.Where, q.Unjudged())
				}
			}
		}
	}
	if judged < 2_000 || partly < 2_000 || settled < 50_000 {
		t.Errorf("%d queries judged, %d partly, %d events settled: too few to say anything", judged, partly, settled)
	}
}
