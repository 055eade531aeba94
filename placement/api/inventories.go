package api

import (
	"slices"

	"stackd/internal/fault"
	"stackd/internal/rest"
	"stackd/placement"
)

func (s *service) inventories() []rest.Route {
	const at = "/resource_providers/{id}/inventories"
	return []rest.Route{
		{On: "GET " + at, Rule: "placement:resource_providers:inventories:list", Do: rest.Do(s.listStock)},
		{On: "POST " + at, Rule: "placement:resource_providers:inventories:create", Do: rest.Do(s.addStock), Body: s.shelf.Get("bodies.inventoryCreate"), Status: 201},
		{On: "PUT " + at, Rule: "placement:resource_providers:inventories:update", Do: rest.Do(s.setStock), Body: s.shelf.Get("bodies.inventories")},
		{On: "DELETE " + at, Since: rest.V(1, 5), Rule: "placement:resource_providers:inventories:delete", Do: rest.DoNothing(s.clearStock), Status: 204, Mutates: true},
		{On: "GET " + at + "/{class}", Rule: "placement:resource_providers:inventories:show", Do: rest.Do(s.showOne)},
		{On: "PUT " + at + "/{class}", Rule: "placement:resource_providers:inventories:update", Do: rest.Do(s.setOne), Body: s.shelf.Get("bodies.inventory")},
		{On: "DELETE " + at + "/{class}", Rule: "placement:resource_providers:inventories:delete", Do: rest.DoNothing(s.dropOne), Status: 204, Mutates: true},
	}
}

type stockView struct {
	Generation *int64  `wire:"resource_provider_generation,,omitempty"`
	Total      int64   `wire:"total"`
	Reserved   int64   `wire:"reserved"`
	MinUnit    int64   `wire:"min_unit"`
	MaxUnit    int64   `wire:"max_unit"`
	StepSize   int64   `wire:"step_size"`
	Ratio      float64 `wire:"allocation_ratio"`
}

type stockIn struct {
	Total    int64    `json:"total"`
	Reserved int64    `json:"reserved"`
	MinUnit  *int64   `json:"min_unit"`
	MaxUnit  *int64   `json:"max_unit"`
	StepSize *int64   `json:"step_size"`
	Ratio    *float64 `json:"allocation_ratio"`
}

// row is an inventory with the defaults of what was not said.
func (in stockIn) row(c *rest.Call, provider, class string) (placement.Inventory, error) {
	or := func(p *int64, d int64) int64 {
		if p == nil {
			return d
		}
		return *p
	}
	i := placement.Inventory{ProviderID: provider, Class: class, Total: in.Total, Reserved: in.Reserved, MinUnit: or(in.MinUnit, 1), MaxUnit: or(in.MaxUnit, 2147483647), StepSize: or(in.StepSize, 1), Ratio: 1}
	if in.Ratio != nil {
		i.Ratio = *in.Ratio
	}
	if i.Total < i.Reserved || i.Total == i.Reserved && !c.From(1, 26) {
		return i, fault.New(fault.Invalid, "Unable to update inventory for resource provider %s: Invalid inventory for '%s' on resource provider '%s'. The reserved value is greater than or equal to total.", provider, class, provider)
	}
	return i, nil
}

func viewStock(i placement.Inventory) stockView {
	return stockView{nil, i.Total, i.Reserved, i.MinUnit, i.MaxUnit, i.StepSize, i.Ratio}
}

func (s *service) stock(c *rest.Call, p *placement.Provider) (any, error) {
	rows, err := s.p.Inventories(c.Context(), p.ID)
	out := map[string]stockView{}
	for _, i := range rows {
		out[i.Class] = viewStock(i)
	}
	fresh(c, p.UpdatedAt)
	return map[string]any{"resource_provider_generation": p.Generation, "inventories": out}, err
}

func (s *service) listStock(c *rest.Call, in byID) (any, error) {
	p, err := s.p.Provider(c.Context(), in.ID)
	if err != nil {
		return nil, err
	}
	return s.stock(c, p)
}

// known refuses a resource class that there is not.
func (s *service) known(ctx ctxt, class string) error {
	all, err := s.p.Classes(ctx)
	if err == nil && !slices.Contains(all, class) {
		err = fault.New(fault.Invalid, "Unknown resource class in inventory: No such resource class %s.", class)
	}
	return err
}

