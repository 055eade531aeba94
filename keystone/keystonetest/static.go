package keystonetest

import (
	"context"
	"time"

	"stackd/internal/fault"
	"stackd/internal/token"
)

// Static is a token.Checker that knows its tokens by heart.
type Static map[string]*token.Who

// Check is the bearer of a known token.
func (s Static) Check(_ context.Context, t string) (*token.Who, error) {
	if w := s[t]; w != nil {
		return w, nil
	}
	return nil, fault.New(fault.Unauthorized, "The request you have made requires authentication.")
}

// People is a Static with the persons that most tests need. The token's text is
// the person's name:
//
//	admin, manager, member, reader   in project "p1"
//	other                            a member in project "p2"
//	admin2                           an admin in project "p2"
//	service                          roles service and member, in project "service"
//	system                           an admin of the system
//	unscoped                         no scope, no roles
func People() Static {
	chain := []string{"admin", "manager", "member", "reader"}
	s := Static{
		"other":    Person("other", "p2", chain[2:]...),
		"admin2":   Person("admin2", "p2", chain...),
		"service":  Person("service", "service", "service", "member", "reader"),
		"unscoped": Person("unscoped", ""),
	}
	for i, role := range chain {
		s[role] = Person(role, "p1", chain[i:]...)
	}
	s["system"] = Person("system", "", chain...)
	s["system"].System = true
	return s
}

// Person is someone of domain "default" with roles in a project; "" is no project.
func Person(name, project string, roles ...string) *token.Who {
	home := token.Ref{ID: "default", Name: "Default"}
	now := time.Now().UTC().Truncate(time.Second)
	w := &token.Who{User: token.Ref{ID: "user-" + name, Name: name}, UserDomain: home, Methods: []string{"password"},
		AuditIDs: []string{"audit-" + name}, IssuedAt: now, ExpiresAt: now.Add(time.Hour)}
	if project != "" {
		w.Project, w.ProjectDomain = token.Ref{ID: project, Name: project}, home
	}
	for _, r := range roles {
		w.Roles = append(w.Roles, token.Ref{ID: "role-" + r, Name: r})
	}
	return w
}
