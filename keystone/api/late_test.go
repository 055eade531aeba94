package api_test

import (
	"testing"
	"time"

	"stackd/internal/sqldb/dbtest"
	"stackd/keystone"
)

func TestAnEndedTokenIsForServicesOnly(t *testing.T) {
	now := &clock{}
	db := dbtest.SQLite(t)
	now.on(db)
	s := openWith(t, db, keystone.Options{})
	tok := s.Token("ann", "p", "member")
	see := func(path string, want int) {
		t.Helper()
		service := s.Token("nova", "service", "service")
		if w, _ := s.do(service, "GET "+path, "", "X-Subject-Token", tok); w.Code != want {
			t.Errorf("%s after %v: %d, not %d: %s", path, now.ahead, w.Code, want, w.Body)
		}
	}
	see("/v3/auth/tokens", 200)
	now.ahead = 2 * time.Hour
	see("/v3/auth/tokens", 404)
	see("/v3/auth/tokens?allow_expired=1", 200)
	if w, _ := s.do(tok, "GET /v3/auth/projects", "", "X-Service-Token", s.Token("nova", "service", "service")); w.Code != 401 {
		t.Error("identity itself takes an ended token:", w.Code)
	}
	now.ahead = 50 * time.Hour
	see("/v3/auth/tokens?allow_expired=1", 404)
}
