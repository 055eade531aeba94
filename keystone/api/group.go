package api

import (
	"encoding/json"

	"stackd/internal/listing"
	"stackd/internal/policy"
	"stackd/internal/rest"
	"stackd/keystone"
)

func (a *API) groupRows() []rest.Route {
	return []rest.Route{
		{On: "GET /v3/groups", Rule: "identity:list_groups", Target: targetHome("target.group.domain_id"), List: list("groups", "name", "domain_id"), Do: rest.Do(a.listGroups)},
		{On: "POST /v3/groups", Rule: "identity:create_group", Target: newTarget("group"), Body: a.shelf.Get("group.create"), Status: 201, Do: rest.Do(a.createGroup)},
		{On: "GET /v3/groups/{id}", Rule: "identity:get_group", Target: a.groupTarget, Do: rest.Do(a.showGroup)},
		{On: "PATCH /v3/groups/{id}", Rule: "identity:update_group", Target: a.groupTarget, Body: a.shelf.Get("group.update"), Do: rest.Do(a.updateGroup)},
		{On: "DELETE /v3/groups/{id}", Rule: "identity:delete_group", Target: there(a.groupAt, a.groupTarget), Status: 204, Mutates: true, Do: rest.DoNothing(a.deleteGroup)},
		{On: "GET /v3/groups/{id}/users", Rule: "identity:list_users_in_group", Target: a.groupTarget, List: list("users", "name", "enabled", "domain_id", "password_expires_at"), Do: rest.Do(a.groupUsers)},
		{On: "GET /v3/groups/{id}/users/{user}", Rule: "identity:check_user_in_group", Target: a.memberTarget, Status: 204, Do: rest.DoNothing(a.checkMember)},
		{On: "PUT /v3/groups/{id}/users/{user}", Rule: "identity:add_user_to_group", Target: a.memberTarget, Status: 204, Mutates: true, Do: rest.DoNothing(a.addMember)},
		{On: "DELETE /v3/groups/{id}/users/{user}", Rule: "identity:remove_user_from_group", Target: a.memberTarget, Status: 204, Mutates: true, Do: rest.DoNothing(a.removeMember)},
	}
}

func (a *API) groupAt(c *rest.Call) (*keystone.Group, error) {
	return a.id.Group(c.Context(), c.PathValue("id"))
}

func (a *API) groupTarget(c *rest.Call) (policy.Target, error) {
	g, err := seen(a.id.Group(c.Context(), c.PathValue("id")))
	if err != nil || g == nil {
		return policy.Target{}, err
	}
	return policy.Target{"target.group.id": g.ID, "target.group.domain_id": g.DomainID}, nil
}

func (a *API) memberTarget(c *rest.Call) (policy.Target, error) {
	t, err := a.groupTarget(c)
	if err != nil {
		return nil, err
	}
	u, err := seen(a.id.User(c.Context(), c.PathValue("user")))
	if u != nil {
		t["target.user.id"], t["target.user.domain_id"] = u.ID, u.DomainID
	}
	return t, err
}

type group struct {
	ID          string         `json:"-" wire:"id"`
	Name        string         `json:"name" wire:"name"`
	DomainID    string         `json:"domain_id" wire:"domain_id"`
	Description *string        `json:"description" wire:"description"`
	Extra       map[string]any `json:"-" wire:"*"`
	Links       self           `json:"-" wire:"links"`
}

type groupOut struct {
	Group group `wire:"group"`
}

type groupBody struct {
	ID    string          `path:"id"`
	Group json.RawMessage `json:"group"`
}

type memberIn struct {
	ID   string `path:"id"`
	User string `path:"user"`
}

func groupOf(c *rest.Call, g *keystone.Group) group {
	return group{ID: g.ID, Name: g.Name, DomainID: g.DomainID, Description: &g.Description, Extra: g.Extra, Links: link(c, "groups", g.ID)}
}

func (w group) to(g *keystone.Group) {
	g.Name, g.DomainID, g.Description, g.Extra = w.Name, w.DomainID, text(w.Description), w.Extra
}

func (a *API) groupPage(c *rest.Call) (listing.Page[group], error) {
	page, err := a.id.Groups(c.Context(), c.List)
	return listing.Map(page, func(g *keystone.Group) group { return groupOf(c, g) }), err
}

func (a *API) listGroups(c *rest.Call, _ struct{}) (listing.Page[group], error) {
	inHome(c)
	return a.groupPage(c)
}

func (a *API) createGroup(c *rest.Call, in groupBody) (groupOut, error) {
	var w group
	if err := merge(in.Group, &w); err != nil {
		return groupOut{}, err
	}
	if w.DomainID == "" {
		w.DomainID = ownDomain(c)
	}
	g := &keystone.Group{}
	w.to(g)
	err := a.id.CreateGroup(c.Context(), g)
	return groupOut{groupOf(c, g)}, err
}

func (a *API) showGroup(c *rest.Call, in idIn) (groupOut, error) {
	g, err := a.id.Group(c.Context(), in.ID)
	if err != nil {
		return groupOut{}, err
	}
	return groupOut{groupOf(c, g)}, nil
}

func (a *API) updateGroup(c *rest.Call, in groupBody) (groupOut, error) {
	g, err := a.id.UpdateGroup(c.Context(), in.ID, func(g *keystone.Group) error {
		w := groupOf(c, g)
		err := merge(in.Group, &w)
		w.to(g)
		return err
	})
	if err != nil {
		return groupOut{}, err
	}
	return groupOut{groupOf(c, g)}, nil
}

func (a *API) deleteGroup(c *rest.Call, in idIn) error { return a.id.DeleteGroup(c.Context(), in.ID) }

func (a *API) groupUsers(c *rest.Call, in idIn) (listing.Page[user], error) {
	if _, err := a.id.Group(c.Context(), in.ID); err != nil {
		return listing.Page[user]{}, err
	}
	c.List.Where["group_id"] = []string{in.ID}
	keepHome(c)
	return a.userPage(c)
}

func (a *API) checkMember(c *rest.Call, in memberIn) error {
	return a.id.IsMember(c.Context(), in.ID, in.User)
}

func (a *API) addMember(c *rest.Call, in memberIn) error {
	return a.id.AddMember(c.Context(), in.ID, in.User)
}

func (a *API) removeMember(c *rest.Call, in memberIn) error {
	return a.id.RemoveMember(c.Context(), in.ID, in.User)
}
