package placement

import (
	"maps"
	"slices"
)

type search struct {
	q     CandidateQuery
	all   []*Summary
	lent  []*Summary // those that share with their aggregates
	most  int
	found []Candidate
	seen  map[string]bool
}

// tree finds the candidates of one tree and of what is shared with it.
func (s *search) tree(root *Summary, tree []*Summary) {
	pool := slices.Clone(tree)
	if !s.q.Nested {
		pool = []*Summary{root}
	}
	for _, v := range s.lent {
		if v.RootID != root.RootID && shares(v, tree) {
			pool = append(pool, v)
		}
	}
	s.fill(root, pool, 0, map[string]map[string]int64{}, map[string][]string{})
}

func shares(v *Summary, tree []*Summary) bool {
	return slices.ContainsFunc(tree, func(t *Summary) bool {
		return slices.ContainsFunc(t.Aggregates, func(a string) bool { return slices.Contains(v.Aggregates, a) })
	})
}

// fill places group i and those after it, one way after another.
func (s *search) fill(root *Summary, pool []*Summary, i int, took map[string]map[string]int64, mapped map[string][]string) {
	if len(s.found) >= s.most {
		return
	}
	if i == len(s.q.Groups) {
		s.keep(root, took, mapped)
		return
	}
	g := s.q.Groups[i]
	s.ways(root, pool, g, func(way map[string]map[string]int64) {
		users := slices.Sorted(maps.Keys(way))
		if g.Suffix != "" && s.q.Isolate && taken(mapped, users) {
			return
		}
		next := mergeAmounts(took, way)
		for _, v := range pool {
			if !v.room(next[v.ID]) {
				return
			}
		}
		m := maps.Clone(mapped)
		m[g.Suffix] = users
		s.fill(root, pool, i+1, next, m)
	})
}

// taken tells whether a suffixed group has one of the providers already.
func taken(mapped map[string][]string, users []string) bool {
	for suffix, l := range mapped {
		if suffix != "" && slices.ContainsFunc(l, func(id string) bool { return slices.Contains(users, id) }) {
			return true
		}
	}
	return false
}

// ways calls f with each way that one group can be met: provider → class → amount.
func (s *search) ways(root *Summary, pool []*Summary, g Group, f func(map[string]map[string]int64)) {
	var fit []*Summary
	for _, v := range pool {
		if v.member(root, g) && v.has(nil, g.Forbidden) && (g.InTree == "" || v.RootID == rootOf(s.all, g.InTree)) {
			fit = append(fit, v)
		}
	}
	if g.Suffix != "" || len(g.Resources) == 0 {
		s.single(fit, g, f)
		return
	}
	classes := slices.Sorted(maps.Keys(g.Resources))
	s.spread(fit, g, classes, map[string]map[string]int64{}, f)
}

// single: one provider meets the whole group.
func (s *search) single(fit []*Summary, g Group, f func(map[string]map[string]int64)) {
	for _, v := range fit {
		if v.room(g.Resources) && traits(g.Required, v) {
			f(map[string]map[string]int64{v.ID: g.Resources})
		}
	}
}

// spread: every class from whichever provider has it.
func (s *search) spread(fit []*Summary, g Group, classes []string, took map[string]map[string]int64, f func(map[string]map[string]int64)) {
	if len(s.found) >= s.most {
		return
	}
	if len(classes) == 0 {
		var users []*Summary
		for _, v := range fit {
			if took[v.ID] != nil {
				users = append(users, v)
			}
		}
		if traits(g.Required, users...) {
			f(took)
		}
		return
	}
	for _, v := range fit {
		one := map[string]map[string]int64{v.ID: {classes[0]: g.Resources[classes[0]]}}
		if v.room(one[v.ID]) {
			s.spread(fit, g, classes[1:], mergeAmounts(took, one), f)
		}
	}
}

