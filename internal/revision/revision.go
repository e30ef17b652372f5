// Package revision lists the files of a version of a repository. That is a file, a
// directory, a revision of git or its working tree. It knows nothing of rules.
//
// It runs the command git, for revisions alone, and no library: the command knows
// every kind of repository, and its users have it. Two revisions are compared by git
// itself, folder by folder; a revision and a disk by the hashes of blobs, with LF for
// CRLF as git stores it.
package revision

import (
	"bufio"
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"sigmac/internal/bounded"
	"sigmac/internal/ordered"
	"sigmac/internal/suggest"
)

// A Tree is the files of one side, by names that both sides share.
type Tree struct {
	Label   string // as the user named it
	Partial bool   // without the files that are the same in the other tree
	repo    *Repo  // of a revision
	files   map[string]file
	whole   func() (*Tree, error) // where it is Partial
}

// OnDisk says whether the tree is no revision.
func (t *Tree) OnDisk() bool { return t.repo == nil }

// A file is one of a Tree: a blob of git, or a path on disk.
type file struct {
	blob string
	path string
}

// A Repo is a git repository.
type Repo struct {
	Top string // the folder of the working tree
	dir string // where the command runs; paths on the command line start here
}

// ErrNoRepo says that a directory is in no repository.
var ErrNoRepo = errors.New("this is no git repository")

// Open finds the repository of a directory.
func Open(dir string) (*Repo, error) {
	r := &Repo{dir: dir}
	out, err := r.git("rev-parse", "--show-toplevel")
	if err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			return nil, errors.New("revisions need the command git, and there is none")
		}
		if strings.Contains(err.Error(), "not a git repository") {
			return nil, ErrNoRepo
		}
		return nil, err
	}
	r.Top = filepath.FromSlash(strings.TrimRight(string(out), "\r\n"))
	return r, nil
}

// git runs the command, in English and without a pager.
func (r *Repo) git(args ...string) ([]byte, error) {
	cmd := exec.Command("git", args...)
	cmd.Dir = r.dir
	cmd.Env = append(os.Environ(), "LC_ALL=C", "GIT_OPTIONAL_LOCKS=0")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return nil, fmt.Errorf("git %s: %s", args[0], strings.TrimSpace(errs.String()))
	}
	return out, err
}

// commit is the id of a revision.
func (r *Repo) commit(rev string) (string, error) {
	out, err := r.git("rev-parse", "--verify", "--quiet", "--end-of-options", rev+"^{commit}")
	if err == nil {
		return strings.TrimSpace(string(out)), nil
	}
	names, _ := r.git("for-each-ref", "--format=%(refname:short)")
	return "", fmt.Errorf("%s: no such file, directory or revision%s", rev, suggest.For(rev, strings.Fields(string(names))))
}

// Head is the id of the revision that is checked out.
func (r *Repo) Head() (string, error) { return r.commit("HEAD") }

// MergeBase is the revision from which two went apart.
func (r *Repo) MergeBase(a, b string) (string, error) {
	one, err := r.commit(a)
	if err != nil {
		return "", err
	}
	two, err := r.commit(b)
	if err != nil {
		return "", err
	}
	out, err := r.git("merge-base", one, two)
	if err != nil {
		return "", fmt.Errorf("%s and %s have no commit in common; a shallow clone must be deepened first", a, b)
	}
	return strings.TrimSpace(string(out)), nil
}

