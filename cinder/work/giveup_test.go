package work_test

import (
	"context"
	"testing"
	"time"

	"stackd/cinder"
	"stackd/cinder/cindertest"
	"stackd/cinder/work"
	"stackd/internal/sqldb"
	"stackd/internal/sqldb/dbtest"
)

// cut has the process end at its n-th place, and nobody go on; it tells whether it came there.
func (p *play) cut(n int) bool {
	p.t.Helper()
	p.Kill(n)
	defer p.Live()
	for {
		p.Hasten(p.t)
		if busy, died := p.Pass(p.t); died || !busy {
			return died
		}
	}
}

// A backup that is given up, wherever making it was cut off, leaves nothing behind, and the
// volume is what it was.
func TestBackupsGivenUp(t *testing.T) {
	ways := map[string]func(p *play, id string) error{
		"reset": func(p *play, id string) error { return p.S.ResetBackup(p.ctx, id, cinder.Errored) },
		"force": func(p *play, id string) error { return p.S.DeleteBackup(p.ctx, id, true) },
	}
	for name, give := range ways {
		t.Run(name, func(t *testing.T) {
			for n, died := 0, true; died; n++ {
				p := newPlay(t, dbtest.New(t))
				b := p.backUp(false)
				died = p.cut(n)
				whole := p.Vault.Left() > 0
				row, err := p.S.Backup(p.ctx, b.ID)
				p.must(err)
				p.must(give(p, b.ID))
				p.Settle(t)
				p.is(p.v.ID, cinder.Available, "first")
				if p.Vault.Left() > 0 && (name == "force" || row.Status == cinder.Creating) {
					t.Errorf("killed at %d (whole: %v): its bytes are still there", n, whole)
				}
				if row, err = p.S.Backup(p.ctx, b.ID); name == "force" {
					p.gone(err)
				} else if p.must(err); row.Status != cinder.Errored || row.Wish != cinder.Kept {
					t.Errorf("killed at %d: it is %s, wishes %q", n, row.Status, row.Wish)
				}
			}
		})
	}
}

// slow is a vault whose Keep takes as long as it may.
type slow struct {
	*cindertest.Vault
	began, ended chan bool
}

func (v slow) Keep(ctx context.Context, _, _ string, _ cinder.Content) (int64, error) {
	v.began <- true
	<-ctx.Done()
	time.Sleep(50 * time.Millisecond)
	v.ended <- true
	return 0, ctx.Err()
}

// Who makes a backup stops soon after it was given up; nobody takes its bytes away before
// he has stopped.
func TestBackupGivenUpWhileMade(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		p := newPlay(t, db)
		v := slow{p.Vault, make(chan bool), make(chan bool, 1)}
		p.S.Kept(v)
		b := p.backUp(false)
		w, done := work.NewBackups(p.S), make(chan error)
		go func() { done <- w.Reconcile(p.ctx, b.ID) }()
		<-v.began
		p.must(p.S.DeleteBackup(p.ctx, b.ID, true))
		if due, err := p.S.DueBackups(p.ctx, 10); err != nil || len(due) > 0 {
			t.Fatal("another would begin at once:", due, err)
		}
		p.must(<-done)
		<-v.ended
		if due, err := p.S.DueBackups(p.ctx, 10); err != nil || len(due) != 1 {
			t.Fatal("what comes next is not due:", due, err)
		}
		p.must(w.Reconcile(p.ctx, b.ID))
		_, err := p.S.Backup(p.ctx, b.ID)
		p.gone(err)
		p.is(p.v.ID, cinder.Available, "first")
	})
}

// A restore that an administrator ends frees the backup, too.
func TestRestoreGivenUp(t *testing.T) {
	p := newPlay(t, dbtest.New(t))
	b := p.backUp(false)
	p.Settle(t)
	_, err := p.S.RestoreBackup(p.ctx, p.who, b.ID, p.v.ID, nil)
	p.must(err)
	status := cinder.Available
	p.must(p.S.ResetVolume(p.ctx, p.v.ID, cinder.Reset{Status: &status}))
	p.backupIs(b.ID, cinder.Available, "first")
	p.is(p.v.ID, cinder.Available, "first")
}

// A volume leaves, or goes, only when nothing holds what a backup that was given up took of
// it while it was in use: nothing stays on the backend that it was on.
func TestVolumesWaitForBackupsGivenUp(t *testing.T) {
	leave := map[string]func(p *play) error{
		"moved": func(p *play) error { return p.S.MigrateVolume(p.ctx, p.v.ID, cindertest.Two) },
		"gone":  func(p *play) error { return p.S.DeleteVolume(p.ctx, p.v.ID, false, false) },
	}
	for name, act := range leave {
		t.Run(name, func(t *testing.T) {
			for n, died := 0, true; died; n++ {
				p := newPlay(t, dbtest.New(t))
				p.One.InUse, p.Two.Full = true, false
				a := &cinder.Attachment{VolumeID: p.v.ID, ServerID: "s"}
				p.must(p.S.Reserve(p.ctx, a))
				_, err := p.S.ChangeAttachment(p.ctx, a.ID, func(a *cinder.Attachment) error { a.Status = cinder.Attached; return nil })
				p.must(err)
				b, err := p.S.CreateBackup(p.ctx, p.who, cinder.BackupSpec{VolumeID: p.v.ID, Force: true})
				p.must(err)
				died = p.cut(n)
				p.must(p.S.DeleteBackup(p.ctx, b.ID, true))
				p.must(p.S.Release(p.ctx, a.ID))
				p.must(act(p))
				p.Settle(t)
				if left := p.One.Left(); len(left) > 0 {
					t.Errorf("killed at %d: %q are left", n, left)
				}
				if name == "moved" {
					p.is(p.v.ID, cinder.Available, "first")
				} else {
					_, err := p.S.Store.Volume(p.ctx, p.v.ID)
					p.gone(err)
				}
			}
		})
	}
}
