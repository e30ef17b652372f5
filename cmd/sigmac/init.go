package main

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"sigmac"
	"sigmac/internal/about"
	"sigmac/internal/atomic"
	"sigmac/internal/config"
	"sigmac/internal/project"
	"sigmac/internal/suggest"
	"sigmac/parser"
	"sigmac/targets"
)

func initCommand() *cli.Command {
	return &cli.Command{
		Name:      "init",
		Usage:     "write a configuration for a repository of rules",
		ArgsUsage: "[DIRECTORY]",
		Description: `Writes sigmac.yaml into the directory, or the working directory, with the folders
in which there are rules.

   sigmac init
   sigmac init -t splunk -t elastic --profile sigmahq --github

Exit status: 0 the files were written; 2 wrong usage, a file that is there
already, and then none is written, or one that cannot be written.`,
		Flags: []cli.Flag{
			list("target", "a query language that the rules are for, see sigmac list targets; may stand several times", "t"),
			&cli.StringFlag{Name: "profile", Value: config.Profiles[0], Usage: "the conventions that sigmac check holds: default or sigmahq"},
			&cli.BoolFlag{Name: "github", Usage: "write .github/workflows/sigmac.yml too"},
			&cli.BoolFlag{Name: "force", Usage: "replace files that are there"},
		},
		Action: initRepository,
	}
}

func initRepository(c *cli.Context) error {
	dir := "."
	switch c.NArg() {
	case 0:
	case 1:
		dir = c.Args().First()
	default:
		return usage("init takes one directory")
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		if err == nil {
			err = errors.New(dir + ": is no directory")
		}
		return usage("%s", project.Fault(err))
	}
	var wanted, names []string // as sigmac.yaml has them, and alone
	for _, name := range c.StringSlice("target") {
		t, site, err := targets.Find(name)
		if err != nil {
			return err
		}
		entry := t.Name
		if site != nil {
			entry = "{name: " + t.Name + ", prefer: [" + strings.Join(site.Pipelines, ", ") + "]}"
		}
		if slices.Contains(names, t.Name) {
			return usage("%s is asked for twice", t.Name)
		}
		wanted, names = append(wanted, entry), append(names, t.Name)
	}
	if p := c.String("profile"); !slices.Contains(config.Profiles, p) {
		return usage("no profile is named %q%s", p, suggest.Among(p, "profiles", config.Profiles))
	}
	rules, err := rulesBelow(dir)
	if err != nil {
		return usage("%s", project.Fault(err))
	}
	files := [][2]string{{config.Name, configuration(rules, wanted, c.String("profile"))}}
	if c.Bool("github") {
		files = append(files, [2]string{".github/workflows/sigmac.yml", workflow(about.Module, version, names)})
	}
	for _, f := range files {
		if _, err := os.Lstat(filepath.Join(dir, f[0])); err == nil && !c.Bool("force") {
			return usage("%s is there already; --force replaces it", filepath.Join(dir, f[0]))
		}
	}
	for _, f := range files {
		p := filepath.Join(dir, filepath.FromSlash(f[0]))
		if err := os.MkdirAll(filepath.Dir(p), 0o777); err != nil {
			return usage("%s", project.Fault(err))
		}
		if err := atomic.WriteFile(p, []byte(f[1])); err != nil {
			return usage("%s", err)
		}
		tell(c.App.ErrWriter, "%s was written", p)
	}
	if c.Bool("github") && !about.Module.Public() {
		tell(c.App.ErrWriter, "sigmac has no public address yet: the workflow takes it from .sigmac, a copy of its repository or a submodule, which is for you to add")
	}
	if len(rules) == 0 {
		tell(c.App.ErrWriter, "no rules were found below %s: say in %s where they will be", dir, config.Name)
	}
	tell(c.App.ErrWriter, "%s", "next: sigmac check; sigmac test; sigmac diff HEAD")
	return nil
}

// rulesBelow are the topmost folders below dir that hold rules, and rules that
// lie in dir itself; of hidden folders none.
func rulesBelow(dir string) (out []string, err error) {
	err = filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		rel, relErr := filepath.Rel(dir, p)
		if err := errors.Join(err, relErr); err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		switch {
		case rel != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules") && d.IsDir():
			return fs.SkipDir
		case d.IsDir() || path.Ext(rel) != ".yml" && path.Ext(rel) != ".yaml" || rel == config.Name:
			return nil
		}
		src, err := project.ReadFile(p, nil)
		if err != nil || !isRule(src) {
			return err
		}
		top, _, below := strings.Cut(rel, "/")
		if !below {
			top = rel
		}
		if !slices.Contains(out, top) {
			out = append(out, top)
		}
		return nil
	})
	return out, err
}

func isRule(src []byte) bool {
	if !bytes.Contains(src, []byte("detection")) && !bytes.Contains(src, []byte("correlation")) && !bytes.Contains(src, []byte("filter")) {
		return false
	}
	return slices.ContainsFunc(parser.Parse("", src).Documents, func(d *parser.Document) bool { return d.Kind != parser.Unreadable })
}

// configuration is the text of sigmac.yaml.
func configuration(rules, targets []string, profile string) string {
	var b strings.Builder
	b.WriteString("# The configuration of sigmac for this repository.\n\n# Where the rules are: for convert, verify, check, diff and test, if no path is given.\n")
	if len(rules) == 0 {
		rules = []string{"rules"}
	}
	b.WriteString("rules:\n")
	for _, r := range rules {
		b.WriteString("  - " + yamlText(r) + "\n")
	}
	b.WriteString("\n# What the rules become, without -t; pipelines: [] takes fields as they stand in them.\n")
	if len(targets) == 0 {
		var names []string
		for _, t := range sigmac.Targets() {
			names = append(names, t.Name)
		}
		b.WriteString("# targets: [" + strings.Join(names, ", ") + "]\n")
	} else {
		b.WriteString("targets: [" + strings.Join(targets, ", ") + "]\n")
	}
	b.WriteString("\ncheck:\n  # default, or sigmahq for the conventions of the public rule set\n  profile: " + profile + "\n" +
		"  # error, warning, note or off, by check; sigmac check --list names them\n  severity: {}\n" +
		"  # findings to leave out, each with the reason\n  ignore: []\n" +
		"  #  - id: invalid_fieldname\n  #    reason: our sensor adds this field\n  #    paths: [rules/windows]\n")
	return b.String()
}

// yamlText is a text in single quotes, which nothing in it ends.
func yamlText(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// workflow is a workflow of GitHub Actions that uses the action: that of this release, or
// the newest, or without a public address that of a copy in the repository of rules.
func workflow(module about.Path, version string, targets []string) string {
	checkout, action := "", "# sigmac has no public address yet: .sigmac is a copy of its repository, or a submodule.\n            - uses: ./.sigmac"
	switch {
	case !module.Public():
		checkout = "                  submodules: true\n"
	case strings.Contains(version, "-"):
		action = "- uses: " + module.Repository() + "@main"
	default:
		action = "- uses: " + module.Repository() + "@v" + version
	}
	with := ""
	if len(targets) > 0 {
		with = "              with:\n                  targets: " + strings.Join(targets, " ") + "\n"
	}
	return `name: sigmac
on:
    pull_request:
permissions:
    contents: read
    pull-requests: write
    security-events: write
jobs:
    rules:
        runs-on: ubuntu-latest
        steps:
            - uses: actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8 # v5.0.0
              with:
                  fetch-depth: 0
` + checkout + "            " + action + "\n" + with
}
