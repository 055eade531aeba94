// Package s3 speaks to a bucket of any S3 service: objects as wholes, and requests for
// those who need more (parts of uploads, ranges).
package s3

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Options say where the bucket is, and by whose key it is used.
type Options struct{ Endpoint, Region, Bucket, AccessKey, SecretKey string }

// A Bucket is one bucket of one service.
type Bucket struct {
	o    Options
	base *url.URL
	http *http.Client
}

// New makes a Bucket; nothing is asked of the service yet.
func New(o Options) (*Bucket, error) {
	u, err := url.Parse(strings.TrimSuffix(o.Endpoint, "/"))
	if err != nil || u.Host == "" || o.Bucket == "" || o.AccessKey == "" || o.SecretKey == "" {
		return nil, fmt.Errorf("endpoint, bucket, access_key and secret_key must be set")
	}
	if o.Region == "" {
		o.Region = "us-east-1"
	}
	return &Bucket{o, u, &http.Client{Transport: &http.Transport{ResponseHeaderTimeout: 5 * time.Minute, MaxIdleConnsPerHost: 16}}}, nil
}

// URL never has the key in it.
func (b *Bucket) URL(name string) string {
	return "s3://" + b.base.Host + "/" + b.o.Bucket + "/" + name
}

// An answer of 300 or more.
type status struct {
	code int
	text string
}

func (s *status) Error() string { return fmt.Sprintf("s3: %d %s", s.code, s.text) }

// Missing tells whether an error says that there is no such object or upload.
func Missing(err error) bool {
	var s *status
	return errors.As(err, &s) && s.code == 404
}

// Do sends a signed request; the caller closes the answer's body. An answer of 300 or
// more is an error. No name is the bucket.
func (b *Bucket) Do(ctx context.Context, method, name string, q url.Values, body []byte, header map[string]string) (*http.Response, error) {
	u := *b.base
	u.Path += "/" + b.o.Bucket
	if name != "" {
		u.Path += "/" + name
	}
	u.RawQuery = canonicalQuery(q)
	r, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for k, v := range header {
		r.Header.Set(k, v)
	}
	Sign(r, body, b.o, time.Now().UTC())
	a, err := b.http.Do(r)
	if err != nil {
		return nil, err
	}
	if a.StatusCode >= 300 {
		defer a.Body.Close()
		text, err := io.ReadAll(io.LimitReader(a.Body, 2000))
		if err != nil {
			return nil, err
		}
		return nil, &status{a.StatusCode, string(text)}
	}
	return a, nil
}

// Ask is Do for an answer that is read as XML, or not at all.
func (b *Bucket) Ask(ctx context.Context, method, name string, q url.Values, body []byte, out any) (http.Header, error) {
	a, err := b.Do(ctx, method, name, q, body, nil)
	if err != nil {
		return nil, err
	}
	defer a.Body.Close()
	text, err := io.ReadAll(io.LimitReader(a.Body, 8<<20))
	if err != nil || out == nil {
		return a.Header, err
	}
	return a.Header, xml.Unmarshal(text, out)
}

// Put writes an object: whole, or not at all.
func (b *Bucket) Put(ctx context.Context, name string, body []byte) error {
	_, err := b.Ask(ctx, "PUT", name, nil, body, nil)
	return err
}

// Get reads an object of at most so many bytes.
func (b *Bucket) Get(ctx context.Context, name string, most int64) ([]byte, error) {
	a, err := b.Do(ctx, "GET", name, nil, nil, nil)
	if err != nil {
		return nil, err
	}
	defer a.Body.Close()
	body, err := io.ReadAll(io.LimitReader(a.Body, most+1))
	if err == nil && int64(len(body)) > most {
		err = fmt.Errorf("s3: %s has more than %d bytes", name, most)
	}
	return body, err
}

// List calls each for every object whose name begins with prefix, in the names' order.
func (b *Bucket) List(ctx context.Context, prefix string, each func(name string) error) error {
	for token := ""; ; {
		q := url.Values{"list-type": {"2"}, "prefix": {prefix}}
		if token != "" {
			q.Set("continuation-token", token)
		}
		var page struct {
			IsTruncated           bool
			NextContinuationToken string
			Contents              []struct{ Key string }
		}
		if _, err := b.Ask(ctx, "GET", "", q, nil, &page); err != nil {
			return err
		}
		for _, o := range page.Contents {
			if err := each(o.Key); err != nil {
				return err
			}
		}
		if token = page.NextContinuationToken; !page.IsTruncated || token == "" {
			return nil
		}
	}
}

// Delete removes an object; none to remove is no error.
func (b *Bucket) Delete(ctx context.Context, name string) error {
	if _, err := b.Ask(ctx, "DELETE", name, nil, nil, nil); err != nil && !Missing(err) {
		return err
	}
	return nil
}
