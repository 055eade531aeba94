package keystone_test

import (
	"context"
	"testing"
	"time"

	"stackd/internal/fault"
	"stackd/internal/sqldb"
	"stackd/internal/sqldb/dbtest"
	"stackd/keystone"
	"stackd/keystone/keystonetest"
)

func TestATokenSaysWhoAndDiesWithItsReasons(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		c := keystonetest.New(t, db)
		ctx := t.Context()
		p := c.Project("p1")
		reader := keystone.Target{Kind: "project", ID: p}
		fresh := func() string { return c.Token("ann", "p1", "member") }
		tok := fresh()
		w, err := c.Check(ctx, tok)
		if err != nil || w.User.Name != "ann" || w.Project.ID != p || !w.Has("reader") || w.Has("manager") || w.ProjectDomain.Name != "Default" {
			t.Fatal(w, err)
		}
		ann := w.User.ID
		member := ""
		for _, r := range w.Roles {
			if r.Name == "member" {
				member = r.ID
			}
		}
		a := keystone.NewAssignment(keystone.Actor{Kind: "user", ID: ann}, reader, member, false)
		for name, end := range map[string]func(string) error{
			"revoked": func(tok string) error {
				s, err := c.Session(ctx, tok, false)
				if err != nil {
					return err
				}
				return c.Revoke(ctx, s)
			},
			"password": func(string) error {
				_, err := c.UpdateUser(ctx, ann, keystonetest.Password, func(*keystone.User) error { return nil })
				return err
			},
			"role": func(string) error { return c.Unassign(ctx, a) },
			"user disabled, then enabled": func(string) error {
				for _, on := range []bool{false, true} {
					if _, err := c.UpdateUser(ctx, ann, "", func(u *keystone.User) error { u.Enabled = on; return nil }); err != nil {
						return err
					}
				}
				return nil
			},
			"project disabled, then enabled": func(string) error {
				for _, on := range []bool{false, true} {
					if _, err := c.UpdateProject(ctx, p, func(u *keystone.Project) error { u.Enabled = on; return nil }); err != nil {
						return err
					}
				}
				return nil
			},
		} {
			tok := fresh()
			if _, err := c.Check(ctx, tok); err != nil {
				t.Fatal(name, err)
			}
			if err := end(tok); err != nil {
				t.Fatal(name, err)
			}
			if _, err := c.Check(ctx, tok); !fault.Is(err, fault.Unauthorized) {
				t.Errorf("%s: the token still lives: %v", name, err)
			}
		}
	})
}

func TestForgedAndForeignTokens(t *testing.T) {
	c := keystonetest.New(t, dbtest.New(t))
	other := keystonetest.New(t, dbtest.New(t))
	for _, tok := range []string{"", "x", "gAAAAA", other.Admin(), c.Admin() + "A", c.Admin()[1:]} {
		if w, err := c.Check(t.Context(), tok); !fault.Is(err, fault.Unauthorized) {
			t.Errorf("%.20s: %v %v", tok, w, err)
		}
	}
}

func TestRotationKeepsTokensAlive(t *testing.T) {
	c := keystonetest.New(t, dbtest.New(t))
	tok, lived := c.Admin(), 0
	for ; lived < 20; lived++ {
		if err := c.RotateKeys(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Check(t.Context(), tok); err != nil {
			break
		}
		if _, err := c.Check(t.Context(), c.Admin()); err != nil {
			t.Fatal(err)
		}
	}
	if lived != 3 { // of five keys one is staged and one signs
		t.Fatal("a token lived through", lived, "rotations")
	}
}

// The key is changed once a day, by whoever of many sees it first.
func TestKeysRotateDaily(t *testing.T) {
	db := dbtest.New(t)
	c := keystonetest.New(t, db)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	begin := db.Now()
	keys := func() (n int) {
		if err := db.Raw().QueryRow("SELECT COUNT(*) FROM keystone_keys WHERE kind = 'fernet'").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	db.Now = func() time.Time { return begin.Add(25 * time.Hour) }
	for range 3 {
		go c.Watch(ctx)
	}
	for deadline := time.Now().Add(5 * time.Second); keys() != 3; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("there are", keys(), "keys")
		}
	}
	time.Sleep(100 * time.Millisecond)
	if n := keys(); n != 3 {
		t.Fatal("it was changed more than once:", n)
	}
}

func TestExpiry(t *testing.T) {
	db := dbtest.New(t)
	c := keystonetest.New(t, db)
	tok := c.Admin()
	now := db.Now
	db.Now = func() time.Time { return now().Add(61 * time.Minute) }
	if _, err := c.Check(t.Context(), tok); !fault.Is(err, fault.Unauthorized) {
		t.Fatal("an old token lives:", err)
	}
	if _, err := c.Session(t.Context(), tok, true); err != nil {
		t.Fatal("allow_expired:", err)
	}
	db.Now = func() time.Time { return now().Add(50 * time.Hour) }
	if _, err := c.Session(t.Context(), tok, true); err == nil {
		t.Fatal("allowed for ever")
	}
}

// Two control planes over one database: what one revokes, the other refuses.
func TestControlPlanesAgree(t *testing.T) {
	db := dbtest.New(t)
	if !db.Postgres() {
		return // an SQLite file belongs to one process
	}
	one, two := keystonetest.New(t, db), keystonetest.New(t, db)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go two.Watch(ctx)
	tok := one.Admin()
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if _, err := two.Check(ctx, tok); err == nil {
			break
		} else if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	time.Sleep(50 * time.Millisecond) // Watch is up
	two.Check(ctx, tok)
	s, err := one.Session(ctx, tok, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := one.Revoke(ctx, s); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(2 * time.Second); ; time.Sleep(time.Millisecond) {
		if _, err := two.Check(ctx, tok); err != nil {
			return
		} else if time.Now().After(deadline) {
			t.Fatal("the other control plane still takes the token")
		}
	}
}

func BenchmarkCheckWarm(b *testing.B) {
	c := keystonetest.New(b, dbtest.SQLite(b))
	tok := c.Admin()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := c.Check(context.Background(), tok); err != nil {
				b.Fatal(err)
			}
		}
	})
}
