package sim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"stackd/agent/wish"
	"stackd/internal/wake"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A plane is a control plane whose wishes a test writes by hand, all for sim-1.
type plane struct {
	mu      sync.Mutex
	wishes  wish.Wishes
	last    wish.Report
	changed wake.Hub
	image   func() io.ReadCloser
	deaf    int // so many reports are not heard
}

func (p *plane) Wishes(ctx context.Context, host string, since int64) (wish.Wishes, error) {
	for {
		woken := p.changed.On("wishes")
		p.mu.Lock()
		w := p.wishes
		w.Servers = slices.Clone(w.Servers)
		p.mu.Unlock()
		if w.Serial != since || ctx.Err() != nil {
			return w, nil
		}
		wake.Wait(ctx, woken, time.Minute)
	}
}

func (p *plane) Report(_ context.Context, r wish.Report) error {
	p.mu.Lock()
	if p.deaf > 0 {
		p.deaf--
		p.mu.Unlock()
		return errors.New("it does not hear")
	}
	p.last = r
	p.mu.Unlock()
	p.changed.Wake("report")
	return nil
}

func (p *plane) Image(context.Context, string) (io.ReadCloser, error) {
	if p.image != nil {
		return p.image(), nil
	}
	return io.NopCloser(strings.NewReader("image")), nil
}

func (p *plane) set(s wish.Server) {
	p.mu.Lock()
	p.wishes.Servers = slices.DeleteFunc(slices.Clone(p.wishes.Servers), func(o wish.Server) bool { return o.ID == s.ID })
	p.wishes.Servers = append(p.wishes.Servers, s)
	p.wishes.Serial++
	p.mu.Unlock()
	p.changed.Wake("wishes")
}

func (p *plane) forget(id string) {
	p.mu.Lock()
	p.wishes.Servers = slices.DeleteFunc(slices.Clone(p.wishes.Servers), func(o wish.Server) bool { return o.ID == id })
	p.wishes.Serial++
	p.mu.Unlock()
	p.changed.Wake("wishes")
}

// await waits until the last report says so of a server.
func (p *plane) await(t *testing.T, id, what string, ok func(wish.Seen) bool) wish.Seen {
	t.Helper()
	end := time.Now().Add(20 * time.Second)
	for {
		woken := p.changed.On("report")
		p.mu.Lock()
		var s wish.Seen
		for _, r := range p.last.Servers {
			if r.ID == id {
				s = r
			}
		}
		p.mu.Unlock()
		if ok(s) {
			return s
		}
		if time.Now().After(end) {
			t.Fatalf("never %s: %+v", what, s)
		}
		wake.Wait(t.Context(), woken, time.Second)
	}
}

func (p *plane) carriedOut(t *testing.T, s wish.Server) wish.Seen {
	t.Helper()
	return p.await(t, s.ID, fmt.Sprintf("%s in generation %d", s.Power, s.Generation), func(v wish.Seen) bool {
		return v.Power == s.Power && v.Generation >= s.Generation && v.Step == ""
	})
}

// A report that was not heard is said again soon, not when the next would be due.
func TestAReportIsSaidAgain(t *testing.T) {
	p := &plane{deaf: 1}
	begun := time.Now()
	start(t, p, Options{ReportEvery: time.Minute})
	for {
		woken := p.changed.On("report")
		p.mu.Lock()
		heard := p.last.Host
		p.mu.Unlock()
		if heard != "" {
			break
		}
		if wake.Wait(t.Context(), woken, 10*time.Second); time.Since(begun) > 10*time.Second {
			t.Fatal("it is silent")
		}
	}
}

// start runs nodes until the test's end, or until stop is called.
func start(t *testing.T, p *plane, o Options) (n *Nodes, stop func()) {
	t.Helper()
	return startAt(t, Of(p), o)
}

