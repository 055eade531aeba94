package rbd

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"time"

	"stackd/internal/ceph"
	"stackd/internal/converge"
)

// copy clones a snapshot, or what a volume holds now.
func (m *making) copy(ctx context.Context, size int64, from, snapshot string) error {
	if snapshot != "" {
		return m.clone(ctx, size, m.p.Pool, from, snapshot)
	}
	now := cloneOf(m.name)
	if err := m.p.dropSnapshot(ctx, from, now); err != nil { // an older try's is of another time
		return err
	}
	if err := m.p.rbd(ctx, m.lock, append([]string{"snap", "create"}, m.p.of(from, now)...)...); err != nil {
		return missing(err, from, "")
	}
	if err := m.clone(ctx, size, m.p.Pool, from, now); err != nil {
		m.p.dropSnapshot(context.WithoutCancel(ctx), from, now) // what stays, the original's Delete finds
		return err
	}
	return m.p.dropSnapshot(ctx, from, now)
}

// clone makes the new image one of a snapshot, and as large as it is to be.
func (m *making) clone(ctx context.Context, size int64, pool, image, snapshot string) error {
	var of info
	err := m.p.JSON(ctx, &of, "rbd", "info", "--pool="+pool, "--image="+image, "--snap="+snapshot)
	if err != nil {
		return missing(err, image, snapshot)
	}
	if of.Size > size {
		return converge.Finalf("the original has %d bytes, the copy %d", of.Size, size)
	}
	err = m.p.rbd(ctx, m.lock, "clone", "--rbd-default-clone-format=2", "--pool="+pool, "--image="+image, "--snap="+snapshot, "--dest-pool="+m.p.Pool, "--dest="+m.part)
	if err != nil {
		return missing(err, image, snapshot)
	}
	if of.Size < size {
		if err := m.p.rbd(ctx, m.lock, append([]string{"resize", bytesOption(size)}, m.p.of(m.part, "")...)...); err != nil {
			return err
		}
	}
	return m.stand(ctx)
}

// stand gives a clone that stands on too many others its own bytes.
func (m *making) stand(ctx context.Context) error {
	i, err := m.p.find(ctx, m.part, "")
	for depth := 0; err == nil && i.Parent != nil; depth++ {
		if depth == m.p.MaxDepth {
			return m.p.rbd(ctx, m.lock, append([]string{"flatten"}, m.p.of(m.part, "")...)...)
		}
		i, err = m.p.byID(ctx, i.Parent.Pool, i.Parent.ID)
	}
	return err
}

// cloneImage clones an image of glance's that lies in the same cluster, at
// rbd://fsid/pool/image/snapshot. Whatever is against it, the bytes can be copied.
func (m *making) cloneImage(ctx context.Context, size int64, place string) error {
	parts := strings.Split(strings.TrimPrefix(place, "rbd://"), "/")
	if !strings.HasPrefix(place, "rbd://") || len(parts) != 4 {
		return fmt.Errorf("%q is no image of Ceph's", place)
	}
	id, err := m.p.fsid.get(time.Hour, func() (string, error) { return m.p.FSID(ctx) })
	if err != nil || id != parts[0] {
		return fmt.Errorf("%q is of another cluster: %w", place, err)
	}
	if err := m.clone(ctx, size, parts[1], parts[2], parts[3]); err != nil {
		m.clear(context.WithoutCancel(ctx))
		return err
	}
	return nil
}

func (p *Pool) byID(ctx context.Context, pool, id string) (i info, err error) {
	err = p.JSON(ctx, &i, "rbd", "info", "--pool="+pool, "--image-id="+id)
	return i, err
}

// uncopied frees what a copy that has gone was made of: the snapshot that was taken for
// it, if a cut left that, and images in the trash that nobody stands on any more.
func (p *Pool) uncopied(ctx context.Context, of parent, name string) error {
	if of.Pool != p.Pool {
		return nil
	}
	if !of.Trash && of.Snapshot == cloneOf(name) {
		return p.dropSnapshot(ctx, of.Image, of.Snapshot)
	}
	for of.Trash {
		i, err := p.byID(ctx, p.Pool, of.ID)
		if err == nil {
			err = p.expunge(ctx, of.ID)
		}
		if ceph.Missing(err) || stoodOn(err) {
			return nil
		}
		if err != nil || i.Parent == nil || i.Parent.Pool != p.Pool {
			return err
		}
		of = *i.Parent
	}
	return nil
}

// expunge removes an image from the trash. It may have got there while it was being
// cloned: whoever did so does not find the snapshot of that any more.
func (p *Pool) expunge(ctx context.Context, id string) error {
	rm := func() error { return p.rbd(ctx, nil, "trash", "rm", "--pool="+p.Pool, "--image-id="+id) }
	first := rm()
	if ceph.Code(first) != syscall.ENOTEMPTY {
		return first
	}
	var all []snapshot
	if err := p.JSON(ctx, &all, "rbd", "snap", "ls", "--pool="+p.Pool, "--image-id="+id); err != nil {
		return err
	}
	dropped := false
	for _, s := range all {
		if s.copying() == "" {
			continue
		}
		if err := p.rbd(ctx, nil, "snap", "rm", "--pool="+p.Pool, "--image-id="+id, "--snap="+s.Name); err != nil {
			return err
		}
		dropped = true
	}
	if !dropped {
		return first
	}
	return rm()
}

// stoodOn tells whether an image could not be removed because clones stand on it.
func stoodOn(err error) bool {
	code := ceph.Code(err)
	return code == syscall.ENOTEMPTY || code == syscall.EBUSY
}

// Tidy removes from the trash what of ours nobody stands on. Delete does so by itself,
// unless it is cut off.
func (p *Pool) Tidy(ctx context.Context) error {
	var all []struct{ ID, Name string }
	if err := p.JSON(ctx, &all, "rbd", "trash", "ls", "--all", "--pool="+p.Pool); err != nil {
		return err
	}
	for _, x := range all {
		if !strings.HasPrefix(x.Name, "volume-") && !strings.HasPrefix(x.Name, ".new-volume-") {
			continue
		}
		if err := p.uncopied(ctx, parent{Pool: p.Pool, ID: x.ID, Trash: true}, ""); err != nil {
			return err
		}
	}
	return nil
}
