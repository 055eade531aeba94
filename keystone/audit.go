package keystone

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"sync"
	"time"

	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/sqldb"
	"stackd/internal/token"
)

// An Event is that somebody changed something or signed in, or tried to. One of a
// change is kept in the very transaction of the change.
type Event struct {
	ID         string    `bun:"id,pk"`
	At         time.Time `bun:"at"`
	Action     string    `bun:"action"`  // created.user, deleted.role …; authenticate
	Outcome    string    `bun:"outcome"` // success, failure
	Code       int64     `bun:"code"`    // of a failure, as HTTP has it
	Reason     string    `bun:"reason"`
	Repeats    int64     `bun:"repeats"` // how often the same failed again within the minute
	UserID     string    `bun:"user_id"`
	UserName   string    `bun:"user_name"`
	ProjectID  string    `bun:"project_id"`
	DomainID   string    `bun:"domain_id"` // the user's
	TargetType string    `bun:"target_type"`
	TargetID   string    `bun:"target_id"`
	Path       string    `bun:"path"` // that was asked for
	Address    string    `bun:"address"`
	Agent      string    `bun:"agent"`
	RequestID  string    `bun:"request_id"`

	SignIn bool `bun:"-"`
	Proves bool `bun:"-"` // who somebody is, be it to sign in or for something else
}

// maxText is how long a text of an event may be; what comes after is cut.
const maxText = 255

func (e *Event) bound() {
	for _, s := range []*string{&e.Action, &e.Reason, &e.UserID, &e.UserName, &e.ProjectID, &e.DomainID, &e.TargetType, &e.TargetID, &e.Path, &e.Address, &e.Agent, &e.RequestID} {
		*s = strings.ToValidUTF8(strings.ReplaceAll((*s)[:min(len(*s), maxText)], "\x00", ""), "")
	}
}

func (e *Event) by(w *token.Who) {
	if w != nil {
		e.UserID, e.UserName, e.DomainID, e.ProjectID = w.User.ID, w.User.Name, w.UserDomain.ID, w.Project.ID
	}
}

// a trace is an event in the making, carried by the context of its request.
type trace struct {
	event  *Event
	kept   bool // in a transaction that was committed
	signed bool // a token was made
	kind   reflect.Type
}

type traceKey struct{}

func traceOf(ctx context.Context) *trace { t, _ := ctx.Value(traceKey{}).(*trace); return t }

// Trace follows what a request does from here on; Conclude must come after it.
func (i *Identity) Trace(ctx context.Context, e *Event) context.Context {
	t := &trace{event: e}
	e.ID, e.At = NewID(), i.db.Now()
	return sqldb.Before(context.WithValue(ctx, traceKey{}, t), func(ctx context.Context) error { return i.keepInside(ctx, t) })
}

// keepInside keeps the event of a change with the change.
func (i *Identity) keepInside(ctx context.Context, t *trace) error {
	if t.kept || t.event.SignIn {
		return nil
	}
	e := *t.event
	e.by(token.From(ctx))
	e.Outcome = "success"
	e.bound()
	i.db.After(ctx, func() { t.kept = true })
	return i.store.KeepEvent(ctx, &e)
}

// Conclude says how it ended: status 0 is well. Of sign-ins and of what somebody known
// tried in vain an event is kept now.
func (i *Identity) Conclude(ctx context.Context, who *token.Who, status int, reason string) {
	t := traceOf(ctx)
	e := *t.event
	e.by(who)
	if e.Outcome = "success"; status != 0 {
		e.Outcome, e.Code, e.Reason = "failure", int64(status), reason
	}
	switch {
	case status == 0 && (t.kept || e.SignIn && !t.signed):
		return
	case status != 0 && !t.kept && !(who != nil || e.Proves && (status == 401 || status == 403)):
		return
	case status != 0 && !t.kept:
		e.ID = i.crowd.id(&e)
	}
	e.bound()
	ctx = sqldb.Quiet(context.WithoutCancel(ctx))
	if err := i.db.Tx(ctx, func(ctx context.Context) error { return i.store.KeepEvent(ctx, &e) }); err != nil {
		slog.Error("an event of the audit could not be kept", "action", e.Action, "outcome", e.Outcome, "user", e.UserID, "request", e.RequestID, "cause", err)
	}
}

