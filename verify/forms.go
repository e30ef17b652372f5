package verify

import (
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"sigmac/backends"
	"sigmac/ir"
	"sigmac/tail"
)

// A form is how queries can find the hits of a correlation, for which docs/semantics.md has
// an argument under its name. Queries have it if their canonical texts are those that it
// gives: $1 is the predicate of the first rule, $1+$2 that of an event which the first
// or the second selects, $0 one of all that some rule selects and perhaps of more; the
// columns that queries make are %1, %2 and so on, in the order in which they stand.
type form struct {
	name        string
	sense       Sense
	assumptions []string
	texts       func(c *backends.Correlation) []string // none: it is not for this correlation
}

// forms are all that are recognised.
var forms = []form{
	{name: "event-count/sort-near", texts: func(c *backends.Correlation) []string {
		n, ok := least(c)
		group, plain := groupColumn(c)
		if !ok || !plain {
			return nil
		}
		at := c.Rules[0].Time
		return []string{fmt.Sprintf("events {(ref %s)} | where isnotnull(%s) | sort %s, %s | extend %%1=near(%s, %d), %%2=near(%s, %d)"+
			" | where and(eq(%s, %%1), lte(minus(%s, %%2), %s)) at %s",
			anyOf(c), group, group, at, group, n-1, at, n-1, group, at, seconds(c), at)}
	}},
	{name: "event-count/stream", texts: func(c *backends.Correlation) []string {
		n, ok := least(c)
		group, plain := groupColumn(c)
		if !ok || !plain {
			return nil
		}
		at := c.Rules[0].Time
		return []string{fmt.Sprintf("events {(ref %s)} | sort %s | partition by %s=%s (extend %%1=near(%s, %d)) | where lte(minus(%s, %%1), %s) at %s",
			anyOf(c), at, group, group, at, n-1, at, seconds(c), at)}
	}},
}

// least is the number of events from which on an event_count hits, if that is all that its
// condition says.
func least(c *backends.Correlation) (n int, ok bool) {
	if c.Type.Text != "event_count" || len(c.Condition) != 1 {
		return 0, false
	}
	number, ok := new(big.Rat).SetString(string(c.Condition[0].Number))
	if !ok || !number.IsInt() || number.Sign() <= 0 || !number.Num().IsInt64() {
		return 0, false
	}
	n = int(number.Num().Int64())
	switch c.Condition[0].Op {
	case "gte":
		return n, true
	case "gt":
		return n + 1, true
	}
	return 0, false
}

// groupColumn is the one column of the group, if it is the same for each rule and the result
// has it under its name; all times are in one column too.
func groupColumn(c *backends.Correlation) (name string, ok bool) {
	if len(c.Group) != 1 {
		return "", false
	}
	for _, r := range c.Rules {
		if len(r.Group[0]) != 1 || r.Group[0][0].Name != c.Group[0] || r.Time != c.Rules[0].Time {
			return "", false
		}
	}
	return c.Group[0], true
}

// anyOf is the predicate of what some rule selects.
func anyOf(c *backends.Correlation) string {
	return nameOf(set(1)<<len(c.Rules) - 1)
}

func nameOf(rules set) string {
	var parts []string
	for i := range maxRules {
		if rules.has(i) {
			parts = append(parts, "$"+strconv.Itoa(i+1))
		}
	}
	return strings.Join(parts, "+")
}

// seconds is the length of the window, as canonical text has it.
func seconds(c *backends.Correlation) string {
	return tail.Const{V: c.Window().Seconds()}.String()
}

// recognised is the form that the queries have, or nil.
func recognised(t *trial, sense Sense) *form {
	texts, ok := t.texts()
	if !ok {
		return nil
	}
	for i, f := range forms {
		if f.sense == sense && slices.Equal(f.texts(t.c), texts) {
			return &forms[i]
		}
	}
	return nil
}

// texts are the canonical texts of the queries, with names for the predicates of rules and
// for the columns that are made; ok: each test of an event is one that has a name.
func (t *trial) texts() (out []string, ok bool) {
	own := map[string]bool{}
	for _, name := range slices.Concat(t.c.Group, t.others) {
		own[name] = true
	}
	for _, r := range t.c.Rules {
		own[r.Time] = true
		for _, f := range slices.Concat(r.Keep, slices.Concat(r.Group...), slices.Concat(r.Fields...)) {
			own[f.Name] = true
		}
	}
	ok = true
	for _, q := range t.queries {
		made := map[string]string{}
		note := func(name string) {
			if !own[name] && made[name] == "" {
				made[name] = "%" + strconv.Itoa(len(made)+1)
			}
		}
		q.Rewrite(func(part any) any {
			switch x := part.(type) {
			case tail.Named:
				note(x.Name)
			case tail.Agg:
				note(x.As)
			}
			return part
		})
		name := func(s string) string {
			if to := made[s]; to != "" {
				return to
			}
			return s
		}
		named := q.Rewrite(func(part any) any {
			switch x := part.(type) {
			case ir.Ref:
				n, err := strconv.Atoi(strings.TrimPrefix(x.Name, "$"))
				if err != nil {
					return part
				}
				switch a := t.tests[n]; {
				case a.of != 0:
					x.Name = nameOf(a.of)
				case a.prefilter:
					x.Name = "$0"
				default:
					ok = false
				}
				return x
			case tail.Named:
				x.Name = name(x.Name)
				return x
			case tail.Agg:
				x.As = name(x.As)
				return x
			case tail.Column:
				x.Name = name(x.Name)
				return x
			case tail.Expand:
				x.Name = name(x.Name)
				return x
			case tail.Drop:
				x.Names = slices.Clone(x.Names)
				for i := range x.Names {
					x.Names[i] = name(x.Names[i])
				}
				return x
			}
			return part
		})
		out = append(out, named.String()+" at "+name(q.Time))
	}
	return out, ok
}
