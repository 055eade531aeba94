package placement

import (
	"cmp"
	"context"
	"slices"
)

// A Group is resources asked for together. The group without a suffix may be met
// by several providers of a tree, the others by one provider each.
type Group struct {
	Suffix    string
	Resources map[string]int64
	// Required is all of these traits, each of which may be one of several.
	Required  [][]string
	Forbidden []string
	// MemberOf is all of these, each of which is one of several aggregates.
	MemberOf    [][]string
	NotMemberOf []string
	InTree      string // a provider of the tree that must be used
}

// A CandidateQuery is what allocation candidates are asked for (API reference,
// "Allocation candidates").
type CandidateQuery struct {
	Groups        []Group
	Isolate       bool // suffixed groups go to different providers
	SameSubtree   [][]string
	RootRequired  []string
	RootForbidden []string
	Limit         int  // 0 is 1000
	Nested        bool // since 1.29: resources may come from children too
}

// A Candidate is one way to meet a query.
type Candidate struct {
	Resources map[string]map[string]int64 // provider → class → amount
	Mappings  map[string][]string         // suffix → providers
}

// A Summary is one provider as candidates see it.
type Summary struct {
	*Provider
	Inventories map[string]Inventory
	Used        map[string]int64
}

// sharing marks a provider that gives to all of its aggregates.
const sharing = "MISC_SHARES_VIA_AGGREGATE"

// Candidates are the ways to meet q now, and the providers they speak of.
func (p *Placement) Candidates(ctx context.Context, q CandidateQuery) ([]Candidate, map[string]*Summary, error) {
	all, err := p.summaries(ctx)
	if err != nil {
		return nil, nil, err
	}
	s := &search{q: q, all: all, most: cmp.Or(q.Limit, 1000), seen: map[string]bool{}}
	trees := map[string][]*Summary{}
	var roots []*Summary
	for _, v := range all {
		trees[v.RootID] = append(trees[v.RootID], v)
		if v.RootID == v.ID {
			roots = append(roots, v)
		}
		if slices.Contains(v.Traits, sharing) {
			s.lent = append(s.lent, v)
		}
	}
	for _, root := range roots {
		if root.has(q.RootRequired, q.RootForbidden) && len(s.found) < s.most {
			s.tree(root, trees[root.RootID])
		}
	}
	return s.found, s.spoken(trees), nil
}

// summaries are all providers, oldest first, with what they have and what is used; with
// ids, these alone.
func (p *Placement) summaries(ctx context.Context, ids ...string) ([]*Summary, error) {
	rows, err := p.Providers(ctx, ProviderQuery{IDs: ids})
	if err != nil {
		return nil, err
	}
	inventories, err := p.Inventories(ctx, ids...)
	if err != nil {
		return nil, err
	}
	used, err := p.Usages(ctx, ids...)
	if err != nil {
		return nil, err
	}
	by := map[string]*Summary{}
	out := make([]*Summary, len(rows))
	for i, r := range rows {
		out[i] = &Summary{r, map[string]Inventory{}, used[r.ID]}
		by[r.ID] = out[i]
	}
	for _, i := range inventories {
		if v := by[i.ProviderID]; v != nil { // it came between the two queries
			v.Inventories[i.Class] = i
		}
	}
	return out, nil
}
