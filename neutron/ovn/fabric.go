package ovn

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"stackd/neutron"

	"github.com/ovn-kubernetes/libovsdb/client"
	"github.com/ovn-kubernetes/libovsdb/model"
)

// Config says where OVN is.
type Config struct {
	NB, SB      string        // "unix:/…/nb.sock", "ssl:10.0.0.1:6641"; several by commas are members of a cluster, of which the leader is meant
	TLS         *tls.Config   // for those by ssl
	Nameservers []string      // told to guests on subnets that name none; nil is this host's own
	Sweep       time.Duration // 0 is 30 s
}

// Fabric is neutron.Fabric over OVN. Run must run.
type Fabric struct {
	Config
	n *neutron.Networking

	mu    sync.Mutex
	dirty map[string]bool
	all   bool
	wake  chan struct{}
}

// New makes the fabric; n.Carry(f) and f.Run go with it.
func New(n *neutron.Networking, c Config) *Fabric {
	if c.Sweep == 0 {
		c.Sweep = 30 * time.Second
	}
	if c.Nameservers == nil {
		c.Nameservers = Resolvers("/etc/resolv.conf")
	}
	return &Fabric{Config: c, n: n, dirty: map[string]bool{}, wake: make(chan struct{}, 1)}
}

// Changed is neutron.Fabric's.
func (f *Fabric) Changed(keys ...string) {
	f.mu.Lock()
	for _, k := range keys {
		f.dirty[k] = true
	}
	f.mu.Unlock()
	f.poke()
}

func (f *Fabric) poke() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// Everything makes the next pass a whole one.
func (f *Fabric) Everything() {
	f.mu.Lock()
	f.all = true
	f.mu.Unlock()
	f.poke()
}

// again has the keys done once more, or everything where there are none.
func (f *Fabric) again(keys []string) {
	if keys == nil {
		f.Everything()
		return
	}
	f.Changed(keys...)
}

// take is what is to be done now.
func (f *Fabric) take() (keys []string, all bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	keys, all = slices.Collect(maps.Keys(f.dirty)), f.all
	f.dirty, f.all = map[string]bool{}, false
	return keys, all
}

// Run keeps OVN as the rows say until the context ends. When a database goes away it
// waits for it and begins again.
func (f *Fabric) Run(ctx context.Context) {
	said := ""
	for ctx.Err() == nil {
		err := f.session(ctx)
		if err != nil && ctx.Err() == nil && err.Error() != said {
			said = err.Error()
			slog.Warn("OVN is not reachable", "err", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

// session is one connection to both databases.
func (f *Fabric) session(ctx context.Context) error {
	nb, err := f.open(ctx, "OVN_Northbound", f.NB, nbTables)
	if err != nil {
		return err
	}
	defer nb.Close()
	sb, err := f.open(ctx, "OVN_Southbound", f.SB, sbTables)
	if err != nil {
		return err
	}
	defer sb.Close()
	s := &session{f: f, nb: nb, sb: sb, ups: make(chan upEvent, 4096)}
	if err := s.watch(); err != nil {
		return err
	}
	f.Everything()
	if f.TLS == nil {
		return s.run(ctx)
	}
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	go s.heartbeat(ctx, end)
	return cmp.Or(s.run(ctx), context.Cause(ctx))
}

// open connects, of several to the one that leads, and begins to watch the tables. Each has
// a time of its own to answer: one without power says nothing.
func (f *Fabric) open(ctx context.Context, db, where string, tables map[string]model.Model) (c client.Client, err error) {
	all := strings.Split(where, ",")
	for _, e := range all {
		var bad error
		if c, bad = f.openAt(ctx, db, e, len(all) > 1, tables); bad == nil {
			return c, nil
		}
		err = errors.Join(err, fmt.Errorf("%s: %w", e, bad))
	}
	return nil, err
}

func (f *Fabric) openAt(ctx context.Context, db, where string, leader bool, tables map[string]model.Model) (client.Client, error) {
	m, err := model.NewClientDBModel(db, tables)
	if err != nil {
		return nil, err
	}
	m.SetIndexes(byOwner(tables))
	c, err := client.NewOVSDBClient(m, client.WithLogger(quiet()), client.WithTLSConfig(f.TLS), client.WithLeaderOnly(leader), client.WithEndpoint(where))
	if err != nil {
		return nil, err
	}
	soon, stop := context.WithTimeout(ctx, 3*time.Second)
	defer stop()
	if err := c.Connect(soon); err != nil {
		c.Close()
		return nil, fmt.Errorf("%s: %w", db, err)
	}
	short, stop := context.WithTimeout(ctx, 5*time.Second)
	defer stop()
	var watched []client.MonitorOption
	for _, t := range tables {
		watched = append(watched, client.WithTable(t, columnsOf(t)...))
	}
	if _, err := c.Monitor(short, c.NewMonitor(watched...)); err != nil {
		c.Close()
		return nil, fmt.Errorf("%s: %w", db, err)
	}
	return c, nil
}

// columnsOf are pointers to the fields of a table's model: only these are watched.
func columnsOf(m model.Model) []any {
	v := reflect.ValueOf(m).Elem()
	var out []any
	for i := range v.NumField() {
		if v.Type().Field(i).Name != "UUID" {
			out = append(out, v.Field(i).Addr().Interface())
		}
	}
	return out
}
