package neutron_test

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"stackd/internal/fault"
	"stackd/internal/sqldb"
	"stackd/internal/sqldb/dbtest"
	"stackd/neutron"
	"stackd/neutron/neutrontest"
)

func common(project string) neutron.Common { return neutron.Common{ProjectID: project} }

func wantFault(t *testing.T, err error, kind fault.Kind, name string) {
	t.Helper()
	f := fault.Of(err)
	if f == nil || f.Kind != kind || f.Type != name {
		t.Fatalf("got %v, want %s", err, name)
	}
}

func TestPortsAndTheirNetworks(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		n, fabric := neutrontest.On(t, db)
		ctx := neutrontest.As(t.Context(), "p1", "member")
		net, sub := neutrontest.Network(t, ctx, n, "p1", "10.1.0.0/28")
		fabric.Told()
		p, err := n.CreatePort(ctx, neutron.PortSpec{Common: common("p1"), NetworkID: net.ID})
		if err != nil {
			t.Fatal(err)
		}
		if !fabric.Told()["network/"+net.ID] {
			t.Error("the fabric was not told")
		}
		if len(p.FixedIPs) != 1 || p.FixedIPs[0].SubnetID != sub.ID || len(p.SecurityGroups) != 1 || p.Status != neutron.Down {
			t.Fatalf("%+v", p)
		}
		other := neutrontest.As(t.Context(), "p2", "member")
		_, err = n.Port(other, p.ID)
		wantFault(t, err, fault.NotFound, "PortNotFound")
		_, err = n.Network(other, net.ID)
		wantFault(t, err, fault.NotFound, "NetworkNotFound")
		wantFault(t, n.DeleteNetwork(ctx, net.ID), fault.Conflict, "NetworkInUse")
		wantFault(t, n.DeleteSubnet(ctx, sub.ID), fault.Conflict, "SubnetInUse")
		_, err = n.CreatePort(ctx, neutron.PortSpec{Common: common("p1"), NetworkID: net.ID, FixedIPs: neutron.Some([]neutron.FixedIP{{Address: p.FixedIPs[0].Address}})})
		wantFault(t, err, fault.Conflict, "IpAddressAlreadyAllocated")
		if err := n.DeletePort(ctx, p.ID); err != nil {
			t.Fatal(err)
		}
		if err := n.DeleteSubnet(ctx, sub.ID); err != nil {
			t.Fatal(err)
		}
		if err := n.DeleteNetwork(ctx, net.ID); err != nil {
			t.Fatal(err)
		}
	})
}

// A /28 has 14 hosts: gateway and metadata take two.
func TestAddressesRunOut(t *testing.T) {
	n, _ := neutrontest.New(t)
	ctx := neutrontest.As(t.Context(), "p1", "member")
	net, sub := neutrontest.Network(t, ctx, n, "p1", "10.1.0.0/28")
	var got []string
	for range 12 {
		p, err := n.CreatePort(ctx, neutron.PortSpec{Common: common("p1"), NetworkID: net.ID})
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, p.FixedIPs[0].Address)
	}
	slices.Sort(got)
	if len(slices.Compact(got)) != 12 || slices.Contains(got, sub.GatewayIP) {
		t.Fatal(got)
	}
	_, err := n.CreatePort(ctx, neutron.PortSpec{Common: common("p1"), NetworkID: net.ID})
	wantFault(t, err, fault.Conflict, "IpAddressGenerationFailure")
}

