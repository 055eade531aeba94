// Package ldap is keystone.Directory on an LDAP server, which is only read. The
// settings are those of a domain's section ldap, by the names the real service has
// for them.
//
// settings.go reads the settings, conn.go keeps connections, search.go asks, entry.go
// makes users and groups of what comes back.
package ldap
