package daemon

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

func (h *Host) table() *nftables.Table {
	return &nftables.Table{Name: "stackd-" + h.Name, Family: nftables.TableFamilyIPv4}
}

// ensureNAT lets what comes from the public network out under the host's own
// addresses: a table of ours with one rule, and forwarding switched on.
func (h *Host) ensureNAT() error {
	if err := h.removeTable(); err != nil {
		return err
	}
	c, err := nftables.New()
	if err != nil {
		return fmt.Errorf("nftables: %w", err)
	}
	table := c.AddTable(h.table())
	chain := c.AddChain(&nftables.Chain{
		Name: "postrouting", Table: table, Type: nftables.ChainTypeNAT,
		Hooknum: nftables.ChainHookPostrouting, Priority: nftables.ChainPriorityNATSource,
	})
	c.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: masquerade(h.Gateway.Masked(), h.HostLink())})
	if err := c.Flush(); err != nil {
		return fmt.Errorf("nftables: %w", err)
	}
	return h.ensureForwarding()
}

// masquerade is: ip saddr PREFIX oifname != LINK masquerade
func masquerade(from netip.Prefix, link string) []expr.Any {
	name := make([]byte, unix.IFNAMSIZ)
	copy(name, link)
	return []expr.Any{
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: 12, Len: 4},
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 4, Mask: net.CIDRMask(from.Bits(), 32), Xor: make([]byte, 4)},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: from.Addr().AsSlice()},
		&expr.Meta{Key: expr.MetaKeyOIFNAME, Register: 1},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: name},
		&expr.Masq{},
	}
}

func (h *Host) removeTable() error {
	c, err := nftables.New()
	if err != nil {
		return fmt.Errorf("nftables: %w", err)
	}
	tables, err := c.ListTablesOfFamily(nftables.TableFamilyIPv4)
	if err != nil {
		return fmt.Errorf("nftables: %w", err)
	}
	for _, t := range tables {
		if t.Name == h.table().Name {
			c.DelTable(t)
		}
	}
	return c.Flush()
}

const forwardSwitch = "/proc/sys/net/ipv4/ip_forward"

// forwardNote in the data directory says that it was us who switched forwarding on.
func (h *Host) forwardNote() string { return filepath.Join(h.DataDir, "run", "forwarding-was-off") }

func (h *Host) ensureForwarding() error {
	now, err := os.ReadFile(forwardSwitch)
	if err != nil || bytes.HasPrefix(now, []byte("1")) {
		return err
	}
	if err := os.WriteFile(h.forwardNote(), nil, 0o644); err != nil {
		return err
	}
	return os.WriteFile(forwardSwitch, []byte("1"), 0o644)
}

// removeNAT undoes ensureNAT; forwarding stays on while another cloud's table is there.
func (h *Host) removeNAT() error {
	if err := h.removeTable(); err != nil {
		return nil // there is no nftables here, so there is no table of ours
	}
	if missing(h.forwardNote()) || othersTables() {
		return nil
	}
	return errors.Join(os.WriteFile(forwardSwitch, []byte("0"), 0o644), os.Remove(h.forwardNote()))
}

func othersTables() bool {
	c, err := nftables.New()
	if err != nil {
		return false
	}
	tables, err := c.ListTablesOfFamily(nftables.TableFamilyIPv4)
	for _, t := range tables {
		if strings.HasPrefix(t.Name, "stackd-") {
			return true
		}
	}
	return err != nil
}

func addrOf(ip net.IP) netip.Addr {
	a, _ := netip.AddrFromSlice(ip)
	return a.Unmap()
}
