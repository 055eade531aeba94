package api

import (
	"maps"
	"strconv"

	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/rest"
	"stackd/nova"

	"github.com/google/uuid"
)

func (s *service) flavors() []rest.Route {
	list := &rest.Listing{Key: "flavors", Filters: []string{"minDisk", "minRam", "is_public"},
		Sorts: []string{"created_at", "description", "disabled", "ephemeral_gb", "flavorid", "id", "is_public", "memory_mb", "name", "root_gb", "rxtx_factor", "swap", "updated_at", "vcpu_weight", "vcpus"}}
	const extra = "/v2.1/flavors/{id}/os-extra_specs"
	return []rest.Route{
		{On: "GET /v2.1/flavors", Asks: "any project's token may list what it can use", Do: rest.Do(s.listFlavors), List: list},
		{On: "GET /v2.1/flavors/detail", Asks: "any project's token may list what it can use", Do: rest.Do(s.detailFlavors), List: list},
		{On: "POST /v2.1/flavors", Rule: "os_compute_api:os-flavor-manage:create", Do: rest.Do(s.createFlavor), Body: s.shelf.Get("admin.flavorCreate")},
		{On: "GET /v2.1/flavors/{id}", Asks: "any project's token may show what it can use", Do: rest.Do(s.showFlavor)},
		{On: "PUT /v2.1/flavors/{id}", Since: rest.V(2, 55), Rule: "os_compute_api:os-flavor-manage:update", Do: rest.Do(s.updateFlavor), Body: s.shelf.Get("admin.flavorUpdate")},
		{On: "DELETE /v2.1/flavors/{id}", Rule: "os_compute_api:os-flavor-manage:delete", Do: rest.DoNothing(s.deleteFlavor), Status: 202, Mutates: true},
		{On: "POST /v2.1/flavors/{id}/action", Action: "addTenantAccess", Rule: "os_compute_api:os-flavor-access:add_tenant_access", Do: rest.Do(s.shareFlavor(true)), Body: s.shelf.Get("admin.access")},
		{On: "POST /v2.1/flavors/{id}/action", Action: "removeTenantAccess", Rule: "os_compute_api:os-flavor-access:remove_tenant_access", Do: rest.Do(s.shareFlavor(false)), Body: s.shelf.Get("admin.access")},
		{On: "GET /v2.1/flavors/{id}/os-flavor-access", Rule: "os_compute_api:os-flavor-access", Do: rest.Do(s.flavorAccess)},
		{On: "GET " + extra, Rule: "os_compute_api:os-flavor-extra-specs:index", Do: rest.Do(s.extraSpecs)},
		{On: "POST " + extra, Rule: "os_compute_api:os-flavor-extra-specs:create", Do: rest.Do(s.addExtraSpecs), Body: s.shelf.Get("admin.extraSpecs")},
		{On: "GET " + extra + "/{key}", Rule: "os_compute_api:os-flavor-extra-specs:show", Do: rest.Do(s.extraSpec)},
		{On: "PUT " + extra + "/{key}", Rule: "os_compute_api:os-flavor-extra-specs:update", Do: rest.Do(s.setExtraSpec), Body: s.shelf.Get("admin.extraSpec")},
		{On: "DELETE " + extra + "/{key}", Rule: "os_compute_api:os-flavor-extra-specs:delete", Do: rest.DoNothing(s.dropExtraSpec), Mutates: true},
	}
}

type flavorView struct {
	ID        string            `wire:"id"`
	Name      string            `wire:"name"`
	RAM       int               `wire:"ram"`
	Disk      int               `wire:"disk"`
	OldSwap   any               `wire:"swap,..2.74"`
	Swap      int               `wire:"swap,2.75.."`
	Ephemeral int               `wire:"OS-FLV-EXT-DATA:ephemeral"`
	Disabled  bool              `wire:"OS-FLV-DISABLED:disabled"`
	VCPUs     int               `wire:"vcpus"`
	Public    bool              `wire:"os-flavor-access:is_public"`
	Factor    float64           `wire:"rxtx_factor"`
	Links     []link            `wire:"links"`
	Text      *string           `wire:"description,2.55.."`
	Extra     map[string]string `wire:"extra_specs,2.61.."`
}

type flavorBrief struct {
	ID    string  `wire:"id"`
	Name  string  `wire:"name"`
	Links []link  `wire:"links"`
	Text  *string `wire:"description,2.55.."`
}

