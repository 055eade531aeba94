package api_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"stackd/glance"
	"stackd/glance/api"
	"stackd/glance/work"
	"stackd/internal/policy"
	"stackd/internal/sqldb"
	"stackd/internal/sqldb/dbtest"
)

var errDead = errors.New("the process is dead")

// A fate kills a process at its n-th effect: nothing that it does then has any.
type fate struct {
	mu   sync.Mutex
	left int
	dead bool
}

// point is passed before and after every effect.
func (f *fate) point() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.left--; f.left == 0 {
		f.dead = true
	}
	if f.dead {
		return errDead
	}
	return nil
}

func (f *fate) over() bool { f.mu.Lock(); defer f.mu.Unlock(); return f.dead }

// around has an effect between two points.
func (f *fate) around(effect func() error) error {
	if err := f.point(); err != nil {
		return err
	}
	if err := effect(); err != nil {
		return err
	}
	return f.point()
}

type mortalStore struct {
	glance.Store
	f *fate
}

type inTx struct{}

func (m mortalStore) Tx(ctx context.Context, f func(context.Context) error) error {
	if ctx.Value(inTx{}) != nil {
		return m.Store.Tx(ctx, f)
	}
	return m.f.around(func() error { return m.Store.Tx(context.WithValue(ctx, inTx{}, true), f) })
}

type mortalBackend struct {
	glance.Staging
	f *fate
}

func (m mortalBackend) Create(ctx context.Context, name string, size int64) (w glance.Writer, err error) {
	err = m.f.around(func() error { w, err = m.Staging.Create(ctx, name, size); return err })
	return mortalWriter{w, m.f}, err
}

func (m mortalBackend) Delete(ctx context.Context, name string) error {
	return m.f.around(func() error { return m.Staging.Delete(ctx, name) })
}

type mortalWriter struct {
	glance.Writer
	f *fate
}

func (m mortalWriter) Write(b []byte) (n int, err error) {
	err = m.f.around(func() error { n, err = m.Writer.Write(b[:len(b)/2]); return err })
	if err == nil {
		var k int
		k, err = m.Writer.Write(b[len(b)/2:])
		n += k
	}
	return n, err
}

func (m mortalWriter) Commit() error { return m.f.around(m.Writer.Commit) }

// Abort: the dead clear nothing up.
func (m mortalWriter) Abort() {
	if m.Writer != nil && !m.f.over() {
		m.Writer.Abort()
	}
}

// mortal is a site that dies at its n-th effect.
func mortal(t *testing.T, db *sqldb.DB, dir string, o glance.Options, n int) (*site, *fate) {
	f := &fate{}
	var parts glance.Parts
	s := openStill(t, db, dir, o, func(p *glance.Parts) {
		for _, x := range p.Places {
			if x.Backend != nil {
				x.Backend = mortalBackend{x.Backend.(glance.Staging), f}
			}
		}
		p.Staging = mortalBackend{p.Staging, f}
		parts = *p
	})
	rules, err := policy.Defaults()
	if err != nil {
		t.Fatal(err)
	}
	s.g = glance.New(mortalStore{s.g.Store, f}, parts)
	s.h = api.New(s.g, persons{}, rules["glance"], "http://127.0.0.1:5000")
	f.left = n
	return s, f
}

// settled runs the loops of a site until nothing is due any more, and ends them.
func (s *site) settled(db *sqldb.DB) {
	s.t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { work.Loop(s.g).Run(ctx) })
	wg.Go(func() { s.g.Tend(ctx) })
	defer wg.Wait()
	defer stop()
	count := func(q string) (n int) {
		if err := db.Raw().QueryRow(q).Scan(&n); err != nil {
			s.t.Fatal(err)
		}
		return n
	}
	s.until("nothing is due", func() bool {
		return count(`SELECT COUNT(*) FROM image_tasks WHERE status IN ('pending', 'processing')`)+count(`SELECT COUNT(*) FROM images WHERE upload <> ''`)+
			count(`SELECT COUNT(*) FROM image_bytes WHERE due_at < '9000-01-01'`) == 0
	})
}

