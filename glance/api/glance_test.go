package api_test

import (
	"bytes"
	"context"
	"crypto/sha512"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"stackd/glance"
	"stackd/glance/api"
	"stackd/glance/fetch"
	"stackd/glance/file"
	"stackd/glance/shape"
	"stackd/glance/store"
	"stackd/glance/work"
	"stackd/internal/fault"
	"stackd/internal/policy"
	"stackd/internal/sqldb"
	"stackd/internal/sqldb/dbtest"
	"stackd/internal/token"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	os.Exit(m.Run())
}

//go:embed testdata/golden.tsv
var golden string

// persons are tokens by name: "member@p1" is a member of project p1.
type persons struct{}

func (persons) Check(_ context.Context, t string) (*token.Who, error) {
	role, project, ok := strings.Cut(t, "@")
	chain := []string{"admin", "manager", "member", "reader"}
	n := slices.Index(chain, role)
	if !ok || n < 0 {
		return nil, fault.New(fault.Unauthorized, "no")
	}
	w := &token.Who{User: token.Ref{ID: t}, Project: token.Ref{ID: project}}
	for _, r := range chain[n:] {
		w.Roles = append(w.Roles, token.Ref{Name: r})
	}
	return w, nil
}

type site struct {
	t   testing.TB
	g   *glance.Imaging
	h   http.Handler
	dir string
}

func open(t testing.TB, db *sqldb.DB) *site {
	t.Helper()
	return openWith(t, db, t.TempDir(), glance.Options{})
}

// openWith has its loops at work until the test ends. Stores of type file lie below dir.
func openWith(t testing.TB, db *sqldb.DB, dir string, o glance.Options, more ...func(*glance.Parts)) *site {
	t.Helper()
	s := openStill(t, db, dir, o, more...)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { work.Loop(s.g).Run(ctx); close(done) }()
	t.Cleanup(func() { stop(); <-done })
	return s
}

// openStill has nobody at work.
func openStill(t testing.TB, db *sqldb.DB, dir string, o glance.Options, more ...func(*glance.Parts)) *site {
	t.Helper()
	s, err := store.Open(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	o, err = o.Filled()
	if err != nil {
		t.Fatal(err)
	}
	rules, err := policy.Defaults()
	if err != nil {
		t.Fatal(err)
	}
	p := glance.Parts{Options: o, Staging: files(t, dir+"/staging"), Cache: files(t, dir+"/cache"), Shaper: shape.Tools{}}
	for _, x := range o.Stores {
		place := &glance.Place{ID: x.ID, Type: x.Type, Weight: x.Weight}
		if x.Type != "http" {
			place.Backend = files(t, dir+"/"+x.ID)
		}
		p.Places = append(p.Places, place)
	}
	if p.Fetcher, err = fetch.New(o.ImportFilter); err != nil {
		t.Fatal(err)
	}
	for _, f := range more {
		f(&p)
	}
	g := glance.New(s, p)
	if err := work.Recover(t.Context(), g); err != nil {
		t.Fatal(err)
	}
	return &site{t, g, api.New(g, persons{}, rules["glance"], "http://127.0.0.1:5000"), dir}
}

func files(t testing.TB, dir string) *file.Files {
	t.Helper()
	f, err := file.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// until waits for what the loops will do.
func (s *site) until(what string, ok func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatal("not in time: ", what)
		}
	}
}

func (s *site) send(r *http.Request) (*httptest.ResponseRecorder, map[string]any) {
	w := httptest.NewRecorder()
	s.h.ServeHTTP(w, r)
	var out map[string]any
	json.Unmarshal(w.Body.Bytes(), &out)
	return w, out
}

func (s *site) do(who, call, body string, headers ...string) (*httptest.ResponseRecorder, map[string]any) {
	s.t.Helper()
	method, url, _ := strings.Cut(call, " ")
	r := httptest.NewRequest(method, url, strings.NewReader(body))
	if who != "" {
		r.Header.Set("X-Auth-Token", who)
	}
	if strings.HasSuffix(url, "/file") || strings.HasSuffix(url, "/stage") {
		r.Header.Set("Content-Type", "application/octet-stream")
	}
	for n := 0; n+1 < len(headers); n += 2 {
		r.Header.Set(headers[n], headers[n+1])
	}
	return s.send(r)
}

func (s *site) ask(who, call, body string, headers ...string) int {
	s.t.Helper()
	w, _ := s.do(who, call, body, headers...)
	return w.Code
}

