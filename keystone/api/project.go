package api

import (
	"encoding/json"

	"stackd/internal/listing"
	"stackd/internal/policy"
	"stackd/internal/rest"
	"stackd/keystone"
)

func (a *API) projectRows() []rest.Route {
	filters := list("projects", "name", "enabled", "domain_id", "parent_id", "is_domain", "tags", "tags-any", "not-tags", "not-tags-any")
	return []rest.Route{
		{On: "GET /v3/projects", Rule: "identity:list_projects", Target: targetHome("target.domain_id"), List: filters, Do: rest.Do(a.listProjects)},
		{On: "POST /v3/projects", Rule: "identity:create_project", Target: newTarget("project"), Body: a.shelf.Get("project.create"), Status: 201, Do: rest.Do(a.createProject)},
		{On: "GET /v3/projects/{id}", Rule: "identity:get_project", Target: a.projectTarget, Do: rest.Do(a.showProject)},
		{On: "PATCH /v3/projects/{id}", Rule: "identity:update_project", Target: a.projectTarget, Body: a.shelf.Get("project.update"), Do: rest.Do(a.updateProject)},
		{On: "DELETE /v3/projects/{id}", Rule: "identity:delete_project", Target: a.projectTarget, Status: 204, Mutates: true, Do: rest.DoNothing(a.deleteProject)},
		{On: "GET /v3/users/{id}/projects", Rule: "identity:list_user_projects", Target: a.userTarget, List: filters, Do: rest.Do(a.userProjects)},
	}
}

func (a *API) projectTarget(c *rest.Call) (policy.Target, error) {
	p, err := seen(a.id.Project(c.Context(), c.PathValue("id")))
	if err != nil || p == nil {
		return policy.Target{}, err
	}
	return policy.Target{"target.project.id": p.ID, "target.project.domain_id": p.DomainID}, nil
}

// newTarget is the Target of rows that make a thing in a domain: the one that the
// body names, else the caller's.
func newTarget(thing string) func(*rest.Call) (policy.Target, error) {
	return func(c *rest.Call) (policy.Target, error) {
		d, err := c.Peek(thing, "domain_id")
		if d == "" {
			d = ownDomain(c)
		}
		return policy.Target{"target." + thing + ".domain_id": d}, err
	}
}

type project struct {
	ID          string         `json:"-" wire:"id"`
	Name        string         `json:"name" wire:"name"`
	DomainID    *string        `json:"domain_id" wire:"domain_id"`
	Description *string        `json:"description" wire:"description"`
	Enabled     bool           `json:"enabled" wire:"enabled"`
	ParentID    *string        `json:"parent_id" wire:"parent_id"`
	IsDomain    bool           `json:"is_domain" wire:"is_domain"`
	Tags        []string       `json:"tags" wire:"tags"`
	Options     map[string]any `json:"options" wire:"options"`
	Extra       map[string]any `json:"-" wire:"*"`
	Links       self           `json:"-" wire:"links"`
}

type projectOut struct {
	Project any `wire:"project"`
}

type projectBody struct {
	ID      string          `path:"id"`
	Project json.RawMessage `json:"project"`
}

func projectOf(c *rest.Call, p *keystone.Project) project {
	return project{ID: p.ID, Name: p.Name, DomainID: null(p.DomainID), Description: &p.Description, Enabled: p.Enabled, ParentID: null(p.ParentID),
		IsDomain: p.IsDomain, Tags: p.Tags, Options: options(p.Options), Extra: p.Extra, Links: link(c, "projects", p.ID)}
}

func (w project) to(p *keystone.Project) {
	p.Name, p.DomainID, p.Description, p.Enabled = w.Name, text(w.DomainID), text(w.Description), w.Enabled
	p.ParentID, p.IsDomain, p.Tags, p.Options, p.Extra = text(w.ParentID), w.IsDomain, w.Tags, w.Options, w.Extra
}

func (a *API) projectPage(c *rest.Call) (listing.Page[project], error) {
	page, err := a.id.Projects(c.Context(), c.List)
	return listing.Map(page, func(p *keystone.Project) project { return projectOf(c, p) }), err
}

func (a *API) listProjects(c *rest.Call, _ struct{}) (listing.Page[project], error) {
	if !c.List.Has("is_domain") {
		inHome(c)
	}
	return a.projectPage(c)
}

func (a *API) userProjects(c *rest.Call, in idIn) (listing.Page[project], error) {
	if _, err := a.id.User(c.Context(), in.ID); err != nil {
		return listing.Page[project]{}, err
	}
	c.List.Where["user_id"] = []string{in.ID}
	return a.projectPage(c)
}

func (a *API) createProject(c *rest.Call, in projectBody) (projectOut, error) {
	w := project{Enabled: true}
	if err := merge(in.Project, &w); err != nil {
		return projectOut{}, err
	}
	if w.DomainID == nil && w.ParentID == nil && !w.IsDomain {
		w.DomainID = null(ownDomain(c))
	}
	p := &keystone.Project{}
	w.to(p)
	err := a.id.CreateProject(c.Context(), p)
	return projectOut{projectOf(c, p)}, err
}

// ownDomain is where things are made when the request does not say: the domain of
// the caller's token, else the default one.
func ownDomain(c *rest.Call) string {
	switch {
	case c.Who.Domain.ID != "":
		return c.Who.Domain.ID
	case c.Who.ProjectDomain.ID != "":
		return c.Who.ProjectDomain.ID
	}
	return keystone.DefaultDomain
}

func (a *API) showProject(c *rest.Call, in idIn) (any, error) {
	p, err := a.id.Project(c.Context(), in.ID)
	if err != nil {
		return nil, err
	}
	return a.withFamily(c, p)
}

func (a *API) updateProject(c *rest.Call, in projectBody) (projectOut, error) {
	p, err := a.id.UpdateProject(c.Context(), in.ID, func(p *keystone.Project) error {
		w := projectOf(c, p)
		err := merge(in.Project, &w)
		w.to(p)
		return err
	})
	if err != nil {
		return projectOut{}, err
	}
	return projectOut{projectOf(c, p)}, nil
}

func (a *API) deleteProject(c *rest.Call, in idIn) error {
	return a.id.DeleteProject(c.Context(), in.ID)
}
