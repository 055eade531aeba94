package api

import (
	"encoding/json"

	"stackd/internal/listing"
	"stackd/internal/rest"
	"stackd/keystone"
)

const providers = "/v3/OS-FEDERATION/identity_providers"

func (a *API) federationRows() []rest.Route {
	filters := list("identity_providers", "id", "enabled")
	return []rest.Route{
		{On: "GET " + providers, Rule: "identity:list_identity_providers", Target: nobody, List: filters, Do: rest.Do(a.listProviders)},
		{On: "PUT " + providers + "/{id}", Rule: "identity:create_identity_provider", Target: nobody, Body: a.shelf.Get("federation.createProvider"), Status: 201, Do: rest.Do(a.createProvider)},
		{On: "GET " + providers + "/{id}", Rule: "identity:get_identity_provider", Target: nobody, Do: rest.Do(a.showProvider)},
		{On: "PATCH " + providers + "/{id}", Rule: "identity:update_identity_provider", Target: nobody, Body: a.shelf.Get("federation.updateProvider"), Do: rest.Do(a.updateProvider)},
		{On: "DELETE " + providers + "/{id}", Rule: "identity:delete_identity_provider", Target: nobody, Status: 204, Mutates: true, Do: rest.DoNothing(a.deleteProvider)},
		{On: "GET /v3/OS-FEDERATION/projects", Rule: "identity:get_auth_projects", Target: nobody, List: list("projects", "name", "enabled", "domain_id"), Do: rest.Do(a.authProjects)},
		{On: "GET /v3/OS-FEDERATION/domains", Rule: "identity:get_auth_domains", Target: nobody, List: list("domains", "name", "enabled"), Do: rest.Do(a.authDomains)},
	}
}

type provider struct {
	ID          string        `json:"-" wire:"id"`
	DomainID    *string       `json:"domain_id" wire:"domain_id"`
	Enabled     bool          `json:"enabled" wire:"enabled"`
	Description *string       `json:"description" wire:"description"`
	TTL         *int64        `json:"authorization_ttl" wire:"authorization_ttl"`
	RemoteIDs   []string      `json:"remote_ids" wire:"remote_ids"`
	Links       providerLinks `json:"-" wire:"links"`
}

type providerLinks struct {
	Self      string `wire:"self"`
	Protocols string `wire:"protocols"`
}

type providerOut struct {
	Provider provider `wire:"identity_provider"`
}

type providerBody struct {
	ID       string          `path:"id"`
	Provider json.RawMessage `json:"identity_provider"`
}

func providerOf(c *rest.Call, p *keystone.IdentityProvider) provider {
	at := link(c, "OS-FEDERATION/identity_providers", p.ID).Self
	return provider{ID: p.ID, DomainID: &p.DomainID, Enabled: p.Enabled, Description: p.Description, TTL: p.AuthorizationTTL,
		RemoteIDs: append([]string{}, p.RemoteIDs...), Links: providerLinks{at, at + "/protocols"}}
}

func (w provider) to(p *keystone.IdentityProvider) {
	p.DomainID, p.Enabled, p.Description, p.AuthorizationTTL, p.RemoteIDs = text(w.DomainID), w.Enabled, w.Description, w.TTL, w.RemoteIDs
}

func (a *API) listProviders(c *rest.Call, _ struct{}) (listing.Page[provider], error) {
	page, err := a.id.IdentityProviders(c.Context(), c.List)
	return listing.Map(page, func(p *keystone.IdentityProvider) provider { return providerOf(c, p) }), err
}

func (a *API) createProvider(c *rest.Call, in providerBody) (providerOut, error) {
	var w provider
	if err := merge(in.Provider, &w); err != nil {
		return providerOut{}, err
	}
	p := &keystone.IdentityProvider{ID: in.ID}
	w.to(p)
	err := a.id.CreateIdentityProvider(c.Context(), p)
	return providerOut{providerOf(c, p)}, err
}

func (a *API) showProvider(c *rest.Call, in idIn) (providerOut, error) {
	p, err := a.id.IdentityProvider(c.Context(), in.ID)
	if err != nil {
		return providerOut{}, err
	}
	return providerOut{providerOf(c, p)}, nil
}

func (a *API) updateProvider(c *rest.Call, in providerBody) (providerOut, error) {
	p, err := a.id.UpdateIdentityProvider(c.Context(), in.ID, func(p *keystone.IdentityProvider) error {
		w := providerOf(c, p)
		err := merge(in.Provider, &w)
		w.to(p)
		return err
	})
	if err != nil {
		return providerOut{}, err
	}
	return providerOut{providerOf(c, p)}, nil
}

func (a *API) deleteProvider(c *rest.Call, in idIn) error {
	return a.id.DeleteIdentityProvider(c.Context(), in.ID)
}
