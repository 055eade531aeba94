package agent

import (
	"context"
	"errors"
	"slices"
	"time"

	"stackd/agent/wish"
	"stackd/internal/converge"
	"stackd/internal/fault"
)

// reportLoop reports on every change, and now and then without one. What was not heard is
// said again soon.
func (a *Agent) reportLoop(ctx context.Context) {
	for said := ""; ctx.Err() == nil; {
		wait, now := a.ReportEvery, ""
		if err := a.reportOnce(ctx); err != nil && ctx.Err() == nil {
			wait, now = min(wait, 2*time.Second), err.Error()
		}
		if now != said && now != "" {
			a.Log.Warn("cannot report", "err", now)
		}
		said = now
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-t.C:
		case <-a.report:
			pause(ctx, 20*time.Millisecond) // changes come in flocks
		}
		t.Stop()
	}
}

func (a *Agent) reportOnce(ctx context.Context) error {
	r, err := a.look(ctx)
	if err != nil {
		return err
	}
	return a.Plane.Report(ctx, r)
}

// look is what the host is like now. When the hypervisor does not answer there
// is no report: guests that cannot be seen are not gone.
func (a *Agent) look(ctx context.Context) (wish.Report, error) {
	r := wish.Report{Host: a.Host, At: time.Now().UTC(), Node: wish.Node{Hostname: a.Hostname, IP: a.IP, LiveAt: a.LiveAt}}
	wishes := a.entries() // before looking, so that what is removed meanwhile is in neither
	guests, err := a.Hypervisor.Guests(ctx)
	if err != nil {
		return r, err
	}
	traces := a.traces(ctx)
	seen := map[string]wish.Seen{}
	for _, g := range guests {
		if g.Held && leaves(wishes[g.ID].wish) {
			continue // it is not here yet
		}
		if g.Stalled {
			g.Power = wish.Running // nobody paused it; it goes on when the disk does
		}
		volumes, over := seenVolumes(wishes[g.ID].wish.Volumes, g)
		seen[g.ID] = wish.Seen{
			ID: g.ID, Generation: g.Mark.Generation, Power: g.Power, SoftReboots: g.Mark.SoftReboots, HardReboots: g.Mark.HardReboots,
			Ports: g.Ports, Volumes: volumes, Copied: over, StartedAt: g.Mark.Started,
			Leaving: a.leaving(g.ID, wishes[g.ID].wish),
		}
	}
	for _, id := range traces {
		if _, ok := seen[id]; !ok {
			seen[id] = wish.Seen{ID: id, Power: wish.Gone} // no guest, but not nothing either
		}
	}
	for id, e := range wishes {
		addEntry(seen, id, e)
	}
	for _, s := range seen {
		r.Servers = append(r.Servers, s)
	}
	slices.SortFunc(r.Servers, func(x, y wish.Seen) int { return compare(x.ID, y.ID) })
	r.Node.OVN = a.Vifs.Ready(ctx)
	if err := a.node(ctx, &r.Node); err != nil {
		a.Log.Warn("the host's own facts are not all known", "err", err)
	}
	return r, nil
}

// traces are servers that have a disk or a plug here, as far as can be seen: what
// is wished gone is seen until a pass has found nothing, whatever this says.
func (a *Agent) traces(ctx context.Context) []string {
	disks, err := a.Disks.Owners()
	plugs, err2 := a.Vifs.Owners(ctx)
	if err := errors.Join(err, err2); err != nil && ctx.Err() == nil {
		a.Log.Warn("cannot see all that is on this host", "err", err)
	}
	return append(disks, plugs...)
}

// addEntry adds how far the wish of a server has come. One that is wished gone
// is reported as such with its generation once a pass has removed every trace.
func addEntry(seen map[string]wish.Seen, id string, e entry) {
	s, ok := seen[id]
	landed := s.Power == wish.Running || s.Power == wish.Paused
	if e.gone && (e.wish.Power == wish.Kept || e.wish.Power == wish.Landing && !landed) {
		seen[id] = wish.Seen{ID: id, Power: e.wish.Power, Generation: e.wish.Generation, Copied: e.over}
		return
	}
	if !ok && e.gone { // said for as long as the wish stands, so that the plane can tell it from a wish not yet read
		seen[id] = wish.Seen{ID: id, Power: wish.Gone, Generation: e.wish.Generation, Copied: e.over}
		return
	}
	if !ok {
		s = wish.Seen{ID: id, Power: wish.Gone}
	}
	s.Step, s.Fault, s.Detail, s.Final = e.step, e.fault, e.detail, e.final
	if s.Step == "" && !e.due.IsZero() && s.Generation < e.wish.Generation {
		s.Step = "imaged" // not looked at yet
	}
	seen[id] = s
}

func (a *Agent) entries() map[string]entry {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := map[string]entry{}
	for id, e := range a.servers {
		all[id] = *e
	}
	return all
}

// describe is a pass's end in words: the step that does not hold, and why; for
// operators all that is known of it.
func describe(err error, later bool) (step, why, detail string) {
	var stuck *converge.Stuck
	if !errors.As(err, &stuck) {
		if err != nil {
			return "", err.Error(), ""
		}
		return "", "", ""
	}
	if later {
		return stuck.Step, "", ""
	}
	why = stuck.Err.Error()
	if f := fault.Of(err); f != nil && converge.IsFinal(err) {
		return stuck.Step, f.Text, why
	}
	return stuck.Step, why, ""
}

func compare(x, y string) int {
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}
