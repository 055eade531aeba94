package deploy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"stackd/internal/converge"
)

// A Run makes a plan true, or takes it away again.
type Run struct {
	Plan    *Plan
	Program string // the stackd that hosts get
	Open    func(ctx context.Context, address string) (Shell, error)
	Screen  *Screen
	Log     io.Writer // everything that is done, without secrets
	DryRun  bool      // only say what would be done
	Timeout time.Duration

	Hosts []*Host

	mu      sync.Mutex
	secrets []string
	acts    []string
	sum     string
}

// ErrHosts is the error of a run in which hosts failed; what was wrong has been told.
type ErrHosts struct{ Failed []Finding }

func (e *ErrHosts) Error() string {
	var lines []string
	for _, f := range e.Failed {
		lines = append(lines, f.String())
	}
	return strings.Join(lines, "\n")
}

// Install makes the cloud, or finishes one that was begun.
func (r *Run) Install(ctx context.Context) error {
	defer r.close()
	if err := r.begin(ctx); err != nil {
		return err
	}
	if err := r.phase(ctx, "Checking that all can go well", r.preflight); err != nil {
		return err
	}
	lost := map[*Host]error{}
	infra, others := r.divided()
	if err := r.each(ctx, "Applying "+r.Plan.Infra+"_infra", infra, preparing(), lost); err != nil {
		return err // the others would ask it for names and the time
	}
	prepare := r.each(ctx, "Preparing servers", others, preparing(), lost)
	if err := lost[r.controller()]; err != nil {
		return prepare
	}
	keep := r.each(ctx, "Applying "+r.Plan.Database+"_database", r.databases(), keeping(), lost)
	if keep != nil {
		return errors.Join(prepare, keep)
	}
	first, others := r.controllers()
	control := r.each(ctx, "Applying "+first.Address+"_controller", []*Host{first}, controlling(), lost)
	if control != nil {
		return errors.Join(prepare, control)
	}
	beside := r.each(ctx, "Applying other controllers", r.well(others, lost), controlling(), lost)
	compute := r.each(ctx, "Applying compute", r.well(r.nodes(), lost), computing(), lost)
	return errors.Join(prepare, beside, compute)
}

// well are those of the hosts that have not failed.
func (r *Run) well(hosts []*Host, lost map[*Host]error) []*Host {
	return slices.DeleteFunc(slices.Clone(hosts), func(h *Host) bool { return lost[h] != nil })
}

// Uninstall takes everything away again, guests and volumes with it.
func (r *Run) Uninstall(ctx context.Context) error {
	defer r.close()
	if err := r.begin(ctx); err != nil {
		return err
	}
	lost := map[*Host]bool{} // what it still has is needed for another try
	down := func(title string, hosts []*Host, l converge.Ladder[*Host]) error {
		hosts = slices.DeleteFunc(slices.Clone(hosts), func(h *Host) bool { return lost[h] })
		var mu sync.Mutex
		return r.phase(ctx, title, func(ctx context.Context) error {
			return r.together(hosts, func(h *Host) error {
				err := l.Descend(ctx, h)
				mu.Lock()
				defer mu.Unlock()
				lost[h] = err != nil
				return err
			})
		})
	}
	first, others := r.controllers()
	return errors.Join(down("Taking compute hosts away", r.nodes(), computing()),
		down("Taking the control plane away", append(others, first), controlling()), down("Taking the database away", r.databases(), keeping()), down("Giving hosts back as they were", r.Hosts, preparing()))
}

// begin opens all hosts and looks at them.
func (r *Run) begin(ctx context.Context) (err error) {
	if r.sum, err = sumOf(r.Program); err != nil {
		return err
	}
	r.keepSecrets()
	return r.phase(ctx, "Looking at the hosts", r.look)
}

// keepSecrets keeps the answers' passwords out of the log.
func (r *Run) keepSecrets() {
	for key, v := range r.Plan.Answers {
		if strings.HasSuffix(key, "_PW") || strings.HasSuffix(key, "PASSWORD") || key == "CONFIG_STACKD_DATABASE" {
			r.secret(v)
		}
	}
}

func (r *Run) controller() *Host { return r.Hosts[0] }

// nodes are the hosts that run guests for a controller elsewhere.
func (r *Run) nodes() (all []*Host) {
	for _, h := range r.Hosts[1:] {
		if h.Compute() && !h.Controller() {
			all = append(all, h)
		}
	}
	return all
}

