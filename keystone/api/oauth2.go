package api

import (
	"net/url"

	"stackd/internal/fault"
	"stackd/internal/rest"
	"stackd/internal/token"
	"stackd/keystone"
)

func (a *API) oauth2Rows() []rest.Route {
	return []rest.Route{{On: "POST /v3/OS-OAUTH2/token", Open: true, Stream: true, Mutates: true, Do: rest.Do(a.oauth2Token)}}
}

// oauth2Error is the name of an error as RFC 6749 has it.
type oauth2Error string

func (e oauth2Error) shape(c *rest.Call, f *fault.Error) any {
	unkept(c)
	return map[string]any{"error": string(e), "error_description": f.Text}
}

// unkept: no cache may keep the answer.
func unkept(c *rest.Call) {
	c.W.Header().Set("Cache-Control", "no-store")
	c.W.Header().Set("Pragma", "no-cache")
}

func oauth2Fault(kind fault.Kind, name, text string) error {
	return fault.New(kind, "%s", text).With(oauth2Error(name))
}

func badClient() error {
	return oauth2Fault(fault.Unauthorized, "invalid_client", "Client authentication failed.")
}

// oauth2Form is the parameters of the request, none of them given twice.
func oauth2Form(c *rest.Call) (url.Values, error) {
	text, err := formBody(c)
	if err != nil {
		return nil, err
	}
	v, err := url.ParseQuery(text)
	for name, values := range v {
		if err == nil && len(values) > 1 {
			return nil, oauth2Fault(fault.Invalid, "invalid_request", "The parameter "+name+" is given more than once.")
		}
	}
	if err != nil {
		return nil, oauth2Fault(fault.Invalid, "invalid_request", "The body is no form.")
	}
	switch grant := v.Get("grant_type"); {
	case !v.Has("grant_type"):
		return nil, oauth2Fault(fault.Invalid, "invalid_request", "The parameter grant_type is required.")
	case grant != "client_credentials":
		return nil, oauth2Fault(fault.Invalid, "unsupported_grant_type", "The parameter grant_type "+grant+" is not supported.")
	}
	return v, nil
}

type oauth2Out struct {
	AccessToken string `wire:"access_token"`
	TokenType   string `wire:"token_type"`
	ExpiresIn   int64  `wire:"expires_in"` // seconds
}

func (a *API) oauth2Token(c *rest.Call, _ struct{}) (out oauth2Out, err error) {
	v, err := oauth2Form(c)
	if err != nil {
		return out, err
	}
	s, t, err := a.oauth2SignIn(c, v)
	if err != nil {
		return out, oauth2Worded(err)
	}
	unkept(c)
	w := s.Who
	return oauth2Out{t, "Bearer", int64(w.ExpiresAt.Sub(w.IssuedAt).Seconds() + 0.999)}, nil
}

// oauth2SignIn is by certificate where there is one, else by the client's secret.
func (a *API) oauth2SignIn(c *rest.Call, v url.Values) (*keystone.Session, string, error) {
	id, secret := v.Get("client_id"), v.Get("client_secret")
	if cert := token.Certificate(c.Request); cert != nil {
		if id == "" {
			return nil, "", badClient()
		}
		return a.id.SignInByCertificate(c.Context(), id, cert)
	}
	if user, password, ok := c.BasicAuth(); ok {
		id, secret = user, password
	}
	if id == "" || secret == "" {
		return nil, "", badClient()
	}
	return a.id.SignIn(c.Context(), keystone.Proof{Methods: []string{"application_credential"}, AppCred: keystone.Named{ID: id}, Secret: secret}, keystone.ScopeWish{})
}

// oauth2Worded is a sign-in's fault in RFC 6749's words.
func oauth2Worded(err error) error {
	f := fault.Of(err)
	if f == nil {
		return err
	}
	if _, done := f.Detail.(oauth2Error); done {
		return err
	}
	switch f.Kind {
	case fault.Unauthorized:
		return fault.New(f.Kind, "%s", f.Text).With(oauth2Error("invalid_client")).Because(f.Unwrap())
	case fault.Invalid:
		return fault.New(f.Kind, "%s", f.Text).With(oauth2Error("invalid_request")).Because(f.Unwrap())
	}
	return fault.New(f.Kind, "An unknown error occurred and failed to get an OAuth2.0 access token.").With(oauth2Error("other_error")).Because(f)
}
