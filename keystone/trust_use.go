package keystone

import (
	"context"
	"slices"

	"stackd/internal/fault"
)

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
