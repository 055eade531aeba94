package glance

import (
	"context"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"stackd/internal/converge"
	"stackd/internal/fault"
)

// A Cached is the row of an image's copy on one host.
type Cached struct {
	ImageID      string `bun:",pk"`
	Host         string `bun:",pk"`
	State        string // queued, cached
	Size         int64
	Hits         int64
	DueAt        time.Time // when a queued one is fetched
	LastAccessed time.Time
	LastModified time.Time
}

// CacheRows keeps the rows of cached images.
type CacheRows interface {
	CacheRow(ctx context.Context, image, host string) (*Cached, error) // nil when there is none
	CacheRowsOf(ctx context.Context, host string) ([]*Cached, error)
	SaveCacheRow(ctx context.Context, c *Cached) error
	DropCacheRow(ctx context.Context, image, host string) error
	// CacheGone are those whose image is not there any more.
	CacheGone(ctx context.Context, host string) ([]*Cached, error)
}

// A CacheDir keeps copies of images on this host.
type CacheDir interface {
	Backend
	// Sweep removes whatever is none of these names and older than the time.
	Sweep(ctx context.Context, names []string, before time.Time) error
}

// Caches tells whether images are cached here.
func (g *Imaging) Caches() bool { return g.cache != nil }

// cached opens an image's copy on this host. Of an image that is far away and has
// none, one is made.
func (g *Imaging) cached(ctx context.Context, i *Image) (io.ReadSeekCloser, int64, bool) {
	if g.cache == nil {
		return nil, 0, false
	}
	c, err := g.CacheRow(ctx, i.ID, g.opts.Host)
	if err != nil {
		return nil, 0, false
	}
	if c == nil && g.far(i) && i.HashValue != "" {
		if err := g.queue(ctx, i.ID); err != nil {
			slog.Warn("an image cannot be queued for the cache", "image", i.ID, "cause", err)
		}
	}
	if c == nil || c.State != "cached" {
		return nil, 0, false
	}
	body, size, err := g.cache.Open(ctx, i.ID)
	if err != nil {
		return nil, 0, false
	}
	c.Hits, c.LastAccessed = c.Hits+1, g.Now()
	if err := g.saveCached(ctx, c); err != nil {
		slog.Warn("a hit of the cache is not counted", "image", i.ID, "cause", err)
	}
	return body, size, true
}

func (g *Imaging) saveCached(ctx context.Context, c *Cached) error {
	return g.Tx(context.WithoutCancel(ctx), func(ctx context.Context) error { return g.SaveCacheRow(ctx, c) })
}

// patience is how long an image stays queued: so long it can be taken back, and what is
// read once is not copied while it is being read.
const patience = 2 * time.Second

func (g *Imaging) queue(ctx context.Context, id string) error {
	now := g.Now()
	return g.Tx(context.WithoutCancel(ctx), func(ctx context.Context) error {
		return g.SaveCacheRow(ctx, &Cached{ImageID: id, Host: g.opts.Host, State: "queued", DueAt: now.Add(patience), LastAccessed: now, LastModified: now})
	})
}

// QueueCache has an active image copied to this host.
func (g *Imaging) QueueCache(ctx context.Context, i *Image) error {
	if i.Status != Active {
		return fault.New(fault.Invalid, "Only images with status active can be targeted for queueing")
	}
	c, err := g.CacheRow(ctx, i.ID, g.opts.Host)
	if err != nil || c != nil {
		return err
	}
	return g.queue(ctx, i.ID)
}

// CacheDue tells whether something is queued that can be copied now.
func (g *Imaging) CacheDue(ctx context.Context) bool {
	if g.cache == nil {
		return false
	}
	_, queued, err := g.Cache(ctx)
	return err == nil && slices.ContainsFunc(queued, func(c *Cached) bool { return !c.DueAt.After(g.Now()) })
}

// FillCache copies what is queued on this host, one image after the other.
func (g *Imaging) FillCache(ctx context.Context) error {
	if g.cache == nil {
		return nil
	}
	rows, err := g.CacheRowsOf(ctx, g.opts.Host)
	for _, c := range rows {
		if c.State != "queued" || c.DueAt.After(g.Now()) {
			continue
		}
		if e := g.fill(ctx, c); e != nil && ctx.Err() == nil {
			slog.Warn("an image cannot be cached", "image", c.ImageID, "cause", e)
			c.Hits, c.DueAt = c.Hits+1, g.Now().Add(converge.Backoff(int(c.Hits))) // a queued one's hits are tries
			err = errors.Join(err, g.saveCached(ctx, c))
		}
	}
	return err
}

