// Package oidc is a relying party of OpenID Connect: it sends browsers to a provider
// and reads what they bring back (code flow with PKCE, state and nonce), and it judges
// bearer tokens that programs got from the provider themselves.
//
// What is learnt of someone comes as attributes under the names that Apache's
// mod_auth_openidc gives them, so that mappings written for it go on working. A claim
// "email" is each of OIDC-email, OIDC_CLAIM_email and HTTP_OIDC_EMAIL. Lists have their
// elements as values, true and false are 1 and 0, objects are JSON.
//
// A provider is asked for its configuration when it is first needed. One that does not
// answer delays those who come by it, for a moment, and nobody else.
package oidc
