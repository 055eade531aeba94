package ovn

import (
	"sync"
	"testing"

	"stackd/internal/sqldb/dbtest"
	"stackd/neutron"
	"stackd/neutron/neutrontest"
)

// Two control planes write one database at the same time, to the same network: what one
// makes the other does not take away, and nothing is left to the sweep (30 s).
func TestTwoControlPlanes(t *testing.T) {
	central, db := startCentral(t), dbtest.New(t)
	var clouds []*cloud
	for range 2 {
		n, _ := neutrontest.On(t, db)
		clouds = append(clouds, central.carries(t, n))
	}
	a := clouds[0]
	net, _ := neutrontest.Network(t, a.ctx, a.n, "p1", "10.1.0.0/24")
	var wg sync.WaitGroup
	for _, c := range clouds {
		wg.Go(func() {
			for i := range 40 {
				p, err := c.n.CreatePort(c.ctx, neutron.PortSpec{Common: common("p1"), NetworkID: net.ID, DeviceOwner: neutron.Some("compute:nova")})
				if err == nil && i%2 == 1 {
					err = c.n.DeletePort(c.ctx, p.ID)
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	a.eventually("forty ports and the metadata's", func() bool { return a.count("Logical_Switch_Port") == 41 })
}

// What was decided by an older look is not written over what another has made since.
func TestOvertaken(t *testing.T) {
	c := startCloud(t)
	net, _ := neutrontest.Network(t, c.ctx, c.n, "p1", "10.1.0.0/24")
	c.eventually("the metadata's port", func() bool { return c.count("Logical_Switch_Port") == 1 })
	nb, err := c.f.open(t.Context(), "OVN_Northbound", c.f.NB, nbTables)
	if err != nil {
		t.Fatal(err)
	}
	defer nb.Close()
	s := &session{f: c.f, nb: nb}
	key := map[string]bool{"network/" + net.ID: true}
	now, err := s.have(key)
	must(t, now, err)
	old, less := rows{}, rows{}
	for id, m := range now["Logical_Switch"] {
		was := *m.(*logicalSwitch)
		none := was
		none.Ports = nil
		old.add("Logical_Switch", id, &was)
		less.add("Logical_Switch", id, &none)
	}
	c.port(net.ID, "p1")
	c.eventually("another port", func() bool { return c.count("Logical_Switch_Port") == 2 })
	ops, err := diff(nb, old, less)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.transact(t.Context(), ops); !overtaken(err) {
		t.Error("written over: ", err)
	}
	if n := c.count("Logical_Switch_Port"); n != 2 {
		t.Error(n, "ports are left")
	}
}
