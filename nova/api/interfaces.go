package api

import (
	"stackd/internal/fault"
	"stackd/internal/rest"
	"stackd/nova"
)

func (s *service) interfaces() []rest.Route {
	const at = "/v2.1/servers/{id}/os-interface"
	return []rest.Route{
		{On: "GET " + at, Rule: "os_compute_api:os-attach-interfaces:list", Do: rest.Do(s.listInterfaces)},
		{On: "POST " + at, Rule: "os_compute_api:os-attach-interfaces:create", Do: rest.Do(s.attach), Body: s.shelf.Get("servers.interface")},
		{On: "GET " + at + "/{port}", Rule: "os_compute_api:os-attach-interfaces:show", Do: rest.Do(s.showInterface)},
		{On: "DELETE " + at + "/{port}", Rule: "os_compute_api:os-attach-interfaces:delete", Do: rest.DoNothing(s.detach), Status: 202, Mutates: true},
		{On: "GET /v2.1/servers/{id}/os-security-groups", Rule: "os_compute_api:os-security-groups:list", Do: rest.Do(s.serverGroups)},
	}
}

type interfaceView struct {
	NetID   string      `wire:"net_id"`
	PortID  string      `wire:"port_id"`
	MAC     string      `wire:"mac_addr"`
	State   string      `wire:"port_state"`
	FixedIP []fixedView `wire:"fixed_ips"`
	Tag     *string     `wire:"tag,2.70.."`
}

type fixedView struct {
	SubnetID string `wire:"subnet_id"`
	IP       string `wire:"ip_address"`
}

func viewNIC(n nova.NIC) interfaceView {
	v := interfaceView{NetID: n.NetworkID, PortID: n.PortID, MAC: n.MAC, State: n.Status}
	for _, ip := range n.Fixed {
		v.FixedIP = append(v.FixedIP, fixedView{ip.SubnetID, ip.IP})
	}
	if n.Tag != "" {
		v.Tag = &n.Tag
	}
	return v
}

func (s *service) listInterfaces(c *rest.Call, in byID) (map[string][]interfaceView, error) {
	nics, err := s.nicsOf(c, in.ID)
	out := []interfaceView{}
	for _, n := range nics {
		out = append(out, viewNIC(n))
	}
	return map[string][]interfaceView{"interfaceAttachments": out}, err
}

type portPath struct {
	byID
	Port string `path:"port"`
}

func (s *service) showInterface(c *rest.Call, in portPath) (map[string]interfaceView, error) {
	nics, err := s.nicsOf(c, in.ID)
	if err != nil {
		return nil, err
	}
	for _, n := range nics {
		if n.PortID == in.Port {
			return map[string]interfaceView{"interfaceAttachment": viewNIC(n)}, nil
		}
	}
	return nil, fault.New(fault.NotFound, "Instance %s does not have a port with id %s", in.ID, in.Port)
}

func (s *service) attach(c *rest.Call, in struct {
	byID
	A struct {
		Net   string `json:"net_id"`
		Port  string `json:"port_id"`
		Fixed []struct {
			IP string `json:"ip_address"`
		} `json:"fixed_ips"`
		Tag string `json:"tag"`
	} `json:"interfaceAttachment"`
}) (map[string]interfaceView, error) {
	s.ctx(c)
	r := nova.NetworkRequest{NetworkID: in.A.Net, PortID: in.A.Port, Tag: in.A.Tag}
	if r.NetworkID != "" && r.PortID != "" {
		return nil, fault.New(fault.Invalid, "Must not input both network_id and port_id")
	}
	if len(in.A.Fixed) > 0 {
		if r.FixedIP = in.A.Fixed[0].IP; r.NetworkID == "" {
			return nil, fault.New(fault.Invalid, "Must input network_id when request IP address")
		}
	}
	n, err := s.c.AttachNIC(c.Context(), in.ID, r)
	if err != nil {
		return nil, err
	}
	return map[string]interfaceView{"interfaceAttachment": viewNIC(n)}, nil
}

func (s *service) detach(c *rest.Call, in portPath) error {
	s.ctx(c)
	return s.c.DetachNIC(c.Context(), in.ID, in.Port)
}

type groupRef struct {
	ID          string `wire:"id"`
	Name        string `wire:"name"`
	Description string `wire:"description"`
	Rules       []any  `wire:"rules"`
	TenantID    string `wire:"tenant_id"`
}

func (s *service) serverGroups(c *rest.Call, in byID) (map[string][]groupRef, error) {
	r, err := s.c.Visible(c.Context(), in.ID)
	if err != nil {
		return nil, err
	}
	nics, err := s.c.Networks.Of(c.Context(), in.ID)
	out := []groupRef{}
	seen := map[string]bool{}
	for _, n := range nics[in.ID] {
		for _, g := range n.SecurityGroups {
			if !seen[g.ID] {
				seen[g.ID] = true
				out = append(out, groupRef{ID: g.ID, Name: g.Name, TenantID: r.ProjectID})
			}
		}
	}
	return map[string][]groupRef{"security_groups": out}, err
}
