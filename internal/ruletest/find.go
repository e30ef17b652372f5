// Package ruletest runs the tests that lie beside rules. These are events that a rule
// must match, and events that it must not.
//
// They say what the rule's author means, which no proof can know. So they ask the
// rule, and its queries are asked to agree with it: trying those catches a mistake of
// the proof, and shows what a target cannot tell apart on events that the author cares
// about, and a wrong rule is one failure. The queries have no pipeline, for events
// have Sigma's names, and a renaming of events would miss tables, computed columns and
// conditions that a pipeline adds. A rule may come from a stranger and name files, so
// these are looked for in folders regression_data only, and opened below them with
// os.OpenInRoot.
package ruletest

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"sigmac/ir"
	"sigmac/parser"
)

// A Want is what a rule has to say of the events of a test.
type Want uint8

// The wants.
const (
	Match   Want = iota // it matches each
	NoMatch             // it matches none
	AtLeast             // it matches at least Test.Least of them
)

func (w Want) String() string { return [...]string{"match", "nomatch", "at least"}[w] }

// A Test is a file of events, and what a rule has to say of them.
type Test struct {
	Path  string // of the events
	Want  Want
	Least int            // of AtLeast
	Skip  string         // why it cannot be run, or empty
	Fault *ir.Diagnostic // why it is none, or nil

	root string // the folder that the events must not lead out of, or empty
}

// A Suite is a document and its tests.
type Suite struct {
	*parser.Document
	Tests []Test
}

// Find gives the tests of each document, in the order of the documents. Behind
// them comes a suite with a fault for each test that no rule has, in folders all
// of whose rules were given.
//
// A test of the rule in a.yml is a.match.ndjson or a.nomatch.ndjson beside it;
// where the file holds several rules, it has the id of one in the place of `a`.
// The form of the events is that of package eval, whether the name ends in .json,
// .jsonl, .ndjson or .evtx, with or without .gz or .zst. The attribute regression_tests_path
// names tests in the layout of the public rules. The events of a correlation are a stream,
// which has to give a hit or none.
func Find(docs []*parser.Document) (suites []Suite) {
	rules, given := map[string]int{}, map[string]bool{} // by path
	for _, d := range docs {
		given[filepath.Clean(d.Path)] = true
		if d.Rule != nil || d.Correlation != nil || len(d.Errors) > 0 {
			rules[d.Path]++
		}
	}
	folders := map[string]*folder{}
	for _, d := range docs {
		s := Suite{Document: d}
		dir := filepath.Dir(d.Path)
		if folders[dir] == nil {
			folders[dir] = readFolder(dir)
		}
		stem := strings.TrimSuffix(filepath.Base(d.Path), filepath.Ext(d.Path))
		for _, name := range slices.Compact([]string{stem, d.ID}) {
			for _, t := range folders[dir].take(name) {
				if name == stem && name != d.ID && rules[d.Path] > 1 {
					t.Fault = &ir.Diagnostic{Path: t.Path, Msg: fmt.Sprintf("%s holds %d rules: give this file the id of one as its name", d.Path, rules[d.Path])}
				}
				s.Tests = append(s.Tests, t)
			}
		}
		if d.Rule != nil {
			s.Tests = append(s.Tests, regression(d)...)
		}
		suites = append(suites, s)
	}
	var orphans []Suite
	for _, f := range folders {
		if !slices.ContainsFunc(f.rules, func(file string) bool { return !given[file] }) {
			for _, tests := range f.tests {
				for _, t := range tests {
					t.Fault = &ir.Diagnostic{Path: t.Path, Msg: "no rule beside this file has its name or its id"}
					orphans = append(orphans, Suite{&parser.Document{Path: t.Path}, []Test{t}})
				}
			}
		}
	}
	slices.SortFunc(orphans, func(a, b Suite) int { return strings.Compare(a.Path, b.Path) })
	return append(suites, orphans...)
}

// A folder is what lies in one.
type folder struct {
	rules []string          // files that look like rules
	tests map[string][]Test // by what their names begin with
}

// readFolder is empty for a folder that cannot be read: its rules could be, and
// their own errors say more.
func readFolder(dir string) *folder {
	f := &folder{tests: map[string][]Test{}}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return f
	}
	for _, e := range entries {
		name := e.Name()
		if !e.Type().IsRegular() && e.Type()&fs.ModeSymlink == 0 || strings.HasPrefix(name, ".") {
			continue
		}
		full := filepath.Join(dir, name)
		if ext := filepath.Ext(name); ext == ".yml" || ext == ".yaml" {
			f.rules = append(f.rules, full)
		}
		form := strings.TrimSuffix(strings.TrimSuffix(name, ".gz"), ".zst")
		if !slices.Contains([]string{".ndjson", ".jsonl", ".json", ".evtx"}, filepath.Ext(form)) {
			continue
		}
		form = strings.TrimSuffix(form, filepath.Ext(form))
		for _, w := range []Want{Match, NoMatch} {
			if stem, ok := strings.CutSuffix(form, "."+w.String()); ok {
				f.tests[stem] = append(f.tests[stem], Test{Path: full, Want: w})
			}
		}
	}
	return f
}

// take gives each test to one rule.
func (f *folder) take(name string) []Test {
	tests := f.tests[name]
	delete(f.tests, name)
	return tests
}

