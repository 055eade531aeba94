package sim_test

import (
	"context"
	"testing"
	"time"

	"stackd/neutron"
	"stackd/neutron/neutrontest"
	"stackd/neutron/sim"
)

func TestBoundPortsComeUp(t *testing.T) {
	n, _ := neutrontest.New(t)
	f := sim.New(n, 10*time.Millisecond)
	n.Carry(f)
	up := make(chan string, 4)
	n.OnPortUp(func(id string, _ bool) { up <- id })
	ctx, stop := context.WithCancel(neutrontest.As(t.Context(), "p1", "member"))
	done := make(chan struct{})
	go func() { f.Run(ctx); close(done) }()
	net, _ := neutrontest.Network(t, ctx, n, "p1", "10.0.0.0/24")
	got, err := n.AllocateForServer(ctx, neutron.ServerRequest{ServerID: "s1", ProjectID: "p1", NICs: []neutron.NIC{{NetworkID: net.ID}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := n.BindPorts(ctx, "s1", "h1", ""); err != nil {
		t.Fatal(err)
	}
	select {
	case id := <-up:
		if id != got[0].ID {
			t.Error(id)
		}
	case <-time.After(5 * time.Second):
		t.Error("the port stays down")
	}
	stop()
	<-done
}
