package placement

import (
	"context"
	"maps"
	"slices"

	"stackd/internal/fault"
)

// Placement is the verbs of the placement service.
type Placement struct{ Store }

// New makes Placement over its store.
func New(s Store) *Placement { return &Placement{s} }

// Provider is one provider.
func (p *Placement) Provider(ctx context.Context, id string) (*Provider, error) {
	rows, err := p.Providers(ctx, ProviderQuery{IDs: []string{id}})
	if err == nil && len(rows) == 0 {
		err = fault.New(fault.NotFound, "No resource provider with uuid %s found", id)
	}
	if err != nil {
		return nil, err
	}
	return rows[0], nil
}

// Codes of conflicts, which clients tell apart (API reference, "Errors").
const (
	CodeConcurrent = "placement.concurrent_update"
	CodeDuplicate  = "placement.duplicate_name"
	CodeInUse      = "placement.inventory.inuse"
	CodeProvider   = "placement.resource_provider.inuse"
	CodeNoParent   = "placement.resource_provider.cannot_delete_parent"
)

// Change changes a provider of a known generation in one transaction; any < 0
// takes whatever generation there is.
func (p *Placement) Change(ctx context.Context, id string, generation int64, f func(context.Context, *Provider) error) (*Provider, error) {
	var out *Provider
	err := p.Tx(ctx, func(ctx context.Context) error {
		row, err := p.Provider(ctx, id)
		if err != nil {
			return err
		}
		if generation >= 0 && row.Generation != generation {
			return fault.New(fault.Conflict, "resource provider generation conflict").Named(CodeConcurrent)
		}
		if err := f(ctx, row); err != nil {
			return err
		}
		row.Generation, row.UpdatedAt, out = row.Generation+1, p.Now(), row
		return p.UpdateProvider(ctx, row)
	})
	return out, err
}

// A Claim is all that one consumer shall have. Nothing taken before stays.
type Claim struct {
	Consumer, ProjectID, UserID, Type string
	// Generation is what the caller knows of the consumer: nil says that it is
	// new. Unless Checked, whatever there is is taken.
	Generation *int64
	Checked    bool
	Resources  map[string]map[string]int64 // provider → class → amount
}

// Claim gives consumers what they ask for, all or nothing. Conflict when
// something is not there any more.
func (p *Placement) Claim(ctx context.Context, claims ...Claim) error {
	return p.Tx(ctx, func(ctx context.Context) error {
		touched := map[string]bool{}
		for _, c := range claims { // first let go, so that resources may move between consumers
			if err := p.letGo(ctx, c, touched); err != nil {
				return err
			}
		}
		for _, c := range claims {
			if err := p.take(ctx, c, touched); err != nil {
				return err
			}
		}
		return p.bump(ctx, touched)
	})
}

func (p *Placement) letGo(ctx context.Context, c Claim, touched map[string]bool) error {
	have, err := p.Consumers(ctx, c.Consumer)
	if err != nil {
		return err
	}
	was := have[c.Consumer]
	if c.Checked {
		switch {
		case was == nil && c.Generation != nil:
			return fault.New(fault.Conflict, "consumer generation conflict - expected null but got %d", *c.Generation).Named(CodeConcurrent)
		case was != nil && (c.Generation == nil || *c.Generation != was.Generation):
			return fault.New(fault.Conflict, "consumer generation conflict - expected %d but got another", was.Generation).Named(CodeConcurrent)
		}
	}
	old, err := p.AllocationsOf(ctx, c.Consumer)
	for _, a := range old {
		touched[a.ProviderID] = true
	}
	if err != nil || len(old) == 0 {
		return err
	}
	return p.SetAllocations(ctx, c.Consumer, nil)
}

func (p *Placement) take(ctx context.Context, c Claim, touched map[string]bool) error {
	if len(c.Resources) == 0 {
		return p.DeleteConsumer(ctx, c.Consumer)
	}
	rows, err := p.room(ctx, c)
	if err != nil {
		return err
	}
	for id := range c.Resources {
		touched[id] = true
	}
	if err := p.consume(ctx, c); err != nil {
		return err
	}
	return p.SetAllocations(ctx, c.Consumer, rows)
}

