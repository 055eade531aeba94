package keystone

import (
	"context"
	"time"

	"stackd/internal/sqldb"
)

// A UsedProof is something that was shown once and is good no more.
type UsedProof struct {
	ID        string    `bun:"id,pk"`
	ExpiresAt time.Time `bun:"expires_at"` // it would be refused by then anyhow
}

// useOnce is false when the proof was used before, at any control plane.
func (i *Identity) useOnce(ctx context.Context, proof string, until time.Time) (bool, error) {
	err := i.db.Tx(ctx, func(ctx context.Context) error {
		if err := i.store.Prune(ctx, i.db.Now()); err != nil {
			return err
		}
		return i.store.Insert(ctx, &UsedProof{ID: hash(proof), ExpiresAt: until})
	})
	if sqldb.Taken(err) {
		return false, nil
	}
	return err == nil, err
}
