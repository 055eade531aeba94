// Package peers is what several control planes of one cloud agree on, by rows that all
// of them see: who holds the one address that clients use (Hold), and which servers are
// the members of OVN's clustered databases, so that one that lost its disk is let in
// again and the one it was before is put out (Store's members; agent/daemon asks).
//
// Read hold.go first; the rows are peers/store's.
package peers
