package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/urfave/cli/v2"

	"sigmac"
	"sigmac/internal/suggest"
	"sigmac/outdir"
	"sigmac/parser"
	"sigmac/project"
)

// layouts say where the query of a rule goes below the directory.
var layouts = []string{"target", "rule", "id"}

func directoryOutputFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "output-dir", Usage: "write a file a rule and target into `DIRECTORY`, and keep it in step with the rules"},
		&cli.StringFlag{Name: "check", Usage: "write nothing; tell what is not as --output-dir `DIRECTORY` would make it"},
		&cli.StringFlag{Name: "layout", Value: layouts[0], Usage: "the names of the files: target (TARGET/PATH.EXT), rule (PATH.EXT) or id (TARGET/ID.EXT)"},
		&cli.BoolFlag{Name: "sidecar", Usage: "write a file .json beside each query, with what it is made of"},
		&cli.BoolFlag{Name: "force", Usage: "replace files in the directory that were edited, or that are not from sigmac"},
	}
}

// A directoryOutput collects the files of queries.
type directoryOutput struct {
	c       *cli.Context
	paths   []string       // of rules
	checked []sigmac.Proof // of --verify, of the result that is added next
	last    *parser.Document
	numbers map[string]int // by file, of the document that was added last, from 1
	files   []outdir.File
	errs    []error

	mu     sync.Mutex
	hashes map[string]string // of the files of rules
}

// newDirectoryOutput is nil without --output-dir and --check.
func newDirectoryOutput(c *cli.Context, p *project.Project, finalizes bool) (*directoryOutput, error) {
	given := c.String("output-dir") != "" || c.String("check") != ""
	switch {
	case !given && (c.IsSet("layout") || c.Bool("sidecar") || c.Bool("force")):
		return nil, usage("--layout, --sidecar and --force go with --output-dir or --check")
	case !given:
		return nil, nil
	case c.String("output-dir") != "" && c.String("check") != "":
		return nil, usage("--output-dir and --check exclude each other")
	case c.String("output") != "" || c.Bool("json"):
		return nil, usage("--output and --json do not go with a directory of queries")
	case finalizes:
		return nil, usage("the pipeline makes one text of all queries: there is no file a rule")
	case !slices.Contains(layouts, c.String("layout")):
		return nil, usage("no layout is named %q%s", c.String("layout"), suggest.For(c.String("layout"), layouts))
	}
	paths, err := p.Paths()
	if err != nil {
		return nil, err
	}
	return &directoryOutput{c: c, paths: paths, numbers: map[string]int{}, hashes: map[string]string{}}, nil
}

// read notes what a file of rules holds. It may be called from several goroutines.
func (o *directoryOutput) read(file string, src []byte) {
	hash := hexHash(src)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.hashes[file] = hash
}

func (o *directoryOutput) fileHash(file string) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.hashes[file]
}

func (o *directoryOutput) note(_ sigmac.Result, checks []sigmac.Proof) { o.checked = checks }

// below is a rule's file below the path that names it.
func (o *directoryOutput) below(file string) string {
	if file == project.Stdin {
		return "stdin"
	}
	for _, arg := range o.paths {
		if rel, err := filepath.Rel(arg, file); err == nil && rel != "." && filepath.IsLocal(rel) {
			return filepath.ToSlash(rel)
		}
	}
	return filepath.Base(file)
}

// add collects the queries of a result.
func (o *directoryOutput) add(res sigmac.Result) {
	d := res.Document
	source := o.below(d.Path)
	if d != o.last {
		o.last = d
		o.numbers[d.Path]++
	}
	for i, q := range res.Queries {
		name := strings.TrimSuffix(source, path.Ext(source))
		if o.c.String("layout") == "id" {
			if name = strings.ReplaceAll(d.ID, "/", "_"); name == "" {
				o.errs = append(o.errs, fmt.Errorf("%s:%d:%d: the rule has no id for the name of its file", d.Path, d.Pos.Line, d.Pos.Column))
				return
			}
		} else if n := o.numbers[d.Path]; n > 1 {
			name = fmt.Sprintf("%s.%d", name, n)
		}
		if i > 0 {
			name = fmt.Sprintf("%s.c%d", name, i+1)
		}
		if o.c.String("layout") != "rule" {
			name = res.Target.Name + "/" + name
		}
		name = outdir.Clean(name) + res.Target.Extension
		rule := outdir.Rule{Path: source, ID: d.ID, Target: res.Target.Name}
		o.files = append(o.files, outdir.File{Path: name, Data: []byte(q + "\n"), Rule: rule})
		if o.c.Bool("sidecar") {
			o.files = append(o.files, outdir.File{Path: name + ".json", Data: o.sidecar(res, i, source), Rule: rule})
		}
	}
}

