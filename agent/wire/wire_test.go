package wire

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"stackd/agent/join"
	joinstore "stackd/agent/join/store"
	"stackd/agent/wish"
	"stackd/internal/fault"
	"stackd/internal/sqldb/dbtest"
)

// world is a control plane that serves nodes, with what it is told.
type world struct {
	t    testing.TB
	gate *join.Gate
	at   string

	mu      sync.Mutex
	wishes  wish.Wishes
	changed chan struct{}
	reports []wish.Report

	slow          time.Duration // that a report takes
	working, most int           // reports that are worked on, and were at most
}

func (w *world) Wishes(ctx context.Context, host string, since int64) (wish.Wishes, error) {
	for {
		w.mu.Lock()
		ws, c := w.wishes, w.changed
		w.mu.Unlock()
		if ws.Host = host; ws.Serial != since {
			return ws, nil
		}
		select {
		case <-c:
		case <-ctx.Done():
			return ws, nil
		}
	}
}

func (w *world) Report(_ context.Context, r wish.Report) error {
	w.mu.Lock()
	w.working++
	w.most = max(w.most, w.working)
	w.mu.Unlock()
	time.Sleep(w.slow)
	w.mu.Lock()
	w.working--
	defer w.mu.Unlock()
	w.reports = append(w.reports, r)
	return nil
}

func (w *world) Image(_ context.Context, id string) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader("bytes of " + id)), nil
}

func (w *world) set(ws wish.Wishes) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wishes = ws
	close(w.changed)
	w.changed = make(chan struct{})
}

func listen(t testing.TB, h http.Handler, c *tls.Config) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: h, TLSConfig: c}
	go srv.ServeTLS(l, "", "")
	t.Cleanup(func() { srv.Close() })
	return l.Addr().String()
}

func newWorld(t testing.TB) *world {
	t.Helper()
	s, err := joinstore.Open(t.Context(), dbtest.SQLite(t))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, changed: make(chan struct{}), wishes: wish.Wishes{Serial: 1}}
	if w.gate, err = join.New(t.Context(), s, []byte("m")); err != nil {
		t.Fatal(err)
	}
	c, err := PlaneTLS(w.gate, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	w.at = listen(t, Serve(w, w.gate, Site{Southbound: "ssl:192.0.2.1:6642"}), c)
	return w
}

func (w *world) join(host string) Identity {
	w.t.Helper()
	p, err := w.gate.NewToken(w.t.Context(), host, time.Hour)
	if err != nil {
		w.t.Fatal(err)
	}
	id := Identity{w.t.TempDir(), host}
	if err := id.Join(w.t.Context(), []string{"127.0.0.1:1", w.at}, p.String()); err != nil {
		w.t.Fatal(err)
	}
	return id
}

