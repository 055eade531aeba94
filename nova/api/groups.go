package api

import (
	"slices"

	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/rest"
	"stackd/nova"

	"github.com/google/uuid"
)

func (s *service) groups() []rest.Route {
	const at = "/v2.1/os-server-groups"
	return []rest.Route{
		{On: "GET " + at, Rule: "os_compute_api:os-server-groups:index", Do: rest.Do(s.listGroups), List: &rest.Listing{Key: "server_groups", Filters: []string{"all_projects"}}},
		{On: "POST " + at, Rule: "os_compute_api:os-server-groups:create", Do: rest.Do(s.createGroup), Body: s.shelf.Get("admin.group")},
		{On: "GET " + at + "/{id}", Rule: "os_compute_api:os-server-groups:show", Do: rest.Do(s.showGroup)},
		{On: "DELETE " + at + "/{id}", Rule: "os_compute_api:os-server-groups:delete", Do: rest.DoNothing(s.deleteGroup), Status: 204, Mutates: true},
	}
}

type groupView struct {
	ID       string            `wire:"id"`
	Name     string            `wire:"name"`
	Policies []string          `wire:"policies,..2.63"`
	Policy   string            `wire:"policy,2.64.."`
	Rules    map[string]int    `wire:"rules,2.64.."`
	Members  []string          `wire:"members"`
	Metadata map[string]string `wire:"metadata,..2.63"`
	Project  string            `wire:"project_id,2.13.."`
	User     string            `wire:"user_id,2.13.."`
}

func viewGroup(g *nova.ServerGroup) groupView {
	return groupView{ID: g.ID, Name: g.Name, Policies: []string{g.Policy}, Policy: g.Policy, Rules: g.Rules, Members: g.Members, Project: g.ProjectID, User: g.UserID}
}

func (s *service) listGroups(c *rest.Call, _ struct{}) (listing.Page[groupView], error) {
	project := c.Who.Project.ID
	if c.List.Has("all_projects") && c.May("os_compute_api:os-server-groups:index:all_projects", c.Own()) {
		project = ""
	}
	rows, err := s.c.Groups(c.Context(), project, c.List)
	p := listing.Map(listing.Cut(rows, c.List.Limit), viewGroup)
	p.More = false // this listing has never had links
	return p, err
}

func (s *service) createGroup(c *rest.Call, in struct {
	Group struct {
		Name, Policy string
		Policies     []string
		Rules        map[string]any
	} `json:"server_group"`
}) (map[string]groupView, error) {
	v := in.Group
	g := &nova.ServerGroup{ID: uuid.NewString(), ProjectID: c.Who.Project.ID, UserID: c.Who.User.ID, Name: v.Name, Policy: v.Policy, Rules: map[string]int{}, CreatedAt: s.c.Now()}
	if len(v.Policies) > 0 {
		g.Policy = v.Policies[0]
	}
	if g.Policy == "" {
		return nil, fault.New(fault.Invalid, "Invalid input for field/attribute server_group. 'policies' is a required property")
	}
	if !c.From(2, 15) && slices.Contains([]string{"soft-affinity", "soft-anti-affinity"}, g.Policy) {
		return nil, fault.New(fault.Invalid, "Invalid input for field/attribute 0. Value: %s. '%s' is not one of ['anti-affinity', 'affinity']", g.Policy, g.Policy)
	}
	for k, n := range v.Rules {
		if g.Policy != "anti-affinity" {
			return nil, fault.New(fault.Invalid, "Only anti-affinity policy supports rules.")
		}
		g.Rules[k] = number(n)
	}
	err := s.c.Tx(c.Context(), func(ctx ctxt) error {
		limits, err := s.c.Limits(ctx, g.ProjectID)
		if err != nil {
			return err
		}
		u, err := s.c.Usage(ctx, g.ProjectID)
		if err != nil {
			return err
		}
		if most := limits["server_groups"]; most >= 0 && u.ServerGroups >= most {
			return fault.New(fault.OverQuota, "Quota exceeded, too many server groups.")
		}
		return s.c.InsertGroup(ctx, g)
	})
	if err != nil {
		return nil, err
	}
	return map[string]groupView{"server_group": viewGroup(g)}, nil
}

// seenGroup is a group of the caller's project, or any for an administrator.
func (s *service) seenGroup(ctx ctxt, c *rest.Call, id string) (*nova.ServerGroup, error) {
	g, err := s.c.Group(ctx, id)
	if err == nil && g.ProjectID != c.Who.Project.ID && !c.Who.Admin() {
		return nil, fault.New(fault.NotFound, "Instance group %s could not be found.", id)
	}
	return g, err
}

func (s *service) showGroup(c *rest.Call, in byID) (map[string]groupView, error) {
	g, err := s.seenGroup(c.Context(), c, in.ID)
	if err != nil {
		return nil, err
	}
	return map[string]groupView{"server_group": viewGroup(g)}, nil
}

func (s *service) deleteGroup(c *rest.Call, in byID) error {
	return s.c.Tx(c.Context(), func(ctx ctxt) error {
		if _, err := s.seenGroup(ctx, c, in.ID); err != nil {
			return err
		}
		return s.c.DeleteGroup(ctx, in.ID)
	})
}
