package sim

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"stackd/agent"
	"stackd/agent/wish"
)

func volumeOf(v wish.Disk) agent.Volume {
	return agent.Volume{ID: v.VolumeID, Alias: v.VolumeID, Place: v.Place()}
}

// endCopies: what is copied while a guest runs is not any more.
func (g *guest) endCopies() {
	for n := range g.Volumes {
		g.Volumes[n].Copy, g.Volumes[n].Ready = "", false
	}
}

// volume changes a guest's volume, found by where it is.
func (h hypervisor) volume(ctx context.Context, step, id string, v agent.Volume, f func(*agent.Volume) error) error {
	return h.guest(ctx, step, id, func(g *guest) error {
		at := slices.IndexFunc(g.Volumes, func(o agent.Volume) bool { return o.Place == v.Place })
		if at < 0 || g.Power != wish.Running && g.Power != wish.Paused {
			return fmt.Errorf("no running guest has the volume %s", v.ID)
		}
		g.Volumes = slices.Clone(g.Volumes)
		return f(&g.Volumes[at])
	})
}

// BeginCopy copies a file at once, as nobody writes to it here; other kinds hold nothing.
func (h hypervisor) BeginCopy(ctx context.Context, id string, v agent.Volume, to wish.Disk) error {
	if from, isFile := strings.CutPrefix(v.Place, "file:"); isFile && to.Kind == "file" {
		if err := copyFile(from, to.Source["path"]); err != nil {
			return err
		}
	}
	return h.volume(ctx, Mirrored, id, v, func(o *agent.Volume) error {
		o.Copy, o.Ready = to.Place(), true
		return nil
	})
}

// EndCopy has the guest at the new place, or ends it with all as it was.
func (h hypervisor) EndCopy(ctx context.Context, id string, v agent.Volume, over bool) error {
	return h.volume(ctx, Pivoted, id, v, func(o *agent.Volume) error {
		if over && !o.Ready {
			return fmt.Errorf("the copy of volume %s is not ready", v.ID)
		}
		if over {
			o.Place = o.Copy
		}
		o.Copy, o.Ready = "", false
		return nil
	})
}
