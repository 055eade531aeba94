package keystone

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"slices"
	"time"

	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/sqldb"
	"stackd/internal/token"
)

// An AppCredential lets a program sign in as a user on one project with some of
// the user's roles, without the user's password.
type AppCredential struct {
	ID           string    `bun:"id,pk"`
	UserID       string    `bun:"user_id"`
	ProjectID    string    `bun:"project_id"`
	Name         string    `bun:"name"`
	Description  *string   `bun:"description"`
	SecretHash   string    `bun:"secret_hash"`
	ExpiresAt    time.Time `bun:"expires_at,nullzero"`
	Unrestricted *bool     `bun:"unrestricted"` // may make and delete others, and trusts
	RoleIDs      []string  `bun:"role_ids"`
	RuleIDs      []string  `bun:"access_rules"`

	Roles []*Role       `bun:"-"`
	Rules []*AccessRule `bun:"-"`
}

// An AccessRule is one operation that an application credential may call.
type AccessRule struct {
	ID      string `bun:"id,pk"`
	UserID  string `bun:"user_id"`
	Service string `bun:"service"`
	Path    string `bun:"path"`
	Method  string `bun:"method"`
}

// AppCredSpec asks for an application credential.
type AppCredSpec struct {
	AppCredential
	Secret string // "" has one made
	Wanted []Ref  // roles by id or name; none is all the caller has
}

// Ref names something by id or by name.
type Ref struct{ ID, Name string }

// CreateAppCred makes an application credential for the caller, on the project of
// its token, and tells its secret.
func (i *Identity) CreateAppCred(ctx context.Context, who *token.Who, s AppCredSpec) (*AppCredential, string, error) {
	if err := i.mayManage(ctx, who); err != nil {
		return nil, "", err
	}
	if who.Project.ID == "" {
		return nil, "", fault.New(fault.Invalid, "Could not create an application credential: the token is not scoped to a project.")
	}
	if !s.ExpiresAt.IsZero() && s.ExpiresAt.Before(i.db.Now()) {
		return nil, "", fault.New(fault.Invalid, "The requested expiration time is in the past.")
	}
	if s.Secret == "" {
		b := make([]byte, 64)
		rand.Read(b)
		s.Secret = base64.RawURLEncoding.EncodeToString(b)
	}
	a := s.AppCredential
	var err error
	if a.SecretHash, err = i.hasher.Hash(ctx, s.Secret); err != nil {
		return nil, "", err
	}
	a.ID, a.UserID, a.ProjectID = NewID(), who.User.ID, who.Project.ID
	if a.RoleIDs, err = pickRoles(who.Roles, s.Wanted); err != nil {
		return nil, "", err
	}
	err = i.db.Tx(ctx, func(ctx context.Context) error {
		if err := i.keepRules(ctx, &a); err != nil {
			return err
		}
		err := i.store.Insert(ctx, &a)
		if sqldb.Taken(err) {
			return conflict("application_credential", "Duplicate entry found with name %s", a.Name)
		}
		return err
	})
	if err != nil {
		return nil, "", err
	}
	return &a, s.Secret, i.fillAppCreds(ctx, []*AppCredential{&a})
}

// mayManage: what is delegated begets nothing that would outlive it.
func (i *Identity) mayManage(ctx context.Context, who *token.Who) error {
	if who.TrustID != "" || who.AccessTokenID != "" {
		return forbidden("You are not authorized to perform the requested action.")
	}
	return i.unrestricted(ctx, who)
}

// unrestricted: a restricted application credential may not beget others.
func (i *Identity) unrestricted(ctx context.Context, who *token.Who) error {
	if who.AppCredID == "" {
		return nil
	}
	a, err := one[AppCredential](ctx, i.store, Match{"id": who.AppCredID})
	if err == nil && (a == nil || a.Unrestricted == nil || !*a.Unrestricted) {
		return forbidden("Using method 'application_credential' is not allowed for managing additional application credentials.")
	}
	return err
}

func pickRoles(have []token.Ref, wanted []Ref) ([]string, error) {
	var ids []string
	for _, h := range have {
		if len(wanted) == 0 || slices.ContainsFunc(wanted, func(w Ref) bool { return w.ID == h.ID || w.ID == "" && w.Name == h.Name }) {
			ids = append(ids, h.ID)
		}
	}
	for _, w := range wanted {
		if !slices.ContainsFunc(have, func(h token.Ref) bool { return w.ID == h.ID || w.ID == "" && w.Name == h.Name }) {
			return nil, fault.New(fault.Invalid, "Invalid application credential: Could not find role assignment with role: %s%s.", w.ID, w.Name)
		}
	}
	return ids, nil
}

// keepRules finds or makes the access rules that the credential names.
func (i *Identity) keepRules(ctx context.Context, a *AppCredential) error {
	a.RuleIDs = nil
	for _, r := range a.Rules {
		m := Match{"user_id": a.UserID, "service": r.Service, "path": r.Path, "method": r.Method}
		if r.ID != "" {
			m = Match{"user_id": a.UserID, "id": r.ID}
		}
		old, err := one[AccessRule](ctx, i.store, m)
		if err != nil {
			return err
		}
		if old == nil {
			if r.Path == "" {
				return missing("Access Rule", r.ID)
			}
			old = &AccessRule{ID: NewID(), UserID: a.UserID, Service: r.Service, Path: r.Path, Method: r.Method}
			if err := i.store.Insert(ctx, old); err != nil {
				return err
			}
		}
		a.RuleIDs = append(a.RuleIDs, old.ID)
	}
	return nil
}

