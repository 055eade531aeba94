package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"sync"
	"time"

	"stackd/agent/daemon"
	"stackd/agent/node"
	"stackd/agent/peers"
	peerstore "stackd/agent/peers/store"
	"stackd/agent/wire"
	"stackd/cloud"
	"stackd/horizon"
	"stackd/internal/rest"
	"stackd/keystone"
	"stackd/neutron/ovn"
)

// A process is all that runs in this process.
type process struct {
	cloud     *cloud.Cloud
	dashboard http.Handler
	sockets   *sockets
	servers   []*http.Server
	shared    shared // of these, what is at the address that control planes hand to one another
	peers     peers.Store
	sweep     func()   // looks at all networks; nil without
	end       []func() // what ends before the APIs do
	cancel    context.CancelFunc
	wg        sync.WaitGroup
}

// stop ends it in order: no new requests, those under way to their end, then the loops.
func (p *process) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	for _, end := range p.end {
		end()
	}
	if p.cloud != nil {
		p.cloud.Events.Close()
	}
	for _, s := range p.servers {
		if err := s.Shutdown(ctx); err != nil {
			s.Close()
		}
	}
	p.cancel()
	p.wg.Wait()
	if p.cloud != nil {
		p.cloud.DB.Close()
	}
}

// run runs f until the process is stopped.
func (p *process) run(ctx context.Context, f func(context.Context)) { p.wg.Go(func() { f(ctx) }) }

// start brings everything up, and returns when the first node is ready for servers.
func start(ctx context.Context, o *options, s *steps) (*process, error) {
	p, began := &process{sockets: given(o)}, time.Now()
	defer p.sockets.rest()
	told := ctx
	ctx, p.cancel = context.WithCancel(context.WithoutCancel(ctx))
	defer context.AfterFunc(told, p.cancel)()
	if o.packets() && o.shared() {
		if err := daemon.Switch(ctx, o.daemons()); err != nil {
			slog.Warn("the switch", "cause", err)
		}
	}
	err := s.do("database and identity", func() (bool, error) { return p.open(ctx, o) })
	if err == nil {
		err = s.do("APIs", func() (bool, error) { return false, errors.Join(p.listen(o), p.together(o)) })
	}
	if err != nil {
		return p, err
	}
	switch {
	case o.Sim > 0:
		err = p.simulate(ctx, o)
	case o.Serve && !o.packets():
		p.fabric(ctx)
	case o.Serve:
		_, err = p.networks(ctx, o, s)
	default:
		err = p.host(ctx, o, s)
	}
	if err == nil && o.Nodes != "" {
		err = s.do("nodes may join", func() (bool, error) { return false, p.admit(o) })
	}
	if err != nil {
		return p, err
	}
	p.run(ctx, p.cloud.Run)
	p.hold(ctx, o)
	if o.Serve {
		return p, nil
	}
	err = s.do("hypervisor", func() (bool, error) {
		return false, waitFor(ctx, "the node's first report", time.Minute, 50*time.Millisecond, func() (bool, error) {
			hosts, err := p.cloud.Compute.Hosts(ctx)
			for _, h := range hosts {
				if h.Up(time.Now()) && h.ReportedAt.After(began) {
					return true, nil
				}
			}
			return false, err
		})
	})
	return p, err
}

func (p *process) open(ctx context.Context, o *options) (already bool, err error) {
	key, err := keystone.MasterKey(o.path("master.key"))
	if err != nil {
		return false, err
	}
	set, err := o.settings()
	if err != nil {
		return false, err
	}
	set.Identity.MasterKey = key
	admin := o.readLogin("admin")
	already = admin.Password != ""
	host, err := os.Hostname()
	if err != nil {
		return already, err
	}
	cfg := cloud.Config{Database: o.Database, DataDir: o.Data, Name: host + ":" + o.Data, Region: o.Region, Identity: set.Identity, Image: set.Image, Volume: set.Volume, Backup: set.Backup, Dashboard: set.Dashboard,
		GuestNetns: o.guestNetns(), Policy: o.path("policy.yaml"), Address: o.address, Console: o.address(6080), Network: o.network(), Logs: levels, Self: o.nodesHost(), Peers: o.peersURLs()}
	if !already {
		if admin, err = o.newAdmin(); err != nil {
			return false, err
		}
	}
	cfg.AdminPassword = admin.Password
	if p.cloud, err = cloud.Open(ctx, cfg); err != nil {
		return already, err
	}
	if p.peers, err = peerstore.Open(ctx, p.cloud.DB); err != nil {
		return already, err
	}
	if p.dashboard, err = p.cloud.Dashboard(cfg); err != nil {
		return already, err
	}
	if !already {
		return false, p.keepAdmin(ctx, o, admin)
	}
	return already, o.writeLogins(o.logins(admin)...) // the addresses may have changed
}

