package oidc

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/url"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// A Pending is a browser's sign-in under way. It is a secret between this cloud and
// the browser: whoever has it can finish the sign-in.
type Pending struct {
	State, Nonce, Verifier string
}

// Start is where to send a browser, which the provider sends back to redirect.
func (p *Party) Start(redirect string) (string, Pending, error) {
	found, err := p.discover()
	if err != nil {
		return "", Pending{}, err
	}
	w := Pending{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier()}
	return p.oauth(found, redirect).AuthCodeURL(w.State, oidc.Nonce(w.Nonce), oauth2.S256ChallengeOption(w.Verifier)), w, nil
}

// Finish is what the provider says of whom it sent back with these values.
func (p *Party) Finish(ctx context.Context, redirect string, w Pending, back url.Values) (map[string][]string, error) {
	if e := back.Get("error"); e != "" {
		return nil, fmt.Errorf("the provider refused: %q %q", e, back.Get("error_description"))
	}
	if w.State == "" || subtle.ConstantTimeCompare([]byte(w.State), []byte(back.Get("state"))) != 1 {
		return nil, errors.New("the state is another's")
	}
	found, err := p.discover()
	if err != nil {
		return nil, err
	}
	// RFC 9207: a provider that names itself must be the one that was asked.
	if iss := back.Get("iss"); iss != "" && iss != p.set.Issuer {
		return nil, errors.New("the answer is of another provider")
	}
	t, err := p.oauth(found, redirect).Exchange(p.with(ctx), back.Get("code"), oauth2.VerifierOption(w.Verifier))
	if err != nil {
		return nil, fmt.Errorf("the code is not taken: %w", err)
	}
	raw, _ := t.Extra("id_token").(string)
	id, err := found.Verifier(&oidc.Config{ClientID: p.set.ClientID}).Verify(p.with(ctx), raw)
	if err != nil {
		return nil, fmt.Errorf("the ID token is no good: %w", err)
	}
	if subtle.ConstantTimeCompare([]byte(w.Nonce), []byte(id.Nonce)) != 1 {
		return nil, errors.New("the ID token was made for another sign-in")
	}
	claims := map[string]any{}
	if found.UserInfoEndpoint() != "" {
		if err := p.userInfo(ctx, found, t, id.Subject, claims); err != nil {
			return nil, err
		}
	}
	if err := id.Claims(&over{claims}); err != nil {
		return nil, err
	}
	return attributes(claims), nil
}

// userInfo adds what the provider says of the token's user, who must be the subject
// unless that is "".
func (p *Party) userInfo(ctx context.Context, found *oidc.Provider, t *oauth2.Token, subject string, claims map[string]any) error {
	u, err := found.UserInfo(p.with(ctx), oauth2.StaticTokenSource(t))
	if err != nil {
		return fmt.Errorf("the provider does not tell of the user: %w", err)
	}
	if u.Subject == "" || subject != "" && u.Subject != subject {
		return errors.New("the provider tells of another user")
	}
	return u.Claims(&over{claims})
}
