package work_test

import (
	"context"
	"strings"
	"testing"

	"stackd/cinder"
	"stackd/cinder/cindertest"
	"stackd/internal/fault"
	"stackd/internal/sqldb"
	"stackd/internal/sqldb/dbtest"
	"stackd/internal/token"
)

// A play is a world with what a scene has made in it.
type play struct {
	*cindertest.World
	t   *testing.T
	ctx context.Context
	who *token.Who
	v   *cinder.Volume // available, and holds "first"
}

func newPlay(t *testing.T, db *sqldb.DB) *play {
	p := &play{World: cindertest.New(t, db), t: t, ctx: t.Context(), who: cindertest.Who("p", "member")}
	p.v = p.make(cinder.VolumeSpec{Size: 1})
	p.One.Write(p.v.ID, "first")
	return p
}

func (p *play) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *play) create(w cinder.VolumeSpec) *cinder.Volume {
	p.t.Helper()
	v, err := p.S.CreateVolume(p.ctx, p.who, w)
	p.must(err)
	return v
}

func (p *play) make(w cinder.VolumeSpec) *cinder.Volume {
	p.t.Helper()
	v := p.create(w)
	p.Settle(p.t)
	return v
}

func (p *play) snap() *cinder.Snapshot {
	p.t.Helper()
	s, err := p.S.CreateSnapshot(p.ctx, p.who, cinder.SnapshotSpec{VolumeID: p.v.ID})
	p.must(err)
	return s
}

func (p *play) backUp(incremental bool) *cinder.Backup {
	p.t.Helper()
	b, err := p.S.CreateBackup(p.ctx, p.who, cinder.BackupSpec{VolumeID: p.v.ID, Incremental: incremental})
	p.must(err)
	return b
}

// is asks for a volume's status and what its backend holds of it.
func (p *play) is(id, status, text string) {
	p.t.Helper()
	v, err := p.S.Volume(p.ctx, id)
	p.must(err)
	if v.Status != status || v.Wish != cinder.Kept || !v.DueAt.IsZero() || v.Task != nil {
		p.t.Errorf("volume %s is %s, wishes %q, task %v: want %s", id, v.Status, v.Wish, v.Task, status)
	}
	at := p.One
	if v.Backend == cindertest.Two {
		at = p.Two
	}
	if got, ok := at.Text(id, ""); !ok || got != text {
		p.t.Errorf("volume %s holds %q (there: %v), want %q", id, got, ok, text)
	}
}

func (p *play) snapIs(id, status string) {
	p.t.Helper()
	s, err := p.S.Store.Snapshot(p.ctx, id)
	p.must(err)
	if s.Status != status || s.Wish != cinder.Kept {
		p.t.Errorf("snapshot %s is %s, wishes %q", id, s.Status, s.Wish)
	}
}

func (p *play) backupIs(id, status, text string) {
	p.t.Helper()
	b, err := p.S.Backup(p.ctx, id)
	p.must(err)
	if b.Status != status || b.Wish != cinder.Kept || p.Vault.Text(id) != text {
		p.t.Errorf("backup %s is %s, wishes %q, holds %q", id, b.Status, b.Wish, p.Vault.Text(id))
	}
}

func (p *play) gone(err error) {
	p.t.Helper()
	if !fault.Is(err, fault.NotFound) {
		p.t.Errorf("it is still there: %v", err)
	}
}

// A scene makes what it needs, asks for something, and says what must then be so.
type scene func(p *play) (ask func(), then func())

