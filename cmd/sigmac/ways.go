package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"sigmac"
)

// ways count by which pipelines rules got to their targets.
type ways struct {
	targets []string
	rules   map[way]int
}

// A way is how a rule got to a target.
type way struct{ target, by, refused string }

func (w *ways) add(res sigmac.Result) {
	if res.Choice.Pipelines == "" || len(res.Errors) > 0 {
		return
	}
	if w.rules == nil {
		w.rules = map[way]int{}
	}
	if !slices.Contains(w.targets, res.Target.Name) {
		w.targets = append(w.targets, res.Target.Name)
	}
	var refused []string
	for _, r := range res.Choice.Refused {
		refused = append(refused, r.Pipelines)
	}
	w.rules[way{res.Target.Name, res.Choice.Pipelines, strings.Join(refused, " and ")}]++
}

// tell writes a line a target: the pipelines of its rules, those of most rules first.
func (w *ways) tell(to io.Writer) {
	keys := slices.SortedFunc(maps.Keys(w.rules), func(a, b way) int {
		return cmp.Or(cmp.Compare(w.rules[b], w.rules[a]), cmp.Compare(a.by, b.by), cmp.Compare(a.refused, b.refused))
	})
	for _, target := range w.targets {
		var parts []string
		for _, k := range keys {
			if k.target != target {
				continue
			}
			part := fmt.Sprintf("%d by %s", w.rules[k], k.by)
			if k.refused != "" {
				part += ", refused by " + k.refused
			}
			parts = append(parts, part)
		}
		tell(to, "%s: %s", target, strings.Join(parts, "; "))
	}
}
