package api_test

import (
	"crypto/md5"
	"crypto/sha512"
	"hash"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"stackd/internal/sqldb/dbtest"
)

// zeros is a body without end.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

const large = 256 << 20

// What the hashes alone would take, for comparison.
func BenchmarkHashes(b *testing.B) {
	buf := make([]byte, 256<<10)
	for name, h := range map[string]hash.Hash{"md5": md5.New(), "sha512": sha512.New()} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(large)
			for b.Loop() {
				for range large / len(buf) {
					h.Write(buf)
				}
			}
		})
	}
}

// An upload over a real connection into files, synced.
func BenchmarkUpload(b *testing.B) {
	s := open(b, dbtest.SQLite(b))
	web := httptest.NewServer(s.h)
	defer web.Close()
	b.SetBytes(large)
	for b.Loop() {
		id := s.image("member@p1", plain)
		r, err := http.NewRequest("PUT", web.URL+"/v2/images/"+id+"/file", io.LimitReader(zeros{}, large))
		if err != nil {
			b.Fatal(err)
		}
		r.ContentLength = large
		r.Header.Set("X-Auth-Token", "member@p1")
		r.Header.Set("Content-Type", "application/octet-stream")
		a, err := http.DefaultClient.Do(r)
		if err != nil || a.StatusCode != 204 {
			b.Fatal(a, err)
		}
		a.Body.Close()
		s.ask("member@p1", "DELETE /v2/images/"+id, "")
	}
}
