// Package bounded reads files up to a limit, each into as much room as it takes.
package bounded

import (
	"io"
	"io/fs"
)

// Read is what r has: no more than limit bytes, and one by which is seen that there are more. A file says its size, so
// that the bytes of many small ones leave no garbage; of one that grows, or says nothing, all is read as well.
func Read(r io.Reader, limit int64) ([]byte, error) {
	room := int64(512)
	if f, ok := r.(fs.File); ok {
		if info, err := f.Stat(); err == nil && info.Size() > 0 {
			room = min(info.Size(), limit) + 1 // the last read needs some to find the end
		}
	}
	r = io.LimitReader(r, limit+1)
	out := make([]byte, 0, room)
	for {
		n, err := r.Read(out[len(out):cap(out)])
		out = out[:len(out)+n]
		switch {
		case err == io.EOF:
			return out, nil
		case err != nil:
			return out, err
		case len(out) == cap(out):
			out = append(out, 0)[:len(out)]
		}
	}
}
