package api_test

import (
	"testing"
)

const oldVolume, newVolume = "44444444-4444-4444-4444-444444444444", "55555555-5555-5555-5555-555555555555"

// Another volume takes the place of one for those who may say so; since 2.85 the same
// call changes whether the volume goes with its server, and nothing else.
func TestUpdateAttachment(t *testing.T) {
	each(t, func(s *site) {
		path := s.server("")
		s.Disks.Add(oldVolume, false)
		s.Disks.Add(newVolume, false)
		s.call(me, "", "POST "+path+"/os-volume_attachments", `{"volumeAttachment":{"volumeId":"`+oldVolume+`"}}`, 200)
		s.Settle(t, 6)
		one := path + "/os-volume_attachments/" + oldVolume
		put := func(as, version, more string, status int) {
			t.Helper()
			s.call(as, version, "PUT "+one, `{"volumeAttachment":{"volumeId":`+more+`}}`, status)
		}
		put(me, "", `"`+newVolume+`"`, 403)
		put(me, "2.85", `"`+newVolume+`"`, 403)
		put("q/member", "2.85", `"`+oldVolume+`","delete_on_termination":true`, 404)
		put(me, "2.85", `"`+oldVolume+`","delete_on_termination":true`, 202)
		put(me, "2.85", `"`+oldVolume+`","device":"/dev/vdz"`, 400)
		put(me, "2.85", `"`+oldVolume+`","tag":"other"`, 400)
		put(me, "2.84", `"`+oldVolume+`","delete_on_termination":true`, 400)
		put(admin, "", `"`+oldVolume+`"`, 400) // itself
		put(admin, "", `"66666666-6666-6666-6666-666666666666"`, 400)
		s.call(admin, "", "PUT "+path+"/os-volume_attachments/"+newVolume, `{"volumeAttachment":{"volumeId":"`+newVolume+`"}}`, 400)
		s.Node.Copying = "under way"
		put(admin, "2.85", `"`+newVolume+`","delete_on_termination":false`, 202)
		s.Settle(t, 6)
		got := s.call(me, "2.89", "GET "+path+"/os-volume_attachments", "", 200)["volumeAttachments"].([]any)
		if len(got) != 1 || at(got[0], "volumeId") != oldVolume || at(got[0], "delete_on_termination") != false {
			t.Error("on the way:", got)
		}
		s.call(me, "", "DELETE "+one, "", 400)
		s.Node.Copying = ""
		s.Settle(t, 6)
		got = s.call(me, "2.89", "GET "+path+"/os-volume_attachments", "", 200)["volumeAttachments"].([]any)
		if len(got) != 1 || at(got[0], "volumeId") != newVolume || at(got[0], "device") != "/dev/vdb" {
			t.Error("after:", got)
		}
		if a := s.actions(path); a[0] != "swap_volume Success" {
			t.Error(a)
		}
		s.call(me, "", "GET "+one, "", 404)
	})
}
