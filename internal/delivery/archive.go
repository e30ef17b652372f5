package delivery

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"sigmac/internal/deploy"
)

// IsArchive says whether a file of that name is to be an archive of a folder: .tgz, .tar.gz.
func IsArchive(name string) bool {
	return strings.HasSuffix(name, ".tgz") || strings.HasSuffix(name, ".tar.gz")
}

// Packed says whether a file is compressed, as archives are.
func Packed(data []byte) bool { return bytes.HasPrefix(data, []byte{0x1f, 0x8b}) }

// Archive is a tar file of a package, compressed, with nothing in it that differs from run to
// run.
func Archive(files []deploy.File) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, f := range files {
		// Writing to memory fails for a name only that tar cannot hold, and PAX holds all.
		err := w.WriteHeader(&tar.Header{Name: f.Path, Mode: 0o644, Size: int64(len(f.Data)), Format: tar.FormatPAX})
		if err == nil {
			_, err = w.Write(f.Data)
		}
		if err != nil {
			panic("delivery: " + err.Error())
		}
	}
	w.Close()
	z.Close()
	return b.Bytes()
}

// maxUnpacked bounds what is read of an archive, and maxPacked the number of its files.
const (
	maxUnpacked = 256 << 20
	maxPacked   = 100_000
)

// Unpack reads the regular files of an archive. It is an error if these are more than 256 MiB.
func Unpack(data []byte) (out []deploy.File, err error) {
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("the archive cannot be read: %w", err)
	}
	left := int64(maxUnpacked)
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err == io.EOF {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("the archive cannot be read: %w", err)
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		text, err := io.ReadAll(io.LimitReader(r, left+1))
		if err != nil {
			return nil, fmt.Errorf("the archive cannot be read: %w", err)
		}
		if left -= int64(len(text)); left < 0 || len(out) == maxPacked {
			return nil, errors.New("the archive holds more than 256 MiB or 100,000 files")
		}
		out = append(out, deploy.File{Path: path.Clean(h.Name), Data: text})
	}
}
