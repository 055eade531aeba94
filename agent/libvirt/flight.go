package libvirt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"slices"
	"time"

	lv "github.com/digitalocean/go-libvirt"
	"github.com/digitalocean/go-libvirt/socket/dialers"

	"stackd/agent"
	"stackd/agent/wish"
)

// Send is the source's side of libvirt's migration in five phases (libvirt: "Guest
// migration", managed direct): the two hosts' libvirts do not speak with each other, and
// nothing of a guest goes any way but that of the nodes.
func (h *Hypervisor) Send(ctx context.Context, id string, f agent.Flight) error {
	w, err := h.way(id)
	if err != nil {
		return err
	}
	defer w.c.Disconnect()
	w.describe()
	cookie, document, err := w.c.DomainMigrateBegin3Params(w.d, w.params, uint32(w.flags))
	if err != nil {
		return err
	}
	ground, err := f.Land(ctx, wish.Departure{Document: document, Cookie: cookie, Sizes: f.Sizes})
	if err != nil {
		return err
	}
	cookie, flown := h.perform(ctx, id, w, f, ground.Cookie)
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	ground, arrived := f.Arrive(end, wish.Arrival{Cookie: cookie, Cancelled: flown != nil})
	if flown == nil && unheard(arrived) {
		return fmt.Errorf("nobody here knows whether the guest runs there: %w", arrived)
	}
	stays := flown != nil || arrived != nil
	return errors.Join(flown, arrived, w.c.DomainMigrateConfirm3Params(w.d, w.params, ground.Cookie, uint32(w.flags), number(stays)))
}

func number(yes bool) int32 {
	if yes {
		return 1
	}
	return 0
}

// unheard tells whether an error leaves open what the other host has done.
func unheard(err error) bool {
	var cut *url.Error
	return errors.As(err, &cut)
}

// A way is one flight's connection to libvirt: when that is cut, libvirt ends the flight.
type way struct {
	c      *lv.Libvirt
	d      lv.Domain
	disks  []string // names of the local disks
	params []lv.TypedParam
	flags  lv.DomainMigrateFlags
}

func (h *Hypervisor) way(id string) (*way, error) {
	doc, err := h.document(id)
	if err != nil {
		return nil, err
	}
	c, err := h.dial()
	if err != nil {
		return nil, err
	}
	u, err := parseUUID(id)
	if err != nil {
		return nil, err
	}
	w := &way{c: c, flags: lv.MigrateLive | lv.MigrateUndefineSource | lv.MigrateUnsafe | lv.MigrateAutoConverge}
	for _, d := range doc.Devices.Disks {
		if _, ours := ourAlias(d.Alias); !ours && d.Device == "disk" && d.Source.File != "" {
			w.disks = append(w.disks, d.Target.Dev)
		}
	}
	w.d, err = c.DomainLookupByUUID(u)
	return w, err
}

// describe says what goes along.
func (w *way) describe(more ...lv.TypedParam) {
	w.params = more
	for _, d := range w.disks {
		w.params = append(w.params, param(lv.MigrateParamMigrateDisks, d))
	}
	if len(w.disks) > 0 {
		w.flags |= lv.MigrateNonSharedDisk
	}
}

func param(name, value string) lv.TypedParam {
	return lv.TypedParam{Field: name, Value: *lv.NewTypedParamValueString(value)}
}

// dial is a connection of its own.
func (h *Hypervisor) dial() (*lv.Libvirt, error) {
	c := lv.NewWithDialer(dialers.NewLocal(dialers.WithSocket(h.socket), dialers.WithLocalTimeout(5*time.Second)))
	if err := c.ConnectToURI(lv.QEMUSystem); err != nil {
		return nil, fmt.Errorf("connect to libvirt: %w", err)
	}
	return c, nil
}

// stream is the socket that QEMU sends to, or listens at, for one of a guest's streams.
func (p Platform) stream(id, stream, side string) string {
	return p.VNCDir + "/" + id + "." + map[string]string{agent.Memory: "m", agent.Blocks: "b"}[stream] + side
}

