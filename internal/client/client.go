package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// A Client speaks to one OpenStack as one user.
type Client struct {
	Token, ProjectID, UserID string
	Catalog                  map[string]string // service type → public URL
	Header                   map[string]string // of every request
	HTTP                     *http.Client
}

// A StatusError is an answer of 400 or more.
type StatusError struct {
	Method, URL string
	Status      int
	Body        string
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("%s %s: %d %s", e.Method, e.URL, e.Status, strings.TrimSpace(e.Body))
}

// versions are what the catalog leaves off some services' addresses.
var versions = map[string]string{"image": "/v2", "network": "/v2.0"}

// Do sends a request to a service of the catalog; path is below its version.
func (c *Client) Do(ctx context.Context, method, service, path string, in, out any) error {
	base, ok := c.Catalog[service]
	if !ok {
		return fmt.Errorf("the catalog has no %s", service)
	}
	if v := versions[service]; !strings.HasSuffix(base, v) {
		base += v
	}
	_, err := c.Send(ctx, method, base+path, nil, in, out)
	return err
}

// Send sends in as JSON (an io.Reader as it is, nil nothing) and reads the answer into
// out: an io.Writer takes its bytes, anything else is read from JSON, nil is not read.
func (c *Client) Send(ctx context.Context, method, url string, header map[string]string, in, out any) (http.Header, error) {
	body, kind, err := bodyOf(in)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", kind)
	if c.Token != "" {
		r.Header.Set("X-Auth-Token", c.Token)
	}
	for _, more := range []map[string]string{c.Header, header} {
		for k, v := range more {
			r.Header.Set(k, v)
		}
	}
	a, err := c.HTTP.Do(r)
	if err != nil {
		return nil, err
	}
	defer a.Body.Close()
	return a.Header, read(a, out)
}

func bodyOf(in any) (body io.Reader, kind string, err error) {
	switch v := in.(type) {
	case nil:
		return nil, "application/json", nil
	case io.Reader:
		return v, "application/octet-stream", nil
	}
	b, err := json.Marshal(in)
	return bytes.NewReader(b), "application/json", err
}

func read(a *http.Response, out any) error {
	if w, ok := out.(io.Writer); ok && a.StatusCode < 400 {
		_, err := io.Copy(w, a.Body)
		return err
	}
	b, err := io.ReadAll(a.Body)
	if err != nil {
		return err
	}
	if a.StatusCode >= 400 {
		return &StatusError{a.Request.Method, a.Request.URL.String(), a.StatusCode, string(b)}
	}
	if out == nil || len(b) == 0 {
		return nil
	}
	return json.Unmarshal(b, out)
}
