package sigmac_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"sigmac/internal/about"
)

// layers are the packages of the project, from top to bottom. A package imports only
// what stands behind it: in a lower layer, or to its right. Where a layer says what
// it sees, its packages depend on nothing else of the project, nor do the packages
// that they import.
var layers = []struct{ name, packages, sees string }{
	{"tests", "conformance/answers conformance/rules golden backends/backendtest internal/clones internal/corpus internal/evtxtest internal/irgen internal/irtest", ""},
	{"command", "internal/release cmd/sigmac", ""},
	{"commands' work", "conformance/judge internal/project internal/drift/review internal/drift internal/delivery internal/check internal/coverage internal/report internal/diff/review internal/diff internal/cache internal/ruletest internal/replay internal/samples internal/streams internal/match", ""},
	{"catalogs", "internal/catalog/site internal/catalog/index internal/catalog/findings internal/catalog/native internal/catalog/page", ""},
	{"library", "sigmac", ""},
	{"mapping", "pipeline schema", "backends internal/catalog internal/deploy parser computed tail ir regex internal/suggest internal/taxonomy internal/jinja internal/lazy"},
	{"targets", "targets", ""},
	{"proof", "internal/question verify", "verify backends internal/catalog internal/deploy internal/realistic eval correlation computed tail ir regex internal/evtx internal/lazy"},
	{"detections", "backends/elastic/deploy backends/kusto/deploy backends/splunk/deploy", "backends backends/elastic/read backends/kusto/read backends/splunk/read computed tail ir regex internal/catalog internal/deploy internal/lazy internal/suggest"},
	{"languages", "backends/elastic backends/elastic/read backends/kusto backends/kusto/read backends/splunk backends/splunk/read", "backends computed tail ir regex internal/catalog internal/deploy internal/lazy internal/suggest"},
	{"documents", "internal/config internal/link parser internal/taxonomy", "parser internal/catalog internal/deploy ir regex internal/suggest internal/taxonomy internal/lazy"},
	{"views of a rule", "backends correlation eval internal/deploy internal/catalog internal/realistic", "computed tail ir regex internal/catalog internal/deploy internal/evtx internal/lazy"},
	{"rules", "computed tail ir regex", "ir regex"},
	{"tools", "internal/attackgen internal/jinja internal/manual internal/charset internal/revision internal/markdown internal/atomic internal/bounded internal/evtx internal/junit internal/lazy internal/ordered internal/outdir internal/plain internal/style internal/suggest internal/module internal/about", ""},
}

// modules are those of others that a package may import.
var modules = map[string]string{
	"backends/elastic/deploy": "github.com/BurntSushi/toml",
	"backends/kusto/deploy":   "gopkg.in/yaml.v3",
	"cmd/sigmac":              "github.com/urfave/cli/v2 golang.org/x/term",
	"internal/catalog/native": "gopkg.in/yaml.v3 github.com/BurntSushi/toml",
	"internal/charset":        "golang.org/x/text",
	"internal/evtx":           "golang.org/x/text/encoding/charmap",
	"internal/clones":         "github.com/rogpeppe/go-internal",
	"internal/catalog/site":   "github.com/alecthomas/chroma/v2",
	"eval":                    "github.com/go-json-experiment/json github.com/klauspost/compress/zstd",
	"internal/check":          "gopkg.in/yaml.v3",
	"internal/config":         "gopkg.in/yaml.v3",
	"internal/diff/review":    "github.com/rogpeppe/go-internal",
	"internal/jinja":          "github.com/nikolalohinski/gonja/v2",
	"internal/manual":         "github.com/urfave/cli/v2",
	"internal/module":         "golang.org/x/mod",
	"internal/outdir":         "golang.org/x/text",
	"internal/project":        "gopkg.in/yaml.v3",
	"internal/ruletest":       "gopkg.in/yaml.v3",
	"parser":                  "gopkg.in/yaml.v3 github.com/alecthomas/participle/v2",
	"pipeline":                "gopkg.in/yaml.v3 github.com/itchyny/gojq",
	"schema":                  "gopkg.in/yaml.v3",
}

// testModules are those that the tests of any package may import beside these. Of
// the project's packages they may import any, with the exceptions of testFault.
const testModules = "gopkg.in/yaml.v3 github.com/go-json-experiment/json github.com/BurntSushi/toml github.com/google/go-cmp github.com/itchyny/gojq github.com/rogpeppe/go-internal github.com/santhosh-tekuri/jsonschema/v6"

// testFault says why the tests of pkg may not import another package of the
// project, or is "".
func testFault(pkg, path string) string {
	switch {
	case strings.HasPrefix(pkg, "backends/") && strings.HasPrefix(path, "backends/") && language(pkg) != language(path) && path != "backends/backendtest":
		return "no language knows another"
	case pkg == "eval" && (path == "sigmac" || strings.HasPrefix(path, "backends")):
		return "the reference knows no backend"
	}
	return ""
}

// language is the folder of a language's packages.
func language(pkg string) string {
	parts := strings.Split(pkg, "/")
	return strings.Join(parts[:min(2, len(parts))], "/")
}

// own is the path of a package of the project without that of the module; the package
// of the module's own path is sigmac.
func own(path string) (short string, ok bool) {
	if path == string(about.Module) {
		return "sigmac", true
	}
	return strings.CutPrefix(path, string(about.Module)+"/")
}

// foreign says whether a package is of a module that is not one of these.
func foreign(path, modules string) bool {
	first, _, _ := strings.Cut(path, "/")
	_, ours := own(path)
	return !ours && strings.Contains(first, ".") && !slices.ContainsFunc(strings.Fields(modules), func(m string) bool {
		return path == m || strings.HasPrefix(path, m+"/")
	})
}

