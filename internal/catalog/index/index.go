// Package index makes and reads the index of catalogs. It has what every rule of them
// looks for, in one file. docs/index.md describes the file.
//
// It is a ZIP of NDJSON and no database: any program reads it, equal rules give equal
// bytes, one shard answers one question, and a build takes over what has not changed
// by copying lines.
package index

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"sigmac/internal/catalog"
	"sigmac/internal/catalog/findings"
)

// A Rule is what an index holds of one rule: what explain shows of it, and what
// stands beside that on its page.
type Rule struct {
	Catalog string `json:"catalog"` // one of catalog.Catalogs
	catalog.Entry
	Line     int                 `json:"line,omitempty"` // of a Sigma rule in its file
	Language string              `json:"language"`       // sigma, or that of the query: spl, eql, kuery, kql
	Body     string              `json:"body"`           // the document of a Sigma rule, or the query
	Queries  catalog.List[Query] `json:"queries"`        // of a Sigma rule: one a target and condition
	// Reason says in few words why the page of a rule has no stages, Detail where.
	Reason  string `json:"reason,omitempty"`
	Detail  string `json:"detail,omitempty"`
	Partial int    `json:"partial,omitempty"` // conditions of a native rule that the page leaves out
	// Errors are those of a Sigma rule, or of the form of a file, each with its place in it.
	Errors []string `json:"errors,omitempty"`

	line []byte // its JSON
}

// A Query is what a Sigma rule became in a language, or why it did not.
type Query struct {
	Target      string   `json:"target"`
	Condition   int      `json:"condition"` // from 1
	Query       string   `json:"query,omitempty"`
	Verdict     string   `json:"verdict"`          // proved, partial, bounded, agreed, refuted, unsupported, error
	Reason      string   `json:"reason,omitempty"` // of a verdict other than proved
	Losses      []string `json:"losses,omitempty"`
	Assumptions []string `json:"assumptions,omitempty"`
}

// A Content is what an index holds.
type Content struct {
	Rules    []*Rule // by catalog, path, and place in the file
	Findings []findings.Finding

	files      []file
	findingsOf string // the digest of the files that the findings are about
	looking    map[catalog.Key][]int
}

// LookingFor are the numbers of the rules that have an indicator of this key, in
// their order.
func (c *Content) LookingFor(k catalog.Key) []int { return c.looking[k] }

// Keys are those of all indicators, sorted.
func (c *Content) Keys() []catalog.Key {
	return slices.SortedFunc(maps.Keys(c.looking), catalog.Key.Compare)
}

// finish is c, which has all its rules now.
func (c *Content) finish() *Content {
	c.looking = map[catalog.Key][]int{}
	for n, r := range c.Rules {
		for _, k := range r.keys() {
			if have := c.looking[k]; len(have) == 0 || have[len(have)-1] != n {
				c.looking[k] = append(have, n)
			}
		}
	}
	return c
}

func (r *Rule) keys() (out []catalog.Key) {
	for _, in := range r.Indicators {
		for _, v := range in.Values {
			out = append(out, in.Predicate(v).Key())
		}
	}
	return out
}

// name is what a rule is known by: its id, or where it has none its title.
func name(r catalog.Facts) string { return strings.ToLower(strings.TrimSpace(cmp.Or(r.ID, r.Title))) }
