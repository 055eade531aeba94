package api

import (
	"context"
	"hash/fnv"
	"strconv"
	"time"

	"stackd/internal/policy"
	"stackd/neutron"
)

type ruleView struct {
	ID              string    `wire:"id"`
	ProjectID       string    `wire:"project_id"`
	TenantID        string    `wire:"tenant_id"`
	GroupID         string    `wire:"security_group_id"`
	Ethertype       string    `wire:"ethertype"`
	Direction       string    `wire:"direction"`
	Protocol        *string   `wire:"protocol"`
	PortMin         *int      `wire:"port_range_min"`
	PortMax         *int      `wire:"port_range_max"`
	RemoteIPPrefix  *string   `wire:"remote_ip_prefix"`
	RemoteAddresses *string   `wire:"remote_address_group_id"`
	NormalizedCIDR  *string   `wire:"normalized_cidr"`
	RemoteGroupID   *string   `wire:"remote_group_id"`
	Description     *string   `wire:"description"`
	CreatedAt       time.Time `wire:"created_at"`
	UpdatedAt       time.Time `wire:"updated_at"`
	Revision        int64     `wire:"revision_number"`
}

func ruleViewOf(r *neutron.Rule) ruleView {
	return ruleView{ID: r.ID, ProjectID: r.ProjectID, TenantID: r.ProjectID, GroupID: r.GroupID, Ethertype: r.Ethertype, Direction: r.Direction,
		Protocol: orNone(r.Protocol), PortMin: r.PortMin, PortMax: r.PortMax, RemoteIPPrefix: orNone(r.RemoteIPPrefix), NormalizedCIDR: orNone(r.NormalizedCIDR()),
		RemoteGroupID: orNone(r.RemoteGroupID), Description: r.Description, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt, Revision: r.Revision}
}

// nestedRule is a rule as its group shows it.
type nestedRule struct {
	ruleView
	Tags       []string `wire:"tags"`
	StandardID uint32   `wire:"standard_attr_id"`
}

// standardID is a number of the rule's own, made of its id.
func standardID(id string) uint32 {
	h := fnv.New32a()
	h.Write([]byte(id))
	return h.Sum32() >> 1
}

type groupView struct {
	standard
	Stateful bool         `wire:"stateful"`
	Shared   bool         `wire:"shared"`
	Rules    []nestedRule `wire:"security_group_rules"`
}

func groupViewOf(g *neutron.SecurityGroup) any {
	v := &groupView{standard: standardOf(&g.Base), Stateful: g.Stateful, Shared: g.Shared, Rules: []nestedRule{}}
	for i := range g.Rules {
		v.Rules = append(v.Rules, nestedRule{ruleViewOf(&g.Rules[i]), nil, standardID(g.Rules[i].ID)})
	}
	return v
}

func (a *API) securityGroups() *resource[neutron.SecurityGroup, neutron.SecurityGroupSpec] {
	type spec = neutron.SecurityGroupSpec
	return &resource[neutron.SecurityGroup, spec]{
		a: a, one: "security_group", many: "security_groups", path: "security-groups",
		attrs: append(commonAttrs(func(s *spec) *neutron.Common { return &s.Common }),
			field("stateful", both, boolean, func(s *spec) *neutron.Maybe[bool] { return &s.Stateful })),
		readonly: and(standardReadonly, "shared", "security_group_rules"),
		filters:  and(standardFilters, "stateful", "shared"), sorts: and(standardSorts, "stateful"),
		list: a.n.SecurityGroups, show: a.n.SecurityGroup, create: a.n.CreateSecurityGroup, update: a.n.UpdateSecurityGroup, remove: a.n.DeleteSecurityGroup,
		view: groupViewOf, owner: func(s *spec) *string { return &s.ProjectID },
		target: func(g *neutron.SecurityGroup) policy.Target {
			return policy.Target{"id": g.ID, "project_id": g.ProjectID, "tenant_id": g.ProjectID, "shared": strconv.FormatBool(g.Shared)}
		},
		tags:   func(t []string) spec { return spec{Common: neutron.Common{Tags: neutron.Some(t)}} },
		tagsOf: func(g *neutron.SecurityGroup) []string { return g.Tags }, rev: func(g *neutron.SecurityGroup) int64 { return g.Revision },
	}
}

