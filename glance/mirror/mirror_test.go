package mirror

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"stackd/glance/backendtest"
	"stackd/glance/file"
)

// three are the stores of three control planes.
func three(t *testing.T) (stores []*Store, local []*file.Files, servers []*httptest.Server) {
	t.Helper()
	for range 3 {
		f, err := file.New(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		srv := httptest.NewServer(Serve(f))
		t.Cleanup(srv.Close)
		local, servers = append(local, f), append(servers, srv)
	}
	for i := range 3 {
		stores = append(stores, New(local[i], &http.Client{Timeout: 5 * time.Second}, servers[(i+1)%3].URL+"/", servers[(i+2)%3].URL+"/"))
	}
	return stores, local, servers
}

func TestContract(t *testing.T) {
	s, _, _ := three(t)
	backendtest.Contract(t, s[0], 0, 1, 3_000_000)
}

func put(t *testing.T, s *Store, name string, data []byte) error {
	t.Helper()
	w, err := s.Create(t.Context(), name, int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	return w.Commit()
}

func get(t *testing.T, s *Store, name string) []byte {
	t.Helper()
	r, _, err := s.Open(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// One of three may be away: it fetches what it missed. With two away nothing is taken, and
// what is deleted is deleted everywhere or not yet.
func TestOneAway(t *testing.T) {
	s, local, servers := three(t)
	data := bytes.Repeat([]byte("abc"), 100_000)
	address := servers[2].Listener.Addr().String()
	servers[2].Close()
	if err := put(t, s[0], "one", data); err != nil {
		t.Fatal("with one away: ", err)
	}
	if err := s[0].Delete(t.Context(), "never-there"); err == nil {
		t.Error("deleted, though one has not been asked")
	}
	back := httptest.NewUnstartedServer(Serve(local[2]))
	back.Listener.Close()
	back.Listener = listen(t, address)
	back.Start()
	defer back.Close()
	if got := get(t, s[2], "one"); !bytes.Equal(got, data) {
		t.Error("another's bytes are others:", len(got))
	}
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if r, _, err := local[2].Open(t.Context(), "one"); err == nil {
			r.Close()
			break
		}
		if time.Now().After(end) {
			t.Fatal("what was missed is not fetched")
		}
	}
	if err := s[1].Delete(t.Context(), "one"); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if _, _, err := s[i].Open(t.Context(), "one"); !errors.Is(err, fs.ErrNotExist) {
			t.Error(i, err)
		}
	}
	servers[1].Close()
	back.Close()
	if err := put(t, s[0], "two", data); err == nil {
		t.Error("taken by one of three alone")
	}
	if _, _, err := local[0].Open(t.Context(), "two"); !errors.Is(err, fs.ErrNotExist) {
		t.Error("what was refused is there:", err)
	}
}

// Nothing outside the folder is asked for.
func TestNames(t *testing.T) {
	_, _, servers := three(t)
	for _, path := range []string{"/..%2f..%2fetc%2fpasswd", "/.hidden", "/a/b"} {
		r, err := http.Get(servers[0].URL + path)
		if err != nil || r.StatusCode != http.StatusNotFound {
			t.Error(path, r.Status, err)
		}
		r.Body.Close()
	}
}

func listen(t *testing.T, address string) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	return l
}