// A subnet may be too small for the network's own port.
func TestSmallPools(t *testing.T) {
	n, _ := neutrontest.New(t)
	ctx := neutrontest.As(t.Context(), "p1", "member")
	net, err := n.CreateNetwork(ctx, neutron.NetworkSpec{Common: common("p1")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.CreateSubnet(ctx, neutron.SubnetSpec{Common: common("p1"), NetworkID: net.ID, IPVersion: 4, CIDR: neutron.Some("10.0.0.0/24"), Pools: neutron.Some([]neutron.Pool{{Start: "10.0.0.9", End: "10.0.0.9"}})}); err != nil {
		t.Fatal(err)
	}
	if _, err := n.CreateSubnet(ctx, neutron.SubnetSpec{Common: common("p1"), NetworkID: net.ID, IPVersion: 4, CIDR: neutron.Some("10.0.1.0/32"), GatewayIP: neutron.Maybe[string]{Set: true, Null: true}, EnableDHCP: neutron.Some(false)}); err != nil {
		t.Fatal(err)
	}
	p, err := n.CreatePort(ctx, neutron.PortSpec{Common: common("p1"), NetworkID: net.ID})
	if err != nil || p.FixedIPs[0].Address != "10.0.1.0" {
		t.Fatal(p, err)
	}
	meta, err := n.MetadataPorts(ctx, net.ID)
	if err != nil || len(meta[net.ID].Addresses) != 1 || meta[net.ID].Addresses[0].Address != "10.0.0.9" {
		t.Fatal(meta, err)
	}
}

func TestSixAddressesItself(t *testing.T) {
	n, _ := neutrontest.New(t)
	ctx := neutrontest.As(t.Context(), "p1", "member")
	net, _ := neutrontest.Network(t, ctx, n, "p1", "10.1.0.0/24")
	p, err := n.CreatePort(ctx, neutron.PortSpec{Common: common("p1"), NetworkID: net.ID, MAC: neutron.Some("fa:16:3e:11:22:33")})
	if err != nil {
		t.Fatal(err)
	}
	six, err := n.CreateSubnet(ctx, neutron.SubnetSpec{Common: common("p1"), NetworkID: net.ID, IPVersion: 6, CIDR: neutron.Some("fd00:1::/64"),
		RAMode: neutron.Some(neutron.SLAAC), AddressMode: neutron.Some(neutron.SLAAC)})
	if err != nil {
		t.Fatal(err)
	}
	if p, err = n.Port(ctx, p.ID); err != nil || !slices.Contains(p.Addresses(), "fd00:1::f816:3eff:fe11:2233") {
		t.Fatal(p, err)
	}
	if err := n.DeleteSubnet(ctx, six.ID); err != nil {
		t.Fatal(err)
	}
	if p, err = n.Port(ctx, p.ID); err != nil || len(p.FixedIPs) != 1 {
		t.Fatal(p, err)
	}
}

func TestRouterAndFloatingIP(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		n, fabric := neutrontest.On(t, db)
		ctx := neutrontest.As(t.Context(), "p1", "member")
		out, _ := neutrontest.Outside(t, neutrontest.As(t.Context(), "operator", "admin"), n, "203.0.113.0/24")
		net, sub := neutrontest.Network(t, ctx, n, "p1", "10.1.0.0/24")
		p, err := n.CreatePort(ctx, neutron.PortSpec{Common: common("p1"), NetworkID: net.ID})
		if err != nil {
			t.Fatal(err)
		}
		r, err := n.CreateRouter(ctx, neutron.RouterSpec{Common: common("p1"), Gateway: neutron.Some(neutron.Gateway{NetworkID: out.ID})})
		if err != nil || len(r.GatewayIPs) != 1 {
			t.Fatal(r, err)
		}
		_, err = n.CreateFloatingIP(ctx, neutron.FloatingIPSpec{Common: common("p1"), NetworkID: out.ID, PortID: neutron.Some(p.ID)})
		wantFault(t, err, fault.NotFound, "ExternalGatewayForFloatingIPNotFound")
		if _, err := n.AddInterface(ctx, r.ID, neutron.InterfaceSpec{SubnetID: sub.ID}); err != nil {
			t.Fatal(err)
		}
		_, err = n.AddInterface(ctx, r.ID, neutron.InterfaceSpec{SubnetID: sub.ID})
		wantFault(t, err, fault.Invalid, "BadRequest")
		fabric.Told()
		f, err := n.CreateFloatingIP(ctx, neutron.FloatingIPSpec{Common: common("p1"), NetworkID: out.ID, PortID: neutron.Some(p.ID)})
		if err != nil || f.FixedIP != p.FixedIPs[0].Address || f.RouterID != r.ID || f.Status != neutron.Active {
			t.Fatal(f, err)
		}
		if !fabric.Told()["router/"+r.ID] {
			t.Error("the fabric was not told of the router")
		}
		_, err = n.CreateFloatingIP(ctx, neutron.FloatingIPSpec{Common: common("p1"), NetworkID: out.ID, PortID: neutron.Some(p.ID)})
		wantFault(t, err, fault.Conflict, "FloatingIPPortAlreadyAssociated")
		_, err = n.RemoveInterface(ctx, r.ID, neutron.InterfaceSpec{SubnetID: sub.ID})
		wantFault(t, err, fault.Conflict, "RouterInterfaceInUseByFloatingIP")
		wantFault(t, n.DeleteRouter(ctx, r.ID), fault.Conflict, "RouterInUse")
		if f, err = n.UpdateFloatingIP(ctx, f.ID, neutron.FloatingIPSpec{}); err != nil || f.PortID != "" {
			t.Fatal(f, err)
		}
		if f, err = n.UpdateFloatingIP(ctx, f.ID, neutron.FloatingIPSpec{PortID: neutron.Some(p.ID)}); err != nil || f.PortID != p.ID {
			t.Fatal(f, err)
		}
		more := append(p.FixedIPs, neutron.FixedIP{SubnetID: sub.ID})
		if p, err = n.UpdatePort(ctx, p.ID, neutron.PortSpec{FixedIPs: neutron.Some(more)}); err != nil || len(p.FixedIPs) != 2 {
			t.Fatal(p, err)
		}
		if err := n.DeletePort(ctx, p.ID); err != nil {
			t.Fatal(err)
		}
		if f, err = n.FloatingIP(ctx, f.ID); err != nil || f.PortID != "" || f.Status != neutron.Down {
			t.Fatal(f, err)
		}
		if _, err := n.RemoveInterface(ctx, r.ID, neutron.InterfaceSpec{SubnetID: sub.ID}); err != nil {
			t.Fatal(err)
		}
		if err := n.DeleteRouter(ctx, r.ID); err != nil {
			t.Fatal(err)
		}
		if err := n.DeleteFloatingIP(ctx, f.ID); err != nil {
			t.Fatal(err)
		}
		if left, err := n.Ports(t.Context(), neutron.Every("network_id", out.ID)); err != nil || len(left) != 0 {
			t.Fatal(left, err)
		}
	})
}

