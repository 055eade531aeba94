package api_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"stackd/glance"
	"stackd/internal/fault"
	"stackd/internal/sqldb"
	"stackd/internal/sqldb/dbtest"
)

// limits are limits by project.
type limits map[string]map[string]int64

func (l limits) Limits(_ context.Context, project string) (map[string]int64, error) {
	return l[project], nil
}

func TestLimits(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		l := limits{"p1": {glance.SizeTotal: 3, glance.StageTotal: 1, glance.CountTotal: 4, glance.CountUploading: 1}}
		s := openWith(t, db, t.TempDir(), two(), func(p *glance.Parts) { p.Limits = l })
		mib := strings.Repeat("x", 1<<20)
		a, b := s.image("member@p1", plain), s.image("member@p1", plain)
		if got := s.ask("member@p1", "PUT /v2/images/"+a+"/file", mib+mib); got != 204 {
			t.Fatal(got)
		}
		if got := s.ask("member@p1", "PUT /v2/images/"+b+"/file", mib+mib); got != 413 || s.status(b) != "queued" {
			t.Error("more than the limit:", got, s.status(b))
		}
		// A body that does not say how long it is is cut where the limit is (OSSA-2015-003).
		r := httptest.NewRequest("PUT", "/v2/images/"+b+"/file", strings.NewReader(mib+mib+mib))
		r.Header.Set("X-Auth-Token", "member@p1")
		r.Header.Set("Content-Type", "application/octet-stream")
		r.ContentLength = -1
		if w, _ := s.send(r); w.Code != 413 || s.status(b) != "queued" || len(s.bytesLeft()) != 1 {
			t.Error(w.Code, s.status(b), s.bytesLeft())
		}
		if got := s.ask("member@p1", "PUT /v2/images/"+b+"/stage", "x"); got != 204 {
			t.Error(got)
		}
		c := s.image("member@p1", plain)
		if got := s.ask("member@p1", "PUT /v2/images/"+c+"/stage", "x"); got != 413 {
			t.Error("a second one is staged:", got)
		}
		s.image("member@p1", plain)
		if got := s.ask("member@p1", "POST /v2/images", `{}`); got != 413 {
			t.Error("a fifth image:", got)
		}
		_, out := s.do("member@p1", "GET /v2/info/usage", "")
		u := out["usage"].(map[string]any)
		for name, want := range map[string]string{"image_size_total": "map[limit:3 usage:2]", "image_stage_total": "map[limit:1 usage:0]", "image_count_total": "map[limit:4 usage:4]", "image_count_uploading": "map[limit:1 usage:1]"} {
			if got := fmt.Sprint(u[name]); got != want {
				t.Errorf("%s: %s, not %s", name, got, want)
			}
		}
		// A copy in a second store counts again.
		s.bring("admin@p0", a, `{"method":{"name":"copy-image"},"stores":["b"]}`)
		s.task(a)
		if _, out = s.do("member@p1", "GET /v2/info/usage", ""); fmt.Sprint(out["usage"].(map[string]any)["image_size_total"]) != "map[limit:3 usage:4]" {
			t.Error(out)
		}
		if got := s.ask("member@p2", "POST /v2/images", `{}`); got != 201 {
			t.Error("another project has no limits:", got)
		}
	})
}

func TestPropertyProtections(t *testing.T) {
	rules, err := glance.ParseProtections(strings.NewReader("# who may\n[^x_owner_.*]\ncreate = admin,member\nread = admin,member\nupdate = admin,member\ndelete = admin\n\n[^x_none.*]\ncreate = !\nread = !\nupdate = !\ndelete = !\n[^x_admin_.*]\ncreate=admin\nread=@\nupdate=admin\ndelete=admin\n[.*]\ncreate = @\nread = @\nupdate = @\ndelete = @\n"))
	if err != nil {
		t.Fatal(err)
	}
	s := openWith(t, dbtest.New(t), t.TempDir(), two(), func(p *glance.Parts) { p.Protections = rules })
	id := s.image("member@p1", plain+`,"x_owner_a":"1","free":"1"`)
	patch := func(who, op, name string) int {
		return s.ask(who, "PATCH /v2/images/"+id, `[{"op":"`+op+`","path":"/`+name+`","value":"2"}]`, "Content-Type", v21)
	}
	for _, x := range []struct {
		who, op, name string
		want          int
	}{
		{"member@p1", "replace", "x_owner_a", 200}, {"member@p1", "remove", "x_owner_a", 403}, {"member@p1", "add", "x_none", 403}, {"admin@p1", "add", "x_none", 403},
		{"member@p1", "add", "x_admin_b", 403}, {"admin@p1", "add", "x_admin_b", 200}, {"member@p1", "replace", "x_admin_b", 403}, {"member@p1", "remove", "x_admin_b", 403}, {"member@p1", "add", "other", 200},
	} {
		if got := patch(x.who, x.op, x.name); got != x.want {
			t.Errorf("%s %s %s: %d, not %d", x.who, x.op, x.name, got, x.want)
		}
	}
	for who, want := range map[string]bool{"member@p1": true, "reader@p1": false} {
		_, out := s.do(who, "GET /v2/images/"+id, "")
		if _, ok := out["x_owner_a"]; ok != want || out["x_admin_b"] != "2" || out["free"] != "1" {
			t.Error(who, out)
		}
	}
	if got := s.ask("member@p1", "POST /v2/images", `{"x_admin_c":"1"}`); got != 403 {
		t.Error(got)
	}
	for _, wrong := range []string{"[x]\ncreate = @\n", "create = @", "[(]\n", "[x]\nfly = @", "[x]\ncreate=@,!\nread=@\nupdate=@\ndelete=@"} {
		if _, err := glance.ParseProtections(strings.NewReader(wrong)); err == nil {
			t.Errorf("%q is read", wrong)
		}
	}
}

