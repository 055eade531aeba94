package api

import (
	"encoding/json"

	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/policy"
	"stackd/internal/rest"
	"stackd/keystone"
)

func (a *API) userRows() []rest.Route {
	filters := list("users", "name", "enabled", "domain_id", "idp_id", "protocol_id", "unique_id", "password_expires_at")
	return []rest.Route{
		{On: "GET /v3/users", Rule: "identity:list_users", Target: targetHome("target.domain_id"), List: filters, Do: rest.Do(a.listUsers)},
		{On: "POST /v3/users", Rule: "identity:create_user", Target: newTarget("user"), Body: a.shelf.Get("user.create"), Status: 201, Do: rest.Do(a.createUser)},
		{On: "GET /v3/users/{id}", Rule: "identity:get_user", Target: a.userTarget, Do: rest.Do(a.showUser)},
		{On: "PATCH /v3/users/{id}", Rule: "identity:update_user", Target: a.userTarget, Body: a.shelf.Get("user.update"), Do: rest.Do(a.updateUser)},
		{On: "DELETE /v3/users/{id}", Rule: "identity:delete_user", Target: a.userTarget, Status: 204, Mutates: true, Do: rest.DoNothing(a.deleteUser)},
		{On: "POST /v3/users/{id}/password", Open: true, Body: a.shelf.Get("user.password"), Status: 204, Do: rest.DoNothing(a.changePassword)},
		{On: "GET /v3/users/{id}/groups", Rule: "identity:list_groups_for_user", Target: a.userTarget, List: list("groups", "name", "domain_id"), Do: rest.Do(a.userGroups)},
	}
}

// userTarget is the user of path value id, also known as the owner.
func (a *API) userTarget(c *rest.Call) (policy.Target, error) {
	id := c.PathValue("id")
	t := policy.Target{"user_id": id, "target.user.id": id}
	u, err := seen(a.id.User(c.Context(), id))
	if u != nil {
		t["target.user.domain_id"] = u.DomainID
	}
	return t, err
}

type user struct {
	ID                string          `json:"-" wire:"id"`
	Name              string          `json:"name" wire:"name"`
	DomainID          string          `json:"domain_id" wire:"domain_id"`
	Enabled           bool            `json:"enabled" wire:"enabled"`
	DefaultProjectID  *string         `json:"default_project_id" wire:"default_project_id,,omitempty"`
	PasswordExpiresAt stamp           `json:"-" wire:"password_expires_at"`
	Options           map[string]any  `json:"options" wire:"options"`
	Extra             map[string]any  `json:"-" wire:"*"`
	Links             self            `json:"-" wire:"links"`
	Federated         []federatedUser `json:"federated" wire:"federated,,omitempty"`

	Password *string `json:"password"`
}

type userOut struct {
	User user `wire:"user"`
}

type userBody struct {
	ID   string          `path:"id"`
	User json.RawMessage `json:"user"`
}

func userOf(c *rest.Call, u *keystone.User) user {
	return user{ID: u.ID, Name: u.Name, DomainID: u.DomainID, Enabled: u.Enabled, DefaultProjectID: null(u.DefaultProjectID),
		PasswordExpiresAt: stamp(u.PasswordExpiresAt), Options: options(u.Options), Extra: u.Extra, Links: link(c, "users", u.ID), Federated: federatedOf(u.Federated)}
}

func (w user) to(u *keystone.User) {
	u.Name, u.DomainID, u.Enabled, u.DefaultProjectID = w.Name, w.DomainID, w.Enabled, text(w.DefaultProjectID)
	u.Options, u.Extra, u.Federated = w.Options, w.Extra, federatedTo(w.Federated)
}

func (a *API) userPage(c *rest.Call) (listing.Page[user], error) {
	page, err := a.id.Users(c.Context(), c.List)
	if err == nil {
		err = a.id.WithFederated(c.Context(), page.Items...)
	}
	return listing.Map(page, func(u *keystone.User) user { return userOf(c, u) }), err
}

func (a *API) listUsers(c *rest.Call, _ struct{}) (listing.Page[user], error) {
	inHome(c)
	return a.userPage(c)
}

func (a *API) createUser(c *rest.Call, in userBody) (userOut, error) {
	w := user{Enabled: true}
	if err := merge(in.User, &w); err != nil {
		return userOut{}, err
	}
	if w.DomainID == "" {
		w.DomainID = ownDomain(c)
	}
	u := &keystone.User{}
	w.to(u)
	err := a.id.CreateUser(c.Context(), u, text(w.Password))
	return userOut{userOf(c, u)}, err
}

func (a *API) showUser(c *rest.Call, in idIn) (userOut, error) {
	u, err := a.id.User(c.Context(), in.ID)
	if err == nil {
		err = a.id.WithFederated(c.Context(), u)
	}
	if err != nil {
		return userOut{}, err
	}
	return userOut{userOf(c, u)}, nil
}

func (a *API) updateUser(c *rest.Call, in userBody) (userOut, error) {
	var asked user
	if err := merge(in.User, &asked); err != nil {
		return userOut{}, err
	}
	u, err := a.id.UpdateUser(c.Context(), in.ID, text(asked.Password), func(u *keystone.User) error {
		w := userOf(c, u)
		err := merge(in.User, &w)
		w.to(u)
		u.Unlock = asked.Enabled
		return err
	})
	if err == nil {
		err = a.id.WithFederated(c.Context(), u)
	}
	if err != nil {
		return userOut{}, err
	}
	return userOut{userOf(c, u)}, nil
}

func (a *API) deleteUser(c *rest.Call, in idIn) error { return a.id.DeleteUser(c.Context(), in.ID) }

// changePassword asks for the old password and not for a token, so that a password
// that has expired can still be changed.
func (a *API) changePassword(c *rest.Call, in struct {
	ID   string `path:"id"`
	User struct {
		Original *string `json:"original_password"`
		Password *string `json:"password"`
	} `json:"user"`
}) error {
	if text(in.User.Password) == "" {
		return fault.New(fault.Invalid, "Expecting to find password in user."+blame)
	}
	return a.id.ChangePassword(c.Context(), in.ID, text(in.User.Original), *in.User.Password)
}

func (a *API) userGroups(c *rest.Call, in idIn) (listing.Page[group], error) {
	if _, err := a.id.User(c.Context(), in.ID); err != nil {
		return listing.Page[group]{}, err
	}
	c.List.Where["user_id"] = []string{in.ID}
	keepHome(c)
	return a.groupPage(c)
}