func (i *Identity) fillAppCreds(ctx context.Context, as []*AppCredential) error {
	var roles, rules []string
	for _, a := range as {
		roles, rules = append(roles, a.RoleIDs...), append(rules, a.RuleIDs...)
	}
	byRole, err := byID(ctx, i.store, roles, func(r *Role) string { return r.ID })
	if err != nil {
		return err
	}
	byRule, err := byID(ctx, i.store, rules, func(r *AccessRule) string { return r.ID })
	for _, a := range as {
		a.Roles, a.Rules = nil, nil
		for _, id := range a.RoleIDs {
			if r := byRole[id]; r != nil {
				a.Roles = append(a.Roles, r)
			}
		}
		for _, id := range a.RuleIDs {
			if r := byRule[id]; r != nil {
				a.Rules = append(a.Rules, r)
			}
		}
	}
	return err
}

// AppCred is one of a user's application credentials.
func (i *Identity) AppCred(ctx context.Context, user, id string) (*AppCredential, error) {
	a, err := one[AppCredential](ctx, i.store, Match{"id": id, "user_id": user})
	if err == nil && a == nil {
		return nil, missing("Application Credential", id)
	}
	if err != nil {
		return nil, err
	}
	return a, i.fillAppCreds(ctx, []*AppCredential{a})
}

// AppCredOwner is the user that an application credential belongs to, "" if there is none.
func (i *Identity) AppCredOwner(ctx context.Context, id string) (string, error) {
	a, err := one[AppCredential](ctx, i.store, Match{"id": id})
	if err != nil || a == nil {
		return "", err
	}
	return a.UserID, nil
}

// AppCreds is one page of a user's application credentials.
func (i *Identity) AppCreds(ctx context.Context, l listing.List) (listing.Page[*AppCredential], error) {
	p, err := pageOf[AppCredential](ctx, i.store, l)
	if err != nil {
		return p, err
	}
	return p, i.fillAppCreds(ctx, p.Items)
}

// DeleteAppCred takes one away; tokens made with it are dead.
func (i *Identity) DeleteAppCred(ctx context.Context, who *token.Who, user, id string) error {
	if err := i.mayManage(ctx, who); err != nil {
		return err
	}
	return i.drop(ctx, func(ctx context.Context) error {
		n, err := i.store.Delete(ctx, (*AppCredential)(nil), Match{"id": id, "user_id": user})
		if err == nil && n == 0 {
			return missing("Application Credential", id)
		}
		return err
	})
}

func (i *Identity) proveByAppCred(ctx context.Context, p Proof) (*proven, error) {
	m := Match{"id": p.AppCred.ID}
	if p.AppCred.ID == "" {
		u, err := i.findUser(ctx, p.User)
		if err != nil || u == nil {
			return nil, firstOf(err, Unauthorized("there is no such user"))
		}
		m = Match{"user_id": u.ID, "name": p.AppCred.Name}
	}
	a, err := one[AppCredential](ctx, i.store, m)
	if err != nil {
		return nil, err
	}
	kept := ""
	if a != nil {
		kept = a.SecretHash
	}
	if ok, err := i.verifyHash(ctx, kept, p.Secret); err != nil || !ok {
		return nil, firstOf(err, Unauthorized("wrong application credential or secret"))
	}
	u, err := i.userRow(ctx, a.UserID)
	if err != nil || u == nil {
		return nil, firstOf(err, Unauthorized("its user is gone"))
	}
	return &proven{user: u, methods: []string{"application_credential"}, appCred: a}, nil
}

// claimAppCred: the scope is the credential's own, whatever is wished for must be it.
func (i *Identity) claimAppCred(c *claims, a *AppCredential, w ScopeWish) error {
	if w.Project != nil && w.Project.ID != "" && w.Project.ID != a.ProjectID || w.Domain != nil || w.System || w.TrustID != "" {
		return Unauthorized("an application credential is for its own project")
	}
	c.Scope, c.ScopeID, c.AppCred = "project", pack(a.ProjectID), pack(a.ID)
	if !a.ExpiresAt.IsZero() {
		c.ExpiresAt = min(c.ExpiresAt, a.ExpiresAt.Unix())
	}
	return nil
}

// withAppCred limits a session to its application credential.
func (i *Identity) withAppCred(ctx context.Context, s *Session) ([]string, error) {
	a, err := one[AppCredential](ctx, i.store, Match{"id": s.Who.AppCredID, "user_id": s.Who.User.ID, "project_id": s.Who.Project.ID})
	if err != nil {
		return nil, err
	}
	if a == nil || !a.ExpiresAt.IsZero() && i.db.Now().After(a.ExpiresAt) {
		return nil, dead("its application credential is gone or has expired")
	}
	if err := i.fillAppCreds(ctx, []*AppCredential{a}); err != nil {
		return nil, err
	}
	s.AppCred = a
	for _, r := range a.Rules {
		s.Who.Only = append(s.Who.Only, token.AccessRule{Service: r.Service, Method: r.Method, Path: r.Path})
	}
	return append([]string{}, a.RoleIDs...), nil
}
