package rest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"

	"stackd/internal/fault"
	"stackd/internal/policy"
	"stackd/internal/token"
)

// answer is the walk of every request: the gates in order, then the operation.
func (a *API) answer(c *Call) (any, error) {
	for _, pass := range []func(*Call) error{a.text, a.version, a.token, a.route, a.policy, a.bodyGate, a.query} {
		if err := pass(c); err != nil {
			return nil, err
		}
	}
	return c.Route.Do(c)
}

func (a *API) version(c *Call) error {
	c.Version = a.Versions.Min
	if a.Versions.Max == 0 {
		return nil
	}
	s := a.asked(c.Request)
	if s == "" {
		return nil
	}
	if s == "latest" {
		c.Version = a.Versions.Max
		return nil
	}
	v, err := ParseVersion(s)
	if err != nil {
		return fault.New(fault.Invalid, "API Version String %s is of invalid format. Must be of format MajorNum.MinorNum.", s)
	}
	if !a.Versions.Has(v) {
		c.Version = v
		return fault.New(fault.NotAcceptable, "Version %s is not supported by the API. Minimum is %s and maximum is %s.", s, a.Versions.Min, a.Versions.Max).Named("version")
	}
	c.Version = v
	return nil
}

// asked is the microversion named by the request's headers, "" for none.
func (a *API) asked(r *http.Request) string {
	for _, h := range r.Header.Values("Openstack-Api-Version") {
		for _, part := range strings.Split(h, ",") {
			if f := strings.Fields(part); len(f) == 2 && strings.EqualFold(f[0], a.Name) {
				return f[1]
			}
		}
	}
	if a.Legacy != "" {
		return strings.TrimSpace(r.Header.Get(a.Legacy))
	}
	return ""
}

func (a *API) token(c *Call) error {
	for _, r := range c.among {
		if r.Open {
			return nil
		}
	}
	return a.identify(c)
}

func (a *API) identify(c *Call) error {
	who, err := a.who(c)
	if err != nil {
		return err
	}
	if who == nil || !who.MayCall(a.Name, c.Method, c.URL.Path) || !who.BoundTo(c.Request) {
		return fault.New(fault.Unauthorized, "The request you have made requires authentication.")
	}
	c.Who = who
	c.Request = c.Request.WithContext(token.With(c.Context(), who))
	return nil
}

func (a *API) who(c *Call) (*token.Who, error) {
	switch {
	case token.Shown(c.Request) != "":
		return token.Caller(c.Request, a.Tokens)
	case a.Tokenless != nil:
		return a.Tokenless(c)
	}
	return nil, nil
}

// route picks, among the rows that share a pattern, the one for this version and
// this body's action.
func (a *API) route(c *Call) error {
	action := ""
	if c.among[0].Action != "" {
		if err := a.readBody(c, a.MaxBody); err != nil {
			return err
		}
		var err error
		if action, err = actionOf(c.body); err != nil {
			return err
		}
	}
	known := false
	for _, r := range c.among {
		if r.Action != action {
			continue
		}
		known = true
		if (Range{r.Since, r.Until}).Has(c.Version) {
			c.Route = r
			return nil
		}
	}
	if action != "" && !known {
		return fault.New(fault.Invalid, "There is no such action: %s", action)
	}
	return fault.New(fault.NotFound, "The resource could not be found.").Named("version")
}

func actionOf(body json.RawMessage) (string, error) {
	var m map[string]json.RawMessage
	if json.Unmarshal(body, &m) != nil || len(m) != 1 {
		return "", fault.New(fault.Invalid, "Malformed request body")
	}
	for k := range m {
		return k, nil
	}
	return "", nil
}

func (a *API) policy(c *Call) error {
	if c.Route.Rule == "" {
		return nil
	}
	target := c.Own()
	if c.Route.Target != nil {
		var err error
		if target, err = c.Route.Target(c); err != nil {
			return err
		}
	}
	return c.Require(c.Route.Rule, target)
}

// Ask is a Target for rows whose rule looks at path values: name → path value.
func Ask(pairs ...string) func(*Call) (policy.Target, error) {
	return func(c *Call) (policy.Target, error) {
		t := c.Own()
		for i := 0; i+1 < len(pairs); i += 2 {
			t[pairs[i]] = c.PathValue(pairs[i+1])
		}
		return t, nil
	}
}

func (a *API) bodyGate(c *Call) error {
	if c.Route.Stream || c.Method == "GET" || c.Method == "HEAD" {
		return nil
	}
	if err := a.readBody(c, cmp.Or(c.Route.MaxBody, a.MaxBody)); err != nil {
		return err
	}
	s := c.Route.Body.at(c.Version)
	if s == nil {
		return nil
	}
	if c.body == nil {
		return a.malformed()
	}
	return s.check(a, c.body)
}

func (a *API) malformed() error {
	if a.Malformed != nil {
		return a.Malformed()
	}
	return fault.New(fault.Invalid, "Malformed request body")
}

func (a *API) readBody(c *Call, most int64) error {
	if c.body != nil || c.Request.Body == nil {
		return nil
	}
	most = cmp.Or(most, 114688)
	if c.ContentLength > most {
		return tooLarge(most)
	}
	b, err := io.ReadAll(http.MaxBytesReader(c.W, c.Request.Body, most))
	if e := (*http.MaxBytesError)(nil); errors.As(err, &e) {
		return tooLarge(most)
	}
	if err != nil {
		return fault.New(fault.Invalid, "The request's body ended too early.").Because(err)
	}
	if len(bytes.TrimSpace(b)) == 0 {
		return nil
	}
	if !json.Valid(b) {
		return a.malformed()
	}
	if holdsNUL(b) {
		return fault.New(fault.Invalid, "Invalid input: the request body holds a NUL character.")
	}
	c.body = b
	return nil
}

func tooLarge(most int64) error {
	return fault.New(fault.TooLarge, "Request is too large. Larger than max_request_body_size (%d).", most).Named("body")
}
