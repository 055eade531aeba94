package api

import (
	"strings"

	"stackd/internal/policy"
	"stackd/internal/rest"
	"stackd/keystone"
)

// grantRows are the rows of roles given to users and groups on domains, projects
// and the system, plain and inherited: the same four for each.
func (a *API) grantRows() []rest.Route {
	var rows []rest.Route
	for _, actor := range []string{"user", "group"} {
		for _, target := range []string{"domain", "project"} {
			at := "/" + target + "s/{target}/" + actor + "s/{actor}/roles"
			g := grants{a, actor, target, false}
			rows = append(rows, g.rows("/v3"+at, "", "identity:list_grants", "identity:check_grant", "identity:create_grant", "identity:revoke_grant")...)
			g.inherited = true
			rows = append(rows, g.rows("/v3/OS-INHERIT"+at, "/inherited_to_projects", "identity:list_grants", "identity:check_grant", "identity:create_grant", "identity:revoke_grant")...)
		}
		for_ := "_system_grant_for_" + actor
		g := grants{a, actor, "system", false}
		rows = append(rows, g.rows("/v3/system/"+actor+"s/{actor}/roles", "", "identity:list"+strings.Replace(for_, "grant", "grants", 1), "identity:check"+for_, "identity:create"+for_, "identity:revoke"+for_)...)
	}
	return rows
}

// grants are the rows of one kind of actor on one kind of target.
type grants struct {
	*API
	actor, target string
	inherited     bool
}

func (g grants) rows(at, tail, list, check, create, revoke string) []rest.Route {
	return []rest.Route{
		{On: "GET " + at + tail, Rule: list, Target: g.policyTarget, Do: rest.Do(g.list)},
		{On: "GET " + at + "/{role}" + tail, Rule: check, Target: g.policyTarget, Status: 204, Do: rest.DoNothing(g.check)},
		{On: "PUT " + at + "/{role}" + tail, Rule: create, Target: g.policyTarget, Status: 204, Mutates: true, Do: rest.DoNothing(g.create)},
		{On: "DELETE " + at + "/{role}" + tail, Rule: revoke, Target: g.policyTarget, Status: 204, Mutates: true, Do: rest.DoNothing(g.revoke)},
	}
}

type grantIn struct {
	Actor  string `path:"actor"`
	Target string `path:"target"`
	Role   string `path:"role"`
}

func (g grants) of(in grantIn) keystone.Assignment {
	t := keystone.System
	if g.target != "system" {
		t = keystone.Target{Kind: g.target, ID: in.Target}
	}
	return keystone.NewAssignment(keystone.Actor{Kind: g.actor, ID: in.Actor}, t, in.Role, g.inherited)
}

// policyTarget tells the policy the domains of all three.
func (g grants) policyTarget(c *rest.Call) (policy.Target, error) {
	t, ctx := policy.Target{}, c.Context()
	if id := c.PathValue("role"); id != "" {
		r, err := seen(g.id.Role(ctx, id))
		if err != nil {
			return nil, err
		}
		if r != nil {
			t["target.role.id"], t["target.role.name"], t["target.role.domain_id"] = r.ID, r.Name, r.DomainID
		}
	}
	if g.target == "domain" {
		t["target.domain.id"] = c.PathValue("target")
	} else if g.target == "project" {
		p, err := seen(g.id.Project(ctx, c.PathValue("target")))
		if err != nil {
			return nil, err
		}
		if p != nil {
			t["target.project.id"], t["target.project.domain_id"] = p.ID, p.DomainID
		}
	}
	return t, g.actorTarget(c, t)
}

func (g grants) actorTarget(c *rest.Call, t policy.Target) error {
	if g.actor == "user" {
		u, err := seen(g.id.User(c.Context(), c.PathValue("actor")))
		if u != nil {
			t["target.user.id"], t["target.user.domain_id"] = u.ID, u.DomainID
		}
		return err
	}
	gr, err := seen(g.id.Group(c.Context(), c.PathValue("actor")))
	if gr != nil {
		t["target.group.id"], t["target.group.domain_id"] = gr.ID, gr.DomainID
	}
	return err
}

func (g grants) list(c *rest.Call, in grantIn) (any, error) {
	a := g.of(in)
	roles, err := g.id.AssignedRoles(c.Context(), keystone.Actor{Kind: a.ActorKind, ID: a.ActorID}, keystone.Target{Kind: a.TargetKind, ID: a.TargetID}, a.Inherited)
	out := []role{}
	for _, r := range roles {
		out = append(out, roleOf(c, r))
	}
	return map[string]any{"roles": out, "links": links(c, "")["links"]}, err
}

func (g grants) check(c *rest.Call, in grantIn) error  { return g.id.Assigned(c.Context(), g.of(in)) }
func (g grants) create(c *rest.Call, in grantIn) error { return g.id.Assign(c.Context(), g.of(in)) }
func (g grants) revoke(c *rest.Call, in grantIn) error { return g.id.Unassign(c.Context(), g.of(in)) }
