package work

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"stackd/cinder"
	"stackd/internal/converge"
	"stackd/internal/fault"
)

// snapshot is one pass over one snapshot of the volume.
func (w *Volumes) snapshot(ctx context.Context, v *cinder.Volume, p *cinder.Snapshot) error {
	b := w.s.Backends()[v.Backend]
	var err error
	switch {
	case b == nil:
		err = errors.New("the backend " + v.Backend + " is not there")
	case p.Wish == cinder.Drop:
		err = w.dropSnapshot(ctx, b, p)
	case p.Wish == cinder.Adopt:
		_, err = b.AdoptSnapshot(ctx, v.ID, p.Task["ref"], p.ID)
	default:
		err = w.takeSnapshot(ctx, b, v, p)
	}
	if ctx.Err() != nil {
		return nil
	}
	return w.settleSnapshot(ctx, p, err)
}

func (w *Volumes) settleSnapshot(ctx context.Context, was *cinder.Snapshot, why error) error {
	wait, later := converge.IsLater(why)
	return w.s.Tx(ctx, func(ctx context.Context) error {
		p, err := w.s.Store.Snapshot(ctx, was.ID)
		if fault.Is(err, fault.NotFound) || err == nil && p.Wish != was.Wish {
			return nil
		}
		switch {
		case err != nil:
			return err
		case why == nil && p.Wish == cinder.Drop:
			if err := w.s.DeleteSnapshotRow(ctx, p.ID); err != nil {
				return err
			}
			return w.s.SettleSnapshots(ctx, p.GroupSnapshotID)
		case later:
			p.DueAt = w.s.Now().Add(wait)
		case why == nil:
			p.Task = nil
			p.Status, p.Wish, p.Tries, p.LastFault, p.DueAt = cinder.Available, cinder.Kept, 0, "", time.Time{}
		default:
			slog.Warn("snapshot's pass failed", "snapshot", p.ID, "volume", p.VolumeID, "project", p.ProjectID, "tries", p.Tries, "cause", why)
			p.Tries++
			p.LastFault, p.DueAt = why.Error(), w.s.Now().Add(converge.Backoff(int(p.Tries)))
			if converge.IsFinal(why) || p.Tries >= giveUp {
				trouble := cinder.SnapFailed
				if p.Wish == cinder.Drop {
					trouble = cinder.SnapStuck
				}
				p.Status, p.Wish, p.DueAt = errorOf[p.Wish], cinder.Kept, time.Time{}
				if err := w.s.Tell(ctx, p.ProjectID, "VOLUME_SNAPSHOT", p.ID, trouble); err != nil {
					return err
				}
			}
		}
		p.UpdatedAt = w.s.Now()
		if err := w.s.UpdateSnapshot(ctx, p); err != nil {
			return err
		}
		return w.s.SettleSnapshots(ctx, p.GroupSnapshotID)
	})
}
