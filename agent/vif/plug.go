package vif

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"

	"stackd/agent"
	"stackd/agent/netns"
	"stackd/agent/wish"
)

var _ agent.Vifs = (*Switch)(nil)

// TapName is the device of a port; the kernel takes 15 characters.
func TapName(portID string) string { return "tap" + portID[:min(11, len(portID))] }

func wantedIDs(server string, p wish.Port) map[string]string {
	return map[string]string{keyPort: p.ID, "iface-status": "active", keyMAC: p.MAC, keyServer: server}
}

// Plugged reports whether every port of the server has its tap on the bridge.
func (s *Switch) Plugged(ctx context.Context, v wish.Server) (bool, error) {
	missing, err := s.missing(ctx, v)
	return len(missing) == 0, err
}

func (s *Switch) missing(ctx context.Context, v wish.Server) ([]wish.Port, error) {
	if len(v.Ports) == 0 {
		return nil, nil
	}
	plugs, err := s.plugs(ctx)
	if err != nil {
		return nil, err
	}
	links, err := netns.Links(s.NS)
	if err != nil {
		return nil, err
	}
	var out []wish.Port
	for _, port := range v.Ports {
		name, ids := TapName(port.ID), wantedIDs(v.ID, port)
		plugged := slices.ContainsFunc(plugs, func(p plug) bool { return p.name == name && p.live && contains(p.ids, ids) })
		if !plugged || !slices.ContainsFunc(links, func(l netlink.Link) bool { return l.Attrs().Name == name }) {
			out = append(out, port)
		}
	}
	return out, nil
}

func contains(have, want map[string]string) bool {
	for k, v := range want {
		if have[k] != v {
			return false
		}
	}
	return true
}

// Plug makes what is missing of the server's plugs.
func (s *Switch) Plug(ctx context.Context, v wish.Server) error {
	missing, err := s.missing(ctx, v)
	if err != nil || len(missing) == 0 {
		return err
	}
	var names, args []string
	for _, p := range missing {
		names = append(names, TapName(p.ID))
		args = append(args, addPort(TapName(p.ID), wantedIDs(v.ID, p))...)
	}
	if err := s.delPorts(ctx, names...); err != nil {
		return err
	}
	for _, p := range missing {
		if err := s.makeTap(v.ID, p); err != nil {
			return fmt.Errorf("make tap of port %s: %w", p.ID, err)
		}
	}
	_, err = s.vsctl(ctx, args[1:]...)
	return err
}

// makeTap makes a tap that stays when its user ends. QEMU's packets carry a
// header that says which checksums are to be filled in, so the tap takes it too.
func (s *Switch) makeTap(server string, p wish.Port) error {
	return netns.Do(s.NS, func() error {
		name := TapName(p.ID)
		link, err := netlink.LinkByName(name)
		if errors.As(err, &netlink.LinkNotFoundError{}) {
			attrs := netlink.NewLinkAttrs()
			attrs.Name = name
			tap := &netlink.Tuntap{LinkAttrs: attrs, Mode: netlink.TUNTAP_MODE_TAP, Flags: netlink.TUNTAP_VNET_HDR | netlink.TUNTAP_NO_PI}
			if err = netlink.LinkAdd(tap); err == nil {
				link, err = netlink.LinkByName(name)
			}
		}
		if err != nil {
			return err
		}
		if p.MTU > 0 {
			err = netlink.LinkSetMTU(link, p.MTU)
		}
		return errors.Join(err, netlink.LinkSetAlias(link, netns.AliasMark+server), netlink.LinkSetUp(link))
	})
}

// Unplug takes the server's plugs away except those of keep.
func (s *Switch) Unplug(ctx context.Context, v wish.Server, keep []wish.Port) error {
	kept := map[string]bool{}
	for _, p := range keep {
		kept[TapName(p.ID)] = true
	}
	names, err := s.tapsOf(ctx, v)
	if err != nil {
		return err
	}
	names = slices.DeleteFunc(names, func(n string) bool { return kept[n] })
	if err := s.delPorts(ctx, names...); err != nil {
		return err
	}
	for _, n := range names {
		if err := netns.RemoveLink(s.NS, n); err != nil {
			return err
		}
	}
	return nil
}

// tapsOf are the devices of a server, on the bridge or only half made.
func (s *Switch) tapsOf(ctx context.Context, v wish.Server) ([]string, error) {
	owners, err := s.owners(ctx)
	var names []string
	for name, owner := range owners {
		if owner == v.ID {
			names = append(names, name)
		}
	}
	for _, p := range v.Ports {
		if name := TapName(p.ID); !slices.Contains(names, name) && netns.HasLink(s.NS, name) {
			names = append(names, name)
		}
	}
	return names, err
}

// Owners are the servers that have a plug here.
func (s *Switch) Owners(ctx context.Context) ([]string, error) {
	owners, err := s.owners(ctx)
	var ids []string
	for _, id := range owners {
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids, err
}

// owners maps a device to its server, by the switch's word and by the link's alias.
func (s *Switch) owners(ctx context.Context) (map[string]string, error) {
	plugs, err := s.plugs(ctx)
	if err != nil {
		return nil, err
	}
	of := map[string]string{}
	for _, p := range plugs {
		if id := p.ids[keyServer]; id != "" {
			of[p.name] = id
		}
	}
	links, err := netns.Links(s.NS)
	for _, l := range links {
		if id, ok := strings.CutPrefix(l.Attrs().Alias, netns.AliasMark); ok {
			of[l.Attrs().Name] = id
		}
	}
	return of, err
}

func parseMAC(s string) (net.HardwareAddr, error) {
	mac, err := net.ParseMAC(s)
	if err != nil {
		return nil, fmt.Errorf("MAC address %q: %w", s, err)
	}
	return mac, nil
}
