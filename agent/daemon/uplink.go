package daemon

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/vishvananda/netlink"

	"stackd/agent/netns"
)

// underlay is the bridge that takes the tunnels' link: OVS's own datapath finds no way
// to other hosts by a link that is none of its ports.
const underlay = "br-underlay"

// ensureUplink makes the uplink a port of the public bridge.
func (h *Host) ensureUplink(ctx context.Context) (already bool, err error) {
	up, err := netlink.LinkByName(h.Uplink)
	if err != nil {
		return false, fmt.Errorf("uplink %s: %w", h.Uplink, err)
	}
	return h.take(ctx, up, h.Bridge)
}

// ensureUnderlay puts the link that carries the tunnels' address where tunnels find it.
func (h *Host) ensureUnderlay(ctx context.Context) error {
	ip := netip.MustParseAddr(h.EncapIP)
	if h.Datapath != "netdev" || h.Netns != HostNetns || ip.IsLoopback() {
		return nil
	}
	link, err := linkOf(ip)
	if err != nil || link.Attrs().Name == underlay || link.Attrs().Name == h.Bridge {
		return err
	}
	if err := h.vsctl(ctx, "--may-exist", "add-br", underlay, "--", "set", "bridge", underlay, "datapath_type=netdev"); err != nil {
		return err
	}
	_, err = h.take(ctx, link, underlay)
	return err
}

// linkOf is the link of this host that has an address.
func linkOf(ip netip.Addr) (netlink.Link, error) {
	addrs, err := netlink.AddrList(nil, netlink.FAMILY_ALL)
	if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) {
		return nil, err
	}
	for _, a := range addrs {
		if a.IP.Equal(net.IP(ip.AsSlice())) {
			return netlink.LinkByIndex(a.LinkIndex)
		}
	}
	return nil, fmt.Errorf("no link of this host has the tunnels' address %s", ip)
}

// take makes a link a port of a bridge. Its addresses and routes go over to the bridge:
// the host answers where it did before.
func (h *Host) take(ctx context.Context, link netlink.Link, bridge string) (already bool, err error) {
	name := link.Attrs().Name
	on, err := h.output(ctx, "ovs-vsctl", "--timeout=20", "--db="+h.OVSDB(), "port-to-br", name)
	if already = err == nil && on == bridge; !already {
		mac := strings.ReplaceAll(link.Attrs().HardwareAddr.String(), ":", `\:`)
		if err := h.vsctl(ctx, "--may-exist", "add-port", bridge, name, "--", "set", "bridge", bridge, "other-config:hwaddr="+mac); err != nil {
			return false, err
		}
	}
	to, err := netlink.LinkByName(bridge)
	if err != nil {
		return already, fmt.Errorf("bridge %s: %w", bridge, err)
	}
	if h.Datapath == "netdev" {
		if err := netns.TxOff(bridge); err != nil {
			return already, err
		}
	}
	if err := errors.Join(netlink.LinkSetUp(link), netlink.LinkSetUp(to)); err != nil {
		return already, err
	}
	h.tellManager(ctx, name, "no")
	return already, moveAddresses(link, to)
}

// tellManager tells NetworkManager, where it runs, whether a link is its own: it would
// give the link its addresses back. At its next start it knows nothing of it, so that
// the link has its addresses until the bridge takes them again.
func (h *Host) tellManager(ctx context.Context, link, managed string) {
	_, _ = h.output(ctx, "nmcli", "--wait", "5", "device", "set", link, "managed", managed)
}

// moveAddresses moves a link's addresses and the routes that leave by it to another.
func moveAddresses(from, to netlink.Link) error {
	addrs, err := netlink.AddrList(from, netlink.FAMILY_ALL)
	if err != nil {
		return err
	}
	routes, err := netlink.RouteList(from, netlink.FAMILY_ALL)
	if err != nil {
		return err
	}
	var errs []error
	for _, a := range addrs {
		if a.Scope == int(netlink.SCOPE_LINK) {
			continue
		}
		moved := netlink.Addr{IPNet: a.IPNet, Broadcast: a.Broadcast}
		errs = append(errs, netlink.AddrDel(from, &a), netlink.AddrReplace(to, &moved))
	}
	for _, r := range routes {
		if r.Gw == nil { // the kernel's own, which came with an address
			continue
		}
		r.LinkIndex = to.Attrs().Index
		errs = append(errs, netlink.RouteReplace(&r))
	}
	return errors.Join(errs...)
}

// release gives the host the links back that its bridges took, before these go.
func (h *Host) release(ctx context.Context) error {
	if h.Netns != HostNetns {
		return nil
	}
	var errs []error
	if h.Uplink != "" {
		errs = append(errs, giveBack(h.Bridge, h.Uplink))
		h.tellManager(ctx, h.Uplink, "yes")
	}
	ports, err := h.output(ctx, "ovs-vsctl", "--timeout=5", "--db="+h.OVSDB(), "list-ports", underlay)
	if err != nil {
		return errors.Join(errs...) // there is no such bridge
	}
	for _, p := range strings.Fields(ports) {
		errs = append(errs, giveBack(underlay, p))
		h.tellManager(ctx, p, "yes")
	}
	return errors.Join(errs...)
}

// giveBack moves a bridge's addresses to a link, if both are there.
func giveBack(bridge, link string) error {
	from, err := netlink.LinkByName(bridge)
	if err == nil {
		var to netlink.Link
		if to, err = netlink.LinkByName(link); err == nil {
			return moveAddresses(from, to)
		}
	}
	var none netlink.LinkNotFoundError
	if errors.As(err, &none) {
		return nil
	}
	return err
}

// Switch starts the switch again where one has died and left a bridge behind that the
// host's addresses are on: without it this machine reaches nobody, not even the database
// that says what else is to be started. Anywhere else it does nothing.
func Switch(ctx context.Context, o Options) error {
	h, err := newHost(o)
	if err != nil || !h.switches() || h.Uplink == "" || h.Netns != HostNetns || missing(h.DataDir+"/ovn/conf.db") {
		return err
	}
	if _, err := netlink.LinkByName(h.Bridge); err != nil {
		return nil
	}
	h.progress = func(string, string, time.Duration) {}
	if err := h.makeDirs(); err != nil {
		return err
	}
	for _, p := range h.ovnProcesses() {
		if p.name == "conf" || p.name == "vswitchd" {
			if _, err := h.ensureProcess(ctx, p); err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
		}
	}
	return nil
}
