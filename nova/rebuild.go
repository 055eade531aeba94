package nova

import (
	"context"
	"slices"

	"stackd/agent/wish"
	"stackd/internal/fault"
)

// A RebuildSpec is what a rebuild asks for; nil leaves alone.
type RebuildSpec struct {
	ImageID string
	ServerUpdate
	// KeyName and UserData: a pointer to nil takes away what was there.
	KeyName, UserData **string
	Metadata          map[string]string // nil leaves it
	// KeepEphemeral keeps the server's ephemeral disk and swap.
	KeepEphemeral bool
	// Reimage says that the caller's version knows of root volumes that are given another
	// content (2.93).
	Reimage bool
}

// Rebuild gives a server a new root disk, made of an image. It keeps its id, its ports,
// addresses and volumes; a root volume is given the image's content.
func (c *Compute) Rebuild(ctx context.Context, id string, spec RebuildSpec) (*Server, error) {
	return c.change(ctx, id, func(ctx context.Context, s *Server) error {
		if err := c.rebuildable(ctx, s, spec); err != nil {
			return err
		}
		if err := c.rebuiltOf(ctx, s, spec); err != nil {
			return err
		}
		if err := c.rename(ctx, s, spec); err != nil {
			return err
		}
		if s.VMState == Errored {
			s.Wanted = wish.Running
		}
		s.Rebuilds++
		if !spec.KeepEphemeral {
			s.LocalOf = s.Rebuilds
		}
		s.TaskState = Rebuilding
		return c.begin(ctx, s, "rebuild", "compute_rebuild_instance")
	})
}

func (c *Compute) rebuildable(ctx context.Context, s *Server, spec RebuildSpec) error {
	if err := ready(ctx, s, "rebuild", Active, Stopped, Errored); err != nil {
		return err
	}
	if s.Goal != GoalLive || s.Host == "" { // its build failed: there is nothing to rebuild
		return wrongState(s, "rebuild", "vm_state", s.VMState)
	}
	if most := c.limit(ctx, s.ProjectID, "metadata_items"); most >= 0 && len(spec.Metadata) > most {
		return fault.New(fault.OverQuota, "Maximum number of metadata items exceeds %d", most)
	}
	return nil
}

// rebuiltOf checks the image as a create does, and makes the server one of it.
func (c *Compute) rebuiltOf(ctx context.Context, s *Server, spec RebuildSpec) error {
	i, err := c.Images.Image(ctx, spec.ImageID)
	if fault.Is(err, fault.NotFound) {
		return fault.New(fault.Invalid, "Cannot find image for rebuild")
	}
	if err != nil {
		return err
	}
	if s.ImageID == "" {
		return c.rebuildVolume(ctx, s, i, spec.Reimage)
	}
	if i.Properties["block_device_mapping"] != "" {
		return fault.New(fault.Invalid, "Image %s is unacceptable: it has no disk of its own.", i.ID)
	}
	if err := fitsImage(s.Flavor, i); err != nil {
		return err
	}
	s.ImageID, s.Image = i.ID, i
	return nil
}

// rebuildVolume has a server's root volume given an image's content. Callers of old may
// only say the image that it was made from, and the volume stays as it is.
func (c *Compute) rebuildVolume(ctx context.Context, s *Server, i ImageFacts, reimage bool) error {
	holds, err := c.HoldsOf(ctx, s.ID)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(holds[s.ID], Hold.Root)
	if at < 0 {
		return fault.New(fault.Invalid, "Image %s is unacceptable: the server has no root disk.", i.ID)
	}
	root := holds[s.ID][at]
	v, err := c.Volumes.Fact(ctx, root.VolumeID)
	switch {
	case err != nil:
		return err
	case !reimage && v.Image["image_id"] == i.ID:
		return nil
	case !reimage:
		return fault.New(fault.Invalid, "Image %s is unacceptable: Unable to rebuild with a different image for a volume-backed server.", i.ID)
	case root.Swap != nil || root.Status != HoldAttached && root.Status != HoldReserved:
		return fault.New(fault.Invalid, "Invalid volume: Volume %s is %s.", v.ID, root.Status)
	}
	if err := fitsVolume(s.Flavor, v, i); err != nil {
		return err
	}
	s.Image, s.Reimage = ImageFacts{Properties: i.Properties}, i.ID
	if root.Status == HoldReserved { // of a rebuild that failed: the guest has no disk to be taken from it
		return c.Volumes.Reimage(ctx, root.ID, i.ID)
	}
	return nil
}

// fitsVolume is fitsImage for a root disk that is a volume.
func fitsVolume(f FlavorSnapshot, v VolumeFacts, i ImageFacts) error {
	f.Disk = 0
	if err := fitsImage(f, i); err != nil {
		return err
	}
	if need := max(int64(i.MinDisk)<<30, i.Virtual); v.Size<<30 < need {
		return fault.New(fault.Invalid, "Volume is smaller than the minimum size specified in image metadata. Volume size is %d bytes, minimum size is %d bytes.", v.Size<<30, need)
	}
	return nil
}

// rename gives a server what else a rebuild may change.
func (c *Compute) rename(ctx context.Context, s *Server, spec RebuildSpec) error {
	spec.apply(s)
	if spec.Metadata != nil {
		s.Metadata = spec.Metadata
	}
	if spec.UserData != nil {
		s.UserData = ""
		set(&s.UserData, *spec.UserData)
	}
	if spec.KeyName == nil {
		return nil
	}
	s.KeyName, s.KeyData = "", ""
	set(&s.KeyName, *spec.KeyName)
	return c.draftKey(ctx, s, ServerSpec{KeyName: s.KeyName})
}
