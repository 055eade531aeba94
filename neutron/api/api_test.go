package api

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"stackd/internal/fault"
	"stackd/internal/policy"
	"stackd/internal/token"
	"stackd/neutron"
	"stackd/neutron/neutrontest"
)

// tokens of the form project/role.
type tokens struct{}

func (tokens) Check(_ context.Context, t string) (*token.Who, error) {
	project, role, ok := strings.Cut(t, "/")
	if !ok {
		return nil, fault.New(fault.Unauthorized, "The request you have made requires authentication.")
	}
	return neutrontest.Who(project, role), nil
}

// A client speaks to a neutron of its own.
type client struct {
	t *testing.T
	h http.Handler
	n *neutron.Networking
}

func start(t *testing.T) *client {
	t.Helper()
	rules, err := policy.Defaults()
	if err != nil {
		t.Fatal(err)
	}
	n, _ := neutrontest.New(t)
	return &client{t, New(n, tokens{}, rules["neutron"], "http://127.0.0.1:5000"), n}
}

type object = map[string]any

// do sends "METHOD PATH" and answers status and body.
func (c *client) do(who, what string, body any) (int, object) {
	c.t.Helper()
	method, path, _ := strings.Cut(what, " ")
	raw, ok := body.(string)
	if !ok && body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			c.t.Fatal(err)
		}
		raw = string(b)
	}
	r := httptest.NewRequest(method, "/v2.0"+path, strings.NewReader(raw))
	if path == "" {
		r = httptest.NewRequest(method, "/", nil)
	}
	if who != "" {
		r.Header.Set("X-Auth-Token", who)
	}
	w := httptest.NewRecorder()
	c.h.ServeHTTP(w, r)
	var out object
	if w.Body.Len() > 0 {
		if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
			c.t.Fatalf("%s: %v: %s", what, err, w.Body)
		}
	}
	return w.Code, out
}

// ok is do that must answer this status; of the answer the one member is handed on.
func (c *client) ok(who, what string, body any, want int) object {
	c.t.Helper()
	code, out := c.do(who, what, body)
	if code != want {
		c.t.Fatalf("%s: %d %v, want %d", what, code, out, want)
	}
	if len(out) == 1 {
		for _, v := range out {
			if o, ok := v.(object); ok {
				return o
			}
		}
	}
	return out
}

func (c *client) fails(who, what string, body any, want int, kind, text string) {
	c.t.Helper()
	code, out := c.do(who, what, body)
	e, _ := out["NeutronError"].(object)
	if code != want || e["type"] != kind || text != "" && e["message"] != text {
		c.t.Fatalf("%s: %d %v, want %d %s %q", what, code, out, want, kind, text)
	}
}

// golden is a real neutron's answer.
func golden(t *testing.T, name string) (status int, body object) {
	t.Helper()
	b, err := os.ReadFile("testdata/golden/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var g struct {
		Status int
		Body   object
	}
	if err := json.Unmarshal(b, &g); err != nil {
		t.Fatal(err)
	}
	return g.Status, g.Body
}

// notHere belong to extensions that are not there; andHere to some that the real one,
// from which the golden answers are, had not.
var notHere = []string{"qos_policy_id", "qos_network_policy_id", "resource_request", "distributed", "ha", "flavor_id", "is_default"}
var andHere = []string{"dns_domain", "dns_name", "dns_assignment"}

func sameShape(t *testing.T, at string, got, want any) {
	t.Helper()
	switch w := want.(type) {
	case object:
		g, ok := got.(object)
		if !ok {
			t.Errorf("%s: got %T, want an object", at, got)
			return
		}
		for k := range w {
			if _, ok := g[k]; !ok && !slices.Contains(notHere, k) {
				t.Errorf("%s: no %s", at, k)
			} else if ok {
				sameShape(t, at+"."+k, g[k], w[k])
			}
		}
		for k := range g {
			if _, ok := w[k]; !ok && !slices.Contains(andHere, k) {
				t.Errorf("%s: %s is too much", at, k)
			}
		}
	case []any:
		g, ok := got.([]any)
		if !ok {
			t.Errorf("%s: got %T, want a list", at, got)
		} else if len(w) > 0 && len(g) > 0 {
			sameShape(t, at+"[0]", g[0], w[0])
		}
	case nil:
	default:
		if got == nil {
			t.Errorf("%s: null, want like %v", at, want)
		} else if a, b := jsonType(got), jsonType(want); a != b {
			t.Errorf("%s: %s, want %s", at, a, b)
		}
	}
}

