package api

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"stackd/internal/fault"
	"stackd/internal/listing"
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
	return s.c.Tx(c.Context(), func(ctx ctxt) error {
		hosts, err := s.c.Hosts(ctx)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(hosts, isHost(c, in.ID))
		if i < 0 {
			return fault.New(fault.NotFound, "Service %s not found.", in.ID)
		}
		rows, err := s.c.ServersOn(ctx, hosts[i].Name)
		if err != nil {
			return err
		}
		if len(rows) > 0 {
			return fault.New(fault.Conflict, "Unable to delete compute service that is hosting instances. Migrate or delete the instances first.")
		}
		return s.c.DeleteHost(ctx, hosts[i].Name)
	})
}

type hvBrief struct {
	ID     any         `wire:"id"`
	Name   string      `wire:"hypervisor_hostname"`
	State  string      `wire:"state"`
	Status string      `wire:"status"`
	Guests *[]hvServer `wire:"servers,2.53..,omitempty"`
}

type hvServer struct {
	Name string `wire:"name"`
	UUID string `wire:"uuid"`
}

type hvView struct {
	hvBrief
	Type       string    `wire:"hypervisor_type"`
	Version    int       `wire:"hypervisor_version"`
	IP         string    `wire:"host_ip"`
	Service    hvService `wire:"service"`
	VCPUs      int       `wire:"vcpus,..2.87"`
	Memory     int       `wire:"memory_mb,..2.87"`
	Disk       int       `wire:"local_gb,..2.87"`
	VCPUsUsed  int64     `wire:"vcpus_used,..2.87"`
	MemoryUsed int64     `wire:"memory_mb_used,..2.87"`
	DiskUsed   int64     `wire:"local_gb_used,..2.87"`
	FreeRAM    int64     `wire:"free_ram_mb,..2.87"`
	FreeDisk   int64     `wire:"free_disk_gb,..2.87"`
	Workload   int       `wire:"current_workload,..2.87"`
	Running    int       `wire:"running_vms,..2.87"`
	Least      int       `wire:"disk_available_least,..2.87"`
	OldCPU     string    `wire:"cpu_info,..2.27"`
	CPU        any       `wire:"cpu_info,2.28..2.87"`
	Uptime     *string   `wire:"uptime,2.88.."`
}

type hvService struct {
	ID     any     `wire:"id"`
	Host   string  `wire:"host"`
	Reason *string `wire:"disabled_reason"`
}

// hvRow is a host with what is used of it.
type hvRow struct {
	h      *nova.Host
	used   map[string]int64
	guests []*nova.Server
}

func (s *service) hvRows(c *rest.Call, pattern string) ([]hvRow, error) {
	hosts, err := s.c.Hosts(c.Context())
	if err != nil {
		return nil, err
	}
	used, err := s.c.Placing.Used(c.Context())
	if err != nil {
		return nil, err
	}
	all, err := s.c.Servers(c.Context(), nova.ServerQuery{})
	if err != nil {
		return nil, err
	}
	by := map[string][]*nova.Server{}
	for _, r := range all {
		by[r.Host] = append(by[r.Host], r)
	}
	out := []hvRow{}
	for _, h := range hosts {
		if strings.Contains(h.Name, pattern) {
			out = append(out, hvRow{h, used[h.ID], by[h.Name]})
		}
	}
	return out, nil
}

func (s *service) hvBrief(c *rest.Call, r hvRow, guests bool) hvBrief {
	v := hvBrief{ID: numbered(c, r.h.Num, r.h.ID), Name: r.h.Name, State: updown(r.h.Up(s.c.Now())), Status: enabled(r.h)}
	if guests {
		l := []hvServer{}
		for _, g := range r.guests {
			l = append(l, hvServer{g.Name, g.ID})
		}
		v.Guests = &l
	}
	return v
}

func (s *service) hvView(c *rest.Call, r hvRow, guests bool) hvView {
	h := r.h
	v := hvView{hvBrief: s.hvBrief(c, r, guests), Type: h.Hypervisor, Version: h.Version, IP: h.IP, Service: hvService{numbered(c, h.Num, h.ServiceID), h.Name, h.DisabledReason},
		VCPUs: h.VCPUs, Memory: h.MemoryMB, Disk: h.DiskGB, VCPUsUsed: r.used["VCPU"], MemoryUsed: r.used["MEMORY_MB"] + min(512, int64(h.MemoryMB)/4), DiskUsed: r.used["DISK_GB"],
		OldCPU: h.CPUInfo, CPU: json.RawMessage(h.CPUInfo), Least: h.FreeDiskGB, Running: len(r.guests)}
	v.FreeRAM, v.FreeDisk = int64(h.MemoryMB)-v.MemoryUsed, int64(h.DiskGB)-v.DiskUsed
	for _, g := range r.guests {
		if g.TaskState != "" {
			v.Workload++
		}
	}
	if h.CPUInfo == "" {
		v.CPU = nil
	}
	if h.Uptime != "" {
		v.Uptime = &h.Uptime
	}
	return v
}