// image makes an image with these members besides the usual, and answers its id.
func (s *site) image(who, more string) string {
	s.t.Helper()
	w, out := s.do(who, "POST /v2/images", `{"name":"x","container_format":"bare"`+more+`}`)
	if w.Code != 201 {
		s.t.Fatal(w.Body)
	}
	return out["id"].(string)
}

func (s *site) status(id string) string {
	s.t.Helper()
	_, out := s.do("admin@p0", "GET /v2/images/"+id, "")
	st, _ := out["status"].(string)
	return st
}

// bytesLeft are the files that the backend holds.
func (s *site) bytesLeft() []string {
	var out []string
	filepath.WalkDir(s.dir, func(p string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			out = append(out, p)
		}
		return nil
	})
	return out
}

const (
	v21   = "application/openstack-images-v2.1-json-patch"
	plain = `,"disk_format":"raw"`
)

func TestBytesComeAndGoWhole(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := open(t, db)
		id := s.image("member@p1", plain)
		data := strings.Repeat("0123456789abcdef", 200_000) // several chunks
		if got := s.ask("member@p1", "PUT /v2/images/"+id+"/file", data); got != 204 {
			t.Fatal(got)
		}
		_, out := s.do("member@p1", "GET /v2/images/"+id, "")
		sum := sha512.Sum512([]byte(data))
		if out["status"] != "active" || out["size"] != float64(len(data)) || out["os_hash_value"] != hex.EncodeToString(sum[:]) || out["os_hash_algo"] != "sha512" {
			t.Fatal(out)
		}
		w, _ := s.do("member@p1", "GET /v2/images/"+id+"/file", "")
		if w.Code != 200 || w.Body.String() != data || w.Header().Get("Content-Md5") != out["checksum"] {
			t.Fatal(w.Code, w.Body.Len())
		}
		w, _ = s.do("member@p1", "GET /v2/images/"+id+"/file", "", "Range", "bytes=16-31")
		if w.Code != 206 || w.Body.String() != "0123456789abcdef" {
			t.Fatal(w.Code, w.Body)
		}
		if got := s.ask("member@p1", "GET /v2/images/"+id+"/file", "", "Range", "bytes=99999999-"); got != 416 {
			t.Fatal(got)
		}
		if got := s.ask("reader@p1", "GET /v2/images/"+id+"/file", ""); got != 403 {
			t.Fatal("a reader downloads:", got)
		}
		if got := s.ask("member@p1", "DELETE /v2/images/"+id, ""); got != 204 || len(s.bytesLeft()) != 0 {
			t.Fatal(got, s.bytesLeft())
		}
	})
}

// cut is a body that breaks off.
type cut struct{ io.Reader }

func (c cut) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func TestAFailedUploadLeavesNothing(t *testing.T) {
	s := open(t, dbtest.New(t))
	backed := append([]byte("QFI\xfb\x00\x00\x00\x03\x00\x00\x00\x00\x00\x00\x00\x48\x00\x00\x00\x09\x00\x00\x00\x10"), make([]byte, 1000)...)
	copy(backed[0x48:], "/etc/passwd")
	for name, c := range map[string]struct {
		format string
		body   io.Reader
		size   int64
		want   int
	}{
		"cut off":                {"raw", cut{strings.NewReader(strings.Repeat("x", 3<<20))}, -1, 400},
		"cut off in a chunk":     {"raw", cut{strings.NewReader("xyz")}, -1, 400},
		"shorter than promised":  {"raw", strings.NewReader("xyz"), 10, 400},
		"refers to another file": {"qcow2", bytes.NewReader(backed), -1, 415},
		"not what it says":       {"qcow2", strings.NewReader(strings.Repeat("x", 70000)), -1, 415},
		"raw that is not":        {"raw", bytes.NewReader(backed), -1, 415},
	} {
		id := s.image("member@p1", `,"disk_format":"`+c.format+`"`)
		r := httptest.NewRequest("PUT", "/v2/images/"+id+"/file", c.body)
		r.Header.Set("X-Auth-Token", "member@p1")
		r.Header.Set("Content-Type", "application/octet-stream")
		r.ContentLength = c.size
		if w, _ := s.send(r); w.Code != c.want || s.status(id) != "queued" || len(s.bytesLeft()) != 0 {
			t.Errorf("%s: %d %s, image %s, left %v", name, w.Code, w.Body, s.status(id), s.bytesLeft())
		}
		if got := s.ask("member@p1", "PATCH /v2/images/"+id, `[{"op":"replace","path":"/disk_format","value":"raw"}]`, "Content-Type", v21); got != 200 {
			t.Errorf("%s: afterwards it cannot be mended: %d", name, got)
		}
		if got := s.ask("member@p1", "PUT /v2/images/"+id+"/file", "fine"); got != 204 {
			t.Errorf("%s: afterwards nothing can be uploaded: %d", name, got)
		}
		s.ask("member@p1", "DELETE /v2/images/"+id, "")
	}
}

