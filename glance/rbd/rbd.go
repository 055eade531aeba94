// Package rbd keeps images' bytes as images of a Ceph pool, by the program rbd. Each
// has a protected snapshot named snap, as OpenStack's other services expect: disks and
// volumes are cloned from it.
package rbd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"stackd/glance"
	"stackd/internal/ceph"
)

// Options say which pool, and as whom it is used.
type Options struct{ Pool, User, Conf string }

// Pool is a glance.Backend.
type Pool struct {
	name string
	ceph.Cluster
	once sync.Once
	fsid string
}

var (
	_ glance.Backend = (*Pool)(nil)
	_ glance.Holder  = (*Pool)(nil)
)

// New makes a Pool; Ceph is not asked yet.
func New(o Options) *Pool {
	return &Pool{name: o.Pool, Cluster: ceph.Cluster{User: o.User, Conf: o.Conf}}
}

// run runs rbd to its end.
func (p *Pool) run(ctx context.Context, args ...string) ([]byte, error) {
	return p.Run(ctx, nil, "rbd", args...)
}

func (p *Pool) spec(name string) string { return p.name + "/" + name }

// FSID is the cluster's id; "" when it does not tell.
func (p *Pool) FSID() string {
	p.once.Do(func() { p.fsid, _ = p.Cluster.FSID(context.Background()) })
	return p.fsid
}

// URL is as glance's rbd store has it.
func (p *Pool) URL(name string) string {
	return "rbd://" + p.FSID() + "/" + p.name + "/" + name + "/snap"
}

// unfinished is what an image is called until it is whole.
func unfinished(name string) string { return name + ".new" }

// Create has rbd read the bytes from a pipe, under another name than they will have.
func (p *Pool) Create(ctx context.Context, name string, _ int64) (glance.Writer, error) {
	w := &writer{ctx: ctx, p: p, name: name}
	w.cmd = p.Command(ctx, "rbd", "import", "--no-progress", "--image-format", "2", "-", p.spec(unfinished(name)))
	w.cmd.Stderr = &w.says
	var err error
	if w.in, err = w.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	return w, w.cmd.Start()
}

type writer struct {
	ctx  context.Context
	p    *Pool
	name string
	cmd  *exec.Cmd
	in   io.WriteCloser
	says bytes.Buffer
	over bool
}

func (w *writer) Write(b []byte) (int, error) { return w.in.Write(b) }

// Commit waits for rbd, and then gives the image its name and its snapshot.
func (w *writer) Commit() error {
	w.over = true
	if err := errors.Join(w.in.Close(), w.cmd.Wait()); err != nil {
		return errors.Join(&ceph.Failed{Verb: "rbd import", Says: w.says.String(), Err: err}, w.p.remove(w.ctx, unfinished(w.name)))
	}
	for _, args := range [][]string{
		{"rename", w.p.spec(unfinished(w.name)), w.p.spec(w.name)}, {"snap", "create", w.p.spec(w.name) + "@snap"}, {"snap", "protect", w.p.spec(w.name) + "@snap"},
	} {
		if _, err := w.p.run(w.ctx, args...); err != nil {
			return errors.Join(err, w.p.Delete(context.WithoutCancel(w.ctx), w.name))
		}
	}
	return nil
}

// Abort kills rbd and removes what it has made; after Commit there is nothing to do.
func (w *writer) Abort() {
	if w.over {
		return
	}
	w.over = true
	w.cmd.Process.Kill()
	w.in.Close()
	w.cmd.Wait()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(w.ctx), time.Minute)
	defer cancel()
	w.p.remove(ctx, unfinished(w.name)) // what stays, Delete finds
}

// Open reads from a pipe; rbd exports from the beginning, so that bytes before those
// that were asked for are read and forgotten.
func (p *Pool) Open(ctx context.Context, name string) (io.ReadSeekCloser, int64, error) {
	out, err := p.run(ctx, "info", "--format", "json", p.spec(name)+"@snap")
	if err != nil {
		return nil, 0, err
	}
	var info struct{ Size int64 }
	if err := json.Unmarshal(out, &info); err != nil {
		return nil, 0, err
	}
	return glance.Lazy(info.Size, func(at int64) (io.ReadCloser, error) { return p.export(ctx, name, at) }), info.Size, nil
}

type exported struct {
	io.ReadCloser
	cmd *exec.Cmd
}

func (e *exported) Close() error {
	e.cmd.Process.Kill()
	err := e.ReadCloser.Close()
	e.cmd.Wait()
	return err
}

func (p *Pool) export(ctx context.Context, name string, at int64) (io.ReadCloser, error) {
	cmd := p.Command(ctx, "rbd", "export", "--no-progress", p.spec(name)+"@snap", "-")
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	e := &exported{out, cmd}
	if _, err := io.CopyN(io.Discard, e, at); err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return e, nil
}

// InUse tells whether disks or volumes are cloned from the image.
func (p *Pool) InUse(ctx context.Context, name string) (bool, error) {
	out, err := p.run(ctx, "children", "--format", "json", p.spec(name)+"@snap")
	if ceph.Missing(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var children []any
	return json.Unmarshal(out, &children) == nil && len(children) > 0, nil
}

// Delete removes an image with its snapshot, and what an import that died has left.
func (p *Pool) Delete(ctx context.Context, name string) error {
	return errors.Join(p.remove(ctx, unfinished(name)), p.remove(ctx, name))
}

func (p *Pool) remove(ctx context.Context, name string) error {
	if _, err := p.run(ctx, "info", p.spec(name)); err != nil {
		if ceph.Missing(err) {
			return nil
		}
		return err
	}
	for _, args := range [][]string{{"snap", "unprotect", p.spec(name) + "@snap"}, {"snap", "rm", p.spec(name) + "@snap"}} {
		if _, err := p.run(ctx, args...); err != nil && !ceph.Missing(err) && !unprotected(err) {
			return err
		}
	}
	_, err := p.run(ctx, "rm", "--no-progress", p.spec(name))
	if ceph.Missing(err) {
		return nil
	}
	return err
}

// unprotected: rbd ends with EINVAL's number where the snapshot was not protected.
func unprotected(err error) bool { return ceph.Code(err) == syscall.EINVAL }
