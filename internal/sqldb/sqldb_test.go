package sqldb_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"stackd/internal/listing"
	"stackd/internal/sqldb"
	"stackd/internal/sqldb/dbtest"

	"github.com/uptrace/bun"
)

type thing struct {
	bun.BaseModel `bun:"table:things"`
	ID            string            `bun:"id,pk"`
	Size          int               `bun:"size"`
	Tags          map[string]string `bun:"tags"`
	Live          bool              `bun:"live"`
	At            time.Time         `bun:"at,nullzero"`
}

var files = fstest.MapFS{"migrations/0001_things.sql": {Data: []byte(`-- +goose Up
CREATE TABLE things (id TEXT PRIMARY KEY, size BIGINT NOT NULL, tags TEXT NOT NULL DEFAULT '{}', live BOOLEAN NOT NULL, at TIMESTAMPTZ);
`)}}

func setup(t *testing.T, db *sqldb.DB) {
	t.Helper()
	for range 2 { // a second run changes nothing
		if err := db.Migrate(t.Context(), "test", files); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		setup(t, db)
		in := thing{ID: "a", Size: 3, Tags: map[string]string{"k": "it's"}, Live: true, At: db.Now()}
		err := db.Tx(t.Context(), func(ctx context.Context) error {
			_, err := db.Q(ctx).NewInsert().Model(&in).Exec(ctx)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		var out thing
		if err := db.Q(t.Context()).NewSelect().Model(&out).Where("id = ? AND live AND at <= ?", "a", db.Now()).Scan(t.Context()); err != nil {
			t.Fatal(err)
		}
		if out.Size != 3 || out.Tags["k"] != "it's" || !out.Live || !out.At.Equal(in.At) {
			t.Fatalf("%+v", out)
		}
		err = db.Tx(t.Context(), func(ctx context.Context) error {
			_, err := db.Q(ctx).NewInsert().Model(&in).Exec(ctx)
			return err
		})
		if !sqldb.Taken(err) {
			t.Fatal("not Taken:", err)
		}
		if err := db.Q(t.Context()).NewSelect().Model(&out).Where("id = 'z'").Scan(t.Context()); !sqldb.Missing(err) {
			t.Fatal("not Missing:", err)
		}
	})
}

func TestRollbackAndAfter(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		setup(t, db)
		ran := 0
		bad := errors.New("bad")
		for _, end := range []error{bad, nil} {
			err := db.Tx(t.Context(), func(ctx context.Context) error {
				db.After(ctx, func() { ran++ })
				_, err := db.Q(ctx).NewInsert().Model(&thing{ID: "x"}).Exec(ctx)
				return errors.Join(err, end)
			})
			if !errors.Is(err, end) {
				t.Fatal(err)
			}
		}
		if ran != 1 {
			t.Fatal("After ran", ran)
		}
	})
}

func TestBeforeIsPartOfTheTransaction(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		setup(t, db)
		insert := func(id string) func(context.Context) error {
			return func(ctx context.Context) error {
				_, err := db.Q(ctx).NewInsert().Model(&thing{ID: id}).Exec(ctx)
				return err
			}
		}
		ctx := sqldb.Before(t.Context(), insert("before"))
		for name, c := range map[string]struct {
			ctx  context.Context
			do   func(context.Context) error
			want int
		}{
			"quiet":  {sqldb.Quiet(ctx), insert("a"), 1},
			"nested": {ctx, func(ctx context.Context) error { return errors.Join(db.Tx(ctx, insert("a")), db.Tx(ctx, insert("b"))) }, 3},
			"undone": {ctx, func(ctx context.Context) error { return errors.Join(insert("a")(ctx), errors.New("bad")) }, 0},
			"failed": {sqldb.Before(ctx, func(context.Context) error { return errors.New("bad") }), insert("a"), 0},
		} {
			db.Tx(c.ctx, c.do)
			n, err := db.Q(t.Context()).NewSelect().Model((*thing)(nil)).Count(t.Context())
			if err != nil || int(n) != c.want {
				t.Errorf("%s: %d rows, not %d (%v)", name, n, c.want, err)
			}
			db.Tx(t.Context(), func(ctx context.Context) error {
				_, err := db.Q(ctx).NewDelete().Model((*thing)(nil)).Where("1 = 1").Exec(ctx)
				return err
			})
		}
	})
}

// Writers that read first must not lose each other's work.
func TestNoLostUpdate(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		setup(t, db)
		add := func(ctx context.Context) error {
			return db.Tx(ctx, func(ctx context.Context) error {
				var rows []thing
				if err := db.Q(ctx).NewSelect().Model(&rows).Scan(ctx); err != nil {
					return err
				}
				if len(rows) == 0 {
					_, err := db.Q(ctx).NewInsert().Model(&thing{ID: "n", Size: 1}).Exec(ctx)
					return err
				}
				_, err := db.Q(ctx).NewUpdate().Model(&thing{ID: "n", Size: rows[0].Size + 1}).Column("size").WherePK().Exec(ctx)
				return err
			})
		}
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 5 {
					for sqldb.Taken(add(t.Context())) { // the first insert may meet another
					}
				}
			})
		}
		wg.Wait()
		var out thing
		if err := db.Q(t.Context()).NewSelect().Model(&out).Where("id = 'n'").Scan(t.Context()); err != nil || out.Size != 40 {
			t.Fatal(out.Size, err)
		}
	})
}

func TestPages(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		setup(t, db)
		db.Tx(t.Context(), func(ctx context.Context) error {
			for i, id := range []string{"e", "b", "d", "a", "c"} {
				db.Q(ctx).NewInsert().Model(&thing{ID: id, Size: i / 2}).Exec(ctx)
			}
			return nil
		})
		cols := sqldb.Columns{Table: "things", By: map[string]string{"id": "id", "size": "size"}}
		var seen []string
		l := listing.List{Limit: 2, Sorts: []listing.Sort{{Key: "size", Desc: true}, {Key: "id", Desc: true}}}
		for {
			var rows []thing
			if err := sqldb.Page(db.Q(t.Context()).NewSelect().Model(&rows), l, cols).Scan(t.Context()); err != nil {
				t.Fatal(err)
			}
			p := listing.Cut(rows, l.Limit)
			for _, r := range p.Items {
				seen = append(seen, r.ID)
			}
			if !p.More {
				break
			}
			l.Marker = seen[len(seen)-1]
		}
		if !slices.Equal(seen, []string{"c", "d", "a", "e", "b"}) {
			t.Fatal(seen)
		}
	})
}

func TestOnlyTheOwnerReadsTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	db, err := sqldb.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	setup(t, db)
	for _, f := range []string{path, path + "-wal", path + "-shm"} {
		if st, err := os.Stat(f); err != nil || st.Mode().Perm() != 0o600 {
			t.Error(f, st, err)
		}
	}
}
