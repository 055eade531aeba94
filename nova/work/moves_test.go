package work_test

import (
	"context"
	"maps"
	"slices"
	"testing"

	"stackd/agent/wish"
	"stackd/internal/fault"
	"stackd/internal/sqldb"
	"stackd/internal/sqldb/dbtest"
	"stackd/nova"
	"stackd/nova/novatest"
)

// flavors are one to resize to, and one with a smaller disk.
func flavors(p *play) {
	p.must(p.C.Tx(p.t.Context(), func(ctx context.Context) error {
		for _, f := range []nova.Flavor{{ID: "2", Name: "bigger", VCPUs: 2, RAM: 128, Disk: 2}, {ID: "3", Name: "smaller", VCPUs: 1, RAM: 64, Disk: 1, Ephemeral: 0}} {
			f.RxtxFactor, f.Public, f.ExtraSpecs, f.CreatedAt = 1, true, map[string]string{}, p.C.Now()
			if err := p.C.InsertFlavor(ctx, &f); err != nil {
				return err
			}
		}
		return nil
	}))
}

// at says that the server, all its parts and its share are at one host, and nothing of it
// elsewhere.
func (p *play) at(host string, flavor string) {
	p.t.Helper()
	s, err := p.C.Server(p.t.Context(), p.id)
	p.must(err)
	if s.Host != host || s.Flavor.ID != flavor || s.MigrationID != 0 {
		p.t.Errorf("it is at %s with flavor %s, migration %d; want %s, %s", s.Host, s.Flavor.ID, s.MigrationID, host, flavor)
	}
	h, err := p.C.Host(p.t.Context(), host)
	p.must(err)
	if got, want := p.Place.Of(p.id), map[string]int64{h.ID: int64(s.Flavor.RAM)}; !maps.Equal(got, want) {
		p.t.Errorf("it has %v of the hosts, want %v", got, want)
	}
	if p.Place.Count() != 1 {
		p.t.Errorf("%d have something of the hosts", p.Place.Count())
	}
	for _, n := range p.World.Nodes() {
		g, there := n.Guests[p.id]
		if there != (n.Host == host) || there && g.Power != s.Wanted {
			p.t.Errorf("on %s there is %+v", n.Host, g)
		}
		if d := n.Disks[p.id]; there && !slices.Equal(d, []int64{s.DisksOf}) || !there && len(d) > 0 {
			p.t.Errorf("on %s there are disks %v; the server's are of %d", n.Host, d, s.DisksOf)
		}
	}
}

// ended says how the server's latest migration and action ended.
func (p *play) ended(status, result string) {
	p.t.Helper()
	all, err := p.C.Migrations(p.t.Context(), nova.MigrationQuery{Where: map[string][]string{"server_id": {p.id}}})
	p.must(err)
	if len(all) == 0 || all[0].Status != status || !all[0].Over() {
		p.t.Errorf("migrations: %+v, want %s", all, status)
	}
	if a := actions(p.t, p.World, p.id); a[0].Result == nil || *a[0].Result != result {
		p.t.Errorf("the last action is %+v", a[0])
	}
}

// moved is a play whose server has been migrated to h2, and waits there.
func moved(p *play) {
	p.AddNode(p.t, "h2")
	flavors(p)
	p.must(p.C.Migrate(p.me, p.id, "h2"))
	p.Rest(p.t)
	s, err := p.C.Server(p.t.Context(), p.id)
	p.must(err)
	if s.Status() != "VERIFY_RESIZE" || s.Host != "h2" || p.Place.Count() != 2 {
		p.t.Fatalf("%s at %s, %v, %+v", s.Status(), s.Host, p.Place.Of(p.id), s.Fault)
	}
	if d := p.Node.Disks[p.id]; !slices.Equal(d, []int64{0}) || p.Node.Guests[p.id].Power != "" {
		p.t.Fatal("the source keeps", d, p.Node.Guests[p.id])
	}
}

// running is is, for a guest on a host.
func (p *play) running(n *novatest.Node, status string) {
	p.t.Helper()
	node := p.Node
	p.World.Node = n
	p.is(status, n.Guests[p.id].Power, "old")
	p.World.Node = node
}

// dies has the first host say nothing any more, with its guests on it.
func (p *play) dies() {
	p.Node.Down = true
	_, err := p.C.SetService(p.t.Context(), func(h *nova.Host) bool { return h.Name == "h1" }, func(h *nova.Host) { h.ForcedDown = true })
	p.must(err)
}

