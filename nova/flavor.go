package nova

import (
	"context"
	"slices"

	"stackd/internal/fault"
	"stackd/internal/token"
)

// SeenFlavor is a flavor that the caller may use: a public one, one its project
// has access to, or any for an administrator.
func (c *Compute) SeenFlavor(ctx context.Context, id string) (*Flavor, error) {
	f, err := c.Flavor(ctx, id)
	who := token.From(ctx)
	if err != nil || f.Public || who == nil || who.Admin() {
		return f, err
	}
	access, err := c.FlavorAccess(ctx, id)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(access, func(a FlavorAccess) bool { return a.ProjectID == who.Project.ID }) {
		return nil, fault.New(fault.NotFound, "Flavor %s could not be found.", id)
	}
	return f, nil
}

// EditFlavor changes a flavor in one transaction.
func (c *Compute) EditFlavor(ctx context.Context, id string, f func(*Flavor) error) (*Flavor, error) {
	var out *Flavor
	err := c.Tx(ctx, func(ctx context.Context) (err error) {
		if out, err = c.Flavor(ctx, id); err != nil {
			return err
		}
		if err := f(out); err != nil {
			return err
		}
		out.UpdatedAt = c.Now()
		return c.UpdateFlavor(ctx, out)
	})
	return out, err
}

// ShareFlavor lets a project use a private flavor.
func (c *Compute) ShareFlavor(ctx context.Context, id, project string, on bool) ([]FlavorAccess, error) {
	var out []FlavorAccess
	err := c.Tx(ctx, func(ctx context.Context) error {
		f, err := c.Flavor(ctx, id)
		if err != nil {
			return err
		}
		switch {
		case f.Public && on:
			return fault.New(fault.Conflict, "Can not add access to a public flavor.")
		case on:
			err = c.AddFlavorAccess(ctx, FlavorAccess{id, project})
		default:
			err = c.RemoveFlavorAccess(ctx, FlavorAccess{id, project})
		}
		if err != nil {
			return err
		}
		out, err = c.FlavorAccess(ctx, id)
		return err
	})
	return out, err
}
