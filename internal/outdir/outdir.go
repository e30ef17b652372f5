// Package outdir keeps a directory of generated files in step with what they are made
// of. It knows nothing of rules.
//
// What is its own a manifest in the directory says, with the hash of each file, so
// what is gone is removed, and a file that somebody else wrote or edited is not
// replaced. A run writes the manifest twice: first one that allows each file its old
// and its new hash, then the files, last the manifest of the end. So a run that is
// killed at any point leaves files that the next one knows. Everything goes through
// os.Root: neither a manifest nor a link leads out.
package outdir

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// A File is one that should be there.
type File struct {
	Path string // slash-separated, below the directory
	Data []byte
	Rule Rule
}

// A Rule is what a file is made of, for readers of the manifest.
type Rule struct {
	Path    string   `json:"path"` // below the path on the command line
	ID      string   `json:"id,omitempty"`
	Target  string   `json:"target"`
	Filters []string `json:"filters,omitempty"` // that are joined to the rule: ids, or names or titles
	Version int      `json:"version,omitempty"` // of the detection that the file is
}

// ManifestName is the file of the manifest.
const ManifestName = "sigmac.json"

const (
	format      = 1
	maxManifest = 64 << 20
	tempPrefix  = ".sigmac-tmp-"
)

// A manifest lists the files that are sigmac's.
type manifest struct {
	Format int     `json:"format"`
	Files  []entry `json:"files"` // sorted by path
}

type entry struct {
	Path   string `json:"path"`
	SHA256 string `json:"sha256"`
	// Was is the hash before a run that has not ended: the file has one of both.
	Was  string `json:"was,omitempty"`
	Rule Rule   `json:"rule"`
}

// A Kind says how a file differs from what should be there.
type Kind string

// The kinds.
const (
	Missing  Kind = "missing"
	Differs  Kind = "differs"
	LeftOver Kind = "left over"
	Edited   Kind = "edited by hand"  // since it was written
	Foreign  Kind = "not from sigmac" // and in the way
)

// A Change is a file that is not as it should be.
type Change struct {
	Path string
	Kind Kind
}

func (c Change) String() string { return c.Path + ": " + string(c.Kind) }

// A ConflictError names files that somebody else has written or changed.
type ConflictError struct{ Changes []Change }

func (e *ConflictError) Error() string {
	var lines []string
	for _, c := range e.Changes {
		lines = append(lines, c.String())
	}
	return strings.Join(lines, "\n")
}

// Compare says what Write would do, in the order of the paths. A directory that
// does not exist is an empty one.
func Compare(dir string, files []File) ([]Change, error) {
	root, err := os.OpenRoot(dir)
	if errors.Is(err, fs.ErrNotExist) {
		var out []Change
		for _, f := range sorted(files) {
			out = append(out, Change{f.Path, Missing})
		}
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	defer root.Close()
	p, err := makePlan(root, files)
	if err != nil {
		return nil, err
	}
	return p.changes, nil
}

// Write makes the directory what Compare asks for: the files, each whole or not
// at all, and none of the manifest's others. It gives what it changed. Files
// that were edited or are not sigmac's are a *ConflictError, and nothing is
// written, unless force says that they may be replaced. Wherever it is killed,
// every file is the old or the new one, and the next run goes on from there.
func Write(dir string, files []File, force bool) ([]Change, error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	p, err := makePlan(root, files)
	if err != nil {
		return nil, err
	}
	var conflicts []Change
	for _, c := range p.changes {
		if c.Kind == Edited || c.Kind == Foreign {
			conflicts = append(conflicts, c)
		}
	}
	if len(conflicts) > 0 && !force {
		return nil, &ConflictError{conflicts}
	}
	if len(p.changes) == 0 {
		return nil, nil
	}
	if err := p.write(root); err != nil {
		return nil, err
	}
	return p.changes, nil
}

// Owned are the files of the manifest of a directory as they are there; none where there is
// no manifest.
func Owned(dir string) (out []File, err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		return nil, err
	}
	defer root.Close()
	text, err := readFile(root, ManifestName, maxManifest)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		return nil, err
	}
	m, err := parse(text)
	if err != nil {
		return nil, err
	}
	for _, e := range m.Files {
		if data, err := readFile(root, e.Path, maxManifest); err == nil {
			out = append(out, File{Path: e.Path, Data: data, Rule: e.Rule})
		}
	}
	return out, nil
}

