package deploy

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// lacking is what hosts need and cannot get, of those that can be asked before.
func (r *Run) lacking(ctx context.Context) []Finding {
	found := make([][]Finding, len(r.Hosts))
	var wg sync.WaitGroup
	for i, h := range r.Hosts {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, r.Timeout)
			defer cancel()
			found[i] = h.lacking(ctx)
		})
	}
	wg.Wait()
	return slices.Concat(found...)
}

func (h *Host) lacking(ctx context.Context) (all []Finding) {
	bad := func(format string, args ...any) {
		all = append(all, Finding{h.Address, fmt.Sprintf(format, args...), true})
	}
	k := h.family().keeper
	if dir := h.plan.Answers["CONFIG_STACKD_REPOSITORY"]; dir != "" {
		if index, kind := k.indexed(); !exists(filepath.Join(dir, index)) {
			bad("CONFIG_STACKD_REPOSITORY=%s has no packages for it (%s); fetch them on a machine of its system: stackd repository %s", dir, kind, dir)
			return all
		}
	}
	if k.lacks(h, "") == "" || !h.Facts.Root || h.all.DryRun && h.plan.Answers["CONFIG_STACKD_REPOSITORY"] != "" {
		return all
	}
	err := h.offered(func(source, _ string) error {
		out, err := h.Shell.Run(ctx, k.lacks(h, source), nil)
		if all := lacksOf(out); len(all) > 0 {
			bad("no repository of it has %s", told(all))
		}
		return err
	})
	if err != nil {
		bad("what its repositories have cannot be seen: %v", err)
	}
	return all
}

// lacksOf reads what a keeper's lacks printed: what will not be there even when the
// packages are that tell of more repositories.
func lacksOf(out string) (all []string) {
	for line := range strings.Lines(out) {
		name, ok := strings.CutPrefix(strings.TrimSpace(line), "lacks ")
		if o := origins[name]; ok && (o.release == "" || !strings.Contains(out, "release "+o.release)) {
			all = append(all, name)
		}
	}
	return all
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}
