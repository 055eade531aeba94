package api

import (
	"strconv"

	"stackd/internal/fault"
	"stackd/internal/rest"
	"stackd/nova"
)

func (s *service) hosts() []rest.Route {
	list := &rest.Listing{Key: "hypervisors", Filters: []string{"hypervisor_hostname_pattern", "with_servers"}}
	const hv = "/v2.1/os-hypervisors"
	return []rest.Route{
		{On: "GET /v2.1/os-services", Rule: "os_compute_api:os-services:list", Do: rest.Do(s.listServices)},
		{On: "PUT /v2.1/os-services/{id}", Since: rest.V(2, 53), Rule: "os_compute_api:os-services:update", Do: rest.Do(s.updateService), Body: s.shelf.Get("admin.service")},
		{On: "DELETE /v2.1/os-services/{id}", Rule: "os_compute_api:os-services:delete", Do: rest.DoNothing(s.deleteService), Status: 204, Mutates: true},
		{On: "GET " + hv, Rule: "os_compute_api:os-hypervisors:list", Do: rest.Do(s.listHypervisors), List: list},
		{On: "GET " + hv + "/detail", Rule: "os_compute_api:os-hypervisors:list-detail", Do: rest.Do(s.detailHypervisors), List: list},
		{On: "GET " + hv + "/statistics", Until: rest.V(2, 87), Rule: "os_compute_api:os-hypervisors:statistics", Do: rest.Do(s.statistics)},
		{On: "GET " + hv + "/{id}", Rule: "os_compute_api:os-hypervisors:show", Do: rest.Do(s.showHypervisor)},
		{On: "GET " + hv + "/{id}/uptime", Until: rest.V(2, 87), Rule: "os_compute_api:os-hypervisors:uptime", Do: rest.Do(s.uptime)},
		{On: "GET " + hv + "/{id}/search", Until: rest.V(2, 52), Rule: "os_compute_api:os-hypervisors:search", Do: rest.Do(s.searchHypervisors)},
		{On: "GET " + hv + "/{id}/servers", Until: rest.V(2, 52), Rule: "os_compute_api:os-hypervisors:servers", Do: rest.Do(s.hypervisorServers)},
		{On: "GET /v2.1/os-availability-zone", Rule: "os_compute_api:os-availability-zone:list", Do: rest.Do(s.zones(false))},
		{On: "GET /v2.1/os-availability-zone/detail", Rule: "os_compute_api:os-availability-zone:detail", Do: rest.Do(s.zones(true))},
	}
}

type serviceView struct {
	ID      any       `wire:"id"`
	Binary  string    `wire:"binary"`
	Host    string    `wire:"host"`
	Zone    string    `wire:"zone"`
	Status  string    `wire:"status"`
	State   string    `wire:"state"`
	Updated *nanoTime `wire:"updated_at"`
	Reason  *string   `wire:"disabled_reason"`
	Forced  bool      `wire:"forced_down,2.11.."`
}

func updown(up bool) string {
	if up {
		return "up"
	}
	return "down"
}

func enabled(h *nova.Host) string {
	if h.Disabled {
		return "disabled"
	}
	return "enabled"
}

// numbered is a thing's id: a number before 2.53, a UUID since.
func numbered(c *rest.Call, n int64, id string) any {
	if c.From(2, 53) {
		return id
	}
	return n
}

func (s *service) viewService(c *rest.Call, h *nova.Host, zones map[string]string) serviceView {
	zone := zones[h.Name]
	if zone == "" {
		zone = nova.DefaultZone
	}
	return serviceView{numbered(c, h.Num, h.ServiceID), "nova-compute", h.Name, zone, enabled(h), updown(h.Up(s.c.Now())), nano(h.ReportedAt), h.DisabledReason, h.ForcedDown}
}

func (s *service) listServices(c *rest.Call, in struct {
	Host   string `query:"host"`
	Binary string `query:"binary"`
}) (map[string][]serviceView, error) {
	hosts, err := s.c.Hosts(c.Context())
	if err != nil {
		return nil, err
	}
	zones, err := s.c.ZoneOf(c.Context())
	out := []serviceView{}
	for _, h := range hosts {
		if (in.Host == "" || in.Host == h.Name) && (in.Binary == "" || in.Binary == "nova-compute") {
			out = append(out, s.viewService(c, h, zones))
		}
	}
	return map[string][]serviceView{"services": out}, err
}

func isHost(c *rest.Call, id string) func(*nova.Host) bool {
	return func(h *nova.Host) bool {
		return h.ServiceID == id || !c.From(2, 53) && strconv.FormatInt(h.Num, 10) == id
	}
}

// updateService is what services.go has one row each for before 2.53.
func (s *service) updateService(c *rest.Call, in struct {
	byID
	Status string
	Reason *string `json:"disabled_reason"`
	Forced any     `json:"forced_down"`
}) (map[string]serviceView, error) {
	switch {
	case in.Status == "" && in.Reason == nil && in.Forced == nil:
		return nil, fault.New(fault.Invalid, "No updates were requested. Fields 'status' or 'forced_down' should be specified.")
	case in.Reason != nil && in.Status != "disabled":
		return nil, fault.New(fault.Invalid, "Specifying disabled_reason requires that status is 'disabled'.")
	}
	h, err := s.c.SetService(c.Context(), isHost(c, in.ID), func(h *nova.Host) {
		switch in.Status {
		case "enabled":
			h.Disabled, h.DisabledReason = false, nil
		case "disabled":
			h.Disabled, h.DisabledReason = true, in.Reason
		}
		if v, ok := rest.Bool(text(in.Forced)); ok {
			h.ForcedDown = v
		}
	})
	if err != nil {
		return nil, err
	}
	return map[string]serviceView{"service": s.viewService(c, h, nil)}, nil
}

func (s *service) deleteService(c *rest.Call, in byID) error {
	err := s.c.RemoveService(c.Context(), isHost(c, in.ID))
	if fault.Is(err, fault.NotFound) {
		return fault.New(fault.NotFound, "Service %s not found.", in.ID)
	}
	return err
}

type zoneView struct {
	Name  string                               `wire:"zoneName"`
	State map[string]bool                      `wire:"zoneState"`
	Hosts map[string]map[string]map[string]any `wire:"hosts"`
}

func (s *service) zones(detail bool) func(*rest.Call, struct{}) (map[string][]zoneView, error) {
	return func(c *rest.Call, _ struct{}) (map[string][]zoneView, error) {
		zones, err := s.c.Zones(c.Context())
		out := []zoneView{}
		for _, z := range zones {
			v := zoneView{Name: z.Name, State: map[string]bool{"available": true}}
			if detail {
				v.Hosts = map[string]map[string]map[string]any{}
				for _, h := range z.Hosts {
					v.Hosts[h.Name] = map[string]map[string]any{"nova-compute": {"available": !h.Disabled, "active": h.Up(s.c.Now()), "updated_at": nano(h.ReportedAt)}}
				}
			}
			out = append(out, v)
		}
		return map[string][]zoneView{"availabilityZoneInfo": out}, err
	}
}
