package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"sigmac/backends/backendtest"
	"sigmac/internal/about"
	"sigmac/internal/corpus"
	"sigmac/parser"
	"sigmac/targets"
)

var update = flag.Bool("update", false, "rewrite the expected output in the scripts")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"sigmac": main,
		"jq":     jq, // what the documentation shows of it
		// toysigmac knows one more language, by its registration alone.
		"toysigmac": func() {
			targets.Register(backendtest.Toy())
			main()
		},
	})
}

func TestScripts(t *testing.T) {
	commands := diffCommands(t)
	maps.Copy(commands, deliveryCommands())
	root, err := filepath.Abs(repositoryRoot)
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(commands, map[string]func(ts *testscript.TestScript, neg bool, args []string){
		// large FILE BYTES writes a file of blanks.
		"large": func(ts *testscript.TestScript, _ bool, args []string) {
			ts.Check(os.WriteFile(ts.MkAbs(args[0]), bytes.Repeat([]byte(" "), parser.MaxFileSize+1), 0o666))
		},
		// status N COMMAND ... holds the exit status and keeps the output.
		// entries DIR N holds that a cache has so many; whole DIR, that all are longer than
		// what tear DIR leaves of each.
		"entries": func(ts *testscript.TestScript, _ bool, args []string) {
			if all := cached(ts, args[0]); strconv.Itoa(len(all)) != args[1] {
				ts.Fatalf("%d entries: %v", len(all), all)
			}
		},
		"tear": func(ts *testscript.TestScript, _ bool, args []string) {
			for _, path := range cached(ts, args[0]) {
				ts.Check(os.Truncate(path, torn))
			}
		},
		"whole": func(ts *testscript.TestScript, _ bool, args []string) {
			for _, path := range cached(ts, args[0]) {
				if info, err := os.Stat(path); err != nil || info.Size() <= torn {
					ts.Fatalf("%s is torn: %v", path, err)
				}
			}
		},
		"status": func(ts *testscript.TestScript, _ bool, args []string) {
			status := exitOK
			if err := ts.Exec(args[1], args[2:]...); err != nil {
				exit := (*exec.ExitError)(nil)
				if !errors.As(err, &exit) {
					ts.Fatalf("%v", err)
				}
				status = exit.ExitCode()
			}
			ts.Check(os.WriteFile(ts.MkAbs("out.txt"), []byte(ts.ReadFile("stdout")), 0o666))
			ts.Check(os.WriteFile(ts.MkAbs("err.txt"), []byte(ts.ReadFile("stderr")), 0o666))
			if args[0] != strconv.Itoa(status) {
				ts.Fatalf("exit status %d, want %s", status, args[0])
			}
		},
	})
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: *update,
		Cmds:          commands,
		Setup: func(env *testscript.Env) error {
			env.Setenv("ROOT", root)
			for _, who := range []string{"AUTHOR", "COMMITTER"} {
				env.Setenv("GIT_"+who+"_NAME", "sigmac")
				env.Setenv("GIT_"+who+"_EMAIL", "sigmac@example.org")
			}
			return nil
		},
		Condition: func(name string) (bool, error) {
			switch name {
			case "corpus":
				return corpus.Dir() != "", nil
			case "public":
				return about.Module.Public(), nil
			case "root": // to whom every file is open
				return os.Geteuid() == 0, nil
			}
			return false, fmt.Errorf("unknown condition %s", name)
		},
	})
}

// TestDeterministic holds that equal input gives equal bytes.
func TestDeterministic(t *testing.T) {
	args := []string{"sigmac", "convert", "--without-pipeline", "-t", "splunk", "-t", "kusto", "-t", "elastic", "--json", filepath.Join("..", "..", "examples", "rules")}
	var first bytes.Buffer
	for i := range 5 {
		var out, errs bytes.Buffer
		if status := run(args, strings.NewReader(""), &out, &errs); status != exitOK {
			t.Fatalf("exit status %d: %s", status, errs.String())
		}
		if i == 0 {
			first = out
		} else if !bytes.Equal(first.Bytes(), out.Bytes()) {
			t.Fatal("two runs give different bytes")
		}
	}
}

// torn is the length of an entry of a cache that was torn.
const torn = 100

// cached are the entries of a cache.
func cached(ts *testscript.TestScript, dir string) []string {
	all, err := filepath.Glob(filepath.Join(ts.MkAbs(dir), "*", "*"))
	ts.Check(err)
	return all
}