func jsonType(v any) string {
	switch v.(type) {
	case string:
		return "a string"
	case float64:
		return "a number"
	case bool:
		return "a boolean"
	case []any:
		return "a list"
	}
	return "an object"
}

// like does it and compares with what the real one answered.
func (c *client) like(name, who, what string, body any) object {
	c.t.Helper()
	want, shape := golden(c.t, name)
	code, out := c.do(who, what, body)
	if code != want {
		c.t.Fatalf("%s: %d %v, want %d", what, code, out, want)
	}
	sameShape(c.t, name, out, shape)
	if e, ok := shape["NeutronError"].(object); ok && out["NeutronError"].(object)["type"] != e["type"] {
		c.t.Errorf("%s: %v, want %v", name, out, e["type"])
	}
	if len(out) == 1 {
		for _, v := range out {
			if o, ok := v.(object); ok {
				return o
			}
		}
	}
	return out
}

func TestAnswersLookLikeTheRealOnes(t *testing.T) {
	c := start(t)
	const admin = "p1/admin"
	c.like("root", "", "GET ", nil)
	c.like("v2.0-slash", admin, "GET /", nil)
	c.like("err-401", "", "GET /networks", nil)
	c.like("err-404-path", admin, "GET /nosuchthing", nil)
	c.like("extension-show", admin, "GET /extensions/router", nil)
	net := c.like("create", admin, "POST /networks", object{"network": object{"name": "golden"}})
	at := "/networks/" + net["id"].(string)
	c.like("show", admin, "GET "+at, nil)
	sub := c.like("subnet-create", admin, "POST /subnets", object{"subnet": object{"network_id": net["id"], "ip_version": 4, "cidr": "10.99.0.0/24"}})
	port := c.like("port-create", admin, "POST /ports", object{"port": object{"network_id": net["id"], "name": "golden"}})
	c.like("port-show", admin, "GET /ports/"+port["id"].(string), nil)
	r := c.like("router-create", admin, "POST /routers", object{"router": object{"name": "golden"}})
	c.like("router-show", admin, "GET /routers/"+r["id"].(string), nil)
	i := c.like("router-add-interface", admin, "PUT /routers/"+r["id"].(string)+"/add_router_interface", object{"subnet_id": sub["id"]})
	if i["subnet_id"] != sub["id"] {
		t.Error(i)
	}
	c.like("err-409-inuse", admin, "DELETE "+at, nil)
	g := c.like("sg-create", admin, "POST /security-groups", object{"security_group": object{"name": "golden"}})
	rule := object{"security_group_rule": object{"security_group_id": g["id"], "direction": "ingress", "ethertype": "IPv4", "protocol": "tcp", "port_range_min": 22, "port_range_max": 22, "remote_ip_prefix": "0.0.0.0/0"}}
	c.like("sg-rule-create", admin, "POST /security-group-rules", rule)
	c.like("err-409-sgrule", admin, "POST /security-group-rules", rule)
	c.like("sg-show", admin, "GET /security-groups/"+g["id"].(string), nil)
	c.like("quotas", admin, "GET /quotas/p1", nil)
	c.like("quotas-details", admin, "GET /quotas/p1/details.json", nil)
	c.like("err-400", admin, "POST /networks", object{"network": object{"name": "x", "nosuch": 1}})
	c.like("err-400-json", admin, "POST /networks", `{"network":`)
	c.like("err-400-cidr", admin, "POST /subnets", object{"subnet": object{"network_id": net["id"], "ip_version": 4, "cidr": "notacidr"}})
	c.like("err-404", admin, "GET /networks/00000000-0000-0000-0000-000000000000", nil)
	c.ok(admin, "PUT /quotas/p2", object{"quota": object{"network": 0}}, 200)
	c.like("err-409-quota", "p2/member", "POST /networks", object{"network": object{"name": "over"}})
	c.ok(admin, "POST /networks", object{"network": object{"name": "two"}}, 201)
	c.like("list-limit1", admin, "GET /networks?limit=1&sort_key=id&sort_dir=asc", nil)
	if err := c.n.RecordAgent(t.Context(), neutron.Agent{Type: "OVN Controller agent", Binary: "ovn-controller", Host: "h1", Config: map[string]any{"bridge_mappings": map[string]any{"physnet1": "br-ex"}}}); err != nil {
		t.Fatal(err)
	}
	if got := c.ok(admin, "GET /agents", nil, 200)["agents"].([]any)[0].(object); got["alive"] != true || got["host"] != "h1" {
		t.Error(got)
	}
}

