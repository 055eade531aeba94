package glance

import (
	"context"
	"errors"
	"io"
	"log/slog"

	"stackd/internal/fault"
)

// staged is the backend's name of an image's staged bytes.
func staged(id string) string { return "staged-" + id }

// Stage takes bytes to be imported later; they are not looked at yet.
func (g *Imaging) Stage(ctx context.Context, id string, body io.Reader, size int64, may func(*Image) error) error {
	i, err := g.begin(ctx, id, Queued, Uploading, may)
	if err != nil {
		return err
	}
	if err = g.stage(ctx, i, body, size); err != nil {
		err = errors.Join(err, g.giveUp(context.WithoutCancel(ctx), i))
	}
	return err
}

func (g *Imaging) stage(ctx context.Context, i *Image, body io.Reader, size int64) error {
	w, err := g.bytes.Create(ctx, staged(i.ID))
	if err != nil {
		return full(err)
	}
	defer w.Abort()
	s := blind(w)
	if err := g.pour(ctx, i, s, body, size); err != nil {
		return err
	}
	if err := w.Commit(); err != nil {
		return full(err)
	}
	return g.end(ctx, i, func(now *Image) { now.Size = &s.n })
}

// Import begins to make an image of what was staged; it goes on in the background,
// also after a crash, and ends active or, with bytes that are refused, queued.
func (g *Imaging) Import(ctx context.Context, id string, may func(*Image) error) error {
	i, err := g.begin(ctx, id, Uploading, Importing, func(i *Image) error {
		if err := may(i); err != nil {
			return err
		}
		if i.Status != Uploading || i.Upload != "" {
			return fault.New(fault.Conflict, "Image needs to be staged before 'glance-direct' method can be used")
		}
		for name, value := range map[string]string{"container_format": i.ContainerFormat, "disk_format": i.DiskFormat} {
			if value == "" {
				return fault.New(fault.Invalid, "'%s' needs to be set before import", name)
			}
		}
		return nil
	})
	if err == nil {
		go g.bring(i)
	}
	return err
}

// bring imports what was staged.
func (g *Imaging) bring(i *Image) {
	ctx := context.Background()
	err := g.takeStaged(ctx, i)
	if err == nil {
		err = g.bytes.Delete(ctx, staged(i.ID))
	} else {
		err = errors.Join(err, g.giveUp(ctx, i))
	}
	if err != nil {
		slog.Warn("an import ended", "image", i.ID, "project", i.Owner, "cause", err)
	}
}

func (g *Imaging) takeStaged(ctx context.Context, i *Image) error {
	body, size, err := g.bytes.Open(ctx, staged(i.ID))
	if err != nil {
		return err
	}
	defer body.Close()
	return g.take(ctx, i, body, size)
}
