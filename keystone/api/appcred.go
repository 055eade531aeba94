package api

import (
	"time"

	"stackd/internal/listing"
	"stackd/internal/policy"
	"stackd/internal/rest"
	"stackd/keystone"
)

func (a *API) appCredRows() []rest.Route {
	on := "/v3/users/{id}/application_credentials"
	return []rest.Route{
		{On: "GET " + on, Rule: "identity:list_application_credentials", Target: a.userTarget, List: list("application_credentials", "name"), Do: rest.Do(a.listAppCreds)},
		{On: "POST " + on, Rule: "identity:create_application_credential", Target: a.userTarget, Body: a.shelf.Get("appcred.create"), Status: 201, Do: rest.Do(a.createAppCred)},
		{On: "GET " + on + "/{cred}", Rule: "identity:get_application_credential", Target: a.appCredTarget, Do: rest.Do(a.showAppCred)},
		{On: "DELETE " + on + "/{cred}", Rule: "identity:delete_application_credential", Target: a.appCredTarget, Status: 204, Mutates: true, Do: rest.DoNothing(a.deleteAppCred)},
	}
}

// appCredTarget is the owner of the credential itself, whichever user the path names.
func (a *API) appCredTarget(c *rest.Call) (policy.Target, error) {
	owner, err := a.id.AppCredOwner(c.Context(), c.PathValue("cred"))
	if err != nil {
		return nil, err
	}
	if owner == "" {
		return a.userTarget(c)
	}
	return policy.Target{"user_id": owner, "target.user.id": owner}, nil
}

type appCred struct {
	ID           string           `wire:"id"`
	Name         string           `wire:"name"`
	Description  *string          `wire:"description"`
	UserID       string           `wire:"user_id"`
	ProjectID    string           `wire:"project_id"`
	System       *string          `wire:"system"`
	ExpiresAt    *string          `wire:"expires_at"`
	Unrestricted *bool            `wire:"unrestricted"`
	Roles        []appCredRole    `wire:"roles"`
	Rules        []accessRuleView `wire:"access_rules,,omitempty"`
	Secret       *string          `wire:"secret,,omitempty"`
	Links        self             `wire:"links"`
}

type appCredRole struct {
	ID          string         `wire:"id"`
	Name        string         `wire:"name"`
	DomainID    *string        `wire:"domain_id"`
	Description *string        `wire:"description"`
	Options     map[string]any `wire:"options"`
}

type appCredOut struct {
	AppCred appCred `wire:"application_credential"`
}

type credIn struct {
	ID   string `path:"id"`
	Cred string `path:"cred"`
}

func appCredOf(c *rest.Call, k *keystone.AppCredential) appCred {
	v := appCred{ID: k.ID, Name: k.Name, Description: k.Description, UserID: k.UserID, ProjectID: k.ProjectID, ExpiresAt: bare(k.ExpiresAt),
		Unrestricted: k.Unrestricted, Rules: accessRules(k.Rules), Links: link(c, "application_credentials", k.ID)}
	for _, r := range k.Roles {
		v.Roles = append(v.Roles, appCredRole{r.ID, r.Name, null(r.DomainID), r.Description, options(r.Options)})
	}
	return v
}

// bare is a time without its zone, as application credentials show theirs.
func bare(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	s := t.UTC().Format("2006-01-02T15:04:05.000000")
	return &s
}

func (a *API) listAppCreds(c *rest.Call, in idIn) (listing.Page[appCred], error) {
	c.List.Where["user_id"] = []string{in.ID}
	page, err := a.id.AppCreds(c.Context(), c.List)
	return listing.Map(page, func(k *keystone.AppCredential) appCred { return appCredOf(c, k) }), err
}

type appCredIn struct {
	AppCred struct {
		Name         string  `json:"name"`
		Description  *string `json:"description"`
		Secret       *string `json:"secret"`
		ExpiresAt    stamp   `json:"expires_at"`
		Unrestricted *bool   `json:"unrestricted"`
		Roles        []struct {
			ID   string `json:"id"`
			Name string `json:"name"`
		} `json:"roles"`
		Rules []struct {
			ID      string `json:"id"`
			Service string `json:"service"`
			Path    string `json:"path"`
			Method  string `json:"method"`
		} `json:"access_rules"`
	} `json:"application_credential"`
}

func (a *API) createAppCred(c *rest.Call, in appCredIn) (appCredOut, error) {
	w := in.AppCred
	s := keystone.AppCredSpec{Secret: text(w.Secret)}
	s.Name, s.Description, s.ExpiresAt, s.Unrestricted = w.Name, w.Description, time.Time(w.ExpiresAt), w.Unrestricted
	for _, r := range w.Roles {
		s.Wanted = append(s.Wanted, keystone.Ref{ID: r.ID, Name: r.Name})
	}
	for _, r := range w.Rules {
		s.Rules = append(s.Rules, &keystone.AccessRule{ID: r.ID, Service: r.Service, Path: r.Path, Method: r.Method})
	}
	k, secret, err := a.id.CreateAppCred(c.Context(), c.Who, s)
	if err != nil {
		return appCredOut{}, err
	}
	v := appCredOf(c, k)
	v.Secret = &secret
	return appCredOut{v}, nil
}

func (a *API) showAppCred(c *rest.Call, in credIn) (appCredOut, error) {
	k, err := a.id.AppCred(c.Context(), in.ID, in.Cred)
	if err != nil {
		return appCredOut{}, err
	}
	return appCredOut{appCredOf(c, k)}, nil
}

func (a *API) deleteAppCred(c *rest.Call, in credIn) error {
	return a.id.DeleteAppCred(c.Context(), c.Who, in.ID, in.Cred)
}
