package api_test

import (
	"context"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"stackd/glance"
	images3 "stackd/glance/s3"
	"stackd/internal/s3"
	"stackd/internal/sqldb/dbtest"
)

// Another project's image is not deleted, whatever it is shared or shown as.
func TestOSSA_2012_017(t *testing.T) {
	s := open(t, dbtest.New(t))
	for _, visibility := range []string{"private", "shared", "community"} {
		id := s.image("member@p1", plain+`,"visibility":"`+visibility+`"`)
		s.ask("member@p1", "POST /v2/images/"+id+"/members", `{"member":"p2"}`)
		s.ask("member@p2", "PUT /v2/images/"+id+"/members/p2", `{"status":"accepted"}`)
		if got := s.ask("member@p2", "DELETE /v2/images/"+id, ""); got != 403 && got != 404 || s.status(id) != "queued" {
			t.Error(visibility, got)
		}
	}
}

// A store that fails tells its address and key to the log, and to nobody else.
func TestOSSA_2013_002(t *testing.T) {
	b, err := images3.New(s3.Options{Endpoint: "http://127.0.0.1:1", Bucket: "hidden", AccessKey: "AKHIDDEN", SecretKey: "SKHIDDEN"})
	if err != nil {
		t.Fatal(err)
	}
	s := openWith(t, dbtest.New(t), t.TempDir(), two(), func(p *glance.Parts) { p.Places[0].Backend = b })
	id := s.image("member@p1", plain)
	w, _ := s.do("member@p1", "PUT /v2/images/"+id+"/file", "data")
	if w.Code != 500 || strings.Contains(w.Body.String(), "HIDDEN") || strings.Contains(w.Body.String(), "127.0.0.1") {
		t.Error(w.Code, w.Body)
	}
	s.ask("admin@p0", "DELETE /v2/images/"+id, "")
	id = s.image("member@p1", plain)
	s.ask("member@p1", "PUT /v2/images/"+id+"/stage", "data")
	s.bring("member@p1", id, `{"method":{"name":"glance-direct"}}`)
	if task := s.task(id); strings.Contains(fmt.Sprint(task), "HIDDEN") || strings.Contains(fmt.Sprint(task), "127.0.0.1") {
		t.Error(task)
	}
}

// Where an image's bytes are is shown to nobody, unless the settings say so.
func TestOSSA_2013_007(t *testing.T) {
	s := open(t, dbtest.New(t))
	id := s.image("admin@p1", plain)
	s.ask("admin@p1", "PUT /v2/images/"+id+"/file", "data")
	w, _ := s.do("admin@p1", "GET /v2/images/"+id, "")
	for _, word := range []string{"locations", "direct_url", "file://", s.dir} {
		if strings.Contains(w.Body.String(), word) {
			t.Error(word, w.Body)
		}
	}
	for name := range w.Header() {
		if strings.Contains(strings.ToLower(name), "location") {
			t.Error(name)
		}
	}
}

// A download is from the server that its certificate names, or from none.
func TestOSSA_2013_018(t *testing.T) {
	web := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "data") }))
	defer web.Close()
	s := open2(t)
	id := s.image("member@p1", plain)
	s.bring("member@p1", id, `{"method":{"name":"web-download","uri":"`+web.URL+`"}}`)
	if task := s.task(id); task["status"] != "failure" || s.status(id) != "queued" {
		t.Error(task)
	}
}

func open2(t *testing.T) *site { return openWith(t, dbtest.New(t), t.TempDir(), two()) }

