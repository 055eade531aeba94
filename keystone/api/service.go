package api

import (
	"encoding/json"

	"stackd/internal/listing"
	"stackd/internal/rest"
	"stackd/internal/token"
	"stackd/keystone"
)

func (a *API) serviceRows() []rest.Route {
	return []rest.Route{
		{On: "GET /v3/services", Rule: "identity:list_services", Target: nobody, List: list("services", "type", "name"), Do: rest.Do(a.listServices)},
		{On: "POST /v3/services", Rule: "identity:create_service", Target: nobody, Body: a.shelf.Get("service.create"), Status: 201, Do: rest.Do(a.createService)},
		{On: "GET /v3/services/{id}", Rule: "identity:get_service", Target: nobody, Do: rest.Do(a.showService)},
		{On: "PATCH /v3/services/{id}", Rule: "identity:update_service", Target: nobody, Body: a.shelf.Get("service.update"), Do: rest.Do(a.updateService)},
		{On: "DELETE /v3/services/{id}", Rule: "identity:delete_service", Target: nobody, Status: 204, Mutates: true, Do: rest.DoNothing(a.deleteService)},
	}
}

type service struct {
	ID          string         `json:"-" wire:"id"`
	Type        string         `json:"type" wire:"type"`
	Name        *string        `json:"name" wire:"name,,omitempty"`
	Description *string        `json:"description" wire:"description,,omitempty"`
	Enabled     bool           `json:"enabled" wire:"enabled"`
	Extra       map[string]any `json:"-" wire:"*"`
	Links       self           `json:"-" wire:"links"`
}

type serviceOut struct {
	Service service `wire:"service"`
}

type serviceBody struct {
	ID      string          `path:"id"`
	Service json.RawMessage `json:"service"`
}

func serviceOf(c *rest.Call, s *keystone.Service) service {
	return service{ID: s.ID, Type: s.Type, Name: s.Name, Description: s.Description, Enabled: s.Enabled, Extra: s.Extra, Links: link(c, "services", s.ID)}
}

func (w service) to(s *keystone.Service) {
	s.Type, s.Name, s.Description, s.Enabled, s.Extra = w.Type, w.Name, w.Description, w.Enabled, w.Extra
}

func (a *API) listServices(c *rest.Call, _ struct{}) (listing.Page[service], error) {
	page, err := a.id.Services(c.Context(), c.List)
	return listing.Map(page, func(s *keystone.Service) service { return serviceOf(c, s) }), err
}

func (a *API) createService(c *rest.Call, in serviceBody) (serviceOut, error) {
	w := service{Enabled: true}
	if err := merge(in.Service, &w); err != nil {
		return serviceOut{}, err
	}
	s := &keystone.Service{}
	w.to(s)
	err := a.id.CreateService(c.Context(), s)
	return serviceOut{serviceOf(c, s)}, err
}

func (a *API) showService(c *rest.Call, in idIn) (serviceOut, error) {
	s, err := a.id.Service(c.Context(), in.ID)
	if err != nil {
		return serviceOut{}, err
	}
	return serviceOut{serviceOf(c, s)}, nil
}

func (a *API) updateService(c *rest.Call, in serviceBody) (serviceOut, error) {
	s, err := a.id.UpdateService(c.Context(), in.ID, func(s *keystone.Service) error {
		w := serviceOf(c, s)
		err := merge(in.Service, &w)
		w.to(s)
		return err
	})
	if err != nil {
		return serviceOut{}, err
	}
	return serviceOut{serviceOf(c, s)}, nil
}

func (a *API) deleteService(c *rest.Call, in idIn) error {
	return a.id.DeleteService(c.Context(), in.ID)
}

// entryView is a service in the catalog.
type entryView struct {
	Endpoints []placeView `wire:"endpoints"`
	ID        string      `wire:"id"`
	Type      string      `wire:"type"`
	Name      string      `wire:"name"`
}

type placeView struct {
	ID        string  `wire:"id"`
	Interface string  `wire:"interface"`
	RegionID  *string `wire:"region_id"`
	URL       string  `wire:"url"`
	Region    *string `wire:"region"`
}

func (a *API) catalog(c *rest.Call, w *token.Who) ([]entryView, error) {
	entries, err := a.id.Catalog(c.Context(), w.Project.ID, w.User.ID)
	out := []entryView{}
	for _, e := range entries {
		v := entryView{Endpoints: []placeView{}, ID: e.Service.ID, Type: e.Service.Type, Name: text(e.Service.Name)}
		for _, p := range e.Endpoints {
			v.Endpoints = append(v.Endpoints, placeView{p.ID, p.Interface, null(p.RegionID), p.URL, null(p.RegionID)})
		}
		out = append(out, v)
	}
	return out, err
}