// certs are certificates by id.
type certs map[string]*x509.Certificate

func (c certs) Certificate(_ context.Context, id string) (*x509.Certificate, error) {
	if c[id] == nil {
		return nil, fault.New(fault.NotFound, "none")
	}
	return c[id], nil
}

func certificate(t *testing.T, key crypto.Signer, until time.Time) *x509.Certificate {
	t.Helper()
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: until}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSignatures(t *testing.T) {
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	e, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	soon := time.Now().Add(time.Hour)
	keys := certs{"rsa": certificate(t, r, soon), "ec": certificate(t, e, soon), "old": certificate(t, r, time.Now().Add(-time.Minute))}
	s := openWith(t, dbtest.New(t), t.TempDir(), two(), func(p *glance.Parts) { p.Certificates = keys })
	sum := sha256.Sum256([]byte("signed data"))
	pss, err := rsa.SignPSS(rand.Reader, r, crypto.SHA256, sum[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthAuto})
	if err != nil {
		t.Fatal(err)
	}
	asn, err := ecdsa.SignASN1(rand.Reader, e, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	rsaSig, ecSig := base64.StdEncoding.EncodeToString(pss), base64.StdEncoding.EncodeToString(asn)
	for name, c := range map[string]struct {
		sig, kind, method, cert, data string
		want                          int
	}{
		"rsa":          {rsaSig, "RSA-PSS", "SHA-256", "rsa", "signed data", 204},
		"ec":           {ecSig, "ECC_SECP384R1", "SHA-256", "ec", "signed data", 204},
		"other data":   {rsaSig, "RSA-PSS", "SHA-256", "rsa", "other data", 400},
		"other hash":   {rsaSig, "RSA-PSS", "SHA-512", "rsa", "signed data", 400},
		"no such cert": {rsaSig, "RSA-PSS", "SHA-256", "none", "signed data", 400},
		"expired":      {rsaSig, "RSA-PSS", "SHA-256", "old", "signed data", 400},
		"wrong kind":   {rsaSig, "ECC_SECP384R1", "SHA-256", "rsa", "signed data", 400},
		"no kind":      {rsaSig, "ROT13", "SHA-256", "rsa", "signed data", 400},
		"no base64":    {"%%%", "RSA-PSS", "SHA-256", "rsa", "signed data", 400},
	} {
		id := s.image("member@p1", fmt.Sprintf(`,"disk_format":"raw","img_signature":%q,"img_signature_key_type":%q,"img_signature_hash_method":%q,"img_signature_certificate_uuid":%q`, c.sig, c.kind, c.method, c.cert))
		if w, out := s.do("member@p1", "PUT /v2/images/"+id+"/file", c.data); w.Code != c.want || c.want == 400 && s.status(id) != "queued" {
			t.Errorf("%s: %d %v, image %s", name, w.Code, out, s.status(id))
		}
		s.ask("member@p1", "DELETE /v2/images/"+id, "")
	}
	if left := s.bytesLeft(); len(left) > 0 {
		t.Error(left)
	}
}

func TestCache(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := openWith(t, db, t.TempDir(), two(), func(p *glance.Parts) { p.Places[1].Type = "s3" })
		near, far := s.image("member@p1", plain), s.image("member@p1", plain)
		s.ask("member@p1", "PUT /v2/images/"+near+"/file", "near data")
		s.ask("member@p1", "PUT /v2/images/"+far+"/file", "far data", "X-Image-Meta-Store", "b")
		for _, id := range []string{near, far} { // the one that is far away is copied here
			s.ask("member@p1", "GET /v2/images/"+id+"/file", "")
		}
		cached := func() (ids []string, hits []float64) {
			_, out := s.do("admin@p0", "GET /v2/cache", "")
			for _, x := range out["cached_images"].([]any) {
				ids, hits = append(ids, x.(map[string]any)["image_id"].(string)), append(hits, x.(map[string]any)["hits"].(float64))
			}
			return ids, hits
		}
		s.until("it is cached", func() bool { ids, _ := cached(); return len(ids) == 1 && ids[0] == far })
		if w, _ := s.do("member@p1", "GET /v2/images/"+far+"/file", ""); w.Body.String() != "far data" {
			t.Error(w.Body)
		}
		if _, hits := cached(); hits[0] != 1 {
			t.Error("hits:", hits)
		}
		// What is cached is kept from whoever may not have it (OSSA-2013-027).
		for who, want := range map[string]int{"reader@p1": 403, "member@p2": 404} {
			if got := s.ask(who, "GET /v2/images/"+far+"/file", ""); got != want {
				t.Errorf("%s: %d", who, got)
			}
		}
		for call, want := range map[string]int{"PUT /v2/cache/" + near: 202, "PUT /v2/cache/nosuch": 404, "PUT /v2/cache/" + s.image("admin@p0", plain): 400, "DELETE /v2/cache/nosuch": 404, "DELETE /v2/cache/" + far: 204, "POST /v2/cache/clean": 200, "POST /v2/cache/prune": 200} {
			if got := s.ask("admin@p0", call, ""); got != want {
				t.Errorf("%s: %d, not %d", call, got, want)
			}
			if got := s.ask("member@p1", call, ""); got != 403 {
				t.Errorf("%s by a member: %d", call, got)
			}
		}
		s.until("the other is cached", func() bool { ids, _ := cached(); return len(ids) == 1 && ids[0] == near })
		s.ask("member@p1", "DELETE /v2/images/"+near, "")
		if ids, _ := cached(); len(ids) > 0 {
			t.Error("an image that is gone is cached", ids)
		}
		if got := s.ask("admin@p0", "DELETE /v2/cache", "", "X-Image-Cache-Clear-Target", "x"); got != 400 {
			t.Error(got)
		}
		if left := s.bytesLeft(); len(left) != 1 {
			t.Error(left)
		}
	})
}

