package rbd

import (
	"context"
	"errors"
	"path/filepath"
	"strconv"
	"syscall"

	"stackd/cinder"
	"stackd/cinder/raw"
	"stackd/internal/ceph"
	"stackd/internal/converge"
)

func bytesOption(n int64) string { return "--size=" + strconv.FormatInt(n, 10) + "B" }

func (p *Pool) Has(ctx context.Context, volume string) (int64, bool, error) {
	name, err := volumeName(volume)
	if err != nil {
		return 0, false, err
	}
	i, ok, err := p.look(ctx, name, "")
	return gib(i.Size), ok, err
}

// gib rounds up to whole GiB.
func gib(n int64) int64 { return (n + cinder.GiB - 1) / cinder.GiB }

func (p *Pool) Create(ctx context.Context, volume string, size int64, from cinder.Source) error {
	name, err := volumeName(volume)
	if err != nil {
		return err
	}
	original, snapshot := "", ""
	if from.VolumeID != "" {
		if original, snapshot, err = names(from.VolumeID, from.SnapshotID); err != nil {
			return err
		}
	}
	m, err := p.hold(ctx, name)
	if err != nil {
		return err
	}
	defer m.release()
	return m.make(ctx, func(ctx context.Context) error {
		switch {
		case original != "":
			return m.copy(ctx, size*cinder.GiB, original, snapshot)
		case from.Place != "" && from.Passphrase == nil && from.Format == "raw" && m.cloneImage(ctx, size*cinder.GiB, from.Place) == nil:
			return nil
		}
		return m.fill(ctx, size*cinder.GiB, from)
	})
}

// fill makes an image and writes what a source holds.
func (m *making) fill(ctx context.Context, size int64, from cinder.Source) error {
	if err := m.p.rbd(ctx, m.lock, append([]string{"create", "--image-format=2", bytesOption(size)}, m.p.of(m.part, "")...)...); err != nil {
		return err
	}
	if from.Image == nil && from.Content == nil && from.Passphrase == nil {
		return nil
	}
	d, err := m.p.open(ctx, m.part, "", true)
	if err != nil {
		return err
	}
	fill := raw.Fill{To: d, Size: size, Scratch: filepath.Join(m.p.Dir, m.part), Lock: m.lock.File}
	return errors.Join(fill.From(ctx, from), d.Close())
}

func (p *Pool) Extend(ctx context.Context, volume string, size int64) error {
	name, err := volumeName(volume)
	if err != nil {
		return err
	}
	l, err := p.lock(ctx, name)
	if err != nil {
		return err
	}
	defer l.Close()
	i, err := p.find(ctx, name, "")
	if err != nil || i.Size >= size*cinder.GiB {
		return err
	}
	return p.rbd(ctx, l, append([]string{"resize", bytesOption(size * cinder.GiB)}, p.of(name, "")...)...)
}

func (p *Pool) Delete(ctx context.Context, volume string) error {
	name, err := volumeName(volume)
	if err != nil {
		return err
	}
	m, err := p.hold(ctx, name)
	if err != nil {
		return err
	}
	defer m.release()
	i, ok, err := p.look(ctx, name, "")
	if err != nil || !ok {
		return err
	}
	snapshots, err := p.snapshots(ctx, name)
	if err != nil {
		return err
	}
	for _, s := range snapshots {
		if s.copying() == "" {
			return converge.Final{Err: cinder.ErrHasSnapshots}
		}
		if err := p.dropSnapshot(ctx, name, s.Name); err != nil {
			return err
		}
	}
	if err := p.remove(ctx, m.lock, name); err != nil {
		return err
	}
	if i.Parent == nil {
		return nil
	}
	return p.uncopied(ctx, *i.Parent, name)
}

// remove removes an image, or puts it into the trash while clones stand on it.
func (p *Pool) remove(ctx context.Context, l *raw.Lock, name string) error {
	err := p.rbd(ctx, l, append([]string{"rm"}, p.of(name, "")...)...)
	if ceph.Code(err) == syscall.ENOTEMPTY {
		err = p.rbd(ctx, l, append([]string{"trash", "mv"}, p.of(name, "")...)...)
	}
	if ceph.Missing(err) {
		return nil
	}
	return err
}
