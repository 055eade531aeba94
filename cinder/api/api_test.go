package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"stackd/cinder"
	"stackd/cinder/api"
	"stackd/cinder/cindertest"
	"stackd/internal/fault"
	"stackd/internal/policy"
	"stackd/internal/rest"
	"stackd/internal/sqldb"
	"stackd/internal/sqldb/dbtest"
	"stackd/internal/token"
)

func TestRowsHoldTogether(t *testing.T) {
	all, err := policy.Defaults()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range api.Routes(nil) {
		if err := r.Body.Compile(); err != nil {
			t.Errorf("%s %s: %v", r.On, r.Action, err)
		}
		if r.Rule != "" && all["cinder"].Rule(r.Rule) == nil {
			t.Errorf("%s %s: there is no rule %s", r.On, r.Action, r.Rule)
		}
		if m, _, _ := strings.Cut(r.On, " "); m != "GET" && r.Body == nil && !r.Mutates {
			t.Errorf("%s %s has no schema", r.On, r.Action)
		}
	}
}

// tokens are "project/role".
type tokens struct{}

func (tokens) Check(_ context.Context, s string) (*token.Who, error) {
	project, role, ok := strings.Cut(s, "/")
	if !ok {
		return nil, fault.New(fault.Unauthorized, "no")
	}
	if role == "admin" {
		return cindertest.Who(project, "admin", "member", "reader"), nil
	}
	return cindertest.Who(project, role, "reader"), nil
}

// A site is block storage's API over a world.
type site struct {
	*cindertest.World
	t     *testing.T
	serve func(r *httptest.ResponseRecorder, method, path, version, token, body string)
}

func each(t *testing.T, f func(s *site)) {
	rules, err := policy.Defaults()
	if err != nil {
		t.Fatal(err)
	}
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		w := cindertest.New(t, db)
		h := rest.Mount("/volume", api.New(w.S, tokens{}, rules["cinder"], "http://k"))
		s := &site{World: w, t: t}
		s.serve = func(out *httptest.ResponseRecorder, method, path, version, token, body string) {
			r := httptest.NewRequestWithContext(t.Context(), method, "http://cloud/volume"+path, strings.NewReader(body))
			if version != "" {
				r.Header.Set("OpenStack-API-Version", "volume "+version)
			}
			r.Header.Set("X-Auth-Token", token)
			h.ServeHTTP(out, r)
		}
		f(s)
	})
}

// call makes a request ("GET /v3/volumes") as "project/role", and wants a status.
func (s *site) call(as, version, what, body string, status int) map[string]any {
	s.t.Helper()
	method, path, _ := strings.Cut(what, " ")
	out := httptest.NewRecorder()
	s.serve(out, method, path, version, as, body)
	if out.Code != status {
		s.t.Fatalf("%s %s as %s: %d %s, want %d", what, body, as, out.Code, out.Body, status)
	}
	var m map[string]any
	if out.Body.Len() > 0 {
		if err := json.NewDecoder(bytes.NewReader(out.Body.Bytes())).Decode(&m); err != nil {
			s.t.Fatalf("%s: %v", out.Body, err)
		}
	}
	return m
}

// at walks down an answer: at(m, "volume", "id").
func at(m any, path ...string) any {
	for _, p := range path {
		o, _ := m.(map[string]any)
		m = o[p]
	}
	return m
}

func id(m any, path ...string) string { s, _ := at(m, append(path, "id")...).(string); return s }

func text(m map[string]any) string {
	for _, v := range m {
		s, _ := at(v, "message").(string)
		return s
	}
	return ""
}

func (s *site) volume(as, more string) string {
	s.t.Helper()
	v := id(s.call(as, "3.71", "POST /v3/volumes", `{"volume":{"size":1`+more+`}}`, 202), "volume")
	s.Settle(s.t)
	return v
}

