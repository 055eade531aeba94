package client_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"stackd/internal/client"
)

// cloud is an identity service and a network service that remembers what it was asked.
func cloud(t *testing.T) (url string, asked *[]string) {
	asked = &[]string{}
	s := httptest.NewServer(nil)
	t.Cleanup(s.Close)
	s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		*asked = append(*asked, r.Method+" "+r.URL.Path+" "+r.Header.Get("X-Auth-Token")+" "+string(b))
		switch {
		case r.URL.Path == "/v3/auth/tokens":
			w.Header().Set("X-Subject-Token", "secret")
			w.WriteHeader(201)
			json.NewEncoder(w).Encode(map[string]any{"token": map[string]any{"project": map[string]string{"id": "p"}, "user": map[string]string{"id": "u"}, "catalog": []any{
				map[string]any{"type": "network", "endpoints": []any{map[string]string{"interface": "internal", "url": "http://inside"}, map[string]string{"interface": "public", "url": s.URL + "/"}}}}}})
		case r.URL.Path == "/v2.0/networks" && r.Method == "GET":
			io.WriteString(w, `{"networks":[{"id":"1","name":"old"}]}`)
		case r.URL.Path == "/v2.0/networks":
			io.WriteString(w, `{"network":{"id":"2","name":"new"}}`)
		default:
			http.Error(w, "no such thing\n", 404)
		}
	})
	return s.URL, asked
}

func TestClient(t *testing.T) {
	url, asked := cloud(t)
	c, err := client.SignIn(t.Context(), http.DefaultClient, client.Login{URL: url + "/v3/", User: "ann", Password: "x", Project: "p"})
	if err != nil || c.Token != "secret" || c.ProjectID != "p" || c.UserID != "u" || c.Catalog["network"] != url {
		t.Fatal(c, err)
	}
	if have, made, err := c.Ensure(t.Context(), "network", "/networks", "networks", "network", "old", map[string]any{}); err != nil || made || have.ID != "1" {
		t.Error(have, made, err)
	}
	if have, made, err := c.Ensure(t.Context(), "network", "/networks?name=new", "networks", "network", "new", map[string]any{"mtu": 1400}); err != nil || !made || have.ID != "2" {
		t.Error(have, made, err)
	}
	if last := (*asked)[len(*asked)-1]; last != `POST /v2.0/networks secret {"network":{"mtu":1400,"name":"new"}}` {
		t.Error(last)
	}
	var status *client.StatusError
	if err := c.Do(t.Context(), "GET", "network", "/nothing", nil, nil); !errors.As(err, &status) || status.Status != 404 || !strings.HasSuffix(err.Error(), "/v2.0/nothing: 404 no such thing") {
		t.Error(err)
	}
	if err := c.Do(t.Context(), "GET", "object-store", "/", nil, nil); err == nil || !strings.Contains(err.Error(), "the catalog has no object-store") {
		t.Error(err)
	}
}
