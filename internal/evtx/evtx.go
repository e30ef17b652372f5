// Package evtx reads the files in which Windows keeps its event logs, and gives each event as
// JSON.
//
// Such a file is a header of 4 KiB and chunks of 64 KiB. A chunk holds records, and what they
// share: names of elements, and templates. A record holds one event as Binary XML, which
// [MS-EVEN6] describes in its section 2.2.12. The JSON has the form that evtx_dump writes, and
// its values are those of [MS-EVEN6], 3.1.4.7.3:
//
//	{"Event": {"System": {"Provider": {"#attributes": {"Name": "…"}}, "EventID": 1, …},
//	           "EventData": {"Image": "…", …}}}
//
// Checksums are checked. What is broken is told, never guessed, and the rest is read. One
// chunk is kept at a time, and the work that a chunk can cause is bounded.
package evtx

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
)

// Magic begins a file.
const Magic = "ElfFile\x00"

const (
	chunkMagic  = "ElfChnk\x00"
	recordMagic = "**\x00\x00"

	headerSize  = 4 << 10
	chunkSize   = 64 << 10
	firstRecord = 512 // in a chunk
	recordFrame = 28  // bytes of a record around its event
	noChecksum  = 4   // the flag of a file or chunk that has none
)

// A Record is an event.
type Record struct {
	Number uint64 // of the record in its log, which Windows counts
	Text   []byte // a JSON object
}

// A Fault is an error in a part of a file. What follows that part can be read.
type Fault struct {
	Record uint64 // its number, or 0
	Msg    string // names the chunk, from 1, where no record is known
}

func (f *Fault) Error() string {
	if f.Record == 0 {
		return f.Msg
	}
	return fmt.Sprintf("record %d: %s", f.Record, f.Msg)
}

// A Reader reads the events of a file.
type Reader struct {
	src     io.Reader
	whole   *io.SectionReader
	max     int
	started bool

	read   int // chunks
	oldest int // the chunk that is read first
	chunks int // that are read before the file's end, if they do not begin with the first
	buf    [chunkSize]byte
	chunk  chunk
	at     int // in the chunk: the next record
	end    int // of the records
}

// Whole is what can be read of src from where it stands, if it is a file and not a pipe, else nil.
func Whole(src io.Reader) *io.SectionReader {
	file, ok := src.(interface {
		io.ReaderAt
		io.Seeker
	})
	if !ok {
		return nil
	}
	start, err := file.Seek(0, io.SeekCurrent)
	if err != nil {
		return nil
	}
	end, err := file.Seek(0, io.SeekEnd)
	if _, back := file.Seek(start, io.SeekStart); err != nil || back != nil {
		return nil
	}
	return io.NewSectionReader(file, start, end-start)
}

// NewReader reads from src events whose JSON has at most max bytes. A log that has reached its
// largest size goes on at its beginning: with whole, which is the same file or nil, events
// come in the order in which they were written, and without in that of the file.
func NewReader(src io.Reader, whole *io.SectionReader, max int) *Reader {
	return &Reader{src: src, whole: whole, max: max}
}

// Next gives the next event. The error is io.EOF at the end, a *Fault, after which the next
// event can be read, or that of the stream.
func (r *Reader) Next() (Record, error) {
	if !r.started {
		r.started = true
		if err := r.header(); err != nil {
			return Record{}, err
		}
	}
	for r.at >= r.end {
		if err := r.next(); err != nil {
			return Record{}, err
		}
	}
	rec := r.buf[r.at:r.end]
	size := uint32(0)
	if len(rec) >= recordFrame && string(rec[:4]) == recordMagic {
		size = binary.LittleEndian.Uint32(rec[4:])
	}
	if size < recordFrame || int64(size) > int64(len(rec)) || binary.LittleEndian.Uint32(rec[size-4:]) != size {
		fault := r.fault("no record is where one should be, at byte %d", r.at)
		r.at = r.end
		return Record{}, fault
	}
	number := binary.LittleEndian.Uint64(rec[8:])
	start := r.at + recordFrame - 4
	r.at += int(size)
	text, err := r.chunk.event(start, r.at-4, r.max)
	if err != nil {
		return Record{}, &Fault{Record: number, Msg: err.Error()}
	}
	return Record{number, text}, nil
}

