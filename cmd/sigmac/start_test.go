package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// atStart are the packages that may allocate more than a little when a process
// starts, with how often at most. They are those of others; what is made of our own
// tables is made when it is first asked for.
var atStart = map[string]int{
	"github.com/dustin/go-humanize":               200,
	"github.com/itchyny/gojq":                     3000,
	"github.com/json-iterator/go":                 400,
	"github.com/nikolalohinski/gonja/v2/builtins": 300,
	"github.com/russross/blackfriday/v2":          1000,
	"gopkg.in/yaml.v3":                            400,
}

const littleAtStart = 110

// TestStart counts what each package allocates before main begins, which every run of
// the command pays for.
func TestStart(t *testing.T) {
	cmd := exec.Command(build(t), "version")
	cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	lines := regexp.MustCompile(`(?m)^init (\S+) .* (\d+) allocs$`).FindAllStringSubmatch(string(out), -1)
	if len(lines) < 20 {
		t.Fatalf("the runtime tells of %d packages only:\n%s", len(lines), out)
	}
	for _, m := range lines {
		name := strings.ReplaceAll(m[1], "%2e", ".") // as the linker writes a dot in the last part of a path
		n, err := strconv.Atoi(m[2])
		if err != nil {
			t.Fatal(err)
		}
		if most := max(atStart[name], littleAtStart); n > most {
			t.Errorf("%s allocates %d times when a process starts, and at most %d are meant: make it when it is first asked for (sync.OnceValue, internal/lazy)", name, n, most)
		}
	}
}

// build makes the command.
func build(t testing.TB) (bin string) {
	bin = filepath.Join(t.TempDir(), "sigmac")
	if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return bin
}
