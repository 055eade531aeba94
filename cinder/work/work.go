// Package work carries out what block storage promised: a pass over a volume does
// what its row and its snapshots' rows wish, by steps that look first.
package work

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"time"

	"stackd/cinder"
	"stackd/internal/converge"
)

// Volumes is the work on volumes.
type Volumes struct {
	s      *cinder.Storage
	ladder converge.Ladder[*cinder.Volume]
}

// New is the work on s's volumes, done by hand.
func New(s *cinder.Storage) *Volumes {
	w := &Volumes{s: s}
	w.ladder = converge.Ladder[*cinder.Volume]{
		{Name: "placed", Holds: w.placed, Make: w.place},
		{Name: "filled", Holds: w.filled, Make: w.fill, Remove: w.remove},
	}
	return w
}

// Loops are those that work on due volumes, backups and exports; s wakes them.
func Loops(s *cinder.Storage) []*converge.Loop {
	l := &converge.Loop{Name: "volumes", Due: s.Due, Work: New(s).Reconcile, Workers: 4}
	b, e := backupLoop(s), exportLoop(s)
	s.Woken(func() { l.Wake(); b.Wake(); e.Wake() })
	return []*converge.Loop{l, b, e}
}

const (
	// lease is how long another process leaves a volume alone that is being worked on;
	// it is renewed while the work goes on.
	lease = 30 * time.Second
	// giveUp is how often something is tried before it is an error.
	giveUp = 4
)

// Reconcile is one pass over one volume and its snapshots.
func (w *Volumes) Reconcile(ctx context.Context, id string) error {
	v, snapshots, err := w.s.ClaimVolume(ctx, id, lease)
	if err != nil || v == nil {
		return err
	}
	ctx, stop := keep(ctx, lease/3, func() (bool, error) { return w.s.RenewVolume(ctx, v, snapshots, lease) })
	defer stop()
	for _, p := range snapshots { // those that go first: a volume goes when it has none
		if err := w.snapshot(ctx, v, p); err != nil {
			return err
		}
	}
	if v.Wish == cinder.Kept || v.DueAt.IsZero() {
		return nil
	}
	return w.volume(ctx, v)
}

// keep renews a lease while the work goes on. The context ends when it is held no more:
// something else was asked for meanwhile.
func keep(ctx context.Context, every time.Duration, renew func() (held bool, err error)) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		for tick := time.NewTicker(every); ; {
			select {
			case <-ctx.Done():
				tick.Stop()
				return
			case <-tick.C:
				held, err := renew()
				if err != nil && ctx.Err() == nil {
					slog.Warn("a lease cannot be renewed", "cause", err)
				}
				if err == nil && !held {
					cancel()
				}
			}
		}
	}()
	return ctx, cancel
}

func (w *Volumes) volume(ctx context.Context, v *cinder.Volume) error {
	slog.Debug("volume's pass", "volume", v.ID, "project", v.ProjectID, "wish", v.Wish, "tries", v.Tries, "backend", v.Backend)
	var err error
	switch act := w.acts()[v.Wish]; {
	case v.Wish == cinder.Drop || v.Wish == cinder.Move:
		if err = w.unheld(ctx, v); err == nil {
			err = act(ctx, v)
		}
	case v.Wish == cinder.Make:
		err = w.ladder.Climb(ctx, v)
	case act != nil:
		err = act(ctx, v)
	}
	if ctx.Err() != nil {
		return nil // going down: the row is due again after the lease
	}
	if err == nil {
		return w.done(ctx, v)
	}
	return w.failed(ctx, v, err)
}

// unheld waits while there is work on a backup of a volume: one that was given up may have
// left on the backend what it took of the volume in use, and its own work takes that away.
func (w *Volumes) unheld(ctx context.Context, v *cinder.Volume) error {
	all, err := w.s.BackupsOf(ctx, v.ID)
	if slices.ContainsFunc(all, func(b *cinder.Backup) bool { return b.Wish != cinder.Kept }) {
		return converge.Later(500 * time.Millisecond)
	}
	return err
}

// update changes the row as it now is, unless it was given another wish meanwhile.
func (w *Volumes) update(ctx context.Context, was *cinder.Volume, f func(context.Context, *cinder.Volume) error) error {
	return w.s.Tx(ctx, func(ctx context.Context) error {
		v, err := w.s.Store.Volume(ctx, was.ID)
		if err != nil || v.Generation != was.Generation {
			return err
		}
		if err := f(ctx, v); err != nil {
			return err
		}
		v.UpdatedAt = w.s.Now()
		if err := w.s.UpdateVolume(ctx, v); err != nil {
			return err
		}
		return w.s.Settle(ctx, v.GroupID)
	})
}

