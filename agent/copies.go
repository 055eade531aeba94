package agent

import (
	"context"
	"slices"
	"time"

	"stackd/agent/wish"
	"stackd/internal/converge"
	"stackd/internal/fault"
)

// A disk that is to be elsewhere is copied while its guest runs, and then the guest goes
// over. Nothing of that is remembered here: where a guest's disks are, and where they are
// being copied to, is seen in the guest.

// copyTries is how often a copy is begun before it is a fault.
const copyTries = 3

// copied: every copy that is wished is over. A guest that is off copies nothing.
func (a *Agent) copied(ctx context.Context, t *task) (bool, error) {
	if !slices.ContainsFunc(t.Volumes, copying) {
		return true, nil
	}
	g, err := a.Hypervisor.Guest(ctx, t.ID)
	if err != nil || !g.Active() {
		return err == nil, err
	}
	return !slices.ContainsFunc(t.Volumes, func(v wish.Disk) bool { return copying(v) && !isAt(g, v.Copy.To) }), nil
}

func copying(v wish.Disk) bool { return v.Copy != nil && !v.Copy.End }

// isAt tells whether a guest has a disk there.
func isAt(g Guest, d wish.Disk) bool {
	return slices.ContainsFunc(g.Volumes, func(v Volume) bool { return v.Place == d.Place() })
}

// copyOn takes each wished copy one stretch on.
func (a *Agent) copyOn(ctx context.Context, t *task) error {
	g, err := a.Hypervisor.Guest(ctx, t.ID)
	if err != nil {
		return err
	}
	for _, w := range t.Volumes {
		at := slices.IndexFunc(g.Volumes, func(v Volume) bool { return v.Place == w.Place() })
		if !copying(w) || isAt(g, w.Copy.To) || at < 0 {
			continue
		}
		switch v := g.Volumes[at]; {
		case v.Copy == "":
			err = a.beginCopy(ctx, t, v, w.Copy)
		case v.Copy != w.Copy.To.Place():
			err = a.Hypervisor.EndCopy(ctx, t.ID, v, false)
		case v.Ready:
			err = a.Hypervisor.EndCopy(ctx, t.ID, v, true)
			nudge(a.report)
		}
		if err != nil {
			return err
		}
	}
	return converge.Later(500 * time.Millisecond)
}

// beginCopy begins a copy that is not under way, or did not come to its end.
func (a *Agent) beginCopy(ctx context.Context, t *task, v Volume, c *wish.Copy) error {
	if a.begun(t.entry, c.ID) > copyTries {
		return converge.Final{Err: fault.New(fault.Internal, "The volume could not be copied to its new place.")}
	}
	return a.Hypervisor.BeginCopy(ctx, t.ID, v, c.To)
}

// begun counts how often a copy was begun by this process.
func (a *Agent) begun(e *entry, id string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	if e.begun == nil {
		e.begun = map[string]int{}
	}
	e.begun[id]++
	return e.begun[id]
}

// endCopies ends all copies of a guest: one whose memory is saved has none.
func (a *Agent) endCopies(ctx context.Context, id string, g Guest) error {
	for _, v := range g.Volumes {
		if v.Copy == "" {
			continue
		}
		if err := a.Hypervisor.EndCopy(ctx, id, v, false); err != nil {
			return err
		}
	}
	return nil
}

// noteOver keeps which copies a guest is over that is about to go.
func (a *Agent) noteOver(t *task, g Guest) {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, t.entry.over = seenVolumes(t.Volumes, g)
}

// compareVolumes pairs the wished volumes with a guest's, by where they are, and else by
// whose they were: it gives those that have no other.
func compareVolumes(wished []wish.Disk, has []Volume) (lack []wish.Disk, extra []Volume) {
	pairs := pair(wished, has)
	for n, w := range wished {
		if pairs[n] < 0 {
			lack = append(lack, w)
		}
	}
	for n, v := range has {
		if !slices.Contains(pairs, n) {
			extra = append(extra, v)
		}
	}
	return lack, extra
}

// pair gives for each wished volume which of the guest's it is, -1 for none.
func pair(wished []wish.Disk, has []Volume) []int {
	pairs := make([]int, len(wished))
	for n, w := range wished {
		pairs[n] = slices.IndexFunc(has, func(v Volume) bool {
			return v.Place == w.Place() || w.Copy != nil && v.Place == w.Copy.To.Place()
		})
	}
	for n, w := range wished {
		if pairs[n] < 0 {
			at := slices.IndexFunc(has, func(v Volume) bool { return v.ID == w.VolumeID })
			if at >= 0 && !slices.Contains(pairs, at) {
				pairs[n] = at
			}
		}
	}
	return pairs
}

// unwished are the volumes that are being copied to where they are not to be.
func unwished(wished []wish.Disk, has []Volume) []Volume {
	var out []Volume
	for _, v := range has {
		if v.Copy != "" && !slices.ContainsFunc(wished, func(w wish.Disk) bool { return copying(w) && w.Copy.To.Place() == v.Copy }) {
			out = append(out, v)
		}
	}
	return out
}

// settled is a server whose disks are where the guest has them: a copy that is over is
// the disk, also when the guest went off before anybody took note.
func settled(s wish.Server, g Guest) wish.Server {
	s.Volumes = slices.Clone(s.Volumes)
	for n, v := range s.Volumes {
		if v.Copy == nil || !isAt(g, v.Copy.To) {
			continue
		}
		to := v.Copy.To
		to.Device, to.Boot = v.Device, v.Boot
		s.Volumes[n] = to
	}
	return s
}

// seenVolumes are the ids of a guest's volumes, by what is wished, and the copies that
// the guest is over to.
func seenVolumes(wished []wish.Disk, g Guest) (ids, over []string) {
	pairs := pair(wished, g.Volumes)
	for n, v := range g.Volumes {
		id := v.ID
		if w := slices.Index(pairs, n); w >= 0 {
			if id = wished[w].VolumeID; wished[w].Copy != nil && v.Place == wished[w].Copy.To.Place() {
				id = wished[w].Copy.To.VolumeID
				over = append(over, wished[w].Copy.ID)
			}
		}
		ids = append(ids, id)
	}
	return ids, over
}
