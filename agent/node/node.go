package node

import (
	"cmp"
	"log/slog"

	"stackd/agent"
	"stackd/agent/daemon"
	"stackd/agent/disk"
	"stackd/agent/libvirt"
	"stackd/agent/metadata"
	"stackd/agent/vif"
	"stackd/agent/wish"
)

// Options say for whom the node works.
type Options struct {
	Host  string // the host's name in the control plane; its own when ""
	IP    string // "127.0.0.1"
	Plane wish.Plane
	Log   *slog.Logger
	// Tune changes what is not said above, if given.
	Tune func(*agent.Config)
}

// New is the agent of a host whose daemons are up. Run it.
func New(h *daemon.Host, o Options) *agent.Agent {
	log := o.Log
	if log == nil {
		log = slog.Default()
	}
	bridge := &vif.Switch{DB: h.OVSDB(), NS: h.NS(), Prefix: h.Name, Chassis: h.Chassis}
	c := agent.Config{
		Host: cmp.Or(o.Host, h.Hostname), Hostname: h.Hostname, IP: cmp.Or(o.IP, "127.0.0.1"), Plane: o.Plane, Log: log,
		Hypervisor: libvirt.New(h.Libvirt(), libvirt.Platform{
			Owner: h.DataDir, Accel: h.Accel, Netdev: h.Datapath == "netdev", VNCDir: h.VNC(), TapName: vif.TapName, Cache: disk.Cache(h.Instances()),
		}),
		Disks:    &disk.Store{Images: h.Images(), Instances: h.Instances(), Log: log},
		Vifs:     bridge,
		Metadata: &metadata.Service{Networks: bridge, Log: log},
	}
	if o.Tune != nil {
		o.Tune(&c)
	}
	return agent.New(c)
}
