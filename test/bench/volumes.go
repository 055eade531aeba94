package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"stackd/cinder"
	cinderstore "stackd/cinder/store"
	"stackd/internal/sqldb"
	"stackd/test/cloudtest"

	"github.com/google/uuid"
)

const (
	manyVolumes = 100_000
	volumeRows  = "volume create→available→delete→gone, list volumes: "
)

// volumes measures a volume's life, and pages of a listing with many rows.
func (b *bench) volumes(ctx context.Context) error {
	if !strings.Contains(volumeRows, b.only) {
		return nil
	}
	project := filepath.Base(b.c.Catalog["volumev3"])
	quota := map[string]any{"quota_set": map[string]int{"volumes": -1, "gigabytes": -1}}
	if err := b.c.Do(ctx, "PUT", "volumev3", "/os-quota-sets/"+project, quota, nil); err != nil {
		return err
	}
	for _, at := range []int{1, 10} {
		b.row(ctx, "volume create→available→delete→gone", at, b.volumeLife)
	}
	if b.own == nil {
		return nil
	}
	if err := b.own.Down(); err != nil {
		return err
	}
	if err := manyRows(ctx, b.own.Data, project); err != nil {
		return err
	}
	if err := b.own.Up(); err != nil {
		return err
	}
	for what, query := range map[string]string{
		"the newest 1,000 of 100,000":          "?limit=1000",
		"1,000 of them from the middle on":     "?limit=1000&marker=" + volumeID(manyVolumes/2),
		"the one of a name":                    "?name=" + volumeName(manyVolumes/2),
		"the newest of a status":               "?limit=100&status=error",
		"the first 100, sorted by their names": "?limit=100&sort=name:asc",
	} {
		b.get(ctx, "list volumes: "+what, 1, "volumev3", "/volumes/detail"+query)
	}
	return nil
}

func (b *bench) volumeLife(ctx context.Context) error {
	var out struct{ Volume cloudtest.Thing }
	if err := b.c.Do(ctx, "POST", "volumev3", "/volumes", map[string]any{"volume": map[string]any{"size": 1, "name": "bench"}}, &out); err != nil {
		return err
	}
	at := "/volumes/" + out.Volume.ID
	if err := b.volumeIs(ctx, at, "available"); err != nil {
		return err
	}
	if err := b.c.Do(ctx, "DELETE", "volumev3", at, nil, nil); err != nil {
		return err
	}
	return b.volumeIs(ctx, at, "")
}

// volumeIs waits for a volume's status; "" is that it is gone.
func (b *bench) volumeIs(ctx context.Context, at, want string) error {
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		var out struct{ Volume cloudtest.Thing }
		err := b.c.Do(ctx, "GET", "volumev3", at, nil, &out)
		if e, ok := err.(*cloudtest.StatusError); ok && e.Status == 404 && want == "" {
			return nil
		}
		switch {
		case err != nil:
			return err
		case strings.HasPrefix(out.Volume.Status, "error"):
			return fmt.Errorf("%s is in %s", at, out.Volume.Status)
		case want != "" && out.Volume.Status == want:
			return nil
		}
	}
	return fmt.Errorf("%s did not become %q", at, want)
}

func volumeID(n int) string   { return uuid.NewSHA1(uuid.NameSpaceOID, fmt.Append(nil, n)).String() }
func volumeName(n int) string { return fmt.Sprintf("many-%06d", n) }

// manyRows writes volumes' rows into the database of a cloud that does not run.
func manyRows(ctx context.Context, data, project string) error {
	text, err := os.ReadFile(filepath.Join(data, "cloud.json"))
	if err != nil {
		return err
	}
	var o struct{ Database string }
	if err := json.Unmarshal(text, &o); err != nil {
		return err
	}
	db, err := sqldb.Open(ctx, o.Database)
	if err != nil {
		return err
	}
	defer db.Close()
	s, err := cinderstore.Open(ctx, db)
	if err != nil {
		return err
	}
	types, err := s.Types(ctx, cinder.TypeQuery{})
	if err != nil || len(types) == 0 {
		return fmt.Errorf("the types: %d, %w", len(types), err)
	}
	return s.Tx(ctx, func(ctx context.Context) error {
		for n := range manyVolumes {
			name, status := volumeName(n), cinder.Available
			if n%1000 == 0 {
				status = cinder.Errored
			}
			v := &cinder.Volume{ID: volumeID(n), ProjectID: project, Name: &name, Size: 1, WantedSize: 1, Status: status, Zone: cinder.Zone, TypeID: types[0].ID, Backend: "stackd@files#volumes", Metadata: map[string]string{}, CreatedAt: s.Now().Add(time.Duration(n-manyVolumes) * time.Second)}
			if err := s.InsertVolume(ctx, v); err != nil {
				return err
			}
		}
		return nil
	})
}
