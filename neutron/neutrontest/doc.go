// Package neutrontest is a networking on a fresh real database with a fabric that
// only remembers, for the tests of neutron and of those who need it.
package neutrontest
