package nova

import (
	"context"
	"time"

	"stackd/internal/fault"
	"stackd/internal/token"
	"stackd/internal/wake"

	"github.com/google/uuid"
)

// Compute is the verbs of the compute service.
type Compute struct {
	Store
	Images   Images
	Networks Networks
	Placing  Placing
	Nodes    Nodes
	// Volumes is block storage; nil where there is none.
	Volumes Volumes
	// ConsoleURL is the address that browsers open a display at, without the token:
	// http://127.0.0.1:8774/console.
	ConsoleURL string
	// Alone is that no other process works on these rows.
	Alone bool

	wake   func() // the loops that work on due servers and captures
	tell   func(host string)
	hosts  wake.Hub
	sights sights
	told   told
	looked looked
}

// New makes Compute over its store and needs. Woken sets what to wake later on.
func New(s Store, i Images, n Networks, p Placing, l Nodes) *Compute {
	return &Compute{Store: s, Images: i, Networks: n, Placing: p, Nodes: l, wake: func() {}, tell: func(string) {}}
}

// Woken says what to call when a server has become due.
func (c *Compute) Woken(f func()) { c.wake = f }

// AlsoWoken adds another to what is called then.
func (c *Compute) AlsoWoken(f func()) {
	first := c.wake
	c.wake = func() { first(); f() }
}

// Wake has the loop look at once.
func (c *Compute) Wake() { c.wake() }

// Visible is a server that the caller may see: one of its own project, or any
// for an administrator. Others, and deleted ones, are not found.
func (c *Compute) Visible(ctx context.Context, id string) (*Server, error) {
	s, err := c.Server(ctx, id)
	if err != nil {
		return nil, err
	}
	who := token.From(ctx)
	if !s.DeletedAt.IsZero() || who == nil || who.Project.ID != s.ProjectID && !who.Admin() {
		return nil, fault.New(fault.NotFound, "Instance %s could not be found.", id)
	}
	return s, nil
}

// change runs f on a server inside one transaction, then wakes whoever has work.
func (c *Compute) change(ctx context.Context, id string, f func(context.Context, *Server) error) (*Server, error) {
	var out *Server
	err := c.Tx(ctx, func(ctx context.Context) error {
		s, err := c.Visible(ctx, id)
		if err != nil {
			return err
		}
		if err := f(ctx, s); err != nil {
			return err
		}
		s.UpdatedAt = c.Now()
		out = s
		c.nudge(ctx, s)
		return c.UpdateServer(ctx, s)
	})
	return out, err
}

// nudge makes the loop and the server's node look once the transaction is through.
func (c *Compute) nudge(ctx context.Context, s *Server) {
	host := s.Host
	c.After(ctx, func() {
		c.wake()
		c.woken(host)
	})
}

// woken: what should be on a host may have changed; "" is none.
func (c *Compute) woken(host string) {
	if host != "" {
		c.HostChanged(host)
		c.tell(host)
	}
}

// Tells says what to call when others on the same rows are to know that what should be on
// a host may have changed. It must not block.
func (c *Compute) Tells(f func(host string)) { c.tell = f }

// HostChanged is what others call then: the host's node is told, when it is here that it asks.
func (c *Compute) HostChanged(host string) {
	c.sights.doubt(host)
	c.hosts.Wake(host)
}

// AnyChanged is HostChanged for hosts that are not known.
func (c *Compute) AnyChanged() {
	c.sights.doubtAll()
	c.hosts.WakeAll()
}

// Nudge is nudge for the loop.
func (c *Compute) Nudge(ctx context.Context, s *Server) { c.nudge(ctx, s) }

// NudgeHost makes a host look once the transaction is through.
func (c *Compute) NudgeHost(ctx context.Context, host string) {
	c.After(ctx, func() {
		c.hosts.Wake(host)
		c.tell(host)
	})
}

// act begins an action on a server that the caller asked for.
func (c *Compute) act(ctx context.Context, s *Server, action, event string) error {
	now := c.Now()
	a := &ServerAction{ID: uuid.NewString(), ServerID: s.ID, UserID: s.UserID, ProjectID: s.ProjectID, Action: action, RequestID: RequestID(ctx), Event: event, Host: s.Host, StartedAt: now, UpdatedAt: now}
	if who := token.From(ctx); who != nil {
		a.UserID, a.ProjectID = who.User.ID, who.Project.ID
	}
	s.ActionID = a.ID
	return c.InsertAction(ctx, a)
}

// did is act for an action that is over when its transaction is.
func (c *Compute) did(ctx context.Context, s *Server, action, event string) error {
	under := s.ActionID
	if err := c.act(ctx, s, action, event); err != nil {
		return err
	}
	id := s.ActionID
	s.ActionID = under
	return c.FinishAction(ctx, id, "Success", "")
}

type requestKey struct{}

// WithRequestID carries the request's id to the actions it begins.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestKey{}, id)
}

// RequestID is the id that ctx carries, a new one if none.
func RequestID(ctx context.Context) string {
	if id, ok := ctx.Value(requestKey{}).(string); ok {
		return id
	}
	return "req-" + uuid.NewString()
}

// unlocked refuses a locked server to all but administrators.
func unlocked(ctx context.Context, s *Server) error {
	if who := token.From(ctx); s.Locked && (who == nil || !who.Admin()) {
		return fault.New(fault.Conflict, "Instance %s is locked", s.ID)
	}
	return nil
}

// wrongState words the refusal of an action in the server's present state.
func wrongState(s *Server, action, what, state string) error {
	return fault.New(fault.Conflict, "Cannot '%s' instance %s while it is in %s %s", action, s.ID, what, state)
}

// Purge forgets servers that were deleted a while ago.
func (c *Compute) Purge(ctx context.Context, keep time.Duration) error {
	return c.PurgeServers(ctx, c.Now().Add(-keep))
}
