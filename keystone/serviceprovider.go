package keystone

import (
	"context"

	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/sqldb"
)

// RelayStatePrefix is what a service provider's usual relay state begins with.
const RelayStatePrefix = "ss:mem:"

// A ServiceProvider is another cloud that believes what this one says of its users.
type ServiceProvider struct {
	ID               string  `bun:"id,pk"`
	Enabled          bool    `bun:"enabled"`
	Description      *string `bun:"description"`
	AuthURL          string  `bun:"auth_url"` // where its users get a token
	SPURL            string  `bun:"sp_url"`   // where it takes an assertion
	RelayStatePrefix string  `bun:"relay_state_prefix"`
}

// CreateServiceProvider keeps a new one. Tokens show those that are enabled.
func (i *Identity) CreateServiceProvider(ctx context.Context, p *ServiceProvider) error {
	return i.drop(ctx, func(ctx context.Context) error {
		err := i.store.Insert(ctx, p)
		if sqldb.Taken(err) {
			return conflict("service_provider", "Duplicate entry found with ID %s", p.ID)
		}
		return err
	})
}

// ServiceProvider is one by its id.
func (i *Identity) ServiceProvider(ctx context.Context, id string) (*ServiceProvider, error) {
	p, err := one[ServiceProvider](ctx, i.store, Match{"id": id})
	if err == nil && p == nil {
		return nil, fault.New(fault.NotFound, "Could not find Service Provider: %s.", id)
	}
	return p, err
}

// ServiceProviders is one page of them.
func (i *Identity) ServiceProviders(ctx context.Context, l listing.List) (listing.Page[*ServiceProvider], error) {
	return pageOf[ServiceProvider](ctx, i.store, l)
}

// EnabledServiceProviders are those that a token shows.
func (i *Identity) EnabledServiceProviders(ctx context.Context) ([]*ServiceProvider, error) {
	return all[ServiceProvider](ctx, i.store, Match{"enabled": true}, "id")
}

// UpdateServiceProvider changes one in place.
func (i *Identity) UpdateServiceProvider(ctx context.Context, id string, change func(*ServiceProvider) error) (*ServiceProvider, error) {
	var p *ServiceProvider
	err := i.drop(ctx, func(ctx context.Context) error {
		var err error
		if p, err = i.ServiceProvider(ctx, id); err != nil {
			return err
		}
		if err := change(p); err != nil {
			return err
		}
		return i.store.Update(ctx, p)
	})
	return p, err
}

// DeleteServiceProvider takes one away.
func (i *Identity) DeleteServiceProvider(ctx context.Context, id string) error {
	return i.drop(ctx, func(ctx context.Context) error {
		n, err := i.store.Delete(ctx, (*ServiceProvider)(nil), Match{"id": id})
		if err == nil && n == 0 {
			_, err = i.ServiceProvider(ctx, id)
		}
		return err
	})
}
