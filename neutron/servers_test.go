package neutron_test

import (
	"slices"
	"testing"

	"stackd/internal/fault"
	"stackd/internal/sqldb"
	"stackd/internal/sqldb/dbtest"
	"stackd/neutron"
	"stackd/neutron/neutrontest"
)

func TestServerPorts(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		n, _ := neutrontest.On(t, db)
		ctx := neutrontest.As(t.Context(), "p1", "member")
		net, _ := neutrontest.Network(t, ctx, n, "p1", "10.1.0.0/24")
		mine, err := n.CreatePort(ctx, neutron.PortSpec{Common: common("p1"), NetworkID: net.ID})
		if err != nil {
			t.Fatal(err)
		}
		got, err := n.AllocateForServer(ctx, neutron.ServerRequest{ServerID: "s1", ProjectID: "p1", Zone: "nova", Hostname: "vm", NICs: []neutron.NIC{{PortID: mine.ID}, {NetworkID: net.ID, FixedIP: "10.1.0.77"}}})
		if err != nil || len(got) != 2 || got[0].ID != mine.ID || got[0].OfServer || !got[1].OfServer || got[1].Addresses[0].Address != "10.1.0.77" {
			t.Fatal(got, err)
		}
		if got[1].NetworkName != "net" || got[1].MTU != 1442 || !slices.Equal(got[1].SecurityGroups, []string{"default"}) || !slices.Equal(got[1].Prefixed(), []string{"10.1.0.77/24"}) {
			t.Fatalf("%+v", got[1])
		}
		_, err = n.AllocateForServer(ctx, neutron.ServerRequest{ServerID: "s2", ProjectID: "p1", NICs: []neutron.NIC{{PortID: mine.ID}}})
		wantFault(t, err, fault.Conflict, "PortInUse")
		_, err = n.AllocateForServer(ctx, neutron.ServerRequest{ServerID: "s2", ProjectID: "p1", NICs: []neutron.NIC{{NetworkID: net.ID}, {NetworkID: net.ID, FixedIP: "10.1.0.77"}}})
		wantFault(t, err, fault.Conflict, "FixedIpAlreadyInUse")
		if left, _ := n.PortsOf(ctx, "s2"); len(left) != 0 {
			t.Fatal("a failed allocation left ports", left)
		}
		if err := n.BindPorts(t.Context(), "s1", "host1", "az1"); err != nil {
			t.Fatal(err)
		}
		var news []string
		n.OnPortUp(func(id string, up bool) { news = append(news, id) })
		for range 2 {
			if err := n.PortUp(t.Context(), mine.ID, true); err != nil {
				t.Fatal(err)
			}
		}
		var touched []string
		n.OnHost(func(host string) { touched = append(touched, host) })
		if _, err := n.UpdatePort(ctx, mine.ID, neutron.PortSpec{FixedIPs: neutron.Some([]neutron.FixedIP{{Address: "10.1.0.9"}})}); err != nil || !slices.Equal(slices.Compact(touched), []string{"host1"}) {
			t.Fatal(touched, err)
		}
		by, err := n.PortsOf(ctx, "s1", "s2")
		if err != nil || len(by["s1"]) != 2 || !by["s1"][0].Up() || by["s1"][1].Up() || len(news) != 1 || by["s1"][0].Host != "host1" {
			t.Fatal(by, err, news)
		}
		meta, err := n.MetadataPorts(ctx, net.ID)
		if err != nil || len(meta[net.ID].Prefixed()) != 1 {
			t.Fatal(meta, err)
		}
		if err := n.DeleteServerPorts(t.Context(), "s1"); err != nil {
			t.Fatal(err)
		}
		p, err := n.Port(ctx, mine.ID)
		if err != nil || p.DeviceID != "" || p.Host != "" || p.Status != neutron.Down {
			t.Fatal(p, err)
		}
		if left, _ := n.PortsOf(ctx, "s1"); len(left) != 0 {
			t.Fatal(left)
		}
	})
}

func TestServerOnNoOrManyNetworks(t *testing.T) {
	n, _ := neutrontest.New(t)
	ctx := neutrontest.As(t.Context(), "p1", "member")
	auto := neutron.ServerRequest{ServerID: "s", ProjectID: "p1", Auto: true}
	if got, err := n.AllocateForServer(ctx, auto); err != nil || len(got) != 0 {
		t.Fatal(got, err)
	}
	neutrontest.Network(t, ctx, n, "p1", "10.1.0.0/24")
	if got, err := n.AllocateForServer(ctx, auto); err != nil || len(got) != 1 {
		t.Fatal(got, err)
	}
	other, _ := neutrontest.Network(t, ctx, n, "p1", "10.2.0.0/24")
	_, err := n.AllocateForServer(ctx, auto)
	wantFault(t, err, fault.Conflict, "NetworkAmbiguous")
	_, err = n.AllocateForServer(neutrontest.As(t.Context(), "p2", "member"), neutron.ServerRequest{ServerID: "s", ProjectID: "p2", NICs: []neutron.NIC{{NetworkID: other.ID}}})
	wantFault(t, err, fault.NotFound, "NetworkNotFound")
	_, err = n.AllocateForServer(ctx, neutron.ServerRequest{ServerID: "s", ProjectID: "p1", NICs: []neutron.NIC{{NetworkID: other.ID}}, SecurityGroups: []string{"nosuch"}})
	wantFault(t, err, fault.NotFound, "SecurityGroupNotFound")
}

// Writing a foreign server's or router's id on a port gets it nowhere near them.
func TestDeviceIDsPlugNothing(t *testing.T) {
	n, _ := neutrontest.New(t)
	ctx, thief := neutrontest.As(t.Context(), "p1", "member"), neutrontest.As(t.Context(), "p2", "member")
	net, _ := neutrontest.Network(t, ctx, n, "p1", "10.1.0.0/24")
	own, _ := neutrontest.Network(t, thief, n, "p2", "10.2.0.0/24")
	if _, err := n.AllocateForServer(ctx, neutron.ServerRequest{ServerID: "s1", ProjectID: "p1", NICs: []neutron.NIC{{NetworkID: net.ID}}}); err != nil {
		t.Fatal(err)
	}
	p, err := n.CreatePort(thief, neutron.PortSpec{Common: common("p2"), NetworkID: own.ID, DeviceID: neutron.Some("s1"), DeviceOwner: neutron.Some("compute:nova")})
	if err != nil {
		t.Fatal(err)
	}
	if err := n.BindPorts(ctx, "s1", "h1", ""); err != nil {
		t.Fatal(err)
	}
	by, err := n.PortsOf(ctx, "s1")
	if err != nil || len(by["s1"]) != 1 || by["s1"][0].NetworkID != net.ID {
		t.Fatal(by, err)
	}
	if p, err = n.Port(thief, p.ID); err != nil || p.Host != "" {
		t.Fatal(p, err)
	}
	r, err := n.CreateRouter(ctx, neutron.RouterSpec{Common: common("p1")})
	if err != nil {
		t.Fatal(err)
	}
	_, err = n.CreatePort(thief, neutron.PortSpec{Common: common("p2"), NetworkID: own.ID, DeviceID: neutron.Some(r.ID), DeviceOwner: neutron.Some(neutron.OwnerRouter)})
	wantFault(t, err, fault.Conflict, "DeviceIDNotOwnedByTenant")
	_, err = n.UpdatePort(thief, p.ID, neutron.PortSpec{DeviceID: neutron.Some(r.ID), DeviceOwner: neutron.Some(neutron.OwnerRouter)})
	wantFault(t, err, fault.Conflict, "DeviceIDNotOwnedByTenant")
}
