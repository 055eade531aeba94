package agent

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"stackd/agent/wish"
	"stackd/internal/converge"
)

// Config is what an agent works with. Metadata may be nil: then none is served.
type Config struct {
	Host       string // as the control plane knows it
	Hostname   string // Host when ""
	IP         string
	LiveAt     string // where control planes reach this host's live side; "" for none
	Plane      wish.Plane
	Hypervisor Hypervisor
	Disks      Disks
	Vifs       Vifs
	Peers      Peers // nil where there is no other node
	Metadata   Metadata
	Log        *slog.Logger

	Workers     int           // servers worked at once; 0 is 8
	ReportEvery time.Duration // at least this often; 0 is 10 s
	SweepEvery  time.Duration // when all is looked at again; 0 is 30 s
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
	flights  map[string]*flight // of guests that go, by server

	grounds sync.Map // server id → *sync.Mutex: who lets its guest come, or not
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
		c.ReportEvery = 10 * time.Second
	}
	if c.SweepEvery == 0 {
		c.SweepEvery = 30 * time.Second
	}
	if c.ShutdownGrace == 0 {
		c.ShutdownGrace = time.Minute
	}
	if c.GiveUp == 0 {
		c.GiveUp = 3 * time.Minute
	}
	a := &Agent{Config: c, report: make(chan struct{}, 1), serve: make(chan struct{}, 1), servers: map[string]*entry{}, flights: map[string]*flight{}}
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
