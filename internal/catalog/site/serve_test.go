package site

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
)

// TestLoopbackOnly: a site is served to this machine, and for reading.
func TestLoopbackOnly(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "index.html"), []byte("<h1>Rules</h1>"), 0o666); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	h := Handler(root)
	for _, c := range []struct {
		method, host, path string
		status             int
	}{
		{"GET", "127.0.0.1:8080", "/", 200},
		{"HEAD", "localhost:8080", "/", 200},
		{"GET", "[::1]:8080", "/", 200},
		{"GET", "localhost", "/none.html", 404},
		{"GET", "localhost", "/../../etc/passwd", 404},
		{"POST", "localhost", "/", 405},
		{"GET", "rebound.example:8080", "/", 403},
		{"GET", "", "/", 403},
	} {
		r := httptest.NewRequest(c.method, "http://x/", nil)
		r.URL.Path, r.Host = c.path, c.host
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != c.status {
			t.Errorf("%s %s of %q: %d, want %d", c.method, c.path, c.host, w.Code, c.status)
		}
		if w.Code == 200 && w.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Error("a browser may guess types")
		}
	}
}