func TestTheExactWords(t *testing.T) {
	c := start(t)
	for _, name := range []string{"err-400", "err-400-json", "err-400-cidr", "err-404", "err-404-path", "err-403"} {
		_, want := golden(t, name)
		e := want["NeutronError"].(object)
		who, what, body := "p1/admin", "POST /networks", any(object{"network": object{"name": "x", "nosuch": 1}})
		switch name {
		case "err-400-json":
			body = `{"network":`
		case "err-400-cidr":
			net := c.ok(who, "POST /networks", object{"network": object{}}, 201)
			what, body = "POST /subnets", object{"subnet": object{"network_id": net["id"], "ip_version": 4, "cidr": "notacidr"}}
		case "err-404":
			what, body = "GET /networks/00000000-0000-0000-0000-000000000000", nil
		case "err-404-path":
			what, body = "GET /nosuchthing", nil
		case "err-403":
			who, body = "p1/member", object{"network": object{"name": "x", "provider:network_type": "vlan", "provider:segmentation_id": 5}}
		}
		_, got := c.do(who, what, body)
		if text := got["NeutronError"].(object)["message"]; text != e["message"] {
			t.Errorf("%s: %q, want %q", name, text, e["message"])
		}
	}
}

func TestWhoMaySeeAndDoWhat(t *testing.T) {
	c := start(t)
	const member, other, reader, admin = "p1/member", "p2/member", "p1/reader", "op/admin"
	net := c.ok(member, "POST /networks", object{"network": object{"name": "n"}}, 201)
	at := "/networks/" + net["id"].(string)
	if _, ok := net["provider:network_type"]; ok {
		t.Error("a member sees the wire")
	}
	if _, ok := c.ok(admin, "GET "+at, nil, 200)["provider:network_type"]; !ok {
		t.Error("an administrator does not see the wire")
	}
	c.fails(other, "GET "+at, nil, 404, "NetworkNotFound", "")
	c.fails(other, "DELETE "+at, nil, 404, "NetworkNotFound", "")
	c.fails(reader, "PUT "+at, object{"network": object{"name": "m"}}, 403, "PolicyNotAuthorized", "rule:update_network is disallowed by policy")
	c.fails(member, "PUT "+at, object{"network": object{"shared": true}}, 403, "PolicyNotAuthorized", "(rule:update_network and rule:update_network:shared) is disallowed by policy")
	c.fails(member, "POST /networks", object{"network": object{"router:external": true}}, 403, "PolicyNotAuthorized", "")
	c.fails(member, "POST /networks", object{"network": object{"tenant_id": "p2"}}, 400, "HTTPBadRequest", "")
	c.ok(member, "POST /networks", object{"network": object{"shared": false, "admin_state_up": true}}, 201)
	c.ok(admin, "PUT "+at, object{"network": object{"shared": true}}, 200)
	if c.ok(other, "GET "+at, nil, 200)["shared"] != true {
		t.Error("not shared")
	}
	c.fails(other, "PUT "+at, object{"network": object{"name": "mine now"}}, 403, "PolicyNotAuthorized", "")
	c.fails(other, "DELETE "+at, nil, 403, "PolicyNotAuthorized", "")
	c.ok(member, "POST /subnets", object{"subnet": object{"network_id": net["id"], "ip_version": 4, "cidr": "10.0.0.0/24"}}, 201)
	port := c.ok(other, "POST /ports", object{"port": object{"network_id": net["id"]}}, 201)
	if _, ok := port["binding:host_id"]; ok {
		t.Error("a member sees the host")
	}
	c.fails(other, "POST /ports", object{"port": object{"network_id": net["id"], "mac_address": "fa:16:3e:00:00:01"}}, 403, "PolicyNotAuthorized", "")
	c.fails(other, "POST /ports", object{"port": object{"network_id": net["id"], "binding:host_id": "h"}}, 403, "PolicyNotAuthorized", "")
	c.ok(admin, "PUT /ports/"+port["id"].(string), object{"port": object{"binding:host_id": "h"}}, 200)
	c.fails(admin, "PUT "+at, object{"network": object{"shared": false}}, 409, "InvalidSharedSetting", "")
}

