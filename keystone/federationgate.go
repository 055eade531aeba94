package keystone

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"

	"stackd/internal/fault"
	"stackd/keystone/oidc"
	"stackd/keystone/saml"
)

// A gate is how an identity provider is reached.
type gate struct {
	oidc *oidc.Party
	saml *saml.Provider
}

// openGates asks nobody yet.
func (i *Identity) openGates() {
	i.gates = map[string]gate{}
	for id, o := range i.opts.Federation.IdentityProviders {
		g := gate{}
		if o.OIDC != nil {
			g.oidc = oidc.New(*o.OIDC)
		}
		if o.SAML != nil {
			g.saml = saml.New(*o.SAML)
		}
		i.gates[id] = g
	}
}

// gateFor is the one way that an identity provider has for a protocol, or none.
func (i *Identity) gateFor(idp, protocol string) gate {
	g, set := i.gates[idp], i.opts.Federation.IdentityProviders[idp]
	if g.oidc != nil && (set.OIDC.Protocol == "" || set.OIDC.Protocol == protocol) {
		return gate{oidc: g.oidc}
	}
	if g.saml != nil && (set.SAML.Protocol == "" || set.SAML.Protocol == protocol) {
		return gate{saml: g.saml}
	}
	return gate{}
}

// gateTo finds the way to a provider that is enabled and has the protocol.
func (i *Identity) gateTo(ctx context.Context, idp, protocol string) (gate, error) {
	if _, err := i.enabledIdP(ctx, idp); err != nil {
		return gate{}, err
	}
	if _, err := i.Protocol(ctx, idp, protocol); err != nil {
		return gate{}, err
	}
	g := i.gateFor(idp, protocol)
	if g == (gate{}) {
		return gate{}, Unauthorized("the settings do not say how identity provider " + idp + " is reached by " + protocol)
	}
	return g, nil
}

// SignInByBearer makes a token for whom an identity provider gave a bearer token.
func (i *Identity) SignInByBearer(ctx context.Context, idp, protocol, token string) (*Session, string, error) {
	g, err := i.gateTo(ctx, idp, protocol)
	if err != nil {
		return nil, "", err
	}
	if g.oidc == nil || token == "" {
		return nil, "", Unauthorized("there is no bearer token, or it cannot be checked")
	}
	a, err := g.oidc.Bearer(ctx, token)
	if err != nil {
		return nil, "", Unauthorized(err.Error())
	}
	return i.SignInFederated(ctx, idp, protocol, a)
}

// A Handshake is a browser's sign-in under way. It is kept by the browser, closed: any
// control plane can go on with it.
type Handshake struct {
	IdP, Protocol, Origin string
	OIDC                  oidc.Pending
	Asked                 string // id of a SAML request
	Until                 time.Time
}

const handshakeLife = 10 * time.Minute

// callback is where an identity provider sends browsers back.
func (i *Identity) callback(idp, protocol, step string) string {
	return strings.TrimRight(i.opts.Federation.PublicURL, "/") + "/v3/auth/OS-FEDERATION/identity_providers/" + url.PathEscape(idp) + "/protocols/" + url.PathEscape(protocol) + "/" + step
}

// TrustsOrigin looks that a dashboard may be given a token.
func (i *Identity) TrustsOrigin(origin string) error {
	if origin == "" {
		return fault.New(fault.Invalid, "Request must have an origin query parameter")
	}
	for _, t := range i.opts.Federation.TrustedDashboards {
		if lowerHost(t) == lowerHost(origin) {
			return nil
		}
	}
	return fault.New(fault.Unauthorized, "%s is not a trusted dashboard host", origin)
}

func lowerHost(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return address
	}
	u.Scheme, u.Host = strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	return u.String()
}

// A Departure is where a browser goes to sign in, and what it must bring back: a
// cookie by that name.
type Departure struct {
	URL, Name, Cookie string
	Life              time.Duration
	Foreign           bool // it comes back by a form that another site posts
}

