// Command judge looks for needless parts of the queries that sigmac writes. It leaves
// parts out and says others more plainly, one at a time, keeps what is shorter and
// proved with no more assumptions, and counts by class what was so found.
//
//	go run ./conformance/judge -t splunk rules/
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"runtime/debug"

	"sigmac"
	"sigmac/internal/ordered"
	"sigmac/parser"
	"sigmac/targets"
)

func main() {
	debug.SetGCPercent(400)
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

func run(args []string, stdout, stderr io.Writer) int {
	set := flag.NewFlagSet("judge", flag.ContinueOnError)
	set.SetOutput(stderr)
	name := set.String("t", "", "the `target`")
	verbose := set.Bool("v", false, "show each step of each query, not what they sum up to")
	if err := set.Parse(args); err != nil {
		return 2
	}
	target, ok := targets.Named(*name)
	if !ok || set.NArg() == 0 {
		fmt.Fprintln(stderr, "usage: go run ./conformance/judge -t TARGET [-v] PATH...")
		return 2
	}
	c := &parser.Collection{}
	for _, root := range set.Args() {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(path) != ".yml" {
				return err
			}
			src, err := os.ReadFile(path)
			c.Add(parser.Parse(path, src))
			return err
		})
		if err != nil {
			fmt.Fprintln(stderr, "judge:", err)
			return 1
		}
	}
	var sum summary
	for path, js := range judgements(c, sigmac.DefaultMapping(target)) {
		for _, j := range js {
			if *verbose {
				j.print(stdout, path)
			}
			sum.add(path, j)
		}
	}
	if !*verbose {
		text, _ := json.MarshalIndent(sum, "", "  ")
		fmt.Fprintf(stdout, "%s\n", text)
	}
	return 0
}

// print writes each step, and what the query is after it.
func (j judgement) print(w io.Writer, path string) {
	if len(j.Steps) == 0 && j.Left == "" && !j.Cut {
		return
	}
	fmt.Fprintf(w, "%s\n  %s\n", path, j.Query)
	for _, s := range j.Steps {
		fmt.Fprintf(w, "- %s (%d characters)\n  %s\n", s.Class, s.Characters, s.Query)
	}
	if j.Left != "" {
		fmt.Fprintf(w, "- %s\n", j.Left)
	}
	if j.Cut {
		fmt.Fprintln(w, "- not tried to the end")
	}
}

// judgements are those of the queries of each rule.
func judgements(c *parser.Collection, m sigmac.Mapping) iter.Seq2[string, []judgement] {
	return func(yield func(string, []judgement) bool) {
		o := sigmac.Options{Mappings: []sigmac.Mapping{m}, NoIndexHelp: true}
		for i, js := range ordered.Map(c.Documents, func(d *parser.Document) (out []judgement) {
			for _, res := range sigmac.CompileDocument(d, o) {
				for i, query := range res.Plain {
					out = append(out, judged(res, i, query))
				}
			}
			return out
		}) {
			if !yield(c.Documents[i].Path, js) {
				return
			}
		}
	}
}
