package api

import (
	"embed"
	"encoding/json"

	"stackd/internal/listing"
	"stackd/internal/rest"
)

func (s *service) infos() []rest.Route {
	return []rest.Route{
		{On: "GET /v2/info/stores", Asks: "any token", Do: rest.Do(s.stores)},
		{On: "GET /v2/info/stores/detail", Rule: "stores_info_detail", Do: rest.Do(s.storesDetail)},
		{On: "GET /v2/info/import", Asks: "any token", Do: rest.Do(s.importInfo)},
		{On: "GET /v2/tasks", Rule: "tasks_api_access", Do: rest.Do(s.tasks), List: &rest.Listing{Key: "tasks"}},
	}
}

type storeView struct {
	ID         string         `wire:"id"`
	Default    bool           `wire:"default"`
	Type       string         `wire:"type,,omitempty"`
	Properties map[string]any `wire:"properties,,omitempty"`
}

func (s *service) stores(*rest.Call, struct{}) (map[string][]storeView, error) {
	return map[string][]storeView{"stores": {{ID: "file", Default: true}}}, nil
}

func (s *service) storesDetail(*rest.Call, struct{}) (map[string][]storeView, error) {
	return map[string][]storeView{"stores": {{ID: "file", Default: true, Type: "file", Properties: map[string]any{"chunk_size": 1 << 20}}}}, nil
}

func (s *service) importInfo(*rest.Call, struct{}) (any, error) {
	return map[string]any{"import-methods": map[string]any{"description": "Import methods available.", "type": "array", "value": methods}}, nil
}

// tasks: nothing here runs as a task, so there never are any.
func (s *service) tasks(*rest.Call, struct{}) (listing.Page[struct{}], error) {
	return listing.Page[struct{}]{}, nil
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
