package api_test

import (
	"fmt"
	"slices"
	"testing"

	"stackd/nova"
)

const manager = "p/manager"

// bigger makes a flavor to resize to.
func (s *site) bigger() {
	s.t.Helper()
	s.call(admin, "", "POST /flavors", `{"flavor":{"id":"2","name":"bigger","vcpus":2,"ram":128,"disk":2}}`, 200)
}

// A server is resized and reverted, resized and confirmed, as its owner sees it.
func TestResize(t *testing.T) {
	each(t, func(s *site) {
		s.bigger()
		path := s.server("")
		do := func(body string, status int) {
			t.Helper()
			s.call(me, "2.96", "POST "+path+"/action", body, status)
		}
		do(`{"resize":{"flavorRef":"2"}}`, 202)
		if v := s.is(path, "RESIZE"); v["OS-EXT-STS:task_state"] != "resize_prep" || v["OS-EXT-STS:vm_state"] != "active" {
			t.Error(v)
		}
		do(`{"resize":{"flavorRef":"2"}}`, 409)
		s.Settle(t, 8)
		if v := s.is(path, "VERIFY_RESIZE"); at(v, "flavor", "original_name") != "bigger" || v["OS-EXT-STS:vm_state"] != "resized" || v["OS-EXT-STS:task_state"] != nil {
			t.Error(v)
		}
		do(`{"os-stop":null}`, 409)
		do(`{"revertResize":null}`, 202)
		s.is(path, "REVERT_RESIZE")
		s.Settle(t, 8)
		if v := s.is(path, "ACTIVE"); at(v, "flavor", "original_name") != "tiny" {
			t.Error(v)
		}
		do(`{"resize":{"flavorRef":"2","OS-DCF:diskConfig":"AUTO"}}`, 202)
		s.Settle(t, 8)
		do(`{"confirmResize":null}`, 204)
		do(`{"confirmResize":null}`, 400)
		s.Settle(t, 8)
		if v := s.is(path, "ACTIVE"); at(v, "flavor", "original_name") != "bigger" || v["OS-DCF:diskConfig"] != "AUTO" {
			t.Error(v)
		}
		do(`{"confirmResize":null}`, 409)
		if got := s.actions(path); !slices.Equal(got[:4], []string{"confirmResize Success", "resize Success", "revertResize Success", "resize Success"}) {
			t.Error(got)
		}
		all := s.call(admin, "2.80", "GET /os-migrations", "", 200)["migrations"].([]any)
		if len(all) != 2 || at(all[0], "status") != "confirmed" || at(all[1], "status") != "reverted" || at(all[0], "migration_type") != "resize" || at(all[0], "source_compute") != "h1" || at(all[0], "dest_compute") != "h1" || at(all[0], "project_id") != "p" {
			t.Error(all)
		}
	})
}

// What is refused, and by whom it may be asked.
func TestMovesAreRefused(t *testing.T) {
	each(t, func(s *site) {
		s.bigger()
		s.AddNode(t, "h2")
		path := s.server("")
		no := func(as, version, body string, status int) {
			t.Helper()
			s.call(as, version, "POST "+path+"/action", body, status)
		}
		no(me, "", `{"resize":{"flavorRef":"1"}}`, 400)
		no(me, "", `{"resize":{"flavorRef":"none"}}`, 400)
		no(me, "", `{"resize":{"flavorRef":""}}`, 400)
		no(me, "", `{"resize":{}}`, 400)
		no(me, "", `{"resize":{"flavorRef":"2","more":1}}`, 400)
		no(me, "", `{"migrate":null}`, 403)
		no(manager, "2.56", `{"migrate":{"host":"h2"}}`, 403)
		no(admin, "2.55", `{"migrate":{"host":"h2"}}`, 400)
		no(admin, "2.56", `{"migrate":{"host":"h1"}}`, 400)
		no(admin, "2.56", `{"migrate":{"host":"h9"}}`, 400)
		no("q/member", "", `{"resize":{"flavorRef":"2"}}`, 404)
		no("p/reader", "", `{"resize":{"flavorRef":"2"}}`, 403)
		no(me, "", `{"confirmResize":null}`, 409)
		no(me, "", `{"revertResize":null}`, 409)
		no(me, "", `{"pause":null}`, 202)
		s.Settle(t, 6)
		no(me, "", `{"resize":{"flavorRef":"2"}}`, 409)
	})
}

