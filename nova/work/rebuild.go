package work

import (
	"context"
	"errors"
	"slices"
	"time"

	"stackd/agent/wish"
	"stackd/internal/converge"
	"stackd/internal/fault"
	"stackd/nova"
)

// reimaged: no root volume is to be given an image any more.
func (w *Servers) reimaged(_ context.Context, s *nova.Server) (bool, error) {
	return s.Reimage == "", nil
}

// reimage has the root volume given an image's content once the guest is off, and waits
// for that. The guest gets it as one that it never had (see mapVolumes).
func (w *Servers) reimage(ctx context.Context, s *nova.Server) error {
	holds, err := w.c.HoldsOf(ctx, s.ID)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(holds[s.ID], nova.Hold.Root)
	if at < 0 {
		return converge.Finalf("The server has no root volume.")
	}
	root := holds[s.ID][at]
	if root.Status == nova.HoldReserved {
		return w.hasImage(ctx, s, root.VolumeID)
	}
	off := s.SeenPower != wish.Running && s.SeenPower != wish.Paused
	if s.SeenGeneration < s.Generation || !off {
		if s.SeenFinal && s.SeenFault != "" {
			return converge.Final{Err: errors.New(s.SeenFault)}
		}
		return converge.Later(5 * time.Second)
	}
	err = w.update(ctx, s, func(ctx context.Context, s *nova.Server) error {
		return w.c.Volumes.Reimage(ctx, root.ID, s.Reimage)
	})
	if f := fault.Of(err); f != nil && f.Kind != fault.Unavailable { // it has snapshots, or the image has gone
		return converge.Final{Err: f}
	}
	if err == nil {
		err = converge.Later(500 * time.Millisecond)
	}
	return err
}

func (w *Servers) hasImage(ctx context.Context, s *nova.Server, volume string) error {
	v, err := w.c.Volumes.Fact(ctx, volume)
	if err != nil {
		return err
	}
	switch v.Status {
	case "downloading":
		return converge.Later(500 * time.Millisecond)
	case "error":
		return converge.Final{Err: fault.New(fault.Internal, "Volume %s could not be given the content of image %s.", volume, s.Reimage)}
	}
	return w.update(ctx, s, func(_ context.Context, s *nova.Server) error { s.Reimage = ""; return nil })
}
