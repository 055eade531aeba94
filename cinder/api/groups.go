package api

import (
	"slices"

	"stackd/cinder"
	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/rest"
)

func (s *service) groups() []rest.Route {
	const at = "/v3/groups"
	list := &rest.Listing{Key: "groups", Filters: []string{"id", "name", "name~", "status", "group_type", "availability_zone", "project_id"}, Sorts: []string{"id", "name", "status", "created_at", "group_type"}, Also: []string{"all_tenants", "list_volume"}}
	act := func(action, rule string, since rest.Version, do func(*rest.Call) (any, error), body string) rest.Route {
		return rest.Route{On: "POST " + at + "/{id}/action", Action: action, Since: since, Rule: rule, Target: s.genericGroup, Do: do, Body: s.shelf.Get("more." + body), Status: 202}
	}
	return []rest.Route{
		{On: "GET " + at, Since: rest.V(3, 13), Rule: "group:get_all", Do: rest.Do(s.listGroups), List: list},
		{On: "GET " + at + "/detail", Since: rest.V(3, 13), Rule: "group:get_all", Do: rest.Do(s.detailGroups), List: list},
		{On: "POST " + at, Since: rest.V(3, 13), Rule: "group:create", Do: rest.Do(s.createGroup), Body: s.shelf.Get("more.group"), Status: 202},
		{On: "POST " + at + "/action", Action: "create-from-src", Since: rest.V(3, 14), Rule: "group:create", Do: rest.Do(s.copyGroup), Body: s.shelf.Get("more.groupCopy"), Status: 202},
		{On: "GET " + at + "/{id}", Since: rest.V(3, 13), Rule: "group:get", Target: s.genericGroup, Do: rest.Do(s.showGroup)},
		{On: "PUT " + at + "/{id}", Since: rest.V(3, 13), Rule: "group:update", Target: s.genericGroup, Do: rest.DoNothing(s.updateGroup), Body: s.shelf.Get("more.groupUpdate"), Status: 202},
		act("delete", "group:delete", rest.V(3, 13), rest.DoNothing(s.deleteGroup), "groupDelete"),
		act("reset_status", "group:reset_status", rest.V(3, 20), rest.DoNothing(s.resetGroup), "resetStatus"),
		act("enable_replication", "group:enable_replication", rest.V(3, 38), rest.DoNothing(s.noReplication), "one"),
		act("disable_replication", "group:disable_replication", rest.V(3, 38), rest.DoNothing(s.noReplication), "one"),
		act("failover_replication", "group:failover_replication", rest.V(3, 38), rest.DoNothing(s.noReplication), "one"),
		act("list_replication_targets", "group:list_replication_targets", rest.V(3, 38), rest.Do(s.replicationTargets), "one"),
	}
}

type nameOnly struct {
	ID   string  `wire:"id"`
	Name *string `wire:"name"`
}

type groupView struct {
	ID          string   `wire:"id"`
	Status      string   `wire:"status"`
	Zone        string   `wire:"availability_zone"`
	Created     stamp    `wire:"created_at"`
	Name        *string  `wire:"name"`
	Description *string  `wire:"description"`
	Type        string   `wire:"group_type"`
	Types       []string `wire:"volume_types"`
	Snapshot    *string  `wire:"group_snapshot_id,3.14.."`
	Source      *string  `wire:"source_group_id,3.14.."`
	Replication string   `wire:"replication_status,3.38.."`
	*groupVolumes
	*groupProject
}

type groupVolumes struct {
	Volumes []string `wire:"volumes,3.25.."`
}

type groupProject struct {
	Project string `wire:"project_id,3.58.."`
}

func viewGroup(c *rest.Call, g *cinder.Group) groupView {
	v := groupView{ID: g.ID, Status: g.Status, Zone: g.Zone, Created: stamp(g.CreatedAt), Name: g.Name, Description: g.Description, Type: g.GroupTypeID, Types: g.TypeIDs, Snapshot: some(g.GroupSnapshotID), Source: some(g.SourceID), Replication: "disabled"}
	if b, _ := rest.Bool(c.URL.Query().Get("list_volume")); b {
		v.groupVolumes = &groupVolumes{[]string{}}
		for _, x := range g.Volumes {
			v.Volumes = append(v.Volumes, x.ID)
		}
	}
	if c.May("group:group_project_attribute", c.Own()) {
		v.groupProject = &groupProject{g.ProjectID}
	}
	return v
}

