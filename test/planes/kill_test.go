package planes

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// A plane that is killed while it makes and unmakes many rows at a time leaves all
// of a request or nothing of it, and the other goes on.
func TestKilledInTheMiddle(t *testing.T) {
	a, b := twoPlanes(t)
	if a == nil {
		return
	}
	admin := b.signIn("admin", "default")
	const tags, users = 60, 25
	var some []string
	for n := range tags {
		some = append(some, fmt.Sprintf("%q", fmt.Sprint("tag-", n)))
	}
	answered, cut := 0, 0
	for round := range 12 {
		project, _ := b.must(201, "POST", "/v3/projects", admin, fmt.Sprintf(`{"project":{"name":"p%d"}}`, round))
		domain, _ := b.must(201, "POST", "/v3/domains", admin, fmt.Sprintf(`{"domain":{"name":"d%d"}}`, round))
		for n := range users {
			b.must(201, "POST", "/v3/users", admin, fmt.Sprintf(`{"user":{"name":"u%d","domain_id":%q}}`, n, domain))
		}
		b.must(200, "PATCH", "/v3/domains/"+domain, admin, `{"domain":{"enabled":false}}`)
		done := make(chan error, 2)
		go func() {
			_, _, _, err := a.do("PUT", "/v3/projects/"+project+"/tags", admin, "", `{"tags":[`+strings.Join(some, ",")+`]}`)
			done <- err
		}()
		go func() {
			_, _, _, err := a.do("DELETE", "/v3/domains/"+domain, admin, "", "")
			done <- err
		}()
		time.Sleep(time.Duration(rand.IntN(25_000)) * time.Microsecond)
		a.kill()
		for range 2 {
			if err := <-done; err != nil {
				cut++
			} else {
				answered++
			}
		}
		if n := count(t, b, admin, "/v3/projects/"+project+"/tags", "tags"); n != 0 && n != tags {
			t.Errorf("%d of %d tags were written", n, tags)
		}
		there, _, _, _ := b.do("GET", "/v3/domains/"+domain, admin, "", "")
		if n := count(t, b, admin, "/v3/users?domain_id="+domain, "users"); there == 200 && n != users || there == 404 && n != 0 {
			t.Errorf("the domain answers %d and has %d of its %d users", there, n, users)
		}
		a.up()
	}
	t.Logf("%d requests were answered before the kill, %d were cut off", answered, cut)
	if cut == 0 {
		t.Error("no request was cut off: the kills came too late to show anything")
	}
}

// count is how many things a list has.
func count(t *testing.T, p *plane, token, path, key string) int {
	t.Helper()
	return len(list(t, p, token, path)[key])
}

func list(t *testing.T, p *plane, token, path string) map[string][]json.RawMessage {
	t.Helper()
	status, _, out, err := p.do("GET", path, token, "", "")
	if err != nil || status != 200 {
		t.Fatal(path, status, string(out), err)
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(out, &raw); err != nil {
		t.Fatal(err)
	}
	all := map[string][]json.RawMessage{}
	for k, v := range raw {
		var l []json.RawMessage
		if json.Unmarshal(v, &l) == nil {
			all[k] = l
		}
	}
	return all
}

func firstID(t *testing.T, p *plane, token, path string) string {
	t.Helper()
	for _, l := range list(t, p, token, path) {
		var one struct{ ID string }
		if len(l) == 1 && json.Unmarshal(l[0], &one) == nil {
			return one.ID
		}
	}
	t.Fatal("there is not one of ", path)
	return ""
}
