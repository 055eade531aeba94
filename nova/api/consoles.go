package api

import (
	"encoding/json"

	"stackd/agent/wish"
	"stackd/internal/fault"
	"stackd/internal/rest"
)

func (s *service) consoles() []rest.Route {
	const action = "POST /v2.1/servers/{id}/action"
	return []rest.Route{
		{On: action, Action: "os-getConsoleOutput", Rule: "os_compute_api:os-console-output", Do: rest.Do(s.consoleOutput), Body: s.shelf.Get("servers.consoleOutput")},
		{On: action, Action: "os-getVNCConsole", Until: rest.V(2, 5), Rule: "os_compute_api:os-remote-consoles", Do: rest.Do(s.vncConsole), Body: s.shelf.Get("servers.vnc")},
		{On: "POST /v2.1/servers/{id}/remote-consoles", Since: rest.V(2, 6), Rule: "os_compute_api:os-remote-consoles", Do: rest.Do(s.remoteConsole), Body: s.shelf.Get("servers.remoteConsole")},
		{On: "GET /v2.1/servers/{id}/diagnostics", Rule: "os_compute_api:os-server-diagnostics", Do: rest.Do(s.diagnostics)},
	}
}

func (s *service) consoleOutput(c *rest.Call, in struct {
	byID
	Get struct {
		Length any `json:"length"`
	} `json:"os-getConsoleOutput"`
}) (map[string]string, error) {
	lines := -1
	if in.Get.Length != nil {
		lines = number(in.Get.Length)
	}
	out, err := s.c.ConsoleLog(c.Context(), in.ID, lines)
	return map[string]string{"output": out}, err
}

type consoleView struct {
	Protocol string `wire:"protocol,,omitempty"`
	Type     string `wire:"type"`
	URL      string `wire:"url"`
}

func (s *service) vncConsole(c *rest.Call, in struct {
	byID
	Get struct{ Type string } `json:"os-getVNCConsole"`
}) (map[string]consoleView, error) {
	if in.Get.Type != "novnc" {
		return nil, fault.New(fault.Invalid, "Unavailable console type %s.", in.Get.Type)
	}
	url, err := s.c.OpenConsole(c.Context(), in.ID, in.Get.Type)
	return map[string]consoleView{"console": {Type: in.Get.Type, URL: url}}, err
}

func (s *service) remoteConsole(c *rest.Call, in struct {
	byID
	Get struct{ Protocol, Type string } `json:"remote_console"`
}) (map[string]consoleView, error) {
	if in.Get.Protocol != "vnc" || in.Get.Type != "novnc" {
		return nil, fault.New(fault.Invalid, "Unavailable console type %s.", in.Get.Type)
	}
	url, err := s.c.OpenConsole(c.Context(), in.ID, in.Get.Type)
	return map[string]consoleView{"remote_console": {"vnc", in.Get.Type, url}}, err
}

type diagnosticsView struct {
	State   string     `wire:"state"`
	Driver  string     `wire:"driver"`
	HV      string     `wire:"hypervisor"`
	HVOS    string     `wire:"hypervisor_os"`
	Uptime  int64      `wire:"uptime"`
	Config  bool       `wire:"config_drive"`
	NumCPU  int        `wire:"num_cpus"`
	NumNIC  int        `wire:"num_nics"`
	NumDisk int        `wire:"num_disks"`
	Disks   []diskView `wire:"disk_details"`
	CPUs    []cpuView  `wire:"cpu_details"`
	NICs    []nicView  `wire:"nic_details"`
	Memory  memView    `wire:"memory_details"`
}
type diskView struct {
	ReadBytes  int64 `wire:"read_bytes"`
	ReadReqs   int64 `wire:"read_requests"`
	WriteBytes int64 `wire:"write_bytes"`
	WriteReqs  int64 `wire:"write_requests"`
	Errors     int64 `wire:"errors_count"`
}
type cpuView struct {
	ID    int   `wire:"id"`
	Time  int64 `wire:"time"`
	Usage *int  `wire:"utilisation"`
}
type nicView struct {
	MAC       string `wire:"mac_address"`
	RxBytes   int64  `wire:"rx_octets"`
	RxErrors  int64  `wire:"rx_errors"`
	RxDrop    int64  `wire:"rx_drop"`
	RxPackets int64  `wire:"rx_packets"`
	RxRate    *int64 `wire:"rx_rate"`
	TxBytes   int64  `wire:"tx_octets"`
	TxErrors  int64  `wire:"tx_errors"`
	TxDrop    int64  `wire:"tx_drop"`
	TxPackets int64  `wire:"tx_packets"`
	TxRate    *int64 `wire:"tx_rate"`
}
type memView struct {
	Max  int `wire:"maximum"`
	Used int `wire:"used"`
}

// diagnostics has one form since 2.48 and another, named by device, before.
func (s *service) diagnostics(c *rest.Call, in byID) (any, error) {
	r, d, err := s.c.Diagnose(c.Context(), in.ID)
	if err != nil {
		return nil, err
	}
	if !c.From(2, 48) {
		return oldDiagnostics(d)
	}
	v := diagnosticsView{State: string(d.State), Driver: "libvirt", HV: "qemu", HVOS: "linux", Uptime: d.UptimeSec, Config: r.ConfigDrive, NumCPU: len(d.CPUTimesNS), NumNIC: len(d.NICs),
		NumDisk: len(d.Disks), Memory: memView{d.MemoryMaxMB, d.MemoryUsed}}
	for i, t := range d.CPUTimesNS {
		v.CPUs = append(v.CPUs, cpuView{ID: i, Time: t})
	}
	for _, x := range d.Disks {
		v.Disks = append(v.Disks, diskView{x.ReadBytes, x.ReadRequests, x.WriteBytes, x.WriteRequests, x.Errors})
	}
	for _, n := range d.NICs {
		v.NICs = append(v.NICs, nicView{MAC: n.MAC, RxBytes: n.RxBytes, RxErrors: n.RxErrors, RxDrop: n.RxDrop, RxPackets: n.RxPackets, TxBytes: n.TxBytes, TxErrors: n.TxErrors, TxDrop: n.TxDrop, TxPackets: n.TxPackets})
	}
	return v, nil
}

func oldDiagnostics(d wish.Diagnostics) (any, error) {
	out := map[string]int64{"memory": int64(d.MemoryMaxMB) * 1024, "memory-used": int64(d.MemoryUsed) * 1024}
	for i, t := range d.CPUTimesNS {
		out["cpu"+text(float64(i))+"_time"] = t
	}
	for i, x := range d.Disks {
		p := "vd" + string(rune('a'+i%26)) + "_"
		out[p+"read"], out[p+"read_req"], out[p+"write"], out[p+"write_req"], out[p+"errors"] = x.ReadBytes, x.ReadRequests, x.WriteBytes, x.WriteRequests, x.Errors
	}
	for i, n := range d.NICs {
		p := "vnet" + text(float64(i)) + "_"
		out[p+"rx"], out[p+"rx_packets"], out[p+"rx_errors"], out[p+"rx_drop"] = n.RxBytes, n.RxPackets, n.RxErrors, n.RxDrop
		out[p+"tx"], out[p+"tx_packets"], out[p+"tx_errors"], out[p+"tx_drop"] = n.TxBytes, n.TxPackets, n.TxErrors, n.TxDrop
	}
	b, err := json.Marshal(out)
	return json.RawMessage(b), err
}
