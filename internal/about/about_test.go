package about_test

import (
	"os"
	"strings"
	"testing"

	"sigmac/internal/about"
)

// TestModule holds that Module is the module of go.mod.
func TestModule(t *testing.T) {
	text, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if first, _, _ := strings.Cut(string(text), "\n"); first != "module "+string(about.Module) {
		t.Errorf("%s is not of %s; make module sets both", first, about.Module)
	}
}

func TestPath(t *testing.T) {
	for _, c := range []struct {
		path                      about.Path
		public                    bool
		address, repository, file string
	}{
		{"sigmac", false, "github.com/OWNER/sigmac", "OWNER/sigmac", "https://github.com/OWNER/sigmac/releases/download/v1.2.3"},
		{"git.example.org/team/detect", true, "git.example.org/team/detect", "team/detect", "https://git.example.org/team/detect/releases/download/v1.2.3"},
	} {
		if p := c.path; p.Public() != c.public || p.Address() != c.address || p.Repository() != c.repository || p.Release("1.2.3") != c.file {
			t.Error(p, p.Public(), p.Address(), p.Repository(), p.Release("1.2.3"))
		}
	}
}
