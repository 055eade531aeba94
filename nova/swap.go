package nova

import (
	"context"
	"slices"
	"time"

	"stackd/internal/fault"

	"github.com/google/uuid"
)

// A Swap is a disk of a running server whose content is copied elsewhere, until the
// guest goes over to that: to another volume, or to another place of the same one. The
// row says what should be; whether the guest is over is seen in the guest alone. Until
// then what it had is kept, and once it is over nobody writes there any more.
type Swap struct {
	ID       string `bun:",pk"`
	ServerID string
	HoldID   string // of the volume that the guest has
	NextID   string // the hold of the volume that comes instead; "" when the volume itself moves
	// Place is how the server's host reaches the place that the volume moves to.
	Place    map[string]any
	ActionID string
	// Ending: it is given up. When the node has taken note, all is as it was.
	Ending    bool
	CreatedAt time.Time
}

// Moves tells whether the volume stays the same, and its place changes.
func (w *Swap) Moves() bool { return w.NextID == "" }

// join puts the swaps under way into the holds: the hold of a volume that is to come is
// seen only by way of the one it comes instead of.
func (c *Compute) join(ctx context.Context, holds map[string][]Hold, servers ...string) error {
	swaps, err := c.Swaps(ctx, servers...)
	if err != nil || len(swaps) == 0 {
		return err
	}
	for id, hs := range holds {
		var out []Hold
		for _, h := range hs {
			if coming(swaps, h.ID) {
				continue
			}
			if h.Swap = swaps[h.ID]; h.Swap != nil {
				if err := c.comes(ctx, &h, hs); err != nil {
					return err
				}
			}
			out = append(out, h)
		}
		holds[id] = out
	}
	return nil
}

func coming(swaps map[string]*Swap, hold string) bool {
	for _, w := range swaps {
		if w.NextID == hold {
			return true
		}
	}
	return false
}

// comes finds what comes instead of a hold.
func (c *Compute) comes(ctx context.Context, h *Hold, all []Hold) (err error) {
	if h.Swap.Moves() {
		next := *h
		next.Disk, err = c.Volumes.At(ctx, *h, h.Swap.Place)
		h.Next = &next
		return err
	}
	if at := slices.IndexFunc(all, func(o Hold) bool { return o.ID == h.Swap.NextID }); at >= 0 {
		next := all[at]
		h.Next = &next
	}
	return nil
}

// SwapVolume has another volume take the place of one that a running server has, with
// the content of the first.
func (c *Compute) SwapVolume(ctx context.Context, id, old, next string) error {
	_, err := c.change(ctx, id, func(ctx context.Context, s *Server) error {
		h, n, err := c.swappable(ctx, s, old, next)
		if err != nil {
			return err
		}
		if err := c.Volumes.Detaching(ctx, h.ID); err != nil {
			return err
		}
		n, err = c.Volumes.Reserve(ctx, n, false)
		if err != nil {
			return err
		}
		under := s.ActionID
		if err := c.act(ctx, s, "swap_volume", "compute_swap_volume"); err != nil {
			return err
		}
		w := &Swap{ID: uuid.NewString(), ServerID: s.ID, HoldID: h.ID, NextID: n.ID, Place: map[string]any{}, ActionID: s.ActionID, CreatedAt: c.Now()}
		s.ActionID, s.DueAt = under, c.Now()
		return c.InsertSwap(ctx, w)
	})
	return err
}

// swappable finds what a server has, drafts what comes instead, and says why it cannot.
func (c *Compute) swappable(ctx context.Context, s *Server, old, next string) (h, n Hold, err error) {
	was, err := c.Volumes.Volume(ctx, old)
	if err != nil {
		return h, n, err
	}
	is, err := c.Volumes.Volume(ctx, next)
	if fault.Is(err, fault.NotFound) {
		err = fault.New(fault.Invalid, "Volume %s could not be found.", next)
	}
	if err != nil {
		return h, n, err
	}
	if err := ready(ctx, s, "swap_volume", Active, Paused); err != nil {
		return h, n, err
	}
	h, err = c.Hold(ctx, s.ID, old)
	switch {
	case fault.Is(err, fault.NotFound):
		err = badSwap("Old volume is attached to a different instance.")
	case err != nil:
	case is.Holders > 0:
		err = badSwap("New volume must be detached in order to swap.")
	case is.Size < was.Size:
		err = badSwap("New volume must be the same size or larger.")
	case was.Holders > 1:
		err = fault.New(fault.Invalid, "Swapping multi-attach volumes with more than one read/write attachment is not supported.")
	case h.Status != HoldAttached || h.Swap != nil:
		err = badSwap("Unable to detach volume. Volume status must be 'in-use' and attach_status must be 'attached' to detach.")
	}
	n = Hold{VolumeID: next, ServerID: s.ID, Device: h.Device, Tag: h.Tag, DeleteOnTermination: h.DeleteOnTermination, BootIndex: h.BootIndex}
	return h, n, err
}