// A sidecar tells what a query is made of.
type sidecar struct {
	Rule      string            `json:"rule"`
	Title     string            `json:"title"`
	Path      string            `json:"path"`
	Document  int               `json:"document"`  // of the file, from 1
	Condition int               `json:"condition"` // of the rule, from 1
	Level     string            `json:"level,omitempty"`
	Status    string            `json:"status,omitempty"`
	Target    string            `json:"target"`
	Format    string            `json:"format"`
	Pipelines []sidecarPipeline `json:"pipelines"`
	Sigmac    string            `json:"sigmac"`
	RuleHash  string            `json:"rule_sha256"` // of the file
	QueryHash string            `json:"query_sha256"`
	Verdict   string            `json:"verdict,omitempty"`
	Reason    string            `json:"reason,omitempty"`
	Losses    []string          `json:"losses"`
}

type sidecarPipeline struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
}

func (o *directoryOutput) sidecar(res sigmac.Result, i int, source string) []byte {
	d := res.Document
	out := sidecar{Rule: d.ID, Title: d.Title, Path: source, Document: o.numbers[d.Path], Condition: i + 1, Target: res.Target.Name, Format: res.Target.Format.Name,
		Sigmac: version, RuleHash: o.fileHash(d.Path), QueryHash: hexHash([]byte(res.Queries[i])), Losses: []string{}, Pipelines: []sidecarPipeline{}}
	for _, p := range res.Pipeline.Parts() {
		out.Pipelines = append(out.Pipelines, sidecarPipeline{p.ID, hex.EncodeToString(p.SHA256[:])})
	}
	if d.Rule != nil {
		out.Level, out.Status = d.Rule.Meta.Level, d.Rule.Meta.Status
	}
	for _, l := range lossesOf(res) {
		if !slices.Contains(out.Losses, l.ID) {
			out.Losses = append(out.Losses, l.ID)
		}
	}
	if i < len(o.checked) {
		out.Verdict, out.Reason = o.checked[i].Verdict, o.checked[i].Evidence.Reason
	}
	text, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		panic("sigmac: " + err.Error())
	}
	return append(text, '\n')
}

func hexHash(data []byte) string {
	h := sha256.Sum256(data)
	return hex.EncodeToString(h[:])
}

// end writes the files, or tells what is not as they are.
func (o *directoryOutput) end() error {
	if len(o.errs) > 0 {
		return &failure{exitRules, errors.Join(o.errs...).Error()}
	}
	if dir := o.c.String("check"); dir != "" {
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			if err == nil {
				err = &fs.PathError{Op: "open", Path: dir, Err: errors.New("is no directory")}
			}
			return usage("%s", project.Fault(err))
		}
		changes, err := outdir.Compare(dir, o.files)
		if err != nil {
			return usage("%s: %s", dir, project.Fault(err))
		}
		for _, ch := range changes {
			tell(o.c.App.Writer, "%s: %s", filepath.Join(dir, filepath.FromSlash(ch.Path)), ch.Kind)
		}
		if len(changes) > 0 {
			return &failure{status: exitRules}
		}
		return nil
	}
	dir := o.c.String("output-dir")
	changes, err := outdir.Write(dir, o.files, o.c.Bool("force"))
	var conflict *outdir.ConflictError
	if errors.As(err, &conflict) {
		return usage("nothing was written to %s: --force replaces these files\n%s", dir, conflict)
	}
	if err != nil {
		return usage("%s: %s", dir, project.Fault(err))
	}
	tell(o.c.App.ErrWriter, "%s: %d files, %d changed", dir, len(o.files), len(changes))
	return nil
}
