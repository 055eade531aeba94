package neutron

import (
	"context"
	"fmt"

	"github.com/google/uuid"
)

// RBACPolicies are those that the caller may see.
func (n *Networking) RBACPolicies(ctx context.Context, q Query) ([]RBACPolicy, error) {
	return n.store.RBAC().List(ctx, asker(ctx, q))
}

// RBACPolicy is one that the caller may see.
func (n *Networking) RBACPolicy(ctx context.Context, id string) (*RBACPolicy, error) {
	return see(ctx, n.store.RBAC(), "rbac_policy", id)
}

// CreateRBACPolicy lets another project use a thing of the caller's.
func (n *Networking) CreateRBACPolicy(ctx context.Context, s RBACSpec) (out *RBACPolicy, err error) {
	err = n.store.Tx(ctx, func(ctx context.Context) error {
		if err := n.ownObject(ctx, s); err != nil {
			return err
		}
		if err := n.room(ctx, s.ProjectID, "rbac_policy", 1); err != nil {
			return err
		}
		have, err := n.store.RBAC().Count(ctx, Every("object_id", s.ObjectID).And("action", s.Action).And("target_tenant", s.Target))
		if err != nil {
			return err
		}
		if have > 0 {
			return conflict("DuplicateRbacPolicy", "An RBAC policy already exists with those values.")
		}
		out = &RBACPolicy{ID: uuid.NewString(), ProjectID: s.ProjectID, ObjectType: s.ObjectType, ObjectID: s.ObjectID, Action: s.Action, Target: s.Target}
		if err := n.store.RBAC().Insert(ctx, out); err != nil {
			return err
		}
		return n.afterRBAC(ctx, out)
	})
	return out, err
}

// afterRBAC counts the change of a network; one that a policy lets anybody use as
// external is external.
func (n *Networking) afterRBAC(ctx context.Context, r *RBACPolicy) error {
	if r.ObjectType != "network" {
		return nil
	}
	net, err := get(ctx, n.store.Networks(), "network", r.ObjectID)
	if err != nil {
		return err
	}
	if r.Action == AsExternal {
		left, err := n.store.RBAC().Count(ctx, Every("object_id", r.ObjectID).And("action", AsExternal))
		if err != nil {
			return err
		}
		net.External = left > 0
	}
	return n.bump(ctx, net)
}

// ownObject: a policy is for a thing that the caller owns.
func (n *Networking) ownObject(ctx context.Context, s RBACSpec) error {
	project, err := n.ownerOf(ctx, s.ObjectType, s.ObjectID)
	if err == nil && !mine(ctx, project) {
		err = invalid("Only admins can manipulate policies on objects they do not own")
	}
	if err == nil && s.ObjectType == "subnetpool" {
		err = n.scopeFor(ctx, s)
	}
	if err == nil && s.Action == AsExternal && s.ObjectType != "network" {
		err = invalid("Invalid action '%s' for object type '%s'. Valid actions: %s", s.Action, s.ObjectType, AsShared)
	}
	return err
}

// scopeFor: who is to use a pool must be able to use its address scope.
func (n *Networking) scopeFor(ctx context.Context, s RBACSpec) error {
	p, err := get(ctx, n.store.Subnetpools(), "subnetpool", s.ObjectID)
	if err != nil || p.AddressScopeID == "" {
		return err
	}
	a, err := get(ctx, n.store.AddressScopes(), "address_scope", p.AddressScopeID)
	if err != nil || a.ProjectID == s.Target {
		return err
	}
	shares, err := n.store.RBAC().Count(ctx, Every("object_id", a.ID).And("action", AsShared).And("target_tenant", Everyone, s.Target))
	if err == nil && shares == 0 {
		err = bad("rbac_policy", "subnet pool %s cannot be shared with %s: its address scope %s is not", p.ID, s.Target, a.ID)
	}
	return err
}

func (n *Networking) ownerOf(ctx context.Context, kind, id string) (string, error) {
	switch kind {
	case "network":
		x, err := see(ctx, n.store.Networks(), kind, id)
		return ownerIf(x != nil, func() string { return x.ProjectID }), err
	case "subnetpool":
		x, err := see(ctx, n.store.Subnetpools(), kind, id)
		return ownerIf(x != nil, func() string { return x.ProjectID }), err
	case "address_scope":
		x, err := see(ctx, n.store.AddressScopes(), kind, id)
		return ownerIf(x != nil, func() string { return x.ProjectID }), err
	case "security_group":
		x, err := see(ctx, n.store.SecurityGroups(), kind, id)
		return ownerIf(x != nil, func() string { return x.ProjectID }), err
	}
	return "", badValue("RbacInvalidObjectType", "Invalid value for RBAC object type: %s.", kind)
}

