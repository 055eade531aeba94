package keystone

import (
	"context"

	"stackd/internal/fault"
)

// A LimitModel says how limits go with the trees of projects.
type LimitModel struct{ Name, Description string }

// limitModels by Options.LimitModel.
var limitModels = map[string]LimitModel{
	"flat":             {"flat", "Limit enforcement and validation does not take project hierarchy into consideration."},
	"strict_two_level": {"strict_two_level", "This model requires project hierarchy never exceeds a depth of two"},
}

// LimitModel is the one in force.
func (i *Identity) LimitModel() LimitModel { return limitModels[i.opts.LimitModel] }

// strict tells whether a project may not have more than its domain.
func (i *Identity) strict() bool { return i.opts.LimitModel == "strict_two_level" }

// depth is how many projects may stand above one another, the domain included.
func (i *Identity) depth() int {
	if i.strict() {
		return 2
	}
	return maxDepth
}

// inTree holds limits, stored already, against those above and below them.
func (i *Identity) inTree(ctx context.Context, ls ...*Limit) error {
	if !i.strict() {
		return nil
	}
	for _, l := range ls {
		ok, err := i.fitsTree(ctx, l)
		if err != nil {
			return err
		}
		if !ok {
			level, id := "domain_id", l.DomainID
			if l.ProjectID != "" {
				level, id = "project_id", l.ProjectID
			}
			region := l.RegionID
			if region == "" {
				region = "None"
			}
			return fault.New(fault.Forbidden, "Invalid resource limit: The resource limit (%s: %s, resource_name: %s, resource_limit: %d, service_id: %s, region_id: %s) doesn't satisfy current hierarchy model..",
				level, id, l.ResourceName, l.Limit, l.ServiceID, region)
		}
	}
	return nil
}

func (i *Identity) fitsTree(ctx context.Context, l *Limit) (bool, error) {
	if l.ProjectID == "" {
		return i.coversBelow(ctx, l)
	}
	p, err := i.Project(ctx, l.ProjectID)
	if err != nil {
		return false, err
	}
	above, err := one[Limit](ctx, i.store, l.like(Match{"domain_id": p.DomainID}))
	if err != nil {
		return false, err
	}
	if above != nil {
		return !more(l.Limit, above.Limit), nil
	}
	base, err := one[RegisteredLimit](ctx, i.store, l.like(Match{}))
	return err == nil && (base == nil || !more(l.Limit, base.Default)), err
}

func (i *Identity) coversBelow(ctx context.Context, l *Limit) (bool, error) {
	ids, err := i.store.Subtree(ctx, l.DomainID)
	if err != nil {
		return false, err
	}
	below, err := all[Limit](ctx, i.store, l.like(Match{"project_id": ids}))
	for _, b := range below {
		if b.ID != l.ID && more(b.Limit, l.Limit) {
			return false, err
		}
	}
	return err == nil, err
}

// like adds what limits of the same resource have in common.
func (l *Limit) like(m Match) Match {
	m["service_id"], m["region_id"], m["resource_name"] = l.ServiceID, l.RegionID, l.ResourceName
	return m
}

// more tells whether a is more than b; -1 is without end.
func more(a, b int64) bool { return b >= 0 && (a < 0 || a > b) }
