// Package s3 keeps images' bytes in a bucket of any S3 service, in parts as they come:
// an object is there whole or not at all.
package s3

import (
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"time"

	"stackd/glance"
	"stackd/internal/s3"
)

// Bucket is a glance.Backend.
type Bucket struct{ s3 *s3.Bucket }

var _ glance.Backend = (*Bucket)(nil)

// Part is the size of an object's first parts; later ones are larger, as there may be
// ten thousand of them only. One is in memory at a time.
const Part = 16 << 20

// New makes a Bucket; nothing is asked of the service yet.
func New(o s3.Options) (*Bucket, error) {
	b, err := s3.New(o)
	return &Bucket{b}, err
}

// URL never has the key in it.
func (b *Bucket) URL(name string) string { return b.s3.URL(name) }

// Create begins an object. Up to one part it is put at once; a larger one in parts.
func (b *Bucket) Create(ctx context.Context, name string, _ int64) (glance.Writer, error) {
	return &writer{ctx: ctx, b: b, name: name}, nil
}

type writer struct {
	ctx    context.Context
	b      *Bucket
	name   string
	upload string
	buf    []byte
	tags   []string
	over   bool
}

// want is the size of the part that is being filled.
func (w *writer) want() int { return Part * (1 + len(w.tags)/1000) }

func (w *writer) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		if cap(w.buf) < w.want() {
			w.buf = append(make([]byte, 0, w.want()), w.buf...)
		}
		k := min(len(p), w.want()-len(w.buf))
		w.buf = append(w.buf, p[:k]...)
		p = p[k:]
		if len(w.buf) == w.want() {
			if err := w.flush(); err != nil {
				return 0, err
			}
		}
	}
	return n, nil
}

// flush sends the part.
func (w *writer) flush() error {
	if w.upload == "" {
		var begun struct{ UploadId string }
		if _, err := w.b.s3.Ask(w.ctx, "POST", w.name, url.Values{"uploads": {""}}, nil, &begun); err != nil {
			return err
		}
		if w.upload = begun.UploadId; w.upload == "" {
			return fmt.Errorf("s3: the service begins no upload")
		}
	}
	h, err := w.b.s3.Ask(w.ctx, "PUT", w.name, url.Values{"partNumber": {strconv.Itoa(len(w.tags) + 1)}, "uploadId": {w.upload}}, w.buf, nil)
	if err != nil {
		return err
	}
	w.tags, w.buf = append(w.tags, h.Get("Etag")), w.buf[:0]
	return nil
}

type completed struct {
	XMLName xml.Name `xml:"CompleteMultipartUpload"`
	Parts   []part   `xml:"Part"`
}

type part struct {
	PartNumber int
	ETag       string
}

func (w *writer) Commit() error {
	if w.upload == "" {
		err := w.b.s3.Put(w.ctx, w.name, w.buf)
		w.over = err == nil
		return err
	}
	if len(w.buf) > 0 {
		if err := w.flush(); err != nil {
			return err
		}
	}
	var c completed
	for n, t := range w.tags {
		c.Parts = append(c.Parts, part{n + 1, t})
	}
	body, err := xml.Marshal(c)
	if err != nil {
		return err
	}
	var done struct {
		XMLName       xml.Name
		Code, Message string
	}
	if _, err := w.b.s3.Ask(w.ctx, "POST", w.name, url.Values{"uploadId": {w.upload}}, body, &done); err != nil {
		return err
	}
	if done.XMLName.Local == "Error" { // a 200 that changed its mind
		return fmt.Errorf("s3: %s: %s", done.Code, done.Message)
	}
	w.over = true
	return nil
}

// Abort takes the parts back; after Commit there are none.
func (w *writer) Abort() {
	if !w.over && w.upload != "" {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(w.ctx), time.Minute)
		defer cancel()
		w.b.s3.Ask(ctx, "DELETE", w.name, url.Values{"uploadId": {w.upload}}, nil, nil) // what stays, Delete finds
	}
	w.over, w.buf = true, nil
}

// Open reads by ranges, from where it is sought to.
func (b *Bucket) Open(ctx context.Context, name string) (io.ReadSeekCloser, int64, error) {
	a, err := b.s3.Do(ctx, "HEAD", name, nil, nil, nil)
	if err != nil {
		return nil, 0, err
	}
	a.Body.Close()
	return glance.Lazy(a.ContentLength, func(at int64) (io.ReadCloser, error) {
		a, err := b.s3.Do(ctx, "GET", name, nil, nil, map[string]string{"Range": fmt.Sprintf("bytes=%d-", at)})
		if err != nil {
			return nil, err
		}
		return a.Body, nil
	}), a.ContentLength, nil
}

// Delete removes the object, and the parts of uploads that died.
func (b *Bucket) Delete(ctx context.Context, name string) error {
	var found struct {
		Upload []struct{ Key, UploadId string }
	}
	if _, err := b.s3.Ask(ctx, "GET", "", url.Values{"uploads": {""}, "prefix": {name}}, nil, &found); err != nil {
		return err
	}
	for _, u := range found.Upload {
		if u.Key != name {
			continue
		}
		if _, err := b.s3.Ask(ctx, "DELETE", name, url.Values{"uploadId": {u.UploadId}}, nil, nil); err != nil && !s3.Missing(err) {
			return err
		}
	}
	return b.s3.Delete(ctx, name)
}
