package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"stackd/agent/daemon"
	"stackd/agent/peers"
	"stackd/agent/wire"
)

// checkPeers sees that this control plane can be one of several.
func (o *options) checkPeers() error {
	shared := o.shared()
	if o.HoldEndpoint {
		at, err := netip.ParseAddr(o.Endpoint)
		on, _ := netip.ParseAddr(o.Listen)
		switch {
		case err != nil || !at.Is4() || !on.Is4() || on.IsUnspecified():
			return errors.New("--hold-endpoint: --endpoint must be an IPv4 address, and --listen one of this machine on the same network")
		case at == on:
			return fmt.Errorf("--hold-endpoint: --endpoint %s is this machine's own address; one is wanted that no machine has", at)
		case !shared:
			return errors.New("--hold-endpoint: who holds it is agreed in a database that is shared: --database postgres://…")
		}
	}
	if len(o.Controllers) == 0 {
		return nil
	}
	for _, c := range o.Controllers {
		if a, err := netip.ParseAddr(c); err != nil || a.IsUnspecified() {
			return fmt.Errorf("--controllers %s: addresses are wanted, for example 192.0.2.1,192.0.2.2,192.0.2.3", c)
		}
	}
	switch {
	case !slices.Contains(o.Controllers, o.nodesHost()):
		return fmt.Errorf("--controllers: this machine's address of --nodes, %s, is not among them", o.nodesHost())
	case !shared:
		return errors.New("--controllers: several control planes share a database: --database postgres://…")
	}
	return nil
}

// shared tells whether the database is one that other processes may use.
func (o *options) shared() bool {
	return strings.Contains(o.Database, "://") || strings.HasPrefix(o.Database, "@")
}

// nodesHost is the address at which other hosts find this one; "" for none.
func (o *options) nodesHost() string {
	a, err := netip.ParseAddrPort(o.Nodes)
	if err != nil {
		return ""
	}
	return a.Addr().String()
}

// tlsFiles are the names of a certificate's files.
func (o *options) tlsFiles(prefix string) daemon.TLS {
	return daemon.TLS{Key: o.path("tls", prefix+"key.pem"), Certificate: o.path("tls", prefix+"certificate.pem"), Authority: o.path("tls", prefix+"authority.pem")}
}

// southbounds are all places where chassis find the southbound database.
func (o *options) southbounds() string {
	if len(o.Controllers) == 0 {
		return "ssl:" + o.southbound()
	}
	var all []string
	for _, c := range o.Controllers {
		all = append(all, "ssl:"+net.JoinHostPort(c, strconv.Itoa(sbPort)))
	}
	return strings.Join(all, ",")
}

// peersPort is where other control planes call this one.
const peersPort = 8782

// peersURLs are where the other control planes answer this one.
func (o *options) peersURLs() (all []string) {
	for _, c := range o.Controllers {
		if c != o.nodesHost() {
			all = append(all, "https://"+net.JoinHostPort(c, strconv.Itoa(peersPort)))
		}
	}
	return all
}

// serveTLS serves a handler with TLS of its own until the process is stopped.
func (p *process) serveTLS(at string, h http.Handler, c *tls.Config) error {
	l, err := p.sockets.listen(at)
	if err != nil {
		return err
	}
	srv := bounded(h, c)
	p.servers = append(p.servers, srv)
	p.wg.Go(func() {
		if err := srv.ServeTLS(l, "", ""); !errors.Is(err, http.ErrServerClosed) {
			slog.Error("others cannot reach this control plane", "address", at, "cause", err)
		}
	})
	return nil
}

// together answers the other control planes.
func (p *process) together(o *options) error {
	if len(o.Controllers) == 0 {
		return nil
	}
	c, err := wire.PeersTLS(p.cloud.Gate)
	if err != nil {
		return err
	}
	return p.serveTLS(net.JoinHostPort(o.nodesHost(), strconv.Itoa(peersPort)), p.cloud.Peer, c)
}

// chassis lets nodes' chassis through to this machine's member of the southbound database.
func (p *process) chassis(o *options) error {
	s, err := wire.NewSouthbound(p.cloud.Gate, net.JoinHostPort("127.0.0.1", strconv.Itoa(daemon.ChassisPort)))
	if err != nil {
		return err
	}
	l, err := p.sockets.listen(o.southbound())
	if err != nil {
		return err
	}
	p.wg.Go(func() { s.Serve(l) })
	p.end = append(p.end, func() { l.Close() })
	return nil
}

// hold keeps the cloud's address here as long as this control plane is the one that has
// it. What it was told before it came here another may have left undone, so all networks
// are looked at.
func (p *process) hold(ctx context.Context, o *options) {
	if !o.HoldEndpoint {
		return
	}
	h := &peers.Hold{Store: p.peers, Holder: o.Listen, Address: netip.MustParseAddr(o.Endpoint), Beside: netip.MustParseAddr(o.Listen), Taken: p.sweep, Leaving: p.shared.leave}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	p.run(ctx, func(ctx context.Context) { h.Run(ctx); close(done) })
	p.end = append(p.end, func() { cancel(); <-done })
}

// listenAbsent listens at an address that this machine need not have now.
func (s *sockets) listenAbsent(at string) (net.Listener, error) {
	if l := s.take(at); l != nil {
		return l, nil
	}
	c := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		var err error
		if e := raw.Control(func(fd uintptr) { err = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IP, syscall.IP_FREEBIND, 1) }); e != nil {
			return e
		}
		return err
	}}
	return c.Listen(context.Background(), "tcp", at)
}
