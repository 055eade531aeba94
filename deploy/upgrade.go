package deploy

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"stackd/internal/converge"
)

// Upgrade gives every host this program, one after the other, and goes no further when
// one does not come up. Guests go on: only the program is started again.
func (r *Run) Upgrade(ctx context.Context) error {
	defer r.close()
	if err := r.begin(ctx); err != nil {
		return err
	}
	for _, group := range holderLast(r.inOrder()) {
		for _, h := range group {
			lost := map[*Host]error{}
			if err := r.each(ctx, "Upgrading "+h.Name, []*Host{h}, append(h.ladder(), h.reports()), lost); err != nil {
				return fmt.Errorf("%w\nthe hosts after it were left as they are", err)
			}
		}
	}
	return nil
}

// holderLast has the controller that has the cloud's address come after the others: the
// address moves once, to a controller that is upgraded already.
func holderLast(groups [][]*Host) [][]*Host {
	var others, holder [][]*Host
	nodes := len(groups) - 1
	for _, g := range groups[:nodes] {
		if len(g) == 1 && g[0].Controller() && g[0].Facts.Endpoint["here"] {
			holder = append(holder, g)
		} else {
			others = append(others, g)
		}
	}
	return slices.Concat(others, holder, groups[nodes:])
}

// reports holds when the control plane hears a node again.
func (h *Host) reports() converge.Step[*Host] {
	hears := func(ctx context.Context) (bool, string) {
		if !h.Compute() {
			return true, ""
		}
		out, _ := h.all.controller().Shell.Run(ctx, binary+" doctor --check nodes", nil)
		deaf := out == "" || strings.Contains(out, "ILL") && (strings.Contains(out, h.Name) || strings.Contains(out, "does not say"))
		return !deaf, out
	}
	return converge.Step[*Host]{Name: "reporting",
		Holds: func(ctx context.Context, _ *Host) (bool, error) { ok, _ := hears(ctx); return ok, nil },
		Make: func(ctx context.Context, _ *Host) error {
			for range 60 {
				ok, said := hears(ctx)
				if ok || ctx.Err() != nil {
					return ctx.Err()
				}
				h.all.log("%s: %s", h.Address, said)
				select {
				case <-ctx.Done():
				case <-time.After(time.Second):
				}
			}
			return fmt.Errorf("the control plane does not hear it; see /var/lib/stackd/stackd.log there")
		}}
}
