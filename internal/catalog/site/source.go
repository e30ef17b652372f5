package site

import (
	"fmt"
	"net/url"
	"path"
	"strconv"
	"strings"

	"sigmac/internal/catalog"
	"sigmac/internal/catalog/index"
	"sigmac/internal/lazy"
)

// A Place is a directory of rules, and where others can read its files.
type Place struct {
	Catalog, Prefix string // as those of its index.Source
	URL             SourceURL
	Revision        string // for {revision}
	Below           string // the path of the directory in its repository; may be empty
}

// A SourceURL is an address with {path}, {line} and {revision} in it.
type SourceURL string

var placeholder = lazy.Regexp(`\{[^{}]*\}`)

// ParseSourceURL reads one, `https://host/owner/repo/blob/{revision}/{path}#L{line}`. It may
// stand behind the name of a catalog and a sign of equality; without one it is for all, and
// name is empty. No rule can change the scheme or the host.
func ParseSourceURL(text string) (name string, u SourceURL, err error) {
	if before, after, ok := strings.Cut(text, "="); ok && catalog.Titles[before] != "" {
		name, text = before, after
	}
	for _, p := range placeholder().FindAllString(text, -1) {
		if p != "{path}" && p != "{line}" && p != "{revision}" {
			return "", "", fmt.Errorf("%s: there are {path}, {line} and {revision}", p)
		}
	}
	at, err := url.Parse(placeholder().ReplaceAllString(text, ""))
	head, _, _ := strings.Cut(text, "{")
	switch {
	case err != nil || at.Scheme != "https" && at.Scheme != "http" || at.Host == "" || strings.ContainsAny(placeholder().ReplaceAllString(text, ""), "{}"):
		return "", "", fmt.Errorf("%q is no address that begins with https:// or http://", text)
	case strings.Count(head, "/") < 3:
		return "", "", fmt.Errorf("%q has a placeholder in its host", text)
	case !strings.Contains(text, "{path}"):
		return "", "", fmt.Errorf("%q has no {path}", text)
	}
	return name, SourceURL(text), nil
}

// Revision says whether the address has {revision} in it.
func (u SourceURL) Revision() bool { return strings.Contains(string(u), "{revision}") }

// at is the address of a line of a file.
func (u SourceURL) at(revision, file string, line int) string {
	escaped := func(p string) string {
		parts := strings.Split(p, "/")
		for i, part := range parts {
			parts[i] = url.PathEscape(part)
		}
		return strings.Join(parts, "/")
	}
	return strings.NewReplacer("{path}", escaped(file), "{revision}", escaped(revision), "{line}", strconv.Itoa(line)).Replace(string(u))
}

// source is where a line of the file of a rule can be read, or empty.
func (s *site) source(r *index.Rule, line int) string {
	for _, p := range s.places {
		file, ok := r.Path, true
		if p.Prefix != "" {
			file, ok = strings.CutPrefix(r.Path, p.Prefix+"/")
		}
		if ok && p.Catalog == r.Catalog {
			return p.URL.at(p.Revision, path.Join(p.Below, file), max(1, line))
		}
	}
	return ""
}
