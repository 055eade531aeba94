package work_test

import (
	"context"
	"testing"

	"stackd/cinder"
	"stackd/cinder/cindertest"
	"stackd/internal/fault"
	"stackd/internal/sqldb/dbtest"
)

// attached has a guest have the volume, which goes over where it moves, or stays.
func (p *play) attached(stays bool) *cinder.Attachment {
	p.t.Helper()
	p.Two.Full = false
	p.S.Served(&cindertest.Guests{W: p.World, Stays: stays})
	a, err := p.Attach(p.ctx, p.v.ID, cindertest.Server)
	p.must(err)
	return a
}

// isOn looks where a volume in use is, that the attachment says the same, and that no
// other backend knows of it; then its guest lets it go.
func (p *play) isOn(a *cinder.Attachment, name, migration string, empty *cindertest.Backend) {
	p.t.Helper()
	p.is(p.v.ID, cinder.InUse, "first")
	v, err := p.S.Volume(p.ctx, p.v.ID)
	p.must(err)
	if v.Backend != name || v.Migration != migration || len(empty.Left())+empty.Holders() > 0 {
		p.t.Errorf("it is on %s, migration %q; left on the other: %v, %d let in", v.Backend, v.Migration, empty.Left(), empty.Holders())
	}
	if at := v.Attachments[0].Connection; at["driver_volume_type"] != "file" || at["backend"] != nil {
		p.t.Errorf("its holder is told %v", at)
	}
	p.must(p.S.Release(p.ctx, a.ID))
	p.must(p.S.EndExports(p.ctx, p.v.ID))
	if left := p.One.Holders() + p.Two.Holders(); left > 0 {
		p.t.Errorf("let in still: %d", left)
	}
}

func init() {
	scenes["migrate in use"] = func(p *play) (func(), func()) {
		a := p.attached(false)
		return func() { p.must(p.S.MigrateVolume(p.ctx, p.v.ID, cindertest.Two)) }, func() { p.isOn(a, cindertest.Two, "success", p.One) }
	}
	scenes["migrate in use, and the guest stays"] = func(p *play) (func(), func()) {
		a := p.attached(true)
		return func() { p.must(p.S.MigrateVolume(p.ctx, p.v.ID, cindertest.Two)) }, func() { p.isOn(a, cindertest.One, "error", p.Two) }
	}
	scenes["reimage of a held volume"] = func(p *play) (func(), func()) {
		a := p.attached(false)
		return func() { p.must(p.S.ReimageHeld(p.ctx, a.ID, cindertest.ImageID)) }, func() {
			p.is(p.v.ID, cinder.Reserved, cindertest.ImageText)
			as, err := p.S.AttachmentsOf(p.ctx, p.v.ID)
			p.must(err)
			if len(as[p.v.ID]) != 1 || as[p.v.ID][0].ID == a.ID || as[p.v.ID][0].Connection != nil || as[p.v.ID][0].ServerID != cindertest.Server || p.One.Holders() != 0 {
				p.t.Errorf("held as %+v, %d let in", as[p.v.ID], p.One.Holders())
			}
			p.must(p.S.Release(p.ctx, as[p.v.ID][0].ID))
		}
	}
	scenes["retype in use to another backend"] = func(p *play) (func(), func()) {
		a := p.attached(false)
		t := &cinder.Type{Name: "two", Public: true, ExtraSpecs: map[string]string{"volume_backend_name": "two"}}
		p.must(p.S.CreateType(p.ctx, t))
		return func() { p.must(p.S.RetypeVolume(p.ctx, p.who, p.v.ID, "two", true)) }, func() {
			if v, _ := p.S.Volume(p.ctx, p.v.ID); v.TypeID != t.ID {
				p.t.Errorf("it is of type %s", v.TypeName)
			}
			p.isOn(a, cindertest.Two, "", p.One)
		}
	}
}

// A volume that moves is left alone by all else, and one of several servers does not move.
func TestWhatDoesNotMoveInUse(t *testing.T) {
	p := newPlay(t, dbtest.SQLite(t))
	p.attached(false)
	p.must(p.S.MigrateVolume(p.ctx, p.v.ID, cindertest.Two))
	_, err := p.S.CreateSnapshot(p.ctx, p.who, cinder.SnapshotSpec{VolumeID: p.v.ID, InUse: true})
	for what, err := range map[string]error{"snapshot": err, "extend": p.S.ExtendVolume(p.ctx, p.v.ID, 3, true), "migrate": p.S.MigrateVolume(p.ctx, p.v.ID, cindertest.Two),
		"retype": p.S.RetypeVolume(p.ctx, p.who, p.v.ID, cinder.DefaultType, true)} {
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("%s of a volume that moves: %v", what, err)
		}
	}
	p.Settle(t)
	p.v = p.make(cinder.VolumeSpec{Size: 1})
	_, err = p.S.ChangeVolume(p.ctx, p.v.ID, func(_ context.Context, v *cinder.Volume) error { v.Multiattach = true; return nil })
	p.must(err)
	for _, server := range []string{cindertest.Server, "another"} {
		_, err := p.Attach(p.ctx, p.v.ID, server)
		p.must(err)
	}
	if err := p.S.MigrateVolume(p.ctx, p.v.ID, cindertest.Two); !fault.Is(err, fault.Invalid) {
		t.Error("a volume of two servers moves:", err)
	}
}
