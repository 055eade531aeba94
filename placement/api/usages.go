package api

import (
	"stackd/internal/fault"
	"stackd/internal/policy"
	"stackd/internal/rest"
)

func (s *service) usages() []rest.Route {
	project := func(c *rest.Call) (policy.Target, error) {
		return policy.Target{"project_id": c.URL.Query().Get("project_id")}, nil
	}
	return []rest.Route{
		{On: "GET /resource_providers/{id}/usages", Rule: "placement:resource_providers:usages", Do: rest.Do(s.providerUsages)},
		{On: "GET /usages", Since: rest.V(1, 9), Rule: "placement:usages", Target: project, Do: rest.Do(s.projectUsages)},
	}
}

func (s *service) providerUsages(c *rest.Call, in byID) (any, error) {
	p, err := s.p.Provider(c.Context(), in.ID)
	if err != nil {
		return nil, err
	}
	rows, err := s.p.Inventories(c.Context(), in.ID)
	if err != nil {
		return nil, err
	}
	used, err := s.p.Usages(c.Context(), in.ID)
	out := map[string]int64{}
	for _, i := range rows {
		out[i.Class] = used[in.ID][i.Class]
	}
	fresh(c, s.p.Now())
	return map[string]any{"resource_provider_generation": p.Generation, "usages": out}, err
}

// projectUsages adds up by resource class, and since 1.38 by the consumers' type first.
func (s *service) projectUsages(c *rest.Call, in struct {
	Project string `query:"project_id"`
	User    string `query:"user_id"`
	Type    string `query:"consumer_type"`
}) (any, error) {
	if in.Project == "" {
		return nil, fault.New(fault.Invalid, "Invalid query string parameters: 'project_id' is a required property")
	}
	kind := in.Type
	if kind == "all" || !c.From(1, 38) {
		kind = ""
	}
	consumers, err := s.p.ConsumersLike(c.Context(), in.Project, in.User, kind)
	if err != nil {
		return nil, err
	}
	types := map[string]string{}
	var ids []string
	by := map[string]map[string]int64{}
	add := func(t, class string, n int64) {
		if by[t] == nil {
			by[t] = map[string]int64{}
		}
		by[t][class] += n
	}
	for _, x := range consumers {
		t := x.Type
		if in.Type == "all" || !c.From(1, 38) {
			t = "all"
		}
		types[x.ID], ids = t, append(ids, x.ID)
		if c.From(1, 38) {
			add(t, "consumer_count", 1)
		}
	}
	rows, err := s.p.AllocationsOf(c.Context(), ids...)
	for _, a := range rows {
		add(types[a.ConsumerID], a.Class, a.Used)
	}
	fresh(c, s.p.Now())
	if c.From(1, 38) {
		return map[string]any{"usages": by}, err
	}
	return map[string]any{"usages": by["all"]}, err
}
