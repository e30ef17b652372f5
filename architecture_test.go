package sigmac_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestArchitecture holds that the drawing of packages in ARCHITECTURE.md is theirs;
// -update writes it.
func TestArchitecture(t *testing.T) {
	const path, begin, end = "ARCHITECTURE.md", "<!-- packages: go test . -run TestArchitecture -update -->\n", "<!-- end -->\n"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("%s has no place for the drawing", path)
	}
	page := before + begin + "\n" + drawing(t, listPackages(t)) + "\n" + end + after
	if *update {
		if err := os.WriteFile(path, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if page != string(text) {
		t.Errorf("the packages in %s are not those of the project; run go test . -run TestArchitecture -update", path)
	}
}

// drawing has a line for each layer, with arrows to those that it imports, less such
// as are behind another arrow, and below it a line for each package.
func drawing(t *testing.T, packages []listedPackage) string {
	layerOf, listed := map[string]int{}, map[string]listedPackage{}
	for i, l := range layers {
		for _, pkg := range strings.Fields(l.packages) {
			layerOf[pkg] = i
		}
	}
	imports := make([]map[int]bool, len(layers))
	behind := make([]map[int]bool, len(layers))
	for i := range layers {
		imports[i], behind[i] = map[int]bool{}, map[int]bool{}
	}
	for _, p := range packages {
		pkg, _ := own(p.ImportPath)
		listed[pkg] = p
		for _, path := range p.Imports {
			if short, ours := own(path); ours && layerOf[short] != layerOf[pkg] {
				imports[layerOf[pkg]][layerOf[short]] = true
			}
		}
	}
	for from := len(layers) - 1; from >= 0; from-- {
		for to := range imports[from] {
			behind[from][to] = true
			for further := range behind[to] {
				behind[from][further] = true
			}
		}
	}
	var b strings.Builder
	for i, l := range layers {
		var arrows []string
		for to := range layers {
			through := false
			for mid := range imports[i] {
				through = through || behind[mid][to]
			}
			if imports[i][to] && !through {
				arrows = append(arrows, layers[to].name)
			}
		}
		b.WriteString("    " + l.name)
		if len(arrows) > 0 {
			b.WriteString(" -> " + strings.Join(arrows, ", "))
		}
		b.WriteString("\n")
		for _, pkg := range strings.Fields(l.packages) {
			says, _, _ := strings.Cut(listed[pkg].Doc, ". ")
			words := strings.SplitN(strings.TrimSuffix(says, "."), " ", 3)
			if len(words) < 3 || words[0] != "Package" && words[0] != "Command" {
				t.Errorf("the documentation of %s does not begin with what it does", pkg)
				continue
			}
			fmt.Fprintf(&b, "      %-26s%s\n", pkg, words[2])
		}
	}
	return b.String()
}

var update = flag.Bool("update", false, "rewrite what is made of the program in ARCHITECTURE.md and docs")
