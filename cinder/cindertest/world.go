package cindertest

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"stackd/cinder"
	"stackd/cinder/store"
	"stackd/cinder/work"
	"stackd/internal/fault"
	"stackd/internal/sqldb"
	"stackd/internal/token"

	"github.com/google/uuid"
)

// ImageID is the one image there is at first; ImageText what it holds.
const (
	ImageID   = "11111111-1111-1111-1111-111111111111"
	ImageText = "an image"
)

// One and Two are the names of the backends.
const (
	One = "stackd@one#pool"
	Two = "stackd@two#pool"
)

// A World is block storage and all that is below it.
type World struct {
	S        *cinder.Storage
	DB       *sqldb.DB
	One, Two *Backend
	Vault    *Vault
	Images   *Images

	mu    sync.Mutex
	left  int // places to pass before the process ends; < 0 is never
	Seen  int // places passed since Kill
	armed bool
}

// New makes a world.
func New(t testing.TB, db *sqldb.DB) *World {
	t.Helper()
	rows, err := store.Open(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	w := &World{DB: db, left: -1}
	w.One, w.Two = w.backend(), w.backend()
	w.Images = &Images{w: w, of: map[string]*image{ImageID: {cinder.ImageFacts{ID: ImageID, Name: "i", Status: "active", Format: "raw", Container: "bare", Size: 8}, []byte(ImageText)}}}
	w.Vault = &Vault{w: w, of: map[string]*kept{}}
	w.S = cinder.New(breaking{rows, w}, w.Images, map[string]cinder.Backend{One: w.One, Two: w.Two})
	w.S.Kept(w.Vault)
	w.Two.Full = true // so that what is made is on the first
	if err := w.S.EnsureDefaultType(t.Context()); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *World) backend() *Backend {
	return &Backend{w: w, volumes: map[string]*disk{}, snapshots: map[string]*disk{}, holders: map[string]bool{}}
}

// Who is a person with roles in a project.
func Who(project string, roles ...string) *token.Who {
	who := &token.Who{User: token.Ref{ID: "u-" + project}, Project: token.Ref{ID: project}}
	for _, r := range roles {
		who.Roles = append(who.Roles, token.Ref{ID: r, Name: r})
	}
	return who
}

// killed ends the process that does the work.
type killed struct{}

// Kill has the process end at the n-th place from now on, counted from 0.
func (w *World) Kill(n int) { w.mu.Lock(); w.left, w.Seen, w.armed = n, 0, true; w.mu.Unlock() }

// Live has it end nowhere.
func (w *World) Live() { w.mu.Lock(); w.left, w.armed = -1, false; w.mu.Unlock() }

// place is one where the process may end.
func (w *World) place() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.armed {
		return
	}
	if w.left == 0 {
		w.armed = false
		panic(killed{})
	}
	w.left--
	w.Seen++
}

// act is one effect, with the places around it.
func (w *World) act(mu sync.Locker, f func() error) error {
	w.place()
	mu.Lock()
	err := f()
	mu.Unlock()
	w.place()
	return err
}

// breaking is a store whose process may end around each transaction.
type breaking struct {
	cinder.Store
	w *World
}

type inside struct{}

func (b breaking) Tx(ctx context.Context, f func(context.Context) error) error {
	if ctx.Value(inside{}) != nil {
		return b.Store.Tx(ctx, f)
	}
	b.w.place()
	err := b.Store.Tx(context.WithValue(ctx, inside{}, true), f)
	b.w.place()
	return err
}

// Pass does one pass over everything that is due; it tells whether anything was, and
// whether the process has ended in it.
func (w *World) Pass(t testing.TB) (busy, died bool) {
	t.Helper()
	defer func() {
		if p := recover(); p != nil {
			if _, ok := p.(killed); !ok {
				panic(p)
			}
			busy, died = true, true
		}
	}()
	volumes, backups := work.New(w.S), work.NewBackups(w.S)
	ids, err := w.S.Due(t.Context(), 100)
	for _, id := range ids {
		busy, err = true, cmp.Or(err, volumes.Reconcile(t.Context(), id))
	}
	more, e := w.S.DueBackups(t.Context(), 100)
	for _, id := range more {
		busy, e = true, cmp.Or(e, backups.Reconcile(t.Context(), id))
	}
	if err = cmp.Or(err, e); err != nil {
		t.Fatal(err)
	}
	return busy, false
}

