package rbd

import (
	"context"
	"strings"

	"stackd/cinder"
	"stackd/cinder/raw"
	"stackd/internal/ceph"
	"stackd/internal/converge"
)

func (p *Pool) Manageable(ctx context.Context, volume string) ([]cinder.Found, error) {
	if volume != "" {
		return p.manageableSnapshots(ctx, volume)
	}
	var all []struct {
		Image, Snapshot string
		Size            int64
		Lock            string `json:"lock_type"`
	}
	if err := p.JSON(ctx, &all, "rbd", "ls", "-l", "--pool="+p.Pool); err != nil {
		return nil, err
	}
	var found []cinder.Found
	for _, x := range all {
		if x.Snapshot == "" && !strings.HasPrefix(x.Image, ".") {
			found = append(found, cinder.Found{Name: x.Image, ID: raw.IDOf("volume-", x.Image), Bytes: x.Size, InUse: x.Lock != ""})
		}
	}
	return found, nil
}

func (p *Pool) manageableSnapshots(ctx context.Context, volume string) ([]cinder.Found, error) {
	name, err := volumeName(volume)
	if err != nil {
		return nil, err
	}
	all, err := p.snapshots(ctx, name)
	var found []cinder.Found
	for _, s := range all {
		if s.copying() == "" {
			found = append(found, cinder.Found{Name: s.Name, ID: raw.IDOf("snapshot-", s.Name), Bytes: s.Size})
		}
	}
	return found, err
}

// Adopt renames an image within the pool, and makes its size whole GiB.
func (p *Pool) Adopt(ctx context.Context, name, volume string) (int64, error) {
	to, err := volumeName(volume)
	if err != nil {
		return 0, err
	}
	m, err := p.hold(ctx, to)
	if err != nil {
		return 0, err
	}
	defer m.release()
	i, ok, err := p.look(ctx, to, "")
	if err == nil && !ok {
		i, err = m.take(ctx, name)
	}
	if err != nil {
		return 0, err
	}
	size := max(1, gib(i.Size))
	if size*cinder.GiB == i.Size {
		return size, nil
	}
	return size, p.rbd(ctx, m.lock, append([]string{"resize", bytesOption(size * cinder.GiB)}, p.of(to, "")...)...)
}

func (m *making) take(ctx context.Context, name string) (info, error) {
	if !plain(name) {
		return info{}, converge.Finalf("%q is no name of an image here: %w", name, cinder.ErrMissing)
	}
	i, err := m.p.find(ctx, name, "")
	if err == nil {
		err = m.p.rbd(context.WithoutCancel(ctx), m.lock, "rename", "--pool="+m.p.Pool, "--image="+name, "--dest-pool="+m.p.Pool, "--dest="+m.name)
	}
	return i, err
}

// AdoptSnapshot renames a snapshot of a volume.
func (p *Pool) AdoptSnapshot(ctx context.Context, volume, name, snapshot string) (int64, error) {
	v, to, err := bothNames(volume, snapshot)
	if err != nil {
		return 0, err
	}
	i, ok, err := p.look(ctx, v, to)
	if err != nil || ok {
		return gib(i.Size), err
	}
	if !plain(name) {
		return 0, converge.Finalf("%q is no name of a snapshot: %w", name, cinder.ErrMissing)
	}
	if i, err = p.find(ctx, v, name); err != nil {
		return 0, err
	}
	err = p.rbd(ctx, nil, "snap", "rename", "--pool="+p.Pool, "--image="+v, "--snap="+name, "--dest-pool="+p.Pool, "--dest="+v, "--dest-snap="+to)
	if ceph.Missing(err) {
		err = raw.Missing("snapshot", name)
	}
	return gib(i.Size), err
}
