package agent

import (
	"context"
	"errors"
	"reflect"
	"time"

	"stackd/agent/wish"
	"stackd/internal/converge"
	"stackd/internal/fault"
)

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
	switch {
	case t.Power == wish.Gone:
		err = a.remove(pass, t)
	case t.Power == wish.Kept:
		err = a.ladder.After("disked").Descend(pass, t)
	case t.Power == wish.Landing:
		err = stuckAt("awaited", a.await(pass, t))
	case t.Power == wish.Revoked:
		err = a.revoke(pass, t)
	case t.Leave != nil:
		err = stuckAt("left", a.leave(ctx, t))
	case a.grounded(t.ID):
		err = stuckAt("left", converge.Later(500*time.Millisecond))
	default:
		err = a.ladder.Climb(pass, t)
	}
	if ctx.Err() == nil {
		a.settle(t, a.giveUp(ctx, t, err))
	}
	return nil
}

// stuckAt names the step that an error is of.
func stuckAt(step string, err error) error {
	if err == nil {
		return nil
	}
	return &converge.Stuck{Step: step, Err: err}
}

// giveUp makes a fault final that has lasted too long, for a wish that was never
// carried out. A guest that was once as wished is never given up.
func (a *Agent) giveUp(ctx context.Context, t *task, err error) error {
	if _, later := converge.IsLater(err); later || err == nil || converge.IsFinal(err) || t.leaves() {
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
		*e = entry{wish: e.wish, gone: t.leaves(), over: e.over}
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