// startAt is start with a plane for each host.
func startAt(t *testing.T, planes func(string) wish.Plane, o Options) (n *Nodes, stop func()) {
	t.Helper()
	if o.ReportEvery == 0 {
		o.ReportEvery = 50 * time.Millisecond
	}
	n, err := New(planes, o, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { n.Run(ctx); close(done) }()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	t.Cleanup(stop)
	return n, stop
}

func server(n int) wish.Server {
	return wish.Server{
		ID: fmt.Sprintf("00000000-0000-4000-8000-%012d", n), Name: fmt.Sprintf("instance-%08x", n), Generation: 1, Power: wish.Running,
		VCPUs: 1, MemoryMB: 64, RootGB: 1, ConfigDrive: true, Image: &wish.Image{ID: "i", Format: "raw"},
		Ports: []wish.Port{{ID: fmt.Sprintf("port-%d", n), MAC: "fa:16:3e:00:00:01"}},
	}
}

func TestLife(t *testing.T) {
	p := &plane{}
	n, _ := start(t, p, Options{})
	s := server(1)
	next := func(change func()) {
		t.Helper()
		change()
		s.Generation++
		p.set(s)
		p.carriedOut(t, s)
	}
	next(func() {})
	next(func() { s.Power = wish.Paused })
	next(func() { s.Power = wish.Running })
	next(func() { s.Power = wish.Suspended })
	next(func() { s.Power = wish.Running })
	next(func() { s.Power = wish.Stopped })
	next(func() { s.Power = wish.Running })
	next(func() { s.SoftReboots++ })
	next(func() { s.HardReboots++ })
	next(func() { s.Ports = append(s.Ports, wish.Port{ID: "more", MAC: "fa:16:3e:00:00:02"}) })
	next(func() { s.Ports = s.Ports[1:] })
	if seen := p.carriedOut(t, s); seen.SoftReboots != 1 || seen.HardReboots != 1 || !slices.Equal(seen.Ports, []string{"more"}) {
		t.Errorf("%+v", seen)
	}
	log, err := n.ConsoleLog(t.Context(), s.ID, 2)
	if err != nil || strings.Count(log, "\n") != 2 || !strings.Contains(log, "login:") {
		t.Errorf("console %q, %v", log, err)
	}
	if boots := n.worlds[0].things[s.ID].Guest.Boots; boots != 4 {
		t.Errorf("%d boots: the first, one start and two reboots are 4", boots)
	}
	next(func() { s.Power = wish.Gone })
	if n.Left() != 0 {
		t.Error("something is left")
	}
}

func TestWhatAGuestDoesByItselfIsReported(t *testing.T) {
	p := &plane{}
	n, _ := start(t, p, Options{})
	s := server(1)
	p.set(s)
	p.carriedOut(t, s)
	for _, c := range []struct {
		do   func(string) error
		seen wish.Power
	}{{n.Off, wish.Stopped}, {n.Crash, wish.Crashed}} {
		if err := c.do(s.ID); err != nil {
			t.Fatal(err)
		}
		p.await(t, s.ID, "off", func(v wish.Seen) bool { return v.Power == c.seen })
		time.Sleep(500 * time.Millisecond) // longer than the agent's sweep
		p.await(t, s.ID, "still off", func(v wish.Seen) bool { return v.Power == c.seen })
		s.Generation++
		p.set(s)
		p.carriedOut(t, s)
	}
}

// A guest whose disk was full goes on when the agent looks after it again.
func TestStalledGuestGoesOn(t *testing.T) {
	p := &plane{}
	n, _ := start(t, p, Options{SweepEvery: 300 * time.Millisecond})
	s := server(1)
	p.set(s)
	p.carriedOut(t, s)
	if err := n.Stall(s.ID); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		p.await(t, s.ID, "running", func(v wish.Seen) bool { return v.Power == wish.Running })
		g, err := hypervisor{n.worlds[0]}.Guest(t.Context(), s.ID)
		if err == nil && !g.Stalled && g.Power == wish.Running {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%+v, %v", g, err)
		}
	}
}

// A guest that is deaf to the power button is rebooted the hard way in the end.
func TestDeafGuest(t *testing.T) {
	p := &plane{}
	n, _ := start(t, p, Options{ShutdownGrace: 300 * time.Millisecond, Fail: map[string]Failure{Shutdown: {Text: "deaf"}}})
	s := server(1)
	p.set(s)
	p.carriedOut(t, s)
	s.Generation, s.SoftReboots = 2, 1
	p.set(s)
	p.carriedOut(t, s)
	if boots := n.worlds[0].things[s.ID].Guest.Boots; boots != 2 {
		t.Errorf("%d boots", boots)
	}
}

// Every step breaks, before or after its work is done; then it works, or the
// server is given up. Nothing is left.
func TestBreakEveryStep(t *testing.T) {
	for _, step := range []string{Imaged, Disked, Configured, Plugged, Defined, Started, "marked", Removed, "unplugged", "undefined"} {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s after=%v", step, after), func(t *testing.T) {
				t.Parallel()
				p := &plane{}
				n, _ := start(t, p, Options{Fail: map[string]Failure{step: {Text: "broken", Times: 1, After: after}}})
				s, given := server(1), server(2)
				p.set(s)
				p.set(given)
				p.carriedOut(t, s)
				for _, v := range []wish.Server{s, given} {
					v.Power, v.Generation = wish.Gone, 2
					p.set(v)
					p.carriedOut(t, v)
				}
				if n.Left() != 0 {
					t.Error("something is left")
				}
			})
		}
	}
}

