package cloud

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"stackd/agent/join"
	"stackd/agent/wish"
	"stackd/cinder"
	"stackd/glance"
	"stackd/horizon"
	"stackd/internal/events"
	"stackd/internal/loglevel"
	"stackd/internal/policy"
	"stackd/internal/sqldb"
	"stackd/keystone"
	keystoneapi "stackd/keystone/api"
	keystonestore "stackd/keystone/store"
	"stackd/neutron"
	neutronapi "stackd/neutron/api"
	neutronstore "stackd/neutron/store"
	"stackd/nova"
	novaapi "stackd/nova/api"
	novastore "stackd/nova/store"
	novawork "stackd/nova/work"
	"stackd/placement"
	placementapi "stackd/placement/api"
	placementstore "stackd/placement/store"
)

// Ports are where the services answer, by their names in URLs.
var Ports = map[string]int{"identity": 5000, "image": 9292, "compute": 8774, "placement": 8778, "network": 9696, "volume": 8776}

// Config is what a control plane is made from.
type Config struct {
	Database      string // postgres://… or the path of an SQLite file
	DataDir       string // images are kept below it
	Name          string // of this control plane, the same whenever it starts; "" has none
	Region        string // RegionOne
	AdminPassword string // of a new cloud's administrator; "" leaves it
	ResetAdmin    bool   // the administrator gets AdminPassword in any case
	Identity      keystone.Options
	Image         glance.Options
	Volume        cinder.Options
	GuestNetns    string // file of the network namespace that this machine's guests are in; "" is the process's
	Backup        cinder.BackupOptions
	Dashboard     horizon.Options
	Policy        string // policy.yaml, which may not be there; "" is none
	Console       string // where browsers open displays: http://127.0.0.1:6080
	// Address is the public address of a port: http://127.0.0.1:5000.
	Address func(port int) string
	Network neutron.Config
	// Self is this control plane's address among several, and Peers are where the other control planes answer this one, when there are several:
	// https://192.0.2.2:8782. Peer serves them here.
	Self  string
	Peers []string
	Logs  *loglevel.Levels // of the program; nil is that nothing can be asked or set
}

// Loggers are the names of the APIs' logs, by their services.
var Loggers = map[string]string{"identity": "keystone.api", "image": "glance.api", "compute": "nova.api", "volume": "cinder.api", "network": "neutron.api", "placement": "placement.api"}

// A Cloud is a control plane.
type Cloud struct {
	DB         *sqldb.DB
	Identity   *keystone.Identity
	Imaging    *glance.Imaging
	Placement  *placement.Placement
	Networking *neutron.Networking
	Compute    *nova.Compute
	Storage    *cinder.Storage
	Rules      map[string]*policy.Rules
	Events     *events.Hub
	// Handlers are the services' APIs by their names in URLs. One without a port is
	// served under the one address alone.
	Handlers map[string]http.Handler
	Nodes    *Nodes
	// Peer is what other control planes call, with TLS as wire.PeersTLS sets it up.
	Peer *http.ServeMux
	// Gate says who may be a node.
	Gate *join.Gate

	loops []func(context.Context)
	beats beats
}

// Open opens the database, brings it up to date, makes what a cloud must have,
// and puts the services together. Run makes it work.
func Open(ctx context.Context, cfg Config) (*Cloud, error) {
	db, err := sqldb.Open(ctx, cfg.Database)
	if err != nil {
		return nil, err
	}
	c := &Cloud{DB: db, Peer: http.NewServeMux(), Handlers: map[string]http.Handler{}, Nodes: &Nodes{live: map[string]wish.Live{}}}
	if err = c.policy(cfg.Policy); err == nil {
		err = c.wire(ctx, cfg)
	}
	if err == nil && cfg.Name != "" {
		err = c.unclaim(ctx, cfg.Name)
	}
	if err != nil {
		db.Close()
		return nil, err
	}
	return c, nil
}

// unclaim goes on at once with what a process of this control plane was at when it was
// killed.
func (c *Cloud) unclaim(ctx context.Context, name string) error {
	alone, err := c.DB.Name(ctx, name)
	if err == nil && !alone {
		slog.Warn("another process has this control plane's name, or had it a moment ago; what it had begun is left to it for a while", "name", name)
	}
	for _, f := range []func(context.Context) error{c.Compute.Unclaim, c.Storage.Unclaim} {
		if err == nil {
			err = f(ctx)
		}
	}
	return err
}

// policy reads the rules of all services, and keeps reading them.
func (c *Cloud) policy(path string) error {
	all, err := policy.Defaults()
	c.Rules = all
	if err != nil || path == "" {
		return err
	}
	f := &policy.File{Path: path}
	c.loops = append(c.loops, func(ctx context.Context) { f.Watch(ctx, all) })
	return f.Load(all)
}

