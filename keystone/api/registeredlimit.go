package api

import (
	"encoding/json"

	"stackd/internal/listing"
	"stackd/internal/rest"
	"stackd/keystone"
)

func (a *API) registeredLimitRows() []rest.Route {
	on := "/v3/registered_limits"
	return []rest.Route{
		{On: "GET " + on, Rule: "identity:list_registered_limits", Target: nobody, List: list("registered_limits", "service_id", "region_id", "resource_name"), Do: rest.Do(a.listRegistered)},
		{On: "POST " + on, Rule: "identity:create_registered_limits", Target: nobody, Body: a.shelf.Get("limit.register"), Status: 201, Do: rest.Do(a.createRegistered)},
		{On: "GET " + on + "/{id}", Rule: "identity:get_registered_limit", Target: nobody, Do: rest.Do(a.showRegistered)},
		{On: "PATCH " + on + "/{id}", Rule: "identity:update_registered_limit", Target: nobody, Body: a.shelf.Get("limit.registered"), Do: rest.Do(a.updateRegistered)},
		{On: "DELETE " + on + "/{id}", Rule: "identity:delete_registered_limit", Target: nobody, Status: 204, Mutates: true, Do: rest.DoNothing(a.deleteRegistered)},
	}
}

type registered struct {
	ID           string  `json:"-" wire:"id"`
	ServiceID    string  `json:"service_id" wire:"service_id"`
	RegionID     *string `json:"region_id" wire:"region_id"`
	ResourceName string  `json:"resource_name" wire:"resource_name"`
	Default      int64   `json:"default_limit" wire:"default_limit"`
	Description  *string `json:"description" wire:"description"`
	Links        self    `json:"-" wire:"links"`
}

func registeredOf(c *rest.Call, l *keystone.RegisteredLimit) registered {
	return registered{l.ID, l.ServiceID, null(l.RegionID), l.ResourceName, l.Default, l.Description, link(c, "registered_limits", l.ID)}
}

func (w registered) to(l *keystone.RegisteredLimit) {
	l.ServiceID, l.RegionID, l.ResourceName, l.Default, l.Description = w.ServiceID, text(w.RegionID), w.ResourceName, w.Default, w.Description
}

func (a *API) listRegistered(c *rest.Call, _ struct{}) (listing.Page[registered], error) {
	page, err := a.id.RegisteredLimits(c.Context(), c.List)
	return listing.Map(page, func(l *keystone.RegisteredLimit) registered { return registeredOf(c, l) }), err
}

func (a *API) createRegistered(c *rest.Call, in struct {
	Limits []registered `json:"registered_limits"`
}) (any, error) {
	var ls []*keystone.RegisteredLimit
	for _, w := range in.Limits {
		l := &keystone.RegisteredLimit{}
		w.to(l)
		ls = append(ls, l)
	}
	if err := a.id.CreateRegisteredLimits(c.Context(), ls); err != nil {
		return nil, err
	}
	out := []registered{}
	for _, l := range ls {
		out = append(out, registeredOf(c, l))
	}
	return map[string]any{"registered_limits": out, "links": links(c, "")["links"]}, nil
}

func (a *API) showRegistered(c *rest.Call, in idIn) (any, error) {
	l, err := a.id.RegisteredLimit(c.Context(), in.ID)
	if err != nil {
		return nil, err
	}
	return map[string]any{"registered_limit": registeredOf(c, l)}, nil
}

func (a *API) updateRegistered(c *rest.Call, in struct {
	ID    string          `path:"id"`
	Limit json.RawMessage `json:"registered_limit"`
}) (any, error) {
	l, err := a.id.UpdateRegisteredLimit(c.Context(), in.ID, func(l *keystone.RegisteredLimit) error {
		w := registeredOf(c, l)
		err := merge(in.Limit, &w)
		w.to(l)
		return err
	})
	if err != nil {
		return nil, err
	}
	return map[string]any{"registered_limit": registeredOf(c, l)}, nil
}

func (a *API) deleteRegistered(c *rest.Call, in idIn) error {
	return a.id.DeleteRegisteredLimit(c.Context(), in.ID)
}
