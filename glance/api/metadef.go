package api

import (
	"embed"
	"encoding/json"
	"time"

	"stackd/glance"
	"stackd/internal/listing"
	"stackd/internal/policy"
	"stackd/internal/rest"
)

//go:embed schema/metadefs/*.json
var metadefFiles embed.FS

func (s *service) namespaces() []rest.Route {
	on := "/v2/metadefs/namespaces"
	body := s.shelf.Get("metadef.namespace")
	return []rest.Route{
		{On: "GET " + on, Rule: "get_metadef_namespaces", Do: rest.Do(s.listNamespaces),
			List: &rest.Listing{Key: "namespaces", Filters: []string{"visibility", "resource_types"}, Sorts: []string{"namespace", "created_at", "updated_at", "visibility", "owner", "protected", "display_name"}}},
		{On: "POST " + on, Rule: "add_metadef_namespace", Body: body, Status: 201, Do: rest.Do(s.createNamespace)},
		{On: "GET " + on + "/{namespace}", Rule: "get_metadef_namespace", Target: s.namespaceTarget, Do: rest.Do(s.showNamespace)},
		{On: "PUT " + on + "/{namespace}", Rule: "modify_metadef_namespace", Target: s.namespaceTarget, Body: body, Do: rest.Do(s.updateNamespace)},
		{On: "DELETE " + on + "/{namespace}", Rule: "delete_metadef_namespace", Target: s.namespaceTarget, Status: 204, Mutates: true, Do: rest.DoNothing(s.deleteNamespace)},
		{On: "GET /v2/metadefs/resource_types", Rule: "list_metadef_resource_types", Do: rest.Do(s.listResourceTypes)},
		{On: "GET " + on + "/{namespace}/resource_types", Rule: "get_metadef_resource_type", Target: s.namespaceTarget, Do: rest.Do(s.listAssociations)},
		{On: "POST " + on + "/{namespace}/resource_types", Rule: "add_metadef_resource_type_association", Target: s.namespaceTarget, Body: s.shelf.Get("metadef.resource_type_association"), Status: 201, Do: rest.Do(s.associate)},
		{On: "DELETE " + on + "/{namespace}/resource_types/{name}", Rule: "remove_metadef_resource_type_association", Target: s.namespaceTarget, Status: 204, Mutates: true, Do: rest.DoNothing(s.dissociate)},
	}
}

// namespaceTarget is the namespace in the path; one that the caller may not know of
// is not there.
func (s *service) namespaceTarget(c *rest.Call) (policy.Target, error) {
	n, err := s.g.Namespace(c.Context(), c.PathValue("namespace"))
	if err != nil {
		return nil, err
	}
	return policy.Target{"project_id": n.Owner, "visibility": n.Visibility}, nil
}

type namespaceView struct {
	Namespace    string            `wire:"namespace"`
	DisplayName  *string           `wire:"display_name,,omitempty"`
	Description  *string           `wire:"description,,omitempty"`
	Visibility   string            `wire:"visibility"`
	Protected    bool              `wire:"protected"`
	Owner        string            `wire:"owner"`
	Created      time.Time         `wire:"created_at"`
	Updated      time.Time         `wire:"updated_at"`
	Associations []associationView `wire:"resource_type_associations,,omitempty"`
	Objects      []map[string]any  `wire:"objects,,omitempty"`
	Properties   map[string]any    `wire:"properties,,omitempty"`
	Tags         []map[string]any  `wire:"tags,,omitempty"`
	Self         string            `wire:"self"`
	Schema       string            `wire:"schema"`
}

type associationView struct {
	Name             string    `wire:"name" json:"name"`
	Prefix           *string   `wire:"prefix,,omitempty" json:"prefix"`
	PropertiesTarget *string   `wire:"properties_target,,omitempty" json:"properties_target"`
	Created          time.Time `wire:"created_at" json:"-"`
	Updated          time.Time `wire:"updated_at" json:"-"`
}

