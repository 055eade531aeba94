package api_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"stackd/internal/fault"
	"stackd/internal/policy"
	"stackd/internal/sqldb/dbtest"
	"stackd/internal/token"
	"stackd/placement"
	"stackd/placement/api"
	"stackd/placement/store"
)

func TestRowsHoldTogether(t *testing.T) {
	all, err := policy.Defaults()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range api.Routes(nil) {
		if err := r.Body.Compile(); err != nil {
			t.Errorf("%s: %v", r.On, err)
		}
		if r.Rule != "" && all["placement"].Rule(r.Rule) == nil {
			t.Errorf("%s: there is no rule %s", r.On, r.Rule)
		}
	}
}

type tokens struct{}

func (tokens) Check(_ context.Context, t string) (*token.Who, error) {
	if t == "" {
		return nil, fault.New(fault.Unauthorized, "no")
	}
	return &token.Who{Project: token.Ref{ID: "p"}, Roles: []token.Ref{{Name: t}}}, nil
}

func handler(t *testing.T) http.Handler {
	slog.SetDefault(slog.New(slog.NewTextHandler(io.Discard, nil)))
	s, err := store.Open(t.Context(), dbtest.New(t))
	if err != nil {
		t.Fatal(err)
	}
	rules, err := policy.Defaults()
	if err != nil {
		t.Fatal(err)
	}
	return api.New(placement.New(s), tokens{}, rules["placement"], "http://k")
}

const (
	rp = "11111111-1111-1111-1111-111111111111"
	co = "22222222-2222-2222-2222-222222222222"
)

// One provider's life, step by step; each answer is status and what it must contain.
func TestWalk(t *testing.T) {
	h := handler(t)
	for _, c := range []struct{ req, ver, body, want string }{
		{"GET /", "", "", `200 "max_version":"1.39"`},
		{"POST /resource_providers", "1.39", `{"name":"h","uuid":"` + rp + `"}`, `200 "generation":0,"links":[{"rel":"self","href":"/resource_providers/` + rp + `"}`},
		{"POST /resource_providers", "1.39", `{"name":"h"}`, `409 "code":"placement.duplicate_name"`},
		{"POST /resource_providers", "1.39", `{"nosuch":1}`, `400 JSON does not validate: `},
		{"GET /resource_providers/" + co, "1.39", "", `404 No resource provider with uuid ` + co + ` found  "`},
		{"GET /resource_providers", "1.999", "", `406 Unacceptable version header: 1.999","request_id"`},
		{"PUT /resource_providers/" + rp + "/inventories", "1.39", `{"resource_provider_generation":0,"inventories":{"VCPU":{"total":4},"MEMORY_MB":{"total":100,"max_unit":50}}}`, `200 "resource_provider_generation":1`},
		{"PUT /resource_providers/" + rp + "/inventories", "1.39", `{"resource_provider_generation":0,"inventories":{}}`, `409 "code":"placement.concurrent_update"`},
		{"PUT /resource_providers/" + rp + "/inventories", "1.39", `{"resource_provider_generation":1,"inventories":{"NOSUCH":{"total":4}}}`, `400 No such resource class NOSUCH`},
		{"PUT /traits/CUSTOM_GOLD", "1.39", "", `201 `},
		{"PUT /traits/CUSTOM_GOLD", "1.39", "", `204 `},
		{"PUT /traits/GOLD", "1.39", "", `400 CUSTOM_`},
		{"PUT /resource_providers/" + rp + "/traits", "1.39", `{"resource_provider_generation":1,"traits":["CUSTOM_GOLD"]}`, `200 "traits":["CUSTOM_GOLD"]`},
		{"GET /allocation_candidates?resources=VCPU:1,MEMORY_MB:20&required=CUSTOM_GOLD", "1.39", "", `200 "mappings":{"":["` + rp + `"]}`},
		{"GET /allocation_candidates?resources=VCPU:1,MEMORY_MB:60", "1.39", "", `200 "allocation_requests":[]`},
		{"GET /allocation_candidates?resources1=VCPU:1", "1.24", "", `400 'resources1' was unexpected`},
		{"GET /allocation_candidates?resources=VCPU:1", "1.9", "", `404 `},
		{"PUT /allocations/" + co, "1.39", `{"allocations":{"` + rp + `":{"resources":{"VCPU":3}}},"project_id":"p","user_id":"u","consumer_generation":null,"consumer_type":"INSTANCE"}`, `204 `},
		{"PUT /allocations/" + co, "1.39", `{"allocations":{"` + rp + `":{"resources":{"VCPU":5}}},"project_id":"p","user_id":"u","consumer_generation":1,"consumer_type":"INSTANCE"}`, `409 Unable to allocate inventory`},
		{"GET /allocations/" + co, "1.39", "", `200 "resources":{"VCPU":3}`},
		{"GET /usages?project_id=p", "1.39", "", `200 {"usages":{"INSTANCE":{"VCPU":3,"consumer_count":1}}}`},
		{"GET /usages?project_id=p", "1.9", "", `200 {"usages":{"VCPU":3}}`},
		{"DELETE /resource_providers/" + rp, "1.39", "", `409 "code":"placement.resource_provider.inuse"`},
		{"DELETE /resource_providers/" + rp + "/inventories/VCPU", "1.39", "", `409 in use`},
		{"DELETE /allocations/" + co, "1.39", "", `204 `},
		{"DELETE /allocations/" + co, "1.39", "", `404 No allocations`},
		{"DELETE /resource_providers/" + rp, "1.39", "", `204 `},
	} {
		m, p, _ := strings.Cut(c.req, " ")
		r := httptest.NewRequest(m, "http://h"+p, strings.NewReader(c.body))
		r.Header.Set("X-Auth-Token", "admin")
		if c.ver != "" {
			r.Header.Set("OpenStack-API-Version", "placement "+c.ver)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		status, text, _ := strings.Cut(c.want, " ")
		if got := w.Result().Status[:3]; got != status || !strings.Contains(w.Body.String(), text) {
			t.Errorf("%s %s:\n got %s %s\nwant %s %s", c.req, c.ver, got, w.Body, status, text)
		}
	}
}

func TestMembersMayNot(t *testing.T) {
	h := handler(t)
	r := httptest.NewRequest("GET", "/resource_providers", nil)
	r.Header.Set("X-Auth-Token", "member")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != 403 || !strings.Contains(w.Body.String(), "Policy does not allow placement:resource_providers:list to be performed.") {
		t.Fatal(w.Code, w.Body)
	}
}
