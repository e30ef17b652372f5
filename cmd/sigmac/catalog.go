package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"sigmac"
	"sigmac/internal/atomic"
	"sigmac/internal/catalog"
	"sigmac/internal/catalog/findings"
	"sigmac/internal/catalog/index"
	"sigmac/internal/catalog/native"
	"sigmac/internal/catalog/site"
	"sigmac/internal/plain"
	"sigmac/internal/project"
	"sigmac/internal/report"
	"sigmac/internal/revision"
	"sigmac/internal/suggest"
	"sigmac/parser"
	"sigmac/verify"
)

func catalogCommand() *cli.Command {
	names := []string{"build", "serve", "findings"}
	return &cli.Command{
		Name:      "catalog",
		Usage:     "make an index and a web site of rules",
		UsageText: "sigmac catalog COMMAND [command options] [arguments...]",
		Description: `A catalog holds the pages of many rules, and who else looks for the same.

   sigmac catalog build --sigma rules/ --splunk security_content/ -o site/
   sigmac catalog serve site/
   sigmac explain --index site/ rule.yml
   sigmac catalog findings rules/`,
		Subcommands: []*cli.Command{
			{
				Name: "build", Usage: "read the rules of catalogs, and write their index and site",
				Description: `Reads Sigma rules, and rules in the form ` + native.Forms + `. The index is the file
catalog.zip in the directory of the site. Rules of files that have not changed
are taken from the index that is there.

Exit status: 0 all were read; 1 a Sigma rule is wrong, its page says why; 2 wrong
usage, or a file that cannot be read or written: the directory stays as it was.`,
				Flags: slices.Concat(directoryFlags(), []cli.Flag{
					&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "the `DIRECTORY` of the site; needed"},
					list("source-url", "a `TEMPLATE` with {path}, {line} and {revision}: where others read the rules, as in https://host/owner/repo/blob/{revision}/{path}#L{line}; CATALOG=TEMPLATE is for the rules of one; may stand several times"),
					&cli.StringFlag{Name: "title", Value: "Detection rules", Usage: "the title of the site"},
					&cli.BoolFlag{Name: "from-scratch", Usage: "take nothing from the index that is there"},
					contextFlag,
					filterFlag,
				}, mappingFlags()),
				Action: buildCatalog,
			},
			{
				Name: "serve", Usage: "serve a site to browsers on this machine", ArgsUsage: "DIRECTORY",
				Description: "Serves a site on the loopback interface until it is interrupted.\n\nExit status: 0 interrupted; 2 wrong usage, or an address that cannot be used.",
				Flags:       []cli.Flag{&cli.IntFlag{Name: "port", Value: 8080, Usage: "0 takes any that is free"}},
				Action:      serveCatalog,
			},
			{
				Name: "findings", Usage: "tell what can be proved about a set of rules", ArgsUsage: "PATH...",
				Description: `Tells which rules match nothing that another one does not match too, which are
the same in all but text, which never match, and which exclusions exclude
nothing. Each is proved.

   sigmac catalog findings rules/
   sigmac catalog findings --index site/ --json

Exit status: 0 done; 1 a finding of a kind of --fail-on, or a rule is wrong; 2
wrong usage, or a file that cannot be read.`,
				Flags: []cli.Flag{
					&cli.StringFlag{Name: "index", Usage: "those in an index `FILE`, or in a site, in place of PATH"},
					list("fail-on", "`KIND` of finding, or any; may stand several times"),
					patternFlag,
					contextFlag,
					filterFlag,
					&cli.BoolFlag{Name: "json", Usage: "one JSON object a finding"},
				},
				Action: showFindings,
			},
		},
		Action: func(c *cli.Context) error {
			if !c.Args().Present() {
				return usage("catalog needs one of build, serve and findings; see sigmac catalog --help")
			}
			return usage("unknown command %q%s", "catalog "+c.Args().First(), suggest.Among(c.Args().First(), "commands", names))
		},
	}
}

func directoryFlags() (out []cli.Flag) {
	for _, name := range catalog.Catalogs {
		out = append(out, list(name, "a `DIRECTORY` of rules; may stand several times"))
	}
	return out
}

// indexName is the file of the index in the directory of a site.
const indexName = "catalog.zip"

