package api

import (
	"encoding/json"

	"stackd/internal/listing"
	"stackd/internal/rest"
	"stackd/keystone"
)

func (a *API) serviceProviderRows() []rest.Route {
	const all = "/v3/OS-FEDERATION/service_providers"
	filters := list("service_providers", "id", "enabled")
	return []rest.Route{
		{On: "GET " + all, Rule: "identity:list_service_providers", Target: nobody, List: filters, Do: rest.Do(a.listServiceProviders)},
		{On: "PUT " + all + "/{id}", Rule: "identity:create_service_provider", Target: nobody, Body: a.shelf.Get("federation.createService"), Status: 201, Do: rest.Do(a.createServiceProvider)},
		{On: "GET " + all + "/{id}", Rule: "identity:get_service_provider", Target: nobody, Do: rest.Do(a.showServiceProvider)},
		{On: "PATCH " + all + "/{id}", Rule: "identity:update_service_provider", Target: nobody, Body: a.shelf.Get("federation.updateService"), Do: rest.Do(a.updateServiceProvider)},
		{On: "DELETE " + all + "/{id}", Rule: "identity:delete_service_provider", Target: nobody, Status: 204, Mutates: true, Do: rest.DoNothing(a.deleteServiceProvider)},
	}
}

type serviceProvider struct {
	ID          string  `json:"-" wire:"id"`
	Enabled     bool    `json:"enabled" wire:"enabled"`
	Description *string `json:"description" wire:"description"`
	AuthURL     string  `json:"auth_url" wire:"auth_url"`
	SPURL       string  `json:"sp_url" wire:"sp_url"`
	RelayState  *string `json:"relay_state_prefix" wire:"relay_state_prefix"`
	Links       self    `json:"-" wire:"links"`
}

type serviceProviderOut struct {
	Provider serviceProvider `wire:"service_provider"`
}

type serviceProviderBody struct {
	ID       string          `path:"id"`
	Provider json.RawMessage `json:"service_provider"`
}

func serviceProviderOf(c *rest.Call, p *keystone.ServiceProvider) serviceProvider {
	return serviceProvider{ID: p.ID, Enabled: p.Enabled, Description: p.Description, AuthURL: p.AuthURL, SPURL: p.SPURL,
		RelayState: &p.RelayStatePrefix, Links: link(c, "OS-FEDERATION/service_providers", p.ID)}
}

func (w serviceProvider) to(p *keystone.ServiceProvider) {
	p.Enabled, p.Description, p.AuthURL, p.SPURL, p.RelayStatePrefix = w.Enabled, w.Description, w.AuthURL, w.SPURL, text(w.RelayState)
}

func (a *API) listServiceProviders(c *rest.Call, _ struct{}) (listing.Page[serviceProvider], error) {
	page, err := a.id.ServiceProviders(c.Context(), c.List)
	return listing.Map(page, func(p *keystone.ServiceProvider) serviceProvider { return serviceProviderOf(c, p) }), err
}

func (a *API) createServiceProvider(c *rest.Call, in serviceProviderBody) (serviceProviderOut, error) {
	prefix := keystone.RelayStatePrefix
	w := serviceProvider{RelayState: &prefix}
	if err := merge(in.Provider, &w); err != nil {
		return serviceProviderOut{}, err
	}
	p := &keystone.ServiceProvider{ID: in.ID}
	w.to(p)
	err := a.id.CreateServiceProvider(c.Context(), p)
	return serviceProviderOut{serviceProviderOf(c, p)}, err
}

func (a *API) showServiceProvider(c *rest.Call, in idIn) (serviceProviderOut, error) {
	p, err := a.id.ServiceProvider(c.Context(), in.ID)
	if err != nil {
		return serviceProviderOut{}, err
	}
	return serviceProviderOut{serviceProviderOf(c, p)}, nil
}

func (a *API) updateServiceProvider(c *rest.Call, in serviceProviderBody) (serviceProviderOut, error) {
	p, err := a.id.UpdateServiceProvider(c.Context(), in.ID, func(p *keystone.ServiceProvider) error {
		w := serviceProviderOf(c, p)
		err := merge(in.Provider, &w)
		w.to(p)
		return err
	})
	if err != nil {
		return serviceProviderOut{}, err
	}
	return serviceProviderOut{serviceProviderOf(c, p)}, nil
}

func (a *API) deleteServiceProvider(c *rest.Call, in idIn) error {
	return a.id.DeleteServiceProvider(c.Context(), in.ID)
}
