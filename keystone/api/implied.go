package api

import (
	"slices"
	"strings"

	"stackd/internal/rest"
	"stackd/keystone"
)

func (a *API) impliedRows() []rest.Route {
	return []rest.Route{
		{On: "GET /v3/roles/{id}/implies", Rule: "identity:list_implied_roles", Target: nobody, Do: rest.Do(a.listImplied)},
		{On: "GET /v3/roles/{id}/implies/{implied}", Rule: "identity:get_implied_role", Target: nobody, Do: rest.Do(a.showImplied)},
		{On: "HEAD /v3/roles/{id}/implies/{implied}", Rule: "identity:check_implied_role", Target: nobody, Status: 204, Do: rest.DoNothing(a.checkImplied)},
		{On: "PUT /v3/roles/{id}/implies/{implied}", Rule: "identity:create_implied_role", Target: nobody, Status: 201, Mutates: true, Do: rest.Do(a.imply)},
		{On: "DELETE /v3/roles/{id}/implies/{implied}", Rule: "identity:delete_implied_role", Target: nobody, Status: 204, Mutates: true, Do: rest.DoNothing(a.unimply)},
		{On: "GET /v3/role_inferences", Rule: "identity:list_role_inference_rules", Target: nobody, Do: rest.Do(a.inferences)},
	}
}

type impliedIn struct {
	ID      string `path:"id"`
	Implied string `path:"implied"`
}

type roleRef struct {
	ID          string  `wire:"id"`
	Name        string  `wire:"name"`
	Description *string `wire:"description"`
	Links       self    `wire:"links"`
}

func roleRefOf(c *rest.Call, r *keystone.Role) roleRef {
	return roleRef{r.ID, r.Name, r.Description, link(c, "roles", r.ID)}
}

func inference(c *rest.Call, p, q *keystone.Role) any {
	return map[string]any{"role_inference": map[string]any{"prior_role": roleRefOf(c, p), "implies": roleRefOf(c, q)},
		"links": link(c, "roles", p.ID+"/implies/"+q.ID)}
}

func (a *API) showImplied(c *rest.Call, in impliedIn) (any, error) {
	p, q, err := a.id.Implication(c.Context(), in.ID, in.Implied)
	if err != nil {
		return nil, err
	}
	return inference(c, p, q), nil
}

func (a *API) checkImplied(c *rest.Call, in impliedIn) error {
	_, _, err := a.id.Implication(c.Context(), in.ID, in.Implied)
	return err
}

func (a *API) imply(c *rest.Call, in impliedIn) (any, error) {
	p, q, err := a.id.Imply(c.Context(), in.ID, in.Implied)
	if err != nil {
		return nil, err
	}
	return inference(c, p, q), nil
}

func (a *API) unimply(c *rest.Call, in impliedIn) error {
	return a.id.Unimply(c.Context(), in.ID, in.Implied)
}

func refs(c *rest.Call, rs []*keystone.Role) []roleRef {
	out := []roleRef{}
	for _, r := range rs {
		out = append(out, roleRefOf(c, r))
	}
	return out
}

func (a *API) listImplied(c *rest.Call, in idIn) (any, error) {
	p, err := a.id.Role(c.Context(), in.ID)
	if err != nil {
		return nil, err
	}
	rules, err := a.id.Implications(c.Context(), in.ID)
	implied := []roleRef{}
	for _, qs := range rules {
		implied = refs(c, qs)
	}
	return map[string]any{"role_inference": map[string]any{"prior_role": roleRefOf(c, p), "implies": implied}, "links": link(c, "roles", p.ID+"/implies")}, err
}

func (a *API) inferences(c *rest.Call, _ struct{}) (any, error) {
	rules, err := a.id.Implications(c.Context(), "")
	var priors []*keystone.Role
	for p := range rules {
		priors = append(priors, p)
	}
	slices.SortFunc(priors, func(x, y *keystone.Role) int { return strings.Compare(x.Name+x.ID, y.Name+y.ID) })
	out := []any{}
	for _, p := range priors {
		out = append(out, map[string]any{"prior_role": roleRefOf(c, p), "implies": refs(c, rules[p])})
	}
	return map[string]any{"role_inferences": out, "links": links(c, "")["links"]}, err
}
