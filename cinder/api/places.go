package api

import (
	"strings"

	"stackd/cinder"
	"stackd/internal/fault"
	"stackd/internal/rest"
)

func (s *service) places() []rest.Route {
	const services, update = "PUT /v3/os-services/", "volume_extension:services:update"
	return []rest.Route{
		{On: "GET /v3/os-services", Rule: "volume_extension:services:index", Do: rest.Do(s.listServices)},
		{On: services + "enable", Rule: update, Do: rest.Do(s.enable(true, false)), Body: s.shelf.Get("places.service")},
		{On: services + "disable", Rule: update, Do: rest.Do(s.enable(false, false)), Body: s.shelf.Get("places.service")},
		{On: services + "disable-log-reason", Rule: update, Do: rest.Do(s.enable(false, true)), Body: s.shelf.Get("places.service")},
		{On: services + "freeze", Rule: "volume:freeze_host", Do: rest.DoNothing(s.freeze(true)), Body: s.shelf.Get("places.freeze"), Status: 202},
		{On: services + "thaw", Rule: "volume:thaw_host", Do: rest.DoNothing(s.freeze(false)), Body: s.shelf.Get("places.freeze"), Status: 202},
		{On: services + "failover_host", Rule: "volume:failover_host", Do: rest.DoNothing(s.failover), Body: s.shelf.Get("places.failover"), Status: 202},
		{On: services + "failover", Since: rest.V(3, 26), Rule: "volume:failover_host", Do: rest.DoNothing(s.failover), Body: s.shelf.Get("places.failover"), Status: 202},
		{On: services + "get-log", Since: rest.V(3, 32), Rule: update, Do: rest.Do(s.getLog), Body: s.shelf.Get("places.getLog")},
		{On: services + "set-log", Since: rest.V(3, 32), Rule: update, Do: rest.DoNothing(s.setLog), Body: s.shelf.Get("places.setLog"), Status: 202},
		{On: "GET /v3/os-availability-zone", Asks: "any token may list the zones", Do: rest.Do(s.zones)},
		{On: "GET /v3/scheduler-stats/get_pools", Rule: "scheduler_extension:scheduler_stats:get_pools", Do: rest.Do(s.pools)},
		{On: "GET /v3/capabilities/{id}", Rule: "volume_extension:capabilities", Do: rest.Do(s.capabilities)},
		{On: "GET /v3/os-hosts", Rule: "volume_extension:hosts", Do: rest.Do(s.listHosts)},
		{On: "GET /v3/os-hosts/{id}", Rule: "volume_extension:hosts", Do: rest.Do(s.showHost)},
	}
}

type serviceView struct {
	Binary  string  `wire:"binary"`
	Host    string  `wire:"host"`
	Zone    string  `wire:"zone"`
	Status  string  `wire:"status"`
	State   string  `wire:"state"`
	Updated stamp   `wire:"updated_at"`
	Reason  *string `wire:"disabled_reason"`
	Cluster *string `wire:"cluster,3.7.."`
	*backendState
}

type backendState struct {
	Replication string  `wire:"replication_status"`
	Active      *string `wire:"active_backend_id"`
	Frozen      bool    `wire:"frozen"`
	State       string  `wire:"backend_state,3.49.."`
}

func (s *service) listServices(c *rest.Call, in struct {
	Host   string `query:"host"`
	Binary string `query:"binary"`
}) (any, error) {
	all, err := s.c.Services(c.Context())
	out := []serviceView{}
	for _, p := range all {
		if in.Host != "" && in.Host != p.Host && !strings.HasPrefix(p.Host, in.Host+"@") || in.Binary != "" && in.Binary != p.Binary {
			continue
		}
		v := serviceView{Binary: p.Binary, Host: p.Host, Zone: cinder.Zone, Status: "enabled", State: "up", Updated: stamp(s.c.Now()), Reason: some(p.Reason)}
		if p.Disabled {
			v.Status = "disabled"
		}
		if p.Binary == "cinder-volume" {
			v.backendState = &backendState{Replication: "disabled", Frozen: p.Frozen, State: "up"}
			if !p.Up {
				v.backendState.State, v.State = "down", "down"
			}
		}
		out = append(out, v)
	}
	return map[string]any{"services": out}, err
}

func (s *service) enable(on, why bool) func(*rest.Call, struct {
	Host    string  `json:"host"`
	Binary  string  `json:"binary"`
	Service string  `json:"service"`
	Reason  *string `json:"disabled_reason"`
}) (any, error) {
	return func(c *rest.Call, in struct {
		Host    string  `json:"host"`
		Binary  string  `json:"binary"`
		Service string  `json:"service"`
		Reason  *string `json:"disabled_reason"`
	}) (any, error) {
		if in.Binary == "" {
			in.Binary = in.Service
		}
		switch {
		case in.Host == "" || in.Binary == "":
			return nil, fault.New(fault.Invalid, "Missing required element 'host' and 'binary' in request body.")
		case why && (in.Reason == nil || strings.TrimSpace(*in.Reason) == ""):
			return nil, fault.New(fault.Invalid, "Disabled reason contains invalid characters or is too long")
		}
		out := map[string]any{"host": in.Host, "service": in.Binary, "binary": in.Binary, "disabled": !on, "status": "enabled"}
		p := cinder.Service{Host: in.Host, Binary: in.Binary, Disabled: !on}
		if !on {
			out["status"] = "disabled"
		}
		if why {
			p.Reason, out["disabled_reason"] = *in.Reason, *in.Reason
		}
		return out, s.c.SwitchService(c.Context(), p)
	}
}

