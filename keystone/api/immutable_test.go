package api_test

import (
	"fmt"
	"testing"

	"stackd/internal/sqldb/dbtest"
)

func TestWhatIsImmutableStays(t *testing.T) {
	s := open(t, dbtest.SQLite(t))
	admin := s.Admin()
	for _, kind := range []string{"project", "domain", "role"} {
		on := "/v3/" + kind + "s"
		id := s.must(201, admin, "POST "+on, fmt.Sprintf(`{%q:{"name":"x","options":{"immutable":true}}}`, kind))
		change := func(members string) int {
			return s.ask(admin, "PATCH "+on+"/"+id, fmt.Sprintf(`{%q:{%s}}`, kind, members))
		}
		if got := change(`"name":"y"`); got != 403 {
			t.Errorf("%s: renamed: %d", kind, got)
		}
		if got := s.ask(admin, "DELETE "+on+"/"+id, ""); got != 403 {
			t.Errorf("%s: deleted: %d", kind, got)
		}
		if kind != "role" {
			if got := change(`"enabled":false`); got != 403 {
				t.Errorf("%s: disabled: %d", kind, got)
			}
			if got := s.ask(admin, "PUT /v3/projects/"+id+"/tags/t", ""); kind == "project" && got != 403 {
				t.Errorf("%s: tagged: %d", kind, got)
			}
		}
		if got := change(`"options":{"immutable":false},"name":"y"`); got != 403 {
			t.Errorf("%s: freed and changed in one: %d", kind, got)
		}
		if got := change(`"options":{"immutable":false}`); got != 200 {
			t.Errorf("%s: freed: %d", kind, got)
		}
		if got := change(`"name":"y"`); got != 200 {
			t.Errorf("%s: changed when free: %d", kind, got)
		}
		if kind == "domain" {
			change(`"enabled":false`)
		}
		if got := s.ask(admin, "DELETE "+on+"/"+id, ""); got != 204 {
			t.Errorf("%s: deleted at last: %d", kind, got)
		}
	}
}

// A domain takes all that is in it with it.
func TestADomainGoesWhole(t *testing.T) {
	db := dbtest.SQLite(t)
	s := open(t, db)
	admin := s.Admin()
	d := s.must(201, admin, "POST /v3/domains", `{"domain":{"name":"d"}}`)
	p := s.must(201, admin, "POST /v3/projects", `{"project":{"name":"p","domain_id":"`+d+`","tags":["a"]}}`)
	q := s.must(201, admin, "POST /v3/projects", `{"project":{"name":"q","domain_id":"`+d+`","parent_id":"`+p+`"}}`)
	u := s.must(201, admin, "POST /v3/users", `{"user":{"name":"u","password":"pw","domain_id":"`+d+`"}}`)
	g := s.must(201, admin, "POST /v3/groups", `{"group":{"name":"g","domain_id":"`+d+`"}}`)
	r := s.must(201, admin, "POST /v3/roles", `{"role":{"name":"r","domain_id":"`+d+`"}}`)
	s.must(204, admin, "PUT /v3/groups/"+g+"/users/"+u, "")
	for _, at := range []string{"/v3/projects/" + q + "/users/" + u, "/v3/projects/" + p + "/groups/" + g, "/v3/domains/" + d + "/users/" + u} {
		s.must(204, admin, "PUT "+at+"/roles/"+s.roleID("member"), "")
	}
	s.must(204, admin, "PUT /v3/projects/"+q+"/users/"+u+"/roles/"+r, "")
	s.must(403, admin, "DELETE /v3/domains/"+d, "")
	s.must(200, admin, "PATCH /v3/domains/"+d, `{"domain":{"enabled":false}}`)
	s.must(204, admin, "DELETE /v3/domains/"+d, "")
	for table, col := range map[string]string{"keystone_projects": "id", "keystone_users": "id", "keystone_groups": "id", "keystone_roles": "id", "keystone_project_tags": "project_id",
		"keystone_memberships": "user_id", "keystone_assignments": "target_id", "keystone_old_passwords": "user_id", "keystone_failures": "user_id"} {
		var n int
		if err := db.Raw().QueryRow("SELECT COUNT(*) FROM "+table+" WHERE "+col+" IN (?, ?, ?, ?, ?, ?)", d, p, q, u, g, r).Scan(&n); err != nil || n != 0 {
			t.Error(table, n, err)
		}
	}
}
