package nova

import (
	"context"
	"slices"

	"stackd/agent/wish"
	"stackd/internal/fault"
)

// The vm_states and task_states of a server that is put away. It goes from its host as
// soon as its image is made, so that it is Shelved only on the way.
const (
	Shelved          = "shelved"
	ShelvedOffloaded = "shelved_offloaded"
	Shelving         = "shelving"
	Offloading       = "shelving_offloading"
	Unshelving       = "unshelving"
)

// Shelve puts a server away: its root disk becomes an image, unless that is a volume, and
// it takes nothing of any host. It keeps its ports, addresses and volumes.
func (c *Compute) Shelve(ctx context.Context, id string) error {
	_, err := c.change(ctx, id, func(ctx context.Context, s *Server) error {
		if err := ready(ctx, s, "shelve", Active, Stopped, Paused, Suspended); err != nil {
			return err
		}
		if err := c.EndOver(ctx, s); err != nil {
			return err
		}
		if s.ImageID == "" {
			s.Goal, s.Wanted, s.TaskState = GoalShelved, wish.Gone, Offloading
			return c.begin(ctx, s, "shelve", "compute_shelve_offload_instance")
		}
		s.Wanted, s.TaskState = wish.Stopped, Shelving
		s.Generation++
		s.SeenFault, s.SeenFinal, s.Tries, s.DueAt = "", false, 0, c.Now()
		row := &Capture{ServerID: s.ID, ProjectID: s.ProjectID, Shelve: true, CreatedAt: c.Now(), DueAt: c.Now()}
		_, err := c.capture(ctx, s, c.imageSpec(ctx, s, s.Name+"-shelved", nil), row, "shelve", "compute_shelve_instance")
		return err
	})
	return err
}

// offload has a server whose image is made go from its host.
func (c *Compute) offload(ctx context.Context, id, image, action string) error {
	s, err := c.Server(ctx, id)
	if err != nil {
		return err
	}
	if s.TaskState != Shelving {
		return fault.New(fault.Conflict, "Instance %s is not shelved any more.", id)
	}
	s.Goal, s.Wanted, s.VMState, s.TaskState, s.ShelvedImage, s.ActionID = GoalShelved, wish.Gone, Shelved, Offloading, image, action
	s.Generation++
	s.UpdatedAt, s.DueAt, s.Tries = c.Now(), c.Now(), 0
	c.nudge(ctx, s)
	return c.UpdateServer(ctx, s)
}

// ShelveOffload has a shelved server go from its host. That is done already, or under way.
func (c *Compute) ShelveOffload(ctx context.Context, id string) error {
	_, err := c.change(ctx, id, func(ctx context.Context, s *Server) error {
		if err := ready(ctx, s, "shelveOffload", Shelved); err != nil {
			return err
		}
		s.TaskState = Offloading
		return c.begin(ctx, s, "shelveOffload", "compute_shelve_offload_instance")
	})
	return err
}

// Where is where a server is to be unshelved; nil leaves that as it was.
type Where struct {
	Zone **string // a pointer to nil lets any zone do
	Host string
}

// Unshelve brings a shelved server back to a host: to any that has room, or where it says.
func (c *Compute) Unshelve(ctx context.Context, id string, at Where) error {
	_, err := c.change(ctx, id, func(ctx context.Context, s *Server) error {
		if err := ready(ctx, s, "unshelve", Shelved, ShelvedOffloaded); err != nil {
			return err
		}
		if s.ShelvedImage != "" {
			i, err := c.Images.Image(ctx, s.ShelvedImage)
			if fault.Is(err, fault.NotFound) {
				return fault.New(fault.Conflict, "Error during unshelve instance %s: its image %s has been deleted.", s.ID, s.ShelvedImage)
			}
			if err != nil {
				return err
			}
			s.Image = i
		}
		if err := c.unshelveAt(ctx, s, at); err != nil {
			return err
		}
		s.Goal, s.Wanted, s.TaskState = GoalLive, wish.Running, Unshelving
		return c.begin(ctx, s, "unshelve", "compute_unshelve_instance")
	})
	return err
}

func (c *Compute) unshelveAt(ctx context.Context, s *Server, at Where) error {
	s.Asked.Host = at.Host
	if at.Host != "" {
		hosts, err := c.Hosts(ctx)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(hosts, func(h *Host) bool { return h.Name == at.Host }) {
			return fault.New(fault.Invalid, "Compute host %s could not be found.", at.Host)
		}
	}
	if at.Zone == nil {
		return nil
	}
	s.Asked.AZ = ""
	set(&s.Asked.AZ, *at.Zone)
	return c.draftPlace(ctx, s, ServerSpec{Asked: Asked{AZ: s.Asked.AZ}})
}