func (g *Imaging) fill(ctx context.Context, c *Cached) error {
	i, err := g.Image(ctx, c.ImageID)
	if fault.Is(err, fault.NotFound) {
		return g.uncache(ctx, c.ImageID)
	}
	if err != nil {
		return err
	}
	body, size, err := g.open(ctx, i)
	if err != nil {
		return err
	}
	defer body.Close()
	w, err := g.cache.Create(ctx, i.ID, size)
	if err != nil {
		return err
	}
	defer w.Abort()
	sum := sha512.New()
	if _, err := io.Copy(io.MultiWriter(w, sum), body); err != nil {
		return err
	}
	if i.HashValue != "" && hex.EncodeToString(sum.Sum(nil)) != i.HashValue {
		return fmt.Errorf("the bytes of image %s are not those that were uploaded", i.ID)
	}
	if err := w.Commit(); err != nil {
		return err
	}
	now, err := g.CacheRow(ctx, c.ImageID, c.Host)
	if err != nil || now == nil { // cleared meanwhile
		return errors.Join(err, g.cache.Delete(ctx, c.ImageID))
	}
	now.State, now.Size, now.Hits, now.LastModified, now.LastAccessed = "cached", size, 0, g.Now(), g.Now()
	return g.saveCached(ctx, now)
}

// Cache is what is cached and queued on this host.
func (g *Imaging) Cache(ctx context.Context) (cached, queued []*Cached, err error) {
	rows, err := g.CacheRowsOf(ctx, g.opts.Host)
	for _, c := range rows {
		if c.State == "cached" {
			cached = append(cached, c)
		} else {
			queued = append(queued, c)
		}
	}
	return cached, queued, err
}

// Uncache removes one image from cache and queue; NotFound when it is in neither.
func (g *Imaging) Uncache(ctx context.Context, id string) error {
	if c, err := g.CacheRow(ctx, id, g.opts.Host); err != nil || c == nil {
		return errors.Join(err, fault.New(fault.NotFound, "Image %s not found.", id))
	}
	return g.uncache(ctx, id)
}

func (g *Imaging) uncache(ctx context.Context, id string) error {
	if g.cache == nil {
		return nil
	}
	if err := g.Tx(ctx, func(ctx context.Context) error { return g.DropCacheRow(ctx, id, g.opts.Host) }); err != nil {
		return err
	}
	return g.cache.Delete(ctx, id)
}

// ClearCache removes everything in the states.
func (g *Imaging) ClearCache(ctx context.Context, states ...string) error {
	rows, err := g.CacheRowsOf(ctx, g.opts.Host)
	for _, c := range rows {
		if contains(states, c.State) {
			err = errors.Join(err, g.uncache(ctx, c.ImageID))
		}
	}
	return err
}

// CleanCache removes copies of images that are gone, and files that are no copies.
func (g *Imaging) CleanCache(ctx context.Context) error {
	if g.cache == nil {
		return nil
	}
	gone, err := g.CacheGone(ctx, g.opts.Host)
	for _, c := range gone {
		err = errors.Join(err, g.uncache(ctx, c.ImageID))
	}
	rows, e := g.CacheRowsOf(ctx, g.opts.Host)
	if err = errors.Join(err, e); err != nil {
		return err
	}
	var ids []string
	for _, c := range rows {
		ids = append(ids, c.ImageID)
	}
	return g.cache.Sweep(ctx, ids, g.Now().Add(-time.Hour))
}

// PruneCache removes the copies that were not used for longest until the rest fits.
func (g *Imaging) PruneCache(ctx context.Context) (files int, size int64, err error) {
	if g.cache == nil {
		return 0, 0, nil
	}
	rows, _, err := g.Cache(ctx) // the one used last comes first
	total := int64(0)
	for _, c := range rows {
		if total += c.Size; total <= g.opts.CacheMax {
			continue
		}
		if e := g.uncache(ctx, c.ImageID); e != nil {
			err = errors.Join(err, e)
			continue
		}
		files, size = files+1, size+c.Size
	}
	return files, size, err
}
