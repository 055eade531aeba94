// Package s3test is an S3 service for tests: as much of one as package s3 asks for.
package s3test

import (
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"stackd/internal/s3"
)

// Page is how many objects a listing has at once.
const Page = 3

// A Server checks every signature's form and key, and that the body is the one that was
// signed.
type Server struct {
	Options s3.Options // how to reach it

	t       testing.TB
	mu      sync.Mutex
	objects map[string][]byte
	uploads map[string]map[int][]byte // KEY?ID → parts
	n       int
	refuse  int // so many requests from now on are answered 503; < 0 is never
}

// New starts a service that ends with the test.
func New(t testing.TB) *Server {
	s := &Server{t: t, objects: map[string][]byte{}, uploads: map[string]map[int][]byte{}}
	web := httptest.NewServer(s)
	t.Cleanup(web.Close)
	s.Options = s3.Options{Endpoint: web.URL, Region: "eu-1", Bucket: "bucket", AccessKey: "AK", SecretKey: "SK"}
	return s
}

// Left are the names of the objects and begun uploads.
func (s *Server) Left() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append(slices.Sorted(maps.Keys(s.objects)), slices.Sorted(maps.Keys(s.uploads))...)
}

// Refuse has the next n requests answered with 503.
func (s *Server) Refuse(n int) { s.mu.Lock(); s.refuse = n; s.mu.Unlock() }

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Error(err)
	}
	s.signed(r, body)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse > 0 {
		s.refuse--
		w.WriteHeader(503)
		return
	}
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
		s.unfinished(w, q.Get("prefix"))
	case r.Method == "GET" && q.Get("list-type") == "2":
		s.list(w, q.Get("prefix"), q.Get("continuation-token"))
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

func (s *Server) complete(key, up string, body []byte) {
	var c struct {
		Part []struct {
			PartNumber int
			ETag       string
		}
	}
	if err := xml.Unmarshal(body, &c); err != nil || len(c.Part) != len(s.uploads[up]) {
		s.t.Error(err, len(c.Part))
	}
	var all []byte
	for n, p := range c.Part {
		if p.PartNumber != n+1 || p.ETag != fmt.Sprintf(`"%d"`, n+1) {
			s.t.Error(p)
		}
		all = append(all, s.uploads[up][n+1]...)
	}
	s.objects[key] = all
	delete(s.uploads, up)
}

func (s *Server) unfinished(w io.Writer, prefix string) {
	fmt.Fprint(w, "<ListMultipartUploadsResult>")
	for up := range s.uploads {
		if key, id, _ := strings.Cut(up, "?"); strings.HasPrefix(key, prefix) {
			fmt.Fprintf(w, "<Upload><Key>%s</Key><UploadId>%s</UploadId></Upload>", key, id)
		}
	}
	fmt.Fprint(w, "</ListMultipartUploadsResult>")
}

func (s *Server) list(w io.Writer, prefix, after string) {
	fmt.Fprint(w, "<ListBucketResult>")
	n, last := 0, ""
	for _, key := range slices.Sorted(maps.Keys(s.objects)) {
		if !strings.HasPrefix(key, prefix) || key <= after {
			continue
		}
		if n++; n > Page {
			fmt.Fprintf(w, "<IsTruncated>true</IsTruncated><NextContinuationToken>%s</NextContinuationToken>", last)
			break
		}
		fmt.Fprintf(w, "<Contents><Key>%s</Key></Contents>", key)
		last = key
	}
	fmt.Fprint(w, "</ListBucketResult>")
}

func (s *Server) signed(r *http.Request, body []byte) {
	got := r.Header.Get("Authorization")
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err != nil {
		s.t.Error(err)
	}
	again, err := http.NewRequest(r.Method, "http://"+r.Host+r.URL.RequestURI(), nil)
	if err != nil {
		s.t.Error(err)
		return
	}
	again.Header.Set("Range", r.Header.Get("Range"))
	s3.Sign(again, body, s.Options, at)
	if want := again.Header.Get("Authorization"); got != want {
		s.t.Errorf("%s %s is signed %s, not %s", r.Method, r.URL, got, want)
	}
}
