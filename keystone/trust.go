package keystone

import (
	"cmp"
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

// handOn places a trust below the one that its trustor is here by, and answers the
// whole line: the trust itself first, the one that all began with last.
func (i *Identity) handOn(ctx context.Context, t *Trust, w TrustWish) ([]*Trust, error) {
	line := []*Trust{t}
	if t.RedelegatedFrom == "" {
		return line, nil
	}
	above, err := i.pedigree(ctx, t.RedelegatedFrom)
	if err != nil {
		return nil, err
	}
	if len(above) == 0 {
		return nil, missing("trust", t.RedelegatedFrom)
	}
	left := above[0].Redelegations - 1
	if w.Redelegate && w.Depth != nil && *w.Depth != 0 && *w.Depth != left {
		return nil, forbidden(`Modifying "redelegation_count" upon redelegation is forbidden. Omitting this parameter is advised.`)
	}
	if w.Redelegate {
		t.Redelegations = left
	}
	if t.ExpiresAt.IsZero() {
		t.ExpiresAt = above[0].ExpiresAt
	}
	if t.ProjectID != above[0].ProjectID {
		return nil, forbidden("The redelegated trust is for another project")
	}
	return append(line, above...), nil
}

// pedigree are a trust and those that it was handed on from, the first one last;
// none when one of them is gone.
func (i *Identity) pedigree(ctx context.Context, id string) ([]*Trust, error) {
	var line []*Trust
	for id != "" {
		t, err := one[Trust](ctx, i.store, Match{"id": id})
		if err != nil || t == nil || !t.DeletedAt.IsZero() || len(line) > maxLine {
			return nil, err
		}
		line, id = append(line, t), t.RedelegatedFrom
	}
	return line, nil
}

// maxLine ends a search that rows nobody should have written would make endless.
const maxLine = 64

// mayHandOn sees that a trust gives no more than one it was handed on from.
func mayHandOn(t, above *Trust, most int64) error {
	switch {
	case above.Redelegations < 1 || above.Redelegations > most:
		return forbidden("Remaining redelegation depth of %d out of allowed range of [0..%d]", above.Redelegations, most)
	case t.RemainingUses != nil:
		return forbidden(`Field "remaining_uses" is set to %d while it must not be set in order to redelegate a trust`, *t.RemainingUses)
	case !above.ExpiresAt.IsZero() && (t.ExpiresAt.IsZero() || t.ExpiresAt.After(above.ExpiresAt)):
		return forbidden("Requested expiration time is more than redelegated trust can provide")
	case slices.ContainsFunc(t.RoleIDs, func(r string) bool { return !slices.Contains(above.RoleIDs, r) }):
		return forbidden("Some of requested roles are not in redelegated trust")
	case t.Impersonation && !above.Impersonation:
		return forbidden("Impersonation is not allowed because redelegated trust does not specify impersonation. Redelegated trust id: %s", above.ID)
	}
	return nil
}

// delegable: a trustor gives away only what it has.
func (i *Identity) delegable(ctx context.Context, trustor, project string, wanted []Ref) ([]string, error) {
	ids := []string{}
	if len(wanted) == 0 {
		return ids, nil
	}
	if _, err := i.Project(ctx, project); project != "" && err != nil {
		return nil, err
	}
	have, err := i.EffectiveRoles(ctx, trustor, Target{"project", project})
	if err != nil {
		return nil, err
	}
	for _, w := range wanted {
		n := slices.IndexFunc(have, func(h token.Ref) bool { return w.ID == h.ID || w.ID == "" && w.Name == h.Name })
		if n < 0 {
			return nil, missing("role", cmp.Or(w.ID, w.Name))
		}
		ids = append(ids, have[n].ID)
	}
	return unique(ids), nil
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
	if c.Trust = pack(t.ID); t.ProjectID != "" {
		c.Scope, c.ScopeID = "project", pack(t.ProjectID)
	}
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
	line, err := i.pedigree(ctx, s.Who.TrustID)
	if err != nil {
		return "", nil, err
	}
	if len(line) == 0 {
		return "", nil, dead("its trust is gone")
	}
	people := []string{}
	for n, t := range line {
		if !t.ExpiresAt.IsZero() && i.db.Now().After(t.ExpiresAt) {
			return "", nil, dead("its trust has expired")
		}
		if n > 0 && mayHandOn(line[n-1], t, i.opts.RedelegationDepth) != nil {
			return "", nil, dead("its trust gives more than it was given")
		}
		people = unique(append(people, t.TrustorID, t.TrusteeID))
	}
	if err := i.allHere(ctx, s, people); err != nil {
		return "", nil, err
	}
	s.Trust = line[0]
	return line[len(line)-1].TrustorID, append([]string{}, line[0].RoleIDs...), i.fillTrusts(ctx, line[:1])
}

// allHere sees that all who have a part in a trust are there, enabled, and were not
// signed out since the token was made.
func (i *Identity) allHere(ctx context.Context, s *Session, ids []string) error {
	users, err := all[User](ctx, i.store, Match{"id": ids, "enabled": true})
	if err != nil {
		return err
	}
	out := slices.ContainsFunc(users, func(u *User) bool { return s.Who.IssuedAt.Before(u.TokensFrom) || i.dormant(u) })
	if out || len(users) != len(ids) {
		return dead("somebody of its trust is gone or disabled")
	}
	return nil
}