func buildCatalog(c *cli.Context) error {
	if c.Args().Present() {
		return usage("catalog build takes no argument: say which catalog %s is of, as --sigma %[1]s", c.Args().First())
	}
	sources, err := sourcesOf(c)
	if err != nil {
		return err
	}
	if len(sources) == 0 {
		return usage("catalog build needs a directory of rules: --%s DIRECTORY", strings.Join(catalog.Catalogs, ", --"))
	}
	places, err := placesOf(c, sources)
	if err != nil {
		return err
	}
	out := c.String("output")
	if out == "" {
		return usage("catalog build needs a directory for the site: -o DIRECTORY")
	}
	old, err := siteAt(out)
	if err != nil {
		return err
	}
	pr, err := open(c)
	if err != nil {
		return err
	}
	convert, err := converter(pr)
	if err != nil {
		return err
	}
	given, _ := project.ListFiles(c.StringSlice("sigma"), []string{"*.yml", "*.yaml"}) // what is wrong with them, Build says
	filters, err := pr.FiltersElsewhere(given)
	if err != nil {
		return usage("%s", err)
	}
	o := index.Options{Sources: sources, Filters: filters, Settings: settings(c), Convert: convert,
		Budget: verify.DefaultBudget}
	if old != nil {
		if o.Settings != "" && !c.Bool("from-scratch") {
			// One that is damaged is as good as none.
			o.Previous, _ = old.Content()
		}
		old.Close()
	}
	var p *progress
	o.Progress = func(done, total int) {
		if p == nil {
			p = newProgress(c, total)
		}
		p.at(done)
	}
	content, err := index.Build(o)
	p.clear()
	if err != nil {
		return usage("%s", err)
	}
	if err := atomic.ReplaceDir(out, func(dir string) error {
		if err := writeIndex(filepath.Join(dir, indexName), content); err != nil {
			return err
		}
		p = nil
		err := site.Write(dir, content, site.Options{Title: c.String("title"), Places: places, Progress: o.Progress})
		p.clear()
		return err
	}); err != nil {
		return usage("%s: cannot be written: %s", out, project.Fault(err))
	}
	return built(c, content)
}

// fileOf is the path of the file of a rule, from here.
func fileOf(c *cli.Context, r *index.Rule) string {
	dirs := c.StringSlice(r.Catalog)
	if len(dirs) == 1 {
		return filepath.ToSlash(filepath.Join(dirs[0], r.Path))
	}
	for _, dir := range dirs {
		if rest, ok := strings.CutPrefix(r.Path, baseOf(dir)+"/"); ok {
			return filepath.ToSlash(filepath.Join(dir, rest))
		}
	}
	return r.Path
}

// built says what came of a build.
func built(c *cli.Context, content *index.Content) error {
	rules, unread, failed := map[string]int{}, map[string]int{}, false
	for _, r := range content.Rules {
		rules[r.Catalog]++
		if r.Reason != "" {
			unread[r.Catalog]++
		}
		for _, e := range r.Errors {
			tell(c.App.ErrWriter, "%s:%s", fileOf(c, r), e)
			failed = failed || r.Catalog == "sigma"
		}
	}
	for _, name := range catalog.Catalogs {
		if rules[name] > 0 {
			tell(c.App.ErrWriter, "%s: %s, %d of them not read", name, counted(rules[name], "rule"), unread[name])
		}
	}
	tell(c.App.ErrWriter, "%s", counted(len(content.Findings), "finding"))
	if failed {
		return &failure{status: exitRules}
	}
	return nil
}

func writeIndex(path string, content *index.Content) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = content.WriteTo(f)
	return errors.Join(err, f.Close())
}

// sourcesOf are the directories on the command line. Several of a catalog are
// told apart by their names.
func sourcesOf(c *cli.Context) (out []index.Source, err error) {
	var faults []error
	for _, name := range catalog.Catalogs {
		dirs := c.StringSlice(name)
		seen := map[string]string{}
		for _, dir := range dirs {
			info, err := os.Stat(dir)
			if err == nil && !info.IsDir() {
				err = fmt.Errorf("%s: is no directory", dir)
			}
			if err != nil {
				faults = append(faults, project.Fault(err))
				continue
			}
			s := index.Source{Catalog: name, FS: os.DirFS(dir), Dir: filepath.ToSlash(dir)}
			if len(dirs) > 1 {
				s.Prefix = baseOf(dir)
				if other, ok := seen[s.Prefix]; ok {
					faults = append(faults, fmt.Errorf("--%s: %s and %s have the same name", name, other, dir))
				}
				seen[s.Prefix] = dir
			}
			out = append(out, s)
		}
	}
	if len(faults) > 0 {
		return nil, usage("%s", errors.Join(faults...))
	}
	return out, nil
}

