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
				p.Kill(n)
				died = p.Settle(t)
				p.Live()
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
