package api

import "stackd/internal/rest"

type versionView struct {
	ID     string `wire:"id"`
	Status string `wire:"status"`
	Links  []link `wire:"links"`
}

type link struct {
	Rel  string `wire:"rel"`
	Href string `wire:"href"`
}

// released are the versions of the API, the newest first.
var released = []string{"v2.17", "v2.16", "v2.15", "v2.14", "v2.13", "v2.12", "v2.11", "v2.10", "v2.9", "v2.8", "v2.7", "v2.6", "v2.5", "v2.4", "v2.3", "v2.2", "v2.1", "v2.0"}

func (s *service) versions() []rest.Route {
	return []rest.Route{
		{On: "GET /", Open: true, Status: 300, Do: rest.Do(s.listVersions)},
		{On: "GET /versions", Open: true, Do: rest.Do(s.listVersions)},
	}
}

func (s *service) listVersions(c *rest.Call, _ struct{}) (map[string][]versionView, error) {
	var out []versionView
	for i, v := range released {
		status := "SUPPORTED"
		if i == 0 {
			status = "CURRENT"
		}
		out = append(out, versionView{v, status, []link{{"self", c.Base() + "/v2/"}}})
	}
	return map[string][]versionView{"versions": out}, nil
}
