package work

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"stackd/internal/converge"
	"stackd/internal/fault"
	"stackd/nova"
)

// detachFor is how long a guest may take to let go of a volume; then it keeps it.
const detachFor = 160 * time.Second

// mapped: every volume promised to the server is reachable from its host.
func (w *Servers) mapped(ctx context.Context, s *nova.Server) (bool, error) {
	holds, err := w.c.HoldsOf(ctx, s.ID)
	for _, h := range promised(holds[s.ID]) {
		if h.Status == nova.HoldReserved {
			return false, err
		}
	}
	return true, err
}

// promised are holds, and those that come instead of some.
func promised(hs []nova.Hold) []nova.Hold {
	all := slices.Clone(hs)
	for _, h := range hs {
		if h.Next != nil && !h.Swap.Moves() {
			all = append(all, *h.Next)
		}
	}
	return all
}

// mapVolumes makes each promised volume reachable, and then has the node told.
func (w *Servers) mapVolumes(ctx context.Context, s *nova.Server) error {
	holds, err := w.c.HoldsOf(ctx, s.ID)
	if err != nil {
		return err
	}
	how := map[string]map[string]any{}
	for _, h := range promised(holds[s.ID]) {
		if h.Status != nova.HoldReserved {
			continue
		}
		how[h.ID], err = w.reach(ctx, s, h)
		if converge.IsFinal(err) && !s.LaunchedAt.IsZero() && s.MigrationID == 0 { // a server that runs goes on without it
			slog.Warn("a volume cannot be attached", "server", s.ID, "volume", h.VolumeID, "cause", err)
			return w.update(ctx, s, func(ctx context.Context, s *nova.Server) error { return w.letGo(ctx, s, holds[s.ID], h.ID) })
		}
		if err != nil {
			return err
		}
	}
	return w.update(ctx, s, func(ctx context.Context, s *nova.Server) error {
		for id, x := range how {
			if err := w.c.Volumes.Bind(ctx, id, s.Host, x); err != nil {
				return err
			}
		}
		if s.Plugged {
			s.Generation++
			w.c.Nudge(ctx, s)
		}
		return nil
	})
}

// letGo gives back a promise that cannot be kept; what it was to come instead of stays.
func (w *Servers) letGo(ctx context.Context, s *nova.Server, all []nova.Hold, id string) error {
	for _, h := range all {
		if h.Swap != nil && h.Swap.NextID == id {
			return w.c.SwapEnded(ctx, s, h, false)
		}
	}
	return w.c.Volumes.Release(ctx, id)
}

// reach waits until the volume is made, and asks how host gets at it.
func (w *Servers) reach(ctx context.Context, s *nova.Server, h nova.Hold) (map[string]any, error) {
	v, err := w.c.Volumes.Fact(ctx, h.VolumeID)
	if err != nil {
		return nil, err
	}
	switch v.Status {
	case "creating", "downloading":
		return nil, converge.Later(500 * time.Millisecond)
	case "error", "error_deleting", "deleting":
		return nil, converge.Final{Err: fault.New(fault.Internal, "Volume %s did not finish being created even after we waited: its status is %s.", v.ID, v.Status)}
	}
	return w.c.Volumes.Reach(ctx, h, s.Host)
}

// unmap gives the server's volumes back; those that were to go with it go.
func (w *Servers) unmap(ctx context.Context, s *nova.Server) error {
	return w.update(ctx, s, func(ctx context.Context, s *nova.Server) error {
		return w.handHolds(ctx, s, func(h nova.Hold) error {
			if err := w.c.Volumes.Release(ctx, h.ID); err != nil || !h.DeleteOnTermination {
				return err
			}
			if err := w.c.Volumes.Delete(ctx, h.VolumeID); err != nil {
				slog.Warn("a volume does not go with its server", "server", s.ID, "volume", h.VolumeID, "cause", err)
			}
			return nil
		})
	})
}

// handHolds gives back each volume of a server that its guest has no more; a swap that was
// under way is over.
func (w *Servers) handHolds(ctx context.Context, s *nova.Server, give func(nova.Hold) error) error {
	holds, err := w.c.HoldsOf(ctx, s.ID)
	for _, h := range holds[s.ID] {
		if err == nil && h.Swap != nil {
			err = w.c.SwapEnded(ctx, s, h, false)
		}
		if err == nil {
			err = give(h)
		}
	}
	return err
}

// settleVolumes writes what the node has done with the volumes, in settle's transaction.
func (w *Servers) settleVolumes(ctx context.Context, s *nova.Server) error {
	holds, err := w.c.HoldsOf(ctx, s.ID)
	for _, h := range holds[s.ID] {
		if h.Swap != nil { // swaps.go
			continue
		}
		switch h.Status {
		case nova.HoldAttaching:
			err = w.c.Volumes.Attached(ctx, h.ID)
		case nova.HoldDetaching:
			err = w.c.Volumes.Release(ctx, h.ID)
		}
		if err != nil {
			return err
		}
	}
	return err
}

// refused gives up detaching from a guest that does not let go: it keeps the volume.
func (w *Servers) refused(ctx context.Context, s *nova.Server) error {
	if s.LaunchedAt.IsZero() || w.c.Now().Sub(s.UpdatedAt) < detachFor {
		return nil
	}
	holds, err := w.c.HoldsOf(ctx, s.ID)
	if err != nil {
		return err
	}
	for _, h := range holds[s.ID] {
		if h.Status != nova.HoldDetaching || h.Swap != nil {
			continue
		}
		err := w.update(ctx, s, func(ctx context.Context, s *nova.Server) error {
			s.Generation++
			w.c.Nudge(ctx, s)
			return w.c.Volumes.Attached(ctx, h.ID)
		})
		if err != nil {
			return err
		}
		slog.Warn("the guest does not let go of a volume and keeps it", "server", s.ID, "volume", h.VolumeID, "project", s.ProjectID)
	}
	return nil
}
