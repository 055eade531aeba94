//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"stackd/internal/sqldb/dbtest"
	"stackd/test/cloudtest"
)

// Three control planes over one PostgreSQL behind one address, with simulated nodes that
// know all three. Each is killed once while a hundred requests a second make, list and
// delete servers: what was accepted happens, and nobody sees an error for longer than
// five seconds.
func TestPlanes(t *testing.T) {
	c := cloudtest.NewSeveral(t, 3, dbtest.Address(t), "")
	c.Nodes(4)
	p := preparePressure(t, c.Planes[0])
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := p.run(ctx, 100)
	time.Sleep(5 * time.Second)
	for n, plane := range c.Planes {
		killed(t, &bench{t: t, cloud: plane})
		at := time.Now()
		time.Sleep(8 * time.Second)
		if err := plane.Serve(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(4 * time.Second)
		count, last := p.errorsSince(at)
		t.Logf("control plane %d killed: %d requests failed, the last after %.1f s", n+1, count, last.Seconds())
		if last > 5*time.Second {
			t.Errorf("requests fail longer than 5 s: %v", p.texts())
		}
	}
	cancel()
	<-done
	t.Logf("%d requests, %.0f a second; %d failed in all", p.asked.Load(), float64(p.asked.Load())/p.took.Seconds(), p.failed())
	p.settled(t, 2*time.Minute)
	p.kept(t)
	p.nothingLeft(t)
}

// preparePressure makes what servers need, and has quotas bound nobody.
func preparePressure(t *testing.T, plane *cloudtest.Cloud) *pressure {
	t.Helper()
	env, err := plane.Login("admin")
	if err != nil {
		t.Fatal(err)
	}
	w := prepareLoad(t, &bench{t: t, env: env})
	c := w.client(t.Context())
	if err := c.Do(t.Context(), "PUT", "compute", "/os-quota-sets/"+c.ProjectID, map[string]any{"quota_set": map[string]int{"instances": -1, "cores": -1, "ram": -1}}, nil); err != nil {
		t.Fatal(err)
	}
	return &pressure{load: w}
}

// Pressure is a steady number of requests a second, and what became of them.
type pressure struct {
	*load
	mu      sync.Mutex
	wrong   []failure
	alive   map[string]bool // accepted and not deleted
	gone    map[string]bool // whose deletion was accepted
	unknown map[string]bool // whose deletion's answer was lost
	took    time.Duration
	asked   atomic.Int64
	c       *cloudtest.Client
}

type failure struct {
	at   time.Time
	text string
}

// run asks until the context ends: one of twenty makes a server, one deletes one, the others list.
func (p *pressure) run(ctx context.Context, perSecond int) <-chan struct{} {
	p.alive, p.gone, p.unknown = map[string]bool{}, map[string]bool{}, map[string]bool{}
	done := make(chan struct{})
	p.c = p.client(ctx)
	began := time.Now()
	go func() {
		var wg sync.WaitGroup
		for n, t := 0, time.NewTicker(time.Second/time.Duration(perSecond)); ; n++ {
			select {
			case <-ctx.Done():
				t.Stop()
				wg.Wait()
				p.took = time.Since(began)
				close(done)
				return
			case <-t.C:
				wg.Go(func() { p.ask(ctx, n) })
			}
		}
	}()
	return done
}

func (p *pressure) ask(ctx context.Context, n int) {
	call, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer cancel()
	p.asked.Add(1)
	var err error
	switch c := p.c; {
	case n%20 == 0:
		var out struct{ Server cloudtest.Thing }
		err = c.Do(call, "POST", "compute", "/servers", map[string]any{"server": map[string]any{"name": fmt.Sprint("p-", n), "flavorRef": p.flavorID, "imageRef": p.imageID,
			"networks": []any{map[string]string{"uuid": p.netID}}}}, &out)
		if err == nil {
			p.note(p.alive, out.Server.ID)
		}
	case n%20 == 10:
		err = p.drop(call, c)
	default:
		err = c.Do(call, "GET", "compute", "/servers?limit=20", nil, nil)
	}
	if err != nil {
		p.mu.Lock()
		p.wrong = append(p.wrong, failure{time.Now(), err.Error()})
		p.mu.Unlock()
	}
}

// drop deletes one of those that were accepted.
func (p *pressure) drop(ctx context.Context, c *cloudtest.Client) error {
	p.mu.Lock()
	id := ""
	for id = range p.alive {
		delete(p.alive, id)
		break
	}
	p.mu.Unlock()
	if id == "" {
		return nil
	}
	err := c.Do(ctx, "DELETE", "compute", "/servers/"+id, nil, nil)
	if err == nil {
		p.note(p.gone, id)
	} else {
		p.note(p.unknown, id)
	}
	return err
}

func (p *pressure) note(in map[string]bool, id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	in[id] = true
}

// errorsSince is how many requests failed, and how long after the time the last did.
func (p *pressure) errorsSince(at time.Time) (count int, last time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range p.wrong {
		if f.at.After(at) {
			count, last = count+1, max(last, f.at.Sub(at))
		}
	}
	return count, last
}

func (p *pressure) failed() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.wrong)
}

// texts are what was wrong, each once.
func (p *pressure) texts() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []string
	for _, f := range p.wrong {
		if !slices.Contains(out, f.text) && len(out) < 20 {
			out = append(out, f.text)
		}
	}
	return out
}

// kept sees that every accepted server is there, and none whose deletion was accepted.
func (p *pressure) kept(t *testing.T) {
	t.Helper()
	c := p.client(t.Context())
	var list struct{ Servers []cloudtest.Thing }
	if err := c.Do(t.Context(), "GET", "compute", "/servers", nil, &list); err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	for _, s := range list.Servers {
		there[s.ID] = true
	}
	for id := range p.alive {
		if !there[id] {
			t.Errorf("server %s was accepted and is lost", id)
		}
	}
	for id := range p.gone {
		if there[id] {
			t.Errorf("server %s is there, though its deletion was accepted", id)
		}
	}
	t.Logf("%d servers there as accepted, %d deleted as accepted; %d answers to a deletion were lost", len(p.alive), len(p.gone), len(p.unknown))
}