func (c *Cloud) wire(ctx context.Context, cfg Config) error {
	if err := events.Pause(ctx, c.DB); err != nil {
		return err
	}
	for _, f := range []func(context.Context, Config) error{c.identity, c.nodes, c.images, c.placing, c.networks, c.blocks, c.compute, c.events} {
		if err := f(ctx, cfg); err != nil {
			return err
		}
	}
	return nil
}

func (c *Cloud) identity(ctx context.Context, cfg Config) error {
	err := keystonestore.Migrate(ctx, c.DB)
	if err != nil {
		return err
	}
	c.Identity, err = keystone.New(c.DB, keystonestore.New(c.DB), cfg.Identity)
	if err != nil {
		return err
	}
	at := cfg.Address
	err = c.Identity.Bootstrap(ctx, keystone.BootstrapSpec{AdminPassword: cfg.AdminPassword, ResetAdmin: cfg.ResetAdmin, Region: cmp.Or(cfg.Region, "RegionOne"), Endpoints: map[string]string{
		"identity": at(5000) + "/v3", "image": at(9292), "compute": at(8774) + "/v2.1", "placement": at(8778), "network": at(9696), "volumev3": at(8776) + "/v3/%(project_id)s"}})
	c.Handlers["identity"] = keystoneapi.New(c.Identity, c.Rules["keystone"])
	c.loops = append(c.loops, c.Identity.Watch)
	return err
}

func (c *Cloud) placing(ctx context.Context, cfg Config) error {
	s, err := placementstore.Open(ctx, c.DB)
	if err != nil {
		return err
	}
	c.Placement = placement.New(s)
	c.Handlers["placement"] = placementapi.New(c.Placement, c.Identity, c.Rules["placement"], cfg.Address(5000))
	return nil
}

func (c *Cloud) networks(ctx context.Context, cfg Config) error {
	s, err := neutronstore.Open(ctx, c.DB)
	if err != nil {
		return err
	}
	c.Networking = neutron.New(s, cfg.Network)
	c.Handlers["network"] = neutronapi.New(c.Networking, c.Identity, c.Rules["neutron"], cfg.Address(5000))
	return nil
}

func (c *Cloud) compute(ctx context.Context, cfg Config) error {
	s, err := novastore.Open(ctx, c.DB)
	if err != nil {
		return err
	}
	c.Compute = nova.New(s, images{c.Imaging}, networks{c.Networking}, placing{c.Placement}, c.Nodes)
	c.Compute.Volumes, c.Compute.Alone = volumes{c.Storage}, !c.DB.Postgres()
	c.Storage.Serve(c.Compute)
	c.Storage.Served(guests{c.Compute})
	c.Compute.ConsoleURL = cfg.Console + "/vnc_lite.html"
	c.Networking.OnPortUp(func(port string, _ bool) { c.Compute.PortMoved(context.Background(), port) })
	c.Networking.OnHost(c.Compute.HostTouched)
	c.Compute.Tells(func(host string) { c.DB.Hint(hostsChannel, host) })
	c.Also(func(ctx context.Context) { c.DB.Hear(ctx, hostsChannel, c.Compute.HostChanged, c.Compute.AnyChanged) })
	c.Handlers["compute"] = novaapi.New(c.Compute, c.Identity, c.Rules["nova"], cfg.Address(5000))
	c.loops = append(c.loops, every(beatsEvery, c.beat), novawork.Loop(c.Compute).Run, novawork.CaptureLoop(c.Compute).Run, every(time.Hour, func(ctx context.Context) error { return c.Compute.Purge(ctx, 30*24*time.Hour) }))
	return nil
}

// hostsChannel carries the names of hosts of which what should be there may have changed.
const hostsChannel = "nova hosts"

// every is a loop that calls f now and then.
func every(d time.Duration, f func(context.Context) error) func(context.Context) {
	return func(ctx context.Context) {
		for tick := time.NewTicker(d); ; {
			select {
			case <-ctx.Done():
				tick.Stop()
				return
			case <-tick.C:
				f(ctx)
			}
		}
	}
}

// Also adds a loop to what Run does.
func (c *Cloud) Also(loop func(context.Context)) { c.loops = append(c.loops, loop) }

// Run does the background work until the context ends, and then waits for it.
func (c *Cloud) Run(ctx context.Context) {
	var wg sync.WaitGroup
	for _, l := range c.loops {
		wg.Go(func() { l(ctx) })
	}
	wg.Wait()
}

// Plane is the control plane as its nodes see it.
func (c *Cloud) Plane() wish.Plane { return plane{c} }

type plane struct{ c *Cloud }

func (p plane) Wishes(ctx context.Context, host string, since int64) (wish.Wishes, error) {
	return p.c.Compute.Wishes(ctx, host, since)
}

func (p plane) Report(ctx context.Context, r wish.Report) error {
	if err := p.c.Compute.Report(ctx, r); err != nil {
		return err
	}
	return p.c.heard(ctx, r)
}

func (p plane) Image(ctx context.Context, id string) (io.ReadCloser, error) {
	body, _, err := p.c.Imaging.Open(ctx, id)
	return body, err
}
