package work

import (
	"context"
	"log/slog"
	"time"

	"stackd/agent/wish"
	"stackd/internal/fault"
	"stackd/nova"
)

// shelve takes a server from its host: when the node has no trace of it, it gives back
// what it took there. It waits for a node that is down, where the guest may run on.
func (w *Servers) shelve(ctx context.Context, s *nova.Server) error {
	if err := w.over(ctx, s); err != nil {
		return err
	}
	if s.Host != "" && (s.SeenPower != wish.Gone || s.SeenGeneration < s.Generation) {
		return w.update(ctx, s, func(_ context.Context, s *nova.Server) error {
			s.DueAt = w.c.Now().Add(5 * time.Second)
			return nil
		})
	}
	return w.update(ctx, s, func(ctx context.Context, s *nova.Server) error {
		if err := w.giveBack(ctx, s); err != nil {
			return err
		}
		s.Host, s.Plugged, s.DisksOf, s.VMState, s.TaskState, s.UpdatedAt, s.DueAt = "", false, 0, nova.ShelvedOffloaded, "", w.c.Now(), time.Time{}
		s.SeenPower, s.SeenGeneration, s.SeenPorts, s.SeenStep, s.SeenFault, s.SeenFinal, s.SeenCopied, s.Tries = wish.Stopped, 0, nil, "", "", false, nil, 0
		return w.finish(ctx, s, "Success", "")
	})
}

func (w *Servers) giveBack(ctx context.Context, s *nova.Server) error {
	err := w.handHolds(ctx, s, func(h nova.Hold) error { return w.c.Volumes.Promise(ctx, h.ID) })
	if err != nil {
		return err
	}
	if err := w.c.Networks.Bind(ctx, s.ID, ""); err != nil {
		return err
	}
	return w.c.Placing.Release(ctx, s.ID)
}

// unshelved: no image is kept of a server that is on a host.
func (w *Servers) unshelved(_ context.Context, s *nova.Server) (bool, error) {
	return s.ShelvedImage == "", nil
}

// unshelve takes the image away that the root disk was kept in, once there is one of it.
func (w *Servers) unshelve(ctx context.Context, s *nova.Server) error {
	if err := w.dropShelved(ctx, s); err != nil {
		return err
	}
	return w.update(ctx, s, func(_ context.Context, s *nova.Server) error {
		s.ShelvedImage = ""
		return nil
	})
}

func (w *Servers) dropShelved(ctx context.Context, s *nova.Server) error {
	if s.ShelvedImage == "" {
		return nil
	}
	err := w.c.Images.Drop(ctx, s.ShelvedImage)
	if f := fault.Of(err); f != nil && f.Kind != fault.Unavailable { // it has gone, or somebody protects it
		slog.Warn("the image of a shelved server is not taken away", "server", s.ID, "image", s.ShelvedImage, "cause", err)
		return nil
	}
	return err
}
