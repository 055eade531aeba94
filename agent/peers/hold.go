package peers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"syscall"
	"time"

	"github.com/vishvananda/netlink"
)

// How an address is held: the lease is renewed well before it ends, and who waits for it
// asks as often. An address that its holder does not renew is taken off its link by the
// kernel, so that a holder that was killed, or that does not reach the database, has it
// no longer than its lease.
const (
	leaseLife  = 2600 * time.Millisecond // the kernel counts whole seconds of it
	leaseEvery = 300 * time.Millisecond
)

// A Hold keeps an address on a link of this machine for as long as this control plane
// has the lease, and off it otherwise.
type Hold struct {
	Store   Store
	Holder  string // of all control planes, this one
	Address netip.Addr
	// Beside is an address of this machine: the held one is put on the link that has it.
	Beside netip.Addr
	// Taken is called when the address has come here, Leaving before it is given back.
	Taken, Leaving func()

	here bool
}

// Run holds until the context ends, and then gives the address back.
func (h *Hold) Run(ctx context.Context) {
	said := ""
	for tick := time.NewTicker(leaseEvery); ; {
		err := h.renew(ctx)
		if err == nil {
			said = ""
		} else if ctx.Err() == nil && err.Error() != said {
			said = err.Error()
			slog.Warn("the cloud's address is not held", "address", h.Address, "cause", err)
		}
		select {
		case <-ctx.Done():
			tick.Stop()
			if h.here && h.Leaving != nil {
				h.Leaving()
			}
			h.giveBack()
			return
		case <-tick.C:
		}
	}
}

// renew asks for the lease and puts the address where it belongs. What the lease is good
// for counts from before the question.
func (h *Hold) renew(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, leaseLife/2)
	defer cancel()
	asked := time.Now()
	mine, err := h.Store.Lease(ctx, h.name(), h.Holder, leaseLife)
	if err != nil {
		h.here = false // by and by: the kernel takes the address off when its time is over
		return err
	}
	left := leaseLife - time.Since(asked)
	if !mine || left < time.Second {
		was := h.here
		h.here = false
		if was {
			slog.Info("the cloud's address is another's", "address", h.Address)
		}
		return h.off()
	}
	if err := h.on(left); err != nil || h.here {
		return err
	}
	h.here = true
	slog.Info("the cloud's address is here", "address", h.Address)
	go h.tell()
	if h.Taken != nil {
		h.Taken()
	}
	return nil
}

func (h *Hold) name() string { return "address " + h.Address.String() }

// giveBack lets another have the address at once.
func (h *Hold) giveBack() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := errors.Join(h.off(), h.Store.Release(ctx, h.name(), h.Holder)); err != nil {
		slog.Warn("the cloud's address is not given back", "cause", err)
	}
}

// link is the one that has the address that is beside.
func (h *Hold) link() (netlink.Link, error) {
	all, err := netlink.AddrList(nil, netlink.FAMILY_V4)
	if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) {
		return nil, err
	}
	for _, a := range all {
		if ip, ok := netip.AddrFromSlice(a.IP.To4()); ok && ip == h.Beside {
			return netlink.LinkByIndex(a.LinkIndex)
		}
	}
	return nil, fmt.Errorf("no link of this machine has the address %s", h.Beside)
}

// addr is the held address alone; the network that it is on is its neighbour's.
func (h *Hold) addr() *netlink.Addr {
	return &netlink.Addr{IPNet: &net.IPNet{IP: h.Address.AsSlice(), Mask: net.CIDRMask(32, 32)}}
}

func (h *Hold) on(left time.Duration) error {
	l, err := h.link()
	if err != nil {
		return err
	}
	a := h.addr()
	a.ValidLft, a.PreferedLft = int(left/time.Second), int(left/time.Second)
	return netlink.AddrReplace(l, a)
}

// off takes the address off whatever link has it.
func (h *Hold) off() error {
	all, err := netlink.AddrList(nil, netlink.FAMILY_V4)
	if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) {
		return err
	}
	err = nil
	for _, a := range all {
		ip, _ := netip.AddrFromSlice(a.IP.To4())
		if ones, _ := a.Mask.Size(); ip != h.Address || ones != 32 {
			continue
		}
		if l, e := netlink.LinkByIndex(a.LinkIndex); e == nil {
			err = errors.Join(err, netlink.AddrDel(l, &a))
		}
	}
	return err
}

// tell has the neighbours send to this machine from now on.
func (h *Hold) tell() {
	for range 4 {
		l, err := h.link()
		if err == nil {
			err = announce(l.Attrs(), h.Address)
		}
		if err != nil {
			slog.Warn("neighbours are not told where the cloud's address is", "cause", err)
		}
		time.Sleep(300 * time.Millisecond)
	}
}

// announce sends a gratuitous ARP request (RFC 5227, 3).
func announce(l *netlink.LinkAttrs, ip netip.Addr) error {
	const arp, broadcast = 0x0806, "\xff\xff\xff\xff\xff\xff"
	s, err := syscall.Socket(syscall.AF_PACKET, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(s)
	mac, at := string(l.HardwareAddr), string(ip.AsSlice())
	frame := broadcast + mac + "\x08\x06" + "\x00\x01\x08\x00\x06\x04\x00\x01" + mac + at + "\x00\x00\x00\x00\x00\x00" + at
	to := &syscall.SockaddrLinklayer{Protocol: arp>>8 | arp&0xff<<8, Ifindex: l.Index, Halen: 6}
	copy(to.Addr[:], broadcast)
	return syscall.Sendto(s, []byte(frame), 0, to)
}
