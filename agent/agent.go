package agent

import (
	"context"
	"errors"
	"log/slog"
	"reflect"
	"sync"
	"time"

	"stackd/agent/wish"
	"stackd/internal/converge"
	"stackd/internal/fault"
)

// Config is what an agent works with. Metadata may be nil: then none is served.
type Config struct {
	Host       string // as the control plane knows it
	Hostname   string // Host when ""
	IP         string
	Plane      wish.Plane
	Hypervisor Hypervisor
	Disks      Disks
	Vifs       Vifs
	Metadata   Metadata
	Log        *slog.Logger

	Workers     int           // servers worked at once; 0 is 8
	ReportEvery time.Duration // at least this often; 0 is 5 s
	// ShutdownGrace is how long a guest may take to shut down when asked; 0 is 60 s.
	ShutdownGrace time.Duration
	// GiveUp is after how long of failing a wish that was never carried out is
	// reported as final; 0 is 3 minutes. Until then every fault may pass.
	GiveUp time.Duration
}

// An Agent keeps one host as the control plane wishes it.
type Agent struct {
	Config
	loop   converge.Loop
	ladder converge.Ladder[*task]
	report chan struct{} // something to report
	serve  chan struct{} // networks changed

	mu       sync.Mutex
	serial   int64
	networks []wish.Network
	servers  map[string]*entry
}

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
	cancel context.CancelFunc // ends the pass under way, if any
}

