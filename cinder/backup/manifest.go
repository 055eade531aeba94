package backup

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"stackd/internal/converge"
)

// A manifest says what a backup consists of: a line of JSON, the chunks in their order,
// and the sum of it all.
type manifest struct {
	Version        int
	Backup, Parent string
	Size, Chunk    int64    // bytes of the volume, and of each of its chunks
	Owners         []string // backups that have chunks; itself is the first
	Count          int
	chunks         []chunk
}

// A chunk is one that is not all zeros.
type chunk struct {
	at    int64 // the how many-th of the volume
	owner int   // index in Owners
	sum   [sha256.Size]byte
}

const (
	version = 1
	entry   = 8 + 4 + sha256.Size
	// most is how many chunks a volume may have at most.
	most = 1 << 19
)

// chunkSize is that of a volume of so many bytes.
func chunkSize(size int64) int64 {
	n := int64(2 << 20)
	for size/n > most {
		n *= 2
	}
	return n
}

func (m *manifest) encode() ([]byte, error) {
	m.Version, m.Count = version, len(m.chunks)
	head, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	b := append(slices.Grow(head, len(m.chunks)*entry+100), '\n')
	for _, c := range m.chunks {
		b = binary.BigEndian.AppendUint64(b, uint64(c.at))
		b = binary.BigEndian.AppendUint32(b, uint32(c.owner))
		b = append(b, c.sum[:]...)
	}
	sum := sha256.Sum256(b)
	return append(b, sum[:]...), nil
}

func decode(b []byte) (*manifest, error) {
	n := len(b) - sha256.Size
	if n < 0 || sha256.Sum256(b[:n]) != [sha256.Size]byte(b[n:]) {
		return nil, errors.New("its sum is another")
	}
	head, body, _ := bytes.Cut(b[:n], []byte("\n"))
	m := &manifest{}
	if err := json.Unmarshal(head, m); err != nil {
		return nil, err
	}
	if m.Version != version || m.Count*entry != len(body) || m.Chunk < 1 || m.Size < 0 {
		return nil, fmt.Errorf("it is of version %d, not as it should be", m.Version)
	}
	for last := int64(-1); len(body) > 0; body = body[entry:] {
		c := chunk{int64(binary.BigEndian.Uint64(body)), int(binary.BigEndian.Uint32(body[8:])), [sha256.Size]byte(body[12:entry])}
		if c.at <= last || c.at*m.Chunk >= m.Size || c.owner >= len(m.Owners) {
			return nil, errors.New("its chunks are in disorder")
		}
		m.chunks, last = append(m.chunks, c), c.at
	}
	return m, nil
}

// manifest reads one; ErrMissing when there is no such backup.
func (v *Vault) manifest(ctx context.Context, id string) (*manifest, error) {
	at, err := place(id, "manifest")
	if err != nil {
		return nil, err
	}
	b, err := v.blobs.Get(ctx, at, 2*most*entry+1<<20)
	if err != nil {
		return nil, err
	}
	m, err := decode(b)
	if err != nil || m.Backup != id {
		return nil, converge.Finalf("the manifest of backup %s is damaged: %v", id, err)
	}
	return m, nil
}

// length is how long a chunk is: the last one may be shorter.
func (m *manifest) length(at int64) int64 { return min(m.Chunk, m.Size-at*m.Chunk) }

// own is how many objects the backup itself has.
func (m *manifest) own() int64 {
	sums := map[[sha256.Size]byte]bool{}
	for _, c := range m.chunks {
		if c.owner == 0 {
			sums[c.sum] = true
		}
	}
	return int64(len(sums)) + 1
}
