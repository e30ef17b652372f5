// Package atomic writes files and directories whole or not at all.
package atomic

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// A File collects what will be in a file.
type File struct {
	text bytes.Buffer
	path string
}

// Create prepares a file that is written by Close. It is an error if path is a
// directory, or if the directory for it does not exist. What a link leads to
// is written, and the link stays.
func Create(path string) (*File, error) {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return nil, fmt.Errorf("%s: is a directory", path)
	}
	if info, err := os.Stat(filepath.Dir(path)); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("%s: no such directory", filepath.Dir(path))
	}
	return &File{path: path}, nil
}

// Write appends to what will be in the file. It never fails.
func (f *File) Write(p []byte) (int, error) { return f.text.Write(p) }

// Close puts the file in its place, with the rights of the one that is there. What
// is no regular file, as a pipe, is written directly. With an error, which names
// the file, a regular file is as it was.
func (f *File) Close() error {
	var mode os.FileMode
	if info, err := os.Stat(f.path); err == nil && info.Mode().IsRegular() {
		mode = info.Mode().Perm()
	} else if err == nil {
		return fault(os.WriteFile(f.path, f.text.Bytes(), 0o666))
	}
	name := newTemp(f.path)
	tmp, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666) // less the umask
	if err != nil {
		return fmt.Errorf("%s: cannot be written: %w", f.path, fault(err))
	}
	_, err = tmp.Write(f.text.Bytes())
	if mode != 0 && err == nil {
		err = tmp.Chmod(mode)
	}
	if e := tmp.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(name, f.path)
	}
	if err != nil {
		os.Remove(name)
		return fmt.Errorf("%s: cannot be written: %w", f.path, fault(err))
	}
	removeTemps(f.path)
	return nil
}

// WriteFile makes a file of data, as Create and Close do.
func WriteFile(path string, data []byte) error {
	f, err := Create(path)
	if err != nil {
		return err
	}
	f.text.Write(data)
	return f.Close()
}

// fault is a file system's error as `path: what`.
func fault(err error) error {
	if e := (*fs.PathError)(nil); errors.As(err, &e) {
		return fmt.Errorf("%s: %w", e.Path, e.Err)
	}
	return err
}

// ReplaceDir puts what write makes of an empty directory in the place of dir, or of
// what dir leads to as a link. With an error, which may be that of write, dir is
// as it was.
func ReplaceDir(dir string, write func(string) error) (err error) {
	if target, err := filepath.EvalSymlinks(dir); err == nil {
		dir = target
	}
	dir = filepath.Clean(dir)
	tmp := newTemp(dir)
	if err := os.Mkdir(tmp, 0o700); err != nil {
		return err
	}
	defer func() {
		if os.RemoveAll(tmp); err == nil {
			removeTemps(dir)
		}
	}()
	made, kept := filepath.Join(tmp, "new"), filepath.Join(tmp, "old")
	if err := os.Mkdir(made, 0o777); err != nil {
		return err
	}
	if err := write(made); err != nil {
		return err
	}
	err = os.Rename(dir, kept)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	had := err == nil
	if err := os.Rename(made, dir); err != nil {
		if had {
			err = errors.Join(err, os.Rename(kept, dir))
		}
		return err
	}
	return nil
}

// newTemp is a name beside a file or a directory for what will take its place. It
// says whose it is, so that the next run finds what a killed one has left.
func newTemp(path string) string {
	var random [8]byte
	rand.Read(random[:])
	return tempPrefix(path) + hex.EncodeToString(random[:])
}

func tempPrefix(path string) string {
	sum := sha256.Sum256([]byte(filepath.Base(path)))
	return filepath.Join(filepath.Dir(path), ".sigmac-"+hex.EncodeToString(sum[:8])+"-")
}

// removeTemps removes what killed runs have left beside a file or a directory.
func removeTemps(path string) {
	dir, prefix := filepath.Split(tempPrefix(path))
	entries, _ := os.ReadDir(filepath.Clean(dir))
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), prefix) {
			os.RemoveAll(filepath.Join(dir, e.Name()))
		}
	}
}
