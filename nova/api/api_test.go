package api_test

import (
	"testing"

	"stackd/internal/policy"
	"stackd/nova/api"
)

func TestRowsHoldTogether(t *testing.T) {
	all, err := policy.Defaults()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range api.Routes(nil) {
		if err := r.Body.Compile(); err != nil {
			t.Errorf("%s %s: %v", r.On, r.Action, err)
		}
		if r.Rule != "" && all["nova"].Rule(r.Rule) == nil {
			t.Errorf("%s %s: there is no rule %s", r.On, r.Action, r.Rule)
		}
	}
}
