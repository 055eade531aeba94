package keystone_test

import (
	"context"
	"testing"
	"time"

	"stackd/internal/listing"
	"stackd/internal/sqldb"
	"stackd/internal/sqldb/dbtest"
	"stackd/keystone"
	"stackd/keystone/keystonetest"
)

func TestWhatIsDoneByHandIsAnEvent(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		c := keystonetest.New(t, db)
		if err := c.ByHand(t.Context(), "ops", "stackd keystone token rotate", "updated.key", "key", c.RotateKeys); err != nil {
			t.Fatal(err)
		}
		reset := func(ctx context.Context) error {
			return c.Bootstrap(ctx, keystone.BootstrapSpec{AdminPassword: "new one", ResetAdmin: true})
		}
		if err := c.ByHand(t.Context(), "ops", "stackd keystone bootstrap", "updated.user", "user", reset); err != nil {
			t.Fatal(err)
		}
		page, err := c.Events(t.Context(), listing.List{}, time.Time{}, time.Time{})
		if err != nil || len(page.Items) != 2 || page.Items[0].Action != "updated.user" || page.Items[1].Action != "updated.key" || page.Items[0].UserName != "ops" || page.Items[0].Outcome != "success" {
			t.Error(page, err)
		}
	})
}

// Whatever keeps the administrator out, a new password by hand lets it in, and whoever
// had the old one out.
func TestTheWayBackIn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		o := keystone.Options{LockoutAttempts: 1, Compliance: keystone.Compliance{PasswordExpiresDays: 1, InactiveDays: 5}}
		c := keystonetest.With(t, db, o)
		old := c.Admin()
		s, err := c.Session(t.Context(), old, false)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.UpdateUser(t.Context(), s.Who.User.ID, "known to nobody", func(u *keystone.User) error { u.Enabled = false; return nil }); err != nil {
			t.Fatal(err)
		}
		db.Now = func() time.Time { return time.Now().Add(240 * time.Hour).UTC().Truncate(time.Microsecond) }
		c.Identity.SignIn(t.Context(), keystone.Proof{Methods: []string{"password"}, Password: "wrong", User: keystone.Named{ID: s.Who.User.ID}}, keystone.ScopeWish{})
		if err := c.Bootstrap(t.Context(), keystone.BootstrapSpec{AdminPassword: keystonetest.Password, ResetAdmin: true}); err != nil {
			t.Fatal(err)
		}
		fresh := c.Admin()
		if _, err := c.Check(t.Context(), fresh); err != nil {
			t.Error(err)
		}
		if _, err := c.Check(t.Context(), old); err == nil {
			t.Error("a token of before is good")
		}
	})
}
