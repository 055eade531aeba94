package work

import (
	"context"
	"time"

	"stackd/cinder"
	"stackd/internal/converge"
)

// exportLoop makes the loop that ends exports whose holders have gone.
func exportLoop(s *cinder.Storage) *converge.Loop {
	return &converge.Loop{Name: "exports", Due: s.DueExports, Work: func(ctx context.Context, volume string) error { return endExports(ctx, s, volume) }, Workers: 2}
}

// endExports takes the volume's rows for a while, so that another process leaves them.
func endExports(ctx context.Context, s *cinder.Storage, volume string) error {
	err := s.Tx(ctx, func(ctx context.Context) error { return s.PostponeExports(ctx, volume, 30*time.Second) })
	if err != nil {
		return err
	}
	return s.EndExports(ctx, volume)
}
