package keystone

import (
	"context"

	"stackd/internal/fault"
	"stackd/internal/listing"
)

// Service is one service by id.
func (i *Identity) Service(ctx context.Context, id string) (*Service, error) {
	s, err := one[Service](ctx, i.store, Match{"id": id})
	if err == nil && s == nil {
		return nil, missing("service", id)
	}
	return s, err
}

// Services is one page of services.
func (i *Identity) Services(ctx context.Context, l listing.List) (listing.Page[*Service], error) {
	return pageOf[Service](ctx, i.store, l)
}

// CreateService keeps a new service.
func (i *Identity) CreateService(ctx context.Context, s *Service) error {
	s.ID = orNewID(s.ID)
	return i.drop(ctx, func(ctx context.Context) error { return i.store.Insert(ctx, s) })
}

// UpdateService changes a service in place.
func (i *Identity) UpdateService(ctx context.Context, id string, change func(*Service) error) (*Service, error) {
	var s *Service
	err := i.drop(ctx, func(ctx context.Context) error {
		var err error
		if s, err = i.Service(ctx, id); err != nil {
			return err
		}
		if err := change(s); err != nil {
			return err
		}
		return i.store.Update(ctx, s)
	})
	return s, err
}

// DeleteService takes a service and its endpoints away.
func (i *Identity) DeleteService(ctx context.Context, id string) error {
	return i.drop(ctx, func(ctx context.Context) error {
		if _, err := i.Service(ctx, id); err != nil {
			return err
		}
		return i.store.DropService(ctx, id)
	})
}

// Endpoint is one endpoint by id.
func (i *Identity) Endpoint(ctx context.Context, id string) (*Endpoint, error) {
	e, err := one[Endpoint](ctx, i.store, Match{"id": id})
	if err == nil && e == nil {
		return nil, missing("endpoint", id)
	}
	return e, err
}

// Endpoints is one page of endpoints.
func (i *Identity) Endpoints(ctx context.Context, l listing.List) (listing.Page[*Endpoint], error) {
	return pageOf[Endpoint](ctx, i.store, l)
}

// mayEndpoint: its service must be there, and its region, too. newRegion makes a
// region that is not, as clients of the older field "region" expect.
func (i *Identity) mayEndpoint(ctx context.Context, e *Endpoint, newRegion bool) error {
	if err := mayURL(e.URL); err != nil {
		return err
	}
	if _, err := i.Service(ctx, e.ServiceID); err != nil {
		return fault.New(fault.Invalid, "Could not find service: %s.", e.ServiceID).Because(err)
	}
	if e.RegionID == "" {
		return nil
	}
	r, err := one[Region](ctx, i.store, Match{"id": e.RegionID})
	if err != nil || r != nil {
		return err
	}
	if newRegion {
		return i.store.Insert(ctx, &Region{ID: e.RegionID})
	}
	return fault.New(fault.Invalid, "Could not find region: %s.", e.RegionID)
}

// CreateEndpoint keeps a new endpoint.
func (i *Identity) CreateEndpoint(ctx context.Context, e *Endpoint, newRegion bool) error {
	e.ID = orNewID(e.ID)
	return i.drop(ctx, func(ctx context.Context) error {
		if err := i.mayEndpoint(ctx, e, newRegion); err != nil {
			return err
		}
		return i.store.Insert(ctx, e)
	})
}

// UpdateEndpoint changes an endpoint in place.
func (i *Identity) UpdateEndpoint(ctx context.Context, id string, newRegion bool, change func(*Endpoint) error) (*Endpoint, error) {
	var e *Endpoint
	err := i.drop(ctx, func(ctx context.Context) error {
		var err error
		if e, err = i.Endpoint(ctx, id); err != nil {
			return err
		}
		if err := change(e); err != nil {
			return err
		}
		if err := i.mayEndpoint(ctx, e, newRegion); err != nil {
			return err
		}
		return i.store.Update(ctx, e)
	})
	return e, err
}

// DeleteEndpoint takes an endpoint away.
func (i *Identity) DeleteEndpoint(ctx context.Context, id string) error {
	return i.drop(ctx, func(ctx context.Context) error {
		n, err := i.store.Delete(ctx, (*Endpoint)(nil), Match{"id": id})
		if err == nil && n == 0 {
			return missing("endpoint", id)
		}
		if err != nil {
			return err
		}
		if _, err := i.store.Delete(ctx, (*PolicyAssociation)(nil), Match{"endpoint_id": id}); err != nil {
			return err
		}
		_, err = i.store.Delete(ctx, (*EndpointFilter)(nil), Match{"kind": "endpoint", "item_id": id})
		return err
	})
}
