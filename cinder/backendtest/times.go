package backendtest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"stackd/cinder"
)

// times is what acts cost.
type times struct {
	mu  sync.Mutex
	all []cost
}

type cost struct {
	name     string
	n        int
	sum, max time.Duration
}

func (t *times) took(name string, since time.Time) {
	d := time.Since(since)
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range t.all {
		if c := &t.all[i]; c.name == name {
			c.n, c.sum, c.max = c.n+1, c.sum+d, max(c.max, d)
			return
		}
	}
	t.all = append(t.all, cost{name, 1, d, d})
}

func (t *times) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var b strings.Builder
	fmt.Fprintf(&b, "%-18s %6s %10s %10s\n", "act", "times", "mean", "longest")
	for _, c := range t.all {
		fmt.Fprintf(&b, "%-18s %6d %10s %10s\n", c.name, c.n, (c.sum / time.Duration(c.n)).Round(10*time.Microsecond), c.max.Round(10*time.Microsecond))
	}
	return b.String()
}

// timed is a backend whose acts are timed.
type timed struct {
	cinder.Backend
	t *times
}

func (t *times) wrap(b cinder.Backend) cinder.Backend { return timed{b, t} }

func (b timed) Create(ctx context.Context, v string, size int64, s cinder.Source) error {
	kind := "blank"
	switch {
	case s.SnapshotID != "":
		kind = "of snapshot"
	case s.VolumeID != "":
		kind = "of volume"
	case s.Image != nil:
		kind = "of image"
	case s.Content != nil:
		kind = "of content"
	}
	defer b.t.took("create "+kind, time.Now())
	return b.Backend.Create(ctx, v, size, s)
}

func (b timed) Has(ctx context.Context, v string) (int64, bool, error) {
	defer b.t.took("has", time.Now())
	return b.Backend.Has(ctx, v)
}

func (b timed) Extend(ctx context.Context, v string, size int64) error {
	defer b.t.took("extend", time.Now())
	return b.Backend.Extend(ctx, v, size)
}

func (b timed) Delete(ctx context.Context, v string) error {
	defer b.t.took("delete", time.Now())
	return b.Backend.Delete(ctx, v)
}

func (b timed) CreateSnapshot(ctx context.Context, v, p string) error {
	defer b.t.took("snapshot", time.Now())
	return b.Backend.CreateSnapshot(ctx, v, p)
}

func (b timed) DeleteSnapshot(ctx context.Context, v, p string) error {
	defer b.t.took("delete snapshot", time.Now())
	return b.Backend.DeleteSnapshot(ctx, v, p)
}

func (b timed) Revert(ctx context.Context, v, p string) error {
	defer b.t.took("revert", time.Now())
	return b.Backend.Revert(ctx, v, p)
}

func (b timed) Connect(ctx context.Context, v, h string) (string, map[string]string, error) {
	defer b.t.took("connect", time.Now())
	return b.Backend.Connect(ctx, v, h)
}

func (b timed) Disconnect(ctx context.Context, v, h string) error {
	defer b.t.took("disconnect", time.Now())
	return b.Backend.Disconnect(ctx, v, h)
}

func (b timed) Manageable(ctx context.Context, v string) ([]cinder.Found, error) {
	defer b.t.took("manageable", time.Now())
	return b.Backend.Manageable(ctx, v)
}
