package neutron

import "context"

// AddressScopes are those that the caller may see.
func (n *Networking) AddressScopes(ctx context.Context, q Query) ([]AddressScope, error) {
	return n.store.AddressScopes().List(ctx, asker(ctx, q))
}

// AddressScope is one that the caller may see.
func (n *Networking) AddressScope(ctx context.Context, id string) (*AddressScope, error) {
	return see(ctx, n.store.AddressScopes(), "address_scope", id)
}

// CreateAddressScope makes a scope without pools.
func (n *Networking) CreateAddressScope(ctx context.Context, s AddressScopeSpec) (out *AddressScope, err error) {
	err = n.store.Tx(ctx, func(ctx context.Context) error {
		a := AddressScope{Base: n.base(s.Common, 0), IPVersion: s.IPVersion, Shared: s.Shared.Value}
		out = &a
		if err := n.store.AddressScopes().Insert(ctx, &a); err != nil || !a.Shared {
			return err
		}
		return n.shareAs(ctx, "address_scope", a.ID, a.ProjectID, AsShared, true)
	})
	return out, err
}

// UpdateAddressScope changes a scope's name, or shares it; what is shared stays so.
func (n *Networking) UpdateAddressScope(ctx context.Context, id string, s AddressScopeSpec) (out *AddressScope, err error) {
	err = n.store.Tx(ctx, func(ctx context.Context) error {
		a, err := see(ctx, n.store.AddressScopes(), "address_scope", id)
		if err != nil {
			return err
		}
		if a.Shared && s.Shared.Set && !s.Shared.Value {
			return badValue("AddressScopeUpdateError", "Unable to update address scope %s : Shared address scope can't be unshared.", id)
		}
		s.Common.apply(&a.Base)
		out = a
		if s.Shared.Value && !a.Shared {
			a.Shared = true
			if err := n.shareAs(ctx, "address_scope", a.ID, a.ProjectID, AsShared, true); err != nil {
				return err
			}
		}
		return n.store.AddressScopes().Save(ctx, a)
	})
	return out, err
}

// DeleteAddressScope takes a scope away that no pool is in.
func (n *Networking) DeleteAddressScope(ctx context.Context, id string) error {
	return n.store.Tx(ctx, func(ctx context.Context) error {
		a, err := see(ctx, n.store.AddressScopes(), "address_scope", id)
		if err != nil {
			return err
		}
		used, err := n.store.Subnetpools().Count(ctx, Every("address_scope_id", id))
		if err != nil {
			return err
		}
		if used > 0 {
			return conflict("AddressScopeInUse", "Unable to complete operation on address scope %s. There are one or more subnet pools in use on the address scope.", id)
		}
		if err := n.dropRBAC(ctx, a.ID, AsShared); err != nil {
			return err
		}
		return n.store.AddressScopes().Delete(ctx, id)
	})
}