// gate is a body that waits in its middle.
type gate struct {
	first chan struct{}
	go_   chan struct{}
	n     int
}

func (g *gate) Read(b []byte) (int, error) {
	switch g.n++; g.n {
	case 1:
		close(g.first)
		return copy(b, "first"), nil
	case 2:
		<-g.go_
		return copy(b, "second"), nil
	}
	return 0, io.EOF
}

func TestOneUploadAtATime(t *testing.T) {
	s := open(t, dbtest.New(t))
	for _, deleted := range []bool{false, true} {
		id := s.image("member@p1", plain)
		g := &gate{first: make(chan struct{}), go_: make(chan struct{})}
		r := httptest.NewRequest("PUT", "/v2/images/"+id+"/file", io.Reader(g))
		r.Header.Set("X-Auth-Token", "member@p1")
		r.Header.Set("Content-Type", "application/octet-stream")
		r.ContentLength = -1
		var code int
		var wg sync.WaitGroup
		wg.Go(func() { w, _ := s.send(r); code = w.Code })
		<-g.first
		if got := s.status(id); got != "saving" {
			t.Fatal(got)
		}
		if got := s.ask("member@p1", "PUT /v2/images/"+id+"/file", "other"); got != 409 {
			t.Fatal("a second upload:", got)
		}
		want := 204
		if deleted {
			s.ask("member@p1", "DELETE /v2/images/"+id, "")
			want = 410
		}
		close(g.go_)
		wg.Wait()
		if code != want {
			t.Fatal(code)
		}
		if deleted && len(s.bytesLeft()) != 1 { // the first image's
			t.Fatal(s.bytesLeft())
		}
	}
}

func TestAfterACrash(t *testing.T) {
	db, dir := dbtest.SQLite(t), t.TempDir()
	s := openStill(t, db, dir, glance.Options{})
	half, whole := s.image("member@p1", plain), s.image("member@p1", plain)
	s.ask("member@p1", "PUT /v2/images/"+whole+"/stage", "staged data")
	s.ask("member@p1", "POST /v2/images/"+whole+"/import", `{"method":{"name":"glance-direct"}}`)
	// What a process killed in the middle of an upload leaves behind:
	os.WriteFile(filepath.Join(dir, "file/tmp", half+".123"), []byte("half"), 0o600)
	if _, err := db.Raw().Exec(`UPDATE images SET status = 'saving', upload = 'dead', touched_at = ? WHERE id = ?`, time.Now().UTC(), half); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Raw().Exec(`INSERT INTO image_bytes VALUES ('file', ?, ?, 'dead', '', 0, ?)`, half, half, time.Now().Add(time.Minute).UTC()); err != nil {
		t.Fatal(err)
	}
	s = openWith(t, db, dir, glance.Options{})
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go s.g.Tend(ctx)
	s.until("both are as they should be", func() bool {
		return s.status(half) == "queued" && s.status(whole) == "active" && len(s.bytesLeft()) == 1
	})
	if w, _ := s.do("member@p1", "GET /v2/images/"+whole+"/file", ""); w.Body.String() != "staged data" {
		t.Fatal(w.Body)
	}
}

