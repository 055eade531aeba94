// Package work carries out what the image service promised: tasks, and copies for
// the cache.
package work

import (
	"context"

	"stackd/glance"
	"stackd/internal/converge"
)

// cache is the loop's name for filling the cache, of which there is one at a time.
const cache = "cache"

// Loop makes the loop that works on due tasks and fills the cache, and has g wake it.
func Loop(g *glance.Imaging) *converge.Loop {
	due := func(ctx context.Context, limit int) ([]string, error) {
		ids, err := g.DueTasks(ctx, g.Settings().Host, g.Now(), limit)
		if err == nil && g.CacheDue(ctx) {
			ids = append(ids, cache)
		}
		return ids, err
	}
	work := func(ctx context.Context, id string) error {
		if id == cache {
			return g.FillCache(ctx)
		}
		return g.Carry(ctx, id)
	}
	l := &converge.Loop{Name: "images", Due: due, Work: work, Workers: 4}
	g.Woken(l.Wake)
	return l
}

// Recover says that whatever was under way is dead. It is for a start where no other
// control plane can be at work, before anybody is served.
func Recover(ctx context.Context, g *glance.Imaging) error {
	if !g.Alone() {
		return nil
	}
	return g.Tx(ctx, g.Void)
}
