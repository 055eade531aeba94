package agent

import (
	"context"
	"reflect"
	"time"

	"stackd/agent/wish"
	"stackd/internal/converge"
)

// An entry is what the agent knows of one wished server. All of it can be lost.
type entry struct {
	wish   wish.Server
	due    time.Time // zero: nothing to do until something changes or the next sweep
	tries  int
	failed time.Time // when the first of these tries did
	step   string
	fault  string
	detail string
	final  bool
	gone   bool               // a wish for nothing has been carried out
	asked  time.Time          // when the guest was first asked to shut down
	pushed time.Time          // and last
	begun  map[string]int     // how often this process has begun each copy
	over   []string           // copies that the guest was over when it was removed
	cancel context.CancelFunc // ends the pass under way, if any
}

// pull keeps the wishes up to date.
func (a *Agent) pull(ctx context.Context) {
	for tries := 0; ctx.Err() == nil; {
		start := time.Now()
		poll, cancel := context.WithTimeout(ctx, time.Minute)
		w, err := a.Plane.Wishes(poll, a.Host, a.serial)
		cancel()
		if err != nil {
			if ctx.Err() == nil && tries%10 == 0 {
				a.Log.Warn("cannot read the wishes", "err", err)
			}
			pause(ctx, min(converge.Backoff(tries), 5*time.Second))
			tries++
			continue
		}
		tries = 0
		if w.Serial == a.serial && time.Since(start) < 100*time.Millisecond {
			pause(ctx, 100*time.Millisecond) // a plane that does not wait
		}
		if w.Serial > 0 && w.Serial != a.serial {
			a.apply(w)
		}
	}
}

// apply takes in a set of wishes and makes due what changed.
func (a *Agent) apply(w wish.Wishes) {
	a.mu.Lock()
	changed := a.serial != w.Serial
	a.serial, a.networks = w.Serial, w.Networks
	named := map[string]bool{}
	for _, s := range w.Servers {
		named[s.ID] = true
		e := a.servers[s.ID]
		if e == nil {
			e = &entry{}
			a.servers[s.ID] = e
		}
		if !reflect.DeepEqual(e.wish, s) {
			e.renew(s)
			changed = true
		}
	}
	for id := range a.servers {
		if !named[id] {
			delete(a.servers, id)
		}
	}
	a.mu.Unlock()
	if changed {
		a.loop.Wake()
		nudge(a.serve)
	}
}

// renew takes in a new wish. A pass under way goes on, unless all it does is to
// be undone.
func (e *entry) renew(s wish.Server) {
	if leaves(s) && e.cancel != nil {
		e.cancel()
	}
	*e = entry{wish: s, due: time.Now(), over: e.over, cancel: e.cancel}
}
