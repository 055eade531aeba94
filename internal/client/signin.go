package client

import (
	"context"
	"net/http"
	"strings"
)

// A Login is what one signs in with. URL is identity's, with or without /v3; a domain
// is {"id": …} or {"name": …}, nil is the default one.
type Login struct {
	URL, User, Password, Project string
	UserDomain, ProjectDomain    map[string]string
}

// SignIn is a client with a token for the login's project.
func SignIn(ctx context.Context, h *http.Client, l Login) (*Client, error) {
	var out struct {
		Token struct {
			Project, User struct{ ID string }
			Catalog       []struct {
				Type      string
				Endpoints []struct{ Interface, URL string }
			}
		}
	}
	c := &Client{Catalog: map[string]string{}, HTTP: h}
	head, err := c.Send(ctx, "POST", strings.TrimSuffix(strings.TrimSuffix(l.URL, "/"), "/v3")+"/v3/auth/tokens", nil, l.body(), &out)
	if err != nil {
		return nil, err
	}
	c.Token, c.ProjectID, c.UserID = head.Get("X-Subject-Token"), out.Token.Project.ID, out.Token.User.ID
	for _, s := range out.Token.Catalog {
		for _, e := range s.Endpoints {
			if e.Interface == "public" {
				c.Catalog[s.Type] = strings.TrimSuffix(e.URL, "/")
			}
		}
	}
	return c, nil
}

func (l Login) body() any {
	type object = map[string]any
	return object{"auth": object{
		"identity": object{"methods": []string{"password"}, "password": object{"user": object{"name": l.User, "password": l.Password, "domain": domain(l.UserDomain)}}},
		"scope":    object{"project": object{"name": l.Project, "domain": domain(l.ProjectDomain)}}}}
}

func domain(d map[string]string) map[string]string {
	if d == nil {
		return map[string]string{"id": "default"}
	}
	return d
}