func TestWhoSeesWhat(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := open(t, db)
		id := map[string]string{}
		for _, v := range []string{"private", "shared", "community"} {
			id[v] = s.image("member@p1", plain+`,"visibility":"`+v+`"`)
		}
		if got := s.ask("member@p1", "POST /v2/images", `{"visibility":"public"}`); got != 403 {
			t.Error("a member publishes:", got)
		}
		id["public"] = s.image("admin@p1", plain+`,"visibility":"public"`)
		list := func(who, query string) (out []string) {
			_, m := s.do(who, "GET /v2/images"+query, "")
			for _, i := range m["images"].([]any) {
				for v, x := range id {
					if i.(map[string]any)["id"] == x {
						out = append(out, v)
					}
				}
			}
			slices.Sort(out)
			return out
		}
		share := func(call, body string, who string, want int) {
			t.Helper()
			if got := s.ask(who, strings.ReplaceAll(call, "<id>", id["shared"]), body); got != want {
				t.Errorf("%s by %s: %d, not %d", call, who, got, want)
			}
		}
		share("GET /v2/images/<id>", "", "member@p2", 404)
		share("POST /v2/images/<id>/members", `{"member":"p2"}`, "member@p2", 404)
		share("POST /v2/images/<id>/members", `{"member":"p2"}`, "member@p1", 200)
		share("POST /v2/images/<id>/members", `{"member":"p2"}`, "member@p1", 409)
		share("GET /v2/images/<id>", "", "member@p2", 200)
		if got := list("member@p2", ""); !slices.Equal(got, []string{"public"}) {
			t.Error("before p2 accepted:", got)
		}
		share("PUT /v2/images/<id>/members/p2", `{"status":"accepted"}`, "member@p1", 403)
		share("PUT /v2/images/<id>/members/p2", `{"status":"accepted"}`, "member@p2", 200)
		share("PUT /v2/images/<id>/members/p2", `{"status":"nosuch"}`, "member@p2", 400)
		share("DELETE /v2/images/<id>", "", "member@p2", 403)
		for query, want := range map[string][]string{"": {"public", "shared"}, "?visibility=community": {"community"}, "?visibility=private": nil, "?visibility=shared": {"shared"}} {
			if got := list("member@p2", query); !slices.Equal(got, want) {
				t.Errorf("p2 %s: %v", query, got)
			}
		}
		for v, want := range map[string]int{"private": 404, "community": 200, "public": 200} {
			if got := s.ask("member@p2", "GET /v2/images/"+id[v], ""); got != want {
				t.Errorf("%s: %d", v, got)
			}
			if got := s.ask("member@p2", "PATCH /v2/images/"+id[v], `[{"op":"replace","path":"/name","value":"mine"}]`, "Content-Type", v21); got != 403 && got != 404 {
				t.Errorf("%s is changed by another project: %d", v, got)
			}
		}
	})
}

func TestFilters(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := open(t, db)
		a := s.image("member@p1", plain+`,"os_distro":"debian","tags":["x%","y"]`)
		s.image("member@p1", `,"disk_format":"iso","os_distro":"Debian","tags":["xx"]`)
		s.ask("member@p1", "PUT /v2/images/"+a+"/file", "12345")
		for query, want := range map[string]int{
			"os_distro=debian": 1, "os_distro=deb": 0, "nosuch=1": 0, "tag=x%25": 1, "tag=xx": 1, "tag=x_": 0, "tag=x%25&tag=y": 1, "tag=y&tag=xx": 0,
			"disk_format=iso": 1, "disk_format=in:iso,raw": 2, "status=queued": 1, "size_min=5": 1, "size_min=6": 0, "size_max=5": 1, "size=5": 1,
			"name=x": 2, "limit=1": 1, "created_at=gt:2020-01-01T00:00:00Z": 2, "created_at=lt:2020-01-01T00:00:00Z": 0, "protected=false": 2, "protected=true": 0,
			"os_hidden=true": 0, "id=" + a: 1, "owner=p1": 2, "sort=name:asc,size:desc": 2, "sort_key=size&sort_dir=desc": 2,
		} {
			w, out := s.do("member@p1", "GET /v2/images?"+query, "")
			if l, _ := out["images"].([]any); w.Code != 200 || len(l) != want {
				t.Errorf("%s: %d, %d images, not %d: %s", query, w.Code, len(l), want, w.Body)
			}
		}
		for _, query := range []string{"limit=x", "size_min=x", "min_disk=x", "created_at=x", "sort_key=nosuch", "sort_dir=x&sort_key=name", "visibility=nosuch", "marker=nosuch", "member_status=x", "protected=x"} {
			if got := s.ask("member@p1", "GET /v2/images?"+query, ""); got != 400 {
				t.Errorf("%s: %d", query, got)
			}
		}
		seen, url := 0, "/v2/images?limit=1"
		for url != "" {
			_, out := s.do("member@p1", "GET "+url, "")
			seen += len(out["images"].([]any))
			url, _ = out["next"].(string)
		}
		if seen != 2 {
			t.Error("pages show", seen)
		}
	})
}

