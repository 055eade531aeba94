package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"stackd/agent/daemon"
	"stackd/agent/join"
	"stackd/agent/wire"
)

// certify writes the certificate that OVN shows to other hosts' chassis, anew at each start
// and once a month: OVN's servers read it again by themselves.
func (p *process) certify(ctx context.Context, o *options) error {
	if o.Nodes == "" {
		return nil
	}
	p.run(ctx, func(ctx context.Context) {
		monthly(ctx, "OVN's certificate", func() error { return p.writeCertificate(o) })
	})
	return p.writeCertificate(o)
}

// monthly makes a certificate anew long before it ends, until the context does.
func monthly(ctx context.Context, what string, renew func() error) {
	t := time.NewTicker(30 * 24 * time.Hour)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		if err := renew(); err != nil {
			slog.Warn(what+" could not be made anew", "cause", err)
		}
	}
}

func (p *process) writeCertificate(o *options) error {
	err := os.MkdirAll(o.path("tls"), 0o700)
	if err == nil {
		err = write(p.cloud.Gate.Authority, o.tlsFiles(""))
	}
	if err == nil && len(o.Controllers) > 0 {
		err = write(p.cloud.Gate.Databases, o.tlsFiles("databases-"))
	}
	return err
}

// write makes a control plane's certificate and writes it.
func write(a *join.Authority, t daemon.TLS) error {
	cert, key, err := a.Plane(time.Now())
	for name, b := range map[string][]byte{t.Certificate: cert, t.Key: key, t.Authority: a.PEM()} {
		if err == nil {
			err = os.WriteFile(name, b, 0o600)
		}
	}
	return err
}

// admit listens for nodes and for hosts that want to become one.
func (p *process) admit(o *options) error {
	c, err := wire.PlaneTLS(p.cloud.Gate, time.Now)
	if err != nil {
		return err
	}
	l, err := p.sockets.listen(o.Nodes)
	if err != nil {
		return fmt.Errorf("--nodes: %w", err)
	}
	site := wire.Site{}
	if o.packets() {
		site.Southbound = o.southbounds()
	}
	ctx, end := context.WithCancel(context.Background())
	srv := bounded(p.cloud.ForNodes(site), c)
	srv.BaseContext = func(net.Listener) context.Context { return ctx }
	srv.RegisterOnShutdown(end) // nodes that wait for a change are answered
	p.servers = append(p.servers, srv)
	p.wg.Go(func() {
		if err := srv.ServeTLS(l, "", ""); !errors.Is(err, http.ErrServerClosed) {
			slog.Error("nodes cannot reach this control plane", "address", o.Nodes, "cause", err)
		}
	})
	return nil
}
