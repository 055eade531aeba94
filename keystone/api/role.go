package api

import (
	"encoding/json"

	"stackd/internal/listing"
	"stackd/internal/policy"
	"stackd/internal/rest"
	"stackd/keystone"
)

func (a *API) roleRows() []rest.Route {
	asks := "identity:*_role or identity:*_domain_role, as the role has a domain or not"
	return []rest.Route{
		{On: "GET /v3/roles", Asks: asks, List: list("roles", "name", "domain_id"), Do: rest.Do(a.listRoles)},
		{On: "POST /v3/roles", Asks: asks, Body: a.shelf.Get("role.create"), Status: 201, Do: rest.Do(a.createRole)},
		{On: "GET /v3/roles/{id}", Asks: asks, Do: rest.Do(a.showRole)},
		{On: "PATCH /v3/roles/{id}", Asks: asks, Body: a.shelf.Get("role.update"), Do: rest.Do(a.updateRole)},
		{On: "DELETE /v3/roles/{id}", Asks: asks, Status: 204, Mutates: true, Do: rest.DoNothing(a.deleteRole)},
	}
}

type role struct {
	ID          string         `json:"-" wire:"id"`
	Name        string         `json:"name" wire:"name"`
	DomainID    *string        `json:"domain_id" wire:"domain_id"`
	Description *string        `json:"description" wire:"description"`
	Options     map[string]any `json:"options" wire:"options"`
	Extra       map[string]any `json:"-" wire:"*"`
	Links       self           `json:"-" wire:"links"`
}

type roleOut struct {
	Role role `wire:"role"`
}

type roleBody struct {
	ID   string          `path:"id"`
	Role json.RawMessage `json:"role"`
}

func roleOf(c *rest.Call, r *keystone.Role) role {
	return role{ID: r.ID, Name: r.Name, DomainID: null(r.DomainID), Description: r.Description, Options: options(r.Options), Extra: r.Extra, Links: link(c, "roles", r.ID)}
}

func (w role) to(r *keystone.Role) {
	r.Name, r.DomainID, r.Description, r.Options, r.Extra = w.Name, text(w.DomainID), w.Description, w.Options, w.Extra
}

// mayRole asks the rule for what is done to a role: verb "get" is get_role, or
// get_domain_role for a role of a domain.
func mayRole(c *rest.Call, verb string, r *keystone.Role) error {
	t := policy.Target{}
	kind := "role"
	if r != nil {
		t["target.role.name"], t["target.role.id"], t["target.role.domain_id"] = r.Name, r.ID, r.DomainID
		if r.DomainID != "" {
			kind = "domain_role"
		}
	}
	if verb == "list" {
		kind += "s"
	}
	return c.Require("identity:"+verb+"_"+kind, t)
}

// role finds the role that the caller may do this to.
func (a *API) role(c *rest.Call, verb, id string) (*keystone.Role, error) {
	r, err := a.id.Role(c.Context(), id)
	if err != nil {
		return nil, err
	}
	return r, mayRole(c, verb, r)
}

func (a *API) listRoles(c *rest.Call, _ struct{}) (listing.Page[role], error) {
	if err := mayRole(c, "list", &keystone.Role{DomainID: c.List.First("domain_id")}); err != nil {
		return listing.Page[role]{}, err
	}
	page, err := a.id.Roles(c.Context(), c.List)
	return listing.Map(page, func(r *keystone.Role) role { return roleOf(c, r) }), err
}

func (a *API) createRole(c *rest.Call, in roleBody) (roleOut, error) {
	var w role
	if err := merge(in.Role, &w); err != nil {
		return roleOut{}, err
	}
	r := &keystone.Role{}
	w.to(r)
	if err := mayRole(c, "create", r); err != nil {
		return roleOut{}, err
	}
	err := a.id.CreateRole(c.Context(), r)
	return roleOut{roleOf(c, r)}, err
}

func (a *API) showRole(c *rest.Call, in idIn) (roleOut, error) {
	r, err := a.role(c, "get", in.ID)
	if err != nil {
		return roleOut{}, err
	}
	return roleOut{roleOf(c, r)}, nil
}

func (a *API) updateRole(c *rest.Call, in roleBody) (roleOut, error) {
	if _, err := a.role(c, "update", in.ID); err != nil {
		return roleOut{}, err
	}
	r, err := a.id.UpdateRole(c.Context(), in.ID, func(r *keystone.Role) error {
		w := roleOf(c, r)
		err := merge(in.Role, &w)
		w.to(r)
		return err
	})
	if err != nil {
		return roleOut{}, err
	}
	return roleOut{roleOf(c, r)}, nil
}

func (a *API) deleteRole(c *rest.Call, in idIn) error {
	if _, err := a.role(c, "delete", in.ID); err != nil {
		return err
	}
	return a.id.DeleteRole(c.Context(), in.ID)
}
