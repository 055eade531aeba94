package neutron

import (
	"context"
	"slices"

	"github.com/google/uuid"
)

// SecurityGroups are those that the caller may see. Its project's default group is
// made when it is not there yet.
func (n *Networking) SecurityGroups(ctx context.Context, q Query) ([]SecurityGroup, error) {
	q = asker(ctx, q)
	if err := n.withDefault(ctx, q.Project); err != nil {
		return nil, err
	}
	return n.store.SecurityGroups().List(ctx, q)
}

func (n *Networking) withDefault(ctx context.Context, project string) error {
	if project == "" {
		return nil
	}
	_, err := n.DefaultGroup(ctx, project)
	return err
}

// SecurityGroup is one that the caller may see.
func (n *Networking) SecurityGroup(ctx context.Context, id string) (*SecurityGroup, error) {
	return see(ctx, n.store.SecurityGroups(), "security_group", id)
}

// DefaultGroup is the id of a project's default group, made when it is not there yet.
func (n *Networking) DefaultGroup(ctx context.Context, project string) (id string, err error) {
	have, err := n.store.SecurityGroups().List(ctx, Every("is_default", "true").And("project_id", project).Alone())
	if err != nil || len(have) > 0 {
		if len(have) > 0 {
			id = have[0].ID
		}
		return id, err
	}
	err = n.store.Tx(ctx, func(ctx context.Context) error {
		id, err = n.defaultGroup(ctx, project)
		return err
	})
	return id, err
}

func (n *Networking) defaultGroup(ctx context.Context, project string) (string, error) {
	have, err := n.store.SecurityGroups().List(ctx, Every("is_default", "true").And("project_id", project).Alone())
	if err != nil {
		return "", err
	}
	if len(have) > 0 {
		return have[0].ID, nil
	}
	g := SecurityGroup{Base: n.base(Common{ProjectID: project, Name: Some("default"), Description: Some("Default security group")}, 1), Stateful: true, IsDefault: true}
	return g.ID, n.addGroup(ctx, &g)
}

// addGroup writes a group with the rules that every new group has: all may leave,
// and in a default group all its members may come in.
func (n *Networking) addGroup(ctx context.Context, g *SecurityGroup) error {
	if err := n.store.SecurityGroups().Insert(ctx, g); err != nil {
		return err
	}
	for _, e := range []string{"IPv4", "IPv6"} {
		g.Rules = append(g.Rules, n.rule(g, "egress", e, ""))
	}
	if g.IsDefault {
		for _, e := range []string{"IPv4", "IPv6"} {
			g.Rules = append(g.Rules, n.rule(g, "ingress", e, g.ID))
		}
	}
	for i := range g.Rules {
		if err := n.store.Rules().Insert(ctx, &g.Rules[i]); err != nil {
			return err
		}
	}
	n.changed(ctx, "group/"+g.ID)
	return nil
}

func (n *Networking) rule(g *SecurityGroup, direction, ethertype, remote string) Rule {
	now := n.store.Now()
	return Rule{ID: uuid.NewString(), ProjectID: g.ProjectID, GroupID: g.ID, Direction: direction, Ethertype: ethertype, RemoteGroupID: remote, CreatedAt: now, UpdatedAt: now}
}

// CreateSecurityGroup makes a group from which all may leave and none come in.
func (n *Networking) CreateSecurityGroup(ctx context.Context, s SecurityGroupSpec) (out *SecurityGroup, err error) {
	err = n.store.Tx(ctx, func(ctx context.Context) error {
		if err := n.room(ctx, s.ProjectID, "security_group", 1); err != nil {
			return err
		}
		if err := n.room(ctx, s.ProjectID, "security_group_rule", 2); err != nil {
			return err
		}
		if _, err := n.defaultGroup(ctx, s.ProjectID); err != nil {
			return err
		}
		if s.Name.Or("") == "default" {
			return conflict("SecurityGroupDefaultAlreadyExists", "Default security group already exists.")
		}
		g := SecurityGroup{Base: n.base(s.Common, 1), Stateful: s.Stateful.Or(true)}
		out = &g
		return n.addGroup(ctx, &g)
	})
	return out, err
}

// UpdateSecurityGroup changes a group's name, description or statefulness.
func (n *Networking) UpdateSecurityGroup(ctx context.Context, id string, s SecurityGroupSpec) (out *SecurityGroup, err error) {
	err = n.store.Tx(ctx, func(ctx context.Context) error {
		g, err := see(ctx, n.store.SecurityGroups(), "security_group", id)
		if err != nil {
			return err
		}
		if g.IsDefault && s.Name.Set && s.Name.Value != g.Name {
			return conflict("SecurityGroupCannotUpdateDefault", "Updating default security group not allowed.")
		}
		if !g.IsDefault && s.Name.Value == "default" {
			return conflict("SecurityGroupDefaultAlreadyExists", "Default security group already exists.")
		}
		if s.Stateful.Set && s.Stateful.Value != g.Stateful {
			if err := n.unusedGroup(ctx, id); err != nil {
				return err
			}
			g.Stateful = s.Stateful.Value
		}
		s.Common.apply(&g.Base)
		g.touch(n.store.Now())
		n.changed(ctx, "group/"+id)
		out = g
		return n.store.SecurityGroups().Save(ctx, g)
	})
	return out, err
}

