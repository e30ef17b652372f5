package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"gopkg.in/yaml.v3"
)

// repositoryRoot is the folder of go.mod.
var repositoryRoot = filepath.Join("..", "..")

// deliveryCommands are those of the script about the example of a repository.
func deliveryCommands() map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		// copytree FROM TO copies a folder.
		"copytree": func(ts *testscript.TestScript, _ bool, args []string) {
			ts.Check(os.CopyFS(ts.MkAbs(args[1]), os.DirFS(args[0])))
		},
		// replace FILE OLD NEW changes a text that stands there once.
		"replace": func(ts *testscript.TestScript, _ bool, args []string) {
			src := ts.ReadFile(args[0])
			if strings.Count(src, args[1]) != 1 {
				ts.Fatalf("%s holds %q %d times", args[0], args[1], strings.Count(src, args[1]))
			}
			ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Replace(src, args[1], args[2], 1)), 0o666))
		},
		// gh DIR puts a command gh there that writes down how it is called.
		"gh": func(ts *testscript.TestScript, _ bool, args []string) {
			script := "#!/bin/sh\necho \"$*\" >>\"$RUNNER_TEMP/calls\"\n[ -z \"${GH_FAILS:-}\" ] || exit 1\ncase $* in *--jq*) echo \"${OLD_COMMENT:-}\";; esac\n"
			ts.Check(os.WriteFile(filepath.Join(ts.MkAbs(args[0]), "gh"), []byte(script), 0o777))
		},
		// hooks CONFIG FILE... runs the hooks that a repository has chosen, as pre-commit
		// does: the entry with the names of the files that it takes.
		"hooks": func(ts *testscript.TestScript, _ bool, args []string) {
			var config struct {
				Repos []struct{ Hooks []struct{ ID string } }
			}
			ts.Check(yaml.Unmarshal([]byte(ts.ReadFile(args[0])), &config))
			for _, r := range config.Repos {
				for _, chosen := range r.Hooks {
					i := slices.IndexFunc(hooks(ts), func(h hook) bool { return h.ID == chosen.ID })
					if i < 0 {
						ts.Fatalf("there is no hook %s", chosen.ID)
					}
					h := hooks(ts)[i]
					words := strings.Fields(h.Entry)
					for _, f := range args[1:] {
						if !regexp.MustCompile(h.Files).MatchString(f) {
							ts.Fatalf("the hook %s does not take %s", h.ID, f)
						}
						words = append(words, f)
					}
					ts.Check(ts.Exec(words[0], words[1:]...))
				}
			}
		},
	}
}

// A hook is one of .pre-commit-hooks.yaml.
type hook struct {
	ID, Name, Description, Entry, Language, Files string
	Serial                                        bool `yaml:"require_serial"` // the prover takes all cores itself
}

func hooks(ts *testscript.TestScript) (out []hook) {
	src, err := os.ReadFile(filepath.Join(ts.Getenv("ROOT"), ".pre-commit-hooks.yaml"))
	ts.Check(err)
	ts.Check(yaml.Unmarshal(src, &out))
	return out
}

// TestHooks holds that every hook is a command of sigmac that exists.
func TestHooks(t *testing.T) {
	src, err := os.ReadFile(filepath.Join(repositoryRoot, ".pre-commit-hooks.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var all []hook
	if err := yaml.Unmarshal(src, &all); err != nil {
		t.Fatal(err)
	}
	for _, h := range all {
		words := strings.Fields(h.Entry)
		var out, errs bytes.Buffer
		if status := run(append(words, "--help"), strings.NewReader(""), &out, &errs); words[0] != "sigmac" || status != exitOK || h.Language != "golang" || !h.Serial || h.Name == "" || h.Description == "" {
			t.Errorf("%s: %d %s", h.ID, status, errs.String())
		}
	}
	if len(all) < 3 {
		t.Error(all)
	}
}

// TestAction holds that action.yml and its script fit together: each input is
// used, each variable is given, and no script holds what a pull request says.
func TestAction(t *testing.T) {
	action, src := readAction(t)
	var script []byte
	for _, name := range []string{"install.sh", "run.sh"} {
		part, err := os.ReadFile(filepath.Join(repositoryRoot, "action", name))
		if err != nil {
			t.Fatal(err)
		}
		script = append(script, part...)
	}
	given := map[string]bool{}
	for _, s := range action.Runs.Steps {
		if strings.Contains(s.Run, "${{") {
			t.Errorf("an expression stands in a script: %s", s.Run)
		}
		if s.Run != "" && s.Shell != "bash" {
			t.Errorf("a script without a shell: %s", s.Run)
		}
		for name := range s.Env {
			given[name] = true
		}
	}
	for _, name := range regexp.MustCompile(`SIGMAC_[A-Z_]+`).FindAllString(string(script), -1) {
		if !given[name] {
			t.Errorf("action.yml does not give %s", name)
		}
	}
	for name := range given {
		if strings.HasPrefix(name, "SIGMAC_") && !bytes.Contains(script, []byte(name)) {
			t.Errorf("the script does not use %s", name)
		}
	}
	for name, in := range action.Inputs {
		if in.Description == "" || in.Default == nil || !bytes.Contains(src, []byte("inputs."+name)) {
			t.Errorf("the input %s has no description or default, or is not used", name)
		}
	}
	for name, out := range action.Outputs {
		if !strings.Contains(string(script), "output "+name+" ") || !strings.Contains(out.Value, "steps.run.outputs."+name) {
			t.Errorf("the script writes no output %s", name)
		}
	}
}