var scenes = map[string]scene{
	"create": func(p *play) (func(), func()) {
		var v *cinder.Volume
		return func() { v = p.create(cinder.VolumeSpec{Size: 2}) }, func() { p.is(v.ID, cinder.Available, "") }
	},
	"create from an image": func(p *play) (func(), func()) {
		var v *cinder.Volume
		return func() { v = p.create(cinder.VolumeSpec{Size: 2, ImageID: cindertest.ImageID}) }, func() { p.is(v.ID, cinder.Available, cindertest.ImageText) }
	},
	"clone": func(p *play) (func(), func()) {
		var v *cinder.Volume
		return func() { v = p.create(cinder.VolumeSpec{SourceID: p.v.ID}) }, func() { p.is(v.ID, cinder.Available, "first") }
	},
	"clone, and the original goes": func(p *play) (func(), func()) {
		var v *cinder.Volume
		return func() {
				v = p.create(cinder.VolumeSpec{SourceID: p.v.ID})
				p.must(p.S.DeleteVolume(p.ctx, p.v.ID, false, false))
			}, func() {
				p.is(v.ID, cinder.Available, "first")
				_, err := p.S.Volume(p.ctx, p.v.ID)
				p.gone(err)
			}
	},
	"create from a snapshot, and that goes": func(p *play) (func(), func()) {
		s := p.snap()
		p.Settle(p.t)
		p.One.Write(p.v.ID, "later")
		var v *cinder.Volume
		return func() {
				v = p.create(cinder.VolumeSpec{SnapshotID: s.ID, Size: 3})
				p.must(p.S.DeleteSnapshot(p.ctx, s.ID, false))
			}, func() {
				p.is(v.ID, cinder.Available, "first")
				_, err := p.S.Store.Snapshot(p.ctx, s.ID)
				p.gone(err)
			}
	},
	"snapshot": func(p *play) (func(), func()) {
		var s *cinder.Snapshot
		return func() { s = p.snap() }, func() {
			p.snapIs(s.ID, cinder.Available)
			if text, _ := p.One.Text(p.v.ID, s.ID); text != "first" {
				p.t.Errorf("the snapshot holds %q", text)
			}
		}
	},
	"extend": func(p *play) (func(), func()) {
		return func() { p.must(p.S.ExtendVolume(p.ctx, p.v.ID, 5, false)) }, func() {
			p.is(p.v.ID, cinder.Available, "first")
			if size, _, _ := p.One.Has(p.ctx, p.v.ID); size != 5 {
				p.t.Errorf("it has %d GiB", size)
			}
		}
	},
	"revert": func(p *play) (func(), func()) {
		s := p.snap()
		p.Settle(p.t)
		p.One.Write(p.v.ID, "spoilt")
		return func() { p.must(p.S.RevertVolume(p.ctx, p.v.ID, s.ID)) }, func() { p.is(p.v.ID, cinder.Available, "first"); p.snapIs(s.ID, cinder.Available) }
	},
	"migrate": func(p *play) (func(), func()) {
		p.Two.Full = false
		return func() { p.must(p.S.MigrateVolume(p.ctx, p.v.ID, cindertest.Two)) }, func() {
			p.is(p.v.ID, cinder.Available, "first")
			v, _ := p.S.Volume(p.ctx, p.v.ID)
			if v.Backend != cindertest.Two || v.Migration != "success" || len(p.One.Left()) > 0 {
				p.t.Errorf("it is on %s, migration %s; left on the first: %v", v.Backend, v.Migration, p.One.Left())
			}
		}
	},
	"retype to another backend": func(p *play) (func(), func()) {
		p.Two.Full = false
		t := &cinder.Type{Name: "two", Public: true, ExtraSpecs: map[string]string{"volume_backend_name": "two"}}
		p.must(p.S.CreateType(p.ctx, t))
		return func() { p.must(p.S.RetypeVolume(p.ctx, p.who, p.v.ID, "two", true)) }, func() {
			p.is(p.v.ID, cinder.Available, "first")
			if v, _ := p.S.Volume(p.ctx, p.v.ID); v.Backend != cindertest.Two || v.TypeID != t.ID {
				p.t.Errorf("it is on %s, of type %s", v.Backend, v.TypeName)
			}
		}
	},
	"upload": func(p *play) (func(), func()) {
		var w cinder.ImageSpec
		return func() {
				var err error
				_, w, err = p.S.UploadVolume(token.With(p.ctx, p.who), p.v.ID, cinder.ImageSpec{Name: "i"}, false)
				p.must(err)
			}, func() {
				p.is(p.v.ID, cinder.Available, "first")
				if text, ok := p.Images.Text(w.ID); !ok || text != "first" {
					p.t.Errorf("the image holds %q (there: %v)", text, ok)
				}
			}
	},
	"reimage": func(p *play) (func(), func()) {
		return func() { p.must(p.S.ReimageVolume(p.ctx, p.v.ID, cindertest.ImageID, false)) }, func() { p.is(p.v.ID, cinder.Available, cindertest.ImageText) }
	},
	"manage": func(p *play) (func(), func()) {
		p.One.Put("stray", "found", 2)
		var v *cinder.Volume
		return func() {
			var err error
			v, err = p.S.ManageVolume(p.ctx, p.who, cinder.ManageSpec{Host: cindertest.One, Ref: "stray"})
			p.must(err)
		}, func() { p.is(v.ID, cinder.Available, "found") }
	},
	"backup": func(p *play) (func(), func()) {
		var b *cinder.Backup
		return func() { b = p.backUp(false) }, func() { p.backupIs(b.ID, cinder.Available, "first"); p.is(p.v.ID, cinder.Available, "first") }
	},
	"incremental backup": func(p *play) (func(), func()) {
		full := p.backUp(false)
		p.Settle(p.t)
		p.One.Write(p.v.ID, "fixed and longer")
		var b *cinder.Backup
		return func() { b = p.backUp(true) }, func() {
			p.backupIs(b.ID, cinder.Available, "fixed and longer")
			p.backupIs(full.ID, cinder.Available, "first")
		}
	},
	"restore": func(p *play) (func(), func()) {
		b := p.backUp(false)
		p.Settle(p.t)
		p.One.Write(p.v.ID, "spoilt, and longer than before")
		return func() {
			_, err := p.S.RestoreBackup(p.ctx, p.who, b.ID, p.v.ID, nil)
			p.must(err)
		}, func() { p.is(p.v.ID, cinder.Available, "first"); p.backupIs(b.ID, cinder.Available, "first") }
	},
	"restore to a new volume": func(p *play) (func(), func()) {
		b := p.backUp(false)
		p.Settle(p.t)
		var v *cinder.Volume
		return func() {
			var err error
			v, err = p.S.RestoreBackup(p.ctx, p.who, b.ID, "", nil)
			p.must(err)
		}, func() { p.is(v.ID, cinder.Available, "first"); p.backupIs(b.ID, cinder.Available, "first") }
	},
	"delete a backup": func(p *play) (func(), func()) {
		b := p.backUp(false)
		p.Settle(p.t)
		return func() { p.must(p.S.DeleteBackup(p.ctx, b.ID, false)) }, func() {
			_, err := p.S.Backup(p.ctx, b.ID)
			p.gone(err)
			if p.Vault.Left() > 0 {
				p.t.Error("its bytes are still there")
			}
		}
	},
	"delete with snapshots": func(p *play) (func(), func()) {
		p.snap()
		p.snap()
		p.Settle(p.t)
		return func() { p.must(p.S.DeleteVolume(p.ctx, p.v.ID, true, false)) }, func() {
			_, err := p.S.Volume(p.ctx, p.v.ID)
			p.gone(err)
		}
	},
	"give to another project, and delete there": func(p *play) (func(), func()) {
		o := &cinder.Transfer{VolumeID: p.v.ID}
		key, err := p.S.Offer(p.ctx, o)
		p.must(err)
		other := cindertest.Who("q", "member")
		return func() {
				_, err := p.S.Accept(p.ctx, other, o.ID, key)
				p.must(err)
				p.must(p.S.DeleteVolume(p.ctx, p.v.ID, false, false))
			}, func() {
				_, err := p.S.Volume(p.ctx, p.v.ID)
				p.gone(err)
			}
	},
	"snapshot and delete a group": func(p *play) (func(), func()) {
		t := &cinder.GroupType{Name: "g", Public: true}
		p.must(p.S.CreateGroupType(p.ctx, t))
		g := &cinder.Group{}
		p.must(p.S.CreateGroup(p.ctx, p.who, g, "g", []string{cinder.DefaultType}))
		p.must(p.S.ChangeGroup(p.ctx, g.ID, nil, nil, p.v.ID, ""))
		gs := &cinder.GroupSnapshot{GroupID: g.ID}
		p.must(p.S.SnapGroup(p.ctx, p.who, gs))
		p.Settle(p.t)
		p.must(p.S.DropGroupSnapshot(p.ctx, gs.ID))
		p.Settle(p.t)
		return func() { p.must(p.S.DropGroup(p.ctx, g.ID, true)) }, func() {
			_, err := p.S.OneGroup(p.ctx, g.ID)
			p.gone(err)
		}
	},
}

