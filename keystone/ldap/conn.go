package ldap

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"sync"
	"time"

	"stackd/keystone"

	"github.com/go-ldap/ldap/v3"
)

const (
	dialTime    = 5 * time.Second  // to connect, TLS included
	requestTime = 10 * time.Second // for one answer
	pause       = 5 * time.Second  // for which a server that cannot be reached is not tried again
)

// Directory is keystone.Directory on an LDAP server.
type Directory struct {
	set           settings
	users, groups tree
	idle          chan pooled

	mu      sync.Mutex
	down    error // why no server could be reached
	downTil time.Time
	closed  bool
}

// pooled is a connection that is bound as the service's own user.
type pooled struct {
	*ldap.Conn
	born time.Time
}

var _ keystone.Directory = (*Directory)(nil)

// Open reads a section ldap. The server is first spoken to when something is asked.
func Open(config map[string]any) (keystone.Directory, error) {
	s := settings(config)
	if err := s.check(); err != nil {
		return nil, err
	}
	size := min(max(s.number("pool_size"), 1), 100)
	return &Directory{set: s, users: s.userTree(), groups: s.groupTree(), idle: make(chan pooled, size)}, nil
}

// Close ends the connections that nobody uses.
func (d *Directory) Close() {
	d.mu.Lock()
	d.closed = true
	d.mu.Unlock()
	for {
		select {
		case p := <-d.idle:
			p.Close()
		default:
			return
		}
	}
}

// dial connects to the first server that answers.
func (d *Directory) dial(ctx context.Context) (*ldap.Conn, error) {
	d.mu.Lock()
	down, til := d.down, d.downTil
	d.mu.Unlock()
	if down != nil && time.Now().Before(til) {
		return nil, down
	}
	var errs []error
	for _, at := range d.set.list("url") {
		c, err := d.dialOne(ctx, at)
		if err == nil {
			d.mark(nil)
			return c, nil
		}
		errs = append(errs, fmt.Errorf("%s: %w", at, err))
	}
	err := errors.Join(errs...)
	if ctx.Err() == nil { // a client that went away says nothing of the server
		d.mark(err)
	}
	return nil, err
}

func (d *Directory) mark(err error) {
	d.mu.Lock()
	d.down, d.downTil = err, time.Now().Add(pause)
	d.mu.Unlock()
}

func (d *Directory) dialOne(ctx context.Context, at string) (*ldap.Conn, error) {
	u, err := url.Parse(at)
	if err != nil || u.Scheme != "ldap" && u.Scheme != "ldaps" {
		return nil, fmt.Errorf("this is no address of an LDAP server")
	}
	if u.Scheme == "ldaps" && d.set.truth("use_tls") {
		return nil, fmt.Errorf("use_tls is for ldap://, ldaps:// has TLS from the start")
	}
	t, err := d.set.tls(u.Hostname())
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, d.set.seconds("pool_connection_timeout", dialTime))
	defer cancel()
	wire, err := (&net.Dialer{}).DialContext(ctx, "tcp", address(u))
	if err != nil {
		return nil, err
	}
	end, _ := ctx.Deadline()
	c, err := d.speak(wire, u.Scheme == "ldaps", t, end)
	if err != nil {
		wire.Close()
	}
	return c, err
}

func address(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"ldap": "389", "ldaps": "636"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// speak sets TLS up, which must be done by end, and then LDAP.
func (d *Directory) speak(wire net.Conn, secure bool, t *tls.Config, end time.Time) (*ldap.Conn, error) {
	wire.SetDeadline(end)
	over := wire
	if secure {
		s := tls.Client(wire, t)
		if err := s.Handshake(); err != nil {
			return nil, err
		}
		over = s
	}
	c := ldap.NewConn(over, secure)
	c.Start()
	c.SetTimeout(requestTime)
	if d.set.truth("use_tls") {
		if err := c.StartTLS(t); err != nil {
			c.Close()
			return nil, err
		}
	}
	return c, wire.SetDeadline(time.Time{})
}

// bound is a connection bound as the service's own user, anonymous if it has none.
func (d *Directory) bound(ctx context.Context) (pooled, error) {
	for {
		select {
		case p := <-d.idle:
			if p.IsClosing() || time.Since(p.born) > d.set.seconds("pool_connection_lifetime", 10*time.Minute) {
				p.Close()
				continue
			}
			return p, nil
		default:
		}
		c, err := d.dial(ctx)
		if err != nil {
			return pooled{}, err
		}
		if user := d.set.text("user"); user != "" {
			if err := c.Bind(user, d.set.text("password")); err != nil {
				c.Close()
				return pooled{}, fmt.Errorf("bind as %s: %w", user, err)
			}
		}
		return pooled{c, time.Now()}, nil
	}
}

// with runs f with a connection, and once more with another if the first was dead.
func (d *Directory) with(ctx context.Context, f func(c *ldap.Conn) error) error {
	for try := 0; ; try++ {
		p, err := d.bound(ctx)
		if err != nil {
			return err
		}
		err = f(p.Conn)
		if dead := p.IsClosing() || ldap.IsErrorWithCode(err, ldap.ErrorNetwork); dead {
			p.Close()
			if try == 0 && ctx.Err() == nil {
				continue
			}
			return err
		}
		d.giveBack(p)
		return err
	}
}

func (d *Directory) giveBack(p pooled) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed || !d.set.truth("use_pool") {
		p.Close()
		return
	}
	select {
	case d.idle <- p:
	default:
		p.Close()
	}
}

// Authenticate binds as the user, on a connection of its own. An empty password is
// never asked about: a server takes it for anonymous, and lets anybody in.
func (d *Directory) Authenticate(ctx context.Context, id, password string) (bool, error) {
	if password == "" {
		return false, nil
	}
	e, err := d.User(ctx, id)
	if err != nil || e == nil || e.Ref == "" {
		return false, err
	}
	c, err := d.dial(ctx)
	if err != nil {
		return false, err
	}
	defer c.Close()
	err = c.Bind(e.Ref, password)
	if le := (*ldap.Error)(nil); errors.As(err, &le) && le.ResultCode < ldap.ErrorNetwork && le.ResultCode != ldap.LDAPResultBusy && le.ResultCode != ldap.LDAPResultUnavailable {
		return false, nil
	}
	return err == nil, err
}
