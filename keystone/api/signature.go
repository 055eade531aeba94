package api

import (
	"context"
	"encoding/json"

	"stackd/internal/fault"
	"stackd/internal/rest"
	"stackd/internal/token"
	"stackd/keystone"
)

func (a *API) signatureRows() []rest.Route {
	body := a.shelf.Get("signature.tokens")
	return []rest.Route{
		{On: "POST /v3/ec2tokens", Rule: "identity:ec2tokens_validate", Target: nobody, Body: body, Do: rest.Do(a.ec2Token)},
		{On: "POST /v3/s3tokens", Rule: "identity:s3tokens_validate", Target: nobody, Body: body, Do: rest.Do(a.s3Token)},
	}
}

// doorkeeper lets nobody in with a token made by signature: such a token is for the
// service that had the signature checked. Nor does it know ended tokens: no service
// calls identity for its user.
type doorkeeper struct{ id *keystone.Identity }

func (d doorkeeper) Check(ctx context.Context, t string) (*token.Who, error) {
	w, err := d.id.Check(ctx, t)
	if err == nil && keystone.ByKey(w) {
		return nil, keystone.Unauthorized("a token made by signature is not for identity itself")
	}
	return w, err
}

type signedIn struct {
	Access    string            `json:"access"`
	Signature string            `json:"signature"`
	Token     string            `json:"token"`
	Verb      string            `json:"verb"`
	Host      string            `json:"host"`
	Path      string            `json:"path"`
	BodyHash  string            `json:"body_hash"`
	Params    map[string]string `json:"params"`
	Headers   map[string]string `json:"headers"`
}

// signatureIn is the request that was signed, under any of its three names.
type signatureIn struct {
	Credentials    *signedIn `json:"credentials"`
	Credential     *signedIn `json:"credential"`
	EC2Credentials *signedIn `json:"ec2Credentials"`
}

func (in signatureIn) signed() (keystone.Signed, error) {
	for _, s := range []*signedIn{in.Credentials, in.Credential, in.EC2Credentials} {
		if s != nil && s.Access != "" {
			return keystone.Signed{Access: s.Access, Signature: s.Signature, Token: s.Token, Verb: s.Verb, Host: s.Host, Path: s.Path,
				BodyHash: s.BodyHash, Params: s.Params, Headers: s.Headers}, nil
		}
	}
	return keystone.Signed{}, fault.New(fault.Unauthorized, "EC2 Signature not supplied")
}

func (a *API) ec2Token(c *rest.Call, in signatureIn) (json.RawMessage, error) {
	return a.bySignature(c, in, a.id.SignInByEC2)
}

func (a *API) s3Token(c *rest.Call, in signatureIn) (json.RawMessage, error) {
	return a.bySignature(c, in, a.id.SignInByS3)
}

func (a *API) bySignature(c *rest.Call, in signatureIn, signIn func(context.Context, keystone.Signed) (*keystone.Session, string, error)) (json.RawMessage, error) {
	signed, err := in.signed()
	if err != nil {
		return nil, err
	}
	s, t, err := signIn(c.Context(), signed)
	if err != nil {
		return nil, err
	}
	c.W.Header().Set("X-Subject-Token", t)
	return a.token(c, s)
}
