package keystone

import (
	"context"
	"maps"
	"slices"

	"stackd/internal/fault"
	"stackd/internal/sqldb"
)

// UpdateProject changes a project or domain in place.
func (i *Identity) UpdateProject(ctx context.Context, id string, change func(*Project) error) (*Project, error) {
	var p *Project
	err := i.db.Tx(ctx, func(ctx context.Context) error {
		var err error
		if p, err = i.Project(ctx, id); err != nil {
			return err
		}
		old := *p
		old.Options, old.Extra, old.Tags = maps.Clone(p.Options), maps.Clone(p.Extra), slices.Clone(p.Tags)
		if err := change(p); err != nil {
			return err
		}
		p.Options = tidy(p.Options)
		if err := i.mayUpdateProject(ctx, &old, p); err != nil {
			return err
		}
		if old.Enabled && !p.Enabled {
			p.TokensFrom = i.db.Now()
		}
		if err := i.store.Update(ctx, p); sqldb.Taken(err) {
			return i.projectTaken(ctx, p)
		} else if err != nil {
			return err
		}
		if !slices.Equal(old.Tags, p.Tags) {
			if err := i.setTags(ctx, p.ID, p.Tags); err != nil {
				return err
			}
		}
		return i.changed(ctx)
	})
	return p, err
}

func (i *Identity) mayUpdateProject(ctx context.Context, old, p *Project) error {
	switch {
	case immutable(old.Options) && (immutable(p.Options) || !freed(*old, *p)):
		return locked(p.kind(), p.ID)
	case old.ParentID != p.ParentID:
		return fault.New(fault.Forbidden, "Update of `parent_id` is not allowed.")
	case old.DomainID != p.DomainID:
		return fault.New(fault.Invalid, "Cannot change Domain ID")
	case old.IsDomain != p.IsDomain:
		return fault.New(fault.Invalid, "Update of `is_domain` is not allowed.")
	}
	if p.IsDomain || old.Enabled == p.Enabled {
		return nil
	}
	if p.Enabled {
		return i.parentsEnabled(ctx, p)
	}
	n, err := i.store.Count(ctx, (*Project)(nil), Match{"parent_id": p.ID, "enabled": true})
	if err == nil && n > 0 {
		return fault.New(fault.Forbidden, "Cannot disable project %s since its subtree contains enabled projects.", p.ID)
	}
	return err
}

func (i *Identity) parentsEnabled(ctx context.Context, p *Project) error {
	above, err := i.store.Ancestors(ctx, p.ParentID)
	for _, a := range above {
		if !a.Enabled && !a.IsDomain {
			return fault.New(fault.Forbidden, "Cannot enable project %s since it has disabled parents", p.ID)
		}
	}
	return err
}

// DeleteProject takes a project away, and every right in it.
func (i *Identity) DeleteProject(ctx context.Context, id string) error {
	return i.db.Tx(ctx, func(ctx context.Context) error {
		p, err := i.Project(ctx, id)
		if err != nil {
			return err
		}
		if p.IsDomain {
			return i.deleteDomain(ctx, p)
		}
		if immutable(p.Options) {
			return fault.New(fault.Forbidden, "Cannot delete immutable project resource `%s`. Set resource option \"immutable\" to false first.", id)
		}
		n, err := i.store.Count(ctx, (*Project)(nil), Match{"parent_id": id})
		if err == nil && n > 0 {
			return fault.New(fault.Forbidden, "Cannot delete the project %s since it is not a leaf in the hierarchy. Use the cascade option if you want to delete a whole subtree.", id)
		}
		if err != nil {
			return err
		}
		if err := i.store.DropProjects(ctx, []string{id}); err != nil {
			return err
		}
		return i.changed(ctx)
	})
}

// DeleteDomain takes a disabled domain away with all that is in it.
func (i *Identity) DeleteDomain(ctx context.Context, id string) error {
	return i.db.Tx(ctx, func(ctx context.Context) error {
		d, err := i.Domain(ctx, id)
		if err != nil {
			return err
		}
		return i.deleteDomain(ctx, d)
	})
}

func (i *Identity) deleteDomain(ctx context.Context, d *Project) error {
	switch {
	case d.ID == DefaultDomain:
		return fault.New(fault.Forbidden, "Cannot delete the default domain.")
	case immutable(d.Options):
		return fault.New(fault.Forbidden, "Cannot delete immutable domain resource `%s`. Set resource option \"immutable\" to false first.", d.ID)
	case d.Enabled:
		return fault.New(fault.Forbidden, "Cannot delete a domain that is enabled, please disable it first.")
	}
	if err := i.store.DropDomain(ctx, d.ID); err != nil {
		return err
	}
	return i.changed(ctx)
}
