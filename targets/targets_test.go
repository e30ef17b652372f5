package targets

import (
	"slices"
	"strings"
	"testing"

	"sigmac/pipeline"
)

func TestFind(t *testing.T) {
	for _, c := range []struct{ name, target, site, err string }{
		{"splunk", "splunk", "", ""}, {"spl", "splunk", "", ""}, {"eql", "elastic", "", ""}, {"es", "elastic", "", ""},
		{"sentinel", "kusto", "sentinel", ""}, {"defender", "kusto", "defender", ""}, {"xdr", "kusto", "xdr", ""},
		{"splnk", "", "", `unknown target "splnk"; did you mean "splunk"?`},
		{"qradar", "", "", `unknown target "qradar"; targets are splunk (also spl), kusto (also `},
		{"esql", "", "", `unknown target "esql"; targets are splunk`},
	} {
		target, site, err := Find(c.name)
		switch {
		case err != nil && (c.err == "" || !strings.HasPrefix(err.Error(), c.err)), err == nil && c.err != "":
			t.Errorf("%s: %v, want %s", c.name, err, c.err)
		case err == nil && (target.Name != c.target || (site == nil) != (c.site == "") || site != nil && site.Name != c.site):
			t.Errorf("%s is %s at %v", c.name, target.Name, site)
		}
	}
}

// TestSites holds that the pipelines of a site are those of its target, and that no pipeline of the
// target's log sources leads nowhere.
func TestSites(t *testing.T) {
	for _, target := range all {
		reached := map[string]bool{}
		for _, s := range target.Sites {
			for _, name := range s.Pipelines {
				if p, ok := pipeline.Builtin(name); !ok || !p.Allows(target) {
					t.Errorf("%s: %s is no pipeline for %s", s.Name, name, target.Name)
				}
				reached[name] = true
			}
		}
		if len(target.Sites) == 0 {
			continue
		}
		for _, row := range pipeline.DefaultTable(target).Rows() {
			for _, w := range row.Ways {
				if !slices.ContainsFunc(strings.Split(w.Name, " + "), func(name string) bool { return reached[name] }) {
					t.Errorf("no site of %s has %s", target.Name, w.Name)
				}
			}
		}
	}
}