// perform sends the guest's memory and disks, with the sockets that QEMU writes to joined to
// the other host.
func (h *Hypervisor) perform(ctx context.Context, id string, w *way, f agent.Flight, cookie []byte) ([]byte, error) {
	over := make(chan struct{})
	defer close(over)
	for _, s := range []string{agent.Memory, agent.Blocks} {
		l, err := forward(ctx, h.stream(id, s, "o"), func(ctx context.Context) (io.ReadWriteCloser, error) { return f.Dial(ctx, s) })
		if err != nil {
			return nil, err
		}
		defer l.Close()
	}
	w.describe(param(lv.MigrateParamURI, "unix://"+h.stream(id, agent.Memory, "o")), param(lv.MigrateParamDisksURI, "unix://"+h.stream(id, agent.Blocks, "o")))
	go h.watchFlight(ctx, over, id, f)
	return w.c.DomainMigratePerform3Params(w.d, nil, w.params, cookie, w.flags)
}

// forward joins each connection to a socket with one that dial makes.
func forward(ctx context.Context, socket string, dial func(context.Context) (io.ReadWriteCloser, error)) (net.Listener, error) {
	if err := os.Remove(socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	l, err := net.Listen("unix", socket)
	if err != nil {
		return nil, err
	}
	go func() {
		for {
			here, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer here.Close()
				there, err := dial(ctx)
				if err != nil {
					return
				}
				join(here, there)
			}()
		}
	}()
	return l, nil
}

// join passes bytes on both ways until one side ends.
func join(a, b io.ReadWriteCloser) {
	done := make(chan struct{}, 2)
	pass := func(to io.Writer, from io.Reader) {
		io.CopyBuffer(struct{ io.Writer }{to}, struct{ io.Reader }{from}, make([]byte, 256<<10))
		done <- struct{}{}
	}
	go pass(a, b)
	go pass(b, a)
	<-done
	a.Close()
	b.Close()
	<-done
}

// watchFlight tells how far a guest is, and ends its flight when that is not wanted any more.
// One that is over is not touched: what is left of it is told libvirt in its last phase.
func (h *Hypervisor) watchFlight(ctx context.Context, over <-chan struct{}, id string, f agent.Flight) {
	for {
		select {
		case <-over:
			return
		case <-ctx.Done():
			_ = h.with(id, "end the flight", func(c *lv.Libvirt, d lv.Domain) error {
				kind, _, err := c.DomainGetJobStats(d, 0)
				if err == nil && lv.DomainJobType(kind) != lv.DomainJobNone {
					err = c.DomainAbortJob(d)
				}
				return err
			})
			return
		case <-time.After(time.Second):
		}
		_ = h.with(id, "see how far the guest is", func(c *lv.Libvirt, d lv.Domain) error {
			_, stats, err := c.DomainGetJobStats(d, 0)
			if err == nil {
				f.Progress(progress(stats))
			}
			return err
		})
	}
}

func progress(stats []lv.TypedParam) (l wish.Leaving) {
	for _, s := range stats {
		n, _ := s.Value.I.(uint64)
		switch s.Field {
		case "memory_total":
			l.MemoryTotal = int64(n)
		case "memory_processed":
			l.MemoryDone = int64(n)
		case "memory_remaining":
			l.MemoryLeft = int64(n)
		case "disk_total":
			l.DiskTotal = int64(n)
		case "disk_processed":
			l.DiskDone = int64(n)
		case "disk_remaining":
			l.DiskLeft = int64(n)
		}
	}
	return l
}

// standsFor is how long a guest may stand still that is hastened.
const standsFor = 30 * time.Minute

// Hasten lets the guest stand still until all of it is there.
func (h *Hypervisor) Hasten(_ context.Context, id string) error {
	return h.with(id, "hasten the flight", func(c *lv.Libvirt, d lv.Domain) error {
		return c.DomainMigrateSetMaxDowntime(d, uint64(standsFor.Milliseconds()), 0)
	})
}

