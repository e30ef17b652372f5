package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// sigmaFlags are the options of sigma-cli 3.1 by its commands, as their --help has them.
var sigmaFlags = map[string]string{
	"convert": "-t --target -p --pipeline --without-pipeline --pipeline-check --disable-pipeline-check -f --format -c --correlation-method --filter " +
		"-P --file-pattern -s --skip-unsupported --fail-unsupported -o --output -od --output-dir -ot --output-filename-template -e --encoding " +
		"-j --json-indent -O --backend-option --enable-template-vars --template-vars-path --verbose -h",
	"check": "-c --validation-config -P --file-pattern -e --fail-on-error -E --pass-on-error -i --fail-on-issues -I --pass-on-issues --junitxml " +
		"-x --exclude -h",
	"analyze attack": "-P --file-pattern -L --min-level -T --min-status -s --subtechniques -S --no-subtechniques -c --max-color -C --min-color " +
		"-m --max-score -M --min-score",
	"analyze logsource":        "-P --file-pattern -k --sort-by",
	"analyze fields":           "-P --file-pattern -t --target -p --pipeline --pipeline-check --disable-pipeline-check --group --no-group --enable-template-vars --template-vars-path",
	"analyze":                  "-h",
	"list targets":             "",
	"list formats":             "",
	"list pipelines":           "",
	"list correlation-methods": "",
	"list modifiers":           "",
	"list transformations":     "",
	"list conditions":          "",
	"list validators":          "",
	"list":                     "-h",
	"plugin list":              "-t --plugin-type -s --plugin-state -c --compatible",
	"plugin show":              "-u --uuid",
	"plugin install":           "-u --uuid -c --compatibility-check -f --force-install -l --check-pysigma -L --no-check-pysigma",
	"plugin uninstall":         "-u --uuid",
	"plugin upgrade":           "-c --compatibility-check -C --no-compatibility-check",
	"plugin report-issue":      "",
	"plugin":                   "-h",
	"pysigma check-version":    "-q --quiet -Q --no-quiet",
	"pysigma list-cache":       "",
	"pysigma clear-cache":      "",
	"pysigma update-cache":     "",
	"pysigma":                  "-h",
	"version":                  "-h",
}

var sigmaLine = regexp.MustCompile("`(sigma(?:c)? [^`]*)`")

// TestSigmaCLI holds that docs/sigma-cli.md has each command and option of sigma-cli, and that a script
// runs each line of its tables.
func TestSigmaCLI(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(repositoryRoot, "docs", "sigma-cli.md"))
	if err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile("testdata/script/sigma_cli.txtar")
	if err != nil {
		t.Fatal(err)
	}
	run := map[string]bool{}
	for line := range strings.Lines(string(script)) {
		run[strings.TrimPrefix(strings.TrimSuffix(line, "\n"), "status 2 ")] = true
	}
	var theirs []string
	for line := range strings.Lines(string(page)) {
		if !strings.HasPrefix(line, "| `sigma ") {
			continue
		}
		cells := strings.Split(line, " | ")
		for _, m := range sigmaLine.FindAllStringSubmatch(strings.Join(cells[:2], " "), -1) {
			words := strings.TrimPrefix(m[1], "sigma ")
			if words != m[1] {
				theirs = append(theirs, words)
			}
			if own := "sigmac " + strings.TrimPrefix(words, "sigmac "); !run[own] {
				t.Errorf("no script runs %s", own)
			}
		}
	}
	for command, flags := range sigmaFlags {
		var words []string
		for _, line := range theirs {
			if line == command || strings.HasPrefix(line, command+" ") {
				words = append(words, strings.Fields(line)...)
			}
		}
		if words == nil {
			t.Errorf("the page has no sigma %s", command)
		}
		for _, f := range strings.Fields(flags) {
			if !slices.Contains(words, f) {
				t.Errorf("the page has no %s of sigma %s", f, command)
			}
		}
	}
}