func TestVolumesLife(t *testing.T) {
	each(t, func(s *site) {
		const me = "p/member"
		v := s.volume(me, `,"name":" one ","metadata":{"a":"b"}`)
		got := s.call(me, "3.0", "GET /v3/p/volumes/"+v, "", 200)
		for k, want := range map[string]any{"status": "available", "name": "one", "volume_type": "__DEFAULT__", "bootable": "false", "os-vol-tenant-attr:tenant_id": "p"} {
			if at(got, "volume", k) != want {
				t.Errorf("%s is %v, want %v", k, at(got, "volume", k), want)
			}
		}
		for _, k := range []string{"os-vol-host-attr:host", "volume_type_id", "group_id"} { // not a user's; not of 3.0
			if _, there := at(got, "volume").(map[string]any)[k]; there {
				t.Errorf("%s is shown", k)
			}
		}
		if href := at(at(got, "volume", "links").([]any)[0], "href"); href != "http://cloud/volume/v3/p/volumes/"+v {
			t.Errorf("its link is %v", href)
		}
		s.call(me, "", "GET /v3/q/volumes/"+v, "", 400)         // another project's path
		s.call("q/member", "", "GET /v3/q/volumes/"+v, "", 404) // another project's volume
		s.call("q/admin", "", "GET /v3/volumes/"+v, "", 200)
		s.call("p/reader", "", "DELETE /v3/volumes/"+v, "", 403)
		s.call(me, "3.41", "POST /v3/volumes/"+v+"/action", `{"os-extend":{"new_size":2}}`, 202)
		s.call(me, "3.41", "DELETE /v3/volumes/"+v, "", 400) // while it grows
		s.Settle(t)
		if got := s.call(me, "", "GET /v3/volumes/"+v, "", 200); at(got, "volume", "size") != 2.0 {
			t.Errorf("it did not grow: %v", got)
		}
		s.call(me, "", "DELETE /v3/volumes/"+v, "", 202)
		s.Settle(t)
		s.call(me, "", "GET /v3/volumes/"+v, "", 404)
	})
}

func TestLists(t *testing.T) {
	each(t, func(s *site) {
		const me = "p/member"
		for _, n := range []string{"apple", "apricot", "b%d"} {
			s.volume(me, `,"name":"`+n+`","metadata":{"n":"`+n+`"}`)
		}
		s.volume("q/member", `,"name":"apple"`)
		for query, want := range map[string]int{"": 3, "?name=apple": 1, "?name~=ap": 2, "?name~=%25": 1, "?status=error": 0, "?metadata={'n':+'apple'}": 1, "?metadata={\"n\":\"app\"}": 0, "?bootable=false": 3, "?bootable=true": 0,
			"?limit=2": 2, "?limit=0": 0, "?offset=2": 1, "?created_at=gt:2020-01-01T00:00:00": 3, "?created_at=lt:2020-01-01T00:00:00": 0, "?all_tenants=1": 3, "?sort=name:desc&limit=1": 1} {
			got := s.call(me, "3.71", "GET /v3/volumes"+strings.ReplaceAll(query, "\"", "%22"), "", 200)
			if l := got["volumes"].([]any); len(l) != want {
				t.Errorf("%s lists %d, want %d", query, len(l), want)
			}
		}
		if got := s.call("q/admin", "3.71", "GET /v3/volumes/detail?all_tenants=1&with_count=true&limit=1", "", 200); got["count"] != 4.0 || got["volumes_links"] == nil {
			t.Errorf("%v, %v", got["count"], got["volumes_links"])
		}
		s.call(me, "3.71", "GET /v3/volumes?sort=nonsense", "", 400)
		s.call(me, "3.71", "GET /v3/volumes?limit=-1", "", 400)
		s.call(me, "3.71", "GET /v3/volumes?marker=00000000-0000-0000-0000-000000000000", "", 404)
		sum := s.call(me, "3.36", "GET /v3/volumes/summary", "", 200)
		if at(sum, "volume-summary", "total_count") != 3.0 || at(sum, "volume-summary", "total_size") != 3.0 || at(sum, "volume-summary", "metadata", "n") == nil {
			t.Errorf("%v", sum)
		}
	})
}

