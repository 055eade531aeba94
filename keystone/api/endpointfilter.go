package api

import (
	"encoding/json"

	"stackd/internal/listing"
	"stackd/internal/rest"
	"stackd/keystone"
)

func (a *API) endpointFilterRows() []rest.Route {
	g, p := "/v3/OS-EP-FILTER/endpoint_groups", "/v3/OS-EP-FILTER/projects/{project}"
	return []rest.Route{
		{On: "GET " + g, Rule: "identity:list_endpoint_groups", Target: nobody, List: list("endpoint_groups", "name"), Do: rest.Do(a.listEndpointGroups)},
		{On: "POST " + g, Rule: "identity:create_endpoint_group", Target: nobody, Body: a.shelf.Get("endpointgroup.create"), Status: 201, Do: rest.Do(a.createEndpointGroup)},
		{On: "GET " + g + "/{id}", Rule: "identity:get_endpoint_group", Target: nobody, Do: rest.Do(a.showEndpointGroup)},
		{On: "PATCH " + g + "/{id}", Rule: "identity:update_endpoint_group", Target: nobody, Body: a.shelf.Get("endpointgroup.update"), Do: rest.Do(a.updateEndpointGroup)},
		{On: "DELETE " + g + "/{id}", Rule: "identity:delete_endpoint_group", Target: nobody, Status: 204, Mutates: true, Do: rest.DoNothing(a.deleteEndpointGroup)},
		{On: "GET " + g + "/{id}/endpoints", Rule: "identity:list_endpoints_associated_with_endpoint_group", Target: nobody, Do: rest.Do(a.groupEndpoints)},
		{On: "GET " + g + "/{id}/projects", Rule: "identity:list_projects_associated_with_endpoint_group", Target: nobody, Do: rest.Do(a.groupProjects)},
		{On: "GET " + g + "/{id}/projects/{project}", Rule: "identity:get_endpoint_group_in_project", Target: nobody, Do: rest.Do(a.groupInProject)},
		{On: "PUT " + g + "/{id}/projects/{project}", Rule: "identity:add_endpoint_group_to_project", Target: nobody, Status: 204, Mutates: true, Do: rest.DoNothing(a.addGroupToProject)},
		{On: "DELETE " + g + "/{id}/projects/{project}", Rule: "identity:remove_endpoint_group_from_project", Target: nobody, Status: 204, Mutates: true, Do: rest.DoNothing(a.dropGroupFromProject)},
		{On: "GET " + p + "/endpoint_groups", Rule: "identity:list_endpoint_groups_for_project", Target: nobody, Do: rest.Do(a.projectGroups)},
		{On: "GET " + p + "/endpoints", Rule: "identity:list_endpoints_for_project", Target: nobody, Do: rest.Do(a.projectEndpoints)},
		{On: "GET " + p + "/endpoints/{id}", Rule: "identity:check_endpoint_in_project", Target: nobody, Status: 204, Do: rest.DoNothing(a.hasEndpoint)},
		{On: "PUT " + p + "/endpoints/{id}", Rule: "identity:add_endpoint_to_project", Target: nobody, Status: 204, Mutates: true, Do: rest.DoNothing(a.addEndpoint)},
		{On: "DELETE " + p + "/endpoints/{id}", Rule: "identity:remove_endpoint_from_project", Target: nobody, Status: 204, Mutates: true, Do: rest.DoNothing(a.dropEndpoint)},
		{On: "GET /v3/OS-EP-FILTER/endpoints/{id}/projects", Rule: "identity:list_projects_for_endpoint", Target: nobody, Do: rest.Do(a.endpointProjects)},
	}
}

type endpointGroup struct {
	ID          string            `json:"-" wire:"id"`
	Name        string            `json:"name" wire:"name"`
	Description *string           `json:"description" wire:"description"`
	Filters     map[string]string `json:"filters" wire:"filters"`
	Links       self              `json:"-" wire:"links"`
}

type endpointGroupOut struct {
	Group endpointGroup `wire:"endpoint_group"`
}

type endpointGroupBody struct {
	ID    string          `path:"id"`
	Group json.RawMessage `json:"endpoint_group"`
}

type shownIn struct {
	ID      string `path:"id"`
	Project string `path:"project"`
}

func (in shownIn) filter(kind string) keystone.EndpointFilter {
	return keystone.EndpointFilter{ProjectID: in.Project, Kind: kind, ItemID: in.ID}
}

func endpointGroupOf(c *rest.Call, g *keystone.EndpointGroup) endpointGroup {
	return endpointGroup{g.ID, g.Name, g.Description, g.Filters, link(c, "OS-EP-FILTER/endpoint_groups", g.ID)}
}