func TestImport(t *testing.T) {
	s := open(t, dbtest.New(t))
	ask := func(id, method string) int {
		return s.ask("member@p1", "POST /v2/images/"+id+"/import", `{"method":{"name":"`+method+`"}}`)
	}
	for body, want := range map[string]string{"fine": "active", "QFI\xfb\x00\x00\x00\x03": "queued"} {
		id := s.image("member@p1", plain)
		if got := ask(id, "glance-direct"); got != 409 {
			t.Fatal("nothing was staged:", got)
		}
		if got := s.ask("member@p1", "PUT /v2/images/"+id+"/stage", body); got != 204 || s.status(id) != "uploading" {
			t.Fatal(got, s.status(id))
		}
		if got := ask(id, "nosuch"); got != 400 {
			t.Fatal(got)
		}
		if got := ask(id, "glance-direct"); got != 202 {
			t.Fatal(got)
		}
		s.until(want, func() bool { return s.status(id) == want })
		s.ask("member@p1", "DELETE /v2/images/"+id, "")
	}
	s.until("no bytes are left", func() bool { return len(s.bytesLeft()) == 0 })
}

func TestNamespacesAreSeenByThoseWhoMay(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := open(t, db)
		on := "/v2/metadefs/namespaces"
		for name, v := range map[string]string{"open": "public", "closed": "private"} {
			w, out := s.do("admin@p1", "POST "+on, `{"namespace":"`+name+`","visibility":"`+v+`","resource_type_associations":[{"name":"OS::X"}],"objects":[{"name":"o"}],"tags":[{"name":"t"}],"properties":{"p":{"title":"P","type":"string"}}}`)
			if w.Code != 201 || len(out["objects"].([]any)) != 1 || out["properties"].(map[string]any)["p"].(map[string]any)["title"] != "P" {
				t.Fatal(w.Code, w.Body)
			}
		}
		for call, want := range map[string][3]int{ // admin@p1, reader@p1, member@p2
			"GET " + on + "/open": {200, 200, 200}, "GET " + on + "/closed": {200, 200, 404}, "GET " + on + "/nosuch": {404, 404, 404},
			"GET " + on + "/closed/objects/o": {200, 200, 404}, "GET " + on + "/open/objects/o": {200, 200, 200}, "GET " + on + "/open/objects/x": {404, 404, 404},
			"GET " + on + "/open/properties": {200, 200, 200}, "GET " + on + "/open/tags/t": {200, 200, 200}, "GET " + on + "/open/resource_types": {200, 200, 200},
			"POST " + on + "/open/tags/u": {201, 403, 403}, "POST " + on + "/open/objects": {409, 403, 403}, "PUT " + on + "/open/tags/t": {200, 403, 403},
			"DELETE " + on + "/closed/tags/nosuch": {404, 403, 404}, "POST " + on: {409, 403, 403},
		} {
			for n, who := range []string{"admin@p1", "reader@p1", "member@p2"} {
				body := `{"name":"` + map[bool]string{true: "t", false: "o"}[strings.Contains(call, "tags")] + `"}`
				if call == "POST "+on {
					body = `{"namespace":"open"}`
				}
				if got := s.ask(who, call, body); got != want[n] {
					t.Errorf("%s by %s: %d, not %d", call, who, got, want[n])
				}
			}
		}
		if _, out := s.do("member@p2", "GET "+on+"?limit=5", ""); len(out["namespaces"].([]any)) != 1 {
			t.Error(out)
		}
		if got := s.ask("admin@p1", "PUT "+on+"/open", `{"namespace":"renamed","protected":true}`); got != 200 {
			t.Error(got)
		}
		if got := s.ask("admin@p1", "DELETE "+on+"/renamed", ""); got != 403 {
			t.Error("a protected one is deleted:", got)
		}
	})
}

