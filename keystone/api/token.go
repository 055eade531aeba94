package api

import (
	"encoding/json"
	"slices"
	"time"

	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/policy"
	"stackd/internal/rest"
	"stackd/internal/token"
	"stackd/keystone"
)

func (a *API) tokenRows() []rest.Route {
	return []rest.Route{
		{On: "POST /v3/auth/tokens", Open: true, Body: a.shelf.Get("auth.tokens"), Status: 201, Do: rest.Do(a.issue)},
		{On: "GET /v3/auth/tokens", Rule: "identity:validate_token", Target: a.subjectTarget, Do: rest.Do(a.validate)},
		{On: "DELETE /v3/auth/tokens", Rule: "identity:revoke_token", Target: a.subjectTarget, Status: 204, Mutates: true, Do: rest.DoNothing(a.revoke)},
		{On: "GET /v3/auth/catalog", Rule: "identity:get_auth_catalog", Target: nobody, Do: rest.Do(a.authCatalog)},
		{On: "GET /v3/auth/projects", Rule: "identity:get_auth_projects", Target: nobody, List: list("projects", "name", "enabled", "domain_id"), Do: rest.Do(a.authProjects)},
		{On: "GET /v3/auth/domains", Rule: "identity:get_auth_domains", Target: nobody, List: list("domains", "name", "enabled"), Do: rest.Do(a.authDomains)},
		{On: "GET /v3/auth/system", Rule: "identity:get_auth_system", Target: nobody, Do: rest.Do(a.authSystem)},
		{On: "GET /v3/OS-REVOKE/events", Rule: "identity:list_revoke_events", Target: nobody, Do: rest.Do(a.revocations)},
	}
}

// stamp is a time as keystone writes it; zero is null.
type stamp time.Time

func (s stamp) MarshalJSON() ([]byte, error) {
	t := time.Time(s)
	if t.IsZero() {
		return []byte("null"), nil
	}
	return json.Marshal(t.UTC().Format("2006-01-02T15:04:05.000000Z"))
}

func (s *stamp) UnmarshalJSON(b []byte) error {
	var t *string
	if err := json.Unmarshal(b, &t); err != nil || t == nil || *t == "" {
		*s = stamp{}
		return err
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999"} {
		if at, err := time.Parse(layout, *t); err == nil {
			*s = stamp(at.UTC().Truncate(time.Microsecond))
			return nil
		}
	}
	return fault.New(fault.Invalid, "%s is not a time", *t)
}

type ref struct {
	ID   string `wire:"id"`
	Name string `wire:"name"`
}

func refOf(r token.Ref) ref { return ref{r.ID, r.Name} }

type homed struct {
	Domain ref    `wire:"domain"`
	ID     string `wire:"id"`
	Name   string `wire:"name"`
}

type bearer struct {
	homed
	PasswordExpiresAt *stamp          `wire:"password_expires_at,,omitempty"`
	Federated         *federatedToken `wire:"OS-FEDERATION,,omitempty"`
}

type tokenView struct {
	Methods   []string        `wire:"methods"`
	User      bearer          `wire:"user"`
	AuditIDs  []string        `wire:"audit_ids"`
	ExpiresAt stamp           `wire:"expires_at"`
	IssuedAt  stamp           `wire:"issued_at"`
	Project   *homed          `wire:"project,,omitempty"`
	IsDomain  *bool           `wire:"is_domain,,omitempty"`
	Domain    *ref            `wire:"domain,,omitempty"`
	System    map[string]bool `wire:"system,,omitempty"`
	Roles     []ref           `wire:"roles,,omitempty"`
	Catalog   *[]entryView    `wire:"catalog,,omitempty"`
	AppCred   *tokenAppCred   `wire:"application_credential,,omitempty"`
	Trust     map[string]any  `wire:"OS-TRUST:trust,,omitempty"`
	OAuth2    map[string]any  `wire:"oauth2_credential,,omitempty"`
	OAuth1    map[string]any  `wire:"OS-OAUTH1,,omitempty"`

	ServiceProviders []serviceProviderRef `wire:"service_providers,,omitempty"`
}

type tokenAppCred struct {
	ID         string           `wire:"id"`
	Name       string           `wire:"name"`
	Restricted bool             `wire:"restricted"`
	Rules      []accessRuleView `wire:"access_rules,,omitempty"`
}

type tokenOut struct {
	Token tokenView `wire:"token"`
}

// token is the page of a token, JSON already.
func (a *API) token(c *rest.Call, s *keystone.Session) (json.RawMessage, error) {
	full := !c.Values().Has("nocatalog")
	return s.Page(full, func() ([]byte, error) {
		out, err := a.tokenPage(c, s, full)
		if err != nil {
			return nil, err
		}
		return rest.Render(out)
	})
}

func (a *API) tokenPage(c *rest.Call, s *keystone.Session, full bool) (tokenOut, error) {
	w := s.Who
	v := tokenView{Methods: w.Methods, User: bearerOf(s),
		AuditIDs: w.AuditIDs, ExpiresAt: stamp(w.ExpiresAt), IssuedAt: stamp(w.IssuedAt.Truncate(time.Second))}
	if err := a.serviceProvidersOf(c, &v); err != nil {
		return tokenOut{}, err
	}
	switch w.Scope() {
	case "":
		return tokenOut{v}, nil
	case "project":
		v.Project, v.IsDomain = &homed{refOf(w.ProjectDomain), w.Project.ID, w.Project.Name}, &w.IsDomain
	case "domain":
		d := refOf(w.Domain)
		v.Domain = &d
	case "system":
		v.System = map[string]bool{"all": true}
	}
	for _, r := range w.Roles {
		v.Roles = append(v.Roles, refOf(r))
	}
	delegated(&v, s)
	if w.Thumbprint != "" {
		v.OAuth2 = map[string]any{"x5t#S256": w.Thumbprint}
	}
	if !full {
		return tokenOut{v}, nil
	}
	entries, err := a.catalog(c, w)
	v.Catalog = &entries
	return tokenOut{v}, err
}

