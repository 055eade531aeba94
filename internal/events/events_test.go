package events_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"stackd/internal/events"
	"stackd/internal/fault"
	"stackd/internal/sqldb"
	"stackd/internal/sqldb/dbtest"
	"stackd/internal/token"
)

var tables = fstest.MapFS{"migrations/0001_t.sql": {Data: []byte(`-- +goose Up
CREATE TABLE boxes (id TEXT PRIMARY KEY, project_id TEXT NOT NULL, name TEXT, public BOOLEAN NOT NULL, due_at TIMESTAMPTZ, deleted_at TIMESTAMPTZ);
CREATE TABLE box_members (box_id TEXT NOT NULL, project_id TEXT NOT NULL, PRIMARY KEY (box_id, project_id));
CREATE TABLE box_parts (id TEXT PRIMARY KEY, box_id TEXT NOT NULL);
`)}}

var watched = []events.Watch{
	{Table: "boxes", Type: "box", Project: "{row}.project_id", Public: "{row}.public", Gone: "{row}.deleted_at IS NOT NULL", Shares: "SELECT project_id AS q FROM box_members WHERE box_id = {row}.id"},
	{Table: "box_parts", Type: "box", Part: true, ID: "{row}.box_id", Project: "(SELECT project_id FROM boxes WHERE id = {row}.box_id)"},
}

// A bench is a log of boxes, its HTTP side, and people who follow.
type bench struct {
	t   *testing.T
	db  *sqldb.DB
	hub *events.Hub
	*httptest.Server
	mu    sync.Mutex
	ended map[string]bool
}

func (b *bench) Check(_ context.Context, name string) (*token.Who, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	user, project, _ := strings.Cut(name, "@")
	if user == "" || b.ended[name] {
		return nil, fault.New(fault.Unauthorized, "no")
	}
	w := &token.Who{User: token.Ref{ID: user}, Project: token.Ref{ID: project}}
	if user == "admin" {
		w.Roles = []token.Ref{{Name: "admin"}}
	}
	return w, nil
}

func each(t *testing.T, f func(b *bench)) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		if err := db.Migrate(t.Context(), "boxes", tables); err != nil {
			t.Fatal(err)
		}
		for range 2 { // a second start finds it as it is
			if err := events.Install(t.Context(), db, watched...); err != nil {
				t.Fatal(err)
			}
		}
		b := &bench{t: t, db: db, hub: events.NewHub(db), ended: map[string]bool{}}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() { b.hub.Run(ctx); close(done) }()
		b.Server = httptest.NewServer(b.hub.Handler(b, "http://cloud:5000"))
		t.Cleanup(func() { b.hub.Close(); b.Server.Close(); cancel(); <-done })
		f(b)
	})
}

