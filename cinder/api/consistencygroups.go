package api

import (
	"strings"

	"stackd/cinder"
	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/policy"
	"stackd/internal/rest"
)

// Consistency groups are the API of groups as it was before 3.13: groups of the type
// default_cgsnapshot_type, by older names.
func (s *service) consistencyGroups() []rest.Route {
	const at, shots = "/v3/consistencygroups", "/v3/cgsnapshots"
	list := &rest.Listing{Key: "consistencygroups", Filters: []string{"id", "name", "status", "group_type", "availability_zone", "project_id"}, Sorts: []string{"id", "name", "status", "created_at", "group_type"}, Also: []string{"all_tenants"}}
	some := &rest.Listing{Key: "cgsnapshots", Also: []string{"all_tenants"}}
	change := rest.Route{Rule: "group:update", Target: s.group, Do: rest.DoNothing(s.updateCG), Body: s.shelf.Get("more.cgUpdate"), Status: 202}
	older := change
	change.On, older.On = "PUT "+at+"/{id}", "PUT "+at+"/{id}/update"
	return []rest.Route{
		{On: "GET " + at, Rule: "group:get_all", Do: rest.Do(s.listCGs), List: list},
		{On: "GET " + at + "/detail", Rule: "group:get_all", Do: rest.Do(s.detailCGs), List: list},
		{On: "POST " + at, Rule: "group:create", Do: rest.Do(s.createCG), Body: s.shelf.Get("more.cg"), Status: 202},
		{On: "POST " + at + "/create_from_src", Rule: "group:create", Do: rest.Do(s.copyCG), Body: s.shelf.Get("more.cgCopy"), Status: 202},
		{On: "GET " + at + "/{id}", Rule: "group:get", Target: s.group, Do: rest.Do(s.showCG)},
		change, older,
		{On: "POST " + at + "/{id}/delete", Rule: "group:delete", Target: s.group, Do: rest.DoNothing(s.deleteCG), Body: s.shelf.Get("more.cgDelete"), Status: 202},
		{On: "GET " + shots, Rule: "group:get_all_group_snapshots", Do: rest.Do(s.listCGSnapshots), List: some},
		{On: "GET " + shots + "/detail", Rule: "group:get_all_group_snapshots", Do: rest.Do(s.detailCGSnapshots), List: some},
		{On: "POST " + shots, Rule: "group:create_group_snapshot", Target: s.ofCG, Do: rest.Do(s.createCGSnapshot), Body: s.shelf.Get("more.cgSnapshot"), Status: 202},
		{On: "GET " + shots + "/{id}", Rule: "group:get_group_snapshot", Target: s.groupSnapshot, Do: rest.Do(s.showCGSnapshot)},
		{On: "DELETE " + shots + "/{id}", Rule: "group:delete_group_snapshot", Target: s.groupSnapshot, Do: rest.DoNothing(s.deleteGroupSnapshot), Mutates: true, Status: 202},
	}
}

type cgView struct {
	ID          string   `wire:"id"`
	Status      string   `wire:"status"`
	Zone        string   `wire:"availability_zone"`
	Created     stamp    `wire:"created_at"`
	Name        *string  `wire:"name"`
	Description *string  `wire:"description"`
	Types       []string `wire:"volume_types"`
}

func viewCG(g *cinder.Group) cgView {
	return cgView{g.ID, g.Status, g.Zone, stamp(g.CreatedAt), g.Name, g.Description, g.TypeIDs}
}

func briefCG(g *cinder.Group) nameOnly { return nameOnly{g.ID, g.Name} }

func (s *service) listCGs(c *rest.Call, _ struct{}) (listing.Page[nameOnly], error) {
	p, err := s.findGroups(c, "")
	return page(c, p, briefCG), err
}

func (s *service) detailCGs(c *rest.Call, _ struct{}) (listing.Page[cgView], error) {
	p, err := s.findGroups(c, "")
	return page(c, p, viewCG), err
}

func (s *service) showCG(c *rest.Call, in byID) (any, error) {
	g, err := s.c.Group(c.Context(), in.ID)
	if err != nil {
		return nil, err
	}
	return map[string]any{"consistencygroup": viewCG(g)}, nil
}

func (s *service) createCG(c *rest.Call, in struct {
	Group struct {
		named
		Types string  `json:"volume_types"`
		Zone  *string `json:"availability_zone"`
	} `json:"consistencygroup"`
}) (any, error) {
	g := &cinder.Group{Zone: text(in.Group.Zone)}
	g.Name, g.Description = in.Group.both()
	types := strings.TrimRight(in.Group.Types, ",")
	if types == "" {
		return nil, fault.New(fault.Invalid, "volume_types must be provided to create consistency group %s.", text(g.Name))
	}
	legacy, err := s.c.Legacy(c.Context())
	if err == nil && legacy == "" {
		err = fault.New(fault.Invalid, "Group type %s not found. An administrator can create it again.", cinder.DefaultGroupType)
	}
	if err == nil {
		err = s.c.CreateGroup(c.Context(), c.Who, g, legacy, strings.Split(types, ","))
	}
	if err != nil {
		return nil, err
	}
	return map[string]any{"consistencygroup": briefCG(g)}, nil
}

