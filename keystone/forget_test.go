package keystone_test

import (
	"testing"

	"stackd/internal/sqldb/dbtest"
	"stackd/keystone"
	"stackd/keystone/keystonetest"
)

// What a check costs when the session is remembered, and when somebody has just
// changed something: the difference is what a change costs each token in use, once.
func BenchmarkCheck(b *testing.B) {
	c := keystonetest.New(b, dbtest.New(b))
	tok := c.Token("ann", "p", "member")
	user, err := c.EnsureUser(b.Context(), "bob", keystonetest.Password)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("remembered", func(b *testing.B) {
		for b.Loop() {
			if _, err := c.Check(b.Context(), tok); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("after a change", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			if _, err := c.UpdateUser(b.Context(), user, "", func(u *keystone.User) error { return nil }); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
			if _, err := c.Check(b.Context(), tok); err != nil {
				b.Fatal(err)
			}
		}
	})
}
