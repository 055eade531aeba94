package lvm

import (
	"context"
	"errors"
	"os"

	"stackd/cinder/raw"
)

func (b *Volumes) HasSnapshot(ctx context.Context, volume, snapshot string) (bool, error) {
	v, s, err := bothNames(volume, snapshot)
	if err != nil {
		return false, err
	}
	all, err := b.all(ctx)
	return all[s].Name != "" && all[s].of(v), err
}

// holdBoth holds a volume, whose snapshot is meant.
func (b *Volumes) holdBoth(ctx context.Context, volume, snapshot string) (m *making, v, s string, err error) {
	if v, s, err = bothNames(volume, snapshot); err == nil {
		m, err = b.hold(ctx, v)
	}
	return m, v, s, err
}

func (b *Volumes) CreateSnapshot(ctx context.Context, volume, snapshot string) error {
	m, v, s, err := b.holdBoth(ctx, volume, snapshot)
	if err != nil {
		return err
	}
	defer m.release()
	o, ok := m.all[v]
	if !ok {
		return raw.Missing("volume", volume)
	}
	if _, ok := m.all[s]; ok {
		return nil
	}
	args := []string{"lvcreate", "--yes", "-s", "--addtag", Tag, "--addtag", ofTag(v), "-n", s}
	if o.thin() {
		args = append(args, "-kn")
	} else {
		args = append(args, "-l", "100%ORIGIN", "--chunksize", "64k")
	}
	return b.act(ctx, m.lock, append(args, b.Group+"/"+v)...)
}

func (b *Volumes) DeleteSnapshot(ctx context.Context, volume, snapshot string) error {
	m, v, s, err := b.holdBoth(ctx, volume, snapshot)
	if err != nil {
		return err
	}
	defer m.release()
	if x, ok := m.all[s]; !ok || !x.of(v) {
		return nil
	}
	return m.drop(ctx, s)
}

// Revert puts a thin copy of the snapshot in the volume's place; a thick volume is
// written over where it differs.
func (b *Volumes) Revert(ctx context.Context, volume, snapshot string) error {
	m, v, s, err := b.holdBoth(ctx, volume, snapshot)
	if err != nil {
		return err
	}
	defer m.release()
	now, ok := m.all[v]
	if !ok {
		return raw.Missing("volume", volume)
	}
	then, ok := m.all[s]
	if !ok || !then.of(v) {
		return raw.Missing("snapshot", snapshot)
	}
	if !now.thin() || !then.thin() {
		return m.overwrite(ctx, now, then)
	}
	if err := m.share(ctx, then, now.Size); err != nil {
		return errors.Join(err, m.recover(context.WithoutCancel(ctx)))
	}
	return m.swap(ctx)
}

// swap gives the part the volume's name. recover ends or undoes what is cut off.
func (m *making) swap(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return errors.Join(err, m.recover(context.WithoutCancel(ctx)))
	}
	ctx = context.WithoutCancel(ctx)
	err := m.rename(ctx, m.name, "old-"+m.name)
	if err == nil {
		err = m.rename(ctx, m.part(), m.name)
	}
	return errors.Join(err, m.recover(ctx))
}

func (m *making) overwrite(ctx context.Context, now, then lv) error {
	from, err := m.b.open(ctx, then, os.O_RDONLY)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := m.b.open(ctx, now, os.O_RDWR)
	if err != nil {
		return err
	}
	return errors.Join(raw.Mend(ctx, to, to.Size(), from), to.Close())
}
