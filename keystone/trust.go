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

// A TrustWish is what is asked of a new trust besides what it says.
type TrustWish struct {
	Roles      []Ref
	Redelegate bool   // the trustee may make further trusts of it,
	Depth      *int64 // so many in a row; nil is as many as there may be
}

// CreateTrust makes a trust of the caller, which is its trustor. A caller that is
// here by a trust itself hands that on, if the cloud and the trust let it.
func (i *Identity) CreateTrust(ctx context.Context, who *token.Who, t *Trust, w TrustWish) error {
	if who.AppCredID != "" || who.AccessTokenID != "" {
		return Denied("Redelegation allowed for delegated by trust only")
	}
	if who.TrustID != "" && !i.opts.Redelegation {
		return forbidden("A delegated token cannot be used to make a trust.")
	}
	if t.TrustorID != who.User.ID {
		return Denied("The authenticated user should match the trustor")
	}
	if err := i.mayTrust(t, w); err != nil {
		return err
	}
	t.ID = NewID()
	return i.db.Tx(ctx, func(ctx context.Context) error {
		t.Redelegations, t.RedelegatedFrom = 0, who.TrustID
		if w.Redelegate {
			t.Redelegations = i.opts.RedelegationDepth
			if w.Depth != nil {
				t.Redelegations = *w.Depth
			}
		}
		if _, err := i.User(ctx, t.TrusteeID); err != nil {
			return err
		}
		line, err := i.handOn(ctx, t, w)
		if err != nil {
			return err
		}
		if t.RoleIDs, err = i.delegable(ctx, line[len(line)-1].TrustorID, t.ProjectID, w.Roles); err != nil {
			return err
		}
		for _, above := range line[1:] {
			if err := mayHandOn(t, above, i.opts.RedelegationDepth); err != nil {
				return err
			}
		}
		if err := i.store.Insert(ctx, t); err != nil {
			return err
		}
		return i.fillTrusts(ctx, []*Trust{t})
	})
}

func (i *Identity) mayTrust(t *Trust, w TrustWish) error {
	most := i.opts.RedelegationDepth
	switch {
	case t.RemainingUses != nil && *t.RemainingUses < 1:
		return fault.New(fault.Invalid, "remaining_uses must be a positive integer or null.")
	case w.Redelegate && t.RemainingUses != nil:
		return fault.New(fault.Invalid, "remaining_uses must not be set if redelegation is allowed")
	case w.Redelegate && w.Depth != nil && *w.Depth > most:
		return forbidden("Requested redelegation depth of %d is greater than allowed %d", *w.Depth, most)
	case !t.ExpiresAt.IsZero() && t.ExpiresAt.Before(i.db.Now()):
		return fault.New(fault.Invalid, "The requested expiration time is in the past.")
	case t.ProjectID != "" && len(w.Roles) == 0:
		return Denied("At least one role should be specified")
	}
	return nil
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
	ts, err := i.store.Trusts(ctx, l)
	return listing.Cut(ts, l.Limit), err
}

// DeleteTrust ends a trust, those that were made of it, and all tokens made with them.
func (i *Identity) DeleteTrust(ctx context.Context, who *token.Who, id string) error {
	if who.Delegated() {
		return forbidden("A delegated token cannot be used to delete a trust.")
	}
	return i.drop(ctx, func(ctx context.Context) error {
		if _, err := i.Trust(ctx, id); err != nil {
			return err
		}
		return i.endTrust(ctx, id)
	})
}

func (i *Identity) endTrust(ctx context.Context, id string) error {
	rows, err := all[Trust](ctx, i.store, Match{"id": id})
	for len(rows) > 0 && err == nil {
		var ids []string
		for _, t := range rows {
			t.DeletedAt = i.db.Now()
			ids = append(ids, t.ID)
			if err := i.store.Update(ctx, t); err != nil {
				return err
			}
		}
		rows, err = all[Trust](ctx, i.store, Match{"redelegated_trust_id": ids})
		rows = slices.DeleteFunc(rows, func(t *Trust) bool { return !t.DeletedAt.IsZero() })
	}
	return err
}
