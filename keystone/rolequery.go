package keystone

import (
	"context"
	"slices"

	"stackd/internal/fault"
)

// AssignmentQuery says which assignments are wanted as they were made; nil is any.
type AssignmentQuery struct {
	UserIDs    []string
	GroupIDs   []string
	RoleIDs    []string
	Targets    []string // ids of projects or domains, or "system"
	TargetKind string
	Inherited  *bool
	// OrInherited adds, when there are Targets, what is inherited from these.
	OrInherited []string
}

// AssignmentFilter is what a caller asks of the role assignments; "" is any.
type AssignmentFilter struct {
	UserID, GroupID, RoleID string
	ProjectID, DomainID     string
	System                  bool
	Inherited               bool // only those inherited to projects
	Effective               bool // what they come to, for users, on what they count for
	Subtree                 bool // and of all projects below ProjectID
}

// A Grant is an assignment, or what one comes to.
type Grant struct {
	Assignment
	Made    Assignment // the assignment it comes from
	PriorID string     // the role that implies its role
}

// RoleAssignments are the assignments, or with Effective what they come to.
func (i *Identity) RoleAssignments(ctx context.Context, f AssignmentFilter) ([]Grant, error) {
	if f.Effective && f.GroupID != "" {
		return nil, fault.New(fault.Invalid, "Combining effective and group filter will always result in an empty list.")
	}
	if f.Effective && f.Inherited && f.DomainID != "" {
		return nil, fault.New(fault.Invalid, "Combining effective, domain and inherited filters will always result in an empty list.")
	}
	if err := i.freshen(ctx, "user", f.UserID); err != nil {
		return nil, err
	}
	q, targets, err := i.assignmentQuery(ctx, f)
	if err != nil {
		return nil, err
	}
	made, err := i.store.Assignments(ctx, q)
	if err != nil {
		return nil, err
	}
	if !f.Effective {
		out := make([]Grant, len(made))
		for n, a := range made {
			out[n] = Grant{Assignment: a, Made: a}
		}
		return out, nil
	}
	return i.expand(ctx, f, made, targets)
}

// assignmentQuery turns the wish into rows to read; targets are the projects that
// inherited ones may count for, nil for any.
func (i *Identity) assignmentQuery(ctx context.Context, f AssignmentFilter) (q AssignmentQuery, targets map[string]bool, err error) {
	if f.GroupID != "" {
		q.GroupIDs = []string{f.GroupID}
	}
	if f.UserID != "" {
		q.UserIDs = []string{f.UserID}
		if f.Effective {
			if q.GroupIDs, err = i.groupsOf(ctx, f.UserID); err != nil {
				return q, nil, err
			}
		}
	}
	if f.RoleID != "" && !f.Effective {
		q.RoleIDs = []string{f.RoleID}
	}
	if f.Inherited {
		yes := true
		q.Inherited = &yes
	}
	switch {
	case f.System:
		q.TargetKind, q.Targets = "system", []string{System.ID}
	case f.DomainID != "":
		q.TargetKind, q.Targets = "domain", []string{f.DomainID}
		if f.Effective {
			no := false
			q.Inherited = &no
		}
	case f.ProjectID != "":
		targets, err = i.projectQuery(ctx, f, &q)
	}
	return q, targets, err
}

func (i *Identity) groupsOf(ctx context.Context, user string) ([]string, error) {
	ms, err := all[Membership](ctx, i.store, Match{"user_id": user})
	ids := []string{}
	for _, m := range ms {
		ids = append(ids, m.GroupID)
	}
	if err != nil {
		return nil, err
	}
	believed, err := all[ExpiringMembership](ctx, i.store, Match{"user_id": user})
	for _, m := range believed {
		if m.ExpiresAt.After(i.db.Now()) {
			ids = append(ids, m.GroupID)
		}
	}
	return ids, err
}

func (i *Identity) projectQuery(ctx context.Context, f AssignmentFilter, q *AssignmentQuery) (map[string]bool, error) {
	q.TargetKind, q.Targets = "project", []string{f.ProjectID}
	if f.Subtree {
		ids, err := i.store.Subtree(ctx, f.ProjectID)
		if err != nil {
			return nil, err
		}
		q.Targets = ids
	}
	targets := map[string]bool{}
	for _, id := range q.Targets {
		targets[id] = true
	}
	if !f.Effective {
		return targets, nil
	}
	line, err := i.store.Ancestors(ctx, f.ProjectID)
	for _, p := range line {
		if p.ID != f.ProjectID {
			q.OrInherited = append(q.OrInherited, p.ID)
		}
	}
	return targets, err
}