func ownerIf(ok bool, f func() string) string {
	if ok {
		return f()
	}
	return ""
}

// RetargetRBACPolicy lets another project use the thing instead.
func (n *Networking) RetargetRBACPolicy(ctx context.Context, id, target string) (out *RBACPolicy, err error) {
	err = n.store.Tx(ctx, func(ctx context.Context) error {
		r, err := see(ctx, n.store.RBAC(), "rbac_policy", id)
		if err != nil {
			return err
		}
		if err := n.unneededRBAC(ctx, r, target); err != nil {
			return err
		}
		r.Target = target
		out = r
		if err := n.store.RBAC().Save(ctx, r); err != nil {
			return err
		}
		return n.afterRBAC(ctx, r)
	})
	return out, err
}

// DeleteRBACPolicy lets the other project use the thing no more, unless it does.
func (n *Networking) DeleteRBACPolicy(ctx context.Context, id string) error {
	return n.store.Tx(ctx, func(ctx context.Context) error {
		r, err := see(ctx, n.store.RBAC(), "rbac_policy", id)
		if err != nil {
			return err
		}
		if err := n.unneededRBAC(ctx, r, ""); err != nil {
			return err
		}
		if err := n.store.RBAC().Delete(ctx, id); err != nil {
			return err
		}
		return n.afterRBAC(ctx, r)
	})
}

// unneededRBAC: no project may use the thing only because of the policy, that is
// going away or going to be for another target.
func (n *Networking) unneededRBAC(ctx context.Context, r *RBACPolicy, target string) error {
	if r.Action == AsExternal && r.Target == Everyone && target == "" {
		net, err := get(ctx, n.store.Networks(), "network", r.ObjectID)
		if err != nil {
			return err
		}
		if net.IsDefault {
			return rbacInUse(r, "the network is the default external one")
		}
	}
	users, err := n.usersOf(ctx, r)
	if err != nil {
		return err
	}
	others, err := n.store.RBAC().List(ctx, Every("object_id", r.ObjectID).And("action", r.Action))
	if err != nil {
		return err
	}
	allowed := map[string]bool{target: true, r.ProjectID: true, "": true}
	for _, o := range others {
		allowed[o.Target] = allowed[o.Target] || o.ID != r.ID
	}
	for _, u := range users {
		if !allowed[u] && !allowed[Everyone] && (r.Target == Everyone || r.Target == u) {
			return rbacInUse(r, fmt.Sprintf("project %s uses it", u))
		}
	}
	return nil
}

func rbacInUse(r *RBACPolicy, why string) error {
	return conflict("RbacPolicyInUse", "RBAC policy on object %s cannot be removed because other objects depend on it.\nDetails: %s", r.ObjectID, why)
}

// usersOf are the projects of what depends on the thing of a policy: gateways and
// floating IPs on an external network, ports on a shared one, subnets of a pool,
// pools of an address scope, ports and rules with a security group.
func (n *Networking) usersOf(ctx context.Context, r *RBACPolicy) ([]string, error) {
	switch {
	case r.Action == AsExternal:
		a, err := owners(ctx, n.store.Routers(), Every("gateway_network_id", r.ObjectID), func(x *Router) string { return x.ProjectID })
		if err != nil {
			return nil, err
		}
		b, err := owners(ctx, n.store.FloatingIPs(), Every("floating_network_id", r.ObjectID), func(x *FloatingIP) string { return x.ProjectID })
		return append(a, b...), err
	case r.ObjectType == "network":
		return owners(ctx, n.store.Ports(), Every("network_id", r.ObjectID), func(x *Port) string { return x.ProjectID })
	case r.ObjectType == "subnetpool":
		return owners(ctx, n.store.Subnets(), Every("subnetpool_id", r.ObjectID), func(x *Subnet) string { return x.ProjectID })
	case r.ObjectType == "address_scope":
		return owners(ctx, n.store.Subnetpools(), Every("address_scope_id", r.ObjectID), func(x *Subnetpool) string { return x.ProjectID })
	}
	a, err := owners(ctx, n.store.Ports(), Every("security_groups", r.ObjectID), func(x *Port) string { return x.ProjectID })
	if err != nil {
		return nil, err
	}
	b, err := owners(ctx, n.store.Rules(), Every("remote_group_id", r.ObjectID), func(x *Rule) string { return x.ProjectID })
	return append(a, b...), err
}

func owners[T any](ctx context.Context, t Table[T], q Query, project func(*T) string) ([]string, error) {
	q.Bare = true
	rows, err := t.List(ctx, q)
	out := make([]string, len(rows))
	for i := range rows {
		out[i] = project(&rows[i])
	}
	return out, err
}
