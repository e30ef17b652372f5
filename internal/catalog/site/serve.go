package site

import (
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

// Handler serves the files of a site to browsers on this machine, as long as root
// is open: to requests that read, and of the directory only what is a page or
// belongs to one.
func Handler(root *os.Root) http.Handler {
	return loopbackOnly(http.FileServerFS(siteFiles{root}))
}

// siteFiles are the files of a site and nothing else: none outside of it by a link,
// none that is hidden, no list of a folder, nothing that is no file.
type siteFiles struct{ root *os.Root }

func (s siteFiles) Open(name string) (fs.File, error) {
	none := &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	for part := range strings.SplitSeq(name, "/") {
		if name != "." && strings.HasPrefix(part, ".") {
			return nil, none
		}
	}
	info, err := s.root.Stat(filepath.FromSlash(name))
	if err == nil && info.IsDir() {
		var page fs.FileInfo
		if page, err = s.root.Stat(filepath.Join(filepath.FromSlash(name), "index.html")); err == nil && !page.Mode().IsRegular() {
			return nil, none
		}
	}
	if err != nil || !info.IsDir() && !info.Mode().IsRegular() {
		return nil, none
	}
	return s.root.Open(filepath.FromSlash(name))
}

// loopbackOnly keeps a site from pages of other hosts whose names lead here.
func loopbackOnly(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			http.Error(w, "this site is served to this machine only", http.StatusForbidden)
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			http.Error(w, "this site is for reading only", http.StatusMethodNotAllowed)
			return
		}
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Referrer-Policy", "no-referrer")
		w.Header().Set("Cross-Origin-Resource-Policy", "same-origin")
		w.Header().Set("Cache-Control", "no-cache")
		h.ServeHTTP(w, r)
	})
}
