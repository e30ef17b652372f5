package eval

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// maxWindow is the bytes that a zstd stream may ask to look back for, which are kept. The
// command zstd takes as many.
const maxWindow = 128 << 20

// unpack reads src, or what it holds where it is compressed with gzip or zstd, which their
// first bytes tell. A compressed stream may go on with others of its form.
func unpack(src *bufio.Reader) (b *bufio.Reader, packed bool, err error) {
	var z io.Reader
	form := ""
	switch {
	case begins(src, "\x1f\x8b"):
		form = "gzip"
		z, err = gzip.NewReader(src)
	case begins(src, "\x28\xb5\x2f\xfd"):
		form = "zstd"
		// One at a time: it works in Read, and starts no goroutine.
		z, err = zstd.NewReader(src, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
	default:
		return src, false, nil
	}
	if err != nil {
		return nil, true, tornIn(form, err)
	}
	return bufio.NewReader(&unpacked{z, form}), true, nil
}

// begins says whether b begins with a text. It waits for no byte behind one that differs.
func begins(b *bufio.Reader, text string) bool {
	for n := range text {
		if head, _ := b.Peek(n + 1); string(head) != text[:n+1] {
			return false
		}
	}
	return true
}

// unpacked is a decompressed stream, whose errors say what it was.
type unpacked struct {
	io.Reader
	form string
}

func (u *unpacked) Read(p []byte) (int, error) {
	n, err := u.Reader.Read(p)
	if err != nil && err != io.EOF {
		err = tornIn(u.form, err)
	}
	return n, err
}

func tornIn(form string, err error) error {
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), err == io.EOF:
		return fmt.Errorf("the %s stream is cut off", form)
	case errors.Is(err, zstd.ErrWindowSizeExceeded):
		return fmt.Errorf("the zstd stream asks to look back for more than %d MiB", maxWindow>>20)
	}
	return fmt.Errorf("the %s stream is broken: %w", form, err)
}
