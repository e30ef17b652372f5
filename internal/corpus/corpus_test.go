package corpus

import (
	"os"
	"path/filepath"
	"testing"
)

// TestDir holds where the corpus is looked for, from the folder of a package.
func TestDir(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{"project/eval", "project/none", "project/mine", "shared/corpus"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "project/go.mod"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	t.Chdir(filepath.Join(root, "project/eval"))
	for _, c := range []struct{ variable, want string }{
		{"", "../../shared/corpus"},
		{"none", ""},
		{"mine", "../mine"},
		{"absent", ""},
		{filepath.Join(root, "project"), filepath.Join(root, "project")},
		{filepath.Join(root, "absent"), ""},
	} {
		t.Setenv("SIGMAC_CORPUS", c.variable)
		if got := filepath.ToSlash(Dir()); got != filepath.ToSlash(c.want) {
			t.Errorf("%q: the corpus is in %q, want %q", c.variable, got, c.want)
		}
	}
}