// A plan is what is to be done.
type plan struct {
	files   []File // all that should be there, sorted
	changes []Change
	gone    []string // files to remove
	old     map[string]entry
	on      map[string]string // the hashes of the files that are there
	temps   []string          // what a killed run has left
	current bool              // the manifest is as it should be
}

func sorted(files []File) []File {
	out := slices.Clone(files)
	slices.SortFunc(out, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return out
}

func makePlan(root *os.Root, files []File) (*plan, error) {
	p := &plan{files: sorted(files), old: map[string]entry{}, on: map[string]string{}}
	if err := clashes(p.files); err != nil {
		return nil, err
	}
	text, err := readFile(root, ManifestName, maxManifest)
	if err == nil {
		var m manifest
		if m, err = parse(text); err != nil {
			return nil, err
		}
		for _, e := range m.Files {
			p.old[e.Path] = e
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	wanted := map[string]bool{}
	folders := map[string]bool{".": true}
	for _, f := range p.files {
		wanted[f.Path] = true
		folders[path.Dir(f.Path)] = true
		have, err := p.hash(root, f.Path)
		if err != nil {
			return nil, err
		}
		e, known := p.old[f.Path]
		switch {
		case have == "":
			p.changes = append(p.changes, Change{f.Path, Missing})
		case have == sum(f.Data):
		case known && (have == e.SHA256 || have == e.Was):
			p.changes = append(p.changes, Change{f.Path, Differs})
		case known:
			p.changes = append(p.changes, Change{f.Path, Edited})
		default:
			p.changes = append(p.changes, Change{f.Path, Foreign})
		}
	}
	for _, e := range p.old {
		folders[path.Dir(e.Path)] = true
		if wanted[e.Path] {
			continue
		}
		have, err := p.hash(root, e.Path)
		if err != nil {
			return nil, err
		}
		switch {
		case have == "":
			continue
		case have == e.SHA256 || have == e.Was:
			p.changes = append(p.changes, Change{e.Path, LeftOver})
		default:
			p.changes = append(p.changes, Change{e.Path, Edited})
		}
		p.gone = append(p.gone, e.Path)
	}
	slices.SortFunc(p.changes, func(a, b Change) int { return strings.Compare(a.Path, b.Path) })
	slices.Sort(p.gone)
	for folder := range folders {
		entries, err := fs.ReadDir(root.FS(), folder)
		if err != nil {
			continue // it is not there yet
		}
		for _, e := range entries {
			if strings.HasPrefix(e.Name(), tempPrefix) && e.Type().IsRegular() {
				p.temps = append(p.temps, path.Join(folder, e.Name()))
			}
		}
	}
	p.current = bytes.Equal(text, p.manifest(false)) && len(p.temps) == 0
	if len(p.changes) == 0 && !p.current { // else it changes with the files
		kind := Differs
		if text == nil {
			kind = Missing
		}
		p.changes = []Change{{ManifestName, kind}}
	}
	return p, nil
}

// clashes finds files that are one in some file system, or in each other's way.
func clashes(files []File) error {
	taken := map[string]string{ManifestName: "the manifest"}
	var faults []error
	for _, f := range files {
		if !fs.ValidPath(f.Path) || !filepath.IsLocal(filepath.FromSlash(f.Path)) || f.Path == "." || strings.HasPrefix(path.Base(f.Path), tempPrefix) {
			faults = append(faults, fmt.Errorf("%q is no name of a file", f.Path))
			continue
		}
		key := oneName(f.Path)
		if other, ok := taken[key]; ok {
			faults = append(faults, fmt.Errorf("%s and %s are both written to %s", other, f.Rule.Path, f.Path))
		}
		taken[key] = f.Rule.Path
	}
	for _, f := range files {
		for dir := path.Dir(oneName(f.Path)); dir != "." && dir != "/"; dir = path.Dir(dir) {
			if other, ok := taken[dir]; ok {
				faults = append(faults, fmt.Errorf("the file of %s is where the folder of %s must be: %s", other, f.Rule.Path, dir))
			}
		}
	}
	return errors.Join(faults...)
}

// oneName is the same for names that some file system takes for one: they differ in
// case, or in how Unicode composes their letters.
func oneName(name string) string { return norm.NFC.String(cases.Fold().String(norm.NFD.String(name))) }

// hash is that of a file, or empty where there is none.
func (p *plan) hash(root *os.Root, name string) (string, error) {
	f, err := root.Open(filepath.FromSlash(name))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && !info.Mode().IsRegular() {
		return "", &fs.PathError{Op: "open", Path: name, Err: errors.New("is no file")}
	}
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	p.on[name] = hex.EncodeToString(h.Sum(nil))
	return p.on[name], nil
}

func sum(data []byte) string {
	h := sha256.Sum256(data)
	return hex.EncodeToString(h[:])
}

func readFile(root *os.Root, name string, limit int64) ([]byte, error) {
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, limit+1))
	if int64(len(text)) > limit {
		err = fmt.Errorf("%s: too large", name)
	}
	return text, err
}

// parse reads a manifest, which may have been edited.
func parse(text []byte) (m manifest, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		return m, fmt.Errorf("%s: no manifest of sigmac: %w", ManifestName, err)
	}
	if m.Format != format {
		return m, fmt.Errorf("%s: a manifest of format %d, and not %d", ManifestName, m.Format, format)
	}
	for i, e := range m.Files {
		if !fs.ValidPath(e.Path) || !filepath.IsLocal(filepath.FromSlash(e.Path)) || e.Path == "." || e.Path == ManifestName {
			return m, fmt.Errorf("%s: %q is no file below the directory", ManifestName, e.Path)
		}
		if i > 0 && m.Files[i-1].Path >= e.Path {
			return m, fmt.Errorf("%s: %q is out of order", ManifestName, e.Path)
		}
	}
	return m, nil
}

