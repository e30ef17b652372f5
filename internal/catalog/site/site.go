// Package site writes the pages of a catalog as files. A browser opens them from disk
// or from any web server. docs/site.md describes them for their readers.
//
// From disk a browser loads nothing but scripts and styles, so the data of the search
// is a script that is loaded at the first key; everything else is there without one.
// html/template keeps what a rule says text, a content security policy would stop the
// rest, and a test knows every element and attribute that pages may have.
package site

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"unicode"
	"unicode/utf16"

	"sigmac/internal/catalog"
	"sigmac/internal/catalog/findings"
	"sigmac/internal/catalog/index"
	"sigmac/internal/ordered"
)

// Options say how a site looks.
type Options struct {
	Title    string                // of the first page, and behind every other title
	Places   []Place               // where rules can be read; of the others the path is text
	Progress func(done, total int) // is told how many pages are written; it may be nil
}

//go:embed templates/*.html
var templateFiles embed.FS

//go:embed assets/*
var assets embed.FS

// Write writes the site into a directory, which exists and is empty. Equal
// contents give equal bytes.
func Write(dir string, c *index.Content, o Options) error {
	s := newSite(c, o)
	pages := s.pages()
	for _, folder := range []string{"assets", "attack", "catalogs", "fields", "indicators", "logsources", "rules"} {
		if err := os.Mkdir(filepath.Join(dir, folder), 0o777); err != nil {
			return err
		}
	}
	for _, name := range catalog.Catalogs {
		if err := os.Mkdir(filepath.Join(dir, "rules", name), 0o777); err != nil {
			return err
		}
	}
	var failed atomic.Bool
	for i, err := range ordered.Map(pages, func(p page) error {
		if failed.Load() {
			return nil
		}
		err := s.write(dir, p)
		failed.CompareAndSwap(false, err != nil)
		return err
	}) {
		if err != nil {
			return err
		}
		if o.Progress != nil {
			o.Progress(i+1, len(pages))
		}
	}
	for _, name := range []string{"site.css", "site.js"} {
		data, err := assets.ReadFile("assets/" + name)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "assets", name), data, 0o666)
		}
		if err != nil {
			return err
		}
	}
	data, err := s.searchData()
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "assets", "search.js"), data, 0o666)
}

// relate finds out which correlations name which rules.
func (s *site) relate() {
	s.names, s.naming = map[string][]int{}, map[int][]int{}
	for n, r := range s.Rules {
		if r.Catalog != "sigma" {
			continue
		}
		for _, key := range []string{strings.ToLower(r.Rule.ID), r.Rule.Name} {
			if key != "" {
				once(s.names, key, n)
			}
		}
	}
	for n, r := range s.Rules {
		if r.Correlation == nil {
			continue
		}
		for _, use := range r.Correlation.Rules {
			if of := s.called(use.Name); len(of) == 1 {
				once(s.naming, of[0], n)
			}
		}
	}
}

// called are the Sigma rules of an id or a name.
func (s *site) called(name string) []int {
	if of := s.names[name]; of != nil {
		return of
	}
	return s.names[strings.ToLower(name)]
}

// A page is a file to write. What its template needs is made when it is
// written.
type page struct {
	url      string // from the root of the site
	template string
	title    string
	crumbs   []link
	data     func() any
}

// A link is a place of the site, its URL from the root; without one it is text.
type link struct{ Text, URL string }

// A view is what a template is given.
type view struct {
	Site   string
	Root   string // leads from the page to the root: `` or `../`
	Title  string
	Crumbs []link
	Data   any
}

func (s *site) write(dir string, p page) error {
	var b bytes.Buffer
	v := view{s.title, strings.Repeat("../", strings.Count(p.url, "/")), p.title, p.crumbs, p.data()}
	if err := s.templates.ExecuteTemplate(&b, p.template, v); err != nil {
		return fmt.Errorf("%s: %w", p.url, err)
	}
	return os.WriteFile(filepath.Join(dir, filepath.FromSlash(p.url)), b.Bytes(), 0o666)
}

// A site is a content with all that links need.
type site struct {
	*index.Content
	title     string
	places    []Place
	templates *template.Template
	urls      []string // by rule
	fields    group
	sources   group
	attack    group // techniques with those of their sub-techniques, and tactics, by id
	tactics   map[string]string
	found     map[place][]found
	names     map[string][]int                        // Sigma rules by id, in lower case, and by name
	naming    map[int][]int                           // correlations by the rules that they name
	keys      map[string]map[catalog.Key]catalog.Kind // of indicators, by field, with how rules ask this field
	spelled   group                                   // rules by fields as they name them
	written   map[catalog.Key]string                  // the value of an indicator as the first rule has it
	corpora   map[catalog.Key]string                  // of which catalogs the rules are that share an indicator
}

