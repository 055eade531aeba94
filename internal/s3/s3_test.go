package s3_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"stackd/internal/s3"
	"stackd/internal/s3/s3test"
)

func TestObjects(t *testing.T) {
	web := s3test.New(t)
	b, err := s3.New(web.Options)
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	for n := range 2*s3test.Page + 1 {
		if err := b.Put(ctx, fmt.Sprintf("a/%d", n), []byte{byte(n), 1}); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Put(ctx, "b", nil); err != nil {
		t.Fatal(err)
	}
	var names []string
	if err := b.List(ctx, "a/", func(n string) error { names = append(names, n); return nil }); err != nil || len(names) != 2*s3test.Page+1 {
		t.Fatal(names, err)
	}
	if got, err := b.Get(ctx, "a/2", 2); err != nil || !bytes.Equal(got, []byte{2, 1}) {
		t.Error(got, err)
	}
	if _, err := b.Get(ctx, "a/2", 1); err == nil {
		t.Error("a longer object was read")
	}
	if _, err := b.Get(ctx, "none", 1); !s3.Missing(err) {
		t.Error(err)
	}
	for _, n := range append(names, "b", "none") {
		if err := b.Delete(ctx, n); err != nil {
			t.Error(err)
		}
	}
	if l := web.Left(); len(l) > 0 {
		t.Error("left over:", l)
	}
}

// The example of Amazon's description of the signature ("GET Object").
func TestSignature(t *testing.T) {
	r, err := http.NewRequest("GET", "https://examplebucket.s3.amazonaws.com/test.txt", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Range", "bytes=0-9")
	s3.Sign(r, nil, s3.Options{Region: "us-east-1", AccessKey: "AKIAIOSFODNN7EXAMPLE", SecretKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}, time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC))
	if got := r.Header.Get("Authorization"); !strings.HasSuffix(got, "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41") {
		t.Error(got)
	}
}

func TestNew(t *testing.T) {
	for n, o := range []s3.Options{{}, {Endpoint: "x"}, {Endpoint: "http://h", Bucket: "b"}} {
		if _, err := s3.New(o); err == nil {
			t.Error(n)
		}
	}
}
