package keystone

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"stackd/keystone/saml"
)

// issuer is this cloud as another cloud's identity provider.
func (i *Identity) issuer(ctx context.Context) (saml.Issuer, error) {
	k, err := i.samlKey(ctx)
	base := strings.TrimRight(i.opts.Federation.PublicURL, "/") + "/v3/OS-FEDERATION/saml2/"
	return saml.Issuer{Key: k, Entity: orElse(i.opts.Federation.EntityID, base+"metadata"), SSO: base + "sso"}, err
}

// IssuerMetadata is what another cloud needs to believe this one.
func (i *Identity) IssuerMetadata(ctx context.Context) ([]byte, error) {
	s, err := i.issuer(ctx)
	if err != nil {
		return nil, err
	}
	return s.Metadata()
}

// Vouch is a signed response that tells a service provider who a token's user is. The
// token must be a user's own, for a project: what was delegated stays here.
func (i *Identity) Vouch(ctx context.Context, token, provider string) ([]byte, *ServiceProvider, error) {
	p, err := i.ServiceProvider(ctx, provider)
	if err == nil && !p.Enabled {
		err = forbidden("Service Provider %s is disabled", provider)
	}
	if err != nil {
		return nil, nil, err
	}
	s, err := i.Session(ctx, token, false)
	if err != nil {
		return nil, nil, err
	}
	if s.Who.Project.ID == "" {
		return nil, nil, forbidden("You are not authorized to perform the requested action: Use a project scoped token when attempting to create a SAML assertion.")
	}
	if s.AppCred != nil || s.Trust != nil || s.Who.AccessTokenID != "" || ByKey(s.Who) {
		return nil, nil, forbidden("A delegated token cannot be exchanged for an assertion.")
	}
	attributes, err := i.vouched(ctx, s)
	if err != nil {
		return nil, nil, err
	}
	from, err := i.issuer(ctx)
	if err != nil {
		return nil, nil, err
	}
	response, err := from.Assert(s.Who.User.Name, p.SPURL, attributes)
	return response, p, err
}

// VouchECP is Vouch for a program that carries it.
func (i *Identity) VouchECP(ctx context.Context, token, provider string) ([]byte, *ServiceProvider, error) {
	response, p, err := i.Vouch(ctx, token, provider)
	if err != nil {
		return nil, nil, err
	}
	message, err := saml.Wrap(response, p.SPURL, p.RelayStatePrefix+NewID())
	return message, p, err
}

func (i *Identity) vouched(ctx context.Context, s *Session) ([]saml.Attribute, error) {
	var roles []string
	for _, r := range s.Who.Roles {
		roles = append(roles, r.Name)
	}
	out := []saml.Attribute{
		{Name: "openstack_user", Values: []string{s.Who.User.Name}},
		{Name: "openstack_user_domain", Values: []string{s.Who.UserDomain.Name}},
		{Name: "openstack_roles", Values: roles},
		{Name: "openstack_project", Values: []string{s.Who.Project.Name}},
		{Name: "openstack_project_domain", Values: []string{s.Who.ProjectDomain.Name}},
	}
	groups, err := i.vouchedGroups(ctx, s)
	if len(groups) > 0 {
		out = append(out, saml.Attribute{Name: "openstack_groups", Values: groups})
	}
	return out, err
}

// vouchedGroups are the user's groups as mappings read them: JSON:{name, domain}.
func (i *Identity) vouchedGroups(ctx context.Context, s *Session) ([]string, error) {
	ids, err := i.groupsOf(ctx, s.Who.User.ID)
	if err != nil {
		return nil, err
	}
	rows, err := all[Group](ctx, i.store, Match{"id": unique(slices.Concat(ids, s.groups()))}, "name")
	if err != nil {
		return nil, err
	}
	var homes []string
	for _, g := range rows {
		homes = append(homes, g.DomainID)
	}
	domains, err := byID(ctx, i.store, unique(homes), func(p *Project) string { return p.ID })
	var out []string
	for _, g := range rows {
		d := domains[g.DomainID]
		if d == nil {
			continue
		}
		b, err := json.Marshal(map[string]any{"name": g.Name, "domain": map[string]string{"name": d.Name}})
		if err != nil {
			return nil, err
		}
		out = append(out, "JSON:"+string(b))
	}
	return out, err
}
