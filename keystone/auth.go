package keystone

import (
	"context"
	"crypto/x509"
	"slices"

	"stackd/internal/fault"
	"stackd/internal/token"
)

// A Named thing is meant by its id, or by its name in a domain that is itself
// meant by id or name.
type Named struct {
	ID, Name             string
	DomainID, DomainName string
}

// Proof is who someone claims to be, and what is to prove it: one method each.
type Proof struct {
	Methods []string

	User     Named // of password; of an application credential by name
	Password string
	Token    string
	CodeUser Named // of totp
	Passcode string
	AppCred  Named // its Name is one of User's
	Secret   string
	OAuth    OAuthCall // of oauth1
	// Certificate is the client's, checked; where external is offered it proves
	// without being named in Methods.
	Certificate *x509.Certificate
	Receipt     string // of methods that were proven before
}

// ScopeWish is what a token is wanted for. The zero value is the user's default
// project where that is possible.
type ScopeWish struct {
	Unscoped bool
	System   bool
	Project  *Named
	Domain   *Named // by ID or Name
	TrustID  string
}

// proven is what came out of the proof.
type proven struct {
	user    *User
	methods []string
	parent  *Session   // of a token
	fed     *Federated // of an assertion
	appCred *AppCredential
	access  *AccessToken // of OAuth1
}

// SignIn checks the proof and makes a token for the scope. All that goes wrong with
// the proof or the scope is Unauthorized, without saying what. If the user's rules
// want more than was proven, the fault carries a *Receipt.
func (i *Identity) SignIn(ctx context.Context, p Proof, w ScopeWish) (*Session, string, error) {
	gen := i.gen.Load()
	who, err := i.prove(ctx, p)
	if err != nil {
		return nil, "", err
	}
	if err := i.enough(ctx, who, p.Receipt); err != nil {
		return nil, "", err
	}
	c, err := i.claim(ctx, who, w)
	if err != nil {
		return nil, "", err
	}
	return i.issue(ctx, gen, who, c, w)
}

// issue makes the token, and remembers it as of gen.
func (i *Identity) issue(ctx context.Context, gen int64, who *proven, c *claims, w ScopeWish) (*Session, string, error) {
	s, err := i.settle(ctx, who, c, w)
	if err != nil {
		return nil, "", err
	}
	if who.parent == nil { // an exchange is no sign-in
		if err := i.seenToday(ctx, who.user); err != nil {
			return nil, "", err
		}
	}
	i.noteSession(ctx, s)
	t, err := i.seal(ctx, s.claims)
	if err == nil && !i.deaf() {
		i.sessions.put(t, remembered{s, gen})
	}
	return s, t, err
}

// settle works the session out; a default project that does not answer is let go.
func (i *Identity) settle(ctx context.Context, who *proven, c *claims, w ScopeWish) (*Session, error) {
	s, err := i.resolve(ctx, c)
	if fault.Is(err, fault.NotFound) && w == (ScopeWish{}) && c.Scope != "" && who.parent == nil && who.appCred == nil && who.access == nil {
		c.Scope, c.ScopeID = "", nil
		s, err = i.resolve(ctx, c)
	}
	if fault.Is(err, fault.NotFound) {
		return nil, Unauthorized(err.Error())
	}
	if err == nil && s.Trust != nil {
		err = i.consumeTrust(ctx, s.Trust)
	}
	return s, err
}

// claim is what the token will say.
func (i *Identity) claim(ctx context.Context, who *proven, w ScopeWish) (*claims, error) {
	now := i.db.Now()
	c := &claims{User: pack(who.user.ID), Methods: unique(who.methods), Audit: [][]byte{newAudit()}, IssuedAt: now.UnixMicro(), ExpiresAt: now.Add(i.opts.TokenLife).Unix()}
	if who.parent != nil {
		old := who.parent.claims
		c.Audit = append(c.Audit, old.Audit[len(old.Audit)-1])
		c.ExpiresAt, c.Thumbprint = old.ExpiresAt, old.Thumbprint
		if w.TrustID == "" {
			c.IdP, c.Protocol, c.Groups = old.IdP, old.Protocol, old.Groups
		}
	}
	if f := who.fed; f != nil {
		c.federate(f)
	}
	if who.appCred != nil {
		return c, i.claimAppCred(c, who.appCred, w)
	}
	if who.access != nil {
		return c, i.claimAccess(c, who.access, w)
	}
	if w.TrustID != "" {
		return c, i.claimTrust(ctx, c, who, w.TrustID)
	}
	var err error
	c.Scope, c.ScopeID, err = i.findScope(ctx, who, w)
	return c, err
}

func (i *Identity) findScope(ctx context.Context, who *proven, w ScopeWish) (string, []byte, error) {
	switch {
	case w.Unscoped:
		return "", nil, nil
	case w.System:
		return "system", nil, nil
	case w.Domain != nil:
		id, err := i.findDomain(ctx, *w.Domain)
		if err == nil && id == "" {
			err = Unauthorized("there is no such domain")
		}
		return "domain", pack(id), err
	case w.Project != nil:
		id, err := i.findProject(ctx, *w.Project)
		return "project", pack(id), err
	case who.parent == nil && who.user.DefaultProjectID != "":
		return "project", pack(who.user.DefaultProjectID), nil
	}
	return "", nil, nil
}

func (i *Identity) findProject(ctx context.Context, n Named) (string, error) {
	if n.ID != "" {
		return n.ID, nil
	}
	domain, err := i.findDomain(ctx, Named{ID: n.DomainID, Name: n.DomainName})
	if err != nil {
		return "", err
	}
	p, err := one[Project](ctx, i.store, Match{"domain_id": domain, "name": n.Name})
	if err == nil && (p == nil || domain == "") {
		err = Unauthorized("there is no such project")
	}
	if err != nil {
		return "", err
	}
	return p.ID, nil
}

func unique(l []string) []string {
	var out []string
	for _, s := range l {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

var _ token.Checker = (*Identity)(nil)
