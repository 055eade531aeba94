package lvm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"stackd/cinder"
	"stackd/cinder/raw"
	"stackd/internal/converge"
)

func (b *Volumes) Has(ctx context.Context, volume string) (int64, bool, error) {
	name, err := volumeName(volume)
	if err != nil {
		return 0, false, err
	}
	all, err := b.all(ctx)
	v, ok := either(all, name)
	return gib(v.ungrown()), ok, err
}

// gib rounds up to whole GiB.
func gib(n int64) int64 { return (n + cinder.GiB - 1) / cinder.GiB }

func sized(n int64) string { return strconv.FormatInt(n, 10) + "b" }

// A making is a volume that is changed: its name is held, and there is nothing left of
// one who was cut off.
type making struct {
	b    *Volumes
	name string
	lock *raw.Lock
	all  map[string]lv
}

func (m *making) part() string { return "new-" + m.name }

func (b *Volumes) hold(ctx context.Context, name string) (*making, error) {
	l, err := b.lock(ctx, name)
	if err != nil {
		return nil, err
	}
	m := &making{b: b, name: name, lock: l}
	if err := m.recover(ctx); err != nil {
		l.Close()
		return nil, err
	}
	return m, nil
}

func (m *making) release() { m.lock.Close() }

func (m *making) look(ctx context.Context) (err error) {
	m.all, err = m.b.all(ctx)
	return err
}

// recover takes away what is half made, and ends or undoes a half done going back.
func (m *making) recover(ctx context.Context) error {
	if err := m.look(ctx); err != nil {
		return err
	}
	_, there := m.all[m.name]
	_, old := m.all["old-"+m.name]
	_, part := m.all[m.part()]
	var errs []error
	if old && there {
		errs = append(errs, m.discard(ctx, m.all["old-"+m.name]))
	} else if old {
		errs = append(errs, m.rename(ctx, "old-"+m.name, m.name))
	}
	if part {
		errs = append(errs, m.drop(ctx, m.part()))
	}
	if v, ok := either(m.all, m.name); ok && v.ungrown() != v.Size {
		errs = append(errs, m.zeroGrown(ctx, v))
	}
	if len(errs) == 0 {
		return nil
	}
	return errors.Join(append(errs, m.look(ctx))...)
}

func (m *making) drop(ctx context.Context, name string) error {
	return m.b.act(ctx, m.lock, "lvremove", "--yes", "--force", m.b.Group+"/"+name)
}

func (m *making) rename(ctx context.Context, from, to string) error {
	return m.b.act(ctx, m.lock, "lvrename", m.b.Group, from, to)
}

func (b *Volumes) Create(ctx context.Context, volume string, size int64, from cinder.Source) error {
	name, err := volumeName(volume)
	if err != nil {
		return err
	}
	original := ""
	if from.VolumeID != "" {
		if original, err = b.originalName(from.VolumeID, from.SnapshotID); err != nil {
			return err
		}
	}
	m, err := b.hold(ctx, name)
	if err != nil {
		return err
	}
	defer m.release()
	if _, ok := m.all[name]; ok {
		return nil
	}
	if err = m.fill(ctx, size*cinder.GiB, original, from); err == nil {
		err = m.settle(ctx)
	}
	if err != nil {
		err = errors.Join(m.full(ctx, err), m.recover(context.WithoutCancel(ctx)))
	}
	return raw.Room(err)
}

// settle gives what is whole its name.
func (m *making) settle(ctx context.Context) error {
	return m.rename(ctx, m.part(), m.name)
}

// full makes the error of a write that a full pool has not taken say so.
func (m *making) full(ctx context.Context, err error) error {
	all, e := m.b.all(context.WithoutCancel(ctx))
	if p, ok := all[m.b.Pool]; e == nil && ok && p.Used >= 99.9 && ctx.Err() == nil {
		return converge.Final{Err: fmt.Errorf("%w: %w", cinder.ErrFull, err)}
	}
	return err
}

func (b *Volumes) originalName(volume, snapshot string) (string, error) {
	if snapshot == "" {
		return volumeName(volume)
	}
	_, s, err := bothNames(volume, snapshot)
	return s, err
}

func (m *making) fill(ctx context.Context, size int64, original string, from cinder.Source) error {
	if original != "" {
		return m.copy(ctx, size, original, from)
	}
	d, err := m.blank(ctx, size)
	if err != nil {
		return err
	}
	at, err := filepath.EvalSymlinks(m.b.path(m.part()))
	if err == nil {
		fill := raw.Fill{To: d, Path: at, Size: size, Scratch: filepath.Join(m.b.Dir, m.part()), Lock: m.lock.File}
		err = fill.From(ctx, from)
	}
	return errors.Join(err, d.Close())
}

