package api

import (
	"net/http"
	"strconv"

	"stackd/internal/policy"
	"stackd/internal/rest"
	"stackd/neutron"
)

type subnetpoolView struct {
	standard
	Prefixes      []string `wire:"prefixes"`
	IPVersion     int      `wire:"ip_version"`
	DefaultPrefix string   `wire:"default_prefixlen"` // lengths are strings, as neutron shows them
	MinPrefix     string   `wire:"min_prefixlen"`
	MaxPrefix     string   `wire:"max_prefixlen"`
	DefaultQuota  *int     `wire:"default_quota"`
	IsDefault     bool     `wire:"is_default"`
	Shared        bool     `wire:"shared"`
	AddressScope  *string  `wire:"address_scope_id"`
}

func subnetpoolViewOf(p *neutron.Subnetpool) any {
	return &subnetpoolView{standardOf(&p.Base), p.Prefixes, p.IPVersion, strconv.Itoa(p.DefaultPrefix), strconv.Itoa(p.MinPrefix), strconv.Itoa(p.MaxPrefix), p.DefaultQuota, p.IsDefault, p.Shared, orNone(p.AddressScopeID)}
}

func sharedTarget(id, project string, shared bool) policy.Target {
	t := ownTarget(id, project)
	t["shared"] = strconv.FormatBool(shared)
	return t
}

func (a *API) subnetpools() *resource[neutron.Subnetpool, neutron.SubnetpoolSpec] {
	type spec = neutron.SubnetpoolSpec
	return &resource[neutron.Subnetpool, spec]{
		a: a, one: "subnetpool", many: "subnetpools",
		attrs: append(commonAttrs(func(s *spec) *neutron.Common { return &s.Common }),
			field("prefixes", both, list(prefix), func(s *spec) *neutron.Maybe[[]string] { return &s.Prefixes }).need(),
			field("default_prefixlen", both, between(0, 128), func(s *spec) *neutron.Maybe[int] { return &s.DefaultPrefix }),
			field("min_prefixlen", both, between(0, 128), func(s *spec) *neutron.Maybe[int] { return &s.MinPrefix }),
			field("max_prefixlen", both, between(0, 128), func(s *spec) *neutron.Maybe[int] { return &s.MaxPrefix }),
			field("default_quota", both, orNull(between(0, 1<<31-1)), func(s *spec) *neutron.Maybe[int] { return &s.DefaultQuota }),
			field("is_default", both, boolean, func(s *spec) *neutron.Maybe[bool] { return &s.IsDefault }).unless(false),
			field("shared", post, boolean, func(s *spec) *neutron.Maybe[bool] { return &s.Shared }).unless(false),
			field("address_scope_id", both, orNull(id), func(s *spec) *neutron.Maybe[string] { return &s.AddressScope }),
		),
		readonly: and(standardReadonly, "ip_version"),
		filters:  and(standardFilters, "ip_version", "is_default", "address_scope_id", "shared", "default_prefixlen", "min_prefixlen", "max_prefixlen", "default_quota"),
		sorts:    and(standardSorts, "ip_version", "is_default", "default_prefixlen", "min_prefixlen", "max_prefixlen"),
		list:     a.n.Subnetpools, show: a.n.Subnetpool, create: a.n.CreateSubnetpool, update: a.n.UpdateSubnetpool, remove: a.n.DeleteSubnetpool,
		view: subnetpoolViewOf, owner: func(s *spec) *string { return &s.ProjectID },
		target: func(p *neutron.Subnetpool) policy.Target { return sharedTarget(p.ID, p.ProjectID, p.Shared) },
		tags:   func(t []string) spec { return spec{Common: neutron.Common{Tags: neutron.Some(t)}} },
		tagsOf: func(p *neutron.Subnetpool) []string { return p.Tags }, rev: func(p *neutron.Subnetpool) int64 { return p.Revision },
	}
}

type prefixesView struct {
	Prefixes []string `wire:"prefixes"`
}

// poolActions add ranges to a pool and take some away.
func (a *API) poolActions(r *resource[neutron.Subnetpool, neutron.SubnetpoolSpec]) []rest.Route {
	act := func(rule string, f func(c *rest.Call, id string, prefixes []string) (*neutron.Subnetpool, error)) rest.Route {
		return rest.Route{On: "PUT /v2.0/subnetpools/{id}/" + rule, Asks: rule + ", of the pool", Mutates: true, Status: http.StatusOK, Do: rest.Do(func(c *rest.Call, in item) (prefixesView, error) {
			_, t, err := r.find(c, in.ID)
			if err == nil {
				err = r.require(c, rule, nil, t)
			}
			if err != nil {
				return prefixesView{}, err
			}
			m, err := values(c.Body())
			if err != nil {
				return prefixesView{}, err
			}
			ps, reason := list(prefix)(m["prefixes"])
			if reason != "" {
				return prefixesView{}, badRequest("Invalid input for prefixes. Reason: %s.", reason)
			}
			p, err := f(c, in.ID, ps)
			if err != nil {
				return prefixesView{}, err
			}
			return prefixesView{p.Prefixes}, nil
		})}
	}
	return []rest.Route{
		act("add_prefixes", func(c *rest.Call, id string, ps []string) (*neutron.Subnetpool, error) {
			return a.n.AddPrefixes(c.Context(), id, ps)
		}),
		act("remove_prefixes", func(c *rest.Call, id string, ps []string) (*neutron.Subnetpool, error) {
			return a.n.RemovePrefixes(c.Context(), id, ps)
		}),
	}
}

