package keystone

import (
	"context"
	"slices"
	"strings"

	"stackd/internal/fault"
	"stackd/internal/token"
)

// A Target is where a role counts: a project, a domain, or the system.
type Target struct{ Kind, ID string }

// System is the target of roles on the whole cloud.
var System = Target{Kind: "system", ID: "system"}

// An Actor is who a role is given to: a user or a group.
type Actor struct{ Kind, ID string }

// An Assignment gives an actor a role on a target; an inherited one counts on all
// projects below the target, and not on the target itself.
type Assignment struct {
	ActorKind  string `bun:"actor_kind,pk"`
	ActorID    string `bun:"actor_id,pk"`
	TargetKind string `bun:"target_kind,pk"`
	TargetID   string `bun:"target_id,pk"`
	RoleID     string `bun:"role_id,pk"`
	Inherited  bool   `bun:"inherited,pk"`
}

func (a Assignment) match() Match {
	return Match{"actor_kind": a.ActorKind, "actor_id": a.ActorID, "target_kind": a.TargetKind, "target_id": a.TargetID, "role_id": a.RoleID, "inherited": a.Inherited}
}

// NewAssignment names one.
func NewAssignment(who Actor, on Target, role string, inherited bool) Assignment {
	return Assignment{who.Kind, who.ID, on.Kind, on.ID, role, inherited}
}

// known looks that actor, target and role are there.
func (i *Identity) known(ctx context.Context, a Assignment) error {
	_, _, err := i.parts(ctx, a)
	return err
}

// fits looks that they are there and that the role may be given on the target.
func (i *Identity) fits(ctx context.Context, a Assignment) error {
	r, home, err := i.parts(ctx, a)
	if err == nil && r.DomainID != "" && r.DomainID != home {
		return forbidden("The role is of another domain than what it is assigned on.")
	}
	return err
}

// parts is the role of an assignment and the domain of its target.
func (i *Identity) parts(ctx context.Context, a Assignment) (r *Role, home string, err error) {
	var errs []error
	if a.ActorKind == "user" {
		_, err := i.User(ctx, a.ActorID)
		errs = append(errs, err)
	} else {
		_, err := i.Group(ctx, a.ActorID)
		errs = append(errs, err)
	}
	switch a.TargetKind {
	case "project":
		p, err := i.Project(ctx, a.TargetID)
		if errs = append(errs, err); err == nil {
			home = p.Home()
		}
	case "domain":
		_, err := i.Domain(ctx, a.TargetID)
		errs, home = append(errs, err), a.TargetID
	}
	if a.RoleID == "" {
		return nil, home, firstOf(errs...)
	}
	r, err = i.Role(ctx, a.RoleID)
	return r, home, firstOf(append(errs, err)...)
}

// Assign gives a role; one that was given stays.
func (i *Identity) Assign(ctx context.Context, a Assignment) error {
	return i.db.Tx(ctx, func(ctx context.Context) error {
		if err := i.fits(ctx, a); err != nil {
			return err
		}
		n, err := i.store.Count(ctx, (*Assignment)(nil), a.match())
		if err != nil || n > 0 {
			return err
		}
		if err := i.store.Insert(ctx, &a); err != nil {
			return err
		}
		return i.changed(ctx)
	})
}

func notAssigned(a Assignment) error {
	return fault.New(fault.NotFound, "Could not find role assignment with role: %s, user or group: %s, project, domain, or system: %s.", a.RoleID, a.ActorID, a.TargetID)
}

// Assigned is nil when the role was given just so.
func (i *Identity) Assigned(ctx context.Context, a Assignment) error {
	if err := i.known(ctx, a); err != nil {
		return err
	}
	n, err := i.store.Count(ctx, (*Assignment)(nil), a.match())
	if err == nil && n == 0 {
		return notAssigned(a)
	}
	return err
}

// Unassign takes a role back.
func (i *Identity) Unassign(ctx context.Context, a Assignment) error {
	return i.drop(ctx, func(ctx context.Context) error {
		n, err := i.store.Delete(ctx, (*Assignment)(nil), a.match())
		if err == nil && n == 0 {
			return firstOf(i.known(ctx, a), notAssigned(a))
		}
		return err
	})
}

