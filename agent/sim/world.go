package sim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"stackd/agent"
	"stackd/agent/wish"
	"stackd/internal/converge"
)

// A world is what there is on one host.
type world struct {
	Options
	name string
	dir  string // "" keeps nothing

	mu      sync.Mutex
	things  map[string]*thing // by server id
	images  map[string]bool
	fails   map[string]Failure
	failed  map[string]int // by server and step
	changed func(id string)
}

// A thing is all that a server has on the host: what of it is there, is so.
type thing struct {
	Disks  []string          `json:"disks"`
	Config bool              `json:"config"`
	Of     int64             `json:"of,omitempty"` // the rebuild that the config drive is of
	Plugs  map[string]string `json:"plugs"`        // port → MAC
	Guest  *guest            `json:"guest"`
	Coming *guest            `json:"coming,omitempty"` // from another host
}

// A guest is a domain.
type guest struct {
	Spec    agent.Spec     `json:"spec"`
	Power   wish.Power     `json:"power"`
	Ports   []string       `json:"ports"`
	Volumes []agent.Volume `json:"volumes"`
	Stalled bool           `json:"stalled,omitempty"`
	Boots   int            `json:"boots"`
	Since   time.Time      `json:"since"` // in this power state
}

func (t *thing) empty() bool {
	return len(t.Disks) == 0 && !t.Config && len(t.Plugs) == 0 && t.Guest == nil && t.Coming == nil
}

// newWorld reads what an earlier process left.
func newWorld(name string, o Options) (*world, error) {
	w := &world{Options: o, name: name, things: map[string]*thing{}, images: map[string]bool{}, failed: map[string]int{}, fails: maps.Clone(o.Fail)}
	if w.fails == nil {
		w.fails = map[string]Failure{}
	}
	if o.Dir == "" {
		return w, nil
	}
	w.dir = filepath.Join(o.Dir, name)
	if err := os.MkdirAll(w.dir, 0o755); err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(w.dir, "*.json"))
	for _, f := range files {
		t := &thing{}
		text, e := os.ReadFile(f)
		if e == nil {
			e = json.Unmarshal(text, t)
		}
		if e != nil {
			return nil, fmt.Errorf("%s: %w", f, e)
		}
		w.things[strings.TrimSuffix(filepath.Base(f), ".json")] = t
	}
	return w, err
}

// step does what a step does, after its delay and with its failure: f changes
// the thing under the world's lock.
func (w *world) step(ctx context.Context, name, id string, f func(*thing) error) error {
	if err := wait(ctx, w.Delay[name]); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	after, err := w.failure(name, id)
	if err != nil && !after {
		return err
	}
	return errors.Join(w.change(id, f), err)
}

// failure is how the step fails this time, if it does. The lock is held.
func (w *world) failure(step, id string) (after bool, err error) {
	f, ok := w.fails[step]
	key := id + " " + step
	if !ok || f.Times > 0 && w.failed[key] >= f.Times {
		return false, nil
	}
	w.failed[key]++
	err = errors.New(f.Text)
	if f.Final {
		err = converge.Final{Err: err}
	}
	return f.After, err
}

// change changes a thing and keeps it. The lock is held.
func (w *world) change(id string, f func(*thing) error) error {
	t := w.things[id]
	if t == nil {
		t = &thing{Plugs: map[string]string{}}
	}
	if err := f(t); err != nil {
		return err
	}
	if t.empty() {
		delete(w.things, id)
	} else {
		w.things[id] = t
	}
	return w.save(id, t)
}

func (w *world) save(id string, t *thing) error {
	if w.dir == "" {
		return nil
	}
	file := filepath.Join(w.dir, id+".json")
	if t.empty() {
		if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		return nil
	}
	text, err := json.Marshal(t)
	if err != nil {
		return err
	}
	if err := os.WriteFile(file+".new", text, 0o644); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

// look reads a thing; one that is not there is empty.
func (w *world) look(id string, f func(*thing)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := w.things[id]
	if t == nil {
		t = &thing{}
	}
	f(t)
}

// owners are the servers of whose thing ok holds.
func (w *world) owners(ok func(*thing) bool) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var ids []string
	for id, t := range w.things {
		if ok(t) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// tell tells the agent that a guest's power changed by itself.
func (w *world) tell(id string) {
	w.mu.Lock()
	f := w.changed
	w.mu.Unlock()
	if f != nil {
		f(id)
	}
}

func wait(ctx context.Context, d time.Duration) error {
	if d == 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
