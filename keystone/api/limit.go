package api

import (
	"stackd/internal/listing"
	"stackd/internal/policy"
	"stackd/internal/rest"
	"stackd/keystone"
)

func (a *API) limitRows() []rest.Route {
	return []rest.Route{
		{On: "GET /v3/limits/model", Rule: "identity:get_limit_model", Target: nobody, Do: rest.Do(a.limitModel)},
		{On: "GET /v3/limits", Rule: "identity:list_limits", Target: nobody, List: list("limits", "service_id", "region_id", "resource_name", "project_id", "domain_id"), Do: rest.Do(a.listLimits)},
		{On: "POST /v3/limits", Rule: "identity:create_limits", Target: nobody, Body: a.shelf.Get("limit.create"), Status: 201, Do: rest.Do(a.createLimits)},
		{On: "GET /v3/limits/{id}", Rule: "identity:get_limit", Target: a.limitTarget, Do: rest.Do(a.showLimit)},
		{On: "PATCH /v3/limits/{id}", Rule: "identity:update_limit", Target: nobody, Body: a.shelf.Get("limit.update"), Do: rest.Do(a.updateLimit)},
		{On: "DELETE /v3/limits/{id}", Rule: "identity:delete_limit", Target: nobody, Status: 204, Mutates: true, Do: rest.DoNothing(a.deleteLimit)},
	}
}

func (a *API) limitModel(*rest.Call, struct{}) (any, error) {
	m := a.id.LimitModel()
	return map[string]any{"model": map[string]any{"name": m.Name, "description": m.Description}}, nil
}

func (a *API) limitTarget(c *rest.Call) (policy.Target, error) {
	l, err := seen(a.id.Limit(c.Context(), c.PathValue("id")))
	if err != nil || l == nil {
		return policy.Target{}, err
	}
	t := policy.Target{"target.limit.project_id": l.ProjectID, "target.limit.domain.id": l.DomainID}
	if p, err := seen(a.id.Project(c.Context(), l.ProjectID)); err != nil {
		return nil, err
	} else if p != nil {
		t["target.limit.project.domain_id"] = p.DomainID
	}
	return t, nil
}

type limit struct {
	ID           string  `json:"-" wire:"id"`
	ProjectID    *string `json:"project_id" wire:"project_id"`
	DomainID     *string `json:"domain_id" wire:"domain_id"`
	ServiceID    string  `json:"service_id" wire:"service_id"`
	RegionID     *string `json:"region_id" wire:"region_id"`
	ResourceName string  `json:"resource_name" wire:"resource_name"`
	Limit        int64   `json:"resource_limit" wire:"resource_limit"`
	Description  *string `json:"description" wire:"description"`
	Links        self    `json:"-" wire:"links"`
}

func limitOf(c *rest.Call, l *keystone.Limit) limit {
	return limit{l.ID, null(l.ProjectID), null(l.DomainID), l.ServiceID, null(l.RegionID), l.ResourceName, l.Limit, l.Description, link(c, "limits", l.ID)}
}

// listLimits: only those who may see all see those of others.
func (a *API) listLimits(c *rest.Call, _ struct{}) (listing.Page[limit], error) {
	if !c.Who.Admin() && !c.Who.System {
		if c.Who.Scope() == "" {
			return listing.Page[limit]{}, nil
		}
		if c.Who.Domain.ID != "" {
			c.List.Where["home"] = []string{c.Who.Domain.ID}
		} else {
			c.List.Where["project_id"] = []string{c.Who.Project.ID}
		}
	}
	page, err := a.id.Limits(c.Context(), c.List)
	return listing.Map(page, func(l *keystone.Limit) limit { return limitOf(c, l) }), err
}

func (a *API) createLimits(c *rest.Call, in struct {
	Limits []limit `json:"limits"`
}) (any, error) {
	var ls []*keystone.Limit
	for _, w := range in.Limits {
		ls = append(ls, &keystone.Limit{ProjectID: text(w.ProjectID), DomainID: text(w.DomainID), ServiceID: w.ServiceID, RegionID: text(w.RegionID),
			ResourceName: w.ResourceName, Limit: w.Limit, Description: w.Description})
	}
	if err := a.id.CreateLimits(c.Context(), ls); err != nil {
		return nil, err
	}
	out := []limit{}
	for _, l := range ls {
		out = append(out, limitOf(c, l))
	}
	return map[string]any{"limits": out, "links": links(c, "")["links"]}, nil
}

func (a *API) showLimit(c *rest.Call, in idIn) (any, error) {
	l, err := a.id.Limit(c.Context(), in.ID)
	if err != nil {
		return nil, err
	}
	return map[string]any{"limit": limitOf(c, l)}, nil
}

func (a *API) updateLimit(c *rest.Call, in struct {
	ID    string `path:"id"`
	Limit struct {
		Limit       *int64  `json:"resource_limit"`
		Description *string `json:"description"`
	} `json:"limit"`
}) (any, error) {
	l, err := a.id.UpdateLimit(c.Context(), in.ID, func(l *keystone.Limit) error {
		if in.Limit.Limit != nil {
			l.Limit = *in.Limit.Limit
		}
		if in.Limit.Description != nil {
			l.Description = in.Limit.Description
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return map[string]any{"limit": limitOf(c, l)}, nil
}

func (a *API) deleteLimit(c *rest.Call, in idIn) error { return a.id.DeleteLimit(c.Context(), in.ID) }
