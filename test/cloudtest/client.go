package cloudtest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

// A Client speaks to one OpenStack as one user.
type Client struct {
	Token, ProjectID, UserID string
	Catalog                  map[string]string // service type → public URL
	HTTP                     *http.Client
}

// A StatusError is an answer of 400 or more.
type StatusError struct {
	Method, URL string
	Status      int
	Body        string
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("%s %s: %d %s", e.Method, e.URL, e.Status, e.Body)
}

// Env reads an OS_* variable, from env first and then from the process.
func Env(env map[string]string, name string) string {
	if v, ok := env[name]; ok {
		return v
	}
	return os.Getenv(name)
}

// SignIn is a client with the credentials of env (OS_AUTH_URL, OS_USERNAME …); nil
// is the process's own environment.
func SignIn(ctx context.Context, env map[string]string) (*Client, error) {
	get := func(name string) string { return Env(env, name) }
	domain := func(id, name string) map[string]string {
		if v := get(id); v != "" {
			return map[string]string{"id": v}
		}
		if v := get(name); v != "" {
			return map[string]string{"name": v}
		}
		return map[string]string{"id": "default"}
	}
	in := map[string]any{"auth": map[string]any{
		"identity": map[string]any{"methods": []string{"password"}, "password": map[string]any{"user": map[string]any{
			"name": get("OS_USERNAME"), "password": get("OS_PASSWORD"), "domain": domain("OS_USER_DOMAIN_ID", "OS_USER_DOMAIN_NAME")}}},
		"scope": map[string]any{"project": map[string]any{"name": get("OS_PROJECT_NAME"), "domain": domain("OS_PROJECT_DOMAIN_ID", "OS_PROJECT_DOMAIN_NAME")}}}}
	var out struct {
		Token struct {
			Project, User struct{ ID string }
			Catalog       []struct {
				Type      string
				Endpoints []struct{ Interface, URL string }
			}
		}
	}
	c := &Client{Catalog: map[string]string{}, HTTP: &http.Client{Timeout: 10 * time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
	url := strings.TrimSuffix(get("OS_AUTH_URL"), "/")
	if !strings.HasSuffix(url, "/v3") {
		url += "/v3"
	}
	h, err := c.Send(ctx, "POST", url+"/auth/tokens", nil, in, &out)
	if err != nil {
		return nil, err
	}
	c.Token, c.ProjectID, c.UserID = h.Get("X-Subject-Token"), out.Token.Project.ID, out.Token.User.ID
	for _, s := range out.Token.Catalog {
		for _, e := range s.Endpoints {
			if e.Interface == "public" {
				c.Catalog[s.Type] = strings.TrimSuffix(e.URL, "/")
			}
		}
	}
	return c, nil
}

// Do sends a request to a service; path is below the catalog's address.
func (c *Client) Do(ctx context.Context, method, service, path string, in, out any) error {
	base, ok := c.Catalog[service]
	if !ok {
		return fmt.Errorf("the catalog has no %s", service)
	}
	if service == "image" && !strings.HasSuffix(base, "/v2") {
		base += "/v2"
	}
	if service == "network" && !strings.HasSuffix(base, "/v2.0") {
		base += "/v2.0"
	}
	_, err := c.Send(ctx, method, base+path, nil, in, out)
	return err
}

// Send sends in as JSON (an io.Reader as it is) and reads the answer into out.
func (c *Client) Send(ctx context.Context, method, url string, header map[string]string, in, out any) (http.Header, error) {
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
	r, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", kind)
	if c.Token != "" {
		r.Header.Set("X-Auth-Token", c.Token)
	}
	for k, v := range header {
		r.Header.Set(k, v)
	}
	a, err := c.HTTP.Do(r)
	if err != nil {
		return nil, err
	}
	defer a.Body.Close()
	if w, ok := out.(io.Writer); ok && a.StatusCode < 400 {
		_, err := io.Copy(w, a.Body)
		return a.Header, err
	}
	b, err := io.ReadAll(a.Body)
	if err != nil {
		return nil, err
	}
	if a.StatusCode >= 400 {
		return a.Header, &StatusError{method, url, a.StatusCode, string(b)}
	}
	if out == nil || len(b) == 0 {
		return a.Header, nil
	}
	return a.Header, json.Unmarshal(b, out)
}

// A Thing is what most answers have.
type Thing struct{ ID, Name, Status string }

// Ensure is the thing of that name in a listing, made when it is missing. key is
// the listing's ("networks"); one its singular.
func (c *Client) Ensure(ctx context.Context, service, path, key, one, name string, make map[string]any) (Thing, error) {
	var list map[string]json.RawMessage
	if err := c.Do(ctx, "GET", service, path, nil, &list); err != nil {
		return Thing{}, err
	}
	var have []Thing
	if err := json.Unmarshal(list[key], &have); err != nil {
		return Thing{}, err
	}
	for _, t := range have {
		if t.Name == name {
			return t, nil
		}
	}
	make["name"] = name
	in := any(map[string]any{one: make})
	if one == "" {
		in = make
	}
	var out map[string]json.RawMessage
	var t Thing
	if one == "" {
		return t, c.Do(ctx, "POST", service, path, in, &t)
	}
	if err := c.Do(ctx, "POST", service, path, in, &out); err != nil {
		return t, err
	}
	return t, json.Unmarshal(out[one], &t)
}