// inFlight has the server on its way to h2 while it runs, and not get there.
func (p *play) inFlight() *novatest.Node {
	n := p.AddNode(p.t, "h2")
	p.Node.Flight = "under way"
	p.must(p.C.LiveMigrate(p.me, p.id, nova.LiveSpec{}))
	p.Settle(p.t, 8)
	s, err := p.C.Server(p.t.Context(), p.id)
	p.must(err)
	m, err := p.C.MoveOf(p.t.Context(), s)
	p.must(err)
	if s.Status() != "MIGRATING" || s.Host != "h1" || m == nil || m.Status != "running" || m.Leaving.MemoryTotal == 0 || p.Nets.Awaited[p.id] != "h2" {
		p.t.Fatalf("%s at %s, %+v", s.Status(), s.Host, m)
	}
	return n
}

// netsAt says where ports and volumes went, and that they are awaited nowhere.
func (p *play) netsAt(host string) {
	p.t.Helper()
	if p.Nets.Bound[p.id] != host || p.Nets.Awaited[p.id] != "" {
		p.t.Errorf("ports are bound at %q and awaited at %q", p.Nets.Bound[p.id], p.Nets.Awaited[p.id])
	}
	for _, h := range p.Disks.Holds {
		if p.Disks.Hosts[h.ID] != host {
			p.t.Errorf("a volume is at %q", p.Disks.Hosts[h.ID])
		}
	}
}