func viewNamespace(n *glance.Namespace) namespaceView {
	return namespaceView{Namespace: n.Name, DisplayName: n.DisplayName, Description: n.Description, Visibility: n.Visibility, Protected: n.Protected, Owner: n.Owner,
		Created: n.CreatedAt, Updated: n.UpdatedAt, Self: "/v2/metadefs/namespaces/" + n.Name, Schema: "/v2/schemas/metadefs/namespace"}
}

func viewAssociation(a *glance.Association) associationView {
	return associationView{a.Name, a.Prefix, a.PropertiesTarget, a.CreatedAt, a.UpdatedAt}
}

func (v associationView) row() *glance.Association {
	return &glance.Association{Name: v.Name, Prefix: v.Prefix, PropertiesTarget: v.PropertiesTarget}
}

type namespaceIn struct {
	Path         string                    `path:"namespace" json:"-"`
	Namespace    string                    `json:"namespace"`
	DisplayName  *string                   `json:"display_name"`
	Description  *string                   `json:"description"`
	Visibility   *string                   `json:"visibility"`
	Protected    *bool                     `json:"protected"`
	Owner        *string                   `json:"owner"`
	Associations []associationView         `json:"resource_type_associations"`
	Objects      []map[string]any          `json:"objects"`
	Properties   map[string]map[string]any `json:"properties"`
	Tags         []map[string]any          `json:"tags"`
}

func (in namespaceIn) to(n *glance.Namespace) {
	n.Name, n.DisplayName, n.Description = in.Namespace, in.DisplayName, in.Description
	if in.Visibility != nil {
		n.Visibility = *in.Visibility
	}
	if in.Protected != nil {
		n.Protected = *in.Protected
	}
	if in.Owner != nil {
		n.Owner = *in.Owner
	}
}

func (s *service) listNamespaces(c *rest.Call, _ struct{}) (listing.Page[namespaceView], error) {
	none := listing.Page[namespaceView]{}
	q := glance.NamespaceQuery{List: c.List, ProjectID: c.Who.Project.ID, All: c.Who.Admin(), Visibility: c.List.First("visibility")}
	if v := c.List.First("resource_types"); v != "" {
		q.ResourceTypes = splitQuoted(v)
	}
	rows, err := s.g.Namespaces(c.Context(), q)
	if err != nil {
		return none, err
	}
	page := listing.Cut(rows, q.Limit)
	if page.More {
		c.NextMarker = page.Items[len(page.Items)-1].Name
	}
	of, err := s.associationsOf(c, page.Items)
	return listing.Map(page, func(n *glance.Namespace) namespaceView {
		v := viewNamespace(n)
		v.Associations = of[n.ID]
		return v
	}), err
}

func (s *service) associationsOf(c *rest.Call, ns []*glance.Namespace) (map[string][]associationView, error) {
	var ids []string
	for _, n := range ns {
		ids = append(ids, n.ID)
	}
	rows, err := s.g.Associations(c.Context(), ids)
	out := map[string][]associationView{}
	for _, a := range rows {
		out[a.NamespaceID] = append(out[a.NamespaceID], viewAssociation(a))
	}
	return out, err
}

func (s *service) createNamespace(c *rest.Call, in namespaceIn) (namespaceView, error) {
	n := &glance.NewNamespace{Namespace: glance.Namespace{Visibility: "private", Owner: c.Who.Project.ID}}
	in.to(&n.Namespace)
	for _, a := range in.Associations {
		n.Associations = append(n.Associations, a.row())
	}
	for kind, list := range map[string][]map[string]any{"object": in.Objects, "tag": in.Tags} {
		for _, body := range list {
			n.Definitions = append(n.Definitions, definitionOf(kind, body))
		}
	}
	for name, body := range in.Properties {
		body["name"] = name
		n.Definitions = append(n.Definitions, definitionOf("property", body))
	}
	if err := s.g.CreateNamespace(c.Context(), n); err != nil {
		return namespaceView{}, err
	}
	c.W.Header().Set("Location", c.Base()+"/v2/metadefs/namespaces/"+n.Name)
	return s.wholeNamespace(c, &n.Namespace)
}

