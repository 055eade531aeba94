package api

import (
	"stackd/internal/rest"
	"stackd/keystone"
)

// federatedToken is what a token says of the identity provider behind it.
type federatedToken struct {
	Groups   []idRef `wire:"groups"`
	Provider idRef   `wire:"identity_provider"`
	Protocol idRef   `wire:"protocol"`
}

type idRef struct {
	ID string `wire:"id"`
}

// serviceProviderRef is another cloud as tokens show it.
type serviceProviderRef struct {
	ID      string `wire:"id"`
	AuthURL string `wire:"auth_url"`
	SPURL   string `wire:"sp_url"`
}

// bearerOf: who is vouched for by others has no password here that could expire.
func bearerOf(s *keystone.Session) bearer {
	w := s.Who
	b := bearer{homed: homed{refOf(w.UserDomain), w.User.ID, w.User.Name}}
	if s.Federated == nil {
		at := stamp(s.PasswordExpiresAt)
		b.PasswordExpiresAt = &at
		return b
	}
	b.Federated = &federatedToken{Groups: []idRef{}, Provider: idRef{s.Federated.IdPID}, Protocol: idRef{s.Federated.ProtocolID}}
	for _, g := range s.Federated.Groups {
		b.Federated.Groups = append(b.Federated.Groups, idRef{g})
	}
	return b
}

func (a *API) serviceProvidersOf(c *rest.Call, v *tokenView) error {
	ps, err := a.id.EnabledServiceProviders(c.Context())
	for _, p := range ps {
		v.ServiceProviders = append(v.ServiceProviders, serviceProviderRef{p.ID, p.AuthURL, p.SPURL})
	}
	return err
}

// ownGroups are those that the caller is in by its token alone.
func (a *API) ownGroups(c *rest.Call) ([]string, error) {
	s, err := a.id.Session(c.Context(), c.Header.Get("X-Auth-Token"), false)
	if err != nil || s.Federated == nil {
		return nil, err
	}
	return s.Federated.Groups, nil
}

// federatedUser is a user as an identity provider means it.
type federatedUser struct {
	IdP       string              `json:"idp_id" wire:"idp_id"`
	Protocols []federatedProtocol `json:"protocols" wire:"protocols"`
}

type federatedProtocol struct {
	Protocol string `json:"protocol_id" wire:"protocol_id"`
	UniqueID string `json:"unique_id" wire:"unique_id"`
}

func federatedOf(fs []*keystone.FederatedUser) []federatedUser {
	var out []federatedUser
	for _, f := range fs {
		if n := len(out); n == 0 || out[n-1].IdP != f.IdPID {
			out = append(out, federatedUser{IdP: f.IdPID})
		}
		last := &out[len(out)-1]
		last.Protocols = append(last.Protocols, federatedProtocol{f.ProtocolID, f.UniqueID})
	}
	return out
}

// federatedTo is nil of none: an empty list leaves what there is, as in the original.
func federatedTo(fs []federatedUser) []*keystone.FederatedUser {
	var out []*keystone.FederatedUser
	for _, f := range fs {
		for _, p := range f.Protocols {
			out = append(out, &keystone.FederatedUser{IdPID: f.IdP, ProtocolID: p.Protocol, UniqueID: p.UniqueID})
		}
	}
	return out
}

// mappedIn is a token to be exchanged. Who an identity provider vouches for signs in
// at the provider's own address, not here.
type mappedIn struct {
	ID string `json:"id"`
}

func (in *authIn) proofByMapped(method string, p *keystone.Proof) error {
	m := map[string]*mappedIn{"mapped": in.Auth.Identity.Mapped, "saml2": in.Auth.Identity.SAML2, "openid": in.Auth.Identity.OpenID}[method]
	if m == nil {
		return expecting(method, "identity")
	}
	if m.ID == "" {
		return keystone.Unauthorized("an assertion comes in no body of a sign-in")
	}
	p.Token = m.ID
	return nil
}