// placesOf says where the rules of directories can be read: in their repositories, or
// outside of one below the directory.
func placesOf(c *cli.Context, sources []index.Source) (places []site.Place, err error) {
	urls := map[string]site.SourceURL{}
	for _, text := range c.StringSlice("source-url") {
		name, u, err := site.ParseSourceURL(text)
		if err != nil {
			return nil, usage("--source-url: %s", err)
		}
		if _, again := urls[name]; again {
			return nil, usage("--source-url: %s is the second one for the same rules", text)
		}
		urls[name] = u
	}
	for _, name := range catalog.Catalogs {
		u, ok := urls[name]
		if !ok {
			u, ok = urls[""]
		}
		for _, dir := range c.StringSlice(name) {
			p := site.Place{Catalog: name, Prefix: sources[0].Prefix, URL: u}
			sources = sources[1:]
			if !ok {
				continue
			}
			repo, err := revision.Open(dir)
			if err == nil {
				p.Below, err = repo.Below(dir)
			}
			if err == nil && u.Revision() {
				p.Revision, err = repo.Head()
			}
			if err != nil && (u.Revision() || !errors.Is(err, revision.ErrNoRepo)) {
				return nil, usage("--source-url: %s: %s", dir, err)
			}
			places = append(places, p)
		}
	}
	return places, nil
}

func baseOf(dir string) string {
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	return filepath.Base(dir)
}

// siteAt is the index of the site in a directory, or nil where there is none
// yet. A directory that holds anything else is an error.
func siteAt(dir string) (*index.File, error) {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if info, err := os.Stat(filepath.Dir(filepath.Clean(dir))); err != nil || !info.IsDir() {
			return nil, usage("%s: no such directory", filepath.Dir(filepath.Clean(dir)))
		}
		return nil, nil
	case err != nil:
		return nil, usage("%s", project.Fault(err))
	case len(entries) == 0:
		return nil, nil
	}
	f, err := index.Open(filepath.Join(dir, indexName))
	if err != nil && !slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == indexName }) {
		return nil, usage("%s: is not empty, and no site that catalog build made: nothing was written", dir)
	}
	return f, nil // with an index that cannot be used, it is made anew
}

// converter gives the queries of a rule in all languages, with their verdicts.
func converter(p *project.Project) (func(*parser.Document) []index.Query, error) {
	var all []project.Request
	for _, t := range sigmac.Targets() {
		all = append(all, project.For(t))
	}
	maps, err := p.Mappings(all)
	if err != nil {
		return nil, err
	}
	return func(d *parser.Document) (out []index.Query) {
		for _, res := range sigmac.CompileDocument(d, sigmac.Options{Mappings: maps, Pretty: true}) {
			for _, ch := range sigmac.Verify(res, verify.DefaultBudget) {
				q := index.Query{Target: ch.Target.Name, Condition: ch.Condition, Query: ch.Query, Verdict: ch.Verdict, Reason: ch.Evidence.Reason}
				switch {
				case ch.Err != nil:
					if q.Reason = ch.Err.Msg; ch.Query != "" {
						q.Reason = report.Weakness(ch)
					}
				case ch.Verdict == "refuted":
					q.Reason = report.Refutation(ch.Evidence)
				case report.Added(ch.Added) != "":
					q.Reason = "postprocessing adds " + report.Added(ch.Added) + ", which the verdict leaves out"
				}
				if ch.Err == nil {
					for _, l := range report.Losses(res) {
						if text := l.String(); !slices.Contains(q.Losses, text) {
							q.Losses = append(q.Losses, text)
						}
					}
					q.Assumptions = ch.Evidence.Assumptions
				}
				out = append(out, q)
			}
		}
		return out
	}, nil
}

// settings is all that queries depend on besides their rules: the program, and
// what the command line says of pipelines. It is empty where that cannot be
// known.
func settings(c *cli.Context) string {
	if c.Bool("allow-external") {
		return ""
	}
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%v\n", program(), c.Bool("without-pipeline"))
	for _, flag := range []string{"pipeline", "schema"} {
		for _, name := range c.StringSlice(flag) {
			fmt.Fprintf(h, "%s %s\n", flag, name)
			info, err := os.Stat(name)
			if err != nil {
				continue // a pipeline that sigmac brings along
			}
			if flag == "pipeline" && !info.IsDir() {
				name = filepath.Dir(name) // of which it may read any file
			}
			if !hashTree(h, name) {
				return ""
			}
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// maxHashed bounds the files by which a change of pipelines is told.
const maxHashed = 1000

func hashTree(w io.Writer, root string) bool {
	n := 0
	return filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		if n++; n > maxHashed {
			return errors.New("too many files")
		}
		src, err := project.ReadFile(p, nil)
		fmt.Fprintf(w, "%s %d\n%s\n", p, len(src), src)
		return err
	}) == nil
}

// program tells builds of sigmac apart: by their version where they have one,
// else by their bytes.
func program() string {
	info, ok := debug.ReadBuildInfo()
	if ok && info.Main.Version != "" && info.Main.Version != "(devel)" && !strings.Contains(info.Main.Version, "+dirty") {
		return version + " " + info.Main.Version
	}
	h := sha256.New()
	if path, err := os.Executable(); err == nil {
		if f, err := os.Open(path); err == nil {
			defer f.Close()
			io.Copy(h, f)
		}
	}
	return version + " " + hex.EncodeToString(h.Sum(nil))
}

func serveCatalog(c *cli.Context) error {
	if c.NArg() != 1 {
		return usage("catalog serve needs the directory of a site")
	}
	dir := c.Args().First()
	if _, err := os.Stat(filepath.Join(dir, "index.html")); err != nil {
		return usage("%s: no site in this directory; make one with sigmac catalog build", dir)
	}
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(c.Int("port"))))
	if err != nil {
		return usage("%s; --port takes another", err)
	}
	ctx, stop := signal.NotifyContext(c.Context, os.Interrupt)
	defer stop()
	root, err := os.OpenRoot(dir)
	if err != nil {
		return usage("%s", project.Fault(err))
	}
	defer root.Close()
	s := &http.Server{Handler: site.Handler(root), ReadHeaderTimeout: 10 * time.Second}
	done := context.AfterFunc(ctx, func() { s.Close() })
	defer done()
	tell(c.App.Writer, "http://%s/", l.Addr())
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return usage("%s", err)
	}
	return nil
}