// room checks that every provider can give what is asked of it.
func (p *Placement) room(ctx context.Context, c Claim) ([]Allocation, error) {
	ids := slices.Sorted(maps.Keys(c.Resources))
	inventories, err := p.Inventories(ctx, ids...)
	if err != nil {
		return nil, err
	}
	used, err := p.Usages(ctx, ids...)
	if err != nil {
		return nil, err
	}
	by := map[[2]string]Inventory{}
	for _, i := range inventories {
		by[[2]string{i.ProviderID, i.Class}] = i
	}
	var rows []Allocation
	for _, id := range ids {
		for _, class := range slices.Sorted(maps.Keys(c.Resources[id])) {
			n := c.Resources[id][class]
			i, ok := by[[2]string{id, class}]
			if !ok || !i.Takes(n) || used[id][class]+n > i.Capacity() {
				return nil, fault.New(fault.Conflict, "Unable to allocate inventory: Unable to create allocation for '%s' on resource provider '%s'. The requested amount would exceed the capacity.", class, id).Named("placement.undefined_code")
			}
			rows = append(rows, Allocation{c.Consumer, id, class, n, p.Now()})
		}
	}
	return rows, nil
}

func (p *Placement) consume(ctx context.Context, c Claim) error {
	have, err := p.Consumers(ctx, c.Consumer)
	if err != nil {
		return err
	}
	row := have[c.Consumer]
	if row == nil {
		row = &Consumer{ID: c.Consumer, Type: "unknown", CreatedAt: p.Now()}
	}
	row.ProjectID, row.UserID, row.UpdatedAt = c.ProjectID, c.UserID, p.Now()
	row.Generation++
	if c.Type != "" {
		row.Type = c.Type
	}
	return p.SaveConsumer(ctx, row)
}

func (p *Placement) bump(ctx context.Context, touched map[string]bool) error {
	if len(touched) == 0 {
		return nil
	}
	rows, err := p.Providers(ctx, ProviderQuery{IDs: slices.Sorted(maps.Keys(touched))})
	if err != nil {
		return err
	}
	for _, r := range rows {
		r.Generation, r.UpdatedAt = r.Generation+1, p.Now()
		if err := p.UpdateProvider(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// Release lets go of all that a consumer has; nothing to let go is no error.
func (p *Placement) Release(ctx context.Context, consumer string) error {
	return p.Claim(ctx, Claim{Consumer: consumer})
}

// Provide makes or updates a root provider with its inventory. Classes that have
// allocations stay, whatever the inventory says.
func (p *Placement) Provide(ctx context.Context, id, name string, rows []Inventory) error {
	return p.Tx(ctx, func(ctx context.Context) error {
		have, err := p.Providers(ctx, ProviderQuery{IDs: []string{id}})
		if err != nil {
			return err
		}
		if len(have) == 0 {
			now := p.Now()
			have = []*Provider{{ID: id, Name: name, RootID: id, CreatedAt: now, UpdatedAt: now}}
			if err := p.InsertProvider(ctx, have[0]); err != nil {
				return err
			}
		}
		if err := p.SetInventories(ctx, id, rows); err != nil {
			return err
		}
		return p.bump(ctx, map[string]bool{id: true})
	})
}

// RemoveProvider takes a provider away that nothing is allocated of, and that is no
// other's parent.
func (p *Placement) RemoveProvider(ctx context.Context, id string) error {
	return p.Tx(ctx, func(ctx context.Context) error {
		r, err := p.Provider(ctx, id)
		if err != nil {
			return err
		}
		tree, err := p.Providers(ctx, ProviderQuery{Root: r.RootID})
		if err != nil {
			return err
		}
		if slices.ContainsFunc(tree, func(c *Provider) bool { return c.ParentID == id }) {
			return fault.New(fault.Conflict, "Unable to delete parent resource provider %s: It has child resource providers.", id).Named(CodeNoParent)
		}
		on, err := p.AllocationsOn(ctx, id)
		if err != nil {
			return err
		}
		if len(on) > 0 {
			return fault.New(fault.Conflict, "Unable to delete resource provider %s: Resource provider has allocations.", id).Named(CodeProvider)
		}
		return p.DeleteProvider(ctx, id)
	})
}
