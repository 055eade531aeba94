package ovn

import (
	"context"
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

	"github.com/ovn-kubernetes/libovsdb/cache"
	"github.com/ovn-kubernetes/libovsdb/client"
	"github.com/ovn-kubernetes/libovsdb/model"
	"github.com/ovn-kubernetes/libovsdb/ovsdb"
)

// Config says where OVN is.
type Config struct {
	NB, SB      string        // "unix:/…/nb.sock", "tcp:10.0.0.1:6641"; several by commas
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

// everything makes the next pass a whole one.
func (f *Fabric) everything() {
	f.mu.Lock()
	f.all = true
	f.mu.Unlock()
	f.poke()
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
	nb, err := open(ctx, "OVN_Northbound", f.NB, nbTables)
	if err != nil {
		return err
	}
	defer nb.Close()
	sb, err := open(ctx, "OVN_Southbound", f.SB, sbTables)
	if err != nil {
		return err
	}
	defer sb.Close()
	s := &session{f: f, nb: nb, sb: sb, ups: make(chan upEvent, 4096)}
	s.watch()
	f.everything()
	return s.run(ctx)
}

// open connects and begins to watch the tables.
func open(ctx context.Context, db, where string, tables map[string]model.Model) (client.Client, error) {
	m, err := model.NewClientDBModel(db, tables)
	if err != nil {
		return nil, err
	}
	opts := []client.Option{client.WithLogger(quiet())}
	for e := range strings.SplitSeq(where, ",") {
		opts = append(opts, client.WithEndpoint(e))
	}
	c, err := client.NewOVSDBClient(m, opts...)
	if err != nil {
		return nil, err
	}
	short, stop := context.WithTimeout(ctx, 5*time.Second)
	defer stop()
	if err := c.Connect(short); err != nil {
		c.Close()
		return nil, fmt.Errorf("%s: %w", db, err)
	}
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

type upEvent struct {
	port string
	up   bool
}

type session struct {
	f      *Fabric
	nb, sb client.Client
	ups    chan upEvent
}

// watch listens for ports that come up or go down, and for hosts that come or go.
func (s *session) watch() {
	s.nb.Cache().AddEventHandler(&cache.EventHandlerFuncs{UpdateFunc: func(_ string, old, now model.Model) {
		a, ok := old.(*logicalSwitchPort)
		b, ok2 := now.(*logicalSwitchPort)
		if ok && ok2 && isUp(a) != isUp(b) && b.ExternalIDs[ownerKey] != "" {
			select {
			case s.ups <- upEvent{b.Name, isUp(b)}:
			default: // the check of all ports will find it
			}
		}
	}})
	moved := func(string, model.Model) { s.f.everything() }
	s.sb.Cache().AddEventHandler(&cache.EventHandlerFuncs{AddFunc: moved, DeleteFunc: moved, UpdateFunc: func(_ string, old, now model.Model) {
		if !reflect.DeepEqual(chassisOf(old), chassisOf(now)) {
			s.f.everything()
		}
	}})
}

func isUp(p *logicalSwitchPort) bool { return p.Up != nil && *p.Up }

func chassisOf(m model.Model) Chassis {
	c := m.(*chassis)
	out := Chassis{Name: c.Name, Hostname: c.Hostname, Gateway: strings.Contains(c.OtherConfig["ovn-cms-options"], "enable-chassis-as-gw")}
	for pair := range strings.SplitSeq(c.OtherConfig["ovn-bridge-mappings"], ",") {
		if net, _, ok := strings.Cut(pair, ":"); ok {
			out.Physnets = append(out.Physnets, strings.TrimSpace(net))
		}
	}
	return out
}

func (s *session) site() Site {
	site := Site{Nameservers: s.f.Nameservers, DNSDomain: strings.TrimSuffix(s.f.n.DNSDomain, ".")}
	for _, m := range s.sb.Cache().Table("Chassis").RowsShallow() {
		site.Chassis = append(site.Chassis, chassisOf(m))
	}
	slices.SortFunc(site.Chassis, func(a, b Chassis) int { return strings.Compare(a.Name, b.Name) })
	return site
}

// run works until a database goes away.
func (s *session) run(ctx context.Context) error {
	sweep, look := time.NewTicker(s.f.Sweep), time.NewTicker(2*time.Second)
	defer sweep.Stop()
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.nb.DisconnectNotify():
			return errors.New("the northbound database went away")
		case <-s.sb.DisconnectNotify():
			return errors.New("the southbound database went away")
		case <-s.f.wake:
			s.pass(ctx)
		case <-sweep.C:
			s.f.everything()
			s.statuses(ctx, neutron.Active)
		case e := <-s.ups:
			s.tell(ctx, e)
		case <-look.C:
			s.statuses(ctx, neutron.Down)
		}
	}
}