// Migrations are listed by page and by filter; a caller without a cloud's rights sees its
// own project's.
func TestMigrationsAreListed(t *testing.T) {
	each(t, func(s *site) {
		s.AddNode(t, "h2")
		path := s.server("")
		for _, host := range []string{"h2", "h1"} {
			s.call(admin, "2.56", "POST "+path+"/action", `{"migrate":{"host":"`+host+`"}}`, 202)
			s.Settle(t, 8)
			s.call(me, "", "POST "+path+"/action", `{"confirmResize":null}`, 204)
			s.Settle(t, 8)
			if v := s.is(path, "ACTIVE"); v["OS-EXT-SRV-ATTR:host"] != host {
				t.Fatal(v["OS-EXT-SRV-ATTR:host"])
			}
		}
		list := func(as, version, query string) []any {
			t.Helper()
			return s.call(as, version, "GET /os-migrations"+query, "", 200)["migrations"].([]any)
		}
		old := list(admin, "", "")
		if len(old) != 2 || at(old[0], "id") != 2.0 || at(old[0], "instance_uuid") != path[len("/servers/"):] || at(old[0], "uuid") != nil || at(old[0], "migration_type") != nil {
			t.Error(old)
		}
		one := s.call(admin, "2.59", "GET /os-migrations?limit=1", "", 200)
		id, _ := at(one["migrations"].([]any)[0], "uuid").(string)
		if at(one["migrations"].([]any)[0], "dest_compute") != "h1" || one["migrations_links"] == nil {
			t.Error(one)
		}
		if next := list(admin, "2.59", "?marker="+id); len(next) != 1 || at(next[0], "source_compute") != "h1" {
			t.Error(next)
		}
		s.call(admin, "2.59", "GET /os-migrations?marker=none", "", 400)
		s.call(admin, "2.59", "GET /os-migrations?changes-since=never", "", 400)
		for query, n := range map[string]int{"?status=confirmed": 2, "?status=error": 0, "?source_compute=h2": 1, "?host=h2": 2, "?migration_type=" + nova.ColdMove: 2, "?changes-since=2100-01-01T00:00:00Z": 0, "?changes-before=2100-01-01T00:00:00Z": 2, "?project_id=q": 0} {
			if got := list(admin, "2.80", query); len(got) != n {
				t.Errorf("%s: %d, want %d", query, len(got), n)
			}
		}
		if got := list(manager, "2.80", ""); len(got) != 2 {
			t.Error(got)
		}
		if got := list("q/manager", "2.80", "?project_id=p"); len(got) != 0 {
			t.Error("another project's:", got)
		}
		s.call(me, "", "GET /os-migrations", "", 403)
		if got := s.call(admin, "2.23", "GET "+path+"/migrations", "", 200)["migrations"].([]any); len(got) != 0 {
			t.Error(got)
		}
		s.call(admin, "2.23", "GET "+path+"/migrations/1", "", 404)
		s.call(admin, "2.22", "GET "+path+"/migrations", "", 404)
	})
}

// A live migration is seen on its way, given up, forced, and seen to be over.
func TestLiveMigration(t *testing.T) {
	each(t, func(s *site) {
		n := s.AddNode(t, "h2")
		path := s.server("")
		act := func(as, version, body string, status int) {
			t.Helper()
			s.call(as, version, "POST "+path+"/action", `{"os-migrateLive":{`+body+`}}`, status)
		}
		act(me, "2.25", `"host":null,"block_migration":"auto"`, 403)
		act(admin, "2.24", `"host":null,"block_migration":"auto"`, 400)
		act(admin, "2.24", `"host":null,"block_migration":true`, 400) // disk_over_commit
		act(admin, "2.25", `"host":null,"block_migration":true,"disk_over_commit":false`, 400)
		act(admin, "2.29", `"host":"h2","block_migration":"auto","force":true`, 400)
		act(admin, "2.68", `"host":"h2","block_migration":"auto","force":true`, 400)
		act(admin, "2.25", `"block_migration":"auto"`, 400)
		act(admin, "2.25", `"host":"h1","block_migration":"auto"`, 400)
		act(admin, "2.25", `"host":"h9","block_migration":"auto"`, 400)
		act(admin, "2.25", `"host":"h2","block_migration":false`, 400) // it has a disk of its own
		act(manager, "2.25", `"host":"h2","block_migration":"auto"`, 403)

		s.Node.Flight = "under way"
		begin := func() string {
			t.Helper()
			act(manager, "2.25", `"host":null,"block_migration":"auto"`, 202)
			s.Settle(t, 6)
			if v := s.is(path, "MIGRATING"); v["OS-EXT-STS:task_state"] != "migrating" || v["OS-EXT-SRV-ATTR:host"] != "h1" {
				t.Error(v)
			}
			one := s.call(admin, "2.80", "GET "+path+"/migrations", "", 200)["migrations"].([]any)
			if len(one) != 1 || at(one[0], "status") != "running" || at(one[0], "memory_total_bytes") != 67108864.0 || at(one[0], "memory_remaining_bytes") != 33554432.0 || at(one[0], "dest_compute") != "h2" || at(one[0], "project_id") != "p" {
				t.Fatal(one)
			}
			return fmt.Sprint(path, "/migrations/", at(one[0], "id"))
		}
		m := begin()
		s.call(me, "2.96", "POST "+path+"/action", `{"os-stop":null}`, 409)
		if one := s.call(admin, "2.23", "GET "+m, "", 200); at(one, "migration", "server_uuid") == nil || at(one, "migration", "uuid") != nil {
			t.Error(one)
		}
		links := s.call(admin, "2.23", "GET /os-migrations", "", 200)["migrations"].([]any)
		if at(links[0], "links") == nil || at(links[0], "migration_type") != "live-migration" {
			t.Error(links)
		}
		s.call(me, "2.24", "DELETE "+m, "", 403)
		s.call(admin, "2.24", "DELETE "+path+"/migrations/99", "", 404)
		s.call(admin, "2.24", "DELETE "+m, "", 202)
		s.call(admin, "2.24", "DELETE "+m, "", 202) // once more does no harm
		s.Settle(t, 8)
		if v := s.is(path, "ACTIVE"); v["OS-EXT-SRV-ATTR:host"] != "h1" {
			t.Error(v)
		}
		s.call(admin, "2.24", "DELETE "+m, "", 404)
		m = begin()
		s.call(admin, "2.22", "POST "+m+"/action", `{"force_complete":true}`, 400)
		s.call(admin, "2.22", "POST "+path+"/migrations/x/action", `{"force_complete":null}`, 404)
		s.call(admin, "2.22", "POST "+m+"/action", `{"force_complete":null}`, 202)
		s.Settle(t, 8)
		if v := s.is(path, "ACTIVE"); v["OS-EXT-SRV-ATTR:host"] != "h2" || n.Guests[path[len("/servers/"):]].Power != "running" {
			t.Error(v)
		}
		all := s.call(admin, "2.59", "GET /os-migrations", "", 200)["migrations"].([]any)
		if len(all) != 2 || at(all[0], "status") != "completed" || at(all[1], "status") != "cancelled" || at(all[0], "links") != nil {
			t.Error(all)
		}
	})
}

