package work_test

import (
	"slices"
	"testing"
	"time"

	"stackd/cinder"
	"stackd/internal/sqldb"
	"stackd/internal/sqldb/dbtest"
)

// A volume that a killed process was working on is worked on again at once by the next of
// that name.
func TestKilledProcessesVolumeIsDueAtOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		p := newPlay(t, db)
		if ok, err := db.Name(t.Context(), "plane"); !ok || err != nil {
			t.Fatal(ok, err)
		}
		v := p.create(cinder.VolumeSpec{Size: 1})
		if got, _, err := p.S.ClaimVolume(t.Context(), v.ID, time.Hour); got == nil || err != nil {
			t.Fatal(got, err)
		}
		due := func() bool {
			ids, err := p.S.Due(t.Context(), 10)
			p.must(err)
			return slices.Contains(ids, v.ID)
		}
		if due() {
			t.Fatal("a volume that is being worked on is due")
		}
		if p.must(p.S.Unclaim(t.Context())); !due() {
			t.Fatal("it waits for the lease of the dead")
		}
	})
}
