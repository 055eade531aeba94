package deploy

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What a host must have at least.
const (
	leastMemory = 900  // MiB
	leastDisk   = 2048 // MiB
	mostOffset  = 5.0  // seconds between a host and the time servers, or this machine
	tunnelMTU   = 1500
)

// A Finding is something that preflight does not like.
type Finding struct {
	Host  string
	Words string // what is wrong, and what to do
	Fatal bool
}

func (f Finding) String() string { return f.Host + ": " + f.Words }

// preflight is all that is wrong on a host that has been looked at, at an instant of
// this machine's clock.
func (h *Host) preflight(now time.Time) (all []Finding) {
	bad := func(format string, args ...any) {
		all = append(all, Finding{h.Address, fmt.Sprintf(format, args...), true})
	}
	warn := func(format string, args ...any) {
		all = append(all, Finding{h.Address, fmt.Sprintf(format, args...), false})
	}
	f := h.Facts
	if !f.Root {
		bad("the user is not root; let root in by SSH")
	}
	h.system(bad)
	if f.MemoryMB < leastMemory {
		bad("it has %d MiB of memory; %d are wanted", f.MemoryMB, leastMemory)
	}
	if f.DiskMB < leastDisk {
		bad("/var/lib has %d MiB free; %d are wanted. Make room there or mount a larger disk", f.DiskMB, leastDisk)
	}
	if len(f.Taken) > 0 && !f.Mine {
		bad("somebody listens at port %s already; see which by: ss -ltnp", strings.Join(f.Taken, ", "))
	}
	h.outside(bad, warn)
	if h.Compute() && !f.KVM && h.plan.Answers["CONFIG_NOVA_LIBVIRT_VIRT_TYPE"] == "kvm" {
		bad("there is no /dev/kvm; switch virtualization on in its firmware, or say CONFIG_NOVA_LIBVIRT_VIRT_TYPE=qemu for guests that are emulated")
	} else if h.Compute() && !f.KVM {
		warn("there is no /dev/kvm: guests are emulated, which is slow")
	}
	if f.Self != "" && f.Self != h.Address && !strings.HasPrefix(f.Self, "127.") && f.Self != h.Tunnel {
		bad("its name %s resolves to %s there; mend /etc/hosts or the DNS server", h.Name, f.Self)
	}
	h.guards(warn)
	h.volumes(warn)
	h.used(bad)
	h.clock(now, bad)
	h.links(bad)
	h.group(bad)
	return all
}

// oldest is the first release of Enterprise Linux that has what is needed.
const oldest = 9

// system is what is wrong with the host's system.
func (h *Host) system(bad func(string, ...any)) {
	f := h.Facts
	if familyOf(append([]string{f.OS}, f.Like...)...) == nil {
		bad("its system is %q; Debian, Ubuntu, Fedora, CentOS Stream, Rocky, AlmaLinux and RHEL are prepared by themselves", f.OS)
	}
	major, _, _ := strings.Cut(f.Release, ".")
	if n, err := strconv.Atoi(major); err == nil && h.enterprise() && n < oldest {
		bad("its system is %s %s; Enterprise Linux %d or later is wanted", f.OS, f.Release, oldest)
	}
}

// guards tells of what keeps things from the host that is not changed by itself.
func (h *Host) guards(warn func(string, ...any)) {
	if h.Facts.Guarded && h.plan.Answers["CONFIG_STACKD_FIREWALL"] == "rules" {
		var ports []string
		for _, o := range h.openings() {
			ports = append(ports, o.proto+" "+o.ports)
		}
		warn("a packet filter that is neither firewalld nor ufw drops what it does not know; let these ports in: %s", strings.Join(ports, ", "))
	}
	if h.Facts.SELinux && h.plan.Answers["CONFIG_STACKD_SELINUX"] == "keep" {
		warn("SELinux enforces there, and CONFIG_STACKD_SELINUX=keep adds no rules for stackd: what it starts is kept from its own files, guests first. rules adds them, permissive lets it only tell")
	}
	for _, name := range slices.Compact([]string{h.plan.Uplink, h.plan.TunnelIf}) {
		if l := h.Facts.Links[name]; name != "" && l.Dynamic && (name != h.plan.Uplink || h.Controller()) {
			warn("link %s has its address %s by DHCP, which the bridge that takes the link does not ask again; give it that address for good", name, l.Addr)
		}
	}
}