// moveScenes are scenes with two hosts.
var moveScenes = map[string]scene{
	"migrate": {novatest.Spec(), func(p *play) (func(), func()) {
		n := p.AddNode(p.t, "h2")
		return func() { p.must(p.C.Migrate(p.me, p.id, "")) }, func() {
			p.running(n, "VERIFY_RESIZE/")
			p.must(p.C.ConfirmResize(p.me, p.id))
			p.Rest(p.t)
			p.running(n, "ACTIVE/")
			p.at("h2", "1")
			p.ended("confirmed", "Success")
		}
	}},
	"confirm": {novatest.Spec(), func(p *play) (func(), func()) {
		moved(p)
		return func() { p.must(p.C.ConfirmResize(p.me, p.id)) }, func() {
			p.running(p.More[0], "ACTIVE/")
			p.at("h2", "1")
			p.ended("confirmed", "Success")
		}
	}},
	"revert": {novatest.Spec(), func(p *play) (func(), func()) {
		moved(p)
		return func() { p.must(p.C.RevertResize(p.me, p.id)) }, func() {
			p.running(p.Node, "ACTIVE/")
			p.at("h1", "1")
			p.ended("reverted", "Success")
		}
	}},
	"migrate of one that is off, and back": {novatest.Spec(), func(p *play) (func(), func()) {
		n := p.AddNode(p.t, "h2")
		p.must(p.C.Stop(p.me, p.id))
		p.Rest(p.t)
		p.must(p.C.Migrate(p.me, p.id, ""))
		p.Rest(p.t)
		p.must(p.C.ConfirmResize(p.me, p.id))
		p.Rest(p.t)
		p.running(n, "SHUTOFF/")
		p.at("h2", "1")
		return func() { p.must(p.C.Migrate(p.me, p.id, "")) }, func() {
			p.must(p.C.ConfirmResize(p.me, p.id))
			p.Rest(p.t)
			p.running(p.Node, "SHUTOFF/")
			p.at("h1", "1")
		}
	}},
	"resize where it is": {novatest.Spec(), func(p *play) (func(), func()) {
		flavors(p)
		return func() { p.must(p.C.Resize(p.me, p.id, nova.ResizeSpec{Flavor: "2"})) }, func() {
			p.running(p.Node, "VERIFY_RESIZE/")
			if d := p.Node.Disks[p.id]; len(d) != 2 {
				p.t.Error("disks that one could go back to:", d)
			}
			p.must(p.C.ConfirmResize(p.me, p.id))
			p.Rest(p.t)
			p.running(p.Node, "ACTIVE/")
			p.at("h1", "2")
		}
	}},
	"revert where it is": {novatest.Spec(), func(p *play) (func(), func()) {
		flavors(p)
		p.must(p.C.Resize(p.me, p.id, nova.ResizeSpec{Flavor: "2"}))
		p.Rest(p.t)
		return func() { p.must(p.C.RevertResize(p.me, p.id)) }, func() {
			p.running(p.Node, "ACTIVE/")
			p.at("h1", "1")
			p.ended("reverted", "Success")
		}
	}},
	"migrate whose disks do not come": {novatest.Spec(), func(p *play) (func(), func()) {
		p.AddNode(p.t, "h2").FailPull = "no room on the disk"
		return func() { p.must(p.C.Migrate(p.me, p.id, "")) }, func() {
			s, err := p.C.Server(p.t.Context(), p.id)
			p.must(err)
			if s.Status() != "ACTIVE" || s.TaskState != "" {
				p.t.Error(s.Status(), s.TaskState)
			}
			p.at("h1", "1")
			p.ended("error", "Error")
		}
	}},
	"live migration": {novatest.Spec(), func(p *play) (func(), func()) {
		n := p.AddNode(p.t, "h2")
		return func() { p.must(p.C.LiveMigrate(p.me, p.id, nova.LiveSpec{})) }, func() {
			p.running(n, "ACTIVE/")
			p.at("h2", "1")
			p.ended("completed", "Success")
			p.netsAt("h2")
		}
	}},
	"live migration that fails": {novatest.Spec(), func(p *play) (func(), func()) {
		p.AddNode(p.t, "h2")
		p.Node.Flight = "the link is down"
		return func() { p.must(p.C.LiveMigrate(p.me, p.id, nova.LiveSpec{})) }, func() {
			p.at("h1", "1")
			p.ended("error", "Error")
			p.netsAt("")
		}
	}},
	"live migration that is over though its host does not know": {novatest.Spec(), func(p *play) (func(), func()) {
		n := p.AddNode(p.t, "h2")
		p.Node.LateFault = "the connection was cut"
		return func() { p.must(p.C.LiveMigrate(p.me, p.id, nova.LiveSpec{Later: true})) }, func() {
			p.running(n, "ACTIVE/")
			p.at("h2", "1")
			p.ended("completed", "Success")
			p.netsAt("h2")
		}
	}},
	"live migration that is given up": {novatest.Spec(), func(p *play) (func(), func()) {
		p.inFlight()
		return func() { p.must(p.C.AbortMigration(p.me, p.id, 1, false)) }, func() {
			p.at("h1", "1")
			all, err := p.C.Migrations(p.t.Context(), nova.MigrationQuery{})
			p.must(err)
			if all[0].Status != "cancelled" || !all[0].Over() {
				p.t.Errorf("%+v", all[0])
			}
			p.netsAt("")
		}
	}},
	"live migration that is forced": {novatest.Spec(), func(p *play) (func(), func()) {
		n := p.inFlight()
		return func() { p.must(p.C.ForceComplete(p.me, p.id, 1)) }, func() {
			p.running(n, "ACTIVE/")
			p.at("h2", "1")
		}
	}},
	"evacuation": {novatest.Spec(), func(p *play) (func(), func()) {
		n := p.AddNode(p.t, "h2")
		p.dies()
		return func() { p.must(p.C.Evacuate(p.me, p.id, nova.EvacuateSpec{})) }, func() {
			p.running(n, "ACTIVE/")
			p.ended("done", "Success")
			p.Node.Down = false
			p.Rest(p.t)
			p.Rest(p.t)
			p.at("h2", "1")
		}
	}},
	"evacuation that fails": {novatest.Spec(), func(p *play) (func(), func()) {
		n := p.AddNode(p.t, "h2")
		n.Fail = "the image has gone"
		p.dies()
		return func() { p.must(p.C.Evacuate(p.me, p.id, nova.EvacuateSpec{})) }, func() {
			p.ended("error", "Error")
			s, err := p.C.Server(p.t.Context(), p.id)
			p.must(err)
			if s.Status() != "ERROR" || s.Host != "h2" || s.MigrationID != 0 || p.Place.Count() != 1 {
				p.t.Errorf("%s at %s, %d shares", s.Status(), s.Host, p.Place.Count())
			}
			n.Fail, p.Node.Down = "", false
			p.Node.Pass(p.t)
			p.Node.Pass(p.t)
			_, err = p.C.Rebuild(p.me, p.id, nova.RebuildSpec{ImageID: novatest.ImageID})
			p.must(err)
			p.Rest(p.t)
			p.Rest(p.t)
			p.running(n, "ACTIVE/")
			p.at("h2", "1")
		}
	}},
	"delete of one in flight": {novatest.Spec(), func(p *play) (func(), func()) {
		p.inFlight()
		return func() { p.must(p.C.Delete(p.me, p.id, false)) }, func() { deleted(p) }
	}},
	"delete of one that has moved": {novatest.Spec(), func(p *play) (func(), func()) {
		moved(p)
		return func() { p.must(p.C.Delete(p.me, p.id, false)) }, func() { deleted(p); p.ended("confirmed", "Success") }
	}},
	"delete of one on its way": {novatest.Spec(), func(p *play) (func(), func()) {
		p.AddNode(p.t, "h2")
		p.must(p.C.Migrate(p.me, p.id, ""))
		ids, err := p.Due(p.t)
		p.must(err)
		p.must(p.Work.Reconcile(p.t.Context(), ids[0]))
		p.Node.Pass(p.t)
		return func() { p.must(p.C.Delete(p.me, p.id, false)) }, func() { deleted(p) }
	}},
}