func (b *bench) do(statements ...string) {
	b.t.Helper()
	err := b.db.Tx(b.t.Context(), func(ctx context.Context) error {
		for _, s := range statements {
			if _, err := b.db.Q(ctx).ExecContext(ctx, s); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

type heard struct{ ID, Kind, Text string }

// A follower reads a stream.
type follower struct {
	t    *testing.T
	next chan heard
	end  func()
}

func (b *bench) follow(who, last, query string) *follower {
	b.t.Helper()
	ctx, cancel := context.WithCancel(b.t.Context())
	r, _ := http.NewRequestWithContext(ctx, "GET", b.URL+"/"+query, nil)
	r.Header.Set("X-Auth-Token", who)
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	if a.StatusCode != 200 {
		b.t.Fatal(a.Status)
	}
	f := &follower{t: b.t, next: make(chan heard, 10_000), end: cancel}
	go func() {
		defer a.Body.Close()
		defer close(f.next)
		h := heard{}
		for s := bufio.NewScanner(a.Body); s.Scan(); {
			k, v, _ := strings.Cut(s.Text(), ": ")
			switch k {
			case "id":
				h.ID = v
			case "event":
				h.Kind = v
			case "data":
				var d struct{ Type, Action, Resource_ID string }
				json.Unmarshal([]byte(v), &d)
				h.Text = strings.TrimSpace(d.Type + " " + d.Action + " " + d.Resource_ID)
			case "":
				if h.Kind != "" {
					f.next <- h
				}
				h = heard{ID: h.ID}
			}
		}
	}()
	return f
}

func (f *follower) want(kinds ...string) (last string) {
	f.t.Helper()
	for _, k := range kinds {
		select {
		case h, ok := <-f.next:
			if got := strings.TrimSpace(h.Kind + " " + h.Text); !ok || got != k {
				f.t.Fatalf("got %q, want %q", got, k)
			}
			last = h.ID
		case <-time.After(5 * time.Second):
			f.t.Fatalf("%q does not come", k)
		}
	}
	return last
}

func (f *follower) silent() {
	f.t.Helper()
	select {
	case h := <-f.next:
		f.t.Fatalf("%q comes", h.Kind+" "+h.Text)
	case <-time.After(600 * time.Millisecond):
	}
}

func TestWhoIsToldWhat(t *testing.T) {
	each(t, func(b *bench) {
		red, blue, admin := b.follow("ann@red", "", ""), b.follow("bob@blue", "", ""), b.follow("admin@x", "", "")
		for _, f := range []*follower{red, blue, admin} {
			f.want("hello")
		}
		b.do("INSERT INTO boxes (id, project_id, public) VALUES ('1', 'red', FALSE)")
		b.do("UPDATE boxes SET due_at = CURRENT_TIMESTAMP") // books are no news
		b.do("UPDATE boxes SET name = 'n'", "INSERT INTO box_parts VALUES ('p', '1')")
		red.want("change box created 1", "change box updated 1", "change box updated 1")
		blue.silent()
		b.do("INSERT INTO box_members VALUES ('1', 'blue'), ('1', 'red')")
		b.do("UPDATE boxes SET name = 'm'")
		blue.want("change box updated 1")
		b.do("UPDATE boxes SET public = TRUE")
		b.do("DELETE FROM box_members")
		b.do("UPDATE boxes SET deleted_at = CURRENT_TIMESTAMP, name = 'gone'")
		red.want("change box updated 1", "change box updated 1", "change box deleted 1")
		blue.want("change box updated 1", "change box deleted 1")
		b.do("UPDATE boxes SET name = 'still gone'", "DELETE FROM box_parts", "DELETE FROM boxes")
		admin.want("change box created 1", "change box updated 1", "change box updated 1", "change box updated 1", "change box updated 1", "change box deleted 1", "change box updated 1")
		for _, f := range []*follower{blue, admin} {
			f.silent()
		}
	})
}

func TestAFollowerGoesOnWhereItWas(t *testing.T) {
	each(t, func(b *bench) {
		f := b.follow("ann@red", "", "")
		f.want("hello")
		b.do("INSERT INTO boxes (id, project_id, public) VALUES ('1', 'red', FALSE), ('2', 'red', FALSE)")
		last := f.want("change box created 1")
		f.end()
		b.do("DELETE FROM boxes WHERE id = '1'")
		f = b.follow("ann@red", last, "")
		f.want("hello", "change box created 2", "change box deleted 1")
		b.follow("ann@red", last, "?types=server").silentAfterHello()
		b.follow("ann@red", "", "?since="+last).want("hello", "change box created 2")
		b.follow("ann@red", "0-999999999999", "").wantReset(b)
		b.follow("ann@red", "999999999999-1", "").want("reset")
		// What was forgotten is said to be.
		b.db.Now = func() time.Time { return time.Now().UTC().Add(2 * events.Kept) }
		if err := events.Forget(t.Context(), b.db); err != nil {
			t.Fatal(err)
		}
		b.follow("ann@red", last, "").want("reset")
		r, _ := http.NewRequest("GET", b.URL, nil)
		r.Header.Set("X-Auth-Token", "ann@red")
		r.Header.Set("Last-Event-ID", "junk")
		if a, err := http.DefaultClient.Do(r); err != nil || a.StatusCode != 400 {
			t.Error(a, err)
		}
	})
}

func (f *follower) silentAfterHello() {
	f.t.Helper()
	f.want("hello")
	f.silent()
	f.end()
}

// On PostgreSQL the id is before all there is; on SQLite it is behind.
func (f *follower) wantReset(b *bench) {
	f.t.Helper()
	if !b.db.Postgres() {
		f.want("reset")
	}
	f.end()
}

// A roll-back tells nothing.
func TestWhatIsUndoneIsNotTold(t *testing.T) {
	each(t, func(b *bench) {
		f := b.follow("ann@red", "", "")
		f.want("hello")
		b.db.Tx(t.Context(), func(ctx context.Context) error {
			b.db.Q(ctx).ExecContext(ctx, "INSERT INTO boxes (id, project_id, public) VALUES ('1', 'red', FALSE)")
			return fmt.Errorf("no")
		})
		f.silent()
	})
}

// Several write at once and take their time; every follower is told all of it, each
// thing's changes in order, also one that comes and goes.
func TestNothingIsMissedAndOrderHolds(t *testing.T) {
	each(t, func(b *bench) {
		const writers, each = 8, 25
		steady := b.follow("ann@red", "", "")
		steady.want("hello")
		var wg sync.WaitGroup
		for n := range writers {
			wg.Go(func() {
				for m := range each {
					err := b.db.Tx(t.Context(), func(ctx context.Context) error {
						id := fmt.Sprintf("%d-%d", n, m)
						for _, s := range []string{"INSERT INTO boxes (id, project_id, public) VALUES ('" + id + "', 'red', FALSE)", "UPDATE boxes SET name = 'x' WHERE id = '" + id + "'"} {
							if _, err := b.db.Q(ctx).ExecContext(ctx, s); err != nil {
								return err
							}
							time.Sleep(time.Duration(rand.IntN(2000)) * time.Microsecond)
						}
						return nil
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		restless, last := map[string]int{}, steadyStart(b)
		for len(restless) < writers*each*2 {
			f := b.follow("bob@red", last, "")
			f.want("hello")
			for range 1 + rand.IntN(20) {
				select {
				case h := <-f.next:
					restless[h.Text]++
					last = h.ID
				case <-time.After(5 * time.Second):
					t.Fatalf("only %d of %d came", len(restless), writers*each*2)
				}
				if len(restless) == writers*each*2 {
					break
				}
			}
			f.end()
		}
		wg.Wait()
		state := map[string]string{}
		for range writers * each * 2 {
			h := <-steady.next
			id := h.Text[strings.LastIndex(h.Text, " ")+1:]
			if strings.Contains(h.Text, "created") != (state[id] == "") {
				t.Fatal("out of order:", h.Text, "after", state[id])
			}
			state[id] = h.Text
		}
		for k, n := range restless {
			if n != 1 {
				t.Error(k, "was told", n, "times")
			}
		}
	})
}

// steadyStart is the beginning of the log.
func steadyStart(b *bench) string {
	if b.db.Postgres() {
		var floor int64
		b.db.Q(b.t.Context()).NewRaw("SELECT coalesce(min(xact), 0) FROM events").Scan(b.t.Context(), &floor)
		return fmt.Sprintf("%d-0", max(floor-1, 0))
	}
	return "0-0"
}

// A quiet stream lives longer than a client may be slow, and ends with its token.
func TestAQuietStreamLivesAndEndsWithItsToken(t *testing.T) {
	defer events.Hurry(100*time.Millisecond, 300*time.Millisecond)()
	each(t, func(b *bench) {
		f := b.follow("ann@red", "", "")
		f.want("hello")
		time.Sleep(time.Second)
		b.do("INSERT INTO boxes (id, project_id, public) VALUES ('1', 'red', FALSE)")
		f.want("change box created 1")
		b.mu.Lock()
		b.ended["ann@red"] = true
		b.mu.Unlock()
		f.want("end")
		if h, open := <-f.next; open {
			t.Error(h)
		}
	})
}

func TestStreamsAreBounded(t *testing.T) {
	each(t, func(b *bench) {
		for range 32 {
			b.follow("ann@red", "", "").want("hello")
		}
		r, _ := http.NewRequest("GET", b.URL, nil)
		r.Header.Set("X-Auth-Token", "ann@red")
		if a, err := http.DefaultClient.Do(r); err != nil || a.StatusCode != 429 || a.Header.Get("Retry-After") == "" {
			t.Error(a, err)
		}
		b.follow("bob@red", "", "").want("hello")
		for who, status := range map[string]int{"": 401} {
			r.Header.Set("X-Auth-Token", who)
			if a, err := http.DefaultClient.Do(r); err != nil || a.StatusCode != status || a.Header.Get("Www-Authenticate") == "" {
				t.Error(who, a, err)
			}
		}
	})
}

// BenchmarkWrites is what recording costs: the same update with and without a watch.
func BenchmarkWrites(b *testing.B) {
	for _, kind := range []string{"unwatched", "watched"} {
		b.Run(kind, func(b *testing.B) {
			db := dbtest.New(b)
			ctx := b.Context()
			if err := db.Migrate(ctx, "boxes", tables); err != nil {
				b.Fatal(err)
			}
			if kind == "watched" {
				if err := events.Install(ctx, db, watched...); err != nil {
					b.Fatal(err)
				}
			}
			exec := func(s string, args ...any) {
				if err := db.Tx(ctx, func(ctx context.Context) error { _, err := db.Q(ctx).ExecContext(ctx, s, args...); return err }); err != nil {
					b.Fatal(err)
				}
			}
			exec("INSERT INTO boxes (id, project_id, public) VALUES ('1', 'red', FALSE)")
			for n := 0; b.Loop(); n++ {
				exec("UPDATE boxes SET name = ?", fmt.Sprint(n))
			}
		})
	}
}
