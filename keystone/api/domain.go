package api

import (
	"encoding/json"

	"stackd/internal/listing"
	"stackd/internal/policy"
	"stackd/internal/rest"
	"stackd/keystone"
)

func (a *API) domainRows() []rest.Route {
	return []rest.Route{
		{On: "GET /v3/domains", Rule: "identity:list_domains", Target: callersDomain, List: list("domains", "name", "enabled"), Do: rest.Do(a.listDomains)},
		{On: "POST /v3/domains", Rule: "identity:create_domain", Target: nobody, Body: a.shelf.Get("domain.create"), Status: 201, Do: rest.Do(a.createDomain)},
		{On: "GET /v3/domains/{id}", Rule: "identity:get_domain", Target: domainTarget, Do: rest.Do(a.showDomain)},
		{On: "PATCH /v3/domains/{id}", Rule: "identity:update_domain", Target: there(a.domainAt, domainTarget), Body: a.shelf.Get("domain.update"), Do: rest.Do(a.updateDomain)},
		{On: "DELETE /v3/domains/{id}", Rule: "identity:delete_domain", Target: domainTarget, Status: 204, Mutates: true, Do: rest.DoNothing(a.deleteDomain)},
	}
}

func (a *API) domainAt(c *rest.Call) (*keystone.Project, error) {
	return a.id.Domain(c.Context(), c.PathValue("id"))
}

func domainTarget(c *rest.Call) (policy.Target, error) {
	return policy.Target{"target.domain.id": c.PathValue("id")}, nil
}

func callersDomain(c *rest.Call) (policy.Target, error) {
	return policy.Target{"target.domain.id": c.Who.Domain.ID}, nil
}

type domain struct {
	ID          string         `json:"-" wire:"id"`
	Name        string         `json:"name" wire:"name"`
	Description *string        `json:"description" wire:"description"`
	Enabled     bool           `json:"enabled" wire:"enabled"`
	Tags        []string       `json:"tags" wire:"tags"`
	Options     map[string]any `json:"options" wire:"options"`
	Extra       map[string]any `json:"-" wire:"*"`
	Links       self           `json:"-" wire:"links"`
}

type domainOut struct {
	Domain domain `wire:"domain"`
}

type domainBody struct {
	ID     string          `path:"id"`
	Domain json.RawMessage `json:"domain"`
}

func domainOf(c *rest.Call, p *keystone.Project) domain {
	return domain{ID: p.ID, Name: p.Name, Description: &p.Description, Enabled: p.Enabled, Tags: p.Tags, Options: options(p.Options), Extra: p.Extra, Links: link(c, "domains", p.ID)}
}

func (w domain) to(p *keystone.Project) {
	p.Name, p.Description, p.Enabled, p.Tags, p.Options, p.Extra = w.Name, text(w.Description), w.Enabled, w.Tags, w.Options, w.Extra
}

func (a *API) domainPage(c *rest.Call) (listing.Page[domain], error) {
	c.List.Where["is_domain"] = []string{"true"}
	page, err := a.id.Projects(c.Context(), c.List)
	return listing.Map(page, func(p *keystone.Project) domain { return domainOf(c, p) }), err
}

// listDomains: a domain's own token sees that domain, all others see all.
func (a *API) listDomains(c *rest.Call, _ struct{}) (listing.Page[domain], error) {
	if d := c.Who.Domain.ID; d != "" {
		c.List.Where["id"] = []string{d}
	}
	return a.domainPage(c)
}

func (a *API) createDomain(c *rest.Call, in domainBody) (domainOut, error) {
	w := domain{Enabled: true}
	var chosen struct {
		ID string `json:"explicit_domain_id"`
	}
	if err := json.Unmarshal(in.Domain, &chosen); err != nil {
		return domainOut{}, malformed().Because(err)
	}
	if err := merge(in.Domain, &w); err != nil {
		return domainOut{}, err
	}
	delete(w.Extra, "explicit_domain_id")
	p := &keystone.Project{ID: chosen.ID, IsDomain: true}
	w.to(p)
	err := a.id.CreateProject(c.Context(), p)
	return domainOut{domainOf(c, p)}, err
}

func (a *API) showDomain(c *rest.Call, in idIn) (domainOut, error) {
	p, err := a.id.Domain(c.Context(), in.ID)
	if err != nil {
		return domainOut{}, err
	}
	return domainOut{domainOf(c, p)}, nil
}

func (a *API) updateDomain(c *rest.Call, in domainBody) (domainOut, error) {
	if _, err := a.id.Domain(c.Context(), in.ID); err != nil {
		return domainOut{}, err
	}
	p, err := a.id.UpdateProject(c.Context(), in.ID, func(p *keystone.Project) error {
		w := domainOf(c, p)
		err := merge(in.Domain, &w)
		w.to(p)
		return err
	})
	if err != nil {
		return domainOut{}, err
	}
	return domainOut{domainOf(c, p)}, nil
}

func (a *API) deleteDomain(c *rest.Call, in idIn) error { return a.id.DeleteDomain(c.Context(), in.ID) }