var ids = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}|golden-\w+`)

func blank(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return ids.ReplaceAllStringFunc(s, func(m string) string {
		if strings.HasPrefix(m, "golden") {
			return "NAME"
		}
		return "ID"
	})
}

func members(v any, at string, out map[string]bool) {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			members(x, strings.TrimPrefix(at+"."+k, "."), out)
		}
	case []any:
		out[at+"[]"] = true
		for _, x := range v {
			members(x, at+"[]", out)
		}
	default:
		out[at] = true
	}
}

func TestAnswersAreThoseOfARealGlance(t *testing.T) {
	s := open(t, dbtest.SQLite(t))
	want := map[string][]string{}
	for line := range strings.Lines(golden) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		want[strings.TrimPrefix(f[0], "image-")] = f[1:]
	}
	id, done := "", map[string]bool{}
	step := func(name, who, call, body string, headers ...string) {
		t.Helper()
		done[name] = true
		w, out := s.do(who, strings.ReplaceAll(call, "<id>", id), strings.ReplaceAll(body, "<id>", id), headers...)
		if name == "create" {
			id, _ = out["id"].(string)
		}
		compare(t, name, want[name], w, out)
	}
	admin := "admin@p1"
	step("root", "", "GET /", "")
	step("versions", "", "GET /versions", "")
	step("create", admin, "POST /v2/images", `{"name":"golden-x","disk_format":"raw","container_format":"bare","os_distro":"none"}`)
	step("upload", admin, "PUT /v2/images/<id>/file", "golden image data\n")
	step("download", admin, "GET /v2/images/<id>/file", "")
	step("show", admin, "GET /v2/images/<id>", "")
	step("list", admin, "GET /v2/images", "")
	step("members", admin, "GET /v2/images/<id>/members", "")
	step("tasks", admin, "GET /v2/tasks", "")
	step("info-import", admin, "GET /v2/info/import", "")
	step("tag-add", admin, "PUT /v2/images/<id>/tags/golden", "")
	step("err-400", admin, "POST /v2/images", `{"name":"x","disk_format":"nosuch"}`)
	step("err-401", "", "GET /v2/images", "")
	step("err-401-bad", "bad", "GET /v2/images", "")
	step("v2-slash", "", "GET /v2/", "")
	step("err-403-publicize", "member@p1", "POST /v2/images", `{"name":"golden-x","visibility":"public","disk_format":"raw","container_format":"bare"}`)
	step("err-404", admin, "GET /v2/images/00000000-0000-0000-0000-000000000000", "")
	step("err-409-id", admin, "POST /v2/images", `{"id":"<id>","name":"golden-again"}`)
	step("err-409-upload", admin, "PUT /v2/images/<id>/file", "again")
	step("err-415-patch", admin, "PATCH /v2/images/<id>", `[]`, "Content-Type", "application/json")
	step("patch", admin, "PATCH /v2/images/<id>", `[{"op":"replace","path":"/min_ram","value":1},{"op":"add","path":"/hw_golden","value":"yes"}]`, "Content-Type", v21)
	s.ask(admin, "PATCH /v2/images/"+id, `[{"op":"remove","path":"/hw_golden"}]`, "Content-Type", v21)
	s.image(admin, plain)
	step("list-limit1", admin, "GET /v2/images?limit=1&sort=size:desc", "")
	step("delete", admin, "DELETE /v2/images/<id>", "")
	for name := range want {
		// One store by its name is told of here, and public images have no secrets there.
		if !done[name] && name != "info-stores" && name != "list-public" {
			t.Error(name, "was not asked")
		}
	}
}

func compare(t *testing.T, name string, want []string, w *httptest.ResponseRecorder, out map[string]any) {
	t.Helper()
	got, wanted := map[string]bool{}, map[string]bool{}
	if out != nil {
		members(out, "", got)
	}
	for _, m := range strings.Fields(want[2]) {
		if !strings.Contains(m, "owner_specified") { // what a client put on other images
			wanted[m] = true
		}
	}
	for _, h := range strings.Fields(want[1]) {
		if w.Header().Get(h) == "" && !(h == "Content-Type" && w.Code == 204) {
			t.Errorf("%s: no header %s", name, h)
		}
	}
	for m := range got {
		if !wanted[m] && !strings.HasSuffix(m, "stores") {
			t.Errorf("%s: %s is one too many", name, m)
		}
	}
	for m := range wanted {
		if !got[m] {
			t.Errorf("%s: %s is missing", name, m)
		}
	}
	if want[0] != w.Result().Status[:3] {
		t.Errorf("%s: %d, not %s: %s", name, w.Code, want[0], w.Body)
	}
	if message, _ := out["message"].(string); w.Code >= 400 && blank(message) != want[3] {
		t.Errorf("%s: says %q, not %q", name, blank(message), want[3])
	}
}
