package nova

import (
	"cmp"
	"context"
	"slices"

	"stackd/agent/wish"
	"stackd/internal/fault"
)

// Rescued is the vm_state of a server that runs from another image, with its own root
// disk as a second one; Rescuing and Unrescuing are the ways there and back.
const (
	Rescued    = "rescued"
	Rescuing   = "rescuing"
	Unrescuing = "unrescuing"
)

// Rescue has a server start from an image, "" being its own, so that somebody can mend
// what is on its root disk. One whose root disk is a volume is rescued for callers that
// know of it (2.87).
func (c *Compute) Rescue(ctx context.Context, id, image string, fromVolume bool) error {
	_, err := c.change(ctx, id, func(ctx context.Context, s *Server) error {
		if err := ready(ctx, s, "rescue", Active, Stopped, Errored); err != nil {
			return err
		}
		if s.Goal != GoalLive || s.Host == "" {
			return wrongState(s, "rescue", "vm_state", s.VMState)
		}
		i, err := c.rescueImage(ctx, s, image, fromVolume)
		if err != nil {
			return err
		}
		s.Rescue, s.Wanted, s.TaskState = &i, wish.Running, Rescuing
		s.HardReboots++
		return c.begin(ctx, s, "rescue", "compute_rescue_instance")
	})
	return err
}

func (c *Compute) rescueImage(ctx context.Context, s *Server, image string, fromVolume bool) (i ImageFacts, err error) {
	holds, err := c.HoldsOf(ctx, s.ID)
	if err != nil {
		return i, err
	}
	if slices.ContainsFunc(holds[s.ID], func(h Hold) bool { return h.Status != HoldAttached }) {
		return i, notRescuable(s, "a volume of it is being attached or detached")
	}
	if s.ImageID == "" && !fromVolume {
		return i, notRescuable(s, "Cannot rescue a volume-backed instance")
	}
	id := cmp.Or(image, s.ImageID)
	if id == "" {
		return i, notRescuable(s, "it was made from no image; rescue_image_ref must name one")
	}
	i, err = c.Images.Image(ctx, id)
	if fault.Is(err, fault.NotFound) || err == nil && (i.Status != "active" || i.Properties["block_device_mapping"] != "") {
		err = fault.New(fault.Invalid, "Requested rescue image '%s' is not supported", id)
	}
	return i, err
}

func notRescuable(s *Server, why string) error {
	return fault.New(fault.Invalid, "Instance %s cannot be rescued: %s", s.ID, why)
}

// Unrescue has a rescued server start from its own root disk again.
func (c *Compute) Unrescue(ctx context.Context, id string) error {
	_, err := c.change(ctx, id, func(ctx context.Context, s *Server) error {
		if err := ready(ctx, s, "unrescue", Rescued); err != nil {
			return err
		}
		s.Rescue, s.Wanted, s.TaskState = nil, wish.Running, Unrescuing
		s.HardReboots++
		return c.begin(ctx, s, "unrescue", "compute_unrescue_instance")
	})
	return err
}

// Settled is the vm_state of a server that is where it should be.
func (s *Server) Settled() string {
	if s.Rescue != nil && s.Wanted == wish.Running {
		return Rescued
	}
	return StateOf(s.Wanted)
}

func imageOf(i ImageFacts) *wish.Image {
	return &wish.Image{ID: i.ID, Format: i.Format, Size: i.Size, SHA512: i.SHA512, KernelID: i.Properties["kernel_id"], RamdiskID: i.Properties["ramdisk_id"]}
}

// ChangePassword refuses to set a password in a guest: that takes an agent in it, which
// no image here is known to have.
func (c *Compute) ChangePassword(ctx context.Context, id string) error {
	_, err := c.change(ctx, id, func(ctx context.Context, s *Server) error {
		if err := ready(ctx, s, "changePassword", Active); err != nil {
			return err
		}
		return fault.New(fault.Conflict, "QEMU guest agent is not enabled")
	})
	return err
}
