package nova

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"stackd/agent/wish"
	"stackd/internal/fault"
)

// Statuses of a hold, as block storage has them.
const (
	HoldReserved  = "reserved"  // promised: the host does not have it yet
	HoldAttaching = "attaching" // the node is to give it to the guest
	HoldAttached  = "attached"
	HoldDetaching = "detaching" // the node is to take it from the guest
)

// A Hold is one volume in the hands of one server: the row that compute and block
// storage share, so that they cannot disagree.
type Hold struct {
	ID, VolumeID, ServerID string
	Status                 string
	Device                 string // /dev/vdb
	Tag                    string
	DeleteOnTermination    bool
	BootIndex              int64 // 0 is the root disk, -1 none
	CreatedAt              time.Time
	// Encrypted: its host needs the volume's passphrase, which is asked for only then.
	Encrypted bool
	// Disk is how the guest's host reaches the volume; its Kind is "" before Bind.
	Disk wish.Disk
	// Swap is what takes the volume's place, when something does, and Next its hold.
	Swap *Swap
	Next *Hold
}

// Root tells whether the guest boots from it.
func (h Hold) Root() bool { return h.BootIndex == 0 }

// inOrder sorts holds as the guest shall see them: as it boots, then as they came.
func inOrder(hs []Hold) []Hold {
	slices.SortStableFunc(hs, func(a, b Hold) int {
		x, y := a.BootIndex, b.BootIndex
		if x < 0 {
			x = 1 << 30
		}
		if y < 0 {
			y = 1 << 30
		}
		return cmp.Or(cmp.Compare(x, y), a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.VolumeID, b.VolumeID))
	})
	return hs
}

// HoldsOf are the volumes of servers, each in the guest's order.
func (c *Compute) HoldsOf(ctx context.Context, ids ...string) (map[string][]Hold, error) {
	if c.Volumes == nil || len(ids) == 0 {
		return nil, nil
	}
	all, err := c.Volumes.Of(ctx, ids...)
	if err != nil {
		return nil, err
	}
	err = c.join(ctx, all, ids...)
	for _, hs := range all {
		inOrder(hs)
	}
	return all, err
}

// Hold is one volume of one server; NotFound as nova words it.
func (c *Compute) Hold(ctx context.Context, server, volume string) (Hold, error) {
	all, err := c.HoldsOf(ctx, server)
	if err != nil {
		return Hold{}, err
	}
	for _, h := range all[server] {
		if h.VolumeID == volume {
			return h, nil
		}
	}
	return Hold{}, fault.New(fault.NotFound, "Instance %s is not attached to volume %s", server, volume)
}

// AttachSpec is what a caller asks of an attachment.
type AttachSpec struct {
	VolumeID, Device, Tag string
	DeleteOnTermination   bool
	// Multi says that the caller's version knows volumes of several servers (2.60).
	Multi bool
	// Away says that it knows that a server on no host may be promised volumes (2.20).
	Away bool
}

// holders are the states of servers that volumes are attached to and detached from.
func holders(away bool) []string {
	states := []string{Active, Paused, Stopped, Resized}
	if away {
		states = append(states, ShelvedOffloaded)
	}
	return states
}

// AttachVolume promises a volume to a server; the node gives it to the guest.
func (c *Compute) AttachVolume(ctx context.Context, id string, a AttachSpec) (Hold, error) {
	var h Hold
	_, err := c.change(ctx, id, func(ctx context.Context, s *Server) error {
		if err := ready(ctx, s, "attach_volume", holders(a.Away)...); err != nil {
			return err
		}
		v, err := c.Volumes.Volume(ctx, a.VolumeID)
		if err != nil {
			return err
		}
		if v.Multiattach && !a.Multi {
			return fault.New(fault.Invalid, "Volume %s has 'multiattach' set, which is not supported for this instance.", v.ID)
		}
		all, err := c.HoldsOf(ctx, id)
		if err != nil {
			return err
		}
		if h, err = draftHold(s, all[id], a); err != nil {
			return err
		}
		if h, err = c.Volumes.Reserve(ctx, h, false); err != nil {
			return err
		}
		if s.VMState != ShelvedOffloaded { // that one has it when it comes back
			s.DueAt = c.Now()
		}
		return c.did(ctx, s, "attach_volume", "compute_attach_volume")
	})
	return h, err
}

