package api

import (
	"stackd/internal/listing"
	"stackd/internal/rest"
	"stackd/keystone"
)

func (a *API) accessRuleRows() []rest.Route {
	on := "/v3/users/{id}/access_rules"
	return []rest.Route{
		{On: "GET " + on, Rule: "identity:list_access_rules", Target: a.userTarget, List: list("access_rules", "service", "path", "method"), Do: rest.Do(a.listAccessRules)},
		{On: "GET " + on + "/{cred}", Rule: "identity:get_access_rule", Target: a.userTarget, Do: rest.Do(a.showAccessRule)},
		{On: "DELETE " + on + "/{cred}", Rule: "identity:delete_access_rule", Target: a.userTarget, Status: 204, Mutates: true, Do: rest.DoNothing(a.deleteAccessRule)},
	}
}

type accessRuleView struct {
	ID      string `wire:"id"`
	Service string `wire:"service"`
	Path    string `wire:"path"`
	Method  string `wire:"method"`
}

type accessRule struct {
	accessRuleView
	Links self `wire:"links"`
}

func accessRules(rs []*keystone.AccessRule) []accessRuleView {
	var out []accessRuleView
	for _, r := range rs {
		out = append(out, accessRuleView{r.ID, r.Service, r.Path, r.Method})
	}
	return out
}

func accessRuleOf(c *rest.Call, r *keystone.AccessRule) accessRule {
	return accessRule{accessRuleView{r.ID, r.Service, r.Path, r.Method}, link(c, "users/"+r.UserID+"/access_rules", r.ID)}
}

func (a *API) listAccessRules(c *rest.Call, in idIn) (listing.Page[accessRule], error) {
	c.List.Where["user_id"] = []string{in.ID}
	page, err := a.id.AccessRules(c.Context(), c.List)
	return listing.Map(page, func(r *keystone.AccessRule) accessRule { return accessRuleOf(c, r) }), err
}

func (a *API) showAccessRule(c *rest.Call, in credIn) (any, error) {
	r, err := a.id.AccessRule(c.Context(), in.ID, in.Cred)
	if err != nil {
		return nil, err
	}
	return map[string]any{"access_rule": accessRuleOf(c, r)}, nil
}

func (a *API) deleteAccessRule(c *rest.Call, in credIn) error {
	return a.id.DeleteAccessRule(c.Context(), in.ID, in.Cred)
}