// volumes tells of guests that volumes cannot be attached to.
func (h *Host) volumes(warn func(string, ...any)) {
	switch {
	case h.iscsi():
	case h.Storage() && !h.plan.alone():
		warn("Enterprise Linux has no iSCSI target of its own (tgt): volumes can be attached to guests of this host alone. Have another system's host be the storage host, if others' are to have volumes")
	case h.Compute() && !h.Storage() && h.exports():
		warn("the QEMU of Enterprise Linux knows no iSCSI: volumes cannot be attached to guests of this host")
	}
}

func (h *Host) clock(now time.Time, bad func(string, ...any)) {
	servers, answered := 0, 0
	for line := range strings.Lines(h.Facts.Time) {
		server, said, _ := strings.Cut(strings.TrimSpace(line), " ")
		servers++
		off, err := strconv.ParseFloat(said, 64)
		if err != nil || off < -1e9 {
			continue
		}
		if answered++; math.Abs(off) > mostOffset {
			bad("its clock is %.0f seconds off from time server %s; set it: chronyd -q 'server %s iburst'", -off, server, server)
		}
	}
	if servers > 0 && answered == 0 {
		bad("no time server of CONFIG_NTP_SERVERS answers it (%s); see that UDP port 123 gets there, or name other servers", strings.Join(h.asks(), ", "))
	}
	if off := h.Facts.Clock - float64(now.UnixNano())/1e9; servers == 0 && math.Abs(off) > mostOffset {
		bad("its clock is %.0f seconds off from this machine's; set it, or name time servers in CONFIG_NTP_SERVERS", off)
	}
}

func (h *Host) links(bad func(string, ...any)) {
	if h.plan.Uplink != "" && h.Network() {
		if l, ok := h.Facts.Links[h.plan.Uplink]; !ok {
			bad("there is no link %s, which the bridge interfaces name; it has %s", h.plan.Uplink, h.linkNames())
		} else if !l.Up {
			bad("link %s is down", h.plan.Uplink)
		}
	}
	if h.plan.TunnelIf == "" || !h.Controller() && !h.Compute() || h.plan.alone() {
		return
	}
	l, ok := h.Facts.Links[h.plan.TunnelIf]
	switch {
	case !ok:
		bad("there is no link %s for tunnels; it has %s", h.plan.TunnelIf, h.linkNames())
	case !l.Up:
		bad("link %s for tunnels is down", h.plan.TunnelIf)
	case h.Tunnel == h.Address && l.Addr == "" && h.plan.TunnelIf != h.plan.Uplink:
		bad("link %s for tunnels has no address", h.plan.TunnelIf)
	case l.MTU < tunnelMTU:
		bad("link %s for tunnels carries packets of %d bytes; %d are wanted: ip link set %s mtu %d", h.plan.TunnelIf, l.MTU, tunnelMTU, h.plan.TunnelIf, tunnelMTU)
	}
}

func (h *Host) linkNames() string {
	var names []string
	for n := range h.Facts.Links {
		names = append(names, n)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

func (h *Host) group(bad func(string, ...any)) {
	a := h.plan.Answers
	if !h.Storage() || a["CONFIG_CINDER_BACKEND"] != "lvm" {
		return
	}
	switch {
	case !h.Facts.Mapper:
		bad("its kernel has no device-mapper, which volume groups need; load dm_mod, or say CONFIG_CINDER_BACKEND=file")
	case h.Facts.Group == "" && !a.Yes("CONFIG_CINDER_VOLUMES_CREATE"):
		bad("there is no volume group %s; make it (vgcreate %s /dev/…) or say CONFIG_CINDER_VOLUMES_CREATE=y", a["CONFIG_CINDER_VOLUME_NAME"], a["CONFIG_CINDER_VOLUME_NAME"])
	}
}

// between is what is wrong among hosts: two that are one, two of one name.
func between(hosts []*Host) (all []Finding) {
	names, machines, tunnels := map[string]string{}, map[string]string{}, map[string]string{}
	say := func(seen map[string]string, key, host, format string) {
		if key == "" {
			return
		}
		if other, twice := seen[key]; twice {
			all = append(all, Finding{host, fmt.Sprintf(format, key, other), true})
		}
		seen[key] = host
	}
	for _, h := range hosts {
		say(names, h.Name, h.Address, "its name is %s, and so is %s's; give one another: hostnamectl set-hostname NAME")
		if _, alone := h.Shell.(Local); !alone {
			say(machines, h.Facts.Machine+"/"+h.Name, h.Address, "it has the machine id and name %s as %s has: they are one machine, or copies of one")
		}
		if h.Tunnel != h.Address {
			say(tunnels, h.Tunnel, h.Address, "its address for tunnels is %s, and so is %s's")
		}
	}
	return all
}
