package daemon

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/vishvananda/netlink"

	"stackd/agent/netns"
)

// innerLink is the namespace's end of the veth pair; it is a port of the public bridge.
const innerLink = "ext0"

// HostLink is the host's end of the veth pair: it carries the gateway address.
// In the host's own namespace it is the public bridge's own port.
func (h *Host) HostLink() string {
	if h.NS() == "" {
		return h.Bridge
	}
	return linkName("v-", h.Name)
}

// ensureNetwork joins the public bridge to the host: the host answers at the
// gateway address, and guests get out through it.
func (h *Host) ensureNetwork(ctx context.Context) (already bool, err error) {
	if err := h.ensureUnderlay(ctx); err != nil {
		return false, err
	}
	if h.Uplink != "" {
		return h.ensureUplink(ctx)
	}
	if !h.Gateway.IsValid() {
		return true, nil // this host has no part of the public network
	}
	already = netns.HasLink("", h.HostLink())
	if h.NS() != "" {
		if err := h.ensureVeth(ctx); err != nil {
			return already, err
		}
	}
	if err := h.ensureAddress(); err != nil {
		return already, err
	}
	if err := h.ensureNAT(); err != nil {
		h.progress("public network", fmt.Sprintf("warning: floating IPs answer on this host, but guests get no further: %v", err), 0)
	}
	return already, nil
}

func (h *Host) ensureVeth(ctx context.Context) error {
	pair := netns.Pair{Link: h.HostLink(), PeerNS: h.NS(), PeerLink: innerLink}
	if netns.HasLink("", pair.Link) && !netns.HasLink(pair.PeerNS, pair.PeerLink) {
		if err := netns.RemoveLink("", pair.Link); err != nil { // of a namespace that is gone
			return err
		}
	}
	if !netns.HasLink("", pair.Link) { // the switch must let go of an earlier link before it takes a new one of that name
		if err := h.vsctl(ctx, "--if-exists", "del-port", innerLink); err != nil {
			return err
		}
	}
	if err := netns.MakePair(pair); err != nil {
		return err
	}
	return h.vsctl(ctx, "--may-exist", "add-port", h.Bridge, innerLink)
}

func (h *Host) ensureAddress() error {
	link, err := netlink.LinkByName(h.HostLink())
	if err != nil {
		return fmt.Errorf("link %s: %w", h.HostLink(), err)
	}
	if err := h.refuseTaken(link); err != nil {
		return err
	}
	ip := &net.IPNet{IP: h.Gateway.Addr().AsSlice(), Mask: net.CIDRMask(h.Gateway.Bits(), 32)}
	return errors.Join(netlink.AddrReplace(link, &netlink.Addr{IPNet: ip}), netlink.LinkSetUp(link), netns.TxOff(h.HostLink()))
}

// refuseTaken says so when the public network is already somewhere else on this host.
func (h *Host) refuseTaken(ours netlink.Link) error {
	addrs, err := netlink.AddrList(nil, netlink.FAMILY_V4)
	if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) {
		return err
	}
	for _, a := range addrs {
		other := a.IPNet.Contains(h.Gateway.Addr().AsSlice()) || h.Gateway.Masked().Contains(addrOf(a.IP))
		if other && a.LinkIndex != ours.Attrs().Index {
			return fmt.Errorf("the public network %s is on this host already, with address %s: choose another", h.Gateway.Masked(), a.IPNet)
		}
	}
	return nil
}

// removeNetwork takes away all that the network was: the namespaces with what is
// in them, or in the host's own namespace, our links one by one.
func (h *Host) removeNetwork() error {
	spaces, err := netns.List(h.Name + "-md-")
	errs := []error{err, h.removeNAT()}
	for _, ns := range spaces {
		errs = append(errs, netns.Remove(ns))
	}
	if h.NS() == "" {
		return errors.Join(append(errs, netns.RemoveMarked(""))...)
	}
	return errors.Join(append(errs, netns.RemoveLink("", h.HostLink()), netns.Remove(h.NS()))...)
}
