package keystone_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/binary"
	"fmt"
	"sync"
	"testing"
	"time"

	"stackd/internal/fault"
	"stackd/internal/sqldb"
	"stackd/internal/sqldb/dbtest"
	"stackd/keystone"
	"stackd/keystone/keystonetest"
)

func TestWrongPasswordsLockOut(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		c := keystonetest.With(t, db, keystone.Options{LockoutAttempts: 3, LockoutDuration: 2 * time.Second})
		c.Token("ann", "p", "member")
		ann, err := c.EnsureUser(t.Context(), "ann", keystonetest.Password)
		if err != nil {
			t.Fatal(err)
		}
		try := func(password string) error {
			_, _, err := c.Identity.SignIn(t.Context(), keystone.Proof{Methods: []string{"password"}, Password: password, User: keystone.Named{ID: ann}}, keystone.ScopeWish{})
			return err
		}
		right := func() error { return try(keystonetest.Password) }
		fail := func(n int) {
			var wg sync.WaitGroup
			for range n {
				wg.Go(func() { try("wrong") })
			}
			wg.Wait()
		}
		fail(2)
		if err := right(); err != nil {
			t.Fatal("two are not three:", err)
		}
		fail(2)
		if err := right(); err != nil {
			t.Fatal("a right one did not end the row:", err)
		}
		fail(3)
		locked, wrong := right(), try("wrong")
		if !fault.Is(locked, fault.Unauthorized) || locked.Error() != wrong.Error() {
			t.Fatal(locked, wrong)
		}
		if err := c.ChangePassword(t.Context(), ann, keystonetest.Password, "other"); !fault.Is(err, fault.Unauthorized) {
			t.Error("a locked-out user changed its password:", err)
		}
		time.Sleep(2100 * time.Millisecond)
		if err := right(); err != nil {
			t.Error("it did not end:", err)
		}
		if _, err := c.UpdateUser(t.Context(), ann, "", func(u *keystone.User) error {
			u.Options = map[string]any{"ignore_lockout_failure_attempts": true}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		fail(5)
		if err := right(); err != nil {
			t.Error("an exempt user was locked out:", err)
		}
	})
}

// code is RFC 4226, written out.
func code(key string, at time.Time) string {
	m := hmac.New(sha1.New, []byte(key))
	binary.Write(m, binary.BigEndian, at.Unix()/30)
	s := m.Sum(nil)
	o := s[19] & 0xf
	return fmt.Sprintf("%06d", (int(s[o]&0x7f)<<24|int(s[o+1])<<16|int(s[o+2])<<8|int(s[o+3]))%1000000)
}

func TestAPasscodeProvesOnce(t *testing.T) {
	if got := code("12345678901234567890", time.Unix(59, 0)); got != "287082" {
		t.Fatal("the test's own codes are wrong:", got)
	}
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		const key, seed = "12345678901234567890", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
		c := keystonetest.With(t, db, keystone.Options{TOTP: true, LockoutAttempts: 3})
		ids := map[string]string{}
		for _, name := range []string{"ann", "bob"} {
			id, err := c.EnsureUser(t.Context(), name, keystonetest.Password)
			if err != nil {
				t.Fatal(err)
			}
			ids[name] = id
		}
		if err := c.CreateCredential(t.Context(), &keystone.Credential{UserID: ids["ann"], Type: "totp", Blob: seed}); err != nil {
			t.Fatal(err)
		}
		try := func(user, code string) error {
			s, _, err := c.Identity.SignIn(t.Context(), keystone.Proof{Methods: []string{"totp"}, Passcode: code, CodeUser: keystone.Named{ID: user}}, keystone.ScopeWish{})
			if err == nil && (s.Who.User.ID != user || s.Who.Methods[0] != "totp") {
				t.Error(s.Who)
			}
			return err
		}
		for time.Now().Unix()%30 > 27 { // not over the edge of a half minute
			time.Sleep(100 * time.Millisecond)
		}
		now := time.Now()
		for _, at := range []time.Time{now, now.Add(-30 * time.Second)} {
			if err := try(ids["ann"], code(key, at)); err != nil {
				t.Error(err)
			}
			if err := try(ids["ann"], code(key, at)); !fault.Is(err, fault.Unauthorized) {
				t.Error("a code proved twice:", err)
			}
		}
		for _, user := range []string{ids["bob"], "nobody"} {
			if err := try(user, code(key, now)); !fault.Is(err, fault.Unauthorized) {
				t.Error(user, err)
			}
		}
		for n, at := range []time.Time{now.Add(-60 * time.Second), now.Add(30 * time.Second)} {
			if err := try(ids["ann"], code(key, at)); !fault.Is(err, fault.Unauthorized) {
				t.Error(n, err)
			}
		}
		if _, _, err := c.Identity.SignIn(t.Context(), keystone.Proof{Methods: []string{"password"}, Password: keystonetest.Password, User: keystone.Named{ID: ids["ann"]}}, keystone.ScopeWish{}); !fault.Is(err, fault.Unauthorized) {
			t.Error("wrong passcodes did not lock out:", err)
		}
	})
}
