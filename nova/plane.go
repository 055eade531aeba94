package nova

import (
	"context"
	"encoding/json"
	"hash/fnv"
	"log/slog"
	"slices"
	"sync"
	"time"

	"stackd/agent/wish"
	"stackd/internal/wake"
)

// strangers are guests that nodes reported and no row knows: they shall go.
type strangers struct {
	mu sync.Mutex
	on map[string][]string // host → server ids
}

func (s *strangers) set(host string, ids []string) (changed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.on == nil {
		s.on = map[string][]string{}
	}
	changed = !slices.Equal(s.on[host], ids)
	s.on[host] = ids
	return changed
}

// known tells whether this process has had a report of the host before.
func (s *strangers) known(host string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.on[host]
	return ok
}

func (s *strangers) get(host string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.on[host]
}

// Wishes is all that should be on a host. It answers at once when that is not
// what since stands for, else when it changes, or at the end of ctx.
func (c *Compute) Wishes(ctx context.Context, host string, since int64) (wish.Wishes, error) {
	for {
		woken := c.hosts.On(host)
		w, err := c.wishes(ctx, host)
		if err != nil || w.Serial != since || ctx.Err() != nil {
			return w, err
		}
		wake.Wait(ctx, woken, 20*time.Second)
		if ctx.Err() != nil {
			return w, nil
		}
	}
}

func (c *Compute) wishes(ctx context.Context, host string) (wish.Wishes, error) {
	w := wish.Wishes{Host: host}
	rows, err := c.ServersOn(ctx, host)
	if err != nil {
		return w, err
	}
	rows = slices.DeleteFunc(rows, func(s *Server) bool { return !s.Plugged })
	rows, moves, err := c.movesAt(ctx, host, rows)
	if err != nil {
		return w, err
	}
	ids := make([]string, len(rows))
	for i, s := range rows {
		ids[i] = s.ID
	}
	nics, err := c.Networks.Of(ctx, ids...)
	if err != nil {
		return w, err
	}
	holds, err := c.HoldsOf(ctx, ids...)
	if err != nil {
		return w, err
	}
	secrets, err := c.passphrases(ctx, holds)
	if err != nil {
		return w, err
	}
	zones, err := c.ZoneOf(ctx)
	if err != nil {
		return w, err
	}
	nets := map[string]bool{}
	for _, s := range rows {
		v := moves.wishOf(s, nics[s.ID])
		for _, h := range holds[s.ID] {
			d, ok := diskOf(h, secrets)
			if ok && h.Encrypted && d.Passphrase == "" { // a guest would have what is closed, and write beside it
				slog.Error("an encrypted volume has no key", "volume", h.VolumeID, "server", s.ID)
				ok = false
			}
			if ok {
				v.Volumes = append(v.Volumes, d)
			}
		}
		if rootless(s, holds[s.ID]) {
			v.Power = wish.Stopped
		}
		v.Metadata = Metadata(s, nics[s.ID], holds[s.ID], zones[host])
		w.Servers = append(w.Servers, v)
		for _, n := range nics[s.ID] {
			nets[n.NetworkID] = true
		}
	}
	w.Servers = append(w.Servers, moves.aside...)
	for _, id := range c.strange.get(host) {
		w.Servers = append(w.Servers, wish.Server{ID: id, Power: wish.Gone, Generation: 1 << 60})
	}
	if w.Networks, err = c.Networks.Metadata(ctx, sortedKeys(nets)); err != nil {
		return w, err
	}
	w.Serial, err = serial(w)
	return w, err
}

// rootless tells whether a server that is to live waits for its root volume.
func rootless(s *Server, holds []Hold) bool {
	return s.Wanted != wish.Gone && (s.Reimage != "" || slices.ContainsFunc(holds, func(h Hold) bool { return h.Root() && h.Status == HoldReserved }))
}

func sortedKeys(m map[string]bool) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// serial stands for the content: never 0, which is a node's "nothing yet".
func serial(w wish.Wishes) (int64, error) {
	b, err := json.Marshal(w)
	h := fnv.New64a()
	h.Write(b)
	return int64(h.Sum64()>>1) | 1, err
}

