// Package ovn is the fabric of real packets: the only writer of OVN's northbound
// database.
//
// nb.go is the tables of OVN that are used, nothing more. desired.go and its
// neighbours (switch.go, router.go, group.go) say, as a pure function of the rows,
// what should be in them. diff.go finds what has to change. fabric.go is told what
// has changed, session.go keeps a view of both databases, reconciles, sweeps slowly,
// and tells neutron which ports are up.
//
// Every row has a UUID made of what it is for, so that rows may point at each other
// before they exist, and external_ids:stackd:owner, the key ("network/ID") it is
// reconciled under. Rows without it are others' and are left alone.
package ovn
