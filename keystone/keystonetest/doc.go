// Package keystonetest gives tests someone to be.
//
// Static and People are cheap: tokens known by heart, no database. New is a whole
// identity service on a test's database, bootstrapped, with fast password hashing.
package keystonetest