// One that no host has room for is refused at once, since 2.34 later.
func TestLiveMigrationNowhere(t *testing.T) {
	each(t, func(s *site) {
		path := s.server("")
		s.call(admin, "2.33", "POST "+path+"/action", `{"os-migrateLive":{"host":null,"block_migration":"auto"}}`, 400)
		s.is(path, "ACTIVE")
		s.call(admin, "2.34", "POST "+path+"/action", `{"os-migrateLive":{"host":null,"block_migration":"auto"}}`, 202)
		s.Settle(t, 8)
		s.is(path, "ACTIVE")
		if all := s.call(admin, "", "GET /os-migrations", "", 200)["migrations"].([]any); len(all) != 1 || at(all[0], "status") != "error" {
			t.Error(all)
		}
		if got := s.actions(path); got[0] != "live-migration Error" {
			t.Error(got)
		}
	})
}

// A server is evacuated from a host that is down, and from no other.
func TestEvacuate(t *testing.T) {
	each(t, func(s *site) {
		s.AddNode(t, "h2")
		path := s.server("")
		act := func(as, version, body string, status int) map[string]any {
			t.Helper()
			return s.call(as, version, "POST "+path+"/action", `{"evacuate":{`+body+`}}`, status)
		}
		act(me, "2.14", "", 403)
		act(admin, "2.14", "", 400) // its host is in use
		s.Node.Down = true
		service := at(s.call(admin, "2.53", "GET /os-services?host=h1", "", 200)["services"].([]any)[0], "id").(string)
		s.call(admin, "2.53", "PUT /os-services/"+service, `{"forced_down":true}`, 200)
		act(admin, "2.13", "", 400) // onSharedStorage
		act(admin, "2.14", `"onSharedStorage":false`, 400)
		act(admin, "2.28", `"force":false`, 400)
		act(admin, "2.14", `"host":"h1"`, 400)
		act(admin, "2.14", `"host":"h9"`, 400)
		if m := act(admin, "2.13", `"onSharedStorage":false,"adminPass":"secret"`, 200); m["adminPass"] != "secret" {
			t.Error(m)
		}
		if v := s.is(path, "REBUILD"); v["OS-EXT-STS:task_state"] != "rebuilding" {
			t.Error(v)
		}
		s.Settle(t, 8)
		if v := s.is(path, "ACTIVE"); v["OS-EXT-SRV-ATTR:host"] != "h2" {
			t.Error(v)
		}
		if all := s.call(admin, "2.23", "GET /os-migrations?migration_type=evacuation", "", 200)["migrations"].([]any); len(all) != 1 || at(all[0], "status") != "done" || at(all[0], "source_compute") != "h1" {
			t.Error(all)
		}
	})
}

// Since 2.95 a server is left off where it was evacuated to.
func TestEvacuateOff(t *testing.T) {
	each(t, func(s *site) {
		s.AddNode(t, "h2")
		path := s.server("")
		s.Node.Down = true
		if _, err := s.C.SetService(t.Context(), func(h *nova.Host) bool { return h.Name == "h1" }, func(h *nova.Host) { h.ForcedDown = true }); err != nil {
			t.Fatal(err)
		}
		s.call(admin, "2.95", "POST "+path+"/action", `{"evacuate":{}}`, 200)
		s.Settle(t, 8)
		s.is(path, "SHUTOFF")
	})
}