func (w *world) plane(id Identity) *Plane {
	w.t.Helper()
	p, err := NewPlane(id, []string{"127.0.0.1:1", w.at}) // the first is dead
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// Many reports at once wait for one another, and not everybody for them.
func TestManyReports(t *testing.T) {
	w := newWorld(t)
	w.slow = 5 * time.Millisecond
	p := w.plane(w.join("c1"))
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			if err := p.Report(t.Context(), wish.Report{Host: "c1"}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if len(w.reports) != 100 || w.most != mostReports {
		t.Error(len(w.reports), "reports,", w.most, "at a time")
	}
}

func TestNodeAndPlane(t *testing.T) {
	w := newWorld(t)
	id := w.join("c1")
	if !id.There() || (Identity{id.Dir, "c2"}).There() {
		t.Fatal("what has joined is not known")
	}
	p, ctx := w.plane(id), t.Context()
	w.set(wish.Wishes{Serial: 2, Servers: []wish.Server{{ID: "s", Image: &wish.Image{ID: "mine", KernelID: "kernel"}}}})
	ws, err := p.Wishes(ctx, "c1", 1)
	if err != nil || ws.Serial != 2 || ws.Host != "c1" {
		t.Fatal(ws, err)
	}
	go func() {
		time.Sleep(100 * time.Millisecond)
		ws := ws
		ws.Serial = 3
		w.set(ws)
	}()
	if ws, err = p.Wishes(ctx, "c1", 2); err != nil || ws.Serial != 3 {
		t.Fatal("a change is not heard:", ws, err)
	}
	if err := p.Report(ctx, wish.Report{Host: "c1", Servers: []wish.Seen{{ID: "s"}}}); err != nil || len(w.reports) != 1 {
		t.Fatal(err, w.reports)
	}
	if s, err := p.Site(ctx); err != nil || s.Southbound == "" {
		t.Fatal(s, err)
	}
	if err := p.Report(ctx, wish.Report{Host: "c2"}); err == nil {
		t.Fatal("a node reports for another")
	}
	for _, image := range []string{"mine", "kernel"} {
		body, err := p.Image(ctx, image)
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(body); string(b) != "bytes of "+image || err != nil {
			t.Fatal(string(b), err)
		}
	}
	if _, err := p.Image(ctx, "another's"); fault.Of(err) == nil || fault.Of(err).Kind != fault.NotFound {
		t.Fatal("a node reads an image that concerns it not:", err)
	}

	before, _ := os.ReadFile(id.Certificate())
	if err := p.renewIfDue(ctx, time.Now()); err != nil {
		t.Fatal(err)
	}
	if now, _ := os.ReadFile(id.Certificate()); !bytes.Equal(now, before) {
		t.Fatal("renewed too early")
	}
	if err := p.renewIfDue(ctx, time.Now().Add(25*24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if now, _ := os.ReadFile(id.Certificate()); bytes.Equal(now, before) {
		t.Fatal("not renewed")
	}
	if err := p.Report(ctx, wish.Report{Host: "c1"}); err != nil {
		t.Fatal("after renewal:", err)
	}
	w.gate.Forget(ctx, "c1")
	if err := p.Report(ctx, wish.Report{Host: "c1"}); !Refused(err) {
		t.Fatal("a node that was taken off is heard:", err)
	}
}

func TestStrangersAreKeptOut(t *testing.T) {
	w, other := newWorld(t), newWorld(t)
	pass, err := w.gate.NewToken(t.Context(), "", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	id := Identity{t.TempDir(), "c1"}
	if err := id.Join(t.Context(), []string{other.at}, pass.String()); err == nil || !strings.Contains(err.Error(), "not the cloud") {
		t.Fatal("a host tells its token to a stranger:", err)
	}
	bare := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}}
	for _, path := range []string{"/v1/wishes?since=0", "/v1/images/x"} {
		r, err := bare.Get("https://" + w.at + path)
		if err != nil {
			t.Fatal(err)
		}
		if r.Body.Close(); r.StatusCode != 401 {
			t.Errorf("%s without a certificate: %s", path, r.Status)
		}
	}
	r, err := bare.Post("https://"+w.at+"/v1/join", "application/json", strings.NewReader(`{"token":"x","host":"c1"}`))
	if err != nil {
		t.Fatal(err)
	}
	if r.Body.Close(); r.StatusCode != 401 {
		t.Errorf("a bad token: %s", r.Status)
	}
	// A node of another cloud is a stranger too, and may not pass for a control plane.
	foreign := other.join("c1")
	mixed := Identity{t.TempDir(), "c1"}
	for _, f := range []string{"key.pem", "certificate.pem"} {
		b, _ := os.ReadFile(filepath.Join(foreign.Dir, f))
		os.WriteFile(filepath.Join(mixed.Dir, f), b, 0o600)
	}
	os.WriteFile(mixed.Authority(), w.gate.PEM(), 0o600)
	if err := w.plane(mixed).Report(t.Context(), wish.Report{Host: "c1"}); err == nil {
		t.Error("a node of another cloud is heard")
	}
	mine := w.join("c1")
	c, err := mine.LiveTLS()
	if err != nil {
		t.Fatal(err)
	}
	at := listen(t, ServeNode(guests{}, nil), c)
	own, err := mine.client()
	if err != nil {
		t.Fatal(err)
	}
	own.ServerName = join.NodeName("c1")
	node := &http.Client{Transport: &http.Transport{TLSClientConfig: own, ForceAttemptHTTP2: true}}
	if r, err := node.Get("https://" + at + "/v1/servers/s/console?lines=1"); err != nil || r.StatusCode != http.StatusUnauthorized {
		t.Error("a node reads another's consoles:", r, err)
	}
}

// keeper is a node that keeps a disk for c2.
type keeper struct{ Moving }

func (keeper) SendDisk(_ context.Context, to, server, role string) (io.ReadCloser, error) {
	if to != "c2" {
		return nil, fault.New(fault.NotFound, "nothing for %s", to)
	}
	return io.NopCloser(strings.NewReader(role + " of " + server)), nil
}

func (keeper) Land(_ context.Context, from, server string, d wish.Departure) (wish.Ground, error) {
	return wish.Ground{Cookie: []byte(from + " " + server + " " + d.Document)}, nil
}

func (keeper) Arrive(_ context.Context, from, _ string, a wish.Arrival) (wish.Ground, error) {
	return wish.Ground{}, fault.New(fault.NotFound, "%s is not awaited, %s", from, a.Cookie)
}

// LandingAt echoes what it is told.
func (keeper) LandingAt(_ context.Context, from, _, stream string) (io.ReadWriteCloser, error) {
	here, there := net.Pipe()
	go func() {
		defer there.Close()
		io.WriteString(there, from+" "+stream+" ")
		io.CopyN(there, there, 5)
	}()
	return here, nil
}

// A guest goes from node to node by calls and streams of that one's certificate.
func TestGuestsGoFromNodeToNode(t *testing.T) {
	w := newWorld(t)
	c, err := w.join("c1").LiveTLS()
	if err != nil {
		t.Fatal(err)
	}
	to := wish.Leave{Host: "c1", At: listen(t, ServeNode(guests{}, keeper{}), c)}
	p := NewPeers(w.join("c2"))
	if g, err := p.Land(t.Context(), to, "s", wish.Departure{Document: "<domain>"}); err != nil || string(g.Cookie) != "c2 s <domain>" {
		t.Error(string(g.Cookie), err)
	}
	if _, err := p.Arrive(t.Context(), to, "s", wish.Arrival{Cookie: []byte("c")}); !fault.Is(err, fault.NotFound) || !strings.Contains(err.Error(), "c2 is not awaited, c") {
		t.Error(err)
	}
	s, err := p.Dial(t.Context(), to, "s", "memory")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := io.WriteString(s, "there"); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len("c2 memory there"))
	if _, err := io.ReadFull(s, got); err != nil || string(got) != "c2 memory there" {
		t.Error(string(got), err)
	}
}

// A node reads from another what is kept for it, known by its certificate; a control plane
// and a stranger do not.
func TestPeers(t *testing.T) {
	w := newWorld(t)
	c, err := w.join("c1").LiveTLS()
	if err != nil {
		t.Fatal(err)
	}
	from := wish.Where{Host: "c1", At: listen(t, ServeNode(guests{}, keeper{}), c)}
	body, err := NewPeers(w.join("c2")).Disk(t.Context(), from, "s", "root")
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(body)
	if body.Close(); err != nil || string(got) != "root of s" {
		t.Error(string(got), err)
	}
	own := Identity{Dir: t.TempDir(), Host: "c2"} // a control plane's own machine is a node to nodes alone
	cert, key, err := w.gate.Node("c2", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{own.Certificate(): cert, own.Key(): key, own.Authority(): w.gate.PEM()} {
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if body, err := NewPeers(own).Disk(t.Context(), from, "s", "root"); err != nil {
		t.Error(err)
	} else {
		body.Close()
	}
	if err := w.plane(Identity{Dir: own.Dir, Host: "c9"}).Report(t.Context(), wish.Report{Host: "c9"}); err == nil {
		t.Error("a control plane hears who has not joined")
	}
	third := NewPeers(w.join("c3"))
	if _, err := third.Disk(t.Context(), from, "s", "root"); !fault.Is(err, fault.NotFound) {
		t.Error("c3 reads what is kept for c2:", err)
	}
	from.Host = "c4"
	if _, err := third.Disk(t.Context(), from, "s", "root"); err == nil {
		t.Error("c1 passes for c4")
	}
	from.Host = "c1"
	if _, err := NewPeers(newWorld(t).join("c2")).Disk(t.Context(), from, "s", "root"); err == nil {
		t.Error("another cloud's c2 is heard")
	}
}

// guests are a node's live side.
type guests struct{ copied *[]wish.Disk }

func (guests) ConsoleLog(_ context.Context, id string, lines int) (string, error) {
	if id != "s" {
		return "", errors.New("no such guest on this host")
	}
	return fmt.Sprintf("%d lines of %s", lines, id), nil
}

func (guests) VNC(context.Context, string) (io.ReadWriteCloser, error) {
	a, b := net.Pipe()
	go io.Copy(b, b) // an echo
	return a, nil
}

func (guests) Diagnostics(context.Context, string) (wish.Diagnostics, error) {
	return wish.Diagnostics{UptimeSec: 7}, nil
}

func (guests) Interrupt(_ context.Context, id string) error {
	if id != "s" {
		return errors.New("no such guest on this host")
	}
	return nil
}

func (g guests) CopyDisk(_ context.Context, _ string, volume, where wish.Disk) error {
	*g.copied = append(*g.copied, volume, where)
	return nil
}

func (guests) Capture(context.Context, string) (io.ReadCloser, error) {
	return io.NopCloser(io.MultiReader(bytes.NewReader(make([]byte, 1<<20)), breaks{})), nil
}

type breaks struct{}

func (breaks) Read([]byte) (int, error) { return 0, errors.New("the disk is gone") }

func TestLive(t *testing.T) {
	w := newWorld(t)
	id, ctx := w.join("c1"), t.Context()
	c, err := id.LiveTLS()
	if err != nil {
		t.Fatal(err)
	}
	var copied []wish.Disk
	at := listen(t, ServeNode(guests{&copied}, nil), c)
	lives, err := NewLives(w.gate, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	l := lives.At("c1", at)
	if text, err := l.ConsoleLog(ctx, "s", 3); err != nil || text != "3 lines of s" {
		t.Fatal(text, err)
	}
	if _, err := l.ConsoleLog(ctx, "none", 3); err == nil || !strings.Contains(err.Error(), "no such guest") {
		t.Fatal(err)
	}
	if d, err := l.Diagnostics(ctx, "s"); err != nil || d.UptimeSec != 7 {
		t.Fatal(d, err)
	}
	if err, bad := l.Interrupt(ctx, "s"), l.Interrupt(ctx, "none"); err != nil || bad == nil {
		t.Fatal(err, bad)
	}
	if err := l.CopyDisk(ctx, "s", wish.Disk{VolumeID: "v"}, wish.Disk{Kind: "nbd"}); err != nil || len(copied) != 2 || copied[1].Kind != "nbd" {
		t.Fatal(copied, err)
	}
	body, err := l.Capture(ctx, "s")
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, body); err == nil {
		t.Fatalf("a copy that broke off after %d bytes looks whole", n)
	}
	dial, cancel := context.WithCancel(ctx)
	s, err := l.VNC(dial, "s")
	if err != nil {
		t.Fatal(err)
	}
	cancel() // the display outlives the request that opened it
	for range 3 {
		if _, err := s.Write([]byte("hello")); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 5)
		if _, err := io.ReadFull(s, b); err != nil || string(b) != "hello" {
			t.Fatal(string(b), err)
		}
	}
	s.Close()
	if _, err := lives.At("c2", at).ConsoleLog(ctx, "s", 1); err == nil {
		t.Fatal("a host passes for another")
	}
}