// wholeNamespace is a namespace with all that is in it.
func (s *service) wholeNamespace(c *rest.Call, n *glance.Namespace) (namespaceView, error) {
	v := viewNamespace(n)
	of, err := s.associationsOf(c, []*glance.Namespace{n})
	if err != nil {
		return v, err
	}
	v.Associations = of[n.ID]
	ds, err := s.g.Defined(c.Context(), n.ID, "", "")
	for _, d := range ds {
		switch d.Kind {
		case "object":
			v.Objects = append(v.Objects, viewDefinition(n, d))
		case "tag":
			v.Tags = append(v.Tags, viewDefinition(n, d))
		case "property":
			if v.Properties == nil {
				v.Properties = map[string]any{}
			}
			v.Properties[d.Name] = d.Body
		}
	}
	return v, err
}

func (s *service) showNamespace(c *rest.Call, in namespaceIn) (namespaceView, error) {
	n, err := s.g.Namespace(c.Context(), in.Path)
	if err != nil {
		return namespaceView{}, err
	}
	return s.wholeNamespace(c, n)
}

func (s *service) updateNamespace(c *rest.Call, in namespaceIn) (namespaceView, error) {
	n, err := s.g.ChangeNamespace(c.Context(), in.Path, func(n *glance.Namespace) error { in.to(n); return nil })
	if err != nil {
		return namespaceView{}, err
	}
	return viewNamespace(n), nil
}

func (s *service) deleteNamespace(c *rest.Call, in namespaceIn) error {
	return s.g.RemoveNamespace(c.Context(), in.Path)
}

func (s *service) listResourceTypes(c *rest.Call, _ struct{}) (any, error) {
	ts, err := s.g.ResourceTypes(c.Context())
	out := []any{}
	for _, t := range ts {
		out = append(out, map[string]any{"name": t.Name, "created_at": t.CreatedAt, "updated_at": t.UpdatedAt})
	}
	return map[string]any{"resource_types": out}, err
}

func (s *service) listAssociations(c *rest.Call, in namespaceIn) (any, error) {
	n, err := s.g.Namespace(c.Context(), in.Path)
	if err != nil {
		return nil, err
	}
	of, err := s.associationsOf(c, []*glance.Namespace{n})
	return map[string][]associationView{"resource_type_associations": of[n.ID]}, err
}

func (s *service) associate(c *rest.Call, in struct {
	Path string `path:"namespace" json:"-"`
	associationView
}) (associationView, error) {
	a := in.row()
	if err := s.g.Associate(c.Context(), in.Path, a); err != nil {
		return associationView{}, err
	}
	return viewAssociation(a), nil
}

func (s *service) dissociate(c *rest.Call, in struct {
	Path string `path:"namespace"`
	Name string `path:"name"`
}) error {
	return s.g.Dissociate(c.Context(), in.Path, in.Name)
}

// metadefSchema is the schema of one thing, or of a list of them when it goes by
// another name.
func metadefSchema(one, name string) (any, error) {
	single := one
	if one == "resource_type" {
		single = "resource_type_association"
	}
	b, err := metadefFiles.ReadFile("schema/metadefs/metadef.json")
	if err != nil {
		return nil, err
	}
	var all map[string]map[string]any
	if err := json.Unmarshal(b, &all); err != nil {
		return nil, err
	}
	doc := all[single]
	if single == "property" {
		doc = map[string]any{"name": "property", "required": []string{"name", "title", "type"}, "properties": all["body"]["properties"], "additionalProperties": false}
	}
	doc["definitions"] = map[string]any{"body": all["body"]}
	if name == one {
		return doc, nil
	}
	return listSchema(name, single, doc), nil
}

func listSchema(name, single string, item map[string]any) any {
	text := map[string]any{"type": "string"}
	items := any(map[string]any{"type": "array", "items": item})
	switch {
	case single == "resource_type_association":
		name = "resource_type_associations"
	case single == "property":
		items = map[string]any{"type": "object", "additionalProperties": item}
	}
	return map[string]any{"name": name, "properties": map[string]any{name: items, "first": text, "next": text, "schema": text},
		"links": []any{map[string]any{"rel": "first", "href": "{first}"}, map[string]any{"rel": "next", "href": "{next}"}, map[string]any{"rel": "describedby", "href": "{schema}"}}}
}
