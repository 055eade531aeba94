package ovn

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"time"

	"stackd/neutron"

	"github.com/ovn-kubernetes/libovsdb/cache"
	"github.com/ovn-kubernetes/libovsdb/client"
	"github.com/ovn-kubernetes/libovsdb/model"
	"github.com/ovn-kubernetes/libovsdb/ovsdb"
)

type upEvent struct {
	port string
	up   bool
}

type session struct {
	f      *Fabric
	nb, sb client.Client
	ups    chan upEvent
}

// errGone is the error of a database whose connection has just ended: the library
// forgets its rows then.
var errGone = errors.New("a database of OVN went away")

// rowsOf is a table as it is known here.
func rowsOf(db client.Client, table string) (*cache.RowCache, error) {
	if known := db.Cache(); known != nil {
		return known.Table(table), nil
	}
	return nil, errGone
}

// watch listens for ports that come up or go down, and for hosts that come or go.
func (s *session) watch() error {
	nb, sb := s.nb.Cache(), s.sb.Cache()
	if nb == nil || sb == nil {
		return errGone
	}
	nb.AddEventHandler(&cache.EventHandlerFuncs{UpdateFunc: func(_ string, old, now model.Model) {
		a, ok := old.(*logicalSwitchPort)
		b, ok2 := now.(*logicalSwitchPort)
		if ok && ok2 && isUp(a) != isUp(b) && b.ExternalIDs[ownerKey] != "" {
			select {
			case s.ups <- upEvent{b.Name, isUp(b)}:
			default: // the check of all ports will find it
			}
		}
	}})
	moved := func(string, model.Model) { s.f.Everything() }
	sb.AddEventHandler(&cache.EventHandlerFuncs{AddFunc: moved, DeleteFunc: moved, UpdateFunc: func(_ string, old, now model.Model) {
		if !reflect.DeepEqual(chassisOf(old), chassisOf(now)) {
			s.f.Everything()
		}
	}})
	return nil
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

func (s *session) site() (Site, error) {
	site := Site{Nameservers: s.f.Nameservers, DNSDomain: strings.TrimSuffix(s.f.n.DNSDomain, ".")}
	hosts, err := rowsOf(s.sb, "Chassis")
	if err != nil {
		return site, err
	}
	for _, m := range hosts.RowsShallow() {
		site.Chassis = append(site.Chassis, chassisOf(m))
	}
	slices.SortFunc(site.Chassis, func(a, b Chassis) int { return strings.Compare(a.Name, b.Name) })
	return site, nil
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
			s.f.Everything()
			s.statuses(ctx, neutron.Active)
		case e := <-s.ups:
			s.tell(ctx, e)
		case <-look.C:
			s.statuses(ctx, neutron.Down)
		}
	}
}

// heartbeat ends the session when a database on another host says nothing any more: one
// without power does not even hang up.
func (s *session) heartbeat(ctx context.Context, end context.CancelCauseFunc) {
	for t := time.NewTicker(2 * time.Second); ; {
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-t.C:
		}
		short, stop := context.WithTimeout(ctx, 4*time.Second)
		err := s.nb.Echo(short)
		stop()
		if err != nil && ctx.Err() == nil {
			end(fmt.Errorf("the northbound database does not answer: %w", err))
			return
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
	err := s.reconcile(ctx, keys)
	switch {
	case err == nil || ctx.Err() != nil:
	case overtaken(err): // by then its change is seen here
		time.AfterFunc(100*time.Millisecond, func() { s.f.again(keys) })
	default:
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
	var some map[string]bool
	if len(keys) > 0 {
		some = map[string]bool{}
		for _, k := range keys {
			some[k] = true
		}
	}
	have, err := s.have(some) // before the topology, so that what another control plane has made is in that too
	if err != nil {
		return err
	}
	t, err := s.f.n.Topology(ctx, keys...)
	if err != nil {
		return err
	}
	site, err := s.site()
	if err != nil {
		return err
	}
	ops, err := diff(s.nb, have, desired(t, site, some))
	if err != nil || len(ops) == 0 {
		return err
	}
	return s.transact(ctx, ops)
}

func (s *session) transact(ctx context.Context, ops []ovsdb.Operation) error {
	short, stop := context.WithTimeout(ctx, 30*time.Second)
	defer stop()
	results, err := s.nb.Transact(short, ops...)
	if err != nil {
		return err
	}
	failed, err := ovsdb.CheckOperationResults(results, ops)
	for _, e := range failed {
		err = errors.Join(err, e)
	}
	return err
}

// byOwner lets rows be found by the key they are reconciled under.
func byOwner(tables map[string]model.Model) map[string][]model.ClientIndex {
	out := map[string][]model.ClientIndex{}
	for table, m := range tables {
		if _, ok := m.(ours); ok {
			out[table] = []model.ClientIndex{{Columns: []model.ColumnKey{{Column: "external_ids", Key: ownerKey}}}}
		}
	}
	return out
}

// have is our rows that are there, of the keys or of all.
func (s *session) have(keys map[string]bool) (rows, error) {
	out := rows{}
	for table, kind := range nbTables {
		t, err := rowsOf(s.nb, table)
		if err != nil {
			return nil, err
		}
		var found map[string]model.Model
		if keys == nil {
			found = t.RowsShallow()
		} else if found, err = t.RowsByModels(ownedBy(kind, keys)); err != nil {
			return nil, err
		}
		for id, m := range found {
			if m.(ours).owner() != "" {
				out.add(table, id, m)
			}
		}
	}
	return out, nil
}

// ownedBy are rows of a kind that say nothing but whose they are, to look for others.
func ownedBy(kind model.Model, keys map[string]bool) []model.Model {
	var out []model.Model
	for k := range keys {
		m := reflect.New(reflect.TypeOf(kind).Elem())
		m.Elem().FieldByName("ExternalIDs").Set(reflect.ValueOf(owned(k)))
		out = append(out, m.Interface())
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
	ports, err := rowsOf(s.nb, "Logical_Switch_Port")
	if err != nil {
		return // run hears of it too
	}
	for _, id := range ids {
		p, ok := ports.Row(portID(id)).(*logicalSwitchPort)
		if ok && isUp(p) != (status == neutron.Active) {
			s.tell(ctx, upEvent{id, isUp(p)})
		}
	}
}
