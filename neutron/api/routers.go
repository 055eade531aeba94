package api

import (
	"net/http"

	"stackd/internal/policy"
	"stackd/internal/rest"
	"stackd/neutron"
)

type gatewayView struct {
	NetworkID  string      `wire:"network_id"`
	FixedIPs   []fixedView `wire:"external_fixed_ips"`
	EnableSNAT bool        `wire:"enable_snat"`
}

type routerView struct {
	standard
	AdminStateUp bool         `wire:"admin_state_up"`
	Status       string       `wire:"status"`
	Gateway      *gatewayView `wire:"external_gateway_info"`
	AZs          []string     `wire:"availability_zones"`
	AZHints      []string     `wire:"availability_zone_hints"`
	Routes       []routeView  `wire:"routes"`
}

func (a *API) routerView(r *neutron.Router) any {
	v := &routerView{standard: standardOf(&r.Base), AdminStateUp: r.AdminStateUp, Status: neutron.Active, AZHints: r.AZHints, Routes: routesView(r.Routes)}
	if r.GatewayNetworkID != "" {
		v.Gateway = &gatewayView{r.GatewayNetworkID, fixedViews(r.GatewayIPs), r.EnableSNAT}
		v.AZs = a.n.Zones()
	}
	return v
}

func ownTarget(id, project string) policy.Target {
	return policy.Target{"id": id, "project_id": project, "tenant_id": project}
}

var gateway = dict([]string{"network_id", "enable_snat", "external_fixed_ips", "qos_policy_id"}, func(get func(string) (any, bool)) (neutron.Gateway, string) {
	var g neutron.Gateway
	if _, ok := get("network_id"); !ok {
		if _, snat := get("enable_snat"); !snat {
			return g, ""
		}
		return g, "Validation of dictionary's keys failed. Expected keys: {'network_id'} Provided keys: dict_keys(['enable_snat'])"
	}
	reason := part(get, "network_id", id, &g.NetworkID)
	if v, ok := get("enable_snat"); ok && reason == "" {
		g.EnableSNAT.Set = true
		g.EnableSNAT.Value, reason = boolean(v)
	}
	if v, ok := get("external_fixed_ips"); ok && v != nil && reason == "" {
		g.FixedIPs.Set = true
		g.FixedIPs.Value, reason = list(fixedIP)(v)
	}
	return g, reason
})

func (a *API) routers() *resource[neutron.Router, neutron.RouterSpec] {
	type spec = neutron.RouterSpec
	return &resource[neutron.Router, spec]{
		a: a, one: "router", many: "routers",
		attrs: append(commonAttrs(func(s *spec) *neutron.Common { return &s.Common }),
			field("admin_state_up", both, boolean, func(s *spec) *neutron.Maybe[bool] { return &s.AdminStateUp }).unless(true),
			field("external_gateway_info", both, orNull(gateway), func(s *spec) *neutron.Maybe[neutron.Gateway] { return &s.Gateway }).with("network_id", "enable_snat", "external_fixed_ips"),
			field("routes", put, orNull(list(route)), func(s *spec) *neutron.Maybe[[]neutron.Route] { return &s.Routes }),
			field("availability_zone_hints", post, list(text(255)), func(s *spec) *neutron.Maybe[[]string] { return &s.AZHints }),
		),
		readonly: and(standardReadonly, "availability_zones"),
		filters:  and(standardFilters, "admin_state_up", "status"), sorts: and(standardSorts, "admin_state_up"),
		list: a.n.Routers, show: a.n.Router, create: a.n.CreateRouter, update: a.n.UpdateRouter, remove: a.n.DeleteRouter,
		view: a.routerView, owner: func(s *spec) *string { return &s.ProjectID },
		target: func(r *neutron.Router) policy.Target { return ownTarget(r.ID, r.ProjectID) },
		tags:   func(t []string) spec { return spec{Common: neutron.Common{Tags: neutron.Some(t)}} },
		tagsOf: func(r *neutron.Router) []string { return r.Tags }, rev: func(r *neutron.Router) int64 { return r.Revision },
	}
}

