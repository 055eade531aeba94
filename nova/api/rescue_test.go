package api_test

import (
	"strings"
	"testing"

	"stackd/nova/novatest"
)

// A server is rescued from being on, off or in error, does nothing else meanwhile, and is
// ACTIVE after.
func TestRescue(t *testing.T) {
	each(t, func(s *site) {
		path := s.server("")
		id := strings.TrimPrefix(path, "/servers/")
		do := func(as, version, body string, status int) map[string]any {
			t.Helper()
			m := s.call(as, version, "POST "+path+"/action", body, status)
			s.Settle(t, 6)
			return m
		}
		do(me, "", `{"unrescue":null}`, 409)
		do("p/reader", "", `{"rescue":null}`, 403)
		do("q/member", "", `{"rescue":null}`, 404)
		do(me, "", `{"rescue":{"rescue_image_ref":"33333333-3333-3333-3333-333333333333"}}`, 400)
		do(me, "", `{"rescue":{"more":1}}`, 400)
		if m := do(me, "", `{"rescue":{"adminPass":"pass"}}`, 200); m["adminPass"] != "pass" {
			t.Error(m)
		}
		if v := s.is(path, "RESCUE"); v["OS-EXT-STS:vm_state"] != "rescued" || v["OS-EXT-STS:task_state"] != nil || at(v, "image", "id") != novatest.ImageID {
			t.Error(v)
		}
		if w := s.wish(id); w.Rescue == nil || w.Rescue.ID != novatest.ImageID || w.HardReboots != 1 {
			t.Errorf("%+v", w)
		}
		if got := s.call(me, "", "GET /servers?status=RESCUE", "", 200)["servers"].([]any); len(got) != 1 {
			t.Error(got)
		}
		for _, body := range []string{`{"rescue":null}`, `{"pause":null}`, `{"rebuild":{"imageRef":"` + novatest.ImageID + `"}}`, `{"reboot":{"type":"HARD"}}`} {
			do(me, "", body, 409)
		}
		s.Disks.Add(oldVolume, false)
		s.call(me, "", "POST "+path+"/os-volume_attachments", `{"volumeAttachment":{"volumeId":"`+oldVolume+`"}}`, 409)
		do(me, "", `{"unrescue":null}`, 202)
		s.is(path, "ACTIVE")
		if w := s.wish(id); w.Rescue != nil || w.HardReboots != 2 {
			t.Errorf("%+v", w)
		}
		do(me, "", `{"os-stop":null}`, 202)
		do(me, "", `{"rescue":null}`, 200)
		s.is(path, "RESCUE")
		do(me, "", `{"unrescue":null}`, 202)
		s.is(path, "ACTIVE")
		if a := s.actions(path); a[0] != "unrescue Success" || a[1] != "rescue Success" {
			t.Error(a)
		}
		s.call(me, "", "DELETE "+path, "", 204)
	})
}

// A server whose root disk is a volume is rescued since 2.87.
func TestRescueFromAVolume(t *testing.T) {
	each(t, func(s *site) {
		m := s.call(me, "", "POST /servers", `{"server":{"name":"one","flavorRef":"1","block_device_mapping_v2":[{"source_type":"image","destination_type":"volume","uuid":"`+novatest.ImageID+`","boot_index":0,"volume_size":1}]}}`, 202)
		s.Settle(t, 6)
		path := "/servers/" + at(m, "server", "id").(string)
		s.call(me, "2.86", "POST "+path+"/action", `{"rescue":{"rescue_image_ref":"`+novatest.ImageID+`"}}`, 400)
		s.call(me, "2.87", "POST "+path+"/action", `{"rescue":null}`, 400)
		s.call(me, "2.87", "POST "+path+"/action", `{"rescue":{"rescue_image_ref":"`+novatest.ImageID+`"}}`, 200)
		s.Settle(t, 6)
		s.is(path, "RESCUE")
	})
}

// Backups of a type rotate; other types and plain images stay.
func TestCreateBackup(t *testing.T) {
	each(t, func(s *site) {
		path := s.server("")
		backup := func(kind, rotation string) string {
			t.Helper()
			id := s.call(me, "2.45", "POST "+path+"/action", `{"createBackup":{"name":"b","backup_type":"`+kind+`","rotation":`+rotation+`,"metadata":{"k":"v"}}}`, 202)["image_id"].(string)
			s.call(me, "", "POST "+path+"/action", `{"pause":null}`, 409)
			s.capture()
			return id
		}
		s.call(me, "", "POST "+path+"/action", `{"createBackup":{"name":"b","backup_type":"daily"}}`, 400)
		s.call(me, "", "POST "+path+"/action", `{"createBackup":{"name":"b","backup_type":"daily","rotation":-1}}`, 400)
		weekly := backup("weekly", "1")
		one := backup("daily", `"2"`)
		two := backup("daily", "2")
		three := backup("daily", "2")
		made := s.Images.Made
		if p := made[three].Properties; p["image_type"] != "backup" || p["backup_type"] != "daily" || p["k"] != "v" {
			t.Error(p)
		}
		if _, there := made[one]; there || len(made) != 3 || made[two].Name == "" || made[weekly].Name == "" {
			t.Error("kept:", made)
		}
		backup("weekly", "0")
		if len(made) != 2 {
			t.Error("kept:", made)
		}
		s.is(path, "ACTIVE")
		if a := s.actions(path); a[0] != "createBackup Success" {
			t.Error(a)
		}
		s.call(me, "", "POST "+path+"/action", `{"createBackup":{"name":"b","backup_type":"daily","rotation":1}}`, 202)
		if s.last.Header().Get("Location") == "" {
			t.Error("before 2.45 the image has no address")
		}
	})
}