// whole checks that images have bytes where they should be, and that there are no others.
func (s *site) whole(what string, data string) {
	s.t.Helper()
	var want []string
	_, out := s.do("admin@p0", "GET /v2/images?limit=100", "")
	for _, x := range out["images"].([]any) {
		i := x.(map[string]any)
		id := i["id"].(string)
		switch i["status"] {
		case "active":
			stores, _ := i["stores"].(string)
			for st := range strings.SplitSeq(stores, ",") {
				if st != "web" {
					want = append(want, filepath.Join(s.dir, st, id[:2], id))
				}
			}
			if w, _ := s.do("admin@p0", "GET /v2/images/"+id+"/file", ""); w.Code != 200 || data != "" && w.Body.String() != data {
				s.t.Errorf("%s: %s is active and has %d bytes (%d)", what, id, w.Body.Len(), w.Code)
			}
		case "uploading":
			want = append(want, filepath.Join(s.dir, "staging", id[:2], id))
		case "queued":
		default:
			s.t.Errorf("%s: %s is %s", what, id, i["status"])
		}
	}
	got := s.bytesLeft()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		s.t.Errorf("%s: there is\n%s\nand should be\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// Killed before or after any effect, everything that moves bytes is finished or undone
// after a start, and nothing is left over in stores.
func TestKilledAnywhere(t *testing.T) {
	data := strings.Repeat("0123456789", 70_000)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, data) }))
	defer web.Close()
	o := two()
	o.Stores = append(o.Stores, glance.StoreOptions{ID: "web", Type: "http"})
	fill := func(s *site, id string) {
		s.ask("admin@p0", "PUT /v2/images/"+id+"/file", data, "X-Image-Meta-Store", "a")
	}
	stage := func(s *site, id string) { s.ask("admin@p0", "PUT /v2/images/"+id+"/stage", data) }
	for name, c := range map[string]struct {
		before, do func(s *site, id string)
	}{
		"upload": {nil, fill},
		"stage":  {nil, stage},
		"direct": {stage, func(s *site, id string) {
			s.bring("admin@p0", id, `{"method":{"name":"glance-direct"},"all_stores":true}`)
		}},
		"some": {stage, func(s *site, id string) {
			s.bring("admin@p0", id, `{"method":{"name":"glance-direct"},"all_stores":true,"all_stores_must_succeed":false}`)
		}},
		"web": {nil, func(s *site, id string) {
			s.bring("admin@p0", id, `{"method":{"name":"web-download","uri":"`+web.URL+`"}}`)
		}},
		"copy":        {fill, func(s *site, id string) { s.bring("admin@p0", id, `{"method":{"name":"copy-image"},"stores":["b"]}`) }},
		"drop":        {fill, func(s *site, id string) { s.ask("admin@p0", "DELETE /v2/images/"+id, "") }},
		"drop staged": {stage, func(s *site, id string) { s.ask("admin@p0", "DELETE /v2/images/"+id, "") }},
		"location": {nil, func(s *site, id string) {
			s.ask("admin@p0", "POST /v2/images/"+id+"/locations", `{"url":"`+web.URL+`"}`)
		}},
		"legacy": {nil, func(s *site, _ string) {
			s.ask("admin@p0", "POST /v2/tasks", `{"type":"import","input":{"import_from":"`+web.URL+`","import_from_format":"raw","image_properties":{}}}`)
		}},
		"from a store": {func(s *site, id string) {
			fill(s, id)
			s.bring("admin@p0", id, `{"method":{"name":"copy-image"},"stores":["b"]}`)
			s.work()
		}, func(s *site, id string) { s.ask("admin@p0", "DELETE /v2/stores/a/"+id, "") }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := dbtest.SQLite(t)
			deaths := 0
			for n := 1; ; n++ {
				dir := t.TempDir()
				s := openStill(t, db, dir, o)
				id := s.image("admin@p0", plain)
				if c.before != nil {
					c.before(s, id)
				}
				dying, f := mortal(t, db, dir, o, n)
				c.do(dying, id)
				dying.work()
				died := f.over()
				s = openStill(t, db, dir, o)
				s.settled(db)
				s.whole(fmt.Sprintf("killed at %d", n), data)
				if _, err := db.Raw().Exec(`DELETE FROM images`); err != nil {
					t.Fatal(err)
				}
				if _, err := db.Raw().Exec(`DELETE FROM image_bytes`); err != nil {
					t.Fatal(err)
				}
				if !died {
					break
				}
				deaths++
			}
			if deaths < 3 {
				t.Error("it was killed only", deaths, "times")
			}
			t.Log(deaths, "points")
		})
	}
}

// work carries what is due, a few times, by hand.
func (s *site) work() {
	s.t.Helper()
	for range 3 {
		ids, err := s.g.DueTasks(s.t.Context(), "", time.Now(), 10)
		if err != nil {
			s.t.Fatal(err)
		}
		for _, id := range ids {
			s.g.Carry(s.t.Context(), id) // a dead one's error says that it is dead
		}
	}
}
