// Package placement keeps what there is of resources, and who has taken what.
//
// A Provider (a compute host, say) has an Inventory per resource class; a
// Consumer (a server) has Allocations of providers. Read provider.go for what
// the things are, placement.go for the verbs, and candidates.go for the search
// "who can take this?". Capacity is checked and taken in one transaction, so two
// claims can never both get the last of something.
package placement
