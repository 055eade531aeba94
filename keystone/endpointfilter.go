package keystone

import (
	"context"

	"stackd/internal/fault"
	"stackd/internal/listing"
)

// An EndpointGroup is endpoints by what they have in common: interface, service_id,
// region_id.
type EndpointGroup struct {
	ID          string            `bun:"id,pk"`
	Name        string            `bun:"name"`
	Description *string           `bun:"description"`
	Filters     map[string]string `bun:"filters"`
}

// An EndpointFilter shows an endpoint, or a group of them, to a project. A project
// with any sees only those; one without sees all.
type EndpointFilter struct {
	ProjectID string `bun:"project_id,pk"`
	Kind      string `bun:"kind,pk"` // endpoint, group
	ItemID    string `bun:"item_id,pk"`
}

func (g *EndpointGroup) has(e *Endpoint) bool {
	for k, v := range g.Filters {
		if v != map[string]string{"interface": e.Interface, "service_id": e.ServiceID, "region_id": e.RegionID}[k] {
			return false
		}
	}
	return true
}

// CreateEndpointGroup keeps a new group.
func (i *Identity) CreateEndpointGroup(ctx context.Context, g *EndpointGroup) error {
	g.ID = NewID()
	return i.drop(ctx, func(ctx context.Context) error { return i.store.Insert(ctx, g) })
}

// EndpointGroup is one group by id.
func (i *Identity) EndpointGroup(ctx context.Context, id string) (*EndpointGroup, error) {
	g, err := one[EndpointGroup](ctx, i.store, Match{"id": id})
	if err == nil && g == nil {
		return nil, missing("endpoint group", id)
	}
	return g, err
}

// EndpointGroups is one page of groups.
func (i *Identity) EndpointGroups(ctx context.Context, l listing.List) (listing.Page[*EndpointGroup], error) {
	return pageOf[EndpointGroup](ctx, i.store, l)
}

// UpdateEndpointGroup changes a group in place.
func (i *Identity) UpdateEndpointGroup(ctx context.Context, id string, change func(*EndpointGroup) error) (*EndpointGroup, error) {
	var g *EndpointGroup
	err := i.drop(ctx, func(ctx context.Context) error {
		var err error
		if g, err = i.EndpointGroup(ctx, id); err != nil {
			return err
		}
		if err := change(g); err != nil {
			return err
		}
		return i.store.Update(ctx, g)
	})
	return g, err
}

// DeleteEndpointGroup takes a group away from everyone.
func (i *Identity) DeleteEndpointGroup(ctx context.Context, id string) error {
	return i.drop(ctx, func(ctx context.Context) error {
		if _, err := i.EndpointGroup(ctx, id); err != nil {
			return err
		}
		if _, err := i.store.Delete(ctx, (*EndpointFilter)(nil), Match{"kind": "group", "item_id": id}); err != nil {
			return err
		}
		_, err := i.store.Delete(ctx, (*EndpointGroup)(nil), Match{"id": id})
		return err
	})
}

// InEndpointGroup are the endpoints that belong to a group.
func (i *Identity) InEndpointGroup(ctx context.Context, id string) ([]*Endpoint, error) {
	g, err := i.EndpointGroup(ctx, id)
	if err != nil {
		return nil, err
	}
	every, err := all[Endpoint](ctx, i.store, Match{}, "id")
	out := []*Endpoint{}
	for _, e := range every {
		if g.has(e) {
			out = append(out, e)
		}
	}
	return out, err
}

// shown looks that what is shown, and the project, are there.
func (i *Identity) shown(ctx context.Context, f EndpointFilter) error {
	var err error
	if f.Kind == "group" {
		_, err = i.EndpointGroup(ctx, f.ItemID)
	} else {
		_, err = i.Endpoint(ctx, f.ItemID)
	}
	if err == nil {
		_, err = i.Project(ctx, f.ProjectID)
	}
	return err
}