// An image that is deleted while its bytes come leaves none of them behind, and a
// project's usage is right (also OSSA-2015-003, OSSA-2015-013 and OSSA-2015-020).
func TestOSSA_2014_028(t *testing.T) {
	for _, how := range []string{"file", "stage", "import"} {
		hold, begun := make(chan struct{}), make(chan struct{})
		var once sync.Once
		web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, strings.Repeat("x", 1<<20))
			w.(http.Flusher).Flush()
			once.Do(func() { close(begun) })
			<-hold
			fmt.Fprint(w, "end")
		}))
		s := open2(t)
		id := s.image("member@p1", plain)
		var wg sync.WaitGroup
		if how == "import" {
			s.bring("member@p1", id, `{"method":{"name":"web-download","uri":"`+web.URL+`"},"all_stores":true}`)
			<-begun
		} else {
			g := &gate{first: make(chan struct{}), go_: hold}
			r := httptest.NewRequest("PUT", "/v2/images/"+id+"/"+how, io.Reader(g))
			r.Header.Set("X-Auth-Token", "member@p1")
			r.Header.Set("Content-Type", "application/octet-stream")
			r.ContentLength = -1
			wg.Go(func() {
				if w, _ := s.send(r); w.Code != 410 {
					t.Errorf("%s: the upload of a deleted image ends with %d", how, w.Code)
				}
			})
			<-g.first
		}
		if got := s.ask("member@p1", "DELETE /v2/images/"+id, ""); got != 204 {
			t.Error(how, got)
		}
		close(hold)
		wg.Wait()
		s.until(how+" leaves nothing", func() bool { return len(s.bytesLeft()) == 0 })
		_, out := s.do("member@p1", "GET /v2/info/usage", "")
		for name, q := range out["usage"].(map[string]any) {
			if q.(map[string]any)["usage"] != float64(0) {
				t.Error(how, name, q)
			}
		}
		web.Close()
	}
}

// Neither its status nor what is known of its bytes is a client's to say.
func TestOSSA_2015_019(t *testing.T) {
	s := open2(t)
	id := s.image("member@p1", plain)
	s.ask("member@p1", "PUT /v2/images/"+id+"/file", "data")
	before := fmt.Sprint(s.get(id))
	for _, name := range []string{"status", "size", "checksum", "os_hash_value", "os_hash_algo", "locations", "direct_url", "stores", "virtual_size", "os_glance_import_task", "os_glance_importing_to_stores"} {
		for _, who := range []string{"member@p1", "admin@p0"} {
			for _, op := range []string{"replace", "add", "remove"} {
				if got := s.ask(who, "PATCH /v2/images/"+id, `[{"op":"`+op+`","path":"/`+name+`","value":"queued"}]`, "Content-Type", v21); got/100 != 4 {
					t.Errorf("%s %s by %s: %d", op, name, who, got)
				}
			}
			if got := s.ask(who, "POST /v2/images", `{"`+name+`":"x"}`); got != 403 {
				t.Errorf("an image is made with %s by %s: %d", name, who, got)
			}
		}
	}
	s.ask("member@p1", "POST /v2/images/"+id+"/actions/deactivate", "", "X-Image-Meta-Status", "queued")
	s.ask("member@p1", "POST /v2/images/"+id+"/actions/reactivate", "", "X-Image-Meta-Status", "queued")
	if got := s.ask("member@p1", "PUT /v2/images/"+id+"/file", "other"); got != 409 {
		t.Error("an active image's bytes are replaced:", got)
	}
	strip := func(i map[string]any) string { delete(i, "updated_at"); return fmt.Sprint(i) }
	if after := s.get(id); strip(after) != strip(s.get(id)) || after["status"] != "active" || !strings.Contains(before, after["os_hash_value"].(string)) {
		t.Error(after)
	}
}

// What is read is what was uploaded, and a copy that was tampered with is not made.
func TestCopiesAreChecked(t *testing.T) {
	s := openWith(t, dbtest.New(t), t.TempDir(), two(), func(p *glance.Parts) { p.Places[0].Backend = tampered{p.Places[0].Backend} })
	id := s.image("member@p1", plain)
	s.ask("member@p1", "PUT /v2/images/"+id+"/file", "data")
	sum := sha512.Sum512([]byte("data"))
	if i := s.get(id); i["os_hash_value"] != hex.EncodeToString(sum[:]) {
		t.Fatal(i)
	}
	s.bring("admin@p0", id, `{"method":{"name":"copy-image"},"stores":["b"]}`)
	if task, i := s.task(id), s.get(id); task["status"] != "failure" || i["status"] != "active" || i["stores"] != "a" || len(s.bytesLeft()) != 1 {
		t.Error(task, i, s.bytesLeft())
	}
}

// tampered is a store that gives other bytes than it was given.
type tampered struct{ glance.Backend }

func (b tampered) Open(ctx context.Context, name string) (io.ReadSeekCloser, int64, error) {
	body, size, err := b.Backend.Open(ctx, name)
	if err != nil {
		return nil, 0, err
	}
	body.Close()
	return glance.Lazy(size, func(at int64) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(strings.Repeat("!", int(size-at)))), nil
	}), size, nil
}
