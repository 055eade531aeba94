package keystone

import (
	"time"
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
}
