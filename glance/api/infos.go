package api

import (
	"embed"
	"encoding/json"

	"stackd/internal/fault"
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

func (s *service) schemas() []rest.Route {
	return []rest.Route{{On: "GET /v2/schemas/{id}", Asks: "any token", Do: rest.Do(s.schema)}}
}

func (s *service) schema(_ *rest.Call, in byID) (json.RawMessage, error) {
	b, err := files.ReadFile("schema/" + in.ID + ".json")
	if err != nil {
		return nil, fault.New(fault.NotFound, "The resource could not be found.")
	}
	return b, nil
}