// A group is rules by something that they share, each with a page.
type group struct {
	rules map[string][]int
	urls  map[string]string
}

func newGroup() group { return group{rules: map[string][]int{}} }

func (g *group) add(name string, rule int) { once(g.rules, name, rule) }

// once adds a rule to those of a key, which come in their order.
func once[K comparable](rules map[K][]int, key K, rule int) {
	if rs := rules[key]; len(rs) == 0 || rs[len(rs)-1] != rule {
		rules[key] = append(rs, rule)
	}
}

// page gives every name its page in a folder.
func (g *group) page(folder string) {
	g.urls = slugs(folder, slices.Sorted(maps.Keys(g.rules)), func(name string) string { return name })
}

type place struct {
	path string
	line int
}

// A found is a finding as the page of a rule shows it; Narrower says that it is
// about another rule, which this one takes in.
type found struct {
	findings.Finding
	Narrower bool
	Link     link // of the other rule
}

func newSite(c *index.Content, o Options) *site {
	s := &site{Content: c, title: cmp.Or(o.Title, "Detection rules"), places: o.Places, found: map[place][]found{}, tactics: map[string]string{},
		keys: map[string]map[catalog.Key]catalog.Kind{}, written: map[catalog.Key]string{}}
	s.templates = template.Must(template.New("").Funcs(template.FuncMap{
		"visible": visible, "lines": visibleLines, "web": web, "number": number, "join": strings.Join,
		"nav": func() []link { return navigation }, "levelclass": levelClass, "code": newCode,
		"coloured": func(language, text string) template.HTML { return highlighted(language, visibleLines(text)) },
		"at":       func(root string, l link) any { return struct{ Root, Text, URL string }{root, l.Text, l.URL} },
		"at2": func(root string, c matrixCell) any {
			return struct {
				Root string
				Cell matrixCell
			}{root, c}
		},
		"rows": func(root string, rows any) any {
			return struct {
				Root string
				Rows any
			}{root, rows}
		},
	}).ParseFS(templateFiles, "templates/*.html"))
	for _, column := range catalog.Matrix() {
		s.tactics[column.Tactic.Name] = column.Tactic.ID
	}
	s.fields, s.sources, s.attack, s.spelled = newGroup(), newGroup(), newGroup(), newGroup()
	for n, r := range c.Rules {
		for _, in := range r.Indicators {
			for _, name := range in.Spelled {
				s.spelled.add(name, n)
			}
			for _, v := range in.Values {
				p := in.Predicate(v)
				k := p.Key()
				if s.written[k] == "" {
					s.written[k] = p.Normal().Value
				}
				s.asks(in.Field, n, k, in.Kind)
				s.asks(k.Field, n, k, k.Kind)
			}
		}
		if source := r.Rule.LogSource.String(); source != "" {
			s.sources.add(source, n)
		}
		for _, t := range r.Attack {
			if t.ID != "" {
				s.attack.add(t.ID, n)
			}
			if parent, _, sub := strings.Cut(t.ID, "."); sub {
				s.attack.add(parent, n)
			}
			for _, name := range t.Tactics {
				if id := s.tactics[name]; id != "" {
					s.attack.add(id, n)
				}
			}
		}
	}
	s.fields.page("fields")
	s.sources.page("logsources")
	s.attack.page("attack")
	s.urls = make([]string, len(c.Rules))
	at := map[place]int{}
	for _, name := range catalog.Catalogs {
		var keys []string
		numbers := map[string]int{}
		seen := map[string]int{}
		for n, r := range c.Rules {
			if r.Catalog == name {
				seen[r.Path]++ // a file may hold several
				key := fmt.Sprintf("%s\x00%d", r.Path, seen[r.Path])
				keys = append(keys, key)
				numbers[key] = n
				at[place{r.Path, r.Line}] = n
			}
		}
		for key, url := range slugs("rules/"+name, keys, func(key string) string {
			file, _, _ := strings.Cut(key, "\x00")
			return strings.TrimSuffix(path.Base(file), path.Ext(file))
		}) {
			s.urls[numbers[key]] = url
		}
	}
	s.corpora = map[catalog.Key]string{}
	for _, k := range s.shared() {
		s.corpora[k] = s.corpus(s.LookingFor(k))
	}
	s.relate()
	for _, f := range c.Findings {
		here := place{f.Rule.Path, f.Rule.Line}
		one := found{Finding: f}
		if f.Other != nil {
			there := place{f.Other.Path, f.Other.Line}
			if n, ok := at[there]; ok {
				one.Link = s.link(n)
			}
			if n, ok := at[here]; ok {
				s.found[there] = append(s.found[there], found{f, true, s.link(n)})
			}
		}
		s.found[here] = append(s.found[here], one)
	}
	return s
}

