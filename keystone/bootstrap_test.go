package keystone_test

import (
	"testing"

	"stackd/internal/sqldb"
	"stackd/internal/sqldb/dbtest"
	"stackd/keystone"
	"stackd/keystone/keystonetest"
	"stackd/keystone/store"
)

func TestABootstrapUnderAnotherMasterKeyIsRefused(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		c := keystonetest.New(t, db)
		other, err := keystone.New(db, store.New(db), keystone.Options{BcryptCost: 4, MasterKey: []byte("not the one")})
		if err != nil {
			t.Fatal(err)
		}
		if err := other.Bootstrap(t.Context(), keystone.BootstrapSpec{AdminPassword: "another", ResetAdmin: true}); err == nil {
			t.Fatal("keys that cannot be read were taken")
		}
		c.Admin() // with the password as it was
	})
}

func TestAnAdminsPasswordIsKeptUnlessNobodyKnowsIt(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		c := keystonetest.New(t, db)
		signsIn := func(password string) bool {
			_, _, err := c.Identity.SignIn(t.Context(), keystone.Proof{Methods: []string{"password"}, Password: password,
				User: keystone.Named{Name: "admin", DomainID: keystone.DefaultDomain}}, keystone.ScopeWish{Unscoped: true})
			return err == nil
		}
		again := keystone.BootstrapSpec{AdminPassword: "another"}
		if err := c.Bootstrap(t.Context(), again); err != nil || signsIn("another") || !signsIn(keystonetest.Password) {
			t.Fatal("a second bootstrap changed the password", err)
		}
		for password, want := range map[string]bool{"another": false, keystonetest.Password: true} {
			if knows, err := c.AdminKnows(t.Context(), password); err != nil || knows != want {
				t.Error(password, knows, err)
			}
		}
		again.ResetAdmin = true
		if err := c.Bootstrap(t.Context(), again); err != nil || !signsIn("another") || signsIn(keystonetest.Password) {
			t.Fatal("the password was not reset", err)
		}
	})
}
