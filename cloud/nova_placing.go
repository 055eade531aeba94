package cloud

import (
	"context"
	"maps"
	"slices"

	"stackd/internal/fault"
	"stackd/nova"
	"stackd/placement"
)

// placing is placement in compute's words.
type placing struct{ p *placement.Placement }

func groupOf(d nova.Demand) placement.Group {
	g := placement.Group{Resources: d.Resources, Forbidden: d.Forbidden}
	for _, t := range d.Required {
		g.Required = append(g.Required, []string{t})
	}
	return g
}

func idsOf(rows []*placement.Provider) []string {
	ids := make([]string, len(rows))
	for i, r := range rows {
		ids[i] = r.ID
	}
	return ids
}

func (x placing) Hosts(ctx context.Context, d nova.Demand, among ...string) ([]string, error) {
	rows, err := x.p.Match(ctx, groupOf(d), among...)
	return idsOf(rows), err
}

func (x placing) View(ctx context.Context) (nova.PlacingView, error) {
	v, err := x.p.View(ctx)
	return view{v}, err
}

// view is placement's in compute's words.
type view struct{ *placement.View }

func (v view) Hosts(d nova.Demand) []string { return idsOf(v.Match(groupOf(d))) }

func (x placing) Claim(ctx context.Context, d nova.Demand, provider string) error {
	return x.Spread(ctx, nova.Share{Demand: d, Provider: provider})
}

func (x placing) Spread(ctx context.Context, shares ...nova.Share) error {
	var claims []placement.Claim
	for _, s := range shares {
		c := placement.Claim{Consumer: s.Consumer}
		if s.Provider != "" {
			c.ProjectID, c.UserID, c.Type, c.Resources = s.ProjectID, s.UserID, "INSTANCE", map[string]map[string]int64{s.Provider: s.Resources}
		}
		if s.Migration && s.Provider != "" {
			c.Type = "MIGRATION"
		}
		claims = append(claims, c)
	}
	return x.p.Claim(ctx, claims...)
}

func (x placing) Release(ctx context.Context, consumer string) error {
	return x.p.Release(ctx, consumer)
}

func (x placing) Withdraw(ctx context.Context, id string) error {
	if err := x.p.RemoveProvider(ctx, id); !fault.Is(err, fault.NotFound) {
		return err
	}
	return nil
}

func (x placing) Provide(ctx context.Context, id, name string, inventory map[string]nova.Inventory) error {
	var rows []placement.Inventory
	for _, class := range slices.Sorted(maps.Keys(inventory)) {
		i := inventory[class]
		rows = append(rows, placement.Inventory{ProviderID: id, Class: class, Total: i.Total, Reserved: i.Reserved, MinUnit: 1, MaxUnit: max(1, i.Total), StepSize: 1, Ratio: i.Ratio})
	}
	return x.p.Provide(ctx, id, name, rows)
}

func (x placing) Used(ctx context.Context) (map[string]map[string]int64, error) {
	return x.p.Usages(ctx)
}
