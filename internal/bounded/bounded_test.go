package bounded

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
)

// TestRead holds Read against io.ReadAll, of files and of what has no size.
func TestRead(t *testing.T) {
	text := strings.Repeat("0123456789", 300)
	for _, n := range []int{0, 1, 511, 512, 513, 1000, 3000} {
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, []byte(text[:n]), 0o666); err != nil {
			t.Fatal(err)
		}
		for _, limit := range []int64{0, 1, 511, 512, 999, 1000, 5000} {
			want, err := io.ReadAll(io.LimitReader(strings.NewReader(text[:n]), limit+1))
			if err != nil {
				t.Fatal(err)
			}
			f, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range []io.Reader{f, strings.NewReader(text[:n]), iotest.OneByteReader(strings.NewReader(text[:n])), iotest.DataErrReader(strings.NewReader(text[:n]))} {
				if got, err := Read(r, limit); err != nil || !bytes.Equal(got, want) {
					t.Errorf("%d bytes up to %d: %d, %v", n, limit, len(got), err)
				}
			}
			f.Close()
		}
	}
	if _, err := Read(iotest.ErrReader(io.ErrUnexpectedEOF), 10); err != io.ErrUnexpectedEOF {
		t.Error(err)
	}
	if _, err := Read(iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader(text))), 10); err != iotest.ErrTimeout {
		t.Error(err)
	}
}
