package keystone

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"stackd/internal/fault"
	"stackd/internal/token"
)

// A Session is a checked token: who, and what the token's own page shows besides.
type Session struct {
	Who               *token.Who
	PasswordExpiresAt time.Time
	AppCred           *AppCredential // the token is limited to it
	Trust             *Trust         // the token speaks for its trustor
	Access            *AccessToken   // the token is a consumer's

	Federated *Federated // an identity provider vouches for the user

	until  time.Time // it must be worked out anew then; zero is never
	claims *claims
	pages  [2]atomic.Pointer[[]byte]
}

// Page is the session as it is shown, with the catalog or without: made once, and
// kept for as long as the session is remembered.
func (s *Session) Page(catalog bool, render func() ([]byte, error)) ([]byte, error) {
	kept := &s.pages[0]
	if catalog {
		kept = &s.pages[1]
	}
	if b := kept.Load(); b != nil {
		return *b, nil
	}
	b, err := render()
	if err == nil {
		kept.Store(&b)
	}
	return b, err
}

// sessions remembers checked tokens, up to a bound.
type sessions struct {
	seed   maphash.Seed
	shards [16]shard
}

type shard struct {
	mu sync.RWMutex
	m  map[string]remembered
}

type remembered struct {
	s   *Session
	gen int64
}

const maxPerShard = 512

func (s *sessions) init() {
	s.seed = maphash.MakeSeed()
	for n := range s.shards {
		s.shards[n].m = map[string]remembered{}
	}
}

func (s *sessions) shard(t string) *shard { return &s.shards[maphash.String(s.seed, t)%16] }

func (s *sessions) get(t string, gen int64) *Session {
	h := s.shard(t)
	h.mu.RLock()
	r := h.m[t]
	h.mu.RUnlock()
	if r.gen != gen {
		return nil
	}
	return r.s
}

func (s *sessions) put(t string, r remembered) {
	h := s.shard(t)
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.m) >= maxPerShard {
		for k, old := range h.m { // first those that are out of date, then any
			if old.gen != r.gen || len(h.m) >= maxPerShard {
				delete(h.m, k)
			}
		}
	}
	h.m[t] = r
}

// Check is token.Checker.
func (i *Identity) Check(ctx context.Context, t string) (*token.Who, error) {
	return i.check(ctx, t, false)
}

// CheckLate is token.LateChecker.
func (i *Identity) CheckLate(ctx context.Context, t string) (*token.Who, error) {
	return i.check(ctx, t, true)
}

func (i *Identity) check(ctx context.Context, t string, late bool) (*token.Who, error) {
	s, err := i.Session(ctx, t, late)
	if err != nil {
		if fault.Is(err, fault.NotFound) {
			return nil, Unauthorized(err.Error())
		}
		return nil, err
	}
	return s.Who, nil
}

// allowedAfter is how long after its end a token may still be shown to a service
// that asks for expired ones, so that long operations can finish.
const allowedAfter = 48 * time.Hour

// Session checks a token. A bad one is a fault of kind NotFound. With expired, one
// that has ended not long ago will do.
func (i *Identity) Session(ctx context.Context, t string, expired bool) (*Session, error) {
	gen, deaf := i.gen.Load(), i.deaf()
	if !deaf {
		if s := i.sessions.get(t, gen); s != nil && (s.until.IsZero() || i.db.Now().Before(s.until)) {
			return s, i.current(s.claims, expired)
		}
	}
	c, err := i.unseal(ctx, t)
	if err != nil {
		return nil, err
	}
	if c == nil {
		return nil, fault.New(fault.NotFound, "Could not recognize Fernet token")
	}
	if err := i.current(c, expired); err != nil {
		return nil, err
	}
	s, err := i.resolve(ctx, c)
	if err != nil {
		return nil, err
	}
	if !deaf {
		i.sessions.put(t, remembered{s, gen})
	}
	return s, nil
}

func (i *Identity) current(c *claims, expired bool) error {
	end := time.Unix(c.ExpiresAt, 0)
	if expired {
		end = end.Add(allowedAfter)
	}
	if i.db.Now().Before(end) {
		return nil
	}
	return dead("it has expired")
}

func dead(why string) error {
	return fault.New(fault.NotFound, "Failed to validate token").Because(reason(why))
}

