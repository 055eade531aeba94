package api

import (
	"encoding/json"
	"time"

	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/policy"
	"stackd/internal/rest"
	"stackd/keystone"
)

func (a *API) trustRows() []rest.Route {
	on := "/v3/OS-TRUST/trusts"
	return []rest.Route{
		{On: "GET " + on, Asks: "identity:list_trusts, or list_trusts_for_trustor or _trustee as filtered", List: list("trusts", "trustor_user_id", "trustee_user_id"), Do: rest.Do(a.listTrusts)},
		{On: "POST " + on, Rule: "identity:create_trust", Target: newTrustTarget, Body: a.shelf.Get("trust.create"), Status: 201, Do: rest.Do(a.createTrust)},
		{On: "GET " + on + "/{id}", Rule: "identity:get_trust", Target: a.trustTarget, Do: rest.Do(a.showTrust)},
		{On: "DELETE " + on + "/{id}", Rule: "identity:delete_trust", Target: a.trustTarget, Status: 204, Mutates: true, Do: rest.DoNothing(a.deleteTrust)},
		{On: "GET " + on + "/{id}/roles", Rule: "identity:list_roles_for_trust", Target: a.trustTarget, Do: rest.Do(a.trustRoles)},
		{On: "GET " + on + "/{id}/roles/{role}", Rule: "identity:get_role_for_trust", Target: a.trustTarget, Do: rest.Do(a.trustRole)},
	}
}

func newTrustTarget(c *rest.Call) (policy.Target, error) {
	u, err := c.Peek("trust", "trustor_user_id")
	return policy.Target{"target.trust.trustor_user_id": u}, err
}

func (a *API) trustTarget(c *rest.Call) (policy.Target, error) {
	if c.Who.AppCredID != "" {
		return nil, fault.New(fault.Forbidden, "Using method 'application_credential' is not allowed for managing trusts.")
	}
	t, err := a.id.Trust(c.Context(), c.PathValue("id"))
	if err != nil {
		return nil, err
	}
	return policy.Target{"target.trust.trustor_user_id": t.TrustorID, "target.trust.trustee_user_id": t.TrusteeID}, nil
}

type trust struct {
	ID            string         `json:"-" wire:"id"`
	TrustorID     string         `json:"trustor_user_id" wire:"trustor_user_id"`
	TrusteeID     string         `json:"trustee_user_id" wire:"trustee_user_id"`
	ProjectID     *string        `json:"project_id" wire:"project_id"`
	Impersonation bool           `json:"impersonation" wire:"impersonation"`
	ExpiresAt     stamp          `json:"expires_at" wire:"expires_at"`
	RemainingUses *int64         `json:"remaining_uses" wire:"remaining_uses"`
	Redelegations int64          `json:"-" wire:"redelegation_count"`
	DeletedAt     stamp          `json:"-" wire:"deleted_at"`
	From          *string        `json:"-" wire:"redelegated_trust_id"`
	Roles         []role         `json:"-" wire:"roles,,omitempty"`
	RolesLinks    any            `json:"-" wire:"roles_links,,omitempty"`
	Extra         map[string]any `json:"-" wire:"*"`
	Links         self           `json:"-" wire:"links"`
}

type trustOut struct {
	Trust trust `wire:"trust"`
}

func trustOf(c *rest.Call, t *keystone.Trust) trust {
	return trust{ID: t.ID, TrustorID: t.TrustorID, TrusteeID: t.TrusteeID, ProjectID: null(t.ProjectID), Impersonation: t.Impersonation, ExpiresAt: stamp(t.ExpiresAt),
		RemainingUses: t.RemainingUses, Redelegations: t.Redelegations, DeletedAt: stamp(t.DeletedAt), From: null(t.RedelegatedFrom), Extra: t.Extra, Links: link(c, "OS-TRUST/trusts", t.ID)}
}

// whole adds what a list of trusts leaves out.
func whole(c *rest.Call, t *keystone.Trust) trustOut {
	v := trustOf(c, t)
	for _, r := range t.Roles {
		v.Roles = append(v.Roles, roleOf(c, r))
	}
	v.RolesLinks = map[string]any{"self": v.Links.Self + "/roles", "next": nil, "previous": nil}
	return trustOut{v}
}

