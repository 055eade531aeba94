package work_test

import (
	"context"
	"slices"
	"testing"

	"stackd/agent/wish"
	"stackd/internal/fault"
	"stackd/internal/sqldb"
	"stackd/internal/sqldb/dbtest"
	"stackd/nova"
	"stackd/nova/novatest"
)

// A play is a world with one server that has the volume "old".
type play struct {
	*novatest.World
	t  *testing.T
	me context.Context
	id string
}

func newPlay(t *testing.T, spec nova.ServerSpec) *play {
	t.Helper()
	return newPlayOn(t, dbtest.New(t), spec)
}

func newPlayOn(t *testing.T, db *sqldb.DB, spec nova.ServerSpec) *play {
	t.Helper()
	p := &play{World: novatest.New(t, db), t: t, me: novatest.As(t.Context(), "p", "member")}
	rows, err := p.C.CreateServers(p.me, spec)
	p.must(err)
	p.id = rows[0].ID
	p.Rest(t)
	p.Disks.Add("old", false)
	p.Disks.Add("new", false)
	_, err = p.C.AttachVolume(p.me, p.id, nova.AttachSpec{VolumeID: "old"})
	p.must(err)
	p.Rest(t)
	return p
}

func (p *play) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// is looks at the server, its guest and its volumes, and that its latest action has ended.
func (p *play) is(want string, power wish.Power, volumes ...string) {
	p.t.Helper()
	s, err := p.C.Server(p.t.Context(), p.id)
	p.must(err)
	if got := s.Status() + "/" + s.TaskState; got != want {
		p.t.Errorf("it is %s, want %s; fault %+v", got, want, s.Fault)
	}
	g := p.Node.Guests[p.id]
	if g.Power != power || power != "" && !slices.Equal(slices.Sorted(slices.Values(g.Volumes)), volumes) {
		p.t.Errorf("the guest is %+v, want %s with %v", g, power, volumes)
	}
	var held []string
	for _, h := range p.Disks.Holds {
		held = append(held, h.VolumeID)
	}
	if slices.Sort(held); !slices.Equal(held, volumes) {
		p.t.Errorf("held: %v, want %v", held, volumes)
	}
	if a := actions(p.t, p.World, p.id); a[0].Result == nil || *a[0].Result != "Success" {
		p.t.Errorf("the last action is %+v", a[0])
	}
}

// A scene makes what it needs, asks for something, and says what must then be so.
type scene struct {
	spec nova.ServerSpec
	do   func(p *play) (ask, then func())
}

func deleted(p *play) {
	for _, n := range p.More {
		if len(n.Guests)+len(n.Disks) > 0 {
			p.t.Errorf("left on %s: %v, disks %v", n.Host, n.Guests, n.Disks)
		}
	}
	if len(p.Node.Guests) > 0 || len(p.Node.Disks) > 0 || p.Place.Count() > 0 || p.Nets.Count() > 0 || len(p.Disks.Holds) > 0 || len(p.Images.Made) > 0 {
		p.t.Errorf("left: guests %v, %d claims, %d servers' ports, holds %v, images %v", p.Node.Guests, p.Place.Count(), p.Nets.Count(), p.Disks.Holds, p.Images.Made)
	}
}