func (s *service) copyCG(c *rest.Call, in struct {
	Copy struct {
		named
		Group    string `json:"source_cgid"`
		Snapshot string `json:"cgsnapshot_id"`
	} `json:"consistencygroup-from-src"`
}) (any, error) {
	g := &cinder.Group{SourceID: in.Copy.Group, GroupSnapshotID: in.Copy.Snapshot}
	g.Name, g.Description = in.Copy.both()
	switch {
	case g.SourceID == "" && g.GroupSnapshotID == "":
		return nil, fault.New(fault.Invalid, "Either 'cgsnapshot_id' or 'source_cgid' must be provided to create consistency group %s from source.", text(g.Name))
	case g.SourceID != "" && g.GroupSnapshotID != "":
		return nil, fault.New(fault.Invalid, "Cannot provide both 'cgsnapshot_id' and 'source_cgid' to create consistency group %s from source.", text(g.Name))
	}
	if err := s.c.CopyGroup(c.Context(), c.Who, g); err != nil {
		return nil, err
	}
	return map[string]any{"consistencygroup": briefCG(g)}, nil
}

func (s *service) updateCG(c *rest.Call, in struct {
	ID    string `path:"id"`
	Group struct {
		named
		Add    *string `json:"add_volumes"`
		Remove *string `json:"remove_volumes"`
	} `json:"consistencygroup"`
}) error {
	name, words := in.Group.both()
	add, remove := text(in.Group.Add), text(in.Group.Remove)
	switch {
	case add != "" || remove != "":
	case c.From(3, 6) && name == nil && words == nil:
		return fault.New(fault.Invalid, "Must specify one or more of the following keys to update: name, description, add_volumes, remove_volumes.")
	case !c.From(3, 6) && text(name) == "" && text(words) == "":
		return fault.New(fault.Invalid, "Name, description, add_volumes, and remove_volumes can not be all empty in the request body.")
	}
	return s.c.ChangeGroup(c.Context(), in.ID, name, words, add, remove)
}

func (s *service) deleteCG(c *rest.Call, in struct {
	ID    string              `path:"id"`
	Group struct{ Force any } `json:"consistencygroup"`
}) error {
	return s.c.DropGroup(c.Context(), in.ID, yes(in.Group.Force))
}

type cgSnapshotView struct {
	ID          string  `wire:"id"`
	Group       string  `wire:"consistencygroup_id"`
	Status      string  `wire:"status"`
	Created     stamp   `wire:"created_at"`
	Name        *string `wire:"name"`
	Description *string `wire:"description"`
}

func viewCGSnapshot(g *cinder.GroupSnapshot) cgSnapshotView {
	return cgSnapshotView{g.ID, g.GroupID, g.Status, stamp(g.CreatedAt), g.Name, g.Description}
}

func briefCGSnapshot(g *cinder.GroupSnapshot) nameOnly { return nameOnly{g.ID, g.Name} }

func (s *service) listCGSnapshots(c *rest.Call, _ struct{}) (listing.Page[nameOnly], error) {
	p, err := s.findGroupSnapshots(c, "")
	return page(c, p, briefCGSnapshot), err
}

func (s *service) detailCGSnapshots(c *rest.Call, _ struct{}) (listing.Page[cgSnapshotView], error) {
	p, err := s.findGroupSnapshots(c, "")
	return page(c, p, viewCGSnapshot), err
}

func (s *service) showCGSnapshot(c *rest.Call, in byID) (any, error) {
	g, err := s.c.GroupSnapshot(c.Context(), in.ID)
	if err != nil {
		return nil, err
	}
	return map[string]any{"cgsnapshot": viewCGSnapshot(g)}, nil
}

// ofCG is the target of a new snapshot: its group's.
func (s *service) ofCG(c *rest.Call) (policy.Target, error) {
	_, t, err := s.groupIn(c, "cgsnapshot", "consistencygroup_id")
	return t, err
}

func (s *service) createCGSnapshot(c *rest.Call, in struct {
	Snapshot struct {
		named
		Group string `json:"consistencygroup_id"`
	} `json:"cgsnapshot"`
}) (any, error) {
	g := &cinder.GroupSnapshot{GroupID: in.Snapshot.Group}
	g.Name, g.Description = in.Snapshot.both()
	if err := s.c.SnapGroup(c.Context(), c.Who, g); err != nil {
		return nil, err
	}
	return map[string]any{"cgsnapshot": briefCGSnapshot(g)}, nil
}