func (a *API) listTrusts(c *rest.Call, _ struct{}) (listing.Page[trust], error) {
	none := listing.Page[trust]{}
	trustor, trustee := c.List.First("trustor_user_id"), c.List.First("trustee_user_id")
	t := policy.Target{"target.trust.trustor_user_id": trustor, "target.trust.trustee_user_id": trustee}
	if c.Who.AppCredID != "" {
		return none, fault.New(fault.Forbidden, "Using method 'application_credential' is not allowed for managing trusts.")
	}
	for _, ask := range []struct {
		wanted bool
		rule   string
	}{{trustor != "", "identity:list_trusts_for_trustor"}, {trustee != "", "identity:list_trusts_for_trustee"}, {trustor+trustee == "", "identity:list_trusts"}} {
		if ask.wanted {
			if err := c.Require(ask.rule, t); err != nil {
				return none, err
			}
		}
	}
	page, err := a.id.Trusts(c.Context(), c.List)
	return listing.Map(page, func(t *keystone.Trust) trust { return trustOf(c, t) }), err
}

func (a *API) createTrust(c *rest.Call, in struct {
	Trust json.RawMessage `json:"trust"`
}) (trustOut, error) {
	var w trust
	if err := merge(in.Trust, &w); err != nil {
		if fault.Is(err, fault.Invalid) {
			return trustOut{}, fault.New(fault.Invalid, "Unable to parse expiration time.").Because(err)
		}
		return trustOut{}, err
	}
	var given struct {
		Roles []struct {
			ID   string `json:"id"`
			Name string `json:"name"`
		} `json:"roles"`
		Redelegate bool   `json:"allow_redelegation"`
		Depth      *int64 `json:"redelegation_count"`
	}
	if err := json.Unmarshal(in.Trust, &given); err != nil {
		return trustOut{}, malformed().Because(err)
	}
	for _, ours := range []string{"roles", "allow_redelegation", "redelegation_count", "deleted_at", "redelegated_trust_id"} {
		delete(w.Extra, ours)
	}
	t := &keystone.Trust{TrustorID: w.TrustorID, TrusteeID: w.TrusteeID, ProjectID: text(w.ProjectID), Impersonation: w.Impersonation,
		ExpiresAt: time.Time(w.ExpiresAt), RemainingUses: w.RemainingUses, Extra: w.Extra}
	wish := keystone.TrustWish{Redelegate: given.Redelegate, Depth: given.Depth}
	for _, r := range given.Roles {
		wish.Roles = append(wish.Roles, keystone.Ref{ID: r.ID, Name: r.Name})
	}
	if err := a.id.CreateTrust(c.Context(), c.Who, t, wish); err != nil {
		return trustOut{}, err
	}
	return whole(c, t), nil
}

func (a *API) showTrust(c *rest.Call, in idIn) (trustOut, error) {
	t, err := a.id.Trust(c.Context(), in.ID)
	if err != nil {
		return trustOut{}, err
	}
	return whole(c, t), nil
}

func (a *API) deleteTrust(c *rest.Call, in idIn) error {
	return a.id.DeleteTrust(c.Context(), c.Who, in.ID)
}

func (a *API) trustRoles(c *rest.Call, in idIn) (any, error) {
	t, err := a.id.Trust(c.Context(), in.ID)
	if err != nil {
		return nil, err
	}
	out := []role{}
	for _, r := range t.Roles {
		out = append(out, roleOf(c, r))
	}
	return map[string]any{"roles": out, "links": links(c, "")["links"]}, nil
}

func (a *API) trustRole(c *rest.Call, in struct {
	ID   string `path:"id"`
	Role string `path:"role"`
}) (any, error) {
	t, err := a.id.Trust(c.Context(), in.ID)
	if err != nil {
		return nil, err
	}
	for _, r := range t.Roles {
		if r.ID == in.Role {
			return roleOut{roleOf(c, r)}, nil
		}
	}
	return nil, fault.New(fault.NotFound, "Could not find role: %s.", in.Role)
}
