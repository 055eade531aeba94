package planes

import (
	"fmt"
	"testing"
)

// What ends a token at one plane ends it at the other by the time that the first
// has answered: the very next check is refused.
func TestRevokedHereIsRefusedThere(t *testing.T) {
	a, b := twoPlanes(t)
	if a == nil {
		return
	}
	admin := a.signIn("admin", "default")
	roleID := firstID(t, a, admin, "/v3/roles?name=member")
	for n := range 60 {
		name := fmt.Sprintf("u%d", n)
		user, project := a.user(admin, name)
		grant := "/v3/projects/" + project + "/users/" + user + "/roles/" + roleID
		a.must(204, "PUT", grant, admin, "")
		token := a.signIn(name, "default")
		for range 3 { // b remembers it
			if status, _, out, err := b.do("GET", "/v3/auth/tokens", admin, token, ""); status != 200 {
				t.Fatal(status, string(out), err)
			}
		}
		end := []struct{ method, path, body string }{
			{"DELETE", "/v3/auth/tokens", ""},
			{"DELETE", grant, ""},
			{"PATCH", "/v3/users/" + user, `{"user":{"enabled":false}}`},
			{"PATCH", "/v3/users/" + user, `{"user":{"password":"another one"}}`},
			{"PATCH", "/v3/projects/" + project, `{"project":{"enabled":false}}`},
			{"DELETE", "/v3/users/" + user, ""},
		}[n%6]
		if status, _, out, err := a.do(end.method, end.path, admin, token, end.body); status >= 300 || err != nil {
			t.Fatal(end.method, end.path, status, string(out), err)
		}
		if status, _, _, _ := b.do("GET", "/v3/auth/tokens", admin, token, ""); status != 404 {
			t.Errorf("%s %s at one plane: the other's next check answers %d", end.method, end.path, status)
		}
	}
}
