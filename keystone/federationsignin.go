package keystone

import (
	"context"
	"slices"
	"strings"

	"stackd/internal/fault"
	"stackd/keystone/mapping"
)

// Federated is what the token of someone whom an identity provider vouched for says
// of that.
type Federated struct {
	IdPID, ProtocolID string
	Groups            []string // by the provider's word; the token gives their roles
}

// SignInFederated makes an unscoped token for whom an assertion comes to by the
// mapping of an identity provider's protocol. The assertion is believed: whoever
// calls has checked that it is the provider's.
func (i *Identity) SignInFederated(ctx context.Context, idp, protocol string, a mapping.Assertion) (*Session, string, error) {
	gen := i.gen.Load()
	who, err := i.proveByAssertion(ctx, idp, protocol, a)
	if err != nil {
		return nil, "", err
	}
	if err := i.enough(ctx, who, ""); err != nil {
		return nil, "", err
	}
	w := ScopeWish{Unscoped: true}
	c, err := i.claim(ctx, who, w)
	if err != nil {
		return nil, "", err
	}
	return i.issue(ctx, gen, who, c, w)
}

func (i *Identity) proveByAssertion(ctx context.Context, idp, protocol string, a mapping.Assertion) (*proven, error) {
	p, id, version, err := i.evaluate(ctx, idp, protocol, a)
	if err != nil {
		return nil, err
	}
	if id.User.Type == mapping.Local {
		return i.proveLocal(ctx, protocol, id.User)
	}
	id.User.ID, id.User.Name = orElse(id.User.ID, id.User.Name), orElse(id.User.Name, id.User.ID)
	if id.User.ID == "" {
		return nil, Unauthorized("the mapping gives neither id nor name of a user")
	}
	var who *proven
	err = i.db.Tx(ctx, func(ctx context.Context) error {
		who, err = i.welcome(ctx, p, protocol, id, version)
		return err
	})
	return who, err
}

func orElse(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// evaluate reads the assertion by the protocol's mapping.
func (i *Identity) evaluate(ctx context.Context, idp, protocol string, a mapping.Assertion) (*IdentityProvider, *mapping.Identity, string, error) {
	p, err := i.enabledIdP(ctx, idp)
	if err != nil {
		return nil, nil, "", err
	}
	via, err := i.Protocol(ctx, idp, protocol)
	if err == nil {
		err = i.isFrom(p, via, a)
	}
	if err != nil {
		return nil, nil, "", err
	}
	kept, err := i.Mapping(ctx, via.MappingID)
	if err != nil {
		return nil, nil, "", err
	}
	rules, err := mapping.Parse(kept.SchemaVersion, kept.Rules)
	if err != nil {
		return nil, nil, "", Unauthorized(err.Error())
	}
	id, err := rules.Apply(a)
	if err != nil {
		return nil, nil, "", fault.New(fault.Unauthorized, "The request you have made requires authentication.").Because(err)
	}
	return p, id, kept.SchemaVersion, nil
}

func (i *Identity) enabledIdP(ctx context.Context, id string) (*IdentityProvider, error) {
	p, err := i.IdentityProvider(ctx, id)
	if err == nil && !p.Enabled {
		return nil, forbidden("Identity Provider %s is disabled", id)
	}
	return p, err
}

// isFrom looks that the provider which the assertion names is the one it came by.
func (i *Identity) isFrom(p *IdentityProvider, via *Protocol, a mapping.Assertion) error {
	attribute := i.opts.Federation.RemoteIDAttribute
	if via.Attribute != nil && *via.Attribute != "" {
		attribute = *via.Attribute
	}
	if attribute == "" || len(p.RemoteIDs) == 0 {
		return nil
	}
	named := a[attribute]
	if len(named) == 0 {
		return Unauthorized("Could not find Identity Provider identifier in environment")
	}
	for _, n := range named {
		if !slices.Contains(p.RemoteIDs, n) {
			return forbidden("Incoming identity provider identifier not included among the accepted identifiers.")
		}
	}
	return nil
}

// proveLocal: a mapping may name a user that is there already; nothing is made.
func (i *Identity) proveLocal(ctx context.Context, protocol string, m mapping.User) (*proven, error) {
	n := Named{ID: m.ID, Name: m.Name}
	if m.Domain != nil {
		n.DomainID, n.DomainName = m.Domain.ID, m.Domain.Name
	}
	if n.ID == "" && n.Name == "" {
		return nil, Unauthorized("the mapping gives neither id nor name of a user")
	}
	u, err := i.findUser(ctx, n)
	if err == nil && (u == nil || !u.Enabled) {
		err = Unauthorized("the mapping's local user is not there, or disabled")
	}
	return &proven{user: u, methods: []string{protocol}}, err
}

// welcome makes what the mapping says: the user, its projects and roles, its groups.
func (i *Identity) welcome(ctx context.Context, p *IdentityProvider, protocol string, id *mapping.Identity, version string) (*proven, error) {
	u, err := i.shadow(ctx, p, protocol, id.User)
	if err != nil {
		return nil, err
	}
	if !u.Enabled {
		return nil, Unauthorized("the user is disabled")
	}
	groups, err := i.mappedGroups(ctx, id, p)
	if err != nil {
		return nil, err
	}
	moved, err := i.believe(ctx, p, u.ID, groups)
	if err == nil && moved {
		err = i.changed(ctx)
	}
	if err == nil {
		err = i.provision(ctx, p, u, id.Projects, strings.HasPrefix(version, "3"))
	}
	return &proven{user: u, methods: []string{protocol}, fed: &Federated{p.ID, protocol, groups}}, err
}

// mayRescope: a token that an identity provider stands behind is good for another
// scope only as long as the provider is enabled.
func (i *Identity) mayRescope(ctx context.Context, s *Session) error {
	if s.Federated == nil {
		return nil
	}
	if _, err := i.enabledIdP(ctx, s.Federated.IdPID); err != nil {
		return err
	}
	_, err := i.Protocol(ctx, s.Federated.IdPID, s.Federated.ProtocolID)
	return err
}

// federate fills in what the claims say of an identity provider. One that is gone
// takes its tokens with it.
func (i *Identity) federate(ctx context.Context, s *Session) error {
	c := s.claims
	now := i.db.Now()
	rows, err := all[ExpiringMembership](ctx, i.store, Match{"user_id": s.Who.User.ID})
	for _, m := range rows {
		if m.ExpiresAt.After(now) && (s.until.IsZero() || m.ExpiresAt.Before(s.until)) {
			s.until = m.ExpiresAt
		}
	}
	if err != nil || c.IdP == "" {
		return err
	}
	s.Federated = &Federated{IdPID: c.IdP, ProtocolID: c.Protocol, Groups: []string{}}
	for _, g := range c.Groups {
		s.Federated.Groups = append(s.Federated.Groups, unpack(g))
	}
	n, err := i.store.Count(ctx, (*Protocol)(nil), Match{"idp_id": c.IdP, "id": c.Protocol})
	if err == nil && n == 0 {
		err = dead("its identity provider or protocol is gone")
	}
	return err
}

// groups are those that a session is in by its token alone.
func (s *Session) groups() []string {
	if s.Federated == nil {
		return nil
	}
	return s.Federated.Groups
}

func (c *claims) federate(f *Federated) {
	c.IdP, c.Protocol = f.IdPID, f.ProtocolID
	for _, g := range f.Groups {
		c.Groups = append(c.Groups, pack(g))
	}
}