// blank makes the part a disk that reads as zeros.
func (m *making) blank(ctx context.Context, size int64) (*raw.Disk, error) {
	thin, err := m.b.thinly(ctx, m.all)
	if err != nil {
		return nil, err
	}
	args := []string{"lvcreate", "--yes", "--addtag", Tag, "-Zn", "-Wn", "-L", sized(size), "-n", m.part(), m.b.Group}
	if thin {
		args = []string{"lvcreate", "--yes", "--addtag", Tag, "-Wn", "-V", sized(size), "--thinpool", m.b.Pool, "-n", m.part(), m.b.Group}
	}
	if err := m.b.act(ctx, m.lock, args...); err != nil {
		return nil, err
	}
	d, err := m.b.open(ctx, lv{Name: m.part(), Active: "active"}, os.O_RDWR)
	if err != nil || thin {
		return d, err
	}
	if err := zero(ctx, d, 0, d.Size()); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// copy makes the part one of an lv: it shares blocks where both are thin.
func (m *making) copy(ctx context.Context, size int64, original string, from cinder.Source) error {
	o, ok := either(m.all, original)
	if !ok || from.SnapshotID != "" && !o.of("volume-"+from.VolumeID) {
		return raw.Missing("logical volume", original)
	}
	if o.Size > size {
		return converge.Finalf("the original has %d bytes, the copy %d", o.Size, size)
	}
	if o.thin() && !m.b.Thick {
		return m.share(ctx, o, size)
	}
	to, err := m.blank(ctx, size)
	if err != nil {
		return err
	}
	if err := errors.Join(m.copyTo(ctx, to, o), to.Close()); err != nil {
		return err
	}
	return m.stood(ctx, original)
}

// stood sees that nobody has begun to take an original away while it was copied.
func (m *making) stood(ctx context.Context, original string) error {
	if err := m.look(ctx); err != nil {
		return err
	}
	if o, ok := either(m.all, original); !ok || o.going() {
		return raw.Missing("logical volume", original)
	}
	return nil
}

// copyTo writes what an lv holds to a blank disk.
func (m *making) copyTo(ctx context.Context, to *raw.Disk, o lv) error {
	d, err := m.b.open(ctx, o, os.O_RDONLY)
	if err != nil {
		return err
	}
	return errors.Join(raw.Copy(ctx, to, d), d.Close())
}

// share makes the part a thin snapshot of an lv, and larger.
func (m *making) share(ctx context.Context, o lv, size int64) error {
	err := m.b.act(ctx, m.lock, "lvcreate", "--yes", "--addtag", Tag, "-s", "-kn", "-n", m.part(), m.b.Group+"/"+o.Name)
	if err == nil && o.Size < size {
		err = m.b.act(ctx, m.lock, "lvextend", "-L", sized(size), m.b.Group+"/"+m.part())
	}
	return err
}

func (b *Volumes) Extend(ctx context.Context, volume string, size int64) error {
	name, err := volumeName(volume)
	if err != nil {
		return err
	}
	m, err := b.hold(ctx, name)
	if err != nil {
		return err
	}
	defer m.release()
	v, ok := m.all[name]
	if !ok {
		return raw.Missing("volume", volume)
	}
	if v.Size >= size*cinder.GiB {
		return nil
	}
	return m.grow(ctx, v, size*cinder.GiB)
}

// grow grows an lv. What a thick one gets was somebody's: until it has been zeroed, a
// tag says how large the lv really is.
func (m *making) grow(ctx context.Context, v lv, size int64) error {
	at := m.b.Group + "/" + v.Name
	if v.thin() {
		return m.b.act(ctx, m.lock, "lvextend", "-L", sized(size), at)
	}
	if v.Attr[0] == 'o' { // it has snapshots
		if err := m.b.act(ctx, m.lock, "lvchange", "-an", at); err != nil {
			return err
		}
		v.Active = ""
	}
	if err := m.b.act(ctx, m.lock, "lvchange", "--addtag", "grown."+strconv.FormatInt(v.Size, 10), at); err != nil {
		return err
	}
	v.Tags = "grown." + strconv.FormatInt(v.Size, 10)
	err := m.b.act(ctx, m.lock, "lvextend", "-L", sized(size), at)
	return errors.Join(err, m.zeroGrown(ctx, v))
}

func (m *making) zeroGrown(ctx context.Context, v lv) error {
	d, err := m.b.open(ctx, v, os.O_RDWR)
	if err != nil {
		return err
	}
	err = zero(ctx, d, v.ungrown(), d.Size())
	if err = errors.Join(err, d.Close()); err != nil {
		return err
	}
	return m.b.act(ctx, m.lock, "lvchange", "--deltag", "grown."+strconv.FormatInt(v.ungrown(), 10), m.b.Group+"/"+v.Name)
}

func (b *Volumes) Delete(ctx context.Context, volume string) error {
	name, err := volumeName(volume)
	if err != nil {
		return err
	}
	m, err := b.hold(ctx, name)
	if err != nil {
		return err
	}
	defer m.release()
	v, ok := m.all[name]
	if !ok {
		return nil
	}
	for _, s := range m.all {
		if s.of(name) {
			return converge.Final{Err: cinder.ErrHasSnapshots}
		}
	}
	return m.discard(ctx, v)
}

// discard takes a volume away, and what it held off the disk. A tag says so before: who
// copies the volume meanwhile has what is no volume any more.
func (m *making) discard(ctx context.Context, v lv) error {
	if !v.thin() && !m.b.NoClear {
		err := m.b.act(ctx, m.lock, "lvchange", "--addtag", goingTag, m.b.Group+"/"+v.Name)
		if err == nil {
			err = m.clear(ctx, v)
		}
		if err != nil {
			return err
		}
	}
	return m.drop(ctx, v.Name)
}

// clear writes zeros over all that a thick volume held.
func (m *making) clear(ctx context.Context, v lv) error {
	d, err := m.b.open(ctx, v, os.O_RDWR)
	if err != nil {
		return err
	}
	return errors.Join(zero(ctx, d, 0, d.Size()), d.Close())
}
