package rbd

import (
	"context"
	"errors"
	"strings"
	"syscall"

	"stackd/cinder/raw"
	"stackd/internal/ceph"
)

type snapshot struct {
	Name string
	Size int64
}

// copying is the id of the volume that a snapshot was taken to be cloned for, "" for others.
func (s snapshot) copying() string { return raw.IDOf(".clone-", s.Name) }

// snapshots are an image's, none when there is no such image.
func (p *Pool) snapshots(ctx context.Context, image string) (all []snapshot, err error) {
	err = p.JSON(ctx, &all, "rbd", append([]string{"snap", "ls"}, p.of(image, "")...)...)
	if ceph.Missing(err) {
		return nil, nil
	}
	return all, err
}

func (p *Pool) HasSnapshot(ctx context.Context, volume, snapshot string) (bool, error) {
	v, s, err := bothNames(volume, snapshot)
	if err != nil {
		return false, err
	}
	_, ok, err := p.look(ctx, v, s)
	return ok, err
}

func (p *Pool) CreateSnapshot(ctx context.Context, volume, snapshot string) error {
	v, s, err := bothNames(volume, snapshot)
	if err != nil {
		return err
	}
	err = p.rbd(ctx, nil, append([]string{"snap", "create"}, p.of(v, s)...)...)
	if ceph.Code(err) == syscall.EEXIST {
		return nil
	}
	return missing(err, v, "")
}

func (p *Pool) DeleteSnapshot(ctx context.Context, volume, snapshot string) error {
	v, s, err := bothNames(volume, snapshot)
	if err != nil {
		return err
	}
	return p.dropSnapshot(ctx, v, s)
}

// dropSnapshot takes a snapshot away; one that clones stand on is kept by Ceph, out of sight.
func (p *Pool) dropSnapshot(ctx context.Context, image, snapshot string) error {
	err := p.rbd(ctx, nil, append([]string{"snap", "rm"}, p.of(image, snapshot)...)...)
	if ceph.Missing(err) {
		return nil
	}
	return err
}

// Revert rolls back; where the volume has grown since, it is written over instead, as
// rolling back would make it small again.
func (p *Pool) Revert(ctx context.Context, volume, snapshot string) error {
	v, s, err := bothNames(volume, snapshot)
	if err != nil {
		return err
	}
	l, err := p.lock(ctx, v)
	if err != nil {
		return err
	}
	defer l.Close()
	now, err := p.find(ctx, v, "")
	if err != nil {
		return err
	}
	then, err := p.find(ctx, v, s)
	if err != nil {
		return err
	}
	if now.Size == then.Size {
		return p.rbd(ctx, l, append([]string{"snap", "rollback"}, p.of(v, s)...)...)
	}
	return p.overwrite(ctx, v, s, now.Size)
}

func (p *Pool) overwrite(ctx context.Context, image, snapshot string, size int64) error {
	from, err := p.open(ctx, image, snapshot, false)
	if err != nil {
		return err
	}
	to, err := p.open(ctx, image, "", true)
	if err != nil {
		return errors.Join(err, from.Close())
	}
	return errors.Join(raw.Overwrite(ctx, to, size, from), to.Close(), from.Close())
}

// plain tells whether an image's name can be said to rbd without being read as more.
func plain(name string) bool {
	return name != "" && !strings.ContainsAny(name, "/@\x00\n") && !strings.HasPrefix(name, ".") && !strings.HasPrefix(name, "-")
}
