package glance

import (
	"context"
	"errors"
	"io"
	"time"

	"stackd/internal/fault"
	"stackd/internal/inspect"

	"github.com/google/uuid"
)

// Upload takes an image's bytes: all of them, and only if they are what the image
// says they are. size is what the sender promised, < 0 if nothing. Of two uploads
// at once one wins; the other is a Conflict. On any failure the image is queued
// again and there are no bytes.
func (g *Imaging) Upload(ctx context.Context, id string, body io.Reader, size int64, may func(*Image) error) error {
	return g.UploadTo(ctx, id, "", body, size, may)
}

// UploadTo is Upload to a store by its id; "" is the default one.
func (g *Imaging) UploadTo(ctx context.Context, id, store string, body io.Reader, size int64, may func(*Image) error) error {
	p, err := g.Writable(store, fault.Invalid)
	if err != nil {
		return err
	}
	i, room, err := g.begin(ctx, id, Saving, SizeTotal, size, func(i *Image) error {
		if err := may(i); err != nil {
			return err
		}
		if i.Status != Queued {
			return fault.New(fault.Conflict, "Image status transition from %s to saving is not allowed", i.Status)
		}
		if i.DiskFormat == "" || i.ContainerFormat == "" {
			return fault.New(fault.Invalid, "Properties disk_format, container_format must be set prior to saving data.")
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err = g.take(ctx, i, p, body, size, room); err != nil {
		err = g.failed(context.WithoutCancel(ctx), i, err)
	}
	return err
}

// begin makes a move of bytes a queued image's only one, if the project has room for
// it in a total; room is how many bytes at most.
func (g *Imaging) begin(ctx context.Context, id, to, total string, size int64, may func(*Image) error) (*Image, int64, error) {
	room := int64(0)
	i, err := g.Change(ctx, id, func(ctx context.Context, i *Image) (err error) {
		if err := may(i); err != nil {
			return err
		}
		if i.Status != Queued || i.Upload != "" {
			return fault.New(fault.Conflict, "Image status transition from %s to %s is not allowed", i.Status, to)
		}
		if room, err = g.room(ctx, i.Owner, total, size); err != nil {
			return err
		}
		i.Status, i.Upload, i.TouchedAt = to, uuid.NewString(), g.Now()
		return nil
	})
	return i, room, err
}

// failed gives a move up, and says why.
func (g *Imaging) failed(ctx context.Context, i *Image, err error) error {
	if _, e := g.Image(ctx, i.ID); fault.Is(e, fault.NotFound) {
		return errors.Join(removed(i.ID).Because(err), g.clear(ctx, i.ID, func(b *Bytes) bool { return b.Move == i.Upload }))
	}
	return errors.Join(err, g.giveUp(ctx, i))
}

func removed(id string) *fault.Error {
	return fault.New(fault.Gone, "Image %s could not be found after upload. The image may have been deleted during the upload.", id)
}

// take streams the bytes into a store and makes the image active.
func (g *Imaging) take(ctx context.Context, i *Image, p *Place, body io.Reader, size, room int64) error {
	s, err := g.sink(ctx, i, i.DiskFormat, room)
	if err != nil {
		return err
	}
	if err := g.bring(ctx, i, p.ID, i.ID, load{body, size, s}); err != nil {
		return err
	}
	return g.end(ctx, i, func(ctx context.Context, now *Image) error {
		now.Status, now.Locations = Active, []Location{{Store: p.ID, Name: i.ID}}
		s.facts(now)
		return g.Unbook(ctx, p.ID, i.ID)
	})
}

// end writes what a move of bytes came to, unless the image has gone meanwhile.
func (g *Imaging) end(ctx context.Context, i *Image, f func(context.Context, *Image) error) error {
	return g.Tx(context.WithoutCancel(ctx), func(ctx context.Context) error {
		now, err := g.mine(ctx, i)
		if err != nil {
			return err
		}
		if err := f(ctx, now); err != nil {
			return err
		}
		now.Upload, now.TouchedAt, now.UpdatedAt = "", time.Time{}, g.Now()
		return g.Update(ctx, now)
	})
}

// mine is an image's row as long as it has the same move; else a Gone.
func (g *Imaging) mine(ctx context.Context, i *Image) (*Image, error) {
	now, err := g.Image(ctx, i.ID)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return nil, err
	}
	if err != nil || now.Upload != i.Upload {
		return nil, removed(i.ID).Because(err)
	}
	return now, nil
}

// giveUp removes what a move of bytes left, and puts the image back to queued, or
// leaves an active one as it is. The bytes go first: until the row says queued,
// nobody else begins.
func (g *Imaging) giveUp(ctx context.Context, i *Image) error {
	if _, err := g.mine(ctx, i); err != nil {
		if fault.Is(err, fault.Gone) {
			return nil
		}
		return err
	}
	if err := g.clear(ctx, i.ID, func(*Bytes) bool { return true }); err != nil {
		return err
	}
	err := g.end(ctx, i, func(_ context.Context, now *Image) error { now.unfilled(); return nil })
	if fault.Is(err, fault.Gone) {
		return nil
	}
	return err
}

// unfilled is an image whose bytes did not come.
func (i *Image) unfilled() {
	if i.Status == Active || i.Status == Deactivated {
		return
	}
	i.Status, i.Size, i.VirtualSize, i.Checksum, i.HashValue, i.Locations = Queued, nil, nil, "", "", nil
	delete(i.Properties, stageHost)
}

// full words what can go wrong with bytes: refused content, no room.
func full(err error) error {
	var refused *inspect.Refused
	switch {
	case err == nil, fault.Of(err) != nil:
		return err
	case errors.As(err, &refused):
		return fault.New(fault.Unsupported, "The image was refused: %s", refused.Reason)
	case noSpace(err):
		return fault.New(fault.TooLarge, "There is not enough disk space on the image storage media.").Because(err)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fault.New(fault.Invalid, "The upload was cut off.").Because(err)
	}
	return err
}
