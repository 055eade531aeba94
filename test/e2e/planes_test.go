//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
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
	c := newControl(t, 3)
	c.nodes(4)
	w := prepareLoad(t, &bench{t: t, env: c.env})
	admin := w.client(t.Context())
	if err := admin.Do(t.Context(), "PUT", "compute", "/os-quota-sets/"+admin.ProjectID, map[string]any{"quota_set": map[string]int{"instances": -1, "cores": -1, "ram": -1}}, nil); err != nil {
		t.Fatal(err)
	}
	p := &pressure{load: w}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := p.run(ctx, 100)
	time.Sleep(5 * time.Second)
	for n, plane := range c.planes {
		killed(t, plane)
		at := time.Now()
		time.Sleep(8 * time.Second)
		c.up(n)
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
	w.settled(t, 2*time.Minute)
	p.kept(t)
	w.nothingLeft(t)
}

// A control is several control planes that are one.
type control struct {
	t      *testing.T
	dir    string
	at     string // where clients find it
	planes []*bench
	args   []string
	env    map[string]string
}

// newControl starts the planes. The second and third have the key and the
// administrator of the first, as a deployer gives them.
func newControl(t *testing.T, n int) *control {
	t.Helper()
	dir, err := os.MkdirTemp("", "stackd-planes-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	c := &control{t: t, dir: dir, at: "127.0.78.1"}
	c.args = []string{"--database", dbtest.Address(t), "--endpoint", c.at}
	var addresses []string
	for i := range n {
		cl, err := cloudtest.New(filepath.Join(dir, fmt.Sprint("plane-", i+1)))
		if err != nil {
			t.Fatal(err)
		}
		cl.Listen, cl.Name = fmt.Sprintf("127.0.78.%d", i+2), fmt.Sprintf("plane%d", i+1)
		c.planes = append(c.planes, &bench{t: t, cloud: cl, dir: dir})
		addresses = append(addresses, cl.Listen)
	}
	balance(t, c.at, addresses...)
	for i := range n {
		c.furnish(i)
		c.up(i)
		t.Cleanup(func() { c.keepLog(i); c.planes[i].cloud.Down() })
	}
	if c.env, err = c.planes[0].cloud.Login("admin"); err != nil {
		t.Fatal(err)
	}
	return c
}

// keepLog keeps the log of a plane when the test has failed.
func (c *control) keepLog(n int) {
	if !c.t.Failed() {
		return
	}
	b, _ := os.ReadFile(filepath.Join(c.planes[n].cloud.Data, "stackd.log"))
	keep := filepath.Join(os.TempDir(), fmt.Sprintf("stackd-plane-%d.log", n+1))
	os.WriteFile(keep, b, 0o600)
	c.t.Logf("the log of control plane %d is in %s", n+1, keep)
}

// furnish gives a plane's folder what all must have alike: settings, key, administrator.
func (c *control) furnish(n int) {
	c.t.Helper()
	data := c.planes[n].cloud.Data
	err := os.MkdirAll(data, 0o700)
	images := filepath.Join(c.dir, "images")
	if err == nil {
		err = os.WriteFile(filepath.Join(data, "stackd.yaml"), fmt.Appendf(nil, "image: {stores: [{id: shared, type: file, dir: %s}]}\n", images), 0o600)
	}
	for _, name := range []string{"master.key", "keystonerc_admin"} {
		if n == 0 || err != nil {
			break
		}
		var b []byte
		if b, err = os.ReadFile(filepath.Join(c.planes[0].cloud.Data, name)); err == nil {
			err = os.WriteFile(filepath.Join(data, name), b, 0o600)
		}
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *control) up(n int) {
	c.t.Helper()
	if err := c.planes[n].cloud.Serve(c.args...); err != nil {
		c.t.Fatal(err)
	}
}

// nodes has so many simulated hosts join; they know all control planes.
func (c *control) nodes(n int) {
	c.t.Helper()
	var others []*cloudtest.Cloud
	for _, p := range c.planes[1:] {
		others = append(others, p.cloud)
	}
	hosts, err := c.planes[0].cloud.Simulate(filepath.Join(c.dir, "nodes"), n, others...)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { hosts.Down() })
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
