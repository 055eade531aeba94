package nbd

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"syscall"
)

// Numbers of the transmission.
const (
	request, simple, structured = 0x25609513, 0x67446698, 0x668e33ef

	cmdRead, cmdWrite, cmdDisconnect, cmdFlush, cmdZero, cmdStatus = 0, 1, 2, 3, 6, 7

	replyDone                                          = 1
	chunkNone, chunkData, chunkHole, chunkStatus       = 0, 1, 2, 5
	chunkError                                         = 1 << 15
	maxData, maxRange                            int64 = 32 << 20, 1 << 30
)

// A Conn is an export that is in use. Its calls may be made by several at once; they
// are carried out one after the other.
type Conn struct {
	mu      sync.Mutex
	conn    net.Conn
	size    int64
	flags   uint16
	context uint32
	cookie  uint64
}

// New negotiates the export that has a name over a connection, which is the Conn's
// from then on. With an error the connection is closed.
func New(conn net.Conn, export string) (*Conn, error) {
	c := &Conn{conn: conn, size: -1}
	if err := c.handshake(export); err != nil {
		conn.Close()
		return nil, err
	}
	return c, nil
}

// Size is the disk's, in bytes.
func (c *Conn) Size() int64 { return c.size }

// ReadAt is io.ReaderAt's.
func (c *Conn) ReadAt(p []byte, off int64) (int, error) {
	n := int(max(0, min(int64(len(p)), c.size-off)))
	for done := 0; done < n; {
		part := p[done:min(n, done+int(maxData))]
		clear(part)
		err := c.call(cmdRead, off+int64(done), int64(len(part)), nil, func(kind uint16, body []byte) error {
			return place(part, off+int64(done), kind, body)
		})
		if err != nil {
			return done, err
		}
		done += len(part)
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// place puts what came where it belongs; holes are zeros already.
func place(p []byte, off int64, kind uint16, body []byte) error {
	if kind == chunkHole {
		return nil
	}
	if kind != chunkData || len(body) < 8 {
		return errors.New("nbd: an answer that is no data")
	}
	at := int64(be.Uint64(body)) - off
	if at < 0 || at+int64(len(body)-8) > int64(len(p)) {
		return errors.New("nbd: data that were not asked for")
	}
	copy(p[at:], body[8:])
	return nil
}

// ErrOutside is the error of a write past the disk's end.
var ErrOutside = errors.New("past the end of the disk")

// WriteAt is io.WriterAt's.
func (c *Conn) WriteAt(p []byte, off int64) (int, error) {
	if off < 0 || off+int64(len(p)) > c.size {
		return 0, ErrOutside
	}
	for done := 0; done < len(p); {
		part := p[done:min(len(p), done+int(maxData))]
		if err := c.call(cmdWrite, off+int64(done), int64(len(part)), part, nil); err != nil {
			return done, err
		}
		done += len(part)
	}
	return len(p), nil
}

// Zero makes n bytes read as zeros; their room may be freed.
func (c *Conn) Zero(off, n int64) error {
	if off < 0 || n < 0 || off+n > c.size {
		return ErrOutside
	}
	for n > 0 {
		k := min(n, maxRange)
		if err := c.call(cmdZero, off, k, nil, nil); err != nil {
			return err
		}
		off, n = off+k, n-k
	}
	return nil
}

// Flush sees that what was written is on the disk.
func (c *Conn) Flush() error { return c.call(cmdFlush, 0, 0, nil, nil) }

// Data is the next run of bytes from off on that may not be zero; io.EOF when none comes.
func (c *Conn) Data(off int64) (start, end int64, err error) {
	for at := off; at < c.size; {
		var next int64
		err := c.call(cmdStatus, at, min(c.size-at, maxRange), nil, func(kind uint16, body []byte) error {
			if kind != chunkStatus || len(body) < 12 || be.Uint32(body) != c.context {
				return errors.New("nbd: an answer that is no map")
			}
			start, end, next = run(body[4:], at)
			return nil
		})
		if err != nil {
			return 0, 0, err
		}
		if end > start {
			return start, min(end, c.size), nil
		}
		if next <= at {
			return 0, 0, errors.New("nbd: the map ends too early")
		}
		at = next
	}
	return 0, 0, io.EOF
}

// run is the first run of data in a map that begins at a place, and where the map ends.
func run(extents []byte, at int64) (start, end, next int64) {
	const zero = 2
	for ; len(extents) >= 8; extents = extents[8:] {
		n := int64(be.Uint32(extents))
		if be.Uint32(extents[4:])&zero == 0 {
			if end == 0 {
				start = at
			}
			end = at + n
		} else if end > 0 {
			break
		}
		at += n
	}
	return start, end, at
}

// Close says goodbye and ends the connection.
func (c *Conn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err := c.conn.Write(c.head(cmdDisconnect, 0, 0))
	return errors.Join(err, c.conn.Close())
}

// Cut ends the connection at once, whoever waits for an answer.
func (c *Conn) Cut() { c.conn.Close() }

func (c *Conn) head(cmd uint16, off, n int64) []byte {
	c.cookie++
	b := be.AppendUint16(be.AppendUint16(be.AppendUint32(make([]byte, 0, 28), request), 0), cmd)
	return be.AppendUint32(be.AppendUint64(be.AppendUint64(b, c.cookie), uint64(off)), uint32(n))
}

// call sends a request and reads its answer; f is given each part of one that has some.
func (c *Conn) call(cmd uint16, off, n int64, data []byte, f func(kind uint16, body []byte) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	parts := net.Buffers{c.head(cmd, off, n), data}
	if _, err := parts.WriteTo(c.conn); err != nil {
		return err
	}
	var failed error
	for {
		kind, body, done, err := c.reply()
		switch {
		case err != nil:
			return err
		case kind&chunkError != 0:
			failed = errors.Join(failed, errorOf(body))
		case kind != chunkNone && f != nil && failed == nil:
			failed = f(kind, body)
		}
		if done {
			return failed
		}
	}
}

// reply reads one part of an answer.
func (c *Conn) reply() (kind uint16, body []byte, done bool, err error) {
	var word [16]byte
	if _, err = io.ReadFull(c.conn, word[:]); err != nil {
		return 0, nil, false, err
	}
	switch be.Uint32(word[:]) {
	case simple:
		if be.Uint64(word[8:]) != c.cookie {
			return 0, nil, false, errors.New("nbd: an answer to no question")
		}
		if code := be.Uint32(word[4:]); code != 0 {
			return chunkError, word[4:8], true, nil
		}
		return chunkNone, nil, true, nil
	case structured:
		var length [4]byte
		if _, err = io.ReadFull(c.conn, length[:]); err != nil {
			return 0, nil, false, err
		}
		n := int64(be.Uint32(length[:]))
		if be.Uint64(word[8:]) != c.cookie || n > maxData+64 {
			return 0, nil, false, errors.New("nbd: an answer to no question")
		}
		body = make([]byte, n)
		_, err = io.ReadFull(c.conn, body)
		return be.Uint16(word[6:]), body, be.Uint16(word[4:])&replyDone != 0, err
	}
	return 0, nil, false, errors.New("nbd: the server has lost its way")
}

// errorOf is the error of an answer: its numbers are Linux's.
func errorOf(body []byte) error {
	if len(body) < 4 {
		return errors.New("nbd: an error without a number")
	}
	return fmt.Errorf("nbd: %w", syscall.Errno(binary.BigEndian.Uint32(body)))
}
