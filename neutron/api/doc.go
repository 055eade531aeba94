// Package api is neutron's REST: the Networking API v2.0.
//
// Every collection is a resource (resource.go): a table of attributes that says
// what may be given in POST and PUT and how it is read (attr.go, read.go), the
// verbs behind it, and a view. From that come all of its operations: list, show,
// create (one or many), update, delete, and its tags. The attribute tables are the
// schemas of the bodies, as they are in neutron: they reject what is unknown, missing
// or of the wrong kind in neutron's own words, and every attribute that is given is
// asked of the policy by its own rule where there is one ("create_network:shared").
//
// One file per collection; quotas.go, agents.go and extensions.go are what is shaped
// differently.
package api
