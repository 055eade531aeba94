package token

import "testing"

func TestMayCall(t *testing.T) {
	for _, c := range []struct {
		rule AccessRule
		call string
		want bool
	}{
		{AccessRule{"compute", "GET", "/v2.1/servers"}, "/v2.1/servers", true},
		{AccessRule{"compute", "GET", "/v2.1/servers"}, "/v2.1/servers/x", false},
		{AccessRule{"compute", "GET", "/v2.1/servers/*"}, "/v2.1/servers/x", true},
		{AccessRule{"compute", "GET", "/v2.1/servers/{id}/ips"}, "/v2.1/servers/x/ips", true},
		{AccessRule{"compute", "GET", "/v2.1/servers/{id}/ips"}, "/v2.1/servers/ips", false},
		{AccessRule{"compute", "GET", "/v2.1/**"}, "/v2.1/servers/x/ips", true},
		{AccessRule{"compute", "GET", "/**/ips"}, "/v2.1/servers/x/ips", true},
		{AccessRule{"compute", "GET", "/**/ips"}, "/v2.1/servers/x", false},
		{AccessRule{"compute", "POST", "/v2.1/**"}, "/v2.1/servers", false},
		{AccessRule{"image", "GET", "/**"}, "/v2.1/servers", false},
	} {
		w := &Who{Only: []AccessRule{c.rule}}
		if got := w.MayCall("compute", "GET", c.call); got != c.want {
			t.Errorf("%v of %s: %v", c.rule, c.call, got)
		}
	}
	if !(&Who{}).MayCall("compute", "GET", "/x") || (&Who{Only: []AccessRule{}}).MayCall("compute", "GET", "/x") {
		t.Error("no limit is everything, an empty one nothing")
	}
}