// findGroups lists groups of all types but one.
func (s *service) findGroups(c *rest.Call, except string) (listing.Page[*cinder.Group], error) {
	q, err := query(c)
	if err != nil {
		return listing.Page[*cinder.Group]{}, err
	}
	q.Except = except
	return s.c.GroupsPage(c.Context(), q)
}

func (s *service) listGroups(c *rest.Call, _ struct{}) (none listing.Page[nameOnly], _ error) {
	legacy, err := s.c.Legacy(c.Context())
	if err != nil {
		return none, err
	}
	p, err := s.findGroups(c, legacy)
	return page(c, p, func(g *cinder.Group) nameOnly { return nameOnly{g.ID, g.Name} }), err
}

func (s *service) detailGroups(c *rest.Call, _ struct{}) (none listing.Page[groupView], _ error) {
	legacy, err := s.c.Legacy(c.Context())
	if err != nil {
		return none, err
	}
	p, err := s.findGroups(c, legacy)
	return page(c, p, func(g *cinder.Group) groupView { return viewGroup(c, g) }), err
}

func (s *service) createGroup(c *rest.Call, in struct {
	Group struct {
		named
		Type  string   `json:"group_type"`
		Types []string `json:"volume_types"`
		Zone  *string  `json:"availability_zone"`
	}
}) (any, error) {
	if err := s.c.Generic(c.Context(), in.Group.Type, onlyCG); err != nil {
		return nil, err
	}
	g := &cinder.Group{Zone: text(in.Group.Zone)}
	g.Name, g.Description = in.Group.both()
	if err := s.c.CreateGroup(c.Context(), c.Who, g, in.Group.Type, in.Group.Types); err != nil {
		return nil, err
	}
	return map[string]any{"group": nameOnly{g.ID, g.Name}}, nil
}

func (s *service) copyGroup(c *rest.Call, in struct {
	Copy struct {
		named
		Group    string `json:"source_group_id"`
		Snapshot string `json:"group_snapshot_id"`
	} `json:"create-from-src"`
}) (any, error) {
	g := &cinder.Group{SourceID: in.Copy.Group, GroupSnapshotID: in.Copy.Snapshot}
	g.Name, g.Description = in.Copy.both()
	if err := s.c.CopyGroup(c.Context(), c.Who, g); err != nil {
		return nil, err
	}
	return map[string]any{"group": nameOnly{g.ID, g.Name}}, nil
}

func (s *service) showGroup(c *rest.Call, in byID) (any, error) {
	g, err := s.c.OneGroup(c.Context(), in.ID)
	if err != nil {
		return nil, err
	}
	return map[string]any{"group": viewGroup(c, g)}, nil
}

func (s *service) updateGroup(c *rest.Call, in struct {
	ID    string `path:"id"`
	Group struct {
		named
		Add    *string `json:"add_volumes"`
		Remove *string `json:"remove_volumes"`
	}
}) error {
	name, words := in.Group.both()
	return s.c.ChangeGroup(c.Context(), in.ID, name, words, text(in.Group.Add), text(in.Group.Remove))
}

func (s *service) deleteGroup(c *rest.Call, in struct {
	ID     string `path:"id"`
	Delete struct {
		Volumes any `json:"delete-volumes"`
	}
}) error {
	return s.c.DropGroup(c.Context(), in.ID, yes(in.Delete.Volumes))
}

var groupMayBe = []string{"creating", "available", "error", "error_deleting", "deleting", "updating", "in-use", "deleted"}

type resetting struct {
	ID    string                  `path:"id"`
	Reset struct{ Status string } `json:"reset_status"`
}

func (s *service) resetGroup(c *rest.Call, in resetting) error {
	if !slices.Contains(groupMayBe, in.Reset.Status) {
		return fault.New(fault.Invalid, "Invalid input for field/attribute status. Value: %s. %s is not a 'group_status'", in.Reset.Status, rest.Repr(in.Reset.Status))
	}
	return s.c.ResetGroup(c.Context(), in.ID, in.Reset.Status)
}

func (s *service) noReplication(c *rest.Call, in byID) error {
	return fault.New(fault.Invalid, "Invalid group type: Group type of group %s does not support replication: it must have group_replication_enabled or consistent_group_replication_enabled.", in.ID)
}

func (s *service) replicationTargets(*rest.Call, byID) (any, error) {
	return map[string]any{"replication_targets": []string{}}, nil
}
