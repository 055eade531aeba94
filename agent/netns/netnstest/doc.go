// Package netnstest runs a package's tests in a network namespace of their own,
// which stands for the host: the machine's own network is left alone.
package netnstest