// New is an agent that has not started.
func New(c Config) *Agent {
	if c.Hostname == "" {
		c.Hostname = c.Host
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.ReportEvery == 0 {
		c.ReportEvery = 5 * time.Second
	}
	if c.ShutdownGrace == 0 {
		c.ShutdownGrace = time.Minute
	}
	if c.GiveUp == 0 {
		c.GiveUp = 3 * time.Minute
	}
	a := &Agent{Config: c, report: make(chan struct{}, 1), serve: make(chan struct{}, 1), servers: map[string]*entry{}}
	a.ladder = a.steps()
	a.loop = converge.Loop{Name: "agent " + c.Host, Due: a.due, Work: a.work, Workers: c.Workers, Sweep: 250 * time.Millisecond}
	return a
}

// Run works until the context ends. Guests go on without it.
func (a *Agent) Run(ctx context.Context) {
	var wg sync.WaitGroup
	for _, f := range []func(context.Context){a.pull, a.loop.Run, a.reportLoop, a.serveLoop, a.sweepLoop, a.watch} {
		wg.Go(func() { f(ctx) })
	}
	wg.Wait()
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
		if w.Serial > 0 {
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
	if s.Power == wish.Gone && e.cancel != nil {
		e.cancel()
	}
	*e = entry{wish: s, due: time.Now(), cancel: e.cancel}
}

// due names the servers that a pass is due for.
func (a *Agent) due(_ context.Context, limit int) ([]string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var ids []string
	now := time.Now()
	for id, e := range a.servers {
		if !e.due.IsZero() && !e.due.After(now) && len(ids) < limit {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// work is one pass over one server.
func (a *Agent) work(ctx context.Context, id string) error {
	a.mu.Lock()
	e := a.servers[id]
	if e == nil {
		a.mu.Unlock()
		return nil
	}
	t := &task{Server: e.wish, entry: e}
	pass, cancel := context.WithCancel(ctx)
	defer cancel()
	e.cancel = cancel
	a.mu.Unlock()

	var err error
	if t.Power == wish.Gone {
		err = a.ladder.Descend(pass, t)
	} else {
		err = a.ladder.Climb(pass, t)
	}
	if ctx.Err() == nil {
		a.settle(t, a.giveUp(ctx, t, err))
	}
	return nil
}

// giveUp makes a fault final that has lasted too long, for a wish that was never
// carried out. A guest that was once as wished is never given up.
func (a *Agent) giveUp(ctx context.Context, t *task, err error) error {
	if _, later := converge.IsLater(err); later || err == nil || converge.IsFinal(err) || t.Power == wish.Gone {
		return err
	}
	a.mu.Lock()
	since := t.entry.failed
	a.mu.Unlock()
	if since.IsZero() || time.Since(since) < a.GiveUp {
		return err
	}
	g, unseen := a.Hypervisor.Guest(ctx, t.ID)
	if unseen != nil && !errors.Is(unseen, ErrNoGuest) || unseen == nil && g.Mark.Generation >= t.Generation {
		return err
	}
	return a.final(err)
}

// final makes err final. What a driver said is no tenant's business; it goes
// along for operators.
func (a *Agent) final(err error) error {
	var stuck *converge.Stuck
	if !errors.As(err, &stuck) {
		return converge.Final{Err: err}
	}
	text := fault.New(fault.Internal, "The host could not get past the step %s in %v", stuck.Step, a.GiveUp).Because(stuck.Err)
	return &converge.Stuck{Step: stuck.Step, Err: converge.Final{Err: text}}
}

// settle writes down how a pass ended. What it found says nothing about a wish
// that came meanwhile; that is due anyway.
func (a *Agent) settle(t *task, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	defer nudge(a.report)
	e := t.entry
	e.cancel = nil
	if !reflect.DeepEqual(e.wish, t.Server) {
		return
	}
	before := e.fault
	wait, later := converge.IsLater(err)
	switch {
	case err == nil:
		*e = entry{wish: e.wish, gone: t.Power == wish.Gone}
	case later:
		e.due = time.Now().Add(wait)
	case converge.IsFinal(err):
		e.due, e.final = time.Time{}, true
	default:
		if e.tries == 0 {
			e.failed = time.Now()
		}
		e.due = time.Now().Add(converge.Backoff(min(e.tries, 5))) // 16 s: the user waits
		e.tries++
	}
	e.step, e.fault, e.detail = describe(err, later)
	if e.fault != "" && e.fault != before {
		a.Log.Warn("server is not as wished", "server", t.ID, "step", e.step, "err", err)
	}
}

// watch hears of guests that stop or start by themselves.
func (a *Agent) watch(ctx context.Context) {
	a.Hypervisor.Watch(ctx, func(id string) {
		a.mu.Lock()
		if e := a.servers[id]; e != nil && (!e.due.IsZero() || e.wish.Power == wish.Gone) {
			e.due = time.Now() // it waits for this, maybe
		}
		a.mu.Unlock()
		a.loop.Wake()
		nudge(a.report)
	})
}

// serveLoop keeps networks' metadata servers in step with the wishes.
func (a *Agent) serveLoop(ctx context.Context) {
	if a.Metadata == nil {
		return
	}
	defer a.Metadata.Close()
	for said := ""; ctx.Err() == nil; {
		wait, now := 30*time.Second, ""
		if err := a.serveNetworks(ctx); err != nil && ctx.Err() == nil {
			wait, now = 2*time.Second, err.Error()
		}
		if now != said && now != "" {
			a.Log.Warn("metadata is not served everywhere", "err", now)
		}
		said = now
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-a.serve:
		case <-t.C:
		}
		t.Stop()
	}
}

func (a *Agent) serveNetworks(ctx context.Context) error {
	a.mu.Lock()
	known, nets := a.serial > 0, a.networks
	var servers []wish.Server
	for _, e := range a.servers {
		servers = append(servers, e.wish)
	}
	a.mu.Unlock()
	if !known {
		return nil
	}
	return a.Metadata.Serve(ctx, nets, servers)
}

// sweepLoop looks at everything again now and then: taps that someone removed,
// logs that grew, images nobody uses.
func (a *Agent) sweepLoop(ctx context.Context) {
	for pause(ctx, 30*time.Second); ctx.Err() == nil; pause(ctx, 30*time.Second) {
		a.mu.Lock()
		for _, e := range a.servers {
			if e.due.IsZero() && !e.final {
				e.due = time.Now()
			}
		}
		a.mu.Unlock()
		if err := a.Disks.Sweep(ctx); err != nil {
			a.Log.Warn("cannot clean up", "err", err)
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

func nudge(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
