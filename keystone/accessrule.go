package keystone

import (
	"context"

	"stackd/internal/fault"
	"stackd/internal/listing"
)

// AccessRule is one of a user's access rules.
func (i *Identity) AccessRule(ctx context.Context, user, id string) (*AccessRule, error) {
	r, err := one[AccessRule](ctx, i.store, Match{"id": id, "user_id": user})
	if err == nil && r == nil {
		return nil, missing("Access Rule", id)
	}
	return r, err
}

// AccessRules is one page of a user's access rules.
func (i *Identity) AccessRules(ctx context.Context, l listing.List) (listing.Page[*AccessRule], error) {
	return pageOf[AccessRule](ctx, i.store, l)
}

// DeleteAccessRule takes one away that no application credential uses.
func (i *Identity) DeleteAccessRule(ctx context.Context, user, id string) error {
	return i.db.Tx(ctx, func(ctx context.Context) error {
		if _, err := i.AccessRule(ctx, user, id); err != nil {
			return err
		}
		creds, err := all[AppCredential](ctx, i.store, Match{"user_id": user})
		if err != nil {
			return err
		}
		for _, c := range creds {
			for _, r := range c.RuleIDs {
				if r == id {
					return fault.New(fault.Forbidden, "You are not authorized to perform the requested action: access rule %s is used by an application credential.", id)
				}
			}
		}
		_, err = i.store.Delete(ctx, (*AccessRule)(nil), Match{"id": id})
		return err
	})
}
