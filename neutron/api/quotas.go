package api

import (
	"context"
	"net/http"
	"slices"

	"stackd/internal/policy"
	"stackd/internal/rest"
	"stackd/neutron"
)

func (a *API) retarget(ctx context.Context, id string, s neutron.RBACSpec) (*neutron.RBACPolicy, error) {
	return a.n.RetargetRBACPolicy(ctx, id, s.Target)
}

type projectItem struct {
	Project string `path:"project"`
}

func (a *API) quotaRoutes() []rest.Route {
	ofProject := func(c *rest.Call) (policy.Target, error) {
		return policy.Target{"project_id": c.PathValue("project"), "tenant_id": c.PathValue("project")}, nil
	}
	nobody := func(*rest.Call) (policy.Target, error) { return policy.Target{}, nil }
	return []rest.Route{
		{On: "GET /v2.0/quotas", Rule: "get_quota", Target: nobody, Do: rest.Do(a.listQuotas)},
		{On: "GET /v2.0/quotas/{project}", Rule: "get_quota", Target: ofProject, Do: rest.Do(a.showQuota)},
		{On: "GET /v2.0/quotas/{project}/default", Rule: "get_quota", Target: ofProject, Do: rest.Do(a.defaultQuota)},
		{On: "GET /v2.0/quotas/{project}/details.json", Rule: "get_quota", Target: ofProject, Do: rest.Do(a.quotaDetails)},
		{On: "GET /v2.0/quotas/{project}/details", Rule: "get_quota", Target: ofProject, Do: rest.Do(a.quotaDetails)},
		{On: "PUT /v2.0/quotas/{project}", Rule: "update_quota", Target: ofProject, Mutates: true, Do: rest.Do(a.updateQuota)},
		{On: "DELETE /v2.0/quotas/{project}", Rule: "delete_quota", Target: ofProject, Mutates: true, Status: http.StatusNoContent, Do: rest.DoNothing(a.deleteQuota)},
	}
}

func (a *API) listQuotas(c *rest.Call, _ none) (any, error) {
	all, err := a.n.Quotas(c.Context())
	out := []any{}
	for project, q := range all {
		m := map[string]any{"project_id": project, "tenant_id": project}
		for r, l := range q {
			m[r] = l
		}
		out = append(out, m)
	}
	return map[string]any{"quotas": out}, err
}

func (a *API) showQuota(c *rest.Call, in projectItem) (any, error) {
	q, err := a.n.Quota(c.Context(), in.Project)
	return map[string]any{"quota": q}, err
}

func (a *API) defaultQuota(*rest.Call, projectItem) (any, error) {
	return map[string]any{"quota": a.n.Defaults()}, nil
}

type usageView struct {
	Limit    int `wire:"limit"`
	Used     int `wire:"used"`
	Reserved int `wire:"reserved"`
}

func (a *API) quotaDetails(c *rest.Call, in projectItem) (any, error) {
	u, err := a.n.Usage(c.Context(), in.Project)
	out := map[string]usageView{}
	for r, x := range u {
		out[r] = usageView{Limit: x.Limit, Used: x.Used}
	}
	return map[string]any{"quota": out}, err
}

func (a *API) updateQuota(c *rest.Call, in projectItem) (any, error) {
	m, err := values(c.Body())
	if err != nil {
		return nil, err
	}
	q, ok := m["quota"].(map[string]any)
	if !ok {
		return nil, badRequest("Unable to find 'quota' in request body")
	}
	limits := map[string]int{}
	check := false
	for r, v := range q {
		if r == "tenant_id" || r == "project_id" || r == "force" {
			continue
		}
		if r == "check_limit" {
			check, _ = boolean(v)
			continue
		}
		if !slices.Contains(neutron.Resources, r) {
			return nil, badRequest("Unrecognized attribute(s) '%s'", r)
		}
		l, reason := between(-1, 1<<31-1)(v)
		if reason != "" {
			return nil, badRequest("Invalid input for %s. Reason: %s.", r, reason)
		}
		limits[r] = l
	}
	if err := a.n.SetQuota(c.Context(), in.Project, limits, check); err != nil {
		return nil, err
	}
	return a.showQuota(c, in)
}

func (a *API) deleteQuota(c *rest.Call, in projectItem) error {
	return a.n.ResetQuota(c.Context(), in.Project)
}
