package glance

import (
	"context"

	"stackd/internal/fault"
)

// Resources that keystone's unified limits may limit. Those of sizes count MiB.
const (
	SizeTotal      = "image_size_total"
	StageTotal     = "image_stage_total"
	CountTotal     = "image_count_total"
	CountUploading = "image_count_uploading"
)

// Resources are all of them.
var Resources = []string{SizeTotal, StageTotal, CountTotal, CountUploading}

// Usage is what a project has.
type Usage struct {
	Size, Stage int64 // bytes
	Count       int64
	Uploading   int64
}

const mib = 1 << 20

// of is the usage of a resource in its own unit.
func (u Usage) of(resource string) int64 {
	switch resource {
	case SizeTotal:
		return u.Size / mib
	case StageTotal:
		return u.Stage / mib
	case CountTotal:
		return u.Count
	}
	return u.Uploading
}

// A Quota is a project's usage and limit of a resource; -1 is no limit.
type Quota struct{ Usage, Limit int64 }

// Quotas are those of a project.
func (g *Imaging) Quotas(ctx context.Context, project string) (map[string]Quota, error) {
	limits, err := g.limits.Limits(ctx, project)
	if err != nil {
		return nil, err
	}
	u, err := g.Used(ctx, project)
	out := map[string]Quota{}
	for _, r := range Resources {
		l, ok := limits[r]
		if !ok {
			l = -1
		}
		out[r] = Quota{u.of(r), l}
	}
	return out, err
}

// bounds are a project's limits, with its usage where there are any.
func (g *Imaging) bounds(ctx context.Context, project string) (map[string]Quota, error) {
	limits, err := g.limits.Limits(ctx, project)
	if err != nil || len(limits) == 0 {
		return nil, err
	}
	u, err := g.Used(ctx, project)
	out := map[string]Quota{}
	for r, l := range limits {
		out[r] = Quota{u.of(r), l}
	}
	return out, err
}

// enforce refuses what would go over a project's limit.
func (g *Imaging) enforce(ctx context.Context, project, resource string, delta int64) error {
	q, err := g.bounds(ctx, project)
	if err != nil {
		return err
	}
	return fits(q, project, resource, delta)
}

func fits(all map[string]Quota, project, resource string, delta int64) error {
	q, limited := all[resource]
	if !limited || q.Limit < 0 || q.Usage+delta <= q.Limit {
		return nil
	}
	return fault.New(fault.TooLarge, "Request exceeds quota: Project %s is over a limit for [Resource %s is over limit of %d due to current usage %d and delta %d]", project, resource, q.Limit, q.Usage, delta)
}

// room checks a move of size bytes (< 0: not known) against the project's limits, and
// says how many bytes it may be.
func (g *Imaging) room(ctx context.Context, project, total string, size int64) (int64, error) {
	q, err := g.bounds(ctx, project)
	if err != nil {
		return 0, err
	}
	if err := fits(q, project, total, max(size, 0)/mib); err != nil {
		return 0, err
	}
	if err := fits(q, project, CountUploading, 1); err != nil {
		return 0, err
	}
	if size > g.opts.ImageSizeCap {
		return 0, fault.New(fault.TooLarge, "The incoming image is too large: it has more than %d bytes", g.opts.ImageSizeCap)
	}
	if l, limited := q[total]; limited && l.Limit >= 0 {
		return min(g.opts.ImageSizeCap, (l.Limit-l.Usage+1)*mib), nil
	}
	return g.opts.ImageSizeCap, nil
}

// noLimits are those of a cloud without unified limits.
type noLimits struct{}

func (noLimits) Limits(context.Context, string) (map[string]int64, error) { return nil, nil }