// ByHand does what an operator does at the machine itself, by a command: an event of
// it is kept as of any other change.
func (i *Identity) ByHand(ctx context.Context, operator, command, action, kind string, do func(ctx context.Context) error) error {
	ctx = i.Trace(ctx, &Event{Action: action, TargetType: kind, UserName: operator, Path: command})
	err := do(ctx)
	if err == nil {
		i.Conclude(ctx, nil, 0, "")
	}
	return err
}

// noteUser notes whom a proof is about, be it good or bad.
func (i *Identity) noteUser(ctx context.Context, u *User) {
	if t := traceOf(ctx); t != nil && u != nil && t.event.Proves {
		t.event.UserID, t.event.UserName, t.event.DomainID = u.ID, u.Name, u.DomainID
		t.event.TargetType, t.event.TargetID = "user", u.ID
	}
}

// noteSession notes that a token was made.
func (i *Identity) noteSession(ctx context.Context, s *Session) {
	if t := traceOf(ctx); t != nil && t.event.SignIn {
		t.event.by(s.Who)
		t.signed, t.event.TargetType, t.event.TargetID = true, "user", s.Who.User.ID
	}
}

// noting notes the id of what is made, where the request's path does not tell it.
type noting struct{ Store }

func (n noting) Insert(ctx context.Context, row any) error {
	t, v := traceOf(ctx), reflect.Indirect(reflect.ValueOf(row))
	if t != nil && !t.event.SignIn && (t.event.TargetID == "" || t.kind == v.Type()) {
		if id := v.FieldByName("ID"); id.IsValid() && id.Kind() == reflect.String {
			t.kind, t.event.TargetID = v.Type(), id.String()
		}
	}
	return n.Store.Insert(ctx, row)
}

// a crowd gives failures of the same kind within the same minute one id, and all that
// are too many for a minute another, so that a storm of them fills few rows.
type crowd struct {
	mu     sync.Mutex
	secret string
	minute int64
	seen   map[string]bool
}

// maxFailures is how many different failures a minute has rows of their own.
const maxFailures = 120

func (c *crowd) id(e *Event) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if m := e.At.Unix() / 60; c.seen == nil || m != c.minute {
		c.minute, c.seen = m, map[string]bool{}
	}
	if c.secret == "" {
		c.secret = rand.Text()
	}
	key := fmt.Sprintf("%q", []any{c.secret, c.minute, e.Action, e.Code, e.UserID, e.Address, e.Path})
	if !c.seen[key] && len(c.seen) >= maxFailures {
		e.UserID, e.UserName, e.DomainID, e.ProjectID, e.TargetType, e.TargetID, e.Path, e.Address, e.Agent, e.RequestID = "", "", "", "", "", "", "", "", "", ""
		e.Reason = "more failures than are kept one by one"
		return hash(fmt.Sprintf("%q", []any{c.secret, c.minute, e.Action}))[:32]
	}
	c.seen[key] = true
	return hash(key)[:32]
}

// Events is one page of the audit, the newest first unless it is asked for otherwise.
func (i *Identity) Events(ctx context.Context, l listing.List, since, until time.Time) (listing.Page[*Event], error) {
	if len(l.Sorts) == 0 {
		l.Sorts = []listing.Sort{{Key: "at", Desc: true}, {Key: "id", Desc: true}}
	}
	es, err := i.store.Events(ctx, l, since, until)
	return listing.Cut(es, l.Limit), err
}

// Event is one of the audit.
func (i *Identity) Event(ctx context.Context, id string) (*Event, error) {
	e, err := one[Event](ctx, i.store, Match{"id": id})
	if err == nil && e == nil {
		return nil, fault.New(fault.NotFound, "Could not find event: %s.", id)
	}
	return e, err
}

// purge forgets events that were kept for their time, a thousand at a time.
func (i *Identity) purge(ctx context.Context) {
	for ctx.Err() == nil {
		n := 0
		err := i.db.Tx(ctx, func(ctx context.Context) error {
			var err error
			n, err = i.store.PurgeEvents(ctx, i.db.Now().Add(-i.opts.AuditKeep), 1000)
			return err
		})
		if err != nil {
			slog.Error("old events of the audit cannot be forgotten", "cause", err)
		}
		if n < 1000 {
			return
		}
	}
}
