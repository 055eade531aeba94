package api

import (
	"encoding/json"
	"strings"

	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/policy"
	"stackd/internal/rest"
	"stackd/keystone"
)

func (a *API) credentialRows() []rest.Route {
	return []rest.Route{
		{On: "GET /v3/credentials", Asks: "identity:list_credentials; those who may not list all see their own", List: list("credentials", "user_id", "type"), Do: rest.Do(a.listCredentials)},
		{On: "POST /v3/credentials", Rule: "identity:create_credential", Target: newCredentialTarget, Body: a.shelf.Get("credential.create"), Status: 201, Do: rest.Do(a.createCredential)},
		{On: "GET /v3/credentials/{id}", Rule: "identity:get_credential", Target: a.credentialTarget, Do: rest.Do(a.showCredential)},
		{On: "PATCH /v3/credentials/{id}", Rule: "identity:update_credential", Target: a.credentialTarget, Body: a.shelf.Get("credential.update"), Do: rest.Do(a.updateCredential)},
		{On: "DELETE /v3/credentials/{id}", Rule: "identity:delete_credential", Target: a.credentialTarget, Status: 204, Mutates: true, Do: rest.DoNothing(a.deleteCredential)},
	}
}

// delegatedTo is the project that a delegated token must stay in; "" for others.
func delegatedTo(c *rest.Call) string {
	if c.Who.Delegated() {
		return c.Who.Project.ID
	}
	return ""
}

func newCredentialTarget(c *rest.Call) (policy.Target, error) {
	u, err := c.Peek("credential", "user_id")
	return policy.Target{"target.credential.user_id": u}, err
}

func (a *API) credentialTarget(c *rest.Call) (policy.Target, error) {
	k, err := seen(a.id.Credential(c.Context(), c.PathValue("id")))
	if err != nil || k == nil {
		return policy.Target{}, err
	}
	if p := delegatedTo(c); p != "" && k.ProjectID != p {
		return policy.Target{}, fault.New(fault.NotFound, "Could not find credential: %s.", k.ID)
	}
	return policy.Target{"target.credential.user_id": k.UserID}, nil
}

type credential struct {
	ID        string         `json:"-" wire:"id"`
	UserID    string         `json:"user_id" wire:"user_id"`
	ProjectID *string        `json:"project_id" wire:"project_id"`
	Type      string         `json:"type" wire:"type"`
	Blob      string         `json:"blob" wire:"blob"`
	Extra     map[string]any `json:"-" wire:"*"`
	Links     self           `json:"-" wire:"links"`
}

type credentialOut struct {
	Credential credential `wire:"credential"`
}

type credentialBody struct {
	ID         string          `path:"id"`
	Credential json.RawMessage `json:"credential"`
}

func credentialOf(c *rest.Call, k *keystone.Credential) credential {
	return credential{ID: k.ID, UserID: k.UserID, ProjectID: null(k.ProjectID), Type: k.Type, Blob: k.Blob, Extra: k.Extra, Links: link(c, "credentials", k.ID)}
}

func (w credential) to(k *keystone.Credential) {
	k.UserID, k.ProjectID, k.Type, k.Blob, k.Extra = w.UserID, text(w.ProjectID), w.Type, w.Blob, w.Extra
}

// listCredentials: who may list all does; others see their own.
func (a *API) listCredentials(c *rest.Call, _ struct{}) (listing.Page[credential], error) {
	if !c.May("identity:list_credentials", policy.Target{"target.credential.user_id": ""}) {
		own := policy.Target{"target.credential.user_id": c.Who.User.ID}
		if err := c.Require("identity:list_credentials", own); err != nil {
			return listing.Page[credential]{}, err
		}
		if u := c.List.First("user_id"); u != "" && u != c.Who.User.ID {
			return listing.Page[credential]{}, nil
		}
		c.List.Where["user_id"] = []string{c.Who.User.ID}
	}
	if p := delegatedTo(c); p != "" {
		c.List.Where["project_id"] = []string{p}
	}
	page, err := a.id.Credentials(c.Context(), c.List)
	return listing.Map(page, func(k *keystone.Credential) credential { return credentialOf(c, k) }), err
}

func (a *API) createCredential(c *rest.Call, in credentialBody) (credentialOut, error) {
	var w credential
	if err := merge(in.Credential, &w); err != nil {
		return credentialOut{}, err
	}
	k := &keystone.Credential{}
	w.to(k)
	if p := delegatedTo(c); p != "" && k.ProjectID != p {
		return credentialOut{}, keystone.Denied("identity:create_credential")
	}
	if strings.EqualFold(k.Type, "ec2") {
		if err := a.id.MayMakeKeys(c.Context(), c.Who, k.ProjectID); err != nil {
			return credentialOut{}, err
		}
	}
	if err := k.Bind(c.Who); err != nil {
		return credentialOut{}, err
	}
	err := a.id.CreateCredential(c.Context(), k)
	return credentialOut{credentialOf(c, k)}, err
}

func (a *API) showCredential(c *rest.Call, in idIn) (credentialOut, error) {
	k, err := a.id.Credential(c.Context(), in.ID)
	if err != nil {
		return credentialOut{}, err
	}
	return credentialOut{credentialOf(c, k)}, nil
}

// updateCredential: whose it is afterwards must be allowed to the caller as well.
func (a *API) updateCredential(c *rest.Call, in credentialBody) (credentialOut, error) {
	k, err := a.id.UpdateCredential(c.Context(), in.ID, func(k *keystone.Credential) error {
		w := credentialOf(c, k)
		if err := merge(in.Credential, &w); err != nil {
			return err
		}
		w.to(k)
		if p := delegatedTo(c); p != "" && k.ProjectID != p {
			return keystone.Denied("identity:update_credential")
		}
		return c.Require("identity:update_credential", policy.Target{"target.credential.user_id": k.UserID})
	})
	if err != nil {
		return credentialOut{}, err
	}
	return credentialOut{credentialOf(c, k)}, nil
}

func (a *API) deleteCredential(c *rest.Call, in idIn) error {
	return a.id.DeleteCredential(c.Context(), in.ID)
}
