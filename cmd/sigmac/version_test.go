package main

import (
	"runtime/debug"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"sigmac/internal/about"
)

func TestStamped(t *testing.T) {
	for module, want := range map[string]string{"": unreleased, "(devel)": unreleased, "v1.2.3": "1.2.3", "v0.0.0-20260102030405-0123456789ab+dirty": "0.0.0-20260102030405-0123456789ab+dirty"} {
		if got := stamped(&debug.BuildInfo{Main: debug.Module{Version: module}}); got != want {
			t.Errorf("%q: got %q, want %q", module, got, want)
		}
	}
}

func TestCommit(t *testing.T) {
	built := &debug.BuildInfo{Settings: []debug.BuildSetting{{Key: "vcs", Value: "git"}, {Key: "vcs.revision", Value: "0123456789abcdef"}}}
	if got := commit(built) + commit(&debug.BuildInfo{}); got != " (commit 0123456789ab)" {
		t.Error(got)
	}
}

// TestWorkflow holds that init --github names the action at the address that sigmac has, and
// without one a copy in the repository.
func TestWorkflow(t *testing.T) {
	for _, c := range []struct {
		module  about.Path
		version string
		want    string
	}{
		{"sigmac", "1.2.3", "./.sigmac"},
		{"github.com/acme/sigmac", "1.2.3", "acme/sigmac@v1.2.3"},
		{"github.com/acme/sigmac", unreleased, "acme/sigmac@main"},
	} {
		text := workflow(c.module, c.version, []string{"splunk", "elastic"})
		var w struct {
			Jobs map[string]struct {
				Steps []struct {
					Uses string
					With map[string]string
				}
			}
		}
		if err := yaml.Unmarshal([]byte(text), &w); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		steps := w.Jobs["rules"].Steps
		if len(steps) != 2 || steps[1].Uses != c.want || steps[1].With["targets"] != "splunk elastic" {
			t.Errorf("%s %s: %+v", c.module, c.version, steps)
		}
		if copied := !c.module.Public(); steps[0].With["submodules"] == "true" != copied || strings.Contains(text, "no public address") != copied {
			t.Errorf("%s: it says too little or too much of the address:\n%s", c.module, text)
		}
	}
}
