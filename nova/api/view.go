package api

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/netip"
	"slices"
	"time"

	"stackd/internal/rest"
	"stackd/nova"
)

// A brief server is what the plain list shows.
type brief struct {
	ID    string `wire:"id"`
	Name  string `wire:"name"`
	Links []link `wire:"links"`
}

// A server as a change answers before 2.75; since then it is shown whole.
type changedView struct {
	ID          string            `wire:"id"`
	Name        string            `wire:"name"`
	Status      string            `wire:"status"`
	TenantID    string            `wire:"tenant_id"`
	UserID      string            `wire:"user_id"`
	Metadata    map[string]string `wire:"metadata"`
	HostID      string            `wire:"hostId"`
	Image       any               `wire:"image"`
	FlavorRef   *flavorRef        `wire:"flavor,..2.46"`
	Flavor      flavorInfo        `wire:"flavor,2.47.."`
	Created     time.Time         `wire:"created"`
	Updated     time.Time         `wire:"updated"`
	Addresses   map[string][]addr `wire:"addresses"`
	IPv4        string            `wire:"accessIPv4"`
	IPv6        string            `wire:"accessIPv6"`
	Links       []link            `wire:"links"`
	Disk        string            `wire:"OS-DCF:diskConfig"`
	Progress    *int              `wire:"progress,,omitempty"`
	Fault       *faultView        `wire:"fault,,omitempty"`
	Locked      bool              `wire:"locked,2.9.."`
	LockReason  *string           `wire:"locked_reason,2.73.."`
	Description *string           `wire:"description,2.19.."`
	Tags        []string          `wire:"tags,2.26.."`
	NoCerts     *string           `wire:"trusted_image_certificates,2.63.."`
	InGroups    *[]string         `wire:"server_groups,2.71..,omitempty"`
}

// A server as show and the detailed list give it.
type serverView struct {
	changedView
	AZ string `wire:"OS-EXT-AZ:availability_zone"`
	// ConfigDrive is "True" or "".
	ConfigDrive string     `wire:"config_drive"`
	KeyName     *string    `wire:"key_name"`
	Launched    *nanoTime  `wire:"OS-SRV-USG:launched_at"`
	Terminated  *nanoTime  `wire:"OS-SRV-USG:terminated_at"`
	Groups      []nameOnly `wire:"security_groups,,omitempty"`
	*adminView
	TaskState  *string     `wire:"OS-EXT-STS:task_state"`
	VMState    string      `wire:"OS-EXT-STS:vm_state"`
	Power      int         `wire:"OS-EXT-STS:power_state"`
	Volumes    []volumeRef `wire:"os-extended-volumes:volumes_attached"`
	HostStatus *string     `wire:"host_status,2.16..,omitempty"`
	PinnedAZ   *string     `wire:"pinned_availability_zone,2.96.."`
}

// adminView is what os-extended-server-attributes shows.
type adminView struct {
	Host        *string `wire:"OS-EXT-SRV-ATTR:host"`
	Domain      string  `wire:"OS-EXT-SRV-ATTR:instance_name"`
	Hypervisor  *string `wire:"OS-EXT-SRV-ATTR:hypervisor_hostname"`
	Reservation string  `wire:"OS-EXT-SRV-ATTR:reservation_id,2.3.."`
	LaunchIndex int     `wire:"OS-EXT-SRV-ATTR:launch_index,2.3.."`
	Hostname    string  `wire:"OS-EXT-SRV-ATTR:hostname,2.3.."`
	Kernel      string  `wire:"OS-EXT-SRV-ATTR:kernel_id,2.3.."`
	Ramdisk     string  `wire:"OS-EXT-SRV-ATTR:ramdisk_id,2.3.."`
	RootDevice  string  `wire:"OS-EXT-SRV-ATTR:root_device_name,2.3.."`
	UserData    *string `wire:"OS-EXT-SRV-ATTR:user_data,2.3.."`
}