func (s *service) freeze(on bool) func(*rest.Call, struct{ Host string }) error {
	return func(c *rest.Call, in struct{ Host string }) error { return s.c.FreezeHost(c.Context(), in.Host, on) }
}

func (s *service) failover(c *rest.Call, in struct {
	Host    string `json:"host"`
	Backend string `json:"backend_id"`
}) error {
	return s.c.FailOver(c.Context(), in.Host)
}

func (s *service) zones(*rest.Call, struct{}) (any, error) {
	return map[string]any{"availabilityZoneInfo": []any{map[string]any{"zoneName": cinder.Zone, "zoneState": map[string]bool{"available": true}}}}, nil
}

func (s *service) pools(c *rest.Call, in struct {
	Detail bool   `query:"detail"`
	Name   string `query:"name"`
	Type   string `query:"volume_type"`
}) (any, error) {
	all, err := s.c.Pools(c.Context())
	if err != nil {
		return nil, err
	}
	var of *cinder.Type
	if in.Type != "" && c.From(3, 35) {
		if of, err = s.c.Store.Type(c.Context(), in.Type); err != nil {
			return nil, err
		}
	}
	out := []any{}
	for _, p := range all {
		if in.Name != "" && c.From(3, 28) && in.Name != p.Name || of != nil && !p.Fits(of.ExtraSpecs) {
			continue
		}
		if !in.Detail {
			out = append(out, map[string]any{"name": p.Name})
			continue
		}
		out = append(out, map[string]any{"name": p.Name, "capabilities": map[string]any{"pool_name": p.Pool, "total_capacity_gb": p.Total, "free_capacity_gb": p.Free, "provisioned_capacity_gb": p.Allocated, "allocated_capacity_gb": p.Allocated,
			"reserved_percentage": 0, "QoS_support": true, "filter_function": nil, "goodness_function": nil, "multiattach": true, "thin_provisioning_support": true, "thick_provisioning_support": false, "consistencygroup_support": false,
			"consistent_group_snapshot_enabled": true, "replication_enabled": false, "volume_backend_name": p.Backend, "storage_protocol": p.Protocol, "vendor_name": "Open Source", "driver_version": "1.0", "timestamp": stamp(s.c.Now())}})
	}
	return map[string]any{"pools": out}, nil
}

func (s *service) capabilities(c *rest.Call, in byID) (any, error) {
	all, err := s.c.Pools(c.Context())
	if err != nil {
		return nil, err
	}
	for _, p := range all {
		if host, _, _ := strings.Cut(p.Name, "#"); host == in.ID || p.Name == in.ID {
			return map[string]any{"namespace": "OS::Storage::Capabilities::" + host, "vendor_name": "Open Source", "volume_backend_name": p.Backend, "pool_name": nil, "driver_version": "1.0", "storage_protocol": p.Protocol,
				"display_name": nil, "description": nil, "visibility": nil, "replication_targets": []any{}, "properties": map[string]any{
					"thin_provisioning": map[string]any{"title": "Thin Provisioning", "description": "Sets thin provisioning.", "type": "boolean"},
					"qos":               map[string]any{"title": "QoS", "description": "Enables QoS.", "type": "boolean"}}}, nil
		}
	}
	return nil, fault.New(fault.NotFound, "Service %s could not be found.", in.ID)
}

type hostView struct {
	Name    string `wire:"host_name"`
	Service string `wire:"service"`
	Zone    string `wire:"zone"`
	State   string `wire:"service-state"`
	Status  string `wire:"service-status"`
	Updated stamp  `wire:"last-update"`
}

func (s *service) listHosts(c *rest.Call, _ struct{}) (any, error) {
	all, err := s.c.Services(c.Context())
	out := []hostView{}
	for _, p := range all {
		v := hostView{p.Host, p.Binary, cinder.Zone, "enabled", "available", stamp(s.c.Now())}
		if p.Disabled {
			v.State = "disabled"
		}
		out = append(out, v)
	}
	return map[string]any{"hosts": out}, err
}

type hostUse struct {
	Host          string `wire:"host"`
	Project       string `wire:"project"`
	Volumes       string `wire:"volume_count"`
	Gigabytes     string `wire:"total_volume_gb"`
	Snapshots     string `wire:"snapshot_count"`
	SnapshotBytes string `wire:"total_snapshot_gb"`
}

func (s *service) showHost(c *rest.Call, in byID) (any, error) {
	uses, err := s.c.HostUse(c.Context(), in.ID)
	if err != nil {
		return nil, err
	}
	out := []any{}
	for _, u := range uses {
		out = append(out, map[string]any{"resource": hostUse{in.ID, u.Project, u.Volumes, u.Gigabytes, u.Snapshots, u.SnapshotGigabytes}})
	}
	return map[string]any{"host": out}, nil
}
