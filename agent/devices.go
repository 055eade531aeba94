package agent

import (
	"context"
	"fmt"
	"slices"
	"time"

	"stackd/agent/wish"
	"stackd/internal/converge"
)

// sameDevices reports whether a guest has the wished ports and volumes.
func sameDevices(s wish.Server, g Guest) bool {
	add, drop := difference(portIDs(s), g.Ports)
	lack, extra := compareVolumes(s.Volumes, g.Volumes)
	return len(add)+len(drop)+len(lack)+len(extra)+len(unwished(s.Volumes, g.Volumes)) == 0
}

// exchange attaches to and detaches from a running guest what differs, and ends copies
// that are not wished. A guest lets go when it likes, so that is looked at again.
func (a *Agent) exchange(ctx context.Context, t *task, g Guest) error {
	add, drop := difference(portIDs(t.Server), g.Ports)
	for _, p := range t.Ports {
		if slices.Contains(add, p.ID) {
			if err := a.Hypervisor.AttachPort(ctx, t.ID, p); err != nil {
				return err
			}
		}
	}
	for _, v := range unwished(t.Volumes, g.Volumes) {
		if err := a.Hypervisor.EndCopy(ctx, t.ID, v, false); err != nil {
			return err
		}
	}
	lack, extra := compareVolumes(t.Volumes, g.Volumes)
	for _, v := range lack {
		if err := a.Hypervisor.AttachVolume(ctx, t.ID, v); err != nil {
			return err
		}
	}
	return a.letGo(ctx, t, drop, extra)
}

func (a *Agent) letGo(ctx context.Context, t *task, ports []string, volumes []Volume) error {
	for _, id := range ports {
		if err := a.Hypervisor.DetachPort(ctx, t.ID, id); err != nil {
			return err
		}
	}
	for _, v := range volumes {
		if err := a.Hypervisor.DetachVolume(ctx, t.ID, v); err != nil {
			return err
		}
	}
	g, err := a.Hypervisor.Guest(ctx, t.ID)
	if err != nil {
		return err
	}
	if g.Active() && !sameDevices(t.Server, g) {
		return fmt.Errorf("waiting for the guest to let go of a device: %w", converge.Later(time.Second))
	}
	return nil
}

// grow tells a running guest which of its volumes are larger now.
func (a *Agent) grow(ctx context.Context, t *task, g Guest) error {
	if !g.Active() {
		return nil
	}
	for _, v := range t.Volumes {
		if v.Size == 0 {
			continue
		}
		if err := a.Hypervisor.GrowVolume(ctx, t.ID, v); err != nil {
			return err
		}
	}
	return nil
}

func portIDs(s wish.Server) []string {
	var ids []string
	for _, p := range s.Ports {
		ids = append(ids, p.ID)
	}
	return ids
}

// difference is what wanted has and have lacks, and the other way round.
func difference(wanted, have []string) (add, drop []string) {
	for _, w := range wanted {
		if !slices.Contains(have, w) {
			add = append(add, w)
		}
	}
	for _, h := range have {
		if !slices.Contains(wanted, h) {
			drop = append(drop, h)
		}
	}
	return add, drop
}
