package keystone

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/sqldb"
)

// A Region is a place where endpoints are; regions form trees.
type Region struct {
	ID          string         `bun:"id,pk"`
	ParentID    string         `bun:"parent_region_id"`
	Description string         `bun:"description"`
	Extra       map[string]any `bun:"extra"`
}

// A Service is something with endpoints: compute, image …
type Service struct {
	ID          string         `bun:"id,pk"`
	Type        string         `bun:"type"`
	Name        *string        `bun:"name"`
	Description *string        `bun:"description"`
	Enabled     bool           `bun:"enabled"`
	Extra       map[string]any `bun:"extra"`
}

// An Endpoint is where a service answers. Its URL may hold $(project_id)s and
// $(user_id)s, also written with percent signs.
type Endpoint struct {
	ID        string         `bun:"id,pk"`
	ServiceID string         `bun:"service_id"`
	Interface string         `bun:"interface"` // public, internal, admin
	RegionID  string         `bun:"region_id"`
	URL       string         `bun:"url"`
	Enabled   bool           `bun:"enabled"`
	Extra     map[string]any `bun:"extra"`
}

// A CatalogEntry is a service with its endpoints.
type CatalogEntry struct {
	Service   *Service
	Endpoints []*Endpoint
}

// catalogAt is the catalog before anyone's project is filled in, as of a generation.
type catalogAt struct {
	gen     int64
	entries []CatalogEntry
	visible map[string]map[string]bool // see Identity.visible
}

// Catalog is what a token's holder may use: enabled services with their enabled
// endpoints, addresses filled in. Without a project, those that need one have none.
func (i *Identity) Catalog(ctx context.Context, project, user string) ([]CatalogEntry, error) {
	raw, err := i.rawCatalog(ctx)
	if err != nil {
		return nil, err
	}
	only, filtered := raw.visible[project]
	out := make([]CatalogEntry, 0, len(raw.entries))
	for _, e := range raw.entries {
		f := CatalogEntry{Service: e.Service, Endpoints: []*Endpoint{}}
		for _, p := range e.Endpoints {
			if filtered && !only[p.ID] {
				continue
			}
			if url, ok := fillURL(p.URL, project, user); ok {
				q := *p
				q.URL = url
				f.Endpoints = append(f.Endpoints, &q)
			}
		}
		out = append(out, f)
	}
	return out, nil
}

func (i *Identity) rawCatalog(ctx context.Context) (*catalogAt, error) {
	gen := i.gen.Load()
	if c := i.catalog.Load(); c != nil && c.gen == gen && !i.deaf() {
		return c, nil
	}
	services, err := all[Service](ctx, i.store, Match{"enabled": true}, "type", "id")
	if err != nil {
		return nil, err
	}
	endpoints, err := all[Endpoint](ctx, i.store, Match{"enabled": true}, "id")
	if err != nil {
		return nil, err
	}
	c := &catalogAt{gen: gen}
	if c.visible, err = i.visible(ctx, endpoints); err != nil {
		return nil, err
	}
	for _, s := range services {
		e := CatalogEntry{Service: s}
		for _, p := range endpoints {
			if p.ServiceID == s.ID {
				e.Endpoints = append(e.Endpoints, p)
			}
		}
		c.entries = append(c.entries, e)
	}
	i.catalog.Store(c)
	return c, nil
}

var placeholder = regexp.MustCompile(`[$%]\(([a-z_]*)\)s`)

func fillURL(url, project, user string) (string, bool) {
	if !strings.Contains(url, ")s") {
		return url, true
	}
	ok := true
	out := placeholder.ReplaceAllStringFunc(url, func(m string) string {
		v := map[string]string{"project_id": project, "tenant_id": project, "user_id": user}[m[2:len(m)-2]]
		ok = ok && v != ""
		return v
	})
	return out, ok
}

