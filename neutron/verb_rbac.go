package neutron

import (
	"context"

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
		return n.store.RBAC().Insert(ctx, out)
	})
	return out, err
}

// ownObject: a policy is for a thing that the caller owns.
func (n *Networking) ownObject(ctx context.Context, s RBACSpec) error {
	project, err := n.ownerOf(ctx, s.ObjectType, s.ObjectID)
	if err == nil && !mine(ctx, project) {
		err = missing(s.ObjectType, s.ObjectID)
	}
	if err == nil && s.Action == AsExternal && s.ObjectType != "network" {
		err = invalid("Invalid action '%s' for object type '%s'. Valid actions: %s", s.Action, s.ObjectType, AsShared)
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
		if r.ObjectType == "network" && r.Action == AsShared && target != Everyone {
			if err := n.unusedBy(ctx, r); err != nil {
				return err
			}
		}
		r.Target = target
		out = r
		return n.store.RBAC().Save(ctx, r)
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
		if r.ObjectType == "network" && r.Action == AsShared {
			if err := n.unusedBy(ctx, r); err != nil {
				return err
			}
		}
		return n.store.RBAC().Delete(ctx, id)
	})
}

func (n *Networking) unusedBy(ctx context.Context, r *RBACPolicy) error {
	ports, err := n.store.Ports().List(ctx, Every("network_id", r.ObjectID))
	if err != nil {
		return err
	}
	for _, p := range ports {
		if p.ProjectID != "" && p.ProjectID != r.ProjectID && (r.Target == Everyone || r.Target == p.ProjectID) {
			return conflict("RbacPolicyInUse", "RBAC policy on object %s cannot be removed because other objects depend on it.\nDetails: Callback neutron.db.db_base_plugin_v2.NeutronDbPluginV2.validate_network_rbac_policy_change failed with \"Unable to reconfigure sharing settings for network %s. Multiple tenants are using it.\"", r.ObjectID, r.ObjectID)
		}
	}
	return nil
}
