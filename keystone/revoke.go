package keystone

import (
	"context"
	"time"

	"stackd/internal/token"
)

// A Revocation ends one token, or all of a chain that were issued until then.
type Revocation struct {
	AuditID      string    `bun:"audit_id,pk"`
	Chain        bool      `bun:"chain,pk"`
	RevokedAt    time.Time `bun:"revoked_at"`
	IssuedBefore time.Time `bun:"issued_before"`
	ExpiresAt    time.Time `bun:"expires_at"` // nobody could hold such a token any more
}

func (i *Identity) revoked(ctx context.Context, w *token.Who) (bool, error) {
	rows, err := all[Revocation](ctx, i.store, Match{"audit_id": w.AuditIDs})
	for _, r := range rows {
		own := r.AuditID == w.AuditIDs[0]
		if own && !r.Chain || r.Chain && r.AuditID == w.AuditIDs[len(w.AuditIDs)-1] {
			return true, err
		}
	}
	return false, err
}

// Revoke ends a token before its time.
func (i *Identity) Revoke(ctx context.Context, s *Session) error {
	return i.drop(ctx, func(ctx context.Context) error {
		now := i.db.Now()
		if err := i.store.Prune(ctx, now); err != nil {
			return err
		}
		r := &Revocation{AuditID: s.Who.AuditIDs[0], RevokedAt: now, IssuedBefore: now, ExpiresAt: s.Who.ExpiresAt.Add(allowedAfter)}
		if _, err := i.store.Delete(ctx, (*Revocation)(nil), Match{"audit_id": r.AuditID, "chain": false}); err != nil {
			return err
		}
		return i.store.Insert(ctx, r)
	})
}

// Revocations are all that still matter.
func (i *Identity) Revocations(ctx context.Context) ([]*Revocation, error) {
	return all[Revocation](ctx, i.store, Match{}, "revoked_at", "audit_id")
}
