package api

import (
	"embed"
	"encoding/json"

	"stackd/glance"
	"stackd/internal/rest"
)

func (s *service) infos() []rest.Route {
	return []rest.Route{
		{On: "GET /v2/info/stores", Asks: "any token", Do: rest.Do(s.stores)},
		{On: "GET /v2/info/stores/detail", Rule: "stores_info_detail", Do: rest.Do(s.storesDetail)},
		{On: "GET /v2/info/import", Asks: "any token", Do: rest.Do(s.importInfo)},
		{On: "GET /v2/info/usage", Asks: "any token, of its own project", Do: rest.Do(s.usage)},
	}
}

type storeView struct {
	ID          string         `wire:"id"`
	Description string         `wire:"description,,omitempty"`
	Default     string         `wire:"default,,omitempty"`
	ReadOnly    string         `wire:"read-only,,omitempty"`
	Type        string         `wire:"type,,omitempty"`
	Weight      *int           `wire:"weight,,omitempty"`
	Properties  map[string]any `wire:"properties,,omitempty"`
}

func (s *service) viewStore(p *glance.Place) storeView {
	v := storeView{ID: p.ID, Description: p.Description}
	if p.ID == s.g.Default() {
		v.Default = "true"
	}
	if p.ReadOnly() {
		v.ReadOnly = "true"
	}
	return v
}

func (s *service) stores(*rest.Call, struct{}) (map[string][]storeView, error) {
	out := []storeView{}
	for _, p := range s.g.Places() {
		out = append(out, s.viewStore(p))
	}
	return map[string][]storeView{"stores": out}, nil
}

func (s *service) storesDetail(*rest.Call, struct{}) (map[string][]storeView, error) {
	out := []storeView{}
	for _, p := range s.g.Places() {
		v := s.viewStore(p)
		v.Type, v.Weight, v.Properties = p.Type, &p.Weight, p.Properties
		out = append(out, v)
	}
	return map[string][]storeView{"stores": out}, nil
}

func (s *service) importInfo(*rest.Call, struct{}) (any, error) {
	return map[string]any{"import-methods": map[string]any{"description": "Import methods available.", "type": "array", "value": s.g.Settings().ImportMethods}}, nil
}

type quotaView struct {
	Usage int64 `wire:"usage"`
	Limit int64 `wire:"limit"`
}

func (s *service) usage(c *rest.Call, _ struct{}) (map[string]map[string]quotaView, error) {
	quotas, err := s.g.Quotas(c.Context(), c.Who.Project.ID)
	out := map[string]quotaView{}
	for name, q := range quotas {
		out[name] = quotaView{q.Usage, q.Limit}
	}
	return map[string]map[string]quotaView{"usage": out}, err
}

//go:embed schema/*.json
var files embed.FS

// shown are the schemas that clients may read, besides those of definitions.
var shown = []string{"image", "images", "member", "members", "task", "tasks"}

func (s *service) schemas() []rest.Route {
	var rows []rest.Route
	for _, name := range shown {
		rows = append(rows, rest.Route{On: "GET /v2/schemas/" + name, Asks: "any token", Do: rest.Do(func(*rest.Call, struct{}) (any, error) {
			b, err := files.ReadFile("schema/" + name + ".json")
			return json.RawMessage(b), err
		})})
	}
	for _, one := range []string{"namespace", "object", "property", "tag", "resource_type"} {
		for _, name := range []string{one, plural(one)} {
			rows = append(rows, rest.Route{On: "GET /v2/schemas/metadefs/" + name, Asks: "any token",
				Do: rest.Do(func(*rest.Call, struct{}) (any, error) { return metadefSchema(one, name) })})
		}
	}
	return rows
}

func plural(one string) string {
	if one == "property" {
		return "properties"
	}
	return one + "s"
}