// Below is a path on the command line as git names it, from the top; "" is the
// top.
func (r *Repo) Below(p string) (string, error) {
	abs, err := filepath.Abs(p)
	if err != nil {
		return "", err
	}
	// A file may be gone, and its folder: links are followed as far as there are any.
	if info, err := os.Stat(abs); err == nil && info.IsDir() {
		abs += "/." // a folder may be a link itself
	}
	for dir, rest := filepath.Dir(abs), filepath.Base(abs); ; dir, rest = filepath.Dir(dir), filepath.Join(filepath.Base(dir), rest) {
		if real, err := filepath.EvalSymlinks(dir); err == nil {
			abs = filepath.Join(real, rest)
			break
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	top, err := filepath.EvalSymlinks(r.Top)
	if err != nil {
		return "", err
	}
	rel, err := filepath.Rel(top, abs)
	if err != nil || !filepath.IsLocal(rel) {
		return "", fmt.Errorf("%s: is outside of the repository %s", p, r.Top)
	}
	if rel == "." {
		return "", nil
	}
	return filepath.ToSlash(rel), nil
}

// inside says whether name is p, or below it.
func inside(name, p string) bool {
	return p == "" || name == p || strings.HasPrefix(name, p+"/")
}

// takes says whether a file is one of rules: takenName knows its name, and no
// folder above it below base is hidden.
func takes(name, base string, takenName func(string) bool) bool {
	rest := strings.TrimPrefix(strings.TrimPrefix(name, base), "/")
	for _, part := range strings.Split(rest, "/") {
		if strings.HasPrefix(part, ".") {
			return false
		}
	}
	return name == base || takenName(path.Base(name))
}

// Revision is the tree of a revision below paths, which are from the working
// directory; none stand for all of it. Names are from the top of the repository.
func (r *Repo) Revision(rev string, paths []string, takenName func(string) bool) (*Tree, error) {
	commit, err := r.commit(rev)
	if err != nil {
		return nil, err
	}
	bases, err := r.bases(paths)
	if err != nil {
		return nil, err
	}
	t := &Tree{Label: rev, repo: r, files: map[string]file{}}
	return t, r.list(t, commit, bases, func(name string) string { return name }, takenName)
}

// Between are the trees of two revisions below paths, without the files that are
// the same in both: git compares whole folders by their hashes. A path must be in
// one of them.
func (r *Repo) Between(from, to string, paths []string, takenName func(string) bool) (old, new *Tree, err error) {
	var commits [2]string
	for i, rev := range []string{from, to} {
		if commits[i], err = r.commit(rev); err != nil {
			return nil, nil, err
		}
	}
	bases, err := r.bases(paths)
	if err != nil {
		return nil, nil, err
	}
	for i, base := range bases {
		if !r.holds(commits[0], base) && !r.holds(commits[1], base) {
			return nil, nil, fmt.Errorf("%s: no such file or directory in %s and %s", paths[i], from, to)
		}
	}
	out, err := r.git("diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", commits[0], commits[1])
	if err != nil {
		return nil, nil, err
	}
	old = &Tree{Label: from, Partial: true, repo: r, files: map[string]file{}}
	new = &Tree{Label: to, Partial: true, repo: r, files: map[string]file{}}
	words := strings.Split(string(out), "\x00")
	for i := 0; i+1 < len(words); i += 2 { // `:mode mode blob blob status` and the name
		fields, name := strings.Fields(strings.TrimPrefix(words[i], ":")), words[i+1]
		if len(fields) != 5 {
			return nil, nil, fmt.Errorf("git diff-tree: %s", words[i])
		}
		if !slices.ContainsFunc(bases, func(base string) bool { return inside(name, base) && takes(name, base, takenName) }) {
			continue
		}
		for side, t := range []*Tree{old, new} {
			if isFile(fields[side]) {
				t.files[name] = file{blob: fields[2+side]}
			}
		}
	}
	new.whole = func() (*Tree, error) {
		t := &Tree{Label: to, repo: r, files: map[string]file{}}
		return t, r.list(t, commits[1], bases, func(name string) string { return name }, takenName)
	}
	return old, new, nil
}

// Holds says whether a revision has a path, which is from the working directory.
func (r *Repo) Holds(rev, p string) bool {
	commit, err := r.commit(rev)
	if err != nil {
		return false
	}
	base, err := r.Below(p)
	return err == nil && r.holds(commit, base)
}

func (r *Repo) holds(commit, base string) bool {
	if base == "" {
		return true
	}
	_, err := r.git("cat-file", "-e", commit+":"+base)
	return err == nil
}

// isFile says whether a mode of git is that of a file: a link is no rule.
func isFile(mode string) bool { return strings.HasPrefix(mode, "100") }

func (r *Repo) bases(paths []string) (bases []string, err error) {
	for _, p := range paths {
		base, err := r.Below(p)
		if err != nil {
			return nil, err
		}
		bases = append(bases, base)
	}
	if len(bases) == 0 {
		bases = []string{""}
	}
	return bases, nil
}

// list puts the blobs of a commit below bases into a tree.
func (r *Repo) list(t *Tree, commit string, bases []string, rename func(string) string, takenName func(string) bool) error {
	args := []string{"ls-tree", "-r", "-z", "--full-tree", commit}
	if !slices.Contains(bases, "") {
		args = append(args, bases...)
	}
	out, err := r.git(args...)
	if err != nil {
		return err
	}
	for entry := range strings.SplitSeq(string(out), "\x00") {
		head, name, ok := strings.Cut(entry, "\t")
		fields := strings.Fields(head)
		if !ok || len(fields) != 3 || !isFile(fields[0]) {
			continue
		}
		for _, base := range bases {
			if inside(name, base) && takes(name, base, takenName) {
				t.files[rename(name)] = file{blob: fields[2]}
			}
		}
	}
	return nil
}

// RevisionPath is a file or folder of a revision, as `git show rev:path` has it:
// path is from the top of the repository. The names are below the folder.
func (r *Repo) RevisionPath(rev, p string, takenName func(string) bool) (*Tree, error) {
	commit, err := r.commit(rev)
	if err != nil {
		return nil, err
	}
	p = strings.Trim(path.Clean("/"+filepath.ToSlash(p)), "/")
	t := &Tree{Label: rev + ":" + p, repo: r, files: map[string]file{}}
	kind := []byte("tree")
	if p != "" {
		if kind, err = r.git("cat-file", "-t", commit+":"+p); err != nil {
			return nil, fmt.Errorf("%s: no such file or directory in %s", p, rev)
		}
	}
	single := strings.TrimSpace(string(kind)) == "blob"
	rename := func(name string) string {
		if single {
			return ""
		}
		return strings.TrimPrefix(strings.TrimPrefix(name, p), "/")
	}
	return t, r.list(t, commit, []string{p}, rename, takenName)
}

// Worktree is the tree of the files on disk below paths, without those that git
// ignores.
func (r *Repo) Worktree(paths []string, takenName func(string) bool) (*Tree, error) {
	bases, err := r.bases(paths)
	if err != nil {
		return nil, err
	}
	top := *r
	top.dir = r.Top
	out, err := top.git("ls-files", "-z", "--cached", "--others", "--exclude-standard")
	if err != nil {
		return nil, err
	}
	t := &Tree{Label: "the working tree", files: map[string]file{}}
	for name := range strings.SplitSeq(string(out), "\x00") {
		for _, base := range bases {
			if name == "" || !inside(name, base) || !takes(name, base, takenName) {
				continue
			}
			p := filepath.Join(r.Top, filepath.FromSlash(name))
			if info, err := os.Lstat(p); err == nil && info.Mode().IsRegular() {
				t.files[name] = file{path: p}
			}
		}
	}
	return t, nil
}

// Disk is the tree of a file or directory, which need not be in a repository. A
// file's name is "".
func Disk(p string, takenName func(string) bool) (*Tree, error) {
	t := &Tree{Label: p, files: map[string]file{}}
	info, err := os.Stat(p)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		t.files[""] = file{path: p}
		return t, nil
	}
	return t, filepath.WalkDir(p, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name != p && strings.HasPrefix(d.Name(), "."):
			if d.IsDir() {
				return fs.SkipDir
			}
		case !d.IsDir() && takenName(d.Name()):
			rel, err := filepath.Rel(p, name)
			if err != nil {
				return err
			}
			t.files[filepath.ToSlash(rel)] = file{path: name}
		}
		return nil
	})
}