// A ground awaits one guest.
type ground struct {
	w    *way
	spec agent.Spec
}

// Land is the destination's side: QEMU waits for the guest. What an earlier try has left goes.
func (h *Hypervisor) Land(ctx context.Context, s agent.Spec, d wish.Departure) (wish.Ground, error) {
	if err := h.clearGround(ctx, s.ID); err != nil {
		return wish.Ground{}, err
	}
	document, err := h.landing(s, d.Document)
	if err != nil {
		return wish.Ground{}, err
	}
	c, err := h.dial()
	if err != nil {
		return wish.Ground{}, err
	}
	w := &way{c: c, flags: lv.MigrateLive | lv.MigrateUndefineSource | lv.MigrateUnsafe | lv.MigrateAutoConverge}
	own, err := h.build(s)
	for _, o := range own.Devices.Disks {
		if o.Alias == nil && o.Device == "disk" {
			w.disks = append(w.disks, o.Target.Dev)
		}
	}
	for _, v := range s.Volumes {
		if err == nil {
			err = h.keepSecret(c, v)
		}
	}
	if err != nil {
		c.Disconnect()
		return wish.Ground{}, err
	}
	w.describe(param(lv.MigrateParamURI, "unix://"+h.stream(s.ID, agent.Memory, "i")), param(lv.MigrateParamDisksURI, "unix://"+h.stream(s.ID, agent.Blocks, "i")),
		param(lv.MigrateParamDestXML, document), param(lv.MigrateParamDestName, s.Name))
	cookie, _, err := c.DomainMigratePrepare3Params(w.params, d.Cookie, uint32(w.flags))
	if err != nil {
		c.Disconnect()
		return wish.Ground{}, err
	}
	h.awaited.Store(s.ID, &ground{w, s})
	return wish.Ground{Cookie: cookie}, nil
}

// clearGround ends what awaits a guest that has not come.
func (h *Hypervisor) clearGround(ctx context.Context, id string) error {
	if old, ok := h.awaited.LoadAndDelete(id); ok {
		old.(*ground).w.c.Disconnect() // libvirt ends what was prepared over it
	}
	g, err := h.Guest(ctx, id)
	if err == nil && g.Held {
		err = h.Undefine(ctx, id)
	}
	for _, s := range []string{agent.Memory, agent.Blocks} {
		if e := os.Remove(h.stream(id, s, "i")); e != nil && !errors.Is(e, os.ErrNotExist) {
			return e
		}
	}
	if errors.Is(err, agent.ErrNoGuest) {
		return nil
	}
	return err
}

// Arrive has the guest run here, and defines it as this host would.
func (h *Hypervisor) Arrive(ctx context.Context, id string, a wish.Arrival) (wish.Ground, error) {
	v, ok := h.awaited.LoadAndDelete(id)
	if !ok {
		return wish.Ground{}, errors.New("nothing awaits the guest here any more")
	}
	g := v.(*ground)
	defer g.w.c.Disconnect()
	params := slices.DeleteFunc(g.w.params, func(p lv.TypedParam) bool { return p.Field == lv.MigrateParamDestXML })
	_, cookie, err := g.w.c.DomainMigrateFinish3Params(params, a.Cookie, uint32(g.w.flags), number(a.Cancelled))
	if err != nil || a.Cancelled {
		return wish.Ground{Cookie: cookie}, err
	}
	if err := h.Define(ctx, g.spec); err != nil { // it runs all the same; Mark makes up for it
		slog.Warn("a guest that came is not defined yet", "server", id, "cause", err)
	}
	return wish.Ground{Cookie: cookie}, nil
}

// LandingAt opens the socket that QEMU awaits one of a guest's streams at.
func (h *Hypervisor) LandingAt(ctx context.Context, id, stream string) (io.ReadWriteCloser, error) {
	if stream != agent.Memory && stream != agent.Blocks {
		return nil, fmt.Errorf("there is no stream %q", stream)
	}
	var d net.Dialer
	return d.DialContext(ctx, "unix", h.stream(id, stream, "i"))
}
