// Package about says where sigmac lives, and which version it is becoming.
package about

import "strings"

// Module is the path of the module, as in go.mod. `make module` sets it, and what else
// depends on it.
const Module Path = "sigmac"

// Version is the version of the next release, or of the one that this is.
const Version = "0.1.0"

// A Path is that of a module: HOST/OWNER/NAME, the address of its repository, or a word
// where that has none.
type Path string

// Public says whether the repository has a public address.
func (p Path) Public() bool { return strings.Contains(string(p), "/") }

// Address is the address of the repository without its scheme, with OWNER where it has
// none.
func (p Path) Address() string {
	if p.Public() {
		return string(p)
	}
	return "github.com/OWNER/sigmac"
}

// Repository is OWNER/NAME of Address, by which workflows name the repository.
func (p Path) Repository() string {
	_, repository, _ := strings.Cut(p.Address(), "/")
	return repository
}

// URL is the page of the repository.
func (p Path) URL() string { return "https://" + p.Address() }

// Release is the URL below which the files of a release lie.
func (p Path) Release(version string) string { return p.URL() + "/releases/download/v" + version }
