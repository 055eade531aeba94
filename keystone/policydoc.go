package keystone

import (
	"context"

	"stackd/internal/listing"
)

// A PolicyDoc is a policy file kept for some other service; identity only keeps it.
type PolicyDoc struct {
	ID    string         `bun:"id,pk"`
	Type  string         `bun:"type"`
	Blob  string         `bun:"blob"`
	Extra map[string]any `bun:"extra"`
}

// CreatePolicyDoc keeps one.
func (i *Identity) CreatePolicyDoc(ctx context.Context, p *PolicyDoc) error {
	p.ID = NewID()
	return i.db.Tx(ctx, func(ctx context.Context) error { return i.store.Insert(ctx, p) })
}

// PolicyDoc is one by id.
func (i *Identity) PolicyDoc(ctx context.Context, id string) (*PolicyDoc, error) {
	p, err := one[PolicyDoc](ctx, i.store, Match{"id": id})
	if err == nil && p == nil {
		return nil, missing("policy", id)
	}
	return p, err
}

// PolicyDocs is one page of them.
func (i *Identity) PolicyDocs(ctx context.Context, l listing.List) (listing.Page[*PolicyDoc], error) {
	return pageOf[PolicyDoc](ctx, i.store, l)
}

// UpdatePolicyDoc changes one in place.
func (i *Identity) UpdatePolicyDoc(ctx context.Context, id string, change func(*PolicyDoc) error) (*PolicyDoc, error) {
	var p *PolicyDoc
	err := i.db.Tx(ctx, func(ctx context.Context) error {
		var err error
		if p, err = i.PolicyDoc(ctx, id); err != nil {
			return err
		}
		if err := change(p); err != nil {
			return err
		}
		return i.store.Update(ctx, p)
	})
	return p, err
}

// DeletePolicyDoc takes one away.
func (i *Identity) DeletePolicyDoc(ctx context.Context, id string) error {
	return i.db.Tx(ctx, func(ctx context.Context) error {
		n, err := i.store.Delete(ctx, (*PolicyDoc)(nil), Match{"id": id})
		if err == nil && n == 0 {
			return missing("policy", id)
		}
		if err == nil {
			_, err = i.store.Delete(ctx, (*PolicyAssociation)(nil), Match{"policy_id": id})
		}
		return err
	})
}
