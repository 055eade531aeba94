package keystone

import (
	"context"
	"slices"
	"time"

	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/token"
)

// A Trust lets one user act for another on a project, with some of its roles.
type Trust struct {
	ID              string         `bun:"id,pk"`
	TrustorID       string         `bun:"trustor_user_id"`
	TrusteeID       string         `bun:"trustee_user_id"`
	ProjectID       string         `bun:"project_id"`
	Impersonation   bool           `bun:"impersonation"` // the trustee's tokens name the trustor
	RoleIDs         []string       `bun:"role_ids"`
	ExpiresAt       time.Time      `bun:"expires_at,nullzero"`
	RemainingUses   *int64         `bun:"remaining_uses"`
	RedelegatedFrom string         `bun:"redelegated_trust_id"`
	Redelegations   int64          `bun:"redelegation_count"`
	DeletedAt       time.Time      `bun:"deleted_at,nullzero"`
	Extra           map[string]any `bun:"extra"`

	Roles []*Role `bun:"-"`
}

// CreateTrust makes a trust of the caller, which is its trustor.
func (i *Identity) CreateTrust(ctx context.Context, who *token.Who, t *Trust, wanted []Ref) error {
	if who.Delegated() {
		return forbidden("A delegated token cannot be used to make a trust.")
	}
	if t.RemainingUses != nil && *t.RemainingUses < 1 {
		return fault.New(fault.Invalid, "remaining_uses must be a positive integer or null.")
	}
	if !t.ExpiresAt.IsZero() && t.ExpiresAt.Before(i.db.Now()) {
		return fault.New(fault.Invalid, "The requested expiration time is in the past.")
	}
	if len(wanted) == 0 {
		return forbidden("At least one role should be specified.")
	}
	t.ID, t.Redelegations = NewID(), 0
	return i.db.Tx(ctx, func(ctx context.Context) error {
		if _, err := i.User(ctx, t.TrusteeID); err != nil {
			return err
		}
		if _, err := i.Project(ctx, t.ProjectID); err != nil {
			return err
		}
		ids, err := i.delegable(ctx, t, wanted)
		if err != nil {
			return err
		}
		t.RoleIDs = ids
		if err := i.store.Insert(ctx, t); err != nil {
			return err
		}
		return i.fillTrusts(ctx, []*Trust{t})
	})
}

// delegable: a trustor gives away only what it has.
func (i *Identity) delegable(ctx context.Context, t *Trust, wanted []Ref) ([]string, error) {
	have, err := i.EffectiveRoles(ctx, t.TrustorID, Target{"project", t.ProjectID})
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, w := range wanted {
		n := slices.IndexFunc(have, func(h token.Ref) bool { return w.ID == h.ID || w.ID == "" && w.Name == h.Name })
		if n < 0 {
			if w.ID == "" {
				return nil, missing("role", w.Name)
			}
			if _, err := i.Role(ctx, w.ID); err != nil {
				return nil, err
			}
			return nil, forbidden("You are not authorized to perform the requested action: the trustor does not have role %s.", w.ID)
		}
		ids = append(ids, have[n].ID)
	}
	return ids, nil
}

func (i *Identity) fillTrusts(ctx context.Context, ts []*Trust) error {
	var ids []string
	for _, t := range ts {
		ids = append(ids, t.RoleIDs...)
	}
	by, err := byID(ctx, i.store, ids, func(r *Role) string { return r.ID })
	for _, t := range ts {
		t.Roles = nil
		for _, id := range t.RoleIDs {
			if r := by[id]; r != nil {
				t.Roles = append(t.Roles, r)
			}
		}
	}
	return err
}

// Trust is one trust that is neither deleted nor used up.
func (i *Identity) Trust(ctx context.Context, id string) (*Trust, error) {
	t, err := one[Trust](ctx, i.store, Match{"id": id})
	if err != nil {
		return nil, err
	}
	if t == nil || !t.DeletedAt.IsZero() || t.RemainingUses != nil && *t.RemainingUses <= 0 {
		return nil, missing("trust", id)
	}
	return t, i.fillTrusts(ctx, []*Trust{t})
}

// Trusts is one page of the trusts that were not deleted.
func (i *Identity) Trusts(ctx context.Context, l listing.List) (listing.Page[*Trust], error) {
	p, err := pageOf[Trust](ctx, i.store, l)
	p.Items = slices.DeleteFunc(p.Items, func(t *Trust) bool { return !t.DeletedAt.IsZero() })
	if err != nil {
		return p, err
	}
	return p, i.fillTrusts(ctx, p.Items)
}

// DeleteTrust ends a trust and the tokens made with it.
func (i *Identity) DeleteTrust(ctx context.Context, who *token.Who, id string) error {
	if who.Delegated() {
		return forbidden("A delegated token cannot be used to delete a trust.")
	}
	return i.drop(ctx, func(ctx context.Context) error {
		t, err := i.Trust(ctx, id)
		if err != nil {
			return err
		}
		t.DeletedAt = i.db.Now()
		return i.store.Update(ctx, t)
	})
}

// claimTrust: the caller must be the trustee, the scope is the trust's project.
func (i *Identity) claimTrust(ctx context.Context, c *claims, who *proven, id string) error {
	t, err := i.Trust(ctx, id)
	if err != nil || t.TrusteeID != who.user.ID {
		if err == nil || fault.Is(err, fault.NotFound) {
			return forbidden("You are not authorized to perform the requested action: consume the trust.")
		}
		return err
	}
	if !t.ExpiresAt.IsZero() {
		if i.db.Now().After(t.ExpiresAt) {
			return Unauthorized("the trust has expired")
		}
		c.ExpiresAt = min(c.ExpiresAt, t.ExpiresAt.Unix())
	}
	if t.Impersonation {
		c.User = pack(t.TrustorID)
	}
	c.Scope, c.ScopeID, c.Trust = "project", pack(t.ProjectID), pack(t.ID)
	return nil
}

// consumeTrust counts one use.
func (i *Identity) consumeTrust(ctx context.Context, t *Trust) error {
	if t.RemainingUses == nil {
		return nil
	}
	return i.db.Tx(ctx, func(ctx context.Context) error {
		now, err := i.Trust(ctx, t.ID)
		if err != nil {
			return Unauthorized("the trust is used up")
		}
		*now.RemainingUses--
		return i.store.Update(ctx, now)
	})
}

// withTrust is whose roles count for a session by trust, and which of them at most.
func (i *Identity) withTrust(ctx context.Context, s *Session) (string, []string, error) {
	t, err := one[Trust](ctx, i.store, Match{"id": s.Who.TrustID})
	if err != nil {
		return "", nil, err
	}
	if t == nil || !t.DeletedAt.IsZero() || !t.ExpiresAt.IsZero() && i.db.Now().After(t.ExpiresAt) {
		return "", nil, dead("its trust is gone or has expired")
	}
	users, err := all[User](ctx, i.store, Match{"id": []string{t.TrustorID, t.TrusteeID}, "enabled": true})
	if err != nil {
		return "", nil, err
	}
	for _, u := range users {
		if s.Who.IssuedAt.Before(u.TokensFrom) || i.dormant(u) {
			users = nil
			break
		}
	}
	if len(users) == 0 || len(users) == 1 && t.TrustorID != t.TrusteeID {
		return "", nil, dead("the trustor or the trustee is gone or disabled")
	}
	s.Trust = t
	return t.TrustorID, append([]string{}, t.RoleIDs...), i.fillTrusts(ctx, []*Trust{t})
}