var scenes = map[string]scene{
	"swap": {novatest.Spec(), func(p *play) (func(), func()) {
		return func() { p.must(p.C.SwapVolume(p.me, p.id, "old", "new")) }, func() { p.is("ACTIVE/", wish.Running, "new") }
	}},
	"move": {novatest.Spec(), func(p *play) (func(), func()) {
		return func() {
				p.must(p.C.Tx(p.t.Context(), func(ctx context.Context) error {
					return p.C.MoveVolume(ctx, p.id, "old", map[string]any{"path": "there"})
				}))
			}, func() {
				p.is("ACTIVE/", wish.Running, "old")
				if h, err := p.C.Hold(p.t.Context(), p.id, "old"); err != nil || h.Swap != nil || h.Disk.Source["path"] != "there" {
					p.t.Error(h, err)
				}
			}
	}},
	"rebuild": {novatest.Spec(), func(p *play) (func(), func()) {
		return func() {
			_, err := p.C.Rebuild(p.me, p.id, nova.RebuildSpec{ImageID: novatest.ImageID})
			p.must(err)
		}, func() { p.is("ACTIVE/", wish.Running, "old") }
	}},
	"rebuild of a root volume": {bootFromImage(true), func(p *play) (func(), func()) {
		return func() {
			_, err := p.C.Rebuild(p.me, p.id, nova.RebuildSpec{ImageID: novatest.ImageID, Reimage: true})
			p.must(err)
		}, func() { p.is("ACTIVE/", wish.Running, "made-1", "old") }
	}},
	"rescue and back": {novatest.Spec(), func(p *play) (func(), func()) {
		p.must(p.C.Rescue(p.me, p.id, "", false))
		p.Rest(p.t)
		p.is("RESCUE/", wish.Running, "old")
		return func() { p.must(p.C.Unrescue(p.me, p.id)) }, func() { p.is("ACTIVE/", wish.Running, "old") }
	}},
	"shelve": {novatest.Spec(), func(p *play) (func(), func()) {
		return func() { p.must(p.C.Shelve(p.me, p.id)) }, func() {
			p.is("SHELVED_OFFLOADED/", "", "old")
			if len(p.Images.Bytes) != 1 || p.Place.Count() != 0 {
				p.t.Error(p.Images.Bytes, p.Place.Count())
			}
		}
	}},
	"unshelve": {novatest.Spec(), func(p *play) (func(), func()) {
		p.must(p.C.Shelve(p.me, p.id))
		p.Rest(p.t)
		return func() { p.must(p.C.Unshelve(p.me, p.id, nova.Where{})) }, func() {
			p.is("ACTIVE/", wish.Running, "old")
			if len(p.Images.Made) != 0 || p.Place.Count() != 1 {
				p.t.Error(p.Images.Made, p.Place.Count())
			}
		}
	}},
	"shelve and unshelve of a root volume": {bootFromImage(true), func(p *play) (func(), func()) {
		p.must(p.C.Shelve(p.me, p.id))
		p.Rest(p.t)
		p.is("SHELVED_OFFLOADED/", "", "made-1", "old")
		return func() { p.must(p.C.Unshelve(p.me, p.id, nova.Where{})) }, func() { p.is("ACTIVE/", wish.Running, "made-1", "old") }
	}},
	"backup": {novatest.Spec(), func(p *play) (func(), func()) {
		_, err := p.C.CreateBackup(p.me, p.id, "b", "daily", 1, nil)
		p.must(err)
		p.Rest(p.t)
		return func() {
				_, err := p.C.CreateBackup(p.me, p.id, "b", "daily", 1, nil)
				p.must(err)
			}, func() {
				p.is("ACTIVE/", wish.Running, "old")
				if len(p.Images.Made) != 1 {
					p.t.Error(p.Images.Made)
				}
				p.Images.Made = map[string]nova.ImageSpec{}
			}
	}},
	"delete of one that is swapped": {novatest.Spec(), func(p *play) (func(), func()) {
		p.Node.Copying = "under way"
		p.must(p.C.SwapVolume(p.me, p.id, "old", "new"))
		p.Rest(p.t)
		return func() { p.must(p.C.Delete(p.me, p.id, false)) }, func() { deleted(p) }
	}},
	"delete of one that is shelved": {novatest.Spec(), func(p *play) (func(), func()) {
		p.must(p.C.Shelve(p.me, p.id))
		p.Rest(p.t)
		return func() { p.must(p.C.Delete(p.me, p.id, false)) }, func() { deleted(p) }
	}},
}

// What is asked for is carried out wherever compute's process ends, and when the server is
// deleted nothing is left.
func TestKilledAnywhere(t *testing.T) { killedAnywhere(t, scenes) }

func killedAnywhere(t *testing.T, scenes map[string]scene) {
	total := 0
	for name, s := range scenes {
		t.Run(name, func(t *testing.T) {
			for n := 0; ; n++ {
				p := newPlay(t, s.spec)
				ask, then := s.do(p)
				ask()
				p.Kill(n)
				died := p.Rest(t)
				p.Live()
				if died {
					total++
					p.Rest(t)
				}
				then()
				if err := p.C.Delete(p.me, p.id, true); !fault.Is(err, fault.NotFound) {
					p.must(err)
				}
				p.Node.Copying = ""
				p.Rest(t)
				deleted(p)
				if t.Failed() {
					t.Fatalf("killed at place %d", n)
				}
				if !died {
					return
				}
			}
		})
	}
	t.Logf("killed at %d places", total)
}
