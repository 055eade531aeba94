package api

import (
	"encoding/json"

	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/rest"
	"stackd/keystone"
)

func (a *API) regionRows() []rest.Route {
	return []rest.Route{
		{On: "GET /v3/regions", Rule: "identity:list_regions", Target: nobody, List: list("regions", "parent_region_id"), Do: rest.Do(a.listRegions)},
		{On: "POST /v3/regions", Rule: "identity:create_region", Target: nobody, Body: a.shelf.Get("region.create"), Status: 201, Do: rest.Do(a.createRegion)},
		{On: "PUT /v3/regions/{id}", Rule: "identity:create_region", Target: nobody, Body: a.shelf.Get("region.create"), Status: 201, Do: rest.Do(a.createRegion)},
		{On: "GET /v3/regions/{id}", Rule: "identity:get_region", Target: nobody, Do: rest.Do(a.showRegion)},
		{On: "PATCH /v3/regions/{id}", Rule: "identity:update_region", Target: nobody, Body: a.shelf.Get("region.update"), Do: rest.Do(a.updateRegion)},
		{On: "DELETE /v3/regions/{id}", Rule: "identity:delete_region", Target: nobody, Status: 204, Mutates: true, Do: rest.DoNothing(a.deleteRegion)},
	}
}

type region struct {
	ID          string         `json:"-" wire:"id"`
	Description *string        `json:"description" wire:"description"`
	ParentID    *string        `json:"parent_region_id" wire:"parent_region_id"`
	Extra       map[string]any `json:"-" wire:"*"`
	Links       self           `json:"-" wire:"links"`
}

type regionOut struct {
	Region region `wire:"region"`
}

type regionBody struct {
	ID     string          `path:"id"`
	Region json.RawMessage `json:"region"`
}

func regionOf(c *rest.Call, r *keystone.Region) region {
	return region{ID: r.ID, Description: &r.Description, ParentID: null(r.ParentID), Extra: r.Extra, Links: link(c, "regions", r.ID)}
}

func (w region) to(r *keystone.Region) {
	r.Description, r.ParentID, r.Extra = text(w.Description), text(w.ParentID), w.Extra
}

func (a *API) listRegions(c *rest.Call, _ struct{}) (listing.Page[region], error) {
	page, err := a.id.Regions(c.Context(), c.List)
	return listing.Map(page, func(r *keystone.Region) region { return regionOf(c, r) }), err
}

func (a *API) createRegion(c *rest.Call, in regionBody) (regionOut, error) {
	var w region
	if err := merge(in.Region, &w); err != nil {
		return regionOut{}, err
	}
	var chosen struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(in.Region, &chosen); err != nil {
		return regionOut{}, malformed().Because(err)
	}
	if in.ID != "" && chosen.ID != "" && chosen.ID != in.ID {
		return regionOut{}, fault.New(fault.Invalid, "Conflicting region IDs specified: \"%s\" != \"%s\"", in.ID, chosen.ID)
	}
	r := &keystone.Region{ID: in.ID + chosen.ID}
	if in.ID != "" {
		r.ID = in.ID
	}
	w.to(r)
	err := a.id.CreateRegion(c.Context(), r)
	return regionOut{regionOf(c, r)}, err
}

func (a *API) showRegion(c *rest.Call, in idIn) (regionOut, error) {
	r, err := a.id.Region(c.Context(), in.ID)
	if err != nil {
		return regionOut{}, err
	}
	return regionOut{regionOf(c, r)}, nil
}

func (a *API) updateRegion(c *rest.Call, in regionBody) (regionOut, error) {
	r, err := a.id.UpdateRegion(c.Context(), in.ID, func(r *keystone.Region) error {
		w := regionOf(c, r)
		err := merge(in.Region, &w)
		w.to(r)
		return err
	})
	if err != nil {
		return regionOut{}, err
	}
	return regionOut{regionOf(c, r)}, nil
}

func (a *API) deleteRegion(c *rest.Call, in idIn) error { return a.id.DeleteRegion(c.Context(), in.ID) }
