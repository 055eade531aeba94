package libvirt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	lv "github.com/digitalocean/go-libvirt"

	"stackd/agent"
	"stackd/agent/wish"
)

// consoleKept is how much of a console's log can be asked for.
const consoleKept = 1 << 20

// ConsoleLog is the tail of the serial console since the guest was started.
func (h *Hypervisor) ConsoleLog(_ context.Context, id string, lines int) (string, error) {
	doc, err := h.document(id)
	if err != nil {
		return "", err
	}
	for _, s := range doc.Devices.Serials {
		if s.Log != nil {
			return tail(s.Log.File, lines)
		}
	}
	return "", errors.New("the guest's console is not logged")
}

func tail(file string, lines int) (string, error) {
	f, err := os.Open(file)
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer f.Close()
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return "", err
	}
	text := make([]byte, min(size, consoleKept))
	if _, err := f.ReadAt(text, size-int64(len(text))); err != nil && err != io.EOF {
		return "", err
	}
	return lastLines(bytes.TrimLeft(text, "\x00"), lines), nil
}

func lastLines(text []byte, n int) string {
	if n < 0 {
		return string(text)
	}
	at := len(text)
	if at > 0 && text[at-1] == '\n' {
		at--
	}
	for ; n > 0 && at >= 0; n-- {
		at = bytes.LastIndexByte(text[:max(at, 0)], '\n')
	}
	return string(text[min(at+1, len(text)):])
}

// VNC opens the guest's display.
func (h *Hypervisor) VNC(ctx context.Context, id string) (io.ReadWriteCloser, error) {
	g, err := h.Guest(ctx, id)
	if err != nil {
		return nil, err
	}
	if !g.Active() {
		return nil, fmt.Errorf("the guest is %s and has no display", g.Power)
	}
	var d net.Dialer
	return d.DialContext(ctx, "unix", h.vncSocket(id))
}

func (h *Hypervisor) document(id string) (seenDomain, error) {
	var doc seenDomain
	err := h.with(id, "look at the domain", func(c *lv.Libvirt, d lv.Domain) (err error) {
		doc, err = readDomain(c, d)
		return err
	})
	return doc, err
}

// Diagnostics are QEMU's counters.
func (h *Hypervisor) Diagnostics(_ context.Context, id string) (wish.Diagnostics, error) {
	var out wish.Diagnostics
	err := h.with(id, "read the guest's counters", func(c *lv.Libvirt, d lv.Domain) error {
		g, err := h.look(c, d)
		if err != nil {
			return err
		}
		if out.State = g.Power; !g.Active() {
			return nil
		}
		if !g.Mark.Started.IsZero() {
			out.UptimeSec = int64(time.Since(g.Mark.Started).Seconds())
		}
		doc, err := readDomain(c, d)
		if err != nil {
			return err
		}
		return errors.Join(processor(c, d, &out), memoryUse(c, d, &out), nics(c, d, doc, &out), blocks(c, d, doc, &out))
	})
	return out, err
}

func processor(c *lv.Libvirt, d lv.Domain, out *wish.Diagnostics) error {
	_, _, _, n, _, err := c.DomainGetInfo(d)
	if err != nil {
		return err
	}
	infos, _, err := c.DomainGetVcpus(d, int32(n), 1)
	for _, i := range infos {
		out.CPUTimesNS = append(out.CPUTimesNS, int64(i.CPUTime))
	}
	return err
}

// memoryUse: unused is what the guest's balloon driver says; without it, all is used.
func memoryUse(c *lv.Libvirt, d lv.Domain, out *wish.Diagnostics) error {
	stats, err := c.DomainMemoryStats(d, uint32(lv.DomainMemoryStatNr), 0)
	got := map[lv.DomainMemoryStatTags]uint64{}
	for _, s := range stats {
		got[lv.DomainMemoryStatTags(s.Tag)] = s.Val
	}
	balloon := got[lv.DomainMemoryStatActualBalloon]
	out.MemoryMaxMB = int(balloon >> 10)
	out.MemoryUsed = int((balloon - min(balloon, got[lv.DomainMemoryStatUnused])) >> 10)
	return err
}

func nics(c *lv.Libvirt, d lv.Domain, doc seenDomain, out *wish.Diagnostics) error {
	for _, n := range doc.Devices.Interfaces {
		s := wish.NICStats{MAC: n.MAC.Address}
		var err error
		s.RxBytes, s.RxPackets, s.RxErrors, s.RxDrop, s.TxBytes, s.TxPackets, s.TxErrors, s.TxDrop, err = c.DomainInterfaceStats(d, n.Target.Dev)
		if err != nil {
			return err
		}
		out.NICs = append(out.NICs, s)
	}
	return nil
}

func blocks(c *lv.Libvirt, d lv.Domain, doc seenDomain, out *wish.Diagnostics) error {
	for _, b := range doc.Devices.Disks {
		var s wish.DiskStats
		var err error
		s.ReadRequests, s.ReadBytes, s.WriteRequests, s.WriteBytes, s.Errors, err = c.DomainBlockStats(d, b.Target.Dev)
		if err != nil {
			return err
		}
		out.Disks = append(out.Disks, s)
	}
	return nil
}

var _ wish.Live = agent.Hypervisor(nil)
