package api

import (
	"context"

	"stackd/cinder"
	"stackd/internal/policy"
	"stackd/internal/rest"
)

// owned is the policy's target of one thing: its project, if the caller may know of it.
func owned[T any](c *rest.Call, id string, find func(context.Context, string) (T, error), project func(T) string, missing func(string) error) (policy.Target, error) {
	x, err := find(c.Context(), id)
	if err != nil {
		return nil, err
	}
	return seen(c, project(x), missing(id))
}

// seen refuses what is another project's as if it were not there.
func seen(c *rest.Call, project string, missing error) (policy.Target, error) {
	if project != c.Who.Project.ID && !c.Who.Admin() {
		return nil, missing
	}
	return policy.Target{"project_id": project, "tenant_id": project, "user_id": c.Who.User.ID}, nil
}

func (s *service) volumeNamed(c *rest.Call, id string) (policy.Target, error) {
	return owned(c, id, s.c.Store.Volume, func(v *cinder.Volume) string { return v.ProjectID }, cinder.NoVolume)
}

// ofVolume is the target of a new thing of a volume's, which the body names in one
// member of another: the volume's.
func (s *service) ofVolume(outer, member string) func(*rest.Call) (policy.Target, error) {
	return func(c *rest.Call) (policy.Target, error) {
		id, err := c.Peek(outer, member)
		if err != nil || id == "" {
			return c.Own(), err
		}
		return s.volumeNamed(c, id)
	}
}

// volume is the target of what is done to a volume; the others likewise.
func (s *service) volume(c *rest.Call) (policy.Target, error) {
	return s.volumeNamed(c, c.PathValue("id"))
}

func (s *service) snapshot(c *rest.Call) (policy.Target, error) {
	return owned(c, c.PathValue("id"), s.c.Store.Snapshot, func(p *cinder.Snapshot) string { return p.ProjectID }, cinder.NoSnapshot)
}

func (s *service) backup(c *rest.Call) (policy.Target, error) {
	return owned(c, c.PathValue("id"), s.c.Store.Backup, func(b *cinder.Backup) string { return b.ProjectID }, cinder.NoBackup)
}

func (s *service) attachment(c *rest.Call) (policy.Target, error) {
	return owned(c, c.PathValue("id"), s.c.Store.Attachment, func(a *cinder.Attachment) string { return a.ProjectID }, cinder.NoAttachment)
}

func (s *service) transfer(c *rest.Call) (policy.Target, error) {
	return owned(c, c.PathValue("id"), s.c.Transfer, func(t *cinder.Transfer) string { return t.FromProject }, cinder.NoTransfer)
}

func (s *service) group(c *rest.Call) (policy.Target, error) {
	return owned(c, c.PathValue("id"), s.c.Group, func(g *cinder.Group) string { return g.ProjectID }, cinder.NoGroup)
}

// genericGroup is the target of a group that is no consistency group.
func (s *service) genericGroup(c *rest.Call) (policy.Target, error) {
	t, err := s.group(c)
	if err != nil {
		return nil, err
	}
	g, err := s.c.Group(c.Context(), c.PathValue("id"))
	if err == nil {
		err = s.c.Generic(c.Context(), g.GroupTypeID, onlyCG)
	}
	return t, err
}

// genericGroupSnapshot is the same of a group snapshot.
func (s *service) genericGroupSnapshot(c *rest.Call) (policy.Target, error) {
	t, err := s.groupSnapshot(c)
	if err != nil {
		return nil, err
	}
	g, err := s.c.GroupSnapshot(c.Context(), c.PathValue("id"))
	if err == nil {
		err = s.c.Generic(c.Context(), g.GroupTypeID, onlyCGSnapshot)
	}
	return t, err
}

const (
	onlyCG         = "group can only be operated by CG APIs"
	onlyCGSnapshot = "group snapshots can only be operated by CG snapshot APIs"
)

func (s *service) groupSnapshot(c *rest.Call) (policy.Target, error) {
	return owned(c, c.PathValue("id"), s.c.GroupSnapshot, func(g *cinder.GroupSnapshot) string { return g.ProjectID }, cinder.NoGroupSnapshot)
}

func (s *service) message(c *rest.Call) (policy.Target, error) {
	return owned(c, c.PathValue("id"), s.c.Message, func(m *cinder.Message) string { return m.ProjectID }, cinder.NoMessage)
}
