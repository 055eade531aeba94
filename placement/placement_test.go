package placement_test

import (
	"context"
	"sync"
	"testing"

	"stackd/internal/fault"
	"stackd/internal/sqldb"
	"stackd/internal/sqldb/dbtest"
	"stackd/placement"
	"stackd/placement/store"
)

func open(t *testing.T, db *sqldb.DB) *placement.Placement {
	t.Helper()
	s, err := store.Open(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	return placement.New(s)
}

func provide(t *testing.T, p *placement.Placement, id, parent string, traits []string, amounts map[string]int64) {
	t.Helper()
	err := p.Tx(t.Context(), func(ctx context.Context) error {
		row := &placement.Provider{ID: id, Name: id, RootID: id, ParentID: parent, Traits: traits, CreatedAt: p.Now(), UpdatedAt: p.Now()}
		if parent != "" {
			row.RootID = parent
		}
		if err := p.InsertProvider(ctx, row); err != nil {
			return err
		}
		var rows []placement.Inventory
		for class, n := range amounts {
			rows = append(rows, placement.Inventory{ProviderID: id, Class: class, Total: n, MinUnit: 1, MaxUnit: n, StepSize: 1, Ratio: 1})
		}
		return p.SetInventories(ctx, id, rows)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Of many that claim at once, just as many get something as there is.
func TestNobodyGetsWhatIsNotThere(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		p := open(t, db)
		provide(t, p, "h", "", nil, map[string]int64{"VCPU": 4})
		var wg sync.WaitGroup
		var mu sync.Mutex
		got := 0
		for i := range 10 {
			wg.Go(func() {
				err := p.Claim(t.Context(), placement.Claim{Consumer: string(rune('a' + i)), Resources: map[string]map[string]int64{"h": {"VCPU": 1}}})
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					got++
				} else if !fault.Is(err, fault.Conflict) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		u, err := p.Usages(t.Context())
		if got != 4 || u["h"]["VCPU"] != 4 || err != nil {
			t.Fatal(got, u, err)
		}
		if err := p.Release(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
	})
}

func TestGenerations(t *testing.T) {
	p := open(t, dbtest.New(t))
	provide(t, p, "h", "", nil, map[string]int64{"VCPU": 4})
	claim := func(gen *int64, n int64) error {
		return p.Claim(t.Context(), placement.Claim{Consumer: "c", Checked: true, Generation: gen, Resources: map[string]map[string]int64{"h": {"VCPU": n}}})
	}
	one, two := int64(1), int64(2)
	if err := claim(&one, 1); !fault.Is(err, fault.Conflict) {
		t.Fatal("a new consumer had a generation:", err)
	}
	if err := claim(nil, 1); err != nil {
		t.Fatal(err)
	}
	if err := claim(nil, 2); !fault.Is(err, fault.Conflict) {
		t.Fatal("a known consumer was new:", err)
	}
	if err := claim(&two, 2); !fault.Is(err, fault.Conflict) {
		t.Fatal("a wrong generation was taken:", err)
	}
	if err := claim(&one, 4); err != nil {
		t.Fatal("its own resources stood in its way:", err)
	}
}

func TestCandidates(t *testing.T) {
	p := open(t, dbtest.New(t))
	provide(t, p, "h1", "", []string{"HW_CPU_X86_AVX"}, map[string]int64{"VCPU": 4, "MEMORY_MB": 1000})
	provide(t, p, "n1", "h1", nil, map[string]int64{"SRIOV_NET_VF": 2})
	provide(t, p, "n2", "h1", []string{"CUSTOM_FAST"}, map[string]int64{"SRIOV_NET_VF": 2})
	provide(t, p, "h2", "", nil, map[string]int64{"VCPU": 8, "MEMORY_MB": 500})
	base := placement.Group{Resources: map[string]int64{"VCPU": 2, "MEMORY_MB": 400}}
	nic := func(suffix string, traits ...string) placement.Group {
		g := placement.Group{Suffix: suffix, Resources: map[string]int64{"SRIOV_NET_VF": 1}}
		for _, x := range traits {
			g.Required = append(g.Required, []string{x})
		}
		return g
	}
	for name, c := range map[string]struct {
		q    placement.CandidateQuery
		want int
	}{
		"both hosts":           {placement.CandidateQuery{Groups: []placement.Group{base}}, 2},
		"limit":                {placement.CandidateQuery{Groups: []placement.Group{base}, Limit: 1}, 1},
		"a trait":              {placement.CandidateQuery{Groups: []placement.Group{{Resources: base.Resources, Required: [][]string{{"HW_CPU_X86_AVX"}}}}}, 1},
		"no such trait":        {placement.CandidateQuery{Groups: []placement.Group{{Resources: base.Resources, Forbidden: []string{"HW_CPU_X86_AVX"}}}}, 1},
		"too much":             {placement.CandidateQuery{Groups: []placement.Group{{Resources: map[string]int64{"VCPU": 9}}}}, 0},
		"children":             {placement.CandidateQuery{Nested: true, Groups: []placement.Group{base, nic("1")}}, 2},
		"children, not before": {placement.CandidateQuery{Groups: []placement.Group{base, nic("1")}}, 0},
		"two together":         {placement.CandidateQuery{Nested: true, Groups: []placement.Group{base, nic("1"), nic("2")}}, 4},
		"two apart":            {placement.CandidateQuery{Nested: true, Isolate: true, Groups: []placement.Group{base, nic("1"), nic("2")}}, 2},
		"one of them fast":     {placement.CandidateQuery{Nested: true, Groups: []placement.Group{base, nic("1", "CUSTOM_FAST")}}, 1},
		"in a tree":            {placement.CandidateQuery{Groups: []placement.Group{{Resources: base.Resources, InTree: "h2"}}}, 1},
		"root's trait":         {placement.CandidateQuery{RootRequired: []string{"HW_CPU_X86_AVX"}, Groups: []placement.Group{base}}, 1},
		"same subtree, no":     {placement.CandidateQuery{Nested: true, SameSubtree: [][]string{{"1", "2"}}, Groups: []placement.Group{nic("1"), nic("2", "CUSTOM_FAST")}}, 1},
	} {
		found, _, err := p.Candidates(t.Context(), c.q)
		if err != nil || len(found) != c.want {
			t.Errorf("%s: %d candidates, want %d: %v %v", name, len(found), c.want, found, err)
		}
	}
}

// A view says what placement says, and what it is told was taken since.
func TestView(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		p := open(t, db)
		provide(t, p, "a", "", []string{"CUSTOM_FAST"}, map[string]int64{"VCPU": 4})
		provide(t, p, "b", "", nil, map[string]int64{"VCPU": 2})
		v, err := p.View(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		names := func(rows []*placement.Provider) (all string) {
			for _, r := range rows {
				all += r.ID
			}
			return all
		}
		for want, g := range map[string]placement.Group{
			"ab": {Resources: map[string]int64{"VCPU": 2}},
			"a":  {Resources: map[string]int64{"VCPU": 1}, Required: [][]string{{"CUSTOM_FAST"}}},
			"b":  {Resources: map[string]int64{"VCPU": 1}, Forbidden: []string{"CUSTOM_FAST"}},
		} {
			now, err := p.Match(t.Context(), g)
			if err != nil || names(now) != want || names(v.Match(g)) != want {
				t.Error(want, names(now), names(v.Match(g)), err)
			}
			if one, err := p.Match(t.Context(), g, "a"); err != nil || (names(one) == "a") != (want != "b") {
				t.Error(want, "of a alone:", names(one), err)
			}
		}
		v.Took("a", map[string]int64{"VCPU": 3})
		if got := names(v.Match(placement.Group{Resources: map[string]int64{"VCPU": 2}})); got != "b" || v.Used("a", "VCPU") != 3 {
			t.Error(got, v.Used("a", "VCPU"))
		}
	})
}