type interfaceView struct {
	ID        string   `wire:"id"`
	TenantID  string   `wire:"tenant_id"`
	PortID    string   `wire:"port_id"`
	NetworkID string   `wire:"network_id"`
	SubnetID  string   `wire:"subnet_id"`
	SubnetIDs []string `wire:"subnet_ids"`
}

// routerActions are the operations on a router's interfaces and routes.
func (a *API) routerActions(r *resource[neutron.Router, neutron.RouterSpec]) []rest.Route {
	act := func(rule string, f func(*rest.Call, item) (any, error)) rest.Route {
		return rest.Route{On: "PUT /v2.0/routers/{id}/" + rule, Asks: rule + ", of the router", Mutates: true, Status: http.StatusOK, Do: rest.Do(func(c *rest.Call, in item) (any, error) {
			_, t, err := r.find(c, in.ID)
			if err == nil {
				err = r.require(c, rule, nil, t)
			}
			if err != nil {
				return nil, err
			}
			return f(c, in)
		})}
	}
	return []rest.Route{act("add_router_interface", a.addInterface), act("remove_router_interface", a.removeInterface), act("add_extraroutes", a.addRoutes), act("remove_extraroutes", a.removeRoutes)}
}

var interfaceSpec = dict([]string{"subnet_id", "port_id", "bgpvpn_id"}, func(get func(string) (any, bool)) (neutron.InterfaceSpec, string) {
	var s neutron.InterfaceSpec
	return s, first(part(get, "subnet_id", id, &s.SubnetID), part(get, "port_id", id, &s.PortID))
})

func interfaceOf(c *rest.Call) (neutron.InterfaceSpec, error) {
	if c.Body() == nil {
		return neutron.InterfaceSpec{}, badRequest("Body contains invalid data")
	}
	m, err := values(c.Body())
	if err != nil {
		return neutron.InterfaceSpec{}, err
	}
	s, reason := interfaceSpec(m)
	if reason != "" {
		return s, badRequest("Invalid input for router interface. Reason: %s.", reason)
	}
	return s, nil
}

func (a *API) addInterface(c *rest.Call, in item) (any, error) {
	s, err := interfaceOf(c)
	if err != nil {
		return nil, err
	}
	i, err := a.n.AddInterface(c.Context(), in.ID, s)
	return interfaceView{i.RouterID, i.ProjectID, i.PortID, i.NetworkID, i.SubnetID, i.SubnetIDs}, err
}

func (a *API) removeInterface(c *rest.Call, in item) (any, error) {
	s, err := interfaceOf(c)
	if err != nil {
		return nil, err
	}
	i, err := a.n.RemoveInterface(c.Context(), in.ID, s)
	return interfaceView{i.RouterID, i.ProjectID, i.PortID, i.NetworkID, i.SubnetID, i.SubnetIDs}, err
}

// routesOf reads {"router": {"routes": [...]}}.
func routesOf(c *rest.Call) ([]neutron.Route, error) {
	m, err := values(c.Body())
	if err != nil {
		return nil, err
	}
	r, _ := m["router"].(map[string]any)
	routes, reason := list(route)(r["routes"])
	if reason != "" {
		return nil, badRequest("Invalid input for routes. Reason: %s.", reason)
	}
	return routes, nil
}

func (a *API) addRoutes(c *rest.Call, in item) (any, error) {
	routes, err := routesOf(c)
	if err != nil {
		return nil, err
	}
	r, err := a.n.AddRoutes(c.Context(), in.ID, routes)
	if err != nil {
		return nil, err
	}
	return map[string]any{"router": a.routerView(r)}, nil
}

func (a *API) removeRoutes(c *rest.Call, in item) (any, error) {
	routes, err := routesOf(c)
	if err != nil {
		return nil, err
	}
	r, err := a.n.RemoveRoutes(c.Context(), in.ID, routes)
	if err != nil {
		return nil, err
	}
	return map[string]any{"router": a.routerView(r)}, nil
}