// manifest is the one after the run or, where it has not ended, one that knows
// the files of before and after it.
func (p *plan) manifest(during bool) []byte {
	m := manifest{Format: format, Files: []entry{}}
	for _, f := range p.files {
		e := entry{Path: f.Path, SHA256: sum(f.Data), Rule: f.Rule}
		if had := p.on[f.Path]; during && had != "" && had != e.SHA256 {
			e.Was = had
		}
		m.Files = append(m.Files, e)
	}
	if during {
		for _, name := range p.gone {
			e := p.old[name]
			e.SHA256, e.Was = p.on[name], ""
			m.Files = append(m.Files, e)
		}
		slices.SortFunc(m.Files, func(a, b entry) int { return strings.Compare(a.Path, b.Path) })
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(m); err != nil {
		panic("outdir: " + err.Error())
	}
	return b.Bytes()
}

// write does what is planned. The manifest that knows both sides goes first, the
// one of the end last.
func (p *plan) write(root *os.Root) error {
	for _, name := range p.temps {
		if err := root.Remove(filepath.FromSlash(name)); err != nil {
			return err
		}
	}
	if err := replace(root, ManifestName, p.manifest(true)); err != nil {
		return err
	}
	for _, f := range p.files {
		if p.on[f.Path] == sum(f.Data) {
			continue
		}
		if err := root.MkdirAll(filepath.FromSlash(path.Dir(f.Path)), 0o777); err != nil {
			return err
		}
		if err := replace(root, f.Path, f.Data); err != nil {
			return err
		}
	}
	for _, name := range p.gone {
		if err := root.Remove(filepath.FromSlash(name)); err != nil {
			return err
		}
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			if root.Remove(filepath.FromSlash(dir)) != nil {
				break // something is in it
			}
		}
	}
	return replace(root, ManifestName, p.manifest(false))
}

// replace puts a file in the place of another, whole.
func replace(root *os.Root, name string, data []byte) error {
	var random [8]byte
	rand.Read(random[:])
	tmp := filepath.FromSlash(path.Join(path.Dir(name), tempPrefix+hex.EncodeToString(random[:])))
	err := root.WriteFile(tmp, data, 0o666)
	if err == nil {
		err = root.Rename(tmp, filepath.FromSlash(name))
	}
	if err != nil {
		root.Remove(tmp)
	}
	return err
}
