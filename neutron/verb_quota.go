package neutron

import (
	"context"

	"stackd/internal/token"
)

func adminCaller(ctx context.Context) bool {
	w := token.From(ctx)
	return w == nil || w.Admin()
}

// Quota is a project's, with defaults where nobody said otherwise.
func (n *Networking) Quota(ctx context.Context, project string) (map[string]int, error) {
	out := n.Defaults()
	own, err := n.store.Limits(ctx, project)
	for _, l := range own {
		out[l.Resource] = l.Limit
	}
	return out, err
}

// Defaults are the quotas of a project of which nobody said anything.
func (n *Networking) Defaults() map[string]int {
	out := map[string]int{}
	for _, r := range Resources {
		out[r] = DefaultQuota[r]
		if v, ok := n.Config.Quota[r]; ok {
			out[r] = v
		}
	}
	return out
}

// room: may the project have n more of this?
func (n *Networking) room(ctx context.Context, project, resource string, more int) error {
	q, err := n.Quota(ctx, project)
	if err != nil || q[resource] < 0 {
		return err
	}
	used, err := n.store.Used(ctx, project, resource)
	if err == nil && used[resource]+more > q[resource] {
		err = overQuota(resource)
	}
	return err
}

// Usage is a project's quota and how much of it is used.
func (n *Networking) Usage(ctx context.Context, project string) (map[string]Usage, error) {
	q, err := n.Quota(ctx, project)
	if err != nil {
		return nil, err
	}
	used, err := n.store.Used(ctx, project, Resources...)
	out := map[string]Usage{}
	for r, l := range q {
		out[r] = Usage{Limit: l, Used: used[r]}
	}
	return out, err
}

// Quotas are the projects that have their own, by project.
func (n *Networking) Quotas(ctx context.Context) (map[string]map[string]int, error) {
	rows, err := n.store.Limits(ctx, "")
	out := map[string]map[string]int{}
	for _, l := range rows {
		if out[l.ProjectID] == nil {
			out[l.ProjectID] = n.Defaults()
		}
		out[l.ProjectID][l.Resource] = l.Limit
	}
	return out, err
}

// SetQuota gives a project its own quotas of some resources; with check only if it
// does not use more already.
func (n *Networking) SetQuota(ctx context.Context, project string, limits map[string]int, check bool) error {
	return n.store.Tx(ctx, func(ctx context.Context) error {
		if check {
			if err := n.fits(ctx, project, limits); err != nil {
				return err
			}
		}
		for r, l := range limits {
			if err := n.store.SetLimit(ctx, Limit{ProjectID: project, Resource: r, Limit: l}); err != nil {
				return err
			}
		}
		return nil
	})
}

func (n *Networking) fits(ctx context.Context, project string, limits map[string]int) error {
	used, err := n.store.Used(ctx, project, Resources...)
	for r, l := range limits {
		if l >= 0 && used[r] > l {
			return badValue("InvalidQuotaValue", "Change would make usage less than 0 for the following resources: ['%s'].", r)
		}
	}
	return err
}

// ResetQuota gives a project the defaults again.
func (n *Networking) ResetQuota(ctx context.Context, project string) error {
	return n.store.Tx(ctx, func(ctx context.Context) error { return n.store.ClearLimits(ctx, project) })
}