// mayURL refuses addresses that could never be filled in.
func mayURL(url string) error {
	for _, m := range placeholder.FindAllStringSubmatch(url, -1) {
		if !slices.Contains([]string{"project_id", "tenant_id", "user_id", "public_bind_host", "admin_bind_host", "compute_host", "admin_port", "public_port", "public_endpoint", "admin_endpoint"}, m[1]) {
			return fault.New(fault.Invalid, "Malformed endpoint URL (%s), see ERROR log for details.", url)
		}
	}
	if rest := placeholder.ReplaceAllString(url, ""); strings.Contains(rest, "$(") || strings.Contains(rest, "%(") {
		return fault.New(fault.Invalid, "Malformed endpoint URL (%s), see ERROR log for details.", url)
	}
	return nil
}

// Region is one region by id.
func (i *Identity) Region(ctx context.Context, id string) (*Region, error) {
	r, err := one[Region](ctx, i.store, Match{"id": id})
	if err == nil && r == nil {
		return nil, missing("region", id)
	}
	return r, err
}

// Regions is one page of regions.
func (i *Identity) Regions(ctx context.Context, l listing.List) (listing.Page[*Region], error) {
	return pageOf[Region](ctx, i.store, l)
}

func pageOf[T any](ctx context.Context, s Store, l listing.List) (listing.Page[*T], error) {
	var rows []*T
	err := s.List(ctx, &rows, l)
	return listing.Cut(rows, l.Limit), err
}

// CreateRegion keeps a new region, by the id that the caller chose if it did.
func (i *Identity) CreateRegion(ctx context.Context, r *Region) error {
	r.ID = orNewID(r.ID)
	return i.db.Tx(ctx, func(ctx context.Context) error {
		if err := i.mayPlaceRegion(ctx, r); err != nil {
			return err
		}
		if err := i.store.Insert(ctx, r); sqldb.Taken(err) {
			return conflict("region", "Duplicate ID, %s", r.ID)
		} else if err != nil {
			return err
		}
		return i.changed(ctx)
	})
}

func (i *Identity) mayPlaceRegion(ctx context.Context, r *Region) error {
	for at := r.ParentID; at != ""; {
		if at == r.ID {
			return fault.New(fault.Invalid, "Region %s cannot be its own parent.", r.ID)
		}
		p, err := i.Region(ctx, at)
		if err != nil {
			return err
		}
		at = p.ParentID
	}
	return nil
}

// UpdateRegion changes a region in place.
func (i *Identity) UpdateRegion(ctx context.Context, id string, change func(*Region) error) (*Region, error) {
	var r *Region
	err := i.drop(ctx, func(ctx context.Context) error {
		var err error
		if r, err = i.Region(ctx, id); err != nil {
			return err
		}
		if err := change(r); err != nil {
			return err
		}
		if err := i.mayPlaceRegion(ctx, r); err != nil {
			return err
		}
		return i.store.Update(ctx, r)
	})
	return r, err
}

// DeleteRegion takes an unused region away, and the regions in it.
func (i *Identity) DeleteRegion(ctx context.Context, id string) error {
	return i.drop(ctx, func(ctx context.Context) error {
		if _, err := i.Region(ctx, id); err != nil {
			return err
		}
		return i.deleteRegion(ctx, id)
	})
}

func (i *Identity) deleteRegion(ctx context.Context, id string) error {
	n, err := i.store.Count(ctx, (*Endpoint)(nil), Match{"region_id": id})
	if err == nil && n > 0 {
		return fault.New(fault.Forbidden, "Unable to delete region %s because it or its child regions have associated endpoints.", id)
	}
	if err != nil {
		return err
	}
	below, err := all[Region](ctx, i.store, Match{"parent_region_id": id})
	if err != nil {
		return err
	}
	for _, r := range below {
		if err := i.deleteRegion(ctx, r.ID); err != nil {
			return err
		}
	}
	if _, err := i.store.Delete(ctx, (*PolicyAssociation)(nil), Match{"region_id": id}); err != nil {
		return err
	}
	_, err = i.store.Delete(ctx, (*Region)(nil), Match{"id": id})
	return err
}
