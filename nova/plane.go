package nova

import (
	"context"
	"encoding/json"
	"hash/fnv"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"stackd/agent/wish"
	"stackd/internal/wake"
)

// Wishes is all that should be on a host. It answers at once when that is not what since
// stands for, else when it changes; or at the end of ctx, with since and nothing else.
func (c *Compute) Wishes(ctx context.Context, host string, since int64) (wish.Wishes, error) {
	for {
		woken := c.hosts.On(host)
		if since == 0 || !c.told.still(host, since, woken, c.Now()) {
			now := c.Now()
			w, err := c.wishes(ctx, host)
			if err == nil {
				c.told.note(host, telling{w.Serial, woken, now.Add(c.readAgain())})
			}
			if err != nil || w.Serial != since {
				return w, err
			}
		}
		wake.Wait(ctx, woken, c.readAgain())
		if ctx.Err() != nil {
			return wish.Wishes{Host: host, Serial: since}, nil
		}
	}
}

// told is what hosts were told last, so that one that asks for a change need not cost a
// look at all rows.
type told struct {
	mu sync.Mutex
	on map[string]telling
}

type telling struct {
	serial int64
	woken  <-chan struct{} // closes when this may no longer be so
	until  time.Time       // when the rows are to be read in any case
}

func (t *told) note(host string, v telling) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.on == nil {
		t.on = map[string]telling{}
	}
	t.on[host] = v
}

// still tells whether nothing is known to have changed since a host was told this.
func (t *told) still(host string, serial int64, woken <-chan struct{}, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	v := t.on[host]
	return v.serial == serial && v.woken == woken && now.Before(v.until)
}

// readAgain is how long wishes stand without a wake-up. Not all that they are made of wakes:
// zones, names of networks; and a word of another control plane may be lost.
func (c *Compute) readAgain() time.Duration {
	if c.Alone {
		return time.Minute
	}
	return 20 * time.Second
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
	for _, id := range c.sights.strange(host) {
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

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

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

// HostTouched says that a port on a host has changed: what its node is told may have, too.
func (c *Compute) HostTouched(host string) { c.woken(host) }

// PortMoved says that a port came up or went down: its server may go on.
func (c *Compute) PortMoved(ctx context.Context, port string) {
	c.wake()
}
