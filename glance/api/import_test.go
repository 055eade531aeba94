package api_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"stackd/glance"
	"stackd/internal/sqldb"
	"stackd/internal/sqldb/dbtest"
)

// two are two stores, a and b.
func two(more ...string) glance.Options {
	o := glance.Options{Stores: []glance.StoreOptions{{ID: "a", Type: "file"}, {ID: "b", Type: "file"}}, ImportPlugins: more}
	o.ImportFilter.Networks, o.ImportFilter.NotPorts = []string{"127.0.0.0/8"}, []int{1}
	return o
}

func (s *site) get(id string) map[string]any {
	s.t.Helper()
	_, out := s.do("admin@p0", "GET /v2/images/"+id, "")
	return out
}

func (s *site) bring(who, id, body string) int {
	s.t.Helper()
	return s.ask(who, "POST /v2/images/"+id+"/import", body)
}

// task waits for an image's last task to end, and answers it.
func (s *site) task(id string) map[string]any {
	s.t.Helper()
	var last map[string]any
	s.until("the task ends", func() bool {
		_, out := s.do("admin@p0", "GET /v2/images/"+id+"/tasks", "")
		all, _ := out["tasks"].([]any)
		if len(all) == 0 {
			return false
		}
		last = all[len(all)-1].(map[string]any)
		return last["status"] == "success" || last["status"] == "failure"
	})
	return last
}

func TestImportIntoStores(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := openWith(t, db, t.TempDir(), two())
		id := s.image("member@p1", plain)
		s.ask("member@p1", "PUT /v2/images/"+id+"/stage", "staged data")
		if got := s.bring("member@p1", id, `{"method":{"name":"glance-direct"},"all_stores":true}`); got != 202 {
			t.Fatal(got)
		}
		task := s.task(id)
		i := s.get(id)
		if task["status"] != "success" || i["status"] != "active" || i["stores"] != "a,b" || i["os_glance_importing_to_stores"] != "" || i["os_glance_failed_import"] != "" || i["size"] != float64(11) {
			t.Fatal(task, i)
		}
		if input := task["input"].(map[string]any); input["import_req"].(map[string]any)["method"].(map[string]any)["name"] != "glance-direct" || task["request_id"] == "" {
			t.Error(task)
		}
		if left := s.bytesLeft(); len(left) != 2 {
			t.Error(left)
		}
		if w, _ := s.do("member@p1", "GET /v2/images/"+id+"/file", ""); w.Body.String() != "staged data" {
			t.Error(w.Body)
		}
		for call, want := range map[string]int{"DELETE /v2/stores/nosuch/": 409, "DELETE /v2/stores/a/": 204} {
			if got := s.ask("admin@p0", call+id, ""); got != want {
				t.Errorf("%s: %d", call, got)
			}
		}
		if got := s.ask("admin@p0", "DELETE /v2/stores/b/"+id, ""); got != 403 {
			t.Error("the last location goes:", got)
		}
		if got := s.ask("member@p1", "DELETE /v2/stores/b/"+id, ""); got != 403 {
			t.Error("a member drops locations:", got)
		}
		if i := s.get(id); i["stores"] != "b" || len(s.bytesLeft()) != 1 {
			t.Error(i, s.bytesLeft())
		}
		if got := s.bring("member@p1", id, `{"method":{"name":"copy-image"},"stores":["a"]}`); got != 403 {
			t.Error("a member copies:", got)
		}
		if got := s.bring("admin@p0", id, `{"method":{"name":"copy-image"},"stores":["b"]}`); got != 400 {
			t.Error("it is there already:", got)
		}
		if got := s.bring("admin@p0", id, `{"method":{"name":"copy-image"},"all_stores":true,"all_stores_must_succeed":false}`); got != 202 {
			t.Fatal(got)
		}
		if task := s.task(id); task["status"] != "success" || s.get(id)["stores"] != "b,a" {
			t.Error(task, s.get(id))
		}
		if got := s.ask("member@p1", "DELETE /v2/images/"+id, ""); got != 204 || len(s.bytesLeft()) != 0 {
			t.Error(got, s.bytesLeft())
		}
	})
}

func TestImportsAreRefused(t *testing.T) {
	s := openWith(t, dbtest.New(t), t.TempDir(), two())
	id := s.image("member@p1", plain)
	for body, want := range map[string]int{
		`{}`:                           400,
		`{"method":{}}`:                400,
		`{"method":{"name":"nosuch"}}`: 400,
		`{"method":{"name":"web-download","uri":"http://127.0.0.1/"},"stores":["nosuch"]}`:               409,
		`{"method":{"name":"web-download","uri":"http://127.0.0.1/"},"stores":["a"],"all_stores":true}`:  400,
		`{"method":{"name":"web-download","uri":"http://127.0.0.1/"},"all_stores":"yes"}`:                400,
		`{"method":{"name":"web-download","uri":"http://127.0.0.1/"},"all_stores_must_succeed":null}`:    400,
		`{"method":{"name":"web-download"}}`:                                                             400,
		`{"method":{"name":"web-download","uri":"file:///etc/passwd"}}`:                                  400,
		`{"method":{"name":"copy-image"}}`:                                                               403,
		`{"method":{"name":"glance-direct"}}`:                                                            409,
		`{"method":{"name":"glance-download","glance_region":"x","glance_image_id":"foo"}}`:              400,
		`{"method":{"name":"glance-download","glance_image_id":"36d4b546-64a2-4bb9-bdd0-ba676aa48f2c"}}`: 400,
	} {
		if got := s.bring("member@p1", id, body); got != want {
			t.Errorf("%s: %d, not %d", body, got, want)
		}
	}
	if got := s.bring("member@p2", id, `{"method":{"name":"web-download","uri":"http://127.0.0.1/"}}`); got != 404 {
		t.Error("another project imports:", got)
	}
}

