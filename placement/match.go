package placement

import (
	"context"
	"slices"
	"sync"
)

// Match is the providers that by themselves meet a group: they have room for its
// resources, its traits and aggregates, and are in its tree. With ids, of these alone.
func (p *Placement) Match(ctx context.Context, g Group, ids ...string) ([]*Provider, error) {
	all, err := p.summaries(ctx, ids...)
	return match(all, g), err
}

func match(all []*Summary, g Group) []*Provider {
	g.Suffix = "by itself"
	root := ""
	if g.InTree != "" {
		root = rootOf(all, g.InTree)
	}
	out := []*Provider{}
	for _, v := range all {
		in := g.InTree == "" || v.RootID == root
		if in && v.member(v, g) && v.has(nil, g.Forbidden) && traits(g.Required, v) && (len(g.Resources) == 0 || v.room(g.Resources)) {
			out = append(out, v.Provider)
		}
	}
	return slices.Clip(out)
}

// A View is all providers as they were at one time, with what was taken of them since as
// far as Took was told. Who chooses by it must look again at what was chosen.
type View struct {
	mu  sync.Mutex
	all []*Summary
	by  map[string]*Summary
}

// View looks at all providers.
func (p *Placement) View(ctx context.Context) (*View, error) {
	all, err := p.summaries(ctx)
	v := &View{all: all, by: map[string]*Summary{}}
	for _, s := range all {
		v.by[s.ID] = s
	}
	return v, err
}

// Match is Placement's, of the view.
func (v *View) Match(g Group) []*Provider {
	v.mu.Lock()
	defer v.mu.Unlock()
	return match(v.all, g)
}

// Used is how much of a provider's class is taken.
func (v *View) Used(provider, class string) int64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	if s := v.by[provider]; s != nil {
		return s.Used[class]
	}
	return 0
}

// Took says that so much of a provider was taken.
func (v *View) Took(provider string, resources map[string]int64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	s := v.by[provider]
	if s == nil {
		return
	}
	if s.Used == nil {
		s.Used = map[string]int64{}
	}
	for class, n := range resources {
		s.Used[class] += n
	}
}
