//go:build unix

package site

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// A site has pages: no hidden files, no lists, nothing outside.
func TestServedFiles(t *testing.T) {
	top := t.TempDir()
	dir := filepath.Join(top, "site")
	for name, text := range map[string]string{"site/index.html": "home", "site/a/index.html": "page", "site/a/x.js": "js", "site/b/y.js": "y", "site/.git/config": "secret", "site/.env": "secret", "secret": "secret"} {
		p := filepath.Join(top, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(p), 0o777), os.WriteFile(p, []byte(text), 0o666)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Symlink("../secret", filepath.Join(dir, "out")), os.Symlink("..", filepath.Join(dir, "up")), os.Symlink("a/x.js", filepath.Join(dir, "in.js")),
		syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o666)); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	s := httptest.NewServer(Handler(root))
	defer s.Close()
	client := &http.Client{Timeout: 10 * time.Second}
	for path, want := range map[string]string{"/": "home", "/a/": "page", "/a/x.js": "js", "/in.js": "js", "/b/y.js": "y",
		"/b/": "", "/b": "", "/.git/config": "", "/.env": "", "/out": "", "/up/secret": "", "/up/": "", "/pipe": "", "/a/../.env": "", "/%2e%2e/secret": ""} {
		res, err := client.Get(s.URL + path)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		body, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if got := string(body); want != "" && got != want || want == "" && res.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d %q, want %q", path, res.StatusCode, got, want)
		}
	}
}