// Whatever is asked for is carried out, wherever the process that does it ends; and
// when all is deleted, nothing is left.
func TestKilledAnywhere(t *testing.T) {
	total := 0
	for name, s := range scenes {
		t.Run(name, func(t *testing.T) {
			for n := 0; ; n++ {
				p := newPlay(t, dbtest.New(t))
				ask, then := s(p)
				ask()
				p.Kill(n / 2)
				died := p.Settle(t)
				if died && n%2 == 1 { // and again, soon after it was taken up
					p.Kill(1)
					if p.Settle(t) {
						total++
					}
				}
				p.Live()
				if died {
					total++
					p.Settle(t)
				}
				then()
				p.clear()
				if t.Failed() {
					t.Fatalf("killed at place %d, again: %v", n/2, n%2 == 1)
				}
				if !died {
					return
				}
			}
		})
	}
	t.Logf("killed at %d places", total)
}

// clear deletes everything, and looks for what is left.
func (p *play) clear() {
	p.t.Helper()
	for range 3 { // backups in the order of their chains
		bs, err := p.S.Backups(p.ctx, cinder.VolumeQuery{})
		p.must(err)
		for _, b := range bs.Items {
			if !b.Children {
				p.must(p.S.DeleteBackup(p.ctx, b.ID, true))
			}
		}
		p.Settle(p.t)
	}
	vs, err := p.S.Volumes(p.ctx, cinder.VolumeQuery{})
	p.must(err)
	for _, v := range vs.Items {
		p.must(p.S.DeleteVolume(p.ctx, v.ID, true, true))
	}
	p.Settle(p.t)
	for _, q := range []string{"volumes", "snapshots", "volume_backups", "attachments", "volume_transfers", "volume_groups"} {
		if n, err := p.DB.Q(p.ctx).NewSelect().TableExpr(q).Count(p.ctx); err != nil || n > 0 {
			p.t.Errorf("%d rows are left in %s, %v", n, q, err)
		}
	}
	if left := append(p.One.Left(), p.Two.Left()...); len(left) > 0 || p.Vault.Left() > 0 {
		p.t.Errorf("left on the backends: %s; %d backups", strings.Join(left, " "), p.Vault.Left())
	}
}
