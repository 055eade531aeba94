package keystone

import (
	"context"

	"stackd/internal/fault"
)

// A PolicyAssociation says which policy counts for an endpoint, else for a service
// in a region and the regions below it, else for a service: exactly one of these.
type PolicyAssociation struct {
	EndpointID string `bun:"endpoint_id,pk"`
	ServiceID  string `bun:"service_id,pk"`
	RegionID   string `bun:"region_id,pk"`
	PolicyID   string `bun:"policy_id"`
}

func (a *PolicyAssociation) match() Match {
	return Match{"endpoint_id": a.EndpointID, "service_id": a.ServiceID, "region_id": a.RegionID}
}

// mayAssociate sees that all that an association names is there.
func (i *Identity) mayAssociate(ctx context.Context, a *PolicyAssociation) error {
	_, err := i.PolicyDoc(ctx, a.PolicyID)
	if err == nil && a.EndpointID != "" {
		_, err = i.Endpoint(ctx, a.EndpointID)
	}
	if err == nil && a.ServiceID != "" {
		_, err = i.Service(ctx, a.ServiceID)
	}
	if err == nil && a.RegionID != "" {
		_, err = i.Region(ctx, a.RegionID)
	}
	return err
}

// AssociatePolicy has a policy count, in place of the one that did.
func (i *Identity) AssociatePolicy(ctx context.Context, a *PolicyAssociation) error {
	return i.db.Tx(ctx, func(ctx context.Context) error {
		if err := i.mayAssociate(ctx, a); err != nil {
			return err
		}
		if _, err := i.store.Delete(ctx, (*PolicyAssociation)(nil), a.match()); err != nil {
			return err
		}
		return i.store.Insert(ctx, a)
	})
}

// CheckPolicyAssociation is NotFound unless this very policy counts.
func (i *Identity) CheckPolicyAssociation(ctx context.Context, a *PolicyAssociation) error {
	if err := i.mayAssociate(ctx, a); err != nil {
		return err
	}
	m := a.match()
	m["policy_id"] = a.PolicyID
	n, err := i.store.Count(ctx, (*PolicyAssociation)(nil), m)
	if err == nil && n == 0 {
		return fault.New(fault.NotFound, "Could not find policy association.")
	}
	return err
}

// DropPolicyAssociation has the policy count no more; that it did not is no matter.
func (i *Identity) DropPolicyAssociation(ctx context.Context, a *PolicyAssociation) error {
	return i.db.Tx(ctx, func(ctx context.Context) error {
		if err := i.mayAssociate(ctx, a); err != nil {
			return err
		}
		m := a.match()
		m["policy_id"] = a.PolicyID
		_, err := i.store.Delete(ctx, (*PolicyAssociation)(nil), m)
		return err
	})
}

// PolicyOfEndpoint is the policy that counts for an endpoint: its own, that of its
// service in its region or the nearest one above, or that of its service.
func (i *Identity) PolicyOfEndpoint(ctx context.Context, id string) (*PolicyDoc, error) {
	e, err := i.Endpoint(ctx, id)
	if err != nil {
		return nil, err
	}
	places := []PolicyAssociation{{EndpointID: id}}
	line, err := i.regionsAbove(ctx, e.RegionID)
	if err != nil {
		return nil, err
	}
	for _, r := range append(line, "") {
		places = append(places, PolicyAssociation{ServiceID: e.ServiceID, RegionID: r})
	}
	for _, p := range places {
		a, err := one[PolicyAssociation](ctx, i.store, p.match())
		if err != nil {
			return nil, err
		}
		if a != nil {
			return i.PolicyDoc(ctx, a.PolicyID)
		}
	}
	return nil, fault.New(fault.NotFound, "No policy is associated with endpoint %s.", id)
}

// regionsAbove are a region and all above it.
func (i *Identity) regionsAbove(ctx context.Context, id string) ([]string, error) {
	var line []string
	for id != "" {
		r, err := i.Region(ctx, id)
		if err != nil {
			return nil, err
		}
		line, id = append(line, r.ID), r.ParentID
	}
	return line, nil
}

// EndpointsOfPolicy are the endpoints for which associations name a policy.
func (i *Identity) EndpointsOfPolicy(ctx context.Context, id string) ([]*Endpoint, error) {
	if _, err := i.PolicyDoc(ctx, id); err != nil {
		return nil, err
	}
	as, err := all[PolicyAssociation](ctx, i.store, Match{"policy_id": id})
	if err != nil || len(as) == 0 {
		return nil, err
	}
	endpoints, err := all[Endpoint](ctx, i.store, Match{}, "id")
	if err != nil {
		return nil, err
	}
	regions, err := all[Region](ctx, i.store, Match{})
	above := map[string]string{}
	for _, r := range regions {
		above[r.ID] = r.ParentID
	}
	var out []*Endpoint
	for _, e := range endpoints {
		for _, a := range as {
			if a.names(e, above) {
				out = append(out, e)
				break
			}
		}
	}
	return out, err
}

func (a *PolicyAssociation) names(e *Endpoint, above map[string]string) bool {
	if a.EndpointID != "" || a.ServiceID != e.ServiceID || a.RegionID == "" {
		return a.EndpointID == e.ID || a.EndpointID == "" && a.ServiceID == e.ServiceID
	}
	for r := e.RegionID; r != ""; r = above[r] {
		if r == a.RegionID {
			return true
		}
	}
	return false
}