func TestLocations(t *testing.T) {
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "data elsewhere") }))
	defer web.Close()
	o := two()
	o.Stores = append(o.Stores, glance.StoreOptions{ID: "web", Type: "http"})
	o.ShowLocations, o.ShowDirectURL = true, true
	s := openWith(t, dbtest.New(t), t.TempDir(), o)
	other := s.image("member@p2", plain)
	s.ask("member@p2", "PUT /v2/images/"+other+"/file", "secret of p2")
	secret := s.get(other)["direct_url"].(string)
	id := s.image("member@p1", plain)
	add := func(who, id, body string) int { return s.ask(who, "POST /v2/images/"+id+"/locations", body) }
	for body, want := range map[string]int{
		`{}`: 400, `{"url":"file:///etc/passwd"}`: 403, `{"url":"` + secret + `"}`: 403, `{"url":"http://169.254.169.254/"}`: 400, `{"url":"gopher://x"}`: 403,
		`{"url":"` + web.URL + `","validation_data":{"os_hash_algo":"md5","os_hash_value":"ab"}}`: 400, `{"url":"` + web.URL + `","validation_data":{"os_hash_value":"xy"}}`: 400,
	} {
		if got := add("member@p1", id, body); got != want {
			t.Errorf("%s: %d, not %d", body, got, want)
		}
	}
	for _, url := range []string{"file:///etc/passwd", "filesystem:///etc/passwd", secret} { // not for administrators either (OSSA-2015-002)
		if got := add("admin@p1", id, `{"url":"`+url+`"}`); got != 400 {
			t.Errorf("%s: %d", url, got)
		}
	}
	if got := add("member@p1", id, `{"url":"`+web.URL+`","validation_data":{"os_hash_algo":"sha512","os_hash_value":"`+strings.Repeat("ab", 64)+`"}}`); got != 202 {
		t.Fatal(got)
	}
	if task := s.task(id); task["status"] != "failure" || s.status(id) != "queued" {
		t.Error("another hash than was promised:", task)
	}
	if got := add("member@p1", id, `{"url":"`+web.URL+`"}`); got != 202 {
		t.Fatal(got)
	}
	s.task(id)
	if i := s.get(id); i["status"] != "active" || i["size"] != float64(14) || i["stores"] != "web" || i["direct_url"] != web.URL {
		t.Error(i)
	}
	if w, _ := s.do("member@p1", "GET /v2/images/"+id+"/file", "", "Range", "bytes=5-"); w.Code != 206 || w.Body.String() != "elsewhere" {
		t.Error(w.Code, w.Body)
	}
	if got := s.ask("member@p1", "GET /v2/images/"+id+"/locations", ""); got != 403 {
		t.Error("a member reads locations:", got)
	}
	patch := func(who, body string) int {
		return s.ask(who, "PATCH /v2/images/"+id, `[`+body+`]`, "Content-Type", v21)
	}
	for _, x := range []struct {
		body string
		want int
	}{
		{`{"op":"remove","path":"/locations/0"}`, 403}, // the last one (OSSA-2016-006)
		{`{"op":"replace","path":"/locations","value":[]}`, 403},
		{`{"op":"add","path":"/locations/-","value":{"url":"` + secret + `","metadata":{}}}`, 400},
		{`{"op":"add","path":"/locations/-","value":{"url":"file:///etc/passwd","metadata":{}}}`, 400},
		{`{"op":"add","path":"/locations/7","value":{"url":"` + web.URL + `#b","metadata":{}}}`, 400},
		{`{"op":"add","path":"/locations/-","value":{"url":"` + web.URL + `","metadata":{}}}`, 400},
		{`{"op":"add","path":"/locations/-","value":{"url":"` + web.URL + `#b","metadata":{"k":"v"}}}`, 200},
		{`{"op":"remove","path":"/locations/0"}`, 200},
		{`{"op":"replace","path":"/status","value":"queued"}`, 403}, // OSSA-2015-019
	} {
		if got := patch("admin@p1", x.body); got != x.want {
			t.Errorf("%s: %d, not %d", x.body, got, x.want)
		}
	}
	if i := s.get(id); i["status"] != "active" || i["direct_url"] != web.URL+"#b" {
		t.Error(i)
	}
	if got := s.ask("member@p1", "DELETE /v2/images/"+id, ""); got != 204 || s.ask("member@p2", "GET /v2/images/"+other+"/file", "") != 200 {
		t.Error(got)
	}
}

