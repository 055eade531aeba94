package keystone

import (
	"context"
	"encoding/json"

	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/sqldb"
	"stackd/keystone/mapping"
)

// A Protocol is a way in which an identity provider says who people are, and the
// mapping by which that is read.
type Protocol struct {
	IdPID     string  `bun:"idp_id,pk"`
	ID        string  `bun:"id,pk"`
	MappingID string  `bun:"mapping_id"`
	Attribute *string `bun:"remote_id_attribute"` // in which the provider names itself
}

// An AttributeMapping is kept rules; see the mapping package.
type AttributeMapping struct {
	ID            string          `bun:"id,pk"`
	Rules         json.RawMessage `bun:"rules,type:text"`
	SchemaVersion string          `bun:"schema_version"`
}

// CreateProtocol keeps a new protocol of an identity provider that is there.
func (i *Identity) CreateProtocol(ctx context.Context, p *Protocol) error {
	return i.db.Tx(ctx, func(ctx context.Context) error {
		if err := i.mayMapBy(ctx, p.MappingID); err != nil {
			return err
		}
		if _, err := i.IdentityProvider(ctx, p.IdPID); err != nil {
			return err
		}
		err := i.store.Insert(ctx, p)
		if sqldb.Taken(err) {
			return conflict("federation_protocol", "Duplicate entry found with ID %s", p.ID)
		}
		return err
	})
}

func (i *Identity) mayMapBy(ctx context.Context, id string) error {
	n, err := i.store.Count(ctx, (*AttributeMapping)(nil), Match{"id": id})
	if err == nil && n == 0 {
		return fault.New(fault.Invalid, "Invalid mapping id: %s", id)
	}
	return err
}

// Protocol is one protocol of an identity provider.
func (i *Identity) Protocol(ctx context.Context, idp, id string) (*Protocol, error) {
	p, err := one[Protocol](ctx, i.store, Match{"idp_id": idp, "id": id})
	if err == nil && p == nil {
		return nil, fault.New(fault.NotFound, "Could not find federated protocol %s for Identity Provider: %s.", id, idp)
	}
	return p, err
}

// Protocols are those of an identity provider.
func (i *Identity) Protocols(ctx context.Context, idp string) ([]*Protocol, error) {
	return all[Protocol](ctx, i.store, Match{"idp_id": idp}, "id")
}

// UpdateProtocol changes a protocol in place.
func (i *Identity) UpdateProtocol(ctx context.Context, idp, id string, change func(*Protocol) error) (*Protocol, error) {
	var p *Protocol
	err := i.db.Tx(ctx, func(ctx context.Context) error {
		var err error
		if p, err = i.Protocol(ctx, idp, id); err != nil {
			return err
		}
		if err := change(p); err != nil {
			return err
		}
		if err := i.mayMapBy(ctx, p.MappingID); err != nil {
			return err
		}
		return i.store.Update(ctx, p)
	})
	return p, err
}

// DeleteProtocol takes a protocol away, and the users that are known by it alone.
func (i *Identity) DeleteProtocol(ctx context.Context, idp, id string) error {
	return i.drop(ctx, func(ctx context.Context) error {
		if _, err := i.Protocol(ctx, idp, id); err != nil {
			return err
		}
		if err := i.dropFederated(ctx, Match{"idp_id": idp, "protocol_id": id}); err != nil {
			return err
		}
		_, err := i.store.Delete(ctx, (*Protocol)(nil), Match{"idp_id": idp, "id": id})
		return err
	})
}

// CreateMapping keeps new rules, which must be good ones.
func (i *Identity) CreateMapping(ctx context.Context, m *AttributeMapping) error {
	if _, err := mapping.Parse(m.SchemaVersion, m.Rules); err != nil {
		return err
	}
	err := i.db.Tx(ctx, func(ctx context.Context) error { return i.store.Insert(ctx, m) })
	if sqldb.Taken(err) {
		return conflict("mapping", "Duplicate entry found with ID %s", m.ID)
	}
	return err
}

// Mapping is one mapping by its id.
func (i *Identity) Mapping(ctx context.Context, id string) (*AttributeMapping, error) {
	m, err := one[AttributeMapping](ctx, i.store, Match{"id": id})
	if err == nil && m == nil {
		return nil, missing("mapping", id)
	}
	return m, err
}

// Mappings is one page of them.
func (i *Identity) Mappings(ctx context.Context, l listing.List) (listing.Page[*AttributeMapping], error) {
	return pageOf[AttributeMapping](ctx, i.store, l)
}

// UpdateMapping puts other rules in a mapping's place.
func (i *Identity) UpdateMapping(ctx context.Context, m *AttributeMapping) error {
	if _, err := mapping.Parse(m.SchemaVersion, m.Rules); err != nil {
		return err
	}
	return i.db.Tx(ctx, func(ctx context.Context) error {
		if _, err := i.Mapping(ctx, m.ID); err != nil {
			return err
		}
		return i.store.Update(ctx, m)
	})
}

// DeleteMapping takes a mapping away. Who signs in by it cannot any more.
func (i *Identity) DeleteMapping(ctx context.Context, id string) error {
	return i.db.Tx(ctx, func(ctx context.Context) error {
		n, err := i.store.Delete(ctx, (*AttributeMapping)(nil), Match{"id": id})
		if err == nil && n == 0 {
			return missing("mapping", id)
		}
		return err
	})
}