// AssignedRoles are the roles given to an actor on a target, as they were given.
func (i *Identity) AssignedRoles(ctx context.Context, who Actor, on Target, inherited bool) ([]*Role, error) {
	a := NewAssignment(who, on, "", inherited)
	if err := i.known(ctx, a); err != nil {
		return nil, err
	}
	m := a.match()
	delete(m, "role_id")
	rows, err := all[Assignment](ctx, i.store, m)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(rows))
	for n, r := range rows {
		ids[n] = r.RoleID
	}
	return all[Role](ctx, i.store, Match{"id": ids}, "name")
}

// roleGraph is all roles and what they imply, as of a generation.
type roleGraph struct {
	gen     int64
	roles   map[string]*Role
	implied map[string][]string
}

func (i *Identity) graph(ctx context.Context) (*roleGraph, error) {
	gen := i.gen.Load()
	if g := i.roles.Load(); g != nil && g.gen == gen && !i.deaf() && !i.db.InTx(ctx) {
		return g, nil
	}
	roles, err := all[Role](ctx, i.store, Match{})
	if err != nil {
		return nil, err
	}
	rules, err := all[ImpliedRole](ctx, i.store, Match{})
	if err != nil {
		return nil, err
	}
	g := &roleGraph{gen: gen, roles: map[string]*Role{}, implied: map[string][]string{}}
	for _, r := range roles {
		g.roles[r.ID] = r
	}
	for _, r := range rules {
		g.implied[r.PriorID] = append(g.implied[r.PriorID], r.ImpliedID)
	}
	if !i.db.InTx(ctx) {
		i.roles.Store(g)
	}
	return g, nil
}

// closure is the roles and all they imply.
func (g *roleGraph) closure(ids []string) []string {
	seen, todo := map[string]bool{}, slices.Clone(ids)
	var out []string
	for len(todo) > 0 {
		id := todo[0]
		if todo = todo[1:]; seen[id] || g.roles[id] == nil {
			continue
		}
		seen[id], out = true, append(out, id)
		todo = append(todo, g.implied[id]...)
	}
	return out
}

// refs are the roles as a token shows them: global ones, by name.
func (g *roleGraph) refs(ids []string) []token.Ref {
	var out []token.Ref
	for _, id := range ids {
		if r := g.roles[id]; r.DomainID == "" {
			out = append(out, token.Ref{ID: id, Name: r.Name})
		}
	}
	slices.SortFunc(out, func(a, b token.Ref) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// rolesFor are the roles of a session on its target.
func (i *Identity) rolesFor(ctx context.Context, s *Session, t Target, above []string) ([]token.Ref, error) {
	g, err := i.graph(ctx)
	if err != nil {
		return nil, err
	}
	whose, groups := s.Who.User.ID, s.groups()
	var only []string
	switch {
	case s.Who.AppCredID != "":
		if only, err = i.withAppCred(ctx, s); err != nil {
			return nil, err
		}
	case s.Who.AccessTokenID != "":
		if only, err = i.withAccess(ctx, s); err != nil {
			return nil, err
		}
	case s.Who.TrustID != "":
		if whose, only, err = i.withTrust(ctx, s); err != nil {
			return nil, err
		}
	}
	if only != nil {
		groups = nil // of what was delegated, they are no part
	}
	direct, err := i.store.RolesOf(ctx, whose, t, above, groups...)
	if err != nil {
		return nil, err
	}
	ids := g.closure(direct)
	if only != nil {
		only = g.closure(only)
		if s.Who.TrustID != "" && slices.ContainsFunc(only, func(id string) bool { return !slices.Contains(ids, id) }) {
			return nil, dead("the trustor has lost a role of its trust")
		}
		ids = slices.DeleteFunc(ids, func(id string) bool { return !slices.Contains(only, id) })
	}
	return g.refs(ids), nil
}

// EffectiveRoles are the roles that a user has on a target, all counted.
func (i *Identity) EffectiveRoles(ctx context.Context, user string, t Target) ([]token.Ref, error) {
	g, err := i.graph(ctx)
	if err != nil {
		return nil, err
	}
	var above []string
	if t.Kind == "project" {
		line, err := i.store.Ancestors(ctx, t.ID)
		if err != nil || len(line) == 0 {
			return nil, err
		}
		for _, p := range line[1:] {
			above = append(above, p.ID)
		}
	}
	direct, err := i.store.RolesOf(ctx, user, t, above)
	if err != nil {
		return nil, err
	}
	return g.refs(g.closure(direct)), nil
}
