package api

import "stackd/internal/rest"

func versionRows() []rest.Route {
	return []rest.Route{
		{On: "GET /", Open: true, Status: 300, Do: rest.Do(root)},
		{On: "GET /v3", Open: true, Do: rest.Do(v3)},
	}
}

func version(c *rest.Call) map[string]any {
	return map[string]any{"id": "v3.14", "status": "stable", "updated": "2020-04-07T00:00:00Z",
		"links":       []any{map[string]any{"rel": "self", "href": c.Base() + "/v3/"}},
		"media-types": []any{map[string]any{"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}}}
}

func root(c *rest.Call, _ struct{}) (any, error) {
	if wantsHome(c) {
		return jsonHome(c, "/v3"), nil
	}
	c.W.Header().Set("Location", c.Base()+"/v3/")
	return map[string]any{"versions": map[string]any{"values": []any{version(c)}}}, nil
}

func v3(c *rest.Call, _ struct{}) (any, error) {
	if wantsHome(c) {
		return jsonHome(c, ""), nil
	}
	return map[string]any{"version": version(c)}, nil
}
