package cinder

import (
	"context"
	"maps"
	"time"

	"stackd/internal/fault"

	"github.com/google/uuid"
)

// A volume in use moves with its guest: a blank volume of the same id is made on the other
// backend, the guest's host copies the disk there and has the guest go over, and then the
// row says where the volume is. What it was goes last.

// backendKey is where a place, as an attachment's connection says it, is.
const backendKey = "backend"

// PlaceOn says how a volume's holder reaches it on another backend.
func (s *Storage) PlaceOn(ctx context.Context, v *Volume, a *Attachment, backend string) (map[string]any, error) {
	there := *v
	there.Backend = backend
	if t := v.Task["type"]; t != "" {
		there.TypeID = t
	}
	how, err := s.connection(ctx, &there, a.ID)
	if err != nil {
		return nil, err
	}
	how = flat(how)
	how["attachment_id"], how["access_mode"], how[backendKey] = a.ID, a.Mode, backend
	return how, nil
}

// At is an attachment as if its volume were at a place already.
func (s *Storage) At(ctx context.Context, id string, place map[string]any) (*Attachment, error) {
	a, err := s.Store.Attachment(ctx, id)
	if err != nil {
		return nil, err
	}
	a.Connection = maps.Clone(place)
	delete(a.Connection, backendKey) // no business of who is shown it
	a.Backend, _ = place[backendKey].(string)
	return a, nil
}

// Arrived says that an attachment's guest has its volume at a place, and nowhere else.
func (s *Storage) Arrived(ctx context.Context, id string, place map[string]any) error {
	return s.Tx(ctx, func(ctx context.Context) error {
		a, err := s.At(ctx, id, place)
		if err != nil {
			return err
		}
		v, err := s.Volume(ctx, a.VolumeID)
		if err != nil {
			return err
		}
		if v.Wish != Move && v.Wish != Kept {
			return fault.New(fault.Conflict, "Volume %s is %s.", v.ID, v.Status)
		}
		v.Task = maps.Clone(v.Task)
		if v.Task == nil {
			v.Task = map[string]string{}
		}
		v.Task["from"], v.Task["backend"], v.Task["holder"] = v.Backend, a.Backend, a.ID
		if err := s.arrive(ctx, v); err != nil {
			return err
		}
		v.Wish, v.WantedSize, v.Tries, v.DueAt, v.UpdatedAt = Move, v.Size, 0, s.Now(), s.Now()
		v.Generation++
		s.After(ctx, s.wake)
		if err := s.UpdateAttachment(ctx, a); err != nil {
			return err
		}
		return s.UpdateVolume(ctx, v)
	})
}

// arrive gives a volume the backend, and the type, that it moves to.
func (s *Storage) arrive(ctx context.Context, v *Volume) error {
	v.Backend = v.Task["backend"]
	if v.Task["type"] == "" {
		return nil
	}
	t, err := s.Store.Type(ctx, v.Task["type"])
	if err == nil {
		v.Become(t)
	}
	return err
}

// Arrive says that a volume which nobody has is on the backend that it moves to.
func (s *Storage) Arrive(ctx context.Context, v *Volume) error {
	v.Task = maps.Clone(v.Task)
	v.Task["from"] = v.Backend
	return s.arrive(ctx, v)
}

// ReimageHeld has an attachment's volume, which its guest has no more, hold an image: the
// attachment is reserved again, by another of the same words, as whoever reaches the
// volume after is let in anew.
func (s *Storage) ReimageHeld(ctx context.Context, id, image string) error {
	return s.Tx(ctx, func(ctx context.Context) error {
		a, err := s.promised(ctx, id)
		if err != nil {
			return err
		}
		return s.ReimageVolume(ctx, a.VolumeID, image, true)
	})
}

// Unreach has an attachment's volume, which its guest has no more, be reserved as before
// it was reached.
func (s *Storage) Unreach(ctx context.Context, id string) error {
	return s.Tx(ctx, func(ctx context.Context) error {
		_, err := s.promised(ctx, id)
		return err
	})
}

// promised is an attachment that is reserved: itself, or one that takes its place.
func (s *Storage) promised(ctx context.Context, id string) (*Attachment, error) {
	a, err := s.Store.Attachment(ctx, id)
	if err != nil || a.Status == Reserved {
		return a, err
	}
	if err := s.EndAttachment(ctx, a); err != nil {
		return nil, err
	}
	a.ID, a.Status, a.Host, a.Mode, a.Connector, a.Connection, a.AttachedAt = uuid.NewString(), Reserved, "", "", nil, nil, time.Time{}
	if err := s.InsertAttachment(ctx, a); err != nil {
		return nil, err
	}
	return a, s.restate(ctx, a.VolumeID)
}
