package nova

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"stackd/internal/converge"
	"stackd/internal/fault"
)

// DemandOf is what a server takes of its host.
func DemandOf(s *Server) Demand {
	f := s.Flavor
	d := Demand{Consumer: s.ID, ProjectID: s.ProjectID, UserID: s.UserID, Resources: map[string]int64{"VCPU": int64(f.VCPUs), "MEMORY_MB": int64(f.RAM)}}
	root := f.Disk
	if s.ImageID == "" { // its root disk is a volume
		root = 0
	}
	if disk := int64(root + f.Ephemeral + (f.Swap+1023)/1024); disk > 0 {
		d.Resources["DISK_GB"] = disk
	}
	for k, v := range f.ExtraSpecs {
		switch trait, ok := cutTrait(k); {
		case ok && v == "required":
			d.Required = append(d.Required, trait)
		case ok && v == "forbidden":
			d.Forbidden = append(d.Forbidden, trait)
		}
	}
	return d
}

func cutTrait(key string) (string, bool) {
	const p = "trait:"
	if len(key) > len(p) && key[:len(p)] == p {
		return key[len(p):], true
	}
	return "", false
}

// NoHost is the fault of a server that fits nowhere.
const NoHost = "No valid host was found. There are not enough hosts available."

// Schedule finds a host for the server and claims what it takes there, in the
// transaction of ctx. It sets s.Host. Who is chosen by what Look saw is looked at again;
// nobody is refused but by the rows as they are now.
func (c *Compute) Schedule(ctx context.Context, s *Server) error {
	d := DemandOf(s)
	if v := c.looked.recent(c.Now()); v != nil {
		if done, err := c.scheduleBy(ctx, s, d, v); done || err != nil {
			return err
		}
	}
	able, err := c.Placing.Hosts(ctx, d)
	if err != nil {
		return err
	}
	hosts, err := c.choose(ctx, s, able)
	if err != nil {
		return err
	}
	for _, h := range hosts {
		if done, err := c.claimOn(ctx, s, d, h); done || err != nil {
			return err
		}
	}
	return converge.Final{Err: fault.New(fault.Internal, NoHost)}
}

// claimOn claims what the server takes of a host; it is not done when that does not fit
// any more.
func (c *Compute) claimOn(ctx context.Context, s *Server, d Demand, h *Host) (done bool, err error) {
	err = c.Placing.Claim(ctx, d, h.ID)
	if fault.Is(err, fault.Conflict) {
		return false, nil
	}
	if err == nil {
		s.Host = h.Name
		c.After(ctx, func() { c.looked.took(h.ID, d) })
	}
	return err == nil, err
}

// choose is the hosts that may take the server, the emptiest first.
func (c *Compute) choose(ctx context.Context, s *Server, able []string) ([]*Host, error) {
	all, err := c.Hosts(ctx)
	if err != nil {
		return nil, err
	}
	zones, err := c.ZoneOf(ctx)
	if err != nil {
		return nil, err
	}
	group, err := c.groupHosts(ctx, s)
	if err != nil {
		return nil, err
	}
	used, err := c.Placing.Used(ctx)
	if err != nil {
		return nil, err
	}
	out := suiting(s, all, able, zones, c.Now())
	out = slices.DeleteFunc(out, func(h *Host) bool { return !group(h.Name) || !hinted(s.Asked.Hints, h.Name, c, ctx) })
	return emptiest(out, func(h *Host) int64 { return used[h.ID]["MEMORY_MB"] }), nil
}

// suiting are those of all hosts that are able to take the server, up, open for new
// ones, and where it asked to be.
func suiting(s *Server, all []*Host, able []string, zones map[string]string, now time.Time) []*Host {
	can := make(map[string]bool, len(able))
	for _, id := range able {
		can[id] = true
	}
	var out []*Host
	for _, h := range all {
		a := s.Asked
		if can[h.ID] && !h.Disabled && h.Up(now) && (a.Host == "" || a.Host == h.Name) && (a.AZ == "" || cmp.Or(zones[h.Name], DefaultZone) == a.AZ) {
			out = append(out, h)
		}
	}
	return out
}

// emptiest sorts hosts by the memory that nobody has taken.
func emptiest(hosts []*Host, used func(*Host) int64) []*Host {
	free := make(map[*Host]int64, len(hosts))
	for _, h := range hosts {
		free[h] = int64(h.MemoryMB) - used(h)
	}
	slices.SortStableFunc(hosts, func(a, b *Host) int { return cmp.Compare(free[b], free[a]) })
	return hosts
}

// hinted keeps to same_host and different_host.
func hinted(hints map[string][]string, host string, c *Compute, ctx context.Context) bool {
	on := func(ids []string) bool {
		return slices.ContainsFunc(ids, func(id string) bool { s, err := c.Server(ctx, id); return err == nil && s.Host == host })
	}
	if ids := hints["same_host"]; len(ids) > 0 && !on(ids) {
		return false
	}
	return !on(hints["different_host"])
}

// groupHosts tells whether the server's group lets it onto a host.
func (c *Compute) groupHosts(ctx context.Context, s *Server) (func(string) bool, error) {
	any := func(string) bool { return true }
	if s.Asked.GroupID == "" {
		return any, nil
	}
	g, err := c.Group(ctx, s.Asked.GroupID)
	if fault.Is(err, fault.NotFound) {
		return any, nil
	}
	if err != nil {
		return nil, err
	}
	members, err := c.Servers(ctx, ServerQuery{IDs: g.Members})
	if err != nil {
		return nil, err
	}
	count := map[string]int{}
	for _, m := range members {
		if m.ID != s.ID && m.Host != "" {
			count[m.Host]++
		}
	}
	most := max(1, g.Rules["max_server_per_host"])
	return map[string]func(string) bool{
		"affinity":      func(h string) bool { return len(count) == 0 || count[h] > 0 },
		"anti-affinity": func(h string) bool { return count[h] < most },
		"soft-affinity": any, "soft-anti-affinity": any, "": any,
	}[g.Policy], nil
}

// A Zone is an availability zone and its hosts.
type Zone struct {
	Name  string
	Hosts []*Host
}

// ZoneOf is host → zone, for those that an aggregate puts into one.
func (c *Compute) ZoneOf(ctx context.Context) (map[string]string, error) {
	aggs, err := c.Aggregates(ctx)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, a := range aggs {
		if z := a.Zone(); z != "" {
			for _, h := range a.Hosts {
				out[h] = z
			}
		}
	}
	return out, nil
}

// Zones are all zones that have hosts, by name.
func (c *Compute) Zones(ctx context.Context) ([]Zone, error) {
	hosts, err := c.Hosts(ctx)
	if err != nil {
		return nil, err
	}
	of, err := c.ZoneOf(ctx)
	if err != nil {
		return nil, err
	}
	by := map[string]*Zone{}
	for _, h := range hosts {
		name := cmp.Or(of[h.Name], DefaultZone)
		if by[name] == nil {
			by[name] = &Zone{Name: name}
		}
		by[name].Hosts = append(by[name].Hosts, h)
	}
	var out []Zone
	for _, name := range slices.Sorted(maps.Keys(by)) {
		out = append(out, *by[name])
	}
	return out, nil
}