// OnlyHTTPS tells whether browsers reach this cloud by HTTPS alone.
func (i *Identity) OnlyHTTPS() bool { return strings.HasPrefix(i.opts.Federation.PublicURL, "https:") }

// StartWebSSO sends a browser to an identity provider, on behalf of a dashboard.
func (i *Identity) StartWebSSO(ctx context.Context, idp, protocol, origin string) (*Departure, error) {
	if err := i.TrustsOrigin(origin); err != nil {
		return nil, err
	}
	if i.opts.Federation.PublicURL == "" {
		return nil, fault.New(fault.Unavailable, "This cloud's public address is not set: nobody could come back to it.")
	}
	g, err := i.gateTo(ctx, idp, protocol)
	if err != nil {
		return nil, err
	}
	h := Handshake{IdP: idp, Protocol: protocol, Origin: origin, Until: i.db.Now().Add(handshakeLife)}
	if g.saml != nil {
		return i.departBySAML(ctx, g, h)
	}
	where, pending, err := g.oidc.Start(i.callback(idp, protocol, "callback"))
	if err != nil {
		return nil, silent(err)
	}
	h.OIDC = pending
	return i.depart(where, pending.State, h)
}

func silent(err error) error {
	return fault.New(fault.Unavailable, "The identity provider does not answer.").Because(err)
}

func (i *Identity) depart(where, state string, h Handshake) (*Departure, error) {
	b, err := json.Marshal(h)
	return &Departure{URL: where, Name: CookieOf(state), Cookie: i.keys.close("websso", b), Life: handshakeLife}, err
}

// CookieOf is the name of the cookie that belongs to a state.
func CookieOf(state string) string { return "websso_" + hash(state)[:16] }

// FinishWebSSO makes a token for whom the identity provider sent back with a query,
// and tells which dashboard gets it. A cookie is good once.
func (i *Identity) FinishWebSSO(ctx context.Context, idp, protocol, cookie string, back url.Values) (origin, token string, err error) {
	h, err := i.resume(ctx, idp, protocol, cookie)
	if err != nil {
		return "", "", err
	}
	g, err := i.gateTo(ctx, idp, protocol)
	if err == nil && g.oidc == nil {
		err = Unauthorized("the identity provider is not reached so")
	}
	if err != nil {
		return "", "", err
	}
	a, err := g.oidc.Finish(ctx, i.callback(idp, protocol, "callback"), h.OIDC, back)
	if err != nil {
		return "", "", Unauthorized(err.Error())
	}
	_, token, err = i.SignInFederated(ctx, idp, protocol, a)
	return h.Origin, token, err
}

func (i *Identity) resume(ctx context.Context, idp, protocol, cookie string) (h Handshake, err error) {
	b, err := i.keys.open("websso", cookie)
	if err == nil {
		err = json.Unmarshal(b, &h)
	}
	switch {
	case err != nil:
		return h, Unauthorized("the browser brings no cookie of this cloud")
	case h.IdP != idp || h.Protocol != protocol:
		return h, Unauthorized("the sign-in was begun with another identity provider")
	case i.db.Now().After(h.Until):
		return h, Unauthorized("the sign-in took too long")
	}
	first, err := i.useOnce(ctx, cookie, h.Until)
	if err == nil && !first {
		err = Unauthorized("the sign-in was finished before")
	}
	if err == nil {
		err = i.TrustsOrigin(h.Origin)
	}
	return h, err
}

// ProvidersOf are the enabled identity providers that a browser can reach by a protocol.
func (i *Identity) ProvidersOf(ctx context.Context, protocol string) ([]string, error) {
	ps, err := all[Protocol](ctx, i.store, Match{"id": protocol}, "idp_id")
	var ids []string
	for _, p := range ps {
		if i.gateFor(p.IdPID, protocol) != (gate{}) {
			ids = append(ids, p.IdPID)
		}
	}
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	enabled, err := all[IdentityProvider](ctx, i.store, Match{"id": ids, "enabled": true}, "id")
	ids = ids[:0]
	for _, p := range enabled {
		ids = append(ids, p.ID)
	}
	return slices.Clip(ids), err
}
