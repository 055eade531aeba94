package keystone

import (
	"context"

	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/sqldb"
)

// A RegisteredLimit is how much of a resource every project may have.
type RegisteredLimit struct {
	ID           string  `bun:"id,pk"`
	ServiceID    string  `bun:"service_id"`
	RegionID     string  `bun:"region_id"`
	ResourceName string  `bun:"resource_name"`
	Default      int64   `bun:"default_limit"`
	Description  *string `bun:"description"`
}

// A Limit is how much of a resource one project, or one domain, may have.
type Limit struct {
	ID           string  `bun:"id,pk"`
	ProjectID    string  `bun:"project_id"`
	DomainID     string  `bun:"domain_id"`
	ServiceID    string  `bun:"service_id"`
	RegionID     string  `bun:"region_id"`
	ResourceName string  `bun:"resource_name"`
	Limit        int64   `bun:"resource_limit"`
	Description  *string `bun:"description"`
}

func (i *Identity) limitPlace(ctx context.Context, service, region string) error {
	if _, err := i.Service(ctx, service); err != nil {
		return fault.New(fault.Invalid, "Could not find service: %s.", service).Because(err)
	}
	if region == "" {
		return nil
	}
	_, err := i.Region(ctx, region)
	if fault.Is(err, fault.NotFound) {
		return fault.New(fault.Invalid, "Could not find region: %s.", region)
	}
	return err
}

// CreateRegisteredLimits keeps several, or none when one is wrong.
func (i *Identity) CreateRegisteredLimits(ctx context.Context, ls []*RegisteredLimit) error {
	return i.db.Tx(ctx, func(ctx context.Context) error {
		for _, l := range ls {
			l.ID = NewID()
			if err := i.limitPlace(ctx, l.ServiceID, l.RegionID); err != nil {
				return err
			}
			if err := i.store.Insert(ctx, l); sqldb.Taken(err) {
				return conflict("registered_limit", "Duplicate entry")
			} else if err != nil {
				return err
			}
		}
		return nil
	})
}

// RegisteredLimit is one by id.
func (i *Identity) RegisteredLimit(ctx context.Context, id string) (*RegisteredLimit, error) {
	l, err := one[RegisteredLimit](ctx, i.store, Match{"id": id})
	if err == nil && l == nil {
		return nil, missing("registered limit for", id)
	}
	return l, err
}

// RegisteredLimits is one page of them.
func (i *Identity) RegisteredLimits(ctx context.Context, l listing.List) (listing.Page[*RegisteredLimit], error) {
	return pageOf[RegisteredLimit](ctx, i.store, l)
}

// used: a registered limit that limits stand on stays where it is.
func (i *Identity) used(ctx context.Context, l *RegisteredLimit) error {
	n, err := i.store.Count(ctx, (*Limit)(nil), Match{"service_id": l.ServiceID, "region_id": l.RegionID, "resource_name": l.ResourceName})
	if err == nil && n > 0 {
		return forbidden("Unable to update or delete registered limit %s because there are project limits associated with it.", l.ID)
	}
	return err
}

// UpdateRegisteredLimit changes one in place.
func (i *Identity) UpdateRegisteredLimit(ctx context.Context, id string, change func(*RegisteredLimit) error) (*RegisteredLimit, error) {
	var l *RegisteredLimit
	err := i.db.Tx(ctx, func(ctx context.Context) error {
		var err error
		if l, err = i.RegisteredLimit(ctx, id); err != nil {
			return err
		}
		old := *l
		if err := change(l); err != nil {
			return err
		}
		if old.ServiceID != l.ServiceID || old.RegionID != l.RegionID || old.ResourceName != l.ResourceName {
			if err := i.used(ctx, &old); err != nil {
				return err
			}
		}
		if err := i.limitPlace(ctx, l.ServiceID, l.RegionID); err != nil {
			return err
		}
		if err = i.store.Update(ctx, l); sqldb.Taken(err) {
			return conflict("registered_limit", "Duplicate entry")
		}
		return err
	})
	return l, err
}

// DeleteRegisteredLimit takes one away.
func (i *Identity) DeleteRegisteredLimit(ctx context.Context, id string) error {
	return i.db.Tx(ctx, func(ctx context.Context) error {
		l, err := i.RegisteredLimit(ctx, id)
		if err != nil {
			return err
		}
		if err := i.used(ctx, l); err != nil {
			return err
		}
		_, err = i.store.Delete(ctx, (*RegisteredLimit)(nil), Match{"id": id})
		return err
	})
}

// CreateLimits keeps several, or none when one is wrong. Each needs a registered
// limit to stand on.
func (i *Identity) CreateLimits(ctx context.Context, ls []*Limit) error {
	return i.db.Tx(ctx, func(ctx context.Context) error {
		for _, l := range ls {
			l.ID = NewID()
			if err := i.mayLimit(ctx, l); err != nil {
				return err
			}
			if err := i.store.Insert(ctx, l); sqldb.Taken(err) {
				return conflict("limit", "Duplicate entry")
			} else if err != nil {
				return err
			}
		}
		return i.inTree(ctx, ls...)
	})
}

func (i *Identity) mayLimit(ctx context.Context, l *Limit) error {
	if err := i.limitPlace(ctx, l.ServiceID, l.RegionID); err != nil {
		return err
	}
	if l.ProjectID != "" {
		if _, err := i.Project(ctx, l.ProjectID); err != nil {
			return err
		}
	} else if _, err := i.Domain(ctx, l.DomainID); err != nil {
		return err
	}
	n, err := i.store.Count(ctx, (*RegisteredLimit)(nil), Match{"service_id": l.ServiceID, "region_id": l.RegionID, "resource_name": l.ResourceName})
	if err == nil && n == 0 {
		return forbidden("Unable to create a limit that has no corresponding registered limit.")
	}
	return err
}

// Limit is one by id.
func (i *Identity) Limit(ctx context.Context, id string) (*Limit, error) {
	l, err := one[Limit](ctx, i.store, Match{"id": id})
	if err == nil && l == nil {
		return nil, missing("limit for", id)
	}
	return l, err
}

// Limits is one page of them.
func (i *Identity) Limits(ctx context.Context, l listing.List) (listing.Page[*Limit], error) {
	ls, err := i.store.Limits(ctx, l)
	return listing.Cut(ls, l.Limit), err
}

// UpdateLimit changes one in place.
func (i *Identity) UpdateLimit(ctx context.Context, id string, change func(*Limit) error) (*Limit, error) {
	var l *Limit
	err := i.db.Tx(ctx, func(ctx context.Context) error {
		var err error
		if l, err = i.Limit(ctx, id); err != nil {
			return err
		}
		if err := change(l); err != nil {
			return err
		}
		if err := i.store.Update(ctx, l); err != nil {
			return err
		}
		return i.inTree(ctx, l)
	})
	return l, err
}

// DeleteLimit takes one away.
func (i *Identity) DeleteLimit(ctx context.Context, id string) error {
	return i.db.Tx(ctx, func(ctx context.Context) error {
		n, err := i.store.Delete(ctx, (*Limit)(nil), Match{"id": id})
		if err == nil && n == 0 {
			return missing("limit for", id)
		}
		return err
	})
}