func TestQuotas(t *testing.T) {
	each(t, func(s *site) {
		const me, admin = "p/member", "a/admin"
		s.call(admin, "", "PUT /v3/os-quota-sets/p", `{"quota_set":{"volumes":2,"gigabytes":3}}`, 200)
		s.volume(me, "")
		v := s.volume(me, "")
		over := s.call(me, "", "POST /v3/volumes", `{"volume":{"size":1}}`, 413)
		if text(over) != "VolumeLimitExceeded: Maximum number of volumes allowed (2) exceeded for quota 'volumes'." {
			t.Errorf("%v", over)
		}
		s.call(me, "", "POST /v3/snapshots", `{"snapshot":{"volume_id":"`+v+`"}}`, 202)
		s.Settle(t)
		s.call(me, "", "POST /v3/volumes/"+v+"/action", `{"os-extend":{"new_size":2}}`, 413)
		s.call(admin, "", "PUT /v3/os-quota-sets/p", `{"quota_set":{"volumes":1}}`, 400) // less than there are
		s.call(admin, "", "PUT /v3/os-quota-sets/p", `{"quota_set":{"nonsense":1}}`, 400)
		s.call(admin, "", "PUT /v3/os-quota-sets/p", `{"quota_set":{"volumes":9,"gigabytes":9,"gigabytes___DEFAULT__":4}}`, 200)
		s.call(me, "", "POST /v3/volumes", `{"volume":{"size":2}}`, 413) // the type's own
		used := s.call(me, "", "GET /v3/os-quota-sets/p?usage=true", "", 200)
		if at(used, "quota_set", "gigabytes", "in_use") != 3.0 || at(used, "quota_set", "volumes___DEFAULT__", "in_use") != 2.0 {
			t.Errorf("%v", used)
		}
		s.call(me, "", "GET /v3/os-quota-sets/q", "", 403)
		s.call(admin, "", "DELETE /v3/os-quota-sets/p", "", 200)
		s.call(me, "", "POST /v3/volumes", `{"volume":{"size":2}}`, 202)
	})
}

func TestTransfer(t *testing.T) {
	each(t, func(s *site) {
		v := s.volume("p/member", "")
		got := s.call("p/member", "3.57", "POST /v3/volume-transfers", `{"transfer":{"volume_id":"`+v+`"}}`, 202)
		key, _ := at(got, "transfer", "auth_key").(string)
		at := "/v3/volume-transfers/" + id(got, "transfer")
		s.call("q/member", "3.57", "GET "+at, "", 404)
		if shown := s.call("p/member", "3.57", "GET "+at, "", 200); strings.Contains(text(shown)+at, key) || key == "" {
			t.Error("the key is shown again")
		}
		s.call("q/member", "3.57", "POST "+at+"/accept", `{"accept":{"auth_key":"wrong"}}`, 400)
		s.call("q/member", "3.57", "POST "+at+"/accept", `{"accept":{"auth_key":"`+key+`"}}`, 202)
		s.call("q/member", "", "GET /v3/volumes/"+v, "", 200)
		s.call("p/member", "", "GET /v3/volumes/"+v, "", 404)
		s.call("q/member", "3.57", "POST "+at+"/accept", `{"accept":{"auth_key":"`+key+`"}}`, 404) // once
	})
}

func TestBackups(t *testing.T) {
	each(t, func(s *site) {
		const me, admin = "p/member", "a/admin"
		v := s.volume(me, "")
		s.One.Write(v, "one")
		full := id(s.call(me, "", "POST /v3/backups", `{"backup":{"volume_id":"`+v+`"}}`, 202), "backup")
		s.call(me, "", "DELETE /v3/backups/"+full, "", 400) // while it is made
		s.Settle(t)
		s.One.Write(v, "two")
		more := id(s.call(me, "", "POST /v3/backups", `{"backup":{"volume_id":"`+v+`","incremental":true}}`, 202), "backup")
		s.Settle(t)
		if got := s.call(me, "", "GET /v3/backups/"+more, "", 200); at(got, "backup", "is_incremental") != true || at(got, "backup", "status") != "available" {
			t.Errorf("%v", got)
		}
		s.call(me, "", "DELETE /v3/backups/"+full, "", 400) // another needs it
		s.One.Write(v, "spoilt")
		s.call(me, "", "POST /v3/backups/"+more+"/restore", `{"restore":{"volume_id":"`+v+`"}}`, 202)
		s.Settle(t)
		if got, _ := s.One.Text(v, ""); got != "two" {
			t.Errorf("restored, it holds %q", got)
		}
		made, _ := at(s.call(me, "", "POST /v3/backups/"+full+"/restore", `{"restore":{}}`, 202), "restore", "volume_id").(string)
		s.Settle(t)
		if got, _ := s.One.Text(made, ""); got != "one" {
			t.Errorf("the new volume holds %q", got)
		}
		s.call(me, "", "GET /v3/backups/"+full+"/export_record", "", 403)
		r, _ := json.Marshal(s.call(admin, "", "GET /v3/backups/"+full+"/export_record", "", 200))
		s.call(admin, "", "POST /v3/backups/import_record", string(r), 400) // it is there
		s.call("q/member", "", "GET /v3/backups/"+full, "", 404)
		s.call("q/member", "", "POST /v3/backups/"+full+"/restore", `{"restore":{}}`, 404)
	})
}

