package api

import (
	"stackd/internal/rest"
	"stackd/nova"
)

// services are the rows that name a service by host and binary, as all did before 2.53.
func (s *service) services() []rest.Route {
	row := func(name, schema string, view func(*nova.Host, hostBinary) any, set func(*nova.Host, hostBinary)) rest.Route {
		return rest.Route{On: "PUT /v2.1/os-services/" + name, Until: rest.V(2, 52), Rule: "os_compute_api:os-services:update", Body: s.shelf.Get("admin." + schema),
			Do: rest.Do(func(c *rest.Call, in hostBinary) (map[string]any, error) {
				find := func(h *nova.Host) bool { return h.Name == in.Host && in.Binary == "nova-compute" }
				h, err := s.c.SetService(c.Context(), find, func(h *nova.Host) { set(h, in) })
				if err != nil {
					return nil, err
				}
				return map[string]any{"service": view(h, in)}, nil
			})}
	}
	status := func(h *nova.Host, in hostBinary) any {
		return serviceStatus{in.Host, in.Binary, enabled(h), h.DisabledReason}
	}
	down := row("force-down", "hostBinaryDown", func(h *nova.Host, in hostBinary) any { return serviceDown{in.Host, in.Binary, h.ForcedDown} },
		func(h *nova.Host, in hostBinary) { h.ForcedDown, _ = rest.Bool(text(in.Forced)) })
	down.Since = rest.V(2, 11)
	disable := func(h *nova.Host, in hostBinary) { h.Disabled, h.DisabledReason = true, in.Reason }
	return []rest.Route{
		row("enable", "hostBinary", status, func(h *nova.Host, _ hostBinary) { h.Disabled, h.DisabledReason = false, nil }),
		row("disable", "hostBinary", status, disable),
		row("disable-log-reason", "hostBinaryReason", status, disable),
		down,
	}
}

type hostBinary struct {
	Host, Binary string
	Reason       *string `json:"disabled_reason"`
	Forced       any     `json:"forced_down"`
}

type serviceStatus struct {
	Host   string  `wire:"host"`
	Binary string  `wire:"binary"`
	Status string  `wire:"status"`
	Reason *string `wire:"disabled_reason,,omitempty"`
}

type serviceDown struct {
	Host   string `wire:"host"`
	Binary string `wire:"binary"`
	Forced bool   `wire:"forced_down"`
}