// A listedPackage is what `go list -json` says of a package. Deps are the imports,
// their imports, and so on.
type listedPackage struct {
	ImportPath, Doc                          string
	Imports, Deps, TestImports, XTestImports []string
}

func listPackages(t *testing.T) (out []listedPackage) {
	cmd := exec.Command("go", "list", "-json=ImportPath,Doc,Imports,Deps,TestImports,XTestImports", "./...")
	text, err := cmd.Output()
	if err != nil {
		if e := (*exec.ExitError)(nil); errors.As(err, &e) {
			t.Fatalf("%s: %s", cmd, e.Stderr)
		}
		t.Fatal(err)
	}
	for d := json.NewDecoder(strings.NewReader(string(text))); ; {
		var p listedPackage
		if err := d.Decode(&p); err == io.EOF {
			return out
		} else if err != nil {
			t.Fatal(err)
		}
		out = append(out, p)
	}
}

// importFaults are what packages import against the tables.
func importFaults(packages []listedPackage) (faults []string) {
	place, sees := map[string]int{}, map[string]string{}
	for _, l := range layers {
		for _, pkg := range strings.Fields(l.packages) {
			place[pkg], sees[pkg] = len(place), l.sees
		}
	}
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	for _, p := range packages {
		pkg, _ := own(p.ImportPath)
		at, ok := place[pkg]
		if !ok {
			fault("%s is in no layer", pkg)
			continue
		}
		for _, path := range p.Imports {
			short, ours := own(path)
			if to, ok := place[short]; ours && ok && to <= at {
				fault("%s imports %s, which does not stand behind it", pkg, short)
			}
			if foreign(path, modules[pkg]) {
				fault("%s imports %s", pkg, path)
			}
		}
		for _, path := range p.Imports {
			if short, ours := own(path); ours && strings.HasPrefix(pkg, "backends/") && strings.Count(short, "/") > 1 && language(pkg) != language(short) {
				fault("%s imports %s: no language knows another", pkg, short)
			}
		}
		for _, path := range p.Deps {
			if short, ours := own(path); ours && sees[pkg] != "" && !slices.Contains(strings.Fields(sees[pkg]), short) {
				fault("%s depends on %s, which it must not see", pkg, short)
			}
		}
		for _, path := range slices.Concat(p.TestImports, p.XTestImports) {
			if short, ours := own(path); ours {
				if why := testFault(pkg, short); why != "" {
					fault("a test of %s imports %s: %s", pkg, short, why)
				}
			} else if foreign(path, modules[pkg]+" "+testModules) {
				fault("a test of %s imports %s", pkg, path)
			}
		}
	}
	return faults
}

func TestImports(t *testing.T) {
	packages := listPackages(t)
	for _, fault := range importFaults(packages) {
		t.Error(fault)
	}
	for _, l := range layers {
		for _, pkg := range strings.Fields(l.packages) {
			if n := len(slices.DeleteFunc(slices.Clone(packages), func(p listedPackage) bool { short, _ := own(p.ImportPath); return short != pkg })); n != 1 {
				t.Errorf("the table has %s, of which there are %d", pkg, n)
			}
		}
	}
}

// TestImportFaults holds that an arrow that runs the other way is found.
func TestImportFaults(t *testing.T) {
	const at = string(about.Module)
	for _, c := range []struct {
		p    listedPackage
		want string
	}{
		{listedPackage{ImportPath: at + "/verify", Imports: []string{at + "/eval", "slices"}, Deps: []string{at + "/eval", at + "/ir"}}, ""},
		{listedPackage{ImportPath: at + "/other"}, "other is in no layer"},
		{listedPackage{ImportPath: at + "/schema", Imports: []string{at + "/pipeline"}}, "schema imports pipeline, which does not stand behind it"},
		{listedPackage{ImportPath: at, Imports: []string{at + "/internal/irgen"}}, "sigmac imports internal/irgen, which does not stand behind it"},
		{listedPackage{ImportPath: at + "/ir", Imports: []string{"gopkg.in/yaml.v3"}}, "ir imports gopkg.in/yaml.v3"},
		{listedPackage{ImportPath: at + "/schema", Imports: []string{"gopkg.in/yaml.v30"}}, "schema imports gopkg.in/yaml.v30"},
		{listedPackage{ImportPath: at + "/eval", Deps: []string{at + "/ir", at + "/regex", at + "/internal/ordered"}}, "eval depends on internal/ordered, which it must not see"},
		{listedPackage{ImportPath: at + "/regex", Deps: []string{at + "/internal/suggest"}}, "regex depends on internal/suggest, which it must not see"},
		{listedPackage{ImportPath: at + "/backends/kusto", Deps: []string{at + "/backends/splunk"}}, "backends/kusto depends on backends/splunk, which it must not see"},
		{listedPackage{ImportPath: at + "/backends/kusto/read", Deps: []string{at + "/backends/kusto"}}, "backends/kusto/read depends on backends/kusto, which it must not see"},
		{listedPackage{ImportPath: at + "/backends/kusto", TestImports: []string{at + "/backends/splunk"}}, "a test of backends/kusto imports backends/splunk: no language knows another"},
		{listedPackage{ImportPath: at + "/eval", XTestImports: []string{at}}, "a test of eval imports sigmac: the reference knows no backend"},
		{listedPackage{ImportPath: at + "/eval", XTestImports: []string{"github.com/urfave/cli/v2"}}, "a test of eval imports github.com/urfave/cli/v2"},
	} {
		if got := strings.Join(importFaults([]listedPackage{c.p}), "\n"); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}
