package vif

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"stackd/agent/netns"
	"stackd/agent/wish"
)

// Addresses that every metadata server has, and the link it has them on.
const (
	metadataV4   = "169.254.169.254/32"
	metadataV6   = "fe80::a9fe:a9fe/64"
	MetadataLink = "eth0"
)

// Space is the network namespace that a network's metadata is served in.
func (s *Switch) Space(networkID string) string { return s.spacePrefix() + short(networkID) }

func (s *Switch) spacePrefix() string { return s.Prefix + "-md-" }
func veth(networkID string) string    { return "md-" + short(networkID) }
func short(id string) string          { return id[:min(11, len(id))] }

// Networks makes these networks' metadata namespaces and takes all others away.
func (s *Switch) Networks(ctx context.Context, nets []wish.Network) error {
	plugs, err := s.plugs(ctx)
	if err != nil {
		return err
	}
	errs := []error{s.dropNetworks(ctx, plugs, nets)}
	for _, n := range nets {
		if err := s.makeNetwork(ctx, plugs, n); err != nil {
			errs = append(errs, fmt.Errorf("metadata of network %s: %w", n.ID, err))
		}
	}
	return errors.Join(errs...)
}

func (s *Switch) makeNetwork(ctx context.Context, plugs []plug, n wish.Network) error {
	ns, link := s.Space(n.ID), veth(n.ID)
	ids := map[string]string{keyPort: n.MetadataID, keyNetwork: n.ID}
	plugged := netns.HasLink(s.NS, link) && slices.ContainsFunc(plugs, func(p plug) bool { return p.name == link && p.live && contains(p.ids, ids) })
	if !plugged {
		if err := s.delPorts(ctx, link); err != nil {
			return err
		}
	}
	if err := netns.Make(ns); err != nil {
		return err
	}
	if err := netns.MakePair(netns.Pair{NS: s.NS, Link: link, PeerNS: ns, PeerLink: MetadataLink, MTU: n.MTU}); err != nil {
		return err
	}
	if err := netns.Do(ns, func() error { return address(n) }); err != nil || plugged {
		return err
	}
	_, err := s.vsctl(ctx, addPort(link, ids)[1:]...)
	return err
}

// address gives the namespace's link what OVN's localport has, and no more.
func address(n wish.Network) error {
	link, err := netlink.LinkByName(MetadataLink)
	if err != nil {
		return err
	}
	mac, err := parseMAC(n.MetadataMAC)
	if err != nil {
		return err
	}
	if link.Attrs().HardwareAddr.String() != mac.String() {
		if err := netlink.LinkSetHardwareAddr(link, mac); err != nil {
			return err
		}
	}
	wanted := append([]string{metadataV4, metadataV6}, n.Addresses...)
	for _, a := range wanted {
		addr, err := netlink.ParseAddr(a)
		if err != nil {
			return fmt.Errorf("address %q: %w", a, err)
		}
		addr.Flags = unix.IFA_F_NODAD
		if err := netlink.AddrReplace(link, addr); err != nil {
			return fmt.Errorf("address %s: %w", a, err)
		}
	}
	return dropAddresses(link, wanted)
}

// dropAddresses removes addresses of subnets that are gone.
func dropAddresses(link netlink.Link, wanted []string) error {
	have, err := netlink.AddrList(link, netlink.FAMILY_ALL)
	if err != nil {
		return err
	}
	for _, a := range have {
		if slices.Contains(wanted, a.IPNet.String()) || a.IP.IsLinkLocalUnicast() {
			continue
		}
		if err := netlink.AddrDel(link, &a); err != nil {
			return err
		}
	}
	return nil
}

// dropNetworks removes what belongs to networks that are not among nets.
func (s *Switch) dropNetworks(ctx context.Context, plugs []plug, nets []wish.Network) error {
	wanted := map[string]bool{}
	for _, n := range nets {
		wanted[veth(n.ID)], wanted[s.Space(n.ID)] = true, true
	}
	for _, p := range plugs {
		if p.ids[keyNetwork] == "" || wanted[p.name] {
			continue
		}
		if err := errors.Join(s.delPorts(ctx, p.name), netns.RemoveLink(s.NS, p.name)); err != nil {
			return err
		}
	}
	spaces, err := netns.List(s.spacePrefix())
	if err != nil {
		return err
	}
	for _, ns := range spaces {
		if wanted[ns] {
			continue
		}
		half := "md-" + strings.TrimPrefix(ns, s.spacePrefix()) // the link, when it never reached the switch
		if err := errors.Join(netns.RemoveLink(s.NS, half), netns.Remove(ns)); err != nil {
			return err
		}
	}
	return nil
}
