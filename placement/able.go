package placement

import (
	"context"
	"slices"
)

// Able is the providers that can take all of the resources by themselves, and
// have the traits required and none forbidden.
func (p *Placement) Able(ctx context.Context, resources map[string]int64, required, forbidden []string) ([]string, error) {
	providers, err := p.Providers(ctx, ProviderQuery{})
	if err != nil {
		return nil, err
	}
	inventories, err := p.Inventories(ctx)
	if err != nil {
		return nil, err
	}
	used, err := p.Usages(ctx)
	if err != nil {
		return nil, err
	}
	fits := map[string]int{}
	for _, i := range inventories {
		if n, ok := resources[i.Class]; ok && i.Takes(n) && used[i.ProviderID][i.Class]+n <= i.Capacity() {
			fits[i.ProviderID]++
		}
	}
	var out []string
	for _, v := range providers {
		if fits[v.ID] == len(resources) && v.has(required, forbidden) {
			out = append(out, v.ID)
		}
	}
	return out, nil
}

func (v *Provider) has(required, forbidden []string) bool {
	for _, t := range required {
		if !slices.Contains(v.Traits, t) {
			return false
		}
	}
	return !slices.ContainsFunc(forbidden, func(t string) bool { return slices.Contains(v.Traits, t) })
}
