package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

// A client speaks to the cloud's own APIs as any other client does.
type client struct {
	o     *options
	http  *http.Client
	token string
	// Project is what the token is for.
	Project, User string
}

// signIn is a client with a token of l.
func signIn(ctx context.Context, o *options, l login) (*client, error) {
	c := &client{o: o, http: &http.Client{Timeout: 10 * time.Minute}}
	if o.TLSCert != "" {
		pem, err := os.ReadFile(o.TLSCert)
		if err != nil {
			return nil, err
		}
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(pem)
		c.http.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	}
	home := map[string]any{"name": "Default"}
	body := map[string]any{"auth": map[string]any{
		"identity": map[string]any{"methods": []string{"password"}, "password": map[string]any{"user": map[string]any{"name": l.User, "domain": home, "password": l.Password}}},
		"scope":    map[string]any{"project": map[string]any{"name": l.Project, "domain": home}}}}
	var out struct {
		Token struct {
			Project, User struct{ ID string }
		}
	}
	h, err := c.do(ctx, "POST", 5000, "/v3/auth/tokens", body, &out)
	if err != nil {
		return nil, err
	}
	c.token, c.Project, c.User = h.Get("X-Subject-Token"), out.Token.Project.ID, out.Token.User.ID
	return c, nil
}

// do sends a request with a JSON body and reads a JSON answer; nil is none of it.
func (c *client) do(ctx context.Context, method string, port int, path string, in, out any) (http.Header, error) {
	var body io.Reader
	kind := "application/json"
	switch v := in.(type) {
	case nil:
	case io.Reader:
		body, kind = v, "application/octet-stream"
	default:
		b, err := json.Marshal(in)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(b)
	}
	r, err := http.NewRequestWithContext(ctx, method, c.o.address(port)+path, body)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", kind)
	r.Header.Set("X-Auth-Token", c.token)
	r.Header.Set("X-OpenStack-Nova-API-Version", "2.90")
	a, err := c.http.Do(r)
	if err != nil {
		return nil, err
	}
	defer a.Body.Close()
	b, err := io.ReadAll(io.LimitReader(a.Body, 16<<20))
	if err != nil {
		return nil, err
	}
	if a.StatusCode >= 400 {
		return nil, fmt.Errorf("%s %s: %s: %s", method, path, a.Status, strings.TrimSpace(string(b)))
	}
	if out == nil || len(b) == 0 {
		return a.Header, nil
	}
	return a.Header, json.Unmarshal(b, out)
}

// A thing is what most answers have.
type thing struct{ ID, Name, Status string }

// named is the thing of that name in a list, nil if there is none.
func (c *client) named(ctx context.Context, port int, path, key, name string) (*thing, error) {
	var out map[string]json.RawMessage
	if _, err := c.do(ctx, "GET", port, path, nil, &out); err != nil {
		return nil, err
	}
	var list []thing
	if err := json.Unmarshal(out[key], &list); err != nil {
		return nil, err
	}
	for _, t := range list {
		if t.Name == name {
			return &t, nil
		}
	}
	return nil, nil
}

// ensure is named, making the thing when it is missing.
func (c *client) ensure(ctx context.Context, port int, path, key, name string, make map[string]any) (t thing, made bool, err error) {
	have, err := c.named(ctx, port, path, key, name)
	if err != nil || have != nil {
		if have != nil {
			t = *have
		}
		return t, false, err
	}
	one := strings.TrimSuffix(key, "s")
	make["name"] = name
	var out map[string]json.RawMessage
	plain, _, _ := strings.Cut(path, "?")
	if _, err := c.do(ctx, "POST", port, plain, map[string]any{one: make}, &out); err != nil {
		return t, false, err
	}
	return t, true, json.Unmarshal(out[one], &t)
}