func (a *API) rules_() *resource[neutron.Rule, neutron.RuleSpec] {
	type spec = neutron.RuleSpec
	return &resource[neutron.Rule, spec]{
		a: a, one: "security_group_rule", many: "security_group_rules", path: "security-group-rules",
		attrs: []attr[spec]{
			ownerAttr(func(s *spec) *string { return &s.ProjectID }),
			plain("security_group_id", post, id, func(s *spec) *string { return &s.GroupID }).need(),
			plain("direction", post, oneOf("ingress", "egress"), func(s *spec) *string { return &s.Direction }).need(),
			plain("ethertype", post, ethertype, func(s *spec) *string { return &s.Ethertype }),
			plain("protocol", post, protocol, func(s *spec) *string { return &s.Protocol }),
			plain("port_range_min", post, maybeInt, func(s *spec) **int { return &s.PortMin }),
			plain("port_range_max", post, maybeInt, func(s *spec) **int { return &s.PortMax }),
			plain("remote_ip_prefix", post, orNull(text(64)), func(s *spec) *string { return &s.RemoteIPPrefix }),
			plain("remote_group_id", post, orNull(text(255)), func(s *spec) *string { return &s.RemoteGroupID }),
			plain("description", post, maybeText, func(s *spec) **string { return &s.Description }),
		},
		readonly: and(standardReadonly, "normalized_cidr"),
		filters: []string{"id", "project_id", "tenant_id", "security_group_id", "direction", "ethertype", "protocol", "port_range_min", "port_range_max", "remote_ip_prefix",
			"remote_group_id", "description", "revision_number"},
		sorts: []string{"id", "project_id", "tenant_id", "security_group_id", "direction", "ethertype", "protocol", "port_range_min", "port_range_max", "created_at", "updated_at"},
		list:  a.n.Rules, show: a.n.Rule, create: a.createRule, remove: a.n.DeleteRule,
		view: func(r *neutron.Rule) any { v := ruleViewOf(r); return &v }, owner: func(s *spec) *string { return &s.ProjectID },
		target: func(r *neutron.Rule) policy.Target {
			return policy.Target{"id": r.ID, "project_id": r.ProjectID, "tenant_id": r.ProjectID, "security_group:project_id": r.GroupProject, "security_group:tenant_id": r.GroupProject}
		},
		parent: func(ctx context.Context, s *spec) (policy.Target, error) {
			g, err := a.n.SecurityGroup(ctx, s.GroupID)
			if err != nil {
				return nil, err
			}
			return policy.Target{"security_group:project_id": g.ProjectID, "security_group:tenant_id": g.ProjectID}, nil
		},
		rev: func(r *neutron.Rule) int64 { return r.Revision },
	}
}

// createRule fills in what a request may leave out.
func (a *API) createRule(ctx context.Context, s neutron.RuleSpec) (*neutron.Rule, error) {
	if s.Ethertype == "" {
		s.Ethertype = "IPv4"
	}
	if s.Description == nil {
		s.Description = new(string)
	}
	return a.n.CreateRule(ctx, s)
}

func ethertype(v any) (string, string) {
	s, _ := v.(string)
	switch s {
	case "IPv4", "ipv4":
		return "IPv4", ""
	case "IPv6", "ipv6":
		return "IPv6", ""
	}
	return "", "'" + repr(v) + "' is not in ['IPv4', 'IPv6']"
}

// protocol is a name or a number, which may come as either type.
func protocol(v any) (string, string) {
	if v == nil {
		return "", ""
	}
	if n, reason := integer(v); reason == "" {
		return strconv.Itoa(n), ""
	}
	return text(40)(v)
}

func maybeInt(v any) (*int, string) {
	if v == nil {
		return nil, ""
	}
	n, reason := integer(v)
	return &n, reason
}

func maybeText(v any) (*string, string) {
	if v == nil {
		return nil, ""
	}
	s, reason := text(255)(v)
	return &s, reason
}