func TestListsNarrowAndPage(t *testing.T) {
	c := start(t)
	const admin = "p1/admin"
	many := c.ok(admin, "POST /networks", object{"networks": []object{{"name": "a"}, {"name": "b"}, {"name": "c", "admin_state_up": false}}}, 201)["networks"].([]any)
	if len(many) != 3 {
		t.Fatal(many)
	}
	names := func(q string) string {
		t.Helper()
		var out []string
		for _, n := range c.ok(admin, "GET /networks?sort_key=name&"+q, nil, 200)["networks"].([]any) {
			out = append(out, n.(object)["name"].(string))
		}
		return strings.Join(out, "")
	}
	for q, want := range map[string]string{
		"": "abc", "name=a&name=c": "ac", "admin_state_up=False": "c", "status=DOWN": "", "shared=true": "", "provider:network_type=geneve": "abc", "sort_dir=desc": "cba",
		"limit=2": "ab", "limit=2&marker=" + many[1].(object)["id"].(string): "c", "limit=1&page_reverse=true&marker=" + many[2].(object)["id"].(string): "b", "mtu=1442&name=b": "b",
	} {
		if got := names(q); got != want {
			t.Errorf("%s: %q, want %q", q, got, want)
		}
	}
	c.fails(admin, "GET /networks?nosuch=1", nil, 400, "HTTPBadRequest", "['nosuch'] is invalid attribute for filtering")
	one := c.ok(admin, "GET /networks?fields=id&name=a", nil, 200)["networks"].([]any)[0].(object)
	if len(one) != 1 {
		t.Error(one)
	}
	if one = c.ok(admin, "GET /networks/"+one["id"].(string)+"?fields=name", nil, 200); len(one) != 1 || one["name"] != "a" {
		t.Error(one)
	}
	// Each of many may be wrapped once more.
	if got := c.ok(admin, "POST /security-groups", object{"security_groups": []object{{"security_group": object{"name": "x"}}, {"security_group": object{"name": "y"}}}}, 201)["security_groups"].([]any); len(got) != 2 {
		t.Error(got)
	}
	// A bulk request makes all or nothing.
	c.fails(admin, "POST /networks", object{"networks": []object{{"name": "d"}, {"name": "e", "mtu": 70000}}}, 400, "HTTPBadRequest", "")
	c.fails(admin, "POST /networks", object{"networks": []object{{"name": "d"}, {"name": "e", "mtu": 9000}}}, 400, "InvalidInput", "")
	if got := names(""); got != "abc" {
		t.Error(got)
	}
}