// expand works out groups, inheritance and implication.
func (i *Identity) expand(ctx context.Context, f AssignmentFilter, made []Assignment, targets map[string]bool) ([]Grant, error) {
	g, err := i.graph(ctx)
	if err != nil {
		return nil, err
	}
	members, err := i.membersOf(ctx, made, f.UserID)
	if err != nil {
		return nil, err
	}
	var out []Grant
	seen := map[Assignment]bool{}
	below := map[string][]string{}
	for _, a := range made {
		where := []Target{{a.TargetKind, a.TargetID}}
		if a.Inherited {
			if where, err = i.inheritors(ctx, a, targets, below); err != nil {
				return nil, err
			}
		}
		who := []string{a.ActorID}
		if a.ActorKind == "group" {
			who = members[a.ActorID]
		}
		for _, gr := range spread(a, who, where, g) {
			if (f.RoleID == "" || f.RoleID == gr.RoleID) && !seen[gr.Assignment] {
				seen[gr.Assignment], out = true, append(out, gr)
			}
		}
	}
	return out, nil
}

func (i *Identity) membersOf(ctx context.Context, made []Assignment, only string) (map[string][]string, error) {
	var groups []string
	for _, a := range made {
		if a.ActorKind == "group" {
			groups = append(groups, a.ActorID)
		}
	}
	m := Match{"group_id": unique(groups)}
	if only != "" {
		m["user_id"] = only
	}
	ms, err := all[Membership](ctx, i.store, m, "user_id")
	out := map[string][]string{}
	for _, x := range ms {
		out[x.GroupID] = append(out[x.GroupID], x.UserID)
	}
	if err != nil {
		return nil, err
	}
	believed, err := all[ExpiringMembership](ctx, i.store, m, "user_id")
	for _, x := range believed {
		if x.ExpiresAt.After(i.db.Now()) && !slices.Contains(out[x.GroupID], x.UserID) {
			out[x.GroupID] = append(out[x.GroupID], x.UserID)
		}
	}
	return out, err
}

// inheritors are the projects below an inherited assignment's target.
func (i *Identity) inheritors(ctx context.Context, a Assignment, only map[string]bool, cache map[string][]string) ([]Target, error) {
	ids, ok := cache[a.TargetID]
	if !ok {
		var err error
		if ids, err = i.store.Subtree(ctx, a.TargetID); err != nil {
			return nil, err
		}
		cache[a.TargetID] = ids
	}
	var out []Target
	for _, id := range ids {
		if id != a.TargetID && (only == nil || only[id]) {
			out = append(out, Target{"project", id})
		}
	}
	return out, nil
}

func spread(a Assignment, who []string, where []Target, g *roleGraph) []Grant {
	var out []Grant
	for _, role := range g.closure([]string{a.RoleID}) {
		if g.roles[role].DomainID != "" {
			continue // a domain's role is only what it implies
		}
		prior := ""
		if role != a.RoleID {
			prior = a.RoleID
		}
		for _, u := range who {
			for _, t := range where {
				out = append(out, Grant{Assignment: NewAssignment(Actor{"user", u}, t, role, false), Made: a, PriorID: prior})
			}
		}
	}
	return out
}

// Names are the names of what a list of grants speaks of.
type Names struct {
	Users    map[string]*User
	Groups   map[string]*Group
	Roles    map[string]*Role
	Projects map[string]*Project // and domains, also those that the others belong to
}

// NamesOf looks up all names at once.
func (i *Identity) NamesOf(ctx context.Context, gs []Grant) (n Names, err error) {
	ids := map[string][]string{}
	for _, g := range gs {
		ids[g.ActorKind], ids["project"], ids["role"] = append(ids[g.ActorKind], g.ActorID), append(ids["project"], g.TargetID), append(ids["role"], g.RoleID)
	}
	if n.Users, err = byID(ctx, i.store, unique(ids["user"]), func(u *User) string { return u.ID }); err != nil {
		return n, err
	}
	if n.Groups, err = byID(ctx, i.store, unique(ids["group"]), func(u *Group) string { return u.ID }); err != nil {
		return n, err
	}
	if n.Roles, err = byID(ctx, i.store, unique(ids["role"]), func(r *Role) string { return r.ID }); err != nil {
		return n, err
	}
	if n.Projects, err = byID(ctx, i.store, unique(ids["project"]), func(p *Project) string { return p.ID }); err != nil {
		return n, err
	}
	return n, i.addHomes(ctx, &n)
}

func (i *Identity) addHomes(ctx context.Context, n *Names) error {
	var ids []string
	for _, u := range n.Users {
		ids = append(ids, u.DomainID)
	}
	for _, g := range n.Groups {
		ids = append(ids, g.DomainID)
	}
	for _, r := range n.Roles {
		ids = append(ids, r.DomainID)
	}
	for _, p := range n.Projects {
		ids = append(ids, p.DomainID)
	}
	homes, err := byID(ctx, i.store, unique(ids), func(p *Project) string { return p.ID })
	for id, p := range homes {
		n.Projects[id] = p
	}
	return err
}