type scopeView struct {
	ID        string `wire:"id"`
	Name      string `wire:"name"`
	ProjectID string `wire:"project_id"`
	TenantID  string `wire:"tenant_id"`
	IPVersion int    `wire:"ip_version"`
	Shared    bool   `wire:"shared"`
}

func (a *API) addressScopes() *resource[neutron.AddressScope, neutron.AddressScopeSpec] {
	type spec = neutron.AddressScopeSpec
	return &resource[neutron.AddressScope, spec]{
		a: a, one: "address_scope", many: "address_scopes", path: "address-scopes",
		attrs: []attr[spec]{
			field("name", both, text(255), func(s *spec) *neutron.Maybe[string] { return &s.Name }).unless(""),
			ownerAttr(func(s *spec) *string { return &s.ProjectID }),
			plain("ip_version", post, ipVersion, func(s *spec) *int { return &s.IPVersion }).need(),
			field("shared", both, boolean, func(s *spec) *neutron.Maybe[bool] { return &s.Shared }).unless(false),
		},
		readonly: []string{"id"},
		filters:  []string{"id", "name", "project_id", "tenant_id", "ip_version", "shared"}, sorts: []string{"id", "name", "project_id", "tenant_id", "ip_version"},
		list: a.n.AddressScopes, show: a.n.AddressScope, create: a.n.CreateAddressScope, update: a.n.UpdateAddressScope, remove: a.n.DeleteAddressScope,
		view: func(s *neutron.AddressScope) any {
			return &scopeView{s.ID, s.Name, s.ProjectID, s.ProjectID, s.IPVersion, s.Shared}
		},
		owner:  func(s *spec) *string { return &s.ProjectID },
		target: func(s *neutron.AddressScope) policy.Target { return sharedTarget(s.ID, s.ProjectID, s.Shared) },
	}
}

type rbacView struct {
	ID           string `wire:"id"`
	ProjectID    string `wire:"project_id"`
	TenantID     string `wire:"tenant_id"`
	ObjectType   string `wire:"object_type"`
	ObjectID     string `wire:"object_id"`
	Action       string `wire:"action"`
	TargetTenant string `wire:"target_tenant"`
}

func (a *API) rbacPolicies() *resource[neutron.RBACPolicy, neutron.RBACSpec] {
	type spec = neutron.RBACSpec
	return &resource[neutron.RBACPolicy, spec]{
		a: a, one: "rbac_policy", many: "rbac_policies", path: "rbac-policies",
		attrs: []attr[spec]{
			ownerAttr(func(s *spec) *string { return &s.ProjectID }),
			plain("object_type", post, oneOf("network", "subnetpool", "address_scope", "security_group"), func(s *spec) *string { return &s.ObjectType }).need(),
			plain("object_id", post, id, func(s *spec) *string { return &s.ObjectID }).need(),
			plain("action", post, oneOf(neutron.AsShared, neutron.AsExternal), func(s *spec) *string { return &s.Action }).need(),
			plain("target_tenant", both, text(255), func(s *spec) *string { return &s.Target }).need(),
		},
		readonly: []string{"id"},
		filters:  []string{"id", "project_id", "tenant_id", "object_type", "object_id", "action", "target_tenant"},
		sorts:    []string{"id", "project_id", "tenant_id", "object_type", "object_id", "action", "target_tenant"},
		list:     a.n.RBACPolicies, show: a.n.RBACPolicy, create: a.n.CreateRBACPolicy, update: a.retarget, remove: a.n.DeleteRBACPolicy,
		view: func(p *neutron.RBACPolicy) any {
			return &rbacView{p.ID, p.ProjectID, p.ProjectID, p.ObjectType, p.ObjectID, p.Action, p.Target}
		},
		owner: func(s *spec) *string { return &s.ProjectID },
		target: func(p *neutron.RBACPolicy) policy.Target {
			t := ownTarget(p.ID, p.ProjectID)
			t["target_tenant"], t["target_project"] = p.Target, p.Target
			return t
		},
	}
}