// draftHold finds the new disk's name.
func draftHold(s *Server, others []Hold, a AttachSpec) (Hold, error) {
	h := Hold{VolumeID: a.VolumeID, ServerID: s.ID, Device: a.Device, Tag: a.Tag, DeleteOnTermination: a.DeleteOnTermination, BootIndex: -1}
	var taken []string
	for _, o := range others {
		if o.VolumeID == a.VolumeID {
			return h, fault.New(fault.Invalid, "Invalid volume: volume %s already attached to instance %s", a.VolumeID, s.ID)
		}
		taken = append(taken, o.Device)
	}
	if h.Device != "" && slices.Contains(taken, h.Device) {
		return h, fault.New(fault.Conflict, "The supplied device path (%s) is in use.", h.Device)
	}
	if h.Device == "" {
		h.Device = nextDevice(localDisks(s), taken)
	}
	if len(others) >= maxVolumes {
		return h, fault.New(fault.Forbidden, "maximum allowed disk devices (%d) to attach to a single instance exceeded: %d", maxVolumes, len(others)+1)
	}
	return h, nil
}

// maxVolumes is how many volumes a guest may have: as many as it has PCI ports for.
const maxVolumes = 20

// localDisks is how many disks the guest has that are no volumes.
func localDisks(s *Server) int {
	n := 0
	for _, there := range []bool{s.ImageID != "", s.Flavor.Ephemeral > 0, s.Flavor.Swap > 0} {
		if there {
			n++
		}
	}
	return n
}

func nextDevice(from int, taken []string) string {
	for n := from; ; n++ {
		name := "/dev/vd" + letters(n)
		if !slices.Contains(taken, name) {
			return name
		}
	}
}

func letters(n int) string {
	if n < 26 {
		return string(rune('a' + n))
	}
	return letters(n/26-1) + letters(n%26)
}

// DetachVolume has a volume taken from a server; the guest lets it go in its own time. Away
// is AttachSpec's: a server on no host has lost it at once.
func (c *Compute) DetachVolume(ctx context.Context, id, volume string, away bool) error {
	_, err := c.change(ctx, id, func(ctx context.Context, s *Server) error {
		h, err := c.Hold(ctx, id, volume)
		if err != nil {
			return err
		}
		if err := ready(ctx, s, "detach_volume", holders(away)...); err != nil {
			return err
		}
		switch {
		case h.Root():
			return fault.New(fault.Invalid, "Cannot detach a root device volume")
		case h.Status == HoldDetaching || h.Swap != nil:
			return fault.New(fault.Invalid, "Invalid volume: Invalid input received: Invalid volume: Unable to detach volume. Volume status must be 'in-use' and attach_status must be 'attached' to detach.")
		}
		if s.VMState == ShelvedOffloaded {
			if err := c.Volumes.Release(ctx, h.ID); err != nil {
				return err
			}
			return c.did(ctx, s, "detach_volume", "compute_detach_volume")
		}
		if err := c.Volumes.Detaching(ctx, h.ID); err != nil {
			return err
		}
		s.Generation++
		s.DueAt, s.SeenFault, s.SeenFinal, s.Tries = c.Now(), "", false, 0
		return c.did(ctx, s, "detach_volume", "compute_detach_volume")
	})
	return err
}

