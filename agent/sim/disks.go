package sim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

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

// earlier is a server as its move before has it.
func earlier(s wish.Server) wish.Server {
	s.DisksOf, s.From, s.EphemeralGB, s.SwapMB = s.From.DisksOf, nil, 1, 1
	return s
}

// Bring reads disks to their end from where they are.
func (d disks) Bring(ctx context.Context, s wish.Server, open func(context.Context, string) (io.ReadCloser, error)) error {
	for _, f := range d.Files(s) {
		if open == nil || f.Role == "config" || f.Role == "swap" {
			continue
		}
		from, err := open(ctx, f.Role)
		if fault.Is(err, fault.NotFound) && f.Role == "ephemeral" {
			continue
		}
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, from)
		if err := errors.Join(err, from.Close()); err != nil {
			return err
		}
	}
	return d.step(ctx, Brought, s.ID, func(t *thing) error {
		old := earlier(s)
		if open == nil && s.Image != nil && !slices.Contains(t.Disks, path.Base(d.Files(old)[0].Path)) {
			return errors.New("the root disk is not there")
		}
		for _, r := range d.roles(s) {
			if !slices.Contains(t.Disks, r) {
				t.Disks = append(t.Disks, r)
			}
		}
		return nil
	})
}

// Send is a disk without content, as all are here.
func (d disks) Send(_ context.Context, s wish.Server, role string) (r io.ReadCloser, err error) {
	err = fault.New(fault.NotFound, "Server %s has no %s disk here.", s.ID, role)
	d.look(s.ID, func(t *thing) {
		for _, f := range d.Files(s) {
			if f.Role == role && (slices.Contains(t.Disks, path.Base(f.Path)) || role == "config" && t.Config) {
				r, err = io.NopCloser(strings.NewReader("")), nil
			}
		}
	})
	return r, err
}

func (d disks) Trim(ctx context.Context, s wish.Server) error {
	keep := d.roles(s)
	if s.From != nil {
		keep = append(keep, d.roles(earlier(s))[1:]...)
	}
	return d.step(ctx, "trimmed", s.ID, func(t *thing) error {
		t.Disks = slices.DeleteFunc(keep, func(r string) bool { return !slices.Contains(t.Disks, r) })
		return nil
	})
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
			at := fmt.Sprintf("%s/%s.%d", s.ID, f.role, f.of)
			if s.DisksOf > 0 {
				at += fmt.Sprintf(".m%d", s.DisksOf)
			}
			all = append(all, agent.File{Role: f.role, Path: at, Format: "raw"})
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
