package keystone

import (
	"context"
	"reflect"
	"slices"
	"time"

	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/sqldb"
)

// A Project owns things; projects form trees. A project with IsDomain is a domain:
// the root of its tree, and the home of users, groups and roles as well.
type Project struct {
	ID          string         `bun:"id,pk"`
	DomainID    string         `bun:"domain_id"` // "" of a domain
	ParentID    string         `bun:"parent_id"` // "" of a domain
	Name        string         `bun:"name"`
	Description string         `bun:"description"`
	IsDomain    bool           `bun:"is_domain"`
	Enabled     bool           `bun:"enabled"`
	Options     map[string]any `bun:"options"`
	Extra       map[string]any `bun:"extra"`
	TokensFrom  time.Time      `bun:"tokens_from,nullzero"` // tokens for it issued earlier are dead

	Tags []string `bun:"-"`
}

// A ProjectTag is one tag of one project.
type ProjectTag struct {
	ProjectID string `bun:"project_id,pk"`
	Tag       string `bun:"tag,pk"`
}

// Home is the domain that the project belongs to; a domain is its own.
func (p *Project) Home() string {
	if p.IsDomain {
		return p.ID
	}
	return p.DomainID
}

func (p *Project) kind() string {
	if p.IsDomain {
		return "domain"
	}
	return "project"
}

func immutable(options map[string]any) bool { v, _ := options["immutable"].(bool); return v }

// freed tells whether nothing but options differs: what is immutable is first made
// mutable, and then changed.
func freed[T Project | Role](old, now T) bool {
	a, b := reflect.ValueOf(&old).Elem(), reflect.ValueOf(&now).Elem()
	for n := range a.NumField() {
		x, y := a.Field(n), b.Field(n)
		empty := (x.Kind() == reflect.Slice || x.Kind() == reflect.Map) && x.Len() == 0 && y.Len() == 0
		if a.Type().Field(n).Name != "Options" && !empty && !reflect.DeepEqual(x.Interface(), y.Interface()) {
			return false
		}
	}
	return true
}

// tidy drops options set to null, which is how a client takes one away.
func tidy(options map[string]any) map[string]any {
	out := map[string]any{}
	for k, v := range options {
		if v != nil {
			out[k] = v
		}
	}
	return out
}

// CreateProject keeps a new project or domain. An empty ParentID is the domain.
func (i *Identity) CreateProject(ctx context.Context, p *Project) error {
	p.ID, p.Options = orNewID(p.ID), tidy(p.Options)
	if p.IsDomain {
		if p.DomainID != "" || p.ParentID != "" {
			return fault.New(fault.Invalid, "only root projects are allowed to act as domains.")
		}
	}
	return i.db.Tx(ctx, func(ctx context.Context) error {
		if !p.IsDomain {
			if err := i.placeProject(ctx, p); err != nil {
				return err
			}
		}
		if err := i.store.Insert(ctx, p); sqldb.Taken(err) {
			return i.projectTaken(ctx, p)
		} else if err != nil {
			return err
		}
		return i.setTags(ctx, p.ID, p.Tags)
	})
}

// placeProject finds the project's place in the trees.
func (i *Identity) placeProject(ctx context.Context, p *Project) error {
	if p.ParentID == "" {
		p.ParentID = p.DomainID
	}
	parent, err := one[Project](ctx, i.store, Match{"id": p.ParentID})
	if err != nil {
		return err
	}
	if parent == nil && p.ParentID == p.DomainID {
		return missing("domain", p.DomainID)
	}
	if parent == nil {
		return missing("project", p.ParentID)
	}
	if p.DomainID == "" {
		p.DomainID = parent.Home()
	}
	if p.DomainID != parent.Home() {
		return fault.New(fault.Invalid, "Cannot create project, since it specifies its domain_id %s, but its parent's domain_id is %s.", p.DomainID, parent.Home())
	}
	if !parent.Enabled {
		return fault.New(fault.Invalid, "cannot create project; its %s %s is disabled.", parent.kind(), parent.ID)
	}
	above, err := i.store.Ancestors(ctx, p.ParentID)
	if err == nil && len(above)+1 > i.depth() {
		return fault.New(fault.Forbidden, "Max hierarchy depth reached for %s branch.", p.ParentID)
	}
	return err
}

// maxDepth is how many projects may stand above one another, the domain included.
const maxDepth = 5

func (i *Identity) projectTaken(ctx context.Context, p *Project) error {
	if p.IsDomain {
		return conflict("project", "it is not permitted to have two projects acting as domains with the same name: %s", p.Name)
	}
	id := p.ID
	if old, err := one[Project](context.WithoutCancel(ctx), i.store, Match{"domain_id": p.DomainID, "name": p.Name}); err == nil && old != nil {
		id = old.ID
	}
	return conflict("project", "it is not permitted to have two projects with either the same name or same id in the same domain: name is %s, project id %s", p.Name, id)
}

// Project is one project or domain by its id.
func (i *Identity) Project(ctx context.Context, id string) (*Project, error) {
	return i.project(ctx, "project", Match{"id": id}, id)
}

// Domain is one domain by its id.
func (i *Identity) Domain(ctx context.Context, id string) (*Project, error) {
	return i.project(ctx, "domain", Match{"id": id, "is_domain": true}, id)
}

func (i *Identity) project(ctx context.Context, kind string, m Match, id string) (*Project, error) {
	p, err := one[Project](ctx, i.store, m)
	if err != nil {
		return nil, err
	}
	if p == nil {
		return nil, missing(kind, id)
	}
	return p, i.fillTags(ctx, []*Project{p})
}

// Projects is one page of projects (or of domains, by filter is_domain).
func (i *Identity) Projects(ctx context.Context, l listing.List) (listing.Page[*Project], error) {
	ps, err := i.store.Projects(ctx, l)
	if err != nil {
		return listing.Page[*Project]{}, err
	}
	page := listing.Cut(ps, l.Limit)
	return page, i.fillTags(ctx, page.Items)
}

// Ancestors are a project and all above it, up to its domain.
func (i *Identity) Ancestors(ctx context.Context, id string) ([]*Project, error) {
	return i.store.Ancestors(ctx, id)
}

// Below are all projects below one.
func (i *Identity) Below(ctx context.Context, id string) ([]*Project, error) {
	ids, err := i.store.Subtree(ctx, id)
	if err != nil {
		return nil, err
	}
	ids = slices.DeleteFunc(ids, func(s string) bool { return s == id })
	ps, err := all[Project](ctx, i.store, Match{"id": ids}, "name")
	if err != nil {
		return nil, err
	}
	return ps, i.fillTags(ctx, ps)
}

// Scopes are the ids of the targets of a kind that a user has any role on.
func (i *Identity) Scopes(ctx context.Context, user, kind string, groups ...string) ([]string, error) {
	return i.store.Scopes(ctx, user, kind, groups...)
}
