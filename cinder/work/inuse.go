package work

import (
	"context"
	"errors"
	"maps"
	"time"

	"stackd/cinder"
	"stackd/internal/converge"
	"stackd/internal/fault"
)

// moveInUse makes a place for a volume on another backend, and has its guest go over; the
// row says that it is there when the guest is (cinder.Arrived).
func (w *Volumes) moveInUse(ctx context.Context, v *cinder.Volume, as []*cinder.Attachment) error {
	a, server := attachmentOf(v, as)
	if v.Task["asked"] != "" {
		return w.goesOver(ctx, v, server)
	}
	if a == nil || w.s.Guests() == nil {
		return converge.Final{Err: errors.New("the volume is with none, or with several")}
	}
	if err := w.note(ctx, v, map[string]string{"holder": a.ID, "server": server}); err != nil {
		return err
	}
	place, err := w.makePlace(ctx, v, a)
	if err != nil {
		return err
	}
	err = w.update(ctx, v, func(ctx context.Context, row *cinder.Volume) error {
		err := w.s.Guests().Move(ctx, server, v.ID, place)
		if fault.Is(err, fault.Conflict) || fault.Is(err, fault.NotFound) {
			return converge.Final{Err: err}
		}
		row.Task = maps.Clone(row.Task)
		row.Task["asked"], row.DueAt = "yes", w.s.Now()
		v.Task = row.Task
		return err
	})
	if err == nil {
		err = converge.Later(time.Second)
	}
	return err
}

// attachmentOf is the attachment that a volume moves with, and its server.
func attachmentOf(v *cinder.Volume, as []*cinder.Attachment) (*cinder.Attachment, string) {
	if len(as) != 1 || as[0].ServerID == "" || v.Task["holder"] != "" && v.Task["holder"] != as[0].ID {
		return nil, v.Task["server"]
	}
	return as[0], as[0].ServerID
}

// note writes down what must be known to take away again what is made next.
func (w *Volumes) note(ctx context.Context, v *cinder.Volume, more map[string]string) error {
	if v.Task["holder"] != "" {
		return nil
	}
	v.Task = maps.Clone(v.Task)
	maps.Copy(v.Task, more)
	return w.update(ctx, v, func(_ context.Context, row *cinder.Volume) error { row.Task = v.Task; return nil })
}

// makePlace makes a blank volume on the other backend that the guest's host reaches.
func (w *Volumes) makePlace(ctx context.Context, v *cinder.Volume, a *cinder.Attachment) (map[string]any, error) {
	to, err := w.backend(v.Task["backend"])
	if err != nil {
		return nil, err
	}
	secret, err := w.s.Passphrase(ctx, v)
	if err != nil {
		return nil, err
	}
	if err := to.Create(ctx, v.ID, v.Size, cinder.Source{Passphrase: secret}); err != nil {
		return nil, err
	}
	return w.s.PlaceOn(ctx, v, a, v.Task["backend"])
}

// goesOver waits for the guest. When it is not on the way any more, and the volume has
// not arrived, it keeps the volume where it was.
func (w *Volumes) goesOver(ctx context.Context, v *cinder.Volume, server string) error {
	moving, err := w.s.Guests().Moving(ctx, server, v.ID)
	switch {
	case err != nil:
		return err
	case moving:
		return converge.Later(time.Second)
	}
	err = w.update(ctx, v, func(_ context.Context, row *cinder.Volume) error {
		row.Task = maps.Clone(row.Task)
		delete(row.Task, "asked")
		v.Task = row.Task
		return nil
	})
	if err == nil {
		err = converge.Final{Err: errors.New("the guest did not go over to the volume's new place")}
	}
	return err
}

// unmake takes a volume away that a guest has had, or was to have, on a backend.
func unmake(ctx context.Context, b cinder.Backend, v *cinder.Volume) error {
	if holder := v.Task["holder"]; holder != "" {
		if err := b.Disconnect(ctx, v.ID, holder); err != nil {
			return err
		}
	}
	return b.Delete(ctx, v.ID)
}
