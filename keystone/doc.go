// Package keystone is identity: who someone is, what they may do, and where the
// services are.
//
// Read the things first, each its own file with its rules and its verbs:
// project.go (domains too), user.go, group.go, role.go, assignment.go, catalog.go,
// credential.go, appcred.go, trust.go, limit.go. Then sign-in: auth.go turns
// proof into a session, fernet.go a session into a token, session.go a token back
// into a session, and password.go keeps hashing from holding up the rest.
// identity.go is Identity itself, needs.go what it asks of its Store.
//
// What operators ask for besides: compliance.go and lockout.go (rules for passwords
// and those who have them), scheme.go (how passwords are hashed), jws.go (signed
// tokens), limitmodel.go, endpointpolicy.go, and audit.go: every change and every
// sign-in is an event, which is kept in the transaction of the change.
//
// A token is checked without a database read: a session once worked out is
// remembered until anything changes that could make it untrue. Whoever makes such
// a change calls Identity.changed inside its transaction; after the commit every
// control plane forgets all sessions at once.
package keystone
