// Package index makes and reads the index of catalogs. It has what every rule of them
// looks for, in one file. docs/index.md describes the file.
//
// It is a ZIP of NDJSON and no database: any program reads it, equal rules give equal
// bytes, one shard answers one question, and a build takes over what has not changed
// by copying lines.
package index

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"

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
}

// brief is what lists of rules show of r, and what rules are found by.
func (r *Rule) brief() *Rule {
	out := &Rule{Catalog: r.Catalog, Line: r.Line, Language: r.Language, Reason: r.Reason, Errors: r.Errors}
	out.Path, out.Attack, out.Indicators, out.Correlation = r.Path, r.Attack, r.Indicators, r.Correlation
	f := r.Rule
	out.Rule = catalog.Facts{Title: f.Title, ID: f.ID, Name: f.Name, Status: f.Status, Level: f.Level, LogSource: f.LogSource}
	return out
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
	Rules    []*Rule // by catalog, path, and place in the file; Whole has the rest of each
	Findings []findings.Finding

	files      []file
	chunks     []packed  // of lines of JSON, one a rule
	open       sync.Pool // of *unpacked
	findingsOf string    // the digest of the files that the findings are about
	looking    map[catalog.Key][]int
}

// An unpacked is the lines of a chunk.
type unpacked struct {
	chunk int
	lines [][]byte
}

// line is the JSON of the n-th rule. Those that stand near each other are got fast.
func (c *Content) line(n int) []byte {
	u, _ := c.open.Get().(*unpacked)
	if u == nil || u.chunk != n/chunk {
		u = &unpacked{n / chunk, bytes.SplitAfter(c.chunks[n/chunk].unpack(), []byte("\n"))}
	}
	defer c.open.Put(u)
	return u.lines[n%chunk]
}

// Whole is all that the index has of the n-th rule.
func (c *Content) Whole(n int) *Rule {
	r := &Rule{}
	if err := json.Unmarshal(c.line(n), r); err != nil {
		panic("index: " + err.Error()) // it was written or read before
	}
	return r
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
