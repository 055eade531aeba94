package api_test

import (
	"strings"
	"testing"

	"stackd/agent/wish"
	"stackd/nova"
	"stackd/nova/novatest"
)

// A server is put away into an image and brought back from it: it keeps its id, ports and
// volumes, and takes nothing of any host meanwhile.
func TestShelve(t *testing.T) {
	each(t, func(s *site) {
		path := s.server("")
		id := strings.TrimPrefix(path, "/servers/")
		s.Disks.Add(oldVolume, false)
		s.call(me, "", "POST "+path+"/os-volume_attachments", `{"volumeAttachment":{"volumeId":"`+oldVolume+`"}}`, 200)
		s.Settle(t, 6)
		was := s.is(path, "ACTIVE")
		do := func(as, version, body string, status int) {
			t.Helper()
			s.call(as, version, "POST "+path+"/action", body, status)
			s.Settle(t, 8)
			s.capture()
		}
		do(me, "", `{"unshelve":null}`, 409)
		do("p/reader", "", `{"shelve":null}`, 403)
		do("q/member", "", `{"shelve":null}`, 404)
		s.call(me, "", "POST "+path+"/action", `{"shelve":null}`, 202)
		s.call(me, "", "POST "+path+"/action", `{"os-start":null}`, 409)
		s.Settle(t, 6)
		if v := s.call(me, "", "GET "+path, "", 200); at(v, "server", "OS-EXT-STS:task_state") != "shelving" || len(s.Images.Bytes) != 0 {
			t.Error(v)
		}
		s.capture()
		v := s.is(path, "SHELVED_OFFLOADED")
		if v["OS-EXT-SRV-ATTR:host"] != nil || v["hostId"] != "" || s.Place.Count() != 0 || len(s.Node.Guests) != 0 || s.Nets.Count() != 1 || len(s.Disks.Holds) != 1 {
			t.Error(v, s.Place.Count(), s.Node.Guests, s.Disks.Holds)
		}
		for _, h := range s.Disks.Holds {
			if h.Status != "reserved" {
				t.Error(h)
			}
		}
		if len(s.Images.Made) != 1 || s.actions(path)[0] != "shelve Success" {
			t.Error(s.Images.Made, s.actions(path))
		}
		for image, i := range s.Images.Made {
			if i.Name != "one-shelved" || len(s.Images.Bytes[image]) == 0 {
				t.Error(i)
			}
		}
		do(admin, "", `{"shelveOffload":null}`, 409)
		do(me, "", `{"shelveOffload":null}`, 403)
		do(me, "", `{"os-start":null}`, 409)
		do(me, "2.76", `{"unshelve":{"availability_zone":"nova"}}`, 400)
		do(me, "2.77", `{"unshelve":{"availability_zone":"moon"}}`, 400)
		do(me, "2.90", `{"unshelve":{"availability_zone":null}}`, 400)
		do(me, "2.90", `{"unshelve":{"host":"h1"}}`, 400)
		do(me, "2.91", `{"unshelve":{"host":"h1"}}`, 403)
		do(admin, "2.91", `{"unshelve":{"host":"h9"}}`, 400)
		do(admin, "2.91", `{"unshelve":{"host":"h1","availability_zone":null}}`, 202)
		is := s.is(path, "ACTIVE")
		if at(is, "image", "id") != novatest.ImageID || is["OS-EXT-SRV-ATTR:host"] != "h1" || len(s.Images.Made) != 0 || s.Place.Count() != 1 || s.Nets.Count() != 1 || is["created"] != was["created"] {
			t.Error(is, s.Images.Made)
		}
		if g := s.Node.Guests[id]; g.Power != wish.Running || len(g.Volumes) != 1 {
			t.Error(g)
		}
		if a := s.actions(path); a[0] != "unshelve Success" {
			t.Error(a)
		}
	})
}

