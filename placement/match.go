package placement

import (
	"context"
	"slices"
)

// Match is the providers that by themselves meet a group: they have room for its
// resources, its traits and aggregates, and are in its tree.
func (p *Placement) Match(ctx context.Context, g Group) ([]*Provider, error) {
	all, err := p.summaries(ctx)
	if err != nil {
		return nil, err
	}
	g.Suffix = "by itself"
	out := []*Provider{}
	for _, v := range all {
		in := g.InTree == "" || v.RootID == rootOf(all, g.InTree)
		if in && v.member(v, g) && v.has(nil, g.Forbidden) && traits(g.Required, v) && (len(g.Resources) == 0 || v.room(g.Resources)) {
			out = append(out, v.Provider)
		}
	}
	return slices.Clip(out), nil
}