// KeepVolume says whether a volume goes with its server.
func (c *Compute) KeepVolume(ctx context.Context, id, volume string, deleteOnTermination bool) error {
	_, err := c.change(ctx, id, func(ctx context.Context, s *Server) error {
		h, err := c.Hold(ctx, id, volume)
		if err != nil {
			return err
		}
		if h.Swap != nil && !h.Swap.Moves() {
			if err := c.Volumes.Keep(ctx, h.Swap.NextID, deleteOnTermination); err != nil {
				return err
			}
		}
		return c.Volumes.Keep(ctx, h.ID, deleteOnTermination)
	})
	return err
}

// VolumeGrown has the nodes tell guests that a volume of theirs is larger now.
func (c *Compute) VolumeGrown(ctx context.Context, servers ...string) error {
	return c.eachLive(ctx, servers, func(ctx context.Context, s *Server) (bool, error) {
		s.Generation++
		return true, c.did(ctx, s, "extend_volume", "compute_extend_volume")
	})
}

// VolumeMoved says that a volume was made, or could not be: its server may go on.
func (c *Compute) VolumeMoved(ctx context.Context, servers ...string) error {
	return c.eachLive(ctx, servers, func(_ context.Context, s *Server) (bool, error) { return !s.DueAt.IsZero(), nil })
}

// eachLive makes servers due that are there and for which f, which may change their
// generation, says so.
func (c *Compute) eachLive(ctx context.Context, ids []string, f func(context.Context, *Server) (bool, error)) error {
	return c.Tx(ctx, func(ctx context.Context) error {
		for _, id := range ids {
			s, err := c.Server(ctx, id)
			if fault.Is(err, fault.NotFound) || err == nil && s.Goal != GoalLive {
				continue
			}
			due := false
			if err == nil {
				due, err = f(ctx, s)
			}
			if err != nil {
				return err
			}
			if !due {
				continue
			}
			s.DueAt = c.Now()
			c.nudge(ctx, s)
			if err := c.UpdateServer(ctx, s, "generation", "due_at"); err != nil {
				return err
			}
		}
		return nil
	})
}

// diskOf is a hold as the node is told of it, with the passphrases of those that have one.
func diskOf(h Hold, secrets map[string]string) (wish.Disk, bool) {
	d := h.Disk
	if d.Kind == "" || h.Status != HoldAttaching && h.Status != HoldAttached && h.Swap == nil {
		return d, false
	}
	d.VolumeID, d.Device, d.Boot, d.Passphrase = h.VolumeID, h.Device, h.Root(), secrets[h.VolumeID]
	if h.Next != nil && h.Next.Disk.Kind != "" {
		to := h.Next.Disk
		to.VolumeID, to.Passphrase = h.Next.VolumeID, secrets[h.Next.VolumeID]
		d.Copy = &wish.Copy{ID: h.Swap.ID, To: to, End: h.Swap.Ending}
	}
	return d, true
}

func badMapping(format string, args ...any) error {
	return fault.New(fault.Invalid, "Block Device Mapping is Invalid: %s", fmt.Sprintf(format, args...))
}

// CopyVolume has a server's host copy a volume of its, as it is at one instant, to a
// place that is there.
func (c *Compute) CopyVolume(ctx context.Context, server, volume, kind string, source map[string]string) error {
	s, err := c.Server(ctx, server)
	if err != nil {
		return err
	}
	h, err := c.Hold(ctx, server, volume)
	if err != nil {
		return err
	}
	l, err := c.Nodes.Live(s.Host)
	if err != nil {
		return err
	}
	d := h.Disk
	d.VolumeID = volume
	return l.CopyDisk(ctx, server, d, wish.Disk{VolumeID: volume, Kind: kind, Source: source})
}

// passphrases are those that a host needs for its guests' volumes.
func (c *Compute) passphrases(ctx context.Context, holds map[string][]Hold) (map[string]string, error) {
	var ids []string
	for _, hs := range holds {
		for _, h := range hs {
			if h.Encrypted {
				ids = append(ids, h.VolumeID)
			}
			if h.Next != nil && h.Next.Encrypted {
				ids = append(ids, h.Next.VolumeID)
			}
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	return c.Volumes.Passphrases(ctx, ids...)
}
