package api_test

import (
	"slices"
	"strings"
	"testing"
)

// typeID is the id of the one volume type.
func (s *site) typeID() string {
	all := s.call("a/admin", "", "GET /v3/types", "", 200)["volume_types"].([]any)
	return id(all[0])
}

func ids(list any) (out []string) {
	for _, x := range list.([]any) {
		out = append(out, id(x))
	}
	slices.Sort(out)
	return out
}

func TestGroups(t *testing.T) {
	each(t, func(s *site) {
		const me = "p/member"
		kind := id(s.call("a/admin", "3.11", "POST /v3/group_types", `{"group_type":{"name":"loose"}}`, 202), "group_type")
		g := id(s.call(me, "3.13", "POST /v3/groups", `{"group":{"group_type":"`+kind+`","volume_types":["`+s.typeID()+`"]}}`, 202), "group")
		v := s.volume(me, `,"group_id":"`+g+`"`)
		s.call(me, "3.13", "PUT /v3/groups/"+g, `{"group":{"remove_volumes":"`+v+`"}}`, 202)
		s.call(me, "3.13", "PUT /v3/groups/"+g, `{"group":{"remove_volumes":"`+v+`"}}`, 400) // it is out
		s.call(me, "3.13", "PUT /v3/groups/"+g, `{"group":{"add_volumes":"`+v+`"}}`, 202)
		s.call("q/member", "3.13", "GET /v3/groups/"+g, "", 404)
		s.One.Write(v, "then")
		p := id(s.call(me, "3.14", "POST /v3/group_snapshots", `{"group_snapshot":{"group_id":"`+g+`"}}`, 202), "group_snapshot")
		s.Settle(t)
		s.One.Write(v, "now")
		copied := id(s.call(me, "3.14", "POST /v3/groups/action", `{"create-from-src":{"group_snapshot_id":"`+p+`"}}`, 202), "group")
		s.Settle(t)
		in := at(s.call(me, "3.25", "GET /v3/groups/"+copied+"?list_volume=true", "", 200), "group", "volumes").([]any)
		if len(in) != 1 {
			t.Fatalf("the copy has %v", in)
		}
		if got, _ := s.One.Text(in[0].(string), ""); got != "then" {
			t.Errorf("the copy's volume holds %q", got)
		}
		s.call(me, "3.13", "POST /v3/groups/"+g+"/action", `{"delete":{"delete-volumes":true}}`, 400) // it has a snapshot
		s.call(me, "3.14", "DELETE /v3/group_snapshots/"+p, "", 202)
		s.Settle(t)
		s.call(me, "3.13", "POST /v3/groups/"+g+"/action", `{"delete":{}}`, 400) // it is not empty
		for _, x := range []string{g, copied} {
			s.call(me, "3.13", "POST /v3/groups/"+x+"/action", `{"delete":{"delete-volumes":true}}`, 202)
		}
		s.Settle(t)
		if left := s.call(me, "3.13", "GET /v3/groups", "", 200)["groups"].([]any); len(left) != 0 {
			t.Errorf("left: %v", left)
		}
		s.call(me, "", "GET /v3/volumes/"+v, "", 404)
	})
}

// A group of the type that consistency groups have is theirs alone, and everything of it
// goes by their names.
func TestConsistencyGroups(t *testing.T) {
	each(t, func(s *site) {
		const me, at1 = "p/member", "/v3/p/consistencygroups"
		s.call(me, "", "POST "+at1, `{"consistencygroup":{"name":"n","volume_types":","}}`, 400)
		s.call(me, "", "POST "+at1, `{"consistencygroup":{"name":"n","volume_types":"nonsense"}}`, 404)
		s.call("p/reader", "", "POST "+at1, `{"consistencygroup":{"volume_types":"__DEFAULT__"}}`, 403)
		g := id(s.call(me, "", "POST "+at1, `{"consistencygroup":{"name":"n","volume_types":"__DEFAULT__,"}}`, 202), "consistencygroup")
		got := s.call(me, "", "GET "+at1+"/"+g, "", 200)
		if types := at(got, "consistencygroup", "volume_types").([]any); at(got, "consistencygroup", "status") != "available" || len(types) != 1 || types[0] != s.typeID() {
			t.Errorf("%v", got)
		}
		if l := ids(s.call(me, "", "GET "+at1+"/detail?name=n", "", 200)["consistencygroups"]); len(l) != 1 || l[0] != g {
			t.Errorf("listed: %v", l)
		}
		s.call("q/member", "", "GET "+strings.Replace(at1, "/p/", "/q/", 1)+"/"+g, "", 404)
		s.foreignToGroups(me, g)

		v := s.volume(me, `,"consistencygroup_id":"`+g+`"`)
		if shown := s.call(me, "", "GET /v3/volumes/"+v, "", 200); at(shown, "volume", "consistencygroup_id") != g {
			t.Errorf("the volume shows %v", at(shown, "volume", "consistencygroup_id"))
		}
		s.call(me, "3.5", "PUT "+at1+"/"+g+"/update", `{"consistencygroup":{"name":""}}`, 400)
		s.call(me, "3.6", "PUT "+at1+"/"+g, `{"consistencygroup":{"name":"","remove_volumes":"`+v+`"}}`, 202)
		s.call(me, "", "PUT "+at1+"/"+g+"/update", `{"consistencygroup":{"add_volumes":"`+v+`"}}`, 202)
		s.call(me, "", "PUT "+at1+"/"+g, `{"consistencygroup":{}}`, 400)
		s.consistent(me, g, v)
		s.call(me, "", "POST "+at1+"/"+g+"/delete", `{}`, 400) // it is not empty
		s.call(me, "", "POST "+at1+"/"+g+"/delete", `{"consistencygroup":{"force":"maybe"}}`, 400)
		s.call(me, "", "POST "+at1+"/"+g+"/delete", `{"consistencygroup":{"force":true}}`, 202)
		s.Settle(t)
		s.call(me, "", "GET "+at1+"/"+g, "", 404)
	})
}