func (a *API) listEndpointGroups(c *rest.Call, _ struct{}) (listing.Page[endpointGroup], error) {
	page, err := a.id.EndpointGroups(c.Context(), c.List)
	return listing.Map(page, func(g *keystone.EndpointGroup) endpointGroup { return endpointGroupOf(c, g) }), err
}

func (a *API) createEndpointGroup(c *rest.Call, in endpointGroupBody) (endpointGroupOut, error) {
	var w endpointGroup
	if err := merge(in.Group, &w); err != nil {
		return endpointGroupOut{}, err
	}
	g := &keystone.EndpointGroup{Name: w.Name, Description: w.Description, Filters: w.Filters}
	err := a.id.CreateEndpointGroup(c.Context(), g)
	return endpointGroupOut{endpointGroupOf(c, g)}, err
}

func (a *API) showEndpointGroup(c *rest.Call, in idIn) (endpointGroupOut, error) {
	g, err := a.id.EndpointGroup(c.Context(), in.ID)
	if err != nil {
		return endpointGroupOut{}, err
	}
	return endpointGroupOut{endpointGroupOf(c, g)}, nil
}

// updateEndpointGroup: new filters stand in the place of the old ones.
func (a *API) updateEndpointGroup(c *rest.Call, in endpointGroupBody) (endpointGroupOut, error) {
	g, err := a.id.UpdateEndpointGroup(c.Context(), in.ID, func(g *keystone.EndpointGroup) error {
		w := endpointGroup{Name: g.Name, Description: g.Description}
		err := merge(in.Group, &w)
		if g.Name, g.Description = w.Name, w.Description; w.Filters != nil {
			g.Filters = w.Filters
		}
		return err
	})
	if err != nil {
		return endpointGroupOut{}, err
	}
	return endpointGroupOut{endpointGroupOf(c, g)}, nil
}

func (a *API) deleteEndpointGroup(c *rest.Call, in idIn) error {
	return a.id.DeleteEndpointGroup(c.Context(), in.ID)
}

// all shows things under their key, in the manner of a list without pages.
func all[A, B any](c *rest.Call, key string, things []A, view func(*rest.Call, A) B) any {
	out := []B{}
	for _, x := range things {
		out = append(out, view(c, x))
	}
	return map[string]any{key: out, "links": links(c, "")["links"]}
}

func (a *API) groupEndpoints(c *rest.Call, in idIn) (any, error) {
	es, err := a.id.InEndpointGroup(c.Context(), in.ID)
	return all(c, "endpoints", es, endpointOf), err
}

func (a *API) groupProjects(c *rest.Call, in idIn) (any, error) {
	if _, err := a.id.EndpointGroup(c.Context(), in.ID); err != nil {
		return nil, err
	}
	ps, err := a.id.ShownTo(c.Context(), "group", in.ID)
	return all(c, "projects", ps, projectOf), err
}

func (a *API) endpointProjects(c *rest.Call, in idIn) (any, error) {
	if _, err := a.id.Endpoint(c.Context(), in.ID); err != nil {
		return nil, err
	}
	ps, err := a.id.ShownTo(c.Context(), "endpoint", in.ID)
	return all(c, "projects", ps, projectOf), err
}

func (a *API) groupInProject(c *rest.Call, in shownIn) (endpointGroupOut, error) {
	if err := a.id.Shows(c.Context(), in.filter("group")); err != nil {
		return endpointGroupOut{}, err
	}
	return a.showEndpointGroup(c, idIn{in.ID})
}

func (a *API) projectGroups(c *rest.Call, in shownIn) (any, error) {
	gs, err := a.id.GroupsShown(c.Context(), in.Project)
	return all(c, "endpoint_groups", gs, endpointGroupOf), err
}

func (a *API) projectEndpoints(c *rest.Call, in shownIn) (any, error) {
	es, err := a.id.EndpointsShown(c.Context(), in.Project)
	return all(c, "endpoints", es, endpointOf), err
}

func (a *API) addGroupToProject(c *rest.Call, in shownIn) error {
	return a.id.Show(c.Context(), in.filter("group"))
}

func (a *API) dropGroupFromProject(c *rest.Call, in shownIn) error {
	return a.id.Unshow(c.Context(), in.filter("group"))
}

func (a *API) hasEndpoint(c *rest.Call, in shownIn) error {
	return a.id.Shows(c.Context(), in.filter("endpoint"))
}

func (a *API) addEndpoint(c *rest.Call, in shownIn) error {
	return a.id.Show(c.Context(), in.filter("endpoint"))
}

func (a *API) dropEndpoint(c *rest.Call, in shownIn) error {
	return a.id.Unshow(c.Context(), in.filter("endpoint"))
}