// A password is not set in a guest that nothing listens in.
func TestChangePassword(t *testing.T) {
	each(t, func(s *site) {
		path := s.server("")
		s.call(me, "", "POST "+path+"/action", `{"changePassword":{}}`, 400)
		s.call("q/member", "", "POST "+path+"/action", `{"changePassword":{"adminPass":"p"}}`, 404)
		s.call(me, "", "POST "+path+"/action", `{"changePassword":{"adminPass":"p"}}`, 409)
		if a := s.actions(path); a[0] != "create Success" {
			t.Error(a)
		}
	})
}

// Services are named by host and binary before 2.53, and by their ids since.
func TestServices(t *testing.T) {
	each(t, func(s *site) {
		named := `{"host":"h1","binary":"nova-compute"`
		if m := s.call(admin, "", "PUT /os-services/disable-log-reason", named+`,"disabled_reason":"rest"}`, 200); at(m, "service", "status") != "disabled" || at(m, "service", "disabled_reason") != "rest" {
			t.Error(m)
		}
		s.call(admin, "", "PUT /os-services/disable-log-reason", named+`}`, 400)
		if m := s.call(admin, "", "PUT /os-services/enable", named+`}`, 200); at(m, "service", "status") != "enabled" || at(m, "service", "disabled_reason") != nil {
			t.Error(m)
		}
		s.call(admin, "", "PUT /os-services/disable", named+`}`, 200)
		s.call(admin, "2.10", "PUT /os-services/force-down", named+`,"forced_down":true}`, 404)
		if m := s.call(admin, "2.11", "PUT /os-services/force-down", named+`,"forced_down":true}`, 200); at(m, "service", "forced_down") != true {
			t.Error(m)
		}
		s.call(admin, "", "PUT /os-services/enable", `{"host":"none","binary":"nova-compute"}`, 404)
		s.call(me, "", "PUT /os-services/enable", named+`}`, 403)
		all := s.call(admin, "2.53", "GET /os-services", "", 200)["services"].([]any)
		id := at(all[0], "id").(string)
		s.call(admin, "2.53", "PUT /os-services/enable", `{"status":"enabled"}`, 404)
		s.call(admin, "2.53", "PUT /os-services/"+id, `{}`, 400)
		s.call(admin, "2.53", "PUT /os-services/"+id, `{"status":"enabled","disabled_reason":"x"}`, 400)
		if m := s.call(admin, "2.53", "PUT /os-services/"+id, `{"status":"enabled","forced_down":false}`, 200); at(m, "service", "status") != "enabled" || at(m, "service", "forced_down") != false {
			t.Error(m)
		}
	})
}

// Nobody here needs a guest's host for a snapshot; bad input is told first.
func TestAssistedSnapshots(t *testing.T) {
	each(t, func(s *site) {
		path := s.server("")
		s.Disks.Add(oldVolume, false)
		body := `{"snapshot":{"volume_id":"` + oldVolume + `","create_info":{"snapshot_id":"x","type":"qcow2","new_file":"f"}}}`
		s.call(me, "", "POST /os-assisted-volume-snapshots", body, 403)
		s.call(admin, "", "POST /os-assisted-volume-snapshots", strings.Replace(body, "qcow2", "raw", 1), 400)
		says := func(what, body, want string) {
			t.Helper()
			if m := s.call(admin, "", what, body, 400); !strings.Contains(at(m, "badRequest", "message").(string), want) {
				t.Error(m)
			}
		}
		gone := "DELETE /os-assisted-volume-snapshots/x?delete_info="
		says("POST /os-assisted-volume-snapshots", body, "No volume Block Device Mapping")
		says(gone+`%7B%22volume_id%22:%22`+oldVolume+`%22%7D`, "", "No volume Block Device Mapping")
		says(gone+"%7B%7D", "", "delete_info")
		s.call(me, "", "POST "+path+"/os-volume_attachments", `{"volumeAttachment":{"volumeId":"`+oldVolume+`"}}`, 200)
		says("POST /os-assisted-volume-snapshots", body, "itself")
	})
}

// A guest that runs is interrupted, since 2.17.
func TestCrashDump(t *testing.T) {
	each(t, func(s *site) {
		path := s.server("")
		do := func(as, version string, status int) {
			t.Helper()
			s.call(as, version, "POST "+path+"/action", `{"trigger_crash_dump":null}`, status)
		}
		do(me, "2.16", 404)
		do("p/reader", "2.17", 403)
		do("q/member", "2.17", 404)
		do(me, "2.17", 202)
		if a := s.actions(path); a[0] != "trigger_crash_dump Success" {
			t.Error(a)
		}
		s.call(me, "", "POST "+path+"/action", `{"os-stop":null}`, 202)
		s.Settle(t, 6)
		do(me, "2.17", 409)
	})
}

// Servers have no NUMA nodes of their own, and say so since 2.78.
func TestTopology(t *testing.T) {
	each(t, func(s *site) {
		path := s.server("") + "/topology"
		s.call(me, "2.77", "GET "+path, "", 404)
		s.call("q/member", "2.78", "GET "+path, "", 404)
		m := s.call(me, "2.78", "GET "+path, "", 200)
		if n, ok := m["nodes"].([]any); !ok || len(n) != 0 || m["pagesize_kb"] != nil {
			t.Error(m)
		}
	})
}