// Moves end as they should wherever compute's process ends, and nothing is left.
func TestMovesKilledAnywhere(t *testing.T) { killedAnywhere(t, moveScenes) }

// What is refused, and what a smaller disk ends as.
func TestMovesRefused(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		p := newPlayOn(t, db, novatest.Spec())
		flavors(p)
		for _, bad := range []error{p.C.Resize(p.me, p.id, nova.ResizeSpec{Flavor: "1"}), p.C.Resize(p.me, p.id, nova.ResizeSpec{Flavor: "none"}), p.C.Migrate(p.me, p.id, "h1"), p.C.Migrate(p.me, p.id, "none")} {
			if !fault.Is(bad, fault.Invalid) {
				t.Error(bad)
			}
		}
		for _, bad := range []error{p.C.ConfirmResize(p.me, p.id), p.C.RevertResize(p.me, p.id)} {
			if !fault.Is(bad, fault.Conflict) {
				t.Error(bad)
			}
		}
		p.must(p.C.SetQuotas(t.Context(), "p", map[string]int{"ram": 100}))
		if err := p.C.Resize(p.me, p.id, nova.ResizeSpec{Flavor: "2"}); !fault.Is(err, fault.OverQuota) {
			t.Error(err)
		}
		p.must(p.C.SetQuotas(t.Context(), "p", map[string]int{"ram": -1}))
		p.must(p.C.Resize(p.me, p.id, nova.ResizeSpec{Flavor: "2"}))
		if err := p.C.Reboot(p.me, p.id, false); !fault.Is(err, fault.Conflict) {
			t.Error("rebooted on its way:", err)
		}
		p.Rest(t)
		p.must(p.C.ConfirmResize(p.me, p.id))
		p.Rest(t)
		p.must(p.C.Resize(p.me, p.id, nova.ResizeSpec{Flavor: "3"})) // its disk is smaller: found out on the way, as by the real service
		p.Rest(t)
		p.at("h1", "2")
		p.ended("error", "Error")
		p.must(p.C.Migrate(p.me, p.id, "")) // there is no other host
		p.Rest(t)
		p.at("h1", "2")
		p.ended("error", "Error")
	})
}

// A destination that goes down for good is said to be so, and the server is back.
func TestMoveToAHostThatDies(t *testing.T) {
	p := newPlay(t, novatest.Spec())
	n := p.AddNode(t, "h2")
	p.must(p.C.Migrate(p.me, p.id, ""))
	n.Down = true
	p.Settle(t, 10)
	s, err := p.C.Server(t.Context(), p.id)
	p.must(err)
	if s.Status() != "RESIZE" || s.Host != "h2" || s.TaskState != nova.ResizeFinish {
		t.Fatal(s.Status(), s.Host, s.TaskState)
	}
	_, err = p.C.SetService(t.Context(), func(h *nova.Host) bool { return h.Name == "h2" }, func(h *nova.Host) { h.ForcedDown = true })
	p.must(err)
	p.Rest(t)
	if s, err = p.C.Server(t.Context(), p.id); err != nil || s.Status() != "ACTIVE" {
		t.Fatal(s.Status(), s.TaskState, err)
	}
	p.at("h1", "1")
	p.ended("error", "Error")
	n.Guests[p.id] = wish.Seen{ID: p.id, Power: wish.Running, Generation: 1}
	n.Down = false
	n.Pass(t)
	n.Pass(t)
	if len(n.Guests) != 0 {
		t.Error("the host that came back keeps", n.Guests)
	}
}