func wishOf(s *Server, nics []NIC) wish.Server {
	f := s.Flavor
	v := wish.Server{ID: s.ID, Generation: s.Generation, Name: s.DomainName(), DisplayName: s.Name, ProjectID: s.ProjectID, UserID: s.UserID, Power: s.Wanted,
		SoftReboots: s.SoftReboots, HardReboots: s.HardReboots, Rebuilds: s.Rebuilds, LocalOf: s.LocalOf, DisksOf: s.DisksOf, VCPUs: f.VCPUs, MemoryMB: f.RAM, RootGB: f.Disk, EphemeralGB: f.Ephemeral, SwapMB: f.Swap,
		Machine: s.Image.Properties["hw_machine_type"], ConfigDrive: s.ConfigDrive, FlavorName: f.Name, Ports: []wish.Port{}}
	if s.ImageID != "" {
		v.Image = imageOf(s.Image)
	}
	if s.Rescue != nil {
		v.Rescue = imageOf(*s.Rescue)
	}
	for _, n := range nics {
		p := wish.Port{ID: n.PortID, NetworkID: n.NetworkID, MAC: n.MAC, MTU: n.MTU, Tag: n.Tag}
		for _, ip := range n.Fixed {
			p.Addresses = append(p.Addresses, ip.IP)
		}
		v.Ports = append(v.Ports, p)
	}
	return v
}

// Report takes in what a node sees.
func (c *Compute) Report(ctx context.Context, r wish.Report) error {
	if err := c.heard(ctx, r); err != nil {
		return err
	}
	rows, err := c.ServersOn(ctx, r.Host)
	if err != nil {
		return err
	}
	seen := map[string]wish.Seen{}
	for _, s := range r.Servers {
		seen[s.ID] = s
	}
	for _, s := range rows {
		v, there := seen[s.ID]
		delete(seen, s.ID)
		if !there {
			v = wish.Seen{ID: s.ID, Power: wish.Gone}
		}
		if err := c.sees(ctx, s, v); err != nil {
			return err
		}
	}
	if err := c.seesAside(ctx, r.Host, seen); err != nil {
		return err
	}
	var strange []string
	for id, v := range seen {
		if v.Power == wish.Gone && v.Generation > 0 {
			continue // a stranger that has gone
		}
		strange = append(strange, id)
	}
	slices.Sort(strange)
	if c.strange.set(r.Host, strange) {
		c.hosts.Wake(r.Host)
	}
	return nil
}

// sees writes down what has changed about one server, and makes it due for work.
func (c *Compute) sees(ctx context.Context, s *Server, v wish.Seen) error {
	if !s.Plugged || same(s, v) && (v.Leaving == nil || s.MigrationID == 0) {
		return nil
	}
	host := s.Host
	return c.Tx(ctx, func(ctx context.Context) error {
		s, err := c.Server(ctx, s.ID)
		if err != nil || !s.Plugged || s.Host != host {
			return err
		}
		moved, err := c.seesLeaving(ctx, s, v.Leaving)
		if err != nil || !moved && same(s, v) {
			return err
		}
		s.SeenGeneration, s.SeenPower, s.SeenPorts, s.SeenStep, s.SeenFault, s.SeenFinal, s.SeenCopied = v.Generation, v.Power, v.Ports, v.Step, v.Fault, v.Final, v.Copied
		s.DueAt = c.Now()
		c.After(ctx, c.wake)
		return c.UpdateServer(ctx, s, "seen_generation", "seen_power", "seen_ports", "seen_step", "seen_fault", "seen_final", "seen_copied", "due_at")
	})
}

func same(s *Server, v wish.Seen) bool {
	return s.SeenGeneration == v.Generation && s.SeenPower == v.Power && slices.Equal(s.SeenPorts, v.Ports) && s.SeenStep == v.Step && s.SeenFault == v.Fault && s.SeenFinal == v.Final && slices.Equal(s.SeenCopied, v.Copied)
}

// heard keeps the host's row, and its provider's inventory, up to date.
func (c *Compute) heard(ctx context.Context, r wish.Report) error {
	h, err := c.Host(ctx, r.Host)
	if err == nil && c.strange.known(r.Host) && sameNode(h, r.Node) && c.Now().Sub(h.ReportedAt) < 5*time.Second {
		return nil
	}
	return c.Tx(ctx, func(ctx context.Context) error { return c.saveHost(ctx, r) })
}

func sameNode(h *Host, n wish.Node) bool {
	return h.VCPUs == n.VCPUs && h.MemoryMB == n.MemoryMB && h.DiskGB == n.DiskGB && h.Version == n.Version && h.IP == n.IP && h.LiveAt == n.LiveAt
}

// PortMoved says that a port came up or went down: its server may go on.
func (c *Compute) PortMoved(ctx context.Context, port string) {
	c.wake()
}