// Single says whether the tree is one file by itself.
func (t *Tree) Single() bool { _, ok := t.files[""]; return ok && len(t.files) == 1 }

// Len counts the files.
func (t *Tree) Len() int { return len(t.files) }

// A File is one of a Tree that the other tree has not, or not with these bytes.
type File struct {
	Name string // what the trees share; of a file by itself its path
	Data []byte // no more than a byte above the limit
}

// Changed are the files in which two trees differ, in the order of their names.
// Files of git are compared by their hashes, so that what is the same is not
// read; on disk an end of line may be CRLF where git has LF. No file is read
// beyond limit bytes and one more.
func Changed(a, b *Tree, limit int64) (olds, news []File, err error) {
	names := map[string]bool{}
	for _, t := range []*Tree{a, b} {
		for name := range t.files {
			names[name] = true
		}
	}
	var all []string
	for name := range names {
		all = append(all, name)
	}
	slices.Sort(all)
	type pair struct {
		old, new []byte
		same     bool
		err      error
	}
	var differ []string
	read := map[string]pair{}
	for i, p := range ordered.Map(all, func(name string) (p pair) {
		x, inA := a.files[name]
		y, inB := b.files[name]
		if inA && inB && x.blob != "" && x.blob == y.blob {
			return pair{same: true}
		}
		if inA && x.blob == "" {
			p.old, p.err = readDisk(x.path, limit)
		}
		if inB && y.blob == "" && p.err == nil {
			p.new, p.err = readDisk(y.path, limit)
		}
		if p.err != nil || !inA || !inB {
			return p
		}
		switch {
		case x.blob == "" && y.blob == "":
			p.same = bytes.Equal(p.old, p.new)
		case x.blob == "":
			p.same = isBlob(p.old, y.blob)
		case y.blob == "":
			p.same = isBlob(p.new, x.blob)
		}
		return p
	}) {
		if p.err != nil {
			return nil, nil, p.err
		}
		if !p.same {
			differ = append(differ, all[i])
			read[all[i]] = p
		}
	}
	olds, err = a.collect(differ, limit, func(name string) []byte { return read[name].old })
	if err != nil {
		return nil, nil, err
	}
	news, err = b.collect(differ, limit, func(name string) []byte { return read[name].new })
	return olds, news, err
}

