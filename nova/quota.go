package nova

import (
	"context"
	"log/slog"
	"maps"
)

// Limits are a project's quotas: its own, else the default class's, else nova's.
func (c *Compute) Limits(ctx context.Context, projectID string) (map[string]int, error) {
	out := maps.Clone(QuotaDefaults)
	for _, of := range []string{"default", projectID} {
		own, err := c.Quotas(ctx, of)
		if err != nil {
			return nil, err
		}
		maps.Copy(out, own)
	}
	return out, nil
}

// limit is one of Limits; when they cannot be read, nova's default.
func (c *Compute) limit(ctx context.Context, projectID, name string) int {
	all, err := c.Limits(ctx, projectID)
	if err != nil {
		slog.Error("cannot read quotas", "project", projectID, "cause", err)
		return QuotaDefaults[name]
	}
	return all[name]
}

// SetQuotas sets some of a project's quotas.
func (c *Compute) SetQuotas(ctx context.Context, projectID string, values map[string]int) error {
	return c.Tx(ctx, func(ctx context.Context) error {
		for name, v := range values {
			if err := c.SetQuota(ctx, ComputeQuota{projectID, name, v}); err != nil {
				return err
			}
		}
		return nil
	})
}