// divided is the infra host, and all others.
func (r *Run) divided() (infra, others []*Host) {
	for _, h := range r.Hosts {
		if h.Infra() {
			infra = append(infra, h)
		} else {
			others = append(others, h)
		}
	}
	return infra, others
}

func (r *Run) close() {
	for _, h := range r.Hosts {
		if h.Shell != nil {
			h.Shell.Close()
		}
	}
}

// phase is a line of the screen.
func (r *Run) phase(ctx context.Context, title string, f func(context.Context) error) error {
	r.Screen.Begin(title)
	r.log("== %s", title)
	err := f(ctx)
	r.Screen.End(title, err == nil)
	return err
}

// together does f for all hosts at once; what fails is told by host.
func (r *Run) together(hosts []*Host, f func(*Host) error) error {
	errs := make([]error, len(hosts))
	var wg sync.WaitGroup
	for i, h := range hosts {
		wg.Go(func() { errs[i] = f(h) })
	}
	wg.Wait()
	var failed []Finding
	for i, err := range errs {
		if err != nil {
			r.log("%s: %v", hosts[i].Address, err)
			failed = append(failed, Finding{hosts[i].Address, r.mask(err.Error()), true})
		}
	}
	if failed != nil {
		return &ErrHosts{failed}
	}
	return nil
}

// each climbs a ladder on hosts at once. A host that fails is in lost.
func (r *Run) each(ctx context.Context, title string, hosts []*Host, l converge.Ladder[*Host], lost map[*Host]error) error {
	if len(hosts) == 0 {
		return nil
	}
	var mu sync.Mutex
	return r.phase(ctx, title, func(ctx context.Context) error {
		return r.together(hosts, func(h *Host) error {
			ctx, cancel := context.WithTimeout(ctx, r.Timeout)
			defer cancel()
			err := l.Climb(ctx, h)
			if ctx.Err() == context.DeadlineExceeded {
				err = fmt.Errorf("not within %s: %w. Run it again, with a longer --timeout if it goes on", r.Timeout, err)
			}
			if err != nil {
				mu.Lock()
				lost[h] = err
				mu.Unlock()
			}
			return err
		})
	})
}

// look opens all hosts and looks at them.
func (r *Run) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 40*time.Second)
	defer cancel()
	for _, a := range r.Plan.Addresses() {
		r.Hosts = append(r.Hosts, &Host{Address: a, plan: r.Plan, all: r})
	}
	return r.together(r.Hosts, func(h *Host) (err error) {
		if h.Shell, err = r.Open(ctx, h.Address); err != nil {
			return err
		}
		return h.see(ctx)
	})
}

// preflight tells everything that is wrong on any host at once.
func (r *Run) preflight(ctx context.Context) error {
	all := append(between(r.Hosts), r.endpoints()...)
	for _, h := range r.Hosts {
		all = append(all, h.preflight(h.seen)...)
	}
	all = append(all, r.lacking(ctx)...)
	var fatal []Finding
	for _, f := range all {
		r.log("preflight: %s", f)
		if f.Fatal {
			fatal = append(fatal, f)
		} else {
			r.Screen.Note("Host " + f.String())
		}
	}
	if fatal != nil {
		slices.SortStableFunc(fatal, func(a, b Finding) int { return strings.Compare(a.Host, b.Host) })
		return &ErrHosts{fatal}
	}
	return nil
}

// Acts are what was done, or would be: "ADDRESS: STEP".
func (r *Run) Acts() []string { return r.acts }

func (r *Run) acted(h *Host, step string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.acts = append(r.acts, h.Address+": "+step)
}

func (r *Run) would(h *Host, step string) {
	r.acted(h, step)
	r.Screen.Note("Would act on " + h.Address + ": " + step)
}

// secret keeps a word out of the log.
func (r *Run) secret(s string) {
	if len(s) < 4 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.secrets = append(r.secrets, s)
}

func (r *Run) mask(s string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, w := range r.secrets {
		s = strings.ReplaceAll(s, w, "********")
	}
	return s
}

func (r *Run) log(format string, args ...any) {
	text := r.mask(fmt.Sprintf(format, args...))
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintf(r.Log, "%s::%s\n", time.Now().Format("2006-01-02 15:04:05"), text)
}