// asks notes that a rule looks at a field for an indicator.
func (s *site) asks(field string, rule int, k catalog.Key, kind catalog.Kind) {
	s.fields.add(field, rule)
	if s.keys[field] == nil {
		s.keys[field] = map[catalog.Key]catalog.Kind{}
	}
	s.keys[field][k] = kind
}

// shared are the indicators that more than one rule has, sorted.
func (s *site) shared() []catalog.Key {
	return slices.DeleteFunc(s.Keys(), func(k catalog.Key) bool { return len(s.LookingFor(k)) < 2 })
}

func (s *site) link(n int) link { return link{s.name(n), s.urls[n]} }

// name is the title of a rule, or where it has none its file.
func (s *site) name(n int) string {
	return cmp.Or(strings.TrimSpace(s.Rules[n].Rule.Title), path.Base(s.Rules[n].Path))
}

// maxSlug bounds the names of files, in bytes.
const maxSlug = 90

// slugs are the pages of names in a folder: what is left of each name in small
// letters, and where that is no name, too long, or that of several, a hash
// behind it.
func slugs(folder string, names []string, base func(string) string) map[string]string {
	short := map[string]string{}
	count := map[string]int{}
	for _, name := range names {
		short[name] = slug(base(name))
		count[short[name]]++
	}
	out := map[string]string{}
	for _, name := range names {
		b := short[name]
		if count[b] > 1 || b == "" || len(b) > maxSlug || reserved(b) {
			b = strings.Trim(strings.ReplaceAll(b[:min(len(b), maxSlug)], ".", "-")+"-"+digest(name), "-")
		}
		out[name] = folder + "/" + b + ".html"
	}
	return out
}

func slug(name string) string {
	var b strings.Builder
	dash := false
	for _, r := range strings.ToLower(name) {
		if 'a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '_' || r == '.' && b.Len() > 0 {
			b.WriteRune(r)
			dash = false
		} else if !dash && b.Len() > 0 {
			b.WriteByte('-')
			dash = true
		}
	}
	return strings.Trim(b.String(), "-.")
}

// reserved says whether Windows has a device of this name.
func reserved(name string) bool {
	name, _, _ = strings.Cut(name, ".")
	if slices.Contains([]string{"con", "prn", "aux", "nul"}, name) {
		return true
	}
	return len(name) == 4 && (strings.HasPrefix(name, "com") || strings.HasPrefix(name, "lpt")) && '0' <= name[3] && name[3] <= '9'
}

func digest(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%s\x00", p)
	}
	return hex.EncodeToString(h.Sum(nil))[:12]
}

// visible is s with every character that cannot be seen written out.
func visible(s string) string {
	return seen(s, func(rune) bool { return false })
}

// visibleLines is visible of a text that keeps its lines and tabs.
func visibleLines(s string) string {
	return seen(strings.ReplaceAll(strings.TrimRight(s, "\n"), "\r\n", "\n"), func(r rune) bool { return r == '\n' || r == '\t' })
}

// A code is a text to be copied. Exact is it as JSON where what is Shown is
// something else, for attributes hold no text of several lines as it is.
type code struct {
	What, Shown, Exact string
	HTML               template.HTML // of Shown
}

func newCode(what, language, text string) (code, error) {
	text = strings.TrimRight(text, "\n")
	c := code{What: what, Shown: visibleLines(text)}
	c.HTML = highlighted(language, c.Shown)
	if c.Shown == strings.ReplaceAll(text, "\r\n", "\n") {
		return c, nil
	}
	exact, err := json.Marshal(text)
	var b strings.Builder
	for _, r := range string(exact) { // the page itself holds nothing unseen
		if !hidden(r) {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	c.Exact = b.String()
	return c, err
}

func seen(s string, keep func(rune) bool) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return hidden(r) && !keep(r) }) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if hidden(r) && !keep(r) {
			fmt.Fprintf(&b, `\u{%x}`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func hidden(r rune) bool { return !unicode.IsPrint(r) || unicode.In(r, unicode.Cf) }

// web says whether a reference is one that a browser may follow.
func web(s string) bool {
	rest, ok := strings.CutPrefix(s, "https://")
	if !ok {
		rest, ok = strings.CutPrefix(s, "http://")
	}
	return ok && rest != "" && !strings.ContainsFunc(s, func(r rune) bool { return hidden(r) || r == ' ' })
}

// number writes n with its thousands apart.
func number(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