// listen answers at every service's port, and at one for all.
func (p *process) listen(o *options) error {
	one := http.NewServeMux()
	for name, h := range p.cloud.Handlers {
		one.Handle("/"+name+"/", rest.Mount("/"+name, h))
		one.Handle("/"+name, rest.Mount("/"+name, h))
		if port := cloud.Ports[name]; port != 0 {
			if err := p.serve(o, port, h); err != nil {
				return err
			}
		}
	}
	one.Handle(horizon.Root, p.dashboard)
	one.Handle(horizon.Root+"/", p.dashboard)
	one.Handle("/{$}", http.RedirectHandler(horizon.Root+"/", http.StatusSeeOther))
	if err := p.serve(o, o.OnePort, one); err != nil {
		return err
	}
	return p.serve(o, 6080, p.cloud.Displays())
}

func (p *process) serve(o *options, port int, h http.Handler) error {
	l, err := p.sockets.listen(net.JoinHostPort(o.Listen, strconv.Itoa(port)))
	if err != nil {
		return fmt.Errorf("%w; another --listen address (127.0.0.2, say) keeps clouds apart", err)
	}
	if err := p.serveAt(o, l, bounded(h, nil)); err != nil || !o.HoldEndpoint {
		return err
	}
	if l, err = p.sockets.listenAbsent(net.JoinHostPort(o.Endpoint, strconv.Itoa(port))); err != nil {
		return err
	}
	srv := bounded(h, nil)
	return p.serveAt(o, p.shared.gate(l, srv), srv)
}

func (p *process) serveAt(o *options, l net.Listener, srv *http.Server) error {
	if o.TLSCert != "" {
		pair, err := tls.LoadX509KeyPair(o.TLSCert, o.TLSKey)
		if err != nil {
			return err
		}
		l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12})
	}
	p.servers = append(p.servers, srv)
	p.wg.Go(func() {
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			slog.Error("an API has ended", "address", l.Addr(), "cause", err)
		}
	})
	return nil
}

// bounded is a server that nobody holds up by sending slowly, or by much.
func bounded(h http.Handler, c *tls.Config) *http.Server {
	return &http.Server{Handler: h, TLSConfig: c, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(slog.Default().Handler(), slog.LevelWarn)}
}

// networks brings up the daemons of this machine and has OVN carry the networks.
func (p *process) networks(ctx context.Context, o *options, s *steps) (*daemon.Host, error) {
	if os.Geteuid() != 0 {
		return nil, fmt.Errorf("guests and networks need root; run as root, or try --sim 1 for a cloud without guests")
	}
	if err := p.certify(ctx, o); err != nil {
		return nil, err
	}
	d := o.daemons()
	if d.Cluster != nil {
		d.Cluster.Peers = p.peers
	}
	h, err := daemon.Up(ctx, d, s.progress)
	if err != nil {
		return nil, err
	}
	at := ovn.Config{NB: h.NB(), SB: h.SB()}
	if h.Cluster != nil {
		at.NB = h.Cluster.NBs()
		if at.TLS, err = wire.DatabasesTLS(p.cloud.Gate); err == nil {
			err = p.chassis(o)
		}
		if err != nil {
			return nil, err
		}
	}
	f := ovn.New(p.cloud.Networking, at)
	p.sweep = f.Everything
	p.cloud.Networking.Carry(f)
	p.run(ctx, f.Run)
	p.run(ctx, func(ctx context.Context) {
		h.Watch(ctx, func(err error) { slog.Warn("daemons", "cause", err) })
	})
	return h, nil
}

// host makes this machine the cloud's node: daemons, networks, guests.
func (p *process) host(ctx context.Context, o *options, s *steps) error {
	h, err := p.networks(ctx, o, s)
	if err != nil {
		return err
	}
	tune, open, err := p.amongNodes(ctx, o)
	if err != nil {
		return err
	}
	a := node.New(h, node.Options{Host: o.Host, IP: cmp.Or(o.Tunnel, netip.MustParsePrefix(o.Gateway).Addr().String()), Plane: p.cloud.Plane(), Tune: tune})
	p.cloud.Nodes.Set(o.Host, a)
	if err := open(a); err != nil {
		return err
	}
	p.run(ctx, a.Run)
	slog.Info("node", "host", o.Host, "accel", h.Accel, "datapath", h.Datapath)
	return nil
}