// One that fits nowhere stays put away; deleted there, its image goes with it.
func TestUnshelveWithoutRoom(t *testing.T) {
	each(t, func(s *site) {
		path := s.server("")
		s.call(me, "", "POST "+path+"/action", `{"os-stop":null}`, 202)
		s.Settle(t, 6)
		s.call(me, "", "POST "+path+"/action", `{"shelve":null}`, 202)
		s.Settle(t, 6)
		s.capture()
		s.is(path, "SHELVED_OFFLOADED")
		s.call(admin, "2.53", "PUT /os-services/"+s.service(), `{"status":"disabled"}`, 200)
		s.call(me, "", "POST "+path+"/action", `{"unshelve":null}`, 202)
		s.Settle(t, 6)
		if v := s.is(path, "SHELVED_OFFLOADED"); v["OS-EXT-STS:task_state"] != nil || s.actions(path)[0] != "unshelve Error" {
			t.Error(v, s.actions(path))
		}
		s.call(me, "", "DELETE "+path, "", 204)
		s.Settle(t, 6)
		if len(s.Images.Made) != 0 || s.Nets.Count() != 0 {
			t.Error(s.Images.Made)
		}
	})
}

// A server that is deleted while its image is made leaves none; one whose root disk is a
// volume needs none.
func TestShelveEnds(t *testing.T) {
	each(t, func(s *site) {
		path := s.server("")
		s.call(me, "", "POST "+path+"/action", `{"shelve":null}`, 202)
		s.Settle(t, 6)
		s.call(me, "", "DELETE "+path, "", 204)
		s.Settle(t, 6)
		s.capture()
		if len(s.Images.Made) != 0 {
			t.Error(s.Images.Made)
		}
		m := s.call(me, "", "POST /servers", `{"server":{"name":"one","flavorRef":"1","block_device_mapping_v2":[{"source_type":"image","destination_type":"volume","uuid":"`+novatest.ImageID+`","boot_index":0,"volume_size":1}]}}`, 202)
		s.Settle(t, 6)
		path = "/servers/" + at(m, "server", "id").(string)
		s.call(me, "", "POST "+path+"/action", `{"shelve":null}`, 202)
		s.Settle(t, 8)
		s.is(path, "SHELVED_OFFLOADED")
		s.call(me, "", "POST "+path+"/action", `{"unshelve":null}`, 202)
		s.Settle(t, 8)
		s.is(path, "ACTIVE")
		if len(s.Images.Made) != 0 || len(s.Disks.Holds) != 1 {
			t.Error(s.Images.Made, s.Disks.Holds)
		}
	})
}

// A server that is put away is promised volumes, and given them when it comes back.
func TestVolumesOfTheShelved(t *testing.T) {
	each(t, func(s *site) {
		s.Disks.Add("11111111-aaaa-4aaa-8aaa-aaaaaaaaaaaa", false)
		s.Disks.Add("22222222-aaaa-4aaa-8aaa-aaaaaaaaaaaa", false)
		path := s.server("")
		s.call(me, "", "POST "+path+"/action", `{"shelve":null}`, 202)
		s.Settle(t, 6)
		s.capture()
		s.is(path, "SHELVED_OFFLOADED")
		attach := func(version, id string, status int) {
			t.Helper()
			s.call(me, version, "POST "+path+"/os-volume_attachments", `{"volumeAttachment":{"volumeId":"`+id+`-aaaa-4aaa-8aaa-aaaaaaaaaaaa"}}`, status)
		}
		attach("2.19", "11111111", 409)
		attach("2.20", "11111111", 200)
		attach("2.20", "22222222", 200)
		at := path + "/os-volume_attachments/22222222-aaaa-4aaa-8aaa-aaaaaaaaaaaa"
		s.call(me, "2.19", "DELETE "+at, "", 409)
		s.call(me, "2.20", "DELETE "+at, "", 202)
		s.Settle(t, 4)
		for _, h := range s.Disks.Holds {
			if len(s.Disks.Holds) != 1 || h.Status != nova.HoldReserved {
				t.Error(s.Disks.Holds)
			}
		}
		s.is(path, "SHELVED_OFFLOADED")
		s.call(me, "", "POST "+path+"/action", `{"unshelve":null}`, 202)
		s.Settle(t, 8)
		s.is(path, "ACTIVE")
		for _, h := range s.Disks.Holds {
			if h.Status != nova.HoldAttached {
				t.Error(h)
			}
		}
	})
}

// service is the id of the one host's.
func (s *site) service() string {
	all := s.call(admin, "2.53", "GET /os-services", "", 200)["services"].([]any)
	return at(all[0], "id").(string)
}
