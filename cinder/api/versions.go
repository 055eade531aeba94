package api

import (
	"net/http"

	"stackd/internal/rest"
)

type version struct {
	ID      string  `wire:"id"`
	Status  string  `wire:"status"`
	Version string  `wire:"version"`
	Min     string  `wire:"min_version"`
	Updated string  `wire:"updated"`
	Links   []any   `wire:"links"`
	Media   []media `wire:"media-types"`
}

type media struct {
	Base string `wire:"base"`
	Type string `wire:"type"`
}

func (s *service) versions() []rest.Route {
	doc := func(c *rest.Call, _ struct{}) (any, error) {
		return map[string]any{"versions": []version{{ID: "v3.0", Status: "CURRENT", Version: Versions.Max.String(), Min: Versions.Min.String(), Updated: "2023-08-31T00:00:00Z",
			Links: []any{map[string]string{"rel": "describedby", "type": "text/html", "href": "https://docs.openstack.org/"}, link{"self", c.Base() + "/v3/"}},
			Media: []media{{"application/json", "application/vnd.openstack.volume+json;version=3"}}}}}, nil
	}
	return []rest.Route{
		{On: "GET /", Open: true, Status: http.StatusMultipleChoices, Do: rest.Do(doc)},
		{On: "GET /v3", Asks: "any token may see what this version is", Do: rest.Do(doc)},
		{On: "GET /v3/extensions", Asks: "any token may list what there is", Do: rest.Do(s.extensions)},
		{On: "GET /v3/extensions/{id}", Asks: "any token may list what there is", Do: rest.Do(s.extension)},
	}
}
