package keystone

import (
	"time"

	"stackd/keystone/oidc"
	"stackd/keystone/saml"
)

// FederationOptions are the settings of sign-in by the word of others.
type FederationOptions struct {
	// PublicURL is where clients and browsers reach identity, without /v3:
	// https://cloud.example/identity. Identity providers send people back there.
	PublicURL string `yaml:"public_url"`
	// TrustedDashboards are the addresses that a token may be posted to after sign-in
	// by a browser: https://cloud.example/dashboard/auth/websso/. Whole, to the letter.
	TrustedDashboards []string `yaml:"trusted_dashboards"`
	// RemoteIDAttribute is where an assertion names its provider, for protocols that
	// do not say so themselves.
	RemoteIDAttribute string `yaml:"remote_id_attribute"`
	// AuthorizationTTL is how long a provider's word on groups is believed beyond the
	// token it was given for, unless the provider's own says; 0 is not at all.
	AuthorizationTTL time.Duration `yaml:"authorization_ttl"`
	// EntityID is this cloud's name when it vouches for its users to another cloud;
	// without one it is where its SAML metadata is.
	EntityID string `yaml:"entity_id"`
	// IdentityProviders are how each identity provider is reached, by its id.
	IdentityProviders map[string]ProviderOptions `yaml:"identity_providers"`
}

// ProviderOptions are how an identity provider is reached.
type ProviderOptions struct {
	OIDC *oidc.Settings `yaml:"oidc"`
	SAML *saml.Settings `yaml:"saml"`
}