func (r *Reader) fault(format string, args ...any) error {
	n := r.read
	if n <= r.chunks {
		n = (r.oldest+n-1)%r.chunks + 1
	}
	return &Fault{Msg: fmt.Sprintf("chunk %d: ", n) + fmt.Sprintf(format, args...)}
}

// header reads that of the file.
func (r *Reader) header() error {
	head := r.buf[:headerSize]
	switch n, err := fill(r.src, head); {
	case err == io.EOF:
		return fmt.Errorf("the EVTX file is cut off after %d bytes, within its header", n)
	case err != nil:
		return err
	case string(head[:len(Magic)]) != Magic:
		return fmt.Errorf("is no EVTX file")
	}
	minor, major := binary.LittleEndian.Uint16(head[36:]), binary.LittleEndian.Uint16(head[38:])
	switch sound := checked(head[120:], head[124:], head[:120]); {
	case !sound:
		r.order()
		return &Fault{Msg: "the checksum of the file's header is wrong"}
	case major != 3 || minor > 2:
		return fmt.Errorf("is EVTX of version %d.%d; 3.0 to 3.2 are read", major, minor)
	case binary.LittleEndian.Uint16(head[40:]) != headerSize:
		return fmt.Errorf("is EVTX with a header of another size than %d bytes", headerSize)
	}
	r.order()
	return nil
}

// checked says whether a checksum is that of the parts, or flags say that there is none.
func checked(flags, sum []byte, parts ...[]byte) bool {
	return binary.LittleEndian.Uint32(flags)&noChecksum != 0 ||
		binary.LittleEndian.Uint32(sum) == crc32.ChecksumIEEE(slices.Concat(parts...))
}

// order lets a whole file be read from its oldest chunk on.
func (r *Reader) order() {
	if r.whole == nil {
		return
	}
	chunks := (r.whole.Size() - headerSize) / chunkSize
	oldest, lowest := int64(0), ^uint64(0)
	head := make([]byte, 16)
	for i := range chunks {
		if _, err := r.whole.ReadAt(head, headerSize+i*chunkSize); err != nil {
			return // whoever reads on comes to it
		}
		if first := binary.LittleEndian.Uint64(head[8:]); string(head[:8]) == chunkMagic && first < lowest {
			oldest, lowest = i, first
		}
	}
	if oldest == 0 {
		return
	}
	part := func(from, to int64) io.Reader { return io.NewSectionReader(r.whole, from, to-from) }
	start, end := headerSize+oldest*chunkSize, headerSize+chunks*chunkSize
	r.src = io.MultiReader(part(start, end), part(headerSize, start), part(end, r.whole.Size()))
	r.chunks, r.oldest = int(chunks), int(oldest)
}

// next reads the next chunk. One of zeros has not been used.
func (r *Reader) next() error {
	r.read++
	r.at, r.end = 0, 0
	n, err := fill(r.src, r.buf[:])
	if err != nil && err != io.EOF || n == 0 {
		return err
	}
	free := int64(binary.LittleEndian.Uint32(r.buf[48:]))
	switch head := r.buf[:firstRecord]; {
	case !slices.ContainsFunc(r.buf[:n], func(b byte) bool { return b != 0 }):
		return nil
	case err == io.EOF:
		return r.fault("it is cut off after %d bytes", n)
	case string(head[:len(chunkMagic)]) != chunkMagic:
		return r.fault("it does not begin like a chunk")
	case !checked(head[120:], head[124:], head[:120], head[128:]):
		return r.fault("the checksum of its header is wrong")
	case free < firstRecord || free > chunkSize:
		return r.fault("its header says that its records end at byte %d", free)
	case !checked(head[120:], head[52:], r.buf[firstRecord:free]):
		return r.fault("the checksum of its records is wrong")
	}
	r.at, r.end = firstRecord, int(free)
	r.chunk.begin(r.buf[:])
	return nil
}

// fill reads into all of buf. The error is io.EOF where the stream ends before, or the
// stream's.
func fill(src io.Reader, buf []byte) (n int, err error) {
	for n < len(buf) && err == nil {
		var m int
		m, err = src.Read(buf[n:])
		n += m
	}
	if n == len(buf) {
		err = nil
	}
	return n, err
}
