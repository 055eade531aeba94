package rbd

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"strings"
	"syscall"
	"time"

	"stackd/cinder/raw"
	"stackd/internal/ceph"
)

// info is what rbd tells of an image, or of a snapshot of one.
type info struct {
	ID     string
	Size   int64
	Parent *parent
}

type parent struct {
	Pool, Image, ID, Snapshot string
	Trash                     bool // the image itself is in the trash
}

// of names an image, or a snapshot of one; names are options, so that what others have
// called theirs is never read as something else.
func (p *Pool) of(image, snapshot string) []string {
	args := []string{"--pool=" + p.Pool, "--image=" + image}
	if snapshot != "" {
		args = append(args, "--snap="+snapshot)
	}
	return args
}

// rbd runs the program; l is held for as long as it lives, also when nobody waits any more.
func (p *Pool) rbd(ctx context.Context, l *raw.Lock, args ...string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var held []*os.File
	if l != nil {
		held = []*os.File{l.File}
	}
	_, err := p.Run(ctx, held, "rbd", args...)
	return err
}

// look asks for an image; ok tells whether it is there.
func (p *Pool) look(ctx context.Context, image, snapshot string) (i info, ok bool, err error) {
	err = p.JSON(ctx, &i, "rbd", append([]string{"info"}, p.of(image, snapshot)...)...)
	if ceph.Missing(err) {
		return i, false, nil
	}
	return i, err == nil, err
}

// find is look for who needs the volume, or with a snapshot that.
func (p *Pool) find(ctx context.Context, image, snapshot string) (info, error) {
	i, ok, err := p.look(ctx, image, snapshot)
	if err == nil && !ok {
		err = raw.Missing("image", image+"@"+snapshot)
	}
	return i, err
}

func missing(err error, image, snapshot string) error {
	if ceph.Missing(err) {
		return raw.Missing("image", image+"@"+snapshot)
	}
	return err
}

// A making is a volume that is being made: under a name of its own, the volume's lock held.
type making struct {
	p    *Pool
	name string // what it will be
	part string // what it is called until then
	lock *raw.Lock
}

func partsOf(name string) string { return ".new-" + name + "." }

func cloneOf(name string) string { return ".clone-" + strings.TrimPrefix(name, "volume-") }

// hold takes a volume's name, and clears what one who was cut off left.
func (p *Pool) hold(ctx context.Context, name string) (*making, error) {
	l, err := p.lock(ctx, name)
	if err != nil {
		return nil, err
	}
	m := &making{p, name, partsOf(name) + strings.ToLower(rand.Text()[:8]), l}
	if err := m.clear(ctx); err != nil {
		m.release()
		return nil, err
	}
	return m, nil
}

func (m *making) release() { m.lock.Close() }

// clear removes every image under the names that the volume may have while it is made.
func (m *making) clear(ctx context.Context) error {
	var all []string
	if err := m.p.JSON(ctx, &all, "rbd", "ls", "--pool="+m.p.Pool); err != nil {
		return err
	}
	for _, name := range all {
		if strings.HasPrefix(name, partsOf(m.name)) {
			if err := m.drop(ctx, name); err != nil {
				return err
			}
		}
	}
	return nil
}

// drop removes one of them. A rename that a crash cut in two has left one image with
// two names: then it is the old name alone that goes.
func (m *making) drop(ctx context.Context, part string) error {
	i, ok, err := m.p.look(ctx, part, "")
	if err != nil {
		return err
	}
	if whole, there, err := m.p.look(ctx, m.name, ""); err != nil || ok && there && whole.ID == i.ID {
		if err == nil {
			_, err = m.p.Run(ctx, nil, "rados", "--pool="+m.p.Pool, "rm", "rbd_id."+m.name)
		}
		if err != nil {
			return err
		}
	}
	if err := m.outlive(ctx, part); err != nil {
		return err
	}
	if i.Parent != nil {
		return m.p.uncopied(ctx, *i.Parent, m.name)
	}
	return nil
}

// outlive removes an image that a process may have had open when it was killed: the
// cluster takes half a minute to believe that it has gone.
func (m *making) outlive(ctx context.Context, part string) error {
	for end := time.Now().Add(45 * time.Second); ; {
		err := m.p.remove(ctx, m.lock, part)
		if ceph.Code(err) != syscall.EBUSY || time.Now().After(end) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

// settle gives what is whole its name. It is not left halfway for a context's sake.
func (m *making) settle(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	err := m.p.rbd(context.WithoutCancel(ctx), m.lock, "rename", "--pool="+m.p.Pool, "--image="+m.part, "--dest-pool="+m.p.Pool, "--dest="+m.name)
	if ceph.Code(err) == syscall.EEXIST { // made elsewhere meanwhile
		return m.clear(context.WithoutCancel(ctx))
	}
	return err
}

// make fills a new image and gives it its name, unless there is one.
func (m *making) make(ctx context.Context, fill func(context.Context) error) error {
	if _, ok, err := m.p.look(ctx, m.name, ""); ok || err != nil {
		return err
	}
	err := fill(ctx)
	if err == nil {
		err = m.settle(ctx)
	}
	if err != nil {
		err = errors.Join(err, m.clear(context.WithoutCancel(ctx)))
	}
	return raw.Room(err)
}
