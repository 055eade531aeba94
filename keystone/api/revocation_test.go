package api_test

import (
	"context"
	"testing"
	"time"

	"stackd/internal/sqldb"
	"stackd/internal/sqldb/dbtest"
	"stackd/keystone"
)

// What ends a token ends it in the very next request, and on PostgreSQL also at a
// second control plane that has the token's session in its memory.
func TestWhatEndsATokenEndsItEverywhere(t *testing.T) {
	type scene struct {
		*site
		user, group, project, domain, role, token, admin string
	}
	for name, end := range map[string]func(s scene){
		"the token is revoked": func(s scene) { s.do(s.token, "DELETE /v3/auth/tokens", "", "X-Subject-Token", s.token) },
		"the user is disabled": func(s scene) { s.must(200, s.admin, "PATCH /v3/users/"+s.user, `{"user":{"enabled":false}}`) },
		"the user is deleted":  func(s scene) { s.must(204, s.admin, "DELETE /v3/users/"+s.user, "") },
		"the password is set":  func(s scene) { s.must(200, s.admin, "PATCH /v3/users/"+s.user, `{"user":{"password":"new"}}`) },
		"the password is changed": func(s scene) {
			s.must(204, "", "POST /v3/users/"+s.user+"/password", `{"user":{"original_password":"pw","password":"new"}}`)
		},
		"the user leaves the group": func(s scene) { s.must(204, s.admin, "DELETE /v3/groups/"+s.group+"/users/"+s.user, "") },
		"the group is deleted":      func(s scene) { s.must(204, s.admin, "DELETE /v3/groups/"+s.group, "") },
		"the group loses the role": func(s scene) {
			s.must(204, s.admin, "DELETE /v3/projects/"+s.project+"/groups/"+s.group+"/roles/"+s.role, "")
		},
		"the role is deleted": func(s scene) { s.must(204, s.admin, "DELETE /v3/roles/"+s.role, "") },
		"the project is disabled": func(s scene) {
			s.must(200, s.admin, "PATCH /v3/projects/"+s.project, `{"project":{"enabled":false}}`)
		},
		"the project is deleted": func(s scene) { s.must(204, s.admin, "DELETE /v3/projects/"+s.project, "") },
		"the domain is disabled": func(s scene) {
			s.must(200, s.admin, "PATCH /v3/domains/"+s.domain, `{"domain":{"enabled":false}}`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
				s := scene{site: open(t, db)}
				s.watch(t)
				s.admin = s.Admin()
				s.domain = s.must(201, s.admin, "POST /v3/domains", `{"domain":{"name":"d"}}`)
				s.project = s.must(201, s.admin, "POST /v3/projects", `{"project":{"name":"p","domain_id":"`+s.domain+`"}}`)
				s.user = s.must(201, s.admin, "POST /v3/users", `{"user":{"name":"u","password":"pw","domain_id":"`+s.domain+`"}}`)
				s.group = s.must(201, s.admin, "POST /v3/groups", `{"group":{"name":"g","domain_id":"`+s.domain+`"}}`)
				s.role = s.must(201, s.admin, "POST /v3/roles", `{"role":{"name":"r"}}`)
				s.must(204, s.admin, "PUT /v3/groups/"+s.group+"/users/"+s.user, "")
				s.must(204, s.admin, "PUT /v3/projects/"+s.project+"/groups/"+s.group+"/roles/"+s.role, "")
				var err error
				_, s.token, err = s.Identity.SignIn(t.Context(), keystone.Proof{Methods: []string{"password"}, Password: "pw", User: keystone.Named{ID: s.user}}, keystone.ScopeWish{Project: &keystone.Named{ID: s.project}})
				if err != nil {
					t.Fatal(err)
				}
				planes := []*site{s.site}
				if db.Postgres() {
					planes = append(planes, second(t, db))
				}
				for n, p := range planes {
					if got := p.ask(s.token, "GET /v3/auth/catalog", ""); got != 200 {
						t.Fatalf("plane %d before: %d", n, got)
					}
				}
				end(s)
				for n, p := range planes {
					if got := p.ask(s.token, "GET /v3/auth/catalog", ""); got != 401 {
						t.Errorf("plane %d still takes the token: %d", n, got)
					}
				}
			})
		})
	}
}

// second is another control plane over the same database, which listens.
func second(t *testing.T, db *sqldb.DB) *site {
	t.Helper()
	other, err := sqldb.Open(context.Background(), db.URL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { other.Close() })
	p := open(t, other)
	p.watch(t)
	for !other.Hears("keystone") {
		time.Sleep(time.Millisecond)
	}
	return p
}

// watch hears what other control planes change until the test ends.
func (s *site) watch(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { s.Watch(ctx); close(done) }()
	t.Cleanup(func() { cancel(); <-done })
}

// A chain is a token and all that were made of it; revoking it ends them all, and
// nobody else's.
func TestAChainEndsWhole(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := open(t, db)
		other, tok := s.Token("ann", "p", "member"), s.Token("ann", "p", "member")
		_, child, _ := s.rescope(tok, `{"project":{"id":"`+s.Project("p")+`"}}`)
		_, grandchild, v := s.rescope(child, `"unscoped"`)
		chain := v["audit_ids"].([]any)[1].(string)
		now := db.Now()
		err := db.Tx(t.Context(), func(ctx context.Context) error {
			_, err := db.Q(ctx).ExecContext(ctx, "INSERT INTO keystone_revocations (audit_id, chain, revoked_at, issued_before, expires_at) VALUES (?, ?, ?, ?, ?)", chain, true, now, now, now.Add(time.Hour))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		s.must(200, s.Admin(), "PATCH /v3/users/"+s.userID("ann"), `{"user":{"description":"x"}}`) // what is remembered is forgotten
		for n, dead := range []string{tok, child, grandchild} {
			if got := s.ask(dead, "GET /v3/auth/projects", ""); got != 401 {
				t.Errorf("link %d of the chain: %d", n, got)
			}
		}
		if got := s.ask(other, "GET /v3/auth/projects", ""); got != 200 {
			t.Error("another chain ended with it:", got)
		}
	})
}
