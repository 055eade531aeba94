package work

import (
	"context"
	"log/slog"

	"stackd/agent/wish"
	"stackd/nova"
)

// swaps takes a server's swaps on, by what is seen of its guest.
func (w *Servers) swaps(ctx context.Context, s *nova.Server) error {
	if err := w.over(ctx, s); err != nil {
		return err
	}
	return w.eachSwap(ctx, s, func(h nova.Hold) func(context.Context, *nova.Server) error {
		switch {
		case h.Swap.Ending && s.SeenGeneration >= s.Generation:
			return func(ctx context.Context, s *nova.Server) error { return w.c.SwapEnded(ctx, s, h, false) }
		case !h.Swap.Ending && hopeless(s):
			slog.Warn("a volume's content does not get to its new place", "server", s.ID, "volume", h.VolumeID, "project", s.ProjectID, "fault", s.SeenFault, "power", s.SeenPower)
			return func(ctx context.Context, s *nova.Server) error { return w.c.EndSwap(ctx, s, h.Swap) }
		}
		return nil
	})
}

// over ends the swaps that the guest is over.
func (w *Servers) over(ctx context.Context, s *nova.Server) error {
	if len(s.SeenCopied) == 0 {
		return nil
	}
	swaps, err := w.c.Swaps(ctx, s.ID)
	if err != nil || len(swaps) == 0 {
		return err
	}
	return w.update(ctx, s, w.c.EndOver)
}

// eachSwap does, in a transaction each, what act says of a server's swaps.
func (w *Servers) eachSwap(ctx context.Context, s *nova.Server, act func(nova.Hold) func(context.Context, *nova.Server) error) error {
	holds, err := w.c.HoldsOf(ctx, s.ID)
	if err != nil {
		return err
	}
	for _, h := range holds[s.ID] {
		if h.Swap == nil {
			continue
		}
		if f := act(h); f != nil {
			if err := w.update(ctx, s, f); err != nil {
				return err
			}
		}
	}
	return nil
}

// hopeless: the node has given up copying, or the guest is off, and is meant to be or
// went so by itself.
func hopeless(s *nova.Server) bool {
	if s.SeenStep == "copied" && s.SeenFinal {
		return true
	}
	return s.SeenGeneration >= s.Generation && s.SeenPower != wish.Running && s.SeenPower != wish.Paused
}