// servers are those that are there.
type servers struct {
	cindertest.Guests
	there map[string]bool
}

func (x *servers) Exists(_ context.Context, id string) (bool, error) { return x.there[id], nil }

// A user does not pull a volume from under a running server; and what else is not for all.
func TestOSSA_2023_003(t *testing.T) {
	each(t, func(s *site) {
		const me, admin = "p/member", "a/admin"
		// OSSA-2023-003: a user does not pull a volume from under a running server.
		v := s.volume(me, "")
		a := id(s.call(me, "3.71", "POST /v3/attachments", `{"attachment":{"volume_uuid":"`+v+`","instance_uuid":"`+v+`","connector":{"host":"h"}}}`, 200), "attachment")
		s.call(me, "3.71", "POST /v3/attachments/"+a+"/action", `{"os-complete":null}`, 204)
		s.call(me, "3.71", "DELETE /v3/attachments/"+a, "", 409)
		s.call("p/service", "3.71", "DELETE /v3/attachments/"+a, "", 403) // the policy's: a service comes with its user's token
		for _, action := range []string{`{"os-detach":{}}`, `{"os-terminate_connection":{"connector":{"host":"h"}}}`} {
			s.call(me, "3.71", "POST /v3/volumes/"+v+"/action", action, 409)
		}
		s.S.Served(&servers{there: map[string]bool{v: true}})
		s.call(me, "3.71", "DELETE /v3/attachments/"+a, "", 409)
		stray := s.volume(me, "")
		s.call(me, "3.71", "DELETE /v3/attachments/"+id(s.call(me, "3.71", "POST /v3/attachments", `{"attachment":{"volume_uuid":"`+stray+`","instance_uuid":"`+stray+`","connector":{"host":"h"}}}`, 200), "attachment"), "", 200) // its server is not there
		s.S.Served(nil)
		if got := s.call(me, "", "GET /v3/volumes/"+v, "", 200); at(got, "volume", "status") != "in-use" {
			t.Errorf("it is %v", at(got, "volume", "status"))
		}
		// A type's extra specs that may be secrets are shown to administrators alone.
		typ := id(s.call(admin, "", "POST /v3/types", `{"volume_type":{"name":"t","extra_specs":{"secret":"s","multiattach":"<is> False"}}}`, 200), "volume_type")
		for _, path := range []string{"/v3/types", "/v3/types/" + typ, "/v3/types/" + typ + "/extra_specs"} {
			if got, _ := json.Marshal(s.call(me, "", "GET "+path, "", 200)); strings.Contains(string(got), "secret") {
				t.Errorf("%s shows %s", path, got)
			}
		}
		s.call(me, "", "GET /v3/types/"+typ+"/extra_specs/secret", "", 404)
		// a clone and a snapshot of what is another project's
		other := s.volume("q/member", "")
		s.call(me, "", "POST /v3/volumes", `{"volume":{"source_volid":"`+other+`"}}`, 404)
		s.call(me, "", "POST /v3/snapshots", `{"snapshot":{"volume_id":"`+other+`","force":true}}`, 404)
		s.call(me, "", "POST /v3/backups", `{"backup":{"volume_id":"`+other+`"}}`, 404)
		s.call(me, "3.71", "POST /v3/attachments", `{"attachment":{"volume_uuid":"`+other+`"}}`, 404)
		s.call(me, "3.71", "POST /v3/volume-transfers", `{"transfer":{"volume_id":"`+other+`"}}`, 404)
	})
}

// A volume that cannot be made is an error with a message for its user, and nothing is left.
func TestMessage(t *testing.T) {
	each(t, func(s *site) {
		s.One.Full = true
		v := s.volume("p/member", "")
		if got := s.call("p/member", "", "GET /v3/volumes/"+v, "", 200); at(got, "volume", "status") != cinder.Errored {
			t.Errorf("it is %v", at(got, "volume", "status"))
		}
		l, _ := s.call("p/member", "3.71", "GET /v3/messages?resource_uuid="+v, "", 200)["messages"].([]any)
		if len(l) != 1 || at(l[0], "event_id") != "VOLUME_VOLUME_001_002" {
			t.Errorf("%v", l)
		}
		if l, _ := s.call("q/member", "3.71", "GET /v3/messages", "", 200)["messages"].([]any); len(l) != 0 {
			t.Errorf("another project reads %v", l)
		}
	})
}
