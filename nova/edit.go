package nova

import (
	"context"
	"maps"
	"slices"

	"stackd/internal/fault"
)

// ServerUpdate is what an update changes; nil leaves alone.
type ServerUpdate struct {
	Name, AccessIPv4, AccessIPv6, DiskConfig, Hostname *string
	Description                                        **string
}

// Update changes how a server is called.
func (c *Compute) Update(ctx context.Context, id string, u ServerUpdate) (*Server, error) {
	return c.change(ctx, id, func(ctx context.Context, s *Server) error {
		u.apply(s)
		return nil
	})
}

func (u ServerUpdate) apply(s *Server) {
	set(&s.Name, u.Name)
	set(&s.AccessIPv4, u.AccessIPv4)
	set(&s.AccessIPv6, u.AccessIPv6)
	set(&s.DiskConfig, u.DiskConfig)
	set(&s.Hostname, u.Hostname)
	set(&s.Description, u.Description)
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

// SetMetadata adds to, or replaces, a server's metadata.
func (c *Compute) SetMetadata(ctx context.Context, id string, m map[string]string, replace bool) (map[string]string, error) {
	s, err := c.change(ctx, id, func(ctx context.Context, s *Server) error {
		if err := c.editable(ctx, s, "update metadata"); err != nil {
			return err
		}
		all := maps.Clone(m)
		if !replace {
			all = maps.Clone(s.Metadata)
			if all == nil {
				all = map[string]string{}
			}
			maps.Copy(all, m)
		}
		if most := c.limit(ctx, s.ProjectID, "metadata_items"); most >= 0 && len(all) > most {
			return fault.New(fault.OverQuota, "Maximum number of metadata items exceeds %d", most)
		}
		s.Metadata = all
		return nil
	})
	if err != nil {
		return nil, err
	}
	return s.Metadata, nil
}

func (c *Compute) editable(ctx context.Context, s *Server, action string) error {
	if err := unlocked(ctx, s); err != nil {
		return err
	}
	if s.VMState == Building {
		return wrongState(s, action, "vm_state", s.VMState)
	}
	return nil
}

// DropMetadata takes one item away.
func (c *Compute) DropMetadata(ctx context.Context, id, key string) error {
	_, err := c.change(ctx, id, func(ctx context.Context, s *Server) error {
		if err := c.editable(ctx, s, "delete metadata"); err != nil {
			return err
		}
		if _, ok := s.Metadata[key]; !ok {
			return fault.New(fault.NotFound, "Metadata item was not found")
		}
		delete(s.Metadata, key)
		return nil
	})
	return err
}

// SetTags replaces a server's tags; AddTag tells whether the tag is new.
func (c *Compute) SetTags(ctx context.Context, id string, tags []string) ([]string, error) {
	s, err := c.change(ctx, id, func(_ context.Context, s *Server) error {
		s.Tags = slices.Compact(slices.Sorted(slices.Values(tags)))
		return tooMany(s)
	})
	if err != nil {
		return nil, err
	}
	return s.Tags, nil
}

func tooMany(s *Server) error {
	if len(s.Tags) > 50 {
		return fault.New(fault.Invalid, "The number of tags exceeded the per-server limit 50")
	}
	return nil
}

func (c *Compute) AddTag(ctx context.Context, id, tag string) (added bool, err error) {
	_, err = c.change(ctx, id, func(_ context.Context, s *Server) error {
		if added = !slices.Contains(s.Tags, tag); added {
			s.Tags = slices.Sorted(slices.Values(append(s.Tags, tag)))
		}
		return tooMany(s)
	})
	return added, err
}

func (c *Compute) DropTag(ctx context.Context, id, tag string) error {
	_, err := c.change(ctx, id, func(_ context.Context, s *Server) error {
		i := slices.Index(s.Tags, tag)
		if i < 0 {
			return fault.New(fault.NotFound, "Server %s has no tag '%s'", id, tag)
		}
		s.Tags = slices.Delete(s.Tags, i, i+1)
		return nil
	})
	return err
}

// AttachNIC gives a server one more NIC; DetachNIC takes one away.
func (c *Compute) AttachNIC(ctx context.Context, id string, r NetworkRequest) (NIC, error) {
	var nic NIC
	_, err := c.change(ctx, id, func(ctx context.Context, s *Server) (err error) {
		if err := ready(ctx, s, "attach_interface", Active, Paused, Stopped); err != nil {
			return err
		}
		n := nicsOf(s)
		n.Requests, n.Auto, n.SecurityGroups = []NetworkRequest{r}, r == (NetworkRequest{}), nil
		if err := c.Networks.Check(ctx, n, 1); err != nil {
			return err
		}
		if nic, err = c.Networks.Attach(ctx, n); err != nil {
			return err
		}
		s.Generation++
		s.DueAt = c.Now()
		return c.did(ctx, s, "attach_interface", "compute_attach_interface")
	})
	return nic, err
}

func (c *Compute) DetachNIC(ctx context.Context, id, port string) error {
	_, err := c.change(ctx, id, func(ctx context.Context, s *Server) error {
		if err := ready(ctx, s, "detach_interface", Active, Paused, Stopped); err != nil {
			return err
		}
		if err := c.Networks.Detach(ctx, s.ID, port); err != nil {
			return err
		}
		s.Generation++
		s.DueAt = c.Now()
		return c.did(ctx, s, "detach_interface", "compute_detach_interface")
	})
	return err
}

// AddGroup puts all of a server's ports into a security group; DropGroup takes them out.
func (c *Compute) AddGroup(ctx context.Context, id, group string) error {
	_, err := c.change(ctx, id, func(ctx context.Context, s *Server) error {
		return c.Networks.AddGroup(ctx, s.ID, s.ProjectID, group)
	})
	return err
}

func (c *Compute) DropGroup(ctx context.Context, id, group string) error {
	_, err := c.change(ctx, id, func(ctx context.Context, s *Server) error {
		return c.Networks.RemoveGroup(ctx, s.ID, s.ProjectID, group)
	})
	return err
}