func viewFlavor(c *rest.Call, f *nova.Flavor) flavorView {
	v := flavorView{ID: f.ID, Name: f.Name, RAM: f.RAM, Disk: f.Disk, OldSwap: f.Swap, Swap: f.Swap, Ephemeral: f.Ephemeral, Disabled: f.Disabled, VCPUs: f.VCPUs, Public: f.Public,
		Factor: f.RxtxFactor, Links: links(c, "flavors", f.ID), Text: f.Description, Extra: f.ExtraSpecs}
	if f.Swap == 0 {
		v.OldSwap = ""
	}
	return v
}

func (s *service) findFlavors(c *rest.Call) (listing.Page[*nova.Flavor], error) {
	none := listing.Page[*nova.Flavor]{}
	yes := true
	q := nova.FlavorQuery{ProjectID: c.Who.Project.ID, Public: &yes}
	if c.Who.Admin() {
		switch v := c.List.First("is_public"); v {
		case "None", "none":
			q.Public = nil
		case "":
			q.ProjectID = ""
		default:
			b, ok := rest.Bool(v)
			if !ok {
				return none, fault.New(fault.Invalid, "Invalid is_public filter [%s]", v)
			}
			q.Public, q.ProjectID = &b, ""
		}
	}
	for name, to := range map[string]*int{"minDisk": &q.MinDisk, "minRam": &q.MinRAM} {
		if v := c.List.First(name); v != "" {
			n, err := strconv.Atoi(v)
			if err != nil {
				return none, fault.New(fault.Invalid, "Invalid %s filter [%s]", name, v)
			}
			*to = n
		}
	}
	rows, err := s.c.Flavors(c.Context(), c.List, q)
	return listing.Cut(rows, c.List.Limit), err
}

func (s *service) listFlavors(c *rest.Call, _ struct{}) (listing.Page[flavorBrief], error) {
	p, err := s.findFlavors(c)
	return listing.Map(p, func(f *nova.Flavor) flavorBrief {
		return flavorBrief{f.ID, f.Name, links(c, "flavors", f.ID), f.Description}
	}), err
}

func (s *service) detailFlavors(c *rest.Call, _ struct{}) (listing.Page[flavorView], error) {
	p, err := s.findFlavors(c)
	return listing.Map(p, func(f *nova.Flavor) flavorView { return viewFlavor(c, f) }), err
}

func (s *service) showFlavor(c *rest.Call, in byID) (map[string]flavorView, error) {
	f, err := s.c.SeenFlavor(c.Context(), in.ID)
	if err != nil {
		return nil, err
	}
	return map[string]flavorView{"flavor": viewFlavor(c, f)}, nil
}

func (s *service) createFlavor(c *rest.Call, in struct {
	Flavor struct {
		ID, RAM, VCPUs, Disk, Swap any
		Name                       string
		Ephemeral                  any     `json:"OS-FLV-EXT-DATA:ephemeral"`
		Factor                     any     `json:"rxtx_factor"`
		Public                     any     `json:"os-flavor-access:is_public"`
		Description                *string `json:"description"`
	}
}) (map[string]flavorView, error) {
	v := in.Flavor
	f := &nova.Flavor{ID: text(v.ID), Name: v.Name, RAM: number(v.RAM), VCPUs: number(v.VCPUs), Disk: number(v.Disk), Swap: number(v.Swap), Ephemeral: number(v.Ephemeral),
		RxtxFactor: 1, Public: true, Description: v.Description, ExtraSpecs: map[string]string{}, CreatedAt: s.c.Now()}
	if f.ID == "" || f.ID == "auto" {
		f.ID = uuid.NewString()
	}
	if v.Factor != nil {
		f.RxtxFactor, _ = strconv.ParseFloat(text(v.Factor), 64)
	}
	if v.Public != nil {
		f.Public, _ = rest.Bool(text(v.Public))
	}
	err := s.c.Tx(c.Context(), func(ctx ctxt) error { return s.c.InsertFlavor(ctx, f) })
	if err != nil {
		return nil, err
	}
	return map[string]flavorView{"flavor": viewFlavor(c, f)}, nil
}

func (s *service) updateFlavor(c *rest.Call, in struct {
	byID
	Flavor struct{ Description *string }
}) (map[string]flavorView, error) {
	f, err := s.c.EditFlavor(c.Context(), in.ID, func(f *nova.Flavor) error { f.Description = in.Flavor.Description; return nil })
	if err != nil {
		return nil, err
	}
	return map[string]flavorView{"flavor": viewFlavor(c, f)}, nil
}