// collect are the files of t among names; those of git are read now.
func (t *Tree) collect(names []string, limit int64, disk func(string) []byte) (out []File, err error) {
	var blobs []string
	for _, name := range names {
		if f, ok := t.files[name]; ok && f.blob != "" {
			blobs = append(blobs, f.blob)
		}
	}
	data, err := t.repo.blobs(blobs, limit)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		f, ok := t.files[name]
		if !ok {
			continue
		}
		shown := name
		if shown == "" {
			shown = t.Label
		}
		if f.blob != "" {
			out = append(out, File{shown, data[f.blob]})
		} else {
			out = append(out, File{shown, disk(name)})
		}
	}
	return out, nil
}

// Same are the files that are the same in both trees: those of new that are not among the
// ones in which they differ, which Changed gives.
func Same(new *Tree, olds, news []File, limit int64) ([]File, error) {
	if new.Partial {
		whole, err := new.whole()
		if err != nil {
			return nil, err
		}
		new = whole
	}
	changed := map[string]bool{}
	for _, f := range append(slices.Clip(olds), news...) {
		changed[f.Name] = true
	}
	all, err := new.All(limit)
	return slices.DeleteFunc(all, func(f File) bool { return changed[f.Name] }), err
}

// All are all files of a tree.
func (t *Tree) All(limit int64) ([]File, error) {
	files, _, err := Changed(t, &Tree{}, limit)
	return files, err
}

func readDisk(p string, limit int64) ([]byte, error) {
	f, err := os.Open(p)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return bounded.Read(f, limit)
}

// isBlob says whether data, as it is or with LF for CRLF, is the blob.
func isBlob(data []byte, blob string) bool {
	if blobID(data, len(blob)) == blob {
		return true
	}
	return bytes.Contains(data, []byte("\r\n")) && blobID(bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n")), len(blob)) == blob
}

// blobID is git's name for a content, by the length of its names.
func blobID(data []byte, length int) string {
	h := sha1.New()
	if length == 2*sha256.Size {
		h = sha256.New()
	}
	fmt.Fprintf(h, "blob %d\x00", len(data))
	h.Write(data)
	return fmt.Sprintf("%x", h.Sum(nil))
}

// blobs reads blobs, all with one process.
func (r *Repo) blobs(ids []string, limit int64) (map[string][]byte, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	cmd := exec.Command("git", "cat-file", "--batch")
	cmd.Dir, cmd.Stdin = r.dir, strings.NewReader(strings.Join(ids, "\n")+"\n")
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	defer func() {
		pipe.Close()
		_ = cmd.Wait()
	}()
	in := bufio.NewReader(pipe)
	out := map[string][]byte{}
	for _, id := range ids {
		line, err := in.ReadString('\n')
		if err != nil {
			return nil, fmt.Errorf("git cat-file: %w", err)
		}
		fields := strings.Fields(line)
		if len(fields) != 3 {
			return nil, fmt.Errorf("git cat-file: %s", strings.TrimSpace(line))
		}
		size, err := strconv.ParseInt(fields[2], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("git cat-file: %s", strings.TrimSpace(line))
		}
		data, err := io.ReadAll(io.LimitReader(in, min(size, limit+1)))
		if err == nil {
			_, err = io.CopyN(io.Discard, in, size-int64(len(data))+1)
		}
		if err != nil {
			return nil, fmt.Errorf("git cat-file: %w", err)
		}
		out[id] = data
	}
	return out, nil
}

// Show is one file of a revision.
func (r *Repo) Show(rev, p string, limit int64) ([]byte, error) {
	t, err := r.RevisionPath(rev, p, func(string) bool { return true })
	if err != nil {
		return nil, err
	}
	if !t.Single() {
		return nil, fmt.Errorf("%s: is a directory", t.Label)
	}
	files, err := t.All(limit)
	if err != nil {
		return nil, err
	}
	return files[0].Data, nil
}
