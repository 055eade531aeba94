package deploy

import (
	"context"
	"fmt"
)

// Remove takes one compute host off the cloud: its servers are moved away, the host is
// given back as it was, and the control plane forgets it. The others' names are as they
// should be after the next Install without it.
func (r *Run) Remove(ctx context.Context, address string) error {
	defer r.close()
	if err := r.begin(ctx); err != nil {
		return err
	}
	for _, h := range r.nodes() {
		if h.Address == address {
			return r.takeOff(ctx, h)
		}
	}
	return fmt.Errorf("%s is no compute host of this cloud beside its controller", address)
}

func (r *Run) takeOff(ctx context.Context, h *Host) error {
	say := func(title, script string) error {
		return r.phase(ctx, title, func(ctx context.Context) error {
			out, err := r.controller().Shell.Run(ctx, script, nil)
			r.log("%s: %s: %v", r.controller().Address, out, err)
			if err != nil && out != "" {
				err = fmt.Errorf("%w\n%s", err, out)
			}
			return err
		})
	}
	if err := say("Moving servers off "+h.Name, binary+" node drain "+quote(h.Name)+" --output json"); err != nil {
		return err
	}
	err := r.phase(ctx, "Giving "+h.Name+" back as it was", func(ctx context.Context) error {
		if err := computing().Descend(ctx, h); err != nil {
			return err
		}
		return preparing().Descend(ctx, h)
	})
	if err != nil {
		return err
	}
	return say("Forgetting "+h.Name, binary+" node remove "+quote(h.Name)+" 2>&1")
}
