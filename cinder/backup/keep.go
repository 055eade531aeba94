package backup

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"path"
	"slices"
	"sync"
	"time"

	"stackd/cinder"
	"stackd/cinder/raw"
	"stackd/internal/converge"

	"golang.org/x/sync/errgroup"
)

type sum = [sha256.Size]byte

// A keeping is one backup being made.
type keeping struct {
	v       *Vault
	m       *manifest
	parents map[sum]int     // chunks of the parent, and who has them
	left    map[string]bool // objects of one who was cut off
	buffers chan []byte

	mu   sync.Mutex
	kept map[sum]bool
}

// Keep keeps a content; see cinder.Vault.
func (v *Vault) Keep(ctx context.Context, backup, parent string, from cinder.Content) (objects int64, err error) {
	if m, err := v.manifest(ctx, backup); !errors.Is(err, ErrMissing) {
		if err != nil {
			return 0, err
		}
		return m.own(), nil
	}
	k := &keeping{v: v, m: &manifest{Backup: backup, Parent: parent, Size: from.Size(), Chunk: chunkSize(from.Size()), Owners: []string{backup}}, parents: map[sum]int{}, left: map[string]bool{}, kept: map[sum]bool{}}
	if err := errors.Join(k.inherit(ctx), k.resume(ctx)); err != nil {
		return 0, err
	}
	if err := k.all(ctx, from); err != nil {
		return 0, err
	}
	return k.m.own(), k.finish(ctx)
}

// inherit knows what the parent has; chunks are as large as there, so that they are alike.
func (k *keeping) inherit(ctx context.Context) error {
	if k.m.Parent == "" {
		return nil
	}
	p, err := k.v.manifest(ctx, k.m.Parent)
	if errors.Is(err, ErrMissing) {
		err = converge.Finalf("the parent %s of backup %s is not there", k.m.Parent, k.m.Backup)
	}
	if err != nil {
		return err
	}
	k.m.Owners = append(k.m.Owners, p.Owners...)
	if k.m.Size/p.Chunk <= 2*most-1 {
		k.m.Chunk = p.Chunk
	}
	for _, c := range p.chunks {
		k.parents[c.sum] = 1 + c.owner
	}
	return nil
}

// resume lists what is there already.
func (k *keeping) resume(ctx context.Context) error {
	prefix, err := place(k.m.Backup, "")
	if err != nil {
		return err
	}
	return k.v.blobs.List(ctx, prefix, func(name string) error { k.left[path.Base(name)] = true; return nil })
}

// all keeps every chunk that has data; what is a hole is not read.
func (k *keeping) all(ctx context.Context, from cinder.Content) error {
	k.buffers = make(chan []byte, parallel)
	for range parallel {
		k.buffers <- make([]byte, min(k.m.Chunk, max(k.m.Size, 1)))
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	err := k.each(from, func(at int64) error {
		g.Go(func() error { return k.one(ctx, from, at) })
		return ctx.Err()
	})
	return cmp.Or(g.Wait(), err)
}

// each calls f for the chunks that data are in, in their order.
func (k *keeping) each(from cinder.Content, f func(at int64) error) error {
	for off := int64(0); off < k.m.Size; {
		start, end, err := from.Data(off)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		at := start / k.m.Chunk
		for ; at*k.m.Chunk < end; at++ {
			if err := f(at); err != nil {
				return err
			}
		}
		off = at * k.m.Chunk
	}
	return nil
}

// one keeps one chunk, unless it is zeros or is there.
func (k *keeping) one(ctx context.Context, from cinder.Content, at int64) error {
	buf := <-k.buffers
	defer func() { k.buffers <- buf }()
	p := buf[:k.m.length(at)]
	if n, err := from.ReadAt(p, at*k.m.Chunk); n < len(p) {
		return cmp.Or(err, io.ErrUnexpectedEOF)
	}
	if raw.IsZero(p) {
		return nil
	}
	c := chunk{at: at, sum: sha256.Sum256(p)}
	owner, old := k.parents[c.sum]
	c.owner = owner
	k.mu.Lock()
	k.m.chunks = append(k.m.chunks, c)
	known := old || k.kept[c.sum]
	k.kept[c.sum] = true
	k.mu.Unlock()
	if known {
		return nil
	}
	return k.write(ctx, c.sum, p)
}

// write puts a chunk, unless one who was cut off has.
func (k *keeping) write(ctx context.Context, s sum, p []byte) error {
	object := hex.EncodeToString(s[:])
	if k.left[object] {
		if _, err := k.v.chunk(ctx, k.m.Backup, s, int64(len(p))); err == nil {
			return nil
		}
	}
	name, err := place(k.m.Backup, object)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), putting)
	defer cancel()
	return k.v.blobs.Put(ctx, name, k.v.pack.EncodeAll(p, nil))
}

// putting is how long writing an object may take. Who cancels a Keep waits for it: none
// comes into being once Keep has returned.
const putting = 5 * time.Minute

// finish writes the manifest: now the backup is there.
func (k *keeping) finish(ctx context.Context) error {
	slices.SortFunc(k.m.chunks, func(a, b chunk) int { return cmp.Compare(a.at, b.at) })
	b, err := k.m.encode()
	if err != nil {
		return err
	}
	name, err := place(k.m.Backup, "manifest")
	if err != nil {
		return err
	}
	return k.v.blobs.Put(ctx, name, b)
}
