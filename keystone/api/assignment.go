package api

import (
	"stackd/internal/policy"
	"stackd/internal/rest"
	"stackd/keystone"
)

func (a *API) assignmentRows() []rest.Route {
	return []rest.Route{
		{On: "GET /v3/role_assignments", Asks: "identity:list_role_assignments, or _for_tree with include_subtree", Do: rest.Do(a.listAssignments)},
	}
}

// flag is a query parameter that is on when it is there and not "0" or "false".
func flag(c *rest.Call, name string) bool {
	if !c.URL.Query().Has(name) {
		return false
	}
	on, known := rest.Bool(c.URL.Query().Get(name))
	return on || !known
}

func (a *API) listAssignments(c *rest.Call, _ struct{}) (any, error) {
	q := c.URL.Query()
	f := keystone.AssignmentFilter{UserID: q.Get("user.id"), GroupID: q.Get("group.id"), RoleID: q.Get("role.id"),
		ProjectID: q.Get("scope.project.id"), DomainID: q.Get("scope.domain.id"), System: q.Get("scope.system") != "",
		Inherited: q.Has("scope.OS-INHERIT:inherited_to"), Effective: flag(c, "effective"), Subtree: flag(c, "include_subtree")}
	if err := a.mayListAssignments(c, f); err != nil {
		return nil, err
	}
	gs, err := a.id.RoleAssignments(c.Context(), f)
	if err != nil {
		return nil, err
	}
	names, err := a.id.NamesOf(c.Context(), gs)
	if err != nil {
		return nil, err
	}
	out, full := []any{}, flag(c, "include_names")
	for _, g := range gs {
		if d := c.Who.Domain.ID; d == "" || homeOf(g, names) == d {
			out = append(out, grantView(c, g, names, full))
		}
	}
	return map[string]any{"role_assignments": out, "links": links(c, "")["links"]}, nil
}

func (a *API) mayListAssignments(c *rest.Call, f keystone.AssignmentFilter) error {
	t := policy.Target{"target.domain_id": c.Who.Domain.ID}
	if !f.Subtree {
		return c.Require("identity:list_role_assignments", t)
	}
	if f.ProjectID == "" {
		return expecting("scope.project.id", "query")
	}
	p, err := seen(a.id.Project(c.Context(), f.ProjectID))
	if err != nil {
		return err
	}
	if p != nil {
		t["target.domain_id"] = p.DomainID
	}
	return c.Require("identity:list_role_assignments_for_tree", t)
}

// homeOf is the domain of what the role is given on.
func homeOf(g keystone.Grant, n keystone.Names) string {
	if g.TargetKind == "domain" {
		return g.TargetID
	}
	if p := n.Projects[g.TargetID]; p != nil {
		return p.DomainID
	}
	return ""
}

func grantView(c *rest.Call, g keystone.Grant, n keystone.Names, full bool) any {
	scope := map[string]any{}
	switch g.TargetKind {
	case "system":
		scope["system"] = map[string]any{"all": true}
	default:
		scope[g.TargetKind] = projectName(g.TargetID, n, full)
	}
	if g.Inherited || g.Made.Inherited {
		scope["OS-INHERIT:inherited_to"] = "projects"
	}
	return map[string]any{"scope": scope, "role": roleName(g.RoleID, n, full), g.ActorKind: actorName(g, n, full), "links": grantLinks(c, g)}
}

func domainName(id string, n keystone.Names) any {
	if d := n.Projects[id]; d != nil {
		return map[string]any{"id": id, "name": d.Name}
	}
	return map[string]any{"id": id}
}

func projectName(id string, n keystone.Names, full bool) any {
	p := n.Projects[id]
	if !full || p == nil {
		return map[string]any{"id": id}
	}
	if p.IsDomain {
		return domainName(id, n)
	}
	return map[string]any{"id": id, "name": p.Name, "domain": domainName(p.DomainID, n)}
}

func roleName(id string, n keystone.Names, full bool) any {
	r := n.Roles[id]
	if !full || r == nil {
		return map[string]any{"id": id}
	}
	m := map[string]any{"id": id, "name": r.Name}
	if r.DomainID != "" {
		m["domain"] = domainName(r.DomainID, n)
	}
	return m
}

func actorName(g keystone.Grant, n keystone.Names, full bool) any {
	m := map[string]any{"id": g.ActorID}
	if !full {
		return m
	}
	if u := n.Users[g.ActorID]; g.ActorKind == "user" && u != nil {
		m["name"], m["domain"] = u.Name, domainName(u.DomainID, n)
	}
	if gr := n.Groups[g.ActorID]; g.ActorKind == "group" && gr != nil {
		m["name"], m["domain"] = gr.Name, domainName(gr.DomainID, n)
	}
	return m
}

// grantLinks point at the assignment that was made, and at what else made it count.
func grantLinks(c *rest.Call, g keystone.Grant) any {
	base, m := c.Base()+"/v3", g.Made
	at, tail := "/"+m.TargetKind+"s/"+m.TargetID, ""
	if m.TargetKind == "system" {
		at = "/system"
	}
	if m.Inherited {
		base, tail = base+"/OS-INHERIT", "/inherited_to_projects"
	}
	l := map[string]any{"assignment": base + at + "/" + m.ActorKind + "s/" + m.ActorID + "/roles/" + m.RoleID + tail}
	if m.ActorKind != g.ActorKind {
		l["membership"] = c.Base() + "/v3/groups/" + m.ActorID + "/users/" + g.ActorID
	}
	if g.PriorID != "" {
		l["prior_role"] = c.Base() + "/v3/roles/" + g.PriorID
	}
	return l
}