func TestFinalFaultIsReportedAndNotTriedAgain(t *testing.T) {
	p := &plane{}
	n, _ := start(t, p, Options{Fail: map[string]Failure{Disked: {Text: "too small", Final: true}}})
	s := server(1)
	p.set(s)
	v := p.await(t, s.ID, "final", func(v wish.Seen) bool { return v.Final })
	if v.Step != Disked || v.Fault != "too small" || v.Power != wish.Gone {
		t.Errorf("%+v", v)
	}
	n.Fail(Disked, Failure{})
	time.Sleep(time.Second)
	p.await(t, s.ID, "still final", func(v wish.Seen) bool { return v.Final })
	s.Generation++
	p.set(s)
	p.carriedOut(t, s)
}

// A fault that stays is final in the end, for a server that never was as wished;
// one that was is tried for ever.
func TestGiveUp(t *testing.T) {
	p := &plane{}
	n, _ := start(t, p, Options{GiveUp: 600 * time.Millisecond})
	s, late := server(1), server(2)
	p.set(s)
	p.carriedOut(t, s)
	n.Fail(Plugged, Failure{Text: "no switch"})
	p.set(late)
	v := p.await(t, late.ID, "given up", func(v wish.Seen) bool { return v.Final })
	if v.Step != Plugged || v.Fault != "The host could not get past the step plugged in 600ms" || !strings.Contains(v.Detail, "no switch") {
		t.Errorf("%+v", v)
	}
	s.DisplayName = "renamed" // a new wish of the same generation
	s.Ports = append(s.Ports, wish.Port{ID: "more", MAC: "fa:16:3e:00:00:02"})
	p.set(s)
	p.await(t, s.ID, "failing", func(v wish.Seen) bool { return v.Fault != "" })
	time.Sleep(2 * time.Second)
	p.await(t, s.ID, "failing, not final", func(v wish.Seen) bool { return v.Fault != "" && !v.Final && v.Power == wish.Running })
	n.Fail(Plugged, Failure{})
	p.carriedOut(t, s)
}

// A server that is given up while its image comes in does not wait for it.
func TestGoneWhileFetching(t *testing.T) {
	p := &plane{}
	n, _ := start(t, p, Options{Delay: map[string]time.Duration{Imaged: time.Hour}})
	s := server(1)
	p.set(s)
	p.await(t, s.ID, "being imaged", func(v wish.Seen) bool { return v.Step == Imaged })
	s.Power, s.Generation = wish.Gone, 2
	p.set(s)
	p.carriedOut(t, s)
	if n.Left() != 0 {
		t.Error("something is left")
	}
}

// A guest that no wish names is left alone and reported.
func TestStrangerIsLeftAlone(t *testing.T) {
	p := &plane{}
	n, _ := start(t, p, Options{})
	s := server(1)
	p.set(s)
	p.carriedOut(t, s)
	p.forget(s.ID)
	time.Sleep(300 * time.Millisecond)
	p.await(t, s.ID, "still running", func(v wish.Seen) bool { return v.Power == wish.Running })
	if n.Left() != 1 {
		t.Error("the guest is gone")
	}
}

// The process is killed at random instants, with guests in files: in the end
// all is as wished, and nothing is left over.
func TestKill(t *testing.T) {
	p, dir := &plane{}, t.TempDir()
	o := Options{Dir: dir, Delay: map[string]time.Duration{Imaged: 5 * time.Millisecond, Disked: 5 * time.Millisecond, Defined: 5 * time.Millisecond, Started: 10 * time.Millisecond}}
	var all []wish.Server
	for i := range 10 {
		all = append(all, server(i))
		p.set(all[i])
	}
	for range 30 {
		_, stop := start(t, p, o)
		time.Sleep(time.Duration(rand.IntN(60)) * time.Millisecond)
		s := &all[rand.IntN(len(all))]
		s.Generation++
		switch rand.IntN(4) {
		case 0:
			s.Power = wish.Gone
		case 1:
			s.HardReboots++
			s.Power = wish.Running
		case 2:
			s.Power = wish.Stopped
		default:
			s.Power = wish.Running
		}
		p.set(*s)
		stop()
	}
	n, _ := start(t, p, o)
	gone := 0
	for _, s := range all {
		p.carriedOut(t, s)
		if s.Power == wish.Gone {
			gone++
		}
	}
	if n.Left() != len(all)-gone {
		t.Errorf("%d servers have something, want %d", n.Left(), len(all)-gone)
	}
}
