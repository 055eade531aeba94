package api

import (
	"stackd/internal/fault"
	"stackd/internal/rest"
)

func (a *API) tagRows() []rest.Route {
	return []rest.Route{
		{On: "GET /v3/projects/{id}/tags", Rule: "identity:list_project_tags", Target: a.projectTarget, Do: rest.Do(a.listTags)},
		{On: "PUT /v3/projects/{id}/tags", Rule: "identity:update_project_tags", Target: a.projectTarget, Body: a.shelf.Get("project.tags"), Do: rest.Do(a.setTags)},
		{On: "DELETE /v3/projects/{id}/tags", Rule: "identity:delete_project_tags", Target: a.projectTarget, Status: 204, Mutates: true, Do: rest.DoNothing(a.clearTags)},
		{On: "GET /v3/projects/{id}/tags/{tag}", Rule: "identity:get_project_tag", Target: a.projectTarget, Status: 204, Do: rest.DoNothing(a.hasTag)},
		{On: "PUT /v3/projects/{id}/tags/{tag}", Rule: "identity:create_project_tag", Target: a.projectTarget, Status: 201, Mutates: true, Do: rest.DoNothing(a.addTag)},
		{On: "DELETE /v3/projects/{id}/tags/{tag}", Rule: "identity:delete_project_tag", Target: a.projectTarget, Status: 204, Mutates: true, Do: rest.DoNothing(a.removeTag)},
	}
}

type tagIn struct {
	ID  string `path:"id"`
	Tag string `path:"tag"`
}

type tags struct {
	Tags  []string `wire:"tags"`
	Links any      `wire:"links"`
}

func (a *API) listTags(c *rest.Call, in idIn) (tags, error) {
	p, err := a.id.Project(c.Context(), in.ID)
	if err != nil {
		return tags{}, err
	}
	return tags{p.Tags, links(c, "")["links"]}, nil
}

func (a *API) setTags(c *rest.Call, in struct {
	ID   string   `path:"id"`
	Tags []string `json:"tags"`
}) (tags, error) {
	err := a.id.SetTags(c.Context(), in.ID, in.Tags)
	return tags{in.Tags, links(c, "")["links"]}, err
}

func (a *API) clearTags(c *rest.Call, in idIn) error { return a.id.SetTags(c.Context(), in.ID, nil) }

func (a *API) hasTag(c *rest.Call, in tagIn) error {
	p, err := a.id.Project(c.Context(), in.ID)
	if err != nil {
		return err
	}
	for _, t := range p.Tags {
		if t == in.Tag {
			return nil
		}
	}
	return fault.New(fault.NotFound, "Could not find project tag: %s.", in.Tag)
}

func (a *API) addTag(c *rest.Call, in tagIn) error {
	if len(in.Tag) > 255 {
		return fault.New(fault.Invalid, "Invalid input for field 'tag': '%s' is too long", in.Tag)
	}
	return a.id.AddTag(c.Context(), in.ID, in.Tag)
}

func (a *API) removeTag(c *rest.Call, in tagIn) error {
	return a.id.RemoveTag(c.Context(), in.ID, in.Tag)
}
