package agent

import (
	"context"
	"errors"
	"io"
	"slices"

	"stackd/agent/wish"
	"stackd/internal/converge"
)

// A task is one pass over one server.
type task struct {
	wish.Server
	entry *entry
}

// steps is the life of a guest, from nothing to running.
func (a *Agent) steps() converge.Ladder[*task] {
	return converge.Ladder[*task]{
		{Name: "imaged", Holds: a.imaged, Make: a.fetchImage},
		{Name: "disked", Holds: a.disked, Make: a.makeDisks, Remove: a.removeDisks},
		{Name: "configured", Holds: a.configured, Make: a.configure},
		{Name: "plugged", Holds: a.plugged, Make: a.plug, Remove: a.unplug},
		{Name: "defined", Holds: a.defined, Make: a.define, Remove: a.undefine},
		{Name: "started", Holds: a.carriedOut, Make: a.carryOut},
		{Name: "copied", Holds: a.copied, Make: a.copyOn},
	}
}

// imaged: a root disk that is there needs its image no more than in the cache,
// where it stays as long as it is used.
func (a *Agent) imaged(_ context.Context, t *task) (bool, error) {
	if t.From != nil || len(a.lacking(t)) == 0 { // one that moves brings its disks along
		return true, nil
	}
	return a.Disks.Made(t.Server)
}

// lacking are the images that are not in the cache.
func (a *Agent) lacking(t *task) []wish.Image {
	return slices.DeleteFunc(t.Images(), a.Disks.HasImage)
}

func (a *Agent) fetchImage(ctx context.Context, t *task) error {
	for _, i := range a.lacking(t) {
		err := a.Disks.FetchImage(ctx, i, func(ctx context.Context) (io.ReadCloser, error) { return a.Plane.Image(ctx, i.ID) })
		if err != nil {
			return err
		}
	}
	return nil
}

func (a *Agent) disked(_ context.Context, t *task) (bool, error) { return a.Disks.Made(t.Server) }

func (a *Agent) makeDisks(ctx context.Context, t *task) error {
	if t.From != nil {
		return a.bringDisks(ctx, t)
	}
	return a.Disks.Make(ctx, t.Server)
}

func (a *Agent) removeDisks(ctx context.Context, t *task) error { return a.Disks.Remove(ctx, t.ID) }

func (a *Agent) configured(_ context.Context, t *task) (bool, error) {
	return a.Disks.Configured(t.Server)
}

func (a *Agent) configure(ctx context.Context, t *task) error {
	return a.Disks.Configure(ctx, t.Server)
}

func (a *Agent) plugged(ctx context.Context, t *task) (bool, error) {
	return a.Vifs.Plugged(ctx, t.Server)
}

func (a *Agent) plug(ctx context.Context, t *task) error { return a.Vifs.Plug(ctx, t.Server) }

func (a *Agent) unplug(ctx context.Context, t *task) error {
	return a.Vifs.Unplug(ctx, t.Server, nil)
}

func (a *Agent) defined(ctx context.Context, t *task) (bool, error) {
	_, err := a.Hypervisor.Guest(ctx, t.ID)
	if errors.Is(err, ErrNoGuest) {
		return false, nil
	}
	return err == nil, err
}

// define makes the domain as the wish is now, with its disks where it left them. Reboots
// wished so far are done by its start; the generation is not carried out until that.
func (a *Agent) define(ctx context.Context, t *task) error {
	g, err := a.Hypervisor.Guest(ctx, t.ID)
	if err != nil && !errors.Is(err, ErrNoGuest) {
		return err
	}
	return a.Hypervisor.Define(ctx, Spec{
		Server: settled(t.Server, g), Files: a.Disks.Files(t.Server), Console: a.Disks.Console(t.ID),
		Mark: Mark{SoftReboots: t.SoftReboots, HardReboots: t.HardReboots, Rebuilds: t.Rebuilds, DisksOf: t.DisksOf},
	})
}

// undefine removes the domain. Where its disks were is said once more when it has gone.
func (a *Agent) undefine(ctx context.Context, t *task) error {
	g, err := a.Hypervisor.Guest(ctx, t.ID)
	if err == nil {
		a.noteOver(t, g)
		err = a.Hypervisor.Undefine(ctx, t.ID)
	}
	if errors.Is(err, ErrNoGuest) {
		return nil
	}
	return err
}
