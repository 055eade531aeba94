package api_test

import (
	"fmt"
	"sync"
	"testing"

	"stackd/internal/sqldb"
	"stackd/internal/sqldb/dbtest"
	"stackd/keystone/keystonetest"
)

// Many who make, use and unmake things at once do not get into each other's way,
// and a right that was given counts in the very next request.
func TestACrowd(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := open(t, db)
		admin, member := s.Admin(), s.roleID("member")
		var wg sync.WaitGroup
		for n := range 6 {
			wg.Go(func() {
				for m := range 5 {
					name := fmt.Sprintf("c%d-%d", n, m)
					ask := func(want int, token, call, body string) string {
						w, out := s.do(token, call, body)
						if w.Code != want {
							t.Errorf("%s: %d, not %d: %s", call, w.Code, want, w.Body)
						}
						if tok := w.Header().Get("X-Subject-Token"); tok != "" {
							return tok
						}
						return idOf(out)
					}
					p := ask(201, admin, "POST /v3/projects", `{"project":{"name":"`+name+`"}}`)
					u := ask(201, admin, "POST /v3/users", `{"user":{"name":"`+name+`","password":"`+keystonetest.Password+`"}}`)
					signIn := `{"auth":{"identity":{"methods":["password"],"password":{"user":{"id":"` + u + `","password":"` + keystonetest.Password + `"}}},"scope":{"project":{"id":"` + p + `"}}}}`
					ask(401, "", "POST /v3/auth/tokens", signIn)
					ask(204, admin, "PUT /v3/projects/"+p+"/users/"+u+"/roles/"+member, "")
					tok := ask(201, "", "POST /v3/auth/tokens", signIn)
					ask(200, tok, "GET /v3/users/"+u, "")
					ask(204, admin, "DELETE /v3/projects/"+p+"/users/"+u+"/roles/"+member, "")
					ask(401, tok, "GET /v3/users/"+u, "")
					ask(204, admin, "DELETE /v3/users/"+u, "")
					ask(204, admin, "DELETE /v3/projects/"+p, "")
				}
			})
		}
		wg.Wait()
	})
}
