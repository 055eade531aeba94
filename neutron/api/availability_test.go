package api

import "testing"

func TestAvailability(t *testing.T) {
	c := start(t)
	const admin, member = "op/admin", "p1/member"
	net := c.ok(member, "POST /networks", object{"network": object{"name": "n"}}, 201)
	c.ok(member, "POST /subnets", object{"subnet": object{"network_id": net["id"], "ip_version": 4, "cidr": "10.0.0.0/24"}}, 201)
	c.ok(member, "POST /subnets", object{"subnet": object{"network_id": net["id"], "ip_version": 6, "cidr": "fd00::/64"}}, 201)
	c.ok(member, "POST /ports", object{"port": object{"network_id": net["id"]}}, 201)
	at := "/network-ip-availabilities"
	c.fails(member, "GET "+at, nil, 403, "PolicyNotAuthorized", "")
	four := c.ok(admin, "GET "+at+"?ip_version=4&network_name=n", nil, 200)["network_ip_availabilities"].([]any)[0].(object)
	if four["total_ips"] != 253.0 || four["used_ips"] != 2.0 || len(four["subnet_ip_availability"].([]any)) != 1 {
		t.Error(four)
	}
	all := c.ok(admin, "GET "+at+"/"+net["id"].(string), nil, 200)
	if all["total_ips"].(float64) < 1<<63 || all["used_ips"] != 4.0 {
		t.Error(all)
	}
	c.fails(admin, "GET "+at+"/nosuch", nil, 404, "NetworkNotFound", "")
	out := c.ok(admin, "POST /networks", object{"network": object{"router:external": true}}, 201)
	c.ok(admin, "POST /subnets", object{"subnet": object{"network_id": out["id"], "ip_version": 4, "cidr": "203.0.113.0/24"}}, 201)
	if pools := c.ok(member, "GET /floatingip-pools", nil, 200)["floatingip_pools"].([]any); len(pools) != 1 || pools[0].(object)["cidr"] != "203.0.113.0/24" {
		t.Error(pools)
	}
}
