// Package cloudtest is what programs that test clouds have in common: a client for
// any OpenStack named by the usual OS_* variables, and a cloud of one's own to
// point it at.
package cloudtest