func TestWebDownload(t *testing.T) {
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/good":
			fmt.Fprint(w, strings.Repeat("good", 100_000))
		case "/cut":
			w.Header().Set("Content-Length", "1000000")
			fmt.Fprint(w, "cut")
		case "/out":
			http.Redirect(w, r, "http://10.0.0.1/", http.StatusFound)
		default:
			http.NotFound(w, r)
		}
	}))
	defer web.Close()
	s := openWith(t, dbtest.New(t), t.TempDir(), two())
	for path, want := range map[string]string{"/good": "active", "/cut": "queued", "/out": "queued", "/none": "queued"} {
		id := s.image("member@p1", plain)
		if got := s.bring("member@p1", id, `{"method":{"name":"web-download","uri":"`+web.URL+path+`"}}`); got != 202 {
			t.Fatal(path, got)
		}
		task := s.task(id)
		if s.status(id) != want {
			t.Errorf("%s: %s, %v", path, s.status(id), task)
		}
		s.ask("member@p1", "DELETE /v2/images/"+id, "")
	}
	s.until("nothing is left", func() bool { return len(s.bytesLeft()) == 0 })
}

// broken is a store that takes no bytes.
type broken struct{ glance.Backend }

func (broken) Create(context.Context, string, int64) (glance.Writer, error) {
	return nil, os.ErrPermission
}

func TestAStoreThatFails(t *testing.T) {
	for _, must := range []bool{true, false} {
		s := openWith(t, dbtest.New(t), t.TempDir(), two(), func(p *glance.Parts) { p.Places[1].Backend = broken{p.Places[1].Backend} })
		id := s.image("member@p1", plain)
		s.ask("member@p1", "PUT /v2/images/"+id+"/stage", "data")
		s.bring("member@p1", id, fmt.Sprintf(`{"method":{"name":"glance-direct"},"all_stores":true,"all_stores_must_succeed":%v}`, must))
		task, i := s.task(id), s.get(id)
		want := map[bool][3]any{true: {"failure", "queued", 0}, false: {"success", "active", 1}}[must]
		if task["status"] != want[0] || i["status"] != want[1] || len(s.bytesLeft()) != want[2] || i["os_glance_failed_import"] != "b" || i["os_glance_importing_to_stores"] != "" {
			t.Errorf("must %v: %v\n%v\n%v", must, task, i, s.bytesLeft())
		}
		if msg, _ := task["message"].(string); strings.Contains(msg, "permission") {
			t.Error("the store's own words reach the tenant:", msg)
		}
	}
}