func delegated(v *tokenView, s *keystone.Session) {
	if a := s.AppCred; a != nil {
		v.AppCred = &tokenAppCred{ID: a.ID, Name: a.Name, Restricted: a.Unrestricted == nil || !*a.Unrestricted, Rules: accessRules(a.Rules)}
	}
	if t := s.Access; t != nil {
		v.OAuth1 = map[string]any{"access_token_id": t.ID, "consumer_id": t.ConsumerID}
	}
	if t := s.Trust; t != nil {
		v.Trust = map[string]any{"id": t.ID, "impersonation": t.Impersonation,
			"trustee_user": map[string]any{"id": t.TrusteeID}, "trustor_user": map[string]any{"id": t.TrustorID}}
	}
}

func (a *API) issue(c *rest.Call, in authIn) (json.RawMessage, error) {
	p, err := in.proof()
	if err != nil {
		return nil, err
	}
	w, err := in.wish()
	if err != nil {
		return nil, err
	}
	p.Receipt, p.OAuth, p.Certificate = c.Header.Get("Openstack-Auth-Receipt"), oauthCall(c, ""), token.Certificate(c.Request)
	s, t, err := a.id.SignIn(c.Context(), p, w)
	if err != nil {
		return nil, err
	}
	c.W.Header().Set("X-Subject-Token", t)
	return a.token(c, s)
}

func (a *API) subject(c *rest.Call) (*keystone.Session, error) {
	t := c.Header.Get("X-Subject-Token")
	if t == "" {
		return nil, fault.New(fault.NotFound, "No token in the request")
	}
	expired, _ := rest.Bool(c.Values().Get("allow_expired"))
	return a.id.Session(c.Context(), t, expired)
}

func (a *API) subjectTarget(c *rest.Call) (policy.Target, error) {
	s, err := a.subject(c)
	if err != nil {
		return nil, err
	}
	return policy.Target{"target.token.user_id": s.Who.User.ID}, nil
}

func (a *API) validate(c *rest.Call, _ struct{}) (json.RawMessage, error) {
	s, err := a.subject(c)
	if err != nil {
		return nil, err
	}
	c.W.Header().Set("X-Subject-Token", c.Header.Get("X-Subject-Token"))
	return a.token(c, s)
}

func (a *API) revoke(c *rest.Call, _ struct{}) error {
	s, err := a.subject(c)
	if err != nil {
		return err
	}
	return a.id.Revoke(c.Context(), s)
}

func (a *API) authCatalog(c *rest.Call, _ struct{}) (any, error) {
	if c.Who.Scope() == "" {
		return nil, fault.New(fault.Forbidden, "You are not authorized to perform the requested action: identity:get_auth_catalog.")
	}
	entries, err := a.catalog(c, c.Who)
	return map[string]any{"catalog": entries, "links": self{c.Base() + "/v3/auth/catalog"}}, err
}

func (a *API) authProjects(c *rest.Call, _ struct{}) (listing.Page[project], error) {
	groups, err := a.ownGroups(c)
	if err != nil {
		return listing.Page[project]{}, err
	}
	c.List.Where["user_id"], c.List.Where["group_id"] = []string{c.Who.User.ID}, groups
	c.List.Where["enabled"] = []string{"true"}
	return a.projectPage(c)
}

func (a *API) authDomains(c *rest.Call, _ struct{}) (listing.Page[domain], error) {
	groups, err := a.ownGroups(c)
	if err != nil {
		return listing.Page[domain]{}, err
	}
	ids, err := a.id.Scopes(c.Context(), c.Who.User.ID, "domain", groups...)
	if err != nil || len(ids) == 0 {
		return listing.Page[domain]{}, err
	}
	c.List.Where["id"], c.List.Where["enabled"] = ids, []string{"true"}
	return a.domainPage(c)
}

func (a *API) authSystem(c *rest.Call, _ struct{}) (any, error) {
	groups, err := a.ownGroups(c)
	if err != nil {
		return nil, err
	}
	ids, err := a.id.Scopes(c.Context(), c.Who.User.ID, "system", groups...)
	system := []any{}
	if slices.Contains(ids, "system") {
		system = append(system, map[string]any{"all": true})
	}
	return map[string]any{"system": system, "links": links(c, "")["links"]}, err
}

func (a *API) revocations(c *rest.Call, _ struct{}) (any, error) {
	rs, err := a.id.Revocations(c.Context())
	events := []any{}
	for _, r := range rs {
		name := "audit_id"
		if r.Chain {
			name = "audit_chain_id"
		}
		events = append(events, map[string]any{name: r.AuditID, "issued_before": stamp(r.IssuedBefore), "revoked_at": stamp(r.RevokedAt)})
	}
	return map[string]any{"events": events, "links": links(c, "")["links"]}, err
}