func badSwap(why string) error { return fault.New(fault.Invalid, "Invalid volume: %s", why) }

// MoveVolume has a running server's volume copied to another place of the same volume;
// it joins the transaction in ctx. Moved is told by the guest being there.
func (c *Compute) MoveVolume(ctx context.Context, server, volume string, place map[string]any) error {
	s, err := c.Server(ctx, server)
	if err != nil {
		return err
	}
	h, err := c.Hold(ctx, server, volume)
	if err != nil {
		return err
	}
	if !slices.Contains([]string{Active, Paused}, s.VMState) || s.Goal != GoalLive || h.Status != HoldAttached || h.Swap != nil {
		return fault.New(fault.Conflict, "Cannot 'swap_volume' instance %s while it is in vm_state %s and its volume is %s", s.ID, s.VMState, h.Status)
	}
	c.nudge(ctx, s)
	return c.InsertSwap(ctx, &Swap{ID: uuid.NewString(), ServerID: s.ID, HoldID: h.ID, Place: place, CreatedAt: c.Now()})
}

// Moving tells whether a volume of a server is on its way to another place.
func (c *Compute) Moving(ctx context.Context, server, volume string) (bool, error) {
	h, err := c.Hold(ctx, server, volume)
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	return h.Swap != nil && h.Swap.Moves(), err
}

// EndSwap gives a swap up, in the transaction that s is written in.
func (c *Compute) EndSwap(ctx context.Context, s *Server, w *Swap) error {
	w.Ending = true
	s.Generation++
	s.SeenFault, s.SeenFinal = "", false
	c.nudge(ctx, s)
	return c.UpdateSwap(ctx, w)
}

// SwapEnded forgets a swap, in the transaction that s is written in: the guest is over,
// or stays where it was.
func (c *Compute) SwapEnded(ctx context.Context, s *Server, h Hold, over bool) error {
	if err := c.DeleteSwap(ctx, h.Swap.ID); err != nil {
		return err
	}
	result, details := "Success", ""
	if !over {
		result, details = "Error", "The guest keeps the volume that it had."
	}
	if h.Swap.ActionID != "" {
		if err := c.FinishAction(ctx, h.Swap.ActionID, result, details); err != nil {
			return err
		}
	}
	if over {
		s.Generation++ // the guest is told the size
		c.nudge(ctx, s)
	}
	return c.handOver(ctx, h, over)
}

// EndOver ends the swaps that a guest is seen to be over, in the transaction that s is
// written in.
func (c *Compute) EndOver(ctx context.Context, s *Server) error {
	if len(s.SeenCopied) == 0 {
		return nil
	}
	holds, err := c.HoldsOf(ctx, s.ID)
	if err != nil {
		return err
	}
	for _, h := range holds[s.ID] {
		if h.Swap != nil && slices.Contains(s.SeenCopied, h.Swap.ID) {
			if err := c.SwapEnded(ctx, s, h, true); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *Compute) handOver(ctx context.Context, h Hold, over bool) error {
	stays, goes := h.ID, h.Swap.NextID
	if over {
		stays, goes = goes, stays
	}
	switch {
	case !h.Swap.Moves():
		if err := c.Volumes.Release(ctx, goes); err != nil {
			return err
		}
		return c.Volumes.Attached(ctx, stays)
	case over:
		return c.Volumes.Moved(ctx, h.ID, h.Swap.Place)
	}
	return nil
}