func packed(t *testing.T, how string, data []byte) []byte {
	t.Helper()
	if how == "gzip" {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		z.Write(data)
		z.Close()
		return b.Bytes()
	}
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/image", data, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("xz", "--stdout", "image")
	if how == "zip" {
		cmd = exec.Command("python3", "-c", `import zipfile; zipfile.ZipFile("out","w",zipfile.ZIP_DEFLATED).write("image")`)
	}
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(how, err)
	}
	if how == "zip" {
		out, err = os.ReadFile(dir + "/out")
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func TestPluginsUnpackConvertAndInject(t *testing.T) {
	file := filepath.Join(t.TempDir(), "image")
	if out, err := exec.Command("qemu-img", "create", "-q", "-f", "qcow2", file, "8M").CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	qcow2, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	o := two("image_decompression", "image_conversion", "inject_image_metadata")
	o.Inject, o.InjectNotRoles, o.UnpackCap = map[string]string{"hw_test": "yes"}, []string{"admin"}, 64<<20
	s := openWith(t, dbtest.New(t), t.TempDir(), o)
	for _, how := range []string{"gzip", "xz", "zip", "plain"} {
		for _, who := range []string{"member@p1", "admin@p1"} {
			id := s.image(who, `,"disk_format":"qcow2"`)
			data := qcow2
			if how != "plain" {
				data = packed(t, how, qcow2)
			}
			s.ask(who, "PUT /v2/images/"+id+"/stage", string(data))
			s.bring(who, id, `{"method":{"name":"glance-direct"}}`)
			task, i := s.task(id), s.get(id)
			if i["status"] != "active" || i["disk_format"] != "raw" || i["size"] != float64(8<<20) || i["virtual_size"] != float64(8<<20) || (i["hw_test"] == "yes") != (who == "member@p1") {
				t.Errorf("%s by %s: %v %v", how, who, task, i)
			}
			s.ask(who, "DELETE /v2/images/"+id, "")
		}
	}
	for _, how := range []string{"gzip", "xz", "zip"} { // 70 MiB of nothing are too much
		id := s.image("member@p1", plain)
		s.ask("member@p1", "PUT /v2/images/"+id+"/stage", string(packed(t, how, make([]byte, 70<<20))))
		s.bring("member@p1", id, `{"method":{"name":"glance-direct"}}`)
		if task := s.task(id); s.status(id) != "queued" || !strings.Contains(fmt.Sprint(task["message"]), "too large") {
			t.Errorf("a bomb of %s: %v", how, task)
		}
	}
	s.until("nothing is left", func() bool { return len(s.bytesLeft()) == 0 })
}

func TestTasks(t *testing.T) {
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/qcow2" {
			fmt.Fprint(w, "QFI\xfb\x00\x00\x00\x03 and nothing more")
			return
		}
		fmt.Fprint(w, "an image")
	}))
	defer web.Close()
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := openWith(t, db, t.TempDir(), two())
		body := func(path string) string {
			return `{"type":"import","input":{"import_from":"` + web.URL + path + `","import_from_format":"raw","image_properties":{"name":"made","container_format":"bare","os_distro":"x"}}}`
		}
		if got := s.ask("member@p1", "POST /v2/tasks", body("/")); got != 403 {
			t.Error("a member makes tasks:", got)
		}
		for wrong, want := range map[string]int{`{}`: 400, `{"type":"import"}`: 400, `{"type":"nosuch","input":{}}`: 400, strings.Replace(body("/"), web.URL, "file:///etc/passwd", 1): 400, strings.Replace(body("/"), web.URL, "http://10.1.1.1", 1): 400} {
			if got := s.ask("admin@p1", "POST /v2/tasks", wrong); got != want {
				t.Errorf("%s: %d", wrong, got)
			}
		}
		for path, want := range map[string]string{"/": "success", "/qcow2": "failure"} {
			w, task := s.do("admin@p1", "POST /v2/tasks", body(path))
			if w.Code != 201 || task["status"] != "pending" || w.Header().Get("Location") != "/v2/tasks/"+task["id"].(string) {
				t.Fatal(w.Code, task)
			}
			s.until("the task ends", func() bool {
				_, task = s.do("admin@p1", "GET /v2/tasks/"+task["id"].(string), "")
				return task["expires_at"] != nil
			})
			if task["status"] != want {
				t.Error(path, task)
			}
			id, _ := task["image_id"].(string)
			if got := s.ask("admin@p1", "GET /v2/images/"+id, ""); want == "success" && got != 200 || want == "failure" && got != 404 {
				t.Error(path, got)
			}
		}
		if left := s.bytesLeft(); len(left) != 1 {
			t.Error("of two imports, one of which failed, is left:", left)
		}
		w, out := s.do("admin@p1", "GET /v2/tasks?limit=1&status=failure", "")
		if l, _ := out["tasks"].([]any); w.Code != 200 || len(l) != 1 {
			t.Error(w.Code, out)
		}
		for query, want := range map[string]int{"status=x": 400, "type=x": 400, "marker=x": 400, "sort_key=x": 400, "type=import": 200} {
			if got := s.ask("admin@p1", "GET /v2/tasks?"+query, ""); got != want {
				t.Errorf("%s: %d", query, got)
			}
		}
		if got := s.ask("admin@p1", "DELETE /v2/tasks/x", ""); got != 405 {
			t.Error(got)
		}
	})
}

func TestTheUsualDefinitions(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := open(t, db)
		for range 2 { // also at the second start
			if err := s.g.Usual(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		on := "/v2/metadefs/namespaces"
		_, out := s.do("reader@p1", "GET "+on+"?resource_types=OS::Nova::Flavor&limit=100", "")
		if n := len(out["namespaces"].([]any)); n < 8 {
			t.Error(n, "namespaces are for flavors")
		}
		_, out = s.do("reader@p1", "GET "+on+"/OS::Compute::Watchdog", "")
		p, _ := out["properties"].(map[string]any)["watchdog_action"].(map[string]any)
		if len(p["enum"].([]any)) != 5 || out["protected"] != true || len(out["resource_type_associations"].([]any)) != 3 {
			t.Error(out)
		}
		if _, out = s.do("reader@p1", "GET "+on+"/OS::Compute::Quota/objects/Disk%20QoS", ""); len(out["properties"].(map[string]any)) != 6 {
			t.Error(out)
		}
		s.ask("admin@p0", "PUT "+on+"/OS::Compute::Watchdog", `{"namespace":"OS::Compute::Watchdog","protected":false}`)
		s.ask("admin@p0", "DELETE "+on+"/OS::Compute::Watchdog", "")
		if err := s.g.Usual(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := s.ask("reader@p1", "GET "+on+"/OS::Compute::Watchdog", ""); got != 404 {
			t.Error("what was deleted came back:", got)
		}
	})
}
