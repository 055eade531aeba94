package glance

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"

	"stackd/internal/fault"
)

// finish makes the image active and the task a success, and removes what was staged.
func (g *Imaging) finish(ctx context.Context, j *job) error {
	err := g.end(ctx, j.i, func(ctx context.Context, now *Image) error {
		if now.Status == Importing {
			now.Status = Active
		}
		j.give(now)
		delete(now.Properties, stageHost)
		rows, err := g.Booked(ctx, now.ID)
		for _, b := range rows {
			err = errors.Join(err, g.leave(ctx, now.ID, Location{Store: b.Store, Name: b.Name}))
		}
		if err != nil {
			return err
		}
		return g.done(ctx, j.t, Success, "")
	})
	if err == nil {
		g.clearGone(j.i.ID)
	}
	return err
}

// done ends a task.
func (g *Imaging) done(ctx context.Context, t *Task, status, message string) error {
	g.tokens.Delete(t.ID)
	t.Status, t.Message, t.ExpiresAt = status, message, g.expire()
	if t.Result == nil {
		t.Result = map[string]string{}
	}
	t.Result["image_id"] = t.ImageID
	t.UpdatedAt = g.Now()
	return g.UpdateTask(ctx, t)
}

// fail takes back what a task has done, and then ends it. While the bytes go, the
// image is still the task's, and nobody else begins anything with it.
func (g *Imaging) fail(ctx context.Context, t *Task, cause error) error {
	ctx = context.WithoutCancel(ctx)
	slog.Warn("a task failed", "task", t.ID, "image", t.ImageID, "project", t.Owner, "cause", cause)
	mine := &Image{ID: t.ImageID, Upload: t.ID}
	j := &job{t: t, i: mine}
	var broke storeFault
	errors.As(cause, &broke)
	err := g.step(ctx, j, func(ctx context.Context, now *Image) error { return g.takeBack(ctx, j, now, broke.store) })
	if err == nil {
		err = g.clear(ctx, t.ImageID, func(*Bytes) bool { return true })
	}
	if err != nil && !fault.Is(err, fault.Gone) {
		return err // the task is still due: it fails again, and then clears
	}
	if fault.Is(err, fault.Gone) {
		if err := g.clear(ctx, t.ImageID, func(b *Bytes) bool { return b.Move == t.ID || gone(b) }); err != nil {
			return err
		}
		return g.Tx(ctx, func(ctx context.Context) error { return g.done(ctx, t, Failure, message(cause)) })
	}
	return g.end(ctx, mine, func(ctx context.Context, now *Image) error {
		if t.Type == TaskLegacy {
			return errors.Join(g.Delete(ctx, now.ID), g.done(ctx, t, Failure, message(cause)))
		}
		now.unfilled()
		return g.done(ctx, t, Failure, message(cause))
	})
}

// takeBack removes the locations that a task has added, and says which stores failed.
func (g *Imaging) takeBack(ctx context.Context, j *job, now *Image, broke string) error {
	if j.t.Type == TaskLocation {
		now.Locations = nil
		return nil
	}
	var left, kept []Location
	for _, l := range now.Locations {
		if slices.Contains(j.t.Input.Stores, l.Store) {
			left = append(left, l)
		} else {
			kept = append(kept, l)
		}
	}
	now.Locations = kept
	failed := []string{broke}
	if broke == "" { // it did not come as far as any store
		failed = j.t.Input.Stores
	}
	for _, store := range failed {
		now.Properties[failedImport] = with(now.Properties[failedImport], store)
	}
	now.Properties[importingTo] = ""
	return g.leave(ctx, now.ID, left...)
}

// message is what a task's owner may know of why it failed.
func message(err error) string {
	if f := fault.Of(err); f != nil {
		return strings.TrimSpace(f.Text)
	}
	return "The task failed because of an internal error."
}
