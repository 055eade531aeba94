package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"stackd/agent/join"
	"stackd/internal/fault"
)

// A Southbound lets nodes' chassis through to a southbound database that itself knows
// control planes alone. A node shows its certificate here; there it is spoken for by one
// with its name, which the control plane makes and never gives away, so that the
// database's roles hold for it as if it had come by itself.
type Southbound struct {
	gate *join.Gate
	to   string // where the database takes chassis: host:port
	tls  *tls.Config

	mu    sync.Mutex
	names map[string]*own
}

// stillGood is how often a connection's node is looked up: one that is taken off loses it.
const stillGood = 20 * time.Second

// NewSouthbound is for the database at an address.
func NewSouthbound(g *join.Gate, to string) (*Southbound, error) {
	o, err := newOwn(g.Authority, time.Now)
	return &Southbound{gate: g, to: to, names: map[string]*own{}, tls: &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return o.get() },
		ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: g.Pool(), MinVersion: tls.VersionTLS12}}, err
}

// Serve lets chassis through until the listener is closed; then it ends what goes through it.
func (s *Southbound) Serve(l net.Listener) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for {
		c, err := l.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil: // too many files are open
			time.Sleep(100 * time.Millisecond)
			continue
		}
		go func() {
			defer c.Close()
			if err := s.through(ctx, tls.Server(c, s.tls)); err != nil && ctx.Err() == nil {
				slog.Info("a chassis is not let through", "from", c.RemoteAddr(), "cause", err)
			}
		}()
	}
}

func (s *Southbound) through(ctx context.Context, node *tls.Conn) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	short, end := context.WithTimeout(ctx, 10*time.Second)
	defer end()
	if err := node.HandshakeContext(short); err != nil {
		return err
	}
	shown := node.ConnectionState().VerifiedChains[0][0]
	host, err := s.gate.Who(short, shown)
	if err != nil {
		return err
	}
	o, err := s.as(host)
	if err != nil {
		return err
	}
	db, err := (&tls.Dialer{Config: databases(s.gate, o)}).DialContext(short, "tcp", s.to)
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { node.Close(); db.Close() })()
	go func() {
		io.Copy(db, node)
		cancel()
	}()
	go func() {
		io.Copy(node, db)
		cancel()
	}()
	for tick := time.NewTicker(stillGood); ; {
		select {
		case <-ctx.Done():
			tick.Stop()
			return nil
		case <-tick.C:
			if _, err := s.gate.Who(ctx, shown); fault.Is(err, fault.Unauthorized) {
				return err
			}
		}
	}
}

// as is the certificate by which a node is spoken for.
func (s *Southbound) as(host string) (*own, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.names[host]; o != nil {
		return o, nil
	}
	o, err := newOwnAs(s.gate.Databases, host, time.Now)
	if err == nil {
		s.names[host] = o
	}
	return o, err
}

// DatabasesTLS is how a control plane calls other control planes, and their databases.
func DatabasesTLS(g *join.Gate) (*tls.Config, error) {
	o, err := newOwn(g.Databases, time.Now)
	return databases(g, o), err
}

func databases(g *join.Gate, o *own) *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: g.Databases.Pool(), ServerName: join.PlaneName,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return o.get() }}
}

// PeersTLS is for what a control plane serves other control planes alone.
func PeersTLS(g *join.Gate) (*tls.Config, error) {
	o, err := newOwn(g.Databases, time.Now)
	return &tls.Config{MinVersion: tls.VersionTLS13, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: g.Databases.Pool(), NextProtos: []string{"h2"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return o.get() }}, err
}
