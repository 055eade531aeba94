package keystone

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"

	"stackd/internal/fault"
	"stackd/keystone/saml"
)

// serviceAt is this cloud as an identity provider sees it, taking responses at acs.
func (i *Identity) serviceAt(ctx context.Context, idp, protocol, acs string) (saml.Service, error) {
	k, err := i.samlKey(ctx)
	return saml.Service{Key: k, Entity: i.callback(idp, protocol, "metadata"), ACS: acs}, err
}

// byProgram is where programs bring responses.
func (i *Identity) byProgram(idp, protocol string) string {
	return strings.TrimRight(i.opts.Federation.PublicURL, "/") + "/v3/OS-FEDERATION/identity_providers/" + url.PathEscape(idp) + "/protocols/" + url.PathEscape(protocol) + "/auth"
}

// ServiceMetadata is what an identity provider must know of this cloud.
func (i *Identity) ServiceMetadata(ctx context.Context, idp, protocol string) ([]byte, error) {
	g, err := i.gateTo(ctx, idp, protocol)
	if err != nil {
		return nil, err
	}
	if g.saml == nil {
		return nil, fault.New(fault.NotFound, "Identity provider %s is not reached by SAML.", idp)
	}
	s, err := i.serviceAt(ctx, idp, protocol, i.callback(idp, protocol, "acs"))
	if err != nil {
		return nil, err
	}
	return s.Metadata()
}

func (i *Identity) departBySAML(ctx context.Context, g gate, h Handshake) (*Departure, error) {
	s, err := i.serviceAt(ctx, h.IdP, h.Protocol, i.callback(h.IdP, h.Protocol, "acs"))
	if err != nil {
		return nil, err
	}
	relay := NewID()
	where, id, err := g.saml.Start(s, relay)
	if err != nil {
		return nil, silent(err)
	}
	h.Asked = id
	d, err := i.depart(where, relay, h)
	if d != nil {
		d.Foreign = true
	}
	return d, err
}

// FinishWebSSOBySAML is FinishWebSSO for a response that the identity provider let the
// browser post.
func (i *Identity) FinishWebSSOBySAML(ctx context.Context, idp, protocol, cookie string, response []byte) (origin, token string, err error) {
	h, err := i.resume(ctx, idp, protocol, cookie)
	if err != nil {
		return "", "", err
	}
	if h.Asked == "" {
		return "", "", Unauthorized("the sign-in was not begun by SAML")
	}
	_, token, err = i.takeResponse(ctx, idp, protocol, i.callback(idp, protocol, "acs"), response, h.Asked)
	return h.Origin, token, err
}

// takeResponse makes a token for whom a response speaks of; it is good once.
func (i *Identity) takeResponse(ctx context.Context, idp, protocol, acs string, response []byte, asked string) (*Session, string, error) {
	g, err := i.gateTo(ctx, idp, protocol)
	if err == nil && g.saml == nil {
		err = Unauthorized("the identity provider is not reached by SAML")
	}
	if err != nil {
		return nil, "", err
	}
	s, err := i.serviceAt(ctx, idp, protocol, acs)
	if err != nil {
		return nil, "", err
	}
	said, err := g.saml.Finish(s, response, asked)
	if err != nil {
		return nil, "", Unauthorized(err.Error())
	}
	first, err := i.useOnce(ctx, "saml "+idp+" "+said.ID, said.Until)
	if err == nil && !first {
		err = Unauthorized("the assertion was used before")
	}
	if err != nil {
		return nil, "", err
	}
	return i.SignInFederated(ctx, idp, protocol, said.Attributes)
}

// AskByProgram is what a program takes to the identity provider (SAML's ECP). What was
// asked is in the relay state, closed: this cloud keeps nothing.
func (i *Identity) AskByProgram(ctx context.Context, idp, protocol string) ([]byte, error) {
	g, err := i.gateTo(ctx, idp, protocol)
	if err == nil && g.saml == nil {
		err = Unauthorized("the identity provider is not reached by SAML")
	}
	if err != nil {
		return nil, err
	}
	s, err := i.serviceAt(ctx, idp, protocol, i.byProgram(idp, protocol))
	if err != nil {
		return nil, err
	}
	message, err := g.saml.Ask(s, func(id string) (string, error) {
		b, err := json.Marshal(Handshake{IdP: idp, Protocol: protocol, Asked: id, Until: i.db.Now().Add(handshakeLife)})
		return i.keys.close("ecp", b), err
	})
	if err != nil {
		return nil, silent(err)
	}
	return message, nil
}

// SignInByProgram makes a token for the response that a program brings from the
// identity provider, asked for by AskByProgram or, where that is allowed, not at all.
func (i *Identity) SignInByProgram(ctx context.Context, idp, protocol string, message []byte) (*Session, string, error) {
	response, relay, err := saml.Unwrap(message)
	if err != nil {
		return nil, "", Unauthorized(err.Error())
	}
	var h Handshake
	if b, err := i.keys.open("ecp", relay); err == nil {
		if err := json.Unmarshal(b, &h); err != nil {
			return nil, "", err
		}
		if h.IdP != idp || h.Protocol != protocol || i.db.Now().After(h.Until) {
			return nil, "", Unauthorized("it was asked of another identity provider, or long ago")
		}
	}
	return i.takeResponse(ctx, idp, protocol, i.byProgram(idp, protocol), response, h.Asked)
}
