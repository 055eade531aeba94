package api

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/rest"
	"stackd/keystone"
)

func (a *API) oauth1Rows() []rest.Route {
	on, of := "/v3/OS-OAUTH1", "/v3/users/{id}/OS-OAUTH1/access_tokens"
	return []rest.Route{
		{On: "POST " + on + "/request_token", Open: true, Stream: true, Mutates: true, Status: 201, Do: rest.Do(a.askByOAuth)},
		{On: "PUT " + on + "/authorize/{id}", Rule: "identity:authorize_request_token", Target: nobody, Body: a.shelf.Get("oauth1.authorize"), Do: rest.Do(a.authorize)},
		{On: "POST " + on + "/access_token", Open: true, Stream: true, Mutates: true, Status: 201, Do: rest.Do(a.exchange)},
		{On: "GET " + of, Rule: "identity:list_access_tokens", Target: nobody, List: list("access_tokens"), Do: rest.Do(a.listAccessTokens)},
		{On: "GET " + of + "/{token}", Rule: "identity:get_access_token", Target: nobody, Do: rest.Do(a.showAccessToken)},
		{On: "DELETE " + of + "/{token}", Rule: "identity:delete_access_token", Target: nobody, Status: 204, Mutates: true, Do: rest.DoNothing(a.deleteAccessToken)},
		{On: "GET " + of + "/{token}/roles", Rule: "identity:list_access_token_roles", Target: nobody, List: list("roles"), Do: rest.Do(a.accessTokenRoles)},
		{On: "GET " + of + "/{token}/roles/{role}", Rule: "identity:get_access_token_role", Target: nobody, Do: rest.Do(a.accessTokenRole)},
	}
}

// oauthCall is the request as its client signed it.
func oauthCall(c *rest.Call, form string) keystone.OAuthCall {
	path, query, _ := strings.Cut(c.RequestURI, "?")
	if n := strings.Index(path, "://"); n >= 0 { // a proxy's request has the whole address
		_, path, _ = strings.Cut(path[n+3:], "/")
		path = "/" + path
	}
	return keystone.OAuthCall{Method: c.Method, URL: "http://" + c.Host + path + "?" + query, Form: form,
		Authorization: c.Header.Get("Authorization"), ProjectID: c.Header.Get("Requested-Project-Id")}
}

// formBody is the body of a request if it is a form, "" if it is none.
func formBody(c *rest.Call) (string, error) {
	b, err := io.ReadAll(http.MaxBytesReader(c.W, c.Request.Body, 16<<10))
	if err != nil {
		return "", fault.New(fault.TooLarge, "Request is too large. Larger than max_request_body_size (%d).", 16<<10).Named("body")
	}
	if kind, _, _ := strings.Cut(c.Header.Get("Content-Type"), ";"); !strings.EqualFold(strings.TrimSpace(kind), "application/x-www-form-urlencoded") {
		return "", nil
	}
	return string(b), nil
}

// oauthSecret is how OAuth1 tells a new token and its secret.
func oauthSecret(id, secret string, ends time.Time) rest.Stream {
	s := fmt.Sprintf("oauth_token=%s&oauth_token_secret=%s&oauth_expires_at=%s", id, secret, ends.UTC().Format("2006-01-02T15:04:05.000000Z"))
	return rest.Stream{Type: "application/x-www-form-urlencoded", Size: int64(len(s)), Body: io.NopCloser(strings.NewReader(s))}
}

func (a *API) askByOAuth(c *rest.Call, _ struct{}) (out rest.Stream, err error) {
	form, err := formBody(c)
	if err != nil {
		return out, err
	}
	r, err := a.id.Ask(c.Context(), oauthCall(c, form))
	if err != nil {
		return out, err
	}
	return oauthSecret(r.ID, r.Secret, r.ExpiresAt), nil
}

func (a *API) exchange(c *rest.Call, _ struct{}) (out rest.Stream, err error) {
	form, err := formBody(c)
	if err != nil {
		return out, err
	}
	t, err := a.id.Exchange(c.Context(), oauthCall(c, form))
	if err != nil {
		return out, err
	}
	return oauthSecret(t.ID, t.Secret, t.ExpiresAt), nil
}

func (a *API) authorize(c *rest.Call, in struct {
	ID    string `path:"id"`
	Roles []struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	} `json:"roles"`
}) (any, error) {
	var wanted []keystone.Ref
	for _, r := range in.Roles {
		wanted = append(wanted, keystone.Ref{ID: r.ID, Name: r.Name})
	}
	v, err := a.id.Authorize(c.Context(), c.Who, in.ID, wanted)
	return map[string]any{"token": map[string]any{"oauth_verifier": v}}, err
}

type accessToken struct {
	ID         string `wire:"id"`
	ConsumerID string `wire:"consumer_id"`
	ProjectID  string `wire:"project_id"`
	UserID     string `wire:"authorizing_user_id"`
	ExpiresAt  stamp  `wire:"expires_at"`
	Links      struct {
		Roles string `wire:"roles"`
		Self  string `wire:"self"`
	} `wire:"links"`
}

func accessTokenOf(c *rest.Call, t *keystone.AccessToken) accessToken {
	v := accessToken{ID: t.ID, ConsumerID: t.ConsumerID, ProjectID: t.ProjectID, UserID: t.UserID, ExpiresAt: stamp(t.ExpiresAt)}
	v.Links.Self = link(c, "users/"+t.UserID+"/OS-OAUTH1/access_tokens", t.ID).Self
	v.Links.Roles = v.Links.Self + "/roles"
	return v
}

type accessTokenIn struct {
	User  string `path:"id"`
	Token string `path:"token"`
}

func (a *API) listAccessTokens(c *rest.Call, in idIn) (listing.Page[accessToken], error) {
	c.List.Where["user_id"] = []string{in.ID}
	page, err := a.id.AccessTokens(c.Context(), c.Who, c.List)
	return listing.Map(page, func(t *keystone.AccessToken) accessToken { return accessTokenOf(c, t) }), err
}

func (a *API) showAccessToken(c *rest.Call, in accessTokenIn) (any, error) {
	t, err := a.id.ShowAccessToken(c.Context(), c.Who, in.User, in.Token)
	if err != nil {
		return nil, err
	}
	return struct {
		Token accessToken `wire:"access_token"`
	}{accessTokenOf(c, t)}, nil
}

func (a *API) deleteAccessToken(c *rest.Call, in accessTokenIn) error {
	return a.id.DeleteAccessToken(c.Context(), c.Who, in.User, in.Token)
}

func (a *API) accessTokenRoles(c *rest.Call, in accessTokenIn) (page listing.Page[role], err error) {
	roles, err := a.id.AccessTokenRoles(c.Context(), in.User, in.Token)
	for _, r := range roles {
		page.Items = append(page.Items, roleOf(c, r))
	}
	return page, err
}

func (a *API) accessTokenRole(c *rest.Call, in struct {
	accessTokenIn
	Role string `path:"role"`
}) (any, error) {
	roles, err := a.id.AccessTokenRoles(c.Context(), in.User, in.Token)
	for _, r := range roles {
		if r.ID == in.Role {
			return roleOut{roleOf(c, r)}, nil
		}
	}
	if err == nil {
		err = fault.New(fault.NotFound, "Could not find role: %s.", in.Role)
	}
	return nil, err
}
