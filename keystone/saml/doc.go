// Package saml speaks SAML 2 both ways. As a service provider it sends browsers to an
// identity provider and judges the responses that they or programs (ECP) bring back:
// signature, issuer, audience, recipient, times, and what was asked. As an identity
// provider it signs assertions of this cloud's users for other clouds.
//
// What is said of someone comes as attributes under their names and friendly names,
// and both with MELLON_ before, as Apache's modules have them. The issuer is MELLON_IDP
// and Shib-Identity-Provider, the subject's name NAME_ID, MELLON_NAME_ID and REMOTE_USER.
//
// That a response is used once is for the caller to see to: Said carries its id.
package saml
