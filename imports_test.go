package sigmac_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	pathpkg "path"
	"slices"
	"strings"
	"testing"
)

// mayImport says which packages outside the standard library each package may
// import; `backends/*` is every package of that folder. The arrows run one way:
// cmd and golden to sigmac, verify and catalog, these to backends/*, these to
// backends, that to ir. eval, the reference, sees ir alone.
var mayImport = map[string][]string{
	"regex":    {},
	"ir":       {"regex"},
	"eval":     {"ir"},
	"parser":   {"ir", "internal/suggest", "gopkg.in/yaml.v3", "github.com/alecthomas/participle/v2/..."},
	"backends": {"ir"},

	// An emitter and a reader: neither knows the other.
	"backends/elastic":      {"ir", "backends"},
	"backends/kusto":        {"ir", "backends"},
	"backends/splunk":       {"ir", "backends"},
	"backends/elastic/read": {"ir", "backends"},
	"backends/kusto/read":   {"ir", "backends"},
	"backends/splunk/read":  {"ir", "backends"},
	"backends/backendtest":  {"ir", "backends", "eval", "parser", "sigmac", "targets", "verify", "internal/irgen"}, // used by tests only

	"targets": {"ir", "backends", "backends/*", "backends/*/read"},

	"sigmac":     {"internal/ordered", "ir", "parser", "pipeline", "schema", "backends", "targets", "verify"},
	"golden":     {"internal/ordered", "ir", "parser", "eval", "pipeline", "schema", "backends", "sigmac", "verify", "internal/catalog", "internal/catalog/native"},
	"cmd/sigmac": {"eval", "internal/ordered", "ir", "parser", "pipeline", "schema", "backends", "sigmac", "verify", "internal/catalog", "internal/catalog/native", "internal/catalog/findings", "internal/catalog/index", "internal/catalog/site", "internal/match", "internal/delivery", "internal/outdir", "internal/ruletest", "internal/config", "internal/report", "internal/project", "internal/revision", "internal/diff", "internal/check", "targets", "internal/link", "internal/atomic", "internal/manual", "internal/suggest", "internal/plain", "internal/style", "internal/markdown", "internal/catalog/page", "internal/diff/review", "github.com/urfave/cli/v2"},

	"internal/ruletest": {"internal/junit", "internal/ordered", "ir", "eval", "parser", "backends", "sigmac", "gopkg.in/yaml.v3"},

	"internal/project": {"ir", "parser", "pipeline", "schema", "backends", "targets", "internal/link", "verify", "sigmac", "internal/config", "internal/check", "internal/ordered", "internal/suggest"},

	"internal/report":   {"ir", "parser", "pipeline", "backends", "verify", "sigmac"},
	"internal/config":   {"ir", "parser", "internal/suggest", "gopkg.in/yaml.v3"},
	"internal/revision": {"internal/suggest", "internal/ordered"},
	"internal/diff":     {"ir", "parser", "backends", "sigmac", "verify"},

	"internal/diff/review": {"internal/diff", "internal/markdown", "internal/plain", "internal/style", "github.com/rogpeppe/go-internal/diff"},

	"internal/check": {"ir", "internal/link", "internal/question", "parser", "eval", "sigmac", "verify", "internal/diff", "internal/config", "internal/catalog", "internal/catalog/findings", "internal/junit", "internal/report", "internal/ordered", "internal/suggest",
		"gopkg.in/yaml.v3", "github.com/santhosh-tekuri/jsonschema/v6/..."},

	"internal/match": {"ir", "eval", "parser", "internal/ordered"},

	"internal/delivery": {"internal/report", "parser", "sigmac", "internal/outdir"},

	"internal/outdir": {"golang.org/x/text/..."},

	"internal/suggest":  {},
	"internal/junit":    {},
	"internal/plain":    {},
	"internal/style":    {},
	"internal/markdown": {"internal/plain"},
	"internal/atomic":   {},
	"internal/manual":   {"github.com/urfave/cli/v2"},
	"internal/jinja":    {"github.com/nikolalohinski/gonja/v2/..."},
	"internal/ordered":  {},
	"internal/irgen":    {"ir", "eval"},
	"internal/irtest":   {"ir", "backends"},
	"internal/corpus":   {"ir", "parser", "internal/ordered"},

	"internal/link": {"ir", "parser", "internal/suggest"},

	"internal/question": {"ir", "eval", "verify"},

	"verify": {"ir", "eval", "backends"},

	"schema": {"ir", "parser", "backends", "internal/suggest", "gopkg.in/yaml.v3"},

	"pipeline": {"ir", "parser", "backends", "internal/jinja", "internal/suggest", "gopkg.in/yaml.v3", "github.com/itchyny/gojq/..."},

	"internal/catalog":        {"ir"},
	"internal/catalog/native": {"ir", "backends", "backends/*/read", "internal/catalog", "gopkg.in/yaml.v3", "github.com/BurntSushi/toml"},

	"internal/catalog/findings": {"ir", "eval", "parser", "verify", "internal/question", "internal/catalog", "internal/ordered"},
	"internal/catalog/site":     {"targets", "internal/catalog", "internal/catalog/findings", "internal/catalog/index", "internal/ordered"},
	"internal/catalog/page":     {"internal/catalog", "internal/plain", "internal/style", "internal/markdown"},
	"internal/catalog/index":    {"parser", "internal/catalog", "internal/catalog/findings", "internal/catalog/native", "internal/ordered"},

	"internal/attackgen": {},
}

