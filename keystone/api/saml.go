package api

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"strings"

	"stackd/internal/fault"
	"stackd/internal/rest"
	"stackd/keystone"
)

const (
	paos = "application/vnd.paos+xml"
	most = 1 << 20 // bytes of a SAML message
)

// This cloud as another's identity provider.
func (a *API) samlRows() []rest.Route {
	body := a.shelf.Get("federation.assertion")
	return []rest.Route{
		{On: "GET /v3/OS-FEDERATION/saml2/metadata", Open: true, Do: rest.Do(a.issuerMetadata)},
		{On: "POST " + websso + "/saml2", Open: true, Body: body, Do: rest.Do(a.vouch)},
		{On: "POST " + websso + "/saml2/ecp", Open: true, Body: body, Do: rest.Do(a.vouchECP)},
	}
}

func isPAOS(header string) bool { return strings.Contains(header, paos) }

func xml(c *rest.Call, text []byte, err error) (any, error) {
	return plainXML(c, "text/xml", text, err)
}

func plainXML(c *rest.Call, kind string, text []byte, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	c.W.Header().Set("Content-Type", kind)
	c.W.WriteHeader(http.StatusOK)
	_, err = c.W.Write(text)
	return rest.Written{Status: http.StatusOK}, err
}

func (a *API) issuerMetadata(c *rest.Call, _ struct{}) (any, error) {
	b, err := a.id.IssuerMetadata(c.Context())
	return xml(c, b, err)
}

func (a *API) serviceMetadata(c *rest.Call, in protocolIn) (any, error) {
	b, err := a.id.ServiceMetadata(c.Context(), in.IdP, in.ID)
	return xml(c, b, err)
}

type vouchIn struct {
	Auth struct {
		Identity struct {
			Token idOnly `json:"token"`
		} `json:"identity"`
		Scope struct {
			Provider idOnly `json:"service_provider"`
		} `json:"scope"`
	} `json:"auth"`
}

type idOnly struct {
	ID string `json:"id"`
}

func (a *API) vouch(c *rest.Call, in vouchIn) (any, error) { return a.vouchBy(c, in, a.id.Vouch) }

func (a *API) vouchECP(c *rest.Call, in vouchIn) (any, error) { return a.vouchBy(c, in, a.id.VouchECP) }

func (a *API) vouchBy(c *rest.Call, in vouchIn, by func(ctx context.Context, token, provider string) ([]byte, *keystone.ServiceProvider, error)) (any, error) {
	b, p, err := by(c.Context(), in.Auth.Identity.Token.ID, in.Auth.Scope.Provider.ID)
	if err == nil {
		c.W.Header().Set("X-Sp-Url", p.SPURL)
		c.W.Header().Set("X-Auth-Url", p.AuthURL)
	}
	return xml(c, b, err)
}

// message reads a request's body, up to a bound.
func message(c *rest.Call) ([]byte, error) {
	b, err := io.ReadAll(http.MaxBytesReader(c.W, c.Request.Body, most))
	if e := (*http.MaxBytesError)(nil); errors.As(err, &e) {
		return nil, fault.New(fault.TooLarge, "The message is larger than %d bytes.", most)
	}
	if err != nil {
		return nil, fault.New(fault.Invalid, "The request's body ended too early.").Because(err)
	}
	return b, nil
}

// askProgram hands a program what it takes to the identity provider.
func (a *API) askProgram(c *rest.Call, in protocolIn) (any, error) {
	b, err := a.id.AskByProgram(c.Context(), in.IdP, in.ID)
	return plainXML(c, paos, b, err)
}

// byProgram takes what a program brings from the identity provider.
func (a *API) byProgram(c *rest.Call, in protocolIn) (any, error) {
	b, err := message(c)
	if err != nil {
		return nil, err
	}
	s, t, err := a.id.SignInByProgram(c.Context(), in.IdP, in.ID, b)
	if err != nil {
		return nil, err
	}
	c.W.Header().Set("X-Subject-Token", t)
	return a.token(c, s)
}

// finishBySAML takes the response that a browser posts, sent by the identity provider.
func (a *API) finishBySAML(c *rest.Call, in protocolIn) (any, error) {
	c.Request.Body = http.MaxBytesReader(c.W, c.Request.Body, most)
	if err := c.ParseForm(); err != nil {
		return nil, fault.New(fault.Invalid, "The form cannot be read.").Because(err)
	}
	response, err := base64.StdEncoding.DecodeString(c.PostForm.Get("SAMLResponse"))
	if err != nil {
		return nil, fault.New(fault.Invalid, "SAMLResponse is no base64.").Because(err)
	}
	name := keystone.CookieOf(c.PostForm.Get("RelayState"))
	k, err := c.Cookie(name)
	if err != nil {
		return nil, keystone.Unauthorized("the browser brings no cookie of this sign-in")
	}
	http.SetCookie(c.W, a.cookie(name, "", -1, false))
	origin, token, err := a.id.FinishWebSSOBySAML(c.Context(), in.IdP, in.ID, k.Value, response)
	if err != nil {
		return nil, err
	}
	return handOver(c, origin, token)
}
