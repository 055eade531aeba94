package nova

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"

	"stackd/agent/wish"
)

// Metadata is what a guest is told of itself: the files of its config drive, which
// are also the answers at 169.254.169.254 (nova user guide, "Metadata").
func Metadata(s *Server, nics []NIC, holds []Hold, zone string) wish.Metadata {
	zone = cmp.Or(zone, DefaultZone)
	m := wish.Metadata{
		"openstack/latest/meta_data.json":    toJSON(metaData(s, nics, holds, zone)),
		"openstack/latest/network_data.json": toJSON(networkData(nics)),
		"openstack/latest/vendor_data.json":  []byte("{}"),
		"openstack/latest/vendor_data2.json": []byte(`{"static": {}}`),
	}
	if b, err := base64.StdEncoding.DecodeString(s.UserData); err == nil && len(b) > 0 {
		m["openstack/latest/user_data"] = b
		m["ec2/latest/user-data"] = b
	}
	for path, v := range ec2(s, nics, zone) {
		m["ec2/latest/meta-data/"+path] = []byte(v)
	}
	return m
}

func toJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // maps of strings and numbers only
	}
	return b
}

func metaData(s *Server, nics []NIC, holds []Hold, zone string) map[string]any {
	m := map[string]any{"uuid": s.ID, "name": s.Name, "hostname": s.Hostname, "availability_zone": zone, "launch_index": s.LaunchIndex,
		"project_id": s.ProjectID, "devices": devices(nics, holds), "dedicated_cpus": []int{}}
	if len(s.Metadata) > 0 {
		m["meta"] = s.Metadata
	}
	if s.KeyName != "" {
		m["public_keys"] = map[string]string{s.KeyName: s.KeyData}
		m["keys"] = []any{map[string]string{"name": s.KeyName, "type": "ssh", "data": s.KeyData}}
	}
	return m
}

func devices(nics []NIC, holds []Hold) []any {
	out := []any{}
	for _, n := range nics {
		if n.Tag != "" {
			out = append(out, map[string]any{"type": "nic", "bus": "pci", "address": "", "mac": n.MAC, "tags": []string{n.Tag}})
		}
	}
	for _, h := range holds {
		if h.Tag != "" {
			out = append(out, map[string]any{"type": "disk", "bus": "virtio", "address": "", "serial": h.VolumeID, "path": h.Device, "tags": []string{h.Tag}})
		}
	}
	return out
}

func networkData(nics []NIC) map[string]any {
	links, networks, services := []any{}, []any{}, []any{}
	told := map[string]bool{}
	for i, n := range nics {
		link := "tap" + n.PortID[:min(11, len(n.PortID))]
		links = append(links, map[string]any{"id": link, "vif_id": n.PortID, "type": "ovs", "mtu": n.MTU, "ethernet_mac_address": n.MAC})
		for j, ip := range n.Fixed {
			networks = append(networks, networkOf(fmt.Sprintf("network%d", i+j), link, n, ip))
			for _, d := range ip.DNS {
				if !told[d] {
					told[d] = true
					services = append(services, map[string]string{"type": "dns", "address": d})
				}
			}
		}
	}
	return map[string]any{"links": links, "networks": networks, "services": services}
}

func networkOf(id, link string, n NIC, ip FixedIP) map[string]any {
	kind, mask := "ipv4", ""
	p, err := netip.ParsePrefix(ip.CIDR)
	if err == nil {
		mask = maskOf(p)
		if p.Addr().Is6() {
			kind = "ipv6"
		}
	}
	out := map[string]any{"id": id, "link": link, "network_id": n.NetworkID, "type": kind}
	if ip.DHCP {
		out["type"] = kind + "_dhcp"
		return out
	}
	routes := []any{}
	if ip.Gateway != "" {
		all := map[string]string{"ipv4": "0.0.0.0", "ipv6": "::"}[kind]
		routes = append(routes, map[string]string{"network": all, "netmask": all, "gateway": ip.Gateway})
	}
	for _, r := range ip.Routes {
		if d, err := netip.ParsePrefix(r.Destination); err == nil {
			routes = append(routes, map[string]string{"network": d.Addr().String(), "netmask": maskOf(d), "gateway": r.NextHop})
		}
	}
	out["ip_address"], out["netmask"], out["routes"] = ip.IP, mask, routes
	out["services"] = []any{}
	return out
}

// maskOf writes a prefix's mask as an address.
func maskOf(p netip.Prefix) string {
	n := p.Addr().BitLen()
	b := make([]byte, n/8)
	for i := range p.Bits() {
		b[i/8] |= 0x80 >> (i % 8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a.String()
}

func ec2(s *Server, nics []NIC, zone string) map[string]string {
	m := map[string]string{"instance-id": fmt.Sprintf("i-%08x", s.Num), "ami-id": "ami-00000001", "ami-launch-index": fmt.Sprint(s.LaunchIndex), "ami-manifest-path": "FIXED",
		"instance-type": s.Flavor.Name, "instance-action": "none", "hostname": s.Hostname, "local-hostname": s.Hostname, "public-hostname": s.Hostname,
		"reservation-id": s.ReservationID, "placement/availability-zone": zone, "block-device-mapping/ami": "vda", "block-device-mapping/root": "/dev/vda",
		"local-ipv4": "", "public-ipv4": ""}
	var groups []string
	for _, n := range nics {
		for _, g := range n.SecurityGroups {
			groups = append(groups, g.Name)
		}
		for _, ip := range n.Fixed {
			if m["local-ipv4"] == "" && strings.Contains(ip.IP, ".") {
				m["local-ipv4"] = ip.IP
			}
			if m["public-ipv4"] == "" && len(ip.Floating) > 0 {
				m["public-ipv4"] = ip.Floating[0]
			}
		}
	}
	m["security-groups"] = strings.Join(groups, "\n")
	if s.KeyName != "" {
		m["public-keys/0/openssh-key"] = s.KeyData
	}
	return m
}
