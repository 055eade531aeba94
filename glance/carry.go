package glance

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"stackd/internal/converge"
	"stackd/internal/fault"

	"github.com/google/uuid"
)

// A job is one pass over a task and its image.
type job struct {
	t *Task
	i *Image // as the pass found it; its Upload is the task's id

	name, format string            // of the staged bytes that go into stores
	container    string            // "" is the image's own
	props        map[string]string // that the image gets
}

// tries is how often what broke is tried again before the task has failed.
const tries = 3

// Carry is one pass over a due task. Killed anywhere, it is done again from what is
// there; what it cannot bring to its end leaves nothing.
func (g *Imaging) Carry(ctx context.Context, id string) error {
	if g.mustWait(ctx, id) {
		return nil
	}
	t, err := g.ClaimTask(ctx, id, uuid.NewString(), g.Now().Add(stale))
	if err != nil || t == nil {
		return err
	}
	ctx, stop := g.renew(ctx, t)
	defer stop()
	err = g.carry(ctx, t)
	switch {
	case err == nil || ctx.Err() != nil: // done, or another's
		return nil
	case fault.Of(err) == nil && t.Tries < tries:
		slog.Warn("a task is tried again", "task", t.ID, "image", t.ImageID, "cause", err)
		t.DueAt = g.Now().Add(converge.Backoff(t.Tries))
		return g.saveTask(ctx, t)
	}
	return g.fail(ctx, t, err)
}

// mustWait: a task that needs its caller's token is for the process that has it, for
// a while; then it fails.
func (g *Imaging) mustWait(ctx context.Context, id string) bool {
	if _, ok := g.tokens.Load(id); ok {
		return false
	}
	t, err := g.Task(ctx, id)
	if err != nil || t.Input.Method.Name != "glance-download" || g.Alone() || g.Now().Sub(t.CreatedAt) >= stale {
		return false
	}
	t.DueAt = g.Now().Add(time.Second)
	return g.saveTask(ctx, t) == nil
}

// renew keeps a claim while the work goes on, and ends the work when it is lost.
func (g *Imaging) renew(ctx context.Context, t *Task) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(stale / 6)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				if err := g.RenewTask(ctx, t.ID, t.Claim, g.Now().Add(stale)); fault.Is(err, fault.Conflict) {
					cancel()
				}
			}
		}
	}()
	return ctx, func() { cancel(); <-done }
}

func (g *Imaging) saveTask(ctx context.Context, t *Task) error {
	t.UpdatedAt = g.Now()
	return g.Tx(ctx, func(ctx context.Context) error { return g.UpdateTask(ctx, t) })
}

func (g *Imaging) carry(ctx context.Context, t *Task) error {
	if t.Type == TaskLegacy && t.ImageID == "" {
		if err := g.makeImage(ctx, t); err != nil {
			return err
		}
	}
	i, err := g.mine(ctx, &Image{ID: t.ImageID, Upload: t.ID})
	if err != nil {
		return err
	}
	j := &job{t: t, i: i, name: i.ID, format: i.DiskFormat, props: map[string]string{}}
	if t.Type == TaskLocation {
		return g.locate(ctx, j)
	}
	if t.Input.Method.Name != "copy-image" {
		if err := g.fetchIn(ctx, j); err != nil {
			return err
		}
		if err := g.shape(ctx, j); err != nil {
			return err
		}
	}
	if err := g.spread(ctx, j); err != nil {
		return err
	}
	return g.finish(ctx, j)
}

// spread brings the bytes into one store after the other.
func (g *Imaging) spread(ctx context.Context, j *job) error {
	for _, store := range names(j.i.Properties[importingTo]) {
		err := g.spreadTo(ctx, j, store)
		switch {
		case err == nil:
		case j.t.Input.Must || fault.Is(err, fault.Gone) || ctx.Err() != nil:
			return storeFault{store, err}
		default:
			slog.Warn("an image does not come into a store", "image", j.i.ID, "store", store, "cause", err)
			if err := g.missed(ctx, j, store); err != nil {
				return err
			}
		}
	}
	if len(j.i.Locations) == 0 {
		return fault.New(fault.Invalid, "The image came into none of the stores.")
	}
	return nil
}

// A storeFault says in which store something broke.
type storeFault struct {
	store string
	error
}

func (s storeFault) Unwrap() error { return s.error }

func (g *Imaging) spreadTo(ctx context.Context, j *job, store string) error {
	body, size, err := g.source(ctx, j)
	if err != nil {
		return err
	}
	defer body.Close()
	s, err := g.sink(ctx, j.i, j.format, g.opts.ImageSizeCap)
	if err != nil {
		return err
	}
	if err := g.bring(ctx, j.i, store, j.i.ID, load{body, size, s}); err != nil {
		return errors.Join(err, g.clear(context.WithoutCancel(ctx), j.i.ID, func(b *Bytes) bool { return b.Store == store }))
	}
	return g.step(ctx, j, func(ctx context.Context, now *Image) error {
		was := now.HashValue
		if s.facts(now); was != "" && was != now.HashValue {
			return fault.New(fault.Conflict, "The bytes that were read are not those of the image.")
		}
		now.Locations = append(now.Locations, Location{Store: store, Name: now.ID})
		now.Properties[importingTo] = without(now.Properties[importingTo], store)
		if !j.t.Input.Must { // one is enough to be used
			now.Status = Active
			j.give(now)
		}
		return g.Unbook(ctx, store, now.ID)
	})
}

// missed notes that the image did not come into a store.
func (g *Imaging) missed(ctx context.Context, j *job, store string) error {
	return g.step(ctx, j, func(_ context.Context, now *Image) error {
		now.Properties[importingTo] = without(now.Properties[importingTo], store)
		now.Properties[failedImport] = with(now.Properties[failedImport], store)
		return nil
	})
}

// step changes the job's image, as long as it is the job's.
func (g *Imaging) step(ctx context.Context, j *job, f func(context.Context, *Image) error) error {
	return g.Tx(context.WithoutCancel(ctx), func(ctx context.Context) error {
		now, err := g.mine(ctx, j.i)
		if err != nil {
			return err
		}
		if err := f(ctx, now); err != nil {
			return err
		}
		now.TouchedAt, now.UpdatedAt = g.Now(), g.Now()
		j.i = now
		return g.Update(ctx, now)
	})
}

// give gives an image what the import has found out for it.
func (j *job) give(i *Image) {
	i.DiskFormat = j.format
	if j.container != "" {
		i.ContainerFormat = j.container
	}
	for k, v := range j.props {
		i.Properties[k] = v
	}
}
