package api

import (
	"stackd/glance"
	"stackd/internal/rest"
)

// definitions are the rows of objects, properties and tags, which differ in how
// they are shown and little else.
func (s *service) definitions() []rest.Route {
	var rows []rest.Route
	for _, d := range []defs{{s, "object", "objects"}, {s, "property", "properties"}, {s, "tag", "tags"}} {
		on := "/v2/metadefs/namespaces/{namespace}/" + d.plural
		get, list := "get_metadef_"+d.kind, "get_metadef_"+d.plural
		drop := map[string]string{"object": "delete_metadef_object", "property": "remove_metadef_property", "tag": "delete_metadef_tag"}[d.kind]
		body := s.shelf.Get("metadef." + d.kind)
		rows = append(rows,
			rest.Route{On: "GET " + on, Rule: list, Target: s.namespaceTarget, Do: rest.Do(d.list)},
			rest.Route{On: "GET " + on + "/{name}", Rule: get, Target: s.namespaceTarget, Do: rest.Do(d.show)},
			rest.Route{On: "PUT " + on + "/{name}", Rule: "modify_metadef_" + d.kind, Target: s.namespaceTarget, Body: body, Do: rest.Do(d.update)},
			rest.Route{On: "DELETE " + on + "/{name}", Rule: drop, Target: s.namespaceTarget, Status: 204, Mutates: true, Do: rest.DoNothing(d.drop)})
		if d.kind != "tag" {
			rows = append(rows, rest.Route{On: "POST " + on, Rule: "add_metadef_" + d.kind, Target: s.namespaceTarget, Body: body, Status: 201, Do: rest.Do(d.create)})
			continue
		}
		rows = append(rows,
			rest.Route{On: "POST " + on, Rule: "add_metadef_tags", Target: s.namespaceTarget, Body: s.shelf.Get("metadef.tags"), Status: 201, Do: rest.Do(d.createTags)},
			rest.Route{On: "POST " + on + "/{name}", Rule: "add_metadef_tag", Target: s.namespaceTarget, Status: 201, Mutates: true, Do: rest.Do(d.createTag)},
			rest.Route{On: "DELETE " + on, Rule: "delete_metadef_tags", Target: s.namespaceTarget, Status: 204, Mutates: true, Do: rest.DoNothing(d.dropAll)})
	}
	return rows
}

// defs are the rows of one kind of definition.
type defs struct {
	*service
	kind, plural string
}

type defPath struct {
	Namespace string `path:"namespace"`
	Name      string `path:"name"`
}

// definitionOf is a definition as its body says; what is read only is left out.
func definitionOf(kind string, body map[string]any) *glance.Definition {
	name, _ := body["name"].(string)
	for _, k := range []string{"name", "created_at", "updated_at", "self", "schema"} {
		delete(body, k)
	}
	return &glance.Definition{Kind: kind, Name: name, Body: body}
}

func viewDefinition(n *glance.Namespace, d *glance.Definition) map[string]any {
	m := map[string]any{"name": d.Name}
	for k, v := range d.Body {
		m[k] = v
	}
	if d.Kind == "property" {
		return m
	}
	m["created_at"], m["updated_at"] = d.CreatedAt, d.UpdatedAt
	if d.Kind == "object" {
		m["self"], m["schema"] = "/v2/metadefs/namespaces/"+n.Name+"/objects/"+d.Name, "/v2/schemas/metadefs/object"
		if m["required"] == nil {
			m["required"] = []string{}
		}
		if m["properties"] == nil {
			m["properties"] = map[string]any{}
		}
	}
	return m
}

func (d defs) list(c *rest.Call, in defPath) (any, error) {
	n, err := d.g.Namespace(c.Context(), in.Namespace)
	if err != nil {
		return nil, err
	}
	rows, err := d.g.Defined(c.Context(), n.ID, d.kind, "")
	if d.kind == "property" {
		m := map[string]any{}
		for _, x := range rows {
			m[x.Name] = viewDefinition(n, x)
		}
		return map[string]any{"properties": m}, err
	}
	out := []any{}
	for _, x := range rows {
		out = append(out, viewDefinition(n, x))
	}
	return map[string]any{d.plural: out, "first": c.URL.RequestURI(), "schema": "/v2/schemas/metadefs/" + d.plural}, err
}

// one shows what is kept now.
func (d defs) one(c *rest.Call, namespace, name string) (any, error) {
	n, err := d.g.Namespace(c.Context(), namespace)
	if err != nil {
		return nil, err
	}
	x, err := d.g.Definition(c.Context(), n, d.kind, name)
	if err != nil {
		return nil, err
	}
	return viewDefinition(n, x), nil
}

func (d defs) show(c *rest.Call, in defPath) (any, error) { return d.one(c, in.Namespace, in.Name) }

func (d defs) create(c *rest.Call, in defPath) (any, error) {
	body := map[string]any{}
	if err := c.Read(&body); err != nil {
		return nil, err
	}
	x := definitionOf(d.kind, body)
	if err := d.g.Define(c.Context(), in.Namespace, x); err != nil {
		return nil, err
	}
	c.W.Header().Set("Location", c.Base()+c.URL.Path+"/"+x.Name)
	return d.one(c, in.Namespace, x.Name)
}

func (d defs) update(c *rest.Call, in defPath) (any, error) {
	body := map[string]any{}
	if err := c.Read(&body); err != nil {
		return nil, err
	}
	x := definitionOf(d.kind, body)
	if err := d.g.Redefine(c.Context(), in.Namespace, in.Name, x); err != nil {
		return nil, err
	}
	return d.one(c, in.Namespace, x.Name)
}

func (d defs) drop(c *rest.Call, in defPath) error {
	return d.g.Undefine(c.Context(), in.Namespace, d.kind, in.Name)
}

func (d defs) dropAll(c *rest.Call, in defPath) error {
	return d.g.Undefine(c.Context(), in.Namespace, d.kind, "")
}

func (d defs) createTag(c *rest.Call, in defPath) (any, error) {
	if err := d.g.Define(c.Context(), in.Namespace, &glance.Definition{Kind: d.kind, Name: in.Name, Body: map[string]any{}}); err != nil {
		return nil, err
	}
	return d.one(c, in.Namespace, in.Name)
}

// createTags: the tags stand in the place of all, or with X-Openstack-Append beside them.
func (d defs) createTags(c *rest.Call, in struct {
	Namespace string           `path:"namespace"`
	Tags      []map[string]any `json:"tags"`
}) (any, error) {
	var xs []*glance.Definition
	names := []any{}
	for _, body := range in.Tags {
		x := definitionOf(d.kind, body)
		xs, names = append(xs, x), append(names, map[string]any{"name": x.Name})
	}
	beside, _ := rest.Bool(c.Header.Get("X-Openstack-Append"))
	err := d.g.DefineAll(c.Context(), in.Namespace, d.kind, beside, xs)
	return map[string]any{"tags": names}, err
}