// The layout of the public rules: a rule names a file info.yml in the folder
// regression_data of its repository, and that names files of events in there.
const (
	regressionAttribute = "regression_tests_path"
	regressionFolder    = "regression_data"
	maxInfo             = 1 << 20 // bytes
)

// regression is the tests that a rule names.
func regression(d *parser.Document) []Test {
	i := slices.IndexFunc(d.Rule.Meta.Custom, func(a ir.Attribute) bool { return a.Name == regressionAttribute })
	if i < 0 {
		return nil
	}
	a := d.Rule.Meta.Custom[i]
	fault := func(format string, args ...any) []Test {
		return []Test{{Path: d.Path, Fault: d.Place(&ir.Diagnostic{Pos: a.Pos, Msg: fmt.Sprintf(format, args...)})}}
	}
	var written string
	if err := yaml.Unmarshal([]byte(a.Value), &written); err != nil {
		return fault("%s is not a path", regressionAttribute)
	}
	file, ok := belowRegression(written)
	if !ok {
		return fault("%q is no path into a folder %s", written, regressionFolder)
	}
	root, err := holder(d.Path, file)
	if err != nil {
		return fault("no folder above this rule has the file %s/%s", regressionFolder, file)
	}
	src, err := readIn(root, file)
	var info struct {
		Rules []struct{ ID string } `yaml:"rule_metadata"`
		Tests []struct {
			Type, Path string
			Count      *int     `yaml:"match_count"`
			Pipelines  []string `yaml:"pipelines"`
			Filters    []string `yaml:"filters"`
		} `yaml:"regression_tests_info"`
	}
	if err == nil {
		err = yaml.Unmarshal(src, &info)
	}
	shown := filepath.Join(root, filepath.FromSlash(file))
	switch {
	case err != nil:
		return fault("%s: %s", shown, strings.Join(strings.Fields(err.Error()), " "))
	case len(info.Rules) > 0 && info.Rules[0].ID != d.ID:
		return fault("%s is about the rule %q", shown, info.Rules[0].ID)
	case len(info.Tests) == 0:
		return fault("%s names no test", shown)
	}
	var out []Test
	for _, x := range info.Tests {
		events, ok := belowRegression(x.Path)
		if !ok {
			return append(out, fault("%s: %q is no path into a folder %s", shown, x.Path, regressionFolder)...)
		}
		t := Test{Want: AtLeast, Least: 1, root: root}
		switch {
		case x.Count != nil && *x.Count <= 0:
			t.Want, t.Least = NoMatch, 0
		case x.Count != nil:
			t.Least = *x.Count
		}
		switch {
		case len(x.Pipelines)+len(x.Filters) > 0:
			t.Skip = "it asks for pipelines or filters"
		case x.Type == "evtx" && !exists(root, events):
			// The public rules have the same events as JSON beside these.
			if json := strings.TrimSuffix(events, path.Ext(events)) + ".json"; exists(root, json) {
				events = json
			}
		case !slices.Contains([]string{"evtx", "json", "ndjson", "jsonl"}, x.Type):
			t.Skip = fmt.Sprintf("no test is known of the type %q", x.Type)
		}
		t.Path = filepath.Join(root, filepath.FromSlash(events))
		if !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	return out
}

// belowRegression is what a path has behind the folder of tests. Rules write
// where that lies from the top of the repository, or from themselves.
func belowRegression(written string) (string, bool) {
	p := path.Clean(strings.ReplaceAll(written, `\`, "/"))
	for strings.HasPrefix(p, "../") {
		p = p[len("../"):]
	}
	below, ok := strings.CutPrefix(p, regressionFolder+"/")
	return below, ok && filepath.IsLocal(filepath.FromSlash(below))
}

// holder is the nearest folder of tests above a rule that has the file. No other
// folder is looked into, for a rule may come from a stranger.
func holder(rule, file string) (string, error) {
	abs, err := filepath.Abs(rule)
	if err != nil {
		return "", err
	}
	// Folders are named as the rule is, as far as its name reaches.
	dir, shown := filepath.Dir(abs), filepath.Dir(rule)
	for {
		if root := filepath.Join(shown, regressionFolder); exists(root, file) {
			return root, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", fs.ErrNotExist
		}
		dir = up
		if base := filepath.Base(shown); base == "." || base == ".." {
			shown = filepath.Join(shown, "..")
		} else {
			shown = filepath.Dir(shown)
		}
	}
}

func exists(root, file string) bool {
	f, err := openIn(root, file)
	if err == nil {
		f.Close()
	}
	return err == nil
}

// openIn opens a file below a directory. A pipe would be waited for.
func openIn(dir, file string) (*os.File, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	name := filepath.FromSlash(file)
	info, err := root.Stat(name)
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: file, Err: errors.New("is no file")}
	}
	if err != nil {
		return nil, err
	}
	return root.Open(name)
}

func readIn(root, file string) ([]byte, error) {
	f, err := openIn(root, file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	src, err := io.ReadAll(io.LimitReader(f, maxInfo+1))
	if err == nil && len(src) > maxInfo {
		err = fmt.Errorf("the file is larger than 1 MiB")
	}
	return src, err
}

func (t Test) open() (*os.File, error) {
	if t.root == "" {
		return os.Open(t.Path)
	}
	rel, err := filepath.Rel(t.root, t.Path)
	if err != nil {
		return nil, err
	}
	return openIn(t.root, rel)
}
