package api_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"stackd/internal/sqldb/dbtest"
	"stackd/keystone/keystonetest"
)

// What a sign-in costs whose password is remembered: all of it but the hash, with its
// event in the audit.
func BenchmarkSignIn(b *testing.B) {
	s := open(b, dbtest.New(b))
	s.Token("ann", "p", "member")
	body := `{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"ann","domain":{"id":"default"},"password":"` + keystonetest.Password + `"}}},"scope":{"project":{"name":"p","domain":{"id":"default"}}}}}`
	for b.Loop() {
		w := httptest.NewRecorder()
		s.h.ServeHTTP(w, httptest.NewRequest("POST", "/v3/auth/tokens", strings.NewReader(body)))
		if w.Code != http.StatusCreated {
			b.Fatal(w.Code, w.Body)
		}
	}
}
