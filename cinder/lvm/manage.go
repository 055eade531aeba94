package lvm

import (
	"context"
	"errors"
	"strings"

	"stackd/cinder"
	"stackd/cinder/raw"
	"stackd/internal/converge"
)

// disk tells whether an lv may be a volume: no pool, no snapshot, nothing half made.
func (v lv) disk() bool {
	if strings.HasPrefix(v.Name, "new-") || strings.HasPrefix(v.Name, "old-") || strings.HasPrefix(v.Name, "_snapshot-") {
		return false
	}
	return v.Attr != "" && strings.ContainsRune("-owV", rune(v.Attr[0]))
}

func (b *Volumes) Manageable(ctx context.Context, volume string) ([]cinder.Found, error) {
	name := ""
	if volume != "" {
		var err error
		if name, err = volumeName(volume); err != nil {
			return nil, err
		}
	}
	all, err := b.all(ctx)
	var found []cinder.Found
	for _, v := range all {
		switch {
		case name == "" && v.disk():
			found = append(found, cinder.Found{Name: v.Name, ID: raw.IDOf("volume-", v.Name), Bytes: v.Size, InUse: v.open()})
		case name != "" && v.of(name):
			found = append(found, cinder.Found{Name: v.Name, ID: raw.IDOf("_snapshot-", v.Name), Bytes: v.Size})
		}
	}
	return found, err
}

// Adopt renames an lv of the group, and makes its size whole GiB. Its snapshots come
// along. Beside a thin pool a thick one without snapshots is copied into the pool: there
// it is a volume like any, and the room outside is too little for its snapshots.
func (b *Volumes) Adopt(ctx context.Context, name, volume string) (int64, error) {
	to, err := volumeName(volume)
	if err != nil {
		return 0, err
	}
	m, err := b.hold(ctx, to)
	if err != nil {
		return 0, err
	}
	defer m.release()
	if _, ok := m.all[to]; !ok {
		if err := m.take(ctx, name); err != nil {
			return 0, err
		}
	}
	v := m.all[to]
	size := max(1, gib(v.Size))
	thin, err := m.thinned(ctx, v)
	switch {
	case err == nil && thin:
		if err = m.intoPool(ctx, v, size*cinder.GiB); err == nil {
			err = b.act(ctx, m.lock, "lvchange", "--deltag", Tag, b.Group+"/"+to)
		}
	case err == nil && size*cinder.GiB > v.Size:
		err = m.grow(ctx, v, size*cinder.GiB)
	}
	return size, err
}

// thinned tells whether an adopted lv is to be copied into the pool.
func (m *making) thinned(ctx context.Context, v lv) (bool, error) {
	if v.thin() || v.Attr[0] == 'o' {
		return false, nil
	}
	return m.b.thinly(ctx, m.all)
}

// intoPool puts a thin copy of a thick lv in its place.
func (m *making) intoPool(ctx context.Context, v lv, size int64) error {
	if v.open() {
		return converge.Finalf("%q is open: it cannot be copied into the pool while somebody writes it", v.Name)
	}
	to, err := m.blank(ctx, size)
	if err == nil {
		err = errors.Join(m.copyTo(ctx, to, v), to.Close())
	}
	if err != nil {
		return raw.Room(errors.Join(m.full(ctx, err), m.recover(context.WithoutCancel(ctx))))
	}
	return m.swap(ctx)
}

func (m *making) take(ctx context.Context, name string) error {
	if v, ok := m.all[name]; !ok || !v.disk() {
		return converge.Finalf("%q is no logical volume here: %w", name, cinder.ErrMissing)
	}
	for _, s := range m.all {
		if s.of(name) { // of both, until it has its new name
			if err := m.b.act(ctx, m.lock, "lvchange", "--addtag", ofTag(m.name), m.b.Group+"/"+s.Name); err != nil {
				return err
			}
		}
	}
	if err := m.rename(ctx, name, m.name); err != nil {
		return err
	}
	for _, s := range m.all {
		if strings.Contains(s.Tags, ofTag(name)) {
			if err := m.b.act(ctx, m.lock, "lvchange", "--deltag", ofTag(name), m.b.Group+"/"+s.Name); err != nil {
				return err
			}
		}
	}
	return m.look(ctx)
}

// AdoptSnapshot renames a snapshot of a volume.
func (b *Volumes) AdoptSnapshot(ctx context.Context, volume, name, snapshot string) (int64, error) {
	v, to, err := bothNames(volume, snapshot)
	if err != nil {
		return 0, err
	}
	m, err := b.hold(ctx, v)
	if err != nil {
		return 0, err
	}
	defer m.release()
	if s, ok := m.all[to]; ok && s.of(v) {
		return gib(s.Size), nil
	}
	s, ok := m.all[name]
	if !ok || !s.of(v) {
		return 0, converge.Finalf("%q is no snapshot of it: %w", name, cinder.ErrMissing)
	}
	if err := b.act(ctx, m.lock, "lvchange", "--addtag", ofTag(v), b.Group+"/"+name); err != nil {
		return 0, err
	}
	return gib(s.Size), m.rename(ctx, name, to)
}
