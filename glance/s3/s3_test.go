package s3

import (
	"strings"
	"testing"

	"stackd/glance/backendtest"
	"stackd/internal/s3/s3test"
)

func TestBucket(t *testing.T) {
	web := s3test.New(t)
	b, err := New(web.Options)
	if err != nil {
		t.Fatal(err)
	}
	backendtest.Contract(t, b, 0, 1, Part-1, Part, Part+1, 2*Part+12345)
	if l := web.Left(); len(l) > 0 {
		t.Error("left over:", l)
	}
	if strings.Contains(b.URL("x"), "SK") || strings.Contains(b.URL("x"), "AK") {
		t.Error("the address has the key in it:", b.URL("x")) // OSSA-2013-002
	}
}
