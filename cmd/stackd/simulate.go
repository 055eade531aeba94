package main

import (
	"context"
	"log/slog"
	"time"

	"stackd/agent/sim"
	simfabric "stackd/neutron/sim"
)

// fabric gives the cloud networks without packets.
func (p *process) fabric(ctx context.Context) {
	f := simfabric.New(p.cloud.Networking, 20*time.Millisecond)
	p.cloud.Networking.Carry(f)
	p.run(ctx, f.Run)
}

// simulate gives the cloud hosts without guests and networks without packets.
// What the guests are is kept in files, so that they outlive this process.
func (p *process) simulate(ctx context.Context, o *options) error {
	p.fabric(ctx)
	nodes, err := sim.New(sim.Of(p.cloud.Plane()), sim.Options{Hosts: o.Sim, Dir: o.path("sim")}, slog.Default())
	if err != nil {
		return err
	}
	for _, name := range nodes.Names() {
		p.cloud.Nodes.Set(name, nodes)
	}
	p.run(ctx, nodes.Run)
	return nil
}
