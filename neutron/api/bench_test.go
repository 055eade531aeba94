package api

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"stackd/internal/policy"
	"stackd/neutron"
	"stackd/neutron/neutrontest"
)

func benched(b *testing.B) (*neutron.Networking, func(method, path, body string) string) {
	b.Helper()
	rules, err := policy.Defaults()
	if err != nil {
		b.Fatal(err)
	}
	n, _ := neutrontest.New(b)
	h := New(n, tokens{}, rules["neutron"], "")
	return n, func(method, path, body string) string {
		r := httptest.NewRequest(method, "/v2.0"+path, strings.NewReader(body))
		r.Header.Set("X-Auth-Token", "p1/member")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code >= http.StatusBadRequest {
			b.Fatal(w.Code, w.Body)
		}
		return w.Body.String()
	}
}

func BenchmarkList500Networks(b *testing.B) {
	n, do := benched(b)
	ctx := neutrontest.As(b.Context(), "p1", "member")
	if err := n.SetQuota(ctx, "p1", map[string]int{"network": -1, "subnet": -1}, false); err != nil {
		b.Fatal(err)
	}
	for range 500 {
		neutrontest.Network(b, ctx, n, "p1", "10.0.0.0/24")
	}
	for b.Loop() {
		do("GET", "/networks", "")
	}
}

func BenchmarkCreateAndDeletePort(b *testing.B) {
	n, do := benched(b)
	net, _ := neutrontest.Network(b, neutrontest.As(b.Context(), "p1", "member"), n, "p1", "10.0.0.0/16")
	for b.Loop() {
		out := do("POST", "/ports", fmt.Sprintf(`{"port":{"network_id":%q}}`, net.ID))
		_, rest, _ := strings.Cut(out, `"id":"`)
		do("DELETE", "/ports/"+rest[:36], "")
	}
}