func (w *Volumes) done(ctx context.Context, was *cinder.Volume) error {
	if was.Wish == cinder.Drop {
		return w.s.Tx(ctx, func(ctx context.Context) error {
			v, err := w.s.Store.Volume(ctx, was.ID)
			if err != nil || v.Generation != was.Generation {
				return err
			}
			if err := w.s.DeleteVolumeRow(ctx, v.ID); err != nil {
				return err
			}
			if err := w.s.DeleteKey(ctx, v.KeyID); err != nil {
				return err
			}
			return w.s.Settle(ctx, v.GroupID)
		})
	}
	return w.update(ctx, was, func(ctx context.Context, v *cinder.Volume) error {
		if v.LaunchedAt.IsZero() {
			v.LaunchedAt = w.s.Now()
		}
		if err := w.settled(ctx, v, was); err != nil {
			return err
		}
		status, err := w.s.Settled(ctx, v.ID)
		if err != nil {
			return err
		}
		v.Size, v.Status, v.Wish, v.Tries, v.LastFault, v.Task = was.WantedSize, status, cinder.Kept, 0, "", nil
		v.DueAt = time.Time{}
		return w.s.TellServers(ctx, v.ID, was.Wish == cinder.Extend)
	})
}

// errorOf is the status of a volume whose wish cannot be met.
var errorOf = map[cinder.Wish]string{cinder.Make: cinder.Errored, cinder.Extend: cinder.ErrorExtending, cinder.Drop: cinder.ErrorDeleting, cinder.Revert: cinder.Errored, cinder.Refill: cinder.Errored,
	cinder.Adopt: cinder.ErrorManaging, cinder.Restore: cinder.ErrorRestoring}

func (w *Volumes) failed(ctx context.Context, was *cinder.Volume, why error) error {
	if d, ok := converge.IsLater(why); ok {
		return w.update(ctx, was, func(_ context.Context, v *cinder.Volume) error { v.DueAt = w.s.Now().Add(d); return nil })
	}
	slog.Warn("volume's pass failed", "volume", was.ID, "project", was.ProjectID, "wish", was.Wish, "tries", was.Tries, "cause", why)
	final := (converge.IsFinal(why) || was.Tries+1 >= giveUp) && !w.mustGoOn(was)
	if final {
		if err := w.clear(ctx, was); err != nil { // nothing is left of what failed
			slog.Warn("what is left of a volume cannot be removed", "volume", was.ID, "cause", err)
		}
	}
	return w.update(ctx, was, func(ctx context.Context, v *cinder.Volume) error {
		v.Tries++
		v.LastFault = why.Error()
		v.DueAt = w.s.Now().Add(converge.Backoff(int(v.Tries)))
		if final {
			trouble := troubleOf(v)
			if err := w.failedTask(ctx, v); err != nil {
				return err
			}
			status, err := w.s.Settled(ctx, v.ID)
			if err != nil {
				return err
			}
			v.Status, v.Wish, v.DueAt, v.Task = cmp.Or(errorOf[v.Wish], status), cinder.Kept, time.Time{}, nil
			if err := w.s.TellServers(ctx, v.ID, false); err != nil {
				return err
			}
			return w.s.Tell(ctx, v.ProjectID, "VOLUME", v.ID, trouble)
		}
		return nil
	})
}

// troubleOf is what to tell the user of a volume whose wish cannot be met.
func troubleOf(v *cinder.Volume) cinder.Trouble {
	switch {
	case v.Wish == cinder.Make && v.Backend == "":
		return cinder.NoRoom
	case v.Wish == cinder.Make && v.ImageID != "":
		return cinder.CopyFromBad
	case v.Wish == cinder.Extend:
		return cinder.ExtendFailed
	case v.Wish == cinder.Drop:
		return cinder.DeleteFailed
	case v.Wish == cinder.Move:
		return cinder.MoveFailed
	case v.Wish == cinder.Upload:
		return cinder.CopyFailed
	case v.Wish == cinder.Restore:
		return cinder.RestoreBad
	}
	return cinder.CreateFailed
}
