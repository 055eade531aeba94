// Package token is who calls: what a checked token says of its bearer.
//
// Keystone makes and checks tokens; every service's gate asks it, once a request.
package token

import (
	"context"
	"slices"
	"time"
)

// Ref names a thing by id and name.
type Ref struct{ ID, Name string }

// Who is the bearer of a checked token. At most one of Project, Domain and
// System is set; none is an unscoped token. It is shared: never change one.
type Who struct {
	User          Ref
	UserDomain    Ref
	Project       Ref
	ProjectDomain Ref
	Domain        Ref
	System        bool
	Roles         []Ref
	Methods       []string // password, token, application_credential …
	AuditIDs      []string // this token's, then its chain's first
	IssuedAt      time.Time
	ExpiresAt     time.Time
	AppCredID     string
	TrustID       string
	AccessTokenID string       // of OAuth1
	Thumbprint    string       // x5t#S256 of the certificate that its bearer must show; "" is none
	IsDomain      bool         // the project acts as a domain
	Only          []AccessRule // what the token is limited to; nil is no limit
}

// Has tells whether the bearer has the role, implied ones included.
func (w *Who) Has(role string) bool {
	return slices.ContainsFunc(w.Roles, func(r Ref) bool { return r.Name == role })
}

// Admin tells whether the bearer administers the cloud: the role admin in a project
// or on the system, which the default policies treat alike.
func (w *Who) Admin() bool { return w.Has("admin") }

// Delegated tells whether the token speaks with part of its user's rights only: by
// application credential, by trust, or by OAuth1.
func (w *Who) Delegated() bool { return w.AppCredID != "" || w.TrustID != "" || w.AccessTokenID != "" }

// Scope is system, domain, project or "" (unscoped).
func (w *Who) Scope() string {
	switch {
	case w.System:
		return "system"
	case w.Domain.ID != "":
		return "domain"
	case w.Project.ID != "":
		return "project"
	}
	return ""
}

// Attr is what policy rules may ask of the caller; ok is false for unknown names.
func (w *Who) Attr(name string) (value string, ok bool) {
	switch name {
	case "user_id", "user":
		return w.User.ID, true
	case "project_id", "tenant", "tenant_id":
		return w.Project.ID, true
	case "domain_id":
		return w.Domain.ID, true
	case "user_domain_id", "token.user.domain.id":
		return w.UserDomain.ID, true
	case "project_domain_id", "token.project.domain.id":
		return w.ProjectDomain.ID, true
	case "token.domain.id":
		return w.Domain.ID, true
	case "system_scope":
		if w.System {
			return "all", true
		}
		return "", true
	case "is_admin":
		if w.Admin() {
			return "True", true
		}
		return "False", true
	}
	return "", false
}

// Checker turns a bearer's token into who that is. A bad, expired or revoked
// token is a fault of kind Unauthorized.
type Checker interface {
	Check(ctx context.Context, token string) (*Who, error)
}

type key struct{}

// With puts the caller into the context, for logs and for calls between services.
func With(ctx context.Context, w *Who) context.Context { return context.WithValue(ctx, key{}, w) }

// From is the caller, nil in background work.
func From(ctx context.Context) *Who { w, _ := ctx.Value(key{}).(*Who); return w }
