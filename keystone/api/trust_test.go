package api_test

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"stackd/internal/sqldb"
	"stackd/internal/sqldb/dbtest"
	"stackd/keystone"
)

// a trust's body; more is further members.
func trustBody(trustor, trustee, project, more string, roles ...string) string {
	var l []string
	for _, r := range roles {
		l = append(l, `{"name":"`+r+`"}`)
	}
	return fmt.Sprintf(`{"trust":{"trustor_user_id":%q,"trustee_user_id":%q,"project_id":%q,"roles":[%s]%s}}`, trustor, trustee, project, strings.Join(l, ","), more)
}

// byTrust signs a user in by a trust, with a token of its own.
func (s *site) byTrust(token, trust string) (int, string) {
	s.t.Helper()
	w, _ := s.do("", "POST /v3/auth/tokens", fmt.Sprintf(`{"auth":{"identity":{"methods":["token"],"token":{"id":%q}},"scope":{"OS-TRUST:trust":{"id":%q}}}}`, token, trust))
	return w.Code, w.Header().Get("X-Subject-Token")
}

func TestTrustsHandedOn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := openWith(t, db, keystone.Options{Redelegation: true})
		a, b, c := s.Token("ann", "p", "member"), s.Token("bob", ""), s.Token("cid", "")
		p, ann, bob, cid := s.Project("p"), s.userID("ann"), s.userID("bob"), s.userID("cid")
		on := "/v3/OS-TRUST/trusts"
		first := s.must(201, a, "POST "+on, trustBody(ann, bob, p, `,"impersonation":true,"allow_redelegation":true`, "member"))
		_, out := s.do(a, "GET "+on+"/"+first, "")
		if out["trust"].(map[string]any)["redelegation_count"] != 3.0 {
			t.Fatal(out)
		}
		code, tok := s.byTrust(b, first)
		if code != 201 {
			t.Fatal(code)
		}
		for more, want := range map[string]int{
			`,"impersonation":true,"remaining_uses":2`:                               403,
			`,"impersonation":true,"allow_redelegation":true,"redelegation_count":3`: 403,
			`,"impersonation":true,"allow_redelegation":true,"remaining_uses":2`:     400,
		} {
			if got := s.ask(tok, "POST "+on, trustBody(ann, cid, p, more, "member")); got != want {
				t.Errorf("%s: %d", more, got)
			}
		}
		if got := s.ask(tok, "POST "+on, trustBody(ann, cid, s.Project("q"), `,"impersonation":true`, "member")); got != 403 {
			t.Error("handed on for another project:", got)
		}
		second := s.must(201, tok, "POST "+on, trustBody(ann, cid, p, `,"impersonation":true,"allow_redelegation":true`, "member"))
		_, out = s.do(a, "GET "+on+"/"+second, "")
		if v := out["trust"].(map[string]any); v["redelegation_count"] != 2.0 || v["redelegated_trust_id"] != first {
			t.Error(out)
		}
		code, tok = s.byTrust(c, second)
		if code != 201 || s.ask(tok, "GET /v3/auth/catalog", "") != 200 {
			t.Fatal(code)
		}
		s.must(200, s.Admin(), "PATCH /v3/users/"+bob, `{"user":{"enabled":false}}`)
		if got := s.ask(tok, "GET /v3/auth/catalog", ""); got != 401 {
			t.Error("a link of the line is disabled:", got)
		}
		s.must(200, s.Admin(), "PATCH /v3/users/"+bob, `{"user":{"enabled":true}}`)
		if code, tok = s.byTrust(s.SignIn("cid", keystone.ScopeWish{}), second); code != 201 {
			t.Fatal(code)
		}
		s.must(204, a, "DELETE "+on+"/"+first, "")
		s.must(404, a, "GET "+on+"/"+second, "")
		if got := s.ask(tok, "GET /v3/auth/catalog", ""); got != 401 {
			t.Error("it outlives what it was made of:", got)
		}
	})
}

func TestTrustsAreNotHandedOnUnlessTheyMay(t *testing.T) {
	for _, allowed := range []bool{true, false} {
		s := openWith(t, dbtest.SQLite(t), keystone.Options{Redelegation: allowed})
		a, b := s.Token("ann", "p", "member"), s.Token("bob", "")
		s.Token("cid", "")
		p, ann, bob, cid := s.Project("p"), s.userID("ann"), s.userID("bob"), s.userID("cid")
		more := `,"impersonation":true,"allow_redelegation":true`
		if allowed {
			more = `,"impersonation":true`
		}
		id := s.must(201, a, "POST /v3/OS-TRUST/trusts", trustBody(ann, bob, p, more, "member"))
		_, tok := s.byTrust(b, id)
		if got := s.ask(tok, "POST /v3/OS-TRUST/trusts", trustBody(ann, cid, p, `,"impersonation":true`, "member")); got != 403 {
			t.Errorf("allowed by the cloud %v, and not by both: %d", allowed, got)
		}
	}
}

