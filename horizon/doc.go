// Package horizon is the dashboard: a browser's client of the public APIs, and the
// little that such a client needs from the server: a session, a proxy, and its files.
//
// The session is a sealed cookie that script cannot read; in it is the token that the
// proxy shows to the services. Nothing is kept on the server, so any control plane
// answers any request; a session ends with its token, which every service checks.
//
// Read horizon.go (what is served where), session.go, signin.go, scope.go, proxy.go,
// guard.go (what keeps strangers out) and assets.go. web/ is the client itself, in
// TypeScript; make build puts it into dist/.
package horizon