func TestTags(t *testing.T) {
	c := start(t)
	const m = "p1/member"
	net := c.ok(m, "POST /networks", object{"network": object{"name": "a"}}, 201)
	at := "/networks/" + net["id"].(string) + "/tags"
	c.ok(m, "PUT "+at, object{"tags": []string{"red", "blue"}}, 200)
	c.ok(m, "PUT "+at+"/green", `""`, 201)
	c.ok(m, "GET "+at+"/red", nil, 204)
	c.fails(m, "GET "+at+"/pink", nil, 404, "TagNotFound", "Tag pink could not be found.")
	for q, n := range map[string]int{"tags=red": 1, "tags=red,blue": 1, "tags=red,pink": 0, "tags-any=red,pink": 1, "not-tags=red": 0, "not-tags-any=pink": 1, "tags=re": 0} {
		if got := c.ok(m, "GET /networks?"+q, nil, 200)["networks"].([]any); len(got) != n {
			t.Errorf("%s: %d, want %d", q, len(got), n)
		}
	}
	c.ok(m, "DELETE "+at+"/red", nil, 204)
	c.ok(m, "DELETE "+at, nil, 204)
	if got := c.ok(m, "GET "+at, nil, 200)["tags"].([]any); len(got) != 0 {
		t.Error(got)
	}
}

func TestRevisions(t *testing.T) {
	c := start(t)
	net := c.ok("p1/member", "POST /networks", object{"network": object{"name": "a"}}, 201)
	send := func(match string) int {
		r := httptest.NewRequest("PUT", "/v2.0/networks/"+net["id"].(string), strings.NewReader(`{"network":{"name":"b"}}`))
		r.Header.Set("X-Auth-Token", "p1/member")
		r.Header.Set("If-Match", match)
		w := httptest.NewRecorder()
		c.h.ServeHTTP(w, r)
		return w.Code
	}
	if a, b := send("revision_number=7"), send("revision_number=1"); a != 412 || b != 200 {
		t.Error(a, b)
	}
}

func TestBadValuesNameTheirField(t *testing.T) {
	c := start(t)
	const m = "p1/admin"
	net := c.ok(m, "POST /networks", object{"network": object{}}, 201)
	for _, x := range []struct {
		path, key string
		body      object
		text      string
	}{
		{"/networks", "network", object{"name": 7}, "Invalid input for name. Reason: '7' is not a valid string."},
		{"/networks", "network", object{"admin_state_up": "maybe"}, "Invalid input for admin_state_up. Reason: 'maybe' cannot be converted to boolean."},
		{"/networks", "network", object{"status": "ACTIVE"}, "Attribute 'status' not allowed in POST"},
		{"/subnets", "subnet", object{"ip_version": 4}, "Failed to parse request. Required attribute 'network_id' not specified"},
		{"/subnets", "subnet", object{"network_id": "x", "ip_version": 4}, "Invalid input for network_id. Reason: 'x' is not a valid UUID."},
		{"/ports", "port", object{"network_id": net["id"], "mac_address": "zz"}, "Invalid input for mac_address. Reason: 'zz' is not a valid MAC address."},
		{"/ports", "port", object{"network_id": net["id"], "fixed_ips": []object{{"ip_address": "1.2.3"}}}, "Invalid input for fixed_ips. Reason: '1.2.3' is not a valid IP address."},
		{"/security-group-rules", "security_group_rule", object{"security_group_id": net["id"], "direction": "up"}, "Invalid input for direction. Reason: 'up' is not in ['ingress', 'egress']."},
	} {
		c.fails(m, "POST "+x.path, object{x.key: x.body}, 400, "HTTPBadRequest", x.text)
	}
	c.fails(m, "PUT /networks/"+net["id"].(string), object{"network": object{"id": "x"}}, 400, "HTTPBadRequest", "Cannot update read-only attribute id")
	c.fails(m, "POST /networks", object{"net": object{}}, 400, "HTTPBadRequest", "Unable to find 'network' in request body")
	c.fails(m, "POST /networks", nil, 400, "HTTPBadRequest", "Resource body required")
}
