// Package fetch reads addresses that users name, and only those: it never reaches
// what lies inside the cloud, whatever name, spelling or redirect leads there.
//
// The text of an address is checked first (scheme, host, port, odd spellings of
// numbers); then the address that a name turned out to be, at the moment of
// connecting to it. There is no moment between the two to change it in.
package fetch
