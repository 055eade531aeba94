package api

import (
	"stackd/internal/fault"
	"stackd/internal/rest"
	"stackd/keystone"
)

// family is a project with the branches of its tree that were asked for.
type family struct {
	project
	Parents any `wire:"parents,,omitempty"`
	Subtree any `wire:"subtree,,omitempty"`
}

// withFamily answers parents_as_list, subtree_as_list (those that the caller has a
// role on) and parents_as_ids, subtree_as_ids.
func (a *API) withFamily(c *rest.Call, p *keystone.Project) (any, error) {
	q, f := c.URL.Query(), family{project: projectOf(c, p)}
	for _, kin := range []string{"parents", "subtree"} {
		if q.Has(kin+"_as_list") && q.Has(kin+"_as_ids") {
			return nil, fault.New(fault.Invalid, "Cannot use %s_as_list and %s_as_ids query params at the same time.", kin, kin)
		}
	}
	var err error
	if q.Has("parents_as_list") || q.Has("parents_as_ids") {
		if f.Parents, err = a.parents(c, p, q.Has("parents_as_ids")); err != nil {
			return nil, err
		}
	}
	if q.Has("subtree_as_list") || q.Has("subtree_as_ids") {
		if f.Subtree, err = a.subtree(c, p, q.Has("subtree_as_ids")); err != nil {
			return nil, err
		}
	}
	if f.Parents == nil && f.Subtree == nil {
		return projectOut{f.project}, nil
	}
	return projectOut{f}, nil
}

func (a *API) parents(c *rest.Call, p *keystone.Project, ids bool) (any, error) {
	line, err := a.id.Ancestors(c.Context(), p.ID)
	if err != nil || len(line) == 0 {
		return nil, err
	}
	above := line[1:]
	if ids {
		var m any
		for n := len(above) - 1; n >= 0; n-- {
			m = map[string]any{above[n].ID: m}
		}
		return m, nil
	}
	mine, err := a.mine(c)
	l := []any{}
	for _, q := range above {
		if !q.IsDomain && mine[q.ID] {
			l = append(l, projectOut{projectOf(c, q)})
		}
	}
	return l, err
}

func (a *API) subtree(c *rest.Call, p *keystone.Project, ids bool) (any, error) {
	all, err := a.id.Below(c.Context(), p.ID)
	if err != nil {
		return nil, err
	}
	if ids {
		return tree(p.ID, all), nil
	}
	mine, err := a.mine(c)
	l := []any{}
	for _, q := range all {
		if mine[q.ID] {
			l = append(l, projectOut{projectOf(c, q)})
		}
	}
	return l, err
}

// tree is the ids below one, nested; nil where there are none.
func tree(id string, all []*keystone.Project) any {
	m := map[string]any{}
	for _, p := range all {
		if p.ParentID == id {
			m[p.ID] = tree(p.ID, all)
		}
	}
	if len(m) == 0 {
		return nil
	}
	return m
}

func (a *API) mine(c *rest.Call) (map[string]bool, error) {
	ids, err := a.id.Scopes(c.Context(), c.Who.User.ID, "project")
	m := map[string]bool{}
	for _, id := range ids {
		m[id] = true
	}
	return m, err
}
