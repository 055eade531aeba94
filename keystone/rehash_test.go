package keystone_test

import (
	"strings"
	"testing"

	"stackd/internal/sqldb"
	"stackd/internal/sqldb/dbtest"
	"stackd/keystone"
	"stackd/keystone/keystonetest"
)

func TestTheNextSignInHashesAnew(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		c := keystonetest.New(t, db)
		old := c.Token("ann", "p", "member")
		kept := func() string {
			id, _ := c.EnsureUser(t.Context(), "ann", "")
			u, err := c.User(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			return u.PasswordHash
		}
		if !strings.HasPrefix(kept(), "$2a$") {
			t.Fatal(kept())
		}
		d := keystonetest.With(t, db, keystone.Options{PasswordHash: "pbkdf2_sha512"})
		d.SignIn("ann", keystone.ScopeWish{})
		if !strings.HasPrefix(kept(), "$pbkdf2-sha512$") {
			t.Error("not anew:", kept())
		}
		now := kept()
		d.SignIn("ann", keystone.ScopeWish{})
		if kept() != now {
			t.Error("hashed anew without need")
		}
		if _, err := d.Check(t.Context(), old); err != nil {
			t.Error("hashing anew ended a token:", err)
		}
	})
}