func (s *service) pickHypervisors(c *rest.Call) ([]hvRow, bool, error) {
	pattern := ""
	if c.From(2, 53) {
		pattern = c.List.First("hypervisor_hostname_pattern")
	}
	with, _ := rest.Bool(c.List.First("with_servers"))
	rows, err := s.hvRows(c, pattern)
	if err == nil && pattern != "" && len(rows) == 0 {
		err = fault.New(fault.NotFound, "No hypervisor matching '%s' could be found.", pattern)
	}
	return rows, with, err
}

func (s *service) listHypervisors(c *rest.Call, _ struct{}) (listing.Page[hvBrief], error) {
	rows, with, err := s.pickHypervisors(c)
	return listing.Map(listing.Page[hvRow]{Items: rows}, func(r hvRow) hvBrief { return s.hvBrief(c, r, with) }), err
}

func (s *service) detailHypervisors(c *rest.Call, _ struct{}) (listing.Page[hvView], error) {
	rows, with, err := s.pickHypervisors(c)
	return listing.Map(listing.Page[hvRow]{Items: rows}, func(r hvRow) hvView { return s.hvView(c, r, with) }), err
}

func (s *service) oneHypervisor(c *rest.Call, id string) (hvRow, error) {
	rows, err := s.hvRows(c, "")
	if err != nil {
		return hvRow{}, err
	}
	for _, r := range rows {
		if text(numbered(c, r.h.Num, r.h.ID)) == id || !c.From(2, 53) && strconv.FormatInt(r.h.Num, 10) == id {
			return r, nil
		}
	}
	return hvRow{}, fault.New(fault.NotFound, "Compute host %s could not be found.", id)
}

func (s *service) showHypervisor(c *rest.Call, in struct {
	byID
	With bool `query:"with_servers"`
}) (map[string]hvView, error) {
	r, err := s.oneHypervisor(c, in.ID)
	if err != nil {
		return nil, err
	}
	return map[string]hvView{"hypervisor": s.hvView(c, r, in.With)}, nil
}

func (s *service) uptime(c *rest.Call, in byID) (map[string]any, error) {
	r, err := s.oneHypervisor(c, in.ID)
	if err != nil {
		return nil, err
	}
	b := s.hvBrief(c, r, false)
	return map[string]any{"hypervisor": map[string]any{"id": b.ID, "hypervisor_hostname": b.Name, "state": b.State, "status": b.Status, "uptime": r.h.Uptime}}, nil
}

func (s *service) searchHypervisors(c *rest.Call, in byID) (map[string][]hvBrief, error) {
	rows, err := s.hvRows(c, in.ID)
	if err == nil && len(rows) == 0 {
		err = fault.New(fault.NotFound, "No hypervisor matching '%s' could be found.", in.ID)
	}
	out := []hvBrief{}
	for _, r := range rows {
		out = append(out, s.hvBrief(c, r, false))
	}
	return map[string][]hvBrief{"hypervisors": out}, err
}

func (s *service) hypervisorServers(c *rest.Call, in byID) (any, error) {
	rows, err := s.hvRows(c, in.ID)
	if err == nil && len(rows) == 0 {
		err = fault.New(fault.NotFound, "No hypervisor matching '%s' could be found.", in.ID)
	}
	out := []any{}
	for _, r := range rows {
		b := s.hvBrief(c, r, true)
		out = append(out, map[string]any{"id": b.ID, "hypervisor_hostname": b.Name, "state": b.State, "status": b.Status, "servers": *b.Guests})
	}
	return map[string]any{"hypervisors": out}, err
}

func (s *service) statistics(c *rest.Call, _ struct{}) (map[string]map[string]int64, error) {
	rows, err := s.hvRows(c, "")
	if err != nil {
		return nil, err
	}
	m := map[string]int64{"count": 0, "vcpus": 0, "memory_mb": 0, "local_gb": 0, "vcpus_used": 0, "memory_mb_used": 0, "local_gb_used": 0, "free_ram_mb": 0, "free_disk_gb": 0, "current_workload": 0, "running_vms": 0, "disk_available_least": 0}
	for _, r := range rows {
		v := s.hvView(c, r, false)
		for k, n := range map[string]int64{"count": 1, "vcpus": int64(v.VCPUs), "memory_mb": int64(v.Memory), "local_gb": int64(v.Disk), "vcpus_used": v.VCPUsUsed, "memory_mb_used": v.MemoryUsed, "local_gb_used": v.DiskUsed,
			"free_ram_mb": v.FreeRAM, "free_disk_gb": v.FreeDisk, "current_workload": int64(v.Workload), "running_vms": int64(v.Running), "disk_available_least": int64(v.Least)} {
			m[k] += n
		}
	}
	return map[string]map[string]int64{"hypervisor_statistics": m}, nil
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