func TestSecurityGroups(t *testing.T) {
	n, _ := neutrontest.New(t)
	ctx := neutrontest.As(t.Context(), "p1", "member")
	all, err := n.SecurityGroups(ctx, neutron.Query{})
	if err != nil || len(all) != 1 || all[0].Name != "default" || len(all[0].Rules) != 4 {
		t.Fatal(all, err)
	}
	g, err := n.CreateSecurityGroup(ctx, neutron.SecurityGroupSpec{Common: neutron.Common{ProjectID: "p1", Name: neutron.Some("web")}})
	if err != nil || len(g.Rules) != 2 {
		t.Fatal(g, err)
	}
	port := 22
	spec := neutron.RuleSpec{ProjectID: "p1", GroupID: g.ID, Direction: "ingress", Ethertype: "IPv4", Protocol: "tcp", PortMin: &port, PortMax: &port, RemoteIPPrefix: "10.0.0.7/8"}
	r, err := n.CreateRule(ctx, spec)
	if err != nil || r.NormalizedCIDR() != "10.0.0.0/8" {
		t.Fatal(r, err)
	}
	spec.Protocol, spec.RemoteIPPrefix = "6", "10.0.0.0/8"
	_, err = n.CreateRule(ctx, spec)
	wantFault(t, err, fault.Conflict, "SecurityGroupRuleExists")
	wantFault(t, n.DeleteSecurityGroup(ctx, all[0].ID), fault.Conflict, "SecurityGroupCannotRemoveDefault")
	if err := n.DeleteSecurityGroup(ctx, g.ID); err != nil {
		t.Fatal(err)
	}
}

func TestQuota(t *testing.T) {
	n, _ := neutrontest.New(t)
	ctx := neutrontest.As(t.Context(), "p1", "member")
	if err := n.SetQuota(ctx, "p1", map[string]int{"network": 1}, false); err != nil {
		t.Fatal(err)
	}
	neutrontest.Network(t, ctx, n, "p1", "10.0.0.0/24")
	_, err := n.CreateNetwork(ctx, neutron.NetworkSpec{Common: common("p1")})
	wantFault(t, err, fault.OverQuota, "OverQuota")
	u, err := n.Usage(ctx, "p1")
	if err != nil || u["network"] != (neutron.Usage{Limit: 1, Used: 1}) || u["port"].Used != 1 {
		t.Fatal(u, err)
	}
}

// Many at once get different addresses, until there are none.
func TestManyAtOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		n, _ := neutrontest.On(t, db)
		ctx := neutrontest.As(t.Context(), "p1", "member")
		net, _ := neutrontest.Network(t, ctx, n, "p1", "10.1.0.0/28")
		var wg sync.WaitGroup
		var got, full atomic.Int32
		for range 20 {
			wg.Go(func() {
				_, err := n.CreatePort(ctx, neutron.PortSpec{Common: common("p1"), NetworkID: net.ID})
				if f := fault.Of(err); err == nil {
					got.Add(1)
				} else if f != nil && f.Type == "IpAddressGenerationFailure" {
					full.Add(1)
				} else {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if got.Load() != 12 || full.Load() != 8 {
			t.Error(got.Load(), full.Load())
		}
	})
}