func (s *service) setStock(c *rest.Call, in struct {
	byID
	Generation  int64              `json:"resource_provider_generation"`
	Inventories map[string]stockIn `json:"inventories"`
}) (any, error) {
	if _, err := s.p.Provider(c.Context(), in.ID); err != nil {
		return nil, err
	}
	var rows []placement.Inventory
	for class, v := range in.Inventories {
		if err := s.known(c.Context(), class); err != nil {
			return nil, err
		}
		i, err := v.row(c, in.ID, class)
		if err != nil {
			return nil, err
		}
		rows = append(rows, i)
	}
	p, err := s.p.SetStock(c.Context(), in.ID, in.Generation, rows)
	if err != nil {
		return nil, err
	}
	return s.stock(c, p)
}

func (s *service) clearStock(c *rest.Call, in byID) error {
	_, err := s.p.SetStock(c.Context(), in.ID, -1, nil)
	return err
}

type stockPath struct {
	byID
	Class string `path:"class"`
}

func noStock(in stockPath) error {
	return fault.New(fault.NotFound, "No inventory of class %s for %s", in.Class, in.ID)
}

func (s *service) showOne(c *rest.Call, in stockPath) (any, error) {
	p, err := s.p.Provider(c.Context(), in.ID)
	if err != nil {
		return nil, err
	}
	rows, err := s.p.Inventories(c.Context(), in.ID)
	if err != nil {
		return nil, err
	}
	for _, i := range rows {
		if i.Class == in.Class {
			v := viewStock(i)
			v.Generation = &p.Generation
			fresh(c, p.UpdatedAt)
			return v, nil
		}
	}
	return nil, noStock(in)
}

type oneIn struct {
	stockPath
	stockIn
	Generation *int64 `json:"resource_provider_generation"`
	Named      string `json:"resource_class"`
}

func (s *service) putOne(c *rest.Call, in oneIn, fresh bool) (any, error) {
	if _, err := s.p.Provider(c.Context(), in.ID); err != nil {
		return nil, err
	}
	if err := s.known(c.Context(), in.Class); err != nil {
		return nil, err
	}
	i, err := in.row(c, in.ID, in.Class)
	if err != nil {
		return nil, err
	}
	generation := int64(-1)
	if in.Generation != nil {
		generation = *in.Generation
	}
	p, err := s.p.Change(c.Context(), in.ID, generation, func(ctx ctxt, _ *placement.Provider) error {
		rows, err := s.p.Inventories(ctx, in.ID)
		if err != nil {
			return err
		}
		k := slices.IndexFunc(rows, func(r placement.Inventory) bool { return r.Class == in.Class })
		switch {
		case k >= 0 && fresh:
			return fault.New(fault.Conflict, "Update conflict: Inventory of %s is there already.", in.Class)
		case k < 0 && !fresh:
			return fault.New(fault.Invalid, "No inventory record with resource class for resource provider %s: No inventory of class %s found.", in.ID, in.Class)
		case k >= 0:
			rows[k] = i
		default:
			rows = append(rows, i)
		}
		return s.p.SetInventories(ctx, in.ID, rows)
	})
	if err != nil {
		return nil, err
	}
	v := viewStock(i)
	v.Generation = &p.Generation
	return v, nil
}

func (s *service) setOne(c *rest.Call, in oneIn) (any, error) { return s.putOne(c, in, false) }

func (s *service) addStock(c *rest.Call, in oneIn) (any, error) {
	in.Class = in.Named
	place(c, "/resource_providers/"+in.ID+"/inventories/"+in.Class)
	return s.putOne(c, in, true)
}

func (s *service) dropOne(c *rest.Call, in stockPath) error {
	_, err := s.p.Change(c.Context(), in.ID, -1, func(ctx ctxt, _ *placement.Provider) error {
		rows, err := s.p.Inventories(ctx, in.ID)
		if err != nil {
			return err
		}
		k := slices.IndexFunc(rows, func(r placement.Inventory) bool { return r.Class == in.Class })
		if k < 0 {
			return noStock(in)
		}
		used, err := s.p.Usages(ctx, in.ID)
		if err != nil {
			return err
		}
		if used[in.ID][in.Class] > 0 {
			return fault.New(fault.Conflict, "Unable to delete inventory of class %s: Inventory for '%s' on resource provider '%s' in use.", in.Class, in.Class, in.ID).Named(placement.CodeInUse)
		}
		return s.p.SetInventories(ctx, in.ID, slices.Delete(rows, k, k+1))
	})
	return err
}