// foreignToGroups: the API of groups leaves a consistency group alone.
func (s *site) foreignToGroups(me, g string) {
	s.t.Helper()
	said := s.call(me, "3.13", "GET /v3/groups/"+g, "", 400)
	if !strings.Contains(text(said), "can only be operated by CG APIs") {
		s.t.Errorf("%v", said)
	}
	s.call(me, "3.13", "POST /v3/groups/"+g+"/action", `{"delete":{}}`, 400)
	s.call(me, "3.13", "POST /v3/groups", `{"group":{"group_type":"default_cgsnapshot_type","volume_types":["x"]}}`, 400)
	s.call(me, "3.14", "POST /v3/group_snapshots", `{"group_snapshot":{"group_id":"`+g+`"}}`, 400)
	if l := s.call(me, "3.13", "GET /v3/groups", "", 200)["groups"].([]any); len(l) != 0 {
		s.t.Errorf("groups lists %v", l)
	}
}

// consistent: a snapshot of volumes that nobody has, and nobody gets one until it is there.
func (s *site) consistent(me, g, v string) {
	s.t.Helper()
	const shots = "/v3/p/cgsnapshots"
	shot := `{"cgsnapshot":{"consistencygroup_id":"` + g + `","name":"s"}}`
	reserve := func(status int) { s.call(me, "", "POST /v3/volumes/"+v+"/action", `{"os-reserve":{}}`, status) }
	reserve(202)
	s.call(me, "", "POST "+shots, shot, 400)
	s.call(me, "", "POST /v3/volumes/"+v+"/action", `{"os-unreserve":{}}`, 202)
	s.One.Write(v, "then")
	p := id(s.call(me, "", "POST "+shots, shot, 202), "cgsnapshot")
	reserve(400)
	s.call(me, "3.27", "POST /v3/attachments", `{"attachment":{"volume_uuid":"`+v+`","instance_uuid":"`+g+`"}}`, 400)
	s.Settle(s.t)
	reserve(202)
	s.call(me, "", "POST /v3/volumes/"+v+"/action", `{"os-unreserve":{}}`, 202)
	if got := s.call(me, "", "GET "+shots+"/"+p, "", 200); at(got, "cgsnapshot", "status") != "available" || at(got, "cgsnapshot", "consistencygroup_id") != g {
		s.t.Errorf("%v", got)
	}
	if l := ids(s.call(me, "", "GET "+shots+"/detail", "", 200)["cgsnapshots"]); len(l) != 1 || l[0] != p {
		s.t.Errorf("listed: %v", l)
	}
	s.call(me, "3.14", "GET /v3/group_snapshots/"+p, "", 400)
	s.call("q/member", "", "GET "+strings.Replace(shots, "/p/", "/q/", 1)+"/"+p, "", 404)
	from := "POST /v3/p/consistencygroups/create_from_src"
	s.call(me, "", from, `{"consistencygroup-from-src":{"name":"c"}}`, 400)
	s.call(me, "", from, `{"consistencygroup-from-src":{"cgsnapshot_id":"`+p+`","source_cgid":"`+g+`"}}`, 400)
	c := id(s.call(me, "", from, `{"consistencygroup-from-src":{"cgsnapshot_id":"`+p+`"}}`, 202), "consistencygroup")
	s.Settle(s.t)
	s.call(me, "", "POST /v3/p/consistencygroups/"+c+"/delete", `{"consistencygroup":{"force":true}}`, 202)
	s.call(me, "", "DELETE "+shots+"/"+p, "", 202)
	s.Settle(s.t)
	s.call(me, "", "GET "+shots+"/"+p, "", 404)
}
