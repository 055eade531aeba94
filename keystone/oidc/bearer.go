package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// Bearer is what the provider says of whom it gave the token, an access token or an
// ID token.
func (p *Party) Bearer(ctx context.Context, token string) (map[string][]string, error) {
	found, err := p.discover()
	if err != nil {
		return nil, err
	}
	claims := map[string]any{}
	switch p.set.Bearer {
	case "introspection":
		err = p.introspect(ctx, found, token, claims)
	case "userinfo":
		err = p.userInfo(ctx, found, &oauth2.Token{AccessToken: token}, "", claims)
		claims["iss"] = p.set.Issuer
	case "", "jwt":
		err = p.signed(ctx, found, token, claims)
	default:
		err = fmt.Errorf("bearer tokens cannot be checked by %q", p.set.Bearer)
	}
	if err != nil {
		return nil, err
	}
	return attributes(claims), nil
}

// signed: by the provider's signature, issuer, time, and for whom it was made.
func (p *Party) signed(ctx context.Context, found *oidc.Provider, token string, claims map[string]any) error {
	t, err := found.Verifier(&oidc.Config{SkipClientIDCheck: true}).Verify(p.with(ctx), token)
	if err != nil {
		return fmt.Errorf("the token is no good: %w", err)
	}
	if err := t.Claims(&over{claims}); err != nil {
		return err
	}
	return p.forUs(claims)
}

// forUs: a token that was made for somebody else is none of ours, though it be good.
func (p *Party) forUs(claims map[string]any) error {
	for _, a := range append(texts(claims["aud"]), texts(claims["azp"])...) {
		if a == p.set.ClientID || slices.Contains(p.set.Audiences, a) {
			return nil
		}
	}
	return errors.New("the token was made for somebody else")
}

// introspect asks the provider (RFC 7662).
func (p *Party) introspect(ctx context.Context, found *oidc.Provider, token string, claims map[string]any) error {
	where := p.set.IntrospectionURL
	if where == "" {
		var published struct {
			URL string `json:"introspection_endpoint"`
		}
		if err := found.Claims(&published); err != nil || published.URL == "" {
			return errors.New("the provider does not tell where it can be asked for tokens")
		}
		where = published.URL
	}
	if err := p.ask(ctx, where, token, claims); err != nil {
		return err
	}
	if active, _ := claims["active"].(bool); !active {
		return errors.New("the token is not active")
	}
	if exp, ok := claims["exp"].(float64); ok && time.Now().After(time.Unix(int64(exp), 0)) {
		return errors.New("the token has expired")
	}
	if iss, ok := claims["iss"]; ok && iss != p.set.Issuer {
		return errors.New("the token is of another issuer")
	}
	claims["iss"] = p.set.Issuer
	if _, there := claims["azp"]; !there {
		claims["azp"] = claims["client_id"]
	}
	return p.forUs(claims)
}

func (p *Party) ask(ctx context.Context, where, token string, claims map[string]any) error {
	form := url.Values{"token": {token}, "token_type_hint": {"access_token"}}
	r, err := http.NewRequestWithContext(ctx, "POST", where, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	r.SetBasicAuth(url.QueryEscape(p.set.ClientID), url.QueryEscape(p.set.ClientSecret))
	got, err := p.client.Do(r)
	if err != nil {
		return err
	}
	defer got.Body.Close()
	if got.StatusCode != 200 {
		return fmt.Errorf("the provider answers %s when it is asked for a token", got.Status)
	}
	return json.NewDecoder(got.Body).Decode(&claims)
}
