//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"stackd/internal/client"
)

// A netLoad makes, lists and deletes networks and ports by one address, and knows what was
// accepted.
type netLoad struct {
	t     *testing.T
	n     *notes
	osc   func(string) string
	guest far
	http  *http.Client
	c     *client.Client

	stop context.CancelFunc
	wg   sync.WaitGroup

	mu             sync.Mutex
	count          int
	wrong          []failure
	networks       map[string][]string // accepted, and not to go: their ports
	gone           map[string]bool     // whose deletion was accepted
	servers        []string
	began          int
	deleting, torn int
	longest        time.Duration // that a request took, since begin
}

// begin asks about ten times a second until pause.
func (w *netLoad) begin() {
	ctx, stop := context.WithCancel(w.t.Context())
	w.stop = stop
	w.mu.Lock()
	w.began, w.longest = w.count, 0
	if w.networks == nil {
		w.networks, w.gone = map[string][]string{}, map[string]bool{}
	}
	w.mu.Unlock()
	w.wg.Go(func() {
		for t := time.NewTicker(400 * time.Millisecond); ; {
			select {
			case <-ctx.Done():
				t.Stop()
				return
			case <-t.C:
				w.wg.Go(w.four)
			}
		}
	})
}

func (w *netLoad) pause() { w.stop(); w.wg.Wait() }

// four are a network, its port, a list, and now and then a deletion of one from before.
func (w *netLoad) four() {
	var out struct{ Network, Port struct{ ID string } }
	if w.ask("POST", "/networks", map[string]any{"network": map[string]string{"name": fmt.Sprint("load-", time.Now().UnixNano())}}, &out) != nil {
		return
	}
	id := out.Network.ID
	w.note(func() { w.networks[id] = nil })
	if w.ask("POST", "/ports", map[string]any{"port": map[string]string{"network_id": id}}, &out) == nil {
		w.note(func() { w.networks[id] = []string{out.Port.ID} })
	}
	w.ask("GET", "/networks?fields=id&limit=50", nil, nil)
	old := w.takeOne(id)
	if old == "" {
		return
	}
	err := error(nil)
	for _, p := range w.portsOf(old) {
		err = w.ask("DELETE", "/ports/"+p, nil, nil)
	}
	if err == nil || notThere(err) {
		err = w.ask("DELETE", "/networks/"+old, nil, nil)
	}
	w.note(func() {
		delete(w.networks, old)
		if err == nil {
			w.gone[old] = true
		} else {
			w.torn++ // whose answer was lost: it may be there or not
		}
	})
}

// takeOne is a network of before that is to go; two of three stay.
func (w *netLoad) takeOne(but string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.deleting++; w.deleting%3 != 0 {
		return ""
	}
	for id, ports := range w.networks {
		if id != but && len(ports) == 1 && ports[0] != "" {
			w.networks[id] = []string{ports[0], ""} // nobody else takes it
			return id
		}
	}
	return ""
}

func (w *netLoad) portsOf(id string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(w.networks[id]), func(s string) bool { return s == "" })
}

func (w *netLoad) note(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}

func (w *netLoad) ask(method, path string, in, out any) error {
	start := time.Now()
	err := w.c.Do(context.Background(), method, "network", path, in, out)
	w.note(func() {
		w.count++
		w.longest = max(w.longest, time.Since(start))
		if err != nil && !notThere(err) {
			w.wrong = append(w.wrong, failure{time.Now(), method + " " + strings.SplitN(path, "/", 3)[1] + ": " + err.Error()})
		}
	})
	return err
}

func (w *netLoad) asked() int { w.mu.Lock(); defer w.mu.Unlock(); return w.count - w.began }

func (w *netLoad) errorsSince(at time.Time) (count int, last time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, f := range w.wrong {
		if f.at.After(at) {
			count, last = count+1, max(last, f.at.Sub(at))
		}
	}
	return count, last
}

func (w *netLoad) texts() (out []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, f := range w.wrong {
		out = append(out, f.at.Format("05.0 ")+f.text)
	}
	return out[max(0, len(out)-20):]
}

// server makes one and waits until it runs.
func (w *netLoad) server(name string) time.Duration {
	w.t.Helper()
	start := time.Now()
	w.osc("server create " + name + " --image tiny --flavor tiny --network n --security-group open")
	until(w.t, name+" to be ACTIVE", 2*time.Minute, func() (bool, string) {
		s := w.osc("server show " + name + " -f value -c status")
		return s == "ACTIVE", s
	})
	w.servers = append(w.servers, name)
	return time.Since(start)
}

// end sees that all that was accepted is as it was accepted, in the API and in OVN.
func (w *netLoad) end() {
	t := w.t
	t.Helper()
	for _, s := range w.servers {
		w.osc("server delete --wait " + s)
	}
	api := map[string]map[string]bool{}
	for _, name := range []string{"networks", "ports"} {
		var raw json.RawMessage
		if err := w.c.Do(t.Context(), "GET", "network", "/"+name+"?fields=id", nil, &raw); err != nil {
			t.Fatal(err)
		}
		api[name] = idsOf(raw, name)
	}
	for id, ports := range w.networks {
		if !api["networks"][id] {
			t.Errorf("network %s was accepted and is lost", id)
		}
		for _, p := range ports {
			if p != "" && !api["ports"][p] {
				t.Errorf("port %s was accepted and is lost", p)
			}
		}
	}
	for id := range w.gone {
		if api["networks"][id] {
			t.Errorf("network %s is there, though its deletion was accepted", id)
		}
	}
	until(t, "OVN to have what was accepted and no more", time.Minute, func() (bool, string) {
		have := w.n.hosts["ctl1"].Shell("for t in logical_switch logical_switch_port; do ovn-nbctl --no-leader-only --db=unix:/var/lib/stackd/run/nb.sock --bare --columns=name list $t; done")
		n := 0
		for id, ports := range w.networks {
			for _, p := range append(slices.Clone(ports), "neutron-"+id) {
				if !strings.Contains(have, p) {
					return false, p + " is not in OVN"
				}
			}
			n++
		}
		for id := range w.gone {
			if strings.Contains(have, id) {
				return false, id + " is in OVN"
			}
		}
		return true, fmt.Sprint(n)
	})
	t.Logf("%d requests, %d failed; %d networks are there as accepted, %d deleted as accepted; %d answers to deletions were lost", w.count, len(w.wrong), len(w.networks), len(w.gone), w.torn)
}