// Hasten makes everything that has work due at once: leases and waits are over.
func (w *World) Hasten(t testing.TB) {
	t.Helper()
	for _, table := range []string{"volumes", "snapshots", "volume_backups"} {
		err := w.DB.Tx(t.Context(), func(ctx context.Context) error {
			_, err := w.DB.Q(ctx).NewRaw("UPDATE "+table+" SET due_at = ? WHERE due_at IS NOT NULL", w.S.Now()).Exec(ctx)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// Settle passes until nothing is due; it tells whether the process has ended meanwhile.
func (w *World) Settle(t testing.TB) (died bool) {
	t.Helper()
	for range 50 {
		w.Hasten(t)
		busy, ended := w.Pass(t)
		if died = died || ended; !busy {
			return died
		}
	}
	t.Fatal("it does not come to rest")
	return died
}

// Images is the image service in memory.
type Images struct {
	w  *World
	mu sync.Mutex
	of map[string]*image
}

type image struct {
	cinder.ImageFacts
	body []byte
}

func noImage(id string) error { return fault.New(fault.NotFound, "Image %s could not be found.", id) }

func (x *Images) Image(_ context.Context, id string) (cinder.ImageFacts, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if i := x.of[id]; i != nil {
		return i.ImageFacts, nil
	}
	return cinder.ImageFacts{}, noImage(id)
}

func (x *Images) Open(_ context.Context, id string) (io.ReadCloser, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if i := x.of[id]; i != nil {
		return io.NopCloser(bytes.NewReader(i.body)), nil
	}
	return nil, noImage(id)
}

func (x *Images) Create(_ context.Context, s *cinder.ImageSpec) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	s.ID = uuid.NewString()
	x.of[s.ID] = &image{ImageFacts: cinder.ImageFacts{ID: s.ID, Name: s.Name, Status: "queued", Format: s.Format, Container: s.Container}}
	return nil
}

func (x *Images) Fill(_ context.Context, id string, body io.Reader, size int64) error {
	return x.w.act(&x.mu, func() error {
		i := x.of[id]
		if i == nil {
			return noImage(id)
		}
		if i.Status == "active" {
			return nil
		}
		head := make([]byte, 64) // the rest are zeros
		n, err := io.ReadFull(body, head)
		i.body, i.Status, i.Size = bytes.TrimRight(head[:n], "\x00"), "active", size
		return err
	})
}

// Place is nowhere: no backend can clone an image of these.
func (x *Images) Place(context.Context, string) (string, error) { return "", nil }

func (x *Images) Discard(_ context.Context, id string) error {
	return x.w.act(&x.mu, func() error { delete(x.of, id); return nil })
}

// Text is what an image holds; ok tells whether it is there, whole.
func (x *Images) Text(id string) (text string, ok bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	i := x.of[id]
	if i == nil || i.Status != "active" {
		return "", false
	}
	return string(i.body), true
}

// Vault is a cinder.Vault in memory: of what has a parent, only what differs is kept.
type Vault struct {
	w  *World
	mu sync.Mutex
	of map[string]*kept
}

type kept struct {
	parent string
	size   int64
	differ map[int]byte
	length int
}

// NewVault is a vault of its own, whose process never ends.
func NewVault() *Vault { return &Vault{w: &World{left: -1}, of: map[string]*kept{}} }

func (v *Vault) text(id string) []byte {
	k := v.of[id]
	if k == nil {
		return nil
	}
	out := slices.Grow(v.text(k.parent), k.length)[:k.length:k.length]
	for at, c := range k.differ {
		out[at] = c
	}
	return out
}

func (v *Vault) Keep(_ context.Context, id, parent string, from cinder.Content) (int64, error) {
	err := v.w.act(&v.mu, func() error {
		if v.of[id] != nil {
			return nil
		}
		if parent != "" && v.of[parent] == nil {
			return missing(parent)
		}
		d, err := contentOf(from, from.Size())
		if err != nil {
			return err
		}
		k := &kept{parent, d.size, map[int]byte{}, len(d.data)}
		old := v.text(parent)
		for at, c := range d.data {
			if at >= len(old) || old[at] != c {
				k.differ[at] = c
			}
		}
		v.of[id] = k
		return nil
	})
	return 1, err
}

func (v *Vault) Has(_ context.Context, id string) (bool, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.of[id] != nil, nil
}

func (v *Vault) Open(_ context.Context, id string) (cinder.Content, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.of[id] == nil {
		return nil, missing(id)
	}
	return &disk{slices.Clone(v.text(id)), v.of[id].size}, nil
}

func (v *Vault) Delete(_ context.Context, id string) error {
	return v.w.act(&v.mu, func() error {
		for child, k := range v.of {
			if k.parent == id {
				return fmt.Errorf("%s needs %s", child, id)
			}
		}
		delete(v.of, id)
		return nil
	})
}

// Text is what a backup holds, put together.
func (v *Vault) Text(id string) string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return strings.TrimRight(string(v.text(id)), "\x00")
}

// Left is how many backups there are.
func (v *Vault) Left() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.of)
}
