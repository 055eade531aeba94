package api

import (
	"encoding/json"
	"math/big"

	"stackd/internal/policy"
	"stackd/internal/rest"
	"stackd/neutron"
)

type subnetAvailabilityView struct {
	ID        string          `wire:"subnet_id"`
	Name      string          `wire:"subnet_name"`
	IPVersion int             `wire:"ip_version"`
	CIDR      string          `wire:"cidr"`
	Total     json.RawMessage `wire:"total_ips"`
	Used      int             `wire:"used_ips"`
}

type availabilityView struct {
	ID        string                   `wire:"network_id"`
	Name      string                   `wire:"network_name"`
	ProjectID string                   `wire:"project_id"`
	TenantID  string                   `wire:"tenant_id"`
	Total     json.RawMessage          `wire:"total_ips"`
	Used      int                      `wire:"used_ips"`
	Subnets   []subnetAvailabilityView `wire:"subnet_ip_availability"`
}

// digits is a number that may be too great for a machine word.
func digits(n *big.Int) json.RawMessage { return json.RawMessage(n.String()) }

func availabilityViewOf(a neutron.Availability) availabilityView {
	v := availabilityView{a.Network.ID, a.Network.Name, a.Network.ProjectID, a.Network.ProjectID, digits(a.Total), a.Used, nil}
	for _, s := range a.Subnets {
		v.Subnets = append(v.Subnets, subnetAvailabilityView{s.Subnet.ID, s.Subnet.Name, s.Subnet.IPVersion, s.Subnet.CIDR, digits(s.Total), s.Used})
	}
	return v
}

func (a *API) availabilityRoutes() []rest.Route {
	const at, rule = "GET /v2.0/network-ip-availabilities", "get_network_ip_availability"
	anybody := func(*rest.Call) (policy.Target, error) { return policy.Target{}, nil }
	filters := []string{"network_id", "network_name", "tenant_id", "project_id", "ip_version"}
	return []rest.Route{
		{On: at, Rule: rule, Target: anybody, List: &rest.Listing{Key: "network_ip_availabilities", Filters: filters}, Do: rest.Do(a.availabilities)},
		{On: at + "/{id}", Rule: rule, Target: anybody, Do: rest.Do(a.availability)},
		{On: "GET /v2.0/floatingip_pools", Rule: "get_floatingip_pool", Do: rest.Do(a.floatingPools)},
		{On: "GET /v2.0/floatingip-pools", Rule: "get_floatingip_pool", Do: rest.Do(a.floatingPools)}, // as neutron's own clients say it
	}
}

// ofNetwork are a network's own names for the filters of its availability.
var ofNetwork = map[string]string{"network_id": "id", "network_name": "name", "tenant_id": "project_id", "project_id": "project_id"}

func (a *API) availabilities(c *rest.Call, _ none) (any, error) {
	q := neutron.Query{}
	for name, values := range c.List.Where {
		if own, ok := ofNetwork[name]; ok {
			q = q.And(own, values...)
		}
	}
	all, err := a.n.Availabilities(c.Context(), q, c.List.Where["ip_version"]...)
	out := []availabilityView{}
	for _, x := range all {
		out = append(out, availabilityViewOf(x))
	}
	return map[string]any{"network_ip_availabilities": out}, err
}

func (a *API) availability(c *rest.Call, in item) (any, error) {
	if _, err := a.n.Network(c.Context(), in.ID); err != nil {
		return nil, err
	}
	all, err := a.n.Availabilities(c.Context(), neutron.Query{}.And("id", in.ID))
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return map[string]any{"network_ip_availability": availabilityViewOf(all[0])}, nil
}

type poolOfFloating struct {
	SubnetID  string `wire:"subnet_id"`
	Name      string `wire:"subnet_name"`
	ProjectID string `wire:"project_id"`
	TenantID  string `wire:"tenant_id"`
	NetworkID string `wire:"network_id"`
	CIDR      string `wire:"cidr"`
}

func (a *API) floatingPools(c *rest.Call, _ none) (any, error) {
	all, err := a.n.FloatingPools(c.Context())
	out := []poolOfFloating{}
	for _, t := range all {
		out = append(out, poolOfFloating{t.ID, t.Name, t.ProjectID, t.ProjectID, t.NetworkID, t.CIDR})
	}
	return map[string]any{"floatingip_pools": out}, err
}