func (s *service) deleteFlavor(c *rest.Call, in byID) error {
	return s.c.Tx(c.Context(), func(ctx ctxt) error { return s.c.DeleteFlavor(ctx, in.ID) })
}

type accessView struct {
	Flavor string `wire:"flavor_id"`
	Tenant string `wire:"tenant_id"`
}

func viewAccess(rows []nova.FlavorAccess) map[string][]accessView {
	out := []accessView{}
	for _, r := range rows {
		out = append(out, accessView{r.FlavorID, r.ProjectID})
	}
	return map[string][]accessView{"flavor_access": out}
}

func (s *service) shareFlavor(on bool) func(*rest.Call, struct {
	byID
	Add  struct{ Tenant string } `json:"addTenantAccess"`
	Drop struct{ Tenant string } `json:"removeTenantAccess"`
}) (map[string][]accessView, error) {
	return func(c *rest.Call, in struct {
		byID
		Add  struct{ Tenant string } `json:"addTenantAccess"`
		Drop struct{ Tenant string } `json:"removeTenantAccess"`
	}) (map[string][]accessView, error) {
		rows, err := s.c.ShareFlavor(c.Context(), in.ID, in.Add.Tenant+in.Drop.Tenant, on)
		return viewAccess(rows), err
	}
}

func (s *service) flavorAccess(c *rest.Call, in byID) (map[string][]accessView, error) {
	f, err := s.c.SeenFlavor(c.Context(), in.ID)
	if err != nil {
		return nil, err
	}
	if f.Public {
		return nil, fault.New(fault.NotFound, "Access list not available for public flavors.")
	}
	rows, err := s.c.FlavorAccess(c.Context(), in.ID)
	return viewAccess(rows), err
}

type specPath struct {
	byID
	Key string `path:"key"`
}

func (s *service) extraSpecs(c *rest.Call, in byID) (map[string]map[string]string, error) {
	f, err := s.c.SeenFlavor(c.Context(), in.ID)
	if err != nil {
		return nil, err
	}
	return map[string]map[string]string{"extra_specs": f.ExtraSpecs}, nil
}

func (s *service) addExtraSpecs(c *rest.Call, in struct {
	byID
	Specs map[string]any `json:"extra_specs"`
}) (map[string]map[string]string, error) {
	given := map[string]string{}
	for k, v := range in.Specs {
		given[k] = text(v)
	}
	_, err := s.c.EditFlavor(c.Context(), in.ID, func(f *nova.Flavor) error {
		if f.ExtraSpecs == nil {
			f.ExtraSpecs = map[string]string{}
		}
		maps.Copy(f.ExtraSpecs, given)
		return nil
	})
	return map[string]map[string]string{"extra_specs": given}, err
}

func noSpec(in specPath) error {
	return fault.New(fault.NotFound, "Flavor %s has no extra specs with key %s.", in.ID, in.Key)
}

func (s *service) extraSpec(c *rest.Call, in specPath) (map[string]string, error) {
	f, err := s.c.SeenFlavor(c.Context(), in.ID)
	if err != nil {
		return nil, err
	}
	v, ok := f.ExtraSpecs[in.Key]
	if !ok {
		return nil, noSpec(in)
	}
	return map[string]string{in.Key: v}, nil
}

func (s *service) setExtraSpec(c *rest.Call, in specPath) (map[string]string, error) {
	var body map[string]any
	if err := c.Read(&body); err != nil {
		return nil, err
	}
	v, ok := body[in.Key]
	if !ok {
		return nil, fault.New(fault.Invalid, "Request body and URI mismatch")
	}
	_, err := s.c.EditFlavor(c.Context(), in.ID, func(f *nova.Flavor) error {
		if f.ExtraSpecs == nil {
			f.ExtraSpecs = map[string]string{}
		}
		f.ExtraSpecs[in.Key] = text(v)
		return nil
	})
	return map[string]string{in.Key: text(v)}, err
}

func (s *service) dropExtraSpec(c *rest.Call, in specPath) error {
	_, err := s.c.EditFlavor(c.Context(), in.ID, func(f *nova.Flavor) error {
		if _, ok := f.ExtraSpecs[in.Key]; !ok {
			return noSpec(in)
		}
		delete(f.ExtraSpecs, in.Key)
		return nil
	})
	return err
}