// room tells whether the provider can give these amounts now.
func (v *Summary) room(want map[string]int64) bool {
	for class, n := range want {
		i, ok := v.Inventories[class]
		if !ok || !i.Takes(n) || v.Used[class]+n > i.Capacity() {
			return false
		}
	}
	return true
}

// member tells whether the provider, or its tree's root, is in the aggregates asked for.
func (v *Summary) member(root *Summary, g Group) bool {
	in := func(a string) bool {
		return slices.Contains(v.Aggregates, a) || v.RootID == root.ID && g.Suffix == "" && slices.Contains(root.Aggregates, a)
	}
	for _, any := range g.MemberOf {
		if !slices.ContainsFunc(any, in) {
			return false
		}
	}
	return !slices.ContainsFunc(g.NotMemberOf, in)
}

// traits tells whether the providers together have all that is required.
func traits(required [][]string, users ...*Summary) bool {
	for _, any := range required {
		ok := slices.ContainsFunc(any, func(t string) bool {
			return slices.ContainsFunc(users, func(v *Summary) bool { return slices.Contains(v.Traits, t) })
		})
		if !ok {
			return false
		}
	}
	return true
}

func rootOf(all []*Summary, id string) string {
	for _, v := range all {
		if v.ID == id {
			return v.RootID
		}
	}
	return "-" // no such provider: nothing is in its tree
}

func mergeAmounts(a, b map[string]map[string]int64) map[string]map[string]int64 {
	out := map[string]map[string]int64{}
	for _, m := range []map[string]map[string]int64{a, b} {
		for id, classes := range m {
			if out[id] == nil {
				out[id] = map[string]int64{}
			}
			for c, n := range classes {
				out[id][c] += n
			}
		}
	}
	return out
}

// keep takes a candidate that is new and whose groups are where they should be.
func (s *search) keep(root *Summary, took map[string]map[string]int64, mapped map[string][]string) {
	for _, set := range s.q.SameSubtree {
		if !s.subtree(set, mapped) {
			return
		}
	}
	own := false
	for id, classes := range took {
		own = own || rootOf(s.all, id) == root.ID
		if len(classes) == 0 { // a group that asks for traits alone
			delete(took, id)
		}
	}
	k := fingerprint(took, mapped)
	if !own || len(took) == 0 || s.seen[k] {
		return
	}
	s.seen[k] = true
	s.found = append(s.found, Candidate{took, mapped})
}

func fingerprint(took map[string]map[string]int64, mapped map[string][]string) string {
	k := ""
	for _, id := range slices.Sorted(maps.Keys(took)) {
		for _, c := range slices.Sorted(maps.Keys(took[id])) {
			k += id + c + string(rune(took[id][c])) + ";"
		}
	}
	for _, suffix := range slices.Sorted(maps.Keys(mapped)) {
		k += suffix + "="
		for _, id := range mapped[suffix] {
			k += id + ","
		}
	}
	return k
}

// subtree tells whether one of the groups' providers is above all others of them.
func (s *search) subtree(suffixes []string, mapped map[string][]string) bool {
	var users []string
	for _, x := range suffixes {
		users = append(users, mapped[x]...)
	}
	return slices.ContainsFunc(users, func(top string) bool {
		return !slices.ContainsFunc(users, func(u string) bool { return !s.above(top, u) })
	})
}

func (s *search) above(top, id string) bool {
	for range len(s.all) {
		if id == top {
			return true
		}
		i := slices.IndexFunc(s.all, func(v *Summary) bool { return v.ID == id })
		if i < 0 || s.all[i].ParentID == "" {
			return false
		}
		id = s.all[i].ParentID
	}
	return false
}

// spoken are the providers that the candidates speak of: since 1.29 their whole trees.
func (s *search) spoken(trees map[string][]*Summary) map[string]*Summary {
	out := map[string]*Summary{}
	for _, c := range s.found {
		for id := range c.Resources {
			for _, v := range trees[rootOf(s.all, id)] {
				if s.q.Nested || v.ID == id {
					out[v.ID] = v
				}
			}
		}
	}
	return out
}
