package sqldb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"net"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"stackd/internal/fault"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"golang.org/x/sys/unix"
)

// A PostgreSQL may be several servers, postgres://USER:PASSWORD@A:5432,B:5432/NAME, of
// which one writes at a time. Whichever that is, connections go to it: a server that only
// reads is left again, and one without power holds up no more than one caller at a time.

const (
	// oneSilent is how long the only server may take to take a connection, and each how
	// long one of several.
	oneSilent, eachSilent = 10 * time.Second, 4 * time.Second
	// dialing is how long one of several may take to answer at all.
	dialing = 2 * time.Second
	// unheard is how soon a connection to a server without power is given up. Whoever
	// waits for an answer there would else wait for a quarter of an hour.
	unheard = 6 * time.Second
)

// configure reads an address, and adds what its writer need not think of.
func configure(where string) (*pgx.ConnConfig, error) {
	c, err := pgx.ParseConfig(where)
	if err != nil {
		return nil, err
	}
	for name, v := range session {
		c.RuntimeParams[name] = v
	}
	several := false
	for _, f := range c.Fallbacks { // the same server is there twice where TLS may be used or not
		several = several || f.Host != c.Host || f.Port != c.Port
	}
	r := &reach{dark: map[string]time.Time{}}
	c.DialFunc = r.dial
	if r.several = several; several && c.ValidateConnect == nil {
		c.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = map[bool]time.Duration{false: oneSilent, true: eachSilent}[several]
	}
	return c, nil
}

// Servers are those of a postgres://… address, each as HOST:PORT. What is wrong with it is
// said in words without its password. What follows its question mark is not looked at:
// files that are named there are on other hosts.
func Servers(where string) (all []string, err error) {
	at, _, _ := strings.Cut(where, "?")
	c, err := pgx.ParseConfig(at)
	if err != nil || c.Host == "" || c.Host[0] == '/' || c.Database == "" {
		return nil, errors.New("postgres://USER:PASSWORD@HOST/NAME is wanted, or, where one of several servers writes, postgres://USER:PASSWORD@HOST:5432,HOST:5432/NAME")
	}
	all = []string{net.JoinHostPort(c.Host, strconv.Itoa(int(c.Port)))}
	for _, f := range c.Fallbacks {
		if s := net.JoinHostPort(f.Host, strconv.Itoa(int(f.Port))); s != all[len(all)-1] { // once with TLS, once without
			all = append(all, s)
		}
	}
	return all, nil
}

// A reach knows which servers are silent.
type reach struct {
	several bool
	mu      sync.Mutex
	dark    map[string]time.Time // address → when it may be tried again
}

var errDark = errors.New("it was silent a moment ago, and another asks it just now")

func (r *reach) dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: unheard / 3, Interval: time.Second, Count: 4}}
	if strings.HasPrefix(network, "tcp") {
		d.Control = func(_, _ string, c syscall.RawConn) error {
			var err error
			failed := c.Control(func(fd uintptr) {
				err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(unheard/time.Millisecond))
			})
			return errors.Join(failed, err)
		}
	}
	if !r.several {
		return d.DialContext(ctx, network, address)
	}
	if !r.enter(address) {
		return nil, errDark
	}
	d.Timeout = dialing
	began := time.Now()
	c, err := d.DialContext(ctx, network, address)
	r.note(address, err, time.Since(began))
	return c, err
}

// enter tells whether a caller may wait for a server: any, unless it is silent; then one.
func (r *reach) enter(address string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	again, dark := r.dark[address]
	if dark && time.Now().Before(again) {
		return false
	}
	if dark {
		r.dark[address] = time.Now().Add(2 * dialing)
	}
	return true
}

// note keeps that a server was silent; who had no time to wait says nothing about it.
func (r *reach) note(address string, err error, waited time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var n net.Error
	switch {
	case errors.As(err, &n) && n.Timeout():
		if waited > dialing/2 {
			r.dark[address] = time.Now().Add(dialing)
		}
	case !errors.Is(err, context.Canceled):
		delete(r.dark, address)
	}
}

// A connector says in words that are for everybody that the database is away: it comes
// back, and whoever asks again then is answered.
type connector struct{ driver.Connector }

func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		err = fault.New(fault.Unavailable, "The cloud's database does not answer. Please try again.").Because(err)
	}
	return conn, err
}

func openPool(c *pgx.ConnConfig) *sql.DB {
	db := sql.OpenDB(connector{stdlib.GetConnector(*c)})
	db.SetMaxOpenConns(32)
	db.SetMaxIdleConns(16)
	return db
}
