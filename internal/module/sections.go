package main

import (
	"strings"

	"sigmac/internal/about"
)

// The lines around a part of a page that is made.
const (
	begin = "<!-- address: go test ./internal/module -update -->\n"
	end   = "<!-- end -->\n"
)

// sections are the parts of pages that tell of the address, or that there is none.
var sections = map[string]func(about.Path) string{
	"README.md":               readme,
	"docs/install.md":         install,
	"docs/ci.md":              standsFor,
	"examples/repo/README.md": standsFor,
}

// standsFor says what the name of the repository in an example is.
func standsFor(p about.Path) string {
	if p.Public() {
		return "\n"
	}
	return "\n`" + p.Repository() + "` stands for the repository on GitHub in which you have sigmac: it has no public address yet.\n\n"
}

// fill puts the address and the version into a text with names in braces.
func fill(text string, p about.Path) string {
	return strings.NewReplacer("{ADDRESS}", p.Address(), "{URL}", p.URL(), "{RELEASE}", p.Release(about.Version), "{VERSION}", about.Version).Replace(text)
}

func readme(p about.Path) string {
	if !p.Public() {
		return `
sigmac has no public address yet. From a clone, with Go 1.26 or later:

    go install ./cmd/sigmac
    make release

The first installs the command in the folder ` + "`bin` of `go env GOPATH`" + `, which has to be on your PATH. The second writes what
needs nothing else into ` + "`dist/`" + `: archives with a static binary for Linux, macOS and Windows, completion and the manual page,
with checksums, an SBOM, a formula of Homebrew and a manifest of Scoop. [docs/install.md](docs/install.md) says how each is installed.

`
	}
	return fill(`
On Linux, with the [release]({URL}/releases) for your machine:

    curl -LO {RELEASE}/sigmac_{VERSION}_linux_amd64.tar.gz -LO {RELEASE}/checksums.txt
    sha256sum --ignore-missing -c checksums.txt
    tar xzf sigmac_{VERSION}_linux_amd64.tar.gz
    sigmac/sigmac version

Or with Go 1.26 or later: `+"`go install {ADDRESS}/cmd/sigmac@latest`"+`. [docs/install.md](docs/install.md) has macOS and Windows,
Homebrew, Scoop, the image, completion and the manual page.

`, p)
}

func install(p about.Path) string {
	if !p.Public() {
		return fill(`
sigmac has no public address yet: nothing can be downloaded, and `+"`go install {ADDRESS}/cmd/sigmac@latest`"+` does not work.
What works is a clone. With Go 1.26 or later:

    go install ./cmd/sigmac

With make and git too, the files of a release, which then need nothing else:

    make release
    cd dist
    sha256sum -c checksums.txt
    tar xzf sigmac_*_linux_amd64.tar.gz
    sigmac/sigmac version

`+"`make release URL=https://files.example.org/sigmac`"+` writes the formula of Homebrew and the manifest of Scoop for the place from which
you give the files to others; a `+"`file://`"+` URL does too. Without it they name an address that leads nowhere, and say so.

`, p)
	}
	return fill(`
With the [release]({URL}/releases) for your machine (`+"`linux`, `darwin`, `windows`; `amd64`, `arm64`"+`):

    curl -LO {RELEASE}/sigmac_{VERSION}_linux_amd64.tar.gz
    curl -LO {RELEASE}/checksums.txt
    sha256sum --ignore-missing -c checksums.txt
    tar xzf sigmac_{VERSION}_linux_amd64.tar.gz
    sigmac/sigmac version

With Go 1.26 or later:

    go install {ADDRESS}/cmd/sigmac@latest

`, p)
}