// resolve works a session out from the rows.
func (i *Identity) resolve(ctx context.Context, c *claims) (*Session, error) {
	s := &Session{claims: c, Who: &token.Who{Methods: c.Methods, IssuedAt: time.UnixMicro(c.IssuedAt).UTC(), ExpiresAt: time.Unix(c.ExpiresAt, 0).UTC(),
		AppCredID: unpack(c.AppCred), TrustID: unpack(c.Trust), AccessTokenID: unpack(c.AccessToken), Thumbprint: c.Thumbprint}}
	for _, a := range c.Audit {
		s.Who.AuditIDs = append(s.Who.AuditIDs, base64.RawURLEncoding.EncodeToString(a))
	}
	if revoked, err := i.revoked(ctx, s.Who); err != nil || revoked {
		return nil, firstOf(err, dead("it was revoked"))
	}
	if err := i.bearer(ctx, s); err != nil {
		return nil, err
	}
	if err := i.federate(ctx, s); err != nil {
		return nil, err
	}
	t, above, err := i.scope(ctx, s)
	if err != nil {
		return nil, err
	}
	return s, i.grant(ctx, s, t, above)
}

// bearer finds the user, who must be there, enabled, and not have been signed out.
func (i *Identity) bearer(ctx context.Context, s *Session) error {
	u, err := i.userRow(ctx, unpack(s.claims.User))
	if err != nil {
		return err
	}
	if len(unpack(s.claims.User)) == 64 { // a directory may have its own changes
		s.until = i.db.Now().Add(i.opts.DirectoryFresh)
	}
	if u == nil || !u.Enabled || i.dormant(u) || s.Who.IssuedAt.Before(u.TokensFrom) {
		return dead("its user is gone, disabled, or was signed out")
	}
	d, err := one[Project](ctx, i.store, Match{"id": u.DomainID})
	if err != nil {
		return err
	}
	if d == nil || !d.Enabled || s.Who.IssuedAt.Before(d.TokensFrom) {
		return dead("its user's domain is gone or disabled")
	}
	s.Who.User, s.Who.UserDomain = token.Ref{ID: u.ID, Name: u.Name}, token.Ref{ID: d.ID, Name: d.Name}
	s.PasswordExpiresAt = u.PasswordExpiresAt
	return nil
}

// scope fills in what the token is for, and tells what stands above it.
func (i *Identity) scope(ctx context.Context, s *Session) (Target, []string, error) {
	id := unpack(s.claims.ScopeID)
	switch s.claims.Scope {
	case "":
		return Target{}, nil, nil
	case "system":
		s.Who.System = true
		return Target{Kind: "system", ID: "system"}, nil, nil
	}
	above, err := i.store.Ancestors(ctx, id)
	if err != nil {
		return Target{}, nil, err
	}
	if len(above) == 0 || !above[0].Enabled || s.Who.IssuedAt.Before(above[0].TokensFrom) {
		return Target{}, nil, dead("what it is for is gone or disabled")
	}
	p, root := above[0], above[len(above)-1]
	if !root.Enabled || s.Who.IssuedAt.Before(root.TokensFrom) {
		return Target{}, nil, dead("the domain of what it is for is disabled")
	}
	if s.claims.Scope == "domain" {
		s.Who.Domain = token.Ref{ID: p.ID, Name: p.Name}
		return Target{Kind: "domain", ID: p.ID}, nil, nil
	}
	s.Who.Project, s.Who.IsDomain = token.Ref{ID: p.ID, Name: p.Name}, p.IsDomain
	s.Who.ProjectDomain = token.Ref{ID: root.ID, Name: root.Name}
	ids := []string{}
	for _, a := range above[1:] {
		ids = append(ids, a.ID)
	}
	return Target{Kind: "project", ID: p.ID}, ids, nil
}

// grant fills in the roles; a scope without any is no scope.
func (i *Identity) grant(ctx context.Context, s *Session, t Target, above []string) error {
	if t.Kind == "" {
		if s.Who.TrustID != "" {
			_, _, err := i.withTrust(ctx, s)
			return err
		}
		return nil
	}
	roles, err := i.rolesFor(ctx, s, t, above)
	if err != nil {
		return err
	}
	if s.Who.Roles = roles; len(roles) == 0 {
		return dead("the user has no role there")
	}
	return nil
}

func newAudit() []byte {
	b := make([]byte, 16)
	rand.Read(b)
	return b
}
