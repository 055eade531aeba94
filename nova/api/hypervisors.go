package api

import (
	"encoding/json"
	"strconv"
	"strings"

	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/rest"
	"stackd/nova"
)

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
