package oidc

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// Settings are what the provider's operator gave us, and what we take from it.
type Settings struct {
	// Protocol is the id of identity's protocol that this is for; "" is any.
	Protocol string `yaml:"protocol"`
	Issuer   string `yaml:"issuer"` // its address, under which it publishes its configuration
	// ClientID and ClientSecret are what it knows this cloud by.
	ClientID     string   `yaml:"client_id"`
	ClientSecret string   `yaml:"client_secret"`
	Scopes       []string `yaml:"scopes"` // besides openid; email and profile when there are none
	// Bearer is how bearer tokens are checked: "jwt" (the usual) by the provider's keys,
	// "introspection" by asking it, "userinfo" by asking for the user. The last cannot
	// tell for whom a token was made: it is for providers that serve this cloud alone.
	Bearer string `yaml:"bearer"`
	// Audiences are for whom bearer tokens may be made, besides ClientID.
	Audiences []string `yaml:"audiences"`
	// IntrospectionURL is where to ask, if the provider does not publish it.
	IntrospectionURL string `yaml:"introspection_url"`
}

// A Party is this cloud as one provider sees it.
type Party struct {
	set    Settings
	client *http.Client

	mu       sync.Mutex
	provider *oidc.Provider
	asked    time.Time
	failed   error
}

// How long answers of the provider are good, and how long its silence is.
const (
	fresh   = time.Hour
	dead    = 10 * time.Second
	timeout = 10 * time.Second
	most    = 1 << 20 // bytes of any answer
)

// New is a party; the provider is not asked yet.
func New(s Settings) *Party {
	if len(s.Scopes) == 0 {
		s.Scopes = []string{"email", "profile"}
	}
	return &Party{set: s, client: &http.Client{Timeout: timeout, Transport: bounded{http.DefaultTransport}}}
}

// bounded reads no more than so much of an answer.
type bounded struct{ http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	out, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		out.Body = limited{io.LimitReader(out.Body, most), out.Body}
	}
	return out, err
}

type limited struct {
	io.Reader
	io.Closer
}

func (p *Party) with(ctx context.Context) context.Context { return oidc.ClientContext(ctx, p.client) }

// discover is the provider's configuration, asked for once an hour. When it is silent
// the old one is good, and without one nobody asks again for a moment.
func (p *Party) discover() (*oidc.Provider, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	age := time.Since(p.asked)
	if p.provider != nil && age < fresh || p.provider == nil && p.failed != nil && age < dead {
		return p.provider, p.failed
	}
	found, err := oidc.NewProvider(p.with(context.Background()), p.set.Issuer)
	p.asked = time.Now()
	if err != nil && p.provider == nil {
		p.failed = fmt.Errorf("the provider %s cannot be asked: %w", p.set.Issuer, err)
		return nil, p.failed
	}
	if err == nil {
		p.provider, p.failed = found, nil
	}
	return p.provider, nil
}

func (p *Party) oauth(found *oidc.Provider, redirect string) *oauth2.Config {
	return &oauth2.Config{ClientID: p.set.ClientID, ClientSecret: p.set.ClientSecret, Endpoint: found.Endpoint(), RedirectURL: redirect,
		Scopes: append([]string{oidc.ScopeOpenID}, p.set.Scopes...)}
}
