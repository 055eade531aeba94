package api

import (
	"stackd/cinder"
	"stackd/internal/listing"
	"stackd/internal/policy"
	"stackd/internal/rest"
)

func (s *service) groupSnapshots() []rest.Route {
	const at = "/v3/group_snapshots"
	since := rest.V(3, 14)
	list := &rest.Listing{Key: "group_snapshots", Filters: []string{"id", "name", "name~", "status", "group_id", "project_id"}, Sorts: []string{"id", "name", "status", "created_at", "group_id"}, Also: []string{"all_tenants"}}
	return []rest.Route{
		{On: "GET " + at, Since: since, Rule: "group:get_all_group_snapshots", Do: rest.Do(s.listGroupSnapshots), List: list},
		{On: "GET " + at + "/detail", Since: since, Rule: "group:get_all_group_snapshots", Do: rest.Do(s.detailGroupSnapshots), List: list},
		{On: "POST " + at, Since: since, Rule: "group:create_group_snapshot", Target: s.grouped, Do: rest.Do(s.createGroupSnapshot), Body: s.shelf.Get("more.groupSnapshot"), Status: 202},
		{On: "GET " + at + "/{id}", Since: since, Rule: "group:get_group_snapshot", Target: s.genericGroupSnapshot, Do: rest.Do(s.showGroupSnapshot)},
		{On: "PUT " + at + "/{id}", Since: since, Rule: "group:update_group_snapshot", Target: s.genericGroupSnapshot, Do: rest.DoNothing(s.updateGroupSnapshot), Body: s.shelf.Get("more.groupSnapshotUpdate"), Status: 202},
		{On: "DELETE " + at + "/{id}", Since: since, Rule: "group:delete_group_snapshot", Target: s.genericGroupSnapshot, Do: rest.DoNothing(s.deleteGroupSnapshot), Mutates: true, Status: 202},
		{On: "POST " + at + "/{id}/action", Action: "reset_status", Since: rest.V(3, 19), Rule: "group:reset_group_snapshot_status", Target: s.genericGroupSnapshot, Do: rest.DoNothing(s.resetGroupSnapshot), Body: s.shelf.Get("more.resetSnapshots"), Status: 202},
	}
}

// grouped is the target of a new group snapshot: its group's.
func (s *service) grouped(c *rest.Call) (policy.Target, error) {
	g, t, err := s.groupIn(c, "group_snapshot", "group_id")
	if g == nil || err != nil {
		return t, err
	}
	return t, s.c.Generic(c.Context(), g.GroupTypeID, onlyCGSnapshot)
}

// groupIn is the group that the body names, and its target; the caller's own when it names none.
func (s *service) groupIn(c *rest.Call, outer, member string) (*cinder.Group, policy.Target, error) {
	id, err := c.Peek(outer, member)
	if err != nil || id == "" {
		return nil, c.Own(), err
	}
	g, err := s.c.Group(c.Context(), id)
	if err != nil {
		return nil, nil, err
	}
	t, err := seen(c, g.ProjectID, cinder.NoGroup(id))
	return g, t, err
}

type groupSnapshotBrief struct {
	ID   string  `wire:"id"`
	Name *string `wire:"name"`
	Type string  `wire:"group_type_id"`
}

type groupSnapshotView struct {
	groupSnapshotBrief
	Group       string  `wire:"group_id"`
	Status      string  `wire:"status"`
	Created     stamp   `wire:"created_at"`
	Description *string `wire:"description"`
	*groupProject
}

func briefGroupSnapshot(g *cinder.GroupSnapshot) groupSnapshotBrief {
	return groupSnapshotBrief{g.ID, g.Name, g.GroupTypeID}
}

func viewGroupSnapshot(c *rest.Call, g *cinder.GroupSnapshot) groupSnapshotView {
	v := groupSnapshotView{groupSnapshotBrief: briefGroupSnapshot(g), Group: g.GroupID, Status: g.Status, Created: stamp(g.CreatedAt), Description: g.Description}
	if c.May("group:group_snapshot_project_attribute", c.Own()) {
		v.groupProject = &groupProject{g.ProjectID}
	}
	return v
}

// findGroupSnapshots lists those of groups of all types but one.
func (s *service) findGroupSnapshots(c *rest.Call, except string) (listing.Page[*cinder.GroupSnapshot], error) {
	q, err := query(c)
	if err != nil {
		return listing.Page[*cinder.GroupSnapshot]{}, err
	}
	q.Except = except
	return s.c.GroupSnapshotsPage(c.Context(), q)
}

func (s *service) listGroupSnapshots(c *rest.Call, _ struct{}) (none listing.Page[groupSnapshotBrief], _ error) {
	legacy, err := s.c.Legacy(c.Context())
	if err != nil {
		return none, err
	}
	p, err := s.findGroupSnapshots(c, legacy)
	return page(c, p, briefGroupSnapshot), err
}

func (s *service) detailGroupSnapshots(c *rest.Call, _ struct{}) (none listing.Page[groupSnapshotView], _ error) {
	legacy, err := s.c.Legacy(c.Context())
	if err != nil {
		return none, err
	}
	p, err := s.findGroupSnapshots(c, legacy)
	return page(c, p, func(g *cinder.GroupSnapshot) groupSnapshotView { return viewGroupSnapshot(c, g) }), err
}

func (s *service) createGroupSnapshot(c *rest.Call, in struct {
	Snapshot struct {
		named
		Group string `json:"group_id"`
	} `json:"group_snapshot"`
}) (any, error) {
	g := &cinder.GroupSnapshot{GroupID: in.Snapshot.Group}
	g.Name, g.Description = in.Snapshot.both()
	if err := s.c.SnapGroup(c.Context(), c.Who, g); err != nil {
		return nil, err
	}
	return map[string]any{"group_snapshot": briefGroupSnapshot(g)}, nil
}

func (s *service) showGroupSnapshot(c *rest.Call, in byID) (any, error) {
	g, err := s.c.GroupSnapshot(c.Context(), in.ID)
	if err != nil {
		return nil, err
	}
	return map[string]any{"group_snapshot": viewGroupSnapshot(c, g)}, nil
}

func (s *service) updateGroupSnapshot(c *rest.Call, in struct {
	ID       string `path:"id"`
	Snapshot named  `json:"group_snapshot"`
}) error {
	name, words := in.Snapshot.both()
	return s.c.RenameGroupSnapshot(c.Context(), in.ID, func(g *cinder.GroupSnapshot) {
		if name != nil {
			g.Name = name
		}
		if words != nil {
			g.Description = words
		}
	})
}

func (s *service) deleteGroupSnapshot(c *rest.Call, in byID) error {
	return s.c.DropGroupSnapshot(c.Context(), in.ID)
}

func (s *service) resetGroupSnapshot(c *rest.Call, in resetting) error {
	return s.c.RenameGroupSnapshot(c.Context(), in.ID, func(g *cinder.GroupSnapshot) { g.Status = in.Reset.Status })
}
