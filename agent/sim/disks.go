package sim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"

	"stackd/agent"
	"stackd/agent/wish"
	"stackd/internal/converge"
	"stackd/internal/fault"
)

// disks is the table's disks as the agent uses them.
type disks struct{ *world }

var _ agent.Disks = disks{}

func (d disks) HasImage(i wish.Image) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.images[i.ID]
}

// FetchImage reads the image to its end, so that the plane's side is worked too.
func (d disks) FetchImage(ctx context.Context, i wish.Image, open func(context.Context) (io.ReadCloser, error)) error {
	from, err := open(ctx)
	if fault.Is(err, fault.NotFound) {
		return converge.Finalf("image %s is gone", i.ID)
	}
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, from)
	if err := errors.Join(err, from.Close()); err != nil {
		return err
	}
	return d.step(ctx, Imaged, i.ID, func(*thing) error { d.images[i.ID] = true; return nil })
}

func (d disks) Made(s wish.Server) (ok bool, err error) {
	d.look(s.ID, func(t *thing) {
		ok = !slices.ContainsFunc(d.roles(s), func(r string) bool { return !slices.Contains(t.Disks, r) }) && len(t.Disks) > 0
	})
	return ok, nil
}

// roles are the disks that a server has; its directory counts as one.
func (d disks) roles(s wish.Server) []string {
	roles := []string{"directory"}
	for _, f := range d.Files(s) {
		if f.Role != "config" {
			roles = append(roles, path.Base(f.Path))
		}
	}
	return roles
}

func (d disks) Make(ctx context.Context, s wish.Server) error {
	return d.step(ctx, Disked, s.ID, func(t *thing) error {
		for _, r := range d.roles(s) {
			if !slices.Contains(t.Disks, r) {
				t.Disks = append(t.Disks, r)
			}
		}
		return nil
	})
}

func (d disks) Trim(ctx context.Context, s wish.Server) error {
	return d.step(ctx, "trimmed", s.ID, func(t *thing) error { t.Disks = d.roles(s); return nil })
}

func (d disks) Configured(s wish.Server) (ok bool, err error) {
	d.look(s.ID, func(t *thing) { ok = t.Config && t.Of == s.Rebuilds || !s.ConfigDrive })
	return ok, nil
}

func (d disks) Configure(ctx context.Context, s wish.Server) error {
	return d.step(ctx, Configured, s.ID, func(t *thing) error { t.Config, t.Of = s.ConfigDrive, s.Rebuilds; return nil })
}

func (d disks) Files(s wish.Server) []agent.File {
	var all []agent.File
	for _, f := range []struct {
		role string
		of   int64
		has  bool
	}{{"rescue", s.HardReboots, s.Rescue != nil}, {"root", s.Rebuilds, s.Image != nil}, {"ephemeral", s.LocalOf, s.EphemeralGB > 0}, {"swap", s.LocalOf, s.SwapMB > 0}, {"config", s.Rebuilds, s.ConfigDrive}} {
		if f.has {
			all = append(all, agent.File{Role: f.role, Path: fmt.Sprintf("%s/%s.%d", s.ID, f.role, f.of), Format: "raw"})
		}
	}
	return all
}

func (d disks) Console(id string) string { return id + "/console" }

func (d disks) Remove(ctx context.Context, id string) error {
	return d.step(ctx, Removed, id, func(t *thing) error { t.Disks, t.Config = nil, false; return nil })
}

func (d disks) Owners() ([]string, error) {
	return d.owners(func(t *thing) bool { return len(t.Disks) > 0 || t.Config }), nil
}

func (d disks) Space() (total, free int, err error) { return d.DiskGB, d.DiskGB, nil }

func (d disks) Sweep(context.Context) error { return nil }