// pass reconciles what has changed, and tries again later what failed.
func (s *session) pass(ctx context.Context) {
	keys, all := s.f.take()
	if all {
		keys = nil
	} else if len(keys) == 0 {
		return
	}
	if err := s.reconcile(ctx, keys); err != nil && ctx.Err() == nil {
		slog.Error("OVN does not follow", "keys", len(keys), "err", err)
		s.oneByOne(ctx, keys)
	}
}

// oneByOne does what can be done when something in the whole cannot. What fails
// is left to the sweep.
func (s *session) oneByOne(ctx context.Context, keys []string) {
	if keys == nil {
		t, err := s.f.n.Topology(ctx)
		if err != nil {
			return
		}
		keys = keysOf(t)
	}
	for _, k := range keys {
		if err := s.reconcile(ctx, []string{k}); err != nil && ctx.Err() == nil {
			slog.Error("OVN does not follow", "key", k, "err", err)
		}
	}
}

func keysOf(t neutron.Topology) []string {
	var out []string
	for _, x := range t.Networks {
		out = append(out, "network/"+x.ID)
	}
	for _, x := range t.Routers {
		out = append(out, "router/"+x.ID)
	}
	for _, x := range t.Groups {
		out = append(out, "group/"+x.ID)
	}
	return out
}

// reconcile makes the rows of the keys, of all when there are none, what they should be.
func (s *session) reconcile(ctx context.Context, keys []string) error {
	t, err := s.f.n.Topology(ctx, keys...)
	if err != nil {
		return err
	}
	var some map[string]bool
	if len(keys) > 0 {
		some = map[string]bool{}
		for _, k := range keys {
			some[k] = true
		}
	}
	ops, err := diff(s.nb, s.have(some), desired(t, s.site(), some))
	if err != nil || len(ops) == 0 {
		return err
	}
	short, stop := context.WithTimeout(ctx, 30*time.Second)
	defer stop()
	results, err := s.nb.Transact(short, ops...)
	if err != nil {
		return err
	}
	_, err = ovsdb.CheckOperationResults(results, ops)
	return err
}

// have is our rows that are there, of the keys or of all.
func (s *session) have(keys map[string]bool) rows {
	out := rows{}
	for table := range nbTables {
		for id, m := range s.nb.Cache().Table(table).RowsShallow() {
			owner := reflect.ValueOf(m).Elem().FieldByName("ExternalIDs").Interface().(map[string]string)[ownerKey]
			if owner != "" && (keys == nil || keys[owner]) {
				out.add(table, id, m)
			}
		}
	}
	return out
}

func (s *session) tell(ctx context.Context, e upEvent) {
	if err := s.f.n.PortUp(ctx, e.port, e.up); err != nil && ctx.Err() == nil {
		slog.Error("cannot write a port's state", "port", e.port, "err", err)
	}
}

// statuses corrects ports whose state was missed.
func (s *session) statuses(ctx context.Context, status string) {
	read := s.f.n.BoundAndDown
	if status == neutron.Active {
		read = s.f.n.BoundAndUp
	}
	ids, err := read(ctx)
	if err != nil {
		return
	}
	for _, id := range ids {
		p, ok := s.nb.Cache().Table("Logical_Switch_Port").Row(portID(id)).(*logicalSwitchPort)
		if ok && isUp(p) != (status == neutron.Active) {
			s.tell(ctx, upEvent{id, isUp(p)})
		}
	}
}
