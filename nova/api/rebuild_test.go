package api_test

import (
	"slices"
	"strings"
	"testing"

	"stackd/nova"
	"stackd/nova/novatest"
)

const otherImage = "22222222-2222-2222-2222-222222222222"

// What may be changed with a rebuild, by microversion, and what the answer shows.
func TestRebuild(t *testing.T) {
	each(t, func(s *site) {
		s.Images.Made[otherImage] = nova.ImageSpec{Name: "other", Format: "qcow2", Properties: map[string]string{"hw_machine_type": "pc"}}
		s.call(me, "", "POST /os-keypairs", `{"keypair":{"name":"k","public_key":"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFb8Sz9yHhNqEN1x4ZgM0V5jU7YkDq7eBq9kDWkT8rHF x"}}`, 200)
		path := s.server(`,"metadata":{"a":"b"},"user_data":"aGVsbG8="`)
		was := s.is(path, "ACTIVE")
		one := s.call(me, "", "POST "+path+"/action", `{"rebuild":{"imageRef":"`+otherImage+`","name":"two","adminPass":"pass","metadata":{"c":"d"},"accessIPv4":"192.0.2.1","accessIPv6":"2001:db8::0:1","OS-DCF:diskConfig":"AUTO","preserve_ephemeral":false}}`, 202)
		if !strings.HasSuffix(s.last.Header().Get("Location"), path) || at(one, "server", "adminPass") != "pass" || at(one, "server", "status") != "REBUILD" || at(one, "server", "name") != "two" || at(one, "server", "accessIPv6") != "2001:db8::1" || at(one, "server", "image", "id") != otherImage {
			t.Error(one)
		}
		for _, member := range []string{"OS-EXT-STS:vm_state", "key_name", "user_data", "description"} {
			if _, shown := at(one, "server").(map[string]any)[member]; shown {
				t.Errorf("2.1 shows %s", member)
			}
		}
		s.call(me, "", "POST "+path+"/action", `{"rebuild":{"imageRef":"`+otherImage+`"}}`, 409) // one is under way
		s.Settle(t, 6)
		is := s.is(path, "ACTIVE")
		if is["id"] != was["id"] || at(is, "metadata", "c") != "d" || at(is, "metadata", "a") != nil || is["OS-DCF:diskConfig"] != "AUTO" || len(at(is, "addresses", "net").([]any)) != 1 || is["OS-EXT-SRV-ATTR:hostname"] != was["OS-EXT-SRV-ATTR:hostname"] {
			t.Error(is)
		}
		if got := s.actions(path); !slices.Equal(got[:1], []string{"rebuild Success"}) {
			t.Error(got)
		}
		two := s.call(me, "2.90", "POST "+path+"/action", `{"rebuild":{"imageRef":"`+novatest.ImageID+`","description":"d","key_name":"k","user_data":null,"hostname":"host-two","trusted_image_certificates":null}}`, 202)
		if at(two, "server", "key_name") != "k" || at(two, "server", "user_data") != nil || at(two, "server", "description") != "d" || at(two, "server", "OS-EXT-STS:task_state") != "rebuilding" || at(two, "server", "adminPass") == "" {
			t.Error(two)
		}
		s.Settle(t, 6)
		if is = s.is(path, "ACTIVE"); is["OS-EXT-SRV-ATTR:hostname"] != "host-two" || is["OS-EXT-SRV-ATTR:user_data"] != nil {
			t.Error(is)
		}
		s.call(me, "2.54", "POST "+path+"/action", `{"rebuild":{"imageRef":"`+novatest.ImageID+`","key_name":null}}`, 202)
		s.Settle(t, 6)
		if is = s.is(path, "ACTIVE"); is["key_name"] != nil {
			t.Error(is["key_name"])
		}
	})
}