// openIndex opens an index by its file, or by the site around it.
func openIndex(path string) (*index.File, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, indexName)
	}
	f, err := index.Open(path)
	if err != nil {
		return nil, usage("%s", project.Fault(err))
	}
	return f, nil
}

func showFindings(c *cli.Context) error {
	kinds := []string{string(findings.Implied), string(findings.Duplicate), string(findings.Never), string(findings.DeadExclusion)}
	failOn := c.StringSlice("fail-on")
	for _, k := range failOn {
		if k != "any" && !slices.Contains(kinds, k) {
			return usage("no kind of finding is named %q%s", k, suggest.Among(k, "kinds", append(kinds, "any")))
		}
	}
	found, failed, err := findingsOf(c)
	if err != nil {
		return err
	}
	enc := json.NewEncoder(c.App.Writer)
	enc.SetEscapeHTML(false)
	for _, f := range found {
		if c.Bool("json") {
			err = enc.Encode(f)
		} else {
			err = tell(c.App.Writer, "%s", findingText(f))
		}
		if err != nil {
			return usage("the output cannot be written: %s", err)
		}
		failed = failed || slices.Contains(failOn, "any") || slices.Contains(failOn, string(f.Kind))
	}
	if failed {
		return &failure{status: exitRules}
	}
	return nil
}

// findingsOf are those of an index, or of the rules on the command line, of
// which some may be wrong.
func findingsOf(c *cli.Context) (found []findings.Finding, failed bool, err error) {
	if path := c.String("index"); path != "" {
		if c.Args().Present() {
			return nil, false, usage("--index has its own rules: name no path")
		}
		f, err := openIndex(path)
		if err != nil {
			return nil, false, err
		}
		defer f.Close()
		if found, err = f.Findings(); err != nil {
			err = usage("%s", err)
		}
		return found, false, err
	}
	p, err := open(c)
	if err != nil {
		return nil, false, err
	}
	stream, err := p.Stream()
	if err != nil {
		return nil, false, err
	}
	var subjects []*findings.Subject
	for d, s := range project.Each(stream, func(d *parser.Document) *findings.Subject { return findings.Look(d, verify.DefaultBudget) }) {
		for _, e := range d.Errors {
			tell(c.App.ErrWriter, "%s", e)
			failed = true
		}
		subjects = append(subjects, s)
	}
	if err := stream.Err(); err != nil {
		return nil, false, err
	}
	return findings.Among(subjects, verify.DefaultBudget), failed, nil
}

// findingText says a finding in a line.
func findingText(f findings.Finding) string {
	file, line, column := f.Rule.Path, f.Rule.Line, 1
	if f.Line > 0 {
		file, line, column = cmp.Or(f.File, file), f.Line, f.Column
	}
	part := plain.Text(f.Part)
	if f.Detection != "" {
		part += " of " + plain.Text(f.Detection)
	}
	other := ""
	if f.Other != nil {
		other = fmt.Sprintf("%s (%s)", f.Other.Path, plain.Text(f.Other.Title))
	}
	because := plain.Text(strings.Join(f.Because, "; "))
	if because == "" {
		because = "it contradicts itself"
	}
	text := map[findings.Kind]string{
		findings.Implied:       "every event that it matches, " + other + " matches too",
		findings.Duplicate:     "it matches the same events as " + other,
		findings.Never:         "no event matches it: " + because,
		findings.DeadExclusion: part + " excludes nothing: " + because,
	}[f.Kind]
	return fmt.Sprintf("%s:%d:%d: %s: %s", file, line, column, f.Kind, text)
}
