package api_test

import (
	"testing"

	"stackd/internal/sqldb/dbtest"
)

// Passcodes are not offered unless the cloud turns them on; their body is checked.
func TestPasscodesAreOffAtFirst(t *testing.T) {
	s := open(t, dbtest.SQLite(t))
	s.Token("ann", "p", "member")
	for user, want := range map[string]int{`{"id":"` + s.userID("ann") + `","passcode":"123456"}`: 401, `{"id":"x"}`: 400, `{"passcode":"123456"}`: 400, `5`: 400} {
		if got := s.ask("", "POST /v3/auth/tokens", `{"auth":{"identity":{"methods":["totp"],"totp":{"user":`+user+`}}}}`); got != want {
			t.Errorf("%s: %d, not %d", user, got, want)
		}
	}
}
