package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"sigmac"
	"sigmac/internal/lazy"
	"sigmac/internal/report"
)

// refusals are the results without a query for no fault of their rules.
type refusals struct {
	lines  []string // of all of them, as --verbose tells them
	groups map[refusal]*refused
}

type refusal struct{ target, reason string }

type refused struct {
	results int
	example string
}

// fewRefusals are told one by one.
const fewRefusals = 10

// particular are the parts of a reason that change from rule to rule.
var particular = lazy.Regexp(`; the nearest .*|; sigmac.yaml can say it: .*|"(?:[^"\\]|\\.)*"|%[^% ]+%`)

func (r *refusals) add(res sigmac.Result) {
	first := res.Errors[0]
	for _, e := range res.Errors {
		r.lines = append(r.lines, report.Placed(res, e))
	}
	reason := particular().ReplaceAllStringFunc(first.Msg, func(s string) string {
		if s[0] == ';' {
			return ""
		}
		return "…"
	})
	reason = strings.TrimPrefix(reason, res.Target.Name+" ")
	if r.groups == nil {
		r.groups = map[refusal]*refused{}
	}
	key := refusal{res.Target.Name, reason}
	if r.groups[key] == nil {
		r.groups[key] = &refused{example: first.Place()}
	}
	r.groups[key].results++
}

// tell writes every refusal where they are few, or are asked for, else the reasons with
// the number of rules and one example each.
func (r *refusals) tell(w io.Writer, all bool) {
	n := 0
	for _, g := range r.groups {
		n += g.results
	}
	if all || n <= fewRefusals {
		for _, line := range r.lines {
			tell(w, "%s", line)
		}
		return
	}
	keys := slices.SortedFunc(maps.Keys(r.groups), func(a, b refusal) int {
		return cmp.Or(cmp.Compare(r.groups[b].results, r.groups[a].results), cmp.Compare(a.target, b.target), cmp.Compare(a.reason, b.reason))
	})
	var b strings.Builder
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "RULES\tTARGET\tNO QUERY BECAUSE\tFOR EXAMPLE")
	for _, k := range keys {
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\n", r.groups[k].results, k.target, k.reason, r.groups[k].example)
	}
	table.Flush()
	for line := range strings.Lines(b.String()) {
		tell(w, "%s", strings.TrimRight(line, " \n"))
	}
	tell(w, "--verbose tells each of them")
}