func (n *Networking) unusedGroup(ctx context.Context, id string) error {
	used, err := n.store.Ports().Count(ctx, Every("security_groups", id))
	if err == nil && used > 0 {
		err = conflict("SecurityGroupInUse", "Security Group %s in use.", id)
	}
	return err
}

// DeleteSecurityGroup takes a group away that no port is in.
func (n *Networking) DeleteSecurityGroup(ctx context.Context, id string) error {
	return n.store.Tx(ctx, func(ctx context.Context) error {
		g, err := see(ctx, n.store.SecurityGroups(), "security_group", id)
		if err != nil {
			return err
		}
		if g.IsDefault && !adminCaller(ctx) {
			return conflict("SecurityGroupCannotRemoveDefault", "Insufficient rights for removing default security group.")
		}
		if err := n.unusedGroup(ctx, id); err != nil {
			return err
		}
		return n.dropGroup(ctx, id)
	})
}

// dropGroup deletes a group, its rules, and the rules of others that name it.
func (n *Networking) dropGroup(ctx context.Context, id string) error {
	naming, err := n.store.Rules().List(ctx, Every("remote_group_id", id))
	if err != nil {
		return err
	}
	own, err := n.store.Rules().List(ctx, Every("security_group_id", id))
	if err != nil {
		return err
	}
	for _, r := range append(naming, own...) {
		if err := n.store.Rules().Delete(ctx, r.ID); err != nil {
			return err
		}
		n.changed(ctx, "group/"+r.GroupID)
	}
	if err := n.dropRBAC(ctx, id, AsShared); err != nil {
		return err
	}
	n.changed(ctx, "group/"+id)
	return n.store.SecurityGroups().Delete(ctx, id)
}

// Rules are those of groups that the caller may see, the default group's too.
func (n *Networking) Rules(ctx context.Context, q Query) ([]Rule, error) {
	q = asker(ctx, q)
	if err := n.withDefault(ctx, q.Project); err != nil {
		return nil, err
	}
	return n.store.Rules().List(ctx, q)
}

// Rule is one that the caller may see.
func (n *Networking) Rule(ctx context.Context, id string) (*Rule, error) {
	return see(ctx, n.store.Rules(), "security_group_rule", id)
}

// CreateRule allows something more to the ports of a group.
func (n *Networking) CreateRule(ctx context.Context, s RuleSpec) (out *Rule, err error) {
	err = n.store.Tx(ctx, func(ctx context.Context) error {
		g, err := see(ctx, n.store.SecurityGroups(), "security_group", s.GroupID)
		if err != nil {
			return err
		}
		now := n.store.Now()
		r := Rule{ID: uuid.NewString(), ProjectID: s.ProjectID, GroupID: g.ID, Direction: s.Direction, Ethertype: s.Ethertype, Protocol: s.Protocol,
			PortMin: s.PortMin, PortMax: s.PortMax, RemoteIPPrefix: s.RemoteIPPrefix, RemoteGroupID: s.RemoteGroupID, Description: s.Description, CreatedAt: now, UpdatedAt: now, GroupProject: g.ProjectID}
		if err := n.checkRule(ctx, g, &r); err != nil {
			return err
		}
		if err := n.room(ctx, r.ProjectID, "security_group_rule", 1); err != nil {
			return err
		}
		g.touch(now)
		if err := n.store.SecurityGroups().Save(ctx, g); err != nil {
			return err
		}
		n.changed(ctx, "group/"+g.ID)
		out = &r
		return n.store.Rules().Insert(ctx, &r)
	})
	return out, err
}

func (n *Networking) checkRule(ctx context.Context, g *SecurityGroup, r *Rule) error {
	if err := r.check(); err != nil {
		return err
	}
	if r.RemoteGroupID != "" {
		if _, err := see(ctx, n.store.SecurityGroups(), "security_group", r.RemoteGroupID); err != nil {
			return err
		}
	}
	if i := slices.IndexFunc(g.Rules, func(o Rule) bool { return r.same(&o) }); i >= 0 {
		return ruleExists(g.Rules[i].ID)
	}
	return nil
}

// DeleteRule allows it no more.
func (n *Networking) DeleteRule(ctx context.Context, id string) error {
	return n.store.Tx(ctx, func(ctx context.Context) error {
		r, err := see(ctx, n.store.Rules(), "security_group_rule", id)
		if err != nil {
			return err
		}
		g, err := get(ctx, n.store.SecurityGroups(), "security_group", r.GroupID)
		if err != nil {
			return err
		}
		g.touch(n.store.Now())
		if err := n.store.SecurityGroups().Save(ctx, g); err != nil {
			return err
		}
		n.changed(ctx, "group/"+g.ID)
		return n.store.Rules().Delete(ctx, id)
	})
}