// testsMayImport is what the tests of any package may import beside that. They
// may also import the project's packages, with the exceptions of testFault.
var testsMayImport = []string{"gopkg.in/yaml.v3", "github.com/BurntSushi/toml", "github.com/google/go-cmp/...", "github.com/rogpeppe/go-internal/..."}

// testFault says why the tests of pkg may not import another package of the
// project, or is "".
func testFault(pkg, path string) string {
	switch {
	case strings.HasPrefix(path, "cmd/"):
		return "nothing imports a command"
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

func allowed(path string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		if prefix, ok := strings.CutSuffix(p, "/..."); ok {
			return path == prefix || strings.HasPrefix(path, prefix+"/")
		}
		matched, err := pathpkg.Match(p, path)
		return err == nil && matched
	})
}

// own is the path of a package of the project without the module's name.
func own(path string) (short string, ok bool) {
	if path == "sigmac" {
		return path, true
	}
	return strings.CutPrefix(path, "sigmac/")
}

func standard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return first != "sigmac" && !strings.Contains(first, ".")
}

// A listedPackage is what `go list -json` says of a package.
type listedPackage struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
}

func listPackages(t *testing.T) (out []listedPackage) {
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,TestImports,XTestImports", "./...")
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

func TestImports(t *testing.T) {
	packages := listPackages(t)
	if len(packages) < 10 {
		t.Fatalf("go list finds %d packages only", len(packages))
	}
	for _, p := range packages {
		pkg, _ := own(p.ImportPath)
		may, ok := mayImport[pkg]
		if !ok {
			t.Errorf("%s is not in the table of imports; say there what it may import", pkg)
			continue
		}
		for _, path := range p.Imports {
			short, ours := own(path)
			if ours {
				path = short
			}
			if path == "regex" && slices.Contains(may, "ir") {
				continue // what a rule may hold, one sees with the rule
			}
			if (ours || !standard(path)) && !allowed(path, may) {
				t.Errorf("%s imports %s", pkg, path)
			}
		}
		for _, path := range slices.Concat(p.TestImports, p.XTestImports) {
			if short, ok := own(path); ok {
				if why := testFault(pkg, short); why != "" {
					t.Errorf("a test of %s imports %s: %s", pkg, short, why)
				}
			} else if !standard(path) && !allowed(path, may) && !allowed(path, testsMayImport) {
				t.Errorf("a test of %s imports %s", pkg, path)
			}
		}
	}
}

// TestImportRules holds that the table itself keeps the arrows.
func TestImportRules(t *testing.T) {
	layer := map[string]int{"regex": -1, "ir": 0, "internal/suggest": 0, "internal/plain": 0, "internal/style": 0, "internal/markdown": 1, "internal/ordered": 0, "internal/junit": 0, "internal/manual": 0, "internal/jinja": 0, "internal/atomic": 0, "eval": 1, "parser": 1, "internal/match": 2, "internal/delivery": 6, "internal/outdir": 0, "internal/config": 2, "internal/revision": 1, "internal/diff": 5, "internal/diff/review": 6, "internal/check": 6, "pipeline": 2, "backends": 1,
		"backends/*": 2, "backends/elastic": 2, "backends/kusto": 2, "backends/splunk": 2, "backends/*/read": 2, "backends/elastic/read": 2, "backends/kusto/read": 2,
		"backends/splunk/read": 2, "backends/backendtest": 6, "internal/irtest": 2, "targets": 3, "internal/link": 2, "internal/report": 5, "internal/project": 7, "internal/question": 4, "internal/attackgen": 0, "internal/irgen": 2, "internal/corpus": 2, "schema": 2,
		"sigmac": 4, "verify": 3, "internal/catalog": 3, "internal/ruletest": 5, "internal/catalog/native": 4, "internal/catalog/page": 4, "internal/catalog/findings": 5, "internal/catalog/index": 6, "internal/catalog/site": 7, "golden": 8, "cmd/sigmac": 8}
	for pkg, may := range mayImport {
		for _, path := range may {
			if strings.Contains(path, ".") {
				continue
			}
			to, ok := layer[path]
			if from, known := layer[pkg]; !ok || !known || to >= from {
				t.Errorf("the table lets %s import %s, which is not below it", pkg, path)
			}
		}
	}
}