type flavorRef struct {
	ID    string `wire:"id"`
	Links []link `wire:"links"`
}
type flavorInfo struct {
	VCPUs     int               `wire:"vcpus"`
	RAM       int               `wire:"ram"`
	Disk      int               `wire:"disk"`
	Ephemeral int               `wire:"ephemeral"`
	Swap      int               `wire:"swap"`
	Name      string            `wire:"original_name"`
	Extra     map[string]string `wire:"extra_specs"`
}
type addr struct {
	Version int    `wire:"version"`
	Addr    string `wire:"addr"`
	Type    string `wire:"OS-EXT-IPS:type,,omitempty"`
	MAC     string `wire:"OS-EXT-IPS-MAC:mac_addr,,omitempty"`
}
type faultView struct {
	Code    int       `wire:"code"`
	Created time.Time `wire:"created"`
	Message string    `wire:"message"`
	Details string    `wire:"details,,omitempty"`
}
type nameOnly struct {
	Name string `wire:"name"`
}
type volumeRef struct {
	ID     string `wire:"id"`
	Delete bool   `wire:"delete_on_termination,2.3.."`
}

// nanoTime is a time as nova writes it where it forgot the zone.
type nanoTime time.Time

func (t nanoTime) MarshalJSON() ([]byte, error) {
	return time.Time(t).UTC().AppendFormat(nil, `"2006-01-02T15:04:05.000000"`), nil
}

func nano(t time.Time) *nanoTime {
	if t.IsZero() {
		return nil
	}
	n := nanoTime(t)
	return &n
}

// views shows servers with what belongs to them, read in one query each.
func (s *service) views(c *rest.Call, rows []*nova.Server) ([]serverView, error) {
	ids, on := make([]string, len(rows)), map[string]bool{}
	for i, r := range rows {
		ids[i] = r.ID
		on[r.Host] = true
	}
	x, err := s.around(c.Context(), c, ids, slices.Collect(maps.Keys(on)))
	if err != nil {
		return nil, err
	}
	out := make([]serverView, len(rows))
	for i, r := range rows {
		out[i] = x.view(c, r)
	}
	return out, nil
}

// surroundings are what servers' views need beside their rows.
type surroundings struct {
	nics   map[string][]nova.NIC
	holds  map[string][]nova.Hold
	groups map[string]string
	zones  map[string]string
	hosts  map[string]*nova.Host
	now    time.Time
	admin  bool
}

func (s *service) around(ctx context.Context, c *rest.Call, ids, on []string) (x surroundings, err error) {
	x.now, x.admin = s.c.Now(), c.May("os_compute_api:os-extended-server-attributes", c.Own())
	if x.nics, err = s.c.Networks.Of(ctx, ids...); err != nil {
		return x, err
	}
	if x.holds, err = s.c.HoldsOf(ctx, ids...); err != nil {
		return x, err
	}
	if x.zones, err = s.c.ZoneOf(ctx); err != nil {
		return x, err
	}
	hosts, err := s.c.HostsNamed(ctx, on...)
	if err != nil {
		return x, err
	}
	x.hosts = map[string]*nova.Host{}
	for _, h := range hosts {
		x.hosts[h.Name] = h
	}
	if c.From(2, 71) {
		x.groups, err = s.c.GroupsOf(ctx, ids...)
	}
	return x, err
}

func (x surroundings) view(c *rest.Call, r *nova.Server) serverView {
	v := serverView{AZ: x.zone(r), Launched: nano(r.LaunchedAt), Terminated: nano(r.TerminatedAt), Groups: groupsOf(x.nics[r.ID]), VMState: r.VMState, Power: r.PowerState(), Volumes: []volumeRef{}}
	v.changedView = changedView{ID: r.ID, Name: r.Name, Status: r.Status(), TenantID: r.ProjectID, UserID: r.UserID, Metadata: r.Metadata, HostID: hostID(r), Image: "",
		Created: r.CreatedAt, Updated: r.UpdatedAt, Addresses: addresses(x.nics[r.ID], true), IPv4: r.AccessIPv4, IPv6: r.AccessIPv6, Links: links(c, "servers", r.ID),
		Disk: r.DiskConfig, Locked: r.Locked, LockReason: r.LockedReason, Description: r.Description, Tags: r.Tags}
	for _, h := range x.holds[r.ID] {
		v.Volumes = append(v.Volumes, volumeRef{h.VolumeID, h.DeleteOnTermination})
	}
	f := r.Flavor
	v.FlavorRef = &flavorRef{f.ID, bookmark(c, "flavors", f.ID)}
	v.Flavor = flavorInfo{f.VCPUs, f.RAM, f.Disk, f.Ephemeral, f.Swap, f.Name, f.ExtraSpecs}
	if r.ImageID != "" {
		v.Image = flavorRef{r.ImageID, bookmark(c, "images", r.ImageID)}
	}
	if r.ConfigDrive {
		v.ConfigDrive = "True"
	}
	if r.KeyName != "" {
		v.KeyName = &r.KeyName
	}
	if r.TaskState != "" {
		v.TaskState = &r.TaskState
	}
	if r.Asked.AZ != "" {
		v.PinnedAZ = &r.Asked.AZ
	}
	x.more(c, r, &v)
	return v
}