// regions have one image service, at an address.
type regions string

func (r regions) ImageEndpoint(_ context.Context, region, iface string) (string, error) {
	if region != "one" || iface != "public" {
		return "", fault.New(fault.NotFound, "none")
	}
	return string(r), nil
}

func TestGlanceDownload(t *testing.T) {
	from := openWith(t, dbtest.New(t), t.TempDir(), two())
	web := httptest.NewServer(from.h)
	defer web.Close()
	src := from.image("member@p1", plain+`,"hw_cpu_cores":"5","speed":"88mph","os_distro":"rhel"`)
	from.ask("member@p1", "PUT /v2/images/"+src+"/file", "remote data")
	s := openWith(t, dbtest.New(t), t.TempDir(), two(), func(p *glance.Parts) { p.Regions = regions(web.URL) })
	for name, c := range map[string]struct {
		who, region, image, want string
	}{
		"there":            {"member@p1", "one", src, "active"},
		"another's":        {"member@p2", "one", src, "queued"},
		"not there":        {"member@p1", "one", "36d4b546-64a2-4bb9-bdd0-ba676aa48f2c", "queued"},
		"in no such place": {"member@p1", "two", src, "queued"},
	} {
		id := s.image(c.who, `,"disk_format":"iso","os_distro":"windows"`)
		if got := s.bring(c.who, id, `{"method":{"name":"glance-download","glance_region":"`+c.region+`","glance_image_id":"`+c.image+`"}}`); got != 202 {
			t.Fatal(name, got)
		}
		task, i := s.task(id), s.get(id)
		if i["status"] != c.want || c.want == "active" && (i["disk_format"] != "raw" || i["hw_cpu_cores"] != "5" || i["os_distro"] != "rhel" || i["speed"] != nil) || c.want == "queued" && i["os_distro"] != "windows" {
			t.Errorf("%s: %v %v", name, task, i)
		}
		delete(task, "user_id") // tokens are users' names here
		if strings.Contains(fmt.Sprint(task), c.who) {
			t.Error("the task shows its caller's token:", task)
		}
	}
}
