package netns

import (
	"errors"
	"fmt"
	"strings"
	"unsafe"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// AliasMark begins the alias of links that stackd made for a server; the
// server's id follows.
const AliasMark = "stackd:"

// RemoveMarked removes the links that carry AliasMark.
func RemoveMarked(ns string) error {
	h, err := Handle(ns)
	if err != nil {
		return err
	}
	defer h.Close()
	links, err := list(h)
	for _, l := range links {
		if strings.HasPrefix(l.Attrs().Alias, AliasMark) {
			err = errors.Join(err, h.LinkDel(l))
		}
	}
	return err
}

// Up brings a link of the thread's own namespace up.
func Up(name string) error {
	l, err := netlink.LinkByName(name)
	if err != nil {
		return fmt.Errorf("link %s: %w", name, err)
	}
	return netlink.LinkSetUp(l)
}

// HasLink reports whether the namespace has a link of that name.
func HasLink(ns, link string) bool {
	h, err := Handle(ns)
	if err != nil {
		return false
	}
	defer h.Close()
	_, err = h.LinkByName(link)
	return err == nil
}

// RemoveLink removes a link; that it is not there is no error.
func RemoveLink(ns, link string) error {
	if !Exists(ns) {
		return nil
	}
	h, err := Handle(ns)
	if err != nil {
		return err
	}
	defer h.Close()
	l, err := h.LinkByName(link)
	if errors.As(err, &netlink.LinkNotFoundError{}) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("link %s: %w", link, err)
	}
	if err := h.LinkDel(l); err != nil && !errors.Is(err, unix.ENODEV) {
		return fmt.Errorf("remove link %s: %w", link, err)
	}
	return nil
}

// Links are the links of the namespace.
func Links(ns string) ([]netlink.Link, error) {
	h, err := Handle(ns)
	if err != nil {
		return nil, err
	}
	defer h.Close()
	return list(h)
}

// list asks again when links came or went while the kernel told of them.
func list(h *netlink.Handle) (links []netlink.Link, err error) {
	for range 10 {
		if links, err = h.LinkList(); !errors.Is(err, netlink.ErrDumpInterrupted) {
			break
		}
	}
	return links, err
}

// A Pair is a veth pair between two namespaces.
type Pair struct {
	NS, Link         string
	PeerNS, PeerLink string
	MTU              int // 0 is the kernel's
}

// MakePair makes the pair unless it is there. Both ends are up and leave
// checksums to nobody: what comes out has been filled in, as a userspace
// datapath needs it.
func MakePair(p Pair) error {
	if !HasLink(p.NS, p.Link) {
		if err := addPair(p); err != nil {
			return fmt.Errorf("make veth %s: %w", p.Link, err)
		}
	}
	for _, end := range [][2]string{{p.NS, p.Link}, {p.PeerNS, p.PeerLink}} {
		err := Do(end[0], func() error { return errors.Join(Up(end[1]), TxOff(end[1])) })
		if err != nil {
			return err
		}
	}
	return nil
}

func addPair(p Pair) error {
	h, err := Handle(p.NS)
	if err != nil {
		return err
	}
	defer h.Close()
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.MTU = p.Link, p.MTU
	veth := &netlink.Veth{LinkAttrs: attrs, PeerName: p.PeerLink}
	peer := netns.None()
	if p.PeerNS == "" {
		peer, err = netns.Get()
	} else {
		peer, err = netns.GetFromPath(Path(p.PeerNS))
	}
	if err != nil {
		return err
	}
	defer peer.Close()
	veth.PeerNamespace = netlink.NsFd(int(peer))
	if p.MTU > 0 {
		veth.PeerMTU = uint32(p.MTU)
	}
	return h.LinkAdd(veth)
}

// TxOff turns transmit checksum offload off on a link of the thread's own
// namespace; segmentation offload goes with it.
func TxOff(link string) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	value := struct{ cmd, data uint32 }{unix.ETHTOOL_STXCSUM, 0}
	req := struct {
		name [unix.IFNAMSIZ]byte
		data unsafe.Pointer
		_    [16]byte
	}{data: unsafe.Pointer(&value)}
	copy(req.name[:unix.IFNAMSIZ-1], link)
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&req)))
	if errno != 0 {
		return fmt.Errorf("turn tx checksums of %s off: %w", link, errno)
	}
	return nil
}