// more adds what depends on the server's state or on who asks.
func (x surroundings) more(c *rest.Call, r *nova.Server, v *serverView) {
	switch v.Status {
	case "ERROR", "DELETED":
		if r.Fault != nil {
			v.Fault = &faultView{r.Fault.Code, r.Fault.Created, r.Fault.Message, ""}
			if x.admin {
				v.Fault.Details = r.Fault.Details
			}
		}
	case "ACTIVE", "BUILD", "REBOOT", "HARD_REBOOT", "REBUILD":
		zero := 0
		v.Progress = &zero
	}
	if groups := x.groups[r.ID]; c.From(2, 71) {
		l := []string{}
		if groups != "" {
			l = append(l, groups)
		}
		v.InGroups = &l
	}
	if !x.admin {
		return
	}
	v.adminView = &adminView{Domain: r.DomainName(), Reservation: r.ReservationID, LaunchIndex: r.LaunchIndex, Hostname: r.Hostname, RootDevice: "/dev/vda",
		Kernel: r.Image.Properties["kernel_id"], Ramdisk: r.Image.Properties["ramdisk_id"]}
	if r.Host != "" {
		v.adminView.Host, v.adminView.Hypervisor = &r.Host, &r.Host
	}
	if r.UserData != "" {
		v.adminView.UserData = &r.UserData
	}
	status := x.hostStatus(r)
	v.HostStatus = &status
}

func (x surroundings) hostStatus(r *nova.Server) string {
	h := x.hosts[r.Host]
	switch {
	case h == nil:
		return ""
	case h.Disabled:
		return "MAINTENANCE"
	case h.Up(x.now):
		return "UP"
	case h.ForcedDown:
		return "DOWN"
	}
	return "UNKNOWN"
}

func (x surroundings) zone(r *nova.Server) string {
	if r.Host == "" {
		return r.Asked.AZ
	}
	return cmp.Or(x.zones[r.Host], nova.DefaultZone)
}

// hostID tells a project's servers' hosts apart without naming them.
func hostID(r *nova.Server) string {
	if r.Host == "" {
		return ""
	}
	sum := sha256.Sum224([]byte(r.ProjectID + r.Host))
	return hex.EncodeToString(sum[:])
}

func addresses(nics []nova.NIC, extended bool) map[string][]addr {
	out := map[string][]addr{}
	for _, n := range nics {
		for _, ip := range n.Fixed {
			one := func(ip, kind string) {
				a := addr{Version: 4, Addr: ip}
				if p, err := netip.ParseAddr(ip); err == nil && p.Is6() {
					a.Version = 6
				}
				if extended {
					a.Type, a.MAC = kind, n.MAC
				}
				out[n.NetworkName] = append(out[n.NetworkName], a)
			}
			one(ip.IP, "fixed")
			for _, f := range ip.Floating {
				one(f, "floating")
			}
		}
	}
	return out
}

func groupsOf(nics []nova.NIC) []nameOnly {
	var out []nameOnly
	seen := map[string]bool{}
	for _, n := range nics {
		for _, g := range n.SecurityGroups {
			if !seen[g.ID] {
				seen[g.ID] = true
				out = append(out, nameOnly{g.Name})
			}
		}
	}
	return out
}
