package api

import (
	"encoding/json"

	"stackd/internal/listing"
	"stackd/internal/rest"
	"stackd/keystone"
)

func (a *API) endpointRows() []rest.Route {
	at := there(func(c *rest.Call) (*keystone.Endpoint, error) { return a.id.Endpoint(c.Context(), c.PathValue("id")) }, nobody)
	return []rest.Route{
		{On: "GET /v3/endpoints", Rule: "identity:list_endpoints", Target: nobody, List: list("endpoints", "interface", "service_id", "region_id"), Do: rest.Do(a.listEndpoints)},
		{On: "POST /v3/endpoints", Rule: "identity:create_endpoint", Target: nobody, Body: a.shelf.Get("endpoint.create"), Status: 201, Do: rest.Do(a.createEndpoint)},
		{On: "GET /v3/endpoints/{id}", Rule: "identity:get_endpoint", Target: at, Do: rest.Do(a.showEndpoint)},
		{On: "PATCH /v3/endpoints/{id}", Rule: "identity:update_endpoint", Target: at, Body: a.shelf.Get("endpoint.update"), Do: rest.Do(a.updateEndpoint)},
		{On: "DELETE /v3/endpoints/{id}", Rule: "identity:delete_endpoint", Target: at, Status: 204, Mutates: true, Do: rest.DoNothing(a.deleteEndpoint)},
	}
}

// endpoint shows its region twice: "region" is the older name, which also makes a
// region that is not there yet.
type endpoint struct {
	ID        string         `json:"-" wire:"id"`
	Interface string         `json:"interface" wire:"interface"`
	RegionID  *string        `json:"region_id" wire:"region_id"`
	ServiceID string         `json:"service_id" wire:"service_id"`
	URL       string         `json:"url" wire:"url"`
	Enabled   bool           `json:"enabled" wire:"enabled"`
	Region    *string        `json:"region" wire:"region"`
	Extra     map[string]any `json:"-" wire:"*"`
	Links     self           `json:"-" wire:"links"`
}

type endpointOut struct {
	Endpoint endpoint `wire:"endpoint"`
}

type endpointBody struct {
	ID       string          `path:"id"`
	Endpoint json.RawMessage `json:"endpoint"`
}

func endpointOf(c *rest.Call, e *keystone.Endpoint) endpoint {
	return endpoint{ID: e.ID, Interface: e.Interface, RegionID: null(e.RegionID), ServiceID: e.ServiceID, URL: e.URL, Enabled: e.Enabled,
		Region: null(e.RegionID), Extra: e.Extra, Links: link(c, "endpoints", e.ID)}
}

func (w endpoint) to(e *keystone.Endpoint) {
	e.Interface, e.ServiceID, e.URL, e.Enabled, e.Extra = w.Interface, w.ServiceID, w.URL, w.Enabled, w.Extra
	e.RegionID = text(w.RegionID)
}

// older tells whether the request names its region by the older name only, and then
// moves it to the newer.
func (w *endpoint) older(raw json.RawMessage) bool {
	var given map[string]any
	if json.Unmarshal(raw, &given) != nil {
		return false
	}
	_, newer := given["region_id"]
	_, old := given["region"]
	if newer || !old {
		return false
	}
	w.RegionID = w.Region
	return true
}

func (a *API) listEndpoints(c *rest.Call, _ struct{}) (listing.Page[endpoint], error) {
	page, err := a.id.Endpoints(c.Context(), c.List)
	return listing.Map(page, func(e *keystone.Endpoint) endpoint { return endpointOf(c, e) }), err
}

func (a *API) createEndpoint(c *rest.Call, in endpointBody) (endpointOut, error) {
	w := endpoint{Enabled: true}
	if err := merge(in.Endpoint, &w); err != nil {
		return endpointOut{}, err
	}
	older := w.older(in.Endpoint)
	e := &keystone.Endpoint{}
	w.to(e)
	err := a.id.CreateEndpoint(c.Context(), e, older)
	return endpointOut{endpointOf(c, e)}, err
}

func (a *API) showEndpoint(c *rest.Call, in idIn) (endpointOut, error) {
	e, err := a.id.Endpoint(c.Context(), in.ID)
	if err != nil {
		return endpointOut{}, err
	}
	return endpointOut{endpointOf(c, e)}, nil
}

func (a *API) updateEndpoint(c *rest.Call, in endpointBody) (endpointOut, error) {
	older := (&endpoint{}).older(in.Endpoint)
	e, err := a.id.UpdateEndpoint(c.Context(), in.ID, older, func(e *keystone.Endpoint) error {
		w := endpointOf(c, e)
		err := merge(in.Endpoint, &w)
		w.older(in.Endpoint)
		w.to(e)
		return err
	})
	if err != nil {
		return endpointOut{}, err
	}
	return endpointOut{endpointOf(c, e)}, nil
}

func (a *API) deleteEndpoint(c *rest.Call, in idIn) error {
	return a.id.DeleteEndpoint(c.Context(), in.ID)
}