// What a rebuild refuses, and when.
func TestRebuildIsRefused(t *testing.T) {
	each(t, func(s *site) {
		path := s.server("")
		bad := func(version, body string) {
			t.Helper()
			s.call(me, version, "POST "+path+"/action", `{"rebuild":{`+body+`}}`, 400)
		}
		image := `"imageRef":"` + novatest.ImageID + `"`
		bad("", `"name":"x"`)
		bad("", `"imageRef":"no id"`)
		bad("", `"imageRef":"33333333-3333-3333-3333-333333333333"`)
		bad("2.18", image+`,"description":"d"`)
		bad("2.53", image+`,"key_name":"k"`)
		bad("2.56", image+`,"user_data":"aGVsbG8="`)
		bad("2.57", image+`,"personality":[{"path":"/a","contents":"aGVsbG8="}]`)
		bad("2.56", image+`,"personality":[{"path":"/a","contents":"aGVsbG8="}]`)
		bad("2.62", image+`,"trusted_image_certificates":["c"]`)
		bad("2.63", image+`,"trusted_image_certificates":["c"]`)
		bad("2.89", image+`,"hostname":"h"`)
		bad("2.54", image+`,"key_name":"none"`)
		bad("2.57", image+`,"user_data":"%"`)
		bad("", image+`,"OS-DCF:diskConfig":"SOMETIMES"`)
		s.call("q/member", "", "POST "+path+"/action", `{"rebuild":{`+image+`}}`, 404)
		s.call("p/reader", "", "POST "+path+"/action", `{"rebuild":{`+image+`}}`, 403)
		s.call(me, "", "POST "+path+"/action", `{"pause":null}`, 202)
		s.Settle(t, 6)
		s.call(me, "", "POST "+path+"/action", `{"rebuild":{`+image+`}}`, 409)
		s.call(me, "", "POST "+path+"/action", `{"unpause":null}`, 202)
		s.Settle(t, 6)
		s.call(me, "", "POST "+path+"/action", `{"lock":null}`, 202)
		s.call(me, "", "POST "+path+"/action", `{"rebuild":{`+image+`}}`, 409)
		s.is(path, "ACTIVE")
	})
}

// A server that is off stays off; one in error, and on a host, is mended.
func TestRebuildOffAndInError(t *testing.T) {
	each(t, func(s *site) {
		path := s.server("")
		rebuild := func(status int) {
			t.Helper()
			s.call(me, "", "POST "+path+"/action", `{"rebuild":{"imageRef":"`+novatest.ImageID+`"}}`, status)
			s.Settle(t, 6)
		}
		s.call(me, "", "POST "+path+"/action", `{"os-stop":null}`, 202)
		s.Settle(t, 6)
		rebuild(202)
		s.is(path, "SHUTOFF")
		s.call(admin, "", "POST "+path+"/action", `{"os-resetState":{"state":"error"}}`, 202)
		rebuild(202)
		s.is(path, "ACTIVE")
		s.Node.Fail = "no disk"
		m := s.call(me, "", "POST /servers", `{"server":{"name":"one","flavorRef":"1","imageRef":"`+novatest.ImageID+`"}}`, 202)
		s.Settle(t, 6)
		path = "/servers/" + at(m, "server", "id").(string)
		s.is(path, "ERROR")
		rebuild(409) // there never was one
	})
}

// A root volume is given the image's content while no guest has it, since 2.93; before,
// only the same image may be said, and the volume stays as it is.
func TestRebuildFromAVolume(t *testing.T) {
	each(t, func(s *site) {
		m := s.call(me, "", "POST /servers", `{"server":{"name":"one","flavorRef":"1","block_device_mapping_v2":[{"source_type":"image","destination_type":"volume","uuid":"`+novatest.ImageID+`","boot_index":0,"volume_size":1}]}}`, 202)
		s.Settle(t, 6)
		path := "/servers/" + at(m, "server", "id").(string)
		s.is(path, "ACTIVE")
		body := `{"rebuild":{"imageRef":"` + novatest.ImageID + `"}}`
		s.call(me, "2.92", "POST "+path+"/action", body, 400)
		s.call(me, "2.93", "POST "+path+"/action", body, 202)
		s.Settle(t, 6)
		v := s.is(path, "REBUILD")
		volume := at(v["os-extended-volumes:volumes_attached"].([]any)[0], "id").(string)
		if g := s.Node.Guests[strings.TrimPrefix(path, "/servers/")]; g.Power != "stopped" {
			t.Fatal("the guest has the volume that is written:", g)
		}
		s.Disks.Set(volume, "reserved")
		s.Settle(t, 8)
		s.is(path, "ACTIVE")
		if g := s.Node.Guests[strings.TrimPrefix(path, "/servers/")]; g.Power != "running" || !slices.Equal(g.Volumes, []string{volume}) {
			t.Fatal(g)
		}
		if h := s.Disks.Holds; len(h) != 1 {
			t.Fatal(h)
		}
		s.call(me, "2.92", "POST "+path+"/action", body, 202) // it is of that image now
		s.Settle(t, 6)
		s.is(path, "ACTIVE")
		s.call(me, "2.93", "POST "+path+"/action", body, 202)
		s.Settle(t, 6)
		s.Disks.Set(volume, "error")
		s.Settle(t, 6)
		s.is(path, "ERROR")
		s.call(me, "2.93", "POST "+path+"/action", body, 202)
		s.Settle(t, 6)
		s.Disks.Set(volume, "reserved")
		s.Settle(t, 8)
		s.is(path, "ACTIVE")
	})
}