func TestATrustIsUsedNoOftenerThanItSays(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := open(t, db)
		a, b := s.Token("ann", "p", "member"), s.Token("bob", "")
		id := s.must(201, a, "POST /v3/OS-TRUST/trusts", trustBody(s.userID("ann"), s.userID("bob"), s.Project("p"), `,"impersonation":false,"remaining_uses":3`, "member"))
		var good atomic.Int64
		var wg sync.WaitGroup
		for range 12 {
			wg.Go(func() {
				if code, _ := s.byTrust(b, id); code == 201 {
					good.Add(1)
				}
			})
		}
		wg.Wait()
		if good.Load() != 3 {
			t.Error(good.Load(), "uses of 3")
		}
	})
}

func TestATrustGivesNoMoreThanItsTrustorHas(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := open(t, db)
		admin, a, b := s.Admin(), s.Token("ann", "p", "member"), s.Token("bob", "")
		p, ann, bob := s.Project("p"), s.userID("ann"), s.userID("bob")
		on := "/v3/OS-TRUST/trusts"
		s.must(404, a, "POST "+on, trustBody(ann, bob, p, `,"impersonation":true`, "admin"))
		s.must(403, b, "POST "+on, trustBody(ann, bob, p, `,"impersonation":true`, "member"))
		id := s.must(201, a, "POST "+on, trustBody(ann, bob, p, `,"impersonation":false`, "member"))
		code, tok := s.byTrust(b, id)
		if code != 201 {
			t.Fatal(code)
		}
		w, out := s.do(admin, "GET /v3/auth/tokens", "", "X-Subject-Token", tok)
		if v, _ := out["token"].(map[string]any); v["user"].(map[string]any)["id"] != bob {
			t.Error("not the trustee's own:", w.Body)
		}
		var roles []string
		_, out = s.do(a, "GET "+on+"/"+id+"/roles", "")
		for _, r := range out["roles"].([]any) {
			roles = append(roles, r.(map[string]any)["name"].(string))
		}
		if fmt.Sprint(roles) != "[member]" {
			t.Error(roles)
		}
		s.must(200, a, "GET "+on+"/"+id+"/roles/"+s.roleID("member"), "")
		s.must(404, a, "GET "+on+"/"+id+"/roles/"+s.roleID("reader"), "")
		s.must(204, admin, "DELETE /v3/projects/"+p+"/users/"+ann+"/roles/"+s.roleID("member"), "")
		if got := s.ask(tok, "GET /v3/auth/catalog", ""); got != 401 {
			t.Error("the trustor lost the role, the trustee has it:", got)
		}
		if code, _ := s.byTrust(b, id); code != 401 && code != 403 {
			t.Error(code)
		}
	})
}

func TestATrustWithoutAProject(t *testing.T) {
	s := open(t, dbtest.SQLite(t))
	a, b := s.Token("ann", "p", "member"), s.Token("bob", "")
	id := s.must(201, a, "POST /v3/OS-TRUST/trusts", fmt.Sprintf(`{"trust":{"trustor_user_id":%q,"trustee_user_id":%q,"impersonation":true}}`, s.userID("ann"), s.userID("bob")))
	code, tok := s.byTrust(b, id)
	if code != 201 || s.ask(tok, "GET /v3/auth/projects", "") != 200 {
		t.Fatal(code)
	}
	s.must(204, a, "DELETE /v3/OS-TRUST/trusts/"+id, "")
	if got := s.ask(tok, "GET /v3/auth/projects", ""); got != 401 {
		t.Error("it outlives its trust:", got)
	}
}

func TestAPageOfTrustsIsFull(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := open(t, db)
		a := s.Token("ann", "p", "member")
		s.Token("bob", "")
		on, ann := "/v3/OS-TRUST/trusts", s.userID("ann")
		var ids []string
		for range 4 {
			ids = append(ids, s.must(201, a, "POST "+on, trustBody(ann, s.userID("bob"), s.Project("p"), `,"impersonation":true`, "member")))
		}
		s.must(204, a, "DELETE "+on+"/"+ids[0], "")
		s.must(204, a, "DELETE "+on+"/"+ids[2], "")
		seen := 0
		for marker := ""; ; {
			_, out := s.do(a, "GET "+on+"?limit=1&trustor_user_id="+ann+marker, "")
			l := out["trusts"].([]any)
			if seen += len(l); len(l) == 0 || seen > 4 {
				break
			}
			marker = "&marker=" + l[0].(map[string]any)["id"].(string)
		}
		if seen != 2 {
			t.Error(seen, "trusts of 2")
		}
	})
}
