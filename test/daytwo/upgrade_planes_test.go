package daytwo

import (
	"errors"
	"os"
	"testing"
	"time"

	"stackd/internal/sqldb/dbtest"
	"stackd/test/cloudtest"
)

// Three control planes on one database and their nodes are upgraded one after the other,
// from the version before: both versions work side by side meanwhile, callers are
// answered, and what they ask for is done.
func TestUpgradeOfSeveralControlPlanes(t *testing.T) {
	if os.Getenv("STACKD_TEST_PG") == "" {
		t.Skip("several control planes need a PostgreSQL, and STACKD_TEST_PG names none; make check starts one")
	}
	today, err := cloudtest.Build(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s := cloudtest.NewSeveral(t, 3, dbtest.Address(t), copied(t, cloudtest.Previous(t), ""))
	nodes := s.Nodes(3)
	c := &cloud{t: t, Cloud: s.Planes[0], start: func() error { return s.Planes[0].Serve() }}
	c.furnish()
	first := c.server("first")
	asking := c.flowing()
	ends := make(chan error, 1)
	go func() {
		var errs []error
		for _, p := range append(s.Planes, nodes) {
			time.Sleep(2 * time.Second) // both versions work
			done, err := c.upgrade(today, p.Data)
			if err == nil && !done.Changed {
				err = errors.New("it is upgraded already: " + p.Data)
			}
			errs = append(errs, err)
		}
		ends <- errors.Join(errs...)
	}()
	ids := c.making(ends)
	asking.Stop()
	if t.Log(asking, len(ids), "servers were made meanwhile"); len(asking.Failed) > 0 || asking.Longest > 20*time.Second {
		t.Errorf("%s: %v", asking, asking.Failed)
	}
	for _, id := range append(ids, first) {
		c.wait(id, "ACTIVE")
	}
}
