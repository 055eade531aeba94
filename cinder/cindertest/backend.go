package cindertest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"

	"stackd/cinder"
	"stackd/internal/converge"
)

// A disk is the beginning of what a volume holds; the rest reads as zeros.
type disk struct {
	data []byte
	size int64 // bytes
}

func (d *disk) Size() int64  { return d.size }
func (d *disk) Close() error { return nil }

func (d *disk) ReadAt(p []byte, off int64) (int, error) {
	if off >= d.size {
		return 0, io.EOF
	}
	n := int(min(int64(len(p)), d.size-off))
	clear(p[:n])
	if off < int64(len(d.data)) {
		copy(p[:n], d.data[off:])
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (d *disk) Data(off int64) (int64, int64, error) {
	if off >= int64(len(d.data)) {
		return 0, 0, io.EOF
	}
	return off, int64(len(d.data)), nil
}

func (d *disk) WriteAt(p []byte, off int64) (int, error) {
	if end := off + int64(len(p)); end > int64(len(d.data)) {
		d.data = append(d.data, make([]byte, end-int64(len(d.data)))...)
	}
	return copy(d.data[off:], p), nil
}

func (d *disk) Zero(off, n int64) error {
	if off < int64(len(d.data)) {
		clear(d.data[off:min(off+n, int64(len(d.data)))])
	}
	return nil
}

func (d *disk) text() string { return strings.TrimRight(string(d.data), "\x00") }

// contentOf is a copy of what a content holds.
func contentOf(c cinder.Content, size int64) (*disk, error) {
	d := &disk{size: size}
	for off := int64(0); ; {
		a, b, err := c.Data(off)
		if err == io.EOF {
			return d, nil
		}
		if err != nil {
			return nil, err
		}
		p := make([]byte, b-a)
		if _, err := c.ReadAt(p, a); err != nil && err != io.EOF {
			return nil, err
		}
		d.WriteAt(bytes.TrimRight(p, "\x00"), a)
		off = b
	}
}

// A Backend is a cinder.Backend in memory.
type Backend struct {
	w         *World
	mu        sync.Mutex
	volumes   map[string]*disk
	snapshots map[string]*disk // by volume/snapshot
	holders   map[string]bool  // by volume/holder
	Full      bool             // it takes nothing new
	InUse     bool             // it can take and grow volumes in use
}

var _ cinder.Backend = (*Backend)(nil)

func (b *Backend) Features() cinder.Features {
	return cinder.Features{Protocol: "memory", Vendor: "Open Source", Thin: true, Multiattach: true, ExtendInUse: b.InUse, SnapshotInUse: b.InUse}
}

func (b *Backend) Capacity(context.Context) (total, free float64, err error) {
	if b.Full {
		return 1000, 0, nil
	}
	return 1000, 900, nil
}

// Text is what a volume, or a snapshot of it, holds; ok tells whether it is there.
func (b *Backend) Text(volume, snapshot string) (text string, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	d := b.at(volume, snapshot)
	if d == nil {
		return "", false
	}
	return d.text(), true
}

// Write writes what a guest would.
func (b *Backend) Write(volume, text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.volumes[volume].data = []byte(text)
}

// Put puts something on the backend that no row knows.
func (b *Backend) Put(name, text string, gib int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.volumes[name] = &disk{[]byte(text), gib * cinder.GiB}
}

// Left is everything that is there.
func (b *Backend) Left() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Sorted(slices.Values(append(slices.Collect(maps.Keys(b.volumes)), slices.Collect(maps.Keys(b.snapshots))...)))
}

func (b *Backend) at(volume, snapshot string) *disk {
	if snapshot != "" {
		return b.snapshots[volume+"/"+snapshot]
	}
	return b.volumes[volume]
}

// act is one effect, with the places around it where the process may end.
func (b *Backend) act(f func() error) error { return b.w.act(&b.mu, f) }

func missing(id string) error {
	return converge.Final{Err: fmt.Errorf("%s: %w", id, cinder.ErrMissing)}
}

func (b *Backend) Has(_ context.Context, volume string) (int64, bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	d := b.volumes[volume]
	if d == nil {
		return 0, false, nil
	}
	return d.size / cinder.GiB, true, nil
}

func (b *Backend) Create(_ context.Context, volume string, size int64, from cinder.Source) error {
	return b.act(func() error {
		if b.volumes[volume] != nil {
			return nil
		}
		d := &disk{size: size * cinder.GiB}
		var err error
		switch {
		case from.SnapshotID != "" || from.VolumeID != "":
			o := b.at(from.VolumeID, from.SnapshotID)
			if o == nil {
				return missing(from.VolumeID)
			}
			d.data = slices.Clone(o.data)
		case from.Image != nil:
			d.data, err = io.ReadAll(from.Image)
		case from.Content != nil:
			d, err = contentOf(from.Content, d.size)
		}
		if err == nil {
			b.volumes[volume] = d
		}
		return err
	})
}

func (b *Backend) Extend(_ context.Context, volume string, size int64) error {
	return b.act(func() error {
		d := b.volumes[volume]
		if d == nil {
			return missing(volume)
		}
		d.size = max(d.size, size*cinder.GiB)
		return nil
	})
}

func (b *Backend) Delete(_ context.Context, volume string) error {
	return b.act(func() error {
		for k := range b.snapshots {
			if strings.HasPrefix(k, volume+"/") {
				return cinder.ErrHasSnapshots
			}
		}
		delete(b.volumes, volume)
		return nil
	})
}

func (b *Backend) HasSnapshot(_ context.Context, volume, snapshot string) (bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.snapshots[volume+"/"+snapshot] != nil, nil
}

func (b *Backend) CreateSnapshot(_ context.Context, volume, snapshot string) error {
	return b.act(func() error {
		d := b.volumes[volume]
		if d == nil {
			return missing(volume)
		}
		if b.snapshots[volume+"/"+snapshot] == nil {
			b.snapshots[volume+"/"+snapshot] = &disk{slices.Clone(d.data), d.size}
		}
		return nil
	})
}

func (b *Backend) DeleteSnapshot(_ context.Context, volume, snapshot string) error {
	return b.act(func() error { delete(b.snapshots, volume+"/"+snapshot); return nil })
}

func (b *Backend) Revert(_ context.Context, volume, snapshot string) error {
	return b.act(func() error {
		d, p := b.volumes[volume], b.snapshots[volume+"/"+snapshot]
		if d == nil || p == nil {
			return missing(volume)
		}
		d.data = slices.Clone(p.data)
		return nil
	})
}

func (b *Backend) Open(_ context.Context, volume, snapshot string) (cinder.Content, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	d := b.at(volume, snapshot)
	if d == nil {
		return nil, missing(volume)
	}
	return d, nil
}

func (b *Backend) Edit(_ context.Context, volume string) (cinder.Target, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	d := b.volumes[volume]
	if d == nil {
		return nil, missing(volume)
	}
	return editing{d, b}, nil
}

// editing is a disk being written over: half of a write may be all there is.
type editing struct {
	*disk
	b *Backend
}

func (e editing) WriteAt(p []byte, off int64) (int, error) {
	half := len(p) / 2
	e.b.act(func() error { e.disk.WriteAt(p[:half], off); return nil })
	err := e.b.act(func() error { e.disk.WriteAt(p[half:], off+int64(half)); return nil })
	return len(p), err
}

func (e editing) Zero(off, n int64) error {
	return e.b.act(func() error { return e.disk.Zero(off, n) })
}

func (b *Backend) Connect(_ context.Context, volume, holder string) (string, map[string]string, error) {
	err := b.act(func() error { b.holders[volume+"/"+holder] = true; return nil })
	return "file", map[string]string{"file": "/memory/" + volume}, err
}

func (b *Backend) Disconnect(_ context.Context, volume, holder string) error {
	return b.act(func() error { delete(b.holders, volume+"/"+holder); return nil })
}

// Holders are how many holders have been let at volumes, and not been kept off again.
func (b *Backend) Holders() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.holders)
}

func (b *Backend) Manageable(_ context.Context, volume string) ([]cinder.Found, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []cinder.Found
	if volume == "" {
		for id, d := range b.volumes {
			out = append(out, cinder.Found{Name: id, ID: id, Bytes: d.size})
		}
		return out, nil
	}
	for k, d := range b.snapshots {
		if id, ok := strings.CutPrefix(k, volume+"/"); ok {
			out = append(out, cinder.Found{Name: id, ID: id, Bytes: d.size})
		}
	}
	return out, nil
}

func (b *Backend) Adopt(_ context.Context, name, volume string) (size int64, err error) {
	err = b.act(func() error { size, err = adopt(b.volumes, name, volume); return err })
	return size, err
}

func (b *Backend) AdoptSnapshot(_ context.Context, volume, name, snapshot string) (size int64, err error) {
	err = b.act(func() error { size, err = adopt(b.snapshots, volume+"/"+name, volume+"/"+snapshot); return err })
	return size, err
}

func adopt(m map[string]*disk, from, to string) (int64, error) {
	if m[to] == nil {
		if m[from] == nil {
			return 0, missing(from)
		}
		m[to] = m[from]
		delete(m, from)
	}
	return (m[to].size + cinder.GiB - 1) / cinder.GiB, nil
}