func (f EndpointFilter) match() Match {
	return Match{"project_id": f.ProjectID, "kind": f.Kind, "item_id": f.ItemID}
}

// Show adds an endpoint or a group to what a project sees.
func (i *Identity) Show(ctx context.Context, f EndpointFilter) error {
	return i.drop(ctx, func(ctx context.Context) error {
		if err := i.shown(ctx, f); err != nil {
			return err
		}
		return i.ensure(ctx, &f, (*EndpointFilter)(nil), f.match())
	})
}

// Shows is nil when the project was shown just that.
func (i *Identity) Shows(ctx context.Context, f EndpointFilter) error {
	n, err := i.store.Count(ctx, (*EndpointFilter)(nil), f.match())
	if err == nil && n == 0 {
		return notShown(f)
	}
	return err
}

func notShown(f EndpointFilter) error {
	return fault.New(fault.NotFound, "Endpoint Group Project Association not found: %s and project %s.", f.ItemID, f.ProjectID)
}

// Unshow takes it back.
func (i *Identity) Unshow(ctx context.Context, f EndpointFilter) error {
	return i.drop(ctx, func(ctx context.Context) error {
		n, err := i.store.Delete(ctx, (*EndpointFilter)(nil), f.match())
		if err == nil && n == 0 {
			return notShown(f)
		}
		return err
	})
}

// ShownTo are the projects that an endpoint or a group was shown to.
func (i *Identity) ShownTo(ctx context.Context, kind, item string) ([]*Project, error) {
	rows, err := all[EndpointFilter](ctx, i.store, Match{"kind": kind, "item_id": item})
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, r := range rows {
		ids = append(ids, r.ProjectID)
	}
	ps, err := all[Project](ctx, i.store, Match{"id": ids}, "name")
	if err != nil {
		return nil, err
	}
	return ps, i.fillTags(ctx, ps)
}

// GroupsShown are the endpoint groups that a project sees.
func (i *Identity) GroupsShown(ctx context.Context, project string) ([]*EndpointGroup, error) {
	if _, err := i.Project(ctx, project); err != nil {
		return nil, err
	}
	rows, err := all[EndpointFilter](ctx, i.store, Match{"kind": "group", "project_id": project})
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, r := range rows {
		ids = append(ids, r.ItemID)
	}
	return all[EndpointGroup](ctx, i.store, Match{"id": ids}, "name")
}

// EndpointsShown are the endpoints that a project was shown, also by groups.
func (i *Identity) EndpointsShown(ctx context.Context, project string) ([]*Endpoint, error) {
	if _, err := i.Project(ctx, project); err != nil {
		return nil, err
	}
	every, err := all[Endpoint](ctx, i.store, Match{}, "id")
	if err != nil {
		return nil, err
	}
	seen, err := i.visible(ctx, every)
	out := []*Endpoint{}
	for _, e := range every {
		if seen[project][e.ID] {
			out = append(out, e)
		}
	}
	return out, err
}

// visible is which of the endpoints each project sees; those not in it see all.
func (i *Identity) visible(ctx context.Context, every []*Endpoint) (map[string]map[string]bool, error) {
	rows, err := all[EndpointFilter](ctx, i.store, Match{})
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	groups, err := all[EndpointGroup](ctx, i.store, Match{})
	members := map[string][]string{}
	for _, g := range groups {
		for _, e := range every {
			if g.has(e) {
				members[g.ID] = append(members[g.ID], e.ID)
			}
		}
	}
	out := map[string]map[string]bool{}
	for _, r := range rows {
		if out[r.ProjectID] == nil {
			out[r.ProjectID] = map[string]bool{}
		}
		ids := []string{r.ItemID}
		if r.Kind == "group" {
			ids = members[r.ItemID]
		}
		for _, id := range ids {
			out[r.ProjectID][id] = true
		}
	}
	return out, err
}
