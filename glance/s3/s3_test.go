package s3

import (
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"stackd/glance/backendtest"
)

// server is as much of S3 as a Bucket asks of it; it checks every signature's form and
// key, and that the body is the one that was signed.
type server struct {
	t       *testing.T
	mu      sync.Mutex
	objects map[string][]byte
	uploads map[string]map[int][]byte // KEY?ID → parts
	n       int
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Error(err)
	}
	s.signed(r, body)
	s.mu.Lock()
	defer s.mu.Unlock()
	key := strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/bucket"), "/")
	q := r.URL.Query()
	up := key + "?" + q.Get("uploadId")
	switch {
	case r.Method == "POST" && q.Has("uploads"):
		s.n++
		s.uploads[fmt.Sprintf("%s?%d", key, s.n)] = map[int][]byte{}
		fmt.Fprintf(w, "<InitiateMultipartUploadResult><UploadId>%d</UploadId></InitiateMultipartUploadResult>", s.n)
	case r.Method == "PUT" && q.Has("uploadId"):
		n := 0
		fmt.Sscan(q.Get("partNumber"), &n)
		s.uploads[up][n] = body
		w.Header().Set("ETag", fmt.Sprintf(`"%d"`, n))
	case r.Method == "POST" && q.Has("uploadId"):
		s.complete(key, up, body)
		fmt.Fprint(w, "<CompleteMultipartUploadResult></CompleteMultipartUploadResult>")
	case r.Method == "DELETE" && q.Has("uploadId"):
		delete(s.uploads, up)
		w.WriteHeader(204)
	case r.Method == "GET" && q.Has("uploads"):
		s.list(w, q.Get("prefix"))
	case r.Method == "PUT":
		s.objects[key] = body
	case r.Method == "DELETE":
		delete(s.objects, key)
		w.WriteHeader(204)
	default:
		b, ok := s.objects[key]
		if !ok {
			w.WriteHeader(404)
			return
		}
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(string(b)))
	}
}

func (s *server) complete(key, up string, body []byte) {
	var c completed
	if err := xml.Unmarshal(body, &c); err != nil || len(c.Parts) != len(s.uploads[up]) {
		s.t.Error(err, len(c.Parts))
	}
	var all []byte
	for n, p := range c.Parts {
		if p.PartNumber != n+1 || p.ETag != fmt.Sprintf(`"%d"`, n+1) {
			s.t.Error(p)
		}
		all = append(all, s.uploads[up][n+1]...)
	}
	s.objects[key] = all
	delete(s.uploads, up)
}

func (s *server) list(w io.Writer, prefix string) {
	fmt.Fprint(w, "<ListMultipartUploadsResult>")
	for up := range s.uploads {
		if key, id, _ := strings.Cut(up, "?"); strings.HasPrefix(key, prefix) {
			fmt.Fprintf(w, "<Upload><Key>%s</Key><UploadId>%s</UploadId></Upload>", key, id)
		}
	}
	fmt.Fprint(w, "</ListMultipartUploadsResult>")
}

func (s *server) signed(r *http.Request, body []byte) {
	got := r.Header.Get("Authorization")
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err != nil {
		s.t.Error(err)
	}
	again, err := http.NewRequest(r.Method, "http://"+r.Host+r.URL.RequestURI(), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	again.Header.Set("Range", r.Header.Get("Range"))
	sign(again, body, options, at)
	if want := again.Header.Get("Authorization"); got != want {
		s.t.Errorf("%s %s is signed %s, not %s", r.Method, r.URL, got, want)
	}
}

var options = Options{Region: "eu-1", Bucket: "bucket", AccessKey: "AK", SecretKey: "SK"}

func TestBucket(t *testing.T) {
	s := &server{t: t, objects: map[string][]byte{}, uploads: map[string]map[int][]byte{}}
	web := httptest.NewServer(s)
	defer web.Close()
	o := options
	o.Endpoint = web.URL
	b, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	backendtest.Contract(t, b, 0, 1, Part-1, Part, Part+1, 2*Part+12345)
	if len(s.objects)+len(s.uploads) > 0 {
		t.Error("left over:", len(s.objects), "objects", len(s.uploads), "uploads")
	}
	if strings.Contains(b.URL("x"), "SK") || strings.Contains(b.URL("x"), "AK") {
		t.Error("the address has the key in it:", b.URL("x")) // OSSA-2013-002
	}
}

// The example of Amazon's description of the signature ("GET Object").
func TestSignature(t *testing.T) {
	r, err := http.NewRequest("GET", "https://examplebucket.s3.amazonaws.com/test.txt", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Range", "bytes=0-9")
	sign(r, nil, Options{Region: "us-east-1", AccessKey: "AKIAIOSFODNN7EXAMPLE", SecretKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}, time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC))
	if got := r.Header.Get("Authorization"); !strings.HasSuffix(got, "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41") {
		t.Error(got)
	}
}

func TestNew(t *testing.T) {
	for n, o := range []Options{{}, {Endpoint: "x"}, {Endpoint: "http://h", Bucket: "b"}} {
		if _, err := New(o); err == nil {
			t.Error(n)
		}
	}
}
