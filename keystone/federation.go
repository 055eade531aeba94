package keystone

import (
	"context"
	"slices"
	"time"

	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/sqldb"
)

// An IdentityProvider is somebody else who says who people are.
type IdentityProvider struct {
	ID               string  `bun:"id,pk"`
	DomainID         string  `bun:"domain_id"` // its users are made there
	Enabled          bool    `bun:"enabled"`
	Description      *string `bun:"description"`
	AuthorizationTTL *int64  `bun:"authorization_ttl"` // minutes that its word on groups is believed; nil is the cloud's usual

	RemoteIDs []string `bun:"-"` // by which it names itself
}

// A RemoteID is a name that one identity provider alone gives itself.
type RemoteID struct {
	RemoteID string `bun:"remote_id,pk"`
	IdPID    string `bun:"idp_id"`
}

func noIdP(id string) error {
	return fault.New(fault.NotFound, "Could not find Identity Provider: %s.", id)
}

// CreateIdentityProvider keeps a new one. Without a domain it is given its own.
func (i *Identity) CreateIdentityProvider(ctx context.Context, p *IdentityProvider) error {
	return i.db.Tx(ctx, func(ctx context.Context) error {
		old, err := one[IdentityProvider](ctx, i.store, Match{"id": p.ID})
		if err == nil && old != nil {
			err = conflict("identity_provider", "Duplicate entry: %s", p.ID)
		}
		if err != nil {
			return err
		}
		made := *p
		if err := i.homeOfIdP(ctx, &made); err != nil {
			return err
		}
		if err := i.store.Insert(ctx, &made); err != nil {
			return err
		}
		p.DomainID = made.DomainID
		return i.setRemoteIDs(ctx, p)
	})
}

func (i *Identity) homeOfIdP(ctx context.Context, p *IdentityProvider) error {
	if p.DomainID != "" {
		_, err := i.Domain(ctx, p.DomainID)
		return err
	}
	p.DomainID = NewID()
	return i.CreateProject(ctx, &Project{ID: p.DomainID, Name: p.DomainID, IsDomain: true, Enabled: true,
		Description: "Auto generated federated domain for Identity Provider: " + p.ID})
}

func (i *Identity) setRemoteIDs(ctx context.Context, p *IdentityProvider) error {
	if _, err := i.store.Delete(ctx, (*RemoteID)(nil), Match{"idp_id": p.ID}); err != nil {
		return err
	}
	slices.Sort(p.RemoteIDs)
	taken, err := all[RemoteID](ctx, i.store, Match{"remote_id": p.RemoteIDs})
	if err == nil && len(taken) > 0 {
		err = conflict("identity_provider", "Duplicate remote ID: %s", taken[0].RemoteID)
	}
	for n := 0; err == nil && n < len(p.RemoteIDs); n++ {
		if err = i.store.Insert(ctx, &RemoteID{p.RemoteIDs[n], p.ID}); sqldb.Taken(err) {
			err = conflict("identity_provider", "Duplicate remote ID: %s", p.RemoteIDs[n])
		}
	}
	return err
}

// IdentityProvider is one by its id.
func (i *Identity) IdentityProvider(ctx context.Context, id string) (*IdentityProvider, error) {
	p, err := one[IdentityProvider](ctx, i.store, Match{"id": id})
	if err == nil && p == nil {
		err = noIdP(id)
	}
	if err != nil {
		return nil, err
	}
	return p, i.withRemoteIDs(ctx, []*IdentityProvider{p})
}

func (i *Identity) withRemoteIDs(ctx context.Context, ps []*IdentityProvider) error {
	by := map[string]*IdentityProvider{}
	ids := []string{}
	for _, p := range ps {
		by[p.ID], ids = p, append(ids, p.ID)
	}
	rows, err := all[RemoteID](ctx, i.store, Match{"idp_id": ids}, "remote_id")
	for _, r := range rows {
		by[r.IdPID].RemoteIDs = append(by[r.IdPID].RemoteIDs, r.RemoteID)
	}
	return err
}

// IdentityProviders is one page of them.
func (i *Identity) IdentityProviders(ctx context.Context, l listing.List) (listing.Page[*IdentityProvider], error) {
	page, err := pageOf[IdentityProvider](ctx, i.store, l)
	if err != nil {
		return page, err
	}
	return page, i.withRemoteIDs(ctx, page.Items)
}

// UpdateIdentityProvider changes one in place. Sessions by one that is disabled end.
func (i *Identity) UpdateIdentityProvider(ctx context.Context, id string, change func(*IdentityProvider) error) (*IdentityProvider, error) {
	var p *IdentityProvider
	err := i.drop(ctx, func(ctx context.Context) error {
		var err error
		if p, err = i.IdentityProvider(ctx, id); err != nil {
			return err
		}
		if err := change(p); err != nil {
			return err
		}
		if err := i.store.Update(ctx, p); err != nil {
			return err
		}
		return i.setRemoteIDs(ctx, p)
	})
	return p, err
}

// DeleteIdentityProvider takes one away, with its protocols and the users that are
// known by it alone. Its domain stays.
func (i *Identity) DeleteIdentityProvider(ctx context.Context, id string) error {
	return i.drop(ctx, func(ctx context.Context) error {
		if _, err := i.IdentityProvider(ctx, id); err != nil {
			return err
		}
		if err := i.dropFederated(ctx, Match{"idp_id": id}); err != nil {
			return err
		}
		for _, kind := range []any{(*Protocol)(nil), (*RemoteID)(nil), (*ExpiringMembership)(nil)} {
			if _, err := i.store.Delete(ctx, kind, Match{"idp_id": id}); err != nil {
				return err
			}
		}
		_, err := i.store.Delete(ctx, (*IdentityProvider)(nil), Match{"id": id})
		return err
	})
}

// dropFederated forgets who people of a provider were; users that sign-in made and
// that nobody else stands for go with them.
func (i *Identity) dropFederated(ctx context.Context, m Match) error {
	rows, err := all[FederatedUser](ctx, i.store, m)
	if err != nil {
		return err
	}
	if _, err := i.store.Delete(ctx, (*FederatedUser)(nil), m); err != nil {
		return err
	}
	for _, r := range rows {
		if !r.Shadow {
			continue
		}
		n, err := i.store.Count(ctx, (*FederatedUser)(nil), Match{"user_id": r.UserID})
		if err == nil && n == 0 {
			err = i.store.DropUser(ctx, r.UserID)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// memberFor is how long the provider's word on groups is believed.
func (i *Identity) memberFor(p *IdentityProvider) time.Duration {
	if p.AuthorizationTTL != nil {
		return time.Duration(*p.AuthorizationTTL) * time.Minute
	}
	return i.opts.Federation.AuthorizationTTL
}
